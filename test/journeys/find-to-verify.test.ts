import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { aCurp } from '../../src/modules/cases/testing.ts'
import { audit, browserMissing, openBrowser, openPage } from '../support/browser.ts'
import { openSystem, type System } from '../support/system.ts'
import { attachAll, fileLicence, findLicence, identify, place, signIn } from './journey.ts'

const missing = browserMissing()
const skip = missing ?? false
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const office = 'state-09'

let system: System
let browser: Browser

before(async () => {
  if (missing) return
  system = await openSystem()
  browser = await openBrowser()
  await system.staff('oficial1@example.mx', 'Tomás Arriaga Bello', ['official'], office)
  await system.staff('oficial2@example.mx', 'Inés Quiroga Maya', ['official'], office)
  await system.staff('mostrador@example.mx', 'Elvira Nava Chi', ['clerk'], office)
})
after(async () => {
  await browser?.close()
  await system?.close()
})

async function onDuty(page: Page, email: string): Promise<void> {
  await signIn(page, system, email)
  await page.goto(`${system.url}/desk/${office}`)
  await page.getByRole('button', { name: /Abrir mi ventanilla/ }).click()
}

/** The number of the turn at this desk. */
async function atDesk(page: Page): Promise<number> {
  return Number(await page.locator('.v-ticket__number').first().innerText())
}

async function verify(command: 'verify-log' | 'verify-turns'): Promise<{ ok: boolean; findings: unknown[]; acts?: number; size: number }> {
  await system.running.parts.publiclog.publishNow()
  const { stdout } = await promisify(execFile)(process.execPath, [cli, command, system.url, '--json'])
  return JSON.parse(stdout)
}

async function clean(page: Page, what: string): Promise<void> {
  assert.deepEqual(await audit(page), [], `axe finds nothing on ${what}`)
}

test('find, ask, be asked for a missing paper, answer, decision, verify; two officials and one line', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const ana = await openPage(t, browser)
  await findLicence(ana, system)
  await clean(ana, 'the service page')
  await signIn(ana, system, 'ana@example.mx')
  await identify(ana, system, 'Daniela Pacheco Ríos', 'PARD010719MDFCSNA6')
  const first = await fileLicence(ana, system, { attach: true })
  await clean(ana, 'the receipt')
  const luis = await openPage(t, browser)
  await signIn(luis, system, 'luis@example.mx')
  await identify(luis, system, 'Luis Ortega Luna', aCurp(1))
  const second = await fileLicence(luis, system, { attach: true })
  assert.ok((await place(luis)) > first.place, 'the second to file stands behind the first')

  const one = await openPage(t, browser)
  const two = await openPage(t, browser)
  await onDuty(one, 'oficial1@example.mx')
  await onDuty(two, 'oficial2@example.mx')
  await clean(one, 'an open desk')
  // Both press at once: each gets one, and nobody gets to choose.
  await Promise.all([one, two].map((p) => p.getByRole('button', { name: /siguiente/ }).click()))
  await Promise.all([one, two].map((p) => p.locator('.v-ticket__number').waitFor()))
  const places = [await atDesk(one), await atDesk(two)]
  assert.deepEqual(
    [...places].sort((a, b) => a - b),
    [first.place, second.place].sort((a, b) => a - b),
  )
  const [hers, his] = places[0] === first.place ? [one, two] : [two, one]
  await clean(hers, 'a desk with a turn')

  // The paper cannot be read: asked for once, from the closed list.
  await hers.locator('summary', { hasText: 'Pedir papeles que faltan' }).click()
  await hers.getByRole('checkbox', { name: /Comprobante de domicilio/ }).check()
  await hers.getByLabel(/¿Por qué pide Comprobante/).selectOption({ label: 'No se puede leer' })
  await hers.getByRole('button', { name: 'Pedir los papeles' }).click()
  await ana.goto(`${system.url}/cases/${first.reference}`)
  await assert.doesNotReject(ana.getByText('Le pidieron papeles').first().waitFor())
  await clean(ana, 'a case that is asked for papers')
  assert.equal(await place(ana), first.place, 'the place is kept')
  await ana.getByRole('button', { name: /Traer los papeles/ }).click()
  await attachAll(ana)
  await ana.getByRole('button', { name: /Enviar lo que me pidieron/ }).click()
  assert.equal(await place(ana), first.place)

  // Her turn is back at its place, before everybody; whoever asks next gets it. Work goes on until both are decided.
  for (let i = 0; i < 12; i++) {
    let worked = false
    for (const desk of [hers, his]) {
      await desk.goto(`${system.url}/desk/${office}`)
      const next = desk.getByRole('button', { name: /Atender el siguiente/ })
      if (await next.count()) await next.click()
      if (!(await desk.locator('.v-ticket__number').count())) continue
      worked = true
      await decideTurn(desk)
    }
    if (!worked) break
  }
  for (const [page, filed] of [
    [ana, first],
    [luis, second],
  ] as const) {
    await page.goto(`${system.url}/cases/${filed.reference}`)
    await page.getByRole('button', { name: /Ver la resolución/ }).click()
    await page.getByRole('heading', { level: 1 }).waitFor()
    await clean(page, 'the decision')
  }

  const turns = await verify('verify-turns')
  assert.deepEqual([turns.ok, turns.findings], [true, []])
  assert.equal((await verify('verify-log')).ok, true)

  // Anyone checks the paper by its code, without signing in.
  const code = /\b[0-9A-Z]{4}-[0-9A-Z]{5}\b/.exec(await ana.locator('.v-qr__code').innerText())![0]
  const anyone = await openPage(t, browser)
  await anyone.goto(`${system.url}/check`)
  await anyone
    .getByLabel(/Clave|código/i)
    .first()
    .fill(code)
  await anyone
    .getByRole('button', { name: /Comprobar/ })
    .first()
    .click()
  const said = await anyone.locator('main').innerText()
  assert.match(said, /auténtic/i)
  assert.match(said, /en turno/i)
  assert.doesNotMatch(said, /Daniela|PARD010719/, 'a code alone tells nobody’s name')
  await clean(anyone, 'the check page')

  await ana.goto(`${system.url}/me/uses`)
  assert.match(await ana.locator('main').innerText(), /state-09|Ciudad de México/, 'she sees which office opened her case')
})

/** Whatever the step is, the official says yes. */
async function decideTurn(desk: Page, look = true): Promise<void> {
  const review = desk.getByRole('radio', { name: 'Todo está bien' })
  if (await review.count()) {
    await review.check()
    await desk.getByRole('button', { name: 'Terminar la revisión' }).click()
    return
  }
  await desk.getByRole('radio', { name: 'Se autoriza' }).check()
  await desk.getByRole('button', { name: 'Ver qué se va a expedir' }).click()
  // Without scripts axe cannot run; the page is the same.
  if (look) await clean(desk, 'what will be issued')
  await desk.getByRole('button', { name: 'Expedir y atender el siguiente' }).click()
}

test('the same without scripts', { skip, timeout: 120_000 }, async (t) => {
  const page = await openPage(t, browser, { javaScriptEnabled: false, viewport: { width: 320, height: 700 } })
  await findLicence(page, system)
  await signIn(page, system, 'nojs@example.mx')
  await identify(page, system, 'Rosa Jiménez Tlacuilo', aCurp(2))
  const filed = await fileLicence(page, system, { attach: true })
  assert.ok(filed.place > 0)
  // Nothing is wider than a small telephone.
  for (const path of [
    `/cases/${filed.reference}`,
    `/cases/${filed.reference}/receipt`,
    '/my-line',
    '/',
    `/offices/${office}`,
    `/offices/${office}/now`,
  ]) {
    await page.goto(`${system.url}${path}`)
    const width = await page
      .locator('html')
      .evaluate((e) => e.scrollWidth)
      .catch(() => 320)
    assert.ok(width <= 320, `${path} fits 320 px, it is ${width}`)
  }
  const desk = await openPage(t, browser, { javaScriptEnabled: false })
  await onDuty(desk, 'oficial1@example.mx').catch(() => undefined)
  await desk.goto(`${system.url}/desk/${office}`)
  for (let i = 0; i < 6; i++) {
    const next = desk.getByRole('button', { name: /Atender el siguiente/ })
    if (await next.count()) await next.click()
    if (!(await desk.locator('.v-ticket__number').count())) break
    await decideTurn(desk, false)
  }
  await page.goto(`${system.url}/cases/${filed.reference}/decision`)
  assert.match(await page.locator('main').innerText(), /Licencia/)
  const turns = await verify('verify-turns')
  assert.deepEqual([turns.ok, turns.findings], [true, []])
})

test('once from the counter: a number in hand before the person leaves', { skip, timeout: 120_000 }, async (t) => {
  const clerk = await openPage(t, browser)
  await signIn(clerk, system, 'mostrador@example.mx')
  await clerk.goto(`${system.url}/counter/${office}`)
  await clean(clerk, 'the counter')
  await clerk.getByLabel('CURP o RFC').fill(aCurp(3))
  await clerk.getByLabel('Nombre completo').fill('César Hernández Gracia')
  await clerk.getByLabel('¿Qué trámite necesita?').selectOption({ label: 'Licencia de conducir automóvil' })
  await clerk.getByRole('button', { name: 'Empezar la solicitud' }).click()
  // Who was never here before gets a slip with which to come back alone.
  await clerk.getByText('Imprima este papel para la persona').waitFor()
  await clean(clerk, 'the slip')
  await clerk
    .getByRole('button', { name: 'Seguir con la solicitud' })
    .or(clerk.getByRole('link', { name: 'Seguir con la solicitud' }))
    .click()
  const filed = await fileLicence(clerk, system, { attach: true, counter: true })
  const said = await clerk.locator('main').innerText()
  assert.match(said, /Sin número no ha presentado nada/)
  assert.ok(filed.place > 0)
  await clean(clerk, 'the receipt at the counter')
})
