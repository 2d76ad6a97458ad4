import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type PersonId, uuidv7 } from '#kernel/id'
import { FixedClock } from '#kernel/time'
import type { Grant, SignedIn } from '#web'
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts'
import { type Catalogue, openCatalogue } from '../index.ts'
import type { Content, PlaceContent } from './content.ts'
import { contentOf } from './drafts.ts'
import { filesOf, packed, readFiles, unpacked, written } from './files.ts'

const root = join(import.meta.dirname, '../../../..')
const services = join(root, 'services')
const clock = new FixedClock('2026-11-24T18:00:00Z')
const entries: Record<string, unknown>[] = []
const publiclog = {
  async append(_tx: unknown, all: readonly unknown[]) {
    entries.push(...(all as Record<string, unknown>[]))
    return all.map((_, i) => ({ id: BigInt(entries.length + i), bytes: Buffer.alloc(0) }))
  },
} as never

let database: TestDatabase
let folder: string
let catalogue: Catalogue

const visitor = (...grants: Grant[]): SignedIn => ({ person: uuidv7() as PersonId, session: 's', language: 'es', grants })
const analyst = (office: string | null = null) => visitor({ role: 'analyst', office: office as Grant['office'] })
const ana = analyst()
const luz = analyst()

before(async () => {
  database = await testDatabase()
  folder = mkdtempSync(join(tmpdir(), 'editor-'))
  for (const id of ['state/birth-certificate', 'state/drivers-licence', 'municipal/proof-of-residence', 'federal/sre/passport'])
    cpSync(join(services, id), join(folder, id), { recursive: true })
  cpSync(join(services, 'adoptions/19'), join(folder, 'adoptions/19'), { recursive: true })
  catalogue = await openCatalogue({ db: database.db, clock, reference: join(root, 'reference'), publiclog, log: { warn() {}, info() {} } })
  await catalogue.load(folder)
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await database?.close()
})

const filesUnder = (id: string) =>
  Object.fromEntries(
    ['definition.json', 'text.es.json', 'text.en.json', 'examples.json'].map((f) => [f, readFileSync(join(services, id, f), 'utf8')]),
  )

/** Saves at the draft's present state. */
async function save(who: SignedIn, id: string, edit: (c: Content) => void): Promise<void> {
  const { n } = await catalogue.drafts.open(who, id)
  const saved = await catalogue.drafts.save<Content>(who, id, n, 'general', (c) => {
    edit(c)
    return c
  })
  assert.ok(!('since' in saved))
}

async function sendAndApprove(who: SignedIn, other: SignedIn, id: string) {
  const { n } = await catalogue.drafts.open(who, id)
  await catalogue.drafts.send(who, id, n, null)
  return catalogue.drafts.approve(other, id, n)
}

test('every file under services/ leaves the editor with the bytes it has there', () => {
  for (const id of catalogue.bases()) {
    const here = filesUnder(id)
    for (const text of Object.values(here)) assert.equal(written(JSON.parse(text)), text, id)
    assert.deepEqual(filesOf(contentOf(here), null), here)
  }
})

test('what is published and unchanged is downloaded with the repository’s bytes, and read back as it was', async () => {
  const id = 'state/birth-certificate'
  const here = filesUnder(id)
  assert.deepEqual(await catalogue.drafts.newestFiles(id), here)
  const zip = packed(id, here)
  assert.deepEqual(packed(id, here), zip, 'the same files are the same zip')
  const read = readFiles(unpacked(zip), catalogue.drafts.around(id))
  assert.deepEqual([read.id, read.faults, read.checked?.files], [id, [], here])
  // Bytes that our own writer would not make leave as they came, too.
  const odd = { ...here, 'examples.json': JSON.stringify(JSON.parse(here['examples.json']!)) }
  assert.equal(filesOf(contentOf(here), odd)['examples.json'], odd['examples.json'])
})

test('a new service is written by one person, approved by another, published with its entry, and found', async () => {
  const id = await catalogue.drafts.begin(ana, {
    how: 'new',
    level: 'state',
    agency: 'state-welfare',
    name: { es: 'Permiso de apicultura', en: 'Beekeeping permit' },
  })
  const draft = await catalogue.drafts.open(ana, id)
  assert.deepEqual([draft.base, draft.faults], ['state/permiso-de-apicultura', []])
  await save(ana, id, (c) => {
    c.es.search = 'abejas, miel, colmenas'
    c.en.search = 'bees, honey, hives'
  })
  const { n } = await catalogue.drafts.open(ana, id)
  await assert.rejects(catalogue.drafts.approve(luz, id, n), { code: 'conflict' }, 'nothing was sent')
  await catalogue.drafts.send(ana, id, n, null)
  await assert.rejects(catalogue.drafts.approve(ana, id, n), { code: 'forbidden' }, 'never the author')
  await catalogue.drafts.sendBack(luz, id, n, 'Falta la ley.')
  assert.equal((await catalogue.drafts.open(ana, id)).acts[0]?.note, 'Falta la ley.')
  assert.equal(catalogue.get('state/permiso-de-apicultura'), null)
  const published = await sendAndApprove(ana, luz, id)
  assert.deepEqual(published, [{ service: 'state/permiso-de-apicultura', from: '2026-11-24', burdens: [] }])
  assert.equal(entries.at(-1)!.service, 'state/permiso-de-apicultura')
  assert.equal(catalogue.search({ q: 'colmenas' }).items[0]?.base, 'state/permiso-de-apicultura')
  assert.ok(catalogue.get('state/permiso-de-apicultura@14')?.placed)
  await assert.rejects(catalogue.drafts.approve(luz, id, n), { code: 'conflict' }, 'it is published once')
})

test('whoever edited a draft is its author, also of a state that was undone', async () => {
  const id = await catalogue.drafts.begin(ana, { how: 'change', base: 'state/drivers-licence' })
  assert.equal(await catalogue.drafts.begin(luz, { how: 'change', base: 'state/drivers-licence' }), id, 'two find one draft')
  await save(luz, id, (c) => {
    c.es.summary = 'Para manejar.'
  })
  await catalogue.drafts.goBack(ana, id, 2, 1)
  await save(ana, id, (c) => {
    c.es.summary = 'Para manejar su coche.'
  })
  const { n } = await catalogue.drafts.open(ana, id)
  await catalogue.drafts.send(ana, id, n, null)
  await assert.rejects(catalogue.drafts.approve(luz, id, n), { code: 'forbidden' })
  const third = analyst()
  assert.equal((await catalogue.drafts.approve(third, id, n))[0]?.from, '2026-11-24', 'other words hold at once')
})

test('a stale save writes nothing and says what came between', async () => {
  const id = await catalogue.drafts.begin(ana, { how: 'change', base: 'federal/sre/passport' })
  const edit = (words: string) => (c: Content) => {
    c.es.note = words
    return c
  }
  assert.deepEqual(await catalogue.drafts.save(luz, id, 1, 'texts', edit('Uno.')), { n: 2 })
  const stale = await catalogue.drafts.save(ana, id, 1, 'texts', edit('Otro.'))
  assert.ok('since' in stale)
  assert.deepEqual([stale.since.map((s) => s.person), stale.is.es.note], [[luz.person], 'Uno.'])
  assert.equal(((await catalogue.drafts.open(ana, id)).content as Content).es.note, 'Uno.')
  assert.deepEqual(await catalogue.drafts.save(ana, id, 2, 'texts', edit('Uno.')), { n: 2 }, 'the same again is no new state')
})

test('a draft with faults is kept and cannot be sent; what burdens waits ten working days', async () => {
  const [id] = (await catalogue.drafts.list(ana)).filter((d) => d.base === 'federal/sre/passport').map((d) => d.id)
  await save(ana, id!, (c) => {
    c.definition.channels = []
  })
  const faulty = await catalogue.drafts.open(ana, id!)
  assert.deepEqual(
    faulty.faults.map((f) => f.pointer),
    ['/channels'],
  )
  await assert.rejects(catalogue.drafts.send(ana, id!, faulty.n, null), { code: 'invalid' })
  await catalogue.drafts.goBack(ana, id!, faulty.n, 1)
  await save(ana, id!, (c) => {
    c.definition.channels = ['counter']
  })
  const third = analyst()
  const published = await sendAndApprove(ana, third, id!)
  assert.deepEqual(published[0]?.from, '2026-12-08')
  assert.ok(published[0]!.burdens.includes('channel web'))
  assert.ok(catalogue.get('federal/sre/passport')!.definition.channels.includes('web'), 'not yet')
})

test('what the editor published is not undone by the folder, which is named where it brings something else', async () => {
  const path = join(folder, 'state/drivers-licence/text.es.json')
  const mine = catalogue.get('state/drivers-licence')!.hash
  const touch = (summary: string) => {
    const all = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, written({ ...all, summary }))
  }
  // Another file of the folder changes: this one brings what it brought before.
  writeFileSync(
    join(folder, 'state/birth-certificate/examples.json'),
    readFileSync(join(folder, 'state/birth-certificate/examples.json'), 'utf8').replace('\n]', '\n\n]'),
  )
  assert.deepEqual((await catalogue.load(folder)).kept, [])
  assert.equal(catalogue.get('state/drivers-licence')!.hash, mine)
  assert.ok(catalogue.get('state/permiso-de-apicultura'), 'what the folder never had stays')
  touch('Otra cosa.')
  assert.deepEqual((await catalogue.load(folder)).kept, ['state/drivers-licence'])
  assert.equal(catalogue.get('state/drivers-licence')!.hash, mine)
  assert.deepEqual(await catalogue.drafts.withSeeds(), ['state/drivers-licence'])
  const id = await catalogue.drafts.begin(ana, { how: 'seed', base: 'state/drivers-licence' })
  assert.equal(((await catalogue.drafts.open(ana, id)).content as Content).es.summary, 'Otra cosa.')
  await sendAndApprove(ana, luz, id)
  assert.deepEqual(await catalogue.drafts.withSeeds(), [])
})

test('an analyst of an agency writes its services, one of a place its own facts, and nobody else sees them', async () => {
  const sre = analyst('sre')
  const jalisco = analyst('state-14')
  await assert.rejects(catalogue.drafts.begin(sre, { how: 'change', base: 'state/birth-certificate' }), { code: 'forbidden' })
  await assert.rejects(catalogue.drafts.begin(jalisco, { how: 'place', place: '15' }), { code: 'forbidden' })
  const id = await catalogue.drafts.begin(jalisco, { how: 'place', place: '14' })
  await assert.rejects(catalogue.drafts.open(sre, id), { code: 'not-found' })
  await assert.rejects(catalogue.drafts.open(ana, 'no-uuid'), { code: 'not-found' })
  assert.equal((await catalogue.drafts.list(sre)).length, 0)
  assert.equal((await catalogue.drafts.list(analyst('state-14')))[0]?.mayApprove, true)
})

async function savePlace(who: SignedIn, id: string, edit: (c: PlaceContent) => void): Promise<void> {
  const { n } = await catalogue.drafts.open(who, id)
  const saved = await catalogue.drafts.save<PlaceContent>(who, id, n, 'services/join', (c) => {
    edit(c)
    return c
  })
  assert.ok(!('since' in saved))
}

test('a town joins: its facts hold once its state, or a town it is paired with, has approved them', async () => {
  const town = analyst('mun-15106')
  const base = 'municipal/proof-of-residence'
  const id = await catalogue.drafts.begin(town, { how: 'place', place: '15106' })
  await savePlace(town, id, (c) => {
    c.file.services[base] = { fee: { amount: '9000.00', source: 'unverified' } }
  })
  assert.deepEqual(
    (await catalogue.drafts.open(town, id)).faults.map((f) => f.code),
    ['fee-outside'],
  )
  await savePlace(town, id, (c) => {
    c.file.services[base] = { fee: { amount: '90.00', source: 'unverified' } }
    c.file.office = {
      hours: { 1: [['08:00', '15:00']] },
      address: 'Plaza Cívica 1',
      account: '032180000118359719',
      holidays: ['2026-12-14'],
      oneLine: true,
      source: { law: 'Bando municipal' },
    }
  })
  const { n } = await catalogue.drafts.open(town, id)
  await catalogue.drafts.send(town, id, n, null)
  await assert.rejects(catalogue.drafts.approve(analyst('state-14'), id, n), { code: 'not-found' }, 'another state does not even see it')
  const neighbour = analyst('mun-15051')
  await catalogue.drafts.pair(neighbour, '15051', '15106', true)
  await assert.rejects(catalogue.drafts.approve(neighbour, id, n), { code: 'not-found' }, 'one side alone is no pairing')
  await catalogue.drafts.pair(town, '15106', '15051', true)
  await assert.rejects(catalogue.drafts.pair(town, '15051', '15106', false), { code: 'forbidden' })
  assert.equal((await catalogue.drafts.open(neighbour, id)).mayApprove, true)
  assert.deepEqual(
    (await catalogue.drafts.approve(analyst('state-15'), id, n)).map((p) => [p.service, p.from]),
    [[`${base}@15106`, '2026-11-24']],
  )

  const service = catalogue.get(`${base}@15106`)!
  assert.deepEqual(service.definition.fee, { kind: 'fixed', amount: '90.00', source: 'unverified' })
  const office = catalogue.office('mun-15106')!
  assert.deepEqual([office.address, office.hours, office.confirmed], ['Plaza Cívica 1', { 1: [['08:00', '15:00']] }, true])
  assert.ok(catalogue.calendarOf(office.id).holidays.has('2026-12-14'))
  assert.ok(!catalogue.calendarOf(catalogue.office('mun-15001')!.id).holidays.has('2026-12-14'))
  assert.equal(catalogue.officeFor(service, 'civil-protection'), 'mun-15106', 'one line for everything')
  // The file that leaves is the file that comes: and its bytes are kept.
  const again = await catalogue.drafts.begin(town, { how: 'place', place: '15106' })
  const out = await catalogue.drafts.files(town, again)
  assert.equal(out.files['15106.json'], written(((await catalogue.drafts.open(town, again)).content as PlaceContent).file))
  const other = await openCatalogue({ db: database.db, clock, reference: join(root, 'reference'), log: { warn() {}, info() {} } })
  assert.equal(other.office('mun-15106')!.address, 'Plaza Cívica 1', 'every process hears of it')
})

test('a place’s file under services/ leaves with its bytes, and the folder does not undo what the place published', async () => {
  const juarez = analyst('mun-19031')
  const id = await catalogue.drafts.begin(juarez, { how: 'place', place: '19031' })
  assert.equal(
    (await catalogue.drafts.files(juarez, id)).files['19031.json'],
    readFileSync(join(services, 'adoptions/19/19031.json'), 'utf8'),
  )
  await savePlace(juarez, id, (c) => {
    c.file.services['municipal/proof-of-residence']!.fee = { amount: '10.00', source: 'unverified' }
  })
  const published = await sendAndApprove(juarez, analyst('state-19'), id)
  assert.equal(published[0]?.from, '2026-12-08', 'a higher fee waits')
  const path = join(folder, 'adoptions/19/19031.json')
  writeFileSync(path, `${readFileSync(path, 'utf8')}\n`)
  assert.deepEqual((await catalogue.load(folder)).kept, [])
  clock.set('2026-12-08T18:00:00Z')
  assert.deepEqual(
    catalogue.get('municipal/proof-of-residence@19031')!.definition.fee.kind === 'fixed' &&
      catalogue.get('municipal/proof-of-residence@19031')!.adoption?.fee?.amount,
    '10.00',
  )
})

test('a base cannot be narrowed below what places have adopted', async () => {
  const id = await catalogue.drafts.begin(ana, { how: 'change', base: 'municipal/proof-of-residence' })
  await save(ana, id, (c) => {
    c.definition.adoption = { ...c.definition.adoption, fee: { min: '0.00', max: '50.00' } }
  })
  const { faults } = await catalogue.drafts.open(ana, id)
  assert.deepEqual(
    faults.map((f) => [f.code, f.pointer, f.values.place]),
    [['adopted-outside', '/adoption/fee', 'Toluca, Estado de México']],
  )
})
