import type { Language } from '#kernel/text'
import type { PlainDate } from '#kernel/time'
import type { ValueType } from '../condition.ts'
import type { SingleQuestion } from '../definition.ts'
import type { Places } from '../places.ts'
import type text from '../text.es.json'

/** A file somebody attached, as an answer holds it; the bytes lie with whoever took them. */
export type FileAnswer = { readonly file: string; readonly name: string; readonly size: number; readonly type: string }

/** A stored answer: text, number, truth, a list of options, a file, or the items of a group. Sums are texts (`1500.00`), dates `2026-11-24`. */
export type Answer =
  | string
  | number
  | boolean
  | readonly string[]
  | FileAnswer
  | readonly { readonly [question: string]: Exclude<Answer, readonly object[]> }[]

/** Answers by question id. */
export type Answers = { readonly [question: string]: Answer | undefined }

/** What reading an answer depends on beside the question: language of what is shown, the day, the places of the country. */
export type World = { readonly language: Language; readonly today: PlainDate; readonly places: Places }

/** Why an answer is refused or doubted: text key `answer.<code>`. */
export type AnswerCode = keyof typeof text extends infer K ? (K extends `answer.${infer C}` ? C : never) : never

/** What reading gives: a value to store, perhaps with a doubt; a refusal; or `null` where nothing was answered. */
export type Reading =
  | { readonly value: Answer; readonly doubt?: AnswerCode }
  | { readonly refused: AnswerCode; readonly parameters?: Readonly<Record<string, string | number>>; readonly insist?: boolean }
  | null

/** One of a choice. */
export type Option = { readonly value: string; readonly label: string }

/** What a channel must do to ask: the eight prompts. A channel renders these and never looks at a question's kind. */
export type Shape =
  | {
      readonly type: 'text'
      readonly maxLength: number
      readonly lines: number
      /** How it is best typed and said: `digits` on a keypad, `letters` spelled one by one. */
      readonly input: 'words' | 'letters' | 'digits' | 'email'
      readonly autocomplete?: string
    }
  | { readonly type: 'number'; readonly min?: number; readonly max?: number }
  | { readonly type: 'date'; readonly autocomplete?: string }
  | { readonly type: 'choice'; readonly options: readonly Option[] }
  | { readonly type: 'choices'; readonly options: readonly Option[] }
  | { readonly type: 'file' }
  | { readonly type: 'money'; readonly min?: number; readonly max?: number }
  | { readonly type: 'confirm' }

/** All there is to know about a kind of question. */
export type Kind = {
  /** How a condition sees the answer. */
  readonly type: ValueType
  /**
   * From what was typed, pressed or sent to what is stored. Reading a stored value gives it back unchanged, so that old answers are checked by the same
   * rule. `insisted`: the person says that the doubted value is what their document says.
   */
  read(raw: unknown, question: SingleQuestion, world: World, insisted: boolean): Reading
  /** The prompt it compiles to; `state` is the nearest state answered before it. */
  shape(question: SingleQuestion, world: World, label: (option: string) => string, state: string | null): Shape
  /** The answer as a person reads it on the review page and on papers. */
  show(value: Answer, label: (option: string) => string, world: World): string
  /** The answer as it is read back aloud; where absent, as shown. */
  say?(value: Answer, label: (option: string) => string, world: World): string
}

/** What was typed, as one line of text in NFC without control characters; empty when it is no text. */
export function typed(raw: unknown): string {
  const one = Array.isArray(raw) ? raw[0] : raw
  if (typeof one === 'number') return String(one)
  if (typeof one !== 'string') return ''
  return one
    .slice(0, 20_000)
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
}

/** Characters one by one, for reading aloud: `A, B, 1`. */
export function spelled(value: Answer): string {
  return [...String(value)].join(', ')
}
