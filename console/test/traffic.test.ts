import { expect, it } from 'vitest'
import { addSample } from '../src/api/live'
import type { Identity, Migration, Overview } from '../src/api/types'
import { mayConfirm, needsSecond, whyNot } from '../src/lib/commands'
import { ticks, timeTicks } from '../src/lib/scale'
import { busiest, colours, series } from '../src/lib/traffic'

const sample = (second: number, subsets: [string, number][]): Overview => ({
  at: new Date(second * 1000).toISOString(),
  seconds: 1,
  rate: 0,
  errors: 0,
  inFlight: 0,
  connections: 0,
  subsets: subsets.map(([subset, rate]) => ({ service: 'orders', subset, rate, errors: 0, p50Micros: 1, p99Micros: 2 })),
})

it('samples leave the window, and a clock set back starts anew', () => {
  let kept: Overview[] = []
  for (let s = 1000; s < 2000; s += 100) kept = addSample(kept, sample(s, []))
  expect(kept.map((o) => Date.parse(o.at) / 1000)).toEqual([1600, 1700, 1800, 1900])
  expect(addSample(kept, sample(500, []))).toHaveLength(1)
})

it('series share their times, show a hole as a hole and an absent subset as asked', () => {
  const samples = [sample(1, [['a', 1], ['b', 5]]), sample(2, [['a', 2]]), sample(9, [['a', 3], ['b', 7]])]
  expect(busiest(samples, 5)).toEqual(['orders/a', 'orders/b'])
  expect(busiest(samples, 1)).toEqual(['orders/b'])
  expect(busiest([sample(1, [['idle', 0]])], 5)).toEqual([])
  const [a, b] = series(samples, ['orders/a', 'orders/b'], new Map(), (s) => s.rate, 0)
  expect(a?.points.map((p) => p[1])).toEqual([1, 2, null, 3])
  expect(b?.points.map((p) => p[1])).toEqual([5, 0, null, 7])
  expect(b?.points.map((p) => p[0])).toEqual(a?.points.map((p) => p[0]))
})

const m = (phase: string | undefined, spec: object = {}, status: object = {}): Migration =>
  ({ metadata: { name: 'm' }, spec: { service: 'orders', from: { v: '1' }, to: { v: '2' }, ...spec }, status: { phase, ...status } }) as unknown as Migration

it('the sides of a migration have their own colours', () => {
  const of = colours(['orders/*', 'orders/v=1', 'orders/v=2'], [m('ramp')])
  expect([of.get('orders/v=1'), of.get('orders/v=2'), of.get('orders/*')]).toEqual(['c-old', 'c-new', 'c-1'])
})

it('a command is offered only when it can be carried out', () => {
  expect(whyNot('rollback', m('ramp'), false)).toBeUndefined()
  expect(whyNot('rollback', m('done'), false)).toBeUndefined()
  expect(whyNot('rollback', m('rolled_back'), false)).toBe('cmd.not.rolledBack')
  expect(whyNot('resume', m('rolled_back'), false)).toBeUndefined()
  expect(whyNot('resume', m('ramp'), false)).toBe('cmd.not.running')
  expect(whyNot('promote', m('ramp'), true)).toBe('cmd.not.failed')
  expect(whyNot('promote', m('ramp', { paused: true }), false)).toBe('cmd.not.whilePaused')
  expect(whyNot('pause', m(undefined), false)).toBe('cmd.not.begun')
})

it('a second person is another one with the role of an approver', () => {
  const pending = m('hold', { approval: { promote: true } }, { pending: { command: 'promote', by: 'local:ann', at: '' } })
  const who = (name: string, role: Identity['role']): Identity => ({ name, role })
  expect(needsSecond('promote', pending)).toBe(true)
  expect(needsSecond('resume', pending)).toBe(false)
  expect(mayConfirm(pending, who('local', 'admin'))).toBe('own')
  expect(mayConfirm(pending, who('bob', 'operator'))).toBe('role')
  expect(mayConfirm(pending, who('bob', 'approver'))).toBe('yes')
})

it('ticks are round, begin at zero and cover the largest value', () => {
  expect(ticks(7742)).toEqual([0, 2000, 4000, 6000, 8000])
  expect(ticks(0.3)).toEqual([0, 0.1, 0.2, 0.3])
  expect(ticks(0)).toEqual([0, 1])
  expect(timeTicks(0, 60_000, 4)).toEqual([0, 15_000, 30_000, 45_000, 60_000])
})
