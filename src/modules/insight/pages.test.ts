import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import type { Left } from '#cases'
import type { Db } from '#db'
import { minuteStamp } from '#kernel/time'
import type { Entry } from '#publiclog'
import type { Rating } from '#voice'
import { openWeb, type Web } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { openTestCases, type TestCases } from '../cases/testing.ts'
import { type Insight, openInsight } from './index.ts'

let database: TestDatabase
let db: Db
let it: TestCases
let insight: Insight
let web: Web
/** Where drafts were given up, by month, as the cases would hand it over. */
const gaveUp = new Map<string, Left[]>()
/** What people said, as the voice module would hand it over. */
const said = new Map<string, Rating[]>()

before(async () => {
  database = await testDatabase()
  db = database.db
  it = await openTestCases({ db })
  const shapes = JSON.parse(readFileSync(new URL('../../../reference/states-map.json', import.meta.url), 'utf8'))
  insight = openInsight({
    ...it,
    left: {
      months: async () => [...gaveUp.keys()].sort(),
      take: async (_tx, month) => {
        const all = gaveUp.get(month) ?? []
        gaveUp.delete(month)
        return all
      },
    },
    voice: {
      months: async () => [...said.keys()],
      take: async (_tx, month) => {
        const all = said.get(month) ?? []
        said.delete(month)
        return all
      },
    },
    shapes,
    publicUrl: 'http://localhost:3000',
    demo: false,
    freshMs: 0,
  })
  web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost:3000',
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: Buffer.alloc(32, 1),
    assetsFolder: tmpdir(),
    log: false,
    identify: async (_request, language) => ({ person: null, session: null, language, grants: [] }),
  })
  insight.register(web)
})
after(async () => {
  await web.close()
  await it.close()
  await database.close()
})

let born = 0
/** So many cases of a service filed now, and as many decided in time. */
async function filed(service: string, cases: number, decided: number): Promise<void> {
  const at = minuteStamp(it.clock.now())
  const entries: object[] = []
  for (let i = 0; i < cases; i++) {
    const c = (++born).toString().padStart(22, 'x')
    entries.push({
      v: 1,
      type: 'case.submitted',
      at,
      case: c,
      service,
      definition: 'd'.repeat(64),
      channel: 'web',
      commitment: 'c'.repeat(43),
    })
    if (i < decided) entries.push({ v: 1, type: 'case.decided', at, case: c, how: 'act', due: '2027-01-31', commitment: 'c'.repeat(43) })
  }
  await db.tx((tx) => it.publiclog.append(tx, entries as unknown as Entry[]))
}

const get = (url: string) => web.app.inject({ url, headers: { accept: 'text/html' } })
type Node = DefaultTreeAdapterTypes.Node
/** The words of each cell of each table, row by row. */
async function cells(url: string): Promise<string[][]> {
  const answer = await get(url)
  assert.equal(answer.statusCode, 200, url)
  const words = (n: Node): string => ('value' in n ? n.value : 'childNodes' in n ? n.childNodes.map(words).join('') : '')
  const all = (n: Node, name: string): Node[] =>
    'childNodes' in n ? n.childNodes.flatMap((c) => [...(c.nodeName === name ? [c] : []), ...all(c, name)]) : []
  return all(parse(answer.body), 'tr').map((tr) => ('childNodes' in tr ? tr.childNodes : []).map((c) => words(c).trim()).filter(Boolean))
}

test('before anything is counted the pages say so, and nothing breaks', async () => {
  assert.match((await get('/numbers')).body, /Todavía no hay cifras/)
  await insight.refresh()
  assert.match((await get('/numbers')).body, /Menos de 10 personas/)
})

test('the nation, a state, an agency and a service show what the table holds, and lead to each other', async () => {
  it.clock.set('2026-11-25T16:00:00Z')
  for (const [place, births, others] of [
    ['09', 40, 4],
    ['15', 25, 20],
    ['19', 30, 22],
  ] as const) {
    await filed(`state/birth-certificate@${place}`, births, births)
    await filed(`state/drivers-licence@${place}`, others, others)
  }
  await it.publiclog.publishNow()
  await insight.refresh()
  const nation = await cells('/numbers')
  assert.ok(nation.some((r) => r[0] === 'Estado de México' && r[1] === '45' && r[2] === '45' && r[3]!.startsWith('100')))
  const page = await get('/numbers')
  for (const href of [
    '/numbers/places/15',
    '/numbers/places/32',
    '/numbers/services/state/birth-certificate',
    '/numbers/2026-11.csv',
    '/api/numbers?period=2026-11',
  ])
    assert.ok(page.body.includes(`href="${href}"`), href)
  assert.equal(page.body.match(/<path class="v-map__/g)?.length, 32)
  assert.ok(gzipSync(page.body).length < 10_240, `${gzipSync(page.body).length} bytes`)
  const places = await cells('/numbers/services/state/birth-certificate')
  assert.ok(places.some((r) => r[0] === 'Nuevo León' && r[1] === '30'))
  // The city's four licences would follow from its sum, were its certificates shown; and those from the sum of certificates, were the next ones shown.
  assert.ok(!places.some((r) => r[1] === '40' || r[1] === '25'))
  assert.match((await get('/numbers/services/state/drivers-licence@09')).body, /Menos de 10 personas/)
  for (const url of [
    '/numbers/places/09',
    '/numbers/places/15106',
    '/numbers/agencies/civil-registry',
    '/numbers/offices/state-09',
    '/numbers?month=2026-11&lang=en',
  ])
    assert.equal((await get(url)).statusCode, 200, url)
  for (const url of [
    '/numbers/places/99',
    '/numbers/agencies/constructor',
    '/numbers/services/none',
    '/numbers/offices/none',
    '/numbers?month=2020-01',
    '/numbers/2020-01.csv',
  ])
    assert.equal((await get(url)).statusCode, 404, url)
  for (const url of ['/numbers?month=x', '/numbers/places/9', '/numbers/x.csv']) assert.equal((await get(url)).statusCode, 400, url)
})

test('an office shows each of its services: how many were filed and decided in their term', async () => {
  const rows = await cells('/numbers/offices/state-19')
  assert.deepEqual(rows.find((r) => r[0] === 'Acta de nacimiento')?.slice(0, 4), ['Acta de nacimiento', '30', '30', '100%'])
  assert.equal(
    (await cells('/numbers/offices/mun-19039')).find((r) => r[0] === 'Acta de nacimiento'),
    undefined,
  )
})

test('what is filed most is ranked by place and for the nation, of what may be shown', async () => {
  assert.deepEqual(await insight.mostFiled(null, 6), ['state/birth-certificate', 'state/drivers-licence'])
  assert.deepEqual(await insight.mostFiled('19', 6), ['state/birth-certificate@19', 'state/drivers-licence@19'])
  assert.deepEqual(await insight.mostFiled('19', 1), ['state/birth-certificate@19'])
  assert.deepEqual(await insight.mostFiled('09', 6), [], 'hidden')
  assert.deepEqual(await insight.mostFiled('01', 6), [])
})

test('months that were released stand beside the running one, as columns and as a table', async () => {
  it.clock.set('2026-12-05T16:00:00Z')
  await filed('state/birth-certificate@19', 12, 11)
  await it.publiclog.publishNow()
  await insight.refresh()
  const rows = await cells('/numbers/services/state/birth-certificate@19')
  const months = rows.filter((r) => / de 2026/.test(r[0] ?? ''))
  assert.deepEqual(
    months.map((r) => r.slice(0, 3)),
    [
      ['Diciembre de 2026, hasta ahora', '12', '11'],
      ['Noviembre de 2026', '30', '30'],
    ],
  )
  const { body } = await get('/numbers/services/state/birth-certificate@19')
  assert.match(body, /class="v-chart"[^>]*aria-label="Solicitudes presentadas cada mes\. Nov 26: 30; Dic 26: 12"/)
  assert.match((await get('/numbers?month=2026-11')).body, /Su huella está en el registro público/)
  // The young month shows one of the two; the one before shows both.
  assert.deepEqual(await insight.mostFiled('19', 6), ['state/birth-certificate@19', 'state/drivers-licence@19'])
})

test('what people said stands beside what was counted, with how many said it', async () => {
  const rating = (visits: '0' | '4', asked: 'no' | '1000') => ({ service: 'state/birth-certificate@19', visits, asked }) as Rating
  said.set('2026-11', [...Array.from({ length: 15 }, () => rating('0', 'no')), ...Array.from({ length: 5 }, () => rating('4', '1000'))])
  await insight.refresh()
  for (const url of ['/numbers', '/numbers/services/state/birth-certificate', '/numbers/services/state/birth-certificate@19']) {
    const { body } = await get(url)
    assert.match(body, /Lo que dice la gente/, url)
    assert.match(body, /de 20 respuestas, noviembre de 2026/)
    assert.match(body, /25%/)
    assert.match(body, /\$250/)
  }
  assert.doesNotMatch((await get('/numbers/services/state/birth-certificate@15')).body, /Lo que dice la gente/)
})

test('who came to the end, and where the others left, stands with its denominators and the page by its name', async () => {
  const left = (stop: string, n: number) => ({ service: 'state/birth-certificate@19', stop, n }) as Left
  gaveUp.set('2026-11', [left('start', 11), left('review', 19)])
  await insight.refresh()
  const { body } = await get('/numbers/services/state/birth-certificate@19')
  assert.match(body, /de 60 solicitudes empezadas que acabaron en noviembre de 2026/)
  assert.match(body, /50%/)
  const rows = await cells('/numbers/services/state/birth-certificate@19')
  assert.deepEqual(
    rows.filter((r) => r[0] === 'Revisar y enviar' || r[0] === 'Antes de la primera respuesta').map((r) => r.slice(0, 2)),
    [
      ['Revisar y enviar', '19'],
      ['Antes de la primera respuesta', '11'],
    ],
  )
  assert.match((await get('/numbers')).body, /Quién llegó al final/)
  assert.doesNotMatch((await get('/numbers/services/state/birth-certificate@15')).body, /Quién llegó al final/)
})

test('how many services are electronic follows from what is published, for all and for one', async () => {
  const { months } = JSON.parse((await get('/api/numbers/levels')).body)
  assert.equal(months[0].month, '2026-12')
  assert.equal(
    months[0].services,
    months[0].levels.reduce((a: number, n: number) => a + n, 0),
  )
  assert.match((await get('/numbers')).body, /Cuántos trámites son de verdad electrónicos/)
  // No place of these tests has said anything of its own.
  assert.equal(months[0].levels[0], months[0].services)
  assert.match((await get('/numbers/services/state/drivers-licence@31')).body, /Nivel 0 de 4\./)
})

test('the spreadsheet has one line a row, and empty cells for what may not be shown', async () => {
  const answer = await get('/numbers/2026-11.csv')
  assert.match(String(answer.headers['content-type']), /^text\/csv/)
  const lines = answer.body
    .trimEnd()
    .split('\r\n')
    .map((l) => l.split(','))
  assert.equal(new Set(lines.map((l) => l.length)).size, 1)
  const at = (id: string, column: string) => lines.find((l) => l[2] === id)?.[lines[0]!.indexOf(column)]
  assert.equal(at('state/birth-certificate@19', 'filed-web'), '30')
  assert.equal(at('state/birth-certificate@19', 'late'), '0')
  assert.equal(at('state/drivers-licence@09', 'filed'), undefined)
})
