/** The way out and back: a backup taken while people file is whole, and a restore is all of it or nothing. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Db } from '#db'
import { verifyLog } from '#publiclog'
import { takeBackup } from '../../src/commands/backup.ts'
import { restoreBackup } from '../../src/commands/restore.ts'
import { openTestCases, type TestCases } from '../../src/modules/cases/testing.ts'
import { emptyDatabase, type TestDatabase, testDatabase } from '../support/database.ts'

const scratch = mkdtempSync(join(tmpdir(), 'vt-backup-'))
const logOrigin = 'test.example/log'
let own: TestDatabase
let engine: TestCases
const opened: TestDatabase[] = []

before(async () => {
  own = await testDatabase()
  await own.db.query(`insert into db_installation (demo, log_origin, made_at) values (false, $1, now())`, [logOrigin])
  engine = await openTestCases({ db: own.db })
})
after(async () => {
  await engine?.close()
  for (const one of opened) await one.close()
  await own?.close()
  rmSync(scratch, { recursive: true, force: true })
})

const source = () => ({ db: own.db, data: engine.folder, keys: join(engine.folder, 'keys'), demo: false, logOrigin })
async function emptyPlace() {
  const database = await emptyDatabase()
  opened.push(database)
  const data = mkdtempSync(join(scratch, 'data-'))
  return { db: database.db, data, keys: join(data, 'keys') }
}

/** A digest of every row of every table, and of every sequence. */
async function contents(db: Db): Promise<Record<string, string>> {
  const tables = await db.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('public', 'pgboss') and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('migrations', 'version', 'queue_stats', 'bam', 'instance', 'warning') order by 1`,
  )
  const found: Record<string, string> = {}
  for (const { name } of tables) {
    const [row] = await db.query<{ digest: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest from ${name} t`,
    )
    found[name] = row!.digest
  }
  const sequences = await db.query<{ name: string; value: string }>(
    `select sequencename as name, last_value::text as value from pg_sequences order by 1`,
  )
  for (const { name, value } of sequences) found[`sequence ${name}`] = value
  return found
}

describe('a backup', () => {
  test('of a system at rest comes back row for row, with its attachments, and its log verifies by itself', async () => {
    const { reference, applicant } = await engine.aSubmittedCase()
    await engine.publiclog.publishNow()
    const folder = join(scratch, 'at-rest')
    const manifest = await takeBackup(source(), folder, { withKeys: true })
    const log = await verifyLog(folder)
    assert.deepEqual([log.ok, log.size], [true, manifest.log.size])
    assert.ok(manifest.log.size > 0)
    const sums = spawnSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' })
    assert.equal(sums.status, 0, sums.stderr)

    const to = await emptyPlace()
    const restored = await restoreBackup(to, folder)
    const files = (at: string) => readdirSync(at, { recursive: true }).map(String).sort()
    assert.deepEqual(files(to.keys), files(source().keys), 'the keys, and those of the authority in their folder')
    assert.deepEqual(await contents(to.db), await contents(own.db))
    assert.deepEqual([restored.behind, restored.keys], [false, true])
    assert.equal(readdirSync(to.keys).length, readdirSync(join(engine.folder, 'keys')).length)

    const other = await engine.cases.filings.read(applicant, reference)
    const paper = other.files[0]!
    const { openFiles } = await import('#files')
    let size = 0
    for await (const chunk of openFiles(to.data).read(paper.id, other.vault.key)) size += (chunk as Buffer).length
    assert.equal(size, paper.size)
  })

  test('taken while people file is one moment: every line, event and log entry of it agree', async () => {
    const folder = join(scratch, 'while-running')
    let stop = false
    const drafts = await Promise.all(Array.from({ length: 24 }, async () => ({ by: await engine.aPerson() })))
    const references = []
    for (const { by } of drafts) references.push({ person: by.person, reference: await engine.aDraft(by) })
    const filing = (async () => {
      for (const one of references) {
        await engine.cases.submit(one)
        if (stop) return
      }
    })()
    await takeBackup(source(), folder, {})
    stop = true
    await filing

    const to = await emptyPlace()
    await restoreBackup(to, folder)
    const [line] = await to.db.query<{ n: string; turns: string; living: string }>(
      `select n, living, (select count(*) from cases_turn where state = 'waiting') as turns from cases_line`,
    )
    assert.equal(line!.living, line!.turns)
    const [cases] = await to.db.query<{ filed: string; events: string }>(
      `select (select count(*) from cases_case where state = 'open') as filed, (select count(*) from cases_event where kind = 'submitted') as events`,
    )
    assert.equal(cases!.filed, cases!.events)
    const [files] = await to.db.query<{ ids: string[] }>('select array_agg(id) as ids from cases_file')
    for (const id of files!.ids) assert.ok(existsSync(join(to.data, 'files', id.slice(0, 2), id)), `the attachment ${id} of a row is there`)
    assert.ok(!existsSync(to.keys), 'keys are not in a backup unless asked for')
  })

  test('that is damaged anywhere restores nothing', async () => {
    const folder = join(scratch, 'damaged')
    const manifest = await takeBackup(source(), folder, {})
    const table = manifest.database.tables.find((t) => t.name === 'people_person')!
    appendFileSync(join(folder, 'database', `${table.file}.gz`), 'x')
    const to = await emptyPlace()
    await assert.rejects(restoreBackup(to, folder), { name: 'BackupError', message: /people_person.*damaged/ })
    rmSync(join(folder, 'database', `${table.file}.gz`))
    await assert.rejects(restoreBackup(to, folder), { name: 'BackupError', message: /missing/ })
    writeFileSync(join(folder, 'SHA256SUMS'), readFileSync(join(folder, 'SHA256SUMS'), 'utf8').split('\n').slice(1).join('\n'))
    await assert.rejects(restoreBackup(to, folder), { name: 'BackupError', message: /SHA256SUMS/ })
    assert.deepEqual(await to.db.query(`select 1 from pg_class where relnamespace = 'public'::regnamespace`), [])
  })

  test('is not written over another, and one that fails leaves nothing', async () => {
    const folder = join(scratch, 'twice')
    await takeBackup(source(), folder, {})
    await assert.rejects(takeBackup(source(), folder, {}), { name: 'BackupError', message: /not an empty folder/ })
    await assert.rejects(takeBackup({ ...source(), keys: join(scratch, 'nowhere') }, join(scratch, 'no-keys'), { withKeys: true }))
    assert.deepEqual(
      readdirSync(scratch).filter((name) => name.includes('no-keys')),
      [],
    )
  })
})

describe('a restore', () => {
  test('into a database in use, of something else, or of another release is refused with the way out', async () => {
    const folder = join(scratch, 'refused')
    await takeBackup(source(), folder, {})
    await assert.rejects(restoreBackup({ ...source() }, folder), { name: 'RestoreError', message: /in use.*new, empty database/ })
    const strange = await emptyPlace()
    await strange.db.query('create table something_else (id integer)')
    await assert.rejects(restoreBackup(strange, folder), { name: 'RestoreError', message: /something else/ })
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
    manifest.database.migrations.push({ module: 'cases', number: 9999, name: '9999-later.sql', hash: 'x' })
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest))
    await assert.rejects(restoreBackup(await emptyPlace(), folder), { name: 'RestoreError', message: /9999-later/ })
  })

  test('that stops half way leaves a database into which it can be run again', async () => {
    const folder = join(scratch, 'half-way')
    await takeBackup(source(), folder, {})
    const to = await emptyPlace()
    await assert.rejects(
      restoreBackup(to, folder, (words) => {
        if (/Table 12 of/.test(words)) throw new Error('stopped here')
      }),
      /stopped here/,
    )
    assert.deepEqual(await to.db.query('select 1 from people_person'), [])
    await restoreBackup(to, folder)
    assert.notDeepEqual(await to.db.query('select 1 from people_person'), [])
  })
})
