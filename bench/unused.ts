import type { Bench } from './main.js'
export const unused: Bench = { title: 'x', async run() {} }
