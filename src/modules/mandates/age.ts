/** Ages as a CURP tells them (RENAPO: six digits of the birth date; the 17th character is a digit for births to 1999). */
import { isPlainDate, type PlainDate } from '#kernel/time'

/** The birthday that a normalised CURP carries; null for what is no CURP. */
export function bornOn(curp: string): PlainDate | null {
  const m = /^.{4}(\d{2})(\d{2})(\d{2}).{6}([A-Z\d])\d$/.exec(curp)
  if (!m) return null
  const date = `${/\d/.test(m[4]!) ? '19' : '20'}${m[1]}-${m[2]}-${m[3]}`
  return isPlainDate(date) ? date : null
}

/** The day on which somebody comes of age (Código Civil Federal, art. 646: eighteen years). Who was born on 29 February does so on 1 March. */
export function eighteenOn(born: PlainDate): PlainDate {
  const date = `${Number(born.slice(0, 4)) + 18}${born.slice(4)}`
  return isPlainDate(date) ? date : `${date.slice(0, 4)}-03-01`
}
