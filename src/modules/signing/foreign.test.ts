/** The same material judged by OpenSSL, pkijs and poppler: what we let hold they let hold, what they refuse we refuse, and where we are stricter it stands here. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ContentInfo, Certificate as PkiCertificate, SignedData } from 'pkijs'
import { readCertificate } from './certificate.ts'
import * as der from './der.ts'
import { readCrl, readOcsp, readShown, statusOf } from './revocation.ts'
import {
  aKey,
  anExtension,
  called,
  certify,
  type Holder,
  listRevoked,
  purposeOids,
  signPdf,
  stamp,
  tokenAttribute,
} from './testing-certificates.ts'
import { aWorld, later, now, signB, signT, trustIn } from './testing-world.ts'
import { checkToken, readToken } from './timestamp.ts'
import { chainOf, openTrust } from './trust.ts'
import { verifyPdf, verifySignature } from './verify.ts'

const skip = existsSync('/usr/bin/openssl') ? false : 'openssl is missing: apt-get install openssl'
const skipPdf = existsSync('/usr/bin/pdfsig') ? false : 'pdfsig is missing: apt-get install poppler-utils'
const folder = mkdtempSync(join(tmpdir(), 'ventanilla-foreign-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
const file = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(at(name), bytes)
  return at(name)
}
const pem = (label: string, bytes: Uint8Array) =>
  `-----BEGIN ${label}-----\n${Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END ${label}-----\n`
const certificates = (name: string, ...all: readonly Uint8Array[]) => file(name, all.map((c) => pem('CERTIFICATE', c)).join(''))
const keyFile = (name: string, holder: Holder) => file(name, holder.key.export({ type: 'pkcs8', format: 'pem' }) as string)

/** Runs OpenSSL; whether it ended well, and what it said. */
function openssl(...args: readonly string[]): { ok: boolean; said: string } {
  const { status, stdout, stderr } = spawnSync('/usr/bin/openssl', args, { encoding: 'utf8' })
  return { ok: status === 0, said: `${stdout}${stderr}` }
}
/** Runs OpenSSL, which must end well. */
function made(...args: readonly string[]): void {
  const { ok, said } = openssl(...args)
  assert.ok(ok, `openssl ${args.join(' ')}\n${said}`)
}

const world = aWorld()
const { root, issuing, ana, luis, stamper, responder, trust, list, content } = world
const contentFile = file('content.txt', content)
const otherFile = file('other.txt', 'otra cosa')
const rootFile = certificates('root.pem', root.certificate)
const issuingFile = certificates('issuing.pem', issuing.certificate)
const seconds = (when: Date) => String(Math.floor(when.getTime() / 1000))
const atNow = ['-attime', seconds(now)]
const question = { trust, at: now, evidence: { crls: [list] } }

describe('chains, beside openssl verify -x509_strict', { skip }, () => {
  const person = (more: Partial<Parameters<typeof certify>[0]> = {}) =>
    certify({ name: called('PERSONA'), by: issuing, extended: { oids: [purposeOids.email] }, ...more })
  const below = certify({ name: called('Por debajo'), by: issuing, authority: {} })
  const lay = certify({ name: called('Persona que emite'), by: issuing })
  const old = certify({ name: called('Vencida'), by: root, authority: {}, to: later(-1), hash: 'sha384' })
  const signless = certify({ name: called('Sin permiso'), by: root, authority: {}, usage: [6], hash: 'sha384' })
  const cases: readonly [name: string, leaf: Holder, between: readonly Holder[], ours: string[], theirs: boolean][] = [
    ['a person', ana, [issuing], [], true],
    ['P-521', person({ key: aKey('P-521') }), [issuing], [], true],
    ['expired', person({ to: later(-1) }), [issuing], ['expired'], false],
    ['not yet valid', person({ from: later(1) }), [issuing], ['not-yet-valid'], false],
    ['an authority that expired', person({ by: old }), [old], ['expired'], false],
    ['without the authority between', ana, [], ['untrusted'], false],
    ['forged', person({ by: { ...issuing, key: aKey() } }), [issuing], ['untrusted'], false],
    ['below the end of the path', person({ by: below }), [below, issuing], ['chain-too-long'], false],
    ['issued by a person', person({ by: lay }), [lay, issuing], ['not-an-authority', 'chain-too-long'], false],
    ['an authority that may not sign certificates', person({ by: signless }), [signless], ['not-an-authority'], false],
    ['self-made', person({ by: null }), [issuing], ['self-made'], false],
    // OpenSSL at its usual level takes these; we do not.
    ['SHA-1', person({ hash: 'sha1' }), [issuing], ['weak-hash'], true],
    ['RSA of 1024 bits', person({ key: aKey(1024) }), [issuing], ['weak-key'], true],
    ['secp256k1', person({ key: aKey('secp256k1') }), [issuing], ['wrong-curve'], true],
  ]
  for (const [name, leaf, between, ours, theirs] of cases)
    it(`${name}: ${ours.join(', ') || 'holds'}`, () => {
      const untrusted = between.length > 0 ? ['-untrusted', certificates('between.pem', ...between.map((b) => b.certificate))] : []
      const { ok, said } = openssl(
        'verify',
        '-x509_strict',
        ...atNow,
        '-CAfile',
        rootFile,
        ...untrusted,
        certificates('leaf.pem', leaf.certificate),
      )
      assert.equal(ok, theirs, said)
      const found = chainOf(
        readCertificate(leaf.certificate),
        between.map((b) => readCertificate(b.certificate)),
        trust,
        now,
        'people',
      )
      assert.deepEqual([...new Set(found.reasons.map((r) => r.code))], ours)
    })

  it('an unknown critical extension', () => {
    const leaf = person({ more: [anExtension('1.2.3.4', der.nil, true)] })
    const { ok } = openssl('verify', ...atNow, '-CAfile', rootFile, '-untrusted', issuingFile, certificates('leaf.pem', leaf.certificate))
    assert.equal(ok, false)
    assert.throws(() => readCertificate(leaf.certificate), /1\.2\.3\.4/)
  })
})

describe('revocation, beside openssl', { skip }, () => {
  const [c, issuer] = [readCertificate(ana.certificate), readCertificate(issuing.certificate)]
  const ask = (shown: { ocsp?: Uint8Array[]; crls?: Uint8Array[] }, when: Date) =>
    statusOf(c, issuer, readShown(shown.ocsp ?? [], shown.crls ?? []), { when, at: when, trust }).state

  for (const [name, revoked, state] of [
    ['good', [], 'good'],
    ['revoked', [{ certificate: ana.certificate, at: later(-2) }], 'revoked'],
  ] as const)
    it(`a list says ${name}`, () => {
      const crl = listRevoked(issuing, revoked, { from: later(-1), to: later(24) })
      const args = [
        '-crl_check',
        '-CRLfile',
        file('list.pem', pem('X509 CRL', crl)),
        ...atNow,
        '-CAfile',
        rootFile,
        '-untrusted',
        issuingFile,
      ]
      assert.equal(openssl('verify', '-x509_strict', ...args, certificates('leaf.pem', ana.certificate)).ok, state === 'good')
      assert.equal(ask({ crls: [crl] }, now), state)
      assert.deepEqual(readCrl(crl).revokedAt(c.serial), state === 'good' ? null : later(-2))
    })

  it('an answer by openssl ocsp says good, and revoked', () => {
    const serial = c.serial.toUpperCase()
    const [leaf, signer, key] = [
      certificates('ana.pem', ana.certificate),
      certificates('responder.pem', responder.certificate),
      keyFile('responder.key', responder),
    ]
    made('ocsp', '-issuer', issuingFile, '-cert', leaf, '-no_nonce', '-reqout', at('request.der'))
    for (const [line, state] of [
      [`V\t460101000000Z\t\t${serial}\tunknown\t/CN=ANA`, 'good'],
      [`R\t460101000000Z\t261001000000Z\t${serial}\tunknown\t/CN=ANA`, 'revoked'],
    ] as const) {
      const index = file('index.txt', `${line}\n`)
      made(
        'ocsp',
        '-index',
        index,
        '-CA',
        issuingFile,
        '-rsigner',
        signer,
        '-rkey',
        key,
        '-reqin',
        at('request.der'),
        '-respout',
        at('answer.der'),
        '-nmin',
        '60',
      )
      const bytes = readFileSync(at('answer.der'))
      const said = openssl(
        'ocsp',
        '-respin',
        at('answer.der'),
        '-issuer',
        issuingFile,
        '-cert',
        leaf,
        '-CAfile',
        rootFile,
        '-verify_other',
        issuingFile,
        '-no_nonce',
      )
      assert.match(said.said, new RegExp(`: ${state}[\\s\\S]*Response verify OK`))
      assert.equal(readOcsp(bytes).answers[0]!.state, state)
      assert.equal(ask({ ocsp: [bytes] }, new Date()), state)
      const changed = Buffer.from(bytes)
      changed[bytes.indexOf(Buffer.from(serial, 'hex')) + 1]! ^= 1
      assert.equal(ask({ ocsp: [changed] }, new Date()), 'unknown')
    }
  })
})

describe('signatures, beside openssl cms and pkijs', { skip }, () => {
  const check = (signature: string, contentOf: string, more: readonly string[] = []) =>
    openssl(
      'cms',
      '-verify',
      '-cades',
      '-binary',
      '-inform',
      'DER',
      '-in',
      signature,
      ...(contentOf ? ['-content', contentOf] : []),
      '-CAfile',
      rootFile,
      '-certfile',
      issuingFile,
      ...atNow,
      '-purpose',
      'any',
      '-out',
      '/dev/null',
      ...more,
    )

  async function pkijs(signature: Uint8Array, bytes: Uint8Array): Promise<boolean> {
    const signed = new SignedData({ schema: ContentInfo.fromBER(Uint8Array.from(signature)).content })
    const trustedCerts = [PkiCertificate.fromBER(Uint8Array.from(root.certificate))]
    return signed
      .verify({ signer: 0, data: Uint8Array.from(bytes).buffer, trustedCerts, checkChain: true, checkDate: now })
      .catch(() => false)
  }

  for (const [name, bytes] of [
    ['B-B with RSA', signB(world, ana)],
    ['B-B with P-256', signB(world, luis)],
    ['B-T', signT(world, luis)],
  ] as const)
    it(`ours: ${name}`, async () => {
      const signature = file('ours.p7s', bytes)
      assert.match(check(signature, contentFile).said, /CAdES Verification successful/)
      assert.equal(check(signature, otherFile).ok, false)
      assert.equal(await pkijs(bytes, content), true)
      assert.equal(await pkijs(bytes, Buffer.from('otra cosa')), false)
      assert.equal(verifySignature({ ...question, signature: bytes, content }).holds, true)
      assert.equal(verifySignature({ ...question, signature: bytes, content: Buffer.from('otra cosa') }).holds, false)
    })

  it('ours without the certificate bound, or another bound: neither takes it', () => {
    for (const bound of [null, luis.certificate]) {
      const bytes = signB(world, ana, { bound })
      assert.equal(check(file('unbound.p7s', bytes), contentFile).ok, false)
      assert.deepEqual(
        verifySignature({ ...question, signature: bytes, content }).reasons.map((r) => r.code),
        ['certificate-not-bound'],
      )
    }
  })

  const ec384 = certify({ name: called('P-384'), by: issuing, key: aKey('P-384'), extended: { oids: [purposeOids.email] } })
  const theirs: readonly [name: string, by: Holder, args: readonly string[], attached: boolean][] = [
    ['RSA', ana, [], false],
    ['P-256', luis, [], false],
    ['P-384 with SHA-384', ec384, ['-md', 'sha384'], false],
    ['RSA with SHA-512', ana, ['-md', 'sha512'], false],
    ['RSASSA-PSS', ana, ['-md', 'sha256', '-keyopt', 'rsa_padding_mode:pss'], false],
    [
      'RSASSA-PSS with SHA-384 and its own salt',
      ana,
      ['-md', 'sha384', '-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:20'],
      false,
    ],
    ['attached', ana, ['-nodetach'], true],
    ['attached, streamed as BER', luis, ['-nodetach', '-stream'], true],
    ['by the key identifier', luis, ['-keyid'], false],
  ]
  for (const [name, by, args, attached] of theirs)
    it(`theirs: ${name}`, () => {
      const signer = certificates('signer.pem', by.certificate)
      made(
        'cms',
        '-sign',
        '-cades',
        '-binary',
        '-in',
        contentFile,
        '-signer',
        signer,
        '-inkey',
        keyFile('signer.key', by),
        '-certfile',
        issuingFile,
        '-outform',
        'DER',
        '-out',
        at('theirs.p7s'),
        ...args,
      )
      assert.ok(check(at('theirs.p7s'), attached ? '' : contentFile).ok)
      const bytes = readFileSync(at('theirs.p7s'))
      if (args.includes('-stream')) assert.equal(bytes[1], 0x80)
      const verdict = verifySignature({ ...question, signature: bytes, content: attached ? null : content })
      assert.deepEqual(verdict.reasons, [])
      assert.equal(verifySignature({ ...question, signature: bytes, content: Buffer.from('otra cosa') }).holds, false)
    })

  it('theirs with SHA-1, and without signed attributes: they take it, we do not', () => {
    for (const [args, code] of [
      [['-cades', '-md', 'sha1'], 'weak-hash'],
      [['-noattr'], 'certificate-not-bound'],
      [[], 'certificate-not-bound'],
    ] as const) {
      made(
        'cms',
        '-sign',
        '-binary',
        '-in',
        contentFile,
        '-signer',
        certificates('signer.pem', ana.certificate),
        '-inkey',
        keyFile('signer.key', ana),
        '-certfile',
        issuingFile,
        '-outform',
        'DER',
        '-out',
        at('weak.p7s'),
        ...args,
      )
      const verdict = verifySignature({ ...question, signature: readFileSync(at('weak.p7s')), content })
      assert.deepEqual(
        verdict.reasons.map((r) => r.code),
        [code],
      )
    }
  })

  it('theirs with two signers', () => {
    made(
      'cms',
      '-sign',
      '-cades',
      '-binary',
      '-in',
      contentFile,
      '-signer',
      certificates('a.pem', ana.certificate),
      '-inkey',
      keyFile('a.key', ana),
      '-signer',
      certificates('l.pem', luis.certificate),
      '-inkey',
      keyFile('l.key', luis),
      '-certfile',
      issuingFile,
      '-outform',
      'DER',
      '-out',
      at('two.p7s'),
    )
    const verdict = verifySignature({ ...question, signature: readFileSync(at('two.p7s')), content })
    assert.equal(verdict.holds, true)
    assert.deepEqual(verdict.signatures.map((f) => f.signer!.name).sort(), ['ANA LÓPEZ PÉREZ', 'LUIS SOTO'])
  })
})

describe('timestamps, beside openssl ts', { skip }, () => {
  const verify = (token: string, data: string) =>
    openssl('ts', '-verify', '-token_in', '-in', token, '-data', data, '-CAfile', rootFile, '-untrusted', issuingFile, ...atNow)
  it('ours, and over other data', () => {
    const token = stamp(content, stamper, later(-1), { certificates: [stamper.certificate, issuing.certificate] })
    assert.ok(verify(file('ours.tst', token), contentFile).ok)
    assert.equal(verify(at('ours.tst'), otherFile).ok, false)
    assert.deepEqual(checkToken(readToken(token), content, { trust, at: now }).reasons, [])
    assert.deepEqual(
      checkToken(readToken(token), Buffer.from('otra cosa'), { trust, at: now }).reasons.map((r) => r.code),
      ['timestamp-of-other-data'],
    )
  })
  it('theirs, alone and within a signature', () => {
    file('serial', '01\n')
    const config = file(
      'ts.cnf',
      `[tsa]\ndefault_tsa = here\n[here]\nserial = ${at('serial')}\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256, sha384\naccuracy = secs:1\nordering = no\ntsa_name = no\ness_cert_id_alg = sha256\n`,
    )
    const ask = (bytes: Uint8Array) => {
      made('ts', '-query', '-data', file('stamped', bytes), '-sha256', '-cert', '-out', at('query'))
      made(
        'ts',
        '-reply',
        '-config',
        config,
        '-queryfile',
        at('query'),
        '-signer',
        certificates('tsa.pem', stamper.certificate),
        '-inkey',
        keyFile('tsa.key', stamper),
        '-chain',
        issuingFile,
        '-token_out',
        '-out',
        at('theirs.tst'),
      )
      return readFileSync(at('theirs.tst'))
    }
    const today = new Date()
    const token = readToken(ask(content))
    assert.deepEqual(checkToken(token, content, { trust, at: today }).reasons, [])
    assert.equal(checkToken(token, Buffer.from('otra cosa'), { trust, at: today }).reasons[0]!.code, 'timestamp-of-other-data')
    assert.notEqual(token.nonce, null)
    const signature = signB(world, luis, { unsigned: (value) => [tokenAttribute(ask(value))] })
    const verdict = verifySignature({ trust, at: today, revocation: 'if-known', signature, content })
    assert.deepEqual([verdict.reasons, verdict.signatures[0]!.level], [[], 'B-T'])
    assert.ok(Math.abs(verdict.signatures[0]!.provedAt!.getTime() - today.getTime()) < 60_000)
  })
})

describe('PDFs, beside pdfsig', { skip: skipPdf }, () => {
  const pdfsig = (pdf: Uint8Array) => spawnSync('/usr/bin/pdfsig', [file('signed.pdf', pdf)], { encoding: 'utf8' }).stdout
  const sign = (by: Holder) => (covered: Uint8Array) => signT(world, by, { content: covered })
  it('one signature, two, and one over a page that was changed', () => {
    const pdf = signPdf(sign(ana))
    assert.match(pdfsig(pdf), /Signature is Valid/)
    assert.match(pdfsig(pdf), /Total document signed/)
    assert.equal(verifyPdf({ ...question, pdf }).holds, true)
    const twice = signPdf(sign(luis), { before: pdf })
    assert.equal(pdfsig(twice).match(/Signature is Valid/g)?.length, 2)
    assert.equal(verifyPdf({ ...question, pdf: twice }).holds, true)
    const changed = Buffer.from(pdf.toString('latin1').replace('200 200', '200 201'), 'latin1')
    assert.match(pdfsig(changed), /Digest Mismatch/)
    assert.equal(verifyPdf({ ...question, pdf: changed }).holds, false)
  })
})

describe('the tax authority’s certificates', { skip }, () => {
  const vectors = join(import.meta.dirname, '../../../test/vectors/efirma')
  const cer = (path: string) => readFileSync(join(vectors, path))
  it('say who it is, of a person and of a company with who acts for it', () => {
    const person = readCertificate(cer('FIEL_CACX7605101P8_2023/certificate.cer'))
    assert.deepEqual(
      [person.name, person.rfc, person.curp, person.representative],
      ['XOCHILT CASAS CHAVEZ', 'CACX7605101P8', 'CACX760510MGTSHC04', null],
    )
    assert.equal(Buffer.from(person.serial, 'hex').toString(), '30001000000500003282')
    const company = readCertificate(cer('FIEL_AAA010101AAA/certificate.cer'))
    assert.deepEqual(
      [company.rfc, company.curp, company.representative],
      ['AAA010101AAA', null, { rfc: 'HEGT7610034S2', curp: 'HEGT761003MDFRNN09' }],
    )
  })
  it('chain to the authority that is pinned, as openssl with -partial_chain', () => {
    for (const [ca, leaf, when] of [
      ['AC4_SAT', 'ocsp.ac4_sat', '2020-01-01'],
      ['AC5_SAT', 'ocsp.ac5_sat', '2026-01-01'],
    ] as const) {
      const trust = openTrust([{ certificate: cer(`sat-ac/${ca}.cer`), vouches: ['people', 'ocsp'] }])
      const c = readCertificate(cer(`sat-ac/${leaf}.cer`))
      assert.deepEqual(chainOf(c, [], trust, new Date(when), 'ocsp').reasons, [])
      const args = ['-partial_chain', '-attime', seconds(new Date(when)), '-CAfile', certificates('ca.pem', cer(`sat-ac/${ca}.cer`))]
      assert.ok(openssl('verify', ...args, certificates('leaf.pem', c.der)).ok)
      assert.deepEqual(
        chainOf(c, [], trust, new Date(when), 'people').reasons.map((r) => r.code),
        ['wrong-usage'],
      )
    }
  })
  it('sign: an e.firma holds while it is valid, pinned because its test authority is not public', () => {
    const path = 'FIEL_CACX7605101P8_2023'
    made(
      'pkcs8',
      '-inform',
      'DER',
      '-in',
      join(vectors, path, 'private_key.key'),
      '-passin',
      `file:${join(vectors, path, 'password.txt')}`,
      '-out',
      at('fiel.key'),
    )
    const der = cer(`${path}/certificate.cer`)
    made(
      'cms',
      '-sign',
      '-cades',
      '-binary',
      '-in',
      contentFile,
      '-signer',
      certificates('fiel.pem', der),
      '-inkey',
      at('fiel.key'),
      '-outform',
      'DER',
      '-out',
      at('fiel.p7s'),
    )
    const ask = (when: string, pinned: boolean) =>
      verifySignature({
        signature: readFileSync(at('fiel.p7s')),
        content,
        at: new Date(when),
        trust: pinned ? openTrust([{ certificate: der, vouches: ['people'] }]) : trustIn(root),
      })
    assert.deepEqual(ask('2026-11-27', true).reasons, [])
    assert.deepEqual(
      ask('2027-11-27', true).reasons.map((r) => r.code),
      ['expired'],
    )
    assert.deepEqual(
      ask('2026-11-27', false).reasons.map((r) => r.code),
      ['untrusted'],
    )
  })
})
