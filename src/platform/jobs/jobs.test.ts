import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { openJobs } from './index.ts'

const quiet = { info() {}, warn() {}, error() {} }

async function until(true_: () => boolean, ms = 8_000) {
  for (const end = Date.now() + ms; !true_() && Date.now() < end; ) await sleep(20)
}

describe('jobs', () => {
  let on: TestDatabase
  before(async () => {
    on = await testDatabase()
    await on.db.query('create table done (what text)')
  })
  after(() => on.close())
  const clear = () => on.db.query('delete from pgboss.job; delete from pgboss.schedule')

  test('a job exists exactly when the transaction that added it commits', async () => {
    const jobs = openJobs(on.db, quiet)
    const ran: string[] = []
    jobs.handle<{ what: string }>('test/first', async ({ what }) => void ran.push(what))
    await on.db.tx((tx) => jobs.add(tx, 'test/first', { what: 'committed' }))
    await assert.rejects(
      on.db.tx(async (tx) => {
        await jobs.add(tx, 'test/first', { what: 'rolled back' })
        throw new Error('no')
      }),
    )
    await jobs.drain()
    assert.deepEqual(ran, ['committed'])
    await jobs.stop()
  })

  test('many jobs are added by one statement and all run', async () => {
    await clear()
    const jobs = openJobs(on.db, quiet)
    let sum = 0
    jobs.handle<{ n: number }>('test/many', async ({ n }) => void (sum += n), { batch: 50 })
    jobs.handle('test/other', async () => void sum++)
    await jobs.addMany(
      on.db,
      'test/many',
      Array.from({ length: 256 }, (_, n) => ({ n })),
    )
    await jobs.addAll(on.db, [
      { name: 'test/many', data: { n: 1_000 } },
      { name: 'test/other', data: {} },
    ])
    await jobs.drain()
    assert.equal(sum, (255 * 256) / 2 + 1_001)
    await jobs.stop()
  })

  test('a name without a handler is refused when it is added', async () => {
    const jobs = openJobs(on.db, quiet)
    await assert.rejects(jobs.add(on.db, 'test/nobody', {}), /Nothing handles the job test\/nobody/)
  })

  test('a waiting job without a handler stops the start and is named', async () => {
    await clear()
    const former = openJobs(on.db, quiet)
    former.handle('test/removed', async () => {})
    await former.add(on.db, 'test/removed', {})
    const jobs = openJobs(on.db, quiet)
    jobs.handle('test/first', async () => {})
    await assert.rejects(jobs.start(), /test\/removed \(1\)/)
    await clear()
  })

  test('a job with a key waits once; without a key each one counts', async () => {
    await clear()
    const jobs = openJobs(on.db, quiet)
    let ran = 0
    jobs.handle('test/keyed', async () => void ran++)
    await jobs.add(on.db, 'test/keyed', {}, { key: 'a' })
    await jobs.add(on.db, 'test/keyed', {}, { key: 'a' })
    await jobs.add(on.db, 'test/keyed', {}, { key: 'b' })
    await jobs.add(on.db, 'test/keyed', {})
    await jobs.add(on.db, 'test/keyed', {})
    await jobs.drain()
    assert.equal(ran, 4)
    await jobs.add(on.db, 'test/keyed', {}, { key: 'a' })
    await jobs.drain()
    assert.equal(ran, 5, 'the key is free again when its job has run')
    await jobs.stop()
  })

  test('a job for later does not run now', async () => {
    await clear()
    const jobs = openJobs(on.db, quiet)
    let ran = 0
    jobs.handle('test/later', async () => void ran++)
    await jobs.add(on.db, 'test/later', {}, { startAfter: new Date(Date.now() + 60_000) })
    await jobs.drain()
    assert.equal(ran, 0)
    await jobs.stop()
  })

  test('one failing job of a batch is tried again and leaves no data behind; the others are done', async () => {
    await clear()
    const jobs = openJobs(on.db, quiet)
    const ran: string[] = []
    let fail = true
    jobs.handle<{ what: string }>('test/fails', async ({ what }) => {
      if (what === 'bad' && fail) throw new Error('secret of Juana')
      ran.push(what)
    })
    await jobs.addMany(on.db, 'test/fails', [{ what: 'good' }, { what: 'bad' }, { what: 'fine' }])
    await assert.rejects(jobs.drain(), /secret of Juana/)
    assert.deepEqual(ran.sort(), ['fine', 'good'])
    const [row] = await on.db.query(`select state::text, retry_count, output::text from pgboss.job where data->>'what' = 'bad'`)
    assert.equal(row?.state, 'retry')
    assert.doesNotMatch(String(row?.output), /Juana/)
    fail = false
    await on.db.query(`update pgboss.job set start_after = now() where state = 'retry'`)
    await jobs.drain()
    assert.deepEqual(ran.sort(), ['bad', 'fine', 'good'])
    await jobs.stop()
  })

  test('a job whose retries are used up is kept among the dead', async () => {
    await clear()
    const jobs = openJobs(on.db, quiet)
    jobs.handle('test/hopeless', () => Promise.reject(new Error('never')), { retries: 0 })
    await jobs.add(on.db, 'test/hopeless', { id: 1 })
    await assert.rejects(jobs.drain(), /never/)
    assert.deepEqual(await jobs.backlog(), [{ name: 'test/hopeless', waiting: 0, dead: 1 }])
    await jobs.stop()
  })

  test('workers run jobs soon after the commit, retry, and finish what runs when stopped', async () => {
    await clear()
    const jobs = openJobs(on.db, quiet)
    const ran: string[] = []
    let attempts = 0
    let slowDone = false
    jobs.handle<{ what: string }>('test/soon', async ({ what }) => void ran.push(what))
    jobs.handle('test/flaky', async () => {
      if (++attempts === 1) throw new Error('first time')
    })
    jobs.handle('test/slow', async () => {
      await sleep(1_500)
      slowDone = true
    })
    jobs.every('test/nightly', '0 3 * * *', async () => {})
    await jobs.start()
    const before = Date.now()
    await on.db.tx((tx) => jobs.add(tx, 'test/soon', { what: 'x' }))
    await until(() => ran.length === 1)
    assert.ok(Date.now() - before < 900, `ran after ${Date.now() - before} ms`)
    await jobs.add(on.db, 'test/flaky', {})
    await until(() => attempts === 2)
    assert.equal(attempts, 2)
    await jobs.add(on.db, 'test/slow', {})
    await sleep(300)
    await jobs.stop()
    assert.ok(slowDone)
    const [row] = await on.db.query(`select count(*)::int as n from pgboss.job where name = 'test/slow' and state = 'completed'`)
    assert.equal(row?.n, 1)
  })

  test('a schedule nobody declares any more is taken down', async () => {
    await clear()
    const jobs = openJobs(on.db, quiet)
    jobs.handle('test/first', async () => {})
    await on.db.query(`insert into pgboss.schedule (name, cron) values ('test/nightly', '0 3 * * *')`)
    await jobs.start()
    await jobs.stop()
    assert.deepEqual(await on.db.query('select name from pgboss.schedule'), [])
  })
})
