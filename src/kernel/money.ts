/** Whole minor units (centavos) with a currency. On the wire a string: `"1500.00 MXN"`. */
export type Money = { readonly minor: bigint; readonly currency: 'MXN' }

/** Pesos from their written form, `1500` or `1500.50`. Throws a `RangeError` for anything else. */
export function pesos(written: string): Money {
  const m = /^(\d{1,15})(?:\.(\d{1,2}))?$/.exec(written)
  if (!m) throw new RangeError(`Not an amount in pesos: ${written}`)
  return { minor: BigInt(m[1]!) * 100n + BigInt((m[2] ?? '').padEnd(2, '0')), currency: 'MXN' }
}

/** The sum of amounts of one currency. */
export function sum(...all: readonly Money[]): Money {
  return { minor: all.reduce((a, m) => a + m.minor, 0n), currency: 'MXN' }
}

/** The wire form. */
export function moneyText(m: Money): string {
  const sign = m.minor < 0n ? '-' : ''
  const abs = m.minor < 0n ? -m.minor : m.minor
  return `${sign}${abs / 100n}.${String(abs % 100n).padStart(2, '0')} ${m.currency}`
}
