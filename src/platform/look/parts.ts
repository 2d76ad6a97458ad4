/** Components that are not fields, in govuk-frontend's markup; compared with its fixtures as the form components are. */
import { attributes, type Child, Html, html } from '#kernel/html'
import type { Language } from '#kernel/text'
import { type Attributes, attrs, type Content, type Extra, joined } from './forms.ts'
import { text } from './text.ts'

export interface TagOptions extends Extra {
  readonly text: Content
  /** What the colour says again, never alone: `waiting` amber, `done` agave, `here` bougainvillea, `wrong` red, `quiet` grey. */
  readonly kind?: 'waiting' | 'done' | 'here' | 'wrong' | 'quiet' | undefined
}

/** The state of a thing in one or two words. */
export function tag(options: TagOptions): Html {
  return html`<strong class="${joined('govuk-tag', options.kind && `v-tag--${options.kind}`, options.classes)}"${attrs(options.attributes)}>${options.text}</strong>`
}

export interface InsetTextOptions extends Extra {
  readonly text: Content
  readonly id?: string | undefined
}

/** Words set apart from the rest of the page. */
export function insetText(options: InsetTextOptions): Html {
  return html`<div${attributes({ id: options.id })} class="${joined('govuk-inset-text', options.classes)}"${attrs(options.attributes)}>${options.text}</div>`
}

export interface WarningTextOptions extends Extra {
  readonly language: Language
  readonly text: Content
}

/** What happens if one does not act. */
export function warningText(options: WarningTextOptions): Html {
  return html`<div class="${joined('govuk-warning-text', options.classes)}"${attrs(options.attributes)}><span class="govuk-warning-text__icon" aria-hidden="true">!</span><strong class="govuk-warning-text__text"><span class="govuk-visually-hidden">${text(options.language, 'warning')}</span> ${options.text}</strong></div>`
}

export interface DetailsOptions extends Extra {
  readonly summary: Content
  readonly body: Content
  readonly id?: string | undefined
  readonly open?: boolean | undefined
}

/** Help that only some need, closed until asked for. */
export function details(options: DetailsOptions): Html {
  return html`<details${attributes({ id: options.id })} class="${joined('govuk-details', options.classes)}"${attrs(options.attributes)}${attributes({ open: options.open })}><summary class="govuk-details__summary"><span class="govuk-details__summary-text">${options.summary}</span></summary><div class="govuk-details__text">${options.body}</div></details>`
}

export interface PanelOptions extends Extra {
  readonly title: Content
  readonly body?: Content | undefined
  readonly headingLevel?: 1 | 2 | 3 | undefined
}

/** *It is done*: the top of the page after something was completed. */
export function panel(options: PanelOptions): Html {
  const level = String(options.headingLevel ?? 1)
  return html`<div class="${joined('govuk-panel', 'govuk-panel--confirmation', options.classes)}"${attrs(options.attributes)}><h${level} class="govuk-panel__title">${options.title}</h${level}>${
    options.body && html`<div class="govuk-panel__body">${options.body}</div>`
  }</div>`
}

export interface NotificationBannerOptions extends Extra {
  readonly language: Language
  /** A sentence, or markup of several elements. */
  readonly text: Content
  readonly title?: Content | undefined
  /** *It worked*: said at once by screen readers and focused by the script. */
  readonly success?: boolean | undefined
  readonly titleId?: string | undefined
  readonly headingLevel?: 2 | 3 | undefined
  readonly role?: string | undefined
  readonly autoFocus?: boolean | undefined
}

/** News that does not belong to the page's own content. Markup in `text` stands as it is; a sentence becomes the banner's heading. */
export function notificationBanner(options: NotificationBannerOptions): Html {
  const id = options.titleId ?? 'govuk-notification-banner-title'
  const level = String(options.headingLevel ?? 2)
  return html`<div${attributes({
    class: joined('govuk-notification-banner', options.success && 'govuk-notification-banner--success', options.classes),
    role: options.role ?? (options.success ? 'alert' : 'region'),
    'aria-labelledby': id,
    'data-module': 'govuk-notification-banner',
    'data-disable-auto-focus': options.autoFocus === undefined ? undefined : String(!options.autoFocus),
  })}${attrs(options.attributes)}><div class="govuk-notification-banner__header"><h${level} class="govuk-notification-banner__title" id="${id}">${
    options.title ?? text(options.language, options.success ? 'success' : 'important')
  }</h${level}></div><div class="govuk-notification-banner__content">${
    typeof options.text === 'string' ? html`<p class="govuk-notification-banner__heading">${options.text}</p>` : options.text
  }</div></div>`
}

export interface SummaryAction {
  readonly href: string
  readonly text: Content
  /** What the link is about, for those who hear it out of its row: *Cambiar **nombre***. */
  readonly about?: string | undefined
  readonly classes?: string | undefined
  readonly attributes?: Attributes | undefined
}

export interface SummaryRow {
  readonly key: Content
  readonly value: Content
  readonly keyClasses?: string | undefined
  readonly valueClasses?: string | undefined
  readonly actions?: readonly SummaryAction[] | undefined
  readonly classes?: string | undefined
}

export interface SummaryListOptions extends Extra {
  readonly rows: readonly (SummaryRow | null | undefined | false)[]
  /** Puts the list on a card with this title. */
  readonly card?:
    | { readonly title: Content; readonly headingLevel?: 2 | 3 | 4; readonly actions?: readonly SummaryAction[]; readonly classes?: string }
    | undefined
}

/** Names and values, with a link to change each. `classes: 'govuk-summary-list--no-border'` for short lists. */
export function summaryList(options: SummaryListOptions): Html {
  const card = options.card
  const rows = options.rows.filter((r) => r !== null && r !== undefined && r !== false)
  const link = (a: SummaryAction): Html =>
    html`<a class="${joined('govuk-link', a.classes)}" href="${a.href}"${attrs(a.attributes)}>${a.text}${
      (a.about || card) && html`<span class="govuk-visually-hidden">${a.about && ` ${a.about}`}${card && html` (${card.title})`}</span>`
    }</a>`
  const anyActions = rows.some((r) => r.actions?.length)
  const row = (r: SummaryRow): Html =>
    html`<div class="${joined('govuk-summary-list__row', anyActions && !r.actions && 'govuk-summary-list__row--no-actions', r.classes)}"><dt class="${joined('govuk-summary-list__key', r.keyClasses)}">${r.key}</dt><dd class="${joined('govuk-summary-list__value', r.valueClasses)}">${r.value}</dd>${
      r.actions?.length
        ? html`<dd class="govuk-summary-list__actions">${
            r.actions.length === 1
              ? link(r.actions[0]!)
              : html`<ul class="govuk-summary-list__actions-list">${r.actions.map((a) => html`<li class="govuk-summary-list__actions-list-item">${link(a)}</li>`)}</ul>`
          }</dd>`
        : null
    }</div>`
  const list = html`<dl class="${joined('govuk-summary-list', options.classes)}"${attrs(options.attributes)}>${rows.map(row)}</dl>`
  if (!card) return list
  const level = String(card.headingLevel ?? 2)
  return html`<div class="${joined('govuk-summary-card', card.classes)}"><div class="govuk-summary-card__title-wrapper">${
    card.title && html`<h${level} class="govuk-summary-card__title">${card.title}</h${level}>`
  }${
    card.actions?.length === 1
      ? html`<div class="govuk-summary-card__actions">${link(card.actions[0]!)}</div>`
      : card.actions?.length
        ? html`<ul class="govuk-summary-card__actions">${card.actions.map((a) => html`<li class="govuk-summary-card__action">${link(a)}</li>`)}</ul>`
        : null
  }</div><div class="govuk-summary-card__content">${list}</div></div>`
}

export interface Cell {
  readonly text: Content
  /** Right-aligned with figures of one width, so that numbers line up. */
  readonly numeric?: boolean | undefined
  readonly colspan?: number | undefined
  readonly rowspan?: number | undefined
  readonly classes?: string | undefined
  readonly attributes?: Attributes | undefined
}

export interface TableOptions extends Extra {
  readonly caption?: string | undefined
  readonly captionClasses?: string | undefined
  readonly head?: readonly (Cell | Content)[] | undefined
  readonly rows: readonly (readonly (Cell | Content)[])[]
  readonly firstCellIsHeader?: boolean | undefined
}

const asCell = (c: Cell | Content): Cell => (typeof c === 'string' || c instanceof Html ? { text: c } : c)

/** Figures to compare. Wide ones scroll by themselves inside `scrolling(…)`. */
export function table(options: TableOptions): Html {
  const spans = (c: Cell) => html`${attributes({ colspan: c.colspan, rowspan: c.rowspan })}${attrs(c.attributes)}`
  return html`<table class="${joined('govuk-table', options.classes)}"${attrs(options.attributes)}>${
    options.caption && html`<caption class="${joined('govuk-table__caption', options.captionClasses)}">${options.caption}</caption>`
  }${
    options.head &&
    html`<thead class="govuk-table__head"><tr class="govuk-table__row">${options.head
      .map(asCell)
      .map(
        (c) =>
          html`<th scope="col" class="${joined('govuk-table__header', c.numeric && 'govuk-table__header--numeric', c.classes)}"${spans(c)}>${c.text}</th>`,
      )}</tr></thead>`
  }<tbody class="govuk-table__body">${options.rows.map(
    (r) =>
      html`<tr class="govuk-table__row">${r
        .map(asCell)
        .map((c, i) =>
          i === 0 && options.firstCellIsHeader
            ? html`<th scope="row" class="${joined('govuk-table__header', c.classes)}"${spans(c)}>${c.text}</th>`
            : html`<td class="${joined('govuk-table__cell', c.numeric && 'govuk-table__cell--numeric', c.classes)}"${spans(c)}>${c.text}</td>`,
        )}</tr>`,
  )}</tbody></table>`
}

/** A wide table or picture that scrolls sideways by itself on a small screen, also by keyboard. */
export function scrolling(name: string, inside: Child): Html {
  return html`<div class="v-scroll" role="region" aria-label="${name}" tabindex="0">${inside}</div>`
}

export interface Crumb {
  readonly text: Content
  /** None for the page itself. */
  readonly href?: string | undefined
  readonly attributes?: Attributes | undefined
}

export interface BreadcrumbsOptions extends Extra {
  readonly language: Language
  readonly items: readonly Crumb[]
  readonly collapseOnMobile?: boolean | undefined
}

/** Where the page lies: the way from the first page to here. */
export function breadcrumbs(options: BreadcrumbsOptions): Html {
  return html`<nav class="${joined('govuk-breadcrumbs', options.classes, options.collapseOnMobile && 'govuk-breadcrumbs--collapse-on-mobile')}"${attrs(options.attributes)} aria-label="${text(options.language, 'breadcrumb')}"><ol class="govuk-breadcrumbs__list">${options.items.map(
    (c) =>
      c.href
        ? html`<li class="govuk-breadcrumbs__list-item"><a class="govuk-breadcrumbs__link" href="${c.href}"${attrs(c.attributes)}>${c.text}</a></li>`
        : html`<li class="govuk-breadcrumbs__list-item" aria-current="page">${c.text}</li>`,
  )}</ol></nav>`
}

export interface BackLinkOptions extends Extra {
  readonly language: Language
  readonly href: string
  readonly text?: Content | undefined
}

/** To the page before, in a form of several pages. */
export function backLink(options: BackLinkOptions): Html {
  return html`<a href="${options.href}" class="${joined('govuk-back-link', options.classes)}"${attrs(options.attributes)}>${options.text ?? text(options.language, 'back')}</a>`
}

/** The first thing the keyboard reaches. */
export function skipLink(options: Extra & { readonly text: Content; readonly href?: string | undefined }): Html {
  return html`<a href="${options.href ?? '#content'}" class="${joined('govuk-skip-link', options.classes)}"${attrs(options.attributes)} data-module="govuk-skip-link">${options.text}</a>`
}

/** A banner that says what kind of site this is, with a tag before the words. */
export function phaseBanner(options: Extra & { readonly tag: TagOptions; readonly text: Content }): Html {
  return html`<div class="${joined('govuk-phase-banner govuk-width-container', options.classes)}"${attrs(options.attributes)}><p class="govuk-phase-banner__content">${tag(
    {
      ...options.tag,
      classes: joined('govuk-phase-banner__content__tag', options.tag.classes),
    },
  )} <span class="govuk-phase-banner__text">${options.text}</span></p></div>`
}

export interface PageLink {
  readonly href: string
  readonly text?: Content | undefined
  /** Under the word, what that page holds. */
  readonly label?: string | undefined
  readonly attributes?: Attributes | undefined
}

export interface PaginationOptions extends Extra {
  readonly language: Language
  readonly previous?: PageLink | undefined
  readonly next?: PageLink | undefined
  /** `null` for pages left out. Use `pagesAround` to make them. */
  readonly items?:
    | readonly ({
        readonly number: number | string
        readonly href: string
        readonly current?: boolean
        readonly name?: string
        readonly attributes?: Attributes
      } | null)[]
    | undefined
  readonly name?: string | undefined
}

/** Ways to the other pages of a long list. */
export function pagination(options: PaginationOptions): Html {
  const block = !options.items && Boolean(options.next || options.previous)
  const arrow = (kind: 'prev' | 'next') =>
    html`<svg class="govuk-pagination__icon govuk-pagination__icon--${kind}" xmlns="http://www.w3.org/2000/svg" height="13" width="15" aria-hidden="true" focusable="false" viewBox="0 0 15 13"><path d="${
      kind === 'prev'
        ? 'm6.5938-0.0078125-6.7266 6.7266 6.7441 6.4062 1.377-1.449-4.1856-3.9768h12.896v-2h-12.984l4.2931-4.293-1.414-1.414z'
        : 'm8.107-0.0078125-1.4136 1.414 4.2926 4.293h-12.986v2h12.896l-4.1855 3.9766 1.377 1.4492 6.7441-6.4062-6.7246-6.7266z'
    }"></path></svg>`
  const link = (kind: 'prev' | 'next', l: PageLink) =>
    html`<div class="govuk-pagination__${kind}"><a class="govuk-link govuk-pagination__link" href="${l.href}" rel="${kind}"${attrs(l.attributes)}>${(block || kind === 'prev') && arrow(kind)}<span class="${joined('govuk-pagination__link-title', block && !l.label && 'govuk-pagination__link-title--decorated')}">${
      l.text ??
      html`${text(options.language, kind === 'prev' ? 'previous' : 'next')}<span class="govuk-visually-hidden"> ${text(options.language, 'page-hidden')}</span>`
    }</span>${l.label && block && html`<span class="govuk-visually-hidden">:</span><span class="govuk-pagination__link-label">${l.label}</span>`}${!block && kind === 'next' && arrow(kind)}</a></div>`
  return html`<nav class="${joined('govuk-pagination', block && 'govuk-pagination--block', options.classes)}" aria-label="${options.name ?? text(options.language, 'pagination')}"${attrs(options.attributes)}>${options.previous && link('prev', options.previous)}${
    options.items &&
    html`<ul class="govuk-pagination__list">${options.items.map((i) =>
      i === null
        ? html`<li class="govuk-pagination__item govuk-pagination__item--ellipsis">⋯</li>`
        : html`<li class="${joined('govuk-pagination__item', i.current && 'govuk-pagination__item--current')}"><a class="govuk-link govuk-pagination__link" href="${i.href}" aria-label="${i.name ?? text(options.language, 'page', { number: String(i.number) })}"${attributes({ 'aria-current': i.current ? 'page' : undefined })}${attrs(i.attributes)}>${i.number}</a></li>`,
    )}</ul>`
  }${options.next && link('next', options.next)}</nav>`
}
