/** What applicants see. Every page answers in this order: where am I, what can I do now, what happens next, who decides and by when, how do I check that it is fair. */
import { type AskedPage, type FormFields, fee, named, promptFields, type Service, showAnswers, straightPath, summaryOf } from '#catalogue'
import { addWorkingDays, workingDaysBetween } from '#kernel/calendar'
import { type Html, html } from '#kernel/html'
import type { OfficeId } from '#kernel/id'
import type { FieldProblem } from '#kernel/problem'
import { formatDate, formatNumber, type Language } from '#kernel/text'
import { dateIn } from '#kernel/time'
import {
  button,
  clockLine,
  closedList,
  details,
  fileUpload,
  fourLines,
  type Happening,
  insetText,
  notificationBanner,
  places,
  processPicture,
  radios,
  summaryList,
  type TurnState,
  tag,
  textarea,
  timeline,
  turnHero,
  warningText,
} from '#look'
import type { Acting } from '#mandates'
import type { Person } from '#people'
import { csrfField, problemText, type Reply, type Request } from '#web'
import { undoDays } from '../clock.ts'
import type { Deps } from '../deps.ts'
import { deskName } from '../desk.ts'
import { grounds, mostMessage, type OpenCase } from '../filing.ts'
import type { Standing } from '../receipt.ts'
import { signingStep } from '../sign.ts'
import type { CaseEvent } from '../store.ts'
import { personPage, when } from './page.ts'
import { text } from './text.ts'
import { waitNow } from './wait.ts'

type Seen = { request: Request; reply: Reply }
const post = (s: Seen, action: string, inside: Html, more: { id?: string } = {}): Html =>
  html`<form method="post" action="${action}"${more.id ? html` id="${more.id}"` : ''} novalidate>${csrfField(s.request, s.reply)}${inside}</form>`

/** What the service costs, in words; for these answers where some are given. */
export function costWords(l: Language, service: Service, answers: FormFields | null, today: string): string {
  const { kind } = service.definition.fee
  if (kind === 'free') return text(l, 'cost.free')
  if (kind === 'table' && answers === null) return text(l, 'cost.depends')
  const amount = fee(service.definition, (answers ?? {}) as never, today)
  if (amount === null) return text(l, 'cost.unknown')
  return amount.minor === 0n ? text(l, 'cost.free') : text(l, 'cost.amount', { amount: pesosText(l, amount.minor) })
}

function pesosText(l: Language, minor: bigint): string {
  return new Intl.NumberFormat(l === 'es' ? 'es-MX' : 'en', { style: 'currency', currency: 'MXN', currencyDisplay: 'narrowSymbol' }).format(
    Number(minor) / 100,
  )
}

/** The longest lawful term, in words. */
function termWords(l: Language, service: Service): string {
  const { unit, count } = service.definition.term
  return unit === 'immediate' ? text(l, 'term.immediate') : text(l, `term.${unit}`, { count })
}

const paperList = (o: OpenCase, marked: boolean) =>
  o.journey.papers.map((p) => ({
    name: p.label,
    hint: p.hint || undefined,
    state:
      !marked || p.how !== 'file'
        ? undefined
        : o.files.some((f) => f.paper === p.id)
          ? ('received' as const)
          : p.optional
            ? undefined
            : ('missing' as const),
  }))

/** For whom a case is begun, asked of who may act for others. */
export function forWhomPage(request: Request, reply: Reply, deps: Deps, service: Service, acting: readonly Acting[]): Html {
  const l = request.visitor.language
  const title = text(l, 'for.title')
  const body = html`<span class="govuk-caption-l">${service.text(l, 'name')}</span>${post(
    { request, reply },
    '/cases',
    html`<input type="hidden" name="service" value="${service.id}">${radios({
      name: 'for',
      fieldset: { legend: { text: title, pageHeading: true, classes: 'govuk-fieldset__legend--l' } },
      hint: text(l, 'for.hint'),
      items: [{ value: 'me', text: text(l, 'for.me'), checked: true }, ...acting.map((a) => ({ value: a.code, text: a.name }))],
    })}${button({ text: text(l, 'continue') })}`,
  )}`
  return personPage(request, deps, { title, body, backLink: `/services/${service.id}` })
}

/** A page of questions. */
export function fillPage(
  request: Request,
  reply: Reply,
  deps: Deps,
  o: OpenCase,
  page: AskedPage,
  at: {
    back: string
    step: number
    of: number
    problems: readonly FieldProblem[]
    doubts: readonly FieldProblem[]
    typed: FormFields | null
  },
): Html {
  const l = request.visitor.language
  const fromReview = (request.query as { return?: unknown }).return === 'review' || at.typed?.return === 'review'
  const body = html`<span class="govuk-caption-m">${o.service.text(l, 'name')} · ${text(l, 'step-of', { step: at.step, of: at.of })}</span>${html`<h1 class="govuk-heading-l">${page.title}</h1>`}${post(
    { request, reply },
    `/cases/${o.c.reference}/fill/${page.id}`,
    html`${promptFields(page.prompts, { language: l, problems: at.problems, doubts: at.doubts, typed: at.typed })}${
      fromReview && html`<input type="hidden" name="return" value="review">`
    }${button({ text: text(l, 'continue'), preventDoubleClick: true })}`,
  )}<p class="govuk-body v-soft">${text(l, 'saved-as-you-go')} <a class="govuk-link" href="/my-line">${text(l, 'my-line.title')}</a>.</p><p class="govuk-body v-soft">${text(l, 'not-filed-yet')}</p>`
  return personPage(request, deps, {
    title: page.title,
    body,
    acting: o.actingFor,
    backLink: at.back,
    error: summaryOf(l, page.prompts, at.problems),
  })
}

/** What may be wrong with a file that was sent: `none` was, or it was refused by this code. */
export const paperFaults = ['none', 'too-large', 'wrong-type', 'cases/file-refused'] as const
export type PaperFault = (typeof paperFaults)[number]

/** Attaching the papers of the closed list, or those that were asked for. */
export function papersPage(
  request: Request,
  reply: Reply,
  deps: Deps,
  o: OpenCase,
  asked: Standing['request'],
  back: string | null,
  wrong: Readonly<Record<string, PaperFault>> = {},
): Html {
  const l = request.visitor.language
  const faultOf = (id: string) => {
    const fault = Object.hasOwn(wrong, id) ? wrong[id] : undefined
    return fault && (fault === 'none' ? text(l, 'papers.none-chosen') : problemText(fault, l).todo)
  }
  const title = text(l, asked ? 'papers.asked-title' : 'papers.title')
  const listed = o.journey.papers.filter((p) => !asked || asked.papers.includes(p.id))
  const one = (p: (typeof listed)[number]): Html => {
    const here = o.files.filter((f) => f.paper === p.id)
    return html`<section class="v-paper-block" aria-labelledby="paper-${p.id}"><h2 class="govuk-heading-m" id="paper-${p.id}">${p.label} ${p.optional && html`<span class="v-soft">${text(l, 'optional')}</span>`}${
      here.some((f) => !asked || f.addedAt > asked.at)
        ? tag({ text: text(l, 'papers.received'), kind: 'done' })
        : asked || (p.how === 'file' && !p.optional)
          ? tag({ text: text(l, 'papers.missing'), kind: 'waiting' })
          : ''
    }</h2>${p.hint && html`<p class="govuk-hint">${p.hint}</p>`}${asked?.why[p.id] && html`<p class="govuk-body"><strong>${text(l, 'papers.because', { why: text(l, `why.${asked.why[p.id]}` as 'why.missing') })}</strong></p>`}${
      p.from && html`<p class="govuk-body"><a class="govuk-link" href="/services/${p.from}">${text(l, 'papers.from')}</a></p>`
    }${
      p.how === 'shown' && !asked
        ? html`<p class="govuk-body">${text(l, 'papers.shown')}</p>`
        : html`${
            here.length > 0 &&
            html`<ul class="govuk-list">${here.map(
              (f) =>
                html`<li><a class="govuk-link" href="/cases/${o.c.reference}/files/${f.id}">${f.name}</a> <span class="v-soft">${text(l, 'papers.size', { kb: Math.max(1, Math.round(f.size / 1024)) })}</span>${
                  o.c.state === 'draft' &&
                  post(
                    { request, reply },
                    `/cases/${o.c.reference}/files/${f.id}/remove`,
                    button({
                      text: html`${text(l, 'papers.remove')}<span class="govuk-visually-hidden"> ${f.name}</span>`,
                      kind: 'secondary',
                    }),
                  )
                }</li>`,
            )}</ul>`
          }<form method="post" action="/cases/${o.c.reference}/papers/${p.id}" enctype="multipart/form-data">${csrfField(request, reply)}${fileUpload(
            {
              id: `file-${p.id}`,
              name: 'file',
              // What was there when it was asked for is what could not be used.
              label: { text: text(l, here.some((f) => !asked || f.addedAt > asked.at) ? 'papers.another' : 'papers.choose') },
              hint: text(l, 'papers.formats'),
              error: faultOf(p.id),
              accept: 'application/pdf,image/jpeg,image/png',
            },
          )}${button({ text: html`${text(l, 'papers.attach')}<span class="govuk-visually-hidden"> ${p.label}</span>`, kind: 'secondary' })}</form>`
    }</section>`
  }
  const done = asked
    ? html`${post({ request, reply }, `/cases/${o.c.reference}/answer-request`, button({ text: text(l, 'papers.send') }))}`
    : button({ text: text(l, 'continue'), href: `/cases/${o.c.reference}/review` })
  const body = html`<span class="govuk-caption-m">${o.service.text(l, 'name')}</span><h1 class="govuk-heading-l">${title}</h1>${
    asked && o.c.answerBy && html`<p class="govuk-body-l">${text(l, 'papers.until', { date: formatDate(l, o.c.answerBy) })}</p>`
  }${asked?.note && insetText({ text: asked.note })}<p class="govuk-body">${text(l, 'papers.closed')}</p>${listed.map(one)}${done}`
  return personPage(request, deps, {
    title,
    body,
    acting: o.actingFor,
    url: `/cases/${o.c.reference}/papers`,
    error: listed.flatMap((p) => {
      const fault = faultOf(p.id)
      return fault ? [{ text: named(l, p.label, fault), href: `#file-${p.id}` }] : []
    }),
    backLink: asked
      ? `/cases/${o.c.reference}`
      : back
        ? back === 'papers'
          ? `/cases/${o.c.reference}`
          : `/cases/${o.c.reference}/fill/${back}`
        : `/cases/${o.c.reference}`,
  })
}

/** Everything once more before it is filed. */
export function reviewPage(
  request: Request,
  reply: Reply,
  deps: Deps,
  o: OpenCase,
  person: Person | null,
  unfinished: string | null,
): Html {
  const l = request.visitor.language
  const title = text(l, 'review.title')
  const world = { language: l, today: dateIn(deps.clock.now(), deps.catalogue.calendarOf(o.c.office).zone), places: deps.catalogue.places }
  const shown = showAnswers(o.service, o.filing.answers, world)
  const identified = Boolean(
    person?.name && person.identities.length > 0 && (person.email || person.phone || o.c.takenBy || o.as === 'representative'),
  )
  const counter = o.c.takenBy !== null
  const rows = (page: string) =>
    shown
      .filter((s) => s.page === page)
      .map((s) => ({
        key: s.item === null ? s.label : html`${s.label} <span class="v-soft">(${s.item + 1})</span>`,
        value: s.shown,
      }))
  const body = html`<span class="govuk-caption-m">${o.service.text(l, 'name')}</span><h1 class="govuk-heading-l">${title}</h1>${
    unfinished &&
    html`${warningText({ language: l, text: text(l, 'review.unfinished') })}${button({ text: text(l, 'review.go-on'), href: unfinished })}`
  }<section aria-labelledby="who"><h2 class="govuk-heading-m" id="who">${text(l, o.as === 'representative' ? 'review.who' : 'review.you')}</h2>${
    identified
      ? summaryList({
          rows: [
            { key: text(l, 'review.name'), value: person!.name! },
            { key: 'CURP / RFC', value: person!.identities.map((i) => i.value).join(', ') },
            ...(person!.email || person!.phone ? [{ key: text(l, 'review.contact'), value: person!.email ?? person!.phone! }] : []),
          ],
        })
      : html`<p class="govuk-body">${text(l, 'review.identify')}</p>${counter ? '' : button({ text: text(l, 'review.identify-button'), href: `/me?next=${encodeURIComponent(`/cases/${o.c.reference}/review`)}`, ...(unfinished ? { kind: 'secondary' as const } : {}) })}`
  }</section>${o.journey.pages.map(
    (p) =>
      html`<section aria-labelledby="page-${p.id}"><h2 class="govuk-heading-m" id="page-${p.id}">${p.title} <a class="govuk-link govuk-body-s" href="/cases/${o.c.reference}/fill/${p.id}?return=review">${text(l, 'change')}<span class="govuk-visually-hidden"> ${p.title}</span></a></h2>${summaryList({ rows: rows(p.id) })}</section>`,
  )}${o.journey.papers.length > 0 && html`<section>${closedList({ language: l, papers: paperList(o, true) })}<p class="govuk-body"><a class="govuk-link" href="/cases/${o.c.reference}/papers">${text(l, 'review.papers')}</a></p></section>`}
  <section aria-labelledby="cost"><h2 class="govuk-heading-m" id="cost">${text(l, 'review.cost')}</h2><p class="govuk-body">${costWords(l, o.service, o.filing.answers as FormFields, world.today)}</p><p class="govuk-body">${text(l, 'review.term', { term: termWords(l, o.service) })}</p></section>
  <p class="govuk-body">${o.filing.ground ? text(l, 'priority.claimed', { ground: text(l, `ground.${o.filing.ground}`) }) : text(l, 'priority.question')} <a class="govuk-link" href="/cases/${o.c.reference}/priority">${text(l, o.filing.ground ? 'change' : 'priority.link')}</a></p>
  ${identified && !unfinished && post({ request, reply }, `/cases/${o.c.reference}/submit`, html`<p class="govuk-body">${text(l, 'review.declare')}</p>${o.service.definition.assurance && !counter ? html`<p class="govuk-body">${text(l, 'review.assurance')}</p>` : ''}${button({ text: text(l, 'review.submit'), preventDoubleClick: true })}`)}
  ${details({
    summary: text(l, 'review.discard'),
    body: html`<p class="govuk-body">${text(l, 'review.discard-lead')}</p>${post({ request, reply }, `/cases/${o.c.reference}/discard`, button({ text: text(l, 'review.discard-confirm'), kind: 'warning' }))}`,
  })}`
  return personPage(request, deps, {
    title,
    body,
    acting: o.actingFor,
    backLink: `/cases/${o.c.reference}/${o.journey.papers.length > 0 ? 'papers' : `fill/${o.journey.pages.at(-1)?.id ?? ''}`}`,
  })
}

/** Claiming to be preferred, on a ground in law. */
export function priorityPage(request: Request, reply: Reply, deps: Deps, o: OpenCase): Html {
  const l = request.visitor.language
  const title = text(l, 'priority.title')
  const body = html`${post(
    { request, reply },
    `/cases/${o.c.reference}/priority`,
    html`${radios({
      name: 'ground',
      fieldset: { legend: { text: title, pageHeading: true, classes: 'govuk-fieldset__legend--l' } },
      hint: text(l, 'priority.hint'),
      items: [
        ...grounds.map((g) => ({ value: g, text: text(l, `ground.${g}`), checked: o.filing.ground === g })),
        { divider: text(l, 'or') },
        { value: '', text: text(l, 'priority.none'), checked: o.filing.ground === null },
      ],
    })}${button({ text: text(l, 'save') })}`,
  )}`
  return personPage(request, deps, { title, body, acting: o.actingFor, backLink: `/cases/${o.c.reference}/review` })
}

/** What changed in the service since the draft was begun. */
export function changedPage(request: Request, reply: Reply, deps: Deps, o: OpenCase, before: Service | null): Html {
  const l = request.visitor.language
  const title = text(l, 'changed.title')
  const now = o.service
  const rows: { what: string; then: string; now: string }[] = []
  const compare = (what: string, of: (s: Service) => string) => {
    const then = before ? of(before) : ''
    if (then !== of(now)) rows.push({ what, then, now: of(now) })
  }
  const names = (ids: readonly { id: string }[], key: string, s: Service) => ids.map((p) => s.text(l, `${key}.${p.id}`)).join('; ')
  compare(text(l, 'before.cost'), (s) => costWords(l, s, null, '2000-01-01'))
  compare(text(l, 'before.term'), (s) => termWords(l, s))
  compare(text(l, 'before.silence'), (s) => text(l, `silence.${s.definition.silence.means}`))
  compare(text(l, 'changed.papers'), (s) => names(s.definition.papers, 'papers', s))
  compare(text(l, 'changed.questions'), (s) => names(s.definition.questions, 'questions', s))
  const body = html`<h1 class="govuk-heading-l">${title}</h1><p class="govuk-body-l">${text(l, 'changed.lead')}</p>${
    rows.length === 0
      ? html`<p class="govuk-body">${text(l, 'changed.words')}</p>`
      : summaryList({ rows: rows.map((r) => ({ key: r.what, value: html`<del>${r.then || '—'}</del><br><ins>${r.now || '—'}</ins>` })) })
  }${post({ request, reply }, `/cases/${o.c.reference}/changed`, button({ text: text(l, 'changed.accept') }))}`
  return personPage(request, deps, { title, body, backLink: '/my-line' })
}

const heroState = (s: Standing, o: OpenCase): TurnState => {
  const state = s.turn?.state.state
  // Its papers are awaited again after a withdrawal was undone: the turn comes back with them.
  if (o.c.state === 'asked' && state === 'left') return 'held'
  if (o.c.state === 'withdrawn' || state === 'left') return 'left'
  if (state === 'called' || state === 'held' || state === 'finished') return state
  return s.ahead === 0 ? 'next' : 'waiting'
}

function happening(deps: Deps, l: Language, o: OpenCase, e: CaseEvent): Happening {
  const detail =
    e.kind === 'returned'
      ? text(l, `returned.${String(e.data.reason)}` as 'returned.off')
      : e.kind === 'papers-asked'
        ? (e.data.papers as string[]).map((p) => o.service.text(l, `papers.${p}`)).join('; ')
        : e.kind === 'submitted' && e.data.mandate !== undefined
          ? text(l, 'event.by-representative')
          : undefined
  return {
    at: e.at.toISOString(),
    when: when(deps, l, e.at, o.c.office),
    title: text(l, e.kind === 'submitted' && e.turn === null ? 'event.filed' : (`event.${e.kind}` as 'event.submitted')),
    detail,
  }
}

/** The steps as stations, with the case's place among them. */
function picture(l: Language, o: OpenCase, refused: boolean): Html {
  const world = { answers: o.filing.answers, today: o.c.filedOn ?? '2000-01-01' }
  const whole = straightPath(o.service.definition, world)
  // What was refused ended with the decision: nothing was issued, and the picture does not say so.
  const decides = whole.findIndex((id) => o.service.definition.steps.find((s) => s.id === id)?.kind === 'decide')
  const path = refused && decides >= 0 ? whole.slice(0, decides + 1) : whole
  const active = (o.c.steps as { active?: { step: string }[] } | null)?.active?.[0]?.step
  const steps = path.map((id) => {
    const step = o.service.definition.steps.find((s) => s.id === id)
    if (step?.kind === 'parallel')
      return step.branches.map((b) => ({ name: o.service.text(l, `steps.${id}.${b.id}`) || o.service.text(l, `steps.${id}`) }))
    return { name: o.service.text(l, `steps.${id}`) }
  })
  const over = o.c.state === 'decided' || o.c.state === 'lapsed' || o.c.state === 'withdrawn'
  const here = o.c.state === 'decided' ? steps.length : over ? null : active ? Math.max(0, path.indexOf(active)) : null
  return processPicture({ language: l, steps, here })
}

/** The wait that is likely, in words; null where too little was measured to say. */
export function standingWait(l: Language, s: Pick<Standing, 'wait' | 'desks'>): string | null {
  return waitNow(l, s.wait, s.desks)
}

/** The applicant's page of a case that was filed. */
export function caseOverview(
  request: Request,
  reply: Reply,
  deps: Deps,
  o: OpenCase,
  s: Standing,
  /** A message that was refused, as it was typed. */
  refused: string | null = null,
): Html {
  const l = request.visitor.language
  const { c, service } = o
  const seen = { request, reply }
  const title = service.text(l, 'name')
  const nameOf = (office: OfficeId) => deps.catalogue.office(office)?.name(l) ?? office
  const officeName = nameOf(s.office)
  const due = c.dueOn ? formatDate(l, c.dueOn) : ''
  const calendar = deps.catalogue.calendarOf(c.office)
  const today = dateIn(deps.clock.now(), calendar.zone)
  const total = c.filedOn && c.dueOn ? workingDaysBetween(c.filedOn, c.dueOn, calendar) : 0
  const spent = c.filedOn ? workingDaysBetween(c.filedOn, c.state === 'asked' && c.askedOn ? c.askedOn : today, calendar) : 0
  const state = heroState(s, o)
  const over = c.state === 'decided' || c.state === 'withdrawn' || c.state === 'lapsed'
  const endedOn = over && c.endedAt ? dateIn(c.endedAt, calendar.zone) : null
  const undoBy = c.state === 'withdrawn' && endedOn ? addWorkingDays(endedOn, undoDays, calendar) : null
  const canUndo = undoBy !== null && today <= undoBy
  const signing = signingStep(c, service) !== null
  const until = signing
    ? text(l, 'until.sign')
    : c.state === 'asked' && c.answerBy
      ? formatDate(l, c.answerBy)
      : canUndo
        ? text(l, 'until.undo', { date: formatDate(l, undoBy) })
        : endedOn
          ? text(l, 'until.over', { date: formatDate(l, endedOn) })
          : due
  const who = signing
    ? text(l, 'who.sign')
    : c.state === 'asked'
      ? text(l, 'who.you')
      : c.state === 'decided'
        ? text(l, 'who.you-decided')
        : over
          ? text(l, 'who.nobody')
          : s.turn?.state.desk
            ? text(l, 'who.desk', { desk: deskName(s.turn.state.desk), office: officeName })
            : officeName
  const todo = signing
    ? text(l, 'now.sign')
    : c.state === 'asked'
      ? text(l, 'now.asked')
      : c.state === 'decided'
        ? text(l, 'now.decided')
        : c.state === 'withdrawn'
          ? text(l, canUndo ? 'now.withdrawn' : 'now.lapsed')
          : c.state === 'lapsed'
            ? text(l, 'now.lapsed')
            : state === 'called'
              ? text(l, s.presence ? 'now.called' : 'now.reviewed', { desk: deskName(s.turn?.state.desk ?? '') })
              : text(l, 'now.wait')
  const swapped = s.turn !== null && s.receipt === null
  const asked =
    c.state === 'asked' && s.request && c.answerBy
      ? html`${notificationBanner({ language: l, title: text(l, 'asked.title'), text: html`<p class="govuk-notification-banner__heading">${text(l, 'asked.lead', { date: formatDate(l, c.answerBy) })}</p><ul class="govuk-list govuk-list--bullet">${s.request.papers.map((p) => html`<li>${service.text(l, `papers.${p}`)}: ${text(l, `why.${s.request!.why[p] ?? 'missing'}` as 'why.missing')}</li>`)}</ul><p class="govuk-body">${text(l, 'asked.else')}</p>` })}
        ${button({ text: text(l, 'asked.bring'), href: `/cases/${c.reference}/papers` })} ${post(seen, `/cases/${c.reference}/already-there`, html`${button({ text: text(l, 'asked.already'), kind: 'secondary' })}<p class="govuk-hint">${text(l, 'asked.already-hint')}</p>`)}`
      : ''
  const wrong =
    refused === null
      ? null
      : refused.trim() === ''
        ? text(l, 'messages.empty')
        : text(l, 'messages.long', { max: formatNumber(l, mostMessage) })
  const messages = html`<section id="messages" aria-labelledby="messages-title"><h2 class="govuk-heading-m" id="messages-title">${text(l, 'messages.title')}</h2>${
    s.messages.length > 0 &&
    html`<ol class="govuk-list v-messages">${s.messages.map((m) => html`<li class="${m.author === 'applicant' ? 'v-message v-message--own' : 'v-message'}"><p class="v-soft">${m.author === 'applicant' ? text(l, 'messages.you') : text(l, 'messages.desk', { desk: deskName(m.author) })} · ${when(deps, l, m.at, c.office)}</p><p class="v-message__text">${m.text}</p></li>`)}</ol>`
  }<div class="v-no-print">${post(seen, `/cases/${c.reference}/messages`, html`${textarea({ id: 'words', name: 'words', label: { text: text(l, 'messages.write') }, hint: text(l, 'messages.hint'), rows: 3, value: refused ?? '', error: wrong ?? undefined })}${button({ text: text(l, 'messages.send'), kind: 'secondary' })}`)}</div>${details({ summary: text(l, 'may-ask.title'), body: closedList({ language: l, papers: paperList(o, true), headingLevel: 3 }) })}</section>`
  const acts =
    (c.state === 'open' || c.state === 'asked') &&
    html`<p class="govuk-body"><a class="govuk-link" href="/cases/${c.reference}/withdraw">${text(l, 'withdraw.link')}</a></p>`
  const body = html`<span class="govuk-caption-l">${nameOf(c.office)} · ${text(l, 'folio', { reference: c.reference })}</span><h1 class="govuk-heading-l">${title}</h1>${
    swapped && warningText({ language: l, text: text(l, 'swapped') })
  }${asked}${signing && html`${notificationBanner({ language: l, title: text(l, 'sign.title'), text: html`<p class="govuk-notification-banner__heading">${text(l, 'sign.now')}</p>${button({ text: text(l, 'sign.go'), href: `/cases/${c.reference}/sign` })}` })}`}${
    !signing &&
    turnHero({
      language: l,
      number: String(s.turn?.state.place ?? '—'),
      state,
      ahead: s.ahead,
      ...(state === 'waiting' || state === 'next' ? { waitRange: standingWait(l, s) } : {}),
      where: html`${officeName}${s.also.map((t) => html`<br>${text(l, 'turn.also', { number: String(t.number), office: nameOf(t.office) })}`)}`,
      desk: s.turn?.state.desk ? deskName(s.turn.state.desk) : undefined,
      headingLevel: 2,
      note: c.state === 'decided' ? text(l, `ended.${c.state}`) : undefined,
      actions:
        c.state === 'decided'
          ? button({ text: text(l, 'decision.see'), href: `/cases/${c.reference}/decision` })
          : html`${canUndo && post(seen, `/cases/${c.reference}/undo-withdrawal`, button({ text: text(l, 'withdraw.undo') }))}${button({ text: text(l, 'receipt.see'), href: `/cases/${c.reference}/receipt`, kind: 'secondary' })}`,
    })
  }${fourLines({ language: l, number: html`${s.turn ? String(s.turn.state.place) : '—'}${s.earlier.length > 0 && html` <span class="v-soft">${text(l, 'turn.earlier', { numbers: s.earlier.join(', ') })}</span>`}`, who, until, now: todo })}${
    (c.state === 'decided' || c.state === 'lapsed') &&
    html`<p class="govuk-body v-no-print"><a class="govuk-link" href="${places.rate}/${c.reference}">${text(l, 'rate')}</a></p>`
  }
  <section aria-labelledby="next-title"><h2 class="govuk-heading-m" id="next-title">${text(l, over ? 'next.over' : 'next.title')}</h2>${picture(l, o, s.decision?.record.result === 'refused')}${
    // What is over has no term that runs, and silence means nothing in it any more.
    c.dueOn &&
    !over &&
    clockLine({
      language: l,
      state: signing || c.state === 'asked' ? 'paused' : today > c.dueOn ? 'over' : 'running',
      spent: Math.min(spent, total),
      total: Math.max(total, 1),
      due,
      silence: text(l, `silence.${service.definition.silence.means}`),
      reason: signing ? text(l, 'clock.paused-sign') : c.state === 'asked' ? text(l, 'clock.paused-papers') : undefined,
    })
  }</section>${messages}
  <section aria-labelledby="history-title"><h2 class="govuk-heading-m" id="history-title">${text(l, 'history.title')}</h2>${timeline([...s.events].reverse().map((e) => happening(deps, l, o, e)))}</section>
  <section aria-labelledby="fair-title"><h2 class="govuk-heading-m" id="fair-title">${text(l, 'fair.title')}</h2><p class="govuk-body">${s.published === null ? text(l, 'fair.soon') : text(l, s.turn ? 'fair.published' : 'fair.filed', { index: String(s.published) })} <a class="govuk-link" href="/cases/${c.reference}/proof">${text(l, 'fair.proof')}</a></p>${
    // Who signed, and the files with which anybody checks it.
    !signing &&
    service.definition.steps.some((step) => step.kind === 'sign') &&
    html`<p class="govuk-body"><a class="govuk-link" href="/cases/${c.reference}/sign">${text(l, 'sign.see')}</a></p>`
  }${o.as === 'applicant' && html`<p class="govuk-body"><a class="govuk-link" href="/me/uses">${text(l, 'fair.uses')}</a></p>`}</section>
  <div class="v-no-print">${acts}${post(seen, '/reports', html`<input type="hidden" name="office" value="${c.office}"><input type="hidden" name="reference" value="${c.reference}"><input type="hidden" name="step" value="${s.turn?.step ?? ''}">${button({ text: text(l, 'report'), kind: 'warning' })}<p class="govuk-hint">${text(l, 'report.hint')}</p>`)}</div>`
  return personPage(request, deps, {
    acting: o.actingFor,
    title,
    body,
    url: `/cases/${c.reference}`,
    backLink: '/my-line',
    error: wrong === null ? [] : [{ text: wrong, href: '#words' }],
  })
}

/** Asking once more before a case is withdrawn. */
export function withdrawPage(request: Request, reply: Reply, deps: Deps, o: OpenCase): Html {
  const l = request.visitor.language
  const title = text(l, 'withdraw.title')
  const body = html`<h1 class="govuk-heading-l">${title}</h1><p class="govuk-body-l">${text(l, 'withdraw.lead', { count: undoDays })}</p>${post({ request, reply }, `/cases/${o.c.reference}/withdraw`, button({ text: text(l, 'withdraw.confirm'), kind: 'warning' }))}<p class="govuk-body"><a class="govuk-link" href="/cases/${o.c.reference}">${text(l, 'withdraw.keep')}</a></p>`
  return personPage(request, deps, { title, body, acting: o.actingFor, backLink: `/cases/${o.c.reference}` })
}

/** The last day on which a draft can be taken up again. */
