import type { Note } from './note.ts'
import { parseVkey, strictDecimal, typeCosignature, type Verifier } from './note.ts'

/** Which logs and how many of which witnesses make a checkpoint count: c2sp.org/tlog-policy. Pure. */
export type Policy = {
  readonly logs: readonly { readonly key: Verifier; readonly url: string | null }[]
  readonly witnesses: readonly { readonly name: string; readonly key: Verifier; readonly url: string | null }[]
  /** Whether these keys' cosignatures are enough. */
  readonly quorum: (signed: (key: Verifier) => boolean) => boolean
  /** `quorum none`: no cosignature is asked for. */
  readonly none: boolean
}

type Counts = (signed: (key: Verifier) => boolean) => boolean

/** The policy in `text`, or the sentence that says which line is wrong and why. Never throws. */
export function parsePolicy(text: string): Policy | { readonly fault: string } {
  const logs: { key: Verifier; url: string | null }[] = []
  const witnesses: { name: string; key: Verifier; url: string | null }[] = []
  const names = new Map<string, Counts>()
  const members = new Set<string>()
  let quorum: Counts | null = null
  let none = false
  const lines = text.length <= 1_000_000 ? text.split('\n') : null
  if (!lines || lines.length > 10_000) return { fault: 'The policy is too long.' }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification allows only these two.
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) return { fault: 'The policy has a control character other than tab and newline.' }

  for (const [i, line] of lines.entries()) {
    const fault = (why: string) => ({ fault: `Line ${i + 1}: ${why}` })
    const [word, ...rest] = line.split(/[ \t]+/).filter((w) => w !== '')
    if (word === undefined || word.startsWith('#')) continue
    if (word === 'log') {
      const key = parseVkey(rest[0] ?? '')
      if (!key || rest.length > 2) return fault('a log is `log <vkey> [<url>]`.')
      if (logs.some((l) => l.key.publicKey.equals(key.publicKey))) return fault('this log stands here twice.')
      logs.push({ key, url: rest[1] ?? null })
    } else if (word === 'witness') {
      const [name, vkey, url] = rest
      const key = parseVkey(vkey ?? '')
      if (!name || !key || rest.length > 3) return fault('a witness is `witness <name> <vkey> [<url>]`.')
      if (key.type === 0x01) return fault(`a witness's key is of type ${typeCosignature} (cosignature), this one is of type 1.`)
      if (names.has(name) || name === 'none') return fault(`the name ${name} is taken.`)
      if (witnesses.some((w) => w.key.publicKey.equals(key.publicKey))) return fault('this witness stands here twice.')
      witnesses.push({ name, key, url: url ?? null })
      names.set(name, (signed) => signed(key))
    } else if (word === 'group') {
      const [name, need, ...of] = rest
      if (!name || !need || of.length === 0) return fault('a group is `group <name> all|any|<k> <name>...`.')
      if (names.has(name) || name === 'none') return fault(`the name ${name} is taken.`)
      const k = need === 'all' ? of.length : need === 'any' ? 1 : strictDecimal(need)
      if (k === null || k < 1 || k > of.length) return fault(`${need} of ${of.length} is no threshold.`)
      const counts: Counts[] = []
      for (const member of of) {
        const one = names.get(member)
        if (!one) return fault(`${member} is not defined above.`)
        // Each name in one group only: so nobody counts twice.
        if (members.has(member)) return fault(`${member} is a member already.`)
        members.add(member)
        counts.push(one)
      }
      names.set(name, (signed) => counts.filter((c) => c(signed)).length >= k)
    } else if (word === 'quorum') {
      if (quorum) return fault('there is exactly one quorum.')
      none = rest[0] === 'none'
      const counts = none ? () => true : names.get(rest[0] ?? '')
      if (!counts || rest.length !== 1) return fault('the quorum is `quorum <name>` with a name defined above, or `quorum none`.')
      quorum = counts
    } else return fault(`${word.slice(0, 40)} is none of log, witness, group, quorum.`)
  }
  return quorum ? { logs, witnesses, quorum, none } : { fault: 'There is no quorum line.' }
}

/** Whether the note carries the cosignatures that the policy asks for. Says nothing of the log's own signature: `openCheckpoint` does. */
export function meetsQuorum(policy: Policy, note: Note): boolean {
  const text = Buffer.from(note.text)
  return policy.quorum((key) => note.signatures.some((s) => s.name === key.name && s.id === key.id && key.verify(text, s.signature)))
}
