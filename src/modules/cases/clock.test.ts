import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askBy, dueAfterPause, dueOn, type LegalTerm } from './clock.ts'

const calendar = { holidays: new Set(['2026-11-16', '2026-12-25']) }
const days = (count: number): LegalTerm => ({ unit: 'working-days', count })

for (const [term, filed, due, ask, why] of [
  [days(10), '2026-11-23', '2026-12-07', '2026-11-26', 'ten working days from a Monday'],
  [days(1), '2026-11-13', '2026-11-17', '2026-11-17', 'over a week-end and a holiday'],
  [days(3), '2026-11-13', '2026-11-19', '2026-11-17', 'three working days'],
  [
    { unit: 'months', count: 3 },
    '2026-11-30',
    '2027-03-01',
    '2026-12-30',
    'a month without that day ends on its last; Sunday moves to Monday',
  ],
  [{ unit: 'days', count: 5 }, '2026-12-20', '2026-12-28', '2026-12-22', 'calendar days that end on a holiday, a Friday'],
  [{ unit: 'immediate', count: 0 }, '2026-11-14', '2026-11-17', '2026-11-17', 'at once, on a Saturday before a holiday'],
  [{ unit: 'immediate', count: 0 }, '2026-11-23', '2026-11-23', '2026-11-23', 'at once'],
] as [LegalTerm, string, string, string, string][]) {
  test(`the term ends and papers may be asked in time: ${why}`, () => {
    assert.equal(dueOn(term, filed, calendar), due)
    assert.equal(askBy(term, filed, calendar), ask)
  })
}

test('a pause moves the end by the working days it lasted', () => {
  assert.equal(dueAfterPause('2026-12-07', '2026-11-24', '2026-11-27', calendar), '2026-12-10')
  assert.equal(dueAfterPause('2026-12-07', '2026-11-24', '2026-11-24', calendar), '2026-12-07')
})
