import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { OfficeId, Reference, ServiceId } from '#kernel/id'
import { minuteMs } from '#kernel/time'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import * as store from './store.ts'
import { aCurp, aPdf, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db, offices: { 'state-10': { presence: true } } })
})
after(async () => {
  await it.close()
  await database.close()
})

const office = 'state-10' as OfficeId
const service = 'state/drivers-licence@10' as ServiceId
const caseOf = async (reference: Reference) => (await store.caseByReference(it.db, reference))!

/** What a person has in the inbox: template, and the line and number of the act that each names. */
async function inbox(visitor: SignedIn): Promise<{ template: string; act: string | null; text: string }[]> {
  const all = []
  for (const m of await it.messages.inbox(visitor.person, { language: 'es', limit: 100 })) {
    const text = JSON.stringify((await it.messages.read(visitor.person, m.id, 'es')).rendered)
    const act = /fila ([a-z0-9/-]+), acto (\d+)/.exec(text)
    all.push({ template: m.template, act: act && `${act[1]}#${act[2]}`, text })
  }
  return all
}

/** Every act on the turns of a case, as the log has them. */
async function acts(reference: Reference): Promise<string[]> {
  const turns = new Set((await store.turnsOf(it.db, await caseOf(reference))).map((t) => t.state.turn as string))
  return (await it.entries()).filter((e) => turns.has(String(e.turn))).map((e) => `${e.line}#${e.n}`)
}

/** Runs all jobs of this module again, as a process that was killed at the wrong moment would. */
async function again(): Promise<void> {
  const done = await it.db.query<{ name: string; data: object }>("select name, data from pgboss.job where name like 'cases/%'")
  assert.ok(done.length > 0)
  for (const { name, data } of done) await it.jobs.add(it.db, name, data)
  await it.jobs.drain()
}

/** A day with every kind of act that a holder can be told of; the cases it played with. */
async function aDay(): Promise<{ applicant: SignedIn; reference: Reference }[]> {
  const { desks, filings, timers } = it.cases
  const [a, b] = [await it.anOfficial(office), await it.anOfficial(office)]
  const relative = aCurp(8000)
  await desks.declareConflict(a, office, relative)
  it.clock.advance(minuteMs)
  const file = async (by?: SignedIn) => it.aSubmittedCase({ service, ...(by ? { by } : {}) })
  const [passed, asked, held, idle, absent, gone, decided, lapsed] = [
    await file(await it.aPerson({ identity: relative })),
    await file(),
    await file(),
    await file(),
    await file(),
    await file(),
    await file(),
    await file(),
  ]
  const at = async (who: SignedIn) => (await desks.current(who, office))!
  const turn = async (who: SignedIn) => (await at(who)).turn.state.turn
  await desks.goOn(a, office)
  await desks.next(a, office)
  assert.equal((await at(a)).c.reference, asked.reference)
  await desks.askPapers(a, office, await turn(a), [{ id: 'residence', why: 'missing' }], '')
  await desks.holdForAgency(a, office, await turn(a), 1)
  // Nothing is done about the fourth.
  assert.equal((await at(a)).c.reference, idle.reference)
  it.clock.advance(31 * minuteMs)
  await timers.returnIdle()
  await desks.goOn(b, office)
  await desks.next(b, office)
  assert.equal((await at(b)).c.reference, passed.reference)
  await desks.goOff(b, office)
  await filings.attach(asked.applicant, asked.reference, 'residence', { name: 'a.pdf', stream: aPdf() })
  await filings.answerRequest(asked.applicant, asked.reference, false)
  await filings.withdraw(gone.applicant, gone.reference)
  await filings.undoWithdrawal(gone.applicant, gone.reference)
  await filings.withdraw(gone.applicant, gone.reference)
  await desks.next(a, office)
  const want = async (reference: Reference) => {
    for (;;) {
      const served = await at(a)
      if (served.c.reference === reference) return served
      if (served.step.kind === 'review') await desks.review(a, office, served.turn.state.turn, { result: 'ok', note: '' })
      else await desks.decide(a, office, served.turn.state.turn, { result: 'granted', reasons: [], note: '' })
    }
  }
  await want(absent.reference)
  await desks.absent(a, office, await turn(a))
  await want(decided.reference)
  await desks.write(a, office, await turn(a), 'Le esperamos mañana.')
  await desks.write(a, office, await turn(a), 'O pasado mañana.')
  await want(lapsed.reference)
  await desks.askPapers(a, office, await turn(a), [{ id: 'residence', why: 'expired' }], '')
  await want(absent.reference)
  await desks.absent(a, office, await turn(a))
  await desks.goOff(a, office)
  const c = await caseOf(lapsed.reference)
  await it.passTo(`${c.answerBy}T12:00:00Z`)
  await it.passTo(new Date(it.clock.now().getTime() + 86_400_000 * 20))
  return [passed, asked, held, idle, absent, gone, decided, lapsed]
}

test('every act on a turn is told to its holder once, with its line and number, though every job runs twice', async () => {
  const cases = await aDay()
  await it.jobs.drain()
  const before = await Promise.all(cases.map((c) => inbox(c.applicant)))
  const templates = new Set(before.flat().map((m) => m.template))
  for (const kind of ['turn-taken', 'called', 'passed', 'held', 'held-agency', 'resumed', 'returned', 'left', 'finished', 'silence'])
    assert.ok(templates.has(kind), `somebody was told ${kind}`)
  for (const [i, c] of cases.entries()) {
    const told = before[i]!.flatMap((m) => m.act ?? []).sort()
    assert.deepEqual(told, (await acts(c.reference)).sort(), JSON.stringify(before[i]!.map((m) => [m.template, m.act])))
  }
  await again()
  const count = (all: { template: string }[][]) => all.map((i) => i.length)
  assert.deepEqual(count(await Promise.all(cases.map((c) => inbox(c.applicant)))), count(before))
  assert.deepEqual((await it.replay()).findings, [])
})

test('each message of an office is told once, and its words stay in the case', async () => {
  const [decided] = await it.db.query<{ applicant: string }>(
    'select applicant from cases_message m join cases_case c on c.id = m.case_id limit 1',
  )
  const all = await inbox(await it.visitorOf(decided!.applicant as SignedIn['person']))
  const words = all.filter((m) => m.template === 'office-message')
  assert.equal(words.length, 2)
  assert.ok(!all.some((m) => m.text.includes('mañana')))
})

test('who is near is told once, and only while waiting', async () => {
  const where = { office: 'state-20' as OfficeId, service: 'state/drivers-licence@20' as ServiceId }
  const official = await it.anOfficial(where.office)
  const filed: { reference: Reference; applicant: SignedIn }[] = []
  for (let i = 0; i < 6; i++) filed.push(await it.aSubmittedCase({ service: where.service }))
  await it.cases.desks.goOn(official, where.office)
  const near = async () => {
    await it.jobs.drain()
    return Promise.all(filed.map(async (f) => (await inbox(f.applicant)).filter((m) => m.template === 'near').length))
  }
  await it.cases.desks.next(official, where.office)
  assert.deepEqual(await near(), [0, 1, 1, 1, 0, 0])
  const { turn } = (await it.cases.desks.current(official, where.office))!.turn.state
  await it.cases.desks.review(official, where.office, turn, { result: 'ok', note: '' })
  assert.deepEqual(await near(), [0, 1, 1, 1, 1, 0])
  await again()
  assert.deepEqual(await near(), [0, 1, 1, 1, 1, 0])
})

test('the secret of a receipt is made once, and opens for its holder', async () => {
  const { reference, applicant } = await it.aSubmittedCase({ service })
  await it.jobs.drain()
  const secret = async () => (await it.cases.receipts.read(applicant, reference)).s.receipt?.secret
  const first = await secret()
  assert.ok(first)
  await again()
  assert.equal(await secret(), first)
})
