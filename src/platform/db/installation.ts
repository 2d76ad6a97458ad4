import type { Db } from './index.ts'

/** What a database was made for. */
export type Installation = { readonly demo: boolean; readonly logOrigin: string }

/** The database is of another kind than the settings say. Its message names the fix. */
export class InstallationError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'InstallationError'
  }
}

/** What this database was made for; null before its first use. */
export async function installationOf(db: Db): Promise<Installation | null> {
  const [found] = await db.query<{ demo: boolean; log_origin: string }>('select demo, log_origin from db_installation')
  return found ? { demo: found.demo, logOrigin: found.log_origin } : null
}

/**
 * Says at the first use what this database is, and at every later one that it still is that. Throws an `InstallationError`: a demonstration never becomes a real
 * system, nor the other way, and the log keeps its name.
 */
export async function settleInstallation(db: Db, wanted: Installation, now: Date): Promise<void> {
  await db.query('insert into db_installation (demo, log_origin, made_at) values ($1, $2, $3) on conflict do nothing', [
    wanted.demo,
    wanted.logOrigin,
    now,
  ])
  const found = (await installationOf(db))!
  if (found.demo && !wanted.demo)
    throw new InstallationError(
      'This database is a demonstration and can never become a real one. Use another VENTANILLA_DATA folder or DATABASE_URL with VENTANILLA_DEMO=off.',
    )
  if (!found.demo && wanted.demo)
    throw new InstallationError(
      'This database is a real one: start it with VENTANILLA_DEMO=off. A demonstration needs a VENTANILLA_DATA folder or DATABASE_URL of its own.',
    )
  if (found.logOrigin !== wanted.logOrigin)
    throw new InstallationError(
      `The public log of this database is named ${found.logOrigin}, for ever. Set VENTANILLA_LOG_ORIGIN=${found.logOrigin}, or use another database.`,
    )
}
