/** Every SQL statement of this module. */
import { type Db, queryIn, type Tx } from '#db'
import type { OfficeId, PersonId } from '#kernel/id'
import type { RevocationReason, Revoked } from './make/answers.ts'

type On = Db | Tx

/** Notes that a signer stands on our pages from now on; false where that was known. */
export async function noteSigner(tx: Tx, file: 'script' | 'offline', sha256: string, at: Date): Promise<boolean> {
  const fresh = await queryIn(
    tx,
    'insert into signing_signer (file, sha256, published_at) values ($1, $2, $3) on conflict do nothing returning file',
    [file, sha256, at],
  )
  return fresh.length > 0
}

/** A certificate that was issued here. */
export type CertificateRow = {
  readonly serial: string
  readonly person: PersonId | null
  readonly der: Buffer
  readonly issuedAt: Date
  readonly notAfter: Date
  readonly how: 'counter' | 'signature'
  readonly office: OfficeId | null
  readonly revokedAt: Date | null
  readonly reason: RevocationReason | null
}

const certificateColumns =
  'serial, person, der, issued_at as "issuedAt", not_after as "notAfter", how, office, revoked_at as "revokedAt", reason'

/** Keeps a new certificate; false where its key has one already. */
export async function addCertificate(
  tx: Tx,
  c: Omit<CertificateRow, 'revokedAt' | 'reason'> & { readonly keyHash: Buffer; readonly seenBy: PersonId | null },
): Promise<boolean> {
  const fresh = await queryIn(
    tx,
    `insert into signing_certificate (serial, person, der, key_hash, issued_at, not_after, how, seen_by, office)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (key_hash) do nothing returning serial`,
    [c.serial, c.person, c.der, c.keyHash, c.issuedAt, c.notAfter, c.how, c.seenBy, c.office],
  )
  return fresh.length > 0
}

/** A person's certificates, the newest first. */
export const certificatesOf = (on: On, person: PersonId): Promise<CertificateRow[]> =>
  queryIn<CertificateRow>(
    on,
    `select ${certificateColumns} from signing_certificate where person = $1 order by issued_at desc, serial limit 50`,
    [person],
  )

/** One certificate; null for a serial that was not given here. */
export async function certificateBy(on: On, serial: string): Promise<CertificateRow | null> {
  const [row] = await queryIn<CertificateRow>(on, `select ${certificateColumns} from signing_certificate where serial = $1`, [serial])
  return row ?? null
}

/** Whether certificates were issued here and are revoked. Serials that were not given are left out. */
export const statesOf = (
  on: On,
  serials: readonly string[],
): Promise<{ readonly serial: string; readonly revokedAt: Date | null; readonly reason: RevocationReason | null }[]> =>
  queryIn(on, 'select serial, revoked_at as "revokedAt", reason from signing_certificate where serial = any($1)', [serials], 'states-of')

/** Revokes; false where it was revoked before, or was never given. */
export async function revoke(tx: Tx, serial: string, reason: RevocationReason, at: Date): Promise<boolean> {
  const done = await queryIn(
    tx,
    'update signing_certificate set revoked_at = $3, reason = $2 where serial = $1 and revoked_at is null returning serial',
    [serial, reason, at],
  )
  return done.length > 0
}

/** What a list names at an instant: what is revoked and would else still be valid. */
export const revokedAt = (on: On, at: Date): Promise<Revoked[]> =>
  queryIn<Revoked>(
    on,
    'select serial, revoked_at as at, reason from signing_certificate where revoked_at is not null and not_after > $1 order by revoked_at, serial',
    [at],
  )

/** A request that waits. */
export type RequestRow = {
  readonly person: PersonId
  readonly code: string
  readonly request: Buffer
  readonly statement: Buffer
  readonly askedAt: Date
  readonly expiresAt: Date
}

const requestColumns = 'person, code, request, statement, asked_at as "askedAt", expires_at as "expiresAt"'

/** Keeps a request in the place of an older one of the same person. */
export async function keepRequest(tx: Tx, r: RequestRow): Promise<void> {
  await queryIn(
    tx,
    `insert into signing_request (person, code, request, statement, asked_at, expires_at) values ($1, $2, $3, $4, $5, $6)
      on conflict (person) do update set code = $2, request = $3, statement = $4, asked_at = $5, expires_at = $6`,
    [r.person, r.code, r.request, r.statement, r.askedAt, r.expiresAt],
  )
}

/** A person's request, locked in a transaction that will answer it. */
export async function requestOf(on: On, person: PersonId, at: Date, lock = false): Promise<RequestRow | null> {
  const [row] = await queryIn<RequestRow>(
    on,
    `select ${requestColumns} from signing_request where person = $1 and expires_at > $2${lock ? ' for update' : ''}`,
    [person, at],
  )
  return row ?? null
}

/** The request of a code. */
export async function requestBy(on: On, code: string, at: Date): Promise<RequestRow | null> {
  const [row] = await queryIn<RequestRow>(on, `select ${requestColumns} from signing_request where code = $1 and expires_at > $2`, [
    code,
    at,
  ])
  return row ?? null
}

export async function endRequest(on: On, person: PersonId): Promise<void> {
  await queryIn(on, 'delete from signing_request where person = $1', [person])
}

/** Forgets requests that nobody answered in time. */
export async function tidy(on: On, at: Date): Promise<void> {
  await queryIn(on, 'delete from signing_request where expires_at <= $1', [at])
}

/** The newest list. */
export async function newestList(on: On): Promise<{ readonly der: Buffer; readonly thisUpdate: Date; readonly nextUpdate: Date } | null> {
  const [row] = await queryIn<{ der: Buffer; thisUpdate: Date; nextUpdate: Date }>(
    on,
    'select der, this_update as "thisUpdate", next_update as "nextUpdate" from signing_list order by number desc limit 1',
  )
  return row ?? null
}

/** The next number of a list: numbers only grow, some are never used. */
export async function nextListNumber(on: On): Promise<number> {
  const [row] = await queryIn<{ n: string }>(on, "select nextval('signing_list_number') as n")
  return Number(row!.n)
}

/** Keeps a list; older ones go. */
export async function keepList(on: On, number: number, der: Buffer, thisUpdate: Date, nextUpdate: Date): Promise<void> {
  await queryIn(on, 'insert into signing_list (number, der, this_update, next_update) values ($1, $2, $3, $4)', [
    number,
    der,
    thisUpdate,
    nextUpdate,
  ])
  await queryIn(on, 'delete from signing_list where number < $1', [number - 3])
}
