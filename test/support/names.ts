// Names for pins and links that carry the run's mark, so that a trace of a test is recognised as ours.

const run = process.env.NSFD_TEST_RUN ?? process.pid.toString(36)
/** What every name of this process begins with. */
export const OWN = `nsfd-${run}-${process.pid.toString(36)}`
let count = 0

/** A name no other test has: nsfd-<run>-<process>.<count>-<label>. */
export function uniqueName(label = 'x'): string {
  count++
  return `${OWN}.${count.toString(36)}-${label}`
}
