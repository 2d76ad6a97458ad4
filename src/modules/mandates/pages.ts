/** Routes of mandates: giving, taking up, reading and withdrawing, and what a counter does for who stands before it. */
import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import type { Html } from '#kernel/html'
import type { OfficeId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { readSignedForm, refusal, signedFormLimit } from '#signing'
import { atSecretAddress, type Reply, type Request, signedIn, type Web } from '#web'
import type { Draft, Mandate, MandatesDeps, Operations } from './mandates.ts'
import type { Kind } from './store.ts'
import { text } from './text.ts'
import * as views from './views.ts'

const Form = Type.Record(Type.String({ maxLength: 60 }), Type.Unknown())
const OneMandate = Type.Object({ code: Type.String({ maxLength: 20 }) })
const Invitation = Type.Object({ token: Type.String({ maxLength: 60 }) })
const OneOffice = Type.Object({ office: Type.String({ maxLength: 60 }) })
const AtOffice = Type.Object({ office: Type.String({ maxLength: 60 }), code: Type.String({ maxLength: 20 }) })

const field = (form: Record<string, unknown>, name: string, most = 300): string => {
  const value = form[name]
  return typeof value === 'string' ? value.slice(0, most) : ''
}

/** Pesos as typed in centavos; null for what is none. A comma before three digits separates thousands. */
export function centavosOf(typed: string): number | null {
  const m = /^\$?\s*(\d{1,3}(?:,\d{3})*|\d{1,7})(?:\.(\d{1,2}))?$/.exec(typed.trim())
  return m ? Number(m[1]!.replaceAll(',', '')) * 100 + Number((m[2] ?? '').padEnd(2, '0')) : null
}

/** What is wrong with a form, by its fields; any other refusal goes on. */
export function errorsOf(error: unknown): views.Errors {
  if (!(error instanceof Problem) || error.code !== 'invalid') throw error
  return Object.fromEntries(error.fields.map((f) => [f.pointer.slice(1), f.code]))
}

/** Adds the routes. */
export function registerMandates(web: Web, deps: MandatesDeps, mandates: Operations): void {
  const { catalogue, clock } = deps
  const { mandatesPage } = views

  /** What the form offers: agencies that have services of their own here, as the beginning of their ids. */
  function offered(request: Request, service: string): views.Offered {
    const l = request.visitor.language
    const agencies = new Map<string, string>()
    for (const agency of Object.keys(catalogue.agencies))
      for (const { base } of catalogue.search({ agency, limit: 1 }).items)
        if (/^federal\/[^/]+\//.test(base)) agencies.set(base.slice(0, base.lastIndexOf('/') + 1), catalogue.agencyName(agency, l))
    const found = service === '' ? null : catalogue.get(service)
    return {
      service: found ? { id: found.id, name: found.text(l, 'name') } : null,
      agencies: [...agencies].map(([prefix, name]) => ({ prefix, name })).sort((a, b) => a.name.localeCompare(b.name, l)),
      today: mandates.today(),
    }
  }

  const identified = async (request: Request): Promise<boolean> => {
    const person = await deps.people.person(deps.db, signedIn(request).person)
    return person?.name != null && person.identities.length > 0
  }

  const done = (request: Request, what: string | undefined): string | null =>
    what && ['signed', 'accepted', 'declined', 'ended', 'discarded'].includes(what)
      ? text(request.visitor.language, `done.${what}` as 'done.signed')
      : null

  web.route({
    method: 'GET',
    url: mandatesPage,
    access: 'signed-in',
    schema: { querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 20 })) }) },
    handler: async (request, reply) =>
      views.listPage({ request, reply }, await mandates.of(signedIn(request)), done(request, request.query.done)),
  })

  web.route({
    method: 'GET',
    url: `${mandatesPage}/new`,
    access: 'signed-in',
    schema: {
      querystring: Type.Object({
        kind: Type.Optional(Type.String({ maxLength: 20 })),
        service: Type.Optional(Type.String({ maxLength: 150 })),
        helper: Type.Optional(Type.String({ maxLength: 20 })),
        oneCase: Type.Optional(Type.String({ maxLength: 20 })),
        asked: Type.Optional(Type.String({ maxLength: 5 })),
      }),
    },
    handler: async (request, reply) => {
      if (!(await identified(request))) return views.identifyPage(request)
      const { kind: chosen, service = '', helper, oneCase, asked } = request.query
      const kind = views.kindOf(chosen)
      const carried = { ...(service ? { service } : {}), ...(helper ? { helper } : {}), ...(oneCase ? { oneCase } : {}) }
      if (!kind) return views.kindPage(request, carried, asked !== undefined)
      return views.formPage({ request, reply }, kind, offered(request, service), {
        ...(helper ? { helper } : {}),
        ...(oneCase ? { oneCase } : {}),
      })
    },
  })

  web.route({
    method: 'POST',
    url: mandatesPage,
    access: 'signed-in',
    schema: { body: Form },
    handler: async (request, reply) => {
      const form = request.body
      const kind = views.kindOf(form.kind)
      if (!kind) return reply.redirect(`${mandatesPage}/new?asked=1`, 303)
      try {
        const code = await mandates.draft(signedIn(request), draftOf(kind, form))
        return reply.redirect(`${mandatesPage}/${code}`, 303)
      } catch (error) {
        const errors = errorsOf(error)
        reply.code(422)
        const typed = Object.fromEntries(Object.entries(form).filter(([, v]) => typeof v === 'string')) as views.Typed
        return views.formPage({ request, reply }, kind, offered(request, field(form, 'service', 150)), typed, errors)
      }
    },
  })

  async function one(request: Request, reply: Reply, code: string, more: Partial<Parameters<typeof views.onePage>[2]> = {}): Promise<Html> {
    const m = await mandates.one(signedIn(request), code)
    return views.onePage({ request, reply }, m, {
      servicesWords: mandates.servicesWords(request.visitor.language, m.services),
      ending: null,
      now: clock.now(),
      ...more,
    })
  }

  web.route({
    method: 'GET',
    url: `${mandatesPage}/:code`,
    access: 'signed-in',
    schema: {
      params: OneMandate,
      querystring: Type.Object({
        done: Type.Optional(Type.String({ maxLength: 20 })),
        withdraw: Type.Optional(Type.String({ maxLength: 5 })),
      }),
    },
    handler: async (request, reply) => {
      const { code } = request.params
      const ending = request.query.withdraw ? await mandates.ending(signedIn(request), code) : null
      return one(request, reply, code, { ending, done: done(request, request.query.done) })
    },
  })

  const signed = (path: 'sign' | 'withdraw', take: (request: Request, code: string, signature: Buffer) => Promise<void>, told: string) =>
    web.route({
      method: 'POST',
      url: `${mandatesPage}/:code/${path}`,
      access: 'signed-in',
      schema: { params: OneMandate },
      bodyLimit: signedFormLimit,
      handler: async (request, reply) => {
        const { code } = request.params
        try {
          const { signature } = await readSignedForm(request)
          await take(request, code, signature)
        } catch (error) {
          const errors = refusal(request.visitor.language, error)
          reply.code(422)
          const ending = path === 'withdraw' ? await mandates.ending(signedIn(request), code) : null
          return one(request, reply, code, { ending, error: errors })
        }
        return reply.redirect(`${mandatesPage}/${code}?done=${told}`, 303)
      },
    })
  signed('sign', (request, code, signature) => mandates.sign(signedIn(request), code, signature), 'signed')
  signed('withdraw', (request, code, signature) => mandates.end(signedIn(request), code, signature), 'ended')

  const act = (name: string, work: (request: Request, code: string) => Promise<unknown>, to: (code: string) => string) =>
    web.route({
      method: 'POST',
      url: `${mandatesPage}/:code/${name}`,
      access: 'signed-in',
      schema: { params: OneMandate },
      handler: async (request, reply) => {
        await work(request, request.params.code)
        return reply.redirect(to(request.params.code), 303)
      },
    })
  act(
    'discard',
    (request, code) => mandates.discard(signedIn(request), code),
    () => `${mandatesPage}?done=discarded`,
  )
  act(
    'accept',
    (request, code) => mandates.accept(signedIn(request), { code }),
    (code) => `${mandatesPage}/${code}?done=accepted`,
  )
  act(
    'decline',
    (request, code) => mandates.decline(signedIn(request), { code }),
    () => `${mandatesPage}?done=declined`,
  )
  act(
    'end',
    (request, code) => mandates.end(signedIn(request), code),
    (code) => `${mandatesPage}/${code}?done=ended`,
  )

  const file = (reply: Reply, name: string, type: string) =>
    reply.type(type).header('content-disposition', `attachment; filename="${name}"`)

  web.route({
    method: 'GET',
    url: `${mandatesPage}/:code/statement`,
    access: 'signed-in',
    schema: { params: OneMandate },
    handler: async (request, reply) => {
      const m = await mandates.one(signedIn(request), request.params.code)
      file(reply, `${m.code}.txt`, 'text/plain; charset=utf-8')
      return Buffer.from(m.statement, 'utf8')
    },
  })
  web.route({
    method: 'GET',
    url: `${mandatesPage}/:code/withdrawal`,
    access: 'signed-in',
    schema: { params: OneMandate },
    handler: async (request, reply) => {
      const statement = await mandates.ending(signedIn(request), request.params.code)
      file(reply, `${request.params.code}-retiro.txt`, 'text/plain; charset=utf-8')
      return Buffer.from(statement, 'utf8')
    },
  })
  web.route({
    method: 'GET',
    url: `${mandatesPage}/:code/signature`,
    access: 'signed-in',
    schema: { params: OneMandate, querystring: Type.Object({ of: Type.Optional(Type.String({ maxLength: 10 })) }) },
    handler: async (request, reply) => {
      const m = await mandates.one(signedIn(request), request.params.code)
      const found = request.query.of === 'end' ? m.endSignature : m.signature
      if (!found) throw new Problem('not-found', 'There is no such signature.')
      file(reply, `${m.code}.p7s`, 'application/pkcs7-signature')
      return found.cms
    },
  })

  // ── Who was invited. The address is a secret: it goes to no other page, and nothing of it is kept by a browser. ──────────────────────────

  web.route({
    method: 'GET',
    url: '/mandates/:token',
    access: 'signed-in',
    schema: { params: Invitation },
    handler: async (request, reply) => {
      const { token } = request.params
      const m = await mandates.invited(signedIn(request), token)
      atSecretAddress(reply)
      return views.invitedPage({ request, reply }, token, m, mandates.servicesWords(request.visitor.language, m.services))
    },
  })
  web.route({
    method: 'POST',
    url: '/mandates/:token/accept',
    access: 'signed-in',
    schema: { params: Invitation },
    handler: async (request, reply) => {
      const code = await mandates.accept(signedIn(request), { token: request.params.token })
      atSecretAddress(reply)
      return reply.redirect(`${mandatesPage}/${code}?done=accepted`, 303)
    },
  })
  web.route({
    method: 'POST',
    url: '/mandates/:token/decline',
    access: 'signed-in',
    schema: { params: Invitation },
    handler: async (request, reply) => {
      await mandates.decline(signedIn(request), { token: request.params.token })
      atSecretAddress(reply)
      return reply.redirect(`${mandatesPage}?done=declined`, 303)
    },
  })

  // ── At a counter ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  const clerks = { roles: ['clerk'] } as const
  const counter = (
    request: Request,
    reply: Reply,
    office: OfficeId,
    found: Mandate | null,
    more: { typed?: string; errors?: views.Errors; done?: string | null } = {},
  ) =>
    views.counterPage({ request, reply }, office, {
      found,
      digest: found ? createHash('sha256').update(found.statement).digest('hex') : '',
      servicesWords: found ? mandates.servicesWords(request.visitor.language, found.services) : '',
      typed: more.typed ?? '',
      errors: more.errors ?? {},
      done: more.done ?? null,
    })

  web.route({
    method: 'GET',
    url: '/counter/:office/mandates',
    access: clerks,
    schema: {
      params: OneOffice,
      querystring: Type.Object({
        code: Type.Optional(Type.String({ maxLength: 30 })),
        done: Type.Optional(Type.String({ maxLength: 20 })),
      }),
    },
    handler: async (request, reply) => {
      const office = request.params.office as OfficeId
      const clerk = signedIn(request)
      mandates.atCounter(clerk, office)
      const l = clerk.language
      const { code, done: told } = request.query
      const words = told === 'seen' ? text(l, 'counter.done') : told === 'ended' ? text(l, 'counter.ended') : null
      if (code === undefined || code.trim() === '') return counter(request, reply, office, null, { done: words })
      try {
        return counter(request, reply, office, await mandates.readAtCounter(clerk, office, code))
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'not-found') throw error
        reply.code(404)
        return counter(request, reply, office, null, { typed: code, errors: { code: 'code' } })
      }
    },
  })
  web.route({
    method: 'POST',
    url: '/counter/:office/mandates/:code',
    access: clerks,
    schema: { params: AtOffice, body: Form },
    handler: async (request, reply) => {
      const office = request.params.office as OfficeId
      const clerk = signedIn(request)
      const { code } = request.params
      try {
        await mandates.seenAtCounter(clerk, office, code, {
          statement: field(request.body, 'statement'),
          certificateSeen: request.body.seen === 'yes',
        })
      } catch (error) {
        const errors = errorsOf(error)
        reply.code(422)
        return counter(request, reply, office, await mandates.readAtCounter(clerk, office, code), {
          errors: 'seen' in errors ? { seen: 'seen' } : errors,
        })
      }
      return reply.redirect(`/counter/${office}/mandates?done=seen`, 303)
    },
  })
  web.route({
    method: 'POST',
    url: '/counter/:office/mandates/:code/end',
    access: clerks,
    schema: { params: AtOffice },
    handler: async (request, reply) => {
      const office = request.params.office as OfficeId
      await mandates.endAtCounter(signedIn(request), office, request.params.code)
      return reply.redirect(`/counter/${office}/mandates?done=ended`, 303)
    },
  })
}

/** The form as a draft. */
function draftOf(kind: Kind, form: Record<string, unknown>): Draft {
  const get = (name: string) => field(form, name)
  const service = field(form, 'service', 150)
  const scope = kind === 'helper' ? 'one' : get('scope')
  const services =
    scope === 'one' && service ? [service] : scope === 'agency' && get('agency') ? [get('agency')] : scope === 'all' ? [] : null
  return {
    kind,
    companyName: get('companyName'),
    companyRfc: get('companyRfc'),
    childName: get('childName'),
    childCurp: get('childCurp'),
    self: get('self') !== 'no',
    name: get('name'),
    identity: get('identity'),
    email: get('email'),
    helper: get('helper'),
    // Nothing chosen is not everything: what is no service's id is refused.
    services: services ?? [''],
    maySign: form.maySign === 'yes',
    from: views.dayParts(form, 'from') ?? '',
    until: views.dayParts(form, 'until') ?? '',
    capCentavos: centavosOf(get('cap')),
    oneCase: get('oneCase'),
  }
}
