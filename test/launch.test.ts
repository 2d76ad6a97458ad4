/** From a fresh clone to the program: bin/bootstrap.js and bin/ventanilla, with an npm of our own where nothing shall be downloaded. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'

const root = resolve(import.meta.dirname, '..')
const scratch = mkdtempSync(join(tmpdir(), 'launch-'))
after(() => rmSync(scratch, { recursive: true }))

type Ended = { code: number | null; signal: string | null; out: string; err: string }
function start(file: string, args: string[], { cwd = scratch, env = {} as Record<string, string> } = {}) {
  const child = spawn(file, args, { cwd, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } })
  let out = ''
  let err = ''
  child.stdout.on('data', (d) => (out += d))
  child.stderr.on('data', (d) => (err += d))
  return {
    child,
    said: () => out,
    ended: new Promise<Ended>((done) => child.on('close', (code, signal) => done({ code, signal, out, err }))),
  }
}
const run = (...how: Parameters<typeof start>) => start(...how).ended

describe('the launcher', () => {
  let home = ''
  let n = 0
  const calls = () => readFileSync(join(home, 'calls'), 'utf8').trim().split('\n').filter(Boolean)
  const env = () => ({ PATH: `${join(home, 'path')}:/usr/bin:/bin` })
  const boot = (...args: string[]) => run(process.execPath, [join(home, 'bin/bootstrap.js'), ...args], { env: env() })

  /** An npm that writes down how it was called and then runs `script`. */
  const npm = (script: string) => {
    writeFileSync(join(home, 'path/npm'), `#!/bin/sh\necho "$*" >> "${home}/calls"\n${script}\n`)
    chmodSync(join(home, 'path/npm'), 0o755)
  }
  const installs = () =>
    `mkdir -p node_modules/node-${process.platform}-${process.arch}/bin && sleep 0.3 && ln -sf "${process.execPath}" node_modules/node-${process.platform}-${process.arch}/bin/node`

  beforeEach(() => {
    home = join(scratch, `clone-${n++}`)
    for (const folder of ['bin', 'src', 'path']) mkdirSync(join(home, folder), { recursive: true })
    for (const file of ['bin/bootstrap.js', 'bin/ventanilla']) copyFileSync(join(root, file), join(home, file))
    chmodSync(join(home, 'bin/ventanilla'), 0o755)
    symlinkSync(process.execPath, join(home, 'path/node'))
    writeFileSync(join(home, 'package.json'), '{"type":"module"}')
    writeFileSync(join(home, 'package-lock.json'), '{"packages":{"":{}}}')
    writeFileSync(join(home, 'calls'), '')
    writeFileSync(
      join(home, 'src/cli.ts'),
      `const words: string[] = process.argv.slice(2)
       process.on('SIGTERM', () => process.exit(7))
       console.log(JSON.stringify({ words, cwd: process.cwd(), pid: process.pid }))
       if (words[0] === 'wait') setInterval(() => {}, 1_000)
       else process.exitCode = Number(words[1] ?? 0)`,
    )
    npm(installs())
  })

  test('the first run installs and goes on; the next one does not install', async () => {
    const first = await boot('start', '3')
    assert.deepEqual([first.code, JSON.parse(first.out).words], [3, ['start', '3']])
    assert.match(first.err, /Installing the packages/)
    assert.deepEqual(calls(), ['ci --no-audit --no-fund'])
    const second = await boot('start')
    assert.deepEqual([second.code, second.err, calls().length], [0, '', 1])
  })

  test('a changed lockfile is installed again', async () => {
    await boot('start')
    appendFileSync(join(home, 'package-lock.json'), '\n')
    await boot('start')
    assert.equal(calls().length, 2)
  })

  test('what somebody installed with npm before is taken as it is', async () => {
    await boot('start')
    rmSync(join(home, 'node_modules/.ventanilla'))
    writeFileSync(join(home, 'node_modules/.package-lock.json'), '{"packages":{}}')
    assert.equal((await boot('start')).err, '')
    assert.equal(calls().length, 1)
  })

  test('of two first runs at once one installs and the other waits', async () => {
    const both = await Promise.all([boot('start'), boot('start')])
    assert.deepEqual(
      both.map((r) => r.code),
      [0, 0],
    )
    assert.equal(calls().length, 1)
    assert.ok(!existsSync(join(home, '.installing')))
  })

  test('a lock left by a process that died does not stop the installation', async () => {
    const { child, ended } = start('/bin/true', [])
    await ended
    writeFileSync(join(home, '.installing'), String(child.pid))
    assert.equal((await boot('start')).code, 0)
  })

  test('when npm ci refuses the lockfile, npm install is tried; when that fails too, a sentence and 2', async () => {
    npm(`[ "$1" = ci ] && exit 1\n${installs()}`)
    assert.equal((await boot('start')).code, 0)
    assert.equal(calls()[1], 'install --no-save --no-audit --no-fund')
    rmSync(join(home, 'node_modules'), { recursive: true })
    npm('exit 1')
    const { code, err } = await boot('start')
    assert.equal(code, 2)
    assert.match(err, /could not be installed/)
  })

  test('bin/ventanilla runs from any folder and through a link, installs first, and then is the program itself', async () => {
    const link = join(home, 'path/v')
    symlinkSync('../bin/ventanilla', join(home, 'path/inner'))
    symlinkSync(join(home, 'path/inner'), link)
    const first = await run(link, ['bench', '1'], { cwd: '/', env: env() })
    assert.deepEqual([first.code, JSON.parse(first.out).cwd, JSON.parse(first.out).words], [1, '/', ['bench', '1']])
    // Younger than the lockfile by the clock of the file system.
    utimesSync(join(home, 'package-lock.json'), new Date(0), new Date(0))
    const waiting = start(link, ['wait'], { env: env() })
    while (!waiting.said().includes('\n')) await new Promise((r) => setTimeout(r, 20))
    assert.equal(JSON.parse(waiting.said()).pid, waiting.child.pid)
    waiting.child.kill('SIGTERM')
    assert.equal((await waiting.ended).code, 7)
    assert.equal(calls().length, 1)
  })

  test('the launcher passes signals on and ends as the program ends', async () => {
    await boot('start')
    const waiting = start(process.execPath, [join(home, 'bin/bootstrap.js'), 'wait'], { env: env() })
    while (!waiting.said().includes('\n')) await new Promise((r) => setTimeout(r, 20))
    waiting.child.kill('SIGTERM')
    assert.equal((await waiting.ended).code, 7)
  })

  test('npm start hands a signal to the program: no shell stands between', async () => {
    await boot('start')
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
    // As npm runs it.
    const waiting = start('/bin/sh', ['-c', scripts.start.replace(/start$/, 'wait')], { cwd: home, env: env() })
    while (!waiting.said().includes('\n')) await new Promise((r) => setTimeout(r, 20))
    assert.equal(JSON.parse(waiting.said()).pid, waiting.child.pid)
    waiting.child.kill('SIGTERM')
    assert.equal((await waiting.ended).code, 7)
  })

  test('run FILE runs that file of the project', async () => {
    writeFileSync(join(home, 'src/other.ts'), 'console.log("other", ...process.argv.slice(2))')
    assert.equal((await boot('run', 'src/other.ts', 'a b')).out, 'other a b\n')
    assert.equal((await boot('run')).code, 2)
  })
})

test('the lockfile names every optional package, or npm ci would refuse it elsewhere', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>
  }
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !packages[`${path}/node_modules/${name}`] && !packages[`node_modules/${name}`]),
  )
  assert.deepEqual(missing, [])
})
