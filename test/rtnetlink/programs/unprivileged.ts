// As nobody: lists the links, tries to change one, and says what came of it.
import { Route } from 'nsfd/rtnetlink'
import { becomeNobody } from '../../support/privilege.js'

await using rt = Route.open()
becomeNobody()
const [first] = await rt.links()
try {
  await rt.link.add({ name: 'nsfd-never', kind: 'bridge' })
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  if (!/CAP_NET_ADMIN/.test(message)) throw error
  console.log(first?.name, code)
}
