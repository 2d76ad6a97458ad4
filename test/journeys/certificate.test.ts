/** A person comes to a certificate of ours, renews it by itself, and revokes it; programs that nobody here wrote ask the authority about it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { licenceOffice } from '../../src/modules/cases/testing.ts'
import { opensslFolder } from '../../src/modules/signing/testing-signer.ts'
import { audit, browserMissing, openBrowser, openPage } from '../support/browser.ts'
import { openSystem, type System } from '../support/system.ts'
import { identify, signIn } from './journey.ts'

const missing = browserMissing()
const skip = missing ?? false
const openssl = opensslFolder()
const passphrase = 'nueve nopales en la loma'
const holder = { name: 'Xochilt Casas Chávez', curp: 'CACX760510MGTSHC04' }

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

const mine = () => `${system.url}/me/certificates`

/** Makes a key in the page, keeps its file under the name, and sends the request. */
async function ask(page: Page, file: string): Promise<void> {
  await page.goto(mine())
  await page
    .getByLabel(/contraseña/i)
    .first()
    .fill(passphrase)
  await page
    .getByLabel(/contraseña/i)
    .nth(1)
    .fill(passphrase)
  await page.getByRole('button', { name: /Hacer/ }).click()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /Guardar/ }).click()])
  await download.saveAs(openssl.path(file))
  await page.locator('[data-part=send] button').click()
  await page.locator('.govuk-panel__title').waitFor()
}

async function sign(page: Page, certificate: string, key: string): Promise<void> {
  await page.locator('#sign-certificate').setInputFiles(openssl.path(certificate))
  await page.locator('#sign-key').setInputFiles(openssl.path(key))
  await page.locator('#sign-passphrase').fill(passphrase)
  await page.getByRole('button', { name: /^Firmar/ }).click()
}

/** Saves the newest certificate of the page. */
async function download(page: Page, file: string): Promise<void> {
  const href = await page
    .getByRole('link', { name: /Descargar el certificado/ })
    .first()
    .getAttribute('href')
  const answer = await page.request.get(`${system.url}${href}`)
  assert.equal(answer.headers()['content-type'], 'application/pkix-cert')
  openssl.write(`${file}.cer`, await answer.body())
  openssl.run('x509', '-inform', 'DER', '-in', `${file}.cer`, '-out', `${file}.pem`)
}

async function fetched(path: string): Promise<Buffer> {
  const answer = await fetch(`${system.url}${path}`)
  assert.equal(answer.status, 200, path)
  return Buffer.from(await answer.arrayBuffer())
}

/** Asks the running authority; not as the other calls of OpenSSL, which this process waits for. */
async function ocsp(file: string, ...more: string[]): Promise<string> {
  const args = ['-issuer', 'issuing.pem', '-cert', `${file}.pem`, '-url', `${system.url}/pki/ocsp`, '-CAfile', 'chain.pem', ...more]
  const { stdout, stderr } = await promisify(execFile)('openssl', ['ocsp', ...args], { cwd: openssl.path('.'), timeout: 20_000 })
  return stderr + stdout
}

test('a person gets a certificate at a counter, another by their signature, and revokes the first, which signs nothing from then on', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const person = await openPage(t, browser)
  await signIn(person, system, 'xochilt@example.mx')
  await person.goto(mine())
  await person.getByText('hace falta su nombre').waitFor()
  await identify(person, system, holder.name, holder.curp)
  await person.goto(`${system.url}/me`)
  await person.getByRole('link', { name: 'Mis certificados de firma' }).click()
  await person
    .getByLabel(/contraseña/i)
    .first()
    .waitFor()
  await seen(person, 'certificates-none')
  await ask(person, 'first.key')
  await seen(person, 'certificates-pending')
  const code = (await person.locator('.govuk-panel__title').innerText()).trim()

  await system.staff('tomas@example.mx', 'Tomás Arriaga Bello', ['clerk'], licenceOffice)
  const clerk = await openPage(t, browser)
  await signIn(clerk, system, 'tomas@example.mx')
  await clerk.goto(`${system.url}/counter/${licenceOffice}`)
  await clerk.getByRole('link', { name: 'Expedir un certificado de firma' }).click()
  await clerk.getByLabel('Código de la solicitud').fill('ABC-DEF')
  await clerk.getByRole('button', { name: 'Buscar la solicitud' }).click()
  await clerk.getByRole('alert').waitFor()
  await seen(clerk, 'counter-certificates')
  await clerk.getByLabel('Código de la solicitud').fill(code.toLowerCase())
  await clerk.getByRole('button', { name: 'Buscar la solicitud' }).click()
  await clerk.getByText(holder.curp).waitFor()
  await clerk.getByRole('button', { name: 'Expedir el certificado' }).click()
  await clerk.getByRole('alert').waitFor()
  await seen(clerk, 'counter-certificates-see')
  await clerk.getByRole('checkbox').check()
  await clerk.getByRole('button', { name: 'Expedir el certificado' }).click()
  await clerk.getByText('quedó expedido').waitFor()
  // Another time there is nothing to issue.
  await clerk.getByLabel('Código de la solicitud').fill(code)
  await clerk.getByRole('button', { name: 'Buscar la solicitud' }).click()
  await clerk.getByRole('alert').waitFor()

  await person.goto(mine())
  await person.getByText('Vigente').waitFor()
  await person.getByText('En persona, en una ventanilla').waitFor()
  await seen(person, 'certificates-one')
  await download(person, 'first')
  assert.match((await system.mail('xochilt@example.mx', 1)).subject, /certificado/)
  await person.goto(`${system.url}/me/uses`)
  await person.getByText('Expedirle un certificado de firma').waitFor()

  // Programs of others: who issued it, whether it holds, and the list.
  openssl.write('root.cer', await fetched('/pki/root.cer'))
  openssl.write('issuing.cer', await fetched('/pki/issuing.cer'))
  for (const name of ['root', 'issuing']) openssl.run('x509', '-inform', 'DER', '-in', `${name}.cer`, '-out', `${name}.pem`)
  openssl.write('chain.pem', Buffer.concat([openssl.read('issuing.pem'), openssl.read('root.pem')]))
  const list = async () => {
    openssl.write('list.crl', await fetched('/pki/issuing.crl'))
    openssl.write('root.crl', await fetched('/pki/root.crl'))
    for (const name of ['list', 'root']) openssl.run('crl', '-inform', 'DER', '-in', `${name}.crl`, '-out', `${name}crl.pem`)
    return openssl.run(
      ...['verify', '-x509_strict', '-crl_check_all', '-CRLfile', 'listcrl.pem', '-CRLfile', 'rootcrl.pem'],
      ...['-CAfile', 'root.pem', '-untrusted', 'issuing.pem', 'first.pem'],
    )
  }
  assert.match(await list(), /: OK/)
  assert.match(await ocsp('first'), /Response verify OK[\s\S]*: good/)
  openssl.write('data.txt', 'lo que existía')
  openssl.run('ts', '-query', '-data', 'data.txt', '-sha256', '-cert', '-out', 'q.tsq')
  const stamped = await fetch(`${system.url}/pki/tsa`, {
    method: 'POST',
    headers: { 'content-type': 'application/timestamp-query' },
    body: openssl.read('q.tsq'),
  })
  assert.equal(stamped.headers.get('content-type'), 'application/timestamp-reply')
  openssl.write('r.tsr', Buffer.from(await stamped.arrayBuffer()))
  assert.match(
    openssl.run('ts', '-verify', '-queryfile', 'q.tsq', '-in', 'r.tsr', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem'),
    /OK/,
  )

  // Another key, and its certificate by a signature with the first.
  await ask(person, 'second.key')
  await sign(person, 'first.cer', 'first.key')
  await person.getByText('Su certificado está expedido').waitFor()
  await person.getByText('Con una firma electrónica').waitFor()
  await download(person, 'second')
  assert.match(openssl.run('verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem', 'second.pem'), /: OK/)

  // Revoked by its holder: the last of the page is the first.
  await person.locator('summary', { hasText: 'Anular este certificado' }).last().click()
  await person.getByRole('button', { name: 'Anular para siempre' }).last().click()
  await person.getByText('El certificado quedó anulado').waitFor()
  await seen(person, 'certificates-revoked')
  assert.match(await ocsp('first'), /: revoked[\s\S]*Reason: keyCompromise/)
  assert.match(await ocsp('second'), /: good/)
  for (let i = 0; ; i++) {
    const said = await list().catch((error: Error) => error.message)
    if (/certificate revoked/.test(said)) break
    assert.ok(i < 100, 'the list names it within seconds')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  await ask(person, 'third.key')
  await sign(person, 'first.cer', 'first.key')
  await person
    .getByRole('alert')
    .getByText(/anulado|revocado/)
    .waitFor()
  // The other one still does.
  await sign(person, 'second.cer', 'second.key')
  await person.getByText('Su certificado está expedido').waitFor()
})
