import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as oidc from 'openid-client'
import type { PersonId } from '#kernel/id'
import { openSystem, type System } from '../../../test/support/system.ts'
import { aPerson } from '../people/testing.ts'
import { Browser, begin, discover } from './testing.ts'

const redirectUri = 'http://127.0.0.1:9/callback'

let system: System
let portal: string
let person: PersonId

before(async () => {
  system = await openSystem()
  portal = system.url
  person = await aPerson(system.running.parts.db, 'ana@example.org', 'Ana Secreta')
})
after(() => system.close())

/** A browser in which this person is signed in. */
async function signedInBrowser(who: PersonId = person): Promise<Browser> {
  const { people, db } = system.running.parts
  const browser = new Browser(portal)
  browser.keep((await people.startSession(db, who, 'email')).cookie)
  return browser
}

describe('a system of another agency, by openid-client', () => {
  let config: oidc.Configuration
  before(async () => {
    const { secret } = await system.running.parts.federation.addClient({
      id: 'licences',
      name: 'Licencias de Xalapa',
      agency: 'Municipio de Xalapa',
      redirectUris: [redirectUri],
      scopes: ['profile', 'email'],
      auth: 'client_secret_basic',
    })
    config = await discover(portal, 'licences', oidc.ClientSecretBasic(secret!))
  })

  it('signs a person in by a pushed request with PKCE, and is told what they agreed to', async () => {
    const browser = await signedInBrowser()
    const { url, checks } = await begin(config, redirectUri, 'openid profile email')
    const consent = await browser.open(url)
    assert.equal(consent.status, 200, consent.body)
    assert.match(consent.body, /Licencias de Xalapa/)
    assert.match(consent.body, /Ana Secreta/)
    const back = await browser.agree(consent)
    assert.ok(back.location?.startsWith(`${redirectUri}?`), back.location ?? back.body)
    const tokens = await oidc.authorizationCodeGrant(config, new URL(back.location!), checks)
    const claims = tokens.claims()!
    assert.equal(claims.acr, 'urn:mx:nac:1')
    assert.equal(typeof claims.auth_time, 'number')
    assert.notEqual(claims.sub, person)
    assert.equal(claims.name, undefined)
    const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
    assert.deepEqual(info, { sub: claims.sub, name: 'Ana Secreta', email: 'ana@example.org', email_verified: true })
  })
})
