import assert from 'node:assert/strict'
import test from 'node:test'
import { Problem } from '#kernel/problem'
import { networkOf } from '#web'
import { formatPhone, isPhone, maskEmail, maskPhone, ownPath, parseEmail, parsePhone } from './address.ts'

test('an e-mail address is stored one way', () => {
  assert.equal(parseEmail('  Ana.Lopez+tramite@Ejemplo.MX '), 'ana.lopez+tramite@ejemplo.mx')
  assert.equal(maskEmail('ana@ejemplo.mx'), 'a…@ejemplo.mx')
})

test('what could break out of a mail header is no e-mail address', () => {
  for (const typed of [
    '',
    'ana',
    'ana@localhost',
    'ana@ejemplo.mx\nBcc: todos@ejemplo.mx',
    'ana@ejemplo.mx, otra@ejemplo.mx',
    'Ana <ana@ejemplo.mx>',
    '"a b"@ejemplo.mx',
    'a..b@ejemplo.mx',
    `${'a'.repeat(65)}@ejemplo.mx`,
  ])
    assert.throws(
      () => parseEmail(typed),
      (e) => e instanceof Problem && e.fields[0]?.pointer === '/email',
      typed,
    )
})

test('after signing in one goes to a path of this portal and nowhere else', () => {
  for (const good of ['/', '/cases/K7QP-2M4XW', '/start?service=state/x@09&a=1#b']) assert.equal(ownPath(good), good)
  for (const bad of [
    undefined,
    '',
    'https://otro.example',
    '//otro.example',
    '/\\otro.example',
    '/\t/otro.example',
    '\\\\otro.example',
    'javascript:alert(1)',
    `/${'a'.repeat(600)}`,
    ['/a', '/b'],
    '/a/..//otro.example',
  ])
    assert.equal(ownPath(bad), '/me')
})

test('limits count a household of IPv6 once', () => {
  assert.equal(networkOf('203.0.113.7'), '203.0.113.7')
  assert.equal(networkOf('::ffff:203.0.113.7'), '203.0.113.7')
  assert.equal(networkOf('2001:db8:1:2:aaaa::1'), '2001:db8:1:2')
  assert.equal(networkOf('2001:db8:1:2:bbbb:0:0:9'), networkOf('2001:0db8:0001:0002::1'))
  assert.equal(networkOf('::1'), '0:0:0:0')
})

test('a telephone number is one number however it is typed', () => {
  for (const typed of [
    '5512345678',
    '55 1234 5678',
    '55-1234-5678',
    '(55) 1234.5678',
    '+52 55 1234 5678',
    '+521 55 1234 5678',
    '0052 55 1234 5678',
    '52 55 1234 5678',
    '521 5512345678',
    '01 55 1234 5678',
    '044 55 1234 5678',
    '04555 1234 5678',
    '５５１２３４５６７８',
    '\u00a055\u20131234\u20135678 ',
  ])
    assert.equal(parsePhone(typed), '+525512345678', typed)
  assert.equal(parsePhone('+1 (213) 555-0123'), '+12135550123')
  assert.equal(parsePhone('0034 612 345 678'), '+34612345678')
  for (const typed of [
    '',
    '1234',
    '551234567',
    '55123456789',
    '0512345678',
    '1512345678',
    '+52 155 123 456',
    '+52 5512345',
    '+0 5512345678',
    '+1234567890123456',
    '12135550123',
    '55 1234 567x',
    '55;1234&5678',
    '+52 55 1234 5678\nBcc: todos',
    '9'.repeat(5000),
  ])
    assert.throws(
      () => parsePhone(typed),
      (error) => error instanceof Problem && error.fields[0]?.pointer === '/phone',
      typed,
    )
})

test('a stored address tells what it is, and shows no more than it must', () => {
  assert.deepEqual(['+525512345678', '+mas@ejemplo.mx', 'ana@ejemplo.mx'].map(isPhone), [true, false, false])
  assert.equal(formatPhone('+525512345678'), '+52 55 1234 5678')
  assert.equal(formatPhone('+12135550123'), '+12135550123')
  assert.equal(maskPhone('+525512345678'), '…78')
})
