import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openCheckpoint, parseCheckpointText, signCheckpoint } from './checkpoint.ts'
import { emptyRoot, leafHash } from './merkle.ts'
import {
  cosignatureTime,
  keyFromSeed,
  openNote,
  parseNote,
  parseSignatureLines,
  parseVkey,
  signatureLine,
  signerWith,
  signNote,
  strictBase64,
  strictDecimal,
  typeCosignature,
  typeEd25519,
} from './note.ts'
import { meetsQuorum, parsePolicy } from './policy.ts'
import { openPromise, openProof, parseProof, proofText, signPromise } from './receipt.ts'

// golang.org/x/mod/sumdb/note, note_test.go.
const peter = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const peterSeed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)
const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const peterLine = '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

const signerFor = (name: string, type: number, seed: Buffer, now?: () => number) => signerWith(name, type, keyFromSeed(seed), now)
const log = signerFor('log.example/a', typeEd25519, Buffer.alloc(32, 1))
const witness = signerFor('witness.example/w', typeCosignature, Buffer.alloc(32, 2), () => 1_679_315_147)

test('the note of the reference implementation is made byte for byte', () => {
  const signer = signerFor('PeterNeumann', typeEd25519, peterSeed)
  assert.equal(signer.vkey, peter)
  assert.equal(signNote(text, [signer]), `${text}\n${peterLine}`)
  const opened = openNote(parseNote(`${text}\n${peterLine}`)!, [parseVkey(peter)!])
  assert.equal(opened?.length, 1)
})

test('the vector of example.com/foo verifies', () => {
  const key = parseVkey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k')!
  const note = `This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n`
  assert.ok(openNote(parseNote(note)!, [key]))
  assert.equal(openNote(parseNote(note.replace('example m', 'example n'))!, [key]), null)
})

test('no mangled verifier key is taken', () => {
  for (let i = 0; i <= peter.length; i++)
    for (let j = i + 1; j <= peter.length; j++) if (i !== 0 || j !== peter.length) assert.equal(parseVkey(peter.slice(i, j)), null)
  for (let i = 0; i < peter.length; i++) {
    const mangled = `${peter.slice(0, i)}${String.fromCharCode(peter.charCodeAt(i) + 1)}${peter.slice(i + 1)}`
    assert.equal(parseVkey(mangled), null, mangled)
  }
})

test('signatures of unknown keys are passed over, a false one of a known key spoils the note', () => {
  const stranger = signerFor('stranger', typeEd25519, Buffer.alloc(32, 9))
  const both = parseNote(signNote(text, [stranger, log]))!
  assert.deepEqual(
    openNote(both, [log])?.map((o) => o.verifier.name),
    [log.name],
  )
  assert.equal(openNote(parseNote(signNote(text, [stranger]))!, [log]), null)
  const false_ = `${signNote(text, [stranger])}${signatureLine({ name: log.name, id: log.id, signature: Buffer.alloc(64) })}`
  assert.equal(openNote(parseNote(false_)!, [stranger, log]), null)
  // The same name under another key is a stranger.
  const other = signerFor(log.name, typeEd25519, Buffer.alloc(32, 8))
  assert.ok(openNote(parseNote(signNote(text, [other, log]))!, [log]))
})

test('what is no note is no note', () => {
  for (const bad of [
    '',
    '\n',
    text,
    `${text}\n`,
    `${text}\n${peterLine.slice(0, -1)}`,
    `${text}\n${peterLine}more`,
    `${text}\n${peterLine.replace('— ', '- ')}`,
    `${text}\n${peterLine.replace('PeterNeumann', 'Peter+Neumann')}`,
    `${text}\n${peterLine.replace('PeterNeumann', '')}`,
    `${text}\n${peterLine.replace('PeterNeumann', 'Peter\u00a0Neumann')}`,
    `${text}\n${peterLine.replace('AM=', 'AM')}`,
    `${text}\n${peterLine.replace('AM=', 'AN=')}`,
    `${text}\n— a AAAAAA==\n`,
    `a\tb\n\n${peterLine}`,
    `a\rb\n\n${peterLine}`,
    `${text}\n${peterLine.repeat(101)}`,
    'x'.repeat(1_000_001),
  ])
    assert.equal(parseNote(bad), null, bad.slice(0, 60))
  assert.equal(parseNote(Buffer.concat([Buffer.from([0xff]), Buffer.from(`${text}\n${peterLine}`)])), null)
  assert.ok(parseNote(`${text}\n${peterLine.repeat(100)}`))
  // The last blank line divides: a text may hold blank lines of its own.
  assert.equal(parseNote(`a\n\nb\n\n${peterLine}`)?.text, 'a\n\nb\n')
})

test('random bytes break nothing', () => {
  for (let i = 0; i < 2_000; i++) {
    const bytes = randomBytes(i % 200)
    parseNote(bytes)
    parseProof(bytes)
    openPromise(bytes, log)
    openCheckpoint(bytes, log)
    parsePolicy(bytes.toString('latin1'))
    parseVkey(bytes.toString('latin1'))
  }
})

test('decimal and base64 are strict', () => {
  assert.equal(strictDecimal('0'), 0)
  assert.equal(strictDecimal('9007199254740991'), Number.MAX_SAFE_INTEGER)
  for (const bad of ['', '00', '01', '-1', '+1', '1.0', '1e3', ' 1', '9007199254740992', '9'.repeat(30), '١'])
    assert.equal(strictDecimal(bad), null, bad)
  assert.equal(strictBase64('AQI=')?.length, 2)
  for (const bad of ['AQI', 'AQJ=', 'AQ-_', 'A QI=', 'AQI=\n', '=']) assert.equal(strictBase64(bad), null, bad)
})

test('a checkpoint is the three lines and no other', () => {
  const root = Buffer.alloc(32, 3).toString('base64')
  assert.equal(parseCheckpointText(`o\n5\n${root}\n`)?.size, 5)
  assert.equal(parseCheckpointText(`o\n5\n${root}\nextension\n`)?.size, 5)
  for (const bad of [
    '',
    'o\n',
    `o\n5\n${root}`,
    `\n5\n${root}\n`,
    `o\n05\n${root}\n`,
    `o\n-5\n${root}\n`,
    `o\n5\n${root.slice(4)}\n`,
    `o\n5\n${root}\n\n`,
    `o\n5\n${root}\n\nx\n`,
  ])
    assert.equal(parseCheckpointText(bad), null, JSON.stringify(bad))
})

test('a checkpoint counts only for the key whose name is its origin', () => {
  const good = signCheckpoint({ origin: log.name, size: 0, root: emptyRoot }, log)
  assert.equal(openCheckpoint(good, log)?.size, 0)
  assert.equal(openCheckpoint(signCheckpoint({ origin: 'other', size: 0, root: emptyRoot }, log), log), null)
  assert.equal(openCheckpoint(good.replace('\n0\n', '\n1\n'), log), null)
})

test('a cosignature is of its time', () => {
  const checkpoint = signCheckpoint({ origin: log.name, size: 0, root: emptyRoot }, log)
  const note = parseNote(checkpoint)!
  const signature = witness.sign(Buffer.from(note.text))
  assert.equal(cosignatureTime(signature), 1_679_315_147n)
  assert.ok(witness.verify(Buffer.from(note.text), signature))
  signature.writeBigUInt64BE(1_679_315_148n)
  assert.ok(!witness.verify(Buffer.from(note.text), signature))
  signature.writeBigUInt64BE(2n ** 63n)
  assert.equal(cosignatureTime(signature), null)
  assert.ok(!witness.verify(Buffer.from(note.text), signature))
  assert.deepEqual(parseSignatureLines('— a b\n'), null)
})

test('a policy counts witnesses as its groups say', () => {
  const w = [1, 2, 3, 4].map((i) => signerFor(`w${i}.example`, typeCosignature, Buffer.alloc(32, 10 + i), () => 1))
  const lines = [`log ${log.vkey} https://log.example/log`, ...w.map((k, i) => `witness W${i + 1} ${k.vkey}\thttps://w${i + 1}.example`)]
  const policy = parsePolicy(`# who must have seen it\n${lines.join('\n')}\n\ngroup two 2 W1 W2 W3\ngroup all all two W4\nquorum all\n`)
  assert.ok(!('fault' in policy))
  const body = `${log.name}\n0\n${emptyRoot.toString('base64')}\n`
  const by = (...who: number[]) => parseNote(signNote(body, [log, ...who.map((i) => w[i - 1]!)]))!
  assert.ok(meetsQuorum(policy, by(1, 2, 4)))
  assert.ok(meetsQuorum(policy, by(1, 2, 3, 4)))
  assert.ok(!meetsQuorum(policy, by(1, 2, 3)))
  assert.ok(!meetsQuorum(policy, by(1, 4)))
  assert.ok(!meetsQuorum(policy, by()))
  const forged = { ...by(1, 2), signatures: [...by(1, 2).signatures, { name: w[3]!.name, id: w[3]!.id, signature: Buffer.alloc(72) }] }
  assert.ok(!meetsQuorum(policy, forged))
  for (const [bad, why] of [
    ['', /no quorum/],
    ['quorum W1', /Line 1/],
    ['quorum none\nquorum none', /Line 2/],
    [`witness none ${w[0]!.vkey}\nquorum none`, /taken/],
    [`witness A ${w[0]!.vkey}\nwitness B ${w[0]!.vkey}\nquorum A`, /twice/],
    [`witness A ${log.vkey}\nquorum A`, /type 4/],
    [`witness A ${w[0]!.vkey}\ngroup g 2 A\nquorum g`, /threshold/],
    [`witness A ${w[0]!.vkey}\ngroup g 01 A\nquorum g`, /threshold/],
    [`witness A ${w[0]!.vkey}\ngroup g all A A\nquorum g`, /member already/],
    [`witness A ${w[0]!.vkey}\ngroup g all A\ngroup h any A\nquorum h`, /member already/],
    ['group g any g\nquorum g', /not defined/],
    ['quorum none\r', /control/],
    ['what is this\nquorum none', /Line 1/],
  ] as const) {
    const parsed = parsePolicy(bad)
    assert.ok('fault' in parsed && why.test(parsed.fault), `${bad}: ${JSON.stringify(parsed)}`)
  }
})

test('a proof proves its entry at its place, and nothing else', () => {
  const entry = Buffer.from('{"v":1}')
  const checkpoint = signCheckpoint({ origin: log.name, size: 1, root: leafHash(entry) }, log)
  const written = proofText({ extra: entry, index: 0, hashes: [], checkpoint })
  assert.equal(written, `c2sp.org/tlog-proof@v1\nextra ${entry.toString('base64')}\nindex 0\n\n${checkpoint}`)
  const proof = parseProof(written)!
  assert.deepEqual(openProof(proof, log), { entry, index: 0, size: 1, root: leafHash(entry) })
  assert.equal(openProof(proof, log, Buffer.from('{"v":2}')), null)
  assert.equal(openProof({ ...proof, index: 1 }, log), null)
  assert.equal(openProof({ ...proof, extra: null }, log), null)
  assert.equal(openProof(proof, signerFor(log.name, typeEd25519, Buffer.alloc(32, 5))), null)
  for (const bad of [
    written.replace('v1', 'v2'),
    written.replace('index 0', 'index 00'),
    written.replace('extra ', 'extra  '),
    written.replace('index 0\n', 'index 0\nAAAA\n'),
    written.replace('\n\n', '\n'),
  ])
    assert.equal(parseProof(bad), null)
})

test('a promise names the entry and the time, and is no checkpoint', () => {
  const entry = Buffer.from('{"v":1,"type":"x"}')
  const promise = signPromise({ origin: log.name, before: new Date('2026-11-24T02:00:00.001Z'), entry }, log)
  assert.deepEqual(openPromise(promise, log), { origin: log.name, before: new Date('2026-11-24T02:00:01Z'), entry })
  assert.equal(openPromise(promise.replace('02:00:01', '03:00:01'), log), null)
  assert.equal(openPromise(promise, signerFor('b', typeEd25519, Buffer.alloc(32, 1))), null)
  assert.equal(openCheckpoint(promise, log), null)
  assert.equal(openPromise(signCheckpoint({ origin: log.name, size: 0, root: emptyRoot }, log), log), null)
})
