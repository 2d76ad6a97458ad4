/**
 * Passkeys (WebAuthn, level 2 of the W3C): a key that the person's device keeps and opens by their finger, face or PIN. It cannot be told to anybody, works at this address alone, and is the
 * strongest way in; so nothing weaker may add one to an account that has one.
 */
import { createHash } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { Db, Tx } from '#db'
import type { PersonId } from '#kernel/id'
import { Problem } from '#kernel/problem'
import { freshBytes } from '#kernel/random'
import type { Language } from '#kernel/text'
import { type Clock, dayMs, minuteMs } from '#kernel/time'
import type { SignedIn } from '#web'
import type { Letter } from './accounts.ts'
import * as store from './passkey-store.ts'
import { hashToken } from './secrets.ts'
import { addEvent, contactsOf, grantsOf, lockPerson, type On } from './store.ts'

/** How surely a session is its person (decision 0014): by mail; by passkey with a CURP; the CURP seen at a counter and the passkey bound to one device. */
export type Level = 1 | 2 | 3

/** What a session may lack for a level. */
export type Lack = 'passkey' | 'curp' | 'shown' | 'bound'

/** What the levels are called where systems speak of them. */
export const acrOf = (level: Level): string => `urn:mx:nac:${level}`

export type PasskeyDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly publicUrl: string
  readonly production: boolean
  /** 32 bytes of the installation, from which a person's handle on authenticators is made. */
  readonly secret: Buffer
  readonly startSession: (on: On, person: PersonId, way: 'passkey', device: string) => Promise<string>
  readonly write: (tx: Tx, letter: Letter, lastsMs: number) => Promise<void>
  /** Systems that were entered by a session hear that it ended. */
  readonly tellEnded: (tx: Tx, sessions: readonly string[]) => Promise<void>
  readonly within: (kind: 'recovery-person', what: string) => Promise<void>
}

const challengeMs = 5 * minuteMs
/** ES256, EdDSA, RS256: what authenticators have. */
const algorithms = [-7, -8, -257]
const mostPasskeys = 20
const recoveryCodes = 10
/** In this time the owner of the account hears of it and can stop it. */
const recoveryWaitMs = dayMs
const enrolmentMs = 7 * dayMs
/** No response of an authenticator is longer. */
const longestResponse = 20_000

const hashOf = (words: string) => createHash('sha256').update(words).digest()
const alphabet = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'

/** A code of 16 letters and digits, some 79 bits: nobody finds one by trying, so its digest may be a plain one. */
function newCode(): string {
  let code = ''
  while (code.length < 16) for (const byte of freshBytes(24)) if (byte < 248 && code.length < 16) code += alphabet[byte % 31]
  return code.replace(/(.{4})(?=.)/g, '$1-')
}
const plainCode = (typed: string) => typed.toUpperCase().replace(/[^0-9A-Z]/g, '')

const refused = (code: 'unreadable' | 'late' | 'unknown' | 'not-yours' | 'taken' | 'wrong', detail: string, cause?: unknown) =>
  new Problem('people/passkey-refused', detail, {
    fields: [{ pointer: '/passkey', code, detail }],
    ...(cause === undefined ? {} : { cause }),
  })

export type Passkeys = ReturnType<typeof openPasskeys>

/** Opens passkeys. */
export function openPasskeys(deps: PasskeyDeps) {
  const { db, clock } = deps
  const site = new URL(deps.publicUrl)
  const [rpID, origin] = [site.hostname, site.origin]
  // Some megabytes that only who uses a passkey needs.
  const webauthn = () => import('@simplewebauthn/server')
  const handleOf = (person: PersonId) => createHash('sha256').update(deps.secret).update(person).digest()
  const later = (ms: number) => new Date(clock.now().getTime() + ms)

  function parse<T>(response: string): T {
    if (response.length <= longestResponse)
      try {
        const found: unknown = JSON.parse(response)
        if (typeof found === 'object' && found !== null && typeof (found as { id?: unknown }).id === 'string') return found as T
      } catch {}
    throw refused('unreadable', 'The device’s answer could not be read.')
  }

  async function challengeOf(on: On, browser: string, purpose: 'add' | 'enter') {
    const found = await store.takeChallenge(on, hashOf(browser), purpose, clock.now())
    if (!found) throw refused('late', 'Too much time has passed, or the answer is of another page.')
    return found
  }

  /** Whether this session may add a passkey now; a weaker one may not where there is a stronger way in. */
  async function mayAdd(on: On, visitor: SignedIn): Promise<boolean> {
    const surety = await store.suretyOf(on, visitor.session)
    if (surety?.way === 'passkey') return true
    // Who finds a receipt, or answers a household's telephone, must not get the account.
    if (!surety || surety.way === 'receipt' || surety.way === 'phone') return false
    const enrolment = await store.enrolmentOf(on, visitor.person, clock.now())
    if (enrolment && enrolment.fromAt <= clock.now()) return true
    if (surety.way === 'counter') return false
    if ((await store.passkeysOf(on, visitor.person)).length > 0) return false
    // An e-mail must not become an official's key.
    return !(deps.production && (await grantsOf(on, visitor.person)).length > 0)
  }

  return {
    /** A person's passkeys, how many recovery codes are left, whether one may be added now, and a recovery under way. */
    /** A person's passkeys as they may take them along: without what devices sign with. */
    summary: async (person: PersonId) =>
      (await store.passkeysOf(db, person)).map(({ name, createdAt, usedAt, backedUp }) => ({ name, createdAt, usedAt, backedUp })),

    async of(visitor: SignedIn) {
      const [passkeys, codes, may, enrolment] = await Promise.all([
        store.passkeysOf(db, visitor.person),
        store.recoveryLeft(db, visitor.person),
        mayAdd(db, visitor),
        store.enrolmentOf(db, visitor.person, clock.now()),
      ])
      return { passkeys, codes, mayAdd: may, waits: enrolment && enrolment.fromAt > clock.now() ? enrolment.fromAt : null }
    },

    /** What the browser asks the device for a new passkey. Refuses with `people/passkey-first` where a stronger way in must be shown. */
    async addOptions(visitor: SignedIn, browser: string, name: string): Promise<PublicKeyCredentialCreationOptionsJSON> {
      if (!(await mayAdd(db, visitor))) throw new Problem('people/passkey-first', 'Sign in by the passkey you have.')
      const had = await store.passkeysOf(db, visitor.person)
      const { generateRegistrationOptions } = await webauthn()
      const options = await generateRegistrationOptions({
        rpName: 'Ventanilla',
        rpID,
        // A handle that tells nobody who it is, and is the same for each of the person's passkeys.
        userID: new Uint8Array(handleOf(visitor.person)),
        userName: name,
        userDisplayName: name,
        attestationType: 'none',
        excludeCredentials: had.map((p) => ({ id: p.id })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        supportedAlgorithmIDs: algorithms,
      })
      await store.putChallenge(db, {
        browserHash: hashOf(browser),
        purpose: 'add',
        challenge: options.challenge,
        person: visitor.person,
        expiresAt: later(challengeMs),
      })
      return options
    },

    /** Keeps the passkey that the device made. Refuses as `addOptions`, and with `people/passkey-refused` and a field that says why. */
    async add(visitor: SignedIn, browser: string, given: { readonly response: string; readonly name: string }): Promise<void> {
      const response = parse<RegistrationResponseJSON>(given.response)
      const asked = await challengeOf(db, browser, 'add')
      if (asked.person !== visitor.person) throw refused('not-yours', 'The answer is for another account.')
      const { verifyRegistrationResponse } = await webauthn()
      const found = await verifyRegistrationResponse({
        response,
        expectedChallenge: asked.challenge,
        expectedOrigin: origin,
        expectedRPID: rpID,
        requireUserVerification: true,
        supportedAlgorithmIDs: algorithms,
      }).catch((error) => {
        throw refused('wrong', 'The device’s answer does not hold.', error)
      })
      if (!found.verified) throw refused('wrong', 'The device’s answer does not hold.')
      const { credential, credentialBackedUp, credentialDeviceType } = found.registrationInfo
      const now = clock.now()
      await db.tx(async (tx) => {
        await lockPerson(tx, visitor.person)
        if (!(await mayAdd(tx, visitor))) throw new Problem('people/passkey-first', 'Sign in by the passkey you have.')
        if ((await store.passkeysOf(tx, visitor.person)).length >= mostPasskeys) throw new Problem('conflict', 'Remove a passkey first.')
        const fresh = await store.addPasskey(tx, {
          id: credential.id,
          person: visitor.person,
          publicKey: Buffer.from(credential.publicKey),
          counter: credential.counter,
          transports: (credential.transports ?? []).slice(0, 8).map((t) => String(t).slice(0, 20)),
          backedUp: credentialBackedUp || credentialDeviceType === 'multiDevice',
          name: given.name.trim().slice(0, 60) || '—',
          createdAt: now,
        })
        if (!fresh) throw refused('taken', 'This passkey is kept already.')
        await store.endEnrolment(tx, visitor.person)
        await addEvent(tx, now, 'passkey-added', visitor.person, visitor.person)
        await tell(tx, visitor.person, visitor.language, 'passkey-added')
      })
    },

    /** What the browser asks the device to sign in by. There is nothing to guess, so no limit but the address's own. */
    async enterOptions(browser: string): Promise<PublicKeyCredentialRequestOptionsJSON> {
      const { generateAuthenticationOptions } = await webauthn()
      const options = await generateAuthenticationOptions({ rpID, userVerification: 'required' })
      await store.putChallenge(db, {
        browserHash: hashOf(browser),
        purpose: 'enter',
        challenge: options.challenge,
        person: null,
        expiresAt: later(challengeMs),
      })
      return options
    },

    /** Signs in by what the device signed; the cookie value of a new session. Refuses with `people/passkey-refused` and a field that says why. */
    async enter(
      browser: string,
      given: { readonly response: string; readonly device: string },
    ): Promise<{ token: string; person: PersonId }> {
      const response = parse<AuthenticationResponseJSON>(given.response)
      const { verifyAuthenticationResponse } = await webauthn()
      const done = await db.tx(async (tx) => {
        // Taken in the same transaction, which ends well also for a wrong answer: no challenge is asked twice.
        const asked = await challengeOf(tx, browser, 'enter')
        // Locked: of two answers with one counter the second is a copy's.
        const passkey = await store.passkeyBy(tx, response.id)
        if (!passkey) return refused('unknown', 'This passkey is not kept here, or was removed.')
        // WebAuthn, 7.2: whose it is must be whose it was made for.
        const handle = response.response?.userHandle
        if (handle && handle !== handleOf(passkey.person).toString('base64url')) return refused('wrong', 'The passkey is somebody else’s.')
        const found = await verifyAuthenticationResponse({
          response,
          expectedChallenge: asked.challenge,
          expectedOrigin: origin,
          expectedRPID: rpID,
          requireUserVerification: true,
          credential: { id: passkey.id, publicKey: new Uint8Array(passkey.publicKey), counter: passkey.counter },
        }).catch((error) => refused('wrong', 'The device’s answer does not hold.', error))
        if (found instanceof Problem) return found
        if (!found.verified) return refused('wrong', 'The device’s answer does not hold.')
        const { newCounter, credentialBackedUp } = found.authenticationInfo
        await store.notePasskeyUse(tx, passkey.id, newCounter, credentialBackedUp || passkey.backedUp, clock.now())
        const token = await deps.startSession(tx, passkey.person, 'passkey', given.device)
        await store.noteSessionPasskey(tx, hashToken(token), passkey.id)
        return { token, person: passkey.person }
      })
      if (done instanceof Problem) throw done
      return done
    },

    /** Gives one of the person's own passkeys another name. */
    rename: (visitor: SignedIn, id: string, name: string): Promise<void> =>
      store.renamePasskey(db, visitor.person, id, name.trim().slice(0, 60) || '—'),

    /**
     * Removes one of the person's own passkeys; sessions that began by it end. Refuses with `people/passkey-first` a session that began by something weaker, and with `conflict` the last passkey of
     * who has a duty.
     */
    remove: (visitor: SignedIn, id: string): Promise<void> =>
      db.tx(async (tx) => {
        await lockPerson(tx, visitor.person)
        if ((await store.suretyOf(tx, visitor.session))?.way !== 'passkey')
          throw new Problem('people/passkey-first', 'Sign in by a passkey first.')
        const all = await store.passkeysOf(tx, visitor.person)
        if (all.length === 1 && deps.production && (await grantsOf(tx, visitor.person)).length > 0)
          throw new Problem('conflict', 'This is your last passkey, and your duty needs one.')
        if (!(await store.removePasskey(tx, visitor.person, id))) return
        await deps.tellEnded(tx, await store.endSessionsOf(tx, visitor.person, id))
        await addEvent(tx, clock.now(), 'passkey-removed', visitor.person, visitor.person)
        await tell(tx, visitor.person, visitor.language, 'passkey-removed')
      }),

    /** Ten new recovery codes in the place of all there were: shown once, kept as digests. Refuses with `people/passkey-first` a session that did not begin by a passkey. */
    newRecovery: (visitor: SignedIn): Promise<readonly string[]> =>
      db.tx(async (tx) => {
        if ((await store.suretyOf(tx, visitor.session))?.way !== 'passkey')
          throw new Problem('people/passkey-first', 'Sign in by a passkey first.')
        const codes = Array.from({ length: recoveryCodes }, newCode)
        await store.putRecovery(
          tx,
          visitor.person,
          codes.map((code) => hashOf(plainCode(code))),
        )
        await addEvent(tx, clock.now(), 'recovery-codes', visitor.person, visitor.person)
        return codes
      }),

    /** Begins a recovery by a code: a day later a new passkey may be added, unless the owner, who is told at once, stops it. Refuses with `invalid` and with `too-many`. */
    async recover(visitor: SignedIn, typed: string): Promise<void> {
      if ((await store.suretyOf(db, visitor.session))?.way === 'receipt') throw new Problem('forbidden', 'A receipt recovers no account.')
      await deps.within('recovery-person', visitor.person)
      await db.tx(async (tx) => {
        if (!(await store.useRecovery(tx, visitor.person, hashOf(plainCode(typed))))) {
          const detail = 'This code does not work, or was used.'
          throw new Problem('invalid', detail, { fields: [{ pointer: '/code', code: 'recovery', detail }] })
        }
        await store.putEnrolment(tx, visitor.person, { fromAt: later(recoveryWaitMs), untilAt: later(recoveryWaitMs + enrolmentMs) })
        await addEvent(tx, clock.now(), 'recovery-begun', visitor.person, visitor.person)
        await tell(tx, visitor.person, visitor.language, 'recovery-begun')
      })
    },

    /** Stops a recovery that is under way: any session of the person may. */
    stopRecovery: (visitor: SignedIn): Promise<void> => store.endEnrolment(db, visitor.person),

    /** Lets whom an administrator invited or gave a duty add their first passkey within seven days; who has one shows it. In the caller's transaction. */
    async allow(tx: Tx, person: PersonId): Promise<void> {
      if ((await store.passkeysOf(tx, person)).length === 0)
        await store.putEnrolment(tx, person, { fromAt: clock.now(), untilAt: later(enrolmentMs) })
    },

    /** Ends every passkey and recovery code of who got their account back at a counter, and lets them add a passkey. In the caller's transaction. */
    async restart(tx: Tx, person: PersonId): Promise<void> {
      await store.endPasskeys(tx, person)
      await store.putEnrolment(tx, person, { fromAt: clock.now(), untilAt: later(enrolmentMs) })
    },

    /** How a session began. */
    async began(visitor: SignedIn): Promise<{ readonly way: string | null }> {
      return { way: (await store.suretyOf(db, visitor.session))?.way ?? null }
    },

    /** What a session lacks for a level, and whether its person has a passkey at all. */
    async lacks(visitor: SignedIn, level: Level): Promise<{ readonly missing: readonly Lack[]; readonly hasPasskey: boolean }> {
      const [found, passkeys] = await Promise.all([store.suretyOf(db, visitor.session), store.passkeysOf(db, visitor.person)])
      const byPasskey = found?.way === 'passkey'
      const missing: Lack[] = []
      if (level >= 2 && !byPasskey) missing.push('passkey')
      if (level >= 2 && !found?.curp) missing.push('curp')
      if (level >= 3 && !found?.shown) missing.push('shown')
      if (level >= 3 && byPasskey && found.backedUp !== false) missing.push('bound')
      return { missing, hasPasskey: passkeys.length > 0 }
    },

    /** How surely a session is its person, and since when. */
    async level(session: string): Promise<{ readonly level: Level; readonly authenticatedAt: Date }> {
      const found = await store.suretyOf(db, session)
      if (!found) return { level: 1, authenticatedAt: clock.now() }
      const strong = found.way === 'passkey' && found.curp
      return { level: !strong ? 1 : found.shown && found.backedUp === false ? 3 : 2, authenticatedAt: found.startedAt }
    },

    tidy: (): Promise<void> => store.tidyPasskeys(db, clock.now()),
  }

  async function tell(tx: Tx, person: PersonId, language: Language, template: 'passkey-added' | 'passkey-removed' | 'recovery-begun') {
    const to = (await contactsOf(tx, person)).find((c) => c.confirmed_at !== null)?.address
    if (to) await deps.write(tx, { to, language, template, data: {} }, 7 * dayMs)
  }
}
