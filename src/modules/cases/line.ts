/**
 * The life of a line and of its turns as pure functions (DESIGN.md, Lines and turns): present state + arguments -> the public entry + the new state,
 * or the `Problem` that fits. No clock, no SQL, no randomness: times and ids come in as arguments. The caller holds the line's row lock, reads `now` under it,
 * and writes entry and states in one transaction.
 *
 * `replay.ts` judges the entries again and shares no decision with this file.
 */
import type { DeskId, LineId, OfficeId, TurnId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { daysBetween, isPlainDate, minuteMs, minuteStamp, type PlainDate } from '#kernel/time'
import type {
  CommitmentText,
  LineChanged,
  LineClosed,
  LineDesk,
  LineEntry,
  LineOpened,
  LineRule,
  LineTime,
  TurnCalled,
  TurnFinished,
  TurnHeld,
  TurnLeft,
  TurnPassed,
  TurnResumed,
  TurnReturned,
  TurnTaken,
} from '#publiclog'

export type TurnClass = TurnTaken['class']
export type HoldReason = TurnHeld['reason']
export type ReturnReason = TurnReturned['reason']

/** What a line serves and how it chooses; announced by `line.opened` and `line.changed`. */
export type LineTerms = { readonly covers: readonly string[]; readonly rule: LineRule; readonly quiet: boolean }

/** All the rule needs to know of a line. Its size does not grow with what is past: waiting turns are rows of their own. */
export type LineState = LineTerms & {
  readonly line: LineId
  readonly office: OfficeId
  /** People wait in person, so they can be absent when called. Fixed when the line opens. */
  readonly presence: boolean
  /** The last act's number; the next is `n + 1`. */
  readonly n: number
  /** The last act's time, as its entry carries it. */
  readonly at: LineTime
  /** Announced and not yet in force, earliest first. */
  readonly announced: readonly (LineTerms & { readonly from: PlainDate })[]
  /** Calls less returns: what the shared rule counts. */
  readonly count: number
  /** Turns that are waiting, called or held. */
  readonly living: number
  /** Desks on duty here. */
  readonly desks: number
  readonly closed: boolean
}

/** A turn as its line sees it. Which desks passed it is the store's to know: a desk's candidates leave those out. */
export type TurnState = {
  readonly turn: TurnId
  readonly class: TurnClass
  readonly state: 'waiting' | 'called' | 'held' | 'left' | 'finished'
  /** The `n` that orders it: of `turn.taken`, or of its return as absent. */
  readonly place: number
  /** The desk that called it, while it is called. */
  readonly desk: DeskId | null
  /** Held for these once already, including now. */
  readonly heldFor: readonly HoldReason[]
  /** While held: the date by which it is resumed, left or finished. */
  readonly until: PlainDate | null
  /** Returned once as absent. */
  readonly absent: boolean
}

/** A desk of an office. It outlives its lines: a desk is on duty in one line at a time. */
export type DeskState = {
  readonly desk: DeskId
  readonly office: OfficeId
  /** Where it is on duty, or null. */
  readonly line: LineId | null
  /** Where it last went on duty. */
  readonly lastLine: LineId | null
  /** The date (UTC, as entries carry it) of its last change of line, and how many there were that day. */
  readonly changedOn: PlainDate | null
  readonly changes: number
  /** The turn it has called and neither held, returned nor finished. */
  readonly turn: TurnId | null
}

/** The lowest-placed waiting turn of each class among those the desk has not passed. */
export type Candidates = { readonly general: TurnState | null; readonly priority: TurnState | null }

/** One act: what the public reads, and what is so from then on. */
export type LineAct<E extends LineEntry> = { readonly entry: E; readonly line: LineState }
export type DeskAct<E extends LineEntry> = LineAct<E> & { readonly desk: DeskState }
export type TurnAct<E extends LineEntry> = LineAct<E> & { readonly turn: TurnState }
/** `desk` is null when no desk had the turn. */
export type ServedAct<E extends LineEntry, D = DeskState> = TurnAct<E> & { readonly desk: D }

/** A change of terms applies this many days after the day it is announced, or later. */
const noticeDays = 7
/** A desk changes line at most this often on one date. */
const mostDeskChanges = 2

type Head = { readonly v: 1; readonly at: LineTime; readonly line: LineId; readonly n: number }

/** The line at the moment of its next act: announced changes that are due are in force, `n` and `at` are the new entry's. */
function step(line: LineState, now: Date): { line: LineState; head: Head; date: PlainDate } {
  if (line.closed) throw new Problem('conflict', 'This line is closed.')
  const clock = minuteStamp(now)
  // Dates and minutes compare as text: a date sorts before every minute of its day.
  let latest: string = line.at
  if (clock > latest) latest = clock
  const date = latest.slice(0, 10)
  const due = line.announced.findLast((c) => c.from <= date)
  const terms: LineTerms = due ?? line
  const at = terms.quiet ? date : latest.length === 10 ? `${date}T00:00Z` : latest
  const moved: LineState = {
    ...line,
    covers: terms.covers,
    rule: terms.rule,
    quiet: terms.quiet,
    announced: due ? line.announced.filter((c) => c.from > date) : line.announced,
    n: line.n + 1,
    at,
  }
  return { line: moved, head: { v: 1, at, line: line.line, n: moved.n }, date }
}

function checkRule(rule: LineRule): void {
  if (rule.kind === 'first-come') return
  const { priority: k, of: m } = rule
  if (!Number.isSafeInteger(k) || !Number.isSafeInteger(m) || k <= 0 || k >= m)
    throw new Problem('invalid', 'The share of the priority class is more than none and less than all.')
}

/** `covers` as entries carry it: sorted by code units, each once. Refuses an empty list with `invalid`. */
function coversList(covers: readonly string[]): string[] {
  const sorted = [...new Set(covers)].sort()
  if (sorted.length === 0) throw new Problem('invalid', 'A line covers at least one step.')
  return sorted
}

/**
 * The first `service/step` of `covers` that another line of the same office covers on any date of `[from, before)`, by what is in force and announced; or null.
 * `others` are the office's lines, read under a lock on the office so that two lines cannot open over one step at once.
 */
function overlapOf(
  line: LineId,
  covers: readonly string[],
  from: PlainDate,
  before: PlainDate | null,
  others: readonly LineState[],
): string | null {
  for (const other of others) {
    if (other.line === line || other.closed) continue
    const spans = [{ from: '', covers: other.covers }, ...other.announced]
    for (const [i, span] of spans.entries()) {
      const end = spans[i + 1]?.from ?? null
      if (end !== null && end <= from) continue
      if (before !== null && span.from >= before) continue
      const taken = new Set(span.covers)
      const both = covers.find((c) => taken.has(c))
      if (both !== undefined) return both
    }
  }
  return null
}

/**
 * A new line, its first act. `others`: the office's lines. Refuses `invalid` for a rule or a list that is none, `conflict` when another line of the office covers
 * one of the steps.
 */
export function openLine(
  given: { line: LineId; office: OfficeId; covers: readonly string[]; rule: LineRule; presence: boolean; quiet: boolean },
  others: readonly LineState[],
  now: Date,
): LineAct<LineOpened> {
  checkRule(given.rule)
  const covers = coversList(given.covers)
  const minute = minuteStamp(now)
  const both = overlapOf(given.line, covers, minute.slice(0, 10), null, others)
  if (both !== null) throw new Problem('conflict', `Another line of this office covers ${both}.`)
  const at = given.quiet ? minute.slice(0, 10) : minute
  const { line, office, rule, presence, quiet } = given
  return {
    entry: { v: 1, type: 'line.opened', at, line, n: 1, office, covers, rule, presence, quiet },
    line: { line, office, covers, rule, presence, quiet, n: 1, at, announced: [], count: 0, living: 0, desks: 0, closed: false },
  }
}

/**
 * Announces other terms from a date at least `noticeDays` after this act's own date; an earlier announcement for the same date is replaced. The count of
 * the shared rule goes on. Refuses `invalid` for a date too near or terms that are none, `conflict` when another line of the office covers or has announced one of the steps.
 */
export function changeLine(
  present: LineState,
  terms: LineTerms & { readonly from: PlainDate },
  others: readonly LineState[],
  now: Date,
): LineAct<LineChanged> {
  const { line, head, date } = step(present, now)
  checkRule(terms.rule)
  const covers = coversList(terms.covers)
  const { rule, quiet, from } = terms
  if (!isPlainDate(from) || daysBetween(date, from) < noticeDays)
    throw new Problem('invalid', `A change is announced at least ${noticeDays} days before it applies.`)
  const next = line.announced.find((c) => c.from > from)?.from ?? null
  const both = overlapOf(line.line, covers, from, next, others)
  if (both !== null) throw new Problem('conflict', `Another line of this office covers ${both}.`)
  const announced = [...line.announced.filter((c) => c.from !== from), { covers, rule, quiet, from }].sort((a, b) =>
    a.from < b.from ? -1 : 1,
  )
  return { entry: { ...head, type: 'line.changed', covers, rule, quiet, from }, line: { ...line, announced } }
}

/** The line's last act. Refuses `conflict` while a turn lives or a desk is on duty. */
export function closeLine(present: LineState, now: Date): LineAct<LineClosed> {
  const { line, head } = step(present, now)
  if (line.living > 0) throw new Problem('conflict', 'Turns of this line are not over.')
  if (line.desks > 0) throw new Problem('conflict', 'Desks are on duty in this line.')
  return { entry: { ...head, type: 'line.closed' }, line: { ...line, closed: true, announced: [] } }
}

/**
 * The desk goes on duty in this line. Refuses `cases/desk-busy` when it is on duty somewhere or still has another line's turn, `cases/desk-changes` when it would change
 * line a third time on one date, `forbidden` for another office's desk.
 */
export function deskOn(present: LineState, desk: DeskState, now: Date): DeskAct<LineDesk> {
  const { line, head, date } = step(present, now)
  if (desk.office !== line.office) throw new Problem('forbidden', 'This desk belongs to another office.')
  if (desk.line !== null) throw new Problem('cases/desk-busy', 'This desk is on duty already.')
  if (desk.turn !== null && desk.lastLine !== line.line)
    throw new Problem('cases/desk-busy', 'This desk has a turn of another line that it must finish first.')
  let { changedOn, changes } = desk
  if (desk.lastLine !== null && desk.lastLine !== line.line) {
    // A line whose clock ran ahead may carry a later date than this one: its changes count for this day too.
    const sameDay = changedOn !== null && changedOn >= date
    changes = sameDay ? changes + 1 : 1
    changedOn = sameDay ? changedOn : date
    if (changes > mostDeskChanges) throw new Problem('cases/desk-changes', `A desk changes line at most ${mostDeskChanges} times a day.`)
  }
  return {
    entry: { ...head, type: 'line.desk', desk: desk.desk, on: true },
    line: { ...line, desks: line.desks + 1 },
    desk: { ...desk, line: line.line, lastLine: line.line, changedOn, changes },
  }
}

/**
 * The desk goes off duty. It may still have its called turn, which it then holds or finishes without being given another; to hand the turn back, return it with
 * reason `off` first, in the same transaction. Refuses `cases/off-duty` when it is not on duty here.
 */
export function deskOff(present: LineState, desk: DeskState, now: Date): DeskAct<LineDesk> {
  const { line, head } = step(present, now)
  if (desk.line !== line.line) throw new Problem('cases/off-duty', 'This desk is not on duty in this line.')
  return {
    entry: { ...head, type: 'line.desk', desk: desk.desk, on: false },
    line: { ...line, desks: line.desks - 1 },
    desk: { ...desk, line: null },
  }
}

/** A new turn; its place is this act's number. `turn` is fresh (128 random bits), the class as the applicant claimed it. */
export function takeTurn(
  present: LineState,
  given: { turn: TurnId; class: TurnClass; holder: CommitmentText },
  now: Date,
): TurnAct<TurnTaken> {
  const { line, head } = step(present, now)
  return {
    entry: { ...head, type: 'turn.taken', turn: given.turn, class: given.class, holder: given.holder },
    line: { ...line, living: line.living + 1 },
    turn: {
      turn: given.turn,
      class: given.class,
      state: 'waiting',
      place: head.n,
      desk: null,
      heldFor: [],
      until: null,
      absent: false,
    },
  }
}

/** Which candidate the rule in force gives. Pure order, nothing else. */
function chosen<T extends { readonly place: number }>(
  line: Pick<LineState, 'rule' | 'count'>,
  { general, priority }: { readonly general: T | null; readonly priority: T | null },
): T | null {
  if (priority === null || general === null) return priority ?? general
  if (line.rule.kind === 'shared' && line.count % line.rule.of < line.rule.priority) return priority
  return priority.place < general.place ? priority : general
}

/**
 * The places that come next, in the order in which the rule gives them, if nobody comes, leaves or is passed meanwhile. `waiting`: the lowest `most` of each class.
 */
export function upcoming(
  line: Pick<LineState, 'rule' | 'count'>,
  waiting: readonly { readonly class: TurnClass; readonly place: number }[],
  most: number,
): number[] {
  const left = waiting.toSorted((a, b) => a.place - b.place)
  const next: number[] = []
  for (let { count } = line; next.length < most && left.length > 0; count++) {
    const first = (kind: TurnClass) => left.find((t) => t.class === kind) ?? null
    const turn = chosen({ rule: line.rule, count }, { general: first('general'), priority: first('priority') })!
    next.push(turn.place)
    left.splice(left.indexOf(turn), 1)
  }
  return next
}

function mayCall(line: LineState, desk: DeskState): void {
  if (desk.line !== line.line) throw new Problem('cases/off-duty', 'This desk is not on duty in this line.')
  if (desk.turn !== null) throw new Problem('cases/desk-busy', 'This desk has a turn already.')
}

/**
 * The turn that this desk must be given now, or null when none is eligible. Ask before `callTurn` to see whether a declared conflict forbids it: then `passTurn`,
 * fetch the candidates again and ask again. Refuses `cases/off-duty` and `cases/desk-busy`.
 */
export function decideCall(present: LineState, desk: DeskState, candidates: Candidates, now: Date): TurnState | null {
  const { line } = step(present, now)
  mayCall(line, desk)
  return chosen(line, candidates)
}

/** Calls the turn the rule gives to this desk; null when none is eligible. Refuses as `decideCall`. */
export function callTurn(present: LineState, desk: DeskState, candidates: Candidates, now: Date): ServedAct<TurnCalled> | null {
  const { line, head } = step(present, now)
  mayCall(line, desk)
  const turn = chosen(line, candidates)
  if (turn === null) return null
  mustBe(turn, 'waiting')
  return {
    entry: { ...head, type: 'turn.called', turn: turn.turn, desk: desk.desk },
    line: { ...line, count: line.count + 1 },
    turn: { ...turn, state: 'called', desk: desk.desk },
    desk: { ...desk, turn: turn.turn },
  }
}

/**
 * This desk may not serve the turn it would have been given: a conflict declared before the turn was taken. The turn waits on for others; the store records the
 * pass so that the desk's candidates leave it out. Refuses as `decideCall`, and `cases/not-your-turn` when the rule would not give it to this desk now.
 */
export function passTurn(present: LineState, desk: DeskState, turn: TurnState, candidates: Candidates, now: Date): LineAct<TurnPassed> {
  const { line, head } = step(present, now)
  mayCall(line, desk)
  if (chosen(line, candidates)?.turn !== turn.turn) throw new Problem('cases/not-your-turn', 'Only the next turn can be passed.')
  return { entry: { ...head, type: 'turn.passed', turn: turn.turn, desk: desk.desk, reason: 'conflict' }, line }
}

function mustBe(turn: TurnState, state: TurnState['state']): void {
  if (turn.state !== state) throw new Problem('conflict', `This turn is ${turn.state}, not ${state}.`)
}

function mustHave(desk: DeskState, turn: TurnState): void {
  if (turn.state !== 'called' || turn.desk !== desk.desk || desk.turn !== turn.turn)
    throw new Problem('cases/not-your-turn', 'This desk has not called this turn.')
}

/**
 * The called turn waits for papers asked of the applicant, or for another agency. `until` is the UTC date of the instant at which the term ends: a term that ends at
 * local midnight after the 3rd ends on the 4th by UTC, so `until` is the 4th, and the system has the rest of that date to act. Refuses `cases/not-your-turn`,
 * `cases/already-asked` for a second hold of one reason, `invalid` for a date before this act's.
 */
export function holdTurn(
  present: LineState,
  desk: DeskState,
  turn: TurnState,
  given: { reason: HoldReason; until: PlainDate },
  now: Date,
): ServedAct<TurnHeld> {
  const { line, head, date } = step(present, now)
  mustHave(desk, turn)
  if (turn.heldFor.includes(given.reason)) throw new Problem('cases/already-asked', 'A turn is held once for each reason.')
  if (!isPlainDate(given.until) || given.until < date) throw new Problem('invalid', 'A hold ends on a date that is not past.')
  return {
    entry: { ...head, type: 'turn.held', turn: turn.turn, desk: desk.desk, reason: given.reason, until: given.until },
    line,
    turn: { ...turn, state: 'held', desk: null, heldFor: [...turn.heldFor, given.reason], until: given.until },
    desk: { ...desk, turn: null },
  }
}

/**
 * A held turn is back at its old place (it was answered, or *it is already there* was pressed), or a withdrawal is undone. `undoUntil` is the instant at which the five
 * working days after the withdrawal end in the office's zone; it matters only for a turn that left. Refuses `cases/too-late` after it, `conflict` for a turn that is
 * neither held nor left. A hold that ends after its date is a fault which the replay names; the engine still ends it, or its turn would be held for ever after an outage:
 * whether an answer comes too late is for the caller to say.
 */
export function resumeTurn(present: LineState, turn: TurnState, undoUntil: Date | null, now: Date): TurnAct<TurnResumed> {
  const { line, head } = step(present, now)
  if (turn.state !== 'left') mustBe(turn, 'held')
  else if (undoUntil === null || now >= undoUntil) throw new Problem('cases/too-late', 'A withdrawal is undone within five working days.')
  return {
    entry: { ...head, type: 'turn.resumed', turn: turn.turn },
    line: turn.state === 'left' ? { ...line, living: line.living + 1 } : line,
    turn: { ...turn, state: 'waiting', desk: null, until: null },
  }
}

/**
 * The called turn goes back: `idle`, `off`, `outage` to its old place, `absent` to a new one, this act's number. After `off` the caller takes the desk off duty
 * in the same transaction. Refuses `cases/not-your-turn`, and `conflict` for `absent` where nobody waits in person or a second time (then finish it).
 */
export function returnTurn(present: LineState, desk: DeskState, turn: TurnState, reason: ReturnReason, now: Date): ServedAct<TurnReturned> {
  const { line, head } = step(present, now)
  mustHave(desk, turn)
  const absent = reason === 'absent'
  if (absent && !line.presence) throw new Problem('conflict', 'Nobody waits in person in this line.')
  if (absent && turn.absent) throw new Problem('conflict', 'This turn was returned as absent once: finish it.')
  return {
    entry: { ...head, type: 'turn.returned', turn: turn.turn, desk: desk.desk, reason },
    line: { ...line, count: line.count - 1 },
    turn: { ...turn, state: 'waiting', desk: null, place: absent ? head.n : turn.place, absent: turn.absent || absent },
    desk: { ...desk, turn: null },
  }
}

/** The applicant is not there: returns the turn the first time, finishes it the second. Refuses as `returnTurn`. */
export function markAbsent(
  present: LineState,
  desk: DeskState,
  turn: TurnState,
  now: Date,
): ServedAct<TurnReturned> | ServedAct<TurnFinished> {
  return turn.absent
    ? finishTurn(present, desk, turn, { outcome: 'absent', paper: null }, now)
    : returnTurn(present, desk, turn, 'absent', now)
}

/** The desk's state once `turn` is no longer its own; null where no desk had it. */
function freed<D extends DeskState | null>(desk: D, turn: TurnState): D {
  if (turn.state !== 'called') return null as D
  if (desk === null || desk.desk !== turn.desk) throw new TypeError('The desk that called this turn must be given with it.')
  return { ...desk, turn: null }
}

/**
 * The applicant withdrew. `desk`: the desk that has called the turn, null when none has. Refuses `conflict` when the turn is over.
 */
export function leaveTurn(present: LineState, desk: DeskState | null, turn: TurnState, now: Date): ServedAct<TurnLeft, DeskState | null> {
  const { line, head } = step(present, now)
  if (turn.state === 'left' || turn.state === 'finished') throw new Problem('conflict', 'This turn is over.')
  return {
    entry: { ...head, type: 'turn.left', turn: turn.turn },
    line: { ...line, living: line.living - 1 },
    turn: { ...turn, state: 'left', desk: null, until: null },
    desk: freed(desk, turn),
  }
}

/**
 * The desk that called the turn finishes it. `absent` only after one return as absent. `paper` commits to the decision's bytes, or is null. Refuses
 * `cases/not-your-turn`, and `conflict` for an absence that was not returned first.
 */
export function finishTurn(
  present: LineState,
  desk: DeskState,
  turn: TurnState,
  given: { outcome: 'done' | 'absent'; paper: CommitmentText | null },
  now: Date,
): ServedAct<TurnFinished> {
  const { line, head } = step(present, now)
  mustHave(desk, turn)
  if (given.outcome === 'absent' && !(line.presence && turn.absent))
    throw new Problem('conflict', 'A first absence returns the turn, where people wait in person.')
  return {
    entry: { ...head, type: 'turn.finished', turn: turn.turn, desk: desk.desk, outcome: given.outcome, paper: given.paper },
    line: { ...line, living: line.living - 1 },
    turn: { ...turn, state: 'finished', desk: null, until: null },
    desk: { ...desk, turn: null },
  }
}

/**
 * The system ends a living turn in any state: silence took effect, or the matter lapsed. `desk`: the desk that has called the turn, null when none has. Refuses
 * `conflict` when the turn is over.
 */
export function endTurn(
  present: LineState,
  desk: DeskState | null,
  turn: TurnState,
  given: { outcome: 'silence' | 'lapsed'; paper: CommitmentText | null },
  now: Date,
): ServedAct<TurnFinished, DeskState | null> {
  const { line, head } = step(present, now)
  if (turn.state === 'left' || turn.state === 'finished') throw new Problem('conflict', 'This turn is over.')
  return {
    entry: { ...head, type: 'turn.finished', turn: turn.turn, desk: null, outcome: given.outcome, paper: given.paper },
    line: { ...line, living: line.living - 1 },
    turn: { ...turn, state: 'finished', desk: null, until: null },
    desk: freed(desk, turn),
  }
}

/** Whether a call on which nothing happened since `touchedAt` must go back as `idle`: the engine asks, no official does. */
export function isIdle(touchedAt: Date, now: Date, idleMinutes: number): boolean {
  return now.getTime() - touchedAt.getTime() >= idleMinutes * minuteMs
}

/** `until` for a term that ends at this instant: the UTC date on which it ends (see `holdTurn`). */
export function holdUntil(termEnds: Date): PlainDate {
  return termEnds.toISOString().slice(0, 10)
}
