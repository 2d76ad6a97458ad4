/** What is asked of other authorities once nobody waits: whether the certificate of a signature that was taken had been revoked. Their answer is laid beside it (B-LT). */
import { randomBytes } from 'node:crypto'
import { readable } from './certificate.ts'
import { isBound, isMeant, readSigned } from './cms.ts'
import { makeOcspRequest } from './make/answers.ts'
import { raise } from './make/cades.ts'
import { readOcsp, statusOf } from './revocation.ts'
import type { TakenSignature } from './signatures.ts'
import { chainOf, type TrustFolder } from './trust.ts'
import { verifySignature } from './verify.ts'

/** What came of asking. `revoked`: it had been, when it signed. */
export type Settled = Pick<TakenSignature, 'cms' | 'level'> & { readonly revoked: boolean }

/** Nobody answered, or not as they must: the caller asks again later. */
export class NoAnswer extends Error {}

const patienceMs = 15_000
const largestAnswer = 1_000_000

/** Sends a request to a responder. Addresses come from the trust list or from a certificate that it vouches for, never from whoever signed; redirections are not followed. Throws `NoAnswer`. */
async function ask(url: string, request: Uint8Array): Promise<Uint8Array> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
      body: Buffer.from(request),
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMs),
    })
    if (!answer.ok || !answer.body) throw new NoAnswer(`The responder answers ${answer.status}.`)
    const parts: Uint8Array[] = []
    let length = 0
    for await (const part of answer.body) {
      length += part.length
      if (length > largestAnswer) throw new NoAnswer('The responder sends too much.')
      parts.push(part)
    }
    return Buffer.concat(parts)
  } catch (error) {
    throw error instanceof NoAnswer ? error : new NoAnswer('The responder cannot be reached.', { cause: error })
  }
}

/**
 * Asks the authority of a signature that was taken before; `at` is now. Null where there is nobody to ask: the certificate itself is on the trust list, or no responder is known. Throws `NoAnswer` where a
 * responder is silent, answers another question, or says nothing of the certificate.
 */
export async function settleSignature(
  { trust, ocsp, crls, responders }: TrustFolder,
  { cms, content, at }: { readonly cms: Buffer; readonly content: Buffer; readonly at: Date },
): Promise<Settled | null> {
  const data = readSigned(cms)
  const [signer] = data.signers
  const { certificates } = readable(data.certificates, trust.known)
  const all = [...certificates, ...trust.known.values()]
  const certificate = all.find((c) => signer && isMeant(signer, c) && isBound(signer, c))
  if (!certificate) return null
  const judge = (bytes: Uint8Array) =>
    verifySignature({ signature: bytes, content, trust, at, evidence: { ocsp, crls }, as: ['people'], revocation: 'if-known' })
  const finding = judge(cms).signatures[0]
  const when = finding?.judgedAt ?? at
  const [, issuer] = chainOf(certificate, all, trust, when, 'people').chain
  const url = issuer && (responders?.get(issuer.id) ?? certificate.ocspUrls.find((u) => /^https?:\/\//.test(u)))
  if (!issuer || !url || finding?.level === 'B-LT') return null

  const nonce = randomBytes(16)
  const answer = await ask(url, makeOcspRequest(certificate, issuer, nonce))
  let response: ReturnType<typeof readOcsp>
  try {
    response = readOcsp(answer)
  } catch (error) {
    throw new NoAnswer('The responder’s answer cannot be read.', { cause: error })
  }
  // RFC 9654: who echoes a nonce must echo ours; who sends none answers from what was signed before.
  if (response.nonce !== null && !response.nonce.endsWith(nonce.toString('hex'))) throw new NoAnswer('The answer is to another question.')
  const status = statusOf(certificate, issuer, { ocsp: [response], crls: [] }, { when, at, trust })
  if (status.state === 'unknown') throw new NoAnswer('The responder says nothing of the certificate.')
  const raised = Buffer.from(raise(cms, { ocsp: [answer], certificates: [issuer.der] }))
  return { cms: raised, level: judge(raised).signatures[0]?.level ?? 'B-T', revoked: status.state === 'revoked' }
}
