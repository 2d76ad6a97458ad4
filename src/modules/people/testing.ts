/** Builders for tests: a people module over a test database, and a browser that keeps its cookies. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db, Tx } from '#db'
import type { OfficeId, PersonId } from '#kernel/id'
import { FixedClock } from '#kernel/time'
import { type Keys, openKeys } from '#keys'
import { openWeb, type Visitor, type Web } from '#web'
import { type Letter, openPeople, type People } from './index.ts'
import * as store from './store.ts'

/** Keys of their own for a test, in a folder that goes with the process. */
export function testKeys(): Keys {
  const folder = mkdtempSync(join(tmpdir(), 'ventanilla-keys-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return openKeys(folder, 'development')
}

export type TestPeople = {
  people: People
  clock: FixedClock
  /** Letters that were asked to be sent, oldest first. A transaction that rolls back leaves none that can be opened. */
  letters(): Promise<Letter[]>
  /** The code last sent to this address or number. */
  codeFor(address: string): Promise<string>
}

/** The module over this database, at a time that stands still. */
export function testPeople(
  db: Db,
  { publicUrl = 'http://localhost:3000', clock = new FixedClock('2026-11-24T16:00:00Z'), phones = false } = {},
): TestPeople {
  const ids: string[] = []
  const jobs = {
    async add(_on: Db | Tx, name: string, data: object) {
      if (name === 'people.letter') ids.push((data as { id: string }).id)
    },
    every() {},
  }
  const people = openPeople({ db, clock, jobs, keys: testKeys(), publicUrl, phones })
  const letters = async () => (await Promise.all(ids.map((id) => people.letter(id)))).filter((l) => l !== null)
  return {
    people,
    clock,
    letters,
    async codeFor(address) {
      const found = (await letters()).findLast((l) => l.to === address && 'code' in l.data)
      if (!found || !('code' in found.data)) throw new Error(`No code was sent to ${address}.`)
      return found.data.code
    },
  }
}

/** A person with a name and a proved address or telephone number, without the way there. */
export async function aPerson(db: Db, address: string, name = 'Ana Secreta'): Promise<PersonId> {
  const id = randomUUID() as PersonId
  await db.tx(async (tx) => {
    await store.addPerson(tx, { id, name, language: 'es', created_at: new Date() })
    await store.addContact(tx, id, address, new Date(), true)
  })
  return id
}

/** Takes the person's addresses away. */
export async function withoutContact(db: Db, person: PersonId): Promise<void> {
  await store.endContacts(db, person, new Date(), null)
}

/** A visitor with these grants, for calling operations directly. */
export function aVisitor(person: PersonId | null, grants: Visitor['grants'] = []): Visitor {
  return { person, session: person === null ? null : `session-of-${person}`, language: 'es', grants }
}

/** A clerk's grant at an office. */
export const clerkAt = (office: string): Visitor['grants'] => [{ role: 'clerk', office: office as OfficeId }]

/** The web part with the pages of people, answering `inject`. */
export async function testWeb(people: People, publicUrl = 'http://localhost:3000'): Promise<Web> {
  const web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    publicUrl,
    production: false,
    demo: false,
    trustProxy: false,
    limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
    csrfSecret: randomBytes(32),
    assetsFolder: '.assets',
    log: false,
    identify: people.identify,
  })
  people.register(web)
  return web
}

export type Answer = { status: number; body: string; location: string | undefined; headers: Record<string, unknown> }

/** A browser without scripts: keeps cookies, and posts a form as the page it last saw would. */
export class Browser {
  readonly #web: Web
  readonly cookies = new Map<string, string>()
  #csrf = ''
  constructor(web: Web, cookie?: string) {
    this.#web = web
    if (cookie) this.cookies.set(cookie.slice(0, cookie.indexOf('=')), cookie.slice(cookie.indexOf('=') + 1))
  }

  get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send({ method: 'GET', url, headers })
  }

  /** Posts the fields with the token of the last page; `csrf: null` leaves it out. */
  post(
    url: string,
    fields: Record<string, string>,
    more: { csrf?: string | null; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const csrf = more.csrf === undefined ? this.#csrf : more.csrf
    const payload = new URLSearchParams({ ...fields, ...(csrf === null ? {} : { _csrf: csrf }) }).toString()
    return this.#send({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...more.headers },
    })
  }

  async #send(options: { method: 'GET' | 'POST'; url: string; payload?: string; headers: Record<string, string> }): Promise<Answer> {
    const answer = await this.#web.app.inject({ ...options, cookies: Object.fromEntries(this.cookies) })
    for (const c of answer.cookies) {
      if (c.value === '' || (c.expires && c.expires.getTime() <= 0)) this.cookies.delete(c.name)
      else this.cookies.set(c.name, c.value)
    }
    this.#csrf = /name="_csrf" value="([^"]+)"/.exec(answer.body)?.[1] ?? this.#csrf
    return { status: answer.statusCode, body: answer.body, location: answer.headers.location, headers: answer.headers }
  }
}
