/** What people can do about who they are. Each function is one transaction, or joins the one it is given. */
import { type Db, sqlState, type Tx } from '#db'
import { gather } from '#kernel/gather'
import { newReference, type OfficeId, type PersonId, type Reference, randomId, uuidv7 } from '#kernel/id'
import { type FieldProblem, Problem } from '#kernel/problem'
import type { Language } from '#kernel/text'
import { type Clock, dayMs, hourMs, minuteMs, type PlainDate } from '#kernel/time'
import type { Keys } from '#keys'
import { type Grant, holds, networkOf, type Role, roles, type SignedIn, type Visitor } from '#web'
import { isPhone, maskEmail, maskPhone, parseEmail, parsePhone } from './address.ts'
import { type Identity, parseIdentity } from './identity.ts'
import { openPasskeys } from './passkeys.ts'
import { openPersonalData } from './personal-data.ts'
import { hashToken, keyedHash, newCode, newPrintedSecret, parseCode, parsePrintedSecret, sameHash } from './secrets.ts'
import type { CodePurpose, On, Way } from './store.ts'
import * as store from './store.ts'

/** OWASP ASVS 4.0.3, 3.3.2 at level 2: half an hour idle, twelve hours in all. */
const sessionIdleMs = 30 * minuteMs
export const sessionLongestMs = 12 * hourMs
const touchEveryMs = minuteMs
const mostSessionsAtOnce = 256

export const codeMinutes = 10
const codeTries = 5
const inviteDays = 7
const receiptDays = 400
const counterSlipDays = 30
/** A household shares a telephone. Who is reached for more people than these is a helper, who is registered and has a mandate of each. */
const mostSharing = 3

// How often within a window; in the database, so that they hold over processes. What is counted: an address or number, ten thousand foreign numbers that
// begin alike, a network address, a reference or a person. Five codes of five tries in a quarter of an hour leave a guesser 1 in 40,000; a day's worth, 1 in 10,000.
const limits = {
  'code-address': { most: 5, windowMs: 15 * minuteMs },
  'code-address-day': { most: 20, windowMs: dayMs },
  // Whoever earns by text messages to numbers of their own asks for many beside one another; abroad, where nobody sees it and each costs most.
  'code-range-day': { most: 40, windowMs: dayMs },
  'code-network': { most: 60, windowMs: 15 * minuteMs },
  'try-network': { most: 100, windowMs: 15 * minuteMs },
  'slip-reference': { most: 10, windowMs: hourMs },
  'identity-person': { most: 5, windowMs: dayMs },
  'invite-network': { most: 60, windowMs: 15 * minuteMs },
  'recovery-person': { most: 5, windowMs: dayMs },
} as const

/** A letter to an address or telephone number without an inbox: what the messages module sends when it hears `people.letter`. */
export type Letter = { to: string; language: Language } & (
  | { template: 'sign-in-code' | 'contact-code'; data: { code: string; minutes: number } }
  | { template: 'invite'; data: { link: string; role: Role; office: string; days: number } }
  | { template: 'counter-code'; data: { code: string; minutes: number; reference: Reference } }
  | { template: 'sign-invite'; data: { link: string; service: string; until: PlainDate } }
  | { template: 'mandate-invite'; data: { link: string; until: PlainDate } }
  | { template: 'contact-added'; data: { email: string } }
  | { template: 'phone-added'; data: { phone: string } }
  | {
      template:
        | 'contact-ended'
        | 'contact-removed'
        | 'certificate-issued'
        | 'certificate-revoked'
        | 'passkey-added'
        | 'passkey-removed'
        | 'recovery-begun'
        | MandateNews
        | 'erasure-asked'
        | 'erasure-done'
      data: Record<string, never>
    }
)

/** What a person hears of a mandate that concerns them. */
type MandateNews = `mandate-${'offered' | 'accepted' | 'declined' | 'ended'}`

export type Slip = { reference: Reference; secret: string }

/** A person as other modules may know one. `email` is the proved address that mail goes to, `phone` the proved number. */
export type Person = {
  id: PersonId
  name: string | null
  language: Language
  email: string | null
  phone: string | null
  identities: readonly (Identity & { shownAt: Date | null })[]
}

/** An e-mail address or a telephone number, as somebody typed it. */
export type TypedAddress = { readonly email: string } | { readonly phone: string }

/** What a person confirms at a counter: their own case. */
type Confirmed = { readonly person: PersonId; readonly reference: Reference }

/** The purpose of a use by a system outside: where an office stands else, its name stands, as the person agreed to it. */
export const released = 'release'

/** What the accounts need of their neighbours. */
export type AccountDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly jobs: { add(on: Db | Tx, name: string, data: object): Promise<unknown> }
  readonly keys: Pick<Keys, 'secret' | 'encrypt' | 'decrypt'>
  readonly publicUrl: string
  /** An office's name in words, where the catalogue knows it; its id otherwise. */
  readonly officeName?: (office: string, language: Language) => string | null
  /** In production only a passkey signs an official in. */
  readonly production?: boolean
  /** Whether short messages go out: without them a telephone number is no address here. */
  readonly phones?: boolean
}

export type Accounts = ReturnType<typeof accounts>

// Where a sealed letter belongs: moved to another row it does not open.
const letterPlace = (id: string) => `people_letter/${id}`

const later = (at: Date, ms: number) => new Date(at.getTime() + ms)

function tooMany(): Problem {
  return new Problem('too-many', 'Too many tries in a short time.')
}

function field(pointer: string, code: string, detail: string): Problem {
  return new Problem('invalid', detail, { fields: [{ pointer, code, detail }] })
}

/** The name as it is kept: one line, single spaces. Refuses with `invalid` (`/name`). */
function parseName(typed: string): string {
  const name = typed.normalize('NFC').replace(/\s+/g, ' ').trim()
  if (name.length < 2 || name.length > 200 || /\p{Cc}|\p{Cf}|[<>]/u.test(name)) throw field('/name', 'name', 'Enter the full name.')
  return name
}

function identityOrProblem(typed: string): Identity {
  const identity = parseIdentity(typed)
  if ('fault' in identity) throw field('/identity', `identity-${identity.fault}`, 'This is not a CURP or RFC.')
  return identity
}

/** Name and identity as they are kept. Refuses with one `invalid` that names all that is wrong: nobody mends a form twice. */
function parsePerson(typed: { readonly name: string; readonly identity: string }): { name: string; identity: Identity } {
  const faults: FieldProblem[] = []
  const kept = <T>(parse: () => T): T | null => {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      faults.push(...error.fields)
      return null
    }
  }
  const name = kept(() => parseName(typed.name))
  const identity = kept(() => identityOrProblem(typed.identity))
  if (name === null || identity === null) throw new Problem('invalid', 'The name or the identity is not as it must be.', { fields: faults })
  return { name, identity }
}

/** The operations of accounts: coming in, saying who one is, roles, and who read what. Each is one transaction; refusals are `Problem`s. */
export function accounts({ db, clock, jobs, keys, publicUrl, officeName, production = false, phones = false }: AccountDeps) {
  const findSession = gather(async (hashes: readonly string[]) => {
    const now = clock.now()
    const found = await store.findSessions(db, [...new Set(hashes)], now, later(now, -sessionIdleMs))
    return hashes.map((hash) => found.get(hash) ?? null)
  }, mostSessionsAtOnce)
  const codeKey = keys.secret('people/codes')
  const slipKey = keys.secret('people/slips')
  const limitKey = keys.secret('people/limits')
  const letterKey = keys.secret('people/letters')

  /** The address or number as it is stored. Refuses with `invalid` (`/email`, `/phone`) what is none, and any number where no short messages go out. */
  function addressOf(typed: TypedAddress): string {
    if ('email' in typed) return parseEmail(typed.email)
    if (!phones) throw field('/phone', 'phone', 'No short messages go out from here.')
    return parsePhone(typed.phone)
  }

  /** Adds an event of a contact, by its kind. */
  function noteContact(tx: Tx, person: PersonId, by: PersonId | null, address: string, what: 'added' | 'ended'): Promise<void> {
    return store.addEvent(tx, clock.now(), isPhone(address) ? `phone-${what}` : `contact-${what}`, person, by)
  }

  /** Refuses a fourth person for one address or number; under its lock, so that two at once do not both find room. */
  async function refuseHelpers(tx: Tx, address: string, person: PersonId, provedAlone: boolean): Promise<void> {
    if ((await store.countOthers(tx, address, person, provedAlone)) >= mostSharing)
      throw new Problem('people/helpers-contact', 'This address or number already stands for three people.')
  }

  /** The grant, where its office exists: a slip of the pen would give a duty that nobody can do. */
  function known(grant: Grant): Grant {
    if (grant.office !== null && officeName?.(grant.office, 'es') === null)
      throw field('/office', 'office', `There is no office ${grant.office}. An office's page names it: /offices/<id>.`)
    return grant
  }

  async function within(kind: keyof typeof limits, what: string): Promise<void> {
    const now = clock.now()
    const { most, windowMs } = limits[kind]
    if ((await store.countUp(db, keyedHash(limitKey, kind, what), now, later(now, windowMs))) > most) throw tooMany()
  }

  async function write(tx: Tx, letter: Letter, lastsMs: number): Promise<void> {
    const now = clock.now()
    const id = uuidv7(now.getTime())
    // Sealed, and named by its id alone in the job: neither an address nor a code lies in the queue.
    const box = keys.encrypt(letterKey, Buffer.from(JSON.stringify(letter)), letterPlace(id))
    await store.addLetter(tx, { id, box, expires_at: later(now, lastsMs) })
    await jobs.add(tx, 'people.letter', { id })
  }

  async function newSession(on: On, person: PersonId, way: Way, device: string): Promise<string> {
    return (await namedSession(on, person, way, device)).token
  }

  async function namedSession(on: On, person: PersonId, way: Way, device: string): Promise<{ token: string; id: string }> {
    const now = clock.now()
    const token = randomId(32)
    const id = randomId()
    await store.addSession(on, {
      token_hash: hashToken(token),
      id,
      person,
      way,
      device,
      started_at: now,
      seen_at: now,
      ends_at: later(now, sessionLongestMs),
    })
    return { token, id }
  }

  async function tellEnded(tx: Tx, sessions: readonly string[], next: string | null = null): Promise<void> {
    for (const session of sessions) await jobs.add(tx, 'people.session-ended', { session, next })
  }

  async function newPerson(tx: Tx, language: Language, name: string | null): Promise<PersonId> {
    const now = clock.now()
    const id = uuidv7(now.getTime()) as PersonId
    await store.addPerson(tx, { id, name, language, created_at: now })
    return id
  }

  async function newSlip(tx: Tx, person: PersonId): Promise<Slip> {
    const now = clock.now()
    const slip = { reference: newReference(), secret: newPrintedSecret() }
    const secretHash = keyedHash(slipKey, slip.reference, slip.secret)
    await store.addSlips(tx, [{ reference: slip.reference, person, secretHash }], 'counter', now, later(now, counterSlipDays * dayMs))
    return slip
  }

  /**
   * Sends a code to the address or number. Does and answers the same whether anyone has it. Refuses with `invalid` what is neither and with
   * `too-many` beyond the limits.
   */
  async function askCode(
    asked: TypedAddress & {
      browser: string
      network: string
      language: Language
      /** Whose contact the address becomes. */
      contactOf?: PersonId
      /** A clerk asks: until it is proved the address stands as their note. */
      noted?: boolean
      /** What somebody confirms at a counter. */
      confirms?: Confirmed
    },
  ): Promise<{ address: string }> {
    const address = addressOf(asked)
    await within('code-network', networkOf(asked.network))
    await within('code-address', address)
    await within('code-address-day', address)
    if (isPhone(address) && !address.startsWith('+52')) await within('code-range-day', address.slice(0, -4))
    const now = clock.now()
    const id = uuidv7(now.getTime())
    const code = newCode()
    const { contactOf, confirms, language } = asked
    await db.tx(async (tx) => {
      if (contactOf && asked.noted) {
        await store.lockAddress(tx, address)
        await store.lockPerson(tx, contactOf)
        await refuseHelpers(tx, address, contactOf, false)
        await store.addContact(tx, contactOf, address, now, false)
      }
      await store.putCode(tx, {
        id,
        purpose: confirms ? 'counter' : contactOf ? 'contact' : 'sign-in',
        person: confirms?.person ?? contactOf ?? null,
        address,
        browser_hash: hashToken(asked.browser),
        code_hash: codeHash(id, code, confirms),
        tries: 0,
        created_at: now,
        expires_at: later(now, codeMinutes * minuteMs),
        used_at: null,
      })
      const data = { code, minutes: codeMinutes }
      const letter: Letter = confirms
        ? { to: address, language, template: 'counter-code', data: { ...data, reference: confirms.reference } }
        : { to: address, language, template: contactOf ? 'contact-code' : 'sign-in-code', data }
      await write(tx, letter, codeMinutes * minuteMs)
    })
    return { address }
  }

  /** A code counts for what it was sent for: that of one filing confirms no other. */
  function codeHash(id: string, code: string, confirms?: Confirmed): Buffer {
    return keyedHash(codeKey, confirms ? `${id}/${confirms.person}/${confirms.reference}` : id, code)
  }

  /** Counts the try, then says whether the code is right. */
  async function judgeCode(given: { code: string; browser: string; network: string; confirms?: Confirmed }, purpose: CodePurpose) {
    await within('try-network', networkOf(given.network))
    const found = await store.tryCode(db, hashToken(given.browser), purpose, clock.now(), codeTries)
    if (!found) throw new Problem('people/code-expired', 'This code is over.')
    if (!sameHash(found.code_hash, codeHash(found.id, parseCode(given.code), given.confirms))) {
      throw new Problem('people/code-wrong', 'The code is not right.', {
        fields: [{ pointer: '/code', code: 'code-wrong', detail: `${codeTries - found.tries} tries left.` }],
      })
    }
    return found
  }

  /** What the link would give, and whether its address already has an account; `people/invite-used` when it is used, over or none. */
  async function inviteOf(
    token: string,
    network: string,
  ): Promise<{ email: string; grant: Grant; person: PersonId | null; by: PersonId | null }> {
    await within('invite-network', networkOf(network))
    const found = await store.findInvite(db, hashToken(token), clock.now())
    if (!found) throw new Problem('people/invite-used', 'This link was used or is over.')
    const person = (await store.ownerOf(db, found.email)) ?? null
    return { email: found.email, grant: { role: found.role, office: found.office || null }, person, by: found.invited_by }
  }

  /** The clerk's authority at this office, and that nobody serves oneself. */
  function atCounter(clerk: Visitor, office: OfficeId): PersonId {
    if (clerk.person === null || !holds(clerk, ['clerk', 'official'], office))
      throw new Problem('forbidden', 'Only a clerk of this office.')
    return clerk.person
  }

  /** A clerk must not become an official or an administrator by taking their account over. */
  async function refuseStaff(on: On, person: PersonId): Promise<void> {
    if ((await store.grantsOf(on, person)).length > 0)
      throw new Problem('forbidden', 'This person holds a role: an administrator withdraws it before a counter acts.')
  }

  /** How the visitor came in: the least sure when the session is gone. */
  async function wayOf(visitor: Visitor): Promise<Way> {
    return (visitor.session !== null && (await store.sessionWay(db, visitor.session))) || 'receipt'
  }

  /**
   * Refuses changes of contacts to who came in by a receipt; and by a telephone where there is an e-mail address: of those who share a number one must not
   * bring an address of their own into another's account.
   */
  async function refuseWeak(visitor: Visitor, person: PersonId): Promise<void> {
    const way = await wayOf(visitor)
    if (way === 'receipt' || (way === 'phone' && (await store.findPerson(db, person))?.email))
      throw new Problem('forbidden', 'Sign in by e-mail, or go to any counter.')
  }

  /** Those who have this address, their persons locked: a counter may be taking an account back this moment, and after it the address is no more theirs. */
  async function lockOwners(tx: Tx, address: string): Promise<PersonId[]> {
    const owners = async () => {
      if (isPhone(address)) return (await store.sharersOf(tx, address)).map((c) => c.person)
      const owner = await store.ownerOf(tx, address)
      return owner ? [owner] : []
    }
    for (const person of (await owners()).sort()) await store.lockPerson(tx, person)
    return owners()
  }

  /** The new session of who proved the address, whose mail then comes in the language they read the portal in. */
  async function entered(tx: Tx, person: PersonId, address: string, { language, device }: { language: Language; device: string }) {
    await store.setLanguage(tx, person, language)
    return { person, token: await newSession(tx, person, isPhone(address) ? 'phone' : 'email', device) }
  }

  async function setIdentity(on: Tx, person: PersonId, identity: Identity, shown: boolean): Promise<void> {
    try {
      await store.setIdentity(on, person, identity, clock.now(), shown)
    } catch (error) {
      if (sqlState(error) !== '23505') throw error
      throw new Problem('people/identity-taken', 'Another account has this CURP or RFC.', { cause: error })
    }
  }

  const passkeys = openPasskeys({
    db,
    clock,
    publicUrl,
    production,
    secret: keys.secret('people/passkey-handle'),
    startSession: newSession,
    write,
    within,
    tellEnded,
  })

  const personalData = openPersonalData({
    db,
    clock,
    tellEnded,
    refuseWeak: (visitor) => refuseWeak(visitor, visitor.person),
    passkeysOf: passkeys.summary,
    async tell(tx, person, template) {
      const found = await store.findPerson(tx, person)
      const to = found?.email ?? found?.phone
      if (found && to) await write(tx, { to, language: found.language, template, data: {} }, 7 * dayMs)
    },
  })

  return {
    personalData,
    // ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /**
     * The living session of a cookie. One indexed query and no cache, so a sign-out anywhere holds at once everywhere; requests that come while one is
     * under way are looked up together by the next, which begins after they came.
     */
    async session(token: string): Promise<store.SessionRow | null> {
      if (!/^[\w-]{43}$/.test(token)) return null
      const now = clock.now()
      const hash = hashToken(token)
      const found = await findSession(hash.toString('hex'))
      if (!found) return null
      if (now.getTime() - found.seen_at.getTime() >= touchEveryMs) await store.touchSession(db, hash, now)
      // A paper that was found or handed out, or a telephone that a household shares, signs a citizen in, never an official; in production only a passkey does.
      const isWeak = ['receipt', 'counter', 'phone'].includes(found.way) || (production && found.way !== 'passkey')
      return isWeak ? { ...found, grants: [] } : found
    },

    /** A new session's cookie value. The caller knows how surely it is they. */
    startSession: newSession,
    passkeys,
    /** The same, with the session's name. */
    namedSession,

    /**
     * Ends the session of this cookie value, or of this name. Systems that were entered by it hear `people.session-ended`; where the same person has just come in
     * anew by the cookie `next`, with the name of the session that goes on.
     */
    async signOut(which: { token: string; next?: string } | { session: string }): Promise<void> {
      await db.tx(async (tx) => {
        const ended = await store.endSession(tx, 'token' in which ? { tokenHash: hashToken(which.token) } : { id: which.session })
        if (!ended) return
        const next = 'next' in which && which.next ? await findSession(hashToken(which.next).toString('hex')) : null
        await tellEnded(tx, [ended.id], next?.person === ended.person ? next.id : null)
      })
    },

    /** An account for somebody whom an outside provider vouches for: without a name, an address or an identity, which are theirs to say and prove. */
    async newAccount(tx: Tx, language: Language): Promise<PersonId> {
      const person = await newPerson(tx, language, null)
      await store.addEvent(tx, clock.now(), 'registered', person, person)
      return person
    },

    /** How and when this living session began; null when it is over. */
    async sessionStart(session: string): Promise<store.SessionStart | null> {
      return (await store.sessionStart(db, session)) ?? null
    },

    /** Ends the person's sessions but this one. */
    async endOtherSessions(person: PersonId, session: string): Promise<number> {
      return db.tx(async (tx) => {
        const ended = await store.endSessions(tx, person, session)
        if (ended.length > 0) await store.addEvent(tx, clock.now(), 'sessions-ended', person, person)
        await tellEnded(tx, ended)
        return ended.length
      })
    },

    /** Ends one of the person's sessions, or with null all of them, this one too. Nothing happens for one that is not theirs. */
    async endSession(by: SignedIn, session: string | null): Promise<void> {
      await db.tx(async (tx) => {
        const ended = session === null ? await store.endSessions(tx, by.person) : await store.endOneSession(tx, by.person, session)
        if (ended.length > 0) await store.addEvent(tx, clock.now(), 'sessions-ended', by.person, by.person)
        await tellEnded(tx, ended)
      })
    },

    sessions(person: PersonId) {
      const now = clock.now()
      return store.sessionsOf(db, person, now, later(now, -sessionIdleMs))
    },

    // ── Codes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    askCode,

    /**
     * Signs in whoever proves by the code that the address is theirs; an address nobody has becomes a new account. Where several persons share the number nobody
     * is signed in (`person` null): this browser may say which of them it is, by `choice` and `signInByChoice`. The code counts only in the browser that asked
     * for it. Refuses with `people/code-wrong`, `people/code-expired` (also: used, or five tries gone) and `too-many`.
     */
    async signInByCode(given: {
      code: string
      browser: string
      network: string
      language: Language
      device: string
    }): Promise<{ person: PersonId; token: string } | { person: null }> {
      const { id, address } = await judgeCode(given, 'sign-in')
      return db.tx(async (tx) => {
        const now = clock.now()
        if (!(await store.useCode(tx, id, now))) throw new Problem('people/code-expired', 'This code was used.')
        await store.lockAddress(tx, address)
        const owners = await lockOwners(tx, address)
        if (owners.length > 1) {
          await store.putCode(tx, {
            id: uuidv7(now.getTime()),
            purpose: 'choice',
            person: null,
            address,
            browser_hash: hashToken(given.browser),
            // Nothing more is typed: that this browser gave the right code is the proof.
            code_hash: hashToken(randomId(32)),
            tries: 0,
            created_at: now,
            expires_at: later(now, codeMinutes * minuteMs),
            used_at: null,
          })
          return { person: null }
        }
        let [person] = owners
        if (!person) {
          person = await newPerson(tx, given.language, null)
          await store.addContact(tx, person, address, now, true)
          await store.addEvent(tx, now, 'registered', person, person)
        }
        return entered(tx, person, address, given)
      })
    },

    /** Who shares the number whose code was right in this browser; null where there is no such code, or no more. */
    async choice(browser: string): Promise<{ id: string; name: string | null; openedAt: Date }[] | null> {
      const found = await store.findChoice(db, hashToken(browser), clock.now())
      if (!found) return null
      return (await store.sharersOf(db, found.address)).map(({ id, name, openedAt }) => ({ id, name, openedAt }))
    },

    /**
     * Signs in the one of them whom this browser names by the contact's id; once. Refuses with `people/code-expired` where no choice is open (any more), with
     * `invalid` (`/who`) who does not share the number, and with `too-many`.
     */
    async signInByChoice(given: {
      who: string
      browser: string
      network: string
      language: Language
      device: string
    }): Promise<{ person: PersonId; token: string }> {
      await within('try-network', networkOf(given.network))
      return db.tx(async (tx) => {
        const now = clock.now()
        const found = await store.findChoice(tx, hashToken(given.browser), now)
        if (!found) throw new Problem('people/code-expired', 'There is nothing to choose, or no more.')
        await store.lockAddress(tx, found.address)
        await lockOwners(tx, found.address)
        const chosen = (await store.sharersOf(tx, found.address)).find((c) => c.id === given.who)
        if (!chosen) throw field('/who', 'who', 'Choose one of the people.')
        if (!(await store.useCode(tx, found.id, now))) throw new Problem('people/code-expired', 'This choice was made.')
        return entered(tx, chosen.person, found.address, given)
      })
    },

    /**
     * Sends a code by which the address or number becomes a contact of `person`: asked by the person, or by a clerk for a person who has no proved
     * contact (with one, `restoreAtCounter` is the way, which tells the others). What a clerk asks for stands as a note until it is proved. Refuses with
     * `forbidden` a visitor who came in by a receipt alone, for who finds a paper must not make the account theirs, and one who came in by telephone where
     * there is an e-mail address; and a clerk with `people/helpers-contact` for what already stands for three other persons.
     */
    async askContact(
      by: Visitor,
      person: PersonId,
      asked: TypedAddress & { browser: string; network: string; language: Language; office?: OfficeId },
    ): Promise<{ address: string }> {
      if (by.person === person) {
        await refuseWeak(by, person)
        return askCode({ ...asked, contactOf: person })
      }
      if (!asked.office) throw new Problem('forbidden', 'Only the person, or a clerk at a counter.')
      atCounter(by, asked.office)
      await refuseStaff(db, person)
      if ((await store.contactsOf(db, person)).some((c) => c.confirmed_at !== null))
        throw new Problem('forbidden', 'This person has a contact: with identity shown, take the account back.')
      return askCode({ ...asked, contactOf: person, noted: true })
    },

    /**
     * Proves the contact asked for in this browser; the earlier contacts are told. Refuses as `signInByCode`, with `conflict` when another account has the
     * e-mail address, and with `people/helpers-contact` when three others have the number. What clerks noted and nobody proved keeps nobody from proving it.
     */
    async confirmContact(
      by: Visitor,
      given: { code: string; browser: string; network: string },
    ): Promise<{ person: PersonId; address: string }> {
      const { id, address, person } = await judgeCode(given, 'contact')
      if (!person) throw new Error('A contact code without its person.')
      return db.tx(async (tx) => {
        const now = clock.now()
        if (!(await store.useCode(tx, id, now))) throw new Problem('people/code-expired', 'This code was used.')
        await store.lockAddress(tx, address)
        await store.lockPerson(tx, person)
        const before = (await store.contactsOf(tx, person)).filter((c) => c.confirmed_at !== null)
        if (before.some((c) => c.address === address)) return { person, address }
        if (isPhone(address)) await refuseHelpers(tx, address, person, true)
        else if (await store.ownerOf(tx, address)) throw new Problem('conflict', 'Another account has this address.')
        const { language } = (await store.findPerson(tx, person))!
        await store.addContact(tx, person, address, now, true)
        await noteContact(tx, person, by.person, address, 'added')
        const news: Pick<Letter, 'template' | 'data'> = isPhone(address)
          ? { template: 'phone-added', data: { phone: maskPhone(address) } }
          : { template: 'contact-added', data: { email: maskEmail(address) } }
        for (const c of before) await write(tx, { to: c.address, language, ...news } as Letter, dayMs)
        return { person, address }
      })
    },

    /**
     * Sends a code to the proved contact of the person before the clerk, by which they confirm the filing `reference`; nothing of it is told. It signs
     * nobody in. Refuses with `forbidden` who is no clerk of this office, and with `not-found` where there is no proved contact (then `askContact`).
     */
    async askConfirmation(
      clerk: Visitor,
      confirms: Confirmed,
      asked: { office: OfficeId; browser: string; network: string },
    ): Promise<void> {
      atCounter(clerk, asked.office)
      const row = await store.findPerson(db, confirms.person)
      const to: TypedAddress | null = row?.email ? { email: row.email } : row?.phone ? { phone: row.phone } : null
      if (!row || !to) throw new Problem('not-found', 'This person has no contact.')
      await askCode({ ...to, browser: asked.browser, network: asked.network, language: row.language, confirms })
    },

    /** Whether the code is the one sent for this filing; it counts once, in the browser that asked. Refuses as `signInByCode`. */
    async confirmByCode(
      clerk: Visitor,
      confirms: Confirmed,
      given: { code: string; office: OfficeId; browser: string; network: string },
    ): Promise<void> {
      atCounter(clerk, given.office)
      const { id } = await judgeCode({ ...given, confirms }, 'counter')
      await db.tx(async (tx) => {
        if (!(await store.useCode(tx, id, clock.now()))) throw new Problem('people/code-expired', 'This code was used.')
      })
    },

    /**
     * Takes one of the person's addresses or numbers away and tells it. Refuses with `conflict` the last one, by which alone the person is reached, and with
     * `forbidden` as `askContact`. Nothing happens for an address that is not theirs.
     */
    async endContact(by: SignedIn, id: string): Promise<void> {
      await refuseWeak(by, by.person)
      await db.tx(async (tx) => {
        const now = clock.now()
        await store.lockPerson(tx, by.person)
        const proved = (await store.contactsOf(tx, by.person)).filter((c) => c.confirmed_at !== null)
        if (!proved.some((c) => c.id === id)) return
        if (proved.length === 1) throw new Problem('conflict', 'This is the last address.')
        const address = await store.endContact(tx, by.person, id, now)
        if (address === null) return
        const { language } = (await store.findPerson(tx, by.person))!
        await write(tx, { to: address, language, template: 'contact-removed', data: {} }, dayMs)
        await noteContact(tx, by.person, by.person, address, 'ended')
      })
    },

    // ── Slips: a reference and a printed secret ───────────────────────────────────────────────────────────────────────────────────────

    /**
     * Lets each receipt's reference sign its person in and returns the secrets to print, in the same order. They are kept only as keyed
     * hashes. One statement however many.
     */
    async allowReceipts(on: On, receipts: readonly { reference: Reference; person: PersonId }[]): Promise<string[]> {
      const now = clock.now()
      const secrets = receipts.map(() => newPrintedSecret())
      const rows = receipts.map((r, i) => ({ ...r, secretHash: keyedHash(slipKey, r.reference, secrets[i]!) }))
      if (rows.length > 0) await store.addSlips(on, rows, 'receipt', now, later(now, receiptDays * dayMs))
      return secrets
    },

    /** Signs in by a receipt, or once by a slip from a counter. Refuses with `people/code-wrong` alike whatever is wrong, and `too-many`. */
    async signInBySlip(given: {
      reference: Reference | null
      secret: string
      network: string
      device: string
    }): Promise<{ person: PersonId; token: string }> {
      await within('try-network', networkOf(given.network))
      const wrong = new Problem('people/code-wrong', 'The reference or the secret is not right.')
      const { reference } = given
      if (reference === null) throw wrong
      await within('slip-reference', reference)
      const found = await store.findSlip(db, reference, clock.now())
      // Computed also when there is no such reference, so that time tells nothing either.
      const hash = keyedHash(slipKey, reference, parsePrintedSecret(given.secret))
      if (!sameHash(found?.secret_hash ?? Buffer.alloc(32), hash) || !found) throw wrong
      return db.tx(async (tx) => {
        // A counter may have ended the slip while we looked.
        await store.lockPerson(tx, found.person)
        if (!(await store.findSlip(tx, reference, clock.now()))) throw wrong
        if (found.kind === 'counter' && !(await store.endSlip(tx, reference))) throw wrong
        return { person: found.person, token: await newSession(tx, found.person, found.kind, given.device) }
      })
    },

    // ── Who a person is ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async person(on: On, id: PersonId): Promise<Person | null> {
      const row = await store.findPerson(on, id)
      if (!row) return null
      return { ...row, identities: row.identities.map((i) => ({ kind: i.kind, value: i.value, shownAt: i.shown_at })) }
    },

    /** The same for many, by one statement. Who is not registered is left out. */
    async persons(on: On, ids: readonly PersonId[]): Promise<Map<PersonId, Person>> {
      if (ids.length === 0) return new Map()
      const rows = await store.findPersons(on, ids)
      return new Map(
        rows.map((r) => [r.id, { ...r, identities: r.identities.map((i) => ({ kind: i.kind, value: i.value, shownAt: i.shown_at })) }]),
      )
    },

    async names(on: On, ids: readonly PersonId[]): Promise<Map<PersonId, string | null>> {
      return new Map((await store.namesOf(on, ids)).map((r) => [r.id, r.name]))
    },

    /**
     * The person says who they are. Refuses with `invalid` (`/name`, `/identity`), with `people/identity-taken` when another account has the number
     * (any counter gives it back to who shows it), with `conflict` when a clerk has seen another number: then only a counter changes it, and with
     * `forbidden` who came in by a receipt and would change what was said before.
     */
    async declareIdentity(by: SignedIn, typed: { name: string; identity: string }): Promise<void> {
      const { person } = by
      const { name, identity } = parsePerson(typed)
      // Whether a number is taken is told here alone, and seldom: five tries a day do not list the country.
      await within('identity-person', person)
      await db.tx(async (tx) => {
        await store.lockPerson(tx, person)
        const found = await store.findPerson(tx, person)
        const had = found?.identities.find((i) => i.kind === identity.kind)
        if (found && found.identities.length > 0 && (await wayOf(by)) === 'receipt')
          throw new Problem('forbidden', 'Sign in by e-mail, or go to any counter.')
        if (had?.shown_at && (had.value !== identity.value || found?.name !== name))
          throw new Problem('conflict', 'A clerk has seen this identity: it changes at a counter only.')
        if (had?.value !== identity.value) {
          await setIdentity(tx, person, identity, false)
          await store.addEvent(tx, clock.now(), 'identified', person, person)
        }
        await store.setName(tx, person, name)
      })
    },

    contacts: (person: PersonId) => store.contactsOf(db, person),
    events: (person: PersonId, limit = 50) => store.eventsOf(db, person, limit),

    // ── At the counter ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /**
     * Registers the person who stands before the clerk with their identity in hand. A known identity comes back as `known`, changed in nothing and
     * without a slip: to take an account over is `restoreAtCounter`, which is told. Refuses with `forbidden` and `invalid`.
     */
    async registerAtCounter(
      tx: Tx,
      clerk: Visitor,
      office: OfficeId,
      shown: { identity: string; name: string; language: Language },
    ): Promise<{ person: PersonId; known: boolean; slip: Slip | null }> {
      const by = atCounter(clerk, office)
      const { name, identity } = parsePerson(shown)
      const found = await store.findIdentity(tx, identity)
      if (found) return { person: found.person, known: true, slip: null }
      const now = clock.now()
      const person = await newPerson(tx, shown.language, name)
      await setIdentity(tx, person, identity, true)
      await store.addEvent(tx, now, 'registered-at-counter', person, by, { role: null, office })
      return { person, known: false, slip: await newSlip(tx, person) }
    },

    /**
     * Whoever has this identity, where a signature or a clerk has just proved it: registered without a way in where nobody has. A number that another account only claims is taken from it: what
     * is proved goes before what is said. `by`: the clerk; null for a signature. Refuses with `invalid`.
     */
    async proved(
      tx: Tx,
      given: { name: string; identity: string; language: Language; by: PersonId | null; office: OfficeId | null },
    ): Promise<PersonId> {
      const { name, identity } = parsePerson(given)
      const now = clock.now()
      const found = await store.findIdentity(tx, identity)
      if (found?.shown_at) return found.person
      if (found) {
        await store.dropIdentity(tx, found.person, identity)
        await store.addEvent(tx, now, 'identity-lost', found.person, given.by)
      }
      const person = await newPerson(tx, given.language, name)
      await setIdentity(tx, person, identity, true)
      await store.addEvent(tx, now, given.by === null ? 'registered' : 'registered-at-counter', person, given.by, {
        role: null,
        office: given.office,
      })
      return person
    },

    /**
     * Gives the account of this identity to the person who shows it: every other contact, session and printed secret ends; cases and places stay.
     * `email`, when it is already proved, is kept. The contacts that end are told by mail, the person sees the act on *who looked at my data*.
     * Refuses with `forbidden` (also for who holds a role: an administrator withdraws it first), `invalid`, and `not-found` when nobody has the identity.
     */
    async restoreAtCounter(
      tx: Tx,
      clerk: Visitor,
      office: OfficeId,
      shown: { identity: string; name: string; email: string | null },
    ): Promise<{ person: PersonId; slip: Slip }> {
      const by = atCounter(clerk, office)
      const { name, identity } = parsePerson(shown)
      const keep = shown.email === null ? null : parseEmail(shown.email)
      const found = await store.findIdentity(tx, identity)
      if (!found) throw new Problem('not-found', 'Nobody is registered with this identity.')
      const { person } = found
      if (person === by) throw new Problem('forbidden', 'Nobody serves oneself.')
      await refuseStaff(tx, person)
      const now = clock.now()
      await store.lockPerson(tx, person)
      const { language } = (await store.findPerson(tx, person))!
      await store.setName(tx, person, name)
      await store.setIdentity(tx, person, identity, now, true)
      await tellEnded(tx, await store.endSessions(tx, person))
      await store.endSlips(tx, person)
      await passkeys.restart(tx, person)
      for (const ended of await store.endContacts(tx, person, now, keep)) {
        if (!ended.confirmed_at) continue
        await noteContact(tx, person, by, ended.address, 'ended')
        await write(tx, { to: ended.address, language, template: 'contact-ended', data: {} }, dayMs)
      }
      await store.addEvent(tx, now, 'restored', person, by, { role: null, office })
      await store.addUses(tx, now, [{ subject: person, actor: by, office, purpose: 'restore' }])
      return { person, slip: await newSlip(tx, person) }
    },

    // ── Roles and invites ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /**
     * A one-time link, good for seven days, that gives the role; it is also sent to the address. `by` is null from the command line. Refuses with `invalid`
     * an unknown role, and a role of an office without one.
     */
    async invite(
      by: Visitor | null,
      typed: { email: string; role: string; office: string | null; language: Language },
    ): Promise<{ link: string; expiresAt: Date }> {
      if (by && !administers(by)) throw new Problem('forbidden', 'Only an administrator invites.')
      const email = parseEmail(typed.email)
      const grant = known(parseGrant(typed.role, typed.office))
      const now = clock.now()
      const token = randomId(32)
      const link = new URL(`/invites/${token}`, publicUrl).href
      const expiresAt = later(now, inviteDays * dayMs)
      await db.tx(async (tx) => {
        await store.addInvite(tx, {
          token_hash: hashToken(token),
          email,
          role: grant.role,
          office: grant.office ?? '',
          invited_by: by?.person ?? null,
          created_at: now,
          expires_at: expiresAt,
          used_at: null,
          used_by: null,
        })
        const data = { link, role: grant.role, office: grant.office ?? '', days: inviteDays }
        await write(tx, { to: email, language: typed.language, template: 'invite', data }, inviteDays * dayMs)
      })
      return { link, expiresAt }
    },

    inviteOf,

    /** A letter to somebody who is to sign another's application: `link` is theirs alone, and the letter goes with the day after `until`. In the caller's transaction. Refuses with `invalid`. */
    async inviteToSign(
      tx: Tx,
      given: { email: string; language: Language; link: string; service: string; until: PlainDate },
    ): Promise<void> {
      const { link, service, until } = given
      const lastsMs = Math.max(dayMs, new Date(until).getTime() + 2 * dayMs - clock.now().getTime())
      await write(
        tx,
        { to: parseEmail(given.email), language: given.language, template: 'sign-invite', data: { link, service, until } },
        lastsMs,
      )
    },

    /** A letter to a person whose certificate was issued or revoked, where they have a proved address or number: who did not ask for it must know at once. In the caller's transaction. */
    async tellOfCertificate(tx: Tx, person: PersonId, given: { event: 'issued' | 'revoked'; language: Language }): Promise<void> {
      const to = (await store.contactsOf(tx, person)).find((c) => c.confirmed_at !== null)?.address
      if (to) await write(tx, { to, language: given.language, template: `certificate-${given.event}`, data: {} }, 7 * dayMs)
    },

    /** A letter to somebody who is asked to act for another: `link` is theirs alone. In the caller's transaction. Refuses with `invalid`. */
    async inviteToAct(tx: Tx, given: { email: string; language: Language; link: string; until: PlainDate }): Promise<void> {
      const { link, until } = given
      await write(
        tx,
        { to: parseEmail(given.email), language: given.language, template: 'mandate-invite', data: { link, until } },
        7 * dayMs,
      )
    },

    /** A letter to a person about a mandate of theirs, where they have a proved address. In the caller's transaction. */
    async tellOfMandate(tx: Tx, person: PersonId, event: 'offered' | 'accepted' | 'declined' | 'ended'): Promise<void> {
      const found = await store.findPerson(tx, person)
      const to = found?.email ?? found?.phone
      if (found && to) await write(tx, { to, language: found.language, template: `mandate-${event}`, data: {} }, 7 * dayMs)
    },

    /**
     * Takes the invite. For an address with an account only its signed-in person may: a link made by an administrator must not open somebody's
     * account. For a new address the link itself makes the account and signs in (`token`). Refuses as `inviteOf`, `sign-in-first`, `forbidden`.
     */
    async takeInvite(
      visitor: Visitor,
      link: string,
      given: { name: string; language: Language; network: string; device: string },
    ): Promise<{ person: PersonId; token: string | null }> {
      const { email, grant, by } = await inviteOf(link, given.network)
      return db.tx(async (tx) => {
        const now = clock.now()
        await store.lockAddress(tx, email)
        const owner = await store.ownerOf(tx, email)
        if (owner && visitor.person === null) throw new Problem('sign-in-first', 'Sign in with the address of the invitation.')
        if (owner && visitor.person !== owner) throw new Problem('forbidden', 'The invitation is for another account.')
        let person = owner
        let token: string | null = null
        if (!person) {
          person = await newPerson(tx, given.language, parseName(given.name))
          await store.addContact(tx, person, email, now, true)
          await store.addEvent(tx, now, 'registered', person, person)
          token = await newSession(tx, person, 'invite', given.device)
        }
        if (!(await store.useInvite(tx, hashToken(link), person, now))) throw new Problem('people/invite-used', 'This link was used.')
        if (await store.addGrant(tx, person, grant, now, by)) await store.addEvent(tx, now, 'role-given', person, by, grant)
        await passkeys.allow(tx, person)
        return { person, token }
      })
    },

    /** Gives a role; nothing when it is held. `by` is null from the command line and for demonstrations. */
    async giveRole(on: Tx, by: Visitor | null, person: PersonId, grant: Grant): Promise<void> {
      if (by && !administers(by)) throw new Problem('forbidden', 'Only an administrator gives roles.')
      const { role, office } = known(parseGrant(grant.role, grant.office))
      if (!(await store.findPerson(on, person))) throw new Problem('not-found', 'There is no such person.')
      const now = clock.now()
      if (await store.addGrant(on, person, { role, office }, now, by?.person ?? null))
        await store.addEvent(on, now, 'role-given', person, by?.person ?? null, { role, office })
      await passkeys.allow(on, person)
    },

    /** Withdraws a role and ends the person's sessions. Refuses with `conflict` to withdraw the last administrator. */
    async withdrawRole(on: Tx, by: Visitor | null, person: PersonId, grant: Grant): Promise<void> {
      if (by && !administers(by)) throw new Problem('forbidden', 'Only an administrator withdraws roles.')
      if (grant.role === 'admin' && grant.office === null) {
        const admins = await store.lockHolders(on, 'admin', null)
        if (admins.length === 1 && admins[0]!.person === person) throw new Problem('conflict', 'This is the last administrator.')
      }
      if (!(await store.removeGrant(on, person, grant))) return
      await tellEnded(on, await store.endSessions(on, person))
      await store.addEvent(on, clock.now(), 'role-withdrawn', person, by?.person ?? null, grant)
      await jobs.add(on, 'people.role-withdrawn', { person, role: grant.role, office: grant.office })
    },

    grants: (on: On, person: PersonId) => store.grantsOf(on, person),
    holders: (on: On, role: Role, office: OfficeId) => store.holdersOf(on, role, office),
    staff: () => store.staff(db),
    ownerOf: (email: string) => store.ownerOf(db, parseEmail(email)),

    // ── Who looked, letters, tidying ──────────────────────────────────────────────────────────────────────────────────────────────────

    /** Records who used whose data and for what, in the caller's transaction; one statement however many. */
    async recordUse(on: On, uses: readonly Use[]): Promise<void> {
      if (uses.length > 0) await store.addUses(on, clock.now(), uses)
    },

    /** Notes, before they are released, that a system outside this portal gets data of this person. `recipient` is its name, for the person to read. */
    recordRelease(on: On, subject: PersonId, recipient: string): Promise<void> {
      return store.addUses(on, clock.now(), [{ subject, actor: null, office: recipient as OfficeId, purpose: released }])
    },

    /** Forgets who used what of one case of a person's. */
    forgetUses: (tx: Tx, person: PersonId, reference: Reference): Promise<void> => store.forgetUses(tx, person, reference),

    uses: (person: PersonId, before: string | null, limit: number) => store.usesOf(db, person, before, limit),

    /** The letter of a `people.letter` job; null once it has expired. */
    async letter(id: string): Promise<Letter | null> {
      const found = await store.findLetter(db, id, clock.now())
      return found ? (JSON.parse(keys.decrypt(letterKey, found.box, letterPlace(id)).toString()) as Letter) : null
    },

    tidy: async () => {
      await store.tidy(db, clock.now())
      await passkeys.tidy()
    },
  }
}

/** One use of somebody's data. `actor` null: the system itself. `purpose` is a word with a text under `use.<purpose>` where people knows it. */
export type Use = {
  subject: PersonId
  actor: PersonId | null
  office?: OfficeId | null
  caseReference?: Reference | null
  keyId?: string | null
  purpose: string
  /** The actor acts for the subject, by a mandate: the subject reads their name. */
  represents?: boolean
}

/** Whether the visitor administers the portal; a role over one office does not. */
export function administers(visitor: Visitor): boolean {
  return visitor.grants.some((g) => g.role === 'admin' && g.office === null)
}

const officeless: readonly Role[] = ['analyst', 'control', 'admin']

/** A role and its office as typed. Refuses with `invalid` (`/role`, `/office`). */
export function parseGrant(role: string, office: string | null): Grant {
  if (!(roles as readonly string[]).includes(role)) throw field('/role', 'role', `The roles are ${roles.join(', ')}.`)
  const place = office?.trim() || null
  if (place !== null && !/^[a-z0-9-]{1,100}$/.test(place))
    throw field('/office', 'office', 'An office is named by its id, such as registro-civil-09015.')
  if (place === null && !officeless.includes(role as Role)) throw field('/office', 'office', `The role ${role} is held at an office.`)
  return { role: role as Role, office: place as OfficeId | null }
}
