import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluate, FeelDate, FeelDuration, parseDate } from 'feelin'
import { compileCondition, type Names } from '../../src/modules/catalogue/condition.ts'
import { ConditionError } from '../../src/modules/catalogue/faults.ts'

const names: Names = {
  age: { type: 'number' },
  'birth-date': { type: 'date' },
  kind: { type: 'string', options: ['adult', 'child'] },
  ways: { type: 'list', options: ['post', 'mail'] },
  married: { type: 'boolean' },
  town: { type: 'string' },
  children: { type: 'list' },
  proof: { type: 'file' },
  price: { type: 'money' },
  result: { type: 'string', options: ['ok', 'objection'] },
  'results.land-use': { type: 'string', options: ['ok', 'objection'] },
}
const values = {
  age: 17,
  'birth-date': '2009-05-10',
  kind: 'child',
  ways: ['post'],
  married: false,
  town: '15106',
  children: [{ name: 'a' }],
  'results.land-use': 'ok',
}
const today = '2026-11-24'

const holding: [string, boolean][] = [
  ['age < 18', true],
  ['age >= 18', false],
  ['age between 10 and 17', true],
  ['age in [10..17]', true],
  ['age in [10..17)', false],
  ['age in (16, 17)', true],
  ['age in > 5', true],
  ['kind = "child" and not(married)', true],
  ['kind != "child" or married', false],
  ['kind in ("child", "adult")', true],
  ['kind in ["adult"]', false],
  ['list contains(ways, "post")', true],
  ['list contains(ways, "mail")', false],
  ['birth-date > date("2008-11-24")', true],
  ['birth-date < @"2008-11-24"', false],
  ['birth-date + duration("P18Y") > today()', true],
  ['years and months duration(birth-date, today()).years < 18', true],
  ['years and months duration(birth-date, today()).years = 17', true],
  ['birth-date.year = 2009', true],
  ['count(children) > 0', true],
  ['(age + 1) * 2 = 36', true],
  ['-age < 0', true],
  ['result = "ok"', false],
  ['result = null', true],
  ['results.land-use = "ok"', true],
  ['married = false', true],
  ['married', false],
  ['age = null', false],
  ['age != null and (age > 10 or married) and true', true],
]

test('a condition holds exactly when feelin finds it true', () => {
  const scope: Record<string, unknown> = {
    ...values,
    'birth-date': parseDate('2009-05-10'),
    today: () => parseDate(today),
    result: null,
    proof: null,
    results: { 'land-use': 'ok' },
  }
  assert.ok(scope['birth-date'] instanceof FeelDate && FeelDuration)
  for (const [text, expected] of holding) {
    assert.equal(compileCondition(text, names).holds({ values, today }), expected, text)
    assert.equal(evaluate(text, scope).value === true, expected, `feelin: ${text}`)
  }
})

test('an unanswered question makes a comparison neither true nor false, and the condition does not hold', () => {
  for (const text of [
    'age < 18',
    'not(age < 18)',
    'kind = "child"',
    'not(married)',
    'birth-date < today()',
    'age in [1..2]',
    'proof != null',
  ]) {
    assert.equal(compileCondition(text, names).holds({ values: {}, today }), false, text)
  }
  assert.equal(compileCondition('count(children) = 0', names).holds({ values: {}, today }), true)
  assert.equal(compileCondition('age < 18 or true', names).holds({ values: {}, today }), true)
})

test('a file is only there or not', () => {
  assert.equal(compileCondition('proof != null', names).holds({ values: { proof: { id: 'x' } }, today }), true)
})

test('what a condition may not say is refused with a reason', () => {
  const refused: [string, RegExp][] = [
    ['wage < 18', /no "wage"/],
    ['land-use = 1', /no "land"/],
    ['age +', /cannot be read/],
    ['age = 1 age', /cannot be read/],
    ['age', /number, not true or false/],
    ['age = "a"', /compares number with string/],
    ['kind = "kid"', /none of the options/],
    ['kind in ("kid")', /none of the options/],
    ['list contains(ways, "fax")', /none of the options/],
    ['price > 3', /money/],
    ['birth-date > "2020-01-01"', /compares date with string/],
    ['birth-date > date("2020-02-30")', /not a date/],
    ['age + duration("18 years") > 1', /not a duration/],
    ['for i in 1..1000000000 return i', /do not take/],
    ['some x in children satisfies x = 1', /do not take/],
    ['matches(town, "(a+)+$")', /not taken/],
    ['if age = 1 then true else false', /do not take/],
    ['now() > 1', /not taken/],
    ['children[1] = 2', /do not take/],
    ['results.other = "ok"', /no "results.other"/],
    ['result = "granted"', /none of the options/],
    ['proof = "x"', /compares file with string/],
    ['age ** 99999 > 1', /not taken/],
    [`${'('.repeat(60)}age${')'.repeat(60)} = 1`, /nested/],
    [`age = ${'1'.repeat(400)}`, /300 characters/],
    ['', /./],
  ]
  for (const [text, reason] of refused) {
    assert.throws(
      () => compileCondition(text, names),
      (error: unknown) => error instanceof ConditionError && reason.test(error.message),
      text,
    )
  }
})

test('the day after the 31st of January plus one month is the last of February', () => {
  const c = compileCondition('birth-date + duration("P1M") = date("2024-02-29")', names)
  assert.equal(c.holds({ values: { 'birth-date': '2024-01-31' }, today }), true)
})
