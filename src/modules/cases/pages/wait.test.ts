import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationWords, waitWords } from './wait.ts'

test('a wait is said as people say it, in one unit where it can be', () => {
  const table: [number, number, string, string][] = [
    [0, 4, 'menos de 4 minutos', 'under 4 minutes'],
    [10, 25, 'de 10 a 25 minutos', '10 to 25 minutes'],
    [1, 1, 'como 1 minuto', 'about 1 minute'],
    [40, 180, 'de 40 minutos a 3 horas', '40 minutes to 3 hours'],
    [170, 215, 'de 3 a 4 horas', '3 to 4 hours'],
    [175, 190, 'como 3 horas', 'about 3 hours'],
    [2880, 5760, 'de 2 a 4 días', '2 to 4 days'],
  ]
  for (const [low, high, es, en] of table) {
    assert.equal(waitWords('es', { low, high }), es)
    assert.equal(waitWords('en', { low, high }), en)
  }
  assert.equal(waitWords('es', 'not-enough-data'), null)
  assert.equal(waitWords('es', null), null)
  assert.equal(durationWords('es', 119), '119 minutos')
  assert.equal(durationWords('es', 120), '2 horas')
})
