import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { addWorkingDays } from '#kernel/calendar'
import type { OfficeId, Reference, ServiceId } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { dateIn, dayMs, endOfDay } from '#kernel/time'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import * as store from './store.ts'
import { aPdf, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
before(async () => {
  database = await testDatabase()
  it = await openTestCases({
    db: database.db,
    services: [
      'municipal/business-licence',
      'municipal/land-use-certificate',
      'federal/impi/trademark',
      'federal/imss/employer-registration',
    ],
    offices: { 'mun-21114-civil-protection': { presence: true } },
  })
})
after(async () => {
  await it.close()
  await database.close()
})

const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const caseOf = async (reference: Reference) => (await store.caseByReference(it.db, reference))!
/** The case's turns as `step/branch state`, in the order in which they were taken. */
const turnsOf = async (reference: Reference) =>
  (await store.turnsOf(it.db, await caseOf(reference))).map((t) => [t.step, t.branch, t.state.state].filter(Boolean).join(' ')).sort()

const licenceForm = {
  owner: 'person',
  fullname: 'Petra Hernández Xool',
  tradename: 'Taller Petra',
  activity: 'workshop',
  detail: 'Taller de bicicletas',
  premises: 'Calle 20 número 101, Colonia Centro, 97430, Motul, Yucatán',
  tenure: 'own',
  area: 60,
  gas: false,
  noalcohol: true,
}

/** A business licence in a town of its own, with an official at each of its three offices. */
async function aTown(code: string) {
  const service = `municipal/business-licence@${code}` as ServiceId
  const window = `mun-${code}` as OfficeId
  const zoning = `mun-${code}-municipal-development` as OfficeId
  const safety = `mun-${code}-civil-protection` as OfficeId
  const officials = new Map<OfficeId, SignedIn>()
  for (const office of [window, zoning, safety]) officials.set(office, await it.anOfficial(office))
  /** Serves the next at an office: what is then at its desk. */
  async function serve(office: OfficeId) {
    const official = officials.get(office)!
    const { desks } = it.cases
    await desks.goOn(official, office)
    await desks.next(official, office)
    const served = await desks.current(official, office)
    assert.ok(served, `somebody is served at ${office}`)
    return { official, office, served, turn: served.turn.state.turn }
  }
  const review = async (office: OfficeId, result: 'ok' | 'objection', note = result === 'ok' ? '' : 'Falta la salida de emergencia') => {
    const { official, turn } = await serve(office)
    await it.cases.desks.review(official, office, turn, { result, note })
  }
  const decide = async (result: 'granted' | 'refused' = 'granted') => {
    const { official, turn } = await serve(window)
    await it.cases.desks.decide(official, window, turn, { result, reasons: result === 'refused' ? ['safety'] : [], note: '' })
  }
  const file = (by?: SignedIn) => it.aSubmittedCase({ service, answers: licenceForm, ...(by ? { by } : {}) })
  return { service, window, zoning, safety, officials, serve, review, decide, file, calendar: it.catalogue.calendarOf(window) }
}

/** Template, line and number of each message of this kind that a person has. */
async function told(visitor: SignedIn, template: string): Promise<string[]> {
  await it.jobs.drain()
  const all: string[] = []
  for (const m of await it.messages.inbox(visitor.person, { language: 'es', limit: 100 })) {
    if (m.template !== template) continue
    const text = JSON.stringify((await it.messages.read(visitor.person, m.id, 'es')).rendered)
    const [, line, n] = /fila ([a-z0-9/-]+), acto (\d+)/.exec(text) ?? []
    all.push(`${line}#${n}`)
  }
  return all.sort()
}

test('reviews by several offices take their turns at once, each in its own line, and each is told', async () => {
  const town = await aTown('22014')
  const { reference, applicant } = await town.file()
  const turns = await store.turnsOf(it.db, await caseOf(reference))
  assert.deepEqual(turns.map((t) => t.line).sort(), [`${town.safety}/general`, `${town.zoning}/general`])
  assert.equal(turns[0]!.takenAt.getTime(), turns[1]!.takenAt.getTime())
  assert.deepEqual(await told(applicant, 'turn-taken'), turns.map((t) => `${t.line}#${t.state.place}`).sort())
  // One after the other, in any order; only the last opens the decision.
  await town.review(town.safety, 'ok')
  assert.deepEqual(await turnsOf(reference), ['reviews safety finished', 'reviews zoning waiting'])
  await town.review(town.zoning, 'ok')
  assert.deepEqual(await turnsOf(reference), ['decision waiting', 'reviews safety finished', 'reviews zoning finished'])
  await town.decide()
  assert.equal((await caseOf(reference)).state, 'decided')
  assert.equal((await told(applicant, 'turn-taken')).length, 3)
  assert.equal((await told(applicant, 'finished')).length, 3)
  assert.equal((await told(applicant, 'decision-ready')).length, 1)
})

test('an objection leads to a visit, and back to the reviews once and no more', async () => {
  const town = await aTown('14039')
  const { reference } = await town.file()
  // A desk that ends a turn is given the next at once, so some are called already.
  const living = async () =>
    (await turnsOf(reference)).filter((t) => !t.endsWith('finished')).map((t) => t.replace(/ (waiting|called)$/, ''))
  await town.review(town.zoning, 'ok')
  await assert.rejects(town.review(town.safety, 'objection', ' '), refused('invalid'))
  await town.review(town.safety, 'objection')
  assert.deepEqual(await living(), ['visit'])
  await town.review(town.zoning, 'ok')
  assert.deepEqual(await living(), ['reviews safety', 'reviews zoning'])
  await town.review(town.zoning, 'ok')
  await town.review(town.safety, 'objection')
  assert.deepEqual(await living(), ['visit'])
  await town.review(town.zoning, 'ok')
  assert.deepEqual(await living(), ['decision'])
  await town.decide('refused')
  assert.equal((await turnsOf(reference)).length, 7)
  assert.deepEqual(await living(), [])
})

test('a matter stays one from filing to decision, whatever turns lie between, and is free after', async () => {
  const town = await aTown('19039')
  const { reference, applicant } = await town.file()
  const second = await it.aDraft(applicant, { service: town.service, answers: licenceForm })
  const again = () => it.cases.submit({ person: applicant.person, reference: second })
  await assert.rejects(again(), refused('cases/one-living-turn'))
  // The turn that was taken first is over, another of the case lives.
  const [first] = (await store.turnsOf(it.db, await caseOf(reference))).filter((t) => t.matter !== null)
  await town.review(first!.branch === 'zoning' ? town.zoning : town.safety, 'ok')
  await assert.rejects(again(), refused('cases/one-living-turn'))
  await town.review(first!.branch === 'zoning' ? town.safety : town.zoning, 'ok')
  await assert.rejects(again(), refused('cases/one-living-turn'))
  await town.decide()
  await again()
})

test('withdrawing leaves every line; the undo brings every turn back to its old place; each is told', async () => {
  const town = await aTown('31050')
  const { reference, applicant } = await town.file()
  const other = await town.file()
  const { official } = await town.serve(town.zoning)
  const before = (await store.turnsOf(it.db, await caseOf(reference))).map((t) => `${t.line}/${t.state.place}`)
  await it.cases.filings.withdraw(applicant, reference)
  assert.deepEqual(await turnsOf(reference), ['reviews safety left', 'reviews zoning left'])
  // The desk it was at is free for the next.
  await it.cases.desks.next(official, town.zoning)
  assert.equal((await it.cases.desks.current(official, town.zoning))!.c.reference, other.reference)
  await it.cases.filings.undoWithdrawal(applicant, reference)
  const after = await store.turnsOf(it.db, await caseOf(reference))
  assert.deepEqual(
    after.map((t) => `${t.line}/${t.state.place}`),
    before,
  )
  assert.ok(after.every((t) => t.state.state === 'waiting'))
  assert.equal((await town.serve(town.safety)).served.c.reference, reference)
  assert.equal((await told(applicant, 'left')).length, 2)
  assert.equal((await told(applicant, 'resumed')).length, 2)
})

test('a request for papers by one office holds its turn alone, and the answer wakes no other', async () => {
  const town = await aTown('20067')
  const { reference, applicant } = await town.file()
  const zoning = await town.serve(town.zoning)
  const safety = await town.serve(town.safety)
  const { desks, filings } = it.cases
  await desks.holdForAgency(safety.official, town.safety, safety.turn, 2)
  await desks.askPapers(zoning.official, town.zoning, zoning.turn, [{ id: 'sketch', why: 'unreadable' }], '')
  assert.deepEqual(await turnsOf(reference), ['reviews safety held', 'reviews zoning held'])
  it.clock.advance(60_000)
  await filings.attach(applicant, reference, 'sketch', { name: 'croquis.pdf', stream: aPdf() })
  await filings.answerRequest(applicant, reference, false)
  assert.deepEqual(await turnsOf(reference), ['reviews safety held', 'reviews zoning waiting'])
  // The agency's word comes, or not: its turn is back by itself, before its day is over.
  await it.passTo(endOfDay(addWorkingDays('2026-11-24', 2, town.calendar), town.calendar.zone))
  assert.deepEqual(await turnsOf(reference), ['reviews safety waiting', 'reviews zoning waiting'])
  const back = await town.serve(town.safety)
  await assert.rejects(desks.holdForAgency(back.official, town.safety, back.turn, 1), refused('cases/already-asked'))
})

test('while one office awaits papers another goes on, and holds for an agency, also past the day that stands still', async () => {
  const town = await aTown('05030')
  const { reference } = await town.file()
  const zoning = await town.serve(town.zoning)
  const { desks } = it.cases
  await desks.askPapers(zoning.official, town.zoning, zoning.turn, [{ id: 'sketch', why: 'missing' }], '')
  const c = await caseOf(reference)
  await it.passTo(new Date(endOfDay(c.dueOn!, town.calendar.zone).getTime() + 12 * 3_600_000))
  assert.equal((await caseOf(reference)).state, 'asked')
  const safety = await town.serve(town.safety)
  await desks.holdForAgency(safety.official, town.safety, safety.turn, 1)
  assert.deepEqual(await turnsOf(reference), ['reviews safety held', 'reviews zoning held'])
  await it.passTo(endOfDay(c.answerBy!, town.calendar.zone))
  assert.deepEqual(await turnsOf(reference), ['reviews safety finished', 'reviews zoning finished'])
  assert.equal((await caseOf(reference)).state, 'lapsed')
})

test('who does not come twice to one office has left all, and every line knows', async () => {
  const town = await aTown('21114')
  const { reference, applicant } = await town.file()
  for (let i = 0; i < 2; i++) {
    const { official, turn } = await town.serve(town.safety)
    await it.cases.desks.absent(official, town.safety, turn)
    // Back at a new place: called again at once where nobody else waits.
  }
  assert.equal((await caseOf(reference)).state, 'lapsed')
  assert.deepEqual(await turnsOf(reference), ['reviews safety finished', 'reviews zoning finished'])
  assert.equal((await told(applicant, 'finished')).length, 2)
  await town.file(applicant)
})

test('another agency reviews in a line of its own, and the person reads who looked', async () => {
  const service = 'federal/imss/employer-registration' as ServiceId
  const answers = {
    owner: 'person',
    fullname: 'Hilario Tovar Cruz',
    rfc: 'TOCH750114QX5',
    workplace: 'Calle Morelos 19, Colonia Centro, 68000, Oaxaca de Juárez, Oaxaca',
    municipality: '20067',
    phone: '9511234567',
    activity: 'Fabricación de muebles de madera',
    dangers: ['machines'],
    'workers.0.name': 'Noé Santiago López',
    'workers.0.curp': 'SALN990227HOCNPX05',
    'workers.0.since': '2026-11-16',
    'workers.0.wage': '350.00',
  }
  const { reference, applicant } = await it.aSubmittedCase({ service, answers })
  const c = await caseOf(reference)
  const other = it.catalogue.officeFor(it.catalogue.get(service)!, 'infonavit')
  assert.notEqual(other, c.office)
  assert.deepEqual((await store.turnsOf(it.db, c)).map((t) => t.line).sort(), [`${c.office}/general`, `${other}/general`].sort())
  const standing = async () => (await it.cases.receipts.read(applicant, reference)).s
  const both = await standing()
  assert.deepEqual(
    [both.office, ...both.also.map((t) => t.office)].sort(),
    [c.office, other].sort(),
    'both turns are told, each with its office',
  )
  const [own, agency] = [await it.anOfficial(c.office), await it.anOfficial(other)]
  const { desks } = it.cases
  for (const [official, office] of [
    [agency, other],
    [own, c.office],
  ] as const) {
    await desks.goOn(official, office)
    await desks.next(official, office)
    const { turn } = (await desks.current(official, office))!.turn.state
    // Nobody serves at the desk of another office.
    const wrong = office === other ? c.office : other
    await assert.rejects(desks.review(official, wrong, turn, { result: 'ok', note: '' }), refused('forbidden'))
    await desks.review(official, office, turn, { result: 'ok', note: '' })
    const left = await standing()
    assert.deepEqual([left.office, left.also], [c.office, []])
  }
  assert.ok((await turnsOf(reference)).some((t) => t.startsWith('decision')))
  assert.deepEqual(
    (await standing()).earlier,
    [both.turn!.state.place, ...both.also.map((t) => t.number)],
    'the numbers on the receipt are not forgotten',
  )
  const uses = await it.db.query<{ actor: string; office: string }>(
    'select distinct actor, office from people_use where key_id = $1 and office is not null',
    [c.id],
  )
  assert.deepEqual(uses.map((u) => `${u.actor} ${u.office}`).sort(), [`${agency.person} ${other}`, `${own.person} ${c.office}`].sort())
  for (const t of await store.turnsOf(it.db, c)) assert.ok((await told(applicant, 'turn-taken')).includes(`${t.line}#${t.state.place}`))
})

test('in a small town the log shows days and no minutes, and every step still replays', async () => {
  const small = it.catalogue.municipalities('20').find((m) => it.catalogue.office(`mun-${m.code}`)?.quiet)!
  const town = await aTown(small.code)
  const [first, second, third] = [await town.file(), await town.file(), await town.file()]
  const { desks, filings } = it.cases
  const asked = await town.serve(town.zoning)
  await desks.askPapers(asked.official, town.zoning, asked.turn, [{ id: 'sketch', why: 'missing' }], '')
  await filings.withdraw(second.applicant, second.reference)
  await filings.undoWithdrawal(second.applicant, second.reference)
  for (const filed of [second, third]) {
    await town.review(town.zoning, 'ok')
    await desks.goOff(town.officials.get(town.zoning)!, town.zoning)
    assert.ok((await turnsOf(filed.reference)).some((t) => t === 'reviews zoning finished'))
  }
  await it.passTo(endOfDay((await caseOf(first.reference)).answerBy!, town.calendar.zone))
  assert.equal((await caseOf(first.reference)).state, 'lapsed')
  const acts = (await it.entries()).filter((e) => String(e.line).startsWith(town.window))
  assert.ok(acts.length > 15)
  assert.ok(acts.every((e) => /^\d{4}-\d{2}-\d{2}$/.test(String(e.at))))
})

const mark = {
  owner: 'company',
  company: 'Café del Zaguán, S.A. de C.V.',
  companyrfc: 'EKU9003173C9',
  kind: 'words',
  words: 'El Trigal de Tepic',
  used: false,
  class: 43,
  goods: 'Servicio de cafetería',
}

/** A trademark that waits for objections of others: no turn lives meanwhile. */
async function aWaitingMark(by?: SignedIn) {
  const service = 'federal/impi/trademark' as ServiceId
  const filed = await it.aSubmittedCase({ service, answers: mark, ...(by ? { by } : {}) })
  const office = (await caseOf(filed.reference)).office
  const official = await it.anOfficial(office)
  const { desks } = it.cases
  await desks.goOn(official, office)
  for (;;) {
    await desks.next(official, office)
    const served = (await desks.current(official, office))!
    if (served.step.id !== 'form-check') {
      await desks.holdForAgency(official, office, served.turn.state.turn, 10)
      continue
    }
    await desks.review(official, office, served.turn.state.turn, { result: 'ok', note: '' })
    if (served.c.reference === filed.reference) break
  }
  await desks.goOff(official, office)
  return { ...filed, office, official, calendar: it.catalogue.calendarOf(office) }
}

test('a step that waits opens the next by itself at the end of its last working day', async () => {
  const m = await aWaitingMark()
  assert.deepEqual(await turnsOf(m.reference), ['form-check finished'])
  const ends = endOfDay(addWorkingDays(dateIn(it.clock.now(), m.calendar.zone), 22, m.calendar), m.calendar.zone)
  await it.passTo(new Date(ends.getTime() - 1))
  assert.deepEqual(await turnsOf(m.reference), ['form-check finished'])
  await it.passTo(ends)
  assert.deepEqual(await turnsOf(m.reference), ['examination waiting', 'form-check finished'])
  const [taken] = (await store.turnsOf(it.db, await caseOf(m.reference))).filter((t) => t.step === 'examination')
  assert.ok((await told(m.applicant, 'turn-taken')).includes(`${taken!.line}#${taken!.state.place}`))
  assert.equal((await told(m.applicant, 'finished')).length, 1)
})

test('a case withdrawn while a step waits comes back to it, and the step still ends', async () => {
  const m = await aWaitingMark()
  const ends = endOfDay(addWorkingDays(dateIn(it.clock.now(), m.calendar.zone), 22, m.calendar), m.calendar.zone)
  await it.cases.filings.withdraw(m.applicant, m.reference)
  await it.passTo(new Date(it.clock.now().getTime() + 2 * dayMs))
  await it.cases.filings.undoWithdrawal(m.applicant, m.reference)
  const second = await it.aDraft(m.applicant, { service: 'federal/impi/trademark' as ServiceId, answers: mark })
  await assert.rejects(it.cases.submit({ person: m.applicant.person, reference: second }), refused('cases/one-living-turn'))
  await it.passTo(ends)
  assert.deepEqual(await turnsOf(m.reference), ['examination waiting', 'form-check finished'])
})

test('a term that ends while a step waits ends with a paper that has its turn', async () => {
  const filed = await it.aSubmittedCase({ service: 'federal/impi/trademark' as ServiceId, answers: mark })
  const c = await caseOf(filed.reference)
  const { zone } = it.catalogue.calendarOf(c.office)
  const end = endOfDay(c.dueOn!, zone)
  // Two weeks before the end the first office is done; the opposition takes a month.
  await it.passTo(new Date(end.getTime() - 14 * dayMs))
  const official = await it.anOfficial(c.office)
  const { desks } = it.cases
  await desks.goOn(official, c.office)
  for (;;) {
    await desks.next(official, c.office)
    const served = (await desks.current(official, c.office))!
    const { turn } = served.turn.state
    if (served.step.kind === 'decide') await desks.decide(official, c.office, turn, { result: 'granted', reasons: [], note: '' })
    else await desks.review(official, c.office, turn, { result: 'ok', note: '' })
    if (served.c.reference === filed.reference) break
  }
  await desks.goOff(official, c.office)
  await it.passTo(end)
  const decision = (await store.decisionOf(it.db, c))!
  assert.equal(decision.how, 'silence')
  await it.publiclog.publishNow()
  const { taken, finished } = await it.cases.checks.history(decision.turn)
  assert.ok(taken && finished?.entry.type === 'turn.finished' && finished.entry.paper !== null && finished.entry.outcome === 'silence')
  assert.ok((await told(filed.applicant, 'silence')).length === 1)
})

test('all these steps replay without a finding', async () => {
  assert.deepEqual((await it.replay()).findings, [])
})
