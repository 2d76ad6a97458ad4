import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emptyDatabase, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { type Db, ifAlone, migrate, migrationSets, openDb, pendingMigrations, queryIn, sqlState, type Tx, tablesOf } from './index.ts'

describe('transactions', () => {
  let on: TestDatabase
  before(async () => {
    on = await testDatabase()
    await on.db.query('create table item (id integer primary key, n integer not null, big bigint, day date)')
    await on.db.query('insert into item values (1, 0), (2, 0)')
  })
  after(() => on.close())

  const add = (tx: Tx, id: number) => queryIn(tx, 'update item set n = n + 1 where id = $1', [id], 'add-one')

  test('what work throws rolls everything back and is thrown on', async () => {
    const error = new Error('changed my mind')
    await assert.rejects(
      on.db.tx(async (tx) => {
        await add(tx, 1)
        throw error
      }),
      (e) => e === error,
    )
    assert.deepEqual(await on.db.query('select n from item where id = 1'), [{ n: 0 }])
  })

  test('a deadlock is run again and both are counted', async () => {
    let runs = 0
    // Each holds its first row before either asks for the other's, however slow the machine is.
    let without = 2
    const { promise: bothHold, resolve: open } = Promise.withResolvers<void>()
    const both = [
      [1, 2],
      [2, 1],
    ].map(([first, second]) =>
      on.db.tx(async (tx) => {
        runs++
        await add(tx, first!)
        if (--without === 0) open()
        await bothHold
        await add(tx, second!)
      }),
    )
    await Promise.all(both)
    assert.deepEqual(await on.db.query('select n from item order by id'), [{ n: 2 }, { n: 2 }])
    assert.ok(runs > 2, 'one of the two was the victim and ran again')
  })

  test('at most three more tries, and only for a deadlock or a serialisation failure', async () => {
    const runsOf = async (state: string) => {
      let runs = 0
      await assert.rejects(
        on.db.tx(async (tx) => {
          runs++
          await queryIn(tx, `do $$ begin raise exception 'no' using errcode = '${state}'; end $$`)
        }),
        (e) => sqlState(e) === state,
      )
      return runs
    }
    assert.equal(await runsOf('40001'), 4)
    assert.equal(await runsOf('40P01'), 4)
    assert.equal(await runsOf('23505'), 1)
  })

  test('an error that was swallowed inside does not look like a commit', async () => {
    await assert.rejects(
      on.db.tx(async (tx) => {
        await add(tx, 1)
        await queryIn(tx, 'select 1/0').catch(() => {})
      }),
      /rolled back/,
    )
  })

  test('typed tables and plain SQL see the same transaction', async () => {
    type Items = { item: { id: number; n: number; big: string | null; day: string | null } }
    const seen = await on.db.tx(async (tx) => {
      await tablesOf<Items>(tx).insertInto('item').values({ id: 3, n: 7, big: '9007199254740993', day: '2026-03-01' }).execute()
      return queryIn(tx, 'select n, big, day from item where id = $1', [3])
    })
    assert.deepEqual(seen, [{ n: 7, big: '9007199254740993', day: '2026-03-01' }])
    const outside = await tablesOf<Items>(on.db).selectFrom('item').select('n').where('id', '=', 3).executeTakeFirst()
    assert.equal(outside?.n, 7)
  })

  test('statements asked for in one breath are answered each by itself, in their order, over one connection', async () => {
    await on.db.tx(async (tx) => {
      const [, counted, typed] = await Promise.all([
        add(tx, 2),
        queryIn<{ n: number }>(tx, 'select n from item where id = 2'),
        tablesOf<{ item: { id: number; n: number } }>(tx).selectFrom('item').select('n').where('id', '=', 2).execute(),
      ])
      assert.deepEqual(typed, counted)
      assert.ok(counted[0]!.n > 0)
    })
    const failed = await on.db
      .tx((tx) => Promise.allSettled([queryIn(tx, 'select 1/0'), queryIn(tx, 'select 2 as two'), queryIn(tx, 'select 3/0')]))
      .catch((error: Error) => error.message)
    assert.match(String(failed), /rolled back/)
    // Whoever gets that connection next finds nothing of it.
    assert.deepEqual(await on.db.tx((tx) => queryIn(tx, 'select 1 as one')), [{ one: 1 }])
  })

  test('what a branch asks for when the transaction is over is refused, and reaches nobody', async () => {
    let late: Promise<unknown> = Promise.resolve()
    await assert.rejects(
      on.db.tx(async (tx) => {
        late = sleep(50).then(() => add(tx, 1))
        throw new Error('the other branch failed')
      }),
      /the other branch failed/,
    )
    await assert.rejects(late, /is over/)
  })

  test('a column that a newer release adds breaks no statement that was prepared before', async () => {
    const one = openDb(on.url, { max: 1 })
    const typed = () => tablesOf<{ item: { id: number; n: number } }>(one).selectFrom('item').selectAll().where('id', '=', 1).execute()
    const before = await typed()
    await one.query('alter table item add column more text')
    assert.deepEqual(await typed(), [{ ...before[0], more: null }])
    await one.query('alter table item drop column more')
    await one.close()
  })

  test('a cut connection fails its transaction and the pool goes on', async () => {
    const cut = on.db.tx(async (tx) => {
      const [me] = await queryIn<{ pid: number }>(tx, 'select pg_backend_pid() as pid')
      await on.db.query('select pg_terminate_backend($1)', [me!.pid])
      await add(tx, 1)
    })
    await assert.rejects(cut)
    assert.deepEqual(await on.db.query('select 1 as one'), [{ one: 1 }])
    assert.equal(on.db.pool().waiting, 0)
  })
})

test('a database that was asked in plain SQL alone leaves no connection when it is closed', async () => {
  const on = await testDatabase()
  const db = openDb(on.url)
  await db.query('select 1')
  await db.close()
  assert.equal(db.pool().total, 0)
  await on.close()
})

test('work under a lock runs in one session at a time; who comes second is told so, and may once it is free', async () => {
  const on = await testDatabase()
  let free = () => {}
  const held = new Promise<void>((done) => {
    free = done
  })
  const first = ifAlone(on.db, 77, async () => {
    await held
    return 'first'
  })
  while ((await on.db.query('select from pg_locks where locktype = $1 and objid = 77', ['advisory'])).length === 0) await sleep(5)
  assert.equal(await ifAlone(on.db, 77, async () => 'second'), null)
  free()
  assert.equal(await first, 'first')
  await assert.rejects(
    ifAlone(on.db, 77, async () => {
      throw new Error('failed')
    }),
    /failed/,
  )
  assert.equal(await ifAlone(on.db, 77, async () => 'third'), 'third')
  await on.close()
})

describe('migrations', () => {
  const root = mkdtempSync(join(tmpdir(), 'migrations-'))
  let on: TestDatabase
  before(async () => {
    on = await emptyDatabase()
  })
  after(async () => {
    await on.close()
    rmSync(root, { recursive: true })
  })
  const write = (file: string, sql: string) => {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), sql)
  }

  test('are found platform first, then modules from the lowest to the highest, then strangers', () => {
    for (const m of ['cases', 'tax', 'people', 'publiclog', 'accounts']) write(`modules/${m}/migrations/0001-first.sql`, 'select 1')
    write('platform/jobs/migrations/0001-first.sql', 'select 1')
    assert.deepEqual(
      migrationSets(root).map((s) => s.module),
      ['jobs', 'publiclog', 'people', 'cases', 'accounts', 'tax'],
    )
    rmSync(join(root, 'modules'), { recursive: true })
    rmSync(join(root, 'platform'), { recursive: true })
  })

  test('several processes may migrate at once, and each file is applied once', async () => {
    write(
      'modules/people/migrations/0001-first.sql',
      'create table people_person (id text primary key); insert into people_person values (1)',
    )
    write('modules/people/migrations/0002-more.sql', 'alter table people_person add column name text')
    const others: Db[] = [openDb(on.url), openDb(on.url)]
    const applied = await Promise.all([on.db, ...others].map((db) => migrate(db, migrationSets(root))))
    assert.deepEqual(applied.flat(), ['people/0001-first.sql', 'people/0002-more.sql'])
    assert.deepEqual(await pendingMigrations(on.db, migrationSets(root)), [])
    await Promise.all(others.map((db) => db.close()))
  })

  test('one that fails leaves nothing of itself and keeps those before it', async () => {
    write('modules/people/migrations/0003-good.sql', 'create table people_good ()')
    write('modules/people/migrations/0004-bad.sql', 'create table people_half (); select nonsense')
    await assert.rejects(migrate(on.db, migrationSets(root)), /people\/0004-bad.sql failed: column "nonsense"/)
    const [made] = await on.db.query(
      `select to_regclass('people_good') is not null as good, to_regclass('people_half') is not null as half`,
    )
    assert.deepEqual(made, { good: true, half: false })
    assert.deepEqual(await pendingMigrations(on.db, migrationSets(root)), ['people/0004-bad.sql'])
    rmSync(join(root, 'modules/people/migrations/0004-bad.sql'))
  })

  test('one that was edited after it ran stops the start', async () => {
    write('modules/people/migrations/0002-more.sql', 'alter table people_person add column surname text')
    await assert.rejects(migrate(on.db, migrationSets(root)), /0002-more.sql was changed after this database had it/)
  })

  test('a file with a wrong name or a number used twice is refused', async () => {
    write('modules/signing/migrations/first.sql', 'select 1')
    await assert.rejects(migrate(on.db, migrationSets(root)), /NNNN-name.sql/)
    rmSync(join(root, 'modules/signing/migrations/first.sql'))
    write('modules/signing/migrations/0001-a.sql', 'select 1')
    write('modules/signing/migrations/0001-b.sql', 'select 1')
    await assert.rejects(migrate(on.db, migrationSets(root)), /another migration has the number 1/)
  })
})
