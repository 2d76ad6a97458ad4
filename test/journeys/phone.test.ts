/** A household shares a telephone: two of it sign in by its number, in a browser without scripts, and a fourth person is told how helpers help. */
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
})
after(async () => {
  await browser?.close()
  await system?.close()
})

const shots = process.env.VENTANILLA_SHOTS
async function seen(page: Page, name: string): Promise<void> {
  await page.setViewportSize({ width: 320, height: 800 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320), `${name} fits 320 px`)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    assert.deepEqual(await audit(page), [], `axe finds nothing on ${name} in ${colorScheme}`)
    if (shots) await page.screenshot({ path: `${shots}/${name}-${colorScheme}-320.png`, fullPage: true })
  }
  await page.setViewportSize({ width: 1280, height: 900 })
  if (shots) await page.screenshot({ path: `${shots}/${name}-dark.png`, fullPage: true })
  await page.emulateMedia({ colorScheme: 'light' })
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
}

const number = '+525512345678'

async function plainPage(t: TestContext): Promise<Page> {
  const page = await openPage(t, browser)
  await withoutScripts(page)
  return page
}

test('a telephone is proved, shared by a household, and asks which of them signs in', { skip, timeout: 180_000 }, async (t) => {
  const names = ['Xochilt Casas', 'Tomás Casas', 'Eva Casas', 'Ajena Ruiz']
  const pages: Page[] = []
  for (const [i, name] of names.entries()) {
    const page = await plainPage(t)
    pages.push(page)
    await signIn(page, system, `casa${i}@example.mx`)
    await page.goto(`${system.url}/me`)
    await page.getByLabel('Nombre completo').fill(name)
    await page.getByLabel('CURP o RFC').fill(['CACX760510MGTSHC04', 'GODE561231GR8', 'QUMI881105MDFRYN05', 'RIUF820214HYNVCS09'][i]!)
    await page.getByRole('button', { name: 'Guardar' }).click()
    if (i === 0) {
      await page.getByLabel('Teléfono nuevo').fill('12')
      await page.getByRole('button', { name: 'Enviar código por mensaje de texto' }).click()
      await page.getByRole('link', { name: /Escriba un teléfono de 10 números/ }).click()
      await seen(page, 'phone-add')
    }
    const had = await system.mailCount(number)
    await page.getByLabel('Teléfono nuevo').fill('55 1234 5678')
    await page.getByRole('button', { name: 'Enviar código por mensaje de texto' }).click()
    const { subject, text } = await system.mail(number, had)
    assert.equal(subject, 'SMS')
    if (i === 0) await seen(page, 'phone-code')
    await page.getByLabel('Código').fill(/\d{6}/.exec(text)![0])
    await page.getByRole('button', { name: 'Continuar' }).click()
    if (i < 3) await page.getByText('+52 55 1234 5678', { exact: false }).first().waitFor()
  }
  const fourth = pages[3]!
  await fourth.getByText('/helpers').waitFor()
  await seen(fourth, 'phone-helpers')

  const page = await plainPage(t)
  await page.goto(`${system.url}/sign-in`)
  await seen(page, 'phone-sign-in')
  const had = await system.mailCount(number)
  await page.getByLabel('Correo electrónico o teléfono').fill('044 55 1234 5678')
  await page.getByRole('button', { name: 'Enviar código' }).click()
  const { text } = await system.mail(number, had)
  assert.match(text, /^Ventanilla: su clave para entrar es \d{6}\./)
  await page.getByLabel('Código').fill(/\d{6}/.exec(text)![0])
  await page.getByRole('button', { name: 'Continuar' }).click()
  await page.getByRole('heading', { name: '¿Quién entra?' }).waitFor()
  await seen(page, 'phone-choose')
  await page.getByRole('button', { name: 'Entrar', exact: true }).click()
  await page.getByRole('link', { name: 'Elija quién entra.' }).click()
  await seen(page, 'phone-choose-none')
  await page.getByLabel('Tomás Casas').check()
  await page.getByRole('button', { name: 'Entrar', exact: true }).click()
  await page.getByRole('heading', { name: 'Mi cuenta' }).waitFor()
  assert.match((await page.locator('main').textContent()) ?? '', /Tomás Casas/)
  await page.getByText('Entró con su teléfono.').waitFor()
  await seen(page, 'phone-me')
})
