/** The pages of offices and public servants in a browser: what axe, a narrow screen and a missing script find. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import type { OfficeId, ServiceId } from '#kernel/id'
import { assetFolder, assets } from '#look'
import { openWeb, type SignedIn, type Web } from '#web'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../../../../test/support/browser.ts'
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts'
import { registerCases } from '../index.ts'
import { aCurp, licenceAnswers, openTestCases, type TestCases } from '../testing.ts'

const office = 'state-31' as OfficeId
const service = 'state/drivers-licence@31' as ServiceId

// With scripts off Chromium reads none of a script's bytes and says that their digest is that of nothing (SHA-256, base64).
const unread = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

describe('the pages of public servants in a browser', { skip: browserMissing() }, () => {
  let database: TestDatabase
  let it: TestCases
  let web: Web
  let browser: Browser
  let url: string
  let official: SignedIn
  before(async () => {
    database = await testDatabase()
    it = await openTestCases({ db: database.db, offices: { 'state-29': { presence: true }, 'state-30': { presence: true } } })
    assets()
    web = await openWeb({
      host: '127.0.0.1',
      port: 0,
      publicUrl: 'http://127.0.0.1',
      production: false,
      demo: false,
      trustProxy: false,
      limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
      csrfSecret: randomBytes(32),
      assetsFolder: assetFolder,
      log: false,
      identify: it.people.identify,
    })
    it.people.register(web)
    registerCases(web, it.cases)
    url = await web.listen()
    browser = await openBrowser()
    official = (await aBusyOffice('31')).official
  })
  after(async () => {
    await browser?.close()
    await web?.close()
    await it?.close()
    await database?.close()
  })

  /** An office where one desk has a turn and has noted an objection in another, and a public servant with every role there. */
  async function aBusyOffice(code: string) {
    const office = `state-${code}` as OfficeId
    const service = `state/drivers-licence@${code}` as ServiceId
    const other = await it.anOfficial(office)
    const official = await it.anOfficial(office)
    for (const role of ['clerk', 'supervisor'] as const)
      await it.db.tx((tx) => it.people.giveRole(tx, null, official.person, { role, office }))
    await it.db.tx((tx) => it.people.giveRole(tx, null, official.person, { role: 'control', office: null }))
    for (let i = 0; i < 4; i++) await it.aSubmittedCase({ service })
    await it.cases.desks.goOn(other, office)
    await it.cases.desks.next(other, office)
    const at = (await it.cases.desks.current(other, office))!
    await it.cases.desks.review(other, office, at.turn.state.turn, { result: 'objection', note: 'No vio las letras' })
    return { office, official }
  }

  async function pageOf(
    t: Parameters<typeof openPage>[0],
    visitor: SignedIn | null,
    scripts: boolean,
    colorScheme: 'light' | 'dark' = 'light',
  ) {
    const page = await openPage(t, browser, { colorScheme })
    page.setDefaultTimeout(10_000)
    if (!scripts) await withoutScripts(page)
    if (visitor) {
      const [name, value] = (await it.cookieOf(visitor)).split('=') as [string, string]
      await page.context().addCookies([{ name, value, url }])
    }
    return page
  }

  /** What axe and a screen of 320 points find on the page as it is now. */
  async function sound(page: Page, where: string, scripts: boolean): Promise<void> {
    // With its styles: what a press leads to may still be coming.
    await page.waitForLoadState('load')
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 800 })
      const found = await audit(page)
      assert.deepEqual(found, [], `${where} at ${width}`)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(wide <= width, `${where} scrolls sideways at ${width}: ${wide}`)
    }
    const markup = await page.content()
    if (!scripts) assert.ok(gzipSync(markup).length <= 10_000, `${where}: ${gzipSync(markup).length} bytes`)
  }

  for (const scripts of [false, true]) {
    test(`the desk from opening to issuing, ${scripts ? 'with' : 'without'} scripts`, async (t) => {
      const { office, official } = await aBusyOffice(scripts ? '30' : '29')
      const page = await pageOf(t, official, scripts, scripts ? 'dark' : 'light')
      const said: string[] = []
      page.on('console', (m) => m.type() === 'error' && said.push(m.text()))
      await page.goto(`${url}/desk`)
      await sound(page, 'places', scripts)
      await page.getByRole('main').getByRole('link', { name: 'Mi ventanilla' }).click()
      await sound(page, 'off duty', scripts)
      await page.getByRole('button', { name: 'Abrir mi ventanilla' }).click()
      await sound(page, 'idle', scripts)
      await page.getByRole('button', { name: 'Atender el siguiente' }).click()
      await sound(page, 'review', scripts)
      // Nothing chosen: the page comes back with what is missing, and the link leads to it.
      await page.getByRole('button', { name: 'Terminar la revisión' }).click()
      await sound(page, 'review with an error', scripts)
      await page.getByRole('link', { name: 'Elija una respuesta' }).click()
      await page.getByRole('radio', { name: 'Todo está bien' }).check()
      await page.getByRole('button', { name: 'Terminar la revisión' }).click()
      // Those who took their number earlier come first; then the decision.
      for (;;) {
        await page.getByRole('heading', { level: 1 }).waitFor()
        if ((await page.getByRole('radio', { name: 'Se autoriza' }).count()) > 0) break
        await page.getByRole('radio', { name: 'Todo está bien' }).check()
        await page.getByRole('button', { name: 'Terminar la revisión' }).click()
      }
      await page.getByRole('radio', { name: 'Se niega' }).check()
      await page.getByRole('button', { name: 'Ver qué se va a expedir' }).click()
      await sound(page, 'decide with an error', scripts)
      await page.getByRole('radio', { name: 'Se autoriza' }).check()
      await page.getByRole('textbox', { name: 'Explicación', exact: true }).fill('Aprobó.')
      await page.getByRole('button', { name: 'Ver qué se va a expedir' }).click()
      await sound(page, 'confirm', scripts)
      await page.getByRole('button', { name: 'Expedir y atender el siguiente' }).click()
      await page.getByText('El turno terminó').waitFor()
      await page.goto(`${url}/desk/${office}/conflicts`)
      await sound(page, 'conflicts', scripts)
      await page.goto(`${url}/desk/${office}`)
      await page.getByRole('button', { name: 'Cerrar mi ventanilla' }).click()
      await page.getByRole('button', { name: 'Abrir mi ventanilla' }).waitFor()
      assert.deepEqual(
        said.filter((s) => !s.includes('422') && (scripts || !s.includes(unread))),
        [],
      )
    })

    test(`the counter, ${scripts ? 'with' : 'without'} scripts`, async (t) => {
      const page = await pageOf(t, official, scripts)
      await page.goto(`${url}/counter/${office}`)
      await sound(page, 'counter', scripts)
      await page.getByRole('button', { name: 'Empezar la solicitud' }).click()
      await sound(page, 'counter with an error', scripts)
      await page.getByRole('textbox', { name: 'CURP o RFC' }).fill(aCurp(scripts ? 8001 : 8000))
      await page.getByRole('textbox', { name: 'Nombre completo' }).fill('Hilario Poot Canché')
      await page.getByRole('combobox', { name: '¿Qué trámite necesita?' }).selectOption(service)
      await page.getByRole('button', { name: 'Empezar la solicitud' }).click()
      await sound(page, 'slip', scripts)
      const href = (await page.getByRole('button', { name: 'Seguir con la solicitud' }).getAttribute('href'))!
      const reference = href.split('/').at(-1) as never
      const clerk = await it.visitorOf(official.person)
      await it.fill(clerk, reference, licenceAnswers)
      await it.cases.submit({ person: clerk.person, reference, clerkAt: [office] })
      await page.goto(`${url}/counter/${office}/cases/${reference}/confirm`)
      await sound(page, 'the person confirms', scripts)
      await page.getByRole('textbox', { name: 'Correo o teléfono de la persona' }).fill(`h${scripts}@test.invalid`)
      await page.getByRole('button', { name: 'Enviar el código' }).click()
      await sound(page, 'the code', scripts)
      await page.goto(`${url}/counter/${office}/restore`)
      await sound(page, 'restore', scripts)
      await page.goto(`${url}/counter/${office}/rejoin`)
      await sound(page, 'rejoin at the counter', scripts)
      await page.getByRole('textbox', { name: 'CURP o RFC' }).fill(aCurp(scripts ? 8001 : 8000))
      await page.getByRole('textbox', { name: 'Nombre completo' }).fill('Hilario Poot Canché')
      await page.getByRole('textbox', { name: 'O el enlace de su código' }).fill('https://ventanilla.example/check#abc')
      await page.getByRole('button', { name: 'Seguir' }).click()
      await sound(page, 'rejoin with an error', scripts)
      // A receipt whose turn was never lost joins nothing.
      const person = await it.aPerson()
      const filed = await it.aSubmittedCase({ service, by: person })
      const { receipt } = (await it.cases.receipts.read(person, filed.reference)).s
      await page.getByRole('textbox', { name: 'O el enlace de su código' }).fill(`${url}/check#${receipt!.openings}`)
      await page.getByRole('button', { name: 'Seguir' }).click()
      await page.getByRole('link', { name: 'Ningún turno perdido es de esta persona y de este recibo' }).click()
      await page.goto(`${url}/rejoin`)
      await page
        .getByLabel('Archivo del recibo')
        .setInputFiles({ name: 'recibo.html', mimeType: 'text/html', buffer: Buffer.from('<p>Hola</p>') })
      await page.getByRole('button', { name: 'Seguir' }).click()
      await page.getByRole('link', { name: 'Elija el recibo, o pegue el enlace de su código' }).waitFor()
      await sound(page, 'rejoin', scripts)
    })

    test(`what anyone sees of an office, and who reports, ${scripts ? 'with' : 'without'} scripts`, async (t) => {
      const page = await pageOf(t, null, scripts)
      await page.goto(`${url}/offices/${office}`)
      await sound(page, 'office', scripts)
      await page.getByRole('button', { name: 'Me pidieron dinero u otra cosa' }).click()
      await sound(page, 'thanks', scripts)
      await page.getByRole('textbox', { name: '¿Qué pasó?' }).fill('Doscientos pesos')
      await page.getByRole('button', { name: 'Agregar' }).click()
      await page.getByRole('heading', { level: 1, name: 'Recibimos su reporte' }).waitFor()
      await page.goto(`${url}/offices/${office}/now`)
      await sound(page, 'wall', scripts)
      await page.goto(`${url}/offices/${office}?lang=en`)
      await sound(page, 'office in English', scripts)
    })
  }

  test('the supervisor and the control body', async (t) => {
    const page = await pageOf(t, official, false)
    for (const path of [`/supervise/${office}`, '/control']) {
      await page.goto(url + path)
      await sound(page, path, false)
    }
  })
})
