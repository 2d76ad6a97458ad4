import { parseExpression } from 'feelin'
import { addDays, daysBetween, isPlainDate, type PlainDate } from '#kernel/time'
import { ConditionError } from './faults.ts'

/*
 * Conditions are FEEL (DMN 1.5, chapter 10), parsed by feelin and compiled here once into closures. Only a part of the language is taken: no loops,
 * no regular expressions, no functions of one's own, so that a condition always ends, costs microseconds and depends on nothing but the answers and the
 * day. feelin's own evaluator is not used at run time: it parses anew at every call and a kept closure gathers warnings without end. A test compares both.
 */

/** What kind of value stands behind a name. */
export type ValueType = 'string' | 'number' | 'boolean' | 'date' | 'duration' | 'list' | 'file' | 'money' | 'any'

/** A name a condition may use; `options` are the only texts it can be. */
export type Name = { readonly type: ValueType; readonly options?: readonly string[] }

/** The names in reach of a condition. A name with a dot (`results.review`) is the entry of a context. */
export type Names = Readonly<Record<string, Name>>

/** What a condition looks at: answers by name, and which day it is. */
export type Facts = { readonly values: Readonly<Record<string, unknown>>; readonly today: PlainDate }

/** A condition ready to be asked. */
export type Condition = {
  readonly text: string
  /** The names it looks at, in order of appearance. */
  readonly uses: readonly string[]
  /** Whether it holds: FEEL's three values, of which only `true` holds. Never throws. */
  holds(facts: Facts): boolean
}

class Day {
  readonly date: PlainDate
  constructor(date: PlainDate) {
    this.date = date
  }
}
class Span {
  readonly months: number
  readonly days: number
  constructor(months: number, days: number) {
    this.months = months
    this.days = days
  }
}

type Value = null | boolean | number | string | Day | Span | readonly unknown[]
type Code = { readonly type: ValueType | 'null'; readonly run: (facts: Facts) => Value; readonly name?: string; readonly literal?: Value }
type Node = ReturnType<typeof parseExpression>['topNode']

function monthLength(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

function plus(day: Day, span: Span, sign: 1 | -1): Day {
  const [y, m, d] = day.date.split('-').map(Number) as [number, number, number]
  const at = y * 12 + (m - 1) + sign * span.months
  const year = Math.floor(at / 12)
  const month = (at % 12) + 1
  // The end of a shorter month stands for a day it lacks, as FEEL and java.time have it.
  const moved = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(Math.min(d, monthLength(year, month))).padStart(2, '0')}`
  return new Day(addDays(moved, sign * span.days))
}

function monthsBetween(from: Day, to: Day): Span {
  if (to.date < from.date) return new Span(-monthsBetween(to, from).months, 0)
  const [fy, fm, fd] = from.date.split('-').map(Number) as [number, number, number]
  const [ty, tm, td] = to.date.split('-').map(Number) as [number, number, number]
  return new Span((ty - fy) * 12 + (tm - fm) - (td < fd ? 1 : 0), 0)
}

function readDate(text: string): Day {
  if (!isPlainDate(text)) throw new ConditionError('date', { text })
  return new Day(text)
}

function readSpan(text: string): Span {
  const m = /^(-?)P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?$/.exec(text)
  if (!m || text.replace('-', '') === 'P') throw new ConditionError('duration', { text })
  const sign = m[1] ? -1 : 1
  return new Span(sign * (Number(m[2] ?? 0) * 12 + Number(m[3] ?? 0)), sign * Number(m[4] ?? 0))
}

function order(a: Value, b: Value): number | null {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  if (a instanceof Day && b instanceof Day) return daysBetween(b.date, a.date)
  if (a instanceof Span && b instanceof Span && (a.days === 0) === (b.days === 0)) return a.months - b.months || a.days - b.days
  return null
}

function same(a: Value, b: Value): boolean | null {
  if (a === null || b === null) return a === b
  if (typeof a === 'boolean' && typeof b === 'boolean') return a === b
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((v, i) => same(v as Value, b[i] as Value) === true)
  }
  const by = order(a, b)
  return by === null ? null : by === 0
}

const compares: Record<string, (a: Value, b: Value) => boolean | null> = {
  '=': same,
  '!=': (a, b) => {
    const s = same(a, b)
    return s === null ? null : !s
  },
  '<': (a, b) => test(order(a, b), (n) => n < 0),
  '<=': (a, b) => test(order(a, b), (n) => n <= 0),
  '>': (a, b) => test(order(a, b), (n) => n > 0),
  '>=': (a, b) => test(order(a, b), (n) => n >= 0),
}
function test(n: number | null, yes: (n: number) => boolean): boolean | null {
  return n === null ? null : yes(n)
}

function toValue(raw: unknown, type: ValueType): Value {
  if (raw === undefined || raw === null) return null
  if (type === 'date') return typeof raw === 'string' && isPlainDate(raw) ? new Day(raw) : null
  if (type === 'file') return true
  if (typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean') return raw
  return Array.isArray(raw) ? raw : null
}

function children(node: Node): Node[] {
  const all: Node[] = []
  for (let c = node.firstChild; c; c = c.nextSibling) all.push(c)
  return all
}

const maxLength = 300
const maxDepth = 24

/** Compiles `text` with the names in reach. Throws `ConditionError` that says what is wrong and what to write. */
export function compileCondition(text: string, names: Names): Condition {
  if (text.length > maxLength) throw new ConditionError('long', { most: maxLength, length: text.length })
  let open = 0
  for (const c of text) {
    if ('([{'.includes(c)) open++
    else if (')]}'.includes(c)) open--
    // Before the parser sees it: its time grows with the nesting.
    if (open > maxDepth) throw new ConditionError('brackets', { most: maxDepth })
  }
  const uses = new Set<string>()
  const of = (node: Node) => text.slice(node.from, node.to)

  const known = (name: string): Code => {
    const found = names[name]
    if (!found) {
      throw new ConditionError('name', { name, names: Object.keys(names).join(', ') || 'none' })
    }
    if (found.type === 'money') throw new ConditionError('money', { name })
    uses.add(name)
    return { type: found.type, name, run: (facts) => toValue(facts.values[name], found.type) }
  }

  const agree = (a: Code, b: Code, node: Node) => {
    if (a.type === 'null' || b.type === 'null' || a.type === 'any' || b.type === 'any') return
    if (a.type !== b.type) throw new ConditionError('compare', { text: of(node), one: a.type, other: b.type })
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const options = one.name === undefined ? undefined : names[one.name]?.options
      if (options && typeof other.literal === 'string' && !options.includes(other.literal)) {
        throw new ConditionError('option', { value: String(other.literal), name: one.name!, options: options.join(', ') })
      }
    }
  }
  const need = (code: Code, type: ValueType, node: Node) => {
    if (code.type !== type && code.type !== 'any' && code.type !== 'null') {
      throw new ConditionError('type', { text: of(node), is: code.type, type })
    }
    return code
  }
  const constant = (value: Value, type: Code['type']): Code => ({ type, literal: value, run: () => value })

  const call = (name: string, given: Node[], depth: number): Code => {
    const args = given.map((n) => compile(n, depth))
    const arity = (n: number) => {
      if (args.length !== n) throw new ConditionError('arguments', { name, count: n, what: n === 1 ? 'argument' : 'arguments' })
    }
    switch (name) {
      case 'not': {
        arity(1)
        const a = need(args[0]!, 'boolean', given[0]!)
        return {
          type: 'boolean',
          run: (f) => {
            const v = a.run(f)
            return typeof v === 'boolean' ? !v : null
          },
        }
      }
      case 'today':
        arity(0)
        return { type: 'date', run: (f) => new Day(f.today) }
      case 'date':
        arity(1)
        if (typeof args[0]!.literal !== 'string') throw new ConditionError('written-date')
        return constant(readDate(args[0]!.literal), 'date')
      case 'duration':
        arity(1)
        if (typeof args[0]!.literal !== 'string') throw new ConditionError('written-duration')
        return constant(readSpan(args[0]!.literal), 'duration')
      case 'count': {
        arity(1)
        const a = need(args[0]!, 'list', given[0]!)
        return {
          type: 'number',
          run: (f) => {
            const v = a.run(f)
            // An unanswered group or choice counts as empty: FEEL's null would make every comparison false, `= 0` too.
            return Array.isArray(v) ? v.length : 0
          },
        }
      }
      case 'list contains': {
        arity(2)
        const a = need(args[0]!, 'list', given[0]!)
        const b = args[1]!
        const options = a.name === undefined ? undefined : names[a.name]?.options
        if (options && typeof b.literal === 'string' && !options.includes(b.literal)) {
          throw new ConditionError('option', { value: String(b.literal), name: a.name!, options: options.join(', ') })
        }
        return {
          type: 'boolean',
          run: (f) => {
            const list = a.run(f)
            if (!Array.isArray(list)) return null
            const v = b.run(f)
            return list.some((x) => same(x as Value, v) === true)
          },
        }
      }
      case 'years and months duration': {
        arity(2)
        const a = need(args[0]!, 'date', given[0]!)
        const b = need(args[1]!, 'date', given[1]!)
        return {
          type: 'duration',
          run: (f) => {
            const from = a.run(f)
            const to = b.run(f)
            return from instanceof Day && to instanceof Day ? monthsBetween(from, to) : null
          },
        }
      }
      default:
        throw new ConditionError('function', {
          text: `${name}() is not taken here; the functions are not, today, date, duration, count, list contains, years and months duration`,
        })
    }
  }

  /** The right side of `in`: a test of one value. */
  const unary = (node: Node, left: Code, depth: number): ((v: Value, f: Facts) => boolean | null) => {
    const inner = children(node)
    if (node.name === 'PositiveUnaryTest' || node.name === 'SimplePositiveUnaryTest') {
      if (inner.length === 1) return unary(inner[0]!, left, depth + 1)
      if (inner.length === 2 && inner[0]!.name === 'CompareOp') {
        const op = compares[of(inner[0]!)]!
        const right = compile(inner[1]!, depth + 1)
        agree(left, right, node)
        return (v, f) => op(v, right.run(f))
      }
    }
    if (node.name === 'Interval' && inner.length === 5) {
      const low = compile(inner[1]!, depth + 1)
      const high = compile(inner[3]!, depth + 1)
      agree(left, low, node)
      agree(left, high, node)
      const from = compares[of(inner[0]!) === '[' ? '>=' : '>']!
      const to = compares[of(inner[4]!) === ']' ? '<=' : '<']!
      return (v, f) => both(from(v, low.run(f)), to(v, high.run(f)))
    }
    if (node.name === 'List') {
      const items = inner.slice(1, -1).map((n) => compile(n, depth + 1))
      for (const i of items) agree(left, i, node)
      return (v, f) => items.some((i) => same(v, i.run(f)) === true)
    }
    const right = compile(node, depth + 1)
    if (right.type === 'list') {
      return (v, f) => {
        const list = right.run(f)
        return Array.isArray(list) ? list.some((x) => same(x as Value, v) === true) : null
      }
    }
    agree(left, right, node)
    return (v, f) => same(v, right.run(f))
  }

  const compile = (node: Node, depth = 0): Code => {
    if (depth > maxDepth) throw new ConditionError('deep', { most: maxDepth })
    const inner = children(node)
    if (inner.some((c) => c.type.isError)) throw new ConditionError('unreadable', { text: of(node) })
    switch (node.name) {
      case 'Expression':
      case 'DateTimeLiteral':
        if (inner.length === 1) return compile(inner[0]!, depth)
        if (inner[0]?.name === 'DateTimeConstructor') return call(of(inner[0]).trim(), argumentsOf(inner), depth + 1)
        break
      case 'ParenthesizedExpression':
        if (inner.length === 3) return compile(inner[1]!, depth + 1)
        break
      case 'NumericLiteral':
        return constant(Number(of(node).replace(/\s/g, '')), 'number')
      case 'StringLiteral':
        return constant(literalText(of(node)), 'string')
      case 'BooleanLiteral':
        return constant(of(node) === 'true', 'boolean')
      case 'null':
        return constant(null, 'null')
      case 'AtLiteral': {
        const written = literalText(of(node).slice(1))
        return written.includes('P') ? constant(readSpan(written), 'duration') : constant(readDate(written), 'date')
      }
      case 'VariableName':
        return known(of(node).replace(/\s+/g, ''))
      case 'PathExpression': {
        const path = of(node).replace(/\s+/g, '')
        if (names[path]) return known(path)
        const base = inner[0]!
        const field = of(inner[2]!)
        if (base.name === 'VariableName' && !names[of(base).replace(/\s+/g, '')]) return known(path)
        const a = compile(base, depth + 1)
        if (a.type === 'duration' && (field === 'years' || field === 'months')) {
          return {
            type: 'number',
            run: (f) => {
              const v = a.run(f)
              return v instanceof Span ? (field === 'years' ? Math.trunc(v.months / 12) : v.months % 12) : null
            },
          }
        }
        if (a.type === 'date' && (field === 'year' || field === 'month' || field === 'day')) {
          const at = field === 'year' ? 0 : field === 'month' ? 1 : 2
          return {
            type: 'number',
            run: (f) => {
              const v = a.run(f)
              return v instanceof Day ? Number(v.date.split('-')[at]) : null
            },
          }
        }
        throw new ConditionError('path', { text: path })
      }
      case 'FunctionInvocation':
        return call(of(inner[0]!).replace(/\s+/g, ' '), argumentsOf(inner), depth + 1)
      case 'List': {
        const items = inner.slice(1, -1).map((n) => compile(n, depth + 1))
        return { type: 'list', run: (f) => items.map((i) => i.run(f)) }
      }
      case 'Conjunction':
      case 'Disjunction': {
        const a = need(compile(inner[0]!, depth + 1), 'boolean', inner[0]!)
        const b = need(compile(inner[2]!, depth + 1), 'boolean', inner[2]!)
        const join = node.name === 'Conjunction' ? both : either
        return { type: 'boolean', run: (f) => join(truth(a.run(f)), truth(b.run(f))) }
      }
      case 'Comparison': {
        const a = compile(inner[0]!, depth + 1)
        const op = of(inner[1]!)
        if (inner[1]!.name === 'CompareOp' && inner.length === 3) {
          const b = compile(inner[2]!, depth + 1)
          agree(a, b, node)
          const compare = compares[op]
          if (!compare) break
          return { type: 'boolean', run: (f) => compare(a.run(f), b.run(f)) }
        }
        if (op === 'between' && inner.length === 5) {
          const low = compile(inner[2]!, depth + 1)
          const high = compile(inner[4]!, depth + 1)
          agree(a, low, node)
          agree(a, high, node)
          return {
            type: 'boolean',
            run: (f) => {
              const v = a.run(f)
              return both(compares['>=']!(v, low.run(f)), compares['<=']!(v, high.run(f)))
            },
          }
        }
        if (op === 'in') {
          const tests = inner
            .slice(2)
            .filter((n) => n.name !== '(' && n.name !== ')')
            .flatMap((n) => (n.name === 'PositiveUnaryTests' ? children(n) : [n]))
            .map((n) => unary(n, a, depth + 1))
          return {
            type: 'boolean',
            run: (f) => {
              const v = a.run(f)
              return tests.reduce<boolean | null>((all, t) => either(all, t(v, f)), false)
            },
          }
        }
        break
      }
      case 'ArithmeticExpression': {
        if (inner.length === 2) {
          const a = need(compile(inner[1]!, depth + 1), 'number', inner[1]!)
          return {
            type: 'number',
            run: (f) => {
              const v = a.run(f)
              return typeof v === 'number' ? -v : null
            },
          }
        }
        const a = compile(inner[0]!, depth + 1)
        const b = compile(inner[2]!, depth + 1)
        const op = of(inner[1]!)
        if (op !== '+' && op !== '-' && op !== '*') throw new ConditionError('operator', { op })
        if (a.type === 'date' && b.type === 'duration' && op !== '*') {
          return {
            type: 'date',
            run: (f) => {
              const day = a.run(f)
              const span = b.run(f)
              return day instanceof Day && span instanceof Span ? plus(day, span, op === '+' ? 1 : -1) : null
            },
          }
        }
        need(a, 'number', inner[0]!)
        need(b, 'number', inner[2]!)
        return {
          type: 'number',
          run: (f) => {
            const x = a.run(f)
            const y = b.run(f)
            if (typeof x !== 'number' || typeof y !== 'number') return null
            return op === '+' ? x + y : op === '-' ? x - y : x * y
          },
        }
      }
    }
    throw new ConditionError('part', { text: of(node) })
  }

  const scope: Record<string, unknown> = {}
  for (const name of Object.keys(names)) {
    const dot = name.indexOf('.')
    if (dot < 0) scope[name] = ''
    else scope[name.slice(0, dot)] = { ...(scope[name.slice(0, dot)] as object | undefined), [name.slice(dot + 1)]: '' }
  }
  const code = compile(parseExpression(text, scope, undefined).topNode)
  if (code.type !== 'boolean' && code.type !== 'any') throw new ConditionError('truth', { type: code.type })
  return { text, uses: [...uses], holds: (facts) => code.run(facts) === true }
}

function argumentsOf(invocation: readonly Node[]): Node[] {
  const list = invocation.find((n) => n.name === 'PositionalParameters')
  if (!list) throw new ConditionError('by-name')
  return children(list)
}

function literalText(written: string): string {
  // FEEL's escapes are those of JSON; what is not JSON is not a text we take.
  try {
    return JSON.parse(written) as string
  } catch {
    throw new ConditionError('not-text', { text: written })
  }
}

function truth(v: Value): boolean | null {
  return typeof v === 'boolean' ? v : null
}
function both(a: boolean | null, b: boolean | null): boolean | null {
  return a === false || b === false ? false : a === null || b === null ? null : true
}
function either(a: boolean | null, b: boolean | null): boolean | null {
  return a === true || b === true ? true : a === null || b === null ? null : false
}
