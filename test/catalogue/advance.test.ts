import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { advance, begin, type ProcessEvent, type Progress, processPicture, straightPath } from '../../src/modules/catalogue/advance.ts'
import type { Definition } from '../../src/modules/catalogue/definition.ts'
import { readServices } from '../../src/modules/catalogue/folder.ts'
import { readAgencies } from '../../src/modules/catalogue/offices.ts'
import { readPlaces } from '../../src/modules/catalogue/places.ts'
import { aDefinition } from './definitions.ts'

const root = join(import.meta.dirname, '../..')
const definition = aDefinition()
const adult = { answers: { age: 30 }, today: '2026-11-24' }
const child = { answers: { age: 3 }, today: '2026-11-24' }
const at = '2026-11-24T18:00Z'
const filed: ProcessEvent = { type: 'submitted', step: 'filing', at }

function play(events: readonly ProcessEvent[], facts = adult, from: Progress = begin(definition, at)) {
  let progress = from
  let commands: unknown[] = []
  for (const e of events) ({ progress, commands } = advance(definition, progress, e, facts) as { progress: Progress; commands: unknown[] })
  return { progress, commands }
}
const review = (step: string, result: 'ok' | 'objection', branch?: string): ProcessEvent => ({
  type: 'reviewed',
  step,
  result,
  at,
  ...(branch ? { branch } : {}),
})

test('a filing leads where its answers say', () => {
  assert.deepEqual(play([filed], child).commands, [{ open: 'decision', kind: 'decide' }])
  const { commands, progress } = play([filed])
  assert.deepEqual(commands, [
    { open: 'reviews', kind: 'review', branch: 'one', unit: 'state-health' },
    { open: 'reviews', kind: 'review', branch: 'two' },
  ])
  assert.deepEqual(progress.active, [
    { step: 'reviews', branch: 'one', opened: at },
    { step: 'reviews', branch: 'two', opened: at },
  ])
})

test('parallel reviews end when the last is done, and one objection is enough', () => {
  const one = play([filed, review('reviews', 'objection', 'one')])
  assert.deepEqual([one.commands, one.progress.active.length], [[], 1])
  assert.deepEqual(play([review('reviews', 'ok', 'two')], adult, one.progress).commands, [
    { open: 'visit', kind: 'review', unit: 'state-mobility' },
  ])
  assert.deepEqual(play([filed, review('reviews', 'ok', 'two'), review('reviews', 'ok', 'one')]).commands, [
    { open: 'decision', kind: 'decide' },
  ])
})

test('a bounded way leads back as often as it may, then no more', () => {
  const round = [review('reviews', 'objection', 'one'), review('reviews', 'ok', 'two'), review('visit', 'ok')]
  const twice = play([filed, ...round, ...round])
  assert.deepEqual(
    twice.progress.active.map((a) => a.step),
    ['reviews', 'reviews'],
  )
  assert.equal(twice.progress.results['reviews/one'], undefined)
  const third = play(round, adult, twice.progress)
  assert.deepEqual(third.commands, [{ timer: 'wait', workingDays: 3 }])
})

test('an event that answers nothing open changes nothing: told twice, at the wrong step, or of the wrong kind', () => {
  const { progress } = play([filed])
  for (const event of [
    filed,
    review('reviews', 'ok'),
    review('reviews', 'ok', 'three'),
    review('decision', 'ok'),
    { type: 'decided', step: 'reviews', result: 'granted', at } as const,
    { type: 'paid', step: 'nowhere', at } as const,
  ]) {
    const after = advance(definition, progress, event, adult)
    assert.equal(after.progress, progress)
    assert.deepEqual(after.commands, [])
  }
})

test('granted goes on to pay, refused straight to the paper, and the paper says which', () => {
  const granted = play([filed, { type: 'decided', step: 'decision', result: 'granted', at }], child)
  assert.deepEqual(granted.commands, [{ open: 'payment', kind: 'pay' }])
  assert.deepEqual(play([{ type: 'paid', step: 'payment', at }], child, granted.progress).commands, [
    { finish: 'paper', result: 'granted' },
  ])
  const refused = play([filed, { type: 'decided', step: 'decision', result: 'refused', at }], child)
  assert.deepEqual([refused.commands, refused.progress.active], [[{ finish: 'paper', result: 'refused' }], []])
})

test('progress is plain data without a word of the answers', () => {
  const { progress } = play([filed, review('reviews', 'objection', 'one')])
  assert.deepEqual(JSON.parse(JSON.stringify(progress)), progress)
  assert.doesNotMatch(JSON.stringify(progress), /30|age/)
})

// A small generator with a seed: the same cases every time, and a failure names its seed.
function random(seed: number): () => number {
  let s = seed
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0
    return s / 2 ** 32
  }
}

function everyEvent(d: Definition, step: string, branch: string | undefined, next: () => number): ProcessEvent {
  const { kind } = d.steps.find((s) => s.id === step)!
  const coin = next() < 0.5
  if (kind === 'decide') return { type: 'decided', step, result: coin ? 'granted' : 'refused', at }
  if (kind === 'review' || kind === 'parallel')
    return { type: 'reviewed', step, ...(branch === undefined ? {} : { branch }), result: coin ? 'ok' : 'objection', at }
  return { type: kind === 'pay' ? 'paid' : kind === 'sign' ? 'signed' : kind === 'timer' ? 'timer' : 'submitted', step, at }
}

test('whatever officials decide, every case of every service ends in one document, after a decision, in bounded time', () => {
  const reference = join(root, 'reference')
  const { definitions } = readServices(join(root, 'services'), { places: readPlaces(reference), agencies: readAgencies(reference) })
  const all = [definition, ...[...definitions.values()].map((c) => c.definition)]
  for (const d of all) {
    const examples = [
      {},
      ...(definitions.get(d.id)?.examples.map((e) => e.answers as Record<string, never>) ?? [adult.answers, child.answers]),
    ]
    for (let seed = 0; seed < 60; seed++) {
      const next = random(seed)
      const facts = { answers: examples[seed % examples.length]!, today: '2026-11-24' }
      let progress = begin(d, at)
      let finished = 0
      let decided = false
      let steps = 0
      while (progress.active.length > 0) {
        assert.ok(++steps < 500, `${d.id} seed ${seed}`)
        const open = progress.active[Math.floor(next() * progress.active.length)]!
        const event = everyEvent(d, open.step, open.branch, next)
        const done = advance(d, progress, event, facts)
        assert.notEqual(done.progress, progress, `${d.id} seed ${seed}: an event of an open step counts`)
        assert.equal(advance(d, done.progress, event, facts).commands.filter((c) => 'finish' in c).length, 0)
        if (event.type === 'decided') decided = true
        for (const c of done.commands) {
          if ('finish' in c) {
            finished++
            assert.ok(decided, `${d.id} seed ${seed}: a document needs a decision`)
          }
          if ('open' in c) assert.ok(done.progress.active.some((a) => a.step === c.open && a.branch === c.branch))
        }
        // Two entries for one step and branch would be two turns for one matter.
        assert.equal(new Set(done.progress.active.map((a) => `${a.step}/${a.branch}`)).size, done.progress.active.length)
        progress = done.progress
      }
      assert.equal(finished, 1, `${d.id} seed ${seed}`)
    }
  }
})

test('the straight path and the picture show the same steps', () => {
  assert.deepEqual(straightPath(definition, adult), ['filing', 'reviews', 'decision', 'payment', 'paper'])
  const picture = processPicture(definition)
  assert.deepEqual(
    picture.steps.map((s) => s.id),
    definition.steps.map((s) => s.id),
  )
  assert.deepEqual(picture.steps.find((s) => s.id === 'visit')!.next, [
    { to: 'reviews', back: true, sometimes: true },
    { to: 'wait', back: false, sometimes: true },
  ])
  assert.deepEqual(picture.steps.find((s) => s.id === 'reviews')!.branches, ['one', 'two'])
})
