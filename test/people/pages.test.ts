import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import type { OfficeId, PersonId, Reference } from '#kernel/id'
import type { Web } from '#web'
import { Browser, type TestPeople, testPeople, testWeb } from '../../src/modules/people/testing.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let t: TestDatabase
let p: TestPeople
let web: Web
before(async () => {
  t = await testDatabase()
  p = testPeople(t.db)
  web = await testWeb(p.people)
})
after(async () => {
  await web.close()
  await t.close()
})

let count = 0
const anEmail = () => `vecina${++count}@ejemplo.mx`

async function signIn(email = anEmail(), next = '/me'): Promise<Browser & { email?: string }> {
  const browser = new Browser(web)
  await browser.get(`/sign-in?next=${encodeURIComponent(next)}`)
  const asked = await browser.post('/sign-in', { email, next })
  assert.equal(asked.status, 303)
  await browser.get(asked.location!)
  const entered = await browser.post('/sign-in/code', { code: await p.codeFor(email), next })
  assert.equal(entered.status, 303)
  assert.equal(entered.location, next)
  return browser
}

const personOf = async (email: string) => (await p.people.ownerOf(email)) as PersonId

describe('signing in', () => {
  test('by e-mail and code, without scripts, to the page one came for', async () => {
    const browser = await signIn(anEmail(), '/me/uses')
    assert.equal((await browser.get('/me')).status, 200)
  })

  test('a page for signed-in people leads through the sign-in page and back to it', async () => {
    const browser = new Browser(web)
    const sent = await browser.get('/me/sessions')
    assert.deepEqual([sent.status, sent.location], [303, '/sign-in?next=%2Fme%2Fsessions'])
    assert.match((await browser.get(sent.location!)).body, /name="next" value="\/me\/sessions"/)
  })

  test('a known and an unknown address get the same answer', async () => {
    const known = anEmail()
    await signIn(known)
    const answers = []
    for (const email of [known, anEmail()]) {
      const browser = new Browser(web)
      await browser.get('/sign-in')
      const asked = await browser.post('/sign-in', { email, next: '/me' })
      const page = await browser.get(asked.location!)
      answers.push([asked.status, asked.location, page.status, page.body.replace(/name="_csrf" value="[^"]+"/g, '')])
    }
    assert.deepEqual(answers[0], answers[1])
  })

  test('what the browser brought is never adopted as a session, and the session changes at sign-in', async () => {
    const planted = 'A'.repeat(43)
    const email = anEmail()
    const browser = new Browser(web, `session=${planted}`)
    await browser.get('/sign-in')
    await browser.post('/sign-in', { email, next: '/me' })
    await browser.get('/sign-in/code')
    await browser.post('/sign-in/code', { code: await p.codeFor(email), next: '/me' })
    const first = browser.cookies.get('session')!
    assert.notEqual(first, planted)
    assert.equal((await new Browser(web, `session=${planted}`).get('/me')).status, 303)

    // Signing in again in the same browser ends the session it had.
    await browser.post('/sign-out', {})
    const second = await signIn(email)
    assert.notEqual(second.cookies.get('session'), first)
  })

  test('after signing in nobody is sent to another site', async () => {
    for (const next of ['https://otro.example/', '//otro.example', '/\\otro.example']) {
      const email = anEmail()
      const browser = new Browser(web)
      await browser.get('/sign-in')
      const asked = await browser.post('/sign-in', { email, next })
      assert.equal(asked.location, '/sign-in/code?next=%2Fme')
      await browser.get(asked.location!)
      const entered = await browser.post('/sign-in/code', { code: await p.codeFor(email), next })
      assert.equal(entered.location, '/me')
    }
  })

  test('a form from elsewhere does nothing: no token, another’s token, another origin', async () => {
    const mine = await signIn()
    const other = await signIn()
    await mine.get('/me')
    for (const more of [{ csrf: null }, { csrf: 'x'.repeat(86) }, { headers: { origin: 'https://otro.example' } }]) {
      assert.equal((await mine.post('/me/identity', { name: 'Ana López', identity: 'GODE561231GR8' }, more)).status, 403)
      assert.equal((await mine.post('/sign-out', {}, more)).status, 403)
    }
    const page = await other.get('/me')
    const theirs = /name="_csrf" value="([^"]+)"/.exec(page.body)![1]!
    assert.equal((await mine.post('/me/identity', { name: 'Ana López', identity: 'GODE561231GR8' }, { csrf: theirs })).status, 403)
    assert.equal((await mine.get('/me')).status, 200, 'and the session lives')
  })

  test('a wrong code says so in the page’s summary and keeps the way on', async () => {
    const email = anEmail()
    const browser = new Browser(web)
    await browser.get('/sign-in')
    await browser.post('/sign-in', { email, next: '/me/uses' })
    await browser.get('/sign-in/code?next=/me/uses')
    const right = await p.codeFor(email)
    const wrong = await browser.post('/sign-in/code', { code: right === '123456' ? '123457' : '123456', next: '/me/uses' })
    assert.equal(wrong.status, 422)
    assert.match(wrong.body, /govuk-error-summary/)
    assert.match(wrong.body, /href="#code"/)
    assert.equal((await browser.post('/sign-in/code', { code: right, next: '/me/uses' })).location, '/me/uses')
  })

  test('by a receipt’s reference and secret', async () => {
    const email = anEmail()
    await signIn(email)
    const reference = 'K7QP-2M4XW'
    const { parseReference, newReference } = await import('#kernel/id')
    const good = parseReference(reference) ?? newReference()
    const [secret] = await p.people.allowReceipts(t.db, [{ reference: good, person: await personOf(email) }])
    const browser = new Browser(web)
    await browser.get('/sign-in/receipt')
    assert.equal((await browser.post('/sign-in/receipt', { reference: good, secret: 'ABCD-EFGH-JKMN', next: '/me' })).status, 422)
    assert.equal((await browser.post('/sign-in/receipt', { reference: good.toLowerCase(), secret: secret!, next: '/me' })).location, '/me')
    const me = await browser.get('/me')
    assert.ok(!me.body.includes('action="/me/contacts"'), 'a receipt adds no contact')
  })

  test('over https the cookie is pinned to the host', async () => {
    const people = testPeople(t.db, { publicUrl: 'https://ventanilla.example' })
    const secure = await testWeb(people.people, 'https://ventanilla.example')
    const email = anEmail()
    const browser = new Browser(secure)
    await browser.get('/sign-in')
    await browser.post('/sign-in', { email, next: '/me' })
    await browser.get('/sign-in/code')
    const entered = await browser.post('/sign-in/code', { code: await people.codeFor(email), next: '/me' })
    const cookies = [entered.headers['set-cookie']].flat().map(String)
    const session = cookies.find((c) => c.startsWith('__Host-session='))
    assert.ok(session)
    for (const part of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']) assert.ok(session.includes(part), part)
    assert.ok(!/Domain=/i.test(session))
    await secure.close()
  })

  test('signing out ends the session itself, not only the cookie', async () => {
    const browser = await signIn()
    const cookie = `session=${browser.cookies.get('session')}`
    await browser.get('/me')
    assert.equal((await browser.post('/sign-out', {})).location, '/')
    assert.equal(browser.cookies.get('session'), undefined)
    assert.equal((await new Browser(web, cookie).get('/me')).status, 303)
  })
})

describe('my account', () => {
  test('a person says who they are, sees it, and a slip of the pen is named beside its field', async () => {
    const browser = await signIn()
    await browser.get('/me')
    const slip = await browser.post('/me/identity', { name: 'Ana <b>López', identity: 'AAPR630321HDFLRC00' })
    assert.equal(slip.status, 422)
    assert.ok(!slip.body.includes('<b>López'))
    for (const field of ['name', 'identity'])
      assert.match(slip.body, new RegExp(`<a href="#${field}">`), 'all that is wrong is said at once')
    assert.match(slip.body, /href="\/me\?lang=en"/)
    assert.equal((await browser.get('/me/identity')).location, '/me')
    const check = await browser.post('/me/identity', { name: 'Ana López', identity: 'AAPR630321HDFLRC00' })
    assert.match(check.body, /href="#identity"/)
    assert.equal((await browser.post('/me/identity', { name: 'Ana López', identity: 'aapr630321hdflrc09' })).location, '/me?saved=1')
    const me = await browser.get('/me?saved=1')
    assert.match(me.body, /Ana López/)
    assert.match(me.body, /AAPR630321HDFLRC09/)

    const other = await signIn()
    await other.get('/me')
    const taken = await other.post('/me/identity', { name: 'Otra Persona', identity: 'AAPR630321HDFLRC09' })
    assert.equal(taken.status, 422)
    assert.ok(!taken.body.includes('Ana López'), 'nothing of the other account is told')
  })

  test('a second address is proved by its own code, and the first one is told', async () => {
    const email = anEmail()
    const second = anEmail()
    const browser = await signIn(email)
    await browser.get('/me')
    assert.equal((await browser.post('/me/contacts', { email: second })).location, '/me/contacts/code')
    await browser.get('/me/contacts/code')
    assert.equal((await browser.post('/me/contacts/code', { code: await p.codeFor(second) })).location, '/me?saved=1')
    assert.equal(await personOf(second), await personOf(email))
    assert.ok((await p.letters()).some((l) => l.to === email && l.template === 'contact-added'))

    // The first one is taken away and told; the last one stays.
    const idOf = (body: string, address: string) =>
      new RegExp(`name="id" value="([0-9a-f-]{36})">(?:(?!</form>).)*${address}`, 's').exec(body)?.[1]
    const id = idOf((await browser.get('/me')).body, email)!
    const stranger = await signIn()
    await stranger.get('/me')
    assert.equal((await stranger.post('/me/contacts/end', { id })).status, 303)
    assert.ok(await personOf(email), 'a stranger takes nothing away')
    assert.equal((await browser.post('/me/contacts/end', { id })).location, '/me?saved=1')
    assert.equal(await personOf(email), undefined)
    assert.ok((await p.letters()).some((l) => l.to === email && l.template === 'contact-removed'))
    assert.equal(idOf((await browser.get('/me')).body, second), undefined)
    const [last] = await t.db.query<{ id: string }>('select id from people_contact where email = $1 and ended_at is null', [second])
    assert.equal((await browser.post('/me/contacts/end', { id: last!.id })).status, 409)
  })

  test('who looked at my data is shown to me, page by page, and to nobody else', async () => {
    const email = anEmail()
    const browser = await signIn(email)
    const person = await personOf(email)
    const office = 'oficina-de-prueba' as OfficeId
    const official = '00000000-0000-7000-8000-00000000000f' as PersonId
    await p.people.recordUse(
      t.db,
      Array.from({ length: 51 }, () => ({
        subject: person,
        actor: official,
        office,
        caseReference: 'AAAA-BBBB1' as Reference,
        purpose: 'serve',
      })),
    )
    const page = await browser.get('/me/uses')
    assert.match(page.body, /oficina-de-prueba/)
    const older = /href="(\/me\/uses\?before=[^"]+)"/.exec(page.body)![1]!
    assert.match((await browser.get(older)).body, /AAAA-BBBB1/)
    assert.ok(!(await (await signIn()).get('/me/uses')).body.includes('AAAA-BBBB1'))
    assert.ok(!(await (await signIn()).get(older)).body.includes('AAAA-BBBB1'))
  })

  test('both languages, and no page longer than 10 kB gzipped or with anything inline', async () => {
    const { gzipSync } = await import('node:zlib')
    const browser = await signIn()
    for (const url of ['/me', '/me/uses', '/me/sessions', '/sign-in/receipt', '/sign-in/code']) {
      for (const lang of ['es', 'en']) {
        const { status, body } = await browser.get(`${url}?lang=${lang}`)
        assert.equal(status, 200, url)
        assert.match(body, new RegExp(`<html lang="${lang}"`))
        assert.ok(gzipSync(body).length < 10_240)
        assert.ok(!/ style=|<style|<script(?![^>]* src=)|\son\w+=/.test(body), url)
      }
    }
  })
})

describe('sessions', () => {
  test('end one by one, the others, or all with this one; a stranger ends none of them', async () => {
    const email = anEmail()
    const [here, there, elsewhere] = [await signIn(email), await signIn(email), await signIn(email)] as const
    const isIn = async (browser: Browser) => (await browser.get('/me')).status === 200
    const page = await here.get('/me/sessions')
    const ids = [...page.body.matchAll(/name="which" value="([\w-]{22})"/g)].map((m) => m[1]!)
    assert.equal(ids.length, 2, 'the other two can be ended')
    const stranger = await signIn()
    await stranger.get('/me/sessions')
    await stranger.post('/me/sessions', { which: ids[0]! })
    assert.deepEqual([await isIn(there), await isIn(elsewhere)], [true, true])
    await here.get('/me/sessions')
    await here.post('/me/sessions', { which: ids[0]! })
    assert.deepEqual([await isIn(there), await isIn(elsewhere)].sort(), [false, true])
    const left = (await isIn(there)) ? there : elsewhere
    await left.get('/me/sessions')
    const done = await left.post('/me/sessions', { which: 'all' })
    assert.equal(done.location, '/')
    assert.deepEqual([await isIn(here), await isIn(left)], [false, false])
  })
})

describe('invites and roles', () => {
  test('the first administrator comes in by the link; looking at it uses nothing up', async () => {
    const { link } = await p.people.invite(null, { email: anEmail(), role: 'admin', office: null, language: 'es' })
    const path = new URL(link).pathname
    const browser = new Browser(web)
    for (let i = 0; i < 2; i++) {
      const page = await browser.get(path)
      assert.equal(page.status, 200)
      assert.equal(page.headers['referrer-policy'], 'strict-origin')
    }
    assert.equal((await browser.post(path, { name: 'Fausto Rivas' })).location, '/me')
    assert.equal((await browser.get('/admin/people')).status, 200)
    assert.equal((await new Browser(web).get(path)).status, 410)

    // Gives a role to somebody known, invites somebody new, withdraws.
    const known = anEmail()
    const official = await signIn(known)
    await browser.get('/admin/people')
    assert.equal((await browser.post('/admin/people/give', { email: known, role: 'official', office: '' })).status, 422)
    assert.equal(
      (await browser.post('/admin/people/give', { email: known, role: 'official', office: 'oficina-1' })).location,
      '/admin/people?done=given',
    )
    const invited = await browser.post('/admin/people/give', { email: anEmail(), role: 'clerk', office: 'oficina-1' })
    assert.match(invited.body, /\/invites\/[\w-]{43}/)
    await browser.get('/admin/people')
    const gone = await browser.post('/admin/people/withdraw', { person: await personOf(known), role: 'official', office: 'oficina-1' })
    assert.equal(gone.status, 303)
    assert.equal((await official.get('/me')).status, 303, 'their session is over')
  })

  test('nobody else opens the administrator’s page or posts to it', async () => {
    const citizen = await signIn()
    await citizen.get('/me')
    assert.equal((await citizen.get('/admin/people')).status, 403)
    assert.equal((await citizen.post('/admin/people/give', { email: anEmail(), role: 'admin', office: '' })).status, 403)
    assert.equal((await new Browser(web).get('/admin/people')).status, 303)
  })
})
