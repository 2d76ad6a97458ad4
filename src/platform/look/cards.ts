/** What one finds and chooses: the search box, services, ways in, figures, and the code on a paper. */
import { attributes, type Html, html } from '#kernel/html'
import type { Language } from '#kernel/text'
import { type Content, joined } from './forms.ts'
import { tag } from './parts.ts'
import { text } from './text.ts'

export interface SearchBoxOptions {
  readonly language: Language
  /** Where the words go, by GET as `q`. */
  readonly action: string
  readonly value?: string | undefined
  readonly label?: string | undefined
  readonly hint?: Content | null | undefined
  /** The label is the page's `h1`, large: the home page. */
  readonly pageHeading?: boolean | undefined
  /** Further fields of the same form (the place). */
  readonly more?: Html | undefined
  /** Fields sent along unseen. */
  readonly hidden?: Readonly<Record<string, string>> | undefined
}

/** *What do you need to do?* */
export function searchBox(o: SearchBoxOptions): Html {
  const l = o.language
  const help = o.hint === null ? null : (o.hint ?? text(l, 'search.hint'))
  const label = html`<label class="v-search__label" for="q">${o.label ?? text(l, 'search.label')}</label>`
  const press = html`<button class="govuk-button v-search__button" type="submit">${text(l, 'search')}</button>`
  return html`<form class="${joined('v-search', o.pageHeading && 'v-search--hero')}" action="${o.action}" method="get" role="search">${
    o.pageHeading ? html`<h1 class="v-search__heading">${label}</h1>` : label
  }${help && html`<p class="v-search__hint" id="q-hint">${help}</p>`}<div class="v-search__row"><input class="govuk-input v-search__input" id="q" name="q" type="search" value="${o.value}" autocomplete="off" enterkeyhint="search"${attributes({ 'aria-describedby': help ? 'q-hint' : undefined })}>${!o.more && press}</div>${
    o.hidden && Object.entries(o.hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)
  }${
    // What else is asked stands before the button that sends it.
    o.more && html`${o.more}${press}`
  }</form>`
}

export interface ServiceCardOptions {
  readonly href: string
  readonly name: Content
  /** Who answers for it. */
  readonly agency: Content
  /** Where it holds. */
  readonly place?: Content | undefined
  /** Cost, term and wait, each in two or three words. */
  readonly facts?: readonly Content[] | undefined
  readonly summary?: Content | undefined
  readonly headingLevel?: 2 | 3 | 4 | undefined
}

/** One service in a list of results. The whole card is pressed; its name is the link. Put several into `cardList`. */
export function serviceCard(o: ServiceCardOptions): Html {
  const level = String(o.headingLevel ?? 2)
  return html`<li class="v-card"><h${level} class="v-card__title"><a class="v-card__link" href="${o.href}">${o.name}</a></h${level}><p class="v-card__who">${o.agency}${o.place && html` · ${o.place}`}</p>${o.summary && html`<p class="v-card__text">${o.summary}</p>`}${
    o.facts && o.facts.length > 0 && html`<ul class="v-card__facts">${o.facts.map((f) => html`<li>${f}</li>`)}</ul>`
  }</li>`
}

/** Cards under one another. */
export function cardList(cards: readonly Html[]): Html {
  return html`<ul class="v-cards">${cards}</ul>`
}

export interface Tile {
  readonly href: string
  readonly title: Content
  readonly text?: Content | undefined
}

/** Ways in, side by side: life events, sections. */
export function tiles(all: readonly Tile[], headingLevel: 2 | 3 | 4 = 3): Html {
  const level = String(headingLevel)
  return html`<ul class="v-tiles">${all.map(
    (t) =>
      html`<li class="v-tile"><h${level} class="v-tile__title"><a class="v-card__link" href="${t.href}">${t.title}</a></h${level}>${t.text && html`<p class="v-tile__text">${t.text}</p>`}</li>`,
  )}</ul>`
}

export interface Figure {
  readonly value: Content
  readonly label: Content
  /** Its source or date; `unverified` says so beside the value. */
  readonly note?: Content | undefined
  readonly unverified?: boolean | undefined
}

/** A few figures side by side, their numbers first to the eye and their names first to the ear. */
export function figures(language: Language, all: readonly Figure[]): Html {
  return html`<dl class="v-figures">${all.map(
    (f) =>
      html`<div class="v-figure"><dt class="v-figure__label">${f.label}</dt><dd class="v-figure__value">${f.value}</dd>${
        (f.unverified || f.note) &&
        html`<dd class="v-figure__note">${f.unverified && html`${tag({ text: text(language, 'unverified'), kind: 'waiting' })} `}${f.note}</dd>`
      }</div>`,
  )}</dl>`
}

export interface QrBlockOptions {
  readonly language: Language
  /** The drawn code, an SVG without `style` (the `qrcode` package's is). */
  readonly svg: Html
  /** The short code that says the same to a keyboard, in groups. */
  readonly code: string
  /** The address people type, as they should read it. */
  readonly url: string
  /** The address itself. */
  readonly href: string
}

/** How anyone checks this paper: a code for the telephone's camera, a short one for the keyboard. */
export function qrBlock(o: QrBlockOptions): Html {
  const l = o.language
  return html`<div class="v-qr"><div class="v-qr__picture" role="img" aria-label="${text(l, 'qr.alt')}">${o.svg}</div><div class="v-qr__words"><p>${text(l, 'qr.check')} <a class="v-qr__link" href="${o.href}">${o.url}</a></p><p class="v-qr__code"><span>${text(l, 'qr.code')}</span> <strong>${o.code}</strong></p></div></div>`
}
