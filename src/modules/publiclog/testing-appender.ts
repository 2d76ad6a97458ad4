/**
 * A process for tests to kill: appends one act after the other to one line, sequences, and says each number once it is committed.
 * Arguments: the database's URL, the data folder, the first number.
 */
import { openDb } from '#db'
import { aPublicLog, aTakenTurn } from './testing.ts'

const [url, dataFolder, first] = process.argv.slice(2) as [string, string, string]
const db = openDb(url, { max: 3 })
const { publiclog } = await aPublicLog(db, { dataFolder, intervalMs: 3 })
await publiclog.startSequencer()
for (let n = Number(first); ; n++) {
  await db.tx((tx) => publiclog.append(tx, [aTakenTurn(n)]))
  process.stdout.write(`${n}\n`)
}
