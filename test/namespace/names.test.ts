// Names of pins: what may become a file under /run/<kind>ns, and what never reaches the kernel.
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Namespace } from 'nsfd'
import { KIND_NAMES, KINDS } from '#dist/namespace/kinds.js'
import { checkPinName, pinPath } from '#dist/namespace/names.js'

const refusal = { name: 'NsfdError', code: 'ERR_INVALID_ARG_VALUE' }

const IMPOSSIBLE: Record<string, unknown> = {
  'an empty name': '',
  'a path': 'a/b',
  'an absolute path': '/etc/passwd',
  'one dot': '.',
  'two dots': '..',
  'a way out': '../../etc/passwd',
  'NUL at the end': 'red\0',
  'NUL inside': 're\0d',
  'a line break': 'red\nblue',
  'an escape sequence': '\x1b[2J',
  DEL: 'red\x7f',
  '256 bytes': 'x'.repeat(256),
  '128 characters of two bytes': 'é'.repeat(128),
  'a number': 7,
  undefined: undefined,
  null: null,
  'an object that turns into a good name': { toString: () => 'red' },
}

for (const [what, name] of Object.entries(IMPOSSIBLE)) {
  test(`${what} is refused as a name by named, pin and unpin before anything is opened`, () => {
    using home = Namespace.current('net')
    assert.throws(() => Namespace.named(name as string), refusal)
    assert.throws(() => home.pin(name as string), refusal)
    assert.throws(() => Namespace.unpin(name as string), refusal)
  })
}

test('the refusal says what is wrong and what was received', () => {
  assert.throws(() => checkPinName('a/b'), /name must be a name, not a path.*received "a\/b"/)
  assert.throws(() => checkPinName('x'.repeat(300)), /at most 255 bytes.*…/)
  assert.throws(() => checkPinName(''), /must not be empty/)
})

test('255 bytes, dots inside, spaces and other scripts are names', () => {
  for (const name of ['x'.repeat(255), 'a.b', '...', ' ', 'red net', '-rf', 'сеть', '网']) {
    assert.equal(checkPinName(name), name)
  }
})

test('an unknown kind is refused by every function that takes one', () => {
  for (const kind of ['', 'NET', 'network', 'toString', '__proto__', 'constructor', 7, null, {}]) {
    const bad = kind as 'net'
    assert.throws(() => Namespace.current(bad), refusal)
    assert.throws(() => Namespace.create(bad), refusal)
    assert.throws(() => Namespace.named('x', bad), refusal)
    assert.throws(() => Namespace.ofProcess(process.pid, bad), refusal)
    assert.throws(() => Namespace.unpin('x', bad), refusal)
    assert.throws(() => Namespace.list(bad), refusal)
  }
})

test('property: whatever the string, it is refused or stays one file directly inside the directory of its kind', () => {
  const anyString = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc
      .array(fc.constantFrom('.', '/', '\0', 'a', '..', '%2e', '\\', ' '), { maxLength: 8 })
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(anyString, fc.constantFrom(...KIND_NAMES), (name, kind) => {
      let path: string
      try {
        path = pinPath(name, kind)
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ERR_INVALID_ARG_VALUE')
        return
      }
      const { directory } = KINDS[kind]
      assert.equal(posix.dirname(path), directory)
      assert.equal(path, `${directory}/${name}`)
      assert.ok(!path.includes('\0'))
      assert.ok(Buffer.byteLength(posix.basename(path)) <= 255)
    }),
    { numRuns: 5000 },
  )
})
