/**
 * A stage for tests, vectors and benches: plays lines through `line.ts` over plain maps in place of a database, and writes the entries as the log would hold them. Can also
 * write past the engine, as a thief inside the office would. Everything follows from the seed.
 */
import { createHash } from 'node:crypto'
import { canonical } from '#kernel/canonical'
import type { DeskId, LineId, OfficeId, TurnId } from '#kernel/id'
import { addDays, dayMs, minuteMs, type PlainDate } from '#kernel/time'
import type { Candidates, DeskState, LineState, TurnClass, TurnState } from './line.ts'
import * as rule from './line.ts'

type Terms = Partial<Omit<Parameters<typeof rule.openLine>[0], 'line' | 'office'>> & { office?: string }
type Act = { readonly entry: object; readonly line: LineState; readonly turn?: TurnState; readonly desk?: DeskState | null }

/** One log being played. Times start on Monday 2026-11-23 at 15:00Z. */
export class Play {
  readonly texts: string[] = []
  readonly lines = new Map<string, LineState>()
  readonly desks = new Map<string, DeskState>()
  /** The turn's short name -> its state, and its line. */
  readonly turns = new Map<string, { line: string; state: TurnState }>()
  readonly #names = new Map<string, string>()
  readonly #passed = new Map<string, Set<string>>()
  readonly #leftAt = new Map<string, number>()
  #seed: number
  now = Date.parse('2026-11-23T15:00:00Z')

  constructor(seed = 1) {
    this.#seed = seed
  }

  /** A number in `[0, below)`, the next of this play (mulberry32). */
  random(below: number): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }

  /** The public number of the turn that this play calls `name`. */
  id(name: string): TurnId {
    return createHash('sha256').update(`turn ${name}`).digest().subarray(0, 16).toString('base64url') as TurnId
  }

  /** Something that has the form of a commitment. */
  commitment(to: string): string {
    return createHash('sha256').update(`commitment ${to}`).digest('base64url')
  }

  wait(minutes: number): this {
    this.now += minutes * minuteMs
    return this
  }

  days(days: number): this {
    this.now += days * dayMs
    return this
  }

  date(days = 0): PlainDate {
    return addDays(new Date(this.now).toISOString().slice(0, 10), days)
  }

  #did(act: Act): void {
    this.texts.push(canonical(act.entry))
    this.lines.set(act.line.line, act.line)
    if (act.turn) this.turns.get(this.#names.get(act.turn.turn)!)!.state = act.turn
    if (act.desk) this.desks.set(`${act.desk.office} ${act.desk.desk}`, act.desk)
  }

  line(line: string): LineState {
    return this.lines.get(line)!
  }

  desk(line: string, desk: string): DeskState {
    const { office } = this.line(line)
    const none = { desk: desk as DeskId, office, line: null, lastLine: null, changedOn: null, changes: 0, turn: null }
    return this.desks.get(`${office} ${desk}`) ?? none
  }

  turn(name: string): TurnState {
    return this.turns.get(name)!.state
  }

  #of(name: string): { line: LineState; turn: TurnState; desk: DeskState | null } {
    const { line, state } = this.turns.get(name)!
    return { line: this.line(line), turn: state, desk: state.desk === null ? null : this.desk(line, state.desk) }
  }

  get #clock(): Date {
    return new Date(this.now)
  }

  open(line: string, terms: Terms = {}): this {
    const { office = 'office-1', covers = [`${line}/review`], rule: order = { kind: 'first-come' }, presence = true, quiet = false } = terms
    const given = { line: line as LineId, office: office as OfficeId, covers, rule: order, presence, quiet }
    this.#did(
      rule.openLine(
        given,
        [...this.lines.values()].filter((l) => l.office === office),
        this.#clock,
      ),
    )
    return this
  }

  change(line: string, terms: Partial<Parameters<typeof rule.changeLine>[1]>): this {
    const present = this.line(line)
    const { covers, rule: order, quiet } = present
    const others = [...this.lines.values()].filter((l) => l.office === present.office)
    this.#did(rule.changeLine(present, { covers, rule: order, quiet, from: this.date(7), ...terms }, others, this.#clock))
    return this
  }

  close(line: string): this {
    this.#did(rule.closeLine(this.line(line), this.#clock))
    return this
  }

  on(line: string, ...desks: string[]): this {
    for (const desk of desks) this.#did(rule.deskOn(this.line(line), this.desk(line, desk), this.#clock))
    return this
  }

  off(line: string, desk: string): this {
    this.#did(rule.deskOff(this.line(line), this.desk(line, desk), this.#clock))
    return this
  }

  take(line: string, name: string, kind: TurnClass = 'general'): this {
    const act = rule.takeTurn(this.line(line), { turn: this.id(name), class: kind, holder: this.commitment(name) }, this.#clock)
    this.#names.set(act.turn.turn, name)
    this.turns.set(name, { line, state: act.turn })
    this.#did(act)
    return this
  }

  /** What the store would fetch: the lowest waiting turn of each class that this desk has not passed. */
  candidates(line: string, desk: string): Candidates {
    const lowest = (kind: TurnClass) => {
      let first: TurnState | null = null
      for (const { line: of, state } of this.turns.values())
        if (of === line && state.class === kind && state.state === 'waiting' && !this.#passed.get(state.turn)?.has(desk))
          if (first === null || state.place < first.place) first = state
      return first
    }
    return { general: lowest('general'), priority: lowest('priority') }
  }

  /** *Serve the next*; `conflict` says which turns this desk may not serve. The name of the turn called, or null. */
  next(line: string, desk: string, conflict: (turn: TurnState) => boolean = () => false): string | null {
    for (;;) {
      const candidates = this.candidates(line, desk)
      const chosen = rule.decideCall(this.line(line), this.desk(line, desk), candidates, this.#clock)
      if (chosen === null) return null
      if (!conflict(chosen)) {
        this.#did(rule.callTurn(this.line(line), this.desk(line, desk), candidates, this.#clock)!)
        return this.#names.get(chosen.turn)!
      }
      this.#did(rule.passTurn(this.line(line), this.desk(line, desk), chosen, candidates, this.#clock))
      const passed = this.#passed.get(chosen.turn)
      if (passed) passed.add(desk)
      else this.#passed.set(chosen.turn, new Set([desk]))
    }
  }

  call(line: string, ...desks: string[]): this {
    for (const desk of desks) this.next(line, desk)
    return this
  }

  hold(name: string, reason: rule.HoldReason = 'papers', days = 5): this {
    const { line, turn, desk } = this.#of(name)
    this.#did(rule.holdTurn(line, desk!, turn, { reason, until: this.date(days) }, this.#clock))
    return this
  }

  resume(name: string): this {
    const { line, turn } = this.#of(name)
    const left = this.#leftAt.get(name)
    this.#did(rule.resumeTurn(line, turn, left === undefined ? null : new Date(left + 7 * dayMs), this.#clock))
    return this
  }

  giveBack(name: string, reason: rule.ReturnReason): this {
    const { line, turn, desk } = this.#of(name)
    this.#did(rule.returnTurn(line, desk!, turn, reason, this.#clock))
    return this
  }

  absent(name: string): this {
    const { line, turn, desk } = this.#of(name)
    this.#did(rule.markAbsent(line, desk!, turn, this.#clock))
    return this
  }

  leave(name: string): this {
    const { line, turn, desk } = this.#of(name)
    this.#did(rule.leaveTurn(line, desk, turn, this.#clock))
    this.#leftAt.set(name, this.now)
    return this
  }

  done(name: string): this {
    const { line, turn, desk } = this.#of(name)
    this.#did(rule.finishTurn(line, desk!, turn, { outcome: 'done', paper: this.commitment(`paper ${name}`) }, this.#clock))
    return this
  }

  end(name: string, outcome: 'silence' | 'lapsed' = 'silence'): this {
    const { line, turn, desk } = this.#of(name)
    this.#did(rule.endTurn(line, desk, turn, { outcome, paper: null }, this.#clock))
    return this
  }

  /** Writes an entry past the engine as the line's next act; fields given replace those it would have. The engine's states know nothing of it but the number. */
  plant(line: string, type: string, fields: Record<string, unknown> = {}): this {
    const present = this.lines.get(line)
    const n = (present?.n ?? 0) + 1
    const minute = `${new Date(this.now).toISOString().slice(0, 16)}Z`
    this.texts.push(canonical({ v: 1, type, at: present?.quiet ? minute.slice(0, 10) : minute, line, n, ...fields }))
    if (present) this.lines.set(line, { ...present, n })
    return this
  }

  /** The log as the replay takes it. */
  async *entries(): AsyncGenerator<{ index: number; bytes: Buffer }> {
    for (const [index, text] of this.texts.entries()) yield { index, bytes: Buffer.from(text) }
  }
}

/** Days of an honest office town: several lines, desks that come and go, both classes, conflicts, holds, returns, withdrawals, silence, changes of rule. */
export function honestDays(seed: number, steps: number): Play {
  const play = new Play(seed)
  const lines = ['town/permits', 'town/records', 'town/slow']
  const orders: Parameters<Play['open']>[1][] = [
    { rule: { kind: 'shared', priority: 1, of: 3 } },
    { rule: { kind: 'first-come' }, presence: false, covers: ['a/one', 'a/two'] },
    { rule: { kind: 'shared', priority: 2, of: 3 }, quiet: true, office: 'office-2' },
  ]
  for (const [i, line] of lines.entries()) play.open(line, orders[i])
  const desks = ['d-1', 'd-2', 'd-3', 'd-4', 'd-5']
  const pick = <T>(from: readonly T[]): T => from[play.random(from.length)]!
  const named = (line: string, state: TurnState['state']) =>
    [...play.turns].filter(([, t]) => t.line === line && t.state.state === state).map(([name]) => name)
  let taken = 0
  for (let i = 0; i < steps; i++) {
    if (play.random(3) === 0) play.wait(play.random(play.random(40) === 0 ? 2_000 : 20))
    const line = pick(lines)
    const desk = pick(desks)
    const present = play.line(line)
    // The system acts in time: a hold whose date has come ends before anything else happens in the line.
    for (const name of named(line, 'held')) if (play.turn(name).until! <= play.date(1)) play.end(name, 'lapsed')
    const called = named(line, 'called')
    const mine = called.find((name) => play.turn(name).desk === desk)
    const what = play.random(24)
    if (what < 7) play.take(line, `t${taken++}`, play.random(4) === 0 ? 'priority' : 'general')
    else if (what < 14) {
      const at = play.desk(line, desk)
      if (at.line === null) {
        const turning = at.lastLine !== null && at.lastLine !== line
        if ((at.turn === null || !turning) && !(turning && at.changes >= 2 && at.changedOn! >= play.date())) play.on(line, desk)
      } else if (at.line === line && at.turn === null) play.next(line, desk, (t) => (t.turn.charCodeAt(3) + desk.charCodeAt(2)) % 9 === 0)
    } else if (what < 19 && mine) {
      play.done(mine)
      if (play.desk(line, desk).line === line) play.next(line, desk)
    } else if (what === 19 && mine) {
      const reason = pick(['papers', 'agency'] as const)
      if (!play.turn(mine).heldFor.includes(reason)) play.hold(mine, reason, 2 + play.random(9))
    } else if (what === 20 && mine) {
      if (present.presence && play.random(2) === 0) play.absent(mine)
      else play.giveBack(mine, pick(['idle', 'outage'] as const))
    } else if (what === 21) {
      const at = play.desk(line, desk)
      if (at.line === line) {
        if (mine && play.random(2) === 0) play.giveBack(mine, 'off')
        play.off(line, desk)
      }
    } else if (what === 22) {
      const held = named(line, 'held')
      if (held.length > 0) play.resume(pick(held))
    } else if (what === 23) {
      const kind = play.random(12)
      const living = [...named(line, 'waiting'), ...named(line, 'held'), ...called]
      if (kind < 4 && living.length > 0) play.leave(pick(living))
      else if (kind < 6 && living.length > 0) play.end(pick(living), pick(['silence', 'lapsed'] as const))
      else if (kind < 8) {
        for (const name of named(line, 'left').slice(-1))
          try {
            play.resume(name)
          } catch {
            // Too late to undo: the withdrawal stands.
          }
      } else if (kind < 10)
        play.change(line, {
          rule: pick([{ kind: 'first-come' }, { kind: 'shared', priority: 1, of: 2 }] as const),
          quiet: play.random(2) === 0,
          from: play.date(7 + play.random(5) + (present.at > new Date(play.now).toISOString() ? 1 : 0)),
        })
    }
  }
  return play
}
