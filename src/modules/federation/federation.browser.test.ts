/** Signing in between systems in a browser: a client in the page that others wrote, our pages by what axe and a narrow screen find, and the way of a form by what the browser's policy lets pass. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as oidc from 'openid-client'
import type { Browser, Page } from 'playwright-core'
import { openIdentityProvider } from '../../../test/fakes/identity-provider.ts'
import { audit, browserMissing, openBrowser, openPage, withoutScripts } from '../../../test/support/browser.ts'
import { openSystem, type System } from '../../../test/support/system.ts'
import { aPerson } from '../people/testing.ts'
import { begin, discover, listener } from './testing.ts'

const shots = process.env.VENTANILLA_SHOTS
const require = createRequire(import.meta.url)
const library = readFileSync(join(dirname(require.resolve('oidc-client-ts')), '../browser/oidc-client-ts.min.js'))

/** An agency's page that runs in the browser alone. */
function app(portal: string): string {
  return `<!doctype html><html lang="es"><head><meta charset="utf-8"><title>Aplicación</title><script src="/library.js"></script></head><body><h1>Aplicación</h1><pre id="out"></pre><script>
  if (location.search === '?dpop') sessionStorage.dpop = '1'
  const bound = 'dpop' in sessionStorage
  // With proofs the library leaves userinfo to the page.
  const userinfo = async (u) => {
    const url = ${JSON.stringify(`${portal}/oidc/userinfo`)}
    const headers = { authorization: 'DPoP ' + u.access_token, dpop: await manager.dpopProof(url, u, 'GET') }
    return (await fetch(url, { headers })).json()
  }
  const manager = new oidc.UserManager({
    authority: ${JSON.stringify(portal)}, client_id: 'app', redirect_uri: location.origin + '/back', post_logout_redirect_uri: location.origin + '/left',
    scope: 'openid profile', loadUserInfo: !bound, userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
    dpop: bound ? { store: new oidc.IndexedDbDPoPStore(), bind_authorization_code: true } : undefined,
  })
  const say = (o) => { document.getElementById('out').textContent = JSON.stringify(o) }
  window.begin = () => void manager.signinRedirect({ state: 'mine' })
  window.leave = () => void manager.signoutRedirect()
  if (location.pathname === '/back') manager.signinCallback().then(async (u) => say({ profile: bound ? await userinfo(u) : u.profile, state: u.state, type: u.token_type }), (e) => say({ error: String(e) }))
  </script></body></html>`
}

describe('signing in between systems in a browser', { skip: browserMissing() }, () => {
  let system: System
  let outside: Awaited<ReturnType<typeof openIdentityProvider>>
  let browser: Browser
  let site: { url: string; close(): void }
  let secret: string

  before(async () => {
    outside = await openIdentityProvider()
    system = await openSystem({ OIDC_ISSUER: outside.issuer, OIDC_CLIENT_ID: 'portal', OIDC_NAME: 'Llave Única' })
    const server = createServer((request, response) => {
      const script = request.url === '/library.js'
      response
        .writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html; charset=utf-8' })
        .end(script ? library : app(system.url))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    site = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
    const { federation, db } = system.running.parts
    await federation.addClient({
      id: 'app',
      name: 'Aplicación del Registro Civil',
      agency: 'Gobierno de Veracruz',
      redirectUris: [`${site.url}/back`],
      postLogoutUris: [`${site.url}/left`],
      scopes: ['profile'],
      auth: 'none',
    })
    const added = await federation.addClient({
      id: 'licences',
      name: 'Licencias de Xalapa',
      agency: 'Municipio de Xalapa',
      redirectUris: [`${site.url}/licences`],
      scopes: ['profile', 'email', 'curp', 'rfc', 'offline_access'],
      auth: 'client_secret_basic',
    })
    secret = added.secret!
    await aPerson(db, 'ana@example.org', 'Ana Secreta')
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    site?.close()
    await system?.close()
    outside?.close()
  })

  async function typeCode(page: Page): Promise<void> {
    const before = await system.mailCount('ana@example.org')
    await page.getByLabel('Correo electrónico').fill('ana@example.org')
    await page.getByRole('button', { name: 'Enviar código' }).click()
    const [code] = /\b\d{3} ?\d{3}\b/.exec((await system.mail('ana@example.org', before)).text)!
    await page.getByLabel('Código').fill(code)
    await page.getByRole('button', { name: 'Continuar' }).click()
  }

  async function signedIn(t: TestContext, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
    const page = await openPage(t, browser, options)
    const { people, db } = system.running.parts
    const [name, value] = (await people.startSession(db, (await people.ownerOf('ana@example.org'))!, 'email')).cookie.split('=') as [
      string,
      string,
    ]
    await page.context().addCookies([{ name, value, url: system.url }])
    return page
  }

  async function seen(page: Page, name: string): Promise<void> {
    assert.deepEqual(await audit(page), [], name)
    for (const width of [1200, 320]) {
      await page.setViewportSize({ width, height: 900 })
      assert.ok(
        await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
        `${name} at ${width}`,
      )
      if (shots) {
        mkdirSync(shots, { recursive: true })
        await page.screenshot({ path: join(shots, `${name}-${width}.png`), fullPage: true })
      }
    }
  }

  for (const dpop of ['', '?dpop'])
    test(`oidc-client-ts in the page signs in from nothing, by our sign-in form and consent, and out again${dpop && ', with proofs'}`, async (t) => {
      const page = await openPage(t, browser)
      const blocked: string[] = []
      page.on('console', (m) => void (/Content Security Policy|CORS/.test(m.text()) && blocked.push(m.text())))
      await page.goto(`${site.url}/${dpop}`)
      await page.evaluate('begin()')
      await typeCode(page)
      // Asked about the first time alone.
      const agree = page.getByRole('button', { name: 'Permitir y seguir' })
      await agree.or(page.locator('#out')).first().waitFor({ state: 'attached' })
      if (await agree.isVisible()) await agree.click()
      await page.waitForURL(`${site.url}/back?**`)
      await page.waitForFunction(() => document.getElementById('out')!.textContent !== '')
      const said = JSON.parse((await page.locator('#out').textContent())!)
      assert.equal(said.error, undefined)
      assert.equal(said.profile.name, 'Ana Secreta')
      assert.equal(said.state, 'mine')
      assert.equal(said.type, dpop ? 'DPoP' : 'Bearer')
      await page.evaluate('leave()')
      await page.getByRole('button', { name: 'Cerrar en todos' }).click()
      await page.waitForURL(`${site.url}/left`)
      await page.goto(`${system.url}/me`)
      assert.match(page.url(), /\/sign-in/)
      assert.deepEqual(blocked, [])
    })

  test('the whole way works without scripts', async (t) => {
    const page = await openPage(t, browser, { javaScriptEnabled: false })
    const config = await discover(system.url, 'licences', oidc.ClientSecretBasic(secret))
    const { url, checks } = await begin(config, `${site.url}/licences`, 'openid profile email')
    await page.goto(url.href)
    await typeCode(page)
    await page.getByRole('button', { name: 'Permitir y seguir' }).click()
    await page.waitForURL(`${site.url}/licences?**`)
    const tokens = await oidc.authorizationCodeGrant(config, new URL(page.url()), checks)
    assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims()!.sub)).email, 'ana@example.org')
  })

  test('a remembered consent leads from the sign-in form straight back, though no policy names the client', async (t) => {
    const page = await openPage(t, browser)
    const config = await discover(system.url, 'licences', oidc.ClientSecretBasic(secret))
    const { url } = await begin(config, `${site.url}/licences`, 'openid profile')
    await page.goto(url.href)
    await typeCode(page)
    await page.waitForURL(`${site.url}/licences?**`)
  })

  test('the pages have nothing that axe finds and fit 320 px: consent, consents, leaving, an error', async (t) => {
    const config = await discover(system.url, 'licences', oidc.ClientSecretBasic(secret))
    const page = await signedIn(t)
    await withoutScripts(page)
    const { url } = await begin(config, `${site.url}/licences`, 'openid profile email curp offline_access', { prompt: 'consent' })
    await page.goto(url.href)
    await page.getByRole('heading', { level: 1, name: 'Entrar a Licencias de Xalapa' }).waitFor()
    await seen(page, 'consent')
    const weight = gzipSync(await (await page.request.get(page.url())).body(), { level: 9 }).length
    assert.ok(weight <= 10_000, `${weight} bytes of HTML`)
    await page.getByRole('button', { name: 'Permitir y seguir' }).click()
    await page.waitForURL(`${site.url}/licences?**`)
    await page.goto(`${system.url}/me/connected`)
    await seen(page, 'connected')
    await page.goto(`${system.url}/oidc/logout?client_id=licences`)
    await seen(page, 'leave')
    await page.goto(`${system.url}/oidc/auth?client_id=nobody&lang=en`)
    await seen(page, 'error')
  })

  test('so have those of an outside provider: the button, and whose account it is', async (t) => {
    outside.person = { sub: 'first', email: 'ana@example.org', email_verified: true }
    const page = await openPage(t, browser)
    await withoutScripts(page)
    await page.goto(`${system.url}/sign-in`)
    await seen(page, 'sign-in')
    await page.getByRole('button', { name: 'Entrar con Llave Única' }).click()
    await page.getByRole('heading', { level: 1, name: /primera vez/ }).waitFor()
    await seen(page, 'link-known')
    outside.person = { sub: 'second' }
    await page.goto(`${system.url}/sign-in/with`)
    await seen(page, 'link-choose')
    await page.getByRole('button', { name: 'Ya tengo cuenta' }).click()
    await typeCode(page)
    await page.getByRole('heading', { level: 1, name: /Unir su cuenta/ }).waitFor()
    await seen(page, 'link-join')
    await page.getByRole('button', { name: 'Unir las cuentas' }).click()
    await page.waitForURL(`${system.url}/me`)
  })

  test('who leaves at the portal is told to a system that runs elsewhere', async (t) => {
    const told = await listener()
    t.after(() => told.close())
    const { federation } = system.running.parts
    await federation.addClient({
      id: 'told',
      name: 'Sistema avisado',
      agency: 'Xalapa',
      redirectUris: [`${site.url}/told`],
      backchannelLogoutUri: told.url,
      auth: 'none',
    })
    const page = await signedIn(t)
    const { url } = await begin(await discover(system.url, 'told', oidc.None()), `${site.url}/told`, 'openid', { pushed: false })
    await page.goto(url.href)
    await page.getByRole('button', { name: 'Permitir y seguir' }).click()
    await page.waitForURL(`${site.url}/told?**`)
    await page.goto(`${system.url}/me`)
    await page.getByRole('button', { name: 'Salir' }).click()
    for (let i = 0; i < 400 && told.got.length === 0; i++) await new Promise((r) => setTimeout(r, 25))
    assert.ok(told.got[0]?.get('logout_token'))
  })
})
