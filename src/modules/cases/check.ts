/** Whether a paper is genuine, was issued in turn, and still holds: from its openings and the published log, never from our tables alone. */
import { canonicalBytes } from '#kernel/canonical'
import { type Opening, opens, sha256Hex } from '#kernel/commitment'
import { parseReference, type TurnId } from '#kernel/id'
import { dateIn, type PlainDate } from '#kernel/time'
import { type LineEntry, parseEntry, parseProof } from '#publiclog'
import type { PaperContent, SealedDecision } from './decision.ts'
import type { Deps } from './deps.ts'
import * as store from './store.ts'

/** What travels with a paper: in the fragment of its QR, or inside its file. `paper` is absent on a receipt. */
export type Openings = { readonly v: 1; readonly holder: Opening; readonly paper?: Opening; readonly turn: string }

/** What the log says of a turn, as published. */
export type TurnHistory = {
  readonly taken: Published | null
  readonly called: Published | null
  readonly finished: Published | null
  readonly all: readonly Published[]
}
export type Published = { readonly index: number; readonly entry: LineEntry }

/** The answer people get. `says` repeats what the paper says, and only when the paper itself was given. */
export type Verdict = {
  readonly kind: 'decision' | 'receipt' | 'unknown'
  /** The paper's openings open what the log committed to. */
  readonly genuine: boolean
  /** Its turn was taken, called (or ended by silence) and finished with this paper. */
  readonly inTurn: boolean
  readonly valid: 'valid' | 'expired' | 'withdrawn' | 'refused' | 'not-applicable'
  /** Why it is not genuine or not in turn: a word with a text. */
  readonly why:
    | 'ok'
    | 'no-such-turn'
    | 'not-published'
    | 'holder-differs'
    | 'paper-differs'
    | 'persons-differ'
    | 'not-finished'
    | 'record-differs'
    | 'not-readable'
    | 'no-such-code'
  readonly takenAt: string | null
  readonly calledAt: string | null
  readonly finishedAt: string | null
  readonly says: PaperContent | null
}

const nothing = { takenAt: null, calledAt: null, finishedAt: null, says: null } as const

const mark = /ventanilla-paper:([A-Za-z0-9_-]{100,8000});/

/** Openings as they stand in a QR's fragment or a file. */
export function packOpenings(openings: Openings): string {
  return Buffer.from(JSON.stringify(openings)).toString('base64url')
}

/** The mark that a paper's file carries, so that the file alone can be checked. */
export function paperMark(openings: Openings): string {
  return `ventanilla-paper:${packOpenings(openings)};`
}

/** Openings from a fragment, or from any file that carries the mark; null when there are none. Never throws on hostile input. */
export function unpackOpenings(given: string | Buffer): Openings | null {
  const text = typeof given === 'string' ? given.trim() : given.toString('latin1')
  const packed = mark.exec(text)?.[1] ?? (text.length < 9000 && /^[A-Za-z0-9_-]{100,}$/.test(text) ? text : null)
  if (packed === null) return null
  try {
    const o = JSON.parse(Buffer.from(packed, 'base64url').toString('utf8')) as Partial<Openings>
    const opening = (x: unknown): x is Opening =>
      typeof x === 'object' &&
      x !== null &&
      typeof (x as Opening).key === 'string' &&
      typeof (x as Opening).content === 'object' &&
      (x as Opening).content !== null
    if (
      o.v !== 1 ||
      typeof o.turn !== 'string' ||
      !/^[\w-]{22}$/.test(o.turn) ||
      !opening(o.holder) ||
      (o.paper !== undefined && !opening(o.paper))
    )
      return null
    return { v: 1, turn: o.turn, holder: o.holder, ...(o.paper ? { paper: o.paper } : {}) }
  } catch {
    return null
  }
}

/** Judges openings by what the log published of their turn. Pure. */
export function judge(openings: Openings, history: TurnHistory, today: PlainDate, withdrawn: boolean): Verdict {
  const { taken, called, finished } = history
  const kind = openings.paper ? 'decision' : 'receipt'
  const times = { takenAt: taken?.entry.at ?? null, calledAt: called?.entry.at ?? null, finishedAt: finished?.entry.at ?? null }
  const not = (why: Verdict['why'], genuine = false): Verdict => ({
    kind,
    genuine,
    inTurn: false,
    valid: 'not-applicable',
    why,
    ...times,
    says: null,
  })
  if (taken?.entry.type !== 'turn.taken') return not('no-such-turn')
  if (!opens(taken.entry.holder, openings.holder)) return not('holder-differs')
  if (!openings.paper) return { kind, genuine: true, inTurn: true, valid: 'not-applicable', why: 'ok', ...times, says: null }

  const says = openings.paper.content as unknown as PaperContent
  const holder = openings.holder.content as { person?: unknown; service?: unknown; definition?: unknown }
  if (finished?.entry.type !== 'turn.finished') return not('not-finished')
  if (finished.entry.paper === null || !opens(finished.entry.paper, openings.paper) || says.turn !== openings.turn)
    return not('paper-differs')
  // The person, the service and its version who stood in line must be those who got the paper: else two cases were swapped behind their turns.
  if (holder.person !== says.identity || holder.service !== says.service || holder.definition !== says.definition)
    return not('persons-differ', true)
  if (!called && finished.entry.outcome !== 'silence') return not('not-finished', true)
  const valid = withdrawn
    ? 'withdrawn'
    : says.result === 'refused'
      ? 'refused'
      : says.until !== null && today > says.until
        ? 'expired'
        : 'valid'
  return { kind, genuine: true, inTurn: true, valid, why: 'ok', ...times, says }
}

export type Checks = ReturnType<typeof openChecks>

/** Opens the checks that anybody may ask for without signing in. */
export function openChecks(deps: Deps) {
  const { db, publiclog, catalogue, clock, vault } = deps

  /** What the log published of a turn: found by our index, believed only from the proof of each entry. */
  async function history(turn: TurnId): Promise<TurnHistory> {
    const all: Published[] = []
    for (const e of await store.eventsOfTurn(db, turn)) {
      for (const id of e.entries) {
        const text = await publiclog.proof(id)
        const proof = text === null ? null : parseProof(text)
        if (!proof?.extra) continue
        const entry = parseEntry(proof.extra)
        if ('fault' in entry || !('turn' in entry) || entry.turn !== turn) continue
        if (!all.some((p) => p.index === proof.index)) all.push({ index: proof.index, entry })
      }
    }
    all.sort((a, b) => a.index - b.index)
    const last = (type: LineEntry['type']) => all.findLast((p) => p.entry.type === type) ?? null
    return { taken: last('turn.taken'), called: last('turn.called'), finished: last('turn.finished'), all }
  }

  const todayAt = (office: string) =>
    dateIn(clock.now(), catalogue.office(office as never) ? catalogue.calendarOf(office as never).zone : 'America/Mexico_City')

  return {
    history,

    /** Judges a paper that was given whole: by file, or by the fragment's content typed in. */
    async paper(given: string | Buffer): Promise<Verdict> {
      const openings = unpackOpenings(given)
      if (!openings) return { kind: 'unknown', genuine: false, inTurn: false, valid: 'not-applicable', why: 'not-readable', ...nothing }
      const says = openings.paper?.content as unknown as PaperContent | undefined
      const row = says && typeof says.code === 'string' ? await store.decisionByCode(db, says.code) : undefined
      return judge(openings, await history(openings.turn as TurnId), todayAt(says?.office ?? ''), row?.withdrawnOn != null)
    },

    /** Judges by the short code of a decision or the reference of a receipt: says nothing of what the paper says. */
    async code(typed: string): Promise<Verdict> {
      const unknown: Verdict = { kind: 'unknown', genuine: false, inTurn: false, valid: 'not-applicable', why: 'no-such-code', ...nothing }
      const code = parseReference(typed)
      if (!code) return unknown
      const row = await store.decisionByCode(db, code)
      if (!row) {
        const c = await store.caseByReference(db, code)
        const [turn] = c && c.state !== 'draft' ? await store.turnsOf(db, c) : []
        if (!c || !turn) return unknown
        return db.tx(async (tx) => {
          const open = await vault.use(tx, c, { person: null, office: null, purpose: 'paper' })
          const holder = attempt(() => open.open<Opening>(`holder/${turn.state.turn}`, turn.opening))
          const found = await history(turn.state.turn)
          if (!holder) return { ...unknown, kind: 'receipt' as const, why: 'holder-differs' as const }
          if (found.all.length === 0) return { ...unknown, kind: 'receipt' as const, why: 'not-published' as const }
          const verdict = judge({ v: 1, turn: turn.state.turn, holder }, found, todayAt(c.office), false)
          const content = holder.content as { service?: unknown; filing?: unknown }
          return content.service === c.service && content.filing === c.filing
            ? verdict
            : { ...verdict, genuine: false, inTurn: false, why: 'persons-differ' as const }
        })
      }
      const verdict = await db.tx(async (tx): Promise<Verdict> => {
        const c = (await store.caseById(tx, row.place, row.caseId))!
        const open = await vault.use(tx, c, { person: null, office: null, purpose: 'paper' })
        const sealed = attempt(() => open.open<SealedDecision>('decision', row.sealed))
        if (!sealed) return { ...unknown, kind: 'decision', why: 'record-differs' }
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
          return { ...unknown, kind: 'decision', why: 'record-differs' }
        return judge(
          { v: 1, turn: row.turn, holder: sealed.holder, paper: sealed.paper },
          await history(row.turn),
          todayAt(c.office),
          row.withdrawnOn !== null,
        )
      })
      return { ...verdict, says: null }
    },
  }
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}
