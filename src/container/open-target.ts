// openTarget: from a word that a person knows to a target that is held.
import { existsSync } from 'node:fs'
import { invalidArgument } from '../kernel/errors.js'
import { KIND_NAMES, type Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { ambiguous, type Container, type Engine, noSuchTarget, openContainer, wordOf } from './engine.js'
import { HeldProcess } from './held-process.js'
import { Target } from './target.js'

/** In the order that `nsfd ps` shows them; each is loaded when it is asked. */
const ENGINES = {
  docker: async () => (await import('./engines/docker.js')).docker,
  podman: async () => (await import('./engines/podman.js')).podman,
  cri: async () => (await import('./engines/cri.js')).cri,
  containerd: async () => (await import('./engines/containerd.js')).containerd,
  lxc: async () => (await import('./engines/lxc.js')).lxc,
  machine: async () => (await import('./engines/machine.js')).machine,
} satisfies Record<string, () => Promise<Engine>>

type EngineName = keyof typeof ENGINES

const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[]

/** The engines that a bare word is looked for in. The containers of cri are containerd's, seen from another side. */
const FOR_BARE_WORDS = ENGINE_NAMES.filter((name) => name !== 'cri')

type Opener = (rest: string) => Promise<Target>

const PREFIXES: Record<string, Opener> = {
  ...Object.fromEntries(ENGINE_NAMES.map((name) => [name, (rest: string) => openIn(name, rest)])),
  ...Object.fromEntries(KIND_NAMES.map((kind) => [kind, async (name: string) => openPin(name, kind)])),
  // A pid namespace's pin has the same prefix as a process: digits are a process.
  pid: async (rest) => (/^\d+$/.test(rest) ? openProcess(rest) : openPin(rest, 'pid')),
}

/**
 * Opens what a word means, and holds it: it stays the same container, even if its name or pid comes to mean another.
 * @param word docker:NAME, podman:NAME or podman:USER@NAME, containerd:NAMESPACE/ID, cri:POD/CONTAINER or cri:ID, lxc:NAME,
 *   machine:NAME (each also by id, or by the beginning of an id if that is unique), pid:N, net:NAME and the other kinds'
 *   pins, a path of a namespace (with a slash), or a bare word that exactly one of them goes by
 * @throws ERR_NSFD_NO_SUCH_TARGET, ERR_NSFD_AMBIGUOUS_TARGET (lists the matches), ERR_NSFD_NOT_RUNNING,
 *   ERR_NSFD_TARGET_GONE if it ends meanwhile, ERR_NSFD_ENGINE if the engine does not answer, EPERM, ERR_INVALID_ARG_VALUE
 */
export async function openTarget(word: string): Promise<Target> {
  if (typeof word !== 'string' || word === '') throw invalidArgument('word', 'must name a target', word)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no name of anything has them
  if (/[\x00-\x1f\x7f]/.test(word)) throw invalidArgument('word', 'must not contain control characters', word)
  const [, prefix = '', rest = ''] = /^([a-z]+):(.*)$/.exec(word) ?? []
  if (Object.hasOwn(PREFIXES, prefix)) {
    if (rest === '') throw invalidArgument('word', `must name something after '${prefix}:'`, word)
    return (PREFIXES[prefix] as Opener)(rest)
  }
  if (/^\.{0,2}\//.test(word)) return openPath(word)
  if (word.includes(':')) {
    throw invalidArgument(
      'word',
      `must begin with one of ${Object.keys(PREFIXES).join(', ')} where it has a colon`,
      word,
    )
  }
  return openBare(word)
}

/** All containers of all engines that are there; what an engine that does not answer would have said is in `failures`. */
export async function listContainers(
  names: readonly EngineName[] = ENGINE_NAMES,
): Promise<{ containers: Container[]; failures: { engine: string; error: Error }[] }> {
  const engines = await Promise.all(names.map((name) => ENGINES[name]()))
  const present = engines.filter((engine) => engine.present())
  const answers = await Promise.allSettled(present.map((engine) => engine.list()))
  const all = answers.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  return {
    // docker runs its containers by containerd, under the same ids: they are shown as docker's.
    containers: all.filter((each, index) => all.findIndex(({ id }) => id === each.id) === index),
    failures: answers.flatMap((each, index) =>
      each.status === 'rejected' ? [{ engine: present[index]?.name ?? '', error: each.reason as Error }] : [],
    ),
  }
}

type Match = { word: string; exact: boolean; open: () => Promise<Target> }

async function openBare(word: string): Promise<Target> {
  const { containers, failures } = await listContainers(FOR_BARE_WORDS)
  const matches = [...processMatches(word), ...pinMatches(word), ...containerMatches(word, containers)]
  const exact = matches.filter((each) => each.exact)
  const [match, ...others] = exact.length > 0 ? exact : matches
  if (others.length > 0)
    throw ambiguous(
      `'${word}'`,
      [match as Match, ...others].map((each) => each.word),
    )
  if (match !== undefined) return match.open()
  const more = failures.map(({ error }) => `; ${error.message}`).join('')
  throw noSuchTarget(`container, pin or process '${word}'`, more)
}

function processMatches(word: string): Match[] {
  if (!/^\d{1,10}$/.test(word) || !existsSync(`/proc/${word}`)) return []
  return [{ word: `pid:${word}`, exact: true, open: async () => openProcess(word) }]
}

function pinMatches(word: string): Match[] {
  if (word.includes('/')) return []
  return Namespace.list()
    .filter(({ name }) => name === word)
    .map(({ kind }) => ({ word: `${kind}:${word}`, exact: true, open: async () => openPin(word, kind) }))
}

function containerMatches(word: string, containers: readonly Container[]): Match[] {
  return FOR_BARE_WORDS.flatMap((name) => {
    const own = containers.filter((each) => each.engine === name)
    const exact = own.filter(({ name, id }) => name === word || id === word)
    const matching = exact.length > 0 ? exact : own.filter(({ id }) => id.startsWith(word))
    return matching.map((each) => ({
      word: wordOf(each),
      exact: exact.length > 0,
      open: () => openIn(name, each.key ?? each.id),
    }))
  })
}

async function openIn(name: EngineName, query: string): Promise<Target> {
  return openContainer(await ENGINES[name](), query)
}

function openProcess(word: string): Target {
  const held = HeldProcess.open(Number(word))
  try {
    const name = held.read('comm').trim()
    return new Target({ engine: 'pid', name: word, id: word, labels: { comm: name } }, held)
  } catch (error) {
    held.close()
    throw error
  }
}

function openPin(name: string, kind: Kind): Target {
  const namespace = Namespace.named(name, kind)
  return new Target({ engine: kind, name, id: name }, namespace)
}

function openPath(path: string): Target {
  return new Target({ engine: 'path', name: path, id: path }, Namespace.open(path))
}
