// exec-inside: becomes readlink(1) inside a namespace, having said which.
import { Namespace } from '#dist/index.js'

const ns = Namespace.create('net')
process.stdout.write(`${ns}\n`)
const exec = (file: string, args: string[]) =>
  (process as unknown as { execve(file: string, args: string[]): never }).execve(file, args)
ns.run(() => exec('/usr/bin/readlink', ['readlink', '/proc/self/ns/net']))
