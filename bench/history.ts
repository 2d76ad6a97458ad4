/**
 * `bench history`: a case opened, its page and its office's numbers over HTTP with 1,000,000 cases stored, against 1,000. Two installations stand side by side, one of each size, and
 * are asked in turn. Nine cases in ten are closed, filed over two years; a third of all lies at one office, the others at a thousand. Beside them stand what came of them: turns,
 * events, decisions, timers, people and the uses of their data, an entry of the public log each, and what insight counted of them. Each office is asked once while its page is fresh.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '#config'
import type { OfficeId, PersonId, Reference, ServiceId } from '#kernel/id'
import type { SignedIn } from '#web'
import { openParts, type Parts } from '../src/main.ts'
import * as store from '../src/modules/cases/store.ts'
import { type PastLine, preparePast } from '../src/modules/cases/testing-past.ts'
import { prepareCounts, skipTo } from '../src/modules/insight/testing-counts.ts'
import { preparePast as preparePeople, prepareSessions } from '../src/modules/people/testing-crowd.ts'
import { aTakenTurn } from '../src/modules/publiclog/testing.ts'
import { csrfTokens } from '../src/platform/web/csrf.ts'
import { type Bench, freePort, inFolder, isMeasurement, load, median, ratioOf, type Started, startSystem, systemSettings } from './bench.ts'
import { largestTowns, openDrafts } from './drafts.ts'

const stored = { few: 1_000, many: 1_000_000 }
/** To see that it runs. */
const fewStored = { few: 50, many: 1_000 }
const mostRatio = 1.5
const dayMs = 86_400_000
const months = 24
/** Statistics of an office are kept so long. */
const keptMs = 31_000

type Size = keyof typeof stored
const sizes = ['few', 'many'] as const
/** What is asked, and the answer that counts. */
const kinds = {
  'start a case': 303,
  'case page, in line': 200,
  'case page, decided': 200,
  'case at a desk': 200,
  'office page': 200,
  'office page, largest office': 200,
  'numbers of an office': 200,
  'numbers of the largest office': 200,
} as const
type Kind = keyof typeof kinds

export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const whole = isMeasurement(extent)
    const want = whole ? { offices: 1_000, people: 60, each: 100 } : { offices: 20, people: 4, each: 8 }
    const ports = { few: await freePort(), many: await freePort() }
    const asked = {} as Record<Size, Asked>
    const opening = sizes.map(async (size) => {
      const at = join(folder, size)
      const parts = await openParts(readConfig({ ...systemSettings(at, ports[size]) }, at))
      try {
        asked[size] = await prepare(parts, ports[size], { ...want, cases: (whole ? stored : fewStored)[size] }, progress)
      } finally {
        await parts.close()
      }
    })
    for (const o of await Promise.allSettled(opening)) if (o.status === 'rejected') throw o.reason
    const systems: Started[] = []
    try {
      for (const size of sizes)
        systems.push(
          await startSystem(join(folder, size), ports[size], {
            settings: { VENTANILLA_ROLES: 'web' },
            profile: size === 'many' ? extent.profile : null,
          }),
        )
      const measured = {} as Record<Kind, Record<Size, number[]>>
      // The first round warms both up and is not counted.
      for (let round = 0; round <= extent.rounds; round++) {
        const began = performance.now()
        for (const kind of Object.keys(kinds) as Kind[]) {
          measured[kind] ??= { few: [], many: [] }
          const took = {} as Record<Size, number>
          for (const size of round % 2 === 0 ? sizes : sizes.toReversed()) {
            const requests = join(folder, 'requests')
            await writeFile(
              requests,
              asked[size]
                [kind](round, want.each)
                .map((r) => JSON.stringify(r))
                .join('\n'),
            )
            const l = await load({ port: ports[size], connections: 1, status: kinds[kind], requests })
            if (Object.keys(l.wrong).length > 0) throw new Error(`${kind}: answers that were not expected: ${JSON.stringify(l.wrong)}`)
            took[size] = l.p50
            if (round > 0) measured[kind][size].push(l.p50)
          }
          progress(`round ${round}, ${kind}: ${took.few} ms with few, ${took.many} ms with many${round ? '' : ' (not counted)'}`)
        }
        // The largest office is one: it is asked again when nothing of it is kept any more.
        if (round < extent.rounds && whole) await sleep(Math.max(0, keptMs - (performance.now() - began)))
      }
      const found = Object.entries(measured).map(([kind, { few, many }]) => {
        const [value, reference] = [median(many), median(few)]
        return { kind, value, reference, ratio: ratioOf(value, reference), rounds: { few, many } }
      })
      const worst = found.toSorted((a, b) => b.ratio - a.ratio)[0]!
      return {
        bench: 'history',
        value: worst.value,
        unit: `ms with ${asked.many.cases} cases stored (${worst.kind}, the worst of ${found.length})`,
        better: 'lower',
        reference: worst.reference,
        ratio: worst.ratio,
        reach: `ratio <= ${mostRatio} for each`,
        ok: worst.ratio <= mostRatio,
        more: {
          measurement: whole,
          stored: { few: asked.few.cases, many: asked.many.cases },
          offices: want.offices + 1,
          kinds: found,
        },
      }
    } finally {
      for (const system of systems) await system.stop()
    }
  })

type Asked = { readonly cases: number } & Record<Kind, (round: number, each: number) => string[]>

/** Stores the cases, and says what is asked of them in each round. */
async function prepare(
  parts: Parts,
  port: number,
  want: { cases: number; offices: number; people: number },
  progress: (words: string) => void,
): Promise<Asked> {
  const { db, cases, catalogue, people, publiclog, insight } = parts
  progress(`Preparing ${want.cases} cases.`)
  const [largest, ...services] = largestTowns(parts, want.offices + 1) as [ServiceId, ...ServiceId[]]
  const drafts = openDrafts(parts)
  const submit = async (all: readonly { person: PersonId; reference: Reference }[]) => {
    for (let i = 0; i < all.length; i += 100) await Promise.all(all.slice(i, i + 100).map((d) => cases.submit(d)))
  }
  // A line opens with its first turn.
  await submit(await drafts.make(1, () => largest))
  await submit(await drafts.make(want.offices, (i) => services[i]!))
  const lineOf = async (service: ServiceId): Promise<PastLine> => {
    const office = catalogue.officeFor(catalogue.get(service)!)
    const [line] = await store.linesOf(db, office)
    return { place: line!.place, office, line: line!.state.line, service }
  }
  const largestLine = await lineOf(largest)
  const lines: PastLine[] = []
  for (const service of services) lines.push(await lineOf(service))

  // At the first offices an official sits: what is opened later was really filed, served and decided there.
  const officials = await Promise.all(
    (await drafts.crowd(want.people)).map(async (person, i): Promise<SignedIn & { office: OfficeId }> => {
      const { office } = lines[i]!
      await db.tx((tx) => people.giveRole(tx, null, person, { role: 'official', office }))
      return { person, session: 'bench', language: 'es', grants: await people.grants(db, person), office }
    }),
  )
  for (const official of officials) {
    await cases.desks.goOn(official, official.office)
    await cases.desks.next(official, official.office)
  }
  const decided = await drafts.make(want.people, (i) => services[i]!)
  await submit(decided)
  const finish = async (official: SignedIn & { office: OfficeId }) => {
    const desk = await cases.desks.desk(official, official.office)
    await cases.desks.decide(official, official.office, desk!.state.turn!, { result: 'granted', reasons: [], note: '' })
  }
  // The one that opened the line, then the one that is looked at; the next stays at the desk, the last in line.
  for (const official of officials) await finish(official)
  await submit(await drafts.make(want.people, (i) => services[i]!))
  for (const official of officials) await finish(official)
  const waiting = await drafts.make(want.people, (i) => services[i]!)
  await submit(waiting)

  const now = parts.clock.now()
  const ago = (days: number) => new Date(now.getTime() - days * dayMs)
  const open = Math.floor(want.cases / 10)
  const atLargest = Math.floor(want.cases / 3)
  let first = 0
  const tell = (made: number) => {
    if (made % 250_000 === 0) progress(`  ${made} more of ${want.cases}`)
  }
  const make = async (model: Reference, count: number, at: readonly PastLine[], from: Date, to: Date) => {
    await preparePast(cases, { model, first, count, lines: at, from, to, priorityOneIn: 10, applicants: null }, tell)
    first += count
  }
  const closed = [
    want.cases - open - Math.floor(((want.cases - open) * atLargest) / want.cases),
    Math.floor(((want.cases - open) * atLargest) / want.cases),
  ] as const
  await make(decided[0]!.reference, closed[0], lines, ago(730), ago(1))
  await make(decided[0]!.reference, closed[1], [largestLine], ago(730), ago(1))
  await make(waiting[0]!.reference, open - Math.floor(open / 3), lines, ago(9), now)
  await make(waiting[0]!.reference, Math.floor(open / 3), [largestLine], ago(9), now)
  await preparePeople(db, want.cases, now)

  progress(`  the log of ${want.cases} cases, and their counts`)
  await publiclog.publishNow()
  await insight.refresh()
  const each = 2_000
  for (let n = 0; n < want.cases; n += each)
    await db.tx((tx) =>
      publiclog.append(
        tx,
        Array.from({ length: Math.min(each, want.cases - n) }, (_, i) => aTakenTurn(n + i + 1, 'bench/past')),
      ),
    )
  await publiclog.publishNow()
  await skipTo(db, Number((await publiclog.head()).size))
  const past = Array.from({ length: months }, (_, i) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - i, 1)).toISOString().slice(0, 7),
  )
  const countable = (l: PastLine) => ({ line: l.line, service: l.service, desk: `${l.office}-1` })
  // Each office has a case in each month beside those stored, with few as with many: both pages then show as much, and what is compared is what it costs to find it.
  await prepareCounts(db, { count: lines.length * months, lines: lines.map(countable), months: past })
  await prepareCounts(db, { count: closed[0], lines: lines.map(countable), months: past })
  await prepareCounts(db, { count: closed[1], lines: [countable(largestLine)], months: past })
  await insight.refresh()
  await db.query('vacuum analyze')
  await db.query('checkpoint')

  const tokens = csrfTokens(parts.keys.secret('web/csrf'))
  const signIn = async (persons: readonly PersonId[]) => {
    const sessions = await prepareSessions(db, persons, now)
    return sessions.map(({ token, session }) => ({ cookie: `session=${token}`, csrf: tokens.make(`s:${session}`) }))
  }
  const holders = {
    waiting: await signIn(waiting.map((d) => d.person)),
    decided: await signIn(decided.map((d) => d.person)),
    desks: await signIn(officials.map((o) => o.person)),
  }
  const host = `localhost:${port}`
  const get = (path: string, cookie?: string) =>
    [
      'GET ',
      path,
      ` HTTP/1.1\r\nhost: ${host}\r\naccept: text/html\r\naccept-language: es-MX\r\naccept-encoding: gzip\r\n`,
      cookie ? `cookie: ${cookie}\r\n` : '',
      '\r\n',
    ].join('')
  const post = (path: string, form: Record<string, string>, who: { cookie: string; csrf: string }) => {
    const body = new URLSearchParams({ ...form, _csrf: who.csrf }).toString()
    return `POST ${path} HTTP/1.1\r\nhost: ${host}\r\norigin: http://${host}\r\naccept: text/html\r\ncookie: ${who.cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  }
  const times = <T>(count: number, of: (i: number) => T) => Array.from({ length: count }, (_, i) => of(i))
  const somebody = (i: number) => i % want.people
  const officesOf = (round: number, count: number) => times(count, (i) => lines[(round * count + i) % lines.length]!.office)
  return {
    cases: want.cases,
    'start a case': (round, count) =>
      times(count, (i) => post('/cases', { service: services[(round * count + i) % services.length]! }, holders.waiting[somebody(i)]!)),
    'case page, in line': (_round, count) =>
      times(count, (i) => get(`/cases/${waiting[somebody(i)]!.reference}`, holders.waiting[somebody(i)]!.cookie)),
    'case page, decided': (_round, count) =>
      times(count, (i) => get(`/cases/${decided[somebody(i)]!.reference}`, holders.decided[somebody(i)]!.cookie)),
    'case at a desk': (_round, count) =>
      times(count, (i) => get(`/desk/${officials[somebody(i)]!.office}`, holders.desks[somebody(i)]!.cookie)),
    'office page': (round, count) => officesOf(round, count).map((office) => get(`/offices/${office}`)),
    'office page, largest office': () => [get(`/offices/${largestLine.office}`)],
    'numbers of an office': (round, count) => officesOf(round, count).map((office) => get(`/numbers/offices/${office}`)),
    'numbers of the largest office': (_round, count) => times(count, () => get(`/numbers/offices/${largestLine.office}`)),
  }
}
