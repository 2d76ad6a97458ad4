import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Config, environment, readConfig } from '#config'
import { type Db, installationOf, openDb, pendingMigrations, startPostgres } from '#db'
import { openJobs } from '#jobs'
import { dayMs, systemClock } from '#kernel/time'
import { type Keys, noteKey, openKeys } from '#keys'
import { openMessages } from '#messages'
import { openPublicLog, type PublicLog, signedHead } from '#publiclog'
import { certificatesIn } from '#signing/authority'
import { witnessPolicy } from '../main.ts'
import { megabytes } from './backup.ts'
import { type Command, none, result, toStderr } from './command.ts'

/** What one look found. `look` is worth a look and stops nothing; `wrong` must be mended. Whatever is not good has a remedy. */
export type Finding = { readonly check: string; readonly state: 'good' | 'look' | 'wrong'; readonly says: string; readonly remedy?: string }

const good = (check: string, says: string): Finding => ({ check, state: 'good', says })
const look = (check: string, says: string, remedy: string): Finding => ({ check, state: 'look', says, remedy })
const wrong = (check: string, says: string, remedy: string): Finding => ({ check, state: 'wrong', says, remedy })
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const silent = { info() {}, warn() {}, error() {} }
/** Below this an operator should act; below a tenth of it writing may fail within hours. */
const fewBytes = 5_000_000_000
/** Jobs due and not begun: more than a busy minute leaves. */
const manyJobs = 5_000
/** How far two clocks may be apart before terms and codes suffer. */
const mostSkewMs = 2_000

function node(): Finding {
  return process.versions.node.startsWith('24.')
    ? good('node', `Node ${process.versions.node}`)
    : wrong(
        'node',
        `Node ${process.versions.node} runs this, not Node 24.`,
        'Start it as bin/ventanilla, which brings its own Node; "npm ci" installs it.',
      )
}

function keysOf(config: Config): { findings: Finding[]; keys: Keys | null } {
  const needed = ['data-0001.key', 'secret.key', 'log.pem', 'witness.pem', 'seal.pem', 'control-public.pem']
  const there = existsSync(config.keys) ? readdirSync(config.keys) : []
  const missing = needed.filter((name) => !there.includes(name))
  if (there.length === 0 && config.mode === 'development' && !existsSync(join(config.data, 'postgres', 'cluster')) && !config.databaseUrl)
    return { findings: [good('keys', `None yet in ${config.keys}: the first start makes them.`)], keys: null }
  // Making new ones here would hide that the old ones are gone, and with them everything that people wrote.
  if (missing.length > 0)
    return {
      findings: [
        wrong(
          'keys',
          `${config.keys} lacks ${missing.join(', ')}.`,
          'Put the keys back from the place where their second copy is kept. New keys open nothing that is stored.',
        ),
      ],
      keys: null,
    }
  const open = there.filter(
    (name) => /\.(key|pem)$/.test(name) && name !== 'control-public.pem' && (statSync(join(config.keys, name)).mode & 0o077) !== 0,
  )
  const findings: Finding[] = []
  if (open.length > 0)
    findings.push(
      wrong(
        'keys',
        `Others than their owner may read ${open.join(', ')} in ${config.keys}.`,
        `Run: chmod 600 ${open.map((name) => join(config.keys, name)).join(' ')}`,
      ),
    )
  try {
    const keys = openKeys(config.keys, config.mode)
    if (findings.length === 0) findings.push(good('keys', `${there.length} files in ${config.keys}. Keep a second copy in another place.`))
    return { findings, keys }
  } catch (error) {
    if (findings.length === 0)
      findings.push(wrong('keys', words(error), 'docs/operating/running.md says what belongs in the folder of the keys.'))
    return { findings, keys: null }
  }
}

/** Whether what the authority signs with goes on for a while. */
function authority(config: Config, now: Date): Finding[] {
  const folder = join(config.keys, 'authority')
  if (!existsSync(folder)) return []
  try {
    const soon = certificatesIn(folder).filter((c) => c.notAfter.getTime() < now.getTime() + 30 * dayMs)
    const remedy = 'Run: bin/ventanilla authority services (docs/operating/authority.md), then start again.'
    return soon.length > 0
      ? soon.map((c) => look('authority', `${c.file} ends on ${c.notAfter.toISOString().slice(0, 10)}.`, remedy))
      : [good('authority', `The certificates in ${folder} hold for a month and more.`)]
  } catch (error) {
    return [wrong('authority', words(error), 'docs/operating/authority.md says what belongs in the folder.')]
  }
}

async function disk(config: Config): Promise<Finding[]> {
  // The first start makes what is missing of the path, if it may.
  let there = config.data
  while (!existsSync(there)) there = dirname(there)
  if (!statSync(there).isDirectory())
    return [wrong('disk', `${there} is a file, and the data folder needs a folder there.`, 'Set VENTANILLA_DATA to another folder.')]
  const { bavail, bsize, blocks } = statfsSync(there)
  const free = bavail * bsize
  const says = `${megabytes(free)} free of ${megabytes(blocks * bsize)} at ${config.data}${there === config.data ? '' : ', which the first start makes'}`
  const remedy = 'Make room or move the data folder to a larger disk (docs/operating/running.md). A full disk stops every filing.'
  const findings = [free < fewBytes / 10 ? wrong('disk', says, remedy) : free < fewBytes ? look('disk', says, remedy) : good('disk', says)]
  await access(there, constants.R_OK | constants.W_OK).catch(() => {
    findings.push(
      wrong(
        'disk',
        `${there} cannot be written by this user.`,
        `Start as the user who owns it, run chown -R <user> ${there}, or set VENTANILLA_DATA to another folder.`,
      ),
    )
  })
  return findings
}

function unfinished(config: Config, now: Date): Finding {
  const folder = join(config.data, 'files', 'unfinished')
  const old = (existsSync(folder) ? readdirSync(folder) : []).filter((name) => {
    const found = statSync(join(folder, name), { throwIfNoEntry: false })
    return found && now.getTime() - found.mtimeMs > 2 * dayMs
  })
  return old.length > 0
    ? look(
        'files',
        `${old.length} uploads that were never finished lie in ${folder} since more than two days.`,
        'The worker sweeps them: is a process with the role worker running?',
      )
    : good('files', 'No upload lies unfinished.')
}

async function database(config: Config): Promise<{ findings: Finding[]; db: Db | null; close(): Promise<void> }> {
  const none = { db: null, close: async () => {} }
  if (!config.databaseUrl && !existsSync(join(config.data, 'postgres', 'cluster')))
    return { ...none, findings: [good('database', 'None yet: the first start makes it.')] }
  let postgres: Awaited<ReturnType<typeof startPostgres>> | null = null
  try {
    postgres = config.databaseUrl ? null : await startPostgres(config.data, toStderr)
    const db = openDb(config.databaseUrl ?? postgres!.url, { max: 2 })
    const close = async () => {
      await db.close()
      await postgres?.stop()
    }
    try {
      const [server] = await db.query<{ number: number; version: string }>(
        `select current_setting('server_version_num')::integer as number, current_setting('server_version') as version`,
      )
      if (server!.number < 150_000)
        return {
          findings: [
            wrong(
              'database',
              `PostgreSQL ${server!.version}; 15 or later is needed.`,
              'Upgrade the server, or give DATABASE_URL of another.',
            ),
          ],
          db: null,
          close,
        }
      const findings = [good('database', `PostgreSQL ${server!.version}${config.databaseUrl ? '' : ', our own'}`)]
      const pending = await pendingMigrations(db)
      findings.push(
        pending.length > 0
          ? look('migrations', `${pending.length} wait: ${pending.join(', ')}`, 'The next start applies them, or: bin/ventanilla migrate')
          : good('migrations', 'None wait.'),
      )
      return { findings, db: pending.length > 0 ? null : db, close }
    } catch (error) {
      return {
        findings: [
          wrong(
            'database',
            words(error),
            config.databaseUrl
              ? 'Is the server running, and is DATABASE_URL right?'
              : `Its log is ${join(config.data, 'postgres', 'server.log')}.`,
          ),
        ],
        db: null,
        close,
      }
    }
  } catch (error) {
    await postgres?.stop()
    return { ...none, findings: [wrong('database', words(error), `Its log is ${join(config.data, 'postgres', 'server.log')}.`)] }
  }
}

async function installation(config: Config, db: Db): Promise<Finding> {
  const found = await installationOf(db)
  if (!found) return good('installation', 'Nothing was started on this database yet.')
  if (found.demo !== config.demo)
    return wrong(
      'installation',
      `The database is ${found.demo ? 'a demonstration' : 'a real one'}, the settings are for ${config.demo ? 'a demonstration' : 'a real one'}.`,
      `Set VENTANILLA_DEMO=${found.demo ? 'on' : 'off'}, or use another data folder.`,
    )
  if (found.logOrigin !== config.logOrigin)
    return wrong(
      'installation',
      `The public log is named ${found.logOrigin} for ever, the settings name it ${config.logOrigin}.`,
      `Set VENTANILLA_LOG_ORIGIN=${found.logOrigin}.`,
    )
  return good('installation', `${found.demo ? 'A demonstration' : 'A real system'}, whose public log is ${found.logOrigin}.`)
}

async function log(config: Config, db: Db, keys: Keys): Promise<Finding> {
  let publiclog: PublicLog
  try {
    publiclog = openPublicLog({
      db,
      keys: { logSigner: noteKey(keys.logSigner) },
      dataFolder: config.data,
      origin: config.logOrigin,
      log: silent,
      ...witnessPolicy(config),
    })
    await publiclog.check()
  } catch (error) {
    if (error instanceof TypeError) return wrong('log', words(error), 'Correct VENTANILLA_WITNESSES: each witness publishes its own key.')
    const behind = error instanceof Error && error.name === 'LogBehind'
    return wrong(
      'log',
      words(error),
      behind
        ? 'Stop every process and run: bin/ventanilla recover'
        : 'The folder <data>/log and the key log.pem must be those of this database.',
    )
  }
  const published = Number((await publiclog.head()).size)
  const signed = (await db.tx(signedHead))?.size ?? 0
  return published < signed
    ? look(
        'log',
        `${signed} entries are signed and ${published} published in ${join(config.data, 'log')}.`,
        'Is a process with the role log running, with this data folder?',
      )
    : good('log', `${published} entries published, as the database knows.`)
}

async function witnesses(config: Config): Promise<Finding[]> {
  return Promise.all(
    config.witnesses.map(async ({ name, url }) => {
      try {
        const began = performance.now()
        // Any answer shows that somebody is there: a witness has no page.
        const answer = await fetch(url, { signal: AbortSignal.timeout(5_000), redirect: 'manual' })
        await answer.body?.cancel()
        return good('witness', `${name} answers within ${Math.round(performance.now() - began)} ms.`)
      } catch (error) {
        return look(
          'witness',
          `${name} at ${url} does not answer: ${words((error as Error).cause ?? error)}`,
          'Without enough witnesses a checkpoint counts as unwitnessed. Tell who runs it, or name another.',
        )
      }
    }),
  )
}

async function jobs(db: Db): Promise<Finding[]> {
  const backlog = await openJobs(db, silent).backlog()
  const waiting = backlog.reduce((sum, b) => sum + b.waiting, 0)
  const dead = backlog.filter((b) => b.dead > 0)
  const list = (all: typeof backlog, of: 'waiting' | 'dead') =>
    all
      .filter((b) => b[of] > 0)
      .map((b) => `${b.name} ${b[of]}`)
      .join(', ')
  return [
    waiting > manyJobs
      ? look('jobs', `${waiting} jobs wait: ${list(backlog, 'waiting')}`, 'Is a process with the role worker running? Start another one.')
      : good('jobs', `${waiting} jobs wait.`),
    ...(dead.length > 0
      ? [
          look(
            'jobs',
            `Jobs were given up: ${list(dead, 'dead')}`,
            'The log of the worker says why each failed. They are kept for 90 days.',
          ),
        ]
      : []),
  ]
}

async function mail(config: Config, db: Db, keys: Keys): Promise<Finding> {
  const nobody = { person: async () => null, letter: async () => null }
  const messages = openMessages({
    db,
    clock: systemClock,
    jobs: openJobs(db, silent),
    people: nobody,
    keys,
    publicUrl: config.publicUrl,
    production: config.mode === 'production',
    smtpUrl: config.smtpUrl,
    smsUrl: config.smsUrl,
    mailFrom: config.mailFrom,
  })
  try {
    const { sent, queued, failed, bounced } = await messages.mailStates()
    const says = `${sent} mails and text messages sent, ${queued} on their way, ${failed} failed, ${bounced} came back.`
    return failed + bounced > 0 && failed + bounced > sent / 20
      ? look(
          'mail',
          says,
          'Is VENTANILLA_SMTP_URL right, and does the mail server take our sender? VENTANILLA_SMS_URL too, where it is set. People read the same in their inbox.',
        )
      : good('mail', config.smtpUrl === null ? `${says} There is no mail server: mail is shown on /dev/mail.` : says)
  } finally {
    messages.close()
  }
}

async function clock(db: Db): Promise<Finding> {
  const began = Date.now()
  const [server] = await db.query<{ ms: number }>(`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`)
  const ended = Date.now()
  // The server read its clock somewhere between the two.
  const skew = server!.ms < began ? began - server!.ms : Math.max(0, server!.ms - ended)
  const zone = Intl.DateTimeFormat('es-MX', { timeZone: 'America/Mexico_City', timeZoneName: 'longOffset' }).format(began)
  if (!/GMT-0?6/.test(zone))
    return wrong(
      'clock',
      `This computer takes Mexico City to be at ${zone}.`,
      'Its time zone data are old or missing: reinstall Node with "npm ci".',
    )
  return skew > mostSkewMs
    ? wrong(
        'clock',
        `This computer and the database are ${Math.round(skew / 100) / 10} s apart.`,
        'Let both follow the same time service (NTP): terms end at midnight, and codes within minutes.',
      )
    : good('clock', `${new Date(began).toISOString()}, as the database says.`)
}

/** Looks at everything and changes nothing. */
export async function examine(read: () => Config, now = new Date()): Promise<Finding[]> {
  const findings = [node()]
  let config: Config
  try {
    config = read()
    findings.push(good('settings', `${config.mode}, roles ${config.roles.join(',')}, data in ${config.data}`))
  } catch (error) {
    return [...findings, wrong('settings', words(error), 'docs/settings.md lists every setting.')]
  }
  const { findings: ofKeys, keys } = keysOf(config)
  findings.push(...ofKeys, ...authority(config, now), ...(await disk(config)), unfinished(config, now))
  const { findings: ofDatabase, db, close } = await database(config)
  findings.push(...ofDatabase)
  try {
    if (db) {
      const about = await installation(config, db)
      findings.push(about, await clock(db), ...(await jobs(db)))
      if (keys) findings.push(await mail(config, db, keys))
      if (keys && about.state === 'good') findings.push(await log(config, db, keys))
    }
    findings.push(...(await witnesses(config)))
  } finally {
    await close()
  }
  return findings
}

const marks = { good: '✔', look: '!', wrong: '✖' }

export const command: Command = {
  about: 'looks at settings, keys, disk, database, log, jobs, mail and clock, and says what to do',
  usage: '[--json]',
  help: 'Changes nothing. ✖ must be mended and makes the exit status 1; ! is worth a look.',
  options: {},
  async run({ positionals, json }) {
    none(positionals)
    const checks = await examine(() => readConfig(environment()))
    const ok = checks.every((c) => c.state !== 'wrong')
    result(
      json,
      { ok, checks },
      checks.map((c) => `${marks[c.state]} ${c.check}: ${c.says}${c.remedy ? `\n    ${c.remedy}` : ''}`).join('\n'),
    )
    return ok ? 0 : 1
  },
}
