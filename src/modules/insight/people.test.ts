import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leastPeople } from './disclose.ts'
import { type Answer, joined, larger, peopleNumbers, peopleRows } from './people.ts'

const times = (n: number, ...answer: Answer): Answer[] => Array.from({ length: n }, () => answer)
const counts = (answers: readonly Answer[]) => {
  const found: Record<string, number> = {}
  for (const [about] of answers) found[about] = (found[about] ?? 0) + 1
  return found
}

test('a town joins its state, a state the base, a base the nation', () => {
  assert.deepEqual(['municipal/x@09015', 'municipal/x@09', 'municipal/x', 'federal/sre/passport', 'mx'].map(larger), [
    'municipal/x@09',
    'municipal/x',
    'mx',
    'mx',
    null,
  ])
})

test('what fewer than ten spoke of is published under the next larger thing, and nothing where all are too few', () => {
  const given = [
    ...times(12, 'municipal/x@09015', '0', 'no'),
    ...times(6, 'municipal/x@09014', '1', 'no'),
    ...times(7, 'municipal/x@09002', '2', '200'),
    ...times(3, 'municipal/x@15106', '3', '1000'),
    ...times(4, 'federal/sre/passport', '5', 'some'),
    ...times(2, 'federal/ine/voter-credential', '0', 'no'),
  ]
  // The lone state's three join the base, are too few there, and go to the nation, where nine are too few.
  assert.deepEqual(counts(joined(given)), { 'municipal/x@09': 13, 'municipal/x@09015': 12 })
  assert.deepEqual(counts(joined([...given, ...times(1, 'state/y@01', '0', 'no')])), {
    'municipal/x@09': 13,
    'municipal/x@09015': 12,
    mx: 10,
  })
  assert.deepEqual(joined(times(9, 'state/y@01', '0', 'no')), [])
})

test('neither the order nor the place of an answer says who gave it', () => {
  const given = [...times(11, 'state/y@01', '0', 'no'), ...times(11, 'state/y@02', '1', 'some'), ...times(11, 'state/y@01', '2', '200')]
  assert.deepEqual(joined(given), joined(given.toReversed()))
})

test('figures follow from the published answers alone, for each thing and all larger ones', () => {
  const answers = joined([
    ...times(10, 'state/y@01', '2', '1000'),
    ...times(10, 'state/y@02', '5', 'no'),
    ...times(10, 'state/z@01', '0', 'some'),
  ])
  const rows = new Map(peopleRows(answers).map((r) => [r.id, r]))
  assert.deepEqual(rows.get('state/y@01'), { id: 'state/y@01', n: 10, visits: 20, asked: 10, askedPesos: 10_000 })
  assert.deepEqual(rows.get('state/y'), { id: 'state/y', n: 20, visits: 70, asked: 10, askedPesos: 10_000 })
  assert.deepEqual(rows.get('mx'), { id: 'mx', n: 30, visits: 70, asked: 20, askedPesos: 10_000 })
  assert.deepEqual(peopleNumbers('2026-11', answers).rows, peopleRows(answers))
})

test('no difference of two published figures is about few people', () => {
  let seed = 3
  const random = (below: number) => ((seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) >> 8) % below
  for (let round = 0; round < 100; round++) {
    const given: Answer[] = Array.from({ length: random(300) }, () => [
      `municipal/x${random(3)}@${['09', '15'][random(2)]}00${1 + random(4)}`,
      '0',
      'no',
    ])
    const rows = peopleRows(joined(given))
    const n = new Map(rows.map((r) => [r.id, r.n]))
    for (const [id, all] of n) {
      assert.ok(all >= leastPeople)
      const below = [...n].filter(([other]) => larger(other) === id).reduce((sum, [, k]) => sum + k, 0)
      assert.ok(all - below === 0 || all - below >= leastPeople, `${id}: ${all - below} people are left`)
    }
  }
})
