/** Conditions put together from a list: an earlier question, what is compared, and with what. */
import type { Language } from '#kernel/text'
import { wayNames } from '../advance.ts'
import { compileCondition, type Names } from '../condition.ts'
import type { Definition } from '../definition.ts'
import { ConditionError } from '../faults.ts'
import { answerNames, nameOf } from '../names.ts'
import type { Content } from './content.ts'
import type { Option } from './parts.ts'
import { type Key, text } from './text.ts'

/** A place where a condition may stand. */
export type Place = {
  readonly holder: { when?: string }
  readonly names: Names
  /** Whose page shows it: part and item. */
  readonly part: 'questions' | 'pages' | 'papers' | 'fee' | 'steps'
  readonly item: string
}

/** The names of questions asked before this page, or before this question of it. */
function before(d: Definition, page: number, at: number): Names {
  const asked = d.pages.flatMap((p, i) => (i < page ? p.questions : i === page ? p.questions.slice(0, at) : []))
  return answerNames(d, new Set(asked))
}

/** The place that a pointer into the definition means; null for any that holds no condition. */
export function placeOf(d: Definition, pointer: string): Place | null {
  const m = /^\/(pages|papers|questions|fee\/rows|steps)\/(\d{1,3})(?:\/(questions|next)\/(\d{1,3}))?\/when$/.exec(pointer)
  if (!m) return null
  const [, list, i, inner, j] = m as unknown as [string, string, string, string | undefined, string | undefined]
  const at = Number(i)
  if (list === 'fee/rows') {
    const holder = d.fee.kind === 'table' ? d.fee.rows[at] : undefined
    return holder && inner === undefined ? { holder, names: answerNames(d), part: 'fee', item: '' } : null
  }
  if (list === 'steps') {
    const step = d.steps[at]
    const way = step && 'next' in step && inner === 'next' ? step.next[Number(j)] : undefined
    return way ? { holder: way, names: wayNames(d, step!), part: 'steps', item: step!.id } : null
  }
  if (list === 'papers') {
    const holder = d.papers[at]
    return holder && inner === undefined ? { holder, names: answerNames(d), part: 'papers', item: holder.id } : null
  }
  if (list === 'pages') {
    const holder = d.pages[at]
    return holder && inner === undefined ? { holder, names: before(d, at, 0), part: 'pages', item: holder.id } : null
  }
  const question = d.questions[at]
  if (!question) return null
  const page = d.pages.findIndex((p) => p.questions.includes(question.id))
  const names = before(d, page, d.pages[page]?.questions.indexOf(question.id) ?? 0)
  if (inner === undefined) return { holder: question, names, part: 'questions', item: question.id }
  if (inner !== 'questions' || question.kind !== 'group') return null
  const sub = question.questions[Number(j)]
  if (!sub) return null
  const siblings = Object.fromEntries(question.questions.slice(0, Number(j)).map((q) => [q.id, nameOf(q)]))
  return { holder: sub, names: { ...names, ...siblings }, part: 'questions', item: `${question.id}.${sub.id}` }
}

/** What can be compared, with the words of its question. Sums of money never are. */
export function subjects(c: Content, place: Place, l: Language): Option[] {
  return Object.entries(place.names).flatMap(([name, { type }]) => {
    if (type === 'money') return []
    const words =
      name === 'result'
        ? text(l, 'condition.result')
        : name.startsWith('results.')
          ? text(l, 'condition.result-of', { step: c[l][`steps.${name.slice(8)}`] ?? name })
          : (c[l][`questions.${name}`] ?? c[l][`questions.${place.item.split('.')[0]}.${name}`] ?? name)
    return [{ value: name, text: words }]
  })
}

const operators = { is: '=', 'is-not': '!=', less: '<', 'at-most': '<=', more: '>', 'at-least': '>=' } as const
export type Operator = keyof typeof operators | 'answered' | 'unanswered' | 'younger' | 'of-age' | 'includes' | 'more-than-one'

/** How a subject of this type can be compared. */
export function operatorsFor(names: Names, subject: string): readonly Operator[] {
  switch (names[subject]?.type) {
    case 'string':
      return names[subject]!.options ? ['is', 'is-not'] : ['answered', 'unanswered', 'is', 'is-not']
    case 'boolean':
      return ['is']
    case 'number':
      return ['is', 'at-least', 'more', 'at-most', 'less', 'answered']
    case 'date':
      return ['of-age', 'younger', 'at-least', 'less', 'answered']
    case 'list':
      return names[subject]!.options ? ['includes'] : ['more-than-one', 'answered']
    default:
      return ['answered', 'unanswered']
  }
}

/** Whether an operator needs a value beside it. */
export const needsValue = (o: Operator): boolean => !['answered', 'unanswered', 'more-than-one'].includes(o)

/** The values to choose among; null where one is typed. */
export function valuesFor(c: Content, place: Place, subject: string, l: Language): Option[] | null {
  const name = place.names[subject]
  if (name?.type === 'boolean')
    return [
      { value: 'true', text: text(l, 'yes') },
      { value: 'false', text: text(l, 'no') },
    ]
  if (!name?.options) return null
  const group = place.item.split('.')[0]
  return name.options.map((o) => ({
    value: o,
    text:
      subject === 'result' || subject.startsWith('results.')
        ? text(l, `result.${o}` as Key)
        : (c[l][`questions.${subject}.options.${o}`] ?? c[l][`questions.${group}.${subject}.options.${o}`] ?? o),
  }))
}

/** One comparison in FEEL; null where the value does not fit. */
export function comparison(names: Names, subject: string, operator: Operator, value: string): string | null {
  const name = names[subject]
  if (!name || !operatorsFor(names, subject).includes(operator)) return null
  const quoted = JSON.stringify(value)
  switch (operator) {
    case 'answered':
      return name.type === 'list' ? `count(${subject}) > 0` : `${subject} != null`
    case 'unanswered':
      return `${subject} = null`
    case 'more-than-one':
      return `count(${subject}) > 1`
    case 'includes':
      return name.options?.includes(value) ? `list contains(${subject}, ${quoted})` : null
    case 'of-age':
    case 'younger':
      if (!/^\d{1,3}$/.test(value)) return null
      return `years and months duration(${subject}, today()).years ${operator === 'of-age' ? '>=' : '<'} ${Number(value)}`
    default: {
      const op = operators[operator]
      if (name.type === 'number') return /^-?\d{1,12}(\.\d{1,6})?$/.test(value) ? `${subject} ${op} ${value}` : null
      if (name.type === 'boolean') return value === 'true' || value === 'false' ? `${subject} ${op} ${value}` : null
      if (name.type === 'date') return /^\d{4}-\d{2}-\d{2}$/.test(value) ? `${subject} ${op} date(${quoted})` : null
      if (name.options && !name.options.includes(value)) return null
      return value === '' ? null : `${subject} ${op} ${quoted}`
    }
  }
}

/** The whole condition with one comparison more. */
export function joined(before: string | undefined, joint: 'and' | 'or', one: string): string {
  // What only held the place of a condition is no part of one.
  if (before === undefined || before === '' || before === 'true') return one
  const loose = joint === 'and' ? / or /.test(before) : / and /.test(before)
  return loose ? `(${before}) ${joint} ${one}` : `${before} ${joint} ${one}`
}

/** Whether a condition is taken. */
export function isSound(when: string, names: Names): boolean {
  try {
    compileCondition(when, names)
    return true
  } catch (error) {
    if (error instanceof ConditionError) return false
    throw error
  }
}
