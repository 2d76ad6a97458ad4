import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { maxEntryBytes } from './entries.ts'
import { type Reader, readTile } from './folder.ts'
import { hashSize, leafHash } from './merkle.ts'
import { parseVkey, type Verifier } from './note.ts'
import { meetsQuorum, parsePolicy } from './policy.ts'
import { openPromise, openProof, parseProof } from './receipt.ts'
import { Edge, parseBundle, tilePath, tileWidth, widthAt } from './tiles.ts'

/** A published log, to be read by somebody who trusts nobody: at a portal's address or in a folder. */
export type Source = { readonly name: string; readonly read: Reader }

/** The source cannot be read at all: nothing was found out about the log. */
export class SourceError extends Error {
  override name = 'SourceError'
}

const largestBundle = tileWidth * (maxEntryBytes + 2)
const largest = (path: string) => (path.startsWith('tile/') ? largestBundle : 1_000_000)

/*
 * Whoever publishes a log may mean harm: of what is longer than its kind can be, both readers give a little more than the most, so that it is found damaged, and never the whole.
 */

async function readLimited(file: string, most: number): Promise<Buffer | null> {
  try {
    // Asked before it is opened: a pipe would wait for ever, a device never ends.
    const { size } = await stat(file).then((s) => (s.isFile() ? s : { size: null }))
    if (size === null) return null
    const handle = await open(file, 'r')
    try {
      const bytes = Buffer.alloc(Math.min(size, most + 1))
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0)
      return bytes.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new SourceError(`${file} cannot be read: ${code ?? error}.`, { cause: error })
  }
}

async function fetchLimited(url: string, most: number): Promise<Buffer | null> {
  const answer = await fetch(url, { redirect: 'follow', signal: AbortSignal.timeout(30_000) })
  if (answer.status === 404 || answer.status === 410) {
    await answer.body?.cancel()
    return null
  }
  if (!answer.ok || !answer.body) throw new SourceError(`${url} answers ${answer.status}.`)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body) {
    parts.push(part)
    if ((length += part.length) > most) break
  }
  return Buffer.concat(parts)
}

/** Opens `where`: a portal's address, the log being at `<url>/log/`, or a folder that is a copy of that path (or holds it as `log`). Throws `SourceError`. */
export async function openSource(where: string): Promise<Source> {
  if (/^https?:\/\//i.test(where)) {
    // Whoever names the log itself means the same.
    const base = `${where.replace(/(\/log)?\/*$/, '')}/log/`
    return {
      name: base,
      async read(path) {
        for (let attempt = 1; ; attempt++) {
          try {
            return await fetchLimited(base + path, largest(path))
          } catch (error) {
            if (attempt === 3)
              throw error instanceof SourceError ? error : new SourceError(`${base}${path} cannot be read.`, { cause: error })
            await new Promise((resolve) => setTimeout(resolve, 500 * attempt))
          }
        }
      },
    }
  }
  for (const folder of [where, join(where, 'log')]) {
    if (!(await stat(join(folder, 'checkpoint')).catch(() => null))) continue
    return { name: folder, read: (path) => readLimited(join(folder, path), largest(path)) }
  }
  throw new SourceError(`${where} holds no log: there is no checkpoint in it.`)
}

/** An entry as the log has it. */
export type ReadEntry = { readonly index: number; readonly bytes: Buffer }

/**
 * The entries of a published log from `from` on, in order, up to the published size. Only their form is checked here: whether they are those that were signed
 * is `verifyLog`'s finding, which hands out the same entries as it goes. Memory does not grow with the log.
 */
export async function* readEntries(
  where: string | Source,
  { from = 0, size }: { from?: number; size?: number } = {},
): AsyncGenerator<ReadEntry> {
  const source = typeof where === 'string' ? await openSource(where) : where
  const upTo = size ?? (await sizeOf(source))
  for (let n = Math.floor(from / tileWidth); n * tileWidth < upTo; n++) {
    const width = widthAt('entries', n, upTo)
    const bundle = await readTile(source.read, 'entries', n, width)
    const entries = bundle && parseBundle(bundle, tileWidth)
    if (entries?.length !== width || !entries)
      throw new SourceError(`${source.name}: the bundle ${tilePath({ kind: 'entries', n, width })} is missing or damaged.`)
    for (const [i, bytes] of entries.entries()) if (n * tileWidth + i >= from) yield { index: n * tileWidth + i, bytes }
  }
}

async function sizeOf(source: Source): Promise<number> {
  const bytes = await source.read('checkpoint')
  const checkpoint = bytes && parseCheckpoint(bytes)
  if (!checkpoint) throw new SourceError(`${source.name} has no checkpoint.`)
  return checkpoint.size
}

/** Something wrong. `index` is the entry's, where one is meant. */
export type Finding = {
  readonly kind: 'key' | 'checkpoint' | 'entries' | 'tile' | 'root' | 'policy' | 'receipt' | 'promise-broken'
  readonly index: number | null
  readonly detail: string
}

/** What was found out. `ok` is true when there is no finding. `notes` says what a reader must know although nothing is wrong. */
export type Verified = {
  readonly ok: boolean
  readonly origin: string
  readonly size: number
  /** Base64, as the checkpoint has it. */
  readonly root: string
  readonly key: string
  /** Whether the key was given by who asks; else it came from the log itself and proves little. */
  readonly keyCompared: boolean
  /** Whether the policy's quorum of witnesses cosigned. False where no witness is asked for: *unwitnessed*. */
  readonly witnessed: boolean
  /** The receipt's entry and place, when one was given and holds. */
  readonly receipt: { readonly kind: 'proof' | 'promise'; readonly index: number | null; readonly entry: string } | null
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

export type VerifyOptions = {
  /** The log's verifier key, known from elsewhere. */
  readonly key?: string | undefined
  /** The text of a witness policy. The log's own stands under `/log/policy`. */
  readonly policy?: string | undefined
  /** The text of a proof or of a promise. */
  readonly receipt?: string | undefined
  readonly now?: Date
  /** Each entry as it is read; what it is worth is known when `verifyLog` returns. */
  readonly onEntry?: (entry: ReadEntry) => void
  /** Told after each bundle. */
  readonly onProgress?: (done: number, size: number) => void
}

// Bundles fetched ahead: enough to hide a network's delay, few enough that 16 MB each do not matter.
const ahead = 6
// A rotten disk would give one finding for each entry.
const mostFindings = 100

/**
 * Checks a whole published log and trusts nothing but the key: the checkpoint's signature, each entry against its leaf hash, each tile against those below it, the
 * root against the checkpoint, the witnesses' cosignatures against the policy, a receipt against all of it. Throws `SourceError` when there is
 * nothing to check; everything else is a finding. Memory does not grow with the log.
 */
export async function verifyLog(where: string | Source, options: VerifyOptions = {}): Promise<Verified> {
  const source = typeof where === 'string' ? await openSource(where) : where
  const findings: Finding[] = []
  const notes: string[] = []
  const find = (kind: Finding['kind'], detail: string, index: number | null = null) => {
    if (findings.length < mostFindings) findings.push({ kind, index, detail })
    else if (findings.length === mostFindings) findings.push({ kind, index: null, detail: 'There are more findings than are listed.' })
  }

  const vkey = options.key ?? (await source.read('key'))?.toString() ?? ''
  const key = parseVkey(vkey.trim())
  if (!key)
    throw new SourceError(
      options.key === undefined ? `${source.name} gives no key: name one with --key.` : 'The given key is no verifier key.',
    )
  if (options.key === undefined)
    notes.push('The key was taken from the log itself and not compared: this shows that the log agrees with itself, not whose it is.')

  const bytes = await source.read('checkpoint')
  const claimed = bytes && parseCheckpoint(bytes)
  if (!bytes) throw new SourceError(`${source.name} has no checkpoint.`)
  if (!claimed) {
    // Whichever byte of a checkpoint was changed, the log is broken and not out of reach.
    find('checkpoint', 'The checkpoint cannot be read: it is no signed note with an origin, a size and a root.')
    const nothing = { origin: key.name, size: 0, root: '', witnessed: false, receipt: null }
    return { ok: false, ...nothing, key: key.vkey, keyCompared: options.key !== undefined, findings, notes }
  }
  const { origin, size, root, note } = claimed
  if (!openCheckpoint(bytes, key)) find('checkpoint', `The checkpoint is not signed by ${key.vkey}.`)

  const policyText = options.policy ?? (await source.read('policy'))?.toString()
  const policy = policyText === undefined ? null : parsePolicy(policyText)
  let witnessed = false
  if (policy && 'fault' in policy) find('policy', `The witness policy cannot be read. ${policy.fault}`)
  else if (policy) {
    witnessed = !policy.none && meetsQuorum(policy, note)
    if (!witnessed && options.policy !== undefined && !policy.none)
      find('policy', 'The given policy is not met: too few witnesses cosigned this checkpoint.')
  }
  if (!witnessed) notes.push('Unwitnessed: nobody outside vouches that everybody is shown this same log.')

  const receipt = options.receipt === undefined ? null : readReceipt(options.receipt, key, find)
  const found: { root: Buffer | null; leaf: Buffer | null; promised: number | null } = { root: null, leaf: null, promised: null }
  const edge = await recompute(source, size, find, options, (edge, leaf) => {
    const index = edge.size - 1
    if (receipt?.kind === 'proof') {
      if (index === receipt.index) found.leaf = leaf
      if (edge.size === receipt.size) found.root = edge.root()
    } else if (receipt && found.promised === null && leaf.equals(receipt.leaf)) found.promised = index
  })
  if (edge.size !== size) find('root', `Only ${edge.size} of ${size} entries could be read, so the root cannot be compared.`)
  else if (!edge.root().equals(root))
    find('root', `The entries give the root ${edge.root().toString('base64')}, the checkpoint says ${root.toString('base64')}.`)

  let index: number | null = null
  if (receipt?.kind === 'proof') {
    index = receipt.index
    if (receipt.size > size)
      find('receipt', `The receipt's checkpoint has ${receipt.size} entries, the published one only ${size}: the log was cut back.`, index)
    else if (!found.leaf?.equals(receipt.leaf)) find('receipt', `Another entry stands at ${index}.`, index)
    else if (!found.root?.equals(receipt.root))
      find('receipt', `The log signed another root for ${receipt.size} entries: it has forked. Receipt and log together prove it.`, index)
  } else if (receipt) {
    index = found.promised
    if (index === null) {
      const due = receipt.before.toISOString()
      if ((options.now ?? new Date()) > receipt.before)
        find('promise-broken', `The log promised this entry before ${due}, and it is not there. The promise proves it.`)
      else notes.push(`The promised entry is not in the log yet; it is due ${due}.`)
    }
  }

  return {
    ok: findings.length === 0,
    origin,
    size,
    root: root.toString('base64'),
    key: key.vkey,
    keyCompared: options.key !== undefined,
    witnessed,
    receipt: receipt && { kind: receipt.kind, index, entry: receipt.entry.toString() },
    findings,
    notes,
  }
}

type Receipt =
  | { kind: 'proof'; entry: Buffer; leaf: Buffer; index: number; size: number; root: Buffer }
  | { kind: 'promise'; entry: Buffer; leaf: Buffer; before: Date }

function readReceipt(text: string, key: Verifier, find: (kind: 'receipt', detail: string) => void): Receipt | null {
  // People save files with and without a last newline and with those of their system.
  const tidy = `${text.replaceAll('\r\n', '\n').trimEnd()}\n`
  const promise = openPromise(tidy, key)
  if (promise) return { kind: 'promise', entry: promise.entry, leaf: leafHash(promise.entry), before: promise.before }
  const parsed = parseProof(tidy)
  const proof = parsed && openProof(parsed, key)
  if (proof) return { kind: 'proof', leaf: leafHash(proof.entry), ...proof }
  find('receipt', parsed ? 'The proof does not hold under this key.' : 'The receipt is neither a proof nor a promise of this log.')
  return null
}

/** Reads all entries, builds the tree from them alone and compares every tile with it. Returns the tree as far as it could be read. */
async function recompute(
  source: Source,
  size: number,
  find: (kind: 'entries' | 'tile', detail: string, index?: number | null) => void,
  { onEntry, onProgress }: VerifyOptions,
  added: (edge: Edge, leaf: Buffer) => void,
): Promise<Edge> {
  const edge = new Edge()
  const bundles = Math.ceil(size / tileWidth)
  type Fetched = Promise<[bundle: Buffer | null, leaves: Buffer | null]>
  const fetched = new Map<number, Fetched>()
  const fetchAt = (n: number): Fetched => {
    const width = widthAt('entries', n, size)
    const both = Promise.all([readTile(source.read, 'entries', n, width), readTile(source.read, 0, n, width)])
    // Awaited in its turn; until then a failure is nobody's.
    both.catch(() => {})
    return both
  }
  const compare = async (level: number, n: number, width: number, hashes: Buffer) => {
    const tile = await readTile(source.read, level, n, width)
    if (!tile?.equals(hashes))
      find('tile', `Tile ${tilePath({ kind: level, n, width })} is ${tile ? 'not what the entries give' : 'missing'}.`)
  }

  for (let n = 0; n < bundles; n++) {
    for (let next = n; next < Math.min(n + ahead, bundles); next++) if (!fetched.has(next)) fetched.set(next, fetchAt(next))
    const [bundle, leaves] = await fetched.get(n)!
    fetched.delete(n)
    const width = widthAt('entries', n, size)
    const name = tilePath({ kind: 'entries', n, width })
    const tile = leaves?.length === width * hashSize ? leaves : null
    if (!tile) find('tile', `Tile ${tilePath({ kind: 0, n, width })} is ${leaves ? 'damaged' : 'missing'}.`)
    const entries = bundle && parseBundle(bundle, tileWidth)
    const whole = entries?.length === width ? entries : null
    if (!whole) find('entries', `The bundle ${name} is ${bundle ? 'damaged' : 'missing'}.`, n * tileWidth)
    if (!whole && !tile) return edge
    const full: [level: number, n: number, hashes: Buffer][] = []
    for (let i = 0; i < width; i++) {
      const index = n * tileWidth + i
      const said = tile?.subarray(i * hashSize, (i + 1) * hashSize)
      let leaf = whole ? leafHash(whole[i]!) : said!
      if (whole) onEntry?.({ index, bytes: whole[i]! })
      if (said && !leaf.equals(said)) {
        find('entries', `The entry at ${index} is not the one whose hash is in the tree.`, index)
        // Go on with the tree's hash: then the root tells whether the tree is the signed one, and only this entry is false.
        leaf = said
      }
      edge.add(Buffer.from(leaf), (level, m, hashes) => {
        if (level > 0) full.push([level, m, hashes])
      })
      added(edge, leaf)
    }
    for (const [level, m, hashes] of full) await compare(level, m, tileWidth, hashes)
    onProgress?.(edge.size, size)
  }
  for (const p of edge.partials()) if (p.level > 0) await compare(p.level, p.n, p.width, p.hashes)
  return edge
}
