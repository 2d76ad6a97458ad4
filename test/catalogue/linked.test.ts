/** What other systems get: it is CPSV-AP 3.2 and DCAT by their shapes, the same graph in every format, and whole. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { JsonLdParser } from 'jsonld-streaming-parser'
import { Parser, type Quad, Store } from 'n3'
import { parse } from 'parse5'
import Validator from 'rdf-validate-shacl'
import { FixedClock } from '#kernel/time'
import { openWeb, type Web } from '#web'
import { type Catalogue, openCatalogue } from '../../src/modules/catalogue/index.ts'
import { openRecords } from '../../src/modules/catalogue/linked/records.ts'
import { formatOf } from '../../src/modules/catalogue/linked/routes.ts'
import { iri, type Node } from '../../src/modules/catalogue/linked/vocabulary.ts'
import { type Format, formats, mediaTypes, write } from '../../src/modules/catalogue/linked/write.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const root = join(import.meta.dirname, '../..')
const vectors = join(root, 'test/vectors/cpsv-ap')
const clock = new FixedClock('2026-11-24T18:00:00Z')
const origin = 'http://localhost:3000'
let database: TestDatabase
let catalogue: Catalogue
let web: Web
let records: ReturnType<typeof openRecords>

before(async () => {
  database = await testDatabase()
  catalogue = await openCatalogue({ db: database.db, clock, reference: join(root, 'reference'), log: { warn() {}, info() {} } })
  assert.deepEqual((await catalogue.load(join(root, 'services'))).faults, [])
  records = openRecords(catalogue, origin, (o) => `/offices/${o}`)
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
    identify: async (_request, language) => ({ person: null, session: null, language, grants: [] }),
  })
  catalogue.register(web, { publicUrl: origin, demo: true, officeUrl: (o) => `/offices/${o}` })
})
after(async () => {
  await web?.close()
  await database?.close()
})

const get = (url: string, headers: Record<string, string> = {}) => web.app.inject({ method: 'GET', url, headers })

async function body(url: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await get(url, headers)
  assert.equal(answer.statusCode, 200, `${url} ${answer.body.slice(0, 200)}`)
  return answer.body
}

function fromJsonLd(text: string): Promise<Quad[]> {
  return new Promise((resolve, reject) => {
    const quads: Quad[] = []
    const parser = new JsonLdParser({ strictValues: true })
    parser.on('data', (quad: Quad) => quads.push(quad))
    parser.on('error', reject)
    parser.on('end', () => resolve(quads))
    parser.end(text)
  })
}

/** The graph that a reader of this format sees. */
async function graph(format: Format, text: string): Promise<Quad[]> {
  return format === 'jsonld' ? fromJsonLd(text) : new Parser({ format: mediaTypes[format] }).parse(text)
}

const triple = ({ subject, predicate, object }: Quad) =>
  JSON.stringify([
    subject.value,
    predicate.value,
    object.termType,
    object.value,
    object.termType === 'Literal' ? [object.language, object.datatype.value] : [],
  ])
const triples = (quads: readonly Quad[]) => [...new Set(quads.map(triple))].sort()

const turtleFile = (name: string) => new Store(new Parser().parse(readFileSync(join(vectors, name), 'utf8')))
const allShapes = ['shapes.ttl', 'cpsv-ap-SHACL.ttl'].filter((name) => existsSync(join(vectors, name)))
const validators = new Map(allShapes.map((name) => [name, new Validator(turtleFile(name))]))

/** What the shapes find wrong. */
async function faults(quads: readonly Quad[]): Promise<string[]> {
  const found: string[] = []
  for (const [name, validator] of validators) {
    const report = await validator.validate(new Store(quads as Quad[]))
    for (const r of report.results)
      found.push(
        `${name}: ${r.focusNode?.value} ${(r.path as { value?: string } | null)?.value} ${r.sourceConstraintComponent?.value.split('#')[1]}`,
      )
  }
  return found
}

/** Services of places: each base in the first place, and in the first that changes a thing, for each thing that places change. */
function placed(): string[] {
  const all = new Map<string, string>()
  for (const id of catalogue.bases()) {
    for (const place of records.placesWith(catalogue.get(id)!)) {
      const changed = `${id} ${Object.keys(catalogue.get(`${id}@${place}`)!.adoption ?? {}).sort()}`
      if (!all.has(changed)) all.set(changed, `${id}@${place}`)
    }
  }
  return [...all.values()]
}

const terms = new Set(readFileSync(join(vectors, 'terms.txt'), 'utf8').trim().split('\n'))
/** What else may be written: DCAT 3, and what RDF itself has. */
const otherTerms = new Set([
  'http://www.w3.org/1999/02/22-rdf-syntax-ns#type',
  ...['Catalog', 'Distribution', 'dataset', 'distribution', 'accessURL', 'downloadURL', 'mediaType'].map(
    (t) => `http://www.w3.org/ns/dcat#${t}`,
  ),
  ...['license', 'accrualPeriodicity'].map((t) => `http://purl.org/dc/terms/${t}`),
  ...['name', 'homepage'].map((t) => `http://xmlns.com/foaf/0.1/${t}`),
])
let own = new Set<string>()

/** Properties and classes that no vocabulary has. */
const unknownTerms = (quads: readonly Quad[]) =>
  [
    ...new Set(
      quads.flatMap((q) => [
        q.predicate.value,
        ...(q.predicate.value.endsWith('#type') && q.object.termType === 'NamedNode' ? [q.object.value] : []),
      ]),
    ),
  ].filter((term) => !terms.has(term) && !otherTerms.has(term) && !own.has(term))

describe('records', () => {
  before(async () => {
    own = new Set((await graph('ttl', await body('/ns.ttl'))).map((q) => q.subject.value))
  })

  test('of every base and of placed services are valid, of known terms, and one graph in every format', async () => {
    const ids = [...catalogue.bases(), ...placed()]
    assert.ok(ids.length > 80, `${ids.length} services`)
    for (const id of ids) {
      const [jsonld, ttl, nt] = await Promise.all(formats.map(async (f) => graph(f, await body(`/api/services/${id}.${f}`))))
      assert.deepEqual(triples(jsonld!), triples(ttl!), id)
      assert.deepEqual(triples(nt!), triples(ttl!), id)
      assert.deepEqual(await faults(jsonld!), [], id)
      assert.deepEqual(unknownTerms(ttl!), [], id)
      const services = ttl!.filter((q) => q.object.value === 'http://purl.org/vocab/cpsv#PublicService').map((q) => q.subject.value)
      assert.deepEqual(services, [`${origin}/services/${id}`])
    }
  })

  test('say what the page says: the term, silence, the fee and its source, the mark, the difference', async () => {
    const read = async (id: string) => {
      const all = JSON.parse(await body(`/api/services/${id}.jsonld`))['@graph'] as Node[]
      return (node: string | readonly string[] | undefined) => all.find((n) => n['@id'] === node)!
    }
    const id = 'state/birth-certificate@02'
    const node = await read(id)
    const service = node(`${origin}/services/${id}`)
    const d = catalogue.get(id)!.definition
    const fee = node(service['cv:hasCost']?.[0])
    assert.equal(fee['cv:hasValue'], d.fee.kind === 'fixed' && d.fee.amount)
    assert.match(node(fee['vnt:source'])['dct:title']!.es as string, /Precios de 2026/)
    assert.deepEqual(service['vnt:changes'], ['vnt:changed-fee'])
    assert.equal(service['vnt:adopts'], `${origin}/services/state/birth-certificate`)
    assert.equal(node(service['vnt:silence'])['vnt:means'], `vnt:${d.silence.means}`)
    assert.equal(node(service['vnt:longestTerm'])['vnt:unit'], `vnt:${d.term.unit}`)
    assert.equal(node(service['vnt:silence'])['vnt:unverified'], d.silence.source === 'unverified' ? true : undefined)
    assert.equal(service['vnt:version'], catalogue.get(id)!.hash)
    // A place without facts of its own names its base's.
    const plain = await read('state/birth-certificate@01')
    assert.match(plain(`${origin}/services/state/birth-certificate@01`)['cv:hasCost']![0]!, /birth-certificate#fee$/)
  })

  test('are chosen by the header accept, named by the page, and known again by their tag', async () => {
    const page = parse(await body('/services/federal/sre/passport')) as unknown as { childNodes: unknown[] }
    const links = JSON.stringify(page, (key, value) => (key === 'parentNode' ? undefined : value))
    assert.match(links, /\/api\/services\/federal\/sre\/passport\.jsonld/)
    for (const format of formats) {
      const answer = await get('/api/services/federal/sre/passport', { accept: `${mediaTypes[format]}, */*;q=0.1` })
      assert.equal(answer.headers['content-type'], `${mediaTypes[format]}; charset=utf-8`)
      assert.match(String(answer.headers.vary), /Accept/)
      assert.equal(answer.body, await body(`/api/services/federal/sre/passport.${format}`))
      const again = await get(`/api/services/federal/sre/passport.${format}`, { 'if-none-match': String(answer.headers.etag) })
      assert.deepEqual([again.statusCode, again.body], [304, ''])
    }
    assert.equal((await get('/api/services/federal/sre/passport', { accept: 'application/json' })).json().id, 'federal/sre/passport')
    assert.equal((await get('/api/services/federal/sre/nothing.ttl')).statusCode, 404)
    assert.equal((await get('/api/services/.ttl')).statusCode, 404)
  })

  test('stand in the OpenAPI document with their formats', async () => {
    const { paths } = (await get('/api/openapi.json')).json()
    const answers = paths['/api/services/{id}'].get.responses[200].content
    assert.deepEqual(Object.keys(answers), ['application/json', ...Object.values(mediaTypes)])
    for (const format of formats)
      for (const name of ['catalogue', 'dcat'])
        assert.ok(paths[`/api/${name}.${format}`].get.responses[200].content[mediaTypes[format]], `${name}.${format}`)
  })
})

describe('what the shapes find in planted records', () => {
  const without = (quads: readonly Quad[], ending: string) => quads.filter((q) => !q.predicate.value.endsWith(ending))
  const plants: Record<string, { spoil: (ttl: string) => string; fault: RegExp }> = {
    'no competent authority': {
      spoil: (t) => t.replace(/ {2}cv:hasCompetentAuthority [^;]+;\n/, ''),
      fault: /hasCompetentAuthority MinCount/,
    },
    'two identifiers': { spoil: (t) => t.replace('dct:identifier "', 'dct:identifier "x", "'), fault: /identifier MaxCount/ },
    'a title without a language': { spoil: (t) => t.replace(/dct:title "([^"]+)"@es/, 'dct:title "$1"'), fault: /title Datatype/ },
    'a fee as text': { spoil: (t) => t.replace(/cv:hasValue ("[^"]+")\^\^xsd:double/, 'cv:hasValue $1'), fault: /hasValue Datatype/ },
    'an event that is only a life event': {
      spoil: (t) => t.replace('a cv:Event, cv:LifeEvent', 'a cv:LifeEvent'),
      fault: /isGroupedBy Class/,
    },
    'a rule without words': {
      spoil: (t) => t.replace(/(a cpsv:Rule ;[^.]*?)\n {2}dct:description [^;]*?( ;| \.)\n/, '$1$2\n'),
      fault: /description MinCount/,
    },
    'a place that is no territorial unit': {
      spoil: (t) => t.replaceAll('a dct:Location, <http://data.europa.eu/88u/dataset/atu-type>', 'a dct:Location'),
      fault: /spatial Class/,
    },
  }
  for (const [name, { spoil, fault }] of Object.entries(plants)) {
    test(name, async () => {
      const good = await body('/api/services/federal/sre/passport.ttl')
      const bad = spoil(good)
      assert.notEqual(bad, good)
      assert.match((await faults(await graph('ttl', bad))).join('\n'), fault)
    })
  }
  test('a word of no vocabulary is found by its name', async () => {
    const text = (await body('/api/services/federal/sre/passport.ttl')).replace('cv:hasChannel', 'cv:hasChanel')
    assert.deepEqual(unknownTerms(await graph('ttl', text)), ['http://data.europa.eu/m8g/hasChanel'])
  })
  test('a dataset without a publisher', async () => {
    const quads = await graph('ttl', await body('/api/dcat.ttl'))
    assert.match((await faults(without(quads, 'publisher'))).join('\n'), /publisher MinCount/)
  })
})

describe('the whole', () => {
  test('has every service and every base once, and describes everything of ours that it names', () => {
    const seen = new Map<string, Node>()
    const wanted = new Set<string>()
    for (const node of records.all()) {
      assert.ok(!seen.has(node['@id']), `${node['@id']} comes once`)
      seen.set(node['@id'], node)
      for (const value of Object.values(node).flat())
        if (typeof value === 'string' && /^(http:\/\/localhost.*#|vnt:)/.test(value)) wanted.add(value)
    }
    const services = [...seen.values()].filter((n) => [n['@type']].flat().includes('cpsv:PublicService'))
    const bases = services.filter((n) => n['@type'].includes('vnt:Base'))
    assert.equal(services.length - bases.length, catalogue.counts().services)
    assert.equal(services.length - bases.length + bases.length, new Set(services.map((n) => n['dct:identifier'])).size)
    const classes = new Set(['vnt:Base', 'vnt:Span', 'vnt:Silence'])
    assert.deepEqual(
      [...wanted].filter((id) => !seen.has(id) && !classes.has(id)),
      [],
    )
    // What is said of one service alone is said of it in the whole.
    for (const id of ['federal/sre/passport', 'state/birth-certificate@02', 'municipal/business-licence@19039'])
      for (const node of records.one(catalogue.get(id)!)) assert.deepEqual(seen.get(node['@id']), node)
  })

  test('is valid JSON-LD, Turtle and N-Triples from its first to its last line', async () => {
    const some = function* () {
      let n = 0
      for (const node of records.all()) if (n++ % 397 === 0) yield node
    }
    const texts = formats.map((f) => [...write(f, some(), origin)].join(''))
    const [jsonld, ttl, nt] = await Promise.all(formats.map((f, i) => graph(f, texts[i]!)))
    assert.ok(nt!.length > 1500, `${nt!.length} triples`)
    assert.deepEqual(triples(jsonld!), triples(nt!))
    assert.deepEqual(triples(ttl!), triples(nt!))
    for (const line of texts[2]!.trimEnd().split('\n')) assert.ok(line.endsWith(' .'), line)
  })

  test('waits for who reads slowly, gives others their turn, and stops when nobody reads', async () => {
    const made: string[] = []
    const { get: really } = catalogue
    ;(catalogue as { get: Catalogue['get'] }).get = (id) => {
      made.push(id)
      return really(id)
    }
    try {
      const port = Number(new URL(await web.listen()).port)
      const open = (format: Format) =>
        new Promise<IncomingMessage>((resolve) =>
          httpGet({ port, host: '127.0.0.1', path: `/api/catalogue.${format}`, agent: false }, resolve),
        )
      const slow = await open('nt')
      const still = async () => {
        for (let before = -1; before !== made.length; ) {
          before = made.length
          await new Promise((r) => setTimeout(r, 300))
        }
        return made.length
      }
      const ahead = await still()
      const { services } = catalogue.counts()
      assert.ok(ahead < services, `${ahead} calls for an unread whole of ${services} services`)
      const second = await get('/api/catalogue.ttl')
      assert.deepEqual([second.statusCode, second.headers['retry-after'], second.headers.etag], [429, '20', undefined])
      assert.equal((await get('/api/catalogue.ttl', { 'if-none-match': String(slow.headers.etag).replace('nt', 'ttl') })).statusCode, 304)
      slow.destroy()
      await still()
      assert.ok(made.length < services, 'what nobody reads is not written')
      const all = await get('/api/catalogue', { accept: 'application/n-triples' })
      assert.deepEqual([all.statusCode, all.headers.location], [303, '/api/catalogue.nt'])
      const head = await web.app.inject({ method: 'HEAD', url: '/api/catalogue.nt' })
      assert.deepEqual([head.statusCode, head.headers['content-type']], [200, 'application/n-triples; charset=utf-8'])
      const packed = await get('/api/catalogue.nt', { 'accept-encoding': 'gzip' })
      assert.equal(packed.headers['content-encoding'], 'gzip')
      const text = gunzipSync(packed.rawPayload)
      assert.ok(text.length > 10 * packed.rawPayload.length, `${text.length} bytes in ${packed.rawPayload.length}`)
      assert.ok(text.subarray(-3).equals(Buffer.from(' .\n')))
    } finally {
      ;(catalogue as { get: Catalogue['get'] }).get = really
    }
  })
})

describe('the catalogue of datasets', () => {
  test('is valid and one graph in every format; its files exist here or in parts above', async () => {
    const [jsonld, ttl, nt] = await Promise.all(formats.map(async (f) => graph(f, await body(`/api/dcat.${f}`))))
    assert.deepEqual(triples(jsonld!), triples(ttl!))
    assert.deepEqual(triples(nt!), triples(ttl!))
    assert.equal(await body('/api/dcat', { accept: 'text/turtle' }), await body('/api/dcat.ttl'))
    assert.deepEqual(await faults(ttl!), [])
    assert.deepEqual(unknownTerms(ttl!), [])
    const files = ttl!.filter((q) => q.predicate.value.endsWith('accessURL')).map((q) => q.object.value.slice(origin.length))
    assert.deepEqual(
      files.filter((f) => f.startsWith('/api/catalogue')),
      formats.map((f) => `/api/catalogue.${f}`),
    )
    for (const f of ['/api/numbers', '/api/numbers?set=people', '/log/checkpoint']) assert.ok(files.includes(f), f)
  })
})

describe('the vocabulary', () => {
  test('describes each of its terms in both languages, on a page and as Turtle', async () => {
    const quads = await graph('ttl', await body('/ns.ttl'))
    const asked = await get('/ns', { accept: 'text/turtle' })
    assert.equal(asked.body, await body('/ns.ttl'))
    const pages = await Promise.all(['es', 'en'].map((l) => body('/ns', { 'accept-language': l, accept: 'text/html' })))
    const names = [...new Set(quads.map((q) => q.subject.value))]
    assert.ok(names.length > 40)
    for (const name of names) {
      const labels = quads.filter((q) => q.subject.value === name && /#(label|prefLabel)$/.test(q.predicate.value))
      assert.deepEqual(labels.map((q) => (q.object as { language?: string }).language).sort(), ['en', 'es'], name)
      for (const page of pages) assert.ok(page.includes(`id="${name.split('#')[1]}"`), name)
    }
  })
})

describe('addresses', () => {
  test('that somebody wrote cannot break out of a format', async () => {
    const written = iri('https://example.mx/a b/<x>?q="y"|{z}^`\\> . <urn:x> <urn:y> <urn:z')
    const node: Node = {
      '@id': `${origin}/x`,
      '@type': 'eli:LegalResource',
      'dct:title': { es: 'a "b" \\ \n\u0007<c>' },
      'foaf:page': written,
    }
    const all = await Promise.all(formats.map(async (f) => triples(await graph(f, [...write(f, [node], origin)].join('')))))
    assert.equal(all[0]!.length, 3)
    assert.deepEqual(all[1], all[0])
    assert.deepEqual(all[2], all[0])
  })
  test('the header accept is read by its weights', () => {
    const table: [string | undefined, Format | null][] = [
      [undefined, null],
      ['', null],
      ['*/*', null],
      ['text/html,application/xhtml+xml,*/*;q=0.8', null],
      ['application/ld+json', 'jsonld'],
      ['text/turtle;q=0.9, application/ld+json', 'jsonld'],
      ['text/turtle, application/ld+json;q=0.2', 'ttl'],
      ['application/json, text/turtle;q=0.5', null],
      ['APPLICATION/N-TRIPLES', 'nt'],
      ['text/turtle;q=0', null],
      ['text/turtle;q=x', null],
    ]
    for (const [accept, format] of table) assert.equal(formatOf(accept), format, String(accept))
  })
})
