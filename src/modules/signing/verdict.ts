/** Why a signature does not hold, and the verdict on one: it holds, or it does not for reasons that each have their words. */
import { formatDate, formatNumber, type Language, texts } from '#kernel/text'
import { DerFault } from './der.ts'
import en from './text.verdict.en.json' with { type: 'json' }
import es from './text.verdict.es.json' with { type: 'json' }

const text = texts({ es, en })
type Key = keyof typeof es

/**
 * Every reason there is, with what it is about: the file, the signature, what was signed, a certificate, or the timestamp. The words of each stand in
 * `text.verdict.<language>.json` under `reason.<code>`.
 */
export const reasons = {
  broken: 'file',
  'too-large': 'file',
  unsupported: 'file',
  'no-signature': 'file',
  'range-not-whole': 'file',
  appended: 'file',
  'bad-signature': 'signature',
  'weak-hash': 'signature',
  'no-certificate': 'signature',
  'certificate-not-bound': 'signature',
  'no-content': 'content',
  'other-content': 'content',
  expired: 'certificate',
  'not-yet-valid': 'certificate',
  revoked: 'certificate',
  'unknown-revocation': 'certificate',
  untrusted: 'certificate',
  'self-made': 'certificate',
  forged: 'certificate',
  'wrong-usage': 'certificate',
  'not-an-authority': 'certificate',
  'wrong-curve': 'certificate',
  'weak-key': 'certificate',
  'chain-loop': 'certificate',
  'chain-too-long': 'certificate',
  'bad-timestamp': 'timestamp',
  'timestamp-of-other-data': 'timestamp',
} as const
export type ReasonCode = keyof typeof reasons

/** One reason. `whose` names the certificate that is meant, where one is. */
export type Reason = { readonly code: ReasonCode; readonly whose: string | null }

/** A reason of the table. */
export const because = (code: ReasonCode, whose: string | null = null): Reason => ({ code, whose })

/** What was read is refused for a reason of the table. The message is for a log; people read `sentenceOf`. */
export class Refusal extends Error {
  readonly reason: Reason
  constructor(code: ReasonCode, message: string, whose: string | null = null) {
    super(message)
    this.reason = because(code, whose)
  }
}

/** The reason behind what a reader threw: its own, or `broken` for what is not DER. Throws again what is a bug. */
export function refusalOf(error: unknown): Reason {
  if (error instanceof Refusal) return error.reason
  if (error instanceof DerFault) return because('broken')
  throw error
}

/** The reason as a sentence for people. */
export function reasonSentence(language: Language, { code, whose }: Reason): string {
  return text(language, `reason.${code}` as Key, { whose: whose ?? text(language, `whose.${reasons[code]}` as Key) })
}

/** Reasons without those that say the same twice. */
export function distinct(all: readonly Reason[]): Reason[] {
  return all.filter((r, i) => all.findIndex((other) => other.code === r.code && other.whose === r.whose) === i)
}

/** Whose certificate signed, as it says itself: only as true as the authority that vouches for it. */
export type Signer = {
  readonly name: string
  /** RFC of the person or company; null where the certificate has none. */
  readonly rfc: string | null
  readonly curp: string | null
  /** Who acts for a company, in certificates of companies. */
  readonly representative: { readonly rfc: string | null; readonly curp: string | null } | null
  /** The authority that issued the certificate, as a name for people. */
  readonly issuer: string
  /** Hexadecimal. */
  readonly serial: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** SHA-256 of the certificate, hexadecimal. */
  readonly certificate: string
}

/** Baseline levels of EN 319 122-1: signed; with a timestamp; with what shows later that the certificate was not revoked. */
export type Level = 'B-B' | 'B-T' | 'B-LT'

/** What was found out about one signature. Whoever reads the rest has `holds` before their eyes: where it is false nothing else here is proved. */
export type Finding = {
  readonly holds: boolean
  /** Empty exactly when it holds. */
  readonly reasons: readonly Reason[]
  readonly signer: Signer | null
  /** As what the trust list knows the signer; null where nobody on it vouches. */
  readonly as: 'people' | 'seals' | null
  readonly level: Level
  /** When the signature existed at the latest, by a timestamp that holds; null without one. */
  readonly provedAt: Date | null
  /** The name of the timestamp authority. */
  readonly provedBy: string | null
  /** When the signer says they signed. Anybody can write anything here. */
  readonly claimedAt: Date | null
  /** The instant for which the signer's certificate was judged: the timestamp's, or else that of asking. */
  readonly judgedAt: Date
  /** The digest of what was signed, as it stands in the signature. */
  readonly content: { readonly hash: string; readonly digest: string } | null
  /** Whether somebody said that the certificate was not revoked at `judgedAt`: an answer, a list, or nobody was needed because the certificate itself is on the trust list. */
  readonly revocation: 'ocsp' | 'crl' | 'pinned' | 'unknown'
  /** Of a signature of a PDF: how many bytes of the file it speaks of, from the first on, and whether that is the whole file but for evidence about it. */
  readonly covers: { readonly bytes: number; readonly whole: boolean } | null
}

/** What a record says of itself: which receipt for a filing at which portal, or which decision. */
export type PaperName =
  | { readonly kind: 'receipt'; readonly reference: string; readonly portal: string }
  | { readonly kind: 'decision'; readonly reference: string; readonly code: string }

/** A paper of a portal, as its record says under the seal of `sealedBy`: as true as that institution is the portal's. */
export type Paper = PaperName & { readonly sealedBy: string }

/** The verdict on a file. There is no third answer. */
export type Verdict =
  | {
      readonly holds: true
      readonly format: 'cades' | 'pades'
      readonly reasons: readonly []
      readonly signatures: readonly Finding[]
      /** Which paper of a portal the file is; null where its record is under no seal, or it has none. */
      readonly paper: Paper | null
    }
  | {
      readonly holds: false
      readonly format: 'cades' | 'pades'
      /** Those of the file and of every signature in it. */
      readonly reasons: readonly [Reason, ...Reason[]]
      readonly signatures: readonly Finding[]
      readonly paper: null
    }

/** The verdict that follows from the findings: it holds when there is a signature, every one holds, and nothing else is wrong with the file. `paper` is what its record says it is. */
export function verdictOf(
  format: 'cades' | 'pades',
  signatures: readonly Finding[],
  file: readonly Reason[] = [],
  paper: Paper | null = null,
): Verdict {
  const all = distinct([...file, ...signatures.flatMap((s) => s.reasons)])
  const [first, ...more] = signatures.length === 0 && all.length === 0 ? [because('no-signature')] : all
  return first === undefined
    ? { holds: true, format, reasons: [], signatures, paper }
    : { holds: false, format, reasons: [first, ...more], signatures, paper: null }
}

/** The verdict in plain words, line by line: whether it holds and why not, then who signed what and when. */
export function explain(language: Language, verdict: Verdict): string[] {
  const say = (key: Key, parameters?: Readonly<Record<string, string>>) => text(language, key, parameters)
  const instant = (at: Date) => say('says.zone', { at: formatDate(language, at, { time: true }) })
  const lines = [say(verdict.holds ? 'says.holds' : 'says.fails'), ...verdict.reasons.map((r) => `  ${reasonSentence(language, r)}`)]
  const { paper } = verdict
  if (paper?.kind === 'receipt') lines.push(say('says.receipt', { reference: paper.reference, portal: paper.portal, by: paper.sealedBy }))
  if (paper?.kind === 'decision') lines.push(say('says.decision', { reference: paper.reference, code: paper.code, by: paper.sealedBy }))
  for (const [i, f] of verdict.signatures.entries()) {
    lines.push('')
    if (verdict.signatures.length > 1) {
      lines.push(
        `${say('says.signature', { n: String(i + 1), of: String(verdict.signatures.length) })}: ${say(f.holds ? 'says.holds' : 'says.fails')}`,
      )
      lines.push(...f.reasons.map((r) => `  ${reasonSentence(language, r)}`))
    }
    if (!f.signer) lines.push(say('says.nobody'))
    else {
      const { name, rfc, curp, representative: acting, serial, issuer } = f.signer
      lines.push(say(f.holds ? 'says.who' : 'says.unproved', { name }))
      if (rfc) lines.push(say('says.rfc', { rfc }))
      if (curp) lines.push(say('says.curp', { curp }))
      if (acting) lines.push(say('says.acting', { who: [acting.rfc, acting.curp].filter(Boolean).join(', ') }))
      lines.push(say('says.issuer', { serial: serialForPeople(serial), issuer }))
      if (f.as === 'seals') lines.push(say('says.seal'))
    }
    if (f.content) lines.push(say('says.content', { hash: f.content.hash.replace('sha', 'SHA-'), digest: f.content.digest }))
    if (f.provedAt) lines.push(say('says.proved', { at: instant(f.provedAt), by: f.provedBy ?? '?' }))
    else lines.push(f.claimedAt ? say('says.claimed', { at: instant(f.claimedAt) }) : say('says.no-time'))
    if (f.signer) lines.push(say(`says.revocation.${f.revocation}` as Key))
    if (f.covers)
      lines.push(f.covers.whole ? say('says.covers-whole') : say('says.covers-part', { bytes: formatNumber(language, f.covers.bytes) }))
    lines.push(say('says.level', { level: f.level }))
  }
  return lines
}

/** The tax authority's serial numbers are digits written as ASCII, and people know them by the digits. */
const serialForPeople = (serial: string) => (/^(?:3\d){20}$/.test(serial) ? Buffer.from(serial, 'hex').toString('latin1') : serial)
