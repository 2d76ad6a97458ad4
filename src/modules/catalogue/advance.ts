import { type Condition, compileCondition, type Names } from './condition.ts'
import type { Definition, Step } from './definition.ts'
import { answerNames } from './names.ts'
import type { Answers } from './questions/index.ts'

/** A step that is being done, since when (an instant as the caller writes them); of a parallel step one entry for each branch still open. */
export type ActiveStep = { readonly step: string; readonly branch?: string; readonly opened: string }

/** How far a case has come. Plain data, without a word of what was answered. */
export type Progress = {
  readonly active: readonly ActiveStep[]
  /** Result of each finished step; of a branch under `<step>/<branch>`. */
  readonly results: Readonly<Record<string, string>>
  /** How often each bounded way was taken, under `<step>/<place of the way>`. */
  readonly loops: Readonly<Record<string, number>>
}

/** What happened. `at` is the instant, as the caller writes them. */
export type ProcessEvent =
  | { readonly type: 'submitted' | 'paid' | 'signed' | 'timer'; readonly step: string; readonly at: string }
  | { readonly type: 'reviewed'; readonly step: string; readonly branch?: string; readonly result: 'ok' | 'objection'; readonly at: string }
  | { readonly type: 'decided'; readonly step: string; readonly result: 'granted' | 'refused'; readonly at: string }

/** What the caller must do now. */
export type Command =
  /** Open a turn or a task: `unit` as `officeFor` takes it, absent the case's own office. */
  | {
      readonly open: string
      readonly kind: 'data' | 'pay' | 'sign' | 'review' | 'decide'
      readonly branch?: string
      readonly unit?: string
    }
  /** Wait this many working days, then send `timer`. */
  | { readonly timer: string; readonly workingDays: number }
  /** Make the document of the last decision; the case is over. */
  | { readonly finish: string; readonly result: 'granted' | 'refused' }

/** What the ways' conditions look at beside results: the answers of the filing, and the day of the event. */
export type ProcessFacts = { readonly answers: Answers; readonly today: string }

const answering: Record<ProcessEvent['type'], readonly Step['kind'][]> = {
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

function compile(definition: Definition): Compiled {
  let found = compiled.get(definition)
  if (!found) {
    const ways = new Map<string, (Condition | null)[]>()
    for (const step of definition.steps) {
      if ('next' in step) {
        ways.set(
          step.id,
          step.next.map((way) => (way.when === undefined ? null : compileCondition(way.when, wayNames(definition, step)))),
        )
      }
    }
    found = { steps: new Map(definition.steps.map((s) => [s.id, s])), ways }
    compiled.set(definition, found)
  }
  return found
}

/** A case before it is filed: the first step is open. */
export function begin(definition: Definition, at: string): Progress {
  return { active: [{ step: definition.steps[0]!.id, opened: at }], results: {}, loops: {} }
}

/**
 * The next state of a case and what must be done for it. An event that answers nothing open changes nothing and asks for nothing (the same
 * object comes back), so that one told twice does no harm. For a definition that passed the checker every case comes to an end and this never throws.
 */
export function advance(
  definition: Definition,
  progress: Progress,
  event: ProcessEvent,
  facts: ProcessFacts,
): { readonly progress: Progress; readonly commands: readonly Command[] } {
  const step = compile(definition).steps.get(event.step)
  const branch = event.type === 'reviewed' ? event.branch : undefined
  const at = progress.active.findIndex((a) => a.step === event.step && a.branch === branch)
  if (!step || at < 0 || !answering[event.type].includes(step.kind)) return { progress, commands: [] }

  const active = progress.active.filter((_, i) => i !== at)
  const results = { ...progress.results }
  const own = event.type === 'reviewed' || event.type === 'decided' ? event.result : 'done'
  results[branch === undefined ? step.id : `${step.id}/${branch}`] = own
  if (step.kind === 'parallel') {
    if (active.some((a) => a.step === step.id)) return { progress: { ...progress, active, results }, commands: [] }
    results[step.id] = step.branches.every((b) => results[`${step.id}/${b.id}`] === 'ok') ? 'ok' : 'objection'
  }
  return leave(definition, { active, results, loops: progress.loops }, step, event.at, facts)
}

function leave(definition: Definition, progress: Progress, step: Step, at: string, facts: ProcessFacts) {
  const { steps, ways } = compile(definition)
  if (!('next' in step)) return { progress, commands: [] }
  const values: Record<string, unknown> = { ...facts.answers, result: progress.results[step.id] ?? null }
  for (const s of definition.steps) values[`results.${s.id}`] = progress.results[s.id] ?? null
  const loops = { ...progress.loops }
  const taken = step.next.find((way, i) => {
    const condition = ways.get(step.id)![i]
    if (condition && !condition.holds({ values, today: facts.today })) return false
    if (way.atMost === undefined) return true
    const key = `${step.id}/${i}`
    if ((loops[key] ?? 0) >= way.atMost) return false
    loops[key] = (loops[key] ?? 0) + 1
    return true
  })
  // The checker sees to it that the last way always holds.
  const next = taken && steps.get(taken.to)
  if (!next) return { progress, commands: [] }

  const entered: ActiveStep[] = []
  const commands: Command[] = []
  switch (next.kind) {
    case 'parallel':
      for (const b of next.branches) {
        entered.push({ step: next.id, branch: b.id, opened: at })
        commands.push({ open: next.id, kind: 'review', branch: b.id, ...(b.unit === undefined ? {} : { unit: b.unit }) })
      }
      break
    case 'timer':
      entered.push({ step: next.id, opened: at })
      commands.push({ timer: next.id, workingDays: next.workingDays })
      break
    case 'issue':
      commands.push({ finish: next.id, result: lastDecision(definition, progress, step) })
      break
    default:
      entered.push({ step: next.id, opened: at })
      commands.push({ open: next.id, kind: next.kind, ...('unit' in next && next.unit !== undefined ? { unit: next.unit } : {}) })
  }
  // A step entered again forgets what it found before: its old results are about another state of the case.
  const results = Object.fromEntries(Object.entries(progress.results).filter(([k]) => k !== next.id && !k.startsWith(`${next.id}/`)))
  return { progress: { active: [...progress.active, ...entered], results, loops }, commands }
}

function lastDecision(definition: Definition, progress: Progress, from: Step): 'granted' | 'refused' {
  if (from.kind === 'decide') return progress.results[from.id] === 'granted' ? 'granted' : 'refused'
  // Several decisions on the way (a name, then the licence): one refusal refuses.
  const decided = definition.steps.filter((s) => s.kind === 'decide' && progress.results[s.id] !== undefined)
  return decided.length > 0 && decided.every((s) => progress.results[s.id] === 'granted') ? 'granted' : 'refused'
}

/** The steps in the order in which they are reached when every review is ok and every decision grants: the way a person is shown. */
export function straightPath(definition: Definition, facts: ProcessFacts): string[] {
  const { steps } = compile(definition)
  let progress = begin(definition, '')
  const path = [definition.steps[0]!.id]
  // A checked definition ends well before; the bound serves the checker, which also looks at bad ones.
  for (let i = 0; i < 400 && progress.active.length > 0; i++) {
    const { step: id, branch } = progress.active[0]!
    const { kind } = steps.get(id)!
    const event: ProcessEvent =
      kind === 'decide'
        ? { type: 'decided', step: id, result: 'granted', at: '' }
        : kind === 'review' || kind === 'parallel'
          ? { type: 'reviewed', step: id, ...(branch === undefined ? {} : { branch }), result: 'ok', at: '' }
          : { type: kind === 'pay' ? 'paid' : kind === 'sign' ? 'signed' : kind === 'timer' ? 'timer' : 'submitted', step: id, at: '' }
    const after = advance(definition, progress, event, facts)
    if (after.progress === progress) break
    for (const c of after.commands) {
      const entered = 'open' in c ? c.open : 'timer' in c ? c.timer : c.finish
      if (path.at(-1) !== entered) path.push(entered)
    }
    progress = after.progress
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
