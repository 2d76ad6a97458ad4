/** What an authority says about revocation: answers to OCSP requests (RFC 6960), and lists (RFC 5280, 5). */
import { hash as digestOf } from 'node:crypto'
import { type Certificate, readExtensions } from '../certificate.ts'
import * as der from '../der.ts'
import { type Holder, type RemoteKey, serialOf } from './signer.ts'

const ids = {
  basic: der.oid('1.3.6.1.5.5.7.48.1.1'),
  nonce: der.oid('1.3.6.1.5.5.7.48.1.2'),
}

/** Why there is no answer: OCSPResponseStatus (RFC 6960, 4.2.1). */
export const ocspFailures = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const
export type OcspFailure = keyof typeof ocspFailures

/** An OCSPResponse without an answer. */
export const ocspFailure = (why: OcspFailure): Uint8Array => der.sequence(der.enumerated(ocspFailures[why]))

/** One certificate that is asked about. `id` is the CertID in DER, as it must be given back. */
export type CertId = {
  readonly id: Uint8Array
  readonly hash: 'sha1' | 'sha256'
  readonly issuerName: Uint8Array
  readonly issuerKey: Uint8Array
  /** Hexadecimal. */
  readonly serial: string
}

/** A request. `nonce`: the extension's value as it was sent. */
export type OcspRequest = { readonly asked: readonly CertId[]; readonly nonce: Uint8Array | null }

const mostAsked = 16
const idHashes: Readonly<Record<string, 'sha1' | 'sha256'>> = { '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256' }

/** Reads an OCSPRequest; null for what is none, asks about more than sixteen certificates, or has a nonce beyond 128 bytes (RFC 9654, 2.1). Never throws. */
export function readOcspRequest(bytes: Uint8Array): OcspRequest | null {
  try {
    const [tbs, signature, more] = der.children(der.expect(der.readWhole(bytes), der.tags.sequence))
    if (more || (signature && signature.tag !== 0xa0)) return null
    const fields = der.children(der.expect(tbs, der.tags.sequence))
    if (fields[0]?.tag === 0xa0 && der.readSmall(der.children(fields.shift()!)[0]) !== 0) return null
    // Who asks does not matter: everybody may.
    if (fields[0]?.tag === 0xa1) fields.shift()
    const [list, extensions, further] = fields
    if (further || (extensions && extensions.tag !== 0xa2)) return null
    const all = der.children(der.expect(list, der.tags.sequence))
    if (all.length === 0 || all.length > mostAsked) return null
    const asked = all.map((one): CertId => {
      const [id] = der.children(der.expect(one, der.tags.sequence))
      const [algorithm, issuerName, issuerKey, serial, beyond] = der.children(der.expect(id, der.tags.sequence))
      const hash = idHashes[der.readOid(der.children(der.expect(algorithm, der.tags.sequence))[0])]
      if (!hash || beyond) throw new der.DerFault('another hash')
      return {
        id: der.wholeOf(id!),
        hash,
        issuerName: der.contentOf(der.expect(issuerName, der.tags.octets)),
        issuerKey: der.contentOf(der.expect(issuerKey, der.tags.octets)),
        serial: Buffer.from(der.integerBytes(serial)).toString('hex'),
      }
    })
    let nonce: Uint8Array | null = null
    for (const [oid, { critical, value }] of extensions ? readExtensions(der.children(extensions)[0]) : []) {
      if (oid === '1.3.6.1.5.5.7.48.1.2') nonce = value
      else if (critical) return null
    }
    return nonce && nonce.length > 130 ? null : { asked, nonce }
  } catch (error) {
    if (error instanceof der.DerFault) return null
    throw error
  }
}

/** An OCSPRequest about one certificate with SHA-1 identifiers, as every responder reads them; with a nonce where one is given. */
export function makeOcspRequest(certificate: Certificate, issuer: Certificate, nonce?: Uint8Array): Uint8Array {
  const request = der.sequence(der.sequence(certIdOf(certificate.serial, issuer)))
  const extensions = nonce ? [der.tagged(2, der.sequence(der.sequence(ids.nonce, der.octets(der.octets(nonce)))))] : []
  return der.sequence(der.sequence(request, ...extensions))
}

/** The CertID of one of an issuer's certificates, with SHA-1. */
export const certIdOf = (serial: string, issuer: Certificate): Uint8Array =>
  der.sequence(
    der.sequence(der.oid('1.3.14.3.2.26'), der.nil),
    der.octets(digestOf('sha1', issuer.subject.der, 'buffer')),
    der.octets(digestOf('sha1', issuer.keyBits, 'buffer')),
    serialOf(serial),
  )

/** Why a certificate was revoked: CRLReason (RFC 5280, 5.3.1), those that are used here. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
} as const
export type RevocationReason = keyof typeof revocationReasons

/** What is said of a certificate. */
export type Said =
  | { readonly state: 'good' }
  | { readonly state: 'revoked'; readonly at: Date; readonly reason: RevocationReason }
  | { readonly state: 'unknown' }

/** An OCSPResponse about `all`, from `from` to `to`, signed by the responder and with its certificate. */
export function makeOcspResponse(
  all: readonly { readonly id: Uint8Array; readonly said: Said }[],
  by: Holder,
  { from, to, nonce = null }: { readonly from: Date; readonly to: Date; readonly nonce?: Uint8Array | null },
): Uint8Array {
  const now = der.generalizedTime(from)
  const next = der.tagged(0, der.generalizedTime(to))
  const answers = all.map(({ id, said }) => der.sequence(id, stateOf(said), now, next))
  const extensions = nonce ? [der.tagged(1, der.sequence(der.sequence(ids.nonce, der.octets(nonce))))] : []
  const data = der.sequence(responderOf(by), now, der.sequence(...answers), ...extensions)
  const basic = der.sequence(data, by.key.algorithm, der.bits(by.key.sign(data)), der.tagged(0, der.sequence(by.certificate.der)))
  return der.sequence(der.enumerated(0), der.tagged(0, der.sequence(ids.basic, der.octets(basic))))
}

const stateOf = (said: Said): Uint8Array => {
  if (said.state === 'good') return der.make(0x80)
  if (said.state === 'unknown') return der.make(0x82)
  // RFC 5280, 5.3.1: what is not specified is left out.
  const reason = said.reason === 'unspecified' ? [] : [der.tagged(0, der.enumerated(revocationReasons[said.reason]))]
  return der.tagged(1, der.generalizedTime(said.at), ...reason)
}

const responderOf = (by: Holder): Uint8Array => der.tagged(2, der.octets(digestOf('sha1', by.certificate.keyBits, 'buffer')))

/** A certificate on a list. `serial` in hexadecimal. */
export type Revoked = { readonly serial: string; readonly at: Date; readonly reason: RevocationReason }

/** A complete list (CertificateList in DER) of an authority, with its number and the authority's key identifier. */
export async function makeList(
  revoked: readonly Revoked[],
  by: Holder<RemoteKey>,
  { number, from, to }: { readonly number: number; readonly from: Date; readonly to: Date },
): Promise<Uint8Array> {
  const { certificate, key } = by
  const entries = revoked.map((r) =>
    der.sequence(
      serialOf(r.serial),
      der.time(r.at),
      ...(r.reason === 'unspecified'
        ? []
        : [der.sequence(der.sequence(der.oid('2.5.29.21'), der.octets(der.enumerated(revocationReasons[r.reason]))))]),
    ),
  )
  const extensions = der.sequence(
    der.sequence(der.oid('2.5.29.35'), der.octets(der.sequence(der.make(0x80, Buffer.from(certificate.subjectKeyId ?? '', 'hex'))))),
    der.sequence(der.oid('2.5.29.20'), der.octets(der.integer(number))),
  )
  const tbs = der.sequence(
    der.integer(1),
    key.algorithm,
    certificate.subject.der,
    der.time(from),
    der.time(to),
    ...(entries.length > 0 ? [der.sequence(...entries)] : []),
    der.tagged(0, extensions),
  )
  return der.sequence(tbs, key.algorithm, der.bits(await key.sign(tbs)))
}
