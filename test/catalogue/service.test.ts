import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { canonical } from '#kernel/canonical'
import { sha256Hex } from '#kernel/commitment'
import type { Adoption, Definition } from '../../src/modules/catalogue/definition.ts'
import { readPlaces } from '../../src/modules/catalogue/places.ts'
import { baseContent, burdens, contentHash, layOver, wholeHash } from '../../src/modules/catalogue/service.ts'
import { aDefinition, textsFor } from './definitions.ts'

const reference = join(import.meta.dirname, '../../reference')

/** A change to a definition, and what of it burdens people. */
const changes: [name: string, change: (d: Definition) => void, burden: string[]][] = [
  ['the same again', () => {}, []],
  ['a signature more', (d) => d.steps.splice(1, 0, { id: 'signing', kind: 'sign', next: [{ to: d.steps[1]!.id }] }), ['signature signing']],
  ['one paper more', (d) => d.papers.push({ id: 'more', how: 'file', source: 'unverified' }), ['paper more']],
  ['one optional paper more', (d) => d.papers.push({ id: 'more', how: 'file', optional: true, source: 'unverified' }), []],
  [
    'a paper less',
    (d) => {
      d.papers.shift()
    },
    [],
  ],
  [
    'a copy that must now be shown',
    (d) => {
      d.papers[0]!.how = 'shown'
    },
    ['paper photo'],
  ],
  [
    'a paper for fewer people',
    (d) => {
      d.papers[0]!.when = 'age > 3'
    },
    ['paper photo'],
  ],
  [
    'a question less',
    (d) => {
      d.questions.splice(3, 1)
    },
    [],
  ],
  [
    'a question that need not be answered any more',
    (d) => {
      d.questions[2]!.optional = true
    },
    [],
  ],
  [
    'a question that must be answered now',
    (d) => {
      delete d.questions[3]!.optional
    },
    ['question home-state'],
  ],
  [
    'a free service',
    (d) => {
      d.fee = { kind: 'free', source: 'unverified' }
    },
    [],
  ],
  [
    'a higher fee',
    (d) => {
      d.fee = { kind: 'fixed', amount: '150.51', source: 'unverified' }
    },
    ['fee'],
  ],
  [
    'another table',
    (d) => {
      ;(d.fee as { rows: { amount: string }[] }).rows[0]!.amount = '1'
    },
    ['fee'],
  ],
  [
    'a shorter term',
    (d) => {
      d.term.count = 9
    },
    [],
  ],
  [
    'a longer term',
    (d) => {
      d.term.count = 11
    },
    ['term'],
  ],
  [
    'a term in months',
    (d) => {
      d.term = { unit: 'months', count: 1, source: 'unverified' }
    },
    ['term'],
  ],
  [
    'a better silence',
    (d) => {
      d.silence.means = 'affirmative'
    },
    [],
  ],
  [
    'a channel less',
    (d) => {
      d.channels = ['counter']
    },
    ['channel web'],
  ],
  [
    'a channel more',
    (d) => {
      d.channels = ['web', 'counter', 'phone']
    },
    [],
  ],
  [
    'a page that more people see',
    (d) => {
      delete d.pages[2]!.when
    },
    ['question town'],
  ],
  ['a further reason to refuse', (d) => d.reasons.push({ id: 'more', rule: 'unverified' }), ['reason more']],
  [
    'less time to answer',
    (d) => {
      d.answerWithin.workingDays = 4
    },
    ['time to answer'],
  ],
  [
    'a paper that expires sooner',
    (d) => {
      d.validity = { unit: 'months', count: 11, source: 'unverified' }
    },
    ['validity'],
  ],
  [
    'a paper that never expires',
    (d) => {
      d.validity = { unit: 'indefinite', source: 'unverified' }
    },
    [],
  ],
]
for (const [name, change, burden] of changes) {
  test(`${name} ${burden.length > 0 ? 'burdens people and waits' : 'holds at once'}`, () => {
    assert.deepEqual(burdens(aDefinition(), aDefinition(change)), burden)
  })
}

test('a worse silence waits', () => {
  assert.deepEqual(
    burdens(
      aDefinition((d) => {
        d.silence.means = 'affirmative'
      }),
      aDefinition(),
    ),
    ['silence'],
  )
})

test('a place’s difference is a burden only where it is one', () => {
  const d = aDefinition()
  const source = 'unverified' as const
  const from = (was: Adoption | null, is: Adoption | null) => burdens(d, d, was, is)
  assert.deepEqual(from(null, { fee: { amount: '150.50', source } }), ['fee'])
  assert.deepEqual(from({ fee: { amount: '90', source } }, { fee: { amount: '80', source } }), [])
  assert.deepEqual(from({ fee: { amount: '80', source } }, { fee: { amount: '90', source } }), ['fee'])
  assert.deepEqual(from(null, { localPaper: { from: 'state/other', source } }), ['paper local-paper'])
  assert.deepEqual(from({ term: { count: 5, source } }, null), ['term'])
  assert.deepEqual(from(null, { hours: { 1: [['09:00', '15:00']] } }), [])
})

test('laid over, only the place’s fields differ, and without a difference it is the same object', () => {
  const d = aDefinition()
  assert.equal(layOver(d, null), d)
  const laid = layOver(d, { term: { count: 6, source: 'unverified' } })
  assert.deepEqual({ ...laid, term: d.term }, d)
  assert.equal(laid.term.count, 6)
})

test('hashes are those of DESIGN.md, whatever the order of keys', () => {
  const d = aDefinition()
  const texts = textsFor(d)
  const content = baseContent(d, texts)
  const shuffled = Object.fromEntries(Object.entries(d).reverse()) as Definition
  assert.equal(contentHash(content), contentHash(baseContent(shuffled, texts)))
  assert.equal(contentHash(content), sha256Hex(canonical({ definition: d, text: { es: texts.es, en: texts.en } })))
  assert.equal(wholeHash('a', null), sha256Hex('{"adoption":null,"base":"a"}'))
})

test('the reference data is whole: 32 states, 2,478 municipalities, zones that exist, holidays of four years', () => {
  const places = readPlaces(reference)
  assert.deepEqual(places.count, { states: 32, municipalities: 2478 })
  assert.equal(
    places.states.reduce((n, s) => n + s.population, 0),
    126_014_024,
  )
  for (const s of places.states) {
    assert.ok(places.municipality(s.capital)?.code.startsWith(s.code), s.name)
    for (const m of places.municipalities(s.code)) new Intl.DateTimeFormat('en', { timeZone: places.zone(m.code) })
  }
  const { sources, holidays } = JSON.parse(readFileSync(join(reference, 'holidays.json'), 'utf8')) as {
    sources: object
    holidays: { date: string; source: string; agency?: string }[]
  }
  for (const year of [2024, 2025, 2026, 2027]) {
    const days = holidays.filter((h) => h.date.startsWith(`${year}`) && h.agency === undefined)
    assert.equal(days.length, year === 2024 ? 8 : 7)
  }
  for (const h of holidays) assert.ok(h.source in sources)
})
