/** Each bench runs in its smallest form, so that it is alive when somebody measures. What it says then is no measurement, and it says so. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { benches } from '../bench/index.ts'

const smallest = { rounds: 1, seconds: 1, profile: null }
const hasPgbench =
  existsSync('/usr/lib/postgresql') && readdirSync('/usr/lib/postgresql').some((v) => existsSync(`/usr/lib/postgresql/${v}/bin/pgbench`))

/** What must hold however busy the machine is: that what was done was done right. */
const sound: Record<string, (more: Record<string, unknown>) => void> = {
  intake(more) {
    const checks = more.checks as { acknowledged: number; storedOnceAndWhole: number; log: boolean; turns: boolean }
    assert.ok(checks.acknowledged > 0)
    assert.equal(checks.storedOnceAndWhole, checks.acknowledged)
    assert.ok(checks.log && checks.turns)
  },
  page: (more) => assert.ok((more.renderedAnew as { value: number }).value > 0),
  log: (more) => assert.equal(more.verified, true),
  start: (more) => assert.ok((more.catalogue as { services: number }).services > 10_000),
  kill: (more) => assert.deepEqual(more.findings, []),
}

test('every bench has its promise here', () => assert.deepEqual(Object.keys(benches).sort(), Object.keys(sound).sort()))

for (const [name, { load }] of Object.entries(benches)) {
  const skip = name === 'intake' && !hasPgbench ? 'pgbench is missing: apt-get install postgresql-15' : false
  test(`bench ${name} runs, and what it did was right`, { skip, timeout: 300_000 }, async () => {
    const { bench } = await load()
    const r = await bench(smallest, () => {})
    assert.equal(r.bench, name)
    assert.equal(r.more.measurement, false)
    assert.ok(Number.isFinite(r.value))
    assert.ok(r.better === 'higher' || r.better === 'lower')
    if (r.reference !== null) assert.equal(r.ratio, Number((r.value / r.reference).toFixed(3)))
    sound[name]!(r.more)
  })
}
