/** SQL of passkeys: see passkeys.ts. */
import { queryIn } from '#db'
import type { PersonId } from '#kernel/id'
import type { On } from './store.ts'

export type PasskeyRow = {
  readonly id: string
  readonly person: PersonId
  readonly publicKey: Buffer
  readonly counter: number
  readonly transports: readonly string[]
  readonly backedUp: boolean
  readonly name: string
  readonly createdAt: Date
  readonly usedAt: Date | null
}

const columns =
  'id, person, public_key as "publicKey", counter::int8::text, transports, backed_up as "backedUp", name, created_at as "createdAt", used_at as "usedAt"'
const rowOf = (row: Omit<PasskeyRow, 'counter'> & { counter: string }): PasskeyRow => ({ ...row, counter: Number(row.counter) })
type Raw = Parameters<typeof rowOf>[0]

export const passkeysOf = async (on: On, person: PersonId): Promise<PasskeyRow[]> =>
  (await queryIn<Raw>(on, `select ${columns} from people_passkey where person = $1 order by created_at, id`, [person])).map(rowOf)

/** One passkey, locked by who will write what it signed. */
export async function passkeyBy(on: On, id: string): Promise<PasskeyRow | null> {
  const [row] = await queryIn<Raw>(on, `select ${columns} from people_passkey where id = $1 for update`, [id], 'people-passkey')
  return row ? rowOf(row) : null
}

/** Keeps a new passkey; false for an id that is somebody's already. */
export async function addPasskey(on: On, p: Omit<PasskeyRow, 'usedAt'>): Promise<boolean> {
  const fresh = await queryIn(
    on,
    `insert into people_passkey (id, person, public_key, counter, transports, backed_up, name, created_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id`,
    [p.id, p.person, p.publicKey, p.counter, p.transports, p.backedUp, p.name, p.createdAt],
  )
  return fresh.length > 0
}

export async function notePasskeyUse(on: On, id: string, counter: number, backedUp: boolean, at: Date): Promise<void> {
  await queryIn(on, 'update people_passkey set counter = $2, backed_up = $3, used_at = $4 where id = $1', [id, counter, backedUp, at])
}

export async function renamePasskey(on: On, person: PersonId, id: string, name: string): Promise<void> {
  await queryIn(on, 'update people_passkey set name = $3 where person = $1 and id = $2', [person, id, name])
}

export async function removePasskey(on: On, person: PersonId, id: string): Promise<boolean> {
  const gone = await queryIn(on, 'delete from people_passkey where person = $1 and id = $2 returning id', [person, id])
  return gone.length > 0
}

export async function putChallenge(
  on: On,
  c: { browserHash: Buffer; purpose: 'add' | 'enter'; challenge: string; person: PersonId | null; expiresAt: Date },
): Promise<void> {
  await queryIn(
    on,
    `insert into people_challenge (browser_hash, purpose, challenge, person, expires_at) values ($1, $2, $3, $4, $5)
      on conflict (browser_hash, purpose) do update set challenge = $3, person = $4, expires_at = $5`,
    [c.browserHash, c.purpose, c.challenge, c.person, c.expiresAt],
  )
}

/** Takes the browser's challenge: nobody gets it twice. */
export async function takeChallenge(
  on: On,
  browserHash: Buffer,
  purpose: 'add' | 'enter',
  now: Date,
): Promise<{ challenge: string; person: PersonId | null } | null> {
  const [row] = await queryIn<{ challenge: string; person: PersonId | null; expires: Date }>(
    on,
    'delete from people_challenge where browser_hash = $1 and purpose = $2 returning challenge, person, expires_at as expires',
    [browserHash, purpose],
  )
  return row && row.expires > now ? row : null
}

/** Puts new recovery codes in the place of all there were. */
export async function putRecovery(on: On, person: PersonId, hashes: readonly Buffer[]): Promise<void> {
  await queryIn(on, 'delete from people_recovery where person = $1', [person])
  await queryIn(on, 'insert into people_recovery (code_hash, person) select h, $1 from unnest($2::bytea[]) as h', [person, hashes])
}

export async function useRecovery(on: On, person: PersonId, hash: Buffer): Promise<boolean> {
  const used = await queryIn(on, 'delete from people_recovery where person = $1 and code_hash = $2 returning person', [person, hash])
  return used.length > 0
}

export async function recoveryLeft(on: On, person: PersonId): Promise<number> {
  const [row] = await queryIn<{ n: string }>(on, 'select count(*) as n from people_recovery where person = $1', [person])
  return Number(row!.n)
}

export type Enrolment = { readonly fromAt: Date; readonly untilAt: Date }

export async function putEnrolment(on: On, person: PersonId, e: Enrolment): Promise<void> {
  await queryIn(
    on,
    `insert into people_enrolment (person, from_at, until_at) values ($1, $2, $3)
      on conflict (person) do update set from_at = $2, until_at = $3`,
    [person, e.fromAt, e.untilAt],
  )
}

export async function enrolmentOf(on: On, person: PersonId, now: Date): Promise<Enrolment | null> {
  const [row] = await queryIn<Enrolment>(
    on,
    'select from_at as "fromAt", until_at as "untilAt" from people_enrolment where person = $1 and until_at > $2',
    [person, now],
  )
  return row ?? null
}

export async function endEnrolment(on: On, person: PersonId): Promise<void> {
  await queryIn(on, 'delete from people_enrolment where person = $1', [person])
}

/** Every passkey and recovery code of a person. */
export async function endPasskeys(on: On, person: PersonId): Promise<void> {
  await queryIn(on, 'delete from people_passkey where person = $1', [person])
  await queryIn(on, 'delete from people_recovery where person = $1', [person])
}

/** How a session began, and what says how surely it is they. */
export type Surety = {
  readonly way: string
  readonly passkey: string | null
  readonly backedUp: boolean | null
  readonly startedAt: Date
  readonly curp: boolean
  readonly shown: boolean
}

export async function suretyOf(on: On, session: string): Promise<Surety | null> {
  const [row] = await queryIn<Surety>(
    on,
    `select s.way, s.passkey, p.backed_up as "backedUp", s.started_at as "startedAt", i.value is not null as curp, i.shown_at is not null as shown
      from people_session s left join people_passkey p on p.id = s.passkey
      left join people_identity i on i.person = s.person and i.kind = 'curp' where s.id = $1`,
    [session],
  )
  return row ?? null
}

export async function noteSessionPasskey(on: On, session: Buffer, passkey: string): Promise<void> {
  await queryIn(on, 'update people_session set passkey = $2 where token_hash = $1', [session, passkey])
}

/** Ends the sessions that began by a passkey; their names. */
export async function endSessionsOf(on: On, person: PersonId, passkey: string): Promise<string[]> {
  const ended = await queryIn<{ id: string }>(on, 'delete from people_session where person = $1 and passkey = $2 returning id', [
    person,
    passkey,
  ])
  return ended.map((s) => s.id)
}

export async function tidyPasskeys(on: On, now: Date): Promise<void> {
  await queryIn(on, 'delete from people_challenge where expires_at <= $1', [now])
  await queryIn(on, 'delete from people_enrolment where until_at <= $1', [now])
}
