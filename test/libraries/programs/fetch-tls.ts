// Asks https servers of the same address in two namespaces, and at home, with fetch: who answers whom?
// Arguments: the URL, and the paths of the namespaces of red and blue.
import { Namespace } from '#dist/index.js'

const [url = '', red = '', blue = ''] = process.argv.slice(2)
const sides = [
  { name: 'red', ns: Namespace.open(red) },
  { name: 'blue', ns: Namespace.open(blue) },
]
const answers: { asked: string; answered: string }[] = []

const ask = async () => (await fetch(url)).text()
const askAtHome = () => ask().catch((error: Error) => (error.cause as NodeJS.ErrnoException).code ?? String(error))

let next = 0
async function lane(): Promise<void> {
  while (next < 1000) {
    const n = next++
    const side = sides[Math.random() < 0.5 ? 0 : 1] as (typeof sides)[number]
    answers.push({ asked: side.name, answered: await side.ns.run(ask) })
    if (n % 20 === 0) answers.push({ asked: 'ECONNREFUSED', answered: await askAtHome() })
  }
}
await Promise.all(Array.from({ length: 20 }, lane))
process.stdout.write(JSON.stringify(answers))
