/**
 * Files that people hand in: kept in a folder, each under a random id and encrypted with the key of what it belongs to. The order of writing is bytes first, then the
 * caller's row: a file without a row is swept after a day, and a row never points at half a file.
 *
 * On disk: 16 random bytes of salt, then chunks of 64 KiB of content, each with its 16-byte tag. The key of a file is HKDF-SHA-256 of the given key with the salt and
 * the file's id; the nonce of a chunk is its number and a mark on the last one, so that no chunk can be moved, left out or cut off (the STREAM construction of Hoang et al., as `age` uses it).
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { createReadStream, mkdirSync } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileTypeFromBuffer } from 'file-type'
import { Problem } from '#kernel/problem'
import { dayMs } from '#kernel/time'

/** What a written file is. */
export type StoredFile = {
  id: string
  /** Bytes of the content. */
  size: number
  /** SHA-256 of the content, in hexadecimal. */
  sha256: string
  /** The media type its first bytes tell, whatever its name said. */
  type: string
}

export interface Files {
  /**
   * Keeps a stream encrypted under `key` and returns when it is safe on the disk. Refuses, keeping nothing, what is longer than `maxBytes` (`too-large`) and what by its
   * own bytes is none of `types` (`wrong-type`); by default PDF, JPEG and PNG. When the stream fails, so does this.
   */
  write(stream: AsyncIterable<unknown>, key: Buffer, limits: { maxBytes: number; types?: readonly string[] }): Promise<StoredFile>
  /** The content, decrypted as it is read. The stream fails when the file is missing, was changed, or `key` is another. */
  read(id: string, key: Buffer): Readable
  has(id: string): Promise<boolean>
  /** Removes files; those that are gone already do not matter. */
  remove(ids: readonly string[]): Promise<void>
  /**
   * Removes files at least a day old that `live` does not return, asked for a page of ids at a time, and what interrupted writes left. Returns how many.
   */
  sweep(live: (ids: readonly string[]) => Promise<Iterable<string>>, now?: Date): Promise<number>
}

/** PDF, JPEG and PNG: what a phone's camera, a scanner and an office make. */
export const paperTypes: readonly string[] = ['application/pdf', 'image/jpeg', 'image/png']

const saltBytes = 16
const tagBytes = 16
const chunkBytes = 65_536
// As much as the detection of any accepted type looks at.
const sniffBytes = 4_100
const pageOfIds = 500
const idShape = /^[A-Za-z0-9_-]{22}$/

/** Opens the folder `files` in `dataFolder`. Processes that share the folder may use it together. */
export function openFiles(dataFolder: string): Files {
  const root = join(dataFolder, 'files')
  const unfinished = join(root, 'unfinished')
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })

  const place = (id: string) => {
    if (!idShape.test(id)) throw new Problem('not-found', 'There is no such file.')
    return join(root, id.slice(0, 2), id)
  }

  return {
    async write(stream, key, { maxBytes, types = paperTypes }) {
      const id = randomBytes(16).toString('base64url')
      const salt = randomBytes(saltBytes)
      const seal = sealer(fileKey(key, salt, id))
      const digest = createHash('sha256')
      const aside = join(unfinished, id)
      let size = 0
      let type: string | null = null
      let held = Buffer.alloc(0)
      const file = await open(aside, 'wx', 0o600)
      try {
        await file.write(salt)
        for await (const piece of stream) {
          const bytes = Buffer.isBuffer(piece) ? piece : Buffer.from(piece as Uint8Array)
          size += bytes.length
          if (size > maxBytes) throw new Problem('too-large', `The file is larger than ${megabytes(maxBytes)}.`)
          digest.update(bytes)
          held = Buffer.concat([held, bytes])
          if (type === null && held.length >= sniffBytes) type = await typeOf(held, types)
          // One byte more than a chunk: whether a full chunk is the last is known only then.
          for (; type !== null && held.length > chunkBytes; held = held.subarray(chunkBytes))
            await file.write(seal(held.subarray(0, chunkBytes), false))
        }
        type ??= await typeOf(held, types)
        await file.write(seal(held, true))
        await file.sync()
        await file.close()
        const final = place(id)
        await mkdir(join(final, '..'), { recursive: true, mode: 0o700 })
        await rename(aside, final)
        for (const folder of [join(final, '..'), root]) await syncFolder(folder)
      } catch (error) {
        await file.close().catch(() => {})
        await rm(aside, { force: true })
        throw error
      }
      return { id, size, sha256: digest.digest('hex'), type }
    },

    read: (id, key) => Readable.from(opened(place(id), key, id), { objectMode: false }),

    has: (id) =>
      access(place(id)).then(
        () => true,
        () => false,
      ),

    async remove(ids) {
      for (const id of ids) await rm(place(id), { force: true })
    },

    async sweep(live, now = new Date()) {
      const old = async (file: string) => (await stat(file).catch(() => null))?.mtime.getTime() ?? Number.POSITIVE_INFINITY
      const before = now.getTime() - dayMs
      let removed = 0
      for (const name of await readdir(unfinished)) {
        if ((await old(join(unfinished, name))) > before) continue
        await rm(join(unfinished, name), { force: true })
        removed++
      }
      const candidates: string[] = []
      for (const folder of await readdir(root)) {
        if (folder.length !== 2) continue
        for (const id of await readdir(join(root, folder))) {
          if (idShape.test(id) && (await old(place(id))) <= before) candidates.push(id)
        }
      }
      for (let i = 0; i < candidates.length; i += pageOfIds) {
        const page = candidates.slice(i, i + pageOfIds)
        const kept = new Set(await live(page))
        for (const id of page.filter((id) => !kept.has(id))) {
          await rm(place(id), { force: true })
          removed++
        }
      }
      return removed
    },
  }
}

async function typeOf(head: Buffer, types: readonly string[]): Promise<string> {
  const found = (await fileTypeFromBuffer(head.subarray(0, sniffBytes)).catch(() => undefined))?.mime
  if (found === undefined || !types.includes(found)) throw new Problem('wrong-type', 'The file is of a kind that is not accepted here.')
  return found
}

function fileKey(key: Buffer, salt: Buffer, id: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, `ventanilla file v1 ${id}`, 32))
}

/** The nonce of chunk `number`: eleven bytes of number, one that says whether it is the last. */
function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(number, 7)
  nonce[11] = last ? 1 : 0
  return nonce
}

function sealer(key: Buffer): (chunk: Buffer, last: boolean) => Buffer {
  let number = 0
  return (chunk, last) => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number++, last))
    return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()])
  }
}

async function* opened(path: string, key: Buffer, id: string): AsyncGenerator<Buffer> {
  const whole = chunkBytes + tagBytes
  let own: Buffer | null = null
  let number = 0
  let held = Buffer.alloc(0)
  const unseal = (box: Buffer, last: boolean) => {
    const cipher = createDecipheriv('aes-256-gcm', own!, nonceOf(number++, last)).setAuthTag(box.subarray(-tagBytes))
    return Buffer.concat([cipher.update(box.subarray(0, -tagBytes)), cipher.final()])
  }
  for await (const piece of createReadStream(path, { highWaterMark: whole })) {
    held = Buffer.concat([held, piece as Buffer])
    if (own === null && held.length >= saltBytes) {
      own = fileKey(key, held.subarray(0, saltBytes), id)
      held = held.subarray(saltBytes)
    }
    for (; own !== null && held.length > whole; held = held.subarray(whole)) yield unseal(held.subarray(0, whole), false)
  }
  if (own === null || held.length < tagBytes) throw new Error(`The file ${id} is cut off.`)
  yield unseal(held, true)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function megabytes(bytes: number): string {
  return bytes >= 1_000_000 ? `${Math.floor(bytes / 1_000_000)} MB` : `${Math.ceil(bytes / 1_000)} kB`
}
