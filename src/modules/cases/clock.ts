import { addWorkingDays, type Calendar, workingDaysBetween } from '#kernel/calendar'
import { addDays, dateIn, daysBetween, endOfDay, type PlainDate } from '#kernel/time'

/** A lawful term, as a definition gives it. */
export type LegalTerm = { readonly unit: 'immediate' | 'working-days' | 'days' | 'months'; readonly count: number }

/** A draft lives this long after it was last saved. */
export const draftDays = 30

function addMonths(date: PlainDate, months: number): PlainDate {
  const [y, m, d] = date.split('-').map(Number) as [number, number, number]
  const first = new Date(Date.UTC(y, m - 1 + months, 1))
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  // LFPA 29: a term in months ends on the same day of the month; where that month has none, on its last.
  return `${first.toISOString().slice(0, 8)}${String(Math.min(d, last)).padStart(2, '0')}`
}

function nextWorkingDay(date: PlainDate, calendar: Calendar): PlainDate {
  return addWorkingDays(addDays(date, -1), 1, calendar)
}

/**
 * The last day on which the office may decide, counted from the day after filing (LFPA 28, 29): an `immediate` term ends on the day of filing, or the
 * next working day when offices were closed; days and months that end on a closed day end on the next open one.
 */
export function dueOn(term: LegalTerm, filedOn: PlainDate, calendar: Calendar): PlainDate {
  if (term.unit === 'immediate') return nextWorkingDay(filedOn, calendar)
  if (term.unit === 'working-days') return addWorkingDays(filedOn, term.count, calendar)
  const end = term.unit === 'days' ? addDays(filedOn, term.count) : addMonths(filedOn, term.count)
  return nextWorkingDay(end, calendar)
}

/**
 * The last day on which papers may be asked for: the first third of the term (LFPA 17-A), rounded down, but never before the first day on which
 * anybody could have asked.
 */
export function askBy(term: LegalTerm, filedOn: PlainDate, calendar: Calendar): PlainDate {
  const due = dueOn(term, filedOn, calendar)
  if (term.unit === 'immediate') return due
  if (term.unit === 'working-days') return addWorkingDays(filedOn, Math.max(1, Math.floor(term.count / 3)), calendar)
  const third = addDays(filedOn, Math.floor(daysBetween(filedOn, due) / 3))
  const first = addWorkingDays(filedOn, 1, calendar)
  return third > first ? third : first
}

/**
 * The due day after a pause for papers: the term stood still from the day they were asked for and goes on from the working day after they
 * came (LFPA 17-A), so it ends as many working days later as the pause had.
 */
export function dueAfterPause(due: PlainDate, askedOn: PlainDate, resumedOn: PlainDate, calendar: Calendar): PlainDate {
  return addWorkingDays(due, workingDaysBetween(askedOn, resumedOn, calendar), calendar)
}

/** An office's calendar with the zone of its clock (IANA). */
type LocalCalendar = Calendar & { readonly zone: string }

/** A withdrawal is undone within this many working days. */
export const undoDays = 5

/** The instant at which the days for undoing a withdrawal end, at the office's midnight. */
export function undoUntil(withdrawnAt: Date, calendar: LocalCalendar): Date {
  return endOfDay(addWorkingDays(dateIn(withdrawnAt, calendar.zone), undoDays, calendar), calendar.zone)
}

/**
 * The last day for papers that were asked for, once a withdrawal is undone on `today`: as many working days later as the case was withdrawn, but no later than
 * the turn, which left at `leftAt`, may come back to its line.
 */
export function answerAgainBy(answerBy: PlainDate, withdrawnAt: Date, leftAt: Date, today: PlainDate, calendar: LocalCalendar): PlainDate {
  const moved = dueAfterPause(answerBy, dateIn(withdrawnAt, calendar.zone), today, calendar)
  const last = addWorkingDays(dateIn(leftAt, calendar.zone), undoDays, calendar)
  return moved < last ? moved : last
}
