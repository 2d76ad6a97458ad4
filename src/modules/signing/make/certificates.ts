/** Certificates (RFC 5280) as this authority issues them: one profile for each thing a certificate may be for. */
import { randomBytes } from 'node:crypto'
import * as der from '../der.ts'
import { type Holder, keyIdOf, type RemoteKey } from './signer.ts'

/** Places of KeyUsage (RFC 5280, 4.2.1.3). */
const uses = { digitalSignature: 0, nonRepudiation: 1, keyCertSign: 5, cRLSign: 6 } as const

type Profile = {
  /** Null: no authority. Otherwise how many authorities may stand below it. */
  readonly pathLength: number | null
  readonly uses: readonly (keyof typeof uses)[]
  readonly extended?: { readonly oids: readonly string[]; readonly critical?: boolean }
  /** Nobody need ask whether it is revoked (RFC 6960, 4.2.2.2.1). */
  readonly noCheck?: boolean
  readonly years: number
}

const emailProtection = '1.3.6.1.5.5.7.3.4'
const clientAuth = '1.3.6.1.5.5.7.3.2'
const documentSigning = '1.3.6.1.5.5.7.3.36'

/**
 * What is issued. An authority outlives what it issues; the timestamps' certificate lives long, because whoever judges a timestamp needs it valid that day; those of OCSP answers
 * are short, because nobody asks whether they are revoked.
 */
export const profiles = {
  root: { pathLength: 1, uses: ['keyCertSign', 'cRLSign'], years: 25 },
  issuing: { pathLength: 0, uses: ['keyCertSign', 'cRLSign'], years: 15 },
  person: { pathLength: null, uses: ['digitalSignature', 'nonRepudiation'], extended: { oids: [emailProtection, clientAuth] }, years: 4 },
  seal: {
    pathLength: null,
    uses: ['digitalSignature', 'nonRepudiation'],
    extended: { oids: [documentSigning] },
    years: 4,
  },
  ocsp: { pathLength: null, uses: ['digitalSignature'], extended: { oids: ['1.3.6.1.5.5.7.3.9'] }, noCheck: true, years: 1 },
  timestamps: { pathLength: null, uses: ['digitalSignature'], extended: { oids: ['1.3.6.1.5.5.7.3.8'], critical: true }, years: 12 },
} as const satisfies Record<string, Profile>
export type ProfileName = keyof typeof profiles

/** A name's attributes: identifiers in the order in which they stand. */
export type NamePart = readonly [oid: string, words: string]

/** Identifiers of attributes: X.520, and as the tax authority uses them. */
export const nameOids = { country: '2.5.4.6', organization: '2.5.4.10', commonName: '2.5.4.3', curp: '2.5.4.5', rfc: '2.5.4.45' } as const

// X.520: a country and a serial number are PrintableString. RFCs of companies may have an & and an Ñ.
const isPrintable = (oid: string, words: string) => (oid === nameOids.country || oid === nameOids.curp) && /^[A-Z0-9]+$/.test(words)

/** A Name, one attribute a set. */
export const makeName = (...parts: readonly NamePart[]): Uint8Array =>
  der.sequence(
    ...parts.map(([oid, words]) =>
      der.setOf(der.sequence(der.oid(oid), der.text(isPrintable(oid, words) ? der.tags.printable : der.tags.utf8, words))),
    ),
  )

/** Where people ask about the certificates of an authority: absolute addresses. */
export type Addresses = { readonly ocsp: string; readonly list: string; readonly issuer: string }

const extension = (oid: string, value: Uint8Array, critical = false) =>
  critical ? der.sequence(der.oid(oid), der.yes, der.octets(value)) : der.sequence(der.oid(oid), der.octets(value))

/** uniformResourceIdentifier of a GeneralName. */
const address = (url: string) => der.text(0x86, url)

/** A random serial of 16 bytes, positive, in hexadecimal (RFC 5280, 4.1.2.2; nobody may guess the next one). */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}

/** One certificate to be made. `to` is cut to the issuer's own end. */
export type ToCertify = {
  readonly profile: ProfileName
  readonly subject: Uint8Array
  readonly spki: Uint8Array
  readonly from: Date
  readonly to?: Date
  readonly serial?: string
  /** Left out where nobody answers for the issuer, as for a root that is kept offline. */
  readonly addresses?: Addresses
}

/** Adds years to an instant, in UTC. */
export function yearsAfter(from: Date, years: number): Date {
  const to = new Date(from)
  to.setUTCFullYear(to.getUTCFullYear() + years)
  return to
}

/**
 * Makes a certificate in DER, signed by `by`; null signs itself with `own`, as roots do. Dates are whole seconds. Throws RangeError where the issuer is not valid at `from`.
 */
export async function makeCertificate(given: ToCertify, by: Holder<RemoteKey> | { readonly own: RemoteKey }): Promise<Uint8Array> {
  const profile: Profile = profiles[given.profile]
  const issuer = 'own' in by ? null : by
  const key = 'own' in by ? by.own : by.key
  const wanted = given.to ?? yearsAfter(given.from, profile.years)
  const to = issuer && issuer.certificate.notAfter < wanted ? issuer.certificate.notAfter : wanted
  if (issuer && (given.from < issuer.certificate.notBefore || given.from >= issuer.certificate.notAfter))
    throw new RangeError(`${issuer.certificate.name} is not valid at ${given.from.toISOString()}.`)
  const { addresses } = given
  const extensions = [
    extension('2.5.29.19', profile.pathLength === null ? der.sequence() : der.sequence(der.yes, der.integer(profile.pathLength)), true),
    extension('2.5.29.15', der.flags(...profile.uses.map((u) => uses[u])), true),
    ...(profile.extended ? [extension('2.5.29.37', der.sequence(...profile.extended.oids.map(der.oid)), profile.extended.critical)] : []),
    extension('2.5.29.14', der.octets(keyIdOf(given.spki))),
    ...(issuer ? [extension('2.5.29.35', der.sequence(der.make(0x80, Buffer.from(issuer.certificate.subjectKeyId ?? '', 'hex'))))] : []),
    ...(addresses && !profile.noCheck
      ? [
          extension(
            '1.3.6.1.5.5.7.1.1',
            der.sequence(
              der.sequence(der.oid('1.3.6.1.5.5.7.48.1'), address(addresses.ocsp)),
              der.sequence(der.oid('1.3.6.1.5.5.7.48.2'), address(addresses.issuer)),
            ),
          ),
          extension('2.5.29.31', der.sequence(der.sequence(der.tagged(0, der.tagged(0, address(addresses.list)))))),
        ]
      : []),
    ...(profile.noCheck ? [extension('1.3.6.1.5.5.7.48.1.5', der.nil)] : []),
  ]
  const tbs = der.sequence(
    der.tagged(0, der.integer(2)),
    der.make(der.tags.integer, Buffer.from(given.serial ?? newSerial(), 'hex')),
    key.algorithm,
    issuer ? issuer.certificate.subject.der : given.subject,
    der.sequence(der.time(given.from), der.time(to)),
    given.subject,
    given.spki,
    der.tagged(3, der.sequence(...extensions)),
  )
  return der.sequence(tbs, key.algorithm, der.bits(await key.sign(tbs)))
}
