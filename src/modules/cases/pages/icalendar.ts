/** Days as a file that calendars take in (iCalendar, RFC 5545). */
import type { PlainDate } from '#kernel/time'

/** One whole day. `uid` stays the same when it is sent again, so that a calendar replaces it. */
export type Day = { readonly uid: string; readonly on: PlainDate; readonly summary: string; readonly url: string }

const basic = (date: string) => date.replaceAll('-', '')
// RFC 5545, 3.3.11: these stand for themselves behind a backslash, and a line break is written as \n.
const escaped = (words: string) => words.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n')

/** RFC 5545, 3.1: a line has at most 75 octets; what is longer goes on behind a space, and no character is cut. */
function folded(line: string): string {
  let out = ''
  let length = 0
  for (const character of line) {
    const octets = Buffer.byteLength(character)
    if (length + octets > 75) {
      out += '\r\n '
      length = 1
    }
    out += character
    length += octets
  }
  return `${out}\r\n`
}

/** The calendar, made at `now`: each day as an event that keeps nobody busy, told the day before. */
export function icalendar(days: readonly Day[], now: Date): string {
  const stamp = `${now.toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`
  const next = (date: PlainDate) => new Date(Date.parse(`${date}T00:00Z`) + 86_400_000).toISOString().slice(0, 10)
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Ventanilla//Deadlines//ES',
    ...days.flatMap((d) => [
      'BEGIN:VEVENT',
      `UID:${d.uid}`,
      `DTSTAMP:${stamp}`,
      `DTSTART;VALUE=DATE:${basic(d.on)}`,
      `DTEND;VALUE=DATE:${basic(next(d.on))}`,
      `SUMMARY:${escaped(d.summary)}`,
      `URL:${d.url}`,
      'TRANSP:TRANSPARENT',
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      `DESCRIPTION:${escaped(d.summary)}`,
      'TRIGGER:-PT15H',
      'END:VALARM',
      'END:VEVENT',
    ]),
    'END:VCALENDAR',
  ]
  return lines.map(folded).join('')
}
