import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { OfficeId, ServiceId } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { minuteMs } from '#kernel/time'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import * as store from './store.ts'
import { aCurp, aPdf, licenceAnswers, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db, offices: { 'state-32': { presence: true } } })
})
after(async () => {
  await it.close()
  await database.close()
})

/** Each test has an office of its own, so that no other's turns stand in its line. */
let state = 0
function anOffice(code = String(++state).padStart(2, '0')): { office: OfficeId; service: ServiceId } {
  return { office: `state-${code}` as OfficeId, service: `state/drivers-licence@${code}` as ServiceId }
}
const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const serving = async (official: SignedIn, office: OfficeId) => (await it.cases.desks.current(official, office))?.c.reference ?? null
const turnAt = async (official: SignedIn, office: OfficeId) => (await it.cases.desks.current(official, office))!.turn.state.turn
/** The kinds of acts on a line in their order, as the log has them. */
async function actsOf(office: OfficeId): Promise<string[]> {
  return (await it.entries())
    .filter((e) => typeof e.line === 'string' && e.line.startsWith(`${office}/`))
    .map((e) => (e.reason ? `${e.type}/${e.reason}` : String(e.type)))
}

test('two officials who press at once never get the same turn, and never one out of order', async () => {
  const { office, service } = anOffice()
  const [a, b] = [await it.anOfficial(office), await it.anOfficial(office)]
  const taken: string[] = []
  for (let i = 0; i < 8; i++) taken.push((await it.aSubmittedCase({ service })).reference)
  const { desks } = it.cases
  await Promise.all([desks.goOn(a, office), desks.goOn(b, office)])
  assert.deepEqual(await Promise.all([desks.next(a, office), desks.next(b, office)]), [true, true])
  const served = new Set<string>()
  for (let i = 0; i < 4; i++) {
    const pair = [(await serving(a, office))!, (await serving(b, office))!]
    assert.notEqual(pair[0], pair[1])
    for (const r of pair) served.add(r)
    const turns = [await turnAt(a, office), await turnAt(b, office)] as const
    await Promise.all([
      desks.review(a, office, turns[0], { result: 'ok', note: '' }),
      desks.review(b, office, turns[1], { result: 'ok', note: '' }),
    ])
  }
  // All eight first turns were served before any decision, whose turns were taken later.
  assert.deepEqual([...served].sort(), taken.sort())
})

test('the end of a turn calls the next in the same transaction, and a failure undoes both', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const first = await it.aSubmittedCase({ service })
  const second = await it.aSubmittedCase({ service })
  const { desks } = it.cases
  await desks.goOn(official, office)
  await desks.next(official, office)
  const turn = await turnAt(official, office)
  // The next case's row is gone: its call cannot be, and so the first turn's end is not either.
  await database.db.query(
    'update cases_turn set case_id = gen_random_uuid() where case_id = (select id from cases_reference where reference = $1)',
    [second.reference],
  )
  await assert.rejects(desks.review(official, office, turn, { result: 'ok', note: '' }))
  assert.equal(await serving(official, office), first.reference)
  await database.db.query(
    `update cases_turn set case_id = (select id from cases_reference where reference = $1)
      where place = $2 and case_id not in (select id from cases_case)`,
    [second.reference, office.slice(-2)],
  )
  await desks.review(official, office, turn, { result: 'ok', note: '' })
  assert.equal(await serving(official, office), second.reference)
})

test('a second press of the same button changes nothing', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  await it.aSubmittedCase({ service })
  const { desks } = it.cases
  await Promise.all([desks.goOn(official, office), desks.goOn(official, office)])
  await Promise.all([desks.next(official, office), desks.next(official, office)])
  const turn = await turnAt(official, office)
  const outcomes = await Promise.allSettled([
    desks.review(official, office, turn, { result: 'ok', note: '' }),
    desks.review(official, office, turn, { result: 'ok', note: '' }),
  ])
  assert.deepEqual(outcomes.map((o) => o.status).sort(), ['fulfilled', 'rejected'])
  assert.deepEqual(await actsOf(office), [
    'line.opened',
    'turn.taken',
    'line.desk',
    'turn.called',
    'turn.finished',
    'turn.taken',
    'turn.called',
  ])
})

test('going off duty returns the turn to its old place, and another desk is given it', async () => {
  const { office, service } = anOffice()
  const [a, b] = [await it.anOfficial(office), await it.anOfficial(office)]
  const first = await it.aSubmittedCase({ service })
  await it.aSubmittedCase({ service })
  const { desks } = it.cases
  await desks.goOn(a, office)
  await desks.next(a, office)
  assert.equal(await serving(a, office), first.reference)
  await desks.goOff(a, office)
  assert.equal(await serving(a, office), null)
  await assert.rejects(desks.next(a, office), refused('cases/off-duty'))
  await desks.goOn(b, office)
  await desks.next(b, office)
  assert.equal(await serving(b, office), first.reference)
  assert.ok((await actsOf(office)).includes('turn.returned/off'))
})

test('a call on which nothing happens goes back by itself; one that is worked on stays', async () => {
  const { office, service } = anOffice()
  const [idle, busy] = [await it.anOfficial(office), await it.anOfficial(office)]
  await it.aSubmittedCase({ service })
  const second = await it.aSubmittedCase({ service })
  const { desks, timers } = it.cases
  await desks.goOn(idle, office)
  await desks.goOn(busy, office)
  await desks.next(idle, office)
  await desks.next(busy, office)
  it.clock.advance(20 * minuteMs)
  await desks.current(busy, office)
  it.clock.advance(15 * minuteMs)
  await timers.returnIdle()
  assert.equal(await serving(idle, office), null)
  assert.equal(await serving(busy, office), second.reference)
  assert.equal((await actsOf(office)).filter((a) => a === 'turn.returned/idle').length, 1)
})

test('a declared conflict, the desk’s own case, and a filing it took pass to another desk', async () => {
  const { office, service } = anOffice()
  const [a, b] = [await it.anOfficial(office), await it.anOfficial(office)]
  const { desks, filings } = it.cases
  const curp = aCurp(7000)
  await desks.declareConflict(a, office, curp)
  const relative = await it.aPerson({ identity: curp })
  it.clock.advance(minuteMs)
  const declared = await it.aSubmittedCase({ service, by: relative })
  const own = await it.aSubmittedCase({ service, by: await it.visitorOf(a.person) })
  await it.db.tx((tx) => it.people.giveRole(tx, null, a.person, { role: 'clerk', office }))
  const clerk = await it.visitorOf(a.person)
  const present = await it.aPerson()
  const took = await filings.start(clerk, { service, for: { person: present.person, office } })
  await it.fill(clerk, took, licenceAnswers)
  await it.cases.submit({ person: clerk.person, reference: took, clerkAt: [office] })
  const free = await it.aSubmittedCase({ service })

  await desks.goOn(a, office)
  await desks.next(a, office)
  assert.equal(await serving(a, office), free.reference)
  assert.equal((await actsOf(office)).filter((x) => x === 'turn.passed/conflict').length, 3)
  await desks.goOn(b, office)
  const given: (string | null)[] = []
  for (let i = 0; i < 3; i++) {
    await desks.next(b, office)
    given.push(await serving(b, office))
    await desks.holdForAgency(b, office, await turnAt(b, office), 2)
  }
  assert.deepEqual(given, [declared.reference, own.reference, took])
  await assert.rejects(filings.start(clerk, { service, for: { person: clerk.person, office } }), refused('forbidden'))
})

test('a conflict declared after the turn was taken does not move it', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const curp = aCurp(7100)
  const { reference } = await it.aSubmittedCase({ service, by: await it.aPerson({ identity: curp }) })
  it.clock.advance(minuteMs)
  await it.cases.desks.declareConflict(official, office, curp)
  await it.cases.desks.goOn(official, office)
  await it.cases.desks.next(official, office)
  assert.equal(await serving(official, office), reference)
})

test('a conflict that is withdrawn frees only turns taken later, and can be declared again', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const { desks } = it.cases
  const curps = [aCurp(7200), aCurp(7201)] as const
  const [before, after] = [await it.aPerson({ identity: curps[0] }), await it.aPerson({ identity: curps[1] })]
  await assert.rejects(desks.withdrawConflict(official, office, curps[0]), refused('not-found'))
  for (const curp of curps) await desks.declareConflict(official, office, curp)
  it.clock.advance(minuteMs)
  await it.aSubmittedCase({ service, by: before })
  it.clock.advance(minuteMs)
  for (const curp of curps) await desks.withdrawConflict(official, office, curp)
  await assert.rejects(desks.withdrawConflict(official, office, curps[0]), refused('not-found'))
  it.clock.advance(minuteMs)
  const free = await it.aSubmittedCase({ service, by: after })
  await desks.goOn(official, office)
  await desks.next(official, office)
  assert.equal(await serving(official, office), free.reference)
  assert.equal((await actsOf(office)).filter((a) => a === 'turn.passed/conflict').length, 1)
  // Another desk's declaration is its own to withdraw.
  await desks.declareConflict(official, office, curps[1])
  await assert.rejects(desks.withdrawConflict(await it.anOfficial(office), office, curps[1]), refused('not-found'))
  it.clock.advance(minuteMs)
  // The next step's turn is taken after it was declared again.
  await desks.review(official, office, await turnAt(official, office), { result: 'ok', note: '' })
  assert.equal(await serving(official, office), null)
  assert.equal((await actsOf(office)).filter((a) => a === 'turn.passed/conflict').length, 2)
})

test('a turn that everybody of the office has passed is told and seen, and an official who comes is given it by the rule', async () => {
  const { office, service } = anOffice()
  const [a, b] = [await it.anOfficial(office), await it.anOfficial(office)]
  const supervisor = await it.aSupervisor(office)
  const { desks, staffing } = it.cases
  const curp = aCurp(7300)
  const applicant = await it.aPerson({ identity: curp })
  for (const official of [a, b]) await desks.declareConflict(official, office, curp)
  it.clock.advance(minuteMs)
  const stranded = await it.aSubmittedCase({ service, by: applicant })
  const other = await it.aSubmittedCase({ service })
  await desks.goOn(a, office)
  await desks.next(a, office)
  assert.equal(await serving(a, office), other.reference)
  // Another may still serve it.
  assert.deepEqual(await staffing.stranded(office), [])
  await desks.goOn(b, office)
  await desks.next(b, office)
  const [seen, ...more] = await staffing.stranded(office)
  assert.deepEqual([seen!.number, seen!.line, more], [2, `${office}/general`, []])
  assert.deepEqual(Object.keys(seen!).sort(), ['due', 'line', 'number', 'since'])
  assert.deepEqual(
    (await staffing.offices()).map((o) => o.office),
    [office],
  )
  await it.jobs.drain()
  const told = async (who: SignedIn) => (await it.messages.inbox(who.person, { language: 'es', limit: 100 })).map((m) => m.template)
  assert.ok((await told(applicant)).includes('stranded'))
  assert.deepEqual(await told(supervisor), ['office-stranded'])

  const fresh = await it.anOfficial(office)
  assert.deepEqual(await staffing.stranded(office), [])
  await desks.goOn(fresh, office)
  await desks.next(fresh, office)
  assert.equal(await serving(fresh, office), stranded.reference)
})

test('a desk whose person is no official any more is closed, its turn goes back, and what only they could serve is told', async () => {
  const { office, service } = anOffice()
  const [a, b] = [await it.anOfficial(office), await it.anOfficial(office)]
  const { desks, staffing } = it.cases
  const curp = aCurp(7400)
  await desks.declareConflict(a, office, curp)
  it.clock.advance(minuteMs)
  const { reference } = await it.aSubmittedCase({ service, by: await it.aPerson({ identity: curp }) })
  for (const official of [a, b]) await desks.goOn(official, office)
  await desks.next(a, office)
  await desks.next(b, office)
  assert.equal(await serving(b, office), reference)
  // Nothing is done to who holds the role.
  await desks.closeFor(b.person, office)
  assert.equal(await serving(b, office), reference)
  await it.db.tx((tx) => it.people.withdrawRole(tx, null, b.person, { role: 'official', office }))
  await it.jobs.drain()
  assert.equal((await store.deskOf(it.db, office, b.person))!.state.line, null)
  assert.deepEqual((await actsOf(office)).slice(-2), ['turn.returned/off', 'line.desk'])
  assert.equal((await staffing.stranded(office)).length, 1)
  // Given the role again, the same desk is given the turn again.
  await it.db.tx((tx) => it.people.giveRole(tx, null, b.person, { role: 'official', office }))
  await desks.goOn(b, office)
  await desks.next(b, office)
  assert.equal(await serving(b, office), reference)
})

test('what waits or is at another desk cannot be acted on, and a review cannot be given for a decision', async () => {
  const { office, service } = anOffice()
  const [a, b] = [await it.anOfficial(office), await it.anOfficial(office)]
  await it.aSubmittedCase({ service })
  const waiting = await it.aSubmittedCase({ service })
  const { desks } = it.cases
  await desks.goOn(a, office)
  await desks.goOn(b, office)
  await desks.next(a, office)
  const there = await turnAt(a, office)
  const [row] = await it.db.query<{ turn: string }>(
    'select turn from cases_turn t join cases_reference r on r.id = t.case_id where r.reference = $1',
    [waiting.reference],
  )
  for (const turn of [there, row!.turn as typeof there]) {
    await assert.rejects(desks.review(b, office, turn, { result: 'ok', note: '' }), refused('cases/not-your-turn'))
    await assert.rejects(desks.decide(b, office, turn, { result: 'granted', reasons: [], note: '' }), refused('cases/not-your-turn'))
    await assert.rejects(desks.askPapers(b, office, turn, [{ id: 'residence', why: 'missing' }], ''), refused('cases/not-your-turn'))
    await assert.rejects(desks.holdForAgency(b, office, turn, 2), refused('cases/not-your-turn'))
    await assert.rejects(desks.absent(b, office, turn), refused('cases/not-your-turn'))
    await assert.rejects(desks.write(b, office, turn, 'Hola'), refused('cases/not-your-turn'))
  }
  await assert.rejects(desks.decide(a, office, there, { result: 'granted', reasons: [], note: '' }), refused('cases/not-your-turn'))
  assert.equal((await actsOf(office)).filter((x) => x === 'turn.finished').length, 0)
})

test('papers are asked once, held until they come, and the clock stands still meanwhile', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const { reference, applicant } = await it.aSubmittedCase({ service })
  const later = await it.aSubmittedCase({ service })
  const { desks, filings } = it.cases
  await desks.goOn(official, office)
  await desks.next(official, office)
  const turn = await turnAt(official, office)
  const due = (await filings.peek(applicant, reference)).dueOn!
  await assert.rejects(desks.askPapers(official, office, turn, [{ id: 'bank', why: 'missing' }], ''), refused('cases/not-listed'))
  await desks.askPapers(official, office, turn, [{ id: 'residence', why: 'unreadable' }], 'Salió oscura')
  assert.equal(await serving(official, office), later.reference)
  it.clock.advance(24 * 60 * minuteMs)
  await assert.rejects(filings.answerRequest(applicant, reference, false), refused('cases/incomplete'))
  await filings.attach(applicant, reference, 'residence', { name: 'otra.pdf', stream: aPdf() })
  await filings.answerRequest(applicant, reference, false)
  const back = await filings.peek(applicant, reference)
  assert.equal(back.state, 'open')
  assert.ok(back.dueOn! > due)
  // Its old place is before the one that is served now: it comes next, and cannot be asked again.
  await desks.review(official, office, await turnAt(official, office), { result: 'ok', note: '' })
  const served = (await desks.current(official, office))!
  assert.deepEqual([served.c.reference, served.cannotAsk], [reference, 'asked-once'])
  assert.equal(served.history.find((e) => e.kind === 'papers-asked')?.note, 'Salió oscura')
  await assert.rejects(
    desks.askPapers(official, office, served.turn.state.turn, [{ id: 'residence', why: 'missing' }], ''),
    refused('cases/already-asked'),
  )
})

test('who is absent is called again once at another place; the second time the turn is over', async () => {
  const { office, service } = anOffice('32')
  const official = await it.anOfficial(office)
  const first = await it.aSubmittedCase({ service })
  const second = await it.aSubmittedCase({ service })
  const { desks, filings } = it.cases
  await desks.goOn(official, office)
  await desks.next(official, office)
  await desks.absent(official, office, await turnAt(official, office))
  assert.equal(await serving(official, office), second.reference)
  await desks.holdForAgency(official, office, await turnAt(official, office), 1)
  assert.equal(await serving(official, office), first.reference)
  await desks.absent(official, office, await turnAt(official, office))
  assert.equal((await filings.peek(first.applicant, first.reference)).state, 'lapsed')
  assert.deepEqual(
    (await actsOf(office)).filter((a) => a === 'turn.returned/absent' || a === 'turn.finished'),
    ['turn.returned/absent', 'turn.finished'],
  )
})

test('an applicant who withdraws while an official presses leaves one of the two, and both lines of events whole', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const { desks, filings } = it.cases
  await desks.goOn(official, office)
  for (let i = 0; i < 5; i++) {
    const { reference, applicant } = await it.aSubmittedCase({ service })
    await Promise.all([desks.next(official, office), filings.withdraw(applicant, reference)])
    const c = await filings.peek(applicant, reference)
    assert.equal(c.state, 'withdrawn')
    const events = await store.eventsOf(it.db, c)
    assert.deepEqual(
      events.map((e) => e.seq),
      events.map((_, n) => n + 1),
    )
    assert.equal(await serving(official, office), null)
  }
})

test('two offices that end their branches of one case at the same moment lose neither, and one decision turn is taken', async () => {
  const town = 'mun-09015'
  const service = 'municipal/business-licence@09015' as ServiceId
  const [zoning, safety] = [`${town}-municipal-development` as OfficeId, `${town}-civil-protection` as OfficeId]
  const [a, b] = [await it.anOfficial(zoning), await it.anOfficial(safety)]
  const { desks, filings } = it.cases
  const answers = {
    owner: 'person',
    fullname: 'Rogelio Lara Bautista',
    rfc: 'LABR800412AB2',
    tradename: 'Taller Lara',
    activity: 'workshop',
    detail: 'Reparación de bicicletas',
    premises: 'Calle Juárez 55, Colonia El Carmen, 06500, Cuauhtémoc, Ciudad de México',
    tenure: 'own',
    area: '40',
    gas: 'no',
    noalcohol: 'yes',
  }
  await desks.goOn(a, zoning)
  await desks.goOn(b, safety)
  for (let i = 0; i < 5; i++) {
    const { reference, applicant } = await it.aSubmittedCase({ service, answers })
    await Promise.all([desks.next(a, zoning), desks.next(b, safety)])
    const turns = [await turnAt(a, zoning), await turnAt(b, safety)] as const
    await Promise.all([
      desks.review(a, zoning, turns[0], { result: 'ok', note: '' }),
      desks.review(b, safety, turns[1], { result: 'ok', note: '' }),
    ])
    const c = await filings.peek(applicant, reference)
    const living = (await store.turnsOf(it.db, c)).filter((t) => t.state.state === 'waiting')
    assert.deepEqual(
      living.map((t) => t.step),
      ['decision'],
    )
    const kinds = (await store.eventsOf(it.db, c)).map((e) => e.kind)
    assert.equal(kinds.filter((k) => k === 'reviewed').length, 2)
  }
})

test('desks, applicants and clocks all at once: nobody is refused for another’s sake, and nothing is lost', async () => {
  const { office, service } = anOffice()
  const officials = [await it.anOfficial(office), await it.anOfficial(office), await it.anOfficial(office)]
  const { desks, filings, timers } = it.cases
  const cases: Awaited<ReturnType<TestCases['aSubmittedCase']>>[] = []
  for (let i = 0; i < 10; i++) cases.push(await it.aSubmittedCase({ service }))
  // What a person may rightly be told when somebody else was first.
  const fair = new Set<string>(['cases/too-late', 'cases/not-asked', 'cases/not-your-turn'])
  const unfair: unknown[] = []
  const attempt = (work: Promise<unknown>) => work.catch((e) => (e instanceof Problem && fair.has(e.code) ? null : unfair.push(e)))
  let open = true
  const work = async (official: SignedIn, n: number) => {
    for (let i = 0; open; i++) {
      await attempt(desks.goOn(official, office))
      await attempt(desks.next(official, office))
      const at = await desks.current(official, office)
      if (!at) return
      const turn = at.turn.state.turn
      if ((i + n) % 7 === 6) await attempt(desks.goOff(official, office))
      else if ((i + n) % 3 === 0 && at.cannotAsk === null)
        await attempt(desks.askPapers(official, office, turn, [{ id: 'residence', why: 'missing' }], ''))
      else if (at.step.kind === 'decide') await attempt(desks.decide(official, office, turn, { result: 'granted', reasons: [], note: '' }))
      else await attempt(desks.review(official, office, turn, { result: 'ok', note: '' }))
    }
  }
  const applicants = async () => {
    for (const { applicant, reference } of cases) {
      await attempt(filings.answerRequest(applicant, reference, true))
      await attempt(filings.withdraw(applicant, reference))
      await attempt(filings.undoWithdrawal(applicant, reference))
    }
    await timers.runDue()
  }
  await Promise.all([...officials.map(work), applicants(), applicants()])
  open = false
  assert.deepEqual(unfair, [])
  const broken = await it.db.query('select case_id from cases_event group by case_id having count(*) <> max(seq)')
  assert.deepEqual(broken, [])
})

test('every look at a case is told to its person', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const { applicant } = await it.aSubmittedCase({ service })
  const uses = async () =>
    (
      await it.db.query<{ n: number }>('select count(*)::integer as n from people_use where subject = $1 and actor = $2', [
        applicant.person,
        official.person,
      ])
    )[0]!.n
  assert.equal(await uses(), 0)
  await it.cases.desks.goOn(official, office)
  await it.cases.desks.next(official, office)
  assert.equal(await uses(), 0)
  await it.cases.desks.current(official, office)
  assert.equal(await uses(), 1)
})

test('all that these desks did replays without a finding', async () => {
  const replay = await it.replay()
  assert.deepEqual(replay.findings, [])
  assert.ok(replay.acts > 100, String(replay.acts))
})
