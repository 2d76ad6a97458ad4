/** Requests for certificates (PKCS #10, RFC 2986), made and read: the key that is asked about, and that whoever asks has it. */
import { isSignature, keyOf, readAlgorithm, readKeyKind } from '../algorithm.ts'
import { type Name, readName } from '../certificate.ts'
import * as der from '../der.ts'
import { derOf } from '../pem.ts'
import { Refusal } from '../verdict.ts'
import type { RemoteKey } from './signer.ts'

/** A request of more bytes is refused unread. */
const largestRequest = 20_000

/** Makes a request for a key that signs here or in a module. */
export async function makeRequestFor(key: RemoteKey, subject: Uint8Array): Promise<Uint8Array> {
  const information = der.sequence(der.integer(0), subject, key.spki, der.tagged(0))
  return der.sequence(information, key.algorithm, der.bits(await key.sign(information)))
}

/** What was asked. The name is what somebody says of themself: nothing of it is believed. */
export type CertificateRequest = { readonly subject: Name; readonly spki: Uint8Array; readonly key: string }

/** A request in DER, also when it came in letters (PEM). */
export const requestDer = (bytes: Buffer): Buffer => derOf(bytes, 'CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST')

/**
 * Reads a request and checks its proof: the request is signed by the key it asks about. Throws `DerFault` for what is none, and `Refusal` with `too-large`, `weak-key`, `wrong-curve`,
 * `unsupported` (Ed25519: nobody else would read the signatures), `weak-hash` or `bad-signature`.
 */
export function readRequest(bytes: Uint8Array): CertificateRequest {
  if (bytes.length > largestRequest) throw new Refusal('too-large', `A request of ${bytes.length} bytes.`)
  const [information, algorithm, signature, more] = der.children(der.expect(der.readWhole(bytes), der.tags.sequence))
  const [version, subject, spki, attributes, further] = der.children(der.expect(information, der.tags.sequence))
  if (more || further || der.readSmall(version) !== 0 || (attributes && attributes.tag !== 0xa0)) throw new der.DerFault('no request')
  const kind = readKeyKind(der.expect(spki, der.tags.sequence))
  if (kind.fault !== null) throw new Refusal(kind.fault, `A key of the kind ${kind.name}.`)
  if (kind.family === 'ed25519') throw new Refusal('unsupported', 'Signatures with Ed25519.')
  const used = readAlgorithm(algorithm)
  if (typeof used === 'string') throw new Refusal(used, 'An algorithm that is not accepted.')
  const spkiBytes = der.wholeOf(spki!)
  const object = keyOf(spkiBytes)
  if (!object) throw new Refusal('broken', 'The numbers of the key make none.')
  if (!isSignature({ kind, object }, used, der.wholeOf(information!), der.readBits(signature)))
    throw new Refusal('bad-signature', 'Whoever asks has not the key.')
  return { subject: readName(subject), spki: Uint8Array.from(spkiBytes), key: kind.name }
}
