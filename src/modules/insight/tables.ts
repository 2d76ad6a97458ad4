/** The published tables as pages read them. Tables never change under their hash, so parsed ones are kept. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Catalogue } from '#catalogue'
import type { Db } from '#db'
import { keptFor } from '#kernel/kept'
import type { Clock } from '#kernel/time'
import type { Cost } from './costs.ts'
import type { DraftsRow } from './drafts.ts'
import { draftsScope, servicesSet } from './follow.ts'
import { type LevelsMonth, levelHistory, levelsByMonth } from './levels.ts'
import type { Numbers, OfficeRow, Row, Scope } from './numbers.ts'
import type { PeopleRow } from './people.ts'
import * as store from './store.ts'

const unpack = promisify(gunzip)
/** Whole tables in memory: the running month, the one before, and one that somebody looks up. */
const kept = 3
/** So many services of a place are ranked. */
const ranked = 12
/** Under this name bases are ranked, of the whole nation. */
const nation = 'mx'

/** A table with its rows by scope and id. */
export type OpenTable = {
  readonly numbers: Numbers
  readonly released: boolean
  /** Of its canonical bytes, as `numbers.released` bears it. */
  readonly sha256: string
  readonly rows: ReadonlyMap<string, Row>
  readonly offices: ReadonlyMap<string, OfficeRow>
  /** What is filed most, of what may be shown: by place the ids of its services, and under `mx` those of bases. */
  readonly mostFiled: ReadonlyMap<string, readonly string[]>
}

function mostFiledOf(rows: readonly Row[]): Map<string, string[]> {
  const most = new Map<string, string[]>()
  const counted = rows.flatMap((r) => (r.filed && (r.scope === 'service' || r.scope === 'base') ? [{ row: r, n: r.filed.n }] : []))
  for (const { row } of counted.sort((a, b) => b.n - a.n || (a.row.id < b.row.id ? -1 : 1))) {
    const place = row.scope === 'base' ? nation : row.id.slice(row.id.indexOf('@') + 1)
    const own = most.get(place) ?? []
    if (own.length === 0) most.set(place, own)
    if (own.length < ranked) own.push(row.id)
  }
  return most
}

/** The month before one. */
const monthBefore = (period: string): string => new Date(Date.parse(`${period}-01T00:00Z`) - 86_400_000).toISOString().slice(0, 7)

/** One thing in one month; null where nothing may be shown of it. */
export type Month<R> = { readonly period: string; readonly released: boolean; readonly row: R | null }

/** What people said of one thing, of which a month was released. */
export type SaidMonth = { readonly period: string; readonly row: PeopleRow }

/** Who came to the end of the form of one thing, of which a month was released. */
export type DraftsMonth = { readonly period: string; readonly row: DraftsRow }

/** The digital levels of all services by month, and those of one over time. */
export type Levels = { readonly months: readonly LevelsMonth[]; of(base: string, place: string | null): ReturnType<typeof levelHistory> }

/** Opens them. A page may be `freshMs` behind the job that makes tables. */
export function openTables({ db, clock, catalogue }: TablesDeps, freshMs = 5_000) {
  let levels: { readonly version: string; readonly value: Promise<Levels> } | null = null

  const parsed = new Map<string, OpenTable>()

  async function load(period: string | null): Promise<OpenTable | null> {
    const stored = await store.tableOf(db, servicesSet, period)
    if (!stored) return null
    const key = `${stored.period} ${stored.sha256} ${stored.releasedAt !== null}`
    let table = parsed.get(key)
    if (!table) {
      const numbers = JSON.parse((await unpack(stored.content)).toString()) as Numbers
      table = {
        numbers,
        released: stored.releasedAt !== null,
        sha256: stored.sha256,
        rows: new Map(numbers.rows.map((r) => [`${r.scope} ${r.id}`, r])),
        offices: new Map(numbers.offices.map((o) => [o.office, o])),
        mostFiled: mostFiledOf(numbers.rows),
      }
    }
    // The last used stands last.
    parsed.delete(key)
    parsed.set(key, table)
    if (parsed.size > kept) parsed.delete(parsed.keys().next().value!)
    return table
  }

  const tableOf = keptFor(freshMs, (period) => load(period || null), 100)
  /** The table of a month, or the newest; null where there is none. At most `freshMs` old. */
  const table = (period: string | null): Promise<OpenTable | null> => tableOf(period ?? '')
  const costMonths = keptFor(freshMs, () => store.costMonths(db))
  const costsIn = keptFor(freshMs, (period) => store.costsIn(db, period), 100)

  async function months<R>(
    scope: Scope | 'office',
    id: string,
    running: (t: OpenTable) => R | undefined,
    most: number,
  ): Promise<Month<R>[]> {
    const now = await table(null)
    const past = (await store.series(db, scope, id, most)).map(({ period, data }) => ({ period, released: true, row: data as R }))
    const months: Month<R>[] =
      now && !now.released ? [{ period: now.numbers.period, released: false, row: running(now) ?? null }, ...past] : past
    return months.slice(0, most)
  }

  async function readLevels(): Promise<Levels> {
    const versions = await catalogue.history()
    const { states, municipalities } = catalogue.places.count
    return {
      months: levelsByMonth(versions, { state: states, municipal: municipalities }, clock.now().toISOString().slice(0, 7)),
      of: (base, place) => levelHistory(versions, base, place),
    }
  }

  return {
    table,
    /** Read anew when something is published, or the day changes. */
    levels(): Promise<Levels> {
      const { version } = catalogue
      if (levels?.version !== version) {
        levels = { version, value: readLevels() }
        levels.value.catch(() => {
          levels = null
        })
      }
      return levels.value
    },
    /** A row's months, the newest first, the running one among them. */
    monthsOf: (scope: Scope, id: string, most = 13) => months<Row>(scope, id, (t) => t.rows.get(`${scope} ${id}`), most),
    /** What people said of a thing, by month, the newest first: released months alone. */
    said: async (id: string, most = 13): Promise<SaidMonth[]> =>
      (await store.series(db, 'people', id, most)).map(({ period, data }) => ({ period, row: data as PeopleRow })),
    /** Who came to the end of the form of a thing, by month, the newest first: released months alone. */
    drafts: async (scope: Scope, id: string, most = 13): Promise<DraftsMonth[]> =>
      (await store.series(db, draftsScope(scope), id, most)).map(({ period, data }) => ({ period, row: data as DraftsRow })),
    /** What was filed most in the running month, or in the one before while that one shows too little: services of a place, or bases anywhere. At most `most` ids, and twelve. */
    async mostFiled(place: string | null, most: number): Promise<readonly string[]> {
      const newest = await table(null)
      if (!newest) return []
      const of = (t: OpenTable | null) => t?.mostFiled.get(place ?? nation)?.slice(0, most) ?? []
      const now = of(newest)
      if (now.length >= Math.min(most, ranked)) return now
      const before = of(await table(monthBefore(newest.numbers.period)))
      return before.length > now.length ? before : now
    },
    /**
     * What offices said they cost: the newest month up to `period` of which any of those that fit said something, looking at three months. `served`: how many that fit finished turns in
     * that month.
     */
    async costsUpTo(
      period: string,
      fits: (office: string) => boolean,
    ): Promise<{ readonly period: string; readonly costs: readonly Cost[]; readonly served: number } | null> {
      const months = (await costMonths('')).filter((m) => m <= period).slice(0, 3)
      for (const month of months) {
        const costs = (await costsIn(month)).filter((c) => c.turns > 0 && fits(c.office))
        if (costs.length === 0) continue
        const offices = (await table(month))?.numbers.offices ?? []
        return { period: month, costs, served: offices.filter((o) => (o.finished.done ?? 0) > 0 && fits(o.office)).length }
      }
      return null
    },
    /** An office's. */
    officeMonths: (office: string, most = 13) => months<OfficeRow>('office', office, (t) => t.offices.get(office), most),
  }
}

export type TablesDeps = { readonly db: Db; readonly clock: Clock; readonly catalogue: Pick<Catalogue, 'history' | 'version' | 'places'> }
/** What `openTables` gives. */
export type Tables = ReturnType<typeof openTables>
