import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hashSize } from './merkle.ts'
import { parseBundle, type TileKind, type TileReader, tilePath, tileWidth } from './tiles.ts'

/** Reads a published log by path (`checkpoint`, `tile/0/000`): null where there is no such file. */
export type Reader = (path: string) => Promise<Buffer | null>

/** A function that tests pass in to stop the sequencer at a named point, by throwing. */
export type Fault = (point: string) => void

/** The published log as files, written so that what was written survives a power cut. */
export type Folder = {
  readonly path: string
  read: Reader
  /** Writes all files, each whole or not at all, and returns when they and their names are on the disk. Same path, same bytes: writing twice is harmless. */
  put(files: readonly (readonly [path: string, bytes: Buffer])[], fault?: Fault): Promise<void>
  /** Removes a folder and what is in it, if it is there. */
  drop(path: string): Promise<void>
  /** Removes what a killed process left half written. */
  clean(): Promise<void>
}

// Enough to keep a disk busy, too few to keep others waiting for the thread pool.
const writersAtOnce = 8

/** Opens the folder of a log. It need not exist. */
export function openFolder(path: string): Folder {
  const unfinished = join(path, '.unfinished')
  const known = new Set<string>()

  async function syncFolder(folder: string): Promise<void> {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  return {
    path,
    read: async (file) => {
      try {
        return await readFile(join(path, file))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return null
        throw error
      }
    },
    async put(files, fault) {
      await mkdir(unfinished, { recursive: true })
      // A new folder is durable when the one above it is.
      const touched = new Set<string>()
      for (const [file] of files) {
        const folder = dirname(join(path, file))
        touched.add(folder)
        if (known.has(folder)) continue
        const made = await mkdir(folder, { recursive: true })
        if (made) for (let f = folder; f.length >= made.length; f = dirname(f)) touched.add(dirname(f))
        known.add(folder)
      }
      const queue = [...files]
      const writer = async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          const [file, bytes] = next
          const temporary = join(unfinished, randomBytes(9).toString('hex'))
          const handle = await open(temporary, 'wx', 0o644)
          try {
            await handle.writeFile(bytes)
            fault?.(`written ${file}`)
            await handle.sync()
          } finally {
            await handle.close()
          }
          fault?.(`synced ${file}`)
          await rename(temporary, join(path, file))
          fault?.(`renamed ${file}`)
        }
      }
      const done = await Promise.allSettled(Array.from({ length: Math.min(writersAtOnce, files.length) }, writer))
      const failed = done.find((d) => d.status === 'rejected')
      if (failed) throw failed.reason
      for (const folder of touched) await syncFolder(folder)
    },
    async drop(file) {
      await rm(join(path, file), { recursive: true, force: true })
      known.delete(join(path, file))
    },
    async clean() {
      await rm(unfinished, { recursive: true, force: true })
      // Somebody may have taken folders away as well.
      known.clear()
    },
  }
}

/** The bytes of a tile or bundle of `width`, or null. A partial one may be gone once the full one exists: then it is the beginning of that. */
export async function readTile(read: Reader, kind: TileKind, n: number, width: number): Promise<Buffer | null> {
  const found = await read(`tile/${tilePath({ kind, n, width })}`)
  if (found || width === tileWidth) return found
  const full = await read(`tile/${tilePath({ kind, n, width: tileWidth })}`)
  if (!full) return null
  if (kind !== 'entries') return full.subarray(0, width * hashSize)
  const entries = parseBundle(full, tileWidth)?.slice(0, width)
  return entries
    ? full.subarray(
        0,
        entries.reduce((sum, e) => sum + 2 + e.length, 0),
      )
    : null
}

/** Tiles of hashes for proofs. Throws where one is missing. */
export function tilesOf(read: Reader): TileReader {
  return async (level, n, width) => {
    const tile = await readTile(read, level, n, width)
    if (!tile) throw new RangeError(`There is no tile ${tilePath({ kind: level, n, width })}.`)
    return tile
  }
}
