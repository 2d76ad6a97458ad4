/** Certificates, signatures, timestamps, answers and lists for tests and benches, good and bad ones: whatever stands in them is the caller's choice. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import * as der from './der.ts'

/** An end of a key pair with a certificate over it. */
export type Holder = { readonly key: KeyObject; readonly certificate: Uint8Array; readonly name: Uint8Array; readonly keyId: Uint8Array }

export type Curve = 'P-256' | 'P-384' | 'P-521' | 'secp256k1'

/** A fresh key: `RSA` with its bits, a curve, or Ed25519. */
export function aKey(kind: number | Curve | 'Ed25519' = 'P-256'): KeyObject {
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519').privateKey
  return typeof kind === 'number'
    ? generateKeyPairSync('rsa', { modulusLength: kind }).privateKey
    : generateKeyPairSync('ec', { namedCurve: kind }).privateKey
}

/** A Name of attributes by identifier, one a set. */
export const aName = (...attributes: readonly (readonly [oid: string, words: string])[]) =>
  der.sequence(...attributes.map(([oid, words]) => der.setOf(der.sequence(der.oid(oid), der.text(der.tags.utf8, words)))))

/** A common name alone. */
export const called = (words: string) => aName(['2.5.4.3', words])

type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512'
const hashOids: Readonly<Record<HashName, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}
const rsaOids: Readonly<Record<HashName, string>> = {
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
}
const ecdsaOids: Readonly<Record<HashName, string>> = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
}

const hashAlgorithm = (hash: HashName) => der.sequence(der.oid(hashOids[hash]), der.nil)

/** The AlgorithmIdentifier of a key's signatures with a hash. */
function algorithmOf(key: KeyObject, hash: HashName): Uint8Array {
  if (key.asymmetricKeyType === 'rsa') return der.sequence(der.oid(rsaOids[hash]), der.nil)
  return der.sequence(der.oid(key.asymmetricKeyType === 'ed25519' ? '1.3.101.112' : ecdsaOids[hash]))
}

const signed = (key: KeyObject, hash: HashName, bytes: Uint8Array) => sign(key.asymmetricKeyType === 'ed25519' ? null : hash, bytes, key)

/** An extension. */
export const anExtension = (oid: string, value: Uint8Array, critical = false) =>
  critical ? der.sequence(der.oid(oid), der.yes, der.octets(value)) : der.sequence(der.oid(oid), der.octets(value))

/** Places of KeyUsage. */
export const use = { digitalSignature: 0, nonRepudiation: 1, keyEncipherment: 2, keyCertSign: 5, cRLSign: 6 } as const

export const purposeOids = {
  email: '1.3.6.1.5.5.7.3.4',
  server: '1.3.6.1.5.5.7.3.1',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
}

export type Certified = {
  readonly name: Uint8Array
  readonly key?: KeyObject
  /** Null signs itself. */
  readonly by?: Holder | null
  readonly from?: Date
  readonly to?: Date
  readonly serial?: number | Uint8Array
  readonly authority?: { readonly pathLength?: number } | false
  readonly usage?: readonly number[] | null
  readonly extended?: { readonly oids: readonly string[]; readonly critical?: boolean } | null
  readonly hash?: HashName
  readonly more?: readonly Uint8Array[]
  /** Another issuer's name than that of whoever signs. */
  readonly issuerName?: Uint8Array
  /** Another SubjectPublicKeyInfo than the key's. */
  readonly spki?: Uint8Array
  readonly keyIds?: boolean
}

let serials = 4096

/** The contents of the bit string in a SubjectPublicKeyInfo. */
const bitsOf = (spki: Uint8Array) => der.readBits(der.children(der.readWhole(spki))[1])
const sha = (hash: string, bytes: Uint8Array) => createHash(hash).update(bytes).digest()

/** Issues a certificate. */
export function certify(given: Certified): Holder {
  const { by = null, authority = false, hash = 'sha256', extended = null, more = [], keyIds = true } = given
  const key = given.key ?? aKey()
  const spki = given.spki ?? toSpki(key)
  const keyId = sha('sha1', bitsOf(spki))
  const usage =
    given.usage === undefined ? (authority ? [use.keyCertSign, use.cRLSign] : [use.digitalSignature, use.nonRepudiation]) : given.usage
  const signer = by?.key ?? key
  const basic = authority
    ? der.sequence(der.yes, ...(authority.pathLength === undefined ? [] : [der.integer(authority.pathLength)]))
    : der.sequence()
  const extensions = [
    anExtension('2.5.29.19', basic, true),
    ...(usage ? [anExtension('2.5.29.15', der.flags(...usage), true)] : []),
    ...(extended ? [anExtension('2.5.29.37', der.sequence(...extended.oids.map(der.oid)), extended.critical)] : []),
    ...(keyIds
      ? [anExtension('2.5.29.14', der.octets(keyId)), anExtension('2.5.29.35', der.sequence(der.make(0x80, by?.keyId ?? keyId)))]
      : []),
    ...more,
  ]
  const tbs = der.sequence(
    der.tagged(0, der.integer(2)),
    der.integer(given.serial ?? ++serials),
    algorithmOf(signer, hash),
    given.issuerName ?? by?.name ?? given.name,
    der.sequence(der.time(given.from ?? new Date('2026-01-01T00:00:00Z')), der.time(given.to ?? new Date('2046-01-01T00:00:00Z'))),
    given.name,
    spki,
    der.tagged(3, der.sequence(...extensions)),
  )
  return { key, certificate: der.sequence(tbs, algorithmOf(signer, hash), der.bits(signed(signer, hash, tbs))), name: given.name, keyId }
}

const toSpki = (key: KeyObject): Uint8Array => createPublicKey(key).export({ type: 'spki', format: 'der' })

const attribute = (oid: string, ...values: readonly Uint8Array[]) => der.sequence(der.oid(oid), der.setOf(...values))

/** The serial of a certificate as it stands in it. */
const serialOf = (certificate: Uint8Array) => der.integerBytes(der.children(der.children(der.readWhole(certificate))[0]!)[1])
const issuerOf = (certificate: Uint8Array) => der.wholeOf(der.children(der.children(der.readWhole(certificate))[0]!)[3]!)

export type Signing = {
  readonly content: Uint8Array
  readonly by: Holder
  /** The certificates in the file; the signer's by default. */
  readonly certificates?: readonly Uint8Array[]
  readonly attached?: boolean
  readonly hash?: HashName
  readonly at?: Date
  /** The certificate that signing-certificate-v2 binds; null for none. */
  readonly bound?: Uint8Array | null
  readonly contentType?: string
  /** Unsigned attributes made from the signature's value. */
  readonly unsigned?: (signature: Uint8Array) => readonly Uint8Array[]
  readonly crls?: readonly Uint8Array[]
  readonly ocsp?: readonly Uint8Array[]
}

const dataType = '1.2.840.113549.1.7.1'

/** Signs as CAdES B-B. */
export function signCades(given: Signing): Uint8Array {
  const { content, by, certificates = [by.certificate], hash = 'sha256', contentType = dataType, bound = by.certificate } = given
  const attributes = der.setOf(
    attribute('1.2.840.113549.1.9.3', der.oid(contentType)),
    attribute('1.2.840.113549.1.9.4', der.octets(sha(hash, content))),
    ...(given.at ? [attribute('1.2.840.113549.1.9.5', der.time(given.at))] : []),
    ...(bound ? [attribute('1.2.840.113549.1.9.16.2.47', der.sequence(der.sequence(der.sequence(der.octets(sha('sha256', bound))))))] : []),
  )
  const signature = signed(by.key, hash, attributes)
  const inPlace = Uint8Array.from(attributes)
  inPlace[0] = 0xa0
  const unsigned = given.unsigned?.(signature) ?? []
  const revocations = [...(given.crls ?? []), ...(given.ocsp ?? []).map((o) => der.tagged(1, der.oid('1.3.6.1.5.5.7.16.2'), o))]
  return der.sequence(
    der.oid('1.2.840.113549.1.7.2'),
    der.tagged(
      0,
      der.sequence(
        der.integer(contentType === dataType ? 1 : 3),
        der.setOf(hashAlgorithm(hash)),
        der.sequence(der.oid(contentType), ...(given.attached ? [der.tagged(0, der.octets(content))] : [])),
        der.tagged(0, ...certificates),
        ...(revocations.length > 0 ? [der.tagged(1, ...revocations)] : []),
        der.setOf(
          der.sequence(
            der.integer(1),
            der.sequence(issuerOf(by.certificate), der.make(der.tags.integer, serialOf(by.certificate))),
            hashAlgorithm(hash),
            inPlace,
            algorithmOf(by.key, hash),
            der.octets(signature),
            ...(unsigned.length > 0 ? [der.tagged(1, ...unsigned)] : []),
          ),
        ),
      ),
    ),
  )
}

/** The same attached signature as other programs write it: lengths left open from the outside inwards, and the content in two pieces. */
export function asBer(bytes: Uint8Array): Uint8Array {
  const parts = der.children(der.children(der.children(der.readWhole(bytes))[1]!)[0]!)
  const [type, wrapped] = der.children(parts[2]!)
  const content = der.contentOf(der.children(wrapped!)[0]!)
  const open = (tag: number, ...inner: readonly Uint8Array[]) => Buffer.concat([Uint8Array.of(tag, 0x80), ...inner, Uint8Array.of(0, 0)])
  const pieces = open(0x24, der.octets(content.subarray(0, 7)), der.octets(content.subarray(7)))
  const encapsulated = open(0x30, der.wholeOf(type!), open(0xa0, pieces))
  const [version, hashes, , ...rest] = parts.map(der.wholeOf)
  return open(0x30, der.oid('1.2.840.113549.1.7.2'), open(0xa0, open(0x30, version!, hashes!, encapsulated, ...rest)))
}

/** A timestamp token over bytes. */
export function stamp(
  bytes: Uint8Array,
  by: Holder,
  at: Date,
  { hash = 'sha256', certificates = [by.certificate] }: { hash?: HashName; certificates?: readonly Uint8Array[] } = {},
): Uint8Array {
  const info = der.sequence(
    der.integer(1),
    der.oid('1.3.6.1.4.1.13762.3'),
    der.sequence(hashAlgorithm(hash), der.octets(sha(hash, bytes))),
    der.integer(++serials),
    der.generalizedTime(at),
  )
  return signCades({ content: info, by, attached: true, contentType: '1.2.840.113549.1.9.16.1.4', certificates })
}

/** The unsigned attribute of a token, or of several. */
export const tokenAttribute = (...tokens: readonly Uint8Array[]) => attribute('1.2.840.113549.1.9.16.2.14', ...tokens)

/** A list of revocations. */
export function listRevoked(
  by: Holder,
  revoked: readonly { readonly certificate: Uint8Array; readonly at: Date }[],
  { from, to, more = [] }: { from: Date; to: Date; more?: readonly Uint8Array[] },
): Uint8Array {
  const algorithm = algorithmOf(by.key, 'sha256')
  const tbs = der.sequence(
    der.integer(1),
    algorithm,
    by.name,
    der.time(from),
    der.time(to),
    ...(revoked.length > 0
      ? [der.sequence(...revoked.map((r) => der.sequence(der.make(der.tags.integer, serialOf(r.certificate)), der.time(r.at))))]
      : []),
    der.tagged(
      0,
      der.sequence(anExtension('2.5.29.35', der.sequence(der.make(0x80, by.keyId))), anExtension('2.5.29.20', der.integer(1)), ...more),
    ),
  )
  return der.sequence(tbs, algorithm, der.bits(signed(by.key, 'sha256', tbs)))
}

/** An OCSP response about one certificate. */
export function answer(
  certificate: Uint8Array,
  issuer: Holder,
  by: Holder,
  { from, to, revokedAt }: { from: Date; to?: Date; revokedAt?: Date },
): Uint8Array {
  const spki = der.wholeOf(der.children(der.children(der.readWhole(issuer.certificate))[0]!)[6]!)
  const one = der.sequence(
    der.sequence(
      hashAlgorithm('sha1'),
      der.octets(sha('sha1', issuer.name)),
      der.octets(sha('sha1', bitsOf(spki))),
      der.make(der.tags.integer, serialOf(certificate)),
    ),
    revokedAt ? der.tagged(1, der.generalizedTime(revokedAt)) : der.make(0x80),
    der.generalizedTime(from),
    ...(to ? [der.tagged(0, der.generalizedTime(to))] : []),
  )
  const data = der.sequence(der.tagged(2, der.octets(by.keyId)), der.generalizedTime(from), der.sequence(one))
  const basic = der.sequence(
    data,
    algorithmOf(by.key, 'sha256'),
    der.bits(signed(by.key, 'sha256', data)),
    der.tagged(0, der.sequence(by.certificate)),
  )
  return der.sequence(der.enumerated(0), der.tagged(0, der.sequence(der.oid('1.3.6.1.5.5.7.48.1.1'), der.octets(basic))))
}

/** A small PDF with one empty page and a place for a signature, filled by `make` from what it covers. Given a PDF, another revision with another signature is added. */
export function signPdf(
  make: (covered: Uint8Array) => Uint8Array,
  { form = 'ETSI.CAdES.detached', before = null as Buffer | null, room = 16_384 } = {},
): Buffer {
  const n = before ? (before.toString('latin1').match(/ obj\n/g) ?? []).length : 0
  const place = '0'.repeat(room)
  const range = '/ByteRange [0 0000000000 0000000000 0000000000]'
  const field = n + 4
  const objects: [number, string][] = [
    [1, `<< /Type /Catalog /Pages 2 0 R /AcroForm << /SigFlags 3 /Fields [${before ? '4 0 R ' : ''}${field} 0 R] >> >>`],
    ...(before ? [] : ([[2, '<< /Type /Pages /Kids [3 0 R] /Count 1 >>']] as [number, string][])),
    [3, `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Annots [${before ? '4 0 R ' : ''}${field} 0 R] >>`],
    [field, `<< /Type /Annot /Subtype /Widget /FT /Sig /T (s${field}) /Rect [0 0 0 0] /F 132 /P 3 0 R /V ${field + 1} 0 R >>`],
    [field + 1, `<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /${form} ${range} /Contents <${place}> >>`],
  ]
  let text = before ? before.toString('latin1') : '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'
  const previous = before ? Number(/startxref\n(\d+)\n%%EOF\s*$/.exec(text)![1]) : null
  const xref: string[] = before ? [] : ['0 1\n0000000000 65535 f \n']
  for (const [id, words] of objects) {
    xref.push(`${id} 1\n${String(text.length).padStart(10, '0')} 00000 n \n`)
    text += `${id} 0 obj\n${words}\nendobj\n`
  }
  const at = text.length
  text += `xref\n${xref.join('')}trailer\n<< /Size ${field + 2} /Root 1 0 R${previous === null ? '' : ` /Prev ${previous}`} >>\nstartxref\n${at}\n%%EOF\n`
  const from = text.lastIndexOf(`<${place}>`)
  const to = from + room + 2
  const ten = (value: number) => String(value).padStart(10, '0')
  text = `${text.slice(0, text.lastIndexOf(range))}/ByteRange [0 ${ten(from)} ${ten(to)} ${ten(text.length - to)}]${text.slice(text.lastIndexOf(range) + range.length)}`
  const bytes = Buffer.from(text, 'latin1')
  const signature = make(Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]))
  bytes.write(Buffer.from(signature).toString('hex'), from + 1, 'latin1')
  return bytes
}
