import { environment, readConfig } from '#config'
import type { ClientInput } from '#federation'
import { openParts } from '../main.ts'
import { type Command, fileOf, none, only, result, say, UsageError } from './command.ts'

const words = (given: unknown): string[] => (Array.isArray(given) ? given.filter((w) => typeof w === 'string') : [])
const word = (given: unknown, name: string): string => {
  if (typeof given !== 'string' || given === '') throw new UsageError(`Give --${name}.`)
  return given
}

/** The client that the options describe. */
async function described(id: string, options: Readonly<Record<string, unknown>>): Promise<ClientInput> {
  const jwks = await fileOf(options.jwks, 'jwks')
  if (jwks !== undefined && options.public === true) throw new UsageError('A client with keys is not --public. Leave one.')
  const alg = options.alg ?? 'ES256'
  if (alg !== 'ES256' && alg !== 'RS256') throw new UsageError('--alg is ES256 or RS256.')
  return {
    id,
    name: word(options.name, 'name'),
    agency: word(options.agency, 'agency'),
    redirectUris: words(options.redirect),
    postLogoutUris: words(options['after-logout']),
    backchannelLogoutUri: typeof options['logout-news'] === 'string' ? options['logout-news'] : null,
    scopes: words(options.scope),
    auth: options.public === true ? 'none' : jwks === undefined ? 'client_secret_basic' : 'private_key_jwt',
    ...(jwks === undefined ? {} : { jwks: parsed(jwks) }),
    dpop: options.dpop === true,
    idTokenAlg: alg,
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw new UsageError('--jwks must name a file of JSON: {"keys": […]}.')
  }
}

export const command: Command = {
  about: 'registers a system that signs people in by this portal; lists them, disables one, or makes new signing keys',
  usage:
    'add <id> --name <name> --agency <agency> --redirect <url> [--scope <scope>] [--jwks <file> | --public] [--alg RS256] [--dpop] [--after-logout <url>] [--logout-news <url>] | list | disable <id> | replace-keys  [--json]',
  help: `Without --jwks and --public a secret is made and shown once. --redirect, --after-logout and --scope may be given several times. Scopes: profile, email, curp, rfc, offline_access.
--logout-news is where the system hears that a session is over (back-channel logout). docs/operating/join-a-system.md tells both sides what to do.`,
  options: {
    name: { type: 'string' },
    agency: { type: 'string' },
    redirect: { type: 'string', multiple: true },
    'after-logout': { type: 'string', multiple: true },
    'logout-news': { type: 'string' },
    scope: { type: 'string', multiple: true },
    jwks: { type: 'string' },
    public: { type: 'boolean' },
    alg: { type: 'string' },
    dpop: { type: 'boolean' },
  },
  async run({ positionals: [act, ...rest], options, json }) {
    const acts = ['add', 'list', 'disable', 'replace-keys']
    if (act === undefined || !acts.includes(act)) throw new UsageError(`Say what to do: ${acts.join(', ')}.`)
    const client = act === 'add' ? await described(only(rest, 'id'), options) : null
    const id = act === 'disable' ? only(rest, 'id') : null
    if (act === 'list' || act === 'replace-keys') none(rest)

    const parts = await openParts(readConfig(environment()))
    try {
      const { federation, config } = parts
      if (client) {
        const { secret } = await federation.addClient(client)
        if (secret !== null) say('Give the secret to those who run the system, by a way that others do not read. It is shown only now.')
        const issuer = config.publicUrl
        result(
          json,
          { ok: true, issuer, clientId: client.id, ...(secret === null ? {} : { clientSecret: secret }) },
          [`issuer         ${issuer}`, `client id      ${client.id}`, ...(secret === null ? [] : [`client secret  ${secret}`])].join('\n'),
        )
      } else if (id !== null) {
        await federation.disableClient(id)
        result(json, { ok: true, clientId: id }, `${id} signs nobody in any more.`)
      } else if (act === 'replace-keys') {
        await federation.replaceKeys()
        result(json, { ok: true }, 'New keys sign within half a minute. The old ones are published for a day more.')
      } else {
        const clients = await federation.clients()
        result(
          json,
          { ok: true, clients },
          clients.length === 0
            ? 'There are none.'
            : clients
                .map((c) => `${c.id}  ${c.disabled_at ? 'disabled' : c.auth}  ${c.name} (${c.agency})  ${c.scopes.join(' ')}`)
                .join('\n'),
        )
      }
      return 0
    } finally {
      await parts.close()
    }
  },
}
