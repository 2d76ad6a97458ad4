/** Signatures of persons, as they come in: checked at once, refused with every reason, kept with what was found out. */
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { texts } from '#kernel/text'
import en from './text.statement.en.json' with { type: 'json' }
import es from './text.statement.es.json' with { type: 'json' }
import { openTrust, type Trust, type TrustFolder } from './trust.ts'
import { type Level, type ReasonCode, reasonSentence, reasons, type Signer } from './verdict.ts'
import { verifySignature } from './verify.ts'

const text = texts({ es, en })

/** A signature that holds. */
export type TakenSignature = {
  /** CMS in DER, as it came or raised. */
  readonly cms: Buffer
  readonly signer: Pick<Signer, 'name' | 'rfc' | 'curp' | 'issuer' | 'serial'>
  /** When it was taken here; an instant. */
  readonly at: string
  readonly level: Level
}

/** Several trust folders as one list. */
export function joinTrust(folders: readonly TrustFolder[]): TrustFolder {
  const entries = folders.flatMap(({ trust }) =>
    [...trust.known.values()].map((c) => ({ certificate: c.der, vouches: [...(trust.anchors.get(c.id)?.vouches ?? [])] })),
  )
  return { trust: openTrust(entries), ocsp: folders.flatMap((f) => f.ocsp), crls: folders.flatMap((f) => f.crls) }
}

/** Why a signature was refused, in words: of a code of `Problem.fields`. */
export function reasonWords(language: Language, code: string): string {
  return code in reasons ? reasonSentence(language, { code: code as ReasonCode, whose: null }) : text(language, 'taken.none')
}

const refused = (codes: readonly string[]) =>
  new Problem('signing/refused', 'The signature was not accepted.', {
    fields: codes.map((code) => ({ pointer: '/signature', code, detail: reasonWords('en', code) })),
  })

/** A signature as another program may have saved it in letters (PEM), in DER. */
export function derOf(bytes: Buffer): Buffer {
  const pem = /^\s*-----BEGIN (?:CMS|PKCS7)-----([\w+/=\s]+)-----END (?:CMS|PKCS7)-----\s*$/.exec(
    bytes.length < 2_000_000 ? bytes.toString('latin1') : '',
  )
  return pem ? Buffer.from(pem[1]!, 'base64') : bytes
}

/**
 * Takes one person's detached CAdES signature over exactly `content`. Refuses with `signing/refused`, a field for each reason, and for a file with more than one
 * signature: a person signs for themself alone.
 */
export function takeSignature(
  { trust, ocsp, crls }: TrustFolder | { trust: Trust; ocsp: readonly Uint8Array[]; crls: readonly Uint8Array[] },
  { content, signature, at }: { readonly content: Buffer; readonly signature: Buffer; readonly at: Date },
): TakenSignature {
  const cms = derOf(signature)
  const verdict = verifySignature({
    signature: cms,
    content,
    trust,
    at,
    evidence: { ocsp, crls },
    as: ['people'],
    // An authority elsewhere is asked afterwards: nothing remote while somebody waits.
    revocation: 'if-known',
  })
  if (!verdict.holds) throw refused(verdict.reasons.map((r) => r.code))
  const [one, ...more] = verdict.signatures
  if (!one?.signer || more.length > 0) throw refused(['unsupported'])
  const { name, rfc, curp, issuer, serial } = one.signer
  return { cms, signer: { name, rfc, curp, issuer, serial }, at: at.toISOString(), level: one.level }
}
