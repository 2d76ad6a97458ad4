/** What to tell people of their wait: pure arithmetic over what the line measured. */

/** One turn that was done: the minutes its desk had it, from call to end. */
export type ServiceMinutes = number

/** A wait in whole minutes, or that too little was measured to say. */
export type WaitRange = { readonly low: number; readonly high: number } | 'not-enough-data'

/** With fewer measured services than this, a range would be a guess. */
export const leastServices = 10
/** Of more than this only the newest are used: the caller passes the newest first or cuts at the query. */
const mostServices = 200

/**
 * How long somebody waits with `before` turns before them and `desks` on duty, from the service times measured lately (newest first, minutes). The range holds four of five
 * waits when services go on as measured: the sum of the services before, its spread by their variance (the services taken as independent, the sum as normal), shared by
 * the desks; the end is rounded up to whole minutes, and from half an hour on to five. `not-enough-data` with under `leastServices` measured or no desk on duty.
 */
export function waitRange(before: number, desks: number, services: readonly ServiceMinutes[]): WaitRange {
  const known = services.slice(0, mostServices).filter((m) => Number.isFinite(m) && m >= 0)
  if (known.length < leastServices || desks < 1 || before < 0) return 'not-enough-data'
  // One service of a day must not move everybody's estimate: the longest twentieth counts as the longest of the rest.
  const sorted = [...known].sort((a, b) => a - b)
  const cap = sorted[Math.ceil(sorted.length * 0.95) - 1]!
  const capped = sorted.map((m) => Math.min(m, cap))
  const mean = capped.reduce((a, m) => a + m, 0) / capped.length
  const variance = capped.reduce((a, m) => a + (m - mean) ** 2, 0) / (capped.length - 1)
  // All desks are busy; the first to be free takes the first in line. `before` turns and the rests of the present services pass over `desks` desks.
  const passing = (before + 1) / desks
  const middle = passing * mean
  // 1.2816: four fifths of a normal distribution lie within this many deviations.
  const spread = (1.2816 * Math.sqrt((before + 1) * variance)) / desks
  const low = Math.max(0, Math.floor(middle - spread))
  const high = Math.ceil(middle + spread)
  const coarse = (minutes: number, up: boolean) => (minutes < 30 ? minutes : (up ? Math.ceil : Math.floor)(minutes / 5) * 5)
  return { low: before === 0 ? 0 : coarse(low, false), high: coarse(Math.max(high, 1), true) }
}

/** The middle of these minutes; of an even count the mean of the two in the middle; null of none. */
export function medianMinutes(minutes: readonly number[]): number | null {
  if (minutes.length === 0) return null
  const sorted = [...minutes].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
