import { openCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { maxEntryBytes } from './entries.ts'
import { hashSize, includes, leafHash } from './merkle.ts'
import { openNote, parseNote, type Signer, signNote, strictBase64, strictDecimal, strictUtf8, type Verifier } from './note.ts'

/** What a person keeps: a proof that their entry is in the log, or until then a promise that it will be. Pure. */

/** c2sp.org/tlog-proof. `extra` holds the entry's bytes, so that the file can be checked alone. */
export type Proof = {
  readonly extra: Buffer | null
  readonly index: number
  readonly hashes: readonly Buffer[]
  /** The checkpoint's note as it was published. */
  readonly checkpoint: string
}

const proofHead = 'c2sp.org/tlog-proof@v1'

/** The proof as text; by custom its file ends in `.tlog-proof`. */
export function proofText({ extra, index, hashes, checkpoint }: Proof): string {
  const lines = [proofHead]
  if (extra) lines.push(`extra ${extra.toString('base64')}`)
  lines.push(`index ${index}`, ...hashes.map((h) => h.toString('base64')), '', checkpoint)
  return lines.join('\n')
}

/** The proof in `text`, or null when it is none. Nothing is verified yet. Never throws. */
export function parseProof(source: Buffer | string): Proof | null {
  const text = typeof source === 'string' ? source : strictUtf8(source)
  if (text === null || text.length > 1_000_000) return null
  const blank = text.indexOf('\n\n')
  if (blank < 0) return null
  const lines = text.slice(0, blank).split('\n')
  if (lines.shift() !== proofHead) return null
  let extra: Buffer | null = null
  if (lines[0]?.startsWith('extra ')) {
    extra = strictBase64(lines.shift()!.slice(6))
    if (!extra) return null
  }
  const place = lines.shift()
  const index = place?.startsWith('index ') ? strictDecimal(place.slice(6)) : null
  // 63 hashes reach over any tree there can be.
  if (index === null || lines.length > 63) return null
  const hashes: Buffer[] = []
  for (const line of lines) {
    const hash = strictBase64(line)
    if (hash?.length !== hashSize) return null
    hashes.push(hash)
  }
  const checkpoint = text.slice(blank + 2)
  return parseCheckpoint(checkpoint) ? { extra, index, hashes, checkpoint } : null
}

/**
 * What a proof proves: `entry` stands at `index` in the tree of `size` with this `root`, which `log` signed. Null when it does not hold. `entry` may be left
 * out when the proof carries it.
 */
export function openProof(
  proof: Proof,
  log: Verifier,
  entry: Buffer | null = proof.extra,
): { entry: Buffer; index: number; size: number; root: Buffer } | null {
  const checkpoint = openCheckpoint(proof.checkpoint, log)
  if (!checkpoint || !entry) return null
  const { size, root } = checkpoint
  return includes(root, size, proof.index, leafHash(entry), proof.hashes) ? { entry, index: proof.index, size, root } : null
}

/** The log's word that `entry` stands in it before a time. Past that time without the entry, it is proof of fraud. */
export type LogPromise = { readonly origin: string; readonly before: Date; readonly entry: Buffer }

/** The first line of a promise. It keeps promises and checkpoints apart, which the same key signs: no log may have this for an origin. */
export const promiseHead = 'ventanilla-log-promise/v1'

function second(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`
}

/** Signs a promise. The time is rounded up to a whole second. */
export function signPromise({ origin, before, entry }: LogPromise, signer: Signer): string {
  const whole = new Date(Math.ceil(before.getTime() / 1000) * 1000)
  return signNote(`${promiseHead}\n${origin}\nbefore ${second(whole)}\n${entry.toString('base64')}\n`, [signer])
}

/** The promise in `source` when `log` signed it for itself, else null. Never throws. */
export function openPromise(source: Buffer | string, log: Verifier): LogPromise | null {
  const note = parseNote(source)
  if (!note || !openNote(note, [log])) return null
  const [head, origin, time, entry, end, ...more] = note.text.split('\n')
  if (head !== promiseHead || origin !== log.name || end !== '' || more.length > 0) return null
  const before = new Date(/^before (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(time ?? '')?.[1] ?? Number.NaN)
  const bytes = strictBase64(entry ?? '')
  if (Number.isNaN(before.getTime()) || `before ${second(before)}` !== time || !bytes || bytes.length > maxEntryBytes) return null
  return { origin, before, entry: bytes }
}
