import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Left } from '#cases'
import type { Db } from '#db'
import { openJobs } from '#jobs'
import type { ServiceId } from '#kernel/id'
import { FixedClock, minuteStamp } from '#kernel/time'
import type { Entry } from '#publiclog'
import type { Rating } from '#voice'
import { openWeb, type Web } from '#web'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { aPublicLog, unsafeAppend } from '../publiclog/testing.ts'
import { type Insight, type Numbers, openInsight } from './index.ts'
import { verifyNumbers } from './verify.ts'

const silent = { info() {}, warn() {}, error() {} }
const clock = new FixedClock('2026-11-03T15:00:00Z')
let database: TestDatabase
let db: Db
let log: Awaited<ReturnType<typeof aPublicLog>>
let insight: Insight
let web: Web
let folder: string
/** Where drafts were given up, by month, as the cases would hand it over. */
const gaveUp = new Map<string, Left[]>()
/** What people said, by month, as the voice module would hand it over. */
const said = new Map<string, Rating[]>()

before(async () => {
  database = await testDatabase()
  db = database.db
  log = await aPublicLog(db, { clock })
  const catalogue = {
    get: (base: string) => (base.startsWith('state/') ? { definition: { agency: `agency-of-${base.split('/')[1]}` } } : null),
  } as never
  insight = openInsight({
    left: {
      months: async () => [...gaveUp.keys()].sort(),
      take: async (_tx, month) => {
        const all = gaveUp.get(month) ?? []
        gaveUp.delete(month)
        return all
      },
    },
    voice: {
      months: async () => [...said.keys()].sort(),
      take: async (_tx, month) => {
        const all = said.get(month) ?? []
        said.delete(month)
        return all
      },
    },
    db,
    clock,
    jobs: openJobs(db, silent),
    publiclog: log.publiclog,
    catalogue,
    publicUrl: 'http://localhost:3000',
    shapes: { width: 1, height: 1, states: {} },
    demo: false,
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
  log.publiclog.register(web)
  insight.register(web)
  folder = await mkdtemp(join(tmpdir(), 'ventanilla-numbers-'))
})
after(async () => {
  await web.close()
  await log.close()
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

let born = 0
const fresh = () => (++born).toString().padStart(22, 'x')
const commitment = 'c'.repeat(43)
const append = (...entries: object[]) => db.tx((tx) => log.publiclog.append(tx, entries as unknown as Entry[]))
const now = () => minuteStamp(clock.now())
const minutes = (n: number) => clock.advance(n * 60_000)

/** So many cases of a service are filed, called, and half of them decided. */
async function day(service: string, line: string, cases: number, channel = 'web'): Promise<void> {
  for (let i = 0; i < cases; i++) {
    const [c, turn] = [fresh(), fresh()]
    const n = (k: number) => ({ line, n: (numbers[line] = (numbers[line] ?? 1) + k) })
    await append(
      { v: 1, type: 'case.submitted', at: now(), case: c, service, definition: 'd'.repeat(64), channel, commitment },
      { v: 1, type: 'turn.taken', at: now(), ...n(1), turn, class: 'general', holder: commitment },
    )
    minutes(5)
    await append({ v: 1, type: 'turn.called', at: now(), ...n(1), turn, desk: 'd1' })
    minutes(1)
    if (i % 2 === 0)
      await append(
        { v: 1, type: 'turn.finished', at: now(), ...n(1), turn, desk: 'd1', outcome: 'done', paper: null },
        { v: 1, type: 'case.decided', at: now(), case: c, how: i % 4 === 0 ? 'act' : 'silence', due: '2026-11-30', commitment },
      )
  }
}
const numbers: Record<string, number> = {}
const open = (line: string, office: string, ...covers: string[]) =>
  append({
    v: 1,
    type: 'line.opened',
    at: now(),
    line,
    n: 1,
    office,
    covers: covers.sort(),
    rule: { kind: 'first-come' },
    presence: false,
    quiet: false,
  })

const api = async (url: string) => {
  const answer = await web.app.inject({ url })
  return {
    status: answer.statusCode,
    body: answer.statusCode === 200 ? JSON.parse(answer.body) : null,
    headers: answer.headers,
    text: answer.body,
  }
}
const table = async (period: string): Promise<Numbers> => (await api(`/api/numbers?period=${period}`)).body
const row = (t: Numbers, scope: string, id: string) => t.rows.find((r) => r.scope === scope && r.id === id)

test('what was filed, called and decided is counted from the log, rolled up, and hidden where it is about few', async () => {
  await open('state-09/general', 'state-09', 'state/birth-certificate@09/decision', 'state/drivers-licence@09/decision')
  await open('state-15/general', 'state-15', 'state/birth-certificate@15/decision')
  await day('state/birth-certificate@09', 'state-09/general', 24)
  await day('state/birth-certificate@15', 'state-15/general', 12, 'counter')
  await day('state/drivers-licence@09', 'state-09/general', 3)
  await log.publiclog.publishNow()
  await insight.refresh()
  const t = await table('2026-11')
  assert.deepEqual(row(t, 'nation', 'mx')?.filed, { n: 39, channels: { counter: 12, web: 27 } })
  assert.deepEqual(row(t, 'service', 'state/birth-certificate@15')?.filed, { n: 12, channels: { counter: 12 } })
  // Three licences: neither they, nor what would be known by taking the certificates from the place's sum.
  for (const [scope, id] of [
    ['service', 'state/drivers-licence@09'],
    ['base', 'state/drivers-licence'],
    ['agency', 'agency-of-drivers-licence'],
  ])
    assert.equal(row(t, scope!, id!)?.filed, undefined, id)
  assert.equal(row(t, 'service', 'state/birth-certificate@09')?.filed, undefined)
  assert.deepEqual(row(t, 'place', '09')?.filed, { n: 27, channels: { web: 27 } })
  const nation = row(t, 'nation', 'mx')!
  assert.deepEqual(nation.decided, { n: 20, inTerm: 10, late: 0, silence: 10, p50: 6, p90: 6 })
  assert.deepEqual(nation.waited, { n: 39, p50: 5, p90: 5 })
  assert.deepEqual(
    t.offices.map((o) => o.office),
    ['state-09', 'state-15'],
  )
  assert.deepEqual(t.offices[0]!.desks, [{ desk: 'd1', called: 27, done: 14, passed: 0, held: {}, returned: {}, dutyMinutes: 0 }])
})

test('counting in many steps, or twice at once, gives the same as counting at once', async () => {
  const before = await table('2026-11')
  await Promise.all([insight.refresh(), insight.refresh(), insight.refresh()])
  assert.deepEqual(await table('2026-11'), before)
  await day('federal/sre/passport', 'state-09/general', 1)
  await log.publiclog.publishNow()
  await Promise.all([insight.refresh(), insight.refresh()])
  const t = await table('2026-11')
  assert.equal(row(t, 'nation', 'mx')?.filed?.n, 40)
  assert.equal(t.agencies['federal/sre/passport'], 'unknown')
})

test('a month that is over is released once: its hash is in the log, its bytes never change', async () => {
  clock.set('2026-12-01T12:00:00Z')
  await insight.refresh()
  const running = (await api('/api/numbers/periods')).body.tables
  assert.deepEqual(
    running.map((t: { period: string; released: boolean }) => [t.period, t.released]),
    [
      ['2026-12', false],
      ['2026-11', false],
    ],
  )
  clock.set('2026-12-02T00:30:00Z')
  await insight.refresh()
  await insight.refresh()
  const first = await api('/api/numbers?period=2026-11')
  await day('state/birth-certificate@09', 'state-09/general', 2)
  clock.set('2026-12-03T00:00:00Z')
  await log.publiclog.publishNow()
  await insight.refresh()
  const again = await api('/api/numbers?period=2026-11')
  assert.equal(again.text, first.text)
  assert.equal(again.headers['cache-control'], 'public, max-age=86400')
  const entries = (await log.publiclog.entries(0, 10_000))
    .map((e) => JSON.parse(e.bytes.toString()))
    .filter((e) => e.type === 'numbers.released')
  assert.deepEqual(entries, [
    {
      v: 1,
      type: 'numbers.released',
      at: '2026-12-02T00:30Z',
      set: 'services',
      period: '2026-11',
      sha256: String(again.headers.etag).slice(1, -1),
    },
  ])
  assert.equal((await api('/api/numbers?period=2026-10')).status, 404)
  assert.equal((await api('/api/numbers?period=november')).status, 400)
})

/** A copy of the log and the tables, as somebody outside keeps it. */
async function copied(): Promise<string> {
  const copy = await mkdtemp(join(folder, 'copy-'))
  await cp(join(log.dataFolder, 'log'), copy, { recursive: true })
  await mkdir(join(copy, 'numbers'))
  for (const period of ['2026-11', '2026-12'])
    await writeFile(join(copy, 'numbers', `${period}.json`), (await api(`/api/numbers?period=${period}`)).text)
  return copy
}
const kinds = (found: { findings: readonly { kind: string }[] }) => found.findings.map((f) => f.kind)

test('anyone can count it again, from the portal and from a copy', async () => {
  const copy = await copied()
  const found = await verifyNumbers(copy, { key: log.publiclog.vkey })
  assert.deepEqual(found.findings, [])
  assert.equal(found.tables, 2)
  assert.ok(found.rows > 10)
  const url = await web.listen()
  assert.deepEqual((await verifyNumbers(url, { key: log.publiclog.vkey })).findings, [])
})

test('each way to lie with numbers is named', async () => {
  const lies: [string, (t: Numbers, copy: string) => unknown, string[]][] = [
    [
      'a figure made better',
      (t) => ({ ...t, rows: t.rows.map((r) => (r.scope === 'nation' ? { ...r, decided: { ...r.decided!, inTerm: 20, silence: 0 } } : r)) }),
      ['figure', 'hash'],
    ],
    ['a row left out', (t) => ({ ...t, rows: t.rows.filter((r) => r.scope !== 'place') }), ['figure', 'figure', 'hash']],
    [
      'a row that nothing gives',
      (t) => ({ ...t, rows: [...t.rows, { scope: 'place', id: '32', filed: { n: 99, channels: {} } }] }),
      ['figure', 'hash'],
    ],
    ['a desk made busier', (t) => ({ ...t, offices: t.offices.map((o) => ({ ...o, dutyMinutes: 1 })) }), ['figure', 'figure', 'hash']],
    ['a table of entries that are not there', (t) => ({ ...t, size: 1_000_000 }), ['ahead', 'hash']],
    ['something else', () => ({ hello: 1 }), ['malformed']],
  ]
  for (const [name, lie, expected] of lies) {
    const copy = await copied()
    const file = join(copy, 'numbers/2026-11.json')
    await writeFile(file, JSON.stringify(lie(JSON.parse(await readFile(file, 'utf8')), copy)))
    assert.deepEqual(kinds(await verifyNumbers(copy, { key: log.publiclog.vkey })), expected, name)
  }
  const withheld = await copied()
  await rm(join(withheld, 'numbers/2026-11.json'))
  assert.deepEqual(kinds(await verifyNumbers(withheld, { key: log.publiclog.vkey })), ['missing'])
  await assert.rejects(verifyNumbers(log.dataFolder, {}), /numbers/)
})

test('what people said is released with the answers it follows from, and nothing else of them is left', async () => {
  const rating = (service: string, visits: '0' | '3', asked: 'no' | '200'): Rating => ({ service: service as ServiceId, visits, asked })
  said.set('2026-11', [
    ...Array.from({ length: 12 }, () => rating('state/birth-certificate@09', '0', 'no')),
    ...Array.from({ length: 4 }, () => rating('state/birth-certificate@15', '3', '200')),
  ])
  await insight.refresh()
  assert.deepEqual([...said], [])
  const { body } = await api('/api/numbers?set=people&period=2026-11')
  // Four answers are too few for their state, and too few for the country.
  assert.deepEqual(
    body.rows.map((r: { id: string; n: number }) => [r.id, r.n]),
    [
      ['mx', 12],
      ['state/birth-certificate', 12],
      ['state/birth-certificate@09', 12],
    ],
  )
  clock.advance(10_000)
  await log.publiclog.publishNow()
  const copy = await copied()
  const text = (await api('/api/numbers?set=people&period=2026-11')).text
  const file = join(copy, 'numbers/people-2026-11.json')
  await writeFile(file, text)
  const good = await verifyNumbers(copy, { key: log.publiclog.vkey })
  assert.deepEqual(good.findings, [])
  assert.equal(good.fromOpenData, 1)
  for (const lie of [text.replace('"asked":0', '"asked":7'), text.replace('["state/birth-certificate@09","0","no"],', '')]) {
    await writeFile(file, lie)
    assert.deepEqual(kinds(await verifyNumbers(copy, { key: log.publiclog.vkey })), ['figure', 'hash'])
  }
  await rm(file)
  assert.deepEqual(kinds(await verifyNumbers(copy, { key: log.publiclog.vkey })), ['missing'])
})

test('who came to the end is released beside what the log says was sent, and hidden where it is about few', async () => {
  const left = (service: string, stop: string, n: number): Left => ({ service: service as ServiceId, stop, n })
  gaveUp.set('2026-11', [
    left('state/birth-certificate@09', 'you', 14),
    left('state/birth-certificate@09', 'papers', 3),
    left('state/birth-certificate@09', 'review', 11),
    left('state/birth-certificate@15', 'you', 12),
    left('state/drivers-licence@09', 'kind', 15),
  ])
  await insight.refresh()
  assert.deepEqual([...gaveUp], [])
  clock.advance(10_000)
  await log.publiclog.publishNow()
  const { body, text } = await api('/api/numbers?set=drafts&period=2026-11')
  const at = (scope: string, id: string) => body.rows.find((r: { scope: string; id: string }) => r.scope === scope && r.id === id)
  assert.deepEqual(at('nation', 'mx'), { scope: 'nation', id: 'mx', left: 55, submitted: 28 })
  // Three and eleven at two pages: alone, the three would be known by taking the others from the sum.
  assert.deepEqual(at('service', 'state/birth-certificate@09').stops, { other: 14, you: 14 })
  assert.deepEqual(at('base', 'state/birth-certificate').stops, { other: 14, you: 26 })
  assert.deepEqual(at('place', '09'), { scope: 'place', id: '09', left: 43 })
  assert.equal(at('agency', 'agency-of-birth-certificate').left, 40)
  // Of the 28 that were sent, three and one were of two other services: with the 24 in sight they would be known.
  assert.equal(at('service', 'state/birth-certificate@09').submitted, undefined)
  assert.equal(at('service', 'state/birth-certificate@15').submitted, 0)
  const copy = await copied()
  const file = join(copy, 'numbers/drafts-2026-11.json')
  await writeFile(join(copy, 'numbers/people-2026-11.json'), (await api('/api/numbers?set=people&period=2026-11')).text)
  await writeFile(file, text)
  const good = await verifyNumbers(copy, { key: log.publiclog.vkey })
  assert.deepEqual(good.findings, [])
  assert.equal(good.fromOpenData, 2)
  const lies: [string, string[]][] = [
    [text.replace('"submitted":28', '"submitted":99'), ['figure', 'hash']],
    [text.replace('"left":43,"scope"', '"left":43,"submitted":24,"scope"'), ['figure', 'hash']],
    [text.replace('"left":15', '"left":5'), ['figure', 'figure', 'hash']],
    [text.replace('"left":55', '"left":25'), ['figure', 'figure', 'hash']],
    [text.replace('"you":14', '"you":13'), ['figure', 'hash']],
    [text.replace(/"size":\d+/, '"size":1000000'), ['ahead', 'hash']],
    [text.replace('"rows":[', '"rows":[7,'), ['malformed']],
  ]
  for (const [lie, expected] of lies) {
    await writeFile(file, lie)
    assert.deepEqual(kinds(await verifyNumbers(copy, { key: log.publiclog.vkey })), expected, lie.slice(0, 900))
  }
  await rm(file)
  assert.deepEqual(kinds(await verifyNumbers(copy, { key: log.publiclog.vkey })), ['missing'])
})

test('what is no entry is passed over, and the count goes on behind it', async () => {
  await db.tx((tx) => unsafeAppend(tx, [Buffer.from('{"v":1,"type":"no.such"}'), Buffer.from('not JSON')]))
  await day('state/birth-certificate@09', 'state-09/general', 11)
  await log.publiclog.publishNow()
  await insight.refresh()
  assert.equal(row(await table('2026-12'), 'nation', 'mx')?.filed?.n, 13)
})
