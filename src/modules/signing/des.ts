/**
 * Triple DES in CBC mode (FIPS 46-3, SP 800-67), decrypting only. WebCrypto has none, and the tax authority encrypts every `.key` file with it. It works bit by bit from
 * the standard's own tables: a key file has some hundred blocks, and nobody else runs where it runs.
 */

const numbers = (text: string) => text.split(' ').map((n) => Number(n) - 1)

// The standard counts bits from 1 and from the left.
const initial = Array.from({ length: 64 }, (_, i) => 57 + 2 * ((i >> 3) & 3) - (i >> 5) - 8 * (i & 7))
const final = initial.map((_, i) => initial.indexOf(i))
const straight = numbers('16 7 20 21 29 12 28 17 1 15 23 26 5 18 31 10 2 8 24 14 32 27 3 9 19 13 30 6 22 11 4 25')
const choiceOne = numbers(
  '57 49 41 33 25 17 9 1 58 50 42 34 26 18 10 2 59 51 43 35 27 19 11 3 60 52 44 36 63 55 47 39 31 23 15 7 62 54 46 38 30 22 14 6 61 53 45 37 29 21 13 5 28 20 12 4',
)
const choiceTwo = numbers(
  '14 17 11 24 1 5 3 28 15 6 21 10 23 19 12 4 26 8 16 7 27 20 13 2 41 52 31 37 47 55 30 40 51 45 33 48 44 49 39 56 34 53 46 42 50 36 29 32',
)
// S1 to S8, each four rows of sixteen.
const boxes = [
  'e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d',
  'f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9',
  'a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c',
  '7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e',
  '2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453',
  'c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d',
  '4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c',
  'd2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b',
].map((box) => Uint8Array.from(box, (digit) => Number.parseInt(digit, 16)))

type Bits = Uint8Array

const bitsOf = (bytes: Uint8Array): Bits => Uint8Array.from({ length: bytes.length * 8 }, (_, i) => (bytes[i >> 3]! >> (7 - (i & 7))) & 1)

function permute(bits: Bits, order: readonly number[]): Bits {
  const out = new Uint8Array(order.length)
  for (let i = 0; i < out.length; i++) out[i] = bits[order[i]!]!
  return out
}

/** The sixteen round keys of one key of eight bytes; its parity bits do not count. */
function roundKeys(key: Uint8Array): Bits[] {
  const chosen = permute(bitsOf(key), choiceOne)
  let turned = 0
  return Array.from({ length: 16 }, (_, round) => {
    turned += round === 0 || round === 1 || round === 8 || round === 15 ? 1 : 2
    // Both halves of 28 bits turn to the left.
    const halves = chosen.map((_, i) => chosen[i < 28 ? (i + turned) % 28 : 28 + ((i + turned) % 28)]!)
    return permute(halves, choiceTwo)
  })
}

function throughRounds(block: Bits, keys: readonly Bits[]): Bits {
  const mixed = permute(block, initial)
  let [left, right] = [mixed.subarray(0, 32), mixed.subarray(32)]
  for (const key of keys) {
    const out = new Uint8Array(32)
    for (let box = 0; box < 8; box++) {
      let six = 0
      // The expansion: each four bits with their two neighbours.
      for (let j = 0; j < 6; j++) six = six * 2 + (right[(box * 4 + j + 31) % 32]! ^ key[box * 6 + j]!)
      const four = boxes[box]![((six >> 4) & 2) * 16 + (six & 1) * 16 + ((six >> 1) & 15)]!
      for (let j = 0; j < 4; j++) out[box * 4 + j] = (four >> (3 - j)) & 1
    }
    const next = permute(out, straight)
    for (let i = 0; i < 32; i++) next[i]! ^= left[i]!
    left = right
    right = next
  }
  return permute(Uint8Array.of(...right, ...left), final)
}

/**
 * Decrypts with a key of 24 bytes and an initial vector of 8, and takes the padding of RFC 8018, 6.1.1 away. Null where the data are no whole blocks or the padding is
 * wrong: then the key was almost surely another one.
 */
export function decryptTripleDes(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (data.length === 0 || data.length % 8 !== 0) return null
  const [first, second, third] = [0, 8, 16].map((at) => roundKeys(key.subarray(at, at + 8))) as [Bits[], Bits[], Bits[]]
  // Decrypting is encrypting with the round keys in reverse; the middle one encrypts.
  const order = [third.reverse(), second, first.reverse()]
  const plain = new Uint8Array(data.length)
  const open = (at: number) => {
    const bits = order.reduce(throughRounds, bitsOf(data.subarray(at, at + 8)))
    const before = at === 0 ? iv : data.subarray(at - 8)
    for (let i = 0; i < 64; i++) plain[at + (i >> 3)]! |= bits[i]! << (7 - (i & 7))
    for (let i = 0; i < 8; i++) plain[at + i]! ^= before[i]!
  }
  // The last block first: under a wrong passphrase its padding says so, and the rest is not worth the time.
  const last = data.length - 8
  open(last)
  const padding = plain.at(-1)!
  if (padding < 1 || padding > 8 || plain.subarray(-padding).some((byte) => byte !== padding)) return null
  for (let at = 0; at < last; at += 8) open(at)
  return plain.slice(0, -padding)
}
