/**
 * What can be counted from the public log alone, entry by entry. Pure: the portal follows its own log with it, and `verify-numbers` anybody's, so both count the same. Everything
 * counted is a whole number that only grows and can be added up over places, agencies and lines. docs/numbers.md says it in words.
 */
import { minuteMs, type PlainDate } from '#kernel/time'
import type { Entry } from '#publiclog'
import { bucketOf } from './histogram.ts'

/** What is counted about a service, under its full id. `bucket` says: the channel; how it ended; minutes from filing to decision; nothing. */
export type ServiceMeasure = 'filed' | 'decided' | 'took' | 'withdrawn'
/** What is counted about a line. `bucket` says: minutes from the turn to its first call; how turns ended; the desk; the desk and the reason; minutes on duty are the count. */
export type LineMeasure = 'waited' | 'finished' | 'called' | 'done' | 'passed' | 'held' | 'returned' | 'duty'

/** One count. `month` is that of the entry's time in UTC, `2026-11`. */
export type Count = {
  readonly month: string
  readonly about: 'service' | 'line'
  readonly id: string
  readonly measure: ServiceMeasure | LineMeasure
  readonly bucket: string
}

/** How a decided case stands to its term. */
export type Ending = 'in-term' | 'late' | 'silence'

/** What must be remembered of entries before. */
export type LineFacts = { readonly office: string; readonly covers: readonly string[]; readonly onDuty: Readonly<Record<string, string>> }
/** A case that is not decided yet. */
export type OpenCase = { readonly service: string; readonly at: string }
/** A turn that was never called. */
export type NewTurn = { readonly line: string; readonly at: string }

/** A case that is decided in time is decided before this hour, UTC, of the day after its last: midnight in the westernmost of Mexico's zones. */
const latestMidnight = 'T08:00Z'

/** The letters in which a count is a key of a map; no id holds a space. */
export const keyOf = (c: Count): string => `${c.month} ${c.about} ${c.id} ${c.measure} ${c.bucket}`

/** The count that `keyOf` made a key of. */
export function countOfKey(key: string): Count {
  const [month, about, id, measure, ...bucket] = key.split(' ')
  return { month: month!, about: about as Count['about'], id: id!, measure: measure as Count['measure'], bucket: bucket.join(' ') }
}

const minutesBetween = (from: string, to: string) => Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / minuteMs))
/** Quiet lines give the date alone. */
const isMinute = (at: string) => at.length > 10
const dayAfter = (date: PlainDate) => new Date(Date.parse(`${date}T00:00Z`) + 86_400_000).toISOString().slice(0, 10)

/** The fold: what was counted, and what must be remembered to go on. Whoever stores it sets `cases`, `turns` and `lines` before `read` asks for them. */
export class Tally {
  /** By `keyOf`. */
  readonly counts = new Map<string, number>()
  readonly cases = new Map<string, OpenCase>()
  readonly turns = new Map<string, NewTurn>()
  readonly lines = new Map<string, LineFacts>()

  #add(at: string, about: Count['about'], id: string, measure: Count['measure'], bucket: string, n = 1): void {
    const key = keyOf({ month: at.slice(0, 7), about, id, measure, bucket })
    this.counts.set(key, (this.counts.get(key) ?? 0) + n)
  }

  /** Counts one entry. Entries come in the order of the log, each once. What makes no sense (a call of a turn never taken) is `verify-turns`' business and counts nothing here. */
  read(entry: Entry): void {
    const { at } = entry
    switch (entry.type) {
      case 'case.submitted':
        this.#add(at, 'service', entry.service, 'filed', entry.channel)
        this.cases.set(entry.case, { service: entry.service, at })
        return
      case 'case.decided': {
        const found = this.cases.get(entry.case)
        if (!found) return
        this.cases.delete(entry.case)
        const ending: Ending = entry.how === 'silence' ? 'silence' : at < `${dayAfter(entry.due)}${latestMidnight}` ? 'in-term' : 'late'
        this.#add(at, 'service', found.service, 'decided', ending)
        this.#add(at, 'service', found.service, 'took', String(bucketOf(minutesBetween(found.at, at))))
        return
      }
      case 'case.withdrawn': {
        // It may be undone within days and is then decided after all: remembered until it is.
        const found = this.cases.get(entry.case)
        if (found) this.#add(at, 'service', found.service, 'withdrawn', '')
        return
      }
      case 'line.opened':
        this.lines.set(entry.line, { office: entry.office, covers: entry.covers, onDuty: {} })
        return
      case 'line.changed': {
        // What was ever covered: people who waited there waited for one of these.
        const line = this.lines.get(entry.line)
        if (line) this.lines.set(entry.line, { ...line, covers: [...new Set([...line.covers, ...entry.covers])].sort() })
        return
      }
      case 'line.desk': {
        const line = this.lines.get(entry.line)
        if (!line) return
        const { [entry.desk]: since, ...others } = line.onDuty
        this.lines.set(entry.line, { ...line, onDuty: entry.on ? { ...others, [entry.desk]: at } : others })
        // Hours that are not over yet are nobody's; they belong to the month in which they end.
        if (!entry.on && since !== undefined && isMinute(since) && isMinute(at))
          this.#add(at, 'line', entry.line, 'duty', entry.desk, minutesBetween(since, at))
        return
      }
      case 'turn.taken':
        this.turns.set(entry.turn, { line: entry.line, at })
        return
      case 'turn.called': {
        this.#add(at, 'line', entry.line, 'called', entry.desk)
        // The first call ends the wait; whoever was away and is called again waits for themselves.
        const taken = this.turns.get(entry.turn)
        this.turns.delete(entry.turn)
        if (taken && isMinute(taken.at) && isMinute(at))
          this.#add(at, 'line', entry.line, 'waited', String(bucketOf(minutesBetween(taken.at, at))))
        return
      }
      case 'turn.passed':
        this.#add(at, 'line', entry.line, 'passed', entry.desk)
        return
      case 'turn.held':
        this.#add(at, 'line', entry.line, 'held', `${entry.desk} ${entry.reason}`)
        return
      case 'turn.returned':
        this.#add(at, 'line', entry.line, 'returned', `${entry.desk} ${entry.reason}`)
        return
      case 'turn.left':
        this.turns.delete(entry.turn)
        return
      case 'turn.finished':
        this.turns.delete(entry.turn)
        this.#add(at, 'line', entry.line, 'finished', entry.outcome)
        if (entry.desk !== null && entry.outcome === 'done') this.#add(at, 'line', entry.line, 'done', entry.desk)
        return
      default:
        return
    }
  }
}

/** What an entry will ask the tally to remember, by kind: for whoever keeps it in a store. */
export function remembered(entry: Entry): { readonly cases?: string; readonly turns?: string; readonly lines?: string } {
  if ('case' in entry) return { cases: entry.case }
  if ('line' in entry) return { lines: entry.line, ...('turn' in entry ? { turns: entry.turn } : {}) }
  return {}
}
