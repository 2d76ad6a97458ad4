import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshBytes } from './random.ts'

test('bytes of every length come fresh, and none twice', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 3000; i++) {
    const bytes = freshBytes(16)
    assert.equal(bytes.length, 16)
    seen.add(bytes.toString('hex'))
  }
  assert.equal(seen.size, 3000)
  for (const count of [0, 1, 12, 32, 1024, 1025, 10_000]) assert.equal(freshBytes(count).length, count)
  assert.notEqual(freshBytes(32).toString('hex'), '00'.repeat(32))
})

test('what was handed out stays as it is when more is asked for', () => {
  const first = freshBytes(32)
  const copy = Buffer.from(first)
  for (let i = 0; i < 1000; i++) freshBytes(32).fill(7)
  assert.deepEqual(first, copy)
})
