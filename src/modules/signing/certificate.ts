/**
 * What an X.509 certificate says (RFC 5280), and what we refuse in one. Whether anybody vouches for it is for `trust.ts`.
 *
 * Reading takes some 30 µs and making the key 80 µs, so certificates that were read are kept, by their SHA-256, up to a bound.
 */
import { hash as digestOf, type KeyObject } from 'node:crypto'
import { isSignature, type KeyKind, keyOf, readAlgorithm, readKeyKind, type SignatureAlgorithm, sameAlgorithm } from './algorithm.ts'
import {
  children,
  contentOf,
  DerFault,
  expect,
  integerBytes,
  readBits,
  readBoolean,
  readFlags,
  readOid,
  readSmall,
  readText,
  readTime,
  readWhole,
  tags,
  type Value,
  wholeOf,
} from './der.ts'
import { type Reason, type ReasonCode, Refusal, refusalOf, type Signer } from './verdict.ts'

/** A certificate of more bytes is refused unread. The largest real ones have some 10 kB. */
export const largestCertificate = 100_000

/** The bits of KeyUsage by their place (RFC 5280, 4.2.1.3). */
const usages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const
export type KeyUsage = (typeof usages)[number]

/** A distinguished name: its DER, and its attributes by identifier in the order in which they stand. */
export type Name = {
  readonly der: Uint8Array
  readonly key: string
  readonly attributes: readonly (readonly [oid: string, text: string])[]
}

/** A certificate that was read. It is shared and kept: nobody changes it. */
export type Certificate = {
  readonly der: Uint8Array
  /** SHA-256 of `der`, hexadecimal. */
  readonly id: string
  readonly subject: Name
  readonly issuer: Name
  /** The common name for people, or what comes nearest. */
  readonly name: string
  readonly issuerName: string
  /** Hexadecimal. The tax authority's are ASCII digits: `3330…`. */
  readonly serial: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** SubjectPublicKeyInfo, and the contents of its bit string, of which OCSP takes the digest. */
  readonly spki: Uint8Array
  readonly keyBits: Uint8Array
  readonly key: {
    readonly kind: KeyKind
    /** Made when first asked for; null where the numbers make no key. */
    readonly object: KeyObject | null
  }
  /** What its issuer signed, how, and the signature. A code where the algorithm is refused. */
  readonly signed: Uint8Array
  readonly algorithm: SignatureAlgorithm | ReasonCode
  readonly signature: Uint8Array
  /** Null where the certificate says nothing. */
  readonly keyUsage: ReadonlySet<KeyUsage> | null
  readonly extendedKeyUsage: { readonly critical: boolean; readonly oids: ReadonlySet<string> } | null
  readonly authority: boolean
  readonly pathLength: number | null
  readonly subjectKeyId: string | null
  readonly authorityKeyId: string | null
  readonly ocspUrls: readonly string[]
  readonly listUrls: readonly string[]
  /** Its revocation need not be asked for (RFC 6960, 4.2.2.2.1). */
  readonly ocspNoCheck: boolean
  readonly rfc: string | null
  readonly curp: string | null
  readonly representative: { readonly rfc: string | null; readonly curp: string | null } | null
}

/** Values by key, the oldest forgotten beyond `most`. */
export class Kept<T> {
  readonly #all = new Map<string, T>()
  readonly #most: number
  constructor(most: number) {
    this.#most = most
  }
  get(key: string): T | undefined {
    return this.#all.get(key)
  }
  set(key: string, value: T): T {
    if (this.#all.size >= this.#most) this.#all.delete(this.#all.keys().next().value!)
    this.#all.set(key, value)
    return value
  }
  clear(): void {
    this.#all.clear()
  }
}

// About 8 kB each with its key.
const kept = new Kept<Certificate>(4096)

/** Forgets the certificates that were read. Only a measurement has reason to. */
export const forgetCertificates = (): void => kept.clear()

/**
 * Reads a certificate. Throws `DerFault` for what is none, and `Refusal` with `too-large`, or with `unsupported` for a critical extension that we do not know or
 * constraints on names, which we do not judge. A weak key or hash is read and told in `key.kind.fault` and `algorithm`: an old authority may stand in a bundle.
 * `known` are certificates that were read before and are held elsewhere, by their SHA-256.
 */
export function readCertificate(der: Uint8Array, known?: ReadonlyMap<string, Certificate>): Certificate {
  if (der.length > largestCertificate) throw new Refusal('too-large', `A certificate of ${der.length} bytes.`)
  const id = digestOf('sha256', der, 'hex')
  const given = known?.get(id)
  if (given) return given
  // A copy: what is kept must not keep the megabyte it came in, nor change with it. From Node's slab, as an own piece of memory each would cost a third more.
  return kept.get(id) ?? kept.set(id, read(Buffer.from(der), id))
}

function read(der: Uint8Array, id: string): Certificate {
  const [tbs, outer, signature, more] = children(expect(readWhole(der), tags.sequence))
  if (!tbs || !outer || more) throw new DerFault('This is no certificate.')
  const fields = children(expect(tbs, tags.sequence))
  const version = fields[0]?.tag === 0xa0 ? readSmall(children(fields.shift()!)[0]) : 0
  const [serial, inner, issuerField, validity, subjectField, spki, ...rest] = fields
  if (version > 2 || !inner || !spki) throw new DerFault('This is no certificate.')
  // RFC 5280, 4.1.1.2: both must be the same, or the signed bytes could not tell how they were signed.
  if (!sameAlgorithm(inner, outer)) throw new DerFault('A certificate names two algorithms.')
  const [notBefore, notAfter, moreTimes] = children(expect(validity, tags.sequence))
  if (moreTimes) throw new DerFault('A validity of three times.')
  let extensions: ReadonlyMap<string, Extension> = new Map()
  for (const field of rest) {
    if (field.tag === 0xa3 && version === 2 && field === rest.at(-1)) extensions = readExtensions(children(field)[0])
    else if (field.tag !== 0x81 && field.tag !== 0x82) throw new DerFault(`At ${field.start} a certificate goes on.`)
  }
  const issuer = readName(issuerField)
  const subject = readName(subjectField)
  const name = nameOf(subject)
  for (const [oid, { critical }] of extensions)
    if ((critical && !known.has(oid)) || oid === nameConstraints)
      throw new Refusal('unsupported', `The extension ${oid} is not known here.`, name)

  const basic = extension(extensions, '2.5.29.19')
  const [first, second] = basic ? children(expect(basic, tags.sequence)) : []
  const authority = first?.tag === tags.boolean && readBoolean(first)
  const limit = first?.tag === tags.integer ? first : second
  const usage = extension(extensions, '2.5.29.15')
  const extended = extension(extensions, '2.5.29.37')
  const subjectKey = extension(extensions, '2.5.29.14')
  const authorityKey = extension(extensions, '2.5.29.35')
  const issuerKey = authorityKey && children(expect(authorityKey, tags.sequence)).find((field) => field.tag === 0x80)
  const kind = readKeyKind(spki)
  const spkiBytes = wholeOf(spki)
  let object: KeyObject | null | undefined
  return {
    der,
    id,
    subject,
    issuer,
    name,
    issuerName: nameOf(issuer),
    serial: hex(integerBytes(serial)),
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    spki: spkiBytes,
    keyBits: readBits(children(spki)[1]),
    key: {
      kind,
      get object() {
        if (object === undefined) object = kind.fault === null ? keyOf(spkiBytes) : null
        return object
      },
    },
    signed: wholeOf(tbs),
    algorithm: readAlgorithm(outer),
    signature: readBits(signature),
    keyUsage: usage ? usagesOf(readFlags(usage)) : null,
    extendedKeyUsage: extended
      ? { critical: extensions.get('2.5.29.37')!.critical, oids: new Set(children(expect(extended, tags.sequence)).map(readOid)) }
      : null,
    authority,
    pathLength: authority && limit ? readSmall(limit) : null,
    subjectKeyId: subjectKey ? hex(contentOf(expect(subjectKey, tags.octets))) : null,
    authorityKeyId: issuerKey ? hex(contentOf(issuerKey)) : null,
    ocspUrls: ocspUrlsOf(extension(extensions, '1.3.6.1.5.5.7.1.1')),
    listUrls: listUrlsOf(extension(extensions, '2.5.29.31')),
    ocspNoCheck: extensions.has('1.3.6.1.5.5.7.48.1.5'),
    ...identifiersOf(subject),
  }
}

const usagesOf = (flags: readonly boolean[]) => new Set(usages.filter((_, i) => flags[i]))

const nameConstraints = '2.5.29.30'
/** Extensions that we judge, or whose being critical asks nothing more of us: other names of the subject, and policies, of which we require none (RFC 5280, 6.1.1). */
const known = new Set(['2.5.29.14', '2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.31', '2.5.29.32', '2.5.29.35', '2.5.29.37'])

/** An extension of a certificate, a list or an answer: whether who does not know it must refuse, and its value. */
export type Extension = { readonly critical: boolean; readonly value: Uint8Array }

/** Extensions by identifier. Throws `DerFault` also for one that stands twice. */
export function readExtensions(value: Value | undefined): ReadonlyMap<string, Extension> {
  const all = new Map<string, Extension>()
  for (const one of children(expect(value, tags.sequence))) {
    const [oid, second, third, more] = children(expect(one, tags.sequence))
    const critical = second?.tag === tags.boolean
    const key = readOid(oid)
    if (all.has(key) || more || (!critical && third)) throw new DerFault(`The extension ${key} is no extension, or stands twice.`)
    all.set(key, { critical: critical && readBoolean(second), value: contentOf(expect(critical ? third : second, tags.octets)) })
  }
  return all
}

const extension = (all: ReadonlyMap<string, Extension>, oid: string): Value | undefined => {
  const found = all.get(oid)
  return found && readWhole(found.value)
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** A Name (RFC 5280, 4.1.2.4). Its `key` is equal for equal DER alone: authorities copy their name byte by byte. Throws `DerFault`. */
export function readName(value: Value | undefined): Name {
  const attributes: [string, string][] = []
  for (const set of children(expect(value, tags.sequence)))
    for (const one of children(expect(set, tags.set))) {
      const [oid, words, more] = children(expect(one, tags.sequence))
      if (!words || more) throw new DerFault(`At ${one.start} stands no attribute of a name.`)
      attributes.push([readOid(oid), wordsOf(words)])
    }
  const der = wholeOf(value!)
  return { der, key: latin1(der), attributes }
}

/** What people write in names, as text; x500UniqueIdentifier is a bit string by its definition and a printable one in the tax authority's certificates. */
function wordsOf(value: Value): string {
  if (value.tag === tags.bits) return latin1(readBits(value))
  // Of kinds that are no text nothing is shown. What is text must be good text.
  return value.tag === tags.universal || (value.tag & 0x20) !== 0 ? '' : readText(value)
}

const attribute = ({ attributes }: Name, oid: string) => attributes.find(([key, words]) => key === oid && words.trim() !== '')?.[1].trim()

/** Common name, or organization, unit, e-mail address; the first words there are. Control characters and those that turn the direction of writing are left out. */
function nameOf(name: Name): string {
  const found = ['2.5.4.3', '2.5.4.10', '2.5.4.11', '1.2.840.113549.1.9.1'].map((oid) => attribute(name, oid)).find(Boolean)
  return (found ?? name.attributes.map(([, words]) => words).find((words) => words.trim()) ?? '?')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .slice(0, 200)
}

const rfcShape = /^[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3}$/
const curpShape = /^[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d$/

/** RFC in x500UniqueIdentifier and CURP in serialNumber, as the tax authority writes them: of a company `RFC / RFC of who acts` and ` / CURP of who acts`. */
function identifiersOf(subject: Name): Pick<Certificate, 'rfc' | 'curp' | 'representative'> {
  const [rfc, actingRfc] = halves(attribute(subject, '2.5.4.45'), rfcShape)
  const [curp, actingCurp] = halves(subject.attributes.find(([oid]) => oid === '2.5.4.5')?.[1], curpShape)
  return { rfc, curp, representative: actingRfc || actingCurp ? { rfc: actingRfc, curp: actingCurp } : null }
}

function halves(words: string | undefined, shape: RegExp): [string | null, string | null] {
  const [own = '', acting = ''] = (words ?? '').split('/').map((part) => part.trim().toUpperCase())
  return [shape.test(own) ? own : null, shape.test(acting) ? acting : null]
}

/** URIs of the OCSP responders in authorityInfoAccess. Addresses to ask, not to trust. */
function ocspUrlsOf(value: Value | undefined): string[] {
  if (!value) return []
  return children(expect(value, tags.sequence)).flatMap((one) => {
    const [method, where] = children(expect(one, tags.sequence))
    return readOid(method) === '1.3.6.1.5.5.7.48.1' && where?.tag === 0x86 ? [latin1(contentOf(where))] : []
  })
}

/** The URIs of cRLDistributionPoints. */
function listUrlsOf(value: Value | undefined): string[] {
  if (!value) return []
  return children(expect(value, tags.sequence)).flatMap((point) => {
    const where = children(expect(point, tags.sequence)).find((field) => field.tag === 0xa0)
    return where ? urlsOf(where) : []
  })
}

/** The URIs in the fullName of a DistributionPointName `[0]`. Throws `DerFault`. */
export function urlsOf(where: Value): string[] {
  const [full] = children(where)
  if (full?.tag !== 0xa0) return []
  return children(full).flatMap((name) => (name.tag === 0x86 ? [latin1(contentOf(name))] : []))
}

/** Whether the certificate names itself as its issuer. */
export const isSelfIssued = (c: Certificate): boolean => c.subject.key === c.issuer.key

/** Whether `issuer`'s key signed the certificate: the mathematics alone. */
export const isSignedBy = (c: Certificate, issuer: Certificate): boolean =>
  typeof c.algorithm !== 'string' && isSignature(issuer.key, c.algorithm, c.signed, c.signature)

/** Why a certificate cannot be used at an instant by itself, whoever issued it: its dates and its key. */
export function ownFault(c: Certificate, at: Date): ReasonCode | null {
  if (c.key.kind.fault !== null) return c.key.kind.fault
  if (c.key.object === null) return 'broken'
  return at < c.notBefore ? 'not-yet-valid' : at > c.notAfter ? 'expired' : null
}

/** What people are told of the one whose certificate it is. */
export const signerOf = (c: Certificate): Signer => ({
  name: c.name,
  rfc: c.rfc,
  curp: c.curp,
  representative: c.representative,
  issuer: c.issuerName,
  serial: c.serial,
  notBefore: c.notBefore,
  notAfter: c.notAfter,
  certificate: c.id,
})

/** The certificates of a bundle that can be read, and why the others cannot. Nobody needs all of a bundle: only who misses one asks why. */
export function readable(
  bundle: readonly Uint8Array[],
  known?: ReadonlyMap<string, Certificate>,
): { certificates: Certificate[]; faults: Reason[] } {
  const certificates: Certificate[] = []
  const faults: Reason[] = []
  for (const der of bundle)
    try {
      certificates.push(readCertificate(der, known))
    } catch (error) {
      faults.push(refusalOf(error))
    }
  return { certificates, faults }
}
