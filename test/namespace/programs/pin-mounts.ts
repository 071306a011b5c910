// Makes a mount namespace and pins it, and says under which name it is listed. For a /run of its own.
import { Namespace } from 'nsfd'

using made = Namespace.create('mnt')
const pin = made.pin('made')
console.log(Namespace.list('mnt').map(({ name }) => name))
pin.unpin()
