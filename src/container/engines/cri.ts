import type { Engine } from '../engine.js'
export const cri: Engine = { name: 'cri', present: () => false, list: async () => [], find: async () => undefined }
