/**
 * A backup as it lies on a disk: `manifest.json`, `SHA256SUMS` (as `sha256sum -c` reads it), and what they name. It is made aside and renamed, so a folder of the
 * final name is a whole backup.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough, type Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { DatabaseCopy } from '#db'

/** What `manifest.json` says. `sums` is the SHA-256 of `SHA256SUMS`, so that this one file vouches for all. */
export type Manifest = {
  readonly format: 'ventanilla-backup/1'
  readonly madeAt: string
  readonly release: string
  readonly demo: boolean
  readonly logOrigin: string
  readonly database: DatabaseCopy
  /** Entries of the public log as of the same moment; `copied` says whether its files are here as well. */
  readonly log: { readonly size: number; readonly copied: boolean }
  readonly keys: boolean
  readonly files: number
  readonly bytes: number
  readonly sums: string
}

/** The folder is no whole backup, or cannot become one. Its message names the fix. */
class BackupError extends Error {
  override name = 'BackupError'
}

const sumsFile = 'SHA256SUMS'
const manifestFile = 'manifest.json'
// Only names that we write: a path that leads out of the folder is none of them.
const safePath = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/

/** A backup that is being written. */
export type NewBackup = {
  /** A file of the backup; what is written is compressed with gzip where its name ends in `.gz`. The stream has ended when the file is on the disk. */
  begin(path: string): Writable
  add(path: string, content: Readable | Buffer): Promise<void>
  /** Writes sums and manifest and gives the folder its name. */
  finish(manifest: Omit<Manifest, 'format' | 'files' | 'bytes' | 'sums'>): Promise<Manifest>
  abandon(): Promise<void>
}

/** Begins a backup that will be `folder`, which must not exist or be empty. Readable by its owner only: people's names and addresses are in it. */
export async function newBackup(folder: string): Promise<NewBackup> {
  const final = resolve(folder)
  const found = await stat(final).catch(() => null)
  if (found && !(found.isDirectory() && (await readdir(final)).length === 0))
    throw new BackupError(`${final} exists and is not an empty folder. Name a new folder for this backup.`)
  await mkdir(dirname(final), { recursive: true })
  const aside = join(dirname(final), `.${basename(final)}.unfinished-${process.pid}`)
  await mkdir(aside, { mode: 0o700 })
  const sums = createWriteStream(join(aside, sumsFile), { mode: 0o600 })
  const digestOfSums = createHash('sha256')
  let files = 0
  let bytes = 0

  function note(line: string): Promise<void> {
    digestOfSums.update(line)
    return new Promise((done, failed) => sums.write(line, (error) => (error ? failed(error) : done())))
  }

  async function store(path: string, content: Readable | Buffer): Promise<void> {
    if (!safePath.test(path)) throw new BackupError(`A backup holds no file named ${path}.`)
    const at = join(aside, path)
    await mkdir(dirname(at), { recursive: true, mode: 0o700 })
    const digest = createHash('sha256')
    let size = 0
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        digest.update(chunk)
        size += chunk.length
        done(null, chunk)
      },
    })
    const from = Buffer.isBuffer(content) ? new PassThrough().end(content) : content
    await pipeline(from, counted, createWriteStream(at, { flags: 'wx', mode: 0o600, flush: true }))
    files++
    bytes += size
    await note(`${digest.digest('hex')}  ${path}\n`)
  }

  return {
    begin(path) {
      const entrance = path.endsWith('.gz') ? createGzip({ level: 1 }) : new PassThrough()
      const stored = store(path, entrance)
      const door = new Writable({
        write(chunk: Buffer, _encoding, done) {
          if (entrance.write(chunk)) done()
          else entrance.once('drain', () => done())
        },
        // Finished means: on the disk, and in the sums.
        final(done) {
          entrance.end()
          stored.then(() => done(), done)
        },
        destroy(error, done) {
          entrance.destroy(error ?? undefined)
          done(error)
        },
      })
      stored.catch((error) => door.destroy(error))
      return door
    },
    add: store,
    async finish(about) {
      await new Promise<void>((done, failed) => sums.end((error?: Error | null) => (error ? failed(error) : done())))
      await syncPath(join(aside, sumsFile))
      const manifest: Manifest = { format: 'ventanilla-backup/1', ...about, files, bytes, sums: digestOfSums.digest('hex') }
      await writeFile(join(aside, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true })
      await syncPath(aside)
      await rename(aside, final)
      await syncPath(dirname(final))
      return manifest
    },
    async abandon() {
      sums.destroy()
      await rm(aside, { recursive: true, force: true })
    },
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Reads what a backup says of itself. Nothing else is believed before `checkBackup`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, manifestFile), 'utf8').catch(() => null)
  if (text === null) throw new BackupError(`${folder} is no backup: there is no ${manifestFile} in it.`)
  let manifest: Manifest
  try {
    manifest = JSON.parse(text) as Manifest
  } catch {
    throw new BackupError(`${join(folder, manifestFile)} is damaged.`)
  }
  if (manifest.format !== 'ventanilla-backup/1')
    throw new BackupError(`${folder} is a backup of another format (${String(manifest.format)}).`)
  return manifest
}

/** The paths of a backup's files, as its sums list them. */
export async function* pathsOf(folder: string): AsyncGenerator<{ readonly path: string; readonly sha256: string }> {
  for await (const line of createInterface({ input: createReadStream(join(folder, sumsFile)), crlfDelay: Number.POSITIVE_INFINITY })) {
    const found = /^([0-9a-f]{64}) {2}(.+)$/.exec(line)
    if (!found || !safePath.test(found[2]!)) throw new BackupError(`${join(folder, sumsFile)} has a line that no backup writes.`)
    yield { path: found[2]!, sha256: found[1]! }
  }
}

async function sha256Of(file: string): Promise<string> {
  const digest = createHash('sha256')
  await pipeline(createReadStream(file), digest)
  return digest.digest('hex')
}

/** Compares every file with its sum, and the sums with the manifest. Throws a `BackupError` that names the first file that differs. */
export async function checkBackup(folder: string, manifest: Manifest, progress: (checked: number) => void = () => {}): Promise<void> {
  const damaged = (path: string) =>
    new BackupError(`${path} is missing or damaged: nothing was restored. Take another copy of this backup.`)
  const sum = async (path: string) =>
    (await stat(join(folder, path)).catch(() => null))?.isFile() ? await sha256Of(join(folder, path)) : null
  if ((await sum(sumsFile)) !== manifest.sums) throw damaged(join(folder, sumsFile))
  let checked = 0
  for await (const { path, sha256 } of pathsOf(folder)) {
    if ((await sum(path)) !== sha256) throw damaged(join(folder, path))
    progress(++checked)
  }
  if (checked !== manifest.files) throw damaged(folder)
}
