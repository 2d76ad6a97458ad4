import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Db, openDb, queryIn } from '#db'
import { FixedClock } from '#kernel/time'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { LogBehind, readEntries, verifyLog } from './index.ts'
import { aPublicLog, aTakenTurn, unsafeAppend } from './testing.ts'

const databases: TestDatabase[] = []
async function aDatabase(): Promise<TestDatabase> {
  const made = await testDatabase()
  databases.push(made)
  return made
}
let shared: TestDatabase
before(async () => {
  shared = await aDatabase()
})
after(async () => {
  for (const d of databases) await d.close()
})

async function entriesOf(folder: string): Promise<string[]> {
  const all: string[] = []
  for await (const { bytes } of readEntries(join(folder, 'log'))) all.push(bytes.toString())
  return all
}

const append = (db: Db, log: Awaited<ReturnType<typeof aPublicLog>>['publiclog'], from: number, count: number, line?: string) =>
  db.tx((tx) =>
    log.append(
      tx,
      Array.from({ length: count }, (_, i) => aTakenTurn(from + i, line)),
    ),
  )

test('what is committed is published in its order and proved; what is rolled back never was', async () => {
  const { db } = shared
  const clock = new FixedClock('2026-11-24T00:00:00Z')
  const { publiclog, dataFolder, close } = await aPublicLog(db, { clock })
  assert.equal((await publiclog.head()).size, 0n)
  const first = await append(db, publiclog, 1, 2)
  await assert.rejects(
    db.tx(async (tx) => {
      await publiclog.append(tx, [aTakenTurn(99)])
      throw new Error('changed my mind')
    }),
  )
  await append(db, publiclog, 3, 300)
  assert.equal(await publiclog.proof(first[0]!.id), null)
  assert.equal(await publiclog.place(first[0]!.id), null)
  const promise = await publiclog.promise(first[1]!.id)
  assert.match(promise!, /^ventanilla-log-promise\/v1\ndemo\.example\/log\nbefore 2026-11-25T00:00:00Z\n/)

  await publiclog.publishNow()
  const head = await publiclog.head()
  assert.equal(head.size, 302n)
  assert.equal(await publiclog.place(first[1]!.id), 1n)
  const proof = (await publiclog.proof(first[1]!.id))!
  for (const receipt of [promise!, proof]) {
    const found = await verifyLog(dataFolder, { key: publiclog.vkey, receipt })
    assert.deepEqual(found.findings, [])
    assert.equal(found.receipt?.index, 1)
    assert.equal(found.receipt?.entry, first[1]!.bytes.toString())
    assert.equal(found.root, head.root)
    assert.ok(found.notes.some((n) => n.startsWith('Unwitnessed')))
  }
  const all = await entriesOf(dataFolder)
  assert.deepEqual(
    all.map((e) => JSON.parse(e).n),
    Array.from({ length: 302 }, (_, i) => i + 1),
  )
  // The proof of yesterday holds in the log of today.
  await append(db, publiclog, 303, 700)
  await publiclog.publishNow()
  assert.deepEqual((await verifyLog(dataFolder, { key: publiclog.vkey, receipt: proof })).findings, [])
  await close()
})

test('append refuses what is no entry, and the transaction with it', async () => {
  const { publiclog, close } = await aPublicLog(shared.db)
  await assert.rejects(
    shared.db.tx((tx) => publiclog.append(tx, [{ v: 1, type: 'turn.taken', name: 'María' }])),
    TypeError,
  )
  assert.deepEqual(await shared.db.tx((tx) => publiclog.append(tx, [])), [])
  await close()
})

test('stopped at every point, the sequencer goes on without a fork, a loss or a double', { timeout: 300_000 }, async () => {
  const { db } = await aDatabase()
  const dataFolder = await mkdtemp(join(tmpdir(), 'ventanilla-log-'))
  let countdown = Number.POSITIVE_INFINITY
  let crashedAt = ''
  const fault = (point: string) => {
    if (--countdown > 0) return
    // Files are written side by side: the first to meet its point is where it stopped.
    crashedAt ||= point
    throw new Error(`crash: ${point}`)
  }
  const seen = new Map<number, string>()
  const points = new Set<string>()
  let n = 0
  // Sizes beside the bounds of bundles and tiles, and one in the middle; at each, every point there is.
  for (const count of [255, 1, 3, 257]) {
    for (let point = 1; ; point++) {
      // Each time a process that knows nothing but what is stored: one that stops, and one that goes on.
      const stopping = (await aPublicLog(db, { dataFolder, fault })).publiclog
      const following = (await aPublicLog(db, { dataFolder })).publiclog
      await append(db, stopping, n + 1, count)
      n += count
      countdown = point
      crashedAt = ''
      await stopping.publishNow().catch((error: Error) => assert.match(error.message, /^crash/))
      countdown = Number.POSITIVE_INFINITY
      if (crashedAt) points.add(crashedAt.replace(/ tile.*/, ' tile'))
      for (const log of [stopping, following]) {
        if (log === following) await log.publishNow()
        const head = await log.head()
        if (!head.checkpoint) continue
        const other = seen.get(Number(head.size))
        assert.ok(other === undefined || other === head.root, `two roots for ${head.size}, crashed at ${crashedAt}`)
        seen.set(Number(head.size), head.root)
        assert.deepEqual((await verifyLog(dataFolder, { key: log.vkey })).findings, [], `after a crash at ${crashedAt}`)
      }
      assert.equal((await following.head()).size, BigInt(n), `after a crash at ${crashedAt}`)
      if (!crashedAt) break
    }
  }
  const ns = (await entriesOf(dataFolder)).map((e) => JSON.parse(e).n as number)
  assert.deepEqual(
    ns,
    Array.from({ length: n }, (_, i) => i + 1),
  )
  for (const step of [
    'indexing',
    'indexed',
    'written tile',
    'synced tile',
    'renamed tile',
    'tiles',
    'signing',
    'signed',
    'cosigned',
    'written checkpoint',
    'synced checkpoint',
    'renamed checkpoint',
    'published',
  ])
    assert.ok(points.has(step), `never stopped at ${step}: ${[...points]}`)
  await rm(dataFolder, { recursive: true })
})

test('killed at random moments, nothing acknowledged is lost or doubled, and no checkpoint is taken back', {
  timeout: 60_000,
}, async () => {
  const { db, url } = await aDatabase()
  const dataFolder = await mkdtemp(join(tmpdir(), 'ventanilla-log-'))
  const { publiclog } = await aPublicLog(db, { dataFolder })
  const heads: { size: number; proof: string }[] = []
  let said = 0
  for (let kill = 0; kill < 6; kill++) {
    const [last] = await db.query<{ n: string }>(
      'select (select indexed from publiclog_head) + (select count(*) from publiclog_pending) as n',
    )
    // An act may be committed and its process dead before it said so.
    assert.ok(Number(last!.n) >= said, `${said} were acknowledged, ${last!.n} are kept`)
    const child = spawn(process.execPath, [join(import.meta.dirname, 'testing-appender.ts'), url, dataFolder, String(Number(last!.n) + 1)])
    let told = ''
    child.stdout.on('data', (part) => (told += part))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 250))
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
    said = Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1))
    const found = await verifyLog(dataFolder, { key: publiclog.vkey }).catch(() => null)
    if (found) assert.deepEqual(found.findings, [])
    if (found && found.size > 0) {
      const [row] = await db.query<{ id: string }>('select ids[1] as id from publiclog_batch order by first limit 1')
      heads.push({ size: found.size, proof: (await publiclog.proof(BigInt(row!.id)))! })
    }
  }
  await publiclog.publishNow()
  const ns = (await entriesOf(dataFolder)).map((e) => JSON.parse(e).n as number)
  assert.deepEqual(
    ns,
    Array.from({ length: ns.length }, (_, i) => i + 1),
  )
  assert.ok(ns.length >= said && heads.length > 0)
  for (const { proof } of heads) assert.deepEqual((await verifyLog(dataFolder, { key: publiclog.vkey, receipt: proof })).findings, [])
  await rm(dataFolder, { recursive: true })
})

test('two sequencers compete: one order, and when one is cut off the other goes on', { timeout: 60_000 }, async () => {
  const { db, url } = await aDatabase()
  const dataFolder = await mkdtemp(join(tmpdir(), 'ventanilla-log-'))
  const pools = [openDb(url, { max: 4 }), openDb(url, { max: 4 })]
  const logs = await Promise.all(pools.map((p) => aPublicLog(p, { dataFolder, intervalMs: 5 })))
  await Promise.all(logs.map((l) => l.publiclog.startSequencer()))
  const acts = (line: string) =>
    (async () => {
      for (let n = 1; n <= 60; n++) {
        await append(db, logs[n % 2]!.publiclog, n, 1, line)
        if (n === 30 && line === 'demo/a')
          await db.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()`)
      }
    })()
  await Promise.all(['demo/a', 'demo/b', 'demo/c'].map(acts))
  await logs[0]!.publiclog.publishNow()
  await Promise.all(logs.map((l) => l.publiclog.stop()))
  const found = await verifyLog(dataFolder, { key: logs[0]!.publiclog.vkey })
  assert.deepEqual([found.findings, found.size], [[], 180])
  const last = new Map<string, number>()
  for (const e of await entriesOf(dataFolder)) {
    const { line, n } = JSON.parse(e)
    assert.equal(n, (last.get(line) ?? 0) + 1, `the order of ${line}`)
    last.set(line, n)
  }
  await Promise.all(pools.map((p) => p.close()))
  await rm(dataFolder, { recursive: true })
})

test('an act that commits late does not let a later act of its line go first', async () => {
  const { db } = await aDatabase()
  const { publiclog, dataFolder, close } = await aPublicLog(db)
  await db.query('create table line (id text primary key, n integer not null)')
  await db.query(`insert into line values ('demo/a', 0), ('demo/b', 0)`)
  const act = (line: string, hold: Promise<void>) =>
    db.tx(async (tx) => {
      const [row] = await queryIn<{ n: number }>(tx, 'update line set n = n + 1 where id = $1 returning n', [line])
      await publiclog.append(tx, [aTakenTurn(row!.n, line)])
      await hold
    })
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  // Takes its id first and commits last.
  const slow = act('demo/a', held)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const waiting = act('demo/a', Promise.resolve())
  await act('demo/b', Promise.resolve())
  await publiclog.publishNow()
  assert.equal((await publiclog.head()).size, 1n)
  release()
  await Promise.all([slow, waiting])
  await publiclog.publishNow()
  assert.deepEqual(
    (await entriesOf(dataFolder)).map((e) => [JSON.parse(e).line, JSON.parse(e).n]),
    [
      ['demo/b', 1],
      ['demo/a', 1],
      ['demo/a', 2],
    ],
  )
  await close()
})

test('partial tiles go when the full one is published, and older proofs still find theirs', async () => {
  const { db } = await aDatabase()
  const { publiclog, dataFolder, close } = await aPublicLog(db)
  const first = await append(db, publiclog, 1, 200)
  await publiclog.publishNow()
  const older = await readFile(join(dataFolder, 'log/checkpoint'))
  await append(db, publiclog, 201, 100)
  await publiclog.publishNow()
  assert.deepEqual((await readdir(join(dataFolder, 'log/tile/entries'))).sort(), ['000', '001.p'])
  assert.deepEqual((await readdir(join(dataFolder, 'log/tile/0'))).sort(), ['000', '001.p'])
  assert.deepEqual((await verifyLog(dataFolder, { key: publiclog.vkey, receipt: (await publiclog.proof(first[0]!.id))! })).findings, [])
  // A reader who still has the older checkpoint reads on.
  await writeFile(join(dataFolder, 'log/checkpoint'), older)
  const found = await verifyLog(dataFolder, { key: publiclog.vkey })
  assert.deepEqual([found.findings, found.size], [[], 200])
  await close()
})

test('a lost folder is written again from the database, byte for byte', async () => {
  const { db } = await aDatabase()
  const { publiclog, dataFolder, close } = await aPublicLog(db)
  await append(db, publiclog, 1, 600)
  await publiclog.publishNow()
  const was = await publiclog.head()
  const tile = await readFile(join(dataFolder, 'log/tile/entries/001'))
  await rm(join(dataFolder, 'log'), { recursive: true })
  await publiclog.publishNow()
  assert.deepEqual(await publiclog.head(), was)
  assert.deepEqual(await readFile(join(dataFolder, 'log/tile/entries/001')), tile)
  assert.deepEqual((await verifyLog(dataFolder, { key: publiclog.vkey })).findings, [])
  await close()
})

test('a folder of another log, and a database of another log, are refused', async () => {
  const { db } = await aDatabase()
  const { publiclog, dataFolder, close } = await aPublicLog(db)
  await publiclog.publishNow()
  const renamed = await aPublicLog(db, { origin: 'other.example/log' })
  await assert.rejects(renamed.publiclog.startSequencer(), /keeps the log demo\.example\/log/)
  const elsewhere = await aPublicLog((await aDatabase()).db, { dataFolder, origin: 'other.example/log' })
  await assert.rejects(elsewhere.publiclog.startSequencer(), /not signed by this log/)
  await close()
})

test('a database behind its published log refuses to start, names recover, and recovers by it', async () => {
  const { db, url } = await aDatabase()
  const { publiclog, dataFolder, close } = await aPublicLog(db)
  await append(db, publiclog, 1, 300)
  await publiclog.publishNow()
  // The copy is taken with two acts committed that have no index yet, and one that will have an index and not be published.
  await append(db, publiclog, 301, 2)
  const copied = new Map<string, unknown[]>()
  for (const table of ['publiclog_pending', 'publiclog_batch', 'publiclog_head'])
    copied.set(table, await db.query(`select * from ${table}`))
  const sequence = await db.query<{ v: string }>(`select last_value as v from publiclog_pending_id_seq`)
  await append(db, publiclog, 303, 698)
  await publiclog.publishNow()
  const lost = await append(db, publiclog, 1001, 1)
  const held = (await publiclog.promise(lost[0]!.id))!
  const published = await publiclog.head()
  assert.equal(published.size, 1000n)

  // Back to the copy.
  await db.query('truncate publiclog_pending, publiclog_batch, publiclog_head')
  for (const [table, rows] of copied)
    for (const row of rows as Record<string, unknown>[]) {
      const names = Object.keys(row)
      await db.query(
        `insert into ${table} (${names}) ${table === 'publiclog_pending' ? 'overriding system value' : ''} values (${names.map((_, i) => `$${i + 1}`)})`,
        Object.values(row),
      )
    }
  await db.query(`select setval('publiclog_pending_id_seq', $1)`, [sequence[0]!.v])

  const again = (await aPublicLog(db, { dataFolder })).publiclog
  await assert.rejects(again.startSequencer(), (e: Error) => e instanceof LogBehind && /recover/.test(e.message))
  await assert.rejects(again.publishNow(), LogBehind)

  const replayed: number[] = []
  const recovery = await again.recovery(dataFolder)
  assert.deepEqual([recovery.from, recovery.size], [300n, 1000n])
  // Stopped half way it goes on where it was.
  let portions = 0
  await assert.rejects(
    recovery.run(
      async () => {
        if (++portions === 2) throw new Error('stopped')
        replayed.push(0)
      },
      async () => {},
      '2026-11-24T10:00Z',
    ),
    /stopped/,
  )
  replayed.length = 0
  const ids: bigint[] = []
  const more = await again.recovery(dataFolder)
  await more.run(
    async (_tx, entries) => {
      for (const e of entries) {
        replayed.push(JSON.parse(e.bytes.toString()).n)
        ids.push(e.id)
      }
    },
    async () => {},
    '2026-11-24T10:00Z',
  )
  assert.deepEqual([more.from, replayed.length > 0, replayed.at(-1)], [BigInt(1000 - replayed.length), true, 1000])
  await append(db, again, 1001, 1)
  await again.publishNow()
  assert.equal(await again.place(ids.at(-1)!), 999n)

  const all = (await entriesOf(dataFolder)).map((e) => JSON.parse(e))
  assert.deepEqual(
    all.map((e) => e.n ?? e.type),
    [...Array.from({ length: 1000 }, (_, i) => i + 1), 'log.recovered', 1001],
  )
  assert.deepEqual([all[1000].from, all[1000].size], [Number(more.from), 1000])
  assert.deepEqual((await verifyLog(dataFolder, { key: again.vkey })).findings, [])
  // The same act was made again after the recovery; an act that nobody made again would leave a broken promise.
  const afterwards = new Date('2027-01-01T00:00:00Z')
  assert.deepEqual((await verifyLog(dataFolder, { key: again.vkey, receipt: held, now: afterwards })).findings, [])
  assert.deepEqual(await db.query('select 1 from publiclog_pending'), [])
  assert.ok(url)
  await close()
})

test('verify-log finds what was changed, cut off, forked or never kept', async () => {
  const { db } = await aDatabase()
  const { publiclog, dataFolder, close } = await aPublicLog(db)
  await append(db, publiclog, 1, 300)
  const promised = await append(db, publiclog, 301, 1)
  const promise = (await publiclog.promise(promised[0]!.id))!
  await publiclog.publishNow()
  const proof = (await publiclog.proof(promised[0]!.id))!
  const kinds = async (spoil: (folder: string) => Promise<void>, options = {}) => {
    const copy = await mkdtemp(join(tmpdir(), 'ventanilla-copy-'))
    await cp(join(dataFolder, 'log'), copy, { recursive: true })
    await spoil(copy)
    const found = await verifyLog(copy, { key: publiclog.vkey, ...options })
    await rm(copy, { recursive: true })
    assert.equal(found.ok, found.findings.length === 0)
    return found.findings.map((f) => f.kind)
  }
  const flip = (path: string, at: number) => async (folder: string) => {
    const bytes = await readFile(join(folder, path))
    bytes[at]! ^= 1
    await writeFile(join(folder, path), bytes)
  }
  assert.deepEqual(await kinds(async () => {}), [])
  assert.deepEqual(await kinds(flip('tile/entries/000', 60)), ['entries'])
  assert.deepEqual(await kinds(flip('tile/entries/000', 0)), ['entries'])
  assert.deepEqual(await kinds(flip('tile/0/000', 40)), ['entries', 'tile', 'root'])
  assert.deepEqual(await kinds(flip('tile/1/000.p/1', 0)), ['tile'])
  assert.deepEqual(await kinds((f) => rm(join(f, 'tile/1/000.p'), { recursive: true })), ['tile'])
  assert.deepEqual(await kinds((f) => rm(join(f, 'tile/entries/001.p'), { recursive: true })), ['entries'])
  assert.deepEqual(await kinds(flip('checkpoint', 2)), ['checkpoint'])
  // Whatever byte of it: also where it is no checkpoint any more.
  const { length } = await readFile(join(dataFolder, 'log/checkpoint'))
  for (let at = 0; at < length; at++) assert.deepEqual((await kinds(flip('checkpoint', at)))[0], 'checkpoint', `byte ${at}`)
  // What is longer than its kind can be, and what never ends, is damaged or not there, and is never read to its end.
  assert.deepEqual(await kinds((f) => truncate(join(f, 'tile/entries/000'), 10 * 2 ** 30)), ['entries'])
  assert.deepEqual(await kinds((f) => truncate(join(f, 'checkpoint'), 10 * 2 ** 30)), ['checkpoint'])
  const endless = (path: string) => async (folder: string) => {
    await rm(join(folder, path))
    await symlink('/dev/zero', join(folder, path))
  }
  assert.deepEqual(await kinds(endless('tile/0/000')), ['tile'])
  await assert.rejects(kinds(endless('checkpoint')), { name: 'SourceError' })
  assert.deepEqual(await kinds(async () => {}, { receipt: 'my receipt' }), ['receipt'])
  assert.deepEqual(await kinds(async () => {}, { receipt: proof.replace('index 300', 'index 299') }), ['receipt'])
  assert.deepEqual(await kinds(async () => {}, { policy: 'quorum nobody' }), ['policy'])

  // Another log under the same key: a fork.
  const fork = await aPublicLog((await aDatabase()).db)
  await append(databases.at(-1)!.db, fork.publiclog, 1000, 301)
  await fork.publiclog.publishNow()
  const late = new Date('2100-01-01T00:00:00Z')
  assert.deepEqual(
    (await verifyLog(fork.dataFolder, { key: publiclog.vkey, receipt: proof, now: late })).findings.map((f) => f.kind),
    ['receipt'],
  )
  assert.deepEqual(
    (await verifyLog(fork.dataFolder, { key: publiclog.vkey, receipt: promise, now: late })).findings.map((f) => f.kind),
    ['promise-broken'],
  )
  const early = await verifyLog(fork.dataFolder, { key: publiclog.vkey, receipt: promise })
  assert.deepEqual([early.ok, early.notes.some((n) => /not in the log yet/.test(n))], [true, true])
  const short = await aPublicLog((await aDatabase()).db)
  await short.publiclog.publishNow()
  assert.deepEqual(
    (await verifyLog(short.dataFolder, { key: publiclog.vkey, receipt: proof })).findings.map((f) => f.kind),
    ['receipt'],
  )
  await assert.rejects(verifyLog(join(dataFolder, 'nothing')), /no checkpoint/)
  await Promise.all([close(), fork.close(), short.close()])
})

test('an entry that append would refuse can be planted by tests, and stands in the log as it is', async () => {
  const { db } = await aDatabase()
  const { publiclog, dataFolder, close } = await aPublicLog(db)
  await db.tx((tx) => unsafeAppend(tx, [Buffer.from('not an entry'), Buffer.alloc(65_535, 65), Buffer.alloc(0)]))
  await publiclog.publishNow()
  assert.deepEqual(
    (await entriesOf(dataFolder)).map((e) => e.length),
    [12, 65_535, 0],
  )
  assert.deepEqual((await verifyLog(dataFolder)).findings, [])
  await close()
})
