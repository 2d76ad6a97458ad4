/** Telephone numbers as contacts: how they are proved, who shares one, and what a session that began by one may not do. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { after, before, describe } from 'node:test'
import type { OfficeId, PersonId, Reference } from '#kernel/id'
import { Problem, type ProblemCode } from '#kernel/problem'
import { FixedClock, minuteMs } from '#kernel/time'
import type { SignedIn, Web } from '#web'
import { accounts } from '../../src/modules/people/accounts.ts'
import { aPerson, aVisitor, Browser, clerkAt, type TestPeople, testKeys, testPeople, testWeb } from '../../src/modules/people/testing.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let t: TestDatabase
let p: TestPeople
let web: Web
before(async () => {
  t = await testDatabase()
  p = testPeople(t.db, { phones: true })
  web = await testWeb(p.people)
})
after(async () => {
  await web.close()
  await t.close()
})

const keys = testKeys()
let count = 0
const aNumber = () => `+5255${String(++count).padStart(8, '0')}`
const aBrowser = () => randomBytes(16).toString('base64url')
const aNetwork = () => `10.${randomBytes(3).join('.')}`
const refusedAs = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code
const office = 'registro-civil-09015' as OfficeId
const clerk = () => aVisitor(crypto.randomUUID() as PersonId, clerkAt(office))

/** The accounts' verbs, with what they sent. */
function open() {
  const sent: string[] = []
  const clock = new FixedClock('2026-11-24T16:00:00Z')
  const jobs = {
    async add(_on: unknown, name: string, data: object) {
      if (name === 'people.letter') sent.push((data as { id: string }).id)
    },
  }
  const own = accounts({ db: t.db, clock, jobs, keys, publicUrl: 'https://ventanilla.example', phones: true })
  const letters = async () => (await Promise.all(sent.map((id) => own.letter(id)))).filter((l) => l !== null)
  const codeOf = async (to: string) => {
    const found = (await letters()).findLast((l) => l.to === to && 'code' in l.data)
    return found && 'code' in found.data ? found.data.code : assert.fail(`no code to ${to}`)
  }
  /** A visitor whose session began this way. */
  const visitorBy = async (person: PersonId, way: 'phone' | 'email'): Promise<SignedIn> => {
    const { id } = await own.namedSession(t.db, person, way, 'phone')
    return { ...aVisitor(person), session: id } as SignedIn
  }
  /** The person adds the number, from the code to the proof. */
  const add = async (visitor: SignedIn, phone: string) => {
    const at = { browser: aBrowser(), network: aNetwork() }
    await own.askContact(visitor, visitor.person, { ...at, phone, language: 'es' })
    return own.confirmContact(visitor, { ...at, code: await codeOf(phone) })
  }
  const enter = async (phone: string, browser = aBrowser()) => {
    const at = { browser, network: aNetwork(), language: 'es' as const }
    await own.askCode({ ...at, phone })
    return own.signInByCode({ ...at, code: await codeOf(phone), device: 'phone' })
  }
  return { own, clock, letters, codeOf, visitorBy, add, enter }
}

/** This many persons with the number proved. */
const household = async (phone: string, names: readonly string[]) => {
  const all: PersonId[] = []
  for (const name of names) all.push(await aPerson(t.db, phone, name))
  return all
}

describe('a number', () => {
  test('that nobody has becomes an account, and however it is typed it is that account', async () => {
    const { own, enter } = open()
    const phone = aNumber()
    const first = await enter(phone)
    assert.ok(first.person)
    assert.equal((await own.person(t.db, first.person))?.phone, phone)
    assert.equal((await own.person(t.db, first.person))?.email, null)
    const at = { browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    assert.deepEqual(await own.askCode({ ...at, phone: `044 ${phone.slice(3, 5)} ${phone.slice(5)}` }), { address: phone })
  })

  test('is no address where no short messages go out', async () => {
    const jobs = { add: async () => {} }
    const own = accounts({ db: t.db, clock: new FixedClock('2026-11-24T16:00:00Z'), jobs, keys, publicUrl: 'https://ventanilla.example' })
    await assert.rejects(
      own.askCode({ phone: aNumber(), browser: aBrowser(), network: aNetwork(), language: 'es' }),
      (error) => error instanceof Problem && error.fields[0]?.pointer === '/phone',
    )
  })

  test('gets five codes in a quarter of an hour, however it is typed, and its limit holds no number', async () => {
    const { own } = open()
    const phone = aNumber()
    const ask = (typed: string) => own.askCode({ phone: typed, browser: aBrowser(), network: aNetwork(), language: 'es' })
    for (const prefix of ['', '+52', '52', '044', '01']) await ask(`${prefix}${phone.slice(3)}`)
    await assert.rejects(ask(phone), refusedAs('too-many'))
    const [dump] = await t.db.query<{ all: string }>(`select string_agg(t::text, E'\\n') as all from people_limit t`)
    assert.ok(!dump!.all.includes(phone.slice(3)))
  })

  test('abroad gets no code once forty went to its neighbours in a day; at home and elsewhere they go on', async () => {
    const { own } = open()
    const ask = (phone: string) => own.askCode({ phone, browser: aBrowser(), network: aNetwork(), language: 'es' })
    for (let i = 0; i < 40; i++) await ask(`+88213100${1000 + i}`)
    await assert.rejects(ask('+882131009999'), refusedAs('too-many'))
    await ask('+882131019999')
    for (let i = 0; i < 41; i++) await ask(`55770000${10 + i}`)
  })

  test('is added by its code, told to the other contacts with two digits of it, and stands in the account’s history', async () => {
    const { own, letters, visitorBy, add } = open()
    const person = await aPerson(t.db, `ana${++count}@ejemplo.mx`)
    const phone = aNumber()
    await add(await visitorBy(person, 'email'), phone)
    const told = (await letters()).findLast((l) => l.template === 'phone-added')
    assert.deepEqual(told?.data, { phone: `…${phone.slice(-2)}` })
    assert.equal((await own.events(person))[0]?.what, 'phone-added')
    assert.equal((await own.person(t.db, person))?.phone, phone)
  })

  test('serves three persons; a fourth is refused, also when two come at once for the last place', async () => {
    const { own, visitorBy, codeOf, add } = open()
    const phone = aNumber()
    await household(phone, ['Rosa', 'Luis'])
    const rivals = await Promise.all([1, 2].map(async () => visitorBy(await aPerson(t.db, `r${++count}@ejemplo.mx`), 'email')))
    const asked = []
    for (const visitor of rivals) {
      const at = { browser: aBrowser(), network: aNetwork() }
      await own.askContact(visitor, visitor.person, { ...at, phone, language: 'es' })
      asked.push({ visitor, at, code: await codeOf(phone) })
    }
    const ends = await Promise.allSettled(asked.map(({ visitor, at, code }) => own.confirmContact(visitor, { ...at, code })))
    const refused = ends.filter((e) => e.status === 'rejected')
    assert.equal(refused.length, 1)
    assert.ok(refusedAs('people/helpers-contact')(refused[0]!.reason))
    assert.equal(await sharing(phone), 3)

    // One who has it already may prove it again, and one who gives it up makes room.
    const winner = rivals[ends.findIndex((e) => e.status === 'fulfilled')]!
    await add(winner, phone)
    const contact = (await own.contacts(winner.person)).find((c) => c.address === phone)!
    await own.endContact(winner, contact.id)
    await add(rivals.find((r) => r !== winner)!, phone)
    assert.equal(await sharing(phone), 3)
  })

  test('that a clerk types stands as a note: the fourth is refused, and no note keeps its owner out', async () => {
    const { own } = open()
    const phone = aNumber()
    const ask = async (person: PersonId) => {
      const at = { browser: aBrowser(), network: aNetwork(), language: 'es' as const, office }
      return own.askContact(clerk(), person, { ...at, phone })
    }
    const without = async () => t.db.tx((tx) => own.newAccount(tx, 'es'))
    const noted = [await without(), await without(), await without()]
    for (const person of noted) await ask(person)
    // Asked again for one of them it is the same note.
    await ask(noted[0]!)
    await assert.rejects(ask(await without()), refusedAs('people/helpers-contact'))
    for (const person of noted) assert.equal((await own.person(t.db, person))?.phone, null, 'a note is no contact')
    // The limit by number is over, then its owner comes.
    const { enter, add, visitorBy, own: later, clock } = open()
    clock.advance(16 * minuteMs)
    const owner = await enter(phone)
    assert.ok(owner.person && !noted.includes(owner.person))
    assert.equal((await later.person(t.db, owner.person))?.phone, phone)
    const another = await visitorBy(await aPerson(t.db, `vive-ahi${++count}@ejemplo.mx`), 'email')
    await add(another, phone)
    assert.equal((await later.person(t.db, another.person))?.phone, phone)
  })

  test('is proved at a counter in the place of the note, and then confirms a filing there', async () => {
    const { own, codeOf } = open()
    const phone = aNumber()
    const by = clerk()
    const person = await t.db.tx((tx) => own.newAccount(tx, 'es'))
    const at = { browser: aBrowser(), network: aNetwork() }
    await own.askContact(by, person, { ...at, phone: aNumber(), language: 'es', office })
    await own.askContact(by, person, { ...at, phone, language: 'es', office })
    await own.confirmContact(by, { ...at, code: await codeOf(phone) })
    assert.deepEqual(
      (await own.contacts(person)).map((c) => [c.address, c.confirmed_at !== null]),
      [[phone, true]],
      'neither its note nor the one before it is left',
    )
    const confirms = { person, reference: 'AAAA-AAAAA' as Reference }
    await own.askConfirmation(by, confirms, { ...at, office })
    await own.confirmByCode(by, confirms, { ...at, office, code: await codeOf(phone) })
    // Who has a contact is not given another by a clerk.
    await assert.rejects(own.askContact(by, person, { ...at, phone: aNumber(), language: 'es', office }), refusedAs('forbidden'))
  })

  test('counts as an e-mail address does, which a clerk types', async () => {
    const { own } = open()
    const email = `ayuda${++count}@ejemplo.mx`
    const ask = async () => {
      const person = await t.db.tx((tx) => own.newAccount(tx, 'es'))
      return own.askContact(clerk(), person, { email, browser: aBrowser(), network: aNetwork(), language: 'es', office })
    }
    for (let i = 0; i < 3; i++) await ask()
    await assert.rejects(ask(), refusedAs('people/helpers-contact'))
  })

  test('is kept from nobody by four clerks at once', async () => {
    const { own } = open()
    const phone = aNumber()
    const persons = await Promise.all([1, 2, 3, 4].map(() => t.db.tx((tx) => own.newAccount(tx, 'es'))))
    const ends = await Promise.allSettled(
      persons.map((person) => own.askContact(clerk(), person, { phone, browser: aBrowser(), network: aNetwork(), language: 'es', office })),
    )
    assert.deepEqual(ends.map((e) => e.status).sort(), ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  })
})

const sharing = async (phone: string) =>
  Number(
    (
      await t.db.query<{ n: string }>(
        'select count(*) n from people_contact where phone = $1 and confirmed_at is not null and ended_at is null',
        [phone],
      )
    )[0]!.n,
  )

describe('who shares a number', () => {
  test('is chosen once, by the browser that gave the right code, within ten minutes', async () => {
    const { own, clock, enter } = open()
    const phone = aNumber()
    const [rosa, luis] = (await household(phone, ['Rosa', 'Luis'])) as [PersonId, PersonId]
    const browser = aBrowser()
    assert.equal(await own.choice(browser), null)
    assert.deepEqual(await enter(phone, browser), { person: null })
    const offered = (await own.choice(browser))!
    assert.deepEqual(
      offered.map((o) => o.name),
      ['Luis', 'Rosa'],
    )
    const given = { browser, network: aNetwork(), language: 'es' as const, device: 'phone' }
    // Neither another browser, nor somebody who does not share it, nor a person's own id.
    assert.equal(await own.choice(aBrowser()), null)
    await assert.rejects(own.signInByChoice({ ...given, browser: aBrowser(), who: offered[0]!.id }), refusedAs('people/code-expired'))
    const stranger = await aPerson(t.db, aNumber())
    const theirs = (await own.contacts(stranger))[0]!.id
    for (const who of [theirs, rosa, '', 'x']) await assert.rejects(own.signInByChoice({ ...given, who }), refusedAs('invalid'))

    const both = await Promise.allSettled(offered.map((o) => own.signInByChoice({ ...given, who: o.id })))
    assert.deepEqual(both.map((e) => e.status).sort(), ['fulfilled', 'rejected'])
    const entered = both.find((e) => e.status === 'fulfilled')!.value
    assert.ok([rosa, luis].includes(entered.person))
    assert.equal((await own.session(entered.token))?.way, 'phone')
    assert.equal(await own.choice(browser), null)

    await enter(phone, browser)
    clock.advance(10 * minuteMs)
    assert.equal(await own.choice(browser), null)
    await assert.rejects(own.signInByChoice({ ...given, who: offered[0]!.id }), refusedAs('people/code-expired'))
  })

  test('and gave the number up meanwhile is no more chosen', async () => {
    const { own, enter, visitorBy } = open()
    const phone = aNumber()
    const [rosa] = (await household(phone, ['Rosa', 'Luis'])) as [PersonId]
    await t.db.query(`insert into people_contact (id, person, email, confirmed_at, created_at) values ($1, $2, $3, now(), now())`, [
      crypto.randomUUID(),
      rosa,
      `rosa${++count}@ejemplo.mx`,
    ])
    const browser = aBrowser()
    await enter(phone, browser)
    const hers = (await own.contacts(rosa)).find((c) => c.address === phone)!.id
    await own.endContact(await visitorBy(rosa, 'email'), hers)
    assert.deepEqual(
      (await own.choice(browser))?.map((o) => o.name),
      ['Luis'],
    )
    const given = { browser, network: aNetwork(), language: 'es' as const, device: 'phone' }
    await assert.rejects(own.signInByChoice({ ...given, who: hers }), refusedAs('invalid'))
  })
})

describe('a session that began by telephone', () => {
  test('is of level 1, carries no duty, adds no passkey, and where there is an e-mail address changes no contact', async () => {
    const { own, enter, visitorBy, add } = open()
    const phone = aNumber()
    const email = `eva${++count}@ejemplo.mx`
    const person = await aPerson(t.db, email)
    const byMail = await visitorBy(person, 'email')
    await add(byMail, phone)
    await t.db.tx((tx) => own.giveRole(tx, null, person, { role: 'clerk', office }))
    const entered = await enter(phone)
    assert.ok(entered.person === person)
    const session = (await own.session(entered.token))!
    assert.deepEqual(session.grants, [])
    const visitor = { ...aVisitor(person), session: session.id } as SignedIn
    assert.equal((await own.passkeys.level(session.id)).level, 1)
    assert.equal((await own.passkeys.of(visitor)).mayAdd, false)
    assert.equal((await own.passkeys.of(byMail)).mayAdd, true, 'the duty opened the way by mail')
    const asked = { browser: aBrowser(), network: aNetwork(), language: 'es' as const }
    await assert.rejects(own.askContact(visitor, person, { ...asked, email: `otro${count}@ejemplo.mx` }), refusedAs('forbidden'))
    await assert.rejects(own.askContact(visitor, person, { ...asked, phone: aNumber() }), refusedAs('forbidden'))
    const mine = (await own.contacts(person)).find((c) => c.address === email)!
    await assert.rejects(own.endContact(visitor, mine.id), refusedAs('forbidden'))
  })

  test('adds a first e-mail address where there is none', async () => {
    const { own, enter, visitorBy, codeOf } = open()
    const entered = await enter(aNumber())
    assert.ok(entered.person)
    const visitor = await visitorBy(entered.person, 'phone')
    const email = `primera${++count}@ejemplo.mx`
    const at = { browser: aBrowser(), network: aNetwork() }
    await own.askContact(visitor, entered.person, { ...at, email, language: 'es' })
    await own.confirmContact(visitor, { ...at, code: await codeOf(email) })
    assert.equal((await own.person(t.db, entered.person))?.email, email)
  })

  test('ends when a counter gives the account back, and its number is told', async () => {
    const { own, enter, letters } = open()
    const phone = aNumber()
    const curp = 'QUMI881105MDFRYN05'
    await t.db.query('delete from people_identity where value = $1', [curp])
    const entered = await enter(phone)
    assert.ok(entered.person)
    await own.declareIdentity(aVisitor(entered.person) as SignedIn, { name: 'Inés Quiroga', identity: curp })
    await t.db.tx((tx) => own.restoreAtCounter(tx, clerk(), office, { identity: curp, name: 'Inés Quiroga', email: null }))
    assert.equal(await own.session(entered.token), null)
    assert.equal((await letters()).findLast((l) => l.template === 'contact-ended')?.to, phone)
    assert.equal((await own.person(t.db, entered.person))?.phone, null)
  })
})

describe('the pages, without scripts', () => {
  const ask = async (typed: string) => {
    const browser = new Browser(web)
    await browser.get('/sign-in')
    const asked = await browser.post('/sign-in', { email: typed, next: '/me/uses' })
    return { browser, asked }
  }

  test('a number is typed where an address is, and a code signs in', async () => {
    const phone = aNumber()
    const { browser, asked } = await ask(`55 ${phone.slice(5, 9)} ${phone.slice(9)}`)
    assert.deepEqual([asked.status, asked.location], [303, '/sign-in/code?next=%2Fme%2Fuses'])
    await browser.get(asked.location!)
    const entered = await browser.post('/sign-in/code', { code: await p.codeFor(phone), next: '/me/uses' })
    assert.deepEqual([entered.status, entered.location], [303, '/me/uses'])
    const me = (await browser.get('/me')).body
    assert.match(me, /\+52 55 \d{4} \d{4}/)
    assert.match((await browser.get('/me/sessions')).body, /Con su teléfono/)
  })

  test('a number that nobody, one, or three have gets the same answer', async () => {
    const [one, three] = [aNumber(), aNumber()]
    await household(one, ['Rosa'])
    await household(three, ['Rosa', 'Luis', 'Eva'])
    const answers = []
    for (const phone of [aNumber(), one, three]) {
      const { browser, asked } = await ask(phone)
      const page = await browser.get(asked.location!)
      answers.push([asked.status, asked.location, page.status, page.body.replace(/name="_csrf" value="[^"]+"/g, '')])
    }
    assert.deepEqual(answers[1], answers[0])
    assert.deepEqual(answers[2], answers[0])
  })

  test('what is neither is said in the form, with a link to its field', async () => {
    for (const typed of ['12345', 'ana', 'ana@', '']) {
      const { asked } = await ask(typed)
      assert.equal(asked.status, 422)
      assert.match(asked.body, /href="#email"[^>]*>Escriba un correo completo/)
    }
  })

  test('those who share a number are named after the right code alone, to that browser alone, and one is chosen', async () => {
    const phone = aNumber()
    await household(phone, ['Rosa Común', 'Luis <b>Común', 'Eva'])
    const { browser, asked } = await ask(phone)
    const early = await browser.get('/sign-in/choose?next=%2Fme%2Fuses')
    assert.deepEqual([early.status, early.location], [303, '/sign-in?next=%2Fme%2Fuses'])
    await browser.get(asked.location!)
    const wrong = await browser.post('/sign-in/code', { code: 'x', next: '/me/uses' })
    assert.equal(wrong.status, 422)
    assert.ok(!wrong.body.includes('Rosa Común'))
    const right = await browser.post('/sign-in/code', { code: await p.codeFor(phone), next: '/me/uses' })
    assert.deepEqual([right.status, right.location], [303, '/sign-in/choose?next=%2Fme%2Fuses'])
    assert.equal((await browser.get('/me')).status, 303, 'nobody is signed in yet')

    const page = await browser.get(right.location!)
    assert.match(page.body, /<h1[^>]*>\s*¿Quién entra\?/)
    const ids = [...page.body.matchAll(/type="radio" value="([^"]+)"|value="([0-9a-f-]{36})"/g)].map((m) => m[1] ?? m[2]!)
    assert.equal(ids.length, 3)
    const other = new Browser(web)
    await other.get('/sign-in')
    assert.equal((await other.get(right.location!)).status, 303)
    const stolen = await other.post('/sign-in/choose', { who: ids[0]!, next: '/me/uses' })
    assert.deepEqual([stolen.status, stolen.location], [303, '/sign-in?next=%2Fme%2Fuses'])
    assert.equal((await other.get('/me')).status, 303)

    await browser.get(right.location!)
    for (const fields of [{ next: '/me/uses' }, { who: crypto.randomUUID(), next: '/me/uses' }] as Record<string, string>[]) {
      const none = await browser.post('/sign-in/choose', fields)
      assert.equal(none.status, 422)
      assert.match(none.body, /href="#who"[^>]*>Elija quién entra/)
    }
    const unsigned = await browser.post('/sign-in/choose', { who: ids[1]!, next: '/me/uses' }, { csrf: null })
    assert.equal(unsigned.status, 403)
    const chosen = await browser.post('/sign-in/choose', { who: ids[1]!, next: '/me/uses' })
    assert.deepEqual([chosen.status, chosen.location], [303, '/me/uses'])
    assert.match((await browser.get('/me')).body, /Luis &lt;b&gt;Común/)
  })

  test('a number is added from the account’s page, and a fourth person is told how helpers help', async () => {
    const phone = aNumber()
    const family = await household(phone, ['Rosa', 'Luis', 'Eva'])
    const email = `cuarta${++count}@ejemplo.mx`
    const person = await aPerson(t.db, email)
    const { cookie } = await p.people.startSession(t.db, person, 'email')
    const browser = new Browser(web, cookie)
    await browser.get('/me')
    const bad = await browser.post('/me/contacts', { phone: '123' })
    assert.equal(bad.status, 422)
    assert.match(bad.body, /href="#phone"/)
    const add = async (number: string) => {
      assert.equal((await browser.post('/me/contacts', { phone: number })).location, '/me/contacts/code')
      await browser.get('/me/contacts/code')
      return browser.post('/me/contacts/code', { code: await p.codeFor(number), next: '/me' })
    }
    const fourth = await add(phone)
    assert.equal(fourth.status, 409)
    assert.match(fourth.body, /\/helpers/)
    for (const name of ['Rosa', 'Luis', 'Eva']) assert.ok(!fourth.body.includes(name))
    assert.equal(family.length, 3)
    await browser.get('/me')
    assert.equal((await add(aNumber())).location, '/me?saved=1')
  })

  test('where no short messages go out there is no field, no page and no answer to a number', async () => {
    const without = testPeople(t.db)
    const plain = await testWeb(without.people)
    const browser = new Browser(plain)
    const page = await browser.get('/sign-in')
    assert.match(page.body, /<label[^>]*>\s*Correo electrónico\s*<\/label>/)
    const asked = await browser.post('/sign-in', { email: aNumber(), next: '/me' })
    assert.equal(asked.status, 422)
    assert.equal((await browser.get('/sign-in/choose')).status, 404)
    const { cookie } = await without.people.startSession(t.db, await aPerson(t.db, `sin${++count}@ejemplo.mx`), 'email')
    const mine = new Browser(plain, cookie)
    assert.ok(!(await mine.get('/me')).body.includes('name="phone"'))
    assert.equal((await mine.post('/me/contacts', { phone: aNumber() })).status, 422)
    assert.deepEqual(await without.letters(), [])
    await plain.close()
  })
})
