/** How surely somebody is who they are, as other systems are told it and as they tell us. The one place that knows it. */
import { acrOf, type Level, type SessionStart } from '#people'
import type { OutsideSession } from './store.ts'

export type { Level } from '#people'

const levels: readonly Level[] = [1, 2, 3]

/** What the levels are called between systems: the national levels of assurance of authentication. */
export const acrValues: readonly string[] = levels.map(acrOf)

/** Which level an outside provider's `acr` means here. */
export type LevelsByAcr = Readonly<Record<string, Level>>

/** The level that an outside provider asserted: what is not in the map, or not said at all, is the lowest. */
export function levelOf(acr: unknown, levels: LevelsByAcr): Level {
  if (typeof acr !== 'string') return 1
  return Object.hasOwn(levels, acr) ? levels[acr]! : acr === 'urn:mx:nac:3' ? 3 : acr === 'urn:mx:nac:2' ? 2 : 1
}

/**
 * How surely, and since when, the person of a session of this portal is known; null where the session says too little to speak for a person elsewhere: whoever
 * finds a receipt must not become its owner. `level` is the session's own (`people.level`); one that began by an outside provider says what that provider said, and no more.
 */
export function assuranceOf(session: SessionStart, level: Level, outside: OutsideSession | null): { acr: string; since: Date } | null {
  if (session.way === 'receipt' || session.way === 'counter') return null
  return outside ? { acr: acrOf(outside.level), since: outside.authenticated_at } : { acr: acrOf(level), since: session.startedAt }
}

/** The least level that a request is content with (`acr_values`, OpenID Connect Core 3.1.2.1); 1 where it names none that we know. */
export function wantedLevel(acrValuesAsked: unknown): Level {
  if (typeof acrValuesAsked !== 'string') return 1
  const known = acrValuesAsked.split(' ').flatMap((acr) => levels.filter((level) => acrOf(level) === acr))
  return known.length === 0 ? 1 : (Math.min(...known) as Level)
}
