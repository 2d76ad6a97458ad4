/** The program is told to stop, twice, as a process group and the launcher that hands a signal on do it together; and what it compiled is kept by then. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, inFolder, startSystem } from '../bench/bench.ts'

test('a second SIGTERM does not cut off what the first one ends in order, and what was compiled is kept while it runs', () =>
  inFolder(async (folder) => {
    const cache = join(folder, 'compiled')
    const system = await startSystem(join(folder, 'data'), await freePort(), { settings: { NODE_COMPILE_CACHE: cache } })
    const kept = () => readdirSync(cache, { recursive: true }).length
    for (let i = 0; i < 300 && kept() < 200; i++) await sleep(100)
    assert.ok(kept() >= 200, `${kept()} files are kept, and the program runs`)
    const ended = new Promise((resolve) => system.child.once('exit', (code, signal) => resolve({ code, signal })))
    system.child.kill('SIGTERM')
    await sleep(5)
    system.child.kill('SIGTERM')
    assert.deepEqual(await ended, { code: 0, signal: null })
  }))
