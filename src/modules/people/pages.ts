/** The routes of people, complete without scripts. What they show stands in views.ts. */
import { Type } from 'typebox'
import type { Html } from '#kernel/html'
import { type OfficeId, type PersonId, parseReference } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { atSecretAddress, type Reply, type Request, type Role, signedIn, type Visitor, type Web } from '#web'
import { type Accounts, administers, codeMinutes, parseGrant } from './accounts.ts'
import { ownPath } from './address.ts'
import { browserToken, type Cookies, deviceOf, holdSession } from './cookies.ts'
import type { PeopleDeps } from './index.ts'
import { passkeyPages } from './passkey-pages.ts'
import { personalDataPages } from './personal-data-pages.ts'
import * as views from './views.ts'

const line = (maxLength = 300) => Type.String({ maxLength })
const optionalLine = (maxLength = 500) => Type.Optional(line(maxLength))
const next = Type.Object({ next: optionalLine(2000) })
const usesPerPage = 50

/** The errors of a form as its page words them; any other problem goes on to the web part. */
function formErrors(error: unknown): views.FormErrors {
  if (!(error instanceof Problem)) throw error
  if (error.code === 'people/code-wrong') return { code: 'code-wrong' }
  if (error.code === 'people/code-expired') return { code: 'code-expired' }
  if (error.code === 'people/identity-taken') return { identity: 'identity-taken' }
  if (error.code === 'invalid' && error.fields.length > 0)
    return Object.fromEntries(error.fields.map((f) => [f.pointer.slice(1), f.code])) as views.FormErrors
  throw error
}

/** Runs a form's work; when it is refused for what was typed, the page comes again with its errors, as 422. */
async function orAgain(
  reply: Reply,
  work: () => Promise<unknown>,
  page: (errors: views.FormErrors) => Html | Promise<Html>,
): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    const errors = formErrors(error)
    reply.code(422)
    return page(errors)
  }
}

/** Adds the pages of people to the web part. */
export function pages(web: Web, own: Accounts, names: Cookies, deps: PeopleDeps & { readonly more: views.AccountLines }): void {
  const { db, outside = null, phones = false } = deps

  async function enter(request: Request, reply: Reply, token: string, to: string) {
    await holdSession(names, request, reply, token, own.signOut)
    return reply.redirect(to, 303)
  }

  // ── Signing in ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  web.route({
    method: 'GET',
    url: '/sign-in',
    access: 'public',
    // `again`: somebody who is signed in must show a stronger way in, or another system asks that they sign in anew.
    schema: { querystring: Type.Object({ next: optionalLine(2000), again: optionalLine(1) }) },
    handler: (request, reply) => {
      const to = ownPath(request.query.next)
      const again = request.query.again === '1'
      if (request.visitor.person !== null && !again) return reply.redirect(to, 303)
      return views.signInPage(request, reply, { next: to, again, outside, phones })
    },
  })

  web.route({
    method: 'POST',
    url: '/sign-in',
    access: 'public',
    // `email` is what other programs and saved forms call it; where short messages go out it may be a telephone number.
    schema: { body: Type.Object({ email: line(), next: optionalLine(2000) }) },
    handler: (request, reply) => {
      const { email } = request.body
      const typed = phones && !email.includes('@') ? { phone: email } : { email }
      const to = ownPath(request.body.next)
      return orAgain(
        reply,
        async () => {
          const browser = browserToken(names, request, reply)
          await own.askCode({ ...typed, browser, network: request.ip, language: request.visitor.language })
          return reply.redirect(`/sign-in/code?next=${encodeURIComponent(to)}`, 303)
        },
        () => views.signInPage(request, reply, { next: to, email, errors: { email: phones ? 'address' : 'email' }, outside, phones }),
      )
    },
  })

  const codePage = (request: Request, reply: Reply, to: string, errors?: views.FormErrors) =>
    views.codePage(request, reply, {
      title: 'code.title',
      action: '/sign-in/code',
      again: `/sign-in?next=${encodeURIComponent(to)}`,
      next: to,
      minutes: codeMinutes,
      devMail: deps.devMail === true,
      phones,
      errors,
    })

  web.route({
    method: 'GET',
    url: '/sign-in/code',
    access: 'public',
    schema: { querystring: next },
    handler: (request, reply) => codePage(request, reply, ownPath(request.query.next)),
  })

  web.route({
    method: 'POST',
    url: '/sign-in/code',
    access: 'public',
    schema: { body: Type.Object({ code: line(50), next: optionalLine(2000) }) },
    handler: (request, reply) => {
      const to = ownPath(request.body.next)
      return orAgain(
        reply,
        async () => {
          const found = await own.signInByCode({
            code: request.body.code,
            browser: browserToken(names, request, reply),
            network: request.ip,
            language: request.visitor.language,
            device: deviceOf(request),
          })
          if (found.person === null) return reply.redirect(`/sign-in/choose?next=${encodeURIComponent(to)}`, 303)
          return enter(request, reply, found.token, to)
        },
        (errors) => codePage(request, reply, to, errors),
      )
    },
  })

  if (phones) choosePages()

  /** Who of those that share a telephone number signs in: asked after the right code alone, in the browser that gave it. */
  function choosePages(): void {
    const choosePage = async (request: Request, reply: Reply, to: string, errors?: views.FormErrors) => {
      const people = await own.choice(browserToken(names, request, reply))
      if (people === null) return reply.redirect(`/sign-in?next=${encodeURIComponent(to)}`, 303)
      return views.choosePage(request, reply, { people, next: to, errors })
    }

    web.route({
      method: 'GET',
      url: '/sign-in/choose',
      access: 'public',
      schema: { querystring: next },
      handler: (request, reply) => choosePage(request, reply, ownPath(request.query.next)),
    })

    web.route({
      method: 'POST',
      url: '/sign-in/choose',
      access: 'public',
      schema: { body: Type.Object({ who: optionalLine(100), next: optionalLine(2000) }) },
      handler: async (request, reply) => {
        const to = ownPath(request.body.next)
        try {
          const { token } = await own.signInByChoice({
            who: request.body.who ?? '',
            browser: browserToken(names, request, reply),
            network: request.ip,
            language: request.visitor.language,
            device: deviceOf(request),
          })
          return enter(request, reply, token, to)
        } catch (error) {
          const errors = formErrors(error)
          // Over, or made already: a code is asked for anew.
          if (errors.code) return reply.redirect(`/sign-in?next=${encodeURIComponent(to)}`, 303)
          reply.code(422)
          return choosePage(request, reply, to, errors)
        }
      },
    })
  }

  web.route({
    method: 'GET',
    url: '/sign-in/receipt',
    access: 'public',
    schema: { querystring: next },
    handler: (request, reply) => views.receiptPage(request, reply, { next: ownPath(request.query.next) }),
  })

  web.route({
    method: 'POST',
    url: '/sign-in/receipt',
    access: 'public',
    schema: { body: Type.Object({ reference: line(50), secret: line(50), next: optionalLine(2000) }) },
    handler: (request, reply) => {
      const { reference, secret } = request.body
      const to = ownPath(request.body.next)
      return orAgain(
        reply,
        async () => {
          const { token } = await own.signInBySlip({
            reference: parseReference(reference),
            secret,
            network: request.ip,
            device: deviceOf(request),
          })
          return enter(request, reply, token, to)
        },
        () => views.receiptPage(request, reply, { next: to, reference, errors: { reference: 'slip' } }),
      )
    },
  })

  web.route({
    method: 'POST',
    url: '/sign-out',
    access: 'public',
    schema: {},
    handler: async (request, reply) => {
      const token = request.cookies[names.session]
      if (token) await own.signOut({ token })
      reply.clearCookie(names.session, names.options)
      // What the back button would show of the person's pages goes too.
      reply.header('clear-site-data', '"cache"')
      return reply.redirect('/', 303)
    },
  })

  personalDataPages(web, own.personalData)
  passkeyPages(web, {
    passkeys: own.passkeys,
    browserOf: (request, reply) => browserToken(names, request, reply),
    enter,
    deviceOf,
    signInPage: (request, reply, to, error) =>
      views.signInPage(request, reply, { next: to, again: true, outside, phones, passkeyError: error }),
    hasDuty: async (request) => deps.production === true && (await own.grants(db, signedIn(request).person)).length > 0,
    nameOf: async (request) => {
      const person = await own.person(db, signedIn(request).person)
      return person?.email ?? person?.name ?? 'Ventanilla'
    },
  })

  // ── The person's own pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  async function mePage(
    request: Request,
    reply: Reply,
    more: { saved?: boolean; next?: string; errors?: views.FormErrors; typed?: views.Typed },
  ) {
    const { person: id, session } = signedIn(request)
    const [person, contacts, events, sessions] = await Promise.all([
      own.person(db, id),
      own.contacts(id),
      own.events(id, 20),
      own.sessions(id),
    ])
    if (!person) throw new Problem('sign-in-first', 'This account is gone.')
    const way = sessions.find((s) => s.id === session)?.way ?? 'receipt'
    return views.mePage(request, reply, {
      person,
      contacts,
      events,
      way,
      officeName: officeName(request),
      lines: deps.more,
      phones,
      ...more,
    })
  }

  const officeName = (request: Request) => (office: string) => deps.officeName?.(office, request.visitor.language) ?? office

  web.route({
    method: 'GET',
    url: '/me',
    access: 'signed-in',
    schema: { querystring: Type.Object({ next: optionalLine(2000), saved: optionalLine(1) }) },
    handler: (request, reply) =>
      mePage(request, reply, {
        saved: request.query.saved === '1',
        ...(request.query.next ? { next: ownPath(request.query.next) } : {}),
      }),
  })

  // A form that was refused is shown at the address it was sent to; who comes to it again finds the page.
  for (const url of ['/me/identity', '/me/contacts'])
    web.route({ method: 'GET', url, access: 'signed-in', schema: {}, handler: (_request, reply) => reply.redirect('/me', 303) })

  web.route({
    method: 'POST',
    url: '/me/identity',
    access: 'signed-in',
    schema: { body: Type.Object({ name: line(), identity: line(50), next: optionalLine(2000) }) },
    handler: (request, reply) => {
      const { name, identity } = request.body
      const to = ownPath(request.body.next, '/me?saved=1')
      return orAgain(
        reply,
        async () => {
          await own.declareIdentity(signedIn(request), { name, identity }).catch((error) => {
            if (error instanceof Problem && error.code === 'conflict')
              throw new Problem('invalid', error.message, {
                fields: [{ pointer: '/identity', code: 'identity-seen', detail: error.message }],
              })
            throw error
          })
          return reply.redirect(to, 303)
        },
        (errors) => mePage(request, reply, { errors, typed: { name, identity }, ...(request.body.next ? { next: to } : {}) }),
      )
    },
  })

  web.route({
    method: 'POST',
    url: '/me/contacts',
    access: 'signed-in',
    schema: { body: Type.Object({ email: optionalLine(300), phone: optionalLine(300) }) },
    handler: (request, reply) => {
      const { email = '', phone } = request.body
      const typed = phones && phone !== undefined ? { phone } : { email }
      return orAgain(
        reply,
        async () => {
          const browser = browserToken(names, request, reply)
          const { language } = request.visitor
          await own.askContact(request.visitor, signedIn(request).person, {
            ...typed,
            browser,
            network: request.ip,
            language,
          })
          return reply.redirect('/me/contacts/code', 303)
        },
        (errors) => mePage(request, reply, { errors, typed }),
      )
    },
  })

  web.route({
    method: 'POST',
    url: '/me/contacts/end',
    access: 'signed-in',
    schema: { body: Type.Object({ id: Type.String({ format: 'uuid' }) }) },
    handler: async (request, reply) => {
      await own.endContact(signedIn(request), request.body.id)
      return reply.redirect('/me?saved=1', 303)
    },
  })

  const contactCodePage = (request: Request, reply: Reply, errors?: views.FormErrors) =>
    views.codePage(request, reply, {
      title: 'me.contact-confirm',
      action: '/me/contacts/code',
      again: '/me',
      next: '/me',
      minutes: codeMinutes,
      devMail: deps.devMail === true,
      phones,
      errors,
    })

  web.route({
    method: 'GET',
    url: '/me/contacts/code',
    access: 'signed-in',
    schema: {},
    handler: (request, reply) => contactCodePage(request, reply),
  })

  web.route({
    method: 'POST',
    url: '/me/contacts/code',
    access: 'signed-in',
    schema: { body: Type.Object({ code: line(50), next: optionalLine(2000) }) },
    handler: (request, reply) =>
      orAgain(
        reply,
        async () => {
          const browser = browserToken(names, request, reply)
          await own.confirmContact(request.visitor, { code: request.body.code, browser, network: request.ip }).catch((error) => {
            if (error instanceof Problem && error.code === 'conflict')
              throw new Problem('invalid', error.message, { fields: [{ pointer: '/code', code: 'contact-taken', detail: error.message }] })
            throw error
          })
          return reply.redirect('/me?saved=1', 303)
        },
        (errors) => contactCodePage(request, reply, errors),
      ),
  })

  web.route({
    method: 'GET',
    url: '/me/uses',
    access: 'signed-in',
    schema: { querystring: Type.Object({ before: Type.Optional(Type.String({ format: 'uuid' })) }) },
    handler: async (request, reply) => {
      const { person } = signedIn(request)
      const found = await own.uses(person, request.query.before ?? null, usesPerPage + 1)
      const uses = found.slice(0, usesPerPage)
      return views.usesPage(request, reply, {
        person,
        uses,
        older: found.length > usesPerPage ? `/me/uses?before=${uses.at(-1)!.id}` : null,
        officeName: officeName(request),
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/me/sessions',
    access: 'signed-in',
    schema: { querystring: Type.Object({ saved: optionalLine(1) }) },
    handler: async (request, reply) => {
      const { person, session } = signedIn(request)
      return views.sessionsPage(request, reply, { sessions: await own.sessions(person), session, saved: request.query.saved === '1' })
    },
  })

  web.route({
    method: 'POST',
    url: '/me/sessions',
    access: 'signed-in',
    schema: { body: Type.Object({ which: Type.Optional(Type.String({ pattern: '^[\\w-]{1,60}$' })) }) },
    handler: async (request, reply) => {
      const visitor = signedIn(request)
      const { which } = request.body
      if (which === undefined || which === 'others') await own.endOtherSessions(visitor.person, visitor.session)
      else await own.endSession(visitor, which === 'all' ? null : which)
      return reply.redirect(which === 'all' || which === visitor.session ? '/' : '/me/sessions?saved=1', 303)
    },
  })

  // ── Invites ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  const invite = Type.Object({ token: Type.String({ pattern: '^[\\w-]{43}$' }) })
  const invitePage = async (request: Request, reply: Reply, token: string, more: { errors?: views.FormErrors; name?: string } = {}) => {
    const found = await own.inviteOf(token, request.ip)
    return views.invitePage(request, reply, { token, invite: found, officeName: officeName(request), ...more })
  }

  // Looking takes nothing: mail programs follow links by themselves.
  web.route({
    method: 'GET',
    url: '/invites/:token',
    access: 'public',
    schema: { params: invite },
    handler: (request, reply) => {
      atSecretAddress(reply)
      return invitePage(request, reply, request.params.token)
    },
  })

  web.route({
    method: 'POST',
    url: '/invites/:token',
    access: 'public',
    schema: { params: invite, body: Type.Object({ name: optionalLine() }) },
    handler: (request, reply) =>
      orAgain(
        reply,
        async () => {
          const { token } = await own.takeInvite(request.visitor, request.params.token, {
            name: request.body.name ?? '',
            language: request.visitor.language,
            network: request.ip,
            device: deviceOf(request),
          })
          // There a passkey is added, without which a duty counts for nothing in production.
          const to = deps.production ? '/me/access' : '/me'
          return token === null ? reply.redirect(to, 303) : enter(request, reply, token, to)
        },
        (errors) => invitePage(request, reply, request.params.token, { errors, name: request.body.name ?? '' }),
      ),
  })

  // ── The administrator's page ────────────────────────────────────────────────────────────────────────────────────────────────────────

  const admins = { roles: ['admin'] } as const
  const administrator = (visitor: Visitor) => {
    if (!administers(visitor)) throw new Problem('forbidden', 'Only an administrator of the portal.')
    return visitor
  }
  const adminPage = async (request: Request, reply: Reply, more: views.AdminMore = {}) =>
    views.adminPage(request, reply, { staff: await own.staff(), officeName: officeName(request), ...more })

  web.route({
    method: 'GET',
    url: '/admin/people',
    access: admins,
    schema: { querystring: Type.Object({ done: optionalLine(20), office: optionalLine(100) }) },
    handler: (request, reply) => {
      administrator(request.visitor)
      return adminPage(request, reply, {
        done: request.query.done === 'given' || request.query.done === 'withdrawn' ? request.query.done : null,
        ...(request.query.office ? { typed: { office: request.query.office, role: 'official' } } : {}),
      })
    },
  })

  /** A slip of the pen would give a role over nothing, which looks like one over something. */
  const officeFault = (request: Request, role: Role, office: OfficeId) => {
    if (role === 'admin') return { code: 'office-none', detail: 'An administrator is of the whole system.' }
    if (deps.officeName && deps.officeName(office, request.visitor.language) === null)
      return { code: 'office-unknown', detail: 'There is no such office.' }
    return null
  }

  web.route({
    method: 'POST',
    url: '/admin/people/give',
    access: admins,
    schema: { body: Type.Object({ email: line(), role: line(50), office: optionalLine(100) }) },
    handler: (request, reply) => {
      const by = administrator(request.visitor)
      const { email, role, office = '' } = request.body
      return orAgain(
        reply,
        async () => {
          const grant = parseGrant(role, office)
          const wrong = grant.office !== null && officeFault(request, grant.role, grant.office)
          if (wrong) throw new Problem('invalid', wrong.detail, { fields: [{ pointer: '/office', ...wrong }] })
          const person = await own.ownerOf(email)
          if (person) {
            await db.tx((tx) => own.giveRole(tx, by, person, grant))
            return reply.redirect('/admin/people?done=given', 303)
          }
          const { link } = await own.invite(by, { email, role, office, language: by.language })
          return adminPage(request, reply, { link })
        },
        (errors) => adminPage(request, reply, { errors, typed: { email, role, office } }),
      )
    },
  })

  web.route({
    method: 'POST',
    url: '/admin/people/withdraw',
    access: admins,
    schema: { body: Type.Object({ person: Type.String({ format: 'uuid' }), role: line(50), office: optionalLine(100) }) },
    handler: (request, reply) => {
      const by = administrator(request.visitor)
      const { person, role, office = '' } = request.body
      return orAgain(
        reply,
        async () => {
          await db
            .tx((tx) => own.withdrawRole(tx, by, person as PersonId, parseGrant(role, office)))
            .catch((error) => {
              if (error instanceof Problem && error.code === 'conflict')
                throw new Problem('invalid', error.message, { fields: [{ pointer: '/staff', code: 'last-admin', detail: error.message }] })
              throw error
            })
          return reply.redirect('/admin/people?done=withdrawn', 303)
        },
        (errors) => adminPage(request, reply, { errors }),
      )
    },
  })
}
