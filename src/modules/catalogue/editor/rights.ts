/** Who may write what, and who may be the second person. Decided by the grants of the role `analyst`: for the whole portal, or at an office. */
import type { Db, Tx } from '#db'
import type { SignedIn } from '#web'
import * as store from '../store.ts'

/** What a draft is about: a base's id, or a place's key; the other is `''`. */
export type Target = { readonly base: string; readonly place: string }

const analystAt = (visitor: SignedIn) => visitor.grants.filter((g) => g.role === 'analyst').map((g) => g.office as string | null)

/**
 * Whether this analyst may write it. Bases of states and towns are one for all, so only an analyst of the whole portal writes them; an agency's analyst
 * writes its federal services, a state's or a town's its own adoptions.
 */
export function mayWrite(visitor: SignedIn, { base, place }: Target): boolean {
  return analystAt(visitor).some((office) => {
    if (office === null) return true
    if (place !== '') return office === `${place.length === 2 ? 'state' : 'mun'}-${place}`
    return base.startsWith(`federal/${office}/`)
  })
}

/** Whether this analyst may be the second person, apart from who wrote it: who may write it, and for a town also its state and a paired town. */
export async function mayApprove(on: Db | Tx, visitor: SignedIn, target: Target): Promise<boolean> {
  if (mayWrite(visitor, target)) return true
  const { place } = target
  if (place.length !== 5) return false
  for (const office of analystAt(visitor)) {
    if (office === `state-${place.slice(0, 2)}`) return true
    const own = /^mun-(\d{5})$/.exec(office ?? '')?.[1]
    if (own !== undefined && (await store.paired(on, own, place))) return true
  }
  return false
}

/** The places whose adoptions this analyst writes; null for every place there is. */
export function ownPlaces(visitor: SignedIn): readonly string[] | null {
  const offices = analystAt(visitor)
  if (offices.includes(null)) return null
  return offices.flatMap((o) => /^(?:state-(\d{2})|mun-(\d{5}))$/.exec(o!)?.slice(1).find(Boolean) ?? [])
}

/** The agencies whose federal services this analyst writes; null for every level and agency. */
export function ownAgencies(visitor: SignedIn): readonly string[] | null {
  const offices = analystAt(visitor)
  return offices.includes(null) ? null : (offices.filter((o) => o !== null && !/^(state|mun)-\d/.test(o)) as string[])
}
