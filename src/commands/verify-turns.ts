import { TurnReplay } from '#cases/replay'
import { verifyLog } from '#publiclog'
import { type Command, fileOf, only, result, say } from './command.ts'
import { keyOf } from './verify-log.ts'

export const command: Command = {
  about: 'replays every line from the public log and names every breach of its rule',
  usage: '<url|folder> [--key <vkey|file>] [--policy <file>] [--json]',
  help: 'The log is verified first, with the same key; nothing else is trusted. Passes, holds, returns and minutes per turn are counted per desk beside the line’s median.',
  options: { key: { type: 'string' }, policy: { type: 'string' } },
  async run({ positionals, options, json }) {
    const replay = new TurnReplay()
    const log = await verifyLog(only(positionals, 'url or folder'), {
      key: await keyOf(options.key),
      policy: await fileOf(options.policy, 'policy'),
      onEntry: (entry) => replay.read(entry.index, entry.bytes),
    })
    for (const note of log.notes) say(note)
    const turns = replay.finish()
    // Entries of a log that does not hold together prove nothing about any line.
    const broken = log.findings.map((f) => ({
      line: null,
      n: null,
      index: f.index ?? 0,
      kind: 'malformed' as const,
      detail: `The log does not verify (${f.kind}): ${f.detail}`,
    }))
    const found = {
      ...turns,
      ok: turns.ok && log.ok,
      findings: [...broken, ...turns.findings],
      origin: log.origin,
      keyCompared: log.keyCompared,
      witnessed: log.witnessed,
    }
    for (const w of turns.warnings) say(`Worth a look: ${w.line ?? ''} ${w.n ?? ''}: ${w.detail}`)
    const desks = turns.desks.map(
      (d) =>
        `  ${d.line} ${d.desk}: ${d.calls} calls, ${d.done} done, ${d.passes} passes, ${d.holds.papers + d.holds.agency} holds, ${d.medianMinutes ?? '–'} min a turn (line ${d.lineMedianMinutes ?? '–'})`,
    )
    result(
      json,
      found,
      found.ok
        ? [`Good: ${turns.acts} acts in ${turns.lines} lines, ${turns.size} entries; everybody was served in turn.`, ...desks].join('\n')
        : found.findings.map((f) => `${f.kind}: ${f.line ?? 'no line'} ${f.n ?? ''} (entry ${f.index}): ${f.detail}`).join('\n'),
    )
    return found.ok ? 0 : 1
  },
}
