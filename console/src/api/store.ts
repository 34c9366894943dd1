// Lists of objects kept fresh by the watch stream. Migrations travel whole in the stream; the status
// of the other kinds is computed when asked, so their events only say that it is time to ask again.

import type { SSEvent, StreamOptions } from './sse'
import type { Instance, Kind, Migration, Route, Service, WatchEvent } from './types'

export interface Objects {
  Service: Service[]
  Instance: Instance[]
  Route: Route[]
  Migration: Migration[]
}

export interface State {
  objects: Partial<Objects>
  /** Revision up to which the lists are known to be true. */
  revision: number
  error: Error | undefined
}

export const paths: Record<Kind, string> = {
  Service: 'services',
  Instance: 'instances',
  Route: 'routes',
  Migration: 'migrations',
}

const kinds = Object.keys(paths) as Kind[]

interface Ports {
  list: (kind: Kind) => Promise<{ items: unknown[] | null; revision: number }>
  stream: (o: Pick<StreamOptions, 'url' | 'onEvent' | 'onDown'>) => () => void
  /** Delays asking again, so that a burst of events asks once. */
  later: (f: () => void) => void
}

export class Store {
  state: State = { objects: {}, revision: 0, error: undefined }
  private listeners = new Set<() => void>()
  private close: (() => void) | undefined
  private asked = new Set<Kind>()
  private run = 0

  constructor(private readonly ports: Ports) {}

  subscribe = (f: () => void) => {
    this.listeners.add(f)
    return () => this.listeners.delete(f)
  }

  private set(next: Partial<State>) {
    this.state = { ...this.state, ...next }
    for (const f of this.listeners) f()
  }

  /** Lists everything, then watches from the oldest revision of the lists. */
  async start() {
    this.stop()
    const run = ++this.run
    try {
      const lists = await Promise.all(kinds.map((kind) => this.ports.list(kind)))
      if (run !== this.run) return
      const objects: Partial<Objects> = {}
      kinds.forEach((kind, i) => Object.assign(objects, { [kind]: lists[i]?.items ?? [] }))
      this.set({ objects, revision: Math.min(...lists.map((l) => l.revision)), error: undefined })
    } catch (error) {
      if (run !== this.run) return
      this.set({ error: error as Error })
      this.ports.later(() => run === this.run && void this.start())
      return
    }
    this.close = this.ports.stream({
      url: () => `watch?revision=${this.state.revision + 1}`,
      onEvent: (e) => run === this.run && this.event(e),
      onDown: (status) => {
        // Refused: most likely what happened since is no longer retained, so begin anew.
        if (!status || status < 400 || status >= 500 || status === 401 || status === 429) return true
        this.ports.later(() => run === this.run && void this.start())
        return false
      },
    })
  }

  stop() {
    this.run++
    this.close?.()
    this.close = undefined
  }

  private event(raw: SSEvent) {
    let e: Partial<WatchEvent>
    try {
      e = JSON.parse(raw.data) as Partial<WatchEvent>
    } catch {
      return
    }
    if (!e.kind || !e.name || !e.revision) {
      if (raw.event === 'problem') this.ports.later(() => void this.start())
      return
    }
    if (e.kind === 'Migration') this.put(e as WatchEvent)
    else this.refresh(e.kind)
    this.set({ revision: Math.max(this.state.revision, e.revision) })
  }

  private put(e: WatchEvent) {
    const rest = (this.state.objects.Migration ?? []).filter((m) => m.metadata.name !== e.name)
    if (e.type === 'put' && e.object) rest.push(e.object as Migration)
    rest.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    this.set({ objects: { ...this.state.objects, Migration: rest } })
  }

  /** Asks for one kind again, soon. */
  refresh(kind: Kind) {
    if (this.asked.has(kind)) return
    this.asked.add(kind)
    this.ports.later(async () => {
      this.asked.delete(kind)
      try {
        const list = await this.ports.list(kind)
        this.set({ objects: { ...this.state.objects, [kind]: list.items ?? [] } })
      } catch (error) {
        this.set({ error: error as Error })
      }
    })
  }
}
