/** Why something was not signed. One closed list: each reason has its sentence in every language (`text.browser.*.json`, `refused.<reason>`) and the field it is about. */

/** Each reason and the field that can mend it; `statement` is no field. */
export const reasons = {
  'statement-differs': 'statement',
  'statement-missing': 'statement',
  'statement-unreadable': 'statement',
  'no-crypto': 'statement',
  failed: 'statement',
  'certificate-missing': 'certificate',
  'certificate-unreadable': 'certificate',
  'certificate-is-key': 'certificate',
  'certificate-early': 'certificate',
  'certificate-expired': 'certificate',
  'certificate-usage': 'certificate',
  'certificate-algorithm': 'certificate',
  'key-missing': 'key',
  'key-unreadable': 'key',
  'key-is-certificate': 'key',
  'key-unprotected': 'key',
  'key-pbes1': 'key',
  'key-scrypt': 'key',
  'key-encryption': 'key',
  'key-iterations': 'key',
  'key-algorithm': 'key',
  'pair-mismatch': 'key',
  'passphrase-missing': 'passphrase',
  'passphrase-wrong': 'passphrase',
  'passphrase-short': 'passphrase',
  'passphrase-differs': 'repeated',
} as const

export type Reason = keyof typeof reasons

/** The person's files, or what they typed, do not do. `at`: the instant that the reason's sentence names. */
export class Refused extends Error {
  readonly reason: Reason
  readonly at: Date | undefined
  constructor(reason: Reason, at?: Date) {
    super(reason)
    this.reason = reason
    this.at = at
  }
}
