/** One portal signs people in for another: the national one for a municipality's, each with its own database, each the real thing. */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openSystem, type System } from '../../../test/support/system.ts'
import { aPerson } from '../people/testing.ts'
import { Browser } from './testing.ts'

let nation: System
let town: System
before(async () => {
  nation = await openSystem()
  // The town's address is known when it has started; its client is registered then, as an operator would.
  const id = 'xalapa'
  town = await openSystem(async (url) => {
    const made = await nation.running.parts.federation.addClient({
      id,
      name: 'Ventanilla de Xalapa',
      agency: 'Municipio de Xalapa',
      redirectUris: [`${url}/sign-in/with/back`],
      scopes: ['openid', 'profile', 'email'],
      auth: 'client_secret_basic',
    })
    return { OIDC_ISSUER: nation.url, OIDC_CLIENT_ID: id, OIDC_CLIENT_SECRET: made.secret!, OIDC_NAME: 'Ventanilla nacional' }
  })
})
after(async () => {
  await town?.close()
  await nation?.close()
})

/** Follows the way over both portals, each with its own cookies, as one browser would. */
async function walk(here: Browser, there: Browser, address: string, consent: boolean) {
  let seen = await here.open(address)
  for (let hops = 0; hops < 10; hops++) {
    const on = seen.location
    if (!on) {
      if (consent && /\/oidc\/interaction\//.test(seen.url)) {
        seen = await there.agree(seen)
        continue
      }
      return seen
    }
    seen = await (on.startsWith(nation.url) ? there : here).open(on)
  }
  throw new Error(`Too many steps: ${seen.url}`)
}

it('a person comes into the town’s portal by the nation’s, and their level goes along', async () => {
  const person = await aPerson(nation.running.parts.db, 'ana@example.org', 'Ana Secreta')
  const [here, there] = [new Browser(town.url), new Browser(nation.url)]
  there.keep((await nation.running.parts.people.startSession(nation.running.parts.db, person, 'email')).cookie)
  const first = await walk(here, there, `${town.url}/sign-in/with?next=/me`, true)
  assert.match(first.body, /Es la primera vez que entra con Ventanilla nacional/, first.url)
  const made = await here.send(first, '/sign-in/with/new')
  assert.equal(new URL(made.url).pathname, '/me', made.body.slice(0, 300))
  const [link] = await town.running.parts.db.query<{ issuer: string; subject: string }>('select issuer, subject from federation_link')
  assert.equal(link!.issuer, nation.url)
  assert.notEqual(link!.subject, person, 'the town knows nobody by the nation’s own number')

  // Another browser, another day: nobody is asked for anything.
  const again = new Browser(town.url)
  const page = await walk(again, there, `${town.url}/sign-in/with?next=/me`, false)
  assert.equal(new URL(page.url).pathname, '/me')
  assert.equal((await town.running.parts.db.query('select 1 from federation_link')).length, 1)
})

it('a portal may be a client of its own provider, as any other system is', async () => {
  const own = await openSystem(async (url) => ({ OIDC_ISSUER: url, OIDC_CLIENT_ID: 'portal', OIDC_NAME: 'Cuenta única' }))
  try {
    const { federation, people, db } = own.running.parts
    await federation.addClient({
      id: 'portal',
      name: 'Ventanilla',
      agency: 'Gobierno de México',
      redirectUris: [`${own.url}/sign-in/with/back`],
      scopes: ['openid', 'profile', 'email'],
      auth: 'none',
    })
    const person = await aPerson(db, 'ana@example.org', 'Ana Secreta')
    const browser = new Browser(own.url)
    browser.keep((await people.startSession(db, person, 'email')).cookie)
    const consent = await browser.open('/sign-in/with?next=/me')
    assert.match(consent.body, /Permitir y seguir/, consent.url)
    const joining = await browser.agree(consent)
    assert.equal(new URL(joining.url).pathname, '/sign-in/with/link')
    assert.match(joining.body, /Cuenta única/)
    await browser.send(joining, '/sign-in/with/link')
    const [link] = await db.query<{ person: string; subject: string }>('select person, subject from federation_link')
    assert.equal(link!.person, person)
    assert.notEqual(link!.subject, person)
    const again = await browser.open('/sign-in/with?next=/me/uses')
    assert.equal(new URL(again.url).pathname, '/me/uses', again.body.slice(0, 300))
  } finally {
    await own.close()
  }
})
