import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { Problem } from '#kernel/problem'
import { openFiles } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'files-'))
after(() => rmSync(folder, { recursive: true }))
const files = openFiles(folder)
const key = randomBytes(32)
const limits = { maxBytes: 10_000_000 }

const pdf = (bytes: number) => Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(Math.max(0, bytes - 9))])
/** In pieces of odd lengths, as a network brings them. */
async function* inPieces(content: Buffer, piece = 1_237) {
  for (let i = 0; i < content.length; i += piece) yield content.subarray(i, i + piece)
}
const all = async (stream: Readable) => Buffer.concat(await stream.toArray())
const where = (id: string) => join(folder, 'files', id.slice(0, 2), id)
const refuses = (work: Promise<unknown>, code: string) => assert.rejects(work, (e) => e instanceof Problem && e.code === code)
const unfinished = () => readdirSync(join(folder, 'files/unfinished'))

describe('files', () => {
  // Around the borders of a chunk and of what is looked at to tell the type.
  for (const bytes of [9, 4_099, 4_100, 65_535, 65_536, 65_537, 131_072, 1_000_003]) {
    test(`${bytes} bytes come back as they were handed in`, async () => {
      const content = pdf(bytes)
      const kept = await files.write(inPieces(content), key, limits)
      assert.equal(kept.size, bytes)
      assert.equal(kept.type, 'application/pdf')
      assert.deepEqual(kept.sha256, createHash('sha256').update(content).digest('hex'))
      assert.deepEqual(await all(files.read(kept.id, key)), content)
    })
  }

  test('what lies on the disk shows nothing of the content', async () => {
    const { id } = await files.write(Readable.from([pdf(20), Buffer.from('Juana Pérez')]), key, limits)
    const stored = readFileSync(where(id))
    assert.ok(!stored.includes('Juana') && !stored.includes('%PDF'))
  })

  test('another key, a changed byte, a cut end, a missing chunk and an exchanged file do not open', async () => {
    const { id } = await files.write(inPieces(pdf(200_000)), key, limits)
    const good = readFileSync(where(id))
    await assert.rejects(all(files.read(id, randomBytes(32))))
    const spoil = async (bytes: Buffer) => {
      writeFileSync(where(id), bytes)
      await assert.rejects(all(files.read(id, key)))
    }
    const changed = Buffer.from(good)
    changed[100_000]! ^= 1
    await spoil(changed)
    const chunk = 65_536 + 16
    await spoil(good.subarray(0, 16 + chunk * 2))
    await spoil(Buffer.concat([good.subarray(0, 16), good.subarray(16 + chunk)]))
    await spoil(good.subarray(0, 10))
    const other = await files.write(inPieces(pdf(200_000)), key, limits)
    await spoil(readFileSync(where(other.id)))
    writeFileSync(where(id), good)
    truncateSync(where(id), good.length - 1)
    await assert.rejects(all(files.read(id, key)))
  })

  test('too much is refused while it comes, and nothing is kept', async () => {
    let taken = 0
    async function* endless() {
      yield pdf(10_000)
      for (;;) {
        taken++
        yield randomBytes(10_000)
      }
    }
    await refuses(files.write(endless(), key, { maxBytes: 100_000 }), 'too-large')
    assert.ok(taken < 20)
    assert.deepEqual(unfinished(), [])
  })

  test('the content decides the type, not the name: a page, a program and nothing are refused', async () => {
    for (const content of [
      Buffer.from('<!doctype html><script>1</script>'),
      Buffer.from('MZ\x90\0'),
      randomBytes(9_000),
      Buffer.alloc(0),
    ]) {
      await refuses(files.write(inPieces(content), key, limits), 'wrong-type')
    }
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
    assert.equal((await files.write(inPieces(png), key, limits)).type, 'image/png')
    assert.equal(
      (await files.write(inPieces(Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(100)])), key, limits)).type,
      'image/jpeg',
    )
    await refuses(files.write(inPieces(png), key, { ...limits, types: ['application/pdf'] }), 'wrong-type')
  })

  test('an upload that breaks off leaves nothing', async () => {
    async function* breaks() {
      yield pdf(70_000)
      throw new Error('connection lost')
    }
    await assert.rejects(files.write(breaks(), key, limits), /connection lost/)
    assert.deepEqual(unfinished(), [])
  })

  test('an id that is none reaches no other file', async () => {
    for (const id of ['../../etc/passwd', '', 'a'.repeat(23), 'ab/../../keys/secret.key']) {
      assert.throws(() => files.read(id, key), /no such file/)
    }
    assert.equal(await files.has('A'.repeat(22)), false)
    await assert.rejects(all(files.read('A'.repeat(22), key)), /ENOENT/)
  })

  test('the sweep removes what is a day old and has no row, and what was interrupted, and nothing else', async () => {
    const [live, lost, young] = [
      await files.write(inPieces(pdf(50)), key, limits),
      await files.write(inPieces(pdf(50)), key, limits),
      await files.write(inPieces(pdf(50)), key, limits),
    ]
    const yesterday = new Date(Date.now() - 25 * 3_600_000)
    for (const { id } of [live, lost]) utimesSync(where(id), yesterday, yesterday)
    writeFileSync(join(folder, 'files/unfinished/old'), 'x')
    utimesSync(join(folder, 'files/unfinished/old'), yesterday, yesterday)
    writeFileSync(join(folder, 'files/unfinished/new'), 'x')
    assert.equal(await files.sweep(async (ids) => ids.filter((id) => id === live.id)), 2)
    assert.deepEqual([await files.has(live.id), await files.has(lost.id), await files.has(young.id)], [true, false, true])
    assert.deepEqual(unfinished(), ['new'])
    await files.remove([live.id, live.id])
    assert.equal(await files.has(live.id), false)
  })
})
