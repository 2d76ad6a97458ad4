/**
 * What a CMS signature says (RFC 5652, with the attributes of EN 319 122-1), and whether its mathematics hold. Whether the certificate may be trusted is for
 * `trust.ts`, what follows from both for `verify.ts`.
 */
import { digest, type Hash, hashBytes, isSignature, readAlgorithm, readHash, type SignatureAlgorithm } from './algorithm.ts'
import type { Certificate } from './certificate.ts'
import {
  children,
  compare,
  contentOf,
  DerFault,
  expect,
  integerBytes,
  make,
  readAt,
  readOid,
  readSmall,
  readTime,
  readWhole,
  same,
  setOf,
  tags,
  type Value,
  wholeOf,
} from './der.ts'
import { because, type Reason, type ReasonCode, Refusal } from './verdict.ts'

/** A signature of more bytes is refused unread. */
export const largestSignature = 1_000_000
const mostSigners = 32
const mostCertificates = 64
const mostEvidence = 64

/** Content types: plain data, and the contents of a timestamp. */
export const contentTypes = { data: '1.2.840.113549.1.7.1', timestamp: '1.2.840.113549.1.9.16.1.4' } as const
const signedDataType = '1.2.840.113549.1.7.2'

const ids = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  timestamp: '1.2.840.113549.1.9.16.2.14',
  certificateValues: '1.2.840.113549.1.9.16.2.23',
  revocationValues: '1.2.840.113549.1.9.16.2.24',
  ocspResponse: '1.3.6.1.5.5.7.16.2',
}

/** Answers and lists about revocation, each in DER. */
export type Evidence = {
  readonly ocsp: readonly Uint8Array[]
  readonly crls: readonly Uint8Array[]
  readonly certificates: readonly Uint8Array[]
}

/** What one signer of a SignedData signed. All bytes are windows on the file. */
export type SignerInfo = {
  /** The certificate meant: by issuer and serial (hexadecimal), or by its key identifier (hexadecimal). */
  readonly meant: { readonly issuer: string; readonly serial: string } | { readonly keyId: string }
  readonly hash: Hash | ReasonCode
  readonly algorithm: SignatureAlgorithm | ReasonCode
  /** The signed attributes as DER SET: the exact bytes that were signed. Null where there are none and the content was signed by itself. */
  readonly signed: Uint8Array | null
  readonly contentType: string | null
  readonly messageDigest: Uint8Array | null
  readonly signingTime: Date | null
  /** What binds the certificate: its digest by signing-certificate-v2, or why there is nothing that does. */
  readonly bound:
    | { readonly hash: Hash; readonly digest: Uint8Array; readonly issuerSerial: { issuer: string; serial: string } | null }
    | ReasonCode
  readonly signature: Uint8Array
  /** Timestamp tokens over `signature`. */
  readonly tokens: readonly Uint8Array[]
  /** What later hands laid beside the signature. */
  readonly evidence: Evidence
}

/** A SignedData that was read. */
export type SignedData = {
  readonly contentType: string
  /** Null where the signature is detached. */
  readonly content: Uint8Array | null
  readonly certificates: readonly Uint8Array[]
  readonly evidence: Evidence
  readonly signers: readonly SignerInfo[]
}

/**
 * Reads a SignedData. BER as other programs write it in the envelope (lengths left open, strings in pieces) is made DER first. Throws `DerFault` for what is none,
 * and `Refusal` with `too-large` for more bytes, signers, certificates or answers than any signature needs. `padded`: zeros may follow, as in a PDF's place
 * for a signature.
 */
export function readSigned(bytes: Uint8Array, { padded = false } = {}): SignedData {
  if (bytes.length > (padded ? 2 : 1) * largestSignature) throw new Refusal('too-large', `A signature of ${bytes.length} bytes.`)
  const [type, wrapped, more] = children(expect(envelope(bytes, padded), tags.sequence))
  if (readOid(type) !== signedDataType || more) throw new DerFault('This is no SignedData.')
  const [signedData, another] = children(expect(wrapped, 0xa0))
  const [version, hashes, encapsulated, ...rest] = children(expect(signedData, tags.sequence))
  if (another || readSmall(version) > 5) throw new DerFault('This is no SignedData.')
  expect(hashes, tags.set)
  const [contentType, content, further] = children(expect(encapsulated, tags.sequence))
  const [octets, twice] = content ? children(expect(content, 0xa0)) : []
  const signerInfos = children(expect(rest.pop(), tags.set))
  let certificates: Uint8Array[] = []
  let evidence: Evidence = noEvidence
  for (const field of rest) {
    if (field.tag === 0xa0) certificates = children(field).flatMap((c) => (c.tag === tags.sequence ? [wholeOf(c)] : []))
    else if (field.tag === 0xa1) evidence = readRevocations(field)
    else throw new DerFault(`At ${field.start} a SignedData goes on.`)
  }
  if (further || twice || rest.length > 2) throw new DerFault('A SignedData goes on.')
  if (signerInfos.length > mostSigners || certificates.length > mostCertificates)
    throw new Refusal('too-large', 'Too many signers or certificates.')
  return {
    contentType: readOid(contentType),
    content: octets ? contentOf(expect(octets, tags.octets)) : null,
    certificates,
    evidence,
    signers: signerInfos.map(readSigner),
  }
}

const noEvidence: Evidence = { ocsp: [], crls: [], certificates: [] }

/** RevocationInfoChoices: lists, and OCSP answers in their other format (RFC 5940). */
function readRevocations(field: Value): Evidence {
  const all = children(field)
  if (all.length > mostEvidence) throw new Refusal('too-large', 'Too many answers about revocation.')
  const crls: Uint8Array[] = []
  const ocsp: Uint8Array[] = []
  for (const one of all) {
    if (one.tag === tags.sequence) crls.push(wholeOf(one))
    else if (one.tag === 0xa1) {
      const [format, value] = children(one)
      if (readOid(format) === ids.ocspResponse && value) ocsp.push(wholeOf(value))
    }
  }
  return { ocsp, crls, certificates: [] }
}

/** The values of attributes by identifier. Throws `DerFault` for one that stands twice: a reader could choose. */
function readAttributes(field: Value): ReadonlyMap<string, readonly Value[]> {
  const all = new Map<string, readonly Value[]>()
  for (const attribute of children(field)) {
    const [type, values, more] = children(expect(attribute, tags.sequence))
    const oid = readOid(type)
    if (all.has(oid) || more) throw new DerFault(`The attribute ${oid} stands twice, or goes on.`)
    all.set(oid, children(expect(values, tags.set)))
  }
  return all
}

const single = (values: readonly Value[] | undefined): Value | undefined => {
  if (values && values.length !== 1) throw new DerFault('An attribute that has one value has several, or none.')
  return values?.[0]
}

function readSigner(value: Value): SignerInfo {
  const fields = children(expect(value, tags.sequence))
  const [version, sid, hashField] = fields
  let at = 3
  const signedField = fields[at]?.tag === 0xa0 ? fields[at++] : undefined
  const [algorithmField, signature, unsignedField, more] = fields.slice(at)
  if (readSmall(version) > 3 || more || (unsignedField && unsignedField.tag !== 0xa1))
    throw new DerFault(`At ${value.start} stands no SignerInfo.`)
  const attributes = signedField ? readAttributes(signedField) : new Map<string, readonly Value[]>()
  const contentType = single(attributes.get(ids.contentType))
  const messageDigest = single(attributes.get(ids.messageDigest))
  const signingTime = single(attributes.get(ids.signingTime))
  // Read to say so, never trusted: what is no time is no claim.
  const isTime = signingTime && (signingTime.tag === tags.utcTime || signingTime.tag === tags.generalizedTime)
  return {
    meant: readMeant(sid),
    hash: readHash(hashField),
    algorithm: readAlgorithm(algorithmField),
    signed: signedField ? signedBytes(signedField) : null,
    contentType: contentType ? readOid(contentType) : null,
    messageDigest: messageDigest ? contentOf(expect(messageDigest, tags.octets)) : null,
    signingTime: isTime ? readTime(signingTime) : null,
    bound: readBound(attributes),
    signature: contentOf(expect(signature, tags.octets)),
    ...readUnsigned(unsignedField),
  }
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
const keyOfName = (value: Value) => Buffer.from(wholeOf(value)).toString('latin1')

function readMeant(sid: Value | undefined): SignerInfo['meant'] {
  if (sid?.tag === 0x80) return { keyId: hexOf(contentOf(sid)) }
  const [issuer, serial, more] = children(expect(sid, tags.sequence))
  if (more) throw new DerFault('A signer is named by too much.')
  return { issuer: keyOfName(expect(issuer, tags.sequence)), serial: hexOf(integerBytes(serial)) }
}

/** RFC 5652, 5.4: what is signed is the SET in DER, not the `[0]` that stands in the file; DER sorts its members, also where a writer forgot to. */
function signedBytes(field: Value): Uint8Array {
  const members = children(field)
  if (members.some((m, i) => i > 0 && compare(wholeOf(members[i - 1]!), wholeOf(m)) > 0)) return setOf(...members.map(wholeOf))
  const bytes = new Uint8Array(wholeOf(field))
  bytes[0] = tags.set
  return bytes
}

/** ESSCertIDv2 (RFC 5035, 3): the first of signing-certificate-v2. Of signing-certificate (RFC 2634) the digest is SHA-1: it binds nothing any more. */
function readBound(attributes: ReadonlyMap<string, readonly Value[]>): SignerInfo['bound'] {
  const value = single(attributes.get(ids.signingCertificateV2))
  if (!value) return attributes.has(ids.signingCertificate) ? 'weak-hash' : 'certificate-not-bound'
  const [list] = children(expect(value, tags.sequence))
  const [id] = children(expect(list, tags.sequence))
  const parts = children(expect(id, tags.sequence))
  const hash = parts[0]?.tag === tags.sequence ? readHash(parts.shift()) : 'sha256'
  const [certHash, issuerSerial] = parts
  const bytes = contentOf(expect(certHash, tags.octets))
  if (!isHash(hash)) return hash
  if (!issuerSerial) return { hash, digest: bytes, issuerSerial: null }
  const [names, serial] = children(expect(issuerSerial, tags.sequence))
  const [directory, another] = children(expect(names, tags.sequence))
  if (another) return 'unsupported'
  const [issuer] = children(expect(directory, 0xa4))
  return { hash, digest: bytes, issuerSerial: { issuer: keyOfName(expect(issuer, tags.sequence)), serial: hexOf(integerBytes(serial)) } }
}

/** Whether a hash was read and not a refusal. */
export const isHash = (hash: Hash | ReasonCode): hash is Hash => Object.hasOwn(hashBytes, hash)

/** Timestamps over the signature, and certificates and answers that stand beside it (EN 319 122-1, 5.3 and annex A). Other unsigned attributes mean nothing to us. */
function readUnsigned(field: Value | undefined): Pick<SignerInfo, 'tokens' | 'evidence'> {
  if (!field) return { tokens: [], evidence: noEvidence }
  const attributes = readAttributes(field)
  const tokens = (attributes.get(ids.timestamp) ?? []).map(wholeOf)
  const certificates = (attributes.get(ids.certificateValues) ?? []).flatMap((v) => children(expect(v, tags.sequence)).map(wholeOf))
  const crls: Uint8Array[] = []
  const ocsp: Uint8Array[] = []
  for (const value of attributes.get(ids.revocationValues) ?? []) {
    for (const part of children(expect(value, tags.sequence))) {
      const [list] = part.tag === 0xa0 || part.tag === 0xa1 ? children(part) : []
      const all = list ? children(expect(list, tags.sequence)).map(wholeOf) : []
      if (part.tag === 0xa0) crls.push(...all)
      else if (part.tag === 0xa1) ocsp.push(...all)
    }
  }
  if (tokens.length > 8 || certificates.length > mostCertificates || crls.length + ocsp.length > mostEvidence)
    throw new Refusal('too-large', 'Too much stands beside the signature.')
  return { tokens, evidence: { ocsp, crls, certificates } }
}

/** The certificate that a signer means. */
export function isMeant({ meant }: SignerInfo, c: Certificate): boolean {
  return 'keyId' in meant ? meant.keyId === c.subjectKeyId : meant.serial === c.serial && meant.issuer === c.issuer.key
}

/** Whether the signer signed that this is the certificate. */
export function isBound({ bound }: SignerInfo, c: Certificate): boolean {
  if (typeof bound === 'string') return false
  // A certificate is known by its SHA-256 already.
  if (bound.hash === 'sha256' ? hexOf(bound.digest) !== c.id : !same(bound.digest, digest(bound.hash, c.der))) return false
  return !bound.issuerSerial || (bound.issuerSerial.serial === c.serial && bound.issuerSerial.issuer === c.issuer.key)
}

/** What was signed: bytes, or their digests, as of a file that is too large for memory. */
export type Content = Uint8Array | ((hash: Hash) => Uint8Array)

/**
 * Why the mathematics of one signer do not hold for the content: its digest, what binds the certificate, and the signature over both. Empty when they hold.
 * Never throws.
 */
export function signerFaults(signer: SignerInfo, data: SignedData, c: Certificate, content: Content): Reason[] {
  const { hash, algorithm, signed, bound } = signer
  if (!isHash(hash)) return [because(hash)]
  if (typeof algorithm === 'string') return [because(algorithm)]
  // Without signed attributes nothing says which certificate was meant, nor what kind of content.
  if (!signed || !signer.messageDigest || !signer.contentType) return [because('certificate-not-bound')]
  const faults: Reason[] = []
  const actual = content instanceof Uint8Array ? digest(hash, content) : content(hash)
  if (signer.contentType !== data.contentType || !same(signer.messageDigest, actual)) faults.push(because('other-content'))
  if (typeof bound === 'string') faults.push(because(bound))
  else if (!isBound(signer, c)) faults.push(because('certificate-not-bound', c.name))
  // Where the algorithm names a hash of its own, EN 319 122-1 has the same for the content: two would be two readings.
  if (algorithm.hash && algorithm.family !== 'ecdsa' && algorithm.hash !== hash) faults.push(because('unsupported'))
  else if (c.key.kind.fault === null && !isSignature(c.key, algorithm, signed, signer.signature, hash))
    faults.push(because('bad-signature'))
  return faults
}

/** The bytes of a SignedData in DER: as they are, or converted where its envelope is BER. Throws `DerFault`, and `Refusal` with `too-large`. */
export function derOfSigned(bytes: Uint8Array): Uint8Array {
  if (bytes.length > largestSignature) throw new Refusal('too-large', `A signature of ${bytes.length} bytes.`)
  return wholeOf(envelope(bytes, false))
}

/** The file as DER: as it is, or converted when it is BER. */
function envelope(bytes: Uint8Array, padded: boolean): Value {
  const open = hasOpenLengths(bytes)
  const { der, to } = open ? converted(bytes, 0, bytes.length, 0, { values: 0 }) : { der: bytes, to: readAt(bytes, 0, bytes.length).to }
  if (bytes.subarray(to).some((byte) => !padded || byte !== 0)) throw new DerFault(`${bytes.length - to} bytes follow the signature.`)
  return open ? readWhole(der) : readAt(bytes, 0, to)
}

/** Writers of BER leave lengths open from the outside inwards: it shows in the outermost, the content info's, or the SignedData's. */
function hasOpenLengths(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x30) return false
  if (bytes[1] === 0x80) return true
  try {
    const [, wrapped] = openChildren(readAt(bytes, 0, bytes.length))
    if (!wrapped || wrapped === 'open') return wrapped === 'open'
    const [signedData] = openChildren(wrapped)
    if (!signedData || signedData === 'open') return signedData === 'open'
    return openChildren(signedData).some((field) => field === 'open' || (field.tag === tags.sequence && openChildren(field).some(isOpen)))
  } catch {
    return false
  }
}

const isOpen = (value: Value | 'open'): boolean =>
  value === 'open' || (value.tag === 0xa0 && openChildren(value).some((v) => v === 'open' || v.tag === 0x24))

/** The values within, up to the first whose length is open. */
function openChildren(value: Value): (Value | 'open')[] {
  const all: (Value | 'open')[] = []
  for (let at = value.from; at < value.to; ) {
    if (value.bytes[at + 1] === 0x80 && (value.bytes[at]! & 0x20) !== 0) {
      all.push('open')
      return all
    }
    const child = readAt(value.bytes, at, value.to)
    all.push(child)
    at = child.to
  }
  return all
}

const deepest = 24
const mostValues = 50_000

/** One value of BER as DER: lengths closed and shortest, octet strings in one piece. X.690, 8.1.3 and 8.7. Throws `DerFault`. */
function converted(
  bytes: Uint8Array,
  at: number,
  limit: number,
  depth: number,
  state: { values: number },
): { der: Uint8Array; to: number } {
  if (depth > deepest || ++state.values > mostValues) throw new DerFault('The values are too many or too deep.')
  if (at + 2 > limit) throw new DerFault(`At ${at} a value is cut off.`)
  const tag = bytes[at]!
  if ((tag & 0x1f) === 0x1f) throw new DerFault(`At ${at} stands a tag of more than one byte.`)
  const constructed = (tag & 0x20) !== 0
  let from = at + 2
  let to: number | null = null
  const first = bytes[at + 1]!
  if (first < 0x80) to = from + first
  else if (first === 0x80) {
    if (!constructed) throw new DerFault(`At ${at} a value without parts has an open length.`)
  } else {
    const count = first & 0x7f
    if (count > 4 || from + count > limit) throw new DerFault(`At ${at} stands a length that nobody needs.`)
    let length = 0
    for (let i = 0; i < count; i++) length = length * 256 + bytes[from + i]!
    from += count
    to = from + length
  }
  if (to !== null && to > limit) throw new DerFault(`At ${at} a value runs past its end.`)
  if (!constructed) return { der: make(tag, bytes.subarray(from, to!)), to: to! }
  const parts: Uint8Array[] = []
  let next = from
  for (;;) {
    if (to !== null && next === to) break
    // The end of an open length.
    if (to === null && bytes[next] === 0 && bytes[next + 1] === 0 && next + 2 <= limit) {
      next += 2
      break
    }
    const part = converted(bytes, next, to ?? limit, depth + 1, state)
    parts.push(part.der)
    next = part.to
  }
  if (tag !== 0x24) return { der: make(tag, ...parts), to: next }
  return { der: make(tags.octets, ...parts.map((part) => contentOf(expect(readWhole(part), tags.octets)))), to: next }
}
