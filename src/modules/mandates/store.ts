/** Every SQL statement of the mandates module. Decides nothing. */
import { type Db, queryIn, type Tx, tablesOf } from '#db'
import type { OfficeId, PersonId, Reference } from '#kernel/id'
import type { PlainDate } from '#kernel/time'

export type On = Db | Tx

/** What a mandate is. `relative`: somebody the giver trusts; `parent`: a child's, which a counter confirms. */
export const kinds = ['relative', 'company', 'accountant', 'helper', 'parent'] as const
export type Kind = (typeof kinds)[number]

/** How it was signed: by a certificate, or by hand before a clerk. */
export type SignedHow = 'signature' | 'paper'
/** Who ended it. */
export type EndedBy = 'principal' | 'representative' | 'office'

/** A mandate as it lies. Dates are calendar days of the portal's zone. */
export type Row = {
  readonly id: string
  readonly code: string
  readonly kind: Kind
  readonly draftedBy: PersonId
  readonly principal: PersonId | null
  readonly representative: PersonId | null
  readonly services: readonly string[]
  readonly maySign: boolean
  readonly fromOn: PlainDate
  readonly untilOn: PlainDate
  readonly capCentavos: number | null
  readonly oneCase: Reference | null
  readonly sealed: Buffer
  readonly draftedAt: Date
  readonly signedAt: Date | null
  readonly signedHow: SignedHow | null
  readonly confirmedAt: Date | null
  readonly seenBy: PersonId | null
  readonly office: OfficeId | null
  readonly acceptedAt: Date | null
  readonly endedAt: Date | null
  readonly endedBy: EndedBy | null
}

const columns = `m.id, m.code, m.kind, m.drafted_by as "draftedBy", m.principal, m.representative, m.services, m.may_sign as "maySign",
  m.from_on::text as "fromOn", m.until_on::text as "untilOn", m.cap_centavos as "capCentavos", m.one_case as "oneCase", m.sealed,
  m.drafted_at as "draftedAt", m.signed_at as "signedAt", m.signed_how as "signedHow", m.confirmed_at as "confirmedAt", m.seen_by as "seenBy", m.office,
  m.accepted_at as "acceptedAt", m.ended_at as "endedAt", m.ended_by as "endedBy"`

// In force on the day $1: signed, taken up, for a child confirmed, begun, and not over.
const inForce = `m.signed_at is not null and m.accepted_at is not null and (m.kind <> 'parent' or m.confirmed_at is not null)
  and m.ended_at is null and m.from_on <= $1::date and m.until_on >= $1::date`

export async function insert(
  tx: Tx,
  row: Pick<
    Row,
    | 'id'
    | 'code'
    | 'kind'
    | 'draftedBy'
    | 'representative'
    | 'services'
    | 'maySign'
    | 'fromOn'
    | 'untilOn'
    | 'capCentavos'
    | 'oneCase'
    | 'sealed'
    | 'draftedAt'
  >,
): Promise<void> {
  await queryIn(
    tx,
    `insert into mandates_mandate (id, code, kind, drafted_by, representative, services, may_sign, from_on, until_on, cap_centavos, one_case, sealed, drafted_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      row.id,
      row.code,
      row.kind,
      row.draftedBy,
      row.representative,
      row.services,
      row.maySign,
      row.fromOn,
      row.untilOn,
      row.capCentavos,
      row.oneCase,
      row.sealed,
      row.draftedAt,
    ],
  )
}

/** How many a person has written down that are not signed. */
export async function countDrafts(tx: Tx, person: PersonId): Promise<number> {
  const [row] = await queryIn<{ count: number }>(
    tx,
    'select count(*)::int as count from mandates_mandate where drafted_by = $1 and signed_at is null',
    [person],
  )
  return row!.count
}

/** The mandate with this code, locked where `lock`. */
export async function byCode(on: On, code: string, lock = false): Promise<Row | null> {
  const rows = await queryIn<Row>(on, `select ${columns} from mandates_mandate m where m.code = $1 ${lock ? 'for update' : ''}`, [code])
  return rows[0] ?? null
}

export async function byInvite(on: On, hash: Buffer): Promise<Row | null> {
  const rows = await queryIn<Row>(on, `select ${columns} from mandates_mandate m where m.invite_hash = $1`, [hash])
  return rows[0] ?? null
}

/** Those a person gave, wrote, or acts by: the newest first, at most 200. */
export function ofPerson(on: On, person: PersonId): Promise<Row[]> {
  return queryIn<Row>(
    on,
    `select ${columns} from mandates_mandate m where m.principal = $1 or m.representative = $1 or m.drafted_by = $1 order by m.drafted_at desc limit 200`,
    [person],
  )
}

/** Mandates by which these persons may act for these principals today, several pairs at once. */
export function between(
  on: On,
  today: PlainDate,
  pairs: readonly { readonly representative: PersonId; readonly principal: PersonId }[],
): Promise<Row[]> {
  return queryIn<Row>(
    on,
    `select ${columns} from mandates_mandate m join unnest($2::uuid[], $3::uuid[]) as p (representative, principal)
      on m.representative = p.representative and m.principal = p.principal where ${inForce} order by m.accepted_at`,
    [today, pairs.map((p) => p.representative), pairs.map((p) => p.principal)],
    'mandates-between',
  )
}

/** All by which a person may act today, the oldest first, at most 200. */
export function actingBy(on: On, today: PlainDate, person: PersonId): Promise<Row[]> {
  return queryIn<Row>(
    on,
    `select ${columns} from mandates_mandate m where m.representative = $2 and ${inForce} order by m.accepted_at limit 200`,
    [today, person],
  )
}

/** For how many different people a person acts today as somebody they trust. */
export async function trustedBy(on: On, today: PlainDate, person: PersonId): Promise<number> {
  const [row] = await queryIn<{ count: number }>(
    on,
    `select count(distinct m.principal)::int as count from mandates_mandate m where m.representative = $2 and m.kind = 'relative' and ${inForce}`,
    [today, person],
  )
  return row!.count
}

export async function setSealed(tx: Tx, id: string, sealed: Buffer): Promise<void> {
  await queryIn(tx, 'update mandates_mandate set sealed = $2 where id = $1', [id, sealed])
}

export async function setSigned(
  tx: Tx,
  id: string,
  given: { readonly at: Date; readonly how: SignedHow; readonly principal: PersonId | null; readonly inviteHash: Buffer | null },
): Promise<void> {
  await queryIn(
    tx,
    'update mandates_mandate set signed_at = $2, signed_how = $3, principal = coalesce($4, principal), invite_hash = $5 where id = $1',
    [id, given.at, given.how, given.principal, given.inviteHash],
  )
}

/** A clerk saw it signed, or saw that a child is theirs. */
export async function setSeen(
  tx: Tx,
  id: string,
  given: { readonly by: PersonId; readonly office: OfficeId; readonly confirmedAt: Date | null; readonly principal: PersonId | null },
): Promise<void> {
  await queryIn(
    tx,
    `update mandates_mandate set seen_by = $2, office = $3, confirmed_at = coalesce(confirmed_at, $4), principal = coalesce($5, principal) where id = $1`,
    [id, given.by, given.office, given.confirmedAt, given.principal],
  )
}

export async function setAccepted(tx: Tx, id: string, representative: PersonId, at: Date): Promise<void> {
  await queryIn(tx, 'update mandates_mandate set representative = $2, accepted_at = $3, invite_hash = null where id = $1', [
    id,
    representative,
    at,
  ])
}

export async function setEnded(tx: Tx, id: string, by: EndedBy, at: Date): Promise<void> {
  await queryIn(tx, 'update mandates_mandate set ended_at = $2, ended_by = $3, invite_hash = null where id = $1 and ended_at is null', [
    id,
    at,
    by,
  ])
}

/** Ends what a person gave or acts by; what was never signed goes. Those who were the other side of what ended. */
export async function endAll(tx: Tx, person: PersonId, at: Date): Promise<PersonId[]> {
  await queryIn(tx, 'delete from mandates_mandate where drafted_by = $1 and signed_at is null', [person])
  await queryIn(tx, 'update mandates_helper set ended_on = $2::date, ended_why = $3 where person = $1 and ended_on is null', [
    person,
    at.toISOString().slice(0, 10),
    'Cuenta borrada',
  ])
  const rows = await queryIn<{ representative: PersonId | null; draftedBy: PersonId }>(
    tx,
    `update mandates_mandate set ended_at = $2, ended_by = case when representative = $1 then 'representative' else 'principal' end, invite_hash = null
      where ended_at is null and signed_at is not null and $1 in (principal, representative, drafted_by) returning representative, drafted_by as "draftedBy"`,
    [person, at],
  )
  return [...new Set(rows.flatMap((r) => [r.representative, r.draftedBy]))].filter((p) => p !== null && p !== person) as PersonId[]
}

/** Deletes what was never signed. */
export async function drop(tx: Tx, id: string): Promise<void> {
  await queryIn(tx, 'delete from mandates_mandate where id = $1 and signed_at is null', [id])
}

/** Drafts that nobody signed within their days. */
export async function dropOld(on: Db, before: Date): Promise<void> {
  await queryIn(on, 'delete from mandates_mandate where signed_at is null and drafted_at < $1', [before])
}

// ── Cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Notes that something is done in a case by a mandate; what was noted before stays. */
export async function noteCases(
  tx: Tx,
  at: Date,
  cases: readonly { readonly mandate: string; readonly reference: Reference }[],
): Promise<void> {
  await queryIn(
    tx,
    `insert into mandates_case (reference, mandate, first_at) select reference, mandate, $3 from unnest($1::text[], $2::uuid[]) as t (reference, mandate)
      on conflict do nothing`,
    [cases.map((c) => c.reference), cases.map((c) => c.mandate), at],
    'mandates-note-cases',
  )
}

/** A helper's mandate is for the case that is begun by it. */
export async function bindCase(tx: Tx, id: string, reference: Reference): Promise<void> {
  await queryIn(tx, `update mandates_mandate set one_case = $2 where id = $1 and one_case is null and kind = 'helper'`, [id, reference])
}

export async function noteResult(tx: Tx, reference: Reference, result: 'granted' | 'refused'): Promise<void> {
  await queryIn(tx, 'update mandates_case set result = $2 where reference = $1', [reference, result], 'mandates-note-result')
}

/** The cases in which a mandate was used. */
export async function casesOf(on: On, mandate: string): Promise<Reference[]> {
  const rows = await queryIn<{ reference: Reference }>(
    on,
    'select reference from mandates_case where mandate = $1 order by first_at desc limit 200',
    [mandate],
  )
  return rows.map((r) => r.reference)
}

/** Who acted in a case by a mandate, and may today. */
export async function actorsIn(on: On, today: PlainDate, reference: Reference): Promise<PersonId[]> {
  const rows = await queryIn<{ representative: PersonId }>(
    on,
    `select distinct m.representative from mandates_case c join mandates_mandate m on m.id = c.mandate where c.reference = $2 and ${inForce}`,
    [today, reference],
    'mandates-actors-in',
  )
  return rows.map((r) => r.representative)
}

/** Whether this person acted in the case by a mandate, or holds one of its applicant's that is not over. */
export async function isBound(
  on: On,
  person: PersonId,
  c: { readonly reference: Reference; readonly applicant: PersonId },
): Promise<boolean> {
  const rows = await queryIn(
    on,
    `select 1 from mandates_mandate m where m.representative = $1 and m.accepted_at is not null and
      ((m.principal = $2 and m.ended_at is null) or exists (select 1 from mandates_case c where c.mandate = m.id and c.reference = $3)) limit 1`,
    [person, c.applicant, c.reference],
    'mandates-is-bound',
  )
  return rows.length > 0
}

// ── Helpers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

type Tables = {
  mandates_helper: {
    person: PersonId
    number: string
    place: string
    cap_centavos: number
    licensed_on: PlainDate
    until_on: PlainDate
    licensed_by: PersonId | null
    ended_on: PlainDate | null
    ended_why: string | null
  }
}
export type HelperRow = Omit<Tables['mandates_helper'], 'licensed_by'>

/** Licences a helper, or gives an old one new terms; the number stays. */
export async function putHelper(tx: Tx, row: Omit<Tables['mandates_helper'], 'ended_on' | 'ended_why'>): Promise<void> {
  const { person: _person, number: _number, ...terms } = row
  await tablesOf<Tables>(tx)
    .insertInto('mandates_helper')
    .values({ ...row, ended_on: null, ended_why: null })
    .onConflict((c) => c.column('person').doUpdateSet({ ...terms, ended_on: null, ended_why: null }))
    .execute()
}

export async function endHelper(tx: Tx, number: string, on: PlainDate, why: string): Promise<void> {
  await queryIn(tx, 'update mandates_helper set ended_on = $2, ended_why = $3 where number = $1 and ended_on is null', [number, on, why])
}

const helperColumns = `person, number, place, cap_centavos, licensed_on::text as licensed_on, until_on::text as until_on, ended_on::text as ended_on, ended_why`

/** The register, by number; at most 5,000. */
export function helpers(on: On): Promise<HelperRow[]> {
  return queryIn<HelperRow>(on, `select ${helperColumns} from mandates_helper order by number limit 5000`)
}

export async function helperBy(on: On, which: { readonly number: string } | { readonly person: PersonId }): Promise<HelperRow | null> {
  const [column, value] = 'number' in which ? ['number', which.number] : ['person', which.person]
  const rows = await queryIn<HelperRow>(on, `select ${helperColumns} from mandates_helper where ${column} = $1`, [value])
  return rows[0] ?? null
}

/** The cases that each helper helped in, by person, and how they were decided. */
export function helped(on: On): Promise<{ person: PersonId; reference: Reference; result: 'granted' | 'refused' | null }[]> {
  return queryIn(
    on,
    `select m.representative as person, c.reference, c.result from mandates_case c join mandates_mandate m on m.id = c.mandate
      where m.kind = 'helper' and m.representative is not null limit 100000`,
  )
}
