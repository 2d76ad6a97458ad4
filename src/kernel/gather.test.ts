import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gather } from './gather.ts'

const later = (ms: number) => new Promise((r) => setTimeout(r, ms))

test('what arrives while a commit is under way goes into the next one', async () => {
  const sizes: number[] = []
  let begun = () => {}
  let end = () => {}
  const begins = new Promise<void>((resolve) => (begun = resolve))
  const ends = new Promise<void>((resolve) => (end = resolve))
  const submit = gather<number, number>(async (batch) => {
    sizes.push(batch.length)
    begun()
    await ends
    return batch.map((n) => n * 2)
  }, 256)
  const first = submit(1)
  await begins
  const rest = Promise.all([2, 3, 4].map(submit))
  end()
  assert.deepEqual([await first, ...(await rest)], [2, 4, 6, 8])
  assert.deepEqual(sizes, [1, 3])
})

test('a batch is never larger than its bound', async () => {
  const sizes: number[] = []
  const submit = gather<number, number>(async (batch) => {
    sizes.push(batch.length)
    return [...batch]
  }, 4)
  await Promise.all(Array.from({ length: 10 }, (_, i) => submit(i)))
  assert.deepEqual(sizes, [4, 4, 2])
})

test('one that breaks the statement fails alone and the others are kept', async () => {
  const kept: number[] = []
  const submit = gather<number, number>(async (batch) => {
    if (batch.includes(3)) throw new Error('poison')
    kept.push(...batch)
    return [...batch]
  }, 256)
  const all = await Promise.allSettled([1, 2, 3, 4].map(submit))
  assert.deepEqual(
    all.map((a) => a.status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(kept, [1, 2, 4])
})

test('a refusal in a batch reaches its own caller only', async () => {
  const submit = gather<number, number>(async (batch) => batch.map((n) => (n === 2 ? new Error('no') : n)), 256)
  const all = await Promise.allSettled([1, 2, 3].map(submit))
  assert.deepEqual(
    all.map((a) => a.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
})

test('with two abreast what waits is shared, and never more than two are under way', async () => {
  const sizes: number[] = []
  let under = 0
  let most = 0
  const submit = gather<number, number>(
    async (batch) => {
      sizes.push(batch.length)
      most = Math.max(most, ++under)
      await later(5)
      under--
      return [...batch]
    },
    256,
    2,
  )
  assert.deepEqual(
    await Promise.all(Array.from({ length: 40 }, (_, i) => submit(i))),
    Array.from({ length: 40 }, (_, i) => i),
  )
  assert.deepEqual(sizes, [20, 20])
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      await later(i % 7)
      await submit(i)
    }),
  )
  assert.equal(most, 2)
  assert.equal(
    sizes.reduce((a, b) => a + b),
    240,
  )
})
