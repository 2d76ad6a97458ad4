import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kysely } from 'kysely'
import { migrateJobs } from '../jobs/schema.ts'
import { type Db, queryIn, type Tables } from './index.ts'

/** The migrations of one module: files `NNNN-name.sql`, applied in the order of their numbers. */
export type MigrationSet = { module: string; folder: string }

type Migration = { module: string; number: number; name: string; sql: string; hash: string }

const source = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
// A module's tables may refer to those of the modules before it, never to later ones.
const order = ['publiclog', 'people', 'federation', 'catalogue', 'messages', 'signing', 'mandates', 'payments', 'cases', 'voice', 'insight']

/** Every folder of migrations in the source tree: the platform's parts, then the modules from the lowest to the highest. */
export function migrationSets(root = source): MigrationSet[] {
  const foldersOf = (layer: string) =>
    existsSync(join(root, layer)) ? readdirSync(join(root, layer), { withFileTypes: true }).filter((e) => e.isDirectory()) : []
  const rank = (module: string) => (order.indexOf(module) + 1 || order.length + 1).toString().padStart(3, '0') + module
  return ['platform', 'modules']
    .flatMap((layer) =>
      foldersOf(layer)
        .map((e) => ({ module: e.name, folder: join(root, layer, e.name, 'migrations') }))
        .sort((a, b) => (rank(a.module) < rank(b.module) ? -1 : 1)),
    )
    .filter((set) => existsSync(set.folder))
}

function read({ module, folder }: MigrationSet): Migration[] {
  const found = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const parts = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file)
      if (!parts) throw new Error(`${join(folder, file)}: name a migration NNNN-name.sql, such as 0001-first.sql.`)
      const sql = readFileSync(join(folder, file), 'utf8')
      return { module, number: Number(parts[1]), name: file, sql, hash: createHash('sha256').update(sql).digest('hex') }
    })
  const twice = found.find((m, i) => m.number === found[i - 1]?.number)
  if (twice) throw new Error(`${join(folder, twice.name)}: another migration has the number ${twice.number}.`)
  return found
}

/** One digest over all migrations: two trees with the same digest make the same tables. */
export function migrationsDigest(sets: readonly MigrationSet[]): string {
  const hash = createHash('sha256')
  for (const m of sets.flatMap(read)) hash.update(`${m.module}/${m.name}\0${m.hash}\n`)
  return hash.digest('hex')
}

// Any number will do as long as every release uses the same one.
const lock = 7_303_014_401

const recordTable = `create table if not exists migrations (
  module text not null,
  number integer not null,
  name text not null,
  hash text not null,
  at timestamptz not null default now(),
  primary key (module, number)
)`

/**
 * Brings the database up to `sets` and returns the names applied, such as `people/0001-first.sql`. Each file is one transaction, recorded
 * in `migrations`; what fails leaves the earlier ones in place. Processes that start together wait for one another. A migration that was applied
 * and then edited stops the start; one that only a newer release knows is left alone, so the previous release keeps running.
 */
export async function migrate(db: Db, sets: readonly MigrationSet[] = migrationSets()): Promise<string[]> {
  return underMigrationLock(db, (on) => applyMigrations(on, sets))
}

/** Runs `work` on one session that holds the lock of migrations from end to end: who starts meanwhile waits. A process that dies gives it back. */
export async function underMigrationLock<T>(db: Db, work: (on: Kysely<Tables>) => Promise<T>): Promise<T> {
  return db.kysely.connection().execute(async (on) => {
    await queryIn(on, 'select pg_advisory_lock($1)', [lock])
    try {
      return await work(on)
    } finally {
      await queryIn(on, 'select pg_advisory_unlock($1)', [lock])
    }
  })
}

/** Runs `work` unless another session holds the same lock, which is told by null. A process that dies gives it back. */
export async function ifAlone<T>(db: Db, name: number, work: () => Promise<T>): Promise<T | null> {
  return db.kysely.connection().execute(async (on) => {
    const [tried] = await queryIn<{ got: boolean }>(on, 'select pg_try_advisory_lock($1) as got', [name])
    if (!tried!.got) return null
    try {
      return await work()
    } finally {
      await queryIn(on, 'select pg_advisory_unlock($1)', [name])
    }
  })
}

/** What `migrate` does, under a lock that is held already. With `among`, only migrations that it names. */
export async function applyMigrations(
  on: Kysely<Tables>,
  sets: readonly MigrationSet[],
  among?: readonly Pick<Recorded, 'module' | 'number'>[],
): Promise<string[]> {
  const named = among && new Set(among.map((m) => `${m.module}/${m.number}`))
  const wanted = sets.flatMap(read).filter((m) => named?.has(`${m.module}/${m.number}`) ?? true)
  await queryIn(on, recordTable)
  const missing = missingOf(wanted, await recorded(on))
  for (const { module, number, name, sql, hash } of missing) {
    try {
      await queryIn(on, 'begin')
      await queryIn(on, sql)
      await queryIn(on, 'insert into migrations (module, number, name, hash) values ($1, $2, $3, $4)', [module, number, name, hash])
      await queryIn(on, 'commit')
    } catch (error) {
      await queryIn(on, 'rollback')
      throw new Error(`The migration ${module}/${name} failed: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
  await migrateJobs(async (text, values) => ({ rows: await queryIn(on, text, values) }))
  return missing.map((m) => `${m.module}/${m.name}`)
}

/** The migrations of `sets` that this database has not had; empty means that this release can run on it. */
export async function pendingMigrations(db: Db, sets: readonly MigrationSet[] = migrationSets()): Promise<string[]> {
  const [table] = await db.query<{ exists: boolean }>(`select to_regclass('migrations') is not null as exists`)
  const had = table?.exists ? await recorded(db) : []
  return missingOf(sets.flatMap(read), had).map((m) => `${m.module}/${m.name}`)
}

/** A migration that a database had. */
export type Recorded = { module: string; number: number; name: string; hash: string }

/** Every migration that this database had. */
export function recorded(on: Parameters<typeof queryIn>[0]): Promise<Recorded[]> {
  return queryIn<Recorded>(on, 'select module, number, name, hash from migrations order by module, number')
}

/** Which of `had` this release does not know, or knows otherwise. */
export function unknownOf(sets: readonly MigrationSet[], had: readonly Recorded[]): string[] {
  const known = new Map(sets.flatMap(read).map((m) => [`${m.module}/${m.number}`, m.hash]))
  return had.filter((m) => known.get(`${m.module}/${m.number}`) !== m.hash).map((m) => `${m.module}/${m.name}`)
}

function missingOf(wanted: readonly Migration[], had: readonly Recorded[]): Migration[] {
  const byKey = new Map(had.map((m) => [`${m.module}/${m.number}`, m]))
  return wanted.filter((m) => {
    const before = byKey.get(`${m.module}/${m.number}`)
    if (before && before.hash !== m.hash) {
      throw new Error(
        `The migration ${m.module}/${m.name} was changed after this database had it. Undo the change and write a new migration.`,
      )
    }
    return !before
  })
}
