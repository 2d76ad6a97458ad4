/** Signatures as people make them: CAdES-BES, detached (RFC 5652; ETSI EN 319 122-1, B-B), made with WebCrypto. */
import { contentOf, integer, octets, oid, readWhole, sequence, setOf, tagged, time } from './der.ts'
import type { Pair } from './pair.ts'

type Bytes = Uint8Array<ArrayBuffer>

const data = oid('1.2.840.113549.1.7.1')
const attribute = (name: string, value: Uint8Array) => sequence(oid(name), setOf(value))
const digest = async (hash: string, bytes: Bytes) => new Uint8Array(await crypto.subtle.digest(hash, bytes))

/**
 * A detached CMS signature over exactly `statement`, in DER, with the signer's certificate inside. Signed beside the content's digest are what it is, the time that the
 * signer's clock says, and which certificate was meant.
 */
export async function signCades(statement: Bytes, { certificate, key }: Pair, at: Date): Promise<Bytes> {
  const { kind } = certificate
  const attributes = setOf(
    attribute('1.2.840.113549.1.9.3', data),
    attribute('1.2.840.113549.1.9.4', octets(await digest(kind.hash, statement))),
    attribute('1.2.840.113549.1.9.5', time(at)),
    // signing-certificate-v2 (RFC 5035, 3): SHA-256 is the default and is left out.
    attribute('1.2.840.113549.1.9.16.2.47', sequence(sequence(sequence(octets(await digest('SHA-256', certificate.der)))))),
  )
  // RFC 5652, 5.4: what is signed bears the tag of a SET, what is sent the tag [0].
  const signature = kind.encode(new Uint8Array(await crypto.subtle.sign(kind.signed, key, attributes)))
  const signer = sequence(
    integer(1),
    sequence(certificate.issuer, certificate.serial),
    kind.digestAlgorithm,
    tagged(0, contentOf(readWhole(attributes))),
    kind.signatureAlgorithm,
    octets(signature),
  )
  const signed = sequence(integer(1), setOf(kind.digestAlgorithm), sequence(data), tagged(0, certificate.der), setOf(signer))
  return sequence(oid('1.2.840.113549.1.7.2'), tagged(0, signed))
}
