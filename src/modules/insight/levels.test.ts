import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Adoption, type Definition, digitalLevel, type PublishedVersion } from '#catalogue'
import { levelHistory, levelsByMonth } from './levels.ts'

const paper = (id: string, more: object) => ({ id, how: 'file', source: 'unverified', ...more })
const definition = (level: string, channels: string[], papers: object[] = []) => ({ level, channels, papers }) as unknown as Definition
const adopted = {} as Adoption

test('the level follows from channels, papers and whether the place has joined', () => {
  for (const [d, adoption, level] of [
    [definition('state', ['web']), null, 0],
    [definition('federal', ['counter', 'phone']), null, 1],
    [definition('federal', ['web'], [paper('id', { how: 'shown' })]), null, 2],
    [definition('federal', ['web'], [paper('id', { how: 'shown', optional: true })]), null, 4],
    [definition('state', ['web'], [paper('birth', { from: 'state/birth-certificate' })]), adopted, 3],
    [definition('state', ['web'], [paper('bill', {})]), adopted, 4],
    [definition('state', ['web']), { localPaper: { from: 'state/x', source: 'unverified' } } as Adoption, 3],
  ] as const)
    assert.equal(digitalLevel(d, adoption), level)
})

const versions: PublishedVersion[] = [
  { base: 'federal/a/b', place: null, from: '2026-09-10', definition: definition('federal', ['counter']), adoption: null },
  { base: 'state/c', place: null, from: '2026-10-01', definition: definition('state', ['web']), adoption: null },
  { base: 'state/c', place: '09', from: '2026-10-31', definition: null, adoption: adopted },
  { base: 'federal/a/b', place: null, from: '2026-11-02', definition: definition('federal', ['web']), adoption: null },
  { base: 'state/c', place: '09', from: '2026-12-01', definition: null, adoption: null },
]

test('each month counts what was in force at its end, in every place', () => {
  assert.deepEqual(levelsByMonth(versions, { state: 32, municipal: 2478 }, '2026-12'), [
    { month: '2026-12', services: 33, levels: [32, 0, 0, 0, 1], eServices: 1 },
    { month: '2026-11', services: 33, levels: [31, 0, 0, 0, 2], eServices: 2 },
    { month: '2026-10', services: 33, levels: [31, 1, 0, 0, 1], eServices: 1 },
    { month: '2026-09', services: 1, levels: [0, 1, 0, 0, 0], eServices: 0 },
  ])
})

test('one service tells since when it has been at which level', () => {
  assert.deepEqual(levelHistory(versions, 'federal/a/b', null), [
    { from: '2026-11-02', level: 4 },
    { from: '2026-09-10', level: 1 },
  ])
  assert.deepEqual(
    levelHistory(versions, 'state/c', '09').map((h) => h.level),
    [0, 4, 0],
  )
  assert.deepEqual(
    levelHistory(versions, 'state/c', '15').map((h) => h.level),
    [0],
  )
})
