/** Bare node:http, sending one page's bytes under its headers to whoever asks. Arguments: the file with both, the port. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [file, port] = process.argv.slice(2)
const page = JSON.parse(readFileSync(file!, 'utf8')) as { headers: Record<string, string>; body: string }
const body = Buffer.from(page.body, 'base64')
const server = createServer((_request, response) => {
  response.writeHead(200, page.headers)
  response.end(body)
})
server.listen(Number(port), '127.0.0.1', () => console.log('ready'))
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeAllConnections()
})
