import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { dayMs, FixedClock } from '#kernel/time'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { testKeys } from '../people/testing.ts'
import { signingKeys } from './signing-keys.ts'

describe('the succession of signing keys', () => {
  const keys = testKeys()
  let database: TestDatabase
  let clock: FixedClock
  const open = () => signingKeys({ db: database.db, clock, keys })
  const kids = async () => (await open().published()).map((k) => k.kid as string)
  /** The keys that sign, one of each way. */
  const signing = async () => (await kids()).slice(0, 2).sort()

  before(async () => {
    database = await testDatabase()
  })
  beforeEach(async () => {
    clock = new FixedClock('2026-11-24T16:00:00Z')
    await database.db.query('delete from federation_key')
  })
  after(() => database.close())

  it('begins with one pair, also when many ask at once', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => open().published()))
    assert.equal(new Set(all.flat().map((k) => k.kid)).size, 2)
    assert.deepEqual(all[0]!.map((k) => k.alg).sort(), ['ES256', 'RS256'])
  })

  it('makes the next after ninety days: known a day before they sign, the old ones a day after', async () => {
    const first = await signing()
    await open().renew()
    assert.equal((await kids()).length, 2)
    clock.advance(90 * dayMs)
    await Promise.all([open().renew(), open().renew()])
    assert.equal((await kids()).length, 4)
    assert.deepEqual(await signing(), first)
    await open().renew()
    assert.equal((await kids()).length, 4)

    clock.advance(dayMs)
    const second = await signing()
    assert.equal(second.filter((kid) => first.includes(kid)).length, 0)
    assert.ok(first.every((kid) => kid !== second[0]))
    assert.equal((await kids()).length, 4)

    clock.advance(dayMs + 1000)
    assert.deepEqual((await kids()).sort(), second)
  })

  it('replaces them at once when somebody wants it', async () => {
    const first = await signing()
    clock.advance(90 * dayMs)
    // Also those that wait to sign never do.
    await open().renew()
    const waiting = (await kids()).filter((kid) => !first.includes(kid))
    clock.advance(1000)
    await open().replace()
    const placed = await signing()
    clock.advance(dayMs - 2000)
    assert.deepEqual(await signing(), placed)
    assert.equal(placed.filter((kid) => first.includes(kid) || waiting.includes(kid)).length, 0)
    assert.equal((await signing()).filter((kid) => first.includes(kid)).length, 0)
    assert.equal((await kids()).length, 6)
    clock.advance(dayMs + 1000)
    await open().replace()
    // What is over is gone from the table too.
    assert.equal((await database.db.query('select 1 from federation_key')).length, 4)
  })

  it('opens only with the installation’s own secret', async () => {
    await kids()
    await assert.rejects(signingKeys({ db: database.db, clock, keys: testKeys() }).published())
  })
})
