/** SQL of what was lost and found again: see recover.ts. */
import { type Db, queryIn, type Tx } from '#db'
import type { CaseId, DeskId, LineId, OfficeId, PersonId, Reference, TurnId } from '#kernel/id'
import type { DeskState } from './line.ts'

/** A case of which something was lost; `what` as the migration says. */
export type LostCase = {
  readonly pseudonym: string
  readonly what: 'filing' | 'step' | 'decision'
  readonly service: string
  readonly filedAt: string | null
  readonly holder: PersonId | null
  readonly reference: Reference | null
}

/** A turn whose case is not known here. `state` is its state now. */
export type LostTurn = {
  readonly place: string
  readonly turn: TurnId
  readonly line: LineId
  readonly n: number
  readonly holder: string
  readonly takenAt: string
  readonly standIn: CaseId
  readonly state: string
}

/** Notes a loss. A later one of the same case replaces it: what is missing of a decided case is its decision. */
export async function noteLostCase(tx: Tx, lost: LostCase): Promise<void> {
  await queryIn(
    tx,
    `insert into cases_lost_case (pseudonym, what, service, filed_at, holder, reference) values ($1, $2, $3, $4, $5, $6)
      on conflict (pseudonym) do update set what = excluded.what, holder = coalesce(cases_lost_case.holder, excluded.holder),
        reference = coalesce(cases_lost_case.reference, excluded.reference)`,
    [lost.pseudonym, lost.what, lost.service, lost.filedAt, lost.holder, lost.reference],
  )
}

/** Losses so far, in the order of filing. */
export async function lostCases(on: Db | Tx): Promise<LostCase[]> {
  return queryIn<LostCase>(
    on,
    'select pseudonym, what, service, filed_at as "filedAt", holder, reference from cases_lost_case order by filed_at nulls first, pseudonym',
  )
}

/** Those with a known holder who was not told yet. */
export async function untoldLosses(tx: Tx): Promise<LostCase[]> {
  return queryIn<LostCase>(
    tx,
    `select pseudonym, what, service, filed_at as "filedAt", holder, reference from cases_lost_case
      where told_at is null and holder is not null and reference is not null order by pseudonym for update`,
  )
}

export async function markTold(tx: Tx, pseudonyms: readonly string[], at: Date): Promise<void> {
  await queryIn(tx, 'update cases_lost_case set told_at = $2 where pseudonym = any($1)', [pseudonyms, at])
}

export async function noteLostTurn(tx: Tx, t: Omit<LostTurn, 'state'>): Promise<void> {
  await queryIn(tx, 'insert into cases_lost_turn (place, turn, line, n, holder, taken_at, stand_in) values ($1, $2, $3, $4, $5, $6, $7)', [
    t.place,
    t.turn,
    t.line,
    t.n,
    t.holder,
    t.takenAt,
    t.standIn,
  ])
}

/** Turns without their case, in the order of their lines. */
export async function lostTurns(on: Db | Tx): Promise<LostTurn[]> {
  const rows = await queryIn<LostTurn & { n: string }>(
    on,
    `select l.place, l.turn, l.line, l.n, l.holder, l.taken_at as "takenAt", l.stand_in as "standIn", t.state
      from cases_lost_turn l join cases_turn t on t.turn = l.turn and t.place = l.place order by l.line, l.n`,
  )
  return rows.map((r) => ({ ...r, n: Number(r.n) }))
}

/** Stores a case that stands for one whose contents are gone. No reference leads to it. */
export async function insertStandIn(
  tx: Tx,
  c: {
    place: string
    id: CaseId
    reference: Reference
    pseudonym: string
    office: OfficeId
    applicant: PersonId
    key: Buffer
    answers: Buffer
    at: Date
  },
): Promise<void> {
  await queryIn(
    tx,
    `insert into cases_case (place, id, reference, pseudonym, service, office, applicant, state, channel, definition, key, answers, created_at, saved_at)
      values ($1, $2, $3, $4, '', $5, $6, 'open', 'web', '', $7, $8, $9, $9)`,
    [c.place, c.id, c.reference, c.pseudonym, c.office, c.applicant, c.key, c.answers, c.at],
  )
}

/** The cases with these public names, locked in the order of place and id: their places and ids. */
export async function casesNamed(tx: Tx, pseudonyms: readonly string[]): Promise<{ place: string; id: CaseId; pseudonym: string }[]> {
  if (pseudonyms.length === 0) return []
  return queryIn(tx, 'select place, id, pseudonym from cases_case where pseudonym = any($1) order by place, id', [pseudonyms])
}

/** Gives a draft another public name: the log has a filing under the old one. */
export async function renameDraft(tx: Tx, place: string, id: CaseId, pseudonym: string): Promise<void> {
  await queryIn(tx, 'update cases_case set pseudonym = $3 where place = $1 and id = $2', [place, id, pseudonym])
}

/** The line with this id, locked until commit: its place, or undefined when there is none. */
export async function placeOfLine(tx: Tx, line: LineId): Promise<{ place: string; office: OfficeId } | undefined> {
  const [row] = await queryIn<{ place: string; office: OfficeId }>(tx, 'select place, office from cases_line where id = $1 for update', [
    line,
  ])
  return row
}

/** Desks on duty or with a turn, and who sits there. */
export async function busyDesks(tx: Tx): Promise<{ place: string; desk: DeskId; office: OfficeId; person: PersonId }[]> {
  return queryIn(tx, 'select place, desk, office, person from cases_desk where line is not null or turn is not null order by place, desk')
}

/** Called turns that have no case here. */
export async function calledLostTurns(tx: Tx): Promise<{ place: string; turn: TurnId; desk: DeskId; office: OfficeId }[]> {
  return queryIn(
    tx,
    `select t.place, t.turn, t.desk, i.office from cases_lost_turn l join cases_turn t on t.turn = l.turn and t.place = l.place
      join cases_line i on i.place = t.place and i.id = t.line where t.state = 'called' order by t.place, t.turn`,
  )
}

/** A desk that the log knows and this database did not. */
export async function insertLostDesk(tx: Tx, place: string, s: DeskState, person: PersonId): Promise<void> {
  await queryIn(
    tx,
    `insert into cases_desk (place, office, desk, person, line, last_line, changed_on, changes, turn) values ($1, $2, $3, $4, null, null, null, 0, null)`,
    [place, s.office, s.desk, person],
  )
}

/** A turn without its case, and the draft that its holder began for it. */
export type Rejoin = {
  readonly place: string
  readonly turn: TurnId
  readonly holder: string
  readonly standIn: CaseId
  readonly draft: CaseId | null
  readonly opening: Buffer | null
}

const rejoinColumns = 'place, turn, holder, stand_in as "standIn", draft, opening'

/** The turn of this name without its case, locked until commit. */
export async function lockLostTurn(tx: Tx, turn: TurnId): Promise<Rejoin | undefined> {
  const [row] = await queryIn<Rejoin>(tx, `select ${rejoinColumns} from cases_lost_turn where turn = $1 for update`, [turn])
  return row
}

/** Notes in which draft the turn's holder fills it in again. A later one takes its place. */
export async function linkDraft(tx: Tx, lost: Pick<Rejoin, 'place' | 'turn'>, draft: CaseId, opening: Buffer): Promise<void> {
  await queryIn(tx, 'update cases_lost_turn set draft = $3, opening = $4 where place = $1 and turn = $2', [
    lost.place,
    lost.turn,
    draft,
    opening,
  ])
}

/** The turns that these drafts are to be joined to, locked until commit. Empty where nothing was ever lost. */
export async function rejoinsOf(tx: Tx, drafts: readonly CaseId[]): Promise<Map<CaseId, Rejoin & { opening: Buffer }>> {
  const rows = await queryIn<Rejoin & { draft: CaseId; opening: Buffer }>(
    tx,
    `select ${rejoinColumns} from cases_lost_turn where draft = any($1) order by place, turn for update`,
    [drafts],
    'cases-rejoins',
  )
  return new Map(rows.map((r) => [r.draft, r]))
}

/** Puts a case behind a turn again: it is lost no more. `filing` is what its `holder` names, for this turn and the case's later ones. */
export async function rejoinTurn(
  tx: Tx,
  lost: Pick<Rejoin, 'place' | 'turn'>,
  c: { id: CaseId; applicant: PersonId; step: string; branch: string | null; opening: Buffer; filing: string | null },
): Promise<void> {
  await queryIn(
    tx,
    'update cases_turn set case_id = $3, applicant = $4, step = $5, branch = $6, opening = $7, told_near = false where place = $1 and turn = $2',
    [lost.place, lost.turn, c.id, c.applicant, c.step, c.branch, c.opening],
  )
  await queryIn(tx, 'update cases_case set filing = $3 where place = $1 and id = $2', [lost.place, c.id, c.filing])
  await queryIn(tx, 'delete from cases_lost_turn where place = $1 and turn = $2', [lost.place, lost.turn])
}
