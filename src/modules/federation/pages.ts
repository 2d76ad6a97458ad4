/** The routes of signing in between systems: the protocol's own, the page that asks a person's consent, and what they see and take back of it. */
import type { ServerResponse } from 'node:http'
import type { InteractionResults, Provider } from 'oidc-provider'
import { Type } from 'typebox'
import type { Db } from '#db'
import type { PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Clock } from '#kernel/time'
import type { People } from '#people'
import { formsEndAt, type Reply, type Request, signedIn, type Web } from '#web'
import { clientId } from './clients.ts'
import { assuranceOf, levelOf, wantedLevel } from './level.ts'
import { endpoints } from './provider.ts'
import { isScope } from './scopes.ts'
import * as store from './store.ts'
import * as views from './views.ts'

/** What the pages need. */
export type PagesDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly people: Pick<People, 'level' | 'person' | 'sessionStart'>
  readonly provider: () => Promise<Provider>
  /** Has the library answer. */
  readonly answer: (request: Request, response: ServerResponse) => Promise<void>
  /** The provider that people may sign in by, beside ours. */
  readonly outside: { readonly issuer: string; readonly name: string } | null
  /** Takes a consent back, with every token it gave. */
  readonly withdraw: (person: PersonId, client: string) => Promise<void>
}

const Uid = Type.Object({ uid: Type.String({ pattern: '^[\\w-]{21,64}$' }) })

/** Reasons for which a session that began before the question is not enough. */
const anew = ['login_prompt', 'max_age', 'id_token_hint']

/** Adds the routes. */
export function registerPages(web: Web, deps: PagesDeps): void {
  const { db, clock, people } = deps

  // ── The protocol ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  const { authorization, token, userinfo, jwks, pushed_authorization_request, introspection, revocation, end_session } = endpoints
  const raw = (methods: Parameters<Web['raw']>[0]['methods'], ...urls: readonly string[]) => {
    for (const url of urls) web.raw({ methods, url, access: 'public', handler: deps.answer })
  }
  raw(['GET', 'OPTIONS'], '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', jwks)
  raw(['GET'], authorization, `${authorization}/:uid`, end_session, `${end_session}/success`)
  raw(['POST'], `${end_session}/confirm`)
  raw(['POST', 'OPTIONS'], token, pushed_authorization_request, introspection, revocation)
  raw(['GET', 'POST', 'OPTIONS'], userinfo)

  // ── What is asked of the person ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The question of this address, in the browser that it was put to. Refuses `gone` any other. */
  async function questionOf(request: Request, reply: Reply, uid: string) {
    const provider = await deps.provider()
    const details = await provider.interactionDetails(request.raw, reply.raw).catch((error: Error) => {
      if (error.name !== 'SessionNotFound') throw error
      throw new Problem('gone', 'This sign-in is over: begin again at the page you came from.', { cause: error })
    })
    if (details.uid !== uid) throw new Problem('gone', 'This sign-in is over: begin again at the page you came from.')
    const client = await store.findClient(db, String(details.params.client_id))
    if (!client || client.disabled_at) throw new Problem('gone', 'This system signs nobody in any more.')
    return { provider, details, client }
  }
  type Question = Awaited<ReturnType<typeof questionOf>>

  /** The scopes that are asked for, in our order. */
  const asked = ({ details, client }: Question) =>
    client.scopes.filter((scope) => isScope(scope) && String(details.params.scope).split(' ').includes(scope))

  /** Who is here, as the client will be told: null when the person has to sign in for it. */
  async function loginOf(request: Request, { details }: Question) {
    const { person, session } = request.visitor
    const start = person !== null && session !== null ? await people.sessionStart(session) : null
    const sure = start && assuranceOf(start, (await people.level(session!)).level, await store.outsideSession(db, session!))
    if (!sure || person === null) return null
    const began = Math.floor(sure.since.getTime() / 1000)
    if (details.prompt.reasons.some((reason) => anew.includes(reason))) {
      const maxAge = details.prompt.reasons.includes('login_prompt') ? 0 : Number(details.params.max_age ?? 0)
      if (began < details.iat - maxAge) return null
    }
    return { accountId: person, ts: began, acr: sure.acr }
  }

  async function ask(request: Request, reply: Reply, uid: string, { back, asIs }: { back: boolean; asIs: boolean }) {
    const question = await questionOf(request, reply, uid)
    const { provider, details, client } = question
    if (details.prompt.name === 'login') {
      const login = await loginOf(request, question)
      const wanted = wantedLevel(details.params.acr_values)
      if (login && !asIs && wanted > levelOf(login.acr, {})) {
        const further = `/oidc/interaction/${uid}/back?as=is`
        return reply.redirect(`/sign-in/step-up?level=${wanted}&optional=1&next=${encodeURIComponent(further)}`, 303)
      }
      if (login) {
        const to = await provider.interactionResult(request.raw, reply.raw, { login })
        if (!back) return reply.redirect(to, 303)
        // A page of its own ends the way that the sign-in form began: browsers hold a form's whole way against `form-action`, which names no client.
        reply.header('refresh', `0; url=${to}`)
        return views.onwardPage(request, to, client)
      }
      const again = request.visitor.person === null ? '' : 'again=1&'
      return reply.redirect(`/sign-in?${again}next=${encodeURIComponent(`/oidc/interaction/${uid}/back`)}`, 303)
    }
    const person = await theirs(request, question)
    reply.header('content-security-policy', formsEndAt(new URL(String(details.params.redirect_uri)).origin))
    return views.consentPage(request, reply, { uid, client, person, scopes: asked(question) })
  }

  /** The person who is asked, and nobody else who sits at the same browser by now. */
  async function theirs(request: Request, { details }: Question) {
    const { person: id } = request.visitor
    const person = id !== null && id === details.session?.accountId ? await people.person(db, id) : null
    if (!person) throw new Problem('gone', 'Somebody else is signed in by now: begin again at the page you came from.')
    return person
  }

  for (const back of [false, true])
    web.route({
      method: 'GET',
      url: back ? '/oidc/interaction/:uid/back' : '/oidc/interaction/:uid',
      access: 'public',
      // `as=is`: comes from where a higher level could be reached, and goes on with what there is.
      schema: { params: Uid, querystring: Type.Object({ as: Type.Optional(Type.String({ maxLength: 5 })) }) },
      handler: (request, reply) => ask(request, reply, request.params.uid, { back, asIs: request.query.as === 'is' }),
    })

  web.route({
    method: 'POST',
    url: '/oidc/interaction/:uid',
    access: 'signed-in',
    schema: { params: Uid, body: Type.Object({ answer: Type.Union([Type.Literal('agree'), Type.Literal('refuse')]) }) },
    async handler(request, reply) {
      const question = await questionOf(request, reply, request.params.uid)
      const { provider, details, client } = question
      if (details.prompt.name !== 'consent') throw new Problem('gone', 'This sign-in is over: begin again at the page you came from.')
      const { id: person } = await theirs(request, question)
      reply.header('content-security-policy', formsEndAt(new URL(String(details.params.redirect_uri)).origin))
      const finish = async (result: InteractionResults) =>
        reply.redirect(await provider.interactionResult(request.raw, reply.raw, result), 303)
      if (request.body.answer === 'refuse') return finish({ error: 'access_denied', error_description: 'the person did not agree' })

      const before = (await store.findConsent(db, person, client.id)) ?? []
      const scopes = client.scopes.filter((scope) => before.includes(scope) || asked(question).includes(scope))
      await store.putConsent(db, person, client.id, scopes, clock.now())
      const grant = new provider.Grant({ accountId: person, clientId: client.id })
      grant.addOIDCScope(scopes.join(' '))
      return finish({ consent: { grantId: await grant.save() } })
    },
  })

  // ── What the person sees and takes back ─────────────────────────────────────────────────────────────────────────────────────────────

  web.route({
    method: 'GET',
    url: '/me/connected',
    access: 'signed-in',
    schema: { querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 1 })) }) },
    handler: async (request, reply) => {
      const { person } = signedIn(request)
      const { outside } = deps
      const since = outside && (await store.linkedSince(db, person, outside.issuer))
      return views.connectedPage(request, reply, {
        consents: await store.consentsOf(db, person),
        joined: outside && since ? { name: outside.name, since } : null,
        done: request.query.done === '1',
      })
    },
  })

  web.route({
    method: 'POST',
    url: '/me/connected',
    access: 'signed-in',
    schema: { body: Type.Object({ client: Type.String({ pattern: clientId.source }) }) },
    async handler(request, reply) {
      await deps.withdraw(signedIn(request).person, request.body.client)
      return reply.redirect('/me/connected?done=1', 303)
    },
  })

  web.route({
    method: 'POST',
    url: '/me/connected/outside',
    access: 'signed-in',
    schema: { body: Type.Object({}) },
    async handler(request, reply) {
      if (deps.outside) await store.dropLink(db, signedIn(request).person, deps.outside.issuer)
      return reply.redirect('/me/connected?done=1', 303)
    },
  })
}
