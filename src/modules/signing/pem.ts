/** PEM (RFC 7468): what programs save as letters. Read in one place, whatever it holds. */

/** Larger files are taken as they are: nothing that is read here is as large in letters. */
const longest = 4_000_000

/** The contents of every block of a PEM file with one of these labels, in order; none for a file in DER. */
export function pemBlocks(file: Uint8Array, ...labels: readonly string[]): Buffer[] {
  if (file[0] === 0x30 || file.length > longest) return []
  const text = Buffer.from(file.buffer, file.byteOffset, file.length).toString('latin1')
  const block = new RegExp(`-----BEGIN (${labels.join('|')})-----([\\w+/=\\s]+)-----END \\1-----`, 'g')
  return [...text.matchAll(block)].map((m) => Buffer.from(m[2]!, 'base64'))
}

/** A file that may be PEM, in DER: the content of its only block with one of these labels; the file itself where that is not what it is. */
export function derOf(file: Buffer, ...labels: readonly string[]): Buffer {
  const [one, ...more] = pemBlocks(file, ...labels)
  return one !== undefined && more.length === 0 ? one : file
}

/** What signatures are labelled as. */
export const signatureLabels = ['CMS', 'PKCS7'] as const

/** DER as PEM, 64 letters a line. */
export const toPem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`
