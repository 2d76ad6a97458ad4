/** Exact decimal numbers: nothing is rounded unless it is asked for, by a rule with a name. */

/** `units` times ten to the power of minus `scale`. */
export type Decimal = { readonly units: bigint; readonly scale: number }

/** How a number is cut to fewer places. `half-up`: from five on upwards, away from zero; `down`: what is beyond is dropped. */
export type Rounding = 'half-up' | 'down'

/** Nothing. */
export const zero: Decimal = { units: 0n, scale: 0 }

/** A number as it is written, `-1250.5`: at most 15 digits before the point and 18 after. Throws RangeError for anything else. */
export function decimal(written: string): Decimal {
  const m = /^(-?)(\d{1,15})(?:\.(\d{1,18}))?$/.exec(written)
  if (!m) throw new RangeError(`Not a number: ${written}`)
  const units = BigInt(m[2]! + (m[3] ?? ''))
  return { units: m[1] === '-' ? -units : units, scale: m[3]?.length ?? 0 }
}

const power = (n: number) => 10n ** BigInt(n)
const at = (d: Decimal, scale: number) => d.units * power(scale - d.scale)

/** The exact sum. */
export function plus(...all: readonly Decimal[]): Decimal {
  const scale = Math.max(0, ...all.map((d) => d.scale))
  return { units: all.reduce((sum, d) => sum + at(d, scale), 0n), scale }
}

/** The same, on the other side of zero. */
export const negated = (d: Decimal): Decimal => ({ units: -d.units, scale: d.scale })
/** The exact difference. */
export const minus = (a: Decimal, b: Decimal): Decimal => plus(a, negated(b))
/** The exact product, with the places of both. */
export const times = (a: Decimal, b: Decimal): Decimal => ({ units: a.units * b.units, scale: a.scale + b.scale })

/** Negative, zero or positive as `a` is less than, equal to or more than `b`. */
export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale)
  const difference = at(a, scale) - at(b, scale)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The smaller of two. */
export const least = (a: Decimal, b: Decimal): Decimal => (compare(a, b) <= 0 ? a : b)
/** The larger of two. */
export const most = (a: Decimal, b: Decimal): Decimal => (compare(a, b) >= 0 ? a : b)

function quotient(n: bigint, d: bigint, rule: Rounding): bigint {
  const isNegative = n < 0n !== d < 0n
  const [a, b] = [n < 0n ? -n : n, d < 0n ? -d : d]
  const whole = a / b
  const up = rule === 'half-up' && 2n * (a % b) >= b ? 1n : 0n
  return isNegative ? -(whole + up) : whole + up
}

/** The number with `places` after the point. */
export function round(d: Decimal, places: number, rule: Rounding): Decimal {
  if (d.scale <= places) return { units: at(d, places), scale: places }
  return { units: quotient(d.units, power(d.scale - places), rule), scale: places }
}

/** `a` divided by `b`, to so many places. Throws RangeError for a division by zero. */
export function ratio(a: Decimal, b: Decimal, places: number, rule: Rounding): Decimal {
  if (b.units === 0n) throw new RangeError('Division by zero.')
  return { units: quotient(a.units * power(places + b.scale), b.units * power(a.scale), rule), scale: places }
}

/** As it is written, with all its places: `1250.50`. */
export function written(d: Decimal): string {
  const sign = d.units < 0n ? '-' : ''
  const digits = String(d.units < 0n ? -d.units : d.units).padStart(d.scale + 1, '0')
  const whole = digits.slice(0, digits.length - d.scale)
  return d.scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(digits.length - d.scale)}`
}
