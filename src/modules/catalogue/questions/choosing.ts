import type { SingleQuestion } from '../definition.ts'
import { words } from '../text.ts'
import { type FileAnswer, type Kind, typed } from './kind.ts'

const optionsOf = (question: SingleQuestion): readonly string[] => ('options' in question ? question.options : [])

/** One of the options. */
export const choice: Kind = {
  type: 'string',
  read(raw, question) {
    const value = typed(raw)
    if (value === '') return null
    return optionsOf(question).includes(value) ? { value } : { refused: 'choice' }
  },
  shape: (question, _world, label) => ({ type: 'choice', options: optionsOf(question).map((value) => ({ value, label: label(value) })) }),
  show: (value, label) => label(String(value)),
}

/** Any of the options, kept in the definition's order. */
export const choices: Kind = {
  type: 'list',
  read(raw, question) {
    const given = (Array.isArray(raw) ? raw : [raw]).map(typed).filter((v) => v !== '')
    if (given.length === 0) return null
    const options = optionsOf(question)
    if (given.some((v) => !options.includes(v))) return { refused: 'choice' }
    return { value: options.filter((o) => given.includes(o)) }
  },
  shape: (question, _world, label) => ({ type: 'choices', options: optionsOf(question).map((value) => ({ value, label: label(value) })) }),
  show: (value, label) => (value as readonly string[]).map(label).join(', '),
}

const yes = new Set(['yes', 'true', 'on', 'si', 'sí', '1'])
const no = new Set(['no', 'false', '0', '2'])

/** Yes or no. On a keypad 1 and 2. */
export const yesNo: Kind = {
  type: 'boolean',
  read(raw) {
    if (typeof raw === 'boolean') return { value: raw }
    const value = typed(raw).toLowerCase()
    if (value === '') return null
    return yes.has(value) ? { value: true } : no.has(value) ? { value: false } : { refused: 'choice' }
  },
  shape: (_question, world) => ({
    type: 'choice',
    options: [
      { value: 'yes', label: words(world.language, 'yes') },
      { value: 'no', label: words(world.language, 'no') },
    ],
  }),
  show: (value, _label, world) => words(world.language, value === true ? 'yes' : 'no'),
}

/** A declaration: only *yes* is an answer. */
export const confirm: Kind = {
  ...yesNo,
  read(raw) {
    if (raw === true || yes.has(typed(raw).toLowerCase())) return { value: true }
    return null
  },
  shape: () => ({ type: 'confirm' }),
}

/** An attached file. Its size, type and content were checked by whoever stored it; here only the description is taken. */
export const file: Kind = {
  type: 'file',
  read(raw) {
    if (raw === null || raw === undefined || (typeof raw === 'string' && raw.trim() === '')) return null
    const f = raw as Partial<FileAnswer>
    if (
      typeof raw !== 'object' ||
      typeof f.file !== 'string' ||
      typeof f.name !== 'string' ||
      typeof f.size !== 'number' ||
      typeof f.type !== 'string'
    ) {
      return { refused: 'file' }
    }
    return { value: { file: f.file, name: f.name.slice(0, 200), size: f.size, type: f.type } }
  },
  shape: () => ({ type: 'file' }),
  show: (value) => (value as FileAnswer).name,
}
