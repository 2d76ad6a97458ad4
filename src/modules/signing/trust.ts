/** Who is trusted for what, and the chain from a certificate to them at an instant (RFC 5280, 6.1). Nothing is asked of the network. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificate, isSelfIssued, isSignedBy, Kept, largestCertificate, ownFault, readCertificate } from './certificate.ts'
import { pemBlocks } from './pem.ts'
import { because, type Reason, Refusal } from './verdict.ts'

/** What an authority may vouch for: signatures of persons, seals of institutions, timestamps, answers of OCSP responders. */
export const purposes = ['people', 'seals', 'timestamps', 'ocsp'] as const
export type Purpose = (typeof purposes)[number]

/** A line of the trust list. `vouches` is empty for a certificate that only helps to build chains. */
export type TrustEntry = { readonly certificate: Uint8Array; readonly vouches: readonly Purpose[] }

/** A trust list that was opened. */
export type Trust = {
  /** By SHA-256 of the certificate. */
  readonly anchors: ReadonlyMap<string, { readonly certificate: Certificate; readonly vouches: ReadonlySet<Purpose> }>
  /** Anchors and intermediates by their subject. */
  readonly bySubject: ReadonlyMap<string, readonly Certificate[]>
  /** All certificates of the list by SHA-256. */
  readonly known: ReadonlyMap<string, Certificate>
}

/**
 * Opens a trust list. An anchor may be any certificate: a root, an issuing authority whose root is not here, or one person's. The same certificate in several lines
 * vouches for all they say. Throws `DerFault` and `Refusal` for a line that is no certificate: a list must not silently be shorter than it looks.
 */
export function openTrust(entries: readonly TrustEntry[]): Trust {
  const anchors = new Map<string, { certificate: Certificate; vouches: Set<Purpose> }>()
  const all = new Map<string, Certificate>()
  for (const { certificate: der, vouches } of entries) {
    const certificate = readCertificate(der)
    all.set(certificate.id, certificate)
    if (vouches.length === 0) continue
    const anchor = anchors.get(certificate.id) ?? { certificate, vouches: new Set<Purpose>() }
    for (const purpose of vouches) anchor.vouches.add(purpose)
    anchors.set(certificate.id, anchor)
  }
  return { anchors, bySubject: Map.groupBy(all.values(), (c) => c.subject.key), known: all }
}

/** Certificates in a file: one in DER, or any number in PEM. Throws `Refusal` when there is none. */
function certificatesIn(bytes: Uint8Array): Uint8Array[] {
  if (bytes[0] === 0x30) return [bytes]
  const found = pemBlocks(bytes, 'CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE')
  if (found.length === 0) throw new Refusal('broken', 'There is no certificate in the file.')
  return found
}

/** What a trust folder holds: the list, and answers and lists about revocation that lie beside the certificates. */
export type TrustFolder = {
  readonly trust: Trust
  readonly ocsp: readonly Uint8Array[]
  readonly crls: readonly Uint8Array[]
  /** Where to ask about certificates of an authority, by SHA-256 of its own certificate: for those that do not say it themselves. */
  readonly responders?: ReadonlyMap<string, string>
}

const largestList = 20_000_000
const mostFiles = 1_000

/**
 * Reads a trust folder: certificates (`.cer`, `.crt`, `.der`, `.pem`) that lie in it vouch for everything, those in its folders `people`, `seals`, `timestamps` and
 * `ocsp` for that alone, those in `intermediates` for nothing; `.crl` are lists of revocations, `.ors` OCSP answers, wherever they lie. `responders` names where to ask, a line each:
 * SHA-256 of an authority's certificate in hexadecimal, and an address. Other files mean nothing. Throws `Refusal`, with the file's name, for one that cannot be read.
 */
export async function readTrustFolder(folder: string): Promise<TrustFolder> {
  const entries: TrustEntry[] = []
  const ocsp: Uint8Array[] = []
  const crls: Uint8Array[] = []
  const places = [['', purposes], ['intermediates', []], ...purposes.map((p) => [p, [p]] as const)] as const
  for (const [place, vouches] of places) {
    const where = join(folder, place)
    // The folder itself must be there; those in it may.
    const names = place === '' || (await stat(where).catch(() => null))?.isDirectory() ? (await readdir(where)).sort() : []
    if (names.length > mostFiles) throw new Refusal('too-large', `${where} holds more than ${mostFiles} files.`)
    for (const name of names) {
      const kind = /\.(cer|crt|der|pem|crl|ors)$/i.exec(name)?.[1]?.toLowerCase()
      const file = join(where, name)
      const found = await stat(file)
      if (!kind || !found.isFile()) continue
      if (found.size > (kind === 'crl' || kind === 'pem' ? largestList : largestCertificate * 2))
        throw new Refusal('too-large', `${file} is too large.`)
      const bytes = await readFile(file)
      if (kind === 'crl') crls.push(pemBlocks(bytes, 'X509 CRL')[0] ?? bytes)
      else if (kind === 'ors') ocsp.push(bytes)
      else
        try {
          for (const certificate of certificatesIn(bytes)) {
            readCertificate(certificate)
            entries.push({ certificate, vouches })
          }
        } catch (error) {
          throw new Refusal(error instanceof Refusal ? error.reason.code : 'broken', `${file}: ${(error as Error).message}`)
        }
    }
  }
  return { trust: openTrust(entries), ocsp, crls, responders: await readResponders(join(folder, 'responders')) }
}

async function readResponders(file: string): Promise<ReadonlyMap<string, string>> {
  const words = await readFile(file, 'utf8').catch(() => '')
  const lines = words.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const [, id, url] = /^([0-9a-f]{64})\s+(https?:\/\/\S+)\s*$/i.exec(line) ?? []
      if (!id || !url || !URL.canParse(url)) throw new Refusal('broken', `${file}: a line is no digest and address: ${line}`)
      return [id.toLowerCase(), url]
    }),
  )
}

/** What building chains may cost in one verdict, however many certificates a signature brings: steps, of which each checks at most one signature. */
export class Work {
  #left: number
  constructor(steps = 400) {
    this.#left = steps
  }
  /** False when nothing is left. */
  take(): boolean {
    return this.#left-- > 0
  }
}

/** A certificate's chain, itself first, and why it is not good; no reason means that it is. Without an anchor the chain is the certificate alone. */
export type Chain = { readonly chain: readonly Certificate[]; readonly reasons: readonly Reason[] }

const longest = 8

/** 16 bytes of the SHA-256 of child and issuer would do; their names are at hand. */
const links = new Kept<boolean>(8192)

/** Forgets which links were checked. Only a measurement has reason to. */
export const forgetLinks = (): void => links.clear()

function isLinked(child: Certificate, issuer: Certificate): boolean {
  const key = child.id + issuer.id
  return links.get(key) ?? links.set(key, isSignedBy(child, issuer))
}

const eku = {
  any: '2.5.29.37.0',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  documentSigning: '1.3.6.1.5.5.7.3.36',
}
/** The extended usages of which one must stand in a certificate that names any, and whether it must name them. */
const usesFor: Readonly<Record<Purpose, { readonly oids: readonly string[]; readonly required: boolean }>> = {
  // The tax authority's e.firma says e-mail and client authentication; its seals say nothing.
  people: { oids: [eku.any, eku.emailProtection, eku.clientAuth, eku.documentSigning, '1.3.6.1.4.1.311.10.3.12'], required: false },
  seals: { oids: [eku.any, eku.emailProtection, eku.clientAuth, eku.documentSigning, '1.3.6.1.4.1.311.10.3.12'], required: false },
  timestamps: { oids: [eku.timeStamping], required: true },
  ocsp: { oids: [eku.ocspSigning], required: true },
}

/** Whether the certificate at the end of a chain may be used for the purpose. */
export function mayServe(c: Certificate, purpose: Purpose): boolean {
  const { oids, required } = usesFor[purpose]
  if (c.keyUsage && !c.keyUsage.has('digitalSignature') && !c.keyUsage.has('nonRepudiation')) return false
  if (c.authority) return false
  const said = c.extendedKeyUsage
  if (!said) return !required
  // RFC 3161, 2.3: critical, and this usage alone.
  if (purpose === 'timestamps') return said.critical && said.oids.size === 1 && said.oids.has(eku.timeStamping)
  return oids.some((oid) => said.oids.has(oid))
}

/** As what a certificate is taken where it may be either: one that is for documents and for nobody's e-mail or session is an institution's. */
export function likelyPurposes({ extendedKeyUsage: said }: Certificate): readonly ('people' | 'seals')[] {
  const isForDocuments = said?.oids.has(eku.documentSigning) && !said.oids.has(eku.emailProtection) && !said.oids.has(eku.clientAuth)
  return isForDocuments ? ['seals', 'people'] : ['people', 'seals']
}

/** Why an authority may not have issued what stands below it; `below` counts the authorities between, those that issued themselves left out. */
function authorityFault(c: Certificate, at: Date, purpose: Purpose, below: number): Reason | null {
  const own = ownFault(c, at)
  if (own) return because(own, c.name)
  if (!c.authority || (c.keyUsage && !c.keyUsage.has('keyCertSign'))) return because('not-an-authority', c.name)
  if (c.pathLength !== null && below > c.pathLength) return because('chain-too-long', c.name)
  // An authority that names usages issues for those alone, as OpenSSL and the browsers hold it.
  const said = c.extendedKeyUsage?.oids
  if (said && !said.has(eku.any) && !usesFor[purpose].oids.some((oid) => said.has(oid))) return because('wrong-usage', c.name)
  return null
}

/**
 * Builds the chain of `certificate` to an anchor that vouches for `purpose`, through the trust list's intermediates and the `given` ones, and judges it at `at`:
 * dates, keys, usages, names, path lengths, signatures. At most eight certificates long, and `work` bounds the search. Never throws.
 */
export function chainOf(
  certificate: Certificate,
  given: readonly Certificate[],
  trust: Trust,
  at: Date,
  purpose: Purpose,
  work: Work = new Work(),
): Chain {
  const own = ownFault(certificate, at)
  const leaf: Reason[] = own ? [because(own, certificate.name)] : []
  if (!mayServe(certificate, purpose)) leaf.push(because('wrong-usage', certificate.name))
  if (vouches(trust, certificate, purpose)) return { chain: [certificate], reasons: leaf }

  let best: Chain | null = null
  let cause: Reason | null = null
  const strays = new Map(given.filter((c) => !trust.known.has(c.id)).map((c) => [c.id, c]))
  const blame = (reason: Reason, weight: boolean) => {
    if (weight || !cause) cause = reason
  }
  /** True when a chain without a fault was found. */
  const search = (path: readonly Certificate[], below: number, faults: readonly Reason[]): boolean => {
    const head = path.at(-1)!
    if (typeof head.algorithm === 'string') {
      blame(because(head.algorithm, head.name), true)
      return false
    }
    const known = trust.bySubject.get(head.issuer.key) ?? []
    for (const issuer of [...known, ...strays.values()]) {
      if (issuer.subject.key !== head.issuer.key || issuer === head) continue
      if (head.authorityKeyId && issuer.subjectKeyId && head.authorityKeyId !== issuer.subjectKeyId) continue
      // By name and key: the same authority in another certificate leads round as well.
      if (path.some((c) => c.id === issuer.id || (c.subject.key === issuer.subject.key && Buffer.compare(c.spki, issuer.spki) === 0))) {
        if (!isSelfIssued(issuer)) blame(because('chain-loop', head.name), false)
        continue
      }
      if (path.length >= longest || !work.take()) {
        blame(because('chain-too-long', certificate.name), false)
        continue
      }
      if (issuer.key.kind.fault) {
        blame(because(issuer.key.kind.fault, issuer.name), true)
        continue
      }
      if (!isLinked(head, issuer)) {
        // Who names a trusted authority and was not signed by it is more than unknown.
        if (trust.anchors.has(issuer.id)) blame(because('forged', head.name), true)
        continue
      }
      const fault = authorityFault(issuer, at, purpose, below)
      const found = fault ? [...faults, fault] : faults
      const next = [...path, issuer]
      if (vouches(trust, issuer, purpose)) {
        if (!best || found.length < best.reasons.length) best = { chain: next, reasons: found }
        if (found.length === 0) return true
      } else if (search(next, isSelfIssued(issuer) ? below : below + 1, found)) return true
    }
    return false
  }
  search([certificate], 0, [])
  const found = best as Chain | null
  if (found) return { chain: found.chain, reasons: [...leaf, ...found.reasons] }
  const alone = isSelfIssued(certificate) && isSignedBy(certificate, certificate) ? 'self-made' : 'untrusted'
  return { chain: [certificate], reasons: [...leaf, cause ?? because(alone, certificate.name)] }
}

const vouches = (trust: Trust, c: Certificate, purpose: Purpose) => trust.anchors.get(c.id)?.vouches.has(purpose) === true
