// "<count>" -> nanoseconds for that many sockets, each made in another network namespace and closed.
import { closeSync } from 'node:fs'
import { AF_INET, close, Namespace, SOCK_STREAM, socketat } from 'nsfd'
import { answer, nanoseconds } from './answer.js'

const closeSocket = process.argv[2] === 'fs.closeSync' ? closeSync : close
const red = Namespace.create('net')

await answer((count) =>
  nanoseconds(() => {
    for (let i = 0; i < Number(count); i++) closeSocket(socketat(red, AF_INET, SOCK_STREAM))
  }),
)
