import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environment } from '#config'
import { runKills } from './kill.ts'

const kills = environment().VENTANILLA_LONG ? 200 : 20

test(`after ${kills} kills at random moments nothing acknowledged is lost or doubled, and the log never forked`, {
  timeout: kills * 12_000 + 60_000,
}, async (t) => {
  const r = await runKills(kills, { progress: (words) => t.diagnostic(words) })
  t.diagnostic(JSON.stringify(r))
  assert.deepEqual(r.findings, [])
  assert.ok(r.filed > 2 * kills && r.served > kills / 4, `${r.filed} filed and ${r.served} served: too little went on while things died`)
  assert.ok((r.kills.postgres ?? 0) > 0 && Object.keys(r.kills).length > 2, 'PostgreSQL and several processes were killed')
})
