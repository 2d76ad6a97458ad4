/** What is about a person's turn: the number, the place, who has it, until when, and how it went. */
import { attributes, type Child, type Html, html } from '#kernel/html'
import { formatNumber, type Language } from '#kernel/text'
import type { Content } from './forms.ts'
import { tag } from './parts.ts'
import { text } from './text.ts'

export type TurnState = 'waiting' | 'next' | 'called' | 'held' | 'finished' | 'left'

export interface TurnHeroOptions {
  readonly language: Language
  /** The place as the line counts it, or the short name people were given. */
  readonly number: string
  readonly state: TurnState
  /** Turns before this one; only shown while it waits. */
  readonly ahead?: number | null | undefined
  /** The likely wait in words, from measured times; `null`: not enough data. Left out: not said. */
  readonly waitRange?: string | null | undefined
  /** Where: the office and its line. */
  readonly where?: Content | undefined
  /** The desk that has called it. */
  readonly desk?: string | undefined
  /** Why it is on hold and until when; or what else there is to say under the state. */
  readonly note?: Content | undefined
  /** The heading's level; 1 where the turn is the page's subject. */
  readonly headingLevel?: 1 | 2 | 3 | undefined
  /** The acts of the page. */
  readonly actions?: Child
}

const tagOf: Record<TurnState, 'waiting' | 'here' | 'quiet' | 'done'> = {
  waiting: 'waiting',
  next: 'here',
  called: 'here',
  held: 'waiting',
  finished: 'done',
  left: 'quiet',
}

const sayAhead = (l: Language, ahead: number) => (ahead === 0 ? text(l, 'turn.ahead.zero') : text(l, 'turn.ahead', { count: ahead }))

/** What a ticket says in words, line by line, where it is not drawn: the state, the desk or how many are before, the likely wait. */
export function turnWords(o: Pick<TurnHeroOptions, 'language' | 'state' | 'ahead' | 'waitRange' | 'desk'>): string[] {
  const { language: l, state, ahead, waitRange, desk } = o
  const waits = state === 'waiting' || state === 'next'
  return [
    text(l, `turn.state.${state}`),
    ...(state === 'called' && desk ? [text(l, 'office.desk', { desk })] : []),
    ...(waits && typeof ahead === 'number' ? [sayAhead(l, ahead)] : []),
    ...(waits && waitRange !== undefined ? [`${text(l, 'turn.wait-label')}: ${waitRange ?? text(l, 'turn.wait-unknown')}`] : []),
  ]
}

/** The person's number, the largest thing on their page, on a ticket as an office would hand out. */
export function turnHero(o: TurnHeroOptions): Html {
  const l = o.language
  const level = String(o.headingLevel ?? 1)
  const waits = o.state === 'waiting' || o.state === 'next'
  const ahead = waits && typeof o.ahead === 'number' ? o.ahead : null
  return html`<section class="v-ticket v-ticket--${o.state}"><div class="v-ticket__stub"><h${level} class="v-ticket__heading"><span class="v-ticket__label">${text(l, 'turn.your-number')}</span> <span class="v-ticket__number">${o.number}</span></h${level}>${tag({ text: text(l, `turn.state.${o.state}`), kind: tagOf[o.state] })}</div><div class="v-ticket__body">${
    o.state === 'called' && o.desk && html`<p class="v-ticket__ahead">${text(l, 'office.desk', { desk: o.desk })}</p>`
  }${ahead !== null && html`<p class="v-ticket__ahead">${sayAhead(l, ahead)}</p>${placeInLine({ language: l, ahead })}`}${
    waits &&
    o.waitRange !== undefined &&
    html`<p class="v-ticket__wait"><span>${text(l, 'turn.wait-label')}</span> <strong>${o.waitRange ?? text(l, 'turn.wait-unknown')}</strong></p>`
  }${o.note && html`<div class="v-ticket__note">${o.note}</div>`}${o.where && html`<p class="v-ticket__where">${o.where}</p>`}${o.actions && html`<div class="v-ticket__actions">${o.actions}</div>`}</div></section>`
}

/** The line as a picture: the window, those before, and the person. Says the same in words to those who do not see it. */
export function placeInLine({ language: l, ahead }: { readonly language: Language; readonly ahead: number }): Html {
  // Beyond seven the dots would say less than the number does; they are gathered.
  const most = 7
  const dots = Math.min(ahead, most)
  const more = ahead - dots
  const step = 27
  const x = (i: number) => 58 + i * step
  const moreWidth = more > 0 ? 32 + 11 * String(more).length : 0
  const you = x(dots) + moreWidth
  const width = you + 24
  const words = ahead === 0 ? text(l, 'turn.picture.zero') : text(l, 'turn.picture', { count: ahead })
  return html`<svg class="v-place" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 48" width="${width}" height="48" role="img" aria-label="${words}"><path class="v-place__rail" d="M30 26H${you}"/><path class="v-place__window" fill-rule="evenodd" d="M6 36V20a14 14 0 0 1 28 0v16zM11.500 36h17V20a8.500 8.500 0 0 0-17 0z"/><path class="v-place__window" d="M3 37h34v4H3z"/>${Array.from(
    { length: dots },
    (_, i) => html`<circle class="v-place__other" cx="${x(i)}" cy="26" r="8"/>`,
  )}${more > 0 && html`<text class="v-place__more" x="${x(dots) + moreWidth / 2 - 12}" y="32" text-anchor="middle">+${formatNumber(l, more)}</text>`}<circle class="v-place__you-ring" cx="${you}" cy="26" r="16"/><circle class="v-place__you" cx="${you}" cy="26" r="11"/></svg>`
}

export interface FourLinesOptions {
  readonly language: Language
  readonly number: Content
  readonly who: Content
  readonly until: Content
  readonly now: Content
}

/** The four lines of every person's page: your number, who has it, until when, what you do now. */
export function fourLines(o: FourLinesOptions): Html {
  const l = o.language
  const line = (name: 'four.number' | 'four.who' | 'four.until' | 'four.now', value: Content, kind: string) =>
    html`<div class="v-four__line v-four__line--${kind}"><dt>${text(l, name)}</dt><dd>${value}</dd></div>`
  return html`<dl class="v-four">${line('four.number', o.number, 'number')}${line('four.who', o.who, 'who')}${line('four.until', o.until, 'until')}${line('four.now', o.now, 'now')}</dl>`
}

export interface ClockOptions {
  readonly language: Language
  readonly state: 'running' | 'paused' | 'over'
  /** Working days that have passed, and the longest term. */
  readonly spent: number
  readonly total: number
  /** The last day, in words. */
  readonly due: string
  /** What silence means, in words. */
  readonly silence?: string | undefined
  /** Why it is paused. */
  readonly reason?: Content | undefined
}

/** The legal clock: how much of the term is used, its last day, and what silence means. */
export function clockLine(o: ClockOptions): Html {
  const l = o.language
  return html`<div class="v-clock v-clock--${o.state}"><p class="v-clock__state">${tag({
    text: text(l, `clock.${o.state}`),
    kind: o.state === 'running' ? 'done' : o.state === 'paused' ? 'waiting' : 'quiet',
  })} <span>${text(l, 'clock.days', { spent: o.spent, count: o.total })}</span></p><progress class="v-clock__bar" max="${o.total}" value="${Math.min(o.spent, o.total)}" aria-label="${text(l, 'clock.title')}"></progress><p class="v-clock__due"><strong>${text(l, 'clock.due', { date: o.due })}</strong></p>${o.reason && html`<p>${o.reason}</p>`}${o.silence && html`<p class="v-soft">${text(l, 'clock.silence', { meaning: o.silence })}</p>`}</div>`
}

export interface Paper {
  readonly name: Content
  /** Where it comes from, which copy, whether it is `unverified`. */
  readonly hint?: Content | undefined
  /** Only in a case: is it there? */
  readonly state?: 'received' | 'missing' | undefined
}

export interface ClosedListOptions {
  readonly language: Language
  readonly papers: readonly Paper[]
  readonly title?: Content | undefined
  readonly headingLevel?: 2 | 3 | 4 | undefined
}

/** All that may be asked, and the promise that it is all. */
export function closedList(o: ClosedListOptions): Html {
  const l = o.language
  const level = String(o.headingLevel ?? 2)
  return html`<section class="v-papers"><h${level} class="v-papers__title">${o.title ?? text(l, 'papers.title')}</h${level}>${
    o.papers.length === 0
      ? html`<p>${text(l, 'papers.none')}</p>`
      : html`<ol class="v-papers__list">${o.papers.map(
          (p) =>
            html`<li class="${`v-papers__item${p.state ? ` v-papers__item--${p.state}` : ''}`}"><span class="v-papers__name">${p.name}</span>${
              p.state && html` ${tag({ text: text(l, `papers.${p.state}`), kind: p.state === 'received' ? 'done' : 'waiting' })}`
            }${p.hint && html`<span class="v-papers__hint">${p.hint}</span>`}</li>`,
        )}</ol>`
  }<p class="v-papers__closed">${text(l, 'papers.closed')}</p></section>`
}

/** The words of a closed list where it is not drawn: that it is closed, that it is empty, and the state of a paper. */
export const closedListWords = (l: Language) => ({
  closed: text(l, 'papers.closed'),
  none: text(l, 'papers.none'),
  received: text(l, 'papers.received'),
  missing: text(l, 'papers.missing'),
})

export interface Happening {
  /** The instant or date for machines, and the words people read. */
  readonly at: string
  readonly when: string
  readonly title: Content
  readonly detail?: Content | undefined
  /** The present one. */
  readonly now?: boolean | undefined
}

/** What happened, the newest first as given; `now` marks what is going on. */
export function timeline(history: readonly Happening[]): Html {
  return html`<ol class="v-timeline">${history.map(
    (h) =>
      html`<li class="${`v-timeline__item${h.now ? ' v-timeline__item--now' : ''}`}"${attributes({ 'aria-current': h.now ? 'step' : undefined })}><time class="v-timeline__when" datetime="${h.at}">${h.when}</time><span class="v-timeline__title">${h.title}</span>${h.detail && html`<div class="v-timeline__detail">${h.detail}</div>`}</li>`,
  )}</ol>`
}

export interface Serving {
  readonly desk: string
  /** The number now at that desk; `null`: nobody. */
  readonly number: string | null
}

export interface OfficeNowOptions {
  readonly language: Language
  readonly office: string
  readonly line?: string | undefined
  readonly serving: readonly Serving[]
  /** The numbers that come next, in order. */
  readonly next: readonly string[]
  readonly waiting: number
  /** The local time in words. */
  readonly updated: string
}

/** A wall display: numbers and desks only, large enough to read from the back. Use it in `layout({ wall: true, refreshSeconds })`. */
export function officeNow(o: OfficeNowOptions): Html {
  const l = o.language
  return html`<div class="v-now"><div class="v-now__top"><h1 class="v-now__office">${o.office}</h1>${o.line && html`<p class="v-now__line">${o.line}</p>`}</div><section class="v-now__serving"><h2 class="v-now__title">${text(l, 'office.now')}</h2>${o.serving.length === 0 && html`<p class="v-now__empty">${text(l, 'office.nobody')}</p>`}${
    o.serving.length > 0 &&
    html`<ul class="${`v-now__desks${o.serving.length > 4 ? ' v-now__desks--many' : ''}`}">${o.serving.map(
      (s) =>
        html`<li class="${`v-now__desk${s.number === null ? ' v-now__desk--free' : ''}`}"><span class="v-now__number">${s.number ?? '—'}</span><span class="v-now__at">${text(l, 'office.desk', { desk: s.desk })}${s.number === null && html`<span class="govuk-visually-hidden">: ${text(l, 'office.nobody')}</span>`}</span></li>`,
    )}</ul>`
  }</section><section class="v-now__next"><h2 class="v-now__title">${text(l, 'office.next')}</h2>${
    o.next.length > 0
      ? html`<ol class="v-now__numbers">${o.next.map((n) => html`<li>${n}</li>`)}</ol>`
      : html`<p class="v-now__empty">${text(l, 'office.nobody-waiting')}</p>`
  }<p class="v-now__waiting"><strong>${formatNumber(l, o.waiting)}</strong> ${text(l, 'office.waiting')}</p></section><p class="v-now__foot"><strong>${text(l, 'office.filed')}</strong> ${text(l, 'office.free')} <span class="v-now__updated">${text(l, 'office.updated', { time: o.updated })}</span></p></div>`
}
