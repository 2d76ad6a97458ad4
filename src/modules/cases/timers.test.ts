import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { canonicalBytes } from '#kernel/canonical'
import { opens } from '#kernel/commitment'
import type { OfficeId, Reference, ServiceId } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { dayMs, endOfDay, minuteMs } from '#kernel/time'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import type { SealedDecision } from './decision.ts'
import * as store from './store.ts'
import { openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
before(async () => {
  database = await testDatabase()
  it = await openTestCases({
    db: database.db,
    services: ['state/drivers-licence', 'state/birth-certificate', 'federal/semarnat/wildlife-unit-update'],
  })
})
after(async () => {
  await it.close()
  await database.close()
})

const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const caseOf = async (reference: Reference) => (await store.caseByReference(it.db, reference))!
const place = (code: string) => ({ office: `state-${code}` as OfficeId, service: `state/drivers-licence@${code}` as ServiceId })

/** What silence did to a case, as its owner and the public can see it. */
async function outcome(applicant: SignedIn, reference: Reference) {
  await it.publiclog.publishNow()
  const o = await it.cases.filings.read(applicant, reference)
  const row = (await store.decisionOf(it.db, o.c))!
  const sealed = o.vault.open<SealedDecision>('decision', row.sealed)
  const decided = (await it.entries()).filter((e) => e.type === 'case.decided' && e.case === o.c.pseudonym)
  const { finished } = await it.cases.checks.history(row.turn)
  assert.ok(finished?.entry.type === 'turn.finished')
  return { c: o.c, row, ...sealed, decided, finished: finished.entry }
}

for (const [code, zone] of [
  ['09', 'America/Mexico_City'],
  ['02', 'America/Tijuana'],
  ['26', 'America/Hermosillo'],
  ['23', 'America/Cancun'],
] as const)
  test(`in ${zone} silence refuses at local midnight, by itself, and says so everywhere`, async () => {
    const { service } = place(code)
    const { reference, applicant } = await it.aSubmittedCase({ service })
    const { dueOn, office } = await caseOf(reference)
    assert.equal(it.catalogue.calendarOf(office).zone, zone)
    const midnight = endOfDay(dueOn!, zone)
    await it.passTo(new Date(midnight.getTime() - 1))
    assert.equal((await caseOf(reference)).state, 'open')
    await it.passTo(midnight)
    const done = await outcome(applicant, reference)
    assert.equal(done.c.state, 'decided')
    assert.deepEqual([done.record.how, done.record.result, done.record.due], ['silence', 'refused', dueOn])
    assert.ok(it.signing.checkSeal(canonicalBytes(done.record), done.seal, 'decision'))
    assert.deepEqual([done.finished.outcome, done.finished.desk], ['silence', null])
    assert.ok(opens(done.finished.paper!, done.paper))
    assert.equal(done.decided.length, 1)
    assert.deepEqual([done.decided[0]!.how, done.decided[0]!.due], ['silence', dueOn])
    await it.jobs.drain()
    const told = (await it.messages.inbox(applicant.person, { language: 'es' })).map((m) => m.template)
    assert.ok(told.includes('silence') && told.includes('finished'))
    assert.equal(await it.cases.timers.runDue(), 0)
    assert.equal((await outcome(applicant, reference)).decided.length, 1)
  })

const update = {
  register: 'DGVS-UMA-EX-0002-DGO',
  unitname: 'Rancho Los Pinos',
  municipality: '10005',
  keeping: 'confined',
  owner: 'person',
  fullname: 'Alicia Gurrola Meraz',
  changes: ['technician'],
  technician: 'Mateo Favela Ruiz',
  why: 'El responsable anterior se jubiló.',
}

test('affirmative silence grants, also what a desk has before it; nothing after it can be decided', async () => {
  const service = 'federal/semarnat/wildlife-unit-update' as ServiceId
  const { reference, applicant } = await it.aSubmittedCase({ service, answers: update })
  const { office, dueOn } = await caseOf(reference)
  const official = await it.anOfficial(office)
  const { desks, filings } = it.cases
  await it.passTo(new Date(endOfDay(dueOn!, it.catalogue.calendarOf(office).zone).getTime() - 2 * minuteMs))
  await desks.goOn(official, office)
  await desks.next(official, office)
  const { turn } = (await desks.current(official, office))!.turn.state
  await it.passTo(new Date(it.clock.now().getTime() + 2 * minuteMs))
  const done = await outcome(applicant, reference)
  assert.deepEqual([done.c.state, done.record.how, done.record.result], ['decided', 'silence', 'granted'])
  assert.deepEqual(done.record.basis, [it.catalogue.get(service)!.definition.silence.source])
  // The desk is free, and its press comes too late.
  assert.equal(await desks.current(official, office), null)
  await assert.rejects(desks.decide(official, office, turn, { result: 'refused', reasons: [], note: '' }), refused('cases/not-your-turn'))
  await assert.rejects(filings.withdraw(applicant, reference), refused('cases/too-late'))
  const next = await it.aSubmittedCase({ service, answers: update })
  await desks.next(official, office)
  assert.equal((await desks.current(official, office))?.c.reference, next.reference)
  await desks.goOff(official, office)
})

test('silence and a decision at the same moment: one of the two, never both', async () => {
  const { office, service } = place('15')
  const official = await it.anOfficial(office)
  const { desks, timers } = it.cases
  const { reference, applicant } = await it.aSubmittedCase({ service })
  const { dueOn } = await caseOf(reference)
  await it.passTo(new Date(endOfDay(dueOn!, it.catalogue.calendarOf(office).zone).getTime() - minuteMs))
  await desks.goOn(official, office)
  await desks.next(official, office)
  const first = (await desks.current(official, office))!.turn.state.turn
  await desks.review(official, office, first, { result: 'ok', note: '' })
  const { turn } = (await desks.current(official, office))!.turn.state
  it.clock.advance(minuteMs)
  await Promise.allSettled([
    timers.runDue(),
    timers.runDue(),
    desks.decide(official, office, turn, { result: 'granted', reasons: [], note: '' }),
  ])
  const done = await outcome(applicant, reference)
  assert.equal(done.decided.length, 1)
  assert.equal(done.c.state, 'decided')
  assert.equal(done.finished.outcome, done.record.how === 'silence' ? 'silence' : 'done')
  await desks.goOff(official, office)
})

test('while papers are awaited silence does not come; after the answer it comes as much later', async () => {
  const { office, service } = place('16')
  const official = await it.anOfficial(office)
  const { desks, filings } = it.cases
  const { reference, applicant } = await it.aSubmittedCase({ service })
  const { zone } = it.catalogue.calendarOf(office)
  await desks.goOn(official, office)
  await desks.next(official, office)
  const { turn } = (await desks.current(official, office))!.turn.state
  await desks.askPapers(official, office, turn, [{ id: 'residence', why: 'missing' }], '')
  const before = await caseOf(reference)
  await it.passTo(new Date(endOfDay(before.answerBy!, zone).getTime() - minuteMs))
  await filings.answerRequest(applicant, reference, true)
  const after = await caseOf(reference)
  assert.ok(after.dueOn! > before.dueOn!)
  await it.passTo(endOfDay(before.dueOn!, zone))
  assert.equal((await caseOf(reference)).state, 'open')
  await it.passTo(endOfDay(after.dueOn!, zone))
  assert.equal((await caseOf(reference)).state, 'decided')
  await desks.goOff(official, office)
})

test('a hold for an agency comes back by itself before its day is over, at its old place', async () => {
  for (const code of ['03', '23']) {
    const { office, service } = place(code)
    const official = await it.anOfficial(office)
    const { desks } = it.cases
    const { reference, applicant } = await it.aSubmittedCase({ service })
    const [was] = await store.turnsOf(it.db, await caseOf(reference))
    await desks.goOn(official, office)
    await desks.next(official, office)
    await assert.rejects(desks.holdForAgency(official, office, was!.state.turn, 0), refused('invalid'))
    await assert.rejects(desks.holdForAgency(official, office, was!.state.turn, 11), refused('invalid'))
    await desks.holdForAgency(official, office, was!.state.turn, 3)
    await it.passTo(new Date(it.clock.now().getTime() + 7 * dayMs))
    const [back] = await store.turnsOf(it.db, await caseOf(reference))
    assert.deepEqual([back!.state.state, back!.state.place], ['waiting', was!.state.place])
    assert.deepEqual(back!.state.heldFor, ['agency'])
    await it.jobs.drain()
    const told = (await it.messages.inbox(applicant.person, { language: 'es' })).map((m) => m.template)
    assert.ok(told.includes('held-agency') && told.includes('resumed'))
    await desks.goOff(official, office)
  }
})

test('one case that is broken does not stop the clock of the others, and is told', async () => {
  const [bad, good] = [await it.aSubmittedCase({ service: place('17').service }), await it.aSubmittedCase({ service: place('18').service })]
  const c = await caseOf(bad.reference)
  // Its answers' key is gone: silence cannot make its paper.
  await it.db.query('update cases_case set key = $2 where id = $1', [c.id, Buffer.alloc(60)])
  it.clock.set(endOfDay(c.dueOn!, 'America/Mexico_City'))
  it.clock.advance(dayMs)
  await assert.rejects(it.cases.timers.runDue(), (e) => e instanceof AggregateError && e.errors.length === 1)
  assert.equal((await caseOf(good.reference)).state, 'decided')
  assert.equal((await caseOf(bad.reference)).state, 'open')
  // Mended, it is done at the next round.
  await it.db.query('update cases_case set key = $2 where id = $1', [c.id, c.key])
  await it.cases.timers.runDue()
  assert.equal((await caseOf(bad.reference)).state, 'decided')
})

test('a broken case does not keep idle calls from going back: the job of every minute does both', async () => {
  const { office, service } = place('21')
  const official = await it.anOfficial(office)
  const { desks } = it.cases
  const bad = await it.aSubmittedCase({ service: place('22').service })
  await it.passTo(new Date(endOfDay((await caseOf(bad.reference)).dueOn!, it.catalogue.calendarOf(office).zone).getTime() - 40 * minuteMs))
  const idle = await it.aSubmittedCase({ service })
  await desks.goOn(official, office)
  await desks.next(official, office)
  const c = await caseOf(bad.reference)
  await it.db.query('update cases_case set key = $2 where id = $1', [c.id, Buffer.alloc(60)])
  it.clock.advance(40 * minuteMs)
  await it.jobs.add(it.db, 'cases/run-timers', {})
  await it.jobs.drain().catch(() => undefined)
  assert.equal((await caseOf(bad.reference)).state, 'open')
  const [turn] = await store.turnsOf(it.db, await caseOf(idle.reference))
  assert.equal(turn!.state.state, 'waiting')
  await it.db.query('update cases_case set key = $2 where id = $1', [c.id, c.key])
  await it.cases.timers.runDue()
  await desks.goOff(official, office)
})

test('many processes that look at the clock at once do each thing once', async () => {
  const filed = []
  for (let i = 0; i < 4; i++) filed.push(await it.aSubmittedCase({ service: place('19').service }))
  const c = await caseOf(filed[0]!.reference)
  const end = endOfDay(c.dueOn!, it.catalogue.calendarOf(c.office).zone)
  await it.passTo(new Date(end.getTime() - 1))
  it.clock.set(end)
  const due = (await store.dueTimers(it.db, end)).length
  assert.ok(due >= 4)
  const done = await Promise.all([1, 2, 3].map(() => it.cases.timers.runDue()))
  assert.equal(
    done.reduce((a, b) => a + b, 0),
    due,
  )
  for (const f of filed) assert.equal((await outcome(f.applicant, f.reference)).decided.length, 1)
})

test('all that happened by itself replays without a finding', async () => {
  assert.deepEqual((await it.replay()).findings, [])
})
