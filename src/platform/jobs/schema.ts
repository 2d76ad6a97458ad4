import { PgBoss } from 'pg-boss'

/** Runs one statement, or several when there are no values. */
export type ExecuteSql = (text: string, values?: unknown[]) => Promise<{ rows: Record<string, unknown>[] }>

/**
 * Makes or updates the tables of the job queue (pg-boss keeps its own version), called by `migrate` under its lock and on its connection.
 * Nothing is left running.
 */
export async function migrateJobs(executeSql: ExecuteSql): Promise<void> {
  const boss = new PgBoss({ db: { executeSql }, migrate: true, supervise: false, schedule: false, registerInstance: false })
  const failures: unknown[] = []
  boss.on('error', (error) => failures.push(error))
  await boss.start()
  await boss.stop({ graceful: false, close: false })
  if (failures.length > 0) throw failures[0]
}
