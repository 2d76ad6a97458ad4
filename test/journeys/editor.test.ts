/** An analyst who writes no code makes a service, another approves it, a citizen uses it to the decision, and its search entry, its record and its numbers are there. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Parser } from 'n3'
import type { Browser, Page } from 'playwright-core'
import { verifyNumbers } from '#insight/verify'
import type { PersonId, Reference, ServiceId } from '#kernel/id'
import { aCurp } from '../../src/modules/cases/testing.ts'
import { prepareCrowd } from '../../src/modules/people/testing-crowd.ts'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../support/browser.ts'
import { openSystem, type System } from '../support/system.ts'
import { identify, place, signIn } from './journey.ts'

const missing = browserMissing()
const skip = missing ?? false
const office = 'state-09'

let system: System
let browser: Browser

before(async () => {
  if (missing) return
  system = await openSystem()
  browser = await openBrowser()
  await system.staff('oficial@example.mx', 'Tomás Arriaga Bello', ['official'], office)
  await system.staff('analista1@example.mx', 'Marisol Tep Aguilar', ['analyst'], '')
  await system.staff('analista2@example.mx', 'Gerardo Ixta Lara', ['analyst'], '')
})
after(async () => {
  await browser?.close()
  await system?.close()
})

async function clean(page: Page, what: string): Promise<void> {
  assert.deepEqual(await audit(page), [], `axe finds nothing on ${what}`)
}

const save = async (page: Page) => {
  await page.getByRole('button', { name: 'Guardar' }).click()
  await page.getByText('Guardado.').waitFor()
}
const both = async (page: Page, label: string | RegExp, es: string, en: string) => {
  const fields = page.getByLabel(label)
  await fields.nth(0).fill(es)
  await fields.nth(1).fill(en)
}
const part = async (page: Page, draft: string, name: string) => {
  await page.goto(draft)
  await page.getByRole('link', { name: `Cambiar ${name}`, exact: true }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

test('make, preview, keep an example, see the difference, be approved by another, be found and used to the decision, and be counted', {
  skip,
  timeout: 400_000,
}, async (t) => {
  const ana = await openPage(t, browser)
  await signIn(ana, system, 'analista1@example.mx')
  await ana.goto(`${system.url}/`)
  await ana.getByRole('link', { name: 'Editor' }).click()
  await clean(ana, 'the editor')
  await ana.getByRole('button', { name: 'Hacer un trámite nuevo' }).click()
  await clean(ana, 'the page of a new service')
  await ana.getByRole('button', { name: 'Empezar el borrador' }).click()
  await ana.getByRole('alert').getByText('Escriba el nombre en español.').waitFor()
  await both(ana, /Nombre del trámite/, 'Permiso de apicultura', 'Beekeeping permit')
  await ana.getByLabel('Dependencia').selectOption('state-welfare')
  await ana.getByRole('button', { name: 'Empezar el borrador' }).click()
  await ana.getByRole('heading', { level: 1, name: 'Permiso de apicultura' }).waitFor()
  await clean(ana, 'a new draft')
  const draft = ana.url()

  await part(ana, draft, 'Qué es y para quién')
  await both(ana, /Qué obtiene la persona/, 'Permite tener colmenas cerca de casas.', 'Lets you keep hives near houses.')
  await both(ana, /Palabras con que la gente lo busca/, 'abejas, miel, colmenas', 'bees, honey, hives')
  await save(ana)
  await clean(ana, 'the page of words')

  await part(ana, draft, 'Preguntas')
  await both(ana, /^Nombre/, '¿Dónde tiene las colmenas?', 'Where are the hives?')
  await ana.getByLabel('Tipo de respuesta').selectOption('choice')
  await ana.getByRole('button', { name: 'Agregar' }).click()
  await ana.getByText('Hay menos de 2. Agregue hasta tener al menos 2.').first().waitFor()
  await ana.getByLabel('Español', { exact: true }).nth(0).fill('En el campo')
  await ana.getByLabel('English', { exact: true }).nth(0).fill('In the country')
  await ana.getByLabel('Español', { exact: true }).nth(1).fill('En la ciudad')
  await ana.getByLabel('English', { exact: true }).nth(1).fill('In town')
  await save(ana)
  await clean(ana, 'a question')

  await part(ana, draft, 'Preguntas')
  await both(ana, /^Nombre/, '¿Cuántas colmenas?', 'How many hives?')
  await ana.getByLabel('Tipo de respuesta').selectOption('number')
  await ana.getByRole('button', { name: 'Agregar' }).click()
  await ana.getByRole('link', { name: /Cambiar cuándo/ }).click()
  await clean(ana, 'a condition')
  await ana.getByRole('radio', { name: '¿Dónde tiene las colmenas?' }).check()
  await ana.getByRole('button', { name: 'Seguir' }).click()
  await ana.getByRole('radio', { name: 'es', exact: true }).check()
  await ana.getByRole('radio', { name: 'En la ciudad' }).check()
  await clean(ana, 'a comparison')
  await ana.getByRole('button', { name: 'Agregar esta condición' }).click()
  await ana.getByText('«¿Dónde tiene las colmenas?» es «En la ciudad»').waitFor()

  await part(ana, draft, 'Papeles')
  await both(ana, /^Nombre/, 'Foto del lugar', 'Photograph of the place')
  await ana.getByRole('button', { name: 'Agregar' }).click()
  await ana.getByRole('radio', { name: 'solo se muestra el original' }).check()
  await save(ana)
  await clean(ana, 'a paper')

  await part(ana, draft, 'Pasos')
  await both(ana, /^Nombre/, 'Visita al lugar', 'Visit to the place')
  await ana.getByLabel('Tipo de paso').selectOption('review')
  await ana.getByRole('button', { name: 'Agregar' }).click()
  await ana.getByRole('heading', { level: 1, name: 'Visita al lugar' }).waitFor()
  assert.equal(await ana.locator('.v-process__station').count(), 4, 'the picture follows')
  await clean(ana, 'a step')

  // The first example expects what was: it says so, and is told that this is right now.
  await ana.goto(draft)
  await ana.getByRole('link', { name: 'Cambiar Ejemplos' }).click()
  await ana.getByText('da otra cosa').waitFor()
  await clean(ana, 'the examples')
  await ana.getByRole('button', { name: /Quitar/ }).waitFor()
  await ana.getByRole('link', { name: /Llenar el formulario/ }).click()
  await ana.getByLabel(/nombre completo/i).fill('Daniela Pacheco Ríos')
  await ana.getByLabel(/CURP/).fill('PARD010719MDFCSNA6')
  await clean(ana, 'the form that is tried')
  await ana.getByText('Como se oye por teléfono').click()
  await ana.getByText('Para En la ciudad, diga o marque 2.').waitFor()
  await ana.getByRole('radio', { name: 'En la ciudad' }).check()
  await ana.getByRole('button', { name: 'Seguir' }).click()
  await ana.getByLabel('¿Cuántas colmenas?').fill('3')
  await ana.getByRole('button', { name: 'Seguir' }).click()
  await ana.getByRole('heading', { level: 1, name: 'Qué sale de estas respuestas' }).waitFor()
  await ana.getByText('Foto del lugar').waitFor()
  await clean(ana, 'what follows')
  await ana.getByLabel('¿Qué muestra este ejemplo?').fill('three hives in town')
  await ana.getByRole('button', { name: 'Guardar el ejemplo' }).click()
  await ana.getByRole('button', { name: /Quitar.*everything is answered/ }).click()
  await ana.getByRole('heading', { name: /three hives in town da lo esperado/ }).waitFor()

  await ana.goto(`${draft}/prompts`)
  await clean(ana, 'all prompts')
  await ana.goto(`${draft}/history`)
  await clean(ana, 'the history')
  await ana.goto(`${draft}/difference`)
  await ana.getByText('Es un trámite nuevo.').waitFor()
  await ana.goto(draft)
  await ana.getByRole('button', { name: 'Enviar a aprobación' }).click()
  await ana.getByText('Enviado a aprobación.').waitFor()
  assert.equal(await ana.getByRole('button', { name: 'Aprobar y publicar' }).count(), 0, 'the author cannot')

  const luis = await openPage(t, browser)
  await signIn(luis, system, 'analista2@example.mx')
  await luis.goto(`${system.url}/editor`)
  await luis.getByRole('heading', { name: 'Esperan su aprobación' }).waitFor()
  await luis.getByRole('link', { name: 'Permiso de apicultura' }).click()
  await luis.getByText('escribió: Marisol Tep Aguilar').waitFor()
  await clean(luis, 'a draft to approve')
  await luis.getByRole('button', { name: 'Aprobar y publicar' }).click()
  await luis.getByText('Publicado.', { exact: true }).waitFor()

  const citizen = await openPage(t, browser)
  await citizen.goto(`${system.url}/`)
  await citizen.getByRole('searchbox').or(citizen.getByRole('textbox')).first().fill('permiso para colmenas en cdmx')
  await citizen.getByRole('button', { name: 'Buscar' }).first().click()
  await citizen.getByRole('link', { name: 'Permiso de apicultura' }).first().click()
  await clean(citizen, 'the page of the new service')
  const service = citizen.url()
  await signIn(citizen, system, 'daniela@example.mx')
  await identify(citizen, system, 'Daniela Pacheco Ríos', aCurp(7))
  await citizen.goto(service)
  await citizen.getByRole('button', { name: /Empezar/ }).click()
  await citizen.getByLabel(/nombre completo/i).fill('Daniela Pacheco Ríos')
  await citizen.getByLabel(/CURP/).fill(aCurp(7))
  await citizen.getByRole('radio', { name: 'En la ciudad' }).check()
  await citizen.getByRole('button', { name: 'Continuar' }).click()
  await citizen.getByLabel('¿Cuántas colmenas?').fill('3')
  for (let i = 0; i < 4 && !citizen.url().endsWith('/review'); i++) await citizen.getByRole('button', { name: 'Continuar' }).click()
  await citizen.getByRole('button', { name: /Presentar/ }).click()
  await citizen.waitForURL(/\/receipt$/)
  assert.ok((await place(citizen)) > 0)
  const reference = /cases\/([^/]+)/.exec(citizen.url())![1]

  const desk = await openPage(t, browser)
  await signIn(desk, system, 'oficial@example.mx')
  await desk.goto(`${system.url}/desk/${office}`)
  await desk.getByRole('button', { name: /Abrir mi ventanilla/ }).click()
  for (let i = 0; i < 4; i++) {
    await desk.goto(`${system.url}/desk/${office}`)
    const next = desk.getByRole('button', { name: /Atender el siguiente/ })
    if (await next.count()) await next.click()
    if (!(await desk.locator('.v-ticket__number').count())) break
    const review = desk.getByRole('radio', { name: 'Todo está bien' })
    if (await review.count()) {
      await review.check()
      await desk.getByRole('button', { name: 'Terminar la revisión' }).click()
      continue
    }
    await desk.getByRole('radio', { name: 'Se autoriza' }).check()
    await desk.getByRole('button', { name: 'Ver qué se va a expedir' }).click()
    await desk.getByRole('button', { name: 'Expedir y atender el siguiente' }).click()
  }
  await citizen.goto(`${system.url}/cases/${reference}/decision`)
  assert.match(await citizen.locator('main').innerText(), /Permiso de apicultura/)

  // Other systems know it at once: the search, its record, the changes, the map of the site.
  const id = new URL(service).pathname.slice('/services/'.length) as ServiceId
  const base = id.slice(0, id.indexOf('@'))
  const get = async (path: string) => {
    const answer = await fetch(`${system.url}${path}`)
    assert.equal(answer.status, 200, path)
    return answer.text()
  }
  assert.equal(JSON.parse(await get('/api/services?q=colmenas&place=09')).items[0].id, id)
  const record = new Parser().parse(await get(`/api/services/${id}.ttl`))
  const about = (predicate: RegExp) =>
    record.filter((q) => q.subject.value === `${system.url}/services/${id}` && predicate.test(q.predicate.value))
  assert.ok(about(/#type$/).some((q) => q.object.value === 'http://purl.org/vocab/cpsv#PublicService'))
  assert.ok(about(/title$/).some((q) => q.object.value === 'Permiso de apicultura'))
  assert.match(await get(`/api/services/${id}.jsonld`), /Permiso de apicultura/)
  assert.match(await get('/services/changes.atom'), /Permiso de apicultura/)
  const files = [...(await get('/sitemap.xml')).matchAll(/<loc>[^<]*(\/sitemaps\/[^<]+)<\/loc>/g)].map((m) => m[1]!)
  let listed = false
  // One after the other: no address is sent two at once.
  for (const file of files) listed ||= (await get(file)).includes(`${system.url}/services/${base}<`)
  assert.ok(listed)

  // Eleven more people ask for it: what fewer than ten did is not shown.
  const { db, people, cases, publiclog, insight } = system.running.parts
  const person = (await people.ownerOf('daniela@example.mx'))!
  const visitorOf = (of: PersonId) => ({ person: of, session: 'journey', language: 'es' as const, grants: [] })
  const { answers } = (await cases.filings.read(visitorOf(person), reference as Reference)).filing
  const form = Object.fromEntries(Object.entries(answers).map(([name, value]) => [name, String(value)]))
  for (const other of await prepareCrowd(db, 11, 0, new Date())) {
    const visitor = visitorOf(other.person)
    const filed = await cases.filings.start(visitor, { service: id })
    for (const { id: page } of (await cases.filings.read(visitor, filed)).journey.pages)
      await cases.filings.answer(visitor, filed, page, form)
    // The page that the answers opened.
    for (const { id: page } of (await cases.filings.read(visitor, filed)).journey.pages)
      await cases.filings.answer(visitor, filed, page, form)
    await cases.submit({ person: other.person, reference: filed })
  }
  await publiclog.publishNow()
  await insight.refresh()
  const { rows } = JSON.parse(await get('/api/numbers')) as {
    rows: { scope: string; id: string; filed?: { n: number; channels: object } }[]
  }
  assert.deepEqual(rows.find((r) => r.scope === 'service' && r.id === id)?.filed, { n: 12, channels: { web: 12 } })
  await citizen.goto(service)
  await citizen.getByRole('link', { name: /Cuánto tarda de verdad/ }).click()
  await citizen.getByRole('heading', { level: 1, name: /Permiso de apicultura/ }).waitFor()
  assert.match(await citizen.locator('main').innerText(), /\b12\b/)
  await clean(citizen, 'its numbers')
  assert.deepEqual((await verifyNumbers(system.url, {})).findings, [])
})

test('the same on a telephone, without scripts: written, seen and heard, tried, sent, approved', { skip, timeout: 180_000 }, async (t) => {
  const small = { viewport: { width: 320, height: 640 } }
  const ana = await openPage(t, browser, small)
  await withoutScripts(ana)
  await signIn(ana, system, 'analista1@example.mx')
  await ana.goto(`${system.url}/editor/new`)
  await both(ana, /Nombre del trámite/, 'Aviso de kermés', 'Notice of a fair')
  await ana.getByLabel('Dependencia').selectOption('state-welfare')
  await ana.getByRole('button', { name: 'Empezar el borrador' }).click()
  await ana.getByRole('heading', { level: 1, name: 'Aviso de kermés' }).waitFor()
  const draft = ana.url()
  const fits = async (what: string) => {
    await clean(ana, what)
    assert.ok(await ana.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${what} fits`)
  }
  await fits('the draft')
  await part(ana, draft, 'Qué es y para quién')
  await both(ana, /Qué obtiene la persona/, 'Avisa que habrá una kermés en su calle.', 'Says that there will be a fair in your street.')
  await save(ana)
  await fits('the page of words')
  await part(ana, draft, 'Pasos')
  assert.ok((await ana.locator('.v-process__station').count()) > 1, 'the steps are drawn')
  await fits('the steps')
  await ana.goto(`${draft}/prompts`)
  await ana.getByText('Como se oye por teléfono').first().waitFor()
  await fits('each prompt')
  await ana.goto(`${draft}/try`)
  await ana.getByLabel(/nombre completo/i).fill('Daniela Pacheco Ríos')
  await ana.getByLabel(/CURP/).fill('PARD010719MDFCSNA6')
  await ana.getByRole('button', { name: 'Seguir' }).click()
  await ana.getByRole('heading', { level: 1, name: 'Qué sale de estas respuestas' }).waitFor()
  await fits('what follows')
  await ana.goto(`${draft}/difference`)
  await ana.getByText('Es un trámite nuevo.').waitFor()
  await ana.goto(draft)
  await ana.getByRole('button', { name: 'Enviar a aprobación' }).click()
  await ana.getByText('Enviado a aprobación.').waitFor()
  const luis = await openPage(t, browser, small)
  await withoutScripts(luis)
  await signIn(luis, system, 'analista2@example.mx')
  await luis.goto(draft)
  await luis.getByRole('button', { name: 'Aprobar y publicar' }).click()
  await luis.getByText('Publicado.', { exact: true }).waitFor()
  await luis.goto(`${system.url}/services/state/aviso-de-kermes@09`)
  await luis.getByRole('heading', { level: 1, name: 'Aviso de kermés' }).waitFor()
})
