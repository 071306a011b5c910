// An ordinary user: refused with EPERM or EACCES, told what to do; what needs no rights works.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Namespace } from 'nsfd'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'

type Told = { code?: string; message: string; value?: boolean }

test(
  'without privileges every refusal names what is missing and what to do, and the rest works',
  needs('root'),
  async () => {
    const name = uniqueName('pinned')
    using made = Namespace.create('net')
    using _pin = made.pin(name)
    const { code, stdout, stderr } = await runProgram(new URL('./programs/ordinary-user.js', import.meta.url), {
      args: [name],
    })
    assert.equal(code, 0, stderr)
    const { told, userns, athome } = JSON.parse(stdout) as {
      told: Record<string, Told>
      userns: boolean
      athome: boolean
    }
    assert.equal(athome, true)
    const refused = (attempts: string[], errorCode: RegExp, next: RegExp) => {
      for (const attempt of attempts) {
        assert.match(told[attempt]?.code ?? 'it worked', errorCode, attempt)
        assert.match(told[attempt]?.message ?? '', next, attempt)
      }
    }
    refused(['socketat', 'socketat fd', 'setns'], /^EPERM$/, /CAP_SYS_ADMIN.*run as root.*--rootless/)
    refused(
      ['create net', 'create uts', 'create ipc', 'create mnt', 'create cgroup', 'create time'],
      /^EPERM$/,
      /CAP_SYS_ADMIN.*--rootless/,
    )
    refused(['pin', 'unpin'], /^(EPERM|EACCES)$/, /run as root.*--rootless/)
    refused(['ofProcess'], /^(EPERM|EACCES)$/, /run as root.*CAP_SYS_PTRACE/)
    refused(['handle'], /^(EPERM|ESTALE|EOPNOTSUPP)$/, /./)
    for (const attempt of ['named', 'list', 'current'])
      assert.equal(told[attempt]?.code, undefined, told[attempt]?.message)
    assert.equal(told.list?.value, true)
    assert.equal(told['create user']?.code, userns ? undefined : 'EPERM')
    using still = Namespace.named(name)
    assert.ok(still.equals(made))
  },
)
