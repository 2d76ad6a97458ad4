import { readFile } from 'node:fs/promises'
import { verifyLog } from '#publiclog'
import { type Command, only, result, say } from './command.ts'

/** A `--key` is the key itself or a file that holds it. */
export async function keyOf(given: unknown): Promise<string | undefined> {
  if (typeof given !== 'string') return undefined
  return given.includes('+') ? given : (await readFile(given, 'utf8')).trim()
}

export const command: Command = {
  about: 'checks a whole public log: signature, tiles, root, witnesses, and one receipt',
  usage: '<url|folder> [--key <vkey|file>] [--policy <file>] [--receipt <file>] [--json]',
  help: '<url> is the portal’s, the log being at <url>/log/; <folder> is a copy of that path. Without --key the log’s own key is used and the output says that it was not compared.',
  options: { key: { type: 'string' }, policy: { type: 'string' }, receipt: { type: 'string' } },
  async run({ positionals, options, json }) {
    let said = 0
    const v = await verifyLog(only(positionals, 'url or folder'), {
      key: await keyOf(options.key),
      policy: typeof options.policy === 'string' ? await readFile(options.policy, 'utf8') : undefined,
      receipt: typeof options.receipt === 'string' ? await readFile(options.receipt, 'utf8') : undefined,
      onProgress: (done, size) => {
        if (done - said < 100_000) return
        said = done
        say(`${done} of ${size} entries`)
      },
    })
    for (const note of v.notes) say(note)
    result(
      json,
      v,
      v.ok
        ? `Good: ${v.size} entries of ${v.origin}, root ${v.root}, ${v.witnessed ? 'witnessed' : 'unwitnessed'}.${v.receipt ? ` The receipt holds${v.receipt.index === null ? '' : `: entry ${v.receipt.index}`}.` : ''}`
        : v.findings.map((f) => `${f.kind}${f.index === null ? '' : ` at ${f.index}`}: ${f.detail}`).join('\n'),
    )
    return v.ok ? 0 : 1
  },
}
