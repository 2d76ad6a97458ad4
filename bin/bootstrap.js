// From a fresh clone to a running program, with nothing but the system's Node (20 or later) and npm: installs what package-lock.json asks for, when it is not there, and goes on in
// the Node of the project. Plain JavaScript of Node 20, without a dependency.
//
//   node bin/bootstrap.js start            runs src/cli.ts
//   node bin/bootstrap.js run FILE …       runs that file
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
// bin/ventanilla compares its age with that of package-lock.json, so it is touched whenever it was found right.
const stamp = join(modules, '.ventanilla')

/** Ends with a sentence; 2 means that the program could not run. */
function giveUp(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(2)
}

function say(sentence) {
  process.stderr.write(`${sentence}\n`)
}

const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '')

/** What must be installed: the lockfile, on this kind of computer. */
function wanted() {
  const lock = read(join(root, 'package-lock.json'))
  return createHash('sha256').update(`${process.platform} ${process.arch}\n${lock}`).digest('hex')
}

/** Whether npm itself says that every package of the lockfile is there in its version. Packages for other kinds of computers may be absent. */
function npmAgrees() {
  try {
    const { packages } = JSON.parse(read(join(root, 'package-lock.json')))
    const installed = JSON.parse(read(join(modules, '.package-lock.json'))).packages
    return Object.entries(packages).every(
      ([path, { version, optional }]) => path === '' || (installed[path] ? installed[path].version === version : optional),
    )
  } catch {
    return false
  }
}

function isInstalled() {
  const hash = wanted()
  if (read(stamp).trim() === hash && projectNode() !== null) return true
  if (!npmAgrees() || projectNode() === null) return false
  try {
    writeFileSync(stamp, `${hash}\n`)
  } catch {
    // Installed by somebody else for everybody: looked at again next time.
  }
  return true
}

/** The project's own Node, or null. The packages of the platforms are named in two ways; `.bin` is not asked because npm links it for one of them only. */
function projectNode() {
  if (process.env.VENTANILLA_NODE === 'system') return process.execPath
  const names = [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`]
  return names.map((name) => join(modules, name, 'bin/node')).find((file) => existsSync(file)) ?? null
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Runs `work` in one process at a time: two installations at once would remove each other's files. */
function alone(work) {
  const lock = join(root, '.installing')
  for (let told = false; ; ) {
    try {
      const fd = openSync(lock, 'wx')
      writeSync(fd, String(process.pid))
      closeSync(fd)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      const holder = Number(read(lock))
      // An empty file is one that is being written.
      if (holder > 0 && !isAlive(holder)) {
        rmSync(lock, { force: true })
        continue
      }
      if (!told) say(`Waiting for another installation (process ${holder}).`)
      told = true
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
  }
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function install() {
  if (isInstalled()) return
  const began = Date.now()
  say('Installing the packages of package-lock.json. This happens once and takes about a minute.')
  // Not by the project's Node, which the installation replaces.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter)
  const env = { ...process.env, PATH: path }
  const npm =
    process.env.npm_execpath && process.env.npm_node_execpath ? [process.env.npm_node_execpath, process.env.npm_execpath] : ['npm']
  const runNpm = (...words) =>
    spawnSync(npm[0], [...npm.slice(1), ...words, '--no-audit', '--no-fund'], { cwd: root, env, stdio: ['ignore', 2, 2] })
  let { status, error } = runNpm('ci')
  if (!error && status !== 0) {
    // npm ci refuses a lockfile that lacks packages of other platforms; npm install does not, and still takes the versions it names.
    say('"npm ci" did not take the lockfile. Trying "npm install --no-save".')
    ;({ status, error } = runNpm('install', '--no-save'))
  }
  if (error) giveUp(`npm could not be run (${error.message}). Install npm, or run "npm ci" in ${root} yourself.`)
  if (status !== 0) giveUp(`The packages could not be installed: npm ended with ${status}. What it wrote above says why.`)
  mkdirSync(modules, { recursive: true })
  writeFileSync(stamp, `${wanted()}\n`)
  say(`Installed in ${Math.round((Date.now() - began) / 1000)} s.`)
}

if (!isInstalled()) alone(install)
try {
  utimesSync(stamp, new Date(), new Date())
} catch {
  // As above.
}

const node = projectNode()
if (node === null) {
  giveUp(
    `There is no Node for ${process.platform} ${process.arch} among the packages. Install Node 24 and set VENTANILLA_NODE=system. ` +
      'If there is one in package-lock.json, remove node_modules and try again.',
  )
}
// Below it TypeScript does not run from source.
const [major, minor] = process.versions.node.split('.').map(Number)
if (process.env.VENTANILLA_NODE === 'system' && (major < 22 || (major === 22 && minor < 18))) {
  giveUp(
    `VENTANILLA_NODE=system needs Node 22.18 or later; this is ${process.versions.node}. Without the setting the project's own Node is used.`,
  )
}

const [first, file, ...rest] = process.argv.slice(2)
if (first === 'run' && !file) giveUp('node bin/bootstrap.js run FILE: name the file to run.')
const script = first === 'run' ? resolve(root, file) : join(root, 'src/cli.ts')
const args = [script, ...(first === 'run' ? rest : process.argv.slice(2))]
const env = {
  // As bin/ventanilla says.
  NODE_COMPILE_CACHE: join(modules, '.cache/ventanilla'),
  ...process.env,
  PATH: `${dirname(node)}${delimiter}${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`,
}

if (process.execve) {
  // The same process: whoever waits for it, signals it or kills it means the program.
  process.execve(node, [node, ...args], env)
}
const child = spawn(node, args, { stdio: 'inherit', env })
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) process.on(signal, () => child.kill(signal))
// A terminal sends these to the child as well; once is enough.
for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => process.stdin.isTTY || child.kill(signal))
child.on('error', (error) => giveUp(`${node} could not be run: ${error.message}`))
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
