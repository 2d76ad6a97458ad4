/** Where time comes from: an argument, so that tests say what day it is. */
export interface Clock {
  now(): Date
}

/** The computer's clock. */
export const systemClock: Clock = { now: () => new Date() }

/** A clock that stands where it is put and moves only when told. */
export class FixedClock implements Clock {
  #now: Date
  constructor(now: string | Date) {
    this.#now = new Date(now)
  }
  now(): Date {
    return new Date(this.#now)
  }
  set(now: string | Date): void {
    this.#now = new Date(now)
  }
  advance(ms: number): void {
    this.#now = new Date(this.#now.getTime() + ms)
  }
}

export const minuteMs = 60_000
export const hourMs = 3_600_000
export const dayMs = 86_400_000

/** UTC in whole minutes, as public entries carry it: `2026-11-23T21:05Z`. */
export function minuteStamp(at: Date): string {
  return `${at.toISOString().slice(0, 16)}Z`
}

/** A calendar date without a zone: `2026-11-23`. */
export type PlainDate = string & { readonly __date?: never }

/** Whether `text` is a date that exists. */
export function isPlainDate(text: string): text is PlainDate {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const t = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(t) && new Date(t).toISOString().startsWith(text)
}

/** `date` moved by whole days. */
export function addDays(date: PlainDate, days: number): PlainDate {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10)
}

/** Whole days from `from` to `to`; negative when `to` is earlier. */
export function daysBetween(from: PlainDate, to: PlainDate): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / dayMs)
}

const formats = new Map<string, Intl.DateTimeFormat>()
function partsIn(zone: string): Intl.DateTimeFormat {
  let f = formats.get(zone)
  if (!f) {
    f = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
    formats.set(zone, f)
  }
  return f
}

function wallClock(at: Date, zone: string): Record<string, string> {
  const all: Record<string, string> = {}
  for (const p of partsIn(zone).formatToParts(at)) all[p.type] = p.value
  return all
}

// The local day last asked for in each zone, with its ends: asking the formatter takes 10 µs, and most ask about now.
const days = new Map<string, { date: PlainDate; from: number; until: number }>()

/** The date on the wall in `zone` (IANA name) at this instant. */
export function dateIn(at: Date, zone: string): PlainDate {
  const t = at.getTime()
  let day = days.get(zone)
  if (!day || t < day.from || t >= day.until) {
    const date = wallDate(at, zone)
    day = { date, from: startOfDay(date, zone).getTime(), until: endOfDay(date, zone).getTime() }
    days.set(zone, day)
  }
  return day.date
}

function wallDate(at: Date, zone: string): PlainDate {
  const p = wallClock(at, zone)
  return `${p.year}-${p.month}-${p.day}`
}

// Beginnings of days by zone and date. Cleared when full: it is asked for the same few hundred days.
const starts = new Map<string, number>()

/** The first instant of `date` in `zone`. Where midnight does not exist that day, the first instant that does. */
export function startOfDay(date: PlainDate, zone: string): Date {
  const key = `${date} ${zone}`
  const known = starts.get(key)
  if (known !== undefined) return new Date(known)
  const utc = Date.parse(`${date}T00:00:00Z`)
  const offsetAt = (t: number) => {
    const p = wallClock(new Date(t), zone)
    return Date.parse(`${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}:${p.second}Z`) - t
  }
  // Two rounds settle it: the offset that holds near midnight is the one of the first guess or of its correction.
  let t = utc - offsetAt(utc)
  t = utc - offsetAt(t)
  while (wallDate(new Date(t), zone) < date) t += 30 * minuteMs
  if (starts.size >= 2000) starts.clear()
  starts.set(key, t)
  return new Date(t)
}

/** The instant a term that ends on `date` is over: local midnight at the end of that day. */
export function endOfDay(date: PlainDate, zone: string): Date {
  return startOfDay(addDays(date, 1), zone)
}
