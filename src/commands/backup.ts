import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { environment, readConfig } from '#config'
import { copyDatabase, type Db, installationOf, openDb, startPostgres } from '#db'
import { logFiles, signedHead } from '#publiclog'
import { projectFolder } from '../folder.ts'
import { type Manifest, newBackup } from './backup-folder.ts'
import { type Command, only, result, say, toStderr } from './command.ts'

/** What a backup is taken of. `keys` is the folder of the keys. */
export type BackedUp = { readonly db: Db; readonly data: string; readonly keys: string; readonly demo: boolean; readonly logOrigin: string }

/** The release that is running. */
export const release = (): string => (JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as { version: string }).version

/**
 * Takes a backup into the new folder `to` while the system runs: the database as of one moment, the public log as it was signed at that moment, and every attachment that a row of it can
 * name (an attachment is on the disk before its row, under a name that is never used again). The keys only when asked. Nothing of it is there before all of it is.
 */
export async function takeBackup(
  of: BackedUp,
  to: string,
  { withKeys = false, now = new Date() } = {},
  tell: (words: string) => void = () => {},
): Promise<Manifest> {
  const made = await newBackup(to)
  try {
    const { more: head, ...database } = await copyDatabase(
      of.db,
      (file) => made.begin(`database/${file}.gz`),
      signedHead,
      (table, rows, done, all) => tell(`Table ${done} of ${all}: ${table}, ${rows} rows`),
    )
    const log = { size: head?.size ?? 0, copied: head !== null && hasLog(of.data) }
    if (head && log.copied) {
      let tiles = 0
      for await (const [path, bytes] of logFiles(of.data, head)) {
        await made.add(`log/${path}`, bytes)
        if (++tiles % 5_000 === 0) tell(`${tiles} files of the public log`)
      }
    }
    let attachments = 0
    for (const path of filesIn(join(of.data, 'files'))) {
      // Gone since it was listed: a draft's file that its owner took off, and no row of the snapshot needs, or one swept.
      if (await added(made.add(`files/${path}`, createReadStream(join(of.data, 'files', path))))) attachments++
      if (attachments > 0 && attachments % 5_000 === 0) tell(`${attachments} attachments`)
    }
    if (withKeys) for (const path of keysIn(of.keys)) await made.add(`keys/${path}`, createReadStream(join(of.keys, path)))
    return await made.finish({
      madeAt: now.toISOString(),
      release: release(),
      demo: of.demo,
      logOrigin: of.logOrigin,
      database,
      log,
      keys: withKeys,
    })
  } catch (error) {
    await made.abandon()
    throw error
  }
}

function hasLog(data: string): boolean {
  return readdirSync(data).includes('log')
}

/** `aa/aabb…`: each attachment below `folder`, without those that are still being written. */
function* filesIn(folder: string): Generator<string> {
  for (const two of safeList(folder)) if (two.length === 2) for (const id of safeList(join(folder, two))) yield `${two}/${id}`
}

/** The files of the keys, those of the authority in their folder among them. Throws where there is no such folder. */
const keysIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()

function safeList(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function added(adding: Promise<void>): Promise<boolean> {
  try {
    await adding
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

export const command: Command = {
  about: 'copies the database, attachments and public log into a new folder while everything runs',
  usage: '<folder> [--with-keys] [--json]',
  help: [
    'Needs no tools of PostgreSQL. The folder appears when the backup is whole; `sha256sum -c SHA256SUMS` checks it anywhere.',
    'The keys are not in it unless --with-keys is given: keep them in another place, because whoever has both can read everything,',
    'and without them nothing that people wrote can be read again. The way back: `bin/ventanilla restore`.',
  ].join('\n'),
  options: { 'with-keys': { type: 'boolean' } },
  async run({ positionals, options, json }) {
    const folder = only(positionals, 'folder')
    const config = readConfig(environment())
    const postgres = config.databaseUrl ? null : await startPostgres(config.data, toStderr)
    const db = openDb(config.databaseUrl ?? postgres!.url, { max: 2 })
    try {
      const withKeys = options['with-keys'] === true
      const known = await installationOf(db)
      const manifest = await takeBackup(
        { db, data: config.data, keys: config.keys, demo: known?.demo ?? config.demo, logOrigin: known?.logOrigin ?? config.logOrigin },
        folder,
        { withKeys },
        say,
      )
      const rows = manifest.database.tables.reduce((sum, t) => sum + t.rows, 0)
      say(
        withKeys
          ? 'The keys are in this backup: whoever has it can read everything.'
          : `The keys (${config.keys}) are not in this backup. Keep a copy of them in another place: without them it cannot be read.`,
      )
      result(
        json,
        { ok: true, folder, rows, files: manifest.files, bytes: manifest.bytes, log: manifest.log, keys: manifest.keys },
        `Backed up: ${rows} rows, ${manifest.files} files, ${megabytes(manifest.bytes)}, ${manifest.log.size} entries of the public log. ${folder}`,
      )
      return 0
    } finally {
      await db.close()
      await postgres?.stop()
    }
  },
}

/** Bytes as people read them. */
export const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
