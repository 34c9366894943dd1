import { useState } from 'react'
import { useNow, useWidth, zoom } from '../api/hooks'
import type { Migration, Transition } from '../api/types'
import { useT, wordOr } from '../i18n'
import { share, time } from '../lib/format'
import { timeTicks } from '../lib/scale'
import { clock } from '../ui/chart'
import { Empty, PhaseChip, VerdictChip, When } from '../ui/parts'
import { Table, type Column } from '../ui/table'


/** The share as steps over time, each transition a mark with its verdict. */
export function ShareChart({ m }: { m: Migration }) {
  const { t, lang } = useT()
  const now = useNow()
  const [box, width] = useWidth<HTMLDivElement>()
  const [picked, setPicked] = useState<number | null>(null)
  const z = zoom()
  const height = 200 * z
  const [left, right, top, bottom] = [48 * z, 14, 12, 22 * z]
  const history = m.status?.history ?? []
  const first = Date.parse(history[0]?.at ?? '')
  if (!Number.isFinite(first)) return <Empty text={t('history.none')} />
  const to = Math.max(now, first + 10_000)
  const x = (at: number) => left + ((at - first) / (to - first)) * (width - left - right)
  const y = (buckets: number) => top + (1 - buckets / 10_000) * (height - top - bottom)
  let d = ''
  let level = y(history[0]?.buckets ?? 0)
  history.forEach((h, i) => {
    const at = x(Date.parse(h.at)).toFixed(1)
    d += i === 0 ? `M${at} ${level}` : `L${at} ${level.toFixed(1)}`
    level = y(h.buckets)
    d += `L${at} ${level.toFixed(1)}`
  })
  d += `L${x(to).toFixed(1)} ${level.toFixed(1)}`
  const shown = picked === null ? history.at(-1) : history[picked]
  return (
    <div className="chart share-chart" ref={box}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={t('shareOverTime')} onPointerLeave={() => setPicked(null)}>
          <g className="grid">
            {[0, 2500, 5000, 7500, 10_000].map((b) => (
              <g key={b}>
                <line x1={left} x2={width - right} y1={y(b)} y2={y(b)} />
                <text x={left - 6} y={y(b)} dy="0.32em" textAnchor="end">
                  {b / 100} %
                </text>
              </g>
            ))}
            {timeTicks(first, to, Math.max(2, Math.floor(width / (120 * z)))).filter((at) => x(at) < width - 26 * z).map((at) => (
              <text key={at} x={x(at)} y={height - 5 * z} textAnchor="middle">
                {clock(at, lang, to - first)}
              </text>
            ))}
          </g>
          <g className={m.status?.phase === 'rolled_back' ? 'c-fail' : 'c-new'}>
            <path className="area" d={`${d}L${x(to).toFixed(1)} ${y(0)}L${x(first).toFixed(1)} ${y(0)}Z`} />
            <path className="line" d={d} />
          </g>
          {history.map((h, i) => (
            <g key={i} className={`mark-${h.phase === 'rolled_back' ? 'fail' : (h.verdict ?? 'none')}${picked === i ? ' picked' : ''}`} onPointerEnter={() => setPicked(i)}>
              <circle className="mark-hit" cx={x(Date.parse(h.at))} cy={y(h.buckets)} r="12" />
              <circle className="mark" cx={x(Date.parse(h.at))} cy={y(h.buckets)} r="4" />
            </g>
          ))}
        </svg>
      )}
      {shown && (
        <p className="share-note" aria-live="off">
          <span className="num">{time(shown.at, lang, now)}</span> · {t(`phase.${shown.phase}`)} · <span className="num strong">{share(shown.buckets)}</span> · {shown.reason}
        </p>
      )}
    </div>
  )
}

/** Every transition kept, the newest first, with the gates that decided. */
export function HistoryTable({ m }: { m: Migration }) {
  const { t } = useT()
  const history = [...(m.status?.history ?? [])].reverse()
  const columns: Column<Transition>[] = [
    { key: 'when', head: t('audit.when'), cell: (h) => <When at={h.at} /> },
    { key: 'phase', head: t('estate.phase'), cell: (h) => <PhaseChip phase={h.phase} /> },
    { key: 'share', head: t('migration.share'), num: true, cell: (h) => share(h.buckets) },
    { key: 'verdict', head: t('migration.verdict'), cell: (h) => <VerdictChip verdict={h.verdict} quiet /> },
    { key: 'by', head: t('audit.who'), cell: (h) => wordOr(t, 'by', h.by === 'data path' ? 'datapath' : h.by) },
    { key: 'why', head: t('cmd.reason'), className: 'wide', cell: (h) => h.reason },
  ]
  if (history.length === 0) return <Empty text={t('history.none')} />
  return <Table label={t('history')} columns={columns} rows={history} id={(h) => `${h.at} ${h.phase} ${h.buckets}`} details={(h) => <Decided h={h} />} />
}

function Decided({ h }: { h: Transition }) {
  const { t } = useT()
  if (!h.gates?.length) return <p className="faint">{t('gates.none')}</p>
  return (
    <ul className="decided">
      {h.gates.map((g) => (
        <li key={g.name}>
          <VerdictChip verdict={g.verdict} quiet /> <strong>{wordOr(t, 'gate', g.name)}</strong> <span>{g.detail}</span>{' '}
          {g.baseline && <span className="faint">{t(`gate.${g.baseline}`)}</span>}
        </li>
      ))}
    </ul>
  )
}
