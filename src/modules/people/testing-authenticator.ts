/** An authenticator in software (WebAuthn, 6), for tests and benches: it makes passkeys on P-256 and signs with them, rightly or as the caller wants. */
import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

/** What may be wrong with an answer. */
export type Twist = {
  readonly origin?: string
  readonly rpId?: string
  /** User verified; true without it. */
  readonly verified?: boolean
  readonly counter?: number
  readonly backedUp?: boolean
  readonly signer?: KeyObject
  readonly type?: string
}

/** A passkey that lies in memory. */
export type SoftPasskey = {
  readonly id: string
  readonly key: KeyObject
  readonly userHandle: string
  counter: number
  readonly backedUp: boolean
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest()
const flagsOf = ({ verified = true, backedUp = false }: Twist, attested: boolean) =>
  1 | (verified ? 4 : 0) | (backedUp ? 8 | 16 : 0) | (attested ? 64 : 0)

function dataOf(rpId: string, flags: number, counter: number, more = Buffer.alloc(0)): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(counter)
  return Buffer.concat([sha256(rpId), Buffer.from([flags]), count, more])
}
const clientData = (type: string, challenge: string, origin: string) =>
  Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
const text = (words: string) => Buffer.concat([Buffer.from([0x60 | words.length]), Buffer.from(words)])

/** The answer to `PublicKeyCredentialCreationOptionsJSON`, as browsers send it, and the passkey. */
export function makePasskey(
  options: { challenge: string; user: { id: string } },
  site: { origin: string; rpId: string },
  twist: Twist = {},
) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const id = randomBytes(32)
  // COSE (RFC 9053): EC2, ES256, P-256, x, y.
  const cose = Buffer.concat([
    Buffer.from([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]),
    Buffer.from(x!, 'base64url'),
    Buffer.from([0x22, 0x58, 32]),
    Buffer.from(y!, 'base64url'),
  ])
  const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, cose])
  const data = dataOf(twist.rpId ?? site.rpId, flagsOf(twist, true), twist.counter ?? 0, attested)
  const attestation = Buffer.concat([
    Buffer.from([0xa3]),
    text('fmt'),
    text('none'),
    text('attStmt'),
    Buffer.from([0xa0]),
    text('authData'),
    Buffer.from([0x59, data.length >> 8, data.length & 255]),
    data,
  ])
  const passkey: SoftPasskey = {
    id: id.toString('base64url'),
    key: privateKey,
    userHandle: options.user.id,
    counter: twist.counter ?? 0,
    backedUp: twist.backedUp ?? false,
  }
  const response = {
    id: passkey.id,
    rawId: passkey.id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: clientData(twist.type ?? 'webauthn.create', options.challenge, twist.origin ?? site.origin).toString('base64url'),
      attestationObject: attestation.toString('base64url'),
      transports: ['internal'],
    },
  }
  return { passkey, response: JSON.stringify(response) }
}

/** The answer to `PublicKeyCredentialRequestOptionsJSON`. The passkey counts, unless `counter` says otherwise. */
export function signIn(
  passkey: SoftPasskey,
  options: { challenge: string },
  site: { origin: string; rpId: string },
  twist: Twist = {},
): string {
  const counter = twist.counter ?? ++passkey.counter
  const data = dataOf(twist.rpId ?? site.rpId, flagsOf({ backedUp: passkey.backedUp, ...twist }, false), counter)
  const client = clientData(twist.type ?? 'webauthn.get', options.challenge, twist.origin ?? site.origin)
  const signature = createSign('sha256')
    .update(Buffer.concat([data, sha256(client)]))
    .sign(twist.signer ?? passkey.key)
  return JSON.stringify({
    id: passkey.id,
    rawId: passkey.id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: passkey.userHandle,
    },
  })
}
