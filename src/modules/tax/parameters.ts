/** The dated figures of tax law, each with its article and source. What is not known for a date is missing: nothing is carried over from another year. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Decimal, decimal } from '#kernel/decimal'
import type { PlainDate } from '#kernel/time'

/** For how long a tariff is made. */
export type Period = 'month' | 'year' | 'week' | 'ten-days' | 'fortnight'

/** Where a figure stands: its name here, the article that gives it, and who published it. */
export type Cited = { readonly id: string; readonly article: string; readonly sources: readonly string[] }

/** One bracket of a tariff: from so much on, a fixed quota and a rate in per cent on the excess. */
export type Bracket = { readonly from: Decimal; readonly quota: Decimal; readonly rate: Decimal }
export type Tariff = Cited & { readonly brackets: readonly Bracket[] }
export type Subsidy = Cited & { readonly amount: Decimal; readonly incomeCap: Decimal; readonly daysOfMonth: Decimal }

/** What a result needs and nobody has published, or is not here. `what` has words under `missing.<what>`; `when` is a year, a month `YYYY-MM` or a day. */
export class Missing extends Error {
  readonly what: 'tariff' | 'uma' | 'subsidy' | 'inpc' | 'surcharge' | 'divisor'
  readonly when: string
  constructor(what: Missing['what'], when: string) {
    super(`${what} of ${when}`)
    this.what = what
    this.when = when
  }
}

type Years = { readonly from: number; readonly until: number }
type File = {
  readonly tariffs: readonly (Cited &
    Years & {
      readonly period: Period
      readonly brackets: readonly { readonly from: string; readonly quota: string; readonly rate: string }[]
    })[]
  readonly subsidy: Omit<Cited, 'id'> & {
    readonly daysOfMonth: string
    readonly periods: readonly {
      readonly from: PlainDate
      readonly until: PlainDate | null
      readonly percentOfMonthlyUma: string
      readonly monthlyUma: string
      readonly incomeCap: string
    }[]
  }
  readonly uma: Omit<Cited, 'id'> & { readonly years: readonly { readonly year: number; readonly annual: string }[] }
  readonly surcharges: Omit<Cited, 'id'> & { readonly monthly: readonly (Years & { readonly rate: string })[] }
  readonly instalments: {
    readonly article: string
    readonly factors: readonly (Years & { readonly divisors: Readonly<Record<string, string>> })[]
  }
  readonly deductions: { readonly article: string; readonly share: string; readonly umas: string }
}

const holds = (year: number) => (y: Years) => y.from <= year && year <= y.until

export type Parameters = ReturnType<typeof readParameters>

/** Reads the folder `reference/tax`. Throws for a figure that is no number. */
export function readParameters(folder: string) {
  const file = JSON.parse(readFileSync(join(folder, 'parameters.json'), 'utf8')) as File
  const index = new Map<string, Decimal>(
    readFileSync(join(folder, 'inpc.csv'), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => {
        const [year, month, value] = line.trim().split(',')
        return [`${year}-${month!.padStart(2, '0')}`, decimal(value!)]
      }),
  )
  const tariffs = file.tariffs.map((t) => ({
    ...t,
    brackets: t.brackets.map((b) => ({ from: decimal(b.from), quota: decimal(b.quota), rate: decimal(b.rate) })),
  }))

  return {
    /** Throws `Missing`. */
    tariff(period: Period, year: number): Tariff {
      const found = tariffs.find((t) => t.period === period && holds(year)(t))
      if (!found) throw new Missing('tariff', String(year))
      return found
    },

    /** What the subsidy is in a month of that day, before it is held against the tax; null where there was none of this kind. Throws `Missing` for a day after what is known. */
    subsidy(day: PlainDate): Subsidy | null {
      const { article, sources, daysOfMonth, periods } = file.subsidy
      const found = periods.find((p) => p.from <= day && (p.until === null || day <= p.until))
      if (!found) {
        if (day < periods[0]!.from) throw new Missing('subsidy', day)
        return null
      }
      const share = decimal(found.percentOfMonthlyUma)
      const uma = decimal(found.monthlyUma)
      return {
        id: `subsidy-${found.from}`,
        article,
        sources,
        // Per cent: two places more.
        amount: { units: share.units * uma.units, scale: share.scale + uma.scale + 2 },
        incomeCap: decimal(found.incomeCap),
        daysOfMonth: decimal(daysOfMonth),
      }
    },

    /** The annual UMA of a year. Throws `Missing`. */
    annualUma(year: number): Cited & { readonly amount: Decimal } {
      const found = file.uma.years.find((u) => u.year === year)
      if (!found) throw new Missing('uma', String(year))
      return { id: `uma-${year}`, article: file.uma.article, sources: file.uma.sources, amount: decimal(found.annual) }
    },

    /** The price index of a month, `YYYY-MM`. Throws `Missing`. */
    inpc(month: string): Cited & { readonly value: Decimal } {
      const value = index.get(month)
      if (!value) throw new Missing('inpc', month)
      return { id: `inpc-${month}`, article: 'CFF 17-A, 21', sources: ['INEGI, Índice Nacional de Precios al Consumidor'], value }
    },

    /** The surcharge of a month in per cent. Throws `Missing`. */
    surcharge(year: number): Cited & { readonly rate: Decimal } {
      const found = file.surcharges.monthly.find(holds(year))
      if (!found) throw new Missing('surcharge', String(year))
      return {
        id: `surcharge-${found.from}`,
        article: file.surcharges.article,
        sources: file.surcharges.sources,
        rate: decimal(found.rate),
      }
    },

    /** By what the rest of an annual tax is divided, of so many payments. Throws `Missing`. */
    divisor(year: number, count: number): Cited & { readonly value: Decimal } {
      const found = file.instalments.factors.find(holds(year))?.divisors[String(count)]
      if (found === undefined) throw new Missing('divisor', String(year))
      return {
        id: `instalments-${year}-${count}`,
        article: file.instalments.article,
        sources: ['idconline.mx 2022; soltum.com.mx 2025'],
        value: decimal(found),
      }
    },

    /** The two bounds of personal deductions: a share of total income in per cent, and annual UMA. */
    deductions: { article: file.deductions.article, share: decimal(file.deductions.share), umas: decimal(file.deductions.umas) },
  }
}
