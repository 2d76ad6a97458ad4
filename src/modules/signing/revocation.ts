/** Whether a certificate was revoked at an instant, by answers of OCSP responders (RFC 6960) and lists of authorities (RFC 5280, 5). What is shown is read; nothing is asked of the network. */
import { hash as digestOf } from 'node:crypto'
import { isSignature, readAlgorithm, type SignatureAlgorithm } from './algorithm.ts'
import { type Certificate, type Extension, isSignedBy, ownFault, readable, readExtensions, readName, urlsOf } from './certificate.ts'
import {
  children,
  contentOf,
  DerFault,
  expect,
  integerBytes,
  readAt,
  readBits,
  readBoolean,
  readOid,
  readSmall,
  readTime,
  readWhole,
  same,
  tags,
  type Value,
  wholeOf,
} from './der.ts'
import { mayServe, type Trust } from './trust.ts'
import { type ReasonCode, Refusal } from './verdict.ts'

/** What somebody with the right to says about one certificate. */
type Statement = {
  readonly source: 'ocsp' | 'crl'
  readonly thisUpdate: Date
  readonly nextUpdate: Date | null
  /** Since when it is revoked; null when it is not. */
  readonly revokedAt: Date | null
}

/** Bytes that carry a signature of somebody about the state of certificates. */
type Signed = { readonly bytes: Uint8Array; readonly algorithm: SignatureAlgorithm | ReasonCode; readonly signature: Uint8Array }

/** One answer in an OCSP response: whom it speaks of by digests of the issuer and its serial, and what it says. */
export type OcspAnswer = {
  readonly hash: string
  readonly issuerName: Uint8Array
  readonly issuerKey: Uint8Array
  readonly serial: string
  readonly state: 'good' | 'revoked' | 'unknown'
  readonly revokedAt: Date | null
  readonly thisUpdate: Date
  readonly nextUpdate: Date | null
}

/** A response that was read. Who answers is proved by `statusOf`. */
export type OcspResponse = Signed & {
  /** The responder by its name or by the SHA-1 of its key, as DER of the one or bytes of the other. */
  readonly responder: { readonly name: string } | { readonly key: Uint8Array }
  readonly producedAt: Date
  readonly answers: readonly OcspAnswer[]
  readonly certificates: readonly Uint8Array[]
  /** Hexadecimal of the extension's value, as it was sent; null without one. */
  readonly nonce: string | null
}

// Identifiers of a certificate, not proofs: SHA-1 names the issuer here, as every responder writes it.
const idHashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

const largestResponse = 1_000_000
const mostAnswers = 1_000

/**
 * Reads an OCSPResponse, or the BasicOCSPResponse within one, as it stands in signatures. Throws `DerFault` and `Refusal` for what is none, for one that says that
 * nothing could be answered, and for a critical extension.
 */
export function readOcsp(der: Uint8Array): OcspResponse {
  if (der.length > largestResponse) throw new Refusal('too-large', `An OCSP response of ${der.length} bytes.`)
  const first = children(expect(readWhole(der), tags.sequence))
  if (first[0]?.tag !== tags.enumerated) return readBasic(first)
  const [status, wrapped] = first
  if (contentOf(status!).length !== 1 || contentOf(status!)[0] !== 0)
    throw new Refusal('unknown-revocation', 'The responder could not answer.')
  const [type, bytes] = children(expect(children(expect(wrapped, 0xa0))[0], tags.sequence))
  if (readOid(type) !== '1.3.6.1.5.5.7.48.1.1') throw new DerFault('An answer of another kind.')
  return readBasic(children(expect(readWhole(contentOf(expect(bytes, tags.octets))), tags.sequence)))
}

function readBasic([data, algorithm, signature, certificates, more]: readonly Value[]): OcspResponse {
  const fields = children(expect(data, tags.sequence))
  if (fields[0]?.tag === 0xa0) {
    if (readSmall(children(fields.shift()!)[0]) !== 0) throw new DerFault('An answer of another version.')
  }
  const [responder, producedAt, responses, extensions, further] = fields
  if (more || further || (extensions && extensions.tag !== 0xa1)) throw new DerFault('An OCSP response goes on.')
  const said = extensions ? readExtensions(children(extensions)[0]) : new Map<string, Extension>()
  refuseCritical(said)
  const answers = children(expect(responses, tags.sequence))
  if (answers.length > mostAnswers) throw new Refusal('too-large', 'An OCSP response with too many answers.')
  const nonce = said.get('1.3.6.1.5.5.7.48.1.2')
  const [list] = certificates ? children(expect(certificates, 0xa0)) : []
  const bundle = list ? children(expect(list, tags.sequence)).map(wholeOf) : []
  if (bundle.length > 16) throw new Refusal('too-large', 'An OCSP response with too many certificates.')
  const [named] = responder && (responder.tag === 0xa1 || responder.tag === 0xa2) ? children(responder) : []
  return {
    bytes: wholeOf(expect(data, tags.sequence)),
    algorithm: readAlgorithm(algorithm),
    signature: readBits(signature),
    responder: responder?.tag === 0xa1 ? { name: readName(named).key } : { key: contentOf(expect(named, tags.octets)) },
    producedAt: readTime(producedAt),
    answers: answers.map(readAnswer),
    certificates: bundle,
    nonce: nonce ? hexOf(nonce.value) : null,
  }
}

function refuseCritical(extensions: ReadonlyMap<string, Extension>, known: readonly string[] = []): void {
  for (const [oid, { critical }] of extensions)
    if (critical && !known.includes(oid)) throw new Refusal('unsupported', `The extension ${oid} is not known here.`)
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function readAnswer(value: Value): OcspAnswer {
  const [id, state, thisUpdate, ...rest] = children(expect(value, tags.sequence))
  const [algorithm, issuerName, issuerKey, serial] = children(expect(id, tags.sequence))
  const next = rest.find((field) => field.tag === 0xa0)
  const extensions = rest.find((field) => field.tag === 0xa1)
  if (extensions) refuseCritical(readExtensions(children(extensions)[0]))
  if (!state || ![0x80, 0xa1, 0x82].includes(state.tag)) throw new DerFault('An answer that says nothing.')
  return {
    hash: idHashes[readOid(children(expect(algorithm, tags.sequence))[0])] ?? '',
    issuerName: contentOf(expect(issuerName, tags.octets)),
    issuerKey: contentOf(expect(issuerKey, tags.octets)),
    serial: hexOf(integerBytes(serial)),
    state: state.tag === 0x80 ? 'good' : state.tag === 0xa1 ? 'revoked' : 'unknown',
    revokedAt: state.tag === 0xa1 ? readTime(children(state)[0]) : null,
    thisUpdate: readTime(thisUpdate),
    nextUpdate: next ? readTime(children(next)[0]) : null,
  }
}

/** A list of revocations that was read. Who issued it is proved by `statusOf`. */
export type RevocationList = Signed & {
  readonly issuer: string
  readonly thisUpdate: Date
  readonly nextUpdate: Date | null
  /** Which certificates it speaks of: all, or those of its distribution points, of persons or of authorities only. */
  readonly scope: { readonly urls: readonly string[]; readonly persons: boolean; readonly authorities: boolean }
  /** Since when the certificate with the serial (hexadecimal) is revoked; null when the list does not have it. Throws `DerFault` and `Refusal` for a list that is none. */
  revokedAt(serial: string): Date | null
}

const largestList = 20_000_000

/**
 * Reads a CertificateList. Lists that hold only what changed, lists of several authorities and lists for some reasons only are refused (`unsupported`): what they do
 * not name may still be revoked. Throws `DerFault` for what is no list.
 */
export function readCrl(der: Uint8Array): RevocationList {
  if (der.length > largestList) throw new Refusal('too-large', `A list of ${der.length} bytes.`)
  const [tbs, algorithm, signature, more] = children(expect(readWhole(der), tags.sequence))
  const fields = children(expect(tbs, tags.sequence))
  if (fields[0]?.tag === tags.integer && readSmall(fields.shift()!) !== 1) throw new DerFault('A list of another version.')
  const [inner, issuer, thisUpdate, ...rest] = fields
  if (more || !inner || !algorithm || !same(wholeOf(inner), wholeOf(algorithm))) throw new DerFault('This is no list of revocations.')
  const isTime = (value: Value | undefined) => value?.tag === tags.utcTime || value?.tag === tags.generalizedTime
  const nextUpdate = isTime(rest[0]) ? readTime(rest.shift()) : null
  const entries = rest[0]?.tag === tags.sequence ? rest.shift()! : null
  const wrapped = rest[0]?.tag === 0xa0 ? rest.shift()! : null
  if (rest.length > 0) throw new DerFault('A list of revocations goes on.')
  const extensions = wrapped ? readExtensions(children(wrapped)[0]) : new Map<string, Extension>()
  // RFC 5280, 5.2.4: only with the whole list beside it would this one tell anything.
  if (extensions.has('2.5.29.27')) throw new Refusal('unsupported', 'A list of changes only.')
  refuseCritical(extensions, ['2.5.29.28', '2.5.29.20', '2.5.29.35'])
  return {
    bytes: wholeOf(tbs!),
    algorithm: readAlgorithm(algorithm),
    signature: readBits(signature),
    issuer: readName(issuer).key,
    thisUpdate: readTime(thisUpdate),
    nextUpdate,
    scope: readScope(extensions.get('2.5.29.28')),
    revokedAt: (serial) => (entries ? findEntry(entries, serial) : null),
  }
}

/** issuingDistributionPoint (RFC 5280, 5.2.5). */
function readScope(extension: Extension | undefined): RevocationList['scope'] {
  let [urls, persons, authorities]: [readonly string[], boolean, boolean] = [[], true, true]
  for (const field of extension ? children(expect(readWhole(extension.value), tags.sequence)) : []) {
    if (field.tag === 0xa0) {
      urls = urlsOf(field)
      if (urls.length === 0) throw new Refusal('unsupported', 'A list whose place is no address.')
      continue
    }
    // IMPLICIT BOOLEANs.
    const set = readBoolean({ ...field, tag: tags.boolean })
    if (field.tag === 0x81 && set) authorities = false
    else if (field.tag === 0x82 && set) persons = false
    else if (set || ![0x84, 0x85].includes(field.tag))
      throw new Refusal('unsupported', 'A list for some reasons, of several authorities, or of attributes.')
  }
  return { urls, persons, authorities }
}

/** Walks the entries without keeping any: a list may have a million. */
function findEntry(entries: Value, wanted: string): Date | null {
  const serialBytes = Buffer.from(wanted, 'hex')
  for (let at = entries.from; at < entries.to; ) {
    const entry = readAt(entries.bytes, at, entries.to)
    at = entry.to
    const serial = readAt(entry.bytes, entry.from, entry.to)
    if (serial.to - serial.from !== serialBytes.length || !same(contentOf(serial), serialBytes)) continue
    const [, time, extensionsField] = children(expect(entry, tags.sequence))
    const extensions = extensionsField ? readExtensions(extensionsField) : new Map<string, Extension>()
    refuseCritical(extensions, ['2.5.29.21', '2.5.29.24'])
    const revokedAt = readTime(time)
    // RFC 5280, 5.3.2: since when the key may have been another's, where the authority knows it.
    const invalid = extensions.get('2.5.29.24')
    const since = invalid ? readTime(readWhole(invalid.value)) : revokedAt
    return since < revokedAt ? since : revokedAt
  }
  return null
}

/** What is shown about revocation, read. What cannot be read, or is of a kind that is refused, counts as not shown. */
export type Shown = { readonly ocsp: readonly OcspResponse[]; readonly crls: readonly RevocationList[] }

/** Reads what is shown about revocation. Never throws: what proves nothing is left out, and `unknown-revocation` follows where nothing is left. */
export function readShown(ocsp: readonly Uint8Array[], crls: readonly Uint8Array[]): Shown {
  const readAll = <T>(all: readonly Uint8Array[], read: (der: Uint8Array) => T): T[] =>
    all.flatMap((der) => {
      try {
        return [read(der)]
      } catch (error) {
        if (error instanceof DerFault || error instanceof Refusal) return []
        throw error
      }
    })
  return { ocsp: readAll(ocsp, readOcsp), crls: readAll(crls, readCrl) }
}

/** What is known: not revoked at the instant, revoked since, or nobody says. */
export type Status =
  | { readonly state: 'good'; readonly source: 'ocsp' | 'crl' }
  | { readonly state: 'revoked'; readonly source: 'ocsp' | 'crl'; readonly revokedAt: Date }
  | { readonly state: 'unknown' }

const patienceMs = 5 * 60_000

/**
 * Whether `certificate`, issued by `issuer`, was revoked at `when`, as one who asks at `at` may know from what is `shown`. One who says `revoked` outweighs all who say
 * good. `good` needs a statement made for that instant (`thisUpdate` to `nextUpdate`), or made later while the certificate was valid; one without an end speaks only
 * of the time before it. Never throws.
 */
export function statusOf(
  certificate: Certificate,
  issuer: Certificate,
  shown: Shown,
  { when, at, trust }: { when: Date; at: Date; trust: Trust },
): Status {
  let good: Status = { state: 'unknown' }
  for (const s of statements(certificate, issuer, shown, trust)) {
    if (s.revokedAt && s.revokedAt <= when) return { state: 'revoked', source: s.source, revokedAt: s.revokedAt }
    if (s.thisUpdate.getTime() > at.getTime() + patienceMs) continue
    const later = s.thisUpdate >= when && s.thisUpdate <= certificate.notAfter
    const meanwhile =
      s.thisUpdate.getTime() <= when.getTime() + patienceMs && when <= (s.nextUpdate ?? new Date(s.thisUpdate.getTime() + patienceMs))
    if ((later || meanwhile) && good.state === 'unknown') good = { state: 'good', source: s.source }
  }
  return good
}

function* statements(certificate: Certificate, issuer: Certificate, shown: Shown, trust: Trust): Generator<Statement> {
  for (const response of shown.ocsp) {
    const answers = response.answers.filter((a) => a.state !== 'unknown' && isAbout(a, certificate, issuer))
    if (answers.length === 0 || !mayAnswer(response, issuer, trust, shown.crls)) continue
    for (const { thisUpdate, nextUpdate, revokedAt } of answers) yield { source: 'ocsp', thisUpdate, nextUpdate, revokedAt }
  }
  for (const list of shown.crls) {
    const revokedAt = listed(list, certificate, issuer)
    if (revokedAt !== 'unknown') yield { source: 'crl', thisUpdate: list.thisUpdate, nextUpdate: list.nextUpdate, revokedAt }
  }
}

function isAbout(answer: OcspAnswer, certificate: Certificate, issuer: Certificate): boolean {
  if (answer.hash === '' || answer.serial !== certificate.serial) return false
  const of = (bytes: Uint8Array) => digestOf(answer.hash, bytes, 'buffer')
  return same(answer.issuerName, of(issuer.subject.der)) && same(answer.issuerKey, of(issuer.keyBits))
}

/** RFC 6960, 4.2.2.2: the issuer itself; whom it issued a certificate for this itself; or whom the trust list lets answer. */
function mayAnswer(response: OcspResponse, issuer: Certificate, trust: Trust, crls: readonly RevocationList[]): boolean {
  const { responder, producedAt } = response
  if (typeof response.algorithm === 'string') return false
  const pinned = [...trust.anchors.values()].filter((a) => a.vouches.has('ocsp')).map((a) => a.certificate)
  for (const c of [issuer, ...readable(response.certificates).certificates, ...pinned]) {
    const isNamed = 'name' in responder ? responder.name === c.subject.key : same(responder.key, digestOf('sha1', c.keyBits, 'buffer'))
    if (!isNamed || ownFault(c, producedAt)) continue
    const delegated = () =>
      mayServe(c, 'ocsp') && c.issuer.key === issuer.subject.key && isSignedBy(c, issuer) && !isListed(crls, c, issuer)
    if (c !== issuer && !(pinned.includes(c) && mayServe(c, 'ocsp')) && !delegated()) continue
    if (isSignature(c.key, response.algorithm, response.bytes, response.signature)) return true
  }
  return false
}

/** Whether a list says that the responder itself is revoked; one without ocsp-nocheck leaves that to whoever asks (RFC 6960, 4.2.2.2.1), and no answer could tell. */
const isListed = (crls: readonly RevocationList[], c: Certificate, issuer: Certificate) =>
  !c.ocspNoCheck && crls.some((list) => listed(list, c, issuer) instanceof Date)

/** Since when a list has the certificate, null when it has not; `unknown` when the list does not speak of it or is not its issuer's. */
function listed(list: RevocationList, certificate: Certificate, issuer: Certificate): Date | null | 'unknown' {
  const { scope } = list
  if (list.issuer !== certificate.issuer.key || list.issuer !== issuer.subject.key || typeof list.algorithm === 'string') return 'unknown'
  if (certificate.authority ? !scope.authorities : !scope.persons) return 'unknown'
  if (scope.urls.length > 0 && !certificate.listUrls.some((url) => scope.urls.includes(url))) return 'unknown'
  if (issuer.keyUsage && !issuer.keyUsage.has('cRLSign')) return 'unknown'
  if (!isSignature(issuer.key, list.algorithm, list.bytes, list.signature)) return 'unknown'
  try {
    return list.revokedAt(certificate.serial)
  } catch (error) {
    if (error instanceof DerFault || error instanceof Refusal) return 'unknown'
    throw error
  }
}
