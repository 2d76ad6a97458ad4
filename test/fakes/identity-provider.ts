/** Another identity provider, written by hand so that it can lie: each test bends what it answers. Plain http on this computer. */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = Record<string, unknown>

/** What the next sign-in is answered with. */
export type Bend = {
  /** Changes the claims of the ID token. */
  claims?: (claims: Json) => Json
  /** Changes the header of the ID token; with `alg: none` it has no signature. */
  header?: Json
  /** Signs with a key that is not published. */
  forged?: boolean
  /** Changes the address that the browser is sent back to. */
  back?: (url: URL) => void
  /** What userinfo says. */
  userinfo?: Json
  /** Answers the token endpoint by this instead. */
  tokenStatus?: number
}

export type IdentityProvider = {
  readonly issuer: string
  /** How it answers from now on. */
  bend: Bend
  /** The person that its browser is signed in as. */
  person: { sub: string; acr?: string; email?: string; email_verified?: boolean; auth_time?: number }
  /** How requests came: by the browser or ahead, with which parameters. */
  readonly asked: { pushed: boolean; parameters: URLSearchParams }[]
  close(): void
}

const part = (o: Json) => Buffer.from(JSON.stringify(o)).toString('base64url')

function jwt(header: Json, claims: Json, key: KeyObject): string {
  const body = `${part(header)}.${part(claims)}`
  if (header.alg === 'none') return `${body}.`
  return `${body}.${sign('sha256', Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** Starts it on a free port. Without `pushes` it takes no requests ahead. */
export async function openIdentityProvider({ pushes = true } = {}): Promise<IdentityProvider> {
  const [own, stranger] = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('ec', { namedCurve: 'P-256' })]
  const ahead = new Map<string, URLSearchParams>()
  const codes = new Map<string, URLSearchParams>()
  const asked: IdentityProvider['asked'] = []

  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { issuer } = it
    const url = new URL(request.url!, issuer)
    const json = (status: number, answer: Json) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    if (url.pathname === '/.well-known/openid-configuration')
      return json(200, {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/me`,
        jwks_uri: `${issuer}/jwks`,
        ...(pushes ? { pushed_authorization_request_endpoint: `${issuer}/par` } : {}),
        authorization_response_iss_parameter_supported: true,
        id_token_signing_alg_values_supported: ['ES256'],
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        code_challenge_methods_supported: ['S256'],
      })
    if (url.pathname === '/jwks')
      return json(200, { keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: '1', alg: 'ES256', use: 'sig' }] })
    if (url.pathname === '/par') {
      const uri = `urn:${randomUUID()}`
      ahead.set(uri, new URLSearchParams(body))
      return json(201, { request_uri: uri, expires_in: 60 })
    }
    if (url.pathname === '/auth') {
      const pushed = url.searchParams.get('request_uri')
      const parameters = pushed ? ahead.get(pushed)! : url.searchParams
      asked.push({ pushed: pushed !== null, parameters })
      const code = randomUUID()
      codes.set(code, parameters)
      const to = new URL(parameters.get('redirect_uri')!)
      for (const [name, value] of Object.entries({ code, state: parameters.get('state')!, iss: issuer })) to.searchParams.set(name, value)
      it.bend.back?.(to)
      return response.writeHead(303, { location: to.href }).end()
    }
    if (url.pathname === '/token') {
      const given = new URLSearchParams(body)
      const parameters = codes.get(given.get('code') ?? '')
      codes.delete(given.get('code') ?? '')
      const challenge = createHash('sha256')
        .update(given.get('code_verifier') ?? '')
        .digest('base64url')
      if (it.bend.tokenStatus) return json(it.bend.tokenStatus, { error: 'server_error' })
      if (!parameters || parameters.get('code_challenge') !== challenge) return json(400, { error: 'invalid_grant' })
      const now = Math.floor(Date.now() / 1000)
      const { sub, acr, auth_time } = it.person
      const claims = { iss: issuer, aud: 'portal', sub, iat: now, exp: now + 300, nonce: parameters.get('nonce'), acr, auth_time }
      return json(200, {
        access_token: randomUUID(),
        token_type: 'bearer',
        id_token: jwt(
          { alg: 'ES256', kid: '1', ...it.bend.header },
          it.bend.claims?.(claims) ?? claims,
          (it.bend.forged ? stranger : own).privateKey,
        ),
      })
    }
    if (url.pathname === '/me') {
      const { sub, email, email_verified } = it.person
      return json(200, { sub, email, email_verified, ...it.bend.userinfo })
    }
    response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const it: IdentityProvider = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bend: {},
    person: { sub: 'nobody' },
    asked,
    close: () => server.close(),
  }
  return it
}
