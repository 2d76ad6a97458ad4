/** A draft and what its owner does with it until, and after, it is submitted. Each operation is one transaction. */
import { createHmac } from 'node:crypto'
import {
  type Accepted,
  type Answers,
  accept,
  ask,
  type FormFields,
  type Journey,
  type Progress,
  type Service,
  type World,
} from '#catalogue'
import type { Tx } from '#db'
import { canonicalBytes, type Json } from '#kernel/canonical'
import { commit, type Opening } from '#kernel/commitment'
import {
  type CaseId,
  newReference,
  type OfficeId,
  type PersonId,
  type Reference,
  randomId,
  type ServiceId,
  type TurnId,
  uuidv7,
} from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { dateIn, dayMs, endOfDay, minuteStamp } from '#kernel/time'
import type { SignedIn } from '#web'
import { holds } from '#web'
import { Acts } from './acts.ts'
import { answerAgainBy, draftDays, dueAfterPause, undoUntil } from './clock.ts'
import type { Deps } from './deps.ts'
import { beginOutside, stepTimers } from './enact.ts'
import { stopOf } from './left.ts'
import { endTurn, leaveTurn, resumeTurn } from './line.ts'
import type { Case, CaseFile } from './store.ts'
import * as store from './store.ts'
import type { OpenVault, Purpose } from './vault.ts'

/** What lies sealed in a case as its answers. */
export type Filing = {
  readonly answers: Answers
  /** Opens the public commitment `filing`; null while it is incomplete. */
  readonly opening: Opening | null
  /** The ground in law on which the priority class is claimed. */
  readonly ground: Ground | null
}

/** The letters that a message may have. */
export const mostMessage = 4000

/** Grounds on which the law prefers somebody in a line: claimed by the applicant, judged by nobody at a desk. */
export const grounds = ['older', 'disability', 'pregnancy', 'small-children'] as const
export type Ground = (typeof grounds)[number]

/** How the person at a counter confirmed what a clerk typed for them. */
export type CounterConfirmation = 'confirmed-by-code' | 'signed-on-paper'

/** What a sealed file row says. */
export type FileFacts = { readonly name: string; readonly type: string; readonly sha256: string }

/** Most bytes of one attachment. */
export const mostFileBytes = 10 * 1024 * 1024
/** Most attachments of one case. */
export const mostFiles = 40
const tooMany = () => new Problem('cases/file-refused', `At most ${mostFiles} files.`)

/** What a visitor is to a case. `mandate` names the one by which a representative acts. */
export type Held = { readonly c: Case; readonly as: 'applicant' | 'representative' | 'counter'; readonly mandate: string | null }

/** A case as its owner sees it, opened. */
export type OpenCase = {
  readonly c: Case
  readonly as: Held['as']
  /** Whose case it is, where a representative reads it. */
  readonly actingFor: string | null
  readonly service: Service
  readonly filing: Filing
  readonly files: readonly (CaseFile & FileFacts)[]
  readonly journey: Journey
  /** Papers still to attach. */
  readonly missing: readonly string[]
  readonly vault: OpenVault
}

export type Filings = ReturnType<typeof openFilings>

/** Opens the operations of applicants, and of clerks who file for the person before them. */
export function openFilings(deps: Deps) {
  const { db, catalogue, clock, vault, mandates } = deps
  const matterKey = deps.keys.secret('cases/matter')

  const worldOf = (c: Pick<Case, 'office'>, language: Language): World => ({
    language,
    today: dateIn(clock.now(), catalogue.calendarOf(c.office).zone),
    places: catalogue.places,
  })

  /** What the visitor is to the case: the applicant, who acts for them by a mandate today, or the counter while it has to do with it. Another person's reads as absent. */
  async function held(on: Tx | Deps['db'], visitor: SignedIn, c: Case | undefined): Promise<Held> {
    if (c?.applicant === visitor.person) return { c, as: 'applicant', mandate: null }
    if (c && atCounter(visitor, c)) return { c, as: 'counter', mandate: null }
    const [mandate] = c
      ? await mandates.check(on, [
          {
            person: visitor.person,
            session: visitor.session,
            principal: c.applicant,
            service: c.service,
            reference: c.reference,
            act: 'file',
          },
        ])
      : []
    if (c && mandate) return { c, as: 'representative', mandate }
    throw new Problem('not-found', 'There is no such case.')
  }

  /** The same for who is about to change it: by which mandate is noted with the act. */
  async function acting(tx: Tx, visitor: SignedIn, c: Case | undefined): Promise<Held> {
    const h = await held(tx, visitor, c)
    if (h.mandate) await mandates.note(tx, [{ mandate: h.mandate, reference: h.c.reference }])
    return h
  }

  /**
   * Whether this is the clerk who took the filing, with something left to do for the person present: to fill it in, on the day it was filed to print and confirm, and
   * to scan what was asked for. At any other time it would be a way to a waiting case out of turn.
   */
  function atCounter(visitor: SignedIn, c: Case): boolean {
    if (c.takenBy !== visitor.person || !holds(visitor, ['clerk'], c.office)) return false
    if (c.state === 'draft' || c.state === 'asked') return true
    return c.state === 'open' && c.filedOn === dateIn(clock.now(), catalogue.calendarOf(c.office).zone)
  }

  function draft(c: Case): Case {
    if (c.state !== 'draft') throw new Problem('cases/not-a-draft', 'This case was filed already.')
    if (clock.now().getTime() - c.savedAt.getTime() > draftDays * dayMs)
      throw new Problem('cases/draft-expired', 'Drafts are kept 30 days.')
    return c
  }

  /** A draft answered against an older version shows the difference before anything more is taken. */
  function sameVersion(c: Case, service: Service): void {
    if (service.hash !== c.definition) throw new Problem('cases/definition-changed', 'The service has changed since you answered.')
  }

  async function serviceOf(c: Case): Promise<Service> {
    const service = c.state === 'draft' ? catalogue.get(c.service) : await catalogue.pinned(c.definition, c.service)
    if (!service) throw new Problem('catalogue/not-offered', 'This service is not offered any more.')
    return service
  }

  async function opened(tx: Tx, visitor: SignedIn, { c, as }: Held, purpose: Purpose): Promise<OpenCase> {
    const service = await serviceOf(c)
    const counter = as === 'counter'
    const represents = as === 'representative'
    const [open, rows, principal] = await Promise.all([
      vault.use(tx, c, {
        person: visitor.person,
        office: counter ? c.office : null,
        purpose: counter ? 'take-at-counter' : purpose,
        represents,
      }),
      store.filesOf(tx, c),
      represents ? deps.people.person(tx, c.applicant) : null,
    ])
    const filing = open.open<Filing>('answers', c.answers)
    const files = rows.map((f) => ({ ...f, ...open.open<FileFacts>(`file/${f.id}`, f.sealed) }))
    const journey = ask(service, filing.answers, worldOf(c, visitor.language))
    const missing = missingOf(journey, files)
    return { c, as, actingFor: principal && (principal.name ?? ''), service, filing, files, journey, missing, vault: open }
  }

  /** What the case is about, as a keyed digest: equal for the same person and matter, telling nothing to who reads it. */
  function matterOf(c: Case, service: Service, answers: Answers): string {
    const about = (service.definition.matter ?? []).map((id) => (answers[id] ?? null) as Json)
    return createHmac('sha256', matterKey)
      .update(canonicalBytes([c.applicant, c.service, about]))
      .digest('base64url')
  }

  const missingOf = (journey: Journey, files: readonly { readonly paper: string }[]): string[] =>
    journey.papers.filter((p) => p.how === 'file' && !p.optional && !files.some((f) => f.paper === p.id)).map((p) => p.id)

  /** Saves a draft with what follows from its answers and papers, so that submitting need not work it out again. Returns the draft as it is now. */
  async function save(tx: Tx, o: OpenCase, answers: Answers, ground: Ground | null, language: Language): Promise<OpenCase> {
    const { service, files } = o
    const journey = ask(service, answers, worldOf(o.c, language))
    const missing = missingOf(journey, files)
    const complete = journey.complete && missing.length === 0
    const sealedFiling = complete
      ? commit({
          answers: JSON.parse(JSON.stringify(answers)),
          files: files
            .map((f) => ({ paper: f.paper, sha256: f.sha256 }))
            .sort((a, b) => (a.paper + a.sha256 < b.paper + b.sha256 ? -1 : 1)),
        })
      : null
    const filing: Filing = { answers, opening: sealedFiling?.opening ?? null, ground }
    const now = clock.now()
    const c: Case = {
      ...o.c,
      answers: o.vault.seal('answers', filing),
      completeFor: complete ? service.hash : null,
      definition: service.hash,
      filing: sealedFiling?.commitment ?? null,
      matter: matterOf(o.c, service, answers),
      class: ground ? 'priority' : 'general',
      savedAt: now,
    }
    await Promise.all([
      store.saveDraft(tx, c, stopOf(service, journey, missing)),
      store.setTimers(tx, [{ place: c.place, caseId: c.id, kind: 'draft', key: '', due: new Date(now.getTime() + draftDays * dayMs) }]),
    ])
    return { ...o, c, filing, journey, missing }
  }

  /** The visitor's case, opened, with what `more` reads of it in the same transaction, at the same time. */
  function readWith<T>(visitor: SignedIn, reference: Reference, more: (tx: Tx, h: Held) => Promise<T>): Promise<{ o: OpenCase; more: T }> {
    return db.tx(async (tx) => {
      const h = await held(tx, visitor, await store.caseByReference(tx, reference))
      const [o, read] = await Promise.all([opened(tx, visitor, h, 'read-own'), more(tx, h)])
      return { o, more: read }
    })
  }

  async function onDraft<T>(visitor: SignedIn, reference: Reference, work: (tx: Tx, o: OpenCase) => Promise<T>): Promise<T> {
    return db.tx(async (tx) => {
      const h = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
      draft(h.c)
      const o = await opened(tx, visitor, h, 'fill-in')
      sameVersion(h.c, o.service)
      return work(tx, o)
    })
  }

  /** Sets the steps going again in which a case waits for a date or for somebody outside, who may have done it meanwhile. */
  function waitAgain(acts: Acts, c: Case, service: Service, zone: string): void {
    for (const a of (c.steps as Progress).active) {
      const step = service.definition.steps.find((s) => s.id === a.step)
      if (step?.kind === 'timer') {
        const opened = dateIn(new Date(a.opened), zone)
        for (const timer of stepTimers(deps, c, [{ step: step.id, workingDays: step.workingDays }], opened)) acts.setTimer(timer)
      } else if (step?.kind === 'pay' || step?.kind === 'sign') beginOutside(acts, c, { outside: [{ kind: step.kind, step: step.id }] })
    }
  }

  return {
    worldOf,
    held,

    /**
     * Starts a draft for the visitor; by a clerk at a counter for the person before them; or, with `principal`, by a mandate for somebody else. Returns its reference. Refuses with
     * `catalogue/not-offered`, `forbidden` (a clerk of another office), `mandates/not-covered`.
     */
    async start(
      visitor: SignedIn,
      given: { service: ServiceId; for?: { person: PersonId; office: OfficeId }; principal?: PersonId },
    ): Promise<Reference> {
      const service = catalogue.get(given.service)
      if (!service) throw new Problem('catalogue/not-offered', 'There is no such service at that place.')
      const office = catalogue.officeFor(service)
      if (given.for && (given.for.office !== office || !holds(visitor, ['clerk'], office)))
        throw new Problem('forbidden', 'This counter does not take that service.')
      if (given.for?.person === visitor.person) throw new Problem('forbidden', 'Nobody serves oneself.')
      const id = uuidv7() as CaseId
      const { wrapped, vault: fresh } = vault.fresh(id)
      const now = clock.now()
      const reference = newReference()
      const principal = given.principal === visitor.person ? undefined : given.principal
      const applicant = given.for?.person ?? principal ?? visitor.person
      await db.tx(async (tx) => {
        if (principal) {
          const { person, session } = visitor
          const [mandate] = await mandates.check(tx, [{ person, session, principal, service: service.id, reference: null, act: 'start' }])
          if (!mandate) throw new Problem('mandates/not-covered', 'No mandate of yours covers this.')
          await mandates.note(tx, [{ mandate, reference, begins: true }])
        }
        await store.insertDraft(tx, {
          place: service.jurisdiction.code,
          id,
          reference,
          pseudonym: randomId(),
          service: service.id,
          office,
          applicant,
          state: 'draft',
          channel: given.for ? 'counter' : 'web',
          definition: service.hash,
          steps: null,
          key: wrapped,
          answers: fresh.seal('answers', { answers: {}, opening: null, ground: null } satisfies Filing),
          completeFor: null,
          filing: null,
          matter: null,
          class: 'general',
          takenBy: given.for ? visitor.person : null,
          createdAt: now,
          savedAt: now,
          submittedAt: null,
          filedOn: null,
          dueOn: null,
          askBy: null,
          askedOn: null,
          answerBy: null,
          alreadyThere: false,
          receipt: null,
          endedAt: null,
          events: 0,
        })
        await deps.people.recordUse(tx, [
          {
            subject: applicant,
            actor: visitor.person,
            office: given.for?.office ?? null,
            caseReference: reference,
            keyId: id,
            purpose: given.for ? 'take-at-counter' : 'fill-in',
            represents: principal !== undefined,
          },
        ])
        await store.setTimers(tx, [
          { place: service.jurisdiction.code, caseId: id, kind: 'draft', key: '', due: new Date(now.getTime() + draftDays * dayMs) },
        ])
      })
      return reference
    },

    /** The visitor's case, opened; the use is recorded. Refuses with `not-found`. */
    async read(visitor: SignedIn, reference: Reference): Promise<OpenCase> {
      return (await readWith(visitor, reference, async () => null)).o
    },

    /** The same with what `more` reads of it in the same transaction, at the same time. */
    readWith,

    /** The visitor's case without opening it. Refuses with `not-found`. */
    async peek(visitor: SignedIn, reference: Reference): Promise<Case> {
      return (await held(db, visitor, await store.caseByReference(db, reference))).c
    },

    /** Takes what a page of the form brought. What is right is saved even where something else on the page is refused. `draft` is the draft as it is then. */
    answer(visitor: SignedIn, reference: Reference, page: string, form: FormFields): Promise<Accepted & { readonly draft: OpenCase }> {
      return onDraft(visitor, reference, async (tx, o) => {
        const accepted = accept(o.service, o.filing.answers, page, form, worldOf(o.c, visitor.language))
        return { ...accepted, draft: await save(tx, o, accepted.answers, o.filing.ground, visitor.language) }
      })
    },

    /** Claims the priority class on a ground in law, or, with null, gives the claim up. Before filing only. */
    async claim(visitor: SignedIn, reference: Reference, ground: Ground | null): Promise<void> {
      await onDraft(visitor, reference, (tx, o) => save(tx, o, o.filing.answers, ground, visitor.language))
    },

    /** The draft goes on under the version in force, after its owner has seen the difference. */
    acceptChange(visitor: SignedIn, reference: Reference): Promise<void> {
      return db.tx(async (tx) => {
        const h = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
        draft(h.c)
        const o = await opened(tx, visitor, h, 'fill-in')
        await save(tx, o, o.filing.answers, o.filing.ground, visitor.language)
      })
    },

    /**
     * Attaches a paper of the closed list: to a draft, or to a case that was asked for it. Refuses with `cases/not-listed`, `cases/not-asked`,
     * `cases/file-refused` (type, size, or the content is not what the name says).
     */
    async attach(
      visitor: SignedIn,
      reference: Reference,
      paper: string,
      file: { name: string; stream: NodeJS.ReadableStream },
    ): Promise<void> {
      const before = await this.read(visitor, reference)
      const asked = before.c.state === 'asked' ? await askedPapers(db, before.c) : null
      // A paper that is shown at the desk is not attached, unless it was asked for: then a picture of it answers.
      if (!before.journey.papers.some((p) => p.id === paper && (p.how === 'file' || asked?.papers.includes(p.id))))
        throw new Problem('cases/not-listed', 'This paper is not on the list of this service.')
      if (before.c.state !== 'draft' && !asked?.papers.includes(paper)) throw new Problem('cases/not-asked', 'Nobody asked for this paper.')
      if (before.files.length >= mostFiles) throw tooMany()
      if (before.c.state === 'draft') sameVersion(draft(before.c), before.service)
      // The bytes first, durable and encrypted, then the row: a file without a row is swept, a row without a file cannot be.
      const kept = await deps.files.write(file.stream, before.vault.key, { maxBytes: mostFileBytes })
      await db.tx(async (tx) => {
        const h = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
        const { c } = h
        if (c.state !== before.c.state) throw new Problem('conflict', 'The case changed meanwhile.')
        // Counted again under the lock: several uploads may have run at once.
        if ((await store.filesOf(tx, c)).length >= mostFiles) throw tooMany()
        const facts: FileFacts = { name: cleanName(file.name), type: kept.type, sha256: kept.sha256 }
        const row: CaseFile = {
          place: c.place,
          caseId: c.id,
          id: kept.id,
          paper,
          size: kept.size,
          sealed: before.vault.seal(`file/${kept.id}`, facts),
          addedAt: clock.now(),
        }
        await store.insertFile(tx, row)
        if (c.state === 'draft') {
          const o = await opened(tx, visitor, h, 'fill-in')
          sameVersion(draft(c), o.service)
          await save(tx, o, o.filing.answers, o.filing.ground, visitor.language)
        }
      })
    },

    /** Takes an attachment off a draft. */
    detach(visitor: SignedIn, reference: Reference, id: string): Promise<void> {
      return onDraft(visitor, reference, async (tx, o) => {
        if (!o.files.some((f) => f.id === id)) throw new Problem('not-found', 'There is no such file.')
        await store.deleteFile(tx, o.c, id)
        await save(tx, { ...o, files: o.files.filter((f) => f.id !== id) }, o.filing.answers, o.filing.ground, visitor.language)
      })
    },

    /** Throws a draft away. */
    discard(visitor: SignedIn, reference: Reference): Promise<void> {
      return db.tx(async (tx) => {
        const { c } = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
        if (c.state !== 'draft') throw new Problem('cases/not-a-draft', 'A case that was filed is withdrawn, not thrown away.')
        await store.deleteDraft(tx, c, clock.now())
      })
    },

    /** The applicant withdraws: every living turn of the case leaves its line. Pressed twice, it stays withdrawn. */
    withdraw(visitor: SignedIn, reference: Reference): Promise<void> {
      return db.tx(async (tx) => {
        const { c, as } = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
        if (as === 'counter') throw new Problem('forbidden', 'Only the applicant withdraws.')
        if (c.state === 'withdrawn') return
        if (c.state !== 'open' && c.state !== 'asked') throw new Problem('cases/too-late', 'This case cannot be withdrawn any more.')
        const acts = new Acts(clock.now())
        const entries = [acts.entry({ v: 1, type: 'case.withdrawn', at: minuteStamp(acts.now), case: c.pseudonym })]
        let first: store.Turn | null = null
        for (const t of await livingTurns(tx, acts, c)) {
          first ??= t
          const desk = t.state.desk ? await store.lockDesk(tx, t.place, t.state.desk) : undefined
          const left = leaveTurn(acts.line(t.line), desk?.state ?? null, t.state, acts.now)
          entries.push(acts.act(left))
          if (desk && left.desk) acts.desk(desk, left.desk)
          acts.turn(t, left.turn, { endedAt: acts.now })
          acts.tell({ kind: 'withdrawn', place: c.place, caseId: c.id, turn: t.state.turn })
        }
        acts.case({ ...c, state: 'withdrawn', endedAt: acts.now })
        acts.event({
          place: c.place,
          caseId: c.id,
          at: acts.now,
          kind: 'withdrawn',
          turn: first?.state.turn ?? null,
          desk: null,
          data: {},
          sealed: null,
          entries,
        })
        acts.clearTimers(c, ['silence', 'answer', 'agency', 'step', 'sign'])
        await acts.write(tx, deps)
      })
    },

    /**
     * Undoes a withdrawal within five working days: the turns are back at their old places, and the term goes on where it stood, since nobody could decide
     * meanwhile. Where papers were awaited they still are: the turn they were asked for cannot be held a second time (the log allows it once) and nobody may be served without
     * them, so it stays out of its line until they are brought, within the same five working days. Refuses with `cases/too-late`, and `cases/one-living-turn` where the
     * matter was filed again.
     */
    undoWithdrawal(visitor: SignedIn, reference: Reference): Promise<void> {
      const again = () => new Problem('cases/one-living-turn', 'You have filed this matter again meanwhile.')
      const undone = db.tx(async (tx) => {
        const { c, as } = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
        if (as === 'counter' || c.state !== 'withdrawn' || !c.endedAt) throw new Problem('cases/too-late', 'There is nothing to undo.')
        const calendar = catalogue.calendarOf(c.office)
        const acts = new Acts(clock.now())
        const withdrawnOn = dateIn(c.endedAt, calendar.zone)
        const until = undoUntil(c.endedAt, calendar)
        if (acts.now >= until) throw new Problem('cases/too-late', 'A withdrawal is undone within five working days.')
        if (c.matter && (await store.livingMatters(tx, [c.matter])).has(c.matter)) throw again()
        const entries: number[] = []
        const turns = await store.turnsOf(tx, c)
        const request = c.answerBy === null ? null : await askedPapers(tx, c)
        // It may have left earlier than the rest: at a withdrawal that was undone and never answered.
        const awaited = (request && turns.find((t) => t.state.turn === request.turn && t.state.state === 'left')) ?? null
        const left = turns.filter((t) => t !== awaited && t.state.state === 'left' && t.endedAt?.getTime() === c.endedAt?.getTime())
        acts.hold(await store.lockLines(tx, await officesOf(left, tx)))
        for (const t of left) {
          const back = resumeTurn(acts.line(t.line), t.state, until, acts.now)
          entries.push(acts.act(back))
          acts.turn(t, back.turn, { endedAt: null })
          acts.tell({ kind: 'resumed', place: c.place, caseId: c.id, turn: t.state.turn })
        }
        if (turns[0]) {
          const standsFor = acts.presentTurn(turns[0])
          acts.turn(standsFor, standsFor.state, { matter: c.matter })
        }
        const today = dateIn(acts.now, calendar.zone)
        const data: Record<string, string> = {}
        if (awaited && c.answerBy) {
          // The term goes on standing still since the papers were asked for; the days of the withdrawal are given back, as far as the turn may still return.
          const answerBy = answerAgainBy(c.answerBy, c.endedAt, awaited.endedAt!, today, calendar)
          data.answerBy = answerBy
          acts.case({ ...c, state: 'asked', endedAt: null, answerBy })
          acts.setTimer({ place: c.place, caseId: c.id, kind: 'answer', key: '', due: endOfDay(answerBy, calendar.zone) })
          if (acts.now >= endOfDay(answerBy, calendar.zone)) throw new Problem('cases/too-late', 'The papers can no longer be brought.')
        } else {
          // It stood still since papers were asked for, where it was withdrawn instead of answered, or since the withdrawal.
          const due = dueAfterPause(c.dueOn!, c.answerBy && c.askedOn ? c.askedOn : withdrawnOn, today, calendar)
          data.due = due
          acts.case({ ...c, state: 'open', endedAt: null, dueOn: due, answerBy: null })
          acts.setTimer({ place: c.place, caseId: c.id, kind: 'silence', key: '', due: endOfDay(due, calendar.zone) })
        }
        acts.event({
          place: c.place,
          caseId: c.id,
          at: acts.now,
          kind: 'withdrawal-undone',
          turn: left[0]?.state.turn ?? awaited?.state.turn ?? null,
          desk: null,
          data,
          sealed: null,
          entries,
        })
        waitAgain(acts, c, await serviceOf(c), calendar.zone)
        await acts.write(tx, deps)
      })
      return undone.catch((error) => {
        throw store.breaksLivingTurn(error) ? again() : error
      })
    },

    /**
     * The answer to a request for papers: all that was asked for is attached, or, with `alreadyThere`, the applicant says that it is there already
     * and the desk must decide on what it has. The turn is back at its old place and the clock goes on. Refuses with `cases/not-asked`, `cases/incomplete`.
     */
    answerRequest(visitor: SignedIn, reference: Reference, alreadyThere: boolean): Promise<void> {
      return db.tx(async (tx) => {
        const { c } = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
        if (c.state !== 'asked' || !c.askedOn || !c.dueOn) throw new Problem('cases/not-asked', 'Nobody has asked for papers.')
        const request = await askedPapers(tx, c)
        if (!request) throw new Problem('cases/not-asked', 'Nobody has asked for papers.')
        const files = await store.filesOf(tx, c)
        const missing = request.papers.filter((p) => !files.some((f) => f.paper === p && f.addedAt > request.at))
        if (!alreadyThere && missing.length > 0)
          throw new Problem('cases/incomplete', 'A paper that was asked for is missing.', {
            fields: missing.map((p) => ({ pointer: `/papers/${p}`, code: 'required', detail: 'Attach this paper.' })),
          })
        const acts = new Acts(clock.now())
        const calendar = catalogue.calendarOf(c.office)
        const due = dueAfterPause(c.dueOn, c.askedOn, dateIn(acts.now, calendar.zone), calendar)
        const entries: number[] = []
        // Only the turn for which papers were asked: another of the case may be held for another agency. It left its line where a withdrawal was undone since.
        const turns = await store.turnsOf(tx, c)
        acts.hold(await store.lockLines(tx, await officesOf(turns, tx)))
        const held = (await store.turnsOf(tx, c)).filter(
          (t) => t.state.turn === request.turn && (t.state.state === 'held' || t.state.state === 'left'),
        )
        for (const t of held) {
          const back = resumeTurn(acts.line(t.line), t.state, t.endedAt && undoUntil(t.endedAt, calendar), acts.now)
          entries.push(acts.act(back))
          acts.turn(t, back.turn, { endedAt: null })
          acts.tell({ kind: 'resumed', place: c.place, caseId: c.id, turn: t.state.turn })
        }
        acts.case({ ...c, state: 'open', dueOn: due, answerBy: null, alreadyThere })
        acts.event({
          place: c.place,
          caseId: c.id,
          at: acts.now,
          kind: alreadyThere ? 'already-there' : 'papers-brought',
          turn: held[0]?.state.turn ?? null,
          desk: null,
          data: { papers: request.papers, due },
          sealed: null,
          entries,
        })
        acts.clearTimers(c, ['answer'])
        acts.setTimer({ place: c.place, caseId: c.id, kind: 'silence', key: '', due: endOfDay(due, calendar.zone) })
        await acts.write(tx, deps)
      })
    },

    /**
     * Records, by the clerk who took it, how the person present confirmed the filing: by a code sent to a contact that they proved, or by signing the printed
     * receipt. Told twice it is recorded once. Refuses with `not-found` and, before it is filed, `cases/incomplete`.
     */
    confirmAtCounter(visitor: SignedIn, reference: Reference, how: CounterConfirmation): Promise<void> {
      return db.tx(async (tx) => {
        const { c } = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
        if (c.takenBy !== visitor.person) throw new Problem('not-found', 'There is no such case.')
        if (c.state === 'draft') throw new Problem('cases/incomplete', 'File it first.')
        if ((await store.eventsOf(tx, c)).some((e) => e.kind === how)) return
        const acts = new Acts(clock.now())
        acts.case(c)
        acts.event({ place: c.place, caseId: c.id, at: acts.now, kind: how, turn: null, desk: null, data: {}, sealed: null, entries: [] })
        await acts.write(tx, deps)
      })
    },

    /** A message of the applicant to the office, inside the case. It stops no clock. */
    write(visitor: SignedIn, reference: Reference, words: string): Promise<void> {
      return db.tx(async (tx) => {
        const { c, as } = await acting(tx, visitor, (await store.lockCases(tx, [reference])).get(reference))
        if (as === 'counter' || c.state === 'draft') throw new Problem('cases/too-late', 'There is nobody to write to yet.')
        await writeMessage(tx, deps, c, { person: visitor.person, office: null, represents: as === 'representative' }, 'applicant', words)
      })
    },

    livingTurns,
  }
}

/** Locks the lines of a case's living turns and puts them into the acts; the turns, read under those locks. */
export async function livingTurns(tx: Tx, acts: Acts, c: Case): Promise<store.Turn[]> {
  const before = (await store.turnsOf(tx, c)).filter((t) => t.state.state !== 'left' && t.state.state !== 'finished')
  acts.hold(await store.lockLines(tx, await officesOf(before, tx)))
  return (await store.turnsOf(tx, c)).filter((t) => t.state.state !== 'left' && t.state.state !== 'finished')
}

async function officesOf(turns: readonly store.Turn[], tx: Tx): Promise<OfficeId[]> {
  return store.officesOfLines(tx, [...new Set(turns.map((t) => t.line))])
}

/** The request for papers that a case waits on: which papers, when they were asked for, and for which turn. */
export async function askedPapers(on: Tx | Deps['db'], c: Case): Promise<{ papers: string[]; at: Date; turn: TurnId | null } | null> {
  const asked = (await store.eventsOf(on, c)).findLast((e) => e.kind === 'papers-asked')
  return asked ? { papers: asked.data.papers as string[], at: asked.at, turn: asked.turn } : null
}

/** The system ends these living turns of a case, locked; each is told. `paper` is the decision's commitment, and stands with the first. Returns their entries' positions. */
export async function endTurns(
  tx: Tx,
  acts: Acts,
  c: Case,
  turns: readonly store.Turn[],
  outcome: 'silence' | 'lapsed',
  paper: string | null,
): Promise<number[]> {
  const entries: number[] = []
  for (const [i, t] of turns.entries()) {
    const desk = t.state.desk ? await store.lockDesk(tx, t.place, t.state.desk) : undefined
    const end = endTurn(acts.line(t.line), desk?.state ?? null, t.state, { outcome, paper: i === 0 ? paper : null }, acts.now)
    entries.push(acts.act(end))
    if (desk && end.desk) acts.desk(desk, end.desk)
    acts.turn(t, end.turn, { endedAt: acts.now, outcome })
    acts.tell({ kind: outcome, place: c.place, caseId: c.id, turn: t.state.turn })
  }
  return entries
}

/** Seals a message into a case and tells the other side. Refuses with `invalid` what is empty or longer than 4,000 characters. */
export async function writeMessage(
  tx: Tx,
  deps: Deps,
  c: Case,
  who: { person: PersonId; office: OfficeId | null; represents?: boolean },
  author: string,
  words: string,
): Promise<void> {
  const text = words.normalize('NFC').replace(/\r\n?/g, '\n').trim()
  if (text.length === 0 || text.length > mostMessage)
    throw new Problem('invalid', 'Write a message of at most 4,000 characters.', {
      fields: [{ pointer: '/words', code: 'required', detail: 'Write your message.' }],
    })
  const open = await deps.vault.use(tx, c, { ...who, purpose: 'message' })
  const id = uuidv7()
  const at = deps.clock.now()
  await store.insertMessage(tx, { place: c.place, caseId: c.id, id, at, author, sealed: open.seal(`message/${id}`, { text }) })
  if (author !== 'applicant') await deps.jobs.add(tx, 'cases/tell', { kind: 'message-out', place: c.place, caseId: c.id, message: id })
}

/** A file's name as it is kept: its last part, without control characters, at most 100 long. */
function cleanName(name: string): string {
  const last = name
    .normalize('NFC')
    .replace(/^.*[\\/]/, '')
    .replace(/[\p{Cc}\p{Cf}<>:"|?*]/gu, '')
    .trim()
  return last.slice(-100) || 'archivo'
}
