import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addWorkingDays } from './calendar.ts'
import { addDays, dateIn, endOfDay, hourMs, startOfDay } from './time.ts'

const zones = ['America/Mexico_City', 'America/Tijuana', 'America/Cancun', 'America/Ojinaga', 'America/Santiago']
const plainly = (at: Date, timeZone: string) => new Intl.DateTimeFormat('sv-SE', { timeZone }).format(at)

test('the date on the wall is right at every hour of a year, forwards and backwards, also where clocks are put forward', () => {
  const from = Date.parse('2026-01-01T00:30:00Z')
  const hours = Array.from({ length: 366 * 24 }, (_, i) => new Date(from + i * hourMs))
  for (const zone of zones)
    for (const at of [...hours, ...hours.toReversed().filter((_, i) => i % 7 === 0)])
      assert.equal(dateIn(at, zone), plainly(at, zone), `${zone} ${at.toISOString()}`)
})

test('a day begins at its first instant and ends where the next begins', () => {
  for (const zone of zones)
    for (let i = 0, date = '2026-01-01'; i < 365; i++, date = addDays(date, 1)) {
      const start = startOfDay(date, zone)
      assert.equal(plainly(start, zone), date)
      assert.notEqual(plainly(new Date(start.getTime() - 1), zone), date)
      assert.equal(endOfDay(date, zone).getTime(), startOfDay(addDays(date, 1), zone).getTime())
      // Asked for again, and what was given out cannot be changed by who got it.
      startOfDay(date, zone).setTime(0)
      assert.equal(startOfDay(date, zone).getTime(), start.getTime())
    }
})

test('working days are counted by each calendar for itself', () => {
  const plain = { holidays: new Set<string>() }
  const festive = { holidays: new Set(['2026-11-25']) }
  for (let again = 0; again < 2; again++) {
    assert.equal(addWorkingDays('2026-11-24', 2, plain), '2026-11-26')
    assert.equal(addWorkingDays('2026-11-24', 2, festive), '2026-11-27')
    assert.equal(addWorkingDays('2026-11-24', 4, plain), '2026-11-30')
    assert.equal(addWorkingDays('2026-11-24', 0, plain), '2026-11-24')
  }
})
