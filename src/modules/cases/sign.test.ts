import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Reference, ServiceId } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { joinTrust } from '#signing'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { signerHashes } from '../signing/signer-pages.ts'
import { opensslPeople } from '../signing/testing-people.ts'
import * as store from './store.ts'
import { licenceOffice, openTestCases, type TestCases } from './testing.ts'

const service = 'federal/se/simplified-company' as ServiceId

// Three partners with certificates of an authority that is trusted here, and one whose authority nobody knows.
const people = opensslPeople()
const { openssl } = people
const partners = [
  { name: 'Sofía Abarca Ríos', curp: 'AARS900303MMSBSF01', rfc: 'AARS900303CC3', email: 'sofia@example.mx' },
  { name: 'Iván Robles Cano', curp: 'ROCI950101HDFBNV08', rfc: 'ROCI950101DD4', email: 'ivan@example.mx' },
  { name: 'Lucía Paz Mena', curp: 'PAML960202MDFZNC06', rfc: 'PAML960202EE5', email: 'lucia@example.mx' },
] as const
type Partner = { readonly name: string; readonly curp: string; readonly rfc: string; readonly email: string }

let database: TestDatabase
let it: TestCases
before(async () => {
  for (const file of ['authority', 'unknown']) people.authority(file)
  for (const p of partners) people.person(p.email, p, 'authority')
  people.person('stranger', partners[0], 'unknown')
  database = await testDatabase()
  it = await openTestCases({
    db: database.db,
    services: [],
    trust: joinTrust([people.trust('authority')]),
  })
})
after(async () => {
  await it?.close()
  await database?.close()
})

const refused = (code: ProblemCode, reason?: string) => (error: unknown) =>
  error instanceof Problem && error.code === code && (reason === undefined || error.fields.some((f) => f.code === reason))

let filed = 0
const answers = (who: readonly Partner[]) => ({
  name: 'Pan de Nopal',
  permission: `A20261120${String(++filed).padStart(10, '0')}`,
  ...Object.fromEntries(
    who.flatMap((p, i) => [
      [`partners.${i}.partner`, p.name],
      [`partners.${i}.curp`, p.curp],
      [`partners.${i}.rfc`, p.rfc],
      [`partners.${i}.email`, p.email],
      [`partners.${i}.shares`, '10'],
    ]),
  ),
  nocontrol: 'yes',
  purpose: 'any',
  shares: String(10 * who.length),
  value: '50.00',
  lasting: 'indefinite',
  manager: who[0]!.name,
  home: 'Calle Matamoros 3, Centro, 62000, Cuernavaca, Morelos',
  municipality: '17007',
  workers: 'no',
})

/** A company's act filed by its first partner, waiting for signatures. */
async function aCompany(who: readonly Partner[], by?: SignedIn): Promise<{ applicant: SignedIn; reference: Reference }> {
  const applicant = by ?? (await it.aPerson({ identity: who[0]!.curp, name: who[0]!.name }))
  const { reference } = await it.aSubmittedCase({ by: applicant, service, answers: answers(who) })
  await it.jobs.drain()
  return { applicant, reference }
}
const caseOf = async (reference: Reference) => (await store.caseByReference(it.db, reference))!
const turns = async (reference: Reference) => (await store.turnsOf(it.db, await caseOf(reference))).length

/** The link in the newest letter to an address. */
async function linkFor(email: string): Promise<string> {
  const letter = await it.letterTo(email)
  return (letter.data as { link: string }).link.split('/').at(-1)!
}

let first: SignedIn
test('a filing that its applicant signs has no turn until they have, and the office’s term begins then', async () => {
  const { applicant, reference } = await aCompany([partners[0]])
  first = applicant
  const before = await caseOf(reference)
  assert.equal(await turns(reference), 0)
  const s = await it.cases.signings.read(applicant, reference)
  assert.equal(s.mine, 1)
  assert.equal(s.until, '2026-12-01')
  for (const said of [reference, service, 'AARS900303MMSBSF01', 'Pan de Nopal', '50.00', before.filing!])
    assert.ok(s.statement.includes(said), said)

  it.clock.set('2026-11-26T18:00:00Z')
  await it.cases.signings.sign(applicant, reference, people.sign(partners[0].email, s.statement))
  const after = await caseOf(reference)
  assert.equal(await turns(reference), 1)
  assert.equal(before.dueOn, '2026-12-08')
  assert.equal(after.dueOn, '2026-12-10', 'two working days later')
  const done = await it.cases.signings.read(applicant, reference)
  assert.deepEqual(
    [done.open, done.mine, done.signers.map((x) => [x.state, x.signed?.by])],
    [false, null, [['signed', 'Sofía Abarca Ríos']]],
  )
  // What is kept is what anybody can check.
  assert.match(people.verify(done.signers[0]!.signed!.cms, done.statement, 'authority'), /Verification successful/)
  assert.equal((await it.replay()).ok, true)
})

test('a signature counts for what it was made for, by whom it must be, and once', async () => {
  const { applicant, reference } = await aCompany([partners[0]], first)
  const { signings } = it.cases
  const s = await signings.read(applicant, reference)
  const other = await aCompany([partners[0]], first)
  const elsewhere = await signings.read(applicant, other.reference)
  const good = people.sign(partners[0].email, s.statement)
  for (const [cms, code, reason] of [
    [people.sign(partners[0].email, elsewhere.statement), 'signing/refused', 'other-content'],
    [people.sign(partners[0].email, `${s.statement} `), 'signing/refused', 'other-content'],
    [people.sign(partners[1].email, s.statement), 'signing/other-person', undefined],
    [people.sign('stranger', s.statement), 'signing/refused', 'untrusted'],
    [Buffer.from('no signature'), 'signing/refused', 'broken'],
    [good.subarray(0, 100), 'signing/refused', 'broken'],
  ] as const)
    await assert.rejects(signings.sign(applicant, reference, cms), refused(code, reason), reason ?? code)
  assert.equal(await turns(reference), 0)
  // Sent twice at once: it holds once.
  const both = await Promise.allSettled([signings.sign(applicant, reference, good), signings.sign(applicant, reference, good)])
  assert.ok(both.some((b) => b.status === 'fulfilled'))
  assert.equal(await turns(reference), 1)
  await assert.rejects(signings.sign(applicant, reference, good), refused('cases/not-to-sign'))
  // Nobody else’s case.
  await assert.rejects(signings.read(await it.aPerson(), reference), refused('not-found'))
})

test('three partners sign; who declines is told of, and invited again', async () => {
  const { applicant, reference } = await aCompany(partners, first)
  const { signings } = it.cases
  const s = await signings.read(applicant, reference)
  assert.deepEqual(
    s.signers.map((x) => x.state),
    ['waiting', 'invited', 'invited'],
  )
  const ivan = await linkFor('ivan@example.mx')
  const lucia = await linkFor('lucia@example.mx')
  assert.equal((await signings.readInvited(ivan)).mine, 2)
  // Another’s link takes no signature of mine.
  await assert.rejects(signings.signInvited(lucia, people.sign('ivan@example.mx', s.statement)), refused('signing/other-person'))
  await signings.signInvited(ivan, people.sign('ivan@example.mx', s.statement))
  await signings.decline(lucia)
  await it.jobs.drain()
  assert.match(JSON.stringify(await it.messages.inbox(applicant.person, { language: 'es' })), /no firma/)
  await assert.rejects(signings.signInvited(lucia, people.sign('lucia@example.mx', s.statement)), refused('not-found'))
  await signings.inviteAgain(applicant, reference, 3)
  await signings.sign(applicant, reference, people.sign('sofia@example.mx', s.statement))
  assert.equal(await turns(reference), 0)
  await signings.signInvited(await linkFor('lucia@example.mx'), people.sign('lucia@example.mx', s.statement))
  assert.equal(await turns(reference), 1)
  const done = await signings.read(applicant, reference)
  assert.deepEqual(
    done.signers.map((x) => x.state),
    ['signed', 'signed', 'signed'],
  )
  // The official who serves it sees who signed.
  const office = it.catalogue.get(service)!.office!
  const official = await it.anOfficial(office)
  await it.cases.desks.goOn(official, office)
  // Older filings of these tests come first.
  for (;;) {
    await it.cases.desks.next(official, office)
    const served = (await it.cases.desks.current(official, office))!
    const { signers } = served.signatures!
    assert.ok(signers.every((x) => x.state === 'signed' && x.signed!.by === x.signer.name))
    if (served.c.reference === reference) break
    await it.cases.desks.review(official, office, served.turn.state.turn, { result: 'ok', note: '' })
  }
})

test('what nobody signs in time ends by itself, never in silence', async () => {
  const { applicant, reference } = await aCompany([partners[0]], first)
  const { until } = await it.cases.signings.read(applicant, reference)
  await it.passTo(new Date(`${until}T20:00:00Z`))
  assert.equal((await caseOf(reference)).state, 'open')
  await it.passTo(new Date(new Date(`${until}T20:00:00Z`).getTime() + 86_400_000))
  assert.equal((await caseOf(reference)).state, 'lapsed')
  await assert.rejects(it.cases.signings.sign(applicant, reference, people.sign(partners[0].email, 'x')), refused('cases/not-to-sign'))
})

test('a withdrawal that is undone leaves time to sign', async () => {
  const { applicant, reference } = await aCompany([partners[0]], first)
  const before = await it.cases.signings.read(applicant, reference)
  await it.cases.filings.withdraw(applicant, reference)
  it.clock.set(new Date(it.clock.now().getTime() + 5 * 86_400_000))
  await it.cases.filings.undoWithdrawal(applicant, reference)
  await it.jobs.drain()
  const s = await it.cases.signings.read(applicant, reference)
  assert.ok(s.until! >= before.until!)
  assert.equal(s.statement, before.statement, 'what is signed stays the same')
  await it.cases.signings.sign(applicant, reference, people.sign(partners[0].email, s.statement))
  assert.equal(await turns(reference), 1)
  assert.equal((await it.replay()).ok, true)
})

test('an official signs the decision they issue, and nothing else passes for it', async () => {
  const filedBy = await it.aPerson()
  await it.aSubmittedCase({ by: filedBy })
  const official = await it.anOfficial()
  const own = (await it.people.person(it.db, official.person))!
  people.person('official', { name: own.name!, curp: own.identities[0]!.value, rfc: 'XEXX010101000' }, 'authority')
  const { desks } = it.cases
  await desks.goOn(official, licenceOffice)
  const atDesk = async () => {
    await desks.next(official, licenceOffice)
    return (await desks.current(official, licenceOffice))!
  }
  let served = await atDesk()
  assert.equal(served.step.kind, 'review')
  await desks.review(official, licenceOffice, served.turn.state.turn, { result: 'ok', note: '' })
  served = await atDesk()
  const { turn } = served.turn.state
  const given = { result: 'granted', reasons: [], note: 'Sin observaciones.' } as const
  const first = (await desks.prepare(official, licenceOffice, turn, given))!
  const prepared = (await desks.prepare(official, licenceOffice, turn, given))!
  assert.notEqual(first.statement, prepared.statement)
  const decide = (ticket: string, cms: Buffer, what: { result: 'granted' | 'refused'; reasons: readonly string[]; note: string } = given) =>
    desks.decide(official, licenceOffice, turn, { ...what, signed: { ticket, cms } })
  const good = people.sign('official', prepared.statement)
  await assert.rejects(decide(first.ticket, good), refused('signing/refused', 'other-content'))
  await assert.rejects(decide(prepared.ticket, good, { ...given, note: 'Otra cosa.' }), refused('signing/refused', 'other-content'))
  await assert.rejects(decide('forged', good), refused('conflict'))
  await assert.rejects(decide(prepared.ticket, people.sign('sofia@example.mx', prepared.statement)), refused('signing/other-person'))
  await decide(prepared.ticket, good)
  const read = await it.cases.receipts.read(filedBy, served.c.reference)
  const { signature, record } = read.s.decision!
  assert.equal(signature?.by.name, own.name)
  assert.equal(signature?.statement, prepared.statement)
  assert.ok(prepared.statement.includes(record.code))
  openssl.write('decision.p7s', Buffer.from(signature!.cms, 'base64'))
  openssl.write('decision.txt', signature!.statement)
  const check = [
    'cms',
    '-verify',
    '-cades',
    '-binary',
    '-inform',
    'DER',
    '-in',
    'decision.p7s',
    '-content',
    'decision.txt',
    '-CAfile',
    'authority.pem',
  ]
  assert.match(openssl.run(...check, '-purpose', 'any', '-out', 'out.txt'), /Verification successful/)
  assert.equal((await it.replay()).ok, true)
})

test('what signs on our pages is in the public log, once', async () => {
  await it.signing.publishSigner()
  await it.signing.publishSigner()
  const { script, offline } = signerHashes()
  const said = (await it.entries()).filter((e) => e.type === 'numbers.released' && String(e.set).startsWith('signer/'))
  assert.deepEqual(
    said.map((e) => [e.set, e.period, e.sha256]),
    [
      ['signer/script', dayOf(it.clock.now()), script],
      ['signer/offline', dayOf(it.clock.now()), offline],
    ],
  )
})
const dayOf = (at: Date) => at.toISOString().slice(0, 10)
