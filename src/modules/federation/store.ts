/** Every SQL statement of this module. Decides nothing. */
import { type Db, queryIn, type Tx } from '#db'
import type { PersonId } from '#kernel/id'

type On = Db | Tx

// ── What the protocol keeps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A row of what the protocol keeps; hashes are SHA-256. */
export type Artifact = {
  readonly kind: string
  readonly id_hash: Buffer
  readonly box: Buffer
  readonly grant_hash: Buffer | null
  readonly uid_hash: Buffer | null
  readonly person: string | null
  readonly client: string | null
  readonly portal_session: string | null
  readonly expires_at: Date
}

/** What is found again of a row. */
export type Kept = Pick<Artifact, 'id_hash' | 'box' | 'person'> & { readonly consumed_at: Date | null }

/** Keeps or replaces. A session keeps the portal's session that it began in, unless it is told another. */
export async function putArtifact(on: On, a: Artifact): Promise<void> {
  await queryIn(
    on,
    `insert into federation_artifact (kind, id_hash, box, grant_hash, uid_hash, person, client, portal_session, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (kind, id_hash) do update set box = excluded.box, grant_hash = excluded.grant_hash, uid_hash = excluded.uid_hash, person = excluded.person,
       client = excluded.client, portal_session = coalesce(excluded.portal_session, federation_artifact.portal_session), expires_at = excluded.expires_at`,
    [a.kind, a.id_hash, a.box, a.grant_hash, a.uid_hash, a.person, a.client, a.portal_session, a.expires_at],
    'federation-put-artifact',
  )
}

/** Keeps what must be new; false when it is there already and not over. */
export async function addArtifact(on: On, a: Artifact, now: Date): Promise<boolean> {
  const rows = await queryIn(
    on,
    `insert into federation_artifact (kind, id_hash, box, expires_at) values ($1, $2, $3, $4)
     on conflict (kind, id_hash) do update set expires_at = excluded.expires_at where federation_artifact.expires_at <= $5 returning 1`,
    [a.kind, a.id_hash, a.box, a.expires_at, now],
    'federation-add-artifact',
  )
  return rows.length > 0
}

export async function findArtifact(on: On, kind: string, idHash: Buffer, now: Date): Promise<Kept | null> {
  const rows = await queryIn<Kept>(
    on,
    'select id_hash, box, person, consumed_at from federation_artifact where kind = $1 and id_hash = $2 and expires_at > $3',
    [kind, idHash, now],
    'federation-find-artifact',
  )
  return rows[0] ?? null
}

export async function findByUid(on: On, kind: string, uidHash: Buffer, now: Date): Promise<Kept | null> {
  const rows = await queryIn<Kept>(
    on,
    'select id_hash, box, person, consumed_at from federation_artifact where uid_hash = $2 and kind = $1 and expires_at > $3',
    [kind, uidHash, now],
    'federation-find-by-uid',
  )
  return rows[0] ?? null
}

/** Marks as used; false when somebody was first. */
export async function consume(on: On, kind: string, idHash: Buffer, now: Date): Promise<boolean> {
  const rows = await queryIn(
    on,
    'update federation_artifact set consumed_at = $3 where kind = $1 and id_hash = $2 and consumed_at is null returning 1',
    [kind, idHash, now],
    'federation-consume',
  )
  return rows.length > 0
}

export async function dropArtifact(on: On, kind: string, idHash: Buffer): Promise<void> {
  await queryIn(on, 'delete from federation_artifact where kind = $1 and id_hash = $2', [kind, idHash], 'federation-drop-artifact')
}

/** Forgets every token of a consent. */
export async function dropGrant(on: On, kind: string, grantHash: Buffer): Promise<void> {
  await queryIn(on, 'delete from federation_artifact where grant_hash = $2 and kind = $1', [kind, grantHash], 'federation-drop-grant')
}

/** Forgets a grant and every token of it. */
export async function dropGrantWhole(on: On, grantHash: Buffer): Promise<void> {
  await queryIn(on, 'delete from federation_artifact where grant_hash = $1', [grantHash])
  await dropArtifact(on, 'Grant', grantHash)
}

/** Forgets whatever a person's consent gave a client: grants, codes, tokens. */
export async function dropGiven(on: On, person: PersonId, client: string): Promise<void> {
  await queryIn(on, 'delete from federation_artifact where person = $1 and client = $2', [person, client])
}

/** The portal's session that a session of the protocol began in. */
export async function portalSessionOf(on: On, idHash: Buffer): Promise<string | null> {
  const rows = await queryIn<{ portal_session: string | null }>(
    on,
    `select portal_session from federation_artifact where kind = 'Session' and id_hash = $1`,
    [idHash],
    'federation-portal-session',
  )
  return rows[0]?.portal_session ?? null
}

/** The sessions of the protocol that began in this session of the portal. */
export function sessionsIn(on: On, portalSession: string, now: Date): Promise<Kept[]> {
  return queryIn<Kept>(
    on,
    `select id_hash, box, person, consumed_at from federation_artifact where portal_session = $1 and kind = 'Session' and expires_at > $2`,
    [portalSession, now],
  )
}

/** What began in one session of the portal goes on in the next of the same person. */
export async function moveSessions(on: On, from: string, to: string): Promise<void> {
  await queryIn(on, 'update federation_artifact set portal_session = $2 where portal_session = $1', [from, to])
}

/** Forgets what is over, at most so many rows at a time; how many they were. */
export async function dropExpired(on: On, now: Date, most: number): Promise<number> {
  const rows = await queryIn<{ n: number }>(
    on,
    `with over as (select kind, id_hash from federation_artifact where expires_at <= $1 order by expires_at limit $2 for update skip locked),
       gone as (delete from federation_artifact a using over where a.kind = over.kind and a.id_hash = over.id_hash returning 1)
     select count(*)::int as n from gone`,
    [now, most],
  )
  return rows[0]!.n
}

// ── Clients ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A system that signs people in by this portal. */
export type ClientRow = {
  readonly id: string
  readonly name: string
  readonly agency: string
  readonly redirect_uris: readonly string[]
  readonly post_logout_uris: readonly string[]
  readonly backchannel_logout_uri: string | null
  readonly scopes: readonly string[]
  readonly auth: 'private_key_jwt' | 'client_secret_basic' | 'none'
  readonly secret_hash: Buffer | null
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] } | null
  readonly dpop: boolean
  readonly id_token_alg: 'ES256' | 'RS256'
  readonly created_at: Date
  readonly disabled_at: Date | null
}

/** False when there is a client of this id. */
export async function addClient(on: On, c: ClientRow): Promise<boolean> {
  const rows = await queryIn(
    on,
    `insert into federation_client (id, name, agency, redirect_uris, post_logout_uris, backchannel_logout_uri, scopes, auth, secret_hash, jwks, dpop, id_token_alg,
       created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing returning 1`,
    [
      c.id,
      c.name,
      c.agency,
      c.redirect_uris,
      c.post_logout_uris,
      c.backchannel_logout_uri,
      c.scopes,
      c.auth,
      c.secret_hash,
      c.jwks && JSON.stringify(c.jwks),
      c.dpop,
      c.id_token_alg,
      c.created_at,
    ],
  )
  return rows.length > 0
}

export async function findClient(on: On, id: string): Promise<ClientRow | null> {
  return (await queryIn<ClientRow>(on, 'select * from federation_client where id = $1', [id], 'federation-find-client'))[0] ?? null
}

export function clients(on: On): Promise<ClientRow[]> {
  return queryIn<ClientRow>(on, 'select * from federation_client order by id')
}

/** False when there is none that lives. */
export async function disableClient(on: On, id: string, now: Date): Promise<boolean> {
  return (
    (await queryIn(on, 'update federation_client set disabled_at = $2 where id = $1 and disabled_at is null returning 1', [id, now]))
      .length > 0
  )
}

// ── Consents ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a person agreed that a client may know, with the client's words. */
export type ConsentRow = {
  readonly client: string
  readonly name: string
  readonly agency: string
  readonly scopes: readonly string[]
  readonly given_at: Date
}

export async function putConsent(on: On, person: PersonId, client: string, scopes: readonly string[], now: Date): Promise<void> {
  await queryIn(
    on,
    `insert into federation_consent (person, client, scopes, given_at) values ($1, $2, $3, $4)
     on conflict (person, client) do update set scopes = excluded.scopes, given_at = excluded.given_at`,
    [person, client, scopes, now],
  )
}

export async function findConsent(on: On, person: PersonId, client: string): Promise<readonly string[] | null> {
  const rows = await queryIn<{ scopes: string[] }>(
    on,
    'select scopes from federation_consent where person = $1 and client = $2',
    [person, client],
    'federation-find-consent',
  )
  return rows[0]?.scopes ?? null
}

export function consentsOf(on: On, person: PersonId): Promise<ConsentRow[]> {
  return queryIn<ConsentRow>(
    on,
    `select c.client, k.name, k.agency, c.scopes, c.given_at from federation_consent c join federation_client k on k.id = c.client
     where c.person = $1 order by c.given_at desc`,
    [person],
  )
}

export async function dropConsent(on: On, person: PersonId, client: string): Promise<void> {
  await queryIn(on, 'delete from federation_consent where person = $1 and client = $2', [person, client])
}

/** Deletes what hangs on a person: what they agreed to, the tokens of it, and how an outside provider knows them. */
export async function forget(tx: Tx, person: PersonId): Promise<void> {
  for (const table of ['federation_artifact', 'federation_consent', 'federation_link'])
    await queryIn(tx, `delete from ${table} where person = $1`, [person])
}

// ── Signing keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type KeyRow = {
  readonly kid: string
  readonly alg: 'ES256' | 'RS256'
  readonly box: Buffer
  readonly made_at: Date
  readonly signs_from: Date
  readonly ends_at: Date | null
}

/** Keys that are published, the newest first. */
export function livingKeys(on: On, now: Date): Promise<KeyRow[]> {
  return queryIn<KeyRow>(
    on,
    'select * from federation_key where ends_at is null or ends_at > $1 order by made_at desc, kid',
    [now],
    'federation-living-keys',
  )
}

/** Nobody else makes keys until the transaction ends. */
export async function lockKeys(tx: Tx): Promise<void> {
  await queryIn(tx, 'lock table federation_key in share row exclusive mode')
}

export async function addKey(tx: Tx, k: KeyRow): Promise<void> {
  await queryIn(tx, 'insert into federation_key (kid, alg, box, made_at, signs_from) values ($1, $2, $3, $4, $5)', [
    k.kid,
    k.alg,
    k.box,
    k.made_at,
    k.signs_from,
  ])
}

/** Says when keys that have no end yet stop being published. */
export async function endKeys(tx: Tx, kids: readonly string[], at: Date): Promise<void> {
  await queryIn(tx, 'update federation_key set ends_at = $2 where kid = any($1) and (ends_at is null or ends_at > $2)', [kids, at])
}

export async function dropKeys(tx: Tx, now: Date): Promise<void> {
  await queryIn(tx, 'delete from federation_key where ends_at <= $1', [now])
}

// ── The outside provider ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export async function findLink(on: On, issuer: string, subject: string): Promise<PersonId | null> {
  const rows = await queryIn<{ person: PersonId }>(on, 'select person from federation_link where issuer = $1 and subject = $2', [
    issuer,
    subject,
  ])
  return rows[0]?.person ?? null
}

/** False when that subject, or that person at this issuer, is linked already. */
export async function addLink(on: On, issuer: string, subject: string, person: PersonId, now: Date): Promise<boolean> {
  const rows = await queryIn(
    on,
    'insert into federation_link (issuer, subject, person, linked_at) values ($1, $2, $3, $4) on conflict do nothing returning 1',
    [issuer, subject, person, now],
  )
  return rows.length > 0
}

/** Since when the person is linked at this issuer; null when they are not. */
export async function linkedSince(on: On, person: PersonId, issuer: string): Promise<Date | null> {
  const rows = await queryIn<{ linked_at: Date }>(on, 'select linked_at from federation_link where person = $1 and issuer = $2', [
    person,
    issuer,
  ])
  return rows[0]?.linked_at ?? null
}

export async function dropLink(on: On, person: PersonId, issuer: string): Promise<void> {
  await queryIn(on, 'delete from federation_link where person = $1 and issuer = $2', [person, issuer])
}

/** How surely, and since when, an outside provider knew who began a session. */
export type OutsideSession = { readonly level: 1 | 2 | 3; readonly authenticated_at: Date }

export async function addOutsideSession(on: On, session: string, s: OutsideSession, endsAt: Date): Promise<void> {
  await queryIn(on, 'insert into federation_outside_session (session, level, authenticated_at, ends_at) values ($1, $2, $3, $4)', [
    session,
    s.level,
    s.authenticated_at,
    endsAt,
  ])
}

export async function outsideSession(on: On, session: string): Promise<OutsideSession | null> {
  const rows = await queryIn<OutsideSession>(
    on,
    'select level, authenticated_at from federation_outside_session where session = $1',
    [session],
    'federation-outside-session',
  )
  return rows[0] ?? null
}

export async function dropOutsideSessions(on: On, now: Date): Promise<void> {
  await queryIn(on, 'delete from federation_outside_session where ends_at <= $1', [now])
}
