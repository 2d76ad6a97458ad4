/** Another authority is asked afterwards whether a certificate had been revoked: OpenSSL's responder, and neighbours that hang up, lie, or answer another question. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openAuthority } from '../../src/modules/signing/authority/authority.ts'
import { openAuthorityFolder } from '../../src/modules/signing/authority/folder.ts'
import { addressesAt } from '../../src/modules/signing/authority/offline.ts'
import { readCertificate } from '../../src/modules/signing/certificate.ts'
import { NoAnswer, settleSignature } from '../../src/modules/signing/later.ts'
import { joinTrust, takeSignature } from '../../src/modules/signing/signatures.ts'
import { aKey, aName, answer, called, certify, purposeOids, signCades, use } from '../../src/modules/signing/testing-certificates.ts'
import { opensslFolder } from '../../src/modules/signing/testing-signer.ts'
import { openTrust } from '../../src/modules/signing/trust.ts'
import { verifySignature } from '../../src/modules/signing/verify.ts'

const openssl = opensslFolder()
const now = new Date(Math.floor(Date.now() / 1000) * 1000)
const clock = { now: () => new Date() }
const content = Buffer.from('lo que se firma')

const foreign = certify({ name: called('Autoridad de otro país'), key: aKey('P-256'), authority: {} })
const responder = certify({
  name: called('Sus respuestas'),
  by: foreign,
  usage: [use.digitalSignature],
  extended: { oids: [purposeOids.ocspSigning] },
})
const people = ['good', 'revoked', 'forgotten'] as const
const holders = Object.fromEntries(
  people.map((name) => [name, certify({ name: aName(['2.5.4.3', name]), by: foreign, extended: { oids: [purposeOids.email] } })]),
) as Record<(typeof people)[number], ReturnType<typeof certify>>

const servers: Server[] = []
let child: ReturnType<typeof spawn>
let place: string
let authority: ReturnType<typeof openAuthority>

const pem = (name: string, der: Uint8Array) => {
  openssl.write(`${name}.der`, der)
  openssl.run('x509', '-inform', 'DER', '-in', `${name}.der`, '-out', `${name}.pem`)
}
function aServer(handler: Parameters<typeof createServer>[1]): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer(handler!).listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}/`),
    )
    servers.push(server)
  })
}

before(async () => {
  pem('ca', foreign.certificate)
  pem('responder', responder.certificate)
  openssl.write('responder.key', responder.key.export({ type: 'pkcs8', format: 'pem' }) as string)
  const serial = (name: (typeof people)[number]) =>
    readCertificate(holders[name].certificate)
      .serial.toUpperCase()
      .replace(/^(.(?:..)*)$/, '0$1')
  const minuteAgo = new Date(now.getTime() - 60_000).toISOString().slice(2, 19).replace(/[-T:]/g, '')
  openssl.write(
    'index.txt',
    [
      `V\t460101000000Z\t\t${serial('good')}\tunknown\t/CN=good`,
      `R\t460101000000Z\t${minuteAgo}Z\t${serial('revoked')}\tunknown\t/CN=revoked`,
      '',
    ].join('\n'),
  )
  openssl.write('index.txt.attr', 'unique_subject = no\n')
  const free = await aServer(() => {})
  const { port } = new URL(free)
  await new Promise((resolve) => servers.pop()!.close(resolve))
  child = spawn(
    'openssl',
    [
      'ocsp',
      '-index',
      'index.txt',
      '-port',
      port,
      '-CA',
      'ca.pem',
      '-rsigner',
      'responder.pem',
      '-rkey',
      'responder.key',
      '-nmin',
      '5',
      '-ignore_err',
    ],
    {
      cwd: openssl.path('.'),
      stdio: 'ignore',
    },
  )
  place = free
  for (
    let i = 0;
    i < 100 &&
    !(await fetch(place).then(
      () => true,
      () => false,
    ));
    i++
  )
    await sleep(50)
  const folder = await openAuthorityFolder(openssl.path('authority'), {
    mode: 'development',
    names: { organization: 'x', demo: false },
    addresses: addressesAt('http://localhost'),
    now,
  })
  authority = openAuthority({ folder: folder!, db: null as never, clock })
})
after(() => {
  child?.kill()
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

/** The trust list with where to ask. */
const trusting = (url: string | null) =>
  joinTrust([
    {
      trust: openTrust([
        { certificate: foreign.certificate, vouches: ['people'] },
        { certificate: authority.folder.root.der, vouches: ['timestamps'] },
      ]),
      ocsp: [],
      crls: [],
      responders: new Map(url === null ? [] : [[readCertificate(foreign.certificate).id, url]]),
    },
  ])
async function taken(who: (typeof people)[number]): Promise<Buffer> {
  const signature = Buffer.from(signCades({ content, by: holders[who], at: now }))
  const made = await takeSignature(trusting(null), authority, { content, signature, at: clock.now() })
  assert.equal(made.level, 'B-T')
  return made.cms
}
const settle = async (who: (typeof people)[number], url: string | null) =>
  settleSignature(trusting(url), { cms: await taken(who), content, at: clock.now() })

test('a good certificate: B-T becomes B-LT by OpenSSL’s answer, and holds when nothing else is known', async () => {
  const settled = (await settle('good', place))!
  assert.deepEqual([settled.level, settled.revoked], ['B-LT', false])
  assert.equal(verifySignature({ signature: settled.cms, content, trust: trusting(null).trust, at: clock.now() }).holds, true)
  openssl.write('blt.p7s', settled.cms)
  openssl.write('content.txt', content)
  const args = ['-in', 'blt.p7s', '-content', 'content.txt', '-CAfile', 'ca.pem', '-purpose', 'any', '-out', 'out.txt']
  assert.match(openssl.run('cms', '-verify', '-cades', '-binary', '-inform', 'DER', ...args), /successful/)
  assert.equal(await settleSignature(trusting(place), { cms: settled.cms, content, at: clock.now() }), null, 'nothing more to ask')
})

test('one that had been revoked is told, and the evidence refuses it from then on', async () => {
  const settled = (await settle('revoked', place))!
  assert.equal(settled.revoked, true)
  const verdict = verifySignature({ signature: settled.cms, content, trust: trusting(null).trust, at: clock.now(), revocation: 'if-known' })
  assert.deepEqual(
    verdict.reasons.map((r) => r.code),
    ['revoked'],
  )
})

test('nobody to ask is no failure; a certificate that its authority does not know is', async () => {
  assert.equal(await settle('good', null), null)
  await assert.rejects(settle('forgotten', place), NoAnswer)
})

const window = { from: new Date(now.getTime() - 60_000), to: new Date(now.getTime() + 3_600_000) }
const send = (bytes: Uint8Array | string) => aServer((_request, response) => void response.end(bytes))
const lies: Readonly<Record<string, () => Promise<string>>> = {
  'hangs up': () => aServer((request) => void request.socket.destroy()),
  'has an error': () => aServer((_request, response) => void response.writeHead(500).end()),
  'leads elsewhere': () => aServer((_request, response) => void response.writeHead(302, { location: place }).end()),
  'sends a page': () => send('<html>'),
  'sends megabytes': () => send(Buffer.alloc(5_000_000)),
  'answers about another': () => send(answer(holders.revoked.certificate, foreign, responder, window)),
  'is not the authority': () =>
    send(answer(holders.good.certificate, foreign, certify({ name: called('Nadie'), key: aKey('P-256') }), window)),
  'answers of last year': () =>
    send(
      answer(holders.good.certificate, foreign, responder, {
        from: new Date('2026-01-02T00:00:00Z'),
        to: new Date('2026-01-03T00:00:00Z'),
      }),
    ),
  'is not there': async () => 'http://127.0.0.1:1/',
}
for (const [words, open] of Object.entries(lies))
  test(`a neighbour that ${words} proves nothing`, async () => {
    await assert.rejects(settle('good', await open()), NoAnswer)
  })
