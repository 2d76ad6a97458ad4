import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRequest } from './request.ts'
import { opensslFolder } from './testing-signer.ts'

test('a request is accepted by OpenSSL, names its subject, and its key file opens to the same key', async () => {
  const folder = opensslFolder()
  const { request, keyFile } = await makeRequest({ name: 'Íñigo Núñez 😀', id: 'NUXI800101HDFXXX01' }, 'cuatro palabras ñandú')
  folder.write('r.csr', request)
  folder.write('k.key', keyFile)
  const said = folder.run('req', '-verify', '-inform', 'DER', '-in', 'r.csr', '-noout', '-text', '-nameopt', 'utf8')
  assert.match(said, /verify OK/)
  assert.match(said, /Subject: CN=Íñigo Núñez 😀, serialNumber=NUXI800101HDFXXX01/)
  assert.match(said, /NIST CURVE: P-256/)
  assert.match(said, /ecdsa-with-SHA256/)
  folder.run('pkcs8', '-inform', 'DER', '-in', 'k.key', '-passin', 'pass:cuatro palabras ñandú', '-out', 'k.pem')
  assert.throws(() => folder.run('pkcs8', '-inform', 'DER', '-in', 'k.key', '-passin', 'pass:otra', '-out', 'no.pem'))
  const publicOf = (...from: string[]) => folder.run(...from).match(/-----BEGIN PUBLIC KEY-----[\s\S]*-----END PUBLIC KEY-----/)![0]
  assert.equal(publicOf('req', '-inform', 'DER', '-in', 'r.csr', '-noout', '-pubkey'), publicOf('pkey', '-in', 'k.pem', '-pubout'))
  // One changed byte of the subject, and the proof of possession is gone.
  const bent = Uint8Array.from(request)
  bent[30]! ^= 1
  folder.write('bent.csr', bent)
  assert.doesNotMatch(folder.run('req', '-verify', '-inform', 'DER', '-in', 'bent.csr', '-noout'), /verify OK/)
})

test('a subject without an id has a name alone, and two requests share no key', async () => {
  const folder = opensslFolder()
  const [first, second] = await Promise.all([makeRequest({ name: 'A' }, 'x'), makeRequest({ name: 'A' }, 'x')])
  folder.write('r.csr', first.request)
  assert.match(folder.run('req', '-verify', '-inform', 'DER', '-in', 'r.csr', '-noout', '-subject'), /subject=CN = A\s/)
  assert.notDeepEqual(first.request, second.request)
})
