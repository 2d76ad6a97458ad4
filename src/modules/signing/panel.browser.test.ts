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
import { efirma, mutate, opensslFolder, seeded } from './testing-signer.ts'
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

  /** What a shell would make of a command of the page, without the program's name. */
  const words = (command: string | null) => (command!.match(/"[^"]*"|[^\s\\]+/g) ?? []).slice(1).map((word) => word.replaceAll('"', ''))

  async function fill(page: Page, certificate: string, key: string, passphrase: string) {
    await page.getByLabel('Certificado (.cer)').setInputFiles(certificate)
    await page.getByLabel('Clave privada (.key)').setInputFiles(key)
    await page.getByLabel('Contraseña de la clave privada').fill(passphrase)
  }
  const press = (page: Page) => page.getByRole('button', { name: 'Firmar y enviar' }).click()

  test('the test e.firma signs the statement that is shown, and nothing but the signature is sent', async (t) => {
    const p = await openPage(t, browser, { timezoneId: 'America/Mexico_City' })
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

  /** What the summary says; it has the focus, the page's title begins with Error, and each sentence stands at its field. */
  async function told(page: Page, ...sentences: string[]) {
    await page.getByRole('alert').filter({ hasText: sentences[0]! }).waitFor()
    assert.deepEqual(await page.locator('.govuk-error-summary li').allTextContents(), sentences)
    assert.ok(await page.evaluate(() => document.activeElement?.classList.contains('govuk-error-summary')))
    assert.match(await page.title(), /^Error: /)
    assert.equal(received.length, 0)
  }

  test('each thing that is wrong with the files has its sentence, in the summary and at its field', async (t) => {
    const p = await openPage(t, browser, { timezoneId: 'America/Mexico_City' })
    const said = listen(p)
    await p.goto(`${url}/sign`)
    await press(p)
    await told(
      p,
      'Elija su certificado, el archivo .cer.',
      'Elija su clave privada, el archivo .key.',
      'Escriba la contraseña de su clave privada.',
    )
    await sound(p, 'sign nothing')
    await p.getByRole('link', { name: 'Escriba la contraseña de su clave privada.' }).click()
    assert.equal(await p.evaluate(() => document.activeElement?.id), 'sign-passphrase')

    await fill(p, mine.certificatePath, mine.keyPath, '12345678A')
    await press(p)
    await told(p, 'La contraseña no abre esta clave. Revise mayúsculas y minúsculas y escríbala de nuevo.')
    assert.equal(await p.getByLabel('Contraseña de la clave privada').inputValue(), '')
    const described = await p.getByLabel('Contraseña de la clave privada').getAttribute('aria-describedby')
    assert.match((await p.locator(`#${described}`).textContent())!, /Error: La contraseña no abre esta clave/)
    await sound(p, 'sign wrong passphrase')

    await fill(p, mine.certificatePath, old.keyPath, old.passphrase)
    await press(p)
    await told(p, 'La clave privada no es la de este certificado. Elija los dos archivos de la misma e.firma.')
    await sound(p, 'sign mismatch')

    await fill(p, old.certificatePath, old.keyPath, old.passphrase)
    await p.locator('#sign-holder', { hasText: 'Este certificado venció el' }).waitFor()
    await press(p)
    await told(p, 'Este certificado venció el 15 de mayo de 2021. Renueve su e.firma o elija uno vigente.')
    await sound(p, 'sign expired')

    await fill(p, mine.keyPath, mine.certificatePath, mine.passphrase)
    await press(p)
    await told(p, 'Este archivo es una clave privada. Aquí va el certificado, el archivo .cer.')

    folder.run('pkcs8', '-inform', 'DER', '-in', mine.keyPath, '-passin', 'pass:12345678a', '-out', 'clear.pem')
    for (const [options, sentence] of [
      [['-nocrypt'], 'Esta clave no tiene contraseña'],
      [['-scrypt'], 'Esta clave está cifrada con scrypt'],
      [['-v1', 'PBE-SHA1-3DES'], 'Esta clave está cifrada de una forma antigua'],
      // Chromium has no AES with 192 bits; other browsers open it.
      [['-v2', 'aes-192-cbc'], 'Esta clave está cifrada de una forma que este navegador no abre'],
    ] as const) {
      folder.run('pkcs8', '-topk8', '-in', 'clear.pem', '-outform', 'DER', '-out', 'other.key', '-passout', 'pass:p', ...options)
      await p
        .locator('#sign details, [data-part="convert"]')
        .first()
        .evaluate((d: HTMLDetailsElement) => (d.open = false))
      await fill(p, mine.certificatePath, folder.path('other.key'), 'p')
      await press(p)
      await p.getByRole('alert').filter({ hasText: sentence }).waitFor()
      const help = p.locator('pre', { hasText: 'openssl pkcs8' })
      assert.ok(await help.isVisible())
      // The remedy is one: what it makes opens.
      folder.write('efirma.key', folder.read('other.key'))
      folder.run(...words(await help.textContent()), '-passin', 'pass:p', '-passout', 'pass:nueva')
    }
    await sound(p, 'sign key of another form')
    assert.equal(received.length, 0)

    // What was wrong does not stand in the way of what is right.
    await fill(p, mine.certificatePath, folder.path('efirma-nueva.key'), 'nueva')
    await press(p)
    await p.getByRole('heading', { level: 1, name: 'Recibido' }).waitFor()
    assert.match(verified(received[0]!.bytes), /CAdES Verification successful/)
    assert.deepEqual(said, [])
  })

  test('a page that shows another text than its bytes signs nothing', async (t) => {
    const p = await openPage(t, browser)
    await p.goto(`${url}/sign`)
    await fill(p, mine.certificatePath, mine.keyPath, mine.passphrase)
    await p.locator('[data-part="statement"]').evaluate((e) => e.append(' '))
    await press(p)
    await told(p, text('es', 'refused.statement-differs'))
  })

  test('a device that has lost the date signs with the time of the server, and two presses sign once', async (t) => {
    const p = await openPage(t, browser)
    await p.clock.setFixedTime('2031-01-01T00:00:00Z')
    const before = Math.floor(Date.now() / 1000) * 1000
    await p.goto(`${url}/sign`)
    await fill(p, mine.certificatePath, mine.keyPath, mine.passphrase)
    await p.getByRole('button', { name: 'Firmar y enviar' }).dblclick()
    await p.getByRole('heading', { level: 1, name: 'Recibido' }).waitFor()
    assert.equal(received.length, 1)
    verified(received[0]!.bytes)
    const said = folder.run('cms', '-cmsout', '-print', '-inform', 'DER', '-in', 's.p7s')
    const signedAt = Date.parse(/signingTime[\s\S]*?UTCTIME:(.*)/.exec(said)![1]!)
    assert.ok(signedAt >= before && signedAt <= Date.now(), new Date(signedAt).toISOString())
  })

  test('where WebCrypto is missing or fails, the page says so and sends nothing', async (t) => {
    const p = await openPage(t, browser)
    const said = listen(p)
    await p.goto(`${url}/sign`)
    await fill(p, mine.certificatePath, mine.keyPath, mine.passphrase)
    await p.evaluate(() => (crypto.subtle.digest = () => Promise.reject(new Error('broken'))))
    await press(p)
    await told(p, text('es', 'refused.failed'))
    await p.evaluate(() => Object.defineProperty(crypto, 'subtle', { value: undefined }))
    await press(p)
    await told(p, text('es', 'refused.no-crypto'))
    assert.deepEqual(said, [])
  })

  test('40 mutated files each end in a sentence, or in a signature with the certificate as it was given', async (t) => {
    const p = await openPage(t, browser)
    const said = listen(p)
    const random = seeded(7)
    const sentences = new Map<string, number>()
    const file = (name: string, bytes: Uint8Array) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) })
    await p.goto(`${url}/sign`)
    for (let i = 0; i < 40; i++) {
      const [certificate, key] = i % 2 ? [mutate(mine.certificate, random), mine.key] : [mine.certificate, mutate(mine.key, random)]
      await p.getByLabel('Certificado (.cer)').setInputFiles(file('a.cer', certificate))
      await p.getByLabel('Clave privada (.key)').setInputFiles(file('a.key', key))
      await p.getByLabel('Contraseña de la clave privada').fill(mine.passphrase)
      await p.evaluate(() => document.querySelector('.govuk-error-summary')?.remove())
      await press(p)
      const done = p.getByRole('heading', { level: 1, name: 'Recibido' })
      await p.locator('.govuk-error-summary li').or(done).waitFor()
      if (await done.isVisible()) {
        // Changed where a signature does not look: in the part that the authority signed.
        const signature = received.pop()!.bytes
        assert.ok(signature.includes(Buffer.from(certificate)), `${i}`)
        await p.goto(`${url}/sign`)
      }
      const sentence = (await p.locator('.govuk-error-summary li').allTextContents()).join()
      sentences.set(sentence, (sentences.get(sentence) ?? 0) + 1)
    }
    assert.ok(sentences.size >= 4, `${[...sentences.keys()]}`)
    assert.equal(sentences.has(text('es', 'refused.failed')), false)
    assert.deepEqual(said, [])
  })

  test('by keyboard alone, in English', async (t) => {
    const p = await openPage(t, browser, { locale: 'en-GB' })
    // Chromium hands dialogs over while somebody listens: from before the page on, or a key may come first and open a real one.
    p.on('filechooser', () => {})
    await p.goto(`${url}/sign?lang=en`)
    await p.getByRole('heading', { name: 'Read what you are going to sign' }).click()
    const at = () => p.evaluate(() => document.activeElement?.id)
    for (const [id, path] of [
      ['sign-certificate', mine.certificatePath],
      ['sign-key', mine.keyPath],
    ] as const) {
      await p.keyboard.press('Tab')
      assert.equal(await at(), id)
      const chooser = p.waitForEvent('filechooser')
      await p.keyboard.press('Space')
      await (await chooser).setFiles(path)
    }
    await p.keyboard.press('Tab')
    assert.equal(await at(), 'sign-passphrase')
    await p.keyboard.type('no es')
    await p.keyboard.press('Enter')
    await told(p, 'The password does not open this key. Check capital and small letters and enter it again.')
    await p.keyboard.press('Tab')
    await p.keyboard.press('Enter')
    assert.equal(await at(), 'sign-passphrase')
    await p.keyboard.type(mine.passphrase)
    await p.keyboard.press('Enter')
    await p.getByRole('heading', { level: 1, name: 'Recibido' }).waitFor()
    assert.match(verified(received[0]!.bytes), /CAdES Verification successful/)
  })

  test('without scripts another program signs with the command of the page, and its file is uploaded', async (t) => {
    const held = await openPage(t, browser)
    await withoutScripts(held)
    await held.goto(`${url}/sign`)
    await sound(held, 'sign without scripts')
    assert.ok(gzipSync(await held.content()).length <= 10_000)
    assert.equal(await held.getByRole('button', { name: 'Firmar y enviar' }).count(), 0)

    const p = await openPage(t, browser, { javaScriptEnabled: false })
    await p.goto(`${url}/sign`)
    const download = p.waitForEvent('download')
    await p.getByRole('link', { name: 'Descargar el texto' }).click()
    await (await download).saveAs(folder.path('declaracion.txt'))
    folder.write('efirma.cer', mine.certificate)
    folder.write('efirma.key', mine.key)
    folder.run(...words(await p.locator('pre', { hasText: 'openssl cms' }).textContent()), '-passin', 'pass:12345678a')
    await p.getByLabel('Archivo de la firma (.p7s)').setInputFiles(folder.path('declaracion.p7s'))
    await p.getByRole('button', { name: 'Enviar la firma' }).click()
    await p.getByRole('heading', { level: 1, name: 'Recibido' }).waitFor()
    assert.equal(received[0]!.kind, 'file')
    assert.match(verified(received[0]!.bytes), /CAdES Verification successful/)
  })

  test('a key is made and saved, and only its request is sent', async (t) => {
    const p = await openPage(t, browser)
    const said = listen(p)
    await p.goto(`${url}/request`)
    await sound(p, 'request')
    const first = p.getByLabel('Contraseña nueva para su clave')
    const second = p.getByLabel('La misma contraseña, otra vez')
    const make = p.getByRole('button', { name: 'Hacer mi clave' })
    await first.fill('corta')
    await make.click()
    await told(p, 'Escriba una contraseña de al menos 12 letras o números.')
    await first.fill('cuatro palabras ñandú')
    await second.fill('cuatro palabras nandú')
    await make.click()
    await told(p, 'Las dos contraseñas no son iguales. Escriba la misma otra vez.')
    await sound(p, 'request differs')
    await second.fill('cuatro palabras ñandú')
    await make.click()
    await p.getByRole('heading', { name: 'Su clave está hecha' }).waitFor()
    const send = p.getByRole('button', { name: 'Ya la guardé, enviar mi solicitud' })
    assert.equal(await send.isVisible(), false)
    assert.equal(await p.getByText('Hacer la clave con otro programa').count(), 0)
    const download = p.waitForEvent('download')
    await p.getByRole('button', { name: 'Guardar mi clave' }).click()
    const saved = await download
    assert.equal(saved.suggestedFilename(), 'mi-clave.key')
    await saved.saveAs(folder.path('mine.key'))
    await sound(p, 'request made')
    const sent = p.waitForRequest((r) => r.method() === 'POST')
    await send.click()
    assert.deepEqual([...new URLSearchParams((await sent).postData()!).keys()].sort(), ['_csrf', 'request'])
    await p.getByRole('heading', { level: 1, name: 'Recibido' }).waitFor()
    folder.write('mine.csr', received[0]!.bytes)
    const asked = folder.run('req', '-verify', '-inform', 'DER', '-in', 'mine.csr', '-noout', '-subject', '-pubkey', '-nameopt', 'utf8')
    assert.match(asked, /verify OK/)
    assert.match(asked, /subject=CN=Xóchitl Casas Chávez, serialNumber=CACX760510MGTSHC04/)
    folder.run('pkcs8', '-inform', 'DER', '-in', 'mine.key', '-passin', 'pass:cuatro palabras ñandú', '-out', 'mine.pem')
    const publicKey = folder.run('pkey', '-in', 'mine.pem', '-pubout').trim()
    assert.ok(asked.includes(publicKey))
    assert.deepEqual(said, [])
  })

  test('without scripts the command of the page makes the request', async (t) => {
    const held = await openPage(t, browser)
    await withoutScripts(held)
    await held.goto(`${url}/request`)
    await sound(held, 'request without scripts')
    folder.run(...words(await held.locator('pre', { hasText: 'openssl req' }).textContent()), '-passout', 'pass:cuatro palabras')
    assert.match(folder.run('req', '-verify', '-inform', 'DER', '-in', 'solicitud.req', '-noout'), /verify OK/)
    await held.getByLabel('Archivo de la solicitud (.req o .csr)').setInputFiles(folder.path('solicitud.req'))
    await held.getByRole('button', { name: 'Enviar la solicitud' }).click()
    await held.getByRole('heading', { level: 1, name: 'Recibido' }).waitFor()
    assert.deepEqual(new Uint8Array(received[0]!.bytes), folder.read('solicitud.req'))
  })

  test('the offline signer is downloaded, has the digest that its page shows, and signs from a disk without a request', async (t) => {
    const p = await openPage(t, browser)
    await p.goto(`${url}/signer`)
    await sound(p, 'signer page')
    const shown = await p.locator('.v-fingerprint').allTextContents()
    assert.deepEqual(shown, [signerHashes().offline, signerHashes().script])
    const download = p.waitForEvent('download')
    await p.getByRole('button', { name: 'Descargar el firmador' }).click()
    await (await download).saveAs(folder.path('signer.html'))
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    assert.equal(digest(folder.read('signer.html')), shown[0])
    const script = await (await fetch(url + assets().scripts.sign)).arrayBuffer()
    assert.equal(digest(new Uint8Array(script)), shown[1])

    for (const [locale, words] of [
      [
        'es-MX',
        [
          'Firmador sin conexión',
          'El texto que va a firmar',
          'Certificado (.cer)',
          'Clave privada (.key)',
          'Contraseña de la clave privada',
          'Firmar',
          'Firmado',
          'Guardar la firma',
        ],
      ],
      [
        'en-GB',
        [
          'Offline signer',
          'The text that you are going to sign',
          'Certificate (.cer)',
          'Private key (.key)',
          'Password of the private key',
          'Sign',
          'Signed',
          'Save the signature',
        ],
      ],
    ] as const) {
      const [title, label, certificate, key, passphrase, submit, done, save] = words
      const o = await openPage(t, browser, { locale, offline: true, colorScheme: locale === 'es-MX' ? 'light' : 'dark' })
      const said = listen(o)
      const asked: string[] = []
      o.on('request', (r) => asked.push(r.url()))
      await o.goto(pathToFileURL(folder.path('signer.html')).href)
      await o.getByRole('heading', { level: 1, name: title }).waitFor()
      await sound(o, `offline ${locale}`)
      const file = (name: string, bytes: Uint8Array) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(bytes) })
      await o.getByLabel(label).setInputFiles(file('bin.txt', randomBytes(100)))
      await o
        .getByRole('alert')
        .filter({ hasText: text(locale === 'es-MX' ? 'es' : 'en', 'refused.statement-unreadable') })
        .waitFor()
      await o.getByLabel(label).setInputFiles(file('declaracion.txt', statement))
      await o.getByText('Oficina de Comercio').waitFor()
      await o.getByLabel(certificate).setInputFiles(mine.certificatePath)
      await o.getByLabel(key).setInputFiles(mine.keyPath)
      await o.getByLabel(passphrase).fill('otra')
      const press = () => o.getByRole('button', { name: submit, exact: true }).click()
      await press()
      await o
        .getByRole('alert')
        .filter({ hasText: text(locale === 'es-MX' ? 'es' : 'en', 'refused.passphrase-wrong') })
        .waitFor()
      await sound(o, `offline wrong ${locale}`)
      await o.getByLabel(passphrase).fill(mine.passphrase)
      await press()
      await o.getByRole('heading', { name: done, exact: true }).waitFor()
      await sound(o, `offline done ${locale}`)
      const signed = o.waitForEvent('download')
      await o.getByRole('link', { name: save }).click()
      assert.equal((await signed).suggestedFilename(), 'declaracion.p7s')
      await (await signed).saveAs(folder.path('offline.p7s'))
      assert.match(verified(folder.read('offline.p7s')), /CAdES Verification successful/)
      // The page itself and what it hands out: nothing went anywhere.
      assert.deepEqual(
        asked.filter((u) => !/^(file|blob):/.test(u)),
        [],
      )
      assert.deepEqual(said, [])
      // Its own policy would stop what tried.
      const reached = await o.evaluate(() =>
        fetch('http://127.0.0.1:9/').then(
          () => true,
          () => false,
        ),
      )
      assert.equal(reached, false)
      assert.match(said.join('\n'), /Content Security Policy/)
      await o.getByRole('button', { name: locale === 'es-MX' ? 'English' : 'Español' }).click()
      await o.getByRole('heading', { level: 1, name: locale === 'es-MX' ? 'Offline signer' : 'Firmador sin conexión' }).waitFor()
    }
  })
})
