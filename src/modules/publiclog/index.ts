import { join } from 'node:path'
import type { Db, Tx } from '#db'
import type { Json } from '#kernel/canonical'
import { type Clock, systemClock } from '#kernel/time'
import type { Web } from '#web'
import { openCheckpoint } from './checkpoint.ts'
import { type Entry, entryBytes } from './entries.ts'
import { type Fault, openFolder, readTile, tilesOf } from './folder.ts'
import { emptyRoot, includes, inclusionProof, leafHash } from './merkle.ts'
import { isKeyName, type Signer, type SigningKey, signerWith, typeCosignature, typeEd25519, type Verifier } from './note.ts'
import { type Policy, parsePolicy } from './policy.ts'
import { promiseHead, proofText, signPromise } from './receipt.ts'
import { openRecovery, type Recovery } from './recover.ts'
import { registerRoutes } from './routes.ts'
import { openSequencer, type SequencerLog } from './sequencer.ts'
import { addPending, bytesOf, placeOf } from './store.ts'
import { keptTiles, nodesFrom, parseBundle, tileWidth, widthAt } from './tiles.ts'
import type { ReadEntry } from './verify.ts'
import { openCosigners, openWitness } from './witness.ts'

export { type Checkpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts'
export { logFiles, signedHead } from './copy.ts'
export * from './entries.ts'
export { keyFromSeed, parseVkey, type SigningKey, type Verifier } from './note.ts'
export { meetsQuorum, type Policy, parsePolicy } from './policy.ts'
export { type LogPromise, openPromise, openProof, type Proof, parseProof } from './receipt.ts'
export type { Recovered, Recovery } from './recover.ts'
export { LogBehind } from './sequencer.ts'
export { type Finding, openSource, type ReadEntry, readEntries, type Source, SourceError, type Verified, verifyLog } from './verify.ts'

/** How long after it is shown a promise comes due. An outage is shorter than this; Certificate Transparency's logs allow themselves the same. */
const promiseMs = 24 * 3_600_000

export type PublicLogDeps = {
  readonly db: Db
  /** `logSigner` signs checkpoints and promises; `witnessSigner`, if given, cosigns the logs in `witnessOf`. They are different keys. */
  readonly keys: { readonly logSigner: SigningKey; readonly witnessSigner?: SigningKey }
  /** The log is published under `<dataFolder>/log`. Processes that sequence or serve it share this folder. */
  readonly dataFolder: string
  /** The log's name for ever: its public address without scheme and last slash, `ventanilla.example/log`. */
  readonly origin: string
  readonly clock?: Clock
  readonly log: SequencerLog
  /** Who must have cosigned: the text of a policy (c2sp.org/tlog-policy). Witnesses with a URL are asked at each publication. */
  readonly policy?: string
  /** Verifier keys of the logs that we cosign as a witness. */
  readonly witnessOf?: readonly Verifier[]
  readonly intervalMs?: number
  /** For tests: called at each named point of the sequencer; throwing there stops it like a crash. */
  readonly fault?: Fault
}

/** An entry that was appended. Its id means something in this database only; outside, an entry is known by its index. */
export type Appended = { readonly id: bigint; readonly bytes: Buffer }

/** A tree head that is published. `root` is base64, `short` what a printed paper bears beside the size: the root's first eight bytes as hex. */
export type PublishedHead = {
  readonly origin: string
  readonly size: bigint
  readonly root: string
  readonly short: string
  readonly checkpoint: string
}

export interface PublicLog {
  /** The key that outsiders check with, as one line. */
  readonly vkey: string
  /**
   * Appends in the caller's transaction: the entries are in the log when it commits, and were never there when it does not. One statement, whatever their
   * number. Acts on a line are appended under that line's row lock, in the order of `n`: that order then holds in the log. Throws a `TypeError` (a bug) for
   * what is no entry of version 1.
   */
  append(tx: Tx, entries: readonly (Entry | Json)[]): Promise<Appended[]>
  /** The log's signed word that this committed entry will be in it before tomorrow, or null when there is none with this id. Made when asked, not when appended. */
  promise(id: bigint): Promise<string | null>
  /** The entry's proof (`.tlog-proof`) against the published checkpoint, its bytes inside; null until it is published. */
  proof(id: bigint): Promise<string | null>
  /** The entry's index once it is published, else null. It never changes. Read in the caller's transaction where there is one. */
  place(id: bigint, on?: Db | Tx): Promise<bigint | null>
  /** Published entries from the index `from` on, in order, at most `most` of them; none where nothing further is published. */
  entries(from: number, most: number): Promise<ReadEntry[]>
  /** What is published now. Before the first publication: size 0, the empty root, an empty checkpoint. */
  head(): Promise<PublishedHead>
  /** Throws `LogBehind` when the database lacks what was published here or seen by a witness. For every start, before anything is written. */
  check(): Promise<void>
  /** Takes the sequencer's role as soon as it is free and keeps it until `stop`. Refuses as `check` does. */
  startSequencer(): Promise<void>
  stop(): Promise<void>
  /** Publishes all that was committed before the call. For tests, the demonstration and commands. */
  publishNow(): Promise<void>
  /** The way back for a database that is behind: see recover.ts. */
  recovery(source: string): Promise<Recovery>
  /** The routes under `/log/`. */
  register(web: Pick<Web, 'route' | 'app'>): void
}

/** Opens the public log. Nothing is written until something is appended or sequenced. */
export function openPublicLog(deps: PublicLogDeps): PublicLog {
  const { db, origin, clock = systemClock, log } = deps
  if (!isKeyName(origin) || origin === promiseHead || origin.endsWith('/'))
    throw new TypeError(`${origin} cannot be a log's origin: it is an address without scheme, spaces, plus sign or last slash.`)
  const signer: Signer = signerWith(origin, typeEd25519, deps.keys.logSigner)
  const folder = openFolder(join(deps.dataFolder, 'log'))
  const policy = policyOf(deps.policy)
  const cosigners = openCosigners({ policy, read: folder.read, log })
  const beside = { key: `${signer.vkey}\n`, policy: deps.policy ?? `log ${signer.vkey}\nquorum none\n` }
  const sequencer = openSequencer({ db, folder, signer, cosigners, beside, log, intervalMs: deps.intervalMs, fault: deps.fault })
  const { witnessSigner } = deps.keys
  const seconds = () => Math.floor(clock.now().getTime() / 1000)
  const witness =
    witnessSigner && deps.witnessOf?.length
      ? openWitness({
          db,
          signer: signerWith(`${origin}/witness`, typeCosignature, witnessSigner, seconds),
          logs: deps.witnessOf,
          now: () => clock.now(),
        })
      : null

  // The last checkpoint read, with its signature checked once.
  let last = { text: '', size: 0, root: emptyRoot }
  async function published(): Promise<typeof last> {
    const text = (await folder.read('checkpoint'))?.toString() ?? ''
    if (text === last.text) return last
    const found = openCheckpoint(text, signer)
    if (!found) throw new Error(`${folder.path}/checkpoint is not signed by this log (${signer.vkey}).`)
    last = { text, size: found.size, root: found.root }
    return last
  }
  const tiles = keptTiles(tilesOf(folder.read))

  /** The entries of the `n`-th bundle of the published log. */
  async function bundleAt(n: number, size: number): Promise<readonly Buffer[]> {
    const bundle = await readTile(folder.read, 'entries', n, widthAt('entries', n, size))
    const entries = bundle && parseBundle(bundle)
    if (!entries) throw new Error(`The bundle of the entries from ${n * tileWidth} on is missing or damaged.`)
    return entries
  }

  /** The bytes of the entry at `index` of the published log. */
  async function entryAt(index: number, size: number): Promise<Buffer> {
    const entry = (await bundleAt(Math.floor(index / tileWidth), size))[index % tileWidth]
    if (!entry) throw new Error(`The entry at ${index} is not in its bundle.`)
    return entry
  }

  return {
    vkey: signer.vkey,
    async append(tx, entries) {
      const all = entries.map(entryBytes)
      const ids = await addPending(tx, all)
      return ids.map((id, i) => ({ id, bytes: all[i]! }))
    },
    async promise(id) {
      const found = await bytesOf(db, id)
      const entry = found && ('batch' in found ? parseBundle(found.batch)?.[found.place] : found)
      return entry ? signPromise({ origin, before: new Date(clock.now().getTime() + promiseMs), entry }, signer) : null
    },
    async proof(id) {
      const index = await placeOf(db, id)
      const { size, root, text } = await published()
      if (index === null || index >= size) return null
      const extra = await entryAt(index, size)
      const hashes = await inclusionProof(index, size, nodesFrom(tiles, size))
      // Damaged tiles must not become a paper in somebody's hands.
      if (!includes(root, size, index, leafHash(extra), hashes)) throw new Error(`The tiles do not prove the entry at ${index}.`)
      return proofText({ extra, index, hashes, checkpoint: text })
    },
    async place(id, on = db) {
      const index = await placeOf(on, id)
      return index !== null && index < (await published()).size ? BigInt(index) : null
    },
    async entries(from, most) {
      const { size } = await published()
      const upTo = Math.min(size, from + most)
      const found: ReadEntry[] = []
      for (let n = Math.floor(from / tileWidth); n * tileWidth < upTo; n++)
        for (const [i, bytes] of (await bundleAt(n, size)).entries()) {
          const index = n * tileWidth + i
          if (index >= from && index < upTo) found.push({ index, bytes })
        }
      return found
    },
    async head() {
      const { size, root, text } = await published()
      return { origin, size: BigInt(size), root: root.toString('base64'), short: root.toString('hex', 0, 8), checkpoint: text }
    },
    check: () => sequencer.check(),
    startSequencer: () => sequencer.start(),
    stop: () => sequencer.stop(),
    publishNow: () => sequencer.publishNow(),
    recovery: (source) => openRecovery({ db, signer, source, log }),
    register(web) {
      registerRoutes(web, { read: folder.read, ...beside, witness })
    },
  }
}

function policyOf(text: string | undefined): Policy | null {
  if (text === undefined) return null
  const policy = parsePolicy(text)
  if ('fault' in policy) throw new TypeError(`The witness policy cannot be read. ${policy.fault}`)
  return policy
}
