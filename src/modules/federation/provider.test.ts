import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import * as oidc from 'openid-client'
import type { PersonId } from '#kernel/id'
import { openSystem, type System } from '../../../test/support/system.ts'
import { aPerson } from '../people/testing.ts'
import type { ClientInput } from './index.ts'
import { Browser, begin, discover, listener, type Seen } from './testing.ts'

const redirectUri = 'http://127.0.0.1:9/callback'
const otherUri = 'http://127.0.0.1:8/callback'

let system: System
let portal: string
let person: PersonId
let hangUp: Awaited<ReturnType<typeof listener>>
let secrets: Record<'licences' | 'taxes' | 'archive', string>

const federation = () => system.running.parts.federation
const db = () => system.running.parts.db

async function register(client: Partial<ClientInput> & { id: string }): Promise<string> {
  const { secret } = await federation().addClient({
    name: `Sistema ${client.id}`,
    agency: 'Municipio de Xalapa',
    redirectUris: [redirectUri],
    auth: 'client_secret_basic',
    ...client,
  })
  return secret!
}

before(async () => {
  system = await openSystem()
  portal = system.url
  person = await aPerson(db(), 'ana@example.org', 'Ana Secreta')
  hangUp = await listener({ fails: 1 })
  secrets = {
    licences: await register({
      id: 'licences',
      name: 'Licencias de Xalapa',
      scopes: ['profile', 'email', 'curp', 'offline_access'],
      postLogoutUris: ['http://127.0.0.1:9/left'],
      backchannelLogoutUri: `${hangUp.url}/logout`,
    }),
    taxes: await register({ id: 'taxes', redirectUris: [otherUri], scopes: ['profile'], idTokenAlg: 'RS256' }),
    archive: await register({ id: 'archive', dpop: true, scopes: ['profile', 'offline_access'] }),
  }
})
after(async () => {
  hangUp.close()
  await system.close()
})

/** A browser in which this person is signed in. */
async function signedInBrowser(who: PersonId = person): Promise<Browser> {
  const browser = new Browser(portal)
  browser.keep((await system.running.parts.people.startSession(db(), who, 'email')).cookie)
  return browser
}

const client = (id: keyof typeof secrets) => discover(portal, id, oidc.ClientSecretBasic(secrets[id]))

/** Goes through the portal with a signed-in browser, agrees where asked, and comes back. */
async function comeBack(browser: Browser, url: URL): Promise<URL> {
  const seen = await browser.open(url)
  const back = seen.location ? seen : await browser.agree(seen)
  assert.ok(back.location, `${back.status} ${back.url} ${back.body.slice(-2000)}`)
  return new URL(back.location)
}

async function signIn(config: oidc.Configuration, scope: string, browser?: Browser, dpop?: oidc.DPoPHandle) {
  const at = config.clientMetadata().client_id === 'taxes' ? otherUri : redirectUri
  const { url, checks } = await begin(config, at, scope, {
    ...(dpop ? { dpop } : {}),
    // OpenID Connect Core, 11: who wants to go on without the person asks each time.
    ...(scope.includes('offline_access') ? { prompt: 'consent' } : {}),
  })
  const back = await comeBack(browser ?? (await signedInBrowser()), url)
  return oidc.authorizationCodeGrant(config, back, checks, undefined, dpop ? { DPoP: dpop } : undefined)
}

const usesOf = async (browser: Browser) => (await browser.open('/me/uses')).body

const eventually = async (holds: () => boolean | Promise<boolean>, what: string) => {
  for (let i = 0; i < 400; i++) {
    if (await holds()) return
    await new Promise((r) => setTimeout(r, 25))
  }
  assert.fail(what)
}

/** What the error page says to those who run the client. */
const errorOf = (seen: Seen) => /<code>(\w+)<\/code>/.exec(seen.body)?.[1]

describe('discovery', () => {
  it('is where the specification looks for it, and names only addresses of the portal', async () => {
    const found = (await (await fetch(`${portal}/.well-known/openid-configuration`)).json()) as Record<string, unknown>
    assert.equal(found.issuer, portal)
    assert.deepEqual(found.code_challenge_methods_supported, ['S256'])
    assert.deepEqual(found.response_types_supported, ['code'])
    assert.deepEqual(found.subject_types_supported, ['pairwise'])
    assert.deepEqual(found.acr_values_supported, ['urn:mx:nac:1', 'urn:mx:nac:2', 'urn:mx:nac:3'])
    assert.deepEqual([...(found.id_token_signing_alg_values_supported as string[])].sort(), ['ES256', 'RS256'])
    for (const [name, value] of Object.entries(found))
      if (/_(endpoint|uri)$/.test(name)) assert.ok(String(value).startsWith(`${portal}/oidc/`), name)
  })

  it('says the same whatever host or forwarded address a request names', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    const found = (await system.running.parts.federation) && (await fetch(`${portal}/.well-known/openid-configuration`, { headers }))
    assert.doesNotMatch(await found.text(), /evil/)
  })
})

describe('a system of another agency, by openid-client', () => {
  it('signs a person in by a pushed request with PKCE, and is told what they agreed to, which their account shows', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser()
    const { url, checks } = await begin(config, redirectUri, 'openid profile email curp')
    const consent = await browser.open(url)
    assert.equal(consent.status, 200, consent.body)
    for (const word of ['Licencias de Xalapa', 'Municipio de Xalapa', 'Ana Secreta', 'ana@example.org', 'No lo ha dado'])
      assert.ok(consent.body.includes(word), word)
    assert.match(consent.headers.get('content-security-policy')!, /form-action 'self' http:\/\/127\.0\.0\.1:9;/)
    const back = await browser.agree(consent)
    assert.ok(back.location?.startsWith(`${redirectUri}?`), back.location ?? back.body)
    assert.equal(new URL(back.location!).searchParams.get('iss'), portal)
    const tokens = await oidc.authorizationCodeGrant(config, new URL(back.location!), checks)
    const claims = tokens.claims()!
    assert.equal(claims.acr, 'urn:mx:nac:1')
    assert.equal(typeof claims.auth_time, 'number')
    assert.notEqual(claims.sub, person)
    assert.equal(claims.name, undefined)
    assert.doesNotMatch(await usesOf(browser), /Licencias de Xalapa \(Municipio/)
    const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
    assert.deepEqual(info, { sub: claims.sub, name: 'Ana Secreta', email: 'ana@example.org', email_verified: true })
    assert.match(await usesOf(browser), /Licencias de Xalapa \(Municipio de Xalapa\): Recibir los datos que usted permitió/)
  })

  it('is not asked about again, until the person takes the consent back; then its tokens are over', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser(await aPerson(db(), 'berta@example.org', 'Berta'))
    const first = await signIn(config, 'openid profile offline_access', browser)
    const { url, checks } = await begin(config, redirectUri, 'openid profile')
    const seen = await browser.open(url)
    assert.ok(seen.location?.startsWith(redirectUri), seen.body)
    const second = await oidc.authorizationCodeGrant(config, new URL(seen.location!), checks)
    assert.equal(first.claims()!.sub, second.claims()!.sub)
    // More than was agreed to is asked about.
    const more = await browser.open((await begin(config, redirectUri, 'openid profile email')).url)
    assert.match(more.body, /berta@example\.org/)

    const page = await browser.open('/me/connected')
    assert.match(page.body, /Licencias de Xalapa/)
    const done = await browser.send(page, '/me/connected')
    assert.match(done.body, /Ya no vale lo que acaba de retirar/)
    await assert.rejects(oidc.fetchUserInfo(config, second.access_token, oidc.skipSubjectCheck), { name: 'WWWAuthenticateChallengeError' })
    await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token!), { error: 'invalid_grant' })
    assert.match((await browser.open((await begin(config, redirectUri, 'openid profile')).url)).body, /Permitir y seguir/)
  })

  it('knows the same person by another name than the next system does, and gets an ID token by RS256 where it asked for one', async () => {
    const browser = await signedInBrowser()
    const [a, b] = [
      await signIn(await client('licences'), 'openid', browser),
      await signIn(await client('taxes'), 'openid profile', browser),
    ]
    assert.notEqual(a.claims()!.sub, b.claims()!.sub)
    assert.equal(JSON.parse(Buffer.from(b.id_token!.split('.')[0]!, 'base64url').toString()).alg, 'RS256')
  })

  it('that wishes to know more surely who it is leads to where that is shown, and is told what was reached', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser(await aPerson(db(), 'clara@example.org', 'Clara'))
    await signIn(config, 'openid', browser)
    const wish = (acr: string) => begin(config, redirectUri, 'openid', { acr_values: acr })
    const asked = await wish('urn:mx:nac:3 urn:mx:nac:2 urn:elsewhere')
    const page = await browser.open(asked.url)
    assert.match(page.url, /\/sign-in\/step-up\?level=2&optional=1&next=/)
    const on = /href="([^"]+)">Seguir como estoy/.exec(page.body)![1]!.replaceAll('&amp;', '&')
    const back = await browser.open(on)
    assert.ok(back.location?.startsWith(redirectUri), back.body)
    assert.equal((await oidc.authorizationCodeGrant(config, new URL(back.location!), asked.checks)).claims()!.acr, 'urn:mx:nac:1')
    // What it has already, or what nobody knows, is not asked for.
    for (const acr of ['urn:mx:nac:1', 'urn:mx:nac:2 urn:mx:nac:1', 'urn:elsewhere', ''])
      assert.ok((await browser.open((await wish(acr)).url)).location?.startsWith(redirectUri), acr)
  })

  it('signs in by a key of its own instead of a secret', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const jwk = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }
    await register({ id: 'keyed', auth: 'private_key_jwt', jwks: { keys: [jwk] }, scopes: ['profile'] })
    const config = await discover(portal, 'keyed', oidc.PrivateKeyJwt({ key: pair.privateKey, kid: 'k1' }))
    assert.ok((await signIn(config, 'openid profile')).access_token)
    const other = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const forged = await discover(portal, 'keyed', oidc.PrivateKeyJwt({ key: other.privateKey, kid: 'k1' }))
    await assert.rejects(begin(forged, redirectUri, 'openid'), { error: 'invalid_client' })
  })

  it('asks about a token and gives it back; about that of another it learns nothing', async () => {
    const [config, other] = [await client('licences'), await client('taxes')]
    const tokens = await signIn(config, 'openid profile offline_access')
    assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true)
    assert.equal((await oidc.tokenIntrospection(other, tokens.access_token)).active, false)
    await assert.rejects(oidc.tokenRevocation(other, tokens.access_token))
    await oidc.tokenRevocation(config, tokens.refresh_token!)
    assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false)
  })

  it('refreshes by a new token each time; the old one used again ends them all', async () => {
    const config = await client('licences')
    const first = await signIn(config, 'openid profile offline_access')
    const second = await oidc.refreshTokenGrant(config, first.refresh_token!)
    assert.notEqual(second.refresh_token, first.refresh_token)
    await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token!), { error: 'invalid_grant' })
    await assert.rejects(oidc.refreshTokenGrant(config, second.refresh_token!), { error: 'invalid_grant' })
    await assert.rejects(oidc.fetchUserInfo(config, second.access_token, first.claims()!.sub))
  })

  it('gets one token of two requests that bring the same at once', async () => {
    const config = await client('licences')
    const { url, checks } = await begin(config, redirectUri, 'openid')
    const back = await comeBack(await signedInBrowser(), url)
    const codes = await Promise.allSettled(Array.from({ length: 8 }, () => oidc.authorizationCodeGrant(config, new URL(back), checks)))
    assert.ok(codes.filter((t) => t.status === 'fulfilled').length <= 1)
    const { refresh_token: token } = await signIn(config, 'openid offline_access')
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => oidc.refreshTokenGrant(config, token!)))
    assert.ok(tries.filter((t) => t.status === 'fulfilled').length <= 1)
  })
})

describe('a client whose tokens are bound to its key (DPoP)', () => {
  it('uses them by proof alone, and no proof twice', async () => {
    const config = await client('archive')
    const pair = await oidc.randomDPoPKeyPair('ES256')
    const dpop = oidc.getDPoPHandle(config, pair)
    const tokens = await signIn(config, 'openid profile', undefined, dpop)
    assert.equal(tokens.token_type, 'dpop')
    const { sub } = tokens.claims()!
    assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP: dpop })).name, 'Ana Secreta')
    assert.equal((await fetch(`${portal}/oidc/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } })).status, 401)
    const another = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
    await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP: another }))

    let proof = ''
    config[oidc.customFetch] = (url, options) => {
      proof = new Headers(options.headers as HeadersInit).get('dpop') ?? proof
      return fetch(url, options as RequestInit)
    }
    await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP: dpop })
    const replay = await fetch(`${portal}/oidc/userinfo`, { headers: { authorization: `DPoP ${tokens.access_token}`, dpop: proof } })
    assert.equal(replay.status, 401)
  })

  it('gets no token without a proof', async () => {
    await assert.rejects(signIn(await client('archive'), 'openid'), { error: 'invalid_grant' })
  })
})

describe('the session', () => {
  it('is the portal’s: who is signed out signs in there and comes back, by a page of our own', async () => {
    const config = await client('licences')
    const browser = new Browser(portal)
    const { url, checks } = await begin(config, redirectUri, 'openid profile')
    const page = await browser.open(url)
    assert.match(page.url, /\/sign-in\?next=/)
    const before = await system.mailCount('ana@example.org')
    const codePage = await browser.send(page, '/sign-in', { email: 'ana@example.org' })
    const [code] = /\b\d{3} ?\d{3}\b/.exec((await system.mail('ana@example.org', before)).text)!
    const seen = await browser.send(codePage, '/sign-in/code', { code })
    const back = seen.location ? seen : await browser.agree(seen)
    const tokens = await oidc.authorizationCodeGrant(config, new URL(back.location!), checks)
    assert.ok(tokens.claims()!.auth_time! >= Date.now() / 1000 - 60)
  })

  it('is asked for anew where the client wants it: prompt=login and max_age', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser()
    await db().query(`update people_session set started_at = now() - interval '2 hours' where person = $1`, [person])
    const asked = async (more: Record<string, string>) => (await browser.open((await begin(config, redirectUri, 'openid', more)).url)).url
    assert.match(await asked({ prompt: 'login' }), /\/sign-in\?again=1&/)
    assert.match(await asked({ max_age: '60' }), /\/sign-in\?again=1&/)
    assert.doesNotMatch(await asked({ max_age: '86400' }), /sign-in/)
  })

  it('goes on when the same person signs in anew for a client: nobody is told that it ended', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser(await aPerson(db(), 'fe@example.org', 'Fe'))
    const first = await signIn(config, 'openid profile', browser)
    const told = hangUp.got.length
    await new Promise((r) => setTimeout(r, 1100))
    const { url, checks } = await begin(config, redirectUri, 'openid profile', { prompt: 'login' })
    const page = await browser.open(url)
    assert.match(page.url, /\/sign-in\?again=1&/)
    const before = await system.mailCount('fe@example.org')
    const codePage = await browser.send(page, '/sign-in', { email: 'fe@example.org' })
    const [code] = /\b\d{3} ?\d{3}\b/.exec((await system.mail('fe@example.org', before)).text)!
    const back = await browser.send(codePage, '/sign-in/code', { code })
    const second = await oidc.authorizationCodeGrant(config, new URL(back.location!), checks)
    assert.ok(second.claims()!.auth_time! > first.claims()!.auth_time!)
    assert.equal(second.claims()!.sid, first.claims()!.sid)
    // The news has been heard by then.
    await eventually(
      async () => (await db().query(`select 1 from pgboss.job where name = 'people.session-ended' and state < 'completed'`)).length === 0,
      'the news is heard',
    )
    assert.equal((await oidc.tokenIntrospection(config, second.access_token)).active, true)
    assert.equal(hangUp.got.length, told)
    await browser.send(await browser.open('/me'), '/sign-out')
    await eventually(() => hangUp.got.length > told, 'the client is told')
  })

  it('answers prompt=none with login_required to a browser that nobody is signed in at, and silently to one that came by before', async () => {
    const config = await client('licences')
    const none = await begin(config, redirectUri, 'openid profile', { prompt: 'none' })
    await assert.rejects(oidc.authorizationCodeGrant(config, new URL((await new Browser(portal).open(none.url)).location!), none.checks), {
      error: 'login_required',
    })
    const browser = await signedInBrowser()
    await signIn(config, 'openid profile', browser)
    const again = await begin(config, redirectUri, 'openid profile', { prompt: 'none' })
    assert.ok((await oidc.authorizationCodeGrant(config, new URL((await browser.open(again.url)).location!), again.checks)).access_token)
  })

  it('by a printed receipt opens no other system', async () => {
    const browser = new Browser(portal)
    browser.keep((await system.running.parts.people.startSession(db(), person, 'receipt')).cookie)
    assert.match((await browser.open((await begin(await client('licences'), redirectUri, 'openid')).url)).url, /\/sign-in\?again=1/)
  })

  it('of another person at the same browser is never used for the first', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser()
    await signIn(config, 'openid profile', browser)
    browser.keep((await system.running.parts.people.startSession(db(), await aPerson(db(), 'carla@example.org', 'Carla'), 'email')).cookie)
    const page = await browser.open((await begin(config, redirectUri, 'openid profile')).url)
    assert.doesNotMatch(page.body, /Ana Secreta/)
    assert.equal(page.location, null)
    // First the other one's session ends, by a form.
    assert.match(page.body, /Un paso más/)
    const next = await browser.send(page, `${portal}/oidc/logout/confirm`, { logout: 'yes' })
    assert.match(next.body, /Carla/)
  })

  it('ends at the portal, and the systems are told, again if need be; what was given goes on only where that was agreed to', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser()
    const short = await signIn(config, 'openid profile', browser)
    const told = hangUp.got.length
    await browser.send(await browser.open('/me'), '/sign-out')
    await eventually(() => hangUp.got.length > told, 'the client is told')
    const token = hangUp.got.at(-1)!.get('logout_token')!
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
    assert.equal(claims.sub, short.claims()!.sub)
    assert.equal(claims.sid, short.claims()!.sid)
    assert.deepEqual(claims.events, { 'http://schemas.openid.net/event/backchannel-logout': {} })
    assert.equal((await oidc.tokenIntrospection(config, short.access_token)).active, false)

    const other = await signedInBrowser()
    const long = await signIn(config, 'openid profile offline_access', other)
    await other.send(await other.open('/me'), '/sign-out')
    await eventually(() => hangUp.got.length > told + 1, 'the client is told')
    assert.ok((await oidc.refreshTokenGrant(config, long.refresh_token!)).access_token)
  })

  it('ends by the client’s own page, after a question, and the browser is taken back to it', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser()
    const tokens = await signIn(config, 'openid profile', browser)
    const told = hangUp.got.length
    const page = await browser.open(
      oidc.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token!,
        post_logout_redirect_uri: 'http://127.0.0.1:9/left',
        state: 's1',
      }),
    )
    assert.match(page.body, /Licencias de Xalapa/)
    const left = await browser.send(page, `${portal}/oidc/logout/confirm`, { logout: 'yes' })
    assert.equal(left.location, 'http://127.0.0.1:9/left?state=s1')
    await eventually(() => hangUp.got.length > told, 'the client is told')
    assert.match((await browser.open('/me')).url, /\/sign-in/)
  })
})

describe('signing keys', () => {
  it('follow one another during a session: old tokens stay good, new ones are signed by the new key', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser()
    const before = await signIn(config, 'openid profile offline_access', browser)
    await federation().replaceKeys()
    const { keys } = (await (await fetch(`${portal}/oidc/jwks`)).json()) as { keys: Record<string, string>[] }
    assert.equal(keys.length, 4)
    for (const key of keys) assert.ok(!('d' in key) && key.kid && key.use === 'sig')
    const kidOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[0]!, 'base64url').toString()).kid as string
    const after = await oidc.refreshTokenGrant(await client('licences'), before.refresh_token!)
    assert.notEqual(kidOf(after.id_token!), kidOf(before.id_token!))
    assert.ok(keys.some((k) => k.kid === kidOf(before.id_token!)))
    const page = await browser.open(oidc.buildEndSessionUrl(config, { id_token_hint: before.id_token! }))
    assert.match(page.body, /Cerrar en todos/)
  })
})

describe('what is refused', () => {
  const ask = async (parameters: Record<string, string>) => {
    const url = new URL(`${portal}/oidc/auth`)
    url.search = new URLSearchParams(parameters).toString()
    return (await signedInBrowser()).open(url)
  }
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url')
  const good = {
    client_id: 'browser',
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  before(() =>
    federation().addClient({
      id: 'browser',
      name: 'Aplicación',
      agency: 'Xalapa',
      redirectUris: [redirectUri],
      scopes: ['profile'],
      auth: 'none',
    }),
  )

  /** What the client is told, in the query or, of other flows, the fragment. */
  const atClient = (seen: Seen) => {
    assert.ok(seen.location?.startsWith(redirectUri), `${seen.status} ${seen.location} ${seen.body.slice(0, 500)}`)
    const { searchParams, hash } = new URL(seen.location!)
    return searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error')
  }

  it('redirect addresses that are not registered, however alike: shown here, never followed', async () => {
    for (const redirect_uri of [
      'https://evil.example/',
      `${redirectUri}/more`,
      `${redirectUri}?x=1`,
      `http://127.0.0.1:9@evil.example/callback`,
      'http://127.0.0.1:9/Callback',
      'javascript:alert(1)',
    ]) {
      const seen = await ask({ ...good, redirect_uri })
      assert.equal(seen.status, 400, redirect_uri)
      assert.equal(seen.location, null)
      assert.ok(errorOf(seen), seen.body.slice(0, 300))
    }
    const none = await ask({ ...good, client_id: 'nobody' })
    assert.deepEqual([none.status, errorOf(none)], [400, 'invalid_client'])
  })

  it('requests without PKCE, or with its plain form', async () => {
    const { code_challenge: _challenge, code_challenge_method: _method, ...bare } = good
    assert.equal(atClient(await ask(bare)), 'invalid_request')
    assert.equal(atClient(await ask({ ...good, code_challenge: 'v'.repeat(43), code_challenge_method: 'plain' })), 'invalid_request')
  })

  it('other flows, unknown scopes, requests in the address of a client that must push them', async () => {
    assert.match(atClient(await ask({ ...good, response_type: 'id_token', nonce: 'n' }))!, /unsupported_response_type|invalid_request/)
    assert.equal(atClient(await ask({ ...good, scope: 'openid curp' })), 'invalid_scope')
    const posted = await ask({ ...good, response_mode: 'form_post' })
    assert.match(posted.body, /name="error" value="invalid_request"/)
    assert.doesNotMatch(posted.body, /<script>/)
    assert.equal(atClient(await ask({ ...good, client_id: 'licences' })), 'invalid_request')
  })

  it('a request object, signed by none', async () => {
    const part = (o: object) => Buffer.from(JSON.stringify(o)).toString('base64url')
    const request = `${part({ alg: 'none' })}.${part({ ...good, redirect_uri: 'https://evil.example/' })}.`
    assert.equal(atClient(await ask({ ...good, request })), 'request_not_supported')
  })

  it('a code that comes again, one of another client, one without its verifier or with another address', async () => {
    const [config, other] = [await client('licences'), await client('taxes')]
    const { url, checks } = await begin(config, redirectUri, 'openid profile offline_access')
    const back = await comeBack(await signedInBrowser(), url)
    const grant = (as: oidc.Configuration, more: Record<string, string> = {}) =>
      oidc.genericGrantRequest(as, 'authorization_code', {
        code: back.searchParams.get('code')!,
        redirect_uri: redirectUri,
        code_verifier: checks.pkceCodeVerifier,
        ...more,
      })
    await assert.rejects(grant(other), { error: 'invalid_grant' })
    await assert.rejects(grant(config, { code_verifier: 'x'.repeat(43) }), { error: 'invalid_grant' })
    await assert.rejects(grant(config, { redirect_uri: 'https://evil.example/' }), { error: 'invalid_grant' })
    const tokens = await grant(config)
    await assert.rejects(grant(config), { error: 'invalid_grant' })
    assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false)
  })

  it('a wrong secret, and a client that is disabled', async () => {
    await assert.rejects(begin(await discover(portal, 'licences', oidc.ClientSecretBasic('guess')), redirectUri, 'openid'), { status: 401 })
    // What lies in the database is no secret.
    const hash = createHash('sha256').update(secrets.licences).digest('hex')
    await assert.rejects(begin(await discover(portal, 'licences', oidc.ClientSecretBasic(hash)), redirectUri, 'openid'), { status: 401 })
    const secret = await register({ id: 'ending', scopes: ['profile', 'offline_access'] })
    const config = await discover(portal, 'ending', oidc.ClientSecretBasic(secret))
    const tokens = await signIn(config, 'openid offline_access')
    await federation().disableClient('ending')
    await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token!), { status: 401 })
    assert.notEqual((await fetch(`${portal}/oidc/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } })).status, 200)
    await assert.rejects(federation().disableClient('ending'), { code: 'not-found' })
  })

  it('a person’s no, which the client is told', async () => {
    const config = await client('taxes')
    const browser = await signedInBrowser(await aPerson(db(), 'dora@example.org', 'Dora'))
    const { url, checks } = await begin(config, otherUri, 'openid profile')
    const page = await browser.open(url)
    const back = await browser.send(page, new URL(page.url).pathname, { answer: 'refuse' })
    await assert.rejects(oidc.authorizationCodeGrant(config, new URL(back.location!), checks), { error: 'access_denied' })
  })

  it('the question of one browser, put to another; and a form from elsewhere', async () => {
    const { url } = await begin(await client('taxes'), otherUri, 'openid profile')
    const browser = await signedInBrowser(await aPerson(db(), 'elsa@example.org', 'Elsa'))
    const page = await browser.open(url)
    const stranger = await signedInBrowser()
    assert.equal((await stranger.open(page.url)).status, 410)
    const forged = await browser.open(new URL(page.url).pathname, { answer: 'agree' })
    assert.equal(forged.status, 403)
  })

  it('parameters beyond all measure, and bodies of other kinds, without a bug', async () => {
    const send = (url: string, body: string, type = 'application/x-www-form-urlencoded') =>
      fetch(`${portal}${url}`, { method: 'POST', headers: { 'content-type': type }, body })
    for (const url of ['/oidc/token', '/oidc/request', '/oidc/introspection', '/oidc/revocation']) {
      for (const sent of [
        await send(url, `code=${'x'.repeat(2_000_000)}`),
        await send(url, '{"a":', 'application/json'),
        await send(url, 'grant_type=a&grant_type=b'),
        await send(url, '%%%'),
      ]) {
        assert.ok(sent.status >= 400 && sent.status < 500, `${url} ${sent.status}`)
        await sent.body?.cancel()
      }
    }
    const long = await fetch(`${portal}/oidc/auth?client_id=${'x'.repeat(10_000)}`)
    assert.equal(long.status, 400)
    assert.equal((await fetch(`${portal}/oidc/auth?client_id=%00&scope=%ff`)).status, 400)
    assert.equal((await fetch(`${portal}/oidc/interaction/${'x'.repeat(21)}`)).status, 410)
  })

  it('a post-logout address that is not registered', async () => {
    const config = await client('licences')
    const browser = await signedInBrowser()
    const tokens = await signIn(config, 'openid profile', browser)
    const seen = await browser.open(
      oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token!, post_logout_redirect_uri: 'https://evil.example/' }),
    )
    assert.equal(seen.status, 400)
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${tokens.id_token!.split('.')[1]}.`
    assert.equal((await browser.open(oidc.buildEndSessionUrl(config, { id_token_hint: unsigned }))).status, 400)
  })

  it('clients that are registered wrongly, with all that is wrong at once', async () => {
    const wrong = (client: Partial<ClientInput>) => assert.rejects(register({ id: 'wrong', ...client }), { code: 'invalid' })
    await wrong({ redirectUris: [] })
    await wrong({ redirectUris: ['http://agency.example/'] })
    await wrong({ redirectUris: ['https://a.example/', 'https://b.example/'] })
    await wrong({ redirectUris: ['https://a.example/#x'] })
    await wrong({ scopes: ['everything'] })
    await wrong({ id: 'Á' })
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await wrong({ auth: 'private_key_jwt', jwks: { keys: [privateKey.export({ format: 'jwk' })] } })
    await assert.rejects(register({ id: 'wrong', name: '', scopes: ['x'] }), (e: { fields: unknown[] }) => e.fields.length === 2)
    await assert.rejects(register({ id: 'licences' }), { code: 'conflict' })
  })
})

describe('over https', () => {
  let secure: System
  before(async () => {
    secure = await openSystem({ PUBLIC_URL: 'https://ventanilla.example' })
    await secure.running.parts.federation.addClient({
      id: 'app',
      name: 'Aplicación',
      agency: 'Xalapa',
      redirectUris: [redirectUri],
      auth: 'none',
    })
  })
  after(() => secure.close())

  it('cookies are pinned to the host or their path, closed to scripts and never sent in the clear; addresses are https', async () => {
    const { issuer, authorization_endpoint: at } = (await (await fetch(`${secure.url}/.well-known/openid-configuration`)).json()) as Record<
      string,
      string
    >
    assert.deepEqual([issuer, at], ['https://ventanilla.example', 'https://ventanilla.example/oidc/auth'])
    const { people, db } = secure.running.parts
    const { cookie } = await people.startSession(db, await aPerson(db, 'ana@example.org'), 'email')
    const jar = new Map<string, string>([[cookie.split('=')[0]!, cookie]])
    const go = async (path: string) => {
      const answer = await fetch(`${secure.url}${path}`, { redirect: 'manual', headers: { cookie: [...jar.values()].join('; ') } })
      for (const set of answer.headers.getSetCookie()) {
        assert.match(set, /; secure/i)
        assert.match(set, /; httponly/i)
        assert.match(set, /; samesite=lax/i)
        assert.match(set, /^__Host-oidc(\.sig)?=[^;]*; path=\/;|^__Secure-oidc-(interaction|resume)(\.sig)?=[^;]*; path=\/oidc\//)
        jar.set(set.split('=')[0]!, set.split(';')[0]!)
      }
      const to = new URL(answer.headers.get('location')!, 'https://ventanilla.example')
      assert.equal(to.origin, 'https://ventanilla.example')
      return `${to.pathname}${to.search}`
    }
    const query = new URLSearchParams({
      client_id: 'app',
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
    })
    const question = await go(`/oidc/auth?${query}`)
    assert.match(question, /^\/oidc\/interaction\//)
    assert.match(await go(await go(question)), /^\/oidc\/interaction\//)
    assert.ok(jar.has('__Host-oidc'))
  })
})

describe('what lies in the database', () => {
  it('is no token, no name, no address', async () => {
    const config = await client('licences')
    const tokens = await signIn(config, 'openid profile email offline_access')
    const rows = JSON.stringify(
      await db().query("select kind, encode(id_hash, 'hex') as id, encode(box, 'escape') as box, client from federation_artifact"),
    )
    for (const secret of [tokens.access_token, tokens.refresh_token!, 'Ana Secreta', 'ana@example.org', secrets.licences])
      assert.ok(!rows.includes(secret))
    const keys = JSON.stringify(await db().query(`select encode(box, 'escape') as box from federation_key`))
    assert.doesNotMatch(keys, /PRIVATE|"d"/)
  })

  it('is found by an index, however much there is', async () => {
    const plans = await Promise.all(
      [
        [`select 1 from federation_artifact where kind = 'AccessToken' and id_hash = '\\x00'`],
        [`select 1 from federation_artifact where grant_hash = '\\x00'`],
        [`select 1 from federation_artifact where uid_hash = '\\x00'`],
        [`select 1 from federation_artifact where person = '${randomUUID()}' and client = 'a'`],
        [`select 1 from federation_artifact where portal_session = 'a'`],
        [`select 1 from federation_artifact where expires_at <= now() order by expires_at limit 10`],
      ].map(([sql]) =>
        db().tx(async (tx) => {
          const { queryIn } = await import('#db')
          await queryIn(tx, 'set local enable_seqscan = off')
          return JSON.stringify(await queryIn(tx, `explain ${sql}`))
        }),
      ),
    )
    for (const plan of plans) assert.match(plan, /Index/)
  })

  it('is forgotten when it is over', async () => {
    await db().query(`update federation_artifact set expires_at = now() - interval '1 second'`)
    await federation().tidy()
    assert.deepEqual(await db().query('select count(*)::int as n from federation_artifact'), [{ n: 0 }])
  })
})
