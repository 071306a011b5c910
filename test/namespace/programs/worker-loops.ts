// On a Worker: socketat without end, until it is terminated.
import { parentPort, workerData } from 'node:worker_threads'
import { AF_INET, SOCK_STREAM, socketat } from 'nsfd'
import { close } from '#dist/kernel/syscalls.js'

for (let i = 0; ; i++) {
  close(socketat(workerData as number, AF_INET, SOCK_STREAM))
  if (i === 100) parentPort?.postMessage('warm')
}
