/** Opens the parts, hands each what it needs, and starts those that this process is for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cases, nowAt, openCases, registerCases, waitOf } from '#cases'
import { type Catalogue, openCatalogue } from '#catalogue'
import { type Config, ConfigError } from '#config'
import { type Db, migrate, openDb, settleInstallation, startPostgres } from '#db'
import { type Federation, type OutsideProvider, openFederation, outsideUrl } from '#federation'
import { type Files, openFiles } from '#files'
import { type Insight, openInsight } from '#insight'
import { type Jobs, openJobs } from '#jobs'
import { type Clock, systemClock } from '#kernel/time'
import { type Keys, noteKey, openKeys } from '#keys'
import { assetFolder, type MapShapes } from '#look'
import { type Mandates, openMandates } from '#mandates'
import { type Messages, openMessages } from '#messages'
import { openPeople, type People } from '#people'
import { openPublicLog, type PublicLog, parseVkey } from '#publiclog'
import {
  AuthorityError,
  type AuthorityFolder,
  authorityPaths,
  joinTrust,
  openAuthorityFolder,
  openSigning,
  readTrustFolder,
  type Signing,
  type TrustFolder,
} from '#signing'
import { openTelemetry, type Telemetry } from '#telemetry'
import { openVoice, type Voice } from '#voice'
import { openWeb, type Web } from '#web'
import { projectFolder } from './folder.ts'
import { openInformation } from './modules/information/index.ts'

/** Every part, opened and not yet started. */
export type Parts = {
  readonly config: Config
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly db: Db
  readonly jobs: Jobs
  readonly keys: Keys
  readonly files: Files
  readonly publiclog: PublicLog
  readonly people: People
  readonly federation: Federation
  readonly catalogue: Catalogue
  readonly messages: Messages
  readonly signing: Signing
  readonly mandates: Mandates
  readonly cases: Cases
  readonly voice: Voice
  readonly insight: Insight
  /** Closes what was opened, in the opposite order. */
  close(): Promise<void>
}

/**
 * Opens every part on a database that is migrated here. Refuses with the errors of the parts; what was opened is closed again. `behind`: also on a database that
 * is older than the published log, which only `recover` may be.
 */
export async function openParts(config: Config, clock: Clock = systemClock, { behind = false } = {}): Promise<Parts> {
  const closing: (() => Promise<unknown> | unknown)[] = []
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one()
  }
  try {
    // Numbers that name a person, as Mexico writes them.
    const telemetry = openTelemetry({
      logLevel: config.logLevel,
      personal: [/[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d/i, /[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3}/i],
    })
    const { log } = telemetry
    const postgres = config.databaseUrl ? null : await startPostgres(config.data, log)
    if (postgres) closing.push(() => postgres.stop())
    const db = openDb(config.databaseUrl ?? postgres!.url, { max: config.databaseConnections })
    closing.push(() => db.close())
    await migrate(db)
    await settleInstallation(db, { demo: config.demo, logOrigin: config.logOrigin }, clock.now())
    const keys = openKeys(config.keys, config.mode)
    const files = openFiles(config.data)
    const jobs = openJobs(db, log)
    const publiclog = openPublicLog({
      db,
      keys: { logSigner: noteKey(keys.logSigner), witnessSigner: noteKey(keys.witnessSigner) },
      dataFolder: config.data,
      origin: config.logOrigin,
      clock,
      log,
      witnessOf: config.witnessOf.map(witnessed),
      ...witnessPolicy(config),
    })
    if (!behind) await publiclog.check()
    const { publicUrl } = config
    // The catalogue is opened after people, who need only a name of it.
    let catalogue: Catalogue | null = null
    const outside = outsideProvider(config)
    const people = openPeople({
      db,
      clock,
      jobs,
      keys,
      publicUrl,
      outside: outside && { name: outside.name, url: outsideUrl },
      devMail: (config.smtpUrl === null || config.smsUrl === null) && config.mode === 'development',
      // Numbers are an address where what is sent to them arrives, or is shown.
      phones: config.smsUrl !== null || config.mode === 'development',
      officeName: (office, language) => catalogue?.office(office)?.name(language) ?? null,
      production: config.mode === 'production',
    })
    const federation = openFederation({ db, clock, jobs, keys, people, publicUrl, production: config.mode === 'production', log, outside })
    const messages = openMessages({
      db,
      clock,
      jobs,
      people,
      keys,
      publicUrl,
      production: config.mode === 'production',
      smtpUrl: config.smtpUrl,
      smsUrl: config.smsUrl,
      mailFrom: config.mailFrom,
    })
    closing.push(() => messages.close())
    catalogue = await openCatalogue({ db, clock, reference: join(projectFolder, 'reference'), publiclog, log })
    const loaded = await catalogue.load(join(projectFolder, 'services'))
    for (const fault of loaded.faults) log.warn({ fault }, 'a definition is left out')
    const signing = openSigning({
      keys,
      clock,
      db,
      publiclog,
      people,
      jobs,
      trust: await readTrust(config),
      authority: await readAuthority(config, clock.now()),
      publicUrl,
      demo: config.demo,
    })
    const mandates = openMandates({ db, clock, keys, people, signing, catalogue, jobs, publicUrl, demo: config.demo })
    const cases = openCases({
      db,
      clock,
      jobs,
      keys,
      files,
      publiclog,
      people,
      catalogue,
      messages,
      signing,
      mandates,
      demo: config.demo,
      publicUrl,
    })
    people.personalData.concerns([messages.personal, federation.personal, signing.personal, mandates.personal, cases.personal])
    const voice = openVoice({ db, clock, keys, catalogue, cases, demo: config.demo })
    const insight = openInsight({
      voice,
      left: cases.left,
      db,
      clock,
      jobs,
      publiclog,
      catalogue,
      shapes: readShapes(),
      publicUrl,
      demo: config.demo,
    })
    return {
      config,
      clock,
      telemetry,
      db,
      jobs,
      keys,
      files,
      publiclog,
      people,
      federation,
      catalogue,
      messages,
      signing,
      mandates,
      cases,
      voice,
      insight,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Who may vouch for signers: what the project ships, in a demonstration also a certificate that anybody may sign with, and the operator's own. Refuses a folder that cannot be read. */
async function readTrust(config: Pick<Config, 'demo' | 'trust'>): Promise<TrustFolder> {
  const shipped = ['trust', ...(config.demo ? ['trust-demo'] : [])].map((name) => join(projectFolder, 'reference', name))
  try {
    return joinTrust(await Promise.all([...shipped, ...(config.trust === null ? [] : [config.trust])].map(readTrustFolder)))
  } catch (error) {
    throw new ConfigError(`The certificates of authorities could not be read: ${(error as Error).message}`)
  }
}

/** The authority of our own, in the folder `authority` of the keys: made in development, given in production or not there. Refuses one that cannot be used. */
async function readAuthority(config: Pick<Config, 'keys' | 'mode' | 'demo' | 'publicUrl'>, now: Date): Promise<AuthorityFolder | null> {
  const { mode, demo, publicUrl } = config
  const at = (path: string) => `${publicUrl}${path}`
  try {
    return await openAuthorityFolder(join(config.keys, 'authority'), {
      mode,
      names: { organization: new URL(publicUrl).host, demo },
      addresses: { ocsp: at(authorityPaths.ocsp), list: at(authorityPaths.list), issuer: at(authorityPaths.issuer) },
      now,
    })
  } catch (error) {
    if (error instanceof AuthorityError) throw new ConfigError(error.message)
    throw error
  }
}

/** The provider that the settings name, with its secret read; null when they name none. Refuses a file that cannot be read. */
function outsideProvider(config: Config): OutsideProvider | null {
  const { oidcIssuer: issuer, oidcClientSecretFile: file } = config
  if (issuer === null) return null
  try {
    const clientSecret = file === null ? config.oidcClientSecret : readFileSync(file, 'utf8').trim()
    return { issuer, clientId: config.oidcClientId!, clientSecret, name: config.oidcName!, levels: Object.fromEntries(config.oidcLevels) }
  } catch (error) {
    throw new ConfigError(`VENTANILLA_OIDC_CLIENT_SECRET_FILE: ${file} cannot be read: ${(error as Error).message}`)
  }
}

/** The outlines of the states. */
export const readShapes = () => JSON.parse(readFileSync(join(projectFolder, 'reference/states-map.json'), 'utf8')) as MapShapes

/** A log that we cosign. Refuses a key that is none. */
function witnessed(vkey: string) {
  const verifier = parseVkey(vkey)
  if (!verifier) throw new ConfigError(`VENTANILLA_WITNESS_OF: ${vkey} is no verifier key.`)
  return verifier
}

/** The witness policy (c2sp.org/tlog-policy) that the settings mean; none where no witness is named. */
export function witnessPolicy({ witnesses, witnessQuorum }: Config): { policy?: string } {
  if (witnesses.length === 0) return {}
  const lines = witnesses.map((w) => `witness ${w.name} ${w.vkey} ${w.url}`)
  if (witnessQuorum > 0) lines.push(`group asked ${witnessQuorum} ${witnesses.map((w) => w.name).join(' ')}`)
  return { policy: [...lines, `quorum ${witnessQuorum > 0 ? 'asked' : 'none'}`, ''].join('\n') }
}

/** A system that runs. */
export type Running = { readonly parts: Parts; readonly address: string | null; stop(): Promise<void> }

/** Adds every route to a web part. */
export function registerAll(web: Web, parts: Parts): void {
  const { publiclog, people, federation, catalogue, messages, signing, mandates, cases, voice, insight } = parts
  publiclog.register(web)
  people.register(web, (language) => [...mandates.accountLines(language), ...signing.accountLines(language)])
  federation.register(web)
  messages.register(web)
  signing.register(web)
  mandates.register(web, cases.receipts.standings)
  registerCases(web, cases)
  voice.register(web)
  insight.register(web)
  catalogue.register(web, {
    publicUrl: parts.config.publicUrl,
    demo: parts.config.demo,
    waitOf: (service, language) => waitOf(cases, service, language),
    nowAt: (office, language) => nowAt(cases, office, language),
    officeUrl: (office) => `/offices/${office}`,
    mostUsed: (place) => insight.mostFiled(place, 6),
    numbersUrl: (service) => `/numbers/services/${service}`,
    mandateUrl: (service) => `/me/mandates/new?service=${encodeURIComponent(service)}`,
    more: (language) => [insight.tile(language)],
    names: (ids) => people.names(parts.db, ids),
  })
  openInformation({ publiclog, demo: parts.config.demo, publicUrl: parts.config.publicUrl }).register(web)
}

/** Starts the roles of this process. It serves when this returns. */
export async function start(config: Config, clock: Clock = systemClock): Promise<Running> {
  const parts = await openParts(config, clock)
  const { telemetry, db, jobs, keys, people, publiclog, insight } = parts
  const stopping: (() => Promise<unknown> | unknown)[] = [() => parts.close()]
  const stop = async () => {
    for (const one of stopping.splice(0).reverse()) await one()
  }
  try {
    const ready = async () => (await db.query('select 1')).length === 1
    const operators = await telemetry.listen({ host: config.host, port: config.metricsPort, ready })
    stopping.push(() => operators.close())
    telemetry.gauge('ventanilla_db_waiting', 'Callers waiting for a database connection', () => db.pool().waiting)
    if (config.roles.includes('log')) {
      await publiclog.startSequencer()
      stopping.push(() => publiclog.stop())
    }
    let web: Web | null = null
    let address: string | null = null
    // Together: requests and jobs under way share the 20 s that a stop may take.
    stopping.push(() => Promise.all([web?.close(), jobs.stop()]))
    if (config.roles.includes('worker')) {
      await jobs.start()
      // By the clock from the next minute on; now, so that a new portal has its numbers when it answers.
      await insight.refresh()
    }
    if (config.roles.includes('web')) {
      // The builders are loaded only by the process that serves pages.
      const { buildAssets } = await import('./platform/look/build.ts')
      await buildAssets()
      await parts.signing.publishSigner()
      web = await openWeb({
        host: config.host,
        port: config.port,
        publicUrl: config.publicUrl,
        production: config.mode === 'production',
        demo: config.demo,
        trustProxy: config.trustProxy,
        limits: {
          readsPerAddress: config.readsPerAddress,
          writesPerAddress: config.writesPerAddress,
          writesPerPerson: config.writesPerPerson,
        },
        csrfSecret: keys.secret('web/csrf'),
        assetsFolder: assetFolder,
        log: telemetry.log,
        identify: async (request, language) => {
          const visitor = await people.identify(request, language)
          // One look at an index, and only for a page that somebody signed in will see: its header says how many.
          const page = request.method === 'GET' && /\btext\/html\b/.test(request.headers.accept ?? '')
          return visitor.person && page ? { ...visitor, unread: await parts.messages.unread(visitor.person) } : visitor
        },
        observe: telemetry.request,
        ready,
      })
      registerAll(web, parts)
      address = await web.listen()
    }
    return { parts, address, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
