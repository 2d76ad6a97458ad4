import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalBytes } from '#kernel/canonical'
import { entryBytes, entryFields, faultOf, parseEntry } from './entries.ts'

const turn = 'A'.repeat(22)
const key = 'B'.repeat(43)
const definition = 'c'.repeat(64)
const on = { v: 1, at: '2026-11-23T21:05Z', line: 'demo/registry/births', n: 7 }
const good: Record<keyof typeof entryFields, object> = {
  'line.opened': {
    ...on,
    office: 'registry-1',
    covers: ['state/birth@09/issue', 'state/birth@09/review'],
    rule: { kind: 'shared', priority: 1, of: 4 },
    presence: true,
    quiet: false,
  },
  'line.changed': { ...on, covers: ['federal/rfc/review'], rule: { kind: 'first-come' }, quiet: true, from: '2026-12-01' },
  'line.closed': { ...on },
  'line.desk': { ...on, desk: 'd1', on: true },
  'turn.taken': { ...on, turn, class: 'general', holder: key },
  'turn.called': { ...on, turn, desk: 'd1' },
  'turn.passed': { ...on, turn, desk: 'd1', reason: 'conflict' },
  'turn.held': { ...on, turn, desk: 'd1', reason: 'papers', until: '2026-12-01' },
  'turn.resumed': { ...on, turn },
  'turn.returned': { ...on, turn, desk: 'd1', reason: 'idle' },
  'turn.left': { ...on, turn },
  'turn.finished': { ...on, turn, desk: null, outcome: 'silence', paper: null },
  'case.submitted': { v: 1, at: on.at, case: turn, service: 'state/birth@09', definition, channel: 'web', commitment: key },
  'case.decided': { v: 1, at: on.at, case: turn, how: 'act', due: '2026-12-01', commitment: key },
  'case.withdrawn': { v: 1, at: on.at, case: turn },
  'definition.published': { v: 1, at: on.at, service: 'state/birth', definition, from: '2026-12-07' },
  'numbers.released': { v: 1, at: on.at, set: 'services/waits', period: '2026-11', sha256: definition },
  'log.recovered': { v: 1, at: on.at, from: 10, size: 110 },
}

test('every type takes what it is made for, and its bytes give it back', () => {
  for (const type of Object.keys(entryFields) as (keyof typeof entryFields)[]) {
    const entry = { type, ...good[type] }
    assert.equal(faultOf(entry), null, type)
    assert.deepEqual(entryBytes(entry as never), canonicalBytes(entry))
    assert.deepEqual(parseEntry(entryBytes(entry as never)), entry)
  }
})

test('no type takes another field, and none goes without one of its own', () => {
  for (const [type, fields] of Object.entries(good)) {
    assert.match(faultOf({ type, ...fields, name: 'María' })!, /has no field name/)
    for (const field of Object.keys(fields)) {
      const { [field as never]: _, ...rest } = { type, ...fields } as Record<string, unknown>
      assert.notEqual(faultOf(rest), null, `${type} without ${field}`)
      assert.notEqual(faultOf({ type, ...fields, [field]: { free: 'words' } }), null, `${type} with words in ${field}`)
    }
  }
})

test('free words fit nowhere', () => {
  for (const [type, fields] of Object.entries(good))
    for (const [field, value] of Object.entries(fields))
      if (typeof value === 'string')
        assert.notEqual(faultOf({ type, ...fields, [field]: 'María del Carmen, 55 1234 5678' }), null, `${type}.${field}`)
})

test('values at the edge are told apart', () => {
  const opened = good['line.opened'] as Record<string, unknown>
  const cases: [object, boolean][] = [
    [{ ...opened, at: '2026-11-23' }, true],
    [{ ...opened, at: '2026-11-31' }, false],
    [{ ...opened, at: '2026-11-23T24:00Z' }, false],
    [{ ...opened, at: '2026-11-23T21:05:00Z' }, false],
    [{ ...opened, n: 0 }, false],
    [{ ...opened, n: 1.5 }, false],
    [{ ...opened, line: 'Demo/a' }, false],
    [{ ...opened, line: 'a//b' }, false],
    [{ ...opened, covers: [] }, false],
    [{ ...opened, covers: ['b/x', 'a/x'] }, false],
    [{ ...opened, covers: ['a/x', 'a/x'] }, false],
    [{ ...opened, rule: { kind: 'shared', priority: 4, of: 4 } }, false],
    [{ ...opened, rule: { kind: 'first-come', priority: 1 } }, false],
  ]
  for (const [entry, fits] of cases) assert.equal(faultOf({ type: 'line.opened', ...entry }) === null, fits, JSON.stringify(entry))
  assert.notEqual(faultOf({ type: 'case.withdrawn', v: 1, at: '2026-11-23', case: turn }), null)
})

test('bytes that are not canonical are no entry', () => {
  const bytes = entryBytes({ type: 'line.closed', ...good['line.closed'] } as never)
  assert.ok('type' in parseEntry(bytes))
  for (const bad of [
    Buffer.from(` ${bytes}`),
    Buffer.from([0xff]),
    Buffer.from('null'),
    Buffer.from('[1]'),
    Buffer.from('{"v":1,"type":"__proto__"}'),
    Buffer.from('{'),
    Buffer.alloc(0),
  ])
    assert.ok('fault' in parseEntry(bad))
  assert.throws(() => entryBytes({ v: 1, type: 'note', words: 'x' }), TypeError)
})
