/** The catalogue's pages as markup. They decide nothing and read nothing. */
import { type Child, type Html, html } from '#kernel/html'
import type { Money } from '#kernel/money'
import { pesos, sum } from '#kernel/money'
import { formatDate, formatNumber, type Language, localeOf } from '#kernel/text'
import {
  button,
  cardList,
  details,
  figures,
  input,
  insetText,
  pagination,
  processPicture,
  searchBox,
  select,
  serviceCard,
  summaryList,
  table,
  tag,
  tiles,
  warningText,
} from '#look'
import { straightPath } from './advance.ts'
import { localPaperId } from './check.ts'
import { type Definition, type LifeEvent, lifeEvents, type Source } from './definition.ts'
import type { Catalogue, Listed, Results } from './index.ts'
import type { Hours, Office } from './offices.ts'
import type { Service } from './service.ts'
import { words } from './text.ts'

const peso = new Map<Language, Intl.NumberFormat>()
/** A sum as people of this language write it. */
export function shownMoney(m: Money, language: Language): string {
  let f = peso.get(language)
  if (!f) {
    f = new Intl.NumberFormat(localeOf[language], { style: 'currency', currency: 'MXN', currencyDisplay: 'narrowSymbol' })
    peso.set(language, f)
  }
  // Fees are far below 2^53 centavos.
  return f.format(Number(m.minor) / 100)
}

/** The service's address. Ids keep their slashes and their `@`. */
export const serviceUrl = (id: string): string => `/services/${id}`

/** The term in words: `10 días hábiles`. */
export function shownTerm(term: Definition['term'], language: Language): string {
  return term.unit === 'immediate' ? words(language, 'term.immediate') : words(language, `term.${term.unit}`, { count: term.count })
}

/** The cost in a few words; a table's lowest and highest. */
export function shownFee(fee: Definition['fee'], language: Language): string {
  if (fee.kind === 'free') return words(language, 'fee.free')
  if (fee.kind === 'local') return words(language, 'fee.local')
  if (fee.kind === 'fixed') return pesos(fee.amount).minor === 0n ? words(language, 'fee.free') : shownMoney(pesos(fee.amount), language)
  const amounts = fee.rows.map((r) => pesos(r.amount)).sort((a, b) => (a.minor < b.minor ? -1 : 1))
  const [least, most] = [amounts[0]!, amounts.at(-1)!]
  if (least.minor === most.minor) return shownMoney(least, language)
  return words(language, 'fee.range', { least: shownMoney(least, language), most: shownMoney(most, language) })
}

function placeWords(item: Pick<Listed, 'level' | 'jurisdiction' | 'adoptions'>, language: Language): string {
  if (item.jurisdiction.code !== '00') return item.jurisdiction.name
  return words(language, `place.${item.level}`, { number: formatNumber(language, item.adoptions) })
}

const unverified = (l: Language): Html => tag({ text: words(l, 'unverified'), kind: 'waiting' })

function sourceWords(source: Source, l: Language): Child {
  if (source === 'unverified') return unverified(l)
  const named = html`${source.law}${source.article && html`, ${words(l, 'article', { article: source.article })}`}`
  return html`${source.url ? html`<a class="govuk-link" href="${source.url}" rel="external noopener">${named}</a>` : named}${
    source.read && html` <span class="govuk-hint">(${words(l, 'read-on', { date: formatDate(l, source.read, { short: true }) })})</span>`
  }`
}

/** The question above everything. */
export function homeHero(l: Language): Html {
  return searchBox({ language: l, action: '/services', pageHeading: true, label: words(l, 'home.heading') })
}

/** The front page: what one needs to do, above everything. `near`: the place this browser remembers, or the form that asks for it. `used`: what most people ask for. */
export function homeBody(
  l: Language,
  catalogue: Catalogue,
  { near, used, more }: { near: Html; used: readonly Service[]; more: readonly { href: string; title: string; text?: string }[] },
): Html {
  const { bases, services } = catalogue.counts()
  return html`<p class="govuk-body">${words(l, 'home.count', { services, bases })}</p><h2 class="govuk-heading-m">${words(l, 'home.events')}</h2>${eventTiles(l, catalogue)}${
    used.length > 0 &&
    html`<h2 class="govuk-heading-m" id="used">${words(l, 'home.used')}</h2>${tiles(used.map((s) => ({ href: serviceUrl(s.id), title: s.text(l, 'name'), text: s.text(l, 'summary') })))}`
  }<h2 class="govuk-heading-m" id="near">${words(l, 'near.title')}</h2>${near}${more.length > 0 && html`<h2 class="govuk-heading-m">${words(l, 'home.more')}</h2>${tiles(more)}`}`
}

/** The life events that have a service, as ways in; in a place with how many it has there. `at`: where a way leads. */
export function eventTiles(
  l: Language,
  catalogue: Catalogue,
  at: (event: LifeEvent) => string = (e) => `/life-events/${e}`,
  place?: string,
): Html {
  return tiles(
    lifeEvents.flatMap((e) => {
      const { total } = catalogue.search({ event: e, place, limit: 0 })
      const text = place === undefined ? words(l, `event.${e}.text`) : words(l, 'near.count', { count: total })
      return total === 0 ? [] : [{ href: at(e), title: words(l, `event.${e}`), text }]
    }),
  )
}

function card(item: Listed, l: Language, definition: Definition): Html {
  return serviceCard({
    href: serviceUrl(item.id),
    name: item.text(l, 'name'),
    agency: item.agency(l),
    place: placeWords(item, l),
    summary: item.text(l, 'summary'),
    facts: [shownFee(definition.fee, l), shownTerm(definition.term, l)],
  })
}

/** A service as a card, in its place. */
export function serviceCardOf(service: Service, l: Language, catalogue: Catalogue, headingLevel?: 2 | 3): Html {
  const d = service.definition
  const { states, municipalities } = catalogue.places.count
  return serviceCard({
    href: serviceUrl(service.id),
    name: service.text(l, 'name'),
    agency: catalogue.agencyName(d.agency, l),
    place: placeWords({ level: d.level, jurisdiction: service.jurisdiction, adoptions: d.level === 'state' ? states : municipalities }, l),
    summary: service.text(l, 'summary'),
    facts: [shownFee(d.fee, l), shownTerm(d.term, l)],
    headingLevel,
  })
}

/** Finds the service that issues a paper of another, in that one's place. */
export const issuerIn =
  (catalogue: Catalogue) =>
  (base: string, by: Service): Service | null =>
    catalogue.get(placed(base, by, catalogue))

/** Results, or a list under a heading of its own. */
export function resultsBody(o: {
  l: Language
  heading?: string
  lead?: string
  /** A way on beneath the lead. */
  more?: { readonly href: string; readonly text: string }
  results: Results
  catalogue: Catalogue
  q: string
  placeField: string
  placeProblem?: string | undefined
  /** The places that the typed name may mean, each with the same search there. */
  matches?: readonly { href: string; name: string }[]
  url: (offset: number) => string
  offset: number
  limit: number
}): Html {
  const { l, results, offset, limit } = o
  const pages = Math.ceil(results.total / limit)
  const here = Math.floor(offset / limit)
  return html`${
    o.heading === undefined
      ? html`<h1 class="govuk-heading-l">${words(l, 'results.heading')}</h1>${searchBox({
          language: l,
          action: '/services',
          value: o.q,
          hint: null,
          more: html`${input({
            id: 'place',
            name: 'place',
            label: { text: words(l, 'place.label') },
            hint: { text: words(l, 'place.hint') },
            value: o.placeField,
            classes: 'govuk-input--width-20',
            ...(o.placeProblem === undefined ? {} : { error: { text: o.placeProblem } }),
          })}${matchList(o.matches ?? [])}`,
        })}`
      : html`<h1 class="govuk-heading-l">${o.heading}</h1>${o.lead && html`<p class="govuk-body-l">${o.lead}</p>`}${o.more && html`<p class="govuk-body"><a class="govuk-link" href="${o.more.href}">${o.more.text}</a></p>`}`
  }<p class="govuk-body" role="status">${
    results.total === 0
      ? words(l, 'results.none')
      : results.place
        ? words(l, 'results.total-in', { count: results.total, place: results.place.name })
        : words(l, 'results.total', { count: results.total })
  }</p>${results.total === 0 && html`<h2 class="govuk-heading-m">${words(l, 'results.by-event')}</h2>${eventTiles(l, o.catalogue)}`}${results.items.length > 0 && cardList(results.items.map((i) => card(i, l, o.catalogue.get(i.id)!.definition)))}${
    pages > 1 &&
    pagination({
      language: l,
      ...(here > 0 ? { previous: { href: o.url(offset - limit) } } : {}),
      ...(here < pages - 1 ? { next: { href: o.url(offset + limit) } } : {}),
    })
  }`
}

/** The form that chooses the place of a base: a state from a list, a town by its name. */
export function placeForm(o: {
  l: Language
  catalogue: Catalogue
  level: 'state' | 'municipal'
  action: string
  value: string
  problem?: string | undefined
  matches: readonly { href: string; name: string }[]
}): Html {
  const { l, catalogue } = o
  const error = o.problem === undefined ? {} : { error: { text: o.problem } }
  return html`<form action="${o.action}" method="get" class="v-place">${
    o.level === 'state'
      ? select({
          id: 'place',
          name: 'place',
          label: { text: words(l, 'choose.state') },
          value: o.value,
          items: [{ value: '', text: words(l, 'choose.one') }, ...catalogue.places.states.map((s) => ({ value: s.code, text: s.name }))],
          ...error,
        })
      : input({
          id: 'place',
          name: 'place',
          label: { text: words(l, 'choose.municipality') },
          hint: { text: words(l, 'choose.municipality-hint') },
          value: o.value,
          classes: 'govuk-input--width-20',
          ...error,
        })
  }${matchList(o.matches)}${button({ text: words(l, 'choose.go') })}</form>`
}

/** The places that a name may mean, each a way on. */
export const matchList = (matches: readonly { href: string; name: string }[]): Child =>
  matches.length > 0 &&
  html`<ul class="govuk-list govuk-list--bullet">${matches.map((m) => html`<li><a class="govuk-link" href="${m.href}">${m.name}</a></li>`)}</ul>`

/** One service: what, who, the closed list, cost, term and silence, where, how it goes, and start. */
export function serviceBody(o: {
  l: Language
  service: Service
  catalogue: Catalogue
  wait: Child
  start: Html
  today: string
  officeLink: string | null
  /** Where the figures of this service stand. */
  numbersLink: string | null
}): Html {
  const { l, service, catalogue } = o
  const d = service.definition
  const t = (key: string) => service.text(l, key)
  const needsSource = (s: Source) => s === 'unverified'
  const localPaper = service.adoption?.localPaper ? catalogue.get(placed(service.adoption.localPaper.from, service, catalogue)) : null
  const total =
    d.fee.kind === 'fixed' && localPaper?.definition.fee.kind === 'fixed'
      ? sum(pesos(d.fee.amount), pesos(localPaper.definition.fee.amount))
      : null
  const office = service.office === null ? null : catalogue.office(service.office)

  return html`<h1 class="govuk-heading-xl">${t('name')}</h1><p class="govuk-body-l">${t('summary')}</p><p class="govuk-body">${catalogue.agencyName(d.agency, l)} · ${placeWords({ level: d.level, jurisdiction: service.jurisdiction, adoptions: d.level === 'state' ? catalogue.places.count.states : catalogue.places.count.municipalities }, l)}</p>${figures(
    l,
    [
      { label: words(l, 'service.cost'), value: shownFee(d.fee, l), unverified: needsSource(d.fee.source) },
      { label: words(l, 'service.term'), value: shownTerm(d.term, l), unverified: needsSource(d.term.source) },
    ],
  )}${o.wait && html`<p class="govuk-body">${words(l, 'service.wait')} ${o.wait}</p>`}<div id="start">${o.start}</div>${
    service.placed &&
    d.level !== 'federal' &&
    service.adoption === null &&
    insetText({ text: words(l, 'service.no-local-facts', { place: service.jurisdiction.name }) })
  }${service.adoption && localDifference(service, catalogue, l)}${t('note') !== '' && warningText({ language: l, text: t('note') })}<h2 class="govuk-heading-m">${words(l, 'service.who')}</h2><p class="govuk-body">${t('who')} ${t('when')}</p><p class="govuk-body">${words(l, 'service.result')} ${t('result')}</p><h2 class="govuk-heading-m" id="papers">${words(l, 'service.papers')}</h2>${
    d.papers.length === 0
      ? html`<p class="govuk-body">${words(l, 'service.no-papers')}</p>`
      : html`<ul class="govuk-list govuk-list--bullet">${d.papers.map((p) => {
          const from = p.from === undefined ? null : catalogue.get(placed(p.from, service, catalogue))
          const notes = [
            p.when !== undefined && words(l, 'paper.sometimes'),
            p.optional && words(l, 'paper.optional'),
            words(l, p.how === 'file' ? 'paper.file' : 'paper.shown'),
          ].filter((n) => n !== false && n !== undefined)
          return html`<li><strong>${t(`papers.${p.id}`)}</strong>${t(`papers.${p.id}.hint`) !== '' && html`. ${t(`papers.${p.id}.hint`)}`} <span class="govuk-hint">(${notes.join('; ')})</span>${needsSource(p.source) && html` ${unverified(l)}`}${
            from &&
            html` <a class="govuk-link" href="${serviceUrl(from.id)}">${words(l, 'paper.from')}<span class="govuk-visually-hidden">: ${from.text(l, 'name')}</span></a>`
          }</li>`
        })}</ul>${d.papers.some((p) => p.when !== undefined) && html`<p class="govuk-body">${words(l, 'service.papers-yours')}</p>`}`
  }<p class="govuk-body"><strong>${words(l, 'service.closed-list')}</strong></p><h2 class="govuk-heading-m">${words(l, 'service.cost')}</h2>${
    d.fee.kind === 'table'
      ? table({
          head: [words(l, 'fee.what'), { text: words(l, 'fee.amount'), numeric: true }],
          rows: d.fee.rows.map((r) => [t(`fee.${r.id}`), { text: shownMoney(pesos(r.amount), l), numeric: true }]),
        })
      : html`<p class="govuk-body">${shownFee(d.fee, l)}.${d.fee.kind === 'local' && d.adoption?.fee && html` ${words(l, 'fee.bounds', { least: shownMoney(pesos(d.adoption.fee.min), l), most: shownMoney(pesos(d.adoption.fee.max), l) })}`}</p>`
  }${
    localPaper &&
    html`<p class="govuk-body">${words(l, 'fee.local-paper', { name: localPaper.text(l, 'name'), fee: shownFee(localPaper.definition.fee, l) })}${total && html` <strong>${words(l, 'fee.total', { total: shownMoney(total, l) })}</strong>`}</p>`
  }<p class="govuk-body">${words(l, 'service.source')} ${sourceWords(d.fee.source, l)}</p><h2 class="govuk-heading-m">${words(l, 'service.term-heading')}</h2>${summaryList(
    {
      rows: [
        { key: words(l, 'service.term'), value: html`${shownTerm(d.term, l)}<br>${sourceWords(d.term.source, l)}` },
        { key: words(l, 'service.silence'), value: html`${words(l, `silence.${d.silence.means}`)}<br>${sourceWords(d.silence.source, l)}` },
        {
          key: words(l, 'service.answer'),
          value: html`${words(l, 'term.working-days', { count: d.answerWithin.workingDays })}<br>${sourceWords(d.answerWithin.source, l)}`,
        },
        {
          key: words(l, 'service.validity'),
          value: html`${words(l, `validity.${d.validity.unit}`, { count: d.validity.count ?? 0 })}<br>${sourceWords(d.validity.source, l)}`,
        },
      ],
    },
  )}<h2 class="govuk-heading-m">${words(l, 'service.where')}</h2><ul class="govuk-list govuk-list--bullet">${d.channels.map((c) => html`<li>${words(l, `channel.${c}`)}</li>`)}</ul>${
    office && officeBlock(office, service.adoption?.hours ?? office.hours, l, o.officeLink)
  }<h2 class="govuk-heading-m">${words(l, 'service.steps')}</h2>${processPicture({ language: l, steps: stages(service, catalogue, l, o.today), here: null })}${
    office &&
    html`<p class="govuk-body">${words(l, 'service.decides', { office: office.name(l) })} <a class="govuk-link" href="/how-to-check">${words(l, 'service.fair')}</a></p>`
  }${
    o.numbersLink && html`<p class="govuk-body"><a class="govuk-link" href="${o.numbersLink}">${words(l, 'service.numbers')}</a></p>`
  }<p class="govuk-body">${words(l, 'service.criteria')} ${t('criteria')}</p>${details({
    summary: words(l, 'service.reasons'),
    body: html`<ul class="govuk-list govuk-list--bullet">${d.reasons.map((r) => html`<li>${t(`reasons.${r.id}`)} ${sourceWords(r.rule, l)}</li>`)}</ul>`,
  })}${details({
    summary: words(l, 'service.law'),
    body: html`<ul class="govuk-list govuk-list--bullet">${d.legalBasis.map((s) => html`<li>${sourceWords(s, l)}</li>`)}</ul>${d.homoclave && html`<p class="govuk-body">${words(l, 'service.homoclave', { homoclave: d.homoclave })}</p>`}<p class="govuk-body">${words(l, 'service.version', { hash: service.hash.slice(0, 16) })}</p>`,
  })}`
}

/** What this place changes of what holds in the whole country, beside the base's own. */
function localDifference(service: Service, catalogue: Catalogue, l: Language): Html | false {
  const base = catalogue.get(service.base)?.definition
  const a = service.adoption
  if (!base || !a) return false
  const rows = [
    a.fee && [
      words(l, 'service.cost'),
      shownFee(base.fee, l),
      html`${shownFee(service.definition.fee, l)}<br>${sourceWords(a.fee.source, l)}`,
    ],
    a.term && [
      words(l, 'service.term'),
      shownTerm(base.term, l),
      html`${shownTerm(service.definition.term, l)}<br>${sourceWords(a.term.source, l)}`,
    ],
    a.localPaper && [
      words(l, 'local.paper'),
      words(l, 'local.none'),
      html`${service.text(l, `papers.${localPaperId}`)}<br>${sourceWords(a.localPaper.source, l)}`,
    ],
    a.hours && [words(l, 'local.hours'), words(l, 'local.none'), hoursWords(a.hours, l)],
  ].filter((r) => r !== undefined)
  return details({
    id: 'local',
    summary: words(l, 'local.summary', { place: service.jurisdiction.name }),
    body: table({ head: [words(l, 'local.what'), words(l, 'local.base'), words(l, 'local.here')], rows, firstCellIsHeader: true }),
  })
}

/** A paper's own service in the same place, where that place offers it. */
function placed(base: string, service: Service, catalogue: Catalogue): string {
  const level = catalogue.get(base)?.definition.level
  const { code } = service.jurisdiction
  if (code === '00' || level === undefined || level === 'federal') return base
  if (level === 'state') return `${base}@${code.slice(0, 2)}`
  return code.length === 5 ? `${base}@${code}` : base
}

function stages(service: Service, catalogue: Catalogue, l: Language, today: string) {
  const d = service.definition
  return stagesOf(
    d,
    straightPath(d, { answers: {}, today }),
    (key) => service.text(l, key),
    (unit) => catalogue.agencyName(unit, l),
  )
}

/** The steps of a path as their picture takes them: branches of a parallel step stand together. */
export function stagesOf(d: Definition, path: readonly string[], t: (key: string) => string, agencyName: (unit: string) => string) {
  const who = (unit: string | undefined) => (unit === undefined ? undefined : t(`units.${unit}`) || agencyName(unit))
  return path.map((id) => {
    const step = d.steps.find((s) => s.id === id)!
    if (step.kind === 'parallel') {
      return step.branches.map((b) => ({
        name: t(`steps.${id}.${b.id}`),
        ...(b.unit === undefined ? {} : { detail: who(b.unit)! }),
      }))
    }
    const detail = 'unit' in step ? who(step.unit) : undefined
    return { name: t(`steps.${id}`), ...(detail === undefined ? {} : { detail }) }
  })
}

/** `lun–vie 09:00–15:00`: days of the same hours stand together. */
export function hoursWords(hours: Hours, l: Language): string {
  const runs: { from: number; to: number; spans: string }[] = []
  for (const [n, open] of Object.entries(hours)) {
    const spans = open.map(([from, to]) => `${from}–${to}`).join(', ')
    const last = runs.at(-1)
    if (last && last.spans === spans && last.to === Number(n) - 1) last.to = Number(n)
    else runs.push({ from: Number(n), to: Number(n), spans })
  }
  return runs.map((r) => `${formatWeekday(r.from, l)}${r.to > r.from ? `–${formatWeekday(r.to, l)}` : ''} ${r.spans}`).join('; ')
}

// Making a formatter takes longer than the rest of a page.
const weekdays = new Map<Language, Intl.DateTimeFormat>()

function formatWeekday(n: number, l: Language): string {
  let format = weekdays.get(l)
  if (!format) weekdays.set(l, (format = new Intl.DateTimeFormat(localeOf[l], { weekday: 'short', timeZone: 'UTC' })))
  // 5 January 1970 was a Monday.
  return format.format(new Date(Date.UTC(1970, 0, 4 + n)))
}

function officeBlock(office: Office, hours: Hours, l: Language, link: string | null): Html {
  const name = office.name(l)
  return html`<p class="govuk-body"><strong>${link === null ? name : html`<a class="govuk-link" href="${link}">${name}</a>`}</strong><br>${office.address ?? office.town}<br>${hoursWords(hours, l)}${office.contact.map((c) => html`<br>${c}`)}${!office.confirmed && html`<br>${tag({ text: words(l, 'office.unconfirmed'), kind: 'waiting' })}`}</p>`
}

/** The offices of a place, and how to find them. */
export function officesBody(o: {
  l: Language
  q: string
  offices: readonly Office[]
  states: readonly { href: string; name: string }[]
  link: (id: string) => string | null
}): Html {
  const { l, offices } = o
  return html`<h1 class="govuk-heading-l">${words(l, 'offices.heading')}</h1>${searchBox({ language: l, action: '/offices', value: o.q, label: words(l, 'offices.label'), hint: words(l, 'choose.municipality-hint') })}${
    o.q !== '' && offices.length === 0 && html`<p class="govuk-body" role="status">${words(l, 'offices.none')}</p>`
  }${
    offices.length === 0 &&
    html`<h2 class="govuk-heading-m">${words(l, 'offices.states')}</h2><ul class="govuk-list v-columns">${o.states.map((s) => html`<li><a class="govuk-link" href="${s.href}">${s.name}</a></li>`)}</ul>`
  }${offices.map((office) => officeBlock(office, office.hours, l, o.link(office.id)))}`
}
