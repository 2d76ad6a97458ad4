/** The OpenID provider: how the library is set up. It is loaded when first asked for, for it takes a third of a second and 45 MB. */

import type { JsonWebKey } from 'node:crypto'
import { createHmac } from 'node:crypto'
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Db } from '#db'
import type { PersonId } from '#kernel/id'
import type { Clock } from '#kernel/time'
import type { Keys } from '#keys'
import type { People } from '#people'
import { formsEndAt, type Request, type Visitor } from '#web'
import { adapterOf, hashOf, type Vault } from './adapter.ts'
import { clientId, metadataOf, secretWord } from './clients.ts'
import { acrValues, levelOf, wantedLevel } from './level.ts'
import { claimsFor, claimsOf, isPersonal, scopes } from './scopes.ts'
import * as store from './store.ts'
import * as views from './views.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** Where the endpoints lie. The issuer is the portal itself, so that discovery is where the specification looks for it. */
export const endpoints = {
  authorization: '/oidc/auth',
  token: '/oidc/token',
  userinfo: '/oidc/userinfo',
  jwks: '/oidc/jwks',
  pushed_authorization_request: '/oidc/request',
  introspection: '/oidc/introspection',
  revocation: '/oidc/revocation',
  end_session: '/oidc/logout',
} as const

/** What the provider needs. */
export type ProviderDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly keys: Pick<Keys, 'secret' | 'encrypt' | 'decrypt'>
  readonly people: Pick<People, 'person' | 'recordRelease' | 'signOut'>
  readonly publicUrl: string
  readonly vault: Vault
  readonly log: { error(about: object, words: string): void }
  /** The portal's request that the library is answering. */
  readonly asking: () => Request | undefined
  /** A client could not be told now that a session is over: it is told later. */
  readonly tellLater: (client: string, person: string, sid: string) => Promise<void>
}

/** The cookies' names and attributes. `__Host-` pins a cookie to this host; those bound to one path may only be `__Secure-`. */
function cookiesOf(publicUrl: string, keys: ProviderDeps['keys']): NonNullable<Configuration['cookies']> {
  const secure = publicUrl.startsWith('https:')
  const common = { httpOnly: true, sameSite: 'lax' as const, secure, signed: true, overwrite: true }
  const path = secure ? '__Secure-' : ''
  return {
    keys: [keys.secret('federation/cookies').toString('base64url')],
    names: { session: `${secure ? '__Host-' : ''}oidc`, interaction: `${path}oidc-interaction`, resume: `${path}oidc-resume` },
    long: { ...common, path: '/' },
    short: common,
  }
}

/** A provider that signs with the first of these keys and publishes all. */
export async function openProvider(deps: ProviderDeps, jwks: readonly JsonWebKey[]): Promise<Provider> {
  const { db, clock, keys, people, publicUrl } = deps
  const { errors, interactionPolicy, Provider } = await import('oidc-provider')
  const subjects = keys.secret('federation/subjects')
  const visitor = (): Visitor => deps.asking()!.visitor

  // The portal's own session says who is here: the protocol's holds only as long, and for the same person.
  const policy = interactionPolicy.base()
  policy.get('login')!.checks.add(
    new interactionPolicy.Check('portal_session', 'the person is not signed in at the portal', 'login_required', async ({ oidc }) => {
      const { session, result } = oidc
      if (session?.accountId === undefined || result?.login) return interactionPolicy.Check.NO_NEED_TO_PROMPT
      const { person, session: portal } = visitor()
      return person !== session.accountId || (await store.portalSessionOf(db, hashOf(session.jti))) !== portal
    }),
  )

  // A wish for a level is no condition (OpenID Connect Core): the person is led to where they can reach it, once, and what was reached is told.
  policy.get('login')!.checks.add(
    new interactionPolicy.Check('acr_wanted', 'a higher level is asked for', 'login_required', ({ oidc }) => {
      const { session, result, params } = oidc
      if (session?.accountId === undefined || result?.login) return interactionPolicy.Check.NO_NEED_TO_PROMPT
      return wantedLevel(params?.acr_values) > levelOf(session.acr, {})
    }),
  )

  const page = (ctx: KoaContextWithOIDC, html: { text: string }, status?: number) => {
    ctx.type = 'text/html; charset=utf-8'
    if (status !== undefined) ctx.status = status
    ctx.body = html.text
  }

  const provider: Provider = new Provider(publicUrl, {
    acrValues,
    adapter: (kind: string) =>
      adapterOf(
        {
          db,
          clock,
          vault: deps.vault,
          portalSession: () => deps.asking()?.visitor.session ?? null,
          refusals: { usedBefore: () => new errors.InvalidGrant('this was used before') },
          client: async (id) => {
            const row = clientId.test(id) ? await store.findClient(db, id) : null
            return row ? metadataOf(row) : undefined
          },
        },
        kind,
      ),
    jwks: { keys: jwks as never },
    routes: endpoints,
    cookies: cookiesOf(publicUrl, keys),
    scopes: [...scopes],
    claims: { openid: ['sub', 'acr', 'auth_time'], ...claimsOf, iss: null, sid: null },
    // Personal data go by the userinfo endpoint alone: a token in an address or a log tells nobody's name.
    conformIdTokenClaims: true,
    responseTypes: ['code'],
    subjectTypes: ['pairwise'],
    clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'none'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256', 'PS256', 'RS256'],
      idTokenSigningAlgValues: ['ES256', 'RS256'],
      dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519'],
    },
    extraClientMetadata: { properties: ['agency'] },
    pkce: { required: () => true },
    clockTolerance: 5,
    enableHttpPostMethods: false,
    allowOmittingSingleRegisteredRedirectUri: false,
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: false },
      dPoP: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => client.clientId === token.clientId },
      revocation: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          const to = ctx.oidc.session?.state?.postLogoutRedirectUri
          if (typeof to === 'string') ctx.set('content-security-policy', formsEndAt(new URL(to).origin))
          page(ctx, views.leavePage(deps.asking()!, form, ctx.oidc.client?.clientName))
        },
        postLogoutSuccessSource: (ctx) => page(ctx, views.leftPage(deps.asking()!)),
      },
    },
    ttl: {
      AccessToken: 10 * minute,
      AuthorizationCode: minute,
      Grant: 90 * day,
      IdToken: 10 * minute,
      Interaction: hour,
      RefreshToken: 30 * day,
      Session: 12 * hour,
    },
    rotateRefreshToken: true,
    // A browser's own client asks from its page, any other from its server.
    clientBasedCORS: (_ctx, origin, client) =>
      client.clientAuthMethod === 'none' && client.redirectUris!.some((uri) => URL.parse(uri)?.origin === origin),
    pairwiseIdentifier: (_ctx, account, client) =>
      // Another name in each sector: two agencies cannot put together what they know of somebody by it.
      createHmac('sha256', subjects).update(`${client.sectorIdentifier}\0${account}`).digest('base64url'),
    interactions: { policy, url: (_ctx, interaction) => `/oidc/interaction/${interaction.uid}` },
    async findAccount(ctx, account) {
      const person = await people.person(db, account as PersonId)
      if (!person) return undefined
      return {
        accountId: account,
        async claims(use, scope) {
          const granted = scope.split(' ')
          const client = ctx.oidc.client
          if (use === 'userinfo' && client && granted.some(isPersonal))
            await people.recordRelease(db, person.id, `${client.clientName} (${client.agency})`)
          return { sub: account, ...claimsFor(person, granted) }
        },
      }
    },
    async loadExistingGrant({ oidc }) {
      const { clientId } = oidc.client!
      const account = oidc.session!.accountId!
      const grantId = oidc.result?.consent?.grantId ?? oidc.session!.grantIdFor(clientId)
      const found = grantId ? await provider.Grant.find(grantId) : undefined
      if (found?.accountId === account) return found
      const consented = await store.findConsent(db, account as PersonId, clientId)
      if (!consented) return undefined
      const grant = new provider.Grant({ accountId: account, clientId })
      grant.addOIDCScope(consented.join(' '))
      await grant.save()
      return grant
    },
    // The one address it calls is where a client wants to hear of logouts, and operators wrote it down: a private network of the government is none to keep away from.
    fetch: (url, { dispatcher: _guarded, ...options }: RequestInit & { dispatcher?: unknown } = {}) => fetch(url, options),
    renderError: (ctx, out) => page(ctx, views.errorPage(deps.asking()!, out.error, out.error_description), ctx.status),
  })

  // What we say of this request's address counts: the library takes scheme and host from it, and a proxy of ours may have said something else.
  provider.proxy = true
  // A secret is kept as its hash: what a client brings is compared by its own.
  const client = provider.Client.prototype as unknown as { compareClientSecret(given: string): boolean }
  const compare = client.compareClientSecret
  client.compareClientSecret = function (given) {
    return compare.call(this, secretWord(given))
  }
  // Whoever leaves by another system's page and says so leaves the portal too, in the same answer.
  provider.use(async (ctx, next) => {
    await next()
    const oidc = (ctx as KoaContextWithOIDC).oidc
    if (oidc?.route !== 'end_session_confirm' || !oidc.params?.logout || ctx.status !== 303) return
    const { session, person } = visitor()
    // Who came to this browser after the one who leaves stays.
    if (session !== null && person === oidc.session?.accountId) await people.signOut({ session })
  })
  // Where the library lets a form send itself by a script in the page, a page of ours has a button.
  provider.use(async (ctx, next) => {
    await next()
    const form = typeof ctx.body === 'string' ? /<form method="post" action="([^"]*)">([\s\S]*?)<noscript>/.exec(ctx.body) : null
    if (!form) return
    const to = URL.parse(form[1]!.replaceAll('&amp;', '&'))
    if (to && to.origin !== publicUrl) ctx.set('content-security-policy', formsEndAt(to.origin))
    page(ctx as KoaContextWithOIDC, views.submitPage(deps.asking()!, form[1]!, form[2]!))
  })
  provider.on('backchannel.error', (_ctx, _error, client, account, sid) => {
    deps
      .tellLater(client.clientId, account, sid!)
      .catch((error) => deps.log.error({ err: error }, 'a client is not told of a session that is over'))
  })
  provider.on('server_error', (_ctx, error) => deps.log.error({ err: error }, 'bug in the provider'))
  // What the library's own base would print.
  provider.on('error' as 'server_error', (error: unknown) => deps.log.error({ err: error }, 'bug in the provider'))
  return provider
}
