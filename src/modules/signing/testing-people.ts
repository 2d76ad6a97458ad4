/** People with certificates of an authority that OpenSSL makes for a test, and what they sign with OpenSSL. */
import { opensslFolder } from './testing-signer.ts'
import type { TrustFolder } from './trust.ts'
import { openTrust } from './trust.ts'

/** Who a certificate names. `company`: its RFC, where the person holds its e.firma; then it stands before the person's own, as the tax authority writes it. */
export type CertifiedPerson = { readonly name: string; readonly curp: string; readonly rfc: string; readonly company?: string }

/** A folder where OpenSSL works, with an authority in it: certificates of ten years that begin before the tests' clock, which `openssl ca` alone makes. */
export function opensslPeople() {
  const openssl = opensslFolder()
  openssl.write(
    'ca.cnf',
    `[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\nnew_certs_dir = .\nrand_serial = yes\npolicy = p\ndefault_md = sha256\nunique_subject = no\n
[p]\ncommonName = supplied\nserialNumber = optional\nx500UniqueIdentifier = optional\n
[authority]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\nsubjectKeyIdentifier = hash\n
[person]\nbasicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature,nonRepudiation\n`,
  )
  openssl.write('index.txt', '')

  /** A certificate and its key beside it: of an authority, or by one. */
  function certify(file: string, subject: string, by: string | null): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', `${file}.key`]
    openssl.run('req', '-new', '-utf8', ...key, '-out', `${file}.req`, '-subj', subject)
    const issuer = by ? ['-cert', `${by}.pem`, '-keyfile', `${by}.key`] : ['-selfsign', '-keyfile', `${file}.key`]
    const dates = ['-startdate', '20260101000000Z', '-enddate', '20360101000000Z']
    openssl.run(
      ...['ca', '-config', 'ca.cnf', '-batch', '-notext', '-preserveDN', '-utf8', ...issuer, ...dates],
      ...['-extensions', by ? 'person' : 'authority', '-in', `${file}.req`, '-out', `${file}.pem`],
    )
  }

  const subjectOf = ({ name, curp, rfc, company }: CertifiedPerson) =>
    company === undefined
      ? `/CN=${name}/x500UniqueIdentifier=${rfc}/serialNumber=${curp}`
      : `/CN=${name}/x500UniqueIdentifier=${company} \\/ ${rfc}/serialNumber= \\/ ${curp}`

  let signed = 0
  return {
    openssl,
    /** Makes an authority of this name. */
    authority: (file: string) => certify(file, `/CN=${file}`, null),
    /** Makes a person's certificate by that authority. */
    person: (file: string, who: CertifiedPerson, by: string) => certify(file, subjectOf(who), by),
    /** A trust list of that authority alone. */
    trust(file: string): TrustFolder {
      openssl.run('x509', '-in', `${file}.pem`, '-outform', 'DER', '-out', `${file}.cer`)
      return { trust: openTrust([{ certificate: openssl.read(`${file}.cer`), vouches: ['people'] }]), ocsp: [], crls: [] }
    },
    /** A detached CAdES signature over the text. */
    sign(file: string, statement: string): Buffer {
      const content = openssl.write(`statement-${++signed}.txt`, statement)
      const out = `signature-${signed}.p7s`
      openssl.run(
        ...['cms', '-sign', '-cades', '-binary', '-md', 'sha256', '-signer', `${file}.pem`, '-inkey', `${file}.key`],
        ...['-in', content, '-outform', 'DER', '-out', out],
      )
      return Buffer.from(openssl.read(out))
    },
    /** What `openssl cms -verify -cades` says of a signature over the text; throws where it says no. */
    verify(cms: Buffer, statement: string, authority: string): string {
      openssl.write('kept.p7s', cms)
      openssl.write('kept.txt', statement)
      return openssl.run(
        ...['cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-in', 'kept.p7s', '-content', 'kept.txt'],
        ...['-CAfile', `${authority}.pem`, '-purpose', 'any', '-out', 'out.txt'],
      )
    },
  }
}
