/**
 * `bench intake`: how many people a second press *submit* on the review page of a complete draft and get their receipt's address (303), durable, each with
 * its case event, turn, two entries of the public log and two jobs, over 64 connections, the log being sequenced and published meanwhile. The reference is
 * `pgbench -M prepared -c 64` on the same server: a script of the same rows, one transaction each, in a database of the same tables.
 *
 * Afterwards every acknowledged submission must stand in the database once and whole, the log must verify, and its turns must replay clean.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TurnReplay } from '#cases/replay'
import { readConfig } from '#config'
import { migrate, openDb } from '#db'
import { openJobs } from '#jobs'
import { verifyLog } from '#publiclog'
import { openParts, type Parts } from '../src/main.ts'
import { countSubmitted } from '../src/modules/cases/testing-drafts.ts'
import { prepareSessions } from '../src/modules/people/testing-crowd.ts'
import { csrfTokens } from '../src/platform/web/csrf.ts'
import {
  type Bench,
  BenchError,
  type BenchResult,
  cleanEnvironment,
  type Extent,
  freePort,
  inFolder,
  isMeasurement,
  load,
  median,
  ratioOf,
  startSystem,
  systemSettings,
} from './bench.ts'
import { base, type Draft, largestTowns, openDrafts } from './drafts.ts'

const connections = 64
const lines = 1000

export const bench: Bench = (extent, progress) => inFolder((folder) => inSystem(folder, extent, progress))

type Side = { posts: number[]; pgbench: number[]; p99: number[] }

async function inSystem(folder: string, extent: Extent, progress: (words: string) => void): Promise<BenchResult> {
  const pgbench = findPgbench()
  const port = await freePort()
  const config = readConfig({ ...systemSettings(folder, port) }, folder)
  // The bench's own hand on the same system: it prepares and checks, and is idle while anything is measured.
  const parts = await openParts(config)
  try {
    // As many of both, so that the rounds are alike; a whole number for each connection.
    const many = Math.ceil((2_500 * extent.seconds) / connections) * connections
    const few = Math.ceil(many / 2 / connections) * connections
    const rounds = extent.rounds + 1
    progress(`Preparing ${rounds * (many + few)} drafts.`)
    const services = largestTowns(parts, lines)
    const { make: draftsFor } = openDrafts(parts)
    // A line opens with its first turn: that is the office's beginning and not everyday's work.
    const openers = await draftsFor(lines, (i) => services[i]!)
    for (let i = 0; i < openers.length; i += 100) await Promise.all(openers.slice(i, i + 100).map((d) => parts.cases.submit(d)))
    const spread = await draftsFor(rounds * many, (i) => services[i % lines]!)
    const single = await draftsFor(rounds * few, () => services[0]!)

    progress('Preparing the reference.')
    const reference = await openReference(parts, folder, pgbench, rounds * (many + few) + connections)
    await parts.db.query('vacuum analyze')
    await parts.db.query('checkpoint')

    const acknowledged = openers.map((d) => d.reference)
    const system = await startSystem(folder, port, { settings: { VENTANILLA_ROLES: 'web,log' }, profile: extent.profile })
    const measured: Record<'spread' | 'single', Side> = {
      spread: { posts: [], pgbench: [], p99: [] },
      single: { posts: [], pgbench: [], p99: [] },
    }
    try {
      for (let round = 0; round < rounds; round++) {
        for (const [name, drafts, count, lineCount] of [
          ['spread', spread, many, lines],
          ['single', single, few, 1],
        ] as const) {
          const theirs = await reference.run(count, lineCount)
          const part = drafts.slice(round * count, (round + 1) * count)
          const requests = join(folder, 'requests')
          await writeFile(requests, await requestsOf(parts, port, part))
          const l = await load({ port, connections, status: 303, requests })
          if (l.right !== part.length || Object.keys(l.wrong).length > 0)
            throw new Error(`Answers that were not expected: ${JSON.stringify(l.wrong)}`)
          acknowledged.push(...part.map((d) => d.reference))
          if (round > 0) {
            measured[name].posts.push(Math.round(l.perSecond))
            measured[name].pgbench.push(Math.round(theirs))
            measured[name].p99.push(l.p99)
          }
          progress(
            `round ${round}, ${lineCount} line${lineCount > 1 ? 's' : ''}: ${Math.round(l.perSecond)}/s, p99 ${l.p99} ms; pgbench ${Math.round(theirs)}/s${round ? '' : ' (not counted)'}`,
          )
        }
      }
    } finally {
      await system.stop()
      await reference.close()
    }

    progress('Checking what was stored and published.')
    await parts.publiclog.publishNow()
    const { submitted, whole } = await countSubmitted(parts.cases, acknowledged)
    const waiting = Object.fromEntries((await parts.jobs.backlog()).map((b) => [b.name, b.waiting]))
    const replay = new TurnReplay()
    const log = await verifyLog(folder, { key: parts.publiclog.vkey, onEntry: (e) => replay.read(e.index, e.bytes) })
    const turns = replay.finish()
    const checks = {
      acknowledged: acknowledged.length,
      storedOnceAndWhole: whole,
      jobs: waiting,
      log: log.ok,
      turns: turns.ok && turns.lines === lines,
    }
    const sound =
      submitted === acknowledged.length &&
      whole === acknowledged.length &&
      waiting['cases/tell'] === acknowledged.length &&
      waiting['cases/attach-proof'] === acknowledged.length &&
      log.ok &&
      checks.turns
    const summary = (side: Side) => ({
      value: median(side.posts),
      reference: median(side.pgbench),
      ratio: ratioOf(median(side.posts), median(side.pgbench)),
      p99Ms: median(side.p99),
      rounds: { posts: side.posts, pgbench: side.pgbench },
    })
    const main = summary(measured.spread)
    return {
      bench: 'intake',
      value: main.value,
      unit: 'submissions/s',
      better: 'higher',
      reference: main.reference,
      ratio: main.ratio,
      reach:
        'ratio >= 0.5 on 1,000 lines, and every acknowledged submission is stored once and whole, the log verifies and its turns replay clean',
      ok: sound && main.ratio >= 0.5,
      more: {
        measurement: isMeasurement(extent),
        connections,
        lines,
        p99Ms: main.p99Ms,
        rounds: main.rounds,
        oneLine: summary(measured.single),
        checks,
      },
    }
  } finally {
    await parts.close()
  }
}

/** Signs these people in and writes what their browsers send when they press the button. */
async function requestsOf(parts: Parts, port: number, drafts: readonly Draft[]): Promise<string> {
  const tokens = csrfTokens(parts.keys.secret('web/csrf'))
  const sessions = await prepareSessions(
    parts.db,
    drafts.map((d) => d.person),
    parts.clock.now(),
  )
  const host = `localhost:${port}`
  return drafts
    .map(({ reference }, i) => {
      const { token, session } = sessions[i]!
      const body = `_csrf=${tokens.make(`s:${session}`)}`
      return JSON.stringify(
        [
          `POST /cases/${reference}/submit HTTP/1.1`,
          `host: ${host}`,
          'user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
          'accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
          'accept-language: es-MX,es;q=0.8,en-US;q=0.5,en;q=0.3',
          'accept-encoding: gzip, deflate, br',
          'content-type: application/x-www-form-urlencoded',
          `content-length: ${body.length}`,
          `origin: http://${host}`,
          `referer: http://${host}/cases/${reference}/review`,
          `cookie: session=${token}`,
          'sec-fetch-dest: document',
          'sec-fetch-mode: navigate',
          'sec-fetch-site: same-origin',
          '',
          body,
        ].join('\r\n'),
      )
    })
    .join('\n')
}

function findPgbench(): string {
  const folder = '/usr/lib/postgresql'
  const versions = existsSync(folder) ? readdirSync(folder).toSorted((a, b) => Number(b) - Number(a)) : []
  const found = versions.map((v) => join(folder, v, 'bin/pgbench')).find((file) => existsSync(file))
  if (!found) throw new BenchError('The reference needs pgbench. Install it with: apt-get install postgresql-15')
  return found
}

type ReferenceRun = { run(count: number, lines: number): Promise<number>; close(): Promise<void> }

/** A database of the same tables on the same server, with drafts of the same size, and a script that writes what one submission writes. */
async function openReference(parts: Parts, folder: string, pgbench: string, drafts: number): Promise<ReferenceRun> {
  const [{ url }] = (await parts.db.query<{ url: string }>(`select current_setting('unix_socket_directories') as url`)) as [{ url: string }]
  const [{ port, user }] = (await parts.db.query<{ port: string; user: string }>(
    `select current_setting('port') as port, current_user as user`,
  )) as [{ port: string; user: string }]
  await parts.db.query('create database bench_reference')
  const db = openDb(`postgresql://${user}@/bench_reference?host=${encodeURIComponent(url)}&port=${port}`, { max: 2 })
  try {
    await migrate(db)
    const jobs = openJobs(db, { info() {}, warn() {}, error() {} })
    for (const name of ['cases/tell', 'cases/attach-proof']) jobs.handle(name, async () => {})
    // The queues come to be with the first job.
    await jobs.addAll(db, [{ name: 'cases/tell', data: {} }])
    const [sizes] = (await parts.db.query<{ key: number; answers: number; steps: string; opening: number; sealed: number }>(
      `select octet_length(c.key) as key, octet_length(c.answers) as answers, c.steps::text as steps, octet_length(t.opening) as opening, octet_length(e.sealed) as sealed
        from cases_case c join cases_turn t on t.place = c.place and t.case_id = c.id join cases_event e on e.place = c.place and e.case_id = c.id limit 1`,
    )) as [{ key: number; answers: number; steps: string; opening: number; sealed: number }]
    const pending = await parts.db.query<{ bytes: Buffer }>('select bytes from publiclog_pending order by id desc limit 2')
    await db.query(
      `insert into cases_case (place, id, reference, pseudonym, service, office, applicant, state, channel, definition, key, answers, complete_for, filing, matter, class, created_at, saved_at)
        select lpad((n % ${lines})::text, 5, '0'), ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'R' || n, left(md5(n::text), 22), '${base}@' || lpad((n % ${lines})::text, 5, '0'),
          'mun-' || lpad((n % ${lines})::text, 5, '0'), gen_random_uuid(), 'draft', 'web', repeat('a', 64), decode(repeat('ab', ${sizes.key}), 'hex'), decode(repeat('cd', ${sizes.answers}), 'hex'),
          repeat('a', 64), repeat('f', 43), md5('m' || n) || 'matter-mat', 'general', now(), now()
        from generate_series(0, ${drafts - 1}) n`,
    )
    await db.query(
      `insert into cases_timer (place, case_id, kind, key, due) select place, id, 'draft', '', now() + interval '30 days' from cases_case`,
    )
    await db.query(
      `insert into cases_line (place, id, office, covers, rule, presence, quiet, n, at)
        select lpad(n::text, 5, '0'), 'mun-' || lpad(n::text, 5, '0') || '/general', 'mun-' || lpad(n::text, 5, '0'), covers, rule, presence, quiet, 1, at
        from generate_series(0, ${lines - 1}) n, (select * from cases_line_like) l`.replace(
        '(select * from cases_line_like)',
        `(select array(select 'municipal/service-' || g || '/step' from generate_series(1, 9) g) as covers, '{"kind":"shared","priority":1,"of":3}'::jsonb as rule, false as presence, false as quiet, '2026-11-24T10:00Z' as at)`,
      ),
    )
    await db.query('vacuum analyze')
    const script = join(folder, 'reference.sql')
    await writeFile(
      script,
      scriptOf(
        sizes,
        pending.map((p) => p.bytes),
      ),
    )
    let used = 0
    return {
      async run(count, lineCount) {
        const each = count / connections
        const out = await output(pgbench, [
          ...['-n', '-M', 'prepared', '-c', String(connections), '-j', '2', '-t', String(each), '-f', script],
          ...['-D', `first=${used}`, '-D', `each=${each}`, '-D', `lines=${lineCount}`, '-D', 'i=-1'],
          ...['-h', url, '-p', port, '-U', user, 'bench_reference'],
        ])
        used += count
        const tps = Number(/tps = ([\d.]+) \(without/.exec(out)?.[1])
        if (!(tps > 0) || /failed transactions: [1-9]/.test(out)) throw new Error(`pgbench said:\n${out}`)
        return tps
      },
      close: () => db.close(),
    }
  } catch (error) {
    await db.close()
    throw error
  }
}

/** The rows of one submission, a statement for each table, keys of the same kind and values of the same size; nothing is read. */
function scriptOf(size: { steps: string; opening: number; sealed: number }, entries: readonly Buffer[]): string {
  const box = (bytes: number) => `decode('${'ab'.repeat(bytes)}', 'hex')`
  const entry = (i: number) => `'\\x${entries[i % entries.length]!.toString('hex')}'`
  const place = `lpad((:n::bigint % :lines)::text, 5, '0')`
  // Cases lie at their own place, whatever the number of lines.
  const home = `lpad((:n::bigint % ${lines})::text, 5, '0')`
  const id = `('00000000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid`
  const random = `left(md5('t' || :n::bigint), 22)`
  return [
    '\\set i :i + 1',
    '\\set n :first + :client_id * :each + :i',
    'begin;',
    `update cases_case set state = 'open', steps = '${size.steps.replaceAll("'", "''")}', submitted_at = now(), filed_on = now(), due_on = now(), ask_by = now(), events = 1, channel = 'web' where place = ${home} and id = ${id};`,
    `insert into people_use (subject, id, at, actor, office, case_reference, key_id, purpose) values (gen_random_uuid(), gen_random_uuid(), now(), gen_random_uuid(), null, 'K7QP-2M4XD', gen_random_uuid()::text, 'file');`,
    `insert into cases_turn (place, line, turn, class, at_place, state, case_id, step, applicant, matter, taken_at, opening) values (${place}, 'mun-' || ${place} || '/general', ${random}, 'general', :n::bigint, 'waiting', ${id}, 'decision', gen_random_uuid(), md5('m' || :n::bigint) || 'matter-mat', now(), ${box(size.opening)});`,
    `delete from cases_timer where place = ${home} and case_id = ${id} and kind = 'draft';`,
    `insert into cases_timer (place, case_id, kind, key, due) values (${home}, ${id}, 'silence', '', now() + interval '15 days');`,
    `insert into pgboss.job (name, data) values ('cases/tell', '{"kind":"taken","place":"15106","caseId":"00000000-0000-7000-8000-000000000000","turn":"AAAAAAAAAAAAAAAAAAAAAA","line":"mun-15106/general","n":1}'), ('cases/attach-proof', '{"place":"15106","caseId":"00000000-0000-7000-8000-000000000000"}');`,
    `update cases_line set n = n + 1, at = '2026-11-24T10:01Z', living = living + 1 where place = ${place} and id = 'mun-' || ${place} || '/general';`,
    `insert into publiclog_pending (bytes) values (${entry(0)}), (${entry(1)});`,
    `insert into cases_event (place, case_id, seq, at, kind, turn, data, sealed, entries) values (${home}, ${id}, 1, now(), 'submitted', ${random}, '{"channel":"web"}', ${box(size.sealed)}, array[:n::bigint, :n::bigint + 1]);`,
    'commit;',
    '',
  ].join('\n')
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      out = (out + chunk.toString()).slice(-10_000)
    })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${out}`)
  return out
}
