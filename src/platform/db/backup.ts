/**
 * The whole database as files and back, without the server's own tools: every table by COPY in PostgreSQL's text format, which all its versions read. What is copied
 * out is one snapshot; what is copied in is one transaction, so a restore is there whole or not at all.
 */
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Kysely } from 'kysely'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import type { PoolConnection } from './driver.ts'
import { type Db, queryIn, type Tables, type Tx } from './index.ts'
import { applyMigrations, type MigrationSet, migrationSets, type Recorded, recorded, underMigrationLock, unknownOf } from './migrate.ts'

/** A table as it was copied: its columns in the order of the file. */
export type CopiedTable = {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: number
  readonly file: string
}

/** What was copied out, and what it needs to be copied in. */
export type DatabaseCopy = {
  /** The major version of the server. */
  readonly postgres: number
  /** The version of the job queue's own tables. */
  readonly jobs: number
  readonly migrations: readonly Recorded[]
  /** In the order of their references: a table stands behind those it points to. */
  readonly tables: readonly CopiedTable[]
  readonly sequences: readonly { readonly schema: string; readonly name: string; readonly value: string; readonly called: boolean }[]
}

/** The database cannot take this copy. Its message names the fix. */
export class RestoreError extends Error {
  override name = 'RestoreError'
}

/** Told after each table: which, and how many of how many are done. */
export type CopyProgress = (table: string, rows: number, done: number, all: number) => void

// The queue makes these anew by itself: they hold its own version, days of measurements, and which processes ran.
const queueOwn = ['version', 'queue_stats', 'bam', 'instance', 'warning', 'subscription']

type FoundTable = { schema: string; name: string; columns: string[]; after: string[] }

/** Every table that is copied, partitions as the table they belong to, in the order of their references. */
async function tablesOf(on: Kysely<Tables>): Promise<FoundTable[]> {
  const found = await queryIn<FoundTable>(
    on,
    `select n.nspname as schema, c.relname as name,
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns,
       array(select distinct format('%s.%s', tn.nspname, t.relname) from pg_constraint k
             join pg_class t on t.oid = k.confrelid join pg_namespace tn on tn.oid = t.relnamespace
             where k.contype = 'f' and k.confrelid <> c.oid
               and (k.conrelid = c.oid or k.conrelid in (select inhrelid from pg_inherits where inhparent = c.oid))) as after
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in (current_schema(), 'pgboss') and c.relkind in ('r', 'p') and not c.relispartition
       and not (n.nspname = 'pgboss' and c.relname = any($1)) and not (n.nspname = current_schema() and c.relname = 'migrations')
     order by 1 desc, 2`,
    [queueOwn],
  )
  const ordered: FoundTable[] = []
  const placed = new Set<string>()
  for (let left = found; left.length > 0; ) {
    const ready = left.filter((t) => t.after.every((name) => placed.has(name)))
    if (ready.length === 0) throw new Error(`These tables point at one another in a circle: ${left.map((t) => t.name).join(', ')}.`)
    for (const t of ready) placed.add(`${t.schema}.${t.name}`)
    ordered.push(...ready)
    left = left.filter((t) => !ready.includes(t))
  }
  return ordered
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
const tableName = (t: { schema: string; name: string }) => `${quoted(t.schema)}.${quoted(t.name)}`
const columnList = (columns: readonly string[]) => columns.map(quoted).join(', ')

/**
 * Copies the whole database out as of one moment, while others go on writing. `begin` gives a place for each file (`<schema>.<table>.copy`) and
 * is answered by a stream that is whole when it has ended; `inSnapshot` may read more as of the same moment. Memory does not grow with the tables.
 */
export async function copyDatabase<T>(
  db: Db,
  begin: (file: string) => Writable,
  inSnapshot: (tx: Tx) => Promise<T>,
  progress: CopyProgress = () => {},
): Promise<DatabaseCopy & { readonly more: T }> {
  return db.kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      // The snapshot is taken by the first statement.
      const more = await inSnapshot(tx)
      const [server] = await queryIn<{ major: number }>(tx, `select current_setting('server_version_num')::integer / 10000 as major`)
      const [queue] = await queryIn<{ version: number }>(tx, 'select version from pgboss.version')
      const migrations = await recorded(tx)
      const found = await tablesOf(tx)
      const tables: CopiedTable[] = []
      for (const { schema, name, columns } of found) {
        const file = `${schema}.${name}.copy`
        const rows = await tx.getExecutor().provideConnection((connection) =>
          (connection as PoolConnection).alone(async (client) => {
            const out = client.query(copyTo(`copy (select ${columnList(columns)} from ${tableName({ schema, name })}) to stdout`))
            await pipeline(out, begin(file))
            return out.rowCount
          }),
        )
        tables.push({ schema, name, columns, rows, file })
        progress(`${schema}.${name}`, rows, tables.length, found.length)
      }
      // Sequences stand outside of snapshots: read last, they are never behind a row that was copied.
      const sequences: DatabaseCopy['sequences'][number][] = []
      for (const { schema, name } of await queryIn<{ schema: string; name: string }>(
        tx,
        `select schemaname::text as schema, sequencename::text as name from pg_sequences where schemaname in (current_schema(), 'pgboss') order by 1, 2`,
      )) {
        const [at] = await queryIn<{ value: string; called: boolean }>(
          tx,
          `select last_value::text as value, is_called as called from ${tableName({ schema, name })}`,
        )
        sequences.push({ schema, name, ...at! })
      }
      return { postgres: server!.major, jobs: queue!.version, migrations, tables, sequences, more }
    })
}

/**
 * Copies a database in: into one that nothing was ever started on, under the lock of migrations, first to the tables as they were, then to those of this release. Throws a
 * `RestoreError`, having changed no row, when the database is in use or of another release than can be reached. What fails half way leaves no row either.
 * `before` runs when the database is known to be empty, under the same lock.
 */
export async function restoreDatabase(
  db: Db,
  copy: DatabaseCopy,
  open: (file: string) => Readable,
  {
    sets = migrationSets(),
    before = async () => {},
    progress = () => {},
  }: { sets?: readonly MigrationSet[]; before?: () => Promise<void>; progress?: CopyProgress } = {},
): Promise<void> {
  const strange = unknownOf(sets, copy.migrations)
  if (strange.length > 0)
    throw new RestoreError(
      `The backup was made by a release with other tables (${strange.join(', ')}). Restore it with that release or a newer one.`,
    )
  await underMigrationLock(db, async (on) => {
    await refuseInUse(on, copy)
    await before()
    await applyMigrations(on, sets, copy.migrations)
    await on.transaction().execute(async (tx) => {
      const there = new Map((await tablesOf(tx)).map((t) => [`${t.schema}.${t.name}`, t]))
      for (const t of copy.tables) {
        const own = there.get(`${t.schema}.${t.name}`)
        if (!own || t.columns.some((c) => !own.columns.includes(c)))
          throw new RestoreError(
            `The table ${t.schema}.${t.name} of the backup does not exist so in this release${t.schema === 'pgboss' ? ', whose job queue is newer' : ''}. Restore with the release that made the backup, then start the new one.`,
          )
      }
      // Rows that migrations put there by themselves; the copy has them as they were.
      await queryIn(tx, `truncate ${[...there.values()].map(tableName).join(', ')} cascade`)
      for (const [i, t] of copy.tables.entries()) {
        const rows = await tx.getExecutor().provideConnection((connection) =>
          (connection as PoolConnection).alone(async (client) => {
            const into = client.query(copyFrom(`copy ${tableName(t)} (${columnList(t.columns)}) from stdin`))
            await pipeline(open(t.file), into)
            return into.rowCount
          }),
        )
        if (rows !== t.rows) throw new RestoreError(`${t.file} has ${rows} rows, not ${t.rows}. The backup is damaged.`)
        progress(`${t.schema}.${t.name}`, rows, i + 1, copy.tables.length)
      }
      for (const s of copy.sequences) {
        // A newer release may have dropped one.
        await queryIn(tx, `select setval(to_regclass($1), $2::bigint, $3) where to_regclass($1) is not null`, [
          tableName(s),
          s.value,
          s.called,
        ])
      }
    })
    await applyMigrations(on, sets)
    await queryIn(on, 'analyze')
  })
}

async function refuseInUse(on: Kysely<Tables>, copy: DatabaseCopy): Promise<void> {
  const tables = await queryIn<{ name: string }>(
    on,
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition`,
  )
  const names = new Set(tables.map((t) => t.name))
  const fresh = 'Restore into a new, empty database, or move the folder <data>/postgres away.'
  if (names.size > 0 && !names.has('migrations')) throw new RestoreError(`This database holds tables of something else. ${fresh}`)
  if (names.has('db_installation') && (await queryIn(on, 'select from db_installation')).length > 0)
    throw new RestoreError(`This database is in use: nothing was restored. ${fresh}`)
  const wanted = new Set(copy.migrations.map((m) => `${m.module}/${m.number}`))
  if (names.has('migrations') && (await recorded(on)).some((m) => !wanted.has(`${m.module}/${m.number}`)))
    throw new RestoreError(`This database was prepared by a newer release than the backup's. ${fresh}`)
}
