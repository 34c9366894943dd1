import { createContext, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { api, type APIError } from './client'
import { nodeNow } from './live'
import type { Store } from './store'
import type { Identity, Kind, Node, Role } from './types'

export interface SessionValue {
  identity: Identity
  node: Node | undefined
  store: Store
}

export const Session = createContext<SessionValue | null>(null)

export function useSession(): SessionValue {
  const value = useContext(Session)
  if (!value) throw new Error('no session')
  return value
}

export function useObjects() {
  const { store } = useSession()
  return useSyncExternalStore(store.subscribe, () => store.state)
}

const ranks: Role[] = ['viewer', 'operator', 'approver', 'admin']

/** Whether role may do what needed asks; register is outside the order. */
export const may = (role: Role, needed: Role) => role !== 'register' && ranks.indexOf(role) >= ranks.indexOf(needed)

/** The node's clock, ticking. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(nodeNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(nodeNow()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

export interface Polled<V> {
  data: V | undefined
  error: APIError | undefined
  again: () => void
}

/** Asks path now and every so often while the page is visible. The last good answer is kept. */
export function usePoll<V>(path: string | undefined, everyMs: number): Polled<V> {
  const [state, setState] = useState<{ path: string | undefined; data: V | undefined; error: APIError | undefined }>({ path, data: undefined, error: undefined })
  const ask = useRef<() => void>(() => {})
  useEffect(() => {
    if (!path) return
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let busy = false
    const run = async () => {
      clearTimeout(timer)
      if (busy || document.visibilityState === 'hidden') return
      busy = true
      try {
        const data = await api<V>(path, { signal: AbortSignal.any([abort.signal, AbortSignal.timeout(10_000)]) })
        if (!abort.signal.aborted) setState({ path, data, error: undefined })
      } catch (error) {
        if (!abort.signal.aborted)
          setState((s) => ({ path, data: s.path === path ? s.data : undefined, error: error as APIError }))
      }
      busy = false
      if (!abort.signal.aborted) timer = setTimeout(run, everyMs)
    }
    ask.current = () => void run()
    const visible = () => void run()
    document.addEventListener('visibilitychange', visible)
    void run()
    return () => {
      abort.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', visible)
    }
  }, [path, everyMs])
  const again = useCallback(() => ask.current(), [])
  const mine = state.path === path
  return { data: mine ? state.data : undefined, error: mine ? state.error : undefined, again }
}

/** How much larger than usual the page is set, since a wall is read from afar. */
export const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 14 || 1

/** The width of an element, followed. */
export function useWidth<E extends Element>(): [React.RefCallback<E>, number] {
  const [width, setWidth] = useState(0)
  const ref = useCallback((el: E | null) => {
    if (!el) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)))
    observer.observe(el)
    return () => observer.disconnect()
  }, [])
  return [ref, width]
}

/** Asks for lists anew while somebody looks: health, traffic and what holds a migration come with no event. */
export function useFresh(...kinds: Kind[]) {
  const { store } = useSession()
  const which = kinds.join()
  useEffect(() => {
    const ask = () => {
      if (document.visibilityState === 'visible') for (const kind of which.split(',') as Kind[]) store.refresh(kind)
    }
    ask()
    const timer = setInterval(ask, 3000)
    return () => clearInterval(timer)
  }, [store, which])
}
