/**
 * How a person comes to a certificate: their browser makes a key and asks, and they are known either to a clerk who sees them or by a signature that is trusted already (an e.firma, or their own
 * certificate while it holds: a renewal). What the certificate says is what was proved, never what the request says.
 */
import { hash as digestOf } from 'node:crypto'
import type { Db, Tx } from '#db'
import { newReference, type OfficeId, type PersonId, parseReference, randomId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Clock } from '#kernel/time'
import type { People } from '#people'
import { holds, type SignedIn } from '#web'
import { DerFault } from '../der.ts'
import type { RevocationReason } from '../make/answers.ts'
import { readRequest, requestDer } from '../make/requests.ts'
import type { TakenSignature } from '../signatures.ts'
import * as store from '../store.ts'
import { Refusal } from '../verdict.ts'
import { enrolmentText } from '../wording.ts'
import type { Authority, Known, Named } from './authority.ts'

/** Why holders revoke, as they may say it. */
export const holderReasons = ['keyCompromise', 'superseded', 'cessationOfOperation'] as const satisfies readonly RevocationReason[]
export type HolderReason = (typeof holderReasons)[number]

/** A request that waits, as its person or a clerk sees it. */
export type Pending = {
  readonly code: string
  readonly askedAt: Date
  readonly expiresAt: Date
  /** SHA-256 of the public key, hexadecimal: what both may compare. */
  readonly key: string
  /** What is signed to prove who asks: UTF-8. */
  readonly statement: string
}

export type EnrolmentDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly authority: Authority
  readonly people: Pick<People, 'person' | 'recordUse' | 'tellOfCertificate'>
  readonly jobs: { add(on: Db | Tx, name: string, data: object): Promise<void> }
  readonly take: (given: { content: Buffer; signature: Buffer; at: Date }) => Promise<TakenSignature>
  readonly publicUrl: string
  readonly demo: boolean
}

const requestDays = 30
const dayMs = 86_400_000

export type Enrolment = ReturnType<typeof openEnrolment>

/** Opens enrolment. */
export function openEnrolment(deps: EnrolmentDeps) {
  const { db, clock, authority, people, jobs } = deps

  /** What is known of a person that a certificate may say. Refuses with `signing/no-identity` who has said neither CURP nor RFC. */
  async function namedOf(on: Db | Tx, id: PersonId): Promise<Named & { readonly language: 'es' | 'en' }> {
    const person = await people.person(on, id)
    const value = (kind: 'curp' | 'rfc') => person?.identities.find((i) => i.kind === kind)?.value ?? null
    const named = { name: person?.name ?? '', curp: value('curp'), rfc: value('rfc'), language: person?.language ?? 'es' }
    if (named.name === '' || (named.curp === null && named.rfc === null))
      throw new Problem('signing/no-identity', 'Say your name and your CURP or RFC first.')
    return named
  }

  const pendingOf = (row: store.RequestRow): Pending => ({
    code: row.code,
    askedAt: row.askedAt,
    expiresAt: row.expiresAt,
    key: digestOf('sha256', readRequest(row.request).spki, 'hex'),
    statement: row.statement.toString('utf8'),
  })

  /** Issues for a request that still waits, and ends it. */
  async function give(person: PersonId, request: Buffer, named: Named, known: Known, language: 'es' | 'en'): Promise<string> {
    const certificate = await authority.certify(named, request)
    await db.tx(async (tx) => {
      const row = await store.requestOf(tx, person, clock.now(), true)
      if (!row?.request.equals(request)) throw new Problem('conflict', 'The request has changed. Look at it again.')
      await authority.issue(tx, person, certificate, known)
      await store.endRequest(tx, person)
      if (known.how === 'counter')
        await people.recordUse(tx, [{ subject: person, actor: known.by, office: known.office, purpose: 'certificate' }])
      await people.tellOfCertificate(tx, person, { event: 'issued', language })
    })
    return certificate.serial
  }

  const atCounter = (clerk: SignedIn, office: OfficeId) => {
    if (!holds(clerk, ['clerk'], office)) throw new Problem('forbidden', 'This is another counter.')
  }

  async function atCounterBy(clerk: SignedIn, typed: string): Promise<store.RequestRow> {
    const code = parseReference(typed)
    const row = code && (await store.requestBy(db, code, clock.now()))
    if (!row) throw new Problem('not-found', 'No request waits with this code.')
    if (row.person === clerk.person) throw new Problem('forbidden', 'Nobody serves oneself.')
    return row
  }

  return {
    /** Refuses with `forbidden` who is no clerk of the office. */
    atCounter,

    /** A person's certificates, the newest first, and the request that waits. */
    async of(visitor: SignedIn): Promise<{ readonly certificates: readonly store.CertificateRow[]; readonly pending: Pending | null }> {
      const certificates = await store.certificatesOf(db, visitor.person)
      const row = await store.requestOf(db, visitor.person, clock.now())
      return { certificates, pending: row && pendingOf(row) }
    },

    /** Who a certificate of this person would name. Refuses with `signing/no-identity`. */
    namedOf: (visitor: SignedIn) => namedOf(db, visitor.person),

    /** Keeps a person's request (PKCS #10, DER or PEM) for 30 days in the place of an older one. Refuses with `signing/no-identity`, and with `signing/request-refused` and a field that says why. */
    async ask(visitor: SignedIn, bytes: Buffer): Promise<void> {
      const named = await namedOf(db, visitor.person)
      const request = requestDer(bytes)
      let key: string
      try {
        key = digestOf('sha256', readRequest(request).spki, 'hex')
      } catch (error) {
        if (!(error instanceof DerFault || error instanceof Refusal)) throw error
        const code = error instanceof Refusal ? error.reason.code : 'broken'
        throw new Problem('signing/request-refused', 'The request was not accepted.', {
          fields: [{ pointer: '/request', code, detail: code }],
        })
      }
      const now = clock.now()
      const code = newReference()
      const statement = enrolmentText(named.language, {
        portal: deps.publicUrl,
        demo: deps.demo,
        name: named.name,
        curp: named.curp,
        rfc: named.rfc,
        key,
        code,
        at: now,
        unique: randomId(),
      })
      await db.tx((tx) =>
        store.keepRequest(tx, {
          person: visitor.person,
          code,
          request: Buffer.from(request),
          statement: Buffer.from(statement, 'utf8'),
          askedAt: now,
          expiresAt: new Date(now.getTime() + requestDays * dayMs),
        }),
      )
    },

    /** Takes the person's request back. */
    cancel: (visitor: SignedIn): Promise<void> => store.endRequest(db, visitor.person),

    /**
     * Issues by a signature over the request's statement; the serial. Refuses with `not-found` where no request waits, `signing/refused` with every reason, `signing/other-person` where the
     * certificate that signed names neither the person's CURP nor RFC, or is a company's, and `signing/key-used`.
     */
    async sign(visitor: SignedIn, signature: Buffer): Promise<string> {
      const row = await store.requestOf(db, visitor.person, clock.now())
      if (!row) throw new Problem('not-found', 'No request waits.')
      const named = await namedOf(db, visitor.person)
      const taken = await deps.take({ content: row.statement, signature, at: clock.now() })
      const { name, curp, rfc, representative } = taken.signer
      const isSame = (curp !== null && curp === named.curp) || (rfc !== null && rfc === named.rfc)
      const differs =
        (curp !== null && named.curp !== null && curp !== named.curp) || (rfc !== null && named.rfc !== null && rfc !== named.rfc)
      if (!isSame || differs || representative !== null) throw new Problem('signing/other-person', 'The certificate is of somebody else.')
      return give(visitor.person, row.request, { name, curp, rfc }, { how: 'signature' }, named.language)
    },

    /** Who asks with a code, for the clerk who has the person before them. Refuses with `forbidden` and `not-found`. The clerk's look is recorded. */
    async readAtCounter(clerk: SignedIn, office: OfficeId, code: string): Promise<{ readonly named: Named; readonly pending: Pending }> {
      atCounter(clerk, office)
      const row = await atCounterBy(clerk, code)
      const named = await namedOf(db, row.person)
      await people.recordUse(db, [{ subject: row.person, actor: clerk.person, office, purpose: 'certificate-request' }])
      return { named, pending: pendingOf(row) }
    },

    /** Issues to the person who showed the clerk their identity; the key must be the one the clerk saw. Refuses as `readAtCounter`, with `conflict` where it changed, and with `signing/key-used`. */
    async issueAtCounter(clerk: SignedIn, office: OfficeId, given: { readonly code: string; readonly key: string }): Promise<void> {
      atCounter(clerk, office)
      const row = await atCounterBy(clerk, given.code)
      if (pendingOf(row).key !== given.key) throw new Problem('conflict', 'The request has changed. Look at it again.')
      const { language, ...named } = await namedOf(db, row.person)
      await give(row.person, row.request, named, { how: 'counter', by: clerk.person, office }, language)
    },

    /** A person's own certificate in DER. Refuses with `not-found`. */
    async certificate(visitor: SignedIn, serial: string): Promise<store.CertificateRow> {
      const found = await store.certificateBy(db, serial)
      if (found?.person !== visitor.person) throw new Problem('not-found', 'There is no such certificate.')
      return found
    },

    /** Revokes the person's own certificate at once, at any hour, for ever. Sent twice, the first holds. Refuses with `not-found`. */
    revoke: (visitor: SignedIn, serial: string, reason: HolderReason): Promise<void> =>
      db.tx(async (tx) => {
        const found = await store.certificateBy(tx, serial)
        if (found?.person !== visitor.person) throw new Problem('not-found', 'There is no such certificate.')
        if (!(await authority.revoke(tx, serial, reason))) return
        await jobs.add(tx, 'signing/renew-list', {})
        await people.tellOfCertificate(tx, visitor.person, { event: 'revoked', language: visitor.language })
      }),
  }
}
