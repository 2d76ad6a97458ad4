/**
 * `bench ocsp`: answers a second over HTTP about a thousand certificates, a tenth of them revoked, asked by GET without a nonce as most programs ask, against the responder of OpenSSL with the same
 * key and the same certificates; and by GET with a nonce that is new each time, when nothing can be handed out twice. OpenSSL ends each connection, so it is asked on new ones. The responder's key is
 * RSA-2048, as authorities of the field have it; `more.p256` is the same with the key that ours has.
 */
import { execFileSync, spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '#config'
import { openAuthorityFolder } from '#signing'
import { openParts } from '../src/main.ts'
import { openAuthority } from '../src/modules/signing/authority/authority.ts'
import { newKey, readIssuing } from '../src/modules/signing/authority/folder.ts'
import { addressesAt } from '../src/modules/signing/authority/offline.ts'
import type { Certificate } from '../src/modules/signing/certificate.ts'
import { makeOcspRequest } from '../src/modules/signing/make/answers.ts'
import { makeCertificate, makeName, nameOids } from '../src/modules/signing/make/certificates.ts'
import { makeRequestFor } from '../src/modules/signing/make/requests.ts'
import { keyInMemory } from '../src/modules/signing/make/signer.ts'
import { readOcsp } from '../src/modules/signing/revocation.ts'
import { type Bench, freePort, inFolder, isMeasurement, load, median, ratioOf, startSystem, systemSettings } from './bench.ts'

const least = 10
const connections = 16

type Asked = { readonly certificate: Certificate; readonly revoked: boolean }

/** Issues the certificates in a new installation. */
async function prepare(folder: string, port: number, count: number): Promise<{ all: Asked[]; issuer: Certificate }> {
  const parts = await openParts(readConfig({ ...systemSettings(folder, port) }, folder))
  try {
    const opened = await openAuthorityFolder(join(folder, 'keys/authority'), {
      mode: 'development',
      names: { organization: '', demo: false },
      addresses: addressesAt(`http://localhost:${port}`),
      now: new Date(),
    })
    const authority = openAuthority({ folder: opened!, db: parts.db, clock: parts.clock })
    const all: Asked[] = []
    for (let i = 0; i < count; i++) {
      const request = await makeRequestFor(keyInMemory(newKey('P-256')), makeName([nameOids.commonName, 'x']))
      const certificate = await authority.certify({ name: `PERSONA ${i}`, curp: null, rfc: 'LOPA800101AB1' }, request)
      const revoked = i % 10 === 0
      await parts.db.tx(async (tx) => {
        await authority.issue(tx, crypto.randomUUID() as never, certificate, { how: 'signature' })
        if (revoked) await authority.revoke(tx, certificate.serial, 'keyCompromise')
      })
      all.push({ certificate, revoked })
    }
    return { all, issuer: opened!.issuing.certificate }
  } finally {
    await parts.close()
  }
}

/** OpenSSL's responder with the same key, over an index of the same certificates. */
async function startOpenssl(folder: string, port: number, { all }: { all: readonly Asked[] }) {
  const stamp = (at: Date) => `${at.toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`
  const lines = all.map(({ certificate: c, revoked }) =>
    [
      revoked ? 'R' : 'V',
      stamp(c.notAfter),
      revoked ? `${stamp(new Date())},keyCompromise` : '',
      c.serial.toUpperCase(),
      'unknown',
      `/CN=${c.name}`,
    ].join('\t'),
  )
  writeFileSync(join(folder, 'index.txt'), `${lines.join('\n')}\n`)
  writeFileSync(join(folder, 'index.txt.attr'), 'unique_subject = no\n')
  const authority = join(folder, 'keys/authority')
  execFileSync('openssl', ['x509', '-inform', 'DER', '-in', join(authority, 'issuing.cer'), '-out', join(folder, 'issuing.pem')])
  const pair = join(authority, 'ocsp.pem')
  const child = spawn(
    'openssl',
    [
      'ocsp',
      '-index',
      'index.txt',
      '-port',
      String(port),
      '-CA',
      'issuing.pem',
      '-rsigner',
      pair,
      '-rkey',
      pair,
      '-nmin',
      '10',
      '-ignore_err',
    ],
    { cwd: folder, stdio: 'ignore' },
  )
  for (let i = 0; i < 100; i++) {
    const found = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (found) return child
    await sleep(50)
  }
  child.kill()
  throw new Error('The responder of OpenSSL does not answer.')
}

const kinds = {
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  p256: () => newKey('P-256'),
}

/** Gives the responder another key. */
async function changeKey(folder: string, kind: keyof typeof kinds): Promise<void> {
  const authority = join(folder, 'keys/authority')
  const key = kinds[kind]()
  const { spki } = keyInMemory(key)
  const subject = makeName([nameOids.commonName, 'Respuestas OCSP'])
  const certificate = await makeCertificate({ profile: 'ocsp', subject, spki, from: new Date() }, readIssuing(authority))
  const pem = `${key.export({ type: 'pkcs8', format: 'pem' })}${new X509Certificate(certificate)}`
  writeFileSync(join(authority, 'ocsp.pem'), pem, { mode: 0o600 })
}

type Rates = { readonly openssl: number[]; readonly ours: number[]; readonly nonce: number[]; readonly p99: number[] }

/** Fails when either side says something wrong of any certificate. */
export const bench: Bench = (extent, progress) =>
  inFolder(async (folder) => {
    const count = isMeasurement(extent) ? 1_000 : 50
    const [port, otherPort] = [await freePort(), await freePort()]
    progress(`Issuing ${count} certificates.`)
    const prepared = await prepare(folder, port, count)
    const { all, issuer } = prepared
    const pathOf = (a: Asked, nonce?: Uint8Array) =>
      encodeURIComponent(Buffer.from(makeOcspRequest(a.certificate, issuer, nonce)).toString('base64'))
    const places = { ours: `http://127.0.0.1:${port}/pki/ocsp/`, openssl: `http://127.0.0.1:${otherPort}/` }
    const file = (name: string) => join(folder, `${name}.requests`)
    const write = (name: string, base: string, number: number, nonces: boolean) =>
      writeFileSync(
        file(name),
        `${Array.from({ length: number }, (_, i) => {
          const path = `${new URL(base).pathname}${pathOf(all[i % count]!, nonces ? randomBytes(16) : undefined)}`
          return JSON.stringify(`GET ${path} HTTP/1.1\r\nhost: ${new URL(base).host}\r\naccept: application/ocsp-response\r\n\r\n`)
        }).join('\n')}\n`,
      )
    // As many as take each side about the seconds of a round.
    const each = Math.ceil(extent.seconds)
    write('ours', places.ours, 18_000 * each, false)
    write('nonce', places.ours, 1_500 * each, true)
    write('openssl', places.openssl, 1_000 * each, false)
    let [checked, right] = [0, 0]

    async function measure(kind: keyof typeof kinds): Promise<Rates> {
      await changeKey(folder, kind)
      const system = await startSystem(folder, port, { settings: { VENTANILLA_ROLES: 'web' }, profile: extent.profile })
      const openssl = await startOpenssl(folder, otherPort, prepared)
      try {
        for (const place of Object.values(places))
          for (const a of all.slice(0, 50)) {
            const answer = await fetch(place + pathOf(a))
            const said = readOcsp(new Uint8Array(await answer.arrayBuffer())).answers[0]!
            checked++
            if (said.serial === a.certificate.serial && said.state === (a.revoked ? 'revoked' : 'good')) right++
          }
        const sides = {
          openssl: () => load({ port: otherPort, connections: 4, status: 200, fresh: true, requests: file('openssl') }),
          ours: () => load({ port, connections, status: 200, requests: file('ours') }),
          nonce: () => load({ port, connections, status: 200, requests: file('nonce') }),
        }
        const rates: Rates = { openssl: [], ours: [], nonce: [], p99: [] }
        for (let round = 0; round <= extent.rounds; round++)
          for (const side of Object.keys(sides) as (keyof typeof sides)[]) {
            const loaded = await sides[side]()
            if (Object.keys(loaded.wrong).length > 0)
              throw new Error(`Answers that were not expected of ${side}: ${JSON.stringify(loaded.wrong)}`)
            if (round > 0) rates[side].push(Math.round(loaded.perSecond))
            if (round > 0 && side === 'ours') rates.p99.push(loaded.p99)
            progress(`${kind}, ${round === 0 ? 'not counted' : `round ${round}`}, ${side}: ${Math.round(loaded.perSecond)}/s`)
          }
        return rates
      } finally {
        openssl.kill()
        await system.stop()
      }
    }
    const measured = { rsa: await measure('rsa'), p256: await measure('p256') }
    const told = ({ openssl, ours, nonce, p99 }: Rates) => ({
      value: median(ours),
      reference: median(openssl),
      ratio: ratioOf(median(ours), median(openssl)),
      withNonce: median(nonce),
      withNonceRatio: ratioOf(median(nonce), median(openssl)),
      p99Ms: median(p99),
    })
    const { value, reference, ratio, ...more } = told(measured.rsa)
    return {
      bench: 'ocsp',
      value,
      unit: 'answers/s',
      better: 'higher',
      reference,
      ratio,
      reach: `ratio >= ${least}, and both sides say what is true of every certificate`,
      ok: checked === right && ratio >= least,
      more: {
        measurement: isMeasurement(extent),
        ...more,
        p256: told(measured.p256),
        certificates: count,
        checked,
        right,
        rounds: measured,
      },
    }
  })
