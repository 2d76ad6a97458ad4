import assert from 'node:assert/strict'
import { test } from 'node:test'
import { icalendar } from './icalendar.ts'

const now = new Date('2026-11-26T18:00:05.123Z')

test('a day is one event that ends with it, in lines that end as the standard says', () => {
  const text = icalendar(
    [{ uid: 'K7QP-2M4XW-answer@x.mx', on: '2026-12-31', summary: 'Entregue', url: 'https://x.mx/cases/K7QP-2M4XW' }],
    now,
  )
  assert.match(text, /^BEGIN:VCALENDAR\r\nVERSION:2\.0\r\n/)
  assert.match(text, /\r\nDTSTAMP:20261126T180005Z\r\nDTSTART;VALUE=DATE:20261231\r\nDTEND;VALUE=DATE:20270101\r\n/)
  assert.equal(text.split('BEGIN:VEVENT').length, 2)
  assert.match(text, /END:VCALENDAR\r\n$/)
  assert.doesNotMatch(text.replaceAll('\r\n', ''), /[\r\n]/)
})

test('what would end a line or a value is escaped, and no line is longer than 75 octets nor cuts a character', () => {
  const summary = `Acta; de nacimiento, con \\ y\nsalto ${'ñ'.repeat(100)}`
  const text = icalendar([{ uid: 'a', on: '2026-12-31', summary, url: 'https://x.mx/' }], now)
  for (const line of text.split('\r\n')) {
    assert.ok(Buffer.byteLength(line) <= 75, line)
    assert.doesNotMatch(line, /�/)
  }
  const unfolded = text.replaceAll('\r\n ', '')
  assert.ok(unfolded.includes(`\r\nSUMMARY:Acta\\; de nacimiento\\, con \\\\ y\\nsalto ${'ñ'.repeat(100)}\r\n`))
})

test('nothing to come is an empty calendar', () => {
  assert.equal(icalendar([], now), 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Ventanilla//Deadlines//ES\r\nEND:VCALENDAR\r\n')
})
