/** `bench start`: a second start with the full catalogue to its first page, and what the process holds after 1,000 requests. */
import { readFile } from 'node:fs/promises'
import { type Bench, freePort, inFolder, isMeasurement, load, median, startSystem } from './bench.ts'

const mostSeconds = 3
const mostMegabytes = 300
const pages = [
  '/',
  '/services?q=acta',
  '/services/state/birth-certificate@09',
  '/services/municipal/water-connection@15106',
  '/api/services?q=licencia&place=09',
  '/offices/state-09',
  '/sign-in',
]

export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const seconds: number[] = []
    const megabytes: number[] = []
    const postgres: number[] = []
    let catalogue: unknown = null
    // The first start makes the database, the keys and the catalogue; it is told apart.
    let first = 0
    for (let round = 0; round <= extent.rounds; round++) {
      const port = await freePort()
      const from = performance.now()
      const system = await startSystem(folder, port, { profile: extent.profile })
      try {
        const page = await fetch(`http://127.0.0.1:${port}/services/state/birth-certificate@09`)
        const text = await page.text()
        if (page.status !== 200 || !text.includes('</html>')) throw new Error(`The first page answers ${page.status}.`)
        const took = (performance.now() - from) / 1000
        catalogue = await (await fetch(`http://127.0.0.1:${port}/api/catalogue`)).json()
        for (const path of pages)
          await load({
            port,
            connections: 8,
            status: 200,
            requests: await requestsFile(folder, port, path, Math.ceil(1000 / pages.length)),
          }).then((l) => {
            if (Object.keys(l.wrong).length > 0) throw new Error(`${path}: ${JSON.stringify(l.wrong)}`)
          })
        const holds = await residentMegabytes(system.pid)
        if (round === 0) first = took
        else {
          seconds.push(Number(took.toFixed(3)))
          megabytes.push(holds)
          postgres.push(await childrenMegabytes(folder))
        }
        progress(
          `start ${round + 1}: first page after ${took.toFixed(2)} s, ${holds} MB after 1,000 requests${round ? '' : ' (the first start: not counted)'}`,
        )
      } finally {
        await system.stop()
      }
    }
    const value = median(seconds)
    return {
      bench: 'start',
      value,
      unit: 's to the first page of a second start',
      better: 'lower',
      reference: null,
      ratio: null,
      reach: `under ${mostSeconds} s with the full catalogue, and under ${mostMegabytes} MB (RSS of the process) after 1,000 requests`,
      ok: value < mostSeconds && median(megabytes) < mostMegabytes,
      more: {
        measurement: extent.rounds >= 5 && extent.profile === null && isMeasurement({ ...extent, seconds: 60 }),
        catalogue,
        megabytes: median(megabytes),
        postgresMegabytes: median(postgres),
        firstStartSeconds: Number(first.toFixed(2)),
        rounds: { seconds, megabytes },
      },
    }
  })

async function requestsFile(folder: string, port: number, path: string, count: number): Promise<string> {
  const { writeFile } = await import('node:fs/promises')
  const file = `${folder}/requests`
  const one = JSON.stringify(`GET ${path} HTTP/1.1\r\nhost: localhost:${port}\r\naccept: text/html\r\naccept-encoding: gzip\r\n\r\n`)
  await writeFile(file, Array.from({ length: count }, () => one).join('\n'))
  return file
}

/** The resident memory of a process; 0 where the system does not tell it (/proc). */
async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024)
}

/** What the database holds for itself: its shared memory counted once. */
async function childrenMegabytes(folder: string): Promise<number> {
  const lines = (await readFile(`${folder}/postgres/cluster/postmaster.pid`, 'utf8').catch(() => '')).split('\n')
  const pid = Number(lines[0])
  return pid > 0 ? residentMegabytes(pid) : 0
}
