// Pinning a mount namespace: the kernel asks that its id be higher than that of ours, and each CPU counts on its own.
import assert from 'node:assert/strict'
import { cpus } from 'node:os'
import { test } from 'node:test'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'

const program = new URL('./programs/pin-mounts.js', import.meta.url)
const someCpus = cpus().map((_, cpu) => cpu)
const pairs = someCpus.slice(0, 3).flatMap((first) => someCpus.slice(0, 3).map((second) => [first, second] as const))

for (const [ours, made] of pairs) {
  test(
    `a mount namespace made on CPU ${made} can be pinned from one made on CPU ${ours}`,
    needs('userns'),
    async () => {
      const onItsCpu = `mount -t tmpfs none /run && exec taskset --cpu-list ${made} "$@"`
      const own = ['taskset', '--cpu-list', `${ours}`, 'unshare', '--user', '--map-root-user', '--mount', 'sh', '-c']
      const { code, stdout, stderr } = await runProgram(program, { through: [...own, onItsCpu, 'sh'] })
      assert.equal(stderr, '')
      assert.equal(stdout, "[ 'made' ]\n")
      assert.equal(code, 0)
    },
  )
}
