import { canonical, canonicalBytes, type Json } from '#kernel/canonical'
import type { DefinitionHash, DeskId, LineId, OfficeId, ServiceId, TurnId } from '#kernel/id'
import { isPlainDate, type PlainDate } from '#kernel/time'

/** UTC in whole minutes, `2026-11-23T21:05Z`. */
export type Minute = string
/** In an ordinary line a minute, in a quiet line the date alone. */
export type LineTime = Minute | PlainDate
/** base64url HMAC-SHA-256 (kernel/commitment): 43 characters. */
export type CommitmentText = string
/** A case's random public name: 128 bits in base64url; neither its turn nor the citizen's reference. */
export type PublicCase = string

/** How a line chooses: by place alone, or `priority` of every `of` calls for the priority class. */
export type LineRule = { readonly kind: 'first-come' } | { readonly kind: 'shared'; readonly priority: number; readonly of: number }

type Act<T extends string, Fields> = {
  readonly v: 1
  readonly type: T
  readonly at: LineTime
  readonly line: LineId
  readonly n: number
} & Readonly<Fields>
type Fact<T extends string, Fields> = { readonly v: 1; readonly type: T; readonly at: Minute } & Readonly<Fields>

export type LineOpened = Act<
  'line.opened',
  { office: OfficeId; covers: readonly string[]; rule: LineRule; presence: boolean; quiet: boolean }
>
export type LineChanged = Act<'line.changed', { covers: readonly string[]; rule: LineRule; quiet: boolean; from: PlainDate }>
export type LineClosed = Act<'line.closed', unknown>
export type LineDesk = Act<'line.desk', { desk: DeskId; on: boolean }>
export type TurnTaken = Act<'turn.taken', { turn: TurnId; class: 'general' | 'priority'; holder: CommitmentText }>
export type TurnCalled = Act<'turn.called', { turn: TurnId; desk: DeskId }>
export type TurnPassed = Act<'turn.passed', { turn: TurnId; desk: DeskId; reason: 'conflict' }>
export type TurnHeld = Act<'turn.held', { turn: TurnId; desk: DeskId; reason: 'papers' | 'agency'; until: PlainDate }>
export type TurnResumed = Act<'turn.resumed', { turn: TurnId }>
export type TurnReturned = Act<'turn.returned', { turn: TurnId; desk: DeskId; reason: 'idle' | 'off' | 'outage' | 'absent' }>
export type TurnLeft = Act<'turn.left', { turn: TurnId }>
export type TurnFinished = Act<
  'turn.finished',
  { turn: TurnId; desk: DeskId | null; outcome: 'done' | 'absent' | 'lapsed' | 'silence'; paper: CommitmentText | null }
>

/** An act on a line: it carries the line and the line's next number. */
export type LineEntry =
  | LineOpened
  | LineChanged
  | LineClosed
  | LineDesk
  | TurnTaken
  | TurnCalled
  | TurnPassed
  | TurnHeld
  | TurnResumed
  | TurnReturned
  | TurnLeft
  | TurnFinished

export type CaseSubmitted = Fact<
  'case.submitted',
  {
    case: PublicCase
    service: ServiceId
    definition: DefinitionHash
    channel: 'web' | 'counter' | 'phone' | 'sms' | 'kiosk' | 'centre' | 'api'
    commitment: CommitmentText
  }
>
export type CaseDecided = Fact<'case.decided', { case: PublicCase; how: 'act' | 'silence'; due: PlainDate; commitment: CommitmentText }>
export type CaseWithdrawn = Fact<'case.withdrawn', { case: PublicCase }>
export type DefinitionPublished = Fact<'definition.published', { service: ServiceId; definition: DefinitionHash; from: PlainDate }>
/** Public figures: `set` names the table (a path), `period` the day, month or year it covers, `sha256` its bytes as lower-case hex. */
export type NumbersReleased = Fact<'numbers.released', { set: string; period: string; sha256: string }>
/** A database older than the published log took in its entries again: from index `from` up to the published size `size`. */
export type LogRecovered = Fact<'log.recovered', { from: number; size: number }>

/** Everything that may stand in the log, version 1. */
export type Entry = LineEntry | CaseSubmitted | CaseDecided | CaseWithdrawn | DefinitionPublished | NumbersReleased | LogRecovered
export type EntryType = Entry['type']

/** tlog-tiles: an entry's length is a big-endian uint16. */
export const maxEntryBytes = 65_535

type Check = (value: unknown) => boolean

const matches =
  (pattern: RegExp, most: number): Check =>
  (v) =>
    typeof v === 'string' && v.length <= most && pattern.test(v)
const oneOf =
  (...words: readonly string[]): Check =>
  (v) =>
    typeof v === 'string' && words.includes(v)
const orNull =
  (check: Check): Check =>
  (v) =>
    v === null || check(v)
const whole =
  (least: number): Check =>
  (v) =>
    typeof v === 'number' && Number.isSafeInteger(v) && v >= least

const flag: Check = (v) => typeof v === 'boolean'
const date: Check = (v) => typeof v === 'string' && isPlainDate(v)
// Thousands of entries bear the same minute, and asking the calendar is the dearest of all checks.
let lastMinute = ''
const minute: Check = (v) => {
  if (typeof v !== 'string') return false
  if (v === lastMinute) return true
  const fits = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\dZ$/.test(v) && isPlainDate(v.slice(0, 10))
  if (fits) lastMinute = v
  return fits
}
const lineTime: Check = (v) => minute(v) || date(v)
const path = matches(/^[a-z0-9-]+(\/[a-z0-9-]+)*$/, 200)
const office = matches(/^[a-z0-9-]+$/, 100)
const desk = matches(/^[A-Za-z0-9_-]+$/, 64)
const random128 = matches(/^[A-Za-z0-9_-]{22}$/, 22)
const commitment = matches(/^[A-Za-z0-9_-]{43}$/, 43)
const hex256 = matches(/^[0-9a-f]{64}$/, 64)
const service = matches(/^[a-z0-9-]+(\/[a-z0-9-]+)*(@(\d{2}|\d{5}))?$/, 200)
const serviceStep = /^[a-z0-9-]+(\/[a-z0-9-]+)*(@(\d{2}|\d{5}))?\/[a-z0-9-]+$/

/** A list of `service/step`, sorted by code units, each once, at least one. */
const covers: Check = (v) =>
  Array.isArray(v) &&
  v.length > 0 &&
  v.every((c, i) => typeof c === 'string' && c.length <= 300 && serviceStep.test(c) && (i === 0 || v[i - 1] < c))

const rule: Check = (v) => {
  if (typeof v !== 'object' || v === null) return false
  const r = v as Record<string, unknown>
  if (r.kind === 'first-come') return Object.keys(r).length === 1
  return (
    r.kind === 'shared' &&
    Object.keys(r).length === 3 &&
    whole(1)(r.priority) &&
    whole(2)(r.of) &&
    (r.priority as number) < (r.of as number)
  )
}

const act = (fields: Record<string, Check>): Record<string, Check> => ({ at: lineTime, line: path, n: whole(1), ...fields })
const fact = (fields: Record<string, Check>): Record<string, Check> => ({ at: minute, ...fields })

/**
 * Which fields each type has beside `v` and `type`, and what each may hold: DESIGN.md, Lines and turns. There is no field for free words, and a field
 * that is not listed is refused: that is how no personal data can slip into a log that never forgets. A new type is a row here and its TypeScript type above.
 */
export const entryFields: Readonly<Record<EntryType, Readonly<Record<string, Check>>>> = {
  'line.opened': act({ office, covers, rule, presence: flag, quiet: flag }),
  'line.changed': act({ covers, rule, quiet: flag, from: date }),
  'line.closed': act({}),
  'line.desk': act({ desk, on: flag }),
  'turn.taken': act({ turn: random128, class: oneOf('general', 'priority'), holder: commitment }),
  'turn.called': act({ turn: random128, desk }),
  'turn.passed': act({ turn: random128, desk, reason: oneOf('conflict') }),
  'turn.held': act({ turn: random128, desk, reason: oneOf('papers', 'agency'), until: date }),
  'turn.resumed': act({ turn: random128 }),
  'turn.returned': act({ turn: random128, desk, reason: oneOf('idle', 'off', 'outage', 'absent') }),
  'turn.left': act({ turn: random128 }),
  'turn.finished': act({
    turn: random128,
    desk: orNull(desk),
    outcome: oneOf('done', 'absent', 'lapsed', 'silence'),
    paper: orNull(commitment),
  }),
  'case.submitted': fact({
    case: random128,
    service,
    definition: hex256,
    channel: oneOf('web', 'counter', 'phone', 'sms', 'kiosk', 'centre', 'api'),
    commitment,
  }),
  'case.decided': fact({ case: random128, how: oneOf('act', 'silence'), due: date, commitment }),
  'case.withdrawn': fact({ case: random128 }),
  'definition.published': fact({ service, definition: hex256, from: date }),
  'numbers.released': fact({ set: path, period: matches(/^\d{4}(-\d{2}(-\d{2})?)?$/, 10), sha256: hex256 }),
  'log.recovered': fact({ from: whole(0), size: whole(0) }),
}

/** Whether this type is an act on a line. */
export function isLineEntry(entry: Entry): entry is LineEntry {
  return 'line' in entry
}

/** What keeps `value` from being an entry of version 1, in one sentence, or null when nothing does. Never throws. */
export function faultOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'An entry is an object.'
  const entry = value as Record<string, unknown>
  if (entry.v !== 1) return 'An entry carries "v":1.'
  if (typeof entry.type !== 'string' || !Object.hasOwn(entryFields, entry.type)) return 'The type is none of version 1.'
  const fields = entryFields[entry.type as EntryType]
  let count = 2
  for (const name in fields) {
    if (!Object.hasOwn(entry, name)) return `${entry.type} lacks ${name}.`
    if (!fields[name]!(entry[name])) return `${entry.type}: ${name} is not what it may be.`
    count++
  }
  if (Object.keys(entry).length !== count) {
    const extra = Object.keys(entry).find((k) => k !== 'v' && k !== 'type' && !Object.hasOwn(fields, k))
    return `${entry.type} has no field ${String(extra).slice(0, 40)}.`
  }
  return null
}

// Each type's field names with `v` and `type` among them, in the order of RFC 8785. They are ASCII, so code units and characters sort alike.
const inOrder = Object.fromEntries(
  Object.entries(entryFields).map(([type, fields]) => [type, ['v', 'type', ...Object.keys(fields)].sort()]),
)

/** The bytes that stand in the log for `entry`: canonical JSON. Throws a `TypeError` (a bug of the caller) for what is no entry of version 1. */
export function entryBytes(entry: Entry | Json): Buffer {
  const fault = faultOf(entry)
  if (fault) throw new TypeError(`Not an entry of the public log: ${fault}`)
  // The fields are known and checked, so their order is too: a third of the time of sorting them for each entry. A test compares with `canonical`.
  const fields = entry as Readonly<Record<string, unknown>>
  let text = '{'
  for (const name of inOrder[fields.type as EntryType]!) {
    const value = fields[name]
    text += `${text === '{' ? '' : ','}"${name}":${typeof value === 'object' && value !== null ? canonical(value) : JSON.stringify(value)}`
  }
  const bytes = Buffer.from(`${text}}`)
  if (bytes.length > maxEntryBytes) throw new TypeError(`An entry has at most ${maxEntryBytes} bytes; this one has ${bytes.length}.`)
  return bytes
}

/** The entry in these bytes, or the sentence that says why they are none: not JSON, not canonical, or with a wrong field. Never throws. */
export function parseEntry(bytes: Buffer): Entry | { readonly fault: string } {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return { fault: 'Not JSON in UTF-8.' }
  }
  const fault = faultOf(value)
  if (fault) return { fault }
  // The same value must always be the same bytes, or one act could stand in the log in two guises.
  if (!canonicalBytes(value).equals(bytes)) return { fault: 'Not canonical JSON (RFC 8785).' }
  return value as Entry
}
