import type { DifferenceRef, EndpointEvidence, PathEvidence, Sample } from '../api/types'
import { nodeNow } from '../api/live'
import { useT, wordOr } from '../i18n'
import { count, probability, ratio, relative } from '../lib/format'
import { VerdictChip, When } from '../ui/parts'
import { Table, type Column } from '../ui/table'

/** Evidence by endpoint; a row opens to its paths, a path to its samples. */
export function EndpointTable({ endpoints, first }: { endpoints: readonly EndpointEvidence[]; first: DifferenceRef | undefined }) {
  const { t, lang } = useT()
  const top = Math.max(0.01, ...endpoints.map((e) => (e.pairs > 0 ? Math.min(e.high, e.rate * 2 + 0.02) : 0)))
  const columns: Column<EndpointEvidence>[] = [
    { key: 'endpoint', head: t('evidence.endpoint'), cell: (e) => <code className="strong">{e.endpoint}</code>, sort: (e) => e.endpoint },
    { key: 'verdict', head: t('migration.verdict'), cell: (e) => <VerdictChip verdict={e.verdict} />, sort: (e) => e.verdict },
    { key: 'n', head: t('evidence.n'), title: t('evidence.n.why'), num: true, cell: (e) => count(e.clusters, lang), sort: (e) => e.clusters },
    { key: 'pairs', head: t('evidence.pairs'), num: true, cell: (e) => count(e.pairs, lang), sort: (e) => e.pairs },
    { key: 'triples', head: t('evidence.triples'), num: true, cell: (e) => count(e.triples, lang), sort: (e) => e.triples },
    {
      key: 'mismatches',
      head: t('evidence.mismatches'),
      num: true,
      cell: (e) => <span className={e.mismatches > 0 ? 'bad' : undefined}>{count(e.mismatches, lang)}</span>,
      sort: (e) => e.mismatches,
    },
    { key: 'rate', head: t('evidence.rate'), cell: (e) => <Interval e={e} top={top} />, sort: (e) => e.rate },
    {
      key: 'detectable',
      head: t('evidence.detectable'),
      title: t('evidence.detectable.why'),
      num: true,
      cell: (e) => (e.clusters > 0 ? ratio(e.detectable) : '–'),
      sort: (e) => e.detectable,
    },
    { key: 'notComparable', head: t('evidence.notComparable'), num: true, cell: (e) => count(e.notComparable, lang), sort: (e) => e.notComparable },
  ]
  return (
    <Table
      label={t('evidence')}
      columns={columns}
      rows={endpoints}
      id={(e) => e.endpoint}
      opened={(e) => e.verdict === 'fail' || e.endpoint === first?.endpoint}
      details={(e) => <Paths e={e} first={first} />}
    />
  )
}

/** The rate and its interval, drawn on one scale for all endpoints. */
function Interval({ e, top }: { e: EndpointEvidence; top: number }) {
  if (e.clusters === 0) return <span className="faint">–</span>
  const x = (v: number) => 2 + Math.min(1, v / top) * 96
  return (
    <span className="interval">
      <span className="num">{ratio(e.rate)}</span>
      <svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
        <line className="interval-axis" x1="2" x2="98" y1="6" y2="6" />
        <line className="interval-span" x1={x(e.low)} x2={Math.max(x(e.high), x(e.low) + 1)} y1="6" y2="6" />
        <line className="interval-mark" x1={x(e.rate)} x2={x(e.rate)} y1="1.5" y2="10.5" />
      </svg>
      <span className="num faint">
        {ratio(e.low)} – {ratio(e.high)}
      </span>
    </span>
  )
}

function Paths({ e, first }: { e: EndpointEvidence; first: DifferenceRef | undefined }) {
  const { t, lang } = useT()
  const paths = e.paths ?? []
  const columns: Column<PathEvidence>[] = [
    {
      key: 'path',
      head: t('path'),
      cell: (p) => (
        <>
          <code>{p.path}</code> {first?.endpoint === e.endpoint && first.path === p.path && <span className="chip fail">{t('first')}</span>}
        </>
      ),
    },
    { key: 'class', head: t('path.class'), cell: (p) => wordOr(t, 'class', p.class) },
    {
      key: 'verdict',
      head: t('migration.verdict'),
      cell: (p) => (p.ignored ? <span className="faint">{t('path.ignored', { who: p.ignored })}</span> : <VerdictChip verdict={p.verdict} quiet />),
    },
    { key: 'n', head: t('evidence.n'), title: t('evidence.n.why'), num: true, cell: (p) => count(p.clusters, lang) },
    { key: 'b', head: t('path.b'), title: t('path.b.why'), num: true, cell: (p) => <span className={p.evidence > 0 ? 'strong' : undefined}>{count(p.evidence, lang)}</span> },
    { key: 'c', head: t('path.c'), title: t('path.c.why'), num: true, cell: (p) => count(p.counter, lang) },
    { key: 'noise', head: t('path.noise'), title: t('path.noise.why'), num: true, cell: (p) => count(p.noise, lang) },
    { key: 'subjects', head: t('path.subjects'), num: true, cell: (p) => count(p.subjects, lang) },
    {
      key: 'p',
      head: t('path.p'),
      title: t('path.p.why'),
      num: true,
      cell: (p) => (
        <>
          {probability(p.pValue)} <span className="faint">/ α {probability(p.alpha)}</span>
        </>
      ),
    },
  ]
  return (
    <div className="paths">
      <h3>{t('evidence.paths')}</h3>
      {paths.length === 0 ? (
        <p className="faint">{t('evidence.paths.none')}</p>
      ) : (
        <Table
          label={t('evidence.paths')}
          columns={columns}
          rows={paths}
          id={(p) => p.path}
          opened={(p) => p.verdict === 'fail'}
          rowClass={(p) => (p.verdict === 'fail' ? 'row-fail' : '')}
          details={(p) => <Samples p={p} />}
        />
      )}
      {e.omittedPaths > 0 && <p className="faint">{t('evidence.omitted', { n: e.omittedPaths })}</p>}
    </div>
  )
}

function Samples({ p }: { p: PathEvidence }) {
  const { t, lang } = useT()
  const samples = p.samples ?? []
  return (
    <div className="samples">
      {p.firstSeen && <p className="faint">{t('path.first', { when: relative(p.firstSeen, lang, nodeNow()) })}</p>}
      {samples.length === 0 ? (
        <p className="faint">{t('samples.none')}</p>
      ) : (
        <table aria-label={t('samples')}>
          <thead>
            <tr>
              <th scope="col" className="side-old">
                {t('sample.old')}
              </th>
              <th scope="col" className="side-new">
                {t('sample.new')}
              </th>
              <th scope="col">{t('audit.when')}</th>
            </tr>
          </thead>
          <tbody>
            {samples.map((s, i) => (
              <SampleRow key={i} s={s} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  )
}

function SampleRow({ s }: { s: Sample }) {
  const { t } = useT()
  const value = (v: string) => (v === '' ? <span className="faint">{t('sample.missing')}</span> : <code>{v}</code>)
  return (
    <tr>
      <td data-label={t('sample.old')}>{value(s.old)}</td>
      <td data-label={t('sample.new')}>{value(s.new)}</td>
      <td>
        <When at={s.at} />
        {s.trace && <div className="faint trace">{t('sample.trace', { id: s.trace })}</div>}
      </td>
    </tr>
  )
}
