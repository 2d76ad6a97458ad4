import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { licenceOffice as office, openTestCases, type TestCases } from './testing.ts'

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

test('two officials who press at once never get the same turn, and never one out of order', async () => {
  const [a, b] = [await it.anOfficial(), await it.anOfficial()]
  const taken: string[] = []
  for (let i = 0; i < 3; i++) taken.push((await it.aSubmittedCase()).reference)
  const { desks } = it.cases
  await Promise.all([desks.goOn(a, office), desks.goOn(b, office)])
  assert.deepEqual(await Promise.all([desks.next(a, office), desks.next(b, office)]), [true, true])
  const served = [await desks.current(a, office), await desks.current(b, office)]
  assert.deepEqual(served.map((s) => s!.c.reference).sort(), taken.slice(0, 2).sort())
  const replay = await it.replay()
  assert.deepEqual(replay.findings, [])
})
