/**
 * `bench sign`: institutional seals of level B-T made a second on one core, by an RSA-2048 seal and an RSA-2048 timestamp authority, against `crypto.sign` twice with the same keys over as
 * many bytes; the same on P-256 beside it. Nothing is kept between two seals but what is the same in each.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { sealBytes, timestampAttribute } from '../src/modules/signing/make/cades.ts'
import { type Holder, holder, keyInMemory } from '../src/modules/signing/make/signer.ts'
import { stampBytes } from '../src/modules/signing/make/tokens.ts'
import { aName, certify, purposeOids, use } from '../src/modules/signing/testing-certificates.ts'
import { openTrust } from '../src/modules/signing/trust.ts'
import { verifySignature } from '../src/modules/signing/verify.ts'
import { type Bench, isMeasurement, median, ratioOf } from './bench.ts'

const least = 0.4
const at = new Date('2026-11-27T12:00:00Z')
/** A decision, some 2 kB. */
const decision = (i: number) => Buffer.from(`resolución ${i}\n${'se otorga lo que se pidió y se funda en lo que sigue\n'.repeat(40)}`)

type Kind = 'rsa' | 'p256'
type Pair = { readonly seal: Holder; readonly stamper: Holder; readonly keys: readonly [KeyObject, KeyObject]; readonly root: Uint8Array }

function prepare(kind: Kind): Pair {
  const fresh = () =>
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const root = certify({ name: aName(['2.5.4.3', 'Autoridad de prueba']), key: fresh(), authority: {} })
  const sealKey = fresh()
  const stampKey = fresh()
  const seal = certify({ name: aName(['2.5.4.3', 'Sello']), key: sealKey, by: root, extended: { oids: [purposeOids.email] } })
  const stamper = certify({
    name: aName(['2.5.4.3', 'Sellos de tiempo']),
    key: stampKey,
    by: root,
    usage: [use.digitalSignature],
    extended: { oids: [purposeOids.timeStamping], critical: true },
  })
  return {
    seal: holder(keyInMemory(sealKey), seal.certificate),
    stamper: holder(keyInMemory(stampKey), stamper.certificate),
    keys: [sealKey, stampKey],
    root: root.certificate,
  }
}

const made = ({ seal, stamper }: Pair, i: number) =>
  sealBytes(decision(i), seal, { at, unsigned: (signature) => [timestampAttribute(stampBytes(signature, stamper, at))] })

/** Fails when a seal does not hold, or holds for another decision. */
export const bench: Bench = async (extent, progress) => {
  const pairs = { rsa: prepare('rsa'), p256: prepare('p256') }
  let [checked, right] = [0, 0]
  for (const kind of ['rsa', 'p256'] as const) {
    const trust = openTrust([{ certificate: pairs[kind].root, vouches: ['seals', 'timestamps'] }])
    for (let i = 0; i < 10; i++) {
      const signature = made(pairs[kind], i)
      const ask = (content: Buffer) => verifySignature({ signature, content, trust, at, revocation: 'if-known' })
      const verdict = ask(decision(i))
      checked += 2
      if (verdict.holds && verdict.signatures[0]!.level === 'B-T') right++
      if (!ask(decision(i + 1)).holds) right++
    }
  }
  const inputs = Array.from({ length: 64 }, (_, i) => decision(i).subarray(0, 300))
  const sides = {
    bare: (i: number) => pairs.rsa.keys.map((key) => sign('sha256', inputs[i % 64]!, key)),
    seal: (i: number) => made(pairs.rsa, i),
    bareP256: (i: number) => pairs.p256.keys.map((key) => sign('sha256', inputs[i % 64]!, key)),
    sealP256: (i: number) => made(pairs.p256, i),
  }
  type Side = keyof typeof sides
  const measured: Record<Side, number[]> = { bare: [], seal: [], bareP256: [], sealP256: [] }
  for (let round = 0; round <= extent.rounds; round++)
    for (const side of Object.keys(sides) as Side[]) {
      const start = performance.now()
      let done = 0
      while (performance.now() - start < extent.seconds * 1000) for (let n = 0; n < 20; n++) sides[side](done++)
      const value = Math.round((done * 1000) / (performance.now() - start))
      if (round > 0) measured[side].push(value)
      progress(`${round === 0 ? 'not counted' : `round ${round}`}, ${side}: ${value}/s`)
    }
  const of = (side: Side) => median(measured[side])
  const ratio = ratioOf(of('seal'), of('bare'))
  return {
    bench: 'sign',
    value: of('seal'),
    unit: 'seals/s',
    better: 'higher',
    reference: of('bare'),
    ratio,
    reach: `ratio >= ${least}, and every seal holds for its decision alone`,
    ok: checked === right && ratio >= least,
    more: {
      measurement: isMeasurement(extent),
      p256: { value: of('sealP256'), reference: of('bareP256'), ratio: ratioOf(of('sealP256'), of('bareP256')) },
      checked,
      right,
      rounds: measured,
    },
  }
}
