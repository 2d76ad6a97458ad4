/** The steps of a journey through real pages, as a person takes them: by labels and buttons, never by addresses they were not given. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { System } from '../support/system.ts'

/** The smallest file that is a PDF by its own bytes. */
const aFile = {
  name: 'papel.pdf',
  mimeType: 'application/pdf',
  buffer: Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n'),
}

/** Finds the driver's licence of Mexico City from the front page, by its own words. */
export async function findLicence(page: Page, system: System): Promise<void> {
  await page.goto(`${system.url}/`)
  await page.getByRole('searchbox').or(page.getByRole('textbox')).first().fill('licencia de manejo en cdmx')
  await page.getByRole('button', { name: 'Buscar' }).first().click()
  await page
    .getByRole('link', { name: /Licencia de conducir/ })
    .first()
    .click()
  await page.getByRole('heading', { level: 1, name: /Licencia de conducir/ }).waitFor()
}

/** Signs in by the code that comes by mail. */
export async function signIn(page: Page, system: System, email: string): Promise<void> {
  const before = await system.mailCount(email)
  await page.goto(`${system.url}/sign-in`)
  await page.getByLabel(/correo/i).fill(email)
  await page.getByRole('button', { name: /Enviar código/i }).click()
  const { text } = await system.mail(email, before)
  const code = /\b(\d{3}[ -]?\d{3})\b/.exec(text)?.[1]
  assert.ok(code, `There is a code in: ${text}`)
  await page.getByLabel(/código/i).fill(code)
  await page
    .getByRole('button', { name: /entrar|continuar/i })
    .first()
    .click()
  await page.waitForURL((u) => !u.pathname.startsWith('/sign-in'))
}

/** Says who one is, on one's own page. */
export async function identify(page: Page, system: System, name: string, curp: string): Promise<void> {
  await page.goto(`${system.url}/me`)
  await page.getByLabel(/nombre/i).fill(name)
  await page.getByLabel(/CURP/i).fill(curp)
  await page
    .getByRole('button', { name: /guardar/i })
    .first()
    .click()
  await page.getByText(curp).first().waitFor()
}

/** Attaches a file for each paper that is missing on this page. */
export async function attachAll(page: Page): Promise<void> {
  const forms = page.locator('form[enctype="multipart/form-data"]')
  for (let i = 0; i < (await forms.count()); i++) {
    const form = forms.nth(i)
    await form.locator('input[type=file]').setInputFiles(aFile)
    await form.getByRole('button', { name: /Adjuntar/ }).click()
    await page.getByText('Recibido').nth(i).waitFor()
  }
}

/** The number on the page's ticket. */
export async function place(page: Page): Promise<number> {
  return Number((await page.locator('.v-ticket__number').first().innerText()).replace(/\D/g, ''))
}

const texts: readonly (readonly [RegExp, string])[] = [
  [/nombre completo/i, 'Daniela Pacheco Ríos'],
  [/CURP/, 'PARD010719MDFCSNA6'],
  [/domicilio/i, 'Calle Naranjo 14, Colonia Santa María la Ribera, 06400, Cuauhtémoc, Ciudad de México'],
  [/teléfono/i, '5512345678'],
]

/** Files the driver's licence from its service page (at a counter the clerk has begun it) to the receipt. */
export async function fileLicence(
  page: Page,
  system: System,
  how: { attach: boolean; counter?: boolean },
): Promise<{ reference: string; place: number }> {
  if (!how.counter) {
    await page.goto(`${system.url}/services/state/drivers-licence@09`)
    await page.getByRole('button', { name: /Empezar/ }).click()
  }
  await page.waitForURL(/\/fill\//)
  const reference = /cases\/([^/]+)/.exec(page.url())![1]!
  for (let i = 0; i < 12 && page.url().includes('/fill/'); i++) {
    for (const [label, value] of texts) {
      const field = page.getByLabel(label).and(page.locator('input[type=text], input[type=email], textarea'))
      if (await field.count()) await field.first().fill(value)
    }
    for (const group of await page.locator('fieldset').all()) {
      const radios = group.getByRole('radio')
      if ((await radios.count()) === 0) continue
      const adult = group.getByRole('radio', { name: '18 años o más' })
      await ((await adult.count()) ? adult : radios.first()).check()
    }
    for (const choice of await page.locator('select').all()) await choice.selectOption({ index: 1 })
    for (const box of await page.getByRole('checkbox').all()) await box.check()
    await page.getByRole('button', { name: 'Continuar' }).click()
  }
  await page.getByRole('heading', { level: 1, name: 'Sus papeles' }).waitFor()
  if (how.attach) await attachAll(page)
  await page.getByRole('button', { name: 'Continuar' }).click()
  await page.getByRole('button', { name: /Presentar/ }).click()
  await page.waitForURL(/\/receipt$/)
  return { reference, place: await place(page) }
}
