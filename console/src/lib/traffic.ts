// Overview samples turned into series for charts and rows for tables. Pure.

import type { Migration, Overview, SubsetTraffic } from '../api/types'
import type { Series } from '../ui/chart'
import { selector } from './words'

export const subsetKey = (s: Pick<SubsetTraffic, 'service' | 'subset'>) => `${s.service}/${s.subset}`

/**
 * A colour for each subset: the two sides of the first migration that has both among the keys, or
 * else either, have theirs; the others take turns.
 */
export function colours(keys: readonly string[], migrations: readonly Migration[]): Map<string, string> {
  const out = new Map<string, string>()
  const sides = migrations.map((m) =>
    [m.spec.from, m.spec.to].map((sel) => subsetKey({ service: m.spec.service, subset: selector(sel) })),
  )
  const shown = (pair: string[]) => pair.filter((key) => keys.includes(key)).length
  const chosen = [...sides].sort((a, b) => shown(b) - shown(a))[0]
  chosen?.forEach((key, i) => keys.includes(key) && out.set(key, i === 0 ? 'c-old' : 'c-new'))
  let next = 0
  for (const key of keys) if (!out.has(key)) out.set(key, `c-${(next++ % 6) + 1}`)
  return out
}

/** The busiest subsets over all samples, by name, at most n; the others are left to the table. The idle are left out. */
export function busiest(samples: readonly Overview[], n: number): string[] {
  const sum = new Map<string, number>()
  for (const o of samples) for (const s of o.subsets ?? []) sum.set(subsetKey(s), (sum.get(subsetKey(s)) ?? 0) + s.rate)
  return [...sum]
    .filter(([, rate]) => rate > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, n)
    .map(([key]) => key)
    .sort()
}

/** Wider holes than this between samples are shown as holes. */
const gapMs = 3500

/** One series per key. Every series has the same times; a hole in the stream is a null. */
export function series(
  samples: readonly Overview[],
  keys: readonly string[],
  colour: Map<string, string>,
  value: (s: SubsetTraffic) => number | null,
  absent: number | null,
): Series[] {
  const points = new Map<string, [number, number | null][]>(keys.map((k) => [k, []]))
  let before: number | undefined
  for (const o of samples) {
    const at = Date.parse(o.at)
    if (before !== undefined && at - before > gapMs) for (const list of points.values()) list.push([before + 1, null])
    before = at
    const byKey = new Map((o.subsets ?? []).map((s) => [subsetKey(s), s]))
    for (const [key, list] of points) {
      const s = byKey.get(key)
      list.push([at, s ? value(s) : absent])
    }
  }
  return keys.map((key) => ({ key, label: key.replace('/', ' '), color: colour.get(key) ?? 'c-1', points: points.get(key) ?? [] }))
}
