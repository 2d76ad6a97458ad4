/**
 * A key in a PKCS #11 module: a smartcard, an HSM, or SoftHSM in tests. OpenSC's `pkcs11-tool` speaks to it, a process for each signature: an issuing authority signs a few
 * hundred certificates an hour, and no native code comes into this process.
 */
import { execFile } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { digest } from '../algorithm.ts'
import { algorithmFor, type RemoteKey } from '../make/signer.ts'

/** Where a key lies. `environment` is what the module reads to find itself, such as `SOFTHSM2_CONF`. `pinFile` holds the PIN alone; it is handed over in the environment of the one process, never among its arguments, which others can read. */
export type Pkcs11Place = {
  readonly module: string
  readonly token: string
  readonly label: string
  readonly pinFile: string
  readonly environment: Readonly<Record<string, string>>
}

const patienceMs = 30_000

function tool(place: Pkcs11Place, args: readonly string[], input: Uint8Array | null): Promise<Buffer> {
  const pin = readFileSync(place.pinFile, 'utf8').trim()
  return new Promise((resolve, reject) => {
    const child = execFile(
      'pkcs11-tool',
      ['--module', place.module, '--token-label', place.token, '--login', '--pin', 'env:PKCS11_PIN', '--label', place.label, ...args],
      {
        encoding: 'buffer',
        timeout: patienceMs,
        maxBuffer: 1_000_000,
        env: { PATH: '/usr/bin:/bin', ...place.environment, PKCS11_PIN: pin },
      },
      (error, stdout, stderr) => {
        if (!error) resolve(stdout)
        else if ((error as NodeJS.ErrnoException).code === 'ENOENT')
          reject(new Error('pkcs11-tool is not here: install OpenSC, which speaks to the module with the key.'))
        else reject(new Error(`The PKCS #11 module did not do it: ${stderr.toString('utf8').trim().split('\n').at(-1) ?? error.message}`))
      },
    )
    child.stdin!.on('error', () => {})
    child.stdin!.end(input ?? '')
  })
}

/** The public key of a pair in the module, as SubjectPublicKeyInfo in DER. Rejects where the module has none by this label, or cannot be asked. */
export const publicKeyIn = (place: Pkcs11Place): Promise<Buffer> => tool(place, ['--read-object', '--type', 'pubkey'], null)

/** A key that never leaves its module. `spki`: its public half. Throws TypeError for a kind that nothing is signed with here. */
export function keyInModule(place: Pkcs11Place, spki: Uint8Array): RemoteKey {
  const about = algorithmFor(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }))
  const isRsa = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).asymmetricKeyType === 'rsa'
  return {
    ...about,
    // Of RSA the module hashes; of ECDSA it takes the digest, since few modules know the mechanism that hashes.
    sign: (bytes) =>
      isRsa
        ? tool(place, ['--sign', '--mechanism', about.hash === 'sha256' ? 'SHA256-RSA-PKCS' : 'SHA384-RSA-PKCS'], bytes)
        : tool(place, ['--sign', '--mechanism', 'ECDSA', '--signature-format', 'openssl'], digest(about.hash, bytes)),
  }
}
