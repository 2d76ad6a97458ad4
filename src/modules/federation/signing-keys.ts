/** The keys that tokens are signed with, and their succession. */
import { createPrivateKey, generateKeyPair, type JsonWebKey } from 'node:crypto'
import { promisify } from 'node:util'
import type { Db } from '#db'
import { randomId } from '#kernel/id'
import { type Clock, dayMs } from '#kernel/time'
import type { Keys } from '#keys'
import * as store from './store.ts'

const makeKeyPair = promisify(generateKeyPair)

/** A key signs for so long, then the next takes its place. */
const servesMs = 90 * dayMs
/** A new key is published for a day before it signs, so that whoever keeps a copy of the list has it by then; an old one for a day after: its last tokens and the sessions begun by them are over. */
const knownBeforeMs = dayMs
const knownAfterMs = dayMs

/** The succession of keys, one pair of each algorithm at a time. They lie in the database, sealed with a key of the installation, so that every process signs with the same. */
export function signingKeys({ db, clock, keys }: { db: Db; clock: Clock; keys: Pick<Keys, 'secret' | 'encrypt' | 'decrypt'> }) {
  const sealing = keys.secret('federation/signing-keys')
  const place = (kid: string) => `federation_key/${kid}`

  /** A key of each algorithm: ES256 is small and quick, RS256 is the one that every client can verify (OpenID Connect Core, 15.1). */
  async function make(signsFrom: Date): Promise<store.KeyRow[]> {
    const pairs = await Promise.all([
      makeKeyPair('ec', { namedCurve: 'P-256' }).then((pair) => ({ alg: 'ES256' as const, pair })),
      makeKeyPair('rsa', { modulusLength: 2048 }).then((pair) => ({ alg: 'RS256' as const, pair })),
    ])
    return pairs.map(({ alg, pair }) => {
      const kid = randomId(12)
      const der = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
      return { kid, alg, box: keys.encrypt(sealing, der, place(kid)), made_at: clock.now(), signs_from: signsFrom, ends_at: null }
    })
  }

  async function succeed(signsFrom: Date, unless: (living: readonly store.KeyRow[]) => boolean): Promise<boolean> {
    if (unless(await store.livingKeys(db, clock.now()))) return false
    // Outside the transaction: a pair takes a tenth of a second.
    const made = await make(signsFrom)
    return db.tx(async (tx) => {
      await store.lockKeys(tx)
      const now = clock.now()
      const living = await store.livingKeys(tx, now)
      if (unless(living)) return false
      await store.endKeys(
        tx,
        living.map((k) => k.kid),
        new Date(signsFrom.getTime() + knownAfterMs),
      )
      for (const key of made) await store.addKey(tx, key)
      await store.dropKeys(tx, now)
      return true
    })
  }

  return {
    /** The published keys as JWKs with their private half, those that sign first. Makes the first ones. */
    async published(): Promise<JsonWebKey[]> {
      let living = await store.livingKeys(db, clock.now())
      if (living.length === 0) {
        await succeed(clock.now(), (found) => found.length > 0)
        living = await store.livingKeys(db, clock.now())
      }
      const now = clock.now()
      const signs = (k: store.KeyRow) => k.signs_from <= now
      return [...living.filter(signs), ...living.filter((k) => !signs(k))].map(({ kid, alg, box }) => ({
        ...createPrivateKey({ key: keys.decrypt(sealing, box, place(kid)), format: 'der', type: 'pkcs8' }).export({ format: 'jwk' }),
        kid,
        alg,
        use: 'sig',
      }))
    },
    /** Makes the next keys when the newest have served their time. */
    async renew(): Promise<void> {
      const now = clock.now()
      const old = new Date(now.getTime() - servesMs)
      await succeed(new Date(now.getTime() + knownBeforeMs), (living) => living.length === 0 || living[0]!.made_at > old)
    },
    /** Makes keys that sign from now on: when others may know the old ones, or somebody wants to see it done. */
    async replace(): Promise<void> {
      await succeed(clock.now(), () => false)
    },
  }
}
