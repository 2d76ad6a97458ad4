/**
 * Keeps what `load` gave for `ms` (milliseconds), so that what many ask at once is looked up once: a hall of telephones costs one query. What is kept may lag by that much and is the same
 * for everybody, so nothing of one person may come from here. What failed is not kept. Of more than `most` keys all are forgotten.
 */
export function keptFor<T>(ms: number, load: (key: string) => Promise<T>, most = 2000): (key: string) => Promise<T> {
  const kept = new Map<string, { readonly at: number; readonly value: Promise<T> }>()
  return (key) => {
    const found = kept.get(key)
    const now = performance.now()
    if (found && now - found.at < ms) return found.value
    if (kept.size >= most) kept.clear()
    const value = load(key)
    kept.set(key, { at: now, value })
    // What failed is asked again by the next.
    value.catch(() => kept.delete(key))
    return value
  }
}
