/** `bench kill`: 200 times kill -9 of a process or of PostgreSQL at random moments under load; what must hold then is told in test/faults/kill.ts. */
import { runKills } from '../test/faults/kill.ts'
import { type Bench, isMeasurement } from './bench.ts'

const kills = 200
/** To see that it runs, for each round asked for. */
const fewKills = 4

export const bench: Bench = async (extent, progress) => {
  const measurement = isMeasurement(extent)
  const { findings, ok, ...more } = await runKills(measurement ? kills : extent.rounds * fewKills, { progress })
  return {
    bench: 'kill',
    value: findings.length,
    unit: 'acknowledged acts lost or doubled, gaps, forks and unsound logs',
    better: 'lower',
    reference: null,
    ratio: null,
    reach: '0',
    ok,
    more: { measurement, findings, ...more },
  }
}
