/**
 * People at their browsers, a process of its own: each goes the whole way from the front page to the page of the case, following the pages' own links, forms and tokens, and waits
 * between pages as one who reads; then the next one begins. Officials serve at their desks meanwhile. Argument: a file with a `Visit` as JSON; prints a `Visited`.
 */
import { readFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'

/** Somebody with a session. */
export type Someone = { readonly cookie: string }
/** What is asked for and how its form is filled in; `q` finds it. */
export type Wish = { readonly service: string; readonly q: string; readonly form: Readonly<Record<string, string>> }
export type Visit = {
  readonly port: number
  /** How many are on the way at once. */
  readonly people: number
  readonly seconds: number
  /** Each goes the way once, and the time is the longest that it may take. */
  readonly once: boolean
  /** The shortest and longest time between two pages. */
  readonly pauseMs: readonly [number, number]
  /** Who they are, one after the other; each goes the way once. */
  readonly sessions: readonly Someone[]
  readonly wishes: readonly Wish[]
  readonly desks: readonly (Someone & { readonly office: string })[]
}
/** Milliseconds of every answer by kind of page; what went wrong; how many came to the end. */
export type Visited = {
  readonly kinds: Record<string, number[]>
  readonly errors: string[]
  readonly journeys: number
  readonly served: number
  readonly seconds: number
}

type Answer = { readonly status: number; readonly location: string; readonly text: string }

const visit = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Visit
const host = `localhost:${visit.port}`
const kinds: Record<string, number[]> = {}
const errors: string[] = []
let journeys = 0
let served = 0
let next = 0
let walking = visit.people
const start = performance.now()
const over = () => performance.now() - start > visit.seconds * 1000
const pause = (part = 1) => sleep(part * (visit.pauseMs[0] + Math.random() * (visit.pauseMs[1] - visit.pauseMs[0])))

/** A browser: one connection that is kept, one cookie. */
function openBrowser(cookie: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = {
    host,
    cookie,
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'accept-language': 'es-MX,es;q=0.8,en-US;q=0.5,en;q=0.3',
    'accept-encoding': 'gzip, deflate',
  }

  function send(path: string, body?: { type: string; bytes: Buffer }): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          agent,
          host: '127.0.0.1',
          port: visit.port,
          path,
          method: body ? 'POST' : 'GET',
          headers: body
            ? { ...headers, origin: `http://${host}`, 'content-type': body.type, 'content-length': body.bytes.length }
            : headers,
        },
        (response: IncomingMessage) => {
          const parts: Buffer[] = []
          response.on('data', (part: Buffer) => parts.push(part))
          response.on('error', reject)
          response.on('end', () => {
            const whole = Buffer.concat(parts)
            resolve({
              status: response.statusCode!,
              location: response.headers.location ?? '',
              text: (response.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole).toString(),
            })
          })
        },
      )
      asked.on('error', reject)
      asked.end(body?.bytes)
    })
  }

  /** Asks, counts the time under `kind` and refuses any other status. */
  async function ask(kind: string, path: string, status: number, body?: { type: string; bytes: Buffer }): Promise<Answer> {
    const from = performance.now()
    const answer = await send(path, body)
    ;(kinds[kind] ??= []).push(Math.round((performance.now() - from) * 100) / 100)
    if (answer.status !== status) throw new Error(`${kind}: ${path} answers ${answer.status} ${answer.location} and not ${status}`)
    return answer
  }

  return {
    get: (kind: string, path: string) => ask(kind, path, 200),
    post: (kind: string, path: string, page: Answer, form: Readonly<Record<string, string>>) =>
      ask(kind, path, 303, {
        type: 'application/x-www-form-urlencoded',
        bytes: Buffer.from(new URLSearchParams({ ...form, _csrf: tokenIn(page) }).toString()),
      }),
    attach: (kind: string, path: string, page: Answer) => ask(kind, path, 303, multipart(tokenIn(page))),
    close: () => agent.destroy(),
  }
}

const tokenIn = ({ text }: Answer) => /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''

/** The smallest file that is a PDF by its own bytes. */
const pdf = '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n'

function multipart(token: string): { type: string; bytes: Buffer } {
  const edge = '----ventanilla-bench'
  const part = (head: string, body: string) => `--${edge}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  return {
    type: `multipart/form-data; boundary=${edge}`,
    bytes: Buffer.from(
      `${part('name="_csrf"', token)}${part('name="file"; filename="papel.pdf"\r\ncontent-type: application/pdf', pdf)}--${edge}--\r\n`,
    ),
  }
}

/** One person's way. Stops between two pages when the time is over. */
async function journey(who: Someone, wish: Wish): Promise<void> {
  const browser = openBrowser(who.cookie)
  try {
    const steps = walk(browser, wish)
    for (let step = await steps.next(); !step.done; step = await steps.next()) {
      if (over()) return
      await pause()
      if (over()) return
    }
    journeys++
  } finally {
    browser.close()
  }
}

async function* walk(browser: ReturnType<typeof openBrowser>, { service, q, form }: Wish): AsyncGenerator<void, void> {
  await browser.get('home', '/')
  yield
  const found = await browser.get('search', `/services?${new URLSearchParams({ q })}`)
  if (!found.text.includes(`/services/${service.split('@')[0]}`)) throw new Error(`search: ${q} does not find ${service}`)
  yield
  const page = await browser.get('service', `/services/${service}`)
  yield
  let { location } = await browser.post('start (post)', '/cases', page, { service })
  const reference = /\/cases\/([^/]+)/.exec(location)?.[1]
  for (let i = 0; i < 20 && location.includes('/fill/'); i++) {
    const asked = await browser.get('form page', location)
    yield
    location = (await browser.post('form page (post)', location, asked, form)).location
  }
  if (location.endsWith('/papers')) {
    let papers = await browser.get('papers', location)
    const all = [...papers.text.matchAll(/action="(\/cases\/[^"]+\/papers\/[^"]+)" enctype="multipart/g)].map((m) => m[1]!)
    for (const one of all) {
      yield
      await browser.attach('papers (post)', one, papers)
      papers = await browser.get('papers', location)
    }
    yield
  }
  const review = await browser.get('review', `/cases/${reference}/review`)
  yield
  const { location: receipt } = await browser.post('submit (post)', `/cases/${reference}/submit`, review, {})
  if (!receipt.endsWith('/receipt')) throw new Error(`submit: leads to ${receipt}`)
  await browser.get('receipt', receipt)
  yield
  await browser.get('case', `/cases/${reference}`)
}

async function person(): Promise<void> {
  // Not all in the same moment.
  await pause(Math.random())
  do {
    const n = next++
    const who = visit.sessions[n]
    if (!who) return void errors.push('There are not enough people for this long.')
    try {
      await journey(who, visit.wishes[n % visit.wishes.length]!)
    } catch (error) {
      errors.push((error as Error).message)
      await pause()
    }
  } while (!over() && !visit.once)
  walking--
}

async function desk({ cookie, office }: Visit['desks'][number]): Promise<void> {
  const browser = openBrowser(cookie)
  const url = `/desk/${office}`
  while (walking > 0) {
    try {
      const page = await browser.get('desk', url)
      const act = /action="(\/desk\/[^"]+\/turns\/[\w-]{22}\/(review|decide))"/.exec(page.text)
      await pause()
      if (act) {
        const form: Record<string, string> =
          act[2] === 'review' ? { result: 'ok', note: '' } : { stage: 'confirm', result: 'granted', note: '' }
        const { location } = await browser.post('desk (post)', act[1]!, page, form)
        if (location.endsWith('done=ok')) served++
      } else if (page.text.includes(`action="${url}/on"`)) await browser.post('desk (post)', `${url}/on`, page, {})
      else await browser.post('desk (post)', `${url}/next`, page, {})
    } catch (error) {
      errors.push((error as Error).message)
      await pause()
    }
  }
  browser.close()
}

await Promise.all([...Array.from({ length: visit.people }, person), ...visit.desks.map(desk)])
process.stdout.write(JSON.stringify({ kinds, errors, journeys, served, seconds: (performance.now() - start) / 1000 } satisfies Visited))
