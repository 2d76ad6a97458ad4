import { isPlainDate } from '#kernel/time'
import { type Kind, spelled, typed } from './kind.ts'

/** The 32 states' letters in a CURP, and NE for a birth abroad. */
const curpStates = new Set('AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE'.split(' '))
const curpAlphabet = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ'

/** The check digit that the first 17 characters ask for (Instructivo normativo de la CURP; Ñ counts 24). */
export function curpDigit(first17: string): number {
  let sum = 0
  for (let i = 0; i < 17; i++) sum += curpAlphabet.indexOf(first17[i]!) * (18 - i)
  return (10 - (sum % 10)) % 10
}

/** Whether this is a CURP that can have been assigned: its letters, the date inside it, the state. Says nothing about the check digit. */
function isCurpForm(curp: string, today: string): boolean {
  const m = /^[A-Z][AEIOUX][A-Z]{2}(\d{2})(\d{2})(\d{2})[HMX]([A-Z]{2})[B-DF-HJ-NP-TV-Z]{3}([0-9A-Z])\d$/.exec(curp)
  if (!m || !curpStates.has(m[4]!)) return false
  // Position 17 tells the century: a digit for births to 1999, a letter from 2000.
  const birth = `${/\d/.test(m[5]!) ? '19' : '20'}${m[1]}-${m[2]}-${m[3]}`
  return isPlainDate(birth) && birth <= today
}

/**
 * CURP. The form refuses: such a key cannot exist. A check digit that does not fit refuses at first, because nearly always a letter was mistyped;
 * but a person whose document says just that may insist, for whoever is refused here is refused everywhere. The registry decides in the end.
 */
export const curp: Kind = {
  type: 'string',
  read(raw, _question, world, insisted) {
    const value = typed(raw).toUpperCase().replace(/[\s-]/g, '')
    if (value === '') return null
    if (value.length !== 18) return { refused: 'curp-length', parameters: { length: value.length } }
    if (!isCurpForm(value, world.today)) return { refused: 'curp-form' }
    if (curpDigit(value) !== Number(value[17])) {
      return insisted ? { value, doubt: 'curp-digit' } : { refused: 'curp-digit', insist: true }
    }
    return { value }
  },
  shape: () => ({ type: 'text', maxLength: 24, lines: 1, input: 'letters' }),
  show: (value) => String(value),
  say: spelled,
}

const rfcAlphabet = '0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ'

/** The check character that the others ask for (SAT, reply 0610100135506 of 2006-10-18). */
export function rfcDigit(withoutDigit: string): string {
  const padded = withoutDigit.padStart(12, ' ')
  let sum = 0
  for (let i = 0; i < 12; i++) sum += rfcAlphabet.indexOf(padded[i]!) * (13 - i)
  const r = sum % 11
  return r === 0 ? '0' : r === 1 ? 'A' : String(11 - r)
}

/** RFC of a person (13) or a company (12). Real ones break the check digit, the generic one among them: it only raises a doubt. */
export const rfc: Kind = {
  type: 'string',
  read(raw) {
    const value = typed(raw).toUpperCase().replace(/[\s-]/g, '')
    if (value === '') return null
    const m = /^[A-ZÑ&]{3,4}(\d{2})(\d{2})(\d{2})[A-Z0-9]{2}[0-9A]$/.exec(value)
    // The century is not in it: a date of either will do.
    if (!m || !['19', '20'].some((c) => isPlainDate(`${c}${m[1]}-${m[2]}-${m[3]}`))) return { refused: 'rfc-form' }
    return rfcDigit(value.slice(0, -1)) === value.at(-1) ? { value } : { value, doubt: 'rfc-digit' }
  },
  shape: () => ({ type: 'text', maxLength: 16, lines: 1, input: 'letters' }),
  show: (value) => String(value),
  say: spelled,
}

/** A telephone of ten digits; the prefixes people still write before it are taken off. */
export const telephone: Kind = {
  type: 'string',
  read(raw) {
    const written = typed(raw)
    if (written === '') return null
    if (/[^\d\s().+\-/]/.test(written)) return { refused: 'telephone' }
    const digits = written.replace(/\D/g, '')
    const value = /^(?:0052|52|01|044|045)?1?(\d{10})$/.exec(digits)?.[1]
    // No area code of the country begins with 0 or 1.
    if (!value || value[0]! < '2') return { refused: 'telephone' }
    return { value }
  },
  shape: () => ({ type: 'text', maxLength: 20, lines: 1, input: 'digits', autocomplete: 'tel-national' }),
  show: (value) => String(value).replace(/^(\d\d)(\d{4})(\d{4})$/, '$1 $2 $3'),
  say: spelled,
}

/** A postal code: five digits, the first two of a state (01 to 99). */
export const postalCode: Kind = {
  type: 'string',
  read(raw) {
    const value = typed(raw).replaceAll(' ', '')
    if (value === '') return null
    return /^\d{5}$/.test(value) && !value.startsWith('00') ? { value } : { refused: 'postal-code' }
  },
  shape: () => ({ type: 'text', maxLength: 5, lines: 1, input: 'digits', autocomplete: 'postal-code' }),
  show: (value) => String(value),
  say: spelled,
}
