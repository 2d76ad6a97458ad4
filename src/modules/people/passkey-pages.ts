/** Routes of passkeys: signing in by one, and the account's page of ways in. */
import { Type } from 'typebox'
import { Problem } from '#kernel/problem'
import { type Reply, type Request, signedIn, type Web } from '#web'
import { ownPath } from './address.ts'
import * as views from './passkey-views.ts'
import type { Passkeys } from './passkeys.ts'

const Response = Type.Object({ response: Type.String({ maxLength: 20_000 }), name: Type.Optional(Type.String({ maxLength: 200 })) })
// A credential's id, base64url.
const OnePasskey = Type.Object({ id: Type.String({ pattern: '^[\\w-]{1,1500}$' }), name: Type.Optional(Type.String({ maxLength: 200 })) })

/** What the routes need of those beside them. */
export type PasskeyRoutes = {
  readonly passkeys: Passkeys
  /** The browser's mark, to which what is asked of a device is bound. */
  readonly browserOf: (request: Request, reply: Reply) => string
  /** From here the browser holds the new session alone. */
  readonly enter: (request: Request, reply: Reply, token: string, to: string) => Promise<unknown>
  readonly deviceOf: (request: Request) => string
  /** The page where one signs in, with what was wrong. */
  readonly signInPage: (request: Request, reply: Reply, next: string, error: string) => unknown
  /** Whether the person has a duty that asks for a passkey, whatever the session may. */
  readonly hasDuty: (request: Request) => Promise<boolean>
  /** What an account is called where devices list it. */
  readonly nameOf: (request: Request) => Promise<string>
}

const codeOf = (error: unknown): string => {
  if (!(error instanceof Problem)) throw error
  if (error.code !== 'people/passkey-refused' && error.code !== 'invalid') throw error
  return error.fields[0]?.code ?? 'wrong'
}

/** Adds the routes. */
export function passkeyPages(web: Web, o: PasskeyRoutes): void {
  const { passkeys } = o

  web.route({
    method: 'POST',
    url: '/sign-in/passkey/options',
    access: 'public',
    schema: {},
    handler: (request, reply) => passkeys.enterOptions(o.browserOf(request, reply)),
  })

  web.route({
    method: 'POST',
    url: '/sign-in/passkey',
    access: 'public',
    schema: { body: Type.Object({ response: Type.String({ maxLength: 20_000 }), next: Type.Optional(Type.String({ maxLength: 2_000 })) }) },
    handler: async (request, reply) => {
      const to = ownPath(request.body.next)
      try {
        const { token } = await passkeys.enter(o.browserOf(request, reply), {
          response: request.body.response,
          device: o.deviceOf(request),
        })
        return await o.enter(request, reply, token, to)
      } catch (error) {
        const code = codeOf(error)
        reply.code(422)
        return o.signInPage(request, reply, to, views.refusalWords(request.visitor.language, code))
      }
    },
  })

  web.route({
    method: 'GET',
    url: '/sign-in/step-up',
    access: 'signed-in',
    schema: {
      querystring: Type.Object({
        level: Type.Optional(Type.Integer({ minimum: 2, maximum: 3 })),
        next: Type.Optional(Type.String({ maxLength: 2_000 })),
        // Where who asks would like to know more and takes less.
        optional: Type.Optional(Type.Literal('1')),
      }),
    },
    handler: async (request, reply) => {
      const level = (request.query.level ?? 2) as 2 | 3
      const optional = request.query.optional === '1'
      const next = ownPath(request.query.next)
      const { missing, hasPasskey } = await passkeys.lacks(signedIn(request), level)
      // Who comes back with everything goes on where they were.
      if (missing.length === 0) return reply.redirect(next, 303)
      return views.stepUpPage(request, reply, {
        missing,
        hasPasskey,
        next,
        optional,
        here: `/sign-in/step-up?level=${level}${optional ? '&optional=1' : ''}&next=${encodeURIComponent(next)}`,
      })
    },
  })

  async function page(request: Request, reply: Reply, more: Parameters<typeof views.accessPage>[3] = {}) {
    const visitor = signedIn(request)
    const [found, { way }, duty] = await Promise.all([passkeys.of(visitor), passkeys.began(visitor), o.hasDuty(request)])
    return views.accessPage(request, reply, { ...found, byPasskey: way === 'passkey', duty: duty && way !== 'passkey' }, more)
  }
  const again = async (request: Request, reply: Reply, work: () => Promise<unknown>) => {
    try {
      return await work()
    } catch (error) {
      const code = codeOf(error)
      reply.code(422)
      return page(request, reply, { error: code })
    }
  }

  web.route({
    method: 'GET',
    url: '/me/access',
    access: 'signed-in',
    schema: { querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 20 })) }) },
    handler: (request, reply) => page(request, reply, { done: request.query.done }),
  })

  web.route({
    method: 'POST',
    url: '/me/access/options',
    access: 'signed-in',
    schema: {},
    handler: async (request, reply) => passkeys.addOptions(signedIn(request), o.browserOf(request, reply), await o.nameOf(request)),
  })

  web.route({
    method: 'POST',
    url: '/me/access/add',
    access: 'signed-in',
    schema: { body: Response },
    handler: (request, reply) =>
      again(request, reply, async () => {
        const { response, name = '' } = request.body
        await passkeys.add(signedIn(request), o.browserOf(request, reply), { response, name })
        return reply.redirect('/me/access?done=added', 303)
      }),
  })

  web.route({
    method: 'POST',
    url: '/me/access/rename',
    access: 'signed-in',
    schema: { body: OnePasskey },
    handler: async (request, reply) => {
      await passkeys.rename(signedIn(request), request.body.id, request.body.name ?? '')
      return reply.redirect('/me/access?done=renamed', 303)
    },
  })

  web.route({
    method: 'POST',
    url: '/me/access/remove',
    access: 'signed-in',
    schema: { body: OnePasskey },
    handler: async (request, reply) => {
      await passkeys.remove(signedIn(request), request.body.id)
      return reply.redirect('/me/access?done=removed', 303)
    },
  })

  web.route({
    method: 'POST',
    url: '/me/access/recovery',
    access: 'signed-in',
    schema: {},
    // No redirect: the codes are shown in this answer and nowhere else.
    handler: async (request, reply) => page(request, reply, { codes: await passkeys.newRecovery(signedIn(request)) }),
  })

  web.route({
    method: 'POST',
    url: '/me/access/recovery/use',
    access: 'signed-in',
    schema: { body: Type.Object({ code: Type.String({ maxLength: 60 }) }) },
    handler: (request, reply) =>
      again(request, reply, async () => {
        await passkeys.recover(signedIn(request), request.body.code)
        return reply.redirect('/me/access', 303)
      }),
  })

  web.route({
    method: 'POST',
    url: '/me/access/recovery/stop',
    access: 'signed-in',
    schema: {},
    handler: async (request, reply) => {
      await passkeys.stopRecovery(signedIn(request))
      return reply.redirect('/me/access?done=stopped', 303)
    },
  })
}
