/** The receipt as a document: what it says, and how it is sealed. */
import { canonicalBytes } from '#kernel/canonical'
import { sha256Hex } from '#kernel/commitment'
import type { PlainDate } from '#kernel/time'
import { paperMark, unpackOpenings } from './check.ts'
import type { Deps } from './deps.ts'
import type { OpenCase } from './filing.ts'
import type { ReceiptStanding } from './receipt.ts'

/** What a receipt says, at the instant it is made. Its canonical JSON is the document's content; the PDF is a rendering of it. */
export type ReceiptRecord = {
  readonly v: 1
  readonly kind: 'receipt'
  /** The address of the portal that took the filing. */
  readonly portal: string
  readonly demo: boolean
  readonly reference: string
  readonly service: string
  readonly definition: string
  readonly office: string
  readonly person: string
  /** Instants, in UTC. */
  readonly filed: string | null
  readonly made: string
  /** The last day for an answer, and what silence means then. */
  readonly due: PlainDate
  readonly silence: 'affirmative' | 'negative'
  /** The last day for papers that were asked for; null where none are awaited. */
  readonly answerBy: PlainDate | null
  readonly turn: string
  readonly line: string
  readonly place: number
  readonly state: string
  /** The files that were handed in, by the paper of the closed list that each is. */
  readonly papers: readonly { readonly paper: string; readonly sha256: string }[]
  /** What the public log signed of the turn. */
  readonly proof: { readonly kind: 'proof' | 'promise'; readonly text: string } | null
}

/** What the receipt of an opened case says now. */
export function receiptRecord(
  deps: Pick<Deps, 'clock' | 'demo' | 'publicUrl'>,
  { c, service, files }: OpenCase,
  s: ReceiptStanding,
  proof: ReceiptRecord['proof'],
): ReceiptRecord {
  return {
    v: 1,
    kind: 'receipt',
    portal: deps.publicUrl,
    demo: deps.demo,
    reference: c.reference,
    service: c.service,
    definition: c.definition,
    office: s.office,
    person: s.name,
    filed: c.submittedAt?.toISOString() ?? null,
    made: deps.clock.now().toISOString(),
    due: c.dueOn!,
    silence: service.definition.silence.means,
    answerBy: c.state === 'asked' ? c.answerBy : null,
    turn: s.turn.state.turn,
    line: s.turn.line,
    place: s.turn.state.place,
    state: s.turn.state.state,
    papers: files.map(({ paper, sha256 }) => ({ paper, sha256 })),
    proof,
  }
}

/** A receipt for programs: its record, the seals over the record's canonical bytes, and what opens the log's commitment. `openings` as the code bears them. */
export function sealReceipt(
  deps: Pick<Deps, 'signing'>,
  record: ReceiptRecord,
  openings: string,
): { readonly bytes: Buffer; readonly seal: string; readonly digest: string } {
  const content = canonicalBytes(record)
  const { seal } = deps.signing.seal(content, 'receipt')
  const forOthers = deps.signing.sealForOthers(content)
  const opened = unpackOpenings(openings)!
  const sealed = forOthers ? { sealed: forOthers.toString('base64') } : {}
  return {
    bytes: canonicalBytes({ record, seal, ...sealed, openings: opened, mark: paperMark(opened) }),
    seal,
    digest: sha256Hex(content),
  }
}
