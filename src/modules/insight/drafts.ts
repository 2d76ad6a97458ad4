/**
 * Who came to the end: drafts that were given up beside those that were sent, and the page where people left. Pure. What was sent is counted from the public log; what was given up
 * the log cannot tell, so the counts are released whole and the figures follow from both. docs/numbers.md describes the document.
 */
import { hidden, joinLarger, larger, leastPeople } from './disclose.ts'
import { countOfKey } from './tally.ts'

/** So many drafts given up at one page: of a service or, where fewer than ten were, of a larger thing. */
export type Left = readonly [about: string, stop: string, n: number]

/** What is published of one thing and all below it. */
export type DraftsRow = {
  readonly id: string
  /** Drafts given up. */
  readonly left: number
  /** The same by page, where the pages are those of one service; `other` holds the pages where fewer than ten left. */
  readonly stops?: Readonly<Record<string, number>>
  /** Cases filed on the web in the same month, by the log; absent where fewer than ten were, and where it would betray such a number. */
  readonly submitted?: number
}

/** What is published of a month. Its canonical JSON is what a release's hash is taken of. */
export type DraftsNumbers = {
  readonly v: 1
  readonly set: 'drafts'
  readonly period: string
  /** What was sent is counted from the first `size` entries of the log. */
  readonly size: number
  readonly left: readonly Left[]
  readonly rows: readonly DraftsRow[]
}

/** Pages where fewer than ten left. */
const other = 'other'
const byName = (a: Left, b: Left) => (`${a[0]} ${a[1]}` < `${b[0]} ${b[1]}` ? -1 : 1)
const sum = (all: Iterable<number>) => [...all].reduce((a, n) => a + n, 0)

/** Puts what was given up fewer than ten times under the next larger thing, and pages where fewer than ten left together. Of fewer than ten in all nothing is published. */
export function joinedLeft(left: readonly Left[]): Left[] {
  const things = new Map<string, Map<string, number>>()
  for (const [about, stop, n] of joinLarger(left, (all) => sum(all.map(([, , n]) => n)) >= leastPeople)) {
    const stops = things.get(about) ?? new Map<string, number>()
    things.set(about, stops)
    // Pages of different services are different pages.
    const name = about === 'mx' ? other : stop
    stops.set(name, (stops.get(name) ?? 0) + n)
  }
  return [...things].flatMap(([about, stops]) => namedStops(stops).map(([stop, n]): Left => [about, stop, n])).sort(byName)
}

function namedStops(stops: ReadonlyMap<string, number>): [string, number][] {
  const whole = '='
  const away = hidden(new Map([...stops, [whole, sum(stops.values())]]), [{ whole, parts: [...stops.keys()] }])
  const together = sum([...stops].filter(([stop]) => away.has(stop)).map(([, n]) => n))
  return [...[...stops].filter(([stop]) => !away.has(stop)), ...(together > 0 ? [[other, together] as [string, number]] : [])]
}

/** The figures that follow from what was given up and from what the log says was sent. `submitted`: cases filed on the web in that month, by service. */
export function draftsRows(left: readonly Left[], submitted: ReadonlyMap<string, number>): DraftsRow[] {
  const sent = new Map<string, number>()
  const parts = new Map<string, Set<string>>()
  for (const [service, n] of submitted)
    for (let id: string | null = service; id !== null; id = larger(id)) {
      sent.set(id, (sent.get(id) ?? 0) + n)
      const whole = larger(id)
      if (whole !== null) parts.set(whole, (parts.get(whole) ?? new Set()).add(id))
    }
  // Over everything that was sent, also what no row is about: it is a part of what rows are about.
  const away = hidden(
    sent,
    [...parts].map(([whole, all]) => ({ whole, parts: [...all] })),
  )
  const rows = new Map<string, Map<string, number>>()
  for (const [about, stop, n] of left)
    for (let id: string | null = about; id !== null; id = larger(id)) {
      const stops = rows.get(id) ?? new Map<string, number>()
      rows.set(id, stops)
      stops.set(stop, (stops.get(stop) ?? 0) + n)
    }
  return [...rows]
    .map(
      ([id, stops]): DraftsRow => ({
        id,
        left: sum(stops.values()),
        ...(id === 'mx' ? {} : { stops: Object.fromEntries([...stops].sort(([a], [b]) => (a < b ? -1 : 1))) }),
        ...(away.has(id) ? {} : { submitted: sent.get(id) ?? 0 }),
      }),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** What was filed on the web in a month by service, of the tally's counts. */
export function filedOnWeb(period: string, counts: Iterable<readonly [key: string, n: number]>): Map<string, number> {
  const found = new Map<string, number>()
  for (const [key, n] of counts) {
    const c = countOfKey(key)
    if (c.month === period && c.measure === 'filed' && c.bucket === 'web') found.set(c.id, (found.get(c.id) ?? 0) + n)
  }
  return found
}

/** The month's table; its rows are empty where fewer than ten gave up in all. */
export function draftsNumbers(period: string, size: number, left: readonly Left[], submitted: ReadonlyMap<string, number>): DraftsNumbers {
  const published = joinedLeft(left)
  return { v: 1, set: 'drafts', period, size, left: published, rows: draftsRows(published, submitted) }
}
