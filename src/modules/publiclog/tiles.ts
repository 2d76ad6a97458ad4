import { emptyRoot, hashSize, type NodeReader, nodeHash, perfectRoot, rangeRoot } from './merkle.ts'

/**
 * Tiles as c2sp.org/tlog-tiles lays them out. Pure.
 */
// 256 hashes make a tile, as tlog-tiles fixes it: any other number breaks every verifier.
export const tileWidth = 256

/** A tile of hashes at a level (0 holds the leaf hashes), or a bundle of entries. */
export type TileKind = number | 'entries'

/** One tile: full when `width` is 256, else partial. */
export type TileName = { readonly kind: TileKind; readonly n: number; readonly width: number }

/** The path below `/tile/`: `0/x001/x234/067`, `entries/000.p/17`. */
export function tilePath({ kind, n, width }: TileName): string {
  let digits = String(n)
  digits = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const parts = digits.match(/\d{3}/g)!
  const last = parts.pop()!
  return `${kind}/${parts.map((p) => `x${p}/`).join('')}${last}${width === tileWidth ? '' : `.p/${width}`}`
}

const tilePattern = /^(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/** The tile a path below `/tile/` names, or null when it names none. One tile has exactly one path. Never throws. */
export function parseTilePath(path: string): TileName | null {
  const m = path.length <= 64 ? tilePattern.exec(path) : null
  if (!m) return null
  const kind: TileKind = m[1] === 'entries' ? 'entries' : Number(m[1])
  const n = Number(m[2]!.replace(/[x/]/g, ''))
  const width = m[3] === undefined ? tileWidth : Number(m[3])
  if ((kind !== 'entries' && kind > 63) || !Number.isSafeInteger(n) || (m[3] !== undefined && width >= tileWidth)) return null
  const tile = { kind, n, width }
  return tilePath(tile) === path ? tile : null
}

/** How many hashes stand at this level of a tree of `size` entries. */
function hashesAt(level: number, size: number): number {
  return Math.floor(size / tileWidth ** level)
}

/** How wide tile `n` of `kind` is in a tree of `size`: 256 when full, 0 when it does not exist. */
export function widthAt(kind: TileKind, n: number, size: number): number {
  return Math.max(0, Math.min(tileWidth, hashesAt(kind === 'entries' ? 0 : kind, size) - n * tileWidth))
}

/** Whether a tree of `size` or an earlier state of it has this tile: nothing else is served. */
export function existsAt(tile: TileName, size: number): boolean {
  return widthAt(tile.kind, tile.n, size) >= tile.width
}

/** Gives the bytes of a tile of hashes: exactly `width * 32`. */
export type TileReader = (level: number, n: number, width: number) => Promise<Buffer>

// What was hashed within a tile: a reader that keeps its tiles (`keptTiles`) proves neighbours without hashing again.
const hashed = new WeakMap<Buffer, Map<number, Buffer>>()
function rootWithin(tile: Buffer, offset: number, count: number): Buffer {
  if (count === 1) return perfectRoot(tile, offset, 1)
  let roots = hashed.get(tile)
  if (!roots) hashed.set(tile, (roots = new Map()))
  const place = count * tileWidth + offset
  let root = roots.get(place)
  if (!root) roots.set(place, (root = nodeHash(rootWithin(tile, offset, count / 2), rootWithin(tile, offset + count / 2, count / 2))))
  return root
}

/** Reads subtrees of the tree of `size` from its tiles. */
export function nodesFrom(tiles: TileReader, size: number): NodeReader {
  return async (level, index) => {
    const tileLevel = Math.floor(level / 8)
    const count = 2 ** (level % 8)
    const n = Math.floor((index * count) / tileWidth)
    const width = widthAt(tileLevel, n, size)
    const offset = (index * count) % tileWidth
    if (offset + count > width) throw new RangeError('This subtree is not complete in a tree of this size.')
    const bytes = await tiles(tileLevel, n, width)
    if (bytes.length !== width * hashSize)
      throw new RangeError(`Tile ${tileLevel}/${n} has ${bytes.length} bytes, not ${width * hashSize}.`)
    return rootWithin(bytes, offset, count)
  }
}

/** The same tiles, the `most` last asked for kept in memory (8 kB each). A tile never changes, so a kept one is never stale. */
export function keptTiles(tiles: TileReader, most = 256): TileReader {
  const kept = new Map<string, Promise<Buffer>>()
  return (level, n, width) => {
    const key = `${level}/${n}/${width}`
    const tile = kept.get(key) ?? tiles(level, n, width)
    // Last asked for, last to go; one that failed is asked for again.
    kept.delete(key)
    kept.set(key, tile)
    tile.catch(() => kept.delete(key))
    if (kept.size > most) kept.delete(kept.keys().next().value!)
    return tile
  }
}

/** The root of the tree of `size`, from its tiles. */
export function rootFrom(tiles: TileReader, size: number): Promise<Buffer> {
  return rangeRoot(0, size, nodesFrom(keptTiles(tiles), size))
}

/**
 * A growing tree that remembers only its right edge: at each level the hashes of the unfinished tile, at most 255. Adding costs two hashes an entry
 * whatever the size. Each full tile is handed to `full` the moment it is complete.
 */
export class Edge {
  #size = 0
  /** levels[l]: the hashes of the unfinished tile at level l. */
  readonly levels: Buffer[][] = []

  /** How many entries the tree has. */
  get size(): number {
    return this.#size
  }

  add(leaf: Buffer, full?: (level: number, n: number, hashes: Buffer) => void): void {
    this.#size++
    let hash = leaf
    for (let level = 0; ; level++) {
      const hashes = (this.levels[level] ??= [])
      hashes.push(hash)
      if (hashes.length < tileWidth) return
      const tile = Buffer.concat(hashes)
      this.levels[level] = []
      full?.(level, hashesAt(level, this.#size) / tileWidth - 1, tile)
      hash = Buffer.from(perfectRoot(tile, 0, tileWidth))
    }
  }

  /** The tree's root. Folds the complete subtrees of the right edge, the smallest first (RFC 6962, 2.1). */
  root(): Buffer {
    let root: Buffer | null = null
    for (const hashes of this.levels) {
      const tile = Buffer.concat(hashes)
      let end = hashes.length
      for (let count = 1; end > 0; count *= 2) {
        if (end % (2 * count) === 0) continue
        end -= count
        const peak = perfectRoot(tile, end, count)
        root = root ? nodeHash(peak, root) : Buffer.from(peak)
      }
    }
    return root ?? emptyRoot
  }

  /** The partial tiles of this size: what stands at the right edge of each level. */
  partials(): { level: number; n: number; width: number; hashes: Buffer }[] {
    return this.levels.flatMap((hashes, level) =>
      hashes.length === 0
        ? []
        : [{ level, n: Math.floor(hashesAt(level, this.#size) / tileWidth), width: hashes.length, hashes: Buffer.concat(hashes) }],
    )
  }

  /** The right edge of the tree of `size`, from its tiles. The caller compares `root()` with one that is known. */
  static async from(tiles: TileReader, size: number): Promise<Edge> {
    const edge = new Edge()
    edge.#size = size
    for (let level = 0; hashesAt(level, size) > 0; level++) {
      const n = Math.floor(hashesAt(level, size) / tileWidth)
      const width = hashesAt(level, size) % tileWidth
      const bytes = width === 0 ? Buffer.alloc(0) : await tiles(level, n, width)
      if (bytes.length !== width * hashSize) throw new RangeError(`Tile ${level}/${n} has ${bytes.length} bytes, not ${width * hashSize}.`)
      edge.levels[level] = Array.from({ length: width }, (_, i) => bytes.subarray(i * hashSize, (i + 1) * hashSize))
    }
    return edge
  }
}

/** Entries as a bundle holds them: each behind its length, a big-endian uint16. */
export function encodeBundle(entries: readonly Buffer[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.reduce((sum, e) => sum + 2 + e.length, 0))
  let at = 0
  for (const entry of entries) {
    at = bytes.writeUInt16BE(entry.length, at)
    at += entry.copy(bytes, at)
  }
  return bytes
}

/**
 * The entries of a bundle, as views into it, or null when the bytes are no bundle or hold more than `most`: 16 MB of empty entries would be a gigabyte of views.
 * Never throws.
 */
export function parseBundle(bytes: Buffer, most = Number.POSITIVE_INFINITY): Buffer[] | null {
  const entries: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    if (entries.length === most || at + 2 > bytes.length) return null
    const end = at + 2 + bytes.readUInt16BE(at)
    if (end > bytes.length) return null
    entries.push(bytes.subarray(at + 2, end))
    at = end
  }
  return entries
}
