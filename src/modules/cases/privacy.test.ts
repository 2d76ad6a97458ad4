import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { registerCases } from '#cases'
import type { OfficeId, Reference, ServiceId } from '#kernel/id'
import { assetFolder } from '#look'
import { openWeb, type SignedIn, type Web } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { Browser } from '../people/testing.ts'
import * as store from './store.ts'
import { aCurp, licenceAnswers, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
let web: Web
/** How often each case's key was taken out of its wrapping, by case. */
const opened = new Map<string, number>()
before(async () => {
  database = await testDatabase()
  it = await openTestCases({ db: database.db })
  const { unwrap } = it.keys
  it.keys.unwrap = (wrapped) => {
    const name = wrapped.toString('hex')
    opened.set(name, (opened.get(name) ?? 0) + 1)
    return unwrap(wrapped)
  }
  web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost:3000',
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: randomBytes(32),
    assetsFolder: assetFolder,
    log: false,
    identify: it.people.identify,
  })
  it.people.register(web)
  it.messages.register(web)
  registerCases(web, it.cases)
})
after(async () => {
  await web.close()
  await it.close()
  await database.close()
})

const office = 'state-14' as OfficeId
const service = 'state/drivers-licence@14' as ServiceId

/** What nobody but those concerned may read, each as it was typed. */
const told = {
  name: 'Itzel Nayeli Zárate Xicoténcatl',
  // Of no example: those are kept beside the definitions.
  curp: aCurp(4711),
  home: 'Privada del Ajolote 4711, Colonia Chapulín, 44100, Guadalajara, Jalisco',
  phone: '3398761234',
  fileName: 'recibo-de-luz-de-itzel.pdf',
  fileContent: 'Consumo de energia de la casa del ajolote',
  message: 'Mi hermana Tonantzin entrega el recibo',
  answer: 'El recibo de Tonantzin no se alcanza a leer',
  askNote: 'La fotografia del recibo salio movida',
  reviewNote: 'Aprobo el examen con noventa y siete puntos',
  decisionNote: 'Queda obligada a usar lentes de aumento',
  report: 'El del bigote me pidio quinientos pesos',
}
const person = { name: 'Eréndira Tzintzun Huapeo', identity: 'PAUR900101HDFBCD09' }

/** Everything that can happen to a case, with all that people say in it. */
async function aWholeJourney(): Promise<{ applicant: SignedIn; official: SignedIn; reference: Reference }> {
  const { filings, desks } = it.cases
  const applicant = await it.aPerson({ name: person.name })
  const official = await it.anOfficial(office)
  const reference = await filings.start(applicant, { service })
  const answers = { ...licenceAnswers, fullname: told.name, curp: told.curp, home: told.home, emergency: told.phone }
  const pdf = (more = '') => Readable.from([Buffer.from(`%PDF-1.4\n${told.fileContent}${more}\n%%EOF\n`)])
  await it.fill(applicant, reference, answers)
  const [first] = (await filings.read(applicant, reference)).files
  await filings.detach(applicant, reference, first!.id)
  await filings.attach(applicant, reference, 'residence', { name: told.fileName, stream: pdf() })
  await filings.claim(applicant, reference, 'disability')
  await it.cases.submit({ person: applicant.person, reference })
  await it.jobs.drain()
  await filings.write(applicant, reference, told.message)
  await desks.goOn(official, office)
  await desks.next(official, office)
  const served = (await desks.current(official, office))!
  const { turn } = served.turn.state
  await desks.file(official, office, served.files[0]!.id)
  await desks.write(official, office, turn, told.answer)
  await desks.askPapers(official, office, turn, [{ id: 'residence', why: 'unreadable' }], told.askNote)
  it.clock.advance(60_000)
  await filings.attach(applicant, reference, 'residence', { name: told.fileName, stream: pdf(' nuevo') })
  await filings.answerRequest(applicant, reference, false)
  await filings.withdraw(applicant, reference)
  await filings.undoWithdrawal(applicant, reference)
  await desks.next(official, office)
  await desks.review(official, office, turn, { result: 'ok', note: told.reviewNote })
  const decision = (await desks.current(official, office))!
  assert.equal(decision.c.reference, reference)
  await desks.decide(official, office, decision.turn.state.turn, { result: 'granted', reasons: [], note: told.decisionNote })
  await it.jobs.drain()
  await it.publiclog.publishNow()
  // Every page on which the case is read.
  const cookie = await it.cookieOf(applicant)
  const found = await filings.read(applicant, reference)
  for (const url of [
    `/cases/${reference}`,
    `/cases/${reference}/receipt`,
    `/cases/${reference}/proof`,
    `/cases/${reference}/decision`,
    `/cases/${reference}/receipt.pdf`,
    `/cases/${reference}/decision.pdf`,
    `/cases/${reference}/decision.json`,
    `/cases/${reference}/files/${found.files[0]!.id}`,
    '/my-line',
    '/inbox',
  ]) {
    const answer = await web.app.inject({ url, headers: { cookie } })
    assert.ok(answer.statusCode < 400, `${url}: ${answer.statusCode}`)
  }
  const browser = new Browser(web)
  const csrf = /name="_csrf" value="([^"]+)"/.exec((await browser.get(`/offices/${office}`)).body)![1]!
  const reported = await web.app.inject({
    method: 'POST',
    url: '/reports',
    cookies: Object.fromEntries(browser.cookies),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ _csrf: csrf, office, step: 'test', reference, day: '2026-11-24', words: told.report }).toString(),
  })
  assert.equal(reported.statusCode, 200)
  await it.jobs.drain()
  return { applicant, official, reference }
}

/** The ways in which words could lie in a row's text: as they are, escaped, or as bytes in hexadecimal or base64 at any offset. */
function shapes(words: string): string[] {
  const bytes = Buffer.from(words)
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '')
    // The first and the last character depend on the neighbours.
    return whole.slice(shift === 0 ? 0 : shift + 1, -2)
  })
  const latin1 = Buffer.from(words, 'latin1').toString('hex')
  const utf16 = Buffer.from(words, 'utf16le').toString('hex')
  return [
    words,
    words.normalize('NFD'),
    words.toLocaleLowerCase('es'),
    words.toLocaleUpperCase('es'),
    JSON.stringify(words).slice(1, -1),
    encodeURIComponent(words),
    bytes.toString('hex'),
    latin1,
    utf16,
    ...base64,
    ...base64.map((b) => b.replaceAll('+', '-').replaceAll('/', '_')),
  ]
}

/** Every row of every table, as text: bytes are in hexadecimal. */
async function dump(): Promise<Map<string, string[]>> {
  const tables = await it.db.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  const all = new Map<string, string[]>()
  for (const { name } of tables) {
    const rows = await it.db.query<{ row: string }>(`select t::text as row from ${name} t`)
    all.set(
      name,
      rows.map((r) => r.row),
    )
  }
  return all
}

/** The tables in which these words stand, in any shape. */
function where(all: Map<string, string[]>, words: string): string[] {
  const looked = shapes(words)
  return [...all].filter(([, rows]) => rows.some((row) => looked.some((s) => row.includes(s)))).map(([name]) => name)
}

/** Every file below a folder whose bytes hold these words, in any shape. */
function filesWith(folder: string, words: string): string[] {
  const looked = shapes(words)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .filter((path) => {
      const bytes = readFileSync(path)
      const [text, hex] = [bytes.toString('latin1'), bytes.toString('hex')]
      return looked.some((s) => text.includes(Buffer.from(s).toString('latin1')) || path.includes(s) || hex.includes(s))
    })
}

let journey: Awaited<ReturnType<typeof aWholeJourney>>

test('a whole journey leaves none of what people said in the database, the log or the files, and their names only with people', async () => {
  journey = await aWholeJourney()
  const all = await dump()
  assert.ok([...all.values()].flat().length > 200)
  for (const [what, words] of Object.entries(told)) {
    assert.deepEqual(where(all, words), [], `${what} stands in the database`)
    for (const folder of ['log', 'files']) assert.deepEqual(filesWith(join(it.folder, folder), words), [], `${what} stands in ${folder}`)
  }
  const holder = (await it.people.person(it.db, journey.applicant.person))!
  const email = (await it.db.query<{ email: string }>('select email from people_contact where person = $1', [holder.id]))[0]!.email
  const clerk = (await it.people.person(it.db, journey.official.person))!
  for (const words of [person.name, holder.identities[0]!.value, email, clerk.name!]) {
    const tables = where(all, words)
    assert.ok(tables.length > 0 && tables.every((t) => t.startsWith('public.people_')), `${words} stands in ${tables}`)
    for (const folder of ['log', 'files']) assert.deepEqual(filesWith(join(it.folder, folder), words), [])
  }
  // Nor does the log say which case, turn or person a receipt belongs to.
  const entries = JSON.stringify(await it.entries())
  const c = (await store.caseByReference(it.db, journey.reference))!
  for (const id of [journey.reference, c.id, c.applicant, journey.official.person]) assert.ok(!entries.includes(id))
})

test('the search itself finds what is there: as text, as bytes, and in base64', async () => {
  const words = 'Frase plantada en la prueba'
  const c = (await store.caseByReference(it.db, journey.reference))!
  for (const [plant, sealed] of [
    [JSON.stringify({ words }), null],
    ['{}', Buffer.from(`...${words}...`)],
    [JSON.stringify({ box: Buffer.from(`a${words}b`).toString('base64url') }), null],
    [JSON.stringify({ box: Buffer.from(`ab${words}`).toString('base64') }), null],
  ] as const) {
    await it.db.query('update cases_event set data = $2, sealed = $3 where case_id = $1 and seq = 2', [c.id, plant, sealed])
    assert.deepEqual(where(await dump(), words), ['public.cases_event'], plant)
  }
  assert.deepEqual(where(await dump(), office).includes('public.cases_line'), true)
})

test('every use of a case’s key is told to its person: as many as there were, with who, where and why', async () => {
  const c = (await store.caseByReference(it.db, journey.reference))!
  const uses = await it.db.query<{ actor: string | null; office: string | null; purpose: string; subject: string; case_reference: string }>(
    'select actor, office, purpose, subject, case_reference from people_use where key_id = $1',
    [c.id],
  )
  // One more: the key of a new draft is made and used without having been wrapped.
  assert.equal(uses.length, opened.get(c.key.toString('hex'))! + 1)
  assert.ok(uses.length > 20)
  assert.ok(uses.every((u) => u.subject === journey.applicant.person && u.case_reference === journey.reference))
  const by = (actor: string | null) => [...new Set(uses.filter((u) => u.actor === actor).map((u) => u.purpose))].sort()
  assert.deepEqual(by(journey.official.person), ['decide', 'message', 'serve'])
  assert.ok(uses.every((u) => (u.actor === journey.official.person ? u.office === office : u.office === null)))
  assert.deepEqual(by(null), ['print'])
  // And on their page.
  const cookie = await it.cookieOf(journey.applicant)
  let shown = 0
  let next: string | undefined = '/me/uses'
  while (next) {
    const answer: { body: string; statusCode: number } = await web.app.inject({ url: next, headers: { cookie } })
    assert.equal(answer.statusCode, 200)
    // What the same person did again with the same case, one time after the other, is one line that says how often.
    shown += answer.body.split(journey.reference).length - 1
    for (const [, times] of answer.body.matchAll(/\((\d+) veces\)/g)) shown += Number(times) - 1
    next = /href="(\/me\/uses\?before=[^"]+)"/.exec(answer.body)?.[1]
  }
  assert.equal(shown, uses.length)
})

test('a use that cannot be recorded opens nothing', async () => {
  const { reference, applicant } = await it.aSubmittedCase({ service })
  const c = (await store.caseByReference(it.db, reference))!
  const before = opened.get(c.key.toString('hex'))
  await it.db.query(
    `create function no_uses() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$;
     create trigger no_uses before insert on people_use for each statement execute function no_uses()`,
  )
  try {
    await assert.rejects(it.cases.filings.read(applicant, reference), /the disk is full/)
    assert.equal(opened.get(c.key.toString('hex')), before)
  } finally {
    await it.db.query('drop trigger no_uses on people_use; drop function no_uses()')
  }
})

test('what is sealed in one case, or under one name, opens in no other', async () => {
  const [a, b] = [await it.aSubmittedCase({ service }), await it.aSubmittedCase({ service })]
  const vaultOf = async (f: typeof a) => (await it.cases.filings.read(f.applicant, f.reference)).vault
  const [va, vb] = [await vaultOf(a), await vaultOf(b)]
  const box = va.seal('answers', { words: 'x' })
  assert.deepEqual(va.open('answers', box), { words: 'x' })
  assert.throws(() => va.open('decision', box))
  assert.throws(() => vb.open('answers', box))
  // Answers exchanged in SQL are not shown as another's.
  await it.db.query(`update cases_case c set answers = o.answers from cases_case o where c.reference = $1 and o.reference = $2`, [
    a.reference,
    b.reference,
  ])
  await assert.rejects(it.cases.filings.read(a.applicant, a.reference))
})
