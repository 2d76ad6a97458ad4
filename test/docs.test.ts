/** Documents stay true: their commands run, their tables and links hold. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { environmentName, settings } from '#config'
import pack from '../package.json' with { type: 'json' }
import lock from '../package-lock.json' with { type: 'json' }
import { calls, draw } from './guards/arrows.ts'
import { files, isTest, root } from './guards/source.ts'
import { tablesOf } from './guards/tables.ts'
import { openSystem, type System } from './support/system.ts'

const documents = files('*.md', 'docs/**/*.md', 'services/*.md', 'reference/*.md', 'src/**/*.md')

/** Commands in fenced blocks of `sh`; `run` after it says that the test runs them. A line that ends in `\` goes on. */
const commands = [...documents].flatMap(([path, text]) =>
  [...text.matchAll(/^```sh( run)?\n([\s\S]*?)^```$/gm)].flatMap(([, run, block]) =>
    block!
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => ({ path, line, run: run !== undefined })),
  ),
)

/** Rows of the first table whose head begins with this word: cells as they are written. */
function table(text: string, head: string): string[][] {
  const lines = text.split('\n')
  const rows: string[][] = []
  for (const [i, line] of lines.entries()) {
    if (!line.startsWith(`| ${head} |`) || !/^\|[-| ]+\|$/.test(lines[i + 1] ?? '')) continue
    for (let j = i + 2; lines[j]?.startsWith('|'); j++)
      rows.push(
        lines[j]!.slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      )
  }
  return rows
}

describe('commands in documents', () => {
  let system: System
  let folder: string
  before(async () => {
    system = await openSystem()
    await system.running.parts.publiclog.publishNow()
    folder = await mkdtemp(join(tmpdir(), 'ventanilla-docs-'))
  })
  after(async () => {
    await system?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('are found', () => {
    assert.ok(commands.length > 8, `${commands.length} commands`)
    assert.ok(commands.some((c) => c.run && c.line.includes('verify-turns')))
  })

  for (const { path, line } of commands.filter((c) => c.run)) {
    it(`${path}: ${line}`, async () => {
      // The address of the documents is the reader's own portal; here it is the test's.
      const shown = line.replaceAll('http://localhost:3000', system.url)
      const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME: process.env.HOME, VENTANILLA_DATA: folder }
      await assert.doesNotReject(promisify(execFile)('sh', ['-c', shown], { cwd: root, env, timeout: 60_000 }))
    })
  }

  it('name only scripts and commands that are there', () => {
    const cli = readFileSync(join(root, 'src/cli.ts'), 'utf8')
    for (const { path, line } of commands) {
      const script = /\bnpm (?:run ([\w:]+)|(test|start)\b)/.exec(line)
      if (script) assert.ok((script[1] ?? script[2])! in pack.scripts, `${path}: ${line}`)
      const command = /\bbin\/ventanilla ([a-z][\w-]*)/.exec(line)?.[1]
      if (command) assert.match(cli, new RegExp(`^ {2}'?${command}'?: \\(\\) => import`, 'm'), `${path}: ${line}`)
    }
  })

  it('of our own code spans do so as well', () => {
    const cli = readFileSync(join(root, 'src/cli.ts'), 'utf8')
    for (const [path, text] of documents) {
      for (const [, command] of text.matchAll(/`bin\/ventanilla ([a-z][\w-]*)/g))
        assert.match(cli, new RegExp(`^ {2}'?${command}'?: \\(\\) => import`, 'm'), `${path}: ${command}`)
      for (const [, script] of text.matchAll(/`npm run ([\w:]+)/g)) assert.ok(script! in pack.scripts, `${path}: npm run ${script}`)
    }
  })
})

describe('tables and pictures in documents', () => {
  const architecture = documents.get('ARCHITECTURE.md')!

  it('the arrows of ARCHITECTURE.md are those of the source', () => {
    const shown = /^```arrows\n([\s\S]*?)\n?^```$/m.exec(architecture)?.[1]
    assert.equal(shown, draw(files('src/**/*.ts'), pack.imports), 'Paste what npm run arrows prints.')
  })

  it('the table of calls of ARCHITECTURE.md is the one that is enforced', () => {
    const rows = table(architecture, 'module').map(([name, , may]) => [name!, may === 'nobody' ? [] : may!.split(', ')])
    assert.deepEqual(Object.fromEntries(rows), calls)
  })

  it('the libraries of decision 0007 are those of package.json, with the licences they state', () => {
    const rows = table(documents.get('docs/decisions/0007-dependencies.md')!, 'library')
    const wanted = { ...pack.dependencies, ...pack.devDependencies, ...pack.optionalDependencies }
    assert.deepEqual(Object.fromEntries(rows.map(([name, version]) => [name!, version!])), wanted)
    for (const [name, , licence, why] of rows) {
      assert.ok(why!.length > 5, `${name} has a reason`)
      const own = join(root, 'node_modules', name!, 'package.json')
      const locked = (lock.packages as Record<string, { license?: string }>)[`node_modules/${name}`]?.license
      const stated: string | undefined = existsSync(own) ? JSON.parse(readFileSync(own, 'utf8')).license : locked
      if (stated !== undefined) assert.equal(licence, stated, name)
    }
  })

  it('links between documents lead somewhere', () => {
    for (const [path, text] of documents) {
      for (const [, target] of text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^(https?:|#|mailto:)/.test(target!)) continue
        assert.ok(existsSync(join(root, dirname(path), target!.replace(/#.*/, ''))), `${path}: ${target}`)
      }
    }
  })

  it('the settings of docs/settings.md are those of the program', () => {
    const show = (value: unknown) => {
      if (value === null || (Array.isArray(value) && value.length === 0)) return 'none'
      return `\`${typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)}\``
    }
    const rows = Object.entries(settings).map(([name, s]) => [
      `\`${environmentName(name as keyof typeof settings)}\``,
      show(s.default),
      s.about,
    ])
    assert.deepEqual(table(documents.get('docs/settings.md')!, 'setting'), rows)
  })

  it('settings and files that documents name are there', () => {
    const known = new Set([
      ...Object.keys(settings).map((name) => environmentName(name as keyof typeof settings)),
      'VENTANILLA_CONFIG',
      'VENTANILLA_NODE',
      'VENTANILLA_LONG',
      'VENTANILLA_TEST_DATABASE_URL',
    ])
    for (const [path, text] of documents) {
      for (const [name] of text.matchAll(/\bVENTANILLA_[A-Z_]+[A-Z]/g)) assert.ok(known.has(name), `${path}: ${name}`)
      for (const [, named] of text.matchAll(/`((?:src|test|docs|bin|bench|services|reference)\/[\w./-]+)`/g)) {
        assert.ok(named!.includes('NAME') || existsSync(join(root, named!)), `${path}: ${named}`)
      }
    }
  })

  it('a module’s README names its tables and its jobs', () => {
    const sources = files('src/**/*.ts')
    for (const [table, owner] of tablesOf(files('src/modules/*/migrations/*.sql')).tables) {
      assert.ok(documents.get(`src/modules/${owner}/README.md`)?.includes(`\`${table}\``), `${owner}: ${table}`)
    }
    for (const [path, text] of sources) {
      const owner = /^src\/modules\/([^/]+)\//.exec(path)?.[1]
      if (!owner || isTest(path)) continue
      for (const [, job] of text.matchAll(/\.(?:handle(?:<[^(]*>)?|every)\(\s*'([^']+)'/g)) {
        assert.ok(documents.get(`src/modules/${owner}/README.md`)?.includes(`\`${job}\``), `${owner}: ${job}`)
      }
    }
  })

  it('every part has a README, and every decision the four parts', () => {
    for (const module of new Set([...files('src/{modules,platform,channels}/*/index.ts').keys()].map(dirname)))
      assert.ok(documents.has(`${module}/README.md`), module)
    const decisions = [...documents].filter(([path]) => path.startsWith('docs/decisions/'))
    assert.ok(decisions.length >= 9)
    for (const [path, text] of decisions) {
      for (const part of ['Context', 'Decision', 'What we gave up', 'When to look again'])
        assert.match(text, new RegExp(`^## ${part}$`, 'm'), `${path}: ${part}`)
    }
    const numbers = decisions.map(([path]) => Number(/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]))
    assert.deepEqual(
      numbers,
      numbers.map((_n, i) => i + 1),
    )
  })
})
