/**
 * Hybrid public key encryption (RFC 9180), base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-GCM. The sender needs only the
 * receiver's public key and can not open what it sealed.
 *
 * X25519 keys go in and out as DER only: exporting one as JWK hangs in the Node versions we run.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'

const kemId = 0x0020
const kdfId = 0x0001
/** AES-256-GCM is ours; AES-128-GCM is here because the vectors of RFC 9180 use it. */
const aeads = { 'aes-128-gcm': { id: 0x0001, keyBytes: 16 }, 'aes-256-gcm': { id: 0x0002, keyBytes: 32 } } as const
type Aead = keyof typeof aeads

const encBytes = 32
const tagBytes = 16
const none = Buffer.alloc(0)

const u16 = (n: number) => Buffer.from([n >> 8, n & 255])
const kemSuite = Buffer.concat([Buffer.from('KEM'), u16(kemId)])
const suiteOf = (aead: Aead) => Buffer.concat([Buffer.from('HPKE'), u16(kemId), u16(kdfId), u16(aeads[aead].id)])

function extract(suite: Buffer, salt: Buffer, label: string, ikm: Buffer): Buffer {
  return createHmac('sha256', salt)
    .update(Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(label), ikm]))
    .digest()
}

function expand(suite: Buffer, prk: Buffer, label: string, info: Buffer, bytes: number): Buffer {
  const labeled = Buffer.concat([u16(bytes), Buffer.from('HPKE-v1'), suite, Buffer.from(label), info])
  // HKDF-Expand (RFC 5869, 2.3) of at most 32 bytes is its first block.
  return createHmac('sha256', prk)
    .update(labeled)
    .update(Buffer.from([1]))
    .digest()
    .subarray(0, bytes)
}

/** The 32 bytes of an X25519 public key: the end of its DER. */
function rawPublic(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-encBytes)
}

function publicFromRaw(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), raw]), format: 'der', type: 'spki' })
}

/** The key and nonce of the first message (RFC 9180, 4.1 and 5.1). */
function schedule(aead: Aead, dh: Buffer, enc: Buffer, receiver: Buffer, info: Buffer): { key: Buffer; nonce: Buffer } {
  const suite = suiteOf(aead)
  const shared = expand(kemSuite, extract(kemSuite, none, 'eae_prk', dh), 'shared_secret', Buffer.concat([enc, receiver]), 32)
  const context = Buffer.concat([Buffer.from([0]), extract(suite, none, 'psk_id_hash', none), extract(suite, none, 'info_hash', info)])
  const secret = extract(suite, shared, 'secret', none)
  return { key: expand(suite, secret, 'key', context, aeads[aead].keyBytes), nonce: expand(suite, secret, 'base_nonce', context, 12) }
}

type Words = { info: Buffer; aad: Buffer; aead?: Aead }

/** Seals `plain` for the owner of `receiver` (X25519): 32 bytes of encapsulated key, the ciphertext, 16 bytes of tag. `ephemeral` is for vectors only. */
export function hpkeSeal(receiver: KeyObject, plain: Buffer, { info, aad, aead = 'aes-256-gcm' }: Words, ephemeral?: KeyObject): Buffer {
  const own = ephemeral ?? generateKeyPairSync('x25519').privateKey
  const enc = rawPublic(createPublicKey(own))
  const dh = diffieHellman({ privateKey: own, publicKey: receiver })
  const { key, nonce } = schedule(aead, dh, enc, rawPublic(receiver), info)
  const cipher = createCipheriv(aead, key, nonce).setAAD(aad)
  return Buffer.concat([enc, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Opens what `hpkeSeal` made. Throws when the box was sealed for another, for other words, or was changed. */
export function hpkeOpen(receiver: KeyObject, box: Buffer, { info, aad, aead = 'aes-256-gcm' }: Words): Buffer {
  if (box.length < encBytes + tagBytes) throw new Error('This is too short to be a sealed message.')
  const enc = box.subarray(0, encBytes)
  const dh = diffieHellman({ privateKey: receiver, publicKey: publicFromRaw(enc) })
  const { key, nonce } = schedule(aead, dh, enc, rawPublic(createPublicKey(receiver)), info)
  const cipher = createDecipheriv(aead, key, nonce).setAAD(aad).setAuthTag(box.subarray(-tagBytes))
  return Buffer.concat([cipher.update(box.subarray(encBytes, -tagBytes)), cipher.final()])
}

/** The X25519 private key of these 32 bytes. */
export function x25519Private(raw: Buffer): KeyObject {
  return createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), raw]),
    format: 'der',
    type: 'pkcs8',
  })
}
