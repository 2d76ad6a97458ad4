import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { ConfigError, environmentName, readConfig, settings } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'config-'))
after(() => rmSync(folder, { recursive: true }))
const read = (env: Record<string, string> = {}) => readConfig(env, folder)
const refuses = (env: Record<string, string>, words: RegExp) =>
  assert.throws(
    () => read(env),
    (e) => e instanceof ConfigError && words.test(e.message),
  )

const production = {
  VENTANILLA_MODE: 'production',
  VENTANILLA_PUBLIC_URL: 'https://ventanilla.example.gob.mx/',
  VENTANILLA_DEMO: 'off',
  VENTANILLA_SMTP_URL: 'smtps://user:hush@mail.example.gob.mx',
  VENTANILLA_MAIL_FROM: 'Ventanilla <no-responder@example.gob.mx>',
  VENTANILLA_KEYS: '/etc/ventanilla/keys',
}

describe('settings', () => {
  test('an empty configuration is a working development system', () => {
    const config = read()
    assert.partialDeepStrictEqual(
      { ...config, data: '', keys: '' },
      {
        mode: 'development',
        roles: ['web', 'worker', 'log'],
        host: '127.0.0.1',
        port: 3000,
        metricsPort: 9464,
        publicUrl: 'http://localhost:3000',
        publicUrlGiven: false,
        data: '',
        databaseUrl: null,
        databaseConnections: 20,
        keys: '',
        demo: true,
        smtpUrl: null,
        smsUrl: null,
        mailFrom: 'Ventanilla <no-responder@localhost>',
        logLevel: 'info',
        logOrigin: 'demo.localhost/log',
        witnesses: [],
        witnessQuorum: 0,
        trustProxy: 0,
      },
    )
    assert.equal(config.data, join(folder, 'data'))
    assert.equal(config.keys, join(folder, 'data/keys'))
  })

  test('the environment wins over the file, the file over the default, and VENTANILLA_DATABASE_URL over DATABASE_URL', () => {
    const file = join(folder, 'own.json')
    writeFileSync(file, JSON.stringify({ port: 4000, writesPerPerson: 2, demo: false, roles: ['web', 'log'] }))
    const config = read({ VENTANILLA_CONFIG: file, VENTANILLA_PORT: '5000', DATABASE_URL: 'postgres://a/b' })
    assert.deepEqual([config.port, config.writesPerPerson, config.demo, config.roles], [5000, 2, false, ['web', 'log']])
    assert.equal(config.databaseUrl, 'postgres://a/b')
    const own = read({ DATABASE_URL: 'postgres://a/b', VENTANILLA_DATABASE_URL: 'postgresql://u@/c?host=%2Ftmp' })
    assert.equal(own.databaseUrl, 'postgresql://u@/c?host=%2Ftmp')
  })

  test('ventanilla.json in the folder is read when there is one; a named file must exist', () => {
    writeFileSync(join(folder, 'ventanilla.json'), '{"port": 4001}')
    assert.equal(read().port, 4001)
    rmSync(join(folder, 'ventanilla.json'))
    assert.equal(read().port, 3000)
    refuses({ VENTANILLA_CONFIG: join(folder, 'none.json') }, /none\.json cannot be read/)
  })

  test('an unknown setting stops the start and names the nearest known one', () => {
    refuses({ VENTANILLA_PUBLIC_ULR: 'x' }, /no setting VENTANILLA_PUBLIC_ULR. Did you mean VENTANILLA_PUBLIC_URL\?/)
    refuses({ VENTANILLA_PROT: '1' }, /Did you mean VENTANILLA_PORT\?/)
    writeFileSync(join(folder, 'typo.json'), '{"writePerPerson": 1}')
    refuses({ VENTANILLA_CONFIG: join(folder, 'typo.json') }, /no setting "writePerPerson". Did you mean "writesPerPerson"\?/)
  })

  for (const [env, words] of [
    [{ VENTANILLA_PORT: '70000' }, /VENTANILLA_PORT must be a whole number from 0 to 65535; it is "70000"/],
    [{ VENTANILLA_PORT: '3000x' }, /must be a whole number/],
    [{ VENTANILLA_PORT: '' }, /must be a whole number/],
    [{ VENTANILLA_MODE: 'prod' }, /must be development or production/],
    [{ VENTANILLA_ROLES: 'web,cook' }, /must be any of web, worker, log/],
    [{ VENTANILLA_ROLES: '' }, /must be any of web, worker, log/],
    [{ VENTANILLA_DEMO: 'false' }, /must be on or off/],
    [{ VENTANILLA_PUBLIC_URL: 'ventanilla.example' }, /must be an address such as https/],
    [{ VENTANILLA_PUBLIC_URL: 'https://example.gob.mx/ventanilla' }, /must be an address such as https.*without a path/],
    [{ VENTANILLA_PUBLIC_URL: 'https://example.gob.mx/?x=1' }, /without a path/],
    [{ VENTANILLA_PUBLIC_URL: 'https://ana:hush@example.gob.mx' }, /without a path/],
    [{ VENTANILLA_DATA: '' }, /VENTANILLA_DATA must be text that is not empty/],
    [{ VENTANILLA_MAIL_FROM: ' ' }, /VENTANILLA_MAIL_FROM must be text that is not empty/],
    [{ VENTANILLA_LOG_LEVEL: 'loud' }, /must be fatal or error/],
    [{ VENTANILLA_LOG_ORIGIN: 'two words' }, /without spaces/],
    [{ VENTANILLA_WITNESSES: 'only-a-name' }, /each "name url vkey"/],
    [{ VENTANILLA_WITNESS_QUORUM: '1' }, /asks for 1 witnesses and VENTANILLA_WITNESSES names 0/],
    [{ VENTANILLA_METRICS_PORT: '3000' }, /both 3000/],
    [{ VENTANILLA_HOST: '0.0.0.0' }, /would show a development system.*VENTANILLA_MODE=production/],
    [{ VENTANILLA_DEMO: 'off', VENTANILLA_LOG_ORIGIN: 'demo.example' }, /only a demonstration may/],
    [{ VENTANILLA_OIDC_ISSUER: 'somewhere' }, /must be an address such as/],
    [{ VENTANILLA_OIDC_ISSUER: 'https://llave.example' }, /needs VENTANILLA_OIDC_CLIENT_ID/],
    [{ VENTANILLA_OIDC_ISSUER: 'https://llave.example', VENTANILLA_OIDC_CLIENT_ID: 'p' }, /needs VENTANILLA_OIDC_NAME/],
    [{ VENTANILLA_OIDC_LEVELS: 'high=4' }, /acr values with their levels/],
  ] as [Record<string, string>, RegExp][]) {
    test(`${JSON.stringify(env)} is refused with a sentence that names the fix`, () => refuses(env, words))
  }

  test('a value that is refused is shown without its password', () => {
    refuses({ DATABASE_URL: 'mysql://root:hush@host/db' }, /DATABASE_URL must be .*"mysql:\/\/…@host\/db"/)
    assert.throws(
      () => read({ DATABASE_URL: 'mysql://root:hush@host/db' }),
      (e) => !String(e).includes('hush'),
    )
  })

  test('a gateway of text messages is kept whole, and its password is in no error', () => {
    const url = 'http://app:hush%26%20more@10.0.0.7:13013/cgi-bin/sendsms?from=60060'
    assert.equal(read({ VENTANILLA_SMS_URL: url }).smsUrl, url)
    assert.equal(read({ ...production }).smsUrl, null, 'production needs none')
    for (const wrong of ['smpp://app:hush@host/', 'http://app:hush%@host/cgi-bin/sendsms', 'hush'])
      refuses({ VENTANILLA_SMS_URL: wrong }, /VENTANILLA_SMS_URL must be/)
    assert.throws(
      () => read({ VENTANILLA_SMS_URL: 'smpp://app:hush@host/' }),
      (e) => !String(e).includes('hush'),
    )
  })

  test('production starts with everything it needs, and only then', () => {
    const config = read(production)
    assert.equal(config.publicUrl, 'https://ventanilla.example.gob.mx')
    assert.equal(config.logOrigin, 'ventanilla.example.gob.mx/log')
    assert.equal(config.keys, '/etc/ventanilla/keys')
    for (const [name, words] of [
      ['VENTANILLA_PUBLIC_URL', /needs VENTANILLA_PUBLIC_URL/],
      ['VENTANILLA_DEMO', /VENTANILLA_DEMO=off/],
      ['VENTANILLA_SMTP_URL', /needs VENTANILLA_SMTP_URL/],
      ['VENTANILLA_MAIL_FROM', /needs VENTANILLA_MAIL_FROM/],
      ['VENTANILLA_KEYS', /needs VENTANILLA_KEYS/],
    ] as const) {
      const { [name]: _, ...rest } = production
      refuses(rest, words)
    }
    refuses({ ...production, VENTANILLA_PUBLIC_URL: 'http://ventanilla.example.gob.mx' }, /begins with https/)
    refuses({ ...production, VENTANILLA_KEYS: './data/keys' }, /names the development keys/)
    assert.equal(read({ ...production, VENTANILLA_HOST: '0.0.0.0' }).host, '0.0.0.0')
  })

  test('the name of a demonstration log begins with demo, and only then', () => {
    assert.match(read().logOrigin, /^demo/)
    assert.doesNotMatch(read({ VENTANILLA_DEMO: 'off' }).logOrigin, /^demo/)
    assert.equal(read({ VENTANILLA_LOG_ORIGIN: 'tlaxcala.example/2026' }).logOrigin, 'demo.tlaxcala.example/2026')
  })

  test('every setting has a sentence, and its name in the environment can be typed', () => {
    for (const [name, { about }] of Object.entries(settings)) {
      assert.ok(about.length > 10, name)
      assert.match(environmentName(name as keyof typeof settings), /^VENTANILLA_[A-Z]+(_[A-Z]+)*$/)
    }
  })
})
