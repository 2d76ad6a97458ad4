/** Files that nobody should have made: each is opened or refused by its reason, and none takes long. */
import assert from 'node:assert/strict'
import { createCipheriv, pbkdf2Sync } from 'node:crypto'
import { describe, test } from 'node:test'
import { signCades } from './cades.ts'
import { children, contentOf, integer, octets, oid, readWhole, sequence, wholeOf } from './der.ts'
import { mostFileBytes, openKeyFile } from './key-file.ts'
import { openPair, readCertificate } from './pair.ts'
import { Refused } from './refused.ts'
import { linesOf, readStatement } from './statement.ts'
import { efirma, mutate, opensslFolder, seeded, whileValid } from './testing-signer.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** Runs each and fails on what is no refusal; the reasons that were met, counted. */
async function reasonsOf(count: number, attempt: (i: number) => unknown): Promise<Map<string, number>> {
  const met = new Map<string, number>()
  for (let i = 0; i < count; i++) {
    let reason = 'opened'
    const startedAt = performance.now()
    try {
      await attempt(i)
    } catch (fault) {
      assert.ok(fault instanceof Refused, `${i}: ${fault instanceof Error ? fault.stack : fault}`)
      reason = fault.reason
    }
    const ms = performance.now() - startedAt
    assert.ok(ms < 4000, `${i} took ${ms} ms`)
    met.set(reason, (met.get(reason) ?? 0) + 1)
  }
  return met
}

const folder = opensslFolder()
folder.run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ec.pem')
const mine = efirma('FIEL_CACX7605101P8_2023')

describe('mutated files', () => {
  test('20,000 certificates', async () => {
    const random = seeded(1)
    const met = await reasonsOf(20_000, () => readCertificate(mutate(mine.certificate, random), whileValid))
    for (const reason of ['opened', 'certificate-unreadable', 'certificate-algorithm']) assert.ok(met.has(reason), `${[...met]}`)
  })

  for (const cipher of ['des3', 'aes-256-cbc'])
    test(`1,500 key files under ${cipher}`, async () => {
      folder.run('pkcs8', '-topk8', '-in', 'ec.pem', '-outform', 'DER', '-v2', cipher, '-passout', 'pass:p', '-out', 'k.key')
      const file = folder.read('k.key')
      const random = seeded(2)
      const met = await reasonsOf(1500, () => openKeyFile(mutate(file, random), 'p'))
      for (const reason of ['passphrase-wrong', 'key-unreadable', 'key-encryption']) assert.ok(met.has(reason), `${[...met]}`)
    })

  test('1,500 PEM files', async () => {
    folder.run('pkcs8', '-topk8', '-in', 'ec.pem', '-v2', 'aes-128-cbc', '-passout', 'pass:p', '-out', 'k.pem')
    const file = folder.read('k.pem')
    const random = seeded(3)
    await reasonsOf(1500, () => openKeyFile(mutate(file, random), 'p'))
    await reasonsOf(1500, () => readCertificate(mutate(file, random), whileValid))
  })

  test('600 private keys that are broken under the right passphrase', async () => {
    const certificate = readCertificate(mine.certificate, whileValid)
    const key = await openKeyFile(mine.key, mine.passphrase)
    const parameters = children(children(children(readWhole(mine.key))[0]!)[1]!)
    // PBES2 as the tax authority's, with one round and AES, so that many can be made.
    const salt = new Uint8Array(8)
    const iv = new Uint8Array(16)
    const base = await crypto.subtle.importKey('raw', new TextEncoder().encode('p'), 'PBKDF2', false, ['deriveKey'])
    const derived = { name: 'PBKDF2', salt, iterations: 1, hash: 'SHA-1' }
    const aes = await crypto.subtle.deriveKey(derived, base, { name: 'AES-CBC', length: 128 }, false, ['encrypt'])
    const seal = async (plain: Bytes) => {
      const data = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, aes, plain))
      const derivation = sequence(wholeOf(children(parameters[0]!)[0]!), sequence(octets(salt), integer(1)))
      const encryption = sequence(oid('2.16.840.1.101.3.4.1.2'), octets(iv))
      return sequence(sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, encryption)), octets(data))
    }
    const whole = await openPair(certificate, await seal(key), 'p')
    assert.ok((await signCades(new Uint8Array(1), whole, whileValid)).length > 1000)
    const random = seeded(4)
    const met = await reasonsOf(600, async () => {
      const pair = await openPair(certificate, await seal(mutate(key, random)), 'p')
      // What opens belongs to the certificate: nothing else may be called a pair.
      const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', pair.key, key)
      const publicKey = await crypto.subtle.importKey('spki', certificate.publicKey, certificate.kind.imported, false, ['verify'])
      assert.ok(await crypto.subtle.verify('RSASSA-PKCS1-v1_5', publicKey, signature, key))
    })
    for (const reason of ['pair-mismatch', 'passphrase-wrong']) assert.ok(met.has(reason), `${[...met]}`)
  })
})

test('the largest file that is read is refused within a second, also where the whole of it must be decrypted', async () => {
  const random = seeded(5)
  const noise = Uint8Array.from({ length: mostFileBytes - 200 }, () => random(256))
  const [algorithm] = children(readWhole(mine.key))
  const salt = contentOf(children(children(children(children(algorithm!)[1]!)[0]!)[1]!)[0]!)
  const iv = contentOf(children(children(children(algorithm!)[1]!)[1]!)[1]!)
  const cipher = createCipheriv('des-ede3-cbc', pbkdf2Sync('p', salt, 2048, 24, 'sha1'), iv)
  const large = sequence(wholeOf(algorithm!), octets(Buffer.concat([cipher.update(noise), cipher.final()])))
  assert.ok(large.length > mostFileBytes - 300 && large.length <= mostFileBytes)
  for (const file of [large, noise, new Uint8Array(mostFileBytes).fill(0x30), new Uint8Array(mostFileBytes).fill(0x2d)]) {
    const startedAt = performance.now()
    await assert.rejects(openKeyFile(file, 'p'), Refused)
    assert.throws(() => readCertificate(file, whileValid), Refused)
    assert.ok(performance.now() - startedAt < 1000)
  }
})

test('a statement is a text only where a page shows exactly its bytes', () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  for (const text of ['a: b\n', 'Íñigo Núñez\n\nfin', 'x\u200dy', '👩‍🔬']) {
    assert.equal(readStatement(bytes(text)), text)
    assert.equal(
      linesOf(text)
        .map(({ name, rest }) => name + rest)
        .join(''),
      text,
    )
  }
  for (const text of ['', '\na', 'a\r\nb', 'a\0b', 'a\tb', '\ufeffa', 'a\u202eb', 'a\u2066b', 'a\u00adb', 'a\u2028b', 'a\u0085b', '\ue000'])
    assert.equal(readStatement(bytes(text)), null, JSON.stringify(text))
  for (const raw of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x61, 0xf4, 0x90, 0x80, 0x80]])
    assert.equal(readStatement(Uint8Array.from(raw)), null)
})
