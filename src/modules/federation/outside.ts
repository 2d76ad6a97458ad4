/** Signing in by an outside provider: the way there and back, and whose account it is. */

import type { Configuration, IDToken } from 'openid-client'
import { Type } from 'typebox'
import type { Db } from '#db'
import type { PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { type Clock, hourMs, minuteMs } from '#kernel/time'
import type { Keys } from '#keys'
import { maskEmail, ownPath, type People } from '#people'
import { type Reply, type Request, signedIn, type Web } from '#web'
import { assuranceOf, type Level, type LevelsByAcr, levelOf } from './level.ts'
import * as store from './store.ts'
import * as views from './views.ts'

/** The provider, as the operator names it. */
export type OutsideProvider = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string | null
  /** In words, for the sign-in page. */
  readonly name: string
  readonly levels: LevelsByAcr
}

/** What signing in from outside needs. */
export type OutsideDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly keys: Pick<Keys, 'secret' | 'encrypt' | 'decrypt'>
  readonly people: Pick<People, 'enter' | 'newAccount' | 'ownerOf' | 'sessionStart'>
  readonly publicUrl: string
  readonly production: boolean
}

/** Where the way to the provider begins. */
export const outsideUrl = '/sign-in/with'
const backUrl = `${outsideUrl}/back`
const linkUrl = `${outsideUrl}/link`
const newUrl = `${outsideUrl}/new`

const onTheWayMs = 15 * minuteMs
const sessionLongestMs = 12 * hourMs
const freshMs = hourMs

/** What the browser keeps of a way that is under way, sealed: it cannot be read or made, and another browser does not have it. */
type OnTheWay = { readonly verifier: string; readonly state: string; readonly nonce: string; readonly next: string; readonly until: number }
/** Whom the provider vouched for, while the person says whose account it is. */
type Arrived = {
  readonly sub: string
  readonly level: Level
  readonly since: number
  readonly next: string
  readonly until: number
  /** The address belongs to an account here: only who proves that account may have it. */
  readonly known: boolean
  /** The address that the provider told of, as it may be shown. */
  readonly address: string | null
}

/** Adds the routes of signing in by this provider. */
export function registerOutside(web: Web, deps: OutsideDeps, provider: OutsideProvider): void {
  const { db, clock, keys, people, publicUrl } = deps
  const secure = publicUrl.startsWith('https:')
  const sealing = keys.secret('federation/outside')
  const cookieOptions = { path: '/', httpOnly: true, sameSite: 'lax' as const, secure }
  const nameOf = (what: 'way' | 'arrived') => `${secure ? '__Host-' : ''}outside-${what}`

  const seal = (reply: Reply, what: 'way' | 'arrived', content: OnTheWay | Arrived) =>
    reply.setCookie(nameOf(what), keys.encrypt(sealing, Buffer.from(JSON.stringify(content)), what).toString('base64url'), {
      ...cookieOptions,
      maxAge: onTheWayMs / 1000,
    })
  function open<T extends OnTheWay | Arrived>(request: Request, what: 'way' | 'arrived'): T | null {
    try {
      const found = JSON.parse(keys.decrypt(sealing, Buffer.from(request.cookies[nameOf(what)] ?? '', 'base64url'), what).toString()) as T
      return found.until > clock.now().getTime() ? found : null
    } catch {
      return null
    }
  }
  const over = () => new Problem('gone', 'This sign-in is over: begin again.')

  // The library and the provider's description are fetched when first needed, and again after an hour.
  let found: { readonly config: Promise<Configuration>; readonly since: number } | null = null
  function configuration(oidc: typeof import('openid-client')): Promise<Configuration> {
    if (found && performance.now() - found.since < freshMs) return found.config
    const { issuer, clientId, clientSecret } = provider
    const config = oidc.discovery(
      new URL(issuer),
      clientId,
      undefined,
      clientSecret === null ? oidc.None() : oidc.ClientSecretBasic(clientSecret),
      {
        timeout: 5,
        // The signature of the ID token is checked too, though it comes by our own connection.
        execute: [oidc.enableNonRepudiationChecks, ...(deps.production ? [] : [oidc.allowInsecureRequests])],
      },
    )
    const next = { config, since: performance.now() }
    found = next
    config.catch(() => {
      if (found === next) found = null
    })
    return config
  }

  /** Speaks with the provider. What fails there is a refusal here; of its cause the kind alone is noted, for the rest may be personal. */
  async function speak<T>(work: (oidc: typeof import('openid-client'), config: Configuration) => Promise<T>): Promise<T> {
    const oidc = await import('openid-client')
    try {
      return await work(oidc, await configuration(oidc))
    } catch (error) {
      const { name, code, error: told } = error as { name?: string; code?: string; error?: string }
      throw new Problem('federation/not-confirmed', `${provider.name} did not confirm who you are.`, {
        cause: new Error([name, code, told].filter((word) => typeof word === 'string').join(' ')),
      })
    }
  }

  web.route({
    method: 'GET',
    url: outsideUrl,
    access: 'public',
    schema: {
      querystring: Type.Object({
        next: Type.Optional(Type.String({ maxLength: 2000 })),
        again: Type.Optional(Type.String({ maxLength: 1 })),
      }),
    },
    async handler(request, reply) {
      const next = ownPath(request.query.next)
      const to = await speak(async (oidc, config) => {
        const way: OnTheWay = {
          verifier: oidc.randomPKCECodeVerifier(),
          state: oidc.randomState(),
          nonce: oidc.randomNonce(),
          next,
          until: clock.now().getTime() + onTheWayMs,
        }
        const parameters = {
          redirect_uri: `${publicUrl}${backUrl}`,
          scope: 'openid email',
          state: way.state,
          nonce: way.nonce,
          code_challenge: await oidc.calculatePKCECodeChallenge(way.verifier),
          code_challenge_method: 'S256',
          ...(request.query.again === '1' ? { prompt: 'login' } : {}),
        }
        const pushes = config.serverMetadata().pushed_authorization_request_endpoint !== undefined
        seal(reply, 'way', way)
        return pushes ? oidc.buildAuthorizationUrlWithPAR(config, parameters) : oidc.buildAuthorizationUrl(config, parameters)
      })
      return reply.redirect(to.href, 303)
    },
  })

  web.route({
    method: 'GET',
    url: backUrl,
    access: 'public',
    // What comes is the provider's; the library checks it.
    schema: { querystring: Type.Record(Type.String({ maxLength: 100 }), Type.String({ maxLength: 4000 })) },
    async handler(request, reply) {
      const way = open<OnTheWay>(request, 'way')
      if (!way) throw over()
      // Once: whoever comes with the same answer again begins anew.
      reply.clearCookie(nameOf('way'), cookieOptions)
      const said = await speak(async (oidc, config) => {
        const tokens = await oidc.authorizationCodeGrant(config, new URL(request.url, publicUrl), {
          pkceCodeVerifier: way.verifier,
          expectedState: way.state,
          expectedNonce: way.nonce,
          idTokenExpected: true,
        })
        const claims = tokens.claims()!
        const more = config.serverMetadata().userinfo_endpoint ? await oidc.fetchUserInfo(config, tokens.access_token, claims.sub) : {}
        return { ...more, ...claims } as IDToken & { email?: unknown; email_verified?: unknown }
      })
      const email = typeof said.email === 'string' && said.email_verified === true ? said.email : null
      const now = clock.now()
      const authTime = typeof said.auth_time === 'number' ? said.auth_time * 1000 : said.iat * 1000
      const arrived: Arrived = {
        sub: said.sub,
        level: levelOf(said.acr, provider.levels),
        since: Math.min(authTime, now.getTime()),
        next: way.next,
        until: now.getTime() + onTheWayMs,
        known: email !== null && (await ownerOf(email)) !== null,
        address: email && maskEmail(email),
      }
      const person = await store.findLink(db, provider.issuer, said.sub)
      if (person !== null) return enter(request, reply, person, arrived)
      seal(reply, 'arrived', arrived)
      return reply.redirect(linkUrl, 303)
    },
  })

  async function ownerOf(email: string): Promise<PersonId | null> {
    try {
      return (await people.ownerOf(email)) ?? null
    } catch (error) {
      if (error instanceof Problem) return null
      throw error
    }
  }

  async function enter(request: Request, reply: Reply, person: PersonId, { level, since, next }: Arrived) {
    const session = await people.enter(request, reply, person, 'email')
    await store.addOutsideSession(
      db,
      session,
      { level, authenticated_at: new Date(since) },
      new Date(clock.now().getTime() + sessionLongestMs),
    )
    reply.clearCookie(nameOf('arrived'), cookieOptions)
    return reply.redirect(next, 303)
  }

  web.route({
    method: 'GET',
    url: linkUrl,
    access: 'public',
    schema: {},
    async handler(request, reply) {
      const arrived = open<Arrived>(request, 'arrived')
      if (!arrived) throw over()
      return views.linkPage(request, reply, {
        name: provider.name,
        address: arrived.address,
        known: arrived.known,
        theirs: await surely(request),
        linkUrl,
        newUrl,
      })
    },
  })

  /** Whether who is signed in here may say that the account is theirs: not by a paper that was found. */
  async function surely(request: Request): Promise<boolean> {
    const { person, session } = request.visitor
    const start = person !== null && session !== null ? await people.sessionStart(session) : null
    return start !== null && assuranceOf(start, 1, null) !== null
  }

  web.route({
    method: 'POST',
    url: linkUrl,
    access: 'signed-in',
    schema: { body: Type.Object({}) },
    async handler(request, reply) {
      const arrived = open<Arrived>(request, 'arrived')
      if (!arrived) throw over()
      const { person } = signedIn(request)
      if (!(await surely(request))) throw new Problem('forbidden', 'Sign in by e-mail first: a receipt is not enough.')
      const added = await store.addLink(db, provider.issuer, arrived.sub, person, clock.now())
      if (!added && (await store.findLink(db, provider.issuer, arrived.sub)) !== person)
        throw new Problem('conflict', `This account is joined with another one at ${provider.name}.`)
      reply.clearCookie(nameOf('arrived'), cookieOptions)
      return reply.redirect(arrived.next, 303)
    },
  })

  web.route({
    method: 'POST',
    url: newUrl,
    access: 'public',
    schema: { body: Type.Object({}) },
    async handler(request, reply) {
      const arrived = open<Arrived>(request, 'arrived')
      if (!arrived) throw over()
      if (arrived.known) throw new Problem('forbidden', 'There is an account with this address: sign in to it first.')
      const person = await db.tx(async (tx) => {
        const account = await people.newAccount(tx, request.visitor.language)
        if (!(await store.addLink(tx, provider.issuer, arrived.sub, account, clock.now())))
          throw new Problem('conflict', `This account at ${provider.name} is joined with one here already.`)
        return account
      })
      return enter(request, reply, person, arrived)
    },
  })
}
