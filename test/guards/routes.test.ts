/** Every route of the whole program: its schema, its access rule, and what it serves to each kind of visitor. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import diagnostics from 'node:diagnostics_channel'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { html } from '#kernel/html'
import { type Language, languages } from '#kernel/text'
import { assetFolder } from '#look'
import { openWeb, roles, type SignedIn, type Visitor, type Web } from '#web'
import { licence, licenceOffice, openTestCases, type TestCases } from '../../src/modules/cases/testing.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { registerEverything } from '../support/everything.ts'
import { inlineInPage } from './inline.ts'
import type { Fault } from './source.ts'

type AnyRoute = RouteOptions & { schema?: { params?: unknown; body?: unknown } }

/** What a route lacks. */
function lacking(route: AnyRoute): Fault[] {
  const name = `${String(route.method)} ${route.url}`
  const faults: Fault[] = []
  const { access, ownSchema } = route.config ?? {}
  if (access === undefined) faults.push(`${name} has no access rule.`)
  else if (typeof access === 'object' && (access.roles.length === 0 || access.roles.some((role) => !roles.includes(role))))
    faults.push(`${name} lets nobody in.`)
  if (!route.schema || !ownSchema) faults.push(`${name} has no schema.`)
  if (/[:*]/.test(route.url) && !route.schema?.params) faults.push(`${name} has no schema for the words in its path.`)
  if (String(route.method).split(',').includes('POST') && !route.schema?.body && !(route.url in withoutBody))
    faults.push(`${name} has no schema for its body.`)
  if (route.config?.csrf === false && !programs.includes(route.url))
    faults.push(`${name} takes forms of other sites, and is not in the list of routes for programs.`)
  return faults
}

/** Routes whose body no schema covers, and why. */
const withoutBody: Readonly<Record<string, string>> = {
  '/sign-out': 'a button alone',
  '/cases/:reference/papers/:paper': 'multipart, read and checked as it streams in',
  '/check': 'multipart, read and checked as it streams in',
  '/signature': 'multipart, read whole, judged and forgotten',
  '/cases/:reference/sign': 'a form or multipart: a signature, which is checked as a whole',
  '/sign/:token': 'the same',
  '/sign-in/passkey/options': 'asked by the script: what the device is to sign',
  '/me/access/options': 'the same',
  '/me/data/erase': 'a button alone',
  '/me/data/keep': 'a button alone',
  '/me/access/recovery': 'a button alone',
  '/me/access/recovery/stop': 'a button alone',
  '/me/certificates': 'a form or multipart: a request for a certificate, which is checked as a whole',
  '/me/certificates/sign': 'a form or multipart: a signature, which is checked as a whole',
  '/me/certificates/cancel': 'a button alone',
  '/me/mandates/:code/sign': 'a form or multipart: a signature, which is checked as a whole',
  '/me/mandates/:code/withdraw': 'the same',
  '/me/mandates/:code/accept': 'a button alone, as the six below',
  '/me/mandates/:code/decline': 'the same',
  '/me/mandates/:code/end': 'the same',
  '/me/mandates/:code/discard': 'the same',
  '/mandates/:token/accept': 'the same',
  '/mandates/:token/decline': 'the same',
  '/counter/:office/mandates/:code/end': 'the same',
  '/pki/ocsp': 'bytes in DER, read by their own reader',
  '/pki/tsa': 'the same',
  '/desk/:office/turns/:turn/decide/signed': 'the same, with the decision that is signed',
  '/cases/:reference/signers/:n/invite': 'a button alone',
  '/sign/:token/decline': 'a button alone',
  '/rejoin': 'multipart, read and checked as it streams in',
  '/counter/:office/rejoin': 'multipart, read and checked as it streams in',
  '/editor/import': 'multipart, read whole and checked before anything is kept',
  '/oidc/token': 'read and checked by the library that knows the protocol, as the five below',
  '/oidc/request': 'the same',
  '/oidc/introspection': 'the same',
  '/oidc/revocation': 'the same',
  '/oidc/userinfo': 'the same',
  '/oidc/logout/confirm': 'the same',
}

/** Streams of the whole catalogue: seconds each and no page, so one visitor asks for them. */
const wholes = /^\/api\/catalogue\./

/** Routes for programs that hold no cookie. */
const programs = [
  '/log/witness/add-checkpoint',
  '/pki/ocsp',
  '/pki/tsa',
  '/oidc/token',
  '/oidc/request',
  '/oidc/introspection',
  '/oidc/revocation',
  '/oidc/userinfo',
  '/oidc/jwks',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  // A form of the library's with a token of its own.
  '/oidc/logout/confirm',
]

/** Opens a web part and collects every route it gets, its own included. */
async function collecting(identify: Parameters<typeof openWeb>[0]['identify']): Promise<{ web: Web; routes: AnyRoute[] }> {
  const routes: AnyRoute[] = []
  const listen = (message: unknown) => {
    ;(message as { fastify: FastifyInstance }).fastify.addHook('onRoute', (route) => void routes.push(route as AnyRoute))
  }
  diagnostics.subscribe('fastify.initialization', listen)
  try {
    const web = await openWeb({
      host: '127.0.0.1',
      port: 0,
      publicUrl: 'http://localhost:3000',
      production: false,
      demo: false,
      trustProxy: false,
      limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
      csrfSecret: randomBytes(32),
      assetsFolder: assetFolder,
      log: false,
      identify,
    })
    return { web, routes }
  } finally {
    diagnostics.unsubscribe('fastify.initialization', listen)
  }
}

const nobody = (language: Language): Visitor => ({ person: null, session: null, language, grants: [] })

describe('the routes of the whole program', () => {
  let database: TestDatabase
  let it0: TestCases
  let web: Web
  let routes: AnyRoute[]
  let asked: Visitor | null = null

  before(async () => {
    database = await testDatabase()
    it0 = await openTestCases({ db: database.db })
    const opened = await collecting(async (_request, language) => (asked === null ? nobody(language) : { ...asked, language }))
    web = opened.web
    routes = opened.routes
    registerEverything(web, it0)
    await web.app.ready()
  })
  after(async () => {
    await web.close()
    await it0.close()
    await database.close()
  })

  it('are all seen', () => {
    const urls = new Set(routes.map((r) => r.url))
    for (const url of [
      '/',
      '/healthz',
      '/assets/:name',
      '/cases/:reference/submit',
      '/desk/:office/next',
      '/log/checkpoint',
      '/api/services',
    ])
      assert.ok(urls.has(url), url)
    assert.ok(urls.size > 60, `${urls.size} addresses`)
  })

  it('each have a schema and an access rule', () => assert.deepEqual(routes.flatMap(lacking), []))

  it('close to whoever is not signed in before anything else is looked at, unless they are public', async () => {
    asked = null
    let closed = 0
    for (const route of routes) {
      if (route.config?.access === 'public') continue
      const method = String(route.method) as 'GET'
      const { statusCode, headers } = await web.app.inject({ method, url: route.url.replace(/:\w+/g, 'x').replace('*', 'x') })
      const where = `${method} ${route.url}`
      if (method === 'GET' || method === 'HEAD')
        assert.deepEqual([statusCode, String(headers.location).startsWith('/sign-in?')], [303, true], where)
      else assert.equal(statusCode, 401, where)
      closed++
    }
    assert.ok(closed > 50, `${closed} routes`)
  })

  it('close to an applicant where they are for a duty', async () => {
    asked = await it0.aPerson()
    let closed = 0
    for (const route of routes) {
      if (typeof route.config?.access !== 'object') continue
      const method = String(route.method) as 'GET'
      const { statusCode } = await web.app.inject({ method, url: route.url.replace(/:\w+/g, 'x').replace('*', 'x') })
      assert.equal(statusCode, 403, `${method} ${route.url}`)
      closed++
    }
    assert.ok(closed > 15, `${closed} routes`)
  })

  it('serve pages with nothing inline, to every kind of visitor, in every language, and no bug', async () => {
    const { cases } = it0
    const { reference, applicant } = await it0.aSubmittedCase()
    const draft = await it0.aDraft(applicant, { service: licence }).catch(async () => it0.aDraft(await it0.aPerson()))
    const official = await it0.anOfficial()
    await cases.desks.goOn(official, licenceOffice)
    await cases.desks.next(official, licenceOffice)
    const people: (Visitor | null)[] = [null, applicant, official, await it0.aClerk(), await it0.aSupervisor(), await it0.aControl()]
    const admin = await it0.aPerson()
    people.push({ ...admin, grants: [{ role: 'admin', office: null }] } satisfies SignedIn)
    const analyst: SignedIn = { ...(await it0.aPerson()), grants: [{ role: 'analyst', office: null }] }
    people.push(analyst)
    const { drafts } = it0.catalogue
    const edited = await drafts.begin(analyst, { how: 'change', base: licence.split('@')[0]! })
    const town = await drafts.begin(analyst, { how: 'place', place: '15106' })
    const values: Record<string, readonly string[]> = {
      reference: [reference, draft],
      office: [licenceOffice],
      '*': [licence],
      page: (await cases.filings.read(applicant, reference)).journey.pages.map((p) => p.id),
      event: ['car'],
      draft: [edited, town],
      part: ['questions', 'fee', 'steps'],
      place: ['15106'],
      agency: ['sre'],
    }
    const addresses = routes
      .filter((r) => r.method === 'GET')
      .flatMap((r) => {
        const [word] = /:\w+|\*/.exec(r.url) ?? []
        if (!word) return [r.url]
        return (values[word.replace(':', '')] ?? ['x']).map((value) =>
          r.url.replace(word, value).replace(/:(\w+)/g, (_all, name: string) => values[name]?.[0] ?? 'x'),
        )
      })
    const seen = new Set<string>()
    const faults: Fault[] = []
    for (const visitor of people) {
      asked = visitor
      for (const url of addresses) {
        if (visitor !== null && wholes.test(url)) continue
        for (const language of languages) {
          const { statusCode, headers, body } = await web.app.inject({ method: 'GET', url: `${url}?lang=${language}` })
          if (statusCode >= 500) faults.push(`${url} has a bug: ${statusCode}.`)
          if (!String(headers['content-type']).startsWith('text/html')) continue
          if (statusCode === 200) seen.add(url)
          faults.push(...inlineInPage(url, body))
        }
      }
    }
    assert.deepEqual(faults, [])
    for (const url of [
      '/',
      `/services/${licence}`,
      `/cases/${reference}`,
      `/desk/${licenceOffice}`,
      `/counter/${licenceOffice}`,
      `/offices/${licenceOffice}/now`,
      '/control',
      '/admin/people',
      '/me/uses',
      '/editor',
      `/editor/drafts/${edited}`,
      `/editor/drafts/${town}`,
      `/editor/drafts/${edited}/parts/questions`,
      '/editor/places/15106',
    ])
      assert.ok(seen.has(url), `${url} was seen; ${[...seen].join(' ')}`)
  })
})

describe('a planted route', () => {
  it('is named when its access rule or its schema is missing', async () => {
    const { web, routes } = await collecting(async (_request, language) => nobody(language))
    const page = async () => html`<p>x</p>`
    web.app.get('/plant/open', page)
    web.app.get('/plant/schema', { config: { access: 'public' }, schema: {} }, page)
    web.app.get('/plant/:word', { config: { access: 'public', ownSchema: true }, schema: {} }, page)
    web.route({ method: 'POST', url: '/plant/forged', access: 'public', csrf: false, schema: {}, handler: page })
    web.route({ method: 'GET', url: '/plant/nobody', access: { roles: [] }, schema: {}, handler: page })
    web.route({
      method: 'GET',
      url: '/plant/good/:word',
      access: 'signed-in',
      schema: { params: Type.Object({ word: Type.String() }) },
      handler: page,
    })
    await web.app.ready()
    const faults = routes.filter((r) => r.method !== 'HEAD').flatMap(lacking)
    await web.close()
    assert.deepEqual(faults, [
      'GET /plant/open has no access rule.',
      'GET /plant/open has no schema.',
      'GET /plant/schema has no schema.',
      'GET /plant/:word has no schema for the words in its path.',
      'POST /plant/forged has no schema for its body.',
      'POST /plant/forged takes forms of other sites, and is not in the list of routes for programs.',
      'GET /plant/nobody lets nobody in.',
    ])
  })
})
