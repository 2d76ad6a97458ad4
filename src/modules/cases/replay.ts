/**
 * The second opinion on every line: reads the public log's entries in order, trusts nobody, and names each breach of the rule in DESIGN.md (Lines and turns). It shares
 * with the engine the table of entry fields and nothing else: no decision of `line.ts` is used here. docs/public-log.md says all it does in words.
 *
 * Cost: O(g log n) per entry, n the waiting turns of the line and g the different sets of desks that have passed a waiting turn (nearly always one or two). Memory: the
 * living turns, turns that left within 60 days, 22 to 44 bytes for every turn that ever was (a number taken twice must be found), lines and desks.
 */
import { addWorkingDays, type Calendar } from '#kernel/calendar'
import { canonical } from '#kernel/canonical'
import { addDays, daysBetween } from '#kernel/time'
import { entryFields, type LineEntry, type LineRule } from '#publiclog'

export type FindingKind = 'jump' | 'gap' | 'duplicate' | 'unlisted' | 'impossible' | 'clock' | 'malformed'

/** One breach. `line` and `n` as the entry says, null where it does not say; `index` is the entry's place in the log. */
export type Finding = {
  readonly line: string | null
  readonly n: number | null
  readonly index: number
  readonly kind: FindingKind
  readonly detail: string
}

/** What one desk did in one line. Minutes are from call to `done`, null where no turn was done with minutes on both ends (a quiet line has none). */
export type DeskStatistics = {
  readonly line: string
  readonly desk: string
  readonly calls: number
  readonly done: number
  readonly passes: number
  readonly holds: Readonly<Record<'papers' | 'agency', number>>
  readonly returns: Readonly<Record<'idle' | 'off' | 'outage' | 'absent', number>>
  readonly medianMinutes: number | null
  readonly lineMedianMinutes: number | null
}

export type Replay = {
  /** No finding. */
  readonly ok: boolean
  /** Entries read. */
  readonly size: number
  readonly lines: number
  /** Entries that are acts on a line. */
  readonly acts: number
  readonly findings: readonly Finding[]
  /** Findings beyond `mostFindings`, counted and not kept. */
  readonly findingsLeftOut: number
  /** No breach of the rule, yet worth a look: the first act of each line that is dated over a day before an act that precedes it in the log. */
  readonly warnings: readonly Omit<Finding, 'kind'>[]
  readonly desks: readonly DeskStatistics[]
}

export type ReplayOptions = {
  /** Non-working days of the offices. With it the five working days in which a withdrawal is undone are counted exactly, without it as `undoDays`. */
  readonly calendar?: Calendar
  /** Findings kept; 10,000 by default. */
  readonly mostFindings?: number
}

/** What five working days can span at most, in days, with two weeks in which an office is shut. */
export const undoDays = 21
const noticeDays = 7
const mostDeskChanges = 2
/** Left turns are forgotten after this many days: a resumption so late is named `impossible` and no longer `clock`. */
const forgetLeftDays = 60

type Terms = { covers: readonly string[]; rule: LineRule; quiet: boolean }

type Line = Terms & {
  readonly id: string
  office: string
  presence: boolean
  opened: boolean
  closed: boolean
  n: number
  at: string
  announced: (Terms & { from: string })[]
  count: number
  /** An act is missing or unreadable. */
  doubtful: boolean
  /** Terms or count are not known any more, after an act that is missing or unreadable: only the order within each class is judged. */
  lax: boolean
  /** Missing acts that have not yet explained a contradiction: each explains one, so that one omission is one finding. */
  credit: number
  missing: [first: number, last: number][]
  /** The number that should have stood where a wrong one stood last, or 0. */
  odd: number
  /** The turn that got its place by that wrong number. */
  oddlyPlaced: Turn | null
  warned: boolean
  readonly turns: Map<string, Turn>
  readonly waiting: { general: Map<string, Waiting>; priority: Map<string, Waiting> }
  readonly desks: Map<string, Tally>
  readonly onDuty: Set<Desk>
  readonly left: Turn[]
  readonly minutes: Map<number, number>
}

type Turn = {
  readonly id: string
  readonly class: 'general' | 'priority'
  /** Its taking is missing: class and place are not known, and it stands in no order. */
  readonly guessed: boolean
  place: number
  /** `doubt`: an act that is missing or strange must have moved it, so the next act on it is believed. */
  state: 'waiting' | 'called' | 'held' | 'left' | 'doubt'
  desk: Desk | null
  calledAt: string
  heldFor: string[]
  until: string | null
  heldN: number
  heldIndex: number
  absent: boolean
  passed: string[]
  leftOn: string
  queue: Waiting | null
  slot: number
}

/** A desk of an office, over all its lines. */
type Desk = {
  readonly name: string
  /** Where it is on duty. More than one only after a breach. */
  readonly lines: Set<Line>
  /** Those of them where it was on duty when it went on duty elsewhere, which was said: going off there is believed and no longer asked for. */
  readonly stale: Set<Line>
  last: Line | null
  changedOn: string
  changes: number
  /** Called and neither held, returned, left nor finished. */
  readonly turns: Set<Turn>
  /** Returned a turn as going off duty, and has not gone. */
  leaving: boolean
}

type Tally = {
  calls: number
  done: number
  passes: number
  holds: Record<string, number>
  returns: Record<string, number>
  minutes: Map<number, number>
}

/** Waiting turns that the same desks have passed, lowest place first: a binary heap in which each turn knows its slot. */
class Waiting {
  readonly heap: Turn[] = []
  readonly passedBy: ReadonlySet<string>
  readonly key: string
  constructor(passed: readonly string[], key: string) {
    this.passedBy = new Set(passed)
    this.key = key
  }

  add(turn: Turn): void {
    turn.queue = this
    this.#rise(turn, this.heap.push(turn) - 1)
  }

  remove(turn: Turn): void {
    const last = this.heap.pop()!
    if (last !== turn) {
      const slot = turn.slot
      if (slot > 0 && this.heap[(slot - 1) >> 1]!.place > last.place) this.#rise(last, slot)
      else this.#sink(last, slot)
    }
    turn.queue = null
  }

  #rise(turn: Turn, from: number): void {
    let slot = from
    while (slot > 0) {
      const up = (slot - 1) >> 1
      const above = this.heap[up]!
      if (above.place <= turn.place) break
      this.heap[slot] = above
      above.slot = slot
      slot = up
    }
    this.heap[slot] = turn
    turn.slot = slot
  }

  #sink(turn: Turn, from: number): void {
    let slot = from
    const size = this.heap.length
    for (;;) {
      let down = 2 * slot + 1
      if (down >= size) break
      if (down + 1 < size && this.heap[down + 1]!.place < this.heap[down]!.place) down++
      const below = this.heap[down]!
      if (below.place >= turn.place) break
      this.heap[slot] = below
      below.slot = slot
      slot = down
    }
    this.heap[slot] = turn
    turn.slot = slot
  }
}

/** Every turn's 128 bits, in open addressing over one array: a JavaScript Set ends at 16.7 million members and takes four times the room. */
class Seen {
  #words = new Int32Array(4 * 1024)
  #size = 0
  readonly #scratch = Buffer.alloc(16)
  // Mixed into the hash so that nobody can choose numbers which fall on one slot.
  readonly #seed = (Math.random() * 0x1_0000_0000) | 0

  /** Whether `id` (22 characters of base64url) was added. */
  has(id: string): boolean {
    return this.#at(id, false)
  }

  add(id: string): void {
    if (!this.#at(id, true) && ++this.#size * 10 > (this.#words.length / 4) * 7) this.#grow()
  }

  #at(id: string, put: boolean): boolean {
    const b = this.#scratch
    b.write(id, 'base64url')
    // All zeros marks a free slot; no honest number is all zeros, and a made one may be mistaken for its neighbour.
    const d = b.readInt32LE(12)
    const a = b.readInt32LE(0) || (d === 0 ? 1 : 0)
    return this.#find(a, b.readInt32LE(4), b.readInt32LE(8), d, put)
  }

  /** Whether it is there; with `put` it is afterwards. */
  #find(a: number, b: number, c: number, d: number, put: boolean): boolean {
    const words = this.#words
    const slots = words.length / 4
    let h = Math.imul(a ^ this.#seed, 0x9e3779b1) ^ Math.imul(b ^ (this.#seed >>> 7), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 15) ^ c, 0xc2b2ae35) ^ d
    h ^= Math.imul(h ^ (h >>> 13), 0x27d4eb2f) >>> 3
    for (let slot = (h >>> 0) & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const i = slot * 4
      if (words[i] === 0 && words[i + 1] === 0 && words[i + 2] === 0 && words[i + 3] === 0) {
        if (!put) return false
        words[i] = a
        words[i + 1] = b
        words[i + 2] = c
        words[i + 3] = d
        return false
      }
      if (words[i] === a && words[i + 1] === b && words[i + 2] === c && words[i + 3] === d) return true
    }
  }

  #grow(): void {
    const old = this.#words
    this.#words = new Int32Array(old.length * 2)
    for (let i = 0; i < old.length; i += 4)
      if (old[i] || old[i + 1] || old[i + 2] || old[i + 3]) this.#find(old[i]!, old[i + 1]!, old[i + 2]!, old[i + 3]!, true)
  }
}

/** `mend` makes the state fit where an omitted act explains the fault; `owed` is the line that may have omitted it, where it is another. */
type Fault = { readonly kind: FindingKind; readonly detail: string; readonly mend?: () => void; readonly owed?: Line }
const impossible = (detail: string, mend?: () => void): Fault =>
  mend ? { kind: 'impossible', detail, mend } : { kind: 'impossible', detail }

type Raw = Readonly<Record<string, unknown>>

function objectIn(text: string): Raw | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? (value as Raw | null) : null
  } catch {
    return null
  }
}

/** Whether the bytes are UTF-8 and the canonical form of what they say. Nesting beyond the stack is no entry of ours. */
function isCanonical(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return canonical(JSON.parse(text)) === text
  } catch {
    return false
  }
}

/** The fields whose values are a closed list of words: another word is `unlisted`, not `malformed`. */
const listed = new Set(['class', 'reason', 'outcome'])
/** Without these an act's effect is still known. */
const dispensable = new Set(['at', 'holder', 'paper', 'until', 'class', 'reason', 'outcome'])

const times = new Set<unknown>()

/** Whether `at` is a time an act may carry. Neighbours share theirs, and whether a date exists takes longer to say than all else about an act. */
function isTime(at: unknown): boolean {
  if (times.has(at)) return true
  if (!entryFields['line.desk'].at!(at)) return false
  if (times.size >= 4096) times.clear()
  times.add(at)
  return true
}

function isSorted(names: readonly string[]): boolean {
  for (let i = 1; i < names.length; i++) if (names[i - 1]! >= names[i]!) return false
  return true
}

/** What is wrong with the form of an act, and whether its effect is known all the same. */
function formOf(entry: Raw, type: string, text: string): { fault: Fault | null; known: boolean } {
  if (!Object.hasOwn(entryFields, type))
    return { fault: { kind: 'unlisted', detail: `There is no act ${type.slice(0, 60)}.` }, known: false }
  const fields = entryFields[type as LineEntry['type']]
  let fault: Fault | null = null
  let known = true
  let count = 2
  for (const name in fields) {
    count++
    if (name === 'at' ? isTime(entry.at) : fields[name]!(entry[name])) continue
    if (!dispensable.has(name)) known = false
    const value = entry[name]
    const word = listed.has(name) ? value : name === 'rule' ? (value as Raw | null | undefined)?.kind : undefined
    const strange = typeof word === 'string' && !(name === 'rule' && (word === 'shared' || word === 'first-come'))
    fault ??= strange
      ? { kind: 'unlisted', detail: `${type}: ${name} ${word.slice(0, 60)} is not in the list.` }
      : { kind: 'malformed', detail: value === undefined ? `${type} lacks ${name}.` : `${type}: ${name} is not what it may be.` }
  }
  // Only what has passed so far is flat, so that JSON.stringify cannot run out of stack.
  if (fault === null) {
    const names = Object.keys(entry)
    if (entry.v !== 1) fault = { kind: 'malformed', detail: 'An entry carries "v":1.' }
    else if (names.length !== count) fault = { kind: 'malformed', detail: `${type} has a field too many.` }
    // It writes strings and numbers as RFC 8785 does and keeps the order of names: what is left to check is that the names are sorted.
    else if (JSON.stringify(entry) !== text || !isSorted(names) || ('rule' in entry && !isSorted(Object.keys(entry.rule as object))))
      fault = { kind: 'malformed', detail: 'Not canonical JSON (RFC 8785).' }
  }
  return { fault, known }
}

const dateOf = (at: string) => at.slice(0, 10)

function median(minutes: ReadonlyMap<number, number>): number | null {
  let total = 0
  for (const times of minutes.values()) total += times
  if (total === 0) return null
  const sorted = [...minutes].sort((a, b) => a[0] - b[0])
  const nth = (rank: number): number => {
    let left = rank
    for (const [value, times] of sorted) if ((left -= times) < 0) return value
    return 0
  }
  return (nth((total - 1) >> 1) + nth(total >> 1)) / 2
}

/** Replays entries one by one; `finish` gives the result. */
export class TurnReplay {
  readonly #options: ReplayOptions
  readonly #lines = new Map<string, Line>()
  readonly #desks = new Map<string, Desk>()
  /** Office and step -> the lines that cover it or have announced to. */
  readonly #covering = new Map<string, Set<Line>>()
  readonly #seen = new Seen()
  readonly #findings: Finding[] = []
  readonly #warnings: Omit<Finding, 'kind'>[] = []
  #leftOut = 0
  #size = 0
  #acts = 0
  /** The latest date any act carries. */
  #latest = ''
  #index = 0
  #entryLine: string | null = null
  #entryN: number | null = null

  constructor(options: ReplayOptions = {}) {
    this.#options = options
  }

  /** Takes the next entry of the log, `bytes` as they stand there. Never throws, whatever they hold. */
  read(index: number, bytes: Uint8Array): void {
    this.#size++
    this.#index = index
    this.#entryLine = null
    this.#entryN = null
    // One character per byte: an act holds ASCII only, and any other byte fails its field's check.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const entry = objectIn(text)
    const type = entry?.type
    if (entry === null || typeof type !== 'string') {
      this.#report({ kind: 'malformed', detail: 'An entry is a JSON object with a type.' })
      return
    }
    if (!type.startsWith('line.') && !type.startsWith('turn.')) {
      // Not read, yet no reader may take it for an act: one that keeps the first of two types would.
      if (!isCanonical(bytes)) this.#report({ kind: 'malformed', detail: 'Not canonical JSON (RFC 8785).' })
      return
    }
    this.#acts++
    if (typeof entry.line === 'string' && entryFields['line.closed'].line!(entry.line)) this.#entryLine = entry.line
    if (typeof entry.n === 'number' && entryFields['line.closed'].n!(entry.n)) this.#entryN = entry.n
    const { fault, known } = formOf(entry, type, text)
    if (fault) this.#report(fault)
    if (this.#entryLine === null) return
    const line = this.#line(this.#entryLine)
    // An act without a readable number is taken for the next.
    const n = this.#entryN ?? line.n + 1
    const muted = !this.#number(line, n, !known || type === 'line.opened')
    if (!muted) this.#time(line, entry.at, fault === null)
    if (!known) this.#unknown(line, 1)
    else if (fault?.kind === 'unlisted' && !muted) this.#strange(line, entry as unknown as LineEntry, n)
    else this.#act(line, entry as unknown as LineEntry, n, muted)
  }

  /** What the log shows as a whole. Names the holds whose date has passed and that nobody ended. */
  finish(): Replay {
    const desks: DeskStatistics[] = []
    let latest = ''
    for (const { at } of this.#lines.values()) if (dateOf(at) > latest) latest = dateOf(at)
    for (const line of this.#lines.values()) {
      for (const turn of line.turns.values())
        if (turn.state === 'held' && turn.until !== null && turn.until < latest) {
          this.#index = turn.heldIndex
          this.#entryLine = line.id
          this.#entryN = turn.heldN
          this.#report({ kind: 'clock', detail: `Turn ${turn.id} was held until ${turn.until}, and nothing ended the hold.` })
        }
      const lineMedianMinutes = median(line.minutes)
      for (const [desk, tally] of line.desks) {
        const { calls, done, passes, holds, returns } = tally
        desks.push({
          line: line.id,
          desk,
          calls,
          done,
          passes,
          holds: holds as DeskStatistics['holds'],
          returns: returns as DeskStatistics['returns'],
          medianMinutes: median(tally.minutes),
          lineMedianMinutes,
        })
      }
    }
    return {
      ok: this.#findings.length === 0,
      size: this.#size,
      lines: this.#lines.size,
      acts: this.#acts,
      findings: this.#findings,
      findingsLeftOut: this.#leftOut,
      warnings: this.#warnings,
      desks,
    }
  }

  #report({ kind, detail }: Fault): void {
    if (this.#findings.length >= (this.#options.mostFindings ?? 10_000)) this.#leftOut++
    else this.#findings.push({ line: this.#entryLine, n: this.#entryN, index: this.#index, kind, detail })
  }

  #line(id: string): Line {
    let line = this.#lines.get(id)
    if (!line) {
      line = {
        id,
        office: id,
        covers: [],
        rule: { kind: 'first-come' },
        quiet: false,
        presence: true,
        opened: false,
        closed: false,
        n: 0,
        at: '',
        announced: [],
        count: 0,
        doubtful: false,
        lax: false,
        credit: 0,
        missing: [],
        odd: 0,
        oddlyPlaced: null,
        warned: false,
        turns: new Map(),
        waiting: { general: new Map(), priority: new Map() },
        desks: new Map(),
        onDuty: new Set(),
        left: [],
        minutes: new Map(),
      }
      this.#lines.set(id, line)
    }
    return line
  }

  /** Acts of this line whose effect is not known: each may explain one contradiction that follows. */
  #unknown(line: Line, acts: number): void {
    if (line.n === acts) line.lax = line.opened = true
    line.credit += acts
    line.doubtful = true
  }

  /** An act with a word that is in no list: what it did to its turn is anybody's guess, so whatever comes next on that turn is believed. */
  #strange(line: Line, entry: LineEntry, n: number): void {
    if (entry.type !== 'turn.finished') this.#act(line, entry, n, false)
    const turn = 'turn' in entry && line.turns.get(entry.turn)
    if (!turn) return
    turn.queue?.remove(turn)
    this.#free(turn)
    turn.state = 'doubt'
  }

  /** The line's numbers: 1, 2, 3, … in the order of the log. False when this act repeats a number: then it counts only where it fits. */
  #number(line: Line, n: number, opens: boolean): boolean {
    const expected = line.n + 1
    const { odd, oddlyPlaced } = line
    line.odd = 0
    line.oddlyPlaced = null
    if (n === expected) {
      line.n = n
      if (n === 1 && !opens) {
        this.#report(impossible('A line begins with line.opened.'))
        line.opened = line.lax = line.doubtful = true
      }
      return true
    }
    if (odd > 0 && n === odd + 1) {
      // Only the act before bore a wrong number, and that was said: its own place is not missing.
      line.n = n
      if (oddlyPlaced?.queue) {
        oddlyPlaced.queue.remove(oddlyPlaced)
        oddlyPlaced.state = 'doubt'
      }
      const last = line.missing.at(-1)
      if (last && last[0] <= odd && odd <= last[1]) {
        line.missing.pop()
        line.credit = Math.max(0, line.credit - (last[1] - last[0] + 1))
      }
      return true
    }
    line.odd = expected
    if (n > expected) {
      this.#report({
        kind: 'gap',
        detail: n === expected + 1 ? `Act ${expected} is missing.` : `Acts ${expected} to ${n - 1} are missing.`,
      })
      line.missing.push([expected, n - 1])
      line.n = n - 1
      this.#unknown(line, n - expected)
      line.n = n
      return true
    }
    const i = line.missing.findIndex(([first, last]) => first <= n && n <= last)
    if (i >= 0) {
      this.#report({ kind: 'gap', detail: `Act ${n} stands after act ${line.n}.` })
      const [first, last] = line.missing[i]!
      line.missing.splice(
        i,
        1,
        ...(
          [
            [first, n - 1],
            [n + 1, last],
          ] as [number, number][]
        ).filter(([a, b]) => a <= b),
      )
    } else this.#report({ kind: 'duplicate', detail: `Number ${n} was given before.` })
    return false
  }

  /** `at` never decreases along `n`, and its form is the line's: a minute, in a quiet line the date alone. Brings announced terms into force. */
  #time(line: Line, value: unknown, wellFormed: boolean): void {
    if (!isTime(value)) return
    const at = value as string
    const date = dateOf(at)
    if (date > this.#latest) this.#latest = date
    else if (!line.warned && daysBetween(date, this.#latest) > 1) {
      line.warned = true
      const detail = `Dated ${date}, after the log held an act of ${this.#latest}.`
      this.#warnings.push({ line: line.id, n: this.#entryN, index: this.#index, detail })
    }
    while (line.announced.length > 0 && line.announced[0]!.from <= date) {
      const { covers, rule, quiet } = line.announced.shift()!
      for (const step of line.covers) if (!covers.includes(step)) this.#uncover(line, step)
      line.covers = covers
      line.rule = rule
      line.quiet = quiet
    }
    const dated = at.length === 10
    // The first act says itself whether the line is quiet; of a line that was never opened nothing is known.
    const unlike = line.n !== 1 && line.quiet !== dated
    if (unlike && line.doubtful) line.quiet = dated
    else if (unlike && wellFormed)
      this.#report({ kind: 'malformed', detail: line.quiet ? 'A quiet line carries the date alone.' : 'The time lacks its minute.' })
    // A date and a minute compare by their dates: the wrong form is one fault, and no time that goes back.
    const last = unlike ? dateOf(line.at) : line.at
    if ((unlike ? date : at) < last) this.#report({ kind: 'clock', detail: `${at} is before ${line.at}, the time of the act before it.` })
    if (unlike && line.quiet !== dated) line.at = line.quiet ? date : date === last ? line.at : at
    else line.at = at
  }

  #act(line: Line, entry: LineEntry, n: number, muted: boolean): void {
    if (line.closed) {
      if (muted) return
      this.#report(impossible('The line was closed: no act follows.'))
      line.closed = false
    }
    for (;;) {
      const fault = this.#faultOf(line, entry, n)
      if (!fault) break
      if (muted) return
      const debtor = fault.owed && fault.owed.credit > 0 ? fault.owed : line
      if (debtor.credit > 0 && fault.kind !== 'duplicate') {
        debtor.credit--
        if (!fault.mend) break
        fault.mend()
        continue
      }
      this.#report(fault)
      break
    }
    this.#apply(line, entry, n)
  }

  /** What in the line's state or in the order forbids this act, or null. */
  #faultOf(line: Line, entry: LineEntry, n: number): Fault | null {
    switch (entry.type) {
      case 'line.opened':
        return n === 1 ? null : impossible(line.opened ? 'The line is open already.' : 'line.opened is the first act.')
      case 'line.changed':
        return null
      case 'line.closed': {
        let living = 0
        for (const turn of line.turns.values()) if (turn.state !== 'left' && turn.state !== 'doubt') living++
        return living === 0 ? null : impossible(`${living} turns are not over.`)
      }
      case 'line.desk':
        return this.#deskFault(line, this.#desk(line, entry.desk), entry.on)
      case 'turn.taken':
        if (!this.#seen.has(entry.turn)) return null
        return { kind: 'duplicate', detail: `Turn ${entry.turn} was taken before${line.turns.has(entry.turn) ? ' in this line' : ''}.` }
      default:
    }
    const turn = line.turns.get(entry.turn)
    if (!turn) return impossible(`Turn ${entry.turn} is not in this line, or is over.`)
    if (entry.type === 'turn.resumed' && turn.state === 'left' && dateOf(line.at) > addDays(turn.leftOn || '1970-01-01', forgetLeftDays))
      return impossible(`Turn ${turn.id} left on ${turn.leftOn}: it is over.`)
    if (entry.type === 'turn.resumed')
      return turn.state === 'held' || turn.state === 'left' || turn.state === 'doubt'
        ? null
        : impossible(`Turn ${turn.id} is ${turn.state}: only what is held or left is resumed.`)
    if (turn.state === 'left') return impossible(`Turn ${turn.id} has left.`)
    if (entry.type === 'turn.left') return null
    const desk = entry.desk === null ? null : this.#desk(line, entry.desk)
    if (entry.type === 'turn.called') return this.#callFault(line, turn, desk!)
    if (entry.type === 'turn.passed') {
      if (turn.state !== 'waiting' && turn.state !== 'doubt')
        return impossible(`Turn ${turn.id} is ${turn.state}: only a waiting turn is passed.`)
      if (!desk!.lines.has(line)) return this.#offDutyFault(line, desk!)
      return turn.passed.includes(desk!.name) ? impossible(`Desk ${entry.desk} passed turn ${turn.id} before.`) : null
    }
    if (entry.type === 'turn.finished' && (entry.outcome === 'silence' || entry.outcome === 'lapsed'))
      return desk === null ? null : impossible(`Only the system finishes by ${entry.outcome}: the desk is null.`)
    if (turn.state === 'doubt') return null
    if (turn.state !== 'called') return impossible(`Turn ${turn.id} is ${turn.state}: only a called turn can be ${entry.type.slice(5)}.`)
    if (desk === null) return impossible('Only the desk that called a turn finishes it.')
    if (turn.desk !== desk) return impossible(`Desk ${turn.desk?.name} called turn ${turn.id}, not ${desk.name}.`)
    if (entry.type === 'turn.held')
      return turn.heldFor.includes(entry.reason) ? impossible(`Turn ${turn.id} was held for ${entry.reason} before.`) : null
    const absent = entry.type === 'turn.finished' ? entry.outcome === 'absent' : entry.reason === 'absent'
    if (!absent) return null
    if (!line.presence) return impossible('Nobody waits in person in this line: no one is absent.')
    if (entry.type === 'turn.finished')
      return turn.absent ? null : impossible(`Turn ${turn.id} was never returned as absent: a first absence returns it.`)
    return turn.absent ? impossible(`Turn ${turn.id} was returned as absent before: a second absence finishes it.`) : null
  }

  #deskFault(line: Line, desk: Desk, on: boolean): Fault | null {
    if (!on) return desk.lines.has(line) ? null : impossible(`Desk ${desk.name} is not on duty in this line.`)
    for (const other of desk.lines) {
      if (desk.stale.has(other)) continue
      const detail = `Desk ${desk.name} is on duty already, in ${other.id}.`
      return { kind: 'impossible', detail, mend: () => this.#offDuty(other, desk), owed: other }
    }
    if (desk.last === null || desk.last === line) return null
    const date = dateOf(line.at)
    return desk.changedOn >= date && desk.changes >= mostDeskChanges
      ? impossible(`Desk ${desk.name} changes line more than ${mostDeskChanges} times on ${desk.changedOn}.`)
      : null
  }

  #offDutyFault(line: Line, desk: Desk): Fault {
    return impossible(`Desk ${desk.name} is not on duty in this line.`, () => this.#onDuty(line, desk))
  }

  #callFault(line: Line, turn: Turn, desk: Desk): Fault | null {
    if (turn.state !== 'waiting' && turn.state !== 'doubt')
      return impossible(`Turn ${turn.id} is ${turn.state}: only a waiting turn is called.`)
    if (!desk.lines.has(line)) return this.#offDutyFault(line, desk)
    for (const open of desk.turns)
      return impossible(`Desk ${desk.name} still has turn ${open.id}.`, () => {
        this.#free(open)
        open.state = 'doubt'
      })
    if (desk.leaving)
      return impossible(`Desk ${desk.name} returned a turn as going off duty, stayed, and calls.`, () => {
        desk.leaving = false
      })
    if (turn.state === 'doubt') return null
    if (turn.passed.includes(desk.name)) return impossible(`Desk ${desk.name} passed turn ${turn.id} and may not serve it.`)
    const due = this.#due(line, turn, desk)
    if (due === turn) return null
    // What was omitted may have been a call or a change of the rule: from here on nobody can say which class is due.
    if (line.doubtful && this.#lowest(line.waiting[turn.class], desk) === turn) {
      line.lax = true
      return null
    }
    const detail = `Turn ${due.id} (${due.class}, place ${due.place}) was due, not ${turn.id} (${turn.class}, place ${turn.place}).`
    const mend = () => {
      due.queue?.remove(due)
      due.state = 'doubt'
    }
    return { kind: 'jump', detail, mend }
  }

  /** Rule 1: the turn that this desk must call, `turn` being one it may. */
  #due(line: Line, turn: Turn, desk: Desk): Turn {
    if (line.lax) return this.#lowest(line.waiting[turn.class], desk)!
    const general = this.#lowest(line.waiting.general, desk)
    const priority = this.#lowest(line.waiting.priority, desk)
    if (general === null || priority === null) return (general ?? priority)!
    // count is negative only after a breach; JavaScript's % would keep the sign.
    const { rule, count } = line
    if (rule.kind === 'shared' && ((count % rule.of) + rule.of) % rule.of < rule.priority) return priority
    return priority.place < general.place ? priority : general
  }

  #lowest(waiting: Map<string, Waiting>, desk: Desk): Turn | null {
    let first: Turn | null = null
    for (const [key, queue] of waiting) {
      const top = queue.heap[0]
      if (top === undefined) {
        if (key !== '') waiting.delete(key)
      } else if (!queue.passedBy.has(desk.name) && (first === null || top.place < first.place)) first = top
    }
    return first
  }

  /** Takes the act as done, whether or not it was allowed, so that what follows is judged by what was in fact done. */
  #apply(line: Line, entry: LineEntry, n: number): void {
    switch (entry.type) {
      case 'line.opened':
        this.#open(line, entry)
        return
      case 'line.changed':
        this.#change(line, entry)
        return
      case 'line.closed':
        for (const turn of line.turns.values()) this.#free(turn)
        line.turns.clear()
        line.waiting.general.clear()
        line.waiting.priority.clear()
        for (const desk of line.onDuty) this.#offDuty(line, desk)
        for (const step of [line.covers, ...line.announced.map((c) => c.covers)].flat()) this.#uncover(line, step)
        line.covers = line.announced = []
        line.closed = true
        return
      case 'line.desk': {
        const desk = this.#desk(line, entry.desk)
        if (!entry.on) {
          this.#offDuty(line, desk)
          return
        }
        if (desk.last !== null && desk.last !== line) {
          const date = dateOf(line.at)
          if (desk.changedOn >= date) desk.changes++
          else {
            desk.changedOn = date
            desk.changes = 1
          }
        }
        this.#onDuty(line, desk)
        return
      }
      case 'turn.taken': {
        if (line.turns.has(entry.turn)) return
        this.#seen.add(entry.turn)
        const taken = this.#turn(line, entry.turn, entry.class === 'priority' ? 'priority' : 'general', n)
        line.oddlyPlaced = line.odd > 0 ? taken : null
        this.#queue(line, taken)
        return
      }
      default:
    }
    let turn = line.turns.get(entry.turn)
    if (!turn) {
      if (entry.type === 'turn.left' || entry.type === 'turn.finished') return
      this.#seen.add(entry.turn)
      turn = this.#turn(line, entry.turn, 'general', n, true)
      turn.state = 'doubt'
    }
    if (turn.until !== null && entry.type !== 'turn.passed') {
      if (dateOf(line.at) > turn.until) this.#report({ kind: 'clock', detail: `Turn ${turn.id} was held until ${turn.until} and longer.` })
      turn.until = null
    }
    switch (entry.type) {
      case 'turn.called': {
        turn.queue?.remove(turn)
        this.#free(turn)
        line.count++
        this.#tally(line, entry.desk).calls++
        turn.state = 'called'
        turn.desk = this.#desk(line, entry.desk)
        turn.desk.turns.add(turn)
        turn.calledAt = line.at
        return
      }
      case 'turn.passed': {
        this.#tally(line, entry.desk).passes++
        if (turn.passed.includes(entry.desk)) return
        const waits = turn.queue !== null
        turn.queue?.remove(turn)
        turn.passed = [...turn.passed, entry.desk].sort()
        if (waits) this.#queue(line, turn)
        return
      }
      case 'turn.held': {
        const holds = this.#tally(line, entry.desk).holds
        holds[entry.reason] = (holds[entry.reason] ?? 0) + 1
        turn.queue?.remove(turn)
        this.#free(turn)
        turn.state = 'held'
        turn.heldFor.push(entry.reason)
        turn.heldN = n
        turn.heldIndex = this.#index
        turn.until = entryFields['turn.held'].until!(entry.until) ? entry.until : null
        if (turn.until !== null && turn.until < dateOf(line.at)) {
          this.#report({ kind: 'clock', detail: `A hold until ${turn.until}, which is past.` })
          turn.until = null
        }
        return
      }
      case 'turn.resumed': {
        const date = dateOf(line.at)
        if (turn.state === 'left' && date > this.#undoneBy(turn.leftOn) && date <= addDays(turn.leftOn || '1970-01-01', forgetLeftDays))
          this.#report({ kind: 'clock', detail: `Turn ${turn.id} left on ${turn.leftOn}: too long ago to undo.` })
        turn.queue?.remove(turn)
        this.#free(turn)
        this.#queue(line, turn)
        return
      }
      case 'turn.returned': {
        const returns = this.#tally(line, entry.desk).returns
        returns[entry.reason] = (returns[entry.reason] ?? 0) + 1
        line.count--
        turn.queue?.remove(turn)
        this.#free(turn)
        if (entry.reason === 'absent') {
          turn.absent = true
          turn.place = n
          line.oddlyPlaced = line.odd > 0 ? turn : null
        }
        const desk = this.#desk(line, entry.desk)
        if (entry.reason === 'off' && desk.lines.has(line)) desk.leaving = true
        this.#queue(line, turn)
        return
      }
      case 'turn.left': {
        turn.queue?.remove(turn)
        this.#free(turn)
        turn.state = 'left'
        turn.leftOn = dateOf(line.at)
        line.left.push(turn)
        this.#forget(line)
        return
      }
      case 'turn.finished': {
        if (entry.outcome === 'done' && entry.desk !== null) this.#done(line, turn, entry.desk)
        turn.queue?.remove(turn)
        this.#free(turn)
        line.turns.delete(turn.id)
      }
    }
  }

  #open(line: Line, entry: LineEntry & { type: 'line.opened' }): void {
    if (line.opened && line.covers.length > 0) return
    const { office, covers, rule, presence, quiet } = entry
    Object.assign(line, { office, covers, rule, presence, quiet, opened: true })
    const date = dateOf(line.at)
    if (isTime(entry.at) && quiet !== (entry.at.length === 10))
      this.#report({ kind: 'malformed', detail: quiet ? 'A quiet line carries the date alone.' : 'The time lacks its minute.' })
    this.#cover(line, covers, date, null)
  }

  #change(line: Line, entry: LineEntry & { type: 'line.changed' }): void {
    const { covers, rule, quiet, from } = entry
    const soonest = addDays(dateOf(line.at) || '1970-01-01', noticeDays)
    if (from < soonest)
      this.#report({ kind: 'clock', detail: `A change from ${from}, announced on ${dateOf(line.at)}: not before ${soonest}.` })
    const before = line.announced.filter((c) => c.from < from)
    const after = line.announced.filter((c) => c.from > from)
    const replaced = line.announced.find((c) => c.from === from)
    // What the line was to cover from that date on until now: a step given up for that date and taken back is a new one, for another line may have taken it.
    const previous = new Set((replaced ?? before.at(-1) ?? line).covers)
    const added = covers.filter((step) => !previous.has(step))
    this.#cover(line, added, from, after[0]?.from ?? null)
    line.announced = [...before, { covers, rule, quiet, from }, ...after]
  }

  /** No step of an office is covered by two lines, on any date, by what is in force and announced. */
  #cover(line: Line, steps: readonly string[], from: string, before: string | null): void {
    let said = false
    for (const step of steps) {
      const key = `${line.office} ${step}`
      let lines = this.#covering.get(key)
      if (!lines) this.#covering.set(key, (lines = new Set()))
      for (const other of lines) {
        if (said || other === line) continue
        const spans = [{ from: '', covers: other.covers }, ...other.announced]
        for (const [i, span] of spans.entries()) {
          const end = spans[i + 1]?.from
          if ((end !== undefined && end <= from) || (before !== null && span.from >= before) || !span.covers.includes(step)) continue
          this.#report(impossible(`${step} is covered by ${other.id}.`))
          said = true
          break
        }
      }
      lines.add(line)
    }
  }

  #uncover(line: Line, step: string): void {
    if (!line.closed && line.announced.some((c) => c.covers.includes(step))) return
    const key = `${line.office} ${step}`
    const lines = this.#covering.get(key)
    if (lines?.delete(line) && lines.size === 0) this.#covering.delete(key)
  }

  #desk(line: Line, name: string): Desk {
    const key = `${line.office} ${name}`
    let desk = this.#desks.get(key)
    if (!desk) {
      desk = { name, lines: new Set(), stale: new Set(), last: null, changedOn: '', changes: 0, turns: new Set(), leaving: false }
      this.#desks.set(key, desk)
    }
    return desk
  }

  #onDuty(line: Line, desk: Desk): void {
    for (const other of desk.lines) if (other !== line) desk.stale.add(other)
    desk.stale.delete(line)
    desk.last = line
    desk.lines.add(line)
    line.onDuty.add(desk)
  }

  #offDuty(line: Line, desk: Desk): void {
    desk.lines.delete(line)
    desk.stale.delete(line)
    line.onDuty.delete(desk)
    desk.leaving = false
  }

  #tally(line: Line, name: string): Tally {
    let tally = line.desks.get(name)
    if (!tally) {
      const holds = { papers: 0, agency: 0 }
      const returns = { idle: 0, off: 0, outage: 0, absent: 0 }
      tally = { calls: 0, done: 0, passes: 0, holds, returns, minutes: new Map() }
      line.desks.set(name, tally)
    }
    return tally
  }

  #done(line: Line, turn: Turn, name: string): void {
    const tally = this.#tally(line, name)
    tally.done++
    if (turn.state !== 'called' || turn.calledAt.length === 10 || line.at.length === 10) return
    // Above a day all is one: the histograms stay small.
    const minutes = Math.min(1440, Math.max(0, (Date.parse(line.at) - Date.parse(turn.calledAt)) / 60_000))
    tally.minutes.set(minutes, (tally.minutes.get(minutes) ?? 0) + 1)
    line.minutes.set(minutes, (line.minutes.get(minutes) ?? 0) + 1)
  }

  #turn(line: Line, id: string, kind: Turn['class'], place: number, guessed = false): Turn {
    const turn: Turn = {
      id,
      class: kind,
      guessed,
      place,
      state: 'waiting',
      desk: null,
      calledAt: '',
      heldFor: [],
      until: null,
      heldN: 0,
      heldIndex: 0,
      absent: false,
      passed: [],
      leftOn: '',
      queue: null,
      slot: 0,
    }
    line.turns.set(id, turn)
    return turn
  }

  #queue(line: Line, turn: Turn): void {
    turn.state = turn.guessed ? 'doubt' : 'waiting'
    if (turn.guessed) return
    const key = turn.passed.join(' ')
    const queues = line.waiting[turn.class]
    let queue = queues.get(key)
    if (!queue) queues.set(key, (queue = new Waiting(turn.passed, key)))
    queue.add(turn)
  }

  /** The desk that had this turn has it no longer. */
  #free(turn: Turn): void {
    turn.desk?.turns.delete(turn)
    turn.desk = null
  }

  #undoneBy(leftOn: string): string {
    const { calendar } = this.#options
    // One day more than the term: it ends at midnight in the office's zone, which is the next date by UTC.
    return calendar ? addDays(addWorkingDays(leftOn, 5, calendar), 1) : addDays(leftOn, undoDays)
  }

  #forget(line: Line): void {
    const oldest = addDays(dateOf(line.at) || '1970-01-01', -forgetLeftDays)
    let over = 0
    for (const turn of line.left) {
      if (turn.state === 'left' && turn.leftOn >= oldest) break
      if (turn.state === 'left') line.turns.delete(turn.id)
      over++
    }
    if (over > 0) line.left.splice(0, over)
  }
}

/** Replays the turns of a whole log, entries in their order. Never throws for what the entries hold. */
export async function replayTurns(
  entries: AsyncIterable<{ readonly index: number; readonly bytes: Uint8Array }>,
  options: ReplayOptions = {},
): Promise<Replay> {
  const replay = new TurnReplay(options)
  for await (const { index, bytes } of entries) replay.read(index, bytes)
  return replay.finish()
}
