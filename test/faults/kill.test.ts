import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environment } from '#config'
import { newReference, type Reference } from '#kernel/id'
import { openTestCases } from '../../src/modules/cases/testing.ts'
import { testDatabase } from '../support/database.ts'
import { forks, missing, runKills } from './kill.ts'

const kills = environment().VENTANILLA_LONG ? 200 : 20

test(`after ${kills} kills at random moments nothing acknowledged is lost or doubled, and the log never forked`, {
  timeout: kills * 12_000 + 60_000,
}, async (t) => {
  const r = await runKills(kills, { progress: (words) => t.diagnostic(words) })
  t.diagnostic(JSON.stringify(r))
  assert.deepEqual(r.findings, [])
  assert.ok(r.filed > 2 * kills && r.served > kills / 4, `${r.filed} filed and ${r.served} served: too little went on while things died`)
  assert.ok((r.kills.postgres ?? 0) > 0 && Object.keys(r.kills).length > 2, 'PostgreSQL and several processes were killed')
})

test('a filing that is lost or doubled, a decision that is gone and a fork are each named', async () => {
  const own = await testDatabase()
  const engine = await openTestCases({ db: own.db })
  const { reference } = await engine.aSubmittedCase()
  const { reference: doubled } = await engine.aSubmittedCase()
  await engine.publiclog.publishNow()
  const head = await engine.publiclog.head()
  const seen = (root: Buffer, size = Number(head.size)) => new Map([['x', { size, root }]])
  try {
    assert.deepEqual(await missing(engine, [reference, doubled], new Map()), [])
    assert.deepEqual(await forks(engine.folder, seen(Buffer.from(head.root, 'base64'))), [])

    const lost: Reference = newReference()
    await own.db.query(
      `insert into cases_event (place, case_id, seq, at, kind) select place, id, 99, now(), 'submitted' from cases_reference where reference = $1`,
      [doubled],
    )
    const found = await missing(engine, [reference, doubled, lost], new Map([['t', 'decide']]))
    assert.equal(found.length, 3, found.join('; '))
    for (const what of [doubled, lost, 'the turn t'])
      assert.ok(
        found.some((f) => f.includes(what)),
        what,
      )
    assert.equal((await forks(engine.folder, seen(Buffer.alloc(32)))).length, 1)
    assert.equal((await forks(engine.folder, seen(Buffer.from(head.root, 'base64'), Number(head.size) + 1))).length, 1)
  } finally {
    await engine.close()
    await own.close()
  }
})
