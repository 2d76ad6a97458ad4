/**
 * What `npm test` does: the tools it needs, the checks that read the source, the assets, and every test file, two at a time, on one embedded PostgreSQL; then the tests with SQL
 * once more on PostgreSQL 15, the oldest we promise. Ends with `N passed, N failed, N skipped` and 1 when anything failed.
 *
 *   npm test                       everything; with CI=true a skipped test and a missing tool are failures
 *   npm test -- src/platform       only the test files whose path begins so, without the checks
 *   npm run test:long              the same tests with larger counts (VENTANILLA_LONG=1)
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'
import { type RunningPostgres, startPostgres } from '#db'
import { startTestPostgres } from './support/database.ts'

const root = resolve(import.meta.dirname, '..')
process.chdir(root)
const ci = process.env.CI === 'true'
const long = process.argv.includes('--long')
const only = process.argv.slice(2).filter((arg) => !arg.startsWith('--'))
const began = Date.now()
const failures: string[] = []
const total = { passed: 0, failed: 0, skipped: 0 }

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
const say = (line: string) => process.stdout.write(`${line}\n`)

const tools = [
  { file: '/usr/bin/chromium', package: 'chromium', for: 'the tests in a browser' },
  { file: '/usr/lib/postgresql/15/bin/pgbench', package: 'postgresql-15', for: 'the tests on PostgreSQL 15 and the benchmarks' },
  { file: '/usr/bin/pdftotext', package: 'poppler-utils', for: 'the tests of documents and signed PDFs' },
  { file: '/usr/bin/openssl', package: 'openssl', for: 'the tests of signatures' },
  { file: '/usr/bin/softhsm2-util', package: 'softhsm2', for: "the tests of the authority's key in a PKCS #11 module" },
  { file: '/usr/bin/pkcs11-tool', package: 'opensc', for: 'the same' },
]
const missingTools = () => tools.filter((tool) => !existsSync(tool.file))

/** Installs what is missing where we may; elsewhere says the one line that does. */
function prepareTools(): void {
  const apt = (...args: string[]) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  if (missingTools().length > 0 && userInfo().uid === 0 && existsSync('/etc/debian_version')) {
    const names = missingTools().map((tool) => tool.package)
    say(`Installing ${names.join(', ')}.`)
    if (!existsSync('/etc/postgresql-common/createcluster.conf')) {
      // Only the programs are wanted: no server of the system's own.
      mkdirSync('/etc/postgresql-common', { recursive: true })
      writeFileSync('/etc/postgresql-common/createcluster.conf', 'create_main_cluster = false\n')
    }
    apt('update', '-q')
    apt('install', '-q', '-y', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', ...names)
  }
  const missing = missingTools()
  if (missing.length === 0) return
  say(
    `Without ${missing.map((tool) => `${tool.package} (${tool.for})`).join(', ')}: apt-get install --no-install-recommends ${missing.map((t) => t.package).join(' ')}`,
  )
  if (ci) failures.push(`missing: ${missing.map((tool) => tool.package).join(', ')}`)
}

/** One command that must end with 0. */
function check(name: string, args: string[]): void {
  const start = Date.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 })
  if (status !== 0) {
    failures.push(name)
    say(`${stdout}${stderr}`.trimEnd())
  }
  say(`${status === 0 ? '✔' : '✖'} ${name} (${seconds(Date.now() - start)})`)
}

/** Runs test files, each in a process of its own. */
async function test(files: string[], title: string): Promise<void> {
  const start = Date.now()
  say(`\n${title}: ${files.length} files`)
  const slow: { name: string; ms: number }[] = []
  const stream = run({ files, concurrency: 2, timeout: long ? 3_600_000 : 300_000 })
  stream.on('test:fail', ({ name, file, line, details }) => {
    const { failureType, cause } = details.error as Error & { failureType?: string; cause?: unknown }
    // A suite fails with its tests, and they have been told.
    if (failureType === 'subtestsFailed') return
    const shown = cause instanceof Error ? cause.stack : inspect(cause)
    say(`✖ ${file ? relative(root, file) : ''}${line ? `:${line}` : ''} ${name}\n${String(shown).replace(/^/gm, '    ')}`)
  })
  stream.on('test:pass', ({ name, skip, details, file }) => {
    if (skip !== undefined) say(`- ${file ? relative(root, file) : ''} ${name}${typeof skip === 'string' && skip ? `: ${skip}` : ''}`)
    if (details.type !== 'suite') slow.push({ name: `${file ? relative(root, file) : ''} ${name}`, ms: details.duration_ms })
  })
  stream.on('test:stderr', ({ message }) => process.stderr.write(message))
  for await (const { type, data } of stream as AsyncIterable<{ type: string; data: Summary }>) {
    if (type !== 'test:summary') continue
    const { counts, file, duration_ms } = data
    if (file !== undefined) {
      say(`${data.success ? '✔' : '✖'} ${relative(root, file)} ${counts.passed} passed (${seconds(duration_ms)})`)
      continue
    }
    total.passed += counts.passed
    total.failed += counts.failed + counts.cancelled
    total.skipped += counts.skipped + counts.todo
    if (!data.success || counts.failed + counts.cancelled > 0) failures.push(title)
  }
  const slowest = slow.sort((a, b) => b.ms - a.ms).slice(0, 5)
  say(`${title}: ${seconds(Date.now() - start)}; the slowest: ${slowest.map((t) => `${t.name} (${seconds(t.ms)})`).join('; ')}`)
}
type Summary = {
  success: boolean
  file?: string
  duration_ms: number
  counts: { passed: number; failed: number; cancelled: number; skipped: number; todo: number }
}

/** A PostgreSQL 15 of our own from Debian's programs. */
function startOldestPostgres(): Promise<RunningPostgres> {
  const folder = join(tmpdir(), `ventanilla-test-15-${userInfo().uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return startPostgres(folder, { info() {}, warn() {} }, { durable: false, program: '/usr/lib/postgresql/15' })
}

const running = new Set<RunningPostgres>()
const stopAll = async () => {
  for (const server of running) await server.stop()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll().finally(() => process.exit(130)))
}

if (long) process.env.VENTANILLA_LONG = '1'
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'])
  .filter((file) => only.length === 0 || only.some((start) => file.startsWith(start)))
  .sort()
const withSql = files.filter((file) => file.startsWith('src/') && /\btestDatabase\b/.test(readFileSync(file, 'utf8')))

if (only.length === 0) {
  prepareTools()
  check('types', ['node_modules/typescript/bin/tsc', '--noEmit'])
  check('style', ['node_modules/@biomejs/biome/bin/biome', 'check', '.'])
  if (existsSync('knip.json')) check('nothing unused', ['node_modules/knip/bin/knip.js'])
  if (existsSync('src/platform/look/build.ts')) check('assets', ['src/platform/look/build.ts'])
}
try {
  // Held by this process, so that it is started once for all of them.
  running.add(await startTestPostgres())
  await test(
    files.map((file) => resolve(file)),
    'tests',
  )
  if (withSql.length > 0 && existsSync('/usr/lib/postgresql/15/bin/postgres')) {
    const oldest = await startOldestPostgres()
    running.add(oldest)
    process.env.VENTANILLA_TEST_DATABASE_URL = oldest.url
    await test(
      withSql.map((file) => resolve(file)),
      'tests with SQL on PostgreSQL 15',
    )
  }
} finally {
  await stopAll()
}

if (ci && total.skipped > 0) failures.push('skipped tests')
say(`\n${seconds(Date.now() - began)} in all${failures.length > 0 ? `; failed: ${[...new Set(failures)].join(', ')}` : ''}`)
say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(failures.length > 0 ? 1 : 0)
