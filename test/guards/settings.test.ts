import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settings } from '#config'
import { type Fault, type Files, files, isTest, place, withoutComments } from './source.ts'

/** Every reading of the environment outside the one place that declares the settings. The launcher in bin/ stands outside the program. */
function environmentRead(sources: Files): Fault[] {
  const faults: Fault[] = []
  for (const [path, full] of sources) {
    if (isTest(path) || path.startsWith('src/platform/config/')) continue
    const text = withoutComments(full)
    const readings = [
      /\bprocess\s*(?:\?\.|\.)\s*env\b/g,
      /\bprocess\s*(?:\?\.)?\[/g,
      /\{[^}]*\benv\b[^}]*\}\s*=\s*(?:globalThis\.)?process\b/g,
      /import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*['"](?:node:)?process['"]/g,
    ]
    for (const pattern of readings)
      for (const { index } of text.matchAll(pattern))
        faults.push(`${place(path, text, index)} reads the environment: declare a setting in src/platform/config.`)
  }
  return faults
}

/** Settings that nothing looks at: what an operator sets would change nothing. */
function idleSettings(sources: Files, names: readonly string[]): Fault[] {
  const read = [...sources].filter(([path]) => !isTest(path) && !path.startsWith('src/platform/config/')).map(([, text]) => text)
  return names
    .filter(
      (name) =>
        !read.some((text) =>
          new RegExp(`\\bconfig\\.${name}\\b|\\{[^}]*\\b${name}\\b[^}]*\\}(?:: Config\\b|\\s*=\\s*[\\w.]*config\\b)`).test(text),
        ),
    )
    .map((name) => `Nothing reads the setting ${name}.`)
}

describe('settings', () => {
  const sources = files('src/**/*.ts')
  it('are each read by something', () => assert.deepEqual(idleSettings(sources, Object.keys(settings)), []))
  it('a planted setting that nothing reads is named', () =>
    assert.deepEqual(idleSettings(sources, ['port', 'plantedSetting']), ['Nothing reads the setting plantedSetting.']))
})

describe('the environment', () => {
  const sources = files('src/**/*.ts')
  it('is read in src/platform/config and nowhere else', () => assert.deepEqual(environmentRead(sources), []))

  for (const text of [
    "const port = process.env.VENTANILLA_PORT ?? '3000'",
    "const port = process['env'].VENTANILLA_PORT",
    "import { argv, env } from 'node:process'",
    'const { env } = process',
  ])
    it(`names the planted violation: ${text}`, () =>
      assert.match(
        environmentRead(new Map(Object.entries({ 'src/modules/cases/plant.ts': `\n${text}` }))).join(),
        /^src\/modules\/cases\/plant\.ts:2 reads the environment/,
      ))

  it('leaves tests and comments alone', () =>
    assert.deepEqual(
      environmentRead(
        new Map(
          Object.entries({ 'src/kernel/plant.test.ts': 'process.env.CI', 'src/kernel/plant.ts': '// process.env is read elsewhere' }),
        ),
      ),
      [],
    ))
})
