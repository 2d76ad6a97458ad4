/** Every SQL statement of this module. */
import { queryIn, type Tx } from '#db'

/** Notes that a signer stands on our pages from now on; false where that was known. */
export async function noteSigner(tx: Tx, file: 'script' | 'offline', sha256: string, at: Date): Promise<boolean> {
  const fresh = await queryIn(
    tx,
    'insert into signing_signer (file, sha256, published_at) values ($1, $2, $3) on conflict do nothing returning file',
    [file, sha256, at],
  )
  return fresh.length > 0
}
