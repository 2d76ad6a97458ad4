/** The ceremony of an authority, step by step and without a database: the root on a machine that has no network, what issues where the portal runs. `bin/ventanilla authority` calls these. */
import { createPrivateKey } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificate } from '../certificate.ts'
import { type Addresses, makeName, nameOids } from '../make/certificates.ts'
import { makeRequestFor, readRequest, requestDer } from '../make/requests.ts'
import { type Holder, holder, keyInMemory, type RemoteKey } from '../make/signer.ts'
import { derOf } from '../pem.ts'
import {
  AuthorityError,
  type AuthorityNames,
  type AuthorityService,
  certifyIssuing,
  makeRoot,
  makeServices,
  newKey,
  readIssuing,
  readPlace,
  rootList,
} from './folder.ts'
import { keyInModule, publicKeyIn } from './pkcs11.ts'
import { paths } from './routes.ts'

export { AuthorityError } from './folder.ts'

const wholeSeconds = (at: Date) => new Date(Math.floor(at.getTime() / 1000) * 1000)

/** Makes a root in a new folder: `root.key` (PKCS #8 under the passphrase), `root.cer`, `root.crl`. Throws `AuthorityError` for a folder that holds anything. */
export async function newRootFolder(folder: string, names: AuthorityNames, passphrase: string, at: Date): Promise<void> {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new AuthorityError(`${folder} is not empty. Name a new folder: a root is never made anew over another.`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const root = await makeRoot(names, wholeSeconds(at))
  const key = root.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
  writeFileSync(join(folder, 'root.key'), key, { mode: 0o600, flag: 'wx' })
  writeFileSync(join(folder, 'root.cer'), root.holder.certificate.der)
  writeFileSync(join(folder, 'root.crl'), root.list)
}

function readRoot(folder: string, passphrase: string): Holder {
  const certificate = readFileSync(join(folder, 'root.cer'))
  try {
    return holder(keyInMemory(createPrivateKey({ key: readFileSync(join(folder, 'root.key')), passphrase })), certificate)
  } catch (error) {
    if (error instanceof TypeError && error.message.includes('certificate')) throw new AuthorityError(error.message)
    throw new AuthorityError(`${join(folder, 'root.key')} does not open with this passphrase.`)
  }
}

/**
 * Prepares an issuing authority: `issuing.req`, for the root to certify, signed by the key of `issuing.pkcs11` where that file names one in a module, else by a new `issuing.key`. Throws
 * `AuthorityError` where an issuing authority is there already.
 */
export async function requestIssuing(folder: string): Promise<void> {
  if (existsSync(join(folder, 'issuing.cer'))) throw new AuthorityError(`${folder} has an issuing authority already.`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const place = join(folder, 'issuing.pkcs11')
  let key: RemoteKey
  if (existsSync(place)) key = keyInModule(readPlace(place), await publicKeyIn(readPlace(place)))
  else {
    const path = join(folder, 'issuing.key')
    if (!existsSync(path))
      writeFileSync(path, newKey('P-256').export({ type: 'pkcs8', format: 'pem' }) as string, { mode: 0o600, flag: 'wx' })
    key = keyInMemory(createPrivateKey(readFileSync(path)))
  }
  // The root writes the name; this one only says what the file is.
  writeFileSync(join(folder, 'issuing.req'), await makeRequestFor(key, makeName([nameOids.commonName, 'Autoridad emisora'])))
}

/** What a root is called, from its certificate. */
function namesOf(certificate: Uint8Array): AuthorityNames {
  const { subject } = readCertificate(certificate)
  const word = (oid: string) => subject.attributes.find(([key]) => key === oid)?.[1] ?? ''
  return { organization: word(nameOids.organization), demo: word(nameOids.commonName).includes('DEMOSTRACIÓN') }
}

/** The certificate of an issuing authority for a request, by the root in `folder`. Throws `AuthorityError` for a wrong passphrase, `DerFault` and `Refusal` for a request that is none. */
export async function certifyRequest(folder: string, passphrase: string, request: Buffer, at: Date): Promise<Uint8Array> {
  const root = readRoot(folder, passphrase)
  return certifyIssuing(root, readRequest(requestDer(request)).spki, namesOf(root.certificate.der), wholeSeconds(at))
}

/** Makes the root's list anew for a year, with the authorities that it ends (their certificates). Those on the list before must be named again. Throws `AuthorityError`. */
export async function renewRootList(folder: string, passphrase: string, ended: readonly Uint8Array[], at: Date): Promise<void> {
  const from = wholeSeconds(at)
  const revoked = ended.map((c) => ({ serial: readCertificate(c).serial, at: from, reason: 'cessationOfOperation' as const }))
  writeFileSync(join(folder, 'root.crl'), await rootList(readRoot(folder, passphrase), from, revoked))
}

/** Makes what answers, stamps and seals, where it is missing or ends within 30 days; the portal takes it at its next start. Throws `AuthorityError` for a folder without root and issuing authority. */
export async function renewServices(folder: string, publicUrl: string, at: Date): Promise<AuthorityService[]> {
  const issuing = readIssuing(folder)
  const root = readCertificate(readFileSync(join(folder, 'root.cer')))
  if (issuing.certificate.issuer.key !== root.subject.key) throw new AuthorityError('root.cer is not the root of issuing.cer.')
  return makeServices(folder, namesOf(issuing.certificate.der), addressesAt(publicUrl), wholeSeconds(at))
}

/** Where people ask, at a portal's address. */
export const addressesAt = (publicUrl: string): Addresses => ({
  ocsp: `${publicUrl}${paths.ocsp}`,
  list: `${publicUrl}${paths.list}`,
  issuer: `${publicUrl}${paths.issuer}`,
})

/** What a folder holds: file, whose, until when. */
export function certificatesIn(folder: string): { readonly file: string; readonly name: string; readonly notAfter: Date }[] {
  return readdirSync(folder)
    .filter((file) => /^(root|issuing)\.cer$|^(ocsp|timestamps|seal)\.pem$/.test(file))
    .sort()
    .map((file) => {
      const bytes = readFileSync(join(folder, file))
      const { name, notAfter } = readCertificate(derOf(bytes, 'CERTIFICATE'))
      return { file, name, notAfter }
    })
}
