import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { OfficeId } from '#kernel/id'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { licenceOffice, openTestCases, type TestCases } from '../cases/testing.ts'
import { Browser, testWeb } from '../people/testing.ts'
import { declarable, pesosTyped } from './costs.ts'
import { type Insight, openInsight } from './index.ts'
import { verifyNumbers } from './verify.ts'

let database: TestDatabase
let it: TestCases
let insight: Insight
let web: Awaited<ReturnType<typeof testWeb>>
let folder: string
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
  folder = await mkdtemp(join(tmpdir(), 'ventanilla-costs-'))
  insight = openInsight({
    ...it,
    left: it.cases.left,
    voice: { months: async () => [], take: async () => [] },
    shapes: { width: 1, height: 1, states: {} },
    publicUrl: 'http://localhost:3000',
    demo: false,
    freshMs: 0,
  })
  web = await testWeb(it.people)
  it.publiclog.register(web)
  insight.register(web)
})
after(async () => {
  await web.close()
  await it.close()
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

const url = `/numbers/offices/${licenceOffice}/costs`
const costs = async (period = '2026-11') => JSON.parse((await web.app.inject({ url: `/api/numbers/costs?period=${period}` })).body).costs
const entries = async () => (await it.entries()).filter((e) => e.type === 'numbers.released' && String(e.set).startsWith('costs/'))

test('pesos are taken as people write them, whole and within bounds', () => {
  for (const [typed, n] of [
    ['184500', 184_500],
    ['184,500', 184_500],
    ['$ 1 184 500', 1_184_500],
    [' 1 ', 1],
  ] as const)
    assert.equal(pesosTyped(typed), n, typed)
  for (const typed of ['', '0', '-5', '12.50', '1,84,500', '1e9', '100000000001', '9'.repeat(30), 'mil', '１２'])
    assert.equal(pesosTyped(typed), null, typed)
})

test('only months that are over can be declared', () => {
  const months = declarable(new Date('2026-01-31T23:59:59Z'))
  assert.equal(months[0], '2025-12')
  assert.equal(months.length, 12)
  assert.equal(months.at(-1), '2025-01')
})

test('a supervisor declares, once however often it is sent, corrects in the open, and the cost of a turn follows', async () => {
  const official = await it.anOfficial(licenceOffice)
  await it.aSubmittedCase()
  await it.aSubmittedCase()
  await it.cases.desks.goOn(official, licenceOffice)
  await it.cases.desks.next(official, licenceOffice)
  for (let i = 0; i < 2; i++) {
    const { turn } = (await it.cases.desks.current(official, licenceOffice))!.turn.state
    await it.cases.desks.review(official, licenceOffice, turn, { result: 'ok', note: '' })
  }
  await it.cases.desks.goOff(official, licenceOffice)
  const person = await it.aSupervisor(licenceOffice)
  let supervisor = new Browser(web, await it.cookieOf(person))
  await supervisor.get(url)
  const declare = (month: string, pesos: string, basis = 'all') => supervisor.post(url, { month, pesos, basis })
  assert.equal((await declare('2026-11', '1000')).status, 422, 'a month that is not over')
  it.clock.set('2026-12-03T18:00:00Z')
  supervisor = new Browser(web, await it.cookieOf(person))
  await supervisor.get(url)
  assert.equal((await declare('2026-11', '1,000')).status, 303)
  assert.equal((await declare('2026-11', '1000')).status, 303, 'the same again')
  assert.equal((await declare('2026-11', '3000', 'salaries')).status, 303)
  for (const [month, pesos, basis] of [
    ['2026-12', '5', 'all'],
    ['2026-11', 'mil', 'all'],
    ['2026-11', '5', 'none'],
  ] as const) {
    const refused = await declare(month, pesos, basis)
    assert.equal(refused.status, 422)
    assert.match(refused.body, /govuk-error-summary/)
  }
  assert.equal((await entries()).length, 2)
  await insight.refresh()
  const [cost] = await costs()
  assert.deepEqual(
    cost.declarations.map((d: { pesos: number; basis: string }) => [d.pesos, d.basis]),
    [
      [1000, 'all'],
      [3000, 'salaries'],
    ],
  )
  assert.equal(cost.turns, 2)
  const page = await supervisor.get(`/numbers/offices/${licenceOffice}?month=2026-11`)
  assert.match(page.body, /\$1,500/)
  for (const all of ['/numbers', '/numbers/places/09', `/numbers/offices/${licenceOffice}`])
    for (const month of ['', '?month=2026-11'])
      assert.match((await supervisor.get(`${all}${month}`)).body, /\$3,000 entre 2 turnos, noviembre de 2026/, `${all}${month}`)
  for (const none of ['/numbers/places/15', '/numbers/places/09015', '/numbers/agencies/sre'])
    assert.doesNotMatch((await supervisor.get(`${none}?month=2026-11`)).body, /Costo por turno atendido/, none)
})

test('nobody else declares, and what another office is reads as absent', async () => {
  const other = new Browser(web, await it.cookieOf(await it.aSupervisor('state-15' as OfficeId)))
  assert.equal((await other.get(url)).status, 404)
  await other.get('/numbers/offices/state-15/costs')
  assert.equal((await other.post(url, { month: '2026-11', pesos: '5', basis: 'all' })).status, 404)
  const citizen = new Browser(web, await it.cookieOf(await it.aPerson()))
  assert.equal((await citizen.get(url)).status, 403)
  assert.equal((await new Browser(web).get(url)).status, 303)
  assert.equal((await entries()).length, 2)
})

test('anyone can count it again, and each lie is named', async () => {
  await it.publiclog.publishNow()
  await insight.refresh()
  assert.deepEqual((await verifyNumbers(await web.listen(), { key: it.publiclog.vkey })).findings, [])
  const honest = await costs()
  const kinds = async (shown: unknown, month = '2026-11') => {
    const copy = await mkdtemp(join(folder, 'copy-'))
    await cp(join(it.folder, 'log'), copy, { recursive: true })
    await mkdir(join(copy, 'numbers'))
    const tables = JSON.parse((await web.app.inject({ url: '/api/numbers/periods' })).body).tables as { period: string }[]
    for (const { period } of tables)
      await writeFile(join(copy, `numbers/${period}.json`), (await web.app.inject({ url: `/api/numbers?period=${period}` })).body)
    if (shown) await writeFile(join(copy, `numbers/costs-${month}.json`), JSON.stringify({ costs: shown }))
    return (await verifyNumbers(copy, { key: it.publiclog.vkey })).findings.map((f) => f.kind)
  }
  const [c] = honest
  assert.deepEqual(await kinds(honest), [])
  assert.deepEqual(await kinds([{ ...c, turns: 9 }]), ['figure'])
  assert.deepEqual(await kinds([{ ...c, declarations: [c.declarations[0]] }]), ['hash'], 'the correction is left out')
  assert.deepEqual(await kinds([{ ...c, declarations: [{ ...c.declarations[1], pesos: 1 }] }]), ['hash'])
  assert.deepEqual(await kinds([c, { ...c, office: 'state-15', turns: 0 }]), ['hash'], 'an office that declared nothing')
  assert.deepEqual(await kinds(null), ['missing'])
  assert.deepEqual(
    await kinds([{ ...c, period: '2026-10', turns: 0 }], '2026-10'),
    ['hash', 'missing'],
    'a month of which the log knows nothing',
  )
})
