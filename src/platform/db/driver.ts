import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import type { Pool, PoolClient } from 'pg'

/**
 * Kysely over a `pg` pool. Kysely's own dialect hides the client of a transaction; ours shows it, so that plain and prepared SQL
 * can run in the same transaction as typed queries.
 */
export class PoolDialect implements Dialect {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }
  createDriver(): Driver {
    return new PoolDriver(this.#pool)
  }
  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler()
  }
  createAdapter(): DialectAdapter {
    return new PostgresAdapter()
  }
  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new PostgresIntrospector(db)
  }
}

/** A connection that also gives its `pg` client. */
export class PoolConnection implements DatabaseConnection {
  readonly client: PoolClient
  /** Set when the state of the session is unknown: it is closed instead of going back to the pool. */
  broken = false

  constructor(client: PoolClient) {
    this.client = client
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { command, rowCount, rows } = await this.client.query(query.sql, query.parameters as unknown[])
    const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE'
    return changes ? { rows, numAffectedRows: BigInt(rowCount ?? 0) } : { rows: rows ?? [] }
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator, and no part of the platform streams rows.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Rows are not streamed: read them in pages.')
  }
}

class PoolDriver implements Driver {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }
  async init(): Promise<void> {}

  async acquireConnection(): Promise<PoolConnection> {
    return new PoolConnection(await this.#pool.connect())
  }
  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const { client, broken } = connection as PoolConnection
    client.release(broken)
  }
  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const level = settings.isolationLevel ? ` isolation level ${settings.isolationLevel}` : ''
    const mode = settings.accessMode ? ` ${settings.accessMode}` : ''
    await (connection as PoolConnection).client.query(`begin${level}${mode}`)
  }
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const { command } = await (connection as PoolConnection).client.query('commit')
    // A statement failed and its error was swallowed: PostgreSQL answers COMMIT with ROLLBACK, and nothing was stored.
    if (command === 'ROLLBACK') throw new Error('The transaction was rolled back: one of its statements had failed.')
  }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await (connection as PoolConnection).client.query('rollback')
    } catch {
      // The reason for rolling back is what the caller must hear; this session is thrown away.
      ;(connection as PoolConnection).broken = true
    }
  }
  async destroy(): Promise<void> {
    await this.#pool.end()
  }
}
