/** What engines and feed readers get: the map of pages, and what was published. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FixedClock } from '#kernel/time'
import { openWeb, type Web } from '#web'
import type { Definition } from '../../src/modules/catalogue/definition.ts'
import { type Catalogue, openCatalogue } from '../../src/modules/catalogue/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const root = join(import.meta.dirname, '../..')
const clock = new FixedClock('2026-11-24T18:00:00Z')
const origin = 'https://ventanilla.example'
let database: TestDatabase
let folder: string
let catalogue: Catalogue
let web: Web

before(async () => {
  database = await testDatabase()
  folder = mkdtempSync(join(tmpdir(), 'services-'))
  for (const id of ['state/birth-certificate', 'federal/sre/passport', 'municipal/business-licence', 'municipal/land-use-certificate'])
    cpSync(join(root, 'services', id), join(folder, id), { recursive: true })
  catalogue = await openCatalogue({ db: database.db, clock, reference: join(root, 'reference'), log: { warn() {}, info() {} } })
  await load()
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
  catalogue.register(web, { publicUrl: origin, demo: true })
})
after(async () => {
  await web?.close()
  rmSync(folder, { recursive: true, force: true })
  await database?.close()
})

async function load(): Promise<void> {
  assert.deepEqual((await catalogue.load(folder)).faults, [])
}

async function xml(url: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await web.app.inject({ method: 'GET', url, headers })
  assert.equal(answer.statusCode, 200, url)
  wellFormed(answer.body)
  return answer.body
}

/** Fails where a tag is left open, a sign is not escaped, or a character is none of XML's. */
function wellFormed(text: string): void {
  assert.ok(text.startsWith('<?xml version="1.0" encoding="UTF-8"?>\n'))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/)
  const open: string[] = []
  const rest = text
    .slice(text.indexOf('?>') + 2)
    .replace(/<(\/?)([\w:]+)((?:\s[\w:]+="[^"<]*")*)(\/?)>/g, (_all, end, name, _attributes, empty) => {
      if (end) assert.equal(open.pop(), name)
      else if (!empty) open.push(name)
      return ''
    })
  assert.deepEqual(open, [])
  assert.doesNotMatch(rest.replace(/&(?:amp|lt|gt|quot|#\d+);/g, ''), /[<>&]/)
}

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((m) => m[1]!)

test('the sitemap names every page of every place once in each language, in files of at most 50,000 addresses', async () => {
  assert.match((await web.app.inject({ url: '/robots.txt' })).body, /^Sitemap: https:\/\/ventanilla\.example\/sitemap\.xml$/m)
  const files = all(await xml('/sitemap.xml'), /<loc>([^<]+)<\/loc>/g)
  const found: string[] = []
  for (const file of files) {
    const text = await xml(file.slice(origin.length))
    const addresses = all(text, /<loc>([^<]+)<\/loc>/g)
    assert.ok(addresses.length > 0 && addresses.length <= 50_000)
    // Each names itself and the other.
    assert.equal(all(text, /hreflang="(\w+)"/g).length, 2 * addresses.length)
    found.push(...addresses)
  }
  const services = 1 + 32 + 2 * 2478
  assert.equal(new Set(found).size, found.length)
  assert.equal(found.filter((a) => a.includes('@')).length, 2 * (services - 1))
  for (const path of [
    '/',
    '/services',
    '/services/federal/sre/passport',
    '/services/state/birth-certificate',
    '/life-events/birth',
    '/agencies/sre',
    '/ns',
  ])
    for (const end of ['', '?lang=en']) assert.ok(found.includes(`${origin}${path}${end}`), path + end)
  assert.equal((await web.app.inject({ url: `/sitemaps/${files.length + 1}.xml` })).statusCode, 404)
  // What a page calls its own address is the one that the map has for its language.
  for (const [language, address] of [
    ['es', `${origin}/services/federal/sre/passport`],
    ['en', `${origin}/services/federal/sre/passport?lang=en`],
  ]) {
    const page = await web.app.inject({ url: '/services/federal/sre/passport', headers: { 'accept-language': language } })
    assert.ok(page.body.includes(`<link rel="canonical" href="${address}">`), language)
  }
})

test('the feed says what was published, from when it applies, and whether it burdens or relieves', async () => {
  const entries = async (l: string, more = '') => {
    const text = await xml(`/services/changes.atom?lang=${l}${more}`)
    const one = (entry: string, tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(entry)?.[1] ?? ''
    const ids = all(text, /<entry><id>([^<]+)/g)
    assert.equal(new Set(ids).size, ids.length)
    return all(text, /<entry>(.*?)<\/entry>/g).map((e) => ({
      title: one(e, 'title'),
      summary: one(e, 'summary'),
      link: /href="([^"]+)"/.exec(e)?.[1],
    }))
  }
  const before = await entries('es')
  assert.equal(before.length, 4)
  for (const e of before) assert.match(e.summary, /^Nuevo en el catálogo\. .* Vale desde el 24 de noviembre de 2026\.$/)

  const edit = <T>(path: string, change: (json: T) => void) => {
    const json = JSON.parse(readFileSync(join(folder, path), 'utf8')) as T
    change(json)
    writeFileSync(join(folder, path), JSON.stringify(json))
  }
  // Dearer, and one working day longer to bring what is missing: a burden and a relief.
  edit<Definition>('federal/sre/passport/definition.json', (d) => {
    if (d.fee.kind === 'table') d.fee.rows.at(-1)!.amount = '9999.00'
    d.answerWithin.workingDays += 1
  })
  const examples = join(folder, 'federal/sre/passport/examples.json')
  writeFileSync(examples, readFileSync(examples, 'utf8').replaceAll('4280.00', '9999.00'))
  for (const l of ['es', 'en'])
    edit<Record<string, string>>(`federal/sre/passport/text.${l}.json`, (t) => {
      t.name = `${t.name} <b> & "más"`
    })
  await load()
  const [changed] = await entries('es')
  assert.equal(changed!.title, 'Pasaporte &lt;b&gt; &amp; &quot;más&quot;')
  assert.equal(changed!.link, `${origin}/services/federal/sre/passport`)
  assert.equal(changed!.summary, 'Vale desde el 8 de diciembre de 2026. Es más carga: el precio. Es un alivio: el tiempo para completar.')
  assert.equal((await entries('en'))[0]!.summary, 'Applies from December 8, 2026. A burden: the fee. A relief: the time to complete it.')

  mkdirSync(join(folder, 'adoptions'))
  writeFileSync(
    join(folder, 'adoptions/02.json'),
    JSON.stringify({
      format: 1,
      place: '02',
      services: { 'state/birth-certificate': { fee: { amount: '100.00', source: 'unverified' } } },
    }),
  )
  await load()
  const [adopted] = await entries('es')
  assert.equal(adopted!.title, 'Acta de nacimiento, Baja California')
  assert.equal(adopted!.link, `${origin}/services/state/birth-certificate@02`)
  assert.equal(adopted!.summary, 'Vale desde el 24 de noviembre de 2026. Es un alivio: el precio.')
  writeFileSync(join(folder, 'adoptions/02.json'), JSON.stringify({ format: 1, place: '02', services: {} }))
  await load()
  const [withdrawn] = await entries('es')
  assert.match(
    withdrawn!.summary,
    /^Aquí vuelven a valer las reglas de todo el país\. Vale desde el 8 de diciembre de 2026\. Es más carga: el precio\.$/,
  )
})

test('the feed is paged to its oldest entry, and known again by its tag', async () => {
  const fees = Object.fromEntries(
    ['business-licence', 'land-use-certificate'].map((s) => [
      `municipal/${s}`,
      {
        hours: {
          1: [['08:00', '20:00']],
          2: [['08:00', '20:00']],
          3: [['08:00', '20:00']],
          4: [['08:00', '20:00']],
          5: [['08:00', '20:00']],
        },
      },
    ]),
  )
  mkdirSync(join(folder, 'adoptions/09'), { recursive: true })
  for (let n = 2; n <= 17; n++) {
    const place = `090${String(n).padStart(2, '0')}`
    writeFileSync(join(folder, `adoptions/09/${place}.json`), JSON.stringify({ format: 1, place, services: fees }))
  }
  for (let n = 1; n <= 16; n++) {
    const place = `010${String(n).padStart(2, '0')}`
    if (!catalogue.places.municipality(place)) continue
    mkdirSync(join(folder, 'adoptions/01'), { recursive: true })
    writeFileSync(join(folder, `adoptions/01/${place}.json`), JSON.stringify({ format: 1, place, services: fees }))
  }
  await load()
  const rows = Number((await database.db.query<{ n: string }>('select count(*) as n from catalogue_published'))[0]!.n)
  assert.ok(rows > 50, `${rows} rows`)
  const ids: string[] = []
  let url: string | undefined = '/services/changes.atom?lang=es'
  for (let pages = 0; url !== undefined && pages < 10; pages++) {
    const text: string = await xml(url)
    ids.push(...all(text, /<entry><id>([^<]+)/g))
    url = /<link rel="next"[^>]* href="([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&').slice(origin.length)
  }
  assert.equal(new Set(ids).size, rows)
  assert.equal(ids.length, rows)
  const numbers = ids.map((id) => Number(id.split('-').at(-1)))
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => b - a),
  )
  const answer = await web.app.inject({ url: '/services/changes.atom' })
  assert.equal(answer.headers['content-type'], 'application/atom+xml; charset=utf-8')
  const again = await web.app.inject({ url: '/services/changes.atom', headers: { 'if-none-match': String(answer.headers.etag) } })
  assert.equal(again.statusCode, 304)
  assert.ok((await web.app.inject({ url: '/services' })).body.includes('type="application/atom+xml"'))
  assert.equal((await web.app.inject({ url: '/services/changes.atom?before=x' })).statusCode, 400)
})
