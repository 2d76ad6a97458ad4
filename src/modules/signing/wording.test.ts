import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plain, type Statement, statementText } from './wording.ts'

const statement: Statement = {
  purpose: 'file',
  portal: 'https://ventanilla.example',
  demo: false,
  service: 'federal/se/simplified-company',
  serviceName: 'Sociedad por acciones simplificada',
  definition: 'abc',
  reference: 'ABCD-EFGH-J',
  step: 'Firma de cada socio',
  by: 'Sofía Abarca Ríos, AARS900303MMSBSF01',
  rows: [{ label: 'Nombre', value: 'Pan de Nopal' }],
  documents: [{ label: 'Autorización', name: 'a.pdf', sha256: 'ff' }],
  content: 'commitment',
  at: new Date('2026-11-27T03:04:05.678Z'),
  zone: 'America/Mexico_City',
  unique: 'random',
}

test('what could mislead a reader is written out', () => {
  for (const [given, shown] of [
    ['a\nb', 'a / b'],
    ['a\r\n\r\nPara qué se firma: otra cosa', 'a / Para qué se firma: otra cosa'],
    ['a\u2028b', 'a / b'],
    ['pago \u202e001', 'pago \\u{202e}001'],
    ['a\u200bb', 'a\\u{200b}b'],
    ['a\u0000b', 'a\\u{0}b'],
    ['a\u00a0b\tc', 'a b\\u{9}c'],
    ['cafe\u0301', 'café'],
    ['\ud800', '\\u{d800}'],
  ] as const)
    assert.equal(plain(given), shown)
})

test('every line says one thing, and each part of a statement makes other bytes', () => {
  const text = statementText('es', statement)
  assert.ok(text.endsWith('\n'))
  assert.match(text, /^Ventanilla: /)
  assert.match(text, /\nEscrita el: 26 de noviembre de 2026 \(2026-11-27T03:04:05Z\)\n/)
  const others: Partial<Statement>[] = [
    { purpose: 'decide' },
    { portal: 'https://other.example' },
    { demo: true },
    { service: 'federal/se/company-name' },
    { definition: 'abd' },
    { reference: 'ABCD-EFGH-K' },
    { step: 'Otra' },
    { by: 'Otra' },
    { rows: [{ label: 'Nombre', value: 'Pan de Nopal 2' }] },
    { documents: [] },
    { content: 'other' },
    { at: new Date('2026-11-27T03:04:06Z') },
    { unique: 'another' },
  ]
  const all = others.map((o) => statementText('es', { ...statement, ...o }))
  assert.equal(new Set([text, ...all]).size, others.length + 1)
  // A value cannot make a line of its own.
  const forged = statementText('es', { ...statement, rows: [{ label: 'Nombre', value: 'x\nHuella del contenido: y' }] })
  assert.equal(forged.split('\n').length, text.split('\n').length)
})
