/** The pages of mandates: what both sides see. */
import { type Child, type Html, html } from '#kernel/html'
import type { OfficeId } from '#kernel/id'
import { formatDate, type Language } from '#kernel/text'
import {
  button,
  checkboxes,
  dateInput,
  details,
  input,
  insetText,
  layout,
  notificationBanner,
  panel,
  radios,
  type SummaryError,
  select,
  summaryList,
  table,
  tag,
  warningText,
} from '#look'
import { signPanel } from '#signing'
import { csrfField, isDemo, type Reply, type Request } from '#web'
import type { Draft, Mandate, State } from './mandates.ts'
import { pesosOf } from './mandates.ts'
import { type Kind, kinds } from './store.ts'
import { text } from './text.ts'

/** Where a person's mandates are. */
export const mandatesPage = '/me/mandates'

/** What is wrong, by field, as a code with a text under `error.<code>`. */
export type Errors = Readonly<Record<string, string>>
export type Seen = { readonly request: Request; readonly reply: Reply }

/** A page of this module, in the reader's language. */
export function page(
  request: Request,
  o: { title: string; url: string; back?: string | undefined; error?: readonly SummaryError[]; body: Child; index?: boolean },
): Html {
  return layout({
    title: o.title,
    language: request.visitor.language,
    visitor: request.visitor,
    url: o.url,
    backLink: o.back,
    demo: isDemo(request),
    ...(o.index ? {} : { robots: 'noindex' }),
    error: o.error ?? [],
    body: o.body,
  })
}

/** A form of one button or more. */
export const post = ({ request, reply }: Seen, action: string, inside: Child): Html =>
  html`<form method="post" action="${action}" novalidate>${csrfField(request, reply)}${inside}</form>`

export const h1 = (words: Child) => html`<h1 class="govuk-heading-l">${words}</h1>`
export const h2 = (words: Child) => html`<h2 class="govuk-heading-m">${words}</h2>`
export const p = (words: Child) => html`<p class="govuk-body">${words}</p>`
export const lead = (words: Child) => html`<p class="govuk-body-l">${words}</p>`

const colours: Record<State, string> = {
  draft: 'govuk-tag--yellow',
  'to-confirm': 'govuk-tag--yellow',
  'to-accept': 'govuk-tag--yellow',
  later: 'govuk-tag--blue',
  living: 'govuk-tag--green',
  over: 'govuk-tag--grey',
  ended: 'govuk-tag--grey',
}
const stateTag = (l: Language, state: State) => tag({ text: text(l, `state.${state}`), classes: colours[state] })
const over = (m: Mandate) => m.state === 'over' || m.state === 'ended'

/** Every mandate of a person's, by what they are to it. */
export function listPage(seen: Seen, all: readonly Mandate[], done: string | null): Html {
  const l = seen.request.visitor.language
  const rowsOf = (list: readonly Mandate[], who: (m: Mandate) => string) =>
    table({
      head: [text(l, 'list.who'), text(l, 'list.what'), text(l, 'row.state')],
      firstCellIsHeader: true,
      rows: list.map((m) => [
        html`<a class="govuk-link" href="${mandatesPage}/${m.code}">${who(m)}</a>`,
        html`${text(l, `kind.${m.kind}`)}<br><span class="v-soft">${text(l, 'list.until', { date: formatDate(l, m.untilOn) })}</span>`,
        stateTag(l, m.state),
      ]),
    })
  const section = (title: Parameters<typeof text>[1], list: readonly Mandate[], who: (m: Mandate) => string, none?: string) =>
    list.length > 0 ? html`${h2(text(l, title))}${rowsOf(list, who)}` : none && html`${h2(text(l, title))}${p(none)}`
  const current = all.filter((m) => !over(m))
  // A parent is both sides: the child is whom they act for.
  const held = current.filter((m) => m.mine.includes('representative') || (m.kind === 'parent' && m.mine.includes('drafter')))
  const given = current.filter((m) => !held.includes(m) && (m.mine.includes('principal') || m.mine.includes('drafter')))
  const companies = current.filter((m) => !held.includes(m) && !given.includes(m))
  return page(seen.request, {
    title: text(l, 'list.title'),
    url: mandatesPage,
    back: '/me',
    body: html`${done && notificationBanner({ language: l, success: true, text: done })}${h1(text(l, 'list.title'))}${lead(text(l, 'list.lead'))}${section(
      'list.given',
      given,
      (m) => m.representative.name,
      text(l, 'list.given-none'),
    )}${section('list.held', held, (m) => m.principal.name, text(l, 'list.held-none'))}${section('list.company', companies, (m) => `${m.principal.name}: ${m.representative.name}`)}${button(
      {
        text: text(l, 'list.new'),
        href: `${mandatesPage}/new`,
      },
    )}${section('list.past', all.filter(over), (m) =>
      m.mine.includes('representative') ? m.principal.name : m.representative.name,
    )}<p class="govuk-body"><a class="govuk-link" href="/me/uses">${text(l, 'list.uses')}</a></p><p class="govuk-body"><a class="govuk-link" href="/helpers">${text(l, 'list.helpers')}</a></p>`,
  })
}

/** Which kind of mandate: the first page of giving one. `more` is carried to the next. */
export function kindPage(request: Request, more: Readonly<Record<string, string>>, wrong: boolean): Html {
  const l = request.visitor.language
  return page(request, {
    title: text(l, 'new.title'),
    url: `${mandatesPage}/new`,
    back: mandatesPage,
    error: wrong ? [{ text: text(l, 'new.choose'), href: '#kind' }] : [],
    body: html`<form method="get" action="${mandatesPage}/new" novalidate>${Object.entries(more).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}${radios(
      {
        name: 'kind',
        fieldset: { legend: { text: text(l, 'new.title'), pageHeading: true, classes: 'govuk-fieldset__legend--l' } },
        error: wrong ? text(l, 'new.choose') : undefined,
        items: (['relative', 'parent', 'accountant', 'company', 'helper'] as const satisfies readonly Kind[]).map((value) => ({
          value,
          text: text(l, `new.${value}`),
          hint: text(l, `new.${value}-hint`),
        })),
      },
    )}<input type="hidden" name="asked" value="1">${button({ text: text(l, 'new.go') })}</form>`,
  })
}

/** What the form needs to offer. */
export type Offered = {
  /** The service that the page was come from. */
  readonly service: { readonly id: string; readonly name: string } | null
  readonly agencies: readonly { readonly prefix: string; readonly name: string }[]
  readonly today: string
}

/** What was typed, as it was typed. */
export type Typed = Readonly<Record<string, string>> & { readonly [F in keyof Draft]?: string } & {
  readonly scope?: string
  readonly agency?: string
  readonly cap?: string
  readonly service?: string
}

/** A day in three fields, named `<field>-day` and so on. `value`: `YYYY-MM-DD`, or as it was typed. */
export function dayInput(l: Language, field: string, label: string, value: string, error: string | undefined): Html {
  const [year = '', month = '', day = ''] = value.split('-')
  return dateInput({
    id: field,
    namePrefix: field,
    language: l,
    fieldset: { legend: label },
    error,
    values: { day: day.replace(/^0/, ''), month: month.replace(/^0/, ''), year },
  })
}

/** What was typed into those fields as one value, `YYYY-MM-DD` where it is a day; null where the form had none. */
export function dayParts(form: Readonly<Record<string, unknown>>, field: string): string | null {
  const [year, month, day] = ['year', 'month', 'day'].map((part) => form[`${field}-${part}`])
  if (typeof year !== 'string' || typeof month !== 'string' || typeof day !== 'string') return null
  return `${year.trim()}-${month.trim().padStart(2, '0')}-${day.trim().padStart(2, '0')}`.slice(0, 40)
}

/** Where an error's link leads: the first box of a day, else the field. */
export const anchorOf = (field: string) => (field === 'from' || field === 'until' ? `#${field}-day` : `#${field}`)

/** The form of one kind. */
export function formPage(seen: Seen, kind: Kind, offered: Offered, typed: Typed, errors: Errors = {}): Html {
  const l = seen.request.visitor.language
  const wrong = (field: string) => (errors[field] ? text(l, `error.${errors[field]}` as 'error.name') : undefined)
  const line = (
    field: 'companyName' | 'companyRfc' | 'childName' | 'childCurp' | 'name' | 'identity' | 'email' | 'helper',
    o: object = {},
  ) => input({ id: field, name: field, label: text(l, `form.${field}`), value: typed[field] ?? '', error: wrong(field), ...o })
  const number = { spellcheck: false, classes: 'govuk-input--width-20', autocomplete: 'off' } as const
  const other = html`${line('name', { autocomplete: 'off' })}${line('identity', { ...number, hint: text(l, 'form.identity-hint') })}${line(
    'email',
    {
      type: 'email',
      autocomplete: 'off',
      spellcheck: false,
      hint: text(l, 'form.email-hint'),
    },
  )}`
  const scope = radios({
    name: 'scope',
    idPrefix: 'services',
    fieldset: { legend: text(l, 'form.scope') },
    error: wrong('services'),
    items: [
      ...(offered.service
        ? [{ value: 'one', text: text(l, 'form.scope-one', { service: offered.service.name }), checked: (typed.scope ?? 'one') === 'one' }]
        : []),
      {
        value: 'agency',
        text: text(l, 'form.scope-agency'),
        checked: typed.scope === 'agency',
        conditional: select({
          id: 'agency',
          name: 'agency',
          label: text(l, 'form.agency'),
          items: [
            { value: '', text: text(l, 'form.agency-choose') },
            ...offered.agencies.map((a) => ({ value: a.prefix, text: a.name, selected: a.prefix === typed.agency })),
          ],
        }),
      },
      { value: 'all', text: text(l, 'form.scope-all'), checked: typed.scope === 'all' },
    ],
  })
  const nextYear = `${Number(offered.today.slice(0, 4)) + 1}${offered.today.slice(4).replace('-02-29', '-02-28')}`
  const day = (field: 'from' | 'until', usual: string) =>
    dayInput(l, field, text(l, `form.${field}`), dayParts(typed, field) ?? usual, wrong(field))
  const days = html`${day('from', offered.today)}${day('until', nextYear)}`
  const maySign = checkboxes({
    name: 'maySign',
    items: [{ value: 'yes', text: text(l, 'form.sign'), hint: text(l, 'form.sign-hint'), checked: typed.maySign === 'yes' }],
  })
  const parts: Record<Kind, () => Child> = {
    relative: () => html`${other}${scope}${maySign}${days}`,
    accountant: () => html`${other}${maySign}${days}`,
    company: () =>
      html`${line('companyName', { autocomplete: 'organization' })}${line('companyRfc', { ...number, hint: text(l, 'form.companyRfc-hint') })}${radios(
        {
          name: 'self',
          fieldset: { legend: text(l, 'form.self') },
          items: [
            { value: 'yes', text: text(l, 'form.self-yes'), checked: typed.self !== 'no' },
            { value: 'no', text: text(l, 'form.self-no'), checked: typed.self === 'no', conditional: other },
          ],
        },
      )}${scope}${maySign}${days}`,
    parent: () =>
      html`${line('childName', { autocomplete: 'off' })}${line('childCurp', number)}${insetText({ text: text(l, 'form.parent-until') })}`,
    helper: () =>
      html`<p class="govuk-body"><a class="govuk-link" href="/helpers">${text(l, 'list.helpers')}</a></p>${line('helper', { ...number, hint: text(l, 'form.helper-hint') })}${
        offered.service
          ? p(html`<strong>${text(l, 'form.service')}:</strong> ${offered.service.name}`)
          : html`${errors.services && html`<p class="govuk-error-message" id="services">${wrong('services')}</p>`}${p(text(l, 'form.service-pick'))}<p class="govuk-body"><a class="govuk-link" href="/services">${text(l, 'form.service-find')}</a></p>`
      }${input({ id: 'cap', name: 'cap', label: text(l, 'form.cap'), hint: text(l, 'form.cap-hint'), inputmode: 'decimal', classes: 'govuk-input--width-10', prefix: '$', value: typed.cap ?? '', error: wrong('cap') })}${input(
        {
          id: 'oneCase',
          name: 'oneCase',
          label: text(l, 'form.case'),
          hint: text(l, 'form.case-hint'),
          value: typed.oneCase ?? '',
          ...number,
        },
      )}${maySign}${days}`,
  }
  return page(seen.request, {
    title: `${text(l, 'form.write')}: ${text(l, `kind.${kind}`)}`,
    url: `${mandatesPage}/new?kind=${kind}`,
    back: `${mandatesPage}/new`,
    error: Object.entries(errors).map(([field, code]) => ({ text: text(l, `error.${code}` as 'error.name'), href: anchorOf(field) })),
    body: html`<span class="govuk-caption-l">${text(l, 'form.write')}</span>${h1(text(l, `kind.${kind}`))}${post(
      seen,
      mandatesPage,
      html`<input type="hidden" name="kind" value="${kind}">${offered.service && html`<input type="hidden" name="service" value="${offered.service.id}">`}${parts[kind]()}${button({ text: text(l, 'form.next') })}`,
    )}`,
  })
}

/** Who one is must be said before a mandate is given. */
export function identifyPage(request: Request): Html {
  const l = request.visitor.language
  return page(request, {
    title: text(l, 'new.title'),
    url: `${mandatesPage}/new`,
    back: mandatesPage,
    body: html`${h1(text(l, 'list.new'))}${insetText({ text: html`${text(l, 'form.identify')} <a class="govuk-link" href="/me">${text(l, 'form.identify-go')}</a>` })}`,
  })
}

const named = (n: { readonly name: string; readonly identity: string }) => html`${n.name} <span class="v-soft">${n.identity}</span>`

/** What a mandate says, in rows. */
function facts(l: Language, m: Mandate, servicesWords: string): Html {
  return summaryList({
    rows: [
      {
        key: text(l, 'row.state'),
        value: html`${stateTag(l, m.state)}${m.endedAt && m.endedBy && html` ${text(l, `ended.${m.endedBy}`, { date: formatDate(l, m.endedAt, { time: true }) })}`}`,
      },
      { key: text(l, 'row.kind'), value: text(l, `kind.${m.kind}`) },
      ...(m.kind === 'parent'
        ? [
            { key: text(l, 'row.child'), value: named(m.principal) },
            { key: text(l, 'row.parent'), value: named(m.giver) },
          ]
        : [
            { key: text(l, 'row.giver'), value: named(m.principal) },
            { key: text(l, 'row.representative'), value: named(m.representative) },
          ]),
      { key: text(l, 'row.acts'), value: text(l, m.maySign ? 'acts.sign' : 'acts.file') },
      { key: text(l, 'row.services'), value: servicesWords },
      ...(m.kind === 'helper' ? [{ key: text(l, 'row.case'), value: m.oneCase ?? text(l, 'case.new') }] : []),
      ...(m.capCentavos === null ? [] : [{ key: text(l, 'row.cap'), value: pesosOf(m.capCentavos) }]),
      { key: text(l, 'row.from'), value: formatDate(l, m.fromOn) },
      { key: text(l, 'row.until'), value: formatDate(l, m.untilOn) },
      ...(m.signedHow
        ? [
            {
              key: text(l, 'row.how'),
              value: html`${text(l, `how.${m.signedHow}`, { name: m.signature?.by ?? '' })}${m.signedAt && html` <span class="v-soft">${formatDate(l, m.signedAt, { time: true })}</span>`}`,
            },
          ]
        : []),
    ],
  })
}

/** One mandate, with what its reader may do now. `ending`: the text that withdraws it, where it may be signed. */
export function onePage(
  seen: Seen,
  m: Mandate & { readonly cases: readonly string[] },
  o: { servicesWords: string; ending: string | null; now: Date; error?: readonly SummaryError[]; done?: string | null },
): Html {
  const l = seen.request.visitor.language
  const at = `${mandatesPage}/${m.code}`
  const csrf = csrfField(seen.request, seen.reply)
  const drafter = m.mine.includes('drafter')
  const mine = m.mine.includes('representative')
  const signing = (statement: string, action: string, href: string) =>
    signPanel({
      language: l,
      csrf,
      action,
      uploadAction: action,
      statement: Buffer.from(statement, 'utf8'),
      statementHref: href,
      now: o.now,
    })
  const statement = details({
    summary: text(l, 'one.text'),
    body: html`<pre class="v-statement" tabindex="0">${m.statement}</pre><p><a class="govuk-link" href="${at}/statement">${text(l, 'one.statement')}</a></p>${m.signature && html`<p><a class="govuk-link" href="${at}/signature">${text(l, 'one.signature')}</a></p>`}${m.endSignature && html`<p><a class="govuk-link" href="${at}/signature?of=end">${text(l, 'one.end-signature')}</a></p>`}<p><a class="govuk-link" href="/signature">${text(l, 'one.verify')}</a></p>`,
  })
  const code = panel({ title: m.code, headingLevel: 2, body: text(l, 'one.code') })
  const now: Child =
    m.state === 'draft' && drafter
      ? html`${h2(text(l, 'one.sign'))}${m.kind === 'company' && warningText({ language: l, text: text(l, 'one.sign-company') })}${signing(m.statement, `${at}/sign`, `${at}/statement`)}${
          m.kind !== 'company' && html`${h2(text(l, 'one.paper'))}${p(text(l, 'one.paper-text'))}${code}`
        }${post(seen, `${at}/discard`, button({ text: text(l, 'one.discard'), kind: 'secondary' }))}`
      : m.state === 'to-confirm'
        ? html`${h2(text(l, 'one.confirm'))}${p(text(l, 'one.confirm-text'))}${code}`
        : m.state === 'to-accept'
          ? mine
            ? html`${insetText({ text: text(l, 'one.offered', { name: m.principal.name }) })}<div class="govuk-button-group">${post(seen, `${at}/accept`, button({ text: text(l, 'one.accept') }))}${post(seen, `${at}/decline`, button({ text: text(l, 'one.decline'), kind: 'secondary' }))}</div>`
            : insetText({ text: text(l, 'one.waits', { name: m.representative.name }) })
          : m.state === 'living' && mine && m.oneCase === null
            ? button({ text: text(l, 'one.start'), href: '/services' })
            : ''
  const ends = m.state !== 'draft' && !over(m)
  const byWord = m.kind !== 'company' && (drafter || m.mine.includes('principal'))
  const end =
    ends &&
    html`${byWord || mine ? details({ summary: text(l, byWord ? 'one.end' : 'one.end-mine'), body: html`<p>${text(l, 'one.end-text')}</p>${post(seen, `${at}/end`, button({ text: text(l, byWord ? 'one.end-now' : 'one.end-mine-now'), kind: 'warning' }))}` }) : ''}${
      o.ending === null
        ? (byWord || m.kind === 'company') &&
          html`<p class="govuk-body"><a class="govuk-link" href="${at}?withdraw=1#sign">${text(l, 'one.end-sign')}</a></p>`
        : html`${h2(text(l, 'one.end-sign'))}${p(text(l, m.kind === 'company' ? 'one.end-sign-company' : 'one.end-sign-text'))}${signing(o.ending, `${at}/withdraw`, `${at}/withdrawal`)}`
    }`
  const title = text(l, 'one.title', { code: m.code })
  return page(seen.request, {
    title,
    url: at,
    back: mandatesPage,
    error: o.error ?? [],
    body: html`${o.done && notificationBanner({ language: l, success: true, text: o.done })}${h1(title)}${facts(l, m, o.servicesWords)}${now}${
      m.state !== 'draft' &&
      html`${h2(text(l, 'one.cases'))}${
        m.cases.length === 0
          ? p(text(l, 'one.cases-none'))
          : html`<ul class="govuk-list">${m.cases.map((c) => html`<li><a class="govuk-link" href="/cases/${c}">${text(l, 'one.case', { reference: c })}</a></li>`)}</ul>`
      }`
    }${m.state === 'draft' ? '' : statement}${end}`,
  })
}

/** What an invitation leads to. */
export function invitedPage(seen: Seen, token: string, m: Mandate, servicesWords: string): Html {
  const l = seen.request.visitor.language
  return page(seen.request, {
    title: text(l, 'invited.title'),
    url: `/mandates/${token}`,
    body: html`${h1(text(l, 'invited.title'))}${insetText({ text: text(l, 'one.offered', { name: m.principal.name }) })}${facts(l, m, servicesWords)}<div class="govuk-button-group">${post(
      seen,
      `/mandates/${token}/accept`,
      button({ text: text(l, 'one.accept') }),
    )}${post(seen, `/mandates/${token}/decline`, button({ text: text(l, 'one.decline'), kind: 'secondary' }))}</div>${details({ summary: text(l, 'one.text'), body: html`<pre class="v-statement" tabindex="0">${m.statement}</pre>` })}`,
  })
}

// ── At a counter ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a clerk finds a mandate by its code, and, once found, confirms it. */
export function counterPage(
  seen: Seen,
  office: OfficeId,
  o: { found: Mandate | null; digest: string; servicesWords: string; typed: string; errors: Errors; done: string | null },
): Html {
  const l = seen.request.visitor.language
  const at = `/counter/${office}/mandates`
  const wrong = (field: string) => (o.errors[field] ? text(l, `error.${o.errors[field]}` as 'error.code') : undefined)
  const m = o.found
  const waits = m && (m.state === 'draft' || m.state === 'to-confirm')
  return page(seen.request, {
    title: text(l, 'counter.title'),
    url: at,
    back: m ? at : `/counter/${office}`,
    error: Object.keys(o.errors).map((field) => ({ text: wrong(field)!, href: `#${field}` })),
    body: html`${o.done && notificationBanner({ language: l, success: true, text: o.done })}${h1(text(l, 'counter.title'))}${
      m === null
        ? html`${lead(text(l, 'counter.lead'))}<form method="get" action="${at}" novalidate>${input({ id: 'code', name: 'code', label: text(l, 'counter.code'), value: o.typed, error: wrong('code'), classes: 'govuk-input--width-10', autocomplete: 'off', spellcheck: false })}${button({ text: text(l, 'counter.find') })}</form>`
        : html`${warningText({ language: l, text: text(l, 'counter.person') })}${facts(l, m, o.servicesWords)}${
            m.state === 'draft' && html`${p(text(l, 'counter.print'))}<pre class="v-statement" tabindex="0">${m.statement}</pre>`
          }${
            waits
              ? post(
                  seen,
                  `${at}/${m.code}`,
                  html`<input type="hidden" name="statement" value="${o.digest}">${
                    m.kind === 'parent' &&
                    checkboxes({
                      name: 'seen',
                      idPrefix: 'seen',
                      error: wrong('seen'),
                      items: [{ value: 'yes', text: text(l, 'counter.seen', { child: m.principal.name }) }],
                    })
                  }${button({ text: text(l, m.state === 'draft' ? 'counter.signed' : 'counter.confirm') })}`,
                )
              : insetText({ text: text(l, 'counter.already') })
          }${
            m.state !== 'draft' &&
            !over(m) &&
            details({
              summary: text(l, 'counter.end'),
              body: html`<p>${text(l, 'one.end-text')}</p>${post(seen, `${at}/${m.code}/end`, button({ text: text(l, 'counter.end-do'), kind: 'warning' }))}`,
            })
          }`
    }`,
  })
}

/** A kind as it came in a form; null for none. */
export const kindOf = (value: unknown): Kind | null => kinds.find((k) => k === value) ?? null
