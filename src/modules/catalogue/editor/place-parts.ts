/** The pages of a place's draft: what each service costs and takes there, its window, and the ten questions by which a town joins. */
import type { Language } from '#kernel/text'
import type { Adoption, Definition, OfficeFacts, Source } from '../definition.ts'
import type { Hours } from '../offices.ts'
import { words } from '../text.ts'
import { hoursWords, shownTerm } from '../views.ts'
import type { PlaceContent } from './content.ts'
import { amount, type Field, type Option } from './parts.ts'
import { text } from './text.ts'

/** What a page of a place is drawn from, and what its fields change. */
export type PlaceEdit = {
  readonly l: Language
  readonly content: PlaceContent
  /** The bases of this place's level, with their words. */
  readonly bases: readonly { readonly id: string; readonly name: string; readonly definition: Definition }[]
  readonly others: readonly Option[]
}

const pointerOf = (base: string) => `d:/services/${base.replaceAll('/', '~1')}`

/** Hours as they are typed, one line a day: `09:00-14:00, 16:00-18:00`. */
const typedHours = (spans: readonly (readonly string[])[] | undefined) => (spans ?? []).map(([from, to]) => `${from}-${to}`).join(', ')
function readHours(typed: string): [string, string][] {
  return typed
    .split(/[,;]/)
    .map((s) => s.trim())
    .filter((s) => s !== '')
    .map((s) => {
      const [from = '', to = ''] = s.split(/\s*(?:-|–|a)\s*/)
      const padded = (t: string) => (/^\d:/.test(t) ? `0${t}` : t)
      return [padded(from), padded(to)]
    })
}

function weekFields(l: Language, prefix: string, hours: Hours | undefined, at: string, put: (hours: Hours | undefined) => void): Field[] {
  const next: Record<string, [string, string][]> = {}
  return [1, 2, 3, 4, 5, 6, 7].map((n) => ({
    as: 'line' as const,
    name: `${prefix}${n}`,
    label: text(l, `day.${n as 1}`),
    ...(n === 1 ? { hint: text(l, 'place.hours-hint') } : {}),
    value: typedHours(hours?.[String(n)]),
    width: 20,
    at: [n === 1 ? at : ''],
    set: (typed: string) => {
      if (typed !== '') next[String(n)] = readHours(typed)
      if (n === 7) put(Object.keys(next).length > 0 ? next : undefined)
      return undefined
    },
  }))
}

const source = (l: Language, name: string, value: Source | undefined, at: string, set: (s: Source | null) => void): Field => ({
  as: 'source',
  name,
  label: text(l, name === 'office' ? 'office.source' : 'source'),
  value,
  at: [at],
  set,
})

function tidy(content: PlaceContent, base: string, adoption: Adoption): void {
  if (Object.keys(adoption).length > 0) content.file.services[base] = adoption
  else delete content.file.services[base]
}

/** What this place may change of one service, within its base's bounds. */
export function serviceFields({ l, content, bases, others }: PlaceEdit, base: string): Field[] | null {
  const found = bases.find((b) => b.id === base)
  if (!found) return null
  const d = found.definition
  const bounds = d.adoption ?? {}
  const at = pointerOf(base)
  const a: Adoption = Object.hasOwn(content.file.services, base) ? content.file.services[base]! : {}
  const said = a.fee?.source ?? a.term?.source ?? a.localPaper?.source
  let from: Source = said ?? 'unverified'
  const fields: Field[] = []
  if (bounds.fee)
    fields.push({
      as: 'line',
      name: 'fee',
      label: text(l, 'place.fee'),
      hint: text(l, 'place.between', { least: bounds.fee.min, most: bounds.fee.max }),
      value: a.fee?.amount ?? '',
      width: 10,
      at: [`${at}/fee`],
      set: (typed) => {
        if (typed === '') delete a.fee
        else a.fee = { amount: amount(typed), source: from }
        return undefined
      },
    })
  if (bounds.term)
    fields.push({
      as: 'line',
      name: 'term',
      label: text(l, 'place.term'),
      hint: text(l, 'place.term-hint', { least: bounds.term.atLeast, most: shownTerm(d.term, l) }),
      value: a.term ? String(a.term.count) : '',
      width: 5,
      at: [`${at}/term`],
      set: (typed) => {
        if (typed !== '' && !/^\d{1,4}$/.test(typed)) return 'error.number'
        if (typed === '') delete a.term
        else a.term = { count: Number(typed), source: from }
        return undefined
      },
    })
  if (bounds.localPaper)
    fields.push({
      as: 'choice',
      name: 'localPaper',
      label: text(l, 'place.paper'),
      value: a.localPaper?.from ?? '',
      options: [{ value: '', text: text(l, 'from.none') }, ...others.filter((o) => o.value !== base)],
      at: [`${at}/localPaper`],
      set: (typed) => {
        if (typed === '') delete a.localPaper
        else a.localPaper = { from: typed, source: from }
      },
    })
  if (bounds.hours)
    fields.push({
      as: 'set',
      legend: text(l, 'place.hours-of', { hours: bounds.hours.atLeastPerWeek }),
      fields: weekFields(l, 'hours', a.hours, `${at}/hours`, (hours) => {
        if (hours) a.hours = hours as NonNullable<Adoption['hours']>
        else delete a.hours
      }),
    })
  fields.push(
    source(l, 'source', said, `${at}`, (s) => {
      from = s ?? 'unverified'
      for (const part of [a.fee, a.term, a.localPaper]) if (part) part.source = from
    }),
  )
  // The last to be read: the content takes what all of them made.
  fields.push({
    as: 'choice',
    name: 'end',
    label: '',
    value: '',
    options: [{ value: '', text: '' }],
    at: [],
    set: () => tidy(content, base, a),
  })
  return fields
}

/** What a place says of its own window. */
export function officeFields({ l, content }: PlaceEdit): Field[] {
  const before = content.file.office
  const o: OfficeFacts = { ...(before ?? { source: 'unverified' as const }) }
  const line = (name: 'address' | 'telephone' | 'email' | 'account', width: number, hint?: string): Field => ({
    as: 'line',
    name,
    label: text(l, `office.${name}`),
    ...(hint === undefined ? {} : { hint }),
    value: o[name] ?? '',
    width,
    at: [`d:/office/${name}`],
    set: (typed) => {
      const plain = name === 'telephone' || name === 'account' ? typed.replace(/[\s-]/g, '') : typed
      if (plain === '') delete o[name]
      else o[name] = plain
      return undefined
    },
  })
  return [
    {
      as: 'set',
      legend: text(l, 'place.hours'),
      fields: weekFields(l, 'hours', o.hours, 'd:/office/hours', (h) => (h ? (o.hours = h as OfficeFacts['hours'] & {}) : delete o.hours)),
    },
    line('address', 30),
    line('telephone', 10, text(l, 'office.telephone-hint')),
    line('email', 20),
    line('account', 20, text(l, 'office.account-hint')),
    {
      as: 'line',
      name: 'holidays',
      label: text(l, 'office.holidays'),
      hint: text(l, 'office.holidays-hint'),
      value: (o.holidays ?? []).join(', '),
      width: 30,
      at: ['d:/office/holidays'],
      set: (typed) => {
        const days = typed.split(/[,;\s]+/).filter((x) => x !== '')
        if (days.length === 0) delete o.holidays
        else o.holidays = [...new Set(days)].sort()
        return undefined
      },
    },
    {
      as: 'checks',
      name: 'oneLine',
      label: text(l, 'office.one-line'),
      hint: text(l, 'office.one-line-hint'),
      values: o.oneLine ? ['yes'] : [],
      options: [{ value: 'yes', text: text(l, 'office.one-line-yes') }],
      at: ['d:/office/oneLine'],
      set: (v) => {
        if (v.length > 0) o.oneLine = true
        else delete o.oneLine
      },
    },
    {
      ...(source(l, 'office', o.source, 'd:/office/source', (s) => {
        o.source = s ?? 'unverified'
        const { source: of, ...rest } = o
        // The order of keys is the format's: the file reads the same whoever wrote it.
        if (Object.keys(rest).length === 0) delete content.file.office
        else content.file = { format: 1, place: content.file.place, office: { ...rest, source: of }, services: content.file.services }
      }) as Field & { as: 'source' }),
    },
  ]
}

/** The ten questions by which a town joins: its law of income, what each service costs, its window. */
export function joinFields(edit: PlaceEdit): Field[] {
  const { l, content, bases } = edit
  let law: Source = firstSource(content) ?? 'unverified'
  const number = (n: number, key: 'join.law') => `${n}. ${text(l, key)}`
  const at = (base: string) => pointerOf(base)
  const office = officeFields(edit)
  const of = (name: string) => office.find((f) => f.as !== 'note' && f.as !== 'set' && f.name === name)!
  const adoption = (base: string): Adoption => (Object.hasOwn(content.file.services, base) ? content.file.services[base]! : {})
  return [
    {
      as: 'source',
      name: 'law',
      label: number(1, 'join.law'),
      value: law,
      at: [],
      set: (s) => {
        law = s ?? 'unverified'
      },
    },
    {
      as: 'set',
      legend: number(2, 'join.fees' as 'join.law'),
      fields: bases
        .filter((b) => b.definition.adoption?.fee)
        .map((b) => ({
          as: 'line' as const,
          name: `fee.${b.id.split('/')[1]}`,
          label: b.name,
          hint: text(l, 'place.between', { least: b.definition.adoption!.fee!.min, most: b.definition.adoption!.fee!.max }),
          value: adoption(b.id).fee?.amount ?? '',
          width: 10,
          at: [`${at(b.id)}/fee`],
          set: (typed: string) => {
            const { fee: _before, ...rest } = adoption(b.id)
            tidy(content, b.id, typed === '' ? rest : { fee: { amount: amount(typed), source: law }, ...rest })
            return undefined
          },
        })),
    },
    {
      as: 'set',
      legend: number(3, 'join.terms' as 'join.law'),
      fields: bases
        .filter((b) => b.definition.adoption?.term)
        .map((b) => ({
          as: 'line' as const,
          name: `term.${b.id.split('/')[1]}`,
          label: b.name,
          hint: text(l, 'place.term-hint', { least: b.definition.adoption!.term!.atLeast, most: shownTerm(b.definition.term, l) }),
          value: adoption(b.id).term ? String(adoption(b.id).term!.count) : '',
          width: 5,
          at: [`${at(b.id)}/term`],
          set: (typed: string) => {
            if (typed !== '' && !/^\d{1,4}$/.test(typed)) return 'error.number' as const
            const { term: _before, ...rest } = adoption(b.id)
            tidy(content, b.id, typed === '' ? rest : { ...rest, term: { count: Number(typed), source: law } })
            return undefined
          },
        })),
    },
    { ...(office[0] as Field & { as: 'set' }), legend: number(4, 'join.hours' as 'join.law') },
    { ...of('address'), label: number(5, 'join.address' as 'join.law') } as Field,
    { ...of('telephone'), label: number(6, 'join.telephone' as 'join.law') } as Field,
    { ...of('email'), label: number(7, 'join.email' as 'join.law') } as Field,
    { ...of('account'), label: number(8, 'join.account' as 'join.law') } as Field,
    { ...of('holidays'), label: number(9, 'join.holidays' as 'join.law') } as Field,
    { ...of('oneLine'), label: number(10, 'join.line' as 'join.law') } as Field,
    of('office'),
  ]
}

const firstSource = (content: PlaceContent): Source | undefined =>
  Object.values(content.file.services).flatMap((a) => a.fee?.source ?? a.term?.source ?? [])[0]

/** What a place changes of a service, in words; none where it changes nothing. */
export function adoptionWords(l: Language, a: Adoption | undefined, nameOf: (base: string) => string): string {
  if (!a) return text(l, 'place.nothing')
  return [
    a.fee && `${words(l, 'service.cost')}: $${a.fee.amount}`,
    a.term && `${words(l, 'service.term')}: ${a.term.count}`,
    a.localPaper && `${text(l, 'place.paper')}: ${nameOf(a.localPaper.from)}`,
    a.hours && text(l, 'place.own-hours'),
  ]
    .filter(Boolean)
    .join(' · ')
}

/** What a place says of its window, by the name of each fact. */
export function officeWords(l: Language, o: OfficeFacts | undefined): Record<string, string> {
  if (!o) return {}
  const all: Record<string, string> = {}
  for (const name of ['address', 'telephone', 'email', 'account'] as const)
    if (o[name] !== undefined) all[text(l, `office.${name}`)] = o[name]
  if (o.hours) all[text(l, 'place.hours')] = hoursWords(o.hours as Hours, l)
  if (o.holidays) all[text(l, 'office.holidays')] = o.holidays.join(', ')
  if (o.oneLine) all[text(l, 'office.one-line')] = text(l, 'office.one-line-yes')
  return all
}
