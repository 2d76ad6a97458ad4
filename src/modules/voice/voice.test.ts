import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Reference } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { openTestCases, type TestCases } from '../cases/testing.ts'
import { openVoice, type Voice } from './index.ts'

let database: TestDatabase
let it: TestCases
let voice: Voice
let over: { reference: Reference; applicant: SignedIn }
const answers = { visits: '2', asked: '200' } as const
const notFound = (error: unknown) => error instanceof Problem && error.code === 'not-found'

before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
  voice = openVoice({ ...it, demo: false })
  const official = await it.anOfficial()
  over = await it.aSubmittedCase({ service: 'state/birth-certificate@09' as never, answers: await birthAnswers() })
  const office = 'state-09' as never
  await it.cases.desks.goOn(official, office)
  await it.cases.desks.next(official, office)
  const at = await it.cases.desks.current(official, office)
  await it.cases.desks.decide(official, office, at!.turn.state.turn, { result: 'granted', reasons: [], note: '' })
})
after(async () => {
  await it.close()
  await database.close()
})

async function birthAnswers() {
  const { readFileSync } = await import('node:fs')
  const examples = JSON.parse(readFileSync(new URL('../../../services/state/birth-certificate/examples.json', import.meta.url), 'utf8'))
  return examples.find((e: { expect: { refused?: unknown } }) => !e.expect.refused).answers
}

test('only the applicant rates, and only a case that is over', async () => {
  const open = await it.aSubmittedCase()
  await assert.rejects(voice.rate(open.applicant, open.reference, answers), notFound)
  await assert.rejects(voice.rate(await it.aPerson(), over.reference, answers), notFound)
  await assert.rejects(voice.rate(over.applicant, 'ZZZZ-ZZZZZ' as Reference, answers), notFound)
  await assert.rejects(voice.rate(over.applicant, over.reference, { visits: '9' as never, asked: 'no' }), Problem)
})

test('each case gives one rating, however often and fast it is sent', async () => {
  const sent = await Promise.all(Array.from({ length: 8 }, () => voice.rate(over.applicant, over.reference, answers)))
  assert.deepEqual(sent.filter(Boolean).length, 1)
  assert.equal((await voice.mayRate(over.applicant, over.reference)).given, true)
})

test('what is stored joins no rating to a case, a person, a service or a moment', async () => {
  const [row] = await it.db.query<{ id: string; month: string; box: Buffer }>('select * from voice_rating')
  const { id, month, ...rest } = row!
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  assert.equal(month, '2026-11')
  assert.deepEqual(Object.keys(rest), ['box'])
  assert.ok(!rest.box.includes('birth'))
})

test('a month is handed over once, whole, and forgotten with the transaction that takes it', async () => {
  assert.deepEqual(await voice.months(), ['2026-11'])
  await assert.rejects(
    it.db.tx(async (tx) => {
      assert.equal((await voice.take(tx, '2026-11')).length, 1)
      throw new Error('not released after all')
    }),
  )
  assert.deepEqual(await it.db.tx((tx) => voice.take(tx, '2026-11')), [{ v: 1, service: 'state/birth-certificate@09', ...answers }])
  assert.deepEqual(await it.db.tx((tx) => voice.take(tx, '2026-11')), [])
  assert.deepEqual(await voice.months(), [])
})
