/** The whole system for journeys: every part, served on a free port, over a test database and a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#config'
import type { OfficeId, PersonId } from '#kernel/id'
import type { Role } from '#web'
import { type Running, start } from '../../src/main.ts'
import { testDatabase } from './database.ts'

/** A running system and what tests do beside its pages. */
export type System = {
  readonly url: string
  readonly folder: string
  readonly running: Running
  /** An official, clerk or other, with an e-mail to sign in by. */
  staff(email: string, name: string, roles: readonly Role[], office: string): Promise<PersonId>
  /** How many mails this address has had. */
  mailCount(to: string): Promise<number>
  /** The newest mail to this address, once there are more than `before`. */
  mail(to: string, before?: number): Promise<{ subject: string; text: string }>
  close(): Promise<void>
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** Opens a system with jobs and log running. `settings` are `VENTANILLA_…` names without the prefix; a function is told the system's address first. */
export async function openSystem(
  settings: Record<string, string> | ((url: string) => Promise<Record<string, string>>) = {},
): Promise<System> {
  const database = await testDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'ventanilla-system-'))
  const port = await freePort()
  const env: Record<string, string> = {
    VENTANILLA_DATA: folder,
    VENTANILLA_PORT: String(port),
    VENTANILLA_METRICS_PORT: '0',
    VENTANILLA_DEMO: 'off',
    VENTANILLA_LOG_LEVEL: 'error',
    DATABASE_URL: database.url,
  }
  const url = `http://localhost:${port}`
  const given = typeof settings === 'function' ? await settings(url) : settings
  for (const [name, value] of Object.entries(given)) env[`VENTANILLA_${name}`] = value
  const running = await start(readConfig(env, folder))
  const { db, people } = running.parts
  const mails = async (to: string) =>
    (await (await fetch(`${url}/dev/mail.json?to=${encodeURIComponent(to)}`)).json()) as { subject: string; text: string }[]
  return {
    url,
    folder,
    running,
    async staff(email, name, roles, office) {
      const { link } = await people.invite(null, { email, role: roles[0]!, office, language: 'es' })
      // By its own link, as an invited person would come in.
      const page = await fetch(link)
      const cookies = page.headers
        .getSetCookie()
        .map((c) => c.split(';')[0])
        .join('; ')
      const token = /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1]
      const taken = await fetch(link, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: cookies, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ _csrf: token ?? '', name }),
      })
      if (taken.status !== 303) throw new Error(`The invitation was not taken: ${taken.status}`)
      const person = (await people.ownerOf(email))!
      for (const role of roles) await db.tx((tx) => people.giveRole(tx, null, person, { role, office: office as OfficeId }))
      return person
    },
    mailCount: async (to) => (await mails(to)).length,
    async mail(to, before = 0) {
      for (let i = 0; i < 200; i++) {
        const all = await mails(to)
        if (all.length > before) return all[0]!
        await new Promise((r) => setTimeout(r, 50))
      }
      throw new Error(`No mail came to ${to}.`)
    },
    async close() {
      await running.stop()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
