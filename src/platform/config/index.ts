/**
 * The settings: one table, read once by `main`. No other file reads the environment. What is missing has a default that works on one computer;
 * what is wrong or unknown stops the start with a sentence that names the fix.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A setting that cannot be used. Its message says which one and what to write instead. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

/** One of the witnesses asked to cosign the public log: its name, where it answers, and its C2SP verifier key. */
export type Witness = { name: string; url: string; vkey: string }
export type ProcessRole = 'web' | 'worker' | 'log'
export type Mode = 'development' | 'production'

/** How to read one setting from text. Throws an Error whose message completes "NAME must be …". */
type Kind<T> = { read(text: string): T; is: string }
type Setting<T> = { kind: Kind<T>; default: T; about: string }

const must = (is: string): never => {
  throw new Error(is)
}

const text: Kind<string> = { is: 'text that is not empty', read: (t) => t || must('text that is not empty') }
const optional: Kind<string | null> = { is: 'text', read: (t) => t || null }
const whole = (least: number, most: number): Kind<number> => ({
  is: `a whole number from ${least} to ${most}`,
  read(t) {
    const n = Number(t)
    return /^\d+$/.test(t) && n >= least && n <= most ? n : must(this.is)
  },
})
const oneOf = <T extends string>(...words: T[]): Kind<T> => ({
  is: words.join(' or '),
  read(t) {
    return words.find((w) => w === t) ?? must(this.is)
  },
})
const onOff: Kind<boolean> = { is: 'on or off', read: (t) => (t === 'on' ? true : t === 'off' ? false : must('on or off')) }
const url = (is: string, ...schemes: string[]): Kind<string | null> => ({
  is,
  read(t) {
    if (t === '') return null
    const scheme = URL.canParse(t.replace(/^(postgres(?:ql)?:\/\/[^/]*@)\//, '$1localhost/')) ? t.slice(0, t.indexOf(':')) : ''
    return schemes.includes(scheme) ? t.replace(/\/$/, '') : must(is)
  },
})
/** An address that every path of ours is added to: nothing of it but scheme, host and port could be kept. */
const site: Kind<string | null> = {
  is: 'an address such as https://ventanilla.example.gob.mx, without a path',
  read(t) {
    if (t === '') return null
    const found = URL.parse(t)
    return found && /^https?:$/.test(found.protocol) && found.href === `${found.origin}/` ? found.origin : must(this.is)
  },
}
/** A gateway's address: kept whole, for what stands in its query goes along with each message. */
const gateway: Kind<string | null> = {
  is: 'an address such as https://user:password@host:13013/cgi-bin/sendsms?from=60060',
  read(t) {
    if (t === '') return null
    const found = URL.parse(t)
    try {
      // Its password is sent as what it stands for.
      decodeURIComponent(`${found?.username}${found?.password}`)
    } catch {
      must(gateway.is)
    }
    return /^https?:$/.test(found?.protocol ?? '') ? t : must(gateway.is)
  },
}
/** An OpenID issuer, compared letter by letter: a slash at its end counts. */
const issuer: Kind<string | null> = {
  is: 'an address such as https://llave.example.gob.mx',
  read: (t) => (t === '' ? null : /^https?:$/.test(URL.parse(t)?.protocol ?? '') ? t : must(issuer.is)),
}
/** Which level each acr of another provider means. */
const levels: Kind<readonly (readonly [acr: string, level: 1 | 2 | 3])[]> = {
  is: 'acr values with their levels and commas between, such as "urn:example:high=3,urn:example:low=1"',
  read: (t) =>
    t
      .split(',')
      .map((pair) => pair.trim())
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [, acr, level] = /^(\S+)=([123])$/.exec(pair) ?? must(levels.is)
        return [acr!, Number(level) as 1 | 2 | 3]
      }),
}
const roles: Kind<readonly ProcessRole[]> = {
  is: 'any of web, worker, log, with commas between',
  read(t) {
    const found = t.split(',').map((r) => r.trim())
    return found.every((r): r is ProcessRole => r === 'web' || r === 'worker' || r === 'log') ? [...new Set(found)] : must(this.is)
  },
}
const witnesses: Kind<readonly Witness[]> = {
  is: 'witnesses with semicolons between, each "name url vkey"',
  read(t) {
    return t
      .split(/[;\n]/)
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map((line) => {
        const [name, at, vkey, more] = line.split(/\s+/)
        return name && at && vkey && !more && /^https?:\/\//.test(at) && URL.canParse(at)
          ? { name, url: at.replace(/\/$/, ''), vkey }
          : must(this.is)
      })
  },
}
const vkeys: Kind<readonly string[]> = {
  is: 'C2SP verifier keys with spaces between, each "name+id+key"',
  read(t) {
    const found = t.split(/\s+/).filter((k) => k !== '')
    return found.every((k) => /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(k)) ? found : must(this.is)
  },
}
const origin: Kind<string | null> = {
  is: 'a name of a log such as ventanilla.example.gob.mx/2026, without spaces or "+"',
  // C2SP signed-note: a key name has no spaces and no plus.
  read: (t) => (t === '' ? null : /^[^\s+]{1,200}$/.test(t) ? t : must(origin.is)),
}

const setting = <T>(kind: Kind<T>, fallback: NoInfer<T>, about: string): Setting<T> => ({ kind, default: fallback, about })

/** Every setting, by the name it has in code. In the environment it is `VENTANILLA_` and the name in capitals; in the file it is the name itself. */
export const settings = {
  mode: setting(
    oneOf<Mode>('development', 'production'),
    'development',
    'development works alone on one computer; production refuses everything made for trying out',
  ),
  roles: setting(
    roles,
    ['web', 'worker', 'log'],
    'what this process does: pages, jobs, publishing the log; each may have processes of its own',
  ),
  host: setting(text, '127.0.0.1', 'the address the pages are served on; in development only a loopback address'),
  port: setting(whole(0, 65_535), 3000, 'the port of the pages; 0 takes any free one'),
  metricsPort: setting(
    whole(0, 65_535),
    9464,
    'the port of /metrics, /healthz and /readyz for the operators, on the same address; 0 takes any free one',
  ),
  publicUrl: setting(
    site,
    null,
    'the address people know; on every paper and in every message. In development http://localhost and the port',
  ),
  data: setting(text, './data', 'the folder for the database, keys, files and the log; relative to where the program is started'),
  databaseUrl: setting(
    url('an address such as postgresql://user:password@host/database', 'postgres', 'postgresql'),
    null,
    'a PostgreSQL 15 or later instead of the embedded one; also DATABASE_URL',
  ),
  databaseConnections: setting(whole(2, 500), 20, 'the most connections this process opens to the database'),
  keys: setting(optional, null, 'the folder of the production keys; in development they are made in the data folder'),
  trust: setting(
    optional,
    null,
    'a folder of certificates of authorities that may vouch for signers, beside the tax authority; its folder people holds those for signatures of persons',
  ),
  demo: setting(onOff, true, 'a day of invented cases in a database of its own; off starts a real one'),
  smtpUrl: setting(
    url('an address such as smtps://user:password@host', 'smtp', 'smtps'),
    null,
    'the mail server; without one, in development, mail is shown on /dev/mail',
  ),
  smsUrl: setting(
    gateway,
    null,
    'the gateway of text messages, called as Kannel is; without one they are shown on /dev/mail in development, and no telephone number is taken in production',
  ),
  mailFrom: setting(text, 'Ventanilla <no-responder@localhost>', 'the sender of mail'),
  oidcIssuer: setting(
    issuer,
    null,
    'another OpenID provider that people may sign in by; with it VENTANILLA_OIDC_CLIENT_ID and VENTANILLA_OIDC_NAME',
  ),
  oidcClientId: setting(optional, null, 'what this portal is called there'),
  oidcClientSecret: setting(optional, null, 'its secret there; none for a client without one'),
  oidcClientSecretFile: setting(optional, null, 'a file that holds the secret instead'),
  oidcName: setting(optional, null, 'what people call that provider: "Entrar con" and this stands on the sign-in page'),
  oidcLevels: setting(
    levels,
    [],
    'which level, 1 to 3, each acr of that provider means here; urn:mx:nac:1 to 3 mean themselves, any other is 1',
  ),
  logLevel: setting(
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'how much the program writes about its work',
  ),
  logOrigin: setting(
    origin,
    null,
    'the name of the public log, which never changes; by default where it is published, such as ventanilla.example.gob.mx/log',
  ),
  witnesses: setting(witnesses, [], 'who is asked to cosign the public log'),
  witnessOf: setting(vkeys, [], 'the logs of others that this system cosigns as a witness, by their verifier keys'),
  witnessQuorum: setting(whole(0, 100), 0, 'how many witnesses must cosign before a checkpoint counts as witnessed'),
  readsPerAddress: setting(whole(0, 1_000_000), 1200, 'how many pages one network address may ask for in a minute; 0 for no limit'),
  writesPerAddress: setting(
    whole(0, 1_000_000),
    600,
    'how many forms one network address may send in a minute, a whole community centre perhaps; 0 for no limit',
  ),
  writesPerPerson: setting(whole(0, 1_000_000), 120, 'how many forms one signed-in person may send in a minute; 0 for no limit'),
  trustProxy: setting(whole(0, 10), 0, 'how many proxies of ours stand before this process, whose X-Forwarded-For is believed'),
} satisfies Record<string, Setting<never> | Setting<unknown>>

type Settings = typeof settings
type Raw = { [K in keyof Settings]: ReturnType<Settings[K]['kind']['read']> }

/** The settings of this process, all present and checked against one another. Folders are absolute. */
export type Config = Omit<Raw, 'publicUrl' | 'logOrigin' | 'keys'> & {
  /** Without a slash at the end. */
  publicUrl: string
  /** Begins with `demo` exactly when `demo` is on. */
  logOrigin: string
  /** The folder of the keys. */
  keys: string
  /** Whether `publicUrl` was given: if not, it is the address and port that are served, also when the port is any free one. */
  publicUrlGiven: boolean
}

const settingNames = Object.keys(settings) as (keyof Settings)[]

/** What the program was started with. The only place that looks at it. */
export function environment(): Record<string, string | undefined> {
  return process.env
}

/** The name of a setting in the environment: `VENTANILLA_PUBLIC_URL`. */
export function environmentName(name: keyof Settings): string {
  return `VENTANILLA_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`
}

// Read by the launcher, the tests and the container before this part is asked.
const othersMayRead = new Set(['VENTANILLA_CONFIG', 'VENTANILLA_NODE', 'VENTANILLA_TEST_DATABASE_URL', 'VENTANILLA_LONG'])

/**
 * The settings from the environment, then from a file of settings (`VENTANILLA_CONFIG`, or `ventanilla.json` in `folder` if there is one), then the
 * defaults. Throws a `ConfigError` for a value that cannot be read, a name that does not exist, or settings that do not go together.
 */
export function readConfig(env: Record<string, string | undefined>, folder = process.cwd()): Config {
  const given = { ...readFile(env.VENTANILLA_CONFIG, folder), ...readEnvironment(env) }
  const raw = {} as Record<keyof Settings, unknown>
  for (const name of settingNames) {
    const { kind, default: fallback } = settings[name]
    const value = given[name]
    try {
      raw[name] = value === undefined ? fallback : kind.read(value.text.trim())
    } catch (error) {
      throw new ConfigError(
        `${value!.from} must be ${(error as Error).message}; it is "${secretless(name, value!.text)}". It means: ${settings[name].about}.`,
      )
    }
  }
  return agree(raw as Raw, new Set(Object.keys(given)), folder)
}

type Given = Partial<Record<keyof Settings, { text: string; from: string }>>

function readEnvironment(env: Record<string, string | undefined>): Given {
  const given: Given = {}
  const byName = new Map(settingNames.map((name) => [environmentName(name), name]))
  if (env.DATABASE_URL) given.databaseUrl = { text: env.DATABASE_URL, from: 'DATABASE_URL' }
  for (const [key, value] of Object.entries(env)) {
    if (!key.startsWith('VENTANILLA_') || value === undefined || othersMayRead.has(key)) continue
    const name = byName.get(key)
    if (!name) throw new ConfigError(`There is no setting ${key}. Did you mean ${nearest(key, [...byName.keys()])}?`)
    given[name] = { text: value, from: key }
  }
  return given
}

function readFile(path: string | undefined, folder: string): Given {
  const file = resolve(folder, path ?? 'ventanilla.json')
  if (!path && !existsSync(file)) return {}
  let found: unknown
  try {
    found = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError(
      `The settings in ${file} cannot be read: ${(error as Error).message}. Write one JSON object, such as {"port": 3000}.`,
    )
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new ConfigError(`${file} must hold one JSON object, such as {"port": 3000}.`)
  }
  const given: Given = {}
  for (const [key, value] of Object.entries(found)) {
    const name = settingNames.find((n) => n === key)
    if (!name) throw new ConfigError(`${file}: there is no setting "${key}". Did you mean "${nearest(key, settingNames)}"?`)
    const from = `"${name}" in ${file}`
    if (typeof value === 'boolean') given[name] = { text: value ? 'on' : 'off', from }
    else if (typeof value === 'string' || typeof value === 'number') given[name] = { text: String(value), from }
    else if (Array.isArray(value) && value.every((v) => typeof v === 'string'))
      given[name] = { text: value.join(name === 'witnesses' ? ';' : ','), from }
    else throw new ConfigError(`${from} must be text, a number, true or false, or a list of texts.`)
  }
  return given
}

const loopback = /^(127(\.\d{1,3}){3}|::1|localhost)$/

function agree(raw: Raw, given: ReadonlySet<string>, folder: string): Config {
  const data = resolve(folder, raw.data)
  if (raw.mode === 'production') {
    const missing = (name: keyof Settings, why: string) => {
      throw new ConfigError(`Production needs ${environmentName(name)}: ${why}.`)
    }
    if (!raw.publicUrl) missing('publicUrl', 'the address people know, such as https://ventanilla.example.gob.mx')
    if (!raw.publicUrl!.startsWith('https://')) {
      throw new ConfigError(
        'In production VENTANILLA_PUBLIC_URL begins with https://, because sessions must not cross the network in the clear.',
      )
    }
    if (raw.demo) {
      throw new ConfigError(
        'Production has no demonstration: set VENTANILLA_DEMO=off. A demonstration database never becomes a real one; use a new data folder or database.',
      )
    }
    if (!raw.smtpUrl) missing('smtpUrl', 'the mail server that takes sign-in codes to people, such as smtps://user:password@host')
    if (!given.has('mailFrom')) missing('mailFrom', 'the sender of mail, such as "Ventanilla <no-responder@example.gob.mx>"')
    if (!raw.keys) {
      missing(
        'keys',
        'the folder of the production keys. The keys in the data folder were made for development; "bin/ventanilla keys <folder>" makes new ones',
      )
    }
    if (resolve(folder, raw.keys!) === join(data, 'keys')) {
      throw new ConfigError(
        `VENTANILLA_KEYS names the development keys in ${join(data, 'keys')}. Make new ones in a folder of their own: bin/ventanilla keys <folder>.`,
      )
    }
  } else if (!loopback.test(raw.host)) {
    throw new ConfigError(
      `VENTANILLA_HOST=${raw.host} would show a development system, with its known accounts and mail, to the network. Use 127.0.0.1, or set VENTANILLA_MODE=production.`,
    )
  }
  if (raw.port !== 0 && raw.port === raw.metricsPort) {
    throw new ConfigError(`VENTANILLA_PORT and VENTANILLA_METRICS_PORT are both ${raw.port}. Give the metrics another port.`)
  }
  if (raw.witnessQuorum > raw.witnesses.length) {
    throw new ConfigError(
      `VENTANILLA_WITNESS_QUORUM asks for ${raw.witnessQuorum} witnesses and VENTANILLA_WITNESSES names ${raw.witnesses.length}.`,
    )
  }

  if (raw.oidcIssuer !== null) {
    for (const name of ['oidcClientId', 'oidcName'] as const)
      if (raw[name] === null) throw new ConfigError(`VENTANILLA_OIDC_ISSUER needs ${environmentName(name)}: ${settings[name].about}.`)
    if (raw.mode === 'production' && !raw.oidcIssuer.startsWith('https:'))
      throw new ConfigError('In production VENTANILLA_OIDC_ISSUER begins with https://, because it says who people are.')
    if (raw.oidcClientSecret !== null && raw.oidcClientSecretFile !== null)
      throw new ConfigError('VENTANILLA_OIDC_CLIENT_SECRET and VENTANILLA_OIDC_CLIENT_SECRET_FILE are both set. Leave one.')
  }

  const publicUrl = raw.publicUrl ?? `http://localhost:${raw.port}`
  const host = raw.logOrigin ?? (raw.publicUrl ? `${new URL(publicUrl).host}/log` : 'localhost/log')
  const prefixed = raw.demo && !host.startsWith('demo') ? `demo.${host}` : host
  if (!raw.demo && host.startsWith('demo')) {
    throw new ConfigError(
      `The log's name "${host}" begins with "demo", which only a demonstration may. Set VENTANILLA_LOG_ORIGIN to another name.`,
    )
  }
  return {
    ...raw,
    data,
    oidcClientSecretFile: raw.oidcClientSecretFile && resolve(folder, raw.oidcClientSecretFile),
    keys: raw.keys ? resolve(folder, raw.keys) : join(data, 'keys'),
    publicUrl,
    publicUrlGiven: raw.publicUrl !== null,
    logOrigin: prefixed,
  }
}

const secrets = new Set<keyof Settings>(['databaseUrl', 'smtpUrl', 'smsUrl'])

/** A value as an error may show it: passwords stand in addresses. */
function secretless(name: keyof Settings, value: string): string {
  return secrets.has(name) ? value.replace(/\/\/[^@]*@/, '//…@') : value
}

/** The candidate with the fewest letters to change (Levenshtein). */
function nearest(word: string, candidates: readonly string[]): string {
  return candidates.reduce((best, next) => (distance(word, next) < distance(word, best) ? next : best))
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
