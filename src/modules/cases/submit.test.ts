import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Reference } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { dayMs } from '#kernel/time'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import * as store from './store.ts'
import { openSubmit } from './submit.ts'
import { aPdf, licence, licenceAnswers, licenceOffice, openTestCases, type TestCases } from './testing.ts'

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

const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const caseOf = async (reference: Reference) => (await store.caseByReference(it.db, reference))!
const placesOf = async (reference: Reference) =>
  (await store.turnsOf(it.db, await caseOf(reference))).map((t) => `${t.line}/${t.state.place}`)
const submit = (visitor: SignedIn, reference: Reference) => it.cases.submit({ person: visitor.person, reference })
const submitted = async (reference: Reference) => {
  const { pseudonym } = await caseOf(reference)
  return (await it.entries()).filter((e) => e.type === 'case.submitted' && e.case === pseudonym).length
}

test('pressed 64 times at once, a draft has one turn, one receipt, and the same place for every press', async () => {
  const person = await it.aPerson()
  const reference = await it.aDraft(person)
  await Promise.all(Array.from({ length: 64 }, () => submit(person, reference)))
  const places = await placesOf(reference)
  assert.equal(places.length, 1)
  await submit(person, reference)
  assert.deepEqual(await placesOf(reference), places)
  const c = await caseOf(reference)
  assert.equal((await store.eventsOf(it.db, c)).length, 1)
  assert.equal(await submitted(reference), 1)
  await it.jobs.drain()
  const receipts = (await it.messages.inbox(person.person, { language: 'es' })).filter((m) => m.template === 'turn-taken')
  assert.equal(receipts.length, 1)
})

test('many people at once get places that follow each other, and none twice', async () => {
  const drafts: { person: SignedIn; reference: Reference }[] = []
  for (let i = 0; i < 12; i++) {
    const person = await it.aPerson()
    drafts.push({ person, reference: await it.aDraft(person) })
  }
  // Two processes, each gathering for itself.
  const other = openSubmit(it.deps)
  await Promise.all(
    drafts.map((d, i) => (i % 2 ? submit(d.person, d.reference) : other({ person: d.person.person, reference: d.reference }))),
  )
  const places = (await Promise.all(drafts.map((d) => placesOf(d.reference)))).flat().map((p) => Number(p.split('/').at(-1)))
  const sorted = places.toSorted((a, b) => a - b)
  assert.deepEqual(
    sorted,
    sorted.map((_, i) => sorted[0]! + i),
  )
  assert.equal(sorted.length, 12)
})

test('a submission that breaks a rule of the database fails alone, and leaves no gap', async () => {
  const drafts: { person: SignedIn; reference: Reference }[] = []
  for (let i = 0; i < 5; i++) {
    const person = await it.aPerson()
    drafts.push({ person, reference: await it.aDraft(person) })
  }
  const bad = await caseOf(drafts[2]!.reference)
  await it.db.query(`insert into cases_event (place, case_id, seq, at, kind) values ($1, $2, 1, now(), 'planted')`, [bad.place, bad.id])
  const outcomes = await Promise.allSettled(drafts.map((d) => submit(d.person, d.reference)))
  assert.deepEqual(
    outcomes.map((o) => o.status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  assert.equal((await caseOf(bad.reference)).state, 'draft')
  assert.deepEqual(await placesOf(bad.reference), [])
  assert.equal(await submitted(bad.reference), 0)
  const places = (await Promise.all(drafts.map((d) => placesOf(d.reference)))).flat().map((p) => Number(p.split('/').at(-1)))
  assert.equal(Math.max(...places) - Math.min(...places), 3)
  assert.deepEqual((await it.replay()).findings, [])
})

test('one living turn for one matter: of two drafts in one commit the second is refused, at every press', async () => {
  const person = await it.aPerson()
  const [first, second] = [await it.aDraft(person), await it.aDraft(person)]
  const outcomes = await Promise.allSettled([first, second, second, second].map((r) => submit(person, r)))
  assert.equal(outcomes[0]!.status, 'fulfilled')
  for (const o of outcomes.slice(1)) assert.ok(o.status === 'rejected' && refused('cases/one-living-turn')(o.reason))
  await assert.rejects(submit(person, second), refused('cases/one-living-turn'))
  await it.cases.filings.withdraw(person, first)
  await submit(person, second)
  await assert.rejects(it.cases.filings.undoWithdrawal(person, first), refused('cases/one-living-turn'))
})

test('one living turn for one matter, filed in two processes at the same moment', async () => {
  const person = await it.aPerson()
  const [a, b] = [await it.aDraft(person), await it.aDraft(person)]
  const blocked = async () =>
    (
      await it.db.query<{ n: number }>(
        `select count(*)::integer as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
    )[0]!.n
  let both!: Promise<PromiseSettledResult<void>[]>
  // Both have looked for a living turn, and found none, when the line is given free.
  await it.db.tx(async (tx) => {
    await store.lockLines(tx, [licenceOffice])
    both = Promise.allSettled([submit(person, a), openSubmit(it.deps)({ person: person.person, reference: b })])
    for (let i = 0; i < 4000 && (await blocked()) < 2; i++) await new Promise((done) => setTimeout(done, 5))
    assert.equal(await blocked(), 2)
  })
  const outcomes = await both
  const failed = outcomes.filter((o) => o.status === 'rejected')
  assert.equal(failed.length, 1)
  assert.ok(refused('cases/one-living-turn')(failed[0]!.reason), String(failed[0]!.reason))
})

test('what is not complete, not identified or somebody else’s takes no turn', async () => {
  const person = await it.aPerson()
  const empty = await it.cases.filings.start(person, { service: licence })
  await assert.rejects(submit(person, empty), refused('cases/incomplete'))
  await it.cases.filings.answer(person, empty, 'kind', licenceAnswers)
  await assert.rejects(submit(person, empty), refused('cases/incomplete'))

  const stranger = await it.aPerson()
  const draft = await it.aDraft(person)
  await assert.rejects(submit(stranger, draft), refused('not-found'))
  await assert.rejects(submit(stranger, 'ZZZZ-ZZZZZ' as Reference), refused('not-found'))
  await assert.rejects(it.cases.filings.read(stranger, draft), refused('not-found'))
  await assert.rejects(it.cases.filings.withdraw(stranger, draft), refused('not-found'))
  await assert.rejects(it.cases.filings.attach(stranger, draft, 'residence', { name: 'a.pdf', stream: aPdf() }), refused('not-found'))

  for (const forget of ['delete from people_identity where person = $1', 'delete from people_contact where person = $1']) {
    const nobody = await it.aPerson()
    const reference = await it.aDraft(nobody)
    await it.db.query(forget, [nobody.person])
    await assert.rejects(submit(nobody, reference), refused('people/not-identified'))
    assert.equal((await caseOf(reference)).state, 'draft')
  }
})

test('a paper taken off makes a draft incomplete again', async () => {
  const person = await it.aPerson()
  const reference = await it.aDraft(person)
  const [file] = (await it.cases.filings.read(person, reference)).files
  await it.cases.filings.detach(person, reference, file!.id)
  await assert.rejects(submit(person, reference), refused('cases/incomplete'))
  await it.cases.filings.attach(person, reference, 'residence', { name: 'otra.pdf', stream: aPdf() })
  await submit(person, reference)
})

test('a clerk files for the person present; a clerk of another counter, or one who is clerk no more, does not', async () => {
  const [clerk, elsewhere] = [await it.aClerk(), await it.aClerk('state-15' as typeof licenceOffice)]
  const present = await it.aPerson()
  const { filings } = it.cases
  const given = { service: licence, for: { person: present.person, office: licenceOffice } }
  await assert.rejects(filings.start(elsewhere, given), refused('forbidden'))
  await assert.rejects(filings.start(present, { ...given, for: { ...given.for, person: clerk.person } }), refused('forbidden'))
  const reference = await filings.start(clerk, given)
  await it.fill(clerk, reference, licenceAnswers)
  await assert.rejects(it.cases.submit({ person: elsewhere.person, reference, clerkAt: [licenceOffice] }), refused('not-found'))
  await assert.rejects(it.cases.submit({ person: clerk.person, reference }), refused('not-found'))
  await it.cases.submit({ person: clerk.person, reference, clerkAt: [licenceOffice] })
  const c = await caseOf(reference)
  assert.deepEqual([c.applicant, c.channel, c.state], [present.person, 'counter', 'open'])
  const entry = (await it.entries()).find((e) => e.case === c.pseudonym)
  assert.equal(entry?.channel, 'counter')
  // The filing is the person's own: the clerk neither withdraws it nor writes in it.
  await assert.rejects(filings.withdraw(clerk, reference), refused('forbidden'))
  await filings.withdraw(present, reference)
})

test('a draft dies after thirty days: it takes no turn, no answer and no paper, and the timer removes it', async () => {
  const person = await it.aPerson()
  const { filings, timers } = it.cases
  const [old, kept] = [await it.aDraft(person), await it.aDraft(await it.aPerson())]
  it.clock.advance(30 * dayMs - 1)
  await timers.runDue()
  assert.equal((await caseOf(old)).state, 'draft')
  await it.db.query('update cases_timer set due = due + interval $$1 day$$ where case_id = $1', [(await caseOf(kept)).id])
  it.clock.advance(2)
  await assert.rejects(submit(person, old), refused('cases/draft-expired'))
  await assert.rejects(filings.answer(person, old, 'kind', licenceAnswers), refused('cases/draft-expired'))
  await assert.rejects(filings.attach(person, old, 'residence', { name: 'a.pdf', stream: aPdf() }), refused('cases/draft-expired'))
  const { id, place } = await caseOf(old)
  await timers.runDue()
  assert.equal(await store.caseByReference(it.db, old), undefined)
  assert.deepEqual(await store.filesOf(it.db, { id, place }), [])
  assert.ok(await store.caseByReference(it.db, kept))
})

/** Changes the licence in this test's own folder of services and publishes it. */
async function change(work: (definition: { term: { count: number } }) => void): Promise<string> {
  const path = join(it.folder, 'services/state/drivers-licence/definition.json')
  const definition = JSON.parse(readFileSync(path, 'utf8'))
  work(definition)
  writeFileSync(path, JSON.stringify(definition))
  const loaded = await it.catalogue.load(join(it.folder, 'services'))
  assert.deepEqual(loaded.faults, [])
  return loaded.published[0]!.from
}

test('a service that changed between draft and submission shows the difference first, and the case pins what its owner accepted', async () => {
  const { filings } = it.cases
  const person = await it.aPerson()
  const before = it.catalogue.get(licence)!.hash
  const [early, late] = [await it.aDraft(person), await it.aDraft(await it.aPerson())]

  // A burden applies ten working days after it is published.
  const from = await change((d) => {
    d.term.count = 12
  })
  assert.ok(from > it.clock.now().toISOString().slice(0, 10))
  await submit(person, early)
  assert.equal((await caseOf(early)).definition, before)
  it.clock.set(`${from}T18:00:00Z`)
  await it.catalogue.refresh(true)
  const owner = await it.visitorOf((await caseOf(late)).applicant)
  const after = it.catalogue.get(licence)!.hash
  assert.notEqual(after, before)
  await assert.rejects(submit(owner, late), refused('cases/definition-changed'))
  await assert.rejects(filings.answer(owner, late, 'kind', licenceAnswers), refused('cases/definition-changed'))
  // An upload does not accept it in passing.
  await assert.rejects(filings.attach(owner, late, 'residence', { name: 'a.pdf', stream: aPdf() }), refused('cases/definition-changed'))
  await assert.rejects(submit(owner, late), refused('cases/definition-changed'))
  await filings.acceptChange(owner, late)
  await submit(owner, late)
  assert.equal((await caseOf(late)).definition, after)
  const entry = (await it.entries()).find((e) => e.type === 'case.submitted' && e.definition === after)
  assert.ok(entry)

  // A relief applies at once.
  const third = await it.aPerson()
  const draft = await it.aDraft(third)
  assert.ok(
    (await change((d) => {
      d.term.count = 5
    })) <= it.clock.now().toISOString().slice(0, 10),
  )
  await it.catalogue.refresh(true)
  await assert.rejects(submit(third, draft), refused('cases/definition-changed'))
  await filings.acceptChange(third, draft)
  await submit(third, draft)
  // Those who filed before keep what they filed under: its term too.
  assert.equal((await caseOf(early)).definition, before)
  assert.ok((await caseOf(late)).dueOn! > (await caseOf(draft)).dueOn!)
})

test('all these submissions replay without a finding', async () => {
  assert.deepEqual((await it.replay()).findings, [])
})
