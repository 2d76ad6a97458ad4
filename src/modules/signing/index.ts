/** The portal's own seal on bytes. README.md says what it proves and what comes later. */
import { createHash, sign, verify } from 'node:crypto'
import type { Keys } from '#keys'
import type { Web } from '#web'
import { registerSigner } from './signer-pages.ts'

export { signerHashes } from './signer-pages.ts'
export { type RequestPanelOptions, requestFields, requestPanel, type SignPanelOptions, signFields, signPanel } from './views.ts'

export type SigningDeps = {
  readonly keys: Pick<Keys, 'sealSigner'>
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
  /** Adds `/seal/key`, and the offline signer under `/signer` and `/signer.html`. */
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
export function openSigning({ keys }: SigningDeps): Signing {
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

    register(web) {
      registerSigner(web)
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
