/** A small nation of certificates for tests: an authority with its root, people, an institution, a timestamp authority and an OCSP responder. */
import {
  aKey,
  aName,
  called,
  certify,
  type Holder,
  listRevoked,
  purposeOids,
  signCades,
  stamp,
  tokenAttribute,
  use,
} from './testing-certificates.ts'
import { openTrust, type Trust } from './trust.ts'

/** The instant in which the tests live. */
export const now = new Date('2026-11-27T12:00:00Z')
export const later = (hours: number, from = now) => new Date(from.getTime() + hours * 3_600_000)

export type World = ReturnType<typeof aWorld>

/** Makes the keys anew: some 200 ms. */
export function aWorld() {
  const root = certify({ name: called('Raíz de prueba'), key: aKey('P-384'), authority: { pathLength: 1 }, hash: 'sha384' })
  const issuing = certify({ name: called('Autoridad emisora de prueba'), by: root, authority: { pathLength: 0 }, hash: 'sha384' })
  const email = { oids: [purposeOids.email] }
  const ana = certify({
    name: aName(['2.5.4.3', 'ANA LÓPEZ PÉREZ'], ['2.5.4.45', 'LOPA800101AB1'], ['2.5.4.5', 'LOPA800101MDFPRN09']),
    key: aKey(2048),
    by: issuing,
    extended: email,
  })
  const luis = certify({ name: called('LUIS SOTO'), key: aKey('P-256'), by: issuing, extended: email })
  const stamper = certify({
    name: called('Autoridad de sellos de tiempo'),
    by: issuing,
    usage: [use.digitalSignature],
    extended: { oids: [purposeOids.timeStamping], critical: true },
  })
  const responder = certify({
    name: called('Respuestas OCSP'),
    by: issuing,
    usage: [use.digitalSignature],
    extended: { oids: [purposeOids.ocspSigning] },
  })
  const trust = trustIn(root)
  const list = listRevoked(issuing, [], { from: later(-1), to: later(24) })
  return {
    root,
    issuing,
    ana,
    luis,
    stamper,
    responder,
    trust,
    list,
    content: Buffer.from('asunto: registrar un nacimiento\nfolio: 7Q2-K\n'),
  }
}

/** A trust list of roots that vouch for everything. */
export const trustIn = (...roots: readonly Holder[]): Trust =>
  openTrust(roots.map((r) => ({ certificate: r.certificate, vouches: ['people', 'seals', 'timestamps'] as const })))

/** B-B: the signature with the chain's certificates. */
export const signB = ({ issuing, content }: World, by: Holder, more: Partial<Parameters<typeof signCades>[0]> = {}) =>
  signCades({ content, by, certificates: [by.certificate, issuing.certificate], at: later(-1), ...more })

/** B-T: with a timestamp of an hour ago. */
export const signT = (world: World, by: Holder, more: Partial<Parameters<typeof signCades>[0]> = {}) =>
  signB(world, by, { unsigned: (signature) => [tokenAttribute(stamp(signature, world.stamper, later(-1)))], ...more })
