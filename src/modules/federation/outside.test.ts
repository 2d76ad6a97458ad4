import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import * as oidc from 'openid-client'
import type { PersonId } from '#kernel/id'
import { type IdentityProvider, openIdentityProvider } from '../../../test/fakes/identity-provider.ts'
import { openSystem, type System } from '../../../test/support/system.ts'
import { aPerson } from '../people/testing.ts'
import { levelOf } from './level.ts'
import { Browser, begin, discover, type Seen } from './testing.ts'

const settingsFor = (issuer: string, secret = 'a-secret') => ({
  OIDC_ISSUER: issuer,
  OIDC_CLIENT_ID: 'portal',
  OIDC_CLIENT_SECRET: secret,
  OIDC_NAME: 'Llave Única',
  OIDC_LEVELS: 'high=3, loa-2=2',
})

let outside: IdentityProvider
let system: System
let portal: string

const db = () => system.running.parts.db

before(async () => {
  outside = await openIdentityProvider()
  system = await openSystem(settingsFor(outside.issuer))
  portal = system.url
})
afterEach(() => {
  outside.bend = {}
})
after(async () => {
  await system.close()
  outside.close()
})

/** Goes to the provider and comes back with what it says. */
async function comeBack(browser: Browser, from = '/sign-in/with?next=/me'): Promise<Seen> {
  const gone = await browser.open(from)
  assert.ok(gone.location?.startsWith(outside.issuer), `${gone.status} ${gone.body.slice(0, 500)}`)
  const sent = await fetch(gone.location!, { redirect: 'manual' })
  return browser.open(sent.headers.get('location')!)
}

async function signedInBrowser(person: PersonId, way: 'email' | 'receipt' = 'email'): Promise<Browser> {
  const browser = new Browser(portal)
  browser.keep((await system.running.parts.people.startSession(db(), person, way)).cookie)
  return browser
}

/** Who is signed in at this browser. */
async function whoIs(browser: Browser): Promise<string | null> {
  const page = await browser.open('/me')
  return page.url.endsWith('/me') ? page.body : null
}

const links = () => db().query<{ subject: string; person: string }>('select subject, person from federation_link')

describe('signing in by an outside provider', () => {
  it('is offered on the sign-in page, with its name', async () => {
    const page = await new Browser(portal).open('/sign-in?next=/inbox')
    assert.match(page.body, /href="\/sign-in\/with\?next=%2Finbox"[^>]*>Entrar con Llave Única</)
  })

  it('asks ahead where the provider takes that, with PKCE, state and nonce', async () => {
    outside.person = { sub: 'ahead' }
    await comeBack(new Browser(portal))
    const { pushed, parameters } = outside.asked.at(-1)!
    assert.equal(pushed, true)
    assert.equal(parameters.get('code_challenge_method'), 'S256')
    for (const name of ['state', 'nonce']) assert.ok(parameters.get(name)!.length >= 20)
  })

  it('opens an account the first time, without believing its address, and finds it the next', async () => {
    outside.person = { sub: 'new', email: 'nueva@example.org', email_verified: true }
    const browser = new Browser(portal)
    const page = await comeBack(browser)
    assert.match(page.body, /Es la primera vez que entra con Llave Única/)
    assert.match(page.body, /n…@example\.org/)
    const me = await browser.send(page, '/sign-in/with/new')
    assert.match(me.url, /\/me$/)
    assert.doesNotMatch(me.body, /nueva@example\.org/)
    const again = new Browser(portal)
    await comeBack(again)
    assert.ok(await whoIs(again))
    assert.equal((await links()).filter((l) => l.subject === 'new').length, 1)
    assert.match((await again.open('/me/connected')).body, /Entra también con Llave Única/)
  })

  it('gives nobody an account for an address: whoever has it proves that account first', async () => {
    const ana = await aPerson(db(), 'ana@example.org', 'Ana Secreta')
    outside.person = { sub: 'thief', email: 'ana@example.org', email_verified: true }
    const browser = new Browser(portal)
    const page = await comeBack(browser)
    assert.match(page.body, /Ya hay una cuenta con ese correo/)
    assert.equal(await whoIs(browser), null)
    assert.doesNotMatch(page.body, /sign-in\/with\/new/)
    // Not by sending the form that the page does not have.
    const { body } = await comeBack(browser)
    const token = /name="_csrf" value="([^"]+)"/.exec(`${body}${(await browser.open('/sign-in')).body}`)![1]!
    assert.equal((await browser.open('/sign-in/with/new', { _csrf: token })).status, 403)
    assert.equal(
      (await links()).some((l) => l.person === ana),
      false,
    )

    // Ana proves it by her code, and joins them.
    const signIn = await browser.open(`/sign-in?again=1&next=${encodeURIComponent('/sign-in/with/link')}`)
    const before = await system.mailCount('ana@example.org')
    const codePage = await browser.send(signIn, '/sign-in', { email: 'ana@example.org' })
    const [code] = /\b\d{3} ?\d{3}\b/.exec((await system.mail('ana@example.org', before)).text)!
    const join = await browser.send(codePage, '/sign-in/code', { code })
    assert.match(join.body, /Unir su cuenta con Llave Única/)
    await browser.send(join, '/sign-in/with/link')
    const later = new Browser(portal)
    await comeBack(later)
    assert.match((await whoIs(later))!, /Ana Secreta/)
    // And separates them again.
    await later.send(await later.open('/me/connected'), '/me/connected/outside')
    assert.equal(
      (await links()).some((l) => l.person === ana),
      false,
    )
  })

  it('joins no account by a receipt that was found', async () => {
    outside.person = { sub: 'finder' }
    const browser = await signedInBrowser(await aPerson(db(), 'berta@example.org', 'Berta'), 'receipt')
    const page = await comeBack(browser)
    assert.doesNotMatch(page.body, /Unir su cuenta/)
    const token = /name="_csrf" value="([^"]+)"/.exec(page.body)![1]!
    assert.equal((await browser.open('/sign-in/with/link', { _csrf: token })).status, 403)
  })

  it('counts an address that the provider did not verify for nothing', async () => {
    outside.person = { sub: 'unverified', email: 'ana@example.org', email_verified: false }
    const page = await comeBack(new Browser(portal))
    assert.doesNotMatch(page.body, /Ya hay una cuenta/)
  })

  it('joins one account there with one here', async () => {
    outside.person = { sub: 'shared' }
    const [one, two] = [await aPerson(db(), 'one@example.org', 'Uno'), await aPerson(db(), 'two@example.org', 'Dos')]
    const first = await signedInBrowser(one)
    await first.send(await comeBack(first), '/sign-in/with/link')
    outside.person = { sub: 'shared-2' }
    const again = await signedInBrowser(one)
    const page = await comeBack(again)
    assert.equal((await again.send(page, '/sign-in/with/link')).status, 409)
    const other = await signedInBrowser(two)
    await other.send(await comeBack(other), '/sign-in/with/link')
    assert.equal((await links()).find((l) => l.subject === 'shared-2')!.person, two)
  })

  it('leads only to pages of the portal afterwards', async () => {
    outside.person = { sub: 'new' }
    for (const next of ['https://evil.example/', '//evil.example', '/\\evil.example']) {
      const browser = new Browser(portal)
      const seen = await comeBack(browser, `/sign-in/with?next=${encodeURIComponent(next)}`)
      assert.equal(new URL(seen.url).origin, new URL(portal).origin)
      assert.equal(seen.location, null)
    }
  })

  it('passes on to other systems how surely and since when, and never more than was said', async () => {
    const { secret } = await system.running.parts.federation.addClient({
      id: 'agency',
      name: 'Dependencia',
      agency: 'Xalapa',
      redirectUris: ['http://127.0.0.1:9/callback'],
      auth: 'client_secret_basic',
    })
    const config = await discover(portal, 'agency', oidc.ClientSecretBasic(secret!))
    for (const [acr, level] of [
      ['high', 3],
      ['loa-2', 2],
      ['urn:mx:nac:2', 2],
      ['unheard', 1],
      [undefined, 1],
    ] as const) {
      const authTime = Math.floor(Date.now() / 1000) - 1000
      outside.person = { sub: 'new', auth_time: authTime, ...(acr ? { acr } : {}) }
      const browser = new Browser(portal)
      await comeBack(browser)
      const { url, checks } = await begin(config, 'http://127.0.0.1:9/callback', 'openid')
      const seen = await browser.open(url)
      const back = seen.location ? seen : await browser.agree(seen)
      const claims = (await oidc.authorizationCodeGrant(config, new URL(back.location!), checks)).claims()!
      assert.deepEqual([claims.acr, claims.auth_time], [`urn:mx:nac:${level}`, authTime])
    }
  })
})

describe('what an outside provider, or somebody between, may not do', () => {
  const refused = async (name: string, bend: IdentityProvider['bend'], status = 502) => {
    outside.person = { sub: 'new' }
    outside.bend = bend
    const browser = new Browser(portal)
    const seen = await comeBack(browser)
    assert.equal(seen.status, status, name)
    assert.equal(await whoIs(browser), null, name)
    outside.bend = {}
  }

  it('an ID token that is not for us, over, of another, unsigned, or signed by a stranger', async () => {
    const now = Math.floor(Date.now() / 1000)
    await refused('another issuer', { claims: (c) => ({ ...c, iss: 'https://evil.example' }) })
    await refused('another audience', { claims: (c) => ({ ...c, aud: 'somebody' }) })
    await refused('over', { claims: (c) => ({ ...c, exp: now - 3600, iat: now - 7200 }) })
    await refused('another nonce', { claims: (c) => ({ ...c, nonce: 'x'.repeat(43) }) })
    await refused('no nonce', { claims: ({ nonce: _n, ...c }) => c })
    await refused('no subject', { claims: ({ sub: _s, ...c }) => c })
    await refused('unsigned', { header: { alg: 'none' } })
    await refused('another way of signing', { header: { alg: 'HS256' } })
    await refused('a stranger’s key', { forged: true })
    await refused('userinfo of another', { userinfo: { sub: 'ana' } })
  })

  it('a state that is forged, an answer of another issuer, an error, a code of its own', async () => {
    await refused('state', { back: (url) => url.searchParams.set('state', 'forged') })
    await refused('issuer', { back: (url) => url.searchParams.set('iss', 'https://evil.example') })
    await refused('no issuer', { back: (url) => url.searchParams.delete('iss') })
    await refused('code', { back: (url) => url.searchParams.set('code', 'injected') })
    await refused('twice', { back: (url) => url.searchParams.append('state', 'again') }, 400)
    await refused('error', {
      back: (url) => {
        url.searchParams.delete('code')
        url.searchParams.set('error', 'access_denied')
      },
    })
  })

  it('an answer that comes to a browser that did not ask, or comes again', async () => {
    outside.person = { sub: 'new' }
    const browser = new Browser(portal)
    const gone = await browser.open('/sign-in/with')
    const to = (await fetch(gone.location!, { redirect: 'manual' })).headers.get('location')!
    const victim = new Browser(portal)
    assert.equal((await victim.open(to)).status, 410)
    assert.equal(await whoIs(victim), null)
    await browser.open(to)
    assert.ok(await whoIs(browser))
    assert.equal((await browser.open(to)).status, 410)
    assert.equal((await browser.open('/sign-in/with/link')).status, 410)
  })

  it('being away: the page says so, and the next try works', async () => {
    await refused('a failure', { tokenStatus: 500 })
    outside.person = { sub: 'new' }
    const browser = new Browser(portal)
    await comeBack(browser)
    assert.ok(await whoIs(browser))
  })
})

describe('the level that an acr means', () => {
  for (const [acr, level] of [
    ['urn:mx:nac:3', 3],
    ['urn:mx:nac:2', 2],
    ['urn:mx:nac:1', 1],
    ['high', 3],
    ['constructor', 1],
    ['', 1],
    [3, 1],
    [undefined, 1],
  ] as const)
    it(`${acr} is ${level}`, () => assert.equal(levelOf(acr, { high: 3 }), level))
  it('is what the operator says, also below what it is called', () => assert.equal(levelOf('urn:mx:nac:3', { 'urn:mx:nac:3': 1 }), 1))
})

describe('one portal by another', () => {
  let other: System
  let own: System
  let port: string
  before(async () => {
    other = await openSystem()
    // The port is known once it runs, the secret once it is registered: a client first, then the portal with its settings.
    own = await openSystem()
    port = new URL(own.url).port
    await own.close()
    const { secret } = await other.running.parts.federation.addClient({
      id: 'portal',
      name: 'Portal de Veracruz',
      agency: 'Gobierno de Veracruz',
      redirectUris: [`http://localhost:${port}/sign-in/with/back`],
      scopes: ['email'],
      auth: 'client_secret_basic',
    })
    own = await openSystem({ ...settingsFor(other.url, secret!), PORT: port })
  })
  after(async () => {
    await own.close()
    await other.close()
  })

  it('signs a person in', async () => {
    const { people, db: theirs } = other.running.parts
    const there = new Browser(other.url)
    there.keep((await people.startSession(theirs, await aPerson(theirs, 'ana@example.org', 'Ana'), 'email')).cookie)
    const here = new Browser(`http://localhost:${port}`)
    const gone = await here.open('/sign-in/with')
    const asked = await there.open(gone.location!)
    assert.match(asked.body, /Portal de Veracruz/)
    const back = await there.agree(asked)
    const page = await here.open(back.location!)
    assert.match(page.body, /a…@example\.org/)
    const me = await here.send(page, '/sign-in/with/new')
    assert.match(me.url, /\/me$/)
  })
})
