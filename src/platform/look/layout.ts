import { attributes, type Child, type Html, html, trustedHtml } from '#kernel/html'
import { type Language, languages } from '#kernel/text'
import { assets } from './assets.ts'
import { type Content, errorSummary, type SummaryError } from './forms.ts'
import { backLink, breadcrumbs, type Crumb, phaseBanner, skipLink } from './parts.ts'
import { text } from './text.ts'

/** Where the layout's own links lead. The routes themselves belong to the parts that serve them. */
export const places = {
  home: '/',
  services: '/services',
  line: '/my-line',
  inbox: '/inbox',
  offices: '/offices',
  register: '/register',
  numbers: '/numbers',
  rate: '/rate',
  desk: '/desk',
  editor: '/editor',
  signIn: '/sign-in',
  account: '/me',
  fair: '/how-to-check',
  check: '/check',
  accessibility: '/accessibility',
  privacy: '/privacy',
} as const

/** What the layout wants to know of who is looking; `#web`'s Visitor fits. */
export interface LayoutVisitor {
  readonly person: unknown
  readonly grants?: readonly { readonly role: string }[] | undefined
  /** Messages they have not read, counted up to 100; 0 or left out says nothing. */
  readonly unread?: number | undefined
}

/** Another form of the page, or a feed of it, for programs. */
export interface Alternate {
  readonly href: string
  readonly type: string
  readonly title?: string | undefined
}

export interface LayoutOptions {
  /** The page's name, before the service's own in the browser's title. */
  readonly title: string
  readonly language: Language
  /** `null`: a page without sign-in state, the same for all, which anyone may cache. */
  readonly visitor: LayoutVisitor | null
  /** Path and query of this page: for the language switch, the marked section and the canonical address. */
  readonly url: string
  /** With it (`https://…`, no slash at the end) the page names its canonical address, which is one for each language. */
  readonly origin?: string | undefined
  readonly body: Child
  /** Where the page before lies; never together with `breadcrumbs`. */
  readonly backLink?: string | undefined
  readonly breadcrumbs?: readonly Crumb[] | undefined
  /** What is wrong with what was sent: the summary stands above the body and the title begins with *Error*. */
  readonly error?: readonly SummaryError[] | null | undefined
  /** Stands in the hall above the papel picado, inside `main`: the first page's search. Then `body` brings no `h1`. */
  readonly hero?: Html | undefined
  /** Uses the whole width instead of a column that reads well. */
  readonly wide?: boolean | undefined
  /** A demonstration: the page bears the word. */
  readonly demo: boolean
  /** The browser asks again after so many seconds, without scripts. */
  readonly refreshSeconds?: number | undefined
  /** `noindex` for pages of persons. */
  readonly robots?: string | undefined
  /** What the page is about, for who lists it: one or two sentences. Without it the title and what this portal is for. */
  readonly description?: string | undefined
  readonly alternates?: readonly Alternate[] | undefined
  /** A wall display: no navigation, larger type. */
  readonly wall?: boolean | undefined
}

// Our own mark: an arch in a wall with its sill, and behind it somebody who attends. No coat of arms.
const mark = trustedHtml(
  '<svg class="v-mark" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 44" width="40" height="44" aria-hidden="true" focusable="false"><path class="v-mark__wall" fill-rule="evenodd" d="M4 36V20a16 16 0 0 1 32 0v16zM10 36h20V20a10 10 0 0 0-20 0z"/><path class="v-mark__sill" d="M1 37h38v5H1z"/><circle class="v-mark__head" cx="20" cy="22" r="4.5"/><path class="v-mark__head" d="M12.5 36a7.5 7.5 0 0 1 15 0z"/></svg>',
)

const papel = trustedHtml('<div class="v-papel" aria-hidden="true"></div>')

function withLanguage(url: string, language: Language): string {
  const [path, query] = url.split('?', 2)
  const all = new URLSearchParams(query ?? '')
  all.set('lang', language)
  return `${path}?${all}`
}

const inside = (url: string, place: string) => url === place || url.startsWith(`${place}/`) || url.startsWith(`${place}?`)

function header(o: LayoutOptions): Html {
  const { language: l, url } = o
  const theme = assets().theme
  const section = (href: string, words: string) =>
    html`<li class="v-nav__item"><a class="v-nav__link" href="${href}"${attributes({ 'aria-current': url === href ? 'page' : inside(url, href) ? 'true' : undefined })}>${words}</a></li>`
  const analyst = o.visitor?.grants?.some((g) => g.role === 'analyst')
  const staff = o.visitor?.grants?.some((g) => g.role !== 'citizen' && g.role !== 'analyst')
  return html`<header class="v-header"><div class="v-header__bar govuk-width-container"><a class="v-brand" href="${places.home}">${mark}<span class="v-brand__name">${theme.name}</span></a>${
    !o.wall &&
    html`<div class="v-header__you">${languages
      .filter((other) => other !== l)
      .map(
        (other) =>
          html`<a class="v-header__link" href="${withLanguage(url, other)}" lang="${other}" hreflang="${other}">${text(other, `language.${other}`)}</a>`,
      )}${
      o.visitor &&
      (o.visitor.person
        ? html`${
            Boolean(o.visitor.unread) &&
            html`<a class="v-header__link" href="${places.inbox}">${text(l, 'inbox')} <span class="v-count"><span aria-hidden="true">${o.visitor.unread! < 100 ? o.visitor.unread! : '99+'}</span><span class="govuk-visually-hidden">${text(l, 'unread', { count: o.visitor.unread! })}</span></span></a>`
          }<a class="v-header__link v-header__link--you" href="${places.account}">${text(l, 'my-account')}</a>`
        : html`<a class="v-header__link v-header__link--you" href="${places.signIn}">${text(l, 'sign-in')}</a>`)
    }</div>`
  }</div>${
    !o.wall &&
    html`<nav class="v-nav" aria-label="${text(l, 'nav')}"><ul class="v-nav__list govuk-width-container">${section(places.services, text(l, 'nav.services'))}${section(places.line, text(l, 'nav.line'))}${section(places.offices, text(l, 'nav.offices'))}${section(places.register, text(l, 'nav.register'))}${staff && section(places.desk, text(l, 'nav.desk'))}${analyst && section(places.editor, text(l, 'nav.editor'))}</ul></nav>`
  }</header>${!o.hero && papel}`
}

function footer(o: LayoutOptions): Html {
  const l = o.language
  const { arms, issuer } = assets().theme
  return html`<footer class="v-footer"><div class="govuk-width-container v-footer__inside"><div class="v-footer__fair"><h2 class="v-footer__title">${text(l, 'footer.fair')}</h2><p>${text(l, 'footer.fair-text')}</p><p class="v-footer__free">${text(l, 'footer.free')}</p></div><ul class="v-footer__links"><li><a href="${places.fair}">${text(l, 'footer.verify')}</a></li><li><a href="${places.check}">${text(l, 'footer.check')}</a></li><li><a href="${places.numbers}">${text(l, 'footer.numbers')}</a></li><li><a href="${places.privacy}">${text(l, 'footer.privacy')}</a></li><li><a href="${places.accessibility}">${text(l, 'footer.accessibility')}</a></li></ul><div class="v-footer__issuer">${
    arms && html`<img class="v-footer__arms" src="${arms.file}" alt="${arms.alt[l] ?? ''}" height="56">`
  }<p>${issuer[l]}</p></div></div></footer>`
}

/** A whole page: one `main`, one `h1` (the body's), its landmarks named, nothing inline. */
export function layout(o: LayoutOptions): Html {
  const { css, js, icon, preload, theme } = assets()
  const l = o.language
  const failed = Boolean(o.error?.length)
  const name = o.title === theme.name ? theme.name : `${o.title} – ${theme.name}`
  const demo = o.demo && phaseBanner({ tag: { text: text(l, 'demo') }, text: text(l, 'demo.text') })
  return html`<!doctype html>
<html lang="${l}" class="govuk-template"><head><meta charset="utf-8"><title>${failed ? text(l, 'error-title', { title: name }) : name}</title><meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"><meta name="color-scheme" content="light dark"><meta name="theme-color" content="${theme.colour.light}" media="(prefers-color-scheme: light)"><meta name="theme-color" content="${theme.colour.dark}" media="(prefers-color-scheme: dark)"><meta name="description" content="${o.description ?? text(l, 'description', { title: o.title })}">${o.robots && html`<meta name="robots" content="${o.robots}">`}${
    // With scripts the page's content alone is replaced, and an outage leaves the last one standing; see scripts/look.ts.
    o.refreshSeconds && html`<noscript><meta http-equiv="refresh" content="${o.refreshSeconds}"></noscript>`
  }${
    o.origin && html`<link rel="canonical" href="${o.origin}${o.url.split('?')[0]}${l !== languages[0] && `?lang=${l}`}">`
  }${o.alternates?.map(
    (a) => html`<link rel="alternate" type="${a.type}" href="${a.href}"${attributes({ title: a.title })}>`,
  )}${preload.map((f) => html`<link rel="preload" href="${f}" as="font" type="font/woff2" crossorigin>`)}<link rel="stylesheet" href="${css}"><link rel="icon" href="${icon}" type="image/svg+xml"><script type="module" src="${js}"></script></head>
<body class="${`govuk-template__body${o.wall ? ' v-wall' : ''}`}"${attributes({ 'data-refresh': o.refreshSeconds })}>${skipLink({ href: '#main-content', text: text(l, 'skip') })}${header(o)}${
    o.hero
      ? html`<main id="main-content"><div class="v-hero"><div class="govuk-width-container">${o.hero}</div></div>${papel}${demo && html`<div class="v-demo">${demo}</div>`}<div class="govuk-width-container govuk-main-wrapper">${o.body}</div></main>`
      : html`${demo && html`<aside class="v-demo" aria-label="${text(l, 'demo')}">${demo}</aside>`}<div class="govuk-width-container">${
          o.breadcrumbs
            ? breadcrumbs({ language: l, items: o.breadcrumbs, collapseOnMobile: true })
            : o.backLink && html`<nav aria-label="${text(l, 'back')}">${backLink({ language: l, href: o.backLink })}</nav>`
        }<main class="${`govuk-main-wrapper${o.wide ? '' : ' v-column'}`}" id="main-content">${failed && errorSummary({ language: l, errors: o.error! })}${o.body}</main></div>`
  }${!o.wall && footer(o)}</body></html>`
}

/** One line of summary for an error of one field: `#` and the field's id, the words of its message. */
export const fieldError = (id: string, words: Content): SummaryError => ({ href: `#${id}`, text: words })
