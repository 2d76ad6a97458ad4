import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeKeys } from '#keys'
import { type Command, only, result, say, UsageError } from './command.ts'

export const command: Command = {
  about: 'makes the keys of a production system in a new folder, by hand and once',
  usage: '<folder> [--json]',
  help: 'The folder must be new or empty: keys are never replaced. VENTANILLA_KEYS names it then. docs/operating/running.md says what each file is for.',
  options: {},
  async run({ positionals, json }) {
    const folder = resolve(only(positionals, 'folder'))
    if (existsSync(folder) && readdirSync(folder).length > 0)
      throw new UsageError(`${folder} is not empty. Name a new folder: keys that were used are never made anew.`)
    makeKeys(folder)
    const theirs = join(folder, 'control-private.pem')
    say(`Give ${theirs} to the control body and remove it from this computer: production refuses to start while it is here.`)
    say('Keep a copy of the other files in another place. Without them nothing that people write can be read again.')
    result(json, { ok: true, folder, files: readdirSync(folder).sort() }, `Made the keys in ${folder}.`)
    return 0
  },
}
