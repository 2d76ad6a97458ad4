import type { Db } from '#db'
import { parseCheckpoint } from './checkpoint.ts'
import { type Reader, tilesOf } from './folder.ts'
import { consistencyProof, emptyRoot, extendsTree, hashSize } from './merkle.ts'
import {
  openNote,
  parseNote,
  parseSignatureLines,
  type Signer,
  signatureLine,
  strictBase64,
  strictDecimal,
  strictUtf8,
  type Verifier,
} from './note.ts'
import type { Policy } from './policy.ts'
import { lockWitnessed, saveWitnessed } from './store.ts'
import { keptTiles, nodesFrom } from './tiles.ts'

/** What a witness answers: c2sp.org/tlog-witness. */
export type WitnessAnswer = { readonly status: 200 | 400 | 403 | 404 | 409 | 422; readonly type: string; readonly body: string }

/** An `add-checkpoint` request taken apart, or null. */
function parseAddCheckpoint(body: Buffer): { old: number; proof: Buffer[]; note: string } | null {
  const text = strictUtf8(body)
  const blank = text?.indexOf('\n\n') ?? -1
  if (text === null || blank < 0) return null
  const lines = text.slice(0, blank).split('\n')
  const first = lines.shift()!
  const old = first.startsWith('old ') ? strictDecimal(first.slice(4)) : null
  if (old === null || lines.length > 63) return null
  const proof: Buffer[] = []
  for (const line of lines) {
    const hash = strictBase64(line)
    if (hash?.length !== hashSize) return null
    proof.push(hash)
  }
  return { old, proof, note: text.slice(blank + 2) }
}

/** The body of an `add-checkpoint` request. */
export function addCheckpointText(old: number, proof: readonly Buffer[], note: string): string {
  return [`old ${old}`, ...proof.map((h) => h.toString('base64')), '', note].join('\n')
}

/**
 * A witness for the logs it is told of: it cosigns a checkpoint only where it extends the newest it cosigned before. Looking and recording are one
 * transaction, so that two requests at once cannot roll it back.
 */
export function openWitness(deps: { db: Db; signer: Signer; logs: readonly Verifier[]; now: () => Date }) {
  const plain = (status: WitnessAnswer['status'], body: string): WitnessAnswer => ({ status, type: 'text/plain; charset=utf-8', body })
  return {
    /** Answers `add-checkpoint`. Refuses by status, never by exception. */
    async addCheckpoint(body: Buffer): Promise<WitnessAnswer> {
      const request = parseAddCheckpoint(body)
      const checkpoint = request && parseCheckpoint(request.note)
      if (!request || !checkpoint) return plain(400, 'This is no add-checkpoint request.\n')
      const { origin, size, root, note } = checkpoint
      const logs = deps.logs.filter((l) => l.name === origin)
      if (logs.length === 0) return plain(404, 'This witness does not know that log.\n')
      if (!openNote(note, logs)) return plain(403, 'No key of that log signed this checkpoint.\n')
      if (request.old > size) return plain(400, 'The old size is larger than the checkpoint.\n')
      return deps.db.tx(async (tx) => {
        const seen = await lockWitnessed(tx, origin)
        if (request.old !== (seen?.size ?? 0)) return { status: 409, type: 'text/x.tlog.size', body: `${seen?.size ?? 0}\n` }
        if (seen && request.old === size && !seen.root.equals(root)) {
          // Two roots for one size: the log has forked, and this request is the proof.
          return { status: 409, type: 'text/x.tlog.size', body: `${seen.size}\n` }
        }
        if (!extendsTree(request.old, seen?.root ?? emptyRoot, size, root, request.proof)) return plain(422, 'The proof does not hold.\n')
        await saveWitnessed(tx, { origin, size, root, note: request.note, at: deps.now() })
        const signature = deps.signer.sign(Buffer.from(note.text))
        return plain(200, signatureLine({ name: deps.signer.name, id: deps.signer.id, signature }))
      })
    },
  }
}

/** Those who are asked to cosign what we publish. */
export type Cosigners = {
  /** The note with the cosignatures that came in time. Never throws, and never waits longer than the deadline. */
  cosign(note: string): Promise<string>
  /** Whether a witness that has not cosigned this size should be asked again now. */
  due(size: number): boolean
  /**
   * The largest size of our log that a witness says it has seen, asked with the newest note that we have. Null when none answers: being without
   * witnesses must not stop the log.
   */
  newestKnown(note: string): Promise<{ witness: string; size: number } | null>
}

type Ask = (url: string, body: string, timeoutMs: number) => Promise<{ status: number; body: string }>

const askByHttp: Ask = async (url, body, timeoutMs) => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const reader = answer.body?.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
    // A cosignature is some hundred bytes.
    if ((length += part.value.length) > 65_536) throw new Error('The witness answers too much.')
    parts.push(part.value)
  }
  return { status: answer.status, body: Buffer.concat(parts).toString() }
}

/** Asks the witnesses of `policy` that have a URL (their submission prefix). `ask` is HTTP unless a test gives another. */
export function openCosigners(deps: {
  policy: Policy | null
  read: Reader
  log: { warn(words: object | string, more?: string): void }
  ask?: Ask | undefined
  /** How long publishing waits for them. */
  deadlineMs?: number
  now?: () => number
}): Cosigners {
  const { ask = askByHttp, deadlineMs = 600, now = Date.now } = deps
  // What each has seen of us, as far as we know; and how long one that failed is left alone.
  const witnesses = (deps.policy?.witnesses ?? []).flatMap((w) =>
    w.url === null ? [] : [{ ...w, url: `${w.url.replace(/\/$/, '')}/add-checkpoint`, seen: 0, cosigned: -1, notBefore: 0, pauseMs: 0 }],
  )
  type Asked = (typeof witnesses)[number]

  async function askOne(w: Asked, note: string, size: number): Promise<string | null> {
    // Twice: a first answer of 409 says which size to prove from.
    for (let attempt = 0; attempt < 2; attempt++) {
      if (w.seen > size) throw new Error(`The witness has seen ${w.seen} entries, we publish ${size}.`)
      const proof = await consistencyProof(w.seen, size, nodesFrom(keptTiles(tilesOf(deps.read)), size))
      const { status, body } = await ask(w.url, addCheckpointText(w.seen, proof, note), deadlineMs)
      if (status === 409) {
        const seen = strictDecimal(body.trim())
        if (seen === null || seen === w.seen) throw new Error('The witness has seen another tree of this size.')
        w.seen = seen
        continue
      }
      if (status !== 200) throw new Error(`The witness answers ${status}.`)
      const text = Buffer.from(parseNote(note)!.text)
      const lines = (parseSignatureLines(body) ?? []).filter(
        (s) => s.name === w.key.name && s.id === w.key.id && w.key.verify(text, s.signature),
      )
      if (lines.length === 0) throw new Error('The answer is no cosignature of this witness.')
      w.seen = size
      w.cosigned = size
      w.pauseMs = 0
      return signatureLine(lines[0]!)
    }
    throw new Error('The witness keeps changing its mind.')
  }

  return {
    async cosign(note) {
      const checkpoint = parseCheckpoint(note)!
      const has = (w: Asked) => checkpoint.note.signatures.some((s) => s.name === w.key.name && s.id === w.key.id)
      const lines = await Promise.all(
        witnesses
          .filter((w) => !has(w) && now() >= w.notBefore)
          .map(async (w) => {
            try {
              return await Promise.race([
                askOne(w, note, checkpoint.size),
                new Promise<never>((_, reject) => setTimeout(() => reject(new Error('No answer in time.')), deadlineMs).unref()),
              ])
            } catch (error) {
              w.pauseMs = Math.min(60_000, w.pauseMs * 2 || 1_000)
              w.notBefore = now() + w.pauseMs
              deps.log.warn({ err: error, witness: w.name }, 'A witness did not cosign.')
              return null
            }
          }),
      )
      return note + lines.filter((l) => l !== null).join('')
    },
    due: (size) => witnesses.some((w) => w.cosigned < size && now() >= w.notBefore),
    async newestKnown(note) {
      const { size } = parseCheckpoint(note)!
      await Promise.all(
        witnesses.map(async (w) => {
          try {
            // From nothing: who has seen more answers 409 with the size, who has seen nothing begins with this.
            const { status, body } = await ask(w.url, addCheckpointText(0, [], note), 3 * deadlineMs)
            const seen = status === 200 ? size : status === 409 ? strictDecimal(body.trim()) : null
            if (seen !== null) w.seen = seen
          } catch (error) {
            deps.log.warn({ err: error, witness: w.name }, 'A witness did not say what it has seen.')
          }
        }),
      )
      const newest = witnesses.reduce<Asked | null>((a, w) => (w.seen > (a?.seen ?? 0) ? w : a), null)
      return newest && { witness: newest.name, size: newest.seen }
    },
  }
}
