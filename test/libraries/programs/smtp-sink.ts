// An SMTP server that accepts all mail. It greets with, and answers each with, the network namespace the kernel says it is in, and what
// it read. Argument: the port.
import { readlinkSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

const here = readlinkSync('/proc/self/ns/net')
const server = new SMTPServer({
  banner: here,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  async onData(stream, _, done) {
    const [, subject] = /^Subject: (.*)\r$/m.exec(await text(stream)) ?? []
    done(null, `${here} has ${subject}`)
  },
})
server.listen(Number(process.argv[2]), '127.0.0.1')
