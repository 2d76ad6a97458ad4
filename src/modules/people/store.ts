/** Every SQL statement of the people module. Decides nothing. */
import { sql } from 'kysely'
import { type Db, queryIn, type Tx, tablesOf } from '#db'
import type { OfficeId, PersonId, Reference } from '#kernel/id'
import { uuidv7 } from '#kernel/id'
import type { Language } from '#kernel/text'
import type { Grant, Role } from '#web'
import { isPhone } from './address.ts'
import type { Identity } from './identity.ts'

export type On = Db | Tx

/** How somebody came in, which says how surely it is they. */
export type Way = 'email' | 'phone' | 'receipt' | 'counter' | 'invite' | 'passkey'

/** What an event tells. Its words stand in the text files under `event.<what>`. */
export type EventKind =
  | 'registered'
  | 'registered-at-counter'
  | 'identified'
  | 'restored'
  | 'contact-added'
  | 'contact-ended'
  | 'phone-added'
  | 'phone-ended'
  | 'sessions-ended'
  | 'role-given'
  | 'role-withdrawn'
  | 'passkey-added'
  | 'passkey-removed'
  | 'recovery-codes'
  | 'recovery-begun'
  | 'identity-lost'
  | 'erasure-asked'
  | 'erasure-kept'

/** What a code is sent for; `choice` is what is left of one that was right: to say which of those who share the number signs in. */
export type CodePurpose = 'sign-in' | 'contact' | 'counter' | 'choice'

type Tables = {
  people_person: { id: PersonId; name: string | null; language: Language; created_at: Date }
  people_identity: { person: PersonId; kind: Identity['kind']; value: string; set_at: Date; shown_at: Date | null }
  people_contact: {
    id: string
    person: PersonId
    email: string | null
    phone: string | null
    confirmed_at: Date | null
    ended_at: Date | null
    created_at: Date
  }
  people_session: {
    token_hash: Buffer
    id: string
    person: PersonId
    way: Way
    device: string
    started_at: Date
    seen_at: Date
    ends_at: Date
  }
  people_code: {
    id: string
    purpose: CodePurpose
    person: PersonId | null
    email: string | null
    phone: string | null
    browser_hash: Buffer
    code_hash: Buffer
    tries: number
    created_at: Date
    expires_at: Date
    used_at: Date | null
  }
  people_slip: {
    reference: Reference
    person: PersonId
    kind: 'receipt' | 'counter'
    secret_hash: Buffer
    created_at: Date
    expires_at: Date
  }
  people_grant: { person: PersonId; role: Role; office: OfficeId | ''; given_at: Date; given_by: PersonId | null }
  people_invite: {
    token_hash: Buffer
    email: string
    role: Role
    office: OfficeId | ''
    invited_by: PersonId | null
    created_at: Date
    expires_at: Date
    used_at: Date | null
    used_by: PersonId | null
  }
  people_letter: { id: string; box: Buffer; expires_at: Date }
  people_limit: { key: Buffer; count: number; ends_at: Date }
  people_event: {
    id: string
    at: Date
    subject: PersonId
    actor: PersonId | null
    what: EventKind
    role: Role | null
    office: OfficeId | null
  }
  people_use: {
    subject: PersonId
    id: string
    at: Date
    actor: PersonId | null
    office: OfficeId | null
    case_reference: Reference | null
    key_id: string | null
    purpose: string
    represents: boolean
  }
}

const q = (on: On) => tablesOf<Tables>(on)

/** An address in the column of its kind; read back as `coalesce(email, phone)`. */
const columns = (address: string) => (isPhone(address) ? { email: null, phone: address } : { email: address, phone: null })
const address = sql<string>`coalesce(email, phone)`.as('address')

// ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type SessionRow = {
  id: string
  person: PersonId
  way: Way
  seen_at: Date
  grants: Grant[]
}

/** The living sessions of these cookies with their persons' grants, by the hash in hex, in one round trip: the way of every signed-in request. */
export async function findSessions(on: On, tokenHashes: readonly string[], now: Date, seenAfter: Date): Promise<Map<string, SessionRow>> {
  const rows = await queryIn<SessionRow & { hash: string }>(
    on,
    `select encode(s.token_hash, 'hex') as hash, s.id, s.person, s.way, s.seen_at, coalesce((
       select json_agg(json_build_object('role', g.role, 'office', nullif(g.office, ''))) from people_grant g where g.person = s.person
     ), '[]') as grants
     from people_session s where s.token_hash = any(array(select decode(h, 'hex') from unnest($1::text[]) as t (h))) and s.ends_at > $2 and s.seen_at > $3`,
    [tokenHashes, now, seenAfter],
    'people-find-sessions',
  )
  return new Map(rows.map(({ hash, ...row }) => [hash, row]))
}

export async function touchSession(on: On, tokenHash: Buffer, now: Date): Promise<void> {
  await queryIn(
    on,
    'update people_session set seen_at = $2 where token_hash = $1 and seen_at < $2',
    [tokenHash, now],
    'people-touch-session',
  )
}

export async function addSession(on: On, row: Tables['people_session']): Promise<void> {
  await q(on).insertInto('people_session').values(row).execute()
}

/** Ends the session of this cookie, or of this name; its name and person, if there was one. */
export async function endSession(
  on: On,
  which: { tokenHash: Buffer } | { id: string },
): Promise<{ id: string; person: PersonId } | undefined> {
  const query = q(on).deleteFrom('people_session')
  const found = 'id' in which ? query.where('id', '=', which.id) : query.where('token_hash', '=', which.tokenHash)
  return found.returning(['id', 'person']).executeTakeFirst()
}

/** Ends the person's sessions but the one named; the names of those that ended. */
export async function endSessions(on: On, person: PersonId, except: string | null = null): Promise<string[]> {
  let query = q(on).deleteFrom('people_session').where('person', '=', person)
  if (except !== null) query = query.where('id', '<>', except)
  return (await query.returning('id').execute()).map((s) => s.id)
}

/** Ends one session of a person's; its name, in a list that is empty where it is not theirs. */
export async function endOneSession(on: On, person: PersonId, id: string): Promise<string[]> {
  const ended = await q(on).deleteFrom('people_session').where('person', '=', person).where('id', '=', id).returning('id').execute()
  return ended.map((s) => s.id)
}

export async function sessionWay(on: On, id: string): Promise<Way | undefined> {
  return (await q(on).selectFrom('people_session').select('way').where('id', '=', id).executeTakeFirst())?.way
}

/** How and when a session began. */
export type SessionStart = { readonly way: Way; readonly startedAt: Date }

export async function sessionStart(on: On, id: string): Promise<SessionStart | undefined> {
  return q(on).selectFrom('people_session').select(['way', 'started_at as startedAt']).where('id', '=', id).executeTakeFirst()
}

export function sessionsOf(on: On, person: PersonId, now: Date, seenAfter: Date) {
  return q(on)
    .selectFrom('people_session')
    .select(['id', 'way', 'device', 'started_at', 'seen_at'])
    .where('person', '=', person)
    .where('ends_at', '>', now)
    .where('seen_at', '>', seenAfter)
    .orderBy('seen_at', 'desc')
    .execute()
}

// ── Persons, identities, contacts ─────────────────────────────────────────────────────────────────────────────────────────────────────

export async function addPerson(on: On, row: Tables['people_person']): Promise<void> {
  await q(on).insertInto('people_person').values(row).execute()
}

/** The person with the addresses that mail and short messages go to. */
export async function findPerson(on: On, id: PersonId) {
  const [row] = await findPersons(on, [id])
  return row
}

/** The same for many, in one prepared statement: it stands on the way of every submission. */
export async function findPersons(on: On, ids: readonly PersonId[]) {
  const rows = await queryIn<{
    id: PersonId
    name: string | null
    language: Language
    email: string | null
    phone: string | null
    identities: { kind: 'curp' | 'rfc'; value: string; shown_at: string | null }[]
  }>(
    on,
    `select p.id, p.name, p.language,
        (select c.email from people_contact c where c.person = p.id and c.confirmed_at is not null and c.ended_at is null and c.email is not null
          order by c.confirmed_at desc limit 1) as email,
        (select c.phone from people_contact c where c.person = p.id and c.confirmed_at is not null and c.ended_at is null and c.phone is not null
          order by c.confirmed_at desc limit 1) as phone,
        coalesce((select jsonb_agg(jsonb_build_object('kind', i.kind, 'value', i.value, 'shown_at', i.shown_at) order by i.kind)
          from people_identity i where i.person = p.id), '[]') as identities
      from people_person p where p.id = any($1::uuid[])`,
    [ids],
    'people-find-persons',
  )
  return rows.map((r) => ({
    ...r,
    identities: r.identities.map((i) => ({ ...i, shown_at: i.shown_at === null ? null : new Date(i.shown_at) })),
  }))
}

export function lockPerson(on: Tx, id: PersonId) {
  return q(on).selectFrom('people_person').select(['id', 'name']).where('id', '=', id).forUpdate().executeTakeFirst()
}

export function namesOf(on: On, ids: readonly PersonId[]) {
  return queryIn<{ id: PersonId; name: string | null }>(on, 'select id, name from people_person where id = any($1::uuid[])', [ids])
}

export async function setName(on: On, id: PersonId, name: string): Promise<void> {
  await q(on).updateTable('people_person').set({ name }).where('id', '=', id).execute()
}

export async function setLanguage(on: On, id: PersonId, language: Language): Promise<void> {
  await q(on).updateTable('people_person').set({ language }).where('id', '=', id).execute()
}

export function findIdentity(on: On, { kind, value }: Identity) {
  return q(on)
    .selectFrom('people_identity')
    .select(['person', 'shown_at'])
    .where('kind', '=', kind)
    .where('value', '=', value)
    .executeTakeFirst()
}

/** Sets the person's number of this kind; the unique index refuses (23505) one that another person has. */
export async function setIdentity(on: On, person: PersonId, identity: Identity, at: Date, shown: boolean): Promise<void> {
  await q(on)
    .insertInto('people_identity')
    .values({ person, ...identity, set_at: at, shown_at: shown ? at : null })
    .onConflict((c) => c.columns(['person', 'kind']).doUpdateSet({ value: identity.value, set_at: at, shown_at: shown ? at : null }))
    .execute()
}

/** Takes a claimed number from a person. */
export async function dropIdentity(on: On, person: PersonId, { kind, value }: Identity): Promise<void> {
  await q(on).deleteFrom('people_identity').where('person', '=', person).where('kind', '=', kind).where('value', '=', value).execute()
}

/** Whose living, proved address it is. */
export async function ownerOf(on: On, email: string): Promise<PersonId | undefined> {
  const row = await q(on)
    .selectFrom('people_contact')
    .select('person')
    .where('email', '=', email)
    .where('confirmed_at', 'is not', null)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return row?.person
}

/** Those who have this number, proved, by name: the contact by which each of them is chosen. */
export function sharersOf(on: On, phone: string) {
  return q(on)
    .selectFrom('people_contact as c')
    .innerJoin('people_person as p', 'p.id', 'c.person')
    .select(['c.id', 'c.person', 'p.name', 'p.created_at as openedAt'])
    .where('c.phone', '=', phone)
    .where('c.confirmed_at', 'is not', null)
    .where('c.ended_at', 'is', null)
    .orderBy('p.name')
    .orderBy('c.id')
    .execute()
}

/** How many other persons the address stands for: proved or noted by a clerk, or proved alone. */
export async function countOthers(on: On, address: string, person: PersonId, provedAlone: boolean): Promise<number> {
  const { email, phone } = columns(address)
  let query = q(on)
    .selectFrom('people_contact')
    .select((e) => e.fn.count<string>('person').distinct().as('n'))
    .where('person', '<>', person)
    .where('ended_at', 'is', null)
  query = phone === null ? query.where('email', '=', email) : query.where('phone', '=', phone)
  if (provedAlone) query = query.where('confirmed_at', 'is not', null)
  return Number((await query.executeTakeFirstOrThrow()).n)
}

/** Adds the address in the place of what clerks had noted for the person. */
export async function addContact(on: On, person: PersonId, address: string, at: Date, confirmed: boolean): Promise<void> {
  await q(on).deleteFrom('people_contact').where('person', '=', person).where('confirmed_at', 'is', null).execute()
  await q(on)
    .insertInto('people_contact')
    .values({
      id: uuidv7(at.getTime()),
      person,
      ...columns(address),
      confirmed_at: confirmed ? at : null,
      ended_at: null,
      created_at: at,
    })
    .execute()
}

export function contactsOf(on: On, person: PersonId) {
  return q(on)
    .selectFrom('people_contact')
    .select(['id', address, 'confirmed_at'])
    .where('person', '=', person)
    .where('ended_at', 'is', null)
    .orderBy('created_at')
    .execute()
}

/** Ends the person's contacts, but a proved one with the address `except`; those that ended. */
export function endContacts(on: On, person: PersonId, at: Date, except: string | null) {
  let query = q(on).updateTable('people_contact').set({ ended_at: at }).where('person', '=', person).where('ended_at', 'is', null)
  if (except !== null)
    query = query.where((e) => e.or([e(sql<string>`coalesce(email, phone)`, '<>', except), e('confirmed_at', 'is', null)]))
  return query.returning([address, 'confirmed_at']).execute()
}

/** Ends one living contact of the person's; its address when it was proved. */
export async function endContact(on: On, person: PersonId, id: string, at: Date): Promise<string | null> {
  const row = await q(on)
    .updateTable('people_contact')
    .set({ ended_at: at })
    .where('id', '=', id)
    .where('person', '=', person)
    .where('ended_at', 'is', null)
    .returning([address, 'confirmed_at'])
    .executeTakeFirst()
  return row?.confirmed_at ? row.address : null
}

/** Waits for others who make or move an account of this address. */
export async function lockAddress(on: Tx, address: string): Promise<void> {
  await queryIn(on, `select pg_advisory_xact_lock(hashtextextended('people/' || $1, 0))`, [address])
}

// ── Codes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Puts the code in the place of the browser's last one for this purpose. */
export async function putCode(
  on: On,
  { address, ...given }: Omit<Tables['people_code'], 'email' | 'phone'> & { address: string },
): Promise<void> {
  const row = { ...given, ...columns(address) }
  const { browser_hash: _hash, purpose: _purpose, ...rest } = row
  await q(on)
    .insertInto('people_code')
    .values(row)
    .onConflict((c) => c.columns(['browser_hash', 'purpose']).doUpdateSet(rest))
    .execute()
}

/** The browser's living choice among those who share a number. */
export function findChoice(on: On, browserHash: Buffer, now: Date) {
  return q(on)
    .selectFrom('people_code')
    .select(['id', address])
    .where('browser_hash', '=', browserHash)
    .where('purpose', '=', 'choice')
    .where('expires_at', '>', now)
    .where('used_at', 'is', null)
    .executeTakeFirst()
}

/** Counts a try and returns the code when one is left. A statement of its own: a refusal afterwards must not give the try back. */
export function tryCode(on: Db, browserHash: Buffer, purpose: CodePurpose, now: Date, most: number) {
  return q(on)
    .updateTable('people_code')
    .set({ tries: sql`tries + 1` })
    .where('browser_hash', '=', browserHash)
    .where('purpose', '=', purpose)
    .where('expires_at', '>', now)
    .where('used_at', 'is', null)
    .where('tries', '<', most)
    .returning(['id', 'code_hash', address, 'person', 'tries'])
    .executeTakeFirst()
}

/** Uses the code up. False when it was used before. */
export async function useCode(on: Tx, id: string, now: Date): Promise<boolean> {
  const done = await q(on)
    .updateTable('people_code')
    .set({ used_at: now })
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .executeTakeFirst()
  return done.numUpdatedRows === 1n
}

// ── Slips ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One statement however many; its text never changes, so it is prepared once. */
export async function addSlips(
  on: On,
  rows: readonly { reference: Reference; person: PersonId; secretHash: Buffer }[],
  kind: 'receipt' | 'counter',
  at: Date,
  expiresAt: Date,
): Promise<void> {
  await queryIn(
    on,
    `insert into people_slip (reference, person, secret_hash, kind, created_at, expires_at)
     select reference, person, secret_hash, $4, $5, $6 from unnest($1::text[], $2::uuid[], $3::bytea[]) as t (reference, person, secret_hash)`,
    [rows.map((r) => r.reference), rows.map((r) => r.person), rows.map((r) => r.secretHash), kind, at, expiresAt],
    'people-add-slips',
  )
}

export function findSlip(on: On, reference: Reference, now: Date) {
  return q(on)
    .selectFrom('people_slip')
    .select(['person', 'kind', 'secret_hash'])
    .where('reference', '=', reference)
    .where('expires_at', '>', now)
    .executeTakeFirst()
}

/** Takes the slip away; false when it was gone. */
export async function endSlip(on: On, reference: Reference): Promise<boolean> {
  return (await q(on).deleteFrom('people_slip').where('reference', '=', reference).executeTakeFirst()).numDeletedRows === 1n
}

export async function endSlips(on: On, person: PersonId): Promise<void> {
  await q(on).deleteFrom('people_slip').where('person', '=', person).execute()
}

// ── Roles and invites ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** False when it was given before. */
export async function addGrant(on: On, person: PersonId, grant: Grant, at: Date, by: PersonId | null): Promise<boolean> {
  const done = await q(on)
    .insertInto('people_grant')
    .values({ person, role: grant.role, office: grant.office ?? '', given_at: at, given_by: by })
    .onConflict((c) => c.doNothing())
    .executeTakeFirst()
  return done.numInsertedOrUpdatedRows === 1n
}

export async function removeGrant(on: On, person: PersonId, grant: Grant): Promise<boolean> {
  const done = await q(on)
    .deleteFrom('people_grant')
    .where('person', '=', person)
    .where('role', '=', grant.role)
    .where('office', '=', grant.office ?? '')
    .executeTakeFirst()
  return done.numDeletedRows === 1n
}

/** Everyone with the role there, the rows locked: two withdrawals at once must not both find another administrator left. */
export function lockHolders(on: Tx, role: Role, office: OfficeId | null) {
  return q(on)
    .selectFrom('people_grant')
    .select('person')
    .where('role', '=', role)
    .where('office', '=', office ?? '')
    .orderBy('person')
    .forUpdate()
    .execute()
}

export async function holdersOf(on: On, role: Role, office: OfficeId): Promise<PersonId[]> {
  const rows = await q(on).selectFrom('people_grant').select('person').where('role', '=', role).where('office', '=', office).execute()
  return rows.map((r) => r.person)
}

export async function grantsOf(on: On, person: PersonId): Promise<Grant[]> {
  const rows = await q(on).selectFrom('people_grant').select(['role', 'office']).where('person', '=', person).orderBy('role').execute()
  return rows.map((r) => ({ role: r.role, office: r.office || null }) as Grant)
}

/** Everyone who holds any role, for the administrator's page. */
export function staff(on: On) {
  return q(on)
    .selectFrom('people_grant as g')
    .innerJoin('people_person as p', 'p.id', 'g.person')
    .leftJoin('people_contact as c', (j) =>
      j.onRef('c.person', '=', 'p.id').on('c.email', 'is not', null).on('c.confirmed_at', 'is not', null).on('c.ended_at', 'is', null),
    )
    .distinctOn(['p.name', 'p.id', 'g.role', 'g.office'])
    .select(['p.id', 'p.name', 'c.email', 'g.role', 'g.office'])
    .orderBy('p.name')
    .orderBy('p.id')
    .orderBy('g.role')
    .orderBy('g.office')
    .limit(2000)
    .execute()
}

export async function addInvite(on: On, row: Tables['people_invite']): Promise<void> {
  await q(on).insertInto('people_invite').values(row).execute()
}

export function findInvite(on: On, tokenHash: Buffer, now: Date) {
  return q(on)
    .selectFrom('people_invite')
    .select(['email', 'role', 'office', 'invited_by'])
    .where('token_hash', '=', tokenHash)
    .where('expires_at', '>', now)
    .where('used_at', 'is', null)
    .executeTakeFirst()
}

/** Uses the invite up. False when it was used before. */
export async function useInvite(on: Tx, tokenHash: Buffer, person: PersonId, now: Date): Promise<boolean> {
  const done = await q(on)
    .updateTable('people_invite')
    .set({ used_at: now, used_by: person })
    .where('token_hash', '=', tokenHash)
    .where('used_at', 'is', null)
    .executeTakeFirst()
  return done.numUpdatedRows === 1n
}

// ── Letters, limits, events, uses ─────────────────────────────────────────────────────────────────────────────────────────────────────

export async function addLetter(on: On, row: Tables['people_letter']): Promise<void> {
  await q(on).insertInto('people_letter').values(row).execute()
}

export function findLetter(on: On, id: string, now: Date) {
  return q(on).selectFrom('people_letter').select(['box']).where('id', '=', id).where('expires_at', '>', now).executeTakeFirst()
}

/** Counts one more within the window of `key` and returns the count; a window that is over begins anew. Commits at once. */
export async function countUp(on: Db, key: Buffer, now: Date, endsAt: Date): Promise<number> {
  const [row] = await queryIn<{ count: number }>(
    on,
    `insert into people_limit as l (key, count, ends_at) values ($1, 1, $3)
     on conflict (key) do update set
       count = case when l.ends_at <= $2 then 1 else l.count + 1 end,
       ends_at = case when l.ends_at <= $2 then excluded.ends_at else l.ends_at end
     returning count`,
    [key, now, endsAt],
    'people-count-up',
  )
  return row!.count
}

export async function addEvent(
  on: On,
  at: Date,
  what: EventKind,
  subject: PersonId,
  actor: PersonId | null,
  grant: { role: Role | null; office: OfficeId | null } = { role: null, office: null },
): Promise<void> {
  await q(on)
    .insertInto('people_event')
    .values({ id: uuidv7(at.getTime()), at, subject, actor, what, ...grant })
    .execute()
}

export function eventsOf(on: On, subject: PersonId, limit: number) {
  return q(on)
    .selectFrom('people_event')
    .select(['at', 'what', 'actor', 'role', 'office'])
    .where('subject', '=', subject)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** One statement however many; its text never changes, so it is prepared once. */
export async function addUses(
  on: On,
  at: Date,
  uses: readonly {
    subject: PersonId
    actor: PersonId | null
    office?: OfficeId | null
    caseReference?: Reference | null
    keyId?: string | null
    purpose: string
    represents?: boolean
  }[],
): Promise<void> {
  await queryIn(
    on,
    `insert into people_use (subject, id, actor, office, case_reference, key_id, purpose, represents, at)
     select subject, id, actor, office, case_reference, key_id, purpose, represents, $9
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[])
       as t (subject, id, actor, office, case_reference, key_id, purpose, represents)`,
    [
      uses.map((u) => u.subject),
      uses.map(() => uuidv7(at.getTime())),
      uses.map((u) => u.actor),
      uses.map((u) => u.office ?? null),
      uses.map((u) => u.caseReference ?? null),
      uses.map((u) => u.keyId ?? null),
      uses.map((u) => u.purpose),
      uses.map((u) => u.represents === true),
      at,
    ],
    'people-add-uses',
  )
}

/** The uses of a person's data, the newest first; `name` is that of who acted for them by a mandate. */
export function usesOf(on: On, subject: PersonId, before: string | null, limit: number) {
  let query = q(on)
    .selectFrom('people_use')
    .leftJoin('people_person', (join) => join.onRef('people_person.id', '=', 'people_use.actor').on('people_use.represents', '=', true))
    .select([
      'people_use.id',
      'people_use.at',
      'people_use.actor',
      'people_use.office',
      'people_use.case_reference',
      'people_use.purpose',
      'people_use.represents',
      'people_person.name',
    ])
    .where('people_use.subject', '=', subject)
  if (before !== null) query = query.where('people_use.id', '<', before)
  return query.orderBy('people_use.id', 'desc').limit(limit).execute()
}

// ── Erasure ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** When a person's data will be erased; null where they have not asked. */
export async function erasureOf(on: On, person: PersonId): Promise<Date | null> {
  const rows = await queryIn<{ due_at: Date }>(on, 'select due_at from people_erasure where person = $1', [person])
  return rows[0]?.due_at ?? null
}

/** False when it was asked for before. */
export async function putErasure(tx: Tx, person: PersonId, at: Date, dueAt: Date): Promise<boolean> {
  const rows = await queryIn(
    tx,
    'insert into people_erasure (person, asked_at, due_at) values ($1, $2, $3) on conflict do nothing returning person',
    [person, at, dueAt],
  )
  return rows.length > 0
}

/** False when nobody had asked. */
export async function dropErasure(tx: Tx, person: PersonId): Promise<boolean> {
  return (await queryIn(tx, 'delete from people_erasure where person = $1 returning person', [person])).length > 0
}

export async function erasuresDue(on: Db, now: Date, most: number): Promise<PersonId[]> {
  const rows = await queryIn<{ person: PersonId }>(on, 'select person from people_erasure where due_at <= $1 order by due_at limit $2', [
    now,
    most,
  ])
  return rows.map((r) => r.person)
}

export async function forgetUses(tx: Tx, person: PersonId, reference: Reference): Promise<void> {
  await queryIn(tx, 'delete from people_use where subject = $1 and case_reference = $2', [person, reference])
}

/** Deletes a person with all that hangs on them, and what others noted of them. What they did to others' data stays, under a number that means nobody any more. */
export async function erase(tx: Tx, person: PersonId): Promise<void> {
  for (const statement of [
    'delete from people_slip where person = $1',
    'delete from people_use where subject = $1',
    'delete from people_event where subject = $1',
    'delete from people_person where id = $1',
  ])
    await queryIn(tx, statement, [person])
}

/** Deletes what is over. Expired rows are already refused everywhere: this only gives back their room. */
export async function tidy(on: Db, now: Date): Promise<void> {
  for (const [table, column] of [
    ['people_session', 'ends_at'],
    ['people_code', 'expires_at'],
    ['people_slip', 'expires_at'],
    ['people_letter', 'expires_at'],
    ['people_limit', 'ends_at'],
  ] as const) {
    await queryIn(on, `delete from ${table} where ${column} <= $1`, [now])
  }
}
