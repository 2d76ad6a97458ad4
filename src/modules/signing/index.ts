/** The portal's own seal on bytes, and signatures of persons. README.md says what each proves. */
import { createHash, sign, verify } from 'node:crypto'
import type { Db, Tx } from '#db'
import type { Language } from '#kernel/text'
import { type Clock, minuteStamp } from '#kernel/time'
import type { Keys } from '#keys'
import type { People, PersonalPart } from '#people'
import type { PublicLog } from '#publiclog'
import type { Web } from '#web'
import { openAuthority } from './authority/authority.ts'
import { openEnrolment } from './authority/enrolment.ts'
import type { AuthorityFolder } from './authority/folder.ts'
import { certificatesPage, certificatesWords, registerEnrolment } from './authority/pages.ts'
import { registerAuthority } from './authority/routes.ts'
import { appendDss } from './dss.ts'
import { type Settled, settleSignature } from './later.ts'
import { raise, sealBytes } from './make/cades.ts'
import { signPdf } from './make/pades.ts'
import { joinTrust, type TakenSignature, takeSignature } from './signatures.ts'
import { registerSigner, signerHashes } from './signer-pages.ts'
import { certificatesOf, endRequest, noteSigner, tidy } from './store.ts'
import { openTrust, type TrustFolder } from './trust.ts'
import { registerVerify } from './verify-pages.ts'

export { AuthorityError, type AuthorityFolder, openAuthorityFolder } from './authority/folder.ts'
export { paths as authorityPaths } from './authority/routes.ts'
export { signaturePlace } from './make/pades.ts'
export { joinTrust, type TakenSignature } from './signatures.ts'
export { readSignedForm, refusal, signedFormLimit } from './signed-form.ts'
export { readTrustFolder, type TrustFolder } from './trust.ts'
export type { Level } from './verdict.ts'
export { signFields, signPanel } from './views.ts'
export { type Declaration, declarationText, type Statement, statementText } from './wording.ts'

export type SigningDeps = {
  readonly keys: Pick<Keys, 'sealSigner'>
  /** Who may vouch for signers, and what is known of revocations. */
  readonly trust: TrustFolder
  readonly clock: Clock
  readonly db: Db
  readonly publiclog: Pick<PublicLog, 'append'>
  readonly people: Pick<People, 'person' | 'recordUse' | 'tellOfCertificate'>
  /** `#jobs` fits. */
  readonly jobs: {
    add(on: Db | Tx, name: string, data: object): Promise<void>
    handle<T extends object>(name: string, handler: (data: T) => Promise<void>): void
    every(name: string, cron: string, handler: () => Promise<void>): void
  }
  /** The authority of our own; null where this installation issues nothing. */
  readonly authority: AuthorityFolder | null
  readonly publicUrl: string
  readonly demo: boolean
}

export interface Signing {
  /** Names the key: the first 16 hex digits of SHA-256 over its SubjectPublicKeyInfo. */
  readonly keyId: string
  /**
   * Seals bytes for one purpose: `v1.<key id>.<purpose>.<signature>`, which can stand in a URL. The same bytes sealed for another purpose have another seal,
   * so a seal on a receipt never passes as one on a decision. Throws RangeError for a purpose that is not `[a-z0-9-]{1,40}`.
   */
  seal(bytes: Buffer, purpose: string): { seal: string }
  /** Whether the seal is ours, on exactly these bytes, for this purpose. Never throws. */
  checkSeal(bytes: Buffer, seal: string, purpose: string): boolean
  /** The portal's seal for others: CAdES B-LT over the bytes, detached, in DER; its certificate is our authority's. Null where this installation has none. */
  sealForOthers(bytes: Uint8Array): Buffer | null
  /** The portal's seal within a PDF (PAdES B-LT) that has a `signaturePlace`. Null where this installation has no authority. Throws RangeError for a document without a place. */
  sealPdf(pdf: Buffer): Buffer | null
  /**
   * Takes a person's signature (CMS, DER or PEM) over exactly `content`: checked against the trust list for `at`, and raised at once by our authority's timestamp (B-T), with its word on
   * its own certificates (B-LT). Refuses with `signing/refused`, a field for each reason.
   */
  take(given: { readonly content: Buffer; readonly signature: Buffer; readonly at: Date }): Promise<TakenSignature>
  /**
   * Asks the authority of a signature that was taken whether its certificate had been revoked, and lays the answer beside it (B-LT); never within a transaction. Null where there is nobody to ask. Throws
   * where nobody answers: a job that asks again.
   */
  settle(given: { readonly cms: Buffer; readonly content: Buffer; readonly at: Date }): Promise<Settled | null>
  /**
   * Puts the digests of what signs on our pages and of the offline signer into the public log (`numbers.released`, sets `signer/script` and `signer/offline`), each once: for a
   * process that serves pages, once they are built.
   */
  publishSigner(): Promise<void>
  /** What a person's account has of signing: the way to their certificates. */
  accountLines(language: Language): readonly { readonly href: string; readonly words: string }[]
  /** What is kept of a person here, for who asks for it. Erased, their certificates are revoked: who holds them is nobody any more. */
  readonly personal: PersonalPart
  /** Whether certificates are issued here: then counters issue them too, and PDFs are sealed. */
  readonly issues: boolean
  /**
   * Adds `/seal/key`, `/signature`, where anybody has a signature checked, the offline signer under `/signer` and `/signer.html`; with an authority its answers under `/pki/`, people's
   * certificates under `/me/certificates` and those that clerks issue under `/counter/<office>/certificates`.
   */
  register(web: Web): void
}

const purposes = /^[a-z0-9-]{1,40}$/

/**
 * What is signed: a fixed name, the purpose and SHA-512 of the bytes. No purpose holds a zero byte, so no two (purpose, bytes) give the same text; no other
 * signature of this system begins with this name.
 */
function statement(bytes: Buffer, purpose: string): Buffer {
  return Buffer.concat([Buffer.from(`ventanilla-seal-v1\0${purpose}\0`), createHash('sha512').update(bytes).digest()])
}

/** Opens the signing module. Its jobs are handled here: `signing/renew-list`, and each hour what is due of lists and requests. */
export function openSigning(deps: SigningDeps): Signing {
  const { keys, clock, db, publiclog, jobs } = deps
  const { privateKey, publicKey } = keys.sealSigner
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const keyId = createHash('sha256').update(spki).digest('hex').slice(0, 16)

  const authority = deps.authority && openAuthority({ folder: deps.authority, db, clock })
  const trust = authority ? joinTrust([deps.trust, trustIn(authority.folder)]) : deps.trust
  const take: Signing['take'] = (given) => takeSignature(trust, authority, given)
  const enrolment = authority && openEnrolment({ ...deps, authority, take })
  jobs.handle('signing/renew-list', async () => void (await authority?.renewList()))
  jobs.every('signing/hourly', '7 * * * *', async () => {
    await tidy(db, clock.now())
    await authority?.renewList()
  })

  return {
    keyId,

    seal(bytes, purpose) {
      if (!purposes.test(purpose)) throw new RangeError(`${purpose} is no purpose of a seal.`)
      return { seal: `v1.${keyId}.${purpose}.${sign(null, statement(bytes, purpose), privateKey).toString('base64url')}` }
    },

    checkSeal(bytes, seal, purpose) {
      const parts = seal.length > 250 ? [] : seal.split('.')
      const [version, id, forPurpose, signature] = parts
      if (parts.length !== 4 || version !== 'v1' || id !== keyId || forPurpose !== purpose || !purposes.test(purpose)) return false
      if (!/^[\w-]{86}$/.test(signature!)) return false
      const given = Buffer.from(signature!, 'base64url')
      // One spelling for one signature: the last character carries bits that do not count.
      return given.toString('base64url') === signature && verify(null, statement(bytes, purpose), publicKey, given)
    },

    publishSigner: () =>
      db.tx(async (tx) => {
        const at = clock.now()
        for (const [file, sha256] of Object.entries(signerHashes()) as ['script' | 'offline', string][])
          if (await noteSigner(tx, file, sha256, at))
            await publiclog.append(tx, [
              { v: 1, type: 'numbers.released', at: minuteStamp(at), set: `signer/${file}`, period: minuteStamp(at).slice(0, 10), sha256 },
            ])
      }),

    sealForOthers(bytes) {
      if (!authority) return null
      const { folder, stamp, aboutOwn } = authority
      return Buffer.from(raise(sealBytes(bytes, folder.seal, { at: clock.now() }), { stamp, ocsp: [aboutOwn('seal')] }))
    },

    sealPdf(pdf) {
      if (!authority) return null
      const { folder, stamp, aboutOwn } = authority
      const { seal, timestamps, issuing, root, rootList } = folder
      return appendDss(signPdf(pdf, seal, stamp), {
        certificates: [seal.certificate, timestamps.certificate, issuing.certificate, root].map((c) => c.der),
        ocsp: [aboutOwn('seal'), aboutOwn('timestamps')],
        crls: rootList ? [rootList] : [],
      })
    },

    take,
    settle: (given) => settleSignature(trust, given),

    accountLines: (language) => (authority ? [{ href: certificatesPage, words: certificatesWords(language) }] : []),
    personal: {
      name: 'certificates',
      async take(visitor) {
        const { certificates, pending } = (await enrolment?.of(visitor)) ?? { certificates: [], pending: null }
        return {
          certificates: certificates.map(({ serial, issuedAt, notAfter, how, revokedAt }) => ({
            serial,
            issuedAt,
            notAfter,
            how,
            revokedAt,
          })),
          asked: pending && { at: pending.askedAt, code: pending.code },
        }
      },
      async erase(tx, person) {
        if (!authority) return
        const living = (await certificatesOf(tx, person)).filter((c) => c.revokedAt === null)
        for (const c of living) await authority.revoke(tx, c.serial, 'cessationOfOperation')
        await endRequest(tx, person)
        if (living.length > 0) await jobs.add(tx, 'signing/renew-list', {})
      },
    },
    issues: authority !== null,

    register(web) {
      registerSigner(web)
      registerVerify(web, { trust, authority, publicUrl: deps.publicUrl, now: () => clock.now() })
      if (authority) registerAuthority(web, authority)
      if (enrolment) registerEnrolment(web, enrolment, () => clock.now())
      web.route({
        method: 'GET',
        url: '/seal/key',
        access: 'public',
        schema: {},
        handler: (_request, reply) => {
          reply.type('application/x-pem-file').header('cache-control', 'public, max-age=3600')
          return publicKey.export({ type: 'spki', format: 'pem' })
        },
      })
    },
  }
}

/** Our own authority in the trust list: its root vouches, its issuing authority helps where a signature brings it not. */
const trustIn = ({ root, issuing }: AuthorityFolder): TrustFolder => ({
  trust: openTrust([
    { certificate: root.der, vouches: ['people', 'seals', 'timestamps'] },
    { certificate: issuing.certificate.der, vouches: [] },
  ]),
  ocsp: [],
  crls: [],
})
