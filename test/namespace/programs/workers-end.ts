// Workers that used namespaces end, by themselves and by force; then the process ends.
import { Worker } from 'node:worker_threads'
import { Namespace } from 'nsfd'

const shared = Namespace.create('net')
for (let i = 0; i < 4; i++) {
  const looping = new Worker(new URL('./worker-loops.js', import.meta.url), { workerData: shared.fd })
  await new Promise((resolve) => looping.once('message', resolve))
  await looping.terminate()
  const workerData = { shared: shared.fd, name: `nsfd-end-${process.pid}-${i}` }
  const ending = new Worker(new URL('./worker-uses.js', import.meta.url), { workerData })
  await new Promise((resolve) => ending.once('exit', resolve))
}
