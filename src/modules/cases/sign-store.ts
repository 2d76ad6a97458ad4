/** SQL of steps that people sign: see sign.ts. */
import { type Db, queryIn, type Tx } from '#db'
import type { CaseId } from '#kernel/id'
import type { PlainDate } from '#kernel/time'
import type { Level } from '#signing'

/** A step that is being signed, or was: its statement sealed. `opened` is the instant at which the steps opened it, as they write it. */
export type SigningRow = {
  readonly place: string
  readonly caseId: CaseId
  readonly step: string
  readonly opened: string
  readonly statement: Buffer
  /** The last day on which signatures are taken. */
  readonly until: PlainDate
}

/** One who signs. `n` counts from 1 in the order of the list. */
export type SignerRow = {
  readonly n: number
  readonly sealed: Buffer
  readonly invitedAt: Date | null
  readonly declinedAt: Date | null
  readonly signedAt: Date | null
  readonly signature: Buffer | null
  readonly level: Level | null
}

type Key = Pick<SigningRow, 'place' | 'caseId' | 'step' | 'opened'>

/** Notes that a step is being signed, with its signers. Where it was noted before only its last day may become later, and false comes back. */
export async function insertSigning(tx: Tx, row: SigningRow, signers: readonly Buffer[]): Promise<boolean> {
  const made = await queryIn<{ fresh: boolean }>(
    tx,
    `insert into cases_signing (place, case_id, step, opened, statement, until) values ($1, $2, $3, $4, $5, $6)
      on conflict (place, case_id, step, opened) do update set until = greatest(cases_signing.until, excluded.until) returning xmax = 0 as fresh`,
    [row.place, row.caseId, row.step, row.opened, row.statement, row.until],
  )
  if (!made[0]!.fresh) return false
  await queryIn(
    tx,
    `insert into cases_signer (place, case_id, step, opened, n, sealed)
      select $1, $2, $3, $4, s.n, s.sealed from unnest($5::bytea[]) with ordinality as s (sealed, n)`,
    [row.place, row.caseId, row.step, row.opened, signers],
  )
  return true
}

/** The newest signing of a case, or that of one step; null where nothing was ever to be signed. */
export async function signingOf(on: Db | Tx, c: { place: string; id: CaseId }, step: string | null = null): Promise<SigningRow | null> {
  const [row] = await queryIn<SigningRow>(
    on,
    `select place, case_id as "caseId", step, opened, statement, until::text from cases_signing
      where place = $1 and case_id = $2 and ($3::text is null or step = $3) order by opened desc limit 1`,
    [c.place, c.id, step],
  )
  return row ?? null
}

/** Who signs, in the order of the list. */
export async function signersOf(on: Db | Tx, key: Key): Promise<SignerRow[]> {
  return queryIn<SignerRow>(
    on,
    `select n, sealed, invited_at as "invitedAt", declined_at as "declinedAt", signed_at as "signedAt", signature, level
      from cases_signer where place = $1 and case_id = $2 and step = $3 and opened = $4 order by n`,
    [key.place, key.caseId, key.step, key.opened],
  )
}

/** Whose invitation this is; null for a secret that is none, or no more. */
export async function signerByToken(on: Db | Tx, tokenHash: Buffer): Promise<(Key & { readonly n: number }) | null> {
  const [row] = await queryIn<Key & { n: number }>(
    on,
    'select place, case_id as "caseId", step, opened, n from cases_signer where token_hash = $1',
    [tokenHash],
  )
  return row ?? null
}

/** Notes an invitation; an older one of the same signer holds no more. */
export async function noteInvited(tx: Tx, key: Key, n: number, tokenHash: Buffer, at: Date): Promise<void> {
  await queryIn(
    tx,
    'update cases_signer set token_hash = $6, invited_at = $7, declined_at = null where place = $1 and case_id = $2 and step = $3 and opened = $4 and n = $5',
    [key.place, key.caseId, key.step, key.opened, n, tokenHash, at],
  )
}

/** Notes that somebody will not sign. */
export async function noteDeclined(tx: Tx, key: Key, n: number, at: Date): Promise<void> {
  await queryIn(
    tx,
    'update cases_signer set declined_at = $6, token_hash = null where place = $1 and case_id = $2 and step = $3 and opened = $4 and n = $5',
    [key.place, key.caseId, key.step, key.opened, n, at],
  )
}

/** Keeps a signature, or one raised to a higher level in its place. */
export async function keepSignature(
  tx: Tx,
  key: Key,
  n: number,
  kept: { readonly signature: Buffer; readonly level: Level; readonly at: Date },
): Promise<void> {
  await queryIn(
    tx,
    `update cases_signer set signature = $6, level = $7, signed_at = coalesce(signed_at, $8), declined_at = null
      where place = $1 and case_id = $2 and step = $3 and opened = $4 and n = $5`,
    [key.place, key.caseId, key.step, key.opened, n, kept.signature, kept.level, kept.at],
  )
}

/** Deletes what was signed in a case. */
export async function forget(tx: Tx, c: { readonly place: string; readonly id: CaseId }): Promise<void> {
  await queryIn(tx, 'delete from cases_signer where place = $1 and case_id = $2', [c.place, c.id])
  await queryIn(tx, 'delete from cases_signing where place = $1 and case_id = $2', [c.place, c.id])
}
