/** Whether a paper is genuine, was issued in turn, and still holds: from its openings and the published log, never from our tables alone. */
import { canonicalBytes } from '#kernel/canonical'
import { type Opening, opens, sha256Hex } from '#kernel/commitment'
import { parseReference, type TurnId } from '#kernel/id'
import { dateIn, type PlainDate } from '#kernel/time'
import { parseEntry, parseProof } from '#publiclog'
import type { SealedDecision } from './decision.ts'
import type { Deps } from './deps.ts'
import * as store from './store.ts'
import type { OpenVault } from './vault.ts'
import {
  committed,
  type HolderContent,
  historyOf,
  noVerdict,
  type Openings,
  type PaperContent,
  type Published,
  type TurnHistory,
  unpackOpenings,
  type Verdict,
  verdictOf,
} from './verdict.ts'

export {
  type Openings,
  type PaperContent,
  type Published,
  packOpenings,
  paperMark,
  type TurnHistory,
  unpackOpenings,
  type Verdict,
} from './verdict.ts'

/** The zone of what belongs to no office that is known. */
const capital = 'America/Mexico_City'

/** Most bytes of a file that is checked. */
export const mostPaperBytes = 2 * 1024 * 1024

/** Judges openings by what the log published of their turn. Pure; never throws on hostile openings. */
export function judge(openings: Openings, history: TurnHistory, today: PlainDate, withdrawn: boolean): Verdict {
  const { holder, paper } = committed(history)
  // What has no canonical JSON (a lone surrogate, a depth without end) opens nothing.
  const holds = (commitment: string | null, opening: Opening | undefined) =>
    commitment !== null && opening !== undefined && (attempt(() => opens(commitment, opening)) ?? false)
  return verdictOf(openings, history, {
    holderOpens: holds(holder, openings.holder),
    paperOpens: holds(paper, openings.paper),
    today,
    withdrawn,
  })
}

export type Checks = ReturnType<typeof openChecks>

/** What anybody may read of a turn: `/api/turns/:turn`. */
export type PublicTurn = {
  readonly turn: string
  /** Today at the office, for the day until which a paper holds. */
  readonly today: PlainDate
  /** The day on which its paper was withdrawn. */
  readonly withdrawnOn: PlainDate | null
  /** Where its line is; null for one that the catalogue does not know. `zone`: the IANA name of its clock. */
  readonly office: string | null
  readonly zone: string
  readonly entries: readonly Published[]
}

/** Opens the checks that anybody may ask for without signing in. */
export function openChecks(deps: Deps) {
  const { db, publiclog, catalogue, clock, vault } = deps

  /** What the log published of a turn: found by our index, believed only from the proof of each entry. */
  async function history(turn: TurnId): Promise<TurnHistory> {
    const all = new Map<number, Published>()
    for (const id of new Set((await store.eventsOfTurn(db, turn)).flatMap((e) => e.entries))) {
      const text = await publiclog.proof(id)
      const proof = text === null ? null : parseProof(text)
      if (!proof?.extra) continue
      const entry = parseEntry(proof.extra)
      if (!('fault' in entry) && 'turn' in entry && entry.turn === turn) all.set(proof.index, { index: proof.index, entry })
    }
    return historyOf([...all.values()])
  }

  /** Today at an office; in the capital for one that is not known. */
  function todayAt(office: string | undefined): PlainDate {
    const known = office === undefined ? null : catalogue.office(office)
    return dateIn(clock.now(), known?.zone ?? capital)
  }

  const withdrawnOn = async (turn: TurnId) =>
    (await store.decisionsOfTurn(db, turn)).find((d) => d.withdrawnOn !== null)?.withdrawnOn ?? null

  /** The receipt of a case: each of its turns must be its own, and its applicant the one who took them. */
  async function receipt(c: store.Case): Promise<Verdict> {
    const turns = await store.turnsOf(db, c)
    const last = turns.find((t) => t.state.state !== 'left' && t.state.state !== 'finished') ?? turns.at(-1)
    if (!last) return noVerdict('no-such-code')
    const found = await history(last.state.turn)
    return db.tx(async (tx) => {
      const open = await vault.use(tx, c, { person: null, office: null, purpose: 'paper' })
      const person = await deps.people.person(tx, c.applicant)
      const holders = ownTurns(open, c, turns, person)
      if (typeof holders === 'string') return { ...noVerdict(holders, 'receipt'), acts: found.all }
      if (found.all.length === 0) return noVerdict('not-published', 'receipt')
      return judge({ v: 1, turn: last.state.turn, holder: holders[turns.indexOf(last)]! }, found, todayAt(c.office), false)
    })
  }

  return {
    history,

    /** What the log published of a turn, for programs; null for a turn that the log does not know. */
    async turn(turn: TurnId): Promise<PublicTurn | null> {
      const { all } = await history(turn)
      const first = all[0]
      if (!first) return null
      const office = first.entry.line.split('/').find((part) => catalogue.office(part) !== null)
      const zone = (office && catalogue.office(office)?.zone) || capital
      return { turn, today: todayAt(office), zone, office: office ?? null, withdrawnOn: await withdrawnOn(turn), entries: all }
    },

    /** Judges a paper that was given whole: its file, the text of its code, or what its code leads to. Keeps nothing. */
    async paper(given: string | Buffer): Promise<Verdict> {
      const text = typeof given === 'string' ? given : given.toString('latin1')
      const openings = unpackOpenings(text)
      if (!openings) return noVerdict('not-readable')
      const turn = openings.turn as TurnId
      const says = openings.paper?.content as unknown as PaperContent | undefined
      const verdict = judge(openings, await history(turn), todayAt(says?.office), (await withdrawnOn(turn)) !== null)
      // A record that travels beside the openings must be the one that was sealed; a receipt's is committed to by its seal alone.
      const record = typeof given === 'string' ? undefined : recordIn(given)
      const isSame =
        says === undefined
          ? ({ bytes, seal, turn: of }: RecordFile) => of === turn && deps.signing.checkSeal(bytes, seal, 'receipt')
          : ({ bytes }: RecordFile) => sha256Hex(bytes) === says.sha256
      const same = !verdict.genuine || record === undefined || (record !== null && isSame(record))
      return same ? verdict : { ...verdict, genuine: false, inTurn: false, valid: 'not-applicable', why: 'record-differs', says: null }
    },

    /** Judges by the short code of a decision or the reference of a receipt: says nothing of what the paper says. */
    async code(typed: string): Promise<Verdict> {
      const code = parseReference(typed)
      if (!code) return noVerdict('no-such-code')
      const row = await store.decisionByCode(db, code)
      if (!row) {
        const c = await store.caseByReference(db, code)
        return c && c.state !== 'draft' ? receipt(c) : noVerdict('no-such-code')
      }
      const found = await history(row.turn)
      const c = await store.caseById(db, row.place, row.caseId)
      if (!c) return noVerdict('record-differs', 'decision')
      const turns = await store.turnsOf(db, c)
      const verdict = await db.tx(async (tx): Promise<Verdict> => {
        const open = await vault.use(tx, c, { person: null, office: null, purpose: 'paper' })
        const sealed = attempt(() => open.open<SealedDecision>('decision', row.sealed))
        if (!sealed) return noVerdict('record-differs', 'decision')
        const { record } = sealed
        const content = sealed.paper.content as unknown as PaperContent
        const bytes = canonicalBytes(record)
        // The row, the record, its seal and the paper's content must all speak of one decision.
        if (
          content.sha256 !== sha256Hex(bytes) ||
          record.code !== code ||
          record.reference !== c.reference ||
          record.turn !== row.turn ||
          !deps.signing.checkSeal(bytes, sealed.seal, 'decision')
        )
          return noVerdict('record-differs', 'decision')
        // Every turn that led here: a case that took another's place at an earlier step was not served in turn either.
        const holders = ownTurns(open, c, turns, await deps.people.person(tx, c.applicant))
        if (typeof holders === 'string') return { ...noVerdict(holders, 'decision'), acts: found.all }
        const openings = { v: 1, turn: row.turn, holder: sealed.holder, paper: sealed.paper } as const
        return judge(openings, found, todayAt(c.office), row.withdrawnOn !== null)
      })
      return { ...verdict, says: null }
    },
  }
}

/**
 * What opens `holder` of each of these turns, when all are this case's own: its key opens them, and they name its service, its filing and its applicant. Else
 * what does not agree: somebody changed what stands behind a turn. `person` is null once they were erased.
 */
export function ownTurns(
  open: OpenVault,
  c: Pick<store.Case, 'service' | 'filing'>,
  turns: readonly store.Turn[],
  person: { readonly identities: readonly { readonly value: string }[] } | null | undefined,
): Opening[] | 'holder-differs' | 'persons-differ' {
  const holders: Opening[] = []
  for (const t of turns) {
    const holder = attempt(() => open.open<Opening>(`holder/${t.state.turn}`, t.opening))
    if (!holder) return 'holder-differs'
    const h = holder.content as unknown as HolderContent
    if (h.service !== c.service || h.filing !== c.filing || (person && !person.identities.some((i) => i.value === h.person)))
      return 'persons-differ'
    holders.push(holder)
  }
  return holders.length > 0 ? holders : 'holder-differs'
}

/** The record of a paper for programs: its canonical bytes, and what is said of it. */
type RecordFile = { readonly bytes: Buffer; readonly seal: string; readonly turn: unknown }

/** The record of an uploaded JSON of a paper; undefined when the file is none, null when its record is not readable. */
function recordIn(file: Buffer): RecordFile | null | undefined {
  if (file[0] !== 0x7b) return undefined
  const all = attempt(() => JSON.parse(file.toString('utf8')) as { record?: { turn?: unknown }; seal?: unknown })
  if (!all?.record) return null
  const bytes = attempt(() => canonicalBytes(all.record))
  return bytes && { bytes, seal: String(all.seal), turn: all.record.turn }
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}
