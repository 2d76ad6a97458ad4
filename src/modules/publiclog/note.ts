import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'

/**
 * Signed notes (c2sp.org/signed-note): text signed by one or more keys. Pure. Hostile input gives null or false, never an exception.
 */
// Larger than any checkpoint, and than a promise of the largest entry (65,535 bytes in base64).
const maxNoteBytes = 1_000_000
// The specification asks for at least 16.
const maxSignatures = 100

/** The bytes of strict standard base64 (RFC 4648, section 4; padded, no spare bits), or null. */
export function strictBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}

/** The number in strict decimal (no sign, no leading zero, at most 2^53 - 1), or null. */
export function strictDecimal(text: string): number | null {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) return null
  const n = Number(text)
  return Number.isSafeInteger(n) ? n : null
}

/** The text of these bytes when they are UTF-8, else null. */
export function strictUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** One signature line: who claims to have signed, and the bytes after the four of the key's id. */
export type NoteSignature = { readonly name: string; readonly id: string; readonly signature: Buffer }

/** A note taken apart. `text` includes its last newline and is nothing to believe before `openNote` has checked it. */
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] }

/** A key that can check. `id` is the four bytes of the key's id as hex. */
export type Verifier = {
  readonly name: string
  readonly id: string
  readonly type: number
  /** The key as bytes: two verifier keys over the same bytes are the same key. */
  readonly publicKey: Buffer
  /** The key as one line: `name+id+base64`. */
  readonly vkey: string
  verify(text: Buffer, signature: Buffer): boolean
}

/** A key that can sign. */
export type Signer = Verifier & { sign(text: Buffer): Buffer }

/** An Ed25519 key: its 32 public bytes, and what signs with it. It may live elsewhere (in a file, in an HSM). */
export type SigningKey = { readonly publicKey: Buffer; sign(bytes: Buffer): Buffer }

/** Ed25519 over the note's text. */
export const typeEd25519 = 0x01
/** A witness's cosignature with its time (c2sp.org/tlog-cosignature, cosignature/v1). */
export const typeCosignature = 0x04

function spki(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' })
}

function cosigned(time: bigint, text: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`cosignature/v1\ntime ${time}\n`), text])
}

/** What a signature type checks and makes. A new type (ML-DSA-44 is 0x06) is a row here. Types without a row are kept and never verify. */
const signatureTypes: Record<
  number,
  { check(key: KeyObject, text: Buffer, signature: Buffer): boolean; make(key: SigningKey, text: Buffer, nowSeconds: number): Buffer }
> = {
  [typeEd25519]: {
    check: (key, text, signature) => signature.length === 64 && verify(null, text, key, signature),
    make: (key, text) => key.sign(text),
  },
  [typeCosignature]: {
    check: (key, text, signature) => {
      const time = cosignatureTime(signature)
      return time !== null && verify(null, cosigned(time, text), key, signature.subarray(8))
    },
    make: (key, text, nowSeconds) => {
      const time = Buffer.alloc(8)
      time.writeBigUInt64BE(BigInt(nowSeconds))
      return Buffer.concat([time, key.sign(cosigned(BigInt(nowSeconds), text))])
    },
  },
}

/** When a cosignature says that it was made, in seconds of POSIX time, or null when the bytes are none. */
export function cosignatureTime(signature: Buffer): bigint | null {
  if (signature.length !== 72) return null
  const time = signature.readBigUInt64BE(0)
  return time < 2n ** 63n ? time : null
}

/** Whether a key may bear this name: not empty, no spaces of Unicode, no plus sign. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.length <= 1024 && !/[\p{White_Space}\p{Cc}+\u{fffd}]/u.test(name)
}

function keyId(name: string, type: number, publicKey: Buffer): string {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), publicKey]), 'hex').slice(0, 8)
}

/** The verifier of a raw public key. Throws a `TypeError` for a name that no key may bear or a key that is none. */
function verifierFor(name: string, type: number, publicKey: Buffer): Verifier {
  if (!isKeyName(name)) throw new TypeError('A key name is not empty and has no spaces and no plus sign.')
  const kind = signatureTypes[type]
  if (kind && publicKey.length !== 32) throw new TypeError('An Ed25519 key has 32 bytes.')
  const key = kind && spki(publicKey)
  const id = keyId(name, type, publicKey)
  return {
    name,
    id,
    type,
    publicKey,
    vkey: `${name}+${id}+${Buffer.concat([Buffer.of(type), publicKey]).toString('base64')}`,
    verify: (text, signature) => {
      try {
        return kind !== undefined && key !== undefined && kind.check(key, text, signature)
      } catch {
        return false
      }
    },
  }
}

/** The verifier in a vkey line `name+id+base64(type || key)`, or null when it is none: wrong form, or an id that is not the key's. */
export function parseVkey(line: string): Verifier | null {
  const m = line.length <= 8_000 ? /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(line) : null
  const bytes = m && strictBase64(m[3]!)
  if (!m || !bytes || bytes.length < 2) return null
  try {
    const verifier = verifierFor(m[1]!, bytes[0]!, bytes.subarray(1))
    return verifier.id === m[2] ? verifier : null
  } catch {
    return null
  }
}

/** A signer of a key that somebody else keeps. `nowSeconds` is asked by cosignatures only. */
export function signerWith(name: string, type: number, key: SigningKey, nowSeconds: () => number = () => 0): Signer {
  const kind = signatureTypes[type]
  if (!kind) throw new TypeError('No such signature type.')
  return { ...verifierFor(name, type, key.publicKey), sign: (text) => kind.make(key, text, nowSeconds()) }
}

/** The key of a 32-byte Ed25519 seed (RFC 8032). */
export function keyFromSeed(seed: Buffer): SigningKey {
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  })
  return { publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32), sign: (bytes) => sign(null, bytes, key) }
}

/** One signature line, with its newline. */
export function signatureLine({ name, id, signature }: NoteSignature): string {
  return `— ${name} ${Buffer.concat([Buffer.from(id, 'hex'), signature]).toString('base64')}\n`
}

/** The signature lines in `lines` (each ending in a newline), or null when one is none. */
export function parseSignatureLines(lines: string): NoteSignature[] | null {
  if (!lines.endsWith('\n')) return null
  const all = lines.slice(0, -1).split('\n')
  if (all.length > maxSignatures) return null
  const signatures: NoteSignature[] = []
  for (const line of all) {
    const m = /^— ([^ ]+) ([^ ]+)$/.exec(line)
    const bytes = m && strictBase64(m[2]!)
    if (!m || !isKeyName(m[1]!) || !bytes || bytes.length < 5) return null
    signatures.push({ name: m[1]!, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) })
  }
  return signatures
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the specification forbids exactly these.
const forbidden = /[\u0000-\u0009\u000b-\u001f]/

/** The note in these bytes, or null when they are none. Nothing is verified yet. */
export function parseNote(source: Buffer | string): Note | null {
  const bytes = typeof source === 'string' ? Buffer.from(source) : source
  const whole = bytes.length <= maxNoteBytes ? strictUtf8(bytes) : null
  if (whole === null || forbidden.test(whole)) return null
  const blank = whole.lastIndexOf('\n\n')
  if (blank < 0) return null
  const signatures = parseSignatureLines(whole.slice(blank + 2))
  return signatures && { text: whole.slice(0, blank + 1), signatures }
}

/** `text` (ending in a newline) signed by every signer, each once, in their order. */
export function signNote(text: string, signers: readonly Signer[]): string {
  if (!text.endsWith('\n') || forbidden.test(text)) throw new TypeError('A note ends in a newline and has no control characters.')
  const bytes = Buffer.from(text)
  return `${text}\n${signers.map((s) => signatureLine({ name: s.name, id: s.id, signature: s.sign(bytes) })).join('')}`
}

/**
 * Who of `verifiers` signed the note, each with its signature. Signatures of unknown keys are passed over. Null when nobody of them signed, or when a
 * known key's signature is false: then the whole note is nothing to believe.
 */
export function openNote(note: Note, verifiers: readonly Verifier[]): { verifier: Verifier; signature: Buffer }[] | null {
  const text = Buffer.from(note.text)
  const found: { verifier: Verifier; signature: Buffer }[] = []
  for (const s of note.signatures) {
    const verifier = verifiers.find((v) => v.name === s.name && v.id === s.id)
    if (!verifier || found.some((f) => f.verifier === verifier)) continue
    if (!verifier.verify(text, s.signature)) return null
    found.push({ verifier, signature: s.signature })
  }
  return found.length > 0 ? found : null
}
