import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'parse5'
import { FixedClock } from '#kernel/time'
import { openWeb, type Visitor, type Web } from '#web'
import { type Catalogue, openCatalogue } from '../../src/modules/catalogue/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const root = join(import.meta.dirname, '../..')
const clock = new FixedClock('2026-11-24T18:00:00Z')
let database: TestDatabase
let catalogue: Catalogue
let web: Web
let waits = 0
const origin = 'http://localhost:3000'

before(async () => {
  database = await testDatabase()
  catalogue = await openCatalogue({ db: database.db, clock, reference: join(root, 'reference'), log: { warn() {}, info() {} } })
  const loaded = await catalogue.load(join(root, 'services'))
  assert.deepEqual(loaded.faults, [])
  web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: origin,
    production: false,
    demo: true,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: Buffer.alloc(32, 1),
    assetsFolder: join(root, '.assets'),
    log: false,
    identify: async (request, language): Promise<Visitor> =>
      request.cookies.who
        ? { person: 'p' as never, session: 's', language, grants: [] }
        : { person: null, session: null, language, grants: [] },
  })
  catalogue.register(web, {
    publicUrl: origin,
    demo: true,
    waitOf: (service) => (service.base === 'federal/impi/trademark' ? null : `${++waits} horas`),
    officeUrl: (o) => `/offices/${o}`,
    nowAt: async (o) => (o === 'state-15' ? 'Hay 3 turnos en espera.' : null),
    mostUsed: async (place) =>
      place === null ? ['federal/sre/passport', 'none/of/these'] : place === '19' ? ['state/drivers-licence@19'] : [],
  })
})
after(async () => {
  await web?.close()
  await database?.close()
})

const get = (url: string, headers: Record<string, string> = {}) =>
  web.app.inject({ method: 'GET', url, headers: { 'accept-language': 'es', ...headers } })
const json = async (url: string) => JSON.parse((await get(url)).body)

type Node = { nodeName: string; tagName?: string; attrs?: { name: string; value: string }[]; childNodes?: Node[]; value?: string }
function all(node: Node, tag: string): Node[] {
  return [...(node.tagName === tag ? [node] : []), ...(node.childNodes ?? []).flatMap((c) => all(c, tag))]
}
const words = (node: Node): string => (node.value ?? '') + (node.childNodes ?? []).map(words).join('')
const attr = (node: Node, name: string) => node.attrs?.find((a) => a.name === name)?.value

test('the catalogue counts over 10,000 services from its bases, in all states and municipalities', async () => {
  const counts = await json('/api/catalogue')
  assert.deepEqual(counts, catalogue.counts())
  assert.ok(counts.services > 10_000 && counts.bases >= 28, JSON.stringify(counts))
})

test('the API answers the nearest first, each service with its id, base, place and address', async () => {
  const found = await json('/api/services?q=acta%20de%20nacimiento&place=15106')
  const first = found.items[0]
  assert.deepEqual(first, {
    id: 'state/birth-certificate@15',
    base: 'state/birth-certificate',
    name: 'Acta de nacimiento',
    agency: 'Registro Civil',
    jurisdiction: { level: 'state', code: '15', name: 'Estado de México' },
    adoptions: 32,
    url: `${origin}/services/state/birth-certificate@15`,
  })
  const without = await json('/api/services?q=acta%20de%20nacimiento')
  assert.deepEqual([without.items[0].id, without.items[0].jurisdiction.code], ['state/birth-certificate', '00'])
  const everything = await json('/api/services?place=15106&limit=1000')
  assert.equal(everything.total, catalogue.counts().bases)
  assert.equal(everything.items.length, everything.total)
  assert.deepEqual(
    [...new Set(everything.items.map((i: { jurisdiction: { code: string } }) => i.jurisdiction.code))],
    ['15106', '15', '00'],
  )
  const state = await json('/api/services?place=15&limit=1000')
  assert.ok(
    state.total < everything.total && state.items.every((i: { jurisdiction: { level: string } }) => i.jurisdiction.level !== 'municipal'),
  )
  // Who names the state and means a service of its towns gets it, with the town still to choose.
  const towns = await json('/api/services?place=15&q=bache')
  assert.deepEqual([towns.items[0].id, towns.items[0].jurisdiction.code], ['municipal/street-fault-report', '00'])
  const second = await json('/api/services?limit=5&offset=5')
  const firstTen = await json('/api/services?limit=10')
  assert.deepEqual(second.items, firstTen.items.slice(5))
  assert.equal(second.total, firstTen.total)
})

test('a place that is none, and a limit that is none, are a 400 that says so', async () => {
  for (const place of ['', '99', '15999', 'Toluca', '1', '00', '151066', '-1', "15'--"]) {
    const r = await get(`/api/services?place=${encodeURIComponent(place)}`)
    assert.equal(r.statusCode, 400, place)
    assert.equal(JSON.parse(r.body).code, 'catalogue/no-such-place')
  }
  for (const bad of ['limit=x', 'limit=1000000', 'offset=-1', 'limit=-1'])
    assert.equal((await get(`/api/services?${bad}`)).statusCode, 400, bad)
})

test('the OpenAPI document describes every answer, refusals too, and the answers are as it says', async () => {
  const { paths } = await json('/api/openapi.json')
  const check = async (path: string, url: string, status = 200) => {
    const answer = await get(url)
    assert.equal(answer.statusCode, status, url)
    const type = String(answer.headers['content-type']).split(';')[0]!
    const schema = paths[path].get.responses[status]?.content[type]?.schema
    assert.ok(schema, `${path} ${status} ${type} is not described`)
    const fits = new Ajv2020({ strict: false, formats: { 'uri-reference': true } }).compile(schema)
    assert.ok(fits(JSON.parse(answer.body)), `${url}: ${JSON.stringify(fits.errors)}`)
  }
  for (const query of ['', '?q=acta&place=15106', '?limit=1000', '?q=nada%20de%20nada', '?place=09&offset=10'])
    await check('/api/services', `/api/services${query}`)
  await check('/api/services', '/api/services?place=9', 400)
  await check('/api/services', '/api/services?limit=-1', 400)
  await check('/api/catalogue', '/api/catalogue')
  for (const id of catalogue.bases()) await check('/api/services/{id}', `/api/services/${id}`)
  for (const id of ['state/drivers-licence@09', 'municipal/business-licence@09015', 'state/birth-certificate@20'])
    await check('/api/services/{id}', `/api/services/${id}`)
  await check('/api/services/{id}', '/api/services/none', 404)
  await check('/api/schemas/definition', '/api/schemas/definition')
  for (const [path, { get }] of Object.entries(paths) as [string, { get: { responses: Record<string, { content?: object }> } }][])
    for (const [status, r] of Object.entries(get.responses)) assert.ok(r.content, `${path} ${status} has no body described`)
})

test('one service in full keeps every field of its definition', async () => {
  const one = await json('/api/services/state/drivers-licence@09')
  const service = catalogue.get('state/drivers-licence@09')!
  assert.deepEqual(one.definition, JSON.parse(JSON.stringify(service.definition)))
  assert.deepEqual(one.adoption, JSON.parse(JSON.stringify(service.adoption)))
  assert.deepEqual(one.text.es, service.texts('es'))
})

test('one service in full, and none where there is none', async () => {
  const one = await json('/api/services/state/birth-certificate@15')
  assert.equal(one.definition.id, 'state/birth-certificate')
  assert.equal(one.office.id, 'state-15')
  assert.equal(one.text.es.name, 'Acta de nacimiento')
  for (const none of ['state/none', 'state/birth-certificate@15106', 'state/birth-certificate@', '..%2f..%2fetc%2fpasswd', '@']) {
    assert.equal((await get(`/api/services/${none}`)).statusCode, 404, none)
  }
  assert.equal(JSON.parse((await get('/api/schemas/definition')).body).title, 'Ventanilla: a service definition')
})

test('every service page answers what, who, papers, cost, term, silence, where and how it goes, in both languages and under 10 kB', async () => {
  for (const id of catalogue.bases()) {
    const level = id.split('/')[0]
    const url = `/services/${id}${level === 'state' ? '@09' : level === 'municipal' ? '@15106' : ''}`
    for (const language of ['es', 'en']) {
      const r = await get(url, { 'accept-language': language })
      assert.equal(r.statusCode, 200, url)
      assert.ok(gzipSync(r.rawPayload).length <= 10_000, `${url} has ${gzipSync(r.rawPayload).length} bytes`)
      assert.doesNotMatch(r.body, /style=|<style|<script>|undefined|\[object|NaN/)
      const page = parse(r.body) as unknown as Node
      assert.equal(all(page, 'h1').length, 1)
      assert.equal(attr(all(page, 'html')[0]!, 'lang'), language)
    }
  }
  const page = parse((await get('/services/federal/sre/passport')).body) as unknown as Node
  const headings = all(page, 'h2').map((h) => words(h).trim())
  for (const h of ['Quién puede pedirlo', 'Papeles que pueden pedirle', 'Cuánto cuesta', 'Plazos', 'Dónde y cómo', 'Qué pasa después'])
    assert.ok(headings.includes(h), h)
  assert.match(words(page), /Nadie puede pedirle otro papel/)
  assert.match(words(page), /Si no contestan a tiempo/)
  assert.match(words(page), /Espera de hoy: \d+ horas/)
  assert.match((await get('/services/federal/impi/trademark')).body, /Espera de hoy: aún no hay datos suficientes/)
})

test('a place without facts of its own says so, and a figure without source is marked', async () => {
  const body = (await get('/services/state/criminal-record-certificate@20')).body
  assert.match(body, /Aún sin datos locales de Oaxaca/)
  assert.match(body, /Sin confirmar/)
})

test('a base asks for its place first: by list, by name, with the places of one name to choose from', async () => {
  const state = parse((await get('/services/state/birth-certificate')).body) as unknown as Node
  assert.equal(all(all(state, 'select')[0]!, 'option').length, 33)
  const chosen = await get('/services/state/birth-certificate?place=14')
  assert.deepEqual([chosen.statusCode, chosen.headers.location], [303, '/services/state/birth-certificate@14'])
  const named = await get('/services/municipal/business-licence?place=toluca')
  assert.deepEqual([named.statusCode, named.headers.location], [303, '/services/municipal/business-licence@15106'])
  const puebla = await get('/services/municipal/business-licence?place=Puebla')
  assert.equal(puebla.headers.location, '/services/municipal/business-licence@21114')
  const many = await get(`/services/municipal/business-licence?place=${encodeURIComponent('Benito Juárez')}`)
  assert.equal(many.statusCode, 422)
  const links = all(parse(many.body) as unknown as Node, 'a').map((a) => attr(a, 'href'))
  assert.ok(links.includes('/services/municipal/business-licence@23005') && links.includes('/services/municipal/business-licence@09014'))
  const none = await get('/services/municipal/business-licence?place=Narnia')
  assert.equal(none.statusCode, 422)
  assert.match(none.body, /<title>Error: /)
  assert.match(none.body, /<a href="#place">No conocemos ese lugar/)
  // From a list nobody has to write.
  assert.match((await get('/services/state/birth-certificate?place=')).body, /<a href="#place">Elija el lugar/)
  assert.equal((await get('/services/municipal/business-licence?place=')).statusCode, 422)
})

test('signed out, the start leads to signing in and the page may be kept; signed in, it is a form with its token and is not kept', async () => {
  const out = await get('/services/federal/sre/passport')
  assert.match(String(out.headers['cache-control']), /^public, max-age=/)
  assert.match(String(out.headers.vary), /Cookie/)
  assert.equal(out.headers['set-cookie'], undefined)
  assert.ok(
    all(parse(out.body) as unknown as Node, 'a').some(
      (a) => attr(a, 'href') === `/sign-in?next=${encodeURIComponent('/services/federal/sre/passport#start')}`,
    ),
  )
  const signedIn = await get('/services/federal/sre/passport', { cookie: 'who=me' })
  assert.equal(signedIn.headers['cache-control'], 'no-store')
  const form = all(parse(signedIn.body) as unknown as Node, 'form').find((f) => attr(f, 'action') === '/cases')!
  assert.deepEqual(
    [
      attr(form, 'method'),
      ...all(form, 'input')
        .map((i) => attr(i, 'name'))
        .sort(),
    ],
    ['post', '_csrf', 'service'],
  )
  assert.equal(
    all(form, 'input')
      .find((i) => attr(i, 'name') === 'service')!
      .attrs!.find((a) => a.name === 'value')!.value,
    'federal/sre/passport',
  )
})

test('kept bytes are at most a second old, come compressed, and are not sent twice to who has them', async () => {
  const url = '/services/federal/sat/taxpayer-registration'
  const first = await get(url, { 'accept-encoding': 'gzip' })
  const before = waits
  const second = await get(url, { 'accept-encoding': 'gzip' })
  assert.equal(waits, before)
  assert.equal(second.headers['content-encoding'], 'gzip')
  assert.deepEqual(gunzipSync(second.rawPayload), gunzipSync(first.rawPayload))
  assert.equal((await get(url)).body, gunzipSync(first.rawPayload).toString())
  const not = await get(url, { 'if-none-match': String(second.headers.etag) })
  assert.deepEqual([not.statusCode, not.body], [304, ''])
  await new Promise((r) => setTimeout(r, 1050))
  await get(url)
  assert.equal(waits, before + 1)
  assert.match((await get(`${url}?lang=en`)).body, /Longest term/)
  assert.match(String((await get(`${url}?lang=en`)).headers['cache-control']), /private/)
})

test('the front page asks what one needs to do, above everything, and leads on by life events', async () => {
  const page = parse((await get('/')).body) as unknown as Node
  assert.equal(words(all(page, 'h1')[0]!).trim(), '¿Qué necesita hacer?')
  const main = all(page, 'main')[0]!
  const order = [...all(main, 'form'), ...all(main, 'h2')]
  assert.equal(attr(order[0]!, 'action'), '/services')
  const events = all(main, 'a').map((a) => attr(a, 'href')!)
  assert.ok(events.includes('/life-events/birth'))
  for (const href of events.filter((h) => h.startsWith('/life-events/'))) assert.equal((await get(href)).statusCode, 200, href)
  assert.equal((await get('/life-events/none')).statusCode, 404)
})

test('results show the place that was written, escape what was typed, and turn pages', async () => {
  const r = await get(`/services?q=${encodeURIComponent('licencia de manejo en Guadalajara')}`)
  const links = all(parse(r.body) as unknown as Node, 'a').map((a) => attr(a, 'href'))
  assert.equal(
    links.find((h) => h?.startsWith('/services/')),
    '/services/state/drivers-licence@14',
  )
  const hostile = await get(`/services?q=${encodeURIComponent('"><script>alert(1)</script>')}&place=${encodeURIComponent('<b>')}`)
  assert.equal(hostile.statusCode, 200)
  assert.doesNotMatch(hostile.body, /<script>alert|<b>/)
  const all1 = await get('/services')
  assert.match(all1.body, /offset=20/)
  const byPlace = await get('/services?q=acta&place=Toluca')
  assert.match(byPlace.body, /state\/birth-certificate@15"/)
  assert.match((await get('/agencies/sat')).body, /taxpayer-registration/)
  assert.equal((await get('/agencies/constructor')).statusCode, 404)
})

test('results show what the place itself asks for, not that each place decides', async () => {
  const cards = async (url: string) => {
    const page = parse((await get(url)).body) as unknown as Node
    return new Map(
      all(page, 'li').flatMap((li) => {
        const href = all(li, 'a').map((a) => attr(a, 'href'))[0]
        return href?.startsWith('/services/') ? [[href, words(li)] as const] : []
      }),
    )
  }
  const there = await cards('/services?q=licencia+de+conducir&place=09')
  assert.match(there.get('/services/state/drivers-licence@09')!, /1,099/)
  assert.doesNotMatch(there.get('/services/state/drivers-licence@09')!, /Lo fija cada lugar/)
  const anywhere = await cards('/services?q=licencia+de+conducir')
  assert.match(anywhere.get('/services/state/drivers-licence')!, /Lo fija cada lugar/)
})

test('a search that finds nothing, or a place that may be several, leads on', async () => {
  const hrefs = async (url: string) => all(parse((await get(url)).body) as unknown as Node, 'a').map((a) => attr(a, 'href'))
  assert.ok((await hrefs('/services?q=xqzptl')).includes('/life-events/birth'))
  const many = await hrefs(`/services?q=licencia&place=${encodeURIComponent('Benito Juárez')}`)
  assert.ok(many.includes('/services?q=licencia&place=23005') && many.includes('/services?q=licencia&place=09014'))
  assert.ok(many.includes('#place'), 'the summary names the field')
  assert.ok((await hrefs('/offices')).includes('/offices?q=15'), 'every state is offered')
})

test('a service says who decides, in what order, and how that is checked', async () => {
  const body = (await get('/services/state/drivers-licence@09')).body
  assert.match(body, /Decide Ventanilla estatal, Ciudad de México, en el orden de la fila\./)
  assert.match(body, /Al responder las preguntas verá cuáles le tocan a usted\./)
})

test('offices are found by place and by agency', async () => {
  const toluca = (await get('/offices?q=Toluca')).body
  assert.match(toluca, /Ventanilla municipal, Toluca, Estado de México/)
  assert.match(toluca, /\/offices\/state-15/)
  assert.match((await get('/offices?q=SAT')).body, /Servicio de Administración Tributaria/)
  assert.match((await get('/offices?q=Narnia')).body, /No encontramos oficinas/)
})

test('what several services need is one list: each paper once, what must be got first at its head, in an order that works', async () => {
  const services = ['state/marriage-certificate@09', 'federal/sre/passport', 'state/birth-certificate@09']
  const found = await json(`/api/needs?${services.map((s) => `for=${s}`).join('&')}`)
  assert.deepEqual(found.order.toSorted(), services.toSorted())
  // The passport asks for the certificate: that is done before.
  assert.ok(found.order.indexOf('state/birth-certificate@09') < found.order.indexOf('federal/sre/passport'), String(found.order))
  assert.ok(
    found.papers.some(
      (p: { from: string; by: string[] }) => p.from === 'state/birth-certificate@09' && p.by.includes('federal/sre/passport'),
    ),
  )
  const names = found.papers.map((p: { name: string }) => p.name.toLowerCase())
  assert.equal(new Set(names).size, names.length)
  for (const p of found.papers) for (const id of p.by) assert.ok(services.includes(id), id)
  assert.match(found.cost.least, /^\d+(\.\d\d)? MXN$/)
  // A lone service is a list of one; what does not exist is passed over; too many are refused.
  assert.equal((await json('/api/needs?for=federal/sre/passport')).order.length, 1)
  assert.deepEqual((await json('/api/needs?for=none/of/these')).order, [])
  assert.equal((await get(`/api/needs?${'for=x&'.repeat(13)}`)).statusCode, 400)
  assert.equal((await get('/api/needs')).statusCode, 400)
})

test('the page of needs goes from a life event to ticked services to one list, without scripts', async () => {
  const events = await get('/needs')
  assert.match(events.body, /href="\/needs\?event=/)
  const choose = await get('/needs?event=family&place=09015')
  const boxes = all(parse(choose.body) as unknown as Node, 'input').filter((i) => attr(i, 'name') === 'for')
  assert.ok(boxes.length >= 2)
  const picked = boxes.slice(0, 2).map((b) => attr(b, 'value')!)
  const list = await get(`/needs?event=family&place=09015&${picked.map((id) => `for=${encodeURIComponent(id)}`).join('&')}`)
  assert.equal(list.statusCode, 200)
  for (const id of picked) assert.ok(list.body.includes(`href="/services/${id}"`), id)
  assert.equal((await get('/needs?event=nothing')).statusCode, 400)
})

test('a place is remembered by the browser that named it, shown to nobody else, and forgotten on request', async () => {
  const asked = await get('/near?place=toluca')
  assert.equal(asked.statusCode, 303)
  assert.equal(asked.headers.location, '/near/15106')
  const near = await get('/near/15106')
  assert.match(near.body, /Toluca/)
  assert.match(near.body, /href="\/offices\/mun-15106"/)
  assert.match(near.body, /Hay 3 turnos en espera\./, 'what goes on at the office of the state now')
  assert.equal(near.headers['cache-control'], 'private, no-cache')
  const cookie = String(near.headers['set-cookie']).split(';')[0]!
  assert.equal(cookie, 'place=15106')
  const home = await get('/', { cookie })
  assert.match(home.body, /href="\/near\/15106"/)
  assert.equal(home.headers['cache-control'], 'private, no-cache')
  for (let i = 0; i < 3; i++) assert.doesNotMatch((await get('/')).body, /15106/)
  const forgot = await get('/near?forget=1')
  assert.match(String(forgot.headers['set-cookie']), /^place=;/)
  assert.equal(forgot.headers['cache-control'], 'private, no-cache')
  // What a browser claims to remember may be anything.
  for (const hostile of ['place=99999', 'place=<script>', 'place=../../x', `place=${'1'.repeat(4000)}`])
    assert.match((await get('/', { cookie: hostile })).body, /action="\/near"/)
  assert.equal((await get('/near/99999')).statusCode, 404)
  assert.equal((await get('/near?place=san%20juan')).statusCode, 422)
})

test('what most people ask for is shown where there are figures, and nothing is invented where there are none', async () => {
  /** The services linked after the heading of what is used most, up to the next heading. */
  const used = async (url: string, cookie = '') =>
    [...((await get(url, { cookie })).body.split('id="used"')[1]?.split('<h2')[0] ?? '').matchAll(/href="\/services\/([^"]+)"/g)].map(
      (m) => m[1],
    )
  assert.deepEqual(await used('/'), ['federal/sre/passport'])
  assert.deepEqual(await used('/', 'place=19'), ['state/drivers-licence@19'])
  assert.deepEqual(await used('/near/19'), ['state/drivers-licence@19'])
  for (const none of ['/near/09', '/near/19039']) assert.doesNotMatch((await get(none)).body, /id="used"/, none)
})
