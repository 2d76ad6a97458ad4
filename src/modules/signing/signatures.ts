/** Signatures of persons, as they come in: checked at once, refused with every reason, kept with what was found out. */
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { texts } from '#kernel/text'
import type { Authority } from './authority/authority.ts'
import { raise } from './make/cades.ts'
import { derOf, signatureLabels } from './pem.ts'
import en from './text.statement.en.json' with { type: 'json' }
import es from './text.statement.es.json' with { type: 'json' }
import { openTrust, type TrustFolder } from './trust.ts'
import { type Level, type ReasonCode, reasonSentence, reasons, type Signer } from './verdict.ts'
import { meantIn, verifySignature } from './verify.ts'

const text = texts({ es, en })

/** A signature that holds. */
export type TakenSignature = {
  /** CMS in DER, as it came or raised. */
  readonly cms: Buffer
  readonly signer: Pick<Signer, 'name' | 'rfc' | 'curp' | 'representative' | 'issuer' | 'serial'>
  /** When it was taken here; an instant. */
  readonly at: string
  readonly level: Level
}

/** Several trust folders as one list. */
export function joinTrust(folders: readonly TrustFolder[]): TrustFolder {
  const entries = folders.flatMap(({ trust }) =>
    [...trust.known.values()].map((c) => ({ certificate: c.der, vouches: [...(trust.anchors.get(c.id)?.vouches ?? [])] })),
  )
  return {
    trust: openTrust(entries),
    ocsp: folders.flatMap((f) => f.ocsp),
    crls: folders.flatMap((f) => f.crls),
    responders: new Map(folders.flatMap((f) => [...(f.responders ?? [])])),
  }
}

/** Why a signature was refused, in words: of a code of `Problem.fields`. */
export function reasonWords(language: Language, code: string): string {
  if (code in reasons) return reasonSentence(language, { code: code as ReasonCode, whose: null })
  return text(language, code === 'other-person' ? 'taken.other-person' : 'taken.none')
}

const refused = (codes: readonly string[]) =>
  new Problem('signing/refused', 'The signature was not accepted.', {
    fields: codes.map((code) => ({ pointer: '/signature', code, detail: reasonWords('en', code) })),
  })

/** Our own authority, as far as signatures need it. */
export type Witness = Pick<Authority, 'about' | 'stamp' | 'folder'>

/** What our authority says today of the certificates of its own that the signatures in a file mean: OCSP answers in DER. */
export async function ownAnswers(authority: Witness | null, file: Uint8Array): Promise<Uint8Array[]> {
  if (!authority) return []
  const issuer = authority.folder.issuing.certificate.subject.key
  const serials = new Set(meantIn(file).flatMap((meant) => (meant.issuer === issuer ? [meant.serial] : [])))
  return Promise.all([...serials].slice(0, 64).map((serial) => authority.about(serial)))
}

/**
 * Takes one person's detached CAdES signature over exactly `content`. Refuses with `signing/refused`, a field for each reason, and for a file with more than one
 * signature: a person signs for themself alone. With an authority of our own the signature is raised at once: B-T, and B-LT where the certificate is ours.
 */
export async function takeSignature(
  { trust, ocsp, crls }: TrustFolder,
  authority: Witness | null,
  { content, signature, at }: { readonly content: Buffer; readonly signature: Buffer; readonly at: Date },
): Promise<TakenSignature> {
  const cms = derOf(signature, ...signatureLabels)
  const own = await ownAnswers(authority, cms)
  const judge = (bytes: Uint8Array, answers: readonly Uint8Array[]) =>
    verifySignature({
      signature: bytes,
      content,
      trust,
      at,
      evidence: { ocsp: [...ocsp, ...answers], crls },
      as: ['people'],
      // An authority elsewhere is asked afterwards: nothing remote while somebody waits. Of ours it is known now.
      revocation: own.length > 0 ? 'required' : 'if-known',
    })
  const verdict = judge(cms, own)
  if (!verdict.holds) throw refused(verdict.reasons.map((r) => r.code))
  const [one, ...more] = verdict.signatures
  if (!one?.signer || more.length > 0) throw refused(['unsupported'])
  const { name, rfc, curp, representative, issuer, serial } = one.signer
  const taken = { signer: { name, rfc, curp, representative, issuer, serial }, at: at.toISOString() }
  if (!authority) return { ...taken, cms, level: one.level }
  const issuing = own.length > 0 ? [authority.folder.issuing.certificate.der] : []
  const raised = Buffer.from(raise(cms, { stamp: authority.stamp, ocsp: own, certificates: issuing }))
  // What is kept is judged by itself, as anybody will who is given it: nothing of ours is handed along.
  const kept = judge(raised, [])
  if (!kept.holds) throw refused(kept.reasons.map((r) => r.code))
  return { ...taken, cms: raised, level: kept.signatures[0]!.level }
}
