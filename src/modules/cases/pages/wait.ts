/** Spans of time and waits as people say them; one wording for every page that tells a wait. */
import type { Language } from '#kernel/text'
import type { WaitRange } from '../line-statistics.ts'
import { text } from './staff-text.ts'

type Unit = 'minutes' | 'hours' | 'days'
const minutesIn = { minutes: 1, hours: 60, days: 1440 } as const
const unitOf = (minutes: number): Unit => (minutes < 120 ? 'minutes' : minutes < 2880 ? 'hours' : 'days')
const rounded = (minutes: number, unit: Unit) => Math.max(0, Math.round(minutes / minutesIn[unit]))

/** A span of minutes in the words that fit its length. */
export function durationWords(l: Language, minutes: number): string {
  const unit = unitOf(minutes)
  return text(l, `duration.${unit}`, { count: rounded(minutes, unit) })
}

/** A wait in words: *de 4 a 5 horas*, *unas 3 horas*, *menos de 5 minutos*; null where too little was measured to say. */
export function waitWords(l: Language, wait: WaitRange | null | undefined): string | null {
  if (!wait || wait === 'not-enough-data') return null
  const unit = unitOf(wait.high)
  const high = durationWords(l, wait.high)
  if (Math.round(wait.low) < 1) return text(l, 'wait.under', { high })
  // A start in a smaller unit says it: "de 40 minutos a 3 horas".
  if (unitOf(wait.low) !== unit) return text(l, 'wait.range', { low: durationWords(l, wait.low), high })
  const low = rounded(wait.low, unit)
  return low === rounded(wait.high, unit) ? text(l, 'wait.about', { span: high }) : text(l, 'wait.range', { low: String(low), high })
}

/** The same; where no desk is open, that. */
export function waitNow(l: Language, wait: WaitRange | null | undefined, desks: number): string | null {
  return waitWords(l, wait) ?? (desks === 0 ? text(l, 'wait.closed') : null)
}
