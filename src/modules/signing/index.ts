/** The portal's own seal on bytes, and signatures of persons. README.md says what each proves. */
import { createHash, sign, verify } from 'node:crypto'
import type { Db } from '#db'
import { type Clock, minuteStamp } from '#kernel/time'
import type { Keys } from '#keys'
import type { PublicLog } from '#publiclog'
import type { Web } from '#web'
import { type TakenSignature, takeSignature } from './signatures.ts'
import { registerSigner, signerHashes } from './signer-pages.ts'
import { noteSigner } from './store.ts'
import type { TrustFolder } from './trust.ts'
import { registerVerify } from './verify-pages.ts'

export { largestSignature as mostSignatureBytes } from './cms.ts'
export { joinTrust, reasonWords, type TakenSignature } from './signatures.ts'
export { readTrustFolder, type TrustFolder } from './trust.ts'
export type { Level } from './verdict.ts'
export { signFields, signPanel } from './views.ts'
export { type Statement, statementText } from './wording.ts'

export type SigningDeps = {
  readonly keys: Pick<Keys, 'sealSigner'>
  /** Who may vouch for signers, and what is known of revocations. */
  readonly trust: TrustFolder
  readonly clock: Clock
  readonly db: Db
  readonly publiclog: Pick<PublicLog, 'append'>
}

export interface Signing {
  /** Names the key: the first 16 hex digits of SHA-256 over its SubjectPublicKeyInfo. */
  readonly keyId: string
  /**
   * Seals bytes for one purpose: `v1.<key id>.<purpose>.<signature>`, which can stand in a URL. The same bytes sealed for another purpose have another seal,
   * so a seal on a receipt never passes as one on a decision. Throws RangeError for a purpose that is not `[a-z0-9-]{1,40}`.
   */
  seal(bytes: Buffer, purpose: string): { seal: string }
  /** Whether the seal is ours, on exactly these bytes, for this purpose. Never throws. */
  checkSeal(bytes: Buffer, seal: string, purpose: string): boolean
  /**
   * Takes a person's signature (CMS, DER or PEM) over exactly `content`: checked against the trust list for `at`. Refuses with `signing/refused`, a field for each reason.
   */
  take(given: { readonly content: Buffer; readonly signature: Buffer; readonly at: Date }): Promise<TakenSignature>
  /**
   * Puts the digests of what signs on our pages and of the offline signer into the public log (`numbers.released`, sets `signer/script` and `signer/offline`), each once: for a
   * process that serves pages, once they are built.
   */
  publishSigner(): Promise<void>
  /** Adds `/seal/key`, `/signature`, where anybody has a signature checked, and the offline signer under `/signer` and `/signer.html`. */
  register(web: Web): void
}

const purposes = /^[a-z0-9-]{1,40}$/

/**
 * What is signed: a fixed name, the purpose and SHA-512 of the bytes. No purpose holds a zero byte, so no two (purpose, bytes) give the same text; no other
 * signature of this system begins with this name.
 */
function statement(bytes: Buffer, purpose: string): Buffer {
  return Buffer.concat([Buffer.from(`ventanilla-seal-v1\0${purpose}\0`), createHash('sha512').update(bytes).digest()])
}

/** Opens the signing module. */
export function openSigning({ keys, trust, clock, db, publiclog }: SigningDeps): Signing {
  const { privateKey, publicKey } = keys.sealSigner
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const keyId = createHash('sha256').update(spki).digest('hex').slice(0, 16)

  return {
    keyId,

    seal(bytes, purpose) {
      if (!purposes.test(purpose)) throw new RangeError(`${purpose} is no purpose of a seal.`)
      return { seal: `v1.${keyId}.${purpose}.${sign(null, statement(bytes, purpose), privateKey).toString('base64url')}` }
    },

    checkSeal(bytes, seal, purpose) {
      const parts = seal.length > 250 ? [] : seal.split('.')
      const [version, id, forPurpose, signature] = parts
      if (parts.length !== 4 || version !== 'v1' || id !== keyId || forPurpose !== purpose || !purposes.test(purpose)) return false
      if (!/^[\w-]{86}$/.test(signature!)) return false
      const given = Buffer.from(signature!, 'base64url')
      // One spelling for one signature: the last character carries bits that do not count.
      return given.toString('base64url') === signature && verify(null, statement(bytes, purpose), publicKey, given)
    },

    publishSigner: () =>
      db.tx(async (tx) => {
        const at = clock.now()
        for (const [file, sha256] of Object.entries(signerHashes()) as ['script' | 'offline', string][])
          if (await noteSigner(tx, file, sha256, at))
            await publiclog.append(tx, [
              { v: 1, type: 'numbers.released', at: minuteStamp(at), set: `signer/${file}`, period: minuteStamp(at).slice(0, 10), sha256 },
            ])
      }),

    take: async (given) => takeSignature(trust, given),

    register(web) {
      registerSigner(web)
      registerVerify(web, { trust, now: () => clock.now() })
      web.route({
        method: 'GET',
        url: '/seal/key',
        access: 'public',
        schema: {},
        handler: (_request, reply) => {
          reply.type('application/x-pem-file').header('cache-control', 'public, max-age=3600')
          return publicKey.export({ type: 'spki', format: 'pem' })
        },
      })
    },
  }
}
