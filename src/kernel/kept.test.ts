import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keptFor } from './kept.ts'

test('what many ask at once is looked up once, and a failure is not kept', async () => {
  let looked = 0
  const kept = keptFor(60_000, async (key) => {
    looked++
    if (key === 'bad') throw new Error('no')
    return key
  })
  assert.deepEqual(await Promise.all(['a', 'a', 'a'].map(kept)), ['a', 'a', 'a'])
  assert.equal(looked, 1)
  await assert.rejects(kept('bad'))
  await assert.rejects(kept('bad'))
  assert.equal(looked, 3)
})
