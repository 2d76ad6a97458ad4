/**
 * The pages of a service's draft: what each asks, and how what was typed becomes content. A field knows where its value stands and which faults are its
 * own, so one renderer and one route serve all of them. Functions here are given a copy of the content, which they change.
 */
import type { Language } from '#kernel/text'
import { channels, type Definition, lifeEvents, type Question, type Source, type Step } from '../definition.ts'
import type { Agencies } from '../offices.ts'
import { questionKinds } from '../questions/index.ts'
import { words } from '../text.ts'
import { type Content, dropTexts, findQuestion, idFrom, setText } from './content.ts'
import { type Key, text } from './text.ts'

/** What a browser sent. */
export type Form = Readonly<Record<string, unknown>>
export type Option = { readonly value: string; readonly text: string; readonly hint?: string }

/** What a page is drawn from, and what its fields change. */
export type Edit = {
  readonly l: Language
  readonly content: Content
  /** Of a list's page: which of its items. */
  readonly item: string
  readonly agencies: Agencies
  /** The bases there are, with their names. */
  readonly bases: readonly Option[]
}

/** `set` takes what was typed and gives the key of what is wrong with it, if anything is; `at` are the places whose faults stand at this field. */
type Common = { readonly name: string; readonly label: string; readonly hint?: string; readonly at: readonly string[] }
export type Field =
  | (Common & { readonly as: 'words'; readonly key: string; readonly lines: number; readonly optional: boolean })
  | (Common & { readonly as: 'line'; readonly value: string; readonly width: number; readonly set: (typed: string) => Key | undefined })
  | (Common & { readonly as: 'choice'; readonly value: string; readonly options: readonly Option[]; readonly set: (typed: string) => void })
  | (Common & {
      readonly as: 'checks'
      readonly values: readonly string[]
      readonly options: readonly Option[]
      readonly set: (typed: string[]) => void
    })
  | (Common & { readonly as: 'source'; readonly value: Source | undefined; readonly set: (source: Source | null) => void })
  | (Common & { readonly as: 'condition'; readonly value: string | undefined; readonly set: (typed: string) => void })
  | { readonly as: 'set'; readonly legend: string; readonly fields: readonly Field[]; readonly beside?: true }
  | { readonly as: 'note'; readonly text: string }

/** A list's item as its page shows it. */
export type Item = {
  readonly id: string
  readonly name: string
  readonly about: string
  readonly at: readonly string[]
  /** Whether it can go before or behind its neighbour. */
  readonly up: boolean
  readonly down: boolean
  /** It cannot be taken out. */
  readonly stays?: true
}

export type Part = {
  readonly id: PartId
  /** Null: not for this definition. */
  fields?(edit: Edit): Field[]
  /** A part that is a list has a page for each item. */
  items?(edit: Edit): Item[]
  itemFields?(edit: Edit): Field[] | null
  /** Adds an item under these words and gives its id. */
  add?(edit: Edit, name: { es: string; en: string }, form: Form): string
  remove?(edit: Edit): void
  move?(edit: Edit, by: -1 | 1): void
  /** After the fields are set: what follows for the rest. */
  after?(edit: Edit): void
  /** Whether this definition has the part at all. */
  has?(d: Definition): boolean
}

const typedText = (v: unknown): string => {
  const one = Array.isArray(v) ? v[0] : v
  return typeof one === 'string' ? one.normalize('NFC').replace(/\r\n?/g, '\n').trim() : ''
}
const typedList = (v: unknown): string[] =>
  (Array.isArray(v) ? v : v === undefined ? [] : [v]).filter((x): x is string => typeof x === 'string')

const pieces = (key: string) =>
  key
    .split('.')
    .map((k) => k.replaceAll('~', '~0').replaceAll('/', '~1'))
    .join('.')
const textAt = (key: string) => [`es:/${pieces(key)}`, `en:/${pieces(key)}`]

function wordsField(label: string, key: string, more: { lines?: number; optional?: boolean; hint?: string } = {}): Field {
  const { lines = 1, optional = false, hint } = more
  return { as: 'words', name: key, key, label, lines, optional, at: textAt(key), ...(hint === undefined ? {} : { hint }) }
}
function lineField(
  name: string,
  label: string,
  value: string | number | undefined,
  at: string,
  set: (typed: string) => Key | undefined,
  more: { width?: number; hint?: string } = {},
): Field {
  const { width = 20, hint } = more
  return {
    as: 'line',
    name,
    label,
    value: value === undefined ? '' : String(value),
    at: [at],
    set,
    width,
    ...(hint === undefined ? {} : { hint }),
  }
}
/** A whole number, or with `decimal` any; empty is `undefined` where it may be. */
function countField(
  name: string,
  label: string,
  value: number | undefined,
  at: string,
  set: (n: number | undefined) => void,
  more: { hint?: string; optional?: boolean; decimal?: boolean } = {},
): Field {
  return lineField(
    name,
    label,
    value,
    at,
    (typed) => {
      if (typed === '' && more.optional) return void set(undefined)
      if (!(more.decimal ? /^-?\d{1,9}(\.\d{1,6})?$/ : /^-?\d{1,9}$/).test(typed)) return 'error.number'
      set(Number(typed))
    },
    { width: 5, ...(more.hint === undefined ? {} : { hint: more.hint }) },
  )
}
/** A sum of pesos as definitions have it: `150` becomes `150.00`. */
export const amount = (typed: string): string => {
  const plain = typed.replace(/[$,\s]/g, '')
  return /^\d+$/.test(plain) ? `${plain}.00` : /^\d+\.\d$/.test(plain) ? `${plain}0` : plain
}
const sourceField = (
  l: Language,
  name: string,
  value: Source | undefined,
  at: string,
  set: (s: Source | null) => void,
  label?: string,
): Field => ({
  as: 'source',
  name,
  label: label ?? text(l, 'source'),
  value,
  at: [at],
  set,
})

/** Sets an optional field, or takes it away. */
function put<T extends object, K extends keyof T>(o: T, key: K, value: T[K] | undefined): void {
  if (value === undefined || value === '') delete o[key]
  else o[key] = value
}

const conditionField = (l: Language, holder: { when?: string }, at: string, name = 'when', label = text(l, 'condition')): Field => ({
  as: 'condition',
  name,
  label,
  value: holder.when,
  at: [at],
  set: (typed) => put(holder, 'when', typed === '' ? undefined : typed),
})

const named = (c: Content, l: Language, key: string, otherwise: string) => c[l][key] || c.es[key] || otherwise

const optionsOf = <const T extends readonly string[]>(all: T, label: (o: T[number]) => string): Option[] =>
  all.map((value) => ({ value, text: label(value) }))

// ——— General, law, words ———

const general: Part = {
  id: 'general',
  fields: ({ l, content, agencies }) => {
    const d = content.definition
    return [
      wordsField(text(l, 'field.name'), 'name'),
      {
        as: 'choice',
        name: 'agency',
        label: text(l, 'field.agency'),
        value: d.agency,
        // A federal service's agency is a part of its id.
        options: Object.entries(agencies)
          .filter(([id, a]) => a.level === d.level && (d.level !== 'federal' || id === d.agency))
          .map(([value, a]) => ({ value, text: a.name[l] })),
        at: ['d:/agency', 'd:/level', 'd:/id'],
        set: (v) => {
          if (Object.hasOwn(agencies, v)) d.agency = v
        },
      },
      lineField('homoclave', text(l, 'field.homoclave'), d.homoclave, 'd:/homoclave', (v) => void put(d, 'homoclave', v), {
        hint: text(l, 'field.homoclave-hint'),
      }),
      {
        as: 'checks',
        name: 'lifeEvents',
        label: text(l, 'field.events'),
        values: d.lifeEvents,
        options: optionsOf(lifeEvents, (e) => words(l, `event.${e}`)),
        at: ['d:/lifeEvents'],
        set: (v) => {
          d.lifeEvents = v as Definition['lifeEvents']
        },
      },
      {
        as: 'checks',
        name: 'applicants',
        label: text(l, 'field.applicants'),
        values: d.applicants,
        options: optionsOf(['person', 'company'] as const, (a) => text(l, `applicant.${a}`)),
        at: ['d:/applicants'],
        set: (v) => {
          d.applicants = v as Definition['applicants']
        },
      },
    ]
  },
}

const law: Part = {
  id: 'law',
  fields: ({ l, content }) => {
    const all = content.definition.legalBasis
    return [...all, undefined].slice(0, 12).map((value, i) =>
      sourceField(
        l,
        `law${i}`,
        value,
        `d:/legalBasis/${i}`,
        (s) => {
          // Taken out below: the others keep their places until all are read.
          ;(all as (Source | null)[])[i] = s
        },
        text(l, value === undefined ? 'law.more' : 'law.number', { n: i + 1 }),
      ),
    )
  },
  after({ content }) {
    const d = content.definition
    const said = (d.legalBasis as (Source | null | undefined)[]).filter((s): s is Source => s !== null && s !== undefined)
    d.legalBasis = said.length > 0 ? said : ['unverified']
  },
}

const texts: Part = {
  id: 'texts',
  fields: ({ l }) => [
    wordsField(text(l, 'field.summary'), 'summary', { lines: 2, hint: text(l, 'field.summary-hint') }),
    wordsField(text(l, 'field.who'), 'who', { lines: 2 }),
    wordsField(text(l, 'field.when'), 'when', { lines: 2 }),
    wordsField(text(l, 'field.result'), 'result', { lines: 2 }),
    wordsField(text(l, 'field.criteria'), 'criteria', { lines: 2 }),
    wordsField(text(l, 'field.note'), 'note', { lines: 2, optional: true }),
    wordsField(text(l, 'field.search'), 'search', { lines: 2, optional: true, hint: text(l, 'field.search-hint') }),
  ],
}

const document: Part = {
  id: 'document',
  fields: ({ l }) => [
    wordsField(text(l, 'field.document'), 'document'),
    wordsField(text(l, 'field.body'), 'document.body', { lines: 4, hint: text(l, 'field.body-hint') }),
  ],
}

// ——— Figures ———

const rowsOf = (d: Definition) => (d.fee.kind === 'table' ? d.fee.rows : [])

const fee: Part = {
  id: 'fee',
  fields: ({ l, content }) => {
    const d = content.definition
    const kinds = (['free', 'fixed', 'table', 'local'] as const).filter((k) => k !== 'local' || d.level !== 'federal')
    const rows = rowsOf(d)
    return [
      {
        as: 'choice',
        name: 'kind',
        label: text(l, 'field.fee'),
        value: d.fee.kind,
        options: kinds.map((k) => ({ value: k, text: text(l, `fee.${k}`) })),
        at: ['d:/fee/kind'],
        set: (kind) => {
          const { source } = d.fee
          if (kind === d.fee.kind) return
          if (kind === 'fixed') d.fee = { kind, amount: '0.00', source }
          else if (kind === 'table') d.fee = { kind, rows: [{ id: 'everybody', amount: '0.00' }], source }
          else if (kind === 'free' || kind === 'local') d.fee = { kind, source }
          if (kind === 'table')
            for (const language of ['es', 'en'] as const) content[language]['fee.everybody'] ??= text(language, 'fee.everybody')
          else for (const k of Object.keys(content.es)) if (k.startsWith('fee.')) dropTexts(content, k)
        },
      },
      ...(d.fee.kind === 'fixed'
        ? [
            lineField('amount', text(l, 'field.amount'), d.fee.amount, 'd:/fee/amount', (v) => {
              if (d.fee.kind === 'fixed') d.fee.amount = amount(v)
              return undefined
            }),
          ]
        : []),
      ...rows.map(
        (row, i): Field => ({
          as: 'set',
          legend: text(l, 'fee.row', { n: i + 1 }),
          fields: [
            wordsField(text(l, 'fee.row-name'), `fee.${row.id}`),
            lineField(`amount.${row.id}`, text(l, 'field.amount'), row.amount, `d:/fee/rows/${i}/amount`, (v) => {
              row.amount = amount(v)
              return undefined
            }),
            ...(i < rows.length - 1 ? [conditionField(l, row, `d:/fee/rows/${i}/when`, `when.${row.id}`, text(l, 'condition.fee'))] : []),
          ],
        }),
      ),
      ...(d.fee.kind === 'table' ? [{ as: 'note' as const, text: text(l, 'fee.table-note') }, moreRow(l, content)] : []),
      sourceField(l, 'source', d.fee.source, 'd:/fee/source', (s) => {
        d.fee.source = s ?? 'unverified'
      }),
    ]
  },
  after({ content }) {
    const d = content.definition
    if (d.fee.kind !== 'table') return
    // A row whose words were taken away is not meant; the last stands for everybody else and stays.
    const kept = d.fee.rows.filter((r, i) => i === rowsOf(d).length - 1 || content.es[`fee.${r.id}`] !== undefined)
    for (const r of d.fee.rows) if (!kept.includes(r)) dropTexts(content, `fee.${r.id}`)
    d.fee.rows = kept
  },
}

/** One more row of the table, before the last. */
const moreRow = (l: Language, c: Content): Field =>
  lineField('more', text(l, 'fee.more'), '', '', (v) => {
    const { fee } = c.definition
    if (v === '' || fee.kind !== 'table') return undefined
    const id = idFrom(
      v,
      fee.rows.map((r) => r.id),
      'caso',
    )
    fee.rows.splice(fee.rows.length - 1, 0, { id, when: 'true', amount: '0.00' })
    setText(c, 'es', `fee.${id}`, v)
    return undefined
  })

const term: Part = {
  id: 'term',
  fields: ({ l, content: { definition: d } }) => [
    {
      as: 'choice',
      name: 'unit',
      label: text(l, 'field.unit'),
      value: d.term.unit,
      options: optionsOf(['immediate', 'working-days', 'days', 'months'] as const, (u) => text(l, `unit.${u}`)),
      at: ['d:/term/unit'],
      set: (v) => {
        d.term.unit = v as Definition['term']['unit']
      },
    },
    countField('count', text(l, 'field.count'), d.term.count, 'd:/term/count', (n) => {
      d.term.count = d.term.unit === 'immediate' ? 0 : n!
    }),
    sourceField(l, 'source', d.term.source, 'd:/term/source', (s) => {
      d.term.source = s ?? 'unverified'
    }),
  ],
}

const silence: Part = {
  id: 'silence',
  fields: ({ l, content: { definition: d } }) => [
    {
      as: 'choice',
      name: 'means',
      label: text(l, 'field.silence'),
      value: d.silence.means,
      options: optionsOf(['affirmative', 'negative'] as const, (m) => words(l, `silence.${m}`)),
      at: ['d:/silence/means'],
      set: (v) => {
        d.silence.means = v as Definition['silence']['means']
      },
    },
    sourceField(l, 'source', d.silence.source, 'd:/silence/source', (s) => {
      d.silence.source = s ?? 'unverified'
    }),
  ],
}

const answer: Part = {
  id: 'answer',
  fields: ({ l, content: { definition: d } }) => [
    countField('workingDays', text(l, 'field.answer'), d.answerWithin.workingDays, 'd:/answerWithin/workingDays', (n) => {
      d.answerWithin.workingDays = n!
    }),
    sourceField(l, 'source', d.answerWithin.source, 'd:/answerWithin/source', (s) => {
      d.answerWithin.source = s ?? 'unverified'
    }),
  ],
}

const validity: Part = {
  id: 'validity',
  fields: ({ l, content: { definition: d } }) => [
    {
      as: 'choice',
      name: 'unit',
      label: text(l, 'field.validity'),
      value: d.validity.unit,
      options: optionsOf(['indefinite', 'once', 'years', 'months', 'days'] as const, (u) => text(l, `validity.${u}`)),
      at: ['d:/validity/unit'],
      set: (v) => {
        d.validity.unit = v as Definition['validity']['unit']
      },
    },
    countField(
      'count',
      text(l, 'field.count'),
      d.validity.count,
      'd:/validity/count',
      (n) => {
        if (d.validity.unit === 'indefinite' || d.validity.unit === 'once') delete d.validity.count
        else put(d.validity, 'count', n)
      },
      { optional: true },
    ),
    sourceField(l, 'source', d.validity.source, 'd:/validity/source', (s) => {
      d.validity.source = s ?? 'unverified'
    }),
  ],
}

const channelsPart: Part = {
  id: 'channels',
  fields: ({ l, content: { definition: d } }) => [
    {
      as: 'checks',
      name: 'channels',
      label: text(l, 'field.channels'),
      values: d.channels,
      options: optionsOf(channels, (c) => words(l, `channel.${c}`)),
      at: ['d:/channels'],
      set: (v) => {
        d.channels = v as Definition['channels']
      },
    },
  ],
}

// ——— Questions and pages ———

const kindsOf = (l: Language, of: Question, inGroup: boolean): Option[] =>
  of.kind === 'group'
    ? [{ value: 'group', text: text(l, 'kind.group') }]
    : (Object.keys(questionKinds) as (keyof typeof questionKinds)[])
        // A file is asked for under papers; the checker refuses it here.
        .filter((k) => k !== 'file' && !(inGroup && k === 'confirm'))
        .map((k) => ({ value: k, text: text(l, `kind.${k}`) }))

const hasLength = new Set(['text', 'long-text'])

function setKind(q: Record<string, unknown>, kind: string): void {
  if (q.kind === kind || q.kind === 'group' || !(kind in questionKinds)) return
  q.kind = kind
  const choosing = kind === 'choice' || kind === 'choices'
  if (choosing) q.options ??= []
  else delete q.options
  if (kind !== 'number' && kind !== 'money') {
    delete q.min
    delete q.max
  }
  if (!hasLength.has(kind)) delete q.maxLength
  if (kind === 'confirm') delete q.optional
}

const pageOf = (d: Definition, id: string) => d.pages.find((p) => p.questions.includes(id))

/** Puts a question at the end of a page and takes it off any other; a page that is left empty goes with it. */
function ontoPage(c: Content, id: string, page: string): void {
  const d = c.definition
  if (pageOf(d, id)?.id === page) return
  const to = d.pages.find((p) => p.id === page)
  if (!to) return
  for (const p of d.pages) p.questions = p.questions.filter((q) => q !== id)
  to.questions.push(id)
  dropEmptyPages(c)
}

function dropEmptyPages(c: Content): void {
  const d = c.definition
  for (const p of d.pages) if (p.questions.length === 0) dropTexts(c, `pages.${p.id}`)
  d.pages = d.pages.filter((p) => p.questions.length > 0)
}

/** Whether there is one before it, and one behind. */
const neighbours = (at: number, list: readonly unknown[]) => ({ up: at > 0, down: at < list.length - 1 })

/** Changes places with a neighbour, where there is one. */
function swap<T>(list: T[], at: number, by: -1 | 1): void {
  const to = at + by
  if (at < 0 || to < 0 || to >= list.length) return
  ;[list[at], list[to]] = [list[to]!, list[at]!]
}

const questionsPart: Part = {
  id: 'questions',
  items: ({ l, content: c }) =>
    c.definition.pages.flatMap((p) =>
      p.questions.flatMap((id, k): Item[] => {
        const found = findQuestion(c.definition, id)
        if (!found) return []
        const q = found.question
        const one: Item = {
          id,
          name: named(c, l, `questions.${id}`, id),
          about: [
            named(c, l, `pages.${p.id}`, p.id),
            text(l, `kind.${q.kind}`),
            q.optional && text(l, 'optional'),
            q.when && text(l, 'sometimes'),
          ]
            .filter(Boolean)
            .join(' · '),
          at: [`d:${found.pointer}`, ...textAt(`questions.${id}`)],
          ...neighbours(k, p.questions),
        }
        if (q.kind !== 'group') return [one]
        return [
          one,
          ...q.questions.map((s, j) => ({
            id: `${id}.${s.id}`,
            name: `↳ ${named(c, l, `questions.${id}.${s.id}`, s.id)}`,
            about: text(l, `kind.${s.kind}`),
            at: [`d:${found.pointer}/questions/${j}`, ...textAt(`questions.${id}.${s.id}`)],
            ...neighbours(j, q.questions),
          })),
        ]
      }),
    ),
  itemFields: ({ l, content: c, item }) => {
    const d = c.definition
    const found = findQuestion(d, item)
    if (!found) return null
    const q = found.question
    const at = `d:${found.pointer}`
    const key = `questions.${item}`
    const inner = item.includes('.')
    const loose = q as Record<string, unknown>
    const fields: Field[] = [
      wordsField(text(l, 'field.question'), key),
      wordsField(text(l, 'field.hint'), `${key}.hint`, { optional: true }),
      {
        as: 'choice',
        name: 'kind',
        label: text(l, 'field.kind'),
        value: q.kind,
        options: kindsOf(l, q, inner),
        at: [`${at}/kind`],
        set: (v) => setKind(loose, v),
      },
    ]
    if ('options' in q) {
      const listed = [...q.options]
      // An option's id comes of its Spanish; its English is read after it.
      const pending = new Map<number, string>()
      for (const [i, o] of [...listed, '', ''].entries())
        fields.push(
          o === ''
            ? {
                as: 'set',
                beside: true,
                legend: text(l, 'option.more', { n: i + 1 }),
                fields: [
                  lineField(`option${i}.es`, 'Español', '', '', (v) => {
                    if (v === '' || !('options' in q)) return undefined
                    const id = idFrom(v, q.options, 'opcion')
                    q.options.push(id)
                    setText(c, 'es', `${key}.options.${id}`, v)
                    pending.set(i, id)
                    return undefined
                  }),
                  lineField(`option${i}.en`, 'English', '', '', (v) => {
                    const id = pending.get(i)
                    if (id !== undefined) setText(c, 'en', `${key}.options.${id}`, v)
                    return undefined
                  }),
                ],
              }
            : wordsField(text(l, 'option.number', { n: i + 1 }), `${key}.options.${o}`),
        )
      fields.push({ as: 'note', text: text(l, 'option.note') })
    }
    if (q.kind !== 'confirm')
      fields.push({
        as: 'checks',
        name: 'optional',
        label: text(l, 'field.optional'),
        values: q.optional ? ['yes'] : [],
        options: [{ value: 'yes', text: text(l, 'optional.yes') }],
        at: [`${at}/optional`],
        set: (v) => put(q, 'optional', v.length > 0 ? true : undefined),
      })
    if (hasLength.has(q.kind))
      fields.push(
        countField(
          'maxLength',
          text(l, 'field.length'),
          (q as { maxLength?: number }).maxLength,
          `${at}/maxLength`,
          (n) => put(loose, 'maxLength', n),
          {
            optional: true,
          },
        ),
      )
    if (q.kind === 'number' || q.kind === 'money')
      fields.push(
        countField('min', text(l, 'field.min'), q.min, `${at}/min`, (n) => put(loose, 'min', n), { optional: true, decimal: true }),
        countField('max', text(l, 'field.max'), q.max, `${at}/max`, (n) => put(loose, 'max', n), { optional: true, decimal: true }),
      )
    if (q.kind === 'group')
      fields.push(
        countField('min', text(l, 'field.group-min'), q.min, `${at}/min`, (n) => {
          q.min = n!
        }),
        countField('max', text(l, 'field.group-max'), q.max, `${at}/max`, (n) => {
          q.max = n!
        }),
      )
    fields.push(conditionField(l, q, `${at}/when`))
    if (!inner)
      fields.push({
        as: 'choice',
        name: 'page',
        label: text(l, 'field.page'),
        value: pageOf(d, q.id)?.id ?? '',
        options: d.pages.map((p) => ({ value: p.id, text: named(c, l, `pages.${p.id}`, p.id) })),
        at: [`${at}/id`],
        set: (v) => ontoPage(c, q.id, v),
      })
    return fields
  },
  after({ content: c, item }) {
    const found = findQuestion(c.definition, item)
    const q = found?.question
    if (!q || !('options' in q)) return
    // An option without words in both languages was taken away.
    const key = `questions.${item}.options`
    q.options = q.options.filter((o) => c.es[`${key}.${o}`] !== undefined || c.en[`${key}.${o}`] !== undefined)
  },
  add({ content: c }, name, form) {
    const d = c.definition
    const kind = typedText(form.kind)
    const into = typedText(form.into)
    const group = d.questions.find((q) => q.id === into && q.kind === 'group')
    const plain = kind in questionKinds && kind !== 'file' ? kind : 'text'
    const fresh = (id: string) =>
      ({ id, kind: plain, ...(plain === 'choice' || plain === 'choices' ? { options: [] } : {}) }) as unknown as Question
    if (group?.kind === 'group') {
      const id = idFrom(
        name.es,
        group.questions.map((q) => q.id),
        'dato',
      )
      group.questions.push(fresh(id) as never)
      nameBoth(c, `questions.${into}.${id}`, name)
      return `${into}.${id}`
    }
    const id = idFrom(name.es, [...d.questions.map((q) => q.id), ...reserved], 'pregunta')
    if (kind === 'group') {
      d.questions.push({ id, kind: 'group', min: 1, max: 10, questions: [{ id: 'name', kind: 'person-name' }] })
      for (const language of ['es', 'en'] as const) setText(c, language, `questions.${id}.name`, text(language, 'new.group-name'))
    } else d.questions.push(fresh(id))
    nameBoth(c, `questions.${id}`, name)
    const page = d.pages.find((p) => p.id === typedText(form.page))
    if (page && page.questions.length < 8) page.questions.push(id)
    else {
      const own = idFrom(
        name.es,
        d.pages.map((p) => p.id),
        'pagina',
      )
      d.pages.push({ id: own, questions: [id] })
      nameBoth(c, `pages.${own}`, name)
    }
    return id
  },
  remove({ content: c, item }) {
    const d = c.definition
    const found = findQuestion(d, item)
    if (!found) return
    found.list.splice(found.at, 1)
    dropTexts(c, `questions.${item}`)
    if (item.includes('.')) return
    for (const p of d.pages) p.questions = p.questions.filter((q) => q !== item)
    dropEmptyPages(c)
    const matter = d.matter?.filter((m) => m !== item)
    put(d, 'matter', matter?.length ? matter : undefined)
  },
  move({ content: c, item }, by) {
    const d = c.definition
    if (item.includes('.')) {
      const found = findQuestion(d, item)
      if (found) swap(found.list, found.at, by)
      return
    }
    const page = pageOf(d, item)
    if (page) swap(page.questions, page.questions.indexOf(item), by)
  },
}
/** Words that conditions keep for themselves. */
const reserved = [
  'result',
  'results',
  'today',
  'date',
  'time',
  'duration',
  'and',
  'or',
  'not',
  'in',
  'if',
  'papers',
  'hint',
  'options',
  'constructor',
]

function nameBoth(c: Content, key: string, name: { es: string; en: string }): void {
  setText(c, 'es', key, name.es)
  setText(c, 'en', key, name.en)
}

const pagesPart: Part = {
  id: 'pages',
  items: ({ l, content: c }) =>
    c.definition.pages.map((p, i) => ({
      id: p.id,
      name: named(c, l, `pages.${p.id}`, p.id),
      about: p.questions.map((q) => named(c, l, `questions.${q}`, q)).join(', '),
      at: [`d:/pages/${i}`, ...textAt(`pages.${p.id}`)],
      ...neighbours(i, c.definition.pages),
    })),
  itemFields: ({ l, content: c, item }) => {
    const i = c.definition.pages.findIndex((p) => p.id === item)
    const page = c.definition.pages[i]
    return page
      ? [
          wordsField(text(l, 'field.heading'), `pages.${item}`),
          conditionField(l, page, `d:/pages/${i}/when`, 'when', text(l, 'condition.page')),
        ]
      : null
  },
  move: ({ content: c, item }, by) =>
    swap(
      c.definition.pages,
      c.definition.pages.findIndex((p) => p.id === item),
      by,
    ),
}

const matter: Part = {
  id: 'matter',
  fields: ({ l, content: c }) => {
    const d = c.definition
    return [
      {
        as: 'checks',
        name: 'matter',
        label: text(l, 'field.matter'),
        hint: text(l, 'field.matter-hint'),
        values: d.matter ?? [],
        options: d.questions.map((q) => ({ value: q.id, text: named(c, l, `questions.${q.id}`, q.id) })),
        at: ['d:/matter'],
        set: (v) => put(d, 'matter', v.length > 0 ? v : undefined),
      },
    ]
  },
}

// ——— Papers, reasons ———

const papers: Part = {
  id: 'papers',
  items: ({ l, content: c }) =>
    c.definition.papers.map((p, i) => ({
      id: p.id,
      name: named(c, l, `papers.${p.id}`, p.id),
      about: [
        words(l, p.how === 'file' ? 'paper.file' : 'paper.shown'),
        p.optional && words(l, 'paper.optional'),
        p.when && words(l, 'paper.sometimes'),
      ]
        .filter(Boolean)
        .join(' · '),
      at: [`d:/papers/${i}`, ...textAt(`papers.${p.id}`)],
      ...neighbours(i, c.definition.papers),
    })),
  itemFields: ({ l, content: c, item, bases }) => {
    const i = c.definition.papers.findIndex((p) => p.id === item)
    const p = c.definition.papers[i]
    if (!p) return null
    const at = `d:/papers/${i}`
    return [
      wordsField(text(l, 'field.paper'), `papers.${item}`),
      wordsField(text(l, 'field.hint'), `papers.${item}.hint`, { optional: true, hint: text(l, 'field.paper-hint') }),
      {
        as: 'choice',
        name: 'how',
        label: text(l, 'field.how'),
        value: p.how,
        options: optionsOf(['file', 'shown'] as const, (h) => words(l, `paper.${h}`)),
        at: [`${at}/how`],
        set: (v) => {
          p.how = v === 'shown' ? 'shown' : 'file'
        },
      },
      {
        as: 'checks',
        name: 'optional',
        label: text(l, 'field.optional'),
        values: p.optional ? ['yes'] : [],
        options: [{ value: 'yes', text: text(l, 'optional.paper') }],
        at: [`${at}/optional`],
        set: (v) => put(p, 'optional', v.length > 0 ? true : undefined),
      },
      {
        as: 'choice',
        name: 'from',
        label: text(l, 'field.from'),
        value: p.from ?? '',
        options: [{ value: '', text: text(l, 'from.none') }, ...bases],
        at: [`${at}/from`],
        set: (v) => put(p, 'from', v),
      },
      conditionField(l, p, `${at}/when`),
      sourceField(l, 'source', p.source, `${at}/source`, (s) => {
        p.source = s ?? 'unverified'
      }),
    ]
  },
  add({ content: c }, name) {
    const id = idFrom(name.es, [...c.definition.papers.map((p) => p.id), 'local-paper'], 'papel')
    c.definition.papers.push({ id, how: 'file', source: 'unverified' })
    nameBoth(c, `papers.${id}`, name)
    return id
  },
  remove({ content: c, item }) {
    c.definition.papers = c.definition.papers.filter((p) => p.id !== item)
    dropTexts(c, `papers.${item}`)
  },
  move: ({ content: c, item }, by) =>
    swap(
      c.definition.papers,
      c.definition.papers.findIndex((p) => p.id === item),
      by,
    ),
}

const reasons: Part = {
  id: 'reasons',
  items: ({ l, content: c }) =>
    c.definition.reasons.map((r, i) => ({
      id: r.id,
      name: named(c, l, `reasons.${r.id}`, r.id),
      about: r.rule === 'unverified' ? words(l, 'unverified') : r.rule.law,
      at: [`d:/reasons/${i}`, ...textAt(`reasons.${r.id}`)],
      ...neighbours(i, c.definition.reasons),
    })),
  itemFields: ({ l, content: c, item }) => {
    const i = c.definition.reasons.findIndex((r) => r.id === item)
    const r = c.definition.reasons[i]
    return r
      ? [
          wordsField(text(l, 'field.reason'), `reasons.${item}`, { lines: 2 }),
          sourceField(l, 'rule', r.rule, `d:/reasons/${i}/rule`, (s) => {
            r.rule = s ?? 'unverified'
          }),
        ]
      : null
  },
  add({ content: c }, name) {
    const id = idFrom(
      name.es,
      c.definition.reasons.map((r) => r.id),
      'motivo',
    )
    c.definition.reasons.push({ id, rule: 'unverified' })
    nameBoth(c, `reasons.${id}`, name)
    return id
  },
  remove({ content: c, item }) {
    c.definition.reasons = c.definition.reasons.filter((r) => r.id !== item)
    dropTexts(c, `reasons.${item}`)
  },
  move: ({ content: c, item }, by) =>
    swap(
      c.definition.reasons,
      c.definition.reasons.findIndex((r) => r.id === item),
      by,
    ),
}

// ——— Steps ———

/** The units a step may name: agencies of the same level. */
const unitsOf = (d: Definition, agencies: Agencies, l: Language): Option[] => [
  { value: '', text: text(l, 'unit.own') },
  ...Object.entries(agencies)
    .filter(([id, a]) => a.level === d.level && id !== d.agency)
    .map(([value, a]) => ({ value, text: a.name[l] })),
]

/** Words for each unit that a step names, and none for the others. */
function nameUnits(c: Content, agencies: Agencies): void {
  const used = new Set(
    c.definition.steps.flatMap((s) =>
      s.kind === 'parallel' ? s.branches.flatMap((b) => b.unit ?? []) : 'unit' in s && s.unit ? [s.unit] : [],
    ),
  )
  for (const language of ['es', 'en'] as const) {
    for (const k of Object.keys(c[language])) if (k.startsWith('units.') && !used.has(k.slice(6))) delete c[language][k]
    for (const u of used) c[language][`units.${u}`] ??= agencies[u]?.name[language] ?? u
  }
}

const stepKinds = ['pay', 'review', 'parallel', 'decide', 'timer', 'issue', 'sign'] as const

const steps: Part = {
  id: 'steps',
  items: ({ l, content: c }) =>
    c.definition.steps.map((s, i) => ({
      id: s.id,
      name: named(c, l, `steps.${s.id}`, s.id),
      about: [
        text(l, `step.${s.kind}`),
        ...('next' in s
          ? s.next.map((w) =>
              text(l, w.when === undefined ? 'way.always' : 'way.when', {
                to: named(c, l, `steps.${w.to}`, w.to),
                when: w.when === undefined ? '' : wordsOfCondition(c, w.when, l),
              }),
            )
          : []),
      ].join(' · '),
      at: [`d:/steps/${i}`, ...textAt(`steps.${s.id}`)],
      // The filing is always the first.
      up: i > 1,
      down: i > 0 && i < c.definition.steps.length - 1,
      ...(i === 0 ? { stays: true as const } : {}),
    })),
  itemFields: ({ l, content: c, item, agencies }) => {
    const d = c.definition
    const i = d.steps.findIndex((s) => s.id === item)
    const s = d.steps[i]
    if (!s) return null
    const at = `d:/steps/${i}`
    const others = d.steps.filter((o) => o.kind !== 'data').map((o) => ({ value: o.id, text: named(c, l, `steps.${o.id}`, o.id) }))
    const fields: Field[] = [wordsField(text(l, 'field.step'), `steps.${item}`)]
    if (s.kind === 'review' || s.kind === 'decide') {
      fields.push({
        as: 'choice',
        name: 'unit',
        label: text(l, 'field.who-does'),
        value: s.unit ?? '',
        options: unitsOf(d, agencies, l),
        at: [`${at}/unit`],
        set: (v) => put(s, 'unit', v),
      })
      if (s.unit) fields.push(wordsField(text(l, 'field.unit-name'), `units.${s.unit}`))
    }
    if (s.kind === 'decide')
      fields.push({
        as: 'choice',
        name: 'signed',
        label: text(l, 'field.signed'),
        value: s.signed ? 'yes' : '',
        options: [
          { value: '', text: text(l, 'signed.may') },
          { value: 'yes', text: text(l, 'signed.must') },
        ],
        at: [`${at}/signed`],
        set: (v) => put(s, 'signed', v === 'yes' ? true : undefined),
      })
    if (s.kind === 'sign')
      fields.push(
        {
          as: 'choice',
          name: 'signers',
          label: text(l, 'field.signers'),
          value: s.signers ?? '',
          options: [
            { value: '', text: text(l, 'signers.applicant') },
            ...d.questions
              .filter((q) => q.kind === 'group')
              .map((q) => ({ value: q.id, text: text(l, 'signers.group', { name: named(c, l, `questions.${q.id}`, q.id) }) })),
          ],
          at: [`${at}/signers`],
          set: (v) => put(s, 'signers', v),
        },
        {
          as: 'choice',
          name: 'order',
          label: text(l, 'field.sign-order'),
          value: s.order ?? '',
          options: [
            { value: '', text: text(l, 'sign-order.any') },
            { value: 'listed', text: text(l, 'sign-order.listed') },
          ],
          at: [`${at}/order`],
          set: (v) => put(s, 'order', v === 'listed' ? v : undefined),
        },
      )
    if (s.kind === 'timer')
      fields.push(
        countField('workingDays', text(l, 'field.wait'), s.workingDays, `${at}/workingDays`, (n) => {
          s.workingDays = n!
        }),
      )
    if (s.kind === 'parallel')
      for (const [j, b] of s.branches.entries())
        fields.push({
          as: 'set',
          legend: text(l, 'branch.number', { n: j + 1 }),
          fields: [
            wordsField(text(l, 'branch.name'), `steps.${item}.${b.id}`),
            {
              as: 'choice',
              name: `unit.${b.id}`,
              label: text(l, 'field.who-does'),
              value: b.unit ?? '',
              options: unitsOf(d, agencies, l),
              at: [`${at}/branches/${j}`],
              set: (v) => put(b, 'unit', v),
            },
          ],
        })
    if (s.kind === 'parallel')
      fields.push(
        lineField('branch', text(l, 'branch.more'), '', '', (v) => {
          if (v === '') return undefined
          const id = idFrom(
            v,
            s.branches.map((b) => b.id),
            'rama',
          )
          s.branches.push({ id })
          setText(c, 'es', `steps.${item}.${id}`, v)
          return undefined
        }),
      )
    if ('next' in s) {
      const ways = [...s.next]
      for (const [j, w] of ways.entries())
        fields.push({
          as: 'set',
          legend: text(l, 'way.number', { n: j + 1 }),
          fields: [
            {
              as: 'choice',
              name: `to${j}`,
              label: text(l, 'field.to'),
              value: w.to,
              options: [...(ways.length > 1 ? [{ value: '', text: text(l, 'way.remove') }] : []), ...others],
              at: [`${at}/next/${j}/to`, `${at}/next/${j}`],
              set: (v) => {
                w.to = v
              },
            },
            conditionField(l, w, `${at}/next/${j}/when`, `when${j}`, text(l, 'condition.way')),
            countField(`atMost${j}`, text(l, 'field.at-most'), w.atMost, `${at}/next/${j}/atMost`, (n) => put(w, 'atMost', n), {
              optional: true,
              hint: text(l, 'field.at-most-hint'),
            }),
          ],
        })
      fields.push({
        as: 'choice',
        name: 'more',
        label: text(l, 'way.more'),
        value: '',
        options: [{ value: '', text: text(l, 'way.none') }, ...others],
        at: [],
        // Before the last, which always holds.
        set: (v) => {
          if (v !== '') s.next.splice(s.next.length - 1, 0, { to: v, when: wayResult(s) })
        },
      })
    }
    return fields
  },
  after({ content: c, item, agencies }) {
    const s = c.definition.steps.find((o) => o.id === item)
    if (s && 'next' in s) s.next = s.next.filter((w) => w.to !== '')
    if (s?.kind === 'parallel') {
      for (const b of s.branches) if (c.es[`steps.${item}.${b.id}`] === undefined) dropTexts(c, `steps.${item}.${b.id}`)
      s.branches = s.branches.filter((b) => c.es[`steps.${item}.${b.id}`] !== undefined)
    }
    nameUnits(c, agencies)
  },
  add({ content: c }, name, form) {
    const d = c.definition
    const kind = stepKinds.find((k) => k === typedText(form.kind)) ?? 'review'
    const id = idFrom(
      name.es,
      d.steps.map((s) => s.id),
      'paso',
    )
    // It comes in on the way before the step that makes the document, or at the end of the list.
    const after = d.steps.find((s) => s.id === typedText(form.after) && 'next' in s) ?? d.steps[0]!
    const beyond = 'next' in after ? after.next.at(-1)!.to : d.steps.at(-1)!.id
    const next = [{ to: beyond }]
    const fresh: Step =
      kind === 'issue'
        ? { id, kind }
        : kind === 'timer'
          ? { id, kind, workingDays: 5, next }
          : kind === 'parallel'
            ? { id, kind, branches: [{ id: 'one' }, { id: 'two' }], next }
            : { id, kind, next }
    d.steps.splice(d.steps.indexOf(after) + 1, 0, fresh)
    if ('next' in after && kind !== 'issue') after.next.at(-1)!.to = id
    nameBoth(c, `steps.${id}`, name)
    if (kind === 'parallel')
      for (const [j, b] of (['one', 'two'] as const).entries())
        for (const language of ['es', 'en'] as const)
          setText(c, language, `steps.${id}.${b}`, text(language, 'branch.number', { n: j + 1 }))
    return id
  },
  remove({ content: c, item, agencies }) {
    const d = c.definition
    const gone = d.steps.find((s) => s.id === item)
    if (!gone || gone.kind === 'data') return
    // Who led to it is led on to where it led.
    const beyond = 'next' in gone ? gone.next.at(-1)!.to : null
    d.steps = d.steps.filter((s) => s !== gone)
    if (beyond !== null && beyond !== item)
      for (const s of d.steps) if ('next' in s) for (const w of s.next) if (w.to === item) w.to = beyond
    dropTexts(c, `steps.${item}`)
    nameUnits(c, agencies)
  },
  move({ content: c, item }, by) {
    const list = c.definition.steps
    const at = list.findIndex((s) => s.id === item)
    // The filing is always the first.
    if (at + by > 0) swap(list, at, by)
  },
}

const wayResult = (s: Step) =>
  s.kind === 'decide' ? 'result = "refused"' : s.kind === 'review' || s.kind === 'parallel' ? 'result = "objection"' : 'true'

// ——— What adoptions may change ———

const adoption: Part = {
  id: 'adoption',
  has: (d) => d.level !== 'federal',
  fields: ({ l, content: { definition: d } }) => {
    const bounds = () => (d.adoption ??= {})
    const b = d.adoption ?? {}
    const pair = { min: b.fee?.min ?? '', max: b.fee?.max ?? '' }
    const money = (name: 'min' | 'max', label: string) =>
      lineField(`fee.${name}`, label, pair[name], `d:/adoption/fee/${name}`, (v) => {
        pair[name] = v === '' ? '' : amount(v)
        if (pair.min === '' && pair.max === '') delete bounds().fee
        else bounds().fee = { min: pair.min || '0.00', max: pair.max || pair.min }
        return undefined
      })
    return [
      { as: 'set', legend: text(l, 'bounds.fee'), fields: [money('min', text(l, 'field.min')), money('max', text(l, 'field.max'))] },
      countField(
        'hours',
        text(l, 'bounds.hours'),
        b.hours?.atLeastPerWeek,
        'd:/adoption/hours',
        (n) => put(bounds(), 'hours', n === undefined ? undefined : { atLeastPerWeek: n }),
        { optional: true, hint: text(l, 'bounds.hours-hint') },
      ),
      countField(
        'term',
        text(l, 'bounds.term'),
        b.term?.atLeast,
        'd:/adoption/term',
        (n) => put(bounds(), 'term', n === undefined ? undefined : { atLeast: n }),
        { optional: true, hint: text(l, 'bounds.term-hint') },
      ),
      {
        as: 'checks',
        name: 'localPaper',
        label: text(l, 'bounds.paper'),
        values: b.localPaper ? ['yes'] : [],
        options: [{ value: 'yes', text: text(l, 'bounds.paper-yes') }],
        at: ['d:/adoption'],
        set: (v) => put(bounds(), 'localPaper', v.length > 0 ? true : undefined),
      },
    ]
  },
}

export const partIds = [
  'general',
  'texts',
  'law',
  'questions',
  'pages',
  'papers',
  'fee',
  'term',
  'silence',
  'answer',
  'validity',
  'channels',
  'steps',
  'reasons',
  'document',
  'matter',
  'adoption',
] as const
export type PartId = (typeof partIds)[number]

/** Every page of a draft, by its address. */
export const parts: Readonly<Record<PartId, Part>> = {
  general,
  texts,
  law,
  questions: questionsPart,
  pages: pagesPart,
  papers,
  fee,
  term,
  silence,
  answer,
  validity,
  channels: channelsPart,
  steps,
  reasons,
  document,
  matter,
  adoption,
}

/** The fields of a page; null where there is no such item. */
export function fieldsOf(part: Part, edit: Edit): Field[] | null {
  return edit.item === '' ? (part.fields?.(edit) ?? []) : (part.itemFields?.(edit) ?? null)
}

/** All fields, those in sets as well. */
export function flat(fields: readonly Field[]): Exclude<Field, { as: 'set' }>[] {
  return fields.flatMap((f) => (f.as === 'set' ? flat(f.fields) : [f]))
}

/** Sets what was typed through the fields. Gives the name of each field that could not be read, with the key of what is wrong. */
export function readFields(
  fields: readonly Field[],
  form: Form,
  setWords: (language: Language, key: string, typed: string) => void = () => {},
): Map<string, Key> {
  const wrong = new Map<string, Key>()
  for (const f of flat(fields)) {
    switch (f.as) {
      case 'note':
        break
      case 'words':
        for (const language of ['es', 'en'] as const) {
          const typed = form[`${language}:${f.name}`]
          if (typed !== undefined) setWords(language, f.key, typedText(typed))
        }
        break
      case 'line': {
        if (form[f.name] === undefined) break
        const error = f.set(typedText(form[f.name]).slice(0, 300))
        if (error) wrong.set(f.name, error)
        break
      }
      case 'choice': {
        const typed = typedText(form[f.name])
        // Only what was offered: a form is not believed further than its options.
        if (form[f.name] !== undefined && f.options.some((o) => o.value === typed)) f.set(typed)
        break
      }
      case 'checks': {
        const chosen = typedList(form[f.name])
        const offered = f.options.map((o) => o.value).filter((o) => chosen.includes(o))
        // Who changes nothing changes no order either: what was chosen before stays where it was.
        const before = f.values.filter((o) => offered.includes(o))
        if (form[`${f.name}.shown`] !== undefined) f.set([...before, ...offered.filter((o) => !before.includes(o))])
        break
      }
      case 'condition':
        if (form[f.name] !== undefined) f.set(typedText(form[f.name]).slice(0, 2000))
        break
      case 'source': {
        if (form[`${f.name}.law`] === undefined) break
        const [lawName, article, url, read] = ['law', 'article', 'url', 'read'].map((k) => typedText(form[`${f.name}.${k}`])) as [
          string,
          string,
          string,
          string,
        ]
        if (lawName === '') f.set(form[`${f.name}.unverified`] !== undefined ? 'unverified' : null)
        else f.set({ law: lawName, ...(article ? { article } : {}), ...(url ? { url } : {}), ...(read ? { read } : {}) })
      }
    }
  }
  return wrong
}

/** A page's form taken into the edit's content. */
export function applyForm(part: Part, edit: Edit, form: Form): Map<string, Key> {
  const wrong = readFields(fieldsOf(part, edit) ?? [], form, (language, key, typed) => setText(edit.content, language, key, typed))
  part.after?.(edit)
  return wrong
}

/** Where a fault stands, as fields name their places: `d:` the definition, `es:` and `en:` the texts, `x:` the examples. */
export function placeOfFault(fault: { readonly file: string; readonly pointer: string }): string {
  const file = fault.file.split('/').at(-1)!
  const which = file === 'text.es.json' ? 'es' : file === 'text.en.json' ? 'en' : file === 'examples.json' ? 'x' : 'd'
  return `${which}:${fault.pointer}`
}

/** Whether a place lies at or under one of these. */
export function liesAt(place: string, at: readonly string[]): boolean {
  return at.some((a) => a !== '' && (place === a || place.startsWith(`${a}/`) || (!a.startsWith('d:') && place.startsWith(`${a}.`))))
}

/** The page on which a fault is mended. */
export function pageOfFault(edit: Edit, place: string): { readonly part: PartId | 'examples'; readonly item: string } {
  if (place.startsWith('x:')) return { part: 'examples', item: '' }
  let best: { part: PartId; item: string; length: number } = { part: 'general', item: '', length: 0 }
  const offer = (part: PartId, item: string, at: readonly string[]) => {
    for (const a of at) if (a.length > best.length && liesAt(place, [a])) best = { part, item, length: a.length }
  }
  for (const part of Object.values(parts)) {
    for (const i of part.items?.(edit) ?? []) offer(part.id, i.id, i.at)
    for (const f of flat(part.fields?.(edit) ?? [])) if (f.as !== 'note') offer(part.id, '', f.at)
  }
  const unit = /^(?:es|en):\/units\.(.+)$/.exec(place)?.[1]
  const step = unit === undefined ? undefined : edit.content.definition.steps.find((s) => JSON.stringify(s).includes(`"unit":"${unit}"`))
  if (step) return { part: 'steps', item: step.id }
  if (best.length === 0 && place.startsWith('d:/adoption')) return { part: 'adoption', item: '' }
  return { part: best.part, item: best.item }
}

/** A condition in words where it is of the simple kind the page makes; as it is written otherwise. */
export function wordsOfCondition(c: Content, when: string, l: Language): string {
  // `and` binds before `or`; what stands in brackets is for those who read FEEL.
  const said = splitOn(when, 'or').map((some) => splitOn(some, 'and').map((one) => wordsOfTerm(c, one, l)))
  if (said.some((some) => some.some((one) => one === null))) return when
  const mixed = said.length > 1 && said.some((some) => some.length > 1)
  return said
    .map((some) => some.join(` ${text(l, 'condition.and')} `))
    .join(mixed ? text(l, 'condition.or-else') : ` ${text(l, 'condition.or')} `)
}

/** Splits outside of quotes. */
function splitOn(when: string, joint: string): string[] {
  return when.split(new RegExp(` ${joint} (?=(?:[^"]*"[^"]*")*[^"]*$)`))
}

function wordsOfTerm(c: Content, one: string, l: Language): string | null {
  const m = /^\s*([a-z][\w.-]*)\s*(=|!=|<=|<|>=|>)\s*("[^"]*"|true|false|null|-?\d+(?:\.\d+)?|date\("[\d-]+"\))\s*$/.exec(one)
  if (!m) return null
  const [, name, op, raw] = m as unknown as [string, string, string, string]
  const subject =
    name === 'result'
      ? text(l, 'condition.result')
      : name.startsWith('results.')
        ? named(c, l, `steps.${name.slice(8)}`, name)
        : named(c, l, `questions.${name}`, name)
  if (raw === 'null') return text(l, op === '=' ? 'condition.unanswered' : 'condition.answered', { name: subject })
  if (raw === 'true' || raw === 'false')
    return text(l, 'condition.is', { name: subject, value: text(l, (raw === 'true') === (op === '=') ? 'yes' : 'no') })
  const plain = raw.startsWith('date') ? raw.slice(6, -2) : raw.replaceAll('"', '')
  const value =
    name === 'result' || name.startsWith('results.')
      ? (['ok', 'objection', 'granted', 'refused', 'done'] as const).some((r) => r === plain)
        ? text(l, `result.${plain as 'ok'}`)
        : plain
      : named(c, l, `questions.${name}.options.${plain}`, plain)
  const key = { '=': 'is', '!=': 'is-not', '<': 'less', '<=': 'at-most', '>': 'more', '>=': 'at-least' }[op] as 'is'
  return text(l, `condition.${key}`, { name: subject, value })
}
