// Server-sent events over fetch, since EventSource cannot send a token.

export interface SSEvent {
  event: string
  data: string
  id: string
}

/** Splits a stream of text into events. Feed it chunks as they come. */
export class SSEParser {
  private buffer = ''
  private event = ''
  private data: string[] = []
  private id = ''

  constructor(private readonly emit: (e: SSEvent) => void) {}

  feed(chunk: string) {
    this.buffer += chunk
    for (;;) {
      const end = this.buffer.search(/\r\n|\n|\r/)
      if (end < 0) return
      // A lone CR at the very end may be the first half of CRLF.
      if (this.buffer[end] === '\r' && end === this.buffer.length - 1) return
      const line = this.buffer.slice(0, end)
      this.buffer = this.buffer.slice(end + (this.buffer.startsWith('\r\n', end) ? 2 : 1))
      this.line(line)
    }
  }

  private line(line: string) {
    if (line === '') {
      if (this.data.length > 0) this.emit({ event: this.event || 'message', data: this.data.join('\n'), id: this.id })
      this.event = ''
      this.data = []
      return
    }
    if (line.startsWith(':')) return
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.event = value
    else if (field === 'data') this.data.push(value)
    else if (field === 'id') this.id = value
  }
}

/** Wait before the n-th reconnect in a row, in milliseconds: doubling from 500 ms to 8 s, with jitter. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  return Math.min(8000, 500 * 2 ** Math.min(attempt, 10)) * (0.75 + 0.5 * random())
}

export interface StreamOptions {
  /** The address, asked for anew at each connection. */
  url: () => string
  headers: () => Record<string, string>
  onEvent: (e: SSEvent) => void
  onOpen?: () => void
  /** A connection failed or ended. Return false to stop trying. */
  onDown?: (status: number | undefined) => boolean | void
  /** Without a byte for this long the connection counts as dead. */
  silenceMs?: number
  fetch?: typeof fetch
  wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Keeps a stream open until the returned function is called. */
export function openStream(o: StreamOptions): () => void {
  const stop = new AbortController()
  void run(o, stop.signal)
  return () => stop.abort()
}

async function run(o: StreamOptions, signal: AbortSignal) {
  const wait = o.wait ?? sleep
  const ask = o.fetch ?? ((...args) => fetch(...args))
  let attempt = 0
  while (!signal.aborted) {
    const one = new AbortController()
    const cancel = () => one.abort()
    signal.addEventListener('abort', cancel, { once: true })
    let silence: ReturnType<typeof setTimeout> | undefined
    const alive = () => {
      clearTimeout(silence)
      if (o.silenceMs) silence = setTimeout(cancel, o.silenceMs)
    }
    let status: number | undefined
    try {
      alive()
      const res = await ask(o.url(), {
        headers: { Accept: 'text/event-stream', ...o.headers() },
        signal: one.signal,
        cache: 'no-store',
      })
      status = res.status
      if (!res.ok || !res.body) throw new Error(`stream answered ${res.status}`)
      o.onOpen?.()
      const parser = new SSEParser((e) => {
        attempt = 0
        o.onEvent(e)
      })
      const text = new TextDecoder()
      const reader = res.body.getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        alive()
        parser.feed(text.decode(value, { stream: true }))
      }
    } catch {
      // told to onDown below
    } finally {
      clearTimeout(silence)
      one.abort()
      signal.removeEventListener('abort', cancel)
    }
    if (signal.aborted || o.onDown?.(status) === false) return
    await wait(backoff(attempt++), signal)
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
