/** An authority with all its parts for tests of what is made: keys in memory, certificates by our own writer. */
import { generateKeyPairSync } from 'node:crypto'
import { certifyIssuing, makeRoot, newKey, partName } from './authority/folder.ts'
import { certIdOf, makeOcspResponse, type Said } from './make/answers.ts'
import { makeCertificate } from './make/certificates.ts'
import { type Holder, holder, keyInMemory } from './make/signer.ts'

/** The instant in which an authority of the tests lives, and since when it does. */
export const now = new Date(Math.floor(Date.now() / 1000) * 1000)
export const since = new Date(now.getTime() - 60_000)
const names = { organization: 'Prueba', demo: true }
/** Where people would ask about what it issues. */
export const addresses = {
  ocsp: 'http://127.0.0.1/pki/ocsp',
  list: 'http://127.0.0.1/pki/issuing.crl',
  issuer: 'http://127.0.0.1/pki/issuing.cer',
}

/** An authority with all its parts; the keys of those who seal and stamp of the kind that is asked. */
export async function anAuthority(kind: 'P-256' | 'RSA' = 'P-256') {
  const fresh = () => (kind === 'RSA' ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey : newKey('P-256'))
  const root = await makeRoot(names, since)
  const issuingKey = keyInMemory(newKey('P-256'))
  const issuing = holder(issuingKey, await certifyIssuing(root.holder, issuingKey.spki, names, since))
  const part = async (profile: 'ocsp' | 'timestamps' | 'seal') => {
    const key = keyInMemory(fresh())
    const made = await makeCertificate({ profile, subject: partName(profile, names), spki: key.spki, from: since, addresses }, issuing)
    return holder(key, made, [issuing.certificate.der])
  }
  return {
    root: root.holder,
    list: root.list,
    issuing,
    ocsp: await part('ocsp'),
    timestamps: await part('timestamps'),
    seal: await part('seal'),
  }
}

/** What such an authority answers about one of its certificates. */
export const answerAbout = (
  { issuing, ocsp }: Awaited<ReturnType<typeof anAuthority>>,
  about: Holder,
  said: Said = { state: 'good' },
): Uint8Array =>
  makeOcspResponse([{ id: certIdOf(about.certificate.serial, issuing.certificate), said }], ocsp, {
    from: now,
    to: new Date(now.getTime() + 600_000),
  })
