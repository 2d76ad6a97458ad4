/** What pages say when something is missing, over or not yet read; as people without scripts and with small telephones meet it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { aCurp } from '../../src/modules/cases/testing.ts'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../support/browser.ts'
import { openSystem, type System } from '../support/system.ts'
import { fileLicence, identify, signIn } from './journey.ts'

const skip = browserMissing() ?? false
let system: System
let browser: Browser

before(async () => {
  if (skip) return
  system = await openSystem()
  browser = await openBrowser()
})
after(async () => {
  await browser?.close()
  await system?.close()
})

const small = { viewport: { width: 320, height: 640 }, javaScriptEnabled: false }
const summary = (page: Page) => page.locator('.govuk-error-summary')

async function fits(page: Page, what: string): Promise<void> {
  // Without scripts nothing can be asked of the page itself; the debugger measures it.
  const session = await page.context().newCDPSession(page)
  const { cssContentSize } = await session.send('Page.getLayoutMetrics')
  await session.detach()
  assert.ok(cssContentSize.width <= 320, `${what} is ${cssContentSize.width} px wide on a screen of 320`)
}

test('each error names its question, and only what was written can stand like that on a document', { skip, timeout: 60_000 }, async (t) => {
  const page = await openPage(t, browser, small)
  await signIn(page, system, 'errores@example.mx')
  await page.goto(`${system.url}/services/state/drivers-licence@09`)
  await page.getByRole('button', { name: /Empezar/ }).click()
  await page.getByRole('radio').first().check()
  await page.getByRole('button', { name: 'Continuar' }).click()
  await page.getByRole('button', { name: 'Continuar' }).click()
  assert.deepEqual(await summary(page).getByRole('link').allInnerTexts(), [
    'Su nombre completo: Falta esta respuesta.',
    'Su CURP: Falta esta respuesta.',
    '¿Qué edad tiene? Falta esta respuesta.',
  ])
  assert.equal(await page.getByLabel('Así aparece en mi documento').count(), 0)
  await fits(page, 'a page with errors')
  await page.getByLabel('Su CURP').fill('NADA')
  await page.getByRole('button', { name: 'Continuar' }).click()
  assert.equal(await page.getByLabel('Así aparece en mi documento').count(), 1)
  assert.equal(await page.getByLabel('Su CURP').inputValue(), 'NADA')
})

test('a paper without its file is said at the paper, a withdrawn case has no clock and is taken back where it stands', {
  skip,
  timeout: 90_000,
}, async (t) => {
  const page = await openPage(t, browser, small)
  await signIn(page, system, 'papeles@example.mx')
  await identify(page, system, 'Daniela Pacheco Ríos', aCurp(3))
  const { reference } = await fileLicence(page, system, { attach: true })

  await page.goto(`${system.url}/services/state/drivers-licence@09`)
  await page.getByRole('button', { name: /Empezar/ }).click()
  const draft = /cases\/([^/]+)/.exec(page.url())![1]!
  // Which papers depends on the answers; those that everybody brings are asked for before there is any.
  await page.goto(`${system.url}/cases/${draft}/papers`)
  await page
    .getByRole('button', { name: /Adjuntar/ })
    .first()
    .click()
  assert.match(await summary(page).innerText(), /: Elija un archivo\./)
  await page.getByRole('heading', { level: 1, name: 'Sus papeles' }).waitFor()
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles({ name: 'a.pdf', mimeType: 'application/pdf', buffer: Buffer.from('not a PDF') })
  await page
    .getByRole('button', { name: /Adjuntar/ })
    .first()
    .click()
  assert.match(await summary(page).innerText(), /Envíe un PDF o una foto/)
  await fits(page, 'the page of papers')

  await page.goto(`${system.url}/cases/${reference}`)
  assert.match(await page.locator('.v-clock').innerText(), /Van 0 de \d+ días hábiles/)
  await page.getByRole('link', { name: 'Retirar mi solicitud' }).click()
  await page.getByRole('button', { name: /Sí, retirarla/ }).click()
  assert.equal(await page.locator('.v-clock').count(), 0)
  assert.match(await page.locator('.v-four').innerText(), /Nadie[\s\S]*Hasta el \d+ de [a-z]+ de \d{4} puede deshacerlo/)
  await fits(page, 'a withdrawn case')
  await page.locator('.v-ticket').getByRole('button', { name: 'Deshacer el retiro' }).click()
  assert.equal(await page.locator('.v-clock').count(), 1)
})

test('the header says how many messages are unread, and stops when they are read', { skip, timeout: 60_000 }, async (t) => {
  const page = await openPage(t, browser, small)
  await signIn(page, system, 'mensajes@example.mx')
  const header = page.getByRole('banner')
  await page.goto(`${system.url}/my-line`)
  assert.equal(await header.getByRole('link', { name: /Mensajes/ }).count(), 0)
  await identify(page, system, 'Luis Ortega Luna', aCurp(4))
  await fileLicence(page, system, { attach: true })
  for (let i = 0; i < 50 && (await header.getByRole('link', { name: /Mensajes/ }).count()) === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    await page.goto(`${system.url}/my-line`)
  }
  await fits(page, 'a page with unread messages')
  await header.getByRole('link', { name: 'Mensajes (1 sin leer)' }).click()
  await page.getByRole('link', { name: /ya tiene turno/ }).click()
  assert.equal(await header.getByRole('link', { name: /sin leer/ }).count(), 0, 'the message that is open is read')
})

test('the camera is offered where scripts run, and nowhere else', { skip, timeout: 30_000 }, async (t) => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await openPage(t, browser, { javaScriptEnabled })
    await page.goto(`${system.url}/check`)
    assert.equal(await page.getByRole('heading', { name: 'Con la cámara' }).isVisible(), javaScriptEnabled)
    assert.ok(await page.getByRole('heading', { name: 'Con el archivo' }).isVisible())
  }
})

test('Enter in a repeating group sends it, what was filed is found by the back button, and all of one’s cases are a list', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const page = await openPage(t, browser, { viewport: { width: 320, height: 640 } })
  await withoutScripts(page)
  await signIn(page, system, 'grupo@example.mx')
  await identify(page, system, 'Marta Solís Peña', aCurp(5))
  await page.goto(`${system.url}/services/federal/imss/employer-registration`)
  await page.getByRole('button', { name: /Empezar/ }).click()
  const draft = /cases\/([^/]+)/.exec(page.url())![1]!
  await page.goto(`${system.url}/cases/${draft}/fill/workers`)
  await page.getByRole('button', { name: 'Agregar otro' }).click()
  const names = page.getByLabel('Nombre completo')
  await names.nth(1).fill('Julia Mora Paz')
  await names.first().fill('Pedro Luna Rey')
  await names.first().press('Enter')
  await summary(page).waitFor()
  assert.equal(await names.count(), 2, 'nobody was taken away')
  assert.equal(await names.first().inputValue(), 'Pedro Luna Rey')

  await page.goto(`${system.url}/my-line`)
  assert.match(await page.locator('.v-card').innerText(), /Borrador: todavía no tiene turno/)
  assert.match(await page.getByRole('table').innerText(), /Envíe su borrador, o se borra/)
  assert.deepEqual(await audit(page), [])

  const { reference } = await fileLicence(page, system, { attach: true })
  await page.goBack()
  assert.equal(new URL(page.url()).pathname, `/cases/${reference}`)
  await page.getByRole('button', { name: 'Enviar mensaje' }).click()
  assert.deepEqual(await summary(page).getByRole('link').allInnerTexts(), ['Escriba su mensaje.'])
  assert.match((await page.getByRole('link', { name: 'English' }).getAttribute('href'))!, /^\/cases\/[^/]+\?lang=en$/)
  for (const path of ['review', 'papers', 'priority', 'fill/applicant']) {
    await page.goto(`${system.url}/cases/${reference}/${path}`)
    assert.equal(new URL(page.url()).pathname, `/cases/${reference}`, path)
  }
})
