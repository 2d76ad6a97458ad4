import { addDays, type PlainDate } from './time.ts'

/** Which dates are not working days beside Saturday and Sunday. */
export type Calendar = { readonly holidays: ReadonlySet<PlainDate> }

/** Whether offices work on `date`. */
function isWorkingDay(date: PlainDate, calendar: Calendar): boolean {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay()
  return weekday !== 0 && weekday !== 6 && !calendar.holidays.has(date)
}

// Every filing of a day counts the same terms. Cleared when full.
const counted = new WeakMap<ReadonlySet<PlainDate>, Map<string, PlainDate>>()

/**
 * The `count`-th working day after `date`; the day itself is not counted (LFPA 28-31: terms run from the day after). With 0 it is `date` itself.
 */
export function addWorkingDays(date: PlainDate, count: number, calendar: Calendar): PlainDate {
  const { holidays } = calendar
  let known = counted.get(holidays)
  if (!known) counted.set(holidays, (known = new Map()))
  const key = `${date}+${count}`
  const before = known.get(key)
  if (before !== undefined) return before
  let d = date
  for (let left = count; left > 0; ) {
    d = addDays(d, 1)
    if (isWorkingDay(d, calendar)) left--
  }
  if (known.size >= 2000) known.clear()
  known.set(key, d)
  return d
}

/** How many working days lie after `from` up to and including `to`; 0 when `to` is not later. */
export function workingDaysBetween(from: PlainDate, to: PlainDate, calendar: Calendar): number {
  let n = 0
  for (let d = addDays(from, 1); d <= to; d = addDays(d, 1)) if (isWorkingDay(d, calendar)) n++
  return n
}
