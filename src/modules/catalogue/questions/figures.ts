import { moneyText, pesos } from '#kernel/money'
import { formatDate, formatNumber } from '#kernel/text'
import { isPlainDate } from '#kernel/time'
import type { SingleQuestion } from '../definition.ts'
import { type Kind, type Reading, typed } from './kind.ts'

const limits = (question: SingleQuestion) => ({
  ...('min' in question && question.min !== undefined ? { min: question.min } : {}),
  ...('max' in question && question.max !== undefined ? { max: question.max } : {}),
})

function within(n: number, question: SingleQuestion): Reading {
  const { min, max } = limits(question)
  if (min !== undefined && n < min) return { refused: 'too-small', parameters: { min } }
  if (max !== undefined && n > max) return { refused: 'too-big', parameters: { max } }
  return null
}

/** A number as people write it: commas between thousands, a point before decimals, at most six. */
export const number: Kind = {
  type: 'number',
  read(raw, question) {
    const written = typed(raw).replaceAll(' ', '')
    if (written === '') return null
    if (!/^-?(\d{1,12}|\d{1,3}(,\d{3}){1,3})(\.\d{1,6})?$/.test(written)) return { refused: 'number' }
    const value = Number(written.replaceAll(',', ''))
    return within(value, question) ?? { value }
  },
  shape: (question) => ({ type: 'number', ...limits(question) }),
  show: (value, _label, world) => formatNumber(world.language, Number(value)),
}

/** An amount in pesos. Stored as text with two decimals: sums never pass through a binary fraction. */
export const money: Kind = {
  type: 'money',
  read(raw, question) {
    const written = typed(raw)
      .replace(/^(mxn|\$)/i, '')
      .replace(/(mxn|pesos|m\.n\.)$/i, '')
      .replaceAll(' ', '')
    if (written === '') return typed(raw) === '' ? null : { refused: 'money' }
    if (!/^(\d{1,12}|\d{1,3}(,\d{3}){1,3})(\.\d{1,2})?$/.test(written)) return { refused: 'money' }
    const value = moneyText(pesos(written.replaceAll(',', ''))).replace(' MXN', '')
    return within(Number(value), question) ?? { value }
  },
  shape: (question) => ({ type: 'money', ...limits(question) }),
  show: (value, _label, world) => `$${withThousands(String(value), world.language)}`,
}

function withThousands(amount: string, language: 'es' | 'en'): string {
  const [whole, cents] = amount.split('.') as [string, string]
  return `${formatNumber(language, Number(whole))}.${cents}`
}

const months = [
  ['ene', 'jan'],
  ['feb', 'feb'],
  ['mar', 'mar'],
  ['abr', 'apr'],
  ['may', 'may'],
  ['jun', 'jun'],
  ['jul', 'jul'],
  ['ago', 'aug'],
  ['sep', 'sep'],
  ['oct', 'oct'],
  ['nov', 'nov'],
  ['dic', 'dec'],
] as const

function monthNumber(written: string): string {
  if (/^\d{1,2}$/.test(written)) return written.padStart(2, '0')
  const at = months.findIndex((names) => names.some((n) => written.toLowerCase().startsWith(n)))
  return at < 0 ? written : String(at + 1).padStart(2, '0')
}

function readDate(raw: unknown): string | null {
  if (raw !== null && typeof raw === 'object' && !Array.isArray(raw)) {
    const parts = raw as Record<string, unknown>
    const [day, month, year] = [typed(parts.day), typed(parts.month), typed(parts.year)]
    if (day === '' && month === '' && year === '') return null
    return `${year}-${monthNumber(month)}-${day.padStart(2, '0')}`
  }
  const written = typed(raw)
  // Day first, as it is written in Mexico; also what a date field of a browser sends.
  const m = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/.exec(written)
  return written === '' ? null : m ? `${m[3]}-${m[2]!.padStart(2, '0')}-${m[1]!.padStart(2, '0')}` : written
}

/** A date that exists, in three parts (day, month, year) or in one. */
export const date: Kind = {
  type: 'date',
  read(raw) {
    const value = readDate(raw)
    if (value === null) return null
    return isPlainDate(value) && value >= '1850-01-01' && value < '2200' ? { value } : { refused: 'date' }
  },
  shape: () => ({ type: 'date' }),
  show: (value, _label, world) => formatDate(world.language, String(value)),
}

/** A birthday: not after today, not more than 125 years ago. */
export const birthDate: Kind = {
  ...date,
  read(raw, question, world, insisted) {
    const read = date.read(raw, question, world, insisted)
    if (read === null || !('value' in read)) return read
    const value = String(read.value)
    if (value > world.today) return { refused: 'date-future' }
    if (Number(world.today.slice(0, 4)) - Number(value.slice(0, 4)) > 125) return { refused: 'date-old' }
    return read
  },
  shape: () => ({ type: 'date', autocomplete: 'bday' }),
}
