import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, rename } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { environment, readConfig } from '#config'
import { type Db, openDb, RestoreError, restoreDatabase, startPostgres } from '#db'
import { parseCheckpoint } from '#publiclog'
import { checkBackup, type Manifest, pathsOf, readManifest } from './backup-folder.ts'
import { type Command, only, result, say, toStderr } from './command.ts'

/** Where a backup is restored to. The folder of the public log may be there already: then it is kept. */
export type RestoredTo = { readonly db: Db; readonly data: string; readonly keys: string }

/** What was restored. `published`: how far the log in the data folder was published; `behind`: the database lacks some of that, and `recover` is the next step. */
export type Restored = { readonly manifest: Manifest; readonly published: number; readonly behind: boolean; readonly keys: boolean }

/**
 * Restores the backup in `folder`: checks every file first, then the files, then the database in one transaction, so that a restore which stops can be run again. Refuses
 * (`BackupError`, `RestoreError`), having changed no row, a damaged backup and a place that is in use. A public log that is there is never touched: it may be newer, and it is the truth.
 */
export async function restoreBackup(to: RestoredTo, folder: string, tell: (words: string) => void = () => {}): Promise<Restored> {
  const from = resolve(folder)
  const manifest = await readManifest(from)
  tell(`Checking ${manifest.files} files of the backup of ${manifest.madeAt}.`)
  await checkBackup(from, manifest)
  const there = await publishedAt(to.data)
  if (there && there.origin !== manifest.logOrigin)
    throw new RestoreError(
      `${join(to.data, 'log')} holds the log ${there.origin}, the backup is of ${manifest.logOrigin}. Use another data folder.`,
    )

  const hasKeys = existsSync(to.keys) && readdirSync(to.keys).some((name) => name.startsWith('data-'))
  /** Where a file of the backup belongs, or null where it stays: what is there already is never overwritten by a backup. */
  const placeOf = (path: string): string | null => {
    if (path.startsWith('files/')) return join(to.data, path)
    if (path.startsWith('log/')) return there ? null : join(to.data, path)
    return path.startsWith('keys/') && !hasKeys ? join(to.keys, path.slice('keys/'.length)) : null
  }
  await restoreDatabase(to.db, manifest.database, (file) => gunzipped(join(from, 'database', `${file}.gz`)), {
    // Before the rows: once they are committed the database counts as in use.
    async before() {
      let done = 0
      for await (const { path } of pathsOf(from)) {
        const at = placeOf(path)
        if (at === null) continue
        await put(join(from, path), at, path.startsWith('log/') ? 0o644 : 0o600)
        if (++done % 5_000 === 0) tell(`${done} files`)
      }
    },
    progress: (table, rows, done, all) => tell(`Table ${done} of ${all}: ${table}, ${rows} rows`),
  })
  const published = there?.size ?? (manifest.log.copied ? manifest.log.size : 0)
  return { manifest, published, behind: published > manifest.log.size, keys: hasKeys || manifest.keys }
}

/** The checkpoint in a data folder; null where nothing was published. `start` checks its signature. */
async function publishedAt(data: string): Promise<{ readonly origin: string; readonly size: number } | null> {
  const bytes = await readFile(join(data, 'log', 'checkpoint')).catch(() => null)
  return bytes && parseCheckpoint(bytes)
}

function gunzipped(file: string): Readable {
  const plain = createGunzip()
  // What goes wrong with the file ends the stream with that error.
  pipeline(createReadStream(file), plain, () => {})
  return plain
}

async function put(from: string, to: string, mode: number): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: mode === 0o600 ? 0o700 : 0o755 })
  const aside = `${to}.restored`
  await copyFile(from, aside)
  await chmod(aside, mode)
  await rename(aside, to)
}

export const command: Command = {
  about: 'brings a backup back, into an empty database and data folder',
  usage: '<folder> [--json]',
  help: [
    'Every file is compared with its sum first. Refused where the database is in use. A public log that lies in the data folder already is kept: it is the truth,',
    'and where it is newer than the backup, `recover` comes next. Put the keys of the old installation in their place before you start.',
  ].join('\n'),
  options: {},
  async run({ positionals, json }) {
    const folder = only(positionals, 'folder')
    const config = readConfig(environment())
    // Read before a server is started for it.
    await readManifest(folder)
    const postgres = config.databaseUrl ? null : await startPostgres(config.data, toStderr)
    const db = openDb(config.databaseUrl ?? postgres!.url, { max: 2 })
    try {
      const { manifest, published, behind, keys } = await restoreBackup({ db, data: config.data, keys: config.keys }, folder, say)
      if (!keys)
        say(
          `There are no keys in ${config.keys}. Put those of the old installation there before you start: without them nothing can be read, and the log cannot go on.`,
        )
      if (manifest.demo !== config.demo)
        say(
          `The backup is of ${manifest.demo ? 'a demonstration' : 'a real system'}: start with VENTANILLA_DEMO=${manifest.demo ? 'on' : 'off'}.`,
        )
      if (manifest.logOrigin !== config.logOrigin)
        say(`The backup's public log is named ${manifest.logOrigin}: start with VENTANILLA_LOG_ORIGIN=${manifest.logOrigin}.`)
      const next = behind
        ? `The published log has ${published} entries, the backup ${manifest.log.size}: run \`bin/ventanilla recover\` before you start.`
        : `If more than ${manifest.log.size} entries of the public log were published anywhere (another copy, a mirror, a witness), run \`bin/ventanilla recover --from <url|folder>\` before you start.`
      result(
        json,
        { ok: true, madeAt: manifest.madeAt, release: manifest.release, log: manifest.log.size, published, recover: behind, keys },
        `Restored the backup of ${manifest.madeAt}. ${next}`,
      )
      return 0
    } finally {
      await db.close()
      await postgres?.stop()
    }
  },
}
