/** The routes of desks: one turn at a time, and never a way to another. */
import { Type } from 'typebox'
import type { FormFields } from '#catalogue'
import type { DeskId, LineId, OfficeId, TurnId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { administers } from '#people'
import { readSignedForm, refusal, signedFormLimit } from '#signing'
import { holds, type Reply, type Request, type Role, roles, type SignedIn, signedIn, type Web } from '#web'
import type { Deps } from '../deps.ts'
import { type AskReason, askReasons, type Desks } from '../desk.ts'
import * as store from '../store.ts'
import { sendFile } from './citizen.ts'
import type { StaffKey } from './staff-text.ts'
import { text } from './staff-text.ts'
import * as views from './staff-views.ts'

/** An office in a URL. */
export const OneOffice = Type.Object({ office: Type.String({ maxLength: 100, pattern: '^[a-z0-9-]+$' }) })
const OneTurn = Type.Object({ office: OneOffice.properties.office, turn: Type.String({ pattern: '^[\\w-]{22}$' }) })
/** A form whose fields the handler reads itself: what is missing is asked for again, not refused as malformed. */
export const Form = Type.Record(Type.String({ maxLength: 100 }), Type.Unknown())

/** One field of a form as text, cut at `most`; `''` when it is not there. */
export function field(form: FormFields | undefined, name: string, most = 4100): string {
  const value = form?.[name]
  return typeof value === 'string' ? value.slice(0, most) : ''
}

/** The values of a field that may stand several times. */
function fields(form: FormFields, name: string): string[] {
  return [form[name] ?? []].flat().filter((v) => typeof v === 'string')
}

/** The office of a URL. Refuses with `not-found` one that does not exist. */
export function officeOf(deps: Deps, params: { office: string }): OfficeId {
  const office = deps.catalogue.office(params.office)
  if (!office) throw new Problem('not-found', 'There is no such office.')
  return office.id
}

/** Characters of a note: the engine keeps no more, and nothing that was written is cut off in silence. */
const mostNote = 2000

/** What a page says after an act. */
const dones = {
  ok: 'done.ok',
  asked: 'done.asked',
  held: 'done.held',
  absent: 'done.absent',
  sent: 'done.sent',
  off: 'done.off',
  none: 'done.none',
  moved: 'done.moved',
} as const satisfies Record<string, StaffKey>

/** What is wrong with the number of a conflict. */
const conflictErrors = { invalid: 'error.identity', 'not-found': 'error.not-declared' } as const satisfies Record<string, StaffKey>

const staffPlaces = [
  { role: 'official', path: 'desk', words: 'places.desk' },
  { role: 'clerk', path: 'counter', words: 'places.counter' },
  { role: 'supervisor', path: 'supervise', words: 'places.supervise' },
] as const satisfies readonly { role: Role; path: string; words: StaffKey }[]

/** Adds the routes of desks. */
export function registerDesk(web: Web, deps: Deps, { desks }: { readonly desks: Desks }): void {
  const officials = { roles: ['official'] } as const

  /** How many wait at this office: in the desk's line, or in all when it is in none. */
  async function waitingFor(office: OfficeId, line: LineId | null): Promise<number> {
    const lines = (await store.linesOf(deps.db, office)).filter((l) => line === null || l.state.line === line)
    let n = 0
    for (const l of lines) n += await store.waitingCount(deps.db, l.place, l.state.line)
    return n
  }

  async function deskPage(
    request: Request,
    reply: Reply,
    office: OfficeId,
    more: { form?: string; errors?: views.Errors; typed?: FormFields } = {},
  ) {
    const visitor = signedIn(request)
    const asked = (request.query as { done?: string }).done
    const done = asked !== undefined && Object.hasOwn(dones, asked) ? dones[asked as keyof typeof dones] : null
    const desk = await desks.desk(visitor, office)
    const seen = { request, reply }
    if (!desk || desk.state.line === null) return views.offDutyPage(seen, deps, office, await waitingFor(office, null), done)
    const served = await desks.current(visitor, office).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'cases/tampered') return 'tampered' as const
      throw error
    })
    if (served === 'tampered') {
      reply.code(409)
      return views.tamperedPage(seen, deps, office, desk.state.turn ?? '')
    }
    if (!served) return views.idlePage(seen, deps, office, desk.state.desk, await waitingFor(office, desk.state.line), done)
    return views.servedPage(seen, deps, office, served, { done, ...more })
  }

  web.route({
    method: 'GET',
    url: '/desk',
    access: { roles },
    schema: {},
    handler: (request, reply) => {
      const { visitor } = request
      const places: { href: string; text: string; office: OfficeId | null }[] = staffPlaces.flatMap(({ role, path, words }) =>
        visitor.grants.flatMap((g) =>
          g.role === role && g.office !== null
            ? [{ href: `/${path}/${g.office}`, text: text(visitor.language, words), office: g.office }]
            : [],
        ),
      )
      if (holds(visitor, ['control'])) places.push({ href: '/control', text: text(visitor.language, 'places.control'), office: null })
      if (administers(visitor))
        places.push(
          { href: '/admin/people', text: text(visitor.language, 'places.people'), office: null },
          { href: '/admin/turns', text: text(visitor.language, 'stranded.title'), office: null },
          { href: '/admin/helpers', text: text(visitor.language, 'places.helpers'), office: null },
        )
      if (places.length === 1) return reply.redirect(places[0]!.href, 303)
      return views.placesPage({ request, reply }, deps, places)
    },
  })

  web.route({
    method: 'GET',
    url: '/desk/:office',
    access: officials,
    schema: { params: OneOffice, querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 20 })) }) },
    handler: (request, reply) => deskPage(request, reply, officeOf(deps, request.params)),
  })

  const act = (name: string, work: (request: Request, office: OfficeId) => Promise<keyof typeof dones | null>) =>
    web.route({
      method: 'POST',
      url: `/desk/:office/${name}`,
      access: officials,
      schema: { params: OneOffice, body: Form },
      handler: async (request, reply) => {
        const office = officeOf(deps, request.params)
        const done = await work(request, office)
        return reply.redirect(`/desk/${office}${done ? `?done=${done}` : ''}`, 303)
      },
    })
  act('on', async (request, office) => {
    await desks.goOn(signedIn(request), office)
    return null
  })
  act('off', async (request, office) => {
    await desks.goOff(signedIn(request), office)
    return 'off'
  })
  act('next', async (request, office) => ((await desks.next(signedIn(request), office)) ? null : 'none'))

  /**
   * One act on the turn at this desk. `work` says what is wrong with the form, or does it. A second press finds the turn gone and shows what the desk has
   * now; nothing else is ever done to another turn.
   */
  const onTurn = (
    name: string,
    done: keyof typeof dones,
    work: (request: Request, office: OfficeId, turn: TurnId, form: FormFields) => Promise<views.Errors | null>,
    formName = name,
  ) =>
    web.route({
      method: 'POST',
      url: `/desk/:office/turns/:turn/${name}`,
      access: officials,
      schema: { params: OneTurn, body: Form },
      handler: async (request, reply) => {
        const office = officeOf(deps, request.params)
        const form = request.body
        try {
          const errors = await work(request, office, request.params.turn as TurnId, form)
          if (errors === null) return reply.redirect(`/desk/${office}?done=${done}`, 303)
          reply.code(422)
          return deskPage(request, reply, office, { form: formName, errors, typed: form })
        } catch (error) {
          if (error instanceof Problem && error.code === 'cases/not-your-turn') return reply.redirect(`/desk/${office}?done=moved`, 303)
          throw error
        }
      },
    })

  onTurn('review', 'ok', async (request, office, turn, form) => {
    const result = field(form, 'result')
    const note = field(form, 'note')
    if (result !== 'ok' && result !== 'objection') return { result: 'error.result' }
    if (result === 'objection' && note.trim() === '') return { note: 'error.note' }
    if (note.length > mostNote) return { note: 'error.note-long' }
    await desks.review(signedIn(request), office, turn, { result, note })
    return null
  })

  web.route({
    method: 'POST',
    url: '/desk/:office/turns/:turn/decide/signed',
    access: officials,
    schema: { params: OneTurn },
    bodyLimit: signedFormLimit,
    handler: async (request, reply) => {
      const office = officeOf(deps, request.params)
      const visitor = signedIn(request)
      const turn = request.params.turn as TurnId
      let given: { result: 'granted' | 'refused'; reasons: readonly string[]; note: string } | null = null
      try {
        const { signature, fields } = await readSignedForm(request)
        const result = fields.result?.[0]
        if (result !== 'granted' && result !== 'refused') throw new Problem('bad-request', 'The form is not whole.')
        given = { result, reasons: result === 'refused' ? (fields.reasons ?? []) : [], note: fields.note?.[0] ?? '' }
        await desks.decide(visitor, office, turn, { ...given, signed: { ticket: fields.ticket?.[0] ?? '', cms: signature } })
        return reply.redirect(`/desk/${office}?done=ok`, 303)
      } catch (error) {
        if (error instanceof Problem && error.code === 'cases/not-your-turn') return reply.redirect(`/desk/${office}?done=moved`, 303)
        const errors = refusal(visitor.language, error)
        const served = await desks.current(visitor, office)
        if (!given || served?.turn.state.turn !== turn) throw error
        reply.code(422)
        return views.confirmDecisionPage(
          { request, reply },
          deps,
          office,
          served,
          given,
          await desks.prepare(visitor, office, turn, given),
          errors,
        )
      }
    },
  })

  web.route({
    method: 'POST',
    url: '/desk/:office/turns/:turn/decide',
    access: officials,
    schema: { params: OneTurn, body: Form },
    handler: async (request, reply) => {
      const office = officeOf(deps, request.params)
      const visitor = signedIn(request)
      const form = request.body
      const stage = field(form, 'stage', 20)
      const result = field(form, 'result', 20)
      const reasons = result === 'refused' ? fields(form, 'reasons') : []
      const note = field(form, 'note').trim()
      const again = (errors: views.Errors) => deskPage(request, reply, office, { form: 'decide', errors, typed: form })
      if (stage === 'change') return again({})
      if ((result !== 'granted' && result !== 'refused') || (result === 'refused' && reasons.length === 0)) {
        reply.code(422)
        return again(result === 'refused' ? { reasons: 'error.reasons' } : { result: 'error.result' })
      }
      if (note.length > mostNote) {
        reply.code(422)
        return again({ note: 'error.note-long' })
      }
      try {
        if (stage === 'confirm') {
          await desks.decide(visitor, office, request.params.turn as TurnId, { result, reasons, note })
          return reply.redirect(`/desk/${office}?done=ok`, 303)
        }
        const served = await desks.current(visitor, office)
        if (served?.turn.state.turn !== request.params.turn) throw new Problem('cases/not-your-turn', 'That turn is not at your desk.')
        if (served.step.kind !== 'decide') throw new Problem('not-found', 'This turn is not for a decision.')
        const known = served.service.definition.reasons.map((r) => r.id)
        if (reasons.some((r) => !known.includes(r))) throw new Problem('cases/not-listed', 'This reason is not on the list of the service.')
        const prepared = await desks.prepare(visitor, office, served.turn.state.turn, { result, reasons, note })
        return views.confirmDecisionPage({ request, reply }, deps, office, served, { result, reasons, note }, prepared)
      } catch (error) {
        if (error instanceof Problem && error.code === 'cases/not-your-turn') return reply.redirect(`/desk/${office}?done=moved`, 303)
        throw error
      }
    },
  })

  onTurn('ask', 'asked', async (request, office, turn, form) => {
    const ids = fields(form, 'papers')
    if (ids.length === 0) return { papers: 'error.papers' }
    if (field(form, 'note').length > mostNote) return { 'ask-note': 'error.note-long' }
    const papers = ids.map((id) => {
      const why = field(form, `why-${id}`, 40)
      if (!(askReasons as readonly string[]).includes(why)) throw new Problem('cases/not-listed', 'A reason of the list, for each paper.')
      return { id, why: why as AskReason }
    })
    await desks.askPapers(signedIn(request), office, turn, papers, field(form, 'note'))
    return null
  })

  onTurn('hold', 'held', async (request, office, turn, form) => {
    await desks.holdForAgency(signedIn(request), office, turn, Number(field(form, 'days', 3)))
    return null
  })

  onTurn('absent', 'absent', async (request, office, turn) => {
    await desks.absent(signedIn(request), office, turn)
    return null
  })

  onTurn('message', 'sent', async (request, office, turn, form) => {
    const words = field(form, 'words')
    if (words.trim() === '' || words.length > 4000) return { words: 'error.words' }
    await desks.write(signedIn(request), office, turn, words)
    return null
  })

  web.route({
    method: 'GET',
    url: '/desk/:office/files/:file',
    access: officials,
    schema: { params: Type.Object({ office: OneOffice.properties.office, file: Type.String({ maxLength: 80, pattern: '^[\\w-]+$' }) }) },
    handler: async (request, reply) => {
      const office = officeOf(deps, request.params)
      const { facts, key } = await desks.file(signedIn(request), office, request.params.file)
      return sendFile(reply, deps.files.read(request.params.file, key), facts)
    },
  })

  async function conflictsPage(
    request: Request,
    reply: Reply,
    office: OfficeId,
    more: { done: StaffKey | null; errors?: views.Errors; typed?: FormFields },
  ) {
    const desk = await desks.desk(signedIn(request), office)
    const count = desk ? await store.countConflicts(deps.db, desk.place, desk.state.desk as DeskId) : 0
    return views.conflictsPage({ request, reply }, deps, office, count, more)
  }
  const conflictDones = { declared: 'done.conflict', withdrawn: 'done.conflict-withdrawn' } as const satisfies Record<string, StaffKey>
  web.route({
    method: 'GET',
    url: '/desk/:office/conflicts',
    access: officials,
    schema: { params: OneOffice, querystring: Type.Object({ done: Type.Optional(Type.String({ maxLength: 20 })) }) },
    handler: (request, reply) => {
      const { done = '' } = request.query
      const words = Object.hasOwn(conflictDones, done) ? conflictDones[done as keyof typeof conflictDones] : null
      return conflictsPage(request, reply, officeOf(deps, request.params), { done: words })
    },
  })

  const onConflict = (
    path: string,
    name: string,
    done: keyof typeof conflictDones,
    work: (visitor: SignedIn, office: OfficeId, identity: string) => Promise<void>,
  ) =>
    web.route({
      method: 'POST',
      url: `/desk/:office/${path}`,
      access: officials,
      schema: { params: OneOffice, body: Form },
      handler: async (request, reply) => {
        const office = officeOf(deps, request.params)
        try {
          await work(signedIn(request), office, field(request.body, name, 60))
        } catch (error) {
          const key = error instanceof Problem && conflictErrors[error.code as keyof typeof conflictErrors]
          if (!key) throw error
          reply.code(422)
          return conflictsPage(request, reply, office, { done: null, errors: { [name]: key }, typed: request.body })
        }
        return reply.redirect(`/desk/${office}/conflicts?done=${done}`, 303)
      },
    })
  onConflict('conflicts', 'identity', 'declared', desks.declareConflict)
  onConflict('conflicts/withdraw', 'withdrawn', 'withdrawn', desks.withdrawConflict)
}
