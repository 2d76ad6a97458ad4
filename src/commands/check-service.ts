import { join } from 'node:path'
import { checkFolder } from '#catalogue'
import { projectFolder } from '../folder.ts'
import { type Command, only, result } from './command.ts'

export const command: Command = {
  about: 'checks a definition, or a folder of them, and runs their examples',
  usage: '<folder> [--json]',
  help: 'Each fault is named with its file, its place in it and what to do.',
  options: {},
  async run({ positionals, json }) {
    const checked = checkFolder(only(positionals, 'folder'), join(projectFolder, 'reference'))
    result(
      json,
      checked,
      checked.ok
        ? `Good: ${checked.services} checked.`
        : checked.faults.map((f) => `${f.file} ${f.pointer || '/'}: ${f.what}\n  ${f.remedy}`).join('\n'),
    )
    return checked.ok ? 0 : 1
  },
}
