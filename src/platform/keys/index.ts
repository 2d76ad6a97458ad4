/**
 * The keys of this installation: they lie in a folder of their own and never in the database. In development they are made at the first start; in
 * production they are given, and nothing is made.
 *
 * | file | what it is | who needs it |
 * |---|---|---|
 * | `data-0001.key`, `data-0002.key`, … | AES-256 keys that wrap the keys of cases and people; the last one wraps, all unwrap | web, worker |
 * | `secret.key` | 32 bytes from which the secrets of single purposes are derived | web, worker |
 * | `log.pem`, `witness.pem` | Ed25519: the public log's signer, and ours as a witness of other logs | log, web |
 * | `seal.pem` | Ed25519: the seal on decisions | web, worker |
 * | `control-public.pem` | X25519: the control body's key, for reports of bribes | web |
 * | `control-private.pem` | its private half: no server needs it. Only development has it here | the control body |
 * | `development` | marks keys that were made without care; production refuses the folder | |
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { freshBytes } from '#kernel/random'
import { hpkeOpen, hpkeSeal } from './hpke.ts'

/** An Ed25519 key (RFC 8032). */
export type SigningKey = { readonly privateKey: KeyObject; readonly publicKey: KeyObject }

/** A signing key as the public log takes it: its 32 public bytes, and what signs with it. */
export function noteKey({ privateKey, publicKey }: SigningKey): { readonly publicKey: Buffer; sign(bytes: Buffer): Buffer } {
  return { publicKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(-32), sign: (bytes) => sign(null, bytes, privateKey) }
}

export interface Keys {
  /** A new random 256-bit key for one case or person, and the same wrapped for the database. */
  newDataKey(): { key: Buffer; wrapped: Buffer }
  /** The key that was wrapped. Throws when the wrapping is damaged or its wrapping key is not here. */
  unwrap(wrapped: Buffer): Buffer
  /** The same key wrapped by the newest wrapping key, or null when it is already. For the rotation of wrapping keys. */
  rewrap(wrapped: Buffer): Buffer | null
  /**
   * AES-256-GCM with a random 96-bit nonce: nonce, ciphertext and tag in one. `aad` names the place the box belongs to, such as the case and the field, so that a
   * box moved elsewhere does not open. At most 2³² boxes under one key (NIST SP 800-38D, 8.3).
   */
  encrypt(key: Buffer, plain: Buffer, aad: string): Buffer
  /** Opens what `encrypt` made with the same key and `aad`. Throws on anything else. */
  decrypt(key: Buffer, box: Buffer, aad: string): Buffer
  /** 32 bytes for one purpose, the same at every start: HKDF-SHA-256 of the installation's secret. `name` is like `people/codes`. */
  secret(name: string): Buffer
  readonly logSigner: SigningKey
  readonly witnessSigner: SigningKey
  readonly sealSigner: SigningKey
  /** Seals a report so that only the control body opens it: HPKE (RFC 9180). `about` is bound to it and must be given again to open it. */
  sealForControl(plain: Buffer, about: string): Buffer
  /** The control body's public key as SPKI PEM, for people who want to seal by themselves. */
  readonly controlPublicKey: string
}

/** Where the development keys say what they are. */
const developmentMark = 'development'
const reportInfo = Buffer.from('ventanilla report for the control body v1')
const wrapAad = 'ventanilla data key v1 '

/**
 * Reads the keys in `folder`. In development what is missing is made, safely also by several processes at once; in production a missing file, a file others may read, or
 * keys made for development stop the start.
 */
export function openKeys(folder: string, mode: 'development' | 'production'): Keys {
  if (mode === 'development') makeKeys(folder, { development: true })
  else refuseUnfit(folder)
  const wrapping = wrappingKeys(folder)
  const newest = [...wrapping.keys()].at(-1)!
  const root = secretBytes(folder, 'secret.key')
  const control = createPublicKey(read(folder, 'control-public.pem'))
  if (control.asymmetricKeyType !== 'x25519') throw new Error(`${join(folder, 'control-public.pem')} must be an X25519 public key.`)

  const unwrap = (wrapped: Buffer) => {
    const id = wrapped.length > 4 ? wrapped.readUInt32BE(0) : 0
    const key = wrapping.get(id)
    if (!key) throw new Error(`The wrapping key ${wrappingName(id)} is not in ${folder}.`)
    return decrypt(key, wrapped.subarray(4), wrapAad + id)
  }
  const wrap = (key: Buffer) => {
    const id = Buffer.alloc(4)
    id.writeUInt32BE(newest)
    return Buffer.concat([id, encrypt(wrapping.get(newest)!, key, wrapAad + newest)])
  }
  return {
    newDataKey() {
      const key = freshBytes(32)
      return { key, wrapped: wrap(key) }
    },
    unwrap,
    rewrap: (wrapped) => (wrapped.length > 4 && wrapped.readUInt32BE(0) === newest ? null : wrap(unwrap(wrapped))),
    encrypt,
    decrypt,
    secret: (name) => Buffer.from(hkdfSync('sha256', root, 'ventanilla secret v1', name, 32)),
    logSigner: signingKey(folder, 'log.pem'),
    witnessSigner: signingKey(folder, 'witness.pem'),
    sealSigner: signingKey(folder, 'seal.pem'),
    sealForControl: (plain, about) => hpkeSeal(control, plain, { info: reportInfo, aad: Buffer.from(about) }),
    controlPublicKey: control.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

/** For the control body, with its own private key (PEM): opens what `sealForControl` made about the same thing. */
export function openAsControl(privatePem: string, box: Buffer, about: string): Buffer {
  return hpkeOpen(createPrivateKey(privatePem), box, { info: reportInfo, aad: Buffer.from(about) })
}

/**
 * Makes the keys that are missing in `folder`, readable by its owner only. For production, by hand and once: the private key of the control body is to be moved
 * away from the server, and the folder to be kept in a second place, because without it nothing in the database can be read.
 */
export function makeKeys(folder: string, { development = false } = {}): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  if (development && readdirSync(folder).length === 0)
    make(folder, developmentMark, () => 'Made for development. Production refuses these keys.\n')
  const symmetric = () => `${randomBytes(32).toString('base64url')}\n`
  if (!readdirSync(folder).some((file) => wrappingFile.test(file))) make(folder, wrappingName(1), symmetric)
  make(folder, 'secret.key', symmetric)
  for (const name of ['log.pem', 'witness.pem', 'seal.pem']) make(folder, name, () => pem(generateKeyPairSync('ed25519').privateKey))
  if (existsSync(join(folder, 'control-public.pem'))) return
  make(folder, 'control-private.pem', () => pem(generateKeyPairSync('x25519').privateKey))
  // From the file and not from memory: another process may have made the private half.
  make(folder, 'control-public.pem', () =>
    createPublicKey(createPrivateKey(read(folder, 'control-private.pem')))
      .export({ type: 'spki', format: 'pem' })
      .toString(),
  )
}

function refuseUnfit(folder: string): void {
  if (!existsSync(folder))
    throw new Error(`The folder of the keys, ${folder}, does not exist. VENTANILLA_KEYS names it; bin/ventanilla keys <folder> makes one.`)
  if (existsSync(join(folder, developmentMark))) {
    throw new Error(
      `The keys in ${folder} were made for development, and production refuses them. Make new ones in a folder of their own: bin/ventanilla keys <folder>.`,
    )
  }
  for (const file of readdirSync(folder)) {
    if (file === 'control-public.pem' || !/\.(key|pem)$/.test(file)) continue
    if ((statSync(join(folder, file)).mode & 0o077) !== 0) {
      throw new Error(`Others than its owner may read ${join(folder, file)}. Run: chmod 600 ${join(folder, file)}`)
    }
  }
  if (existsSync(join(folder, 'control-private.pem'))) {
    throw new Error(
      `${join(folder, 'control-private.pem')} belongs to the control body alone. Give it to them and remove it from this computer.`,
    )
  }
}

// Keys as key objects: Node 24 takes 40 µs to find out that bytes are a key, and 1 µs to make one of them.
function encrypt(key: Buffer, plain: Buffer, aad: string): Buffer {
  const nonce = freshBytes(12)
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce).setAAD(Buffer.from(aad))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Buffer, box: Buffer, aad: string): Buffer {
  if (box.length < 12 + 16) throw new Error('This is too short to be an encrypted box.')
  const cipher = createDecipheriv('aes-256-gcm', createSecretKey(key), box.subarray(0, 12), { authTagLength: 16 }).setAAD(Buffer.from(aad))
  cipher.setAuthTag(box.subarray(-16))
  return Buffer.concat([cipher.update(box.subarray(12, -16)), cipher.final()])
}

const wrappingFile = /^data-(\d{4})\.key$/
const wrappingName = (id: number) => `data-${String(id).padStart(4, '0')}.key`

function wrappingKeys(folder: string): Map<number, Buffer> {
  const files = readdirSync(folder).filter((file) => wrappingFile.test(file))
  if (files.length === 0) throw new Error(`${join(folder, wrappingName(1))} is missing.`)
  return new Map(files.sort().map((file) => [Number(wrappingFile.exec(file)![1]), secretBytes(folder, file)]))
}

function secretBytes(folder: string, file: string): Buffer {
  const bytes = Buffer.from(read(folder, file).trim(), 'base64url')
  if (bytes.length !== 32) throw new Error(`${join(folder, file)} must hold 32 bytes in base64url.`)
  return bytes
}

function signingKey(folder: string, file: string): SigningKey {
  const privateKey = createPrivateKey(read(folder, file))
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`${join(folder, file)} must be an Ed25519 private key.`)
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

function read(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), 'utf8')
  } catch (error) {
    throw new Error(`The key ${join(folder, file)} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Makes a file that is complete or absent. Of several processes the first one's stays. */
function make(folder: string, file: string, content: () => string): void {
  const place = join(folder, file)
  if (existsSync(place)) return
  const aside = join(folder, `.${file}.${process.pid}-${randomBytes(4).toString('hex')}`)
  const fd = openSync(aside, 'wx', 0o600)
  try {
    writeSync(fd, content())
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  try {
    linkSync(aside, place)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  } finally {
    rmSync(aside)
  }
  // A key that was used and is gone after a power cut would take everything wrapped by it along.
  const directory = openSync(folder, 'r')
  fsyncSync(directory)
  closeSync(directory)
}
