/**
 * The load, a process of its own: keep-alive connections, one request at a time on each, the next when the answer has come whole. It reads no more of
 * HTTP/1.1 than it needs, so that on two cores it takes little from what is measured. Argument: a `Load` as JSON; prints a `Loaded`.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Load, Loaded } from './bench.ts'

const job = JSON.parse(process.argv[2]!) as Load
// A file has one request a line, as a JSON string.
const list =
  'requests' in job
    ? readFileSync(job.requests, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => Buffer.from(JSON.parse(line) as string))
    : null
const same = 'request' in job ? Buffer.from(job.request) : null
let next = 0
let until = Number.POSITIVE_INFINITY
const take = (): Buffer | undefined => (list ? list[next++] : performance.now() < until ? same! : undefined)

let right = 0
const wrong: Record<string, number> = {}
const latencies: number[] = []
const missed = (what: string) => {
  wrong[what] = (wrong[what] ?? 0) + 1
}

/** The length of a whole answer at the beginning of `bytes`, or 0 while it is not whole. */
function answerLength(bytes: Buffer): number {
  const head = bytes.indexOf('\r\n\r\n')
  if (head < 0) return 0
  const words = bytes.toString('latin1', 0, head).toLowerCase()
  const at = words.indexOf('content-length: ')
  if (at >= 0) {
    const length = head + 4 + Number.parseInt(words.slice(at + 16), 10)
    return bytes.length >= length ? length : 0
  }
  if (words.includes('transfer-encoding: chunked')) {
    const end = bytes.indexOf('0\r\n\r\n', head + 4)
    return end < 0 ? 0 : end + 5
  }
  return head + 4
}

function connection(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: job.port, host: '127.0.0.1', noDelay: true })
    let kept: Buffer | null = null
    let sentAt = 0
    const send = () => {
      const request = take()
      if (!request) return void socket.end(() => resolve())
      sentAt = performance.now()
      socket.write(request)
    }
    socket.once('connect', send)
    socket.on('data', (chunk) => {
      kept = kept ? Buffer.concat([kept, chunk]) : chunk
      const length = answerLength(kept)
      if (length === 0) return
      const status = kept.toString('latin1', 9, 12)
      if (status === String(job.status)) right++
      else missed(status)
      latencies.push(performance.now() - sentAt)
      kept = kept.length > length ? kept.subarray(length) : null
      send()
    })
    socket.once('error', reject)
    socket.once('close', () => resolve())
  })
}

/** For servers that end each connection with its answer. */
async function connectionForEach(): Promise<void> {
  for (let request = take(); request; request = take()) {
    const sent = request
    await new Promise<void>((resolve, reject) => {
      const sentAt = performance.now()
      const socket = connect({ port: job.port, host: '127.0.0.1', noDelay: true }, () => socket.write(sent))
      const parts: Buffer[] = []
      socket.on('data', (chunk) => {
        parts.push(chunk)
        const all = Buffer.concat(parts)
        if (answerLength(all) === 0) return
        const status = all.toString('latin1', 9, 12)
        if (status === String(job.status)) right++
        else missed(status)
        latencies.push(performance.now() - sentAt)
        socket.destroy()
      })
      socket.once('error', reject)
      socket.once('close', () => resolve())
    })
  }
}

const start = performance.now()
if ('seconds' in job) until = start + job.seconds * 1000
const ended = await Promise.allSettled(Array.from({ length: job.connections }, job.fresh ? connectionForEach : connection))
const seconds = (performance.now() - start) / 1000
for (const e of ended) if (e.status === 'rejected') missed((e.reason as Error).message)
const sorted = Float64Array.from(latencies).sort()
const at = (part: number) => Number((sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(2))
process.stdout.write(JSON.stringify({ right, wrong, seconds, perSecond: right / seconds, p50: at(0.5), p99: at(0.99) } satisfies Loaded))
