/** What happens by itself: silence takes effect, a request unanswered lapses, a hold ends, an idle call goes back, an old draft is forgotten. */
import type { Service } from '#catalogue'
import type { Tx } from '#db'
import { minuteMs, minuteStamp } from '#kernel/time'
import { Acts } from './acts.ts'
import { makeDecision } from './decision.ts'
import type { Deps } from './deps.ts'
import { lockPlans, type Plan, takeTurns } from './enact.ts'
import { endTurns, livingTurns } from './filing.ts'
import { resumeTurn, returnTurn } from './line.ts'
import { coverOf } from './lines.ts'
import { passStep } from './outside.ts'
import { signingStep } from './sign.ts'
import type { Case, Timer } from './store.ts'
import * as store from './store.ts'
import type { OpenVault } from './vault.ts'

/** Minutes without a sign of work after which a called turn goes back to its place. */
const idleMinutes = 30

/** Opens the poller: each call does all that is due and says how much that was. Two at once do no harm. */
export function openTimers(deps: Deps): { runDue(): Promise<number>; returnIdle(): Promise<number> } {
  const { db, catalogue, clock, vault } = deps

  async function ended(tx: Tx, c: Case, how: 'silence' | 'lapsed'): Promise<void> {
    const acts = new Acts(clock.now())
    let turns = await livingTurns(tx, acts, c)
    // A stand-in has no service: it lapses and nothing else.
    const service = await catalogue.pinned(c.definition, c.service)
    const entries: number[] = []
    let paper: string | null = null
    if (how === 'silence' && service) {
      const open = await vault.use(tx, c, { person: null, office: c.office, purpose: 'silence' })
      const person = await deps.people.person(tx, c.applicant)
      if (person) {
        if (turns.length === 0) {
          // The term ended while the case waited for a date: no paper without its turn, so the one for the decision is taken now and ends with it.
          const taken = await takeDecisionTurn(tx, acts, c, service, person.identities[0]?.value ?? '', open)
          turns = taken.turns
          entries.push(...taken.entries)
        }
        const first = turns[0]!
        const result = service.definition.silence.means === 'affirmative' ? 'granted' : 'refused'
        const made = makeDecision(deps, {
          c,
          service,
          person,
          turn: first,
          vault: open,
          how: 'silence',
          result,
          reasons: [],
          note: '',
          now: acts.now,
        })
        paper = made.paper.commitment
        await store.insertDecision(tx, made.row)
        await deps.mandates.noteResult(tx, c.reference, result)
        entries.push(
          acts.entry({
            v: 1,
            type: 'case.decided',
            at: minuteStamp(acts.now),
            case: c.pseudonym,
            how: 'silence',
            due: c.dueOn!,
            commitment: made.decided.commitment,
          }),
        )
      }
    }
    entries.push(...(await endTurns(tx, acts, c, turns, how, paper)))
    acts.case({ ...c, state: how === 'silence' ? 'decided' : 'lapsed', endedAt: acts.now })
    acts.event({
      place: c.place,
      caseId: c.id,
      at: acts.now,
      kind: how,
      turn: turns[0]?.state.turn ?? null,
      desk: null,
      data: service ? { means: service.definition.silence.means } : {},
      sealed: null,
      entries,
    })
    // No act on a turn tells it: the turn had left with a withdrawal that was undone and not answered.
    if (how === 'lapsed' && turns.length === 0) acts.tell({ kind: 'lapsed-away', place: c.place, caseId: c.id })
    acts.clearTimers(c, ['silence', 'answer', 'agency', 'step', 'sign'])
    if (how === 'silence') acts.job('cases/attach-proof', { place: c.place, caseId: c.id })
    await acts.write(tx, deps)
  }

  /** Takes the turn of the case's decision, whatever step it is at. */
  async function takeDecisionTurn(tx: Tx, acts: Acts, c: Case, service: Service, identity: string, open: OpenVault) {
    const step = service.definition.steps.find((s) => s.kind === 'decide')!
    const office = catalogue.officeFor(service, step.unit)
    const plan: Plan = {
      steps: c.steps as Plan['steps'],
      opens: [{ step: step.id, branch: null, office, cover: coverOf(c.service, step.id, null) }],
      timers: [],
      outside: [],
      finish: null,
    }
    await lockPlans(tx, deps, acts, [plan])
    return takeTurns(acts, c, plan, identity, open)
  }

  const due: Record<Timer['kind'], (tx: Tx, c: Case, timer: Timer) => Promise<void>> = {
    async silence(tx, c) {
      // Until it is signed nothing was asked of the office: its term does not run.
      const service = await catalogue.pinned(c.definition, c.service)
      if (c.state === 'open' && !(service && signingStep(c, service))) await ended(tx, c, 'silence')
    },
    async answer(tx, c) {
      if (c.state === 'asked') await ended(tx, c, 'lapsed')
    },
    async agency(tx, c, timer) {
      const acts = new Acts(clock.now())
      const t = (await livingTurns(tx, acts, c)).find((x) => x.state.turn === timer.key)
      if (t?.state.state !== 'held') return
      const back = resumeTurn(acts.line(t.line), t.state, null, acts.now)
      acts.turn(t, back.turn)
      acts.case(c)
      acts.event({
        place: c.place,
        caseId: c.id,
        at: acts.now,
        kind: 'resumed',
        turn: t.state.turn,
        desk: null,
        data: { reason: 'agency' },
        sealed: null,
        entries: [acts.act(back)],
      })
      acts.tell({ kind: 'resumed', place: c.place, caseId: c.id, turn: t.state.turn })
      await acts.write(tx, deps)
    },
    async draft(tx, c) {
      if (c.state === 'draft') await store.deleteDraft(tx, c, deps.clock.now())
    },
    async sign(tx, c, timer) {
      const service = await catalogue.pinned(c.definition, c.service)
      if (service && signingStep(c, service)?.step === timer.key) await ended(tx, c, 'lapsed')
    },
    step: (tx, c, timer) => passStep(tx, deps, c, { type: 'timer', step: timer.key }),
  }

  return {
    /** Throws an AggregateError of what failed, after all the rest was done: one case that is broken must not stop the clock of the others. */
    async runDue() {
      let done = 0
      const failed: unknown[] = []
      for (;;) {
        const timers = await store.dueTimers(db, clock.now(), failed.length)
        for (const timer of timers) {
          try {
            await db.tx(async (tx) => {
              const c = await store.lockCase(tx, timer.place, timer.caseId)
              // Taken off first: under the case's lock another poller finds it gone.
              if (!(await store.takeTimer(tx, timer)) || !c) return
              await due[timer.kind](tx, c, timer)
              done++
            })
          } catch (error) {
            failed.push(error)
          }
        }
        if (timers.length > 0) continue
        if (failed.length > 0) throw new AggregateError(failed, `${failed.length} timers failed; ${done} were done.`)
        return done
      }
    },

    async returnIdle() {
      const before = new Date(clock.now().getTime() - idleMinutes * minuteMs)
      let done = 0
      const failed: unknown[] = []
      for (const idle of await store.idleCalls(db, before)) {
        const gone = db.tx(async (tx) => {
          const c = await store.lockCase(tx, idle.place, idle.caseId)
          if (!c) return
          const acts = new Acts(clock.now())
          const t = (await livingTurns(tx, acts, c)).find((x) => x.state.turn === idle.state.turn)
          if (t?.state.state !== 'called' || !t.touchedAt || t.touchedAt >= before) return
          const desk = await store.lockDesk(tx, t.place, t.state.desk!)
          if (!desk) return
          const back = returnTurn(acts.line(t.line), desk.state, t.state, 'idle', acts.now)
          acts.desk(desk, back.desk)
          acts.turn(t, back.turn, { calledAt: null, touchedAt: null })
          acts.case(c)
          acts.event({
            place: c.place,
            caseId: c.id,
            at: acts.now,
            kind: 'returned',
            turn: t.state.turn,
            desk: desk.state.desk,
            data: { reason: 'idle' },
            sealed: null,
            entries: [acts.act(back)],
          })
          acts.tell({ kind: 'returned', place: c.place, caseId: c.id, turn: t.state.turn, data: { reason: 'idle' } })
          await acts.write(tx, deps)
          done++
        })
        await gone.catch((error) => failed.push(error))
      }
      if (failed.length > 0) throw new AggregateError(failed, `${failed.length} idle calls could not go back; ${done} did.`)
      return done
    },
  }
}
