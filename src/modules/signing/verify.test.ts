import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it, test } from 'node:test'
import { canonicalBytes } from '#kernel/canonical'
import { languages } from '#kernel/text'
import { largestCertificate, readCertificate } from './certificate.ts'
import * as der from './der.ts'
import { sealBytes } from './make/cades.ts'
import { makeCertificate, makeName, nameOids } from './make/certificates.ts'
import { holder } from './make/signer.ts'
import { anAuthority, since, now as today } from './testing-authority.ts'
import {
  aKey,
  anExtension,
  answer,
  asBer,
  called,
  certify,
  type Holder,
  listRevoked,
  purposeOids,
  type Signing,
  signCades,
  signPdf,
  stamp,
  tokenAttribute,
  use,
} from './testing-certificates.ts'
import { aWorld, later, now, signB, signT, trustIn } from './testing-world.ts'
import { openTrust } from './trust.ts'
import { explain, type ReasonCode, reasonSentence, reasons, type Verdict, verdictOf } from './verdict.ts'
import { type Question, verifyPaper, verifyPdf, verifySignature } from './verify.ts'

const ca = await anAuthority()
const world = aWorld()
const { root, issuing, ana, luis, stamper, responder, trust, list, content } = world

const ask = (signature: Uint8Array, more: Partial<Question> & { content?: Uint8Array | null } = {}): Verdict =>
  verifySignature({ signature, content, trust, at: now, evidence: { crls: [list] }, ...more })

const codes = (verdict: Verdict): ReasonCode[] => [...new Set(verdict.reasons.map((r) => r.code))].sort()
const holds = (verdict: Verdict) => {
  assert.deepEqual(verdict.reasons, [])
  assert.equal(verdict.holds, true)
  return verdict.signatures[0]!
}
/** Another person under the same authority, or another. */
const person = (more: Partial<Parameters<typeof certify>[0]> = {}) => certify({ name: called('OTRA PERSONA'), by: issuing, ...more })
const signedBy = (by: Holder, more: Partial<Signing> = {}) => signB(world, by, more)

describe('a signature that holds', () => {
  it('B-B says who, what and what is only claimed', () => {
    const found = holds(ask(signB(world, ana)))
    assert.deepEqual(
      [found.signer?.name, found.signer?.rfc, found.signer?.curp],
      ['ANA LÓPEZ PÉREZ', 'LOPA800101AB1', 'LOPA800101MDFPRN09'],
    )
    assert.deepEqual([found.level, found.provedAt, found.claimedAt, found.as, found.revocation], ['B-B', null, later(-1), 'people', 'crl'])
  })
  it('B-T says when, by the timestamp', () => {
    const found = holds(ask(signT(world, luis), { revocation: 'if-known', evidence: {} }))
    assert.deepEqual([found.level, found.provedAt, found.provedBy], ['B-T', later(-1), 'Autoridad de sellos de tiempo'])
  })
  it('B-LT needs nobody, years later, when the certificate has expired', () => {
    const short = person({ to: later(1) })
    const lasting = certify({
      name: called('Sellos por mucho tiempo'),
      by: root,
      to: later(24 * 3650),
      extended: { oids: [purposeOids.timeStamping], critical: true },
      usage: [use.digitalSignature],
    })
    const long = certify({ name: root.name, key: root.key, authority: {}, to: later(24 * 3650) })
    const unsigned = (signature: Uint8Array) => [tokenAttribute(stamp(signature, lasting, later(-1)))]
    const ocsp = [answer(short.certificate, issuing, responder, { from: now, to: later(24) })]
    const question = { at: later(24 * 500), evidence: {}, trust: trustIn(long) }
    const found = holds(ask(signedBy(short, { unsigned, ocsp }), question))
    assert.deepEqual([found.level, found.revocation], ['B-LT', 'ocsp'])
    assert.deepEqual(codes(ask(signedBy(short, { ocsp }), question)), ['expired', 'unknown-revocation'])
  })
  it('B-LT also by the older attributes beside the signature: revocation-values and certificate-values', () => {
    const whole = answer(ana.certificate, issuing, responder, { from: now, to: later(24) })
    const basic = der.contentOf(der.children(der.children(der.children(der.readWhole(whole))[1]!)[0]!)[1]!)
    const attribute = (oid: string, value: Uint8Array) => der.sequence(der.oid(oid), der.setOf(value))
    const ocspVals = der.sequence(der.tagged(1, der.sequence(basic)))
    const crlVals = der.sequence(der.tagged(0, der.sequence(list)))
    for (const [values, source] of [
      [ocspVals, 'ocsp'],
      [crlVals, 'crl'],
    ] as const) {
      const unsigned = (signature: Uint8Array) => [
        tokenAttribute(stamp(signature, stamper, later(-1))),
        attribute('1.2.840.113549.1.9.16.2.23', der.sequence(issuing.certificate)),
        attribute('1.2.840.113549.1.9.16.2.24', values),
      ]
      const found = holds(ask(signB(world, ana, { certificates: [ana.certificate], unsigned }), { evidence: {} }))
      assert.deepEqual([found.level, found.revocation], ['B-LT', source])
    }
  })
  it('attached, with P-384, P-521, Ed25519, and with several signers', () => {
    for (const [kind, hash] of [
      ['P-384', 'sha384'],
      ['P-521', 'sha512'],
      ['Ed25519', 'sha512'],
      [3072, 'sha384'],
    ] as const)
      holds(ask(signedBy(person({ key: aKey(kind) }), { attached: true, hash }), { content: null }))
    const both = together(signB(world, ana), signB(world, luis))
    assert.equal(holds(ask(both)).signer?.name !== undefined, true)
    assert.equal(ask(both).signatures.length, 2)
    assert.deepEqual(codes(ask(together(signB(world, ana), signCades({ content: Buffer.from('otra'), by: luis })))), ['other-content'])
  })
  it('by a leaf on the trust list, without a chain and without a list of revocations', () => {
    const pinned = openTrust([{ certificate: luis.certificate, vouches: ['people'] }])
    assert.equal(holds(ask(signB(world, luis), { trust: pinned, evidence: {} })).revocation, 'pinned')
    assert.deepEqual(codes(ask(signB(world, luis), { trust: openTrust([{ certificate: luis.certificate, vouches: ['timestamps'] }]) })), [
      'untrusted',
    ])
  })
})

/** Two SignedData of the same kind in one: the signers of both. */
function together(a: Uint8Array, b: Uint8Array): Uint8Array {
  const parts = (bytes: Uint8Array) => der.children(der.children(der.children(der.readWhole(bytes))[1]!)[0]!)
  const [one, two] = [parts(a), parts(b)]
  const inside = (value: der.Value) => der.children(value).map(der.wholeOf)
  return der.sequence(
    der.oid('1.2.840.113549.1.7.2'),
    der.tagged(
      0,
      der.sequence(
        ...one.slice(0, 3).map(der.wholeOf),
        der.tagged(0, ...inside(one[3]!), ...inside(two[3]!)),
        der.setOf(...inside(one[4]!), ...inside(two[4]!)),
      ),
    ),
  )
}

const loop = () => {
  const [k1, k2] = [aKey(), aKey()]
  const [n1, n2] = [called('Vuelta 1'), called('Vuelta 2')]
  const start1 = certify({ name: n1, key: k1, authority: {} })
  const start2 = certify({ name: n2, key: k2, authority: {} })
  const one = certify({ name: n1, key: k1, by: start2, authority: {} })
  const two = certify({ name: n2, key: k2, by: start1, authority: {} })
  const leaf = person({ by: one })
  return signCades({ content, by: leaf, certificates: [leaf.certificate, one.certificate, two.certificate] })
}
const deep = () => {
  let by = certify({ name: called('Nivel 0'), by: root, authority: {} })
  const all = [by.certificate]
  for (let i = 1; i < 9; i++) all.push((by = certify({ name: called(`Nivel ${i}`), by, authority: {} })).certificate)
  const leaf = person({ by })
  return signCades({ content, by: leaf, certificates: [leaf.certificate, ...all] })
}
const ku = { digitalSignature: use.digitalSignature }
/** A CA that the issuing authority made although its path length is 0. */
const below = certify({ name: called('Por debajo'), by: issuing, authority: {} })
const notAuthority = certify({ name: called('Una persona que emite'), by: issuing })
const explicit = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })
  return { key: privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) }
}
const withLargeExponent = () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 0x10001 })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const [n] = der.children(der.readWhole(der.readBits(der.children(der.readWhole(spki))[1])))
  const key = der.sequence(der.wholeOf(n!), der.integer(Buffer.alloc(200, 0xff)))
  return { key: privateKey, spki: der.sequence(der.sequence(der.oid('1.2.840.113549.1.1.1'), der.nil), der.bits(key)) }
}

const day = 24
const bad: readonly [name: string, expected: readonly ReasonCode[], made: () => Uint8Array, more?: Parameters<typeof ask>[1]][] = [
  ['expired', ['expired'], () => signedBy(person({ to: later(-1) }))],
  ['not yet valid', ['not-yet-valid'], () => signedBy(person({ from: later(1) }))],
  [
    'an authority between that expired',
    ['expired'],
    () => {
      const old = certify({ name: called('Vencida'), by: root, authority: {}, to: later(-1) })
      const leaf = person({ by: old })
      return signCades({ content, by: leaf, certificates: [leaf.certificate, old.certificate] })
    },
    { revocation: 'if-known' },
  ],
  [
    'revoked',
    ['revoked'],
    () => signB(world, ana),
    { evidence: { crls: [listRevoked(issuing, [{ certificate: ana.certificate, at: later(-2) }], { from: later(-1), to: later(day) })] } },
  ],
  [
    'revoked by an answer, although a list is silent',
    ['revoked'],
    () => signB(world, ana),
    { evidence: { crls: [list], ocsp: [answer(ana.certificate, issuing, responder, { from: later(-1), revokedAt: later(-2) })] } },
  ],
  [
    'an authority between that was revoked',
    ['revoked'],
    () => signB(world, ana),
    {
      evidence: {
        crls: [list, listRevoked(root, [{ certificate: issuing.certificate, at: later(-9) }], { from: later(-9), to: later(day) })],
      },
    },
  ],
  ['nobody knows about revocation', ['unknown-revocation'], () => signB(world, ana), { evidence: {} }],
  [
    'an answer that ended',
    ['unknown-revocation'],
    () => signB(world, ana),
    { evidence: { ocsp: [answer(ana.certificate, issuing, responder, { from: later(-9), to: later(-8) })] } },
  ],
  [
    'an answer by somebody who may not',
    ['unknown-revocation'],
    () => signB(world, ana),
    { evidence: { ocsp: [answer(ana.certificate, issuing, luis, { from: later(-1), to: later(1) })] } },
  ],
  [
    'a list by another',
    ['unknown-revocation'],
    () => signB(world, ana),
    { evidence: { crls: [listRevoked({ ...issuing, key: luis.key }, [], { from: later(-1), to: later(1) })] } },
  ],
  [
    'a list of changes only',
    ['unknown-revocation'],
    () => signB(world, ana),
    {
      evidence: {
        crls: [listRevoked(issuing, [], { from: later(-1), to: later(1), more: [anExtension('2.5.29.27', der.integer(1), true)] })],
      },
    },
  ],
  [
    'an indirect list',
    ['unknown-revocation'],
    () => signB(world, ana),
    {
      evidence: {
        crls: [
          listRevoked(issuing, [], {
            from: later(-1),
            to: later(1),
            more: [anExtension('2.5.29.28', der.sequence(Uint8Array.of(0x84, 1, 0xff)), true)],
          }),
        ],
      },
    },
  ],
  [
    'a list of authorities only',
    ['unknown-revocation'],
    () => signB(world, ana),
    {
      evidence: {
        crls: [
          listRevoked(issuing, [], {
            from: later(-1),
            to: later(1),
            more: [anExtension('2.5.29.28', der.sequence(Uint8Array.of(0x82, 1, 0xff)), true)],
          }),
        ],
      },
    },
  ],
  ['self-made', ['self-made'], () => signedBy(person({ by: null }))],
  [
    'of an authority that nobody trusts',
    ['untrusted'],
    () => {
      const other = certify({ name: called('Otra raíz'), authority: {} })
      const leaf = person({ by: other })
      return signCades({ content, by: leaf, certificates: [leaf.certificate, other.certificate] })
    },
  ],
  ['in the name of a trusted authority', ['forged'], () => signedBy(person({ by: { ...root, key: aKey('P-384') }, hash: 'sha384' }))],
  ['the authority is not here', ['untrusted'], () => signCades({ content, by: ana })],
  ['made for servers', ['wrong-usage'], () => signedBy(person({ extended: { oids: [purposeOids.server] } }))],
  ['made to encipher', ['wrong-usage'], () => signedBy(person({ usage: [use.keyEncipherment] }))],
  ['made for timestamps', ['wrong-usage'], () => signB(world, stamper)],
  [
    'the certificate of an authority',
    ['wrong-usage'],
    () => signedBy(certify({ name: called('CA'), by: issuing, authority: {}, usage: [use.keyCertSign, ku.digitalSignature] })),
  ],
  [
    'issued by a person',
    ['chain-too-long', 'not-an-authority'],
    () => {
      const leaf = person({ by: notAuthority })
      return signedBy(leaf, { certificates: [leaf.certificate, notAuthority.certificate, issuing.certificate] })
    },
    { revocation: 'if-known' },
  ],
  [
    'issued below where the path may end',
    ['chain-too-long'],
    () => {
      const leaf = person({ by: below })
      return signedBy(leaf, { certificates: [leaf.certificate, below.certificate, issuing.certificate] })
    },
    { revocation: 'if-known' },
  ],
  ['secp256k1', ['wrong-curve'], () => signedBy(person({ key: aKey('secp256k1') }))],
  ['a curve by its numbers', ['wrong-curve'], () => signedBy(person(explicit()))],
  ['RSA of 1024 bits', ['weak-key'], () => signedBy(person({ key: aKey(1024) }))],
  ['RSA with an exponent of 1,600 bits', ['weak-key'], () => signedBy(person(withLargeExponent()))],
  [
    'an authority with RSA of 1024 bits',
    ['weak-key'],
    () => {
      const weak = certify({ name: called('Débil'), by: root, authority: {}, key: aKey(1024) })
      const leaf = person({ by: weak })
      return signCades({ content, by: leaf, certificates: [leaf.certificate, weak.certificate] })
    },
  ],
  ['SHA-1 in the certificate', ['weak-hash'], () => signedBy(person({ hash: 'sha1' }))],
  ['SHA-1 in the signature', ['weak-hash'], () => signedBy(ana, { hash: 'sha1' })],
  ['broken DER', ['broken'], () => signB(world, ana).subarray(0, 500)],
  ['no DER at all', ['broken'], () => Buffer.from('hola')],
  ['nothing', ['broken'], () => new Uint8Array()],
  [
    'a broken certificate',
    ['broken'],
    () => signB(world, ana, { certificates: [Buffer.concat([ana.certificate.subarray(0, 4), Buffer.alloc(ana.certificate.length - 4)])] }),
  ],
  ['bytes behind', ['broken'], () => Buffer.concat([signB(world, ana), Buffer.from('x')])],
  [
    'a certificate of 10 MB',
    ['too-large'],
    () =>
      signB(world, ana, {
        certificates: [certify({ name: called('Enorme'), more: [anExtension('1.2.3', Buffer.alloc(10_000_000))] }).certificate],
      }),
  ],
  [
    'a certificate of 200 kB',
    ['too-large'],
    () => {
      const large = person({ more: [anExtension('1.2.3', Buffer.alloc(200_000))] })
      return signedBy(large)
    },
  ],
  ['65 certificates', ['too-large'], () => signB(world, ana, { certificates: Array(65).fill(ana.certificate) })],
  ['a chain in a loop', ['chain-loop'], loop],
  ['a chain of ten', ['chain-too-long'], deep],
  ['an unknown critical extension', ['unsupported'], () => signedBy(person({ more: [anExtension('1.2.3.4', der.nil, true)] }))],
  ['constraints on names', ['unsupported'], () => signedBy(person({ more: [anExtension('2.5.29.30', der.sequence())] }))],
  [
    'over other content',
    ['other-content'],
    () => signCades({ content: Buffer.from('otra cosa'), by: ana, certificates: [ana.certificate, issuing.certificate] }),
  ],
  ['without content', ['no-content'], () => signB(world, ana), { content: null }],
  [
    'attached, and another content given',
    ['other-content'],
    () => signB(world, ana, { attached: true }),
    { content: Buffer.from('otra cosa') },
  ],
  ['by another key', ['bad-signature'], () => signedBy({ ...ana, key: aKey(2048) })],
  ['without its certificate', ['no-certificate'], () => signB(world, ana, { certificates: [issuing.certificate] })],
  ['binds no certificate', ['certificate-not-bound'], () => signB(world, ana, { bound: null })],
  ['binds another certificate', ['certificate-not-bound'], () => signB(world, ana, { bound: luis.certificate })],
  [
    'a timestamp over other data',
    ['timestamp-of-other-data'],
    () => signB(world, ana, { unsigned: () => [tokenAttribute(stamp(Buffer.from('otra firma'), stamper, later(-1)))] }),
  ],
  [
    'a timestamp of the future',
    ['bad-timestamp'],
    () => signB(world, ana, { unsigned: (s) => [tokenAttribute(stamp(s, stamper, later(1)))] }),
  ],
  [
    'a timestamp by a person',
    ['bad-timestamp', 'wrong-usage'],
    () => signB(world, ana, { unsigned: (s) => [tokenAttribute(stamp(s, luis, later(-1)))] }),
  ],
  [
    'a timestamp whose usage is not critical',
    ['bad-timestamp', 'wrong-usage'],
    () => {
      const lax = certify({ name: called('TSA'), by: issuing, extended: { oids: [purposeOids.timeStamping] } })
      return signB(world, ana, { unsigned: (s) => [tokenAttribute(stamp(s, lax, later(-1)))] })
    },
  ],
  [
    'a timestamp for more than timestamps',
    ['bad-timestamp', 'wrong-usage'],
    () => {
      const lax = certify({
        name: called('TSA'),
        by: issuing,
        extended: { oids: [purposeOids.timeStamping, purposeOids.email], critical: true },
      })
      return signB(world, ana, { unsigned: (s) => [tokenAttribute(stamp(s, lax, later(-1)))] })
    },
  ],
  [
    'a self-made timestamp',
    ['bad-timestamp', 'self-made'],
    () => {
      const own = certify({ name: called('TSA'), extended: { oids: [purposeOids.timeStamping], critical: true } })
      return signB(world, ana, { unsigned: (s) => [tokenAttribute(stamp(s, own, later(-1)))] })
    },
  ],
  [
    'a timestamp with SHA-1',
    ['bad-timestamp', 'weak-hash'],
    () => signB(world, ana, { unsigned: (s) => [tokenAttribute(stamp(s, stamper, later(-1), { hash: 'sha1' }))] }),
  ],
  [
    'a timestamp that is broken',
    ['bad-timestamp', 'broken'],
    () => signB(world, ana, { unsigned: () => [tokenAttribute(der.sequence())] }),
  ],
  [
    'a timestamp by a revoked authority',
    ['bad-timestamp', 'revoked'],
    () => signT(world, ana),
    {
      evidence: {
        crls: [listRevoked(issuing, [{ certificate: stamper.certificate, at: later(-2) }], { from: later(-1), to: later(day) })],
      },
    },
  ],
  [
    'a good timestamp and a false one',
    ['timestamp-of-other-data'],
    () => signB(world, ana, { unsigned: (s) => [tokenAttribute(stamp(s, stamper, later(-1)), stamp(content, stamper, later(-2)))] }),
  ],
  ['a timestamp instead of a signature', ['unsupported'], () => stamp(content, stamper, later(-1))],
  [
    'no signer',
    ['no-signature'],
    () =>
      der.sequence(
        der.oid('1.2.840.113549.1.7.2'),
        der.tagged(0, der.sequence(der.integer(1), der.setOf(), der.sequence(der.oid('1.2.840.113549.1.7.1')), der.setOf())),
      ),
  ],
]

describe('bad input is refused with its own reason', () => {
  for (const [name, expected, made, more] of bad)
    it(`${name}: ${expected.join(', ')}`, () => {
      const verdict = ask(made(), more)
      assert.equal(verdict.holds, false)
      assert.deepEqual(codes(verdict), [...expected].sort())
    })

  it('a certificate of 10 MB is refused unread', () => {
    assert.throws(() => readCertificate(new Uint8Array(10_000_000)), /10000000/)
    assert.ok(largestCertificate <= 100_000)
  })

  it('a certificate revoked after the timestamp holds, and one revoked before it does not', () => {
    const revoked = (at: Date) => ({ crls: [listRevoked(issuing, [{ certificate: ana.certificate, at }], { from: now, to: later(day) })] })
    holds(ask(signT(world, ana), { evidence: revoked(later(-0.5)) }))
    assert.deepEqual(codes(ask(signT(world, ana), { evidence: revoked(later(-2)) })), ['revoked'])
    // Without a timestamp nothing shows that it was before.
    assert.deepEqual(codes(ask(signB(world, ana), { evidence: revoked(later(-0.5)) })), ['revoked'])
  })

  it('a bundle made to be slow costs no more than its bound', () => {
    // Twenty authorities of one name and as many of another, all of one key each, issue one another: 20^7 paths.
    const [k1, k2] = [aKey(), aKey()]
    const [n1, n2] = [called('Laberinto 1'), called('Laberinto 2')]
    const [h1, h2] = [
      certify({ name: n1, key: k1, authority: {}, keyIds: false }),
      certify({ name: n2, key: k2, authority: {}, keyIds: false }),
    ]
    const maze = Array.from({ length: 30 }, (_, i) =>
      i % 2
        ? certify({ name: n1, key: aKey(), by: h2, authority: {}, keyIds: false })
        : certify({ name: n2, key: aKey(), by: h1, authority: {}, keyIds: false }),
    )
    const leaf = person({ by: h1, keyIds: false })
    const start = performance.now()
    const verdict = ask(
      signCades({ content, by: leaf, certificates: [leaf.certificate, h1.certificate, h2.certificate, ...maze.map((m) => m.certificate)] }),
    )
    assert.equal(verdict.holds, false)
    assert.ok(performance.now() - start < 2_000)
  })
})

describe('a paper of a portal', () => {
  const roots = openTrust([{ certificate: ca.root.certificate.der, vouches: ['people', 'seals', 'timestamps'] }])
  const portal = 'https://ventanilla.example'
  const record = { kind: 'receipt', portal, reference: 'K7QP-2M4XW' }
  const paper = (said: object, sealedOver: object = said, by = ca.seal) =>
    Buffer.from(
      JSON.stringify({ record: said, sealed: Buffer.from(sealBytes(canonicalBytes(sealedOver), by, { at: today })).toString('base64') }),
    )
  const askPaper = (bytes: Buffer, more: Partial<Question> = {}) =>
    verifyPaper({ trust: roots, at: today, revocation: 'if-known', ...more, paper: bytes })!
  const issuer = ca.issuing.certificate.subject.key

  it('is named with whose seal is over its record', () => {
    const { name } = ca.seal.certificate
    assert.deepEqual(askPaper(paper(record)).paper, { ...record, sealedBy: name })
    assert.match(explain('en', askPaper(paper(record))).join('\n'), /receipt of the filing K7QP-2M4XW at https:\/\/ventanilla\.example/)
    const decision = { code: '7N7F-FKACP', reference: 'K7QP-2M4XW', person: { name: 'X' } }
    assert.deepEqual(askPaper(paper(decision)).paper, { kind: 'decision', code: '7N7F-FKACP', reference: 'K7QP-2M4XW', sealedBy: name })
  })
  it('is none under a signature of somebody for themself, nor with words that could be other lines', async () => {
    const subject = makeName([nameOids.commonName, 'JUANA'])
    const { spki } = ca.seal.key
    const person = holder(ca.seal.key, await makeCertificate({ profile: 'person', subject, spki, from: since }, ca.issuing), ca.seal.chain)
    for (const bytes of [
      paper(record, record, person),
      paper({ ...record, reference: 'K\nEs válida.' }),
      paper({ ...record, portal: 7 }),
    ]) {
      const verdict = askPaper(bytes)
      assert.deepEqual([verdict.holds, verdict.paper], [true, null])
    }
  })
  it('fails with another record, and where another institution speaks for the portal that asks', () => {
    assert.deepEqual(codes(askPaper(paper({ ...record, reference: '7N7F-FKACP' }, record))), ['other-content'])
    assert.equal(askPaper(paper(record), { own: { portal, issuer } }).holds, true)
    assert.equal(askPaper(paper(record), { own: { portal: 'https://other.example', issuer: 'another' } }).holds, true)
    const others = askPaper(paper(record), { own: { portal, issuer: 'another' } })
    assert.deepEqual([codes(others), others.paper], [['wrong-usage'], null])
  })
})

describe('BER', () => {
  it('is read in the envelope: lengths left open and strings in pieces', () => {
    const ber = asBer(signB(world, ana, { attached: true }))
    holds(ask(ber, { content: null }))
    assert.deepEqual(codes(ask(Buffer.concat([ber, Buffer.from([1])]))), ['broken'])
    const deepBer = Buffer.concat([Buffer.concat(Array(5_000).fill(Buffer.from([0x30, 0x80])))])
    assert.deepEqual(codes(ask(deepBer)), ['broken'])
  })
})

describe('a PDF', () => {
  const askPdf = (pdf: Uint8Array, more: Partial<Question> = {}) => verifyPdf({ pdf, trust, at: now, evidence: { crls: [list] }, ...more })
  const sign = (by: Holder) => (covered: Uint8Array) => signT(world, by, { content: covered })
  const pdf = signPdf(sign(ana))

  it('holds, with one signature and with two', () => {
    assert.deepEqual(holds(askPdf(pdf)).covers, { bytes: pdf.length, whole: true })
    holds(askPdf(signPdf(sign(ana), { form: 'adbe.pkcs7.detached' })))
    const twice = signPdf(sign(luis), { before: pdf })
    holds(askPdf(twice))
    assert.deepEqual(
      askPdf(twice).signatures.map((f) => [f.signer?.name, f.covers]),
      [
        ['ANA LÓPEZ PÉREZ', { bytes: pdf.length, whole: false }],
        ['LUIS SOTO', { bytes: twice.length, whole: true }],
      ],
    )
    assert.match(explain('es', askPdf(twice)).join('\n'), /Abarca los primeros/)
  })

  const range = /ByteRange \[(\d+) (\d+) (\d+) (\d+)/.exec(pdf.toString('latin1'))!.slice(1).map(Number)
  const digits = (n: number) => String(n).padStart(10, '0')
  const edit = (from: string | RegExp, to: string) => Buffer.from(pdf.toString('latin1').replace(from, to), 'latin1')
  const cases: readonly [string, Uint8Array, readonly ReasonCode[]][] = [
    ['something was added behind', Buffer.concat([pdf, Buffer.from('\n1 0 obj\n<<>>\nendobj\n%%EOF\n')]), ['appended']],
    ['a byte was added behind', Buffer.concat([pdf, Buffer.from('\n')]), ['appended']],
    ['the page was changed', edit('200 200', '200 201'), ['other-content']],
    [
      'the range leaves out more than the signature',
      edit(/\/ByteRange.*?\]/, `/ByteRange [0 ${digits(range[1]!)} ${digits(range[2]! + 1)} ${digits(range[3]! - 1)}]`),
      ['range-not-whole'],
    ],
    ['the range begins later', edit('/ByteRange [0 ', '/ByteRange [1 '), ['range-not-whole']],
    ['something stands in the signature’s place', edit('00000>', '0000 >'), ['range-not-whole']],
    ['digits behind the signature are no zeros', edit('00000>', '00001>'), ['broken']],
    ['it is cut', pdf.subarray(0, -1), ['range-not-whole']],
    ['another form of signature', signPdf(sign(ana), { form: 'adbe.x509.rsa_sha1' }), ['unsupported']],
    ['no signature', Buffer.from('%PDF-1.7\n%%EOF\n'), ['no-signature']],
  ]
  for (const [name, bytes, expected] of cases) it(`fails when ${name}: ${expected}`, () => assert.deepEqual(codes(askPdf(bytes)), expected))
})

test('every reason has a sentence in every language, and every one of them is reached by a test here', () => {
  const reached = new Set(bad.flatMap(([, expected]) => expected))
  for (const code of ['range-not-whole', 'appended'] as const) reached.add(code)
  assert.deepEqual(
    Object.keys(reasons).filter((code) => !reached.has(code as ReasonCode)),
    [],
  )
  for (const language of languages)
    for (const code of Object.keys(reasons) as ReasonCode[]) {
      const words = reasonSentence(language, { code, whose: null })
      assert.match(words, /^\p{Lu}.*\.$/u)
      assert.doesNotMatch(words, /\{/)
    }
})

test('a verdict without a signature does not hold', () => assert.deepEqual(codes(verdictOf('cades', [])), ['no-signature']))
