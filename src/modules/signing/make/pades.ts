/** Signatures within PDFs (PAdES, EN 319 142-1): the place that whoever draws the document leaves, and what fills it. */
import { sealBytes, timestampAttribute } from './cades.ts'
import type { Holder } from './signer.ts'

/** Bytes of a signature with its timestamp, its certificates and an answer about them: some 4 kB on P-256, 7 kB with RSA. */
const room = 12_000
const open = 9_999_999_999

/**
 * The dictionary of a signature whose place is still empty, as values that pdfkit writes: to be referred to by a signature field. `at` is what readers show as the time of signing.
 */
export const signaturePlace = (at: Date) => ({
  Type: 'Sig',
  Filter: 'Adobe.PPKLite',
  SubFilter: 'ETSI.CAdES.detached',
  // Ten digits each: the true numbers take the same room.
  ByteRange: [0, open, open, open],
  Contents: Buffer.alloc(room),
  M: at,
})

const range = `/ByteRange [0 ${open} ${open} ${open}]`
const empty = `<${'00'.repeat(room)}>`

/**
 * Fills the place, with a timestamp by `stamp` (B-T): the signature covers the whole file but itself. Answers about revocation are left out: readers of PDFs look for them in a store after it (`appendDss`), and NSS
 * refuses a signature that carries one. Throws RangeError for a file without exactly one place, or where the signature is larger than it.
 */
export function signPdf(pdf: Buffer, by: Holder, stamp: (signature: Uint8Array) => Uint8Array): Buffer {
  const at = pdf.indexOf(range)
  const from = pdf.indexOf(empty, at)
  if (at < 0 || from < 0 || pdf.indexOf(range, at + 1) >= 0) throw new RangeError('The document has no place for a signature, or several.')
  const to = from + empty.length
  const signed = Buffer.from(pdf)
  const ten = (n: number) => String(n).padEnd(10)
  signed.write(`/ByteRange [0 ${ten(from)} ${ten(to)} ${ten(pdf.length - to)}]`, at, 'latin1')
  // EN 319 142-1, 5.3: the time stands in the dictionary, and no signing-time in the signature.
  const covered = Buffer.concat([signed.subarray(0, from), signed.subarray(to)])
  const cms = sealBytes(covered, by, { unsigned: (signature) => [timestampAttribute(stamp(signature))] })
  if (cms.length > room) throw new RangeError(`A signature of ${cms.length} bytes has no room.`)
  signed.write(Buffer.from(cms).toString('hex'), from + 1, 'latin1')
  return signed
}
