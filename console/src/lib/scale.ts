// Scales of charts: pure numbers.

/** Round ticks from 0 to at least max, about n of them. */
export function ticks(max: number, n = 4): number[] {
  if (!(max > 0)) return [0, 1]
  const rough = max / n
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough * 0.999) ?? 10 * power
  const out: number[] = []
  for (let i = 0; ; i++) {
    const v = Number((i * step).toPrecision(12))
    out.push(v)
    if (v >= max) return out
  }
}

const spans = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 43200, 86400, 172800, 604800]

/** Times between from and to (milliseconds) on whole units of the local clock, at most n. */
export function timeTicks(from: number, to: number, n: number): number[] {
  const span = (spans.find((s) => (to - from) / 1000 / s <= n) ?? 2_592_000) * 1000
  const zone = span >= 3_600_000 ? new Date(from).getTimezoneOffset() * 60_000 : 0
  const out: number[] = []
  for (let t = Math.ceil((from - zone) / span) * span + zone; t <= to; t += span) out.push(t)
  return out
}

/** A scale that rises at once and falls slowly, so that a chart does not jump. */
export function easeMax(previous: number, max: number): number {
  return max >= previous ? max : Math.max(max, previous * 0.97)
}
