// On a Worker: moves into every namespace it is handed, and says where it then is.
import { readlinkSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { type Kind, setns } from 'nsfd'

const handed = workerData as [Kind, number][]
for (const [kind, fd] of handed) setns(kind, fd)
parentPort?.postMessage(handed.map(([kind]) => readlinkSync(`/proc/thread-self/ns/${kind}`)))
