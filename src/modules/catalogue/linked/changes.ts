/** What was published, newest first, as an Atom feed: from when it applies, and what it asks of people more or less than before. */
import type { Db } from '#db'
import { html, trustedHtml } from '#kernel/html'
import { formatDate, type Language } from '#kernel/text'
import { assets } from '#look'
import { localPaperId } from '../check.ts'
import type { Adoption, Definition, DefinitionTexts } from '../definition.ts'
import type { Catalogue } from '../index.ts'
import { burdens } from '../service.ts'
import { type ChangeRow, changes } from '../store.ts'
import { words } from '../text.ts'
import { serviceUrl } from '../views.ts'
import { label } from './text.ts'

/** Entries of a page; older ones follow by its link `next` (RFC 5005). */
const perPage = 50

const prolog = trustedHtml('<?xml version="1.0" encoding="UTF-8"?>\n')
// XML 1.0 has no place for these, not even escaped.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const withoutControls = (text: string) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')

type Content = { readonly definition: Definition; readonly text: DefinitionTexts }

/** One burden or relief, named as `burdens` names it, in words. */
function named(what: string, of: readonly (Content | null)[], l: Language): string {
  const [kind, id = ''] = what === 'time to answer' ? ['time'] : what.split(' ')
  const said = (key: string) => of.map((c) => c?.text[l][key]).find((t) => t !== undefined) ?? id
  switch (kind) {
    case 'paper':
      return id === localPaperId ? label(l, 'changes.local-paper') : label(l, 'changes.paper', { name: said(`papers.${id}`) })
    case 'question':
      return label(l, 'changes.question', { name: said(`questions.${id}`) })
    case 'reason':
      return label(l, 'changes.reason', { name: said(`reasons.${id}`) })
    case 'signature':
      return label(l, 'changes.signature', { name: said(`steps.${id}`) })
    case 'channel':
      return label(l, 'changes.channel', { name: words(l, `channel.${id}` as 'channel.web') })
    default:
      return label(l, `changes.${kind}` as 'changes.fee')
  }
}

function summary(row: ChangeRow, l: Language): string {
  const standing = JSON.parse(row.standing) as Content
  const adoption = row.adoption === null ? null : (JSON.parse(row.adoption) as Adoption)
  const from = label(l, 'changes.from', { date: formatDate(l, row.from) })
  if (row.place === '' && row.before === null) return `${label(l, 'changes.new')} ${standing.text[l].summary} ${from}`
  const was = row.wasAdoption === null ? null : (JSON.parse(row.wasAdoption) as Adoption)
  const old = row.place === '' && row.wasDefinition !== null ? (JSON.parse(row.wasDefinition) as Content) : standing
  const list = (all: readonly string[]) => [...new Set(all.map((what) => named(what, [standing, old], l)))].join('; ')
  const more = burdens(old.definition, standing.definition, was, adoption)
  // What cannot be ordered burdens both ways, and a burden it is: nobody is promised a relief that may be none.
  const less = burdens(standing.definition, old.definition, adoption, was).filter((what) => !more.includes(what))
  return [
    row.place !== '' && adoption === null && label(l, 'changes.withdrawn'),
    from,
    more.length > 0 && label(l, 'changes.burdens', { what: list(more) }),
    less.length > 0 && label(l, 'changes.relieves', { what: list(less) }),
    more.length + less.length === 0 && label(l, 'changes.neutral'),
  ]
    .filter(Boolean)
    .join(' ')
}

/** A page of the feed in a language: publications with a number under `before`, or the newest. */
export async function changesFeed(
  { db, catalogue, origin }: { readonly db: Db; readonly catalogue: Catalogue; readonly origin: string },
  l: Language,
  before: string | null,
): Promise<string> {
  const rows = await changes(db, before, perPage + 1)
  const shown = rows.slice(0, perPage)
  const at = (n: string | null) => `${origin}/services/changes.atom?lang=${l}${n === null ? '' : `&before=${n}`}`
  const entry = (row: ChangeRow) => {
    const service = row.place === '' ? row.base : `${row.base}@${row.place}`
    const { name } = (JSON.parse(row.standing) as Content).text[l]
    const page = `${origin}${serviceUrl(service)}`
    return html`
<entry><id>${page}#published-${row.n}</id><title>${withoutControls(row.place === '' ? name! : `${name}, ${catalogue.places.nameOf(row.place)}`)}</title><updated>${row.at.toISOString()}</updated><link rel="alternate" type="text/html" href="${page}"/><summary>${withoutControls(summary(row, l))}</summary></entry>`
  }
  return html`${prolog}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="${l}"><id>${origin}/services/changes.atom</id><title>${label(l, 'changes.title')}</title><subtitle>${label(l, 'changes.subtitle')}</subtitle><updated>${(shown[0]?.at ?? new Date(0)).toISOString()}</updated><author><name>${assets().theme.issuer[l]}</name></author><link rel="self" type="application/atom+xml" href="${at(before)}"/><link rel="first" type="application/atom+xml" href="${at(null)}"/>${
    rows.length > perPage && html`<link rel="next" type="application/atom+xml" href="${at(shown.at(-1)!.n)}"/>`
  }${shown.map(entry)}
</feed>
`.text
}
