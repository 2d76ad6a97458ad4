import assert from 'node:assert/strict'
import test from 'node:test'
import { Problem } from '#kernel/problem'
import { networkOf } from '#web'
import { maskEmail, ownPath, parseEmail } from './address.ts'

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
