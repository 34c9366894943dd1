import { useState } from 'react'
import { useNow, usePoll } from '../api/hooks'
import type { EstateRow } from '../api/types'
import { useT } from '../i18n'
import { count, fullTime, percent, rate } from '../lib/format'
import { go, link, usePlace } from '../lib/router'
import { Crossing } from '../ui/crossing'
import { Icon } from '../ui/icons'
import { Empty, Failed, Figure, Loading, PageHead, PhaseChip } from '../ui/parts'
import { Table, type Column } from '../ui/table'

interface Sums {
  services: number
  calls: number | undefined
  underway: number
  done: number
  blocked: number
  rolledBack: number
}

/** The figures above the table. */
export function sums(rows: readonly EstateRow[]): Sums {
  const traffic = rows.reduce((sum, r) => sum + r.rate, 0)
  return {
    services: rows.length,
    calls: traffic > 0 ? rows.reduce((sum, r) => sum + r.rate * r.newShare, 0) / traffic : undefined,
    underway: rows.filter((r) => r.migration && r.phase !== 'done' && r.phase !== 'rolled_back').length,
    done: rows.filter((r) => r.phase === 'done').length,
    blocked: rows.filter((r) => r.blocked).length,
    rolledBack: rows.filter((r) => r.phase === 'rolled_back').length,
  }
}

export function EstatePage() {
  const { t, lang } = useT()
  const { data, error, again } = usePoll<EstateRow[] | { items: EstateRow[] | null }>('estate', 2000)
  const [text, setText] = useState('')
  const wall = usePlace().query.has('wall')
  const now = useNow()
  const rows = Array.isArray(data) ? data : (data?.items ?? [])
  const needle = text.trim().toLowerCase()
  const shown = rows.filter((r) => !needle || [r.service, r.owner, r.migration, r.phase, ...Object.keys(r.runtimes ?? {})].join(' ').toLowerCase().includes(needle))
  const s = sums(rows)

  const toggleWall = () => {
    go(wall ? link('estate') : link('estate') + '?wall=1')
    if (wall) void document.exitFullscreen?.().catch(() => {})
    else void document.documentElement.requestFullscreen?.().catch(() => {})
  }

  const columns: Column<EstateRow>[] = [
    {
      key: 'service',
      head: t('col.service'),
      cell: (r) => (
        <div className="two-lines">
          <a href={link('services', r.service)} className="strong">
            {r.service}
          </a>
          {r.owner && <span className="faint">{r.owner}</span>}
        </div>
      ),
      sort: (r) => r.service,
    },
    {
      key: 'runtimes',
      head: t('estate.runtimes'),
      className: 'runtimes',
      cell: (r) => (
        <span className="tags">
          {Object.entries(r.runtimes ?? {})
            .sort()
            .map(([name, n]) => (
              <span className="tag" key={name}>
                {n} × {name || '–'}
              </span>
            ))}
        </span>
      ),
      sort: (r) => Object.keys(r.runtimes ?? {}).sort().join(),
    },
    {
      key: 'usable',
      head: t('estate.usable'),
      num: true,
      cell: (r) => {
        const all = Object.values(r.runtimes ?? {}).reduce((a, b) => a + b, 0)
        return <span className={r.usable < all ? 'bad' : undefined}>{t('estate.usable.of', { usable: r.usable, all })}</span>
      },
      sort: (r) => r.usable,
    },
    { key: 'rate', head: t('col.rate'), num: true, cell: (r) => rate(r.rate, lang), sort: (r) => r.rate },
    {
      key: 'share',
      head: t('estate.newShare'),
      className: 'estate-share',
      cell: (r) =>
        r.migration ? (
          <div className="share-cell">
            <Crossing share={r.newShare} steps={[r.share]} failed={r.phase === 'rolled_back'} label={t('estate.newShare')} />
            <span className="num strong">{percent(r.newShare, 1)}</span>
            <span className="num faint">{t('estate.set', { share: percent(r.share) })}</span>
          </div>
        ) : (
          <span className="faint">–</span>
        ),
      sort: (r) => (r.migration ? r.newShare : -1),
    },
    {
      key: 'phase',
      head: t('estate.phase'),
      cell: (r) =>
        r.migration ? (
          <a className="plain" href={link('migrations', r.migration)}>
            <PhaseChip phase={r.phase} />
          </a>
        ) : (
          <span className="faint">{t('estate.noMigration')}</span>
        ),
      sort: (r) => r.phase ?? '',
    },
    {
      key: 'blocked',
      head: t('estate.blockedBy'),
      className: 'wide',
      cell: (r) => (r.blocked ? <span className={r.phase === 'rolled_back' ? 'bad' : undefined}>{r.blocked}</span> : <span className="faint">–</span>),
      sort: (r) => r.blocked ?? '',
    },
  ]

  return (
    <div className="estate">
      <PageHead title={t('estate.title')} lead={t('estate.lead')}>
        <span className="faint print-only">{t('estate.asOf', { when: fullTime(now, lang) })}</span>
        <button type="button" className="button no-print" onClick={() => window.print()}>
          <Icon name="print" />
          {t('estate.print')}
        </button>
        <button type="button" className="button no-print no-phone" onClick={toggleWall}>
          <Icon name="screen" />
          {t(wall ? 'estate.wall.leave' : 'estate.wall')}
        </button>
      </PageHead>
      {error && !data ? (
        <Failed error={error} again={again} />
      ) : !data ? (
        <Loading />
      ) : rows.length === 0 ? (
        <Empty text={t('estate.empty')} hint={t('estate.empty.hint')} />
      ) : (
        <>
          <dl className="figures">
            <Figure label={t('estate.calls')} value={s.calls === undefined ? '–' : percent(s.calls, 1)} note={t('estate.calls.note')} tone="lead-figure" />
            <Figure label={t('estate.services')} value={count(s.services, lang)} />
            <Figure label={t('estate.underway')} value={count(s.underway, lang)} />
            <Figure label={t('estate.done')} value={count(s.done, lang)} />
            <Figure label={t('estate.blocked')} value={count(s.blocked, lang)} />
            <Figure label={t('estate.rolledBack')} value={count(s.rolledBack, lang)} tone={s.rolledBack ? 'bad' : ''} />
          </dl>
          {rows.length > 8 && !wall && <Filter value={text} onChange={setText} />}
          {shown.length === 0 ? <Empty text={t('filter.none')} /> : <Table label={t('estate.title')} columns={columns} rows={shown} id={(r) => r.service} />}
        </>
      )}
    </div>
  )
}

export function Filter({ value, onChange }: { value: string; onChange: (v: string) => void }) {
  const { t } = useT()
  return (
    <input type="search" className="filter no-print" placeholder={t('filter')} aria-label={t('filter')} value={value} onChange={(e) => onChange(e.target.value)} />
  )
}
