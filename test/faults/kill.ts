/**
 * kill -9 at random moments, under load: of any process, and of PostgreSQL. People file and two desks serve over HTTP meanwhile; what was killed is started again at once, as a
 * supervisor would. Afterwards everything that was acknowledged must be there once, each line's numbers without a gap, and every checkpoint that anybody ever saw must be a beginning of
 * the last: the log never forked. The core of `kill.test.ts` (20 kills) and of `bench kill` (200).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TurnReplay } from '#cases/replay'
import type { Example } from '#catalogue'
import { readConfig } from '#config'
import type { OfficeId, PersonId, Reference, ServiceId } from '#kernel/id'
import { parseCheckpoint, verifyLog } from '#publiclog'
import { cleanEnvironment, freePort, systemSettings } from '../../bench/bench.ts'
import { leaveNothingIn } from '../../bench/interrupt.ts'
import { projectFolder } from '../../src/folder.ts'
import { openParts, type Parts } from '../../src/main.ts'
import { makePattern, prepareDrafts } from '../../src/modules/cases/testing-drafts.ts'
import { prepareCrowd, prepareSessions } from '../../src/modules/people/testing-crowd.ts'
import { openFolder, tilesOf } from '../../src/modules/publiclog/folder.ts'
import { consistencyProof, extendsTree } from '../../src/modules/publiclog/merkle.ts'
import { nodesFrom } from '../../src/modules/publiclog/tiles.ts'
import { csrfTokens } from '../../src/platform/web/csrf.ts'

/** What was done and found. `findings` is empty where everything held; `kills` counts by what was killed. */
export type KillResult = {
  readonly ok: boolean
  readonly seed: number
  readonly kills: Readonly<Record<string, number>>
  /** Filings and results of desks that were answered with 303, and how often each kind of request had to be sent again. */
  readonly filed: number
  readonly served: number
  readonly tries: number
  readonly checkpoints: number
  readonly entries: number
  readonly seconds: number
  readonly findings: readonly string[]
}

const base = 'municipal/proof-of-residence'
/** Filing at once, desks at the first line's office, lines. */
const filers = 6
const desks = 2
const lineCount = 6
/** Drafts for each kill: more than can be filed until the next. */
const draftsAKill = 150

/** A generator of numbers in [0, 1) that gives the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Filing = { readonly reference: Reference; readonly cookie: string; readonly csrf: string }
type Desk = { readonly cookie: string; readonly csrf: string }
type Prepared = { readonly filings: Filing[]; readonly desks: Desk[]; readonly office: OfficeId }

/** Kills `count` times. The same seed kills in the same order; when within the work each falls is chance. */
export async function runKills(
  count: number,
  { seed = Date.now() % 1_000_000, progress = (_words: string) => {} } = {},
): Promise<KillResult> {
  const random = seeded(seed)
  const began = performance.now()
  progress(`seed ${seed}`)
  const folder = await mkdtemp(join(tmpdir(), 'vt-kill-'))
  const done = leaveNothingIn(folder)
  const port = await freePort()
  const settings = { ...systemSettings(folder, port), VENTANILLA_LOG_LEVEL: 'fatal' }
  const findings: string[] = []
  // What must not go on running when something throws.
  const ending: (() => Promise<unknown>)[] = []
  try {
    const before = await openParts(readConfig(settings, folder))
    const prepared = await prepare(before, count * draftsAKill)
    await before.close()

    const seen = watchCheckpoints(join(folder, 'log', 'checkpoint'))
    const system = openSystem(settings)
    const load = openLoad(`http://localhost:${port}`, prepared, () => `${system.state()}\n${lastOf(join(folder, 'postgres/server.log'))}`)
    ending.push(async () => seen.stop(), load.stop, system.stop)
    const kills: Record<string, number> = {}
    // Each role in a process of its own first, then all in one.
    for (const [roles, upTo] of [
      [['web', 'worker', 'log'], Math.ceil(count / 2)],
      [['web,worker,log'], count],
    ] as const) {
      system.run(roles)
      await load.goesOn(60_000)
      while (Object.values(kills).reduce((a, b) => a + b, 0) < upTo) {
        // Most of the time while all is well; sometimes while it is still coming back.
        if (random() < 0.75) await load.goesOn(60_000)
        await sleep(random() * 700)
        const victim = random() < 0.35 ? 'postgres' : roles[Math.floor(random() * roles.length)]!
        if (victim === 'postgres' ? killPostmaster(folder) : system.kill(victim)) kills[victim] = (kills[victim] ?? 0) + 1
      }
      await load.goesOn(60_000)
      progress(`${roles.length} processes: ${JSON.stringify(kills)}, ${load.filed.length} filed, ${load.served.size} served`)
      if (roles.length > 1) await system.stop()
    }
    await load.stop()
    findings.push(...(await system.stop()))
    const checkpoints = seen.stop()

    const after = await openParts(readConfig(settings, folder))
    let entries = 0
    try {
      await after.publiclog.publishNow()
      const replay = new TurnReplay()
      const log = await verifyLog(folder, { key: after.publiclog.vkey, onEntry: (e) => replay.read(e.index, e.bytes) })
      const turns = replay.finish()
      entries = log.size ?? 0
      findings.push(...log.findings.map((f) => `the log: ${f.kind} at ${f.index}: ${f.detail}`))
      findings.push(...turns.findings.map((f) => `the turns: ${f.kind} in ${f.line} at ${f.n}: ${f.detail}`))
      findings.push(...(await forks(folder, checkpoints)))
      findings.push(...(await missing(after, load.filed, load.served)))
    } finally {
      await after.close()
    }
    return {
      ok: findings.length === 0,
      seed,
      kills,
      filed: load.filed.length,
      served: load.served.size,
      tries: load.tries(),
      checkpoints: checkpoints.size,
      entries,
      seconds: Math.round((performance.now() - began) / 100) / 10,
      findings,
    }
  } finally {
    for (const end of ending) await end()
    done()
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
}

/** People with complete drafts spread over some lines, and two officials at the office of the first. */
async function prepare(parts: Parts, count: number): Promise<Prepared> {
  const { db, catalogue, people, cases } = parts
  const tokens = csrfTokens(parts.keys.secret('web/csrf'))
  const now = parts.clock.now()
  const towns = catalogue.places.states
    .flatMap((s) => catalogue.places.municipalities(s.code))
    .toSorted((a, b) => b.population - a.population)
    .slice(0, lineCount)
  const services = towns.map((t) => `${base}@${t.code}` as ServiceId)
  const office = catalogue.officeFor(catalogue.get(services[0]!)!)
  const [model, ...crowd] = await prepareCrowd(db, 1 + desks + count, 0, now)
  const examples = JSON.parse(readFileSync(join(projectFolder, 'services', base, 'examples.json'), 'utf8')) as Example[]
  const form = Object.fromEntries(
    Object.entries(examples[0]!.answers).map(([k, v]) => [k, v === true ? 'yes' : v === false ? 'no' : String(v)]),
  )
  const pattern = await makePattern(cases, { person: model!.person, session: 'kill', language: 'es', grants: [] }, services[0]!, form)
  const officials = crowd.splice(0, desks).map((p) => p.person)
  for (const person of officials) await db.tx((tx) => people.giveRole(tx, null, person, { role: 'official', office }))
  const all = crowd.map(({ person }, i) => ({ person, service: services[i % lineCount]! }))
  const references = await prepareDrafts(cases, pattern, all)
  const signIn = async (persons: readonly PersonId[]) =>
    (await prepareSessions(db, persons, now)).map(({ token, session }) => ({
      cookie: `session=${token}`,
      csrf: tokens.make(`s:${session}`),
    }))
  const sessions = await signIn(all.map((a) => a.person))
  return { office, desks: await signIn(officials), filings: references.map((reference, i) => ({ reference, ...sessions[i]! })) }
}

/** The processes, each started again when it ends, until `stop`. */
function openSystem(settings: Record<string, string>) {
  let wanted: readonly string[] = []
  const running = new Map<string, ChildProcess>()
  /** The last words of each, for who must find out why nothing goes on. */
  const words = new Map<string, string>()
  const faults: string[] = []
  function start(roles: string): void {
    if (!wanted.includes(roles)) return
    const child = spawn(process.execPath, [join(projectFolder, 'src/cli.ts'), 'start'], {
      cwd: projectFolder,
      env: { ...cleanEnvironment(), ...settings, VENTANILLA_ROLES: roles },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2_000)
      words.set(roles, said)
    })
    running.set(roles, child)
    child.once('exit', (code) => {
      running.delete(roles)
      // A start may find no database while that is being killed; that it would fork the log, it must never find.
      if (/fork the public log|differ/.test(said)) faults.push(`${roles} refused to start: ${said}`)
      setTimeout(() => start(roles), code === null ? 0 : 200)
    })
  }
  return {
    run(roles: readonly string[]): void {
      wanted = roles
      for (const one of roles) start(one)
    },
    /** Who runs, and what each said last. */
    state: () =>
      wanted.map((roles) => `${roles} (${running.get(roles)?.pid ?? 'not running'}): ${words.get(roles) ?? 'said nothing'}`).join('\n'),
    kill(roles: string): boolean {
      return running.get(roles)?.kill('SIGKILL') ?? false
    },
    /** Ends all as an operator does, and says what was wrong with that or before. */
    async stop(): Promise<string[]> {
      wanted = []
      await Promise.all(
        [...running].map(async ([roles, child]) => {
          const ended = new Promise<number | null>((done) => child.once('exit', done))
          child.kill('SIGTERM')
          const code = await Promise.race([ended, sleep(25_000, 'late' as const, { ref: false })])
          if (code !== 'late') return
          child.kill('SIGKILL')
          faults.push(`${roles} did not end within 25 s of SIGTERM.`)
        }),
      )
      return faults
    },
  }
}

/** The end of a file. */
function lastOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-3_000)
  } catch {
    return `There is no ${file}.`
  }
}

function killPostmaster(folder: string): boolean {
  try {
    process.kill(Number(readFileSync(join(folder, 'postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL')
    return true
  } catch {
    return false
  }
}

/** Filings and desks, over HTTP, until stopped. What gets no answer, or 5xx, is sent again. */
function openLoad(url: string, { filings, desks: sittings, office }: Prepared, state: () => string) {
  const filed: Reference[] = []
  const served = new Map<string, 'review' | 'decide'>()
  let tries = 0
  let stopping = false
  let next = 0
  const refused: string[] = []
  // What the newest requests met, for who must find out why nothing goes on.
  const last: string[] = []
  const met = (path: string, what: unknown) => {
    last.push(`${path.replace(/[\w-]{9,}/g, '…')} ${what}`)
    if (last.length > 12) last.shift()
  }

  async function ask(
    path: string,
    who: { cookie: string; csrf: string },
    form?: Record<string, string>,
  ): Promise<{ status: number; location: string; text: string } | null> {
    tries++
    try {
      const answer = await fetch(url + path, {
        redirect: 'manual',
        signal: AbortSignal.timeout(20_000),
        headers: {
          cookie: who.cookie,
          accept: 'text/html',
          ...(form ? { origin: url, 'content-type': 'application/x-www-form-urlencoded' } : {}),
        },
        ...(form ? { method: 'POST', body: new URLSearchParams({ _csrf: who.csrf, ...form }) } : {}),
      })
      const text = await answer.text()
      met(path, answer.status)
      return answer.status >= 500 ? null : { status: answer.status, location: answer.headers.get('location') ?? '', text }
    } catch (error) {
      met(path, (error as Error).cause ?? error)
      return null
    }
  }

  async function file(): Promise<void> {
    while (!stopping && next < filings.length) {
      const one = filings[next++]!
      while (!stopping) {
        const answer = await ask(`/cases/${one.reference}/submit`, one, {})
        if (answer?.status === 303 && answer.location.endsWith('/receipt')) {
          filed.push(one.reference)
          break
        }
        if (answer) {
          refused.push(`${answer.status} ${answer.location}`)
          break
        }
        await sleep(150)
      }
      await sleep(40)
    }
  }

  async function serve(desk: Desk): Promise<void> {
    while (!stopping) {
      const page = await ask(`/desk/${office}`, desk)
      const found = page && /\/desk\/[^"]+\/turns\/([\w-]{22})\/(review|decide)"/.exec(page.text)
      if (!page) await sleep(150)
      else if (!found) {
        await ask(`/desk/${office}/on`, desk, {})
        await ask(`/desk/${office}/next`, desk, {})
        await sleep(50)
      } else {
        const [, turn, act] = found as unknown as [string, string, 'review' | 'decide']
        const answer = await ask(
          `/desk/${office}/turns/${turn}/${act}`,
          desk,
          act === 'review' ? { result: 'ok', note: '' } : { stage: 'confirm', result: 'granted', note: '' },
        )
        if (answer?.status === 303 && answer.location.endsWith('done=ok')) served.set(turn, act)
        await sleep(30)
      }
    }
  }

  const all = Promise.all([...Array.from({ length: filers }, () => file()), ...sittings.map((d) => serve(d))])
  return {
    filed,
    served,
    tries: () => tries,
    /** Waits until something more was acknowledged: the system is up again. */
    async goesOn(withinMs: number): Promise<void> {
      const [files, serves, until] = [filed.length, served.size, Date.now() + withinMs]
      while (filed.length < files + 3 && served.size < serves + 3) {
        if (refused.length > 0) throw new Error(`Refused: ${[...new Set(refused)].join(', ')}`)
        if (Date.now() > until)
          throw new Error(`Nothing was acknowledged for ${withinMs / 1000} s; the last answers: ${last.join(', ')}\n${state()}`)
        await sleep(20)
      }
    },
    async stop(): Promise<void> {
      stopping = true
      await all
    },
  }
}

/** Keeps every checkpoint that could be read, by size; two roots for one size both. */
function watchCheckpoints(file: string) {
  const seen = new Map<string, { size: number; root: Buffer }>()
  let text = ''
  const timer = setInterval(() => {
    try {
      const now = readFileSync(file, 'utf8')
      if (now === text) return
      text = now
      const c = parseCheckpoint(now)
      if (c) seen.set(`${c.size} ${c.root.toString('hex')}`, { size: c.size, root: c.root })
    } catch {
      // Before the first publication there is none.
    }
  }, 20)
  return {
    stop: () => {
      clearInterval(timer)
      return seen
    },
  }
}

/** Checkpoints that were seen and are no beginning of the last. */
export async function forks(folder: string, seen: ReadonlyMap<string, { size: number; root: Buffer }>): Promise<string[]> {
  const { read } = openFolder(join(folder, 'log'))
  const last = parseCheckpoint((await read('checkpoint'))!)!
  const found: string[] = []
  for (const { size, root } of seen.values()) {
    const proof = size <= last.size && size > 0 ? await consistencyProof(size, last.size, nodesFrom(tilesOf(read), last.size)) : []
    if (size > last.size || (size > 0 && !extendsTree(size, root, last.size, last.root, proof)))
      found.push(`a fork: the checkpoint of ${size} is no beginning of the last, ${last.size}`)
  }
  return found
}

/** What was acknowledged and is not there exactly once. */
export async function missing(
  { db, jobs }: Pick<Parts, 'db' | 'jobs'>,
  filed: readonly Reference[],
  served: ReadonlyMap<string, string>,
): Promise<string[]> {
  const bad = await db.query<{ reference: string; state: string | null; events: string; turns: string; entries: string }>(
    `select w.reference, c.state,
       (select count(*) from cases_event e where e.place = c.place and e.case_id = c.id and e.kind = 'submitted') as events,
       (select count(*) from cases_turn t where t.place = c.place and t.case_id = c.id) as turns, 0 as entries
     from unnest($1::text[]) as w (reference) left join cases_reference r using (reference) left join cases_case c on c.place = r.place and c.id = r.id
     where c.state is null or c.state = 'draft' or (select count(*) from cases_event e where e.place = c.place and e.case_id = c.id and e.kind = 'submitted') <> 1
       or (select count(distinct step) from cases_turn t where t.place = c.place and t.case_id = c.id) <> (select count(*) from cases_turn t where t.place = c.place and t.case_id = c.id)
       or not exists (select from cases_turn t where t.place = c.place and t.case_id = c.id) limit 20`,
    [filed],
  )
  const found = bad.map((b) => `lost or doubled: the filing ${b.reference} is ${b.state}, ${b.events} events, ${b.turns} turns`)
  const turns = await db.query<{ turn: string; act: string; state: string | null; decisions: string }>(
    `select w.turn, w.act, t.state, (select count(*) from cases_decision d where d.turn = w.turn) as decisions
     from unnest($1::text[], $2::text[]) as w (turn, act) left join cases_turn t using (turn)
     where t.state is distinct from 'finished' or (w.act = 'decide' and (select count(*) from cases_decision d where d.turn = w.turn) <> 1) limit 20`,
    [[...served.keys()], [...served.values()]],
  )
  found.push(...turns.map((t) => `lost or doubled: the turn ${t.turn} (${t.act}) is ${t.state} with ${t.decisions} decisions`))
  const dead = (await jobs.backlog()).filter((b) => b.dead > 0)
  found.push(...dead.map((b) => `${b.dead} jobs ${b.name} are dead`))
  return found
}
