/** A person adds a passkey, signs in with it, makes recovery codes, and ends the other sessions: in Chromium, with its virtual authenticator. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { ServiceId } from '#kernel/id'
import { aPdf } from '../../src/modules/cases/testing.ts'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../support/browser.ts'
import { openSystem, type System } from '../support/system.ts'
import { identify, signIn } from './journey.ts'

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
  assert.deepEqual(await audit(page), [], `axe finds nothing on ${name}`)
  if (!shots) return
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
  await page.setViewportSize({ width: 320, height: 800 })
  await page.screenshot({ path: `${shots}/${name}-320.png`, fullPage: true })
  await page.setViewportSize({ width: 1280, height: 900 })
}

/** A device that confirms by itself. Chromium may forget it with the page that it was joined to, so it is joined to each page that needs it, with what it keeps. */
function aDevice(first: Page) {
  let kept: object | null = null
  return async (isUserVerified = true, page = first) => {
    const cdp = await page.context().newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    const options = {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified,
      automaticPresenceSimulation: true,
    } as const
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options })
    if (kept) await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: kept as never })
    const keep = ({ credential }: { credential: object }) => {
      kept = credential
    }
    cdp.on('WebAuthn.credentialAdded', keep)
    cdp.on('WebAuthn.credentialAsserted', keep)
    return { leave: () => cdp.detach() }
  }
}

/** Answers that complete an application for a credit. */
const creditAnswers = {
  fullname: 'Xochilt Casas Chávez',
  curp: 'CACX760510MGTSHC04',
  nss: '65129412346',
  phone: '2291234567',
  email: 'xochilt@example.mx',
  foreign: 'no',
  employer: 'Supermercados del Golfo',
  'since.day': '1',
  'since.month': '2',
  'since.year': '2024',
  pay: 'fortnightly',
  wage: '5200.00',
  product: 'women',
  amount: '18000.00',
  months: 'twelve',
  nip: 'no',
  'references.0.name': 'Laura Cruz Peña',
  'references.0.phone': '2299876543',
  'references.1.name': 'Joel Mota Ríos',
  'references.1.phone': '2291112233',
}

test('a passkey is added, opens the account, and says how sure it is; without it nothing stronger can be changed', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const page = await openPage(t, browser)
  await signIn(page, system, 'xochilt@example.mx')
  const device = aDevice(page)
  await identify(page, system, 'Xochilt Casas Chávez', 'CACX760510MGTSHC04')
  await page.goto(`${system.url}/me`)
  await page.getByRole('link', { name: 'Llaves de acceso' }).click()
  await seen(page, 'access-none')
  // Nobody confirms with finger or PIN: nothing is added.
  const unsure = await device(false)
  await page.getByLabel('Nombre para reconocerla').fill('Mi teléfono')
  await page.getByRole('button', { name: 'Agregar una llave de acceso' }).click()
  await page.getByText(/No se confirmó|No se pudo/).waitFor()
  await unsure.leave()
  await page.reload()
  await device()
  await page.getByLabel('Nombre para reconocerla').fill('Mi teléfono')
  await page.getByRole('button', { name: 'Agregar una llave de acceso' }).click()
  await page.getByText('quedó agregada').waitFor()
  await page.getByRole('heading', { name: 'Mi teléfono' }).waitFor()
  await page.getByText('Para agregar otra, entre con una').waitFor()
  await seen(page, 'access-one')
  const { people, db } = system.running.parts
  const person = (await people.ownerOf('xochilt@example.mx'))!
  const sessions = () =>
    db.query<{ id: string; way: string }>('select id, way from people_session where person = $1 order by started_at', [person])
  assert.deepEqual((await people.level((await sessions())[0]!.id)).level, 1)

  // The same device has it already only for who holds it; signed out, it opens the account.
  await page.goto(`${system.url}/sign-in?again=1&next=%2Fme%2Faccess`)
  await seen(page, 'sign-in-passkey')
  await device()
  await page.getByRole('button', { name: 'Entrar con mi llave de acceso' }).click()
  await page.waitForURL(/\/me\/access$/)
  const now = await sessions()
  assert.deepEqual(
    now.map((s) => s.way),
    ['passkey'],
  )
  assert.equal((await people.level(now[0]!.id)).level, 2)

  await page.getByRole('button', { name: 'Hacer códigos nuevos' }).click()
  const codes = await page.locator('#codes li').allInnerTexts()
  assert.equal(codes.length, 10)
  await seen(page, 'access-codes')
  await page.goto(`${system.url}/me/access`)
  await page.getByText('Códigos que quedan: 10.').waitFor()

  // Elsewhere, by mail: the account is open, its ways in are not.
  const elsewhere = await openPage(t, browser)
  await signIn(elsewhere, system, 'xochilt@example.mx')
  await elsewhere.goto(`${system.url}/me/access`)
  await elsewhere.getByText('Para agregar otra, entre con una').waitFor()
  await elsewhere.getByText('Perdí todas mis llaves de acceso').click()
  await elsewhere.getByLabel('Código de recuperación').fill('AAAA-BBBB-CCCC-DDDD')
  await elsewhere.getByRole('button', { name: 'Empezar' }).click()
  await elsewhere.getByRole('alert').waitFor()
  await seen(elsewhere, 'access-recovery')
  await elsewhere.getByLabel('Código de recuperación').fill(codes[3]!)
  await elsewhere.getByRole('button', { name: 'Empezar' }).click()
  await elsewhere.getByText('Alguien usó un código').waitFor()
  await page.reload()
  await page.getByRole('button', { name: 'Detener: no fui yo' }).click()
  await page.getByText('quedó detenida').waitFor()

  await page.goto(`${system.url}/me/sessions`)
  await page.getByText('Con una llave de acceso').waitFor()
  await page.getByRole('button', { name: /Cerrar/ }).click()
  await elsewhere.goto(`${system.url}/me`)
  await elsewhere.waitForURL(/\/sign-in/)

  // A service that asks for more than a code by mail keeps one's place until that is shown.
  const { cases } = system.running.parts
  const visitor = { person, session: 'test', language: 'es' as const, grants: [] }
  const credit = 'federal/fonacot/worker-credit' as ServiceId
  const reference = await cases.filings.start(visitor, { service: credit })
  for (const { id } of (await cases.filings.read(visitor, reference)).journey.pages)
    assert.deepEqual((await cases.filings.answer(visitor, reference, id, creditAnswers)).problems, [])
  for (const paper of (await cases.filings.read(visitor, reference)).missing)
    await cases.filings.attach(visitor, reference, paper, { name: `${paper}.pdf`, stream: aPdf() })
  const applying = await openPage(t, browser)
  await signIn(applying, system, 'xochilt@example.mx')
  await applying.goto(`${system.url}/cases/${reference}/review`)
  await applying.getByRole('button', { name: /Presentar/ }).click()
  await applying.getByRole('heading', { level: 1, name: 'Falta comprobar mejor quién es usted' }).waitFor()
  await seen(applying, 'step-up')
  await device(true, applying)
  await applying.getByRole('button', { name: 'Entrar con mi llave de acceso' }).click()
  await applying.waitForURL(/\/review$/)
  await applying.getByRole('button', { name: /Presentar/ }).click()
  await applying.waitForURL(/\/receipt$/)

  // Removed, it opens nothing more, and the sessions that began with it end.
  await applying.goto(`${system.url}/me/access`)
  await applying
    .locator('summary')
    .filter({ hasText: /Mi teléfono/ })
    .click()
  await seen(applying, 'access-remove')
  await applying
    .getByRole('button', { name: /Quitar/ })
    .first()
    .click()
  await applying.waitForURL(/\/sign-in/)
  assert.deepEqual(await sessions(), [])

  const plain = await openPage(t, browser)
  await withoutScripts(plain)
  await plain.goto(`${system.url}/sign-in`)
  assert.equal(await plain.getByRole('button', { name: 'Entrar con mi llave de acceso' }).isVisible(), false)
  await plain.getByLabel(/correo/i).waitFor()
})
