import { useState } from 'react'
import { may, useObjects, usePoll, useSession } from '../api/hooks'
import { download } from '../api/client'
import type { Evidence, Migration } from '../api/types'
import { useT } from '../i18n'
import { percent } from '../lib/format'
import { link } from '../lib/router'
import { selector } from '../lib/words'
import { toYAML } from '../lib/yaml'
import { Commands, Pending } from '../migration/commands'
import { CohortTable, Gates, MirrorPanel } from '../migration/gates'
import { EndpointTable } from '../migration/endpoints'
import { DataPanel } from '../migration/data'
import { EffectsPanel } from '../migration/effects'
import { HistoryTable, ShareChart } from '../migration/history'
import { LargeCrossing, PhaseTrack, shareOf } from '../ui/crossing'
import { Icon } from '../ui/icons'
import { Empty, Loading, Notice, PageHead, Panel, PhaseChip, VerdictChip, When } from '../ui/parts'

export const tabs = ['answers', 'effects', 'data'] as const
export type Tab = (typeof tabs)[number]

export function MigrationPage({ name, tab }: { name: string; tab: Tab }) {
  const { t } = useT()
  const { objects } = useObjects()
  const { identity } = useSession()
  const watched = objects.Migration?.find((x) => x.metadata.name === name)
  const path = watched && `migrations/${encodeURIComponent(name)}`
  // The watch is quicker, but only an answer says what holds the migration at this moment.
  const { data: asked } = usePoll<Migration>(path, 1500)
  const { data: evidence } = usePoll<Evidence>(path && path + '/evidence', 1500)
  const m = watched && asked && (asked.metadata.revision ?? 0) >= (watched.metadata.revision ?? 0) ? asked : watched
  if (!objects.Migration) return <Loading />
  if (!m) return <Empty text={t('notFound', { kind: t('kind.Migration'), name })} />
  const status = m.status
  return (
    <div className="migration">
      <PageHead
        title={name}
        lead={
          <>
            <a href={link('services', m.spec.service)}>{m.spec.service}</a> · <span className="side-old">{selector(m.spec.from)}</span> →{' '}
            <span className="side-new">{selector(m.spec.to)}</span>
            {status?.versions && <span className="faint"> · {status.versions}</span>}
          </>
        }
      >
        <Report name={name} />
        {may(identity.role, 'operator') && (
          <a className="button" href={link('migrations', name, 'edit')}>
            {t('edit')}
          </a>
        )}
      </PageHead>
      <section className="panel hero" aria-label={t('phase.track')}>
        <div className="hero-head">
          <div className="hero-share">
            <span className="hero-number" id="share">
              {percent(shareOf(m))}
            </span>
            <span className="faint">{t('migration.subjects')}</span>
          </div>
          <div className="hero-state">
            <span id="phase" data-phase={status?.phase}>
              <PhaseChip phase={status?.phase} paused={m.spec.paused} />
            </span>
            <VerdictChip verdict={evidence?.verdict ?? status?.verdict} />
            {status?.since && (
              <span className="faint">
                <When at={status.since} />
              </span>
            )}
          </div>
          <Commands m={m} verdict={evidence?.verdict ?? status?.verdict} />
        </div>
        <LargeCrossing m={m} />
        <PhaseTrack m={m} />
      </section>
      <Notices m={m} />
      <nav className="tabs" aria-label={t('tabs')}>
        {tabs.map((part) => (
          <a key={part} id={`tab-${part}`} href={part === 'answers' ? link('migrations', name) : link('migrations', name, part)} aria-current={part === tab ? 'page' : undefined}>
            {t(`tab.${part}`)}
          </a>
        ))}
      </nav>
      {tab === 'effects' && <EffectsPanel name={name} />}
      {tab === 'data' && <DataPanel name={name} />}
      {tab === 'answers' && <Answers m={m} evidence={evidence} />}
      <Panel title={t('history')}>
        <HistoryTable m={m} />
      </Panel>
    </div>
  )
}

/** What was answered, and what it shows. */
function Answers({ m, evidence }: { m: Migration; evidence: Evidence | undefined }) {
  const { t } = useT()
  const status = m.status
  return (
    <>
      <Gates gates={evidence?.gates ?? status?.gates ?? []} />
      <div className="columns">
        <Panel title={t('shareOverTime')}>
          <ShareChart m={m} />
        </Panel>
        <Panel title={t('cohorts')} note={t('cohort.charged')}>
          <CohortTable old={evidence?.old} now={evidence?.new} />
        </Panel>
      </div>
      <Panel title={t('evidence')} note={evidence && <>{t('migration.versions')}: {evidence.versions || t('migration.noVersions')}</>}>
        {!evidence ? <Loading /> : !evidence.endpoints?.length ? <Empty text={t('evidence.none')} /> : <EndpointTable endpoints={evidence.endpoints} first={status?.firstDifference} />}
      </Panel>
      <div className="columns">
        <MirrorPanel mirror={evidence?.mirror} />
        <Panel title={t('spec')}>
          <pre className="code">{toYAML(m.spec)}</pre>
        </Panel>
      </div>
    </>
  )
}

function Notices({ m }: { m: Migration }) {
  const { t } = useT()
  const status = m.status
  const first = status?.firstDifference
  return (
    <>
      {status?.pending && <Pending m={m} />}
      {status?.phase === 'rolled_back' && (
        <Notice tone="fail" icon="back">
          <p>
            <strong>{t('phase.rolled_back')}</strong> · <When at={status.since} />
          </p>
          {status.reason && <p>{status.reason}</p>}
          {first && (
            <p>
              {t('first')}: <code>{first.path}</code> · <code>{first.endpoint}</code>
            </p>
          )}
        </Notice>
      )}
      {status?.latched && <Notice tone="fail">{t('latched')}</Notice>}
      {m.spec.paused && (
        <Notice tone="warn" icon="pause">
          {t('paused.what')}
        </Notice>
      )}
      {status?.blocked && status.phase !== 'rolled_back' && (
        <Notice tone="info" icon="wait">
          {t('blocked', { why: status.blocked })}
        </Notice>
      )}
    </>
  )
}

function Report({ name }: { name: string }) {
  const { t } = useT()
  const [error, setError] = useState('')
  const get = (format: 'html' | 'json') => async () => {
    try {
      setError('')
      await download(`migrations/${encodeURIComponent(name)}/report?format=${format}`, `${name}-dossier.${format}`)
    } catch (e) {
      setError((e as Error).message)
    }
  }
  return (
    <>
      {error && (
        <span className="bad" role="alert">
          {error}
        </span>
      )}
      <span className="button-group">
        <button type="button" className="button" onClick={get('html')} title={t('report.html')}>
          <Icon name="download" />
          {t('report')} HTML
        </button>
        <button type="button" className="button" onClick={get('json')} title={t('report.json')}>
          JSON
        </button>
      </span>
    </>
  )
}

