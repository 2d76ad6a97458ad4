import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '#publiclog'
import { countOfKey, keyOf, remembered, Tally } from './tally.ts'

const id = (name: string) => name.padEnd(22, 'A')
const commitment = 'c'.repeat(43)
const entry = (type: string, at: string, fields: object) => ({ v: 1, type, at, ...fields }) as unknown as Entry
const submitted = (name: string, at: string, service = 'state/birth-certificate@09', channel = 'web') =>
  entry('case.submitted', at, { case: id(name), service, definition: 'd'.repeat(64), channel, commitment })
const decided = (name: string, at: string, due: string, how = 'act') => entry('case.decided', at, { case: id(name), how, due, commitment })
let n = 0
const act = (type: string, at: string, fields: object, line = 'state-09/general') => entry(type, at, { line, n: ++n, ...fields })
const opened = (at: string) =>
  act('line.opened', at, {
    office: 'state-09',
    covers: ['state/birth-certificate@09/decision'],
    rule: { kind: 'first-come' },
    presence: false,
    quiet: false,
  })

function counted(...entries: Entry[]): Record<string, number> {
  const tally = new Tally()
  for (const e of entries) tally.read(e)
  return Object.fromEntries([...tally.counts].sort())
}

test('a case counts where and when it was filed and decided, with how long it took', () => {
  assert.deepEqual(
    counted(
      submitted('a', '2026-11-30T23:59Z'),
      submitted('b', '2026-12-01T00:00Z', 'federal/sre/passport', 'counter'),
      decided('a', '2026-12-02T02:04Z', '2026-12-02'),
      entry('case.withdrawn', '2026-12-02T02:05Z', { case: id('b') }),
    ),
    {
      '2026-11 service state/birth-certificate@09 filed web': 1,
      '2026-12 service federal/sre/passport filed counter': 1,
      '2026-12 service federal/sre/passport withdrawn ': 1,
      '2026-12 service state/birth-certificate@09 decided in-term': 1,
      '2026-12 service state/birth-certificate@09 took 1500': 1,
    },
  )
})

test('a decision is in term until midnight of the last day in the westernmost zone, and silence is never in term', () => {
  const endings = (at: string, how = 'act') =>
    Object.keys(counted(submitted('a', '2026-11-02T00:00Z'), decided('a', at, '2026-11-10', how)))
      .find((k) => k.includes('decided'))!
      .split(' ')
      .at(-1)
  assert.equal(endings('2026-11-11T07:59Z'), 'in-term')
  assert.equal(endings('2026-11-11T08:00Z'), 'late')
  assert.equal(endings('2026-11-11T06:00Z', 'silence'), 'silence')
})

test('a wait ends with the first call, and what a desk does is counted under its name', () => {
  const turn = { turn: id('t') }
  const desk = { desk: 'd1' }
  assert.deepEqual(
    counted(
      opened('2026-11-23T15:00Z'),
      act('line.desk', '2026-11-23T15:00Z', { ...desk, on: true }),
      act('turn.taken', '2026-11-23T15:10Z', { ...turn, class: 'general', holder: commitment }),
      act('turn.taken', '2026-11-23T15:11Z', { turn: id('u'), class: 'general', holder: commitment }),
      act('turn.called', '2026-11-23T15:25Z', { ...turn, ...desk }),
      act('turn.returned', '2026-11-23T15:40Z', { ...turn, ...desk, reason: 'idle' }),
      act('turn.called', '2026-11-23T15:41Z', { ...turn, ...desk }),
      act('turn.held', '2026-11-23T15:50Z', { ...turn, ...desk, reason: 'papers', until: '2026-11-30' }),
      act('turn.passed', '2026-11-23T15:51Z', { turn: id('u'), ...desk, reason: 'conflict' }),
      act('turn.finished', '2026-11-24T06:00Z', { ...turn, desk: null, outcome: 'silence', paper: null }),
      act('line.desk', '2026-11-23T17:30Z', { ...desk, on: false }),
    ),
    {
      '2026-11 line state-09/general called d1': 2,
      '2026-11 line state-09/general duty d1': 150,
      '2026-11 line state-09/general finished silence': 1,
      '2026-11 line state-09/general held d1 papers': 1,
      '2026-11 line state-09/general passed d1': 1,
      '2026-11 line state-09/general returned d1 idle': 1,
      '2026-11 line state-09/general waited 15': 1,
    },
  )
})

test('a quiet line gives days and no minutes, and what makes no sense counts nothing', () => {
  const turn = { turn: id('t') }
  assert.deepEqual(
    counted(
      opened('2026-11-23'),
      act('turn.taken', '2026-11-23', { ...turn, class: 'general', holder: commitment }),
      act('turn.called', '2026-11-24', { ...turn, desk: 'd1' }),
      act('line.desk', '2026-11-24', { desk: 'd2', on: false }),
      act('line.desk', '2026-11-24', { desk: 'd2', on: false }, 'nowhere'),
      decided('never-filed', '2026-11-24T10:00Z', '2026-11-24'),
    ),
    { '2026-11 line state-09/general called d1': 1 },
  )
})

test('a key gives its count again', () => {
  for (const bucket of ['', 'web', 'd1 papers', '1200']) {
    const count = { month: '2026-11', about: 'line', id: 'state-09/general', measure: 'held', bucket } as const
    assert.deepEqual(countOfKey(keyOf(count)), count)
  }
})

test('what an entry needs remembered is said before it is read', () => {
  assert.deepEqual(remembered(decided('a', '2026-11-11T07:59Z', '2026-11-10')), { cases: id('a') })
  assert.deepEqual(remembered(act('turn.left', '2026-11-11T07:59Z', { turn: id('t') })), { lines: 'state-09/general', turns: id('t') })
  assert.deepEqual(remembered(entry('definition.published', '2026-11-11T07:59Z', {})), {})
})
