// Sources, files and errors for the tests of names.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { DnsServer, NameSource } from '#dist/context/names/index.js'
import { close, open } from '#dist/kernel/syscalls.js'

const O_PATH = 0o10000000

let count = 0

/** A root directory as a container's, with the files given (paths from its root). */
export class TestRoot implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'nsfd-names-'))
  readonly fd: number

  constructor(files: Record<string, string> = {}) {
    for (const [path, text] of Object.entries({ 'etc/.keep': '', ...files })) this.write(path, text)
    this.fd = open(this.path, O_PATH)
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.path, path)), { recursive: true })
    writeFileSync(join(this.path, path), text)
  }

  [Symbol.dispose](): void {
    close(this.fd)
    rmSync(this.path, { recursive: true })
  }
}

export function freshId(): string {
  return `nsfd-names-test-${count++}`
}

/** A source of its own identity, with a root as its only files. */
export function sourceOf(root: TestRoot, servers?: readonly DnsServer[]): NameSource {
  return { id: freshId(), rootFd: root.fd, servers }
}

/** The fields of the error a promise fails with. */
export async function failure(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await promise.then(
    (value) => assert.fail(`it should have failed; it gave ${JSON.stringify(value)}`),
    (reason: Error) => reason,
  )
  return { ...error, message: error.message }
}
