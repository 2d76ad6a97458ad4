/** Builders for tests: a browser without scripts that follows the way through the portal, and the tools of a client that others wrote. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oidc from 'openid-client'

/** An answer, read whole. */
export type Seen = {
  readonly status: number
  readonly url: string
  readonly location: string | null
  readonly headers: Headers
  readonly body: string
}

/** A browser: keeps cookies by path, sends forms, and stops before it leaves `origin`. */
export class Browser {
  readonly #jar = new Map<string, { value: string; path: string }>()
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  /** Brings a cookie along, as `name=value`. */
  keep(cookie: string): void {
    const at = cookie.indexOf('=')
    this.#jar.set(cookie.slice(0, at), { value: cookie.slice(at + 1), path: '/' })
  }

  async #ask(url: URL, form?: Record<string, string>): Promise<Seen> {
    const cookies = [...this.#jar].filter(([, c]) => url.pathname.startsWith(c.path)).map(([name, c]) => `${name}=${c.value}`)
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: cookies.join('; '), accept: 'text/html' },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    })
    for (const set of response.headers.getSetCookie()) {
      const [pair, ...attributes] = set.split('; ')
      const name = pair!.slice(0, pair!.indexOf('='))
      const path = attributes.find((a) => a.toLowerCase().startsWith('path='))?.slice(5) ?? '/'
      if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(set)) this.#jar.delete(name)
      else this.#jar.set(name, { value: pair!.slice(name.length + 1), path })
    }
    const location = response.headers.get('location')
    return {
      status: response.status,
      url: url.href,
      location: location && new URL(location, url).href,
      headers: response.headers,
      body: await response.text(),
    }
  }

  /** Opens an address and follows redirects inside the portal, also those that a page makes by itself. */
  async open(address: string | URL, form?: Record<string, string>): Promise<Seen> {
    let seen = await this.#ask(new URL(address, this.#origin), form)
    for (let hops = 0; hops < 20; hops++) {
      const onward = seen.location ?? /^0; url=(.+)$/.exec(seen.headers.get('refresh') ?? '')?.[1]
      if (!onward || new URL(onward, seen.url).origin !== new URL(this.#origin).origin) return seen
      seen = await this.#ask(new URL(onward, seen.url))
    }
    throw new Error(`Too many redirects: ${seen.url}`)
  }

  /** Sends the form of a page whose action is this, with its hidden fields. */
  async send(page: Seen, action: string, fields: Record<string, string> = {}): Promise<Seen> {
    const form = page.body.split('<form').find((part) => part.includes(`action="${action}"`))
    if (!form) throw new Error(`There is no form to ${action} on ${page.url}: ${page.body.slice(0, 300)}`)
    const hidden = Object.fromEntries(
      [...form.split('</form>')[0]!.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)].map((m) => [m[1]!, m[2]!]),
    )
    return this.open(action, { ...hidden, ...fields })
  }

  /** Agrees on the page that asks. */
  agree(page: Seen): Promise<Seen> {
    return this.send(page, new URL(page.url).pathname, { answer: 'agree' })
  }
}

/** What a client of another agency knows of the portal, by discovery; plain http of this computer is allowed. */
export function discover(
  portal: string,
  id: string,
  auth?: oidc.ClientAuth,
  metadata?: Partial<oidc.ClientMetadata>,
): Promise<oidc.Configuration> {
  return oidc.discovery(new URL(portal), id, metadata, auth, { execute: [oidc.allowInsecureRequests] })
}

/** A request to sign in: by the back channel where `pushed`. */
export async function begin(
  config: oidc.Configuration,
  redirectUri: string,
  scope: string,
  { pushed = true, dpop, ...more }: { pushed?: boolean; dpop?: oidc.DPoPHandle } & Record<string, unknown> = {},
) {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const parameters = {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(more as Record<string, string>),
  }
  const options = dpop ? { DPoP: dpop } : undefined
  const url = pushed ? await oidc.buildAuthorizationUrlWithPAR(config, parameters, options) : oidc.buildAuthorizationUrl(config, parameters)
  return { url, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true } }
}

/** A neighbour that takes what is posted to it, on a free port of this computer; `fails` answers with 503 so many times first. */
export async function listener({ fails = 0 } = {}): Promise<{ url: string; got: URLSearchParams[]; close(): void }> {
  const got: URLSearchParams[] = []
  let left = fails
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (left-- > 0) return void response.writeHead(503).end()
    got.push(new URLSearchParams(body))
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, got, close: () => server.close() }
}
