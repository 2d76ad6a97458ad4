/** The tax authority's test certificates, and OpenSSL to make others and to judge what we make. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

type Bytes = Uint8Array<ArrayBuffer>

const vectors = join(import.meta.dirname, '../../../test/vectors/efirma')
const read = (path: string): Bytes => new Uint8Array(readFileSync(path))

/** A test e.firma; its passphrase is `12345678a`. `FIEL_CACX7605101P8_2023` holds from 2023-05-09 to 2027-05-08, `FIEL_AAA010101AAA` ended in 2021. */
export function efirma(name: 'FIEL_CACX7605101P8_2023' | 'FIEL_AAA010101AAA') {
  const path = (file: string) => join(vectors, name, file)
  return {
    certificatePath: path('certificate.cer'),
    keyPath: path('private_key.key'),
    certificate: read(path('certificate.cer')),
    key: read(path('private_key.key')),
    passphrase: readFileSync(path('password.txt'), 'utf8').trim(),
  }
}

/** When the first of them is in force. */
export const whileValid = new Date('2026-11-27T12:00:00Z')

/** A folder of its own where OpenSSL works, gone with the test file. */
export function opensslFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'signing-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return {
    path: (file: string) => join(folder, file),
    write(file: string, bytes: Uint8Array | string): string {
      writeFileSync(join(folder, file), bytes)
      return join(folder, file)
    },
    read: (file: string): Bytes => read(join(folder, file)),
    /** What the command says, both ways. Throws where it fails. */
    run: (...args: string[]): string =>
      execFileSync('sh', ['-c', 'exec openssl "$@" 2>&1', 'sh', ...args], { cwd: folder, encoding: 'utf8' }),
  }
}
