import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts'
import { Browser, testWeb } from '../../people/testing.ts'
import { licence, licenceOffice, openTestCases, type TestCases } from '../testing.ts'
import { registerMine } from './mine.ts'

let database: TestDatabase
let it: TestCases
let web: Awaited<ReturnType<typeof testWeb>>
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
  web = await testWeb(it.people)
  registerMine(web, it.deps, it.cases)
})
after(async () => {
  await web.close()
  await it.close()
  await database.close()
})

test('a person finds what they have to do and until when, their letters, and who looked, and nobody else does', async () => {
  const { reference, applicant } = await it.aSubmittedCase()
  await it.jobs.drain()
  const draft = await it.cases.filings.start(applicant, { service: licence })
  const official = await it.anOfficial(licenceOffice)
  await it.cases.desks.goOn(official, licenceOffice)
  await it.cases.desks.next(official, licenceOffice)
  await it.cases.desks.current(official, licenceOffice)
  const mine = new Browser(web, await it.cookieOf(applicant))
  const { body, status } = await mine.get('/my-line')
  assert.equal(status, 200)
  for (const id of ['deadlines', 'letters', 'uses']) assert.ok(body.includes(`id="${id}"`), id)
  assert.match(body, new RegExp(`href="/cases/${reference}"`))
  assert.match(body, new RegExp(`href="/cases/${draft}"`))
  assert.match(body, /href="\/inbox\/[0-9a-f-]{36}"/)
  // The office that serves it, by its name, and the case.
  assert.match(body, new RegExp(`${it.catalogue.office(licenceOffice)!.name('es')}[\\s\\S]*${reference}`))
  const stranger = new Browser(web, await it.cookieOf(await it.aPerson()))
  const theirs = (await stranger.get('/my-line')).body
  assert.doesNotMatch(theirs, new RegExp(`${reference}|${draft}`))
  assert.match(theirs, /nadie más que usted/)
})

test('the days that count can be taken into a calendar, with nothing of what was answered', async () => {
  const { reference, applicant } = await it.aSubmittedCase()
  const mine = new Browser(web, await it.cookieOf(applicant))
  const answer = await mine.get('/my-line/deadlines.ics')
  assert.equal(answer.headers['content-type'], 'text/calendar; charset=utf-8')
  assert.match(answer.body, new RegExp(`UID:${reference}-reply@localhost`))
  assert.doesNotMatch(answer.body, /Daniela|PARD010719/)
  assert.equal((await new Browser(web).get('/my-line/deadlines.ics')).status, 303)
})
