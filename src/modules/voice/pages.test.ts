import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { after, before, test } from 'node:test'
import { registerCases } from '#cases'
import type { SignedIn } from '#web'
import { openWeb, type Web } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { licenceOffice, openTestCases, type TestCases } from '../cases/testing.ts'
import { openVoice } from './index.ts'

let database: TestDatabase
let it: TestCases
let web: Web
let who: SignedIn
let reference: string

before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
  web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost:3000',
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: Buffer.alloc(32, 1),
    assetsFolder: tmpdir(),
    log: false,
    identify: (request, language) => it.people.identify(request, language),
  })
  it.people.register(web)
  registerCases(web, it.cases)
  openVoice({ ...it, demo: false }).register(web)
  const filed = await it.aSubmittedCase()
  who = filed.applicant
  reference = filed.reference
  // The test and the decision of a first licence, each in its turn.
  const official = await it.anOfficial()
  const { desks } = it.cases
  await desks.goOn(official, licenceOffice)
  await desks.next(official, licenceOffice)
  await desks.review(official, licenceOffice, (await desks.current(official, licenceOffice))!.turn.state.turn, { result: 'ok', note: '' })
  await desks.decide(official, licenceOffice, (await desks.current(official, licenceOffice))!.turn.state.turn, {
    result: 'granted',
    reasons: [],
    note: '',
  })
})
after(async () => {
  await web.close()
  await it.close()
  await database.close()
})

const get = async (url: string, by: SignedIn | null = who) =>
  web.app.inject({ url, headers: { accept: 'text/html', ...(by ? { cookie: await it.cookieOf(by) } : {}) } })

async function send(answers: Record<string, string>) {
  const cookie = await it.cookieOf(who)
  const page = await web.app.inject({ url: `/rate/${reference}`, headers: { accept: 'text/html', cookie } })
  const token = /name="_csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
  const cookies = [cookie, ...[page.headers['set-cookie'] ?? []].flat().map((c) => String(c).split(';')[0])].join('; ')
  return web.app.inject({
    method: 'POST',
    url: `/rate/${reference}`,
    headers: { cookie: cookies, 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html', origin: 'http://localhost:3000' },
    payload: new URLSearchParams({ _csrf: token, ...answers }).toString(),
  })
}

test('a case that is over leads to its two questions, and nobody else to them', async () => {
  assert.match((await get(`/cases/${reference}`)).body, new RegExp(`href="/rate/${reference}"`))
  const page = await get(`/rate/${reference}`)
  assert.equal(page.statusCode, 200)
  assert.match(page.body, /¿Cuántas veces tuvo que ir a una oficina\?/)
  assert.equal((await get(`/rate/${reference}`, await it.aPerson())).statusCode, 404)
  assert.equal((await get(`/rate/${reference}`, null)).statusCode, 303)
  assert.equal((await get('/rate/no-reference')).statusCode, 404)
})

test('an unanswered question is named at its place; what was answered stays', async () => {
  const answer = await send({ visits: '3' })
  assert.equal(answer.statusCode, 422)
  assert.match(answer.body, /<title>Error/)
  assert.match(answer.body, /value="3" checked/)
  assert.match(answer.body, /href="#asked"/)
})

test('answered once, it says thanks and asks no more', async () => {
  assert.equal((await send({ visits: '3', asked: 'no' })).statusCode, 303)
  const page = await get(`/rate/${reference}`)
  assert.match(page.body, /Gracias/)
  assert.doesNotMatch(page.body, /type="radio"/)
})
