import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readAround } from '../folder.ts'
import { packed } from './files.ts'
import { readImport } from './import.ts'
import { missingWords, readCsv, readFee, readTerm } from './records.ts'

const root = join(import.meta.dirname, '../../../..')
const around = readAround(join(root, 'services'), join(root, 'reference'))
const bytes = (text: string) => new TextEncoder().encode(text)
const list = { level: 'municipal', agency: 'municipal-window' } as const
const bring = (name: string, text: string) => readImport([{ name, bytes: bytes(text) }], list, around)

const fees: [string, ReturnType<typeof readFee>][] = [
  ['Gratuito.', { kind: 'free' }],
  ['Sin costo', { kind: 'free' }],
  ['$1444', { kind: 'fixed', amount: '1444.00' }],
  ['$1,250.50 pesos', { kind: 'fixed', amount: '1250.50' }],
  ['150', { kind: 'fixed', amount: '150.00' }],
  ['$100 o $200 según el caso', { why: 'several-sums' }],
  ['3 cuotas UMA', { why: 'formula' }],
  ['Según la tarifa vigente', { why: 'not-a-sum' }],
]
for (const [said, read] of fees) test(`a fee written “${said}”`, () => assert.deepEqual(readFee(said), read))

const terms: [string, ReturnType<typeof readTerm>][] = [
  ['1-3 días hábiles tras reunir requisitos.', { unit: 'working-days', count: 3 }],
  ['Respuesta inmediata.', { unit: 'immediate', count: 0 }],
  ['2 semanas', { unit: 'days', count: 14 }],
  ['3 meses', { unit: 'months', count: 3 }],
  ['Lo que tarde', null],
]
for (const [said, read] of terms) test(`a term written “${said}”`, () => assert.deepEqual(readTerm(said), read))

test('CSV is read with quotes, doubled quotes, line breaks, and either mark', () => {
  assert.deepEqual(readCsv('\uFEFFnombre,costo\r\n"Uno, ""dos""","a\nb"\r\n\r\nTres,4\r\n'), [
    { nombre: 'Uno, "dos"', costo: 'a\nb' },
    { nombre: 'Tres', costo: '4' },
  ])
  assert.deepEqual(readCsv('nombre;costo\nA,b;5'), [{ nombre: 'A,b', costo: '5' }])
})

test('a list gives a draft and a line of the report for each row: what was taken, what is missing and why', () => {
  const found = bring(
    'tramites.csv',
    'Nombre,Fundamento jurídico,Costo,Plazo máximo,Requisitos,Afirmativa o negativa ficta\nPermiso de poda,Reglamento de parques,$85,5 días hábiles,Identificación; Foto del árbol,afirmativa\nPermiso de poda,,según tarifa,,,\n,,,,,\n"",x,,,,',
  )
  assert.equal(found.kind, 'records')
  if (found.kind !== 'records') return
  const [first, second, third] = found.rows
  const d = first!.draft!.definition
  assert.deepEqual(
    [d.fee, d.term.count, d.silence.means, d.papers.map((p) => p.id)],
    [{ kind: 'fixed', amount: '85.00', source: 'unverified' }, 5, 'affirmative', ['identificacion', 'foto-del-arbol']],
  )
  assert.deepEqual(d.papers[0]!.source, { law: 'Reglamento de parques' })
  assert.deepEqual(
    second!.missing.slice(0, 2).map((m) => m.why),
    ['same-name', 'english'],
  )
  assert.equal(second!.draft!.definition.id, 'municipal/permiso-de-poda-2')
  assert.ok(second!.missing.some((m) => m.field === 'fee' && m.why === 'not-a-sum'))
  assert.ok(
    second!.faults.some((f) => f.code === 'text-missing'),
    'what no row says stays to be written',
  )
  assert.deepEqual([third!.draft, third!.missing], [null, [{ field: 'name', why: 'absent' }]])
  assert.match(missingWords('es', second!).join(), /costo: no se entiende como una cantidad/)
})

test('a zip of a definition is taken whole, and with any fault not at all', () => {
  const id = 'state/birth-certificate'
  const all = Object.fromEntries(
    ['definition.json', 'text.es.json', 'text.en.json', 'examples.json'].map((f) => [
      f,
      readFileSync(join(root, 'services', id, f), 'utf8'),
    ]),
  )
  const good = readImport([{ name: 'x.zip', bytes: packed(id, all) }], list, around)
  assert.equal(good.kind, 'service')
  const { 'text.en.json': _left, ...less } = all
  const bad = readImport([{ name: 'x.zip', bytes: packed(id, less) }], list, around)
  assert.deepEqual(bad.kind === 'refused' && bad.faults.map((f) => [f.file, f.code]), [[`${id}/text.en.json`, 'file-missing']])
  const four = readImport(
    Object.entries(all).map(([name, text]) => ({ name, bytes: bytes(text) })),
    list,
    around,
  )
  assert.equal(four.kind, 'service')
})

test('a place’s file is taken within its bounds, and refused beyond them', () => {
  const file = (amount: string) =>
    JSON.stringify({ format: 1, place: '15106', services: { 'municipal/proof-of-residence': { fee: { amount, source: 'unverified' } } } })
  assert.equal(bring('15106.json', file('90.00')).kind, 'place')
  const refused = bring('15106.json', file('9000.00'))
  assert.deepEqual(refused.kind === 'refused' && refused.faults.map((f) => f.code), ['fee-outside'])
})

// Real records as two towns publish them. They have no licence and are no part of this project: read where they lie, or not at all.
const folder = process.env.VENTANILLA_RECORDS ?? join(root, '../shared/data/mexico/catalogue')
for (const [file, rows] of [
  ['juarez_nl_tramites.json', 62],
  ['santiago_tulantepec_hgo_tramites.json', 32],
] as const) {
  const path = join(folder, file)
  test(`${file}: every row gives a draft that only lacks words`, { skip: existsSync(path) ? false : 'the records are not here' }, () => {
    const found = bring(file, readFileSync(path, 'utf8'))
    assert.ok(found.kind === 'records' && found.rows.length === rows)
    for (const r of found.rows) {
      assert.ok(r.draft, `row ${r.row}`)
      assert.deepEqual(
        r.faults.filter((f) => f.code !== 'text-missing'),
        [],
        r.name,
      )
      assert.ok(r.taken.includes('name') && r.missing.length > 0)
    }
  })
}
