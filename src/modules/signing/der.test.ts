import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as der from './der.ts'

const hex = (words: string) => Uint8Array.from(Buffer.from(words.replaceAll(' ', ''), 'hex'))
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('values are written as X.690 shows them', () => {
  for (const [made, expected] of [
    [der.integer(0), '020100'],
    [der.integer(127), '02017f'],
    [der.integer(128), '02020080'],
    [der.integer(256), '02020100'],
    [der.integer(hex('0000ff')), '020200ff'],
    [der.oid('1.2.840.113549'), '06062a864886f70d'],
    [der.oid('2.999.3'), '0603883703'],
    [der.flags(5, 6), '03020106'],
    [der.flags(0), '03020780'],
    [der.flags(), '030100'],
    [der.setOf(der.integer(3), der.integer(1)), '3106020101020103'],
    [der.time(new Date('2026-11-26T05:06:07.890Z')), `170d${hexOf(Buffer.from('261126050607Z'))}`],
    [der.time(new Date('2050-01-01T00:00:00Z')), `180f${hexOf(Buffer.from('20500101000000Z'))}`],
    [der.octets(new Uint8Array(128)).subarray(0, 4), '04818000'],
    [der.octets(new Uint8Array(70_000)).subarray(0, 5), '0483011170'],
  ] as const)
    assert.equal(hexOf(made), expected)
})

test('what was written is read', () => {
  for (const dots of ['0.9.2342', '1.3.14.3.2.26', '2.5.29.15', '2.999.3', '1.2.840.113549.1.9.16.2.47'])
    assert.equal(der.readOid(der.readWhole(der.oid(dots))), dots)
  for (const n of [0, 1, 127, 128, 255, 65_536, 2 ** 31 - 1]) assert.equal(der.readSmall(der.readWhole(der.integer(n))), n)
  assert.deepEqual(der.readFlags(der.readWhole(der.flags(0, 8))), [true, ...Array(7).fill(false), true])
  const at = new Date('1999-12-31T23:59:59Z')
  assert.deepEqual(der.readTime(der.readWhole(der.time(at))), at)
  assert.deepEqual(der.readTime(der.readWhole(der.generalizedTime(at))), at)
  assert.equal(der.readText(der.readWhole(der.text(der.tags.utf8, 'JUANA PÉREZ'))), 'JUANA PÉREZ')
})

test('what is not DER is refused', () => {
  for (const bad of ['', '30', '3080 0000', '30 8100', '30 820080', '308500000000 01', '1f8101 00', '3003 0201', '30020500 00'])
    assert.throws(() => der.readWhole(hex(bad)).tag && der.children(der.readWhole(hex(bad))), der.DerFault, bad)
  for (const bad of ['0200', '02020001', '0202ff80']) assert.throws(() => der.integerBytes(der.readWhole(hex(bad))), der.DerFault, bad)
  for (const bad of ['0600', '060180', '06028001', '0609ffffffffffffffff7f'])
    assert.throws(() => der.readOid(der.readWhole(hex(bad))), der.DerFault, bad)
  assert.throws(() => der.readBoolean(der.readWhole(hex('010101'))), der.DerFault)
  assert.throws(() => der.readBits(der.readWhole(hex('03020180'))), der.DerFault)
  for (const bad of ['2602300000Z', '260230000000Z', '2601010000Z', '260101000000+0100', '991301000000Z'])
    assert.throws(() => der.readTime(der.readWhole(der.text(der.tags.utcTime, bad))), der.DerFault, bad)
  assert.throws(() => der.readText(der.readWhole(hex('0c01ff'))), der.DerFault)
})
