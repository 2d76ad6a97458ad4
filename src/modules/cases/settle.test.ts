/** Certificates of another authority are asked about within the hour, and the answer is laid beside what they signed: filings, decisions and mandates. OpenSSL's responder answers. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { joinTrust } from '#signing'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { readCertificate } from '../signing/certificate.ts'
import { opensslPeople } from '../signing/testing-people.ts'
import { openTrust } from '../signing/trust.ts'
import { verifySignature } from '../signing/verify.ts'
import { licenceOffice, openTestCases, type TestCases } from './testing.ts'

const certified = opensslPeople()
const { openssl } = certified
const rosa = { name: 'Rosa Abarca Ríos', curp: 'AARS900303MMSBSF01', rfc: 'AARS900303CC3' }
const tomas = { name: 'Iván Robles Cano', curp: 'ROCI950101HDFBNV08', rfc: 'ROCI950101DD4' }

let responder: ChildProcess
let database: TestDatabase
let it: TestCases
before(async () => {
  certified.authority('authority')
  certified.person('rosa', rosa, 'authority')
  certified.person('tomas', tomas, 'authority')
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
  // It answers with its own word on every certificate that its index holds.
  responder = spawn(
    'openssl',
    [
      'ocsp',
      '-index',
      'index.txt',
      '-port',
      String(port),
      '-CA',
      'authority.pem',
      '-rsigner',
      'authority.pem',
      '-rkey',
      'authority.key',
      '-nmin',
      '60',
      '-ignore_err',
    ],
    { cwd: openssl.path('.'), stdio: 'ignore' },
  )
  const place = `http://127.0.0.1:${port}/`
  const answers = () =>
    fetch(place).then(
      () => true,
      () => false,
    )
  for (let i = 0; i < 200 && !(await answers()); i++) await sleep(50)
  const trust = certified.trust('authority')
  database = await testDatabase()
  it = await openTestCases({
    db: database.db,
    trust: joinTrust([{ ...trust, responders: new Map([[readCertificate(openssl.read('authority.cer')).id, place]]) }]),
  })
  // The responder knows no other day than today.
  it.clock.set(new Date())
})
after(async () => {
  responder?.kill()
  await it?.close()
  await database?.close()
})

/** Whether it holds by itself with the answer that lies in it: nothing else is handed along. */
const holds = (cms: Buffer, statement: string) =>
  verifySignature({
    signature: cms,
    content: Buffer.from(statement),
    trust: openTrust([
      { certificate: openssl.read('authority.cer'), vouches: ['people'] },
      { certificate: readFileSync(join(it.folder, 'keys/authority/root.cer')), vouches: ['timestamps'] },
    ]),
    at: it.clock.now(),
    as: ['people'],
    revocation: 'required',
  }).holds

test('an official’s signature on a decision is raised when their authority has answered', async () => {
  const official = await it.aPerson({ name: tomas.name, identity: tomas.curp })
  await it.db.tx((tx) => it.people.giveRole(tx, null, official.person, { role: 'official', office: licenceOffice }))
  const desk = await it.visitorOf(official.person)
  const { applicant, reference } = await it.aSubmittedCase()
  const { desks } = it.cases
  await desks.goOn(desk, licenceOffice)
  await desks.next(desk, licenceOffice)
  const first = (await desks.current(desk, licenceOffice))!
  await desks.review(desk, licenceOffice, first.turn.state.turn, { result: 'ok', note: '' })
  await desks.next(desk, licenceOffice)
  const { turn } = (await desks.current(desk, licenceOffice))!.turn.state
  const given = { result: 'granted', reasons: [], note: '' } as const
  const prepared = (await desks.prepare(desk, licenceOffice, turn, given))!
  await desks.decide(desk, licenceOffice, turn, {
    ...given,
    signed: { ticket: prepared.ticket, cms: certified.sign('tomas', prepared.statement) },
  })
  const signed = async () => (await it.cases.receipts.read(applicant, reference)).s.decision!.signature!
  assert.equal((await signed()).level, 'B-T')
  await it.jobs.drain()
  const after = await signed()
  assert.deepEqual([after.level, after.revoked], ['B-LT', undefined])
  assert.equal(holds(Buffer.from(after.cms, 'base64'), after.statement), true)
  assert.equal((await it.replay()).ok, true)
})

test('so is the signature of a mandate', async () => {
  const giver = await it.aPerson({ name: rosa.name, identity: rosa.curp })
  const other = await it.aPerson()
  const p = (await it.people.person(it.db, other.person))!
  const day = it.mandates.today()
  const code = await it.mandates.draft(giver, {
    kind: 'relative',
    companyName: '',
    companyRfc: '',
    childName: '',
    childCurp: '',
    self: true,
    name: p.name!,
    identity: p.identities[0]!.value,
    email: p.email!,
    helper: '',
    services: [],
    maySign: false,
    from: day,
    until: day,
    capCentavos: null,
    oneCase: '',
  })
  const { statement } = await it.mandates.one(giver, code)
  await it.mandates.sign(giver, code, certified.sign('rosa', statement))
  const before = (await it.mandates.one(giver, code)).signature!.cms
  await it.jobs.drain()
  const after = (await it.mandates.one(giver, code)).signature!.cms
  assert.ok(after.length > before.length, 'the answer lies in it')
  assert.equal(holds(after, statement), true)
})
