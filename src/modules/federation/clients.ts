/** The systems that sign people in by this portal, as their operators register them. */
import { createHash, randomBytes } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import { type FieldProblem, Problem } from '#kernel/problem'
import { isScope, scopes } from './scopes.ts'
import type { ClientRow } from './store.ts'

/** What an operator says of a client. */
export type ClientInput = {
  readonly id: string
  readonly name: string
  readonly agency: string
  readonly redirectUris: readonly string[]
  readonly postLogoutUris?: readonly string[]
  readonly backchannelLogoutUri?: string | null
  /** `openid` is always among them. */
  readonly scopes?: readonly string[]
  readonly auth: ClientRow['auth']
  /** For `private_key_jwt`: the client's public keys. */
  readonly jwks?: unknown
  /** Whether its tokens are bound to a key of its own (RFC 9449). */
  readonly dpop?: boolean
  /** What its ID tokens are signed with; ES256 unless told. */
  readonly idTokenAlg?: ClientRow['id_token_alg']
}

/** What a client's id looks like. */
export const clientId = /^[a-z0-9][a-z0-9-]{1,62}$/

const loopback = /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/
const privateParts = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']

/** The SHA-256 of a client's secret, as the library compares it. */
export const secretWord = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/**
 * A client as it is kept, and its secret where it has one, which is told once. Refuses with one `invalid` that names all that is wrong: addresses are https, or
 * in development of this computer, and all of one host, which is what a person's name there is bound to.
 */
export function newClient(typed: ClientInput, production: boolean, now: Date): { row: ClientRow; secret: string | null } {
  const faults: FieldProblem[] = []
  const refuse = (pointer: string, detail: string) => void faults.push({ pointer, code: 'invalid', detail })

  const address = (pointer: string, uri: string): URL | null => {
    const url = URL.parse(uri)
    const here = url?.protocol === 'http:' && loopback.test(url.hostname) && !production
    if (url && (url.protocol === 'https:' || here) && !url.hash && !url.username && !url.password && uri.length <= 500) return url
    refuse(pointer, `${uri} must be an https address${production ? '' : ', or http of this computer'}, without a fragment or a password.`)
    return null
  }

  if (!clientId.test(typed.id)) refuse('/id', 'The id has 2 to 63 small letters, digits and dashes.')
  const name = typed.name.trim()
  const agency = typed.agency.trim()
  if (name.length < 2 || name.length > 120) refuse('/name', 'The name has 2 to 120 letters.')
  if (agency.length < 2 || agency.length > 200) refuse('/agency', 'The agency has 2 to 200 letters.')
  if (typed.redirectUris.length === 0 || typed.redirectUris.length > 20) refuse('/redirectUris', 'Give 1 to 20 redirect addresses.')
  const hosts = new Set(typed.redirectUris.map((uri) => address('/redirectUris', uri)?.host))
  if (hosts.size > 1) refuse('/redirectUris', 'All redirect addresses are of one host: another host is another client.')
  for (const uri of typed.postLogoutUris ?? []) address('/postLogoutUris', uri)
  if (typed.backchannelLogoutUri) address('/backchannelLogoutUri', typed.backchannelLogoutUri)
  const asked = [...new Set(['openid', ...(typed.scopes ?? [])])]
  for (const scope of asked) if (!isScope(scope)) refuse('/scopes', `There is no scope ${scope}. There are: ${scopes.join(', ')}.`)
  const jwks = typed.auth === 'private_key_jwt' ? publicKeys(typed.jwks, (detail) => refuse('/jwks', detail)) : null

  if (faults.length > 0) throw new Problem('invalid', faults.map((f) => f.detail).join(' '), { fields: faults })
  const secret = typed.auth === 'client_secret_basic' ? randomBytes(32).toString('base64url') : null
  return {
    secret,
    row: {
      id: typed.id,
      name,
      agency,
      redirect_uris: typed.redirectUris,
      post_logout_uris: typed.postLogoutUris ?? [],
      backchannel_logout_uri: typed.backchannelLogoutUri ?? null,
      scopes: asked,
      auth: typed.auth,
      secret_hash: secret === null ? null : Buffer.from(secretWord(secret), 'hex'),
      jwks,
      dpop: typed.dpop ?? false,
      id_token_alg: typed.idTokenAlg ?? 'ES256',
      created_at: now,
      disabled_at: null,
    },
  }
}

function publicKeys(given: unknown, refuse: (detail: string) => void): ClientRow['jwks'] {
  const keys = (given as { keys?: unknown } | undefined)?.keys
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > 10 || keys.some((k) => typeof k !== 'object' || k === null)) {
    refuse('The JWK set has 1 to 10 public keys: {"keys": […]}.')
    return null
  }
  if (keys.some((k) => privateParts.some((part) => part in k))) {
    refuse('The JWK set holds a private key. Take a new pair and give its public half alone.')
    return null
  }
  return { keys: keys as Record<string, unknown>[] }
}

/** The client as the library knows it; undefined when it is disabled. */
export function metadataOf(row: ClientRow): AdapterPayload | undefined {
  if (row.disabled_at !== null) return undefined
  return {
    client_id: row.id,
    client_name: row.name,
    redirect_uris: [...row.redirect_uris],
    post_logout_redirect_uris: [...row.post_logout_uris],
    ...(row.backchannel_logout_uri
      ? { backchannel_logout_uri: row.backchannel_logout_uri, backchannel_logout_session_required: true }
      : {}),
    scope: row.scopes.join(' '),
    token_endpoint_auth_method: row.auth,
    // The library is given the hash for the secret, and the hash of what a client brings to compare it with.
    ...(row.secret_hash ? { client_secret: row.secret_hash.toString('hex') } : {}),
    ...(row.jwks ? { jwks: row.jwks as never } : {}),
    grant_types: ['authorization_code', ...(row.scopes.includes('offline_access') ? ['refresh_token'] : [])],
    response_types: ['code'],
    response_modes: ['query'],
    subject_type: 'pairwise',
    id_token_signed_response_alg: row.id_token_alg,
    require_auth_time: true,
    // A client that can keep a secret sends its requests by the back channel, where nobody changes them.
    require_pushed_authorization_requests: row.auth !== 'none',
    dpop_bound_access_tokens: row.dpop,
    agency: row.agency,
  }
}
