import { open, stat } from 'node:fs/promises'
import { environment } from '#config'
import { type Language, languages } from '#kernel/text'
import {
  derOf,
  digestsOf,
  explain,
  largestSignature,
  openTrust,
  readTrustFolder,
  signatureLabels,
  type Verdict,
  verifyPaper,
  verifyPdf,
  verifySignature,
} from '#signing/verify'
import { type Command, only, result, say, UsageError } from './command.ts'

/** The language of the answer: what is asked for, or the one of the user's system; Spanish where neither names one that we speak. */
function languageOf(given: unknown): Language {
  const known = (words: string | undefined) => languages.find((language) => language === words?.slice(0, 2).toLowerCase())
  if (given === undefined) return known(environment().LC_ALL || environment().LANG) ?? 'es'
  const found = known(String(given))
  if (!found) throw new UsageError(`--language is one of ${languages.join(', ')}.`)
  return found
}

function instantOf(given: unknown): Date {
  if (given === undefined) return new Date()
  const at = new Date(String(given))
  if (!/^\d{4}-\d\d-\d\d/.test(String(given)) || Number.isNaN(at.getTime()))
    throw new UsageError('--at is an instant such as 2026-11-23T21:05:00Z.')
  return at
}

const unreadable: ReadonlySet<string> = new Set(['broken', 'too-large', 'unsupported', 'no-signature'])

const largestPdf = 256 * 2 ** 20

/** A file of which no more is read than may be; a little more tells that it is too large. */
async function read(file: string): Promise<Buffer> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    const head = Buffer.alloc(5)
    await handle.read(head, 0, 5, 0)
    const most = head.toString('latin1') === '%PDF-' ? largestPdf : 2 * largestSignature
    const bytes = Buffer.alloc(Math.min(size, most + 1))
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0)
    if (bytesRead > largestPdf) throw new UsageError(`${file} is larger than ${largestPdf} bytes.`)
    return bytes.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

export const command: Command = {
  about: 'explains an electronic signature: who signed what, when, whether it holds and why',
  usage: '<file> [--content <file>] [--trust <folder>] [--at <instant>] [--revocation-if-known] [--language es|en] [--json]',
  help: [
    '<file> is a CAdES signature (.p7s, DER or PEM), a signed PDF, or the record of a decision or receipt of a portal (.json). --content names what was signed, where the signature stands apart from it.',
    'The trust folder holds certificates of authorities (.cer, .crt, .der, .pem): those that lie in it vouch for everything, those in its folders people, seals,',
    'timestamps and ocsp for that alone, those in intermediates only help; lists of revocations (.crl) and OCSP answers (.ors) may lie beside them.',
    'Without an answer or list that the certificate was not revoked a signature does not hold, unless --revocation-if-known says that silence is no reason.',
    'Exit 0: it holds; 1: it does not; 2: it could not be read.',
  ].join('\n'),
  options: {
    content: { type: 'string' },
    trust: { type: 'string' },
    at: { type: 'string' },
    language: { type: 'string' },
    'revocation-if-known': { type: 'boolean' },
  },
  async run({ positionals, options, json }) {
    const file = only(positionals, 'file')
    const language = languageOf(options.language)
    const folder = typeof options.trust === 'string' ? await readTrustFolder(options.trust) : { trust: openTrust([]), ocsp: [], crls: [] }
    const question = {
      trust: folder.trust,
      at: instantOf(options.at),
      evidence: { ocsp: folder.ocsp, crls: folder.crls },
      revocation: options['revocation-if-known'] === true ? ('if-known' as const) : ('required' as const),
    }
    const bytes = await read(file)
    const isPdf = bytes.subarray(0, 5).toString('latin1') === '%PDF-'
    if (typeof options.content === 'string') {
      if (isPdf) throw new UsageError('A PDF holds what it signs: leave --content away.')
      await stat(options.content)
    }
    const content = typeof options.content === 'string' ? await digestsOf(options.content) : null
    const verdict: Verdict = isPdf
      ? verifyPdf({ ...question, pdf: bytes })
      : (verifyPaper({ ...question, paper: bytes }) ??
        verifySignature({ ...question, signature: derOf(bytes, ...signatureLabels), content }))
    // Where nothing in the file could be read, nothing was found out: that is not the same as a signature that does not hold.
    const unread = verdict.signatures.length === 0 && verdict.reasons.every(({ code }) => unreadable.has(code))
    const words = explain(language, verdict).join('\n')
    if (unread && !json) say(words)
    else result(json, verdict, words)
    return verdict.holds ? 0 : unread ? 2 : 1
  },
}
