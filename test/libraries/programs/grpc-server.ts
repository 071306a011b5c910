// A gRPC server whose every answer names the network namespace the kernel says it is in. Argument: the port.
import { readlinkSync } from 'node:fs'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { who } from '../support/who.js'

const here = readlinkSync('/proc/self/ns/net')
const server = new Server()
server.addService(who, {
  are: (_: unknown, answer: (error: null, text: string) => void) => answer(null, here),
  watch: (call: { write(text: string): void; end(): void }) => {
    for (let n = 0; n < 10; n++) call.write(here)
    call.end()
  },
})
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
})
