/** How surely somebody is who they are, as other systems are told it. The one place that knows it. */
import type { SessionStart } from '#people'

/** What a level is called between systems: the national levels of assurance of authentication. */
export const acrValues = ['urn:mx:nac:1', 'urn:mx:nac:2', 'urn:mx:nac:3'] as const
export type Acr = (typeof acrValues)[number]

/** The level of a session of this portal; null where it says too little to speak for a person elsewhere: whoever finds a receipt must not become its owner. */
export function acrOf(session: Pick<SessionStart, 'way'>): Acr | null {
  return session.way === 'receipt' || session.way === 'counter' ? null : 'urn:mx:nac:1'
}
