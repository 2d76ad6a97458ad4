/**
 * `bench turns`: what an act costs with a million turns waiting, against a thousand; on one hot line, and on a thousand lines. Two installations stand side by side, one of each
 * size, and take turns in one run. Each act is measured twice: as the engine does it (a submission; a decision that calls the next), and the line's own work alone, by the same
 * functions and statements in transactions of ten, because the engine's seals, documents, jobs and commit cost more than the line and would hide what it costs.
 */
import { join } from 'node:path'
import { readConfig } from '#config'
import type { Tx } from '#db'
import { type OfficeId, type PersonId, randomId, type ServiceId, type TurnId } from '#kernel/id'
import type { SignedIn } from '#web'
import { openParts, type Parts } from '../src/main.ts'
import { Acts } from '../src/modules/cases/acts.ts'
import { callTurn, decideCall, finishTurn, takeTurn } from '../src/modules/cases/line.ts'
import * as store from '../src/modules/cases/store.ts'
import { type PastLine, preparePast } from '../src/modules/cases/testing-past.ts'
import { type Bench, type BenchResult, type Extent, freePort, inFolder, isMeasurement, median, ratioOf, systemSettings } from './bench.ts'
import { type Draft, largestTowns, openDrafts } from './drafts.ts'

const waiting = { few: 1_000, many: 1_000_000 }
/** To see that it runs. */
const fewWaiting = { few: 100, many: 2_000 }
const mostRatio = 1.2
/** Acts under way at once where they do not wait for one line. */
const abreast = 16
/** Acts of the line alone in one transaction. */
const together = 10

type Size = keyof typeof waiting
const sizes = ['few', 'many'] as const
const kinds = ['engine: take', 'engine: call', 'line: take', 'line: call'] as const
const wheres = ['hot', 'spread'] as const
type Where = (typeof wheres)[number]

export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const whole = isMeasurement(extent)
    const acts = whole ? 160 : 16
    // A call by the engine needs a case that opens: each line of the thousand has one, and is called once.
    const lines = whole ? 1_000 : acts * (extent.rounds + 1)
    const rounds = whole ? Math.min(extent.rounds, Math.floor(lines / acts) - 1) : extent.rounds
    const systems = {} as Record<Size, Awaited<ReturnType<typeof openSize>>>
    try {
      const opening = sizes.map(async (size) => {
        systems[size] = await openSize(
          join(folder, size),
          { waiting: (whole ? waiting : fewWaiting)[size], lines, rounds: rounds + 1, acts },
          progress,
        )
      })
      for (const o of await Promise.allSettled(opening)) if (o.status === 'rejected') throw o.reason
      return await measure(systems, { extent, rounds, acts, lines }, progress)
    } finally {
      for (const size of sizes) await systems[size]?.parts.close()
    }
  })

async function measure(
  systems: Record<Size, Awaited<ReturnType<typeof openSize>>>,
  { extent, rounds, acts, lines }: { extent: Extent; rounds: number; acts: number; lines: number },
  progress: (words: string) => void,
): Promise<BenchResult> {
  const costs = new Map<string, Record<Size, number[]>>()
  // The first round warms both up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const where of wheres)
      for (const kind of kinds) {
        const name = `${kind}, ${where}`
        const cost = costs.get(name) ?? { few: [], many: [] }
        costs.set(name, cost)
        // Who goes first changes with the rounds: what the disk still does of the one before must not always fall on the same.
        for (const size of round % 2 === 0 ? sizes : sizes.toReversed()) {
          const micros = await systems[size].act[kind](where, round)
          if (round > 0) cost[size].push(Math.round(micros))
        }
        const [few, many] = sizes.map((size) => cost[size].at(-1))
        if (round > 0) progress(`round ${round}, ${name}: ${few} µs an act with few waiting, ${many} µs with many`)
      }
  }
  const found = [...costs].map(([name, cost]) => {
    const [value, reference] = [median(cost.many), median(cost.few)]
    return { name, value, reference, ratio: ratioOf(value, reference), rounds: cost }
  })
  const worst = found.toSorted((a, b) => b.ratio - a.ratio)[0]!
  const checks = {} as Record<Size, { waiting: number; sound: boolean }>
  for (const size of sizes) checks[size] = await systems[size].check()
  const sound = sizes.every((size) => checks[size].sound)
  return {
    bench: 'turns',
    value: worst.value,
    unit: `µs an act with ${systems.many.waiting} waiting (${worst.name}, the worst of ${found.length})`,
    better: 'lower',
    reference: worst.reference,
    ratio: worst.ratio,
    reach: `ratio <= ${mostRatio} for each act, and as many turns wait afterwards as were taken and not called`,
    ok: sound && worst.ratio <= mostRatio,
    more: {
      measurement: isMeasurement(extent),
      waiting: { few: systems.few.waiting, many: systems.many.waiting },
      lines,
      actsARound: acts,
      sound,
      checks,
      acts: found,
    },
  }
}

/** One installation with its turns waiting, and the acts on it; each gives the microseconds that one cost. */
async function openSize(
  folder: string,
  want: { waiting: number; lines: number; rounds: number; acts: number },
  progress: (words: string) => void,
) {
  const parts = await openParts(readConfig({ ...systemSettings(folder, await freePort()) }, folder))
  try {
    return await prepared(parts, want, progress)
  } catch (error) {
    await parts.close()
    throw error
  }
}

async function prepared(
  parts: Parts,
  want: { waiting: number; lines: number; rounds: number; acts: number },
  progress: (words: string) => void,
) {
  const { db, cases, catalogue, people } = parts
  progress(`Preparing ${want.waiting} turns on one line and as many on ${want.lines}.`)
  const [hot, ...spread] = largestTowns(parts, want.lines + 1) as [ServiceId, ...ServiceId[]]
  const drafts = openDrafts(parts)
  const submit = async (all: readonly Draft[]) => {
    for (let i = 0; i < all.length; i += 100) await Promise.all(all.slice(i, i + 100).map((d) => cases.submit(d)))
  }
  // First in their lines stand cases that the engine made: it decides them while the others wait behind. One call in three is of the priority class.
  const calls = 2 * want.rounds * want.acts
  const heads = await drafts.make(Math.ceil((calls * 2) / 3) + 3, () => hot)
  await submit(heads)
  await submit(await drafts.make(Math.ceil(calls / 3) + 3, () => hot, 'priority'))
  await submit(await drafts.make(want.lines, (i) => spread[i]!))
  const lineOf = async (service: ServiceId): Promise<PastLine> => {
    const office = catalogue.officeFor(catalogue.get(service)!)
    const [line] = await store.linesOf(db, office)
    return { place: line!.place, office, line: line!.state.line, service }
  }
  const hotLine = await lineOf(hot)
  const spreadLines: PastLine[] = []
  for (const service of spread) spreadLines.push(await lineOf(service))
  const now = parts.clock.now()
  const past = {
    model: heads.at(-1)!.reference,
    count: want.waiting,
    from: new Date(now.getTime() - 7 * 86_400_000),
    to: now,
    applicants: null,
  }
  const tell = (where: string) => (made: number) => {
    if (made % 250_000 === 0) progress(`  ${made} of ${want.waiting} ${where}`)
  }
  await preparePast(cases, { ...past, first: 0, lines: [hotLine], priorityOneIn: 10 }, tell('on one line'))
  await preparePast(cases, { ...past, first: want.waiting, lines: spreadLines, priorityOneIn: 0 }, tell(`on ${want.lines} lines`))

  // A desk at each line, with its first turn called.
  const [hotOfficial, ...officials] = await Promise.all(
    (await drafts.crowd(1 + want.rounds * want.acts)).map(async (person, i): Promise<SignedIn & { office: OfficeId }> => {
      const { office } = i === 0 ? hotLine : spreadLines[i - 1]!
      await db.tx((tx) => people.giveRole(tx, null, person as PersonId, { role: 'official', office }))
      return { person, session: 'bench', language: 'es', grants: await people.grants(db, person), office }
    }),
  )
  const seat = async (official: SignedIn & { office: OfficeId }) => {
    await cases.desks.goOn(official, official.office)
    await cases.desks.next(official, official.office)
  }
  await seat(hotOfficial!)
  await inTurn(officials, abreast, seat)
  const takers = {
    hot: await drafts.make(want.rounds * want.acts, () => hot),
    spread: await drafts.make(want.rounds * want.acts, (i) => spread[i]!),
  }
  await db.query('vacuum analyze')
  await db.query('checkpoint')

  const linesAt = { hot: [hotLine], spread: spreadLines.slice(0, want.rounds * want.acts) }
  const officialsAt = { hot: [hotOfficial!], spread: officials }
  const part = <T>(all: readonly T[], round: number) =>
    all.length === 1 ? Array.from({ length: want.acts }, () => all[0]!) : all.slice(round * want.acts, (round + 1) * want.acts)
  const { before } = await count()

  async function count(): Promise<{ before: number }> {
    const [row] = await db.query<{ n: number }>(`select count(*)::integer as n from cases_turn where state = 'waiting'`)
    return { before: row!.n }
  }

  /** What one act costs in the middle of groups of acts, each timed by itself: what else the machine does falls on a few of them. */
  async function middle<T>(all: readonly T[], group: number, work: (some: readonly T[]) => Promise<unknown>): Promise<number> {
    const micros: number[] = []
    for (let i = 0; i + group <= all.length; i += group) {
      const start = performance.now()
      await work(all.slice(i, i + group))
      micros.push(((performance.now() - start) * 1000) / group)
    }
    return median(micros)
  }

  /** Ten acts in a transaction: they share the commit, so what is seen is the line. */
  const alone = (where: Where, round: number, act: (tx: Tx, at: PastLine, acts: Acts) => Promise<void>): Promise<number> =>
    middle(part(linesAt[where], round), together, (some) =>
      db.tx(async (tx) => {
        for (const at of some) {
          const acts = new Acts(parts.clock.now())
          acts.hold(await store.lockLines(tx, [at.office]))
          await act(tx, at, acts)
          await acts.write(tx, parts)
        }
      }),
    )
  /** Cases of turns that the line takes alone: none is opened by anybody. */
  const model = (await store.caseByReference(db, heads.at(-1)!.reference))!
  const [modelTurn] = await store.turnsOf(db, model)

  const act: Record<(typeof kinds)[number], (where: Where, round: number) => Promise<number>> = {
    'engine: take': (where, round) => middle(part(takers[where], round), abreast, (some) => Promise.all(some.map((d) => cases.submit(d)))),
    // At one desk one call follows another.
    'engine: call': (where, round) =>
      middle(part(officialsAt[where], round), where === 'hot' ? 1 : abreast, (some) =>
        Promise.all(
          some.map(async (official) => {
            const desk = await cases.desks.desk(official, official.office)
            await cases.desks.decide(official, official.office, desk!.state.turn!, { result: 'granted', reasons: [], note: '' })
          }),
        ),
      ),
    'line: take': (where, round) =>
      alone(where, round, async (_tx, at, acts) => {
        const taken = takeTurn(
          acts.line(at.line),
          { turn: randomId() as TurnId, class: 'general', holder: modelTurn!.matter ?? randomId(32) } as never,
          acts.now,
        )
        acts.act(taken)
        acts.addTurn({ ...modelTurn!, place: at.place, line: at.line, state: taken.turn, matter: null, takenAt: acts.now })
      }),
    'line: call': (where, round) =>
      alone(where, round, async (tx, at, acts) => {
        const seated = (await store.desksOf(tx, at.office))[0]!
        const desk = (await store.lockDesk(tx, at.place, seated.state.desk))!
        const turn = (await store.turnById(tx, at.place, desk.state.turn!))!
        const finished = finishTurn(acts.line(at.line), desk.state, turn.state, { outcome: 'done', paper: null }, acts.now)
        acts.act(finished)
        acts.turn(turn, finished.turn, { endedAt: acts.now, outcome: 'done' })
        await store.hasConflicts(tx, at.place, desk.state.desk)
        const general = await store.candidate(tx, at.place, at.line, desk.state.desk, 'general')
        const priority = await store.candidate(tx, at.place, at.line, desk.state.desk, 'priority')
        const candidates = { general: general?.state ?? null, priority: priority?.state ?? null }
        const next = decideCall(acts.line(at.line), finished.desk, candidates, acts.now)!
        const call = callTurn(acts.line(at.line), finished.desk, candidates, acts.now)!
        acts.act(call)
        acts.turn(general?.state.turn === next.turn ? general : priority!, call.turn, { calledAt: acts.now, touchedAt: acts.now })
        acts.desk(desk, call.desk)
      }),
  }
  return {
    parts,
    waiting: want.waiting,
    act,
    /** Each round took as many turns as it called, in both places and both ways. */
    async check() {
      const { before: after } = await count()
      return { waiting: after, sound: after === before }
    },
  }
}

/** Runs `work` on all, `most` at once. */
async function inTurn<T>(all: readonly T[], most: number, work: (one: T) => Promise<unknown>): Promise<void> {
  const queue = [...all]
  await Promise.all(
    Array.from({ length: most }, async () => {
      for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one)
    }),
  )
}
