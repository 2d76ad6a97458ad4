import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SingleQuestion } from '../../src/modules/catalogue/definition.ts'
import { readPlaces } from '../../src/modules/catalogue/places.ts'
import { curpDigit, rfcDigit } from '../../src/modules/catalogue/questions/identity.ts'
import { type Answer, questionKinds, type World } from '../../src/modules/catalogue/questions/index.ts'

const places = readPlaces(join(import.meta.dirname, '../../reference'))
const world: World = { language: 'es', today: '2026-11-24', places }
const pdf = { file: 'f1', name: 'acta.pdf', size: 10, type: 'application/pdf' }

type Examples = {
  /** What is typed or sent, and what is stored. */
  takes: [raw: unknown, stored: Answer, doubt?: string][]
  refuses: [raw: unknown, code: string][]
  /** A stored answer as it is shown, and as it is read aloud where that differs. */
  shows: [stored: Answer, shown: string, said?: string]
  prompt: string
}

const question = (kind: SingleQuestion['kind'], more: object = {}) => ({ id: 'q', kind, ...more }) as SingleQuestion
const options = { options: ['a', 'b', 'c'] }

const table: Record<SingleQuestion['kind'], Examples & { more?: object }> = {
  text: {
    prompt: 'text',
    takes: [
      ['  hola   mundo ', 'hola mundo'],
      ['a\u0000b\u202ec', 'a b c'],
      ['Jose\u0301', 'José'],
      [12, '12'],
    ],
    refuses: [['x'.repeat(201), 'too-long']],
    shows: ['hola', 'hola'],
  },
  'long-text': {
    prompt: 'text',
    takes: [['uno\r\ndos  ', 'uno\ndos']],
    refuses: [
      ['x'.repeat(2001), 'too-long'],
      ['x'.repeat(1_000_000), 'too-long'],
    ],
    shows: ['uno\ndos', 'uno\ndos'],
  },
  'person-name': {
    prompt: 'text',
    takes: [
      ["María-José O'Neil Ñúñez", "María-José O'Neil Ñúñez"],
      ['Ma. de los Ángeles', 'Ma. de los Ángeles'],
    ],
    refuses: [
      ['R2D2', 'name'],
      ['x', 'too-short'],
      ['<b>x</b>', 'name'],
    ],
    shows: ['Ana', 'Ana'],
  },
  curp: {
    prompt: 'text',
    takes: [
      ['cacx760510mgtshc04', 'CACX760510MGTSHC04'],
      ['BOXW 310820 HNERXN 09', 'BOXW310820HNERXN09'],
    ],
    refuses: [
      ['CACX760510MGTSHC0', 'curp-length'],
      ['CACX760510MGTSHC05', 'curp-digit'],
      ['HEGT761003MDFRNN09', 'curp-digit'],
      ['CACX761310MGTSHC04', 'curp-form'],
      ['CACX760230MGTSHC04', 'curp-form'],
      ['CACX760510MZZSHC04', 'curp-form'],
      ['CACX300510MGTSHCA4', 'curp-form'],
      ['CACX76O510MGTSHC04', 'curp-form'],
      ['CACX760510WGTSHC04', 'curp-form'],
    ],
    shows: ['CACX760510MGTSHC04', 'CACX760510MGTSHC04', 'C, A, C, X, 7, 6, 0, 5, 1, 0, M, G, T, S, H, C, 0, 4'],
  },
  rfc: {
    prompt: 'text',
    takes: [
      ['gode561231gr8', 'GODE561231GR8'],
      ['EKU-9003173C9', 'EKU9003173C9'],
      ['XAXX010101000', 'XAXX010101000', 'rfc-digit'],
      ['MCI7306249Y1', 'MCI7306249Y1', 'rfc-digit'],
      ['OÑO120726RX3', 'OÑO120726RX3'],
      ['L&O950913MSA', 'L&O950913MSA'],
    ],
    refuses: [
      ['GODE561331GR8', 'rfc-form'],
      ['GODE560230GR8', 'rfc-form'],
      ['GODE561231GR', 'rfc-form'],
      ['12DE561231GR8', 'rfc-form'],
    ],
    shows: ['EKU9003173C9', 'EKU9003173C9', 'E, K, U, 9, 0, 0, 3, 1, 7, 3, C, 9'],
  },
  email: {
    prompt: 'text',
    takes: [['Ana.Perez@Ejemplo.MX', 'Ana.Perez@ejemplo.mx']],
    refuses: [
      ['ana', 'email'],
      ['ana@ejemplo', 'email'],
      ['a b@@c.mx', 'email'],
      [`${'x'.repeat(250)}@a.mx`, 'email'],
      ['a@-', 'email'],
    ],
    shows: ['ana@ejemplo.mx', 'ana@ejemplo.mx'],
  },
  telephone: {
    prompt: 'text',
    takes: [
      ['55 1234 5678', '5512345678'],
      ['+52 (722) 123-45-67', '7221234567'],
      ['044 55 1234 5678', '5512345678'],
      ['+521 55 1234 5678', '5512345678'],
      [5512345678, '5512345678'],
    ],
    refuses: [
      ['12345', 'telephone'],
      ['0123456789', 'telephone'],
      ['55 1234 567x', 'telephone'],
      ['551234567890123', 'telephone'],
    ],
    shows: ['5512345678', '55 1234 5678', '5, 5, 1, 2, 3, 4, 5, 6, 7, 8'],
  },
  'postal-code': {
    prompt: 'text',
    takes: [
      ['06000', '06000'],
      ['50 000', '50000'],
    ],
    refuses: [
      ['6000', 'postal-code'],
      ['00123', 'postal-code'],
      ['5000a', 'postal-code'],
    ],
    shows: ['06000', '06000', '0, 6, 0, 0, 0'],
  },
  address: {
    prompt: 'text',
    takes: [['Calle 20 número 101, Centro', 'Calle 20 número 101, Centro']],
    refuses: [['Calle', 'too-short']],
    shows: ['Calle 20, Centro', 'Calle 20, Centro'],
  },
  date: {
    prompt: 'date',
    takes: [
      [{ day: '1', month: '2', year: '2024' }, '2024-02-01'],
      [{ day: '29', month: 'febrero', year: '2024' }, '2024-02-29'],
      ['29/02/2024', '2024-02-29'],
      ['2024-02-29', '2024-02-29'],
    ],
    refuses: [
      [{ day: '29', month: '2', year: '2023' }, 'date'],
      [{ day: '31', month: '4', year: '2024' }, 'date'],
      [{ day: '1', month: '', year: '2024' }, 'date'],
      ['ayer', 'date'],
      ['0001-01-01', 'date'],
    ],
    shows: ['2024-02-29', '29 de febrero de 2024'],
  },
  'birth-date': {
    prompt: 'date',
    takes: [
      ['2026-11-24', '2026-11-24'],
      ['1910-01-01', '1910-01-01'],
    ],
    refuses: [
      ['2026-11-25', 'date-future'],
      ['1890-01-01', 'date-old'],
    ],
    shows: ['1990-01-02', '2 de enero de 1990'],
  },
  'yes-no': {
    prompt: 'choice',
    takes: [
      ['yes', true],
      ['Sí', true],
      ['no', false],
      [false, false],
      ['1', true],
      ['2', false],
    ],
    refuses: [['quizá', 'choice']],
    shows: [true, 'Sí'],
  },
  confirm: {
    prompt: 'confirm',
    takes: [
      ['yes', true],
      ['on', true],
      [true, true],
    ],
    refuses: [],
    shows: [true, 'Sí'],
  },
  state: {
    prompt: 'choice',
    takes: [
      ['09', '09'],
      ['jalisco', '14'],
      ['Edomex', '15'],
      ['Coahuila de Zaragoza', '05'],
    ],
    refuses: [
      ['33', 'choice'],
      ['Texas', 'choice'],
    ],
    shows: ['15', 'Estado de México'],
  },
  municipality: {
    prompt: 'text',
    takes: [
      ['15106', '15106'],
      ['toluca', '15106'],
      ['Juárez, Chihuahua', '08037'],
      ['Mérida', '31050'],
    ],
    refuses: [
      ['99999', 'choice'],
      ['Narnia', 'no-such-place'],
      ['Benito Juárez', 'many-places'],
    ],
    shows: ['15106', 'Toluca, Estado de México'],
  },
  file: {
    prompt: 'file',
    takes: [[pdf, pdf]],
    refuses: [
      ['x', 'file'],
      [{ file: 1 }, 'file'],
    ],
    shows: [pdf, 'acta.pdf'],
  },
  number: {
    prompt: 'number',
    more: { min: 1, max: 5000 },
    takes: [
      ['12', 12],
      ['1,234.5', 1234.5],
      [7, 7],
      ['007', 7],
    ],
    refuses: [
      ['0', 'too-small'],
      ['5001', 'too-big'],
      ['doce', 'number'],
      ['1e3', 'number'],
      ['12,34', 'number'],
      ['0x10', 'number'],
      ['Infinity', 'number'],
    ],
    shows: [1234.5, '1,234.5'],
  },
  money: {
    prompt: 'money',
    more: { min: 0, max: 1_000_000 },
    takes: [
      ['1500', '1500.00'],
      ['$1,500.5', '1500.50'],
      ['1500.50 pesos', '1500.50'],
      ['0', '0.00'],
    ],
    refuses: [
      ['1500.555', 'money'],
      ['-3', 'money'],
      ['mil', 'money'],
      ['$', 'money'],
      ['1000001', 'too-big'],
    ],
    shows: ['1500.50', '$1,500.50'],
  },
  choice: {
    prompt: 'choice',
    more: options,
    takes: [
      ['b', 'b'],
      [['c'], 'c'],
    ],
    refuses: [
      ['d', 'choice'],
      ['__proto__', 'choice'],
    ],
    shows: ['b', 'B'],
  },
  choices: {
    prompt: 'choices',
    more: options,
    takes: [
      [
        ['c', 'a', 'a'],
        ['a', 'c'],
      ],
      ['b', ['b']],
    ],
    refuses: [[['a', 'd'], 'choice']],
    shows: [['a', 'c'], 'A, C'],
  },
}

for (const [kind, row] of Object.entries(table) as [SingleQuestion['kind'], (typeof table)['text']][]) {
  test(`${kind} takes what people type, refuses what cannot be, and reads what it stored unchanged`, () => {
    const q = question(kind, row.more)
    const { read, show, say, shape } = questionKinds[kind]
    const label = (o: string) => o.toUpperCase()
    for (const [raw, stored, doubt] of row.takes) {
      const got = read(raw, q, world, false)
      assert.deepEqual(got, { value: stored, ...(doubt ? { doubt } : {}) }, JSON.stringify(raw))
      assert.deepEqual(read(stored, q, world, true), { value: stored, ...(doubt ? { doubt } : {}) }, `again: ${JSON.stringify(stored)}`)
    }
    for (const [raw, code] of row.refuses) {
      const got = read(raw, q, world, false)
      assert.equal(got && 'refused' in got ? got.refused : JSON.stringify(got), code, JSON.stringify(raw).slice(0, 40))
    }
    for (const nothing of [undefined, null, '', '   ']) assert.equal(read(nothing, q, world, false), null, `nothing: ${nothing}`)
    for (const hostile of [{}, [], [[]], { day: {} }, Number.NaN, () => 1, '\u0000', 'x'.repeat(100_000)]) read(hostile, q, world, false)
    const [value, shown, said] = row.shows
    assert.equal(show(value, label, world), shown)
    assert.equal(say?.(value, label, world) ?? shown, said ?? shown)
    assert.equal(shape(q, world, label, null).type, row.prompt)
  })
}

test('the eight prompts are all there are', () => {
  const prompts = new Set(Object.values(table).map((r) => r.prompt))
  assert.deepEqual([...prompts].sort(), ['choice', 'choices', 'confirm', 'date', 'file', 'money', 'number', 'text'])
})

test('a CURP whose digit does not fit is taken from who insists, and stays in doubt', () => {
  assert.deepEqual(questionKinds.curp.read('HEGT761003MDFRNN09', question('curp'), world, true), {
    value: 'HEGT761003MDFRNN09',
    doubt: 'curp-digit',
  })
  assert.equal((questionKinds.curp.read('HEGT761303MDFRNN09', question('curp'), world, true) as { refused: string }).refused, 'curp-form')
})

test('check digits are those of the official examples', () => {
  for (const curp of ['BOXW310820HNERXN09', 'CACX760510MGTSHC04', 'AAPR630321HDFLRC09'])
    assert.equal(curpDigit(curp.slice(0, 17)), Number(curp[17]), curp)
  for (const rfc of [
    'GODE561231GR8',
    'SAT970701NN3',
    'EKU9003173C9',
    'LAN7008173R5',
    'CACX7605101P8',
    'TCM970625MB1',
    'FUAB770117BXA',
    'XEXX010101000',
    'ZATJ870805CK6',
    'H&E951128469',
    'ZUÑ920208KL4',
  ]) {
    assert.equal(rfcDigit(rfc.slice(0, -1)), rfc.at(-1), rfc)
  }
  assert.equal(rfcDigit('XAXX01010100'), '4')
})

test('with a state answered before it a municipality is a choice among that state’s', () => {
  const shape = questionKinds.municipality.shape(question('municipality'), world, (o) => o, '09')
  assert.equal(shape.type === 'choice' && shape.options.length, 16)
})
