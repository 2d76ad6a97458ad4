/** A town joins in ten questions, with the state as the second person; and a list of services comes in from a file. Both on a telephone's width and without scripts. */
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../support/browser.ts'
import { openSystem, type System } from '../support/system.ts'
import { signIn } from './journey.ts'

const missing = browserMissing()
const skip = missing ?? false

let system: System
let browser: Browser

before(async () => {
  if (missing) return
  system = await openSystem()
  browser = await openBrowser()
  await system.staff('toluca@example.mx', 'Rosa Tun Ek', ['analyst'], 'mun-15106')
  await system.staff('estado@example.mx', 'Iván Mejía Soto', ['analyst'], 'state-15')
  await system.staff('otro@example.mx', 'Berta Coss Ávila', ['analyst'], 'state-14')
  await system.staff('lista@example.mx', 'Marisol Tep Aguilar', ['analyst'], '')
})
after(async () => {
  await browser?.close()
  await system?.close()
})

async function smallPage(t: TestContext, who: string): Promise<Page> {
  const page = await openPage(t, browser, { viewport: { width: 320, height: 640 } })
  await withoutScripts(page)
  await signIn(page, system, who)
  return page
}

async function clean(page: Page, what: string): Promise<void> {
  assert.deepEqual(await audit(page), [], `axe finds nothing on ${what}`)
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${what} fits`)
}

test('a town answers ten questions, its state approves, and every service of a town is there, with what differs in the open', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const town = await smallPage(t, 'toluca@example.mx')
  await town.goto(`${system.url}/editor`)
  await town.getByRole('link', { name: 'Toluca, Estado de México' }).click()
  await clean(town, 'the page of the place')
  await town.getByRole('button', { name: 'Contestar las diez preguntas' }).click()
  await clean(town, 'the ten questions')
  const fees = town.getByRole('group', { name: /^2\./ })
  const terms = town.getByRole('group', { name: /^3\./ })
  await town.getByLabel('Ley o documento').first().fill('Ley de Ingresos de los Municipios del Estado de México')
  // Beyond what the base allows: said at the service, and nothing can be sent.
  await fees.getByLabel('Constancia de residencia').fill('9,000')
  await terms.getByLabel('Constancia de residencia').fill('5')
  for (const day of ['Lunes', 'Martes', 'Miércoles', 'Jueves', 'Viernes']) await town.getByLabel(day).fill('9:00-15:00')
  await town.getByLabel(/^5\./).fill('Avenida Independencia 207, Centro')
  await town.getByLabel(/^6\./).fill('722 276 1900')
  await town.getByLabel(/^7\./).fill('ventanilla@toluca.example')
  await town.getByLabel(/^9\./).fill('2027-03-19')
  await town.getByRole('button', { name: 'Guardar' }).click()
  await town.getByText('Falta corregir 1 cosa antes de enviarlo.').waitFor()
  assert.equal(await town.getByRole('button', { name: 'Enviar a aprobación' }).count(), 0)
  await clean(town, 'a draft with a fault')
  await town.getByRole('link', { name: 'Contestar las diez preguntas' }).click()
  await fees.getByLabel('Constancia de residencia').fill('85')
  await town.getByRole('button', { name: 'Guardar' }).click()
  await town.getByRole('button', { name: 'Enviar a aprobación' }).click()
  await town.getByText('Enviado a aprobación.').waitFor()
  assert.equal(await town.getByRole('button', { name: 'Aprobar y publicar' }).count(), 0, 'who wrote it cannot approve')
  const draft = town.url()

  const other = await smallPage(t, 'otro@example.mx')
  assert.equal((await other.goto(draft))!.status(), 404, 'another state does not even see it')

  const state = await smallPage(t, 'estado@example.mx')
  await state.goto(`${system.url}/editor`)
  await state.getByRole('heading', { name: 'Esperan su aprobación' }).waitFor()
  await state
    .getByRole('link', { name: /Toluca/ })
    .first()
    .click()
  await clean(state, 'a town to approve')
  await state.getByRole('button', { name: 'Aprobar y publicar' }).click()
  await state.getByText('Publicado.', { exact: true }).waitFor()

  const anyone = await openPage(t, browser, { viewport: { width: 320, height: 640 } })
  await withoutScripts(anyone)
  await anyone.goto(`${system.url}/services/municipal/proof-of-residence@15106`)
  const said = await anyone.locator('main').innerText()
  assert.match(said, /\$85\.00/)
  assert.match(said, /5 días hábiles/)
  assert.match(said, /Avenida Independencia 207/)
  await anyone
    .getByText(/Lo que cambia en Toluca|cambia aquí|Toluca, Estado de México/)
    .first()
    .waitFor()
  await clean(anyone, 'the service in that town')
  // Every service of a town is there, those it said nothing of as well.
  const { items } = (await (await fetch(`${system.url}/api/services?place=15106&limit=1000`)).json()) as {
    items: { id: string; base: string }[]
  }
  const bases = system.running.parts.catalogue.bases().filter((id) => id.startsWith('municipal/'))
  for (const base of bases)
    assert.ok(
      items.some((i) => i.id === `${base}@15106`),
      base,
    )
})

test('a list comes in: each row a draft, with what was taken, what is missing and why; what is no list changes nothing', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const page = await smallPage(t, 'lista@example.mx')
  await page.goto(`${system.url}/editor`)
  await page.getByRole('button', { name: 'Traer de un archivo' }).click()
  await clean(page, 'the import')
  const bring = async (name: string, text: string | Buffer) => {
    await page.goto(`${system.url}/editor/import`)
    await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) })
    await page.getByLabel('Dependencia de los trámites de la lista').selectOption('municipal-window')
    await page.getByRole('button', { name: 'Traer', exact: true }).click()
  }
  const drafts = async () => {
    await page.goto(`${system.url}/editor`)
    return page.getByRole('link', { name: /Registro de mascotas|Permiso de colecta/ }).count()
  }
  await bring('nada.csv', '\u0000\u0001')
  await page.getByText('No se tomó nada.').first().waitFor()
  await clean(page, 'a refusal')
  assert.equal(await drafts(), 0)

  await bring(
    'lista.csv',
    Buffer.from(
      'Nombre;Requisitos;Costo;Plazo;Fundamento\r\nRegistro de mascotas;Cartilla de vacunación;Gratuito;3 días hábiles;Bando municipal\r\n;sin nombre;;;\r\n',
      'latin1',
    ),
  )
  await page.getByRole('heading', { name: 'Qué se tomó, fila por fila' }).waitFor()
  await clean(page, 'the report')
  const rows = await page.getByRole('row').allInnerTexts()
  assert.equal(rows.length, 3)
  assert.match(rows[1]!, /Registro de mascotas/)
  assert.match(rows[2]!, /nombre: la fila no lo dice/)
  await page.getByRole('link', { name: 'Registro de mascotas' }).click()
  await page.getByRole('heading', { level: 1, name: 'Registro de mascotas' }).waitFor()
  await clean(page, 'a draft that was brought')

  await bring('lista.json', JSON.stringify({ tramites: [{ nombre: 'Permiso de colecta', costo: '$ 120.00' }, 7, null] }))
  await page.getByRole('link', { name: 'Permiso de colecta' }).waitFor()
  assert.equal(await drafts(), 2)
})
