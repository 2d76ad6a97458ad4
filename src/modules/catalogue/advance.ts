import { type Condition, compileCondition, type Names } from './condition.ts'
import type { Definition, Step } from './definition.ts'
import { answerNames } from './names.ts'

/** A step that is being done; of a parallel step one entry for each branch still open. */
export type ActiveStep = { readonly step: string; readonly branch: string | null }

/** How far a case has come. Plain data, without a word of what was answered. */
export type StepsState = {
  readonly active: readonly ActiveStep[]
  /** Result of each finished step; of a branch under `<step>/<branch>`. */
  readonly results: Readonly<Record<string, string>>
  /** How often each bounded way was taken, under `<step>/<place of the way>`. */
  readonly loops: Readonly<Record<string, number>>
}

/** What happened. `submitted` is the filing, or, with a step, the data a later step asked for. */
export type StepEvent =
  | { readonly kind: 'submitted'; readonly step?: string }
  | { readonly kind: 'paid' | 'signed' | 'timer'; readonly step: string }
  | { readonly kind: 'reviewed'; readonly step: string; readonly branch?: string | null; readonly result: 'ok' | 'objection' }
  | { readonly kind: 'decided'; readonly step: string; readonly result: 'granted' | 'refused' }

/** What the caller must do now. */
export type Command =
  /** An office acts: take a turn there. `unit` as `officeFor` takes it; null is the case's own office. */
  | { readonly kind: 'turn'; readonly step: string; readonly branch: string | null; readonly unit: string | null }
  /** The applicant acts. */
  | { readonly kind: 'pay' | 'sign' | 'data'; readonly step: string }
  /** Wait this many working days, then send `timer`. */
  | { readonly kind: 'timer'; readonly step: string; readonly workingDays: number }
  /** Make the document of the last decision; the case is over. */
  | { readonly kind: 'issue'; readonly step: string; readonly result: 'granted' | 'refused' }

const answering: Record<StepEvent['kind'], readonly Step['kind'][]> = {
  submitted: ['data'],
  paid: ['pay'],
  signed: ['sign'],
  timer: ['timer'],
  reviewed: ['review', 'parallel'],
  decided: ['decide'],
}

type Compiled = { readonly steps: ReadonlyMap<string, Step>; readonly ways: ReadonlyMap<string, readonly (Condition | null)[]> }
const compiled = new WeakMap<Definition, Compiled>()

/** The names a way's condition may use. */
export function wayNames(definition: Definition, step: Step): Names {
  const resultsOf = (s: Step): readonly string[] =>
    s.kind === 'decide' ? ['granted', 'refused'] : s.kind === 'review' || s.kind === 'parallel' ? ['ok', 'objection'] : ['done']
  const names: Record<string, Names[string]> = { ...answerNames(definition), result: { type: 'string', options: resultsOf(step) } }
  for (const s of definition.steps) names[`results.${s.id}`] = { type: 'string', options: resultsOf(s) }
  return names
}

/** A way's condition. It may not look at the day: the steps follow from answers and results alone, so that anyone can follow them later. */
export function wayCondition(definition: Definition, step: Step, when: string): Condition {
  return compileCondition(when, wayNames(definition, step), { today: false })
}

function compile(definition: Definition): Compiled {
  let found = compiled.get(definition)
  if (!found) {
    const ways = new Map<string, (Condition | null)[]>()
    for (const step of definition.steps) {
      if ('next' in step) {
        ways.set(
          step.id,
          step.next.map((way) => (way.when === undefined ? null : wayCondition(definition, step, way.when))),
        )
      }
    }
    found = { steps: new Map(definition.steps.map((s) => [s.id, s])), ways }
    compiled.set(definition, found)
  }
  return found
}

/**
 * The next state of a case and what must be done for it; `null` is a case not yet filed. `answers` are those of the filing. An event that answers nothing
 * open changes nothing and asks for nothing, so that one told twice does no harm. For a definition that passed the checker every case
 * comes to an end and this never throws.
 */
export function advance(
  definition: Definition,
  state: StepsState | null,
  event: StepEvent,
  answers: Readonly<Record<string, unknown>>,
): { readonly state: StepsState; readonly commands: readonly Command[] } {
  const first = definition.steps[0]!.id
  const now: StepsState = state ?? { active: [{ step: first, branch: null }], results: {}, loops: {} }
  const { steps } = compile(definition)
  const id = event.step ?? first
  const step = steps.get(id)
  const branch = event.kind === 'reviewed' ? (event.branch ?? null) : null
  const at = now.active.findIndex((a) => a.step === id && a.branch === branch)
  if (!step || at < 0 || !answering[event.kind].includes(step.kind)) return { state: now, commands: [] }

  const active = now.active.filter((_, i) => i !== at)
  const results = { ...now.results }
  const own = event.kind === 'reviewed' || event.kind === 'decided' ? event.result : 'done'
  results[branch === null ? step.id : `${step.id}/${branch}`] = own
  if (step.kind === 'parallel') {
    if (active.some((a) => a.step === step.id)) return { state: { ...now, active, results }, commands: [] }
    results[step.id] = step.branches.every((b) => results[`${step.id}/${b.id}`] === 'ok') ? 'ok' : 'objection'
  }
  return leave(definition, { active, results, loops: now.loops }, step, answers)
}

function leave(definition: Definition, state: StepsState, step: Step, answers: Readonly<Record<string, unknown>>) {
  const { steps, ways } = compile(definition)
  if (!('next' in step)) return { state, commands: [] }
  const values: Record<string, unknown> = { ...answers, result: state.results[step.id] ?? null }
  for (const s of definition.steps) values[`results.${s.id}`] = state.results[s.id] ?? null
  const loops = { ...state.loops }
  const taken = step.next.find((way, i) => {
    const condition = ways.get(step.id)![i]
    // No condition of a way looks at the day, see wayCondition.
    if (condition && !condition.holds({ values, today: '' })) return false
    if (way.atMost === undefined) return true
    const key = `${step.id}/${i}`
    if ((loops[key] ?? 0) >= way.atMost) return false
    loops[key] = (loops[key] ?? 0) + 1
    return true
  })
  // The checker sees to it that the last way always holds.
  const next = taken && steps.get(taken.to)
  if (!next) return { state, commands: [] }

  const entered: ActiveStep[] = []
  const commands: Command[] = []
  switch (next.kind) {
    case 'parallel':
      for (const b of next.branches) {
        entered.push({ step: next.id, branch: b.id })
        commands.push({ kind: 'turn', step: next.id, branch: b.id, unit: b.unit ?? null })
      }
      break
    case 'review':
    case 'decide':
      entered.push({ step: next.id, branch: null })
      commands.push({ kind: 'turn', step: next.id, branch: null, unit: next.unit ?? null })
      break
    case 'timer':
      entered.push({ step: next.id, branch: null })
      commands.push({ kind: 'timer', step: next.id, workingDays: next.workingDays })
      break
    case 'issue':
      commands.push({ kind: 'issue', step: next.id, result: lastDecision(definition, state, step) })
      break
    default:
      entered.push({ step: next.id, branch: null })
      commands.push({ kind: next.kind, step: next.id })
  }
  // A step entered again forgets what it found before: its old results are about another state of the case.
  const results = Object.fromEntries(Object.entries(state.results).filter(([k]) => k !== next.id && !k.startsWith(`${next.id}/`)))
  return { state: { active: [...state.active, ...entered], results, loops }, commands }
}

function lastDecision(definition: Definition, state: StepsState, from: Step): 'granted' | 'refused' {
  if (from.kind === 'decide') return state.results[from.id] === 'granted' ? 'granted' : 'refused'
  // Several decisions on the way (a name, then the licence): one refusal refuses.
  const decided = definition.steps.filter((s) => s.kind === 'decide' && state.results[s.id] !== undefined)
  return decided.length > 0 && decided.every((s) => state.results[s.id] === 'granted') ? 'granted' : 'refused'
}

/** The steps in the order in which they are reached when every review is ok and every decision grants: the way a person is shown. */
export function straightPath(definition: Definition, answers: Readonly<Record<string, unknown>>): string[] {
  const kinds = new Map(definition.steps.map((s) => [s.id, s.kind]))
  const path = [definition.steps[0]!.id]
  let { state, commands } = advance(definition, null, { kind: 'submitted' }, answers)
  // A checked definition ends well before; the bound serves the checker, which also looks at bad ones.
  for (let i = 0; i < 400; i++) {
    for (const c of commands) if (path.at(-1) !== c.step) path.push(c.step)
    const open = state.active[0]
    if (!open) break
    const { step, branch } = open
    const kind = kinds.get(step)!
    const event: StepEvent =
      kind === 'decide'
        ? { kind: 'decided', step, result: 'granted' }
        : kind === 'review' || kind === 'parallel'
          ? { kind: 'reviewed', step, branch, result: 'ok' }
          : { kind: kind === 'pay' ? 'paid' : kind === 'sign' ? 'signed' : kind === 'timer' ? 'timer' : 'submitted', step }
    ;({ state, commands } = advance(definition, state, event, answers))
  }
  return path
}

/** A process as it is drawn: each step once, in the order of the straight path and then the rest, with the ways between. */
export type ProcessPicture = {
  readonly steps: readonly {
    readonly id: string
    readonly kind: Step['kind']
    readonly branches: readonly string[]
    readonly next: readonly { readonly to: string; readonly back: boolean; readonly sometimes: boolean }[]
  }[]
}

/** What a picture of the process needs. `back` marks ways that lead to a step already passed, `sometimes` those that depend on something. */
export function processPicture(definition: Definition): ProcessPicture {
  const order = new Map(definition.steps.map((s, i) => [s.id, i]))
  return {
    steps: definition.steps.map((s) => ({
      id: s.id,
      kind: s.kind,
      branches: s.kind === 'parallel' ? s.branches.map((b) => b.id) : [],
      next: 'next' in s ? s.next.map((w) => ({ to: w.to, back: order.get(w.to)! <= order.get(s.id)!, sometimes: s.next.length > 1 })) : [],
    })),
  }
}
