/**
 * Databases for tests: each call gives a fresh one with every module's tables, cloned in some tens of milliseconds from a template that is
 * migrated once for a given set of migration files.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Db, migrate, migrationSets, openDb, type RunningPostgres, startPostgres } from '#db'
import { migrationsDigest } from '../../src/platform/db/migrate.ts'

export type TestDatabase = {
  db: Db
  url: string
  /** Closes the pool and drops the database. */
  close(): Promise<void>
}

const quiet = { info() {}, warn() {} }

/**
 * The server the tests share: `VENTANILLA_TEST_DATABASE_URL` (a superuser's or a database creator's), else an embedded one under the
 * temporary folder. This process leaves it when its work is done; the last to leave stops it.
 */
function testServer(): Promise<{ url: string }> {
  server ??= findServer()
  return server
}
let server: Promise<{ url: string }> | undefined

async function findServer(): Promise<{ url: string }> {
  const given = process.env.VENTANILLA_TEST_DATABASE_URL
  if (given) return { url: given }
  const running = await startTestPostgres()
  // Fires when nothing is left to do; a killed process leaves by losing its connection.
  process.once('beforeExit', () => running.stop())
  return running
}

/** The embedded server of all tests of this user on this computer. It does not wait for the disk. */
export function startTestPostgres(): Promise<RunningPostgres> {
  const folder = join(tmpdir(), `ventanilla-test-${userInfo().uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return startPostgres(folder, quiet, { durable: false, keepAlive: false })
}

/** A fresh, migrated database. Close it in `after`. Safe to call at the same time from many processes. */
export async function testDatabase({ max = 10 }: { max?: number } = {}): Promise<TestDatabase> {
  const { url } = await testServer()
  const name = `vt_${process.pid}_${randomBytes(6).toString('hex')}`
  await withAdmin(url, async (admin) => {
    const template = await makeTemplate(admin, url)
    await admin.query(`create database ${name} template ${template}`)
  })
  const own = databaseUrl(url, name)
  const db = openDb(own, { max })
  return {
    db,
    url: own,
    async close() {
      await db.close()
      await withAdmin(url, (admin) => admin.query(`drop database if exists ${name} with (force)`))
    },
  }
}

/** A copy of a database of `testDatabase` in which nobody is any more: close its pool first. */
export async function copyDatabase(of: string): Promise<TestDatabase> {
  const { url } = await testServer()
  const name = `vt_${process.pid}_${randomBytes(6).toString('hex')}`
  const from = /^postgres(?:ql)?:\/\/[^/]*\/([^?]*)/.exec(of)![1]!
  await withAdmin(url, (admin) => admin.query(`create database ${name} template ${from}`))
  const own = databaseUrl(url, name)
  const db = openDb(own)
  return {
    db,
    url: own,
    async close() {
      await db.close()
      await withAdmin(url, (admin) => admin.query(`drop database if exists ${name} with (force)`))
    },
  }
}

/** An empty database without any table, for tests of migration itself. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const { url } = await testServer()
  const name = `vt_${process.pid}_${randomBytes(6).toString('hex')}`
  await withAdmin(url, (admin) => admin.query(`create database ${name} template template0 encoding 'UTF8'`))
  const own = databaseUrl(url, name)
  const db = openDb(own)
  return {
    db,
    url: own,
    async close() {
      await db.close()
      await withAdmin(url, (admin) => admin.query(`drop database if exists ${name} with (force)`))
    },
  }
}

const templateLock = 7_303_014_403
let template: Promise<string> | undefined

function makeTemplate(admin: pg.Client, url: string): Promise<string> {
  template ??= templateOf(admin, url)
  return template
}

async function templateOf(admin: pg.Client, url: string): Promise<string> {
  const sets = migrationSets()
  const name = `vt_template_${createHash('sha256').update(migrationsDigest(sets)).digest('hex').slice(0, 16)}`
  await admin.query('select pg_advisory_lock($1)', [templateLock])
  try {
    await dropLeftovers(admin)
    const { rows } = await admin.query('select 1 from pg_database where datname = $1', [name])
    if (rows.length > 0) return name
    // Made aside and renamed: a template that exists is complete.
    const aside = `${name}_new`
    await admin.query(`drop database if exists ${aside} with (force)`)
    await admin.query(`create database ${aside} template template0 encoding 'UTF8'`)
    const db = openDb(databaseUrl(url, aside), { max: 1 })
    try {
      await migrate(db, sets)
    } finally {
      await db.close()
    }
    await admin.query(`alter database ${aside} rename to ${name}`)
    return name
  } finally {
    await admin.query('select pg_advisory_unlock($1)', [templateLock])
  }
}

/** Databases of test processes that were killed. */
async function dropLeftovers(admin: pg.Client): Promise<void> {
  if (process.env.VENTANILLA_TEST_DATABASE_URL) return
  const { rows } = await admin.query<{ datname: string }>(`select datname from pg_database where datname ~ '^vt_[0-9]+_'`)
  for (const { datname } of rows) {
    try {
      process.kill(Number(datname.split('_')[1]), 0)
    } catch {
      await admin.query(`drop database if exists ${datname} with (force)`)
    }
  }
}

async function withAdmin<T>(url: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: databaseUrl(url, 'postgres') })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

function databaseUrl(url: string, name: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/[^/]*\/)[^?]*/, `$1${name}`)
}
