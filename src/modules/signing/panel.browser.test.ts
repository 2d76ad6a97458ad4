/** Signing and asking for a certificate in a browser, under the portal's own policy, judged by OpenSSL. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { Type } from 'typebox'
import { type Html, html } from '#kernel/html'
import type { Language } from '#kernel/text'
import { assetFolder, assets, layout } from '#look'
import { csrfField, csrfHolds, openWeb, type Reply, type Request, type Web } from '#web'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../../../test/support/browser.ts'
import { registerSigner, signerHashes } from './signer-pages.ts'
import { efirma, opensslFolder } from './testing-signer.ts'
import { requestPanel, signPanel, text } from './views.ts'

const statement = new TextEncoder().encode(
  [
    'para: firmar una solicitud',
    'servicio: Licencia de funcionamiento',
    'dependencia: Oficina de Comercio de Oaxaca de Juárez',
    'caso: BD7-4KQ-2M',
    'paso: firmar',
    'documento: solicitud sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'persona: Xóchitl Casas Chávez',
    'firma: CACX7605101P8',
    'azar: 5Jm0kq3cVvYhB1u2nTq0aw',
    'fecha: 2026-11-27T12:00Z',
    '',
  ].join('\n'),
)

const shots = process.env.SIGNING_SHOTS

describe('in a browser', { skip: browserMissing() }, () => {
  const folder = opensslFolder()
  const mine = efirma('FIEL_CACX7605101P8_2023')
  const old = efirma('FIEL_AAA010101AAA')
  let web: Web
  let browser: Browser
  let url: string
  let received: { readonly kind: string; readonly names: readonly string[]; readonly bytes: Buffer }[] = []

  const page = (request: Request, title: string, body: Html) =>
    layout({
      title,
      language: request.visitor.language,
      visitor: request.visitor,
      url: request.url,
      demo: false,
      body: html`<h1 class="govuk-heading-l">${title}</h1>${body}`,
    })
  const thanks = (request: Request) => page(request, 'Recibido', html`<p class="govuk-body">OK</p>`)

  async function upload(request: Request) {
    const fields: Record<string, string> = {}
    for await (const part of request.parts()) {
      if (part.type === 'file') received.push({ kind: 'file', names: [part.fieldname], bytes: await part.toBuffer() })
      else fields[part.fieldname] = String(part.value)
    }
    assert.ok(csrfHolds(request, fields._csrf))
    return thanks(request)
  }

  before(async () => {
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
      identify: async (_request, language: Language) => ({ person: null, session: null, language, grants: [] }),
    })
    registerSigner(web)
    web.route({
      method: 'GET',
      url: '/sign',
      access: 'public',
      schema: {},
      handler: (request: Request, reply: Reply) =>
        page(
          request,
          request.visitor.language === 'es' ? 'Firme su solicitud' : 'Sign your application',
          signPanel({
            language: request.visitor.language,
            csrf: csrfField(request, reply),
            action: '/sign',
            uploadAction: '/sign/file',
            statement,
            statementHref: '/statement.txt',
            now: new Date(),
          }),
        ),
    })
    web.route({
      method: 'GET',
      url: '/request',
      access: 'public',
      schema: {},
      handler: (request: Request, reply: Reply) =>
        page(
          request,
          'Pida su certificado',
          requestPanel({
            language: request.visitor.language,
            csrf: csrfField(request, reply),
            action: '/request',
            uploadAction: '/sign/file',
            subject: { name: 'Xóchitl Casas Chávez', id: 'CACX760510MGTSHC04' },
          }),
        ),
    })
    const Signed = Type.Object({ signature: Type.String() }, { additionalProperties: false })
    const Asked = Type.Object({ request: Type.String() }, { additionalProperties: false })
    const keep = (kind: string, body: Record<string, string>) =>
      received.push({ kind, names: Object.keys(body), bytes: Buffer.from(body[kind]!, 'base64') })
    web.route({
      method: 'POST',
      url: '/sign',
      access: 'public',
      schema: { body: Signed },
      handler: (request) => {
        keep('signature', request.body)
        return thanks(request)
      },
    })
    web.route({
      method: 'POST',
      url: '/request',
      access: 'public',
      schema: { body: Asked },
      handler: (request) => {
        keep('request', request.body)
        return thanks(request)
      },
    })
    web.route({ method: 'POST', url: '/sign/file', access: 'public', schema: {}, handler: upload })
    web.route({
      method: 'GET',
      url: '/statement.txt',
      access: 'public',
      schema: {},
      handler: (_request, reply) => {
        reply.type('text/plain; charset=utf-8').header('content-disposition', 'attachment; filename="declaracion.txt"')
        return Buffer.from(statement)
      },
    })
    url = await web.listen()
    browser = await openBrowser()
    folder.run('x509', '-inform', 'DER', '-in', mine.certificatePath, '-out', 'fiel.pem')
  })
  after(async () => {
    await browser?.close()
    await web?.close()
  })
  beforeEach(() => {
    received = []
  })

  /** What `openssl cms -verify -cades` says of a signature over the statement. */
  function verified(signature: Uint8Array, content: Uint8Array = statement) {
    folder.write('s.p7s', signature)
    folder.write('s.txt', content)
    const trust = ['-CAfile', 'fiel.pem', '-partial_chain', '-purpose', 'any']
    return folder.run('cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-in', 's.p7s', '-content', 's.txt', '-out', 'o', ...trust)
  }

  /** What the page reports: a breach of the policy is said there. */
  function listen(page: Page): string[] {
    const said: string[] = []
    page.on('console', (m) => (m.type() === 'error' || m.type() === 'warning') && said.push(m.text()))
    page.on('pageerror', (e) => said.push(e.message))
    return said
  }

  async function shot(page: Page, name: string) {
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
  }

  /** What axe and a screen of 320 points find on the page as it is now. */
  async function sound(page: Page, where: string) {
    await page.waitForLoadState('load')
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 800 })
      assert.deepEqual(await audit(page), [], `${where} at ${width}`)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(wide <= width, `${where} scrolls sideways at ${width}: ${wide}`)
      await shot(page, `${where.replaceAll(' ', '-')}-${width}`)
    }
  }

  async function fill(page: Page, certificate: string, key: string, passphrase: string) {
    await page.getByLabel('Certificado (.cer)').setInputFiles(certificate)
    await page.getByLabel('Clave privada (.key)').setInputFiles(key)
    await page.getByLabel('Contraseña de la clave privada').fill(passphrase)
  }
  const press = (page: Page) => page.getByRole('button', { name: 'Firmar y enviar' }).click()

  test('the test e.firma signs the statement that is shown, and nothing but the signature is sent', async (t) => {
    const p = await openPage(t, browser)
    const said = listen(p)
    await p.goto(`${url}/sign`)
    await sound(p, 'sign')
    await fill(p, mine.certificatePath, mine.keyPath, mine.passphrase)
    await p.getByText('Certificado de XOCHILT CASAS CHAVEZ · CACX7605101P8, vigente hasta el 8 de mayo de 2027.').waitFor()
    await sound(p, 'sign filled')
    const sent = p.waitForRequest((r) => r.method() === 'POST')
    await press(p)
    const body = new URLSearchParams((await sent).postData()!)
    assert.deepEqual([...body.keys()].sort(), ['_csrf', 'signature'])
    await p.getByRole('heading', { level: 1, name: 'Recibido' }).waitFor()
    assert.match(verified(received[0]!.bytes), /CAdES Verification successful/)
    assert.throws(() => verified(received[0]!.bytes, Buffer.from('otra cosa')))
    assert.deepEqual(said, [])
    await p.goBack()
    assert.equal(await p.getByLabel('Contraseña de la clave privada').inputValue(), '')
  })
})
