import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { systemClock } from '#kernel/time'
import { openWeb, type Web } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { parseVkey, verifyLog } from './index.ts'
import { keyFromSeed, parseNote, signerWith, signNote, typeCosignature, typeEd25519 } from './note.ts'
import { aPublicLog, aTakenTurn, testKey } from './testing.ts'
import { addCheckpointText } from './witness.ts'

const witnessKey = keyFromSeed(Buffer.alloc(32, 9))
const strangerKey = keyFromSeed(Buffer.alloc(32, 3))
const stranger = signerWith('stranger.example/log', typeEd25519, strangerKey)

function aWeb(): Promise<Web> {
  return openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost',
    production: false,
    demo: false,
    trustProxy: 0,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: Buffer.alloc(32),
    assetsFolder: '/nonexistent',
    log: false,
    identify: async (_request, language) => ({ person: null, session: null, language, grants: [] }),
  })
}

let database: TestDatabase
let other: TestDatabase
before(async () => {
  database = await testDatabase()
  other = await testDatabase()
})
after(async () => {
  await database.close()
  await other.close()
})

test('the log is served as tlog-tiles says, and nothing beyond the published size', async () => {
  const { publiclog, dataFolder, close } = await aPublicLog(database.db)
  const web = await aWeb()
  publiclog.register(web)
  const get = (url: string) => web.app.inject({ url })
  assert.equal((await get('/log/checkpoint')).statusCode, 404)
  await database.db.tx((tx) =>
    publiclog.append(
      tx,
      Array.from({ length: 300 }, (_, i) => aTakenTurn(i + 1)),
    ),
  )
  await publiclog.publishNow()

  const checkpoint = await get('/log/checkpoint')
  assert.equal(checkpoint.body, (await publiclog.head()).checkpoint)
  assert.match(String(checkpoint.headers['content-type']), /^text\/plain; charset=utf-8$/)
  assert.match(String(checkpoint.headers['cache-control']), /max-age=1$/)
  const tile = await get('/log/tile/0/000')
  assert.equal(tile.rawPayload.length, 8192)
  assert.equal(tile.headers['content-type'], 'application/octet-stream')
  assert.match(String(tile.headers['cache-control']), /immutable/)
  // A narrower partial of a tile that is full by now is the beginning of it.
  assert.deepEqual((await get('/log/tile/0/000.p/17')).rawPayload, tile.rawPayload.subarray(0, 17 * 32))
  const bundle = await get('/log/tile/entries/000')
  const packed = await web.app.inject({ url: '/log/tile/entries/000', headers: { 'accept-encoding': 'gzip' } })
  assert.equal(packed.headers['content-encoding'], 'gzip')
  const refused = await web.app.inject({ url: '/log/tile/entries/000', headers: { 'accept-encoding': 'gzip;q=0, identity' } })
  assert.equal(refused.headers['content-encoding'], undefined)
  assert.deepEqual(gunzipSync(packed.rawPayload), bundle.rawPayload)
  assert.ok(packed.rawPayload.length < bundle.rawPayload.length / 3)
  for (const path of [
    '0/001',
    '0/001.p/45',
    '1/000',
    '1/000.p/2',
    '2/000.p/1',
    'entries/001',
    'entries/002',
    '0/0',
    '..%2f..%2fdemo.json',
    '',
  ])
    assert.equal((await get(`/log/tile/${path}`)).statusCode, 404, path)
  assert.equal((await get('/log/key')).body, `${publiclog.vkey}\n`)
  assert.match((await get('/log/policy')).body, /quorum none/)

  const url = await web.listen()
  const found = await verifyLog(url)
  assert.deepEqual([found.ok, found.size, found.keyCompared], [true, 300, false])
  assert.deepEqual(found.root, (await verifyLog(dataFolder)).root)
  await web.close()
  await close()
})

test('a witness cosigns what extends what it saw, and answers the rest as tlog-witness says', async () => {
  const watched = await aPublicLog(other.db)
  const seen = await aPublicLog(database.db, {
    origin: 'demo.example/log',
    keys: { logSigner: testKey, witnessSigner: witnessKey },
    witnessOf: [parseVkey(watched.publiclog.vkey)!, stranger],
  })
  const web = await aWeb()
  seen.publiclog.register(web)
  const post = (body: string | Buffer, type: Record<string, string> = {}) =>
    web.app.inject({ method: 'POST', url: '/log/witness/add-checkpoint', headers: type, payload: body })

  const note = (size: number, root = Buffer.alloc(32, size)) =>
    signNote(`${stranger.name}\n${size}\n${root.toString('base64')}\n`, [stranger])
  const nobody = signerWith('nobody.example', typeEd25519, strangerKey)
  const forged = signerWith(stranger.name, typeEd25519, keyFromSeed(Buffer.alloc(32, 4)))
  const statuses: [number, string][] = [
    [400, ''],
    [400, 'old 0\n\nnot a checkpoint'],
    [400, `old 00\n\n${note(1)}`],
    [400, addCheckpointText(0, Array(64).fill(Buffer.alloc(32)), note(1))],
    [400, addCheckpointText(5, [], note(1))],
    [404, addCheckpointText(0, [], signNote(`${nobody.name}\n1\n${Buffer.alloc(32).toString('base64')}\n`, [nobody]))],
    [403, addCheckpointText(0, [], signNote(`${stranger.name}\n1\n${Buffer.alloc(32).toString('base64')}\n`, [forged]))],
    [422, addCheckpointText(0, [Buffer.alloc(32)], note(1))],
    [409, addCheckpointText(1, [], note(1))],
    [200, addCheckpointText(0, [], note(3))],
    [409, addCheckpointText(0, [], note(3))],
    [200, addCheckpointText(3, [], note(3))],
    [409, addCheckpointText(3, [], note(3, Buffer.alloc(32, 99)))],
    [422, addCheckpointText(3, [Buffer.alloc(32)], note(4))],
  ]
  for (const [status, body] of statuses) {
    const answer = await post(body, { 'content-type': 'text/plain' })
    assert.equal(answer.statusCode, status, `${body.slice(0, 80)}: ${answer.body}`)
    if (status === 409) assert.equal(answer.headers['content-type'], 'text/x.tlog.size')
  }
  assert.equal((await post(addCheckpointText(1, [], note(3)))).body, '3\n')
  assert.equal((await post(Buffer.alloc(70_000), { 'content-type': 'application/octet-stream' })).statusCode, 413)

  // The whole way: a log publishes, asks this witness, and its readers count the cosignature.
  const url = await web.listen()
  const witnessVkey = signerWith('demo.example/log/witness', typeCosignature, witnessKey).vkey
  const policy = `log ${watched.publiclog.vkey}\nwitness W ${witnessVkey} ${url}/log/witness\nquorum W\n`
  const asking = await aPublicLog(other.db, { policy, dataFolder: watched.dataFolder })
  for (const count of [3, 300, 1]) {
    const from = Number((await asking.publiclog.head()).size)
    await other.db.tx((tx) =>
      asking.publiclog.append(
        tx,
        Array.from({ length: count }, (_, i) => aTakenTurn(from + i + 1)),
      ),
    )
    await asking.publiclog.publishNow()
    const found = await verifyLog(asking.dataFolder, { key: asking.publiclog.vkey, policy })
    assert.deepEqual([found.findings, found.witnessed, found.size], [[], true, from + count])
  }
  assert.equal(parseNote((await asking.publiclog.head()).checkpoint)?.signatures.length, 2)
  // A process that knows nothing of the witness's memory learns it from the 409.
  const anew = await aPublicLog(other.db, { policy, dataFolder: watched.dataFolder })
  await other.db.tx((tx) => anew.publiclog.append(tx, [aTakenTurn(305)]))
  await anew.publiclog.publishNow()
  assert.ok((await verifyLog(anew.dataFolder, { policy })).witnessed)

  // What the witness has seen outlives the folder: a database that is older refuses to start.
  await other.db.query(`update publiclog_head set size = 0, root = null, note = null`)
  const behind = await aPublicLog(other.db, { policy })
  await assert.rejects(behind.publiclog.check(), /The witness W has seen 305 entries/)
  await web.close()

  // Without its witness the log goes on, and says so.
  const alone = await testDatabase()
  const lonely = await aPublicLog(alone.db, { policy, clock: systemClock })
  await alone.db.tx((tx) => lonely.publiclog.append(tx, [aTakenTurn(1)]))
  await lonely.publiclog.publishNow()
  const unwitnessed = await verifyLog(lonely.dataFolder)
  assert.deepEqual([unwitnessed.ok, unwitnessed.witnessed], [true, false])
  assert.equal((await verifyLog(lonely.dataFolder, { policy })).ok, false)
  await Promise.all([lonely, behind, anew, asking, seen, watched].map((l) => l.close()))
  await alone.close()
})
