/** A definition cannot run code, read another person's data, or make a page script; and nothing that comes as a file or a form breaks the editor. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { strToU8, zipSync } from 'fflate'
import { html } from '#kernel/html'
import { inlineInPage } from '../../../../test/guards/inline.ts'
import { checkDefinition } from '../check.ts'
import { compileCondition } from '../condition.ts'
import type { Definition } from '../definition.ts'
import { readAround } from '../folder.ts'
import { promptFields } from '../prompts.ts'
import { askDraft, exampleOf, readAnswers } from './asking.ts'
import { comparison, joined, placeOf } from './conditions.ts'
import { type Content, idFrom, skeleton } from './content.ts'
import { differences } from './difference.ts'
import { readImport } from './import.ts'
import { applyForm, type Edit, fieldsOf, parts } from './parts.ts'
import * as v from './views.ts'

const root = join(import.meta.dirname, '../../../..')
const around = readAround(join(root, 'services'), join(root, 'reference'))
const list = { level: 'municipal', agency: 'municipal-window' } as const
const bytes = (text: string) => new TextEncoder().encode(text)
const world = { language: 'es', today: '2026-11-24', places: around.places } as const
const fresh = () => skeleton('state', 'state-welfare', { es: 'Prueba', en: 'Test' })
const faultsOf = (c: Content) => checkDefinition(c.definition.id, c, around).faults
const editOf = (content: Content, item = ''): Edit => ({ l: 'es', content, item, agencies: around.agencies as Edit['agencies'], bases: [] })

const code = [
  'process.exit()',
  'constructor.constructor("return process")()',
  'this',
  'function(x) x',
  '{a: 1}.a = 1',
  'for x in [1] return x',
  'some x in [1] satisfies x = 1',
  'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a+)+$")',
  'replace("a", "a", "b") = "b"',
  'get value(curp, "constructor") = 1',
  'curp.constructor = 1',
  '__proto__ = 1',
  'applicant.name = "x"',
  'cases.other = 1',
  'person = null',
  `${'('.repeat(200)}1${')'.repeat(200)}`,
  `${'curp = "a" or '.repeat(40)}true`,
]
for (const when of code)
  test(`a condition cannot say ${when.slice(0, 50)}`, () => {
    const c = fresh()
    c.definition.pages.push({ id: 'more', questions: ['x'] })
    c.definition.questions.push({ id: 'x', kind: 'text', when })
    for (const l of ['es', 'en'] as const) Object.assign(c[l], { 'pages.more': 'X', 'questions.x': 'X' })
    assert.ok(faultsOf(c).length > 0, when)
    assert.equal(askDraft(c, {}, world), null, 'nor is the draft tried')
  })

test('markup in any text of a definition stands on every page as words', () => {
  const c = fresh()
  const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
  for (const l of ['es', 'en'] as const) for (const key of Object.keys(c[l])) c[l][key] = evil
  assert.deepEqual(faultsOf(c), [], 'they are words like any other')
  const journey = askDraft(c, {}, world)!
  const drawing: v.Drawing = {
    l: 'es',
    faults: [],
    wrong: new Map(),
    typed: {},
    conditionUrl: () => evil,
    conditionWords: (w) => w,
    words: (l, k) => c[l][k] ?? '',
  }
  const pages = [
    promptFields(journey.pages[0]!.prompts, { language: 'es', problems: [], typed: { fullname: evil, curp: evil } }),
    ...Object.values(parts).map(
      (p) =>
        html`${v.fieldsHtml(fieldsOf(p, editOf(c)) ?? [], drawing)}${v.itemList('es', p.items?.(editOf(c)) ?? [], () => evil, [], html``, evil, true)}`,
    ),
    v.changeTable('es', differences(fresh(), c, 'es'), { burden: evil, relief: evil }),
    v.exampleCard('es', { name: evil, answers: { curp: evil }, expect: {} }, [], null),
  ]
  for (const page of pages) {
    assert.doesNotMatch(page.text, /<script|<img|onerror=alert\(1\)>(?!&)/)
    assert.deepEqual(inlineInPage('draft', page.text), [])
  }
})

for (const url of ['javascript:alert(1)', 'JavaScript:alert(1)', 'data:text/html,x', 'http://x.mx', ' https://x', '//x.mx'])
  test(`a source cannot lead to ${url}`, () => {
    const c = fresh()
    c.definition.legalBasis = [{ law: 'Ley', url }]
    assert.deepEqual(
      faultsOf(c).map((f) => [f.pointer, f.code]),
      [['/legalBasis/0/url', 'pattern']],
    )
  })

test('10,000 questions, 10 MB and a hundred levels are refused quickly, and change nothing', () => {
  const began = performance.now()
  const c = fresh()
  c.definition.questions = Array.from({ length: 10_000 }, (_, i) => ({ id: `q${i}`, kind: 'text' }))
  assert.ok(faultsOf(c).some((f) => f.pointer === '/questions' && f.code === 'too-many'))
  const big = JSON.stringify({ ...fresh().definition, filler: 'x'.repeat(10_000_000) })
  const found = readImport([{ name: 'definition.json', bytes: bytes(big) }], list, around)
  assert.ok(found.kind === 'refused' && found.faults.some((f) => f.code === 'file-large'))
  let deep: unknown = 'x'
  for (let i = 0; i < 100; i++) deep = [deep]
  assert.equal(checkDefinition('state/prueba', { ...fresh(), definition: deep }, around).faults[0]?.code, 'deep')
  assert.ok(performance.now() - began < 5000, 'within seconds')
})

test('a zip that would unfold to gigabytes, or is none, is refused', () => {
  const bomb = zipSync({ 'definition.json': strToU8(' '.repeat(30_000_000)), 'other.bin': strToU8('x'.repeat(1000)) })
  assert.ok(bomb.length < 100_000)
  const found = readImport([{ name: 'x.zip', bytes: bomb }], list, around)
  assert.ok(found.kind === 'refused' && found.faults.some((f) => f.code === 'file-large'))
  const torn = new Uint8Array([0x50, 0x4b, 3, 4, 1, 2, 3])
  assert.throws(() => readImport([{ name: 'x.zip', bytes: torn }], list, around), { code: 'invalid' })
})

test('keys of prototypes are keys like any other: nothing is reached through them', () => {
  const evil = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "curp": "x"}')
  assert.deepEqual(Object.keys(readAnswers(JSON.stringify(evil))), ['curp'])
  for (const typed of ['null', '[]', '1', '{', '"x"', '{"a":'.repeat(5000)]) assert.deepEqual(readAnswers(typed), {})
  const c = fresh()
  c.definition.questions.push({ id: 'constructor', kind: 'text' })
  assert.ok(faultsOf(c).some((f) => f.code === 'reserved'))
  for (const part of Object.values(parts))
    applyForm(part, editOf(fresh(), part.itemFields ? 'constructor' : ''), {
      '__proto__.law': 'x',
      'es:__proto__': 'x',
      kind: '__proto__',
      agency: 'constructor',
    })
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
  for (const name of ['__proto__', 'constructor.prototype', '<script>', '', '../../etc'])
    assert.match(idFrom(name, [], 'x'), /^[a-z][a-z0-9-]*$/)
  for (const rows of ['[{"__proto__":{"nombre":"x"}}]', '{"__proto__":[{"nombre":"x"}]}', '[[[]]]', '[null,1]'])
    assert.ok(readImport([{ name: 'x.json', bytes: bytes(rows) }], list, around).kind !== 'service')
})

test('steps that lead in circles, and conditions that wait for one another, end when tried', () => {
  const c = fresh()
  c.definition.steps = [
    { id: 'filing', kind: 'data', next: [{ to: 'a' }] },
    { id: 'a', kind: 'review', next: [{ to: 'b' }] },
    { id: 'b', kind: 'review', next: [{ to: 'a' }] },
    { id: 'document', kind: 'issue' },
  ]
  c.definition.questions = [
    { id: 'x', kind: 'text', when: 'y != null' },
    { id: 'y', kind: 'text', when: 'x != null' },
  ]
  c.definition.pages = [{ id: 'applicant', questions: ['x', 'y'] }]
  const codes = faultsOf(c).map((f) => f.code)
  assert.ok(codes.includes('loop') && codes.includes('condition.name'))
  assert.ok(exampleOf(c, 'circle', { x: 'a', y: 'b' }, world))
})

test('no pointer but a condition’s leads to a holder, and no value breaks out of its quotes', () => {
  const d: Definition = fresh().definition
  for (const at of [
    '',
    '/',
    '/steps/0/next/0',
    '/__proto__/0/when',
    '/steps/999/next/0/when',
    '/questions/0/questions/0/when',
    '/constructor/0/when',
  ])
    assert.equal(placeOf(d, at), null, at)
  const names = { curp: { type: 'string' } } as const
  const made = comparison(names, 'curp', 'is', '" or true or "')!
  assert.equal(compileCondition(joined('curp != null', 'and', made), names).holds({ values: { curp: 'x' }, today: '2026-11-24' }), false)
})

test('a list comes out of any spreadsheet: in each of its encodings the words are the same', () => {
  const csv = 'nombre;requisitos\r\nPermiso de construcción;"Plano del año ""firmado"""\r\n'
  const little = Buffer.from(`\uFEFF${csv}`, 'utf16le')
  for (const [name, given] of [
    ['UTF-8', Buffer.from(csv)],
    ['UTF-8 with its mark', Buffer.from(`\uFEFF${csv}`)],
    ['UTF-16, little', little],
    ['UTF-16, big', Buffer.from(little).swap16()],
    ['Windows', Buffer.from(csv, 'latin1')],
  ] as const) {
    const found = readImport([{ name: 'lista.csv', bytes: given }], list, around)
    assert.ok(found.kind === 'records' && found.rows.length === 1, name)
    const [row] = found.rows
    assert.equal(row!.name, 'Permiso de construcción', name)
    assert.equal(row!.draft!.es[`papers.${row!.draft!.definition.papers[0]!.id}`], 'Plano del año "firmado"', name)
  }
})

test('what a cell holds beside words is not taken: control characters, turned text, formulas, quotes that never end', () => {
  const rows = (csv: string) => {
    const found = readImport([{ name: 'x.csv', bytes: bytes(csv) }], list, around)
    return found.kind === 'records' ? found.rows : []
  }
  const [odd] = rows('nombre,objetivo\nPermiso\u0000 de\u0007 riego,\u202eal revés\u202c\n')
  assert.equal(odd!.name, 'Permiso de riego')
  assert.doesNotMatch(JSON.stringify(odd!.draft), /\\u0000|\u202e/)
  const [formula] = rows('nombre,costo\n"=cmd|\' /C calc\'!A0",=1+1\n')
  assert.match(formula!.draft!.definition.id, /^municipal\/[a-z][a-z0-9-]*$/)
  assert.notEqual(formula!.draft!.definition.fee.kind, 'fixed')
  assert.ok(rows(`nombre,objetivo\n"Permiso,${'x'.repeat(200_000)}`).every((r) => r.name.length <= 200))
  for (const nothing of ['', '\n\n\n', '\u0000', ',,,\n,,,', '"', '\r'.repeat(10_000)])
    assert.ok(
      rows(nothing).every((r) => r.draft === null),
      JSON.stringify(nothing.slice(0, 20)),
    )
})

test('a list longer than a report is refused whole, at once, and says how many are taken', () => {
  const began = performance.now()
  const found = readImport([{ name: 'x.csv', bytes: bytes(`nombre\n${'Permiso\n'.repeat(100_000)}`) }], list, around)
  assert.ok(found.kind === 'refused' && found.faults.some((f) => f.code === 'too-many'))
  assert.ok(performance.now() - began < 2000)
})
