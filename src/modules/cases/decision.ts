/** The decision as a document: what it says, what it commits to, how it is sealed. */
import type { Service } from '#catalogue'
import { canonicalBytes } from '#kernel/canonical'
import { type Commitment, commit, type Opening, sha256Hex } from '#kernel/commitment'
import { newReference, type OfficeId, type TurnId } from '#kernel/id'
import type { Language } from '#kernel/text'
import { addDays, dateIn, type PlainDate } from '#kernel/time'
import type { Person } from '#people'
import { statementText, type TakenSignature } from '#signing'
import type { Deps } from './deps.ts'
import { text } from './pages/staff-text.ts'
import type { Case, Decision, Turn } from './store.ts'
import type { OpenVault } from './vault.ts'
import type { HolderContent, PaperContent } from './verdict.ts'

/** Where a rule comes from, as the definition says it. */
type Rule = 'unverified' | { readonly law: string; readonly article?: string; readonly url?: string }

/** What a decision says. Its canonical JSON is the document's content; page, PDF and paper are renderings of it. */
export type DecisionRecord = {
  readonly v: 1
  readonly code: string
  readonly demo: boolean
  readonly reference: string
  readonly service: string
  readonly definition: string
  readonly office: string
  readonly person: { readonly name: string; readonly identity: string }
  readonly filed: PlainDate
  readonly due: PlainDate
  readonly decided: PlainDate
  readonly how: 'act' | 'silence'
  readonly result: 'granted' | 'refused'
  /** Reasons of the definition's list, with the rule behind each; empty where it grants. */
  readonly reasons: readonly { readonly id: string; readonly rule: Rule }[]
  /** The official's own words, if any. */
  readonly note: string
  /** The rules the decision rests on when it grants. */
  readonly basis: readonly Rule[]
  readonly turn: string
  readonly line: string
  readonly place: number
  readonly until: PlainDate | null
}

/** What lies sealed in a case as its decision. */
export type SealedDecision = {
  readonly record: DecisionRecord
  /** Opens `paper` of the turn's last entry. */
  readonly paper: Opening
  /** Opens `holder` of the turn's first entry. */
  readonly holder: Opening
  /** The institution's seal over the record's canonical bytes. */
  readonly seal: string
  /** The same as others read it: CAdES (DER) in base64. Absent where this installation has no authority, and in decisions from before it had. */
  readonly sealed?: string
  /** The official's own signature; absent where nobody signed: by silence, and before officials had certificates. */
  readonly signature?: DecisionSignature
}

/** An official's signature on a decision: on a statement of it in words, which carries the record's digest. */
export type DecisionSignature = {
  readonly statement: string
  /** CMS (DER) in base64. */
  readonly cms: string
  readonly by: TakenSignature['signer']
  readonly at: string
  readonly level: TakenSignature['level']
  /** Its authority said afterwards that the certificate had been revoked when it signed. */
  readonly revoked?: true
}

/** What brings the same decision back while its official signs it. */
export type Ticket = { readonly code: string; readonly unique: string; readonly at: string; readonly language: Language }

/** The last day on which it holds, or null when it holds for ever or for one use. */
function validUntil(validity: Service['definition']['validity'], decided: PlainDate): PlainDate | null {
  const n = validity.count ?? 1
  const [y, m, d] = decided.split('-').map(Number) as [number, number, number]
  switch (validity.unit) {
    case 'days':
      return addDays(decided, n)
    case 'months':
    case 'years': {
      const months = validity.unit === 'years' ? n * 12 : n
      const last = new Date(Date.UTC(y, m - 1 + months + 1, 0))
      return `${last.toISOString().slice(0, 8)}${String(Math.min(d, last.getUTCDate())).padStart(2, '0')}`
    }
    default:
      return null
  }
}

/** A decision ready to be written: the row, the commitment for `turn.finished` and the one for `case.decided`. */
export type Made = { readonly row: Decision; readonly paper: Commitment; readonly decided: Commitment; readonly record: DecisionRecord }

/** What a decision is made of. `code` is a fresh one unless its official has signed it already. */
type Given = {
  c: Case
  service: Service
  person: Person
  turn: Turn
  vault: OpenVault
  how: 'act' | 'silence'
  result: 'granted' | 'refused'
  reasons: readonly string[]
  note: string
  now: Date
  code?: string
  signature?: DecisionSignature
}

/** What a decision will say. */
export function recordOf(deps: Pick<Deps, 'catalogue' | 'demo'>, given: Given): { record: DecisionRecord; holder: Opening } {
  const { c, service, person, turn, vault, how, result, now } = given
  const { zone } = deps.catalogue.calendarOf(c.office)
  const decided = dateIn(now, zone)
  const until = result === 'granted' ? validUntil(service.definition.validity, decided) : null
  const code = given.code ?? newReference()
  const holder = vault.open<Opening>(`holder/${turn.state.turn}`, turn.opening)
  // By the identity under which the turn was taken: who has a CURP and an RFC gets the paper under the same one. Where it is nobody of theirs, the paper says so.
  const held = (holder.content as unknown as HolderContent).person
  const identity = (person.identities.find((i) => i.value === held) ?? person.identities[0])?.value ?? ''
  const name = person.name ?? ''
  const ruleOf = (id: string): Rule => (service.definition.reasons.find((r) => r.id === id)?.rule ?? 'unverified') as Rule
  const record: DecisionRecord = {
    v: 1,
    code,
    demo: deps.demo,
    reference: c.reference,
    service: c.service,
    definition: c.definition,
    office: c.office,
    person: { name, identity },
    filed: c.filedOn!,
    due: c.dueOn!,
    decided,
    how,
    result,
    reasons: given.reasons.map((id) => ({ id, rule: ruleOf(id) })),
    note: given.note,
    basis: how === 'silence' ? [service.definition.silence.source as Rule] : (service.definition.legalBasis as Rule[]),
    turn: turn.state.turn,
    line: turn.line,
    place: turn.state.place,
    until,
  }
  return { record, holder }
}

/** What its official signs: the decision in words, with the digest of its record. */
export function decisionStatement(
  deps: Pick<Deps, 'catalogue' | 'demo' | 'publicUrl'>,
  service: Service,
  official: Pick<Person, 'name' | 'identities'>,
  step: string,
  record: DecisionRecord,
  { language, unique, at }: Ticket,
): string {
  const say = (key: Parameters<typeof text>[1], value: string) => ({ label: text(language, key), value })
  return statementText(language, {
    purpose: 'decide',
    portal: deps.publicUrl,
    demo: deps.demo,
    service: record.service,
    serviceName: service.text(language, 'name'),
    definition: record.definition,
    reference: record.reference,
    step: service.text(language, `steps.${step}`),
    by: [official.name ?? '', ...official.identities.map((i) => i.value)].join(', '),
    rows: [
      say('confirm.number', `${record.line} ${record.place}`),
      say('confirm.person', `${record.person.name}, ${record.person.identity}`),
      say('confirm.result', text(language, record.result === 'granted' ? 'decide.grant' : 'decide.refuse')),
      ...record.reasons.map((r) => say('decide.reasons', service.text(language, `reasons.${r.id}`))),
      ...(record.note ? [say('decide.note', record.note)] : []),
      say('confirm.code', record.code),
    ],
    documents: [],
    content: sha256Hex(canonicalBytes(record)),
    at: new Date(at),
    zone: deps.catalogue.calendarOf(record.office as OfficeId).zone,
    unique,
  })
}

/** Makes the decision's document under the case's key and the institution's seal. `turn` is the one that ends with it. */
export function makeDecision(deps: Pick<Deps, 'catalogue' | 'signing' | 'demo'>, given: Given): Made {
  const { c, turn, vault, how, now } = given
  const { record, holder } = recordOf(deps, given)
  const { code, result, until } = record
  const bytes = canonicalBytes(record)
  const content: PaperContent = {
    v: 1,
    code,
    turn: turn.state.turn,
    reference: c.reference,
    service: c.service,
    definition: c.definition,
    office: c.office,
    person: record.person.name,
    identity: record.person.identity,
    result,
    decided: record.decided,
    until,
    sha256: sha256Hex(bytes),
  }
  const paper = commit(content)
  const about = commit({ case: c.pseudonym, reference: c.reference, result, sha256: content.sha256 })
  const forOthers = deps.signing.sealForOthers(bytes)
  const sealed: SealedDecision = {
    record,
    paper: paper.opening,
    holder,
    seal: deps.signing.seal(bytes, 'decision').seal,
    ...(forOthers ? { sealed: forOthers.toString('base64') } : {}),
    ...(given.signature ? { signature: given.signature } : {}),
  }
  return {
    record,
    paper,
    decided: about,
    row: {
      place: c.place,
      caseId: c.id,
      code,
      turn: turn.state.turn as TurnId,
      how,
      sealed: vault.seal('decision', { ...sealed, about: about.opening }),
      validUntil: until,
      withdrawnOn: null,
      decidedAt: now,
    },
  }
}
