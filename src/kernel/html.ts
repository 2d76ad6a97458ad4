/** Markup that is safe to send as it stands. Made only by `html` and `trustedHtml`. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

/** What may stand in a hole of an `html` template. `false`, `null` and `undefined` leave nothing. */
export type Child = Html | string | number | bigint | boolean | null | undefined | readonly Child[]

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const unsafe = /[&<>"']/
const unsafeAll = /[&<>"']/g

/** `text` with the five characters of markup escaped: safe in element content and in quoted attributes. */
function escapeHtml(text: string): string {
  return unsafe.test(text) ? text.replace(unsafeAll, (c) => escapes[c]!) : text
}

function render(child: Child): string {
  if (child instanceof Html) return child.text
  if (typeof child === 'string') return escapeHtml(child)
  if (child === null || child === undefined || typeof child === 'boolean') return ''
  if (Array.isArray(child)) {
    let all = ''
    for (const c of child) all += render(c)
    return all
  }
  return String(child)
}

/** A template whose holes are escaped unless they hold `Html`. Attributes must be quoted: `<a href="${url}">`. */
export function html(parts: TemplateStringsArray, ...holes: readonly Child[]): Html {
  let all = parts[0]!
  for (let i = 0; i < holes.length; i++) all += render(holes[i]) + parts[i + 1]!
  return new Html(all)
}

/** Markup from our own code that must not be escaped again (a drawn SVG, a stored page). Never for words that a person wrote. */
export function trustedHtml(text: string): Html {
  return new Html(text)
}

/** Attributes as markup, each with a leading space. `true` gives a bare attribute; `false`, `null` and `undefined` none. */
export function attributes(all: Readonly<Record<string, string | number | boolean | null | undefined>>): Html {
  let text = ''
  for (const [name, value] of Object.entries(all)) {
    if (value === false || value === null || value === undefined) continue
    text += value === true ? ` ${name}` : ` ${name}="${escapeHtml(String(value))}"`
  }
  return new Html(text)
}
