import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compare, decimal, least, minus, most, plus, ratio, round, times, written, zero } from './decimal.ts'

describe('decimal numbers', () => {
  test('are exact where doubles are not', () => {
    assert.equal(written(plus(decimal('0.1'), decimal('0.2'))), '0.3')
    assert.equal(written(times(decimal('19.99'), decimal('3'))), '59.97')
    assert.equal(written(minus(decimal('1.005'), decimal('1'))), '0.005')
    assert.equal(written(plus()), '0')
    assert.equal(written(times(decimal('999999999999999'), decimal('999999999999999'))), '999999999999998000000000000001')
  })
  test('are rounded by the rule that is named', () => {
    for (const [value, halfUp, down] of [
      ['2.675', '2.68', '2.67'],
      ['2.674999', '2.67', '2.67'],
      ['-2.675', '-2.68', '-2.67'],
      ['-0.004', '0.00', '0.00'],
      ['7', '7.00', '7.00'],
    ] as const) {
      assert.equal(written(round(decimal(value), 2, 'half-up')), halfUp, value)
      assert.equal(written(round(decimal(value), 2, 'down')), down, value)
    }
    assert.equal(written(ratio(decimal('2'), decimal('3'), 4, 'down')), '0.6666')
    assert.equal(written(ratio(decimal('2'), decimal('3'), 4, 'half-up')), '0.6667')
    assert.equal(written(ratio(decimal('-1.5'), decimal('0.75'), 2, 'down')), '-2.00')
    assert.throws(() => ratio(decimal('1'), zero, 2, 'down'), RangeError)
  })
  test('compare across places', () => {
    assert.equal(compare(decimal('1.50'), decimal('1.5')), 0)
    assert.equal(written(least(decimal('1.5'), decimal('1.49'))), '1.49')
    assert.equal(written(most(decimal('-1'), zero)), '0')
  })
  test('are written as numbers are, or refused', () => {
    assert.equal(written(decimal('-0.50')), '-0.50')
    for (const bad of ['', '1,5', '1e3', '.5', '1.', '+1', ' 1', '1 ', 'NaN', '١', '1234567890123456', `1.${'1'.repeat(19)}`])
      assert.throws(() => decimal(bad), RangeError, bad)
  })
})
