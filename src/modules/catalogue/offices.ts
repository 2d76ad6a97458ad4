import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Words } from '#kernel/text'

/** An agency, or a unit that every state or municipality has. */
export type Agency = { readonly level: 'federal' | 'state' | 'municipal'; readonly short?: string; readonly name: Words }
export type Agencies = Readonly<Record<string, Agency>>

/** Reads `agencies.json` of the reference folder. */
export function readAgencies(reference: string): Agencies {
  return JSON.parse(readFileSync(join(reference, 'agencies.json'), 'utf8')) as Agencies
}
