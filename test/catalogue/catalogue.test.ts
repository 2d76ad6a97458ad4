import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { OfficeId } from '#kernel/id'
import { FixedClock } from '#kernel/time'
import { type Catalogue, openCatalogue } from '../../src/modules/catalogue/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const root = join(import.meta.dirname, '../..')
const reference = join(root, 'reference')
const log = { warn() {}, info() {} }

let database: TestDatabase
let folder: string
let catalogue: Catalogue
const entries: Record<string, unknown>[] = []
const publiclog = {
  async append(_tx: unknown, all: readonly unknown[]) {
    entries.push(...(all as Record<string, unknown>[]))
    return all.map((_, i) => ({ id: BigInt(entries.length + i), bytes: Buffer.alloc(0) }))
  },
} as never
const clock = new FixedClock('2026-11-24T18:00:00Z')

before(async () => {
  database = await testDatabase()
  folder = mkdtempSync(join(tmpdir(), 'services-'))
  for (const id of [
    'state/birth-certificate',
    'state/drivers-licence',
    'federal/sre/passport',
    'municipal/business-licence',
    'municipal/land-use-certificate',
  ]) {
    cpSync(join(root, 'services', id), join(folder, id), { recursive: true })
  }
  catalogue = await openCatalogue({ db: database.db, clock, reference, publiclog, log })
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await database?.close()
})

const edit = (path: string, change: (json: Record<string, unknown>) => void) => {
  const file = join(folder, path)
  const json = JSON.parse(readFileSync(file, 'utf8'))
  change(json)
  writeFileSync(file, JSON.stringify(json))
}

test('a folder is published once, each definition with its entry, and offered in every place by law', async () => {
  assert.deepEqual(catalogue.counts(), { bases: 0, services: 0 })
  const loaded = await catalogue.load(folder)
  assert.deepEqual(loaded.faults, [])
  assert.equal(loaded.published.length, 5)
  assert.deepEqual(catalogue.counts(), { bases: 5, services: 1 + 2 * 32 + 2 * 2478 })
  assert.deepEqual(
    entries.map((e) => [e.type, e.service, e.from]).find(([, s]) => s === 'federal/sre/passport'),
    ['definition.published', 'federal/sre/passport', '2026-11-24'],
  )
  const again = await catalogue.load(folder)
  assert.deepEqual([again.changed, entries.length], [false, 5])
})

test('a service of a place is its base with the place laid over, in the office of that place', () => {
  const service = catalogue.get('state/birth-certificate@09')!
  assert.deepEqual(
    [service.jurisdiction.name, service.office, service.placed, service.adoption],
    ['Ciudad de México', 'state-09', true, null],
  )
  assert.equal(service.definition, catalogue.get('state/birth-certificate@14')!.definition)
  assert.equal(service.hash, catalogue.get('state/birth-certificate@14')!.hash)
  assert.equal(catalogue.get('state/birth-certificate')!.placed, false)
  for (const none of [
    'state/birth-certificate@15106',
    'municipal/business-licence@09',
    'federal/sre/passport@09',
    'state/none',
    'state/birth-certificate@99',
    '@',
    '',
  ]) {
    assert.equal(catalogue.get(none), null, none)
  }
  assert.throws(() => catalogue.officeFor(catalogue.get('state/birth-certificate')!), { code: 'catalogue/not-offered' })
  assert.equal(catalogue.officeFor(catalogue.get('municipal/business-licence@15106')!, 'civil-protection'), 'mun-15106-civil-protection')
  assert.equal(catalogue.officeFor(catalogue.get('federal/sre/passport')!), 'sre')
})

test('an office is derived from its name: place, zone, calendar, what it serves', () => {
  const tijuana = catalogue.office('mun-02004')!
  assert.deepEqual([tijuana.zone, tijuana.jurisdiction.name], ['America/Tijuana', 'Tijuana, Baja California'])
  const zones: [string, string][] = [
    ['state-26', 'America/Hermosillo'],
    ['state-23', 'America/Cancun'],
    ['state-03', 'America/Mazatlan'],
    ['mun-18020', 'America/Bahia_Banderas'],
    ['state-18', 'America/Mazatlan'],
    ['mun-08037', 'America/Ciudad_Juarez'],
    ['mun-08052', 'America/Ojinaga'],
    ['state-08', 'America/Chihuahua'],
    ['state-09', 'America/Mexico_City'],
    ['sat', 'America/Mexico_City'],
  ]
  for (const [id, zone] of zones) assert.equal(catalogue.office(id)!.zone, zone, id)
  for (const none of ['state-99', 'mun-09', 'mun-09999', 'state-09-sat', 'nobody', 'sre-', 'mun-15106-civil-registry'])
    assert.equal(catalogue.office(none), null, none)
  assert.equal(catalogue.office('sre-sat')!.unit, 'sat')
  const national = catalogue.calendarOf('state-09' as OfficeId)
  assert.ok(national.holidays.has('2026-11-16') && !national.holidays.has('2026-04-02'))
  assert.ok(catalogue.calendarOf('sat' as OfficeId).holidays.has('2026-04-02'))
  assert.deepEqual(
    catalogue.servedAt('mun-15106-civil-protection').map((s) => s.id),
    ['municipal/business-licence@15106'],
  )
  assert.deepEqual(
    catalogue
      .servedAt('state-09')
      .map((s) => s.base)
      .sort(),
    ['state/birth-certificate', 'state/drivers-licence'],
  )
  assert.deepEqual(
    catalogue.servedAt('mun-15106').every((s) => s.jurisdiction.code === '15106'),
    true,
  )
})

test('what relieves holds at once, what burdens ten working days later, and a pinned hash gives what was pinned', async () => {
  const old = catalogue.get('federal/sre/passport')!
  edit('federal/sre/passport/definition.json', (d) => {
    ;(d.term as { unit: string; count: number }).unit = 'working-days'
    ;(d.term as { unit: string; count: number }).count = 3
  })
  edit('municipal/business-licence/definition.json', (d) => {
    ;(d.term as { count: number }).count = 2
  })
  const loaded = await catalogue.load(folder)
  assert.deepEqual(loaded.faults, [])
  assert.deepEqual(loaded.published, [
    { service: 'federal/sre/passport', from: '2026-12-08' },
    { service: 'municipal/business-licence', from: '2026-11-24' },
  ])
  assert.equal(catalogue.get('municipal/business-licence@15106')!.definition.term.count, 2)
  assert.equal(catalogue.get('federal/sre/passport')!.hash, old.hash)
  clock.set('2026-12-08T18:00:00Z')
  const now = catalogue.get('federal/sre/passport')!
  assert.equal(now.definition.term.count, 3)
  assert.notEqual(now.hash, old.hash)
  assert.deepEqual((await catalogue.pinned(old.hash, 'federal/sre/passport'))!.definition.term, old.definition.term)
  assert.equal(await catalogue.pinned('0'.repeat(64), 'federal/sre/passport'), null)
  assert.equal(await catalogue.pinned(old.hash, 'state/birth-certificate@09'), null)
})

test('an adoption changes only its place, within the bounds, and another process hears of it', async () => {
  const other = await openCatalogue({ db: database.db, clock, reference, log })
  writeFileSync(join(folder, '.keep'), '')
  const { mkdirSync } = await import('node:fs')
  mkdirSync(join(folder, 'adoptions/15'), { recursive: true })
  writeFileSync(
    join(folder, 'adoptions/14.json'),
    JSON.stringify({ format: 1, place: '14', services: { 'state/birth-certificate': { fee: { amount: '90.00', source: 'unverified' } } } }),
  )
  writeFileSync(
    join(folder, 'adoptions/15/15106.json'),
    JSON.stringify({
      format: 1,
      place: '15106',
      services: {
        'municipal/business-licence': { localPaper: { from: 'state/birth-certificate', source: 'unverified' } },
        'municipal/land-use-certificate': { fee: { amount: '999999.00', source: 'unverified' } },
      },
    }),
  )
  const loaded = await catalogue.load(folder)
  assert.deepEqual(
    loaded.faults.map((f) => f.pointer.slice(0, 60)),
    ['/services/municipal~1land-use-certificate/fee/amount'],
  )
  const jalisco = catalogue.get('state/birth-certificate@14')!
  assert.deepEqual(jalisco.definition.fee, { kind: 'fixed', amount: '90.00', source: 'unverified' })
  assert.equal(catalogue.get('state/birth-certificate@09')!.definition.fee.kind, 'local')
  assert.notEqual(jalisco.hash, catalogue.get('state/birth-certificate@09')!.hash)
  await other.refresh(true)
  assert.equal(other.get('state/birth-certificate@14')!.hash, jalisco.hash)
  assert.deepEqual((await other.pinned(jalisco.hash, 'state/birth-certificate@14'))!.definition.fee, jalisco.definition.fee)
  // One paper more burdens: it waits ten working days.
  assert.equal(catalogue.get('municipal/business-licence@15106')!.adoption, null)
  clock.set('2026-12-22T18:00:00Z')
  const toluca = catalogue.get('municipal/business-licence@15106')!
  assert.equal(toluca.definition.papers.at(-1)!.id, 'local-paper')
  assert.equal(toluca.text('es', 'papers.local-paper'), 'Acta de nacimiento')
  assert.equal(
    catalogue.get('municipal/business-licence@15001')!.definition.papers.some((p) => p.id === 'local-paper'),
    false,
  )
  assert.equal(entries.at(-1)!.definition, catalogue.get(entries.at(-1)!.service as string)!.hash)
})

test('a bad definition is named and takes no other down; what it would replace stays in force', async () => {
  const before = catalogue.get('state/drivers-licence@09')!.hash
  edit('state/drivers-licence/definition.json', (d) => {
    d.legalBasis = []
  })
  writeFileSync(join(folder, 'state/birth-certificate/text.en.json'), '{')
  const loaded = await catalogue.load(folder)
  assert.ok(loaded.faults.some((f) => f.file === 'state/drivers-licence/definition.json' && f.pointer === '/legalBasis'))
  assert.ok(loaded.faults.some((f) => f.file === 'state/birth-certificate/text.en.json' && /not JSON/.test(f.what)))
  assert.equal(catalogue.get('state/drivers-licence@09')!.hash, before)
  assert.ok(catalogue.get('state/birth-certificate@14'))
})

test('a slip in an adoption withdraws nothing, and taking the file away does', async () => {
  cpSync(join(root, 'services/state/birth-certificate'), join(folder, 'state/birth-certificate'), { recursive: true })
  const before = catalogue.get('state/birth-certificate@14')!
  assert.equal(before.definition.fee.kind, 'fixed')
  const file = join(folder, 'adoptions/14.json')
  const sound = readFileSync(file, 'utf8')
  for (const slip of [sound.replace('90.00', '9000.00'), '{', sound.replace('"place":"14"', '"place":"15"')]) {
    writeFileSync(file, slip)
    assert.ok((await catalogue.load(folder)).faults.some((f) => f.file === 'adoptions/14.json'))
    assert.equal(catalogue.get('state/birth-certificate@14')!.hash, before.hash)
  }
  rmSync(file)
  await catalogue.load(folder)
  // Without the place's figure the fee may be the highest the base allows: that waits, too.
  assert.equal(catalogue.get('state/birth-certificate@14')!.hash, before.hash)
  clock.set('2027-01-20T18:00:00Z')
  assert.equal(catalogue.get('state/birth-certificate@14')!.definition.fee.kind, 'local')
  assert.ok(await catalogue.pinned(before.hash, 'state/birth-certificate@14'))
})

test('two processes that load the same folder at once publish it once', async () => {
  const count = entries.length
  edit('federal/sre/passport/definition.json', (d) => {
    ;(d.term as { count: number }).count = 2
  })
  const other = await openCatalogue({ db: database.db, clock, reference, publiclog, log })
  const both = await Promise.all([catalogue.load(folder), other.load(folder)])
  assert.equal(
    both.reduce((n, l) => n + l.published.length, 0),
    1,
  )
  assert.equal(entries.length, count + 1)
})

test('a burden that waits is not brought forward by a second version that is a little milder', async () => {
  const { today, before } = { today: '2027-01-20', before: catalogue.get('state/drivers-licence@09')!.hash }
  cpSync(join(root, 'services/state/drivers-licence'), join(folder, 'state/drivers-licence'), { recursive: true })
  const term = (count: number) =>
    edit('state/drivers-licence/definition.json', (d) => {
      ;(d.term as { unit: string; count: number }).unit = 'working-days'
      ;(d.term as { count: number }).count = count
    })
  term(90)
  const [heavy] = (await catalogue.load(folder)).published.filter((p) => p.service === 'state/drivers-licence')
  assert.ok(heavy!.from > today, 'ninety days are a burden')
  term(80)
  const [milder] = (await catalogue.load(folder)).published.filter((p) => p.service === 'state/drivers-licence')
  assert.equal(milder!.from, heavy!.from, 'eighty relieve against ninety, and burden whoever asks today')
  assert.equal(catalogue.get('state/drivers-licence@09')!.hash, before)
})
