/** The kinds of keys that people sign with here, and how each is named in WebCrypto and in CMS. */
import { children, expect, integer, nil, oid, readOid, sequence, tags, type Value } from './der.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** All that signing depends on. `signatureAlgorithm`: AlgorithmIdentifier of a SignerInfo; `encode`: WebCrypto's signature as CMS has it. */
export interface KeyKind {
  readonly imported: RsaHashedImportParams | EcKeyImportParams
  readonly signed: AlgorithmIdentifier | EcdsaParams
  readonly hash: 'SHA-256' | 'SHA-384'
  readonly digestAlgorithm: Bytes
  readonly signatureAlgorithm: Bytes
  readonly encode: (signature: Bytes) => Bytes
}

// RFC 5754, 2: no parameters with SHA-2.
const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'))
const sha384 = sequence(oid('2.16.840.1.101.3.4.2.2'))

/** r and s side by side (IEEE P1363) as Ecdsa-Sig-Value (RFC 3279, 2.2.3). */
function ecdsaToDer(signature: Bytes): Bytes {
  const half = signature.length / 2
  return sequence(integer(signature.subarray(0, half)), integer(signature.subarray(half)))
}

const rsa: KeyKind = {
  imported: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  signed: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  digestAlgorithm: sha256,
  // RFC 5754, 3.2: every program knows the plain name; NULL is required.
  signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.1'), nil),
  encode: (signature) => signature,
}

const curve = (namedCurve: string, hash: KeyKind['hash'], digestAlgorithm: Bytes, signature: string): KeyKind => ({
  imported: { name: 'ECDSA', namedCurve },
  signed: { name: 'ECDSA', hash },
  hash,
  digestAlgorithm,
  signatureAlgorithm: sequence(oid(signature)),
  encode: ecdsaToDer,
})

const curves: Readonly<Record<string, KeyKind>> = {
  '1.2.840.10045.3.1.7': curve('P-256', 'SHA-256', sha256, '1.2.840.10045.4.3.2'),
  '1.3.132.0.34': curve('P-384', 'SHA-384', sha384, '1.2.840.10045.4.3.3'),
}

/** P-256: the kind of key that people make here. */
export const p256: KeyKind = curves['1.2.840.10045.3.1.7']!

/** The kind that an AlgorithmIdentifier of a key names (RFC 3279, 2.3; RFC 5480, 2.1.1), or null for one that we do not sign with. Throws `DerFault`. */
export function kindOfKey(algorithm: Value | undefined): KeyKind | null {
  const [name, parameters] = children(expect(algorithm, tags.sequence))
  const id = readOid(name)
  if (id === '1.2.840.113549.1.1.1') return rsa
  if (id === '1.2.840.10045.2.1' && parameters?.tag === tags.oid) return curves[readOid(parameters)] ?? null
  return null
}
