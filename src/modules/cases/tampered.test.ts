import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { deskName } from './desk.ts'
import { licenceOffice as office, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let system: TestCases

before(async () => {
  database = await testDatabase()
  system = await openTestCases({ db: database.db })
})
after(async () => {
  await system.close()
  await database.close()
})

test('a case swapped behind a called turn is not shown, and the desk can put the turn aside and go on', async () => {
  const { db } = database
  const first = await system.aSubmittedCase()
  const second = await system.aSubmittedCase()
  const official = await system.anOfficial()
  await db.query(
    `update cases_turn t set case_id = o.case_id from cases_turn o where o.turn <> t.turn and t.case_id in (select id from cases_reference where reference = any($1))
      and o.case_id in (select id from cases_reference where reference = any($1))`,
    [[first.reference, second.reference]],
  )
  const { desks } = system.cases
  await desks.goOn(official, office)
  assert.equal(await desks.next(official, office), true)
  await assert.rejects(desks.current(official, office), { code: 'cases/tampered' })
  const desk = (await desks.desk(official, office))!
  await desks.holdForAgency(official, office, desk.state.turn!, 5)
  assert.notEqual((await desks.desk(official, office))!.state.turn, desk.state.turn)
  assert.match(deskName(desk.state.desk), /^\d+$/, 'a desk has a number that can be said aloud')
})
