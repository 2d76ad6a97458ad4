/** What a person may do with all that is kept of them: take it along, and have it erased. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Problem, type ProblemCode } from '#kernel/problem'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import * as store from './store.ts'
import { licenceAnswers, licenceOffice as office, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
let official: SignedIn
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
  // The systems that were entered by a session hear of its end; none is here.
  it.jobs.handle('people.session-ended', async () => {})
  official = await it.anOfficial()
  await it.cases.desks.goOn(official, office)
})
after(async () => {
  await it?.close()
  await database?.close()
})

const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const cookiesOf = (cookie: string) => ({ [cookie.slice(0, cookie.indexOf('='))]: cookie.slice(cookie.indexOf('=') + 1) })
/** The visitor of a session that began so. */
async function entered(who: SignedIn, way: 'email' | 'receipt'): Promise<SignedIn> {
  const { cookie } = await it.people.startSession(it.db, who.person, way)
  return (await it.people.identify({ cookies: cookiesOf(cookie) } as never, 'es')) as SignedIn
}

/** Serves until the desk is empty: every test passed, every licence granted. */
async function serveAll(): Promise<void> {
  const { desks } = it.cases
  await desks.next(official, office)
  for (let served = await desks.current(official, office); served; served = await desks.current(official, office)) {
    it.clock.advance(60_000)
    const { turn } = served.turn.state
    if (served.step.kind === 'review') await desks.review(official, office, turn, { result: 'ok', note: '' })
    else await desks.decide(official, office, turn, { result: 'granted', reasons: [], note: '' })
  }
}

/** Every row of the database that holds this text in the clear. */
async function rowsWith(words: string): Promise<string[]> {
  const tables = (await it.db.query(
    "select table_schema || '.' || table_name as t from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'",
  )) as { t: string }[]
  const found: string[] = []
  for (const { t } of tables)
    if (((await it.db.query(`select 1 from ${t} x where x::text ilike '%' || $1 || '%' limit 1`, [words])) as unknown[]).length > 0)
      found.push(t)
  return found
}

test('a person takes all of it along, with what was sealed opened, and sees that it was given', async () => {
  const who = await it.aPerson({ name: 'Itzel Nayeli Zárate' })
  const visitor = await entered(who, 'email')
  const { reference } = await it.aSubmittedCase({ by: visitor })
  await it.cases.filings.write(visitor, reference, 'Mi hermana entrega el recibo')
  await it.jobs.drain()
  const all = JSON.parse(JSON.stringify(await it.people.personalData.take(visitor)))
  assert.equal(all.account.name, 'Itzel Nayeli Zárate')
  assert.deepEqual(
    all.account.contacts.map((c: { address: string }) => c.address.endsWith('@test.invalid')),
    [true],
  )
  assert.equal(all.cases.length, 1)
  assert.ok(all.cases[0].answers.some((a: { answer: string }) => a.answer === licenceAnswers.home))
  assert.equal(all.cases[0].messages[0].text, 'Mi hermana entrega el recibo')
  assert.equal(all.cases[0].papers[0].bytes > 0, true)
  assert.equal(all.messages[0].about, reference)
  assert.deepEqual(Object.keys(all).sort(), ['account', 'cases', 'certificates', 'mandates', 'messages', 'takenAt'])
  // Nothing of how others, or devices, are let in.
  assert.doesNotMatch(JSON.stringify(all), /hash|secret|public_key/i)
  const again = JSON.parse(JSON.stringify(await it.people.personalData.take(visitor)))
  assert.ok(again.account.uses.some((u: { purpose: string; byYou: boolean }) => u.purpose === 'export' && u.byYou))
  await assert.rejects(it.people.personalData.take(await entered(who, 'receipt')), refused('forbidden'))
})

test('an erasure waits for what runs, can be taken back, and then leaves nothing but what is in force', async () => {
  const name = 'Xicoténcatl Ajolote Bravo'
  const who = await it.aPerson({ name })
  const email = (await it.people.person(it.db, who.person))!.email!
  const visitor = await entered(who, 'email')
  const { personalData } = it.people
  const { reference } = await it.aSubmittedCase({ by: visitor })
  const home = 'Privada del Ajolote 4711, Colonia Chapulín, 06400, Cuauhtémoc, Ciudad de México'
  const gone = await it.aDraft(visitor, { answers: { ...licenceAnswers, home } })
  await assert.rejects(personalData.ask(visitor), refused('people/erasure-held'))
  assert.deepEqual((await personalData.state(visitor)).holds, [{ what: 'case', reference }])
  await assert.rejects(personalData.ask(await entered(who, 'receipt')), refused('forbidden'))

  await serveAll()
  await it.jobs.drain()
  const c = (await store.caseByReference(it.db, reference))!
  const decision = (await store.decisionOf(it.db, c))!
  assert.ok(decision.validUntil)
  await personalData.ask(visitor)
  const { dueAt } = await personalData.state(visitor)
  await personalData.ask(visitor)
  assert.deepEqual((await personalData.state(visitor)).dueAt, dueAt, 'asked twice, the first day holds')
  assert.equal((await it.letterTo(email)).template, 'erasure-asked')
  await personalData.keep(visitor)
  assert.equal((await personalData.state(visitor)).dueAt, null)
  await personalData.ask(visitor)

  it.clock.advance(14 * 86_400_000)
  assert.equal(await personalData.eraseDue(), 0)
  it.clock.advance(2 * 86_400_000)
  // Who began something meanwhile keeps their account until it has ended.
  const late = await it.aSubmittedCase({ by: visitor, answers: { ...licenceAnswers, home } })
  assert.equal(await personalData.eraseDue(), 0)
  await it.cases.filings.withdraw(visitor, late.reference)
  assert.equal(await personalData.eraseDue(), 1)
  assert.equal(await personalData.eraseDue(), 0)

  assert.equal(await it.people.person(it.db, who.person), null)
  for (const words of [name, email]) assert.deepEqual(await rowsWith(words), [], words)
  for (const r of [gone, late.reference]) assert.equal(await store.caseByReference(it.db, r), undefined)
  // The licence is in force: whoever is shown it may still ask, and hears that it holds.
  await it.publiclog.publishNow()
  const held = await it.cases.checks.code(decision.code)
  assert.deepEqual([held.genuine, held.inTurn], [true, true])
  assert.equal((await it.replay()).ok, true, 'the public log stands')

  // When it is over, it goes too.
  assert.equal(await it.cases.personal.forgetOver(), 0)
  await it.db.query(`update cases_decision set valid_until = '2020-01-01' where code = $1`, [decision.code])
  assert.equal(await it.cases.personal.forgetOver(), 1)
  assert.equal((await it.cases.checks.code(decision.code)).genuine, false)
  const empty = (await store.caseById(it.db, c.place, c.id))!
  assert.deepEqual([empty.key.length, empty.answers.length], [0, 0])
  assert.equal((await it.replay()).ok, true)
})

test('an official is not erased while they hold a duty', async () => {
  const visitor = await it.anOfficial()
  assert.deepEqual((await it.people.personalData.state(visitor)).holds, [{ what: 'duty', reference: null }])
  const session = await entered(visitor, 'email')
  await assert.rejects(it.people.personalData.ask(session), refused('people/erasure-held'))
})
