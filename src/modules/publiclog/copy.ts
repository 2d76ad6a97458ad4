/** The published log as files to keep elsewhere: for backups. */
import { join } from 'node:path'
import type { Tx } from '#db'
import { openFolder, readTile } from './folder.ts'
import { readHead } from './store.ts'
import { type TileKind, tilePath, tileWidth, widthAt } from './tiles.ts'

/** The head that was signed last as `tx` sees it; null before the first. */
export async function signedHead(tx: Tx): Promise<{ readonly size: number; readonly note: string } | null> {
  const { size, note } = await readHead(tx)
  return note === null ? null : { size, note }
}

/** How many tiles of `kind` a tree of `size` has. */
function tilesAt(kind: TileKind, size: number): number {
  return Math.ceil(Math.floor(size / (kind === 'entries' ? 1 : tileWidth ** kind)) / tileWidth)
}

/**
 * Every file of the log under `dataFolder` as it is at a signed head that the database has: all tiles of that size, the key and the policy, and last the checkpoint. Tiles are
 * written before a head is signed and never change, so this holds while the log goes on. Throws where a tile is missing.
 */
export async function* logFiles(
  dataFolder: string,
  head: { readonly size: number; readonly note: string },
): AsyncGenerator<[path: string, bytes: Buffer]> {
  const { path, read } = openFolder(join(dataFolder, 'log'))
  const kinds: TileKind[] = ['entries']
  for (let level = 0; tilesAt(level, head.size) > 0; level++) kinds.push(level)
  for (const kind of kinds) {
    for (let n = 0; n < tilesAt(kind, head.size); n++) {
      const tile = { kind, n, width: widthAt(kind, n, head.size) }
      const bytes = await readTile(read, kind, n, tile.width)
      if (!bytes) throw new Error(`${path} lacks the tile ${tilePath(tile)}.`)
      yield [`tile/${tilePath(tile)}`, bytes]
    }
  }
  for (const name of ['key', 'policy']) {
    const bytes = await read(name)
    if (bytes) yield [name, bytes]
  }
  yield ['checkpoint', Buffer.from(head.note)]
}
