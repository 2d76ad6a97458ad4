import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { decimal, minus, plus, times, written } from '#kernel/decimal'
import { projectFolder } from '../../folder.ts'
import { assess, InputFault, toPesos } from './assess.ts'
import { inWords } from './index.ts'
import { readParameters } from './parameters.ts'

const parameters = readParameters(join(projectFolder, 'reference/tax'))
const of = (input: object) => assess(parameters, input)
const result = (input: object) => {
  const found = of(input)
  assert.equal(found.missing, null)
  return found.result!
}

describe('income tax of persons', () => {
  test('of a month is the quota and the rate on the excess', () => {
    // 25,000.00 in the tariff of 2026: from 17,533.65 on, 1,856.84 and 21.36 %: 7,466.35 of excess, 1,594.81.
    assert.deepEqual(result({ kind: 'isr-monthly', date: '2026-03-31', income: '25000.00' }), { tax: '3451.65', toWithhold: '3451.65' })
    // The limits themselves: one centavo below is the bracket before, 1,339.14 and 17.92 % of 2,888.99; the law's own quotas are a centavo off.
    assert.equal(result({ kind: 'isr-monthly', date: '2026-03-31', income: '17533.65' }).tax, '1856.84')
    assert.equal(result({ kind: 'isr-monthly', date: '2026-03-31', income: '17533.64' }).tax, '1856.85')
    assert.equal(result({ kind: 'isr-monthly', date: '2026-03-31', income: '0' }).tax, '0.00')
    assert.equal(result({ kind: 'isr-monthly', date: '2026-03-31', income: '0.01' }).tax, '0.00')
  })

  test('of wages has the subsidy held against it, down to nothing', () => {
    // 15.02 % of 3,566.22 is 535.65 (the decree's own figure, to the centavo).
    assert.deepEqual(result({ kind: 'subsidy', date: '2026-03-31', income: '10000.00' }), { subsidy: '535.65' })
    assert.deepEqual(result({ kind: 'subsidy', date: '2026-03-31', income: '11492.67' }), { subsidy: '0.00' })
    assert.deepEqual(result({ kind: 'subsidy', date: '2025-02-28', income: '10171.00' }), { subsidy: '474.65' })
    assert.deepEqual(result({ kind: 'subsidy', date: '2025-01-31', income: '10171.00' }), { subsidy: '474.95' })
    assert.deepEqual(result({ kind: 'subsidy', date: '2024-05-01', income: '9081.00' }), { subsidy: '390.12' })
    const low = result({ kind: 'isr-monthly', date: '2026-03-31', income: '7000.00', wages: true })
    assert.deepEqual(low, { tax: '410.17', subsidy: '410.17', toWithhold: '0.00' })
  })

  test('of a year takes deductions up to the cap, and says what is to pay or in favour in whole pesos', () => {
    assert.equal(result({ kind: 'deduction-cap', year: 2025, totalIncome: '2000000.00' }).cap, '206367.60')
    assert.equal(result({ kind: 'deduction-cap', year: 2025, totalIncome: '432000.00' }).cap, '64800.00')
    const found = result({
      kind: 'isr-annual',
      year: 2025,
      income: '420000.00',
      exempt: '12000.00',
      deductions: '80000.00',
      withheld: '70000.00',
    })
    // 355,200.00: from 185,852.58 on, 19,682.13 and 21.36 % of 169,347.42 = 36,172.61.
    assert.deepEqual(found, { tax: '55854.74', base: '355200.00', deductions: '64800.00', inFavour: '14145' })
    assert.equal(result({ kind: 'isr-annual', year: 2025, income: '420000', withheld: '1' }).toPay, '70671')
    assert.equal(result({ kind: 'isr-annual', year: 2025, income: '100', deductionsOutsideCap: '500' }).base, '0.00')
  })

  test('tariffs follow from themselves: each quota is the tax at the end of the bracket before, within a few centavos', () => {
    for (const [period, years, within] of [
      ['month', [2018, 2023, 2026], '0.02'],
      ['year', [2023, 2026], '0.02'],
      ['week', [2023, 2026], '0.15'],
      ['ten-days', [2023], '0.15'],
      ['fortnight', [2023], '0.15'],
    ] as const)
      for (const year of years) {
        const { brackets } = parameters.tariff(period, year)
        assert.equal(brackets.length, 11)
        for (const [i, b] of brackets.slice(1).entries()) {
          const last = brackets[i]!
          const share = times(minus(b.from, last.from), last.rate)
          const off = minus(plus(last.quota, { ...share, scale: share.scale + 2 }), b.quota)
          const abs = off.units < 0n ? { ...off, units: -off.units } : off
          assert.ok(minus(abs, decimal(within)).units <= 0n, `${period} ${year}, bracket ${i + 2}: ${written(off)}`)
        }
      }
  })
})

describe('late payment and instalments', () => {
  test('the amount is updated by prices, and surcharged for each month that has begun', () => {
    // INPC October 2024 and February 2025, as published.
    const found = of({ kind: 'late-payment', amount: '16000.00', due: '2024-11-17', paid: '2025-03-15' })
    const by = new Map(found.lines.map((l) => [l.id, l.value]))
    assert.equal(by.get('months'), '4')
    assert.equal(by.get('surcharge-rate'), '5.88')
    const factor = Math.floor((Number(by.get('inpc-paid')) / Number(by.get('inpc-due'))) * 10_000) / 10_000
    assert.equal(found.result!.factor, factor.toFixed(4))
    assert.equal(Number(found.result!.total), Number(found.result!.updated) + Number(found.result!.surcharges))
  })

  test('the tax authority’s own example of updating: 16,000 due in November 2012 and paid in March 2013 is 16,290', () => {
    const found = of({ kind: 'late-payment', amount: '16000.00', due: '2012-11-17', paid: '2013-03-15' })
    assert.deepEqual(
      found.lines.filter((l) => l.id === 'factor' || l.id === 'updated').map((l) => l.value),
      ['1.0181', '16290'],
    )
    // Its surcharge of that time is not known here, and is not guessed.
    assert.deepEqual(found.missing, { what: 'surcharge', when: '2012' })
    assert.equal(found.result, null)
  })

  test('a month of surcharge at the rate of the day on which it begins, the last day where a month has none like it', () => {
    const rate = (due: string, paid: string) =>
      of({ kind: 'late-payment', amount: '100', due, paid }).lines.find((l) => l.id === 'surcharge-rate')?.value
    assert.equal(rate('2025-10-31', '2025-12-30'), '2.94')
    assert.equal(rate('2025-11-17', '2026-02-10'), '5.01')
    // More than sixty months are sixty.
    assert.equal(rate('2018-01-17', '2025-12-17'), '88.20')
  })

  test('the first of six is a sixth, and the rest carry their charge', () => {
    assert.deepEqual(result({ kind: 'instalments', year: 2024, total: '24000.00', count: 6 }), { first: '4000', next: '4152' })
    assert.deepEqual(of({ kind: 'instalments', year: 2025, total: '24000.00', count: 6 }).missing, { what: 'divisor', when: '2025' })
  })

  test('pesos: fifty centavos go down, fifty-one up, on both sides of nothing', () => {
    for (const [from, to] of [
      ['10.50', '10'],
      ['10.51', '11'],
      ['10.505', '11'],
      ['0', '0'],
      ['0.004', '0'],
      ['-10.50', '-10'],
      ['-10.51', '-11'],
    ] as const)
      assert.equal(written(toPesos(decimal(from))), to, from)
  })
})

test('what nobody published is missing and never taken from another year', () => {
  for (const [input, missing] of [
    [
      { kind: 'isr-monthly', date: '2022-03-31', income: '1' },
      { what: 'tariff', when: '2022' },
    ],
    [
      { kind: 'isr-monthly', date: '2027-03-31', income: '1' },
      { what: 'tariff', when: '2027' },
    ],
    [
      { kind: 'isr-fortnight', date: '2026-03-31', income: '1' },
      { what: 'tariff', when: '2026' },
    ],
    [
      { kind: 'subsidy', date: '2027-02-01', income: '1' },
      { what: 'subsidy', when: '2027-02-01' },
    ],
    [
      { kind: 'subsidy', date: '2024-04-30', income: '1' },
      { what: 'subsidy', when: '2024-04-30' },
    ],
    [
      { kind: 'deduction-cap', year: 2030, totalIncome: '1' },
      { what: 'uma', when: '2030' },
    ],
    [
      { kind: 'late-payment', amount: '1', due: '2026-01-17', paid: '2026-12-01' },
      { what: 'inpc', when: '2026-11' },
    ],
  ] as const) {
    const found = of(input)
    assert.deepEqual([found.result, found.missing], [null, missing])
    assert.match(inWords('es', found, { explain: true }), /No se puede calcular: falta/)
  }
})

test('an input that is not as its kind takes it is refused by its field', () => {
  const good = { kind: 'isr-monthly', date: '2026-03-31', income: '1' }
  for (const [input, field] of [
    [null, 'kind'],
    [[], 'kind'],
    [{ kind: 'toString' }, 'kind'],
    [{ ...good, date: '2026-02-30' }, 'date'],
    [{ ...good, date: 20260331 }, 'date'],
    [{ ...good, income: '-1' }, 'income'],
    [{ ...good, income: '1.234' }, 'income'],
    [{ ...good, income: '1e3' }, 'income'],
    [{ ...good, income: 1e300 }, 'income'],
    [{ ...good, income: Number.NaN }, 'income'],
    [{ ...good, income: '1234567890123456' }, 'income'],
    [{ ...good, wages: 'yes' }, 'wages'],
    [{ ...good, incme: '1' }, 'incme'],
    [{ kind: 'instalments', year: 2024, total: '1', count: 7 }, 'count'],
    [{ kind: 'late-payment', amount: '1', due: '2025-01-17', paid: '2025-01-17' }, 'paid'],
  ] as const)
    assert.throws(
      () => assess(parameters, input),
      (error) => error instanceof InputFault && error.field === field,
      JSON.stringify(input),
    )
})

test('every kind has an example in docs/tax.md, and each is assessed', () => {
  const examples = [...readFileSync(join(projectFolder, 'docs/tax.md'), 'utf8').matchAll(/```json\n([\s\S]*?)```/g)].map((m) =>
    JSON.parse(m[1]!),
  )
  assert.deepEqual(
    new Set(examples.map((e) => e.kind)),
    new Set([
      'isr-monthly',
      'isr-weekly',
      'isr-10-day',
      'isr-fortnight',
      'isr-annual',
      'subsidy',
      'deduction-cap',
      'late-payment',
      'instalments',
    ]),
  )
  for (const example of examples) {
    const found = of(example)
    assert.equal(found.missing, null, JSON.stringify(found.missing))
    for (const l of ['es', 'en'] as const) assert.ok(inWords(l, found, { explain: true }).includes('\n'))
  }
})
