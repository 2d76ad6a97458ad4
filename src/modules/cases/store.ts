/** Every SQL statement of this module. Rows in, rows out; what they mean is decided elsewhere. */
import type { Kysely, Selectable } from 'kysely'
import { type Db, queryIn, type Tx, tablesOf } from '#db'
import type { CaseId, DefinitionHash, DeskId, LineId, OfficeId, PersonId, Reference, ServiceId, TurnId } from '#kernel/id'
import type { PlainDate } from '#kernel/time'
import type { CaseSubmitted, LineRule } from '#publiclog'
import type { DeskState, HoldReason, LineState, TurnClass, TurnState } from './line.ts'

/** The life of a case, as its applicant reads it. */
export type CaseState = 'draft' | 'open' | 'asked' | 'decided' | 'withdrawn' | 'lapsed'
export type CaseChannel = CaseSubmitted['channel']

/** A case as stored. Dates are the office's local dates. */
export type Case = {
  readonly place: string
  readonly id: CaseId
  readonly reference: Reference
  /** Its random public name in the log. */
  readonly pseudonym: string
  readonly service: ServiceId
  readonly office: OfficeId
  readonly applicant: PersonId
  readonly state: CaseState
  readonly channel: CaseChannel
  readonly definition: DefinitionHash
  /** The steps' state, opaque here. */
  readonly steps: unknown
  readonly key: Buffer
  readonly answers: Buffer
  readonly completeFor: DefinitionHash | null
  readonly filing: string | null
  readonly matter: string | null
  readonly class: TurnClass
  /** The clerk who took the filing at a counter. */
  readonly takenBy: PersonId | null
  readonly createdAt: Date
  readonly savedAt: Date
  readonly submittedAt: Date | null
  readonly filedOn: PlainDate | null
  readonly dueOn: PlainDate | null
  /** The last day on which papers may be asked for. */
  readonly askBy: PlainDate | null
  readonly askedOn: PlainDate | null
  readonly answerBy: PlainDate | null
  /** *It is already there* was pressed: the desk must decide on what it has. */
  readonly alreadyThere: boolean
  /** The sealed secret of its printed receipt. */
  readonly receipt: Buffer | null
  readonly endedAt: Date | null
  readonly events: number
}

/** A turn and whose it is. */
export type Turn = {
  readonly place: string
  readonly line: LineId
  readonly state: TurnState
  readonly caseId: CaseId
  readonly step: string
  readonly branch: string | null
  readonly applicant: PersonId
  readonly matter: string | null
  readonly takenAt: Date
  readonly calledAt: Date | null
  /** The last sign of work on it while it is called. */
  readonly touchedAt: Date | null
  readonly endedAt: Date | null
  readonly outcome: string | null
  /** The sealed opening of `holder`. */
  readonly opening: Buffer
  readonly toldNear: boolean
}

/** A line and where it is. */
export type Line = { readonly place: string; readonly state: LineState }
/** A desk and who sits at it. */
export type Desk = { readonly place: string; readonly person: PersonId; readonly state: DeskState }

/** Something that happened to a case. `entries` are ids of the public log. */
export type CaseEvent = {
  readonly place: string
  readonly caseId: CaseId
  readonly seq: number
  readonly at: Date
  readonly kind: string
  readonly turn: TurnId | null
  readonly desk: DeskId | null
  /** Facts without personal data. */
  readonly data: Readonly<Record<string, unknown>>
  readonly sealed: Buffer | null
  readonly entries: readonly bigint[]
}

export type Decision = {
  readonly place: string
  readonly caseId: CaseId
  readonly code: string
  readonly turn: TurnId
  readonly how: 'act' | 'silence'
  readonly sealed: Buffer
  readonly validUntil: PlainDate | null
  readonly withdrawnOn: PlainDate | null
  readonly decidedAt: Date
}

export type Message = {
  readonly place: string
  readonly caseId: CaseId
  readonly id: string
  readonly at: Date
  readonly author: string
  readonly sealed: Buffer
}
export type CaseFile = {
  readonly place: string
  readonly caseId: CaseId
  readonly id: string
  readonly paper: string
  readonly size: number
  readonly sealed: Buffer
  readonly addedAt: Date
}
export type TimerKind = 'silence' | 'answer' | 'agency' | 'draft' | 'step' | 'sign'
export type Timer = { readonly place: string; readonly caseId: CaseId; readonly kind: TimerKind; readonly key: string; readonly due: Date }

type CaseTable = {
  place: string
  id: string
  reference: string
  pseudonym: string
  service: string
  office: string
  applicant: string
  state: CaseState
  channel: CaseChannel
  definition: string
  steps: unknown
  key: Buffer
  answers: Buffer
  complete_for: string | null
  filing: string | null
  matter: string | null
  class: TurnClass
  taken_by: string | null
  created_at: Date
  saved_at: Date
  submitted_at: Date | null
  filed_on: string | null
  due_on: string | null
  ask_by: string | null
  asked_on: string | null
  answer_by: string | null
  already_there: boolean
  receipt: Buffer | null
  ended_at: Date | null
  events: number
}
type TurnTable = {
  place: string
  line: string
  turn: string
  class: TurnClass
  at_place: string
  state: TurnState['state']
  case_id: string
  step: string
  branch: string | null
  applicant: string
  matter: string | null
  desk: string | null
  until: string | null
  held: string[]
  absent: boolean
  taken_at: Date
  called_at: Date | null
  touched_at: Date | null
  ended_at: Date | null
  outcome: string | null
  opening: Buffer
  told_near: boolean
}
type LineTable = {
  place: string
  id: string
  office: string
  covers: string[]
  rule: LineRule
  presence: boolean
  quiet: boolean
  announced: LineState['announced']
  n: string
  at: string
  count: string
  living: string
  desks: number
  closed: boolean
}
type DeskTable = {
  place: string
  office: string
  desk: string
  person: string
  line: string | null
  last_line: string | null
  changed_on: string | null
  changes: number
  turn: string | null
}
type EventTable = {
  place: string
  case_id: string
  seq: number
  at: Date
  kind: string
  turn: string | null
  desk: string | null
  data: Record<string, unknown>
  sealed: Buffer | null
  entries: string[]
}
type DecisionTable = {
  place: string
  case_id: string
  code: string
  turn: string
  how: 'act' | 'silence'
  sealed: Buffer
  valid_until: string | null
  withdrawn_on: string | null
  decided_at: Date
}

type Tables = {
  // `stop` is written with each save and read by the count of drafts given up alone.
  cases_case: CaseTable & { stop?: string | null }
  cases_reference: { reference: string; place: string; id: string }
  cases_turn: TurnTable
  cases_line: LineTable
  cases_desk: DeskTable
  cases_event: EventTable
  cases_decision: DecisionTable
  cases_pass: { place: string; turn: string; desk: string }
  cases_conflict: { place: string; desk: string; subject: string; declared_at: Date; withdrawn_at: Date | null }
  cases_message: { place: string; case_id: string; id: string; at: Date; author: string; sealed: Buffer }
  cases_file: { place: string; case_id: string; id: string; paper: string; size: string; sealed: Buffer; added_at: Date }
  cases_report: { place: string; id: string; office: string; step: string | null; day: string; sealed: Buffer }
  cases_timer: { place: string; case_id: string; kind: TimerKind; key: string; due: Date }
}
const q = (on: Db | Tx): Kysely<Tables> => tablesOf<Tables>(on)

const toCase = (r: Selectable<CaseTable>): Case => ({
  place: r.place,
  id: r.id as CaseId,
  reference: r.reference as Reference,
  pseudonym: r.pseudonym,
  service: r.service as ServiceId,
  office: r.office as OfficeId,
  applicant: r.applicant as PersonId,
  state: r.state,
  channel: r.channel,
  definition: r.definition as DefinitionHash,
  steps: r.steps,
  key: r.key,
  answers: r.answers,
  completeFor: r.complete_for as DefinitionHash | null,
  filing: r.filing,
  matter: r.matter,
  class: r.class,
  takenBy: r.taken_by as PersonId | null,
  createdAt: r.created_at,
  savedAt: r.saved_at,
  submittedAt: r.submitted_at,
  filedOn: r.filed_on,
  dueOn: r.due_on,
  askBy: r.ask_by,
  askedOn: r.asked_on,
  answerBy: r.answer_by,
  alreadyThere: r.already_there,
  receipt: r.receipt,
  endedAt: r.ended_at,
  events: r.events,
})
const toTurn = (r: Selectable<TurnTable>): Turn => ({
  place: r.place,
  line: r.line as LineId,
  caseId: r.case_id as CaseId,
  step: r.step,
  branch: r.branch,
  applicant: r.applicant as PersonId,
  matter: r.matter,
  takenAt: r.taken_at,
  calledAt: r.called_at,
  touchedAt: r.touched_at,
  endedAt: r.ended_at,
  outcome: r.outcome,
  opening: r.opening,
  toldNear: r.told_near,
  state: {
    turn: r.turn as TurnId,
    class: r.class,
    state: r.state,
    place: Number(r.at_place),
    desk: r.desk as DeskId | null,
    heldFor: r.held as HoldReason[],
    until: r.until,
    absent: r.absent,
  },
})
const toLine = (r: Selectable<LineTable>): Line => ({
  place: r.place,
  state: {
    line: r.id as LineId,
    office: r.office as OfficeId,
    covers: r.covers,
    rule: r.rule,
    quiet: r.quiet,
    presence: r.presence,
    n: Number(r.n),
    at: r.at,
    announced: r.announced,
    count: Number(r.count),
    living: Number(r.living),
    desks: r.desks,
    closed: r.closed,
  },
})
const toDesk = (r: Selectable<DeskTable>): Desk => ({
  place: r.place,
  person: r.person as PersonId,
  state: {
    desk: r.desk as DeskId,
    office: r.office as OfficeId,
    line: r.line as LineId | null,
    lastLine: r.last_line as LineId | null,
    changedOn: r.changed_on,
    changes: r.changes,
    turn: r.turn as TurnId | null,
  },
})
const toEvent = (r: Selectable<EventTable>): CaseEvent => ({
  place: r.place,
  caseId: r.case_id as CaseId,
  seq: r.seq,
  at: r.at,
  kind: r.kind,
  turn: r.turn as TurnId | null,
  desk: r.desk as DeskId | null,
  data: r.data,
  sealed: r.sealed,
  entries: r.entries.map(BigInt),
})
const toDecision = (r: Selectable<DecisionTable>): Decision => ({
  place: r.place,
  caseId: r.case_id as CaseId,
  code: r.code,
  turn: r.turn as TurnId,
  how: r.how,
  sealed: r.sealed,
  validUntil: r.valid_until,
  withdrawnOn: r.withdrawn_on,
  decidedAt: r.decided_at,
})

// Spelled out, so that a statement prepared before a later release adds a column still means the same.
const caseRow = [
  'place',
  'id',
  'reference',
  'pseudonym',
  'service',
  'office',
  'applicant',
  'state',
  'channel',
  'definition',
  'steps',
  'key',
  'answers',
  'complete_for',
  'filing',
  'matter',
  'class',
  'taken_by',
  'created_at',
  'saved_at',
  'submitted_at',
  'filed_on',
  'due_on',
  'ask_by',
  'asked_on',
  'answer_by',
  'already_there',
  'receipt',
  'ended_at',
  'events',
] as const satisfies readonly (keyof CaseTable)[]
const turnRow = [
  'place',
  'line',
  'turn',
  'class',
  'at_place',
  'state',
  'case_id',
  'step',
  'branch',
  'applicant',
  'matter',
  'desk',
  'until',
  'held',
  'absent',
  'taken_at',
  'called_at',
  'touched_at',
  'ended_at',
  'outcome',
  'opening',
  'told_near',
] as const satisfies readonly (keyof TurnTable)[]
const lineRow = [
  'place',
  'id',
  'office',
  'covers',
  'rule',
  'presence',
  'quiet',
  'announced',
  'n',
  'at',
  'count',
  'living',
  'desks',
  'closed',
] as const satisfies readonly (keyof LineTable)[]
const deskRow = [
  'place',
  'office',
  'desk',
  'person',
  'line',
  'last_line',
  'changed_on',
  'changes',
  'turn',
] as const satisfies readonly (keyof DeskTable)[]
const eventRow = [
  'place',
  'case_id',
  'seq',
  'at',
  'kind',
  'turn',
  'desk',
  'data',
  'sealed',
  'entries',
] as const satisfies readonly (keyof EventTable)[]
const decisionRow = [
  'place',
  'case_id',
  'code',
  'turn',
  'how',
  'sealed',
  'valid_until',
  'withdrawn_on',
  'decided_at',
] as const satisfies readonly (keyof DecisionTable)[]
const caseColumns = caseRow.map((name) => `c.${name}`).join(', ')

/** The cases with these references, locked until commit in the order of place and id. */
export async function lockCases(tx: Tx, references: readonly Reference[]): Promise<Map<Reference, Case>> {
  const rows = await queryIn<Selectable<CaseTable>>(
    tx,
    `select ${caseColumns} from cases_reference r join cases_case c on c.place = r.place and c.id = r.id
      where r.reference = any($1) order by c.place, c.id for update of c`,
    [references],
    'cases-lock-by-reference',
  )
  return new Map(rows.map((r) => [r.reference as Reference, toCase(r)]))
}

/** The case with this id, locked until commit. */
export async function lockCase(tx: Tx, place: string, id: CaseId): Promise<Case | undefined> {
  const row = await q(tx)
    .selectFrom('cases_case')
    .select(caseRow)
    .where('place', '=', place)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return row && toCase(row)
}

/** The case with this id, locked until commit; undefined, at once, when another transaction has it. */
export async function lockFreeCase(tx: Tx, place: string, id: CaseId): Promise<Case | undefined> {
  const row = await q(tx)
    .selectFrom('cases_case')
    .select(caseRow)
    .where('place', '=', place)
    .where('id', '=', id)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
  return row && toCase(row)
}

/** The case with this id. */
export async function caseById(on: Db | Tx, place: string, id: CaseId): Promise<Case | undefined> {
  const row = await q(on).selectFrom('cases_case').select(caseRow).where('place', '=', place).where('id', '=', id).executeTakeFirst()
  return row && toCase(row)
}

/** The case a person quotes. */
export async function caseByReference(on: Db | Tx, reference: Reference): Promise<Case | undefined> {
  const [row] = await queryIn<Selectable<CaseTable>>(
    on,
    `select ${caseColumns} from cases_reference r join cases_case c on c.place = r.place and c.id = r.id where r.reference = $1`,
    [reference],
    'cases-by-reference',
  )
  return row && toCase(row)
}

/** How cases stand, by reference; drafts and what is not there are left out. */
export async function standingsOf(
  on: Db | Tx,
  references: readonly Reference[],
): Promise<Map<Reference, 'open' | 'decided' | 'lapsed' | 'withdrawn'>> {
  const rows = await queryIn<{ reference: Reference; state: string }>(
    on,
    `select reference, state from cases_case where reference = any($1::text[]) and state <> 'draft'`,
    [references],
    'cases-standings',
  )
  return new Map(rows.map((r) => [r.reference, r.state === 'asked' ? 'open' : (r.state as 'open')]))
}

/** A person's cases, the last saved first. */
export async function casesOf(on: Db | Tx, applicant: PersonId, most = 50): Promise<Case[]> {
  const rows = await q(on)
    .selectFrom('cases_case')
    .select(caseRow)
    .where('applicant', '=', applicant)
    .orderBy('saved_at', 'desc')
    .limit(most)
    .execute()
  return rows.map(toCase)
}

/** Stores a new draft with its reference. A reference that exists is refused by its key. */
export async function insertDraft(tx: Tx, c: Case): Promise<void> {
  await q(tx).insertInto('cases_reference').values({ reference: c.reference, place: c.place, id: c.id }).execute()
  await q(tx)
    .insertInto('cases_case')
    .values({
      place: c.place,
      id: c.id,
      reference: c.reference,
      pseudonym: c.pseudonym,
      service: c.service,
      office: c.office,
      applicant: c.applicant,
      state: c.state,
      channel: c.channel,
      definition: c.definition,
      steps: null,
      key: c.key,
      answers: c.answers,
      complete_for: c.completeFor,
      filing: c.filing,
      matter: c.matter,
      class: c.class,
      taken_by: c.takenBy,
      created_at: c.createdAt,
      saved_at: c.savedAt,
      submitted_at: null,
      filed_on: null,
      due_on: null,
      ask_by: null,
      asked_on: null,
      answer_by: null,
      already_there: false,
      receipt: null,
      ended_at: null,
      events: 0,
    })
    .execute()
}

/** Writes what a draft's owner may change: its answers and what follows from them. `stop`: the page at which it would be taken up again (left.ts). */
export async function saveDraft(tx: Tx, c: Case, stop: string): Promise<void> {
  await q(tx)
    .updateTable('cases_case')
    .set({
      answers: c.answers,
      definition: c.definition,
      complete_for: c.completeFor,
      filing: c.filing,
      matter: c.matter,
      class: c.class,
      saved_at: c.savedAt,
      applicant: c.applicant,
      office: c.office,
      stop,
    })
    .where('place', '=', c.place)
    .where('id', '=', c.id)
    .execute()
}

/** Forgets a draft and all that hangs on it. What an applicant gave up is counted in the month of `now`, by the page where it ended. */
export async function deleteDraft(tx: Tx, c: Case, now: Date): Promise<void> {
  if (c.takenBy === null)
    await queryIn(
      tx,
      `insert into cases_left as l (place, service, month, stop, n)
        select place, service, $3, coalesce(stop, 'start'), 1 from cases_case where place = $1 and id = $2
        on conflict (place, service, month, stop) do update set n = l.n + 1`,
      [c.place, c.id, now.toISOString().slice(0, 7)],
    )
  await q(tx).deleteFrom('cases_file').where('place', '=', c.place).where('case_id', '=', c.id).execute()
  await q(tx).deleteFrom('cases_timer').where('place', '=', c.place).where('case_id', '=', c.id).execute()
  await q(tx).deleteFrom('cases_reference').where('reference', '=', c.reference).execute()
  await q(tx).deleteFrom('cases_case').where('place', '=', c.place).where('id', '=', c.id).execute()
}

/** Destroys a case's key and all that lay under it: nothing of it can be read by anybody. */
export async function forget(tx: Tx, c: Pick<Case, 'place' | 'id' | 'reference'>): Promise<void> {
  for (const statement of [
    `update cases_case set key = '', answers = '', receipt = null, matter = null, forget = false where place = $1 and id = $2`,
    `update cases_turn set opening = '', matter = null where place = $1 and case_id = $2`,
    `update cases_event set sealed = null where place = $1 and case_id = $2`,
    'delete from cases_file where place = $1 and case_id = $2',
    'delete from cases_message where place = $1 and case_id = $2',
    'delete from cases_decision where place = $1 and case_id = $2',
    'delete from cases_timer where place = $1 and case_id = $2',
  ])
    await queryIn(tx, statement, [c.place, c.id])
  await queryIn(tx, 'delete from cases_reference where reference = $1', [c.reference])
}

/** A case is to be forgotten when its paper is over. */
export async function setForget(tx: Tx, c: Pick<Case, 'place' | 'id'>): Promise<void> {
  await queryIn(tx, 'update cases_case set forget = true where place = $1 and id = $2', [c.place, c.id])
}

/** Cases to be forgotten whose paper is over by its date, or was withdrawn. */
export function toForget(on: Db, most: number): Promise<{ place: string; id: CaseId }[]> {
  return queryIn(
    on,
    `select c.place, c.id from cases_case c left join cases_decision d on d.place = c.place and d.case_id = c.id
      where c.forget and (d.case_id is null or d.withdrawn_on is not null or d.valid_until < current_date) limit $1`,
    [most],
  )
}

/** The months in which drafts were given up and not taken yet, earliest first. */
export async function leftMonths(on: Db | Tx): Promise<string[]> {
  return (await queryIn<{ month: string }>(on, 'select distinct month from cases_left order by month', [])).map((r) => r.month)
}

/** How many drafts were given up in a month, by service and page; forgotten here. */
export async function takeLeft(tx: Tx, month: string): Promise<{ service: ServiceId; stop: string; n: number }[]> {
  return queryIn(tx, 'delete from cases_left where month = $1 returning service, stop, n', [month])
}

/** Writes how far these cases have come, in one statement. */
export async function updateCases(tx: Tx, all: readonly Case[]): Promise<void> {
  if (all.length === 0) return
  const column = <T>(of: (c: Case) => T) => all.map(of)
  await queryIn(
    tx,
    `update cases_case c set state = u.state, definition = u.definition, steps = u.steps, submitted_at = u.submitted_at, filed_on = u.filed_on, due_on = u.due_on,
        ask_by = u.ask_by, asked_on = u.asked_on, answer_by = u.answer_by, already_there = u.already_there, ended_at = u.ended_at, events = u.events, channel = u.channel
      from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[], $7::date[], $8::date[], $9::date[], $10::date[], $11::date[],
        $12::boolean[], $13::timestamptz[], $14::integer[], $15::text[])
        as u(place, id, state, definition, steps, submitted_at, filed_on, due_on, ask_by, asked_on, answer_by, already_there, ended_at, events, channel)
      where c.place = u.place and c.id = u.id`,
    [
      column((c) => c.place),
      column((c) => c.id),
      column((c) => c.state),
      column((c) => c.definition),
      column((c) => JSON.stringify(c.steps)),
      column((c) => c.submittedAt),
      column((c) => c.filedOn),
      column((c) => c.dueOn),
      column((c) => c.askBy),
      column((c) => c.askedOn),
      column((c) => c.answerBy),
      column((c) => c.alreadyThere),
      column((c) => c.endedAt),
      column((c) => c.events),
      column((c) => c.channel),
    ],
    'cases-update',
  )
}

/** Adds events, in one statement. */
export async function insertEvents(tx: Tx, all: readonly CaseEvent[]): Promise<void> {
  if (all.length === 0) return
  const column = <T>(of: (e: CaseEvent) => T) => all.map(of)
  await queryIn(
    tx,
    // Arrays of arrays must be rectangular for PostgreSQL, so the entries travel as text literals.
    `insert into cases_event (place, case_id, seq, at, kind, turn, desk, data, sealed, entries)
      select place, case_id, seq, at, kind, turn, desk, data, sealed, entries::bigint[]
      from unnest($1::text[], $2::uuid[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::bytea[], $10::text[])
        as u(place, case_id, seq, at, kind, turn, desk, data, sealed, entries)`,
    [
      column((e) => e.place),
      column((e) => e.caseId),
      column((e) => e.seq),
      column((e) => e.at),
      column((e) => e.kind),
      column((e) => e.turn),
      column((e) => e.desk),
      column((e) => JSON.stringify(e.data)),
      column((e) => e.sealed),
      column((e) => `{${e.entries.join(',')}}`),
    ],
    'cases-insert-events',
  )
}

/** A case's history, oldest first. */
export async function eventsOf(on: Db | Tx, c: Pick<Case, 'place' | 'id'>): Promise<CaseEvent[]> {
  const rows = await q(on)
    .selectFrom('cases_event')
    .select(eventRow)
    .where('place', '=', c.place)
    .where('case_id', '=', c.id)
    .orderBy('seq')
    .execute()
  return rows.map(toEvent)
}

/**
 * What happened to a turn and to the case that holds it, oldest first. The case is found by the turn's own events as well as by its row: were the row
 * turned to another case, the turn's history is still the one that was written.
 */
export async function eventsOfTurn(on: Db | Tx, turn: TurnId): Promise<CaseEvent[]> {
  const rows = await queryIn<Selectable<EventTable>>(
    on,
    `with held as (select place, case_id from cases_event where turn = $1 union select place, case_id from cases_turn where turn = $1)
      select e.* from held join cases_event e on e.place = held.place and e.case_id = held.case_id order by e.at, e.seq`,
    [turn],
  )
  return rows.map(toEvent)
}

/** The lines of these offices, locked until commit in the order of place and id. */
export async function lockLines(tx: Tx, offices: readonly OfficeId[]): Promise<Line[]> {
  const rows = await queryIn<Selectable<LineTable>>(
    tx,
    `select ${lineRow} from cases_line where office = any($1) and not closed order by place, id for update`,
    [offices],
    'cases-lock-lines',
  )
  return rows.map(toLine)
}

/** The lines of an office, without a lock: for reading. */
export async function linesOf(on: Db | Tx, office: OfficeId): Promise<Line[]> {
  return (
    await q(on).selectFrom('cases_line').select(lineRow).where('office', '=', office).where('closed', '=', false).orderBy('id').execute()
  ).map(toLine)
}

/** One line at a time may be opened at an office. Held until commit. */
export async function lockOffice(tx: Tx, office: OfficeId): Promise<void> {
  await queryIn(tx, `select pg_advisory_xact_lock(hashtextextended('cases/office/' || $1, 0))`, [office])
}

export async function insertLine(tx: Tx, line: Line): Promise<void> {
  const s = line.state
  await q(tx)
    .insertInto('cases_line')
    .values({
      place: line.place,
      id: s.line,
      office: s.office,
      covers: [...s.covers],
      rule: JSON.stringify(s.rule) as never,
      presence: s.presence,
      quiet: s.quiet,
      announced: JSON.stringify(s.announced) as never,
      n: String(s.n),
      at: s.at,
      count: String(s.count),
      living: String(s.living),
      desks: s.desks,
      closed: s.closed,
    })
    .execute()
}

/**
 * Writes the lines' states, in one statement. Their terms (what they cover, the rule, what is announced) are some hundred bytes a line and change once in
 * years: where `was` shows that they are the same they are not written again.
 */
export async function updateLines(tx: Tx, all: readonly (Line & { readonly was?: LineState })[]): Promise<void> {
  if (all.length === 0) return
  const column = <T>(of: (l: LineState) => T) => all.map((l) => of(l.state))
  await queryIn(
    tx,
    `update cases_line l set n = u.n, at = u.at, count = u.count, living = u.living, desks = u.desks, closed = u.closed
      from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::integer[], $8::boolean[])
        as u(place, id, n, at, count, living, desks, closed)
      where l.place = u.place and l.id = u.id`,
    [
      all.map((l) => l.place),
      column((s) => s.line),
      column((s) => s.n),
      column((s) => s.at),
      column((s) => s.count),
      column((s) => s.living),
      column((s) => s.desks),
      column((s) => s.closed),
    ],
    'cases-update-lines',
  )
  for (const { place, state, was } of all) {
    if (was && was.covers === state.covers && was.rule === state.rule && was.quiet === state.quiet && was.announced === state.announced)
      continue
    await q(tx)
      .updateTable('cases_line')
      .set({
        covers: [...state.covers],
        rule: JSON.stringify(state.rule) as never,
        quiet: state.quiet,
        announced: JSON.stringify(state.announced) as never,
      })
      .where('place', '=', place)
      .where('id', '=', state.line)
      .execute()
  }
}

/** Adds turns, in one statement. */
export async function insertTurns(tx: Tx, all: readonly Turn[]): Promise<void> {
  if (all.length === 0) return
  const column = <T>(of: (t: Turn) => T) => all.map(of)
  await queryIn(
    tx,
    `insert into cases_turn (place, line, turn, class, at_place, state, case_id, step, branch, applicant, matter, taken_at, opening)
      select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::uuid[], $11::text[],
        $12::timestamptz[], $13::bytea[])`,
    [
      column((t) => t.place),
      column((t) => t.line),
      column((t) => t.state.turn),
      column((t) => t.state.class),
      column((t) => t.state.place),
      column((t) => t.state.state),
      column((t) => t.caseId),
      column((t) => t.step),
      column((t) => t.branch),
      column((t) => t.applicant),
      column((t) => t.matter),
      column((t) => t.takenAt),
      column((t) => t.opening),
    ],
    'cases-insert-turns',
  )
}

/** Writes one turn's state. */
export async function updateTurn(tx: Tx, t: Turn): Promise<void> {
  await q(tx)
    .updateTable('cases_turn')
    .set({
      state: t.state.state,
      at_place: String(t.state.place),
      desk: t.state.desk,
      until: t.state.until,
      held: [...t.state.heldFor],
      absent: t.state.absent,
      called_at: t.calledAt,
      touched_at: t.touchedAt,
      ended_at: t.endedAt,
      outcome: t.outcome,
      matter: t.matter,
    })
    .where('place', '=', t.place)
    .where('turn', '=', t.state.turn)
    .execute()
}

/** A turn by its public name. Read it under its line's lock before deciding on it. */
export async function turnById(on: Db | Tx, place: string, turn: TurnId): Promise<Turn | undefined> {
  const row = await q(on).selectFrom('cases_turn').select(turnRow).where('place', '=', place).where('turn', '=', turn).executeTakeFirst()
  return row && toTurn(row)
}

/** All turns a case took, oldest first. */
export async function turnsOf(on: Db | Tx, c: Pick<Case, 'place' | 'id'>): Promise<Turn[]> {
  const rows = await q(on)
    .selectFrom('cases_turn')
    .select(turnRow)
    .where('place', '=', c.place)
    .where('case_id', '=', c.id)
    .orderBy('taken_at')
    .orderBy('at_place')
    .execute()
  return rows.map(toTurn)
}

/** The same of several cases in one statement, by the case's id. */
export async function turnsOfCases(on: Db | Tx, cases: readonly Pick<Case, 'place' | 'id'>[]): Promise<Map<CaseId, Turn[]>> {
  if (cases.length === 0) return new Map()
  const rows = await queryIn<Selectable<TurnTable>>(
    on,
    `select ${turnRow} from unnest($1::text[], $2::uuid[]) k (place, case_id) join cases_turn using (place, case_id) order by taken_at, at_place`,
    [cases.map((c) => c.place), cases.map((c) => c.id)],
    'cases-turns-of-cases',
  )
  return Map.groupBy(rows.map(toTurn), (t) => t.caseId)
}

/** Which of these matters have a living turn. */
export async function livingMatters(tx: Tx, matters: readonly string[]): Promise<Set<string>> {
  if (matters.length === 0) return new Set()
  const rows = await queryIn<{ matter: string }>(
    tx,
    'select matter from cases_turn where matter = any($1)',
    [matters],
    'cases-living-matters',
  )
  return new Set(rows.map((r) => r.matter))
}

/** These cases are over: their matters may be filed again. */
export async function freeMatters(tx: Tx, over: readonly Pick<Case, 'place' | 'id'>[]): Promise<void> {
  await queryIn(
    tx,
    `update cases_turn t set matter = null from unnest($1::text[], $2::uuid[]) as u(place, case_id)
      where t.place = u.place and t.case_id = u.case_id and t.matter is not null`,
    [over.map((c) => c.place), over.map((c) => c.id)],
    'cases-free-matters',
  )
}

/** Whether a write failed because the matter has a living turn already. */
export function breaksLivingTurn(error: unknown): boolean {
  const { code, constraint } = error as { code?: string; constraint?: string }
  return code === '23505' && constraint === 'cases_turn_matter'
}

/**
 * The lowest waiting turns of a line, `most` of each class, as a table in a query: each class by itself, since over both the database would look at all that
 * wait. `place` and `line` are expressions of the query, never words from outside.
 */
function lowestWaiting(place: string, line: string, most: number): string {
  const lowest = (kind: TurnClass) =>
    `(select ${turnRow} from cases_turn where place = ${place} and line = ${line} and state = 'waiting' and class = '${kind}' order by at_place limit ${most})`
  return `(${lowest('general')} union all ${lowest('priority')})`
}

/** The lowest waiting turn of a class that this desk has not passed. Its cost does not grow with the line. */
export async function candidate(tx: Tx, place: string, line: LineId, desk: DeskId, kind: TurnClass): Promise<Turn | null> {
  const [row] = await queryIn<Selectable<TurnTable>>(
    tx,
    `select ${turnRow} from cases_turn t where t.place = $1 and t.line = $2 and t.class = $3 and t.state = 'waiting'
        and not exists (select 1 from cases_pass p where p.place = t.place and p.turn = t.turn and p.desk = $4)
      order by t.at_place limit 1`,
    [place, line, kind, desk],
    'cases-candidate',
  )
  return row ? toTurn(row) : null
}

export async function insertPass(tx: Tx, place: string, turn: TurnId, desk: DeskId): Promise<void> {
  await q(tx).insertInto('cases_pass').values({ place, turn, desk }).execute()
}

/** The waiting turns of a line that all of these desks have passed, the lowest places first. */
export async function passedByAll(on: Db | Tx, place: string, line: LineId, desks: readonly DeskId[], most = 50): Promise<Turn[]> {
  if (desks.length === 0) return []
  const rows = await queryIn<Selectable<TurnTable>>(
    on,
    `select t.* from cases_turn t where t.place = $1 and t.line = $2 and t.state = 'waiting' and t.class in ('general', 'priority')
        and (select count(*) from cases_pass p where p.place = t.place and p.turn = t.turn and p.desk = any($3)) = $4
      order by t.at_place limit $5`,
    [place, line, desks, desks.length, most],
  )
  return rows.map(toTurn)
}

/** Offices where a turn waits that some desk has passed. */
export async function officesWithPasses(on: Db | Tx, most = 500): Promise<OfficeId[]> {
  const rows = await queryIn<{ office: OfficeId }>(
    on,
    `select distinct l.office from cases_pass p join cases_turn t on t.turn = p.turn and t.place = p.place and t.state = 'waiting'
      join cases_line l on l.place = t.place and l.id = t.line order by l.office limit $1`,
    [most],
  )
  return rows.map((r) => r.office)
}

/** How many wait before `place`, counted up to `most`. */
export async function aheadOf(on: Db | Tx, t: Turn, most = 1000): Promise<number> {
  const [row] = await queryIn<{ n: number }>(
    on,
    `select count(*)::integer as n from (select 1 from cases_turn where place = $1 and line = $2 and state = 'waiting' and class in ('general', 'priority') and at_place < $3 limit $4) w`,
    [t.place, t.line, t.state.place, most],
    'cases-ahead',
  )
  return row?.n ?? 0
}

/** The minutes from call to end of the line's last finished turns, newest first. */
export async function serviceMinutes(on: Db | Tx, place: string, line: LineId, most = 50): Promise<number[]> {
  const rows = await queryIn<{ minutes: number }>(
    on,
    `select greatest(0, extract(epoch from ended_at - called_at) / 60)::float8 as minutes from cases_turn
      where place = $1 and line = $2 and state in ('left', 'finished') and outcome = 'done' and called_at is not null order by ended_at desc limit $3`,
    [place, line, most],
    'cases-service-minutes',
  )
  return rows.map((r) => r.minutes)
}

/** The minutes from taking a number to being called, of the turns that ended since `since`. */
export async function waitMinutes(on: Db | Tx, place: string, line: LineId, since: Date): Promise<number[]> {
  const rows = await queryIn<{ minutes: number }>(
    on,
    `select (extract(epoch from called_at - taken_at) / 60)::float8 as minutes from cases_turn
      where place = $1 and line = $2 and state in ('left', 'finished') and called_at is not null and ended_at >= $3 order by ended_at desc limit 500`,
    [place, line, since],
  )
  return rows.map((r) => r.minutes)
}

/** What a line's screen shows: places being served, how many wait and are held (up to 1,000), and the five lowest places of each class. */
export async function lineLoad(
  on: Db | Tx,
  place: string,
  line: LineId,
): Promise<{ serving: { place: number; desk: string }[]; waiting: number; held: number; next: { class: TurnClass; place: number }[] }> {
  const serving = await q(on)
    .selectFrom('cases_turn')
    .select(['at_place', 'desk'])
    .where('place', '=', place)
    .where('line', '=', line)
    .where('state', '=', 'called')
    .orderBy('called_at', 'desc')
    .execute()
  const [counts] = await queryIn<{ waiting: number; held: number }>(
    on,
    `select (select count(*) from (select 1 from cases_turn where place = $1 and line = $2 and state = 'waiting' limit 1000) w)::integer as waiting,
            (select count(*) from (select 1 from cases_turn where place = $1 and line = $2 and state = 'held' limit 1000) h)::integer as held`,
    [place, line],
  )
  const next = await queryIn<{ class: TurnClass; at_place: string }>(on, `select class, at_place from ${lowestWaiting('$1', '$2', 5)} t`, [
    place,
    line,
  ])
  return {
    serving: serving.map((s) => ({ place: Number(s.at_place), desk: s.desk ?? '' })),
    waiting: counts?.waiting ?? 0,
    held: counts?.held ?? 0,
    next: next.map((n) => ({ class: n.class, place: Number(n.at_place) })),
  }
}

/** The desk of this person at this office. */
export async function deskOf(on: Db | Tx, office: OfficeId, person: PersonId): Promise<Desk | undefined> {
  const row = await q(on)
    .selectFrom('cases_desk')
    .select(deskRow)
    .where('office', '=', office)
    .where('person', '=', person)
    .executeTakeFirst()
  return row && toDesk(row)
}

/** The desk, locked until commit. */
export async function lockDesk(tx: Tx, place: string, desk: DeskId): Promise<Desk | undefined> {
  const row = await q(tx)
    .selectFrom('cases_desk')
    .select(deskRow)
    .where('place', '=', place)
    .where('desk', '=', desk)
    .forUpdate()
    .executeTakeFirst()
  return row && toDesk(row)
}

export async function desksOf(on: Db | Tx, office: OfficeId): Promise<Desk[]> {
  return (await q(on).selectFrom('cases_desk').select(deskRow).where('office', '=', office).orderBy('desk').execute()).map(toDesk)
}

/** Makes a desk for a person at an office, unless there is one. */
export async function insertDesk(tx: Tx, d: Desk): Promise<void> {
  const s = d.state
  await q(tx)
    .insertInto('cases_desk')
    .values({
      place: d.place,
      office: s.office,
      desk: s.desk,
      person: d.person,
      line: null,
      last_line: null,
      changed_on: null,
      changes: 0,
      turn: null,
    })
    .onConflict((c) => c.columns(['office', 'person']).doNothing())
    .execute()
}

export async function updateDesk(tx: Tx, d: Desk): Promise<void> {
  const s = d.state
  await q(tx)
    .updateTable('cases_desk')
    .set({ line: s.line, last_line: s.lastLine, changed_on: s.changedOn, changes: s.changes, turn: s.turn })
    .where('place', '=', d.place)
    .where('desk', '=', s.desk)
    .execute()
}

/** Whether a conflict about one of the subjects was declared at this desk when a turn was taken at `at`: before it, and withdrawn, if ever, not before it. */
export async function inConflict(tx: Tx, place: string, desk: DeskId, subjects: readonly string[], at: Date): Promise<boolean> {
  if (subjects.length === 0) return false
  const row = await q(tx)
    .selectFrom('cases_conflict')
    .select('subject')
    .where('place', '=', place)
    .where('desk', '=', desk)
    .where('subject', 'in', [...subjects])
    .where('declared_at', '<', at)
    .where((e) => e.or([e('withdrawn_at', 'is', null), e('withdrawn_at', '>=', at)]))
    .executeTakeFirst()
  return row !== undefined
}

/** Whether the desk ever declared a conflict: most did not, and need no look at who waits. One that was withdrawn binds the turns taken before. */
export async function hasConflicts(tx: Tx, place: string, desk: DeskId): Promise<boolean> {
  return (
    (await q(tx)
      .selectFrom('cases_conflict')
      .select('subject')
      .where('place', '=', place)
      .where('desk', '=', desk)
      .limit(1)
      .executeTakeFirst()) !== undefined
  )
}

/** Declares a conflict, unless it is declared already: it then counts from when it first was. */
export async function insertConflict(tx: Tx, place: string, desk: DeskId, subject: string, at: Date): Promise<void> {
  await queryIn(
    tx,
    `insert into cases_conflict (place, desk, subject, declared_at) select $1, $2, $3, $4
      where not exists (select from cases_conflict where place = $1 and desk = $2 and subject = $3 and withdrawn_at is null)
      on conflict do nothing`,
    [place, desk, subject, at],
  )
}

/** Withdraws a declared conflict; false when none is declared. The row stays: it binds the turns that were taken meanwhile. */
export async function withdrawConflict(tx: Tx, place: string, desk: DeskId, subject: string, at: Date): Promise<boolean> {
  const done = await q(tx)
    .updateTable('cases_conflict')
    .set({ withdrawn_at: at })
    .where('place', '=', place)
    .where('desk', '=', desk)
    .where('subject', '=', subject)
    .where('withdrawn_at', 'is', null)
    .executeTakeFirst()
  return done.numUpdatedRows > 0n
}

export async function countConflicts(on: Db | Tx, place: string, desk: DeskId): Promise<number> {
  const row = await q(on)
    .selectFrom('cases_conflict')
    .select((e) => e.fn.count<string>('subject').distinct().as('n'))
    .where('place', '=', place)
    .where('desk', '=', desk)
    .where('withdrawn_at', 'is', null)
    .executeTakeFirst()
  return Number(row?.n ?? 0)
}

export async function insertDecision(tx: Tx, d: Decision): Promise<void> {
  await q(tx)
    .insertInto('cases_decision')
    .values({
      place: d.place,
      case_id: d.caseId,
      code: d.code,
      turn: d.turn,
      how: d.how,
      sealed: d.sealed,
      valid_until: d.validUntil,
      withdrawn_on: d.withdrawnOn,
      decided_at: d.decidedAt,
    })
    .execute()
}

/** Keeps what lies sealed as a decision in the place of what lay there. */
export async function setDecision(tx: Tx, c: Pick<Case, 'place' | 'id'>, sealed: Buffer): Promise<void> {
  await q(tx).updateTable('cases_decision').set({ sealed }).where('place', '=', c.place).where('case_id', '=', c.id).execute()
}

export async function decisionOf(on: Db | Tx, c: Pick<Case, 'place' | 'id'>): Promise<Decision | undefined> {
  const row = await q(on)
    .selectFrom('cases_decision')
    .select(decisionRow)
    .where('place', '=', c.place)
    .where('case_id', '=', c.id)
    .executeTakeFirst()
  return row && toDecision(row)
}

export async function decisionByCode(on: Db | Tx, code: string): Promise<Decision | undefined> {
  const row = await q(on).selectFrom('cases_decision').select(decisionRow).where('code', '=', code).executeTakeFirst()
  return row && toDecision(row)
}

/** The decisions that name this turn: one, unless somebody wrote past the engine. */
export async function decisionsOfTurn(on: Db | Tx, turn: TurnId): Promise<Decision[]> {
  return (await q(on).selectFrom('cases_decision').select(decisionRow).where('turn', '=', turn).limit(10).execute()).map(toDecision)
}

export async function insertMessage(tx: Tx, m: Message): Promise<void> {
  await q(tx)
    .insertInto('cases_message')
    .values({ place: m.place, case_id: m.caseId, id: m.id, at: m.at, author: m.author, sealed: m.sealed })
    .execute()
}

export async function messagesOf(on: Db | Tx, c: Pick<Case, 'place' | 'id'>): Promise<Message[]> {
  const rows = await q(on)
    .selectFrom('cases_message')
    .select(['place', 'case_id', 'id', 'at', 'author', 'sealed'])
    .where('place', '=', c.place)
    .where('case_id', '=', c.id)
    .orderBy('at')
    .limit(200)
    .execute()
  return rows.map((r) => ({ place: r.place, caseId: r.case_id as CaseId, id: r.id, at: r.at, author: r.author, sealed: r.sealed }))
}

export async function insertFile(tx: Tx, f: CaseFile): Promise<void> {
  await q(tx)
    .insertInto('cases_file')
    .values({ place: f.place, case_id: f.caseId, id: f.id, paper: f.paper, size: String(f.size), sealed: f.sealed, added_at: f.addedAt })
    .execute()
}

export async function filesOf(on: Db | Tx, c: Pick<Case, 'place' | 'id'>): Promise<CaseFile[]> {
  const rows = await q(on)
    .selectFrom('cases_file')
    .select(['place', 'case_id', 'id', 'paper', 'size', 'sealed', 'added_at'])
    .where('place', '=', c.place)
    .where('case_id', '=', c.id)
    .orderBy('added_at')
    .execute()
  return rows.map((r) => ({
    place: r.place,
    caseId: r.case_id as CaseId,
    id: r.id,
    paper: r.paper,
    size: Number(r.size),
    sealed: r.sealed,
    addedAt: r.added_at,
  }))
}

export async function deleteFile(tx: Tx, c: Pick<Case, 'place' | 'id'>, id: string): Promise<void> {
  await q(tx).deleteFrom('cases_file').where('place', '=', c.place).where('case_id', '=', c.id).where('id', '=', id).execute()
}

/** Which of these files have a row. */
export async function knownFiles(on: Db | Tx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await queryIn<{ id: string }>(on, 'select id from cases_file where id = any($1)', [ids])
  return new Set(rows.map((r) => r.id))
}

export async function insertReport(
  tx: Tx,
  r: { place: string; id: string; office: OfficeId; step: string | null; day: PlainDate; sealed: Buffer },
): Promise<void> {
  await q(tx).insertInto('cases_report').values(r).execute()
}

/** How many reports this office has had since a day. */
export async function countReports(on: Db | Tx, office: OfficeId, since: PlainDate): Promise<number> {
  const row = await q(on)
    .selectFrom('cases_report')
    .select((e) => e.fn.countAll<string>().as('n'))
    .where('office', '=', office)
    .where('day', '>=', since)
    .executeTakeFirst()
  return Number(row?.n ?? 0)
}

/** Sets timers, replacing those of the same case, kind and key. */
export async function setTimers(tx: Tx, all: readonly Timer[]): Promise<void> {
  if (all.length === 0) return
  await queryIn(
    tx,
    `insert into cases_timer (place, case_id, kind, key, due) select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
      on conflict (place, case_id, kind, key) do update set due = excluded.due`,
    [all.map((t) => t.place), all.map((t) => t.caseId), all.map((t) => t.kind), all.map((t) => t.key), all.map((t) => t.due)],
    'cases-set-timers',
  )
}

/** Takes timers of these kinds back, in one statement. */
export async function clearTimers(
  tx: Tx,
  all: readonly { readonly c: Pick<Case, 'place' | 'id'>; readonly kinds: readonly TimerKind[] }[],
): Promise<void> {
  if (all.length === 0) return
  const each = all.flatMap(({ c, kinds }) => kinds.map((kind) => ({ place: c.place, id: c.id, kind })))
  await queryIn(
    tx,
    `delete from cases_timer t using unnest($1::text[], $2::uuid[], $3::text[]) as u (place, case_id, kind)
      where t.place = u.place and t.case_id = u.case_id and t.kind = u.kind`,
    [each.map((e) => e.place), each.map((e) => e.id), each.map((e) => e.kind)],
    'cases-clear-timers',
  )
}

/** Timers that are due, oldest first, from the `skip`-th on. */
export async function dueTimers(on: Db | Tx, now: Date, skip = 0, most = 100): Promise<Timer[]> {
  const rows = await q(on)
    .selectFrom('cases_timer')
    .select(['place', 'case_id', 'kind', 'key', 'due'])
    .where('due', '<=', now)
    .orderBy('due')
    .orderBy('place')
    .orderBy('case_id')
    .orderBy('kind')
    .orderBy('key')
    .offset(skip)
    .limit(most)
    .execute()
  return rows.map((r) => ({ place: r.place, caseId: r.case_id as CaseId, kind: r.kind, key: r.key, due: r.due }))
}

/** Calls that nothing happened on since `before`. */
export async function idleCalls(on: Db | Tx, before: Date): Promise<Turn[]> {
  const rows = await q(on)
    .selectFrom('cases_turn')
    .select(turnRow)
    .where('state', '=', 'called')
    .where('touched_at', '<', before)
    .limit(200)
    .execute()
  return rows.map(toTurn)
}

/** The first `most` waiting turns of a line. */
export async function nearTurns(on: Db | Tx, place: string, line: LineId, most: number): Promise<Turn[]> {
  const rows = await queryIn<Selectable<TurnTable>>(
    on,
    `select ${turnRow} from ${lowestWaiting('$1', '$2', Math.trunc(most))} t order by at_place limit ${Math.trunc(most)}`,
    [place, line],
  )
  return rows.map(toTurn)
}

/** Notes a sign of work on a called turn, at most once a minute. */
export async function touchTurn(on: Db | Tx, t: Turn, at: Date): Promise<void> {
  if (t.touchedAt && at.getTime() - t.touchedAt.getTime() < 60_000) return
  await q(on)
    .updateTable('cases_turn')
    .set({ touched_at: at })
    .where('place', '=', t.place)
    .where('turn', '=', t.state.turn)
    .where('state', '=', 'called')
    .execute()
}

/** Keeps the sealed secret of a case's receipt. */
export async function setReceipt(tx: Tx, c: Pick<Case, 'place' | 'id'>, sealed: Buffer): Promise<void> {
  await q(tx).updateTable('cases_case').set({ receipt: sealed }).where('place', '=', c.place).where('id', '=', c.id).execute()
}

export async function markToldNear(tx: Tx, place: string, turn: TurnId): Promise<void> {
  await q(tx).updateTable('cases_turn').set({ told_near: true }).where('place', '=', place).where('turn', '=', turn).execute()
}

/** The offices of these lines. */
export async function officesOfLines(on: Db | Tx, lines: readonly LineId[]): Promise<OfficeId[]> {
  if (lines.length === 0) return []
  const rows = await q(on)
    .selectFrom('cases_line')
    .select('office')
    .distinct()
    .where('id', 'in', [...lines])
    .execute()
  return rows.map((r) => r.office as OfficeId)
}

/** Takes a timer off; false when somebody else did, or it was set anew for later. */
export async function takeTimer(tx: Tx, t: Timer): Promise<boolean> {
  const gone = await q(tx)
    .deleteFrom('cases_timer')
    .where('place', '=', t.place)
    .where('case_id', '=', t.caseId)
    .where('kind', '=', t.kind)
    .where('key', '=', t.key)
    .where('due', '<=', t.due)
    .executeTakeFirst()
  return gone.numDeletedRows > 0n
}

/** Whose a line is, whether people wait in person, and how many desks are on duty in it. */
export async function lineAt(
  on: Db | Tx,
  place: string,
  line: LineId,
): Promise<{ office: OfficeId; presence: boolean; desks: number } | null> {
  const row = await q(on)
    .selectFrom('cases_line')
    .select(['office', 'presence', 'desks'])
    .where('place', '=', place)
    .where('id', '=', line)
    .executeTakeFirst()
  return row ? { office: row.office as OfficeId, presence: row.presence, desks: row.desks } : null
}

/** Keeps the proof that an act of this case is in the log. The same again changes nothing. */
export async function keepProof(on: Db | Tx, c: Pick<Case, 'place' | 'id'>, about: 'filing' | 'decision', proof: string): Promise<void> {
  await queryIn(on, 'insert into cases_proof (place, case_id, about, proof) values ($1, $2, $3, $4) on conflict do nothing', [
    c.place,
    c.id,
    about,
    proof,
  ])
}

/** What desks did since a day: acts by kind and reason, and the middle of the minutes from call to end. */
export type DeskTally = { readonly desk: string; readonly acts: Readonly<Record<string, number>>; readonly medianMinutes: number | null }

const endings = ['reviewed', 'step-decided', 'decided']

/** What these desks did since `since`, and the middle of all their minutes. Reasons follow a kind after a slash: `returned/idle`. */
export async function deskTallies(
  on: Db | Tx,
  place: string,
  desks: readonly string[],
  since: Date,
): Promise<{ desks: DeskTally[]; medianMinutes: number | null }> {
  if (desks.length === 0) return { desks: [], medianMinutes: null }
  const acts = await queryIn<{ desk: string; act: string; n: number }>(
    on,
    `select desk, kind || coalesce('/' || (data ->> 'reason'), '') as act, count(*)::integer as n from cases_event
      where place = $1 and desk = any($2) and at >= $3 group by 1, 2`,
    [place, desks, since],
  )
  const minutes = await queryIn<{ desk: string | null; median: number }>(
    on,
    `select e.desk, (percentile_cont(0.5) within group (order by greatest(0, extract(epoch from t.ended_at - t.called_at) / 60)))::float8 as median
      from cases_event e join cases_turn t on t.turn = e.turn and t.place = e.place
      where e.place = $1 and e.desk = any($2) and e.at >= $3 and e.kind = any($4) and t.called_at is not null and t.ended_at is not null
      group by grouping sets ((e.desk), ())`,
    [place, desks, since, endings],
  )
  const medians = new Map(minutes.map((m) => [m.desk, m.median]))
  return {
    medianMinutes: medians.get(null) ?? null,
    desks: desks.map((desk) => ({
      desk,
      acts: Object.fromEntries(acts.filter((a) => a.desk === desk).map((a) => [a.act, a.n])),
      medianMinutes: medians.get(desk) ?? null,
    })),
  }
}

/** When the turn that stands first in a line was taken; null when nobody waits. */
export async function waitingSince(on: Db | Tx, place: string, line: LineId): Promise<Date | null> {
  const [row] = await queryIn<{ taken_at: Date }>(on, `select taken_at from ${lowestWaiting('$1', '$2', 1)} t order by at_place limit 1`, [
    place,
    line,
  ])
  return row?.taken_at ?? null
}

/** On which days, up to `until`, terms of waiting turns of this line end, and of how many cases. Looks at the first 1,000 of each class. */
export async function duesNear(on: Db | Tx, place: string, line: LineId, until: PlainDate): Promise<{ due: PlainDate; cases: number }[]> {
  return queryIn(
    on,
    `select c.due_on as due, count(*)::integer as cases from ${lowestWaiting('$1', '$2', 1000)} t
      join cases_case c on c.place = t.place and c.id = t.case_id where c.due_on <= $3 group by c.due_on order by c.due_on limit 10`,
    [place, line, until],
  )
}

/** Sealed reports after this id, oldest first: for the control body alone. */
export async function reportsAfter(
  on: Db | Tx,
  after: string | null,
  most: number,
): Promise<{ id: string; office: string; step: string | null; day: PlainDate; sealed: Buffer }[]> {
  let rows = q(on).selectFrom('cases_report').select(['id', 'office', 'step', 'day', 'sealed']).orderBy('id').limit(most)
  if (after !== null) rows = rows.where('id', '>', after)
  return rows.execute()
}

/** How many wait in a line, counted up to `most`. */
export async function waitingCount(on: Db | Tx, place: string, line: LineId, most = 1000): Promise<number> {
  const [row] = await queryIn<{ n: number }>(
    on,
    `select count(*)::integer as n from (select 1 from cases_turn where place = $1 and line = $2 and state = 'waiting' limit $3) w`,
    [place, line, most],
  )
  return row?.n ?? 0
}

/** Puts another sealed box in a report's place: its words came after the press. */
export async function replaceReport(tx: Tx, place: string, id: string, sealed: Buffer): Promise<void> {
  await q(tx).updateTable('cases_report').set({ sealed }).where('place', '=', place).where('id', '=', id).execute()
}

/** The line with this id, also a closed one. Lock it first where it is to be written. */
export async function lineById(on: Db | Tx, place: string, line: LineId): Promise<Line | undefined> {
  const row = await q(on).selectFrom('cases_line').select(lineRow).where('place', '=', place).where('id', '=', line).executeTakeFirst()
  return row && toLine(row)
}

/** The proof kept of this case's filing or decision, if it was published already. */
export async function keptProof(on: Db | Tx, c: Pick<Case, 'place' | 'id'>, about: 'filing' | 'decision'): Promise<string | null> {
  const [row] = await queryIn<{ proof: string }>(on, 'select proof from cases_proof where place = $1 and case_id = $2 and about = $3', [
    c.place,
    c.id,
    about,
  ])
  return row?.proof ?? null
}
