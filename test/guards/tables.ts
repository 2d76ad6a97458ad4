/** A module's tables are named for it, and only its own store and migrations speak of them. */
import { partOf } from './arrows.ts'
import { type Fault, type Files, isTest, place, withoutComments } from './source.ts'

/** Files beside `store.ts` that speak of tables, each with its reason. */
const also: Readonly<Record<string, string>> = {
  'src/platform/db/installation.ts': 'the one table of the platform, and all there is to it',
  'src/modules/cases/lost-store.ts': 'the store of what a recovery lost: beside store.ts because no other act needs it',
  'src/modules/cases/sign-store.ts': 'the store of signatures, which no other act of a case reads',
  'src/modules/people/passkey-store.ts': 'the store of passkeys, which no other act of an account reads',
  'src/platform/db/backup.ts': 'takes every table of the database, and says which',
}

/** The tables that the migrations make, by name, with the module they belong to. */
export function tablesOf(migrations: Files): { tables: Map<string, string>; faults: Fault[] } {
  const tables = new Map<string, string>()
  const faults: Fault[] = []
  for (const [path, text] of migrations) {
    const owner = partOf(path)!.name
    for (const match of text.matchAll(/\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(?:"?public"?\.)?"?([a-z0-9_]+)"?/gi)) {
      const name = match[1]!
      if (!name.startsWith(`${owner}_`)) faults.push(`${place(path, text, match.index)} makes the table ${name}: name it ${owner}_${name}.`)
      if (tables.has(name) && tables.get(name) !== owner)
        faults.push(`${place(path, text, match.index)} makes the table ${name}, which is of ${tables.get(name)}.`)
      tables.set(name, owner)
    }
  }
  return { tables, faults }
}

/** Every place where a table is named by a file that has no business with it. */
export function strayTables(sources: Files, migrations: Files): Fault[] {
  const { tables, faults } = tablesOf(migrations)
  // A name in a path or a file's name is not a table's.
  const anyTable = new RegExp(
    `(?<![\\w/-]|(?<!\\bpublic)\\.)(?:${[...tables.keys()].join('|')})(?![\\w/-]|\\.(?:json|ts|sql)\\b)|\\bpgboss\\.`,
    'g',
  )
  for (const [path, full] of [...sources, ...migrations]) {
    if (isTest(path)) continue
    const part = partOf(path)
    if (!part) continue
    const text = path.endsWith('.sql') ? full.replace(/--.*$/gm, '') : withoutComments(full)
    for (const { 0: table, index } of text.matchAll(anyTable)) {
      const at = place(path, text, index)
      if (table === 'pgboss.') {
        if (!path.startsWith('src/platform/jobs/') && !(path in also))
          faults.push(`${at} speaks of the queue's tables: they are touched by #jobs only.`)
        continue
      }
      const owner = tables.get(table)!
      if (owner !== part.name) faults.push(`${at} speaks of ${table}, a table of ${owner}: ask ${owner} by its front door.`)
      else if (!path.endsWith(`/${owner}/store.ts`) && !path.includes('/migrations/') && !(path in also))
        faults.push(`${at} speaks of ${table}: SQL of ${owner} stands in its store.ts.`)
    }
  }
  return faults
}
