import { readFile } from 'node:fs/promises'
import type { ParseArgsConfig } from 'node:util'

/** One command of `bin/ventanilla`. */
export type Command = {
  /** One line for the list. */
  readonly about: string
  /** What stands behind the name. */
  readonly usage: string
  /** What `--help` says below the usage. */
  readonly help: string
  readonly options: NonNullable<ParseArgsConfig['options']>
  /** Returns the exit status: 0 done and good, 1 ran and found something wrong. Throws for what could not run. */
  run(given: { positionals: readonly string[]; options: Readonly<Record<string, unknown>>; json: boolean }): Promise<number>
}

/** The words of the call are wrong. */
export class UsageError extends Error {}

/** A line for people, on stderr. */
export function say(words: string): void {
  process.stderr.write(`${words}\n`)
}

/** A log whose lines are for people: what the embedded server says while a command joins it. */
export const toStderr = {
  info: (words: unknown, more?: string) => say(more ?? String(words)),
  warn: (words: unknown, more?: string) => say(more ?? String(words)),
}

/** The result, on stdout: one JSON object, or the words. */
export function result(json: boolean, object: object, words: string): void {
  process.stdout.write(json ? `${JSON.stringify(object, (_k, v) => (typeof v === 'bigint' ? Number(v) : v))}\n` : `${words}\n`)
}

/** The one word a command needs behind its name. */
export function only(positionals: readonly string[], what: string): string {
  if (positionals.length !== 1 || positionals[0] === '') throw new UsageError(`Give one ${what}.`)
  return positionals[0]!
}

/** For a command that needs no word: one that was given was meant for something. */
export function none(positionals: readonly string[]): void {
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" means nothing here: this command takes no words.`)
}

/** The text of the file that an option names; undefined where it names none. Throws a `UsageError` that says which file cannot be read. */
export async function fileOf(given: unknown, option: string): Promise<string | undefined> {
  if (typeof given !== 'string') return undefined
  try {
    return await readFile(given, 'utf8')
  } catch (error) {
    throw new UsageError(`--${option} ${given} cannot be read: ${(error as { code?: string }).code ?? String(error)}.`)
  }
}
