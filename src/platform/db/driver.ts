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
  Transaction,
  type TransactionSettings,
} from 'kysely'
import pg, { type QueryResult as PgResult, type Pool, type PoolClient } from 'pg'

/**
 * A client whose statements go out together when they are asked for in one breath: what is sent before the program looks up again is handed to the socket in one piece.
 * With `pipeline` none waits for the answer to the one before, and each has its own answer or error.
 */
export class GatheringClient extends pg.Client {
  #gathering = false

  // The parent's many forms are all passed on as they are.
  override query(...given: unknown[]): never {
    const { stream } = (this as unknown as { connection: { stream: { cork(): void; uncork(): void } } }).connection
    if (!this.#gathering) {
      this.#gathering = true
      stream.cork()
      // After everything that runs without waiting: promises settle before the next tick is over.
      process.nextTick(() => {
        this.#gathering = false
        stream.uncork()
      })
    }
    return (super.query as (...all: unknown[]) => never)(...given)
  }
}

/** Statements are prepared under a name of their own as long as there are not more than these; a text put together anew each time would fill the server. */
const mostPrepared = 500
const prepared = new Map<string, string>()

/** The name under which each connection prepares this text once; none where the columns of its result are not spelled out, which a later release may add to. */
function nameOf(sql: string): string | undefined {
  const known = prepared.get(sql)
  if (known !== undefined || prepared.size >= mostPrepared || /(?<!count\()\*(?! from unnest)/.test(sql)) return known
  const name = `k${prepared.size}`
  prepared.set(sql, name)
  return name
}

/**
 * Kysely over a `pg` pool. Kysely's own dialect hides the client of a transaction; ours shows it, so that plain and prepared SQL
 * can run in the same transaction as typed queries.
 */
export class PoolDialect implements Dialect {
  /** It holds nothing but the pool: whoever asks for one gets the same. */
  readonly driver: Driver

  constructor(pool: Pool) {
    this.driver = new PoolDriver(pool)
  }
  createDriver(): Driver {
    return this.driver
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
  /** The answer to `begin`, which nobody waits for before the first statement is sent. */
  begun: Promise<PgResult> | null = null

  constructor(client: PoolClient) {
    this.client = client
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { command, rowCount, rows } = await this.client.query({
      text: query.sql,
      values: query.parameters as unknown[],
      name: nameOf(query.sql),
    })
    const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE'
    return changes ? { rows, numAffectedRows: BigInt(rowCount ?? 0) } : { rows: rows ?? [] }
  }

  /** Lets `work` have the connection for itself: COPY cannot stand among statements that are sent ahead. Nothing else is under way. */
  async alone<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const own = this.client as { pipeline: boolean }
    own.pipeline = false
    try {
      return await work(this.client)
    } finally {
      own.pipeline = true
    }
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
    const own = connection as PoolConnection
    own.begun = own.client.query(`begin${level}${mode}`)
    // Whoever waits for it hears of it; a connection that broke says so to the first statement too.
    own.begun.catch(() => {})
  }
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const own = connection as PoolConnection
    const [, { command }] = await Promise.all([own.begun, own.client.query('commit')])
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

/**
 * Runs `work` in a transaction whose statements are sent as they are asked for. Kysely's own sends one when the one before is answered, so that nothing would go out together. What is
 * asked for when the transaction is over (by a branch that went on after another failed) is refused and reaches no connection.
 */
export function inTransaction<Tables, T>(
  kysely: Kysely<Tables>,
  dialect: PoolDialect,
  work: (tx: Transaction<Tables>) => Promise<T>,
): Promise<T> {
  const { driver } = dialect
  const executor = kysely.getExecutor()
  return executor.provideConnection(async (connection) => {
    let over = false
    const tx = new Transaction<Tables>({
      config: { dialect },
      dialect,
      driver,
      executor: executor.withConnectionProvider({
        async provideConnection(use) {
          if (over) throw new Error('This transaction is over.')
          return use(connection)
        },
      }),
    })
    await driver.beginTransaction(connection, {})
    try {
      const result = await work(tx)
      over = true
      await driver.commitTransaction(connection)
      return result
    } catch (error) {
      over = true
      await driver.rollbackTransaction(connection)
      throw error
    }
  })
}
