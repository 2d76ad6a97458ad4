import { benches, fullExtent } from '../../bench/index.ts'
import { type Command, only, result, say, UsageError } from './command.ts'

export const command: Command = {
  about: 'measures one thing against a reference in the same run (--list names them)',
  usage: '<name> [--rounds <n>] [--seconds <n>] [--profile <folder>] [--json] | --list [--json]',
  help: [
    'Starts what it needs in a temporary folder, alternates reference and subject, takes medians and leaves nothing behind. Exit 1 when the reach is missed.',
    `Without options: ${fullExtent.rounds} rounds of about ${fullExtent.seconds} s a side. Less than that, or with --profile, is no measurement, and the result says so.`,
    ...Object.entries(benches).map(([name, b]) => `  ${name.padEnd(8)} ${b.about}`),
  ].join('\n'),
  options: { list: { type: 'boolean' }, rounds: { type: 'string' }, seconds: { type: 'string' }, profile: { type: 'string' } },
  async run({ positionals, options, json }) {
    if (options.list === true) {
      const all = Object.entries(benches).map(([name, { about }]) => ({ name, about }))
      result(json, { benches: all }, all.map((b) => `${b.name.padEnd(8)} ${b.about}`).join('\n'))
      return 0
    }
    const name = only(positionals, 'name of a bench')
    const found = benches[name]
    if (!found) throw new UsageError(`There is no bench ${name}. There are: ${Object.keys(benches).join(', ')}.`)
    const { bench } = await found.load()
    const r = await bench(
      {
        rounds: positive(options.rounds, 'rounds') ?? fullExtent.rounds,
        seconds: positive(options.seconds, 'seconds') ?? fullExtent.seconds,
        profile: typeof options.profile === 'string' ? options.profile : null,
      },
      say,
    )
    const compared = r.reference === null ? '' : `, reference ${r.reference}, ratio ${r.ratio}`
    result(
      json,
      r,
      `${r.bench}: ${r.value} ${r.unit} (${r.better} is better)${compared}\n${r.ok ? 'Reached' : 'Not reached'}: ${r.reach}\n${JSON.stringify(r.more, null, 2)}`,
    )
    return r.ok ? 0 : 1
  },
}

function positive(given: unknown, what: string): number | null {
  if (given === undefined) return null
  const n = Number(given)
  if (!Number.isInteger(n) || n < 1) throw new UsageError(`--${what} must be a whole number above 0.`)
  return n
}
