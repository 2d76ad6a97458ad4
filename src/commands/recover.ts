import { environment, readConfig } from '#config'
import { minuteStamp } from '#kernel/time'
import { openParts } from '../main.ts'
import { type Command, result, say, UsageError } from './command.ts'

export const command: Command = {
  about: 'brings a database that is older than the published log up to it, and lists what was lost',
  usage: '[--from <url|folder>] [--json]',
  help: [
    'The published log is the truth: its missing entries are taken in again, each line goes on past its last published act. Without --from it is the one in the data',
    'folder; give another copy or the address of a mirror where that is newer. Stop every process first. What is stopped half way goes on when run again.',
  ].join('\n'),
  options: { from: { type: 'string' } },
  async run({ positionals, options, json }) {
    if (positionals.length > 0) throw new UsageError('The published log is named by --from.')
    const config = readConfig(environment())
    const parts = await openParts(config, undefined, { behind: true })
    try {
      const { publiclog, cases, clock } = parts
      const recovery = await publiclog.recovery(typeof options.from === 'string' ? options.from : config.data)
      const missing = Number(recovery.size - recovery.from)
      if (missing > 0) say(`${missing} published entries are missing here, from ${recovery.from} on.`)
      let done = 0
      const taken = await recovery.run(
        async (tx, entries) => {
          await cases.recovery.replay(tx, entries)
          done += entries.length
          if (done % 10_240 < entries.length) say(`${done} of ${missing} entries`)
        },
        (tx) => cases.recovery.finish(tx),
        minuteStamp(clock.now()),
      )
      // What was committed and not yet published, and that there was a recovery, stand in the log before anything new does.
      await publiclog.publishNow()
      const losses = await cases.recovery.losses()
      const living = losses.turns.filter((t) => t.state !== 'finished' && t.state !== 'left')
      const words = [
        taken === 0 && missing === 0
          ? `Nothing is missing: ${recovery.size} entries.`
          : `Recovered: ${taken} entries taken in, ${recovery.size} in all. Start again.`,
        ...(losses.cases.length > 0
          ? [`Cases of which something was lost: ${losses.cases.length}; ${losses.told} of their holders are known here and told.`]
          : []),
        ...losses.cases.map(
          (c) =>
            `  ${c.pseudonym} ${c.what} of ${c.service}${c.filedAt ? `, filed ${c.filedAt}` : ''}${c.reference ? `, reference ${c.reference}` : ', holder not known here'}`,
        ),
        ...(losses.turns.length > 0
          ? [
              `Turns whose case is not known here: ${losses.turns.length}, ${living.length} of them living. They keep their places; a holder proves one with the receipt (docs/operating/backup-and-recovery.md).`,
            ]
          : []),
        ...losses.turns.map((t) => `  ${t.turn} ${t.line} ${t.n}, taken ${t.takenAt}: ${t.state}`),
      ]
      result(
        json,
        {
          ok: true,
          taken,
          size: recovery.size,
          lost: { cases: losses.cases, turns: losses.turns.map(({ standIn, place, holder, ...t }) => t), told: losses.told },
        },
        words.join('\n'),
      )
      return 0
    } finally {
      await parts.close()
    }
  },
}
