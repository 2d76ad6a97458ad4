/** What is committed: exact dependencies, no address of anybody's registry or machine, migrations in order. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import pack from '../../package.json' with { type: 'json' }
import lock from '../../package-lock.json' with { type: 'json' }
import { type Fault, type Files, files, ownPaths, root } from './source.ts'

type Pack = Readonly<Record<string, unknown>>
const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const

function loosePins(made: Pack): Fault[] {
  return kinds.flatMap((kind) =>
    Object.entries((made[kind] ?? {}) as Record<string, string>)
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${name} is ${version}: give one exact version.`),
  )
}

/** Only a developer's tool for another platform may lack its digest: npm writes it down when it is first installed there. */
function unlocked(
  made: Pack,
  locked: {
    packages: Readonly<Record<string, { version?: string; integrity?: string; link?: boolean; dev?: boolean; optional?: boolean }>>
  },
): Fault[] {
  const faults: Fault[] = []
  for (const kind of kinds) {
    for (const [name, version] of Object.entries((made[kind] ?? {}) as Record<string, string>)) {
      const found = locked.packages[`node_modules/${name}`]
      if (found?.version !== version)
        faults.push(`package-lock.json has ${name} ${found?.version ?? 'not at all'}, package.json ${version}.`)
    }
  }
  for (const [path, { integrity, link, dev, optional }] of Object.entries(locked.packages))
    if (path !== '' && !link && !integrity && !(dev && optional)) faults.push(`package-lock.json has no digest for ${path}.`)
  return faults
}

/** An address from which one machine or one registry would be asked. */
function addresses(lockfile: string): Fault[] {
  return [...lockfile.matchAll(/"resolved": *"[^"]*"|registry\.[\w.-]+/g)].map((m) => `package-lock.json names ${m[0]}.`)
}

// Put together here, so that this file does not name them either.
const machine = new RegExp(['/wor', 'k/|/tmp/bash', '_jobs|/home/[a-z]|/Use', 'rs/[a-z]'].join(''))

function machinePaths(own: Files): Fault[] {
  return [...own].flatMap(([path, text]) =>
    text.split('\n').flatMap((line, i) => (machine.test(line) ? [`${path}:${i + 1} names a path of one machine.`] : [])),
  )
}

/** Migrations of each folder: `NNNN-name.sql`, counting from 1 without a gap. */
function disordered(paths: readonly string[]): Fault[] {
  const faults: Fault[] = []
  const next = new Map<string, number>()
  for (const path of [...paths].sort()) {
    const [, folder, number] = /^(.*)\/(\d{4})-[a-z0-9-]+\.sql$/.exec(path) ?? []
    if (folder === undefined) faults.push(`${path} is not named like 0001-what-it-does.sql.`)
    else {
      const expected = (next.get(folder) ?? 0) + 1
      if (Number(number) !== expected) faults.push(`${path} has the number ${number}; the next is ${String(expected).padStart(4, '0')}.`)
      next.set(folder, Number(number))
    }
  }
  return faults
}

/** Migrations that a release had and that are no longer the same. */
function edited(released: Files, now: Files): Fault[] {
  return [...released]
    .filter(([path, text]) => now.get(path) !== text)
    .map(([path]) => `${path} was released and is ${now.has(path) ? 'changed' : 'gone'}: write a further migration.`)
}

const git = (...args: string[]) =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26 })

/** The migrations as the last release had them; empty before the first release and where there is no git. */
function releasedMigrations(): Files {
  try {
    const tag = git('describe', '--tags', '--abbrev=0', '--match', 'v*').trim()
    const paths = git('ls-tree', '-r', '--name-only', tag)
      .split('\n')
      .filter((path) => /\/migrations\/.*\.sql$/.test(path))
    return new Map(paths.map((path) => [path, git('show', `${tag}:${path}`)]))
  } catch {
    return new Map()
  }
}

describe('package.json and its lockfile', () => {
  it('pin every dependency to one exact version, with its digest', () => {
    assert.deepEqual(loosePins(pack), [])
    assert.deepEqual(unlocked(pack, lock as never), [])
  })
  it('name no registry', () => assert.deepEqual(addresses(readFileSync(join(root, 'package-lock.json'), 'utf8')), []))

  it('planted violations are named', () => {
    assert.deepEqual(
      loosePins({ dependencies: { a: '^1.2.3', b: '1.2.3', c: 'latest', d: '1.2.3-beta.4' }, devDependencies: { e: '>=1.0.0' } }).length,
      3,
    )
    assert.deepEqual(unlocked({ dependencies: { a: '1.0.0' } }, { packages: { '': {}, 'node_modules/a': { version: '1.0.1' } } }), [
      'package-lock.json has a 1.0.1, package.json 1.0.0.',
      'package-lock.json has no digest for node_modules/a.',
    ])
    assert.equal(addresses('{ "resolved": "https://mirror.example/a.tgz" }').length, 1)
    assert.equal(addresses(`{ "x": "https://registry.${'example'}.org/a" }`).length, 1)
  })
})

describe('the files of the project', () => {
  const large = 512 * 1024
  const own = (ownPaths() ?? [...files('{src,test,bench,bin,docs}/**/*.*').keys(), ...files('*.{md,json}').keys()]).filter((path) => {
    const found = statSync(join(root, path), { throwIfNoEntry: false })
    return found?.isFile() && !/\.tmp\.ts$|\.png$|^test\/guards\/package\.test\.ts$/.test(path)
  })

  it('name no path of one machine', () =>
    assert.deepEqual(machinePaths(new Map(own.map((path) => [path, readFileSync(join(root, path), 'utf8')]))), []))
  it('are small enough to read in a browser', () =>
    assert.deepEqual(
      own.filter((path) => statSync(join(root, path)).size > large),
      [],
    ))
  it('a planted path is named', () => {
    assert.deepEqual(machinePaths(new Map([['src/plant.ts', `\nconst x = '${'/wor'}k/main'`]])), [
      'src/plant.ts:2 names a path of one machine.',
    ])
    assert.equal(machinePaths(new Map([['src/plant.ts', "const x = '/network/main'"]])).length, 0)
  })
})

describe('migrations', () => {
  const all = files('src/**/migrations/*')
  it('are numbered without a gap and named', () => assert.deepEqual(disordered([...all.keys()]), []))
  it('of a release are never edited', () => assert.deepEqual(edited(releasedMigrations(), all), []))
  it('planted violations are named', () => {
    assert.match(disordered(['m/0001-a.sql', 'm/0003-b.sql']).join(), /0003-b\.sql has the number 0003; the next is 0002/)
    assert.match(disordered(['m/0001-a.sql', 'm/0001-b.sql']).join(), /the next is 0002/)
    assert.match(disordered(['m/1-A.sql']).join(), /is not named like/)
    const [path, text] = [...all][0]!
    assert.match(edited(new Map([[path, `${text}\nalter table x`]]), all).join(), /was released and is changed/)
    assert.match(edited(new Map([['src/modules/people/migrations/0000-x.sql', '']]), all).join(), /is gone/)
  })
})
