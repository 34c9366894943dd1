import type { CohortTraffic, Gate, MirrorCounts } from '../api/types'
import { useT, wordOr } from '../i18n'
import { count, latency, percent, ratio } from '../lib/format'
import { Empty, Loading, Panel, Reasons, VerdictChip } from '../ui/parts'

/** The gates as they stand: verdict, number against bound, and the sentence of the node. */
export function Gates({ gates }: { gates: readonly Gate[] }) {
  const { t, lang } = useT()
  return (
    <section className="gates" aria-label={t('gates')}>
      {gates.length === 0 && <Empty text={t('gates.none')} />}
      {gates.map((g) => (
        <article key={g.name} className={`panel gate gate-${g.verdict}`}>
          <header>
            <h2>{wordOr(t, 'gate', g.name)}</h2>
            <VerdictChip verdict={g.verdict} />
          </header>
          <p className="gate-numbers">
            <span className="gate-value">{g.samples > 0 ? amount(g, g.value) : '–'}</span>
            <span className="faint">{t('gate.bound', { bound: amount(g, g.bound) })}</span>
          </p>
          <Gauge g={g} />
          <p className="gate-detail">{g.detail}</p>
          <p className="faint">
            {t('gate.samples', { n: count(g.samples, lang) })}
            {g.baseline && ` · ${t(`gate.${g.baseline}`)}`}
          </p>
        </article>
      ))}
    </section>
  )
}

/** A gate's number with its unit. */
function amount(g: Gate, value: number): string {
  if (g.name === 'data_lag') return `${value.toFixed(value < 10 ? 1 : 0)} ms`
  return g.name === 'data_differences' ? String(value) : percent(value)
}

/** Where the value stands against its bound, which is the mark at two thirds. */
function Gauge({ g }: { g: Gate }) {
  const at = g.bound > 0 ? Math.min(100, (g.value / g.bound) * 66.7) : g.value > 0 ? 100 : 0
  return (
    <div className="gauge" aria-hidden="true">
      <div className="gauge-value" style={{ width: `${g.samples > 0 ? at : 0}%` }} />
      <span className="gauge-bound" />
    </div>
  )
}

/** The two cohorts side by side. */
export function CohortTable({ old, now }: { old: CohortTraffic | undefined; now: CohortTraffic | undefined }) {
  const { t, lang } = useT()
  if (!old || !now) return <Loading />
  const failures = (c: CohortTraffic) => (
    <>
      {count(c.failures, lang)} {c.requests > 0 && <span className="faint">{ratio(c.failures / c.requests)}</span>}
    </>
  )
  const rows: [string, React.ReactNode, React.ReactNode][] = [
    [t('cohort.requests'), count(old.requests, lang), count(now.requests, lang)],
    [t('cohort.failures'), failures(old), failures(now)],
    [t('cohort.fallbacks'), count(old.fallbacks, lang), count(now.fallbacks, lang)],
    [t('col.p50'), old.requests ? latency(old.p50Micros) : '–', now.requests ? latency(now.p50Micros) : '–'],
    [t('col.p99'), old.requests ? latency(old.p99Micros) : '–', now.requests ? latency(now.p99Micros) : '–'],
  ]
  return (
    <table className="cohorts" aria-label={t('cohorts')}>
      <thead>
        <tr>
          <td />
          <th scope="col" className="num side-old">
            {t('cohort.old')}
          </th>
          <th scope="col" className="num side-new">
            {t('cohort.new')}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([head, a, b]) => (
          <tr key={head}>
            <th scope="row">{head}</th>
            <td className="num">{a}</td>
            <td className="num">{b}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** What became of the copies: one bar, and every reason by name. */
export function MirrorPanel({ mirror }: { mirror: MirrorCounts | undefined }) {
  const { t, lang } = useT()
  if (!mirror)
    return (
      <Panel title={t('mirror')}>
        <Loading />
      </Panel>
    )
  const sum = (of: Record<string, number> | null) => Object.values(of ?? {}).reduce((a, b) => a + b, 0)
  const parts = [
    { key: 'compared', n: mirror.compared, className: 'm-compared' },
    { key: 'notComparable', n: sum(mirror.notComparable), className: 'm-not-comparable' },
    { key: 'notSampled', n: mirror.notSampled, className: 'm-not-sampled' },
    { key: 'dropped', n: sum(mirror.dropped), className: 'm-dropped' },
  ] as const
  const total = parts.reduce((a, p) => a + p.n, 0)
  return (
    <Panel title={t('mirror')} note={`${t('mirror.offered')}: ${count(mirror.offered, lang)}`}>
      <div className="stackbar" aria-hidden="true">
        {parts.map((p) => total > 0 && p.n > 0 && <span key={p.key} className={p.className} style={{ flexGrow: p.n }} />)}
      </div>
      <dl className="mirror-parts">
        {parts.map((p) => (
          <div key={p.key}>
            <dt>
              <span className={`swatch ${p.className}`} />
              {t(`mirror.${p.key}`)}
            </dt>
            <dd>
              <span className="num">{count(p.n, lang)}</span> <span className="faint">{total > 0 ? percent((100 * p.n) / total) : ''}</span>
              {p.key === 'compared' && mirror.triples > 0 && (
                <p className="faint">
                  {t('mirror.triples')}: {count(mirror.triples, lang)}
                </p>
              )}
              {p.key === 'notComparable' && <Reasons of={mirror.notComparable} />}
              {p.key === 'dropped' && <Reasons of={mirror.dropped} />}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}
