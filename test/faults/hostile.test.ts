/** What a whole, running system answers to who means it harm, and that nothing changes by it. Requests are bytes on a socket: a client library would tidy them up. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readConfig } from '#config'
import { newReference, type PersonId, type Reference, type ServiceId } from '#kernel/id'
import { openWeb } from '#web'
import { type Running, start } from '../../src/main.ts'
import { prepareCrowd, prepareSessions } from '../../src/modules/people/testing-crowd.ts'
import { csrfTokens } from '../../src/platform/web/csrf.ts'
import { emptyDatabase, type TestDatabase } from '../support/database.ts'

const folder = mkdtempSync(join(tmpdir(), 'vt-hostile-'))
let database: TestDatabase
let system: Running
let port = 0
type Signed = { person: PersonId; cookie: string; csrf: string; reference: Reference }
let ana: Signed
let eva: Signed

before(async () => {
  database = await emptyDatabase()
  const settings = {
    VENTANILLA_DATA: folder,
    DATABASE_URL: database.url,
    VENTANILLA_PORT: '0',
    VENTANILLA_METRICS_PORT: '0',
    VENTANILLA_DEMO: 'off',
    VENTANILLA_LOG_LEVEL: 'fatal',
    VENTANILLA_ROLES: 'web,log',
    VENTANILLA_READS_PER_ADDRESS: '100000',
    VENTANILLA_WRITES_PER_ADDRESS: '100000',
    VENTANILLA_WRITES_PER_PERSON: '30',
  }
  system = await start(readConfig(settings, folder))
  port = Number(new URL(system.address!).port)
  const { parts } = system
  const crowd = (await prepareCrowd(parts.db, 2, 0, new Date())).map((p) => p.person)
  const sessions = await prepareSessions(parts.db, crowd, new Date())
  const tokens = csrfTokens(parts.keys.secret('web/csrf'))
  const signed = await Promise.all(
    crowd.map(async (person, i): Promise<Signed> => {
      const reference = await parts.cases.filings.start(
        { person, session: 'x', language: 'es', grants: [] },
        { service: 'state/drivers-licence@09' as ServiceId },
      )
      return { person, reference, cookie: `session=${sessions[i]!.token}`, csrf: tokens.make(`s:${sessions[i]!.session}`) }
    }),
  )
  ana = signed[0]!
  eva = signed[1]!
})
after(async () => {
  await system?.stop()
  await database?.close()
  rmSync(folder, { recursive: true, force: true })
})

type Answer = { status: number; head: string; body: string }

/** Sends bytes as they are and reads until the server has answered whole or closed. */
function raw(bytes: string | Buffer | readonly (string | Buffer)[], { to = port, ms = 15_000, method = 'GET' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(to, '127.0.0.1')
    let got = Buffer.alloc(0)
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), ms)
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      const text = got.toString('latin1')
      const at = text.indexOf('\r\n\r\n')
      resolve({
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
        head: text.slice(0, at).toLowerCase(),
        body: got.toString('utf8', Math.max(0, at + 4)),
      })
    }
    socket.on('connect', () => {
      for (const part of typeof bytes === 'string' || Buffer.isBuffer(bytes) ? [bytes] : bytes) socket.write(part)
    })
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk])
      const text = got.toString('latin1')
      const at = text.indexOf('\r\n\r\n')
      if (at < 0) return
      const length = /content-length: (\d+)/i.exec(text.slice(0, at))?.[1]
      if (method === 'HEAD' || (length !== undefined && got.length >= at + 4 + Number(length)) || text.endsWith('\r\n0\r\n\r\n')) done()
    })
    socket.on('close', done)
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The server closes on what it has refused while we still write: its answer, if it came, counts.
      if (got.length > 0 || error.code === 'EPIPE' || error.code === 'ECONNRESET') done()
      else reject(error)
    })
  })
}

type Asked = { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer; who?: Signed | null }
function ask({ method = 'GET', path, headers = {}, body = '', who = null }: Asked): Promise<Answer> {
  const bytes = Buffer.from(body)
  const all = {
    host: `localhost:${port}`,
    connection: 'close',
    accept: 'text/html',
    ...(who ? { cookie: who.cookie } : {}),
    ...(method === 'POST' ? { 'content-length': String(bytes.length), 'content-type': 'application/x-www-form-urlencoded' } : {}),
    ...headers,
  }
  const head = `${method} ${path} HTTP/1.1\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`
  return raw([head, bytes], { method })
}
const form = (who: Signed, fields: Record<string, string> = {}) => new URLSearchParams({ _csrf: who.csrf, ...fields }).toString()

/** Everything that a request could have changed. */
async function state(): Promise<string> {
  const rows = await system.parts.db.query<{ digest: string }>(
    `select md5(string_agg(t, '|' order by t)) as digest from (
       select c::text as t from cases_case c union all select f::text from cases_file f union all select e::text from cases_event e
       union all select p::text from people_person p union all select g::text from people_grant g union all select s.id::text from people_session s
       union all select id::text from people_contact union all select reference from cases_reference) rows`,
  )
  return rows[0]!.digest
}

const policy = [
  'content-security-policy: default-src',
  'x-content-type-options: nosniff',
  'referrer-policy:',
  'cross-origin-opener-policy:',
  'permissions-policy:',
]
function guarded({ head, status }: Answer, what: string): void {
  for (const header of policy) assert.ok(head.includes(header), `${what} (${status}) lacks ${header}\n${head}`)
  assert.ok(!head.includes("'unsafe"), what)
}

async function refused(what: string, answer: Answer, ...statuses: number[]): Promise<void> {
  assert.ok(
    statuses.includes(answer.status),
    `${what}: ${answer.status}, not ${statuses.join(' or ')}\n${answer.head}\n${answer.body.slice(0, 300)}`,
  )
  assert.ok(!/ at .+\.(ts|js):\d+|node_modules|select |insert /.test(answer.body), `${what}: the answer tells how we are made`)
}

describe('requests that are not well-formed', () => {
  const long = (n: number) => 'a'.repeat(n)
  const cases: [what: string, asked: () => Promise<Answer>, ...statuses: number[]][] = [
    ['a percent sign that encodes nothing', () => ask({ path: '/services/%zz' }), 400, 404],
    ['an encoding that is no UTF-8', () => ask({ path: '/check/%ff%fe' }), 400, 404],
    ['a null byte in a path', () => ask({ path: '/check/%00' }), 400, 404],
    ['a null byte in a reference', () => ask({ path: '/cases/%00', who: eva }), 400, 404],
    ['a null byte in a query', () => ask({ path: '/api/services?q=%00&place=%00' }), 400],
    ['an address of 100 kB', () => ask({ path: `/${long(100_000)}` }), 400, 404, 414, 431],
    ['an address of 10 MB', () => ask({ path: `/${long(10_000_000)}` }), 400, 414, 431],
    ['a header of 10 MB', () => ask({ path: '/', headers: { 'x-a': long(10_000_000) } }), 400, 431],
    ['a cookie of 12 kB', () => ask({ path: '/', headers: { cookie: `session=${long(12_000)}` } }), 200, 400, 431],
    ['a cookie with control characters', () => ask({ path: '/me', headers: { cookie: 'session=%00%0d%0a; lang=__proto__' } }), 303, 400],
    [
      'two lengths',
      () => raw(`POST /sign-in HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab`),
      400,
    ],
    [
      'a length and chunks at once',
      () =>
        raw(`POST /sign-in HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /`),
      400,
    ],
    ['no host', () => raw('GET / HTTP/1.1\r\n\r\n'), 400],
    ['two hosts', () => raw(`GET /sign-in HTTP/1.1\r\nhost: localhost:${port}\r\nhost: evil.example\r\n\r\n`), 400],
    ['an expectation of something else', () => ask({ method: 'POST', path: '/sign-in', headers: { expect: 'gifts' }, body: 'x' }), 417],
    ['no HTTP', () => raw('hello\r\n\r\n'), 400],
    ['a method that nobody has', () => ask({ method: 'BREW', path: '/' }), 400, 404, 405],
    ['TRACE', () => ask({ method: 'TRACE', path: '/' }), 400, 404, 405],
    ['OPTIONS', () => ask({ method: 'OPTIONS', path: '/' }), 404, 405],
    ['CONNECT', () => raw('CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n'), 400, 404, 405, 0],
    ['DELETE', () => ask({ method: 'DELETE', path: `/cases/${eva.reference}`, who: eva }), 404, 405],
    ['a form of 1 MB', () => ask({ method: 'POST', path: '/sign-in', body: `email=${long(1_000_000)}` }), 413],
    [
      'a form that says it is 10 GB',
      () =>
        raw(
          `POST /sign-in HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 10000000000\r\n\r\na=b`,
        ),
      413,
    ],
    [
      'JSON that is none',
      () => ask({ method: 'POST', path: '/sign-in', headers: { 'content-type': 'application/json' }, body: '{"email":' }),
      400,
      403,
      415,
    ],
    [
      'JSON a thousand deep',
      () =>
        ask({
          method: 'POST',
          path: '/sign-in',
          headers: { 'content-type': 'application/json' },
          body: `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
        }),
      400,
      403,
      415,
    ],
    [
      'a content type of our own making',
      () => ask({ method: 'POST', path: '/sign-in', headers: { 'content-type': 'text/hostile; x=../../' }, body: 'x' }),
      415,
    ],
    [
      'XML',
      () =>
        ask({
          method: 'POST',
          path: '/sign-in',
          headers: { 'content-type': 'application/xml' },
          body: '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        }),
      415,
    ],
    [
      'a body said to be compressed',
      () =>
        ask({
          method: 'POST',
          path: '/sign-in',
          headers: { 'content-encoding': 'gzip' },
          body: Buffer.from([0x1f, 0x8b, 8, 0, 0]).toString('latin1'),
        }),
      400,
      403,
      415,
    ],
    [
      'names of the prototype',
      () =>
        ask({
          method: 'POST',
          path: `/cases/${ana.reference}/fill/applicant`,
          who: ana,
          body: `${form(ana)}&__proto__=x&__proto__[polluted]=1&constructor[prototype][polluted]=1&toString=x`,
        }),
      303,
      400,
      404,
      422,
    ],
    [
      'a thousand fields',
      () =>
        ask({
          method: 'POST',
          path: `/cases/${ana.reference}/fill/applicant`,
          who: ana,
          body: `${form(ana)}&${Array.from({ length: 2_000 }, (_, i) => `f${i}=1`).join('&')}`,
        }),
      303,
      400,
      404,
      413,
      422,
    ],
    [
      'a null byte in a form',
      () => ask({ method: 'POST', path: '/sign-in', who: eva, body: form(eva, { email: 'a\0b@example.com' }) }),
      400,
      422,
    ],
    [
      'multipart without a boundary',
      () =>
        ask({
          method: 'POST',
          path: `/cases/${ana.reference}/papers/id`,
          who: ana,
          headers: { 'content-type': 'multipart/form-data' },
          body: 'x',
        }),
      400,
      403,
      404,
      415,
      422,
    ],
    [
      'multipart that never ends',
      () =>
        ask({
          method: 'POST',
          path: `/cases/${ana.reference}/papers/id`,
          who: ana,
          headers: { 'content-type': 'multipart/form-data; boundary=x' },
          body: '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nbbbb',
        }),
      400,
      403,
      404,
      415,
      422,
    ],
    [
      'multipart of a thousand parts',
      () =>
        ask({
          method: 'POST',
          path: `/cases/${ana.reference}/papers/id`,
          who: ana,
          headers: { 'content-type': 'multipart/form-data; boundary=x' },
          body: `${'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n'.repeat(1_000)}--x--\r\n`,
        }),
      400,
      403,
      404,
      413,
      422,
    ],
    [
      'multipart where a form belongs',
      () =>
        ask({
          method: 'POST',
          path: `/cases/${ana.reference}/submit`,
          who: ana,
          headers: { 'content-type': 'multipart/form-data; boundary=x' },
          body: '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
        }),
      400,
      403,
      415,
      422,
    ],
  ]
  for (const [what, asked, ...statuses] of cases) {
    test(`${what}: refused, and nothing changes`, async () => {
      const before = await state()
      const answer = await asked()
      await refused(what, answer, ...statuses)
      if (answer.status !== 0) guarded(answer, what)
      assert.equal(({} as Record<string, unknown>).polluted, undefined)
      // What is right in a form may be kept; a filing, a session or a person may not come of it.
      if (![303, 200].includes(answer.status)) assert.equal(await state(), before, what)
    })
  }

  test('HEAD is GET without its body', async () => {
    const answer = await ask({ method: 'HEAD', path: '/check' })
    assert.deepEqual([answer.status, answer.body], [200, ''])
    guarded(answer, 'HEAD')
  })
})

describe('paths that lead elsewhere', () => {
  const ways = [
    '../../../../etc/passwd',
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e/%2e%2e/etc/passwd',
    '....//etc/passwd',
    '..%5c..%5cetc%5cpasswd',
    '%252e%252e%252fetc%252fpasswd',
    '/etc/passwd',
    '..%00/',
    '.git/config',
    'keys/secret.key',
  ]
  for (const root of ['/assets/', '/log/', '/log/tile/', '/log/tile/entries/', `/cases/X/files/`, '/api/turns/']) {
    test(`${root} serves what lies there and nothing else`, async () => {
      for (const way of ways) {
        const answer = await ask({ path: root + way, who: root.startsWith('/cases') ? eva : null })
        await refused(root + way, answer, 400, 404)
        assert.ok(!/root:|\[core\]|PRIVATE/.test(answer.body), root + way)
        guarded(answer, root + way)
      }
    })
  }
})

/** A web part with nothing behind it. */
const bare = (more: Partial<Parameters<typeof openWeb>[0]>) =>
  openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost:3000',
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: Buffer.alloc(32),
    assetsFolder: folder,
    log: false,
    identify: async (_request, language) => ({ person: null, session: null, language, grants: [] }),
    ...more,
  })

describe('slow clients', () => {
  const slow = async (
    patience: { headersMs: number; requestMs: number },
    parts: readonly string[],
    everyMs: number,
  ): Promise<{ answer: Answer; ms: number }> => {
    const web = await bare({ patience })
    web.route({ method: 'POST', url: '/slow', access: 'public', csrf: false, schema: {}, handler: () => ({}) })
    const address = await web.listen()
    const began = performance.now()
    const to = Number(new URL(address).port)
    const answer = await new Promise<Answer>((resolve) => {
      const socket = connect(to, '127.0.0.1')
      let got = ''
      let i = 0
      const drip = setInterval(() => {
        if (!socket.destroyed) socket.write(parts[Math.min(i++, parts.length - 1)]!)
      }, everyMs)
      socket.on('data', (d) => {
        got += d.toString()
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        clearInterval(drip)
        resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(got)?.[1] ?? 0), head: got.toLowerCase(), body: '' })
      })
    })
    await web.close()
    return { answer, ms: performance.now() - began }
  }

  test('who sends headers a byte at a time is told so and let go', { timeout: 20_000 }, async () => {
    const { answer, ms } = await slow({ headersMs: 800, requestMs: 60_000 }, ['GET / HTTP/1.1\r\n', 'x: y\r\n'], 50)
    assert.equal(answer.status, 408)
    guarded(answer, 'slow headers')
    assert.ok(ms < 8_000, `${ms} ms`)
  })

  test('who sends a body a byte at a time is told so and let go', { timeout: 20_000 }, async () => {
    const { answer, ms } = await slow(
      { headersMs: 500, requestMs: 1_000 },
      ['POST /slow HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 60000\r\n\r\n', 'a'],
      50,
    )
    assert.equal(answer.status, 408)
    assert.ok(ms < 8_000, `${ms} ms`)
  })

  test('hundreds of idle connections keep nobody else from being served', async () => {
    const idle = await Promise.all(
      Array.from(
        { length: 400 },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(port, '127.0.0.1', () => {
              socket.write('GET / HTTP/1.1\r\nx-slow: ')
              resolve(socket)
            })
            socket.on('error', () => {})
          }),
      ),
    )
    assert.equal((await ask({ path: '/check' })).status, 200)
    for (const socket of idle) socket.destroy()
  })
})

describe('forms that somebody else made', () => {
  const post = (more: Partial<Asked>) => ask({ method: 'POST', path: `/cases/${ana.reference}/withdraw`, who: ana, ...more })
  const forged: [what: string, more: () => Partial<Asked>][] = [
    ['without a token', () => ({ body: '' })],
    ['with a token of another session', () => ({ body: form(eva) })],
    ['with a token cut off', () => ({ body: `_csrf=${ana.csrf.slice(0, -4)}` })],
    ['with a token twice', () => ({ body: `_csrf=${ana.csrf}&_csrf=${ana.csrf}` })],
    ['from another origin', () => ({ body: form(ana), headers: { origin: 'https://evil.example' } })],
    ['from no origin that can be named', () => ({ body: form(ana), headers: { origin: 'null' } })],
    ['from another site, by the browser’s own word', () => ({ body: form(ana), headers: { 'sec-fetch-site': 'cross-site' } })],
    ['with the token in its address', () => ({ path: `/cases/${ana.reference}/withdraw?_csrf=${ana.csrf}` })],
  ]
  for (const [what, more] of forged) {
    test(`${what}: refused, and nothing changes`, async () => {
      const before = await state()
      const answer = await post(more())
      await refused(what, answer, 403)
      guarded(answer, what)
      assert.equal(await state(), before)
    })
  }

  test('every form that changes something asks for a token', async () => {
    const routes = system.parts && (await (await fetch(`http://localhost:${port}/api/openapi.json`)).json())
    assert.ok(routes)
    for (const path of [
      '/sign-in',
      '/sign-in/code',
      '/sign-in/receipt',
      '/sign-out',
      '/me/identity',
      '/me/contacts',
      '/cases',
      `/cases/${ana.reference}/submit`,
      `/desk/state-09/next`,
      '/counter/state-09',
      '/admin/people/give',
    ])
      assert.equal((await ask({ method: 'POST', path, who: ana, body: 'a=b' })).status, 403, path)
  })
})

describe('other people’s cases', () => {
  const paths = (reference: string) => [
    `/cases/${reference}`,
    `/cases/${reference}/review`,
    `/cases/${reference}/receipt`,
    `/cases/${reference}/proof`,
    `/cases/${reference}/decision`,
    `/cases/${reference}/receipt.pdf`,
    `/cases/${reference}/decision.pdf`,
    `/cases/${reference}/decision.json`,
    `/cases/${reference}/papers`,
    `/cases/${reference}/priority`,
    `/cases/${reference}/withdraw`,
  ]

  test('read as if there were none: the same answer, word for word', async () => {
    const none = newReference()
    for (const [i, path] of paths(ana.reference).entries()) {
      const theirs = await ask({ path, who: eva })
      const absent = await ask({ path: paths(none)[i]!, who: eva })
      assert.equal(theirs.status, 404, path)
      assert.equal(absent.status, 404, path)
      const plain = (a: Answer, reference: string) => a.body.replaceAll(reference, '').replace(/name="_csrf" value="[^"]+"/g, '')
      assert.equal(plain(theirs, ana.reference), plain(absent, none), path)
    }
  })

  test('cannot be changed, and the refusal is the same', async () => {
    const before = await state()
    const none = newReference()
    for (const act of ['submit', 'withdraw', 'priority', 'changed']) {
      const theirs = await ask({
        method: 'POST',
        path: `/cases/${ana.reference}/${act}`,
        who: eva,
        body: form(eva, { confirm: 'yes', ground: 'older' }),
      })
      const absent = await ask({
        method: 'POST',
        path: `/cases/${none}/${act}`,
        who: eva,
        body: form(eva, { confirm: 'yes', ground: 'older' }),
      })
      assert.deepEqual([theirs.status, absent.status], [404, 404], act)
    }
    assert.equal(await state(), before)
  })

  test('answer in the same time as none', async () => {
    const none = newReference()
    const times: Record<'theirs' | 'absent', number[]> = { theirs: [], absent: [] }
    for (let i = 0; i < 60; i++)
      for (const [name, reference] of [
        ['theirs', ana.reference],
        ['absent', none],
      ] as const) {
        const began = performance.now()
        await ask({ path: `/cases/${reference}`, who: eva })
        times[name].push(performance.now() - began)
      }
    const middle = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!
    const difference = Math.abs(middle(times.theirs) - middle(times.absent))
    // A read of one row by its key lies between them; a network hides it. What must not lie between them is a key that is opened.
    assert.ok(difference < 5, `${difference} ms`)
  })
})

describe('sessions', () => {
  test('a session that somebody chose is not taken on', async () => {
    const chosen = 'A'.repeat(43)
    const page = await ask({ path: '/me', headers: { cookie: `session=${chosen}` } })
    assert.equal(page.status, 303)
    const [known] = await system.parts.db.query<{ n: number }>('select count(*)::integer as n from people_session')
    assert.equal(known!.n, 2)
  })

  test('a session that was ended is nobody’s', async () => {
    const before = await ask({ path: '/me', who: eva })
    assert.equal(before.status, 200)
    const out = await ask({ method: 'POST', path: '/sign-out', who: eva, body: form(eva) })
    assert.equal(out.status, 303)
    assert.equal((await ask({ path: '/me', who: eva })).status, 303)
  })

  test('a cookie of ours is out of reach of scripts and other sites', async () => {
    const answer = await ask({ path: '/sign-in' })
    for (const line of answer.head.split('\r\n').filter((l) => l.startsWith('set-cookie'))) {
      assert.match(line, /httponly/)
      assert.match(line, /samesite=lax/)
    }
    assert.ok(answer.head.includes('set-cookie'))
  })
})

describe('too many', () => {
  test('pages and forms of one address are refused with the time to wait, each by its own measure', async () => {
    const web = await bare({ limits: { readsPerAddress: 5, writesPerAddress: 3, writesPerPerson: 0 } })
    web.route({ method: 'GET', url: '/read', access: 'public', schema: {}, handler: () => ({}) })
    web.route({ method: 'POST', url: '/write', access: 'public', csrf: false, schema: {}, handler: () => ({}) })
    const statuses = async (method: 'GET' | 'POST', url: string, remoteAddress: string) => {
      const all: number[] = []
      for (let i = 0; i < 7; i++) all.push((await web.app.inject({ method, url, remoteAddress })).statusCode)
      return all
    }
    assert.deepEqual(await statuses('GET', '/read', '192.0.2.1'), [200, 200, 200, 200, 200, 429, 429])
    assert.deepEqual(await statuses('POST', '/write', '192.0.2.1'), [200, 200, 200, 429, 429, 429, 429])
    assert.deepEqual((await statuses('GET', '/read', '192.0.2.2')).slice(0, 5), [200, 200, 200, 200, 200])
    // What a client says of itself is not believed.
    assert.equal(
      (await web.app.inject({ method: 'GET', url: '/read', remoteAddress: '192.0.2.1', headers: { 'x-forwarded-for': '198.51.100.7' } }))
        .statusCode,
      429,
    )
    await web.close()
  })

  test('forms of one person are refused with the time to wait, whatever the address, and others go on', async () => {
    let last: Answer | null = null
    for (let i = 0; i < 40 && last?.status !== 429; i++)
      last = await ask({ method: 'POST', path: `/cases/${ana.reference}/priority`, who: ana, body: form(ana, { ground: '' }) })
    assert.equal(last!.status, 429)
    assert.match(last!.head, /retry-after: \d+/)
    guarded(last!, '429')
    assert.equal((await ask({ path: '/check' })).status, 200)
  })
})
