import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { signCades } from './cades.ts'
import { children, readWhole } from './der.ts'
import { openPair, readCertificate } from './pair.ts'
import type { Reason } from './refused.ts'
import { efirma, opensslFolder, whileValid } from './testing-signer.ts'

const folder = opensslFolder()
const refused = (reason: Reason) => ({ message: reason })
const statement = new TextEncoder().encode('para: solicitar una licencia\ncaso: BD7-4KQ\npersona: Xóchitl Casas\n')

const newKey: Record<string, string[]> = {
  'rsa-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  'rsa-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'rsa-4096': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096'],
  'rsa-pss': ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'p-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'p-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  secp256k1: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  ed25519: ['-algorithm', 'ED25519'],
}

/** A pair that OpenSSL makes, its certificate with these extensions. */
function aPair(kind: string, extensions = ['keyUsage=digitalSignature'], form = 'DER') {
  folder.run('genpkey', ...newKey[kind]!, '-out', 'k.pem')
  const more = extensions.flatMap((e) => ['-addext', e])
  // OpenSSL's own configuration would make an authority of it.
  folder.write('req.cnf', '[req]\ndistinguished_name = dn\n[dn]\n')
  folder.run(
    'req',
    '-config',
    'req.cnf',
    '-x509',
    '-new',
    '-key',
    'k.pem',
    '-subj',
    '/CN=Íñigo Prueba',
    '-utf8',
    '-days',
    '2000',
    '-out',
    'c.pem',
    ...more,
  )
  folder.run('x509', '-in', 'c.pem', '-outform', form, '-out', 'c.cer')
  folder.run('pkcs8', '-topk8', '-in', 'k.pem', '-outform', form, '-passout', 'pass:pase', '-out', 'k.key')
  return { certificate: folder.read('c.cer'), key: folder.read('k.key'), passphrase: 'pase' }
}

/** What `openssl cms -verify -cades` says, today or at another time. Throws where the signature does not hold. */
function verified(signature: Uint8Array, content: Uint8Array, certificate: string, at = new Date()) {
  folder.write('s.p7s', signature)
  folder.write('s.txt', content)
  const trust = ['-CAfile', certificate, '-partial_chain', '-purpose', 'any', '-attime', String(Math.floor(at.getTime() / 1000))]
  return folder.run('cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-in', 's.p7s', '-content', 's.txt', '-out', 'out', ...trust)
}

/** Signs today, when what OpenSSL has just made is in force, or at another time. */
async function signed(given: { certificate: Uint8Array; key: Uint8Array; passphrase: string }, at = new Date()) {
  const pair = await openPair(readCertificate(given.certificate, at), given.key, given.passphrase)
  assert.equal(pair.key.extractable, false)
  await assert.rejects(crypto.subtle.exportKey('pkcs8', pair.key))
  return signCades(statement, pair, at)
}

describe('a signature', () => {
  test('with the test e.firma is accepted by OpenSSL as CAdES, and over no other bytes', async () => {
    const given = efirma('FIEL_CACX7605101P8_2023')
    const signature = await signed(given, whileValid)
    folder.run('x509', '-inform', 'DER', '-in', given.certificatePath, '-out', 'fiel.pem')
    assert.match(verified(signature, statement, 'fiel.pem', whileValid), /CAdES Verification successful/)
    const other = Uint8Array.from(statement)
    other[3]! ^= 1
    assert.throws(() => verified(signature, other, 'fiel.pem', whileValid))
    const said = folder.run('cms', '-cmsout', '-print', '-inform', 'DER', '-in', folder.write('s.p7s', signature))
    for (const part of [
      'contentType',
      'messageDigest',
      'signingTime',
      'id-smime-aa-signingCertificateV2',
      'Nov 27 12:00:00 2026 GMT',
      'eContent: <ABSENT>',
    ])
      assert.ok(said.includes(part), part)
  })

  for (const kind of ['rsa-2048', 'rsa-4096', 'p-256', 'p-384'])
    for (const form of kind === 'rsa-4096' ? ['DER'] : ['DER', 'PEM'])
      test(`with ${kind} from ${form} files`, async () => {
        const signature = await signed(aPair(kind, undefined, form))
        assert.match(verified(signature, statement, 'c.pem'), /CAdES Verification successful/)
      })

  test('each byte of the attributes and of the signature counts', async () => {
    const signature = await signed(aPair('p-256'))
    const signedData = children(children(children(readWhole(signature))[1]!)[0]!)
    const signer = children(children(signedData.at(-1)!)[0]!)
    for (const part of [signer[3]!, signer.at(-1)!]) {
      for (let at = part.from; at < part.to; at += 7) {
        const bent = Uint8Array.from(signature)
        bent[at]! ^= 4
        assert.throws(() => verified(bent, statement, 'c.pem'), `byte ${at}`)
      }
    }
  })

  test('of r and s with leading zeros and high bits is DER for OpenSSL', async () => {
    const pair = aPair('p-256')
    const opened = await openPair(readCertificate(pair.certificate, new Date()), pair.key, pair.passphrase)
    const lengths = new Set<number>()
    for (let i = 0; i < 60; i++) {
      const signature = await signCades(statement, opened, new Date())
      if (lengths.has(signature.length)) continue
      lengths.add(signature.length)
      verified(signature, statement, 'c.pem')
    }
    assert.ok(lengths.size >= 3, `${[...lengths]}`)
  })
})

describe('a certificate', () => {
  test('says whose it is and until when', () => {
    const { holder, from, until } = readCertificate(efirma('FIEL_CACX7605101P8_2023').certificate, whileValid)
    assert.deepEqual(holder, { name: 'XOCHILT CASAS CHAVEZ', id: 'CACX7605101P8' })
    assert.deepEqual([from.toISOString(), until.toISOString()], ['2023-05-09T18:05:49.000Z', '2027-05-08T18:05:49.000Z'])
    assert.equal(readCertificate(aPair('p-256').certificate, new Date()).holder.name, 'Íñigo Prueba')
  })

  test('is refused before its time, to the second, and after it', () => {
    const { certificate } = efirma('FIEL_CACX7605101P8_2023')
    const at = (time: string) => () => readCertificate(certificate, new Date(time))
    assert.throws(at('2023-05-09T18:05:48Z'), { message: 'certificate-early', at: new Date('2023-05-09T18:05:49Z') })
    assert.throws(at('2027-05-08T18:05:50Z'), { message: 'certificate-expired', at: new Date('2027-05-08T18:05:49Z') })
    at('2023-05-09T18:05:49Z')()
    at('2027-05-08T18:05:49Z')()
    assert.throws(() => readCertificate(efirma('FIEL_AAA010101AAA').certificate, whileValid), refused('certificate-expired'))
  })

  const cases: [string, () => Uint8Array, Reason][] = [
    ['for encrypting only', () => aPair('p-256', ['keyUsage=keyEncipherment,dataEncipherment']).certificate, 'certificate-usage'],
    [
      'of an authority',
      () => aPair('p-256', ['keyUsage=digitalSignature,keyCertSign', 'basicConstraints=critical,CA:TRUE']).certificate,
      'certificate-usage',
    ],
    ['on secp256k1', () => aPair('secp256k1').certificate, 'certificate-algorithm'],
    ['of Ed25519', () => aPair('ed25519').certificate, 'certificate-algorithm'],
    ['of RSA-PSS alone', () => aPair('rsa-pss').certificate, 'certificate-algorithm'],
    ['that is a key', () => efirma('FIEL_CACX7605101P8_2023').key, 'certificate-is-key'],
    ['that is a key in the clear', () => folder.read('k.pem'), 'certificate-is-key'],
    ['that is a text', () => Buffer.from('hola'), 'certificate-unreadable'],
    ['that is cut off', () => efirma('FIEL_CACX7605101P8_2023').certificate.subarray(0, 900), 'certificate-unreadable'],
    ['of 10 MB', () => Buffer.alloc(10_000_000, 0x30), 'certificate-unreadable'],
  ]
  for (const [name, file, reason] of cases)
    test(`${name} is refused`, () => assert.throws(() => readCertificate(file(), new Date()), refused(reason)))

  test('with a key of 1,024 bits is refused once it is opened', async () => {
    const { certificate, key } = aPair('rsa-1024')
    await assert.rejects(openPair(readCertificate(certificate, new Date()), key, 'pase'), refused('certificate-algorithm'))
  })
})

test('a key of another certificate is refused, of the same kind and of another', async () => {
  const mine = efirma('FIEL_CACX7605101P8_2023')
  const certificate = readCertificate(mine.certificate, whileValid)
  const others = [efirma('FIEL_AAA010101AAA'), aPair('rsa-2048'), aPair('p-256')]
  for (const { key, passphrase } of others) await assert.rejects(openPair(certificate, key, passphrase), refused('pair-mismatch'))
  await assert.rejects(openPair(certificate, aPair('ed25519').key, 'pase'), refused('key-algorithm'))
})
