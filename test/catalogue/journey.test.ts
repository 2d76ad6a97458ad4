import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { accept, ask, asked, fee, type Prompt, type PromptGroup, showAnswers } from '../../src/modules/catalogue/journey.ts'
import { readPlaces } from '../../src/modules/catalogue/places.ts'
import type { Answers, World } from '../../src/modules/catalogue/questions/index.ts'
import { aDefinition, textsFor } from './definitions.ts'

const places = readPlaces(join(import.meta.dirname, '../../reference'))
const world: World = { language: 'es', today: '2026-11-24', places }
const definition = aDefinition()
const texts = textsFor(definition)
const service = { definition, text: (language: 'es' | 'en', key: string) => texts[language][key] ?? '' }
const page = (answers: Answers, id: string) => ask(service, answers, world).pages.find((p) => p.id === id)!
const mother: Answers = { who: 'me', age: 30, children: [{ name: 'Luz', born: '2020-02-29' }], truth: true }

test('a journey shows what these answers lead to, and nothing else', () => {
  const empty = ask(service, {}, world)
  assert.deepEqual(
    empty.pages.map((p) => p.id),
    ['who', 'person', 'end'],
  )
  assert.equal(empty.complete, false)
  assert.deepEqual(
    empty.problems.map((p) => [p.pointer, p.code]),
    [
      ['/answers/who', 'required'],
      ['/answers/age', 'required'],
      ['/answers/truth', 'confirm'],
    ],
  )
  const child = ask(service, { who: 'me', age: 3, truth: true }, world)
  assert.deepEqual([child.complete, child.problems], [true, []])
  assert.deepEqual(
    ask(service, mother, world).pages.map((p) => p.id),
    ['who', 'person', 'children', 'end'],
  )
})

test('an answer to a question no longer asked counts for nothing: not for conditions, not for the list, not for the fee', () => {
  const answers: Answers = {
    ...mother,
    age: 12,
    children: [
      { name: 'Luz', born: '2020-02-29' },
      { name: 'Sol', born: '1999-01-01' },
    ],
  }
  assert.deepEqual(Object.keys(asked(definition, answers, world.today).answers), ['who', 'age', 'truth'])
  assert.deepEqual(
    ask(service, answers, world).papers.map((p) => p.id),
    ['photo'],
  )
  assert.deepEqual(
    ask(service, { ...answers, age: 30 }, world).papers.map((p) => p.id),
    ['photo', 'permit'],
  )
  assert.equal(fee(definition, answers, world.today)!.minor, 0n)
  assert.equal(fee(definition, { ...answers, age: 30 }, world.today)!.minor, 15_050n)
})

test('a page takes what a form brings, and the answers it refuses stay as they were', () => {
  const good = accept(service, {}, 'person', { age: '1,2' }, world)
  assert.deepEqual(
    good.problems.map((p) => [p.pointer, p.code]),
    [['/answers/age', 'number']],
  )
  const kept = accept(service, { age: 30 }, 'person', { age: 'x', 'home-state': '15' }, world)
  assert.deepEqual([kept.answers.age, kept.answers['home-state'], kept.problems.length], [30, '15', 1])
  assert.match(kept.problems[0]!.detail, /Escriba solo el número/)
  assert.match(accept(service, {}, 'person', { age: 'x' }, { ...world, language: 'en' }).problems[0]!.detail, /Write only the number/)
  const cleared = accept(service, { age: 30, 'home-state': '15' }, 'person', { age: '31', 'home-state': '' }, world)
  assert.deepEqual(cleared.answers, { age: 31, 'home-state': undefined })
})

test('a question that an answer of the same page brings is asked without complaint, then required', () => {
  const first = accept(service, {}, 'who', { who: 'other' }, world)
  assert.deepEqual([first.again, first.problems], [true, []])
  assert.deepEqual(
    page(first.answers, 'who').prompts.map((p) => p.name),
    ['who', 'other-name'],
  )
  const second = accept(service, first.answers, 'who', { who: 'other', 'other-name': '' }, world)
  assert.deepEqual([second.again, second.problems.map((p) => p.pointer)], [false, ['/answers/other-name']])
  const third = accept(service, first.answers, 'who', { who: 'other', 'other-name': 'Ana Pérez' }, world)
  assert.deepEqual([third.again, third.problems], [false, []])
  const other = accept(service, third.answers, 'who', { who: 'me', 'other-name': 'left behind' }, world)
  assert.deepEqual([other.again, other.problems, asked(definition, other.answers, world.today).answers], [false, [], { who: 'me' }])
})

test('a group is shown with room for its first item, takes further ones, and gives one back', () => {
  const before: Answers = { who: 'me', age: 30 }
  const group = page(before, 'children').prompts[0] as PromptGroup
  assert.deepEqual([group.items.length, group.add, group.remove], [1, 'children.add', [null]])
  assert.deepEqual(
    group.items[0]!.map((p) => p.name),
    ['children.0.name', 'children.0.born'],
  )
  const filled = { 'children.0.name': 'Luz', 'children.0.born.day': '29', 'children.0.born.month': '2', 'children.0.born.year': '2020' }
  const added = accept(service, before, 'children', { ...filled, 'children.add': '' }, world)
  assert.deepEqual([added.again, added.problems, added.answers.children], [true, [], [{ name: 'Luz', born: '2020-02-29' }, {}]])
  const two = page(added.answers, 'children').prompts[0] as PromptGroup
  assert.deepEqual(two.remove, ['children.0.remove', 'children.1.remove'])
  // What the child is asked follows from its own birthday.
  assert.deepEqual(
    two.items.map((i) => i.length),
    [3, 2],
  )
  const wrong = accept(
    service,
    added.answers,
    'children',
    { ...filled, 'children.1.name': 'Sol', 'children.1.born.day': '31', 'children.1.born.month': '2', 'children.1.born.year': '2020' },
    world,
  )
  assert.deepEqual(
    wrong.problems.map((p) => p.pointer),
    ['/answers/children/1/born'],
  )
  const removed = accept(service, added.answers, 'children', { ...filled, 'children.1.name': 'Sol', 'children.0.remove': '' }, world)
  assert.deepEqual([removed.again, removed.problems, removed.answers.children], [true, [], [{ name: 'Sol' }]])
  const left = accept(service, added.answers, 'children', { ...filled, 'children.1.name': '' }, world)
  assert.deepEqual([left.problems, left.answers.children], [[], [{ name: 'Luz', born: '2020-02-29' }]])
})

test('a group keeps to its bounds, however many items a form claims', () => {
  const before: Answers = { who: 'me', age: 30 }
  assert.deepEqual(
    accept(service, before, 'children', {}, world).problems.map((p) => p.pointer),
    ['/answers/children/0/name', '/answers/children/0/born'],
  )
  const many = Object.fromEntries(
    Array.from({ length: 99 }, (_, i) => [
      [`children.${i}.name`, 'Luz'],
      [`children.${i}.born`, '2020-01-01'],
    ]).flat(),
  )
  assert.ok(accept(service, before, 'children', many, world).problems.some((p) => p.code === 'too-many-items'))
  const full: Answers = { ...before, children: [1, 2, 3].map(() => ({ name: 'Luz', born: '2020-01-01' })) }
  assert.equal((page(full, 'children').prompts[0] as PromptGroup).add, null)
})

test('a municipality must lie in the state answered before it, and is a choice of that state', () => {
  const before: Answers = { who: 'me', age: 3, 'home-state': '15', truth: true }
  const prompt = page(before, 'place').prompts[0] as Prompt
  assert.equal(prompt.type === 'choice' && prompt.options.length, 125)
  assert.deepEqual(
    accept(service, before, 'place', { town: '09015' }, world).problems.map((p) => p.code),
    ['municipality-of-state'],
  )
  const good = accept(service, before, 'place', { town: '15106' }, world)
  assert.deepEqual(good.problems, [])
  assert.deepEqual(
    ask(service, { ...good.answers, 'home-state': '09' }, world).problems.map((p) => p.code),
    ['municipality-of-state'],
  )
})

test('a doubted CURP is refused once, then taken from who insists', () => {
  const before: Answers = { who: 'me', age: 30 }
  const form = { 'children.0.name': 'Luz', 'children.0.born': '2001-01-01', 'children.0.curp': 'HEGT761003MDFRNN09' }
  assert.deepEqual(
    accept(service, before, 'children', form, world).problems.map((p) => p.code),
    ['curp-digit'],
  )
  const sure = accept(service, before, 'children', { ...form, 'children.0.curp.sure': 'yes' }, world)
  assert.deepEqual([sure.problems, sure.doubts.map((d) => [d.pointer, d.code])], [[], [['/answers/children/0/curp', 'curp-digit']]])
  assert.equal(ask(service, { ...sure.answers, truth: true }, world).complete, true)
})

test('the answers are shown in words, in order, without those that no longer count', () => {
  const lines = showAnswers(service, { ...mother, 'other-name': 'left behind', price: '12.50' }, world)
  assert.deepEqual(
    lines.map((l) => [l.page, l.question, l.item, l.shown]),
    [
      ['who', 'who', null, 'Texto de questions who options me'],
      ['person', 'age', null, '30'],
      ['children', 'name', 0, 'Luz'],
      ['children', 'born', 0, '29 de febrero de 2020'],
      ['end', 'price', null, '$12.50'],
      ['end', 'truth', null, 'Sí'],
    ],
  )
})

test('hostile forms change nothing and throw nothing', () => {
  const before: Answers = { who: 'me', age: 30 }
  const hostile: Record<string, unknown>[] = [
    { __proto__: { who: 'x' }, constructor: 'x', 'children.999999999.name': 'x' },
    { children: 'x', who: { toString: null }, age: [[]], truth: [] },
    { children: [null, 1, 'x', { name: { x: 1 } }] },
    Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`children.${i}.name`, 'x'])),
    { 'children.0.born': { day: { day: 1 } } },
  ]
  for (const form of hostile) {
    for (const id of ['who', 'person', 'place', 'children', 'end', 'none', '__proto__']) {
      const done = accept(service, before, id, form, world)
      ask(service, done.answers, world)
      JSON.stringify(done)
    }
  }
  assert.deepEqual(accept(service, before, 'none', { who: 'other' }, world).answers, before)
  assert.equal(({} as Record<string, unknown>).who, undefined)
})
