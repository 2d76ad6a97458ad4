import assert from 'node:assert/strict'
import { Agent, request as ask, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Type } from 'typebox'
import { html } from '#kernel/html'
import type { OfficeId, PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { admits, csrfField, type Grant, openWeb, signedIn, type Visitor, type Web } from './index.ts'

const person = '018f0000-0000-7000-8000-000000000001' as PersonId
const sessions: Record<string, { person: PersonId; grants: readonly Grant[] }> = {
  one: { person, grants: [] },
  two: { person: '018f0000-0000-7000-8000-000000000002' as PersonId, grants: [{ role: 'official', office: 'a' as OfficeId }] },
}

let web: Web
const seen: string[] = []

before(async () => {
  web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost:3000',
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 3 },
    csrfSecret: Buffer.alloc(32, 7),
    assetsFolder: import.meta.dirname,
    log: false,
    identify: async (request, language): Promise<Visitor> => {
      const session = request.cookies.session
      const found = session === undefined ? undefined : sessions[session]
      return found ? { ...found, session: session!, language } : { person: null, session: null, language, grants: [] }
    },
    observe: (route) => seen.push(route),
  })
  web.route({
    method: 'GET',
    url: '/form',
    access: 'public',
    schema: {},
    handler: (request, reply) => html`<form method="post">${csrfField(request, reply)}</form>`,
  })
  web.route({
    method: 'POST',
    url: '/form',
    access: 'public',
    schema: { body: Type.Object({ word: Type.String({ maxLength: 5 }) }, { additionalProperties: false }) },
    handler: (request) => ({ word: request.body.word }),
  })
  web.route({ method: 'GET', url: '/mine', access: 'signed-in', schema: {}, handler: (request) => ({ person: signedIn(request).person }) })
  web.route({ method: 'POST', url: '/mine', access: 'signed-in', schema: {}, handler: () => ({}) })
  web.route({ method: 'GET', url: '/desk', access: { roles: ['official'] }, schema: {}, handler: () => ({ ok: true }) })
  web.route({
    method: 'GET',
    url: '/api/refused',
    access: 'public',
    schema: {},
    handler: () => {
      throw new Problem('cases/incomplete', 'An answer is missing.', {
        fields: [{ pointer: '/answers/birthDate', code: 'required', detail: 'Enter it.' }],
      })
    },
  })
  web.route({
    method: 'GET',
    url: '/broken',
    access: 'public',
    schema: {},
    handler: () => {
      throw new Error('the password is hunter2')
    },
  })
  web.route({
    method: 'POST',
    url: '/picture',
    access: 'public',
    schema: {},
    handler: async (request) => {
      for await (const part of request.parts({ limits: { fileSize: 1000 } }))
        if (part.type === 'file') for await (const _ of part.file) if (part.file.truncated) break
      throw new Problem('too-large', 'What was sent is larger than this page takes.')
    },
  })
  web.raw({
    methods: ['GET', 'POST'],
    url: '/raw/:word',
    access: 'public',
    async handler(request, response) {
      let body = ''
      for await (const chunk of request.raw) body += String(chunk)
      response.setHeader('content-type', 'text/plain')
      response.end(`${(request.params as { word: string }).word} ${request.visitor.person ?? 'nobody'} ${body}`)
    },
  })
  web.raw({
    methods: ['GET'],
    url: '/raw-mine',
    access: 'signed-in',
    handler: async (_request, response) => void response.end('mine'),
  })
  await web.app.ready()
})
after(() => web.close())

test('a library answers on the raw request, with the headers, the rule and the numbers of every route, and reads the body itself', async () => {
  const sent = await web.app.inject({
    method: 'POST',
    url: '/raw/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://agency.example' },
    cookies: { session: 'one' },
    payload: 'a=1',
  })
  assert.equal(sent.statusCode, 200)
  assert.equal(sent.body, `token ${person} a=1`)
  assert.match(String(sent.headers['content-security-policy']), /default-src 'none'/)
  assert.equal(sent.headers['cache-control'], 'no-store')
  assert.ok(seen.includes('/raw/:word'))
  assert.equal((await web.app.inject({ url: '/raw-mine' })).statusCode, 303)
  assert.equal((await web.app.inject({ url: '/raw-mine', cookies: { session: 'one' } })).body, 'mine')
})

/** The form's cookie and token, as a browser would hold them. */
async function form(session?: string): Promise<{ cookie: string; token: string }> {
  const page = await web.app.inject({ url: '/form', cookies: session ? { session } : {} })
  const cookie = [page.headers['set-cookie'] ?? []]
    .flat()
    .map((c) => c.split(';')[0])
    .concat(session ? [`session=${session}`] : [])
    .join('; ')
  return { cookie, token: /value="([^"]+)"/.exec(page.body)![1]! }
}

const send = (cookie: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  web.app.inject({
    method: 'POST',
    url: '/form',
    headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(fields).toString(),
  })

test('a form is taken with its own token, and each page has another spelling of it', async () => {
  const { cookie, token } = await form()
  assert.equal((await send(cookie, { word: 'hola', _csrf: token })).json().word, 'hola')
  const again = /value="([^"]+)"/.exec((await web.app.inject({ url: '/form', headers: { cookie } })).body)![1]
  assert.notEqual(again, token)
})

for (const [what, change] of [
  ['without a token', (f: { cookie: string; token: string }) => send(f.cookie, { word: 'x' })],
  ['with a token of nobody', (f) => send(f.cookie, { word: 'x', _csrf: 'A'.repeat(86) })],
  ['with the token and without its cookie', (f) => send('', { word: 'x', _csrf: f.token })],
  ['with the token of a signed-out visitor in a session', (f) => send(`${f.cookie}; session=one`, { word: 'x', _csrf: f.token })],
  ['from another site by its origin', (f) => send(f.cookie, { word: 'x', _csrf: f.token }, { origin: 'https://evil.example' })],
  ['from another site by what the browser says', (f) => send(f.cookie, { word: 'x', _csrf: f.token }, { 'sec-fetch-site': 'cross-site' })],
] as [string, (f: { cookie: string; token: string }) => ReturnType<typeof send>][]) {
  test(`a form ${what} is refused and changes nothing`, async () => {
    const answer = await change(await form())
    assert.equal(answer.statusCode, 403)
    assert.match(answer.body, /formulario/i)
  })
}

test('a token of one session is worth nothing in another', async () => {
  const one = await form('one')
  assert.equal((await send('session=two', { word: 'x', _csrf: one.token })).statusCode, 403)
  assert.equal((await send('session=one', { word: 'x', _csrf: one.token })).statusCode, 200)
})

test('a person who sends too much is asked to wait, on whatever address', async () => {
  const { token } = await form('two')
  const codes: number[] = []
  for (let i = 0; i < 5; i++) codes.push((await send('session=two', { word: 'x', _csrf: token })).statusCode)
  assert.ok(codes.includes(429))
  const last = await send('session=two', { word: 'x', _csrf: token })
  assert.ok(Number(last.headers['retry-after']) > 0)
})

test('what is not of the expected form is a 400 that says where', async () => {
  const { cookie, token } = await form()
  for (const fields of [{ word: 'too long' }, { other: 'x' }, {}])
    assert.equal((await send(cookie, { ...fields, _csrf: token } as never)).statusCode, 400)
})

test('who is not signed in is led to the door and back; who has no duty there is told so', async () => {
  const led = await web.app.inject({ url: '/mine?x=1' })
  assert.deepEqual([led.statusCode, led.headers.location], [303, '/sign-in?next=%2Fmine%3Fx%3D1'])
  assert.equal((await web.app.inject({ url: '/mine', headers: { accept: 'application/json' } })).statusCode, 401)
  assert.equal((await web.app.inject({ url: '/mine', cookies: { session: 'one' } })).json().person, person)
  assert.equal((await web.app.inject({ url: '/desk', cookies: { session: 'one' } })).statusCode, 403)
  assert.equal((await web.app.inject({ url: '/desk', cookies: { session: 'two' } })).statusCode, 200)
})

test('a form sent after the session ended says so, and its door leads back to the page it stood on', async () => {
  const sent = await web.app.inject({
    method: 'POST',
    url: '/mine',
    headers: { referer: 'http://localhost:3000/form?step=2', 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'word=a',
  })
  assert.equal(sent.statusCode, 401)
  assert.match(sent.body, /Lo de los pasos anteriores está guardado/)
  assert.match(sent.body, /href="\/sign-in\?next=%2Fform%3Fstep%3D2"/)
  assert.match(sent.body, /href="\/form\?step=2&(amp;)?lang=en"/, 'the other language is a page, not what was sent')
  const elsewhere = await web.app.inject({ method: 'POST', url: '/mine', headers: { referer: 'http://evil.example/form' } })
  assert.match(elsewhere.body, /href="\/sign-in\?next=%2F"/)
})

test('a refusal is problem+json for programs and a page for people', async () => {
  const program = await web.app.inject({ url: '/api/refused' })
  assert.match(String(program.headers['content-type']), /application\/problem\+json/)
  assert.deepEqual(
    [program.json().status, program.json().code, program.json().fields[0].pointer],
    [422, 'cases/incomplete', '/answers/birthDate'],
  )
  const page = await web.app.inject({ url: '/none', headers: { accept: 'text/html', 'accept-language': 'en' } })
  assert.equal(page.statusCode, 404)
  assert.match(page.body, /<html lang="en"/)
})

test('a bug shows a reference and nothing of itself', async () => {
  const page = await web.app.inject({ url: '/broken' })
  assert.equal(page.statusCode, 500)
  assert.doesNotMatch(page.body, /hunter2|Error:|\.ts/)
})

test('every answer carries the policy of the page, and what is one visitor’s is not stored', async () => {
  for (const url of ['/form', '/none', '/broken', '/api/refused', '/healthz']) {
    const { headers } = await web.app.inject({ url })
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cache-control'], 'no-store', url)
  }
})

test('after a file that was refused before it was read whole, the same connection answers the next request', {
  timeout: 20_000,
}, async (t) => {
  const { port } = new URL(await web.listen())
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const send = (path: string, body?: Buffer) =>
    new Promise<number>((resolve, reject) => {
      const headers = body ? { 'content-type': 'multipart/form-data; boundary=x', 'content-length': body.length } : {}
      const sent = ask({ port, path, agent, headers, method: body ? 'POST' : 'GET', signal: t.signal }, (answer: IncomingMessage) => {
        answer.resume().once('end', () => resolve(answer.statusCode!))
      })
      sent.once('error', reject)
      sent.end(body)
    })
  const head = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
  // More than the sockets between the two hold by themselves.
  const picture = Buffer.concat([Buffer.from(head), Buffer.alloc(24 * 1024 * 1024), Buffer.from('\r\n--x--\r\n')])
  assert.equal(await send('/picture', picture), 413)
  assert.equal(await send('/form'), 200)
})

test('files outside the assets are not served', async () => {
  for (const url of ['/assets/..%2f..%2f..%2fpackage.json', '/assets/.env', '/assets/web.test.ts', '/assets/%00', '/assets/']) {
    const { statusCode } = await web.app.inject({ url })
    assert.ok(statusCode === 404 || statusCode === 400, `${url}: ${statusCode}`)
  }
})

test('routes are counted by their pattern, never by what somebody asked for', () => {
  assert.ok(seen.includes('/form'))
  assert.ok(!seen.some((route) => route.includes('x=1')))
})

test('an access rule lets in who holds the role and asks the others to sign in or go', () => {
  const nobody: Visitor = { person: null, session: null, language: 'es', grants: [] }
  assert.deepEqual(
    [
      admits('public', nobody),
      admits('signed-in', nobody),
      admits({ roles: ['admin'] }, nobody),
      admits({ roles: ['admin'] }, { ...nobody, person, session: 's' }),
    ],
    ['yes', 'sign-in', 'sign-in', 'no'],
  )
})

test('an address longer than anybody types is not carried through signing in', async () => {
  const { statusCode, headers } = await web.app.inject({ url: `/mine?x=${'x'.repeat(2_500)}` })
  assert.deepEqual([statusCode, headers.location], [303, '/sign-in'])
})

describe('over https', () => {
  const limits = { readsPerAddress: 2, writesPerAddress: 0, writesPerPerson: 0 }
  let served: Web
  before(async () => {
    served = await openWeb({
      host: '127.0.0.1',
      port: 0,
      publicUrl: 'https://ventanilla.example',
      production: true,
      demo: false,
      trustProxy: 1,
      limits,
      csrfSecret: Buffer.alloc(32, 7),
      assetsFolder: import.meta.dirname,
      log: false,
      identify: async (_request, language) => ({ person: null, session: null, language, grants: [] }),
    })
    served.route({
      method: 'GET',
      url: '/form',
      access: 'public',
      schema: {},
      handler: (request, reply) => html`<form method="post">${csrfField(request, reply)}</form>`,
    })
    served.route({ method: 'POST', url: '/form', access: 'public', schema: {}, handler: () => ({ ok: true }) })
    await served.listen()
  })
  after(() => served.close())

  /** The head of whatever comes back for these bytes. */
  const head = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const { port } = served.app.server.address() as AddressInfo
      let got = ''
      connect(port, '127.0.0.1', function (this: Socket) {
        this.end(bytes)
      })
        .on('data', (d) => (got += d))
        .on('close', () => resolve(got.split('\r\n\r\n')[0]!.toLowerCase()))
        .on('error', reject)
    })

  test('every answer keeps the browser there, also to what cannot be read', async () => {
    const host = 'host: ventanilla.example\r\nconnection: close\r\n'
    for (const [bytes, status] of [
      [`GET /form HTTP/1.1\r\n${host}x-forwarded-for: 198.51.100.1\r\n\r\n`, 200],
      [`GET /nowhere HTTP/1.1\r\n${host}x-forwarded-for: 198.51.100.1\r\n\r\n`, 404],
      [`GET /%ff%zz HTTP/1.1\r\n${host}x-forwarded-for: 198.51.100.2\r\n\r\n`, 400],
      ['no request at all\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nx: ${'x'.repeat(70_000)}\r\n${host}\r\n`, 431],
    ] as const) {
      const got = await head(bytes)
      assert.match(got, new RegExp(`^http/1.1 ${status}`))
      assert.match(got, /strict-transport-security: max-age=31536000/, bytes.slice(0, 40))
      assert.match(got, /content-security-policy: default-src 'none'/, bytes.slice(0, 40))
    }
  })

  test('a form from the same host in the clear is another site’s', async () => {
    const remoteAddress = '127.0.0.1'
    const page = await served.app.inject({ url: '/form', remoteAddress, headers: { 'x-forwarded-for': '198.51.100.3' } })
    const cookie = [page.headers['set-cookie'] ?? []]
      .flat()
      .map((c) => c.split(';')[0])
      .join('; ')
    const token = /value="([^"]+)"/.exec(page.body)![1]!
    const send = (origin: string) =>
      served.app.inject({
        method: 'POST',
        url: '/form',
        headers: { host: 'ventanilla.example', cookie, origin, 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({ _csrf: token }).toString(),
      })
    assert.equal((await send('https://ventanilla.example')).statusCode, 200)
    assert.equal((await send('http://ventanilla.example')).statusCode, 403)
  })

  test('one household is one address, however many of IPv6 it has', async () => {
    const from = async (address: string) =>
      (await served.app.inject({ url: '/form', headers: { 'x-forwarded-for': `203.0.113.9, ${address}` } })).statusCode
    assert.deepEqual([await from('2001:db8:1:2::a'), await from('2001:db8:1:2::b'), await from('2001:db8:1:2:9:9:9:9')], [200, 200, 429])
    assert.equal(await from('2001:db8:1:3::a'), 200)
  })
})

test('closing finishes the request under way, ends its connection at once, and waits for nobody who dawdles', async () => {
  let go = () => {}
  const held = new Promise<void>((done) => {
    go = done
  })
  const slow = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost:3000',
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: Buffer.alloc(32, 7),
    assetsFolder: import.meta.dirname,
    log: false,
    identify: async (_request, language) => ({ person: null, session: null, language, grants: [] }),
    patience: { closeMs: 1_500 },
  })
  slow.route({ method: 'GET', url: '/slow', access: 'public', schema: {}, handler: () => held.then(() => ({ done: true })) })
  await slow.listen()
  const { port } = slow.app.server.address() as AddressInfo
  const open = (bytes: string) => {
    const socket = connect(port, '127.0.0.1')
    let got = ''
    socket.on('data', (d) => (got += d)).on('error', () => {})
    socket.write(bytes)
    return { said: () => got, closed: new Promise<number>((done) => socket.on('close', () => done(performance.now()))) }
  }
  open('GET /slow HTTP/1.1\r\nho')
  const asked = open('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
  await new Promise((done) => setTimeout(done, 100))
  const from = performance.now()
  const closed = slow.close()
  setTimeout(go, 200)
  assert.ok((await asked.closed) - from < 1_400)
  assert.match(asked.said(), /{"done":true}/)
  await closed
  assert.ok(performance.now() - from < 10_000)
})
