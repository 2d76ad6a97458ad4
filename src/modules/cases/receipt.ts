/** Where a case stands, as its applicant is told: number, place, wait, deadline, history, and the proofs of them. */

import type { Tx } from '#db'
import type { CaseId, OfficeId, Reference, ServiceId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { PlainDate } from '#kernel/time'
import { covers } from '#mandates'
import type { PublishedHead } from '#publiclog'
import type { SignedIn } from '#web'
import { ownTurns, packOpenings } from './check.ts'
import type { SealedDecision } from './decision.ts'
import type { Deps } from './deps.ts'
import { type Filings, type Held, livingTurns, type OpenCase } from './filing.ts'
import { type WaitRange, waitRange } from './line-statistics.ts'
import type { Case, CaseEvent, Turn } from './store.ts'
import * as store from './store.ts'

/** What the applicant's page tells. */
export type Standing = {
  /** The applicant's name; empty once they were erased. */
  readonly name: string
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

/** Where a case with a turn of its own stands: what has a receipt. */
export type ReceiptStanding = Standing & { readonly turn: Turn; readonly receipt: NonNullable<Standing['receipt']> }

/** One of a person's cases, unopened: the turn that counts now, and how many are before it. `actingFor`: whose it is, where it is another's. */
export type Mine = { readonly c: Case; readonly actingFor: string | null; readonly turn: Turn | null; readonly ahead: number | null }

/** An opened case and where it stands. */
export type Read = { readonly o: OpenCase; readonly s: Standing }

export type Receipts = ReturnType<typeof openReceipts>

/** The entry of the log that says when a case was filed: of the turn it took, or of the case where it took none. */
function filingEntry(events: readonly CaseEvent[]): CaseEvent['entries'][number] | undefined {
  const entries = events.find((e) => e.kind === 'submitted')?.entries
  return entries?.[1] ?? entries?.[0]
}

const isOver = (t: Turn) => t.state.state === 'left' || t.state.state === 'finished'

/** Opens what the applicant's pages read. */
export function openReceipts(deps: Deps, filings: Pick<Filings, 'readWith'>) {
  const { db, people, publiclog } = deps

  /** What the database holds about where a case stands, in two rounds: what hangs on the case, then what hangs on its turns. A clerk reads neither messages nor a decision. */
  async function factsOf(tx: Tx, visitor: SignedIn, { c, as }: Held) {
    const own = as !== 'counter'
    const [turns, events, person, row, messages, others] = await Promise.all([
      store.turnsOf(tx, c),
      store.eventsOf(tx, c),
      people.person(tx, c.applicant),
      own ? store.decisionOf(tx, c) : undefined,
      own ? store.messagesOf(tx, c) : [],
      own ? [] : store.casesOf(tx, c.applicant),
    ])
    const living = turns.filter((t) => !isOver(t))
    const turn = living[0] ?? turns.at(-1) ?? null
    const entry = filingEntry(events)
    const [ahead, minutes, published, ...lines] = await Promise.all([
      turn?.state.state === 'waiting' ? store.aheadOf(tx, turn) : null,
      turn?.state.state === 'waiting' ? store.serviceMinutes(tx, turn.place, turn.line) : [],
      entry === undefined ? null : publiclog.place(entry, tx),
      ...(turn ? [turn, ...living.slice(1)] : []).map((t) => store.lineAt(tx, t.place, t.line)),
    ])
    // The person, or the clerk before whom they stand without a contact or a case from elsewhere: the secret opens all that is theirs.
    const printable =
      as === 'applicant' ||
      (as === 'counter' && person?.email === null && person.phone === null && others.every((other) => other.takenBy === visitor.person))
    return { turns, living, turn, events, person, row, messages, ahead, minutes, published, lines, printable }
  }

  function request({ c, vault }: OpenCase, events: readonly CaseEvent[]): Standing['request'] {
    const asked = c.state === 'asked' ? events.findLast((e) => e.kind === 'papers-asked') : undefined
    if (!asked) return null
    const note = asked.sealed && asked.turn ? vault.open<{ text: string }>(`note/${asked.turn}`, asked.sealed).text : ''
    return { papers: asked.data.papers as string[], why: (asked.data.why ?? {}) as Record<string, string>, note, at: asked.at }
  }

  function standing(o: OpenCase, facts: Awaited<ReturnType<typeof factsOf>>, head: PublishedHead): Standing {
    const { c, vault } = o
    const { turns, living, turn, events, row, ahead, lines, printable } = facts
    const [line, ...others] = lines
    const desks = line?.desks ?? 0
    const sealed = row ? opened(() => vault.open<SealedDecision>('decision', row.sealed)) : null
    const decided =
      row && sealed?.record.turn === row.turn && sealed.record.code === row.code && sealed.record.reference === c.reference ? sealed : null
    const holders = ownTurns(vault, c, turns, facts.person)
    const holder = typeof holders === 'string' || !turn ? null : holders[turns.indexOf(turn)]!
    return {
      name: facts.person?.name ?? '',
      turn,
      living,
      office: line?.office ?? c.office,
      also: living.slice(1).map((t, i) => ({ number: t.state.place, office: others[i]?.office ?? c.office })),
      earlier: turns.filter((t) => t !== turn && !living.includes(t)).map((t) => t.state.place),
      desks,
      presence: line?.presence ?? false,
      ahead,
      wait: ahead === null ? null : waitRange(ahead, desks, facts.minutes),
      events,
      messages: facts.messages.map((m) => ({
        at: m.at,
        author: m.author,
        text: vault.open<{ text: string }>(`message/${m.id}`, m.sealed).text,
      })),
      request: request(o, events),
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
      published: facts.published,
      head,
    }
  }

  return {
    /** The visitor's case, opened, and where it stands, read in one transaction with the record of the use. Refuses with `not-found`. */
    async read(visitor: SignedIn, reference: Reference): Promise<Read> {
      const [{ o, more }, head] = await Promise.all([
        filings.readWith(visitor, reference, (tx, h) => factsOf(tx, visitor, h)),
        publiclog.head(),
      ])
      return { o, s: standing(o, more, head) }
    },

    /** What the office asked for, of a case that was opened; null where nothing is awaited. */
    request: async (o: OpenCase): Promise<Standing['request']> =>
      o.c.state === 'asked' ? request(o, await store.eventsOf(db, o.c)) : null,

    /** The proof of the case's turn: `tlog-proof` once published, until then the log's signed promise. Null before it was filed. */
    async proof(o: Pick<OpenCase, 'c'>): Promise<{ text: string; kind: 'proof' | 'promise' } | null> {
      const id = filingEntry(await store.eventsOf(db, o.c))
      if (id === undefined) return null
      // The proof kept when the entry was published; one made now says the same against a newer checkpoint.
      const proof = (await store.keptProof(db, o.c, 'filing')) ?? (await publiclog.proof(id))
      if (proof !== null) return { text: proof, kind: 'proof' }
      const promise = await publiclog.promise(id)
      return promise === null ? null : { text: promise, kind: 'promise' }
    },

    /** The visitor's cases and those of whom they act for, newest first, unopened. */
    mine: (visitor: SignedIn): Promise<Mine[]> =>
      db.tx(async (tx) => {
        const [own, acting] = await Promise.all([store.casesOf(tx, visitor.person), deps.mandates.acting(tx, visitor.person)])
        const byPrincipal = new Map(acting.map((a) => [a.principal, a.name]))
        const others = await Promise.all(
          [...byPrincipal.keys()].map(async (principal) =>
            (await store.casesOf(tx, principal)).filter((c) =>
              acting.some(
                (a) => a.principal === principal && covers(a.services, c.service) && (a.kind !== 'helper' || a.oneCase === c.reference),
              ),
            ),
          ),
        )
        const cases = [...own, ...others.flat()].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
        const turnsOf = await store.turnsOfCases(
          tx,
          cases.filter((c) => c.state !== 'draft'),
        )
        return Promise.all(
          cases.map(async (c): Promise<Mine> => {
            const turns = turnsOf.get(c.id) ?? []
            const turn = turns.find((t) => !isOver(t)) ?? turns.at(-1) ?? null
            const actingFor = c.applicant === visitor.person ? null : (byPrincipal.get(c.applicant) ?? '')
            return { c, actingFor, turn, ahead: turn?.state.state === 'waiting' ? await store.aheadOf(tx, turn) : null }
          }),
        )
      }),

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

    /** How cases stand, by reference: what the register of helpers counts. */
    standings: (references: readonly Reference[]) => store.standingsOf(db, references),

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
