/** Every SQL statement of the messages module. Decides nothing. */
import { sql } from 'kysely'
import { type Db, queryIn, type Tx, tablesOf } from '#db'
import type { PersonId, Reference } from '#kernel/id'

export type On = Db | Tx

/** What became of a mail. `none`: there was no address to send it to. */
export type MailState = 'queued' | 'sent' | 'failed' | 'bounced' | 'none'

type Tables = {
  messages_key: { person: PersonId; wrapped: Buffer }
  messages_message: {
    person: PersonId
    id: string
    template: string
    case_reference: Reference | null
    box: Buffer
    at: Date
    read_at: Date | null
  }
  messages_mail: {
    id: string
    person: PersonId | null
    state: MailState
    reason: string | null
    tries: number
    claimed_until: Date | null
    created_at: Date
    done_at: Date | null
  }
  messages_shown: { id: string; to_hash: Buffer; box: Buffer; at: Date }
}

const q = (on: On) => tablesOf<Tables>(on)

// ── Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export async function wrappedKeys(on: On, people: readonly PersonId[]): Promise<Map<PersonId, Buffer>> {
  const rows = await queryIn<{ person: PersonId; wrapped: Buffer }>(
    on,
    'select person, wrapped from messages_key where person = any($1::uuid[])',
    [people],
    'messages-wrapped-keys',
  )
  return new Map(rows.map((r) => [r.person, r.wrapped]))
}

/** Adds keys in the order of the persons, so that two who add the same ones wait and do not deadlock; one that exists stays. */
export async function addKeys(on: On, rows: readonly { person: PersonId; wrapped: Buffer }[]): Promise<void> {
  const sorted = [...rows].sort((a, b) => (a.person < b.person ? -1 : 1))
  await queryIn(
    on,
    'insert into messages_key (person, wrapped) select * from unnest($1::uuid[], $2::bytea[]) on conflict do nothing',
    [sorted.map((r) => r.person), sorted.map((r) => r.wrapped)],
    'messages-add-keys',
  )
}

/** Deletes a person's messages with their key. */
export async function deleteAll(on: On, person: PersonId): Promise<void> {
  await q(on).deleteFrom('messages_mail').where('person', '=', person).execute()
  await q(on).deleteFrom('messages_message').where('person', '=', person).execute()
  await deleteKey(on, person)
}

export async function deleteKey(on: On, person: PersonId): Promise<void> {
  await q(on).deleteFrom('messages_key').where('person', '=', person).execute()
}

// ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One statement however many; the ids that are new. */
export async function addMessages(
  on: On,
  at: Date,
  rows: readonly { person: PersonId; id: string; template: string; caseReference: Reference | null; box: Buffer }[],
): Promise<Set<string>> {
  const added = await queryIn<{ id: string }>(
    on,
    `insert into messages_message (person, id, template, case_reference, box, at)
     select person, id, template, case_reference, box, $6
     from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[]) as t (person, id, template, case_reference, box)
     on conflict do nothing returning id`,
    [
      rows.map((r) => r.person),
      rows.map((r) => r.id),
      rows.map((r) => r.template),
      rows.map((r) => r.caseReference),
      rows.map((r) => r.box),
      at,
    ],
    'messages-add-messages',
  )
  return new Set(added.map((r) => r.id))
}

export function findMessage(on: On, person: PersonId, id: string) {
  return q(on)
    .selectFrom('messages_message as m')
    .leftJoin('messages_mail as d', 'd.id', 'm.id')
    .select(['m.id', 'm.template', 'm.case_reference', 'm.box', 'm.at', 'm.read_at', 'd.state', 'd.reason'])
    .where('m.person', '=', person)
    .where('m.id', '=', id)
    .executeTakeFirst()
}

/** Newest first; with `before`, those that stand after that message. */
export function listMessages(on: On, person: PersonId, before: string | null, limit: number) {
  let query = q(on)
    .selectFrom('messages_message')
    .select(['id', 'template', 'case_reference', 'box', 'at', 'read_at'])
    .where('person', '=', person)
  if (before !== null)
    query = query.where(sql<boolean>`(at, id) < (select at, id from messages_message where person = ${person} and id = ${before})`)
  return query.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

export async function markRead(on: On, person: PersonId, id: string, now: Date): Promise<void> {
  await q(on)
    .updateTable('messages_message')
    .set({ read_at: now })
    .where('person', '=', person)
    .where('id', '=', id)
    .where('read_at', 'is', null)
    .execute()
}

/** Unread messages, counted up to 100. */
export async function countUnread(on: On, person: PersonId): Promise<number> {
  const [row] = await queryIn<{ n: string }>(
    on,
    'select count(*) n from (select 1 from messages_message where person = $1 and read_at is null limit 100) t',
    [person],
    'messages-count-unread',
  )
  return Number(row!.n)
}

// ── Mail ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Takes the mail for sending until `until` and returns its tries with this one; undefined when it is done or another process has it. */
export async function claimMail(on: On, id: string, person: PersonId | null, now: Date, until: Date): Promise<number | undefined> {
  const [row] = await queryIn<{ tries: number }>(
    on,
    `insert into messages_mail as m (id, person, state, tries, claimed_until, created_at) values ($1, $2, 'queued', 1, $4, $3)
     on conflict (id) do update set tries = m.tries + 1, claimed_until = excluded.claimed_until
     where m.state = 'queued' and (m.claimed_until is null or m.claimed_until <= $3)
     returning tries`,
    [id, person, now, until],
    'messages-claim-mail',
  )
  return row?.tries
}

export function findMail(on: On, id: string) {
  return q(on).selectFrom('messages_mail').select(['state', 'reason', 'tries', 'claimed_until']).where('id', '=', id).executeTakeFirst()
}

export async function finishMail(on: On, id: string, state: MailState, reason: string | null, now: Date): Promise<void> {
  await q(on)
    .updateTable('messages_mail')
    .set({ state, reason, claimed_until: null, done_at: state === 'queued' ? null : now })
    .where('id', '=', id)
    .execute()
}

/** How many mails stand in each state. */
export async function countMail(on: On): Promise<Record<MailState, number>> {
  const rows = await q(on)
    .selectFrom('messages_mail')
    .select(['state', (e) => e.fn.countAll<string>().as('n')])
    .groupBy('state')
    .execute()
  return { queued: 0, sent: 0, failed: 0, bounced: 0, none: 0, ...Object.fromEntries(rows.map((r) => [r.state, Number(r.n)])) }
}

// ── Shown instead of sent ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

export async function addShown(on: On, row: Tables['messages_shown']): Promise<void> {
  await q(on)
    .insertInto('messages_shown')
    .values(row)
    .onConflict((c) => c.doNothing())
    .execute()
}

export function listShown(on: On, toHash: Buffer | null, limit: number) {
  let query = q(on).selectFrom('messages_shown').select(['id', 'box', 'at'])
  if (toHash !== null) query = query.where('to_hash', '=', toHash)
  return query.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

/** Forgets how finished mails went before `before`, and all shown mails but the newest `keep`. */
export async function tidy(on: Db, before: Date, keep: number): Promise<void> {
  await queryIn(on, 'delete from messages_mail where done_at < $1 and person is null', [before])
  await queryIn(on, 'delete from messages_shown where id in (select id from messages_shown order by at desc, id desc offset $1)', [keep])
}
