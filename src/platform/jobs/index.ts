/**
 * Work that happens after the answer: mail, proofs, timers. A job is enqueued in the caller's transaction and exists exactly when that commits.
 * It may run twice, so its handler first looks whether the work is done. The queue is pg-boss 12 in the same database.
 */
import { type Job, PgBoss } from 'pg-boss'
import type { Logger } from 'pino'
import { type Db, queryIn, type Tx } from '#db'

export type JobOptions = {
  /** Not before this instant. */
  startAfter?: Date
  /**
   * While a job of this name and key is waiting for its first run, another is not added. The earlier one stays as it is. Transactions that add the
   * same key wait for one another, so this is not for hot paths.
   */
  key?: string
}

export type HandleOptions = {
  /** How many jobs are taken and run at the same time. 10 by default. */
  batch?: number
  /** How often a failed job is tried again: after 2 s, 4 s, 8 s and so on, at most an hour apart. 12 by default, more than half a day in all. */
  retries?: number
}

export interface Jobs {
  /** Enqueues one job in the transaction `on`, or at once when `on` is the database. Throws for a name without a handler. */
  add(on: Db | Tx, name: string, data: object, options?: JobOptions): Promise<void>
  /** Enqueues many jobs of one name by one statement. */
  addMany(on: Db | Tx, name: string, data: readonly object[]): Promise<void>
  /** Enqueues many jobs of any names by one statement. */
  addAll(on: Db | Tx, jobs: readonly ({ name: string; data: object } & JobOptions)[]): Promise<void>
  /**
   * Says what to do with the jobs of a name, `<module>/<verb-noun>`. Every process says it for every name before its first `add`; only those that
   * `start` run them. A handler that throws is tried again later; when the retries are used up the job is kept for 90 days among the dead.
   */
  handle<T extends object>(name: string, handler: (data: T) => Promise<void>, options?: HandleOptions): void
  /** A handler that runs by the clock: `cron` has five fields, in UTC. One process of all runs it. A run that was missed is not made up for. */
  every(name: string, cron: string, handler: () => Promise<void>): void
  /** Begins to run jobs. Throws when a job is waiting that nothing here handles. */
  start(): Promise<void>
  /** Takes no further job and waits at most 18 s for those that run; what is cut off then is tried again elsewhere. */
  stop(): Promise<void>
  /** For tests: runs what is due now, and what that enqueues, until nothing is left. Then throws the first error of a handler, if any. */
  drain(): Promise<void>
  /** How many jobs of each name wait to run now or are dead; names with neither are absent. */
  backlog(): Promise<{ name: string; waiting: number; dead: number }[]>
}

type Handler = { run: (data: object) => Promise<void>; batch: number; retries: number; cron?: string }

const dead = 'dead'
const daySeconds = 86_400
const stopMs = 18_000

// As pg-boss inserts them, with the defaults of each queue, but for several queues at once. A row's own policy `short` allows one waiting job a key.
const insertJobs = `
insert into pgboss.job (name, data, start_after, singleton_key, policy, created_on, retry_limit, retry_delay, retry_backoff, retry_delay_max,
  expire_seconds, deletion_seconds, keep_until, dead_letter, heartbeat_seconds)
select j.name, j.data::jsonb, coalesce(j.start_after, pgboss.job_now()), j.key, case when j.key is null then q.policy else 'short' end,
  pgboss.job_now(), q.retry_limit, q.retry_delay, q.retry_backoff, q.retry_delay_max, q.expire_seconds, q.deletion_seconds,
  coalesce(j.start_after, pgboss.job_now()) + q.retention_seconds * interval '1s', q.dead_letter, q.heartbeat_seconds
from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) as j (name, data, start_after, key)
left join pgboss.queue q on q.name = j.name
on conflict do nothing`

/** Opens the queue of a database that `migrate` has prepared. Nothing runs before `start`. */
export function openJobs(db: Db, log: Pick<Logger, 'info' | 'warn' | 'error'>): Jobs {
  const handlers = new Map<string, Handler>()
  const workers = new Map<string, string>()
  const nudges = new Map<string, NodeJS.Timeout>()
  let queues: Promise<void> | null = null
  let running: PgBoss | null = null
  let draining: PgBoss | null = null

  function declare(name: string, handler: Handler) {
    if (handlers.has(name)) throw new Error(`The job ${name} has two handlers.`)
    if (!/^[a-z-]+\/[a-z0-9-]+$/.test(name) && !/^[a-z-]+\.[a-z0-9-]+$/.test(name)) {
      throw new Error(`Name the job ${name} like cases/send-receipt, or like payment.settled when it is news.`)
    }
    handlers.set(name, handler)
    queues = null
  }

  /** The queues exist before their first job. On a connection of its own: the caller's transaction may be rolled back. */
  function ensureQueues(): Promise<void> {
    queues ??= db
      .query(
        `select pgboss.create_queue(q.name, q.options) from unnest($1::text[], $2::jsonb[]) with ordinality as q (name, options, place)
         where not exists (select from pgboss.queue had where had.name = q.name) order by place`,
        [
          [dead, ...handlers.keys()],
          [{ policy: 'standard', retentionSeconds: 90 * daySeconds }, ...[...handlers.values()].map(queueOptions)].map((o) =>
            JSON.stringify(o),
          ),
        ],
      )
      .then(
        () => {},
        (error) => {
          queues = null
          throw error
        },
      )
    return queues
  }

  async function addAll(on: Db | Tx, jobs: readonly ({ name: string; data: object } & JobOptions)[]): Promise<void> {
    if (jobs.length === 0) return
    for (const { name } of jobs) if (!handlers.has(name)) throw new Error(`Nothing handles the job ${name}.`)
    await (queues ?? ensureQueues())
    const columns = [
      jobs.map((j) => j.name),
      jobs.map((j) => JSON.stringify(j.data)),
      jobs.map((j) => j.startAfter?.toISOString() ?? null),
      jobs.map((j) => j.key ?? null),
    ]
    await queryIn(on, insertJobs, columns, 'jobs-insert')
    for (const { name, startAfter } of jobs) if (!startAfter) nudge(name)
  }

  /** A worker of this process looks soon after the caller's commit instead of at its next poll. Only a courtesy: the poll finds what this misses. */
  function nudge(name: string) {
    const worker = workers.get(name)
    if (!worker || nudges.has(name)) return
    nudges.set(
      name,
      setTimeout(() => {
        nudges.delete(name)
        running?.notifyWorker(worker)
      }, 30).unref(),
    )
  }

  /** Runs jobs side by side; each succeeds or fails alone. What a failure leaves in the database names the error and holds no data of anybody. */
  async function runAll(jobs: readonly Job<object>[], onError?: (error: unknown) => void) {
    return Promise.all(
      jobs.map(async ({ id, name, data, retryCount }) => {
        try {
          await handlers.get(name)!.run(data)
          return { id, status: 'completed' as const }
        } catch (error) {
          log.error({ err: error, job: name, attempt: retryCount + 1 }, `The job ${name} failed.`)
          onError?.(error)
          const code = (error as { code?: unknown })?.code
          return {
            id,
            status: 'failed' as const,
            output: { error: error instanceof Error ? error.name : typeof error, code: typeof code === 'string' ? code : undefined },
          }
        }
      }),
    )
  }

  function boss(options: { supervise: boolean; schedule: boolean }): PgBoss {
    const made = new PgBoss({
      ...options,
      db: { executeSql: async (text: string, values?: unknown[]) => ({ rows: await db.query(text, values) }) },
      registerInstance: false,
    })
    made.on('error', (error) => log.error({ err: error }, 'The job queue had an error.'))
    made.on('warning', (warning) => log.warn({ queue: warning }, 'The job queue warns.'))
    return made
  }

  async function refuseStrangers() {
    const strangers = await db.query<{ name: string; count: string }>(
      `select name, count(*) from pgboss.job
       where state in ('created', 'retry') and not (name = any($1::text[])) and name not like '\\_\\_pgboss\\_\\_%' group by name order by name`,
      [[dead, ...handlers.keys()]],
    )
    if (strangers.length === 0) return
    const list = strangers.map((s) => `${s.name} (${s.count})`).join(', ')
    throw new Error(`Jobs are waiting that nothing in this release handles: ${list}. Run the release that made them until they are done.`)
  }

  return {
    add: (on, name, data, options = {}) => addAll(on, [{ name, data, ...options }]),
    addMany: (on, name, data) =>
      addAll(
        on,
        data.map((d) => ({ name, data: d })),
      ),
    addAll,

    handle(name, handler, { batch = 10, retries = 12 } = {}) {
      declare(name, { run: handler as (data: object) => Promise<void>, batch, retries })
    },

    every(name, cron, handler) {
      // The next run is the retry.
      declare(name, { run: handler, batch: 1, retries: 0, cron })
    },

    async start() {
      await ensureQueues()
      await refuseStrangers()
      running = boss({ supervise: true, schedule: true })
      await running.start()
      for (const old of await running.getSchedules()) {
        if (handlers.get(old.name)?.cron) continue
        log.warn(`The schedule ${old.name} is of another release; it is taken down.`)
        await running.unschedule(old.name)
      }
      for (const [name, { batch, cron, retries }] of handlers) {
        const queue = await running.getQueue(name)
        if (queue && queue.retryLimit !== retries) await running.updateQueue(name, { retryLimit: retries })
        if (cron) await running.schedule(name, cron, null, { tz: 'UTC' })
        const options = { batchSize: batch, pollingIntervalSeconds: 1, burstWhenBatchFull: batch > 1, perJobResults: true } as const
        workers.set(name, await running.work<object>(name, options, (jobs) => runAll(jobs)))
      }
    },

    async stop() {
      for (const timer of nudges.values()) clearTimeout(timer)
      nudges.clear()
      workers.clear()
      await Promise.all([running, draining].map((one) => one?.stop({ graceful: true, timeout: stopMs, close: false })))
      running = draining = null
    },

    async drain() {
      await ensureQueues()
      draining ??= await boss({ supervise: false, schedule: false }).start()
      const errors: unknown[] = []
      for (let ran = true; ran; ) {
        ran = false
        for (const [name, { batch }] of handlers) {
          for (let jobs: Job<object>[]; (jobs = await draining.fetch<object>(name, { batchSize: batch })).length > 0; ) {
            ran = true
            for (const result of await runAll(jobs, (error) => errors.push(error))) {
              if (result.status === 'completed') await draining.complete(name, result.id)
              else await draining.fail(name, result.id, result.output)
            }
          }
        }
      }
      if (errors.length > 0) throw errors[0]
    },

    async backlog() {
      const rows = await db.query<{ name: string; waiting: string; dead: string }>(
        `select coalesce(source_name, name) as name, count(*) filter (where name <> $1 and start_after <= pgboss.job_now()) as waiting,
           count(*) filter (where name = $1) as dead
         from pgboss.job where state in ('created', 'retry') and name not like '\\_\\_pgboss\\_\\_%' group by 1 order by 1`,
        [dead],
      )
      return rows
        .map((r) => ({ name: r.name, waiting: Number(r.waiting), dead: Number(r.dead) }))
        .filter((r) => r.waiting > 0 || r.dead > 0)
    },
  }
}

function queueOptions({ retries }: Handler) {
  return {
    policy: 'standard',
    retryLimit: retries,
    retryDelay: 2,
    retryBackoff: true,
    retryDelayMax: 3_600,
    // A process that died while running it: another takes the job after this.
    expireInSeconds: 300,
    deleteAfterSeconds: daySeconds,
    deadLetter: dead,
  }
}
