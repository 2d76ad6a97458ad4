import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addTo, bucketOf, type Histogram, quantile } from './histogram.ts'

test('minutes keep two digits', () => {
  for (const [minutes, bucket] of [
    [0, 0],
    [7, 7],
    [99, 99],
    [100, 100],
    [109, 100],
    [1234, 1200],
    [99_999, 99_000],
    [100_000, 100_000],
  ] as const)
    assert.equal(bucketOf(minutes), bucket)
})

test('a quantile is the true one, or at most a tenth below it', () => {
  const all = Array.from({ length: 999 }, (_, i) => Math.round((i * 7919) % 4001))
  const histogram: Histogram = new Map()
  for (const m of all) addTo(histogram, bucketOf(m), 1)
  const sorted = all.toSorted((a, b) => a - b)
  for (const share of [0.01, 0.5, 0.9, 1]) {
    const truth = sorted[Math.ceil(share * all.length) - 1]!
    const said = quantile(histogram, share)!
    assert.ok(said <= truth && said >= truth * 0.9, `${share}: ${said} for ${truth}`)
  }
  assert.equal(quantile(new Map(), 0.5), null)
})
