// Numbers of the Linux ABI, under the names their headers give them.

/** <linux/sched.h>: what clone(2), unshare(2) and setns(2) call the eight kinds of namespace. */
export const CLONE = {
  CLONE_NEWTIME: 0x00000080,
  CLONE_FS: 0x00000200,
  CLONE_NEWNS: 0x00020000,
  CLONE_NEWCGROUP: 0x02000000,
  CLONE_NEWUTS: 0x04000000,
  CLONE_NEWIPC: 0x08000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
} as const

/** <linux/nsfs.h>: ioctls of a namespace descriptor, _IO(0xb7, n) and _IOR(0xb7, 13, __u64). */
export const NSFS = {
  NS_GET_USERNS: 0xb701,
  NS_GET_PARENT: 0xb702,
  NS_GET_NSTYPE: 0xb703,
  NS_GET_OWNER_UID: 0xb704,
  NS_GET_ID: 0x8008b70d,
} as const

/** <linux/magic.h>: the file system that namespace descriptors belong to. */
export const NSFS_MAGIC = 0x6e736673

/** <linux/sockios.h>: a descriptor of the network namespace a socket lives in. */
export const SIOCGSKNS = 0x894c

/** <linux/mount.h> */
export const MOUNT = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_BIND: 0x1000,
  MS_REC: 0x4000,
  MS_PRIVATE: 0x40000,
  MS_SLAVE: 0x80000,
  MS_SHARED: 0x100000,
  MNT_DETACH: 2,
} as const

/** <linux/fcntl.h> */
export const FCNTL = {
  AT_FDCWD: -100,
  AT_EMPTY_PATH: 0x1000,
  FD_NSFS_ROOT: -10003,
  F_GETFD: 1,
  F_SETFD: 2,
  FD_CLOEXEC: 1,
  F_DUPFD_CLOEXEC: 1030,
  F_ADD_SEALS: 1033,
  LOCK_EX: 2,
  LOCK_NB: 4,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
} as const

/** <sys/socket.h>: address families. */
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const AF_PACKET = 17
export const AF_VSOCK = 40

/** <sys/socket.h>: socket types, and the flags that may be or-ed to them. */
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_RAW = 3
export const SOCK_SEQPACKET = 5
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000

/** <linux/openat2.h>: how openat2(2) may resolve a path. */
export const RESOLVE = {
  RESOLVE_NO_XDEV: 0x01,
  RESOLVE_NO_MAGICLINKS: 0x02,
  RESOLVE_NO_SYMLINKS: 0x04,
  RESOLVE_IN_ROOT: 0x10,
} as const

/** <linux/netlink.h>: the protocol of rtnetlink, and socket options of SOL_NETLINK. */
export const NETLINK = {
  NETLINK_ROUTE: 0,
  SOL_NETLINK: 270,
  NETLINK_ADD_MEMBERSHIP: 1,
  NETLINK_CAP_ACK: 10,
  NETLINK_EXT_ACK: 11,
  NETLINK_GET_STRICT_CHK: 12,
} as const

/** <asm-generic/socket.h>, the same on x86-64 and arm64. */
export const SOCKET = {
  SOL_SOCKET: 1,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_SNDBUFFORCE: 32,
  SO_RCVBUFFORCE: 33,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
} as const

/** <linux/memfd.h>, and the seals of <linux/fcntl.h>: SEAL, SHRINK, GROW, WRITE. */
export const MEMFD = {
  MFD_CLOEXEC: 1,
  MFD_ALLOW_SEALING: 2,
  MFD_EXEC: 0x10,
  F_SEAL_ALL: 0xf,
} as const

/** <linux/prctl.h> */
export const PRCTL = {
  PR_SET_DUMPABLE: 4,
  PR_CAPBSET_DROP: 24,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_CAP_AMBIENT: 47,
  PR_CAP_AMBIENT_CLEAR_ALL: 4,
} as const
