import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { registerCases } from '#cases'
import { canonicalBytes } from '#kernel/canonical'
import { opens, sha256Hex } from '#kernel/commitment'
import { newReference, type Reference, randomId, type TurnId } from '#kernel/id'
import { assetFolder } from '#look'
import { explain, openTrust, verifyPaper, verifyPdf } from '#signing/verify'
import { openWeb, type SignedIn, type Web } from '#web'
import { audit, browserMissing, openBrowser, openPage } from '../../../test/support/browser.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { Browser } from '../people/testing.ts'
import { packOpenings, paperMark, unpackOpenings } from './check.ts'
import { makeDecision } from './decision.ts'
import { paperPdf } from './paper-pdf.ts'
import * as store from './store.ts'
import { licenceOffice as office, openTestCases, type TestCases } from './testing.ts'

let database: TestDatabase
let it: TestCases
let web: Web
let publicUrl: string
let official: SignedIn

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
    csrfSecret: randomBytes(32),
    assetsFolder: assetFolder,
    log: false,
    identify: it.people.identify,
  })
  it.people.register(web)
  it.catalogue.register(web, { demo: false, publicUrl: 'http://localhost:3000', waitOf: async () => null })
  registerCases(web, it.cases)
  publicUrl = await web.listen()
  official = await it.anOfficial()
  await it.cases.desks.goOn(official, office)
})
after(async () => {
  await web.close()
  await it.close()
  await database.close()
})

type Filed = { reference: Reference; applicant: SignedIn }

/** Serves whoever is next until this case is decided. */
async function decide(filed: Filed, result: 'granted' | 'refused' = 'granted'): Promise<void> {
  const { desks } = it.cases
  await desks.next(official, office)
  for (;;) {
    it.clock.advance(60_000)
    const served = await desks.current(official, office)
    assert.ok(served, 'somebody is served')
    const { turn } = served.turn.state
    if (served.step.kind === 'review') await desks.review(official, office, turn, { result: 'ok', note: '' })
    else {
      const reasons = result === 'refused' ? [served.service.definition.reasons[0]!.id] : []
      await desks.decide(official, office, turn, { result, reasons, note: '' })
      if (served.c.reference === filed.reference) break
    }
  }
  await it.publiclog.publishNow()
}

const caseOf = async (reference: Reference) => (await store.caseByReference(it.db, reference))!
const inject = async (url: string, visitor: SignedIn) => web.app.inject({ url, headers: { cookie: await it.cookieOf(visitor) } })
const { parse } = JSON

/** A trust list with the portal's own authority on it. */
const ownTrust = async () =>
  openTrust([{ certificate: await readFile(join(it.folder, 'keys', 'authority', 'root.cer')), vouches: ['seals', 'timestamps'] }])

/** What a check page answers: not its templates, which hold every answer there can be. */
const answerIn = (body: string) => body.slice(0, body.indexOf('<div id="check-result"'))
const checked = async (code: string) => answerIn((await web.app.inject({ url: `/check/${code}` })).body)

/** Sends a file to the check page as a browser would. */
async function upload(bytes: Buffer, field = 'file'): Promise<{ status: number; body: string }> {
  const browser = new Browser(web)
  const form = (await browser.get('/check')).body
  const csrf = /name="_csrf" value="([^"]+)"/.exec(form)![1]!
  const boundary = 'a-boundary-that-no-paper-holds'
  const head = field === 'file' ? `name="file"; filename="paper"\r\ncontent-type: application/octet-stream` : `name="${field}"`
  const payload = Buffer.concat([
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="_csrf"\r\n\r\n${csrf}\r\n--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n`,
    ),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
  const answer = await web.app.inject({
    method: 'POST',
    url: '/check',
    payload,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    cookies: Object.fromEntries(browser.cookies),
  })
  return { status: answer.statusCode, body: answerIn(answer.body) }
}

test('the receipt bears number, place, deadline, closed list, secret, code, log and the way to say that money was asked for', async () => {
  const filed = await it.aSubmittedCase()
  const early = (await inject(`/cases/${filed.reference}/receipt`, filed.applicant)).body
  assert.match(early, /clave secreta se está preparando/)
  assert.match(early, /promesa firmada/)
  const promise = await inject(`/cases/${filed.reference}/proof`, filed.applicant)
  assert.match(promise.body, /ventanilla-log-promise/)
  await it.jobs.drain()
  await it.publiclog.publishNow()
  const page = (await inject(`/cases/${filed.reference}/receipt`, filed.applicant)).body
  const c = await caseOf(filed.reference)
  const [turn] = await store.turnsOf(it.db, c)
  assert.match(page, new RegExp(`v-ticket__number">${turn!.state.place}<`))
  for (const words of [
    filed.reference,
    'Sin número no ha presentado nada',
    'Lista cerrada de papeles',
    'Nadie puede pedirle otra cosa',
    'Clave secreta',
    'Me pidieron dinero',
    'recibido',
    'raíz ',
  ])
    assert.ok(page.includes(words), words)
  assert.match(
    page,
    /name="reference" value="[^"]+"><input type="hidden" name="step" value="test"><input type="hidden" name="office" value="state-09"/,
  )
  const packed = /\/check#([\w-]+)/.exec(page)![1]!
  assert.equal((await it.cases.checks.paper(packed)).why, 'ok')
  const proof = await inject(`/cases/${filed.reference}/proof`, filed.applicant)
  assert.match(String(proof.headers['content-disposition']), /\.tlog-proof"/)
  assert.match(proof.body, /^c2sp\.org\/tlog-proof@v1\n/)
})

test('the receipt is a sealed file with the words of its page and its record, checked alone, and never bears the secret', async (t) => {
  const filed = await it.aSubmittedCase({ by: await it.aPerson({ name: 'Željka Ñandú Müller' }) })
  const at = `/cases/${filed.reference}/receipt`
  const early = await inject(`${at}.pdf`, filed.applicant)
  assert.equal(early.statusCode, 200, 'it exists at once, with the promise')
  await it.jobs.drain()
  await it.publiclog.publishNow()
  const page = (await inject(at, filed.applicant)).body
  assert.ok(page.includes(`href="${at}.pdf"`))
  const pdf = await inject(`${at}.pdf`, filed.applicant)
  assert.equal(pdf.headers['content-type'], 'application/pdf')
  assert.equal(pdf.headers['content-disposition'], `attachment; filename="${filed.reference}.pdf"`)
  const checkedFile = await upload(pdf.rawPayload)
  assert.match(checkedFile.body, /Recibo auténtico/)

  if (!existsSync('/usr/bin/pdfinfo')) return t.diagnostic('The PDF was not opened: apt-get install -y poppler-utils')
  const read = async (bytes: Buffer) => {
    const file = join(it.folder, 'receipt.pdf')
    await writeFile(file, bytes)
    const attached = join(it.folder, 'receipt.json')
    execFileSync('pdfdetach', ['-save', '1', '-o', attached, file])
    const tool = (name: string, ...args: string[]) => execFileSync(name, args, { encoding: 'utf8' })
    return { file, tool, words: tool('pdftotext', file, '-'), json: await readFile(attached) }
  }
  const { record: promised } = parse((await read(early.rawPayload)).json.toString())
  assert.equal(promised.proof.kind, 'promise')

  const { file, tool, words, json } = await read(pdf.rawPayload)
  const secret = /Clave secreta<\/span> <strong class="v-code">([^<]+)</.exec(page)![1]!
  for (const bare of [secret, secret.replaceAll('-', '')]) {
    assert.ok(!words.includes(bare) && !json.includes(bare), 'who is given the file is not given the case')
    assert.ok(!pdf.rawPayload.includes(bare))
  }
  const files = (await it.cases.filings.read(filed.applicant, filed.reference)).files
  assert.ok(files.length > 0)
  const joined = words.replace(/\s/g, '')
  for (const said of [
    filed.reference,
    'Željka Ñandú Müller',
    'Sin número no ha presentado nada',
    'Respuesta a más tardar',
    ...files.map((f) => f.sha256),
  ])
    assert.ok(joined.includes(said.replace(/\s/g, '')), said)
  assert.match(tool('pdfinfo', file), /Tagged:\s+yes/)
  assert.match(tool('pdfinfo', '-struct', file), /Document[\s\S]*H1[\s\S]*Table[\s\S]*Figure/)
  assert.match(tool('pdfsig', file), /ETSI\.CAdES\.detached[\s\S]*Signature is Valid/)

  const { record, seal, openings } = parse(json.toString())
  assert.deepEqual(
    [record.kind, record.portal, record.reference, record.proof.kind],
    ['receipt', 'http://localhost:3000', filed.reference, 'proof'],
  )
  assert.deepEqual(
    record.papers.map((p: { sha256: string }) => p.sha256),
    files.map((f) => f.sha256),
  )
  assert.ok(it.signing.checkSeal(canonicalBytes(record), seal, 'receipt'))
  assert.equal(openings.turn, record.turn)
  assert.match((await upload(json)).body, /Recibo auténtico/)

  // The file alone, by whoever trusts the portal's authority and knows nothing else: its seal, and that of the record within.
  const question = { trust: await ownTrust(), at: it.clock.now() }
  for (const [verdict, seals] of [
    [verifyPdf({ ...question, pdf: pdf.rawPayload }), 2],
    [verifyPaper({ ...question, paper: json })!, 1],
  ] as const) {
    assert.deepEqual(verdict.reasons, [])
    assert.deepEqual(verdict.paper, {
      kind: 'receipt',
      reference: filed.reference,
      portal: 'http://localhost:3000',
      sealedBy: 'Sello institucional de Ventanilla',
    })
    assert.deepEqual(
      verdict.signatures.map((f) => [f.as, f.level]),
      Array(seals).fill(['seals', 'B-LT']),
    )
    assert.ok(
      explain('es', verdict).includes(
        `Su registro dice, con el sello de Sello institucional de Ventanilla: recibo de la solicitud ${filed.reference} en http://localhost:3000.`,
      ),
    )
  }
  const moved = parse(json.toString())
  moved.record.place = 1
  const forged = Buffer.from(JSON.stringify(moved))
  assert.match((await upload(forged)).body, /no es lo que se selló/)
  assert.deepEqual(
    verifyPaper({ ...question, paper: forged })?.reasons.map((r) => r.code),
    ['other-content'],
  )
  // A sealed sheet around another record than the sealed one is no paper either.
  const around = await paperPdf(
    {
      language: 'es',
      title: 'Recibo',
      label: 'Recibo',
      subject: '',
      mark: '',
      attached: { name: 'r.json', bytes: forged, madeAt: it.clock.now() },
      place: it.clock.now(),
    },
    (on) => on.paragraph('Su turno: 1'),
  )
  const wrong = verifyPdf({ ...question, pdf: it.signing.sealPdf(around)! })
  assert.deepEqual([wrong.reasons.map((r) => r.code), wrong.paper], [['other-content'], null])
})

test('a draft has no receipt to take along', async () => {
  const person = await it.aPerson()
  const reference = await it.aDraft(person)
  const answer = await inject(`/cases/${reference}/receipt.pdf`, person)
  assert.deepEqual([answer.statusCode, answer.headers.location], [303, `/cases/${reference}`])
})

test('what awaits papers says by when they are brought and what happens else, not what silence of the office would mean', async () => {
  const filed = await it.aSubmittedCase()
  const { desks } = it.cases
  await desks.next(official, office)
  for (;;) {
    const served = (await desks.current(official, office))!
    const { turn } = served.turn.state
    if (served.c.reference === filed.reference) {
      await desks.askPapers(official, office, turn, [{ id: served.journey.papers[0]!.id, why: 'unreadable' }], '')
      break
    }
    if (served.step.kind === 'review') await desks.review(official, office, turn, { result: 'ok', note: '' })
    else await desks.decide(official, office, turn, { result: 'granted', reasons: [], note: '' })
  }
  for (const page of ['', '/receipt']) {
    const { body } = await inject(`/cases/${filed.reference}${page}`, filed.applicant)
    assert.match(body, /su solicitud se desecha/)
    assert.doesNotMatch(body, /Si no responden para ese día/)
  }
})

test("another person's receipt, decision and proof read as absent", async () => {
  const filed = await it.aSubmittedCase()
  await decide(filed)
  const stranger = await it.aPerson()
  for (const what of ['receipt', 'receipt.pdf', 'proof', 'decision', 'decision.pdf', 'decision.json'])
    assert.equal((await inject(`/cases/${filed.reference}/${what}`, stranger)).statusCode, 404, what)
})

test('the decision is one document as page, PDF and record, and each is checked alone', async (t) => {
  const filed = await it.aSubmittedCase({ by: await it.aPerson({ name: 'Željka Ñandú Müller' }) })
  await decide(filed)
  const at = `/cases/${filed.reference}/decision`
  const page = await inject(at, filed.applicant)
  assert.equal(page.statusCode, 200)
  for (const words of [
    'Se concede',
    'Željka Ñandú Müller',
    'recurso de revisión',
    '15 días hábiles',
    'art. 85',
    'por confirmar',
    'Turno tomado',
    'Turno terminado',
  ])
    assert.ok(page.body.includes(words), words)

  const json = await inject(`${at}.json`, filed.applicant)
  const { record, seal, openings } = parse(json.body)
  assert.ok(it.signing.checkSeal(canonicalBytes(record), seal, 'decision'))
  assert.equal(openings.paper.content.sha256, sha256Hex(canonicalBytes(record)))
  assert.deepEqual(canonicalBytes(parse(json.body)), json.rawPayload)
  const { finished } = await it.cases.checks.history(record.turn)
  assert.ok(finished?.entry.type === 'turn.finished' && opens(finished.entry.paper!, openings.paper))

  const pdf = await inject(`${at}.pdf`, filed.applicant)
  for (const file of [page.rawPayload, json.rawPayload, pdf.rawPayload]) {
    const answer = await upload(file)
    assert.equal(answer.status, 200)
    assert.match(answer.body, /Auténtico, emitido en turno y vigente/)
    assert.ok(answer.body.includes('Željka Ñandú Müller'))
  }
  assert.match((await upload(Buffer.from(`${publicUrl}/check#${packOpenings(openings)}`), 'text')).body, /emitido en turno y vigente/)

  const byCode = await checked(record.code)
  assert.match(byCode, /Auténtico, emitido en turno y vigente/)
  assert.ok(!byCode.includes('Željka'), 'a code alone tells nothing of what the paper says')

  if (!existsSync('/usr/bin/pdfinfo')) return t.diagnostic('The PDF was not opened: apt-get install -y poppler-utils')
  const file = join(it.folder, 'decision.pdf')
  await writeFile(file, pdf.rawPayload)
  assert.match(execFileSync('pdfinfo', [file], { encoding: 'utf8' }), /Tagged:\s+yes/)
  assert.match(execFileSync('pdftotext', [file, '-'], { encoding: 'utf8' }), /Željka Ñandú Müller/)
  assert.match(execFileSync('pdfdetach', ['-list', file], { encoding: 'utf8' }), new RegExp(`${record.code}\\.json`))
  const verdict = verifyPdf({ trust: await ownTrust(), at: it.clock.now(), pdf: pdf.rawPayload })
  assert.deepEqual(verdict.reasons, [])
  assert.deepEqual(verdict.paper, {
    kind: 'decision',
    reference: filed.reference,
    code: record.code,
    sealedBy: 'Sello institucional de Ventanilla',
  })
  // The portal's seal, as a reader of PDFs judges it: each byte before the store of evidence counts.
  assert.match(execFileSync('pdfsig', [file], { encoding: 'utf8' }), /Signature is Valid/)
  const changed = Buffer.from(pdf.rawPayload)
  changed[changed.indexOf('%%EOF') - 40]! ^= 1
  const other = join(it.folder, 'changed.pdf')
  await writeFile(other, changed)
  assert.doesNotMatch(execFileSync('pdfsig', [other], { encoding: 'utf8' }), /Signature is Valid/)
  assert.match(execFileSync('pdfinfo', ['-struct', file], { encoding: 'utf8' }), /Document[\s\S]*H1[\s\S]*Table[\s\S]*Figure/)
})

test('a record changed beside honest openings is seen', async () => {
  const filed = await it.aSubmittedCase()
  await decide(filed)
  const whole = parse((await inject(`/cases/${filed.reference}/decision.json`, filed.applicant)).body)
  whole.record.person.name = 'Otra Persona'
  const answer = await upload(Buffer.from(JSON.stringify(whole)))
  assert.match(answer.body, /No se emitió en turno/)
  assert.doesNotMatch(answer.body, /vigente/)
})

test('a refusal names its reasons and the rule behind each, and the check says that it permits nothing', async () => {
  const filed = await it.aSubmittedCase()
  await decide(filed, 'refused')
  const page = await inject(`/cases/${filed.reference}/decision`, filed.applicant)
  assert.match(page.body, /No se concede/)
  assert.match(page.body, /Regla: Ley y reglamento/)
  const { code } = parse((await inject(`/cases/${filed.reference}/decision.json`, filed.applicant)).body).record
  assert.match(await checked(code), /es una negativa/)
  const own = (await inject(`/cases/${filed.reference}`, filed.applicant)).body
  const steps = own.slice(own.indexOf('id="next-title"'), own.indexOf('id="messages"'))
  assert.match(steps, /Decisión sobre su licencia/)
  assert.doesNotMatch(steps, /Entrega de la licencia/, 'nothing was issued')
})

test('silence is a decision like any other: sealed, in turn without a call, and checked by code and by file', async () => {
  const filed = await it.aSubmittedCase()
  const start = it.clock.now()
  it.clock.set(new Date(`${(await caseOf(filed.reference)).dueOn}T18:00:00Z`))
  await it.cases.timers.runDue()
  assert.equal((await caseOf(filed.reference)).state, 'open', 'on its last day the office may still decide')
  it.clock.advance(24 * 3_600_000)
  await it.cases.timers.runDue()
  await it.publiclog.publishNow()
  const page = await inject(`/cases/${filed.reference}/decision`, filed.applicant)
  assert.match(page.body, /Negado por silencio de la autoridad/)
  assert.match(page.body, /Terminado por silencio/)
  const json = await inject(`/cases/${filed.reference}/decision.json`, filed.applicant)
  for (const body of [await checked(parse(json.body).record.code), (await upload(json.rawPayload)).body])
    assert.match(body, /es una negativa/)
  it.clock.set(start)
})

test('two cases swapped behind their turns in SQL are exposed by the receipt, the page of the decision and the check', async () => {
  const [a, b] = [await it.aSubmittedCase(), await it.aSubmittedCase()] as [Filed, Filed]
  await decide(a)
  await decide(b)
  const codeOf = async (f: Filed) => parse((await inject(`/cases/${f.reference}/decision.json`, f.applicant)).body).record.code as string
  const codes = new Map([
    [a, await codeOf(a)],
    [b, await codeOf(b)],
  ])
  const before = codes.get(a)!
  for (const code of codes.values()) assert.match(await checked(code), /emitido en turno y vigente/)
  const [ca, cb] = [await caseOf(a.reference), await caseOf(b.reference)]
  await it.db.query('update cases_turn set case_id = case when case_id = $1 then $2::uuid else $1::uuid end where case_id in ($1, $2)', [
    ca.id,
    cb.id,
  ])
  for (const f of [a, b]) {
    const receipt = await inject(`/cases/${f.reference}/receipt`, f.applicant)
    assert.match(receipt.body, /El turno no corresponde a esta solicitud/)
    assert.equal((await inject(`/cases/${f.reference}/receipt.pdf`, f.applicant)).statusCode, 409)
    assert.match(receipt.body, /Qué hacer/)
    assert.doesNotMatch(receipt.body, /v-ticket__number/)
    assert.match(await checked(f.reference), /El turno no corresponde a esta solicitud/)
    assert.match((await inject(`/cases/${f.reference}/decision`, f.applicant)).body, /El turno no corresponde a esta solicitud/)
    assert.match(await checked(codes.get(f)!), /No se emitió en turno/)
  }

  // Whoever holds every key as well, and writes the other's paper on this turn: the log has neither their holder nor their paper.
  const turnOf = async (c: store.Case) => (await store.turnsOf(it.db, c)).find((t) => t.step === 'decision')!
  const keyOf = (c: store.Case) => it.db.tx((tx) => it.deps.vault.use(tx, c, { person: null, office: null, purpose: 'decide' }))
  // After the swap the row of b's turn says that it is a's.
  const [bTurn, aVault, bVault] = [await turnOf(ca), await keyOf(ca), await keyOf(cb)]
  const holder = aVault.seal(`holder/${bTurn.state.turn}`, bVault.open(`holder/${bTurn.state.turn}`, bTurn.opening))
  const forged = await forge(a, bTurn, { holder, stored: false })
  const byFile = await upload(Buffer.from(paperMark(forged.openings)))
  assert.match(byFile.body, /No se emitió en turno/)
  assert.match(byFile.body, /terminó con otro papel/)

  // The primary key forbids two decisions of a case at any moment: the swap goes by way of a third.
  await it.db.query('update cases_decision set case_id = $2 where case_id = $1', [ca.id, '00000000-0000-7000-8000-000000000000'])
  await it.db.query('update cases_decision set case_id = $2 where case_id = $1', [cb.id, ca.id])
  await it.db.query('update cases_decision set case_id = $2 where case_id = $1', ['00000000-0000-7000-8000-000000000000', cb.id])
  const byCode = await checked(before)
  assert.match(byCode, /No se emitió en turno/)
  assert.doesNotMatch(byCode, /emitido en turno y vigente/)
  assert.match((await inject(`/cases/${a.reference}/decision`, a.applicant)).body, /no corresponde a esta solicitud/)
  assert.equal((await inject(`/cases/${a.reference}/decision.pdf`, a.applicant)).statusCode, 409)
})

test('an official cannot end the turn of a case that was exchanged behind it', async () => {
  const [a, b] = [await it.aSubmittedCase(), await it.aSubmittedCase()] as [Filed, Filed]
  const [ca, cb] = [await caseOf(a.reference), await caseOf(b.reference)]
  const exchange = () =>
    it.db.query(
      'update cases_turn set case_id = case when case_id = $1 then $2::uuid else $1::uuid end, matter = null where case_id in ($1, $2)',
      [ca.id, cb.id],
    )
  await exchange()
  const { desks } = it.cases
  await desks.next(official, office)
  const [own] = await it.db.query<{ turn: TurnId }>(`select turn from cases_turn where state = 'called'`)
  await assert.rejects(desks.current(official, office))
  await assert.rejects(desks.review(official, office, own!.turn, { result: 'ok', note: '' }), { code: 'conflict' })
  await exchange()
  for (const f of [a, b]) await decide(f)
})

test('an applicant exchanged for another in SQL is exposed', async () => {
  const [a, b] = [await it.aSubmittedCase(), await it.aSubmittedCase()] as [Filed, Filed]
  await it.publiclog.publishNow()
  await it.db.query('update cases_case set applicant = $1 where reference = $2', [b.applicant.person, a.reference])
  assert.match((await inject(`/cases/${a.reference}/receipt`, b.applicant)).body, /El turno no corresponde a esta solicitud/)
  assert.match(await checked(a.reference), /El turno no corresponde a esta solicitud/)
  await it.db.query('update cases_case set applicant = $1 where reference = $2', [a.applicant.person, a.reference])
})

/** A decision made with every key of the installation, but for a turn of the forger's choice. */
async function forge(filed: Filed, turn: store.Turn, more: { holder?: Buffer; stored?: boolean } = {}) {
  const c = await caseOf(filed.reference)
  const service = (await it.catalogue.pinned(c.definition, c.service))!
  const person = (await it.people.person(it.db, c.applicant))!
  const vault = await it.db.tx((tx) => it.deps.vault.use(tx, c, { person: null, office: null, purpose: 'decide' }))
  const made = makeDecision(it.deps, {
    c,
    service,
    person,
    turn: { ...turn, ...(more.holder ? { opening: more.holder } : {}) },
    vault,
    how: 'act',
    result: 'granted',
    reasons: [],
    note: '',
    now: it.clock.now(),
  })
  if (more.stored !== false) await it.db.tx((tx) => store.insertDecision(tx, made.row))
  const { holder } = vault.open<{ holder: never }>('decision', made.row.sealed)
  return { code: made.row.code, openings: { v: 1 as const, turn: turn.state.turn, holder, paper: made.paper.opening } }
}

test('a decision written past the engine was not issued in turn, by code and by file', async () => {
  // For a turn that never was.
  const a = await it.aSubmittedCase()
  const [own] = await store.turnsOf(it.db, await caseOf(a.reference))
  const c = await caseOf(a.reference)
  const vault = await it.db.tx((tx) => it.deps.vault.use(tx, c, { person: null, office: null, purpose: 'decide' }))
  const turn = randomId() as TurnId
  const holder = vault.seal(`holder/${turn}`, vault.open(`holder/${own!.state.turn}`, own!.opening))
  const never = await forge(a, { ...own!, state: { ...own!.state, turn } }, { holder })
  // For one that waits still.
  const b = await it.aSubmittedCase()
  await it.publiclog.publishNow()
  const [waiting] = await store.turnsOf(it.db, await caseOf(b.reference))
  const early = await forge(b, waiting!)
  for (const { code, openings } of [never, early]) {
    for (const body of [await checked(code), (await upload(Buffer.from(paperMark(openings)))).body]) {
      assert.match(body, /No se emitió en turno/)
      assert.doesNotMatch(body, /emitido en turno y vigente/)
    }
  }
  // One whose words are not even sealed under the case.
  const row = { ...(await store.decisionByCode(it.db, early.code))!, code: newReference(), sealed: randomBytes(300) }
  await it.db.query('delete from cases_decision where code = $1', [early.code])
  await it.db.tx((tx) => store.insertDecision(tx, row))
  assert.match(await checked(row.code), /No se emitió en turno/)
  await it.db.query('delete from cases_decision where code = any($1)', [[never.code, row.code]])
})

test('what is no paper of ours is answered calmly', async () => {
  assert.equal((await new Browser(web).get('/check/K7QP-2M4XW')).status, 404)
  assert.equal((await new Browser(web).get('/check?code=nothing')).status, 422)
  assert.equal((await new Browser(web).get(`/check?code=${newReference().toLowerCase().replace('-', '')}`)).status, 303)
  assert.match((await upload(randomBytes(5000))).body, /no trae el código/)
  assert.equal((await upload(Buffer.alloc(0))).status, 422)
  assert.equal((await upload(Buffer.alloc(3 * 1024 * 1024))).status, 413)
  assert.equal((await new Browser(web).get(`/api/turns/${randomId()}`)).status, 404)
  assert.equal((await new Browser(web).get('/api/turns/short')).status, 400)
})

test("a turn's public record names nobody", async () => {
  const filed = await it.aSubmittedCase()
  await it.publiclog.publishNow()
  const [turn] = await store.turnsOf(it.db, await caseOf(filed.reference))
  const answer = await web.app.inject({ url: `/api/turns/${turn!.state.turn}` })
  const body = parse(answer.body)
  assert.equal(body.entries[0].entry.type, 'turn.taken')
  assert.equal(body.withdrawnOn, null)
  assert.ok(parse((await web.app.inject('/api/openapi.json')).body).paths['/api/turns/{turn}'].get)
  const person = (await it.people.person(it.db, filed.applicant.person))!
  for (const word of [person.name!, person.identities[0]!.value, filed.reference]) assert.ok(!answer.body.includes(word))
})

test('a scanned code is verified on the telephone: the opening never reaches the server', { skip: browserMissing() }, async (t) => {
  const filed = await it.aSubmittedCase({ by: await it.aPerson({ name: 'Nahúm Xicoténcatl' }) })
  await decide(filed)
  const { openings } = parse((await inject(`/cases/${filed.reference}/decision.json`, filed.applicant)).body)
  const packed = packOpenings(openings)
  const chromium = await openBrowser()
  t.after(() => chromium.close())
  const page = await openPage(t, chromium, { viewport: { width: 320, height: 640 } })
  const asked: string[] = []
  page.on('request', (r) => asked.push(`${r.url()} ${r.postData() ?? ''}`))

  await page.goto(`${publicUrl}/check#${packed}`)
  await page.getByRole('heading', { name: 'Auténtico, emitido en turno y vigente' }).waitFor()
  for (const words of ['Nahúm Xicoténcatl', 'Licencia de conducir automóvil', 'Llamado a ventanilla', 'no se envió a nadie'])
    await page.getByText(words).first().waitFor()
  assert.equal(new URL(page.url()).hash, '', 'what the paper says does not stay in the address')
  assert.ok(asked.some((r) => r.includes(`/api/turns/${openings.turn}`)))
  const secrets = [packed.slice(40, 80), openings.paper.key, 'Xicot', openings.holder.content.person]
  for (const request of asked) for (const secret of secrets) assert.ok(!request.includes(secret), request)
  assert.deepEqual(await audit(page), [])
  assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= 320)

  const forged = unpackOpenings(packed)!
  const content = { ...(forged.paper!.content as Record<string, string>), person: 'Otra Persona' }
  // In the same tab: only the fragment changes.
  await page.goto(`${publicUrl}/check#${packOpenings({ ...forged, paper: { ...forged.paper!, content } })}`)
  await page.getByRole('heading', { name: 'No se emitió en turno' }).waitFor()
  await page.getByText('El turno terminó con otro papel').waitFor()
  assert.equal(await page.getByText('Otra Persona').count(), 0)
  assert.deepEqual(await audit(page), [])
})
