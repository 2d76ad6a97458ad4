import { type Money, pesos } from '#kernel/money'
import type { FieldProblem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { type Condition, compileCondition } from './condition.ts'
import type { Definition, Question, SingleQuestion } from './definition.ts'
import { answerNames, nameOf } from './names.ts'
import { type Answer, type AnswerCode, type Answers, questionKinds, type Reading, type Shape, type World } from './questions/index.ts'
import { words } from './text.ts'

/** What a journey needs of a service. */
export type Asking = { readonly definition: Definition; text(language: Language, key: string): string }

/** One thing to ask. `name` is the form's field, `pointer` where its problem is shown, `value` the answer so far as `accept` takes it back. */
export type Prompt = Shape & {
  readonly name: string
  readonly pointer: string
  readonly label: string
  readonly hint: string
  readonly optional: boolean
  readonly value: Answer | null
}

/** A group answered several times: for each item its prompts. The buttons of a form are named `add` and `remove[i]`. */
export type PromptGroup = {
  readonly type: 'group'
  readonly name: string
  readonly pointer: string
  readonly label: string
  readonly hint: string
  readonly items: readonly (readonly Prompt[])[]
  /** Field name of the button that adds an item; null when there is no room. */
  readonly add: string | null
  /** Field names of the buttons that take an item away; null where it must stay. */
  readonly remove: readonly (string | null)[]
}

/** One page to show. */
export type AskedPage = {
  readonly id: string
  readonly title: string
  readonly prompts: readonly (Prompt | PromptGroup)[]
  /** Whether nothing on it is missing or refused. */
  readonly complete: boolean
}

/** A paper of the closed list, for these answers. */
export type ListedPaper = {
  readonly id: string
  readonly label: string
  readonly hint: string
  readonly how: 'file' | 'shown'
  readonly optional: boolean
  /** Base id of the service that issues it. */
  readonly from: string | null
}

/** The journey as it stands: pages in order, the closed list, and what keeps it from being complete. */
export type Journey = {
  readonly pages: readonly AskedPage[]
  readonly papers: readonly ListedPaper[]
  readonly complete: boolean
  readonly problems: readonly FieldProblem[]
}

/** What a form brought, field by field. Values of JSON (numbers, truth, lists) are taken as well. */
export type FormFields = Readonly<Record<string, unknown>>

/** What became of a form. */
export type Accepted = {
  /** All answers: those before, with what this page brought. */
  readonly answers: Answers
  readonly problems: readonly FieldProblem[]
  /** Stored, but perhaps mistyped: worth a word beside the field. */
  readonly doubts: readonly FieldProblem[]
  /** The same page must be shown once more without complaint: an item was added or taken away, or an answer brought another question. */
  readonly again: boolean
}

type Compiled = {
  readonly questions: ReadonlyMap<string, Question>
  readonly when: ReadonlyMap<string, Condition>
}
const cache = new WeakMap<Definition, Compiled>()

function compile(definition: Definition): Compiled {
  let found = cache.get(definition)
  if (!found) {
    const names = answerNames(definition)
    const when = new Map<string, Condition>()
    for (const p of definition.pages) if (p.when) when.set(`page ${p.id}`, compileCondition(p.when, names))
    for (const p of definition.papers) if (p.when) when.set(`paper ${p.id}`, compileCondition(p.when, names))
    for (const q of definition.questions) {
      if (q.when) when.set(q.id, compileCondition(q.when, names))
      if (q.kind !== 'group') continue
      const inside = { ...names, ...Object.fromEntries(q.questions.map((s) => [s.id, nameOf(s)])) }
      for (const s of q.questions) if (s.when) when.set(`${q.id}.${s.id}`, compileCondition(s.when, inside))
    }
    if (definition.fee.kind === 'table') {
      for (const row of definition.fee.rows) if (row.when) when.set(`fee ${row.id}`, compileCondition(row.when, names))
    }
    found = { questions: new Map(definition.questions.map((q) => [q.id, q])), when }
    cache.set(definition, found)
  }
  return found
}

type Item = Readonly<Record<string, unknown>>
type Group = Extract<Question, { kind: 'group' }>

/** The questions that these answers lead to, page by page, and the answers that count: one to a question no longer asked counts as none. */
export function asked(
  definition: Definition,
  answers: Answers,
  today: string,
): { readonly pages: readonly { readonly id: string; readonly questions: readonly Question[] }[]; readonly answers: Answers } {
  const { questions, when } = compile(definition)
  const counted: Record<string, Answer | undefined> = {}
  const holds = (key: string) => when.get(key)?.holds({ values: counted, today }) ?? true
  const pages: { id: string; questions: Question[] }[] = []
  for (const page of definition.pages) {
    if (!holds(`page ${page.id}`)) continue
    const here: Question[] = []
    for (const id of page.questions) {
      const question = questions.get(id)
      if (!question || !holds(id)) continue
      here.push(question)
      const answer = answers[id]
      if (answer !== undefined) counted[id] = answer
    }
    if (here.length > 0) pages.push({ id: page.id, questions: here })
  }
  return { pages, answers: counted }
}

/** The state answered last before a question (in its own item of a group first), which its municipality must lie in. */
function stateBefore(definition: Definition, id: string, answers: Answers, group?: Group, item?: Item, inner?: string): string | null {
  const inItem = group?.questions
    .slice(
      0,
      group.questions.findIndex((q) => q.id === inner),
    )
    .findLast((q) => q.kind === 'state' && item?.[q.id] !== undefined)
  if (inItem) return String(item![inItem.id])
  const { questions } = compile(definition)
  let state: string | null = null
  for (const q of definition.pages.flatMap((p) => p.questions)) {
    if (q === id) break
    const answer = answers[q]
    if (questions.get(q)?.kind === 'state' && typeof answer === 'string') state = answer
  }
  return state
}

function reading(question: SingleQuestion, raw: unknown, world: World, state: string | null, insisted: boolean): Reading {
  const read = questionKinds[question.kind].read(raw, question, world, insisted)
  const elsewhere =
    question.kind === 'municipality' && state !== null && read !== null && 'value' in read && !String(read.value).startsWith(state)
  return elsewhere ? { refused: 'municipality-of-state' } : read
}

function problem(pointer: string, code: AnswerCode, world: World, parameters?: Readonly<Record<string, string | number>>): FieldProblem {
  return { pointer, code, detail: words(world.language, `answer.${code}`, parameters) }
}

function itemQuestions(definition: Definition, group: Group, item: Item, answers: Answers, today: string) {
  const { when } = compile(definition)
  const counted: Record<string, unknown> = {}
  return group.questions.filter((q) => {
    const holds = when.get(`${group.id}.${q.id}`)?.holds({ values: { ...answers, ...counted }, today }) ?? true
    if (holds && item[q.id] !== undefined) counted[q.id] = item[q.id]
    return holds
  })
}

/** What is missing or refused among the answers to one question. */
function check(definition: Definition, question: Question, answers: Answers, world: World): FieldProblem[] {
  const pointer = `/answers/${question.id}`
  const answer = answers[question.id]
  if (question.kind !== 'group') {
    const read = reading(question, answer, world, stateBefore(definition, question.id, answers), true)
    if (read === null) {
      return question.optional ? [] : [problem(pointer, question.kind === 'confirm' ? 'confirm' : 'required', world)]
    }
    return 'refused' in read ? [problem(pointer, read.refused, world, read.parameters)] : []
  }
  const items = Array.isArray(answer) ? (answer as readonly Item[]) : []
  if (items.length === 0 && question.optional) return []
  if (items.length < question.min) return [problem(pointer, 'too-few-items', world, { min: question.min })]
  if (items.length > question.max) return [problem(pointer, 'too-many-items', world, { max: question.max })]
  return items.flatMap((item, i) =>
    itemQuestions(definition, question, item, answers, world.today).flatMap((q) => {
      const read = reading(q, item[q.id], world, stateBefore(definition, question.id, answers, question, item, q.id), true)
      if (read === null) return q.optional ? [] : [problem(`${pointer}/${i}/${q.id}`, q.kind === 'confirm' ? 'confirm' : 'required', world)]
      return 'refused' in read ? [problem(`${pointer}/${i}/${q.id}`, read.refused, world, read.parameters)] : []
    }),
  )
}

function promptOf(
  service: Asking,
  question: SingleQuestion,
  at: { name: string; pointer: string; key: string; value: unknown; state: string | null },
  world: World,
): Prompt {
  const text = (key: string) => service.text(world.language, key)
  const shape = questionKinds[question.kind].shape(question, world, (o) => text(`${at.key}.options.${o}`), at.state)
  return {
    ...shape,
    name: at.name,
    pointer: at.pointer,
    label: text(at.key),
    hint: text(`${at.key}.hint`),
    optional: question.optional === true,
    value: (at.value ?? null) as Answer | null,
  }
}

/** What to ask for these answers, the closed list of papers, and what is still missing. */
export function ask(service: Asking, answers: Answers, world: World): Journey {
  const { definition } = service
  const { when } = compile(definition)
  const found = asked(definition, answers, world.today)
  let state: string | null = null
  const problems: FieldProblem[] = []
  const pages = found.pages.map((page): AskedPage => {
    const missing = page.questions.flatMap((q) => check(definition, q, found.answers, world))
    problems.push(...missing)
    const prompts = page.questions.map((q): Prompt | PromptGroup => {
      const value = found.answers[q.id]
      if (q.kind !== 'group') {
        const prompt = promptOf(service, q, { name: q.id, pointer: `/answers/${q.id}`, key: `questions.${q.id}`, value, state }, world)
        if (q.kind === 'state' && typeof value === 'string') state = value
        return prompt
      }
      const stored = Array.isArray(value) ? (value as readonly Item[]) : []
      const items: readonly Item[] =
        stored.length >= Math.max(q.min, q.optional ? 0 : 1)
          ? stored
          : [...stored, ...Array(Math.max(q.min, q.optional ? 0 : 1) - stored.length).fill({})]
      return {
        type: 'group',
        name: q.id,
        pointer: `/answers/${q.id}`,
        label: service.text(world.language, `questions.${q.id}`),
        hint: service.text(world.language, `questions.${q.id}.hint`),
        items: items.map((item, i) => {
          let inner = state
          return itemQuestions(definition, q, item, found.answers, world.today).map((s) => {
            const prompt = promptOf(
              service,
              s,
              {
                name: `${q.id}.${i}.${s.id}`,
                pointer: `/answers/${q.id}/${i}/${s.id}`,
                key: `questions.${q.id}.${s.id}`,
                value: item[s.id],
                state: inner,
              },
              world,
            )
            if (s.kind === 'state' && typeof item[s.id] === 'string') inner = item[s.id] as string
            return prompt
          })
        }),
        add: items.length < q.max ? `${q.id}.add` : null,
        remove: items.map((_, i) => (items.length > Math.max(q.min, q.optional ? 0 : 1) ? `${q.id}.${i}.remove` : null)),
      }
    })
    return { id: page.id, title: service.text(world.language, `pages.${page.id}`), prompts, complete: missing.length === 0 }
  })
  const papers = definition.papers
    .filter((p) => when.get(`paper ${p.id}`)?.holds({ values: found.answers, today: world.today }) ?? true)
    .map((p) => ({
      id: p.id,
      label: service.text(world.language, `papers.${p.id}`),
      hint: service.text(world.language, `papers.${p.id}.hint`),
      how: p.how,
      optional: p.optional === true,
      from: p.from ?? null,
    }))
  return { pages, papers, complete: problems.length === 0, problems }
}

/** The parts of a date or the one field, under `name`. */
function fieldOf(form: FormFields, name: string): unknown {
  if (form[name] !== undefined) return form[name]
  const parts = { day: form[`${name}.day`], month: form[`${name}.month`], year: form[`${name}.year`] }
  return parts.day === undefined && parts.month === undefined && parts.year === undefined ? undefined : parts
}

/** Takes what a page brought. What is refused leaves the answer as it was; `problems` says why, in the world's language. Never throws on hostile input. */
export function accept(service: Asking, answers: Answers, pageId: string, form: FormFields, world: World): Accepted {
  const { definition } = service
  const { questions } = compile(definition)
  const page = definition.pages.find((p) => p.id === pageId)
  const problems: FieldProblem[] = []
  const doubts: FieldProblem[] = []
  const all: Record<string, Answer | undefined> = { ...answers }
  let again = false
  if (!page) return { answers, problems, doubts, again }

  const read = (q: SingleQuestion, fields: FormFields, name: string, pointer: string, before: unknown, state: string | null): unknown => {
    const raw = fieldOf(fields, name)
    // A browser sends no file when nobody chose one anew: the old one stays.
    if (q.kind === 'file' && (raw === undefined || raw === '') && before !== undefined) return before
    const r = reading(q, raw, world, state, fields[`${name}.sure`] !== undefined)
    if (r === null) {
      if (!q.optional) problems.push(problem(pointer, q.kind === 'confirm' ? 'confirm' : 'required', world))
      return undefined
    }
    if ('refused' in r) {
      problems.push(problem(pointer, r.refused, world, r.parameters))
      return before
    }
    if (r.doubt) doubts.push(problem(pointer, r.doubt, world))
    return r.value
  }

  const before = new Set(
    asked(definition, answers, world.today)
      .pages.find((p) => p.id === pageId)
      ?.questions.map((q) => q.id),
  )
  const done = new Set<string>()
  // Answers of this page may bring or take away later questions of it: each round asks what is now in sight.
  for (;;) {
    const now = asked(definition, all, world.today).pages.find((p) => p.id === pageId)?.questions ?? []
    const next = now.find((q) => !done.has(q.id))
    if (!next) break
    done.add(next.id)
    const question = questions.get(next.id)!
    const pointer = `/answers/${question.id}`
    if (question.kind !== 'group') {
      const sent = fieldOf(form, question.id) !== undefined
      // It came into sight by what this very form says, and nobody has seen it yet.
      if (!before.has(question.id) && !sent && question.kind !== 'confirm') {
        if (all[question.id] === undefined) again = true
        continue
      }
      all[question.id] = read(question, form, question.id, pointer, all[question.id], stateBefore(definition, question.id, all)) as
        | Answer
        | undefined
      continue
    }
    const old = (Array.isArray(all[question.id]) ? all[question.id] : []) as readonly Item[]
    const given = form[question.id]
    const items: Item[] = []
    if (Array.isArray(given)) {
      // As a program sends it: a list of objects.
      given.slice(0, question.max + 1).forEach((one: unknown, i) => {
        const item = (one !== null && typeof one === 'object' ? one : {}) as Item
        const fields = Object.fromEntries(Object.entries(item).map(([k, v]) => [`${question.id}.${i}.${k}`, v]))
        items.push(readItem(question, i, { ...form, ...fields }, old[i] ?? {}))
      })
    } else {
      const count = Math.max(-1, ...Object.keys(form).map((k) => itemIndex(k, question.id, question.max))) + 1
      const structural = form[`${question.id}.add`] !== undefined || Object.keys(form).some((k) => isRemove(k, question.id))
      const marks = [problems.length, doubts.length] as const
      for (let i = 0; i < Math.max(count, structural ? 0 : question.min); i++) items.push(readItem(question, i, form, old[i] ?? {}))
      if (structural) {
        // Adding or taking away an item is no moment to complain about the others.
        problems.length = marks[0]
        doubts.length = marks[1]
        again = true
        const kept = items.filter((_, i) => form[`${question.id}.${i}.remove`] === undefined)
        if (form[`${question.id}.add`] !== undefined && kept.length < question.max) kept.push({})
        all[question.id] = kept as unknown as Answer
        continue
      }
    }
    // An item left wholly empty was not meant.
    const meant = items.filter((item, i) => Object.values(item).some((v) => v !== undefined) || i < question.min)
    if (meant.length < question.min && !(question.optional && meant.length === 0)) {
      problems.push(problem(pointer, 'too-few-items', world, { min: question.min }))
    }
    if (meant.length > question.max) problems.push(problem(pointer, 'too-many-items', world, { max: question.max }))
    else all[question.id] = meant as unknown as Answer
  }
  return { answers: all, problems, doubts, again }

  function readItem(group: Group, i: number, fields: FormFields, old: Item): Item {
    const item: Record<string, unknown> = {}
    const blank = group.questions.every((q) => isBlank(fieldOf(fields, `${group.id}.${i}.${q.id}`)))
    if (blank && i >= group.min) return item
    for (const q of group.questions) {
      const inSight = itemQuestions(definition, group, item, all, world.today).some((s) => s.id === q.id)
      if (!inSight) continue
      const state = stateBefore(definition, group.id, all, group, item, q.id)
      const value = read(q, fields, `${group.id}.${i}.${q.id}`, `/answers/${group.id}/${i}/${q.id}`, old[q.id], state)
      if (value !== undefined) item[q.id] = value
    }
    return item
  }
}

function isBlank(raw: unknown): boolean {
  if (raw === undefined || raw === null || raw === '') return true
  return typeof raw === 'object' && !Array.isArray(raw) && Object.values(raw).every((v) => v === undefined || v === '')
}
function itemIndex(field: string, group: string, max: number): number {
  if (!field.startsWith(`${group}.`)) return -1
  const n = /^(\d{1,2})\./.exec(field.slice(group.length + 1))
  return n ? Math.min(Number(n[1]), max) : -1
}
function isRemove(field: string, group: string): boolean {
  return field.startsWith(`${group}.`) && /^\d{1,2}\.remove$/.test(field.slice(group.length + 1))
}

/** What the service costs for these answers; null where each place fixes it and this one has not said. */
export function fee(definition: Definition, answers: Answers, today: string): Money | null {
  switch (definition.fee.kind) {
    case 'free':
      return pesos('0')
    case 'fixed':
      return pesos(definition.fee.amount)
    case 'local':
      return null
    case 'table': {
      const { when } = compile(definition)
      const counted = asked(definition, answers, today).answers
      const row = definition.fee.rows.find((r) => when.get(`fee ${r.id}`)?.holds({ values: counted, today }) ?? true)
      return pesos(row!.amount)
    }
  }
}

/** One line of the review page or of a document: the question and its answer in words. Groups give one block for each item. */
export type ShownAnswer = {
  readonly page: string
  readonly question: string
  readonly item: number | null
  readonly label: string
  readonly shown: string
  /** As it is read back aloud. */
  readonly said: string
}

/** The answers that count, in order, in words a person can check. */
export function showAnswers(service: Asking, answers: Answers, world: World): ShownAnswer[] {
  const { definition } = service
  const found = asked(definition, answers, world.today)
  const lines: ShownAnswer[] = []
  const add = (page: string, q: SingleQuestion, key: string, item: number | null, value: unknown) => {
    if (value === undefined || value === null) return
    const kind = questionKinds[q.kind]
    const label = (o: string) => service.text(world.language, `${key}.options.${o}`)
    const shown = kind.show(value as Answer, label, world)
    lines.push({
      page,
      question: q.id,
      item,
      label: service.text(world.language, key),
      shown,
      said: kind.say?.(value as Answer, label, world) ?? shown,
    })
  }
  for (const page of found.pages) {
    for (const q of page.questions) {
      const value = found.answers[q.id]
      if (q.kind !== 'group') add(page.id, q, `questions.${q.id}`, null, value)
      else if (Array.isArray(value)) {
        ;(value as readonly Item[]).forEach((item, i) => {
          for (const s of itemQuestions(definition, q, item, found.answers, world.today))
            add(page.id, s, `questions.${q.id}.${s.id}`, i, item[s.id])
        })
      }
    }
  }
  return lines
}
