/** The applicant's pages: from *start* to the decision. Routes here; the markup is in `citizen-views.ts`. */
import { Type } from 'typebox'
import type { FormFields } from '#catalogue'
import type { Html } from '#kernel/html'
import type { Reference, ServiceId } from '#kernel/id'
import { parseReference } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { covers } from '#mandates'
import { csrfHolds, type Reply, type Request, type SignedIn, signedIn, type Web } from '#web'
import type { Deps } from '../deps.ts'
import { type Filings, type Ground, grounds, type OpenCase } from '../filing.ts'
import type { Receipts } from '../receipt.ts'
import type { Submission } from '../submit.ts'
import * as views from './citizen-views.ts'

/** What the applicants' pages call. */
export type CitizenParts = { readonly filings: Filings; readonly submit: (s: Submission) => Promise<void>; readonly receipts: Receipts }

const OneCase = Type.Object({ reference: Type.String({ maxLength: 20 }) })
const Form = Type.Record(Type.String({ maxLength: 200 }), Type.Unknown())
const formOf = (body: unknown): FormFields => (body ?? {}) as FormFields

/** The reference in a URL, or `not-found`. */
function referenceOf(params: { reference: string }): Reference {
  const reference = parseReference(params.reference)
  if (!reference) throw new Problem('not-found', 'There is no such case.')
  return reference
}

/** The pages of a draft in order: those that ask, the papers, review. */
function stopsOf(o: OpenCase): string[] {
  return [...o.journey.pages.map((p) => p.id), ...(o.journey.papers.length > 0 ? ['papers'] : []), 'review']
}

function urlOf(reference: Reference, stop: string): string {
  if (stop === 'papers' || stop === 'review') return `/cases/${reference}/${stop}`
  return `/cases/${reference}/fill/${stop}`
}

/** Where a draft is best taken up again: its first unfinished stop. */
function resumeAt(o: OpenCase): string {
  const open = o.journey.pages.find((p) => !p.complete)
  return urlOf(o.c.reference, open ? open.id : o.missing.length > 0 ? 'papers' : 'review')
}

/** Adds the applicants' routes. */
export function registerCitizen(web: Web, deps: Deps, parts: CitizenParts): void {
  const { filings, submit, receipts } = parts

  /** A clerk's draft is seen by the clerk as its applicant would see it. */
  const open = (request: Request, reference: Reference) => filings.read(signedIn(request), reference)

  /** For whom a visitor may begin a case of this service today. */
  const mayStartFor = async (visitor: SignedIn, service: ServiceId) =>
    (await deps.mandates.acting(deps.db, visitor.person)).filter((a) => a.oneCase === null && covers(a.services, service))

  /** What was filed or answered meanwhile, in another tab or before the back button, leads to the case as it is. */
  const orToCase = async <T>(reply: Reply, reference: Reference, work: () => Promise<T>): Promise<T | Reply> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Problem) || (error.code !== 'cases/not-a-draft' && error.code !== 'cases/not-asked')) throw error
      return reply.redirect(`/cases/${reference}`, 303)
    }
  }

  async function onDraft(request: Request, reference: Reference): Promise<OpenCase> {
    const o = await open(request, reference)
    if (o.c.state !== 'draft') throw new Problem('cases/not-a-draft', 'This case was filed already.')
    return o
  }

  web.route({
    method: 'POST',
    url: '/cases',
    access: 'signed-in',
    schema: { body: Type.Object({ service: Type.String({ maxLength: 150 }), for: Type.Optional(Type.String({ maxLength: 20 })) }) },
    handler: async (request, reply) => {
      const visitor = signedIn(request)
      const service = request.body.service as ServiceId
      const acting = await mayStartFor(visitor, service)
      const chosen = request.body.for
      // Who may act for others says for whom; who may not has nothing to say.
      if (acting.length > 0 && chosen === undefined) return reply.redirect(`/cases/new?service=${encodeURIComponent(service)}`, 303)
      const one = acting.find((a) => a.code === chosen)
      if (chosen !== undefined && chosen !== 'me' && !one) throw new Problem('mandates/not-covered', 'No mandate of yours covers this.')
      const reference = await filings.start(visitor, { service, ...(one ? { principal: one.principal } : {}) })
      return reply.redirect(resumeAt(await open(request, reference)), 303)
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/new',
    access: 'signed-in',
    schema: { querystring: Type.Object({ service: Type.String({ maxLength: 150 }) }) },
    handler: async (request, reply) => {
      const visitor = signedIn(request)
      const service = deps.catalogue.get(request.query.service)
      if (!service) throw new Problem('catalogue/not-offered', 'There is no such service at that place.')
      const acting = await mayStartFor(visitor, service.id)
      if (acting.length === 0) return reply.redirect(`/services/${service.id}`, 303)
      return views.forWhomPage(request, reply, deps, service, acting)
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const { o, s } = await receipts.read(signedIn(request), referenceOf(request.params))
      if (o.c.state === 'draft') return reply.redirect(resumeAt(o), 303)
      return views.caseOverview(request, reply, deps, o, s)
    },
  })

  const showPage = (
    request: Request,
    reply: never,
    o: OpenCase,
    id: string,
    again?: { problems: OpenCase['journey']['problems']; doubts: OpenCase['journey']['problems']; typed: FormFields | null },
  ): Html => {
    const stops = stopsOf(o)
    const page = o.journey.pages.find((p) => p.id === id)
    if (!page) throw new Problem('not-found', 'There is no such page in this form.')
    const at = stops.indexOf(id)
    return views.fillPage(request, reply, deps, o, page, {
      back: at > 0 ? urlOf(o.c.reference, stops[at - 1]!) : `/services/${o.service.id}`,
      step: at + 1,
      of: stops.length,
      problems: again?.problems ?? [],
      doubts: again?.doubts ?? [],
      typed: again?.typed ?? null,
    })
  }
  const OnePage = Type.Object({ reference: Type.String({ maxLength: 20 }), page: Type.String({ maxLength: 60 }) })

  web.route({
    method: 'GET',
    url: '/cases/:reference/fill/:page',
    access: 'signed-in',
    schema: { params: OnePage },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        const o = await onDraft(request, reference)
        if (o.service.hash !== o.c.definition) return reply.redirect(`/cases/${reference}/changed`, 303)
        return showPage(request, reply as never, o, request.params.page)
      })
    },
  })

  web.route({
    method: 'POST',
    url: '/cases/:reference/fill/:page',
    access: 'signed-in',
    schema: { params: OnePage, body: Form },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        const typed = formOf(request.body)
        const { draft: o, ...accepted } = await filings.answer(signedIn(request), reference, request.params.page, typed)
        if (accepted.problems.length > 0) {
          reply.code(422)
          return showPage(request, reply as never, o, request.params.page, { problems: accepted.problems, doubts: accepted.doubts, typed })
        }
        if (accepted.again) return reply.redirect(urlOf(reference, request.params.page), 303)
        const stops = stopsOf(o)
        const next = stops[stops.indexOf(request.params.page) + 1] ?? 'review'
        // From *change* on the review page one comes back to it, unless an answer opened something new.
        const unfinished = o.journey.pages.some((p) => !p.complete) || o.missing.length > 0
        return reply.redirect(urlOf(reference, typed.return === 'review' && !unfinished ? 'review' : next), 303)
      })
    },
  })

  /** The page of papers; `wrong` says by paper what was wrong with what was just sent. */
  const showPapers = async (
    request: Request,
    reply: never,
    reference: Reference,
    wrong: Readonly<Record<string, views.PaperFault>> = {},
  ) => {
    const o = await open(request, reference)
    const asked = await receipts.request(o)
    if (o.c.state !== 'draft' && !asked) throw new Problem('cases/not-asked', 'Nobody has asked for papers.')
    return views.papersPage(request, reply, deps, o, asked, o.c.state === 'draft' ? (stopsOf(o).at(-3) ?? null) : null, wrong)
  }

  web.route({
    method: 'GET',
    url: '/cases/:reference/papers',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, () => showPapers(request, reply as never, reference))
    },
  })

  // A file that was refused is said at the address it was sent to; who comes to it again finds the page.
  web.route({
    method: 'GET',
    url: '/cases/:reference/papers/:paper',
    access: 'signed-in',
    schema: { params: Type.Object({ reference: Type.String({ maxLength: 20 }), paper: Type.String({ maxLength: 60 }) }) },
    handler: (request, reply) => reply.redirect(`/cases/${referenceOf(request.params)}/papers`, 303),
  })

  web.route({
    method: 'POST',
    url: '/cases/:reference/papers/:paper',
    access: 'signed-in',
    bodyLimit: 11 * 1024 * 1024,
    schema: { params: Type.Object({ reference: Type.String({ maxLength: 20 }), paper: Type.String({ maxLength: 60 }) }) },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        if (!request.isMultipart()) throw new Problem('wrong-type', 'Send the file with the form.')
        let vouched = false
        let took = 0
        for await (const part of request.parts({ limits: { fileSize: 11 * 1024 * 1024, files: 10 } })) {
          if (part.type === 'field') {
            if (part.fieldname === '_csrf') vouched = csrfHolds(request, part.value)
            continue
          }
          // The token stands before the file in the form: nothing is kept for a form that is not ours.
          if (!vouched) throw new Problem('form-expired', 'This form is too old or came from another page.')
          if (part.filename === '') {
            part.file.resume()
            continue
          }
          try {
            await filings.attach(signedIn(request), reference, request.params.paper, { name: part.filename, stream: part.file })
          } catch (error) {
            const fault = error instanceof Problem && views.paperFaults.find((f) => f === error.code)
            if (!fault) throw error
            part.file.resume()
            // The person mends it where they were.
            reply.code((error as Problem).status)
            return showPapers(request, reply as never, reference, { [request.params.paper]: fault })
          }
          took++
        }
        if (took === 0) {
          reply.code(422)
          return showPapers(request, reply as never, reference, { [request.params.paper]: 'none' })
        }
        return reply.redirect(`/cases/${reference}/papers`, 303)
      })
    },
  })

  web.route({
    method: 'POST',
    url: '/cases/:reference/files/:file/remove',
    access: 'signed-in',
    schema: { params: Type.Object({ reference: Type.String({ maxLength: 20 }), file: Type.String({ maxLength: 80 }) }), body: Form },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        await filings.detach(signedIn(request), reference, request.params.file)
        return reply.redirect(`/cases/${reference}/papers`, 303)
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/files/:file',
    access: 'signed-in',
    schema: { params: Type.Object({ reference: Type.String({ maxLength: 20 }), file: Type.String({ maxLength: 80 }) }) },
    handler: async (request, reply) => {
      const o = await open(request, referenceOf(request.params))
      const file = o.files.find((f) => f.id === request.params.file)
      if (!file) throw new Problem('not-found', 'There is no such file.')
      return sendFile(reply, deps.files.read(file.id, o.vault.key), file)
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/review',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        const o = await onDraft(request, reference)
        if (o.service.hash !== o.c.definition) return reply.redirect(`/cases/${o.c.reference}/changed`, 303)
        return views.reviewPage(
          request,
          reply,
          deps,
          o,
          await deps.people.person(deps.db, o.c.applicant),
          o.missing.length > 0 || !o.journey.complete ? resumeAt(o) : null,
        )
      })
    },
  })

  web.route({
    method: 'POST',
    url: '/cases/:reference/submit',
    access: 'signed-in',
    schema: { params: OneCase, body: Form },
    handler: async (request, reply) => {
      const reference = referenceOf(request.params)
      const visitor = signedIn(request)
      try {
        const submission = {
          person: visitor.person,
          session: visitor.session,
          reference,
          clerkAt: visitor.grants.filter((g) => g.role === 'clerk' && g.office !== null).map((g) => g.office!),
        }
        await submit(submission).catch(async (error) => {
          // Few services ask how surely the person is known; for those it is looked up.
          if (!(error instanceof Problem && error.code === 'people/step-up')) throw error
          await submit({ ...submission, level: (await deps.people.level(visitor.session)).level })
        })
      } catch (error) {
        // What can be mended on the way is shown where it is mended.
        if (error instanceof Problem && error.code === 'cases/incomplete')
          return reply.redirect(resumeAt(await onDraft(request, reference)), 303)
        if (error instanceof Problem && error.code === 'cases/definition-changed') return reply.redirect(`/cases/${reference}/changed`, 303)
        if (error instanceof Problem && error.code === 'people/not-identified') return reply.redirect(`/cases/${reference}/review`, 303)
        if (error instanceof Problem && error.code === 'people/step-up') {
          const { assurance } = (await onDraft(request, reference)).service.definition
          return reply.redirect(`/sign-in/step-up?level=${assurance}&next=${encodeURIComponent(`/cases/${reference}/review`)}`, 303)
        }
        throw error
      }
      return reply.redirect(`/cases/${reference}/receipt`, 303)
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/changed',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        const o = await onDraft(request, reference)
        if (o.service.hash === o.c.definition) return reply.redirect(resumeAt(o), 303)
        return views.changedPage(request, reply, deps, o, await deps.catalogue.pinned(o.c.definition, o.c.service))
      })
    },
  })
  web.route({
    method: 'POST',
    url: '/cases/:reference/changed',
    access: 'signed-in',
    schema: { params: OneCase, body: Form },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        await filings.acceptChange(signedIn(request), reference)
        return reply.redirect(resumeAt(await onDraft(request, reference)), 303)
      })
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/priority',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => views.priorityPage(request, reply, deps, await onDraft(request, reference)))
    },
  })
  web.route({
    method: 'POST',
    url: '/cases/:reference/priority',
    access: 'signed-in',
    schema: { params: OneCase, body: Type.Object({ ground: Type.Optional(Type.String({ maxLength: 30 })) }) },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        const ground = grounds.find((g) => g === request.body.ground) as Ground | undefined
        await filings.claim(signedIn(request), reference, ground ?? null)
        return reply.redirect(`/cases/${reference}/review`, 303)
      })
    },
  })

  // One button, one act. `done` says where one is afterwards.
  const act = (
    name: string,
    work: (request: Request, reference: Reference, form: FormFields) => Promise<void>,
    done: (reference: Reference) => string = (r) => `/cases/${r}`,
  ) =>
    web.route({
      method: 'POST',
      url: `/cases/:reference/${name}`,
      access: 'signed-in',
      schema: { params: OneCase, body: Form },
      handler: (request, reply) => {
        const reference = referenceOf(request.params)
        return orToCase(reply, reference, async () => {
          await work(request, reference, formOf(request.body))
          return reply.redirect(done(reference), 303)
        })
      },
    })
  act('withdraw', (request, reference) => filings.withdraw(signedIn(request), reference))
  act('undo-withdrawal', (request, reference) => filings.undoWithdrawal(signedIn(request), reference))
  act(
    'discard',
    (request, reference) => filings.discard(signedIn(request), reference),
    () => '/my-line',
  )
  web.route({
    method: 'POST',
    url: '/cases/:reference/answer-request',
    access: 'signed-in',
    schema: { params: OneCase, body: Form },
    handler: (request, reply) => {
      const reference = referenceOf(request.params)
      return orToCase(reply, reference, async () => {
        try {
          await filings.answerRequest(signedIn(request), reference, false)
        } catch (error) {
          if (!(error instanceof Problem) || error.code !== 'cases/incomplete') throw error
          // What is missing is said where it is attached.
          reply.code(error.status)
          const missing = (error.fields ?? []).map((f) => f.pointer.replace('/papers/', ''))
          return showPapers(request, reply as never, reference, Object.fromEntries(missing.map((id) => [id, 'none' as const])))
        }
        return reply.redirect(`/cases/${reference}`, 303)
      })
    },
  })
  act('already-there', (request, reference) => filings.answerRequest(signedIn(request), reference, true))
  web.route({
    method: 'POST',
    url: '/cases/:reference/messages',
    access: 'signed-in',
    schema: { params: OneCase, body: Form },
    handler: async (request, reply) => {
      const reference = referenceOf(request.params)
      const words = typeof request.body.words === 'string' ? request.body.words : ''
      try {
        await filings.write(signedIn(request), reference, words)
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'invalid') throw error
        const { o, s } = await receipts.read(signedIn(request), reference)
        reply.code(422)
        return views.caseOverview(request, reply, deps, o, s, words)
      }
      return reply.redirect(`/cases/${reference}#messages`, 303)
    },
  })

  web.route({
    method: 'GET',
    url: '/cases/:reference/withdraw',
    access: 'signed-in',
    schema: { params: OneCase },
    handler: async (request, reply) => {
      const o = await open(request, referenceOf(request.params))
      // Only what stands in line is withdrawn; the case's page says how it is and what can be done with it.
      if (o.c.state !== 'open' && o.c.state !== 'asked') return reply.redirect(`/cases/${o.c.reference}`, 303)
      return views.withdrawPage(request, reply, deps, o)
    },
  })
}

/** Sends an attachment: never shown in place, never guessed, never scripted. */
export function sendFile(
  reply: { header(name: string, value: string): unknown; type(t: string): unknown; send(s: unknown): unknown },
  stream: NodeJS.ReadableStream,
  file: { name: string; type: string },
): unknown {
  reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`)
  reply.header('content-security-policy', "default-src 'none'; sandbox")
  reply.header('x-content-type-options', 'nosniff')
  reply.type(file.type)
  return reply.send(stream)
}
