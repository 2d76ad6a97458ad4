import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTelemetry } from './index.ts'

function listening(personal: RegExp[] = []) {
  const lines: string[] = []
  const telemetry = openTelemetry({ write: (line) => lines.push(line), personal })
  return { ...telemetry, last: () => lines.at(-1) ?? '', lines }
}

describe('the log', () => {
  test('a line is one JSON object with time, level and message', () => {
    const { log, last } = listening()
    log.info({ job: 'messages/deliver' }, 'Done.')
    const line = JSON.parse(last())
    assert.deepEqual([line.level, line.msg, line.job], ['info', 'Done.', 'messages/deliver'])
    assert.match(line.time, /^\d{4}-\d\d-\d\dT/)
  })

  for (const [what, write] of [
    ['a field of a person', (l) => l.info({ email: 'juana@example.mx', person: { name: 'Juana Pérez' } }, 'x')],
    ['an address in a message', (l) => l.warn('mail to juana@example.mx refused')],
    [
      'an address in the message of an error and of its cause',
      (l) => l.error({ err: new Error('juana@example.mx', { cause: new Error('juana@example.mx') }) }),
    ],
    ['a password in an address', (l) => l.info('connecting to postgres://app:juana@host/db')],
    [
      'a value PostgreSQL quotes',
      (l) =>
        l.error({ err: Object.assign(new Error('invalid input syntax for type date: "Juana"'), { code: '22007', severity: 'ERROR' }) }),
    ],
    [
      'the detail of a PostgreSQL error',
      (l) =>
        l.error({ err: Object.assign(new Error('duplicate key'), { code: '23505', severity: 'ERROR', detail: 'Key (name)=(Juana)' }) }),
    ],
    ['a value that was thrown', (l) => l.error({ err: 'Juana' })],
    [
      'the address and headers of a request',
      (l) => l.info({ req: { method: 'GET', url: '/buscar?q=juana', headers: { cookie: 'juana' }, routeOptions: { url: '/buscar' } } }),
    ],
    ['a number of a recognisable form', (l) => l.info('no such person: JUAN800101MTLRNA09')],
  ] as [string, (log: ReturnType<typeof listening>['log']) => void][]) {
    test(`does not show ${what}`, () => {
      const { log, last } = listening([/JUAN\d{6}[A-Z0-9]{8}/])
      write(log)
      assert.doesNotMatch(last(), /juan/i)
      assert.doesNotThrow(() => JSON.parse(last()))
    })
  }

  test('keeps of an error what helps to find it', () => {
    const { log, last } = listening()
    log.error({
      err: Object.assign(new Error('duplicate key value violates unique constraint "people_email"'), {
        code: '23505',
        severity: 'ERROR',
        constraint: 'people_email',
      }),
    })
    const { err } = JSON.parse(last())
    assert.deepEqual([err.type, err.state, err.constraint], ['Error', '23505', 'people_email'])
    assert.match(err.stack, /telemetry\.test\.ts/)
  })
})

describe('the numbers', () => {
  test('are served with health on a port of their own, and readiness follows the system', async () => {
    const { request, gauge, listen } = listening()
    request('/s/:id', 'GET', 200, 0.012)
    gauge('ventanilla_test_waiting', 'Waiting.', async () => 7)
    gauge('ventanilla_test_broken', 'Broken.', () => Promise.reject(new Error('no')))
    let ready = true
    const server = await listen({ host: '127.0.0.1', port: 0, ready: async () => ready })
    const get = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
      return { status: response.status, text: await response.text() }
    }
    const { status, text } = await get('/metrics')
    assert.equal(status, 200)
    assert.match(text, /ventanilla_request_seconds_count\{route="\/s\/:id",method="GET",status="2xx"\} 1/)
    assert.match(text, /ventanilla_test_waiting 7/)
    assert.doesNotMatch(text, /ventanilla_test_broken \d/)
    assert.match(text, /process_resident_memory_bytes/)
    assert.equal((await get('/readyz')).status, 200)
    ready = false
    assert.equal((await get('/readyz')).status, 503)
    assert.equal((await get('/healthz')).status, 200)
    assert.equal((await get('/other')).status, 404)
    assert.equal((await get('/metrics', 'POST')).status, 405)
    await server.close()
  })

  test('a port that is taken stops the start with a sentence that names the setting', async () => {
    const telemetry = listening()
    const first = await telemetry.listen({ host: '127.0.0.1', port: 0, ready: async () => true })
    await assert.rejects(telemetry.listen({ host: '127.0.0.1', port: first.port, ready: async () => true }), /VENTANILLA_METRICS_PORT/)
    await first.close()
  })
})
