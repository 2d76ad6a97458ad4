import type { Tx } from '#db'
import type { Jobs } from '#jobs'
import type { DeskId, LineId, TurnId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Entry, LineEntry, PublicLog } from '#publiclog'
import type { DeskState, LineState, TurnState } from './line.ts'
import * as store from './store.ts'

/** An event yet to be numbered; `entries` point into the acts' own list. */
type Pending = Omit<store.CaseEvent, 'seq' | 'entries'> & { readonly entries: readonly number[] }

/** What a person is told, by a job that runs after commit. */
export type News = {
  readonly kind: string
  readonly place: string
  readonly caseId: string
  readonly turn?: TurnId
  readonly data?: Readonly<Record<string, unknown>>
}

/**
 * Everything one transaction does to lines, turns, desks and cases: gathered in memory from the pure functions' results, then written by one
 * statement per table. Lines must be locked before they are put in.
 */
export class Acts {
  readonly now: Date
  // `was` is the line as it was locked: what did not change is not written.
  readonly #lines = new Map<LineId, { place: string; state: LineState; was: LineState }>()
  #covering: Map<string, LineId> | null = null
  readonly #newTurns: store.Turn[] = []
  readonly #turns = new Map<TurnId, store.Turn>()
  readonly #desks = new Map<DeskId, store.Desk>()
  readonly #cases = new Map<string, store.Case>()
  readonly #entries: Entry[] = []
  readonly #events: Pending[] = []
  readonly #jobs: { name: string; data: object; startAfter?: Date }[] = []
  readonly #timers: store.Timer[] = []
  readonly #cleared: { c: store.Case; kinds: store.TimerKind[] }[] = []

  constructor(now: Date) {
    this.now = now
  }

  /** Puts locked lines in. */
  hold(lines: readonly store.Line[]): void {
    for (const l of lines)
      if (!this.#lines.has(l.state.line)) this.#lines.set(l.state.line, { place: l.place, state: l.state, was: l.state })
    this.#covering = null
  }

  /** The present state of a locked line. */
  line(id: LineId): LineState {
    const l = this.#lines.get(id)
    if (!l) throw new TypeError(`The line ${id} is not locked.`)
    return l.state
  }

  /** The locked line that covers `cover` (`service/step`) now; undefined when none does. */
  lineCovering(cover: string): LineState | undefined {
    if (!this.#covering) {
      this.#covering = new Map()
      for (const [id, { state }] of this.#lines) for (const c of state.covers) if (!this.#covering.has(c)) this.#covering.set(c, id)
    }
    const line = this.#covering.get(cover)
    return line && this.#lines.get(line)?.state
  }

  /** Takes one act of the line's pure functions: its entry and the states after it. Returns the entry's position for an event. */
  act(done: { entry: LineEntry; line: LineState }): number {
    const held = this.#lines.get(done.line.line)
    if (!held) throw new TypeError(`The line ${done.line.line} is not locked.`)
    if (held.state.covers !== done.line.covers) this.#covering = null
    held.state = done.line
    return this.#entries.push(done.entry) - 1
  }

  /** Adds an entry that is no line's act. */
  entry(entry: Entry): number {
    return this.#entries.push(entry) - 1
  }

  addTurn(t: store.Turn): void {
    this.#newTurns.push(t)
  }

  /** Writes a turn's new state; `more` are the columns beside the rule's own. */
  turn(
    t: store.Turn,
    state: TurnState,
    more: Partial<Pick<store.Turn, 'calledAt' | 'touchedAt' | 'endedAt' | 'outcome' | 'matter'>> = {},
  ): store.Turn {
    const next = { ...t, ...more, state }
    const fresh = this.#newTurns.findIndex((n) => n.state.turn === state.turn)
    if (fresh >= 0) this.#newTurns[fresh] = next
    else this.#turns.set(state.turn, next)
    return next
  }

  /** A turn as these acts leave it so far. */
  presentTurn(t: store.Turn): store.Turn {
    return this.#turns.get(t.state.turn) ?? t
  }

  desk(d: store.Desk, state: DeskState): store.Desk {
    const next = { ...d, state }
    this.#desks.set(state.desk, next)
    return next
  }

  case(c: store.Case): store.Case {
    this.#cases.set(c.id, c)
    return c
  }

  /** A case as these acts leave it so far. */
  present(c: store.Case): store.Case {
    return this.#cases.get(c.id) ?? c
  }

  event(e: Pending): void {
    this.#events.push(e)
  }

  /** Tells the people concerned, after commit, with the line and number of the act: the last one on this turn, or the last at all. */
  tell(news: News): void {
    const act = this.#entries.findLast(
      (e): e is LineEntry => 'line' in e && (news.turn === undefined || ('turn' in e && e.turn === news.turn)),
    )
    this.#jobs.push({ name: 'cases/tell', data: { ...news, ...(act ? { line: act.line, n: act.n } : {}) } })
  }

  /** Enqueues a job with these acts. */
  job(name: string, data: object, startAfter?: Date): void {
    this.#jobs.push({ name, data, ...(startAfter ? { startAfter } : {}) })
  }

  setTimer(t: store.Timer): void {
    this.#timers.push(t)
  }

  clearTimers(c: store.Case, kinds: store.TimerKind[]): void {
    this.#cleared.push({ c, kinds })
  }

  /** Writes everything, what does not wait for another's answer in one piece, in this order: the log last, since its lock is the one all others wait for. */
  async write(tx: Tx, deps: { publiclog: Pick<PublicLog, 'append'>; jobs: Pick<Jobs, 'addAll'> }): Promise<void> {
    const seqs = new Map<string, number>()
    const numbered = this.#events.map((e) => {
      const c = this.#cases.get(e.caseId)
      if (!c) throw new Problem('conflict', 'An event needs its case among the acts.')
      const seq = (seqs.get(e.caseId) ?? c.events) + 1
      seqs.set(e.caseId, seq)
      return { ...e, seq }
    })
    // The case's first turn stands for its matter until the case is over, also while others of its turns are served: only then may it be filed again.
    const over = [...this.#cases.values()].filter((c) => c.endedAt !== null)
    await Promise.all([
      ...[...this.#turns.values()].map((t) => store.updateTurn(tx, t)),
      over.length > 0 && store.freeMatters(tx, over),
      store.insertTurns(tx, this.#newTurns),
      ...[...this.#desks.values()].map((d) => store.updateDesk(tx, d)),
      store.updateLines(
        tx,
        [...this.#lines.values()].filter((l) => l.state !== l.was),
      ),
      store.clearTimers(tx, this.#cleared),
      store.setTimers(tx, this.#timers),
      store.updateCases(
        tx,
        [...this.#cases.values()].map((c) => ({ ...c, events: seqs.get(c.id) ?? c.events })),
      ),
      this.#jobs.length > 0 && deps.jobs.addAll(tx, this.#jobs),
    ])
    const appended = this.#entries.length ? await deps.publiclog.append(tx, this.#entries) : []
    const events = numbered.map((e): store.CaseEvent => ({ ...e, entries: e.entries.map((i) => appended[i]!.id) }))
    await store.insertEvents(tx, events)
  }
}
