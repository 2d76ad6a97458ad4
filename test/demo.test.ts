/** The demonstration: a day that is played once, whoever starts and however often it is cut off, and that nobody can take for a real one. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readConfig } from '#config'
import { playDemo } from '../src/demo/play.ts'
import { openParts, type Parts } from '../src/main.ts'
import { emptyDatabase, type TestDatabase } from './support/database.ts'

describe('the demonstration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-'))
  let database: TestDatabase
  let parts: Parts[] = []
  const settings = (more: Record<string, string> = {}) => ({
    VENTANILLA_DATA: folder,
    DATABASE_URL: database.url,
    VENTANILLA_LOG_LEVEL: 'silent',
    ...more,
  })
  before(async () => {
    database = await emptyDatabase()
    parts = [await openParts(readConfig(settings(), folder)), await openParts(readConfig(settings(), folder))]
  })
  after(async () => {
    for (const one of parts) await one.close()
    await database?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const count = async (what: string) => Number((await database.db.query<{ n: string }>(`select count(*) as n from ${what}`))[0]!.n)

  test('that is cut off goes on where it was, and two processes that start together play one day', { timeout: 240_000 }, async () => {
    const cut = new Error('cut off')
    await assert.rejects(
      playDemo(parts[0]!, (words) => {
        if (/12 of/.test(words)) throw cut
      }),
      cut,
    )
    assert.equal(await count('cases_case'), 12)
    const said: string[] = []
    const lists = await Promise.all(parts.map((one) => playDemo(one, (words) => said.push(words))))
    assert.deepEqual(lists[0], lists[1])
    assert.equal(said.filter((words) => /Playing/.test(words)).length, 1)
    assert.equal(await count('cases_case'), 38)
    assert.equal(await count(`cases_case where state = 'draft'`), 0)
    assert.deepEqual(
      lists[0]!.accounts.map((a) => a.email),
      ['ciudadana', 'oficial1', 'oficial2', 'supervisora', 'analista1', 'analista2', 'admin'].map((name) => `${name}@demo.invalid`),
    )
  })

  test('has a log and lines whose names begin with demo', async () => {
    await parts[0]!.publiclog.publishNow()
    assert.match(readFileSync(join(folder, 'log/checkpoint'), 'utf8'), /^demo/)
    const lines = await database.db.query<{ id: string }>('select id from cases_line')
    assert.ok(lines.length > 0)
    for (const { id } of lines) assert.match(id, /^demo/)
  })

  test('never becomes a real system', async () => {
    await assert.rejects(openParts(readConfig(settings({ VENTANILLA_DEMO: 'off' }), folder)), /can never become a real one/)
  })
})

test('a real system never becomes a demonstration', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'real-'))
  const database = await emptyDatabase()
  const settings = { VENTANILLA_DATA: folder, DATABASE_URL: database.url, VENTANILLA_LOG_LEVEL: 'silent' }
  try {
    await (await openParts(readConfig({ ...settings, VENTANILLA_DEMO: 'off' }, folder))).close()
    await assert.rejects(openParts(readConfig(settings, folder)), /is a real one: start it with VENTANILLA_DEMO=off/)
  } finally {
    await database.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
