// A new network namespace has its loopback down; nothing works in it until that is up. netdevice(7).
import { AF_INET, SOCK_DGRAM } from '../kernel/constants.js'
import { close, ioctl } from '../kernel/syscalls.js'
import type { Namespace } from '../namespace/namespace.js'
import { socketat } from '../namespace/socketat.js'

const SIOCGIFFLAGS = 0x8913
const SIOCSIFFLAGS = 0x8914
const IFF_UP = 1
/** struct ifreq: char ifr_name[16], then a union that begins with short ifr_flags. */
const IFREQ_SIZE = 40
const FLAGS_AT = 16

export function loopbackUp(namespace: Namespace): void {
  const socket = socketat(namespace, AF_INET, SOCK_DGRAM)
  try {
    const request = Buffer.alloc(IFREQ_SIZE)
    request.write('lo')
    const asked = `cannot set lo up in ${namespace}`
    ioctl(socket, SIOCGIFFLAGS, request, { asked })
    request.writeUInt16LE(request.readUInt16LE(FLAGS_AT) | IFF_UP, FLAGS_AT)
    ioctl(socket, SIOCSIFFLAGS, request, { asked })
  } finally {
    close(socket)
  }
}
