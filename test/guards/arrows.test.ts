import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import pack from '../../package.json' with { type: 'json' }
import { arrows, calls, cycleIn, wrongArrows } from './arrows.ts'
import { files, root } from './source.ts'

const sources = files('src/**/*.ts')
const faultsWith = (plants: Record<string, string>) => wrongArrows(new Map(Object.entries(plants)), pack.imports)

describe('imports', () => {
  it('point one way, by front doors, along the table of calls', () => {
    assert.deepEqual(wrongArrows(sources, pack.imports), [])
  })

  it('are all read: every file but the lowest has some, and what is counted is what is there', () => {
    const { arrows: all } = arrows(sources, pack.imports)
    assert.ok(all.length > 500, `${all.length} imports`)
    const main = all.filter((a) => a.from === 'src/main.ts' && !a.package).map((a) => a.to)
    assert.ok(
      main.includes('src/modules/cases/index.ts') && main.includes('src/kernel/time.ts') && main.includes('src/platform/look/build.ts'),
      String(main),
    )
  })

  const violations: [name: string, file: string, text: string, expected: RegExp][] = [
    [
      'the kernel uses the platform',
      'src/kernel/plant.ts',
      "import type { Db } from '#db'",
      /src\/kernel\/plant\.ts:1 imports src\/platform\/db\/index\.ts: platform stands above kernel/,
    ],
    [
      'the kernel reads a file',
      'src/kernel/plant.ts',
      "import { readFileSync } from 'node:fs'",
      /plant\.ts:1 imports node:fs: the kernel does no I\/O/,
    ],
    [
      'the platform uses a module',
      'src/platform/web/plant.ts',
      "\nimport { openPeople } from '#people'",
      /plant\.ts:2 imports .*people\/index\.ts: modules stands above platform/,
    ],
    [
      'a module uses the top',
      'src/modules/people/plant.ts',
      "import { start } from '../../main.ts'",
      /imports src\/main\.ts: main stands above modules/,
    ],
    [
      'a module uses a channel',
      'src/modules/cases/plant.ts',
      "export * from '../../channels/phone/index.ts'",
      /channels stands above modules/,
    ],
    [
      'a lower module calls a higher one',
      'src/modules/people/plant.ts',
      "import {\n  type Cases,\n} from '#cases'",
      /plant\.ts:1 imports src\/modules\/cases\/index\.ts: people may call publiclog/,
    ],
    [
      'the public log calls anybody',
      'src/modules/publiclog/plant.ts',
      "const people = await import('#people')",
      /publiclog may call nobody/,
    ],
    [
      'a module is entered by its store',
      'src/modules/cases/plant.ts',
      "import { personOf } from '../people/store.ts'",
      /people is entered by its front door, #people/,
    ],
    [
      'a part of the platform is entered from the side',
      'src/modules/cases/plant.ts',
      "import '../../platform/web/csrf.ts'",
      /web is entered by its front door/,
    ],
    [
      'a module loads the builders of assets',
      'src/modules/cases/plant.ts',
      "import { buildAssets } from '../../platform/look/build.ts'",
      /look is entered by its front door/,
    ],
    ['a channel calls another', 'src/channels/sms/plant.ts', "import { speak } from '../phone/index.ts'", /a channel stands alone/],
    ['the platform adds an arrow of its own', 'src/platform/keys/plant.ts', "import { openDb } from '#db'", /keys may call nobody/],
    [
      'what is shipped uses a builder of tests',
      'src/modules/cases/plant.ts',
      "import { openTestCases } from './testing.ts'",
      /does not use its tests/,
    ],
    [
      'what is shipped uses the folder of tests',
      'src/main.ts',
      "import { testDatabase } from '../test/support/database.ts'",
      /does not use its tests/,
    ],
    ['a module without a row', 'src/modules/plant/index.ts', '', /src\/modules\/plant has no row/],
    [
      'a door that package.json does not name',
      'src/modules/cases/plant.ts',
      "import { x } from '#people/store'",
      /#people\/store, which is no door/,
    ],
    ['an import that is computed', 'src/modules/cases/plant.ts', "const all = await import('#' + name)", /a path that is computed/],
  ]
  for (const [name, file, text, expected] of violations) {
    it(`names the planted violation: ${name}`, () => {
      assert.match(faultsWith({ [file]: text }).join('\n'), expected)
    })
  }

  it('the further doors are open to those they are for', () => {
    assert.deepEqual(
      faultsWith({
        'src/commands/plant.ts': "import { replayTurns } from '#cases/replay'\nimport { buildAssets } from '../platform/look/build.ts'",
        'src/modules/cases/plant.test.ts': "import { aPerson } from '../people/testing.ts'",
      }),
      [],
    )
  })

  it('a cycle in the table of calls is found', () => {
    assert.equal(cycleIn(calls), null)
    assert.deepEqual(cycleIn({ a: ['b'], b: ['c'], c: ['a'] }), ['a', 'b', 'c', 'a'])
  })

  it('`npm run arrows` prints the graph and ends well', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['test/guards/arrows.ts'], { cwd: root, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^ {2}catalogue {4}-> publiclog/m)
  })
})
