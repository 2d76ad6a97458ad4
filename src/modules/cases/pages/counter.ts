/** The routes of counters: a clerk types for the person present, in the same form that anyone fills in at home. */
import { Type } from 'typebox'
import type { FormFields, Service } from '#catalogue'
import { type OfficeId, parseReference, type Reference, type ServiceId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { holds, type Reply, type Request, type SignedIn, signedIn, type Web } from '#web'
import type { Deps } from '../deps.ts'
import type { Filings } from '../filing.ts'
import type { Case } from '../store.ts'
import * as store from '../store.ts'
import { Form, field, OneOffice, officeOf } from './desk.ts'
import { text } from './staff-text.ts'
import * as views from './staff-views.ts'

const OneFiling = Type.Object({ office: OneOffice.properties.office, reference: Type.String({ maxLength: 20 }) })

/** What is wrong with the person's name or number, in the words of these pages; any other refusal goes on. */
export function identityErrors(error: unknown): views.Errors {
  if (!(error instanceof Problem)) throw error
  if (error.code === 'not-found') return { identity: 'error.nobody' }
  if (error.code === 'forbidden') return { identity: 'error.oneself' }
  if (error.code !== 'invalid') throw error
  const wrong = new Set(error.fields.map((f) => f.pointer))
  if (!['/identity', '/name', '/email'].some((f) => wrong.has(f))) throw error
  return {
    ...(wrong.has('/identity') ? { identity: 'error.identity' as const } : {}),
    ...(wrong.has('/name') ? { name: 'error.name' as const } : {}),
    ...(wrong.has('/email') ? { email: 'error.email' as const } : {}),
  }
}

/** Adds the routes of counters. */
export function registerCounter(web: Web, deps: Deps, { filings }: { readonly filings: Filings }): void {
  const { db, catalogue, people } = deps
  const clerks = { roles: ['clerk'] } as const

  /** The clerk at this counter. Refuses with `not-found` an office that is not, with `forbidden` another's. */
  function atCounter(request: Request, params: { office: string }): { clerk: SignedIn; office: OfficeId } {
    const office = officeOf(deps, params)
    const clerk = signedIn(request)
    if (!holds(clerk, ['clerk'], office)) throw new Problem('forbidden', 'This is another counter.')
    return { clerk, office }
  }

  /** What is filed at this office and may be filed at a counter. */
  const servicesAt = (office: OfficeId): Service[] =>
    catalogue.servedAt(office).filter((s) => s.definition.channels.includes('counter') && catalogue.officeFor(s) === office)

  const page = (request: Request, reply: Reply, office: OfficeId, more: { errors?: views.Errors; typed?: FormFields } = {}) =>
    views.counterPage({ request, reply }, deps, office, servicesAt(office), more)

  web.route({
    method: 'GET',
    url: '/counter/:office',
    access: clerks,
    schema: { params: OneOffice },
    handler: (request, reply) => page(request, reply, atCounter(request, request.params).office),
  })

  web.route({
    method: 'POST',
    url: '/counter/:office',
    access: clerks,
    schema: { params: OneOffice, body: Form },
    handler: async (request, reply) => {
      const { clerk, office } = atCounter(request, request.params)
      const form = request.body
      const { language } = clerk
      const service = servicesAt(office).find((s) => s.id === field(form, 'service', 150))
      const again = (errors: views.Errors) => {
        reply.code(422)
        return page(request, reply, office, { errors, typed: form })
      }
      if (!service) return again({ service: 'error.service' })
      const shown = { identity: field(form, 'identity', 60), name: field(form, 'name', 300), language }
      let met: Awaited<ReturnType<typeof people.registerAtCounter>>
      let reference: Reference
      try {
        met = await db.tx((tx) => people.registerAtCounter(tx, clerk, office, shown))
        reference = await filings.start(clerk, { service: service.id as ServiceId, for: { person: met.person, office } })
      } catch (error) {
        return again(identityErrors(error))
      }
      const href = `/cases/${reference}`
      // Somebody known goes on as they are: nothing of their account is told to the counter.
      if (!met.slip) return reply.redirect(href, 303)
      return views.slipPage({ request, reply }, deps, office, met.slip, { href, words: text(language, 'slip.go-on') })
    },
  })

  web.route({
    method: 'GET',
    url: '/counter/:office/restore',
    access: clerks,
    schema: { params: OneOffice },
    handler: (request, reply) => views.restorePage({ request, reply }, deps, atCounter(request, request.params).office, {}),
  })

  web.route({
    method: 'POST',
    url: '/counter/:office/restore',
    access: clerks,
    schema: { params: OneOffice, body: Form },
    handler: async (request, reply) => {
      const { clerk, office } = atCounter(request, request.params)
      const form = request.body
      const email = field(form, 'email', 300).trim()
      try {
        const { slip } = await db.tx((tx) =>
          people.restoreAtCounter(tx, clerk, office, {
            identity: field(form, 'identity', 60),
            name: field(form, 'name', 300),
            email: email === '' ? null : email,
          }),
        )
        return views.slipPage({ request, reply }, deps, office, slip, {
          href: `/counter/${office}`,
          words: text(clerk.language, 'slip.back'),
        })
      } catch (error) {
        const errors = identityErrors(error)
        reply.code(422)
        return views.restorePage({ request, reply }, deps, office, { errors, typed: form })
      }
    },
  })

  web.route({
    method: 'GET',
    url: '/counter/:office/confirm',
    access: clerks,
    schema: { params: OneOffice, querystring: Type.Object({ reference: Type.String({ maxLength: 30 }) }) },
    handler: (request, reply) => {
      const { office } = atCounter(request, request.params)
      const reference = parseReference(request.query.reference)
      if (reference) return reply.redirect(`/counter/${office}/cases/${reference}/confirm`, 303)
      reply.code(422)
      return page(request, reply, office, { errors: { reference: 'error.reference' }, typed: { reference: request.query.reference } })
    },
  })

  /** A filing that this clerk took at this counter and that has been filed. Any other reads as absent. */
  async function taken(clerk: SignedIn, office: OfficeId, typed: string) {
    const reference = parseReference(typed)
    const c = reference ? await filings.peek(clerk, reference) : null
    if (!c || c.takenBy !== clerk.person || c.office !== office) throw new Problem('not-found', 'There is no such case.')
    if (c.state === 'draft') throw new Problem('cases/incomplete', 'File it first.')
    return c
  }

  /** Whether the applicant has a proved contact: a code goes there, and the counter adds none. */
  const hasContact = async (c: Case) => {
    const person = await people.person(db, c.applicant)
    return (person?.email ?? person?.phone) != null
  }

  web.route({
    method: 'GET',
    url: '/counter/:office/cases/:reference/confirm',
    access: clerks,
    schema: { params: OneFiling },
    handler: async (request, reply) => {
      const { clerk, office } = atCounter(request, request.params)
      const c = await taken(clerk, office, request.params.reference)
      const how = (await store.eventsOf(db, c)).find((e) => e.kind === 'confirmed-by-code' || e.kind === 'signed-on-paper')?.kind ?? null
      return views.confirmFilingPage({ request, reply }, deps, office, c.reference, { stage: 'choose', how, known: await hasContact(c) })
    },
  })

  web.route({
    method: 'POST',
    url: '/counter/:office/cases/:reference/confirm',
    access: clerks,
    schema: { params: OneFiling, body: Form },
    handler: async (request, reply) => {
      const { clerk, office } = atCounter(request, request.params)
      const form = request.body
      const c = await taken(clerk, office, request.params.reference)
      const known = await hasContact(c)
      const show = (stage: views.ConfirmStage, errors?: views.Errors) => {
        if (errors) reply.code(422)
        return views.confirmFilingPage({ request, reply }, deps, office, c.reference, {
          stage,
          how: null,
          known,
          ...(errors ? { errors, typed: form } : {}),
        })
      }
      const done = async (how: 'confirmed-by-code' | 'signed-on-paper') => {
        await filings.confirmAtCounter(clerk, c.reference, how)
        return reply.redirect(`/counter/${office}/cases/${c.reference}/confirm`, 303)
      }
      const browser = people.browserOf(request, reply)
      const network = request.ip
      const confirms = { person: c.applicant, reference: c.reference }
      switch (field(form, 'how', 20)) {
        case 'paper':
          return done('signed-on-paper')
        case 'email':
          if (known) return show('choose')
          try {
            const typed = field(form, 'email', 300)
            const address = people.takesPhones && !typed.includes('@') ? { phone: typed } : { email: typed }
            await people.askContact(clerk, c.applicant, { ...address, browser, network, language: clerk.language, office })
            return show('code')
          } catch (error) {
            if (error instanceof Problem && error.code === 'forbidden') return show('choose', { email: 'error.no-new-contact' })
            if (error instanceof Problem && error.code === 'people/helpers-contact')
              return show('choose', { email: 'error.helpers-contact' })
            if (error instanceof Problem && error.fields.some((f) => f.pointer === '/phone'))
              return show('choose', { email: 'error.phone' })
            return show('choose', identityErrors(error))
          }
        case 'code':
          try {
            const { person } = await people.confirmContact(clerk, { code: field(form, 'code', 50), browser, network })
            // The code was for somebody else's contact: it proves nothing about this filing.
            if (person !== c.applicant) throw new Problem('people/code-wrong', 'The code is another person’s.')
          } catch (error) {
            if (!(error instanceof Problem)) throw error
            if (error.code === 'people/code-expired') return show('choose', { email: 'error.code-expired' })
            if (error.code === 'conflict') return show('choose', { email: 'error.contact-taken' })
            if (error.code === 'people/code-wrong' || error.code === 'invalid') return show('code', { code: 'error.code-wrong' })
            throw error
          }
          return done('confirmed-by-code')
        case 'contact':
          if (!known) return show('choose')
          await people.askConfirmation(clerk, confirms, { office, browser, network })
          return show('contact-code')
        case 'contact-code':
          try {
            await people.confirmByCode(clerk, confirms, { code: field(form, 'code', 50), office, browser, network })
          } catch (error) {
            if (!(error instanceof Problem)) throw error
            if (error.code === 'people/code-expired') return show('choose', { contact: 'error.code-expired' })
            if (error.code === 'people/code-wrong') return show('contact-code', { code: 'error.code-wrong' })
            throw error
          }
          return done('confirmed-by-code')
        default:
          return show('choose')
      }
    },
  })
}
