/**
 * Valid signatures with bytes turned, put in and taken out by a seeded generator. The judge never throws and never hangs, and what it lets hold is unchanged: the same
 * certificate, the same content, the same signed attributes and the same signature value; what was proved beside it (the time, who proved it) is the same or is no
 * longer claimed. Only then may a mutation hold: it fell on what nobody signed (a version, the list of digests, a certificate that is not used, what stands beside the signature).
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { environment } from '#config'
import { readCertificate } from './certificate.ts'
import { readSigned } from './cms.ts'
import { DerFault } from './der.ts'
import { appendDss } from './dss.ts'
import { makeList, makeOcspRequest, readOcspRequest } from './make/answers.ts'
import { raise, sealBytes, timestampAttribute } from './make/cades.ts'
import { makeCertificate, makeName, nameOids } from './make/certificates.ts'
import { signPdf as sealPdf } from './make/pades.ts'
import { makeRequestFor, readRequest } from './make/requests.ts'
import { holder } from './make/signer.ts'
import { stampBytes } from './make/tokens.ts'
import { readShown, statusOf } from './revocation.ts'
import { anAuthority, answerAbout, since, now as today } from './testing-authority.ts'
import { answer, asBer, listRevoked, signPdf } from './testing-certificates.ts'
import { aWorld, later, now, signB, signT } from './testing-world.ts'
import { checkToken, readToken } from './timestamp.ts'
import { chainOf, openTrust, Work } from './trust.ts'
import { Refusal, type Verdict } from './verdict.ts'
import { type Question, verifyPdf, verifySignature } from './verify.ts'

const long = environment().VENTANILLA_LONG === '1'
// Of which each of the subjects has its share.
const rounds = long ? 120_000 : 2_400
// The same of what `make` makes, one in thirty of which changes nothing and is not counted.
const madeRounds = long ? 120_000 : 2_400
const seed = 20261127

/** mulberry32: the same numbers for the same seed. */
function numbers(state: number) {
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const world = aWorld()
const { ana, luis, issuing, responder, trust, list, content } = world
const question = { trust, at: now, evidence: { crls: [list] } }
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

type Subject = {
  readonly name: string
  readonly bytes: Uint8Array
  readonly verdict: (bytes: Uint8Array) => Verdict
  /** The CMS within the bytes, where it was found by the judge; and the bytes that it speaks of. */
  readonly signed: (bytes: Uint8Array) => { readonly cms: Uint8Array; readonly content: Uint8Array; readonly padded: boolean }
}

const cades = (name: string, bytes: Uint8Array, attached = false): Subject => ({
  name,
  bytes,
  verdict: (signature) => verifySignature({ ...question, signature, content: attached ? null : content }),
  signed: (cms) => ({ cms, content: attached ? readSigned(cms).content! : content, padded: false }),
})

const pdf = signPdf((covered) => signT(world, ana, { content: covered }))

const subjects: readonly Subject[] = [
  cades('CAdES B-B with RSA', signB(world, ana)),
  cades('CAdES B-B with P-256, attached', signB(world, luis, { attached: true }), true),
  cades('CAdES B-B with P-256, attached, in BER', asBer(signB(world, luis, { attached: true })), true),
  cades('CAdES B-T with P-256', signT(world, luis)),
  cades(
    'CAdES B-LT with RSA',
    signT(world, ana, { ocsp: [answer(ana.certificate, issuing, responder, { from: later(-1), to: later(1) })], crls: [list] }),
  ),
  {
    name: 'PAdES B-T with RSA',
    bytes: pdf,
    verdict: (bytes) => verifyPdf({ ...question, pdf: bytes }),
    signed(bytes) {
      const text = Buffer.from(bytes).toString('latin1')
      const [, from, to] = /\/ByteRange \[0 (\d+) (\d+) \d+\]/.exec(text)!.map(Number)
      return {
        cms: Buffer.from(text.slice(from! + 1, to! - 1), 'hex'),
        content: Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]),
        padded: true,
      }
    },
  },
]

/** One to four changes, each of one to four bytes. In a PDF one in two falls within its CMS or its store of evidence, digit for digit. */
function mutated(bytes: Uint8Array, pick: (below: number) => number): Buffer {
  let out = Buffer.from(bytes)
  const isPdf = out.subarray(0, 5).toString('latin1') === '%PDF-'
  const store = isPdf && pick(4) === 0 ? out.indexOf('/ASCIIHexDecode') : -1
  const start = !isPdf || pick(2) === 0 ? 0 : store > 0 ? out.indexOf('stream\n', store) + 7 : out.indexOf('/Contents <') + 11
  const width = start > 0 ? (store > 0 ? out.lastIndexOf('endstream') - start : 5_000) : out.length
  for (let changes = 1 + pick(4); changes > 0; changes--) {
    const at = Math.min(out.length - 1, start + pick(width))
    const count = 1 + pick(4)
    const kind = pick(5)
    if (start > 0)
      out[at] = store > 0 && !/[0-9a-f]/.test(String.fromCharCode(out[at]!)) ? out[at]! : '0123456789abcdef'.charCodeAt(pick(16))
    else if (kind === 0) out[at]! ^= 1 << pick(8)
    else if (kind === 1) out[at] = pick(256)
    else if (kind === 2)
      out = Buffer.concat([out.subarray(0, at), Buffer.from(Array.from({ length: count }, () => pick(256))), out.subarray(at)])
    else if (kind === 3) out = Buffer.concat([out.subarray(0, at), out.subarray(Math.min(out.length, at + count))])
    // A piece of the file over another: lengths and tags that fit.
    else out.copyWithin(at, pick(out.length - count), pick(out.length))
    if (out.length === 0) return out
  }
  return out
}

/** The verdict; should the judge throw, the bytes are told: keys are new in each run. */
function judged(subject: Subject, bytes: Buffer): Verdict {
  try {
    return subject.verdict(bytes)
  } catch (error) {
    throw new Error(`The judge threw for ${bytes.toString('hex')}`, { cause: error })
  }
}

/** What a verdict that holds says was proved. */
function proved(subject: Subject, bytes: Uint8Array, verdict: Verdict) {
  const { cms, content: covered, padded } = subject.signed(bytes)
  const data = readSigned(cms, { padded })
  assert.equal(verdict.signatures.length, 1)
  const [finding] = verdict.signatures
  const [signer] = data.signers
  return {
    certificate: finding!.signer!.certificate,
    content: sha(covered),
    attributes: sha(signer!.signed!),
    signature: sha(signer!.signature),
    claimedAt: finding!.claimedAt?.getTime() ?? null,
    provedAt: finding!.provedAt?.getTime() ?? null,
    provedBy: finding!.provedBy,
  }
}

for (const [n, subject] of subjects.entries())
  test(`${rounds / subjects.length} mutations of ${subject.name} never throw and never prove anything else`, () => {
    const before = subject.verdict(subject.bytes)
    assert.equal(before.holds, true, JSON.stringify(before.reasons))
    const truth = proved(subject, subject.bytes, before)
    const pick = numbers(seed + n)
    let [held, slowest] = [0, 0]
    const seen = new Set<string>()
    for (let round = 0; round < rounds / subjects.length; round++) {
      const bytes = mutated(subject.bytes, pick)
      if (bytes.equals(subject.bytes)) continue
      const start = performance.now()
      const verdict = judged(subject, bytes)
      slowest = Math.max(slowest, performance.now() - start)
      if (!verdict.holds) {
        assert.ok(verdict.reasons.length > 0)
        for (const { code } of verdict.reasons) seen.add(code)
        continue
      }
      held++
      const told = proved(subject, bytes, verdict)
      // A timestamp that was turned into something else beside the signature is no longer claimed; none may be another.
      const dropped = told.provedAt === null && told.provedBy === null
      assert.deepEqual(
        told,
        dropped ? { ...truth, provedAt: null, provedBy: null } : truth,
        `round ${round} of seed ${seed + n}: ${bytes.toString('hex')}`,
      )
    }
    // Mutations that all fell at the first step would try nothing.
    assert.ok(seen.size >= 6, [...seen].join())
    // Little of a signature is unsigned: where much held, something would not be looked at.
    assert.ok(held < rounds / subjects.length / 4, `${held} held`)
    assert.ok(slowest < 1_000, `${slowest} ms for one`)
  })

test('mutated answers and lists about revocation never make a revoked certificate good', () => {
  const [c, issuer] = [readCertificate(ana.certificate), readCertificate(issuing.certificate)]
  const at = later(-2)
  const shown = {
    ocsp: answer(ana.certificate, issuing, responder, { from: later(-1), to: later(1), revokedAt: at }),
    crl: listRevoked(issuing, [{ certificate: ana.certificate, at }], { from: later(-1), to: later(1) }),
  }
  const pick = numbers(seed)
  let revoked = 0
  for (let round = 0; round < rounds / 6; round++) {
    const kind = round % 2 === 0 ? 'ocsp' : 'crl'
    const bytes = mutated(shown[kind], pick)
    const read = kind === 'ocsp' ? readShown([bytes], []) : readShown([], [bytes])
    const { state } = statusOf(c, issuer, read, { when: now, at: now, trust })
    assert.notEqual(state, 'good', `round ${round} of seed ${seed}`)
    if (state === 'revoked') revoked++
  }
  assert.equal(statusOf(c, issuer, readShown([shown.ocsp], []), { when: now, at: now, trust }).state, 'revoked')
  assert.equal(statusOf(c, issuer, readShown([], [shown.crl]), { when: now, at: now, trust }).state, 'revoked')
  assert.ok(revoked < rounds / 10, `${revoked} still said revoked`)
})

/** Something that `make` makes, and what is proved by bytes like it; null where they are refused. */
type Made = {
  readonly name: string
  readonly bytes: Uint8Array
  readonly proves: (bytes: Buffer) => object | null
  readonly mostHeld?: number
}

const ca = await anAuthority()
const caTrust = openTrust([{ certificate: ca.root.certificate.der, vouches: ['people', 'seals', 'timestamps'] }])
const stamp = (bytes: Uint8Array) => stampBytes(bytes, ca.timestamps, today)
const good = answerAbout(ca, ca.seal)

/** Refused as readers refuse; anything else that is thrown fails the test. */
function orRefused<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof DerFault || error instanceof Refusal) return null
    throw error
  }
}

const asksCa = { trust: caTrust, at: today } as const
const seal = sealBytes(content, ca.seal, { at: today, unsigned: (signature) => [timestampAttribute(stamp(signature))] })
const sealLt = raise(seal, { ocsp: [good], certificates: [ca.issuing.certificate.der, ca.root.certificate.der] })
const place = Buffer.from(
  signPdf(() => Buffer.alloc(0), { room: 24_000 })
    .toString('latin1')
    .replace(/\/ByteRange \[0 \d{10} \d{10} \d{10}\]/, '/ByteRange [0 9999999999 9999999999 9999999999]'),
  'latin1',
)
const sealedPdf = sealPdf(place, ca.seal, stamp)
const storedPdf = appendDss(sealedPdf, {
  certificates: [ca.seal, ca.timestamps, ca.issuing, ca.root].map((part) => part.certificate.der),
  ocsp: [good, answerAbout(ca, ca.timestamps)],
  crls: [ca.list],
})

function ofVerdict(subject: Subject): Made['proves'] {
  return (bytes) => {
    const verdict = judged(subject, bytes)
    return verdict.holds ? { ...proved(subject, bytes, verdict), level: verdict.signatures[0]!.level } : null
  }
}

const sealOf = (name: string, bytes: Uint8Array, question: Question): Made & Subject => {
  const subject: Subject = {
    name,
    bytes,
    verdict: (signature) => verifySignature({ ...question, signature, content }),
    signed: (cms) => ({ cms, content, padded: false }),
  }
  return { ...subject, proves: ofVerdict(subject) }
}

const pdfOf = (name: string, bytes: Uint8Array, question: Question, mostHeld?: number): Made => {
  const subject: Subject = {
    name,
    bytes,
    verdict: (pdf) => verifyPdf({ ...question, pdf }),
    signed(pdf) {
      const words = Buffer.from(pdf).toString('latin1')
      const [, from, to, length] = /\/ByteRange \[0 (\d+) +(\d+) +(\d+) *\]/.exec(words)!.map(Number)
      return {
        cms: Buffer.from(words.slice(from! + 1, to! - 1), 'hex'),
        content: Buffer.concat([pdf.subarray(0, from), pdf.subarray(to, to! + length!)]),
        padded: true,
      }
    },
  }
  return { name, bytes, proves: ofVerdict(subject), ...(mostHeld ? { mostHeld } : {}) }
}

const token = stamp(content)
const asked = await makeRequestFor(ca.seal.key, makeName([nameOids.commonName, 'JUANA PÉREZ ÑÚÑEZ']))
const person = holder(
  ca.seal.key,
  await makeCertificate(
    { profile: 'person', subject: makeName([nameOids.commonName, 'JUANA PÉREZ ÑÚÑEZ']), spki: ca.seal.key.spki, from: since },
    ca.issuing,
  ),
)
const listOf = (revoked: boolean) =>
  makeList(revoked ? [{ serial: ca.seal.certificate.serial, at: since, reason: 'keyCompromise' }] : [], ca.issuing, {
    number: 7,
    from: today,
    to: new Date(today.getTime() + 600_000),
  })
const [clean, listed] = [await listOf(false), await listOf(true)]
const stateBy = (shown: ReturnType<typeof readShown>) =>
  statusOf(ca.seal.certificate, ca.issuing.certificate, shown, { when: today, at: today, trust: caTrust })
/** What a mutated answer or list says. Nothing, where it is none. */
const said = (kind: 'ocsp' | 'crls') => (bytes: Buffer) => {
  const state = stateBy(kind === 'ocsp' ? readShown([bytes], []) : readShown([], [bytes]))
  return state.state === 'unknown' ? null : state
}

const made: readonly Made[] = [
  sealOf('a seal, B-T', seal, { ...asksCa, evidence: { ocsp: [good] } }),
  sealOf('a seal, B-LT', sealLt, asksCa),
  pdfOf('a sealed PDF, B-T', sealedPdf, { ...asksCa, evidence: { ocsp: [good] } }),
  // Of the evidence in a store more than one part may say the same, and what stands in the signature as well is not needed.
  pdfOf('a sealed PDF with its store, B-LT', storedPdf, asksCa, 0.4),
  {
    name: 'a seal that is raised',
    bytes: seal,
    proves(bytes) {
      const raised = orRefused(() => raise(bytes, { stamp, ocsp: [good], certificates: [ca.issuing.certificate.der] }))
      return raised && sealOf('raised', raised, asksCa).proves(Buffer.from(raised))
    },
  },
  {
    name: 'a timestamp',
    bytes: token,
    proves: (bytes) =>
      orRefused(() => {
        const checked = checkToken(readToken(bytes), content, { trust: caTrust, at: today, given: [ca.issuing.certificate] })
        return checked.reasons.length > 0 ? null : { at: checked.at, by: checked.authority?.id }
      }),
  },
  { name: 'an answer that it is good', bytes: good, proves: said('ocsp') },
  {
    name: 'an answer that it is revoked',
    bytes: answerAbout(ca, ca.seal, { state: 'revoked', at: since, reason: 'keyCompromise' }),
    proves: said('ocsp'),
  },
  { name: 'a list that names nobody', bytes: clean, proves: said('crls') },
  { name: 'a list that names it', bytes: listed, proves: said('crls') },
  {
    name: 'a certificate',
    bytes: person.certificate.der,
    proves: (bytes) =>
      orRefused(() => {
        const c = readCertificate(bytes)
        const { reasons } = chainOf(c, [ca.issuing.certificate], caTrust, today, 'people', new Work())
        return reasons.length > 0
          ? null
          : { name: c.name, serial: c.serial, spki: sha(c.spki), from: c.notBefore, to: c.notAfter, subject: c.subject.key }
      }),
  },
  {
    name: 'a request for a certificate',
    bytes: asked,
    proves: (bytes) =>
      orRefused(() => {
        const { subject, spki } = readRequest(bytes)
        return { subject: subject.key, spki: sha(spki) }
      }),
  },
]

for (const [n, { name, bytes: original, proves, mostHeld = 0.25 }] of made.entries())
  test(`${Math.ceil(madeRounds / made.length)} mutations of ${name}, as it is made here, are refused or prove just the same`, (t) => {
    const truth = proves(Buffer.from(original))
    assert.ok(truth)
    const pick = numbers(seed + 100 + n)
    let [held, slowest, tried] = [0, 0, 0]
    for (let round = 0; round < madeRounds / made.length; round++) {
      const bytes = mutated(original, pick)
      if (bytes.equals(original)) continue
      tried++
      const start = performance.now()
      const told = proves(bytes) as Record<string, unknown> | null
      slowest = Math.max(slowest, performance.now() - start)
      if (!told) continue
      held++
      // A timestamp beside a signature that was turned into something else is no longer claimed, and the level says so.
      const dropped = 'provedAt' in told && told.provedAt === null
      const expected: object = dropped ? { ...truth, provedAt: null, provedBy: null, level: 'B-B' } : truth
      assert.deepEqual(told, expected, `round ${round} of seed ${seed + 100 + n}: ${bytes.toString('hex')}`)
    }
    assert.ok(held < tried * mostHeld, `${held} of ${tried} held`)
    assert.ok(slowest < 1_000, `${slowest} ms for one`)
    if (long) t.diagnostic(`${name}: ${tried} mutations, ${held} held and proved the same, the slowest ${slowest.toFixed(1)} ms`)
  })

test('mutated requests for answers are read or are none, and never throw', () => {
  const request = makeOcspRequest(ca.seal.certificate, ca.issuing.certificate, Buffer.alloc(16, 7))
  const pick = numbers(seed)
  let none = 0
  for (let round = 0; round < madeRounds / made.length; round++) if (!readOcspRequest(mutated(request, pick))) none++
  assert.ok(none > 0)
})
