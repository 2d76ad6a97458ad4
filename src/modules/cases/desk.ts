/** The desk: an official has one button, and never a choice. Each operation is one transaction under the lines' locks. */
import type { Journey, Service, ShownAnswer } from '#catalogue'
import { ask, showAnswers } from '#catalogue'
import type { Tx } from '#db'
import { addWorkingDays } from '#kernel/calendar'
import { type DeskId, type LineId, newReference, type OfficeId, type PersonId, randomId, type TurnId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { dateIn, endOfDay, minuteStamp } from '#kernel/time'
import { holds, type SignedIn } from '#web'
import { Acts } from './acts.ts'
import { ownTurns } from './check.ts'
import { conflictDigest } from './conflict.ts'
import { type DecisionSignature, decisionStatement, makeDecision, recordOf, type Ticket } from './decision.ts'
import type { Deps } from './deps.ts'
import { beginOutside, lockPlans, type Plan, planOf, type StepEvent, stepTimers, takeTurns } from './enact.ts'
import { askedPapers, endTurns, type FileFacts, type Filing, livingTurns, writeMessage } from './filing.ts'
import { callTurn, decideCall, deskOff, deskOn, finishTurn, holdTurn, holdUntil, markAbsent, passTurn, returnTurn } from './line.ts'
import { coversOf, lockLinesFor } from './lines.ts'
import { isStandIn, setAside } from './recover.ts'
import type { Signing, Signings } from './sign.ts'
import type { Case, CaseEvent, CaseFile, Desk, Turn } from './store.ts'
import * as store from './store.ts'

/** Why a listed paper is asked for. Nothing else can be said. */
export const askReasons = ['missing', 'unreadable', 'other-paper', 'expired'] as const
export type AskReason = (typeof askReasons)[number]

/** The next case is in somebody's hands for a moment. */
class CaseBusy extends Error {}
const mostTries = 10

/** A decision as an official makes it. */
type Decided = { readonly result: 'granted' | 'refused'; readonly reasons: readonly string[]; readonly note: string }
/** Its signature, checked, and what brings back the same decision. */
type SignedDecision = { readonly ticket: Ticket; readonly signature: DecisionSignature }

/** Events whose sealed words are a desk's note. */
const notedKinds: ReadonlySet<string> = new Set(['reviewed', 'step-decided', 'papers-asked'])

/** What a desk has before it. */
export type Served = {
  readonly desk: Desk
  readonly turn: Turn
  readonly c: Case
  readonly service: Service
  readonly step: Service['definition']['steps'][number]
  readonly shown: readonly ShownAnswer[]
  readonly journey: Journey
  readonly files: readonly (CaseFile & FileFacts)[]
  readonly messages: readonly { at: Date; author: string; text: string }[]
  /** What happened to the case, oldest first, with what a desk noted for the next. */
  readonly history: readonly { readonly at: Date; readonly kind: string; readonly data: CaseEvent['data']; readonly note: string }[]
  /** Whether people wait in person in this line: only then can one be absent. */
  readonly presence: boolean
  readonly applicant: { readonly name: string; readonly identity: string }
  /** Why papers cannot be asked for now, or null when they can: one request, all at once, in the first third of the term. */
  readonly cannotAsk: 'asked-once' | 'too-late' | 'already-there' | 'nothing-listed' | null
  readonly askedBefore: readonly string[]
  /** Who signed the filing; null where nobody is asked to. */
  readonly signatures: Signing | null
}

export type Desks = ReturnType<typeof openDesks>

/** Opens the operations of desks. */
export function openDesks(deps: Deps, signings: Pick<Signings, 'of'>) {
  const { db, catalogue, clock, vault } = deps

  function official(visitor: SignedIn, office: OfficeId): void {
    if (!holds(visitor, ['official'], office)) throw new Problem('forbidden', 'You are no official of this office.')
  }

  async function lockedDesk(tx: Tx, visitor: SignedIn, office: OfficeId): Promise<Desk> {
    official(visitor, office)
    const desk = await store.deskOf(tx, office, visitor.person)
    if (!desk) throw new Problem('cases/off-duty', 'Your desk is off duty.')
    return desk
  }

  /** The turn this desk has called, with its case and lines locked in the fixed order. */
  async function called(tx: Tx, visitor: SignedIn, office: OfficeId, turn: TurnId): Promise<{ desk: Desk; t: Turn; c: Case; acts: Acts }> {
    const peek = await lockedDesk(tx, visitor, office)
    if (peek.state.turn !== turn) throw new Problem('cases/not-your-turn', 'That turn is not at your desk.')
    const before = await store.turnById(tx, peek.place, turn)
    if (!before) throw new Problem('cases/not-your-turn', 'That turn is not at your desk.')
    const c = await store.lockCase(tx, before.place, before.caseId)
    if (!c) throw new Problem('cases/not-your-turn', 'That turn is not at your desk.')
    const acts = new Acts(clock.now())
    acts.hold(await store.lockLines(tx, [office]))
    const desk = await store.lockDesk(tx, peek.place, peek.state.desk)
    const t = await store.turnById(tx, before.place, turn)
    if (!desk || !t || desk.state.turn !== turn) throw new Problem('cases/not-your-turn', 'That turn is not at your desk.')
    return { desk, t, c, acts }
  }

  /**
   * A transaction that begins again when somebody else was first. One that calls the next turn locks that case after its line, against the usual order, so only
   * where nobody holds it: an applicant who withdraws at this moment waits for the line with the case in hand. Then all is undone and they go first.
   */
  async function calling<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await db.tx(work)
      } catch (error) {
        if (!(error instanceof CaseBusy)) throw error
        if (tries === mostTries) throw new Problem('unavailable', 'The next case is being worked on. Try again.', { cause: error })
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * tries))
      }
    }
  }

  /** Calls the next turn by the rule, passing those that a declaration forbids. Returns it, or null when nobody waits. */
  async function callNext(tx: Tx, office: OfficeId, deskId: DeskId, place: string): Promise<Turn | null> {
    const acts = new Acts(clock.now())
    acts.hold(await store.lockLines(tx, [office]))
    let desk = await store.lockDesk(tx, place, deskId)
    if (!desk || desk.state.line === null) throw new Problem('cases/off-duty', 'Your desk is off duty.')
    // Pressed twice: the first press has called it while this one waited for the line.
    if (desk.state.turn !== null) return (await store.turnById(tx, place, desk.state.turn)) ?? null
    let line: LineId = desk.state.line
    const wary = await store.hasConflicts(tx, place, deskId)
    const two = (await deps.people.holders(tx, 'official', office)).length >= 2
    for (;;) {
      const general = await store.candidate(tx, place, line, deskId, 'general')
      const priority = await store.candidate(tx, place, line, deskId, 'priority')
      const candidates = { general: general?.state ?? null, priority: priority?.state ?? null }
      const next = decideCall(acts.line(line), desk.state, candidates, acts.now)
      const row = next === null ? null : general?.state.turn === next.turn ? general : priority
      if (next === null || row === null) {
        const other = await moveOn(tx, acts, desk)
        if (other) {
          desk = other
          line = other.state.line!
          continue
        }
        await acts.write(tx, deps)
        return null
      }
      // Locked: a branch of the same case may be ending at another desk, and its words must not be lost.
      const c = await store.lockFreeCase(tx, row.place, row.caseId)
      if (!c) throw new CaseBusy()
      // Nobody decides on oneself or on whom they act for; who took a filing does not decide it where the office has two; what was declared in advance binds as well.
      const forbidden =
        c.applicant === desk.person ||
        (two && c.takenBy === desk.person) ||
        (wary && (await declared(tx, place, deskId, row))) ||
        (await deps.mandates.isBound(tx, desk.person, c))
      if (forbidden) {
        const passed = passTurn(acts.line(line), desk.state, next, candidates, acts.now)
        await store.insertPass(tx, place, next.turn, deskId)
        acts.case(acts.present(c))
        acts.event({
          place: c.place,
          caseId: c.id,
          at: acts.now,
          kind: 'passed',
          turn: next.turn,
          desk: deskId,
          data: { reason: 'conflict' },
          sealed: null,
          entries: [acts.act(passed)],
        })
        acts.tell({ kind: 'passed', place: c.place, caseId: c.id, turn: next.turn })
        acts.job('cases/tell-stranded', { office })
        continue
      }
      const call = callTurn(acts.line(line), desk.state, candidates, acts.now)!
      const calling = acts.desk(desk, call.desk)
      acts.case(acts.present(c))
      if (isStandIn(c)) {
        // Its contents were lost and nobody here can decide it: it waits aside for its holder, and the desk goes on.
        const called = acts.act(call)
        setAside(deps, acts, { c, t: acts.turn(row, call.turn), desk: calling, called })
        await acts.write(tx, deps)
        return callNext(tx, office, deskId, place)
      }
      acts.event({
        place: c.place,
        caseId: c.id,
        at: acts.now,
        kind: 'called',
        turn: next.turn,
        desk: deskId,
        data: {},
        sealed: null,
        entries: [acts.act(call)],
      })
      const after = acts.turn(row, call.turn, { calledAt: acts.now, touchedAt: acts.now })
      acts.tell({ kind: 'called', place: c.place, caseId: c.id, turn: next.turn })
      acts.job('cases/tell-near', { place, line })
      await acts.write(tx, deps)
      return after
    }
  }

  /** The line of the office in which somebody whom this desk may serve has waited longest; null when nobody does. Nobody chooses it. */
  async function longestWaiting(tx: Tx, { place, state }: Desk): Promise<LineId | null> {
    let longest: Turn | null = null
    for (const { state: line } of await store.linesOf(tx, state.office)) {
      for (const kind of ['general', 'priority'] as const) {
        const first = await store.candidate(tx, place, line.line, state.desk, kind)
        if (first && (longest === null || first.takenAt < longest.takenAt)) longest = first
      }
    }
    return longest?.line ?? null
  }

  /** Nobody waits for this desk in its line: the system sends it to another of its office where somebody does, if it may still change today. */
  async function moveOn(tx: Tx, acts: Acts, desk: Desk): Promise<Desk | null> {
    const there = await longestWaiting(tx, desk)
    if (!there || there === desk.state.line) return null
    const off = deskOff(acts.line(desk.state.line!), desk.state, acts.now)
    const on = orNone(() => deskOn(acts.line(there), off.desk, acts.now))
    if (!on) return null
    acts.act(off)
    acts.act(on)
    return acts.desk(desk, on.desk)
  }

  /** Takes a desk off duty, as it was seen before its locks; a called turn goes back to its place. */
  async function close(tx: Tx, peek: Desk): Promise<void> {
    const turn = peek.state.turn ? await store.turnById(tx, peek.place, peek.state.turn) : undefined
    const c = turn ? await store.lockCase(tx, turn.place, turn.caseId) : undefined
    const acts = new Acts(clock.now())
    acts.hold(await store.lockLines(tx, [peek.state.office]))
    let desk = (await store.lockDesk(tx, peek.place, peek.state.desk))!
    if (desk.state.line === null) return
    // The applicant withdrew, or the call went back by itself, while this waited: look again.
    if (desk.state.turn !== (peek.state.turn ?? null)) throw new CaseBusy()
    if (turn && c && desk.state.turn) {
      const back = returnTurn(acts.line(turn.line), desk.state, turn.state, 'off', acts.now)
      acts.case(c)
      acts.event({
        place: c.place,
        caseId: c.id,
        at: acts.now,
        kind: 'returned',
        turn: turn.state.turn,
        desk: desk.state.desk,
        data: { reason: 'off' },
        sealed: null,
        entries: [acts.act(back)],
      })
      acts.turn(turn, back.turn, { calledAt: null, touchedAt: null })
      desk = acts.desk(desk, back.desk)
      acts.tell({ kind: 'returned', place: c.place, caseId: c.id, turn: turn.state.turn, data: { reason: 'off' } })
    }
    const off = deskOff(acts.line(desk.state.line!), desk.state, acts.now)
    acts.act(off)
    acts.desk(desk, off.desk)
    await acts.write(tx, deps)
  }

  /** Null where the desk has changed its line as often as it may today. */
  function orNone<T>(change: () => T): T | null {
    try {
      return change()
    } catch (error) {
      if (error instanceof Problem && error.code === 'cases/desk-changes') return null
      throw error
    }
  }

  async function declared(tx: Tx, place: string, desk: DeskId, t: Turn): Promise<boolean> {
    const person = await deps.people.person(tx, t.applicant)
    const subjects = (person?.identities ?? []).map((i) => conflictDigest(deps.keys, i.value))
    return store.inConflict(tx, place, desk, subjects, t.takenAt)
  }

  /** Writes what a step's end leads to: the document when the case is over, else the next turns. */
  async function follow(
    tx: Tx,
    visitor: SignedIn,
    now: { desk: Desk; t: Turn; c: Case; acts: Acts },
    event: StepEvent,
    given: { reasons: readonly string[]; note: string; kind: string; data: Record<string, unknown>; signed?: SignedDecision },
  ): Promise<void> {
    const { desk, t, c, acts } = now
    const service = await pinned(c)
    const open = await vault.use(tx, c, { person: visitor.person, office: desk.state.office, purpose: 'decide' })
    const calendar = catalogue.calendarOf(c.office)
    const today = dateIn(acts.now, calendar.zone)
    const { answers } = open.open<Filing>('answers', c.answers)
    const plan: Plan = planOf(deps, service, c.steps as Plan['steps'], event, { answers, today, at: acts.now.toISOString() })
    await lockPlans(tx, deps, acts, [plan])
    const person = await deps.people.person(tx, c.applicant)
    if (!person) throw new Problem('not-found', 'The applicant is not registered any more.')
    // Who changed the case behind its turn gets nothing from it: not a paper, and not the next step's place either.
    if (typeof ownTurns(open, c, [t], person) === 'string')
      throw new Problem('conflict', 'This turn does not belong to this application. Tell the control body.')
    const facts = plan.finish && {
      c,
      service,
      person,
      turn: t,
      vault: open,
      how: 'act' as const,
      result: plan.finish,
      reasons: plan.finish === 'refused' ? given.reasons : [],
      note: given.note,
      now: acts.now,
    }
    const { signed } = given
    if (facts && signed) {
      const official = await deps.people.person(tx, visitor.person)
      const { record } = recordOf(deps, { ...facts, code: signed.ticket.code })
      if (!official || decisionStatement(deps, service, official, t.step, record, signed.ticket) !== signed.signature.statement)
        throw new Problem('conflict', 'What was signed is not what would be decided now.')
    }
    const rule = service.definition.steps.find((s) => s.id === t.step)
    if (facts && !signed && rule?.kind === 'decide' && rule.signed)
      throw new Problem('cases/unsigned', 'This decision is issued with the official’s signature only.')
    const made = facts && makeDecision(deps, signed ? { ...facts, code: signed.ticket.code, signature: signed.signature } : facts)
    const finished = finishTurn(
      acts.line(t.line),
      desk.state,
      t.state,
      { outcome: 'done', paper: made?.paper.commitment ?? null },
      acts.now,
    )
    const entries = [acts.act(finished)]
    acts.desk(desk, finished.desk)
    acts.turn(t, finished.turn, { endedAt: acts.now, outcome: 'done' })
    acts.tell({ kind: made ? 'decided' : 'step', place: c.place, caseId: c.id, turn: t.state.turn })
    if (made) {
      entries.push(
        acts.entry({
          v: 1,
          type: 'case.decided',
          at: minuteStamp(acts.now),
          case: c.pseudonym,
          how: 'act',
          due: c.dueOn!,
          commitment: made.decided.commitment,
        }),
      )
      await store.insertDecision(tx, made.row)
      await deps.mandates.noteResult(tx, c.reference, facts.result)
      if (signed && signed.signature.level !== 'B-LT') acts.job('cases/settle-decision', { place: c.place, caseId: c.id })
      acts.clearTimers(c, ['silence', 'answer', 'agency', 'step', 'sign'])
    }
    const { entries: taken } = takeTurns(acts, c, plan, person.identities[0]?.value ?? '', open)
    for (const timer of stepTimers(deps, c, plan.timers, today)) acts.setTimer(timer)
    beginOutside(acts, c, plan)
    acts.case({ ...c, steps: plan.steps, ...(made ? { state: 'decided' as const, endedAt: acts.now } : {}) })
    acts.event({
      place: c.place,
      caseId: c.id,
      at: acts.now,
      kind: made ? 'decided' : given.kind,
      turn: t.state.turn,
      desk: desk.state.desk,
      data: made ? { result: plan.finish } : given.data,
      sealed: given.note && !made ? open.seal(`note/${t.state.turn}`, { text: given.note }) : null,
      entries: [...entries, ...taken],
    })
    if (made) acts.job('cases/attach-proof', { place: c.place, caseId: c.id })
    await acts.write(tx, deps)
  }

  async function pinned(c: Case): Promise<Service> {
    const service = await catalogue.pinned(c.definition, c.service)
    if (!service) throw new Error(`The pinned definition ${c.definition} is not stored.`)
    return service
  }

  /** A ticket is sealed for one official and one turn: nobody chooses a decision's code. */
  const ticketKey = deps.keys.secret('cases/decision-ticket')
  const ticketFor = (visitor: SignedIn, turn: TurnId) => `cases/decision-ticket/${turn}/${visitor.person}`
  const sealTicket = (visitor: SignedIn, turn: TurnId, ticket: Ticket) =>
    deps.keys.encrypt(ticketKey, Buffer.from(JSON.stringify(ticket)), ticketFor(visitor, turn)).toString('base64url')

  /** What the decision would say now, to be signed; null where it issues no document. */
  async function statementFor(
    tx: Tx,
    visitor: SignedIn,
    office: OfficeId,
    turn: TurnId,
    given: Decided,
    ticket: Ticket,
  ): Promise<string | null> {
    const { t, c, acts } = await called(tx, visitor, office, turn)
    const service = await pinned(c)
    const open = await vault.use(tx, c, { person: visitor.person, office, purpose: 'decide' })
    const today = dateIn(acts.now, catalogue.calendarOf(c.office).zone)
    const { answers } = open.open<Filing>('answers', c.answers)
    const event: StepEvent = { type: 'decided', step: t.step, result: given.result }
    const { finish } = planOf(deps, service, c.steps as Plan['steps'], event, { answers, today, at: acts.now.toISOString() })
    const [person, official] = await Promise.all([deps.people.person(tx, c.applicant), deps.people.person(tx, visitor.person)])
    if (!finish || !person || !official) return null
    const { record } = recordOf(deps, {
      c,
      service,
      person,
      turn: t,
      vault: open,
      how: 'act',
      result: finish,
      reasons: finish === 'refused' ? [...new Set(given.reasons)] : [],
      note: given.note.trim().slice(0, 2000),
      now: acts.now,
      code: ticket.code,
    })
    return decisionStatement(deps, service, official, t.step, record, ticket)
  }

  /** The official's signature on what would be decided now, checked before any line is locked. */
  async function checkSigned(
    visitor: SignedIn,
    office: OfficeId,
    turn: TurnId,
    given: Decided,
    signed: { readonly ticket: string; readonly cms: Buffer },
  ): Promise<SignedDecision> {
    const changed = () => new Problem('conflict', 'What was signed is not what would be decided now.')
    let ticket: Ticket
    try {
      ticket = JSON.parse(deps.keys.decrypt(ticketKey, Buffer.from(signed.ticket, 'base64url'), ticketFor(visitor, turn)).toString())
    } catch {
      throw changed()
    }
    const { statement, official } = await db.tx(async (tx) => ({
      statement: await statementFor(tx, visitor, office, turn, given, ticket),
      official: await deps.people.person(tx, visitor.person),
    }))
    if (statement === null || !official) throw changed()
    const taken = await deps.signing.take({ content: Buffer.from(statement, 'utf8'), signature: signed.cms, at: clock.now() })
    if (!official.identities.some((i) => i.value === taken.signer.rfc || i.value === taken.signer.curp))
      throw new Problem('signing/other-person', 'The certificate is of somebody else.')
    return {
      ticket,
      signature: { statement, cms: taken.cms.toString('base64'), by: taken.signer, at: taken.at, level: taken.level },
    }
  }

  return {
    /** The visitor's desk at an office, or null when they never sat at one. */
    async desk(visitor: SignedIn, office: OfficeId): Promise<Desk | null> {
      official(visitor, office)
      return (await store.deskOf(db, office, visitor.person)) ?? null
    },

    /**
     * Goes on duty. The system says in which line: where somebody has waited longest. Refuses with `forbidden`, `cases/desk-busy`,
     * `catalogue/not-offered` (the office serves nothing).
     */
    goOn(visitor: SignedIn, office: OfficeId): Promise<void> {
      return db.tx(async (tx) => {
        official(visitor, office)
        const about = catalogue.office(office)
        if (!about) throw new Problem('not-found', 'There is no such office.')
        const place = about.jurisdiction.code
        const acts = new Acts(clock.now())
        const covers = coversOf(catalogue, office)
        if (covers.length === 0) throw new Problem('catalogue/not-offered', 'This office serves no step of any service.')
        await lockLinesFor(tx, deps, acts, [{ office, cover: covers[0]! }])
        await seat(tx, place, office, visitor.person)
        const desk = await store.lockDesk(tx, place, (await store.deskOf(tx, office, visitor.person))!.state.desk)
        if (!desk) throw new Problem('conflict', 'The desk is gone.')
        if (desk.state.line !== null) {
          await acts.write(tx, deps)
          return
        }
        const line = (await longestWaiting(tx, desk)) ?? acts.lineCovering(covers[0]!)!.line
        // A desk that may change no more today goes on where it was: an official is never kept from serving.
        const on =
          orNone(() => deskOn(acts.line(line), desk.state, acts.now)) ?? deskOn(acts.line(desk.state.lastLine!), desk.state, acts.now)
        acts.act(on)
        acts.desk(desk, on.desk)
        await acts.write(tx, deps)
      })
    },

    /** Goes off duty; a called turn goes back to its place. */
    goOff(visitor: SignedIn, office: OfficeId): Promise<void> {
      return calling(async (tx) => close(tx, await lockedDesk(tx, visitor, office)))
    },

    /** The system takes a desk off duty whose person is no official of the office any more. Does nothing for one who is, or has no desk. */
    closeFor(person: PersonId, office: OfficeId): Promise<void> {
      return calling(async (tx) => {
        if ((await deps.people.holders(tx, 'official', office)).includes(person)) return
        const desk = await store.deskOf(tx, office, person)
        if (desk) await close(tx, desk)
      })
    },

    /** *Serve the next*: the only way a turn comes to a desk. With a turn at the desk, that one. Returns whether there is one now. */
    next(visitor: SignedIn, office: OfficeId): Promise<boolean> {
      return calling(async (tx) => {
        const desk = await lockedDesk(tx, visitor, office)
        if (desk.state.turn !== null) return true
        return (await callNext(tx, office, desk.state.desk, desk.place)) !== null
      })
    },

    /** What the desk has before it, opened; the use is recorded. Null when it has called nothing. */
    current(visitor: SignedIn, office: OfficeId): Promise<Served | null> {
      return db.tx(async (tx) => {
        official(visitor, office)
        const desk = await store.deskOf(tx, office, visitor.person)
        if (!desk?.state.turn) return null
        const turn = await store.turnById(tx, desk.place, desk.state.turn)
        if (!turn) return null
        const c = (await store.caseById(tx, turn.place, turn.caseId))!
        const service = await pinned(c)
        const open = await vault.use(tx, c, { person: visitor.person, office, purpose: 'serve' })
        // The turn's promise must open under this case's key: were the case changed behind the turn, nothing of it is shown.
        try {
          open.open(`holder/${turn.state.turn}`, turn.opening)
        } catch (cause) {
          throw new Problem('cases/tampered', 'The records of this turn do not belong together.', { cause })
        }
        await store.touchTurn(tx, turn, clock.now())
        const filing = open.open<Filing>('answers', c.answers)
        const world = {
          language: visitor.language,
          today: dateIn(clock.now(), catalogue.calendarOf(c.office).zone),
          places: catalogue.places,
        }
        const journey = ask(service, filing.answers, world)
        const step = service.definition.steps.find((s) => s.id === turn.step)!
        const person = await deps.people.person(tx, c.applicant)
        const request = await askedPapers(tx, c)
        const line = (await store.linesOf(tx, office)).find((l) => l.state.line === turn.line)
        const history = (await store.eventsOf(tx, c)).map((e) => ({
          at: e.at,
          kind: e.kind,
          data: e.data,
          note: e.sealed && e.turn && notedKinds.has(e.kind) ? open.open<{ text: string }>(`note/${e.turn}`, e.sealed).text : '',
        }))
        return {
          history,
          presence: line?.state.presence ?? false,
          desk,
          turn,
          c,
          service,
          step,
          journey,
          shown: showAnswers(service, filing.answers, world),
          files: (await store.filesOf(tx, c)).map((f) => ({ ...f, ...open.open<FileFacts>(`file/${f.id}`, f.sealed) })),
          messages: (await store.messagesOf(tx, c)).map((m) => ({
            at: m.at,
            author: m.author,
            text: open.open<{ text: string }>(`message/${m.id}`, m.sealed).text,
          })),
          applicant: { name: person?.name ?? '', identity: person?.identities[0]?.value ?? '' },
          cannotAsk: cannotAsk(c, turn, journey, request !== null, world.today),
          askedBefore: request?.papers ?? [],
          signatures: await signings.of(tx, c, open),
        }
      })
    },

    /** An attachment of the case at this desk. Refuses any other with `not-found`. */
    file(visitor: SignedIn, office: OfficeId, id: string): Promise<{ facts: FileFacts; key: Buffer }> {
      return db.tx(async (tx) => {
        const desk = await lockedDesk(tx, visitor, office)
        const turn = desk.state.turn ? await store.turnById(tx, desk.place, desk.state.turn) : undefined
        const c = turn && (await store.caseById(tx, turn.place, turn.caseId))
        const row = c && (await store.filesOf(tx, c)).find((f) => f.id === id)
        if (!c || !row) throw new Problem('not-found', 'There is no such file at your desk.')
        const open = await vault.use(tx, c, { person: visitor.person, office, purpose: 'serve' })
        return { facts: open.open<FileFacts>(`file/${id}`, row.sealed), key: open.key }
      })
    },

    /** The result of a review; the next turn is called in the same transaction. */
    review(visitor: SignedIn, office: OfficeId, turn: TurnId, given: { result: 'ok' | 'objection'; note: string }): Promise<void> {
      return calling(async (tx) => {
        const now = await called(tx, visitor, office, turn)
        const { t } = now
        const kind = (await pinned(now.c)).definition.steps.find((s) => s.id === t.step)?.kind
        if (kind !== 'review' && kind !== 'parallel') throw new Problem('cases/not-your-turn', 'This turn is for a decision.')
        if (given.result === 'objection' && given.note.trim().length === 0)
          throw new Problem('invalid', 'Say what the objection is.', {
            fields: [{ pointer: '/note', code: 'required', detail: 'Say what the objection is.' }],
          })
        const event: StepEvent = {
          type: 'reviewed',
          step: t.step,
          ...(t.branch === null ? {} : { branch: t.branch }),
          result: given.result,
        }
        await follow(tx, visitor, now, event, {
          reasons: [],
          note: given.note.trim().slice(0, 2000),
          kind: 'reviewed',
          data: { result: given.result, step: t.step },
        })
        await callNext(tx, office, now.desk.state.desk, now.desk.place)
      })
    },

    /**
     * What the official signs to issue this decision, and the ticket that brings it back to `decide`; null where the step's end issues no document. Changes nothing.
     * Refuses as `decide`.
     */
    prepare(visitor: SignedIn, office: OfficeId, turn: TurnId, given: Decided): Promise<{ statement: string; ticket: string } | null> {
      const ticket: Ticket = { code: newReference(), unique: randomId(), at: clock.now().toISOString(), language: visitor.language }
      return db.tx(async (tx) => {
        const statement = await statementFor(tx, visitor, office, turn, given, ticket)
        return statement === null ? null : { statement, ticket: sealTicket(visitor, turn, ticket) }
      })
    },

    /**
     * The decision; the next turn is called in the same transaction. A refusal needs at least one reason of the definition's list. `signed`: what `prepare` gave, and the official's
     * signature on its statement (CMS, DER). Refuses with `signing/refused`, `signing/other-person`, and `conflict` when the decision would not be the one that was signed.
     */
    async decide(
      visitor: SignedIn,
      office: OfficeId,
      turn: TurnId,
      given: Decided & { readonly signed?: { readonly ticket: string; readonly cms: Buffer } },
    ): Promise<void> {
      const signed = given.signed && (await checkSigned(visitor, office, turn, given, given.signed))
      return calling(async (tx) => {
        const now = await called(tx, visitor, office, turn)
        const service = await pinned(now.c)
        const step = service.definition.steps.find((s) => s.id === now.t.step)
        if (step?.kind !== 'decide') throw new Problem('cases/not-your-turn', 'This turn is not for a decision.')
        const known = service.definition.reasons.map((r) => r.id)
        if (given.reasons.some((r) => !known.includes(r)))
          throw new Problem('cases/not-listed', 'This reason is not on the list of the service.')
        if (given.result === 'refused' && given.reasons.length === 0)
          throw new Problem('invalid', 'Choose the reason.', {
            fields: [{ pointer: '/reasons', code: 'required', detail: 'Choose the reason.' }],
          })
        await follow(
          tx,
          visitor,
          now,
          { type: 'decided', step: now.t.step, result: given.result },
          {
            reasons: [...new Set(given.reasons)],
            note: given.note.trim().slice(0, 2000),
            kind: 'step-decided',
            data: { result: given.result, step: now.t.step },
            ...(signed ? { signed } : {}),
          },
        )
        await callNext(tx, office, now.desk.state.desk, now.desk.place)
      })
    },

    /**
     * Asks for papers of the closed list, all at once, once, in the first third of the term: the turn is held and the clock stands still. Refuses with
     * `cases/not-listed`, `cases/already-asked`, `cases/too-late`.
     */
    askPapers(
      visitor: SignedIn,
      office: OfficeId,
      turn: TurnId,
      papers: readonly { id: string; why: AskReason }[],
      note: string,
    ): Promise<void> {
      return calling(async (tx) => {
        const now = await called(tx, visitor, office, turn)
        const { desk, t, c, acts } = now
        const service = await pinned(c)
        const open = await vault.use(tx, c, { person: visitor.person, office, purpose: 'serve' })
        const calendar = catalogue.calendarOf(c.office)
        const today = dateIn(acts.now, calendar.zone)
        const journey = ask(service, open.open<Filing>('answers', c.answers).answers, {
          language: visitor.language,
          today,
          places: catalogue.places,
        })
        const ids = [...new Set(papers.map((p) => p.id))]
        if (ids.length === 0)
          throw new Problem('invalid', 'Choose what is missing.', {
            fields: [{ pointer: '/papers', code: 'required', detail: 'Choose what is missing.' }],
          })
        if (papers.some((p) => !askReasons.includes(p.why)) || ids.some((id) => !journey.papers.some((p) => p.id === id)))
          throw new Problem('cases/not-listed', 'Only papers of the closed list can be asked for.')
        const cannot = cannotAsk(c, t, journey, (await askedPapers(tx, c)) !== null, today)
        if (cannot === 'too-late') throw new Problem('cases/too-late', 'Papers are asked for in the first third of the term.')
        if (cannot !== null) throw new Problem('cases/already-asked', 'Papers were asked for once; decide on what there is.')
        const answerBy = addWorkingDays(today, service.definition.answerWithin.workingDays, calendar)
        const ends = endOfDay(answerBy, calendar.zone)
        const held = holdTurn(acts.line(t.line), desk.state, t.state, { reason: 'papers', until: holdUntil(ends) }, acts.now)
        const entries = [acts.act(held)]
        acts.desk(desk, held.desk)
        acts.turn(t, held.turn, { calledAt: null, touchedAt: null })
        acts.case({ ...c, state: 'asked', askedOn: today, answerBy })
        acts.event({
          place: c.place,
          caseId: c.id,
          at: acts.now,
          kind: 'papers-asked',
          turn: t.state.turn,
          desk: desk.state.desk,
          data: { papers: ids, why: Object.fromEntries(papers.map((p) => [p.id, p.why])), answerBy },
          sealed: note.trim() ? open.seal(`note/${t.state.turn}`, { text: note.trim().slice(0, 2000) }) : null,
          entries,
        })
        acts.clearTimers(c, ['silence'])
        acts.setTimer({ place: c.place, caseId: c.id, kind: 'answer', key: '', due: ends })
        acts.tell({ kind: 'asked', place: c.place, caseId: c.id, turn: t.state.turn })
        await acts.write(tx, deps)
        await callNext(tx, office, desk.state.desk, desk.place)
      })
    },

    /** Holds the turn for another agency's word, without stopping the clock; it comes back by itself. `workingDays`: at most ten. */
    holdForAgency(visitor: SignedIn, office: OfficeId, turn: TurnId, workingDays: number): Promise<void> {
      return calling(async (tx) => {
        const { desk, t, c, acts } = await called(tx, visitor, office, turn)
        if (!Number.isInteger(workingDays) || workingDays < 1 || workingDays > 10) throw new Problem('invalid', 'One to ten working days.')
        const calendar = catalogue.calendarOf(c.office)
        const asked = addWorkingDays(dateIn(acts.now, calendar.zone), workingDays, calendar)
        // While papers are awaited (another office of the same step asked) the term stands still, and its day may be past.
        const ends = endOfDay(c.state === 'open' && c.dueOn && c.dueOn < asked ? c.dueOn : asked, calendar.zone)
        const held = holdTurn(acts.line(t.line), desk.state, t.state, { reason: 'agency', until: holdUntil(ends) }, acts.now)
        acts.desk(desk, held.desk)
        acts.turn(t, held.turn, { calledAt: null, touchedAt: null })
        acts.case(c)
        acts.event({
          place: c.place,
          caseId: c.id,
          at: acts.now,
          kind: 'held-agency',
          turn: t.state.turn,
          desk: desk.state.desk,
          data: { until: held.turn.until },
          sealed: null,
          entries: [acts.act(held)],
        })
        acts.setTimer({ place: c.place, caseId: c.id, kind: 'agency', key: t.state.turn, due: new Date(ends.getTime() - 60_000) })
        acts.tell({ kind: 'held-agency', place: c.place, caseId: c.id, turn: t.state.turn })
        await acts.write(tx, deps)
        await callNext(tx, office, desk.state.desk, desk.place)
      })
    },

    /** The applicant is not there: back once, to a new place, and told; the second time the turn is over. */
    absent(visitor: SignedIn, office: OfficeId, turn: TurnId): Promise<void> {
      return calling(async (tx) => {
        const { desk, t, c, acts } = await called(tx, visitor, office, turn)
        const marked = markAbsent(acts.line(t.line), desk.state, t.state, acts.now)
        const over = marked.turn.state === 'finished'
        acts.desk(desk, marked.desk)
        acts.turn(t, marked.turn, over ? { endedAt: acts.now, outcome: 'absent' } : { calledAt: null, touchedAt: null })
        acts.case(over ? { ...c, state: 'lapsed', endedAt: acts.now } : c)
        const entries = [acts.act(marked)]
        acts.tell({ kind: over ? 'absent-twice' : 'returned', place: c.place, caseId: c.id, turn, data: { reason: 'absent' } })
        if (over) {
          // The case is over with it: its turns in other offices' lines end as well.
          const rest = (await livingTurns(tx, acts, c)).filter((other) => other.state.turn !== turn)
          entries.push(...(await endTurns(tx, acts, c, rest, 'lapsed', null)))
          acts.clearTimers(c, ['silence', 'answer', 'agency', 'step', 'sign'])
        }
        acts.event({
          place: c.place,
          caseId: c.id,
          at: acts.now,
          kind: over ? 'absent-twice' : 'returned',
          turn,
          desk: desk.state.desk,
          data: { reason: 'absent' },
          sealed: null,
          entries,
        })
        await acts.write(tx, deps)
        await callNext(tx, office, desk.state.desk, desk.place)
      })
    },

    /** A message to the applicant of the turn at this desk. It stops no clock and asks for no paper. */
    write(visitor: SignedIn, office: OfficeId, turn: TurnId, words: string): Promise<void> {
      return db.tx(async (tx) => {
        const desk = await lockedDesk(tx, visitor, office)
        if (desk.state.turn !== turn) throw new Problem('cases/not-your-turn', 'That turn is not at your desk.')
        const t = (await store.turnById(tx, desk.place, turn))!
        const c = (await store.lockCase(tx, t.place, t.caseId))!
        // The call may have ended while this waited for the case: then it is another desk's to write.
        if ((await store.turnById(tx, t.place, turn))?.state.desk !== desk.state.desk)
          throw new Problem('cases/not-your-turn', 'That turn is not at your desk.')
        await writeMessage(tx, deps, c, { person: visitor.person, office }, desk.state.desk, words)
        await store.touchTurn(tx, t, clock.now())
      })
    },

    /** Declares in advance a person or company whose turns this desk may not serve: by CURP or RFC. It holds for turns taken from now on. */
    declareConflict(visitor: SignedIn, office: OfficeId, identity: string): Promise<void> {
      return db.tx(async (tx) => {
        official(visitor, office)
        const about = catalogue.office(office)
        if (!about) throw new Problem('not-found', 'There is no such office.')
        const place = about.jurisdiction.code
        await seat(tx, place, office, visitor.person)
        const desk = (await store.deskOf(tx, office, visitor.person))!
        await store.insertConflict(tx, place, desk.state.desk, conflictDigest(deps.keys, identity), clock.now())
      })
    },

    /**
     * Takes a declaration back: it counts no more for turns taken from now on, and still for those taken before, so that nobody frees a turn that already waits.
     * Refuses with `not-found` what this desk has not declared.
     */
    withdrawConflict(visitor: SignedIn, office: OfficeId, identity: string): Promise<void> {
      return db.tx(async (tx) => {
        official(visitor, office)
        const subject = conflictDigest(deps.keys, identity)
        const desk = await store.deskOf(tx, office, visitor.person)
        if (!desk || !(await store.withdrawConflict(tx, desk.place, desk.state.desk, subject, clock.now())))
          throw new Problem('not-found', 'You have not declared this conflict.')
      })
    },
  }
}

/** Makes the person's desk at an office unless there is one. Desks are numbered as people first sit down: a name that can be read off a wall and said aloud. */
async function seat(tx: Tx, place: string, office: OfficeId, person: PersonId): Promise<void> {
  if (await store.deskOf(tx, office, person)) return
  await store.lockOffice(tx, office)
  const n = (await store.desksOf(tx, office)).length + 1
  const desk = `${office}-${n}` as DeskId
  await store.insertDesk(tx, {
    place,
    person,
    state: { desk, office, line: null, lastLine: null, changedOn: null, changes: 0, turn: null },
  })
}

/** A desk as people say it: its number within the office. */
export function deskName(desk: string): string {
  return desk.slice(desk.lastIndexOf('-') + 1)
}

function cannotAsk(c: Case, t: Turn, journey: Journey, asked: boolean, today: string): Served['cannotAsk'] {
  if (asked || t.state.heldFor.includes('papers')) return c.alreadyThere ? 'already-there' : 'asked-once'
  if (journey.papers.length === 0) return 'nothing-listed'
  return c.askBy !== null && today > c.askBy ? 'too-late' : null
}
