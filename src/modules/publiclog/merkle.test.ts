import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consistencyProof, emptyRoot, extendsTree, hashSize, includes, inclusionProof, leafHash, nodeHash } from './merkle.ts'
import {
  Edge,
  encodeBundle,
  existsAt,
  nodesFrom,
  parseBundle,
  parseTilePath,
  rootFrom,
  type TileReader,
  tilePath,
  widthAt,
} from './tiles.ts'

// The eight leaves and roots of the Certificate Transparency reference tests (RFC 6962 trees of sizes 1 to 8).
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((h) =>
  Buffer.from(h, 'hex'),
)
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const hex = (h: string) => Buffer.from(h, 'hex')

/** RFC 6962, 2.1, word by word: the slow truth that everything else is compared with. */
function mth(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 0) return emptyRoot
  if (hashes.length === 1) return hashes[0]!
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return nodeHash(mth(hashes.slice(0, k)), mth(hashes.slice(k)))
}

/** A tree of `size` made-up leaves, its tiles kept as an Edge gives them. */
function grown(size: number) {
  const tiles = new Map<string, Buffer>()
  const edge = new Edge()
  const hashes = Array.from({ length: size }, (_, i) => leafHash(Buffer.from(`entry ${i}`)))
  for (const h of hashes) edge.add(h, (level, n, tile) => tiles.set(tilePath({ kind: level, n, width: 256 }), tile))
  for (const p of edge.partials()) tiles.set(tilePath({ kind: p.level, n: p.n, width: p.width }), p.hashes)
  const reader: TileReader = async (kind, n, width) => {
    const tile = tiles.get(tilePath({ kind, n, width }))
    if (!tile) throw new Error(`no tile ${tilePath({ kind, n, width })}`)
    return tile
  }
  return { edge, tiles, hashes, reader }
}

test('the roots are those of the reference tests', () => {
  const edge = new Edge()
  assert.equal(edge.root().toString('hex'), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  for (const [i, leaf] of leaves.entries()) {
    edge.add(leafHash(leaf))
    assert.equal(edge.root().toString('hex'), roots[i])
  }
})

test('a consistency proof of the reference tests holds, and no other', () => {
  const proof = [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ].map(hex)
  assert.ok(extendsTree(6, hex(roots[5]!), 8, hex(roots[7]!), proof))
  assert.ok(!extendsTree(6, hex(roots[4]!), 8, hex(roots[7]!), proof))
  assert.ok(!extendsTree(5, hex(roots[4]!), 8, hex(roots[7]!), proof))
  assert.ok(!extendsTree(6, hex(roots[5]!), 8, hex(roots[7]!), proof.slice(1)))
})

test('edge, tiles and proofs agree with RFC 6962 written out, at every size that matters', async () => {
  for (const size of [1, 2, 3, 7, 8, 100, 255, 256, 257, 511, 512, 513, 700]) {
    const { edge, hashes, reader } = grown(size)
    const root = mth(hashes)
    assert.ok(edge.root().equals(root), `root at ${size}`)
    assert.ok((await rootFrom(reader, size)).equals(root))
    assert.ok((await Edge.from(reader, size)).root().equals(root))
    const node = nodesFrom(reader, size)
    for (const index of [0, 1, 2, 63, 254, 255, 256, 300, 511, size - 1]) {
      if (index >= size) continue
      const proof = await inclusionProof(index, size, node)
      assert.ok(includes(root, size, index, hashes[index]!, proof), `${index} in ${size}`)
      assert.ok(!includes(root, size, index, hashes[index ? 0 : size - 1]!, proof) || size === 1)
      assert.ok(size === 1 || !includes(root, size, (index + 1) % size, hashes[index]!, proof))
      assert.ok(!includes(root, size, index, hashes[index]!, [...proof, root]))
    }
    for (const old of [0, 1, 2, 5, 128, 255, 256, 257, 512, size]) {
      if (old > size) continue
      const proof = await consistencyProof(old, size, node)
      const oldRoot = mth(hashes.slice(0, old))
      assert.ok(extendsTree(old, oldRoot, size, root, proof), `${old} to ${size}`)
      if (old > 0 && old < size) assert.ok(!extendsTree(old, leafHash(oldRoot), size, root, proof))
    }
  }
})

test('a tree of 70,000 has the tiles that tlog-tiles says', () => {
  const { tiles, edge } = grown(70_000)
  const at = (level: number) => [...tiles.keys()].filter((k) => k.startsWith(`${level}/`))
  assert.equal(at(0).length, 274)
  assert.ok(tiles.has('0/273.p/112'))
  assert.deepEqual(at(1).sort(), ['1/000', '1/001.p/17'])
  assert.deepEqual(at(2), ['2/000.p/1'])
  assert.equal(tiles.get('2/000.p/1')?.length, hashSize)
  assert.equal(edge.size, 70_000)
  assert.deepEqual([...grown(256).tiles.keys()].sort(), ['0/000', '1/000.p/1'])
})

test('a tile has exactly one path', () => {
  assert.equal(tilePath({ kind: 0, n: 1_234_067, width: 256 }), '0/x001/x234/067')
  assert.equal(tilePath({ kind: 'entries', n: 0, width: 17 }), 'entries/000.p/17')
  for (const path of ['0/x001/x234/067', 'entries/000.p/17', '63/999.p/255', '0/x001/000'])
    assert.equal(tilePath(parseTilePath(path)!), path)
  for (const path of [
    '',
    '0',
    '0/1',
    '00/001',
    '64/000',
    '-1/000',
    '0/x000/001',
    '0/x01/001',
    '0/001.p/0',
    '0/001.p/256',
    '0/001.p/01',
    '0/001.p/',
    '0/../001',
    '0/001/002',
    'entries/x1/000',
    '0/%30%30%30',
    'Entries/000',
    '0/000\n',
    `0/${'x999/'.repeat(9)}999`,
  ])
    assert.equal(parseTilePath(path), null, path)
})

test('what a size does not have is not there', () => {
  assert.equal(widthAt(0, 273, 70_000), 112)
  assert.equal(widthAt(0, 274, 70_000), 0)
  assert.equal(widthAt('entries', 0, 70_000), 256)
  assert.ok(existsAt({ kind: 0, n: 273, width: 100 }, 70_000))
  assert.ok(!existsAt({ kind: 0, n: 273, width: 113 }, 70_000))
  assert.ok(!existsAt({ kind: 63, n: 0, width: 1 }, 70_000))
})

test('a bundle gives its entries back, and a damaged one is none', () => {
  const entries = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(65_535, 7)]
  const bytes = encodeBundle(entries)
  assert.equal(bytes.subarray(0, 5).toString('hex'), '0000000161')
  assert.deepEqual(parseBundle(bytes), entries)
  assert.equal(parseBundle(bytes.subarray(0, -1)), null)
  assert.equal(parseBundle(Buffer.of(0)), null)
  assert.throws(() => encodeBundle([Buffer.alloc(65_536)]))
})
