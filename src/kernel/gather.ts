/** Fewer are not divided: a batch has its own price. */
const worthDividing = 16

/**
 * Gathers what arrives while commits are under way into the next one: no timer, so that a lone caller waits for nobody; at most `most` at once, and at most
 * `abreast` batches under way, so that one is decided here while the database writes another. `work` answers for each, in order; where it throws, each is
 * tried again alone, so that a poisoned one fails by itself.
 */
export function gather<I, O>(
  work: (batch: readonly I[]) => Promise<readonly (O | Error)[]>,
  most: number,
  abreast = 1,
): (input: I) => Promise<O> {
  type Waiting = { input: I; resolve: (o: O) => void; reject: (e: unknown) => void }
  const waiting: Waiting[] = []
  let running = 0
  let called = false

  const settle = (w: Waiting, outcome: O | Error) => (outcome instanceof Error ? w.reject(outcome) : w.resolve(outcome))

  async function runBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await work(batch.map((w) => w.input))
      for (const [i, w] of batch.entries()) settle(w, outcomes[i]!)
    } catch (error) {
      if (batch.length === 1) return batch[0]!.reject(error)
      for (const w of batch) {
        try {
          settle(w, (await work([w.input]))[0]!)
        } catch (own) {
          w.reject(own)
        }
      }
    }
  }

  async function run(): Promise<void> {
    running++
    while (waiting.length > 0) {
      // Where another could run, it gets its share: otherwise all would travel together, and it would never find anything.
      const free = abreast - running
      const share = waiting.length < worthDividing ? waiting.length : Math.ceil(waiting.length / (free + 1))
      const batch = waiting.splice(0, Math.min(share, most))
      if (waiting.length > 0 && free > 0) void run()
      await runBatch(batch)
    }
    running--
  }

  return (input) =>
    new Promise<O>((resolve, reject) => {
      waiting.push({ input, resolve, reject })
      // Begun at the end of this turn of the event loop: requests parsed in the same turn go together.
      if (running < abreast && !called) {
        called = true
        setImmediate(() => {
          called = false
          if (running < abreast) void run()
        })
      }
    })
}
