import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { OfficeId, Reference, ServiceId } from '#kernel/id'
import { minuteMs } from '#kernel/time'
import { openAsControl } from '#keys'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts'
import { type Answer, Browser, testWeb } from '../../people/testing.ts'
import { deskName } from '../desk.ts'
import { upcoming } from '../line.ts'
import * as store from '../store.ts'
import { aCurp, aPdf, licenceAnswers, openTestCases, type TestCases } from '../testing.ts'
import { registerCitizen } from './citizen.ts'
import { registerCounter } from './counter.ts'
import { registerDesk } from './desk.ts'
import { registerOffice } from './office.ts'
import { registerPapers } from './papers.ts'
import { registerReports } from './report.ts'

let database: TestDatabase
let it: TestCases
let web: Awaited<ReturnType<typeof testWeb>>
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
  web = await testWeb(it.people)
  registerCitizen(web, it.deps, it.cases)
  registerPapers(web, it.deps, it.cases)
  registerDesk(web, it.deps, it.cases)
  registerCounter(web, it.deps, it.cases)
  registerOffice(web, it.deps, it.cases, { freshMs: 0 })
  registerReports(web, it.deps)
})
after(async () => {
  await web.close()
  await it.close()
  await database.close()
})

/** Each test has an office of its own, so that no other's turns stand in its line. */
let state = 0
function anOffice(): { office: OfficeId; service: ServiceId } {
  const code = String(++state).padStart(2, '0')
  return { office: `state-${code}` as OfficeId, service: `state/drivers-licence@${code}` as ServiceId }
}
const as = async (visitor: SignedIn) => new Browser(web, await it.cookieOf(visitor))
const wordsOf = ({ body }: Answer) =>
  body
    .replace(/<(script|style)[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
/** Where the forms of a page lead, and the buttons of a desk's. */
const actionsOf = ({ body }: Answer) => [...body.matchAll(/<form method="post" action="([^"]+)"/g)].map((m) => m[1]!)
const turnIn = (answer: Answer) => /\/turns\/([\w-]{22})\//.exec(answer.body)?.[1]

test('a desk has one button until it serves, and the decision is seen before it is issued', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const desk = await as(official)
  const closed = await desk.get(`/desk/${office}`)
  assert.deepEqual(actionsOf(closed), [`/desk/${office}/on`])
  const mine = await it.aSubmittedCase({ service })
  await desk.post(`/desk/${office}/on`, {})
  const idle = await desk.get(`/desk/${office}`)
  assert.deepEqual(actionsOf(idle), [`/desk/${office}/next`, `/desk/${office}/off`])
  assert.match(wordsOf(idle), /Hay 1 turno en espera/)
  assert.doesNotMatch(idle.body, new RegExp(mine.reference))

  await desk.post(`/desk/${office}/next`, {})
  const review = await desk.get(`/desk/${office}`)
  assert.match(wordsOf(review), /Daniela Pacheco Ríos/)
  // Nothing on the page decides while the step is a review.
  assert.ok(!actionsOf(review).some((a) => a.endsWith('/decide') || a.endsWith('/absent')))
  const turn = turnIn(review)!
  const unsaid = await desk.post(`/desk/${office}/turns/${turn}/review`, { result: 'objection', note: ' ' })
  assert.equal(unsaid.status, 422)
  assert.match(wordsOf(unsaid), /Explique cuál es la objeción/)
  const long = await desk.post(`/desk/${office}/turns/${turn}/review`, { result: 'ok', note: 'x'.repeat(2001) })
  assert.equal(long.status, 422)
  const sent = await desk.post(`/desk/${office}/turns/${turn}/review`, { result: 'ok', note: 'Aprobó la prueba' })
  assert.equal(sent.location, `/desk/${office}?done=ok`)

  // The decision's turn was taken when the review ended, and called in the same transaction.
  const decide = await desk.get(`/desk/${office}`)
  const second = turnIn(decide)!
  assert.notEqual(second, turn)
  assert.match(wordsOf(decide), /Aprobó la prueba/)
  const form = { result: 'refused', reasons: 'eyesight', note: 'Necesita lentes.' }
  const bare = await desk.post(`/desk/${office}/turns/${second}/decide`, { result: 'refused', note: '' })
  assert.equal(bare.status, 422)
  const look = await desk.post(`/desk/${office}/turns/${second}/decide`, form)
  assert.equal(look.status, 200)
  assert.match(wordsOf(look), /Revise antes de expedir/)
  assert.equal((await it.cases.filings.peek(mine.applicant, mine.reference)).state, 'open')
  const changed = await desk.post(`/desk/${office}/turns/${second}/decide`, { ...form, stage: 'change' })
  assert.match(changed.body, /Necesita lentes\.<\/textarea>/)
  const issued = await desk.post(`/desk/${office}/turns/${second}/decide`, { ...form, stage: 'confirm' })
  assert.equal(issued.location, `/desk/${office}?done=ok`)
  assert.equal((await it.cases.filings.peek(mine.applicant, mine.reference)).state, 'decided')
  // Pressed again, nothing else is decided: the desk shows what it has.
  const again = await desk.post(`/desk/${office}/turns/${second}/decide`, { ...form, stage: 'confirm' })
  assert.equal(again.location, `/desk/${office}?done=moved`)
})

test('no address opens a waiting case, another office, or a case that is at another desk', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const other = await it.anOfficial('state-30' as OfficeId)
  const citizen = await it.aPerson()
  const waiting = await it.aSubmittedCase({ service })
  const [row] = await database.db.query<{ turn: string }>(
    'select t.turn from cases_turn t join cases_reference r on r.id = t.case_id where r.reference = $1',
    [waiting.reference],
  )
  const { turn } = row!
  const files = await database.db.query<{ id: string }>(
    'select f.id from cases_file f join cases_reference r on r.id = f.case_id where r.reference = $1',
    [waiting.reference],
  )
  const desk = await as(official)
  await desk.get(`/desk/${office}`)
  await desk.post(`/desk/${office}/on`, {})
  for (const url of [
    `/desk/${office}/turns/${turn}`,
    `/desk/${office}/cases`,
    `/desk/${office}/cases/${waiting.reference}`,
    `/desk/${office}/${waiting.reference}`,
    `/desk/${office}/search?q=PARD`,
    `/desk/${office}/files/${files[0]!.id}`,
    `/supervise/${office}/${waiting.reference}`,
  ]) {
    const answer = await desk.get(url)
    assert.ok([403, 404].includes(answer.status), `${url} answers ${answer.status}`)
    assert.ok(!answer.body.includes('Pacheco'), url)
  }
  // Acts on a turn that this desk has not called change nothing.
  await desk.get(`/desk/${office}`)
  for (const [act, form] of Object.entries({
    review: { result: 'ok', note: '' },
    decide: { result: 'granted', stage: 'confirm' },
    ask: { papers: 'residence', 'why-residence': 'missing' },
    hold: { days: '2' },
    absent: {},
    message: { words: 'Hola' },
  } as Record<string, Record<string, string>>)) {
    const answer = await desk.post(`/desk/${office}/turns/${turn}/${act}`, form)
    assert.equal(answer.location, `/desk/${office}?done=moved`, act)
  }
  const [still] = await database.db.query<{ state: string }>('select state from cases_turn where turn = $1', [turn])
  assert.equal(still!.state, 'waiting')
  assert.equal((await (await as(other)).get(`/desk/${office}`)).status, 403)
  assert.equal((await (await as(citizen)).get(`/desk/${office}`)).status, 403)
  assert.equal((await (await as(citizen)).get(`/supervise/${office}`)).status, 403)
  assert.equal((await (await as(official)).get(`/supervise/${office}`)).status, 403)
  assert.equal((await new Browser(web).get(`/desk/${office}`)).status, 303)
  assert.equal((await desk.get('/desk/no-such-office')).status, 404)
})

test('papers are asked for from the closed list only, all at once and once', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const { reference, applicant } = await it.aSubmittedCase({ service })
  const desk = await as(official)
  await desk.get(`/desk/${office}`)
  await desk.post(`/desk/${office}/on`, {})
  await desk.post(`/desk/${office}/next`, {})
  const page = await desk.get(`/desk/${office}`)
  const turn = turnIn(page)!
  const file = await desk.get(/\/desk\/[a-z0-9-]+\/files\/[\w-]+/.exec(page.body)![0])
  assert.match(String(file.headers['content-disposition']), /^attachment/)
  assert.match(String(file.headers['content-security-policy']), /sandbox/)
  assert.equal(file.headers['x-content-type-options'], 'nosniff')
  assert.match(file.body, /^%PDF/)

  const none = await desk.post(`/desk/${office}/turns/${turn}/ask`, {})
  assert.equal(none.status, 422)
  const unlisted = await desk.post(`/desk/${office}/turns/${turn}/ask`, { papers: 'bank-statement', 'why-bank-statement': 'missing' })
  assert.equal(unlisted.status, 422)
  const whim = await desk.post(`/desk/${office}/turns/${turn}/ask`, { papers: 'residence', 'why-residence': 'because' })
  assert.equal(whim.status, 422)
  assert.equal((await it.cases.filings.peek(applicant, reference)).state, 'open')
  await desk.get(`/desk/${office}`)
  const asked = await desk.post(`/desk/${office}/turns/${turn}/ask`, {
    papers: 'residence',
    'why-residence': 'unreadable',
    note: 'Salió oscura',
  })
  assert.equal(asked.location, `/desk/${office}?done=asked`)
  assert.equal((await it.cases.filings.peek(applicant, reference)).state, 'asked')
  await it.cases.filings.answerRequest(applicant, reference, true)
  await desk.get(`/desk/${office}`)
  await desk.post(`/desk/${office}/next`, {})
  const back = await desk.get(`/desk/${office}`)
  assert.match(wordsOf(back), /La persona dijo que ya lo entregó/)
  assert.ok(!actionsOf(back).some((a) => a.endsWith('/ask')))
  await desk.post(`/desk/${office}/turns/${turn}/review`, { result: 'ok', note: '' })
})

test('a conflict is declared by number; the page shows how many and never whom', async () => {
  const { office } = anOffice()
  const official = await it.anOfficial(office)
  const desk = await as(official)
  await desk.get(`/desk/${office}/conflicts`)
  const bad = await desk.post(`/desk/${office}/conflicts`, { identity: 'mi primo' })
  assert.equal(bad.status, 422)
  const curp = aCurp(4000)
  for (const identity of [curp, curp.toLowerCase()]) {
    const good = await desk.post(`/desk/${office}/conflicts`, { identity })
    assert.equal(good.location, `/desk/${office}/conflicts?done=declared`)
  }
  const page = await desk.get(`/desk/${office}/conflicts`)
  assert.match(wordsOf(page), /Tiene 1 conflicto declarado/)
  assert.doesNotMatch(page.body, new RegExp(curp))
  const unknown = await desk.post(`/desk/${office}/conflicts/withdraw`, { withdrawn: aCurp(4001) })
  assert.equal(unknown.status, 422)
  assert.match(unknown.body, /href="#withdrawn"/)
  const gone = await desk.post(`/desk/${office}/conflicts/withdraw`, { withdrawn: curp })
  assert.equal(gone.location, `/desk/${office}/conflicts?done=withdrawn`)
  const none = await desk.get(gone.location!)
  assert.match(wordsOf(none), /Tiene 0 conflictos declarados/)
  assert.ok(!actionsOf(none).includes(`/desk/${office}/conflicts/withdraw`))
  const stranger = await as(await it.anOfficial('state-30' as OfficeId))
  await stranger.get('/desk/state-30/conflicts')
  assert.equal((await stranger.post(`/desk/${office}/conflicts/withdraw`, { withdrawn: curp })).status, 403)
})

test('the office page and its wall display show places and loads to anyone, and no person', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const first = await it.aSubmittedCase({ service })
  await it.aSubmittedCase({ service })
  await it.cases.desks.goOn(official, office)
  await it.cases.desks.next(official, office)
  const served = (await it.cases.desks.current(official, office))!
  const anyone = new Browser(web)
  const page = await anyone.get(`/offices/${office}`)
  assert.equal(page.status, 200)
  assert.ok(page.body.includes(`v-ticket__number">${served.turn.state.place}<`))
  assert.match(wordsOf(page), /Hay \d+ turnos? en espera/)
  assert.match(wordsOf(page), /Sin número no ha presentado nada/)
  const wall = await anyone.get(`/offices/${office}/now`)
  assert.equal(wall.status, 200)
  assert.match(String(wall.headers['cache-control']), /^public, max-age=[1-5]$/)
  assert.equal(wall.headers['set-cookie'], undefined)
  assert.match(wall.body, /http-equiv="refresh" content="15"/)
  assert.ok(wall.body.includes(`v-now__number">${served.turn.state.place}<`))
  for (const { body } of [page, wall])
    for (const private_ of ['Daniela', 'PARD010719', first.reference, served.turn.state.turn, served.c.id, served.applicant.name])
      assert.ok(!body.includes(private_), private_)
  assert.equal((await anyone.get('/offices/nowhere')).status, 404)

  await it.cases.desks.review(official, office, served.turn.state.turn, { result: 'ok', note: '' })
  const after = wordsOf(await anyone.get(`/offices/${office}`))
  assert.match(after, new RegExp(`${deskName(served.desk.state.desk)} 1 0 minutos 0 0 0 0 Toda la fila 1 0 minutos`))
  const supervisor = await as(await it.aSupervisor(office))
  const loads = await supervisor.get(`/supervise/${office}`)
  assert.equal(loads.status, 200)
  assert.match(wordsOf(loads), /En espera \d+/)
  assert.deepEqual(actionsOf(loads), [])
  assert.ok(!loads.body.includes(served.turn.state.turn) && !loads.body.includes(first.reference))
})

test('at the counter the person present gets a case of their own, and confirms it', async () => {
  const { office, service } = anOffice()
  const clerk = await it.aClerk(office)
  const counter = await as(clerk)
  await counter.get(`/counter/${office}`)
  const shown = { identity: aCurp(5000), name: 'Ofelia Marín Cob', service }
  for (const [field, value] of [
    ['identity', 'X'],
    ['name', ''],
    ['service', 'federal/sat/rfc'],
  ] as const) {
    const bad = await counter.post(`/counter/${office}`, { ...shown, [field]: value })
    assert.equal(bad.status, 422, field)
    assert.match(bad.body, new RegExp(`href="#${field}"`))
  }
  const met = await counter.post(`/counter/${office}`, shown)
  assert.equal(met.status, 200)
  assert.match(wordsOf(met), /La clave se muestra esta única vez/)
  const reference = /href="\/cases\/([\w-]+)"/.exec(met.body)![1]! as never
  await it.fill(clerk, reference, licenceAnswers)
  // The clerk goes on in the pages that anyone uses, up to the printed receipt.
  const review = await counter.get(`/cases/${reference}/review`)
  assert.equal(review.status, 200)
  assert.match(wordsOf(review), /Ofelia Marín Cob/)
  const filed = await counter.post(`/cases/${reference}/submit`, {})
  assert.equal(filed.location, `/cases/${reference}/receipt`)
  const receipt = await counter.get(filed.location!)
  assert.equal(receipt.status, 200)
  assert.ok(receipt.body.includes(`/counter/${office}/cases/${reference}/confirm`))
  const c = await it.cases.filings.peek(clerk, reference)
  assert.deepEqual([c.state, c.channel, c.takenBy], ['open', 'counter', clerk.person])

  // Known already: on to the form, and nothing of the account is told.
  await counter.get(`/counter/${office}`)
  const again = await counter.post(`/counter/${office}`, { ...shown, name: 'Otro Nombre' })
  assert.equal(again.status, 303)
  assert.match(again.location!, /^\/cases\//)

  await counter.get(`/counter/${office}/cases/${reference}/confirm`)
  const asked = await counter.post(`/counter/${office}/cases/${reference}/confirm`, { how: 'email', email: 'ofelia@test.invalid' })
  assert.equal(asked.status, 200)
  const wrong = await counter.post(`/counter/${office}/cases/${reference}/confirm`, { how: 'code', code: '000000' })
  assert.equal(wrong.status, 422)
  const code = await it.codeFor('ofelia@test.invalid')
  const right = await counter.post(`/counter/${office}/cases/${reference}/confirm`, { how: 'code', code })
  assert.equal(right.status, 303)
  assert.match(wordsOf(await counter.get(right.location!)), /confirmó con un código/)
  const kinds = async () =>
    (
      await database.db.query<{ kind: string }>(
        'select e.kind from cases_event e join cases_reference r on r.id = e.case_id where r.reference = $1 order by seq',
        [reference],
      )
    ).map((e) => e.kind)
  assert.deepEqual(await kinds(), ['submitted', 'confirmed-by-code'])
  await counter.post(`/counter/${office}/cases/${reference}/confirm`, { how: 'paper' })
  await counter.post(`/counter/${office}/cases/${reference}/confirm`, { how: 'paper' })
  assert.deepEqual(await kinds(), ['submitted', 'confirmed-by-code', 'signed-on-paper'])

  const stranger = await as(await it.aClerk(office))
  assert.equal((await stranger.get(`/counter/${office}/cases/${reference}/confirm`)).status, 404)
  assert.equal((await (await as(await it.aClerk('state-30' as OfficeId))).get(`/counter/${office}`)).status, 403)

  const restored = await counter.post(`/counter/${office}/restore`, { identity: shown.identity, name: shown.name, email: '' })
  assert.equal(restored.status, 200)
  assert.match(wordsOf(restored), /Clave/)
  assert.equal((await counter.post(`/counter/${office}/restore`, { identity: aCurp(5001), name: 'Nadie', email: '' })).status, 422)
})

test('a telephone confirms a filing at the counter; one that stands for three people serves no fourth', async () => {
  const { office, service } = anOffice()
  const clerk = await it.aClerk(office)
  const counter = await as(clerk)
  for (const n of [1, 2, 3, 4]) {
    await counter.get(`/counter/${office}`)
    const met = await counter.post(`/counter/${office}`, { identity: aCurp(5200 + n), name: `Vecina Número ${n}`, service })
    const reference = /href="\/cases\/([\w-]+)"/.exec(met.body)![1]! as Reference
    await it.fill(clerk, reference, licenceAnswers)
    await it.cases.submit({ person: clerk.person, reference, clerkAt: [office] })
    const url = `/counter/${office}/cases/${reference}/confirm`
    assert.match((await counter.get(url)).body, /Correo o teléfono de la persona/)
    if (n === 1) assert.match(wordsOf(await counter.post(url, { how: 'email', email: '55 1234' })), /los diez números de un teléfono/)
    const asked = await counter.post(url, { how: 'email', email: '55 4711 0815' })
    if (n === 4) {
      assert.equal(asked.status, 422)
      assert.match(wordsOf(asked), /lo hace como gestor registrado/)
      continue
    }
    const right = await counter.post(url, { how: 'code', code: await it.codeFor('+525547110815') })
    assert.equal(right.status, 303, wordsOf(right))
    assert.equal((await it.people.person(it.db, (await store.caseByReference(it.db, reference))!.applicant))!.phone, '+525547110815')
  }
})

test('who has a contact confirms at the counter by a code to it, of which the counter learns nothing', async () => {
  const { office, service } = anOffice()
  const clerk = await it.aClerk(office)
  const counter = await as(clerk)
  const known = await it.aPerson({ identity: aCurp(5200) })
  const { email } = (await it.people.person(database.db, known.person))!
  const file = async (more: Record<string, string> = {}) => {
    await counter.get(`/counter/${office}`)
    const met = await counter.post(`/counter/${office}`, { identity: aCurp(5200), name: 'Jacinta Uc', service, ...more })
    const reference = met.location!.split('/').at(-1) as never
    await it.fill(clerk, reference, { ...licenceAnswers, ...more })
    return reference
  }
  const reference = await file()
  await it.cases.submit({ person: clerk.person, reference, clerkAt: [office] })
  const url = `/counter/${office}/cases/${reference}/confirm`
  const page = await counter.get(url)
  assert.ok(!page.body.includes(email!) && !page.body.includes('name="email"'))
  // A clerk adds no address to an account that has one, whatever is posted.
  await counter.post(url, { how: 'email', email: 'clerk@test.invalid' })
  await assert.rejects(it.codeFor('clerk@test.invalid'))
  const asked = await counter.post(url, { how: 'contact' })
  assert.equal(asked.status, 200)
  assert.ok(!asked.body.includes(email!))
  const code = await it.codeFor(email!)
  assert.equal((await counter.post(url, { how: 'contact-code', code: code === '000000' ? '000001' : '000000' })).status, 422)
  // The code signs nobody in and proves no contact.
  const thief = new Browser(web)
  for (const [name, value] of counter.cookies) if (!name.includes('session')) thief.cookies.set(name, value)
  await thief.get('/sign-in/code')
  assert.notEqual((await thief.post('/sign-in/code', { code })).status, 303)
  await counter.get('/me/contacts/code')
  assert.notEqual((await counter.post('/me/contacts/code', { code })).status, 303)
  // In another browser it is worth nothing.
  const elsewhere = await as(clerk)
  await elsewhere.get(url)
  assert.equal((await elsewhere.post(url, { how: 'contact-code', code })).status, 422)
  await counter.get(url)
  assert.equal((await counter.post(url, { how: 'contact-code', code })).location, url)
  assert.match(wordsOf(await counter.get(url)), /confirmó con un código/)
  assert.equal((await counter.post(url, { how: 'contact-code', code })).status, 422)
  assert.deepEqual(
    (await store.eventsOf(database.db, await it.cases.filings.peek(clerk, reference))).map((e) => e.kind),
    ['submitted', 'confirmed-by-code'],
  )
})

test('a report is counted for all to see and opens with the control body’s key alone', async () => {
  const { office } = anOffice()
  const anyone = new Browser(web)
  await anyone.get(`/offices/${office}`)
  const pressed = await anyone.post('/reports', { office, step: 'decision', reference: '', day: '2026-11-23', words: '' })
  assert.equal(pressed.status, 200)
  const hiddenIn = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(pressed.body)![1]!
  const carried = Object.fromEntries(['office', 'step', 'reference', 'day', 'id', 'until', 'token'].map((n) => [n, hiddenIn(n)]))
  const forged = await anyone.post('/reports/words', { ...carried, id: '0193594e-0000-7000-8000-000000000000', words: 'x' })
  assert.equal(forged.status, 403)
  await anyone.post('/reports/words', { ...carried, words: 'Quinientos pesos por pasar antes' })
  assert.match(wordsOf(await anyone.get(`/offices/${office}`)), /hay 1 reporte de esta oficina/)

  const rows = await database.db.query<{ sealed: Buffer }>('select sealed from cases_report')
  assert.equal(rows.length, 1)
  assert.ok(!rows[0]!.sealed.includes('Quinientos'))
  const control = await as(await it.aControl())
  const lines = (await control.get('/control/reports')).body
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l))
  const pem = await readFile(join(it.folder, 'keys', 'control-private.pem'), 'utf8')
  const opened = JSON.parse(openAsControl(pem, Buffer.from(lines[0].sealed, 'base64'), lines[0].about).toString())
  assert.deepEqual(
    [opened.words, opened.office, opened.step, opened.day],
    ['Quinientos pesos por pasar antes', office, 'decision', '2026-11-23'],
  )
  const official = await as(await it.anOfficial(office))
  assert.equal((await official.get('/control/reports')).status, 403)
  // A day that cannot be is the day it was sent; an office that is not is refused.
  await anyone.get(`/offices/${office}`)
  await anyone.post('/reports', { office, day: '2031-01-01' })
  const days = await database.db.query<{ day: string }>('select day from cases_report order by id desc limit 1')
  assert.equal(days[0]!.day, '2026-11-24')
  assert.equal((await anyone.post('/reports', { office: 'nowhere' })).status, 404)
  for (const until of ['', 'NaN', '1e400', '-1'])
    assert.equal((await anyone.post('/reports/words', { ...carried, until, words: 'x' })).status, 403, until)
  // Nobody makes a hundred of them from one telephone.
  let sent = 0
  for (; sent < 40; sent++) if ((await anyone.post('/reports', { office })).status === 429) break
  assert.ok(sent < 40)
})

test('who took a filing reads it while the person is there, and neither the next day, nor its decision, nor the way into an account', async () => {
  const { office, service } = anOffice()
  const clerk = await it.aClerk(office)
  let counter = await as(clerk)
  const { filings, receipts } = it.cases
  const file = async (identity: string) => {
    await counter.get(`/counter/${office}`)
    const met = await counter.post(`/counter/${office}`, { identity, name: 'Eusebio Tun Pech', service })
    const reference = (met.location ?? /href="(\/cases\/[\w-]+)"/.exec(met.body)![1]!).split('/').at(-1) as never
    await it.fill(clerk, reference, licenceAnswers)
    await it.cases.submit({ person: clerk.person, reference, clerkAt: [office] })
    // What the job prints, without waiting for it.
    await it.db.tx(async (tx) => {
      const c = await filings.peek(clerk, reference)
      const [secret] = await it.people.allowReceipts(tx, [{ reference, person: c.applicant }])
      const open = await it.deps.vault.use(tx, c, { person: null, office: null, purpose: 'print' })
      await store.setReceipt(tx, c, open.seal('receipt', secret))
    })
    return reference
  }
  const secretOn = async (reference: string) =>
    /<strong class="v-code">([^<]{12,})<\/strong>/.exec((await counter.get(`/cases/${reference}/receipt`)).body)?.[1]

  // Somebody new has no other way in; somebody who has one keeps it for themselves.
  const mine = await file(aCurp(5100))
  assert.ok(await secretOn(mine))
  const known = await it.aPerson({ identity: aCurp(5101) })
  const theirs = await file(aCurp(5101))
  assert.equal(await secretOn(theirs), undefined)
  assert.match(wordsOf(await counter.get(`/cases/${theirs}/receipt`)), /Usted ya tiene cómo entrar a su cuenta/)
  assert.ok((await receipts.read(known, theirs)).s.receipt?.secret)

  await filings.write(known, theirs, 'Es para trabajar')
  assert.doesNotMatch((await counter.get(`/cases/${theirs}`)).body, /Es para trabajar/)
  it.clock.advance(24 * 60 * minuteMs)
  counter = await as(clerk)
  for (const path of ['', '/receipt', '/receipt.pdf', '/proof', '/papers', '/decision', '/decision.pdf', '/decision.json'])
    assert.equal((await counter.get(`/cases/${theirs}${path}`)).status, 404, path)
  assert.equal((await counter.get(`/counter/${office}/cases/${theirs}/confirm`)).status, 404)
  // Papers that were asked for may be brought to the counter, and then it is over again.
  const official = await it.anOfficial(office)
  await it.cases.desks.goOn(official, office)
  await it.cases.desks.next(official, office)
  await it.cases.desks.askPapers(
    official,
    office,
    (await it.cases.desks.current(official, office))!.turn.state.turn,
    [{ id: 'residence', why: 'missing' }],
    '',
  )
  it.clock.advance(minuteMs)
  assert.equal((await counter.get(`/cases/${mine}/papers`)).status, 200)
  await filings.attach(clerk, mine, 'residence', { name: 'otra.pdf', stream: aPdf() })
  await filings.answerRequest(clerk, mine, false)
  assert.equal((await counter.get(`/cases/${mine}/papers`)).status, 404)
})

test('a turn that nobody of an office may serve is plain to its supervisor and to the administrator, with nothing to pick', async () => {
  const { office, service } = anOffice()
  const official = await it.anOfficial(office)
  const supervisor = await as(await it.aSupervisor(office))
  const applicant = await it.aPerson({ identity: aCurp(5300), name: 'Perla Canul Ek' })
  const admin = await it.anAdministrator()
  const administrator = await as(admin)
  assert.doesNotMatch(wordsOf(await administrator.get('/admin/turns')), /Número/)
  await it.cases.desks.declareConflict(official, office, aCurp(5300))
  it.clock.advance(minuteMs)
  const { reference } = await it.aSubmittedCase({ service, by: applicant })
  await it.cases.desks.goOn(official, office)
  assert.equal(await it.cases.desks.next(official, office), false)
  for (const page of [await supervisor.get(`/supervise/${office}`), await administrator.get('/admin/turns')]) {
    assert.equal(page.status, 200)
    assert.match(wordsOf(page), /1 turno no tiene quien lo atienda en esta oficina/)
    assert.deepEqual(actionsOf(page), [])
    for (const hidden of [reference, 'Perla', aCurp(5300), '/turns/']) assert.ok(!page.body.includes(hidden), hidden)
  }
  assert.match((await administrator.get('/admin/turns')).body, new RegExp(`/admin/people\\?office=${office}#give`))
  assert.match(wordsOf(await administrator.get('/desk')), /Personas y encargos Turnos que nadie puede atender/)
  assert.match((await administrator.get(`/admin/people?office=${office}`)).body, new RegExp(`name="office"[^>]*value="${office}"`))
  // A role over an office that is not, or of an administrator over one office, looks like something and gives nothing.
  for (const [role, at] of [
    ['official', 'state-99'],
    ['admin', office],
  ] as const)
    assert.equal((await administrator.post('/admin/people/give', { email: 'nueva@test.invalid', role, office: at })).status, 422, role)
  for (const other of [supervisor, await as(official)]) assert.equal((await other.get('/admin/turns')).status, 403)
})

test('what comes next is told in the order of the rule, not of the places alone', () => {
  const shared = { rule: { kind: 'shared', priority: 1, of: 3 }, count: 0 } as const
  const waiting = [2, 3, 4]
    .map((place) => ({ class: 'general' as const, place }))
    .concat([5, 6].map((place) => ({ class: 'priority' as never, place })))
  assert.deepEqual(upcoming(shared, waiting, 5), [5, 2, 3, 6, 4])
  assert.deepEqual(upcoming({ ...shared, count: 1 }, waiting, 3), [2, 3, 5])
  assert.deepEqual(upcoming({ rule: { kind: 'first-come' }, count: 0 }, waiting, 9), [2, 3, 4, 5, 6])
})

test('what all these pages did replays without a finding', async () => {
  const replay = await it.replay()
  assert.deepEqual(replay.findings, [])
  assert.ok(replay.acts > 20)
})
