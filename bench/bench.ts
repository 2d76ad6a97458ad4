/** What all benches share: their result, medians, a folder that goes away, and the processes they measure. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment } from '#config'
import { projectFolder } from '../src/folder.ts'
import { leaveNothingIn } from './interrupt.ts'

/** What every bench prints. `reference` and `ratio` are null where nothing is compared: then `reach` is a bound on the value. */
export type BenchResult = {
  bench: string
  value: number
  unit: string
  better: 'higher' | 'lower'
  reference: number | null
  /** value / reference. */
  ratio: number | null
  /** What must hold, in words. */
  reach: string
  ok: boolean
  more: Record<string, unknown>
}

/** How much is measured. Fewer than five rounds, or shorter ones, show only that the bench runs: `more.measurement` is then false. */
export type Extent = {
  readonly rounds: number
  /** About how long each side of a round lasts. */
  readonly seconds: number
  /** A folder for CPU profiles of the measured process. It slows the process down. */
  readonly profile: string | null
}
export const fullExtent: Extent = { rounds: 5, seconds: 4, profile: null }
export const isMeasurement = (e: Extent) => e.rounds >= fullExtent.rounds && e.seconds >= fullExtent.seconds && e.profile === null

/** One bench: runs on its own, says how far it is, leaves nothing behind. */
export type Bench = (extent: Extent, progress: (words: string) => void) => Promise<BenchResult>

/** The bench cannot run here; the message says what is missing. */
export class BenchError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BenchError'
  }
}

export const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!
export const ratioOf = (value: number, reference: number) => Number((value / reference).toFixed(3))

/** Runs `work` with a folder of its own under the system's temporary folder and removes it, also when it is interrupted. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ventanilla-bench-'))
  const done = leaveNothingIn(folder)
  try {
    return await work(folder)
  } finally {
    done()
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** The environment without this program's settings: a bench measures the defaults and what it says itself. */
export function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(environment()).filter(
    ([name, value]) => value !== undefined && name !== 'DATABASE_URL' && !name.startsWith('VENTANILLA_'),
  )
  return Object.fromEntries(kept) as Record<string, string>
}

/** A process that was started and how it is ended. */
export type Started = { readonly child: ChildProcess; readonly pid: number; stop(): Promise<void> }

/** Starts Node on a file and waits for the first line that it writes on stdout or stderr and that `ready` accepts. */
export async function startNode(
  args: readonly string[],
  { env = {}, ready }: { env?: Record<string, string>; ready: RegExp },
): Promise<Started & { said: string }> {
  const child = spawn(process.execPath, args, {
    cwd: projectFolder,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let all = ''
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const said = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      all = (all + chunk.toString()).slice(-20_000)
      const found = ready.exec(all)
      if (found) resolve(found[0])
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`The process ended with ${code} before it was ready:\n${all}`)))
  })
  return {
    child,
    said,
    pid: child.pid!,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 25_000)
      await ended
      clearTimeout(late)
    },
  }
}

/** The settings of a system measured alone: real (no demonstration), quiet, without limits on how often one may ask. */
export const systemSettings = (folder: string, port: number): Record<string, string> => ({
  VENTANILLA_DATA: folder,
  VENTANILLA_PORT: String(port),
  VENTANILLA_METRICS_PORT: '0',
  VENTANILLA_DEMO: 'off',
  VENTANILLA_LOG_LEVEL: 'error',
  VENTANILLA_READS_PER_ADDRESS: '0',
  VENTANILLA_WRITES_PER_ADDRESS: '0',
  VENTANILLA_WRITES_PER_PERSON: '0',
})

/** Starts the system as `bin/ventanilla start` does and waits until it serves. */
export function startSystem(
  folder: string,
  port: number,
  { settings = {}, profile = null }: { settings?: Record<string, string>; profile?: string | null } = {},
): Promise<Started> {
  const flags = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []
  return startNode([...flags, join(projectFolder, 'src/cli.ts'), 'start'], {
    env: { ...systemSettings(folder, port), ...settings },
    ready: /Ventanilla: http/,
  })
}

/** What the load process counted. Latencies in milliseconds. */
export type Loaded = { right: number; wrong: Record<string, number>; seconds: number; perSecond: number; p50: number; p99: number }

/** What the load process sends: the same request again and again for some seconds, or each line of a file once. */
export type Load = {
  readonly port: number
  readonly connections: number
  /** Only answers with this status count. */
  readonly status: number
  /** A new connection for each request: for servers that keep none. */
  readonly fresh?: boolean
} & ({ readonly request: string; readonly seconds: number } | { readonly requests: string })

/** Sends requests from a process of its own. */
export async function load(job: Load): Promise<Loaded> {
  const child = spawn(process.execPath, [join(projectFolder, 'bench/load.ts'), JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: cleanEnvironment(),
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`The load process ended with ${code}.`)
  return JSON.parse(out) as Loaded
}
