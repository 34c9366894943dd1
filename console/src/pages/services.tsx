import { useState } from 'react'
import { may, useFresh, useObjects, useSession } from '../api/hooks'
import { useLive } from '../api/live'
import type { Service } from '../api/types'
import { useT } from '../i18n'
import { rate } from '../lib/format'
import { link } from '../lib/router'
import { Icon } from '../ui/icons'
import { Empty, Failed, Loading, PageHead } from '../ui/parts'
import { Table, type Column } from '../ui/table'
import { Filter } from './estate'

export function ServicesPage() {
  const { t, lang } = useT()
  const { store, identity } = useSession()
  const { objects, error } = useObjects()
  const { last } = useLive()
  const [text, setText] = useState('')
  useFresh('Service', 'Instance')
  const services = objects.Service
  const traffic = new Map<string, number>()
  for (const s of last?.subsets ?? []) traffic.set(s.service, (traffic.get(s.service) ?? 0) + s.rate)
  const needle = text.trim().toLowerCase()
  const shown = (services ?? []).filter((s) => !needle || `${s.metadata.name} ${s.spec.owner} ${s.spec.description}`.toLowerCase().includes(needle))

  const columns: Column<Service>[] = [
    {
      key: 'name',
      head: t('col.service'),
      cell: (s) => (
        <div className="two-lines">
          <a href={link('services', s.metadata.name)} className="strong">
            {s.metadata.name}
          </a>
          {s.spec.description && <span className="faint">{s.spec.description}</span>}
        </div>
      ),
      sort: (s) => s.metadata.name,
    },
    { key: 'owner', head: t('services.owner'), cell: (s) => s.spec.owner ?? '–', sort: (s) => s.spec.owner ?? '' },
    { key: 'instances', head: t('services.instances'), num: true, cell: (s) => s.status?.instances ?? 0, sort: (s) => s.status?.instances ?? 0 },
    {
      key: 'usable',
      head: t('services.usable'),
      num: true,
      cell: (s) => <span className={(s.status?.usable ?? 0) < (s.status?.instances ?? 0) ? 'bad' : undefined}>{s.status?.usable ?? 0}</span>,
      sort: (s) => s.status?.usable ?? 0,
    },
    {
      key: 'protected',
      head: '',
      cell: (s) =>
        s.status?.protected && (
          <span className="chip warn" title={t('services.protected.why')}>
            {t('services.protected')}
          </span>
        ),
    },
    { key: 'health', head: t('services.health'), cell: (s) => <HealthCheckText s={s} /> },
    { key: 'rate', head: t('col.rate'), num: true, cell: (s) => rate(traffic.get(s.metadata.name) ?? 0, lang), sort: (s) => traffic.get(s.metadata.name) ?? 0 },
  ]

  return (
    <>
      <PageHead title={t('services.title')}>
        {may(identity.role, 'operator') && (
          <a className="button" href={link('services', 'new')}>
            <Icon name="plus" />
            {t('services.new')}
          </a>
        )}
      </PageHead>
      {!services ? (
        error ? (
          <Failed error={error} again={() => void store.start()} />
        ) : (
          <Loading />
        )
      ) : services.length === 0 ? (
        <Empty text={t('services.empty')} hint={t('services.empty.hint')} />
      ) : (
        <>
          {services.length > 8 && <Filter value={text} onChange={setText} />}
          {shown.length === 0 ? <Empty text={t('filter.none')} /> : <Table label={t('services.title')} columns={columns} rows={shown} id={(s) => s.metadata.name} />}
        </>
      )}
    </>
  )
}

export function HealthCheckText({ s }: { s: Service }) {
  const { t } = useT()
  const check = s.spec.healthCheck
  if (!check) return <span className="faint">{t('services.health.none')}</span>
  return <>{[check.type, check.type === 'HTTP' ? (check.path ?? '/healthz') : '', check.interval ?? ''].filter(Boolean).join(' ')}</>
}
