import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { missingWords, readAround, readImport, takenWords } from '#catalogue'
import { projectFolder } from '../folder.ts'
import { type Command, only, result, UsageError } from './command.ts'

const levels = ['federal', 'state', 'municipal'] as const

export const command: Command = {
  about: 'says what would be taken of a file of services; the portal makes the drafts',
  usage: '<file> [--level federal|state|municipal] [--agency <id>] [--json]',
  help: 'A list as CSV or JSON in the official fields, a zip of a definition, or a file of adoptions. Row by row: what is taken, what is missing and why. Nothing is written.',
  options: { level: { type: 'string' }, agency: { type: 'string' } },
  async run({ positionals, options, json }) {
    const path = only(positionals, 'file')
    const level = levels.find((l) => l === (options.level ?? 'municipal'))
    if (!level) throw new UsageError(`--level is one of ${levels.join(', ')}.`)
    const around = readAround(join(projectFolder, 'services'), join(projectFolder, 'reference'))
    const agency = String(options.agency ?? Object.entries(around.agencies).find(([, a]) => a.level === level)![0])
    if (around.agencies[agency]?.level !== level) throw new UsageError(`${agency} is no ${level} agency of reference/agencies.json.`)
    let bytes: Uint8Array
    try {
      bytes = await readFile(path)
    } catch (error) {
      throw new UsageError(`${path} cannot be read: ${(error as { code?: string }).code ?? String(error)}.`)
    }
    const found = readImport([{ name: basename(path), bytes }], { level, agency }, around)
    if (found.kind === 'refused') {
      result(json, found, found.faults.map((f) => `${f.file} ${f.pointer || '/'}: ${f.what}\n  ${f.remedy}`).join('\n'))
      return 1
    }
    if (found.kind !== 'records') {
      result(
        json,
        found,
        `Good: ${found.kind === 'service' ? found.content.definition.id : `the adoptions of ${found.content.file.place}`}.`,
      )
      return 0
    }
    const rows = found.rows.map(({ row, name, draft, faults, ...r }) => ({
      row,
      name,
      draft: draft?.definition.id ?? null,
      taken: r.taken,
      missing: r.missing,
      faults: faults.map(({ file, pointer, what }) => ({ file, pointer, what })),
    }))
    result(
      json,
      { kind: 'records', rows },
      found.rows
        .map(
          (r) =>
            `${r.row}. ${r.name || '(no name)'}\n   taken: ${takenWords('en', r).join(', ')}\n   missing: ${missingWords('en', r).join('; ')}`,
        )
        .join('\n'),
    )
    return found.rows.every((r) => r.draft) ? 0 : 1
  },
}
