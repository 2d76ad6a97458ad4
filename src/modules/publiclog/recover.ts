import { hash } from 'node:crypto'
import type { Db, Tx } from '#db'
import { openCheckpoint } from './checkpoint.ts'
import { entryBytes } from './entries.ts'
import { readTile, tilesOf } from './folder.ts'
import { emptyRoot, leafHash } from './merkle.ts'
import type { Signer } from './note.ts'
import type { SequencerLog } from './sequencer.ts'
import { addBatch, addPending, allPending, newIds, readBatch, readHead, setOrigin, takeHead, tryLock, unlock } from './store.ts'
import { Edge, encodeBundle, parseBundle, rootFrom, tileWidth, widthAt } from './tiles.ts'
import { openSource, type Source, SourceError } from './verify.ts'

/** An entry that the published log has and this database had not: its index, its bytes as published, its id here from now on. */
export type Recovered = { readonly index: bigint; readonly id: bigint; readonly bytes: Buffer }

/** A database that is behind, and the published log that is the truth. */
export type Recovery = {
  /** The first index that the database lacks, and the published size. Equal when nothing is missing. */
  readonly from: bigint
  readonly size: bigint
  /**
   * Takes all missing entries in, in order, some hundred at a time. `replay` gets each portion in the transaction that stores it: what it writes and the entries commit
   * together or not at all, so that a recovery that stops goes on where it was. At the end the head becomes the published one and
   * `log.recovered` is appended, in one transaction with `finish`. Returns how many were taken in. Where the head is the published one nothing is done.
   */
  run(replay: (tx: Tx, entries: readonly Recovered[]) => Promise<void>, finish: (tx: Tx) => Promise<void>, at: string): Promise<number>
}

/**
 * Compares this database with the published log at `source` (a portal's address or a folder), checks the published entries against the signed
 * checkpoint, and returns what is missing. Throws where the two have different histories: then one of them is not this log.
 */
export async function openRecovery(deps: { db: Db; signer: Signer; source: string | Source; log: SequencerLog }): Promise<Recovery> {
  const { db, signer, log } = deps
  const source = typeof deps.source === 'string' ? await openSource(deps.source) : deps.source
  const bytes = await source.read('checkpoint')
  const published = bytes && openCheckpoint(bytes, signer)
  if (!bytes || !published) throw new SourceError(`${source.name} has no checkpoint signed by this log (${signer.vkey}).`)
  const { size, root } = published

  const head = await readHead(db)
  if (head.origin !== null && head.origin !== signer.name)
    throw new Error(`This database keeps the log ${head.origin}, not ${signer.name}.`)
  if (head.size > size)
    throw new Error(`The database is ahead: ${head.size} published entries, ${size} at ${source.name}. There is nothing to recover.`)
  const tiles = tilesOf(source.read)
  if (!(await rootFrom(tiles, head.size)).equals(head.root ?? emptyRoot))
    throw new Error(`The published log and this database differ within the first ${head.size} entries: they are not the same log.`)

  let last: { n: number; entries: Buffer[] } | null = null
  async function bundleAt(n: number): Promise<Buffer[]> {
    if (last?.n === n) return last.entries
    const width = widthAt('entries', n, size)
    const bundle = await readTile(source.read, 'entries', n, width)
    const entries = bundle && parseBundle(bundle)
    if (entries?.length !== width || !entries)
      throw new SourceError(`${source.name}: the entries from ${n * tileWidth} on are missing or damaged.`)
    last = { n, entries }
    return entries
  }

  // The tree goes on from the database's own signed head over the published entries, and must end in the published root. The digest of each bundle
  // is kept (32 bytes for 256 entries), so that what is taken in later is what was checked now.
  const edge = await Edge.from(tiles, head.size)
  if (!edge.root().equals(head.root ?? emptyRoot)) throw new Error('The tiles at the source do not give the root of this database.')
  const firstBundle = Math.floor(head.size / tileWidth)
  const digests: string[] = []
  for (let n = firstBundle; n * tileWidth < size; n++) {
    const entries = await bundleAt(n)
    digests.push(hash('sha256', encodeBundle(entries), 'hex'))
    for (const [i, entry] of entries.entries()) if (n * tileWidth + i >= head.size) edge.add(leafHash(entry))
  }
  if (edge.size !== size || !edge.root().equals(root))
    throw new Error('The published entries do not give the published root. Take another copy of the log.')

  // What has an index here must have the same one there.
  for (let first = head.size; first < Math.min(head.indexed, size); ) {
    const batch = await readBatch(db, first)
    const own = batch && parseBundle(batch.entries)
    if (!own) throw new Error(`There is no whole batch at index ${first}.`)
    for (const [i, entry] of own.entries()) {
      const index = first + i
      if (index < size && !(await bundleAt(Math.floor(index / tileWidth)))[index % tileWidth]!.equals(entry))
        throw new Error(`The entry at ${index} differs: they are not the same log.`)
    }
    first += own.length
  }

  return {
    from: BigInt(Math.min(head.indexed, size)),
    size: BigInt(size),
    async run(replay, finish, at) {
      if (head.size === size) return 0
      return db.kysely.connection().execute(async (on) => {
        if (!(await tryLock(on))) throw new Error('A process is sequencing this log. Stop every process first.')
        try {
          await setOrigin(on, signer.name)
          // Entries that were committed here and had no index when the copy was made: those that the published log has are the same ones.
          const pending = new Map<string, bigint[]>()
          for (const { id, bytes } of await allPending(on)) {
            const key = bytes.toString('base64')
            pending.set(key, [...(pending.get(key) ?? []), id])
          }
          let taken = 0
          for (let index = (await readHead(on)).indexed; index < size; ) {
            const n = Math.floor(index / tileWidth)
            last = null
            const bundle = await bundleAt(n)
            if (hash('sha256', encodeBundle(bundle), 'hex') !== digests[n - firstBundle])
              throw new SourceError(`${source.name} changed while it was read.`)
            const entries = bundle.slice(index % tileWidth)
            await on.transaction().execute(async (tx) => {
              const now = await readHead(tx, true)
              if (now.indexed !== index) throw new Error('Another process gives out indexes. Stop every process first.')
              const fresh = await newIds(tx, entries.length)
              const ids = entries.map((e, i) => pending.get(e.toString('base64'))?.shift() ?? fresh[i]!)
              await addBatch(tx, index, ids, encodeBundle(entries))
              await replay(
                tx,
                entries.map((bytes, i) => ({ index: BigInt(index + i), id: ids[i]!, bytes })),
              )
            })
            taken += entries.length
            index += entries.length
          }
          await on.transaction().execute(async (tx) => {
            await readHead(tx, true)
            await takeHead(tx, { size, root, note: bytes.toString() })
            await finish(tx)
            await addPending(tx, [entryBytes({ v: 1, type: 'log.recovered', at, from: Math.min(head.indexed, size), size })])
            log.info({ from: head.indexed, size }, 'The published entries are taken in again.')
          })
          return taken
        } finally {
          await unlock(on).catch(() => {})
        }
      })
    },
  }
}
