import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Definition, Journey, Service } from '#catalogue'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { stopOf } from './left.ts'
import { licenceAnswers, openTestCases, licence as service, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
})
after(async () => {
  await it.close()
  await database.close()
})

const taken = (month: string) => it.db.tx((tx) => it.cases.left.take(tx, month))

async function begun() {
  const visitor = await it.aPerson()
  return { visitor, reference: await it.cases.filings.start(visitor, { service }) }
}
type Begun = Awaited<ReturnType<typeof begun>>

/** Answers the first `pages` pages as the example does. */
async function answered({ visitor, reference }: Begun, pages: number): Promise<string[]> {
  let o = await it.cases.filings.read(visitor, reference)
  for (let i = 0; i < pages; i++) o = (await it.cases.filings.answer(visitor, reference, o.journey.pages[i]!.id, licenceAnswers)).draft
  return o.journey.pages.map((p) => p.id)
}

test('a draft that is thrown away, or forgotten, counts once at the page where it would be taken up again', async () => {
  const untouched = await begun()
  const halfway = await begun()
  const pages = await answered(halfway, 2)
  const whole = await begun()
  await answered(whole, pages.length)
  for (const { visitor, reference } of [untouched, halfway]) await it.cases.filings.discard(visitor, reference)
  await assert.rejects(it.cases.filings.discard(halfway.visitor, halfway.reference), { code: 'not-found' })
  await it.passTo('2026-12-26T16:00:00Z')
  assert.deepEqual(await it.cases.left.months(), ['2026-11', '2026-12'])
  const [given, forgotten] = [await taken('2026-11'), await taken('2026-12')]
  assert.deepEqual(Object.fromEntries(given.map((l) => [l.stop, l.n])), { start: 1, [pages[2]!]: 1 })
  assert.deepEqual(forgotten, [{ service, stop: 'papers', n: 1 }])
  assert.deepEqual(await it.cases.left.months(), [])
})

test('a draft that was sent, and one that a clerk filled in, are not among them', async () => {
  const { reference, applicant } = await it.aSubmittedCase({ service })
  await assert.rejects(it.cases.filings.discard(applicant, reference))
  assert.deepEqual(await it.cases.left.months(), [])
})

test('a page that only some are asked for is never named: it would tell an answer', () => {
  const question = (id: string, when?: string) => ({ id, kind: 'text', ...(when ? { when } : {}) })
  const definition = {
    questions: [question('a'), question('child', 'a = "x"'), question('b')],
    pages: [
      { id: 'first', questions: ['a'] },
      { id: 'children', questions: ['child'] },
      { id: 'only-some', questions: ['b'], when: 'a = "y"' },
      { id: 'last', questions: ['b'] },
    ],
    papers: [
      { id: 'p', how: 'file', when: 'a = "x"' },
      { id: 'all', how: 'file' },
    ],
  } as unknown as Definition
  const at = (open: string | null, missing: string[] = []) => {
    const pages = definition.pages.map((p) => ({ id: p.id, complete: p.id !== open }))
    return stopOf({ definition } as Pick<Service, 'definition'>, { pages } as unknown as Journey, missing)
  }
  assert.equal(at('first'), 'first')
  assert.equal(at('children'), 'first')
  assert.equal(at('only-some'), 'first')
  assert.equal(at('last'), 'last')
  assert.equal(at(null, ['p']), 'last', 'a paper that only some must bring, and the one of all is there')
  assert.equal(at(null, ['p', 'all']), 'papers')
  assert.equal(at(null), 'review')
})
