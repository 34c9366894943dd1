import { usePoll } from '../api/hooks'
import type { ColumnValue, Effect, EffectsView, RunEffectsView } from '../api/types'
import { useT, wordOr } from '../i18n'
import { count } from '../lib/format'
import { Empty, Failed, Figure, Loading, Panel, Reasons, When } from '../ui/parts'

/** What requests did on both sides, side by side where it differs. */
export function EffectsPanel({ name }: { name: string }) {
  const { t, lang } = useT()
  const { data, error } = usePoll<EffectsView>(`migrations/${encodeURIComponent(name)}/effects`, 2000)
  if (!data) return error ? error.status === 404 ? <Empty text={t('effects.none')} hint={t('effects.none.hint')} /> : <Failed error={error} /> : <Loading />
  const n = data.counts
  return (
    <>
      <dl className="figures" id="effect-counts">
        <Figure label={t('effects.runs')} value={count(n.runs, lang)} />
        <Figure label={t('effects.complete')} value={count(n.complete, lang)} />
        <Figure label={t('effects.late')} value={count(n.late, lang)} tone={n.late > 0 ? 'warn' : ''} />
      </dl>
      <div className="columns">
        {(['unattributed', 'refused', 'dropped'] as const).map((k) => (
          <Panel key={k} title={t(`effects.${k}`)} note={t(`effects.${k}.why`)}>
            {Object.values(n[k] ?? {}).some((v) => v > 0) ? <Reasons of={n[k]} /> : <p className="faint">{t('none')}</p>}
          </Panel>
        ))}
      </div>
      <Panel title={t('effects.pairs')} note={t('effects.masked')}>
        {!data.pairs?.length ? <Empty text={t('effects.alike')} /> : data.pairs.map((p, i) => <Pair key={`${p.at}-${i}`} p={p} />)}
      </Panel>
    </>
  )
}

function Pair({ p }: { p: RunEffectsView }) {
  const { t } = useT()
  return (
    <article className="effect-pair">
      <header>
        <strong>{p.endpoint}</strong> <When at={p.at} />{' '}
        {p.paths?.map((path) => (
          <code key={path}>{path}</code>
        ))}
      </header>
      <div className="columns">
        <Side title={t('cohort.old')} className="side-old" effects={p.old ?? []} paths={p.paths ?? []} />
        <Side title={t('cohort.new')} className="side-new" effects={p.new ?? []} paths={p.paths ?? []} />
      </div>
    </article>
  )
}

function Side({ title, className, effects, paths }: { title: string; className: string; effects: readonly Effect[]; paths: readonly string[] }) {
  const { t } = useT()
  return (
    <section aria-label={title}>
      <h3 className={className}>{title}</h3>
      {effects.length === 0 && <p className="faint">{t('none')}</p>}
      <ol className="effects">
        {effects.map((e, i) => (
          <li key={i} className={paths.some((path) => concerns(path, e)) ? 'differs' : undefined}>
            <span className="tag">{wordOr(t, 'effect', e.kind)}</span> <strong>{e.op}</strong> <code>{e.target}</code>
            {e.fate && <span className="chip quiet">{wordOr(t, 'fate', e.fate)}</span>}
            <Values of={e.key} />
            {e.before?.length ? <Values of={e.before} arrow="−" /> : null}
            {e.after?.length ? <Values of={e.after} arrow="+" /> : null}
            {(e.text || e.body || e.args?.length) && <pre className="code">{[e.text, e.args?.join(' '), e.body].filter(Boolean).join('\n')}</pre>}
          </li>
        ))}
      </ol>
    </section>
  )
}

/** Whether a path that differs, such as effects.row.orders[].after.total, is about an effect. */
const concerns = (path: string, e: Effect) => (path + '.').startsWith(`effects.${e.kind}.${e.target}.`) || path.startsWith(`effects.${e.kind}.${e.target}[`)

/** Columns and their values on one line. */
export function Values({ of, arrow }: { of: readonly ColumnValue[] | null | undefined; arrow?: string }) {
  if (!of?.length) return null
  return (
    <span className="values">
      {arrow && <span className="faint">{arrow} </span>}
      {of.map((c) => (
        <span className="tag" key={c.name}>
          <span className="faint">{c.name}=</span>
          {c.value ?? <em>NULL</em>}
        </span>
      ))}
    </span>
  )
}
