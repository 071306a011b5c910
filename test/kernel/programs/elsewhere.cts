// Pretends to run on another system, then loads nsfd both ways and uses it. Prints what became of it.
Object.defineProperty(process, 'platform', { value: process.argv[2] })
const { Namespace, setns, socketat } = require('nsfd') as typeof import('nsfd')

const told = [
  () => Namespace.current('net'),
  () => Namespace.create('net'),
  () => setns(3),
  () => socketat(3, 2, 1),
].map((use) => {
  try {
    use()
    return 'it worked'
  } catch (error) {
    const { name, code, message } = error as NodeJS.ErrnoException
    return { name, code, message }
  }
})
process.stdout.write(JSON.stringify(told))
