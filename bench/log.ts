/**
 * `bench log`: entries a second appended, sequenced and published durably, against the same rows inserted without a log, in the same transactions, on
 * the same server, in the same run. The server waits for the disk, as it does for people.
 *
 * The figure is of eight acts to a transaction, as four submissions gathered in one commit write them. Under `more` stand the two ends: one act to a
 * transaction, where the commit costs most, and 64, where a row costs next to nothing and the log's own work shows most.
 */
import { migrate, migrationSets, openDb, queryIn, startPostgres } from '#db'
import { openPublicLog, verifyLog } from '#publiclog'
import { aTakenTurn, silent, testKey } from '../src/modules/publiclog/testing.ts'
import { type Bench, type BenchResult, type Extent, fullExtent, inFolder, isMeasurement, median, ratioOf } from './bench.ts'

const writers = 16

/** Verifies the log at the end: a fast log that is wrong counts for nothing. */
export const bench: Bench = (extent, progress) => inFolder((folder) => inDatabase(folder, extent, progress))

async function inDatabase(folder: string, extent: Extent, progress: (words: string) => void): Promise<BenchResult> {
  const { rounds } = extent
  const part = Math.min(1, extent.seconds / fullExtent.seconds)
  const postgres = await startPostgres(folder, silent)
  const db = openDb(postgres.url, { max: writers + 2 })
  try {
    await migrate(
      db,
      migrationSets().filter((s) => s.module === 'publiclog'),
    )
    await db.query('create table bench_row (id bigint generated always as identity primary key, bytes bytea not null)')
    const publiclog = openPublicLog({ db, keys: { logSigner: testKey }, dataFolder: folder, origin: 'demo.bench/log', log: silent })
    await publiclog.startSequencer()
    await publiclog.publishNow()
    let n = 0

    /** `entries` entries, `rows` to a transaction, `writers` transactions at once: through the log, and as mere rows. */
    async function load(name: string, rows: number, entries: number) {
      const insert = `insert into bench_row (bytes) values ${Array.from({ length: rows }, (_, i) => `($${i + 1})`)} returning id`
      const measured = { log: [] as number[], rows: [] as number[] }
      // The first round warms up and is not counted.
      for (let round = 0; round <= rounds; round++) {
        const acts = Array.from({ length: entries / rows }, () =>
          Array.from({ length: rows }, () => aTakenTurn(++n, `demo/line-${n % 1000}`)),
        )
        const timed = async (work: (part: (typeof acts)[number]) => Promise<unknown>, finish?: () => Promise<void>) => {
          const queue = [...acts]
          const start = performance.now()
          await Promise.all(
            Array.from({ length: writers }, async () => {
              for (let part = queue.shift(); part; part = queue.shift()) await work(part)
            }),
          )
          await finish?.()
          return (entries * 1000) / (performance.now() - start)
        }
        const without = await timed((part) =>
          db.tx((tx) =>
            queryIn(
              tx,
              insert,
              part.map((e) => Buffer.from(JSON.stringify(e))),
              `bench-${rows}`,
            ),
          ),
        )
        const through = await timed(
          (part) => db.tx((tx) => publiclog.append(tx, part)),
          () => publiclog.publishNow(),
        )
        if (round > 0) {
          measured.rows.push(Math.round(without))
          measured.log.push(Math.round(through))
        }
        progress(
          `${name}, round ${round}: ${Math.round(through)}/s through the log, ${Math.round(without)}/s without${round ? '' : ' (not counted)'}`,
        )
      }
      const value = median(measured.log)
      const reference = median(measured.rows)
      return { rowsATransaction: rows, value, reference, ratio: ratioOf(value, reference), rounds: measured }
    }

    const single = await load('one act a transaction', 1, 6_000 * part)
    const some = await load('8 acts a transaction', 8, 24_000 * part)
    const many = await load('64 acts a transaction', 64, 64_000 * part)
    const head = await publiclog.head()
    const found = await verifyLog(folder, { key: publiclog.vkey })
    await publiclog.stop()
    const whole = found.ok && head.size === BigInt(n)
    return {
      bench: 'log',
      value: some.value,
      unit: 'entries/s',
      better: 'higher',
      reference: some.reference,
      ratio: some.ratio,
      reach: 'ratio >= 0.5 and value >= 5000, and the log verifies',
      ok: whole && some.ratio >= 0.5 && some.value >= 5_000,
      more: { measurement: isMeasurement(extent), verified: whole, entries: n, writers, rounds: some.rounds, single, many },
    }
  } finally {
    await db.close()
    await postgres.stop()
  }
}
