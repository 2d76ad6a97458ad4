/**
 * Who came to the end: drafts that were given up beside those that were sent, and the page where people left. Pure. What was sent is counted from the public log, and hidden by the same
 * rule; what was given up the log cannot tell. docs/numbers.md describes the document.
 */
import type { Left } from '#cases'
import { hidden, leastPeople, type Sum } from './disclose.ts'
import { agencyOfBase, baseOf, cellsOf, type Scope, scopes, sumsOf } from './numbers.ts'
import { countOfKey } from './tally.ts'

/** One row of the table. A part is absent where it counts one to nine or would betray such a part; 0 where it counts nobody. */
export type DraftsRow = {
  readonly scope: Scope
  readonly id: string
  /** Drafts given up. */
  readonly left?: number
  /** The same by page, of a base or a service; `other` holds the pages that may not be shown by themselves. */
  readonly stops?: Readonly<Record<string, number>>
  /** Cases filed on the web in the same month, by the log. */
  readonly submitted?: number
}

/** What is published of a month. Its canonical JSON is what a release's hash is taken of. */
export type DraftsNumbers = {
  readonly v: 1
  readonly set: 'drafts'
  readonly period: string
  /** What was sent is counted from the first `size` entries of the log. */
  readonly size: number
  /** The agency of each base, as the catalogue says. */
  readonly agencies: Readonly<Record<string, string>>
  readonly rows: readonly DraftsRow[]
}

/** Pages that may not be shown by themselves. */
const other = 'other'
const add = (m: Map<string, number>, key: string, n: number) => m.set(key, (m.get(key) ?? 0) + n)

/** Counts of services, rolled up into the cells of the table. */
function rolledUp(counts: Iterable<readonly [service: string, n: number]>, agencyOf: (base: string) => string): Map<string, number> {
  const cells = new Map<string, number>()
  for (const [service, n] of counts) for (const [scope, id] of cellsOf(service, agencyOf(baseOf(service)))) add(cells, `${scope} ${id}`, n)
  return cells
}

/** What was filed on the web in a month by service, of the tally's counts. */
export function filedOnWeb(period: string, counts: Iterable<readonly [key: string, n: number]>): Map<string, number> {
  const found = new Map<string, number>()
  for (const [key, n] of counts) {
    const c = countOfKey(key)
    if (c.month === period && c.measure === 'filed' && c.bucket === 'web') add(found, c.id, n)
  }
  return found
}

/** What may be shown of what was sent, by cell (`scope id`): everything in it follows from the log and the agencies of the table. */
function submittedShown(submitted: ReadonlyMap<string, number>, agencyOf: (base: string) => string): Map<string, number> {
  const cells = rolledUp(submitted, agencyOf)
  const away = hidden(cells, sumsOf(new Set(submitted.keys()), agencyOfBase(submitted.keys(), agencyOf)))
  return new Map([...cells].filter(([cell]) => !away.has(cell)))
}

/** The pages of each base and service that may be shown: neither alone, nor by taking a service's from its base's, does one tell of a few. */
function stopsShown(left: readonly Left[], totals: ReadonlyMap<string, number>): Map<string, Record<string, number>> {
  const stops = new Map<string, Map<string, number>>()
  for (const { service, stop, n } of left)
    for (const cell of new Set([`base ${baseOf(service)}`, ...(service.includes('@') ? [`service ${service}`] : [])])) {
      const own = stops.get(cell) ?? new Map<string, number>()
      stops.set(cell, own)
      add(own, stop, n)
    }
  const counts = new Map<string, number>()
  const sums: Sum[] = []
  const parts = new Map<string, string[]>()
  for (const [cell, own] of stops) {
    for (const [stop, n] of own) {
      counts.set(`${cell} ${stop}`, n)
      if (!cell.startsWith('service ')) continue
      const whole = `base ${baseOf(cell.slice('service '.length))} ${stop}`
      parts.set(whole, [...(parts.get(whole) ?? []), `${cell} ${stop}`])
    }
    if (!totals.has(cell)) continue
    counts.set(cell, totals.get(cell)!)
    sums.push({ whole: cell, parts: [...own.keys()].map((stop) => `${cell} ${stop}`) })
  }
  for (const [whole, all] of parts) sums.push({ whole, parts: all })
  const away = hidden(counts, sums)
  const shown = new Map<string, Record<string, number>>()
  for (const [cell, own] of stops) {
    const total = totals.get(cell)
    if (total === undefined || away.has(cell)) continue
    const named = [...own].filter(([stop]) => !away.has(`${cell} ${stop}`)).sort(([a], [b]) => (a < b ? -1 : 1))
    const rest = total - named.reduce((a, [, n]) => a + n, 0)
    shown.set(cell, Object.fromEntries(rest > 0 ? [...named, [other, rest]] : named))
  }
  return shown
}

/**
 * The month's table. `left` is what was given up in this month, `submitted` the cases filed on the web in it, by service; `agencyOf` gives a base's agency. What may be shown is decided for
 * each apart, over the same sums as the numbers of services.
 */
export function draftsNumbers(
  period: string,
  size: number,
  left: readonly Left[],
  submitted: ReadonlyMap<string, number>,
  agencyOf: (base: string) => string,
): DraftsNumbers {
  const services = new Set<string>([...left.map((l) => l.service), ...submitted.keys()])
  const agencies = agencyOfBase(services, agencyOf)
  const cells = rolledUp(
    left.map((l) => [l.service, l.n] as const),
    agencyOf,
  )
  const away = hidden(cells, sumsOf(services, agencies))
  const totals = new Map([...cells].filter(([cell]) => !away.has(cell)))
  const stops = stopsShown(left, totals)
  const sent = submittedShown(submitted, agencyOf)
  const sentAny = rolledUp(submitted, agencyOf)
  const rows = [...new Set([...totals.keys(), ...sent.keys()])].map((cell): DraftsRow => {
    const [scope, id] = cell.split(' ') as [Scope, string]
    const [given, filed] = [cells.has(cell) ? totals.get(cell) : 0, sentAny.has(cell) ? sent.get(cell) : 0]
    return {
      scope,
      id,
      ...(given === undefined ? {} : { left: given }),
      ...(stops.has(cell) ? { stops: stops.get(cell)! } : {}),
      ...(filed === undefined ? {} : { submitted: filed }),
    }
  })
  return {
    v: 1,
    set: 'drafts',
    period,
    size,
    agencies: Object.fromEntries([...agencies].sort(([a], [b]) => (a < b ? -1 : 1))),
    rows: rows.sort((a, b) => scopes.indexOf(a.scope) - scopes.indexOf(b.scope) || (a.id < b.id ? -1 : 1)),
  }
}

/**
 * What is wrong with a table, by somebody who has the log alone: what was sent must be what the log gives, hidden as the rule hides it, and what was given up must be nobody or ten at
 * least, its parts no more than their whole. In one sentence each, with the cell.
 */
export function draftsFaults(
  { rows, agencies }: DraftsNumbers,
  submitted: ReadonlyMap<string, number>,
): { cell: string; detail: string }[] {
  const agencyOf = (base: string) => (Object.hasOwn(agencies, base) ? String(agencies[base]) : 'unknown')
  const faults: { cell: string; detail: string }[] = []
  const sent = submittedShown(submitted, agencyOf)
  const any = rolledUp(submitted, agencyOf)
  const told = new Map(rows.map((r) => [`${r.scope} ${r.id}`, r]))
  for (const [cell, r] of told) {
    const ours = any.has(cell) ? sent.get(cell) : 0
    if (r.submitted !== ours)
      faults.push({
        cell,
        detail: `The table says ${r.submitted ?? 'nothing'} sent; the log gives ${ours ?? 'nothing that may be shown'}.`,
      })
    const stops = Object.values(r.stops ?? {})
    const few = (n: number) => !Number.isSafeInteger(n) || n < 0 || (n > 0 && n < leastPeople)
    if (r.left !== undefined && few(r.left)) faults.push({ cell, detail: `${r.left} given up is too few to be told.` })
    if (stops.some((n) => few(n) || n === 0)) faults.push({ cell, detail: `A page where fewer than ${leastPeople} left stands by itself.` })
    if (r.stops && stops.reduce((a, n) => a + n, 0) !== r.left) faults.push({ cell, detail: 'The pages are not all that were given up.' })
  }
  for (const cell of sent.keys())
    if (!told.has(cell)) faults.push({ cell, detail: `It is left out; the log gives ${sent.get(cell)} sent.` })
  if (told.size !== rows.length) faults.push({ cell: '', detail: 'A row stands twice.' })
  // A federal service is its base; others are done in places.
  const services = rows.filter((r) => r.scope === 'service' || (r.scope === 'base' && r.id.startsWith('federal/')))
  const all = services.map((r) => r.id)
  for (const { whole, parts } of sumsOf(new Set(all), agencyOfBase(all, agencyOf))) {
    const [is, of] = [told.get(whole)?.left, parts.reduce((n, p) => n + (told.get(p)?.left ?? 0), 0)]
    if (is !== undefined && of > is)
      faults.push({ cell: whole, detail: `Its parts gave up ${of} together, more than the ${is} of the whole.` })
  }
  return faults
}
