import assert from 'node:assert/strict'
import { createDecipheriv, createPrivateKey, pbkdf2Sync } from 'node:crypto'
import { describe, test } from 'node:test'
import { children, contentOf, integer, octets, oid, readWhole, sequence } from './der.ts'
import { mostFileBytes, openKeyFile, sealKeyFile, unwrap } from './key-file.ts'
import type { Reason } from './refused.ts'
import { efirma, opensslFolder } from './testing-signer.ts'

const folder = opensslFolder()
const refused = (reason: Reason) => ({ message: reason })
folder.run('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'rsa.pem')
folder.run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ec.pem')

/** A key file that OpenSSL makes with these options. */
function made(options: string[], passphrase = 'pase', form = 'DER', key = 'rsa.pem') {
  folder.run('pkcs8', '-topk8', '-in', key, '-outform', form, '-out', 'made.key', '-passout', `pass:${passphrase}`, ...options)
  return folder.read('made.key')
}
/** The key that OpenSSL writes with this command. */
function given(...command: string[]) {
  folder.run(...command, '-out', 'given.key')
  return folder.read('given.key')
}
const same = (opened: Uint8Array, key = 'rsa.pem') =>
  assert.ok(
    createPrivateKey({ key: Buffer.from(opened), format: 'der', type: 'pkcs8' }).equals(createPrivateKey(Buffer.from(folder.read(key)))),
  )

describe('a key file opens', () => {
  for (const name of ['FIEL_CACX7605101P8_2023', 'FIEL_AAA010101AAA'] as const)
    test(`of the tax authority: ${name}`, async () => {
      const { key, keyPath, passphrase } = efirma(name)
      folder.run('pkcs8', '-inform', 'DER', '-in', keyPath, '-passin', `pass:${passphrase}`, '-out', 'sat.pem')
      same(await openKeyFile(key, passphrase), 'sat.pem')
    })
  for (const cipher of ['des3', 'aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'])
    for (const prf of ['hmacWithSHA1', 'hmacWithSHA256', 'hmacWithSHA384', 'hmacWithSHA512'])
      for (const form of ['DER', 'PEM'])
        test(`${cipher}, ${prf}, ${form}`, async () => same(await openKeyFile(made(['-v2', cipher, '-v2prf', prf], 'pase', form), 'pase')))
  test('of a curve', async () => same(await openKeyFile(made(['-v2', 'aes256'], 'pase', 'PEM', 'ec.pem'), 'pase'), 'ec.pem'))
  test('whose PEM has another block before it', async () => {
    const file = `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${Buffer.from(made(['-v2', 'aes256'], 'p', 'PEM'))}`
    same(await openKeyFile(Buffer.from(file), 'p'))
  })
  test('under a passphrase in UTF-8, and under one in Latin-1', async () => {
    same(await openKeyFile(made(['-v2', 'des3'], 'contraseña €'), 'contraseña €'))
    folder.write('latin1', Buffer.from('contraseña', 'latin1'))
    folder.run('pkcs8', '-topk8', '-in', 'rsa.pem', '-outform', 'DER', '-out', 'made.key', '-passout', 'file:latin1')
    same(await openKeyFile(folder.read('made.key'), 'contraseña'))
    await assert.rejects(openKeyFile(folder.read('made.key'), 'contraseñas'), refused('passphrase-wrong'))
  })
})

describe('a key file is refused with its own reason', () => {
  const { key, certificate, passphrase } = efirma('FIEL_CACX7605101P8_2023')
  const cases: [string, () => Uint8Array, Reason][] = [
    ['without a passphrase, PKCS #8', () => given('pkcs8', '-topk8', '-nocrypt', '-in', 'rsa.pem'), 'key-unprotected'],
    ['without a passphrase, PKCS #1', () => given('rsa', '-in', 'rsa.pem', '-traditional'), 'key-unprotected'],
    ['without a passphrase, SEC 1', () => given('ec', '-in', 'ec.pem', '-outform', 'DER'), 'key-unprotected'],
    ['encrypted before PKCS #8', () => given('rsa', '-in', 'rsa.pem', '-traditional', '-aes128', '-passout', 'pass:p'), 'key-pbes1'],
    ['PBES1 with SHA-1 and 3DES', () => made(['-v1', 'PBE-SHA1-3DES']), 'key-pbes1'],
    ['scrypt', () => made(['-scrypt']), 'key-scrypt'],
    ['another cipher', () => made(['-v2', 'camellia-256-cbc']), 'key-encryption'],
    ['another hash', () => made(['-v2', 'aes256', '-v2prf', 'hmacWithSHA224']), 'key-encryption'],
    ['too many rounds', () => made(['-v2', 'aes256', '-iter', '5000001'], ''), 'key-iterations'],
    ['a certificate', () => certificate, 'key-is-certificate'],
    ['no key', () => Buffer.from('hola'), 'key-unreadable'],
    ['nothing', () => new Uint8Array(), 'key-unreadable'],
    ['cut off', () => key.subarray(0, 600), 'key-unreadable'],
    ['too large', () => Buffer.concat([key, Buffer.alloc(mostFileBytes)]), 'key-unreadable'],
    ['a PEM that is no base64', () => Buffer.from('-----BEGIN PRIVATE KEY-----\n$$$\n-----END PRIVATE KEY-----'), 'key-unreadable'],
    ['a PEM without an end', () => Buffer.from('-----BEGIN PRIVATE KEY-----\n'.repeat(500)), 'key-unreadable'],
    ['a sequence of another kind', () => sequence(integer(7), oid('1.2.3')), 'key-unreadable'],
  ]
  for (const [name, file, reason] of cases) test(name, () => assert.rejects(openKeyFile(file(), 'pase'), refused(reason)))

  test('no passphrase, a wrong one, one of another case', async () => {
    await assert.rejects(openKeyFile(key, ''), refused('passphrase-missing'))
    for (const wrong of ['12345678', '12345678A', ` ${passphrase}`, 'ñ', '\u{1f511}', 'x'.repeat(5000)])
      await assert.rejects(openKeyFile(key, wrong), refused('passphrase-wrong'))
  })

  // One in 256: found by node:crypto, so that the test knows that it is one.
  test('a wrong passphrase under which the padding is right', async () => {
    for (const file of [key, made(['-v2', 'aes-128-cbc'])]) {
      const [algorithm, data] = children(readWhole(file))
      const [derivation, encryption] = children(children(algorithm!)[1]!)
      const [salt, rounds] = children(children(derivation!)[1]!)
      const iv = contentOf(children(encryption!)[1]!)
      const [cipher, length, hash] = iv.length === 8 ? ['des-ede3-cbc', 24, 'sha1'] : ['aes-128-cbc', 16, 'sha256']
      assert.deepEqual([...contentOf(rounds!)], [8, 0])
      const passes = (passphrase: string) => {
        try {
          const open = createDecipheriv(cipher, pbkdf2Sync(passphrase, contentOf(salt!), 2048, length, hash), iv)
          open.update(contentOf(data!))
          open.final()
          return true
        } catch {
          return false
        }
      }
      let tried = 0
      while (!passes(`no ${tried}`)) tried++
      assert.ok(tried < 5000)
      await assert.rejects(openKeyFile(file, `no ${tried}`), refused('passphrase-wrong'))
    }
  })
})

test('a sealed key opens with us and with OpenSSL, and tells its rounds', async () => {
  const plain = new Uint8Array(createPrivateKey(Buffer.from(folder.read('ec.pem'))).export({ type: 'pkcs8', format: 'der' }))
  const file = await sealKeyFile(plain, 'cuatro palabras sin acento ñ')
  same(await openKeyFile(file, 'cuatro palabras sin acento ñ'), 'ec.pem')
  folder.write('sealed.key', file)
  folder.run('pkcs8', '-inform', 'DER', '-in', 'sealed.key', '-passin', 'pass:cuatro palabras sin acento ñ', '-out', 'opened.pem')
  same(await openKeyFile(file, 'cuatro palabras sin acento ñ'), 'opened.pem')
  const said = folder.run('asn1parse', '-inform', 'DER', '-in', 'sealed.key')
  assert.match(said, /PBES2[\s\S]*PBKDF2[\s\S]*:0927C0[\s\S]*hmacWithSHA256[\s\S]*aes-256-cbc/)
  assert.equal(unwrap(file).kind, 'encrypted-key')
  assert.notDeepEqual(file, await sealKeyFile(plain, 'cuatro palabras sin acento ñ'))
})

test('a key file says nothing of the key when its padding is right and its inside is not a key', async () => {
  // PBES2 around bytes that are DER, and no PrivateKeyInfo.
  const sealed = await sealKeyFile(sequence(octets(new Uint8Array(40))), 'pase')
  await assert.rejects(openKeyFile(sealed, 'pase'), refused('passphrase-wrong'))
})
