/** A person gives another a mandate by e.firma; the other acts in a case by it; it is withdrawn, and opens nothing more. A parent, a clerk and a helper, on their pages. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { licence, licenceOffice } from '../../src/modules/cases/testing.ts'
import { efirma } from '../../src/modules/signing/testing-signer.ts'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../support/browser.ts'
import { openSystem, type System } from '../support/system.ts'
import { identify, signIn } from './journey.ts'

const missing = browserMissing()
const skip = missing ?? false
const mine = efirma('FIEL_CACX7605101P8_2023')
const giver = { name: 'Xochilt Casas Chávez', curp: 'CACX760510MGTSHC04', email: 'xochilt@example.mx' }
const friend = { name: 'Iván Robles Cano', curp: 'ROCI950101HDFBNV08', email: 'ivan@example.mx' }

let system: System
let browser: Browser
let folder: string
before(async () => {
  if (missing) return
  folder = mkdtempSync(join(tmpdir(), 'mandate-'))
  mkdirSync(join(folder, 'people'))
  cpSync(mine.certificatePath, join(folder, 'people/test.cer'))
  system = await openSystem({ TRUST: folder })
  browser = await openBrowser()
})
after(async () => {
  await browser?.close()
  await system?.close()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

const shots = process.env.VENTANILLA_SHOTS
async function seen(page: Page, name: string): Promise<void> {
  assert.deepEqual(await audit(page), [], `axe finds nothing on ${name}`)
  await page.setViewportSize({ width: 320, height: 800 })
  const wide = await page.evaluate(() => document.documentElement.scrollWidth)
  assert.ok(wide <= 320, `${name} is ${wide} wide on 320`)
  if (shots) await page.screenshot({ path: `${shots}/${name}-320.png`, fullPage: true })
  await page.setViewportSize({ width: 1280, height: 900 })
  if (!shots) return
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.screenshot({ path: `${shots}/${name}-dark.png`, fullPage: true })
  await page.emulateMedia({ colorScheme: 'light' })
}

async function sign(page: Page): Promise<void> {
  await page.locator('#sign-certificate').setInputFiles(mine.certificatePath)
  await page.locator('#sign-key').setInputFiles(mine.keyPath)
  await page.locator('#sign-passphrase').fill(mine.passphrase)
  await page.getByRole('button', { name: /^Firmar/ }).click()
}

async function enter(page: Page, who: { name: string; curp: string; email: string }): Promise<void> {
  await signIn(page, system, who.email)
  await identify(page, system, who.name, who.curp)
}

test('a mandate from its service to its withdrawal', { skip, timeout: 240_000 }, async (t) => {
  const page = await openPage(t, browser)
  await enter(page, giver)
  await page.goto(`${system.url}/services/${licence}`)
  await page.getByRole('link', { name: 'Que alguien lo haga por mí' }).click()
  await page.getByRole('button', { name: 'Continuar' }).click()
  await page.getByRole('alert').waitFor()
  await seen(page, 'mandate-kind')
  await page.getByLabel('A una persona de confianza').check()
  await page.getByRole('button', { name: 'Continuar' }).click()
  await page.getByRole('button', { name: 'Ver el texto y firmar' }).click()
  await page.getByRole('alert').waitFor()
  await seen(page, 'mandate-form')
  await page.getByLabel('Nombre completo de quien actuará').fill(friend.name)
  await page.getByLabel('Su CURP o RFC').fill(friend.curp)
  await page.getByLabel('Su correo electrónico').fill(friend.email)
  await page.getByRole('button', { name: 'Ver el texto y firmar' }).click()
  await page.getByRole('heading', { level: 1, name: /^Poder / }).waitFor()
  await seen(page, 'mandate-draft')
  const before = await system.mailCount(friend.email)
  await sign(page)
  await page.getByText('El poder está firmado.').waitFor()
  await seen(page, 'mandate-signed')

  // The link in the letter, in the account that has the number.
  const { text } = await system.mail(friend.email, before)
  const link = /http\S+\/mandates\/\S+/.exec(text)![0]
  const other = await openPage(t, browser)
  await enter(other, friend)
  await other.goto(link)
  await other.getByText('le da este poder').waitFor()
  await seen(other, 'mandate-invited')
  await other.getByRole('button', { name: 'Aceptar', exact: true }).click()
  await other.getByText('Aceptó el poder').waitFor()
  await seen(other, 'mandate-held')

  // Who may act for others says for whom.
  await other.goto(`${system.url}/services/${licence}`)
  await other.getByRole('button', { name: /Empezar/ }).click()
  await other.getByRole('heading', { name: '¿Para quién es el trámite?' }).waitFor()
  await seen(other, 'mandate-for-whom')
  await other.getByLabel(giver.name).check()
  await other.getByRole('button', { name: 'Continuar' }).click()
  await other.waitForURL(/\/fill\//)
  await other.getByText(`Actúa por ${giver.name}`).waitFor()
  await seen(other, 'mandate-acting')
  const draft = other.url()
  await other.goto(`${system.url}/my-line`)
  await other.getByText(`por ${giver.name}`).waitFor()

  // The giver sees it by name, and withdraws by signature.
  await page.goto(`${system.url}/me/uses`)
  await page.getByText(`${friend.name}, que actúa por usted`).first().waitFor()
  await page.goto(`${system.url}/me/mandates`)
  await seen(page, 'mandates')
  await page.getByRole('link', { name: friend.name }).click()
  await page.getByRole('link', { name: /^Caso / }).waitFor()
  await page.getByRole('link', { name: 'Retirarlo con firma electrónica' }).click()
  await sign(page)
  await page.getByText('El poder quedó retirado').waitFor()
  await seen(page, 'mandate-ended')
  assert.equal((await other.goto(draft))!.status(), 404)
})

test('by hand and without scripts: a parent, before a clerk', { skip, timeout: 240_000 }, async (t) => {
  await system.staff('tomas@example.mx', 'Tomás Arriaga Bello', ['clerk'], licenceOffice)
  const parent = await openPage(t, browser)
  await withoutScripts(parent)
  await enter(parent, { name: 'Marta Abarca Ríos', curp: 'AARM900303MMSBSR07', email: 'marta@example.mx' })
  await parent.goto(`${system.url}/me`)
  await parent.getByRole('link', { name: 'Mis poderes' }).click()
  await seen(parent, 'mandates-none')
  await parent.getByRole('button', { name: 'Dar un poder' }).click()
  await parent.getByLabel('Actúo por mi hija o hijo menor de edad').check()
  await parent.getByRole('button', { name: 'Continuar' }).click()
  await parent.getByLabel('Nombre completo de su hija o hijo').fill('Luz Abarca Ríos')
  await parent.getByLabel('CURP de su hija o hijo').fill('AARL160303MMSBSZA2')
  await parent.getByRole('button', { name: 'Ver el texto y firmar' }).click()
  await seen(parent, 'mandate-parent')
  const code = (await parent.locator('.govuk-panel__title').innerText()).trim()

  const clerk = await openPage(t, browser)
  await signIn(clerk, system, 'tomas@example.mx')
  await clerk.goto(`${system.url}/counter/${licenceOffice}`)
  await clerk.getByRole('link', { name: /^Poderes/ }).click()
  await clerk.getByLabel('Código del poder').fill('AAAA')
  await clerk.getByRole('button', { name: 'Buscar' }).click()
  await clerk.getByRole('alert').waitFor()
  await clerk.getByLabel('Código del poder').fill(code.toLowerCase())
  await clerk.getByRole('button', { name: 'Buscar' }).click()
  await clerk.getByRole('button', { name: 'Firmó ante mí' }).click()
  await clerk.getByRole('alert').waitFor()
  await seen(clerk, 'mandate-counter')
  await clerk.getByRole('checkbox').check()
  await clerk.getByRole('button', { name: 'Firmó ante mí' }).click()
  await clerk.getByText('Quedó registrado.').waitFor()

  await parent.goto(`${system.url}/me/mandates`)
  await parent.getByRole('link', { name: 'Luz Abarca Ríos' }).click()
  await parent.getByText('Vigente').waitFor()
})

test('the register of helpers', { skip, timeout: 120_000 }, async (t) => {
  const helper = await openPage(t, browser)
  await enter(helper, { name: 'Gilberto Nava Soto', curp: 'NASG800101HDFVTL00', email: 'gil@example.mx' })
  const { people } = system.running.parts
  const { link } = await people.invite(null, { email: 'admin@example.mx', role: 'admin', office: null, language: 'es' })
  const admin = await openPage(t, browser)
  await admin.goto(link)
  await admin.getByLabel(/nombre/i).fill('Fausto Rivas Uc')
  await admin.getByRole('button', { name: /Aceptar|Crear|Entrar|Continuar/ }).click()
  await admin.waitForURL((u) => !u.pathname.startsWith('/invites'))
  await admin.goto(`${system.url}/admin/helpers`)
  await admin.getByRole('button', { name: 'Registrar' }).click()
  await admin.getByRole('alert').waitFor()
  await seen(admin, 'helpers-admin')
  await admin.getByLabel('Correo de la persona').fill('gil@example.mx')
  await admin.getByLabel('Dónde ayuda').fill('Mercado de Tacubaya, Ciudad de México')
  await admin.getByLabel(/Precio máximo/).fill('200')
  const year = new Date().getFullYear() + 1
  for (const [label, value] of [
    ['Día', '1'],
    ['Mes', '6'],
    ['Año', String(year)],
  ] as const)
    await admin.getByLabel(label).fill(value)
  await admin.getByRole('button', { name: 'Registrar' }).click()
  await admin.getByText('Quedó registrado con el número').waitFor()
  const guest = await openPage(t, browser)
  await guest.goto(`${system.url}/helpers`)
  await guest.getByText('Gilberto Nava Soto').first().waitFor()
  await seen(guest, 'helpers')
  const { helpers } = (await (await guest.request.get(`${system.url}/helpers.json`)).json()) as { helpers: { priceCap: string }[] }
  assert.deepEqual(
    helpers.map((h) => h.priceCap),
    ['200.00 MXN'],
  )
})

test('a person takes their data along, asks for their erasure, and thinks better of it', { skip, timeout: 120_000 }, async (t) => {
  const page = await openPage(t, browser)
  await enter(page, { name: 'Eréndira Tzintzun Huapeo', curp: 'TIHE880808MMNZPR00', email: 'erendira@example.mx' })
  await page.goto(`${system.url}/me`)
  await page.getByRole('link', { name: 'Mis datos', exact: true }).click()
  await page.getByText('Pedir que se borre mi cuenta').click()
  await seen(page, 'data')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /Descargar mis datos/ }).click()])
  const all = JSON.parse(await readFile(await download.path(), 'utf8')) as { account: { name: string } }
  assert.equal(all.account.name, 'Eréndira Tzintzun Huapeo')
  await page.getByRole('button', { name: 'Pedir que se borre' }).click()
  await page.getByText('Su cuenta se borrará el').waitFor()
  await seen(page, 'data-asked')
  await page.getByRole('button', { name: 'Conservar mi cuenta' }).click()
  await page.getByText('Su cuenta se conserva.').waitFor()
})
