import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkAdoptions, checkDefinition, definitionSchema, longSentence } from '../../src/modules/catalogue/check.ts'
import type { Definition } from '../../src/modules/catalogue/definition.ts'
import { checkFolder, readServices } from '../../src/modules/catalogue/folder.ts'
import { readAgencies } from '../../src/modules/catalogue/offices.ts'
import { readPlaces } from '../../src/modules/catalogue/places.ts'
import { aDefinition, examples, textsFor } from './definitions.ts'

const root = join(import.meta.dirname, '../..')
const around = {
  bases: new Set(['state/sample', 'state/other']),
  agencies: readAgencies(join(root, 'reference')),
  places: readPlaces(join(root, 'reference')),
}

type Files = { definition: Definition; es: Record<string, string>; en: Record<string, string>; examples: unknown }
function check(change: (files: Files) => void = () => {}) {
  const definition = aDefinition()
  const { es, en } = textsFor(definition)
  const files: Files = { definition, es: { ...es }, en: { ...en }, examples: structuredClone(examples) }
  change(files)
  return checkDefinition('state/sample', files, around)
}
const json = (d: Definition) => d as unknown as Record<string, Record<string, unknown> & unknown[]>

test('a sound definition has no fault', () => {
  assert.deepEqual(check().faults, [])
  assert.equal(check().checked?.definition.id, 'state/sample')
})

/** One defect each: what is planted, the file and place that must be named, and a word of the reason. */
const defects: [name: string, plant: (f: Files) => void, file: string, pointer: string, what: RegExp][] = [
  [
    'a step nobody reaches',
    (f) => f.definition.steps.push({ id: 'lost', kind: 'review', next: [{ to: 'decision' }] }),
    'definition.json',
    '/steps/7',
    /never reached/,
  ],
  [
    'a last way with a condition',
    (f) => {
      ;(f.definition.steps[5] as { next: object[] }).next = [{ to: 'paper', when: 'age > 3' }]
    },
    'definition.json',
    '/steps/5/next/0',
    /deadlock/,
  ],
  [
    'a last way with a bound',
    (f) => {
      ;(f.definition.steps[5] as { next: object[] }).next = [{ to: 'paper', atMost: 1 }]
    },
    'definition.json',
    '/steps/5/next/0',
    /deadlock/,
  ],
  [
    'a way behind one that always holds',
    (f) => {
      ;(f.definition.steps[5] as { next: object[] }).next = [{ to: 'paper' }, { to: 'decision' }]
    },
    'definition.json',
    '/steps/5/next/1',
    /unreachable/,
  ],
  [
    'a loop without a bound',
    (f) => {
      ;(f.definition.steps[2] as { next: { atMost?: number }[] }).next[0] = { to: 'reviews', when: 'result = "ok"' } as never
    },
    'definition.json',
    '/steps/1',
    /loop.*no bound/,
  ],
  [
    'signatures of people who have no e-mail',
    (f) => {
      f.definition.steps.splice(1, 0, {
        id: 'signing',
        kind: 'sign',
        signers: f.definition.questions[0]!.id,
        next: (f.definition.steps[0] as { next: object[] }).next,
      } as never)
      ;(f.definition.steps[0] as { next: object[] }).next = [{ to: 'signing' }]
    },
    'definition.json',
    '/steps/1/signers',
    /no group/,
  ],
  [
    'an order of signing for one who signs alone',
    (f) => {
      f.definition.steps.splice(1, 0, {
        id: 'signing',
        kind: 'sign',
        order: 'listed',
        next: (f.definition.steps[0] as { next: object[] }).next,
      } as never)
      ;(f.definition.steps[0] as { next: object[] }).next = [{ to: 'signing' }]
    },
    'definition.json',
    '/steps/1/order',
    /only the applicant/,
  ],
  [
    'a question that takes a file',
    (f) => {
      f.definition.questions[0] = { id: f.definition.questions[0]!.id, kind: 'file' } as never
    },
    'definition.json',
    '/questions/0/kind',
    /cannot take a file/,
  ],
  [
    'steps that never end',
    (f) => {
      ;(f.definition.steps[3] as { next: object[] }).next = [{ to: 'wait' }]
    },
    'definition.json',
    '/steps/3',
    /deadlock|loop/,
  ],
  [
    'a wait as the last step before the document',
    (f) => {
      ;(f.definition.steps as object[])[5] = { id: 'payment', kind: 'timer', workingDays: 2, next: [{ to: 'paper' }] }
    },
    'definition.json',
    '/steps/5',
    /done at no desk/,
  ],
  [
    'a document without a decision',
    (f) => {
      ;(f.definition.steps[3] as { next: object[] }).next = [{ to: 'paper' }]
    },
    'definition.json',
    '/steps/6',
    /without a decision/,
  ],
  [
    'a way to nowhere',
    (f) => {
      ;(f.definition.steps[5] as { next: object[] }).next = [{ to: 'nowhere' }]
    },
    'definition.json',
    '/steps/5/next/0/to',
    /no step/,
  ],
  [
    'a way back to the filing',
    (f) => {
      ;(f.definition.steps[3] as { next: object[] }).next = [{ to: 'filing' }]
    },
    'definition.json',
    '/steps/3/next/0/to',
    /filing/,
  ],
  [
    'no filing first',
    (f) => {
      f.definition.steps.shift()
    },
    'definition.json',
    '/steps/0/kind',
    /not "data"/,
  ],
  ['the same step twice', (f) => f.definition.steps.push({ id: 'paper', kind: 'issue' }), 'definition.json', '/steps/7/id', /twice/],
  [
    'a unit that no agency is',
    (f) => {
      ;(f.definition.steps[2] as { unit: string }).unit = 'nobody'
    },
    'definition.json',
    '/steps/2/unit',
    /agencies\.json/,
  ],
  [
    'a unit of another level',
    (f) => {
      ;(f.definition.steps[2] as { unit: string }).unit = 'sat'
    },
    'definition.json',
    '/steps/2/unit',
    /federal/,
  ],
  [
    'an unknown name in a condition',
    (f) => {
      f.definition.questions[1]!.when = 'whom = "other"'
    },
    'definition.json',
    '/questions/1/when',
    /no "whom"/,
  ],
  [
    'an option that is none',
    (f) => {
      f.definition.questions[1]!.when = 'who = "others"'
    },
    'definition.json',
    '/questions/1/when',
    /none of the options/,
  ],
  [
    'a question asked only later',
    (f) => {
      f.definition.pages[0]!.when = 'age > 3'
    },
    'definition.json',
    '/pages/0/when',
    /no "age"/,
  ],
  [
    'a condition on itself',
    (f) => {
      f.definition.questions[2]!.when = 'age > 3'
    },
    'definition.json',
    '/questions/2/when',
    /no "age"/,
  ],
  [
    'money in a condition',
    (f) => {
      f.definition.papers[0]!.when = 'price > 3'
    },
    'definition.json',
    '/papers/0/when',
    /money/,
  ],
  [
    'a broken condition in a group',
    (f) => {
      ;(f.definition.questions[5] as { questions: { when?: string }[] }).questions[2]!.when = 'born >'
    },
    'definition.json',
    '/questions/5/questions/2/when',
    /FEEL/,
  ],
  [
    'a result that a step cannot have',
    (f) => {
      ;(f.definition.steps[1] as { next: { when?: string }[] }).next[0]!.when = 'result = "granted"'
    },
    'definition.json',
    '/steps/1/next/0/when',
    /none of the options/,
  ],
  [
    'a loop in a condition',
    (f) => {
      f.definition.papers[0]!.when = 'some x in children satisfies true'
    },
    'definition.json',
    '/papers/0/when',
    /do not take/,
  ],
  [
    'the same question twice',
    (f) => f.definition.questions.push({ id: 'who', kind: 'text' }),
    'definition.json',
    '/questions/8/id',
    /twice/,
  ],
  [
    'a question on two pages',
    (f) => f.definition.pages[4]!.questions.push('who'),
    'definition.json',
    '/pages/4/questions/2',
    /another page/,
  ],
  [
    'a question on no page',
    (f) => f.definition.questions.push({ id: 'extra', kind: 'text' }),
    'definition.json',
    '/questions/8/id',
    /no page/,
  ],
  [
    'a page with a question that is none',
    (f) => f.definition.pages[4]!.questions.push('none'),
    'definition.json',
    '/pages/4/questions/2',
    /no question/,
  ],
  [
    'a word of FEEL as an id',
    (f) => f.definition.questions.push({ id: 'results', kind: 'text' }),
    'definition.json',
    '/questions/8/id',
    /word of the conditions/,
  ],
  [
    'a matter that is no question',
    (f) => {
      f.definition.matter = ['none']
    },
    'definition.json',
    '/matter/0',
    /no question/,
  ],
  [
    'a fee without source',
    (f) => {
      delete json(f.definition).fee!.source
    },
    'definition.json',
    '/fee',
    /"source" is missing/,
  ],
  [
    'a term without source',
    (f) => {
      delete json(f.definition).term!.source
    },
    'definition.json',
    '/term',
    /"source" is missing/,
  ],
  [
    'a source that is a word',
    (f) => {
      json(f.definition).term!.source = 'internet'
    },
    'definition.json',
    '/term/source',
    /./,
  ],
  [
    'a fee row before the last for everybody',
    (f) => {
      delete (f.definition.fee as { rows: { when?: string }[] }).rows[0]!.when
    },
    'definition.json',
    '/fee/rows/0/when',
    /before the last/,
  ],
  [
    'a last fee row with a condition',
    (f) => {
      ;(f.definition.fee as { rows: { when?: string }[] }).rows[1]!.when = 'age > 1'
    },
    'definition.json',
    '/fee/rows/1/when',
    /last row/,
  ],
  [
    'days that are none',
    (f) => {
      f.definition.term = { unit: 'immediate', count: 3, source: 'unverified' }
    },
    'definition.json',
    '/term/count',
    /does not go/,
  ],
  [
    'years without a count',
    (f) => {
      delete json(f.definition).validity!.count
    },
    'definition.json',
    '/validity/count',
    /missing/,
  ],
  [
    'too short a time to answer',
    (f) => {
      f.definition.answerWithin.workingDays = 4
    },
    'definition.json',
    '/answerWithin/workingDays',
    /5/,
  ],
  [
    'a paper from a service that is none',
    (f) => {
      f.definition.papers[0]!.from = 'state/none'
    },
    'definition.json',
    '/papers/0/from',
    /no service/,
  ],
  [
    'its own paper',
    (f) => {
      f.definition.papers[0]!.from = 'state/sample'
    },
    'definition.json',
    '/papers/0/from',
    /own paper/,
  ],
  [
    'an agency that is none',
    (f) => {
      f.definition.agency = 'nobody'
    },
    'definition.json',
    '/agency',
    /agencies\.json/,
  ],
  [
    'an id that is not its folder',
    (f) => {
      f.definition.id = 'state/else'
    },
    'definition.json',
    '/id',
    /folder/,
  ],
  [
    'bounds the wrong way round',
    (f) => {
      f.definition.adoption!.fee = { min: '9', max: '1' }
    },
    'definition.json',
    '/adoption/fee',
    /more than max/,
  ],
  [
    'bounds that lengthen the term',
    (f) => {
      f.definition.adoption!.term!.atLeast = 11
    },
    'definition.json',
    '/adoption/term/atLeast',
    /shorten/,
  ],
  [
    'a local fee without bounds',
    (f) => {
      f.definition.fee = { kind: 'local', source: 'unverified' }
      f.definition.adoption = {}
    },
    'definition.json',
    '/adoption/fee',
    /no bounds/,
  ],
  [
    'an unknown field',
    (f) => {
      json(f.definition).proces = {} as never
    },
    'definition.json',
    '',
    /"proces" is not known/,
  ],
  [
    'an unknown kind',
    (f) => {
      ;(f.definition.questions[2] as { kind: string }).kind = 'numbr'
    },
    'definition.json',
    '/questions/2',
    /./,
  ],
  [
    'a missing text',
    (f) => {
      delete f.en.who
    },
    'text.en.json',
    '/who',
    /missing/,
  ],
  [
    'a text nobody asks for',
    (f) => {
      f.es['questions.none'] = 'x'
    },
    'text.es.json',
    '/questions.none',
    /nothing asks/,
  ],
  [
    'a hint in one language only',
    (f) => {
      f.es['questions.who.hint'] = 'Ayuda'
    },
    'text.en.json',
    '/questions.who.hint',
    /only in es/,
  ],
  [
    'a long sentence',
    (f) => {
      f.es.summary = Array(21).fill('palabra').join(' ')
    },
    'text.es.json',
    '/summary',
    /more than 20 words/,
  ],
  [
    'an empty text',
    (f) => {
      f.es.name = ''
    },
    'text.es.json',
    '/name',
    /./,
  ],
  [
    'no examples',
    (f) => {
      f.examples = []
    },
    'examples.json',
    '',
    /./,
  ],
  [
    'an example that asks otherwise',
    (f) => {
      ;(f.examples as typeof examples)[0]!.expect.asked = ['who']
    },
    'examples.json',
    '/0/expect/asked',
    /expected \["who"\]/,
  ],
  [
    'an example with another fee',
    (f) => {
      ;(f.examples as typeof examples)[0]!.expect.fee = '1'
    },
    'examples.json',
    '/0/expect/fee',
    /expected 1, got 0/,
  ],
  [
    'an example with other steps',
    (f) => {
      ;(f.examples as typeof examples)[0]!.expect.steps = ['filing']
    },
    'examples.json',
    '/0/expect/steps',
    /steps/,
  ],
  [
    'an example with other papers',
    (f) => {
      ;(f.examples as typeof examples)[0]!.expect.papers = []
    },
    'examples.json',
    '/0/expect/papers',
    /papers/,
  ],
  [
    'an example whose answer is refused',
    (f) => {
      ;(f.examples as { answers: { age?: number } }[])[0]!.answers.age = -1
    },
    'examples.json',
    '/0/answers',
    /refused/,
  ],
  [
    'an example that is not refused as it says',
    (f) => {
      ;(f.examples as { answers: { age?: number } }[])[2]!.answers.age = 20
    },
    'examples.json',
    '/2/expect/refused',
    /not refused/,
  ],
  [
    'an example that answers what nobody asks',
    (f) => {
      ;(f.examples as { answers: Record<string, unknown> }[])[0]!.answers.none = 1
    },
    'examples.json',
    '/0/answers/none',
    /no question/,
  ],
]

for (const [name, plant, file, pointer, what] of defects) {
  test(`the checker names ${name}, with its file, place and remedy`, () => {
    const { faults, checked } = check(plant)
    assert.equal(checked, null)
    const found = faults.find((f) => f.file === `state/sample/${file}` && f.pointer === pointer && what.test(f.what))
    assert.ok(found, JSON.stringify(faults, null, 1))
    assert.ok(found.remedy.length > 5)
  })
}

test('hostile definitions are refused in little time and never thrown on', () => {
  const deep = (n: number): unknown => (n === 0 ? 1 : { a: deep(n - 1) })
  const hostile: [string, (f: Files) => void][] = [
    [
      'huge condition',
      (f) => {
        f.definition.papers[0]!.when = `age = ${'1+'.repeat(100_000)}1`
      },
    ],
    [
      'nested condition',
      (f) => {
        f.definition.papers[0]!.when = `${'('.repeat(140)}age${')'.repeat(140)} = 1`
      },
    ],
    [
      'open brackets',
      (f) => {
        f.definition.papers[0]!.when = '('.repeat(300)
      },
    ],
    [
      'open braces',
      (f) => {
        f.definition.papers[0]!.when = '{a:'.repeat(90)
      },
    ],
    [
      'ifs',
      (f) => {
        f.definition.papers[0]!.when = 'if '.repeat(90)
      },
    ],
    [
      'deep definition',
      (f) => {
        json(f.definition).fee = deep(5000) as never
      },
    ],
    [
      'deep examples',
      (f) => {
        f.examples = deep(5000)
      },
    ],
    [
      'a list',
      (f) => {
        f.definition = [] as never
      },
    ],
    [
      'nothing',
      (f) => {
        f.definition = null as never
      },
    ],
    [
      'texts of numbers',
      (f) => {
        f.es = { name: 3 } as never
      },
    ],
    [
      'a list of texts',
      (f) => {
        f.es = [] as never
      },
    ],
    [
      'a thousand steps',
      (f) => {
        f.definition.steps = Array(1000).fill(f.definition.steps[1])
      },
    ],
    [
      'a prototype',
      (f) => {
        f.es = JSON.parse('{"__proto__": {"name": "x"}}')
      },
    ],
    [
      'answers that are none',
      (f) => {
        f.examples = [{ name: 'abc', answers: { children: [null, 3, [[]]], who: {}, age: { day: 1 } }, expect: {} }]
      },
    ],
  ]
  for (const [name, plant] of hostile) {
    const started = performance.now()
    const { faults } = check(plant)
    assert.ok(faults.length > 0, name)
    assert.ok(performance.now() - started < 1000, name)
  }
})

test('a sentence is counted between full stops, and what has no letters is no word', () => {
  assert.equal(longSentence(`${Array(20).fill('a').join(' ')}. ${Array(20).fill('b').join(' ')}.`), null)
  assert.ok(longSentence(Array(21).fill('a').join(' ')))
  assert.equal(longSentence(`${Array(20).fill('a').join(' ')} – —`), null)
})

test('an adoption keeps to its bounds; a bad one takes no other down', () => {
  const base = aDefinition()
  const bases = new Map([
    ['state/sample', base],
    [
      'municipal/town',
      aDefinition((d) => {
        d.id = 'municipal/town'
        d.level = 'municipal'
      }),
    ],
  ])
  const one = (services: object, place = '09') =>
    checkAdoptions(`adoptions/${place}.json`, place, { format: 1, place, services }, bases, around)
  const source = { law: 'Ley de ingresos' }
  assert.deepEqual(
    one({
      'state/sample': {
        fee: { amount: '200', source },
        hours: { 1: [['09:00', '19:00']], 2: [['09:00', '19:00']] },
        term: { count: 5, source },
        localPaper: { from: 'state/other', source },
      },
    }).faults,
    [],
  )
  const bad: [object, string, RegExp][] = [
    [{ fee: { amount: '200.01', source } }, '/fee/amount', /outside/],
    [{ fee: { amount: '10' } }, '/fee', /"source" is missing/],
    [{ hours: { 1: [['09:00', '18:00']] } }, '/hours', /fewer than 20/],
    [{ hours: { 1: [['18:00', '09:00']] } }, '/hours', /well formed/],
    [
      {
        hours: {
          1: [
            ['09:00', '15:00'],
            ['14:00', '24:00'],
          ],
        },
      },
      '/hours',
      /overlap/,
    ],
    [{ term: { count: 4, source } }, '/term/count', /outside/],
    [{ term: { count: 11, source } }, '/term/count', /outside/],
    [{ localPaper: { from: 'state/none', source } }, '/localPaper/from', /no service/],
    [{ localPaper: { from: 'state/sample', source } }, '/localPaper/from', /own paper/],
    [{ channels: ['counter'] }, '', /"channels" is not known/],
  ]
  for (const [adoption, at, what] of bad) {
    const { faults, adoptions } = one({ 'state/sample': adoption })
    assert.ok(
      faults.some((f) => f.pointer === `/services/state~1sample${at}` && what.test(f.what)),
      JSON.stringify([adoption, faults]),
    )
    assert.equal(adoptions.size, 0)
  }
  const unbound = aDefinition((d) => {
    d.adoption = {}
  })
  for (const field of [
    { fee: { amount: '10', source } },
    { hours: { 1: [['00:00', '24:00']] } },
    { term: { count: 6, source } },
    { localPaper: { from: 'state/other', source } },
  ]) {
    const { faults } = checkAdoptions(
      'a',
      '09',
      { format: 1, place: '09', services: { 'state/sample': field } },
      new Map([['state/sample', unbound]]),
      around,
    )
    assert.match(faults[0]!.what, /does not let/)
  }
  assert.match(one({ 'state/none': {} }).faults[0]!.what, /no sound base/)
  assert.match(one({ 'municipal/town': {} }).faults[0]!.what, /is municipal/)
  assert.match(
    checkAdoptions('adoptions/99.json', '99', { format: 1, place: '99', services: {} }, bases, around).faults[0]!.what,
    /not the place/,
  )
  const mixed = one({ 'state/sample': { fee: { amount: '100', source } }, 'state/none': {} })
  assert.deepEqual([mixed.faults.length, mixed.adoptions.size], [1, 1])
})

test('papers that need each other are named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'circle-'))
  for (const [id, from] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const d = aDefinition((x) => {
      x.id = `state/${id}`
      x.papers = [{ id: 'photo', how: 'file', from: `state/${from}`, source: 'unverified' }]
    })
    const texts = textsFor(d)
    mkdirSync(join(folder, `state/${id}`), { recursive: true })
    for (const [name, content] of Object.entries({
      'definition.json': d,
      'text.es.json': texts.es,
      'text.en.json': texts.en,
      'examples.json': [{ name: 'a child asks', answers: { who: 'me', age: 3, truth: true }, expect: {} }],
    })) {
      writeFileSync(join(folder, `state/${id}`, name), JSON.stringify(content))
    }
  }
  const content = readServices(folder, around)
  rmSync(folder, { recursive: true })
  assert.match(content.faults[0]?.what ?? '', /papers that need each other: state\/a → state\/b → state\/a/)
})

test('every definition and adoption of this repository passes', () => {
  const { ok, services, faults } = checkFolder(join(root, 'services'), join(root, 'reference'))
  assert.deepEqual(faults, [])
  assert.ok(ok && services >= 28)
})

test('the command prints what is wrong and ends with 1; with 0 where all is well; with 2 where it cannot run', () => {
  const cli = join(root, 'src/cli.ts')
  const run = (...args: string[]) => {
    try {
      return { code: 0, out: execFileSync(process.execPath, [cli, 'check-service', ...args], { stdio: 'pipe' }).toString() }
    } catch (error) {
      const e = error as { status: number; stdout: Buffer }
      return { code: e.status, out: e.stdout.toString() }
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'one-'))
  cpSync(join(root, 'services/state/birth-certificate'), join(folder, 'state/birth-certificate'), { recursive: true })
  assert.deepEqual(run(join(folder, 'state/birth-certificate')), { code: 0, out: 'Good: 1 checked.\n' })
  const file = join(folder, 'state/birth-certificate/text.es.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), extra: 'x' }))
  const bad = run(join(folder, 'state/birth-certificate'))
  assert.equal(bad.code, 1)
  assert.match(bad.out, /state\/birth-certificate\/text\.es\.json \/extra: nothing asks for this text/)
  assert.equal(JSON.parse(run(join(folder, 'state/birth-certificate'), '--json').out).faults.length, 1)
  assert.equal(run(join(folder, 'nowhere')).code, 2)
  rmSync(folder, { recursive: true })
})

test('the JSON Schema in the repository is the one in force', () => {
  assert.deepEqual(JSON.parse(readFileSync(join(root, 'src/modules/catalogue/definition.schema.json'), 'utf8')), definitionSchema)
})
