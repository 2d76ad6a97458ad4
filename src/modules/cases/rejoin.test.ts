import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { OfficeId, Reference, ServiceId } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { minuteMs } from '#kernel/time'
import { openSource, type Recovered, readEntries } from '#publiclog'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import * as store from './store.ts'
import { aCurp, licenceAnswers, openTestCases, type TestCases } from './testing.ts'

const office = 'state-09' as OfficeId
const service = 'state/drivers-licence@09' as ServiceId
const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code

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

/** Forgets every case, turn and line, as a backup of before them would, and takes the published log in again. */
async function loseAll(): Promise<void> {
  await it.publiclog.publishNow()
  const ids = (
    await database.db.query<{ id: string }>(
      'select u.id from publiclog_batch b, unnest(b.ids) with ordinality as u(id, i) order by b.first, u.i',
    )
  ).map((r) => BigInt(r.id))
  const entries: Recovered[] = []
  for await (const { bytes } of readEntries(await openSource(join(it.folder, 'log'))))
    entries.push({ index: BigInt(entries.length), id: ids[entries.length]!, bytes })
  for (const table of ['event', 'turn', 'reference', 'case', 'timer', 'line', 'desk', 'pass', 'file'])
    await database.db.query(`delete from cases_${table}`)
  await database.db.tx((tx) => it.cases.recovery.replay(tx, entries))
  await database.db.tx((tx) => it.cases.recovery.finish(tx))
}

const receiptOf = async (by: Awaited<ReturnType<TestCases['aPerson']>>, reference: Reference) =>
  (await it.cases.receipts.read(by, reference)).s.receipt!.openings

test('a receipt joins its holder to a lost turn: filled in again, it is served at its old place, and the paper proves itself', async () => {
  const { rejoins, filings, desks, recovery, checks } = it.cases
  const holder = await it.aPerson({ identity: aCurp(9000) })
  const second = await it.aPerson({ identity: aCurp(9001) })
  const lostCase = await it.aSubmittedCase({ service, by: holder })
  const held = await it.aSubmittedCase({ service, by: second })
  const receipts = [await receiptOf(holder, lostCase.reference), await receiptOf(second, held.reference)] as const
  await assert.rejects(rejoins.begin(holder, receipts[0]), refused('not-found'))
  await loseAll()
  assert.equal((await recovery.losses()).turns.length, 2)

  // Found by somebody else, or with another key, a receipt opens nothing; what is no receipt is said to be none.
  await assert.rejects(rejoins.begin(await it.aPerson(), receipts[0]), refused('not-found'))
  await assert.rejects(rejoins.begin(holder, receipts[1]), refused('not-found'))
  await assert.rejects(rejoins.begin(holder, 'una carta'), refused('invalid'))
  // By its account: also a new one of the same person would do.
  const draft = await rejoins.begin(holder, receipts[0])
  assert.equal(await rejoins.begin(holder, Buffer.from(`<a href="/check#${receipts[0]}">`)), draft)

  // A clerk may bring it for the person present, and for nobody else.
  const clerk = await it.aClerk(office)
  await assert.rejects(rejoins.begin(clerk, receipts[0], { person: second.person, office }), refused('not-found'))
  await assert.rejects(rejoins.begin(holder, receipts[0], { person: holder.person, office }), refused('forbidden'))
  const byClerk = await rejoins.begin(clerk, receipts[1], { person: second.person, office })
  assert.deepEqual(
    [(await filings.peek(clerk, byClerk)).applicant, await rejoins.begin(clerk, receipts[1], { person: second.person, office })],
    [second.person, byClerk],
  )

  // Called before it is complete, it is put aside; nobody sees anything of it.
  const official = await it.anOfficial(office)
  await desks.goOn(official, office)
  assert.equal(await desks.next(official, office), false)
  it.clock.advance(minuteMs)
  await it.fill(holder, draft, licenceAnswers)
  await it.cases.submit({ person: holder.person, reference: draft })
  await it.cases.submit({ person: holder.person, reference: draft })
  const later = await it.aSubmittedCase({ service })
  await desks.next(official, office)
  const served = (await desks.current(official, office))!
  assert.deepEqual(
    [served.c.reference, served.turn.state.place, served.step.id],
    [draft, 2, served.service.definition.steps.find((s) => s.kind === 'review')!.id],
  )
  assert.equal((await checks.code(draft)).why, 'ok')
  await desks.review(official, office, served.turn.state.turn, { result: 'ok', note: '' })

  // The second is joined while it is held, and goes before who came later.
  const again = byClerk
  await it.fill(clerk, again, licenceAnswers)
  await it.cases.submit({ person: clerk.person, reference: again, clerkAt: [office] })
  assert.equal((await filings.peek(second, again)).state, 'open')
  assert.deepEqual((await recovery.losses()).turns, [])
  const order: string[] = []
  for (let at = await desks.current(official, office); at; at = await desks.current(official, office)) {
    order.push(at.c.reference)
    if (at.step.kind === 'decide') await desks.decide(official, office, at.turn.state.turn, { result: 'granted', reasons: [], note: '' })
    else await desks.review(official, office, at.turn.state.turn, { result: 'ok', note: '' })
  }
  assert.deepEqual(order.slice(0, 2), [later.reference, again])
  const c = await filings.peek(holder, draft)
  assert.equal(c.state, 'decided')
  await it.publiclog.publishNow()
  const verdict = await checks.code((await store.decisionOf(it.db, c))!.code)
  assert.deepEqual([verdict.genuine, verdict.inTurn, verdict.why], [true, true, 'ok'])
  assert.deepEqual((await it.replay()).findings, [])
  // Joined once, the receipt joins nothing more.
  await assert.rejects(rejoins.begin(holder, receipts[0]), refused('not-found'))
})
