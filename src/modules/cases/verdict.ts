/**
 * What a paper's openings and the published log say together. No clock, no SQL, no key, nothing of Node: the same lines judge at the server and in the
 * browser that scanned a code, where the openings never leave the telephone.
 */
import type { Opening } from '#kernel/commitment'
import type { PlainDate } from '#kernel/time'
import type { LineEntry } from '#publiclog'

/** What a turn's `holder` commits to. */
export type HolderContent = {
  readonly person: string
  readonly service: string
  readonly definition: string
  readonly filing: string | null
}

/** What a paper says in short, and what the log's `paper` commits to: enough to be checked against the paper by eye. */
export type PaperContent = {
  readonly v: 1
  readonly code: string
  readonly turn: string
  readonly reference: string
  readonly service: string
  readonly definition: string
  readonly office: string
  readonly person: string
  readonly identity: string
  readonly result: 'granted' | 'refused'
  readonly decided: PlainDate
  /** The last day on which it holds; null: for ever, or for one use. */
  readonly until: PlainDate | null
  /** SHA-256 of the record's canonical bytes, hex. */
  readonly sha256: string
}

/** What travels with a paper: in the fragment of its QR, or inside its file. `paper` is absent on a receipt. */
export type Openings = { readonly v: 1; readonly holder: Opening; readonly paper?: Opening; readonly turn: string }

export type Published = { readonly index: number; readonly entry: LineEntry }

/** What the log says of a turn, as published, in the log's order. */
export type TurnHistory = {
  readonly taken: Published | null
  readonly called: Published | null
  readonly finished: Published | null
  readonly all: readonly Published[]
}

/** Every reason of a verdict; each has a sentence and what to do. */
export const whys = [
  'ok',
  'no-such-turn',
  'not-published',
  'holder-differs',
  'paper-differs',
  'persons-differ',
  'not-finished',
  'record-differs',
  'not-readable',
  'no-such-code',
] as const
export const validities = ['valid', 'expired', 'withdrawn', 'refused', 'not-applicable'] as const

/** The answer people get. `says` repeats what the paper says, and only when the paper itself was given. */
export type Verdict = {
  readonly kind: 'decision' | 'receipt' | 'unknown'
  /** The paper's openings open what the log committed to. */
  readonly genuine: boolean
  /** Its turn was taken, called (or ended by silence) and finished with this paper. A receipt's turn was taken. */
  readonly inTurn: boolean
  readonly valid: (typeof validities)[number]
  /** Why it is not genuine or not in turn: a word with a text. */
  readonly why: (typeof whys)[number]
  readonly takenAt: string | null
  readonly calledAt: string | null
  readonly finishedAt: string | null
  readonly says: PaperContent | null
  /** The acts on the turn, as published: public, without a person. */
  readonly acts: readonly Published[]
}

/** A verdict on something that has no openings to judge. */
export function noVerdict(why: Verdict['why'], kind: Verdict['kind'] = 'unknown'): Verdict {
  return {
    kind,
    genuine: false,
    inTurn: false,
    valid: 'not-applicable',
    why,
    takenAt: null,
    calledAt: null,
    finishedAt: null,
    says: null,
    acts: [],
  }
}

/** A turn's published entries as its history. */
export function historyOf(entries: readonly Published[]): TurnHistory {
  const all = entries.toSorted((a, b) => a.index - b.index)
  const last = (type: LineEntry['type']) => all.findLast((p) => p.entry.type === type) ?? null
  // The first: a turn is taken once, and a second entry of that name must not stand for it.
  return {
    taken: all.find((p) => p.entry.type === 'turn.taken') ?? null,
    called: last('turn.called'),
    finished: last('turn.finished'),
    all,
  }
}

/** What the log committed to: who holds the turn, and the paper it ended with. */
export function committed({ taken, finished }: TurnHistory): { holder: string | null; paper: string | null } {
  return {
    holder: taken?.entry.type === 'turn.taken' ? taken.entry.holder : null,
    paper: finished?.entry.type === 'turn.finished' ? finished.entry.paper : null,
  }
}

/** What a verdict needs beside openings and history: whether each opening opens what was committed, the day at the office, and whether the paper was withdrawn. */
export type Facts = { readonly holderOpens: boolean; readonly paperOpens: boolean; readonly today: PlainDate; readonly withdrawn: boolean }

/** The verdict. */
export function verdictOf(openings: Openings, history: TurnHistory, facts: Facts): Verdict {
  const { taken, called, finished } = history
  const kind = openings.paper ? 'decision' : 'receipt'
  const times = {
    takenAt: taken?.entry.at ?? null,
    calledAt: called?.entry.at ?? null,
    finishedAt: finished?.entry.at ?? null,
    acts: history.all,
  }
  const not = (why: Verdict['why'], genuine = false): Verdict => ({
    kind,
    genuine,
    inTurn: false,
    valid: 'not-applicable',
    why,
    ...times,
    says: null,
  })
  if (taken === null) return not('no-such-turn')
  if (!facts.holderOpens) return not('holder-differs')
  if (!openings.paper) return { kind, genuine: true, inTurn: true, valid: 'not-applicable', why: 'ok', ...times, says: null }

  const says = openings.paper.content as unknown as PaperContent
  const holder = openings.holder.content as unknown as HolderContent
  if (finished?.entry.type !== 'turn.finished') return not('not-finished')
  if (!facts.paperOpens || says.turn !== openings.turn) return not('paper-differs')
  // The person, the service and its version who stood in line must be those who got the paper: else two cases were swapped behind their turns.
  if (holder.person !== says.identity || holder.service !== says.service || holder.definition !== says.definition)
    return not('persons-differ', true)
  const served = called !== null && taken.index < called.index && called.index < finished.index
  if (!served && finished.entry.outcome !== 'silence') return not('not-finished', true)
  const valid = facts.withdrawn
    ? 'withdrawn'
    : says.result === 'refused'
      ? 'refused'
      : says.until !== null && facts.today > says.until
        ? 'expired'
        : 'valid'
  return { kind, genuine: true, inTurn: true, valid, why: 'ok', ...times, says }
}

/*
 * Packing, version 1. A code on paper is scanned the better the fewer bytes it has, so contents travel as a list of fields, and what a paper repeats of its
 * holder travels once. Packed openings are base64url (RFC 4648, no padding) of UTF-8 lines parted by U+000A:
 *
 *   receipt    1, turn, holder key, person, service, definition, filing
 *   decision   the same, then: paper key, code, reference, office, name, result, decided, until, sha256, and, each empty where it is the holder's:
 *              identity, service, definition, turn
 *
 * A key is base64url of its 32 bytes; `definition` and `sha256`, hex in the content, travel as base64url of their bytes; an empty `filing` or `until` is
 * null. Unpacking builds the exact contents again. A paper that is none of ours does not unpack.
 */

const base64url = /^[A-Za-z0-9_-]+$/
const key256 = /^[A-Za-z0-9_-]{43}$/
const date = /^\d{4}-\d{2}-\d{2}$/

const toBase64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const fromBase64url = (text: string) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
const packHex = (hex: string) => toBase64url(Uint8Array.from(hex.match(/../g) ?? [], (b) => Number.parseInt(b, 16)))
const unpackHex = (packed: string) => {
  if (!key256.test(packed)) throw new RangeError()
  return Array.from(fromBase64url(packed), (b) => b.toString(16).padStart(2, '0')).join('')
}

/** Openings as they stand in a QR's fragment or a file: base64url of at most 2,000 characters. */
export function packOpenings({ turn, holder, paper }: Openings): string {
  const h = holder.content as unknown as HolderContent
  const fields = ['1', turn, holder.key, h.person, h.service, packHex(h.definition), h.filing ?? '']
  if (paper) {
    const p = paper.content as unknown as PaperContent
    const own = (value: string, same: string) => (value === same ? '' : value)
    fields.push(paper.key, p.code, p.reference, p.office, p.person, p.result, p.decided, p.until ?? '', packHex(p.sha256))
    fields.push(
      own(p.identity, h.person),
      own(p.service, h.service),
      p.definition === h.definition ? '' : packHex(p.definition),
      own(p.turn, turn),
    )
  }
  return toBase64url(new TextEncoder().encode(fields.join('\n')))
}

/** The openings that `packOpenings` packed; null for anything else. Never throws. */
function unpack(packed: string): Openings | null {
  if (packed.length > 2000 || !base64url.test(packed)) return null
  try {
    const f = new TextDecoder('utf-8', { fatal: true }).decode(fromBase64url(packed)).split('\n')
    const [v, turn, key, person, service, definition, filing] = f as [string, string, string, string, string, string, string]
    if (v !== '1' || (f.length !== 7 && f.length !== 20) || !/^[A-Za-z0-9_-]{22}$/.test(turn) || !key256.test(key)) return null
    const holder = { key, content: { person, service, definition: unpackHex(definition), filing: filing || null } }
    if (f.length === 7) return { v: 1, turn, holder }
    const [paperKey, code, reference, office, name, result, decided, until, sha256, identity, of, version, other] = f.slice(7) as string[]
    if (!key256.test(paperKey!) || !/^(granted|refused)$/.test(result!) || !date.test(decided!) || !(until === '' || date.test(until!)))
      return null
    const content = {
      v: 1,
      code: code!,
      turn: other || turn,
      reference: reference!,
      service: of || service,
      definition: version ? unpackHex(version) : holder.content.definition,
      office: office!,
      person: name!,
      identity: identity || person,
      result: result!,
      decided: decided!,
      until: until || null,
      sha256: unpackHex(sha256!),
    }
    return { v: 1, turn, holder, paper: { key: paperKey!, content } }
  } catch {
    return null
  }
}

/** The mark that a paper's file carries, so that the file alone can be checked. */
export function paperMark(openings: Openings): string {
  return `ventanilla-paper:${packOpenings(openings)};`
}

/** Openings from a fragment, from a scanned address, or from any text that carries the mark; null when there are none. Never throws. */
export function unpackOpenings(text: string): Openings | null {
  const given = text.trim()
  const packed =
    /ventanilla-paper:([A-Za-z0-9_-]{100,2000});/.exec(given)?.[1] ??
    /\/check#([A-Za-z0-9_-]{100,2000})/.exec(given)?.[1] ??
    given.replace(/^#/, '')
  return unpack(packed)
}
