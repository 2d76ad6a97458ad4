/** Keys with which the authority, its services and institutions sign, and the identifiers that belong to what they make. */
import { createPublicKey, hash as digestOf, type KeyObject, sign } from 'node:crypto'
import { type Certificate, readCertificate } from '../certificate.ts'
import * as der from '../der.ts'

/** What signs here: the hash it goes with, and the AlgorithmIdentifier of its signatures (RFC 4055, RFC 5758). */
export type SigningKey = {
  readonly spki: Uint8Array
  readonly hash: 'sha256' | 'sha384'
  readonly algorithm: Uint8Array
  /** A signature over the bytes as X.509 and CMS carry it. */
  sign(bytes: Uint8Array): Uint8Array
}

/** A signing key that may live elsewhere, as in a PKCS #11 module. */
export type RemoteKey = Omit<SigningKey, 'sign'> & { sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> }

/** A key and the certificate over it; `chain` are the certificates of its authorities that go along, the nearest first. */
export type Holder<K extends RemoteKey = SigningKey> = {
  readonly key: K
  readonly certificate: Certificate
  readonly chain: readonly Uint8Array[]
}

const hashOids = { sha256: '2.16.840.1.101.3.4.2.1', sha384: '2.16.840.1.101.3.4.2.2' } as const
const hashAlgorithms = {
  sha256: der.sequence(der.oid(hashOids.sha256), der.nil),
  sha384: der.sequence(der.oid(hashOids.sha384), der.nil),
}

/** The AlgorithmIdentifier of a hash. */
export const hashAlgorithm = (hash: SigningKey['hash']): Uint8Array => hashAlgorithms[hash]

const signatureOids = {
  ec: { sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3' },
  rsa: { sha256: '1.2.840.113549.1.1.11', sha384: '1.2.840.113549.1.1.12' },
} as const

/** What a public key signs with: SHA-384 on P-384, SHA-256 otherwise. Throws TypeError for a key that is neither RSA nor on P-256 or P-384. */
export function algorithmFor(publicKey: KeyObject): Omit<SigningKey, 'sign'> {
  const kind = publicKey.asymmetricKeyType
  const curve = publicKey.asymmetricKeyDetails?.namedCurve
  if (kind !== 'rsa' && !(kind === 'ec' && (curve === 'prime256v1' || curve === 'secp384r1')))
    throw new TypeError(`No signatures are made with ${curve ?? kind}.`)
  const hash = curve === 'secp384r1' ? 'sha384' : 'sha256'
  const oid = der.oid(signatureOids[kind][hash])
  return {
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    hash,
    algorithm: kind === 'rsa' ? der.sequence(oid, der.nil) : der.sequence(oid),
  }
}

/** A private key that lies in memory. Throws as `algorithmFor`. */
export function keyInMemory(privateKey: KeyObject): SigningKey {
  const about = algorithmFor(createPublicKey(privateKey))
  return { ...about, sign: (bytes) => sign(about.hash, bytes, privateKey) }
}

/** A key with its certificate. Throws TypeError where they do not belong together, DerFault and Refusal for what is no certificate. */
export function holder<K extends RemoteKey>(key: K, certificate: Uint8Array, chain: readonly Uint8Array[] = []): Holder<K> {
  const read = readCertificate(certificate)
  if (!der.same(read.spki, key.spki)) throw new TypeError(`The key is not that of the certificate of ${read.name}.`)
  return { key, certificate: read, chain }
}

/** SHA-1 of a public key's bits: the name of a key in certificates and answers (RFC 5280, 4.2.1.2, (1)), and no proof of anything. */
export const keyIdOf = (spki: Uint8Array): Uint8Array => digestOf('sha1', der.readBits(der.children(der.readWhole(spki))[1]), 'buffer')

/** An INTEGER from the hexadecimal of its contents, as a certificate's serial is kept. */
export const serialOf = (hex: string): Uint8Array => der.make(der.tags.integer, Buffer.from(hex, 'hex'))
