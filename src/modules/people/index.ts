/** Who is acting, and how surely; who read what about me. README.md tells the rules and the tables. */
import type { PersonId, Reference } from '#kernel/id'
import type { Language } from '#kernel/text'
import type { Reply, Request, SignedIn, Visitor, Web } from '#web'
import { type AccountDeps, type Accounts, accounts, sessionLongestMs } from './accounts.ts'
import { browserToken, type Cookies, cookies, deviceOf, holdSession } from './cookies.ts'
import { pages } from './pages.ts'
import type { Level } from './passkeys.ts'
import type { On, Way } from './store.ts'
import { type AccountLines, useInWords } from './views.ts'

export { administers, type Letter, type Person, type Slip, type Use } from './accounts.ts'
export { isPhone, maskEmail, ownPath, parseEmail } from './address.ts'
export { type DemoAccount, seedCrowd, seedDemo } from './demo.ts'
export { type Identity, parseIdentity, rfcCheckHolds } from './identity.ts'
export { acrOf, type Level } from './passkeys.ts'
export type { Hold, PersonalPart } from './personal-data.ts'
export type { SessionStart, Way } from './store.ts'

/** Jobs as people need them; `#jobs` fits. */
type PeopleJobs = AccountDeps['jobs'] & { every(name: string, cron: string, handler: () => Promise<void>): void }

export type PeopleDeps = Omit<AccountDeps, 'jobs'> & {
  readonly jobs: PeopleJobs
  /** Whether `/dev/mail` shows what was sent: the page that asks for a code links to it. */
  readonly devMail?: boolean
  /** Another provider that people may sign in by: its name in words, and where the way there begins. */
  readonly outside?: { readonly name: string; readonly url: string } | null
}

/** The people module. What refuses does so with a `Problem`; each function's own sentence says which. */
export interface People
  extends Pick<
    Accounts,
    | 'allowReceipts'
    | 'askConfirmation'
    | 'askContact'
    | 'confirmByCode'
    | 'confirmContact'
    | 'grants'
    | 'giveRole'
    | 'withdrawRole'
    | 'holders'
    | 'declareIdentity'
    | 'invite'
    | 'inviteToAct'
    | 'inviteToSign'
    | 'letter'
    | 'names'
    | 'ownerOf'
    | 'person'
    | 'persons'
    | 'proved'
    | 'recordRelease'
    | 'recordUse'
    | 'registerAtCounter'
    | 'newAccount'
    | 'restoreAtCounter'
    | 'tellOfCertificate'
    | 'tellOfMandate'
    | 'sessionStart'
    | 'signOut'
    | 'tidy'
    | 'personalData'
    | 'forgetUses'
  > {
  /** Whether codes go out as text messages, so that a telephone number may be typed where an address is. */
  readonly takesPhones: boolean
  /** Who holds the request's session cookie; signed out when none lives. One indexed query, none without a cookie, and no cache. */
  identify(request: Request, language: Language): Promise<Visitor>
  /** The newest uses of the visitor's data by others, at most `most` of the last hundred uses of anybody, each in words. */
  usesByOthers(
    visitor: SignedIn,
    most: number,
  ): Promise<{ readonly at: Date; readonly words: string; readonly reference: Reference | null }[]>
  /** How surely a session is its person, and since when: see decision 0014. */
  level(session: string): Promise<{ readonly level: Level; readonly authenticatedAt: Date }>
  /** A new session, for tests, demonstrations and benches: the cookie as a `cookie` header carries it. */
  startSession(on: On, person: PersonId, way: Way): Promise<{ cookie: string; maxAgeMs: number }>
  /** What binds a code to the browser that asks for it: a cookie of its own, set when there is none. For pages that ask for a contact's code. */
  browserOf(request: Request, reply: Reply): string
  /** Signs this browser in as the person, whom the caller has made sure of; the new session's name. The browser's old session ends. */
  enter(request: Request, reply: Reply, person: PersonId, way: Way): Promise<string>
  /** Adds the pages. `more`: what other parts have for a person, as lines of their account's page. */
  register(web: Web, more?: AccountLines): void
}

/** Opens the module. Its tables exist; `jobs` has a handler of `people.letter` (the messages module) before anything is asked. */
export function openPeople(deps: PeopleDeps): People {
  const own = accounts(deps)
  const names: Cookies = cookies(deps.publicUrl)
  deps.jobs.every('people/tidy', '17 * * * *', own.tidy)
  deps.jobs.every('people/erase-due', '37 * * * *', async () => void (await own.personalData.eraseDue()))

  return {
    allowReceipts: own.allowReceipts,
    askConfirmation: own.askConfirmation,
    askContact: own.askContact,
    confirmByCode: own.confirmByCode,
    confirmContact: own.confirmContact,
    grants: own.grants,
    giveRole: own.giveRole,
    withdrawRole: own.withdrawRole,
    holders: own.holders,
    declareIdentity: own.declareIdentity,
    invite: own.invite,
    inviteToAct: own.inviteToAct,
    inviteToSign: own.inviteToSign,
    letter: own.letter,
    names: own.names,
    ownerOf: own.ownerOf,
    person: own.person,
    persons: own.persons,
    proved: own.proved,
    recordRelease: own.recordRelease,
    recordUse: own.recordUse,
    registerAtCounter: own.registerAtCounter,
    newAccount: own.newAccount,
    restoreAtCounter: own.restoreAtCounter,
    tellOfCertificate: own.tellOfCertificate,
    tellOfMandate: own.tellOfMandate,
    sessionStart: own.sessionStart,
    signOut: own.signOut,
    tidy: own.tidy,
    personalData: own.personalData,
    forgetUses: own.forgetUses,

    takesPhones: deps.phones === true,

    async identify(request, language) {
      const token = request.cookies[names.session]
      const found = token === undefined ? null : await own.session(token)
      if (!found) return { person: null, session: null, language, grants: [] }
      return { person: found.person, session: found.id, language, grants: found.grants }
    },
    async usesByOthers({ person, language }, most) {
      const officeName = (office: string) => deps.officeName?.(office, language) ?? office
      return (await own.uses(person, null, 100))
        .filter((use) => use.actor !== person)
        .slice(0, most)
        .map((use) => ({ at: use.at, words: useInWords(language, person, use, officeName), reference: use.case_reference }))
    },
    level: (session) => own.passkeys.level(session),
    async startSession(on, person, way) {
      return { cookie: `${names.session}=${await own.startSession(on, person, way, 'computer')}`, maxAgeMs: sessionLongestMs }
    },
    async enter(request, reply, person, way) {
      const { token, id } = await own.namedSession(deps.db, person, way, deviceOf(request))
      await holdSession(names, request, reply, token, own.signOut)
      return id
    },
    browserOf: (request, reply) => browserToken(names, request, reply),
    register: (web, more = () => []) => pages(web, own, names, { ...deps, more }),
  }
}
