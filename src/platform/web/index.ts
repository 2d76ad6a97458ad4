import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import compress from '@fastify/compress'
import cookie, { type CookieSerializeOptions } from '@fastify/cookie'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { Html, html } from '#kernel/html'
import { randomId } from '#kernel/id'
import { Problem, type ProblemCode, problems } from '#kernel/problem'
import { type Language, languages } from '#kernel/text'
import { csrfTokens } from './csrf.ts'
import { keptAnswers, sendKept } from './kept.ts'
import { networkOf } from './network.ts'
import { problemPage, problemTitle } from './problem-page.ts'
import { type Access, admits, type SignedIn, type Visitor } from './visitor.ts'

export { takesGzip } from './kept.ts'
export { networkOf } from './network.ts'
export { problemText } from './problem-page.ts'
export { type Access, admits, type Grant, holds, type Role, roles, type SignedIn, type Visitor } from './visitor.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Set before any handler runs. */
    visitor: Visitor
  }
  interface FastifyContextConfig {
    access?: Access
    csrf?: boolean
    ownSchema?: boolean
  }
}

export type Request = FastifyRequest
export type Reply = FastifyReply

type Part<S extends TSchema | undefined> = S extends TSchema ? Static<S> : unknown

/** A route: where it is, who may call it, what it takes, what it does. `schema` may be empty but never forgotten. */
export type Route<P extends TSchema | undefined, Q extends TSchema | undefined, B extends TSchema | undefined> = {
  method: 'GET' | 'POST'
  url: string
  access: Access
  schema: {
    params?: P
    querystring?: Q
    body?: B
    /** With it the route stands in the OpenAPI document: one line, and its answers by status. */
    api?: { summary: string; response?: Record<number, TSchema> }
  }
  /** `false` only where the caller is a program that holds no cookie (a witness, a webhook). */
  csrf?: false
  /** Bytes; 64 kB unless told. */
  bodyLimit?: number
  handler: (request: FastifyRequest<{ Params: Part<P>; Querystring: Part<Q>; Body: Part<B> }>, reply: FastifyReply) => unknown
}

/**
 * A route that a library answers on Node's own request and response: a protocol endpoint for programs, which checks what comes by its own rules. The access
 * rule, the limits, the headers and the numbers are those of every route; the body is left unread, and no CSRF token is asked for.
 */
export type RawRoute = {
  methods: readonly ('GET' | 'POST' | 'OPTIONS')[]
  url: string
  access: Access
  /** Resolves when the answer is sent. What it throws before is answered as any route's. */
  handler: (request: FastifyRequest, response: ServerResponse) => Promise<unknown>
}

/** The web part: routes with a schema and an access rule, problems as pages, security headers, CSRF, rate limits. */
export interface Web {
  readonly app: FastifyInstance
  route<P extends TSchema | undefined = undefined, Q extends TSchema | undefined = undefined, B extends TSchema | undefined = undefined>(
    route: Route<P, Q, B>,
  ): void
  /** Adds a route that a library answers. */
  raw(route: RawRoute): void
  /** Starts to listen; the address with its port. */
  listen(): Promise<string>
  /** Stops taking connections and waits for the requests under way, at most as long as `patience` says. */
  close(): Promise<void>
}

/** What the web part needs to know. Limits are requests a minute; 0 means none. */
export type WebDeps = {
  readonly host: string
  readonly port: number
  readonly publicUrl: string
  readonly production: boolean
  readonly demo: boolean
  /** How many proxies of ours stand before this process. */
  readonly trustProxy: number | false
  readonly limits: { readonly readsPerAddress: number; readonly writesPerAddress: number; readonly writesPerPerson: number }
  readonly csrfSecret: Buffer
  readonly assetsFolder: string
  readonly log: FastifyBaseLogger | false
  /** Who holds this request's session cookie; a signed-out visitor when none. */
  readonly identify: (request: FastifyRequest, language: Language) => Promise<Visitor>
  /** Told of each finished request: its route (not its URL), status and seconds. */
  readonly observe?: (route: string, method: string, status: number, seconds: number) => void
  readonly ready?: () => Promise<boolean>
  /** How long a client may take for the head of a request, for all of it, and once we close; 15 s, 5 min and 17 s unless told. */
  readonly patience?: { readonly headersMs?: number; readonly requestMs?: number; readonly closeMs?: number }
}

const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'"

/** The content security policy of a page whose forms may end, by redirects, at another site: browsers hold the whole way against `form-action`. */
export const formsEndAt = (origin: string): string => csp.replace("form-action 'self'", `form-action 'self' ${origin}`)

/**
 * For a page whose address is a secret: other sites and our own logs of referrers learn the host at most, and no cache keeps it. Not `no-referrer`: then a browser says of the page's forms
 * that they come from nowhere (Fetch, *append a request Origin header*), and they are refused.
 */
export const atSecretAddress = (reply: FastifyReply): FastifyReply =>
  reply.header('referrer-policy', 'strict-origin').header('cache-control', 'private, no-store')

/** What is text though no list of media types says so, beside what such a list knows. */
const compressible = /^text\/(?!event-stream)|[+/](?:json|text|xml|octet-stream|n-triples)(?:;|$)/

/** What every answer carries, also those to requests that never reach a route; over https a browser is told to stay there. */
const guardsFor = (secure: boolean): Record<string, string> => ({
  'content-security-policy': csp,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
  ...(secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
})

/** A refusal as programs get it (RFC 9457), for the OpenAPI document. */
const problemBody = {
  type: 'object',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
    fields: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'detail'],
        properties: { pointer: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
}

const nobody = (language: Language): Visitor => ({ person: null, session: null, language, grants: [] })

/** The last word to a connection on which no request could be read: too slow, too large, or no HTTP. */
const answerUnreadable = (guards: Record<string, string>) => (error: { code?: string }, socket: Socket) => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, words] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'La petición tardó demasiado. / The request took too long.']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'La petición es demasiado grande. / The request is too large.']
        : ['400 Bad Request', 'No se entiende la petición. / The request could not be read.']
  const head = {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(words)),
    connection: 'close',
    'cache-control': 'no-store',
    ...guards,
  }
  socket.end(
    `HTTP/1.1 ${status}\r\n${Object.entries(head)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n${words}`,
    // Whoever goes on sending is not read any more.
    () => socket.destroy(),
  )
}

const cookieNames = (secure: boolean) => ({ holder: secure ? '__Host-form' : 'form', language: secure ? '__Host-lang' : 'lang' })

const demonstrations = new WeakSet<FastifyInstance>()
const csrfOf = new WeakMap<FastifyInstance, (request: FastifyRequest, reply: FastifyReply) => string>()

/** The hidden field every form with method post carries. Marks the page as this visitor's own: it is never stored by a cache. */
export function csrfField(request: FastifyRequest, reply: FastifyReply): Html {
  const make = csrfOf.get(rootOf(request.server))
  if (!make) throw new Error('csrfField is called outside the web part.')
  return html`<input type="hidden" name="_csrf" value="${make(request, reply)}">`
}

const roots = new WeakMap<object, FastifyInstance>()
function rootOf(instance: FastifyInstance): FastifyInstance {
  return roots.get(instance.server) ?? instance
}

const keepers = new WeakMap<FastifyInstance, ReturnType<typeof keptAnswers>>()

/**
 * Lets the same bytes go to whoever asks for this URL without a cookie within `freshMs`, in the same language and encoding. Call it last, with the bytes
 * about to be sent and every header set; only for what is the same for all of them.
 */
export function keepAnswer(request: FastifyRequest, reply: FastifyReply, body: Buffer, freshMs: number): void {
  if (reply.statusCode === 200)
    keepers.get(rootOf(request.server))?.keep(request, request.routeOptions.url ?? 'none', reply.getHeaders(), body, freshMs)
}

const memories = new WeakMap<FastifyInstance, { readonly nameOf: (name: string) => string; readonly options: CookieSerializeOptions }>()

/** What this browser was asked to remember under this name: a choice somebody made, no identity. It is what was sent, and may be anything. */
export function remembered(request: FastifyRequest, name: string): string | undefined {
  const memory = memories.get(rootOf(request.server))
  return memory && request.cookies[memory.nameOf(name)]
}

/** Asks the browser to remember a choice for a year; null: to forget it. The answer is then that browser's own, for no cache. */
export function remember(request: FastifyRequest, reply: FastifyReply, name: string, value: string | null): void {
  const memory = memories.get(rootOf(request.server))
  if (!memory) throw new Error('remember is called outside the web part.')
  reply.header('cache-control', 'private, no-cache')
  if (value === null) reply.clearCookie(memory.nameOf(name), memory.options)
  else reply.setCookie(memory.nameOf(name), value, { ...memory.options, maxAge: 31_536_000 })
}

/** Whether this web part serves a demonstration: every page says so. */
export function isDemo(request: FastifyRequest): boolean {
  return demonstrations.has(rootOf(request.server))
}

/** The visitor of a route whose access rule lets only signed-in people in. */
export function signedIn(request: FastifyRequest): SignedIn {
  const v = request.visitor
  if (v.person === null || v.session === null) throw new Problem('sign-in-first', 'Sign in first.')
  return v as SignedIn
}

function languageOf(request: FastifyRequest, cookieName: string): Language {
  const asked = (request.query as { lang?: unknown })?.lang ?? request.cookies[cookieName]
  if (typeof asked === 'string' && (languages as readonly string[]).includes(asked)) return asked as Language
  for (const range of (request.headers['accept-language'] ?? '').slice(0, 200).split(',')) {
    const primary = range.trim().slice(0, 2).toLowerCase()
    if ((languages as readonly string[]).includes(primary)) return primary as Language
  }
  return 'es'
}

/** Path and query of the page of ours from which something was sent, as the browser says; null where it does not. */
function pageBefore(request: FastifyRequest, origin: string): string | null {
  const said = request.headers.referer
  if (said === undefined || !URL.canParse(said)) return null
  const page = new URL(said)
  return page.origin === origin || page.origin === `http://${request.headers.host}` ? `${page.pathname}${page.search}` : null
}

/** What the parser of multipart bodies says, by words alone, of one that is cut off or malformed. */
const brokenMultipart = /^(Multipart: Boundary not found|Unexpected end of multipart data|\w+ terminated early)/

/** The longest address that a person is brought back to after signing in. */
const longestReturn = 500

/** Believes the nearest `count` proxies and nobody behind them. */
const trustFirst = (count: number) => (_address: string, hop: number) => hop < count

/** Opens the web part. Routes may be added until `listen`. */
export async function openWeb(deps: WebDeps): Promise<Web> {
  const secure = deps.publicUrl.startsWith('https:')
  const guards = guardsFor(secure)
  const names = cookieNames(secure)
  const cookieOptions = { path: '/', httpOnly: true, sameSite: 'lax' as const, secure }
  const tokens = csrfTokens(deps.csrfSecret)
  const origin = new URL(deps.publicUrl).origin
  const { headersMs = 15_000, requestMs = 300_000, closeMs = 17_000 } = deps.patience ?? {}

  const app = fastify({
    ...(deps.log ? { loggerInstance: deps.log } : { logger: false }),
    // Requests are logged by route, never by URL: a URL may hold words a person searched for.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: deps.trustProxy ? trustFirst(deps.trustProxy) : false,
    bodyLimit: 64 * 1024,
    // A slow client holds a socket, not a worker. The body's time is for 10 MB of scanned papers on a slow line.
    requestTimeout: requestMs,
    // Asked for below, where the refusal bears what every answer bears.
    http: { requireHostHeader: false, headersTimeout: headersMs, connectionsCheckingInterval: Math.min(5_000, headersMs / 2) },
    clientErrorHandler: answerUnreadable(guards),
    // An address that cannot be decoded comes by no hook.
    frameworkErrors: (error, request, reply) => {
      reply.headers(guards)
      request.visitor = nobody('es')
      return answerProblem(new Problem('bad-request', 'The request could not be read.', { cause: error }), request, reply)
    },
    connectionTimeout: 0,
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: true },
    genReqId: () => randomId(9),
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false, useDefaults: true } },
  })
  roots.set(app.server, app)
  if (deps.demo) demonstrations.add(app)
  memories.set(app, { nameOf: (name) => (secure ? `__Host-${name}` : name), options: cookieOptions })

  const holderOf = (request: FastifyRequest): string | null => {
    const { session } = request.visitor
    if (session !== null) return `s:${session}`
    const c = request.cookies[names.holder]
    return c && /^[\w-]{22}$/.test(c) ? `c:${c}` : null
  }
  csrfOf.set(app, (request, reply) => {
    let holder = holderOf(request)
    if (holder === null) {
      const fresh = randomId()
      reply.setCookie(names.holder, fresh, cookieOptions)
      // A second form on the same page must be bound to the same cookie.
      request.cookies[names.holder] = fresh
      holder = `c:${fresh}`
    }
    reply.header('cache-control', 'no-store')
    return tokens.make(holder)
  })

  await app.register(cookie)
  await app.register(formbody, { bodyLimit: 64 * 1024 })
  await app.register(multipart, {
    limits: { fieldNameSize: 100, fieldSize: 64 * 1024, fields: 100, files: 10, headerPairs: 50 },
    throwFileSizeLimit: true,
  })
  await app.register(compress, {
    global: true,
    threshold: 1024,
    encodings: ['gzip'],
    customTypes: compressible,
    zlibOptions: { level: 5 },
    globalDecompression: false,
  })
  await app.register(rateLimit, { global: false, cache: 20_000 })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Ventanilla', version: '1', description: 'Public services: find them, see what they ask, follow what was promised.' },
      servers: [{ url: deps.publicUrl }],
    },
    hideUntagged: true,
    // A wildcard has no name in OpenAPI; ours always stands for an id, which may hold slashes. What any route may answer beside its own is the same everywhere.
    transform: ({ schema, url }) => {
      const { '*': id, ...others } = (schema?.params as { properties?: Record<string, object> } | undefined)?.properties ?? {}
      const refused = (status: number, description: string) => ({
        [status]: { description, content: { 'application/problem+json': { schema: problemBody } } },
      })
      const documented = {
        ...schema,
        response: {
          ...(schema?.response as object | undefined),
          ...(schema?.params || schema?.querystring ? refused(400, 'Not of the expected form') : {}),
          ...(schema?.params || schema?.querystring ? refused(404, 'There is no such thing') : {}),
          ...refused(429, 'Too many requests in a minute; retry-after says when to ask again'),
        },
      }
      if (!url.endsWith('/*') || !id) return { schema: documented, url }
      return {
        url: `${url.slice(0, -1)}:id`,
        schema: { ...documented, params: { type: 'object', required: ['id'], properties: { ...others, id } } },
      }
    },
  })

  const limiter = (perMinute: number, keyGenerator: (r: FastifyRequest) => string) =>
    perMinute > 0 ? app.createRateLimit({ max: perMinute, timeWindow: 60_000, keyGenerator }) : null
  const reads = limiter(deps.limits.readsPerAddress, (r) => `r:${networkOf(r.ip)}`)
  const writes = limiter(deps.limits.writesPerAddress, (r) => `w:${networkOf(r.ip)}`)
  const personal = limiter(deps.limits.writesPerPerson, (r) => `p:${r.visitor.person}`)
  const within = async (limit: typeof reads, request: FastifyRequest, reply: FastifyReply) => {
    if (!limit) return
    const found = await limit(request)
    if (found.isAllowed || !found.isExceeded) return
    reply.header('retry-after', found.ttlInSeconds)
    throw new Problem('too-many', 'Too many requests in a short time. Wait a little and try again.')
  }

  app.decorateRequest('visitor', null as unknown as Visitor)
  const isRead = (r: FastifyRequest) => r.method === 'GET' || r.method === 'HEAD'

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(guards)
    const language = languageOf(request, names.language)
    // A first answer, for problems met before the session is read.
    request.visitor = nobody(language)
    // RFC 9112, 3.2: none or several is a mistake, or somebody who hopes that a proxy believes another one than we do.
    const hosts = request.raw.rawHeaders.filter((name, i) => i % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host').length
    if (hosts > 1 || (hosts === 0 && request.raw.httpVersion === '1.1')) throw new Problem('bad-request', 'Name one host.')
    await within(isRead(request) ? reads : writes, request, reply)
    request.visitor = await deps.identify(request, language)
    const asked = (request.query as { lang?: unknown })?.lang
    if (asked === language && request.cookies[names.language] !== language)
      reply.setCookie(names.language, language, { ...cookieOptions, maxAge: 31_536_000 })

    const access = request.routeOptions.config.access
    if (access === undefined) return
    const answer = admits(access, request.visitor)
    if (answer === 'sign-in') throw new Problem('sign-in-first', 'Sign in to go on.')
    if (answer === 'no') throw new Problem('forbidden', 'This page is for people with another duty.')
    // Signed out, the address's own limit holds: a whole community centre may share it.
    if (!isRead(request) && request.visitor.person !== null) await within(personal, request, reply)
  })

  // Before the body is read: a form from another site is refused by what the browser itself says of its origin.
  app.addHook('preParsing', async (request) => {
    // Where nothing is, nothing is read either.
    if (request.is404) throw new Problem('not-found', 'There is no such page.')
    if (isRead(request) || request.routeOptions.config.csrf === false) return
    const from = request.headers.origin
    const site = request.headers['sec-fetch-site']
    if (
      (from !== undefined && from !== origin && (secure || from !== `http://${request.headers.host}`)) ||
      (site !== undefined && site !== 'same-origin' && site !== 'none')
    ) {
      throw new Problem('form-expired', 'The form came from another site.')
    }
  })
  app.addHook('preValidation', async (request) => {
    if (isRead(request) || request.routeOptions.config.csrf === false) return
    // A multipart body is read by its handler, which checks the token by `csrfHolds` before it keeps anything.
    if (request.isMultipart()) return
    const body = request.body as Record<string, unknown> | null | undefined
    const holder = holderOf(request)
    if (holder === null || !tokens.check(holder, body?._csrf ?? request.headers['x-csrf']))
      throw new Problem('form-expired', 'This form is too old or came from another page.')
    if (body) delete body._csrf
  })
  multipartTokens.set(app, (request, given) => {
    const holder = holderOf(request)
    return holder !== null && tokens.check(holder, given)
  })

  app.addHook('onSend', async (_request, reply, payload) => {
    // Whatever does not say otherwise belongs to one visitor.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    return payload
  })
  // An answer may stand before its question is read whole: a photograph that is too large. What is left is read away, for on a connection that is kept the
  // browser's next request waits behind it. How long that may last is the request's own time limit.
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.readableEnded || raw.destroyed) return
    raw.unpipe()
    raw.resume()
  })
  const { observe } = deps
  if (observe) {
    app.addHook('onResponse', async (request, reply) => {
      observe(request.routeOptions.url ?? 'none', request.method, reply.statusCode, reply.elapsedTime / 1000)
    })
  }

  /** What a problem's page says of where one is. What was sent has no page of its own: the one its form stood on counts. */
  const about = (request: FastifyRequest, language: Language) => {
    const before = isRead(request) ? null : pageBefore(request, origin)
    const url = isRead(request) ? request.url : (before ?? '/')
    return { language, visitor: request.visitor, url, before, demo: deps.demo, requestId: request.id }
  }
  const answerProblem = (problem: Problem, request: FastifyRequest, reply: FastifyReply) => {
    reply.code(problem.status)
    reply.header('cache-control', 'no-store')
    const wantsPage = !request.url.startsWith('/api/') && !(request.headers.accept ?? 'text/html').includes('json')
    if (problem.code === 'sign-in-first' && wantsPage && isRead(request))
      return reply.redirect(request.url.length > longestReturn ? '/sign-in' : `/sign-in?next=${encodeURIComponent(request.url)}`, 303)
    const language = request.visitor?.language ?? 'es'
    if (wantsPage) {
      return reply.type('text/html; charset=utf-8').send(problemPage(problem, about(request, language)).text)
    }
    return reply.type('application/problem+json').send({
      type: `${deps.publicUrl}/problems/${problem.code}`,
      title: problemTitle(problem.code, language),
      status: problem.status,
      code: problem.code,
      detail: problem.message,
      ...(problem.fields.length ? { fields: problem.fields } : {}),
    })
  }

  app.setErrorHandler(
    (error: Error & { statusCode?: number; code?: string; validation?: { instancePath: string; message?: string }[] }, request, reply) => {
      if (error instanceof Problem) {
        if (error.cause !== undefined) request.log.warn({ err: error.cause, code: error.code }, 'refused')
        return answerProblem(error, request, reply)
      }
      if (error.validation) {
        const fields = error.validation.map((v) => ({ pointer: v.instancePath, code: 'invalid', detail: v.message ?? 'not as expected' }))
        return answerProblem(
          new Problem(
            'bad-request',
            `The request is not of the expected form: ${fields.map((f) => `${f.pointer} ${f.detail}`).join('; ')}.`,
            { fields },
          ),
          request,
          reply,
        )
      }
      const status = error.statusCode ?? 500
      if (status === 413) return answerProblem(new Problem('too-large', 'What was sent is larger than this page takes.'), request, reply)
      if (status === 415) return answerProblem(new Problem('wrong-type', 'This page does not take that kind of content.'), request, reply)
      if ((status >= 400 && status < 500) || (request.isMultipart() && brokenMultipart.test(error.message)))
        return answerProblem(new Problem('bad-request', 'The request could not be read.', { cause: error }), request, reply)
      // A bug: the person sees a reference, we see the stack.
      request.log.error({ err: error, route: request.routeOptions.url }, 'bug')
      reply.code(500).header('cache-control', 'no-store')
      const language = request.visitor?.language ?? 'es'
      if (request.url.startsWith('/api/'))
        return reply
          .type('application/problem+json')
          .send({ type: 'about:blank', title: 'Internal error', status: 500, reference: request.id })
      return reply.type('text/html; charset=utf-8').send(problemPage(null, about(request, language)).text)
    },
  )
  app.setNotFoundHandler((request, reply) => answerProblem(new Problem('not-found', 'There is no such page.'), request, reply))

  // Kept answers go out before the routes are asked, counted as any other. Behind proxies of ours the address is theirs to tell, and they keep such pages
  // themselves.
  const kept = keptAnswers()
  keepers.set(app, kept)
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.server.on('checkExpectation', (_raw: IncomingMessage, response: ServerResponse) =>
    response.writeHead(417, { ...guards, 'cache-control': 'no-store', connection: 'close' }).end(),
  )
  const [routes] = app.server.listeners('request') as [(raw: IncomingMessage, response: ServerResponse) => void]
  const sendAgain = (answer: NonNullable<ReturnType<typeof kept.find>>, response: ServerResponse) => {
    const from = performance.now()
    sendKept(answer, response)
    observe?.(answer.route, 'GET', 200, (performance.now() - from) / 1000)
  }
  app.server.removeAllListeners('request').on('request', (raw: IncomingMessage, response: ServerResponse) => {
    const answer = closing || deps.trustProxy ? null : kept.find(raw)
    if (!answer) return routes(raw, response)
    if (!reads) return sendAgain(answer, response)
    const asker = { ip: raw.socket.remoteAddress ?? '', routeOptions: { config: {} } } as unknown as FastifyRequest
    reads(asker).then(
      // Who asked too often is told so where everybody is.
      (found) => (!found.isAllowed && found.isExceeded ? routes(raw, response) : sendAgain(answer, response)),
      () => routes(raw, response),
    )
  })

  const web: Web = {
    app,
    route(route) {
      const { api, ...schema } = route.schema
      app.route({
        method: route.method,
        url: route.url,
        ...(route.bodyLimit === undefined ? {} : { bodyLimit: route.bodyLimit }),
        config: { access: route.access, csrf: route.csrf !== false, ownSchema: true },
        schema: { ...schema, ...(api ? { summary: api.summary, tags: ['public'], response: api.response } : { hide: true }) },
        handler: async (request, reply) => {
          const answer = await route.handler(request as never, reply)
          if (answer instanceof Html) {
            reply.type('text/html; charset=utf-8')
            return answer.text
          }
          return answer
        },
      })
    },
    raw(route) {
      // A scope of its own, whose bodies nobody parses.
      app.register(async (scope) => {
        scope.removeAllContentTypeParsers()
        scope.addContentTypeParser('*', (_request, _body, done) => done(null))
        scope.route({
          method: [...route.methods],
          url: route.url,
          // Another site's page may ask before it sends (OPTIONS), where the library lets it.
          config: { access: route.access, csrf: !route.methods.some((m) => m !== 'GET'), ownSchema: true },
          schema: {
            hide: true,
            params: { type: 'object', additionalProperties: { type: 'string', maxLength: 300 } },
          },
          handler: async (request, reply) => {
            for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
            if (!reply.hasHeader('cache-control')) reply.raw.setHeader('cache-control', 'no-store')
            reply.hijack()
            await route.handler(request, reply.raw)
          },
        })
      })
    },
    listen: () => app.listen({ host: deps.host, port: deps.port }),
    async close() {
      // A connection that was busy when closing began is idle later, and nobody else would end it.
      const idle = setInterval(() => app.server.closeIdleConnections(), 50)
      const late = setTimeout(() => app.server.closeAllConnections(), closeMs)
      try {
        await app.close()
      } finally {
        clearInterval(idle)
        clearTimeout(late)
      }
    },
  }

  app.get(
    '/assets/:name',
    {
      config: { access: 'public', ownSchema: true },
      schema: { hide: true, params: { type: 'object', properties: { name: { type: 'string', pattern: '^[\\w.-]+$' } } } },
    },
    async (request, reply) => {
      const { name } = request.params as { name: string }
      if (name.startsWith('.')) throw new Problem('not-found', 'There is no such file.')
      const file = join(deps.assetsFolder, name)
      const found = await stat(file).catch(() => null)
      const type = assetTypes[name.slice(name.lastIndexOf('.'))]
      if (!found?.isFile() || !type) throw new Problem('not-found', 'There is no such file.')
      // Names carry a digest of the content, so that a copy is good for ever.
      reply.header('cache-control', 'public, max-age=31536000, immutable').header('cross-origin-resource-policy', 'cross-origin').type(type)
      return reply.send(createReadStream(file))
    },
  )
  // Where the `type` of a problem leads: what it means and what to do.
  app.get(
    '/problems/*',
    {
      config: { access: 'public', ownSchema: true },
      schema: { hide: true, params: { type: 'object', properties: { '*': { type: 'string', maxLength: 60 } } } },
    },
    async (request, reply) => {
      const code = (request.params as { '*': string })['*']
      if (!Object.hasOwn(problems, code)) throw new Problem('not-found', 'There is no such problem.')
      const problem = new Problem(code as ProblemCode, '')
      return reply.type('text/html; charset=utf-8').send(problemPage(problem, about(request, request.visitor.language)).text)
    },
  )
  app.get('/healthz', { config: { access: 'public', ownSchema: true }, schema: { hide: true } }, async () => ({ ok: true }))
  app.get('/readyz', { config: { access: 'public', ownSchema: true }, schema: { hide: true } }, async (_request, reply) => {
    const ok = deps.ready ? await deps.ready().catch(() => false) : true
    return reply.code(ok ? 200 : 503).send({ ok })
  })
  app.get('/api/openapi.json', { config: { access: 'public', ownSchema: true }, schema: { hide: true } }, async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return app.swagger()
  })
  return web
}

const assetTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webmanifest': 'application/manifest+json',
}

const multipartTokens = new WeakMap<FastifyInstance, (request: FastifyRequest, given: unknown) => boolean>()

/** For handlers that read a multipart body themselves: whether its `_csrf` field is this visitor's. Must hold before anything is kept. */
export function csrfHolds(request: FastifyRequest, given: unknown): boolean {
  return multipartTokens.get(rootOf(request.server))?.(request, given) ?? false
}
