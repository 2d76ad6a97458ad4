/**
 * `bench verify`: CAdES signatures judged a second on one core, half RSA-2048, half P-256, each of another person, with its chain to an issuer of the trust list; against
 * `crypto.verify` alone on the same signed attributes with keys that were made before, and against pkijs (`SignedData.verify` with `checkChain`) on the same files.
 *
 * The figure is of certificates that were seen before. `more.cold` forgets every person's certificate, key and link before each signature; the trust list stays open, as in a
 * process that serves. Nobody asks about revocation on any side: pkijs has no list either.
 */
import { verify } from 'node:crypto'
import { ContentInfo, Certificate as PkiCertificate, SignedData } from 'pkijs'
import { forgetCertificates, readCertificate } from '../src/modules/signing/certificate.ts'
import { readSigned } from '../src/modules/signing/cms.ts'
import { aKey, aName, certify, type Holder, purposeOids, signCades } from '../src/modules/signing/testing-certificates.ts'
import { forgetLinks, openTrust } from '../src/modules/signing/trust.ts'
import { verifySignature } from '../src/modules/signing/verify.ts'
import { type Bench, isMeasurement, median, ratioOf } from './bench.ts'

const least = { bare: 0.4, pkijs: 20, cold: 2_000 }
const people = 64
const at = new Date('2026-11-27T12:00:00Z')

/** A filing's statement, some 600 bytes. */
const statement = (i: number) =>
  Buffer.from(
    `para: presentar un trámite\nservicio: state/birth-certificate@09\ncaso: 7Q2-K${i}\npaso: sign\n${Array.from({ length: 4 }, (_, n) => `documento: ${'0123456789abcdef'.repeat(4)} ${n}\n`).join('')}número: ${'a1'.repeat(16)}\nhora: 2026-11-27T12:00Z\n`,
  )

function prepare() {
  const email = { oids: [purposeOids.email] }
  // As the tax authority's, and as ours.
  const issuers = {
    rsa: certify({ name: aName(['2.5.4.3', 'AC DE PRUEBA'], ['2.5.4.10', 'Hacienda']), key: aKey(4096), authority: {} }),
    ec: certify({ name: aName(['2.5.4.3', 'Autoridad emisora'], ['2.5.4.10', 'Ventanilla']), key: aKey('P-256'), authority: {} }),
  }
  const signers: Holder[] = Array.from({ length: people }, (_, i) => {
    const kind = i % 2 === 0 ? 'rsa' : 'ec'
    const name = aName(['2.5.4.3', `PERSONA ${i}`], ['2.5.4.45', 'LOPA800101AB1'], ['2.5.4.5', 'LOPA800101MDFPRN09'])
    return certify({ name, key: aKey(kind === 'rsa' ? 2048 : 'P-256'), by: issuers[kind], extended: email })
  })
  const all = signers.map((by, i) => {
    const content = statement(i)
    const issuer = i % 2 === 0 ? issuers.rsa : issuers.ec
    const signature = signCades({ content, by, certificates: [by.certificate, issuer.certificate], at })
    const { signed, signature: value } = readSigned(signature).signers[0]!
    return { content, signature, signed: signed!, value, key: readCertificate(by.certificate).key.object! }
  })
  const roots = Object.values(issuers).map((i) => i.certificate)
  return {
    all,
    trust: openTrust(roots.map((certificate) => ({ certificate, vouches: ['people'] as const }))),
    pkiRoots: roots.map((r) => PkiCertificate.fromBER(Uint8Array.from(r))),
  }
}

/** Turns through all signatures for about `seconds`, in whole rounds so that both kinds count alike; a second. */
async function rate(seconds: number, each: (i: number) => boolean | Promise<boolean>): Promise<number> {
  const start = performance.now()
  let done = 0
  do {
    for (let i = 0; i < people; i++) {
      const held = each(i)
      if (!(typeof held === 'boolean' ? held : await held)) throw new Error(`The signature ${i} does not hold.`)
    }
    done += people
  } while (performance.now() - start < seconds * 1000)
  return Math.round((done * 1000) / (performance.now() - start))
}

/** Fails when any side takes a good signature for a bad one, or a bad one for good. */
export const bench: Bench = async (extent, progress) => {
  progress(`Making ${people} people with their signatures.`)
  const { all, trust, pkiRoots } = prepare()
  const ask = (i: number, content: Uint8Array) =>
    verifySignature({ signature: all[i]!.signature, content, trust, at, revocation: 'if-known' }).holds
  const pki = async (i: number, content: Uint8Array) => {
    const signed = new SignedData({ schema: ContentInfo.fromBER(Uint8Array.from(all[i]!.signature)).content })
    try {
      return await signed.verify({
        signer: 0,
        data: Uint8Array.from(content).buffer,
        trustedCerts: pkiRoots,
        checkChain: true,
        checkDate: at,
      })
    } catch {
      return false
    }
  }
  const sides = {
    bare: (i: number) => verify('sha256', all[i]!.signed, all[i]!.key, all[i]!.value),
    warm: (i: number) => ask(i, all[i]!.content),
    cold: (i: number) => {
      forgetCertificates()
      forgetLinks()
      return ask(i, all[i]!.content)
    },
    pkijs: (i: number) => pki(i, all[i]!.content),
  }
  let refused = 0
  for (let i = 0; i < people; i++) {
    const other = all[(i + 1) % people]!.content
    if (!ask(i, other) && (i > 1 || !(await pki(i, other)))) refused++
  }
  const measured: Record<keyof typeof sides, number[]> = { bare: [], warm: [], cold: [], pkijs: [] }
  for (let round = 0; round <= extent.rounds; round++)
    for (const side of Object.keys(sides) as (keyof typeof sides)[]) {
      const value = await rate(extent.seconds, sides[side])
      if (round > 0) measured[side].push(value)
      progress(`${round === 0 ? 'not counted' : `round ${round}`}, ${side}: ${value}/s`)
    }
  const [bare, warm, cold, pkijs] = [measured.bare, measured.warm, measured.cold, measured.pkijs].map(median) as [
    number,
    number,
    number,
    number,
  ]
  return {
    bench: 'verify',
    value: warm,
    unit: 'signatures/s',
    better: 'higher',
    reference: pkijs,
    ratio: ratioOf(warm, pkijs),
    reach: `ratio >= ${least.pkijs}, more.bare >= ${least.bare}, more.cold >= ${least.cold}, and every signature over other content is refused`,
    ok: refused === people && warm >= least.pkijs * pkijs && warm >= least.bare * bare && cold >= least.cold,
    more: { measurement: isMeasurement(extent), bare: ratioOf(warm, bare), cold, cryptoVerify: bare, people, refused, rounds: measured },
  }
}
