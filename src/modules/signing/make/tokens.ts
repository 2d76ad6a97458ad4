/** Timestamps (RFC 3161), made: what is asked is read, and a token says when its digest was there. */
import { randomBytes } from 'node:crypto'
import { digest, type Hash, hashBytes, readHash } from '../algorithm.ts'
import { contentTypes, isHash } from '../cms.ts'
import * as der from '../der.ts'
import { sealBytes } from './cades.ts'
import { type Holder, hashAlgorithm } from './signer.ts'

/** Of our own there is no registered identifier: anyPolicy says that no further one is promised (RFC 5280, 4.2.1.4). */
const policy = der.oid('2.5.29.32.0')

const imprintAlgorithms: Readonly<Record<Hash, Uint8Array>> = {
  sha256: hashAlgorithm('sha256'),
  sha384: hashAlgorithm('sha384'),
  sha512: der.sequence(der.oid('2.16.840.1.101.3.4.2.3'), der.nil),
}

/** What somebody asks a timestamp for. */
export type TimestampRequest = {
  readonly hash: Hash
  readonly digest: Uint8Array
  /** INTEGER in DER, as it is to be given back; null without one. */
  readonly nonce: Uint8Array | null
  /** Whether the certificate goes along. */
  readonly certificate: boolean
}

/** Why a request is refused: PKIFailureInfo by its bit (RFC 3161, 2.4.2). */
export const failures = { badAlg: 0, badRequest: 2, badDataFormat: 5, unacceptedPolicy: 15, unacceptedExtension: 16 } as const
export type Failure = keyof typeof failures

/** Reads a TimeStampReq in DER; a failure says why it is refused. Never throws. */
export function readTimestampRequest(bytes: Uint8Array): TimestampRequest | Failure {
  try {
    const [version, imprint, ...rest] = der.children(der.expect(der.readWhole(bytes), der.tags.sequence))
    if (der.readSmall(version) !== 1) return 'badRequest'
    const [algorithm, hashed, more] = der.children(der.expect(imprint, der.tags.sequence))
    const hash = readHash(algorithm)
    if (!isHash(hash)) return 'badAlg'
    const digestBytes = der.contentOf(der.expect(hashed, der.tags.octets))
    if (more || digestBytes.length !== hashBytes[hash]) return 'badDataFormat'
    let at = 0
    if (rest[at]?.tag === der.tags.oid) {
      if (!der.same(der.wholeOf(rest[at]!), policy)) return 'unacceptedPolicy'
      at++
    }
    const nonce = rest[at]?.tag === der.tags.integer ? rest[at++]! : null
    if (nonce && der.integerBytes(nonce).length > 64) return 'badDataFormat'
    const wants = rest[at]?.tag === der.tags.boolean ? der.readBoolean(rest[at++]) : false
    if (rest[at]?.tag === 0xa0) return 'unacceptedExtension'
    if (rest[at]) return 'badDataFormat'
    return { hash, digest: digestBytes, nonce: nonce && der.wholeOf(nonce), certificate: wants }
  } catch (error) {
    if (error instanceof der.DerFault) return 'badDataFormat'
    throw error
  }
}

/** A TimeStampToken (CMS in DER): the digest was there at `at`, to the second. The serial is random, so that many processes never give one twice. */
export function makeToken(asked: TimestampRequest, by: Holder, at: Date): Uint8Array {
  const serial = randomBytes(16)
  serial[0]! &= 0x7f
  const info = der.sequence(
    one,
    policy,
    der.sequence(imprintAlgorithms[asked.hash], der.octets(asked.digest)),
    der.integer(serial),
    der.generalizedTime(at),
    ...(asked.nonce ? [asked.nonce] : []),
  )
  return sealBytes(info, by, { contentType: contentTypes.timestamp, attached: true, certificates: asked.certificate })
}

const one = der.integer(1)

/** A token over bytes, with SHA-256 and the certificate. */
export const stampBytes = (bytes: Uint8Array, by: Holder, at: Date): Uint8Array =>
  makeToken({ hash: 'sha256', digest: digest('sha256', bytes), nonce: null, certificate: true }, by, at)

/** A TimeStampResp with a token, or with why there is none. */
export function timestampResponse(token: Uint8Array | Failure): Uint8Array {
  if (typeof token !== 'string') return der.sequence(der.sequence(der.integer(0)), token)
  return der.sequence(der.sequence(der.integer(2), der.flags(failures[token])))
}
