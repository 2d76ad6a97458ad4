import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Fault, type Files, files, isTest } from './source.ts'

/** Exported functions without a sentence for their callers. Stores and views are inside a module, and their names say what they do. */
function wordless(sources: Files): Fault[] {
  const faults: Fault[] = []
  for (const [path, text] of sources) {
    if (isTest(path) || /(store|views)\.ts$/.test(path)) continue
    const lines = text.split('\n')
    for (const [i, line] of lines.entries()) {
      const name = /^export (?:async )?function\*? (\w+)/.exec(line)?.[1]
      if (name && !lines[i - 1]?.trimEnd().endsWith('*/'))
        faults.push(`${path}:${i + 1} exports ${name} without a word about what it promises.`)
    }
  }
  return faults
}

describe('exported functions', () => {
  it('say what they promise', () => assert.deepEqual(wordless(files('src/**/*.ts')), []))
  it('a planted function without a word is named', () => {
    const planted = '/** Good. */\nexport function a() {}\n\nexport async function b() {}\n'
    assert.deepEqual(wordless(new Map([['src/kernel/plant.ts', planted]])), [
      'src/kernel/plant.ts:4 exports b without a word about what it promises.',
    ])
  })
})
