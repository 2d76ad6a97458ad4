/**
 * What a PDF bears to show later that its certificates held (PAdES B-LT): the document security store (EN 319 142-1, 5.4.2), appended as a revision after the last signature.
 *
 * Whatever is appended after a signature could change what a reader sees. So only one form is read: from the evidence found in it the whole revision is written anew, and it must be the same byte for byte. Then it
 * holds new objects that nothing shown refers to, each a stream of hexadecimal digits alone that are a certificate, an answer or a list, what names them, and the catalogue as it was with that named in it; its table overrides no other object. Stores in any
 * other form count as something appended.
 */
import { readCertificate } from './certificate.ts'
import type { Evidence } from './cms.ts'
import { DerFault } from './der.ts'
import { readCrl, readOcsp } from './revocation.ts'
import { Refusal } from './verdict.ts'

/** The last revision of a PDF, as far as another one continues it. */
type Revision = {
  readonly xrefAt: number
  /** The first number that no object has. */
  readonly size: number
  readonly root: number
  /** The catalogue's dictionary without its brackets. */
  readonly catalogue: string
  /** What the trailer says beside size and root, to be said again. */
  readonly kept: string
}

/** A chain of revisions longer than this is followed no further. */
const mostRevisions = 64
/** Most bytes of a revision that is read, and most objects in it. */
const largestStore = 32 * 2 ** 20
const mostObjects = 256

const extension = '/Extensions << /ESIC << /BaseVersion /1.7 /ExtensionLevel 2 >> >>'

/** Throws RangeError for a PDF whose table is no classic one, which is encrypted, or which has a store already. */
function lastRevision(pdf: Buffer): Revision {
  const refuse = (why: string): never => {
    throw new RangeError(`The document ${why}.`)
  }
  const end = /startxref\s+(\d{1,10})\s+%%EOF\s*$/.exec(pdf.toString('latin1', Math.max(0, pdf.length - 64)))
  const xrefAt = end ? Number(end[1]) : refuse('does not end as a PDF')
  const trailerOf = (table: number): string => {
    const from = pdf.subarray(table, table + 4).toString('latin1') === 'xref' ? pdf.indexOf('trailer', table) : -1
    const to = from < 0 ? -1 : pdf.indexOf('startxref', from)
    if (to < 0) return refuse('has no classic table')
    return pdf.toString('latin1', from, to)
  }
  const trailer = trailerOf(xrefAt)
  const size = Number(/\/Size (\d{1,7})\b/.exec(trailer)?.[1] ?? refuse('has no size'))
  const root = Number(/\/Root (\d{1,7}) 0 R\b/.exec(trailer)?.[1] ?? refuse('has no catalogue'))
  if (trailer.includes('/Encrypt')) refuse('is encrypted')
  let at: number | null = null
  for (let table: number | null = xrefAt, n = 0; table !== null && at === null; n++) {
    if (n >= mostRevisions) refuse('has too many revisions')
    at = offsetIn(pdf, table, root)
    const before = /\/Prev (\d{1,10})\b/.exec(trailerOf(table))
    table = before ? Number(before[1]) : null
  }
  if (at === null) return refuse('has no catalogue')
  const object = pdf.toString('latin1', at, at + 100_000)
  const catalogue = /^(\d+) 0 obj\s*<<([\s\S]*?)>>\s*endobj/.exec(object)
  if (Number(catalogue?.[1]) !== root || /\/(?:DSS|Extensions)\b|\bstream\b/.test(catalogue![2]!))
    return refuse('has no catalogue to be continued')
  const kept = [/\/Info \d{1,7} 0 R/.exec(trailer)?.[0], /\/ID\s*\[[^\]]{0,400}\]/.exec(trailer)?.[0]]
  return { xrefAt, size, root, catalogue: catalogue![2]!, kept: kept.flatMap((field) => (field ? [` ${field}`] : [])).join('') }
}

/** Where a table says that an object begins; null where it says nothing of it. */
function offsetIn(pdf: Buffer, table: number, wanted: number): number | null {
  let at = table + 4
  for (let n = 0; n < 10_000; n++) {
    const section = /^\s*(\d{1,7}) (\d{1,7})\s*?\r?\n/.exec(pdf.toString('latin1', at, at + 40))
    if (!section) return null
    const [first, count] = [Number(section[1]), Number(section[2])]
    at += section[0].length
    if (wanted >= first && wanted < first + count) {
      const entry = /^(\d{10}) \d{5} n/.exec(pdf.toString('latin1', at + 20 * (wanted - first), at + 20 * (wanted - first) + 20))
      return entry ? Number(entry[1]) : null
    }
    at += 20 * count
  }
  return null
}

const kinds = ['certificates', 'ocsp', 'crls'] as const satisfies readonly (keyof Evidence)[]
const names = { certificates: 'Certs', ocsp: 'OCSPs', crls: 'CRLs' } as const

/** A PDF with a store of evidence after it, in DER. What was there keeps every byte. Throws RangeError for a document that is encrypted, has a store, or keeps its objects' places in a stream. */
export function appendDss(pdf: Buffer, evidence: Evidence): Buffer {
  const { xrefAt, size, root, catalogue, kept } = lastRevision(pdf)
  const start = pdf.at(-1) === 0x0a ? '' : '\n'
  const parts: string[] = [start]
  const places: number[] = []
  let at = pdf.length + start.length
  const write = (words: string) => {
    parts.push(words)
    at += words.length
  }
  const object = (number: number, words: string) => {
    places.push(at)
    write(`${number} 0 obj\n${words}\nendobj\n`)
  }
  let next = size
  const lists = kinds.map((kind) => {
    const own = evidence[kind].map((der) => {
      // Digits alone: whatever a certificate says, nothing in here looks like a part of a document.
      const digits = Buffer.from(der.buffer, der.byteOffset, der.length).toString('hex')
      object(next, `<< /Filter /ASCIIHexDecode /Length ${digits.length + 1} >>\nstream\n${digits}>\nendstream`)
      return `${next++} 0 R`
    })
    return own.length > 0 ? ` /${names[kind]} [${own.join(' ')}]` : ''
  })
  object(next, `<< /Type /DSS${lists.join('')} >>`)
  object(root, `<<${catalogue}${/\s$/.test(catalogue) ? '' : ' '}/DSS ${next} 0 R ${extension} >>`)
  const entry = (place: number) => `${String(place).padStart(10, '0')} 00000 n \n`
  const own = places.pop()!
  const table = at
  write(`xref\n${root} 1\n${entry(own)}${size} ${places.length}\n${places.map(entry).join('')}`)
  write(`trailer\n<< /Size ${next + 1} /Root ${root} 0 R${kept} /Prev ${xrefAt} >>\nstartxref\n${table}\n%%EOF\n`)
  return Buffer.concat([pdf, Buffer.from(parts.join(''), 'latin1')])
}

/** The evidence in what follows the first `end` bytes of a PDF; null where anything else follows, or a store in another form than ours. Never throws. */
export function dssAfter(pdf: Buffer, end: number): Evidence | null {
  const tail = pdf.subarray(end)
  if (tail.length > largestStore) return null
  const words = tail.toString('latin1')
  const list = /\n<< \/Type \/DSS((?: \/\w+ \[[\d R]{0,4000}\])*) >>\n/.exec(words)?.[1]
  if (list === undefined) return null
  const streams = [...words.matchAll(/\nstream\n([0-9a-f]*)>\nendstream\n/g)].map(([, digits]) => Buffer.from(digits!, 'hex'))
  if (streams.length > mostObjects) return null
  const counts = kinds.map((kind) => new RegExp(`/${names[kind]} \\[([^\\]]*)\\]`).exec(list)?.[1]?.match(/R/g)?.length ?? 0)
  const [certificates, ocsp] = counts as [number, number, number]
  const evidence = {
    certificates: streams.slice(0, certificates),
    ocsp: streams.slice(certificates, certificates + ocsp),
    crls: streams.slice(certificates + ocsp),
  }
  try {
    for (const der of evidence.certificates) readCertificate(der)
    for (const der of evidence.ocsp) readOcsp(der)
    for (const der of evidence.crls) readCrl(der)
    return appendDss(pdf.subarray(0, end), evidence).equals(pdf) ? evidence : null
  } catch (error) {
    if (error instanceof RangeError || error instanceof DerFault || error instanceof Refusal) return null
    throw error
  }
}
