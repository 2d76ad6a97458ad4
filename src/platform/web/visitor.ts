import type { OfficeId, PersonId } from '#kernel/id'
import type { Language } from '#kernel/text'

/** What somebody may be in the system. A grant binds a role to an office; `admin`, `analyst` and `control` may have none. */
export const roles = ['clerk', 'official', 'supervisor', 'analyst', 'control', 'admin'] as const
export type Role = (typeof roles)[number]

/** A role held, and where. */
export type Grant = { readonly role: Role; readonly office: OfficeId | null }

/** Who is at the other end of a request. Signed out: `person` and `session` are null. */
export type Visitor = {
  readonly person: PersonId | null
  /** A name of the session that is safe to compare and to log: never the cookie itself. */
  readonly session: string | null
  readonly language: Language
  readonly grants: readonly Grant[]
  /** Messages they have not read, counted up to 100: for the header of a page. Left out where nobody counted. */
  readonly unread?: number
}

/** A visitor who is signed in. */
export type SignedIn = Visitor & { readonly person: PersonId; readonly session: string }

/** Who may call a route: anyone, anyone signed in, or a holder of one of these roles (at any office; the operation checks which). */
export type Access = 'public' | 'signed-in' | { readonly roles: readonly Role[] }

/** Whether the visitor holds one of the roles, at the given office when one is named. */
export function holds(visitor: Visitor, some: readonly Role[], office?: OfficeId): boolean {
  return visitor.grants.some((g) => some.includes(g.role) && (office === undefined || g.office === office))
}

/** Whether `access` lets this visitor in; `sign-in` when signing in might. */
export function admits(access: Access, visitor: Visitor): 'yes' | 'sign-in' | 'no' {
  if (access === 'public') return 'yes'
  if (visitor.person === null) return 'sign-in'
  if (access === 'signed-in') return 'yes'
  return holds(visitor, access.roles) ? 'yes' : 'no'
}
