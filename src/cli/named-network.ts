// What a command in a named net namespace expects to see, as ip-netns(8) says: its devices in /sys, its files in /etc.
import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CLONE, MOUNT } from '../kernel/constants.js'
import { hasCode } from '../kernel/errors.js'
import { mount, unmount, unshare } from '../kernel/syscalls.js'
import type { Namespace } from '../namespace/namespace.js'
import { warn } from './output.js'

const SYSFS_FLAGS = MOUNT.MS_NOSUID | MOUNT.MS_NODEV | MOUNT.MS_NOEXEC
const HELP = {
  EPERM: 'it needs CAP_SYS_ADMIN; --keep-mounts leaves /sys and /etc as they are here',
  EACCES: '--keep-mounts leaves /sys and /etc as they are here',
  EBUSY: '--keep-mounts leaves /sys and /etc as they are here',
}

/**
 * Gives the calling thread a mount namespace of its own and arranges it for the net namespace it has entered. Nothing to
 * do where no pin of net was named, or where the command gets a mount namespace anyway.
 */
export function showNamedNetwork(namespaces: Namespace[]): void {
  const named = namespaces.find(({ kind, name }) => kind === 'net' && name !== undefined)
  if (named?.name === undefined || namespaces.some(({ kind }) => kind === 'mnt')) return
  const asked = `cannot show the devices of ${named} in /sys`
  unshare(CLONE.CLONE_NEWNS, { asked, next: HELP })
  // Slave: what is mounted outside later still arrives; what we mount here does not get out.
  mount('', '/', 'none', MOUNT.MS_SLAVE | MOUNT.MS_REC, { asked, next: HELP })
  mountSysfs(named.name, asked)
  bindFilesOf(named.name)
}

/** In a user namespace the outer /sys cannot be taken away, and is covered; a read-only one only by a read-only one. */
function mountSysfs(name: string, asked: string): void {
  const mountOn = (flags: number) => mount(name, '/sys', 'sysfs', flags, { asked, next: HELP })
  const uncovered = tryUnmountSys()
  try {
    mountOn(SYSFS_FLAGS)
  } catch (error) {
    if (uncovered || !hasCode(error, 'EPERM')) throw error
    mountOn(SYSFS_FLAGS | MOUNT.MS_RDONLY)
  }
}

function tryUnmountSys(): boolean {
  try {
    return unmount('/sys', MOUNT.MNT_DETACH)
  } catch (error) {
    if (hasCode(error, 'EPERM', 'EINVAL', 'ENOENT')) return false
    throw error
  }
}

/** /etc/netns/<name>/resolv.conf stands in for /etc/resolv.conf, and so on. */
function bindFilesOf(name: string): void {
  const directory = join('/etc/netns', name)
  for (const file of filesIn(directory)) {
    const place = join('/etc', file)
    try {
      accessSync(place, constants.F_OK)
      mount(join(directory, file), place, 'none', MOUNT.MS_BIND)
    } catch (error) {
      warn(`cannot put ${join(directory, file)} in place of ${place}: ${(error as Error).message}`)
    }
  }
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}
