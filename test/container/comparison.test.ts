// `nsfd enter` beside `docker exec`, field by field. What differs is named here, with the reason; everything else is equal.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { nsfd } from '../cli/nsfd.js'
import { docker, dockerRun, needsEngine, type Running } from './engines.js'

/** Fields of /proc/self/status that are about one process and moment. */
const OF_THE_MOMENT =
  /^(Name|State|Tgid|Ngid|Pid|PPid|NS\w+|FDSize|Vm\w+|Rss\w+|Sig[QPB]\w*|Shd\w+|THP\w*|\w*ctxt\w*|Cpus\w*|Mems\w*|CoreD\w*|Threads|Hugetlb\w*|untag\w*):/

/** docker puts its seccomp filter on; nobody but docker can say which it is. */
const DIFFERS = ['Seccomp:', 'Seccomp_filters:', 'Speculation_Store_Bypass:', 'SpeculationIndirectBranch:']

const FIELDS: Record<string, string> = {
  'uid, gid and groups': 'id',
  hostname: 'hostname',
  mounts: 'cat /proc/self/mounts',
  'pids it can see': 'ps -o pid,comm | awk \'NR>1 && $2!="ps" && $2!="awk" && $2!="sh"\'',
  environment: 'env | grep -v "^SHLVL=\\|^_=" | sort',
  cgroup: 'cat /proc/self/cgroup',
  'working directory': 'pwd',
  umask: 'umask',
  limits: 'cat /proc/self/limits',
  namespaces: 'for n in /proc/self/ns/*; do readlink $n; done',
  network: 'ip -o addr; ip route',
  'id maps': 'cat /proc/self/uid_map /proc/self/gid_map',
  'oom score': 'cat /proc/self/oom_score_adj',
  'root directory': 'ls -i / | sort',
  'open descriptors': 'ls /proc/self/fd',
}

describe('nsfd enter and docker exec', needsEngine('docker'), () => {
  const variants: Record<string, string[]> = {
    'a plain container': [],
    'a container with a user, a directory, variables, limits and a read-only root': [
      '--user=1000:1000',
      '--group-add=2000',
      '--workdir=/tmp',
      '--env=A=b c',
      '--memory=64m',
      // Hard and soft alike: Go programs raise their own soft limit, and runc at times hands that on to docker exec.
      '--ulimit=nofile=200:200',
      '--ulimit=core=10:20',
      '--read-only',
      '--hostname=other',
      '--tmpfs=/scratch',
    ],
    'a container with more and fewer capabilities, and no_new_privs': [
      '--cap-add=SYS_TIME',
      '--cap-drop=CHOWN',
      '--security-opt=no-new-privileges',
      '--ipc=private',
    ],
    'a container in the network, and the uts namespace, of the host': ['--network=host', '--uts=host'],
    'a container that may nearly everything': [
      '--cap-add=SYS_ADMIN',
      '--cap-add=SYS_PTRACE',
      '--security-opt=seccomp=unconfined',
    ],
  }
  for (const [what, options] of Object.entries(variants)) {
    describe(what, () => {
      let web: Running
      before(() => {
        web = dockerRun(options)
      })
      after(() => web[Symbol.dispose]())

      for (const [field, script] of Object.entries(FIELDS)) {
        test(`${field}: the same`, () => {
          const entered = nsfd(['enter', `docker:${web.name}`, '--', 'sh', '-c', script])
          assert.equal(entered.stderr, '')
          assert.equal(entered.stdout.trim(), docker('exec', web.name, 'sh', '-c', script))
        })
      }

      test('capabilities, no_new_privs and what else the kernel says of the process: the same, but for what is named', () => {
        const facts = (text: string) =>
          text
            .split('\n')
            .filter((line) => line !== '' && !OF_THE_MOMENT.test(line))
            .sort()
        const [ours, theirs] = [
          facts(nsfd(['enter', `docker:${web.name}`, '--', 'cat', '/proc/self/status']).stdout),
          facts(docker('exec', web.name, 'cat', '/proc/self/status')),
        ]
        const different = [
          ...ours.filter((line) => !theirs.includes(line)),
          ...theirs.filter((line) => !ours.includes(line)),
        ]
        assert.deepEqual(
          different.filter((line) => !DIFFERS.some((name) => line.startsWith(name))),
          [],
        )
        assert.ok(ours.some((line) => line.startsWith('CapBnd')) && ours.some((line) => line.startsWith('NoNewPrivs')))
      })
    })
  }
})
