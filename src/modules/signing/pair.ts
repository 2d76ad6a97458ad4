/**
 * A person's certificate and private key, opened to sign: what the signer in the browser needs to know of a certificate, and no more. It says early and in words what
 * the server would refuse later; the server judges alone and again.
 */
import {
  children,
  contentOf,
  DerFault,
  expect,
  readBoolean,
  readFlags,
  readOid,
  readText,
  readTime,
  readWhole,
  tags,
  type Value,
  wholeOf,
} from './der.ts'
import { mostFileBytes, openKeyFile, unwrap } from './key-file.ts'
import { type KeyKind, kindOfKey } from './key-kind.ts'
import { Refused } from './refused.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** A certificate as far as it concerns its holder. `issuer`, `serial` and `publicKey` are whole DER values. */
export interface Certificate {
  readonly der: Bytes
  readonly issuer: Bytes
  readonly serial: Bytes
  readonly publicKey: Bytes
  readonly kind: KeyKind
  readonly from: Date
  readonly until: Date
  /** The holder as the certificate writes it; `id` is what the tax authority writes as x500UniqueIdentifier, the RFC. */
  readonly holder: { readonly name: string; readonly id: string }
}

/** A certificate and the key that belongs to it. WebCrypto does not give the key out. */
export interface Pair {
  readonly certificate: Certificate
  readonly key: CryptoKey
}

/** Reads a `.cer` file, DER or PEM, whose holder may sign at `at`. Throws `Refused`: no certificate, not in force, not for signing, a key that is too weak or of another kind. */
export function readCertificate(file: Uint8Array, at: Date): Certificate {
  if (file.length > mostFileBytes) throw new Refused('certificate-unreadable')
  const { kind, der } = unwrap(file)
  if (kind === 'other') throw new Refused('certificate-unreadable')
  if (kind !== 'certificate') throw new Refused('certificate-is-key')
  const { certificate, signs } = parse(der)
  if (at < certificate.from) throw new Refused('certificate-early', certificate.from)
  if (at > certificate.until) throw new Refused('certificate-expired', certificate.until)
  if (!signs) throw new Refused('certificate-usage')
  return certificate
}

function parse(der: Bytes): { certificate: Certificate; signs: boolean } {
  try {
    // TBSCertificate (RFC 5280, 4.1): the version has a default and may be absent.
    const fields = children(children(readWhole(der))[0]!)
    if (fields[0]?.tag === 0xa0) fields.shift()
    const [serial, , issuer, validity, subject, publicKey, ...more] = fields
    const [from, until] = children(expect(validity, tags.sequence))
    const names = namesIn(expect(subject, tags.sequence))
    const spki = wholeOf(expect(publicKey, tags.sequence)).slice()
    const kind = kindOfKey(children(publicKey!)[0])
    if (!kind) throw new Refused('certificate-algorithm')
    const extensions = more.find((field) => field.tag === 0xa3)
    return {
      certificate: {
        der,
        issuer: wholeOf(expect(issuer, tags.sequence)).slice(),
        serial: wholeOf(expect(serial, tags.integer)).slice(),
        publicKey: spki,
        kind,
        from: readTime(from),
        until: readTime(until),
        holder: { name: names.get('2.5.4.3') ?? names.get('2.5.4.10') ?? '', id: names.get('2.5.4.45') ?? '' },
      },
      signs: extensions ? maySign(children(expect(children(extensions)[0], tags.sequence))) : true,
    }
  } catch (fault) {
    throw fault instanceof DerFault ? new Refused('certificate-unreadable') : fault
  }
}

function namesIn(name: Value): Map<string, string> {
  const all = new Map<string, string>()
  for (const part of children(name)) {
    for (const one of children(expect(part, tags.set))) {
      const [type, value] = children(expect(one, tags.sequence))
      const id = readOid(type)
      // What is no text (a photograph, a bit string) is no name to show.
      if (value && !all.has(id) && value.tag !== tags.bits) all.set(id, readText(value))
    }
  }
  return all
}

/** RFC 5280, 4.2.1.3 and 4.2.1.9: a key usage, where there is one, names signatures; an authority's certificate signs for no person. */
function maySign(extensions: readonly Value[]): boolean {
  for (const extension of extensions) {
    const [id, ...rest] = children(expect(extension, tags.sequence))
    const inner = () => readWhole(contentOf(expect(rest.at(-1), tags.octets)))
    if (readOid(id) === '2.5.29.15') {
      const [digitalSignature, nonRepudiation] = readFlags(inner())
      if (!digitalSignature && !nonRepudiation) return false
    }
    if (readOid(id) === '2.5.29.19') {
      const [authority] = children(expect(inner(), tags.sequence))
      if (authority?.tag === tags.boolean && readBoolean(authority)) return false
    }
  }
  return true
}

/**
 * Opens the key and makes sure that it is the certificate's: something random is signed and checked, and forgotten. Throws `Refused`. The decrypted bytes are
 * overwritten as soon as WebCrypto has them.
 */
export async function openPair(certificate: Certificate, keyFile: Uint8Array, passphrase: string): Promise<Pair> {
  const { kind } = certificate
  const privateKey = await openKeyFile(keyFile, passphrase)
  let key: CryptoKey
  try {
    const own = kindOfKey(children(readWhole(privateKey))[1])
    if (!own) throw new Refused('key-algorithm')
    if (own !== kind) throw new Refused('pair-mismatch')
    key = await crypto.subtle.importKey('pkcs8', privateKey, kind.imported, false, ['sign'])
  } catch (fault) {
    throw fault instanceof Refused ? fault : new Refused('key-unreadable')
  } finally {
    privateKey.fill(0)
  }
  let publicKey: CryptoKey
  try {
    publicKey = await crypto.subtle.importKey('spki', certificate.publicKey, kind.imported, false, ['verify'])
  } catch {
    throw new Refused('certificate-algorithm')
  }
  // Weak keys are refused where people sign, so that nobody files what the server will not take.
  if (((publicKey.algorithm as RsaHashedKeyAlgorithm).modulusLength ?? 2048) < 2048) throw new Refused('certificate-algorithm')
  const random = crypto.getRandomValues(new Uint8Array(32))
  const fits = await crypto.subtle
    .sign(kind.signed, key, random)
    .then((signature) => crypto.subtle.verify(kind.signed, publicKey, signature, random))
    .catch(() => false)
  if (!fits) throw new Refused('pair-mismatch')
  return { certificate, key }
}
