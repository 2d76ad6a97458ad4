/** Papers as pages: the receipt, the decision, and how anybody checks one. What a decision says is worked out once, for its page and its PDF. */
import type { Service } from '#catalogue'
import { type Child, type Html, html } from '#kernel/html'
import type { Reference } from '#kernel/id'
import { formatDate, formatNumber, type Language, texts } from '#kernel/text'
import { dateIn } from '#kernel/time'
import {
  assets,
  button,
  closedList,
  details,
  fileUpload,
  type Happening,
  input,
  insetText,
  panel,
  qrBlock,
  type SummaryError,
  summaryList,
  tag,
  textarea,
  timeline,
  turnHero,
} from '#look'
import { csrfField, type Reply, type Request } from '#web'
import { type Openings, type Published, paperMark, unpackOpenings, type Verdict } from '../check.ts'
import type { DecisionRecord } from '../decision.ts'
import type { Deps } from '../deps.ts'
import { deskName } from '../desk.ts'
import type { OpenCase } from '../filing.ts'
import { qrSvg } from '../qr.ts'
import type { ReceiptStanding, Standing } from '../receipt.ts'
import { noVerdict, validities, whys } from '../verdict.ts'
import { costWords, standingWait } from './citizen-views.ts'
import { personPage, when } from './page.ts'
import { confirmLink } from './staff-views.ts'
import en from './text.papers.en.json' with { type: 'json' }
import es from './text.papers.es.json' with { type: 'json' }

export const paperText = texts({ es, en })
const text = paperText

/** A decision of this case, opened. */
export type Decided = NonNullable<Standing['decision']>

const tagged = (deps: Pick<Deps, 'publicUrl'>, fragment: string) => `${deps.publicUrl}/check#${fragment}`
const shortUrl = (deps: Pick<Deps, 'publicUrl'>, path: string) => `${deps.publicUrl.replace(/^https?:\/\//, '')}${path}`

/** An entry's time in words: a minute, or in a quiet line the day alone. */
function actTime(l: Language, at: string, zone: string | undefined): string {
  return at.length === 10
    ? formatDate(l, at, { short: true })
    : formatDate(l, new Date(at), { time: true, short: true, ...(zone ? { zone } : {}) })
}

const shownActs = [
  'turn.taken',
  'turn.called',
  'turn.passed',
  'turn.held',
  'turn.resumed',
  'turn.returned',
  'turn.left',
  'turn.finished',
] as const

/** What the log says of a turn, oldest first. */
function actsOf(l: Language, acts: readonly Published[], zone: string | undefined): Happening[] {
  return acts.flatMap(({ index, entry }) => {
    const type = shownActs.find((t) => t === entry.type)
    if (!type) return []
    const silent = entry.type === 'turn.finished' && entry.outcome === 'silence'
    return [
      {
        at: entry.at,
        when: actTime(l, entry.at, zone),
        title: text(l, silent ? 'act.silence' : `act.${type}`),
        detail: html`<span class="v-soft">${text(l, 'decision.entry', { index })}</span>`,
      },
    ]
  })
}

const report = (request: Request, reply: Reply, o: Pick<OpenCase, 'c'>, step: string, label: string) =>
  html`<form method="post" action="/reports" novalidate>${csrfField(request, reply)}<input type="hidden" name="reference" value="${o.c.reference}"><input type="hidden" name="step" value="${step}"><input type="hidden" name="office" value="${o.c.office}">${button({ text: label, kind: 'secondary' })}</form>`

/** A receipt in words: what its page and its PDF both say. */
export type ReceiptWords = {
  readonly language: Language
  readonly title: string
  readonly number: string
  readonly state: 'next' | ReceiptStanding['turn']['state']['state']
  readonly ahead: number | null
  /** Only while it waits; null where too little was measured. */
  readonly waitRange: { readonly waitRange: string | null } | undefined
  readonly desk: string | undefined
  readonly where: string
  readonly cost: string
  readonly reference: Reference
  readonly name: string
  readonly filed: string
  readonly due: { readonly key: string; readonly value: string; readonly silence: string }
  readonly papers: readonly {
    readonly name: string
    readonly hint: string | undefined
    readonly state: 'received' | 'missing' | undefined
    /** SHA-256 of each file that was handed in for it, hexadecimal. */
    readonly digests: readonly string[]
  }[]
  readonly qr: string
  readonly mark: string
  readonly proof: string
  readonly head: string
}

/** Puts a receipt into words. */
export function receiptWords(l: Language, deps: Deps, o: OpenCase, s: ReceiptStanding): ReceiptWords {
  const { c, service } = o
  const { state } = s.turn.state
  const hero = state === 'waiting' && s.ahead === 0 ? 'next' : state
  const cost = costWords(l, service, o.filing.answers as never, dateIn(deps.clock.now(), deps.catalogue.calendarOf(c.office).zone))
  const awaited = c.state === 'asked' ? c.answerBy : null
  return {
    language: l,
    title: text(l, 'receipt.caption', { service: service.text(l, 'name') }),
    number: formatNumber(l, s.turn.state.place),
    state: hero,
    ahead: s.ahead,
    waitRange: hero === 'waiting' || hero === 'next' ? { waitRange: standingWait(l, s) } : undefined,
    desk: s.turn.state.desk ? deskName(s.turn.state.desk) : undefined,
    where: deps.catalogue.office(s.office)?.name(l) ?? s.office,
    cost: service.definition.fee.kind === 'free' ? text(l, 'receipt.free') : text(l, 'receipt.cost', { cost }),
    reference: c.reference,
    name: s.name,
    filed: c.submittedAt ? when(deps, l, c.submittedAt, c.office) : '',
    due: awaited
      ? { key: text(l, 'receipt.answer-by'), value: formatDate(l, awaited), silence: text(l, 'receipt.silence.papers') }
      : {
          key: text(l, 'receipt.due'),
          value: formatDate(l, c.dueOn!),
          silence: text(l, `receipt.silence.${service.definition.silence.means}`),
        },
    papers: o.journey.papers.map((p) => {
      const digests = o.files.filter((f) => f.paper === p.id).map((f) => f.sha256)
      return {
        name: p.label,
        hint: p.how === 'shown' ? text(l, 'receipt.papers-shown') : undefined,
        state: p.how !== 'file' ? undefined : digests.length > 0 ? 'received' : p.optional ? undefined : 'missing',
        digests,
      }
    }),
    qr: tagged(deps, s.receipt.openings),
    mark: `ventanilla-paper:${s.receipt.openings};`,
    proof:
      s.published === null ? text(l, 'receipt.promise') : text(l, 'receipt.published', { index: formatNumber(l, Number(s.published)) }),
    head: text(l, 'receipt.head', { size: formatNumber(l, Number(s.head.size)), short: s.head.short }),
  }
}

/** The receipt: on a screen and on one sheet of paper. */
export function receiptPage(request: Request, reply: Reply, deps: Deps, o: OpenCase, s: ReceiptStanding): Html {
  const l = request.visitor.language
  const { c } = o
  const w = receiptWords(l, deps, o, s)
  const { title } = w
  const body = html`<div class="v-receipt"><p class="govuk-caption-l">${title}</p>${turnHero({
    language: l,
    number: w.number,
    state: w.state,
    ahead: w.ahead,
    ...w.waitRange,
    desk: w.desk,
    where: w.where,
    note: html`<p><strong>${text(l, 'receipt.no-number')}</strong></p>`,
    actions: c.state === 'decided' ? button({ text: text(l, 'receipt.decision-link'), href: `/cases/${c.reference}/decision` }) : undefined,
  })}<p class="v-receipt__free">${w.cost}</p><div class="v-receipt__pair">${summaryList({
    classes: 'v-receipt__facts',
    rows: [
      { key: text(l, 'receipt.reference'), value: html`<strong class="v-code">${c.reference}</strong>` },
      { key: text(l, 'receipt.name'), value: w.name },
      { key: text(l, 'receipt.filed'), value: w.filed },
      { key: w.due.key, value: html`<strong>${w.due.value}</strong> <span class="v-receipt__silence">${w.due.silence}</span>` },
    ],
  })}${closedList({ language: l, papers: w.papers, title: text(l, 'receipt.papers') })}</div><div class="v-receipt__pair"><section aria-labelledby="check"><h2 class="govuk-heading-m" id="check">${text(l, 'receipt.check-title')}</h2>${qrBlock(
    {
      language: l,
      svg: qrSvg(w.qr),
      code: c.reference,
      url: shortUrl(deps, '/check'),
      href: `/check#${s.receipt.openings}`,
    },
  )}</section><section class="v-receipt__secret" aria-labelledby="secret"><h2 class="govuk-heading-m" id="secret">${text(l, 'receipt.secret-title')}</h2>${
    s.receipt.secret === null
      ? html`<p class="govuk-body">${text(l, s.receipt.secretWithheld ? 'receipt.secret-own' : 'receipt.secret-soon')}</p>`
      : html`<p class="govuk-body">${text(l, 'receipt.secret', { url: shortUrl(deps, '/sign-in/receipt') })}</p><p class="govuk-body"><span class="v-soft">${text(l, 'receipt.secret-label')}</span> <strong class="v-code">${s.receipt.secret}</strong></p><p class="govuk-body v-soft">${text(l, 'receipt.secret-keep')}</p>`
  }</section></div><div class="v-receipt__pair"><section aria-labelledby="proof"><h2 class="govuk-heading-m" id="proof">${text(l, 'receipt.proof-title')}</h2><p class="govuk-body">${w.proof}</p><p class="govuk-body v-no-print"><a class="govuk-link" href="/cases/${c.reference}/proof">${text(l, s.published === null ? 'receipt.promise-link' : 'receipt.proof-link')}</a></p><p class="govuk-body v-soft v-fingerprint">${w.head}</p></section><section aria-labelledby="report"><h2 class="govuk-heading-m" id="report">${text(l, 'receipt.report-title')}</h2><p class="govuk-body v-print-only">${text(l, 'receipt.report-print')}</p><div class="v-no-print"><p class="govuk-body">${text(l, 'receipt.report-hint')}</p>${report(request, reply, o, s.turn.step, text(l, 'receipt.report'))}</div></section></div>${
    c.takenBy !== null && html`<p class="v-sign v-print-only">${text(l, 'receipt.sign')}</p>`
  }${confirmLink(request, c)}<p class="govuk-body v-no-print"><a class="govuk-link" href="/cases/${c.reference}/receipt.pdf">${text(l, 'receipt.pdf')}</a></p><p class="govuk-body v-no-print"><a class="govuk-link" href="/cases/${c.reference}">${text(l, 'receipt.back')}</a></p></div>`
  return personPage(request, deps, {
    title,
    body,
    backLink: `/cases/${c.reference}`,
    // The secret and the proof come by jobs: the page completes itself.
    ...((s.receipt.secret === null && !s.receipt.secretWithheld) || s.published === null ? { refreshSeconds: 5 } : {}),
  })
}

/** What the person sees when what is stored of their case is not what the log says. Nothing of it is shown: it may be another person's. */
export function swappedPage(request: Request, reply: Reply, deps: Deps, about: OpenCase['c'], what: 'turn' | 'decision'): Html {
  const l = request.visitor.language
  const title = text(l, what === 'turn' ? 'swapped.title' : 'swapped.decision')
  const body = html`${panel({ title, body: text(l, 'swapped.lead', { reference: about.reference }), classes: 'v-verdict--bad' })}<h2 class="govuk-heading-m">${text(l, 'swapped.do-title')}</h2><ol class="govuk-list govuk-list--number"><li>${text(l, 'swapped.do-1')} <a class="govuk-link" href="/cases/${about.reference}/proof">${text(l, 'receipt.proof-link')}</a></li><li>${text(l, 'swapped.do-2')}</li><li>${text(l, 'swapped.do-3')}</li></ol>${report(request, reply, { c: about }, '', text(l, 'swapped.report'))}`
  return personPage(request, deps, { title, body })
}

/** A decision in words: what its page and its PDF both say. */
export type DecisionWords = {
  readonly language: Language
  readonly title: string
  readonly result: string
  readonly granted: boolean
  /** The document's own sentence, or why silence decided. */
  readonly lead: string
  readonly warnings: readonly string[]
  readonly facts: readonly { readonly key: string; readonly value: string; readonly unverified?: boolean }[]
  readonly reasons: readonly { readonly words: string; readonly rule: string; readonly unverified: boolean }[]
  readonly note: string
  readonly basis: readonly { readonly words: string; readonly unverified: boolean }[]
  readonly turn: string
  readonly acts: readonly { readonly when: string; readonly title: string; readonly index: string; readonly at: string }[]
  readonly appeal: readonly string[]
  /** Who signed it, with what certificate and when; null where no official did. */
  readonly signed: string | null
  readonly seal: string
  readonly sealWords: string
  readonly code: string
  readonly qr: string
  readonly mark: string
  readonly head: string
}

type Rule = DecisionRecord['basis'][number]
const ruleWords = (l: Language, rule: Rule) =>
  rule === 'unverified'
    ? { words: text(l, 'decision.unverified'), unverified: true }
    : { words: rule.article ? `${rule.law}, ${rule.article}` : rule.law, unverified: false }

/** Puts a decision into words. */
export function decisionWords(
  l: Language,
  deps: Deps,
  service: Service,
  d: Decided,
  acts: readonly Published[],
  head: Standing['head'],
): DecisionWords {
  const { record: r } = d
  const granted = r.result === 'granted'
  const silence = r.how === 'silence'
  const zone = deps.catalogue.office(r.office)?.zone
  const { unit } = service.definition.validity
  const validity = (granted ? service.definition.validity.source : null) === 'unverified'
  const openings = unpackOpenings(d.openings) as Openings
  return {
    language: l,
    title: service.text(l, granted ? 'document' : 'name') || service.text(l, 'name'),
    granted,
    result: text(l, silence ? `decision.${r.result}-silence` : `decision.${r.result}`),
    lead: silence ? text(l, 'decision.silence', { due: formatDate(l, r.due) }) : granted ? service.text(l, 'document.body') : '',
    warnings: [
      ...(r.demo ? [text(l, 'decision.demo')] : []),
      ...(d.withdrawnOn ? [text(l, 'decision.withdrawn', { date: formatDate(l, d.withdrawnOn) })] : []),
    ],
    facts: [
      { key: text(l, 'decision.person'), value: r.person.name },
      { key: text(l, 'decision.identity'), value: r.person.identity },
      { key: text(l, 'decision.service'), value: service.text(l, 'name') },
      { key: text(l, 'decision.office'), value: deps.catalogue.office(r.office)?.name(l) ?? r.office },
      { key: text(l, 'decision.decided'), value: formatDate(l, r.decided) },
      { key: text(l, 'decision.due'), value: formatDate(l, r.due) },
      ...(granted
        ? [
            {
              key: text(l, 'decision.until'),
              value: r.until ? formatDate(l, r.until) : text(l, unit === 'once' ? 'decision.once' : 'decision.until-none'),
              unverified: validity,
            },
          ]
        : []),
      { key: text(l, 'decision.reference'), value: r.reference },
      { key: text(l, 'decision.code'), value: r.code },
    ],
    signed: d.signature
      ? text(l, 'decision.signed-by', {
          name: d.signature.by.name,
          serial: d.signature.by.serial,
          issuer: d.signature.by.issuer,
          when: formatDate(l, new Date(d.signature.at), { time: true, ...(zone ? { zone } : {}) }),
        })
      : null,
    reasons: r.reasons.map(({ id, rule }) => {
      const { words, unverified } = ruleWords(l, rule)
      return { words: service.text(l, `reasons.${id}`) || id, rule: words, unverified }
    }),
    note: r.note,
    basis: r.basis.map((rule) => ruleWords(l, rule)),
    turn: text(l, acts.length > 0 ? 'decision.turn-text' : 'decision.turn-soon', { place: r.place, line: r.line }),
    acts: actsOf(l, acts, zone).map((a, i) => ({
      when: a.when,
      at: a.at,
      title: String(a.title),
      index: text(l, 'decision.entry', { index: acts[i]!.index }),
    })),
    appeal: [
      text(l, 'decision.appeal-text'),
      text(l, 'decision.appeal-where'),
      ...(service.definition.level === 'federal' ? [] : [text(l, 'decision.appeal-local')]),
    ],
    seal: d.seal,
    sealWords: text(l, 'decision.seal-text', { digest: (openings.paper?.content as { sha256?: string })?.sha256 ?? '' }),
    code: r.code,
    qr: tagged(deps, d.openings),
    mark: paperMark(openings),
    head: text(l, 'receipt.head', { size: formatNumber(l, Number(head.size)), short: head.short }),
  }
}

const doubt = (l: Language, unverified: boolean | undefined) =>
  unverified && html` ${tag({ text: text(l, 'unverified'), kind: 'waiting' })}`

/** The decision as a page. */
export function decisionPage(request: Request, deps: Deps, o: OpenCase, d: Decided, w: DecisionWords): Html {
  const l = w.language
  const at = `/cases/${o.c.reference}/decision`
  const section = (id: string, title: string, inside: Child) =>
    html`<section aria-labelledby="${id}"><h2 class="govuk-heading-m" id="${id}">${title}</h2>${inside}</section>`
  const body = html`<article class="v-decision" data-paper="${w.mark}"><p class="govuk-caption-l">${text(l, 'decision.title')} ${d.code}</p><h1 class="govuk-heading-xl">${w.title}</h1>${w.warnings.map((words) => insetText({ text: html`<strong>${words}</strong>` }))}${panel({ title: w.result, body: w.lead || undefined, headingLevel: 2, classes: w.granted ? undefined : 'v-verdict--no' })}${
    w.reasons.length > 0 &&
    section(
      'reasons',
      text(l, 'decision.reasons'),
      html`<ol class="govuk-list govuk-list--number v-reasons">${w.reasons.map((r) => html`<li><strong>${r.words}</strong><br><span class="v-soft">${text(l, 'decision.rule')}: ${r.rule}</span></li>`)}</ol>`,
    )
  }${w.note && section('note', text(l, 'decision.note'), insetText({ text: w.note }))}${summaryList({
    rows: w.facts.map((f) => ({ key: f.key, value: html`${f.value}${doubt(l, f.unverified)}` })),
  })}${section('basis', text(l, 'decision.basis'), html`<ul class="govuk-list govuk-list--bullet">${w.basis.map((b) => html`<li>${b.words}</li>`)}</ul>`)}${section(
    'turn',
    text(l, 'decision.turn'),
    html`<p class="govuk-body">${w.turn}</p>${timeline(w.acts.map((a) => ({ at: a.at, when: a.when, title: a.title, detail: html`<span class="v-soft">${a.index}</span>` })))}`,
  )}${section('check', text(l, 'decision.check-title'), qrBlock({ language: l, svg: qrSvg(w.qr), code: w.code, url: shortUrl(deps, '/check'), href: `/check#${d.openings}` }))}${section(
    'appeal',
    text(l, 'decision.appeal'),
    html`${w.appeal.map((words) => html`<p class="govuk-body">${words}</p>`)}<p class="govuk-body v-soft">${text(l, 'decision.appeal-source')} ${tag({ text: text(l, 'unverified'), kind: 'waiting' })}</p>`,
  )}${
    w.signed !== null &&
    section(
      'signed',
      text(l, 'decision.signed'),
      html`<p class="govuk-body">${w.signed}</p><p class="govuk-body v-no-print"><a class="govuk-link" href="${at}.p7s">${text(l, 'decision.signature-file')}</a> · <a class="govuk-link" href="${at}.txt">${text(l, 'decision.statement-file')}</a></p>`,
    )
  }${section(
    'seal',
    text(l, 'decision.seal'),
    html`<p class="govuk-body v-fingerprint">${w.sealWords}</p><p class="govuk-body v-soft v-fingerprint">${w.seal}</p><p class="govuk-body v-soft v-fingerprint">${w.head}</p>`,
  )}</article><div class="v-no-print">${section(
    'take',
    text(l, 'decision.downloads'),
    html`<div class="govuk-button-group">${button({ text: text(l, 'decision.pdf'), href: `${at}.pdf` })}<a class="govuk-link" href="${at}.json">${text(l, 'decision.json')}</a><a class="govuk-link" href="/check#${d.openings}">${text(l, 'decision.check-now')}</a></div>`,
  )}</div>`
  return personPage(request, deps, { title: `${text(l, 'decision.title')} ${d.code}`, body, backLink: `/cases/${o.c.reference}` })
}

/** How a verdict reads: its heading, its sentence, what to do, and how good it is. */
function verdictWords(l: Language, v: Verdict): { heading: string; sentence: string; todo: string; mood: 'good' | 'aside' | 'bad' } {
  if (v.why === 'ok') {
    const key = v.kind === 'receipt' ? 'receipt' : v.valid === 'not-applicable' ? 'valid' : v.valid
    return {
      heading: text(l, `verdict.${key}`),
      sentence: '',
      todo: text(l, `verdict.${key}.do`),
      mood: key === 'valid' || key === 'receipt' ? 'good' : 'aside',
    }
  }
  const heading =
    v.why === 'not-readable' || v.why === 'no-such-code'
      ? 'verdict.unknown'
      : v.why === 'not-published'
        ? 'verdict.wait'
        : v.kind === 'receipt' && v.why !== 'no-such-turn'
          ? 'verdict.not-this-case'
          : 'verdict.not-in-turn'
  return {
    heading: text(l, heading),
    sentence: text(l, `why.${v.why}`),
    todo: text(l, `why.${v.why}.do`),
    mood: v.why === 'not-published' || v.why === 'not-readable' ? 'aside' : 'bad',
  }
}

/** What the paper says, for the eye to compare; null values leave the line out. `service` and `office` in words. */
export type Says = {
  readonly code: string
  readonly result: string
  readonly person: string
  readonly identity: string
  readonly service: string
  readonly office: string
  readonly decided: string
  readonly until: string
  readonly reference: string
}
const saysFields = ['result', 'person', 'identity', 'service', 'office', 'decided', 'until', 'reference', 'code'] as const
const saysLabel = {
  result: 'check.result-label',
  person: 'decision.person',
  identity: 'decision.identity',
  service: 'decision.service',
  office: 'decision.office',
  decided: 'decision.decided',
  until: 'decision.until',
  reference: 'decision.reference',
  code: 'decision.code',
} as const

function saysList(l: Language, says: Says | null): Html {
  return html`<section><h3 class="govuk-heading-m">${text(l, 'check.says')}</h3><p class="govuk-body">${text(l, 'check.compare')}</p>${summaryList(
    {
      rows: saysFields.map((f) => ({ key: text(l, saysLabel[f]), value: html`<span data-says="${f}">${says?.[f] ?? ''}</span>` })),
    },
  )}</section>`
}

const answer = (
  l: Language,
  key: 'check.genuine' | 'check.in-turn' | 'check.taken' | 'check.still',
  mood: 'yes' | 'no' | 'aside',
  words: string,
) => html`<div class="v-answer v-answer--${mood}"><dt>${text(l, key)}</dt><dd>${words}</dd></div>`

/** The head of an answer: what it is, the three questions, what to do. */
function verdictHead(l: Language, v: Verdict): Html {
  const w = verdictWords(l, v)
  const yes = (b: boolean) => text(l, b ? 'check.yes' : 'check.no')
  const known = v.why !== 'not-readable' && v.why !== 'no-such-code' && v.why !== 'not-published'
  return html`${panel({ title: w.heading, body: html`${w.sentence && html`<p>${w.sentence}</p>`}<p>${w.todo}</p>`, headingLevel: 2, classes: w.mood === 'good' ? undefined : `v-verdict--${w.mood}` })}${
    known &&
    html`<dl class="v-answers">${answer(l, 'check.genuine', v.genuine ? 'yes' : 'no', yes(v.genuine))}${answer(l, v.kind === 'receipt' ? 'check.taken' : 'check.in-turn', v.inTurn ? 'yes' : 'no', yes(v.inTurn))}${
      v.kind === 'decision' &&
      v.why === 'ok' &&
      answer(l, 'check.still', v.valid === 'valid' ? 'yes' : 'aside', text(l, `valid.${v.valid}`))
    }</dl>`
  }`
}

/** An answer whole, as the server gives it. */
function verdictBody(l: Language, v: Verdict, zone: string | undefined, says: Says | null, byCode: boolean): Html {
  const acts = actsOf(l, v.acts, zone)
  return html`${verdictHead(l, v)}${says && saysList(l, says)}${byCode && v.kind === 'decision' && v.why === 'ok' && html`<p class="govuk-body">${text(l, 'check.says-code')}</p>`}${
    acts.length > 0 && html`<section><h3 class="govuk-heading-m">${text(l, 'check.turn')}</h3>${timeline(acts)}</section>`
  }`
}

/** The verdicts that a scanned code can have, each ready for the script to show: no words stand in the script. */
function verdictTemplates(l: Language): Html {
  const ok = { ...noVerdict('ok'), genuine: true, inTurn: true }
  const all: { key: string; v: Verdict }[] = [
    { key: 'receipt/ok', v: { ...ok, kind: 'receipt' } },
    ...validities
      .filter((valid) => valid !== 'not-applicable')
      .map((valid) => ({ key: `decision/${valid}`, v: { ...ok, kind: 'decision' as const, valid } })),
    ...(['receipt', 'decision'] as const).flatMap((kind) =>
      whys
        .filter(
          (why) =>
            ['no-such-turn', 'holder-differs', 'paper-differs', 'persons-differ', 'not-finished'].includes(why) &&
            (kind === 'decision' || why === 'no-such-turn' || why === 'holder-differs'),
        )
        .map((why) => ({ key: `${kind}/${why}`, v: { ...noVerdict(why, kind), genuine: why === 'persons-differ' } })),
    ),
    { key: 'unknown/not-readable', v: noVerdict('not-readable') },
  ]
  return html`<template id="verdicts">${all.map(({ key, v }) => html`<div data-verdict="${key}">${verdictHead(l, v)}</div>`)}<div data-part="says" data-granted="${text(l, 'check.granted')}" data-refused="${text(l, 'check.refused')}" data-never="${text(l, 'decision.until-none')}">${saysList(l, null)}</div><div data-part="acts"><section><h3 class="govuk-heading-m">${text(l, 'check.turn')}</h3>${timeline(
    [...shownActs.map((type) => ({ type, words: text(l, `act.${type}`) })), { type: 'silence', words: text(l, 'act.silence') }].map(
      ({ type, words }) => ({
        at: '',
        when: '',
        title: html`<span data-act="${type}">${words}</span>`,
        detail: html`<span class="v-soft">${text(l, 'decision.entry', { index: '{index}' })}</span>`,
      }),
    ),
  )}</section></div><div data-part="local"><p class="govuk-body v-soft">${text(l, 'check.local')}</p></div><div data-part="offline">${insetText({ text: text(l, 'check.offline') })}</div><div data-part="no-crypto">${insetText({ text: text(l, 'check.no-crypto') })}</div></template>`
}

/** The page on which anybody checks a paper, with an answer or without. */
export function checkPage(
  request: Request,
  reply: Reply,
  deps: Pick<Deps, 'demo' | 'catalogue'>,
  given: { verdict?: Verdict; says?: Says | null; zone?: string | undefined; code?: string; wrong?: 'code' | 'file' } = {},
): Html {
  const l = request.visitor.language
  const { verdict } = given
  const title = text(l, 'check.title')
  const errors: SummaryError[] = given.wrong
    ? [{ text: text(l, given.wrong === 'code' ? 'check.code-wrong' : 'check.file-none'), href: `#${given.wrong}` }]
    : []
  const answered =
    verdict && html`<div class="v-check__result">${verdictBody(l, verdict, given.zone, given.says ?? null, given.code !== undefined)}</div>`
  const body = html`<h1 class="govuk-heading-xl">${title}</h1>${answered}<div id="check-result" class="v-check__result" role="status"></div>${
    !verdict && html`<div data-check-intro><p class="govuk-body-l">${text(l, 'check.lead')}</p></div>`
  }<div class="v-check"><section class="v-check__way"><h2 class="govuk-heading-m">${text(l, 'check.code-title')}</h2><form method="get" action="/check" novalidate>${input(
    {
      id: 'code',
      name: 'code',
      label: { text: text(l, 'check.code') },
      hint: text(l, 'check.code-hint'),
      value: given.code ?? '',
      classes: 'govuk-input--width-10 v-code',
      autocomplete: 'off',
      spellcheck: false,
      ...(given.wrong === 'code' ? { error: text(l, 'check.code-wrong') } : {}),
    },
  )}${button({ text: text(l, 'check.submit') })}</form></section><section class="v-check__way v-scripts-only"><h2 class="govuk-heading-m">${text(l, 'check.qr-title')}</h2><p class="govuk-body">${text(l, 'check.qr')}</p></section><section class="v-check__way"><h2 class="govuk-heading-m">${text(l, 'check.file-title')}</h2><form method="post" action="/check" enctype="multipart/form-data" novalidate>${csrfField(request, reply)}${fileUpload(
    {
      id: 'file',
      name: 'file',
      label: { text: text(l, 'check.file') },
      hint: text(l, 'check.file-hint'),
      accept: 'application/pdf,text/html,application/json,text/plain',
      ...(given.wrong === 'file' ? { error: text(l, 'check.file-none') } : {}),
    },
  )}${details({ summary: text(l, 'check.paste-summary'), body: textarea({ id: 'text', name: 'text', label: { text: text(l, 'check.paste') }, rows: 4 }) })}${button({ text: text(l, 'check.file-submit'), kind: 'secondary' })}</form></section></div><p class="govuk-body"><a class="govuk-link" href="/how-to-check">${text(l, 'check.fair')}</a></p>${verdictTemplates(l)}<script type="module" src="${assets().scripts.check}"></script>`
  return personPage(request, deps, { title, body, error: errors })
}
