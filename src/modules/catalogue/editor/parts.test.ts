import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkDefinition } from '../check.ts'
import { compileCondition } from '../condition.ts'
import { readAround } from '../folder.ts'
import { questionKinds } from '../questions/index.ts'
import { comparison, joined, type Operator, operatorsFor } from './conditions.ts'
import { type Content, copyOf, skeleton } from './content.ts'
import { differences } from './difference.ts'
import { contentOf } from './drafts.ts'
import { applyForm, type Edit, type Form, fieldsOf, flat, pageOfFault, parts, placeOfFault, wordsOfCondition } from './parts.ts'

const root = join(import.meta.dirname, '../../../..')
const around = readAround(join(root, 'services'), join(root, 'reference'))
const fresh = () => skeleton('state', 'state-welfare', { es: 'Prueba', en: 'Test' })
const faultsOf = (c: Content) =>
  checkDefinition(c.definition.id, c, { ...around, bases: new Set([...around.bases, c.definition.id]) }).faults
const editOf = (content: Content, item = ''): Edit => ({ l: 'es', content, item, agencies: around.agencies as Edit['agencies'], bases: [] })
const services = [...around.bases].map(
  (id) =>
    [
      id,
      contentOf(
        Object.fromEntries(
          ['definition.json', 'text.es.json', 'text.en.json', 'examples.json'].map((f) => [
            f,
            readFileSync(join(root, 'services', id, f), 'utf8'),
          ]),
        ),
      ),
    ] as const,
)

/** What a browser sends when nobody changes anything on a page. */
function formOf(edit: Edit, part: keyof typeof parts): Form {
  const form: Record<string, unknown> = {}
  for (const f of flat(fieldsOf(parts[part], edit) ?? [])) {
    if (f.as === 'words') for (const l of ['es', 'en'] as const) form[`${l}:${f.name}`] = edit.content[l][f.key] ?? ''
    else if (f.as === 'line' || f.as === 'choice') form[f.name] = f.value
    else if (f.as === 'condition') form[f.name] = f.value ?? ''
    else if (f.as === 'checks') Object.assign(form, { [`${f.name}.shown`]: '1', [f.name]: [...f.values] })
    else if (f.as === 'source') {
      const s = f.value === 'unverified' || f.value === undefined ? {} : f.value
      for (const k of ['law', 'article', 'url', 'read'] as const) form[`${f.name}.${k}`] = (s as Record<string, string>)[k] ?? ''
      if (f.value === 'unverified') form[`${f.name}.unverified`] = '1'
    }
  }
  return form
}

test('saving any page of any service without a change changes nothing', () => {
  for (const [id, content] of services)
    for (const part of Object.values(parts)) {
      if (!(part.has?.(content.definition) ?? true)) continue
      for (const item of part.itemFields ? (part.items?.(editOf(content)) ?? []).map((i) => i.id) : ['']) {
        const edit = editOf(structuredClone(content), item)
        const wrong = applyForm(part, edit, formOf(editOf(structuredClone(content), item), part.id))
        assert.deepEqual([...wrong], [], `${id} ${part.id} ${item}`)
        assert.deepEqual(edit.content, content, `${id} ${part.id} ${item}`)
      }
    }
})

test('a new service is sound at every level, and so is a copy of any', () => {
  for (const [level, agency] of [
    ['federal', 'sre'],
    ['state', 'civil-registry'],
    ['municipal', 'municipal-window'],
  ] as const)
    assert.deepEqual(faultsOf(skeleton(level, agency, { es: 'Trámite de prueba', en: 'Test' })), [], level)
  for (const [id, content] of services) {
    const { level, agency } = content.definition
    const copy = copyOf(content, level, agency, { es: 'Otra cosa', en: 'Another' })
    assert.deepEqual(
      faultsOf(copy).map((f) => f.what),
      [],
      id,
    )
    assert.notEqual(copy.definition.id, id)
  }
})

test('every kind of question can be added, with nothing missing but the options of a choice', () => {
  for (const kind of [...Object.keys(questionKinds), 'group'].filter((k) => k !== 'file')) {
    const c = fresh()
    const id = parts.questions.add!(editOf(c), { es: `¿Y ${kind}?`, en: `And ${kind}?` }, { kind, page: '' })
    c.examples = []
    const codes = faultsOf(c).map((f) => f.code)
    assert.deepEqual(codes, ['too-few'], `${kind}: the options of a choice, or that there is no example`)
    parts.questions.remove!(editOf(c, id))
    assert.deepEqual({ ...c, examples: [] }, { ...fresh(), examples: [] }, `${kind} is taken out without a trace`)
  }
})

test('a step comes in on the way, and leaves it as it was', () => {
  for (const kind of ['review', 'parallel', 'decide', 'timer', 'pay']) {
    const c = fresh()
    const id = parts.steps.add!(editOf(c), { es: 'Paso nuevo', en: 'New step' }, { kind, after: 'filing' })
    assert.deepEqual(
      faultsOf(c)
        .filter((f) => !f.file.endsWith('examples.json'))
        .map((f) => f.what),
      [],
      kind,
    )
    parts.steps.remove!(editOf(c, id))
    assert.deepEqual(c, fresh(), kind)
  }
})

test('every fault of a broken draft leads to a page that exists', () => {
  const c = fresh()
  const d = c.definition
  d.channels = []
  d.questions[0]!.when = 'nobody = 1'
  d.papers.push({ id: 'x', how: 'file', from: 'state/nothing', source: 'unverified' })
  d.term.count = 0
  d.steps.push({ id: 'lost', kind: 'issue' })
  delete c.en.summary
  c.es['questions.curp'] = Array(30).fill('palabra').join(' ')
  const pages = new Set<string>()
  for (const f of [...faultsOf(c), ...faultsOf({ ...c, definition: { ...d, channels: ['web'] } })]) {
    const { part, item } = pageOfFault(editOf(c), placeOfFault(f))
    pages.add(`${part} ${item}`)
    assert.ok(part === 'examples' || fieldsOf(parts[part], editOf(c, item)) !== null, f.what)
  }
  for (const page of ['channels ', 'questions fullname', 'questions curp', 'papers x', 'term ', 'steps lost', 'texts '])
    assert.ok(pages.has(page), `${page}: ${[...pages]}`)
})

test('whatever the list of conditions offers compiles, and is read back in words', () => {
  const names = {
    place: { type: 'string', options: ['town', 'field'] },
    note: { type: 'string' },
    sure: { type: 'boolean' },
    count: { type: 'number' },
    born: { type: 'date' },
    kinds: { type: 'list', options: ['a', 'b'] },
    children: { type: 'list' },
    paper: { type: 'file' },
  } as const
  const values: Record<string, string> = { place: 'town', note: 'x "y" \\', sure: 'false', count: '3', born: '2000-01-01', kinds: 'b' }
  let made: string | undefined
  let tried = 0
  for (const subject of Object.keys(names))
    for (const operator of operatorsFor(names, subject)) {
      const value = operator === 'younger' || operator === 'of-age' ? '18' : (values[subject] ?? '')
      const one = comparison(names, subject, operator as Operator, value)
      assert.ok(one, `${subject} ${operator}`)
      compileCondition(one, names)
      made = joined(made, tried++ % 2 ? 'or' : 'and', one)
      if (made.length > 250) made = undefined
      else compileCondition(made, names)
    }
  assert.ok(tried > 20)
  const c = fresh()
  assert.equal(wordsOfCondition(c, 'curp = "x" and fullname != null', 'es'), '«Su CURP» es «x» y «Su nombre completo» tiene respuesta')
  assert.equal(
    wordsOfCondition(c, 'curp = "a and b" or curp = "c" and fullname = null', 'es'),
    '«Su CURP» es «a and b»; o bien «Su CURP» es «c» y «Su nombre completo» no tiene respuesta',
  )
  assert.equal(wordsOfCondition(c, 'count(curp) > 1', 'es'), 'count(curp) > 1')
})

test('what the checker calls a burden is named first and in words; the other way round it relieves', () => {
  const heavier = fresh()
  heavier.definition.papers.push({ id: 'photo', how: 'file', source: 'unverified' })
  heavier.es['papers.photo'] = 'Fotografía'
  heavier.definition.fee = { kind: 'fixed', amount: '50.00', source: 'unverified' }
  const said = (from: Content, to: Content) =>
    differences(from, to, 'es')
      .filter((x) => x.effect === 'burden' || x.effect === 'relief')
      .map((x) => `${x.effect}: ${x.what}: ${x.before} → ${x.after}`)
  assert.deepEqual(said(fresh(), heavier), [
    'burden: Cuánto cuesta: Gratis → $50.00',
    'burden: Papel nuevo:  → Fotografía · se adjunta una copia',
  ])
  assert.deepEqual(said(heavier, fresh()), [
    'relief: Cuánto cuesta: $50.00 → Gratis',
    'relief: Papel que se quita: Fotografía · se adjunta una copia → ',
  ])
})
