import { isPlainDate } from '#kernel/time'

/** A number that names one person or company in Mexico: CURP (people) or RFC (taxpayers, companies too), normalised. */
export type Identity = { kind: 'curp' | 'rfc'; value: string }

/** Why a typed number is no identity; the words for each stand in the text files under `identity.<reason>`. */
export type IdentityFault = 'shape' | 'date' | 'check' | 'generic'

const curpAlphabet = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ'
const rfcAlphabet = '0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ'

// The 32 states and NE, born abroad.
const birthplaces = new Set('AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE'.split(' '))

const curpShape = /^[A-ZÑ][AEIOUX][A-ZÑ]{2}(\d{6})[HMX]([A-Z]{2})[B-DF-HJ-NÑP-TV-Z]{3}([A-Z\d])\d$/
const rfcShape = /^[A-ZÑ&]{3,4}(\d{6})[A-Z\d]{2}[A\d]$/

// Used on every invoice to a person without RFC or to a foreigner: they name nobody.
const genericRfcs = new Set(['XAXX010101000', 'XEXX010101000'])

/** The 18th character of a CURP, from its first 17 (RENAPO's instruction, weights 18 to 2 over the alphabet with Ñ). */
export function curpCheckDigit(first17: string): string {
  let sum = 0
  for (let i = 0; i < 17; i++) sum += curpAlphabet.indexOf(first17[i]!) * (18 - i)
  return String((10 - (sum % 10)) % 10)
}

/** The last character of an RFC, from the 11 (company) or 12 (person) before it (SAT's algorithm, modulo 11). */
export function rfcCheckDigit(before: string): string {
  const padded = before.padStart(12, ' ')
  let sum = 0
  for (let i = 0; i < 12; i++) sum += rfcAlphabet.indexOf(padded[i]!) * (13 - i)
  const rest = sum % 11
  return rest === 0 ? '0' : rest === 1 ? 'A' : String(11 - rest)
}

/** Whether the last character of a normalised RFC agrees with SAT's algorithm. Some RFCs in force do not: warn, never refuse. */
export function rfcCheckHolds(rfc: string): boolean {
  return rfcCheckDigit(rfc.slice(0, -1)) === rfc.at(-1)
}

/** The birth date a CURP carries: its 17th character is a digit for those born before 2000 and a letter after. */
function curpDate(digits: string, homonymy: string): string {
  return `${/\d/.test(homonymy) ? '19' : '20'}${digits.slice(0, 2)}-${digits.slice(2, 4)}-${digits.slice(4, 6)}`
}

function existsInSomeCentury(digits: string): boolean {
  const rest = `${digits.slice(0, 2)}-${digits.slice(2, 4)}-${digits.slice(4, 6)}`
  return isPlainDate(`19${rest}`) || isPlainDate(`20${rest}`)
}

/**
 * The identity a person meant (lower case, spaces and dashes allowed), or why it is none. A CURP's check digit must hold; an RFC's need not
 * (see `rfcCheckHolds`). The generic RFCs are refused: they are everybody's.
 */
export function parseIdentity(typed: string): Identity | { fault: IdentityFault } {
  const value = typed.normalize('NFC').toUpperCase().replace(/[\s-]/g, '')
  const curp = curpShape.exec(value)
  if (curp) {
    if (!birthplaces.has(curp[2]!)) return { fault: 'shape' }
    if (!isPlainDate(curpDate(curp[1]!, curp[3]!))) return { fault: 'date' }
    return curpCheckDigit(value) === value[17] ? { kind: 'curp', value } : { fault: 'check' }
  }
  const rfc = rfcShape.exec(value)
  if (!rfc) return { fault: 'shape' }
  if (genericRfcs.has(value)) return { fault: 'generic' }
  return existsInSomeCentury(rfc[1]!) ? { kind: 'rfc', value } : { fault: 'date' }
}
