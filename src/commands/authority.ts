import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { certificatesIn, certifyRequest, newRootFolder, renewRootList, renewServices, requestIssuing } from '#signing/authority'
import { type Command, fileOf, result, say, UsageError } from './command.ts'

type Given = { readonly folder: string; readonly options: Readonly<Record<string, unknown>>; readonly json: boolean }

const word = (given: unknown, option: string): string => {
  if (typeof given !== 'string' || given === '') throw new UsageError(`Give --${option}.`)
  return given
}

async function passphraseOf(options: Given['options']): Promise<string> {
  const words = (await fileOf(word(options['passphrase-file'], 'passphrase-file'), 'passphrase-file'))!.replace(/\r?\n$/, '')
  if (words.length < 12) throw new UsageError('The passphrase of a root has twelve characters or more.')
  return words
}

async function bytesOf(path: string, option: string): Promise<Buffer> {
  return readFile(path).catch((error) => {
    throw new UsageError(`--${option} ${path} cannot be read: ${error.code ?? error}.`)
  })
}

/** Each step of the ceremony. */
const steps: Readonly<Record<string, (given: Given) => Promise<number>>> = {
  async root({ folder, options, json }) {
    await newRootFolder(
      folder,
      { organization: word(options.organization, 'organization'), demo: false },
      await passphraseOf(options),
      new Date(),
    )
    say('Keep this folder on a machine without a network, and a copy in a safe. Only root.cer and root.crl go to the portal.')
    result(json, { ok: true, folder }, `Made a root in ${folder}.`)
    return 0
  },
  async request({ folder, json }) {
    await requestIssuing(folder)
    say(
      `Take ${folder}/issuing.req to the root: bin/ventanilla authority certify <folder of the root> --request issuing.req --out issuing.cer`,
    )
    result(json, { ok: true, folder }, `Made ${folder}/issuing.req.`)
    return 0
  },
  async certify({ folder, options, json }) {
    const out = word(options.out, 'out')
    const request = await bytesOf(word(options.request, 'request'), 'request')
    await writeFile(out, await certifyRequest(folder, await passphraseOf(options), request, new Date()), { flag: 'wx' })
    say(
      `Put ${out}, root.cer and root.crl into the folder "authority" of the portal's keys; then: bin/ventanilla authority services <that folder> --url <its address>`,
    )
    result(json, { ok: true, out }, `Wrote ${out}.`)
    return 0
  },
  async list({ folder, options, json }) {
    const ended = await Promise.all(((options.revoke as string[] | undefined) ?? []).map((path) => bytesOf(path, 'revoke')))
    await renewRootList(folder, await passphraseOf(options), ended, new Date())
    result(json, { ok: true, revoked: ended.length }, `Wrote ${folder}/root.crl, good for a year. Take it to the portal.`)
    return 0
  },
  async services({ folder, options, json }) {
    const url = word(options.url, 'url').replace(/\/$/, '')
    if (!/^https?:\/\/[^/]+$/.test(url)) throw new UsageError('--url is the address of the portal, without a path.')
    const made = await renewServices(folder, url, new Date())
    if (made.length > 0) say('The portal takes them at its next start.')
    result(json, { ok: true, made }, made.length > 0 ? `Made ${made.join(', ')}.` : 'Nothing ends within 30 days.')
    return 0
  },
  async show({ folder, json }) {
    const found = certificatesIn(folder)
    const soon = found.filter((c) => c.notAfter.getTime() < Date.now() + 30 * 86_400_000)
    const lines = found.map((c) => `${c.file.padEnd(16)} ${c.notAfter.toISOString().slice(0, 10)}  ${c.name}`)
    result(json, { ok: soon.length === 0, certificates: found }, lines.join('\n') || 'There is no authority in this folder.')
    return found.length === 0 || soon.length > 0 ? 1 : 0
  },
}

export const command: Command = {
  about: 'makes and renews the authority that issues certificates: an offline root, and what issues, answers and stamps',
  usage: `${Object.keys(steps).join('|')} <folder> [--organization <name>] [--passphrase-file <file>] [--request <file>] [--out <file>] [--revoke <certificate>]… [--url <address>] [--json]`,
  help: [
    'root      makes a root in a new folder, on a machine without a network: --organization, --passphrase-file.',
    "request   prepares an issuing authority in the portal's folder: its key, or the one that issuing.pkcs11 names in a PKCS #11 module; writes issuing.req.",
    'certify   lets the root certify it: --request, --out, --passphrase-file.',
    'services  makes what answers (OCSP), stamps times and seals, and renews it when it ends within 30 days: --url.',
    "list      makes the root's list anew, each year or to end an issuing authority: --revoke, --passphrase-file.",
    'show      tells what is there and until when. Exit 1: something ends within 30 days, or nothing is there.',
    'docs/operating/authority.md goes through it.',
  ].join('\n'),
  options: {
    organization: { type: 'string' },
    'passphrase-file': { type: 'string' },
    request: { type: 'string' },
    out: { type: 'string' },
    revoke: { type: 'string', multiple: true },
    url: { type: 'string' },
  },
  async run({ positionals, options, json }) {
    const [name = '', folder, more] = positionals
    const step = Object.hasOwn(steps, name) ? steps[name] : undefined
    if (!step || !folder || more) throw new UsageError(`Give one of ${Object.keys(steps).join(', ')}, and a folder.`)
    return step({ folder: resolve(folder), options, json })
  },
}
