/**
 * The database: one pool of connections to PostgreSQL 15 or later, typed queries by Kysely, plain SQL beside them, and transactions
 * that are retried when PostgreSQL asks for it and never otherwise.
 */
import { Kysely, type Transaction } from 'kysely'
import pg from 'pg'
import { GatheringClient, inTransaction, type PoolConnection, PoolDialect } from './driver.ts'

export { type CopiedTable, type CopyProgress, copyDatabase, type DatabaseCopy, RestoreError, restoreDatabase } from './backup.ts'
export { type Installation, InstallationError, installationOf, settleInstallation } from './installation.ts'
export { ifAlone, type MigrationSet, migrate, migrationSets, pendingMigrations } from './migrate.ts'
export { type RunningPostgres, startPostgres } from './postgres.ts'

/** No table is known here: each module's store declares its own and reaches them through `tablesOf`. */
// biome-ignore lint/complexity/noBannedTypes: an empty set of tables is exactly what is meant.
export type Tables = {}

/** A transaction. It is over when the function given to `db.tx` returns or throws. */
export type Tx = Transaction<Tables>

export interface Db {
  readonly kysely: Kysely<Tables>
  /**
   * Runs `work` in one transaction (read committed) and commits when it returns; whatever it throws rolls everything back and is
   * thrown on. On a deadlock or a serialisation failure (40P01, 40001) `work` runs again, at most 3 times: it may therefore run more than
   * once, and does nothing outside the transaction.
   */
  tx<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Plain SQL outside a transaction, with `$1`… for `values`. `bigint` and `numeric` arrive as strings, `date` as `YYYY-MM-DD`. */
  query<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<R[]>
  /** Connections of the pool: open, idle, and callers waiting for one. */
  pool(): { max: number; total: number; idle: number; waiting: number }
  /** Closes the pool after the running queries. Later calls fail. */
  close(): Promise<void>
}

/** The typed tables of a store, in a transaction or outside one: `tablesOf<CaseTables>(tx).selectFrom('cases_case')`. */
export function tablesOf<T>(on: Db | Tx): Kysely<T> {
  return ('kysely' in on ? on.kysely : on) as unknown as Kysely<T>
}

/**
 * Plain SQL in a transaction or outside one. With a `name` the statement is prepared once in each connection: for hot paths, and only
 * for a text that never changes under that name. Without `values` the text may hold several statements.
 */
export function queryIn<R = Record<string, unknown>>(
  on: Db | Tx | Kysely<Tables>,
  text: string,
  values?: readonly unknown[],
  name?: string,
): Promise<R[]> {
  const kysely: Kysely<Tables> = 'kysely' in on ? on.kysely : on
  return kysely.getExecutor().provideConnection(async (connection) => {
    const query = { text, ...(values ? { values: values as unknown[] } : {}), ...(name ? { name } : {}) }
    return rowsOf<R>(await (connection as PoolConnection).client.query(query))
  })
}

/** Several statements in one text give several results: their rows one after another. */
function rowsOf<R>(result: pg.QueryResult | pg.QueryResult[]): R[] {
  return Array.isArray(result) ? result.flatMap((one) => one.rows) : result.rows
}

const retriedStates = new Set(['40001', '40P01'])
const retries = 3

/** The SQLSTATE of an error that PostgreSQL sent, such as `23505` for a key that exists; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

// A date has no zone. The driver's Date at local midnight is another day elsewhere, so it stays text.
const dateOid = 1082
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === dateOid ? (text: string) => text : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

/** Opens a pool of at most `max` connections (10 by default). It connects when first used; a lost connection is replaced by the next use. */
export function openDb(url: string, { max = 10 }: { max?: number } = {}): Db {
  const pool = new pg.Pool({
    connectionString: url,
    Client: GatheringClient,
    pipeline: true,
    max,
    types,
    application_name: 'ventanilla',
    connectionTimeoutMillis: 15_000,
    idleTimeoutMillis: 30_000,
    // A process that hangs inside a transaction would otherwise hold its rows for ever.
    idle_in_transaction_session_timeout: 60_000,
  })
  // A connection may break while idle or while somebody holds it. Its user gets the error from the query; without these
  // listeners the same event would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const dialect = new PoolDialect(pool)
  const kysely = new Kysely<Tables>({ dialect })

  return {
    kysely,
    async tx(work) {
      for (let failed = 0; ; failed++) {
        try {
          return await inTransaction(kysely, dialect, work)
        } catch (error) {
          if (failed === retries || !retriedStates.has(sqlState(error) ?? '')) throw error
          // Apart by chance, so that the same two do not meet again.
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** failed))
        }
      }
    },
    async query<R>(text: string, values?: readonly unknown[]) {
      return rowsOf<R>(await pool.query(text, values as unknown[] | undefined))
    },
    pool: () => ({ max, total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async close() {
      await kysely.destroy()
      // Kysely ends only what it has used itself: plain SQL alone would leave connections, and the process waiting for them.
      if (!pool.ending) await pool.end()
    },
  }
}
