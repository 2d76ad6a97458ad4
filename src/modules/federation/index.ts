/** Signing in between systems, by OpenID Connect: others by this portal, this portal by another. README.md tells the rules and the tables. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { Db, Tx } from '#db'
import type { PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import type { Clock } from '#kernel/time'
import type { Keys } from '#keys'
import type { People, PersonalPart } from '#people'
import type { Request, Web } from '#web'
import { hashOf, vault } from './adapter.ts'
import { type ClientInput, newClient } from './clients.ts'
import { type OutsideProvider, outsideUrl, registerOutside } from './outside.ts'
import { registerPages } from './pages.ts'
import { openProvider } from './provider.ts'
import { signingKeys } from './signing-keys.ts'
import * as store from './store.ts'

export type { ClientInput } from './clients.ts'
export type { LevelsByAcr } from './level.ts'
export { type OutsideProvider, outsideUrl }

/** What the module needs. */
export type FederationDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly keys: Pick<Keys, 'secret' | 'encrypt' | 'decrypt'>
  readonly jobs: {
    add(on: Db | Tx, name: string, data: object): Promise<unknown>
    handle<T extends object>(name: string, handler: (data: T) => Promise<void>): void
    every(name: string, cron: string, handler: () => Promise<void>): void
  }
  readonly people: Pick<People, 'enter' | 'level' | 'newAccount' | 'ownerOf' | 'person' | 'recordRelease' | 'sessionStart' | 'signOut'>
  /** Another provider that people may sign in by; null: none. */
  readonly outside: OutsideProvider | null
  readonly publicUrl: string
  readonly production: boolean
  readonly log: { error(about: object, words: string): void }
}

/** A client as its operator sees it: never with its secret. */
export type Client = Omit<store.ClientRow, 'secret_hash' | 'jwks'>

export interface Federation {
  /** Registers a system; its secret where it has one, told only now. Refuses `invalid` what does not go together, `conflict` an id that is taken. */
  addClient(client: ClientInput): Promise<{ secret: string | null }>
  clients(): Promise<Client[]>
  /** From now on the system signs nobody in and its tokens are refused. Refuses `not-found`. */
  disableClient(id: string): Promise<void>
  /** Makes signing keys that sign from now on; the old ones stay published until their tokens are over. */
  replaceKeys(): Promise<void>
  /** What is kept of a person here, for who asks for it. */
  readonly personal: PersonalPart
  /** Forgets what is over, and makes the next signing keys in time. */
  tidy(): Promise<void>
  register(web: Web): void
}

/** How long a process goes on with the keys it knows. */
const keysFreshMs = 30_000
const tidyAtOnce = 10_000

/** Opens the module. The protocol's library is not loaded before somebody asks for it. */
export function openFederation(deps: FederationDeps): Federation {
  const { db, clock, jobs, keys, people, publicUrl } = deps
  const asking = new AsyncLocalStorage<Request>()
  const box = vault(keys)
  const succession = signingKeys(deps)
  const { host, protocol } = new URL(publicUrl)

  const tellLater = (client: string, person: string, sid: string) =>
    jobs.add(db, 'federation/tell-logout', { client, person, sid }).then(() => {})

  type Serving = {
    readonly provider: Provider
    readonly callback: (raw: Request['raw'], response: ServerResponse) => unknown
    readonly kids: string
  }
  let serving: { readonly now: Promise<Serving>; readonly since: number } | null = null

  /** The provider over the keys of now. It holds nothing else: a new one over other keys goes on where the old one was. */
  async function open(old: Serving | undefined): Promise<Serving> {
    const jwks = await succession.published()
    const kids = jwks.map((k) => k.kid).join(' ')
    if (old?.kids === kids) return old
    const provider = await openProvider({ ...deps, vault: box, asking: () => asking.getStore(), tellLater }, jwks)
    return { provider, callback: provider.callback(), kids }
  }

  async function current(): Promise<Serving> {
    if (serving && performance.now() - serving.since < keysFreshMs) return serving.now
    const old = serving?.now
    const next = { now: Promise.resolve(old?.catch(() => undefined)).then(open), since: performance.now() }
    serving = next
    // What failed is tried again by the next request.
    next.now.catch(() => {
      if (serving === next) serving = null
    })
    return next.now
  }

  /** Has the library answer. */
  async function answer(request: Request, response: ServerResponse): Promise<void> {
    const { callback } = await current()
    const { headers } = request.raw
    headers.host = host
    headers['x-forwarded-proto'] = protocol.slice(0, -1)
    delete headers['x-forwarded-host']
    await asking.run(request, async () => callback(request.raw, response))
  }

  // ── What others hear when a session of the portal is over ───────────────────────────────────────────────────────────────────────────────

  type Payload = { accountId?: string; authorizations?: Record<string, { sid?: string; grantId?: string; persistsLogout?: boolean }> }

  jobs.handle<{ session: string; next: string | null }>('people.session-ended', async ({ session, next }) => {
    if (next !== null) return store.moveSessions(db, session, next)
    await db.tx(async (tx) => {
      for (const row of await store.sessionsIn(tx, session, clock.now())) {
        const { accountId, authorizations = {} } = box.open<Payload>('Session', row)
        for (const [client, { sid, grantId, persistsLogout }] of Object.entries(authorizations)) {
          if (accountId && sid) await jobs.add(tx, 'federation/tell-logout', { client, person: accountId, sid })
          if (grantId && !persistsLogout) await store.dropGrantWhole(tx, hashOf(grantId))
        }
        await store.dropArtifact(tx, 'Session', row.id_hash)
      }
    })
  })

  jobs.handle<{ client: string; person: string; sid: string }>('federation/tell-logout', async ({ client: id, person, sid }) => {
    const { provider } = await current()
    const client = await provider.Client.find(id)
    // The types of the library leave this one out.
    if (client?.backchannelLogoutUri)
      await (client as unknown as { backchannelLogout(account: string, sid: string): Promise<void> }).backchannelLogout(person, sid)
  })

  async function tidy(): Promise<void> {
    while ((await store.dropExpired(db, clock.now(), tidyAtOnce)) === tidyAtOnce);
    await store.dropOutsideSessions(db, clock.now())
    await succession.renew()
  }
  jobs.every('federation/tidy', '23 * * * *', tidy)

  const federation: Federation = {
    async addClient(typed) {
      const { row, secret } = newClient(typed, deps.production, clock.now())
      if (!(await store.addClient(db, row))) throw new Problem('conflict', `There is a client ${row.id} already.`)
      return { secret }
    },
    async clients() {
      return (await store.clients(db)).map(({ secret_hash: _secret, jwks: _jwks, ...client }) => client)
    },
    async disableClient(id) {
      if (!(await store.disableClient(db, id, clock.now()))) throw new Problem('not-found', `There is no client ${id} that is enabled.`)
    },
    async replaceKeys() {
      await succession.replace()
      serving = null
    },
    personal: {
      name: 'connected',
      take: ({ person }) => store.consentsOf(db, person),
      erase: (tx, person) => store.forget(tx, person),
    },
    tidy,
    register(web) {
      if (deps.outside) registerOutside(web, deps, deps.outside)
      registerPages(web, {
        db,
        clock,
        people,
        outside: deps.outside,
        answer,
        provider: async () => (await current()).provider,
        withdraw: (person: PersonId, client: string) =>
          db.tx(async (tx) => {
            await store.dropConsent(tx, person, client)
            await store.dropGiven(tx, person, client)
          }),
      })
    },
  }
  return federation
}
