import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hidden, leastPeople, type Sum } from './disclose.ts'

const cells = (of: Record<string, number>) => new Map(Object.entries(of))
const sum = (whole: string, ...parts: string[]): Sum => ({ whole, parts })
const away = (of: Record<string, number>, ...sums: Sum[]) => [...hidden(cells(of), sums)].sort()

for (const [name, of, sums, expected] of [
  ['ten people are shown, nine are not', { a: 10, b: 9, c: 0 }, [], ['b']],
  ['one small part takes the next larger with it', { all: 43, a: 3, b: 15, c: 25 }, [sum('all', 'a', 'b', 'c')], ['a', 'b']],
  ['two small parts that make ten together stay as they are', { all: 40, a: 6, b: 9, c: 25 }, [sum('all', 'a', 'b', 'c')], ['a', 'b']],
  [
    'two small parts that do not make ten take a third',
    { all: 44, a: 2, b: 3, c: 14, d: 25 },
    [sum('all', 'a', 'b', 'c', 'd')],
    ['a', 'b', 'c'],
  ],
  ['a whole that is its only small part is small itself', { all: 4, a: 4 }, [sum('all', 'a')], ['a', 'all']],
  ['a whole whose only part is large hides nothing', { all: 40, a: 40 }, [sum('all', 'a')], []],
  ['a part nobody is in betrays nothing and hides nothing', { all: 40, a: 0, b: 40 }, [sum('all', 'a', 'b')], []],
  ['of equals the first by name goes', { all: 45, a: 3, c: 21, b: 21 }, [sum('all', 'a', 'c', 'b')], ['a', 'b']],
  // `b` goes because of the first sum; in the second it would be alone.
  [
    'what goes in one sum is not alone in another',
    { x: 23, y: 55, a: 3, b: 20, c: 35 },
    [sum('x', 'a', 'b'), sum('y', 'b', 'c')],
    ['a', 'b', 'c'],
  ],
  [
    'a whole that is hidden is not the sum of what is shown',
    { all: 33, a: 11, b: 22, other: 4, top: 37 },
    [sum('top', 'all', 'other'), sum('all', 'a', 'b')],
    ['a', 'all', 'other'],
  ],
] as [string, Record<string, number>, Sum[], string[]][])
  test(name, () => assert.deepEqual(away(of, ...sums), expected))

test('in random tables no shown figure is about few people and none is found by one subtraction', () => {
  let seed = 7
  const random = (below: number) => ((seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) >> 8) % below
  for (let round = 0; round < 300; round++) {
    const of = new Map<string, number>([['all', 0]])
    const rows = 1 + random(6)
    const columns = 1 + random(6)
    const sums: Sum[] = []
    const add = (name: string, n: number) => of.set(name, (of.get(name) ?? 0) + n)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const n = random(3) === 0 ? random(12) : random(60)
        for (const name of [`${r}.${c}`, `r${r}`, `c${c}`, 'all']) add(name, n)
      }
    const rowsOf = Array.from({ length: rows }, (_, r) => `r${r}`)
    const columnsOf = Array.from({ length: columns }, (_, c) => `c${c}`)
    sums.push(sum('all', ...rowsOf), sum('all', ...columnsOf))
    for (const [r] of rowsOf.entries()) sums.push(sum(`r${r}`, ...columnsOf.map((_, c) => `${r}.${c}`)))
    for (const [c] of columnsOf.entries()) sums.push(sum(`c${c}`, ...rowsOf.map((_, r) => `${r}.${c}`)))
    const gone = hidden(of, sums)
    for (const [name, n] of of) if (!gone.has(name)) assert.ok(n === 0 || n >= leastPeople, `${name} shows ${n}`)
    for (const { whole, parts } of sums) {
      const unknown = [whole, ...parts].filter((name) => gone.has(name))
      assert.notEqual(unknown.length, 1, `round ${round}: ${unknown} follows from the rest of ${whole}`)
      const parted = parts.filter((p) => gone.has(p)).reduce((n, p) => n + of.get(p)!, 0)
      if (!gone.has(whole)) assert.ok(parted === 0 || parted >= leastPeople, `round ${round}: ${parted} people are left of ${whole}`)
    }
    const otherwise = hidden(new Map([...of].reverse()), sums.map((x) => ({ ...x, parts: x.parts.toReversed() })).reverse())
    assert.deepEqual([...otherwise].sort(), [...gone].sort())
  }
})
