import { join } from 'node:path'
import { checkFolder } from './folder.ts'

// `bin/ventanilla check-service` without the rest of the program: definitions can be checked before anything else runs.
const json = process.argv.includes('--json')
const folder = process.argv.slice(2).find((a) => !a.startsWith('-'))
if (folder === undefined) {
  process.stderr.write('Usage: check-cli.ts <folder of one definition, or services> [--json]\n')
  process.exit(2)
}
try {
  const result = checkFolder(folder, join(import.meta.dirname, '../../../reference'))
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else {
    for (const f of result.faults) process.stdout.write(`${f.file} ${f.pointer || '/'}: ${f.what}\n  ${f.remedy}\n`)
    process.stdout.write(result.ok ? `ok: ${result.services} checked\n` : `${result.faults.length} faults\n`)
  }
  process.exitCode = result.ok ? 0 : 1
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
