/**
 * How long things took, so that it can be added up: whole minutes, kept to two significant digits. A quantile read from it is at most a tenth below the true one, the same
 * whoever computes it and in whatever order, and two offices' histograms added give their region's.
 */
export type Histogram = Map<number, number>

/** The class of these minutes: the first two digits stand, the rest are zeros. `bucketOf(1234)` is 1200. */
export function bucketOf(minutes: number): number {
  let unit = 1
  while (minutes >= 100 * unit) unit *= 10
  return Math.floor(minutes / unit) * unit
}

/** Adds `n` to a class. */
export function addTo(histogram: Histogram, bucket: number, n: number): void {
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + n)
}

/** How many were measured. */
export function countOf(histogram: Histogram): number {
  let n = 0
  for (const count of histogram.values()) n += count
  return n
}

/** The smallest class that at least this share of all lies in or below (nearest rank); null of none. */
export function quantile(histogram: Histogram, share: number): number | null {
  const rank = Math.ceil(share * countOf(histogram))
  let passed = 0
  for (const bucket of [...histogram.keys()].sort((a, b) => a - b)) {
    passed += histogram.get(bucket)!
    if (passed >= rank) return bucket
  }
  return null
}
