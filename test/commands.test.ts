/** What bin/ventanilla says and how it ends when it is called wrongly, or the computer will not: a sentence on stderr, nothing on stdout, and 2. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openKeys } from '#keys'
import { sentenceOf } from '../src/commands/sentence.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

const cli = resolve(import.meta.dirname, '../src/cli.ts')
const scratch = mkdtempSync(join(tmpdir(), 'commands-'))
let database: TestDatabase
before(async () => {
  database = await testDatabase()
  mkdirSync(join(scratch, 'empty'))
  writeFileSync(join(scratch, 'file'), 'not a folder')
})
after(async () => {
  await database?.close()
  rmSync(scratch, { recursive: true, force: true })
})

function run(args: readonly string[], settings: Record<string, string> = {}): Promise<{ code: number | null; out: string; err: string }> {
  const env = {
    PATH: process.env.PATH,
    VENTANILLA_DATA: join(scratch, 'data'),
    VENTANILLA_DEMO: 'off',
    VENTANILLA_METRICS_PORT: '0',
    VENTANILLA_LOG_LEVEL: 'silent',
    DATABASE_URL: database.url,
    ...settings,
  }
  const child = spawn(process.execPath, [cli, ...args], { cwd: scratch, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (d) => (out += d))
  child.stderr.on('data', (d) => (err += d))
  return new Promise((done) => child.on('close', (code) => done({ code, out, err })))
}

/** Ends with 2, says why in a sentence and shows neither a stack nor a password. */
async function couldNotRun(args: readonly string[], words: RegExp, settings: Record<string, string> = {}): Promise<void> {
  const { code, out, err } = await run(args, settings)
  assert.deepEqual([code, out], [2, ''], err)
  assert.match(err, words)
  assert.doesNotMatch(err, /\n {4}at |hush/)
}

describe('a command that is called wrongly', () => {
  const calls: [args: string[], words: RegExp][] = [
    [[], /bin\/ventanilla <command>/],
    [['--json'], /no command --json/],
    [['begin'], /no command begin/],
    [['start', 'now'], /"now" means nothing here/],
    [['migrate', 'all'], /"all" means nothing here/],
    [['doctor', 'who'], /"who" means nothing here/],
    [['keys'], /Give one folder/],
    [['migrate', '--fast'], /Unknown option '--fast'/],
    [['check-service', 'nowhere'], /There is no folder nowhere/],
    [['check-service', 'empty'], /neither a definition\.json nor folders with one/],
    [['check-service', 'file'], /A file stands where a folder is needed: .*file/],
    [['check-service', ''], /Give one folder/],
    [['verify-log', ''], /Give one url or folder/],
    [['restore', 'file'], /is no backup/],
    [['backup', 'file'], /is not an empty folder/],
    [['invite', 'ana@example.org', '--role', 'official', '--office', 'nowhere'], /There is no office nowhere/],
    [['oidc-client'], /Say what to do: add, list, disable, replace-keys/],
    [['oidc-client', 'add', 'a-system'], /Give --name/],
    [
      ['oidc-client', 'add', 'a-system', '--name', 'Un sistema', '--agency', 'Una agencia', '--redirect', 'http://elsewhere.example/'],
      /must be an https address/,
    ],
    [['oidc-client', 'disable', 'nobody'], /There is no client nobody/],
  ]
  for (const [args, words] of calls) test(`${args.join(' ') || 'no word'}: 2 and a sentence`, () => couldNotRun(args, words))
})

describe('a command on a computer that will not', () => {
  test('a database that does not answer is named without its password', async () => {
    for (const command of ['migrate', 'start', 'recover'])
      await couldNotRun([command], /The database does not answer: .*127\.0\.0\.1:1\. Is it running, and is DATABASE_URL right\?/, {
        DATABASE_URL: 'postgresql://ana:hush@127.0.0.1:1/x',
      })
  })

  test('a database that is not there is named', () =>
    couldNotRun(['migrate'], /PostgreSQL: database "nowhere" does not exist\. Is DATABASE_URL right\?/, {
      DATABASE_URL: database.url.replace(/\/[^/?]+(\?|$)/, '/nowhere$1'),
    }))

  test('a port that another program has is named, and the setting that chooses another', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    const port = String(await new Promise((done) => other.once('listening', () => done((other.address() as AddressInfo).port))))
    await couldNotRun(['start'], new RegExp(`127\\.0\\.0\\.1:${port} is in use by another program.*VENTANILLA_PORT`), {
      VENTANILLA_PORT: port,
    })
    await couldNotRun(['start'], new RegExp(`Port ${port} of the metrics is in use.*VENTANILLA_METRICS_PORT`), {
      VENTANILLA_PORT: '0',
      VENTANILLA_METRICS_PORT: port,
    })
    other.close()
  })

  test('a data folder that is a file is named, also by the doctor', async () => {
    const settings = { VENTANILLA_DATA: join(scratch, 'file') }
    await couldNotRun(['migrate'], /A file stands where a folder is needed: .*file/, settings)
    const { code, out } = await run(['doctor'], settings)
    assert.equal(code, 1)
    assert.match(out, /✖ disk: .*file is a file, and the data folder needs a folder there/)
  })
})

test('keys for production are made once, and a system starts with them when the control body has its own', async () => {
  const folder = join(scratch, 'keys')
  const made = await run(['keys', folder, '--json'])
  assert.equal(made.code, 0)
  const { files } = JSON.parse(made.out) as { files: string[] }
  assert.deepEqual(files, [
    'control-private.pem',
    'control-public.pem',
    'data-0001.key',
    'log.pem',
    'seal.pem',
    'secret.key',
    'witness.pem',
  ])
  assert.match(made.err, /Give .*control-private\.pem to the control body/)
  await couldNotRun(['keys', folder], /is not empty/)
  assert.throws(() => openKeys(folder, 'production'), /belongs to the control body alone/)
  rmSync(join(folder, 'control-private.pem'))
  assert.ok(openKeys(folder, 'production').controlPublicKey)
})

test('the system’s refusals have a remedy; only an error of programming shows its stack', () => {
  const refusal = (code: string, syscall: string, more = {}) => Object.assign(new Error(`${code}: x`), { code, syscall, ...more })
  assert.equal(sentenceOf(refusal('ENOSPC', 'write')), 'The disk is full. Make room and try again.')
  assert.equal(
    sentenceOf(refusal('EROFS', 'mkdir', { path: '/backups/one' })),
    'The file system cannot be written: /backups/one. Name another folder.',
  )
  assert.match(
    sentenceOf(refusal('EACCES', 'listen', { address: '0.0.0.0', port: 80 })),
    /may not serve 0\.0\.0\.0:80\. Set VENTANILLA_PORT/,
  )
  assert.match(sentenceOf(new AggregateError([refusal('ECONNREFUSED', 'connect')])), /The database does not answer/)
  assert.equal(sentenceOf(new Error('A sentence of ours.')), 'A sentence of ours.')
  assert.match(sentenceOf(new TypeError('x is not a function')), /\n {4}at /)
})

test('oidc-client registers a system, shows its secret once, lists it without, and ends it', async () => {
  const given = [
    '--name',
    'Un sistema',
    '--agency',
    'Una agencia',
    '--redirect',
    'https://system.example/back',
    '--scope',
    'profile',
    '--scope',
    'curp',
  ]
  const added = await run(['oidc-client', 'add', 'a-system', ...given, '--json'])
  assert.equal(added.code, 0, added.err)
  const { clientSecret, issuer } = JSON.parse(added.out)
  assert.equal(issuer, 'http://localhost:3000')
  assert.match(clientSecret, /^[\w-]{43}$/)
  const listed = await run(['oidc-client', 'list', '--json'])
  assert.ok(!listed.out.includes(clientSecret) && !/secret_hash|jwks/.test(listed.out))
  assert.deepEqual(JSON.parse(listed.out).clients[0].scopes, ['openid', 'profile', 'curp'])
  assert.equal((await run(['oidc-client', 'add', 'a-system', ...given])).code, 2)
  assert.equal((await run(['oidc-client', 'replace-keys'])).code, 0)
  assert.equal((await run(['oidc-client', 'disable', 'a-system'])).code, 0)
  assert.match((await run(['oidc-client', 'list'])).out, /a-system {2}disabled/)
})
