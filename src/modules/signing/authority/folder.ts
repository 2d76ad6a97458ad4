/**
 * The authority's keys and certificates: a folder of files beside the installation's other keys.
 *
 * | file | what it is |
 * |---|---|
 * | `root.cer` | the root's certificate. Its key is kept elsewhere and offline; only development has `root.key` here |
 * | `root.crl` | optional: the root's own list |
 * | `issuing.cer`, `issuing.key` | who issues certificates: P-256; the key as PKCS #8 in PEM |
 * | `issuing.pkcs11` | instead of the key: where it lies in a PKCS #11 module, as JSON (`module`, `token`, `label`, `pinFile`, `environment`) |
 * | `ocsp.pem`, `timestamps.pem`, `seal.pem` | who answers, who stamps times, and the portal's own seal: key and certificate in one file, so that they are always a pair |
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Certificate, readCertificate } from '../certificate.ts'
import { makeList } from '../make/answers.ts'
import { type Addresses, makeCertificate, makeName, nameOids, type ProfileName } from '../make/certificates.ts'
import { type Holder, holder, keyInMemory, type RemoteKey, type SigningKey } from '../make/signer.ts'
import { pemBlocks, toPem } from '../pem.ts'
import { keyInModule, type Pkcs11Place } from './pkcs11.ts'

/** What the folder holds, opened. */
export type AuthorityFolder = {
  readonly root: Certificate
  readonly rootList: Uint8Array | null
  /** Where people ask about what it issues. */
  readonly addresses: Addresses
  readonly issuing: Holder<RemoteKey>
  readonly ocsp: Holder
  readonly timestamps: Holder
  readonly seal: Holder
}

/** The folder cannot be used: which file, why, and what to do. */
export class AuthorityError extends Error {}

const services = ['ocsp', 'timestamps', 'seal'] as const
export type AuthorityService = (typeof services)[number]

/** What the portal calls the authority's parts, in the names of certificates. */
export type AuthorityNames = { readonly organization: string; readonly demo: boolean }

const titles: Readonly<Record<'root' | 'issuing' | AuthorityService, string>> = {
  root: 'Autoridad Certificadora Raíz',
  issuing: 'Autoridad Certificadora Emisora',
  ocsp: 'Respuestas OCSP',
  timestamps: 'Autoridad de Sellos de Tiempo',
  seal: 'Sello institucional',
}

/** The name of one of the authority's parts. A demonstration says in every certificate that it proves nothing. */
export const partName = (part: keyof typeof titles, { organization, demo }: AuthorityNames): Uint8Array =>
  makeName(
    [nameOids.country, 'MX'],
    [nameOids.organization, organization],
    [nameOids.commonName, `${titles[part]} de Ventanilla${demo ? ' (DEMOSTRACIÓN, SIN VALOR)' : ''}`],
  )

/** A fresh key on a curve. */
export const newKey = (curve: 'P-256' | 'P-384'): KeyObject => generateKeyPairSync('ec', { namedCurve: curve }).privateKey
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string

/** Only its owner may read a key. */
const writeKey = (path: string, key: KeyObject) => writeFileSync(path, pem(key), { mode: 0o600, flag: 'wx' })

/** A root: its key on P-384 and its own certificate. For a machine without a network; in development also here. */
export async function makeRoot(names: AuthorityNames, from: Date): Promise<{ key: KeyObject; holder: Holder; list: Uint8Array }> {
  const key = newKey('P-384')
  const own = keyInMemory(key)
  const certificate = await makeCertificate({ profile: 'root', subject: partName('root', names), spki: own.spki, from }, { own })
  const made = holder(own, certificate)
  return { key, holder: made, list: await rootList(made, from) }
}

/** The root's list, which names no authority, for a year: made anew each year, or at once when an issuing authority must end. */
export const rootList = (root: Holder, from: Date, revoked: Parameters<typeof makeList>[0] = []): Promise<Uint8Array> =>
  // Seconds since 1970 only grow, and the root keeps no other count.
  makeList(revoked, root, { number: Math.floor(from.getTime() / 1000), from, to: new Date(from.getTime() + 366 * 86_400_000) })

/** The certificate of an issuing authority by the root, which is asked with the key's public half. */
export const certifyIssuing = (root: Holder, spki: Uint8Array, names: AuthorityNames, from: Date): Promise<Uint8Array> =>
  makeCertificate({ profile: 'issuing', subject: partName('issuing', names), spki, from }, root)

/**
 * Makes what answers, stamps and seals: keys on P-256 and certificates by the issuing authority, in files that are not there or whose certificate ends within 30 days. Answers which were made.
 */
export async function makeServices(folder: string, names: AuthorityNames, addresses: Addresses, from: Date): Promise<AuthorityService[]> {
  const issuing = readIssuing(folder)
  const made: AuthorityService[] = []
  for (const service of services) {
    const path = join(folder, `${service}.pem`)
    if (existsSync(path) && readPair(path, []).certificate.notAfter.getTime() > from.getTime() + 30 * 86_400_000) continue
    const key = newKey('P-256')
    const profile: ProfileName = service
    const certificate = await makeCertificate(
      { profile, subject: partName(service, names), spki: keyInMemory(key).spki, from, addresses },
      issuing,
    )
    const fresh = `${path}.${randomUUID()}`
    writeFileSync(fresh, `${pem(key)}${toPem('CERTIFICATE', certificate)}`, { mode: 0o600, flag: 'wx' })
    renameSync(fresh, path)
    made.push(service)
  }
  return made
}

/**
 * Opens the authority in `folder`. In development it is made where it is not there: root and all, safely also by several processes at once. In production null where there is no folder: such
 * an installation trusts others and issues nothing. Throws `AuthorityError` for what cannot be used.
 */
export async function openAuthorityFolder(
  folder: string,
  { mode, names, addresses, now }: { mode: 'development' | 'production'; names: AuthorityNames; addresses: Addresses; now: Date },
): Promise<AuthorityFolder | null> {
  if (!existsSync(folder)) {
    if (mode === 'production') return null
    await makeAll(folder, names, addresses, now)
  } else if (mode === 'development' && existsSync(join(folder, 'issuing.key'))) await makeServices(folder, names, addresses, now)
  return readFolder(folder, mode, addresses)
}

/** Everything in a folder that takes its name when it is whole. */
async function makeAll(folder: string, names: AuthorityNames, addresses: Addresses, from: Date): Promise<void> {
  const fresh = `${folder}.${randomUUID()}`
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
  mkdirSync(fresh, { mode: 0o700 })
  try {
    // A minute ago: clocks that are a little behind find it valid.
    const since = new Date(Math.floor(from.getTime() / 1000) * 1000 - 60_000)
    const root = await makeRoot(names, since)
    writeKey(join(fresh, 'root.key'), root.key)
    writeFileSync(join(fresh, 'root.cer'), root.holder.certificate.der)
    writeFileSync(join(fresh, 'root.crl'), root.list)
    const key = newKey('P-256')
    writeKey(join(fresh, 'issuing.key'), key)
    writeFileSync(join(fresh, 'issuing.cer'), await certifyIssuing(root.holder, keyInMemory(key).spki, names, since))
    await makeServices(fresh, names, addresses, since)
    try {
      renameSync(fresh, folder)
    } catch (error) {
      // Another process was first: its authority is ours.
      if (!existsSync(join(folder, 'issuing.cer'))) throw error
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

const doIt = 'Make it with "bin/ventanilla authority".'

function readFolder(folder: string, mode: 'development' | 'production', addresses: Addresses): AuthorityFolder {
  const root = certificateIn(folder, 'root')
  if (mode === 'production' && existsSync(join(folder, 'root.key')))
    throw new AuthorityError(`${join(folder, 'root.key')} is the root's key, which must not lie where the portal runs. Keep it offline.`)
  const issuing = readIssuing(folder)
  const [ocsp, timestamps, seal] = services.map((service) => readPair(join(folder, `${service}.pem`), [issuing.certificate.der]))
  const list = join(folder, 'root.crl')
  return {
    root,
    rootList: existsSync(list) ? readFileSync(list) : null,
    addresses,
    issuing,
    ocsp: ocsp!,
    timestamps: timestamps!,
    seal: seal!,
  }
}

/** Who issues, by its certificate and its key in a file or in a module. Throws `AuthorityError`. */
export function readIssuing(folder: string): Holder<RemoteKey> {
  const certificate = certificateIn(folder, 'issuing')
  const place = join(folder, 'issuing.pkcs11')
  if (!existsSync(place)) return holder(keyFile(join(folder, 'issuing.key')), certificate.der)
  return holder(keyInModule(readPlace(place), certificate.spki), certificate.der)
}

/** Where a module has a key, from a file. Throws `AuthorityError`. */
export function readPlace(path: string): Pkcs11Place {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<keyof Pkcs11Place, unknown>>
    const { module, token, label, pinFile, environment = {} } = found
    const isText = (words: unknown) => typeof words === 'string' && words !== ''
    if ([module, token, label, pinFile, ...Object.values(environment as object)].every(isText))
      return { module, token, label, pinFile, environment } as Pkcs11Place
  } catch {}
  throw new AuthorityError(`${path} must be JSON with "module", "token", "label" and "pinFile".`)
}

function certificateIn(folder: string, name: string): Certificate {
  const path = join(folder, `${name}.cer`)
  if (!existsSync(path)) throw new AuthorityError(`${path} is missing. ${doIt}`)
  try {
    return readCertificate(readFileSync(path))
  } catch (error) {
    throw new AuthorityError(`${path} is no certificate: ${(error as Error).message}. ${doIt}`)
  }
}

/** A key and its certificate in one file. Throws `AuthorityError`. */
function readPair(path: string, chain: readonly Uint8Array[]): Holder {
  const key = keyFile(path)
  const [found] = pemBlocks(readFileSync(path), 'CERTIFICATE')
  if (!found) throw new AuthorityError(`${path} holds no certificate. ${doIt}`)
  return holder(key, found, chain)
}

function keyFile(path: string): SigningKey {
  if (!existsSync(path)) throw new AuthorityError(`${path} is missing. ${doIt}`)
  if ((statSync(path).mode & 0o077) !== 0) throw new AuthorityError(`${path} can be read by others: chmod 600 ${path}.`)
  try {
    return keyInMemory(createPrivateKey(readFileSync(path)))
  } catch (error) {
    throw new AuthorityError(`${path} holds no private key: ${(error as Error).message}.`)
  }
}
