import { expect, it, vi } from 'vitest'
import { backoff, openStream, SSEParser, type SSEvent } from '../src/api/sse'
import { Store } from '../src/api/store'
import type { Kind, WatchEvent } from '../src/api/types'

function parse(...chunks: string[]): SSEvent[] {
  const out: SSEvent[] = []
  const parser = new SSEParser((e) => out.push(e))
  chunks.forEach((c) => parser.feed(c))
  return out
}

it('events are read whatever the chunks and line ends', () => {
  const text = ': hello\r\nid: 7\r\nevent: put\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata: x\n\n'
  const want = [
    { event: 'put', data: '{"a":\n1}', id: '7' },
    { event: 'message', data: 'x', id: '7' },
  ]
  expect(parse(text)).toEqual(want)
  expect(parse(...text)).toEqual(want)
  expect(parse('event: lonely\n\n', 'data: cut off')).toEqual([])
})

it('the wait before a reconnect doubles up to eight seconds', () => {
  expect([0, 1, 2, 10, 1000].map((n) => backoff(n, () => 0.5))).toEqual([500, 1000, 2000, 8000, 8000])
  expect(backoff(0, () => 0)).toBeLessThan(backoff(0, () => 1))
})

const body = (text: string) => new Response(text, { status: 200 })

it('a stream that ends or fails is opened again, and waits longer while nothing comes', async () => {
  const answers: (() => Response)[] = [
    () => body('data: 1\n\n'),
    () => {
      throw new TypeError('connection refused')
    },
    () => new Response('', { status: 503 }),
    () => body('data: 2\n\n'),
  ]
  const got: string[] = []
  const waits: number[] = []
  await new Promise<void>((done) => {
    const stop = openStream({
      url: () => 'http://node/stream',
      headers: () => ({ Authorization: 'Bearer t' }),
      onEvent: (e) => {
        got.push(e.data)
        if (e.data === '2') {
          stop()
          done()
        }
      },
      fetch: (async (_url, init) => {
        expect((init?.headers as Record<string, string>)['Authorization']).toBe('Bearer t')
        return answers.shift()!()
      }) as typeof fetch,
      wait: async (ms) => {
        waits.push(ms)
      },
    })
  })
  expect(got).toEqual(['1', '2'])
  expect(waits).toHaveLength(3)
  expect(waits[2]!).toBeGreaterThan(waits[0]!)
})

it('a stream that is silent for too long is given up and opened again', async () => {
  vi.useFakeTimers()
  let calls = 0
  const stop = openStream({
    url: () => 'http://node/stream',
    headers: () => ({}),
    onEvent: () => {},
    silenceMs: 1000,
    fetch: ((_url, init) => {
      calls++
      return new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))))
    }) as typeof fetch,
    wait: async () => {},
  })
  await vi.advanceTimersByTimeAsync(3500)
  stop()
  vi.useRealTimers()
  expect(calls).toBe(4)
})

interface Fake {
  store: Store
  lists: Record<Kind, unknown[]>
  asked: Kind[]
  urls: string[]
  send: (e: Partial<WatchEvent>) => void
  raw: (event: string, data: string) => void
  down: (status: number | undefined) => boolean | void
  later: () => Promise<void>
}

function fake(): Fake {
  const later: (() => void)[] = []
  const f = { asked: [], urls: [], lists: { Service: [], Instance: [], Route: [], Migration: [] } } as unknown as Fake
  let revision = 5
  f.store = new Store({
    list: async (kind) => {
      f.asked.push(kind)
      return { items: f.lists[kind], revision: revision++ }
    },
    stream: (o) => {
      f.urls.push(o.url())
      f.raw = (event, data) => o.onEvent({ event, data, id: '' })
      f.send = (e) => f.raw('', JSON.stringify(e))
      f.down = (status) => o.onDown?.(status)
      return () => {}
    },
    later: (run) => void later.push(run),
  })
  f.later = async () => {
    later.splice(0).forEach((run) => run())
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  return f
}

const migration = (name: string, phase: string) => ({ metadata: { name }, spec: {}, status: { phase } })

it('the store lists everything, then watches from the oldest of the lists', async () => {
  const f = fake()
  await f.store.start()
  expect([...f.asked].sort()).toEqual(['Instance', 'Migration', 'Route', 'Service'])
  expect(f.urls).toEqual(['watch?revision=6'])
})

it('a migration comes with its event, another kind is asked for once however many events', async () => {
  const f = fake()
  f.lists.Migration = [migration('b', 'mirror')]
  await f.store.start()
  f.send({ type: 'put', kind: 'Migration', name: 'a', revision: 20, object: migration('a', 'ramp') })
  f.send({ type: 'put', kind: 'Migration', name: 'b', revision: 21, object: migration('b', 'hold') })
  expect(f.store.state.objects.Migration?.map((m) => [m.metadata.name, m.status?.phase])).toEqual([
    ['a', 'ramp'],
    ['b', 'hold'],
  ])
  f.send({ type: 'delete', kind: 'Migration', name: 'a', revision: 22 })
  expect(f.store.state.objects.Migration?.map((m) => m.metadata.name)).toEqual(['b'])
  expect(f.store.state.revision).toBe(22)

  f.asked.length = 0
  for (let i = 0; i < 5; i++) f.send({ type: 'put', kind: 'Instance', name: `i${i}`, revision: 30 + i })
  await f.later()
  expect(f.asked).toEqual(['Instance'])
})

it('when the revision is no longer retained the store begins anew, when the node is away it only waits', async () => {
  const f = fake()
  await f.store.start()
  expect(f.down(undefined)).toBe(true)
  expect(f.down(503)).toBe(true)
  expect(f.down(409)).toBe(false)
  await f.later()
  expect(f.urls).toHaveLength(2)
  f.raw('problem', '{"status":409}')
  await f.later()
  expect(f.urls).toHaveLength(3)
})
