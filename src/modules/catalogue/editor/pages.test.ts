import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { PersonId } from '#kernel/id'
import { FixedClock } from '#kernel/time'
import { openWeb, type SignedIn, type Visitor, type Web } from '#web'
import { inlineInPage } from '../../../../test/guards/inline.ts'
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts'
import { type Catalogue, openCatalogue } from '../index.ts'
import type { Content } from './content.ts'
import { partIds } from './parts.ts'

const root = join(import.meta.dirname, '../../../..')
const clock = new FixedClock('2026-11-24T18:00:00Z')
const person = (n: number) => `00000000-0000-7000-8000-00000000000${n}` as PersonId
const analyst = (n: number): SignedIn => ({
  person: person(n),
  session: `s${n}`,
  language: 'es',
  grants: [{ role: 'analyst', office: null }],
})

let database: TestDatabase
let folder: string
let catalogue: Catalogue
let web: Web
let draft: string

before(async () => {
  database = await testDatabase()
  folder = mkdtempSync(join(tmpdir(), 'editor-pages-'))
  for (const id of ['federal/sre/passport', 'state/birth-certificate', 'municipal/proof-of-residence', 'adoptions/19'])
    cpSync(join(root, 'services', id), join(folder, id), { recursive: true })
  catalogue = await openCatalogue({ db: database.db, clock, reference: join(root, 'reference'), log: { warn() {}, info() {} } })
  await catalogue.load(folder)
  web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost:3000',
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: Buffer.alloc(32, 1),
    assetsFolder: join(root, '.assets'),
    log: false,
    identify: async (request, language): Promise<Visitor> => ({ ...analyst(Number(request.cookies.who ?? 1)), language }),
  })
  catalogue.register(web, {
    publicUrl: 'http://localhost:3000',
    demo: false,
    names: async () =>
      new Map([
        [person(1), 'Marisol'],
        [person(2), 'Gerardo'],
      ]),
  })
  draft = `/editor/drafts/${await catalogue.drafts.begin(analyst(1), { how: 'change', base: 'federal/sre/passport' })}`
})
after(async () => {
  await web?.close()
  rmSync(folder, { recursive: true, force: true })
  await database?.close()
})

const get = (url: string, who = 1, language = 'es') =>
  web.app.inject({ method: 'GET', url, headers: { 'accept-language': language, cookie: `who=${who}` } })

/** Sends a page's own form, with its token and state, and what is typed over it. */
async function send(
  page: string,
  typed: Record<string, string>,
  { who = 1, action = page, n }: { who?: number; action?: string; n?: string } = {},
) {
  const { body } = await get(page, who)
  const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] ?? ''
  return web.app.inject({
    method: 'POST',
    url: action,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'accept-language': 'es',
      cookie: `who=${who}`,
      origin: 'http://localhost:3000',
    },
    payload: new URLSearchParams({ _csrf: hidden('_csrf'), n: n ?? hidden('n'), ...typed }).toString(),
  })
}
const textOf = (body: string) =>
  body
    .replace(/<[^>]+>/g, ' ')
    .replace(/&quot;/g, '"')
    .replace(/\s+/g, ' ')

test('every page of a draft is under 10 kB, in both languages, with nothing inline', async () => {
  const town = `/editor/drafts/${await catalogue.drafts.begin(analyst(1), { how: 'place', place: '15106' })}`
  const urls = [
    '/editor',
    '/editor/new',
    '/editor/import',
    '/editor/services/federal/sre/passport',
    '/editor/places/15106',
    draft,
    ...partIds.filter((p) => p !== 'adoption').map((p) => `${draft}/parts/${p}`),
    ...['try', 'prompts', 'examples', 'difference', 'history', 'condition?at=/pages/1/when'].map((p) => `${draft}/${p}`),
    ...['office', 'join', 'proof-of-residence'].map((p) => `${town}/places/${p}`),
  ]
  for (const url of urls)
    for (const language of ['es', 'en']) {
      const { statusCode, body } = await get(url, 1, language)
      assert.equal(statusCode, 200, url)
      assert.ok(gzipSync(body).length <= 10_240, `${url} is ${gzipSync(body).length} bytes`)
      assert.deepEqual(inlineInPage(url, body), [])
      assert.equal(body.match(/<h1/g)?.length, 1, url)
    }
})

test('a fault is said at its field, in the reader’s language, with what to do', async () => {
  const page = `${draft}/parts/answer`
  assert.equal((await send(page, { workingDays: '3' })).statusCode, 303)
  const { body } = await get(page)
  assert.match(body, /id="workingDays-error"[^>]*>.*El número es menor que 5\. Escriba 5 o más\./)
  assert.match(body, /aria-describedby="workingDays-error"/)
  assert.match(textOf((await get(draft)).body), /Falta corregir 1 cosa .*Días para traer lo que falta : El número es menor que 5/)
  assert.match((await get(page, 1, 'en')).body, /Must be &gt;= 5\. Write at least 5\./)
  // What is no number at all is not kept, and stands as it was typed.
  const refused = await send(page, { workingDays: 'cinco' })
  assert.equal(refused.statusCode, 422)
  assert.match(refused.body, /value="cinco"/)
  assert.match(refused.body, /Escriba un número entero/)
  assert.equal((await send(page, { workingDays: '5' })).statusCode, 303)
})

test('who saves too late is told what changed and by whom, and loses nothing that was typed', async () => {
  const page = `${draft}/parts/texts`
  const n = /name="n" value="(\d+)"/.exec((await get(page)).body)![1]!
  assert.equal((await send(page, { 'es:note': 'Traiga su cita.', 'en:note': 'Bring your appointment.' }, { who: 2 })).statusCode, 303)
  const stale = await send(page, { 'es:who': 'Quien viaja.' }, { n })
  assert.equal(stale.statusCode, 409)
  assert.match(textOf(stale.body), /guardó Gerardo.*«» ?|guardó Gerardo/)
  assert.match(textOf(stale.body), /Traiga su cita/)
  assert.match(stale.body, /Quien viaja\./)
  assert.equal((await send(page, { 'es:who': 'Quien viaja.' })).statusCode, 303)
  const { content } = await catalogue.drafts.open(analyst(1), draft.split('/').at(-1)!)
  assert.deepEqual([(content as Content).es.who, (content as Content).es.note], ['Quien viaja.', 'Traiga su cita.'])
})

test('what burdens is named with its day, what relieves apart', async () => {
  assert.equal((await send(`${draft}/parts/term`, { unit: 'months', count: '3' })).statusCode, 303)
  const { body } = await get(`${draft}/difference`)
  const said = textOf(body)
  assert.match(said, /Lo que es una carga .*desde el 8 de diciembre de 2026.*3 meses/)
  assert.ok(said.indexOf('Lo que es una carga') < said.indexOf('Palabras'))
})

test('a form cannot send what its page did not offer', async () => {
  for (const [part, typed] of [
    ['silence', { means: 'perhaps' }],
    ['term', { unit: '__proto__' }],
    ['channels', { 'channels.shown': '1', channels: 'pigeon' }],
    ['general', { agency: 'sat', 'es:id': 'x', level: 'state' }],
  ] as const)
    await send(`${draft}/parts/${part}`, typed)
  const { content } = await catalogue.drafts.open(analyst(1), draft.split('/').at(-1)!)
  const d = (content as Content).definition
  assert.ok(['affirmative', 'negative'].includes(d.silence.means))
  assert.deepEqual([d.agency, d.level, d.id, d.channels], ['sre', 'federal', 'federal/sre/passport', []])
})

async function bring(name: string, text: string) {
  const { body } = await get('/editor/import')
  const token = /name="_csrf" value="([^"]*)"/.exec(body)![1]
  const mark = 'x-mark-x'
  const part = (head: string, value: string) => `--${mark}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${value}\r\n`
  return web.app.inject({
    method: 'POST',
    url: '/editor/import',
    headers: {
      'content-type': `multipart/form-data; boundary=${mark}`,
      'accept-language': 'es',
      cookie: 'who=1',
      origin: 'http://localhost:3000',
    },
    payload: `${part('name="_csrf"', token!)}${part('name="agency"', 'municipal-window')}${part(`name="files"; filename="${name}"\r\ncontent-type: application/octet-stream`, text)}--${mark}--\r\n`,
  })
}

test('a file with a fault is refused by file, place and remedy, and leaves no draft; a list makes one for each row', async () => {
  const count = (await catalogue.drafts.list(analyst(1))).length
  const refused = await bring('definition.json', '{"format": 1}')
  assert.equal(refused.statusCode, 422)
  assert.match(textOf(refused.body), /No se tomó nada.*service\/text\.es\.json.*Falta el archivo\. Agréguelo\./)
  assert.equal((await catalogue.drafts.list(analyst(1))).length, count)
  const taken = await bring('lista.csv', 'Nombre,Costo\nPermiso de poda,$85\nPermiso de poda y tala,gratis\n')
  assert.equal(taken.statusCode, 200)
  assert.match(textOf(taken.body), /2 borradores.*Permiso de poda.*costo: la fila no nombra la ley/)
  assert.equal((await catalogue.drafts.list(analyst(1))).length, count + 2)
  assert.match(textOf((await bring('lista.csv', 'Nombre\nPermiso de poda\n')).body), /0 borradores.*ya existe/)
})

test('the public page of a place says what differs there from the whole country', async () => {
  const { body } = await get('/services/municipal/proof-of-residence@19031')
  assert.match(textOf(body), /Qué cambia en Juárez, Nuevo León .*En todo el país .*Lo fija cada lugar .*Gratis/)
  assert.doesNotMatch((await get('/services/municipal/proof-of-residence@15106')).body, /id="local"/)
})

test('sending back takes words: without them the page says so and nothing is sent', async () => {
  const id = await catalogue.drafts.begin(analyst(1), {
    how: 'new',
    level: 'state',
    agency: 'civil-registry',
    name: { es: 'Trámite', en: 'Service' },
  })
  const page = `/editor/drafts/${id}`
  assert.equal((await send(page, {}, { action: `${page}/send` })).statusCode, 303)
  const refused = await send(page, { note: ' ' }, { who: 2, action: `${page}/send-back` })
  assert.equal(refused.statusCode, 422)
  assert.match(refused.body, /id="note-error"[^>]*>.*Diga qué hay que cambiar/)
  assert.equal((await send(page, { note: 'Falta la ley.' }, { who: 2, action: `${page}/send-back` })).statusCode, 303)
  assert.match(textOf((await get(page)).body), /Gerardo lo regresó: «Falta la ley\.»/)
})
