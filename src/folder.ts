import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the project: `services/` and `reference/` stand in it. */
export const projectFolder = resolve(fileURLToPath(new URL('..', import.meta.url)))
