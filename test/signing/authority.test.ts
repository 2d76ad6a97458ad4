/** The authority: the ceremony that makes it, its key in a PKCS #11 module, what it answers, and how people come to a certificate or do not. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { OfficeId } from '#kernel/id'
import type { SignedIn } from '#web'
import { licenceOffice, openTestCases, type TestCases } from '../../src/modules/cases/testing.ts'
import { type Authority, openAuthority } from '../../src/modules/signing/authority/authority.ts'
import { type Enrolment, openEnrolment } from '../../src/modules/signing/authority/enrolment.ts'
import { AuthorityError, type AuthorityFolder, openAuthorityFolder } from '../../src/modules/signing/authority/folder.ts'
import { addressesAt, certifyRequest, newRootFolder, renewServices, requestIssuing } from '../../src/modules/signing/authority/offline.ts'
import { signCades } from '../../src/modules/signing/cades.ts'
import { type Certificate, readCertificate } from '../../src/modules/signing/certificate.ts'
import { makeOcspRequest, ocspFailure } from '../../src/modules/signing/make/answers.ts'
import { openPair, readCertificate as readOwn } from '../../src/modules/signing/pair.ts'
import { makeRequest } from '../../src/modules/signing/request.ts'
import { readOcsp } from '../../src/modules/signing/revocation.ts'
import { joinTrust, takeSignature } from '../../src/modules/signing/signatures.ts'
import { opensslFolder } from '../../src/modules/signing/testing-signer.ts'
import { openTrust } from '../../src/modules/signing/trust.ts'
import { verifySignature } from '../../src/modules/signing/verify.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const now = new Date('2026-11-27T12:00:00Z')
const openssl = opensslFolder()
const production = (folder: string) =>
  openAuthorityFolder(folder, {
    mode: 'production',
    names: { organization: '', demo: false },
    addresses: addressesAt('https://ventanilla.test'),
    now,
  })
const pem = (name: string, der: Uint8Array) => {
  openssl.write(`${name}.der`, der)
  openssl.run('x509', '-inform', 'DER', '-in', `${name}.der`, '-out', `${name}.pem`)
}

describe('the ceremony', () => {
  const root = openssl.path('root')
  const passphrase = 'doce tunas rojas'

  it('makes a root elsewhere, and an authority that production opens and OpenSSL trusts', async () => {
    await newRootFolder(root, { organization: 'Gobierno de Prueba', demo: false }, passphrase, now)
    const folder = openssl.path('authority')
    await requestIssuing(folder)
    assert.match(openssl.run('req', '-inform', 'DER', '-in', 'authority/issuing.req', '-verify', '-noout'), /verify OK/)
    writeFileSync(join(folder, 'issuing.cer'), await certifyRequest(root, passphrase, readFileSync(join(folder, 'issuing.req')), now))
    for (const file of ['root.cer', 'root.crl']) cpSync(join(root, file), join(folder, file))
    assert.deepEqual(await renewServices(folder, 'https://ventanilla.test', now), ['ocsp', 'timestamps', 'seal'])
    assert.deepEqual(await renewServices(folder, 'https://ventanilla.test', now), [], 'nothing ends soon')
    assert.deepEqual(await renewServices(folder, 'https://ventanilla.test', new Date('2027-11-10T00:00:00Z')), ['ocsp'])
    const opened = (await production(folder))!
    assert.match(opened.root.name, /Raíz de Ventanilla$/)
    for (const part of ['root', 'issuing', 'timestamps', 'seal'] as const)
      pem(part, part === 'root' ? opened.root.der : opened[part].certificate.der)
    for (const part of ['timestamps', 'seal'])
      assert.match(
        openssl.run(
          'verify',
          '-attime',
          String(now.getTime() / 1000),
          '-x509_strict',
          '-CAfile',
          'root.pem',
          '-untrusted',
          'issuing.pem',
          `${part}.pem`,
        ),
        /: OK/,
      )
  })

  it('refuses a wrong passphrase, a folder that is used, and a second issuing authority', async () => {
    const request = readFileSync(openssl.path('authority/issuing.req'))
    await assert.rejects(certifyRequest(root, 'otra frase larga', request, now), AuthorityError)
    await assert.rejects(newRootFolder(root, { organization: 'x', demo: false }, passphrase, now), AuthorityError)
    await assert.rejects(requestIssuing(openssl.path('authority')), AuthorityError)
  })

  it("production refuses the root's key beside it, keys that others can read, a pair that is none, and a folder that lacks a file", async () => {
    const spoiled = async (name: string, spoil: (folder: string) => void, why: RegExp) => {
      const folder = openssl.path(name)
      cpSync(openssl.path('authority'), folder, { recursive: true })
      spoil(folder)
      await assert.rejects(production(folder), (error: Error) => why.test(error.message))
    }
    await spoiled('a1', (f) => cpSync(join(root, 'root.key'), join(f, 'root.key')), /must not lie/)
    await spoiled('a2', (f) => chmodSync(join(f, 'seal.pem'), 0o644), /read by others/)
    await spoiled('a3', (f) => cpSync(join(f, 'root.cer'), join(f, 'issuing.cer')), /not that of the certificate/)
    await spoiled('a4', (f) => writeFileSync(join(f, 'ocsp.pem'), 'x', { mode: 0o600 }), /no private key/)
    await spoiled('a5', (f) => writeFileSync(join(f, 'issuing.pkcs11'), '{"module":1}'), /must be JSON/)
    assert.equal(await production(openssl.path('nowhere')), null)
  })

  it('by its command', () => {
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [cli, 'authority', ...args], { encoding: 'utf8', cwd: openssl.path('.') })
    openssl.write('words', `${passphrase}\n`)
    run('root', 'r2', '--organization', 'Municipio', '--passphrase-file', 'words')
    run('request', 'k2')
    run('certify', 'r2', '--request', 'k2/issuing.req', '--out', 'k2/issuing.cer', '--passphrase-file', 'words')
    run('list', 'r2', '--revoke', 'k2/issuing.cer', '--passphrase-file', 'words')
    for (const file of ['root.cer', 'root.crl']) cpSync(openssl.path(`r2/${file}`), openssl.path(`k2/${file}`))
    assert.match(run('services', 'k2', '--url', 'https://municipio.test'), /ocsp, timestamps, seal/)
    assert.match(run('show', 'k2'), /seal\.pem .* Sello institucional/)
    openssl.run('crl', '-inform', 'DER', '-in', 'k2/root.crl', '-out', 'k2.crl')
    for (const name of ['root', 'issuing']) openssl.run('x509', '-inform', 'DER', '-in', `k2/${name}.cer`, '-out', `k2-${name}.pem`)
    assert.throws(
      () => openssl.run('verify', '-crl_check', '-CRLfile', 'k2.crl', '-CAfile', 'k2-root.pem', 'k2-issuing.pem'),
      /certificate revoked/,
    )
  })

  for (const kind of ['EC:prime256v1', 'rsa:2048'])
    it(`with a key of ${kind} in a PKCS #11 module, which issues and lists`, async () => {
      const folder = openssl.path(`hsm-${kind.slice(0, 3)}`)
      mkdirSync(join(folder, 'tokens'), { recursive: true })
      const conf = join(folder, 'softhsm2.conf')
      writeFileSync(conf, `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`)
      writeFileSync(join(folder, 'pin'), '4321\n', { mode: 0o600 })
      const env = { ...process.env, SOFTHSM2_CONF: conf }
      const module = '/usr/lib/softhsm/libsofthsm2.so'
      execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'prueba', '--pin', '4321', '--so-pin', '8765'], {
        env,
        stdio: 'ignore',
      })
      execFileSync(
        'pkcs11-tool',
        [
          '--module',
          module,
          '--token-label',
          'prueba',
          '--login',
          '--pin',
          '4321',
          '--keypairgen',
          '--key-type',
          kind,
          '--label',
          'issuing',
          '--id',
          '01',
        ],
        { env, stdio: 'ignore' },
      )
      const place = { module, token: 'prueba', label: 'issuing', pinFile: join(folder, 'pin'), environment: { SOFTHSM2_CONF: conf } }
      writeFileSync(join(folder, 'issuing.pkcs11'), JSON.stringify(place))
      await requestIssuing(folder)
      writeFileSync(join(folder, 'issuing.cer'), await certifyRequest(root, passphrase, readFileSync(join(folder, 'issuing.req')), now))
      for (const file of ['root.cer', 'root.crl']) cpSync(join(root, file), join(folder, file))
      await renewServices(folder, 'https://ventanilla.test', now)
      const opened = (await production(folder))!
      pem('hroot', opened.root.der)
      pem('hissuing', opened.issuing.certificate.der)
      pem('hseal', opened.seal.certificate.der)
      const at = ['-attime', String(now.getTime() / 1000)]
      assert.match(openssl.run('verify', ...at, '-x509_strict', '-CAfile', 'hroot.pem', '-untrusted', 'hissuing.pem', 'hseal.pem'), /: OK/)
      writeFileSync(join(folder, 'pin'), '9999')
      await assert.rejects(Promise.resolve(opened.issuing.key.sign(Buffer.from('x'))), /PKCS #11 module did not do it/)
    })

  it('several processes that start at once have one authority', async () => {
    const folder = openssl.path('together')
    const open = () =>
      openAuthorityFolder(folder, {
        mode: 'development',
        names: { organization: 'x', demo: true },
        addresses: addressesAt('http://localhost'),
        now,
      })
    const all = await Promise.all(Array.from({ length: 6 }, open))
    assert.equal(new Set(all.map((a) => a!.issuing.certificate.id)).size, 1)
    assert.match(all[0]!.root.name, /SIN VALOR/)
  })
})

describe('at work', () => {
  let database: TestDatabase
  let it0: TestCases
  let folder: AuthorityFolder
  let authority: Authority
  let enrolment: Enrolment
  const phrase = 'nueve nopales en la loma'

  before(async () => {
    database = await testDatabase()
    it0 = await openTestCases({ db: database.db })
    folder = (await openAuthorityFolder(openssl.path('working'), {
      mode: 'development',
      names: { organization: 'Prueba', demo: false },
      addresses: addressesAt('http://localhost'),
      now: it0.clock.now(),
    }))!
    authority = openAuthority({ folder, db: database.db, clock: it0.clock })
    const trust = joinTrust([
      {
        trust: openTrust([
          { certificate: folder.root.der, vouches: ['people', 'timestamps'] },
          { certificate: folder.issuing.certificate.der, vouches: [] },
        ]),
        ocsp: [],
        crls: [],
      },
    ])
    enrolment = openEnrolment({
      db: database.db,
      clock: it0.clock,
      authority,
      people: it0.people,
      jobs: { add: async () => {} },
      take: (given) => takeSignature(trust, authority, given),
      publicUrl: 'http://localhost',
      demo: false,
    })
  })
  after(async () => {
    await it0.close()
    await database.close()
  })

  const forward = (ms: number) => it0.clock.advance(ms)

  /** A key whose request waits. */
  async function asks(visitor: SignedIn) {
    const made = await makeRequest({ name: 'lo que diga' }, phrase)
    await enrolment.ask(visitor, Buffer.from(made.request))
    return made
  }
  /** A person with a certificate that a clerk issued. */
  async function aHolder(): Promise<{ visitor: SignedIn; certificate: Certificate; keyFile: Uint8Array<ArrayBuffer> }> {
    const visitor = await it0.aPerson()
    const { keyFile } = await asks(visitor)
    const clerk = await it0.aClerk()
    const { pending } = await enrolment.of(visitor)
    await enrolment.issueAtCounter(clerk, licenceOffice, { code: pending!.code, key: pending!.key })
    const [row] = (await enrolment.of(visitor)).certificates
    return { visitor, certificate: readCertificate(row!.der), keyFile }
  }
  async function signs(h: { certificate: Certificate; keyFile: Uint8Array<ArrayBuffer> }, words: string): Promise<Buffer> {
    const pair = await openPair(readOwn(Uint8Array.from(h.certificate.der), it0.clock.now()), h.keyFile, phrase)
    return Buffer.from(await signCades(new Uint8Array(Buffer.from(words, 'utf8')), pair, it0.clock.now()))
  }
  const refusedFor =
    (...codes: string[]) =>
    (error: { code?: string; fields?: { code: string }[] }) => {
      assert.deepEqual([error.code, ...(error.fields ?? []).map((f) => f.code)], codes)
      return true
    }
  const stateOf = ({ response }: { response: Uint8Array }) => readOcsp(response).answers[0]!.state

  test('a certificate names what was proved and not what was asked, and what it signs is B-LT at once', async () => {
    const h = await aHolder()
    const person = (await it0.people.person(database.db, h.visitor.person))!
    assert.equal(h.certificate.name, person.name)
    assert.equal(h.certificate.curp, person.identities[0]!.value)
    await asks(h.visitor)
    const { pending } = await enrolment.of(h.visitor)
    const signature = await signs(h, pending!.statement)
    const trust = { trust: openTrust([{ certificate: folder.root.der, vouches: ['people', 'timestamps'] }]), ocsp: [], crls: [] }
    const content = Buffer.from(pending!.statement, 'utf8')
    const both = joinTrust([
      trust,
      { trust: openTrust([{ certificate: folder.issuing.certificate.der, vouches: [] }]), ocsp: [], crls: [] },
    ])
    const taken = await takeSignature(both, authority, { content, signature, at: it0.clock.now() })
    assert.equal(taken.level, 'B-LT')
    // Six years on, by the root alone and with nothing beside it.
    const later = new Date('2032-11-27T12:00:00Z')
    assert.equal(verifySignature({ signature: taken.cms, content, trust: trust.trust, at: later }).holds, true)
    await enrolment.sign(h.visitor, signature)
    assert.equal((await enrolment.of(h.visitor)).certificates.length, 2)
  })

  test('revoked, it signs nothing from that moment, and everybody is told so; twice is once', async () => {
    const h = await aHolder()
    const request = makeOcspRequest(h.certificate, folder.issuing.certificate)
    assert.equal(stateOf(await authority.answer(request)), 'good')
    await asks(h.visitor)
    const { pending } = await enrolment.of(h.visitor)
    const signature = await signs(h, pending!.statement)
    await enrolment.revoke(h.visitor, h.certificate.serial, 'keyCompromise')
    await enrolment.revoke(h.visitor, h.certificate.serial, 'superseded')
    await assert.rejects(enrolment.sign(h.visitor, signature), refusedFor('signing/refused', 'revoked'))
    assert.equal(
      stateOf(await authority.answer(makeOcspRequest(h.certificate, folder.issuing.certificate, Buffer.alloc(16, 1)))),
      'revoked',
    )
    assert.equal(stateOf(await authority.answer(request)), 'good', 'handed out again for half a minute')
    forward(31_000)
    assert.equal(stateOf(await authority.answer(request)), 'revoked')
    openssl.write('list.der', await authority.renewList())
    assert.match(openssl.run('crl', '-inform', 'DER', '-in', 'list.der', '-noout', '-text'), new RegExp(h.certificate.serial, 'i'))
    assert.match(openssl.run('crl', '-inform', 'DER', '-in', 'list.der', '-noout', '-text'), /Key Compromise/)
  })

  test('a signature that was taken before the revocation goes on holding', async () => {
    const h = await aHolder()
    const content = Buffer.from('lo que firmé')
    const trust = joinTrust([
      {
        trust: openTrust([
          { certificate: folder.root.der, vouches: ['people', 'timestamps'] },
          { certificate: folder.issuing.certificate.der, vouches: [] },
        ]),
        ocsp: [],
        crls: [],
      },
    ])
    const taken = await takeSignature(trust, authority, { content, signature: await signs(h, 'lo que firmé'), at: it0.clock.now() })
    forward(60_000)
    await enrolment.revoke(h.visitor, h.certificate.serial, 'keyCompromise')
    const evidence = { ocsp: [await authority.about(h.certificate.serial)] }
    assert.equal(verifySignature({ signature: taken.cms, content, trust: trust.trust, at: it0.clock.now(), evidence }).holds, true)
    // Without the timestamp nobody could tell it from one made afterwards.
    const bare = verifySignature({ signature: await signs(h, 'lo que firmé'), content, trust: trust.trust, at: it0.clock.now(), evidence })
    assert.deepEqual(
      bare.reasons.map((r) => r.code),
      ['revoked'],
    )
  })

  test('signatures and a revocation at the same time: each signature is taken or refused, and none is taken after', async () => {
    const h = await aHolder()
    const trust = joinTrust([
      {
        trust: openTrust([
          { certificate: folder.root.der, vouches: ['people', 'timestamps'] },
          { certificate: folder.issuing.certificate.der, vouches: [] },
        ]),
        ocsp: [],
        crls: [],
      },
    ])
    const signature = await signs(h, 'a la vez')
    const take = () => takeSignature(trust, authority, { content: Buffer.from('a la vez'), signature, at: it0.clock.now() })
    const many = Array.from({ length: 20 }, (_, i) =>
      i === 10
        ? enrolment.revoke(h.visitor, h.certificate.serial, 'keyCompromise')
        : take().then(() => {}, refusedFor('signing/refused', 'revoked')),
    )
    await Promise.all(many)
    await assert.rejects(take(), refusedFor('signing/refused', 'revoked'))
  })

  test('what nobody issued here is unknown, another issuer is none of ours, and what is no request is said to be none', async () => {
    const h = await aHolder()
    const strange = { ...h.certificate, serial: '4711' } as Certificate
    assert.equal(stateOf(await authority.answer(makeOcspRequest(strange, folder.issuing.certificate))), 'unknown')
    const other = { ...folder.root } as Certificate
    assert.deepEqual(await authority.answer(makeOcspRequest(h.certificate, other)), { response: ocspFailure('unauthorized'), freshMs: 0 })
    assert.deepEqual(await authority.answer(Buffer.from('GET /')), { response: ocspFailure('malformedRequest'), freshMs: 0 })
    assert.equal(stateOf(await authority.answer(makeOcspRequest(folder.seal.certificate, folder.issuing.certificate))), 'good')
  })

  test('who is not who they say gets none: another person’s certificate, another counter, oneself, another key, no identity', async () => {
    const h = await aHolder()
    const other = await it0.aPerson()
    await asks(other)
    const { pending } = await enrolment.of(other)
    await assert.rejects(enrolment.sign(other, await signs(h, pending!.statement)), refusedFor('signing/other-person'))
    await assert.rejects(enrolment.sign(other, await signs(h, 'otra cosa')), refusedFor('signing/refused', 'other-content'))
    const clerk = await it0.aClerk()
    const given = { code: pending!.code, key: pending!.key }
    await assert.rejects(enrolment.issueAtCounter(clerk, 'state-01' as OfficeId, given), refusedFor('forbidden'))
    await assert.rejects(enrolment.issueAtCounter(h.visitor, licenceOffice, given), refusedFor('forbidden'))
    await assert.rejects(enrolment.issueAtCounter(clerk, licenceOffice, { ...given, key: '0'.repeat(64) }), refusedFor('conflict'))
    await asks(clerk)
    const own = (await enrolment.of(clerk)).pending!
    await assert.rejects(enrolment.issueAtCounter(clerk, licenceOffice, { code: own.code, key: own.key }), refusedFor('forbidden'))
    await assert.rejects(enrolment.certificate(other, h.certificate.serial), refusedFor('not-found'))
    await assert.rejects(enrolment.revoke(other, h.certificate.serial, 'keyCompromise'), refusedFor('not-found'))
    // Sent twice at the same time, one certificate is issued.
    const twice = await Promise.allSettled([
      enrolment.issueAtCounter(clerk, licenceOffice, given),
      enrolment.issueAtCounter(clerk, licenceOffice, given),
    ])
    assert.deepEqual(twice.map((r) => r.status).sort(), ['fulfilled', 'rejected'])
    assert.equal((await enrolment.of(other)).certificates.length, 1)
  })

  test('one key has one certificate; a request lapses after thirty days; a bad one is refused with its reason', async () => {
    const visitor = await it0.aPerson()
    const made = await asks(visitor)
    const clerk = await it0.aClerk()
    const issue = async () => {
      const { pending } = await enrolment.of(visitor)
      await enrolment.issueAtCounter(clerk, licenceOffice, { code: pending!.code, key: pending!.key })
    }
    await issue()
    await enrolment.ask(visitor, Buffer.from(made.request))
    await assert.rejects(issue(), refusedFor('signing/key-used'))
    forward(31 * 86_400_000)
    assert.equal((await enrolment.of(visitor)).pending, null)
    await assert.rejects(enrolment.ask(visitor, Buffer.from('no soy')), refusedFor('signing/request-refused', 'broken'))
    const changed = Buffer.from(made.request)
    changed[changed.length - 1]! ^= 1
    await assert.rejects(enrolment.ask(visitor, changed), (error: { code: string }) => error.code === 'signing/request-refused')
  })
})
