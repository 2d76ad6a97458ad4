/** CAdES signatures (EN 319 122-1) made on the server, and signatures of anybody raised: a timestamp laid beside them (B-T), and what was known of revocations (B-LT). */
import { digest } from '../algorithm.ts'
import { derOfSigned, readSigned } from '../cms.ts'
import * as der from '../der.ts'
import { type Holder, hashAlgorithm, serialOf } from './signer.ts'

const ids = {
  signedData: der.oid('1.2.840.113549.1.7.2'),
  contentType: der.oid('1.2.840.113549.1.9.3'),
  messageDigest: der.oid('1.2.840.113549.1.9.4'),
  signingTime: der.oid('1.2.840.113549.1.9.5'),
  signingCertificateV2: der.oid('1.2.840.113549.1.9.16.2.47'),
  timestamp: der.oid('1.2.840.113549.1.9.16.2.14'),
  ocspResponse: der.oid('1.3.6.1.5.5.7.16.2'),
}

const attribute = (id: Uint8Array, ...values: readonly Uint8Array[]) => der.sequence(id, der.setOf(...values))
const contentTypeOf = new Map<string, { oid: Uint8Array; attribute: Uint8Array }>()
function contentType(dots: string) {
  const found = contentTypeOf.get(dots)
  if (found) return found
  const oid = der.oid(dots)
  const made = { oid, attribute: attribute(ids.contentType, oid) }
  contentTypeOf.set(dots, made)
  return made
}
const one = der.integer(1)
const three = der.integer(3)
const five = der.integer(5)

/** The parts of a signer's CMS that are the same each time. */
type Fixed = { readonly bound: Uint8Array; readonly sid: Uint8Array; readonly bundle: Uint8Array; readonly hashes: Uint8Array }
const fixedOf = new WeakMap<Holder, Fixed>()
function fixed(by: Holder): Fixed {
  const known = fixedOf.get(by)
  if (known) return known
  const { certificate, chain, key } = by
  const made = {
    // RFC 5035, 3: SHA-256 is the default and is left out.
    bound: attribute(ids.signingCertificateV2, der.sequence(der.sequence(der.sequence(der.octets(Buffer.from(certificate.id, 'hex')))))),
    sid: der.sequence(certificate.issuer.der, serialOf(certificate.serial)),
    bundle: der.tagged(0, ...[certificate.der, ...chain].sort(der.compare)),
    hashes: der.setOf(hashAlgorithm(key.hash)),
  }
  fixedOf.set(by, made)
  return made
}

const data = '1.2.840.113549.1.7.1'

/**
 * Signs bytes: CAdES B-B in DER, detached unless `attached`, with the certificates of the signer's chain unless `certificates` is false. `at` is the signer's own claim of when; a
 * timestamp makes none. `unsigned` makes what stands beside the signature from its value.
 */
export function sealBytes(
  content: Uint8Array,
  by: Holder,
  {
    at,
    attached = false,
    certificates = true,
    contentType: dots = data,
    unsigned,
  }: {
    readonly at?: Date
    readonly attached?: boolean
    readonly certificates?: boolean
    readonly contentType?: string
    readonly unsigned?: (signature: Uint8Array) => readonly Uint8Array[]
  } = {},
): Uint8Array {
  const { key } = by
  const same = fixed(by)
  const type = contentType(dots)
  const hash = hashAlgorithm(key.hash)
  const attributes = der.setOf(
    type.attribute,
    attribute(ids.messageDigest, der.octets(digest(key.hash, content))),
    ...(at ? [attribute(ids.signingTime, der.time(at))] : []),
    same.bound,
  )
  const signature = key.sign(attributes)
  const beside = unsigned?.(signature) ?? []
  // RFC 5652, 5.4: what is signed bears the tag of a SET, what is sent the tag [0].
  attributes[0] = 0xa0
  const signer = der.sequence(
    one,
    same.sid,
    hash,
    attributes,
    key.algorithm,
    der.octets(signature),
    ...(beside.length > 0 ? [der.tagged(1, ...[...beside].sort(der.compare))] : []),
  )
  const signed = der.sequence(
    // RFC 5652, 5.1: 3 where the content is not plain data.
    dots === data ? one : three,
    same.hashes,
    attached ? der.sequence(type.oid, der.tagged(0, der.octets(content))) : der.sequence(type.oid),
    ...(certificates ? [same.bundle] : []),
    der.make(der.tags.set, signer),
  )
  return der.sequence(ids.signedData, der.tagged(0, signed))
}

/** The unsigned attribute with a timestamp over a signature. */
export const timestampAttribute = (token: Uint8Array): Uint8Array => attribute(ids.timestamp, token)

/** What is laid beside a signature. */
export type Beside = {
  /** From the signature's value, a timestamp token; asked only where none stands there yet. */
  readonly stamp?: (signature: Uint8Array) => Uint8Array
  readonly ocsp?: readonly Uint8Array[]
  readonly crls?: readonly Uint8Array[]
  readonly certificates?: readonly Uint8Array[]
}

/**
 * Raises a CMS of one signer: adds a timestamp where there is none, and certificates, OCSP answers and lists that are not yet there (EN 319 122-1, 5.3 and 6.3: B-T, B-LT). What was
 * signed keeps every byte. Answers in DER, also where the file was BER. Throws `DerFault` and `Refusal` for what is no such CMS.
 */
export function raise(cms: Uint8Array, { stamp, ocsp = [], crls = [], certificates = [] }: Beside): Uint8Array {
  const bytes = derOfSigned(cms)
  const read = readSigned(bytes)
  const [signer, another] = read.signers
  if (!signer || another) throw new der.DerFault('not one signer')
  const [, wrapped] = der.children(der.readWhole(bytes))
  const [version, hashes, content, ...rest] = der.children(der.children(wrapped!)[0]!)
  const signerValue = der.children(rest.pop()!)[0]!
  const parts = der.children(signerValue)
  const unsigned = parts.at(-1)!.tag === 0xa1 ? parts.pop()! : null
  const stamped = signer.tokens.length === 0 && stamp ? [timestampAttribute(stamp(signer.signature))] : []
  const beside = [...(unsigned ? der.children(unsigned).map(der.wholeOf) : []), ...stamped].sort(der.compare)
  const signerDer = der.sequence(...parts.map(der.wholeOf), ...(beside.length > 0 ? [der.tagged(1, ...beside)] : []))

  const had = (tag: number) => rest.filter((field) => field.tag === tag).flatMap((field) => der.children(field).map(der.wholeOf))
  const union = (old: readonly Uint8Array[], fresh: readonly Uint8Array[]) =>
    [...old, ...fresh.filter((f) => !old.some((o) => der.same(o, f)))].sort(der.compare)
  const allCertificates = union(had(0xa0), certificates)
  const revocations = union(had(0xa1), [...crls, ...ocsp.map((answer) => der.tagged(1, ids.ocspResponse, answer))])
  // RFC 5652, 5.1: 5 where an answer of another format than a list stands in it.
  const other = revocations.some((r) => r[0] === 0xa1)
  const signed = der.sequence(
    other ? five : der.wholeOf(version!),
    der.wholeOf(hashes!),
    der.wholeOf(content!),
    ...(allCertificates.length > 0 ? [der.tagged(0, ...allCertificates)] : []),
    ...(revocations.length > 0 ? [der.tagged(1, ...revocations)] : []),
    der.make(der.tags.set, signerDer),
  )
  return der.sequence(ids.signedData, der.tagged(0, signed))
}
