/** What the doctor says of a system that is well, and of each thing that can be wrong with one. */
import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { readConfig } from '#config'
import { examine, type Finding } from '../../src/commands/doctor.ts'
import { openParts } from '../../src/main.ts'
import { emptyDatabase, type TestDatabase } from '../support/database.ts'

const scratch = mkdtempSync(join(tmpdir(), 'vt-doctor-'))
const sound = join(scratch, 'sound')
let database: TestDatabase
let data = ''
let n = 0

const settings = (more: Record<string, string> = {}) => ({
  VENTANILLA_DATA: data,
  DATABASE_URL: database.url,
  VENTANILLA_DEMO: 'off',
  VENTANILLA_LOG_LEVEL: 'fatal',
  VENTANILLA_LOG_ORIGIN: 'test.example/log',
  ...more,
})
const look = (more: Record<string, string> = {}) => examine(() => readConfig(settings(more), scratch))
const of = (findings: readonly Finding[], check: string) => findings.filter((f) => f.check === check)
const only = (findings: readonly Finding[], check: string) => of(findings, check)[0]!

before(async () => {
  database = await emptyDatabase()
  data = sound
  const parts = await openParts(readConfig(settings(), scratch))
  await parts.publiclog.publishNow()
  await parts.close()
})
beforeEach(() => {
  data = join(scratch, `data-${n++}`)
  cpSync(sound, data, { recursive: true })
})
after(async () => {
  await database?.close()
  rmSync(scratch, { recursive: true, force: true })
})

describe('the doctor', () => {
  test('finds nothing wrong with a system that is well, and changes nothing', async () => {
    const before = readdirSync(data, { recursive: true }).sort()
    const findings = await look()
    assert.deepEqual(
      findings.filter((f) => f.state !== 'good'),
      [],
    )
    for (const check of [
      'node',
      'settings',
      'keys',
      'authority',
      'disk',
      'files',
      'database',
      'migrations',
      'installation',
      'clock',
      'jobs',
      'mail',
      'log',
    ])
      assert.equal(of(findings, check).length, 1, check)
    assert.deepEqual(readdirSync(data, { recursive: true }).sort(), before)
  })

  test('finds nothing wrong before the first start, and starts nothing', async () => {
    data = join(scratch, 'nowhere')
    const findings = await examine(() => readConfig({ VENTANILLA_DATA: data }, scratch))
    assert.ok(findings.every((f) => f.state === 'good'))
    assert.ok(!readdirSync(scratch).includes('nowhere'))
  })

  const broken: [what: string, check: string, state: Finding['state'], remedy: RegExp, work: () => Promise<Finding[]>][] = [
    ['a setting that does not exist', 'settings', 'wrong', /settings\.md/, () => look({ VENTANILLA_PROT: '1' })],
    [
      'a key that is gone',
      'keys',
      'wrong',
      /second copy/,
      () => {
        rmSync(join(data, 'keys', 'data-0001.key'))
        return look()
      },
    ],
    [
      'a key that others may read',
      'keys',
      'wrong',
      /chmod 600/,
      () => {
        chmodSync(join(data, 'keys', 'secret.key'), 0o644)
        return look()
      },
    ],
    [
      'an authority whose file is none',
      'authority',
      'wrong',
      /authority\.md/,
      () => {
        writeFileSync(join(data, 'keys', 'authority', 'ocsp.pem'), 'x', { mode: 0o600 })
        return look()
      },
    ],
    ['a database that does not answer', 'database', 'wrong', /DATABASE_URL/, () => look({ DATABASE_URL: 'postgresql://x@127.0.0.1:1/x' })],
    ['settings for another kind of system', 'installation', 'wrong', /VENTANILLA_DEMO=off/, () => look({ VENTANILLA_DEMO: 'on' })],
    [
      'settings for another log',
      'installation',
      'wrong',
      /VENTANILLA_LOG_ORIGIN=test/,
      () => look({ VENTANILLA_LOG_ORIGIN: 'other.example/log' }),
    ],
    [
      'a log that is not published',
      'log',
      'look',
      /role log/,
      () => {
        renameSync(join(data, 'log'), join(data, 'gone'))
        return look()
      },
    ],
    [
      'another key for the log',
      'log',
      'wrong',
      /log\.pem/,
      () => {
        cpSync(join(data, 'keys', 'seal.pem'), join(data, 'keys', 'log.pem'))
        return look()
      },
    ],
    [
      'a witness that is not there',
      'witness',
      'look',
      /Tell who runs it/,
      () => look({ VENTANILLA_WITNESSES: 'w http://127.0.0.1:1/ w+0bcd7e8b+BOm0Ux9Kc7hW9yNlQ5y6u0Q9vJ2lYfQeO2nVvYJ2xkq' }),
    ],
    [
      'uploads that nobody sweeps',
      'files',
      'look',
      /role worker/,
      () => {
        const folder = join(data, 'files', 'unfinished')
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, 'x'), '')
        utimesSync(join(folder, 'x'), 0, 0)
        return look()
      },
    ],
  ]
  for (const [what, check, state, remedy, work] of broken) {
    test(`names ${what}, and the way out`, async () => {
      const found = of(await work(), check).find((f) => f.state !== 'good')
      assert.ok(found, `nothing was found about ${check}`)
      assert.equal(found.state, state, found.says)
      assert.match(found.remedy ?? '', remedy)
    })
  }

  test('names a database behind the published log, and `recover`', async () => {
    // The log goes on without this database's knowing: its head is set back, as a restored backup's would be.
    const [head] = await database.db.query('select indexed, size, root, note from publiclog_head')
    await database.db.query('update publiclog_head set size = 0, root = null, note = null')
    const found = only(await look(), 'log')
    await database.db.query('update publiclog_head set size = $1, root = $2, note = $3', [head!.size, head!.root, head!.note])
    assert.equal(found.state, 'wrong', found.says)
    assert.match(found.remedy!, /bin\/ventanilla recover/)
  })

  test('names jobs that were given up', async () => {
    await database.db.query(
      `select pgboss.create_queue(q, '{"policy":"standard"}'::jsonb) from unnest(array['dead']) q where not exists (select from pgboss.queue where name = q)`,
    )
    await database.db.query(`insert into pgboss.job (name, data) values ('dead', '{}')`)
    const found = of(await look(), 'jobs').find((f) => f.state === 'look')
    assert.match(found?.says ?? '', /given up/)
  })
})
