/**
 * `bench login`: complete sign-ins by passkey a second, over HTTP against the whole program: what the device is asked, its answer, and the account's page with the new session. The devices are in
 * software and sign in this process, so the figure is of both; sixteen people sign in at a time, each again and again.
 */
import { Agent, request } from 'node:http'
import { readConfig } from '#config'
import type { PersonId } from '#kernel/id'
import { openParts } from '../src/main.ts'
import { aPerson } from '../src/modules/people/testing.ts'
import { makePasskey, type SoftPasskey, signIn } from '../src/modules/people/testing-authenticator.ts'
import { type Bench, freePort, inFolder, isMeasurement, median, startSystem, systemSettings } from './bench.ts'

const least = 100
const people = 16

type Answer = { readonly status: number; readonly cookies: readonly string[]; readonly body: string }

/** One browser: its cookies, its connection, and the token of its forms. */
class Visitor {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #jar = new Map<string, string>()
  readonly #port: number
  token = ''
  constructor(port: number) {
    this.#port = port
  }
  keep(cookie: string): void {
    const [name, value] = cookie.split(';')[0]!.split('=') as [string, string]
    if (value === '') this.#jar.delete(name)
    else this.#jar.set(name, value)
  }
  drop(name: string): void {
    this.#jar.delete(name)
  }
  ask(path: string, form?: Record<string, string>): Promise<Answer> {
    const body = form && new URLSearchParams(form).toString()
    return new Promise((resolve, reject) => {
      const headers = {
        cookie: [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; '),
        accept: path.endsWith('/options') ? 'application/json' : 'text/html',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body), 'x-csrf': this.token }),
      }
      const asked = request({
        port: this.#port,
        host: '127.0.0.1',
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers,
        agent: this.#agent,
      })
      asked.once('error', reject).once('response', (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject).once('end', () => {
          const cookies = response.headers['set-cookie'] ?? []
          for (const cookie of cookies) this.keep(cookie)
          resolve({ status: response.statusCode ?? 0, cookies, body: Buffer.concat(parts).toString('utf8') })
        })
      })
      asked.end(body)
    })
  }
  async page(path: string): Promise<void> {
    const { status, body } = await this.ask(path)
    const token = /name="_csrf" value="([^"]+)"/.exec(body)?.[1]
    if (status !== 200 || !token) throw new Error(`${path} answers ${status}.`)
    this.token = token
  }
  close(): void {
    this.#agent.destroy()
  }
}

/** Fails when a sign-in does not end on its person's page, or a wrong answer signs in. */
export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const port = await freePort()
    const site = { origin: `http://localhost:${port}`, rpId: 'localhost' }
    progress(`Making ${people} people.`)
    const parts = await openParts(readConfig({ ...systemSettings(folder, port) }, folder))
    const cookies: string[] = []
    try {
      for (let i = 0; i < people; i++) {
        const person: PersonId = await aPerson(parts.db, `p${i}@example.mx`, `Persona ${i}`)
        cookies.push((await parts.people.startSession(parts.db, person, 'email')).cookie)
      }
    } finally {
      await parts.close()
    }
    const system = await startSystem(folder, port, { settings: { VENTANILLA_ROLES: 'web' }, profile: extent.profile })
    const visitors = cookies.map(() => new Visitor(port))
    try {
      const passkeys: SoftPasskey[] = []
      for (const [i, visitor] of visitors.entries()) {
        visitor.keep(cookies[i]!)
        await visitor.page('/me/access')
        const options = JSON.parse((await visitor.ask('/me/access/options', {})).body)
        const { passkey, response } = makePasskey(options, site)
        const added = await visitor.ask('/me/access/add', { _csrf: visitor.token, response, name: 'Dispositivo' })
        if (added.status !== 303) throw new Error(`A passkey was not added: ${added.status}.`)
        passkeys.push(passkey)
        visitor.drop('session')
        await visitor.page('/sign-in')
      }
      const once = async (i: number): Promise<void> => {
        const visitor = visitors[i]!
        const options = JSON.parse((await visitor.ask('/sign-in/passkey/options', {})).body)
        const response = signIn(passkeys[i]!, options, site)
        const entered = await visitor.ask('/sign-in/passkey', { _csrf: visitor.token, response, next: '/me' })
        if (entered.status !== 303) throw new Error(`A sign-in answers ${entered.status}.`)
        const { status, body } = await visitor.ask('/me')
        if (status !== 200 || !body.includes(`Persona ${i}`)) throw new Error(`The account’s page answers ${status}.`)
        visitor.drop('session')
      }
      const wrong = JSON.parse((await visitors[0]!.ask('/sign-in/passkey/options', {})).body)
      const forged = signIn(passkeys[0]!, wrong, site, { signer: passkeys[1]!.key })
      const refused =
        (await visitors[0]!.ask('/sign-in/passkey', { _csrf: visitors[0]!.token, response: forged, next: '/me' })).status === 422 ? 1 : 0

      const rates: number[] = []
      const all: number[] = []
      for (let round = 0; round <= extent.rounds; round++) {
        const start = performance.now()
        const until = start + extent.seconds * 1000
        let done = 0
        await Promise.all(
          visitors.map(async (_, i) => {
            while (performance.now() < until) {
              const from = performance.now()
              await once(i)
              if (round > 0) all.push(performance.now() - from)
              done++
            }
          }),
        )
        const rate = Math.round((done * 1000) / (performance.now() - start))
        if (round > 0) rates.push(rate)
        progress(`${round === 0 ? 'not counted' : `round ${round}`}: ${rate}/s`)
      }
      const sorted = all.sort((a, b) => a - b)
      const at = (part: number) => Number((sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(1))
      const value = median(rates)
      return {
        bench: 'login',
        value,
        unit: 'sign-ins/s',
        better: 'higher',
        reference: null,
        ratio: null,
        reach: `value >= ${least}, and a forged answer signs nobody in`,
        ok: value >= least && refused === 1,
        more: { measurement: isMeasurement(extent), p50Ms: at(0.5), p95Ms: at(0.95), people, refused, rounds: rates },
      }
    } finally {
      for (const visitor of visitors) visitor.close()
      await system.stop()
    }
  })
