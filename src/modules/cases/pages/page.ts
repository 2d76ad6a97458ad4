import { type Child, type Html, html } from '#kernel/html'
import { formatDate, type Language } from '#kernel/text'
import { insetText, layout, type SummaryError } from '#look'
import type { Request } from '#web'
import type { Deps } from '../deps.ts'
import { text } from './text.ts'

/** A page of a person's: never indexed, in their language, with *demostración* where it is one. */
export function personPage(
  request: Request,
  deps: Pick<Deps, 'demo'>,
  page: {
    title: string
    body: Child
    /** Where a form's answer is not at the page's own address. */
    url?: string
    backLink?: string
    error?: readonly SummaryError[]
    wide?: boolean
    refreshSeconds?: number
    /** For whom somebody acts here: said first on the page. */
    acting?: string | null
  },
): Html {
  const { acting, ...rest } = page
  const l = request.visitor.language
  return layout({
    url: request.url,
    ...rest,
    body:
      acting == null ? page.body : html`${insetText({ text: text(l, 'for.acting', { name: acting }), classes: 'v-acting' })}${page.body}`,
    language: request.visitor.language,
    visitor: request.visitor,
    demo: deps.demo,
    robots: 'noindex',
  })
}

/** An instant in the office's own time. */
export function when(deps: Pick<Deps, 'catalogue'>, language: Language, at: Date, office: string): string {
  const known = deps.catalogue.office(office)
  return formatDate(language, at, { time: true, short: true, ...(known ? { zone: known.zone } : {}) })
}
