import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(4096)
let used = pool.length

/**
 * Random bytes from the system's generator, for keys, nonces and ids. Drawn 4 kB at a time: asking for 16 bytes costs as much as asking for all of them
 * (6 µs of a submission's budget, eight times). What was handed out is wiped from the pool, and nothing is handed out twice.
 */
export function freshBytes(count: number): Buffer {
  if (count > pool.length / 4) return randomFillSync(Buffer.alloc(count))
  if (used + count > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  // A buffer of its own: a slice of Node's shared slab would lie beside other people's bytes.
  const out = Buffer.alloc(count)
  pool.copy(out, 0, used, used + count)
  pool.fill(0, used, used + count)
  used += count
  return out
}
