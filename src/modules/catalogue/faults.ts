import { type Language, texts } from '#kernel/text'
import en from './text.faults.en.json' with { type: 'json' }
import es from './text.faults.es.json' with { type: 'json' }

const say = texts({ es, en })
type Keys = keyof typeof en
type Codes = Keys extends infer K ? (K extends `${infer C}.what` ? C : never) : never
type ConditionCodes = Codes extends infer K ? (K extends `condition.${infer C}` ? C : never) : never

/** What can be wrong with a definition: its words stand under `<code>.what` and `<code>.do`. */
export type FaultCode = Codes
/** What stands in the holes of a fault's words. Numbers are given as they are written in the file. */
export type FaultValues = Readonly<Record<string, string | number | bigint>>

/** What keeps a definition from being published: which file, where in it (RFC 6901 pointer), what is wrong and what to do. */
export type Fault = {
  readonly file: string
  readonly pointer: string
  readonly code: FaultCode
  readonly values: Readonly<Record<string, string>>
  /** In English, for a terminal and a log. */
  readonly what: string
  readonly remedy: string
}

const written = (values: FaultValues) => Object.fromEntries(Object.entries(values).map(([k, v]) => [k, String(v)]))
// What a condition may say is one lesson, whatever was wrong.
const remedyKey = (code: FaultCode): Keys => (code.startsWith('condition.') ? 'condition.do' : (`${code}.do` as Keys))

/** A fault at a place. */
export function faultAt(file: string, pointer: string, code: FaultCode, values: FaultValues = {}): Fault {
  const holes = written(values)
  return { file, pointer, code, values: holes, what: say('en', `${code}.what` as Keys, holes), remedy: say('en', remedyKey(code), holes) }
}

/** A fault in the reader's language: what is wrong and what to do. */
export function faultWords(l: Language, fault: Pick<Fault, 'code' | 'values'>): string {
  const what = say(l, `${fault.code}.what` as Keys, fault.values)
  const remedy = say(l, remedyKey(fault.code), fault.values)
  return `${what.charAt(0).toLocaleUpperCase(l)}${what.slice(1)}. ${remedy}`
}

/** Why a condition is refused. */
export class ConditionError extends Error {
  readonly code: `condition.${ConditionCodes}`
  readonly values: Readonly<Record<string, string>>

  constructor(code: ConditionCodes, values: FaultValues = {}) {
    const holes = written(values)
    super(say('en', `condition.${code}.what` as Keys, holes))
    this.code = `condition.${code}`
    this.values = holes
  }
}
