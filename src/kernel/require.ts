// For modules that only one feature needs, in functions that cannot wait for import().
import { createRequire } from 'node:module'

export const require: NodeJS.Require = createRequire(import.meta.url)
