// socketat: a socket in another network namespace, and what the kernel says about where it is.
import { closeSync } from 'node:fs'
import { AF_INET, Namespace, SOCK_STREAM, socketat } from 'nsfd'

using red = Namespace.create('net')
const fd = socketat(red, AF_INET, SOCK_STREAM)
using where = Namespace.ofSocket(fd)
using home = Namespace.current('net')
console.log(`descriptor ${fd} lives in ${where}; this process is in ${home}; red is ${red}`)
closeSync(fd)
