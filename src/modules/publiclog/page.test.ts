import assert from 'node:assert/strict'
import { createHash, createPublicKey, verify } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { aPublicLog, aTakenTurn } from './testing.ts'

/*
 * A verifier written from docs/public-log.md alone: nothing of this module is used below this line, except to make a log that it can read.
 */
const page = readFileSync(new URL('../../../docs/public-log.md', import.meta.url), 'utf8')
const blocks = (kind: string) => [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter((m) => m[1] === kind).map((m) => m[2]!)

const sha = (...parts: (Buffer | string)[]) => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest()
const leafOf = (entry: Buffer) => sha(Buffer.of(0), entry)
const nodeOf = (left: Buffer, right: Buffer) => sha(Buffer.of(1), left, right)
function rootOf(leaves: Buffer[]): Buffer {
  if (leaves.length === 0) return sha('')
  if (leaves.length === 1) return leaves[0]!
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return nodeOf(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)))
}

/** The text of a note signed by `vkey`; throws when it is not. */
function signedText(note: string, vkey: string): string {
  const [name, id, ...key] = vkey.trim().split('+')
  const bytes = Buffer.from(key.join('+'), 'base64')
  assert.equal(sha(`${name}\n`, bytes).toString('hex', 0, 4), id)
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes.subarray(1)])
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
  const end = note.lastIndexOf('\n\n') + 1
  for (const line of note.slice(end + 1).split('\n')) {
    const [dash, who, base64] = line.split(' ')
    const signature = Buffer.from(base64 ?? '', 'base64')
    if (dash !== '—' || who !== name || signature.toString('hex', 0, 4) !== id) continue
    let text = note.slice(0, end)
    let rest = signature.subarray(4)
    if (bytes[0] === 4) {
      text = `cosignature/v1\ntime ${rest.readBigUInt64BE()}\n${text}`
      rest = rest.subarray(8)
    }
    assert.ok(verify(null, Buffer.from(text), publicKey, rest))
    return note.slice(0, end)
  }
  throw new Error(`not signed by ${name}`)
}

function proves(proof: string, vkey: string): Buffer {
  const [top, ...rest] = proof.split('\n\n')
  const [head, extra, index, ...hashes] = top!.split('\n')
  assert.equal(head, 'c2sp.org/tlog-proof@v1')
  const entry = Buffer.from(extra!.replace('extra ', ''), 'base64')
  const [, size, root] = signedText(rest.join('\n\n'), vkey).split('\n')
  let f = Number(index!.replace('index ', ''))
  let s = Number(size) - 1
  let r = leafOf(entry)
  const halve = () => {
    f = Math.floor(f / 2)
    s = Math.floor(s / 2)
  }
  for (const hash of hashes) {
    const p = Buffer.from(hash, 'base64')
    assert.notEqual(s, 0)
    if (f % 2 === 1 || f === s) {
      r = nodeOf(p, r)
      while (f % 2 === 0 && f !== 0) halve()
    } else r = nodeOf(r, p)
    halve()
  }
  assert.equal(s, 0)
  assert.equal(r.toString('base64'), root)
  return entry
}

function tilePathOf(kind: string, n: number, width: number): string {
  const groups = String(n)
    .padStart(3 * Math.ceil(String(n).length / 3), '0')
    .match(/.../g)!
  return `tile/${kind}/${groups.map((g, i) => (i < groups.length - 1 ? `x${g}` : g)).join('/')}${width < 256 ? `.p/${width}` : ''}`
}

/** All entries of a log in a folder, checked as the page says. */
function wholeLog(folder: string, vkey: string): Buffer[] {
  const [origin, sizeText, root] = signedText(readFileSync(join(folder, 'checkpoint'), 'utf8'), vkey).split('\n')
  assert.equal(origin, vkey.split('+')[0])
  const size = Number(sizeText)
  const entries: Buffer[] = []
  const read = (kind: string, n: number, width: number) => {
    const path = join(folder, tilePathOf(kind, n, width))
    return existsSync(path) ? readFileSync(path) : readFileSync(join(folder, tilePathOf(kind, n, 256)))
  }
  for (let n = 0; n * 256 < size; n++) {
    const width = Math.min(256, size - n * 256)
    const bundle = read('entries', n, width)
    for (let i = 0, at = 0; i < width; i++) {
      const length = bundle[at]! * 256 + bundle[at + 1]!
      entries.push(bundle.subarray(at + 2, at + 2 + length))
      at += 2 + length
    }
  }
  let hashes: Buffer[] = entries.map(leafOf)
  assert.equal(rootOf(hashes).toString('base64'), root)
  for (let level = 0; hashes.length > 0; level++) {
    const above: Buffer[] = []
    for (let n = 0; n * 256 < hashes.length; n++) {
      const tile = hashes.slice(n * 256, n * 256 + 256)
      assert.deepEqual(read(String(level), n, tile.length).subarray(0, tile.length * 32), Buffer.concat(tile))
      if (tile.length === 256) above.push(rootOf(tile))
    }
    hashes = above
  }
  return entries
}

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

test('the numbers of the page are right', () => {
  const entries = blocks('json')[0]!
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line))
  const leaves = entries.map(leafOf)
  for (const [what, hash] of [
    ...leaves.map((l, i) => [`leaf ${i}`, l] as const),
    ['node over leaves 0 and 1', nodeOf(leaves[0]!, leaves[1]!)] as const,
    ['root', rootOf(leaves)] as const,
  ])
    assert.ok(page.includes(`| ${what} | \`${hash.toString('hex')}\` |`), what)
  const bundle = Buffer.concat(entries.flatMap((e) => [Buffer.of(e.length >> 8, e.length & 255), e]))
  assert.ok(page.includes(`bundle has ${bundle.length} bytes`))
  assert.equal(bundle.toString('hex', 0, 6), '00be7b226174')
  const [vkey, witness] = blocks('vkey')
  const checkpoint = blocks('checkpoint')[0]!
  assert.equal(signedText(checkpoint, vkey!), `ventanilla.example/log\n3\n${rootOf(leaves).toString('base64')}\n`)
  assert.deepEqual(proves(blocks('proof')[0]!, vkey!), entries[1])
  assert.equal(signedText(blocks('promise')[0]!, vkey!).split('\n')[3], entries[2]!.toString('base64'))
  assert.ok(signedText(checkpoint + blocks('cosignature')[0]!, witness!))
  assert.equal(Buffer.from(blocks('cosignature')[0]!.split(' ')[2]!, 'base64').readBigUInt64BE(4), 1795485600n)
})

test('a verifier written from the page alone reads and checks what this module publishes', async () => {
  const { publiclog, dataFolder, close } = await aPublicLog(database.db)
  let n = 0
  for (const count of [3, 600, 1]) {
    const added = await database.db.tx((tx) =>
      publiclog.append(
        tx,
        Array.from({ length: count }, () => aTakenTurn(++n)),
      ),
    )
    const promise = (await publiclog.promise(added[0]!.id))!
    assert.equal(signedText(promise, publiclog.vkey).split('\n')[3], added[0]!.bytes.toString('base64'))
    await publiclog.publishNow()
    const entries = wholeLog(join(dataFolder, 'log'), publiclog.vkey)
    assert.deepEqual(entries.at(-1), added.at(-1)!.bytes)
    assert.deepEqual(proves((await publiclog.proof(added[0]!.id))!, publiclog.vkey), added[0]!.bytes)
  }
  await close()
})
