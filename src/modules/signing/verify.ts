/**
 * One verdict on a signature: who signed what, when, whether it holds and why not. CAdES (EN 319 122-1) in a file beside the content or around it, and PAdES
 * (EN 319 142-1) within a PDF. It asks nobody: what is trusted and what is known about revocation is handed in.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { canonicalBytes } from '#kernel/canonical'
import { digest, type Hash } from './algorithm.ts'
import { type Certificate, readable, signerOf } from './certificate.ts'
import {
  type Content,
  contentTypes,
  type Evidence,
  isBound,
  isHash,
  isMeant,
  largestSignature,
  readSigned,
  type SignedData,
  type SignerInfo,
  signerFaults,
} from './cms.ts'
import { same } from './der.ts'
import { dssAfter } from './dss.ts'
import { readShown, type Shown, statusOf } from './revocation.ts'
import { checkToken, readToken, type Timestamp } from './timestamp.ts'
import { type Chain, chainOf, likelyPurposes, type Trust, Work } from './trust.ts'
import { because, distinct, type Finding, type Paper, type PaperName, type Reason, refusalOf, type Verdict, verdictOf } from './verdict.ts'

export { largestSignature } from './cms.ts'
export { derOf, signatureLabels } from './pem.ts'
export { openTrust, readTrustFolder } from './trust.ts'
export { explain, type Verdict } from './verdict.ts'

/** What is asked about a signature. */
export type Question = {
  readonly trust: Trust
  /** The instant for which it is asked: now, as a rule. Without a timestamp that holds, the signer's certificate is judged for it. */
  readonly at: Date
  /** What is known beside the file: OCSP answers and lists of revocations, and certificates that help to build chains. */
  readonly evidence?: Partial<Evidence>
  /** Whose signatures are asked for; both without it. */
  readonly as?: readonly ('people' | 'seals')[]
  /**
   * `required`, the default: where nobody says that the signer's certificate was not revoked, the signature fails for `unknown-revocation`. `if-known`: silence is no
   * reason; the finding says `unknown`. Revoked fails in both.
   */
  readonly revocation?: 'required' | 'if-known'
  /** The portal that asks, and the authority (the key of its name) that issues its seals: a receipt that says it is of this portal and is sealed by another's fails for `wrong-usage`. */
  readonly own?: { readonly portal: string; readonly issuer: string }
}

/** What everything in one verdict shares. */
type Case = Question & {
  readonly pool: readonly Certificate[]
  readonly faults: readonly Reason[]
  readonly shown: Shown
  readonly work: Work
}

function openCase(question: Question, data: SignedData, signer: SignerInfo, work: Work): Case {
  const all = [data.evidence, signer.evidence, question.evidence ?? {}]
  const of = (kind: keyof Evidence) => all.flatMap((e) => e[kind] ?? [])
  const { certificates, faults } = readable([...data.certificates, ...of('certificates')], question.trust.known)
  return { ...question, pool: certificates, faults, shown: readShown(of('ocsp'), of('crls')), work }
}

/**
 * Judges a CAdES signature in DER or BER. `content` is what was signed, as bytes or by its digests (`digestsOf`); null where the signature carries it. Carries it one
 * and is given another, it fails for `other-content`. Every signer must hold. Never throws for anything that stands in the file.
 */
export function verifySignature(question: Question & { readonly signature: Uint8Array; readonly content: Content | null }): Verdict {
  const { signature, content } = question
  try {
    const data = readSigned(signature)
    if (data.contentType === contentTypes.timestamp) return verdictOf('cades', [], [because('unsupported')])
    const differs = data.content && content && !same(digestOf(data.content, 'sha256'), digestOf(content, 'sha256'))
    return verdictOf('cades', findingsOf(question, data, data.content ?? content), differs ? [because('other-content')] : [])
  } catch (error) {
    return verdictOf('cades', [], [refusalOf(error)])
  }
}

const digestOf = (content: Content, hash: Hash) => (content instanceof Uint8Array ? digest(hash, content) : content(hash))

function findingsOf(question: Question, data: SignedData, content: Content | null): Finding[] {
  const work = new Work()
  return data.signers.map((signer) => judge(openCase(question, data, signer, work), data, signer, content))
}

function judge(asked: Case, data: SignedData, signer: SignerInfo, content: Content | null): Finding {
  const { trust, at, pool, shown } = asked
  const reasons: Reason[] = []
  const stamp = earliest(asked, signer, reasons)
  // From here on the signer is judged for the time that is proved, or else for now.
  const when = stamp?.at ?? at
  const meant = pool.filter((c) => isMeant(signer, c))
  const certificate = meant.find((c) => isBound(signer, c)) ?? meant[0] ?? [...trust.known.values()].find((c) => isMeant(signer, c)) ?? null

  let chain: Chain & { readonly as: 'people' | 'seals' | null } = { chain: [], reasons: [], as: null }
  let revocation: Finding['revocation'] = 'unknown'
  if (!certificate) reasons.push(...(asked.faults.length > 0 ? asked.faults : [because('no-certificate')]))
  else {
    if (content === null) reasons.push(because('no-content'))
    else reasons.push(...signerFaults(signer, data, certificate, content))
    chain = bestChain(asked, certificate, when)
    reasons.push(...chain.reasons)
    revocation = chain.chain.length === 1 && chain.as !== null ? 'pinned' : 'unknown'
    for (const [i, c] of chain.chain.slice(0, -1).entries()) {
      const status = statusOf(c, chain.chain[i + 1]!, shown, { when, at, trust })
      if (status.state === 'revoked') reasons.push(because('revoked', c.name))
      else if (i === 0 && status.state === 'good') revocation = status.source
      else if (i === 0 && asked.revocation !== 'if-known') reasons.push(because('unknown-revocation', c.name))
    }
  }
  const all = distinct(reasons)
  return {
    holds: all.length === 0,
    reasons: all,
    signer: certificate && signerOf(certificate),
    as: chain.as,
    level: !stamp ? 'B-B' : revocation === 'unknown' ? 'B-T' : 'B-LT',
    provedAt: stamp?.at ?? null,
    provedBy: stamp?.authority?.name ?? null,
    claimedAt: signer.signingTime,
    judgedAt: when,
    content:
      isHash(signer.hash) && signer.messageDigest ? { hash: signer.hash, digest: Buffer.from(signer.messageDigest).toString('hex') } : null,
    revocation,
    covers: null,
  }
}

/** The chain for the first purpose that holds; else that with the fewest faults. */
function bestChain({ as, pool, trust, work }: Case, certificate: Certificate, when: Date) {
  let best: (Chain & { readonly as: 'people' | 'seals' | null }) | null = null
  for (const purpose of as ?? likelyPurposes(certificate)) {
    const { chain, reasons } = chainOf(certificate, pool, trust, when, purpose, work)
    const anchored = trust.anchors.get(chain.at(-1)!.id)?.vouches.has(purpose) === true
    if (!best || reasons.length < best.reasons.length) best = { chain, reasons, as: anchored ? purpose : null }
    if (reasons.length === 0) break
  }
  return best ?? { chain: [certificate], reasons: [because('wrong-usage', certificate.name)], as: null }
}

/** The earliest timestamp over the signature, if all hold. One that does not is a reason: who laid it there claims something false. */
function earliest(asked: Case, signer: SignerInfo, reasons: Reason[]): Timestamp | null {
  const { at, trust, shown, pool, work } = asked
  let first: Timestamp | null = null
  const wrong: Reason[] = []
  for (const der of signer.tokens) {
    let stamp: Timestamp
    try {
      stamp = checkToken(readToken(der), signer.signature, { trust, at, given: pool, work })
    } catch (error) {
      wrong.push(because('bad-timestamp'), refusalOf(error))
      continue
    }
    wrong.push(...stamp.reasons)
    const [own, issuer] = stamp.chain
    // Whoever had the authority's key could write any time into a token: revoked at any time is too much.
    if (own && issuer && statusOf(own, issuer, shown, { when: at, at, trust }).state === 'revoked')
      wrong.push(because('bad-timestamp'), because('revoked', own.name))
    if (!first || stamp.at < first.at) first = stamp
  }
  reasons.push(...wrong)
  return wrong.length > 0 ? null : first
}

/**
 * Whose certificates the signatures in a file mean, by issuer (the key of its name) and serial in hexadecimal: to ask about them before the file is judged. Empty for what cannot be read; what is
 * named here is not proved. Never throws.
 */
export function meantIn(file: Uint8Array): { readonly issuer: string; readonly serial: string }[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length)
  const all =
    bytes.toString('latin1', 0, 5) === '%PDF-'
      ? (placesIn(bytes) ?? []).flatMap((place) => ('fault' in place ? [] : [{ cms: place.contents, padded: true }]))
      : [{ cms: file, padded: false }]
  return all.flatMap(({ cms, padded }) => {
    try {
      return readSigned(cms, { padded }).signers.flatMap(({ meant }) => ('keyId' in meant ? [] : [meant]))
    } catch (error) {
      refusalOf(error)
      return []
    }
  })
}

/** The digests of a file that may be larger than memory, to be handed in as `content`. */
export async function digestsOf(file: string): Promise<Content> {
  const hashes = { sha256: createHash('sha256'), sha384: createHash('sha384'), sha512: createHash('sha512') }
  for await (const part of createReadStream(file)) for (const hash of Object.values(hashes)) hash.update(part as Buffer)
  const made = { sha256: hashes.sha256.digest(), sha384: hashes.sha384.digest(), sha512: hashes.sha512.digest() }
  return (hash) => made[hash]
}

/** Most bytes of a record, as it is attached to a PDF. */
const largestRecord = 2 ** 20

/** A paper of ours for programs, alone or attached to its PDF: the signatures in it and what each is over, whether they speak of this record, and which paper it says it is. */
type PaperFile = {
  readonly parts: readonly { readonly cms: Uint8Array; readonly content: Uint8Array }[]
  readonly whole: boolean
  readonly says: PaperName | null
}

/** Null for what is none. */
function readPaper(file: Uint8Array): PaperFile | null {
  if (file[0] !== 0x7b) return null
  type Read = { record?: unknown; sealed?: unknown; signature?: { statement?: unknown; cms?: unknown } }
  let read: Read
  let record: Buffer
  try {
    read = JSON.parse(Buffer.from(file.buffer, file.byteOffset, file.length).toString('utf8')) as Read
    record = canonicalBytes(read.record)
  } catch {
    return null
  }
  const { sealed, signature } = read
  const parts: { cms: Uint8Array; content: Uint8Array }[] = []
  if (typeof sealed === 'string') parts.push({ cms: Buffer.from(sealed, 'base64'), content: record })
  let whole = true
  if (typeof signature?.statement === 'string' && typeof signature.cms === 'string') {
    parts.push({ cms: Buffer.from(signature.cms, 'base64'), content: Buffer.from(signature.statement, 'utf8') })
    // What the official signed carries the record's digest: a statement of another decision signs nothing here.
    whole = signature.statement.split(/\s+/).includes(Buffer.from(digest('sha256', record)).toString('hex'))
  }
  return parts.length > 0 ? { parts, whole, says: typeof sealed === 'string' ? saidBy(read.record) : null } : null
}

/** Which paper a record says it is; null where it says none of ours. */
function saidBy(record: unknown): PaperName | null {
  const { kind, portal, reference, code } = record as { kind?: unknown; portal?: unknown; reference?: unknown; code?: unknown }
  // One line of what a reference and an address are made of: nothing in it can look like another line of the verdict.
  const isShort = (words: unknown): words is string => typeof words === 'string' && /^[\x21-\x7e]{1,200}$/.test(words)
  if (!isShort(reference)) return null
  if (kind === 'receipt') return isShort(portal) ? { kind, reference, portal } : null
  return isShort(code) ? { kind: 'decision', reference, code } : null
}

/** The signatures in a paper of ours, in JSON or attached to its PDF, as files of their own: to ask about their certificates. Empty for what is none. */
export const signaturesInPaper = (file: Uint8Array): readonly Uint8Array[] =>
  (readPaper(file) ?? readPaper(attachedTo(file) ?? new Uint8Array()))?.parts.map((part) => part.cms) ?? []

/** What the signatures in a paper are found to be, and what is wrong with it beside them. */
function judgePaper(
  question: Question,
  { parts, whole, says }: PaperFile,
): { readonly findings: Finding[]; readonly file: Reason[]; readonly says: Paper | null } {
  const all = parts.map(({ cms, content }) => verifySignature({ ...question, signature: cms, content }))
  // Who signs for themself makes no paper of an institution, whatever their record says.
  const seals = all[0]?.signatures ?? []
  const sealedBy = seals.length === 1 && seals[0]!.as === 'seals' ? seals[0]!.signer!.name : null
  const { own } = question
  const isOthers =
    own && says?.kind === 'receipt' && says.portal === own.portal && meantIn(parts[0]!.cms).some((m) => m.issuer !== own.issuer)
  return {
    says: says && sealedBy !== null ? { ...says, sealedBy } : null,
    findings: all.flatMap((v) => v.signatures),
    file: [
      ...all.flatMap((v) => (v.signatures.length === 0 ? v.reasons : [])),
      ...(whole ? [] : [because('other-content')]),
      ...(isOthers ? [because('wrong-usage', sealedBy)] : []),
    ],
  }
}

/**
 * Judges a paper of ours in JSON, a decision or a receipt: the institution's seal over its record, and an official's signature over a statement that carries the record's digest; each there is must hold. What
 * paper it is stands in the verdict where a seal is over the record. Null for what is no such file. Never throws for anything in it.
 */
export function verifyPaper(question: Question & { readonly paper: Uint8Array }): Verdict | null {
  const read = readPaper(question.paper)
  if (!read) return null
  const { findings, file, says } = judgePaper(question, read)
  return verdictOf('cades', findings, file, says)
}

/** The one JSON file attached to a PDF, as pdfkit writes it; null where there is none, or several. Of a file in which somebody else put another, all is judged as it was signed: this only finds what to judge more. */
function attachedTo(file: Uint8Array): Uint8Array | null {
  const pdf = Buffer.from(file.buffer, file.byteOffset, file.length)
  const at = pdf.indexOf('/Type /EmbeddedFile')
  if (pdf.toString('latin1', 0, 5) !== '%PDF-' || at < 0 || pdf.indexOf('/Type /EmbeddedFile', at + 1) >= 0) return null
  const head = pdf.toString('latin1', at, at + 2_000)
  const stream = /^[\s\S]*?>>\s*stream\r?\n/.exec(head.slice(0, head.indexOf('endobj') < 0 ? undefined : head.indexOf('endobj')))?.[0]
  const length = stream && /\/Length (\d{1,7})\b/.exec(stream)
  if (!stream || !length || !stream.includes('/application#2Fjson') || !stream.includes('/Filter /FlateDecode')) return null
  const from = at + stream.length
  try {
    return inflateSync(pdf.subarray(from, from + Number(length[1])), { maxOutputLength: largestRecord })
  } catch {
    return null
  }
}

/** The forms of signatures in a PDF that are read (ISO 32000-2, 12.8.3; EN 319 142-1, 5). */
const subFilters = ['ETSI.CAdES.detached', 'adbe.pkcs7.detached']
const mostPdfSignatures = 64
/** How much of a PDF is hashed in all: each signature hashes what it covers. */
const mostHashed = 2 ** 30

/**
 * Judges the signatures of a PDF. Each must cover the file from its first byte to the end of a revision, but for its own place, which holds nothing else; the last
 * one must cover the whole file, but for a store of evidence as `appendDss` writes it, or it fails for `appended`. An earlier one holds for what it covers: `covers` tells how much. A record of ours that is
 * attached and covered is judged with it, as by `verifyPaper`. Never throws for anything in the file.
 */
export function verifyPdf(question: Question & { readonly pdf: Uint8Array }): Verdict {
  const pdf = Buffer.from(question.pdf.buffer, question.pdf.byteOffset, question.pdf.length)
  const found = placesIn(pdf)
  if (found === null || found.reduce((sum, place) => sum + ('fault' in place ? 0 : place.end), 0) > Math.max(mostHashed, pdf.length))
    return verdictOf('pades', [], [because('too-large')])
  const last = Math.max(0, ...found.map((place) => ('fault' in place ? 0 : place.end)))
  const stored = last > 0 && last < pdf.length ? dssAfter(pdf, last) : null
  const file: Reason[] = []
  const findings: Finding[] = []
  const known = question.evidence ?? {}
  const evidence = stored && {
    certificates: [...(known.certificates ?? []), ...stored.certificates],
    ocsp: [...(known.ocsp ?? []), ...stored.ocsp],
    crls: [...(known.crls ?? []), ...stored.crls],
  }
  const asked = evidence ? { ...question, evidence } : question
  for (const place of found) {
    if ('fault' in place) {
      file.push(place.fault)
      continue
    }
    const { contents, end } = place
    const covered: Content = (hash) => createHash(hash).update(pdf.subarray(0, place.from)).update(pdf.subarray(place.to, end)).digest()
    try {
      const data = readSigned(contents, { padded: true })
      // A second content inside would be what another reader shows.
      if (data.content || data.signers.length !== 1) file.push(because('unsupported'))
      else {
        const whole = end === pdf.length || (stored !== null && end === last)
        findings.push({ ...findingsOf(asked, data, covered)[0]!, covers: { bytes: end, whole } })
      }
    } catch (error) {
      file.push(refusalOf(error))
    }
  }
  if (found.length > 0 && file.length === 0 && !findings.some((f) => f.covers!.whole)) file.push(because('appended'))
  const sealed = findings.find((f) => f.covers!.whole)?.as === 'seals'
  const attached = sealed ? attachedTo(pdf.subarray(0, last)) : null
  const read = attached && readPaper(attached)
  if (!read) return verdictOf('pades', findings, file)
  const within = judgePaper(asked, read)
  return verdictOf('pades', [...findings, ...within.findings], [...file, ...within.file], within.says)
}

/** Where a signature stands: its bytes, and the file without them, `[0, from)` and `[to, end)`. */
type Place =
  | { readonly contents: Uint8Array; readonly from: number; readonly to: number; readonly end: number }
  | { readonly fault: Reason }

/** The signatures of a PDF by their ByteRange, in the order of what they cover. Null for too many. */
function placesIn(pdf: Buffer): Place[] | null {
  const places: Place[] = []
  for (let at = pdf.indexOf('/ByteRange'); at >= 0; at = pdf.indexOf('/ByteRange', at + 1)) {
    const range = /^\/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]/.exec(pdf.toString('latin1', at, at + 200))
    // A word in a text is no signature.
    if (!range) continue
    if (places.length >= mostPdfSignatures) return null
    places.push(placeAt(pdf, at, range.slice(1).map(Number) as [number, number, number, number]))
  }
  return places.sort((a, b) => ('fault' in a ? 0 : a.end) - ('fault' in b ? 0 : b.end))
}

function placeAt(pdf: Buffer, at: number, [start, from, to, length]: readonly [number, number, number, number]): Place {
  const end = to + length
  const whole = start === 0 && from < to && to < end && end <= pdf.length
  // The revision ends where a PDF may end: what is cut elsewhere is no document that anybody saw.
  if (!whole || !/%%EOF\s*$/.test(pdf.toString('latin1', Math.max(to, end - 32), end))) return { fault: because('range-not-whole') }
  const gap = pdf.subarray(from, to)
  if (gap.length > 4 * largestSignature) return { fault: because('too-large') }
  // Only digits between the brackets: anything else could be shown and is not signed. Buffer stops at the first that is none.
  const contents = Buffer.from(gap.toString('latin1', 1, gap.length - 1), 'hex')
  if (gap[0] !== 0x3c || gap.at(-1) !== 0x3e || contents.length === 0 || contents.length * 2 !== gap.length - 2)
    return { fault: because('range-not-whole') }
  const before = pdf.toString('latin1', Math.max(0, Math.min(at, from) - 4096), from)
  const after = pdf.toString('latin1', to, Math.min(end, to + 4096))
  const dictionary = before.slice(before.lastIndexOf(' obj') + 1) + after.slice(0, Math.max(0, after.indexOf('endobj')))
  const [, form = ''] = /\/SubFilter\s*\/([\w.]+)/.exec(dictionary) ?? []
  if (!subFilters.includes(form)) return { fault: because('unsupported') }
  return { contents, from, to, end }
}
