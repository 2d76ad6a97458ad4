/** What the pages of numbers show. The table is the truth, the picture beside it says the same. */
import type { Catalogue, Service } from '#catalogue'
import { type Child, type Html, html } from '#kernel/html'
import { formatDate, formatNumber, formatShare, formatSpan, type Language, localeOf, texts } from '#kernel/text'
import { type Cell, columnChart, details, type Figure, figures, type MapShapes, scrolling, shareBar, stateMap, table } from '#look'
import type { Cost } from './costs.ts'
import type { LevelsMonth } from './levels.ts'
import type { OfficeRow, Row } from './numbers.ts'
import type { DraftsMonth, Month, OpenTable, SaidMonth } from './tables.ts'
import en from './text.en.json' with { type: 'json' }
import es from './text.es.json' with { type: 'json' }

export const text = texts({ es, en })

/** Rows a page lists; the rest is in the open data. */
const listed = 20

/** A month's name within a sentence: *noviembre de 2026*. */
function monthWithin(l: Language, period: string, short = false): string {
  const options = short ? ({ month: 'short', year: '2-digit' } as const) : ({ month: 'long', year: 'numeric' } as const)
  return new Intl.DateTimeFormat(localeOf[l], { ...options, timeZone: 'UTC' }).format(new Date(`${period}-15T12:00Z`))
}

/** The same where it stands first: *Noviembre de 2026*. */
export function monthName(l: Language, period: string, short = false): string {
  const name = monthWithin(l, period, short)
  return `${name[0]!.toUpperCase()}${name.slice(1)}`
}

const numeric = (words: Child): Cell => ({ text: html`${words}`, numeric: true })
const few = (l: Language) =>
  html`<span aria-hidden="true">${text(l, 'few.short')}</span><span class="govuk-visually-hidden">${text(l, 'few')}</span>`
const inTerm = (row: Pick<Row, 'decided'> | undefined | null) => (row?.decided ? row.decided.inTerm / row.decided.n : null)

const addressOf: Readonly<Record<'place' | 'agency' | 'base' | 'service' | 'office', (id: string) => string>> = {
  place: (id) => `/numbers/places/${id}`,
  agency: (id) => `/numbers/agencies/${id}`,
  base: (id) => `/numbers/services/${id}`,
  service: (id) => `/numbers/services/${id}`,
  office: (id) => `/numbers/offices/${id}`,
}

/** The figures of one thing in one month. */
function rowFigures(l: Language, row: Pick<Row, 'filed' | 'decided' | 'waited'> | null): Html {
  const none = { value: few(l), note: text(l, 'few') }
  const all: Figure[] = [
    row?.filed ? { label: text(l, 'filed'), value: formatNumber(l, row.filed.n) } : { label: text(l, 'filed'), ...none },
    row?.decided
      ? { label: text(l, 'in-term'), value: formatShare(l, inTerm(row)!), note: text(l, 'in-term.of', { count: row.decided.n }) }
      : { label: text(l, 'in-term'), ...none },
    row?.decided
      ? { label: text(l, 'silence'), value: formatNumber(l, row.decided.silence), note: text(l, 'in-term.of', { count: row.decided.n }) }
      : { label: text(l, 'silence'), ...none },
    row?.decided
      ? {
          label: text(l, 'took'),
          value: formatSpan(l, row.decided.p50),
          note: text(l, 'took.tenths', { tenths: formatSpan(l, row.decided.p90) }),
        }
      : { label: text(l, 'took'), ...none },
    row?.waited
      ? {
          label: text(l, 'wait'),
          value: formatSpan(l, row.waited.p50),
          note: text(l, 'wait.tenths', { tenths: formatSpan(l, row.waited.p90) }),
        }
      : { label: text(l, 'wait'), ...none },
  ]
  return figures(l, all)
}

/** A table of things of one scope, the largest first; beyond `listed` the open data are named. */
function rowsTable(
  l: Language,
  title: string,
  kind: string,
  rows: readonly { readonly name: string; readonly href: string; readonly row: Row | undefined }[],
  most = listed,
): Html | null {
  if (rows.length === 0) return null
  const sorted = rows.toSorted((a, b) => (b.row?.filed?.n ?? 0) - (a.row?.filed?.n ?? 0) || a.name.localeCompare(b.name, l))
  const more = Math.max(0, sorted.length - most)
  return html`<h2 class="govuk-heading-m">${title}</h2>${scrolling(
    title,
    table({
      head: [kind, numeric(text(l, 'filed')), numeric(text(l, 'decided')), numeric(text(l, 'in-term')), numeric(text(l, 'wait'))],
      firstCellIsHeader: true,
      rows: sorted.slice(0, most).map(({ name, href, row }) => {
        const share = inTerm(row)
        return [
          html`<a class="govuk-link" href="${href}">${name}</a>`,
          numeric(row?.filed ? formatNumber(l, row.filed.n) : few(l)),
          numeric(row?.decided ? formatNumber(l, row.decided.n) : few(l)),
          numeric(share === null ? few(l) : html`${formatShare(l, share)} ${shareBar(share)}`),
          numeric(row?.waited ? formatSpan(l, row.waited.p50) : few(l)),
        ]
      }),
    }),
  )}${more > 0 && html`<p class="govuk-body">${text(l, 'more', { count: more })}</p>`}`
}

/** How much is decided in time, in five shades: below half, 70, 85, 95 hundredths, and above. */
const levelOf = (share: number) => [0.5, 0.7, 0.85, 0.95].filter((edge) => share >= edge).length

function statesMap(l: Language, t: OpenTable, catalogue: Pick<Catalogue, 'places'>, shapes: MapShapes): Html {
  return html`<h2 class="govuk-heading-m">${text(l, 'map')}</h2>${stateMap({
    name: text(l, 'map.name'),
    shapes,
    areas: Object.keys(shapes.states).map((code) => {
      const share = inTerm(t.rows.get(`place ${code}`))
      return {
        id: code,
        name: catalogue.places.nameOf(code),
        href: addressOf.place(code),
        level: share === null ? null : levelOf(share),
        text: share === null ? text(l, 'few') : formatShare(l, share),
      }
    }),
  })}<p class="govuk-body v-soft">${text(l, 'map.key')}</p>`
}

/** Which month is shown, and the way to the one before. */
function monthLine(l: Language, t: OpenTable, months: readonly string[], url: string): Html {
  const { period } = t.numbers
  const name = monthName(l, period)
  const others = months.filter((m) => m !== period).slice(0, 6)
  return html`<p class="govuk-body"><strong>${text(l, t.released ? 'month.released' : 'month.running', { month: name })}</strong>${others.map(
    (m) => html` · <a class="govuk-link" href="${url}?month=${m}">${text(l, 'month.earlier', { month: monthName(l, m) })}</a>`,
  )}</p>`
}

/** How to get and check these figures. */
function openData(l: Language, t: OpenTable, origin: string): Html {
  const { period, size } = t.numbers
  return html`<h2 class="govuk-heading-m" id="open">${text(l, 'open')}</h2><p class="govuk-body">${text(l, 'few.note')}</p><p class="govuk-body">${
    t.released ? text(l, 'open.released', { hash: t.sha256.slice(0, 16) }) : text(l, 'open.running', { size })
  }</p><ul class="govuk-list"><li><a class="govuk-link" href="/numbers/${period}.csv">${text(l, 'open.csv')}</a></li><li><a class="govuk-link" href="/api/numbers?period=${period}">${text(l, 'open.json')}</a></li></ul>${details(
    {
      summary: text(l, 'open.check'),
      body: html`<p>${text(l, 'open.how')}</p><pre class="v-command" tabindex="0"><code>bin/ventanilla verify-numbers ${origin}</code></pre>`,
    },
  )}`
}

/** What people answered when their cases were over; null where nothing is released. */
export function saidBody(l: Language, months: readonly SaidMonth[]): Html | null {
  const [newest] = months
  if (!newest) return null
  const { row, period } = newest
  const pesos = (r: SaidMonth['row']) => formatPesos(l, r.askedPesos / r.n)
  const count = text(l, 'said.of', { count: row.n, month: monthWithin(l, period) })
  return html`<h2 class="govuk-heading-m" id="said">${text(l, 'said')}</h2>${figures(l, [
    { label: text(l, 'said.visits'), value: formatMean(l, row.visits / row.n), note: count },
    { label: text(l, 'said.asked'), value: formatShare(l, row.asked / row.n), note: count },
    { label: text(l, 'said.cost'), value: pesos(row), note: text(l, 'said.cost.note') },
  ])}${
    months.length > 1 &&
    scrolling(
      text(l, 'said'),
      table({
        head: [
          text(l, 'month'),
          ...(['said.answers', 'said.visits', 'said.asked', 'said.cost'] as const).map((key) => numeric(text(l, key))),
        ],
        firstCellIsHeader: true,
        rows: months.map((m) => [
          monthName(l, m.period),
          numeric(formatNumber(l, m.row.n)),
          numeric(formatMean(l, m.row.visits / m.row.n)),
          numeric(html`${formatShare(l, m.row.asked / m.row.n)} ${shareBar(m.row.asked / m.row.n)}`),
          numeric(pesos(m.row)),
        ]),
      }),
    )
  }<p class="govuk-body v-soft">${text(l, 'said.how')} <a class="govuk-link" href="/api/numbers?set=people&amp;period=${period}">${text(l, 'open.json')}</a></p>`
}

/** What a turn cost where an office, or some of `served` offices, said what they cost. */
export function costBody(
  l: Language,
  { period, costs, served }: { readonly period: string; readonly costs: readonly Cost[]; readonly served: number },
): Html {
  const last = (c: Cost) => c.declarations.at(-1)!
  const pesos = costs.reduce((n, c) => n + last(c).pesos, 0)
  const turns = costs.reduce((n, c) => n + c.turns, 0)
  const kinds = [...new Set(costs.map((c) => last(c).basis))]
  return html`<h2 class="govuk-heading-m" id="cost">${text(l, 'cost')}</h2>${figures(l, [
    {
      label: text(l, 'cost.each'),
      value: formatPesos(l, pesos / turns),
      note: text(l, 'cost.of', { sum: formatPesos(l, pesos), count: turns, month: monthWithin(l, period) }),
    },
    ...(served < 2
      ? []
      : [{ label: text(l, 'cost.offices'), value: formatNumber(l, costs.length), note: text(l, 'cost.offices.of', { count: served }) }]),
  ])}<p class="govuk-body v-soft">${kinds.length === 1 ? text(l, `cost.holds.${kinds[0]!}`) : text(l, 'cost.holds.mixed')} ${text(l, 'cost.how')} <a class="govuk-link" href="/api/numbers/costs?period=${period}">${text(l, 'open.json')}</a></p>`
}

const stops = ['start', 'papers', 'review', 'other'] as const

/** Who came to the end of the form, and at which page the others left; null where nothing is released. `service`: whose pages these are. */
export function draftsBody(l: Language, months: readonly DraftsMonth[], service: Service | null): Html | null {
  const [newest] = months
  if (!newest) return null
  const { row, period } = newest
  const begun = (r: DraftsMonth['row']) => (r.left ?? 0) + (r.submitted ?? 0)
  const share = (r: DraftsMonth['row']) =>
    r.submitted === undefined || r.left === undefined || begun(r) === 0 ? null : r.submitted / begun(r)
  const shareWords = (r: DraftsMonth['row']) => (share(r) === null ? few(l) : html`${formatShare(l, share(r)!)} ${shareBar(share(r)!)}`)
  const pageName = (stop: string) => {
    const own = stops.find((known) => known === stop)
    if (own) return text(l, `drafts.${own}`)
    return service?.definition.pages.some((p) => p.id === stop) ? service.text(l, `pages.${stop}`) : stop
  }
  const month = monthWithin(l, period)
  return html`<h2 class="govuk-heading-m" id="drafts">${text(l, 'drafts')}</h2>${figures(l, [
    {
      label: text(l, 'drafts.share'),
      value: share(row) === null ? few(l) : formatShare(l, share(row)!),
      note: share(row) === null ? text(l, 'few') : text(l, 'drafts.of', { count: begun(row), month }),
    },
    {
      label: text(l, 'drafts.submitted'),
      value: row.submitted === undefined ? few(l) : formatNumber(l, row.submitted),
      note: text(l, 'drafts.submitted.note'),
    },
    {
      label: text(l, 'drafts.left'),
      value: row.left === undefined ? few(l) : formatNumber(l, row.left),
      note: text(l, 'drafts.left.note'),
    },
  ])}${
    row.stops &&
    html`<h3 class="govuk-heading-s">${text(l, 'drafts.where')}</h3>${table({
      head: [text(l, 'drafts.page'), numeric(text(l, 'count')), text(l, 'share')],
      firstCellIsHeader: true,
      rows: Object.entries(row.stops)
        .sort(([, a], [, b]) => b - a)
        .map(([stop, n]) => [
          pageName(stop),
          numeric(formatNumber(l, n)),
          html`${formatShare(l, n / row.left!)} ${shareBar(n / row.left!)}`,
        ]),
    })}`
  }${
    months.length > 1 &&
    scrolling(
      text(l, 'drafts'),
      table({
        head: [text(l, 'month'), numeric(text(l, 'drafts.begun')), numeric(text(l, 'drafts.submitted')), numeric(text(l, 'drafts.share'))],
        firstCellIsHeader: true,
        rows: months.map((m) => [
          monthName(l, m.period),
          numeric(share(m.row) === null ? few(l) : formatNumber(l, begun(m.row))),
          numeric(m.row.submitted === undefined ? few(l) : formatNumber(l, m.row.submitted)),
          numeric(shareWords(m.row)),
        ]),
      }),
    )
  }<p class="govuk-body v-soft">${text(l, 'drafts.how')} <a class="govuk-link" href="/api/numbers?set=drafts&amp;period=${period}">${text(l, 'open.json')}</a></p>`
}

/** How many services are e-services, by what was published and not by what is claimed. */
function levelsBody(l: Language, months: readonly LevelsMonth[]): Html | null {
  const [now] = months
  if (!now) return null
  return html`<h2 class="govuk-heading-m" id="levels">${text(l, 'levels')}</h2><p class="govuk-body">${text(l, 'levels.now', { count: now.eServices, services: now.services })}</p>${table(
    {
      head: [text(l, 'levels.level'), numeric(text(l, 'levels.services')), text(l, 'share')],
      firstCellIsHeader: true,
      rows: now.levels.map((n, level) => [
        html`${level}. ${text(l, `level.${level as 0}`)}`,
        numeric(formatNumber(l, n)),
        html`${formatShare(l, n / now.services)} ${shareBar(n / now.services)}`,
      ]),
    },
  )}${
    months.length > 1 &&
    columnChart({
      name: text(l, 'levels.chart'),
      columns: months
        .slice(0, 12)
        .reverse()
        .map((m) => ({ name: monthName(l, m.month, true), value: m.eServices, text: formatNumber(l, m.eServices) })),
    })
  }<p class="govuk-body v-soft">${text(l, 'levels.how')} <a class="govuk-link" href="/api/numbers/levels">${text(l, 'open.json')}</a></p>`
}

/** The digital level of one service, and since when. */
export function levelBody(l: Language, history: readonly { readonly from: string; readonly level: number }[]): Html | null {
  const [now, ...before] = history
  if (!now) return null
  return html`<h2 class="govuk-heading-m">${text(l, 'levels.level')}</h2><p class="govuk-body"><strong>${text(l, 'level.of', { level: now.level })}</strong> ${text(l, `level.${now.level as 0}`)} ${text(l, 'level.since', { date: formatDate(l, now.from) })}</p>${
    before.length > 0 &&
    html`<ul class="govuk-list">${before.map((h) => html`<li>${text(l, 'level.of', { level: h.level })} ${text(l, 'level.since', { date: formatDate(l, h.from) })}</li>`)}</ul>`
  }`
}

const formatMean = (l: Language, n: number) => new Intl.NumberFormat(localeOf[l], { maximumFractionDigits: 1 }).format(n)
/** A sum in pesos, without centavos. */
export const formatPesos = (l: Language, n: number) =>
  new Intl.NumberFormat(localeOf[l], { style: 'currency', currency: 'MXN', maximumFractionDigits: 0 }).format(n)

/** What the pages draw from. */
export type Seen = {
  readonly l: Language
  readonly table: OpenTable
  readonly months: readonly string[]
  readonly catalogue: Pick<Catalogue, 'places' | 'get' | 'agencyName'>
  readonly shapes: MapShapes
  readonly origin: string
}

const rowsOf = (t: OpenTable, scope: Row['scope']) => t.numbers.rows.filter((r) => r.scope === scope)
const serviceName = (s: Seen, base: string) => s.catalogue.get(base)?.text(s.l, 'name') ?? base

/** Before anything was counted. */
export function emptyBody(l: Language): Html {
  return html`<h1 class="govuk-heading-xl">${text(l, 'title')}</h1><p class="govuk-body-l">${text(l, 'none')}</p>`
}

/** The nation: figures, the map, and the ways into everything else. */
export function nationBody(
  s: Seen,
  said: readonly SaidMonth[],
  drafts: readonly DraftsMonth[],
  costs: Html | null,
  levels: readonly LevelsMonth[],
): Html {
  const { l, table: t, catalogue } = s
  const states = Object.keys(s.shapes.states)
    .map((code) => ({
      name: catalogue.places.nameOf(code),
      href: addressOf.place(code),
      row: t.rows.get(`place ${code}`),
    }))
    .sort((a, b) => a.name.localeCompare(b.name, l))
  const counted = states.filter((x) => x.row)
  const silent = states.filter((x) => !x.row)
  return html`<h1 class="govuk-heading-xl">${text(l, 'title')}</h1><p class="govuk-body-l">${text(l, 'lead')}</p>${monthLine(l, t, s.months, '/numbers')}${rowFigures(l, t.rows.get('nation mx') ?? null)}${saidBody(l, said)}${draftsBody(l, drafts, null)}${costs}${statesMap(l, t, catalogue, s.shapes)}${rowsTable(l, text(l, 'states'), text(l, 'state'), counted, 32)}${
    silent.length > 0 &&
    html`<p class="govuk-body">${text(l, 'states.few')} ${silent.map((x, i) => html`${i > 0 && ' · '}<a class="govuk-link" href="${x.href}">${x.name}</a>`)}</p>`
  }${rowsTable(
    l,
    text(l, 'services'),
    text(l, 'service'),
    rowsOf(t, 'base').map((row) => ({ name: serviceName(s, row.id), href: addressOf.base(row.id), row })),
  )}${rowsTable(
    l,
    text(l, 'agencies'),
    text(l, 'agency'),
    rowsOf(t, 'agency').map((row) => ({ name: catalogue.agencyName(row.id, l), href: addressOf.agency(row.id), row })),
  )}${levelsBody(l, levels)}${openData(l, t, s.origin)}`
}

/** Months as pictures and as a table; of an office, whose lines serve many services, its waits alone. */
function series(
  l: Language,
  months: readonly Month<Pick<Row, 'filed' | 'decided' | 'waited'>>[],
  of: 'row' | 'office' = 'row',
): Html | null {
  if (months.length < 2) return null
  type M = (typeof months)[number]
  const filed = (m: M) => ({ value: m.row?.filed?.n ?? null, words: m.row?.filed ? formatNumber(l, m.row.filed.n) : null })
  const waited = (m: M) => ({ value: m.row?.waited?.p50 ?? null, words: m.row?.waited ? formatSpan(l, m.row.waited.p50) : null })
  const drawn = of === 'row' ? { name: text(l, 'chart.filed'), figure: filed } : { name: text(l, 'chart.wait'), figure: waited }
  const columns = months
    .slice(0, 12)
    .reverse()
    .map((m) => ({ name: monthName(l, m.period, true), value: drawn.figure(m).value, text: drawn.figure(m).words ?? text(l, 'few.short') }))
  const cell = (words: Child | null): Cell => numeric(words ?? few(l))
  return html`<h2 class="govuk-heading-m">${text(l, 'by-month')}</h2>${
    columns.some((c) => c.value !== null) &&
    html`<p class="govuk-body"><strong>${drawn.name}</strong></p>${columnChart({ name: drawn.name, columns })}`
  }${scrolling(
    text(l, 'by-month'),
    table({
      head: [
        text(l, 'month'),
        ...(of === 'row' ? [numeric(text(l, 'filed')), numeric(text(l, 'decided')), numeric(text(l, 'in-term'))] : []),
        numeric(text(l, 'wait')),
      ],
      firstCellIsHeader: true,
      rows: months.map((m) => {
        const share = inTerm(m.row)
        return [
          text(l, m.released ? 'month.released' : 'month.running', { month: monthName(l, m.period) }),
          ...(of === 'row'
            ? [
                cell(filed(m).words),
                cell(m.row?.decided ? formatNumber(l, m.row.decided.n) : null),
                cell(share === null ? null : html`${formatShare(l, share)} ${shareBar(share)}`),
              ]
            : []),
          cell(waited(m).words),
        ]
      }),
    }),
  )}`
}

function channels(l: Language, row: Row | null): Html | null {
  const filed = row?.filed
  const all = filed && Object.entries(filed.channels).sort(([, a], [, b]) => b - a)
  if (!filed || !all?.length) return null
  return html`<h2 class="govuk-heading-m">${text(l, 'channels')}</h2>${table({
    head: [text(l, 'channel'), numeric(text(l, 'count')), text(l, 'share')],
    firstCellIsHeader: true,
    rows: all.map(([name, n]) => [
      text(l, `channel.${name as 'web'}`),
      numeric(formatNumber(l, n)),
      html`${formatShare(l, n / filed.n)} ${shareBar(n / filed.n)}`,
    ]),
  })}`
}

/** A place, an agency or a service: its month, its months, and what it is made of. `link` leads to the thing itself. */
export function rowBody(
  s: Seen,
  {
    name,
    months,
    row,
    parts,
    link,
    url,
    lines,
  }: {
    readonly name: string
    readonly months: readonly Month<Row>[]
    readonly row: Row | null
    readonly parts: readonly (Html | null)[]
    readonly link?: Html | undefined
    readonly url: string
    readonly lines: boolean
  },
): Html {
  const { l } = s
  return html`<h1 class="govuk-heading-l">${text(l, 'of', { name })}</h1>${monthLine(l, s.table, s.months, url)}${rowFigures(l, row)}${lines && html`<p class="govuk-body v-soft">${text(l, 'wait.lines')}</p>`}${link}${series(l, months)}${channels(l, row)}${parts}${openData(l, s.table, s.origin)}`
}

/** The services of a place or an agency. */
export function servicesTable(s: Seen, rows: readonly Row[]): Html | null {
  return rowsTable(
    s.l,
    text(s.l, 'services'),
    text(s.l, 'service'),
    rows.map((row) => ({ name: serviceName(s, row.id), href: addressOf.service(row.id), row })),
  )
}

/** The municipalities of a state, or the places that offer a service. */
export function placesTable(
  s: Seen,
  title: 'towns' | 'places',
  rows: readonly { readonly code: string; readonly href: string; readonly row: Row }[],
): Html | null {
  return rowsTable(
    s.l,
    text(s.l, title),
    text(s.l, title === 'towns' ? 'town' : 'place'),
    rows.map(({ code, href, row }) => ({ name: s.catalogue.places.nameOf(code), href, row })),
  )
}

const sum = (m: Readonly<Record<string, number>>) => Object.values(m).reduce((a, n) => a + n, 0)
const hours = (l: Language, minutes: number) => formatNumber(l, Math.round(minutes / 6) / 10)

/** An office: waits, how turns ended, how long desks were open, and each desk beside the others. */
export function officeBody(
  s: Seen,
  {
    name,
    office,
    months,
    row,
    costs,
    served,
  }: {
    readonly name: string
    readonly office: string
    readonly months: readonly Month<OfficeRow>[]
    readonly row: OfficeRow | null
    /** What a turn cost there. */
    readonly costs: Html | null
    /** The rows of the services it does. */
    readonly served: readonly Row[]
  },
): Html {
  const { l } = s
  const url = addressOf.office(office)
  const finished = row?.finished ?? {}
  return html`<h1 class="govuk-heading-l">${text(l, 'of', { name })}</h1>${monthLine(l, s.table, s.months, url)}${figures(l, [
    row?.waited
      ? {
          label: text(l, 'wait'),
          value: formatSpan(l, row.waited.p50),
          note: text(l, 'wait.tenths', { tenths: formatSpan(l, row.waited.p90) }),
        }
      : { label: text(l, 'wait'), value: few(l), note: text(l, 'few') },
    { label: text(l, 'finished.done'), value: formatNumber(l, finished.done ?? 0) },
    {
      label: text(l, 'office.silence'),
      value: formatNumber(l, finished.silence ?? 0),
      note: text(l, 'office.silence.note', { hours: hours(l, row?.dutyMinutes ?? 0) }),
    },
    { label: text(l, 'office.duty'), value: hours(l, row?.dutyMinutes ?? 0), note: text(l, 'office.duty.note') },
  ])}<p class="govuk-body"><a class="govuk-link" href="/offices/${office}">${text(l, 'go-office')}</a></p>${costs}${series(l, months, 'office')}${
    Object.keys(finished).length > 0 &&
    html`<h2 class="govuk-heading-m">${text(l, 'office.finished')}</h2>${table({
      firstCellIsHeader: true,
      rows: Object.entries(finished).map(([outcome, n]) => [
        text(l, `finished.${outcome as 'done'}`),
        numeric(formatNumber(l, n)),
        html`${formatShare(l, n / sum(finished))} ${shareBar(n / sum(finished))}`,
      ]),
    })}`
  }${
    row &&
    row.desks.length > 0 &&
    html`<h2 class="govuk-heading-m">${text(l, 'desks')}</h2>${scrolling(
      text(l, 'desks'),
      table({
        head: [
          text(l, 'desk'),
          ...(['desk.called', 'desk.done', 'desk.held', 'desk.passed', 'desk.returned', 'desk.hours'] as const).map((key) =>
            numeric(text(l, key)),
          ),
        ],
        firstCellIsHeader: true,
        rows: row.desks.map((d) => [
          d.desk.slice(d.desk.lastIndexOf('-') + 1),
          ...[d.called, d.done, sum(d.held), d.passed, sum(d.returned)].map((n) => numeric(formatNumber(l, n))),
          numeric(hours(l, d.dutyMinutes)),
        ]),
      }),
    )}<p class="govuk-body v-soft">${text(l, 'desks.note')}</p>`
  }${servicesTable(s, served)}${openData(l, s.table, s.origin)}`
}
