/**
 * Files of private keys as the field has them: PKCS #8 (RFC 5958) under PBES2 (RFC 8018), in DER or PEM. Opened and made with WebCrypto alone, so the same code runs in
 * browsers and in Node. Passphrases and keys stay in memory that the caller may wipe; nothing is stored.
 */
import {
  children,
  contentOf,
  DerFault,
  expect,
  integer,
  nil,
  octets,
  oid,
  readOid,
  readSmall,
  readWhole,
  sequence,
  tags,
  type Value,
  wholeOf,
} from './der.ts'
import { decryptTripleDes } from './des.ts'
import { Refused } from './refused.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** Most bytes of a file that is read: a key of 16,384 bits needs 10,000. */
export const mostFileBytes = 16_384

/** A telephone derives some 500,000 rounds a second; a file that asks for more than this would hang it. */
const mostIterations = 5_000_000

/** What a key that is made here costs whoever guesses: OWASP's figure for PBKDF2 with HMAC-SHA-256. */
const ownIterations = 600_000

const ids = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  hmacSha256: '1.2.840.113549.2.9',
  aes256: '2.16.840.1.101.3.4.1.42',
} as const

// RFC 8018, A.1.2 and B.1.2.
const hashes: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'SHA-1',
  [ids.hmacSha256]: 'SHA-256',
  '1.2.840.113549.2.10': 'SHA-384',
  '1.2.840.113549.2.11': 'SHA-512',
}

/** A cipher: the bytes of its key, of its initial vector, and the plain bytes, or null where the padding is wrong. */
type Cipher = { readonly key: number; readonly iv: number; readonly open: (key: Bytes, iv: Bytes, data: Bytes) => Promise<Bytes | null> }

const aes = (key: number): Cipher => ({
  key,
  iv: 16,
  async open(raw, iv, data) {
    let imported: CryptoKey
    try {
      imported = await crypto.subtle.importKey('raw', raw, 'AES-CBC', false, ['decrypt'])
    } catch {
      // Chromium has no AES with keys of 192 bits.
      throw new Refused('key-encryption')
    }
    try {
      return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-CBC', iv }, imported, data))
    } catch {
      return null
    }
  },
})

// RFC 8018, B.2.2 and B.2.5.
const ciphers: Readonly<Record<string, Cipher>> = {
  '1.2.840.113549.3.7': { key: 24, iv: 8, open: async (key, iv, data) => decryptTripleDes(key, iv, data) },
  '2.16.840.1.101.3.4.1.2': aes(16),
  '2.16.840.1.101.3.4.1.22': aes(24),
  [ids.aes256]: aes(32),
}

/** PBES1 and the older schemes of PKCS #12 (RFC 8018, A.3; RFC 7292, C). */
const isOlderScheme = (id: string) => /^1\.2\.840\.113549\.1\.(5\.(1|3|4|6|10|11)|12\.1\.[1-6])$/.test(id)

/** What a file holds by its outermost shape. `traditional`: a PEM that OpenSSL encrypted in its own way before PKCS #8. */
export type FileKind = 'certificate' | 'encrypted-key' | 'plain-key' | 'traditional' | 'other'

/** The DER within a file that is DER or PEM, and what it seems to be. Never throws. */
export function unwrap(file: Uint8Array): { readonly kind: FileKind; readonly der: Bytes } {
  const der = file[0] === tags.sequence ? file.slice() : pemOf(file)
  if (der === 'traditional' || der === null) return { kind: der ?? 'other', der: new Uint8Array() }
  return { kind: kindOf(der), der }
}

/** The first block of a PEM file that is a certificate or a private key. */
function pemOf(file: Uint8Array): Bytes | 'traditional' | null {
  const text = new TextDecoder('latin1').decode(file)
  for (let from = text.indexOf('-----BEGIN '); from >= 0; from = text.indexOf('-----BEGIN ', from + 1)) {
    const labelled = text.indexOf('-----', from + 11)
    const end = text.indexOf('-----END ', labelled)
    if (labelled < 0 || end < 0) return null
    if (!/^(X509 |TRUSTED )?CERTIFICATE$|PRIVATE KEY$/.test(text.slice(from + 11, labelled))) continue
    const body = text.slice(labelled + 5, end)
    if (body.includes('Proc-Type:')) return 'traditional'
    try {
      return Uint8Array.from(atob(body), (c) => c.charCodeAt(0))
    } catch {
      return null
    }
  }
  return null
}

function kindOf(der: Bytes): FileKind {
  try {
    const shape = children(readWhole(der)).map((part) => part.tag)
    const begins = (...expected: number[]) => expected.every((tag, i) => shape[i] === tag)
    if (begins(tags.sequence, tags.sequence, tags.bits)) return 'certificate'
    if (begins(tags.sequence, tags.octets) && shape.length === 2) return 'encrypted-key'
    // PKCS #8, PKCS #1, SEC 1.
    if (
      begins(tags.integer, tags.sequence, tags.octets) ||
      begins(tags.integer, tags.integer, tags.integer) ||
      begins(tags.integer, tags.octets)
    )
      return 'plain-key'
  } catch {}
  return 'other'
}

/**
 * The private key of a `.key` file: PrivateKeyInfo in DER, without attributes. The passphrase is tried as UTF-8 and, where the file may come from an older program, as
 * Latin-1. Throws `Refused`, for a file that is no key, has no passphrase, is encrypted in a way we do not open, or under another passphrase.
 */
export async function openKeyFile(file: Uint8Array, passphrase: string): Promise<Bytes> {
  if (file.length > mostFileBytes) throw new Refused('key-unreadable')
  const { kind, der } = unwrap(file)
  if (kind === 'certificate') throw new Refused('key-is-certificate')
  if (kind === 'plain-key') throw new Refused('key-unprotected')
  if (kind === 'traditional') throw new Refused('key-pbes1')
  if (kind === 'other') throw new Refused('key-unreadable')
  if (passphrase === '') throw new Refused('passphrase-missing')
  const decrypt = readEncrypted(der)
  for (const tried of spellings(passphrase)) {
    const plain = await decrypt(tried)
    const key = plain && privateKeyIn(plain)
    plain?.fill(0)
    if (key) return key
  }
  throw new Refused('passphrase-wrong')
}

function spellings(passphrase: string): Bytes[] {
  const utf8 = new TextEncoder().encode(passphrase)
  return /[\x80-\xff]/.test(passphrase) && !/[^\0-\xff]/.test(passphrase)
    ? [utf8, Uint8Array.from(passphrase, (c) => c.charCodeAt(0))]
    : [utf8]
}

/** EncryptedPrivateKeyInfo (RFC 5958, 3), read to the point where a passphrase is needed. Throws `Refused`. */
function readEncrypted(der: Bytes): (passphrase: Bytes) => Promise<Bytes | null> {
  try {
    const [algorithm, data] = children(readWhole(der))
    const [scheme, parameters] = children(algorithm!)
    const schemeId = readOid(scheme)
    if (isOlderScheme(schemeId)) throw new Refused('key-pbes1')
    if (schemeId !== ids.pbes2) throw new Refused('key-encryption')
    const [derivation, encryption] = children(expect(parameters, tags.sequence))
    const [derivationName, derivationParameters] = children(expect(derivation, tags.sequence))
    const derivationId = readOid(derivationName)
    if (derivationId === ids.scrypt) throw new Refused('key-scrypt')
    const [cipherName, cipherParameters] = children(expect(encryption, tags.sequence))
    const cipher = ciphers[readOid(cipherName)]
    if (derivationId !== ids.pbkdf2 || !cipher) throw new Refused('key-encryption')
    const [salt, rounds, ...more] = children(expect(derivationParameters, tags.sequence))
    const iterations = readSmall(rounds)
    if (iterations > mostIterations) throw new Refused('key-iterations')
    // keyLength is optional, and only repeats what the cipher says; the function's default is HMAC-SHA-1.
    if (more[0]?.tag === tags.integer && readSmall(more.shift()) !== cipher.key) throw new Refused('key-unreadable')
    const hash = more[0] ? hashes[readOid(children(expect(more[0], tags.sequence))[0])] : 'SHA-1'
    if (!hash) throw new Refused('key-encryption')
    const iv = copy(expect(cipherParameters, tags.octets))
    const [saltBytes, encrypted] = [copy(expect(salt, tags.octets)), copy(expect(data, tags.octets))]
    if (iv.length !== cipher.iv || iterations < 1 || more.length > 1) throw new Refused('key-unreadable')
    return async (passphrase) => {
      const key = await derive(passphrase, saltBytes, iterations, hash, cipher.key)
      try {
        return await cipher.open(key, iv, encrypted)
      } finally {
        key.fill(0)
      }
    }
  } catch (fault) {
    throw fault instanceof DerFault ? new Refused('key-unreadable') : fault
  }
}

const copy = (value: Value): Bytes => contentOf(value).slice()

async function derive(passphrase: Bytes, salt: Bytes, iterations: number, hash: string, length: number): Promise<Bytes> {
  const base = await crypto.subtle.importKey('raw', passphrase, 'PBKDF2', false, ['deriveBits'])
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', salt, iterations, hash }, base, length * 8))
}

/**
 * PrivateKeyInfo in the decrypted bytes, or null: one wrong passphrase in 256 leaves bytes whose padding seems right. Attributes and a public key are dropped, since not
 * every browser reads them.
 */
function privateKeyIn(plain: Bytes): Bytes | null {
  try {
    const [version, algorithm, key] = children(expect(readWhole(plain), tags.sequence))
    if (readSmall(version) > 1) return null
    readOid(children(expect(algorithm, tags.sequence))[0])
    return sequence(integer(0), wholeOf(algorithm!), wholeOf(expect(key, tags.octets)))
  } catch {
    return null
  }
}

/** A `.key` file in DER around a PrivateKeyInfo: PBES2 with PBKDF2 (HMAC-SHA-256, 600,000 rounds) and AES-256-CBC, as `openssl pkcs8` opens it. */
export async function sealKeyFile(privateKey: Bytes, passphrase: string): Promise<Bytes> {
  const [salt, iv] = [crypto.getRandomValues(new Uint8Array(16)), crypto.getRandomValues(new Uint8Array(16))]
  const raw = await derive(new TextEncoder().encode(passphrase), salt, ownIterations, 'SHA-256', 32)
  const key = await crypto.subtle.importKey('raw', raw, 'AES-CBC', false, ['encrypt'])
  raw.fill(0)
  const data = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, key, privateKey))
  const derivation = sequence(oid(ids.pbkdf2), sequence(octets(salt), integer(ownIterations), sequence(oid(ids.hmacSha256), nil)))
  return sequence(sequence(oid(ids.pbes2), sequence(derivation, sequence(oid(ids.aes256), octets(iv)))), octets(data))
}
