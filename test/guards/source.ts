/** The project's own files as the guards read them. A guard takes them as an argument, so that its test can plant a violation. */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The folder of the project. */
export const root = resolve(import.meta.dirname, '../..')

/** Text by path from the root, with `/`. */
export type Files = ReadonlyMap<string, string>

/** What a guard found: where, and what is wrong there. */
export type Fault = string

/** The files that match, sorted by path. */
export function files(...patterns: string[]): Files {
  const found = globSync(patterns, { cwd: root }).map((path) => path.replaceAll('\\', '/'))
  return new Map([...new Set(found)].sort().map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

/** The same files with more of them, or with some replaced: how a test plants a violation. */
export function planted(real: Files, plants: Readonly<Record<string, string>>): Files {
  return new Map([...real, ...Object.entries(plants)])
}

/** Tests and what only tests import. They lie beside the code, and the rules for what is shipped do not bind them. */
export const isTest = (path: string): boolean => /\.test\.ts$|\/testing[^/]*\.ts$|\/line-(play|thefts)\.ts$/.test(path)

/** What git would commit: tracked files, and new ones that are not ignored. Null where there is no git. */
export function ownPaths(): string[] | null {
  try {
    const out = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
    return out.split('\0').filter((path) => path !== '')
  } catch {
    return null
  }
}

/** A file's text without its comments; strings stay, and so do line numbers. Good for our own formatted sources, not for any TypeScript. */
export function withoutComments(text: string): string {
  return text
    .replace(/(^|[\s;{}(,])\/\*[\s\S]*?\*\//g, (whole, before) => before + whole.replace(/[^\n]/g, '').slice(before === '\n' ? 1 : 0))
    .replace(/(^|\s)\/\/ .*$/gm, '$1')
}

/** `path:line` of an offset. */
export function place(path: string, text: string, offset: number): string {
  return `${path}:${text.slice(0, offset).split('\n').length}`
}
