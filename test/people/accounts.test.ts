import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { after, before, describe } from 'node:test'
import { type OfficeId, type PersonId, parseReference, type Reference } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { dayMs, FixedClock, minuteMs } from '#kernel/time'
import type { SignedIn } from '#web'
import { accounts } from '../../src/modules/people/accounts.ts'
import { parseIdentity, seedDemo } from '../../src/modules/people/index.ts'
import { aVisitor, clerkAt, testKeys, withoutContact } from '../../src/modules/people/testing.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let t: TestDatabase
before(async () => {
  t = await testDatabase()
})
after(() => t.close())

const refusedAs = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const keysOfTest = testKeys()
let count = 0
const anEmail = () => `persona${++count}@ejemplo.mx`
const self = (person: PersonId) => aVisitor(person) as SignedIn
const aBrowser = () => randomBytes(16).toString('base64url')
// Each from its own address: the limits by address are a test of their own.
const aNetwork = () => `10.${randomBytes(3).join('.')}`

/** A people module that also shows its inner verbs, with what it sent. */
function open() {
  const sent: string[] = []
  const clock = new FixedClock('2026-11-24T16:00:00Z')
  const jobs = {
    async add(_on: unknown, name: string, data: object) {
      if (name === 'people.letter') sent.push((data as { id: string }).id)
    },
  }
  const own = accounts({ db: t.db, clock, jobs, keys: keysOfTest, publicUrl: 'https://ventanilla.example' })
  const lastLetter = async (to: string) => {
    const all = (await Promise.all(sent.map((id) => own.letter(id)))).filter((l) => l !== null)
    const found = all.findLast((l) => l.to === to)
    assert.ok(found, `a letter to ${to}`)
    return found
  }
  const codeOf = async (to: string) => {
    const { data } = await lastLetter(to)
    return 'code' in data ? data.code : assert.fail('no code')
  }
  /** By a code to an address that nobody shares. */
  const signInByCode = async (given: Parameters<typeof own.signInByCode>[0]) => {
    const entered = await own.signInByCode(given)
    assert.ok(entered.person !== null)
    return entered
  }
  const signIn = async (email = anEmail()) => {
    const given = { browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    await own.askCode({ ...given, email })
    return { email, ...(await signInByCode({ ...given, code: await codeOf(email.toLowerCase()), device: 'computer' })) }
  }
  return { own, clock, sent, lastLetter, codeOf, signIn, signInByCode }
}

describe('codes', () => {
  test('the right code signs in, and the same address is the same person', async () => {
    const { own, signIn } = open()
    const first = await signIn()
    const again = await signIn(first.email.toUpperCase())
    assert.equal(again.person, first.person)
    assert.notEqual(again.token, first.token)
    assert.equal((await own.session(first.token))?.person, first.person)
  })

  test('a code counts only in the browser that asked for it', async () => {
    const { own, codeOf } = open()
    const asked = { email: anEmail(), browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    await own.askCode(asked)
    const code = await codeOf(asked.email)
    await assert.rejects(own.signInByCode({ ...asked, browser: aBrowser(), code, device: 'phone' }), refusedAs('people/code-expired'))
    await own.signInByCode({ ...asked, code, device: 'phone' })
  })

  test('a code works once, also when it is sent twice at the same time', async () => {
    const { own, codeOf } = open()
    const asked = { email: anEmail(), browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    await own.askCode(asked)
    const code = await codeOf(asked.email)
    const both = await Promise.allSettled([1, 2].map(() => own.signInByCode({ ...asked, code, device: 'phone' })))
    assert.deepEqual(both.map((r) => r.status).sort(), ['fulfilled', 'rejected'])
  })

  test('five wrong tries end a code, however many come at once', async () => {
    const { own, codeOf } = open()
    const asked = { email: anEmail(), browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    await own.askCode(asked)
    const code = await codeOf(asked.email)
    const wrong = code === '000000' ? '000001' : '000000'
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => own.signInByCode({ ...asked, code: wrong, device: 'phone' })))
    const codes = tries.map((r) => (r.status === 'rejected' ? (r.reason as Problem).code : 'in'))
    assert.equal(codes.filter((c) => c === 'people/code-wrong').length, 5)
    assert.equal(codes.filter((c) => c === 'people/code-expired').length, 15)
    await assert.rejects(own.signInByCode({ ...asked, code, device: 'phone' }), refusedAs('people/code-expired'))
  })

  test('a code is over after ten minutes, and so is its letter', async () => {
    const { own, clock, codeOf, sent } = open()
    const asked = { email: anEmail(), browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    await own.askCode(asked)
    const code = await codeOf(asked.email)
    clock.advance(10 * minuteMs)
    await assert.rejects(own.signInByCode({ ...asked, code, device: 'phone' }), refusedAs('people/code-expired'))
    assert.equal(await own.letter(sent.at(-1)!), null)
  })

  test('the sixth code for an address within a quarter of an hour is refused by every process, known address or not', async () => {
    const processes = [open(), open()]
    const known = (await processes[0]!.signIn()).email
    for (const p of processes) p.clock.advance(16 * minuteMs)
    const ask = (i: number, email: string) =>
      processes[i % 2]!.own.askCode({ email, browser: aBrowser(), network: aNetwork(), language: 'es' })
    for (const email of [known, anEmail()]) {
      for (let i = 0; i < 5; i++) await ask(i, email)
      for (const i of [0, 1]) await assert.rejects(ask(i, email), refusedAs('too-many'))
    }
    for (const p of processes) p.clock.advance(15 * minuteMs)
    await ask(0, known)
  })

  test('one address of the network cannot ask for codes without end', async () => {
    const { own } = open()
    const network = aNetwork()
    const ask = () => own.askCode({ email: anEmail(), browser: aBrowser(), network, language: 'es' })
    for (let i = 0; i < 60; i++) await ask()
    await assert.rejects(ask(), refusedAs('too-many'))
  })

  test('the database holds neither codes, nor printed secrets, nor session cookies, nor what mail will say', async () => {
    const { own, codeOf, signInByCode } = open()
    const asked = { email: anEmail(), browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    await own.askCode(asked)
    const code = await codeOf(asked.email)
    const { token, person } = await signInByCode({ ...asked, code, device: 'phone' })
    const [secret] = await own.allowReceipts(t.db, [{ reference: 'AAAA-AAAAA' as Reference, person }])
    const tables = ['people_code', 'people_letter', 'people_session', 'people_slip', 'people_limit']
    for (const table of tables) {
      const [dump] = await t.db.query<{ all: string }>(`select string_agg(t::text, E'\\n') as all from ${table} t`)
      for (const word of [token, secret!, asked.browser]) assert.ok(!dump!.all.includes(word), `${table} holds ${word}`)
    }
    const [codes] = await t.db.query<{ n: string }>(`select count(*) n from people_code t where code_hash::text like '%' || $1 || '%'`, [
      code,
    ])
    assert.equal(codes!.n, '0')
    const [letters] = await t.db.query<{ n: string }>(
      `select count(*) n from people_letter where position(convert_to($1, 'UTF8') in box) > 0`,
      [asked.email],
    )
    assert.equal(letters!.n, '0')
  })
})

describe('sessions', () => {
  test('a session ends after half an hour idle, after twelve hours at the latest, and at once when signed out anywhere', async () => {
    const { own, clock, signIn } = open()
    const { token } = await signIn()
    clock.advance(29 * minuteMs)
    assert.ok(await own.session(token))
    clock.advance(29 * minuteMs)
    assert.ok(await own.session(token), 'it was used meanwhile')
    clock.advance(30 * minuteMs)
    assert.equal(await own.session(token), null)

    const long = await signIn()
    for (let i = 0; i < 12 * 3 - 1; i++) {
      clock.advance(20 * minuteMs)
      assert.ok(await own.session(long.token))
    }
    clock.advance(20 * minuteMs)
    assert.equal(await own.session(long.token), null)

    const out = await signIn()
    await own.signOut({ token: out.token })
    assert.equal(await own.session(out.token), null)
  })

  test('a person closes every session but this one', async () => {
    const { own, signIn } = open()
    const a = await signIn()
    const b = await signIn(a.email)
    const here = (await own.session(b.token))!
    assert.equal(await own.endOtherSessions(a.person, here.id), 1)
    assert.equal(await own.session(a.token), null)
    assert.ok(await own.session(b.token))
  })
})

describe('receipts and slips', () => {
  test('a receipt signs in again and again; whatever is wrong is refused alike', async () => {
    const { own, signIn } = open()
    const { person } = await signIn()
    const reference = parseReference('K7QP-2M4X' + 'W') ?? ('K7QP-2M4XA' as Reference)
    const [secret] = await own.allowReceipts(t.db, [{ reference, person }])
    const given = { reference, secret: secret!.toLowerCase().replaceAll('-', ' '), network: aNetwork(), device: 'phone' }
    for (let i = 0; i < 2; i++) assert.equal((await own.signInBySlip(given)).person, person)
    await assert.rejects(own.signInBySlip({ ...given, secret: 'AAAA-AAAA-AAAA' }), refusedAs('people/code-wrong'))
    await assert.rejects(own.signInBySlip({ ...given, reference: 'ZZZZ-ZZZZZ' as Reference }), refusedAs('people/code-wrong'))
    await assert.rejects(own.signInBySlip({ ...given, reference: null }), refusedAs('people/code-wrong'))
  })

  test('a receipt’s secret is not guessed: ten tries an hour, whoever tries', async () => {
    const { own, signIn, clock } = open()
    const { person } = await signIn()
    const reference = 'BBBB-BBBBB' as Reference
    const [secret] = await own.allowReceipts(t.db, [{ reference, person }])
    for (let i = 0; i < 10; i++)
      await assert.rejects(
        own.signInBySlip({ reference, secret: 'x', network: aNetwork(), device: 'phone' }),
        refusedAs('people/code-wrong'),
      )
    const right = { reference, secret: secret!, network: aNetwork(), device: 'phone' }
    await assert.rejects(own.signInBySlip(right), refusedAs('too-many'))
    clock.advance(60 * minuteMs)
    await own.signInBySlip(right)
  })

  test('who came in by a receipt alone cannot make the account theirs', async () => {
    const { own, signIn } = open()
    const { person } = await signIn()
    const reference = 'CCCC-CCCCC' as Reference
    const [secret] = await own.allowReceipts(t.db, [{ reference, person }])
    const { token } = await own.signInBySlip({ reference, secret: secret!, network: aNetwork(), device: 'phone' })
    const session = (await own.session(token))!
    const visitor = { person, session: session.id, language: 'es' as const, grants: [] }
    const asked = { email: anEmail(), browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    await assert.rejects(own.askContact(visitor, person, asked), refusedAs('forbidden'))
    await own.declareIdentity(visitor, { name: 'Ana López', identity: 'GODE561231GR8' })
    await assert.rejects(own.declareIdentity(visitor, { name: 'Otra Persona', identity: 'EKU9003173C9' }), refusedAs('forbidden'))
    await t.db.query('delete from people_identity')
  })

  test('a paper signs a citizen in, never an official', async () => {
    const { own, signIn } = open()
    const byMail = await signIn()
    await t.db.tx((tx) => own.giveRole(tx, null, byMail.person, { role: 'control', office: null }))
    const reference = 'EEEE-EEEEE' as Reference
    const [secret] = await own.allowReceipts(t.db, [{ reference, person: byMail.person }])
    const byPaper = await own.signInBySlip({ reference, secret: secret!, network: aNetwork(), device: 'phone' })
    assert.deepEqual((await own.session(byPaper.token))?.grants, [])
    assert.deepEqual((await own.session(byMail.token))?.grants, [{ role: 'control', office: null }])
  })
})

describe('identity', () => {
  test('one CURP is one person’s, however it is typed and however many say it at once', async () => {
    const { own, signIn } = open()
    const people = await Promise.all([signIn(), signIn(), signIn()])
    const all = await Promise.allSettled(
      people.map((p, i) =>
        own.declareIdentity(self(p.person), {
          name: 'Ana López',
          identity: ['AAPR630321HDFLRC09', 'aapr630321hdflrc09', 'AAPR 630321 HDFLRC 09'][i]!,
        }),
      ),
    )
    assert.equal(all.filter((r) => r.status === 'fulfilled').length, 1)
    for (const r of all) if (r.status === 'rejected') assert.ok(refusedAs('people/identity-taken')(r.reason))
  })

  test('whether a CURP is registered can be asked five times a day, no more', async () => {
    const { own, signIn, clock } = open()
    const { person, token, email } = await signIn()
    const me = { ...self(person), session: (await own.session(token))!.id }
    for (let i = 0; i < 5; i++) await own.declareIdentity(me, { name: 'Ana López', identity: 'GODE561231GR8' })
    await assert.rejects(own.declareIdentity(me, { name: 'Ana López', identity: 'GODE561231GR8' }), refusedAs('too-many'))
    clock.advance(dayMs)
    me.session = (await own.session((await signIn(email)).token))!.id
    await own.declareIdentity(me, { name: 'Ana López', identity: 'GODE561231GR8' })
    const found = await own.person(t.db, person)
    assert.deepEqual(found?.identities, [{ kind: 'rfc', value: 'GODE561231GR8', shownAt: null }])
  })
})

describe('at the counter', () => {
  const office = 'registro-civil-09015' as OfficeId
  const identity = 'JITR900412MDFMLS06'
  const clerk = () => aVisitor('00000000-0000-7000-8000-0000000000c1' as PersonId, clerkAt(office))

  test('an account is taken back with identity shown: other contacts, sessions and secrets end, the old contact is told, the person stays', async () => {
    const { own, signIn, lastLetter } = open()
    const thief = await signIn()
    await own.declareIdentity(self(thief.person), { name: 'Otra Persona', identity })
    const [secret] = await own.allowReceipts(t.db, [{ reference: 'DDDD-DDDDD' as Reference, person: thief.person }])

    const { person, slip } = await t.db.tx((tx) =>
      own.restoreAtCounter(tx, clerk(), office, { identity, name: 'Rosa Jiménez', email: null }),
    )
    assert.equal(person, thief.person)
    assert.equal(await own.session(thief.token), null)
    const network = aNetwork()
    await assert.rejects(
      own.signInBySlip({ reference: 'DDDD-DDDDD' as Reference, secret: secret!, network, device: 'phone' }),
      refusedAs('people/code-wrong'),
    )
    assert.equal((await lastLetter(thief.email)).template, 'contact-ended')
    assert.equal((await own.person(t.db, person))?.email, null)
    assert.equal((await own.person(t.db, person))?.name, 'Rosa Jiménez')
    assert.deepEqual(
      (await own.uses(person, null, 10)).map((u) => [u.purpose, u.office, u.actor]),
      [['restore', office, clerk().person]],
    )
    // The old address, proved again, is a new person.
    assert.notEqual((await signIn(thief.email)).person, person)

    // The slip signs in once; then the person proves an address of their own.
    const inByslip = await own.signInBySlip({ ...slip, network, device: 'phone' })
    assert.equal(inByslip.person, person)
    await assert.rejects(own.signInBySlip({ ...slip, network, device: 'phone' }), refusedAs('people/code-wrong'))
  })

  test('a person without e-mail is registered with a slip; a known one is found and given no way in', async () => {
    const { own } = open()
    const shown = { identity: 'AIBT850923HDFRLM08', name: 'Tomás Arriaga', language: 'es' as const }
    const first = await t.db.tx((tx) => own.registerAtCounter(tx, clerk(), office, shown))
    assert.equal(first.known, false)
    assert.ok(first.slip && parseReference(first.slip.reference))
    const again = await t.db.tx((tx) => own.registerAtCounter(tx, clerk(), office, shown))
    assert.deepEqual(again, { person: first.person, known: true, slip: null })
  })

  test('a code to the contact confirms the filing it was sent for, once, before a clerk of the office, and nothing else', async () => {
    const { own, signIn, codeOf } = open()
    const { person, email } = await signIn()
    const at = { office, browser: 'counter-browser', network: aNetwork() }
    const [one, other] = ['EEEE-EEEEE', 'FFFF-FFFFF'].map((reference) => ({ person, reference: reference as Reference }))
    await assert.rejects(own.askConfirmation(aVisitor(person), one!, at), refusedAs('forbidden'))
    await assert.rejects(own.askConfirmation(aVisitor(clerk().person, clerkAt('otra')), one!, at), refusedAs('forbidden'))
    await own.askConfirmation(clerk(), one!, at)
    const code = await codeOf(email)
    await assert.rejects(own.confirmByCode(clerk(), other!, { ...at, code }), refusedAs('people/code-wrong'))
    await assert.rejects(own.confirmContact(clerk(), { ...at, code }), refusedAs('people/code-expired'))
    await assert.rejects(own.signInByCode({ ...at, code, language: 'es', device: 'phone' }), refusedAs('people/code-expired'))
    await assert.rejects(own.confirmByCode(clerk(), one!, { ...at, browser: 'another', code }), refusedAs('people/code-expired'))
    await own.confirmByCode(clerk(), one!, { ...at, code })
    await assert.rejects(own.confirmByCode(clerk(), one!, { ...at, code }), refusedAs('people/code-expired'))
    await withoutContact(t.db, person)
    await assert.rejects(own.askConfirmation(clerk(), one!, at), refusedAs('not-found'))
  })

  test('nobody without a counter of that office registers or restores, and nobody restores themselves', async () => {
    const { own } = open()
    const shown = { identity: 'QUMI881105MDFRYN05', name: 'Inés Quiroga', language: 'es' as const, email: null }
    for (const who of [
      aVisitor(null),
      aVisitor('00000000-0000-7000-8000-0000000000c2' as PersonId),
      aVisitor(clerk().person, clerkAt('otra')),
    ]) {
      await assert.rejects(
        t.db.tx((tx) => own.registerAtCounter(tx, who, office, shown)),
        refusedAs('forbidden'),
      )
      await assert.rejects(
        t.db.tx((tx) => own.restoreAtCounter(tx, who, office, shown)),
        refusedAs('forbidden'),
      )
    }
    const { person } = await t.db.tx((tx) => own.registerAtCounter(tx, clerk(), office, shown))
    const self = aVisitor(person, clerkAt(office))
    await assert.rejects(
      t.db.tx((tx) => own.restoreAtCounter(tx, self, office, shown)),
      refusedAs('forbidden'),
    )
  })

  test('who signs in at the moment an account is taken back keeps no session of it', async () => {
    const { own, codeOf, clock, signInByCode } = open()
    const curp = 'QUMI881105MDFRYN05'
    await t.db.query('delete from people_identity where value = $1', [curp])
    const shown = { identity: curp, name: 'Inés Quiroga', email: null }
    for (let round = 0; round < 15; round++) {
      clock.advance(dayMs)
      const asked = { email: anEmail(), browser: aBrowser(), network: aNetwork(), language: 'es' as const }
      await own.askCode(asked)
      const thief = await signInByCode({ ...asked, code: await codeOf(asked.email), device: 'phone' })
      await t.db.query('delete from people_identity where value = $1', [curp])
      await own.declareIdentity(self(thief.person), shown)
      await own.askCode(asked)
      const code = await codeOf(asked.email)
      const [again] = await Promise.all([
        signInByCode({ ...asked, code, device: 'phone' }),
        t.db.tx((tx) => own.restoreAtCounter(tx, clerk(), office, shown)),
      ])
      assert.equal((await own.sessions(thief.person)).length, 0)
      const session = await own.session(again.token)
      assert.ok(session === null || session.person !== thief.person)
    }
  })

  test('a clerk does not become an official by taking their account back', async () => {
    const { own, signIn, clock } = open()
    const official = await signIn()
    const shown = { identity: 'RIUF820214HYNVCS09', name: 'Fausto Rivas', email: null }
    await own.declareIdentity(self(official.person), shown)
    await t.db.tx((tx) => own.giveRole(tx, null, official.person, { role: 'official', office }))
    const restore = () => t.db.tx((tx) => own.restoreAtCounter(tx, clerk(), office, shown))
    await assert.rejects(restore(), refusedAs('forbidden'))
    assert.ok(await own.session(official.token))
    clock.advance(1)
    await t.db.tx((tx) => own.withdrawRole(tx, null, official.person, { role: 'official', office }))
    assert.equal((await restore()).person, official.person)
  })

  test('a clerk adds a contact only where there is none, and it counts when its code comes back', async () => {
    const { own, codeOf } = open()
    const shown = { identity: 'NACE790630MYNVHL03', name: 'Elvira Nava', language: 'es' as const }
    const { person } = await t.db.tx((tx) => own.registerAtCounter(tx, clerk(), office, shown))
    const asked = { email: anEmail(), browser: aBrowser(), network: aNetwork(), language: 'es' as const, office }
    await own.askContact(clerk(), person, asked)
    assert.equal((await own.person(t.db, person))?.email, null)
    await own.confirmContact(clerk(), { ...asked, code: await codeOf(asked.email) })
    assert.equal((await own.person(t.db, person))?.email, asked.email)
    await assert.rejects(own.askContact(clerk(), person, { ...asked, email: anEmail() }), refusedAs('forbidden'))
  })
})

describe('roles', () => {
  const admin = aVisitor('00000000-0000-7000-8000-0000000000a1' as PersonId, [{ role: 'admin', office: null }])

  test('an invite gives its role once, within seven days, and opens nobody’s account', async () => {
    const { own, clock, signIn } = open()
    const tokenOf = (link: string) => link.split('/').at(-1)!
    const given = { name: 'Fausto Rivas', language: 'es' as const, network: aNetwork(), device: 'computer' }

    const fresh = await own.invite(null, { email: anEmail(), role: 'admin', office: null, language: 'es' })
    assert.ok(fresh.link.startsWith('https://ventanilla.example/invites/'))
    const taken = await own.takeInvite(aVisitor(null), tokenOf(fresh.link), given)
    assert.deepEqual((await own.session(taken.token!))?.grants, [{ role: 'admin', office: null }])
    await assert.rejects(own.takeInvite(aVisitor(null), tokenOf(fresh.link), given), refusedAs('people/invite-used'))

    const victim = await signIn()
    const aimed = await own.invite(admin, { email: victim.email, role: 'control', office: null, language: 'es' })
    await assert.rejects(own.takeInvite(aVisitor(null), tokenOf(aimed.link), given), refusedAs('sign-in-first'))
    await assert.rejects(own.takeInvite(aVisitor(taken.person), tokenOf(aimed.link), given), refusedAs('forbidden'))
    assert.deepEqual(await own.takeInvite(aVisitor(victim.person), tokenOf(aimed.link), given), { person: victim.person, token: null })

    const late = await own.invite(admin, { email: anEmail(), role: 'control', office: null, language: 'es' })
    clock.advance(7 * dayMs)
    await assert.rejects(own.takeInvite(aVisitor(null), tokenOf(late.link), given), refusedAs('people/invite-used'))
  })

  test('only an administrator of the whole portal gives and withdraws; the last one stays; each act is written down', async () => {
    const { own, signIn, clock } = open()
    const one = await signIn()
    const office = 'oficina-1' as OfficeId
    const ofOffice = aVisitor(one.person, [{ role: 'admin', office }])
    await assert.rejects(
      t.db.tx((tx) => own.giveRole(tx, ofOffice, one.person, { role: 'admin', office: null })),
      refusedAs('forbidden'),
    )
    await assert.rejects(own.invite(ofOffice, { email: anEmail(), role: 'admin', office: null, language: 'es' }), refusedAs('forbidden'))
    await assert.rejects(
      t.db.tx((tx) => own.giveRole(tx, admin, one.person, { role: 'official', office: null })),
      refusedAs('invalid'),
    )

    await t.db.query(`delete from people_grant where role = 'admin'`)
    await t.db.tx((tx) => own.giveRole(tx, admin, one.person, { role: 'admin', office: null }))
    await assert.rejects(
      t.db.tx((tx) => own.withdrawRole(tx, admin, one.person, { role: 'admin', office: null })),
      refusedAs('conflict'),
    )

    clock.advance(1)
    await t.db.tx((tx) => own.giveRole(tx, admin, one.person, { role: 'official', office }))
    clock.advance(1)
    await t.db.tx((tx) => own.withdrawRole(tx, admin, one.person, { role: 'official', office }))
    assert.equal(await own.session(one.token), null, 'a withdrawn role ends its holder’s sessions')
    const acts = (await own.events(one.person)).map((e) => [e.what, e.role, e.office, e.actor])
    assert.deepEqual(acts.slice(0, 2), [
      ['role-withdrawn', 'official', office, admin.person],
      ['role-given', 'official', office, admin.person],
    ])
  })

  test('of two administrators withdrawn at once one stays', async () => {
    const { own, signIn } = open()
    const two = await Promise.all([signIn(), signIn()])
    await t.db.query(`delete from people_grant where role = 'admin'`)
    for (const p of two) await t.db.tx((tx) => own.giveRole(tx, admin, p.person, { role: 'admin', office: null }))
    const done = await Promise.allSettled(
      two.map((p) => t.db.tx((tx) => own.withdrawRole(tx, admin, p.person, { role: 'admin', office: null }))),
    )
    assert.deepEqual(done.map((r) => r.status).sort(), ['fulfilled', 'rejected'])
  })
})

test('who looked at my data: one statement for many, each person sees their own, and a rollback leaves none', async () => {
  const { own, signIn } = open()
  const [a, b] = [await signIn(), await signIn()]
  const use = (subject: PersonId, purpose: string) => ({
    subject,
    actor: null,
    caseReference: 'K7QP-2M4XW' as Reference,
    keyId: 'k1',
    purpose,
  })
  await t.db.tx((tx) => own.recordUse(tx, [use(a.person, 'submit'), use(b.person, 'serve'), use(a.person, 'decide')]))
  await assert.rejects(
    t.db.tx(async (tx) => {
      await own.recordUse(tx, [use(a.person, 'show')])
      throw new Error('undone')
    }),
  )
  assert.deepEqual((await own.uses(a.person, null, 10)).map((u) => u.purpose).sort(), ['decide', 'submit'])
  assert.deepEqual(
    (await own.uses(b.person, null, 10)).map((u) => u.purpose),
    ['serve'],
  )
})

test('the demonstration has its seven accounts with true check digits, however often it is seeded', async (c) => {
  const own = await testDatabase()
  c.after(() => own.close())
  const office = 'demo-registro-civil' as OfficeId
  const first = await seedDemo(own.db, { office })
  const again = await seedDemo(own.db, { office })
  assert.deepEqual(again, first)
  assert.deepEqual(
    first.map((a) => [a.email, a.roles.map((r) => r.role).join('+')]),
    [
      ['ciudadana@demo.invalid', ''],
      ['oficial1@demo.invalid', 'clerk+official'],
      ['oficial2@demo.invalid', 'clerk+official'],
      ['supervisora@demo.invalid', 'supervisor'],
      ['analista1@demo.invalid', 'analyst'],
      ['analista2@demo.invalid', 'analyst'],
      ['admin@demo.invalid', 'admin'],
    ],
  )
  const rows = await own.db.query<{ value: string }>('select value from people_identity where person = any($1::uuid[])', [
    first.map((a) => a.id),
  ])
  assert.equal(rows.length, 7)
  for (const { value } of rows) assert.deepEqual(parseIdentity(value), { kind: 'curp', value })
})
