import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leastServices, medianMinutes, waitRange } from './line-statistics.ts'

const tens = Array.from({ length: 20 }, (_, i) => 8 + (i % 5))

test('too few measured services, or no desk on duty, is said and not guessed', () => {
  assert.equal(waitRange(3, 2, tens.slice(0, leastServices - 1)), 'not-enough-data')
  assert.equal(waitRange(3, 0, tens), 'not-enough-data')
})

test('the range holds the mean of the services before, shared by the desks', () => {
  const one = waitRange(5, 1, tens)
  const two = waitRange(5, 2, tens)
  assert.ok(one !== 'not-enough-data' && two !== 'not-enough-data')
  assert.ok(one.low <= 60 && 60 <= one.high && one.high - one.low <= 20, JSON.stringify(one))
  assert.ok(two.low <= 30 && 30 <= two.high && two.high < one.high, JSON.stringify(two))
})

test('who is next may be called at once', () => {
  const range = waitRange(0, 1, tens)
  assert.ok(range !== 'not-enough-data' && range.low === 0 && range.high >= 10)
})

test('more before, never a shorter range', () => {
  let last = { low: 0, high: 0 }
  for (let before = 0; before < 60; before++) {
    const range = waitRange(before, 3, tens)
    assert.ok(range !== 'not-enough-data' && range.low >= last.low && range.high >= last.high, String(before))
    last = range
  }
})

test('one endless service does not move the estimate of everybody', () => {
  const usual = waitRange(4, 1, tens)
  const with600 = waitRange(4, 1, [...tens.slice(1), 600])
  assert.ok(usual !== 'not-enough-data' && with600 !== 'not-enough-data' && with600.high - usual.high <= 10)
})

test('four of five simulated waits lie within the range', () => {
  let seed = 5
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647
  const measured = Array.from({ length: 200 }, () => Math.round(4 + 14 * random()))
  const range = waitRange(9, 2, measured)
  assert.ok(range !== 'not-enough-data')
  let within = 0
  for (let i = 0; i < 1_000; i++) {
    const free = [measured[(random() * 200) | 0]! * random(), measured[(random() * 200) | 0]! * random()]
    for (let turn = 0; turn < 9; turn++) {
      const desk = free[0]! <= free[1]! ? 0 : 1
      free[desk] = free[desk]! + measured[(random() * 200) | 0]!
    }
    const wait = Math.min(...free)
    if (range.low <= wait && wait <= range.high) within++
  }
  assert.ok(within >= 700, `${within} of 1000 within ${range.low} to ${range.high}`)
})

test('the median of none is none, of an even count the mean of the middle two', () => {
  assert.equal(medianMinutes([]), null)
  assert.equal(medianMinutes([3, 1, 2]), 2)
  assert.equal(medianMinutes([4, 1, 2, 3]), 2.5)
})
