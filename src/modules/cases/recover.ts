/**
 * The way back of lines, turns and cases after a database was restored that is older than the published log. The log is the truth: what it says of a line, a turn or a desk
 * becomes so here, act by act, without asking whether it was right; whether it was is for the replay to say. What the log does not hold (answers, papers, notes,
 * documents, and who a new person is) is lost, and is listed, told and never guessed.
 *
 * A turn whose taking is not known here hangs on a *stand-in*: a case without contents, nobody's. Its place in the line stays its holder's, who proves it with the receipt. When
 * a stand-in's turn is called it is held at once, as one whose applicant is asked for papers, so that nobody waits behind it; what is not claimed by then lapses.
 */
import type { Tx } from '#db'
import { addWorkingDays } from '#kernel/calendar'
import { type CaseId, newReference, type OfficeId, type PersonId, randomId, type TurnId, uuidv7 } from '#kernel/id'
import { addDays, dateIn, endOfDay, type PlainDate } from '#kernel/time'
import type { Message } from '#messages'
import {
  type CaseDecided,
  type CaseSubmitted,
  type CaseWithdrawn,
  type LineEntry,
  parseEntry,
  type Recovered,
  type TurnTaken,
} from '#publiclog'
import { Acts } from './acts.ts'
import { answerAgainBy, dueAfterPause } from './clock.ts'
import type { Deps } from './deps.ts'
import { type DeskState, deskOff, endTurn, holdTurn, holdUntil, type LineState, returnTurn, type TurnState } from './line.ts'
import * as lost from './lost-store.ts'
import * as store from './store.ts'

/** Working days that the holder of a turn without its case has, once it is called, to come with the receipt. */
const claimDays = 10

/** Whether this case only stands for one whose contents were lost. */
export const isStandIn = (c: Pick<store.Case, 'service'>): boolean => (c.service as string) === ''

/** What was lost. `told`: how many of the cases have a holder whom this database knows and who has a message. */
export type Losses = { readonly cases: readonly lost.LostCase[]; readonly turns: readonly lost.LostTurn[]; readonly told: number }

/** Opens the module's part of a recovery: `replay` and `finish` are what `publiclog.recovery(…).run` takes. */
export function openRecovery(deps: Deps) {
  const { clock } = deps

  return {
    /** Brings lines, turns, desks and cases to where these entries, next in the log, say they are. What was so already is passed over. */
    async replay(tx: Tx, entries: readonly Recovered[]): Promise<void> {
      const portion = await openPortion(tx, deps)
      for (const { id, bytes } of entries) {
        const entry = parseEntry(bytes)
        // What this release cannot read was written by a newer one, or past every engine: it stays in the log and changes nothing here.
        if ('fault' in entry) continue
        if ('line' in entry) await portion.act(id, entry)
        else if (entry.type === 'case.submitted') await portion.submitted(entry)
        else if (entry.type === 'case.decided') await portion.decided(id, entry)
        else if (entry.type === 'case.withdrawn') await portion.withdrawn(id, entry)
      }
      await portion.write()
    },

    /**
     * The last transaction: desks of people who are not known here go off duty, turns without their case go back to their places (`outage`), and known holders are told. Run
     * again it finds nothing to do.
     */
    async finish(tx: Tx): Promise<void> {
      const busy = await lost.busyDesks(tx)
      const known = await deps.people.persons(tx, [...new Set(busy.map((d) => d.person))])
      const strangers = busy.filter((d) => !known.has(d.person))
      const orphans = (await lost.calledLostTurns(tx)).filter((t) => !strangers.some((d) => d.desk === t.desk))
      const acts = new Acts(clock.now())
      acts.hold(await store.lockLines(tx, [...new Set([...strangers, ...orphans].map((d) => d.office))]))
      for (const { place, desk } of [...strangers, ...orphans]) {
        let d = (await store.lockDesk(tx, place, desk))!
        const t = d.state.turn === null ? undefined : await store.turnById(tx, place, d.state.turn)
        if (t) {
          const back = returnTurn(acts.line(t.line), d.state, t.state, 'outage', acts.now)
          const c = acts.case(acts.present((await store.lockCase(tx, place, t.caseId))!))
          acts.event({
            place,
            caseId: c.id,
            at: acts.now,
            kind: 'returned',
            turn: t.state.turn,
            desk,
            data: { reason: 'outage' },
            sealed: null,
            entries: [acts.act(back)],
          })
          acts.turn(t, back.turn, { calledAt: null, touchedAt: null })
          acts.tell({ kind: 'returned', place, caseId: c.id, turn: t.state.turn, data: { reason: 'outage' } })
          d = acts.desk(d, back.desk)
        }
        if (d.state.line !== null && strangers.some((s) => s.desk === desk)) {
          const off = deskOff(acts.line(d.state.line), d.state, acts.now)
          acts.act(off)
          acts.desk(d, off.desk)
        }
      }
      await acts.write(tx, deps)

      const untold = await lost.untoldLosses(tx)
      await deps.messages.send(
        tx,
        untold.map(
          (l): Message => ({
            to: l.holder!,
            caseReference: l.reference!,
            key: `lost/${l.pseudonym}/${l.what}`,
            template: l.what === 'filing' ? 'contents-lost' : 'result-lost',
            data: { reference: l.reference! },
          }),
        ),
      )
      await lost.markTold(
        tx,
        untold.map((l) => l.pseudonym),
        clock.now(),
      )
    },

    /** All that recoveries of this database found to be lost. */
    async losses(): Promise<Losses> {
      const cases = await lost.lostCases(deps.db)
      return { cases, turns: await lost.lostTurns(deps.db), told: cases.filter((c) => c.holder !== null).length }
    },
  }
}

type Held<T> = { row: T; dirty: boolean }

/** One portion of entries: what they touch is read once, changed in memory, and written at the end. */
async function openPortion(tx: Tx, deps: Deps) {
  const { catalogue, clock, vault } = deps
  const lines = new Map<string, Held<store.Line> | null>()
  const newLines = new Set<string>()
  const turns = new Map<TurnId, Held<store.Turn> & { fresh: boolean }>()
  const desks = new Map<string, Held<store.Desk>>()
  const cases = new Map<string, Held<store.Case>>()
  const events: Omit<store.CaseEvent, 'seq'>[] = []
  const timers: store.Timer[] = []
  const cleared: { c: store.Case; kinds: store.TimerKind[] }[] = []

  async function lineOf(e: LineEntry): Promise<Held<store.Line> | null> {
    let held = lines.get(e.line)
    if (held === undefined) {
      const at = await lost.placeOfLine(tx, e.line)
      const row = at && (await store.lineById(tx, at.place, e.line))
      held = row ? { row, dirty: false } : null
      lines.set(e.line, held)
    }
    return held
  }

  async function turnOf(place: string, turn: TurnId): Promise<(Held<store.Turn> & { fresh: boolean }) | null> {
    const held = turns.get(turn)
    if (held) return held
    const row = await store.turnById(tx, place, turn)
    if (!row) return null
    const found = { row, dirty: false, fresh: false }
    turns.set(turn, found)
    return found
  }

  /** The desk as it is, or a new row of nobody's for one that the log alone knows. */
  async function deskOf(place: string, office: OfficeId, desk: DeskState['desk']): Promise<Held<store.Desk>> {
    const key = `${place}/${desk}`
    let held = desks.get(key)
    if (!held) {
      let row = await store.lockDesk(tx, place, desk)
      if (!row) {
        row = {
          place,
          person: uuidv7() as PersonId,
          state: { desk, office, line: null, lastLine: null, changedOn: null, changes: 0, turn: null },
        }
        await lost.insertLostDesk(tx, place, row.state, row.person)
      }
      held = { row, dirty: false }
      desks.set(key, held)
    }
    return held
  }

  async function caseOf(place: string, id: CaseId): Promise<Held<store.Case>> {
    let held = cases.get(id)
    if (!held) {
      const row = await store.lockCase(tx, place, id)
      if (!row) throw new Error(`The case ${id} of a turn is gone.`)
      held = { row, dirty: false }
      cases.set(id, held)
    }
    return held
  }

  async function caseNamed(pseudonym: string): Promise<Held<store.Case> | null> {
    for (const held of cases.values()) if (held.row.pseudonym === pseudonym) return held
    const [found] = await lost.casesNamed(tx, [pseudonym])
    return found ? caseOf(found.place, found.id) : null
  }

  function setCase(held: Held<store.Case>, change: Partial<store.Case>): store.Case {
    held.row = { ...held.row, ...change }
    held.dirty = true
    return held.row
  }

  /** Adds to the case's history; entries of one act go to one event, as the engine writes them. */
  function happened(
    held: Held<store.Case>,
    at: Date,
    kind: string,
    id: bigint,
    more: { turn?: TurnId; desk?: store.CaseEvent['desk']; data?: Record<string, unknown> } = {},
  ): void {
    const c = setCase(held, {})
    const last = events.findLastIndex((e) => e.caseId === c.id)
    const before = events[last]
    if (
      before &&
      before.kind === kind &&
      before.at.getTime() === at.getTime() &&
      (kind === 'withdrawn' || kind === 'silence' || kind === 'lapsed')
    )
      events[last] = { ...before, turn: before.turn ?? more.turn ?? null, entries: [...before.entries, id] }
    else
      events.push({
        place: c.place,
        caseId: c.id,
        at,
        kind,
        turn: more.turn ?? null,
        desk: more.desk ?? null,
        data: more.data ?? {},
        sealed: null,
        entries: [id],
      })
  }

  const zoneOf = (c: store.Case) => catalogue.calendarOf(c.office).zone

  /** The turn's own change by this act; `place` is where its line is. */
  function setTurn(held: Held<store.Turn>, state: Partial<TurnState>, more: Partial<store.Turn> = {}): void {
    held.row = { ...held.row, ...more, state: { ...held.row.state, ...state } }
    held.dirty = true
  }

  async function takeTurn(id: bigint, e: TurnTaken, line: LineState, place: string): Promise<void> {
    const at = new Date(e.at)
    const standIn = uuidv7() as CaseId
    const { wrapped, vault: open } = vault.fresh(standIn)
    const applicant = uuidv7() as PersonId
    await lost.insertStandIn(tx, {
      place,
      id: standIn,
      reference: newReference(),
      pseudonym: randomId(),
      office: line.office,
      applicant,
      key: wrapped,
      answers: open.seal('answers', { answers: {}, opening: null, ground: null }),
      at,
    })
    turns.set(e.turn, {
      fresh: true,
      dirty: true,
      row: {
        place,
        line: e.line,
        caseId: standIn,
        step: '',
        branch: null,
        applicant,
        matter: null,
        takenAt: at,
        calledAt: null,
        touchedAt: null,
        endedAt: null,
        outcome: null,
        opening: open.seal(`holder/${e.turn}`, null),
        // Nobody is there to be told.
        toldNear: true,
        state: { turn: e.turn, class: e.class, state: 'waiting', place: e.n, desk: null, heldFor: [], until: null, absent: false },
      },
    })
    await lost.noteLostTurn(tx, { place, turn: e.turn, line: e.line, n: e.n, holder: e.holder, takenAt: e.at, standIn })
    happened(await caseOf(place, standIn), at, 'submitted', id, { turn: e.turn })
  }

  /** An act on a turn that is known, by name or as a stand-in's. */
  async function onTurn(
    id: bigint,
    e: Exclude<Extract<LineEntry, { turn: TurnId }>, TurnTaken>,
    held: Held<store.Turn>,
    line: LineState,
    place: string,
  ): Promise<LineState> {
    const at = new Date(e.at)
    const own = await caseOf(place, held.row.caseId)
    const c = own.row
    const t = held.row.state
    const living = t.state === 'waiting' || t.state === 'called' || t.state === 'held'
    const desk = 'desk' in e && e.desk !== null ? await deskOf(place, line.office, e.desk) : null
    const about = { turn: e.turn, desk: desk?.row.state.desk ?? null }
    // Whoever had called it has it no more, whatever the act.
    const release = async () => {
      if (t.state !== 'called' || t.desk === null) return
      const had = await deskOf(place, line.office, t.desk)
      if (had.row.state.turn === e.turn) setDesk(had, { turn: null })
    }
    switch (e.type) {
      case 'turn.called':
        setTurn(held, { state: 'called', desk: e.desk, until: null }, { calledAt: at, touchedAt: clock.now() })
        setDesk(desk!, { turn: e.turn })
        happened(own, at, 'called', id, about)
        return { ...line, count: line.count + 1 }
      case 'turn.passed':
        await store.insertPass(tx, place, e.turn, e.desk)
        happened(own, at, 'passed', id, { ...about, data: { reason: e.reason } })
        return line
      case 'turn.held': {
        await release()
        setTurn(held, { state: 'held', desk: null, until: e.until, heldFor: [...t.heldFor, e.reason] }, { calledAt: null, touchedAt: null })
        const zone = zoneOf(c)
        // The local day that ends on the UTC date `until`.
        const before = addDays(e.until, -1)
        const lastDay = holdUntil(endOfDay(before, zone)) === e.until ? before : e.until
        if (e.reason === 'agency') {
          timers.push({ place, caseId: c.id, kind: 'agency', key: e.turn, due: new Date(endOfDay(lastDay, zone).getTime() - 60_000) })
          happened(own, at, 'held-agency', id, { ...about, data: { until: e.until } })
          return line
        }
        // Which papers were asked for is lost: any of the closed list may be brought.
        const papers = isStandIn(c) ? [] : ((await catalogue.pinned(c.definition, c.service))?.definition.papers ?? []).map((p) => p.id)
        setCase(own, { state: 'asked', askedOn: localDate(e.at, zone), answerBy: lastDay })
        cleared.push({ c, kinds: ['silence'] })
        timers.push({ place, caseId: c.id, kind: 'answer', key: '', due: endOfDay(lastDay, zone) })
        happened(own, at, 'papers-asked', id, { ...about, data: { papers, why: {}, answerBy: lastDay } })
        return line
      }
      case 'turn.resumed': {
        const undone = t.state === 'left'
        setTurn(held, { state: 'waiting', desk: null, until: null }, { endedAt: null })
        const calendar = catalogue.calendarOf(c.office)
        if (undone) {
          // The first of several turns brings the case back.
          if (c.state === 'withdrawn') {
            if (await isFree(c)) await standFor(c)
            const today = localDate(e.at, calendar.zone)
            if (c.answerBy && c.askedOn && !t.heldFor.includes('papers')) {
              // Another of its turns is back; the one that papers were asked for comes when they are brought.
              const answerBy = answerAgainBy(c.answerBy, c.endedAt!, c.endedAt!, today, calendar)
              setCase(own, { state: 'asked', endedAt: null, answerBy })
              timers.push({ place, caseId: c.id, kind: 'answer', key: '', due: endOfDay(answerBy, calendar.zone) })
            } else {
              const stoodSince = c.answerBy && c.askedOn ? c.askedOn : dateIn(c.endedAt!, calendar.zone)
              const due = c.dueOn && dueAfterPause(c.dueOn, stoodSince, today, calendar)
              setCase(own, { state: 'open', endedAt: null, dueOn: due, answerBy: null })
              if (due) timers.push({ place, caseId: c.id, kind: 'silence', key: '', due: endOfDay(due, calendar.zone) })
            }
          } else if (c.state === 'asked' && t.heldFor.includes('papers')) {
            const due = c.dueOn && c.askedOn ? dueAfterPause(c.dueOn, c.askedOn, localDate(e.at, calendar.zone), calendar) : c.dueOn
            setCase(own, { state: 'open', dueOn: due, answerBy: null })
            cleared.push({ c, kinds: ['answer'] })
            if (due) timers.push({ place, caseId: c.id, kind: 'silence', key: '', due: endOfDay(due, calendar.zone) })
            happened(own, at, 'papers-brought', id, { ...about, data: { papers: [], due } })
            return { ...line, living: line.living + 1 }
          }
          happened(own, at, 'withdrawal-undone', id, about)
          return { ...line, living: line.living + 1 }
        }
        if (c.state !== 'asked') {
          happened(own, at, 'resumed', id, { ...about, data: { reason: 'agency' } })
          return line
        }
        const due = c.dueOn && c.askedOn ? dueAfterPause(c.dueOn, c.askedOn, localDate(e.at, calendar.zone), calendar) : c.dueOn
        setCase(own, { state: 'open', dueOn: due, answerBy: null })
        cleared.push({ c, kinds: ['answer'] })
        if (due) timers.push({ place, caseId: c.id, kind: 'silence', key: '', due: endOfDay(due, calendar.zone) })
        happened(own, at, 'papers-brought', id, { ...about, data: { papers: [], due } })
        return line
      }
      case 'turn.returned': {
        await release()
        const absent = e.reason === 'absent'
        setTurn(
          held,
          { state: 'waiting', desk: null, place: absent ? e.n : t.place, absent: t.absent || absent },
          { calledAt: null, touchedAt: null },
        )
        happened(own, at, 'returned', id, { ...about, data: { reason: e.reason } })
        return { ...line, count: line.count - 1 }
      }
      case 'turn.left':
        await release()
        // The engine ends turn and case at one instant, and an undoing looks for that.
        setTurn(held, { state: 'left', desk: null, until: null }, { endedAt: c.state === 'withdrawn' && c.endedAt ? c.endedAt : at })
        happened(own, c.state === 'withdrawn' && c.endedAt ? c.endedAt : at, 'withdrawn', id, about)
        return living ? { ...line, living: line.living - 1 } : line
      case 'turn.finished': {
        await release()
        setTurn(held, { state: 'finished', desk: null, until: null }, { endedAt: at, outcome: e.outcome })
        const over = e.outcome === 'absent' || e.outcome === 'lapsed'
        if (over) {
          setCase(own, { state: 'lapsed', endedAt: at })
          cleared.push({ c, kinds: ['silence', 'answer', 'agency', 'step'] })
        } else if (e.outcome === 'done' && !isStandIn(c) && e.paper === null) {
          await lost.noteLostCase(tx, {
            pseudonym: c.pseudonym,
            what: 'step',
            service: c.service,
            filedAt: null,
            holder: c.applicant,
            reference: c.reference,
          })
        }
        happened(own, at, { done: 'reviewed', absent: 'absent-twice', lapsed: 'lapsed', silence: 'silence' }[e.outcome], id, about)
        return living ? { ...line, living: line.living - 1 } : line
      }
    }
  }

  /** Whether no other case stands for the same matter. */
  async function isFree(c: store.Case): Promise<boolean> {
    if (c.matter === null || [...turns.values()].some((t) => t.row.matter === c.matter)) return false
    return !(await store.livingMatters(tx, [c.matter])).has(c.matter)
  }

  /** The case's first turn stands for its matter. */
  async function standFor(c: store.Case): Promise<void> {
    const [first] = await store.turnsOf(tx, c)
    const held = first && (await turnOf(c.place, first.state.turn))
    if (held) setTurn(held, {}, { matter: c.matter })
  }

  function setDesk(held: Held<store.Desk>, change: Partial<DeskState>): void {
    held.row = { ...held.row, state: { ...held.row.state, ...change } }
    held.dirty = true
  }

  return {
    async act(id: bigint, e: LineEntry): Promise<void> {
      const held = await lineOf(e)
      if (e.type === 'line.opened') {
        if (held) return
        const about = catalogue.office(e.office)
        if (!about)
          throw new Error(
            `The log opened ${e.line} at the office ${e.office}, which the catalogue does not know. Put its definition back first.`,
          )
        const { line, office, covers, rule, presence, quiet, n, at } = e
        const state: LineState = {
          line,
          office,
          covers,
          rule,
          presence,
          quiet,
          n,
          at,
          announced: [],
          count: 0,
          living: 0,
          desks: 0,
          closed: false,
        }
        newLines.add(line)
        lines.set(line, { row: { place: about.jurisdiction.code, state }, dirty: true })
        return
      }
      if (!held) throw new Error(`The log has an act on ${e.line}, which it never opened.`)
      // Committed here before the copy was made, and in the log since: done already.
      if (e.n <= held.row.state.n) return
      const { place } = held.row
      let line = moved(held.row.state, e)
      if (e.type === 'line.changed') {
        const { covers, rule, quiet, from } = e
        const announced = [...line.announced.filter((c) => c.from !== from), { covers, rule, quiet, from }]
        line = { ...line, announced: announced.sort((a, b) => (a.from < b.from ? -1 : 1)) }
      } else if (e.type === 'line.closed') line = { ...line, closed: true, announced: [] }
      else if (e.type === 'line.desk') {
        const desk = await deskOf(place, line.office, e.desk)
        const s = desk.row.state
        if (e.on && s.line === null) {
          const date = e.at.slice(0, 10)
          const changes = s.lastLine !== null && s.lastLine !== e.line
          const sameDay = s.changedOn !== null && s.changedOn >= date
          setDesk(desk, {
            line: e.line,
            lastLine: e.line,
            ...(changes ? { changedOn: sameDay ? s.changedOn : date, changes: sameDay ? s.changes + 1 : 1 } : {}),
          })
          line = { ...line, desks: line.desks + 1 }
        } else if (!e.on && s.line === e.line) {
          setDesk(desk, { line: null })
          line = { ...line, desks: line.desks - 1 }
        }
      } else if (e.type === 'turn.taken') {
        await takeTurn(id, e, line, place)
        line = { ...line, living: line.living + 1 }
      } else {
        const turn = await turnOf(place, e.turn)
        // An act on a turn that was never taken: the replay names it; there is nothing to change.
        if (turn) line = await onTurn(id, e, turn, line, place)
      }
      held.row = { place, state: line }
      held.dirty = true
    },

    async submitted(e: CaseSubmitted): Promise<void> {
      const held = await caseNamed(e.case)
      if (held && held.row.state !== 'draft') return
      // A draft here may be older than what was filed. It goes on as a draft, under another public name, so that filing it again does not stand in the log twice.
      await lost.noteLostCase(tx, {
        pseudonym: e.case,
        what: 'filing',
        service: e.service,
        filedAt: e.at,
        holder: held?.row.applicant ?? null,
        reference: held?.row.reference ?? null,
      })
      if (!held) return
      const pseudonym = randomId()
      await lost.renameDraft(tx, held.row.place, held.row.id, pseudonym)
      held.row = { ...held.row, pseudonym }
    },

    async decided(id: bigint, e: CaseDecided): Promise<void> {
      const held = await caseNamed(e.case)
      if (!held || held.row.state === 'decided') return
      const at = new Date(e.at)
      const c = setCase(held, { state: 'decided', endedAt: at })
      cleared.push({ c, kinds: ['silence', 'answer', 'agency', 'step'] })
      await lost.noteLostCase(tx, {
        pseudonym: c.pseudonym,
        what: 'decision',
        service: c.service,
        filedAt: null,
        holder: c.applicant,
        reference: c.reference,
      })
      happened(held, at, e.how === 'act' ? 'decided' : 'silence', id)
    },

    async withdrawn(id: bigint, e: CaseWithdrawn): Promise<void> {
      const held = await caseNamed(e.case)
      if (!held || held.row.state === 'withdrawn') return
      const at = new Date(e.at)
      const c = setCase(held, { state: 'withdrawn', endedAt: at })
      cleared.push({ c, kinds: ['silence', 'answer'] })
      happened(held, at, 'withdrawn', id)
    },

    async write(): Promise<void> {
      for (const id of newLines) await store.insertLine(tx, lines.get(id)!.row)
      await store.updateLines(
        tx,
        [...lines].flatMap(([id, l]) => (l?.dirty && !newLines.has(id) ? [l.row] : [])),
      )
      await store.insertTurns(
        tx,
        [...turns.values()].filter((t) => t.fresh).map((t) => t.row),
      )
      const over = [...cases.values()].filter((c) => c.dirty && c.row.endedAt !== null).map((c) => c.row)
      if (over.length) await store.freeMatters(tx, over)
      const ended = new Set(over.map((c) => c.id))
      // A desk has one called turn: those that end are written before those that begin.
      const rank = (t: store.Turn) => (t.state.state === 'called' ? 1 : 0)
      const changed = [...turns.values()].filter((t) => t.dirty).map((t) => (ended.has(t.row.caseId) ? { ...t.row, matter: null } : t.row))
      for (const t of changed.sort((a, b) => rank(a) - rank(b))) await store.updateTurn(tx, t)
      for (const d of desks.values()) if (d.dirty) await store.updateDesk(tx, d.row)
      await store.clearTimers(tx, cleared)
      // The last of each: one statement may not touch a row twice.
      await store.setTimers(
        tx,
        [...new Map(timers.map((t) => [`${t.caseId}/${t.kind}/${t.key}`, t])).values()].filter((t) => stillDue(t)),
      )
      const seqs = new Map<string, number>()
      const numbered = events.map((e): store.CaseEvent => {
        const seq = (seqs.get(e.caseId) ?? cases.get(e.caseId)!.row.events) + 1
        seqs.set(e.caseId, seq)
        return { ...e, seq }
      })
      await store.updateCases(
        tx,
        [...cases.values()].filter((c) => c.dirty).map(({ row }) => ({ ...row, events: seqs.get(row.id) ?? row.events })),
      )
      await store.insertEvents(tx, numbered)
    },
  }

  /** Whether the case is, at the end of the portion, where this timer belongs. */
  function stillDue(t: store.Timer): boolean {
    const state = cases.get(t.caseId)!.row.state
    return t.kind === 'answer' ? state === 'asked' : state === 'open' || (t.kind === 'agency' && state === 'asked')
  }
}

/** The line at this act: announced changes that are due are in force, number and time are the entry's. */
function moved(line: LineState, e: LineEntry): LineState {
  const date = e.at.slice(0, 10)
  const due = line.announced.findLast((c) => c.from <= date)
  const terms = due ? { covers: due.covers, rule: due.rule, quiet: due.quiet, announced: line.announced.filter((c) => c.from > date) } : {}
  return { ...line, ...terms, n: e.n, at: e.at }
}

/** The office's local date of an act; an act that bears a date alone is of that date. */
function localDate(at: string, zone: string): PlainDate {
  return at.length === 10 ? at : dateIn(new Date(at), zone)
}

/**
 * What a desk does with a turn of a stand-in that it has just called: the applicant is asked to come with the receipt, and the turn is held until then; where it was held already
 * for both reasons, it lapses. Writes into `acts`; the caller writes them and calls the next.
 */
export function setAside(
  deps: Pick<Deps, 'catalogue'>,
  acts: Acts,
  given: { c: store.Case; t: store.Turn; desk: store.Desk; called: number },
): void {
  const { c, t, desk, called } = given
  const calendar = deps.catalogue.calendarOf(c.office)
  const today = dateIn(acts.now, calendar.zone)
  const lastDay = addWorkingDays(today, claimDays, calendar)
  const ends = endOfDay(lastDay, calendar.zone)
  const reason = (['papers', 'agency'] as const).find((r) => !t.state.heldFor.includes(r))
  const about = { place: c.place, caseId: c.id, at: acts.now, turn: t.state.turn, desk: desk.state.desk, sealed: null }
  acts.event({ ...about, kind: 'called', data: {}, entries: [called] })
  if (reason === undefined) {
    const end = endTurn(acts.line(t.line), desk.state, t.state, { outcome: 'lapsed', paper: null }, acts.now)
    acts.turn(t, end.turn, { endedAt: acts.now, outcome: 'lapsed' })
    acts.desk(desk, end.desk!)
    acts.case({ ...acts.present(c), state: 'lapsed', endedAt: acts.now })
    acts.event({ ...about, desk: null, kind: 'lapsed', data: {}, entries: [acts.act(end)] })
    return
  }
  const held = holdTurn(acts.line(t.line), desk.state, t.state, { reason, until: holdUntil(ends) }, acts.now)
  acts.turn(t, held.turn, { calledAt: null, touchedAt: null })
  acts.desk(desk, held.desk)
  acts.case({ ...acts.present(c), state: 'asked', askedOn: today, answerBy: lastDay })
  acts.setTimer({ place: c.place, caseId: c.id, kind: 'answer', key: '', due: ends })
  acts.event({ ...about, kind: 'papers-asked', data: { papers: [], why: {}, answerBy: lastDay }, entries: [acts.act(held)] })
}
