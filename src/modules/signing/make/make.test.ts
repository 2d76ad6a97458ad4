/** What the authority makes, judged by OpenSSL and by our own verifier. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newKey } from '../authority/folder.ts'
import { signCades } from '../cades.ts'
import { readCertificate } from '../certificate.ts'
import * as der from '../der.ts'
import { openPair, readCertificate as readOwn } from '../pair.ts'
import { makeRequest } from '../request.ts'
import { readCrl, readOcsp, statusOf } from '../revocation.ts'
import { addresses, anAuthority, now, since } from '../testing-authority.ts'
import { efirma, opensslFolder } from '../testing-signer.ts'
import { openTrust } from '../trust.ts'
import { Refusal } from '../verdict.ts'
import { verifySignature } from '../verify.ts'
import { makeList, makeOcspRequest, makeOcspResponse, readOcspRequest } from './answers.ts'
import { raise, sealBytes, timestampAttribute } from './cades.ts'
import { makeCertificate, makeName, nameOids, yearsAfter } from './certificates.ts'
import { readRequest, requestDer } from './requests.ts'
import { holder, keyInMemory } from './signer.ts'
import { makeToken, readTimestampRequest, stampBytes, timestampResponse } from './tokens.ts'

const ca = await anAuthority()
const trust = openTrust([{ certificate: ca.root.certificate.der, vouches: ['people', 'seals', 'timestamps'] }])
const openssl = opensslFolder()
const pem = (file: string, bytes: Uint8Array) => {
  openssl.write(`${file}.der`, bytes)
  openssl.run('x509', '-inform', 'DER', '-in', `${file}.der`, '-out', `${file}.pem`)
}
for (const [file, part] of Object.entries({ root: ca.root, issuing: ca.issuing, ocsp: ca.ocsp, timestamps: ca.timestamps, seal: ca.seal }))
  pem(file, part.certificate.der)
openssl.write('chain.pem', Buffer.concat([openssl.read('issuing.pem'), openssl.read('root.pem')]))
const person = makeName(
  [nameOids.country, 'MX'],
  [nameOids.commonName, 'JUANA PÉREZ ÑÚÑEZ'],
  [nameOids.curp, 'PEXJ800101MDFRXN09'],
  [nameOids.rfc, 'PEXJ800101AB1'],
)

describe('certificates', () => {
  test('of a request that a browser makes, accepted by OpenSSL at its strictest, and by our own verifier with all they name', async () => {
    const { request } = await makeRequest({ name: 'cualquiera', id: 'PEXJ800101MDFRXN09' }, 'una frase larga y segura')
    const asked = readRequest(request)
    const made = await makeCertificate({ profile: 'person', subject: person, spki: asked.spki, from: since, addresses }, ca.issuing)
    pem('juana', made)
    assert.match(openssl.run('verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem', 'juana.pem'), /: OK/)
    const words = openssl.run('x509', '-in', 'juana.pem', '-noout', '-text', '-nameopt', 'utf8,sep_comma_plus')
    assert.match(words, /JUANA PÉREZ ÑÚÑEZ/)
    assert.match(words, /OCSP - URI:http:\/\/127\.0\.0\.1\/pki\/ocsp/)
    const read = readCertificate(made)
    assert.deepEqual([read.name, read.curp, read.rfc, read.authority], ['JUANA PÉREZ ÑÚÑEZ', 'PEXJ800101MDFRXN09', 'PEXJ800101AB1', false])
    assert.deepEqual(read.ocspUrls, [addresses.ocsp])
    assert.deepEqual(read.listUrls, [addresses.list])
    assert.equal(read.notAfter.getTime(), yearsAfter(since, 4).getTime())
  })

  test('never outlive their issuer, and none is made when the issuer has ended', async () => {
    const late = yearsAfter(since, 14)
    const key = keyInMemory(newKey('P-256'))
    const made = readCertificate(await makeCertificate({ profile: 'person', subject: person, spki: key.spki, from: late }, ca.issuing))
    assert.equal(made.notAfter.getTime(), ca.issuing.certificate.notAfter.getTime())
    await assert.rejects(
      makeCertificate({ profile: 'person', subject: person, spki: key.spki, from: yearsAfter(since, 20) }, ca.issuing),
      RangeError,
    )
  })

  test('a key without the certificate over it is no holder', () => {
    assert.throws(() => holder(keyInMemory(newKey('P-256')), ca.seal.certificate.der), TypeError)
  })
})

describe('requests', () => {
  const asked = (args: readonly string[], file = 'ask.req') => {
    openssl.run('req', '-new', '-subj', '/CN=efirma', '-nodes', '-keyout', 'ask.key', '-outform', 'DER', '-out', file, ...args)
    return openssl.read(file)
  }
  test("of OpenSSL's, in DER and in letters", () => {
    const bytes = asked(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'])
    assert.equal(readRequest(bytes).key, 'P-256')
    openssl.run('req', '-inform', 'DER', '-in', 'ask.req', '-out', 'ask.pem')
    assert.equal(readRequest(requestDer(Buffer.from(openssl.read('ask.pem')))).key, 'P-256')
    assert.equal(readRequest(asked(['-newkey', 'rsa:2048'])).key, 'RSA 2048')
  })
  const refused: readonly (readonly [string, readonly string[], string])[] = [
    ['a short RSA key', ['-newkey', 'rsa:1024'], 'weak-key'],
    ['another curve', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], 'wrong-curve'],
    ['SHA-1', ['-newkey', 'rsa:2048', '-sha1'], 'weak-hash'],
    ['Ed25519', ['-newkey', 'ed25519'], 'unsupported'],
  ]
  for (const [words, args, code] of refused)
    test(`${words} is refused as ${code}`, () => {
      assert.throws(
        () => readRequest(asked(args)),
        (error) => error instanceof Refusal && error.reason.code === code,
      )
    })
  test('another key than the one that signed is refused, and so is any byte changed', () => {
    const bytes = asked(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'])
    let refusals = 0
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes)
      changed[i]! ^= 1
      try {
        readRequest(changed)
        // The parameters of the signature's own algorithm are the only bytes that no signature covers.
      } catch (error) {
        assert.ok(error instanceof Refusal || error instanceof der.DerFault)
        refusals++
      }
    }
    assert.equal(refusals, bytes.length)
  })
  test('a megabyte is refused unread', () => {
    assert.throws(
      () => readRequest(new Uint8Array(1_000_000)),
      (error) => error instanceof Refusal && error.reason.code === 'too-large',
    )
  })
})

describe('answers about revocation', () => {
  const to = new Date(now.getTime() + 600_000)
  const luis = async (serial: string) => {
    const key = keyInMemory(newKey('P-256'))
    const made = await makeCertificate({ profile: 'person', subject: person, spki: key.spki, from: since, addresses, serial }, ca.issuing)
    pem(`s${serial}`, made)
    return readCertificate(made)
  }
  const respond = (request: Uint8Array, said: Parameters<typeof makeOcspResponse>[0][number]['said']) => {
    const asked = readOcspRequest(request)!
    return makeOcspResponse(
      asked.asked.map(({ id }) => ({ id, said })),
      ca.ocsp,
      { from: since, to, nonce: asked.nonce },
    )
  }
  for (const hash of ['sha1', 'sha256'])
    test(`of OpenSSL's requests with ${hash}: good, revoked with its reason, and unknown`, async () => {
      const one = await luis(hash === 'sha1' ? '41aa' : '41ab')
      openssl.run('ocsp', `-${hash}`, '-issuer', 'issuing.pem', '-cert', `s${one.serial}.pem`, '-reqout', 'ask.der')
      // OpenSSL puts a nonce of its own in the place of the request's, unless told not to.
      const check = () =>
        openssl.run(
          'ocsp',
          '-no_nonce',
          `-${hash}`,
          '-issuer',
          'issuing.pem',
          '-cert',
          `s${one.serial}.pem`,
          '-reqin',
          'ask.der',
          '-respin',
          'say.der',
          '-CAfile',
          'chain.pem',
        )
      openssl.write('say.der', respond(openssl.read('ask.der'), { state: 'good' }))
      assert.match(check(), /Response verify OK[\s\S]*: good/)
      assert.doesNotMatch(check(), /Nonce Verify error|no nonce/i)
      openssl.write('say.der', respond(openssl.read('ask.der'), { state: 'revoked', at: since, reason: 'keyCompromise' }))
      assert.match(check(), /: revoked[\s\S]*Reason: keyCompromise/)
      openssl.write('say.der', respond(openssl.read('ask.der'), { state: 'unknown' }))
      assert.match(check(), /: unknown/)
      const nonceOf = (kind: 'req' | 'resp') =>
        /OCSP Nonce:\s+([0-9A-F]+)/.exec(
          openssl.run('ocsp', `-${kind}in`, kind === 'req' ? 'ask.der' : 'say.der', `-${kind}_text`, '-noverify'),
        )?.[1]
      assert.ok(nonceOf('req'))
      assert.equal(nonceOf('resp'), nonceOf('req'))
    })

  test('are read again by our own verifier', async () => {
    const one = await luis('41ac')
    const response = respond(makeOcspRequest(one, ca.issuing.certificate), { state: 'good' })
    assert.equal(readOcsp(response).answers.length, 1)
    const shown = { ocsp: [readOcsp(response)], crls: [] }
    assert.equal(statusOf(one, ca.issuing.certificate, shown, { when: now, at: now, trust }).state, 'good')
  })

  test('what is no request is none, whatever byte changes', async () => {
    const request = makeOcspRequest(await luis('41ad'), ca.issuing.certificate, Buffer.alloc(16, 7))
    assert.ok(readOcspRequest(request))
    assert.equal(readOcspRequest(new Uint8Array(0)), null)
    for (let i = 0; i < request.length; i++) readOcspRequest(Uint8Array.from(request, (byte, at) => (at === i ? byte ^ 0x81 : byte)))
    const many = der.sequence(
      der.sequence(der.sequence(...Array.from({ length: 17 }, () => der.sequence(readOcspRequest(request)!.asked[0]!.id)))),
    )
    assert.equal(readOcspRequest(many), null)
  })

  test('a list names who is revoked and why, and OpenSSL refuses them by it', async () => {
    const one = await luis('41ae')
    const list = await makeList([{ serial: one.serial, at: since, reason: 'keyCompromise' }], ca.issuing, { number: 7, from: since, to })
    openssl.write('list.der', list)
    openssl.write('root.crl', ca.list)
    openssl.run('crl', '-inform', 'DER', '-in', 'list.der', '-out', 'list.pem')
    openssl.run('crl', '-inform', 'DER', '-in', 'root.crl', '-out', 'rootlist.pem')
    assert.match(openssl.run('crl', '-in', 'list.pem', '-CAfile', 'issuing.pem', '-noout', '-crlnumber'), /verify OK[\s\S]*crlNumber=0x0?7/)
    const check = (serial: string) =>
      openssl.run(
        'verify',
        '-x509_strict',
        '-crl_check_all',
        '-CRLfile',
        'list.pem',
        '-CRLfile',
        'rootlist.pem',
        '-CAfile',
        'root.pem',
        '-untrusted',
        'issuing.pem',
        `s${serial}.pem`,
      )
    assert.throws(() => check(one.serial), /certificate revoked/)
    assert.match(check('41ac'), /: OK/)
    assert.equal(readCrl(list).revokedAt(one.serial)?.getTime(), since.getTime())
    assert.equal(readCrl(await makeList([], ca.issuing, { number: 8, from: since, to })).revokedAt(one.serial), null)
  })
})

describe('timestamps', () => {
  for (const hash of ['sha256', 'sha384', 'sha512'])
    test(`of OpenSSL's queries with ${hash}, and of no other data`, () => {
      openssl.write('data.txt', 'lo que existía')
      openssl.write('other.txt', 'lo que no')
      openssl.run('ts', '-query', '-data', 'data.txt', `-${hash}`, '-cert', '-out', 'q.tsq')
      const asked = readTimestampRequest(openssl.read('q.tsq'))
      assert.ok(typeof asked !== 'string')
      openssl.write('r.tsr', timestampResponse(makeToken(asked, ca.timestamps, now)))
      const check = (...how: string[]) =>
        openssl.run('ts', '-verify', ...how, '-in', 'r.tsr', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem')
      assert.match(check('-queryfile', 'q.tsq'), /Verification: OK/)
      assert.match(check('-data', 'data.txt'), /Verification: OK/)
      assert.throws(() => check('-data', 'other.txt'), /message imprint mismatch/)
    })

  test('without -cert the certificate stays away, and OpenSSL finds it beside', () => {
    openssl.write('data.txt', 'lo que existía')
    openssl.run('ts', '-query', '-data', 'data.txt', '-sha256', '-no_nonce', '-out', 'q.tsq')
    const asked = readTimestampRequest(openssl.read('q.tsq'))
    assert.ok(typeof asked !== 'string' && asked.nonce === null && !asked.certificate)
    openssl.write('r.tsr', timestampResponse(makeToken(asked, ca.timestamps, now)))
    openssl.write('both.pem', Buffer.concat([openssl.read('issuing.pem'), openssl.read('timestamps.pem')]))
    assert.match(openssl.run('ts', '-verify', '-queryfile', 'q.tsq', '-in', 'r.tsr', '-CAfile', 'root.pem', '-untrusted', 'both.pem'), /OK/)
  })

  const refused: readonly (readonly [string, string[], string])[] = [
    ['SHA-1', ['-sha1'], 'badAlg'],
    ['a policy of somebody', ['-sha256', '-tspolicy', '1.2.3.4'], 'unacceptedPolicy'],
  ]
  for (const [words, args, why] of refused)
    test(`${words} is refused as ${why}, in a response that OpenSSL reads`, () => {
      openssl.run('ts', '-query', '-data', 'root.pem', ...args, '-out', 'q.tsq')
      assert.equal(readTimestampRequest(openssl.read('q.tsq')), why)
      openssl.write('r.tsr', timestampResponse(why as 'badAlg'))
      assert.match(openssl.run('ts', '-reply', '-in', 'r.tsr', '-text'), /Status: Rejected/)
    })
  test('what is no query is refused', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('GET /'), Buffer.from([0x30, 0x80])])
      assert.equal(readTimestampRequest(bytes), 'badDataFormat')
  })
})

describe('seals and raised signatures', () => {
  const content = Buffer.from('resolución: se otorga\n')
  const check = (file: string, ...how: string[]) =>
    openssl.run(
      'cms',
      '-verify',
      '-cades',
      '-binary',
      '-inform',
      'DER',
      '-in',
      file,
      '-content',
      'content.txt',
      '-CAfile',
      'root.pem',
      '-purpose',
      'any',
      '-out',
      'out.txt',
      ...how,
    )
  openssl.write('content.txt', content)

  for (const kind of ['P-256', 'RSA'] as const)
    test(`an institution's seal with ${kind} is B-T, by OpenSSL and by us`, async () => {
      const { root, seal, timestamps } = kind === 'RSA' ? await anAuthority('RSA') : ca
      pem('kindroot', root.certificate.der)
      const made = sealBytes(content, seal, { at: now, unsigned: (s) => [timestampAttribute(stampBytes(s, timestamps, now))] })
      openssl.write('seal.p7s', made)
      assert.match(check('seal.p7s', '-CAfile', 'kindroot.pem'), /CAdES Verification successful/)
      const roots = openTrust([{ certificate: root.certificate.der, vouches: ['seals', 'timestamps'] }])
      const verdict = verifySignature({ signature: made, content, trust: roots, at: now, revocation: 'if-known' })
      assert.deepEqual([verdict.holds, verdict.signatures[0]?.level, verdict.signatures[0]?.as], [true, 'B-T', 'seals'])
      const other = Buffer.from(content)
      other[3]! ^= 1
      assert.equal(verifySignature({ signature: made, content: other, trust: roots, at: now, revocation: 'if-known' }).holds, false)
    })

  test("a person's signature is raised to B-T and B-LT; the token is over its value, by OpenSSL; raising again changes nothing", async () => {
    const key = await makeRequest({ name: 'Juana' }, 'una frase larga y segura')
    const certificate = await makeCertificate(
      { profile: 'person', subject: person, spki: readRequest(key.request).spki, from: since, addresses },
      ca.issuing,
    )
    const pair = await openPair(readOwn(Uint8Array.from(certificate), now), key.keyFile, 'una frase larga y segura')
    const cms = await signCades(Uint8Array.from(content), pair, now)
    const plain = verifySignature({ signature: cms, content, trust, at: now, revocation: 'if-known' })
    assert.equal(plain.holds, false, 'the issuing authority is not in it')
    const bt = raise(cms, { stamp: (s) => stampBytes(s, ca.timestamps, now), certificates: [ca.issuing.certificate.der] })
    openssl.write('bt.p7s', bt)
    assert.match(check('bt.p7s'), /CAdES Verification successful/)
    const level = (bytes: Uint8Array) => {
      const verdict = verifySignature({ signature: bytes, content, trust, at: now, revocation: 'if-known' })
      assert.deepEqual(verdict.reasons, [])
      return verdict.signatures[0]!.level
    }
    assert.equal(level(bt), 'B-T')
    const asked = readOcspRequest(makeOcspRequest(readCertificate(certificate), ca.issuing.certificate))!
    const answer = makeOcspResponse([{ id: asked.asked[0]!.id, said: { state: 'good' } }], ca.ocsp, {
      from: now,
      to: new Date(now.getTime() + 60_000),
    })
    const blt = raise(bt, { stamp: (s) => stampBytes(s, ca.timestamps, now), ocsp: [answer], certificates: [ca.issuing.certificate.der] })
    openssl.write('blt.p7s', blt)
    assert.match(check('blt.p7s'), /CAdES Verification successful/)
    assert.equal(level(blt), 'B-LT')
    // Now nothing else need be known, and a verdict that asks for an answer has it.
    assert.equal(verifySignature({ signature: blt, content, trust, at: yearsAfter(now, 6) }).holds, true)
    assert.ok(der.same(raise(blt, { stamp: () => assert.fail('a second timestamp'), ocsp: [answer] }), blt))
  })

  test("the tax authority's signature, made by OpenSSL in BER, is raised", () => {
    const { certificatePath, keyPath, passphrase } = efirma('FIEL_CACX7605101P8_2023')
    openssl.run('x509', '-inform', 'DER', '-in', certificatePath, '-out', 'fiel.pem')
    openssl.run('pkcs8', '-inform', 'DER', '-in', keyPath, '-passin', `pass:${passphrase}`, '-out', 'fiel.key')
    openssl.run(
      'cms',
      '-sign',
      '-cades',
      '-binary',
      '-stream',
      '-md',
      'sha256',
      '-signer',
      'fiel.pem',
      '-inkey',
      'fiel.key',
      '-in',
      'content.txt',
      '-outform',
      'DER',
      '-out',
      'fiel.p7s',
    )
    const raised = raise(openssl.read('fiel.p7s'), { stamp: (s) => stampBytes(s, ca.timestamps, now) })
    openssl.write('fielt.p7s', raised)
    assert.match(check('fielt.p7s', '-CAfile', 'fiel.pem', '-partial_chain'), /CAdES Verification successful/)
    const pinned = openTrust([
      { certificate: readCertificate(Buffer.from(openssl.read('issuing.der'))).der, vouches: [] },
      { certificate: ca.root.certificate.der, vouches: ['timestamps'] },
      { certificate: efirma('FIEL_CACX7605101P8_2023').certificate, vouches: ['people'] },
    ])
    const verdict = verifySignature({ signature: raised, content, trust: pinned, at: now })
    assert.deepEqual([verdict.reasons, verdict.signatures[0]?.provedBy], [[], ca.timestamps.certificate.name])
  })
})
