import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Type } from 'typebox'
import { takesGzip, type Web } from '#web'
import { parseCheckpoint } from './checkpoint.ts'
import { type Reader, readTile } from './folder.ts'
import { existsAt, parseTilePath } from './tiles.ts'
import type { WitnessAnswer } from './witness.ts'

const compress = promisify(gzip)

// The specification asks for a few seconds at most.
const fresh = 'public, max-age=1'
const forEver = 'public, max-age=31536000, immutable'
const minutes = 'public, max-age=300'

/** 63 lines of proof and a checkpoint with a hundred long signatures. */
const largestRequest = 64 * 1024

/**
 * The log as anyone may read it, under `/log/`. Everything but the checkpoint is good for ever and may be kept by any cache. What lies beyond the
 * published size is not served, although its tiles may be on the disk already.
 */
export function registerRoutes(
  web: Pick<Web, 'route' | 'app'>,
  log: { read: Reader; key: string; policy: string; witness: { addCheckpoint(body: Buffer): Promise<WitnessAnswer> } | null },
): void {
  const line = 'text/plain; charset=utf-8'
  const anyone = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }

  web.route({
    method: 'GET',
    url: '/log/checkpoint',
    access: 'public',
    schema: {},
    handler: async (_request, reply) => {
      const bytes = await log.read('checkpoint')
      if (!bytes) return reply.code(404).type(line).header('cache-control', 'no-store').send('Nothing is published yet.\n')
      return reply.headers(anyone).type(line).header('cache-control', fresh).send(bytes)
    },
  })

  web.route({
    method: 'GET',
    url: '/log/tile/*',
    access: 'public',
    schema: { params: Type.Object({ '*': Type.String({ maxLength: 300 }) }) },
    handler: async (request, reply) => {
      const tile = parseTilePath(request.params['*'])
      const checkpoint = tile && (await log.read('checkpoint'))
      const size = (checkpoint && parseCheckpoint(checkpoint)?.size) ?? 0
      const bytes = tile && existsAt(tile, size) ? await readTile(log.read, tile.kind, tile.n, tile.width) : null
      if (!bytes) return reply.code(404).type(line).header('cache-control', 'no-store').send('There is no such tile.\n')
      reply.headers(anyone).type('application/octet-stream').header('cache-control', forEver)
      // Hashes do not shrink; entries do, to a sixth.
      if (tile?.kind !== 'entries') return reply.send(bytes)
      reply.header('vary', 'accept-encoding')
      if (!takesGzip(request.headers)) return reply.send(bytes)
      return reply.header('content-encoding', 'gzip').send(await compress(bytes))
    },
  })

  web.route({
    method: 'GET',
    url: '/log/key',
    access: 'public',
    schema: {},
    handler: (_request, reply) => reply.headers(anyone).type(line).header('cache-control', minutes).send(log.key),
  })

  web.route({
    method: 'GET',
    url: '/log/policy',
    access: 'public',
    schema: {},
    handler: (_request, reply) => reply.headers(anyone).type(line).header('cache-control', minutes).send(log.policy),
  })

  const { witness } = log
  if (!witness) return
  // A scope of its own: witnesses' clients send their body under any content type or none.
  web.app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: largestRequest }, (_request, body, done) => done(null, body))
    scope.route({
      method: 'POST',
      url: '/log/witness/add-checkpoint',
      bodyLimit: largestRequest,
      config: { access: 'public', csrf: false, ownSchema: true },
      schema: { hide: true } as object,
      handler: async (request, reply) => {
        const { status, type, body } = await witness.addCheckpoint(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0))
        return reply.code(status).type(type).header('cache-control', 'no-store').send(body)
      },
    })
  })
}
