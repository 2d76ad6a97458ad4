/** The pages that are public and the same for all, for engines that search. */
import { html, trustedHtml } from '#kernel/html'
import { languages } from '#kernel/text'
import { places } from '#look'
import type { Catalogue } from '../index.ts'
import { serviceUrl } from '../views.ts'
import type { Records } from './records.ts'

const prolog = trustedHtml('<?xml version="1.0" encoding="UTF-8"?>\n')
/** sitemaps.org: at most 50,000 addresses a file. Each page has one for each language. */
const pagesInFile = 50_000 / languages.length

const plain = [
  places.home,
  places.services,
  '/needs',
  '/near',
  places.offices,
  places.numbers,
  places.register,
  places.fair,
  places.check,
  places.accessibility,
  places.privacy,
  '/ns',
]

/** Paths of all pages, in an order that stays while the catalogue does. */
function* paths(catalogue: Catalogue, records: Records): Generator<string> {
  yield* plain
  const bases = [...catalogue.bases()].sort().flatMap((id) => catalogue.get(id) ?? [])
  for (const event of [...new Set(bases.flatMap((b) => b.definition.lifeEvents))].sort()) yield `/life-events/${event}`
  for (const agency of [...new Set(bases.map((b) => b.definition.agency))].sort()) yield `/agencies/${agency}`
  for (const base of bases) {
    yield serviceUrl(base.id)
    for (const place of records.placesWith(base)) yield serviceUrl(`${base.id}@${place}`)
  }
}

/** How many files there are. */
export function sitemapFiles(catalogue: Catalogue, records: Records): number {
  let n = 0
  for (const _ of paths(catalogue, records)) n++
  return Math.ceil(n / pagesInFile)
}

/** The index of all files. */
export function sitemapIndex(catalogue: Catalogue, records: Records, origin: string): string {
  const files = Array.from({ length: sitemapFiles(catalogue, records) }, (_, i) => `${origin}/sitemaps/${i + 1}.xml`)
  return html`${prolog}<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${files.map(
    (f) => html`
<sitemap><loc>${f}</loc></sitemap>`,
  )}
</sitemapindex>
`.text
}

/** A page in a language. Who asks for none gets Spanish, which has the plain address. */
const addressIn = (url: string, language: string) => (language === languages[0] ? url : `${url}?lang=${language}`)

/** One file, `file` from 1, in pieces; nothing where there is no such file. */
export function* sitemapFile(catalogue: Catalogue, records: Records, origin: string, file: number): Generator<string> {
  let n = 0
  for (const path of paths(catalogue, records)) {
    const at = n++ - (file - 1) * pagesInFile
    if (at < 0) continue
    if (at >= pagesInFile) break
    if (at === 0) yield `${prolog}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n`
    const url = `${origin}${path}`
    const others = html`${languages.map((l) => html`<xhtml:link rel="alternate" hreflang="${l}" href="${addressIn(url, l)}"/>`)}`
    for (const l of languages) yield html`<url><loc>${addressIn(url, l)}</loc>${others}</url>\n`.text
  }
  if (n > (file - 1) * pagesInFile) yield '</urlset>\n'
}

/** What engines may read; pages of persons ask for a sign-in and are named here only to spare both sides the way. */
export function robots(origin: string): string {
  const closed = ['/cases', '/desk', '/me', '/sign-in', '/check/']
  return `User-agent: *\n${closed.map((path) => `Disallow: ${path}\n`).join('')}\nSitemap: ${origin}/sitemap.xml\n`
}
