import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import test, { after, before, describe } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { openJobs } from '#jobs'
import type { PersonId, Reference } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { FixedClock } from '#kernel/time'
import { openPeople } from '#people'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { aPerson as aPersonWith, Browser, testKeys, testWeb, withoutContact } from '../people/testing.ts'
import { type Message, type Messages, openMessages } from './index.ts'
import { kannelCarrier } from './sms.ts'

const quiet = { info() {}, warn() {}, error() {} }
const publicUrl = 'http://localhost:3000'

const keys = testKeys()
let t: TestDatabase
before(async () => {
  t = await testDatabase()
})
after(() => t.close())

/** The module over the test database with real jobs and real people. Every job is of this opening: the queue is emptied first. */
async function open(more: { smtpUrl?: string; smsUrl?: string; production?: boolean; retryDelaysMs?: number[] } = {}) {
  await t.db.query('delete from pgboss.job')
  const clock = new FixedClock(new Date(Date.now() - 3_600_000))
  const jobs = openJobs(t.db, quiet)
  const people = openPeople({ db: t.db, clock, jobs, keys, publicUrl, phones: true })
  const messages = openMessages({
    db: t.db,
    clock,
    jobs,
    people,
    keys,
    publicUrl,
    production: more.production ?? false,
    smtpUrl: more.smtpUrl ?? null,
    smsUrl: more.smsUrl ?? null,
    mailFrom: 'Ventanilla <no-responder@localhost>',
    retryDelaysMs: more.retryDelaysMs ?? [0, 0, 0],
  })
  const close = async () => {
    messages.close()
    await jobs.stop()
  }
  return { clock, jobs, people, messages, close }
}

let count = 0
const anEmail = () => `vecino${++count}@ejemplo.mx`
const aPerson = (email: string) => aPersonWith(t.db, email)

const lost = (to: PersonId, key?: string): Message => ({
  to,
  template: 'contents-lost',
  data: { reference: 'K7QP-2M4XW' },
  caseReference: 'K7QP-2M4XW' as Reference,
  ...(key ? { key } : {}),
})

const tell = (messages: Messages, ...all: Message[]) => t.db.tx((tx) => messages.send(tx, all))

describe('telling', () => {
  test('a message and its mail exist exactly when the transaction commits', async () => {
    const { messages, jobs, close } = await open()
    const email = anEmail()
    const person = await aPerson(email)
    await assert.rejects(
      t.db.tx(async (tx) => {
        await messages.send(tx, [lost(person)])
        throw new Error('undone')
      }),
    )
    await jobs.drain()
    assert.equal((await messages.inbox(person, { language: 'es' })).length, 0)
    assert.deepEqual(await messages.shown(email), [])

    await tell(messages, lost(person))
    await jobs.drain()
    const [mail] = (await messages.shown(email))!
    assert.match(mail!.subject, /K7QP-2M4XW/)
    assert.match(mail!.text, /http:\/\/localhost:3000\/cases\/K7QP-2M4XW/)
    const [found] = await messages.inbox(person, { language: 'es' })
    assert.equal(found!.read, false)
    assert.equal((await messages.read(person, found!.id, 'en')).mail?.state, 'sent')
    await close()
  })

  test('the same thing told twice, and its job run twice, is one inbox row and one mail', async () => {
    const { messages, jobs, close } = await open()
    const email = anEmail()
    const person = await aPerson(email)
    await Promise.all([1, 2, 3].map(() => tell(messages, lost(person, 'turn-1/5'))))
    const [message] = await messages.inbox(person, { language: 'es' })
    await jobs.addMany(t.db, 'messages/mail', [
      { id: message!.id, person },
      { id: message!.id, person },
    ])
    await jobs.drain()
    assert.equal((await messages.inbox(person, { language: 'es' })).length, 1)
    assert.equal((await messages.shown(email))!.length, 1)
    await close()
  })

  test('a mail whose process died is sent by another once its time is over, and until then by nobody else', async () => {
    const { messages, jobs, clock, close } = await open()
    const email = anEmail()
    const person = await aPerson(email)
    await tell(messages, lost(person))
    const [message] = await messages.inbox(person, { language: 'es' })
    await t.db.query(
      `insert into messages_mail (id, person, state, tries, claimed_until, created_at) values ($1, $2, 'queued', 1, $3, $4)`,
      [message!.id, person, new Date(clock.now().getTime() + 60_000), clock.now()],
    )
    await jobs.drain()
    assert.deepEqual(await messages.shown(email), [])
    const [waiting] = await t.db.query<{ n: string }>(
      `select count(*) n from pgboss.job where name = 'messages/mail' and state = 'created'`,
    )
    assert.equal(waiting!.n, '1', 'a job remembers it')
    clock.advance(61_000)
    await t.db.query(`update pgboss.job set start_after = now() where state = 'created'`)
    await jobs.drain()
    assert.equal((await messages.shown(email))!.length, 1)
    await close()
  })

  test('a person without an address has the message in the inbox, and the mail says why it never went', async () => {
    const { messages, jobs, close } = await open()
    const person = await aPerson(anEmail())
    await withoutContact(t.db, person)
    await tell(messages, lost(person))
    await jobs.drain()
    const [found] = await messages.inbox(person, { language: 'es' })
    assert.deepEqual((await messages.read(person, found!.id, 'es')).mail, { state: 'none', reason: 'no-address' })
    await close()
  })

  test('what a message says is nowhere in the database in clear, and is gone for ever with the person’s key', async () => {
    const { messages, jobs, close } = await open()
    const email = anEmail()
    const person = await aPerson(email)
    const secret = 'ACTA-DE-MATRIMONIO-EXTRANJERA'
    await tell(messages, {
      to: person,
      template: 'held',
      data: { reference: 'K7QP-2M4XW', line: 'demo/x', n: 3, service: 'Servicio', papers: [secret], until: '2026-12-01' },
    })
    await jobs.drain()
    const tables = await t.db.query<{ name: string }>(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
       where table_schema in ('public', 'pgboss') and table_type = 'BASE TABLE'`,
    )
    assert.ok(tables.length > 20)
    const hex = Buffer.from(secret).toString('hex')
    for (const { name } of tables) {
      const [found] = await t.db.query<{ n: string }>(
        `select count(*) n from ${name} t where position($1 in t::text) > 0 or position($2 in t::text) > 0 or
         (position('Ana Secreta' in t::text) > 0 and '${name}' not like '%people_%') or
         (position($3 in t::text) > 0 and '${name}' not like '%people_%')`,
        [secret, hex, email],
      )
      assert.equal(found!.n, '0', name)
    }
    const [before] = await messages.inbox(person, { language: 'es' })
    assert.ok(before!.rendered!.paragraphs.some((p) => p.includes(secret)))
    await t.db.tx((tx) => messages.forget(tx, person))
    const [gone] = await messages.inbox(person, { language: 'es' })
    assert.equal(gone!.rendered, null)
    await close()
  })

  test('a code reaches its address, and after ten minutes no mail of it goes out', async () => {
    const { messages, people, jobs, clock, close } = await open()
    const web = await testWeb(people)
    const [good, late] = [anEmail(), anEmail()]
    const browser = new Browser(web)
    await browser.get('/sign-in')
    await browser.post('/sign-in', { email: good, next: '/me' })
    await jobs.drain()
    const code = /\b\d{6}\b/.exec((await messages.shown(good))![0]!.text)![0]
    assert.equal((await browser.post('/sign-in/code', { code, next: '/me' })).status, 303)

    const other = new Browser(web)
    await other.get('/sign-in')
    await other.post('/sign-in', { email: late, next: '/me' })
    clock.advance(11 * 60_000)
    await jobs.drain()
    assert.deepEqual(await messages.shown(late), [])
    await web.close()
    await close()
  })
})

describe('the inbox', () => {
  test('a person reads their own messages, marks them read by opening, and reaches nobody else’s', async () => {
    const { messages, people, jobs, close } = await open()
    const web = await testWeb(people)
    messages.register(web)
    const [mine, theirs] = [await aPerson(anEmail()), await aPerson(anEmail())]
    await tell(messages, lost(mine), lost(theirs))
    await jobs.drain()
    const { cookie } = await people.startSession(t.db, mine, 'email')
    const browser = new Browser(web, cookie)
    assert.equal(await messages.unread(mine), 1)
    const list = await browser.get('/inbox')
    assert.match(list.body, /sin leer/)
    const [, path] = /href="(\/inbox\/[0-9a-f-]{36})"/.exec(list.body)!
    const read = await browser.get(path!)
    assert.match(read.body, /K7QP-2M4XW/)
    assert.equal(await messages.unread(mine), 0)
    const [other] = await messages.inbox(theirs, { language: 'es' })
    assert.equal((await browser.get(`/inbox/${other!.id}`)).status, 404)
    assert.equal(await messages.unread(theirs), 1)
    await assert.rejects(messages.read(mine, other!.id, 'es'), (e) => e instanceof Problem && e.code === 'not-found')
    assert.equal((await new Browser(web).get('/inbox')).status, 303)
    await web.close()
    await close()
  })

  test('a long inbox goes on page by page and loses nothing between messages of one moment', async () => {
    const { messages, close } = await open()
    const person = await aPerson(anEmail())
    await tell(messages, ...Array.from({ length: 7 }, () => lost(person)))
    const seen = new Set<string>()
    for (let before: string | null = null; ; ) {
      const some = await messages.inbox(person, { language: 'es', before, limit: 3 })
      for (const m of some) seen.add(m.id)
      if (some.length < 3) break
      before = some.at(-1)!.id
    }
    assert.equal(seen.size, 7)
    await close()
  })

  test('/dev/mail exists only where there is something to show and no production', async () => {
    for (const [more, status] of [
      [{}, 200],
      [{ production: true }, 404],
      [{ smtpUrl: 'smtp://127.0.0.1:9' }, 200],
      [{ smtpUrl: 'smtp://127.0.0.1:9', smsUrl: 'http://127.0.0.1:9/cgi-bin/sendsms' }, 404],
    ] as const) {
      const { messages, people, close } = await open(more)
      const web = await testWeb(people)
      messages.register(web)
      for (const url of ['/dev/mail', '/dev/mail.json'])
        assert.equal((await new Browser(web).get(url)).status, status, `${url} ${JSON.stringify(more)}`)
      if (status === 200) {
        const json = JSON.parse((await new Browser(web).get('/dev/mail.json?to=vecino1%40ejemplo.mx')).body)
        for (const m of json) {
          assert.deepEqual(Object.keys(m), ['id', 'to', 'subject', 'text', 'at'])
          assert.equal(m.to, 'vecino1@ejemplo.mx')
        }
      }
      await web.close()
      await close()
    }
  })

  test('in production without a mail server a mail fails and says why', async () => {
    const { messages, jobs, close } = await open({ production: true })
    const person = await aPerson(anEmail())
    await tell(messages, lost(person))
    await jobs.drain()
    const [found] = await messages.inbox(person, { language: 'es' })
    assert.deepEqual((await messages.read(person, found!.id, 'es')).mail, { state: 'failed', reason: 'no-smtp' })
    await close()
  })
})

/** A mail server that does with each mail what the test says: `act` gets the number of the try. */
type Act = 'take' | 'later' | 'refuse' | 'hang-up-before' | 'hang-up-after'
async function aServer(act: (attempt: number) => Act) {
  const kept: string[] = []
  const sockets = new Set<Socket>()
  let attempt = 0
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onRcptTo(_address, _session, done) {
      const what = act(++attempt)
      if (what === 'later') return done(Object.assign(new Error('4.2.1 try later'), { responseCode: 450 }))
      if (what === 'refuse') return done(Object.assign(new Error('5.1.1 no such user'), { responseCode: 550 }))
      done()
    },
    onData(stream, session, done) {
      let all = ''
      stream.setEncoding('utf8')
      stream.on('data', (chunk) => {
        all += chunk
      })
      stream.on('end', () => {
        const what = act(attempt)
        if (what === 'hang-up-before' || what === 'hang-up-after') {
          if (what === 'hang-up-after') kept.push(all)
          for (const s of sockets) if (s.remotePort === session.remotePort) s.destroy()
          return
        }
        kept.push(all)
        done()
      })
    },
  })
  server.on('error', () => {})
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.server.address()
  const url = `smtp://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return { url, kept, attempts: () => attempt, close: () => new Promise<void>((resolve) => server.close(resolve)) }
}

describe('mail by SMTP', () => {
  const cases: { name: string; act: (n: number) => Act; state: string; reason: string | null; kept: number; attempts?: number }[] = [
    { name: 'taken at once', act: () => 'take', state: 'sent', reason: null, kept: 1 },
    { name: 'put off once, then taken', act: (n: number) => (n === 1 ? 'later' : 'take'), state: 'sent', reason: null, kept: 1 },
    { name: 'refused for good is not tried again', act: () => 'refuse', state: 'bounced', reason: '550 5.1.1', kept: 0, attempts: 1 },
    { name: 'put off for ever has failed in the end', act: () => 'later', state: 'failed', reason: '450 4.2.1', kept: 0, attempts: 4 },
    {
      name: 'the line breaks before it is stored',
      act: (n: number) => (n === 1 ? 'hang-up-before' : 'take'),
      state: 'sent',
      reason: null,
      kept: 1,
    },
    {
      name: 'it is stored but the reply never comes',
      act: (n: number) => (n === 1 ? 'hang-up-after' : 'take'),
      state: 'sent',
      reason: null,
      kept: 2,
    },
  ]
  for (const c of cases) {
    test(c.name, async () => {
      const server = await aServer(c.act)
      const { messages, jobs, close } = await open({ smtpUrl: server.url })
      const email = anEmail()
      const person = await aPerson(email)
      await tell(messages, lost(person))
      await jobs.drain()
      const [found] = await messages.inbox(person, { language: 'es' })
      assert.deepEqual((await messages.read(person, found!.id, 'es')).mail, { state: c.state, reason: c.reason })
      assert.equal(server.kept.length, c.kept)
      if (c.attempts !== undefined) assert.equal(server.attempts(), c.attempts)
      // A copy too many is the same mail to the mailbox that got both.
      const ids = new Set(server.kept.map((m) => /^Message-ID: (.+)$/im.exec(m)![1]))
      assert.ok(ids.size <= 1)
      for (const m of server.kept) {
        assert.match(m, new RegExp(`^To: <?${email}>?\\r$`, 'm'))
        assert.match(m, /^Auto-Submitted: auto-generated\r$/m)
        assert.match(m, /^Content-Type: multipart\/alternative/m)
      }
      await close()
      await server.close()
    })
  }

  test('nothing a person wrote becomes a header', async () => {
    const server = await aServer(() => 'take')
    const { messages, jobs, close } = await open({ smtpUrl: server.url })
    const person = await aPerson(anEmail())
    const evil = 'Oficina\r\nBcc: todos@ejemplo.mx\r\n\r\nOtro cuerpo'
    await tell(messages, { to: person, template: 'office-message', data: { reference: evil, office: evil } })
    await jobs.drain()
    assert.equal(server.kept.length, 1)
    const head = server.kept[0]!.slice(0, server.kept[0]!.indexOf('\r\n\r\n'))
    assert.ok(!/^Bcc:/im.test(head))
    assert.ok(/^Content-Type:/im.test(head), 'the head is whole')
    await close()
    await server.close()
  })
})

/** A gateway as Kannel's `sendsms` is, which does with each message what the test says: `act` gets the number of the try. */
type GatewayAct = 'take' | 'queue' | 'busy' | 'fail' | 'deny' | 'refuse' | 'elsewhere' | 'close' | 'close-after' | 'slow' | 'endless'
async function aGateway(act: (attempt: number) => GatewayAct) {
  const taken: Record<string, string>[] = []
  let attempt = 0
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://gateway.invalid')
    const message = Object.fromEntries(url.searchParams)
    const what = url.pathname === '/cgi-bin/sendsms' ? act(++attempt) : 'refuse'
    if (['take', 'queue', 'close-after', 'endless'].includes(what)) taken.push(message)
    if (what === 'close' || what === 'close-after') return request.socket.destroy()
    if (what === 'slow') return
    if (what === 'endless') {
      response.writeHead(202)
      response.write('0: Accepted for delivery')
      const more = setInterval(() => response.write('x'.repeat(10_000)), 1)
      response.on('close', () => clearInterval(more))
      return
    }
    const [status, line] = {
      take: [202, '0: Accepted for delivery'],
      queue: [202, '3: Queued for later delivery'],
      busy: [202, '4: Sent to nobody'],
      fail: [500, 'Internal error'],
      deny: [403, 'Authorization failed for sendsms'],
      refuse: [400, `Invalid receiver ${message.to}`],
      elsewhere: [302, ''],
    }[what] as [number, string]
    response.writeHead(status, what === 'elsewhere' ? { location: `http://${request.headers.host}/cgi-bin/sendsms` } : {}).end(line)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { url: `http://app:clave%26%20larga@127.0.0.1:${port}/cgi-bin/sendsms?from=60060`, taken, attempts: () => attempt, close }
}

let numbers = 0
const aNumber = () => `+5255${String(++numbers).padStart(8, '0')}`

describe('short messages by a gateway', () => {
  const cases: { name: string; act: (n: number) => GatewayAct; state: string; reason: string | null; taken: number; attempts: number }[] = [
    { name: 'taken at once', act: () => 'take', state: 'sent', reason: null, taken: 1, attempts: 1 },
    { name: 'queued there', act: () => 'queue', state: 'sent', reason: null, taken: 1, attempts: 1 },
    { name: 'taken, with an answer that never ends', act: () => 'endless', state: 'sent', reason: null, taken: 1, attempts: 1 },
    { name: 'failing once, then taken', act: (n) => (n === 1 ? 'fail' : 'take'), state: 'sent', reason: null, taken: 1, attempts: 2 },
    { name: 'said to be taken and not so', act: (n) => (n === 1 ? 'busy' : 'take'), state: 'sent', reason: null, taken: 1, attempts: 2 },
    { name: 'failing for ever', act: () => 'fail', state: 'failed', reason: 'http 500', taken: 0, attempts: 4 },
    { name: 'our password is wrong', act: () => 'deny', state: 'failed', reason: 'http 403', taken: 0, attempts: 4 },
    {
      name: 'a number refused for good is not tried again',
      act: () => 'refuse',
      state: 'bounced',
      reason: 'http 400',
      taken: 0,
      attempts: 1,
    },
    { name: 'a redirect is not followed', act: () => 'elsewhere', state: 'failed', reason: 'http 302', taken: 0, attempts: 4 },
    {
      name: 'the line breaks before it is taken',
      act: (n) => (n === 1 ? 'close' : 'take'),
      state: 'sent',
      reason: null,
      taken: 1,
      attempts: 2,
    },
    {
      name: 'it is taken but the answer never comes',
      act: (n) => (n === 1 ? 'close-after' : 'take'),
      state: 'sent',
      reason: null,
      taken: 2,
      attempts: 2,
    },
  ]
  for (const c of cases) {
    test(c.name, async () => {
      const gateway = await aGateway(c.act)
      const { messages, jobs, close } = await open({ smsUrl: gateway.url })
      const number = aNumber()
      const person = await aPerson(number)
      await tell(messages, lost(person))
      await jobs.drain()
      const [found] = await messages.inbox(person, { language: 'es' })
      assert.deepEqual((await messages.read(person, found!.id, 'es')).mail, { state: c.state, reason: c.reason })
      assert.equal(gateway.attempts(), c.attempts)
      assert.equal(gateway.taken.length, c.taken)
      for (const sms of gateway.taken) {
        assert.deepEqual(
          { ...sms, text: '' },
          { username: 'app', password: 'clave& larga', from: '60060', to: number, text: '', charset: 'UTF-8', coding: '0' },
        )
        assert.match(sms.text!, /^K7QP-2M4XW: .+ http:\/\/localhost:3000\/cases\/K7QP-2M4XW$/)
      }
      await close()
      await gateway.close()
    })
  }

  test('a gateway that does not answer, and one that is not there, are asked again', async () => {
    const gateway = await aGateway(() => 'slow')
    const slow = kannelCarrier(gateway.url, 100)
    assert.deepEqual(await slow.send({ id: '1', to: aNumber(), text: 'Hola' }), { state: 'again', reason: 'timeout' })
    await gateway.close()
    assert.deepEqual(await slow.send({ id: '1', to: aNumber(), text: 'Hola' }), { state: 'again', reason: 'econnrefused' })
  })

  test('letters outside the alphabet of seven bits go out whole', async () => {
    const gateway = await aGateway(() => 'take')
    const carrier = kannelCarrier(gateway.url)
    const texts = ['Su trámite está listo, ¿sí?', 'Su clave: 123456 & <más> +52 %20', 'Señal: ñ é ü ¿']
    for (const text of texts) assert.deepEqual(await carrier.send({ id: '1', to: aNumber(), text }), { state: 'sent' })
    assert.deepEqual(
      gateway.taken.map((sms) => [sms.text, sms.coding]),
      texts.map((text, i) => [text, ['2', '2', '0'][i]]),
    )
    await gateway.close()
  })

  test('a code reaches its telephone, and neither number nor code stands in the queue or what is kept of it', async () => {
    const gateway = await aGateway(() => 'take')
    const { people, jobs, close } = await open({ smsUrl: gateway.url })
    const number = aNumber()
    const web = await testWeb(people)
    const browser = new Browser(web)
    await browser.get('/sign-in')
    assert.equal((await browser.post('/sign-in', { email: number, next: '/me' })).status, 303)
    const [queued] = await t.db.query<{ all: string }>(`select string_agg(j::text, E'\\n') as all from pgboss.job j`)
    await jobs.drain()
    const code = /clave para entrar es (\d{6})\./.exec(gateway.taken[0]!.text!)![1]!
    assert.equal(gateway.taken[0]!.to, number)
    const [kept] = await t.db.query<{ all: string }>(`select string_agg(m::text, E'\\n') as all from messages_mail m`)
    for (const word of [number.slice(1), code]) {
      assert.ok(!queued!.all.includes(word))
      assert.ok(!kept!.all.includes(word))
    }
    await browser.get('/sign-in/code')
    assert.equal((await browser.post('/sign-in/code', { code, next: '/me' })).location, '/me')
    await web.close()
    await close()
    await gateway.close()
  })

  test('who has an e-mail address too gets the mail alone', async () => {
    const gateway = await aGateway(() => 'take')
    const { messages, jobs, close } = await open({ smsUrl: gateway.url })
    const [email, number] = [anEmail(), aNumber()]
    const person = await aPerson(email)
    await t.db.query('insert into people_contact (id, person, phone, confirmed_at, created_at) values ($1, $2, $3, now(), now())', [
      crypto.randomUUID(),
      person,
      number,
    ])
    await tell(messages, lost(person))
    await jobs.drain()
    assert.equal((await messages.shown(email))!.length, 1)
    assert.equal(gateway.attempts(), 0)
    await close()
    await gateway.close()
  })

  test('without a gateway they are shown in development, and in production fail and say why', async () => {
    for (const production of [false, true]) {
      const { messages, jobs, close } = await open({ production })
      const number = aNumber()
      const person = await aPerson(number)
      await tell(messages, lost(person))
      await jobs.drain()
      const [found] = await messages.inbox(person, { language: 'es' })
      const { mail } = await messages.read(person, found!.id, 'es')
      assert.deepEqual(mail, production ? { state: 'failed', reason: 'no-sms' } : { state: 'sent', reason: null })
      if (!production)
        assert.deepEqual(
          (await messages.shown(number))!.map((m) => m.subject),
          ['SMS'],
        )
      await close()
    }
  })
})
