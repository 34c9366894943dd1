import { may, useFresh, useObjects, useSession } from '../api/hooks'
import type { Migration } from '../api/types'
import { useT } from '../i18n'
import { percent } from '../lib/format'
import { link } from '../lib/router'
import { selector } from '../lib/words'
import { Crossing, shareOf, stepsOf } from '../ui/crossing'
import { Icon } from '../ui/icons'
import { Empty, Failed, Loading, PageHead, PhaseChip, VerdictChip, When } from '../ui/parts'
import { Table, type Column } from '../ui/table'

export function MigrationsPage() {
  const { t } = useT()
  const { store, identity } = useSession()
  const { objects, error } = useObjects()
  const migrations = objects.Migration
  useFresh('Migration')

  const columns: Column<Migration>[] = [
    {
      key: 'name',
      head: t('nav.migrations'),
      cell: (m) => (
        <div className="two-lines">
          <a href={link('migrations', m.metadata.name)} className="strong">
            {m.metadata.name}
          </a>
          <span className="faint">{m.spec.service}</span>
        </div>
      ),
      sort: (m) => m.metadata.name,
    },
    {
      key: 'sides',
      head: `${t('migration.from')} → ${t('migration.to')}`,
      cell: (m) => (
        <span className="sides">
          <span className="side-old">{selector(m.spec.from)}</span> → <span className="side-new">{selector(m.spec.to)}</span>
        </span>
      ),
    },
    { key: 'phase', head: t('estate.phase'), cell: (m) => <PhaseChip phase={m.status?.phase} paused={m.spec.paused} />, sort: (m) => m.status?.phase ?? '' },
    {
      key: 'share',
      head: t('migration.share'),
      className: 'estate-share',
      cell: (m) => (
        <div className="share-cell">
          <Crossing share={shareOf(m)} steps={stepsOf(m)} failed={m.status?.phase === 'rolled_back'} label={t('migration.share')} />
          <span className="num strong">{percent(shareOf(m))}</span>
        </div>
      ),
      sort: (m) => m.status?.buckets ?? 0,
    },
    { key: 'verdict', head: t('migration.verdict'), cell: (m) => <VerdictChip verdict={m.status?.verdict} />, sort: (m) => m.status?.verdict ?? '' },
    { key: 'since', head: t('audit.when'), cell: (m) => <When at={m.status?.since} only="relative" />, sort: (m) => m.status?.since ?? '' },
    {
      key: 'blocked',
      head: t('estate.blockedBy'),
      className: 'wide',
      cell: (m) => (m.status?.phase === 'rolled_back' ? <span className="bad">{m.status.reason}</span> : (m.status?.blocked ?? <span className="faint">–</span>)),
    },
  ]

  return (
    <>
      <PageHead title={t('migrations.title')} lead={t('migrations.lead')}>
        {may(identity.role, 'operator') && (
          <a className="button" href={link('migrations', 'new')}>
            <Icon name="plus" />
            {t('migrations.new')}
          </a>
        )}
      </PageHead>
      {!migrations ? (
        error ? (
          <Failed error={error} again={() => void store.start()} />
        ) : (
          <Loading />
        )
      ) : migrations.length === 0 ? (
        <Empty text={t('migrations.empty')} hint={t('migrations.empty.hint')} />
      ) : (
        <Table label={t('migrations.title')} columns={columns} rows={migrations} id={(m) => m.metadata.name} />
      )}
    </>
  )
}
