/** A request for a certificate (PKCS #10, RFC 2986) and its private key as a file, made with WebCrypto where the person is. */
import { bits, integer, oid, sequence, setOf, tagged, tags, text } from './der.ts'
import { sealKeyFile } from './key-file.ts'
import { p256 } from './key-kind.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** Whose certificate is asked for. The authority writes what it has proven itself; this is what the holder says. `id`: CURP or RFC. */
export interface Subject {
  readonly name: string
  readonly id?: string | undefined
}

// RFC 5280, 4.1.2.4: UTF8String for names; PrintableString for a serialNumber (X.520).
const nameOf = ({ name, id }: Subject) => {
  const part = (type: string, value: Uint8Array) => setOf(sequence(oid(type), value))
  return sequence(part('2.5.4.3', text(tags.utf8, name)), ...(id ? [part('2.5.4.5', text(tags.printable, id))] : []))
}

/**
 * Makes a key pair on P-256: the request in DER, signed by the new key, and a `.key` file under the passphrase (`sealKeyFile`). The key in the clear is overwritten
 * before this returns.
 */
export async function makeRequest(subject: Subject, passphrase: string): Promise<{ readonly request: Bytes; readonly keyFile: Bytes }> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(p256.imported as EcKeyGenParams, true, ['sign', 'verify'])
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey))
  const information = sequence(integer(0), nameOf(subject), spki, tagged(0))
  const signature = p256.encode(new Uint8Array(await crypto.subtle.sign(p256.signed, privateKey, information)))
  const plain = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey))
  const keyFile = await sealKeyFile(plain, passphrase)
  plain.fill(0)
  return { request: sequence(information, p256.signatureAlgorithm, bits(signature)), keyFile }
}
