/** `bin/ventanilla verify`: what it says in words and in JSON, and how it ends. No database is there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { answer, signPdf } from '../src/modules/signing/testing-certificates.ts'
import { aWorld, later, now, signB, signT } from '../src/modules/signing/testing-world.ts'

const cli = resolve(import.meta.dirname, '../src/cli.ts')
const folder = mkdtempSync(join(tmpdir(), 'ventanilla-verify-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const world = aWorld()
const { ana, luis, root, issuing, responder, list, content } = world
const file = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}
for (const name of ['trust', 'trust/intermediates', 'people', 'people/people', 'false']) mkdirSync(join(folder, name))
file('trust/root.cer', root.certificate)
file('trust/list.crl', list)
file(
  'trust/intermediates/issuing.pem',
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(issuing.certificate).toString('base64')}\n-----END CERTIFICATE-----\n`,
)
file('people/people/luis.crt', luis.certificate)
file('false/root.cer', 'no certificate')
const trust = ['--trust', join(folder, 'trust')]
const signed = file('filing.txt', content)
const ofContent = ['--content', signed]
const other = file('other.txt', 'otra cosa')
const b = file('b.p7s', signB(world, ana, { certificates: [ana.certificate] }))
const t = file('t.p7s', signT(world, luis))
const at = ['--at', now.toISOString()]

function run(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'verify', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  })
  return { status, stdout, stderr }
}

test('a signature that holds: 0, who, what and when in Spanish', () => {
  const { status, stdout } = run([b, ...ofContent, ...trust, ...at])
  assert.equal(status, 0, stdout)
  assert.match(
    stdout,
    /^Es válida\.\n\nFirmó: ANA LÓPEZ PÉREZ\nRFC: LOPA800101AB1\nCURP: LOPA800101MDFPRN09\nCertificado [0-9a-f]+, emitido por Autoridad emisora de prueba\nLo firmado: SHA-256 [0-9a-f]{64}\n/,
  )
  assert.match(
    stdout,
    /Dice haberse firmado el 27 de noviembre de 2026.*sin sello de tiempo, nada lo prueba\.\nNo estaba revocado, según la lista de su autoridad \(CRL\)\.\nNivel: B-B\n$/,
  )
})

test('in English by --language and by LANG, with the proved time', () => {
  for (const [args, env] of [
    [['--language', 'en'], {}],
    [[], { LANG: 'en_US.UTF-8' }],
  ] as const) {
    const { status, stdout } = run([t, ...ofContent, ...trust, ...at, ...args], env)
    assert.equal(status, 0)
    assert.match(
      stdout,
      /^It is valid\.\n\nSigned by: LUIS SOTO\n[\s\S]*Signed by November 27, 2026 at 5:00\sAM, central Mexico time at the latest \(timestamp of Autoridad de sellos de tiempo\)\.[\s\S]*Level: B-LT/,
    )
  }
})

test('a PEM, a PDF, a pinned person, and evidence within', () => {
  const pem = file('b.pem', `-----BEGIN CMS-----\n${Buffer.from(signB(world, luis)).toString('base64')}\n-----END CMS-----\n`)
  assert.equal(run([pem, ...ofContent, '--trust', join(folder, 'people'), ...at]).status, 0)
  const ocsp = [answer(ana.certificate, issuing, responder, { from: later(-1), to: later(1) })]
  const pdf = file(
    'paper.pdf',
    signPdf((covered) => signT(world, ana, { content: covered, ocsp })),
  )
  assert.equal(run([pdf, ...trust, ...at]).status, 0)
})

test('one that does not hold: 1 and why', () => {
  const cases: readonly [args: readonly string[], words: RegExp][] = [
    [[b, '--content', other, ...trust, ...at], /^No es válida\.\n {2}Lo que se firmó es otro contenido[\s\S]*Dice haber firmado: ANA/],
    [[b, ...trust, ...at], /el contenido no se entregó/],
    [[b, ...ofContent, ...at], /Ninguna autoridad de la lista de confianza responde por el certificado de ANA/],
    [[b, ...ofContent, ...trust, '--at', '2050-01-01'], /El certificado de ANA LÓPEZ PÉREZ ya había vencido/],
    [[t, ...ofContent, '--trust', join(folder, 'people'), ...at], /El sello de tiempo no vale/],
  ]
  for (const [args, words] of cases) {
    const { status, stdout } = run(args)
    assert.equal(status, 1, stdout)
    assert.match(stdout, words)
  }
})

test('silence about revocation is a reason, unless the caller says otherwise', () => {
  const late = ['--at', later(480).toISOString()]
  assert.match(run([b, ...ofContent, ...trust, ...late]).stdout, /No se sabe si el certificado de ANA LÓPEZ PÉREZ estaba revocado: no hay/)
  const { status, stdout } = run([b, ...ofContent, ...trust, ...late, '--revocation-if-known'])
  assert.equal(status, 0)
  assert.match(stdout, /No se sabe si estaba revocado\./)
})

test('--json prints the verdict', () => {
  const good = run([b, ...ofContent, ...trust, ...at, '--json'])
  assert.deepEqual(
    [good.status, JSON.parse(good.stdout).holds, JSON.parse(good.stdout).signatures[0].signer.rfc],
    [0, true, 'LOPA800101AB1'],
  )
  const bad = JSON.parse(run([b, '--content', other, ...trust, ...at, '--json']).stdout)
  assert.deepEqual([bad.holds, bad.reasons], [false, [{ code: 'other-content', whose: null }]])
})

test('what cannot be read: 2 and a sentence', () => {
  const cases: readonly [args: readonly string[], words: RegExp][] = [
    [[], /Give one file/],
    [[join(folder, 'nothing')], /There is no such file or folder: .*nothing/],
    [[folder], /A folder stands where a file is needed/],
    [[other, ...trust], /está dañado: no se puede leer como firma electrónica/],
    [[file('large', Buffer.alloc(3_000_000))], /más grande de lo que es cualquier firma/],
    [[file('empty.pdf', '%PDF-1.7\n%%EOF\n')], /No hay ninguna firma en el archivo/],
    [[b, '--content', join(folder, 'nothing')], /There is no such file or folder/],
    [[b, '--trust', join(folder, 'nothing')], /There is no such file or folder/],
    [[b, '--trust', join(folder, 'false')], /root\.cer: There is no certificate in the file/],
    [[b, '--at', 'yesterday'], /--at is an instant such as/],
    [[b, '--language', 'fr'], /--language is one of es, en/],
    [[join(folder, 'empty.pdf'), ...ofContent], /A PDF holds what it signs/],
  ]
  for (const [args, words] of cases) {
    const { status, stdout, stderr } = run(args)
    assert.deepEqual([status, stdout], [2, ''], stderr)
    assert.match(stderr, words)
    assert.doesNotMatch(stderr, /\n {4}at /)
  }
})
