import { hash } from 'node:crypto'

/**
 * Merkle trees of RFC 6962, section 2.1, with SHA-256. Pure: no I/O, no clock. Sizes and indexes are whole numbers up to 2^53 - 1, so shifts are
 * divisions: JavaScript's own would cut them to 32 bits.
 */
export const hashSize = 32
/** The root of the tree without entries: SHA-256 of nothing. */
export const emptyRoot: Buffer = hash('sha256', Buffer.alloc(0), 'buffer')

/** SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Buffer {
  // Copied behind its prefix and hashed in one call: half the time of two updates.
  const prefixed = Buffer.allocUnsafe(1 + entry.length)
  prefixed[0] = 0
  prefixed.set(entry, 1)
  return hash('sha256', prefixed, 'buffer')
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const both = Buffer.allocUnsafe(1 + 2 * hashSize)
  both[0] = 1
  both.set(left, 1)
  both.set(right, 1 + hashSize)
  return hash('sha256', both, 'buffer')
}

/** The root over `count` hashes that lie one after the other in `hashes` from `from` on; `count` is a power of two. */
export function perfectRoot(hashes: Buffer, from: number, count: number): Buffer {
  if (count === 1) return hashes.subarray(from * hashSize, (from + 1) * hashSize)
  const half = count / 2
  return nodeHash(perfectRoot(hashes, from, half), perfectRoot(hashes, from + half, half))
}

/** The largest power of two smaller than `n` (RFC 6962: k < n <= 2k), for n of 2 and more. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** Gives the hash of the complete subtree of height `level` that covers the entries `[index * 2^level, (index + 1) * 2^level)`. */
export type NodeReader = (level: number, index: number) => Promise<Buffer>

/** MTH(D[from:to]) from complete subtrees. `from` must be where RFC 6962 splits: a multiple of the next power of two over `to - from`. */
export async function rangeRoot(from: number, to: number, node: NodeReader): Promise<Buffer> {
  const n = to - from
  if (n === 0) return emptyRoot
  let power = 1
  let level = 0
  while (power < n) {
    power *= 2
    level++
  }
  if (power === n) return node(level, from / power)
  const k = power / 2
  return nodeHash(await rangeRoot(from, from + k, node), await rangeRoot(from + k, to, node))
}

/** PATH(index, D[size]) of RFC 6962, 2.1.1: from the leaf's sibling up. Throws a `RangeError` when the index is not in the tree. */
export async function inclusionProof(index: number, size: number, node: NodeReader): Promise<Buffer[]> {
  if (!(index >= 0 && index < size)) throw new RangeError('The entry is not in a tree of this size.')
  const proof: Buffer[] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const middle = from + split(to - from)
    if (index < middle) {
      proof.push(await rangeRoot(middle, to, node))
      to = middle
    } else {
      proof.push(await rangeRoot(from, middle, node))
      from = middle
    }
  }
  return proof.reverse()
}

/** PROOF(old, D[size]) of RFC 6962, 2.1.2. Empty when `old` is 0 or `size`. Throws a `RangeError` when `old` is larger than `size`. */
export async function consistencyProof(old: number, size: number, node: NodeReader): Promise<Buffer[]> {
  if (!(old >= 0 && old <= size)) throw new RangeError('The older tree is the larger one.')
  if (old === 0 || old === size) return []
  const proof: Buffer[] = []
  let from = 0
  let to = size
  // Whether D[from:to] has been a whole tree of the old one, whose hash the checker then knows.
  let known = true
  while (old !== to) {
    const middle = from + split(to - from)
    if (old <= middle) {
      proof.push(await rangeRoot(middle, to, node))
      to = middle
    } else {
      proof.push(await rangeRoot(from, middle, node))
      from = middle
      known = false
    }
  }
  if (!known) proof.push(await rangeRoot(from, to, node))
  return proof.reverse()
}

const odd = (n: number) => n % 2 === 1
const half = (n: number) => Math.floor(n / 2)

/** Whether `proof` shows `leaf` at `index` of the tree of `size` with this `root` (RFC 9162, 2.1.3.2). Never throws. */
export function includes(root: Buffer, size: number, index: number, leaf: Buffer, proof: readonly Buffer[]): boolean {
  if (!(index >= 0 && index < size)) return false
  let fn = index
  let sn = size - 1
  let r = leaf
  for (const p of proof) {
    if (sn === 0) return false
    if (odd(fn) || fn === sn) {
      r = nodeHash(p, r)
      while (!odd(fn) && fn !== 0) {
        fn = half(fn)
        sn = half(sn)
      }
    } else r = nodeHash(r, p)
    fn = half(fn)
    sn = half(sn)
  }
  return sn === 0 && r.equals(root)
}

/** Whether `proof` shows that the tree of `size` begins with the whole tree of `oldSize` (RFC 9162, 2.1.4.2). Never throws. */
export function extendsTree(oldSize: number, oldRoot: Buffer, size: number, root: Buffer, proof: readonly Buffer[]): boolean {
  if (!(oldSize >= 0 && oldSize <= size)) return false
  if (oldSize === size) return proof.length === 0 && oldRoot.equals(root)
  if (oldSize === 0) return proof.length === 0 && oldRoot.equals(emptyRoot)
  let fn = oldSize - 1
  let sn = size - 1
  while (odd(fn)) {
    fn = half(fn)
    sn = half(sn)
  }
  // Where the old size is a power of two its root stands in the new tree as it is, and the proof leaves it out.
  const path = fn === 0 ? [oldRoot, ...proof] : [...proof]
  const first = path.shift()
  if (!first) return false
  let fr = first
  let sr = first
  for (const c of path) {
    if (sn === 0) return false
    if (odd(fn) || fn === sn) {
      fr = nodeHash(c, fr)
      sr = nodeHash(c, sr)
      while (!odd(fn) && fn !== 0) {
        fn = half(fn)
        sn = half(sn)
      }
    } else sr = nodeHash(sr, c)
    fn = half(fn)
    sn = half(sn)
  }
  return sn === 0 && fr.equals(oldRoot) && sr.equals(root)
}
