import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createPublicKey, verify } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hpkeOpen, hpkeSeal, x25519Private } from './hpke.ts'
import { makeKeys, noteKey, openAsControl, openKeys } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'keys-'))
after(() => rmSync(root, { recursive: true }))

describe('hybrid public key encryption', () => {
  const hex = (text: string) => Buffer.from(text, 'hex')
  // RFC 9180, A.1.1, sequence number 0: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.
  const receiver = x25519Private(hex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'))
  const ephemeral = x25519Private(hex('52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736'))
  const words = { info: hex('4f6465206f6e2061204772656369616e2055726e'), aad: hex('436f756e742d30'), aead: 'aes-128-gcm' as const }
  const plain = hex('4265617574792069732074727574682c20747275746820626561757479')
  const box = hex(
    '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431' +
      'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
  )

  test('seals and opens the vector of RFC 9180', () => {
    assert.deepEqual(hpkeSeal(createPublicKey(receiver), plain, words, ephemeral), box)
    assert.deepEqual(hpkeOpen(receiver, box, words), plain)
  })

  test('does not open what was changed, cut, sealed for another or about something else', () => {
    const changed = Buffer.from(box)
    changed[40]! ^= 1
    assert.throws(() => hpkeOpen(receiver, changed, words))
    assert.throws(() => hpkeOpen(receiver, box.subarray(0, 20), words), /too short/)
    assert.throws(() => hpkeOpen(ephemeral, box, words))
    assert.throws(() => hpkeOpen(receiver, box, { ...words, aad: Buffer.from('other') }))
    // A point of small order gives a shared secret of zeros; OpenSSL refuses it.
    assert.throws(() => hpkeOpen(receiver, Buffer.concat([Buffer.alloc(32), box.subarray(32)]), words))
  })
})

describe('keys', () => {
  const folder = join(root, 'keys')

  test('development makes what is missing, for its owner only, and reads the same at the next start', () => {
    const first = openKeys(folder, 'development')
    const { key, wrapped } = first.newDataKey()
    const again = openKeys(folder, 'development')
    assert.deepEqual(again.unwrap(wrapped), key)
    assert.deepEqual(again.secret('people/codes'), first.secret('people/codes'))
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const file of readdirSync(folder)) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file)
  })

  test('several processes that start at once read the same keys', async () => {
    const shared = join(root, 'shared')
    const code = `import { openKeys } from ${JSON.stringify(fileURLToPath(new URL('./index.ts', import.meta.url)))}
      const keys = openKeys(process.argv[1], 'development')
      console.log(keys.secret('x').toString('hex') + keys.controlPublicKey + keys.logSigner.publicKey.export({ type: 'spki', format: 'pem' }))`
    const runs = await Promise.all([1, 2, 3].map(() => promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, shared])))
    assert.equal(new Set(runs.map((r) => r.stdout)).size, 1)
    assert.deepEqual(
      readdirSync(shared).filter((f) => f.startsWith('.')),
      [],
    )
  })

  test('a box opens with its key and its place, and not otherwise', () => {
    const keys = openKeys(folder, 'development')
    const { key } = keys.newDataKey()
    const box = keys.encrypt(key, Buffer.from('acta de nacimiento'), 'case-1/answers')
    assert.equal(keys.decrypt(key, box, 'case-1/answers').toString(), 'acta de nacimiento')
    assert.throws(() => keys.decrypt(key, box, 'case-2/answers'))
    assert.throws(() => keys.decrypt(keys.newDataKey().key, box, 'case-1/answers'))
    assert.throws(() => keys.decrypt(key, box.subarray(0, -1), 'case-1/answers'))
    assert.throws(() => keys.decrypt(key, Buffer.alloc(5), 'case-1/answers'), /too short/)
    assert.notDeepEqual(keys.encrypt(key, Buffer.from('a'), ''), keys.encrypt(key, Buffer.from('a'), ''))
  })

  test('secrets of different purposes have nothing in common', () => {
    const keys = openKeys(folder, 'development')
    assert.equal(keys.secret('a').length, 32)
    assert.notDeepEqual(keys.secret('a'), keys.secret('b'))
  })

  test('a second wrapping key wraps from then on, the first still unwraps, and a wrapping is renewed', () => {
    const old = openKeys(folder, 'development')
    const { key, wrapped } = old.newDataKey()
    writeFileSync(join(folder, 'data-0002.key'), `${Buffer.alloc(32, 9).toString('base64url')}\n`, { mode: 0o600 })
    const keys = openKeys(folder, 'development')
    assert.deepEqual(keys.unwrap(wrapped), key)
    const renewed = keys.rewrap(wrapped)!
    assert.deepEqual(keys.unwrap(renewed), key)
    assert.equal(keys.rewrap(renewed), null)
    assert.throws(() => old.unwrap(renewed), /data-0002.key is not in/)
    const moved = Buffer.concat([renewed.subarray(0, 3), Buffer.from([1]), renewed.subarray(4)])
    assert.throws(() => keys.unwrap(moved), 'the number of the wrapping key is bound to the wrapping')
    rmSync(join(folder, 'data-0002.key'))
  })

  test('the signers are three different Ed25519 keys that sign', () => {
    const { logSigner, witnessSigner, sealSigner } = openKeys(folder, 'development')
    const text = Buffer.from('x')
    const [forLog, forWitness, forSeal] = [logSigner, witnessSigner, sealSigner].map(noteKey)
    assert.equal(forLog!.publicKey.length, 32)
    assert.deepEqual(forLog!.publicKey, logSigner.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32))
    assert.ok(verify(null, text, logSigner.publicKey, forLog!.sign(text)))
    assert.ok(!verify(null, text, sealSigner.publicKey, forLog!.sign(text)))
    assert.ok(!verify(null, text, witnessSigner.publicKey, forSeal!.sign(text)))
    assert.ok(verify(null, text, witnessSigner.publicKey, forWitness!.sign(text)))
  })

  test('a report is opened by the control body and by nobody else', () => {
    const keys = openKeys(folder, 'development')
    const box = keys.sealForControl(Buffer.from('me pidieron dinero'), 'report/1')
    const theirs = readFileSync(join(folder, 'control-private.pem'), 'utf8')
    assert.equal(openAsControl(theirs, box, 'report/1').toString(), 'me pidieron dinero')
    assert.throws(() => openAsControl(theirs, box, 'report/2'))
  })

  test('production makes nothing and refuses development keys, missing ones, readable ones and the control body’s own', () => {
    const given = join(root, 'given')
    assert.throws(() => openKeys(given, 'production'), /does not exist/)
    assert.ok(!existsSync(given))
    assert.throws(() => openKeys(folder, 'production'), /made for development/)

    makeKeys(given)
    assert.throws(() => openKeys(given, 'production'), /belongs to the control body alone/)
    renameSync(join(given, 'control-private.pem'), join(root, 'control-private.pem'))
    const { key, wrapped } = openKeys(given, 'production').newDataKey()
    assert.deepEqual(openKeys(given, 'production').unwrap(wrapped), key)

    chmodSync(join(given, 'seal.pem'), 0o644)
    assert.throws(() => openKeys(given, 'production'), /chmod 600 .*seal\.pem/)
    rmSync(join(given, 'seal.pem'))
    assert.throws(() => openKeys(given, 'production'), /seal\.pem cannot be read/)
    assert.ok(!existsSync(join(given, 'seal.pem')))
  })
})
