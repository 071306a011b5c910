// Watches a namespace where nothing happens. Told to keep, it is still there after a moment, which an unref'd timer notices.
import { Namespace } from 'nsfd'
import { Route } from 'nsfd/rtnetlink'

const rt = Route.open(Namespace.create('net'))
const watch = rt.watch({ keepAlive: process.argv[2] === 'keep' })
void watch.next()
console.log('watching')
setTimeout(() => {
  console.log('still here')
  void rt.close()
}, 300).unref()
