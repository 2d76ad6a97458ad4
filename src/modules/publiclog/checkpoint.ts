import { hashSize } from './merkle.ts'
import { type Note, openNote, parseNote, type Signer, signNote, strictBase64, strictDecimal, type Verifier } from './note.ts'

/** A tree head as a note's text: c2sp.org/tlog-checkpoint. Pure. */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Buffer }

/** The text that is signed: origin, size and root, one line each. */
function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** The checkpoint in a note's text, or null. Extension lines are passed over, as the specification asks. Never throws. */
export function parseCheckpointText(text: string): Checkpoint | null {
  const lines = text.split('\n')
  if (lines.length < 4 || lines.pop() !== '' || lines.some((l) => l === '')) return null
  const size = strictDecimal(lines[1]!)
  const root = strictBase64(lines[2]!)
  return size === null || root?.length !== hashSize ? null : { origin: lines[0]!, size, root }
}

/** The checkpoint and its note, or null. Nothing is verified yet. */
export function parseCheckpoint(source: Buffer | string): (Checkpoint & { note: Note }) | null {
  const note = parseNote(source)
  const checkpoint = note && parseCheckpointText(note.text)
  return checkpoint && { ...checkpoint, note }
}

/** The checkpoint in `source` when `log` signed it and it bears the log's name as its origin, else null. */
export function openCheckpoint(source: Buffer | string, log: Verifier): (Checkpoint & { note: Note }) | null {
  const checkpoint = parseCheckpoint(source)
  return checkpoint && checkpoint.origin === log.name && openNote(checkpoint.note, [log]) ? checkpoint : null
}

/** Signs a checkpoint. Who calls must hold that no other root was ever signed for this size. */
export function signCheckpoint(checkpoint: Checkpoint, signer: Signer): string {
  return signNote(checkpointText(checkpoint), [signer])
}
