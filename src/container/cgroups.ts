// The cgroups of a process, and the files by which another joins them.
import { readFileSync, writeFile } from 'node:fs'

/** A line of /proc/<pid>/cgroup; no controllers for cgroup v2. */
export type Cgroup = { readonly controllers: string; readonly path: string }

export function parseCgroups(text: string): Cgroup[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
      return { controllers, path }
    })
}

/**
 * The files that a process is moved into cgroups by: cgroup.procs of each hierarchy that is mounted here.
 * @param mounts text of /proc/self/mountinfo
 */
export function cgroupFiles(
  cgroups: readonly Cgroup[],
  mounts = readFileSync('/proc/self/mountinfo', 'latin1'),
): string[] {
  const hierarchies = mounts.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ')
    const [type, , options = ''] = right.split(' ')
    const [, , , root, point] = left.split(' ')
    if ((type !== 'cgroup' && type !== 'cgroup2') || root !== '/' || point === undefined) return []
    return [{ type, point, options: options.split(',') }]
  })
  return cgroups.flatMap(({ controllers, path }) => {
    const mounted = hierarchies.find(({ type, options }) =>
      controllers === '' ? type === 'cgroup2' : type === 'cgroup' && options.includes(controllers.split(',')[0] ?? ''),
    )
    if (mounted === undefined || path.split('/').includes('..')) return []
    return [`${mounted.point}${path === '/' ? '' : path}/cgroup.procs`]
  })
}

/**
 * Has the kernel make ready for a process that will soon join other cgroups: where nobody has joined one lately, the first
 * to do so waits for an RCU grace period, 10 to 20 ms, and those soon after it do not. So we join the one that we are in,
 * which changes nothing, on a thread of the pool. Where we may not, it stays as slow as it was.
 */
export function expectCgroupChange(): void {
  const [own] = cgroupFiles(parseCgroups(readFileSync('/proc/self/cgroup', 'latin1'))).slice(-1)
  if (own !== undefined) writeFile(own, '0', { flag: 'r+' }, () => {})
}
