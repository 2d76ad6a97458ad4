/**
 * `bench log`: entries a second appended, sequenced and published durably, against the same rows inserted without a log, on the same server in the
 * same run. The server waits for the disk, as it does for people.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, migrationSets, openDb, queryIn, startPostgres } from '#db'
import { openPublicLog, verifyLog } from '#publiclog'
import { aTakenTurn, silent, testKey } from '../src/modules/publiclog/testing.ts'

/** What every bench prints: see docs/benchmarks.md. */
export type BenchResult = {
  bench: string
  value: number
  unit: string
  better: 'higher' | 'lower'
  reference: number
  ratio: number
  reach: string
  ok: boolean
  more: Record<string, unknown>
}

// As submissions arrive: gathered, some dozens to a commit, several commits under way.
const rowsATransaction = 64
const writers = 8
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!

/** Runs the bench: `rounds` alternating rounds of `entries` entries each. Medians. Verifies the log at the end: a fast log that is wrong counts for nothing. */
export async function bench({ rounds = 5, entries = 131_072 } = {}, progress: (words: string) => void = () => {}): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'ventanilla-bench-'))
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
    const measured = { log: [] as number[], rows: [] as number[], appended: [] as number[] }
    const inParallel = async <T>(all: readonly T[][], work: (part: T[]) => Promise<unknown>) => {
      const queue = [...all]
      await Promise.all(
        Array.from({ length: writers }, async () => {
          for (let part = queue.shift(); part; part = queue.shift()) await work(part)
        }),
      )
    }
    const perSecond = (since: number) => (entries * 1000) / (performance.now() - since)

    // The first round warms up and is not counted.
    for (let round = 0; round <= rounds; round++) {
      const made = Array.from({ length: entries / rowsATransaction }, () =>
        Array.from({ length: rowsATransaction }, () => aTakenTurn(++n, `demo/line-${n % 1000}`)),
      )

      let start = performance.now()
      // The very statement of the log, into a table that no log reads. What it inserts is the same JSON, as anybody would write it who has no log.
      await inParallel(made, (entries) =>
        db.tx((tx) => {
          const part = entries.map((e) => Buffer.from(JSON.stringify(e)))
          let end = 0
          const ends = part.map((b) => (end += b.length))
          return queryIn(
            tx,
            `insert into bench_row (bytes) select substring($1::bytea from (b.upto - b.length + 1) for b.length)
             from unnest($2::int[], $3::int[]) as b(upto, length) returning id`,
            [Buffer.concat(part), ends, part.map((b) => b.length)],
            'bench-rows',
          )
        }),
      )
      const rows = perSecond(start)

      start = performance.now()
      await inParallel(made, (part) => db.tx((tx) => publiclog.append(tx, part)))
      const appended = perSecond(start)
      await publiclog.publishNow()
      const log = perSecond(start)
      if (round > 0) {
        measured.rows.push(rows)
        measured.log.push(log)
        measured.appended.push(appended)
      }
      progress(
        `round ${round}: ${Math.round(log)} entries/s through the log, ${Math.round(rows)} rows/s without${round ? '' : ' (not counted)'}`,
      )
    }

    const head = await publiclog.head()
    const found = await verifyLog(folder, { key: publiclog.vkey })
    await publiclog.stop()
    const value = median(measured.log)
    const reference = median(measured.rows)
    const ratio = value / reference
    const whole = found.ok && head.size === BigInt((rounds + 1) * entries)
    return {
      bench: 'log',
      value: Math.round(value),
      unit: 'entries/s',
      better: 'higher',
      reference: Math.round(reference),
      ratio: Number(ratio.toFixed(3)),
      reach: 'ratio >= 0.5 and value >= 5000',
      ok: whole && ratio >= 0.5 && value >= 5_000,
      more: {
        verified: whole,
        rounds,
        entriesARound: entries,
        rowsATransaction,
        writers,
        appendedOnly: Math.round(median(measured.appended)),
        all: { log: measured.log.map(Math.round), rows: measured.rows.map(Math.round) },
      },
    }
  } finally {
    await db.close()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
