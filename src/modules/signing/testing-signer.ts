/** The tax authority's test certificates, and OpenSSL to make others and to judge what we make. */
import { spawnSync } from 'node:child_process'
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
    /** What the command says, both ways. Throws it where the command fails. */
    run(...args: string[]): string {
      const { status, stdout } = spawnSync('sh', ['-c', 'exec openssl "$@" 2>&1', 'sh', ...args], { cwd: folder, encoding: 'utf8' })
      if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stdout}`)
      return stdout
    },
  }
}

/** The same numbers for the same seed (mulberry32), so that a failure can be seen again. */
export function seeded(seed: number) {
  let a = seed
  return (below: number): number => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** A file with some of its bytes changed, cut, doubled, moved, or its lengths made wrong. */
export function mutate(file: Bytes, random: (below: number) => number): Bytes {
  let out = Array.from(file)
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(Math.max(1, out.length))
    switch (random(7)) {
      case 0:
        out[at] = random(256)
        break
      case 1:
        out[at] = out[at]! ^ (1 << random(8))
        break
      case 2:
        out = out.slice(0, at)
        break
      case 3:
        out.splice(at, 1 + random(4))
        break
      case 4:
        out.splice(at, 0, ...Array.from({ length: 1 + random(6) }, () => random(256)))
        break
      case 5:
        out.splice(at, 1, 0x80 | random(6), 0xff, 0xff)
        break
      default:
        out.splice(at, 0, ...out.slice(at, at + random(60)))
    }
  }
  return Uint8Array.from(out)
}
