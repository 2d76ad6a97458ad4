import type { Tx } from '#db'
import type { CaseId, OfficeId, PersonId } from '#kernel/id'
import type { Keys } from '#keys'
import type { People } from '#people'
import type { Case } from './store.ts'

/** Why a case's key was used, as the person reads it on *who looked at my data*. */
export type Purpose =
  | 'fill-in'
  | 'file'
  | 'read-own'
  | 'serve'
  | 'decide'
  | 'message'
  | 'silence'
  | 'print'
  | 'paper'
  | 'take-at-counter'
  | 'sign'
  | 'export'
  | 'erase'

/** Who uses a case's key, where and why. `person` is null for the system itself; `represents`: by the applicant's mandate. */
export type Use = {
  readonly person: PersonId | null
  readonly office: OfficeId | null
  readonly purpose: Purpose
  readonly represents?: boolean
}

/** A case's open vault. What is sealed in one case, or under one name, opens in no other. */
export type OpenVault = {
  /** Seals JSON under a name such as `answers`. */
  seal(name: string, value: unknown): Buffer
  /** Opens what `seal` made under the same name. Throws when it was moved, altered or made for another case. */
  open<T>(name: string, box: Buffer): T
  readonly key: Buffer
}

/** What a case's key lies under and how its use is told. */
export type Vault = {
  /** A fresh key for a new case. */
  fresh(id: CaseId): { wrapped: Buffer; vault: OpenVault }
  /** Opens a case's vault; the use is recorded in the same transaction, so it cannot be had in silence. */
  use(tx: Tx, c: Pick<Case, 'id' | 'key' | 'applicant' | 'reference'>, use: Use): Promise<OpenVault>
  /** The same for many at once, recorded by one statement. */
  useMany(tx: Tx, all: readonly { c: Pick<Case, 'id' | 'key' | 'applicant' | 'reference'>; use: Use }[]): Promise<OpenVault[]>
}

/** Opens the vaults of cases. */
export function openVaults(deps: {
  keys: Pick<Keys, 'newDataKey' | 'unwrap' | 'encrypt' | 'decrypt'>
  people: Pick<People, 'recordUse'>
}): Vault {
  const { keys, people } = deps
  const vaultOf = (id: CaseId, key: Buffer): OpenVault => ({
    key,
    seal: (name, value) => keys.encrypt(key, Buffer.from(JSON.stringify(value)), `${id}/${name}`),
    open: <T>(name: string, box: Buffer) => JSON.parse(keys.decrypt(key, box, `${id}/${name}`).toString('utf8')) as T,
  })
  return {
    fresh(id) {
      const { key, wrapped } = keys.newDataKey()
      return { wrapped, vault: vaultOf(id, key) }
    },
    async use(tx, c, use) {
      return (await this.useMany(tx, [{ c, use }]))[0]!
    },
    async useMany(tx, all) {
      if (all.length === 0) return []
      await people.recordUse(
        tx,
        all.map(({ c, use }) => ({
          subject: c.applicant,
          actor: use.person,
          office: use.office,
          caseReference: c.reference,
          keyId: c.id,
          purpose: use.purpose,
          represents: use.represents === true,
        })),
      )
      return all.map(({ c }) => vaultOf(c.id, keys.unwrap(c.key)))
    },
  }
}
