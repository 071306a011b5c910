import type { Bench } from './main.js'
export const namespaces: Bench = { title: 'x', async run() {} }
