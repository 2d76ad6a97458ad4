/** Every route of the whole program over the engine of a test: for guards and generators that must forget none. */
import assert from 'node:assert/strict'
import { openFederation } from '#federation'
import { openInsight } from '#insight'
import { openVoice } from '#voice'
import type { Web } from '#web'
import { type Parts, readShapes, registerAll } from '../../src/main.ts'
import type { TestCases } from '../../src/modules/cases/testing.ts'

/** Adds what `main.ts` adds, with the modules above the cases opened over these. */
export function registerEverything(web: Web, it: TestCases): void {
  const config = { publicUrl: 'http://localhost:3000', demo: false }
  const log = { error: (about: object) => assert.fail(new Error('federation failed', { cause: about })) }
  const federation = openFederation({ ...it, ...config, production: false, log, outside: null })
  const voice = openVoice({ ...it, ...config })
  const insight = openInsight({ ...it, ...config, voice, left: it.cases.left, shapes: readShapes() })
  registerAll(web, { ...it, federation, voice, insight, config } as unknown as Parts)
}
