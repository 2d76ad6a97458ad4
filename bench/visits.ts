/**
 * `bench load`: 200 people go the whole way at once (front page, search, service, start, each page of the form, papers, review, submit, receipt, the case's page) with one to three
 * seconds between pages, for a minute, while officials serve at their desks. The system does all its work in one process, as it starts by default: pages, jobs, the log.
 */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '#config'
import type { OfficeId, ServiceId } from '#kernel/id'
import { projectFolder } from '../src/folder.ts'
import { openParts, type Parts } from '../src/main.ts'
import { prepareCrowd, prepareSessions } from '../src/modules/people/testing-crowd.ts'
import { type Bench, cleanEnvironment, freePort, inFolder, isMeasurement, startSystem, systemSettings } from './bench.ts'
import { exampleForm } from './drafts.ts'
import type { Someone, Visit, Visited, Wish } from './visitors.ts'

const people = 200
const seconds = 60
const pauseMs = [1_000, 3_000] as const
const everybody = { people, seconds, pauseMs, once: false }
/** To see that it runs: the whole way in seconds. */
const small = { people: 5, seconds: 60, pauseMs: [10, 30] as const, once: true }
const mostP95Ms = 300
/** What they come for: an office of the federation, of states, of towns; forms of two to six pages, with papers and without. */
const wanted: readonly (readonly [service: string, q: string])[] = [
  ['state/drivers-licence@09', 'licencia de manejo'],
  ['state/birth-certificate@15', 'acta de nacimiento en el estado de mexico'],
  ['state/criminal-record-certificate@14', 'antecedentes no penales'],
  ['municipal/proof-of-residence@15106', 'constancia de residencia en toluca'],
  ['state/marriage-certificate@09', 'acta de matrimonio'],
]
const desksEach = 2

export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const whole = isMeasurement({ ...extent, profile: null })
    const size = whole ? everybody : small
    const port = await freePort()
    progress('Starting the system with an empty database, and signing people in.')
    const { visit, waiting } = await prepare(folder, port, size)
    const system = await startSystem(folder, port, { profile: extent.profile })
    let visited: Visited
    try {
      const file = join(folder, 'visit.json')
      await writeFile(file, JSON.stringify(visit))
      // The first minute of a process is not everyday's: some go the way before, uncounted.
      if (whole) {
        progress('Warming up.')
        const warm = join(folder, 'warm.json')
        await writeFile(warm, JSON.stringify({ ...visit, ...small, people: 40, sessions: visit.sessions.slice(waiting), desks: [] }))
        await send(warm)
      }
      progress(`${size.people} people for ${size.seconds} s.`)
      visited = await send(file)
    } finally {
      await system.stop()
    }
    const kinds = Object.entries(visited.kinds).map(([kind, all]) => {
      const sorted = all.toSorted((a, b) => a - b)
      const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
      return { kind, answers: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
    })
    for (const k of kinds)
      progress(`  ${k.kind.padEnd(18)} ${String(k.answers).padStart(6)}  p50 ${k.p50Ms} ms, p95 ${k.p95Ms} ms, p99 ${k.p99Ms} ms`)
    const worst = kinds.toSorted((a, b) => b.p95Ms - a.p95Ms)[0]!
    return {
      bench: 'load',
      value: worst.p95Ms,
      unit: `ms, p95 of the slowest kind of page (${worst.kind})`,
      better: 'lower',
      reference: null,
      ratio: null,
      reach: `p95 of every kind of page under ${mostP95Ms} ms, no error`,
      ok: visited.errors.length === 0 && visited.journeys > 0 && visited.served > 0 && worst.p95Ms < mostP95Ms,
      more: {
        measurement: isMeasurement(extent),
        people: size.people,
        seconds: Math.round(visited.seconds),
        answers: kinds.reduce((n, k) => n + k.answers, 0),
        journeys: visited.journeys,
        served: visited.served,
        errors: visited.errors.length,
        firstErrors: visited.errors.slice(0, 5),
        kinds,
      },
    }
  })

/** People with sessions, officials with desks; the system is not running yet. `waiting`: how many of the sessions the measured minute may use. */
async function prepare(
  folder: string,
  port: number,
  size: Pick<Visit, 'people' | 'seconds' | 'pauseMs' | 'once'>,
): Promise<{ visit: Visit; waiting: number }> {
  const parts = await openParts(readConfig({ ...systemSettings(folder, port) }, folder))
  try {
    const wishes: Wish[] = wanted.map(([service, q]) => ({
      service,
      q,
      form: exampleForm(service.split('@')[0]!) as Record<string, string>,
    }))
    // A way has ten pages or more.
    const waiting = size.people * (2 + Math.ceil((size.seconds * 1000) / (10 * size.pauseMs[0])))
    const offices = [...new Set(wishes.map((w) => parts.catalogue.officeFor(parts.catalogue.get(w.service as ServiceId)!)))]
    const sittings = offices.flatMap((office) => Array.from({ length: desksEach }, () => office))
    const [officials, sessions] = [await signIn(parts, 0, sittings.length), await signIn(parts, sittings.length, waiting * 2)]
    for (const [i, office] of sittings.entries())
      await parts.db.tx((tx) => parts.people.giveRole(tx, null, officials[i]!.person, { role: 'official', office: office as OfficeId }))
    return {
      waiting,
      visit: { port, ...size, wishes, sessions, desks: sittings.map((office, i) => ({ office, cookie: officials[i]!.cookie })) },
    }
  } finally {
    await parts.close()
  }
}

async function signIn(parts: Parts, first: number, count: number) {
  const now = parts.clock.now()
  const crowd = await prepareCrowd(parts.db, count, first, now)
  const sessions = await prepareSessions(
    parts.db,
    crowd.map((p) => p.person),
    now,
  )
  return crowd.map(({ person }, i): Someone & { person: typeof person } => ({ person, cookie: `session=${sessions[i]!.token}` }))
}

async function send(file: string): Promise<Visited> {
  const child = spawn(process.execPath, [join(projectFolder, 'bench/visitors.ts'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: cleanEnvironment(),
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`The process of the visitors ended with ${code}.`)
  return JSON.parse(out) as Visited
}
