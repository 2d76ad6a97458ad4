/** What public servants see, and what anyone sees of an office. No decisions here; every page says first where one is and what one can do now. */
import type { Service, Source } from '#catalogue'
import { workingDaysBetween } from '#kernel/calendar'
import { type Child, type Html, html } from '#kernel/html'
import type { OfficeId } from '#kernel/id'
import { formatDate, type Language } from '#kernel/text'
import { dateIn } from '#kernel/time'
import {
  button,
  checkboxes,
  clockLine,
  closedList,
  details,
  fileUpload,
  input,
  insetText,
  notificationBanner,
  places,
  radios,
  type SummaryError,
  scrolling,
  select,
  summaryList,
  table,
  tag,
  textarea,
  timeline,
  warningText,
} from '#look'
import type { Slip } from '#people'
import { signPanel } from '#signing'
import { csrfField, problemText, type Reply, type Request } from '#web'
import type { Deps } from '../deps.ts'
import { askReasons, deskName, type Served } from '../desk.ts'
import type { Stranded } from '../staffing.ts'
import type { DeskTally } from '../store.ts'
import { personPage, when } from './page.ts'
import { type StaffKey, text } from './staff-text.ts'
import { durationWords } from './wait.ts'

export type Seen = { readonly request: Request; readonly reply: Reply }
/** What was typed, to be shown again; and what is wrong with it, field by field. */
export type Typed = Readonly<Record<string, unknown>>
export type Errors = Readonly<Partial<Record<string, StaffKey>>>

/** The words of this visitor's language. */
export const wordsOf = (request: Request) => (key: StaffKey, parameters?: Record<string, string | number>) =>
  text(request.visitor.language, key, parameters)

const one = (typed: Typed | undefined, name: string): string => (typeof typed?.[name] === 'string' ? (typed[name] as string) : '')
const many = (typed: Typed | undefined, name: string): string[] => [typed?.[name] ?? []].flat().filter((v) => typeof v === 'string')

/** A form with this visitor's token. */
export const post = (s: Seen, action: string, inside: Child, id?: string): Html =>
  html`<form method="post" action="${action}"${id ? html` id="${id}"` : ''} novalidate>${csrfField(s.request, s.reply)}${inside}</form>`

const hidden = (name: string, value: string) => html`<input type="hidden" name="${name}" value="${value}">`
const h2 = (words: string, id?: string) => html`<h2 class="govuk-heading-m"${id ? html` id="${id}"` : ''}>${words}</h2>`
const p = (words: Child) => html`<p class="govuk-body">${words}</p>`
const a = (href: string, words: string) => html`<a class="govuk-link" href="${href}">${words}</a>`

/** One page of public servants: the office above its heading. */
function staffPage(
  s: Seen,
  deps: Deps,
  page: {
    title: string
    office?: OfficeId
    caption?: string
    body: Child
    back?: string
    errors?: Errors | undefined
    /** What is wrong beyond the fields of the page. */
    wrong?: readonly SummaryError[] | undefined
    wide?: boolean
    ids?: Record<string, string>
  },
): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  const caption = page.caption ?? (page.office ? (deps.catalogue.office(page.office)?.name(l) ?? page.office) : null)
  const error: SummaryError[] = Object.entries(page.errors ?? {}).map(([field, key]) => ({
    href: `#${page.ids?.[field] ?? field}`,
    text: t(key!),
  }))
  return personPage(s.request, deps, {
    title: page.title,
    ...(page.back ? { backLink: page.back } : {}),
    error: [...error, ...(page.wrong ?? [])],
    wide: page.wide ?? false,
    body: html`${caption && html`<span class="govuk-caption-l">${caption}</span>`}<h1 class="govuk-heading-l">${page.title}</h1>${page.body}`,
  })
}

const errorOf = (s: Seen, errors: Errors | undefined, field: string) => {
  const key = errors?.[field]
  return key ? wordsOf(s.request)(key) : undefined
}

/** Where somebody with several places chooses one. */
export function placesPage(s: Seen, deps: Deps, places: readonly { href: string; text: string; office: OfficeId | null }[]): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  return staffPage(s, deps, {
    title: t('places.title'),
    body: html`${places.length === 0 && p(t('places.none'))}<ul class="govuk-list">${places.map(
      (o) => html`<li>${a(o.href, o.text)}${o.office && html` · ${deps.catalogue.office(o.office)?.name(l) ?? o.office}`}</li>`,
    )}</ul>`,
  })
}

// ── The desk ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const conflictsLink = (s: Seen, office: OfficeId) => p(a(`/desk/${office}/conflicts`, wordsOf(s.request)('conflicts.title')))

const offForm = (s: Seen, office: OfficeId, withTurn: boolean) =>
  post(s, `/desk/${office}/off`, [
    button({ text: wordsOf(s.request)('desk.close'), kind: 'secondary' }),
    withTurn && html`<p class="govuk-hint">${wordsOf(s.request)('desk.close-hint')}</p>`,
  ])

const doneBanner = (s: Seen, done: StaffKey | null) =>
  done &&
  notificationBanner({
    language: s.request.visitor.language,
    success: true,
    autoFocus: false,
    text: wordsOf(s.request)(done),
  })

/** Off duty: one button. */
export function offDutyPage(s: Seen, deps: Deps, office: OfficeId, waiting: number, done: StaffKey | null): Html {
  const t = wordsOf(s.request)
  return staffPage(s, deps, {
    title: t('desk.off-title'),
    office,
    body: html`${doneBanner(s, done)}<p class="govuk-body-l">${t('desk.waiting', { count: waiting })}</p>${post(
      s,
      `/desk/${office}/on`,
      button({ text: t('desk.open'), kind: 'start' }),
    )}${p(t('desk.open-hint'))}${conflictsLink(s, office)}`,
  })
}

/** The called turn does not belong to the case behind it: nothing is shown, and the desk can put it aside. */
export function tamperedPage(s: Seen, deps: Deps, office: OfficeId, turn: string): Html {
  const t = wordsOf(s.request)
  const { title, todo } = problemText('cases/tampered', s.request.visitor.language)
  return staffPage(s, deps, {
    title,
    office,
    body: html`<p class="govuk-body-l">${todo}</p>${post(
      s,
      `/desk/${office}/turns/${turn}/hold`,
      html`<input type="hidden" name="days" value="10">${button({ text: t('act.hold') })}`,
    )}${post(s, `/desk/${office}/off`, button({ text: t('desk.close'), kind: 'secondary' }))}`,
  })
}

/** On duty with nothing called: one button, and how many wait. */
export function idlePage(s: Seen, deps: Deps, office: OfficeId, desk: string, waiting: number, done: StaffKey | null): Html {
  const t = wordsOf(s.request)
  return staffPage(s, deps, {
    title: t('desk.on-title'),
    office,
    body: html`${doneBanner(s, done)}<p class="govuk-body-l">${t('desk.waiting', { count: waiting })}</p>${post(
      s,
      `/desk/${office}/next`,
      button({ text: t('desk.next'), kind: 'start' }),
    )}${p(t('desk.next-hint'))}${p(t('desk.pseudonym', { desk }))}${offForm(s, office, false)}${conflictsLink(s, office)}`,
  })
}

/** A source of law in one line; nothing where there is none. */
const sourceWords = (l: Language, source: Source): string =>
  source === 'unverified' ? text(l, 'unverified') : `${source.law}${source.article ? `, ${source.article}` : ''}`

/** A branch of a parallel step has a name of its own. */
const stepName = (served: Served, l: Language): string => {
  const { service, turn } = served
  return (
    (turn.branch !== null && service.text(l, `steps.${turn.step}.${turn.branch}`)) || service.text(l, `steps.${turn.step}`) || turn.step
  )
}

const kb = (bytes: number) => Math.max(1, Math.round(bytes / 1024))

function papersOf(s: Seen, served: Served, office: OfficeId, linked: boolean): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  return closedList({
    language: l,
    title: t('papers.title'),
    papers: served.journey.papers.map((paper) => {
      const files = served.files.filter((f) => f.paper === paper.id)
      return {
        name: paper.label,
        hint: html`${paper.hint}${paper.how === 'shown' && html` ${t('papers.shown')}`}${
          linked && files.map((f) => html`<br>${a(`/desk/${office}/files/${f.id}`, f.name)} (${t('papers.size', { kb: kb(f.size) })})`)
        }`,
        state:
          paper.how !== 'file' ? undefined : files.length > 0 ? ('received' as const) : paper.optional ? undefined : ('missing' as const),
      }
    }),
  })
}

/** The case at this desk on one page, with exactly what the engine lets it do now. */
export function servedPage(
  s: Seen,
  deps: Deps,
  office: OfficeId,
  served: Served,
  more: { done: StaffKey | null; errors?: Errors; typed?: Typed; form?: string },
): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  const { c, turn, service, desk } = served
  const calendar = deps.catalogue.calendarOf(c.office)
  const today = dateIn(deps.clock.now(), calendar.zone)
  const url = (act: string) => `/desk/${office}/turns/${turn.state.turn}/${act}`
  // What was typed belongs to the form it was sent by.
  const typedIn = (form: string) => (more.form === form ? more.typed : undefined)
  const errorsIn = (form: string) => (more.form === form ? more.errors : undefined)
  const decides = served.step.kind === 'decide'
  const main = decides ? 'decide' : 'review'

  const actions = [
    { href: '#act', text: t(decides ? 'act.decide' : 'act.review') },
    served.cannotAsk === null && { href: '#ask', text: t('act.ask') },
    !turn.state.heldFor.includes('agency') && { href: '#hold', text: t('act.hold') },
    served.presence && { href: '#absent', text: t('act.absent') },
    { href: '#write', text: t('act.message') },
  ].filter((x) => x !== false)

  const hero = html`<section class="v-ticket v-ticket--called"><div class="v-ticket__stub"><h1 class="v-ticket__heading"><span class="v-ticket__label">${t('desk.number')}</span> <span class="v-ticket__number">${turn.state.place}</span></h1>${tag({ text: stepName(served, l), kind: 'here' })}</div><div class="v-ticket__body"><p class="v-ticket__ahead">${service.text(l, 'name')}</p><p>${t('desk.applicant', { name: served.applicant.name, identity: served.applicant.identity })}</p>${
    turn.state.class === 'priority' && html`<p>${tag({ text: t('desk.priority'), kind: 'waiting' })}</p>`
  }${c.alreadyThere && html`<p><strong>${t('desk.already-there')}</strong></p>`}</div></section>`

  const clock =
    c.filedOn && c.dueOn
      ? clockLine({
          language: l,
          state: today > c.dueOn ? 'over' : 'running',
          spent: workingDaysBetween(c.filedOn, today, calendar),
          total: Math.max(1, workingDaysBetween(c.filedOn, c.dueOn, calendar)),
          due: formatDate(l, c.dueOn),
          silence: t(`silence.${service.definition.silence.means}`),
          ...(c.askBy ? { reason: t('clock.ask-by', { date: formatDate(l, c.askBy) }) } : {}),
        })
      : null

  const answers = summaryList({ rows: served.shown.map((row) => ({ key: row.label, value: row.shown })) })

  const act = decides
    ? decideForm(s, served, url('decide'), typedIn(main), errorsIn(main))
    : post(s, url('review'), [
        radios({
          name: 'result',
          fieldset: { legend: { text: t('review.question'), classes: 'govuk-fieldset__legend--m' } },
          error: errorOf(s, errorsIn(main), 'result'),
          value: one(typedIn(main), 'result'),
          items: [
            { value: 'ok', text: t('review.ok') },
            { value: 'objection', text: t('review.objection'), hint: t('review.objection-hint') },
          ],
        }),
        textarea({
          name: 'note',
          label: t('review.note'),
          hint: t('review.note-hint'),
          rows: 3,
          value: one(typedIn(main), 'note'),
          error: errorOf(s, errorsIn(main), 'note'),
        }),
        button({ text: t('review.send'), preventDoubleClick: true }),
        html`<p class="govuk-hint">${t('desk.then-next')}</p>`,
      ])

  const ask =
    served.cannotAsk === null
      ? details({
          id: 'ask',
          open: more.form === 'ask',
          summary: t('act.ask'),
          body: post(s, url('ask'), [
            p(t('ask.lead', { date: formatDate(l, c.askBy ?? c.dueOn ?? today), count: service.definition.answerWithin.workingDays })),
            checkboxes({
              name: 'papers',
              fieldset: { legend: t('ask.which') },
              error: errorOf(s, errorsIn('ask'), 'papers'),
              values: many(typedIn('ask'), 'papers'),
              items: served.journey.papers.map((paper) => ({
                value: paper.id,
                text: paper.label,
                conditional: select({
                  name: `why-${paper.id}`,
                  label: t('ask.why', { paper: paper.label }),
                  value: one(typedIn('ask'), `why-${paper.id}`),
                  items: askReasons.map((why) => ({ value: why, text: t(`ask.why.${why}`) })),
                }),
              })),
            }),
            textarea({
              name: 'note',
              id: 'ask-note',
              label: t('ask.note'),
              rows: 3,
              value: one(typedIn('ask'), 'note'),
              error: errorOf(s, errorsIn('ask'), 'ask-note'),
            }),
            button({ text: t('ask.send'), kind: 'secondary', preventDoubleClick: true }),
          ]),
        })
      : insetText({ id: 'ask', text: t(`ask.cannot.${served.cannotAsk}`) })

  const hold = turn.state.heldFor.includes('agency')
    ? insetText({ id: 'hold', text: t('hold.once') })
    : details({
        id: 'hold',
        summary: t('act.hold'),
        body: post(s, url('hold'), [
          p(t('hold.lead')),
          select({
            name: 'days',
            label: t('hold.days'),
            value: '5',
            items: Array.from({ length: 10 }, (_, i) => ({ value: i + 1, text: String(i + 1) })),
          }),
          button({ text: t('hold.send'), kind: 'secondary', preventDoubleClick: true }),
        ]),
      })

  const absent =
    served.presence &&
    details({
      id: 'absent',
      summary: t('act.absent'),
      body: post(s, url('absent'), [
        p(t(turn.state.absent ? 'absent.second' : 'absent.first')),
        button({ text: t('absent.send'), kind: turn.state.absent ? 'warning' : 'secondary', preventDoubleClick: true }),
      ]),
    })

  const messages = html`${
    served.messages.length === 0
      ? p(t('messages.none'))
      : timeline(
          served.messages.map((m) => ({
            at: m.at.toISOString(),
            when: when(deps, l, m.at, c.office),
            title: m.author === 'applicant' ? t('messages.applicant') : t('messages.desk', { desk: deskName(m.author) }),
            detail: m.text,
          })),
        )
  }${post(
    s,
    url('message'),
    [
      textarea({
        name: 'words',
        label: t('messages.write'),
        hint: t('messages.hint'),
        rows: 3,
        value: one(typedIn('message'), 'words'),
        error: errorOf(s, errorsIn('message'), 'words'),
      }),
      button({ text: t('messages.send'), kind: 'secondary' }),
      details({
        open: true,
        summary: t('messages.may-ask'),
        body: html`${p(t('messages.may-ask-rule'))}<ul class="govuk-list govuk-list--bullet">${served.journey.papers.map((x) => html`<li>${x.label}</li>`)}</ul>`,
      }),
    ],
    'write',
  )}`

  const history = timeline(
    served.history.toReversed().map((e, i) => ({
      at: e.at.toISOString(),
      when: when(deps, l, e.at, c.office),
      title: eventWords(l, e.kind),
      detail: [detailOf(l, served, e), e.note].filter(Boolean).join(' · ') || undefined,
      now: i === 0,
    })),
  )

  const error: SummaryError[] = Object.entries(more.errors ?? {}).map(([field, key]) => ({
    href: `#${field}`,
    text: t(key!),
  }))
  return personPage(s.request, deps, {
    title: t('desk.serving', { number: turn.state.place }),
    wide: true,
    error,
    body: html`${doneBanner(s, more.done)}<span class="govuk-caption-l">${deps.catalogue.office(office)?.name(l) ?? office} · ${t('desk.window', { desk: deskName(desk.state.desk) })}</span>${hero}
<nav aria-labelledby="can-do">${h2(t('desk.can-do'), 'can-do')}<ul class="govuk-list">${actions.map((x) => html`<li>${a(x.href, x.text)}</li>`)}</ul></nav>
${clock}${h2(t('desk.answers'))}${answers}${papersOf(s, served, office, true)}
<section id="act">${h2(t(decides ? 'act.decide' : 'act.review'))}${act}</section>
${h2(t('desk.else'))}${ask}${hold}${absent}
${served.signatures && html`${h2(t('signed.title'))}<ul class="govuk-list">${served.signatures.signers.map((x) => html`<li>${x.signer.name}: ${x.signed ? t('signed.by', { name: x.signed.by, when: when(deps, l, x.signed.at, served.c.office) }) : t('signed.missing')}${x.signed?.revoked && html` <strong>${t('signed.revoked')}</strong>`}</li>`)}</ul>`}${h2(t('messages.title'))}${messages}${h2(t('history.title'))}${history}${h2(t('desk.leave'))}${offForm(s, office, true)}`,
  })
}

function decideForm(s: Seen, served: Served, action: string, typed: Typed | undefined, errors: Errors | undefined): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  const { service } = served
  return post(s, action, [
    radios({
      name: 'result',
      fieldset: { legend: { text: t('decide.question'), classes: 'govuk-fieldset__legend--m' } },
      hint: service.text(l, 'criteria'),
      error: errorOf(s, errors, 'result'),
      value: one(typed, 'result'),
      items: [
        { value: 'granted', text: t('decide.grant'), hint: service.text(l, 'document') },
        {
          value: 'refused',
          text: t('decide.refuse'),
          conditional: checkboxes({
            name: 'reasons',
            fieldset: { legend: t('decide.reasons') },
            error: errorOf(s, errors, 'reasons'),
            values: many(typed, 'reasons'),
            items: service.definition.reasons.map((r) => ({
              value: r.id,
              text: service.text(l, `reasons.${r.id}`),
              hint: sourceWords(l, r.rule),
            })),
          }),
        },
      ],
    }),
    textarea({
      name: 'note',
      label: t('decide.note'),
      hint: t('decide.note-hint'),
      rows: 4,
      value: one(typed, 'note'),
      error: errorOf(s, errors, 'note'),
    }),
    button({ text: t('decide.check') }),
    html`<p class="govuk-hint">${t('decide.check-hint')}</p>`,
  ])
}

/** Before it is issued: what the document will say, to be confirmed. */
export function confirmDecisionPage(
  s: Seen,
  deps: Deps,
  office: OfficeId,
  served: Served,
  given: { result: 'granted' | 'refused'; reasons: readonly string[]; note: string },
  /** What the official signs, where the decision issues a document. */
  prepared: { readonly statement: string; readonly ticket: string } | null,
  errors: readonly SummaryError[] = [],
): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  const { service, turn, step } = served
  const action = `/desk/${office}/turns/${turn.state.turn}/decide`
  const fields = [hidden('result', given.result), given.reasons.map((r) => hidden('reasons', r)), hidden('note', given.note)]
  const mustSign = prepared !== null && step.kind === 'decide' && step.signed === true
  const panel =
    prepared &&
    signPanel({
      language: l,
      // What is decided goes with either form, beside what vouches for the page.
      csrf: html`${csrfField(s.request, s.reply)}${fields}${hidden('ticket', prepared.ticket)}`,
      action: `${action}/signed`,
      uploadAction: `${action}/signed`,
      statement: Buffer.from(prepared.statement, 'utf8'),
      statementHref: `data:text/plain;charset=utf-8;base64,${Buffer.from(prepared.statement, 'utf8').toString('base64')}`,
      now: deps.clock.now(),
    })
  return staffPage(s, deps, {
    title: t('confirm.title'),
    office,
    wrong: errors,
    body: html`${summaryList({
      rows: [
        { key: t('confirm.number'), value: String(turn.state.place) },
        { key: t('confirm.service'), value: service.text(l, 'name') },
        { key: t('confirm.person'), value: `${served.applicant.name} (${served.applicant.identity})` },
        { key: t('confirm.result'), value: t(given.result === 'granted' ? 'decide.grant' : 'decide.refuse') },
        given.result === 'granted' && {
          key: t('confirm.document'),
          value: html`${service.text(l, 'document')}<br>${service.text(l, 'document.body')}`,
        },
        given.result === 'refused' && {
          key: t('decide.reasons'),
          value: html`<ul class="govuk-list govuk-list--bullet">${given.reasons.map((id) => {
            const reason = service.definition.reasons.find((r) => r.id === id)
            return html`<li>${service.text(l, `reasons.${id}`)}${reason && html`<br><span class="govuk-hint">${sourceWords(l, reason.rule)}</span>`}</li>`
          })}</ul>`,
        },
        given.note !== '' && { key: t('decide.note'), value: given.note },
      ],
    })}${warningText({ language: l, text: t('confirm.warning') })}${
      !mustSign &&
      post(s, action, [
        fields,
        hidden('stage', 'confirm'),
        button({ text: t('confirm.send'), preventDoubleClick: true }),
        html`<p class="govuk-hint">${t('desk.then-next')}</p>`,
      ])
    }${panel && (mustSign ? html`<h2 class="govuk-heading-m">${t('confirm.signed')}</h2>${panel}` : details({ summary: t('confirm.signed'), open: errors.length > 0, body: panel }))}${post(s, action, [fields, hidden('stage', 'change'), button({ text: t('confirm.change'), kind: 'secondary' })])}`,
  })
}

const knownEvents: ReadonlySet<string> = new Set([
  'submitted',
  'signed',
  'called',
  'passed',
  'papers-asked',
  'papers-brought',
  'already-there',
  'held-agency',
  'resumed',
  'returned',
  'reviewed',
  'step-decided',
  'step',
  'decided',
  'withdrawn',
  'withdrawal-undone',
  'confirmed-by-code',
  'signed-on-paper',
])

const eventWords = (l: Language, kind: string) => (knownEvents.has(kind) ? text(l, `event.${kind}` as StaffKey) : kind)

function detailOf(l: Language, served: Served, e: Served['history'][number]): string {
  const { data } = e
  if (e.kind === 'returned' && typeof data.reason === 'string') return text(l, `returned.${data.reason}` as StaffKey)
  if (e.kind === 'reviewed') {
    const step = typeof data.step === 'string' ? served.service.text(l, `steps.${data.step}`) : ''
    return `${step}: ${text(l, data.result === 'ok' ? 'review.ok' : 'review.objection')}`
  }
  if (e.kind === 'step-decided') return text(l, data.result === 'granted' ? 'decide.grant' : 'decide.refuse')
  if (e.kind === 'papers-asked' || e.kind === 'papers-brought')
    return (Array.isArray(data.papers) ? data.papers : []).map((id) => served.service.text(l, `papers.${id}`) || String(id)).join(', ')
  return ''
}

/** Conflicts are declared in advance and by number; only how many there are is shown, so that the page tells nobody's name. */
export function conflictsPage(
  s: Seen,
  deps: Deps,
  office: OfficeId,
  count: number,
  more: { done: StaffKey | null; errors?: Errors; typed?: Typed },
): Html {
  const t = wordsOf(s.request)
  const number = (name: 'identity' | 'withdrawn') =>
    input({
      name,
      label: t('conflicts.identity'),
      hint: t(name === 'identity' ? 'conflicts.hint' : 'conflicts.withdraw-hint'),
      classes: 'govuk-input--width-20',
      autocapitalize: 'characters',
      spellcheck: false,
      autocomplete: 'off',
      value: one(more.typed, name),
      error: errorOf(s, more.errors, name),
    })
  return staffPage(s, deps, {
    title: t('conflicts.title'),
    office,
    back: `/desk/${office}`,
    errors: more.errors,
    body: html`${doneBanner(s, more.done)}<p class="govuk-body-l">${t('conflicts.lead')}</p>${p(t('conflicts.count', { count }))}${post(
      s,
      `/desk/${office}/conflicts`,
      [number('identity'), button({ text: t('conflicts.declare') })],
    )}${
      count > 0 &&
      html`${h2(t('conflicts.withdraw-title'))}${post(s, `/desk/${office}/conflicts/withdraw`, [
        number('withdrawn'),
        button({ text: t('conflicts.withdraw'), kind: 'secondary' }),
      ])}`
    }`,
  })
}

// ── What desks did, for anyone and for supervisors ────────────────────────────────────────────────────────────────────────────────────

const sum = (acts: DeskTally['acts'], ...names: string[]) => names.reduce((n, name) => n + (acts[name] ?? 0), 0)

/** What each desk did beside the line's own middle. In a quiet line no minutes are told: the log does not tell them either. */
export function deskTable(l: Language, tallies: { desks: readonly DeskTally[]; medianMinutes: number | null }, quiet: boolean): Html {
  const t = (key: StaffKey, parameters?: Record<string, string | number>) => text(l, key, parameters)
  const minutes = (m: number | null) => (quiet || m === null ? '—' : durationWords(l, m))
  const numeric = (value: number | string) => ({ text: String(value), numeric: true })
  const row = (name: string, acts: DeskTally['acts'], median: number | null) => [
    name,
    numeric(sum(acts, 'reviewed', 'step-decided', 'decided')),
    numeric(minutes(median)),
    numeric(sum(acts, 'passed/conflict')),
    numeric(sum(acts, 'papers-asked')),
    numeric(sum(acts, 'held-agency')),
    numeric(sum(acts, 'returned/idle', 'returned/off', 'returned/outage', 'returned/absent')),
  ]
  const all: Record<string, number> = {}
  for (const d of tallies.desks) for (const [act, n] of Object.entries(d.acts)) all[act] = (all[act] ?? 0) + n
  return scrolling(
    t('stats.title'),
    table({
      caption: t('stats.caption'),
      firstCellIsHeader: true,
      head: [
        t('stats.desk'),
        numeric(t('stats.done')),
        numeric(t('stats.minutes')),
        numeric(t('stats.passes')),
        numeric(t('stats.papers')),
        numeric(t('stats.agency')),
        numeric(t('stats.returns')),
      ],
      rows: [...tallies.desks.map((d) => row(deskName(d.desk), d.acts, d.medianMinutes)), row(t('stats.all'), all, tallies.medianMinutes)],
    }),
  )
}

/** What a supervisor sees of one line. */
export type LineView = {
  readonly line: string
  readonly quiet: boolean
  readonly onDuty: readonly { readonly desk: string; readonly serving: boolean }[]
  readonly waiting: number
  readonly held: number
  /** Turns that everybody of the office has passed. */
  readonly stranded: readonly Stranded[]
  readonly since: Date | null
  readonly dues: readonly { readonly due: string; readonly cases: number }[]
  readonly tallies: { readonly desks: readonly DeskTally[]; readonly medianMinutes: number | null }
}

/** Turns that nobody of an office may serve, and what can be done: ask for somebody else. The numbers are public; there is nothing to press. */
function strandedBlock(s: Seen, deps: Deps, office: OfficeId, turns: readonly Stranded[], todo: string): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  return html`${warningText({ language: l, text: t('stranded.count', { count: turns.length }) })}${scrolling(
    t('stranded.title'),
    table({
      caption: t('stranded.caption'),
      captionClasses: 'govuk-visually-hidden',
      head: [t('stranded.number'), t('stranded.since'), t('stranded.due')],
      rows: turns.map((turn) => [String(turn.number), when(deps, l, turn.since, office), formatDate(l, turn.due)]),
    }),
  )}${p(todo)}`
}

/** What an administrator sees of them: which offices need somebody else. */
export function strandedPage(s: Seen, deps: Deps, offices: readonly { office: OfficeId; turns: readonly Stranded[] }[]): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  return staffPage(s, deps, {
    title: t('stranded.title'),
    back: '/desk',
    wide: true,
    body: html`<p class="govuk-body-l">${t(offices.length === 0 ? 'stranded.none' : 'stranded.lead')}</p>${
      offices.length > 0 &&
      offices.map(
        ({ office, turns }) =>
          html`${h2(deps.catalogue.office(office)?.name(l) ?? office)}${strandedBlock(s, deps, office, turns, t('stranded.invite'))}${p(
            a(`/admin/people?office=${office}#give`, t('stranded.go')),
          )}`,
      )
    }`,
  })
}

/** Loads, never people, and nothing to press: who could move a turn could sell its place. */
export function supervisePage(s: Seen, deps: Deps, office: OfficeId, lines: readonly LineView[]): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  return staffPage(s, deps, {
    title: t('supervise.title'),
    office,
    wide: true,
    body: html`<p class="govuk-body-l">${t('supervise.lead')}</p>${
      lines.length === 0
        ? p(t('supervise.none'))
        : lines.map(
            (line) =>
              html`${h2(line.line)}${line.stranded.length > 0 && strandedBlock(s, deps, office, line.stranded, t('stranded.ask'))}${summaryList(
                {
                  rows: [
                    { key: t('supervise.waiting'), value: String(line.waiting) },
                    { key: t('supervise.held'), value: String(line.held) },
                    { key: t('supervise.since'), value: line.since ? when(deps, l, line.since, office) : '—' },
                    {
                      key: t('supervise.on-duty'),
                      value:
                        line.onDuty.length === 0
                          ? t('supervise.nobody')
                          : html`<ul class="govuk-list">${line.onDuty.map((d) => html`<li>${d.desk} · ${t(d.serving ? 'supervise.serving' : 'supervise.free')}</li>`)}</ul>`,
                    },
                    {
                      key: t('supervise.dues'),
                      value:
                        line.dues.length === 0
                          ? t('supervise.no-dues')
                          : html`<ul class="govuk-list">${line.dues.map((d) => html`<li>${t('supervise.due', { date: formatDate(l, d.due), count: d.cases })}</li>`)}</ul>`,
                    },
                  ],
                },
              )}${deskTable(l, line.tallies, line.quiet)}`,
          )
    }${p(a(`/offices/${office}`, t('supervise.public')))}${p(a(`${places.numbers}/offices/${office}/costs`, t('supervise.costs')))}`,
  })
}

// ── The counter ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Who stands at the counter and what for. */
export function counterPage(
  s: Seen,
  deps: Deps,
  office: OfficeId,
  services: readonly Service[],
  more: { errors?: Errors; typed?: Typed },
): Html {
  const t = wordsOf(s.request)
  const l = s.request.visitor.language
  return staffPage(s, deps, {
    title: t('counter.title'),
    office,
    errors: more.errors,
    body: html`<p class="govuk-body-l">${t('counter.lead')}</p>${post(s, `/counter/${office}`, [
      ...identityFields(s, more),
      select({
        name: 'service',
        label: t('counter.service'),
        value: one(more.typed, 'service'),
        error: errorOf(s, more.errors, 'service'),
        items: [{ value: '', text: t('counter.choose') }, ...services.map((x) => ({ value: x.id, text: x.text(l, 'name') }))],
      }),
      button({ text: t('counter.start') }),
    ])}${h2(t('counter.confirm-title'))}<form method="get" action="/counter/${office}/confirm">${input({
      name: 'reference',
      label: t('counter.reference'),
      hint: t('counter.reference-hint'),
      classes: 'govuk-input--width-10',
      autocomplete: 'off',
      autocapitalize: 'characters',
      spellcheck: false,
      value: one(more.typed, 'reference'),
      error: errorOf(s, more.errors, 'reference'),
    })}${button({ text: t('counter.go'), kind: 'secondary' })}</form>${h2(t('restore.title'))}${p(t('restore.lead'))}${p(a(`/counter/${office}/restore`, t('restore.go')))}${p(a(`/counter/${office}/rejoin`, t('rejoin.title')))}${p(a(`/counter/${office}/mandates`, t('counter.mandates')))}${deps.signing.issues && p(a(`/counter/${office}/certificates`, t('counter.certificates')))}`,
  })
}

function identityFields(s: Seen, more: { errors?: Errors; typed?: Typed }): Html[] {
  const t = wordsOf(s.request)
  return [
    input({
      name: 'identity',
      label: t('counter.identity'),
      hint: t('counter.identity-hint'),
      classes: 'govuk-input--width-20',
      autocomplete: 'off',
      autocapitalize: 'characters',
      spellcheck: false,
      value: one(more.typed, 'identity'),
      error: errorOf(s, more.errors, 'identity'),
    }),
    input({
      name: 'name',
      label: t('counter.name'),
      hint: t('counter.name-hint'),
      autocomplete: 'off',
      spellcheck: false,
      value: one(more.typed, 'name'),
      error: errorOf(s, more.errors, 'name'),
    }),
  ]
}

/** Gives an account back to who shows its identity. */
export function restorePage(s: Seen, deps: Deps, office: OfficeId, more: { errors?: Errors; typed?: Typed }): Html {
  const t = wordsOf(s.request)
  return staffPage(s, deps, {
    title: t('restore.title'),
    office,
    back: `/counter/${office}`,
    errors: more.errors,
    body: html`<p class="govuk-body-l">${t('restore.lead')}</p>${warningText({ language: s.request.visitor.language, text: t('restore.warning') })}${post(
      s,
      `/counter/${office}/restore`,
      [
        ...identityFields(s, more),
        input({
          name: 'email',
          type: 'email',
          label: t('restore.email'),
          hint: t('restore.email-hint'),
          autocomplete: 'off',
          spellcheck: false,
          value: one(more.typed, 'email'),
          error: errorOf(s, more.errors, 'email'),
        }),
        button({ text: t('restore.send'), kind: 'warning' }),
      ],
    )}`,
  })
}

/** Brings a receipt whose case was lost: by its holder, or at a counter (`office`) by a clerk for the person present. */
export function rejoinPage(s: Seen, deps: Deps, office: OfficeId | null, more: { errors?: Errors; typed?: Typed }): Html {
  const t = wordsOf(s.request)
  const action = office ? `/counter/${office}/rejoin` : '/rejoin'
  return staffPage(s, deps, {
    title: t('rejoin.title'),
    ...(office ? { office } : {}),
    back: office ? `/counter/${office}` : '/my-line',
    errors: more.errors,
    body: html`<p class="govuk-body-l">${t('rejoin.lead')}</p><form method="post" action="${action}" enctype="multipart/form-data" novalidate>${csrfField(s.request, s.reply)}${
      office && identityFields(s, more)
    }${fileUpload({ name: 'file', label: t('rejoin.file'), hint: t('rejoin.file-hint'), error: errorOf(s, more.errors, 'file') })}${input({
      name: 'code',
      label: t('rejoin.code'),
      hint: t('rejoin.code-hint'),
      autocomplete: 'off',
      spellcheck: false,
      value: one(more.typed, 'code'),
    })}${button({ text: t('rejoin.send') })}</form>${p(t('rejoin.after'))}`,
  })
}

/** The slip that is printed for the person: shown this once. */
export function slipPage(s: Seen, deps: Deps, office: OfficeId, slip: Slip, next: { href: string; words: string }): Html {
  const t = wordsOf(s.request)
  return staffPage(s, deps, {
    title: t('slip.title'),
    office,
    body: html`<p class="govuk-body-l">${t('slip.lead')}</p>${summaryList({
      rows: [
        { key: t('slip.reference'), value: html`<strong class="v-code">${slip.reference}</strong>` },
        { key: t('slip.secret'), value: html`<strong class="v-code">${slip.secret}</strong>` },
        { key: t('slip.where'), value: `${deps.publicUrl}/sign-in/receipt` },
      ],
    })}${warningText({ language: s.request.visitor.language, text: t('slip.once') })}${button({ text: next.words, href: next.href })}`,
  })
}

/** For the clerk who took it: on from the receipt to the person's confirmation. Null for anyone else; never printed. */
export function confirmLink(
  request: Request,
  c: { readonly takenBy: string | null; readonly office: string; readonly reference: string },
): Html | null {
  if (c.takenBy === null || c.takenBy !== request.visitor.person) return null
  return html`<p class="govuk-body v-no-print">${a(`/counter/${c.office}/cases/${c.reference}/confirm`, wordsOf(request)('filing.link'))}</p>`
}

/** Where the confirmation is: choosing how, or waiting for the code that went to a new contact or to the one that is known. */
export type ConfirmStage = 'choose' | 'code' | 'contact-code'

/** The person present confirms what was typed for them. `known`: they have a proved contact, of which nothing is shown. */
export function confirmFilingPage(
  s: Seen,
  deps: Deps,
  office: OfficeId,
  reference: string,
  more: { stage: ConfirmStage; how: string | null; known: boolean; errors?: Errors; typed?: Typed },
): Html {
  const t = wordsOf(s.request)
  const action = `/counter/${office}/cases/${reference}/confirm`
  return staffPage(s, deps, {
    title: t('filing.title'),
    office,
    back: `/counter/${office}`,
    errors: more.errors,
    body: html`<p class="govuk-body-l">${t('filing.lead', { reference })}</p>${
      more.how !== null
        ? html`${notificationBanner({ language: s.request.visitor.language, success: true, text: t(more.how === 'signed-on-paper' ? 'filing.done-paper' : 'filing.done-code') })}${p(a(`/counter/${office}`, t('filing.again')))}`
        : more.stage !== 'choose'
          ? post(s, action, [
              hidden('how', more.stage),
              input({
                name: 'code',
                label: t('filing.code'),
                hint: t('filing.code-hint'),
                classes: 'govuk-input--width-10',
                inputmode: 'numeric',
                autocomplete: 'off',
                error: errorOf(s, more.errors, 'code'),
              }),
              button({ text: t('filing.code-send') }),
            ])
          : html`${h2(t('filing.paper-title'))}${p(a(`/cases/${reference}/receipt`, t('filing.print')))}${post(s, action, [
              hidden('how', 'paper'),
              button({ text: t('filing.paper') }),
            ])}${h2(t('filing.email-title'), 'contact')}${
              more.known
                ? html`${p(t('filing.contact-lead'))}${post(s, action, [
                    hidden('how', 'contact'),
                    button({ text: t('filing.contact-send'), kind: 'secondary' }),
                  ])}`
                : post(s, action, [
                    hidden('how', 'email'),
                    input({
                      name: 'email',
                      type: deps.people.takesPhones ? 'text' : 'email',
                      label: t(deps.people.takesPhones ? 'filing.address' : 'filing.email'),
                      hint: t('filing.email-hint'),
                      autocomplete: 'off',
                      spellcheck: false,
                      value: one(more.typed, 'email'),
                      error: errorOf(s, more.errors, 'email'),
                    }),
                    button({ text: t('filing.email-send'), kind: 'secondary' }),
                  ])
            }`
    }`,
  })
}
