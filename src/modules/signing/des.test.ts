import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decryptTripleDes } from './des.ts'

test('what node:crypto encrypts with des-ede3-cbc comes back, at every length', () => {
  for (let length = 0; length < 300; length++) {
    const [key, iv, plain] = [randomBytes(24), randomBytes(8), randomBytes(length)]
    const cipher = createCipheriv('des-ede3-cbc', key, iv)
    const data = Buffer.concat([cipher.update(plain), cipher.final()])
    assert.deepEqual(Buffer.from(decryptTripleDes(key, iv, data)!), plain, `${length} bytes`)
  }
})

test('each padding that RFC 8018 does not have is refused, and so is what is no whole block', () => {
  const [key, iv] = [randomBytes(24), randomBytes(8)]
  const encrypt = (plain: Buffer) => {
    const cipher = createCipheriv('des-ede3-cbc', key, iv).setAutoPadding(false)
    return Buffer.concat([cipher.update(plain), cipher.final()])
  }
  for (const last of [0, 9, 255]) assert.equal(decryptTripleDes(key, iv, encrypt(Buffer.alloc(16, last))), null)
  assert.equal(decryptTripleDes(key, iv, encrypt(Buffer.from('0102030405060303', 'hex'))), null)
  assert.equal(decryptTripleDes(key, iv, encrypt(Buffer.alloc(8, 8)))!.length, 0)
  assert.equal(decryptTripleDes(key, iv, randomBytes(15)), null)
  assert.equal(decryptTripleDes(key, iv, Buffer.alloc(0)), null)
})
