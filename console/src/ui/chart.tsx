import { useRef, useState } from 'react'
import { useWidth, zoom } from '../api/hooks'
import { useT } from '../i18n'
import { time } from '../lib/format'
import { easeMax, ticks, timeTicks } from '../lib/scale'

export interface Series {
  key: string
  label: string
  /** A colour of the style sheet: a class such as "c-old". */
  color: string
  /** Time in milliseconds and value; null is a gap. */
  points: readonly (readonly [number, number | null])[]
  dotted?: boolean
  /** Left out of the legend and the read-out. */
  quiet?: boolean
}

interface Props {
  label: string
  series: Series[]
  from: number
  to: number
  format: (v: number) => string
  height?: number
  /** The y axis covers at least this. */
  least?: number
  /** Values stand upon each other. */
  stacked?: boolean
  /** The moment under the pointer, shared by charts of one page. */
  cursor: number | null
  onCursor: (at: number | null) => void
}

const right = 8
const top = 8

/** Lines or stacked areas over time. */
export function TimeChart({ label, series, from, to, format, height: units = 168, least = 0, stacked, cursor, onCursor }: Props) {
  const { lang } = useT()
  const [box, width] = useWidth<HTMLDivElement>()
  const held = useRef(0)
  const z = zoom()
  const height = units * z
  const bottom = 20 * z
  const drawn = stacked ? stack(series) : series.map((s) => ({ ...s, base: undefined }))
  let max = least
  for (const s of drawn) for (const [t, v] of s.points) if (v !== null && t >= from && v > max) max = v
  held.current = easeMax(held.current, max)
  const rows = ticks(held.current, units > 140 ? 4 : 3)
  const yMax = rows[rows.length - 1] ?? 1
  const left = 12 + Math.max(...rows.map((r) => format(r).length)) * 6.6 * z
  const x = (t: number) => left + ((t - from) / (to - from)) * (width - left - right)
  const y = (v: number) => top + (1 - v / yMax) * (height - top - bottom)
  const times = width ? timeTicks(from, to, Math.max(2, Math.floor(width / (110 * z)))).filter((t) => x(t) < width - 26 * z) : []

  const at = cursor !== null && cursor >= from && cursor <= to ? nearest(series[0]?.points, cursor) : undefined
  const move = (e: React.PointerEvent<SVGSVGElement>) => {
    const rect = e.currentTarget.getBoundingClientRect()
    const t = from + ((e.clientX - rect.left - left) / (width - left - right)) * (to - from)
    onCursor(t >= from && t <= to ? t : null)
  }

  return (
    <div className="chart" ref={box}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label} onPointerMove={move} onPointerLeave={() => onCursor(null)}>
          <g className="grid">
            {rows.map((r) => (
              <g key={r}>
                <line x1={left} x2={width - right} y1={y(r)} y2={y(r)} />
                <text x={left - 6} y={y(r)} dy="0.32em" textAnchor="end">
                  {format(r)}
                </text>
              </g>
            ))}
            {times.map((t) => (
              <text key={t} x={x(t)} y={height - 5 * z} textAnchor="middle">
                {clock(t, lang, to - from)}
              </text>
            ))}
          </g>
          {drawn.map((s) => (
            <g key={s.key} className={s.color}>
              {s.base && <path className="area" d={area(s.points, s.base, x, y, from)} />}
              <path className={s.dotted ? 'line dotted' : 'line'} d={line(s.points, x, y, from)} />
            </g>
          ))}
          {at !== undefined && <line className="cursor" x1={x(at)} x2={x(at)} y1={top} y2={height - bottom} />}
        </svg>
      )}
      <Legend series={series} at={at} format={format} />
      {at !== undefined && <span className="chart-at">{time(at, lang, Date.now())}</span>}
    </div>
  )
}

function Legend({ series, at, format }: { series: Series[]; at: number | undefined; format: (v: number) => string }) {
  const shown = series.filter((s) => !s.quiet)
  if (shown.length === 0) return null
  return (
    <ul className="legend">
      {shown.map((s) => {
        const v = at === undefined ? s.points.at(-1)?.[1] : s.points.find(([t]) => t === at)?.[1]
        return (
          <li key={s.key} className={s.color}>
            <span className="swatch" />
            <span className="legend-label">{s.label}</span>
            <span className="num">{v == null ? '–' : format(v)}</span>
          </li>
        )
      })}
    </ul>
  )
}

type Points = Series['points']

function nearest(points: Points | undefined, t: number): number | undefined {
  let best: number | undefined
  for (const [p] of points ?? []) if (best === undefined || Math.abs(p - t) < Math.abs(best - t)) best = p
  return best
}

/** Each series on the sum of those before it. All series have the same times. */
function stack(series: Series[]): (Series & { base: Points })[] {
  let below: Map<number, number> = new Map()
  return series.map((s) => {
    const base: [number, number][] = []
    const upper = new Map<number, number>()
    const points = s.points.map(([t, v]): [number, number | null] => {
      const b = below.get(t) ?? 0
      base.push([t, b])
      upper.set(t, b + (v ?? 0))
      return [t, v === null ? null : b + v]
    })
    below = upper
    return { ...s, points, base }
  })
}

function line(points: Points, x: (t: number) => number, y: (v: number) => number, from: number): string {
  let d = ''
  let pen = false
  for (const [t, v] of points) {
    if (v === null) pen = false
    else if (t >= from) {
      d += `${pen ? 'L' : 'M'}${x(t).toFixed(1)} ${y(v).toFixed(1)}`
      pen = true
    }
  }
  return d
}

function area(points: Points, base: Points, x: (t: number) => number, y: (v: number) => number, from: number): string {
  const upper: string[] = []
  const lower: string[] = []
  points.forEach(([t, v], i) => {
    if (t < from) return
    const b = base[i]?.[1] ?? 0
    upper.push(`${x(t).toFixed(1)} ${y(v ?? b).toFixed(1)}`)
    lower.push(`${x(t).toFixed(1)} ${y(b).toFixed(1)}`)
  })
  return upper.length ? `M${upper.join('L')}L${lower.reverse().join('L')}Z` : ''
}

export function clock(t: number, lang: 'en' | 'zh', span: number): string {
  const options: Intl.DateTimeFormatOptions =
    span > 172_800_000 ? { month: '2-digit', day: '2-digit' } : { hour: '2-digit', minute: '2-digit', ...(span < 600_000 ? { second: '2-digit' } : {}), hour12: false }
  return new Date(t).toLocaleString(lang === 'zh' ? 'zh-CN' : 'en-GB', options)
}

/** A small line without axes. */
export function Spark({ values, color }: { values: readonly number[]; color: string }) {
  const [w, h] = [96, 22]
  const max = Math.max(...values, 1e-9)
  const step = w / Math.max(values.length - 1, 1)
  const [hidden] = useState(values.length < 2)
  const d = values.map((v, i) => `${i ? 'L' : 'M'}${(i * step).toFixed(1)} ${(h - 2 - (v / max) * (h - 4)).toFixed(1)}`).join('')
  return (
    <svg className={`spark ${color}`} viewBox={`0 0 ${w} ${h}`} preserveAspectRatio="none" aria-hidden="true">
      {!(hidden && values.length < 2) && <path className="line" d={d} />}
    </svg>
  )
}
