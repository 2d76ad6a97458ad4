import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { PersonId, Reference, ServiceId } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { joinTrust } from '#signing'
import type { SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { licence, licenceAnswers, licenceOffice, openTestCases, type TestCases } from '../cases/testing.ts'
import { opensslPeople } from '../signing/testing-people.ts'
import type { Draft } from './mandates.ts'
import { covers } from './mandates.ts'

const certified = opensslPeople()
const rosa = { name: 'Rosa Abarca Ríos', curp: 'AARS900303MMSBSF01', rfc: 'AARS900303CC3' }
const ivan = { name: 'Iván Robles Cano', curp: 'ROCI950101HDFBNV08', rfc: 'ROCI950101DD4' }
const company = { name: 'Textiles del Lago SA de CV', rfc: 'TLA010203AB1' }
const child = { name: 'Luz Abarca Ríos', curp: '' }

let database: TestDatabase
let it: TestCases
let giver: SignedIn
let clerk: SignedIn
before(async () => {
  certified.authority('authority')
  certified.person('rosa', rosa, 'authority')
  certified.person('ivan', ivan, 'authority')
  certified.person('company', { ...ivan, company: company.rfc }, 'authority')
  database = await testDatabase()
  it = await openTestCases({ db: database.db, trust: joinTrust([certified.trust('authority')]) })
  giver = await it.aPerson({ name: rosa.name, identity: rosa.curp })
  clerk = await it.aClerk()
})
after(async () => {
  await it?.close()
  await database?.close()
})

const refused = (code: ProblemCode, field?: string, why?: string) => (error: unknown) =>
  error instanceof Problem &&
  error.code === code &&
  (field === undefined || error.fields.some((f) => f.pointer === `/${field}` && (why === undefined || f.code === why)))

const nothing: Draft = {
  kind: 'relative',
  companyName: '',
  companyRfc: '',
  childName: '',
  childCurp: '',
  self: true,
  name: '',
  identity: '',
  email: '',
  helper: '',
  services: [],
  maySign: false,
  from: '2026-11-24',
  until: '2027-11-24',
  capCentavos: null,
  oneCase: '',
}

/** Somebody who can act, with their own number. */
async function somebody(): Promise<{ visitor: SignedIn; name: string; identity: string; email: string }> {
  const visitor = await it.aPerson()
  const p = (await it.people.person(it.db, visitor.person))!
  return { visitor, name: p.name!, identity: p.identities[0]!.value, email: p.email! }
}
const tokenTo = async (email: string) => ((await it.letterTo(email)).data as { link: string }).link.split('/').at(-1)!

/** A mandate of the giver's in force. */
async function given(who: Awaited<ReturnType<typeof somebody>>, more: Partial<Draft> = {}): Promise<Reference> {
  const { visitor: _visitor, ...named } = who
  const code = await it.mandates.draft(giver, { ...nothing, ...named, ...more })
  const { statement } = await it.mandates.one(giver, code)
  await it.mandates.sign(giver, code, certified.sign('rosa', statement))
  await it.mandates.accept(who.visitor, { token: await tokenTo(who.email) })
  return code
}

const may = async (
  who: SignedIn,
  principal: PersonId,
  act: 'start' | 'file' | 'sign' = 'file',
  service: ServiceId = licence,
  reference: Reference | null = null,
) => (await it.mandates.check(it.db, [{ person: who.person, session: who.session, principal, service, reference, act }]))[0] !== null

describe('a mandate', () => {
  test('is given by a signature, taken up by who it names, and withdrawn at once', async () => {
    const helper = await somebody()
    const code = await it.mandates.draft(giver, { ...nothing, ...helper, services: [licence] })
    const draft = await it.mandates.one(giver, code)
    for (const said of [rosa.name, rosa.curp, helper.name, helper.identity, code, '2027-11-24', 'http://localhost:3000'])
      assert.ok(draft.statement.includes(said), said)
    assert.equal(draft.state, 'draft')
    // Nobody else sees what is not signed, and nothing follows from it.
    await assert.rejects(it.mandates.one(helper.visitor, code), refused('not-found'))
    assert.equal(await may(helper.visitor, giver.person), false)

    await assert.rejects(it.mandates.sign(giver, code, certified.sign('ivan', draft.statement)), refused('signing/other-person'))
    await assert.rejects(it.mandates.sign(giver, code, certified.sign('company', draft.statement)), refused('signing/other-person'))
    await assert.rejects(it.mandates.sign(giver, code, certified.sign('rosa', `${draft.statement} `)), refused('signing/refused'))
    await assert.rejects(it.mandates.sign(helper.visitor, code, certified.sign('rosa', draft.statement)), refused('not-found'))
    await it.mandates.sign(giver, code, certified.sign('rosa', draft.statement))
    assert.equal((await it.mandates.one(giver, code)).state, 'to-accept')
    assert.equal(await may(helper.visitor, giver.person), false)

    // The link is for the holder of that number alone.
    const token = await tokenTo(helper.email)
    const stranger = await it.aPerson()
    await assert.rejects(it.mandates.accept(stranger, { token }), refused('mandates/other-person'))
    await assert.rejects(it.mandates.accept(helper.visitor, { token: `${token}x` }), refused('not-found'))
    await it.mandates.accept(helper.visitor, { token })
    await assert.rejects(it.mandates.accept(helper.visitor, { token }), refused('not-found'))
    assert.deepEqual(
      (await it.mandates.of(helper.visitor)).map((m) => [m.code, m.state, m.mine]),
      [[code, 'living', ['representative']]],
    )
    assert.equal(await may(helper.visitor, giver.person), true)
    assert.equal(await may(helper.visitor, giver.person, 'sign'), false, 'nothing was said of signing')
    assert.equal(await may(helper.visitor, giver.person, 'file', 'state/birth-certificate@09' as ServiceId), false, 'another service')
    assert.equal(await may(stranger, giver.person), false)
    assert.equal(await may(giver, helper.visitor.person), false, 'it goes one way')

    // What is kept is what anybody can check.
    const kept = await it.mandates.one(giver, code)
    assert.match(certified.verify(kept.signature!.cms, kept.statement, 'authority'), /Verification successful/)

    await it.mandates.end(giver, code)
    await it.mandates.end(giver, code)
    assert.equal(await may(helper.visitor, giver.person), false)
    assert.deepEqual((await it.mandates.one(helper.visitor, code)).endedBy, 'principal')
  })

  test('is withdrawn by signature, and given up by who holds it', async () => {
    const helper = await somebody()
    const code = await given(helper)
    const ending = await it.mandates.ending(giver, code)
    assert.equal(await it.mandates.ending(giver, code), ending, 'written once')
    await assert.rejects(it.mandates.end(giver, code, certified.sign('ivan', ending)), refused('signing/other-person'))
    assert.equal(await may(helper.visitor, giver.person), true)
    await it.mandates.end(giver, code, certified.sign('rosa', ending))
    const one = await it.mandates.one(giver, code)
    assert.equal(one.endSignature!.by, rosa.name)
    assert.match(certified.verify(one.endSignature!.cms, ending, 'authority'), /Verification successful/)

    const other = await given(helper)
    await it.mandates.end(helper.visitor, other)
    assert.equal((await it.mandates.one(giver, other)).endedBy, 'representative')
  })

  test('holds on its days alone', async () => {
    const helper = await somebody()
    const code = await given(helper, { from: '2026-11-26', until: '2026-11-30' })
    assert.equal((await it.mandates.one(giver, code)).state, 'later')
    assert.equal(await may(helper.visitor, giver.person), false)
    const now = it.clock.now()
    it.clock.set('2026-11-26T12:00:00Z')
    assert.equal(await may(helper.visitor, giver.person), true)
    it.clock.set('2026-12-01T05:59:00Z')
    assert.equal(await may(helper.visitor, giver.person), true, 'one minute before midnight in Mexico City')
    it.clock.set('2026-12-01T06:00:00Z')
    assert.equal(await may(helper.visitor, giver.person), false)
    assert.equal((await it.mandates.one(giver, code)).state, 'over')
    it.clock.set(now)
  })

  test('that is badly written names all that is wrong', async () => {
    const bad = (d: Partial<Draft>, ...where: [string, string][]) =>
      assert.rejects(it.mandates.draft(giver, { ...nothing, ...d }), (error) => {
        assert.ok(error instanceof Problem && error.code === 'invalid', String(error))
        assert.deepEqual(error.fields.map((f) => [f.pointer.slice(1), f.code]).sort(), where.sort())
        return true
      })
    const named = { name: 'Ana Luz', identity: ivan.curp, email: 'ana@example.mx' }
    await bad({}, ['name', 'name'], ['identity', 'identity'], ['email', 'email'])
    await bad({ ...named, identity: rosa.curp }, ['identity', 'self'])
    await bad({ ...named, services: [''] }, ['services', 'services'])
    await bad({ ...named, services: ['no/such'] }, ['services', 'services'])
    await bad({ ...named, services: ['/'] }, ['services', 'services'])
    await bad({ ...named, until: '2026-11-23' }, ['until', 'past'])
    await bad({ ...named, until: '2026-02-30' }, ['until', 'date'])
    await bad({ ...named, until: '2099-01-01' }, ['until', 'long'])
    await bad({ kind: 'company', companyName: 'X', companyRfc: rosa.rfc }, ['companyName', 'name'], ['companyRfc', 'company'])
    await bad({ kind: 'parent', childName: 'Luz Ríos', childCurp: ivan.curp }, ['childCurp', 'of-age'])
    await bad({ kind: 'helper', helper: 'K7QP2M4XW', services: [licence], capCentavos: 100 }, ['helper', 'helper'])
  })

  test('counts in no session that began with a paper', async () => {
    const helper = await somebody()
    await given(helper)
    const { cookie } = await it.people.startSession(it.db, helper.visitor.person, 'receipt')
    const found = await it.people.identify({ cookies: cookiesOf(cookie) } as never, 'es')
    assert.equal(await may(found as SignedIn, giver.person), false)
    const good = await it.people.startSession(it.db, helper.visitor.person, 'email')
    assert.equal(await may((await it.people.identify({ cookies: cookiesOf(good.cookie) } as never, 'es')) as SignedIn, giver.person), true)
  })

  test('out of trust is for three people; with more one is a helper', async () => {
    const busy = await somebody()
    const from = async (n: number) => {
      const who = await it.aPerson()
      const code = await it.mandates.draft(who, { ...nothing, name: busy.name, identity: busy.identity, email: busy.email })
      const m = await it.mandates.one(who, code)
      await it.mandates.seenAtCounter(clerk, licenceOffice, code, { statement: digest(m.statement), certificateSeen: false })
      const taken = it.mandates.accept(busy.visitor, { token: await tokenTo(busy.email) })
      return n < 4 ? taken : assert.rejects(taken, refused('mandates/helper-first'))
    }
    for (const n of [1, 2, 3, 4]) await from(n)
  })
})

const cookiesOf = (cookie: string) => ({ [cookie.slice(0, cookie.indexOf('='))]: cookie.slice(cookie.indexOf('=') + 1) })
const digest = (statement: string) => createHash('sha256').update(statement).digest('hex')

describe('at a counter', () => {
  test('it is signed by hand before a clerk, and withdrawn there', async () => {
    const who = await it.aPerson()
    const friend = await somebody()
    const code = await it.mandates.draft(who, { ...nothing, ...friend })
    const m = await it.mandates.readAtCounter(clerk, licenceOffice, code.toLowerCase())
    await assert.rejects(it.mandates.readAtCounter(who, licenceOffice, code), refused('forbidden'))
    await assert.rejects(
      it.mandates.seenAtCounter(clerk, licenceOffice, code, { statement: digest('another'), certificateSeen: false }),
      refused('conflict'),
    )
    await it.mandates.seenAtCounter(clerk, licenceOffice, code, { statement: digest(m.statement), certificateSeen: false })
    await it.mandates.seenAtCounter(clerk, licenceOffice, code, { statement: digest(m.statement), certificateSeen: false })
    await it.mandates.accept(friend.visitor, { token: await tokenTo(friend.email) })
    assert.equal(await may(friend.visitor, who.person), true)
    assert.equal((await it.mandates.one(who, code)).signedHow, 'paper')
    await it.mandates.endAtCounter(clerk, licenceOffice, code)
    assert.equal(await may(friend.visitor, who.person), false)
    // The person sees that a counter looked.
    assert.ok((await it.people.usesByOthers(who, 50)).some((u) => /Ver o recibir un poder/.test(u.words)))
  })

  test('a parent acts for a child once the birth certificate was seen, until the child is of age', async () => {
    const curp = childCurp()
    const code = await it.mandates.draft(giver, { ...nothing, kind: 'parent', childName: child.name, childCurp: curp })
    const draft = await it.mandates.one(giver, code)
    assert.equal(draft.untilOn, '2034-03-02')
    await it.mandates.sign(giver, code, certified.sign('rosa', draft.statement))
    assert.equal((await it.mandates.one(giver, code)).state, 'to-confirm')
    await assert.rejects(
      it.mandates.seenAtCounter(clerk, licenceOffice, code, { statement: digest(draft.statement), certificateSeen: false }),
      refused('invalid', 'seen'),
    )
    await it.mandates.seenAtCounter(clerk, licenceOffice, code, { statement: digest(draft.statement), certificateSeen: true })
    const m = await it.mandates.one(giver, code)
    assert.equal(m.state, 'living')
    assert.equal(await may(giver, m.principalId!, 'sign'), true)
    const reference = await it.cases.filings.start(giver, { service: licence, principal: m.principalId! })
    assert.equal((await it.cases.filings.read(giver, reference)).actingFor, child.name)
    it.clock.set('2034-03-03T12:00:00Z')
    assert.equal(await may(giver, m.principalId!), false)
    it.clock.set('2026-11-24T16:00:00Z')
  })
})

/** A child's CURP whose check character holds: born on 3 March 2016. */
function childCurp(): string {
  const before = 'AARL160303MMSBSZA'
  const alphabet = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ'
  const sum = [...before].reduce((total, c, i) => total + alphabet.indexOf(c) * (18 - i), 0)
  return `${before}${(10 - (sum % 10)) % 10}`
}

describe('a company', () => {
  test('is known by its own signature; its representatives see and withdraw what it gave', async () => {
    const boss = await it.aPerson({ name: ivan.name, identity: ivan.curp })
    const companyDraft = { ...nothing, kind: 'company', companyName: company.name, companyRfc: company.rfc, maySign: true } as const
    const code = await it.mandates.draft(boss, { ...companyDraft, self: true })
    const { statement } = await it.mandates.one(boss, code)
    await assert.rejects(it.mandates.sign(boss, code, certified.sign('ivan', statement)), refused('signing/other-person'))
    await it.mandates.sign(boss, code, certified.sign('company', statement))
    const m = await it.mandates.one(boss, code)
    assert.equal(m.state, 'living', 'who wrote it is who acts')
    const [acting] = await it.mandates.acting(it.db, boss.person)
    assert.equal(acting!.name, company.name)
    assert.equal((await it.people.person(it.db, m.principalId!))!.identities[0]!.value, company.rfc)

    const clerkOfIts = await somebody()
    const second = await it.mandates.draft(boss, { ...companyDraft, ...clerkOfIts, self: false, maySign: false })
    await it.mandates.sign(boss, second, certified.sign('company', (await it.mandates.one(boss, second)).statement))
    await it.mandates.accept(clerkOfIts.visitor, { token: await tokenTo(clerkOfIts.email) })
    assert.equal((await it.mandates.one(clerkOfIts.visitor, second)).principalId, m.principalId, 'the same company')
    assert.ok(
      (await it.mandates.of(clerkOfIts.visitor)).some((x) => x.code === code),
      'who acts for it sees what it gave',
    )

    await assert.rejects(it.mandates.end(clerkOfIts.visitor, code), refused('forbidden'))
    await assert.rejects(it.mandates.readAtCounter(clerk, licenceOffice, code), refused('not-found'), 'no counter gives a company’s')
    await it.mandates.end(boss, second, certified.sign('company', await it.mandates.ending(boss, second)))
    assert.equal(await may(clerkOfIts.visitor, m.principalId!), false)
  })

  test('whose number somebody only claims gets it by its proof', async () => {
    const squatter = await it.aPerson()
    const rfc = 'OTR010203CD2'
    const { cookie } = await it.people.startSession(it.db, squatter.person, 'email')
    const session = (await it.people.identify({ cookies: cookiesOf(cookie) } as never, 'es')) as SignedIn
    await it.people.declareIdentity(session, { name: 'Otra Empresa', identity: rfc })
    const boss = (await it.mandates.acting(it.db, giver.person)).length
    const file = 'other-company'
    certified.person(file, { ...rosa, company: rfc }, 'authority')
    const code = await it.mandates.draft(giver, { ...nothing, kind: 'company', companyName: 'Otra Empresa', companyRfc: rfc, self: true })
    await it.mandates.sign(giver, code, certified.sign(file, (await it.mandates.one(giver, code)).statement))
    assert.equal((await it.mandates.acting(it.db, giver.person)).length, boss + 1)
    assert.equal(
      (await it.people.person(it.db, squatter.person))!.identities.some((i) => i.value === rfc),
      false,
    )
  })
})

describe('in a case', () => {
  test('what a representative does is the applicant’s, is told to both, and is seen by the applicant by name', async () => {
    const who = await somebody()
    await given(who, { services: [licence] })
    await assert.rejects(
      it.cases.filings.start(who.visitor, { service: 'state/birth-certificate@09' as ServiceId, principal: giver.person }),
      refused('mandates/not-covered'),
    )
    const reference = await it.cases.filings.start(who.visitor, { service: licence, principal: giver.person })
    await it.fill(who.visitor, reference, licenceAnswers)
    await it.cases.submit({ person: who.visitor.person, session: who.visitor.session, reference })
    const { o, s } = await it.cases.receipts.read(giver, reference)
    assert.equal(o.c.applicant, giver.person)
    assert.equal(s.receipt?.secretWithheld, false)
    await it.jobs.drain()
    const theirs = await it.cases.receipts.read(who.visitor, reference)
    assert.deepEqual([theirs.o.as, theirs.o.actingFor], ['representative', rosa.name])
    assert.equal(theirs.s.receipt?.secret, null, 'the secret opens all that is the applicant’s')
    assert.equal(theirs.s.receipt?.secretWithheld, true)
    for (const reader of [giver, who.visitor])
      assert.equal((await it.messages.inbox(reader.person, { language: 'es', limit: 5 }))[0]?.template, 'turn-taken')
    const uses = await it.people.usesByOthers(giver, 100)
    assert.ok(uses.some((u) => u.words.startsWith(who.name) && /Presentar su solicitud/.test(u.words) && u.reference === reference))
    assert.deepEqual(
      (await it.cases.receipts.mine(who.visitor)).map((m) => [m.c.reference, m.actingFor]),
      [[reference, rosa.name]],
    )

    // Nobody decides on whom they act for.
    await it.db.tx((tx) => it.people.giveRole(tx, null, who.visitor.person, { role: 'official', office: licenceOffice }))
    const official = await it.visitorOf(who.visitor.person)
    await it.cases.desks.goOn(official, licenceOffice)
    assert.equal(await it.cases.desks.next(official, licenceOffice), false)
    const passed = (await it.cases.receipts.read(giver, reference)).s.events.filter((e) => e.kind === 'passed')
    assert.deepEqual(
      passed.map((e) => e.data.reason),
      ['conflict'],
    )
    assert.equal((await it.replay()).ok, true)
  })

  test('a mandate that ends opens nothing any more, and another’s case reads as absent', async () => {
    const who = await somebody()
    const code = await given(who)
    const reference = await it.cases.filings.start(who.visitor, { service: licence, principal: giver.person })
    const stranger = await it.aPerson()
    await assert.rejects(it.cases.filings.read(stranger, reference), refused('not-found'))
    await assert.rejects(it.cases.submit({ person: stranger.person, reference }), refused('not-found'))
    await it.mandates.end(giver, code)
    await assert.rejects(it.cases.filings.read(who.visitor, reference), refused('not-found'))
    await assert.rejects(it.cases.filings.withdraw(who.visitor, reference), refused('not-found'))
    await assert.rejects(it.cases.submit({ person: who.visitor.person, session: who.visitor.session, reference }), refused('not-found'))
    assert.equal((await it.cases.filings.read(giver, reference)).c.reference, reference)
  })
})

describe('helpers', () => {
  test('are licensed with a cap, act in one case, and the register tells how the cases stand', async () => {
    const admin = await it.anAdministrator()
    const who = await somebody()
    const terms = { email: who.email, place: 'Mercado de Tacubaya', capCentavos: 20_000, until: '2027-11-24' }
    await assert.rejects(it.mandates.helpers.license(giver, terms), refused('forbidden'))
    await assert.rejects(
      it.mandates.helpers.license(admin, { ...terms, email: 'nobody@example.mx', until: '2099-01-01' }),
      refused('invalid', 'until', 'until'),
    )
    const number = await it.mandates.helpers.license(admin, terms)

    const ask = { ...nothing, kind: 'helper', helper: number, services: [licence], capCentavos: 15_000, until: '2027-05-24' } as const
    await assert.rejects(it.mandates.draft(giver, { ...ask, capCentavos: 20_001 }), refused('invalid', 'cap', 'cap'))
    await assert.rejects(it.mandates.draft(giver, { ...ask, services: [] }), refused('invalid', 'services', 'one-service'))
    await assert.rejects(it.mandates.draft(who.visitor, ask), refused('invalid', 'helper', 'self'))
    const code = await it.mandates.draft(giver, ask)
    const draft = await it.mandates.one(giver, code)
    assert.match(draft.statement, /\$150\.00 MXN/)
    await it.mandates.sign(giver, code, certified.sign('rosa', draft.statement))
    await it.mandates.accept(who.visitor, { code })

    const own = await it.cases.filings.start(giver, { service: licence })
    await assert.rejects(it.cases.filings.read(who.visitor, own), refused('not-found'), 'not the one it was given for')
    const reference = await it.cases.filings.start(who.visitor, { service: licence, principal: giver.person })
    await assert.rejects(
      it.cases.filings.start(who.visitor, { service: licence, principal: giver.person }),
      refused('mandates/not-covered'),
      'one case',
    )
    assert.equal((await it.mandates.one(giver, code)).oneCase, reference)
    await it.fill(who.visitor, reference, { ...licenceAnswers, home: 'Calle Jalapa 5, Roma Norte, 06700, Cuauhtémoc, Ciudad de México' })

    const standing = async () => (await it.mandates.helpers.list(it.cases.receipts.standings)).find((h) => h.number === number)!
    assert.deepEqual((await standing()).outcomes, { open: 0, granted: 0, refused: 0, lapsed: 0, withdrawn: 0 })
    assert.equal((await standing()).name, who.name)

    // A licence that ends ends what was given by it.
    await assert.rejects(it.mandates.helpers.end(admin, number, ''), refused('invalid', 'why'))
    await it.mandates.helpers.end(admin, number, 'Cobró más de lo permitido')
    await assert.rejects(it.cases.filings.read(who.visitor, reference), refused('not-found'))
    assert.equal((await standing()).inForce, false)
    assert.equal(await it.mandates.helpers.license(admin, terms), number, 'the number stays')
    assert.equal((await it.cases.filings.read(who.visitor, reference)).actingFor, rosa.name)
  })
})

test('a mandate covers a service by its id, its base, or the beginning of its id', () => {
  assert.equal(covers([], 'state/x@09'), true)
  assert.equal(covers(['state/x@09'], 'state/x@09'), true)
  assert.equal(covers(['state/x@09'], 'state/x@10'), false)
  assert.equal(covers(['state/x'], 'state/x@10'), true)
  assert.equal(covers(['federal/sat/'], 'federal/sat/tax-id'), true)
  assert.equal(covers(['federal/sat/'], 'federal/satx/tax-id'), false)
})
