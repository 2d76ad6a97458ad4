import type { Numbers, OfficeRow, Row } from './numbers.ts'

const channelsOf = (n: Numbers) => [...new Set(n.rows.flatMap((r) => Object.keys(r.filed?.channels ?? {})))].sort()

// No cell is a person's words: ids, counts and channels alone, in which no comma, quote or formula can stand.
const line = (cells: readonly (string | number | undefined)[]) => `${cells.map((c) => c ?? '').join(',')}\r\n`

/** The table as CSV (RFC 4180), one row a thing; what may not be shown is empty. Offices follow with what rows have in common, their ends and their hours. */
export function csvOf(numbers: Numbers): string {
  const channels = channelsOf(numbers)
  const head = [
    'period',
    'scope',
    'id',
    'filed',
    ...channels.map((c) => `filed-${c}`),
    'decided',
    'in-term',
    'late',
    'silence',
    'took-p50-minutes',
    'took-p90-minutes',
  ]
  const waits = ['waited', 'wait-p50-minutes', 'wait-p90-minutes', 'turns-done', 'turns-silence', 'duty-minutes']
  const row = (r: Row) =>
    line([
      numbers.period,
      r.scope,
      r.id,
      r.filed?.n,
      ...channels.map((c) => r.filed?.channels[c]),
      r.decided?.n,
      r.decided?.inTerm,
      r.decided?.late,
      r.decided?.silence,
      r.decided?.p50,
      r.decided?.p90,
      r.waited?.n,
      r.waited?.p50,
      r.waited?.p90,
      ...Array<undefined>(3).fill(undefined),
    ])
  const office = (o: OfficeRow) =>
    line([
      numbers.period,
      'office',
      o.office,
      ...Array<undefined>(channels.length + 7).fill(undefined),
      o.waited?.n,
      o.waited?.p50,
      o.waited?.p90,
      o.finished.done ?? 0,
      o.finished.silence ?? 0,
      o.dutyMinutes,
    ])
  return line([...head, ...waits]) + numbers.rows.map(row).join('') + numbers.offices.map(office).join('')
}
