/** Which mathematics we accept, from their identifiers, and whether a signature is one of a key. One table each: what is not in it is refused. */
import { constants, createPublicKey, hash as digestOf, type KeyObject, verify } from 'node:crypto'
import { children, DerFault, expect, integerBytes, readBits, readOid, readSmall, readWhole, tags, type Value, wholeOf } from './der.ts'
import type { ReasonCode } from './verdict.ts'

/** The hashes we accept, as node:crypto names them. */
export type Hash = 'sha256' | 'sha384' | 'sha512'

const hashes: Readonly<Record<string, Hash | 'weak-hash'>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'weak-hash',
  '1.3.14.3.2.26': 'weak-hash',
  '1.2.840.113549.2.5': 'weak-hash',
  '1.2.840.113549.2.4': 'weak-hash',
  '1.2.840.113549.2.2': 'weak-hash',
}

/** How many bytes a hash gives. */
export const hashBytes: Readonly<Record<Hash, number>> = { sha256: 32, sha384: 48, sha512: 64 }

/** How a signature is made. `hash` is null where whoever names the algorithm names the hash beside it (CMS), or the algorithm has its own (Ed25519). */
export type SignatureAlgorithm = {
  readonly family: 'rsa' | 'pss' | 'ecdsa' | 'ed25519'
  readonly hash: Hash | null
  readonly saltBytes?: number
}

const rsa = (hash: Hash | null): SignatureAlgorithm => ({ family: 'rsa', hash })
const ecdsa = (hash: Hash): SignatureAlgorithm => ({ family: 'ecdsa', hash })
const pss = '1.2.840.113549.1.1.10'
const algorithms: Readonly<Record<string, SignatureAlgorithm | 'weak-hash'>> = {
  '1.2.840.113549.1.1.1': rsa(null),
  '1.2.840.113549.1.1.11': rsa('sha256'),
  '1.2.840.113549.1.1.12': rsa('sha384'),
  '1.2.840.113549.1.1.13': rsa('sha512'),
  '1.2.840.113549.1.1.14': 'weak-hash',
  '1.2.840.113549.1.1.5': 'weak-hash',
  '1.2.840.113549.1.1.4': 'weak-hash',
  '1.2.840.113549.1.1.2': 'weak-hash',
  '1.3.14.3.2.29': 'weak-hash',
  '1.2.840.10045.4.1': 'weak-hash',
  '1.2.840.10045.4.3.1': 'weak-hash',
  '1.2.840.10045.4.3.2': ecdsa('sha256'),
  '1.2.840.10045.4.3.3': ecdsa('sha384'),
  '1.2.840.10045.4.3.4': ecdsa('sha512'),
  '1.3.101.112': { family: 'ed25519', hash: null },
}

/** Identifier and parameters of an AlgorithmIdentifier. Throws `DerFault`. */
function partsOf(value: Value | undefined): { oid: string; parameters: Value | undefined } {
  const [oid, parameters, more] = children(expect(value, tags.sequence))
  if (more) throw new DerFault(`At ${more.start} an algorithm goes on.`)
  return { oid: readOid(oid), parameters }
}

const isNull = (value: Value | undefined) => value === undefined || (value.tag === tags.nil && value.from === value.to)

/** The hash of an AlgorithmIdentifier, or why it is refused. Throws `DerFault` for what is none. */
export function readHash(value: Value | undefined): Hash | ReasonCode {
  const { oid, parameters } = partsOf(value)
  return isNull(parameters) ? (hashes[oid] ?? 'unsupported') : 'unsupported'
}

/** The signature algorithm of an AlgorithmIdentifier, or why it is refused. Throws `DerFault` for what is none. */
export function readAlgorithm(value: Value | undefined): SignatureAlgorithm | ReasonCode {
  const { oid, parameters } = partsOf(value)
  if (oid === pss) return readPss(parameters)
  const found = algorithms[oid]
  if (found === undefined) return 'unsupported'
  // RFC 4055, 5: of RSA the parameters are NULL or absent; RFC 5758, 3.2 and RFC 8410, 3: of the others absent.
  return found === 'weak-hash' || (found.family === 'rsa' ? isNull(parameters) : parameters === undefined) ? found : 'unsupported'
}

/** RFC 4055, 3.1: the hash, MGF1 with the same hash, and the salt. What is left out is SHA-1. */
function readPss(parameters: Value | undefined): SignatureAlgorithm | ReasonCode {
  if (parameters === undefined) return 'weak-hash'
  const fields = new Map<number, Value>()
  for (const field of children(expect(parameters, tags.sequence))) {
    const [inner, more] = children(field)
    if (!inner || more || fields.has(field.tag)) throw new DerFault(`At ${field.start} stand no parameters of RSASSA-PSS.`)
    fields.set(field.tag, inner)
  }
  const [given, mask, salt, trailer] = [0xa0, 0xa1, 0xa2, 0xa3].map((tag) => fields.get(tag))
  if (!given || !mask) return 'weak-hash'
  const hash = readHash(given)
  if (!(hash in hashBytes)) return hash as ReasonCode
  const generator = partsOf(mask)
  if (generator.oid !== '1.2.840.113549.1.1.8' || readHash(generator.parameters) !== hash) return 'unsupported'
  const saltBytes = salt ? readSmall(salt) : 20
  if (fields.size > (trailer ? 4 : 3) || (trailer && readSmall(trailer) !== 1) || saltBytes > 1024) return 'unsupported'
  return { family: 'pss', hash: hash as Hash, saltBytes }
}

/** What kind of key a certificate is for, and whether we accept it. */
export type KeyKind = {
  /** `rsa` with its bits, `P-256` …; what we do not know is named by its identifier. */
  readonly name: string
  readonly family: 'rsa' | 'ec' | 'ed25519' | null
  /** Of RSA the bits of the modulus. */
  readonly bits: number
  /** Why no signature of this key is accepted; null where it is. */
  readonly fault: ReasonCode | null
}

const curves: Readonly<Record<string, { name: string; bits: number }>> = {
  '1.2.840.10045.3.1.7': { name: 'P-256', bits: 256 },
  '1.3.132.0.34': { name: 'P-384', bits: 384 },
  '1.3.132.0.35': { name: 'P-521', bits: 521 },
}

/** The kind of a SubjectPublicKeyInfo. Throws `DerFault` for what is none. */
export function readKeyKind(spki: Value): KeyKind {
  const [algorithm, key] = children(expect(spki, tags.sequence))
  const { oid, parameters } = partsOf(algorithm)
  const bytes = readBits(key)
  if (oid === '1.2.840.113549.1.1.1' || oid === pss) {
    const [modulus, exponent] = children(expect(readWhole(bytes), tags.sequence))
    const n = integerBytes(modulus)
    const e = integerBytes(exponent)
    if (n[0]! >= 0x80 || e[0]! >= 0x80) throw new DerFault('A number of an RSA key is negative.')
    const from = n[0] === 0 ? 1 : 0
    const bits = n.length === from ? 0 : (n.length - from) * 8 - Math.clz32(n[from]!) + 24
    // A large exponent makes one check cost a thousand; an even modulus or exponent, or 1, is no key.
    const sound =
      bits >= 2048 && bits <= 8192 && e.length <= 5 && (e.at(-1)! & 1) === 1 && (n.at(-1)! & 1) === 1 && !(e.length === 1 && e[0] === 1)
    return { name: `RSA ${bits}`, family: 'rsa', bits, fault: sound ? null : 'weak-key' }
  }
  if (oid === '1.2.840.10045.2.1') {
    const named = parameters?.tag === tags.oid ? readOid(parameters) : 'explicit'
    const curve = curves[named]
    return { name: curve?.name ?? `EC ${named}`, family: 'ec', bits: curve?.bits ?? 0, fault: curve ? null : 'wrong-curve' }
  }
  if (oid === '1.3.101.112')
    return { name: 'Ed25519', family: 'ed25519', bits: 256, fault: parameters || bytes.length !== 32 ? 'broken' : null }
  return { name: oid, family: null, bits: 0, fault: 'unsupported' }
}

/**
 * node:crypto's key of a SubjectPublicKeyInfo whose kind is accepted; null where its numbers make none (a point off its curve). As PEM, because Node asks of anything but a
 * string by exceptions whether it is a key already: 22 and 41 µs instead of 63 and 71 for RSA and P-256.
 */
export function keyOf(spki: Uint8Array): KeyObject | null {
  const base64 = Buffer.from(spki.buffer, spki.byteOffset, spki.length).toString('base64')
  try {
    return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`)
  } catch {
    return null
  }
}

const familyOfKey = { rsa: 'rsa', pss: 'rsa', ecdsa: 'ec', ed25519: 'ed25519' } as const

/** Whether `signature` is one of `key` over `bytes`. `hash` is what stands beside an algorithm that names none. False also where key and algorithm do not go together. Never throws. */
export function isSignature(
  key: { readonly kind: KeyKind; readonly object: KeyObject | null },
  algorithm: SignatureAlgorithm,
  bytes: Uint8Array,
  signature: Uint8Array,
  hash: Hash | null = null,
): boolean {
  if (!key.object || key.kind.fault !== null || familyOfKey[algorithm.family] !== key.kind.family) return false
  const used = algorithm.hash ?? hash
  if (algorithm.family !== 'ed25519' && used === null) return false
  try {
    if (algorithm.family === 'ed25519') return verify(null, bytes, key.object, signature)
    if (algorithm.family !== 'pss') return verify(used, bytes, key.object, signature)
    const padding = constants.RSA_PKCS1_PSS_PADDING
    return verify(used, bytes, { key: key.object, padding, saltLength: algorithm.saltBytes! }, signature)
  } catch {
    return false
  }
}

/** The digest of bytes. */
export const digest = (hash: Hash, bytes: Uint8Array): Uint8Array => digestOf(hash, bytes, 'buffer')

/** The contents of an AlgorithmIdentifier's bytes, to compare two. */
export const sameAlgorithm = (a: Value, b: Value): boolean => Buffer.compare(wholeOf(a), wholeOf(b)) === 0
