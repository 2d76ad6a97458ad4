/** Who may act for whom: mandates, given and withdrawn by signature and checked at each act; and the public register of helpers. README.md tells the rules. */
import type { Language } from '#kernel/text'
import type { PersonalPart } from '#people'
import type { Web } from '#web'
import { registerHelpers } from './helper-pages.ts'
import { openHelpers, type StandingsOf } from './helpers.ts'
import { type MandatesDeps, type Operations, openOperations } from './mandates.ts'
import { registerMandates } from './pages.ts'
import { text } from './text.ts'
import { mandatesPage } from './views.ts'

export type { Standing } from './helpers.ts'
export { type Acting, type Asked, covers, type Mandate, type MandatesDeps } from './mandates.ts'

export type Mandates = Operations & {
  /** The register of helpers. */
  readonly helpers: ReturnType<typeof openHelpers>
  /** What is kept of a person here, for who asks for it. */
  readonly personal: PersonalPart
  /** What a person's account has of mandates: the way to them. */
  accountLines(language: Language): readonly { readonly href: string; readonly words: string }[]
  /** Adds the pages. `standingsOf` tells the register how cases stand. */
  register(web: Web, standingsOf: StandingsOf): void
}

/** Opens the module. Drafts that nobody signs go after 30 days (job `mandates/tidy`). */
export function openMandates(deps: MandatesDeps): Mandates {
  const own = openOperations(deps)
  const helpers = openHelpers({ db: deps.db, people: deps.people, today: own.today })
  return {
    ...own,
    helpers,
    personal: {
      name: 'mandates',
      async take(visitor) {
        const all = await own.of(visitor)
        return all.map(({ code, kind, state, mine, statement, draftedAt, signedAt, acceptedAt, endedAt }) => ({
          code,
          kind,
          state,
          you: mine,
          statement,
          draftedAt,
          signedAt,
          acceptedAt,
          endedAt,
        }))
      },
      erase: (tx, person) => own.endAll(tx, person),
    },
    accountLines: (language) => [{ href: mandatesPage, words: text(language, 'list.title') }],
    register(web, standingsOf) {
      registerMandates(web, deps, own)
      registerHelpers(web, helpers, standingsOf)
    },
  }
}
