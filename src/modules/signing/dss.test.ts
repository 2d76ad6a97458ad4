/** The store of evidence after a PDF's seal: what it proves, and that nothing else can be appended in its place. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Evidence } from './cms.ts'
import { appendDss, dssAfter } from './dss.ts'
import { sealBytes, timestampAttribute } from './make/cades.ts'
import { yearsAfter } from './make/certificates.ts'
import { stampBytes } from './make/tokens.ts'
import { anAuthority, answerAbout, now, since } from './testing-authority.ts'
import { signPdf } from './testing-certificates.ts'
import { opensslFolder } from './testing-signer.ts'
import { openTrust } from './trust.ts'
import { verifyPdf } from './verify.ts'

const ca = await anAuthority()
const trust = openTrust([{ certificate: ca.root.certificate.der, vouches: ['seals', 'timestamps'] }])
const seal = (covered: Uint8Array) =>
  sealBytes(covered, ca.seal, { unsigned: (signature) => [timestampAttribute(stampBytes(signature, ca.timestamps, now))] })
const sealed = signPdf(seal)
const evidence: Evidence = {
  certificates: [ca.seal, ca.timestamps, ca.issuing, ca.root].map((part) => part.certificate.der),
  ocsp: [answerAbout(ca, ca.seal), answerAbout(ca, ca.timestamps)],
  crls: [ca.list],
}
const stored = appendDss(sealed, evidence)
const judge = (pdf: Buffer, at = now) => verifyPdf({ pdf, trust, at })
const codes = (pdf: Buffer) => judge(pdf).reasons.map((r) => r.code)

test('a sealed PDF with a store is B-LT, and holds with nothing else known when the seal has long ended', () => {
  assert.deepEqual(codes(sealed), ['unknown-revocation'])
  for (const at of [now, yearsAfter(now, 8)]) {
    const verdict = judge(stored, at)
    assert.deepEqual(verdict.reasons, [])
    const [finding] = verdict.signatures
    assert.deepEqual(
      [finding?.level, finding?.revocation, finding?.as, finding?.covers],
      ['B-LT', 'ocsp', 'seals', { bytes: sealed.length, whole: true }],
    )
  }
  assert.ok(ca.seal.certificate.notAfter < yearsAfter(now, 8))
})

test('what was sealed keeps every byte, and the evidence is read as it was laid there', () => {
  assert.ok(stored.subarray(0, sealed.length).equals(sealed))
  assert.deepEqual(dssAfter(stored, sealed.length), {
    certificates: evidence.certificates.map((c) => Buffer.from(c)),
    ocsp: evidence.ocsp.map((o) => Buffer.from(o)),
    crls: [Buffer.from(ca.list)],
  })
  assert.deepEqual(dssAfter(appendDss(sealed, { certificates: [], ocsp: [], crls: [] }), sealed.length), {
    certificates: [],
    ocsp: [],
    crls: [],
  })
})

test('a store that says the seal was revoked before it sealed makes it fail', () => {
  const said = { state: 'revoked', at: since, reason: 'keyCompromise' } as const
  assert.deepEqual(codes(appendDss(sealed, { ...evidence, ocsp: [answerAbout(ca, ca.seal, said)] })), ['revoked'])
})

test('a second seal covers the store of the first, and brings its own', () => {
  const twice = signPdf(seal, { before: stored })
  assert.deepEqual(codes(twice), ['unknown-revocation'])
  const all = appendDss(twice, evidence)
  assert.deepEqual(codes(all), [])
  assert.deepEqual(
    judge(all).signatures.map((f) => [f.level, f.covers?.whole]),
    [
      ['B-LT', false],
      ['B-LT', true],
    ],
  )
  assert.throws(() => appendDss(stored, evidence), RangeError, 'one store for one last signature')
})

test('another program still finds the seal valid, and that more follows', (t) => {
  if (!existsSync('/usr/bin/pdfsig')) return t.skip('apt-get install -y poppler-utils')
  const folder = opensslFolder()
  folder.write('stored.pdf', stored)
  const said = execFileSync('pdfsig', [folder.path('stored.pdf')], { encoding: 'utf8' })
  assert.match(said, /Not total document signed[\s\S]*Signature is Valid/)
  assert.match(execFileSync('pdfinfo', [folder.path('stored.pdf')], { encoding: 'utf8' }), /Pages:\s+1/)
})

describe('nothing else may follow:', () => {
  const tail = stored.toString('latin1', sealed.length)
  const put = (words: string) => Buffer.concat([sealed, Buffer.from(words, 'latin1')])
  /** The tail with its table's places moved along, as a forger would: what was put in stands before the catalogue. */
  const withObject = (object: string) => {
    const at = tail.indexOf('\n1 0 obj') + 1
    const rest = tail.slice(at).replace(/startxref\n(\d+)/, (_, place: string) => `startxref\n${Number(place) + object.length}`)
    return put(`${tail.slice(0, at)}${object}${rest}`)
  }
  const page = '3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] >>\nendobj\n'
  const cases: readonly (readonly [string, Buffer])[] = [
    ['a byte', Buffer.concat([stored, Buffer.from('\n')])],
    ['a comment', put(`% nothing\n${tail}`)],
    ['a page that takes the place of the sealed one', withObject(page)],
    ['the catalogue with other pages', put(tail.replace('/Pages 2 0 R', '/Pages 3 0 R'))],
    ['the catalogue with an action', put(tail.replace('/DSS ', '/OpenAction 3 0 R /DSS '))],
    ['another catalogue', put(tail.replace('/Root 1 0 R', '/Root 2 0 R'))],
    ['a table that overrides an object', put(tail.replace('xref\n1 1\n', 'xref\n3 1\n'))],
    ['a table that leads past the sealed revision', put(tail.replace(/\/Prev \d+/, '/Prev 0'))],
    ['a stream of letters', put(tail.replace(/stream\n30/, 'stream\n(a'))],
    ['a stream that is no certificate', put(tail.replace(/stream\n30/, 'stream\n05'))],
    ['digits of another case', put(tail.replace(/[0-9a-f]{200}/, (digits) => digits.toUpperCase()))],
    ['a stream with a length of its own', put(tail.replace(/\/Length \d+/, '/Length 7'))],
    ['another filter', put(tail.replaceAll('ASCIIHexDecode', 'ASCII85Decode'))],
    ['a second store', Buffer.concat([stored, Buffer.from(tail, 'latin1')])],
    ['a store that names the other lists', put(tail.replace('/Certs', '/Other'))],
    ['the store cut short', stored.subarray(0, -1)],
    [
      'a revision after the store',
      Buffer.concat([
        stored,
        Buffer.from(`${page}xref\n3 1\n0000000000 00000 n \ntrailer\n<< /Size 9 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n`),
      ]),
    ],
  ]
  for (const [name, pdf] of cases)
    test(name, () => {
      assert.notEqual(pdf.compare(stored), 0, 'the case changes something')
      assert.deepEqual(codes(pdf).includes('appended'), true, codes(pdf).join())
    })

  test('nor may any byte of the store that is no digit of its evidence be another', () => {
    let tried = 0
    for (let i = 0; i < tail.length; i++) {
      const inDigits = /[0-9a-f]{40}/.test(tail.slice(Math.max(0, i - 40), i + 41)) && /[0-9a-f]/.test(tail[i]!)
      if (inDigits) continue
      tried++
      for (const bit of [1, 2, 16, 128]) {
        const changed = Buffer.from(stored)
        changed[sealed.length + i]! ^= bit
        assert.equal(dssAfter(changed, sealed.length), null, `byte ${i}: ${tail.slice(Math.max(0, i - 20), i + 20)}`)
      }
    }
    assert.ok(tried > 800, String(tried))
  })
})

test('a document that keeps its places in a stream, is encrypted or ends otherwise is not continued', () => {
  const words = sealed.toString('latin1')
  const of = (from: string | RegExp, to: string) => Buffer.from(words.replace(from, to), 'latin1')
  for (const pdf of [
    of(/xref\n0 1/, 'xxxx\n0 1'),
    of('/Root 1', '/Encrypt 9 0 R /Root 1'),
    of(/startxref\n\d+/, 'startxref\n7'),
    sealed.subarray(0, 900),
    Buffer.alloc(0),
  ])
    assert.throws(() => appendDss(pdf, evidence), RangeError)
})
