/** The published tables as pages read them. Tables never change under their hash, so parsed ones are kept. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Catalogue } from '#catalogue'
import type { Db } from '#db'
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
/** A table with its rows by scope and id. */
export type OpenTable = {
  readonly numbers: Numbers
  readonly released: boolean
  /** Of its canonical bytes, as `numbers.released` bears it. */
  readonly sha256: string
  readonly rows: ReadonlyMap<string, Row>
  readonly offices: ReadonlyMap<string, OfficeRow>
}

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
  const newest = new Map<string, { at: number; table: Promise<OpenTable | null> }>()

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
      }
    }
    // The last used stands last.
    parsed.delete(key)
    parsed.set(key, table)
    if (parsed.size > kept) parsed.delete(parsed.keys().next().value!)
    return table
  }

  /** The table of a month, or the newest; null where there is none. At most `freshMs` old. */
  function table(period: string | null): Promise<OpenTable | null> {
    const id = period ?? ''
    const known = newest.get(id)
    const now = performance.now()
    if (known && now - known.at < freshMs) return known.table
    if (newest.size > 100) newest.clear()
    const found = load(period)
    newest.set(id, { at: now, table: found })
    // What failed, or is not there yet, is asked for again by the next.
    found.then(
      (t) => t ?? newest.delete(id),
      () => newest.delete(id),
    )
    return found
  }

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
    /** What offices said they cost in a month, or in the newest of which any said something; of one office where it is named. */
    async costsIn(period?: string, office?: string): Promise<Cost[]> {
      const month = period ?? (await store.costs(db, {}, 1))[0]?.period
      return month === undefined ? [] : store.costs(db, { period: month, ...(office === undefined ? {} : { office }) }, 5_000)
    },
    /** An office's. */
    officeMonths: (office: string, most = 13) => months<OfficeRow>('office', office, (t) => t.offices.get(office), most),
  }
}

export type TablesDeps = { readonly db: Db; readonly clock: Clock; readonly catalogue: Pick<Catalogue, 'history' | 'version' | 'places'> }
export type Tables = ReturnType<typeof openTables>
