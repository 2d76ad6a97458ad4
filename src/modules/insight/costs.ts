/** What an office says it cost in a month, and what a turn cost with that. Pure; docs/numbers.md describes the document. */
import { createHash } from 'node:crypto'
import { canonicalBytes } from '#kernel/canonical'
import { countOfKey, type LineFacts } from './tally.ts'

/** What a sum holds: salaries alone, those with the premises, or everything. */
export const bases = ['salaries', 'salaries-premises', 'all'] as const
export type Basis = (typeof bases)[number]

/** One declaration: whole pesos for the month, what they hold, and when it was made (UTC, whole minutes). */
export type Declaration = { readonly pesos: number; readonly basis: Basis; readonly at: string }

/** What is published of an office in a month. Its canonical JSON is what the hash in the log is taken of; the last declaration counts. */
export type CostNumbers = {
  readonly v: 1
  /** `costs/<office>` */
  readonly set: string
  readonly period: string
  readonly declarations: readonly Declaration[]
}

/** The same with the turns that desks of the office finished as done in that month, counted from the log. */
export type Cost = {
  readonly office: string
  readonly period: string
  readonly turns: number
  readonly declarations: readonly Declaration[]
}

/** The least and most pesos that can be declared: a hundred thousand million a month is more than any office costs. */
const leastPesos = 1
const mostPesos = 100_000_000_000
/** A month may be corrected so often. */
export const mostDeclarations = 20

/** The set under which an office's costs are released. */
export const costsSet = (office: string): string => `costs/${office}`

/** The hash of what is published, as `numbers.released` bears it. */
export function costHash(office: string, period: string, declarations: readonly Declaration[]): string {
  const document: CostNumbers = { v: 1, set: costsSet(office), period, declarations }
  return createHash('sha256').update(canonicalBytes(document)).digest('hex')
}

/** Whole pesos as typed, with or without thousands separated; null where it is none, or out of bounds. */
export function pesosTyped(typed: string): number | null {
  const plain = typed.trim().replace(/^\$\s*/, '')
  if (!/^\d{1,3}([ ,]?\d{3})*$|^\d+$/.test(plain)) return null
  const n = Number(plain.replace(/[ ,]/g, ''))
  return Number.isSafeInteger(n) && n >= leastPesos && n <= mostPesos ? n : null
}

/** The twelve months before the one of `now` (UTC), the newest first: a month is declared once it is over. */
export function declarable(now: Date): string[] {
  return Array.from({ length: 12 }, (_, i) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1 - i, 1)).toISOString().slice(0, 7),
  )
}

/** Turns finished as done at the desks of each office in each month, of the tally's counts: by `<office> <month>`. */
export function turnsDone(counts: Iterable<readonly [key: string, n: number]>, lines: ReadonlyMap<string, LineFacts>): Map<string, number> {
  const turns = new Map<string, number>()
  for (const [key, n] of counts) {
    const c = countOfKey(key)
    const office = c.measure === 'finished' && c.bucket === 'done' ? lines.get(c.id)?.office : undefined
    if (office !== undefined) turns.set(`${office} ${c.month}`, (turns.get(`${office} ${c.month}`) ?? 0) + n)
  }
  return turns
}
