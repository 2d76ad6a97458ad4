/**
 * Taxes assessed from figures: pure, exact, and with their working. Each line says which rule rounded it, which article gives it and which parameter it used; a figure that nobody has published is
 * missing in the answer, and never guessed. `docs/tax.md` lists the kinds and what each takes.
 */
import { compare, type Decimal, decimal, least, minus, most, negated, plus, ratio, round, times, written, zero } from '#kernel/decimal'
import { isPlainDate, type PlainDate } from '#kernel/time'
import { type Cited, Missing, type Parameters, type Period, type Tariff } from './parameters.ts'

/** How a line was rounded; each has words under `rule.<name>`. */
export type Rule = 'centavo' | 'peso' | 'four'

/** One line of the working. `id` has words under `line.<id>`. */
export type Line = {
  readonly id: string
  readonly value: string
  readonly rule?: Rule
  readonly article?: string
  readonly parameter?: Pick<Cited, 'id' | 'sources'>
}

/** What comes out: amounts in pesos by their names, and how each came about; or what is missing. */
export type Assessment = {
  readonly kind: Kind
  readonly result: Readonly<Record<string, string>> | null
  readonly lines: readonly Line[]
  readonly missing: Pick<Missing, 'what' | 'when'> | null
}

/** A field of the input that is not as it must be. */
export class InputFault extends Error {
  readonly field: string
  constructor(field: string, words: string) {
    super(`"${field}": ${words}`)
    this.field = field
  }
}

/** The working as it is written down. */
class Working {
  readonly lines: Line[] = []

  /** Writes a line down and returns its value. */
  line(id: string, value: Decimal, more: Omit<Line, 'id' | 'value'> = {}): Decimal {
    this.lines.push({ id, value: written(value), ...more })
    return value
  }

  /** The same, rounded to the centavo. */
  centavos(id: string, value: Decimal, more: Omit<Line, 'id' | 'value' | 'rule'> = {}): Decimal {
    return this.line(id, round(value, 2, 'half-up'), { rule: 'centavo', ...more })
  }
}

const cited = ({ id, article, sources }: Cited) => ({ article, parameter: { id, sources } })
const percent = (of: Decimal, rate: Decimal): Decimal => ({ ...times(of, rate), scale: of.scale + rate.scale + 2 })

/** To whole pesos as CFF 20 says: up to 50 centavos downwards, from 51 upwards. */
export function toPesos(d: Decimal): Decimal {
  if (d.units < 0n) return negated(toPesos(negated(d)))
  // A centavo less, so that 50 of them go down and 51 go up.
  return round(minus(round(d, 2, 'half-up'), decimal('0.01')), 0, 'half-up')
}

// ── What is given ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

type Input = Readonly<Record<string, unknown>>

function amountOf(input: Input, field: string, otherwise?: Decimal): Decimal {
  const value = input[field]
  if (value === undefined && otherwise !== undefined) return otherwise
  // Numbers of JSON are doubles: an amount beyond their exactness must be written as text.
  const text = typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e12 ? String(value) : value
  if (typeof text !== 'string' || !/^\d{1,15}(\.\d{1,2})?$/.test(text))
    throw new InputFault(field, 'an amount in pesos such as "12500.50", not negative')
  return decimal(text)
}

function dateOf(input: Input, field: string): PlainDate {
  const value = input[field]
  if (typeof value !== 'string' || !isPlainDate(value)) throw new InputFault(field, 'a day such as "2026-03-31"')
  return value
}

function numberOf(input: Input, field: string, from: number, to: number): number {
  const value = input[field]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < from || value > to)
    throw new InputFault(field, `a whole number from ${from} to ${to}`)
  return value
}

const yearOf = (day: PlainDate) => Number(day.slice(0, 4))

// ── The rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Tax by a tariff: the fixed quota of the bracket, and its rate on what exceeds its lower limit. */
function byTariff(w: Working, base: Decimal, tariff: Tariff): Decimal {
  const of = cited(tariff)
  const bracket = tariff.brackets.findLast((b) => compare(b.from, base) <= 0)
  if (!bracket) return w.line('tax', round(zero, 2, 'half-up'), of)
  w.line('lower-limit', bracket.from, of)
  const excess = w.line('excess', minus(base, bracket.from))
  w.line('rate', bracket.rate, of)
  const marginal = w.centavos('marginal', percent(excess, bracket.rate))
  w.line('quota', bracket.quota, of)
  return w.line('tax', plus(marginal, bracket.quota), of)
}

/** The subsidy of some days of a month; nothing where the month's income is above its cap. */
function subsidyOf(w: Working, parameters: Parameters, day: PlainDate, income: Decimal, days: Decimal | null): Decimal {
  const subsidy = parameters.subsidy(day)
  if (subsidy === null) throw new Missing('subsidy', day)
  const of = cited(subsidy)
  const month = days === null ? income : w.centavos('income-month', times(ratio(income, days, 12, 'half-up'), subsidy.daysOfMonth), of)
  w.line('income-cap', subsidy.incomeCap, of)
  const whole = compare(month, subsidy.incomeCap) <= 0 ? round(subsidy.amount, 2, 'half-up') : round(zero, 2, 'half-up')
  return w.centavos('subsidy', days === null ? whole : times(ratio(whole, subsidy.daysOfMonth, 12, 'half-up'), days), of)
}

/** Withholding of a period. With `wages` the subsidy is held against it, down to nothing. */
const withholding =
  (period: Exclude<Period, 'year'>, days: string | null) =>
  (w: Working, parameters: Parameters, input: Input): Record<string, Decimal> => {
    const day = dateOf(input, 'date')
    const income = w.line('income', round(amountOf(input, 'income'), 2, 'half-up'))
    if (input.wages !== undefined && typeof input.wages !== 'boolean') throw new InputFault('wages', 'true or false')
    const tax = byTariff(w, income, parameters.tariff(period, yearOf(day)))
    if (input.wages !== true) return { tax, toWithhold: w.line('to-withhold', tax) }
    const subsidy = subsidyOf(w, parameters, day, income, days === null ? null : decimal(days))
    const applied = w.line('subsidy-applied', least(subsidy, tax))
    return { tax, subsidy: applied, toWithhold: w.line('to-withhold', minus(tax, applied)) }
  }

function cap(w: Working, parameters: Parameters, year: number, total: Decimal): Decimal {
  const { article, share, umas } = parameters.deductions
  const uma = parameters.annualUma(year)
  const byShare = w.centavos('cap-share', percent(total, share), { article })
  const byUma = w.centavos('cap-uma', times(uma.amount, umas), { article, parameter: { id: uma.id, sources: uma.sources } })
  return w.line('cap', least(byShare, byUma), { article })
}

function annual(w: Working, parameters: Parameters, input: Input): Record<string, Decimal> {
  const year = numberOf(input, 'year', 2000, 2100)
  const income = w.line('income', round(amountOf(input, 'income'), 2, 'half-up'))
  const exempt = w.line('exempt', round(amountOf(input, 'exempt', zero), 2, 'half-up'))
  const asked = w.line('deductions', round(amountOf(input, 'deductions', zero), 2, 'half-up'))
  const outside = round(amountOf(input, 'deductionsOutsideCap', zero), 2, 'half-up')
  const allowed =
    asked.units === 0n
      ? asked
      : w.line('deductions-allowed', least(asked, cap(w, parameters, year, w.line('total-income', plus(income, exempt)))))
  w.line('deductions-outside', outside)
  const base = w.line('base', most(round(zero, 2, 'half-up'), minus(income, plus(allowed, outside))), { article: 'LISR 152' })
  const tax = byTariff(w, base, parameters.tariff('year', year))
  const withheld = w.line('withheld', round(amountOf(input, 'withheld', zero), 2, 'half-up'))
  const due = toPesos(minus(tax, withheld))
  const rule = { rule: 'peso', article: 'CFF 20' } as const
  if (due.units >= 0n) return { tax, base, deductions: plus(allowed, outside), toPay: w.line('to-pay', due, rule) }
  return { tax, base, deductions: plus(allowed, outside), inFavour: w.line('in-favour', { ...due, units: -due.units }, rule) }
}

/** The month before that of a day, `YYYY-MM`. */
function monthBefore(day: PlainDate): string {
  const [y, m] = [yearOf(day), Number(day.slice(5, 7))]
  return m === 1 ? `${y - 1}-12` : `${y}-${String(m - 1).padStart(2, '0')}`
}

/** The day so many months later; the last of the month where it has no such day. */
function monthsLater(day: PlainDate, months: number): PlainDate {
  const [y, m, d] = day.split('-').map(Number) as [number, number, number]
  const last = new Date(Date.UTC(y, m + months, 0))
  return `${last.toISOString().slice(0, 8)}${String(Math.min(d, last.getUTCDate())).padStart(2, '0')}`
}

/** Most months in which surcharges run (CFF 21: five years). */
const mostMonths = 60

function late(w: Working, parameters: Parameters, input: Input): Record<string, Decimal> {
  const amount = w.line('amount', amountOf(input, 'amount'))
  const [due, paid] = [dateOf(input, 'due'), dateOf(input, 'paid')]
  if (paid <= due) throw new InputFault('paid', 'a day after the one it was due')
  const [before, now] = [parameters.inpc(monthBefore(due)), parameters.inpc(monthBefore(paid))]
  w.line('inpc-due', before.value, cited(before))
  w.line('inpc-paid', now.value, cited(now))
  // Prices that fell do not lessen what is owed.
  const factor = w.line('factor', most(decimal('1'), ratio(now.value, before.value, 4, 'down')), { rule: 'four', article: 'CFF 17-A' })
  const updated = w.line('updated', toPesos(times(amount, factor)), { rule: 'peso', article: 'CFF 20' })
  let months = 0
  let rate = zero
  // From due day to due day; one that has begun counts in full, at the rate of the day on which it begins.
  for (let from = due; from < paid && months < mostMonths; from = monthsLater(due, months)) {
    rate = plus(rate, parameters.surcharge(yearOf(from)).rate)
    months++
  }
  const last = parameters.surcharge(yearOf(monthsLater(due, months - 1)))
  w.line('months', decimal(String(months)), { article: 'CFF 21' })
  w.line('surcharge-rate', rate, cited(last))
  const surcharges = w.line('surcharges', toPesos(percent(updated, rate)), { rule: 'peso', article: 'CFF 20, 21' })
  return { factor, updated, surcharges, total: w.line('total', plus(updated, surcharges)) }
}

function instalments(w: Working, parameters: Parameters, input: Input): Record<string, Decimal> {
  const year = numberOf(input, 'year', 2000, 2100)
  const count = numberOf(input, 'count', 2, 6)
  const total = w.line('total', amountOf(input, 'total'))
  w.line('count', decimal(String(count)))
  const divisor = parameters.divisor(year, count)
  const of = cited(divisor)
  const first = w.line('first', toPesos(ratio(total, decimal(String(count)), 12, 'half-up')), { rule: 'peso', ...of })
  w.line('divisor', divisor.value, of)
  const next = w.line('next', toPesos(ratio(minus(total, first), divisor.value, 12, 'half-up')), { rule: 'peso', ...of })
  return { first, next }
}

/** Every kind, by its name. Adding one is a row here, its words in the text files, and its example in docs/tax.md. */
const kinds = {
  'isr-monthly': withholding('month', null),
  'isr-weekly': withholding('week', '7'),
  'isr-10-day': withholding('ten-days', '10'),
  'isr-fortnight': withholding('fortnight', '15'),
  'isr-annual': annual,
  subsidy: (w, parameters, input) => ({
    subsidy: subsidyOf(w, parameters, dateOf(input, 'date'), w.line('income', round(amountOf(input, 'income'), 2, 'half-up')), null),
  }),
  'deduction-cap': (w, parameters, input) => ({
    cap: cap(
      w,
      parameters,
      numberOf(input, 'year', 2000, 2100),
      w.line('total-income', round(amountOf(input, 'totalIncome'), 2, 'half-up')),
    ),
  }),
  'late-payment': late,
  instalments,
} as const satisfies Record<string, (w: Working, parameters: Parameters, input: Input) => Record<string, Decimal>>

export type Kind = keyof typeof kinds

/** The names of all kinds. */
export const kindNames = Object.keys(kinds) as readonly Kind[]

/** What each kind reads beside `kind`; anything else in the input is a slip of the pen. */
const fields: Readonly<Record<Kind, readonly string[]>> = {
  'isr-monthly': ['date', 'income', 'wages'],
  'isr-weekly': ['date', 'income', 'wages'],
  'isr-10-day': ['date', 'income', 'wages'],
  'isr-fortnight': ['date', 'income', 'wages'],
  'isr-annual': ['year', 'income', 'exempt', 'deductions', 'deductionsOutsideCap', 'withheld'],
  subsidy: ['date', 'income'],
  'deduction-cap': ['year', 'totalIncome'],
  'late-payment': ['amount', 'due', 'paid'],
  instalments: ['year', 'total', 'count'],
}

/** Assesses one case. Throws `InputFault` for an input that is not as its kind takes it; a parameter that is not known is in the answer. */
export function assess(parameters: Parameters, input: unknown): Assessment {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw new InputFault('kind', 'give one JSON object')
  const given = input as Input
  const kind = kindNames.find((k) => k === given.kind)
  if (!kind) throw new InputFault('kind', `one of ${kindNames.join(', ')}`)
  for (const field of Object.keys(given))
    if (field !== 'kind' && !fields[kind].includes(field)) throw new InputFault(field, `${kind} takes ${fields[kind].join(', ')}`)
  const working = new Working()
  try {
    const result = kinds[kind](working, parameters, given)
    return {
      kind,
      result: Object.fromEntries(Object.entries(result).map(([name, d]) => [name, written(d)])),
      lines: working.lines,
      missing: null,
    }
  } catch (error) {
    if (!(error instanceof Missing)) throw error
    return { kind, result: null, lines: working.lines, missing: { what: error.what, when: error.when } }
  }
}
