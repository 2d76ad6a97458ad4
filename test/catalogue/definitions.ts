import { textKeys } from '../../src/modules/catalogue/check.ts'
import type { Definition, DefinitionTexts } from '../../src/modules/catalogue/definition.ts'

/** A sound state definition that uses every form the format has, for tests that change one thing. */
export function aDefinition(change: (d: Definition) => void = () => {}): Definition {
  const law = { law: 'Ley de prueba' }
  const d: Definition = {
    format: 1,
    id: 'state/sample',
    level: 'state',
    agency: 'civil-registry',
    lifeEvents: ['birth'],
    applicants: ['person'],
    legalBasis: [law],
    fee: {
      kind: 'table',
      rows: [
        { id: 'child', when: 'age < 18', amount: '0' },
        { id: 'adult', amount: '150.50' },
      ],
      source: law,
    },
    term: { unit: 'working-days', count: 10, source: law },
    silence: { means: 'negative', source: 'unverified' },
    answerWithin: { workingDays: 5, source: law },
    validity: { unit: 'years', count: 1, source: law },
    channels: ['web', 'counter'],
    questions: [
      { id: 'who', kind: 'choice', options: ['me', 'other'] },
      { id: 'other-name', kind: 'person-name', when: 'who = "other"' },
      { id: 'age', kind: 'number', min: 0, max: 120 },
      { id: 'home-state', kind: 'state', optional: true },
      { id: 'town', kind: 'municipality', when: 'home-state != null' },
      {
        id: 'children',
        kind: 'group',
        min: 1,
        max: 3,
        when: 'age >= 18',
        questions: [
          { id: 'name', kind: 'person-name' },
          { id: 'born', kind: 'birth-date' },
          { id: 'curp', kind: 'curp', when: 'born > date("2000-01-01")', optional: true },
        ],
      },
      { id: 'price', kind: 'money', optional: true },
      { id: 'truth', kind: 'confirm' },
    ],
    pages: [
      { id: 'who', questions: ['who', 'other-name'] },
      { id: 'person', questions: ['age', 'home-state'] },
      { id: 'place', questions: ['town'], when: 'home-state != null' },
      { id: 'children', questions: ['children'] },
      { id: 'end', questions: ['price', 'truth'] },
    ],
    papers: [
      { id: 'photo', how: 'file', source: law },
      { id: 'permit', how: 'shown', when: 'count(children) > 1', optional: true, from: 'state/other', source: 'unverified' },
    ],
    steps: [
      { id: 'filing', kind: 'data', next: [{ to: 'reviews', when: 'age >= 18' }, { to: 'decision' }] },
      {
        id: 'reviews',
        kind: 'parallel',
        branches: [{ id: 'one', unit: 'state-health' }, { id: 'two' }],
        next: [{ to: 'visit', when: 'result = "objection"' }, { to: 'decision' }],
      },
      { id: 'visit', kind: 'review', unit: 'state-mobility', next: [{ to: 'reviews', when: 'result = "ok"', atMost: 2 }, { to: 'wait' }] },
      { id: 'wait', kind: 'timer', workingDays: 3, next: [{ to: 'decision' }] },
      { id: 'decision', kind: 'decide', next: [{ to: 'paper', when: 'result = "refused"' }, { to: 'payment' }] },
      { id: 'payment', kind: 'pay', next: [{ to: 'paper' }] },
      { id: 'paper', kind: 'issue' },
    ],
    reasons: [{ id: 'missing', rule: law }],
    adoption: { fee: { min: '0', max: '200' }, hours: { atLeastPerWeek: 20 }, localPaper: true, term: { atLeast: 5 } },
  }
  change(d)
  return d
}

/** Words for every key a definition needs. */
export function textsFor(d: Definition): DefinitionTexts {
  const all = Object.fromEntries([...textKeys(d).needed].map((k) => [k, `Texto de ${k.replaceAll('.', ' ')}`]))
  return { es: all, en: { ...all } }
}

/** Examples that pass for `aDefinition()`. */
export const examples = [
  {
    name: 'a child asks',
    answers: { who: 'me', age: 12, truth: true },
    expect: {
      asked: ['who', 'age', 'home-state', 'price', 'truth'],
      papers: ['photo'],
      fee: '0',
      steps: ['filing', 'decision', 'payment', 'paper'],
    },
  },
  {
    name: 'a mother of two',
    answers: {
      who: 'other',
      'other-name': 'Ana Pérez',
      age: 30,
      'home-state': '15',
      town: '15106',
      children: [
        { name: 'Luz', born: '2020-02-29' },
        { name: 'Sol', born: '1999-01-01' },
      ],
      price: '12.5',
      truth: true,
    },
    expect: {
      asked: ['who', 'other-name', 'age', 'home-state', 'town', 'children', 'price', 'truth'],
      papers: ['photo', 'permit'],
      fee: '150.50',
      steps: ['filing', 'reviews', 'decision', 'payment', 'paper'],
    },
  },
  { name: 'nobody is 200 years old', answers: { who: 'me', age: 200, truth: true }, expect: { refused: ['/answers/age'] } },
]
