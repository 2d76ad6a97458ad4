/** A bench that is interrupted leaves nothing behind: no process, no PostgreSQL, no folder. */
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { basename } from 'node:path'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** How long a PostgreSQL may take to end by itself before it is killed. */
const patienceMs = 5_000

/**
 * From now on a signal that asks this process to end first ends whatever works in `folder` or was started by this process, removes the folder and exits with 2: what was measured so
 * far is no result. Returns how to stop minding it. The folder's name must be unlike any other: processes are known by it.
 */
export function leaveNothingIn(folder: string): () => void {
  // Without a turn of the event loop: nothing may be started again while this cleans up.
  const interrupted = (signal: NodeJS.Signals) => {
    process.stderr.write(`Interrupted by ${signal}: ending what was started.\n`)
    for (let waited = 0; waited < 2 * patienceMs; waited += 50) {
      const left = busyWith(folder)
      if (left.length === 0) break
      // SIGQUIT is PostgreSQL's own way to end at once: it takes its shared memory with it.
      for (const { pid, database } of left) end(pid, database && waited < patienceMs ? 'SIGQUIT' : 'SIGKILL')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    process.exit(2)
  }
  for (const signal of signals) process.once(signal, interrupted)
  return () => {
    for (const signal of signals) process.off(signal, interrupted)
  }
}

/** Processes that name the folder in their words, settings or place, and children of this one. Where the system shows no processes (no `/proc`): none. */
function busyWith(folder: string): { pid: number; database: boolean }[] {
  const read = (look: () => string) => {
    try {
      return look()
    } catch {
      return ''
    }
  }
  return read(() => readdirSync('/proc').join(' '))
    .split(' ')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const at = `/proc/${name}`
      const words = read(() => readFileSync(`${at}/cmdline`, 'utf8'))
      // One that has ended, and waits only to be noticed, has no words left.
      if (words === '') return []
      const told = words + read(() => readFileSync(`${at}/environ`, 'utf8')) + read(() => readlinkSync(`${at}/cwd`))
      const parent = /^PPid:\s+(\d+)/m.exec(read(() => readFileSync(`${at}/status`, 'utf8')))?.[1]
      if (!told.includes(folder) && Number(parent) !== process.pid) return []
      return [{ pid: Number(name), database: basename(words.split('\0')[0]!.split(':')[0]!) === 'postgres' }]
    })
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It was quicker.
  }
}
