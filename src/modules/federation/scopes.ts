/** What a system may ask to know of a person: the scopes, and the claims each of them opens. */
import type { Person } from '#people'

/** The claims behind each scope of personal data. */
export const claimsOf = {
  profile: ['name'],
  email: ['email', 'email_verified'],
  curp: ['curp'],
  rfc: ['rfc'],
} as const satisfies Record<string, readonly string[]>

export type PersonalScope = keyof typeof claimsOf

/** Every scope there is. `offline_access`: to go on after the person has left. */
export const scopes = ['openid', ...(Object.keys(claimsOf) as PersonalScope[]), 'offline_access'] as const
export type Scope = (typeof scopes)[number]

export const isScope = (word: string): word is Scope => (scopes as readonly string[]).includes(word)
export const isPersonal = (word: string): word is PersonalScope => Object.hasOwn(claimsOf, word)

/** What a scope tells of this person, in the person's own words; null where there is nothing to tell. */
export function toldOf(person: Person, scope: PersonalScope): string | null {
  if (scope === 'profile') return person.name
  if (scope === 'email') return person.email
  return person.identities.find((i) => i.kind === scope)?.value ?? null
}

/** The claims of these scopes, those without a value left out. */
export function claimsFor(person: Person, granted: readonly string[]): Record<string, string | boolean> {
  const claims: Record<string, string | boolean> = {}
  for (const scope of granted.filter(isPersonal)) {
    const value = toldOf(person, scope)
    if (value === null) continue
    claims[claimsOf[scope][0]] = value
    // An address becomes one's own only by a code that was sent there.
    if (scope === 'email') claims.email_verified = true
  }
  return claims
}
