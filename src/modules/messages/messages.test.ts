import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
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
  const people = openPeople({ db: t.db, clock, jobs, keys, publicUrl })
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
