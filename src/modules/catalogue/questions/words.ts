import { type Kind, typed } from './kind.ts'

const plain = (defaults: { maxLength: number; lines: number; autocomplete?: string; least?: number }): Kind => ({
  type: 'string',
  read(raw, question) {
    const max = ('maxLength' in question && question.maxLength) || defaults.maxLength
    let value = typed(raw)
    if (defaults.lines > 1 && typeof raw === 'string') {
      value = raw
        .slice(0, 20_000)
        .normalize('NFC')
        .replace(/\r\n?/g, '\n')
        .replace(/[^\P{Cc}\n]|\p{Cf}/gu, ' ')
        .trim()
    }
    if (value === '') return null
    if (value.length > max) return { refused: 'too-long', parameters: { max } }
    if (value.length < (defaults.least ?? 1)) return { refused: 'too-short' }
    return { value }
  },
  shape: (question) => ({
    type: 'text',
    maxLength: ('maxLength' in question && question.maxLength) || defaults.maxLength,
    lines: defaults.lines,
    input: 'words',
    ...(defaults.autocomplete ? { autocomplete: defaults.autocomplete } : {}),
  }),
  show: (value) => String(value),
})

/** A line of text. */
export const text = plain({ maxLength: 200, lines: 1 })
/** Several lines of text. */
export const longText = plain({ maxLength: 2000, lines: 6 })
/** A postal address as people write it. */
export const address = plain({ maxLength: 300, lines: 3, autocomplete: 'street-address', least: 10 })

/** A person's name: letters of any script, and what stands between them. */
export const personName: Kind = {
  ...plain({ maxLength: 120, lines: 1, autocomplete: 'name', least: 2 }),
  read(raw, question) {
    const value = typed(raw)
    if (value === '') return null
    const max = ('maxLength' in question && question.maxLength) || 120
    if (value.length > max) return { refused: 'too-long', parameters: { max } }
    if (value.length < 2) return { refused: 'too-short' }
    if (!/^[\p{L}\p{M}.'’\- ]+$/u.test(value)) return { refused: 'name' }
    return { value }
  },
}

/** An e-mail address: one `@`, a host with a dot. Whether anybody reads there shows only by writing to it. */
export const email: Kind = {
  type: 'string',
  read(raw) {
    const value = typed(raw).replaceAll(' ', '')
    if (value === '') return null
    const at = value.lastIndexOf('@')
    const host = value.slice(at + 1).toLowerCase()
    if (
      value.length > 254 ||
      at < 1 ||
      at > 64 ||
      !/^[^@\s,;<>"]+$/.test(value.slice(0, at)) ||
      !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(host)
    ) {
      return { refused: 'email' }
    }
    return { value: `${value.slice(0, at)}@${host}` }
  },
  shape: () => ({ type: 'text', maxLength: 254, lines: 1, input: 'email', autocomplete: 'email' }),
  show: (value) => String(value),
}
