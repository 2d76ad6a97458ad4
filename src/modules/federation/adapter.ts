/** What the protocol's library keeps, over PostgreSQL: tokens by their hash, their contents sealed. */
import { createHash } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Db } from '#db'
import type { Clock } from '#kernel/time'
import type { Keys } from '#keys'
import * as store from './store.ts'

export const hashOf = (id: string): Buffer => createHash('sha256').update(id).digest()

/** What is forgotten together when a consent ends. */
const ofGrant = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken'])
const ofPerson = new Set([...ofGrant, 'Grant'])

export type Vault = ReturnType<typeof vault>

/** Seals and opens what belongs to a row; moved to another row it does not open. */
export function vault(keys: Pick<Keys, 'secret' | 'encrypt' | 'decrypt'>) {
  const key = keys.secret('federation/artifacts')
  const place = (kind: string, idHash: Buffer) => `federation_artifact/${kind}/${idHash.toString('base64url')}`
  return {
    seal: (kind: string, idHash: Buffer, payload: object) => keys.encrypt(key, Buffer.from(JSON.stringify(payload)), place(kind, idHash)),
    open: <T = AdapterPayload>(kind: string, row: Pick<store.Kept, 'id_hash' | 'box'>) =>
      JSON.parse(keys.decrypt(key, row.box, place(kind, row.id_hash)).toString()) as T,
  }
}

/** What an adapter needs beside the database. */
export type AdapterDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly vault: Vault
  /** The session of the portal that the request under way came with. */
  readonly portalSession: () => string | null
  /** What the library answers to a code or token that another request used first, and to a proof that came before. */
  readonly refusals: { readonly usedBefore: () => Error }
  readonly client: (id: string) => Promise<AdapterPayload | undefined>
}

/** The library's store for one kind of thing. */
export function adapterOf(deps: AdapterDeps, kind: string): Adapter {
  const { db, clock, vault } = deps
  const payloadOf = (row: store.Kept | null) =>
    row ? { ...vault.open(kind, row), ...(row.consumed_at ? { consumed: Math.floor(row.consumed_at.getTime() / 1000) } : {}) } : undefined

  return {
    async upsert(id, payload, expiresIn) {
      const id_hash = hashOf(id)
      const { grantId, uid, accountId, clientId } = payload
      const row: store.Artifact = {
        kind,
        id_hash,
        box: vault.seal(kind, id_hash, payload),
        grant_hash: ofGrant.has(kind) && grantId ? hashOf(grantId) : null,
        uid_hash: kind === 'Session' && uid ? hashOf(uid) : null,
        person: ofPerson.has(kind) && accountId ? accountId : null,
        client: ofPerson.has(kind) && clientId ? clientId : null,
        portal_session: kind === 'Session' && accountId ? deps.portalSession() : null,
        expires_at: new Date(clock.now().getTime() + (expiresIn ?? 0) * 1000),
      }
      // Of two requests with the same proof one is a replay, also when both looked before either had written.
      if (kind !== 'ReplayDetection') await store.putArtifact(db, row)
      else if (!(await store.addArtifact(db, row, clock.now()))) throw deps.refusals.usedBefore()
    },
    async find(id) {
      return kind === 'Client' ? deps.client(id) : payloadOf(await store.findArtifact(db, kind, hashOf(id), clock.now()))
    },
    async findByUid(uid) {
      return payloadOf(await store.findByUid(db, kind, hashOf(uid), clock.now()))
    },
    // The flow of codes typed on another device is not offered.
    findByUserCode: async () => undefined,
    async consume(id) {
      // The library looks first and marks then; of two that looked together the second is told here.
      if (!(await store.consume(db, kind, hashOf(id), clock.now()))) throw deps.refusals.usedBefore()
    },
    destroy: (id) => store.dropArtifact(db, kind, hashOf(id)),
    revokeByGrantId: (grantId) => store.dropGrant(db, kind, hashOf(grantId)),
  }
}
