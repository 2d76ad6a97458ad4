import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { setTimeout as later } from 'node:timers/promises'
import { keepAnswer, openWeb, takesGzip } from './index.ts'

const freshMs = 300

async function served(readsPerAddress = 0) {
  const observed: string[] = []
  const web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://localhost:3000',
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: randomBytes(32),
    assetsFolder: '.assets',
    log: false,
    identify: async (_request, language) => ({ person: null, session: null, language, grants: [] }),
    observe: (route, _method, status) => observed.push(`${route} ${status}`),
  })
  let rendered = 0
  web.route({
    method: 'GET',
    url: '/page/:id',
    access: 'public',
    schema: {},
    handler(request, reply) {
      const body = Buffer.from(`${request.visitor.language} ${++rendered}`)
      reply.headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'public, max-age=1' })
      keepAnswer(request, reply, body, freshMs)
      return reply.send(body)
    },
  })
  const address = await web.listen()
  after(() => web.close())
  return {
    observed,
    get: async (path: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${address}${path}`, { headers: { 'accept-language': 'es', ...headers } })
      const text = await answer.text()
      const names = [...answer.headers.keys()].filter((n) => n !== 'date').sort()
      return { status: answer.status, text, names, csp: answer.headers.get('content-security-policy') }
    },
  }
}

test('within a second the same bytes go to whoever has no cookie, under the same headers, and are counted', async () => {
  const { get, observed } = await served()
  const first = await get('/page/1')
  const again = await get('/page/1')
  assert.deepEqual(again, first)
  assert.equal(again.text, 'es 1')
  assert.match(again.csp!, /default-src 'none'/)
  assert.deepEqual(observed, ['/page/:id 200', '/page/:id 200'])
  await later(freshMs + 20)
  assert.equal((await get('/page/1')).text, 'es 2')
})

test('another page, language, encoding or a cookie asks the routes', async () => {
  const { get } = await served()
  assert.equal((await get('/page/1')).text, 'es 1')
  assert.equal((await get('/page/2')).text, 'es 2')
  assert.equal((await get('/page/1', { 'accept-language': 'en' })).text, 'en 3')
  assert.equal((await get('/page/1', { 'accept-encoding': 'identity' })).text, 'es 4')
  assert.equal((await get('/page/1', { cookie: 'session=x' })).text, 'es 5')
  assert.equal((await get('/page/1', { cookie: 'lang=en' })).text, 'en 6')
  assert.equal((await get('/page/1', { 'if-none-match': 'W/"x"' })).text, 'es 7')
  // What a cookie got is nobody else's.
  assert.equal((await get('/page/1')).text, 'es 1')
})

test('who asks too often is refused a kept page too', async () => {
  const { get } = await served(3)
  for (let i = 0; i < 3; i++) assert.equal((await get('/page/1')).status, 200)
  assert.equal((await get('/page/1')).status, 429)
})

test('gzip goes to whoever takes it, and never to who refuses it', () => {
  const takes = (given?: string) => takesGzip(given === undefined ? {} : { 'accept-encoding': given })
  for (const yes of ['gzip', 'gzip, br', 'br;q=0, gzip', 'deflate, gzip;q=0.5', 'gzip;q=1.0', 'gzip; q=0.001'])
    assert.equal(takes(yes), true, yes)
  for (const no of [undefined, '', 'identity', 'br', 'gzip;q=0', 'br, gzip; q=0.000, deflate', 'x-gzipped'])
    assert.equal(takes(no), false, no)
})
