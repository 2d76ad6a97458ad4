/** Passkeys: what is accepted of a device, what is not and why, and that nothing weaker adds one to an account that has one. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Tx } from '#db'
import { dayMs, FixedClock } from '#kernel/time'
import type { SignedIn } from '#web'
import { accounts } from '../../src/modules/people/accounts.ts'
import type { Way } from '../../src/modules/people/store.ts'
import { aPerson, testKeys } from '../../src/modules/people/testing.ts'
import { makePasskey, type SoftPasskey, signIn, type Twist } from '../../src/modules/people/testing-authenticator.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const site = { origin: 'https://ventanilla.test', rpId: 'ventanilla.test' }
const clock = new FixedClock('2026-11-27T12:00:00Z')
let database: TestDatabase
let own: ReturnType<typeof accounts>
const letters: string[] = []

before(async () => {
  database = await testDatabase()
  own = accounts({
    db: database.db,
    clock,
    jobs: { add: async (_on, name, data) => void (name === 'people.letter' && letters.push((data as { id: string }).id)) },
    keys: testKeys(),
    publicUrl: site.origin,
    production: true,
  })
})
after(() => database.close())

let born = 0
/** A person in a session that began this way. */
async function aVisitor(way: Way = 'email', person?: SignedIn['person']): Promise<SignedIn> {
  const id = person ?? (await aPerson(database.db, `p${++born}@example.mx`))
  const token = await own.startSession(database.db, id, way, 'computer')
  const found = (await own.session(token))!
  return { person: id, session: found.id, language: 'es', grants: found.grants }
}
async function add(visitor: SignedIn, twist: Twist = {}, name = 'Mi teléfono'): Promise<SoftPasskey> {
  const options = await own.passkeys.addOptions(visitor, 'browser', 'p@example.mx')
  const { passkey, response } = makePasskey(options, site, twist)
  await own.passkeys.add(visitor, 'browser', { response, name })
  return passkey
}
async function enter(passkey: SoftPasskey, twist: Twist = {}, browser = 'browser') {
  const options = await own.passkeys.enterOptions('browser')
  const { token, person } = await own.passkeys.enter(browser, { response: signIn(passkey, options, site, twist), device: 'phone' })
  const found = (await own.session(token))!
  return { person, session: found.id, language: 'es' as const, grants: found.grants }
}
const because =
  (...codes: string[]) =>
  (error: { code?: string; fields?: { code: string }[] }) => {
    assert.deepEqual([error.code, ...(error.fields ?? []).map((f) => f.code)], codes)
    return true
  }
const lettersOf = async () => (await Promise.all(letters.map((id) => own.letter(id)))).map((l) => l?.template)

test('a passkey is added, signs in, is told of by mail, named, and removed with the sessions it opened', async () => {
  const visitor = await aVisitor()
  const passkey = await add(visitor)
  assert.ok((await lettersOf()).includes('passkey-added'))
  const entered = await enter(passkey)
  assert.equal(entered.person, visitor.person)
  await own.passkeys.rename(entered, passkey.id, 'El de la casa')
  const [kept] = (await own.passkeys.of(entered)).passkeys
  assert.deepEqual([kept!.name, kept!.backedUp, kept!.usedAt !== null], ['El de la casa', false, true])
  await own.passkeys.remove(entered, passkey.id)
  assert.equal((await own.passkeys.of(visitor)).passkeys.length, 0)
  assert.equal(
    (await own.sessions(visitor.person)).some((s) => s.id === entered.session),
    false,
  )
  await assert.rejects(enter(passkey), because('people/passkey-refused', 'unknown'))
})

const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const wrong: Readonly<Record<string, Twist>> = {
  'another origin': { origin: 'https://ventanilla.test.evil.mx' },
  'the right name over http': { origin: 'http://ventanilla.test' },
  'another site': { rpId: 'evil.mx' },
  'nobody verified': { verified: false },
  'the other ceremony': { type: 'webauthn.create' },
  'another key': { signer: other },
  'a counter that goes back': { counter: 1 },
}
for (const [words, twist] of Object.entries(wrong))
  test(`signing in with ${words} is refused`, async () => {
    const passkey = await add(await aVisitor(), { counter: 5 })
    await assert.rejects(enter(passkey, twist), because('people/passkey-refused', 'wrong'))
    await enter(passkey)
  })
for (const [words, twist] of Object.entries({
  'another origin': wrong['another origin']!,
  'another site': wrong['another site']!,
  'nobody verified': wrong['nobody verified']!,
  'the other ceremony': { type: 'webauthn.get' },
}))
  test(`adding with ${words} is refused`, async () => {
    const visitor = await aVisitor()
    await assert.rejects(add(visitor, twist), because('people/passkey-refused', 'wrong'))
    assert.equal((await own.passkeys.of(visitor)).passkeys.length, 0)
  })

test('an answer counts once, in its browser, for its account, and for five minutes', async () => {
  const visitor = await aVisitor()
  const passkey = await add(visitor)
  const options = await own.passkeys.enterOptions('browser')
  const response = signIn(passkey, options, site)
  await assert.rejects(own.passkeys.enter('another browser', { response, device: 'phone' }), because('people/passkey-refused', 'late'))
  await own.passkeys.enter('browser', { response, device: 'phone' })
  await assert.rejects(own.passkeys.enter('browser', { response, device: 'phone' }), because('people/passkey-refused', 'late'))

  const late = await own.passkeys.enterOptions('browser')
  clock.advance(5 * 60_000 + 1)
  await assert.rejects(
    own.passkeys.enter('browser', { response: signIn(passkey, late, site), device: 'phone' }),
    because('people/passkey-refused', 'late'),
  )
  const somebody = await aVisitor()
  const asked = await own.passkeys.addOptions(somebody, 'browser', 'x')
  await assert.rejects(
    own.passkeys.add(await aVisitor(), 'browser', { response: makePasskey(asked, site).response, name: 'x' }),
    because('people/passkey-refused', 'not-yours'),
  )
})

test('two answers of one counter at the same time: one is a copy’s', async () => {
  const passkey = await add(await aVisitor(), { counter: 1 })
  const asked = await Promise.all(['b1', 'b2'].map((b) => own.passkeys.enterOptions(b)))
  const both = await Promise.allSettled(
    asked.map((options, i) =>
      own.passkeys.enter(`b${i + 1}`, { response: signIn(passkey, options, site, { counter: 2 }), device: 'phone' }),
    ),
  )
  assert.deepEqual(both.map((r) => r.status).sort(), ['fulfilled', 'rejected'])
})

test('what is no answer is said to be none', async () => {
  await own.passkeys.enterOptions('browser')
  for (const response of ['', '{', 'null', '[]', '{"id":1}', `{"id":"${'x'.repeat(30_000)}"}`])
    await assert.rejects(own.passkeys.enter('browser', { response, device: 'phone' }), because('people/passkey-refused', 'unreadable'))
  const visitor = await aVisitor()
  for (const response of [
    '{"id":"x"}',
    '{"id":"x","response":{}}',
    '{"id":"x","rawId":"x","type":"public-key","response":{"clientDataJSON":"AAAA"}}',
  ]) {
    await own.passkeys.addOptions(visitor, 'browser', 'x')
    await assert.rejects(own.passkeys.add(visitor, 'browser', { response, name: 'x' }), because('people/passkey-refused', 'wrong'))
  }
})

test('where there is a passkey, only a passkey adds another, removes one and makes recovery codes', async () => {
  const visitor = await aVisitor()
  const passkey = await add(visitor)
  for (const refused of [() => add(visitor), () => own.passkeys.remove(visitor, passkey.id), () => own.passkeys.newRecovery(visitor)])
    await assert.rejects(refused(), because('people/passkey-first'))
  const entered = await enter(passkey)
  await add(entered, { backedUp: true }, 'Otra')
  assert.deepEqual((await own.passkeys.of(entered)).passkeys.map((p) => p.backedUp).sort(), [false, true])
})

test('a recovery code works once and after a day; its owner is told at once and can stop it', async () => {
  const visitor = await aVisitor()
  const entered = await enter(await add(visitor))
  const codes = await own.passkeys.newRecovery(entered)
  assert.equal(new Set(codes).size, 10)
  const stranger = await aVisitor('email', visitor.person)
  await assert.rejects(own.passkeys.recover(stranger, 'AAAA-BBBB-CCCC-DDDD'), because('invalid', 'recovery'))
  await own.passkeys.recover(stranger, codes[0]!.toLowerCase().replaceAll('-', ' '))
  assert.ok((await lettersOf()).includes('recovery-begun'))
  await assert.rejects(add(stranger), because('people/passkey-first'))
  await own.passkeys.stopRecovery(await aVisitor('email', visitor.person))
  clock.advance(dayMs + 1)
  await assert.rejects(add(await aVisitor('email', visitor.person)), because('people/passkey-first'))

  const again = await aVisitor('email', visitor.person)
  await assert.rejects(own.passkeys.recover(again, codes[0]!), because('invalid', 'recovery'))
  await own.passkeys.recover(again, codes[1]!)
  clock.advance(dayMs + 1)
  const back = await aVisitor('email', visitor.person)
  await add(back)
  await assert.rejects(add(back), because('people/passkey-first'))
  assert.equal((await own.passkeys.of(back)).codes, 8)
})

test('in production an official has their duty by passkey alone; their first comes by an invitation, never by mail; the last one stays', async () => {
  const visitor = await aVisitor()
  const grant = { role: 'admin', office: null } as const
  await database.db.tx((tx: Tx) => own.giveRole(tx, null, visitor.person, grant))
  assert.deepEqual((await aVisitor('email', visitor.person)).grants, [])
  // The administrator's act opens the way for seven days, and no longer.
  clock.advance(8 * dayMs)
  await assert.rejects(add(await aVisitor('email', visitor.person)), because('people/passkey-first'))
  await database.db.tx((tx: Tx) => own.passkeys.allow(tx, visitor.person))
  const passkey = await add(await aVisitor('email', visitor.person))
  const entered = await enter(passkey)
  assert.deepEqual(entered.grants, [grant])
  await assert.rejects(own.passkeys.remove(entered, passkey.id), because('conflict'))
  await add(entered)
  await own.passkeys.remove(entered, passkey.id)
  // Who has a passkey shows it, also after another invitation.
  await database.db.tx((tx: Tx) => own.passkeys.allow(tx, visitor.person))
  await assert.rejects(add(await aVisitor('email', visitor.person)), because('people/passkey-first'))
})

test('levels: mail 1; passkey and CURP 2; with the CURP seen at a counter and a passkey of one device 3', async () => {
  const level = async (v: SignedIn) => (await own.passkeys.level(v.session)).level
  const visitor = await aVisitor()
  const bound = await enter(await add(visitor))
  assert.deepEqual([await level(visitor), await level(bound)], [1, 1])
  await own.declareIdentity(bound, { name: 'Xochilt Casas', identity: 'CACX760510MGTSHC04' })
  assert.deepEqual([await level(visitor), await level(bound)], [1, 2])
  const synced = await add(bound, { backedUp: true })
  await database.db.query('update people_identity set shown_at = now() where person = $1', [visitor.person])
  assert.deepEqual([await level(bound), await level(await enter(synced))], [3, 2])
})

test('who finds a receipt, or a slip of a counter, adds no passkey and recovers nothing', async () => {
  const { person } = await aVisitor()
  for (const way of ['receipt', 'counter'] as const) await assert.rejects(add(await aVisitor(way, person)), because('people/passkey-first'))
  const entered = await enter(await add(await aVisitor('email', person)))
  const codes = await own.passkeys.newRecovery(entered)
  await assert.rejects(own.passkeys.recover(await aVisitor('receipt', person), codes[0]!), because('forbidden'))
})

test('a passkey that says it is another person’s signs nobody in', async () => {
  const passkey = await add(await aVisitor())
  const { userHandle } = await add(await aVisitor())
  await assert.rejects(enter({ ...passkey, userHandle }), because('people/passkey-refused', 'wrong'))
})
