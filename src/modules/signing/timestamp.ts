/** Timestamps (RFC 3161): what a token says, and whether it proves that some bytes existed at its time. */
import { digest, type Hash, readHash } from './algorithm.ts'
import { type Certificate, readable } from './certificate.ts'
import { contentTypes, isHash, isMeant, readSigned, type SignedData, signerFaults } from './cms.ts'
import { children, contentOf, DerFault, expect, integerBytes, readOid, readSmall, readTime, readWhole, same, tags } from './der.ts'
import { chainOf, type Trust, Work } from './trust.ts'
import { because, distinct, type Reason, type ReasonCode } from './verdict.ts'

/** A token that was read. Nothing in it is proved before `checkToken`. */
export type TimestampToken = {
  readonly signed: SignedData
  readonly policy: string
  readonly imprint: { readonly hash: Hash | ReasonCode; readonly digest: Uint8Array }
  /** Hexadecimal. */
  readonly serial: string
  readonly at: Date
  /** Hexadecimal; null without one. */
  readonly nonce: string | null
}

/** Reads a TimeStampToken. Throws `DerFault` and `Refusal` for what is none. */
export function readToken(der: Uint8Array): TimestampToken {
  const signed = readSigned(der)
  if (signed.contentType !== contentTypes.timestamp || !signed.content || signed.signers.length !== 1)
    throw new DerFault('This is no timestamp.')
  const [version, policy, imprint, serial, time, ...rest] = children(expect(readWhole(signed.content), tags.sequence))
  if (readSmall(version) !== 1) throw new DerFault('A timestamp of another version.')
  const [hash, hashed, more] = children(expect(imprint, tags.sequence))
  if (more) throw new DerFault('An imprint goes on.')
  // Extensions of ours there are none, and a critical one may turn the meaning of the rest.
  const extensions = rest.find((field) => field.tag === 0xa1)
  for (const one of extensions ? children(extensions) : [])
    if (children(one)[1]?.tag === tags.boolean) throw new DerFault('A timestamp has a critical extension.')
  const nonce = rest.find((field) => field.tag === tags.integer)
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  return {
    signed,
    policy: readOid(policy),
    imprint: { hash: readHash(hash), digest: contentOf(expect(hashed, tags.octets)) },
    serial: hex(integerBytes(serial)),
    at: readTime(expect(time, tags.generalizedTime)),
    nonce: nonce ? hex(integerBytes(nonce)) : null,
  }
}

/** What a token proves: when, by whom; or why nothing. */
export type Timestamp = {
  readonly at: Date
  readonly authority: Certificate | null
  readonly chain: readonly Certificate[]
  /** Empty when it holds. */
  readonly reasons: readonly Reason[]
}

/** Clocks differ. A timestamp a little after the instant of asking is no lie. */
const patienceMs = 5 * 60_000

/**
 * Judges a token over `bytes` at the instant `at`: its imprint, its signature, and its authority, which the trust list must let vouch for timestamps and whose
 * certificate names this usage alone, critically. The certificate must be valid at `at` and at the token's time. Never throws.
 */
export function checkToken(
  token: TimestampToken,
  bytes: Uint8Array,
  { trust, at, given = [], work = new Work() }: { trust: Trust; at: Date; given?: readonly Certificate[]; work?: Work },
): Timestamp {
  const reasons: Reason[] = []
  const { hash } = token.imprint
  if (!isHash(hash)) reasons.push(because('bad-timestamp'), because(hash))
  else if (!same(token.imprint.digest, digest(hash, bytes))) reasons.push(because('timestamp-of-other-data'))
  if (token.at.getTime() > at.getTime() + patienceMs) reasons.push(because('bad-timestamp'))

  const { certificates, faults } = readable(token.signed.certificates, trust.known)
  const [signer] = token.signed.signers
  const all = [...certificates, ...given, ...trust.known.values()]
  const authority = all.find((c) => isMeant(signer!, c)) ?? null
  if (!authority)
    return {
      at: token.at,
      authority,
      chain: [],
      reasons: distinct([...reasons, because('bad-timestamp'), ...(faults.length > 0 ? faults : [because('no-certificate')])]),
    }
  const wrong = signerFaults(signer!, token.signed, authority, token.signed.content!)
  if (token.at < authority.notBefore) wrong.push(because('not-yet-valid', authority.name))
  else if (token.at > authority.notAfter) wrong.push(because('expired', authority.name))
  const { chain, reasons: chained } = chainOf(authority, all, trust, at, 'timestamps', work)
  wrong.push(...chained)
  if (wrong.length > 0) reasons.push(because('bad-timestamp'), ...wrong)
  return { at: token.at, authority, chain, reasons: distinct(reasons) }
}
