import { environment, readConfig } from '#config'
import { openParts } from '../main.ts'
import { type Command, none, result } from './command.ts'

export const command: Command = {
  about: 'brings the database to this release and loads the catalogue, under a lock',
  usage: '[--json]',
  help: 'Several processes may do it at once: one does, the others wait. `start` does it too.',
  options: {},
  async run({ positionals, json }) {
    none(positionals)
    const parts = await openParts(readConfig(environment()))
    const counts = parts.catalogue.counts()
    await parts.close()
    result(json, { ok: true, ...counts }, `The database is up to date: ${counts.bases} definitions, ${counts.services} services.`)
    return 0
  },
}
