import { verifyLog } from '#publiclog'
import { type Command, fileOf, only, result, say } from './command.ts'

/** A `--key` is the key itself (C2SP signed-note: name, id and key with plus signs between) or a file that holds it. */
export async function keyOf(given: unknown): Promise<string | undefined> {
  if (typeof given === 'string' && /^[^+]+\+[0-9a-f]{8}\+[\w+/=]+$/.test(given)) return given
  return (await fileOf(given, 'key'))?.trim()
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
      policy: await fileOf(options.policy, 'policy'),
      receipt: await fileOf(options.receipt, 'receipt'),
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
