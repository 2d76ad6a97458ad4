/** Every route of the whole program with values that nobody types by hand, signed out and with each duty: whatever comes is answered, and never by a bug of ours. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import diagnostics from 'node:diagnostics_channel'
import { after, before, describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { FastifyInstance, RouteOptions } from 'fastify'
import type { Language } from '#kernel/text'
import { assetFolder } from '#look'
import { openWeb, type SignedIn, type Visitor, type Web } from '#web'
import { licence, licenceOffice, openTestCases, type TestCases } from '../../src/modules/cases/testing.ts'
import { csrfTokens } from '../../src/platform/web/csrf.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { registerEverything } from '../support/everything.ts'

const long = process.env.VENTANILLA_LONG === '1'
/** Tries of each route and visitor. */
const tries = long ? 200 : 6

type AnyRoute = RouteOptions & { schema?: { params?: unknown; body?: unknown; querystring?: unknown } }

// Chance that can be had again: mulberry32.
let seed = 0x5eed
function chance(): number {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const oneOf = <T>(all: readonly T[]): T => all[Math.floor(chance() * all.length)]!

const odd: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\u{1f600}\u200d\u{1f468}',
  '\ud800',
  '\ufeff\u202e',
  'é'.normalize('NFD'),
  'x'.repeat(400),
  '9'.repeat(30),
  '-1',
  '0',
  '1e309',
  '-0',
  'NaN',
  '2147483648',
  '9223372036854775808',
  '0001-01-01',
  '9999-12-31',
  '275760-09-14',
  '2026-02-30',
  'null',
  'true',
  '[]',
  '{}',
  '{"__proto__":{"x":1}}',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  "' or 1=1 --",
  '"><script>alert(1)</script>',
  '../../../etc/passwd',
  '..\\..\\x',
  '%00',
  '%2e%2e%2f',
  '%',
  '{{7*7}}',
  'a\r\nset-cookie: x=1',
  '//evil.example',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  'A'.repeat(43),
  'A'.repeat(22),
  'state/drivers-licence@99',
  'state-99',
  'a@b',
  'ana@example.org',
]

describe('odd values', () => {
  let database: TestDatabase
  let it0: TestCases
  let web: Web
  const routes: AnyRoute[] = []
  const bugs: string[] = []
  let asked: Visitor | null = null
  const secret = randomBytes(32)
  const tokens = csrfTokens(secret)

  before(async () => {
    database = await testDatabase()
    it0 = await openTestCases({ db: database.db })
    const listen = (message: unknown) => {
      ;(message as { fastify: FastifyInstance }).fastify.addHook('onRoute', (route) => void routes.push(route as AnyRoute))
    }
    diagnostics.subscribe('fastify.initialization', listen)
    web = await openWeb({
      host: '127.0.0.1',
      port: 0,
      publicUrl: 'http://localhost:3000',
      production: false,
      demo: false,
      trustProxy: false,
      limits: { readsPerAddress: 0, writesPerAddress: 0, writesPerPerson: 0 },
      csrfSecret: secret,
      assetsFolder: assetFolder,
      log: false,
      identify: async (_request, language: Language) =>
        asked ? { ...asked, language } : { person: null, session: null, language, grants: [] },
    })
    diagnostics.unsubscribe('fastify.initialization', listen)
    registerEverything(web, it0)
    // After the error handler of the web part, which answers with a page: here the error itself is wanted.
    web.app.addHook('onError', async (request, _reply, error) => {
      const { statusCode } = error as { statusCode?: number }
      if (error.name !== 'Problem' && (statusCode ?? 500) >= 500) bugs.push(`${request.method} ${request.routeOptions.url}: ${error.stack}`)
    })
    await web.app.ready()
  })
  after(async () => {
    await web?.close()
    await it0?.close()
    await database?.close()
  })

  it('are answered by every route, to everybody, without a bug', async () => {
    const { cases } = it0
    const { reference, applicant } = await it0.aSubmittedCase()
    const draft = await it0.aDraft(applicant, { service: licence }).catch(async () => it0.aDraft(await it0.aPerson()))
    const official = await it0.anOfficial()
    await cases.desks.goOn(official, licenceOffice)
    await cases.desks.next(official, licenceOffice)
    const admin = await it0.aPerson()
    const people: (Visitor | null)[] = [null, applicant, official, await it0.aClerk(), await it0.aSupervisor(), await it0.aControl()]
    people.push({ ...admin, grants: [{ role: 'admin', office: null }] } satisfies SignedIn)
    const pages = (await cases.filings.read(applicant, reference)).journey.pages.map((p) => p.id)
    const current = await cases.desks.current(official, licenceOffice)
    const good: Record<string, readonly string[]> = {
      reference: [reference, draft],
      office: [licenceOffice],
      '*': [licence],
      page: pages,
      event: ['car'],
      agency: ['sre'],
      turn: current ? [current.turn.state.turn] : [],
      service: [licence],
    }
    const valueFor = (name: string, mostlyGood: number) =>
      chance() < mostlyGood && Object.hasOwn(good, name) && good[name]!.length > 0 ? oneOf(good[name]!) : oneOf(odd)
    /** The fields a schema names, and some that it does not. */
    const fieldsOf = (schema: unknown): string[] => [
      ...Object.keys((schema as { properties?: object } | undefined)?.properties ?? {}),
      ...(chance() < 0.3 ? [oneOf(['__proto__', 'constructor', 'lang', 'x', 'a.b', 'a[0]', 'answers', ''])] : []),
    ]
    let sent = 0
    const found = new Map<string, string>()
    for (const visitor of people) {
      asked = visitor
      const holder = visitor?.session ? `s:${visitor.session}` : `c:${'A'.repeat(22)}`
      for (const route of routes) {
        const method = String(route.method) as 'GET' | 'POST'
        if (!['GET', 'POST'].includes(method)) continue
        for (let i = 0; i < tries; i++) {
          const path = route.url.replace(/:(\w+)|\*/g, (all, name?: string) => {
            const value = valueFor(name ?? all, 0.75)
            return name === undefined ? value.split('/').map(encode).join('/') : encode(value)
          })
          const query = fieldsOf(route.schema?.querystring)
            .flatMap((name) => Array.from({ length: chance() < 0.1 ? 2 : 1 }, () => `${encode(name)}=${encode(valueFor(name, 0.3))}`))
            .join('&')
          const names = method === 'POST' ? fieldsOf(route.schema?.body) : []
          const fields = names.filter(() => chance() < 0.9).map((name) => [name, valueFor(name, 0.4)] as const)
          const csrf = tokens.make(holder)
          const boundary = 'xx-boundary'
          const [type, payload] = oneOf<() => [string, string | Buffer]>([
            () => [
              'application/x-www-form-urlencoded',
              [['_csrf', csrf] as const, ...fields, ...(chance() < 0.2 ? fields : [])]
                .map(([n, v]) => `${encode(n)}=${encode(v)}`)
                .join('&'),
            ],
            () => [
              'application/x-www-form-urlencoded',
              [['_csrf', csrf] as const, ...fields].map(([n, v]) => `${encode(n)}=${encode(v)}`).join('&'),
            ],
            () => [
              'application/json',
              JSON.stringify({
                _csrf: csrf,
                ...Object.fromEntries(fields.map(([n, v]) => [n, oneOf<unknown>([v, [v], { v }, 7, null, true, v])])),
              }),
            ],
            () => [
              `multipart/form-data; boundary=${boundary}`,
              [
                `--${boundary}\r\ncontent-disposition: form-data; name="_csrf"\r\n\r\n${csrf}\r\n`,
                ...fields.map(([n, v]) => `--${boundary}\r\ncontent-disposition: form-data; name="${n}"\r\n\r\n${v}\r\n`),
                `--${boundary}\r\ncontent-disposition: form-data; name="${oneOf(['file', 'paper', 'receipt', 'x'])}"; filename="${oneOf(odd).replace(/["\r\n]/g, '')}"\r\ncontent-type: ${oneOf(['application/pdf', 'image/svg+xml', 'text/html', 'x'])}\r\n\r\n${oneOf(['%PDF-1.4\n%%EOF', '<svg onload=alert(1)>', '', '{"v":1}', '\u0000'])}\r\n`,
                `--${boundary}--\r\n`,
              ].join(''),
            ],
          ])()
          const before = bugs.length
          const url = `/${path.replace(/^\/+/, '')}${query ? `?${query}` : ''}`
          const answer = await web.app.inject({
            method,
            url,
            headers: { cookie: `form=${'A'.repeat(22)}`, ...(method === 'POST' ? { 'content-type': type } : {}) },
            ...(method === 'POST' ? { payload } : {}),
          })
          sent++
          const key = `${method} ${route.url}`
          if (answer.statusCode >= 500 && !found.has(key))
            found.set(
              key,
              `${answer.statusCode} ${key} ${url} ${JSON.stringify(String(payload).slice(0, 600))}: ${bugs[before] ?? answer.body.slice(0, 300)}`,
            )
          // An answer in DER to a program is as long as the policy of pages, which it leaves out.
          const isDer = answer.headers['content-type'] === 'application/ocsp-response'
          if ((!answer.headers['content-security-policy'] && !isDer) || answer.headers['x-content-type-options'] !== 'nosniff')
            found.set(`guards ${key}`, `${key} ${url} is answered without its guards.`)
        }
      }
    }
    assert.deepEqual([...found.values()], [])
    assert.ok(sent > 2_500, `${sent} requests`)
  })

  it('are answered as the OpenAPI document says, by every operation in it, with values made from its schemas', async () => {
    asked = null
    const { paths } = JSON.parse((await web.app.inject('/api/openapi.json')).body) as { paths: Record<string, Record<string, Operation>> }
    const ajv = new Ajv2020({ strict: false, formats: { 'uri-reference': true } })
    const wrong = new Map<string, string>()
    const seen = new Map<string, Set<number>>()
    for (const [path, operations] of Object.entries(paths))
      for (const [method, operation] of Object.entries(operations)) {
        const key = `${method.toUpperCase()} ${path}`
        const answered = new Set<number>()
        seen.set(key, answered)
        // Without a parameter there is one question; the whole catalogue is megabytes.
        const count = operation.parameters?.length ? tries * 5 : 1
        for (let i = 0; i < count; i++) {
          const parameters = (operation.parameters ?? []).filter((p) => p.required || chance() < 0.6)
          const value = (p: Parameter) => encode(oneOf([fitting, fitting, beside])(p))
          // An empty word in a path is another address.
          const url = path.replace(/\{(\w+)\}/g, (_, name: string) => value(parameters.find((p) => p.name === name)!) || '-')
          const query = parameters.filter((p) => p.in === 'query').map((p) => `${encode(p.name)}=${value(p)}`)
          const where = `${url}?${query.join('&')}`
          const answer = await web.app.inject({ method: method.toUpperCase() as 'GET', url: where })
          answered.add(answer.statusCode)
          const response = operation.responses[answer.statusCode]
          const type = String(answer.headers['content-type'] ?? '').split(';')[0]!
          const fault = () => {
            if (answer.statusCode >= 500) return 'a bug'
            // A value that leads to another address, or to an answer without a body.
            if ([301, 302, 303, 304, 308].includes(answer.statusCode)) return null
            if (!response) return 'a status that is not described'
            const described = response.content?.[type]
            if (!described) return `${type} is not described`
            if (!/json$/.test(type) || !described.schema) return null
            const fits = ajv.compile(described.schema)
            return fits(JSON.parse(answer.body)) ? null : JSON.stringify(fits.errors?.[0])
          }
          const found = fault()
          if (found && !wrong.has(`${key} ${found}`))
            wrong.set(`${key} ${found}`, `${answer.statusCode} ${where}: ${found} ${answer.body.slice(0, 200)}`)
        }
      }
    assert.deepEqual([...wrong.values()], [])
    assert.ok(seen.size > 8, [...seen.keys()].join('\n'))
    const without = [...seen].filter(([, statuses]) => ![...statuses].some((s) => s < 300)).map(([key]) => key)
    // What only exists once something was published cannot answer here with more than a refusal.
    assert.ok(without.length < seen.size / 2, without.join('\n'))
  })
})

type Schema = {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly anyOf?: readonly Schema[]
}
type Parameter = { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema: Schema }
type Operation = {
  readonly parameters?: readonly Parameter[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>>
}

/** Values that mean something where a parameter has this name. */
const meant: Readonly<Record<string, readonly string[]>> = {
  place: ['09', '15106', '15', '20'],
  id: [licence, 'state/birth-certificate', 'state/birth-certificate@15', 'municipal/water-connection@15106'],
  q: ['acta de nacimiento', 'licencia', 'agua en toluca'],
  period: ['2026-11', '2026-10'],
  month: ['2026-11'],
}

/** A value that the parameter's schema allows, or one that means something. */
function fitting({ name, schema }: Parameter): string {
  const one = schema.anyOf ? oneOf(schema.anyOf) : schema
  if (Object.hasOwn(meant, name)) return oneOf(meant[name]!)
  if (one.enum) return String(oneOf(one.enum))
  if (one.const !== undefined) return String(one.const)
  if (one.type === 'integer' || one.type === 'number') {
    const [least, most] = [one.minimum ?? 0, one.maximum ?? 1000]
    return String(oneOf([least, most, Math.floor(least + chance() * (most - least))]))
  }
  if (one.type === 'boolean') return oneOf(['true', 'false'])
  return 'x'.repeat(Math.floor(chance() * Math.min(one.maxLength ?? 50, 300)))
}

/** A value just outside of what the schema allows, or one that nobody types by hand. */
function beside({ schema }: Parameter): string {
  const edges = [
    ...(schema.minimum === undefined ? [] : [String(schema.minimum - 1)]),
    ...(schema.maximum === undefined ? [] : [String(schema.maximum + 1), String(schema.maximum + 0.5)]),
    ...(schema.maxLength === undefined ? [] : ['y'.repeat(schema.maxLength + 1)]),
  ]
  return edges.length > 0 && chance() < 0.5 ? oneOf(edges) : oneOf(odd)
}

/** As a browser would send it; a lone half of a pair as three bytes, which no browser does. */
function encode(value: string): string {
  return [...value].map((c) => (/[\ud800-\udfff]/.test(c) && c.length === 1 ? '%ED%A0%80' : encodeURIComponent(c))).join('')
}
