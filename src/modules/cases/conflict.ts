import { createHmac } from 'node:crypto'
import { Problem } from '#kernel/problem'
import type { Keys } from '#keys'
import { parseIdentity } from '#people'

/** A person or company as conflicts know one: a keyed digest of the CURP or RFC, so that the table names nobody. Refuses with `invalid` what is neither. */
export function conflictDigest(keys: Pick<Keys, 'secret'>, typed: string): string {
  const identity = parseIdentity(typed)
  if ('fault' in identity)
    throw new Problem('invalid', 'This is not a CURP or RFC.', {
      fields: [{ pointer: '/identity', code: identity.fault, detail: 'Enter a CURP or RFC.' }],
    })
  return createHmac('sha256', keys.secret('cases/conflicts')).update(`${identity.kind}:${identity.value}`).digest('base64url')
}
