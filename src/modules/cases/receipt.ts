/** Where a case stands, as its applicant is told: number, place, wait, deadline, history, and the proofs of them. */
import type { CaseId, OfficeId, Reference, ServiceId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { PlainDate } from '#kernel/time'
import type { SignedIn } from '#web'
import { ownTurns, packOpenings } from './check.ts'
import type { SealedDecision } from './decision.ts'
import type { Deps } from './deps.ts'
import { askedPapers, livingTurns, type OpenCase } from './filing.ts'
import { type WaitRange, waitRange } from './line-statistics.ts'
import type { Case, CaseEvent, Turn } from './store.ts'
import * as store from './store.ts'

/** What the applicant's page tells. */
export type Standing = {
  /** The turn that counts now: a living one, else the last. */
  readonly turn: Turn | null
  readonly living: readonly Turn[]
  /** The office of the turn's line: a step may be another agency's than the case. */
  readonly office: OfficeId
  /** The other living turns, where agencies review at the same time. */
  readonly also: readonly { readonly number: number; readonly office: OfficeId }[]
  /** The numbers of the turns that are over, oldest first: each step of a desk takes its own. */
  readonly earlier: readonly number[]
  /** Desks on duty in the turn's line. */
  readonly desks: number
  /** Who is called goes there in person. */
  readonly presence: boolean
  readonly ahead: number | null
  readonly wait: WaitRange | null
  readonly events: readonly CaseEvent[]
  readonly messages: readonly { readonly at: Date; readonly author: string; readonly text: string }[]
  readonly request: {
    readonly papers: readonly string[]
    readonly why: Readonly<Record<string, string>>
    readonly note: string
    /** Only what was attached after it answers it. */
    readonly at: Date
  } | null
  readonly decision: (SealedDecision & { readonly code: string; readonly openings: string; readonly withdrawnOn: PlainDate | null }) | null
  /** A decision is stored that is not this case's: somebody changed it past the engine. `decision` is null then. */
  readonly decisionDiffers: boolean
  /** The holder's opening for the receipt's QR; null when a turn of the case is not its own: then somebody changed who stands behind the turn. */
  readonly receipt: {
    readonly openings: string
    /** The printed secret; null until a job has made it, and where it is not for this reader. */
    readonly secret: string | null
    /** A clerk reads, and the person has a way in of their own: the secret opens all that is theirs, not this case alone. */
    readonly secretWithheld: boolean
  } | null
  /** Index of the turn's first entry in the public log, once published. */
  readonly published: bigint | null
  readonly head: { readonly size: bigint; readonly short: string }
}

export type Receipts = ReturnType<typeof openReceipts>

/** Opens what the applicant's pages read. */
export function openReceipts(deps: Deps) {
  const { db, publiclog } = deps

  async function request(o: OpenCase): Promise<Standing['request']> {
    const asked = await askedPapers(db, o.c)
    if (!asked) return null
    const event = (await store.eventsOf(db, o.c)).findLast((e) => e.kind === 'papers-asked')!
    const note = event.sealed && event.turn ? o.vault.open<{ text: string }>(`note/${event.turn}`, event.sealed).text : ''
    return { papers: asked.papers, why: (event.data.why ?? {}) as Record<string, string>, note, at: asked.at }
  }

  /** Whether this reader may print the secret: the person, or the clerk before whom they stand without a contact or a case from elsewhere. */
  async function mayPrint(visitor: SignedIn, c: Case): Promise<boolean> {
    if (c.applicant === visitor.person) return true
    const person = await deps.people.person(db, c.applicant)
    return person?.email === null && (await store.casesOf(db, c.applicant)).every((other) => other.takenBy === visitor.person)
  }

  return {
    request,

    /** Where the case stands. `o` was opened by this visitor, so the use is recorded already. A clerk reads neither messages nor a decision. */
    async standing(visitor: SignedIn, o: OpenCase): Promise<Standing> {
      const { c, vault } = o
      const own = c.applicant === visitor.person
      const turns = await store.turnsOf(db, c)
      const living = turns.filter((t) => t.state.state !== 'left' && t.state.state !== 'finished')
      const turn = living[0] ?? turns.at(-1) ?? null
      const events = await store.eventsOf(db, c)
      const ahead = turn?.state.state === 'waiting' ? await store.aheadOf(db, turn) : null
      const line = turn && (await store.lineAt(db, turn.place, turn.line))
      const desks = line?.desks ?? 0
      const also = await Promise.all(
        living
          .slice(1)
          .map(async (t) => ({ number: t.state.place, office: (await store.lineAt(db, t.place, t.line))?.office ?? c.office })),
      )
      const wait = turn && ahead !== null ? waitRange(ahead, desks, await store.serviceMinutes(db, turn.place, turn.line)) : null
      const row = own ? await store.decisionOf(db, c) : undefined
      const sealed = row ? opened(() => vault.open<SealedDecision>('decision', row.sealed)) : null
      const decided =
        row && sealed?.record.turn === row.turn && sealed.record.code === row.code && sealed.record.reference === c.reference
          ? sealed
          : null
      const first = events.find((e) => e.kind === 'submitted')
      const entry = first?.entries[1] ?? first?.entries[0]
      const holders = ownTurns(vault, c, turns, await deps.people.person(db, c.applicant))
      const printable = await mayPrint(visitor, c)
      const holder = typeof holders === 'string' || !turn ? null : holders[turns.indexOf(turn)]!
      return {
        turn,
        living,
        office: line?.office ?? c.office,
        also,
        earlier: turns.filter((t) => t !== turn && !living.includes(t)).map((t) => t.state.place),
        desks,
        presence: line?.presence ?? false,
        ahead,
        wait,
        events,
        messages: (own ? await store.messagesOf(db, c) : []).map((m) => ({
          at: m.at,
          author: m.author,
          text: vault.open<{ text: string }>(`message/${m.id}`, m.sealed).text,
        })),
        request: c.state === 'asked' ? await request(o) : null,
        decision:
          row && decided
            ? {
                ...decided,
                code: row.code,
                openings: packOpenings({ v: 1, turn: row.turn, holder: decided.holder, paper: decided.paper }),
                withdrawnOn: row.withdrawnOn,
              }
            : null,
        decisionDiffers: row !== undefined && decided === null,
        receipt:
          turn && holder
            ? {
                openings: packOpenings({ v: 1, turn: turn.state.turn, holder }),
                secret: c.receipt && printable ? vault.open<string>('receipt', c.receipt) : null,
                secretWithheld: !printable,
              }
            : null,
        published: entry === undefined ? null : await publiclog.place(entry),
        head: await publiclog.head(),
      }
    },

    /** The proof of the case's turn: `tlog-proof` once published, until then the log's signed promise. Null before it was filed. */
    async proof(o: Pick<OpenCase, 'c'>): Promise<{ text: string; kind: 'proof' | 'promise' } | null> {
      const first = (await store.eventsOf(db, o.c)).find((e) => e.kind === 'submitted')
      const id = first?.entries[1] ?? first?.entries[0]
      if (id === undefined) return null
      // The proof kept when the entry was published; one made now says the same against a newer checkpoint.
      const proof = (await store.keptProof(db, o.c, 'filing')) ?? (await publiclog.proof(id))
      if (proof !== null) return { text: proof, kind: 'proof' }
      const promise = await publiclog.promise(id)
      return promise === null ? null : { text: promise, kind: 'promise' }
    },

    /** The visitor's cases, newest first, unopened. */
    async mine(visitor: SignedIn): Promise<{ c: Case; turn: Turn | null; ahead: number | null }[]> {
      const all: { c: Case; turn: Turn | null; ahead: number | null }[] = []
      for (const c of await store.casesOf(db, visitor.person)) {
        const turns = c.state === 'draft' ? [] : await store.turnsOf(db, c)
        const turn = turns.find((t) => t.state.state !== 'left' && t.state.state !== 'finished') ?? turns.at(-1) ?? null
        all.push({ c, turn, ahead: turn?.state.state === 'waiting' ? await store.aheadOf(db, turn) : null })
      }
      return all
    },

    /** The visitor's own case that is over, by what names it here. Refuses `not-found` for another's, for one that does not exist, and for one that is not over. */
    async over(
      visitor: SignedIn,
      reference: Reference,
    ): Promise<{ readonly place: string; readonly id: CaseId; readonly service: ServiceId }> {
      const c = await store.caseByReference(db, reference)
      if (c?.applicant !== visitor.person || !(c.state === 'decided' || c.state === 'lapsed'))
        throw new Problem('not-found', 'There is no such case that is over.')
      return { place: c.place, id: c.id, service: c.service }
    },

    livingTurns,
  }
}

function opened<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}
