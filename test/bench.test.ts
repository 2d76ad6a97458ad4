/** Each bench runs in its smallest form, so that it is alive when somebody measures. What it says then is no measurement, and it says so. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanEnvironment } from '../bench/bench.ts'
import { benches } from '../bench/index.ts'
import { projectFolder } from '../src/folder.ts'

const smallest = { rounds: 1, seconds: 1, profile: null }
const hasPgbench =
  existsSync('/usr/lib/postgresql') && readdirSync('/usr/lib/postgresql').some((v) => existsSync(`/usr/lib/postgresql/${v}/bin/pgbench`))

/** What must hold however busy the machine is: that what was done was done right. */
const sound: Record<string, (more: Record<string, unknown>) => void> = {
  intake(more) {
    const checks = more.checks as { acknowledged: number; storedOnceAndWhole: number; log: boolean; turns: boolean }
    assert.ok(checks.acknowledged > 0)
    assert.equal(checks.storedOnceAndWhole, checks.acknowledged)
    assert.ok(checks.log && checks.turns)
  },
  page: (more) => assert.ok((more.renderedAnew as { value: number }).value > 0),
  log: (more) => assert.equal(more.verified, true),
  start: (more) => assert.ok((more.catalogue as { services: number }).services > 10_000),
  search(more) {
    const { hits, of } = more.table as { hits: number; of: number }
    assert.ok(of > 50 && hits >= of * 0.95)
    assert.ok((more.services as number) >= 25_000)
    assert.ok((more.referenceFoundNothing as number) < (more.queries as number))
  },
  turns(more) {
    // As many wait as before: every round took as many as it called.
    assert.equal(more.sound, true)
    const { few, many } = more.waiting as { few: number; many: number }
    const checks = more.checks as Record<'few' | 'many', { waiting: number }>
    assert.ok(checks.few.waiting > 2 * few && checks.many.waiting > 2 * many && many > few)
    assert.equal((more.acts as unknown[]).length, 8)
  },
  history(more) {
    const { few, many } = more.stored as { few: number; many: number }
    assert.ok(many > few)
    const kinds = more.kinds as { value: number; reference: number }[]
    assert.ok(kinds.length === 8 && kinds.every((k) => k.value > 0 && k.reference > 0))
  },
  'page-weight'(more) {
    assert.deepEqual(more.unmet, [], 'pages that nobody weighs')
    assert.deepEqual(more.over, [])
    assert.ok((more.kinds as number) > 40 && (more.css as number) > 1_000)
  },
  load(more) {
    assert.deepEqual([more.errors, more.firstErrors, more.journeys], [0, [], more.people])
    assert.ok((more.served as number) > 0)
    assert.ok((more.kinds as { kind: string }[]).some((k) => k.kind === 'receipt'))
  },
  verify(more) {
    assert.equal(more.refused, more.people)
    assert.ok((more.cold as number) > 0 && (more.bare as number) > 0)
  },
  ocsp(more) {
    assert.equal(more.checked, more.right)
    assert.ok((more.withNonce as number) > 0)
  },
  login(more) {
    assert.equal(more.refused, 1)
    assert.ok((more.p95Ms as number) >= (more.p50Ms as number))
  },
  sign: (more) => assert.equal(more.checked, more.right),
  kill: (more) => assert.deepEqual(more.findings, []),
}

test('every bench has its promise here', () => assert.deepEqual(Object.keys(benches).sort(), Object.keys(sound).sort()))

for (const [name, { load }] of Object.entries(benches)) {
  const skip = name === 'intake' && !hasPgbench ? 'pgbench is missing: apt-get install postgresql-15' : false
  test(`bench ${name} runs, and what it did was right`, { skip, timeout: 300_000 }, async () => {
    const { bench } = await load()
    const r = await bench(smallest, () => {})
    assert.equal(r.bench, name)
    assert.equal(r.more.measurement, false)
    assert.ok(Number.isFinite(r.value))
    assert.ok(r.better === 'higher' || r.better === 'lower')
    if (r.reference !== null) assert.equal(r.ratio, Number((r.value / r.reference).toFixed(3)))
    sound[name]!(r.more)
  })
}

for (const [name, signal] of [
  ['log', 'SIGINT'],
  ['start', 'SIGTERM'],
] as const) {
  const skip = process.platform === 'linux' ? false : 'processes are found by /proc'
  test(`bench ${name} ended by ${signal} leaves no PostgreSQL, no process and no folder`, { skip, timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-cut-'))
    try {
      const child = spawn(process.execPath, [join(projectFolder, 'src/cli.ts'), 'bench', name, '--json'], {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...cleanEnvironment(), TMPDIR: folder },
      })
      let said = ''
      child.stdout.on('data', (words: Buffer) => {
        said += words
      })
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
      const postmaster = () => {
        const all = filesOf(folder).find((f) => f.endsWith('cluster/postmaster.pid'))
        return all && Number(readFileSync(join(folder, all), 'utf8').split('\n')[0])
      }
      let pid = postmaster()
      for (; !pid; pid = postmaster()) await sleep(50)
      await sleep(500)
      child.kill(signal)
      assert.equal(await ended, 2)
      assert.equal(said, '')
      assert.deepEqual(readdirSync(folder), [])
      // Ended, if perhaps not yet noticed by whoever took it over.
      assert.equal(existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '', '')
      const left = readdirSync('/proc').filter((p) => /^\d+$/.test(p) && mentions(p, folder))
      assert.deepEqual(left, [])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

/** The files under a folder; none while something in it comes or goes, as a cluster being made does. */
function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return []
    throw error
  }
}

/** Whether a process was told of this folder. */
function mentions(pid: string, folder: string): boolean {
  try {
    return (readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8')).includes(folder)
  } catch {
    return false
  }
}
