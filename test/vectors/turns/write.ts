/** Writes the vectors of this folder again from `line-thefts.ts`: `node test/vectors/turns/write.ts`. The replay's tests fail when the two differ. */
import { writeFileSync } from 'node:fs'
import { scenes } from '../../../src/modules/cases/line-thefts.ts'
import { replayTurns } from '../../../src/modules/cases/replay.ts'

for (const [name, { play }] of Object.entries(scenes)) {
  const { texts } = play()
  const { ok, size, lines, acts, findings } = await replayTurns(play().entries())
  const expected = { ok, size, lines, acts, findings: findings.map(({ line, n, index, kind }) => ({ line, n, index, kind })) }
  writeFileSync(new URL(`${name}.jsonl`, import.meta.url), texts.map((text) => `${text}\n`).join(''))
  writeFileSync(new URL(`${name}.expected.json`, import.meta.url), `${JSON.stringify(expected, null, 2)}\n`)
}
