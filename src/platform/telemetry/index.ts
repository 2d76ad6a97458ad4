/**
 * What operators see: a log of one JSON object a line (pino) and numbers for Prometheus, with health, on a port of their own. Neither holds personal data: known fields are
 * removed, errors are reduced to what we wrote ourselves, and every line is masked once more before it leaves.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Logger, pino } from 'pino'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type { Logger } from 'pino'

export type TelemetryOptions = {
  logLevel?: string
  /** Where lines go; the standard error by default, because results go to the standard output. */
  write?: (line: string) => void
  /** Numbers and names of people that have a recognisable form, such as a country's identity numbers. E-mail addresses and passwords in addresses are always masked. */
  personal?: readonly RegExp[]
}

export interface Telemetry {
  readonly log: Logger
  readonly metrics: Registry
  /** Counts one answered request under its route (never its address), for `openWeb`'s `observe`. */
  request(route: string, method: string, status: number, seconds: number): void
  /** A number that is read when it is asked for. One that cannot be read is left out of that answer. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void
  /** Serves `/metrics`, `/healthz` (the process lives) and `/readyz` (it can do its work: `ready` holds), on `port` or, with 0, on any free one. */
  listen(options: { host: string; port: number; ready: () => Promise<boolean> }): Promise<{ port: number; close(): Promise<void> }>
}

// Names under which people's data might come near a log, wherever they stand.
const personalFields = [
  'email',
  'name',
  'surname',
  'phone',
  'address',
  'answers',
  'body',
  'code',
  'secret',
  'token',
  'password',
  'cookie',
  'authorization',
  'data',
  'values',
  'parameters',
]

const addressOfPerson = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu
const credentials = /(:\/\/)[^\s/@"\\]+@/g

/** Opens the log and the numbers. `listen` serves them. */
export function openTelemetry({ logLevel = 'info', write, personal = [] }: TelemetryOptions = {}): Telemetry {
  const patterns = personal.map((p) => new RegExp(p.source, [...new Set(`${p.flags}g`)].join('')))
  const mask = (line: string) =>
    patterns.reduce((text, pattern) => text.replace(pattern, '…'), line.replace(credentials, '$1…@').replace(addressOfPerson, '…@…'))
  const log = pino(
    {
      level: logLevel,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: personalFields.flatMap((f) => [f, `*.${f}`]).concat('*.headers', 'err.detail', 'err.where'), censor: '…' },
      serializers: {
        err: plainError,
        error: plainError,
        req: plainRequest,
        res: (res: { statusCode?: number }) => ({ status: res.statusCode }),
      },
      hooks: {
        streamWrite: mask,
        // Without words of ours pino would take the message of the error for them.
        logMethod(args, method) {
          const [first, words] = args as unknown[]
          const error = first instanceof Error ? first : (first as { err?: unknown } | null)?.err
          if (words === undefined && error instanceof Error)
            method.call(this, { ...(first === error ? {} : (first as object)), err: error }, 'An error.')
          else method.apply(this, args)
        },
      },
    },
    write ? { write } : pino.destination({ fd: 2, sync: true }),
  )

  const metrics = new Registry()
  collectDefaultMetrics({ register: metrics })
  const seconds = new Histogram({
    name: 'ventanilla_request_seconds',
    help: 'Time to answer, by route, method and class of status.',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [metrics],
  })

  return {
    log,
    metrics,
    request: (route, method, status, took) => seconds.observe({ route, method, status: `${Math.floor(status / 100)}xx` }, took),
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        registers: [metrics],
        async collect() {
          try {
            gauge.set(await read())
          } catch (error) {
            gauge.remove()
            log.warn({ err: error, metric: name }, 'A number could not be read.')
          }
        },
      })
    },
    async listen({ host, port, ready }) {
      const server = createServer(async (request, response) => {
        const answer = (status: number, text: string, type = 'text/plain; charset=utf-8') =>
          response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }).end(text)
        try {
          if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'Only GET.\n')
          else if (request.url === '/healthz') answer(200, 'ok\n')
          else if (request.url === '/readyz') (await ready().catch(() => false)) ? answer(200, 'ready\n') : answer(503, 'not ready\n')
          else if (request.url === '/metrics') answer(200, await metrics.metrics(), metrics.contentType)
          else answer(404, 'Here are /metrics, /healthz and /readyz.\n')
        } catch (error) {
          log.error({ err: error }, 'The metrics could not be served.')
          answer(500, 'error\n')
        }
      })
      await new Promise<void>((done, fail) => server.once('error', fail).listen(port, host, done)).catch((error) => {
        if (error.code !== 'EADDRINUSE') throw error
        const sentence = `Port ${port} of the metrics is in use. Set VENTANILLA_METRICS_PORT to another, or to 0 for any free one.`
        throw new Error(sentence, { cause: error })
      })
      return {
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            server.closeAllConnections()
          }),
      }
    },
  }
}

type PlainError = { type: string; message?: string; state?: string; constraint?: string; stack?: string; cause?: PlainError }

/** An error as a log may hold it. PostgreSQL quotes values in some messages and in most details; of its errors only what names no value is kept. */
function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code, severity, constraint } = error as { code?: unknown; severity?: unknown; constraint?: unknown }
  const frames = error.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n')
  const plain: PlainError = { type: error.name, stack: frames }
  if (typeof code === 'string') plain.state = code
  if (typeof constraint === 'string') plain.constraint = constraint
  // Class 22 is "data exception": its messages show the datum.
  const quotes = severity !== undefined && typeof code === 'string' && code.startsWith('22')
  if (!quotes) plain.message = error.message
  if (error.cause !== undefined) plain.cause = plainError(error.cause)
  return plain
}

/** A request as a log may hold it: its route. Addresses hold references and what people searched for. */
function plainRequest(request: { method?: string; routeOptions?: { url?: string } }) {
  return { method: request.method, route: request.routeOptions?.url }
}
