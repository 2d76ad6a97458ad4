import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import test from 'node:test'
import { systemClock } from '#kernel/time'
import type { Web } from '#web'
import { openSigning } from './index.ts'
import { openTrust } from './trust.ts'

const open = () =>
  openSigning({
    keys: { sealSigner: generateKeyPairSync('ed25519') },
    trust: { trust: openTrust([]), ocsp: [], crls: [] },
    clock: systemClock,
    // A seal needs none of these.
    db: null as never,
    publiclog: null as never,
    people: null as never,
    jobs: { add: async () => {}, handle() {}, every() {} },
    authority: null,
    publicUrl: 'http://localhost',
    demo: false,
  })
const bytes = Buffer.from('una resolución')

test('a seal holds for its bytes, its purpose and its key, and for nothing else', () => {
  const signing = open()
  const { seal } = signing.seal(bytes, 'decision')
  assert.match(seal, /^v1\.[0-9a-f]{16}\.decision\.[\w-]{86}$/)
  assert.equal(signing.checkSeal(bytes, seal, 'decision'), true)
  assert.equal(signing.checkSeal(Buffer.from('otra resolución'), seal, 'decision'), false)
  assert.equal(signing.checkSeal(bytes, seal, 'receipt'), false)
  assert.equal(signing.checkSeal(bytes, seal.replace('decision', 'receipt'), 'receipt'), false)
  assert.equal(open().checkSeal(bytes, seal, 'decision'), false)
})

test('what is no seal is false and never an error', () => {
  const signing = open()
  const { seal } = signing.seal(bytes, 'decision')
  const lastMoved = seal.slice(0, -1) + String.fromCharCode(seal.charCodeAt(seal.length - 1) + 1)
  for (const other of ['', '....', 'x'.repeat(10_000), seal.slice(0, -1), `${seal}A`, `${seal}.`, seal.replace('v1', 'v2'), lastMoved])
    assert.equal(signing.checkSeal(bytes, other, 'decision'), false, other.slice(0, 40))
})

test('a purpose with room for tricks seals nothing', () => {
  const signing = open()
  for (const purpose of ['', 'a.b', 'a\0b', 'Ñ', 'a'.repeat(41)]) assert.throws(() => signing.seal(bytes, purpose), RangeError)
})

test('/seal/key gives the key that the seals name', async () => {
  const signing = open()
  let answer: unknown
  const web = {
    route: (r: { url: string; handler: (request: unknown, reply: unknown) => unknown }) => {
      if (r.url !== '/seal/key') return
      const reply = { type: () => reply, header: () => reply }
      answer = r.handler({ url: '/seal/key' }, reply)
    },
  }
  signing.register(web as unknown as Web)
  assert.equal(createPublicKey(String(answer)).asymmetricKeyType, 'ed25519')
})
