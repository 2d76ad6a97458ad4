import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { languages } from '#kernel/text'
import { assess, InputFault, inWords, kindNames, readParameters } from '#tax'
import { projectFolder } from '../folder.ts'
import { type Command, result, UsageError } from './command.ts'

const most = 1_000_000

async function read(file: string): Promise<unknown> {
  let words: string
  try {
    words = await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as { code?: string }).code ?? String(error)}.`)
  }
  if (words.length > most) throw new UsageError(`${file} is too large to be a case.`)
  try {
    return JSON.parse(words)
  } catch {
    throw new UsageError(`${file} is no JSON.`)
  }
}

export const command: Command = {
  about: 'assesses a tax from figures, with its working',
  usage: 'assess <case.json> [--explain] [--language es|en] [--json]',
  help: [
    `A case is a JSON object: its "kind" (${kindNames.join(', ')}) and its figures; docs/tax.md has an example of each.`,
    'With --explain each line says which rule rounded it, which article gives it and where its parameter stands. A parameter that is not known is an answer that says so: exit 1.',
  ].join('\n'),
  options: { explain: { type: 'boolean' }, language: { type: 'string' } },
  async run({ positionals, options, json }) {
    const [what, file, ...more] = positionals
    if (what !== 'assess' || !file || more.length > 0) throw new UsageError('Say what to do and with which file: assess case.json.')
    const language = languages.find((l) => l === (options.language ?? 'en'))
    if (!language) throw new UsageError(`The languages are ${languages.join(' and ')}.`)
    try {
      const found = assess(readParameters(join(projectFolder, 'reference/tax')), await read(file))
      result(json, found, inWords(language, found, { explain: options.explain === true }))
      return found.missing ? 1 : 0
    } catch (error) {
      if (error instanceof InputFault) throw new UsageError(`${file}: ${error.message}.`)
      throw error
    }
  },
}
