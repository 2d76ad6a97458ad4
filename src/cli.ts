/** The commands of `bin/ventanilla`: progress on stderr, results on stdout. Exit 0: done and good; 1: ran and found something wrong; 2: could not run. */
import { parseArgs } from 'node:util'
import type { Command } from './commands/command.ts'
import { UsageError } from './commands/command.ts'
import { sentenceOf } from './commands/sentence.ts'

// Loaded when asked for: a verifier needs no database, a second start no bench.
const commands: Record<string, () => Promise<{ command: Command }>> = {
  start: () => import('./commands/start.ts'),
  migrate: () => import('./commands/migrate.ts'),
  invite: () => import('./commands/invite.ts'),
  keys: () => import('./commands/keys.ts'),
  authority: () => import('./commands/authority.ts'),
  'oidc-client': () => import('./commands/oidc-client.ts'),
  'check-service': () => import('./commands/check-service.ts'),
  'import-services': () => import('./commands/import-services.ts'),
  verify: () => import('./commands/verify.ts'),
  'verify-log': () => import('./commands/verify-log.ts'),
  'verify-turns': () => import('./commands/verify-turns.ts'),
  'verify-numbers': () => import('./commands/verify-numbers.ts'),
  backup: () => import('./commands/backup.ts'),
  restore: () => import('./commands/restore.ts'),
  recover: () => import('./commands/recover.ts'),
  tax: () => import('./commands/tax.ts'),
  doctor: () => import('./commands/doctor.ts'),
  bench: () => import('./commands/bench.ts'),
}

async function help(): Promise<string> {
  const all = await Promise.all(Object.entries(commands).map(async ([name, load]) => ({ name, about: (await load()).command.about })))
  const width = Math.max(...all.map((c) => c.name.length))
  return ['bin/ventanilla <command> [--help] [--json]', '', ...all.map((c) => `  ${c.name.padEnd(width)}  ${c.about}`), ''].join('\n')
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined) {
    process.stderr.write(await help())
    return 2
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(await help())
    return 0
  }
  const load = commands[name]
  if (!load) {
    process.stderr.write(`There is no command ${name}.\n\n${await help()}`)
    return 2
  }
  const { command } = await load()
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`bin/ventanilla ${name} ${command.usage}\n\n${command.help}\n`)
    return 0
  }
  let parsed: { values: Record<string, unknown>; positionals: string[] }
  try {
    parsed = parseArgs({
      args: rest,
      options: { json: { type: 'boolean' }, ...command.options },
      allowPositionals: true,
      strict: true,
    }) as never
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nUsage: bin/ventanilla ${name} ${command.usage}\n`)
    return 2
  }
  try {
    return await command.run({ positionals: parsed.positionals, options: parsed.values, json: parsed.values.json === true })
  } catch (error) {
    if (error instanceof UsageError) process.stderr.write(`${error.message}\nUsage: bin/ventanilla ${name} ${command.usage}\n`)
    else process.stderr.write(`${sentenceOf(error)}\n`)
    return 2
  }
}

process.exitCode = await main(process.argv.slice(2))
