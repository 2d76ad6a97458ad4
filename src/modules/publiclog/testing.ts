import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db, Tx } from '#db'
import type { LineId } from '#kernel/id'
import { openPublicLog, type PublicLogDeps, type TurnTaken } from './index.ts'
import { keyFromSeed } from './note.ts'
import { addPending } from './store.ts'

/** Builders for tests of this module and of those above it. */

/** A log that says nothing. */
export const silent = { info() {}, warn() {} }

/** The key of test logs: never anybody's. */
export const testKey = keyFromSeed(Buffer.alloc(32, 7))

/** The entry of a taken turn, number `n` of `line`. */
export function aTakenTurn(n: number, line = 'demo/registry/births', at = '2026-11-23T21:05Z'): TurnTaken {
  const turn = Buffer.from(`${line}#${n}`).toString('base64url').padEnd(22, 'A').slice(-22) as TurnTaken['turn']
  return { v: 1, type: 'turn.taken', at, line: line as LineId, n, turn, class: 'general', holder: 'B'.repeat(43) }
}

/** A public log over `db` in a folder of its own. `close` stops it and removes the folder. */
export async function aPublicLog(db: Db, more: Partial<PublicLogDeps> = {}) {
  const dataFolder = more.dataFolder ?? (await mkdtemp(join(tmpdir(), 'ventanilla-log-')))
  const publiclog = openPublicLog({ db, keys: { logSigner: testKey }, origin: 'demo.example/log', log: silent, ...more, dataFolder })
  return {
    publiclog,
    dataFolder,
    async close() {
      await publiclog.stop()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

/** Puts bytes into the log that `append` would refuse: for tests that plant what a verifier must find. */
export function unsafeAppend(tx: Tx, entries: readonly Buffer[]): Promise<bigint[]> {
  return addPending(tx, entries)
}
