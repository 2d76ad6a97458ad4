import { verifyNumbers } from '#insight/verify'
import { type Command, fileOf, only, result, say } from './command.ts'
import { keyOf } from './verify-log.ts'

export const command: Command = {
  about: 'counts the public log again and compares every published figure with it',
  usage: '<url|folder> [--key <vkey|file>] [--policy <file>] [--numbers <folder>] [--json]',
  help: 'Compared are the tables of <url>/api/numbers; of a copy of the log, the files <month>.json, people-<month>.json and drafts-<month>.json under <folder>/numbers or in the folder named by --numbers.',
  options: { key: { type: 'string' }, policy: { type: 'string' }, numbers: { type: 'string' } },
  async run({ positionals, options, json }) {
    let said = 0
    const found = await verifyNumbers(only(positionals, 'url or folder'), {
      key: await keyOf(options.key),
      policy: await fileOf(options.policy, 'policy'),
      numbers: options.numbers as string | undefined,
      onProgress: (done, size) => {
        if (done - said < 100_000) return
        said = done
        say(`${done} of ${size} entries`)
      },
    })
    for (const note of found.notes) say(note)
    result(
      json,
      found,
      found.ok
        ? `Good: ${found.tables} tables with ${found.rows} rows are what the first ${found.size} entries of the log give.`
        : found.findings.map((f) => `${f.kind}: ${[f.set, f.period, f.row].filter(Boolean).join(' ')}: ${f.detail}`).join('\n'),
    )
    return found.ok ? 0 : 1
  },
}
