/**
 * Gathers what arrives while a commit is under way into the next one: no timer, so that a lone caller waits for nobody; at most `most`
 * at once. `work` answers for each, in order; where it throws, each is tried again alone, so that a poisoned one fails by itself.
 */
export function gather<I, O>(work: (batch: readonly I[]) => Promise<readonly (O | Error)[]>, most: number): (input: I) => Promise<O> {
  type Waiting = { input: I; resolve: (o: O) => void; reject: (e: unknown) => void }
  let waiting: Waiting[] = []
  let busy = false

  const settle = (w: Waiting, outcome: O | Error) => (outcome instanceof Error ? w.reject(outcome) : w.resolve(outcome))

  async function run(): Promise<void> {
    busy = true
    try {
      while (waiting.length > 0) {
        const batch = waiting.slice(0, most)
        waiting = waiting.slice(most)
        try {
          const outcomes = await work(batch.map((w) => w.input))
          for (const [i, w] of batch.entries()) settle(w, outcomes[i]!)
        } catch (error) {
          if (batch.length === 1) {
            batch[0]!.reject(error)
            continue
          }
          for (const w of batch) {
            try {
              settle(w, (await work([w.input]))[0]!)
            } catch (own) {
              w.reject(own)
            }
          }
        }
      }
    } finally {
      busy = false
    }
  }

  return (input) =>
    new Promise<O>((resolve, reject) => {
      waiting.push({ input, resolve, reject })
      // The first of a quiet moment starts at the end of this turn of the event loop: requests parsed in the same turn go together.
      if (!busy) {
        busy = true
        setImmediate(() => void run())
      }
    })
}
