/** What follows from a step's end: the next steps open, each with its turn, in the same transaction. */
import { type Answers, advance, type ProcessEvent, type Progress, type Service } from '#catalogue'
import type { Tx } from '#db'
import { commit } from '#kernel/commitment'
import { type OfficeId, randomId, type TurnId } from '#kernel/id'
import { endOfDay } from '#kernel/time'
import type { Acts } from './acts.ts'
import { dueOn } from './clock.ts'
import type { Deps } from './deps.ts'
import { takeTurn } from './line.ts'
import { coverOf, lockLinesFor } from './lines.ts'
import type { Case, Timer, Turn } from './store.ts'
import type { OpenVault } from './vault.ts'

/** What an event leads to, before anything is written. */
export type Plan = {
  readonly steps: Progress
  readonly opens: readonly { step: string; branch: string | null; office: OfficeId; cover: string }[]
  readonly timers: readonly { step: string; workingDays: number }[]
  /** Steps that somebody outside the desks does. */
  readonly outside: readonly { kind: 'pay' | 'sign'; step: string }[]
  /** How the case ends, when it does: the document is to be made. */
  readonly finish: 'granted' | 'refused' | null
}

/** A step's event without its instant. */
export type StepEvent = ProcessEvent extends infer E ? (E extends ProcessEvent ? Omit<E, 'at'> : never) : never

/** The plan for `event`. Steps that are signed wait for their signers, and those that are paid for their doer; where there is none they are passed at once. */
export function planOf(
  deps: Pick<Deps, 'catalogue' | 'doers'>,
  service: Service,
  progress: Progress,
  event: StepEvent,
  facts: { readonly answers: Answers; readonly today: string; readonly at: string },
): Plan {
  const opens: { step: string; branch: string | null; office: OfficeId; cover: string }[] = []
  const timers: { step: string; workingDays: number }[] = []
  const outside: { kind: 'pay' | 'sign'; step: string }[] = []
  let finish: Plan['finish'] = null
  let steps = progress
  const events: StepEvent[] = [event]
  for (let next = events.shift(); next; next = events.shift()) {
    const done = advance(service.definition, steps, { ...next, at: facts.at } as ProcessEvent, facts)
    steps = done.progress
    for (const c of done.commands) {
      if ('finish' in c) finish = c.result
      else if ('timer' in c) timers.push({ step: c.timer, workingDays: c.workingDays })
      else if (c.kind === 'pay' || c.kind === 'sign') {
        if (c.kind === 'sign' || deps.doers?.pay) outside.push({ kind: c.kind, step: c.open })
        else events.push({ type: 'paid', step: c.open })
      } else {
        const branch = c.branch ?? null
        opens.push({ step: c.open, branch, office: deps.catalogue.officeFor(service, c.unit), cover: coverOf(service.id, c.open, branch) })
      }
    }
  }
  return { steps, opens, timers, outside, finish }
}

/** Hands a plan's outside steps to their doers, after commit. */
export function beginOutside(acts: Acts, c: Case, plan: Pick<Plan, 'outside'>): void {
  for (const { kind, step } of plan.outside) acts.job('cases/begin-step', { kind, place: c.place, caseId: c.id, step })
}

/** Locks the lines that a plan's turns stand in. */
export function lockPlans(tx: Tx, deps: Pick<Deps, 'catalogue' | 'demo'>, acts: Acts, plans: readonly Plan[]): Promise<void> {
  return lockLinesFor(
    tx,
    deps,
    acts,
    plans.flatMap((p) => p.opens),
  )
}

/** Takes the turns of a plan, each told to its holder. `identity` is the CURP or RFC that the holder's commitment carries; `matter` is given with the case's first. Returns the turns and their entries' positions. */
export function takeTurns(
  acts: Acts,
  c: Case,
  plan: Plan,
  identity: string,
  vault: OpenVault,
  matter: string | null = null,
): { turns: Turn[]; entries: number[] } {
  const turns: Turn[] = []
  const entries: number[] = []
  for (const [i, open] of plan.opens.entries()) {
    const line = acts.lineCovering(open.cover)
    if (!line) throw new TypeError(`No line covers ${open.cover}.`)
    const turn = randomId() as TurnId
    const holder = commit({ person: identity, service: c.service, definition: c.definition, filing: c.filing })
    const act = takeTurn(line, { turn, class: c.class, holder: holder.commitment }, acts.now)
    entries.push(acts.act(act))
    const t: Turn = {
      place: c.place,
      line: line.line,
      state: act.turn,
      caseId: c.id,
      step: open.step,
      branch: open.branch,
      applicant: c.applicant,
      // One living turn for one matter: the case's first turn stands for it until the case is over.
      matter: i === 0 ? matter : null,
      takenAt: acts.now,
      calledAt: null,
      touchedAt: null,
      endedAt: null,
      outcome: null,
      opening: vault.seal(`holder/${turn}`, holder.opening),
      toldNear: false,
    }
    acts.addTurn(t)
    acts.tell({ kind: 'taken', place: c.place, caseId: c.id, turn })
    turns.push(t)
  }
  return { turns, entries }
}

/** The timers of a plan's waiting steps, counted from a local date. */
export function stepTimers(deps: Pick<Deps, 'catalogue'>, c: Case, timers: Plan['timers'], from: string): Timer[] {
  const calendar = deps.catalogue.calendarOf(c.office)
  return timers.map((t) => ({
    place: c.place,
    caseId: c.id,
    kind: 'step',
    key: t.step,
    due: endOfDay(dueOn({ unit: 'working-days', count: t.workingDays }, from, calendar), calendar.zone),
  }))
}
