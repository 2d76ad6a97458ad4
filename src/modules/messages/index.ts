/** The inbox, and the mail and short messages about it: delivered, or said why not. README.md tells the rules and the tables. */
import { createHash, createHmac } from 'node:crypto'
import type { Db, Tx } from '#db'
import { type PersonId, type Reference, uuidv7 } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { type Clock, dayMs, hourMs, minuteMs } from '#kernel/time'
import type { Keys } from '#keys'
import { isPhone, type People, type PersonalPart } from '#people'
import type { Web } from '#web'
import { type Carrier, longestTryMs, noCarrier, type Outcome, smtpCarrier } from './carrier.ts'
import { pages } from './pages.ts'
import { kannelCarrier, noSmsCarrier, type SmsCarrier } from './sms.ts'
import type { MailState, On } from './store.ts'
import * as store from './store.ts'
import { checkData, type DataOf, type Rendered, render, type Template, toMail, toSms } from './templates.ts'

export type { MailState } from './store.ts'
export type { DataOf, Template } from './templates.ts'

/** One thing to tell one person. With a `key` the same thing told again is told once. */
export type Message = {
  [T in Template]: { to: PersonId; template: T; data: DataOf<T>; caseReference?: Reference; key?: string }
}[Template]

export type MessagesDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly jobs: {
    add(on: On, name: string, data: object, options?: { startAfter?: Date }): Promise<unknown>
    addMany(on: On, name: string, data: readonly object[]): Promise<unknown>
    handle<T extends object>(name: string, handler: (data: T) => Promise<void>, options?: { batch?: number; retries?: number }): void
    every(name: string, cron: string, handler: () => Promise<void>): void
  }
  readonly people: Pick<People, 'person' | 'letter'>
  readonly keys: Pick<Keys, 'newDataKey' | 'unwrap' | 'encrypt' | 'decrypt' | 'secret'>
  readonly publicUrl: string
  readonly production: boolean
  /** Null: mail is shown on `/dev/mail`, or in production fails and says so. */
  readonly smtpUrl: string | null
  /** Null: the same for short messages to telephones. */
  readonly smsUrl: string | null
  /** The sender, `Ventanilla <no-reply@host>`. */
  readonly mailFrom: string
  /** How long to wait before each further try; when they are used up the mail has failed. */
  readonly retryDelaysMs?: readonly number[]
}

/** A mail or short message as `/dev/mail.json` shows it. */
export type ShownMail = { id: string; to: string; subject: string; text: string; at: string }

/** A message as its person sees it. `rendered` is null when its key is gone. */
export type InboxMessage = {
  id: string
  template: string
  caseReference: Reference | null
  at: Date
  read: boolean
  rendered: Rendered | null
  /** What became of its mail; null in a list. */
  mail: { state: MailState; reason: string | null } | null
}

export interface Messages {
  /**
   * Tells people things, in the caller's transaction: the inbox rows and the mail jobs exist exactly when it commits. A fixed number of statements,
   * however many. Throws RangeError for a template whose fields are not complete.
   */
  send(on: Tx, messages: readonly Message[]): Promise<void>
  /** Newest first; with `before`, those older than that message. */
  inbox(person: PersonId, options: { language: Language; before?: string | null; limit?: number }): Promise<InboxMessage[]>
  /** One message of this person's, marked as read. Refuses with `not-found` what is not theirs. */
  read(person: PersonId, id: string, language: Language): Promise<InboxMessage>
  /** Unread messages, counted up to 100. */
  unread(person: PersonId): Promise<number>
  /** Makes every message of the person unreadable for ever, in the caller's transaction. */
  forget(on: Tx, person: PersonId): Promise<void>
  /** What is kept of a person here, for who asks for it. */
  readonly personal: PersonalPart
  /** How many mails stand in each state. */
  mailStates(): Promise<Record<MailState, number>>
  /** What was shown instead of sent, newest first; null where `/dev/mail` does not exist. */
  shown(to?: string): Promise<ShownMail[] | null>
  register(web: Web): void
  close(): void
}

const defaultDelaysMs = [minuteMs, 5 * minuteMs, 30 * minuteMs, 2 * hourMs, 6 * hourMs, 12 * hourMs]
const mostShown = 1000

// The same thing for the same person has the same id, so a job that runs twice tells it once. Version 8 (RFC 9562): our own making.
function idOf(to: PersonId, key: string): string {
  const b = createHash('sha256').update(`${to}\0${key}`).digest().subarray(0, 16)
  b[6] = (b[6]! & 0x0f) | 0x80
  b[8] = (b[8]! & 0x3f) | 0x80
  const h = b.toString('hex')
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`
}

/** What goes out: to an address of mail or a number, in the words of that way. */
type Composed = { to: string; language: Language; rendered: Rendered }
const placeOf = (to: string) => (isPhone(to) ? 'sms' : 'mail')

// Where a sealed box belongs: moved to another row it does not open.
const messagePlace = (id: string) => `messages_message/${id}`
const shownPlace = (id: string) => `messages_shown/${id}`

// The queue goes by the database's time and not by `clock`, so it is told how long to wait from this moment.
const afterMs = (ms: number) => (ms > 0 ? { startAfter: new Date(Date.now() + ms) } : {})

/** Opens the module and takes over the jobs `messages/mail`, `people.letter` and `messages/tidy`. */
export function openMessages(deps: MessagesDeps): Messages {
  const { db, clock, jobs, people, keys, publicUrl } = deps
  const delaysMs = deps.retryDelaysMs ?? defaultDelaysMs
  const showsMail = deps.smtpUrl === null && !deps.production
  const showsSms = deps.smsUrl === null && !deps.production
  const shownKey = keys.secret('messages/shown')
  const carrier: Carrier = deps.smtpUrl
    ? smtpCarrier(deps.smtpUrl, deps.mailFrom, new URL(publicUrl).hostname)
    : showsMail
      ? shownCarrier()
      : noCarrier
  const smsCarrier: SmsCarrier = deps.smsUrl ? kannelCarrier(deps.smsUrl) : showsSms ? shownSmsCarrier() : noSmsCarrier

  const hashOf = (to: string) => createHmac('sha256', shownKey).update(to.toLowerCase()).digest()

  async function show(sent: Omit<ShownMail, 'at'>): Promise<Outcome> {
    const at = clock.now()
    const mail: ShownMail = { ...sent, at: at.toISOString() }
    const box = keys.encrypt(shownKey, Buffer.from(JSON.stringify(mail)), shownPlace(sent.id))
    await store.addShown(db, { id: sent.id, to_hash: hashOf(sent.to), box, at })
    return { state: 'sent' }
  }

  function shownCarrier(): Carrier {
    return { send: ({ id, to, subject, text }) => show({ id, to, subject, text }), close() {} }
  }

  function shownSmsCarrier(): SmsCarrier {
    return { send: ({ id, to, text }) => show({ id, to, subject: 'SMS', text }) }
  }

  async function keysOf(on: On, all: readonly PersonId[]): Promise<Map<PersonId, Buffer>> {
    const unique = [...new Set(all)]
    let wrapped = await store.wrappedKeys(on, unique)
    const missing = unique.filter((p) => !wrapped.has(p))
    if (missing.length > 0) {
      await store.addKeys(
        on,
        missing.map((person) => ({ person, wrapped: keys.newDataKey().wrapped })),
      )
      // Read back: another transaction may have been first.
      wrapped = new Map([...wrapped, ...(await store.wrappedKeys(on, missing))])
    }
    return new Map([...wrapped].map(([person, w]) => [person, keys.unwrap(w)]))
  }

  const open = (key: Buffer, id: string, box: Buffer) =>
    JSON.parse(keys.decrypt(key, box, messagePlace(id)).toString()) as Record<string, unknown>

  /** By mail or by short message, as the address is one or the other. */
  function carry(id: string, { to, language, rendered }: Composed): Promise<Outcome> {
    if (isPhone(to)) return smsCarrier.send({ id, to, text: toSms(rendered) })
    return carrier.send({ id, to, language, ...toMail(rendered, language) })
  }

  /** Sends one mail once: looks whether it is done, takes it for itself, composes, sends, writes down what became of it. */
  async function deliver(
    job: { name: string; data: object },
    id: string,
    person: PersonId | null,
    compose: () => Promise<Composed | { not: 'none' | 'failed'; reason: string }>,
  ): Promise<void> {
    const now = clock.now()
    const tries = await store.claimMail(db, id, person, now, new Date(now.getTime() + longestTryMs))
    if (tries === undefined) {
      const found = await store.findMail(db, id)
      // Another process has it. Should that one die, this job is what remembers the mail.
      if (found?.state === 'queued' && found.claimed_until)
        await jobs.add(db, job.name, job.data, afterMs(found.claimed_until.getTime() - now.getTime() + 1000))
      return
    }
    const composed = await compose()
    if ('not' in composed) return store.finishMail(db, id, composed.not, composed.reason, clock.now())
    const outcome: Outcome = await carry(id, composed)
    if (outcome.state !== 'again')
      return store.finishMail(db, id, outcome.state, outcome.state === 'bounced' ? outcome.reason : null, clock.now())
    const delayMs = delaysMs[tries - 1]
    if (delayMs === undefined) return store.finishMail(db, id, 'failed', outcome.reason, clock.now())
    // Together, or the mail would wait for nobody.
    await db.tx(async (tx) => {
      await store.finishMail(tx, id, 'queued', outcome.reason, clock.now())
      await jobs.add(tx, job.name, job.data, afterMs(delayMs))
    })
  }

  jobs.handle<{ id: string; person: PersonId }>('messages/mail', ({ id, person }) =>
    deliver({ name: 'messages/mail', data: { id, person } }, id, person, async () => {
      const [to, message, all] = await Promise.all([
        people.person(db, person),
        store.findMessage(db, person, id),
        store.wrappedKeys(db, [person]),
      ])
      const wrapped = all.get(person)
      if (!message || !wrapped) return { not: 'none', reason: 'forgotten' }
      const address = to?.email ?? to?.phone
      if (!to || !address) return { not: 'none', reason: 'no-address' }
      const data = open(keys.unwrap(wrapped), id, message.box)
      const { language } = to
      return { to: address, language, rendered: render(message.template, data, { language, publicUrl, place: placeOf(address) }) }
    }),
  )

  jobs.handle<{ id: string }>('people.letter', ({ id }) =>
    deliver({ name: 'people.letter', data: { id } }, id, null, async () => {
      const letter = await people.letter(id)
      if (!letter) return { not: 'failed', reason: 'expired' }
      const { to, language, template, data } = letter
      checkData(template, data)
      return { to, language, rendered: render(template, data, { language, publicUrl, place: placeOf(to) }) }
    }),
  )

  jobs.every('messages/tidy', '37 3 * * *', () => store.tidy(db, new Date(clock.now().getTime() - 30 * dayMs), mostShown))

  const messages: Messages = {
    async send(on, all) {
      if (all.length === 0) return
      for (const m of all) checkData(m.template, m.data)
      const now = clock.now()
      const own = await keysOf(
        on,
        all.map((m) => m.to),
      )
      const rows = all.map((m) => {
        const id = m.key === undefined ? uuidv7(now.getTime()) : idOf(m.to, m.key)
        const box = keys.encrypt(own.get(m.to)!, Buffer.from(JSON.stringify(m.data)), messagePlace(id))
        return { person: m.to, id, template: m.template, caseReference: m.caseReference ?? null, box }
      })
      const added = await store.addMessages(on, now, rows)
      const fresh = rows.filter((r) => added.has(r.id))
      if (fresh.length > 0)
        await jobs.addMany(
          on,
          'messages/mail',
          fresh.map(({ id, person }) => ({ id, person })),
        )
    },

    async inbox(person, { language, before = null, limit = 50 }) {
      const wrapped = (await store.wrappedKeys(db, [person])).get(person)
      const key = wrapped && keys.unwrap(wrapped)
      return (await store.listMessages(db, person, before, limit)).map((m) => ({
        id: m.id,
        template: m.template,
        caseReference: m.case_reference,
        at: m.at,
        read: m.read_at !== null,
        rendered: key ? render(m.template, open(key, m.id, m.box), { language, publicUrl, place: 'inbox' }) : null,
        mail: null,
      }))
    },

    async read(person, id, language) {
      const m = await store.findMessage(db, person, id)
      if (!m) throw new Problem('not-found', 'There is no such message.')
      await store.markRead(db, person, id, clock.now())
      const wrapped = (await store.wrappedKeys(db, [person])).get(person)
      return {
        id: m.id,
        template: m.template,
        caseReference: m.case_reference,
        at: m.at,
        read: true,
        rendered: wrapped ? render(m.template, open(keys.unwrap(wrapped), m.id, m.box), { language, publicUrl, place: 'inbox' }) : null,
        mail: { state: m.state ?? 'queued', reason: m.reason },
      }
    },

    unread: (person) => store.countUnread(db, person),
    forget: (on, person) => store.deleteKey(on, person),
    personal: {
      name: 'messages',
      async take({ person, language }) {
        const all = await messages.inbox(person, { language, limit: 10_000 })
        return all.map((m) => ({
          at: m.at,
          read: m.read,
          about: m.caseReference,
          subject: m.rendered?.subject,
          text: m.rendered?.paragraphs,
        }))
      },
      erase: (tx, person) => store.deleteAll(tx, person),
    },
    mailStates: () => store.countMail(db),

    async shown(to) {
      if (!showsMail && !showsSms) return null
      const rows = await store.listShown(db, to === undefined ? null : hashOf(to), 200)
      return rows.map((r) => JSON.parse(keys.decrypt(shownKey, r.box, shownPlace(r.id)).toString()) as ShownMail)
    },

    register: (web) => pages(web, messages, { shows: showsMail || showsSms }),
    close: () => carrier.close(),
  }
  return messages
}
