import type { Bench } from './main.js'
export const memory: Bench = { title: 'x', async run() {} }
