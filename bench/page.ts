/**
 * `bench page`: a service page for somebody signed out, whose bytes are at most a second old, against bare node:http sending the same bytes under the
 * same headers. Each server and the load are processes of their own.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { projectFolder } from '../src/folder.ts'
import { type Bench, freePort, inFolder, isMeasurement, load, median, ratioOf, startNode, startSystem } from './bench.ts'

const connections = 32
const path = '/services/state/birth-certificate@09'
// As a browser asks; the page is sent compressed.
const headers = { accept: 'text/html', 'accept-encoding': 'gzip, deflate, br', 'accept-language': 'es-MX,es;q=0.9' }

export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const port = await freePort()
    progress('Starting the system with an empty database.')
    const system = await startSystem(folder, port, { profile: extent.profile })
    try {
      const whole = await get(port, path)
      if (whole.status !== 200) throw new Error(`${path} answers ${whole.status}.`)
      const bareFile = join(folder, 'page.json')
      await writeFile(bareFile, JSON.stringify({ headers: whole.headers, body: whole.body.toString('base64') }))
      const barePort = await freePort()
      const bare = await startNode([join(import.meta.dirname, 'page-bare.ts'), bareFile, String(barePort)], { ready: /ready/ })
      try {
        const again = await get(barePort, path)
        if (!again.body.equals(whole.body)) throw new Error('The bare server does not send the same bytes.')
        const text = (to: number, url: string) =>
          `GET ${url} HTTP/1.1\r\nhost: localhost:${to}\r\n${Object.entries(headers)
            .map(([k, v]) => `${k}: ${v}\r\n`)
            .join('')}\r\n`
        const measured = { page: [] as number[], bare: [] as number[], uncached: [] as number[] }
        const p99: number[] = []
        // The first round warms both up and is not counted.
        for (let round = 0; round <= extent.rounds; round++) {
          const reference = await load({ port: barePort, connections, status: 200, request: text(barePort, path), seconds: extent.seconds })
          const subject = await load({ port, connections, status: 200, request: text(port, path), seconds: extent.seconds })
          const rendered = await renderedAnew(port, text, extent.seconds)
          for (const l of [reference, subject, rendered])
            if (Object.keys(l.wrong).length > 0) throw new Error(`Answers that were not expected: ${JSON.stringify(l.wrong)}`)
          if (round > 0) {
            measured.bare.push(Math.round(reference.perSecond))
            measured.page.push(Math.round(subject.perSecond))
            measured.uncached.push(Math.round(rendered.perSecond))
            p99.push(subject.p99)
          }
          progress(
            `round ${round}: page ${Math.round(subject.perSecond)}/s, bare ${Math.round(reference.perSecond)}/s, rendered anew ${Math.round(rendered.perSecond)}/s${round ? '' : ' (not counted)'}`,
          )
        }
        const value = median(measured.page)
        const reference = median(measured.bare)
        const ratio = ratioOf(value, reference)
        return {
          bench: 'page',
          value,
          unit: 'pages/s',
          better: 'higher',
          reference,
          ratio,
          reach: 'ratio >= 0.7',
          ok: ratio >= 0.7,
          more: {
            measurement: isMeasurement(extent),
            path,
            bytesSent: whole.body.length,
            connections,
            p99Ms: median(p99),
            rounds: measured,
            renderedAnew: { value: median(measured.uncached), ratio: ratioOf(median(measured.uncached), reference) },
          },
        }
      } finally {
        await bare.stop()
      }
    } finally {
      await system.stop()
    }
  })

/** A page of every town one after another: more than are kept, so that each is rendered and compressed for the one who asks. */
async function renderedAnew(port: number, text: (port: number, url: string) => string, seconds: number) {
  const towns = (await readFile(join(projectFolder, 'reference/municipalities.csv'), 'utf8')).trimEnd().split('\n').slice(1)
  const list = Array.from({ length: 1_000 * seconds }, () =>
    JSON.stringify(text(port, `/services/municipal/water-connection@${towns[asked++ % towns.length]!.slice(0, 5)}`)),
  )
  return inFolder(async (folder) => {
    const requests = join(folder, 'requests')
    await writeFile(requests, list.join('\n'))
    return load({ port, connections, status: 200, requests })
  })
}
let asked = 0

function get(port: number, url: string): Promise<{ status: number; headers: Record<string, string>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: url, headers: { ...headers, host: `localhost:${port}` } }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => {
        const sent = Object.fromEntries(Object.entries(response.headers).map(([k, v]) => [k, String(v)]))
        // Node's own, which the bare server sends by itself.
        for (const own of ['date', 'connection', 'keep-alive', 'transfer-encoding']) delete sent[own]
        resolve({ status: response.statusCode!, headers: sent, body: Buffer.concat(parts) })
      })
    })
      .on('error', reject)
      .end()
  })
}
