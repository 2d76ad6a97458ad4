import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { OfficeId, Reference, ServiceId } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { dayMs } from '#kernel/time'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { nowAt } from './index.ts'
import * as store from './store.ts'
import { openSubmit } from './submit.ts'
import { aCurp, licenceAnswers, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db, services: ['state/drivers-licence', 'state/birth-certificate'] })
})
after(async () => {
  await it.close()
  await database.close()
})

const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const at = (code: string) => ({ office: `state-${code}` as OfficeId, service: `state/drivers-licence@${code}` as ServiceId })
const caseOf = async (reference: Reference) => (await store.caseByReference(it.db, reference))!
const placesOf = async (reference: Reference) =>
  (await store.turnsOf(it.db, await caseOf(reference))).map((t) => `${t.line}#${t.state.place}`)

test('an office’s line is opened once, by whoever is first of many at the same moment', async () => {
  const { office, service } = at('09')
  const drafts: { person: Awaited<ReturnType<typeof it.aPerson>>; reference: Reference }[] = []
  for (let i = 0; i < 6; i++) {
    const person = await it.aPerson()
    drafts.push({ person, reference: await it.aDraft(person, { service }) })
  }
  const official = await it.anOfficial(office)
  const processes = drafts.map(() => openSubmit(it.deps))
  await Promise.all([
    ...drafts.map((d, i) => processes[i]!({ person: d.person.person, reference: d.reference })),
    it.cases.desks.goOn(official, office),
  ])
  const lines = await store.linesOf(it.db, office)
  assert.equal(lines.length, 1)
  const opened = (await it.entries()).filter((e) => e.type === 'line.opened' && e.office === office)
  assert.equal(opened.length, 1)
  assert.deepEqual(opened[0]!.covers, [...(opened[0]!.covers as string[])].sort())
  const places = (await Promise.all(drafts.map((d) => placesOf(d.reference)))).flat()
  assert.equal(new Set(places).size, 6)
  assert.deepEqual((await it.replay()).findings, [])
})

test('one of every three calls is a priority turn while both wait, claimed by the applicant and never changed', async () => {
  const { office, service } = at('10')
  const official = await it.anOfficial(office)
  const names = new Map<string, string>()
  for (const name of ['g1', 'g2', 'g3', 'g4', 'p1', 'p2']) {
    const person = await it.aPerson()
    const reference = await it.aDraft(person, { service })
    if (name.startsWith('p')) await it.cases.filings.claim(person, reference, 'older')
    await it.cases.submit({ person: person.person, reference })
    names.set(reference, name)
    await assert.rejects(it.cases.filings.claim(person, reference, 'pregnancy'), refused('cases/not-a-draft'))
  }
  const { desks } = it.cases
  assert.equal(await nowAt(it.cases, office, 'es'), 'No hay ventanillas abiertas. Hay 6 turnos en espera.')
  assert.equal(await nowAt(it.cases, 'state-11' as OfficeId, 'es'), null)
  await desks.goOn(official, office)
  assert.equal(await nowAt(it.cases, office, 'en'), '1 desk on duty. 6 turns are waiting.')
  const order: string[] = []
  for (let i = 0; i < 6; i++) {
    await desks.next(official, office)
    const { c, turn } = (await desks.current(official, office))!
    order.push(names.get(c.reference)!)
    await desks.holdForAgency(official, office, turn.state.turn, 5)
  }
  assert.deepEqual(order, ['p1', 'g1', 'g2', 'p2', 'g3', 'g4'])
  assert.deepEqual((await it.replay()).findings, [])
})

const newService = 'state/criminal-record-certificate'
/** Answers that complete a filing of it. */
const certificate = {
  ...licenceAnswers,
  fullname: 'Wendy Carrillo Luna',
  curp: 'CALW950606MBCRNN06',
  nationality: 'mexican',
  why: 'job',
  asker: 'Empresa de seguridad privada',
}
const root = fileURLToPath(new URL('../../../', import.meta.url))

test('a service published later gets a line of its own; desks are sent where people wait, at most twice a day', async () => {
  const { office, service } = at('11')
  const official = await it.anOfficial(office)
  const { desks } = it.cases
  await it.aSubmittedCase({ service })
  cpSync(join(root, 'services', newService), join(it.folder, 'services', newService), { recursive: true })
  assert.deepEqual((await it.catalogue.load(join(it.folder, 'services'))).faults, [])
  await it.catalogue.refresh(true)
  const later = `${newService}@11` as ServiceId
  const newer = await it.aSubmittedCase({ service: later, answers: certificate })
  const lines = (await store.linesOf(it.db, office)).map((l) => l.state)
  assert.deepEqual(
    lines.map((l) => l.line),
    [`${office}/general`, `${office}/general-2`],
  )
  const [first, second] = lines.map((l) => new Set(l.covers))
  assert.ok([...second!].every((c) => c.startsWith(`${newService}@`) && !first!.has(c)))

  // The desk is where somebody has waited longest; when nobody waits there it is sent to the other line, and back.
  await desks.goOn(official, office)
  const lineNow = async () => (await desks.desk(official, office))!.state.line
  assert.equal(await lineNow(), `${office}/general`)
  await desks.next(official, office)
  const served = (await desks.current(official, office))!
  await desks.holdForAgency(official, office, served.turn.state.turn, 5)
  assert.equal(await lineNow(), `${office}/general-2`)
  assert.equal((await desks.current(official, office))!.c.reference, newer.reference)
  await desks.holdForAgency(official, office, (await desks.current(official, office))!.turn.state.turn, 5)
  await it.aSubmittedCase({ service })
  assert.equal(await desks.next(official, office), true)
  assert.equal(await lineNow(), `${office}/general`)
  await desks.holdForAgency(official, office, (await desks.current(official, office))!.turn.state.turn, 5)

  // A third change is for another day; the official is not kept from duty by it.
  await it.aSubmittedCase({ service: later, answers: certificate })
  assert.equal(await desks.next(official, office), false)
  await desks.goOff(official, office)
  await desks.goOn(official, office)
  assert.equal(await lineNow(), `${office}/general`)
  it.clock.advance(dayMs)
  assert.equal(await desks.next(official, office), true)
  assert.equal(await lineNow(), `${office}/general-2`)
  await desks.goOff(official, office)
  assert.deepEqual((await it.replay()).findings, [])
})

test('who took a filing decides it only where the office has nobody else, and nobody ever decides their own', async () => {
  const { office, service } = at('14')
  const { desks, filings } = it.cases
  const both = await it.anOfficial(office)
  await it.db.tx((tx) => it.people.giveRole(tx, null, both.person, { role: 'clerk', office }))
  const alone = await it.visitorOf(both.person)
  const present = await it.aPerson()
  const took = await filings.start(alone, { service, for: { person: present.person, office } })
  await it.fill(alone, took, licenceAnswers)
  await it.cases.submit({ person: alone.person, reference: took, clerkAt: [office] })
  const own = await it.aSubmittedCase({ service, by: alone })
  await desks.goOn(alone, office)
  await desks.next(alone, office)
  assert.equal((await desks.current(alone, office))!.c.reference, took)
  const { turn } = (await desks.current(alone, office))!.turn.state
  // Its end calls the next, and there is none that this desk may serve but the same case's decision.
  await desks.review(alone, office, turn, { result: 'ok', note: '' })
  assert.equal((await desks.current(alone, office))!.c.reference, took)
  await desks.goOff(alone, office)
  const colleague = await it.anOfficial(office)
  await desks.goOn(colleague, office)
  await desks.next(colleague, office)
  assert.equal((await desks.current(colleague, office))!.c.reference, own.reference)
  // Now there are two: the decision of what the first took is the second's.
  await desks.goOn(alone, office)
  assert.equal(await desks.next(alone, office), false)
  await desks.review(colleague, office, (await desks.current(colleague, office))!.turn.state.turn, { result: 'ok', note: '' })
  assert.equal((await desks.current(colleague, office))!.c.reference, took)
  await desks.goOff(alone, office)
  await desks.goOff(colleague, office)
  assert.deepEqual((await it.replay()).findings, [])
})

test('a second line over the same steps, planted in SQL, is named by the replay', async () => {
  const { office, service } = at('12')
  await it.aSubmittedCase({ service })
  const [line] = await store.linesOf(it.db, office)
  // The line hides what it covers, so that the next filing opens another over the same steps.
  await it.db.query(`update cases_line set covers = '{}' where id = $1`, [line!.state.line])
  await it.aSubmittedCase({ service })
  const lines = (await store.linesOf(it.db, office)).map((l) => l.state.line)
  assert.deepEqual(lines, [`${office}/general`, `${office}/general-2`])
  const { findings } = await it.replay()
  assert.deepEqual(
    findings.map(({ line, n, kind }) => ({ line, n, kind })),
    [{ line: `${office}/general-2`, n: 1, kind: 'impossible' }],
  )
})

test('a desk that has passed whoever waits in its line is sent to those whom it may serve', async () => {
  const { office, service } = at('15')
  const official = await it.anOfficial(office)
  const { desks } = it.cases
  const curp = aCurp(9000)
  // A first line without the service that came later.
  await it.aSubmittedCase({ service })
  await it.db.query(`update cases_line set covers = array(select c from unnest(covers) c where c not like $2) where office = $1`, [
    office,
    `${newService}%`,
  ])
  await desks.declareConflict(official, office, curp)
  it.clock.advance(60_000)
  await it.aSubmittedCase({ service, by: await it.aPerson({ identity: curp }) })
  const newer = await it.aSubmittedCase({ service: `${newService}@15` as ServiceId, answers: certificate })
  await desks.goOn(official, office)
  await desks.next(official, office)
  const { turn } = (await desks.current(official, office))!.turn.state
  await desks.holdForAgency(official, office, turn, 5)
  assert.equal((await desks.current(official, office))!.c.reference, newer.reference)
  await desks.goOff(official, office)
})

test('a number skipped in SQL is a gap that the log shows for ever', async () => {
  const { office, service } = at('13')
  await it.aSubmittedCase({ service })
  await it.db.query('update cases_line set n = n + 1 where office = $1', [office])
  await it.aSubmittedCase({ service })
  await it.aSubmittedCase({ service })
  const found = (await it.replay()).findings.filter((f) => f.line === `${office}/general`)
  assert.deepEqual(
    found.map(({ n, kind }) => ({ n, kind })),
    [{ n: 4, kind: 'gap' }],
  )
})
