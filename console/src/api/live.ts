// The overview stream: one sample a second, kept for the charts, and the proof that the node answers.

import { useSyncExternalStore } from 'react'
import { authorization, apiURL } from './client'
import { openStream } from './sse'
import type { Overview } from './types'

export const windowSeconds = 300
const keep = windowSeconds + 30

export interface LiveState {
  /** Oldest first. The array is replaced with each sample. */
  samples: readonly Overview[]
  last: Overview | undefined
  /** Browser time of the last sign of life; undefined before the first. */
  heard: number | undefined
  /** Node's clock less the browser's, in milliseconds. */
  skew: number
}

/** Adds a sample, drops those out of the window, and starts anew when the node's clock jumps back. */
export function addSample(samples: readonly Overview[], next: Overview): Overview[] {
  const at = Date.parse(next.at)
  const kept = samples.filter((s) => {
    const t = Date.parse(s.at)
    return t < at && t > at - keep * 1000
  })
  return [...kept, next]
}

let state: LiveState = { samples: [], last: undefined, heard: undefined, skew: 0 }
const listeners = new Set<() => void>()

function set(next: Partial<LiveState>) {
  state = { ...state, ...next }
  for (const f of listeners) f()
}

/** Opens the stream; the samples survive a reopening. */
export function startLive(onDenied: () => void): () => void {
  return openStream({
    url: () => apiURL('overview/stream'),
    headers: authorization,
    silenceMs: 6000,
    onEvent: (e) => {
      let next: Overview
      try {
        next = JSON.parse(e.data) as Overview
      } catch {
        return
      }
      if (!next.at) return
      const now = Date.now()
      set({ samples: addSample(state.samples, next), last: next, heard: now, skew: Date.parse(next.at) - now })
    },
    onDown: (status) => {
      if (status !== 401) return true
      onDenied()
      return false
    },
  })
}

const subscribe = (f: () => void) => {
  listeners.add(f)
  return () => listeners.delete(f)
}

export const useLive = () => useSyncExternalStore(subscribe, () => state)

/** The node's clock, as far as the last sample tells; small skews are the network's. */
export function nodeNow(): number {
  return Date.now() + (Math.abs(state.skew) > 2500 ? state.skew : 0)
}
