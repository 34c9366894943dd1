import { useMemo, useState } from 'react'
import { useNow, useObjects, useSession } from '../api/hooks'
import { useLive, windowSeconds } from '../api/live'
import type { Migration, SubsetTraffic } from '../api/types'
import { useT } from '../i18n'
import { duration, latency, rate, ratio, short } from '../lib/format'
import { link } from '../lib/router'
import { busiest, colours, series, subsetKey } from '../lib/traffic'
import { Spark, TimeChart } from '../ui/chart'
import { Crossing, shareOf, stepsOf } from '../ui/crossing'
import { Empty, Figure, Loading, PageHead, Panel, PhaseChip } from '../ui/parts'
import { Table, type Column } from '../ui/table'

export function OverviewPage() {
  const { t, lang } = useT()
  const { node } = useSession()
  const { samples, last } = useLive()
  const now = useNow()
  const { objects } = useObjects()
  const migrations = objects.Migration ?? []
  const underway = migrations.filter((m) => m.status?.phase !== 'done')
  const idle = !samples.some((s) => s.rate > 0)
  return (
    <>
      <PageHead title={t('overview.title')} />
      {!last ? (
        <Loading />
      ) : (
        <dl className="figures">
          <Figure label={t('overview.rate')} value={rate(last.rate, lang)} />
          <Figure
            label={t('overview.errors')}
            value={rate(last.errors, lang)}
            tone={last.errors > last.rate * alarming ? 'bad' : ''}
            note={last.rate > 0 ? t('overview.errorShare', { share: ratio(last.errors / last.rate) }) : undefined}
          />
          <Figure label={t('overview.inFlight')} value={short(last.inFlight)} note={t('overview.inFlight.note')} />
          <Figure label={t('overview.connections')} value={short(last.connections)} note={t('overview.connections.client')} />
          {node && (
            <Figure
              label={t('overview.node')}
              value={<span className="figure-text">{node.gateway}</span>}
              note={t('overview.since', { span: duration((now - Date.parse(node.started)) / 1000, lang) })}
            />
          )}
        </dl>
      )}
      {underway.length > 0 && (
        <Panel title={t('overview.migrations')}>
          <ul className="underway">
            {underway.slice(0, most).map((m) => (
              <Underway key={m.metadata.name} m={m} />
            ))}
          </ul>
          {underway.length > most && (
            <p>
              <a href={link('migrations')}>{t('overview.migrations.more', { n: underway.length - most })}</a>
            </p>
          )}
        </Panel>
      )}
      {last && idle ? <Empty text={t('overview.empty')} hint={t('overview.empty.hint', { gateway: node?.gateway ?? '' })} /> : last && <Traffic migrations={migrations} />}
    </>
  )
}

/** Migrations named here; the others are a click away. */
const most = 8

function Underway({ m }: { m: Migration }) {
  const { t } = useT()
  return (
    <li>
      <a href={link('migrations', m.metadata.name)}>{m.metadata.name}</a>
      <PhaseChip phase={m.status?.phase} paused={m.spec.paused} />
      <Crossing share={shareOf(m)} steps={stepsOf(m)} failed={m.status?.phase === 'rolled_back'} label={t('migration.share')} />
      <span className="num strong">{Number(shareOf(m).toFixed(2))} %</span>
    </li>
  )
}

function Traffic({ migrations }: { migrations: readonly Migration[] }) {
  const { t, lang } = useT()
  const { samples } = useLive()
  const [cursor, setCursor] = useState<number | null>(null)
  const all = useMemo(() => busiest(samples, Infinity), [samples])
  const keys = useMemo(() => busiest(samples, 8), [samples])
  const busy = (samples.at(-1)?.subsets ?? []).filter((s) => all.includes(subsetKey(s)))
  const colour = colours(keys, migrations)
  const to = Date.parse(samples.at(-1)?.at ?? '') || Date.now()
  const first = Date.parse(samples[0]?.at ?? '') || to
  const seconds = Math.min(windowSeconds, Math.max(30, (to - first) / 1000))
  const from = to - seconds * 1000
  const shared = { from, to, cursor, onCursor: setCursor }
  const of = (value: (s: SubsetTraffic) => number | null, absent: number | null) => series(samples, keys, colour, value, absent)
  const p99 = of((s) => (s.rate > 0 ? s.p99Micros : null), null)
  const p50 = of((s) => (s.rate > 0 ? s.p50Micros : null), null).map((s) => ({ ...s, key: s.key + ' p50', dotted: true, quiet: true }))
  return (
    <>
      <div className="charts">
        <Panel title={t('overview.traffic')} note={t('overview.traffic.unit')} className="chart-main">
          <TimeChart label={t('overview.traffic')} series={of((s) => s.rate, 0)} stacked least={1} height={220} format={short} {...shared} />
        </Panel>
        <Panel title={t('overview.latency')} note={t('overview.latency.unit')}>
          <TimeChart label={t('overview.latency')} series={[...p99, ...p50]} least={1000} format={latency} {...shared} />
        </Panel>
        <Panel title={t('overview.errorsBy')} note={t('overview.errors.unit')}>
          <TimeChart label={t('overview.errorsBy')} series={of((s) => s.errors, 0)} least={1} format={(v) => rate(v, lang)} {...shared} />
        </Panel>
      </div>
      <Panel title={t('overview.byService')} note={t('overview.window', { span: duration(seconds, lang) })}>
        <SubsetTable subsets={busy} colour={colour} />
      </Panel>
    </>
  )
}

/** Subsets with their traffic now and its trend. */
export function SubsetTable({ subsets, colour }: { subsets: readonly SubsetTraffic[]; colour: Map<string, string> }) {
  const { t, lang } = useT()
  const { samples } = useLive()
  const columns: Column<SubsetTraffic>[] = [
    { key: 'service', head: t('col.service'), cell: (s) => <a href={link('services', s.service)}>{s.service}</a>, sort: (s) => s.service },
    {
      key: 'subset',
      head: t('col.subset'),
      cell: (s) => (
        <span className={`subset ${colour.get(subsetKey(s)) ?? ''}`}>
          <span className="swatch" />
          {s.subset}
        </span>
      ),
      sort: (s) => s.subset,
    },
    { key: 'rate', head: t('col.rate'), num: true, cell: (s) => rate(s.rate, lang), sort: (s) => s.rate },
    {
      key: 'trend',
      head: t('col.trend'),
      className: 'trend',
      cell: (s) => <Spark color={colour.get(subsetKey(s)) ?? 'c-1'} values={trend(samples, subsetKey(s))} />,
    },
    { key: 'errors', head: t('col.errors'), num: true, cell: (s) => <Errors s={s}>{rate(s.errors, lang)}</Errors>, sort: (s) => s.errors },
    {
      key: 'errorRate',
      head: t('col.errorRate'),
      num: true,
      cell: (s) => <Errors s={s}>{s.rate > 0 ? ratio(s.errors / s.rate) : '–'}</Errors>,
      sort: (s) => (s.rate > 0 ? s.errors / s.rate : 0),
    },
    { key: 'p50', head: t('col.p50'), num: true, cell: (s) => (s.rate > 0 ? latency(s.p50Micros) : '–'), sort: (s) => s.p50Micros },
    { key: 'p99', head: t('col.p99'), num: true, cell: (s) => (s.rate > 0 ? latency(s.p99Micros) : '–'), sort: (s) => s.p99Micros },
  ]
  return <Table label={t('overview.byService')} columns={columns} rows={subsets} id={subsetKey} />
}

/** From this share of errors on they are shown in red: a few are every day's business. */
const alarming = 0.01

const Errors = ({ s, children }: { s: SubsetTraffic; children: React.ReactNode }) => (
  <span className={s.errors > s.rate * alarming ? 'bad' : undefined}>{children}</span>
)

function trend(samples: readonly { subsets: SubsetTraffic[] | null }[], key: string): number[] {
  return samples.slice(-60).map((o) => o.subsets?.find((s) => subsetKey(s) === key)?.rate ?? 0)
}
