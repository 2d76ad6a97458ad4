/** The national authority at work: it issues, revokes, answers about revocation, lists it, and stamps times. */
import { hash as digestOf } from 'node:crypto'
import type { Db, Tx } from '#db'
import type { OfficeId, PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Clock } from '#kernel/time'
import { type Certificate, Kept, readCertificate } from '../certificate.ts'
import { same } from '../der.ts'
import {
  type CertId,
  certIdOf,
  makeList,
  makeOcspResponse,
  ocspFailure,
  type RevocationReason,
  readOcspRequest,
  type Said,
} from '../make/answers.ts'
import { makeCertificate, makeName, nameOids } from '../make/certificates.ts'
import { readRequest } from '../make/requests.ts'
import { makeToken, readTimestampRequest, stampBytes, timestampResponse } from '../make/tokens.ts'
import * as store from '../store.ts'
import type { AuthorityFolder } from './folder.ts'

/** Whom a certificate names: what was proved of them, never what they asked for. */
export type Named = { readonly name: string; readonly curp: string | null; readonly rfc: string | null }

/** How the person was known: to a clerk in person, or by a signature that was trusted. */
export type Known = { readonly how: 'counter'; readonly by: PersonId; readonly office: OfficeId } | { readonly how: 'signature' }

export interface Authority {
  readonly folder: AuthorityFolder
  /** Makes a certificate for the key of a request (PKCS #10 in DER): before any transaction, for the key may live in a module. Throws `DerFault` and `Refusal` for a request that is none. */
  certify(named: Named, request: Uint8Array): Promise<Certificate>
  /** Keeps a certificate that was made: from the commit on it is issued. Refuses with `signing/key-used` a key that has another one. */
  issue(tx: Tx, person: PersonId, certificate: Certificate, known: Known): Promise<void>
  /** Revokes a certificate, at once and for ever; false where it was revoked before. The next list names it. */
  revoke(tx: Tx, serial: string, reason: RevocationReason): Promise<boolean>
  /** An OCSP response about one of our certificates as things are now: evidence to be laid beside a signature. */
  about(serial: string): Promise<Uint8Array>
  /** The same of the portal's own seal, or of what stamps its times, without asking the database. */
  aboutOwn(part: 'seal' | 'timestamps'): Uint8Array
  /**
   * Answers an OCSP request in DER. `freshMs`: for how long the same may be handed out to whoever asks the same, 0 for an answer to one alone; no answer is older than half a minute when that ends. Never
   * throws for what was sent.
   */
  answer(request: Uint8Array): Promise<{ readonly response: Uint8Array; readonly freshMs: number }>
  /** The list in force, in DER; made anew when an hour old, or when something was revoked. */
  list(): Promise<Buffer>
  /** Makes the list anew. */
  renewList(): Promise<Buffer>
  /** A timestamp token over bytes, now. */
  stamp(bytes: Uint8Array): Uint8Array
  /** Answers a request for a timestamp (RFC 3161). */
  stampFor(request: Uint8Array): Uint8Array
}

/** How long an answer may be shown by others. A second's answer is as good for a signature that was made then as one of years. */
const answerMs = 10 * 60_000
/** How old an answer may be that we hand out again: a revocation is known everywhere within this. */
const answerAgeMs = 30_000
const listMs = 24 * 3_600_000
const listAgeMs = 3_600_000
/** About a kilobyte each. */
const mostAnswers = 20_000

/** Opens the authority on its keys. */
export function openAuthority({ folder, db, clock }: { folder: AuthorityFolder; db: Db; clock: Clock }): Authority {
  const issuer = folder.issuing.certificate
  // The portal's own: they stand in no table.
  const own = new Set([folder.ocsp, folder.timestamps, folder.seal].map((part) => part.certificate.serial))
  const nameHash = { sha1: digestOf('sha1', issuer.subject.der, 'buffer'), sha256: digestOf('sha256', issuer.subject.der, 'buffer') }
  const keyHash = { sha1: digestOf('sha1', issuer.keyBits, 'buffer'), sha256: digestOf('sha256', issuer.keyBits, 'buffer') }
  const isOurs = (id: CertId) => same(id.issuerName, nameHash[id.hash]) && same(id.issuerKey, keyHash[id.hash])
  /** Whole answers by the request they answer, byte by byte. */
  const ready = new Kept<{ readonly response: Uint8Array; readonly until: number }>(mostAnswers)

  async function saidOf(serials: readonly string[]): Promise<ReadonlyMap<string, Said>> {
    const rows = await store.statesOf(db, serials)
    const said = new Map<string, Said>(serials.map((serial) => [serial, { state: own.has(serial) ? 'good' : 'unknown' }]))
    for (const { serial, revokedAt, reason } of rows)
      said.set(serial, revokedAt ? { state: 'revoked', at: revokedAt, reason: reason! } : { state: 'good' })
    return said
  }
  function evidence(serial: string, said: Said): Uint8Array {
    const from = wholeSeconds()
    return makeOcspResponse([{ id: certIdOf(serial, issuer), said }], folder.ocsp, { from, to: new Date(from.getTime() + answerMs) })
  }
  const wholeSeconds = () => new Date(Math.floor(clock.now().getTime() / 1000) * 1000)

  async function renewList(): Promise<Buffer> {
    const from = wholeSeconds()
    const to = new Date(from.getTime() + listMs)
    // The number first: a list with a higher one was made of what was known later.
    const number = await store.nextListNumber(db)
    const der = Buffer.from(await makeList(await store.revokedAt(db, from), folder.issuing, { number, from, to }))
    await store.keepList(db, number, der, from, to)
    return der
  }

  return {
    folder,

    async certify(named, request) {
      const { spki } = readRequest(request)
      // Clocks that are a little behind find it valid; not before its issuer is.
      const from = new Date(Math.max(wholeSeconds().getTime() - 60_000, issuer.notBefore.getTime()))
      const subject = makeName(
        [nameOids.country, 'MX'],
        [nameOids.commonName, named.name],
        ...(named.curp ? ([[nameOids.curp, named.curp]] as const) : []),
        ...(named.rfc ? ([[nameOids.rfc, named.rfc]] as const) : []),
      )
      return readCertificate(await makeCertificate({ profile: 'person', subject, spki, from, addresses: folder.addresses }, folder.issuing))
    },

    async issue(tx, person, certificate, known) {
      const kept = await store.addCertificate(tx, {
        serial: certificate.serial,
        person,
        der: Buffer.from(certificate.der),
        keyHash: digestOf('sha256', certificate.spki, 'buffer'),
        issuedAt: clock.now(),
        notAfter: certificate.notAfter,
        how: known.how,
        seenBy: known.how === 'counter' ? known.by : null,
        office: known.how === 'counter' ? known.office : null,
      })
      if (!kept) throw new Problem('signing/key-used', 'This key has a certificate already. Make another one.')
    },

    revoke: (tx, serial, reason) => store.revoke(tx, serial, reason, wholeSeconds()),

    about: async (serial) => evidence(serial, (await saidOf([serial])).get(serial)!),
    aboutOwn: (part) => evidence(folder[part].certificate.serial, { state: 'good' }),

    async answer(request) {
      const now = clock.now().getTime()
      // Who sends thousands of different requests about one certificate is served, and fills nothing that others need for long.
      const key = request.length < 300 ? Buffer.from(request.buffer, request.byteOffset, request.length).toString('latin1') : null
      const found = key === null ? undefined : ready.get(key)
      if (found && found.until > now) return { response: found.response, freshMs: found.until - now }
      const asked = readOcspRequest(request)
      if (!asked) return { response: ocspFailure('malformedRequest'), freshMs: 0 }
      if (!asked.asked.every(isOurs)) return { response: ocspFailure('unauthorized'), freshMs: 0 }
      const said = await saidOf(asked.asked.map((id) => id.serial))
      const from = wholeSeconds()
      const response = makeOcspResponse(
        asked.asked.map(({ id, serial }) => ({ id, said: said.get(serial)! })),
        folder.ocsp,
        { from, to: new Date(from.getTime() + answerMs), nonce: asked.nonce },
      )
      const isForAll = key !== null && !asked.nonce && asked.asked.every(({ serial }) => said.get(serial)!.state !== 'unknown')
      if (isForAll) ready.set(key, { response, until: now + answerAgeMs })
      return { response, freshMs: isForAll ? answerAgeMs : 0 }
    },

    async list() {
      const newest = await store.newestList(db)
      return newest && newest.thisUpdate.getTime() > clock.now().getTime() - listAgeMs ? newest.der : renewList()
    },
    renewList,

    stamp: (bytes) => stampBytes(bytes, folder.timestamps, clock.now()),

    stampFor(request) {
      const asked = readTimestampRequest(request)
      return timestampResponse(typeof asked === 'string' ? asked : makeToken(asked, folder.timestamps, clock.now()))
    },
  }
}
