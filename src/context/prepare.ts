// What has to be in place before the first run() on a thread. All of it is done once, or nothing is.
import type { Namespace } from '../namespace/namespace.js'
import { whereabouts } from '../namespace/thread.js'
import { tellAddressesFromInside } from './addresses.js'
import { bindings } from './bindings.js'
import { refuseClusterServers } from './cluster.js'
import { keepDispatchersApart } from './dispatchers.js'
import { keepFetchPoolsApart } from './fetch-pools.js'
import { bracketHandles } from './handles.js'
import { keepHttpPoolsApart } from './http-pools.js'
import { keepHttp2SessionsApart } from './http2-sessions.js'
import { answerLookups } from './lookups.js'
import { proveBrackets } from './proof.js'
import { checkSocketsOfRequests } from './requests.js'
import { answerResolvers } from './resolvers.js'
import { checkWhatUndiciSends } from './sent-requests.js'
import { honourStamps } from './stamp.js'
import { bracketSystemCalls } from './system.js'
import { refuseWorkersWhileAway } from './threads.js'

type State = 'untouched' | 'wrapped' | 'proven'
let state: State = 'untouched'
let failure: unknown

/** @throws NsfdError ERR_NSFD_UNPROVEN on every call, if it cannot be proven here that run() works. */
export function prepareContext(namespace: Namespace): void {
  if (failure !== undefined) throw failure
  if (state === 'untouched') {
    try {
      wrapEverything()
    } catch (error) {
      failure = error // half of it is in place: another attempt would wrap that again
      throw error
    }
    state = 'wrapped'
  }
  if (namespace.kind !== 'net') return
  if (state === 'wrapped') {
    proveBrackets(bindings(), namespace)
    state = 'proven'
  }
  keepFetchPoolsApart()
}

function wrapEverything(): void {
  const native = bindings()
  whereabouts('net')
  bracketHandles(native)
  tellAddressesFromInside(native)
  answerLookups(native)
  answerResolvers(native)
  honourStamps()
  keepHttpPoolsApart()
  checkSocketsOfRequests()
  keepHttp2SessionsApart()
  keepDispatchersApart()
  checkWhatUndiciSends()
  bracketSystemCalls()
  refuseClusterServers()
  refuseWorkersWhileAway()
}
