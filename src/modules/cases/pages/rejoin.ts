/** The way back to a turn whose case was lost: the receipt, brought by its holder or before a clerk. */
import { Type } from 'typebox'
import type { OfficeId, PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { csrfHolds, holds, type Reply, type Request, signedIn, type Web } from '#web'
import { mostPaperBytes } from '../check.ts'
import type { Deps } from '../deps.ts'
import type { Rejoins } from '../rejoin.ts'
import { identityErrors } from './counter.ts'
import { OneOffice, officeOf } from './desk.ts'
import { type StaffKey, text } from './staff-text.ts'
import * as views from './staff-views.ts'

/** Refusals that are said beside the receipt. */
const faults = {
  invalid: 'rejoin.not-readable',
  'not-found': 'rejoin.not-found',
  'cases/too-late': 'rejoin.over',
  'cases/definition-changed': 'rejoin.changed',
} as const satisfies Record<string, StaffKey>

/** Adds the routes of receipts that bring a turn back. */
export function registerRejoin(web: Web, deps: Deps, { rejoins }: { readonly rejoins: Rejoins }): void {
  /** The form as it was sent: its short fields, and the receipt. Refuses with `form-expired` what no page of ours sent. */
  async function sent(request: Request): Promise<{ fields: Record<string, string>; receipt: string | Buffer | null }> {
    if (!request.isMultipart()) throw new Problem('wrong-type', 'Send the file with the form.')
    const fields: Record<string, string> = {}
    let receipt: string | Buffer | null = null
    for await (const part of request.parts({ limits: { fileSize: mostPaperBytes, files: 1, fields: 10, fieldSize: 8192 } })) {
      if (part.type === 'field') {
        if (typeof part.value === 'string') fields[part.fieldname] = part.value
        continue
      }
      // Read into memory, judged, forgotten.
      const bytes = await part.toBuffer()
      if (bytes.length > 0) receipt = bytes
    }
    if (!csrfHolds(request, fields._csrf)) throw new Problem('form-expired', 'This form is too old or came from another page.')
    return { fields, receipt: receipt ?? (fields.code?.trim() || null) }
  }

  /** What is wrong with the receipt, beside its form; any other refusal goes on. */
  function receiptErrors(error: unknown): views.Errors {
    const key = error instanceof Problem && error.fields.every((f) => f.pointer === '/file') && faults[error.code as keyof typeof faults]
    if (!key) throw error
    return { file: key }
  }

  web.route({
    method: 'GET',
    url: '/rejoin',
    access: 'signed-in',
    schema: {},
    handler: (request, reply) => views.rejoinPage({ request, reply }, deps, null, {}),
  })

  web.route({
    method: 'POST',
    url: '/rejoin',
    access: 'signed-in',
    schema: {},
    bodyLimit: mostPaperBytes + 64 * 1024,
    handler: async (request, reply) => {
      const { fields, receipt } = await sent(request)
      try {
        if (receipt === null) throw new Problem('invalid', 'Bring the receipt.')
        return reply.redirect(`/cases/${await rejoins.begin(signedIn(request), receipt)}`, 303)
      } catch (error) {
        const errors = receiptErrors(error)
        reply.code(422)
        return views.rejoinPage({ request, reply }, deps, null, { errors, typed: fields })
      }
    },
  })

  const atCounter = (request: Request, office: OfficeId) => {
    const clerk = signedIn(request)
    if (!holds(clerk, ['clerk'], office)) throw new Problem('forbidden', 'This is another counter.')
    return clerk
  }
  const counterPage = (request: Request, reply: Reply, office: OfficeId, more: { errors?: views.Errors; typed?: views.Typed }) =>
    views.rejoinPage({ request, reply }, deps, office, more)

  web.route({
    method: 'GET',
    url: '/counter/:office/rejoin',
    access: { roles: ['clerk'] },
    schema: { params: OneOffice },
    handler: (request, reply) => {
      const office = officeOf(deps, request.params)
      atCounter(request, office)
      return counterPage(request, reply, office, {})
    },
  })

  web.route({
    method: 'POST',
    url: '/counter/:office/rejoin',
    access: { roles: ['clerk'] },
    schema: { params: Type.Object({ office: OneOffice.properties.office }) },
    bodyLimit: mostPaperBytes + 64 * 1024,
    handler: async (request, reply) => {
      const office = officeOf(deps, request.params)
      const clerk = atCounter(request, office)
      const { fields, receipt } = await sent(request)
      const again = (errors: views.Errors) => {
        reply.code(422)
        return counterPage(request, reply, office, { errors, typed: fields })
      }
      if (receipt === null) return again({ file: 'rejoin.not-readable' })
      let met: { person: PersonId; slip: Parameters<typeof views.slipPage>[3] | null }
      try {
        const shown = { identity: fields.identity ?? '', name: fields.name ?? '', language: clerk.language }
        met = await deps.db.tx((tx) => deps.people.registerAtCounter(tx, clerk, office, shown))
      } catch (error) {
        return again(identityErrors(error))
      }
      try {
        const href = `/cases/${await rejoins.begin(clerk, receipt, { person: met.person, office })}`
        if (!met.slip) return reply.redirect(href, 303)
        return views.slipPage({ request, reply }, deps, office, met.slip, { href, words: text(clerk.language, 'slip.go-on') })
      } catch (error) {
        return again(receiptErrors(error))
      }
    },
  })
}
