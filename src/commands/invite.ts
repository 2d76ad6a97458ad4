import { environment, readConfig } from '#config'
import { openParts } from '../main.ts'
import { type Command, only, result, UsageError } from './command.ts'

export const command: Command = {
  about: 'makes a one-time link by which somebody gets a role; the first administrator comes in by it',
  usage: '<e-mail> --role <role> [--office <id>] [--json]',
  help: 'Roles: clerk, official, supervisor, analyst, control, admin. The first three are held at an office. The link is good for seven days and one use.',
  options: { role: { type: 'string' }, office: { type: 'string' } },
  async run({ positionals, options, json }) {
    const email = only(positionals, 'e-mail')
    if (typeof options.role !== 'string') throw new UsageError('Give a role with --role.')
    const parts = await openParts(readConfig(environment()))
    try {
      const made = await parts.people.invite(null, {
        email,
        role: options.role,
        office: typeof options.office === 'string' ? options.office : null,
        language: 'es',
      })
      result(json, { ok: true, link: made.link, expiresAt: made.expiresAt.toISOString() }, made.link)
      return 0
    } finally {
      await parts.close()
    }
  },
}
