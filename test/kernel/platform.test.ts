// On anything but Linux importing works, and the first use says clearly that it cannot.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram } from '../support/program.js'

for (const platform of ['darwin', 'win32', 'freebsd']) {
  test(`on ${platform} nsfd loads without a word, and every first use is ERR_NSFD_PLATFORM`, async () => {
    const { code, stdout, stderr } = await runProgram(new URL('./programs/elsewhere.cjs', import.meta.url), {
      args: [platform],
    })
    assert.equal(stderr, '')
    assert.equal(code, 0)
    for (const told of JSON.parse(stdout)) {
      assert.equal(told.name, 'NsfdError')
      assert.equal(told.code, 'ERR_NSFD_PLATFORM')
      assert.match(told.message, new RegExp(`needs Linux.*${platform}`))
    }
  })
}
