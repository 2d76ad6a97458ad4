import { canonical } from '#kernel/canonical'
import { sha256Hex } from '#kernel/commitment'
import type { DefinitionHash, OfficeId, ServiceId } from '#kernel/id'
import { pesos } from '#kernel/money'
import type { Language } from '#kernel/text'
import { localPaperId } from './check.ts'
import type { Adoption, Definition, DefinitionTexts } from './definition.ts'
import type { Jurisdiction } from './places.ts'

/** A base as it is stored: its words and fields, and the hash of both. */
export type Base = { readonly hash: string; readonly definition: Definition; readonly texts: DefinitionTexts }

/** A service of one place, or a base of a state's or town's level before a place is chosen. */
export type Service = {
  readonly id: ServiceId
  /** The folder under `services/`. */
  readonly base: string
  /** What a case pins: base and difference together. */
  readonly hash: DefinitionHash
  readonly baseHash: string
  readonly adoptionHash: string | null
  /** The definition with the place's values laid over. */
  readonly definition: Definition
  /** The place's difference; null where it has none yet. */
  readonly adoption: Adoption | null
  readonly jurisdiction: Jurisdiction
  /** False for a base of a state's or town's level that stands for all places: it is read, not asked for. */
  readonly placed: boolean
  /** Where it is filed; null while no place is chosen. */
  readonly office: OfficeId | null
  /** Its words; `''` where the definition has none under this key. */
  text(language: Language, key: string): string
  /** All its words of one language. */
  texts(language: Language): Readonly<Record<string, string>>
}

/** The content a base's hash stands for, as canonical JSON. */
export function baseContent(definition: Definition, texts: DefinitionTexts): string {
  return canonical({ definition, text: texts })
}

/** SHA-256 of a base's or an adoption's canonical JSON. */
export function contentHash(content: string): string {
  return sha256Hex(content)
}

/** What a case pins: SHA-256 of the canonical JSON `{"base": …, "adoption": …}` (DESIGN.md, Definitions). */
export function wholeHash(base: string, adoption: string | null): DefinitionHash {
  return sha256Hex(canonical({ base, adoption })) as DefinitionHash
}

/** The base's definition with a place's difference laid over; the same object where there is none. */
export function layOver(definition: Definition, adoption: Adoption | null): Definition {
  if (!adoption) return definition
  return {
    ...definition,
    ...(adoption.fee ? { fee: { kind: 'fixed' as const, amount: adoption.fee.amount, source: adoption.fee.source } } : {}),
    ...(adoption.term ? { term: { ...definition.term, count: adoption.term.count, source: adoption.term.source } } : {}),
    ...(adoption.localPaper
      ? {
          papers: [
            ...definition.papers,
            { id: localPaperId, how: 'file' as const, from: adoption.localPaper.from, source: adoption.localPaper.source },
          ],
        }
      : {}),
  }
}

const termDays = (d: Definition) => {
  // Rough lengths, only to order two terms of different units: a month is never shorter than 21 working days here.
  const perUnit = { immediate: 0, 'working-days': 1.4, days: 1, months: 30 } as const
  return d.term.count * perUnit[d.term.unit]
}

const validDays = ({ validity: { unit, count } }: Definition) => {
  const perUnit = { indefinite: Number.POSITIVE_INFINITY, once: 0, years: 365, months: 30, days: 1 } as const
  return unit === 'indefinite' || unit === 'once' ? perUnit[unit] : perUnit[unit] * (count ?? 1)
}

/** The most a person may have to pay; null where it is local and not known. */
function highestFee(d: Definition): bigint | null {
  if (d.fee.kind === 'free') return 0n
  if (d.fee.kind === 'fixed') return pesos(d.fee.amount).minor
  if (d.fee.kind === 'table') return d.fee.rows.reduce((most, r) => (pesos(r.amount).minor > most ? pesos(r.amount).minor : most), 0n)
  return d.adoption?.fee ? pesos(d.adoption.fee.max).minor : null
}

/**
 * What the new version burdens people with beyond the old one: empty where it only relieves or rewords. A burden applies ten working days after its entry.
 * Where two versions cannot be ordered (another condition, another fee table) it counts as a burden: nobody is surprised.
 */
export function burdens(before: Definition, after: Definition, was: Adoption | null = null, is: Adoption | null = null): string[] {
  const found: string[] = []
  const old = layOver(before, was)
  const now = layOver(after, is)
  const need = (d: Definition) => new Map(d.papers.filter((p) => !p.optional).map((p) => [p.id, `${p.how} ${p.when ?? ''}`]))
  const oldPapers = need(old)
  for (const [id, when] of need(now)) if (oldPapers.get(id) !== when) found.push(`paper ${id}`)
  // A question is asked of whoever sees its page.
  const pageWhen = (d: Definition, id: string) => d.pages.find((p) => p.questions.includes(id))?.when ?? ''
  const asks = (d: Definition) => new Map(d.questions.filter((q) => !q.optional).map((q) => [q.id, `${canonical(q)} ${pageWhen(d, q.id)}`]))
  const oldQuestions = asks(old)
  for (const [id, q] of asks(now)) if (oldQuestions.get(id) !== q) found.push(`question ${id}`)
  const fees = [highestFee(old), highestFee(now)] as const
  const tables = old.fee.kind === 'table' || now.fee.kind === 'table'
  if (fees[1] === null ? fees[0] !== null : fees[0] === null || fees[1] > fees[0]) found.push('fee')
  else if (tables && now.fee.kind !== 'free' && canonical(old.fee) !== canonical(now.fee)) found.push('fee')
  if (termDays(now) > termDays(old)) found.push('term')
  if (validDays(now) < validDays(old)) found.push('validity')
  if (old.silence.means === 'affirmative' && now.silence.means === 'negative') found.push('silence')
  if (now.answerWithin.workingDays < old.answerWithin.workingDays) found.push('time to answer')
  for (const c of old.channels) if (!now.channels.includes(c)) found.push(`channel ${c}`)
  for (const a of old.applicants) if (!now.applicants.includes(a)) found.push(`applicant ${a}`)
  if ((now.assurance ?? 1) > (old.assurance ?? 1)) found.push('assurance')
  const signed = (d: Definition) => new Map(d.steps.flatMap((s) => (s.kind === 'sign' ? [[s.id, s.signers ?? '']] : [])))
  const oldSigned = signed(old)
  for (const [id, by] of signed(now)) if (oldSigned.get(id) !== by) found.push(`signature ${id}`)
  for (const r of now.reasons) if (!old.reasons.some((o) => o.id === r.id)) found.push(`reason ${r.id}`)
  // Until a place says its hours none are promised.
  if (was?.hours && is?.hours && canonical(was.hours) !== canonical(is.hours)) found.push('hours')
  return found
}
