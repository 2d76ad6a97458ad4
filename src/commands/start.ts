import { mkdirSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { environment, readConfig } from '#config'
import { playDemo } from '../demo/play.ts'
import { start } from '../main.ts'
import { type Command, none, say } from './command.ts'

export const command: Command = {
  about: 'starts the roles of this process (VENTANILLA_ROLES) and serves until it is told to stop',
  usage: '',
  help: 'Settings come from VENTANILLA_… in the environment, from ventanilla.json, and from DATABASE_URL. SIGTERM and SIGINT finish requests and jobs within 20 s.',
  options: {},
  async run({ positionals }) {
    none(positionals)
    const config = readConfig(environment())
    // Before anything is opened: who is told to stop while starting still closes what it opened. Who is told twice, by a group's signal and by the launcher that
    // hands it on, still ends in order: 20 s bound it in any case.
    const stopped = new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
    })
    const running = await start(config)
    if (running.address) say(`Ventanilla: ${config.publicUrl}`)
    // Now and not at the end, which a killed process never sees. Once it serves: the first page need not wait for it.
    setTimeout(flushCompileCache, 1000).unref()
    const { log } = running.parts.telemetry
    if (config.demo && config.roles.includes('web')) {
      const played = playDemo(running.parts, say).then((list) => {
        mkdirSync(config.data, { recursive: true })
        writeFileSync(join(config.data, 'demo.json'), `${JSON.stringify(list, null, 2)}\n`, { mode: 0o600 })
        for (const a of list.accounts) say(`  ${a.email}  ${a.duty}`)
        if (config.smtpUrl === null) say(`  Sign in with the e-mail; the code shows on ${config.publicUrl}/dev/mail`)
      })
      // The portal serves without its demonstration; the next start goes on where this one failed or was stopped.
      let stopping = false
      await Promise.race([
        stopped.then(() => {
          stopping = true
        }),
        // Told to stop, its next step finds the database closed: that is no fault.
        played.catch((error) => stopping || log.error({ err: error }, 'the demonstration was not played to its end')),
      ])
    }
    await stopped
    say('Stopping.')
    // What does not end in time is cut off: jobs are taken up again, and nothing acknowledged is in memory only.
    const late = setTimeout(() => process.exit(1), 20_000)
    late.unref()
    await running.stop()
    return 0
  },
}
