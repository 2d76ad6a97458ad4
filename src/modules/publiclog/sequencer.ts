import type { Kysely } from 'kysely'
import type { Db, Tables } from '#db'
import { openCheckpoint, signCheckpoint } from './checkpoint.ts'
import { type Fault, type Folder, readTile, tilesOf } from './folder.ts'
import { emptyRoot, leafHash } from './merkle.ts'
import type { Signer } from './note.ts'
import {
  advanceHead,
  anyPending,
  batchSize,
  countPending,
  readBatch,
  readHead,
  replaceNote,
  setOrigin,
  takePending,
  tryLock,
  unlock,
} from './store.ts'
import { Edge, encodeBundle, parseBundle, rootFrom, type TileKind, tilePath, tileWidth } from './tiles.ts'
import type { Cosigners } from './witness.ts'

/** The database is older than what was published: going on would sign a second history. Only `recover` leads on. */
export class LogBehind extends Error {
  constructor(what: string) {
    super(
      `${what} Writing on would fork the public log. Run \`bin/ventanilla recover\`, which takes the published entries in again; or give this database back its newest state.`,
    )
    this.name = 'LogBehind'
  }
}

/** What the sequencer writes to: errors and changes of role, never entries. */
export type SequencerLog = { info(words: object | string, more?: string): void; warn(words: object | string, more?: string): void }

export type SequencerDeps = {
  readonly db: Db
  readonly folder: Folder
  readonly signer: Signer
  readonly cosigners: Cosigners
  /** Small files that stand beside the checkpoint, so that the folder can be served and copied as it is: the key, the policy. */
  readonly beside: Readonly<Record<string, string>>
  readonly log: SequencerLog
  /** Milliseconds from one publication to the next; 250 unless told. */
  readonly intervalMs?: number | undefined
  readonly fault?: Fault | undefined
}

/** One batch after the other is laid into tiles; after so many entries a head is signed although more wait. */
const entriesARound = 65_536
// Tiles are written in groups, so that a round's memory does not grow with its entries.
const filesAtOnce = 64

/** What a holder of the role knows. Dropped on any fault: the next holder, perhaps the same process, reads it anew. */
type Role = {
  /** The connection that holds the lock. Every statement of the sequencer runs on it: who has lost the lock can write nothing. */
  readonly on: Kysely<Tables>
  readonly edge: Edge
  /** The entries of the unfinished bundle. */
  tail: Buffer[]
  /** Folders of partial tiles whose full tile has been written since: removed once that is published. */
  superseded: string[]
  /** The note that was published last, as far as this holder knows. */
  note: string | null
}

/**
 * The one that gives entries their place, in four steps, each durable before the next begins: (1) index, (2) tiles, (3) head, (4) publish. Where it stops,
 * the next begins with what is stored: each step reads what the one before it stored, and repeating one writes the same bytes.
 */
export function openSequencer({ db, folder, signer, cosigners, beside, log, intervalMs = 250, fault }: SequencerDeps) {
  let role: Role | null = null
  let loop: Promise<void> | null = null
  let stopping = false
  let wake: () => void = () => {}
  // One round at a time in this process, asked for by the loop or by `publishNow`.
  let turn: Promise<unknown> = Promise.resolve()
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = turn.then(work, work)
    turn = next.catch(() => {})
    return next
  }

  /** The published checkpoint, or null before the first. Throws when the folder holds another log's. */
  async function published() {
    const bytes = await folder.read('checkpoint')
    if (!bytes) return null
    const checkpoint = openCheckpoint(bytes, signer)
    if (!checkpoint) throw new Error(`${folder.path}/checkpoint is not signed by this log (${signer.vkey}).`)
    return { ...checkpoint, bytes }
  }

  /** Refuses a database that lacks what was published. */
  async function check(on: Db | Kysely<Tables> = db): Promise<void> {
    const seen = await published()
    const head = await readHead(on)
    if (head.origin !== null && head.origin !== signer.name)
      throw new Error(`This database keeps the log ${head.origin}, not ${signer.name}. The public URL or the mode has changed.`)
    if (seen && seen.size > head.size)
      throw new LogBehind(`The published log has ${seen.size} entries, the database knows of ${head.size} published.`)
    if (seen && seen.size === head.size && !(head.root ?? emptyRoot).equals(seen.root))
      throw new LogBehind(`The published log and the database differ at ${seen.size} entries.`)
    const witnessed = await cosigners.newestKnown(head.note ?? signCheckpoint({ origin: signer.name, size: 0, root: emptyRoot }, signer))
    if (witnessed && witnessed.size > head.size)
      throw new LogBehind(
        `The witness ${witnessed.witness} has seen ${witnessed.size} entries, the database knows of ${head.size} published.`,
      )
  }

  async function enter(on: Kysely<Tables>): Promise<Role> {
    await check(on)
    await setOrigin(on, signer.name)
    await folder.clean()
    const head = await readHead(on)
    const role: Role =
      (await fromTiles(on, head.size, head.root ?? emptyRoot)) ?? (await fromDatabase(on, head.size, head.root ?? emptyRoot))
    const seen = await published()
    if (seen && !(await rootFrom(tilesOf(folder.read), seen.size)).equals(seen.root))
      throw new LogBehind(`The published checkpoint of ${seen.size} entries is not of this log's tree.`)
    for (const [name, text] of Object.entries(beside)) {
      const bytes = Buffer.from(text)
      if (!(await folder.read(name))?.equals(bytes)) await folder.put([[name, bytes]])
    }
    return role
  }

  /** The right edge as the tiles have it, or null where they do not give the root that was signed. */
  async function fromTiles(on: Kysely<Tables>, size: number, root: Buffer): Promise<Role | null> {
    try {
      const edge = await Edge.from(tilesOf(folder.read), size)
      const width = size % tileWidth
      const bundle = width === 0 ? Buffer.alloc(0) : await readTile(folder.read, 'entries', Math.floor(size / tileWidth), width)
      const tail = bundle && parseBundle(bundle)
      const whole = tail?.length === width && tail.every((e, i) => leafHash(e).equals(edge.levels[0]![i]!))
      return whole && edge.root().equals(root) ? { on, edge, tail, superseded: [], note: null } : null
    } catch {
      return null
    }
  }

  /** The right edge from the entries in the database, writing all tiles again: for a folder that is new, lost or damaged. */
  async function fromDatabase(on: Kysely<Tables>, size: number, root: Buffer): Promise<Role> {
    if (size > 0) log.warn({ size }, 'The tiles are written again from the database.')
    const role: Role = { on, edge: new Edge(), tail: [], superseded: [], note: null }
    const tiles = tileWriter(role)
    while (role.edge.size < size) await tiles.add(role.edge.size)
    await tiles.finish()
    if (!role.edge.root().equals(root)) throw new Error('The entries in the database do not give the root that was signed.')
    return role
  }

  /**
   * Step 2, batch by batch. `add` adds the indexed entries of one batch to the tree and hands full tiles to the disk, which is busy while the next batch
   * is read and hashed; `finish` writes the partial tiles and returns when everything is on the disk.
   */
  function tileWriter(role: Role) {
    const before = role.edge.size
    const full = (kind: TileKind, n: number, bytes: Buffer) => {
      const path = `tile/${tilePath({ kind, n, width: tileWidth })}`
      files.push([path, bytes])
      // Only a tile that was begun before has partial ones: at most one a level.
      if (n * tileWidth ** (kind === 'entries' ? 1 : kind + 1) < before) role.superseded.push(`${path}.p`)
    }
    let files: [string, Buffer][] = []
    let writing: Promise<void> = Promise.resolve()
    const flush = async () => {
      // One group at a time: memory does not grow with the entries.
      await writing
      writing = folder.put(files, fault)
      // Awaited by the next flush; until then its failure is nobody's.
      writing.catch(() => {})
      files = []
    }
    return {
      async add(first: number): Promise<void> {
        const batch = await readBatch(role.on, first)
        const entries = batch && parseBundle(batch.entries)
        if (!entries || entries.length !== batch.count || first !== role.edge.size)
          throw new Error(`There is no whole batch at index ${first}.`)
        for (const entry of entries) {
          role.tail.push(entry)
          role.edge.add(leafHash(entry), (level, n, hashes) => {
            full(level, n, hashes)
            if (level > 0) return
            full('entries', n, encodeBundle(role.tail))
            role.tail = []
          })
        }
        if (files.length >= filesAtOnce) await flush()
      },
      async finish(): Promise<void> {
        for (const { level, n, width, hashes } of role.edge.partials()) files.push([`tile/${tilePath({ kind: level, n, width })}`, hashes])
        if (role.tail.length > 0) {
          const n = Math.floor(role.edge.size / tileWidth)
          files.push([`tile/${tilePath({ kind: 'entries', n, width: role.tail.length })}`, encodeBundle(role.tail)])
        }
        await flush()
        await writing
      },
    }
  }

  /** All four steps, once. Returns whether entries wait still. */
  async function round(role: Role): Promise<boolean> {
    const { on, edge } = role
    const tiles = tileWriter(role)
    const start = await readHead(on)
    if (start.size !== edge.size) throw new Error(`The head is at ${start.size}, this sequencer at ${edge.size}.`)
    // What an earlier holder indexed and did not sign.
    while (edge.size < start.indexed) await tiles.add(edge.size)

    let laid: Promise<void> = Promise.resolve()
    let more = await anyPending(on)
    try {
      for (let taken = 0; more && taken < entriesARound; ) {
        // (1) From here on an entry's index never changes: whatever is derived below is derived from this.
        const batch = await on.transaction().execute(async (tx) => {
          const { indexed } = await readHead(tx, true)
          const count = await takePending(tx, indexed)
          fault?.('indexing')
          return { first: indexed, count }
        })
        fault?.('indexed')
        // A taking that is not full has found all there was; what comes meanwhile is gathered for the next round, which costs less than many small ones.
        more = batch.count === batchSize
        if (batch.count === 0) break
        taken += batch.count
        // (2) The same entries give the same bytes, whoever writes them and however often. Hashed here while the database takes the next batch.
        laid = laid.then(() => tiles.add(batch.first))
        laid.catch(() => {})
      }
    } finally {
      // Nothing of this round may use the connection once it is given back.
      await laid.catch(() => {})
    }
    await laid
    const before = await readHead(on)
    if (before.size !== start.size || before.indexed !== edge.size) throw new Error('Another sequencer has written meanwhile.')
    if (edge.size > before.size || before.note === null) {
      await tiles.finish()
      fault?.('tiles')
      // (3) Read again under the row's lock: what is signed extends what was signed last, and a size is signed once.
      const head = { size: edge.size, root: edge.root() }
      await on.transaction().execute(async (tx) => {
        const now = await readHead(tx, true)
        if (now.size !== before.size || !(now.root ?? emptyRoot).equals(before.root ?? emptyRoot))
          throw new Error('Another sequencer has signed meanwhile.')
        const note = signCheckpoint({ origin: signer.name, ...head }, signer)
        fault?.('signing')
        if (!(await advanceHead(tx, before.size, { ...head, note }))) throw new Error('The head did not advance.')
      })
      fault?.('signed')
      await askWitnesses(role)
    } else if (cosigners.due(before.size)) await askWitnesses(role)
    await publish(role)
    return more
  }

  async function askWitnesses({ on }: Role): Promise<void> {
    const { size, note } = await readHead(on)
    if (note === null) return
    const cosigned = await cosigners.cosign(note)
    if (cosigned !== note) await replaceNote(on, size, cosigned)
    fault?.('cosigned')
  }

  /** Step 4. The checkpoint is written under the head's lock, so that an older one never follows a newer. */
  async function publish(role: Role): Promise<void> {
    const { note } = await readHead(role.on)
    if (note === role.note) return
    await role.on.transaction().execute(async (tx) => {
      const head = await readHead(tx, true)
      if (head.note === null) return
      const seen = await published()
      if (seen && seen.size > head.size) throw new LogBehind(`The published log has ${seen.size} entries, the database ${head.size}.`)
      const bytes = Buffer.from(head.note)
      if (!seen?.bytes.equals(bytes)) await folder.put([['checkpoint', bytes]], fault)
      role.note = head.note
    })
    fault?.('published')
    // Readers of an older checkpoint find the partial tile as the beginning of the full one. Without this a slow log would keep 255 of each.
    for (const partial of role.superseded.splice(0)) await folder.drop(partial)
  }

  /** Runs `work` with the role, when it is free. */
  async function withRole<T>(work: (role: Role) => Promise<T>): Promise<{ done: T } | null> {
    return db.kysely.connection().execute(async (on) => {
      if (!(await tryLock(on))) return null
      try {
        return { done: await work(await enter(on)) }
      } finally {
        // A connection that is lost has given the lock back already.
        await unlock(on).catch(() => {})
      }
    })
  }

  async function run(): Promise<void> {
    while (!stopping) {
      try {
        await withRole(async (mine) => {
          role = mine
          log.info('This process sequences the public log.')
          try {
            while (!stopping) {
              const next = performance.now() + intervalMs
              const more = await inTurn(() => round(mine))
              if (!more) await pause(Math.max(0, next - performance.now()))
            }
          } finally {
            role = null
          }
        })
      } catch (error) {
        log.warn({ err: error }, 'The sequencer stopped; it tries again.')
      }
      if (!stopping) await pause(1_000)
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (stopping) wake()
    })
  }

  return {
    check,
    published,
    /** Refuses (`LogBehind`) where `check` does; else takes the role as soon as it is free and keeps it until `stop`. */
    async start(): Promise<void> {
      await check()
      stopping = false
      loop ??= run()
    },
    /** Finishes the round under way and gives the role back. */
    async stop(): Promise<void> {
      stopping = true
      wake()
      await loop
      loop = null
    },
    /** Publishes whatever was committed before the call, here or by waiting for the process that has the role. Up to 30 s. */
    async publishNow(): Promise<void> {
      for (const until = Date.now() + 30_000; Date.now() < until; ) {
        const mine = role
        if (mine) return inTurn(async () => void (await untilDone(mine)))
        if (await withRole((r) => inTurn(() => untilDone(r)))) return
        // Somebody else has the role, or this process is about to take it.
        const head = await readHead(db)
        if ((await countPending(db)) === 0 && head.indexed === (await published())?.size) return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      throw new Error('The public log was not published within 30 s.')
    },
  }

  async function untilDone(r: Role): Promise<void> {
    while (await round(r));
  }
}
