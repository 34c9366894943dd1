import { may, useFresh, useNow, useObjects, useSession } from '../api/hooks'
import { useLive } from '../api/live'
import type { Instance } from '../api/types'
import { useT } from '../i18n'
import { relative } from '../lib/format'
import { link } from '../lib/router'
import { busiest, colours, subsetKey } from '../lib/traffic'
import { toYAML } from '../lib/yaml'
import { Crossing, shareOf, stepsOf } from '../ui/crossing'
import { Icon } from '../ui/icons'
import { Empty, Loading, PageHead, Panel, PhaseChip, Tags } from '../ui/parts'
import { Table, type Column } from '../ui/table'
import { SubsetTable } from './overview'
import { HealthCheckText } from './services'

export function ServicePage({ name }: { name: string }) {
  const { t, lang } = useT()
  const { identity } = useSession()
  const { objects } = useObjects()
  const { samples, last } = useLive()
  const now = useNow()
  useFresh('Service', 'Instance')
  if (!objects.Service) return <Loading />
  const service = objects.Service.find((s) => s.metadata.name === name)
  if (!service) return <Empty text={t('notFound', { kind: t('kind.Service'), name })} />
  const instances = (objects.Instance ?? []).filter((i) => i.spec.service === name)
  const routes = (objects.Route ?? []).filter((r) => r.spec.rules?.some((rule) => rule.backendRefs?.some((b) => b.service === name)))
  const migrations = (objects.Migration ?? []).filter((m) => m.spec.service === name)
  const subsets = (last?.subsets ?? []).filter((s) => s.service === name && busiest(samples, Infinity).includes(subsetKey(s)))

  const columns: Column<Instance>[] = [
    { key: 'name', head: t('instance.name'), cell: (i) => <span className="strong">{i.metadata.name}</span>, sort: (i) => i.metadata.name },
    { key: 'address', head: t('instance.address'), cell: (i) => <code>{i.spec.ip.includes(':') ? `[${i.spec.ip}]` : i.spec.ip}:{i.spec.port}</code>, sort: (i) => i.spec.ip },
    {
      key: 'state',
      head: t('instance.state'),
      cell: (i) => <span className={`chip state-${i.status?.state ?? 'serving'}`}>{t(`state.${i.status?.state ?? 'serving'}`)}</span>,
      sort: (i) => i.status?.state ?? '',
    },
    { key: 'health', head: t('instance.health'), cell: (i) => <Health i={i} />, sort: (i) => (i.status?.healthy ? 1 : 0) },
    { key: 'weight', head: t('instance.weight'), num: true, cell: (i) => i.spec.weight ?? 100, sort: (i) => i.spec.weight ?? 100 },
    { key: 'metadata', head: t('instance.metadata'), className: 'wide', cell: (i) => <Tags of={i.spec.metadata} />, sort: (i) => i.spec.metadata?.['runtime'] ?? '' },
    {
      key: 'lease',
      head: t('instance.lease'),
      cell: (i) =>
        i.spec.ttl ? (
          <div className="two-lines">
            <span>{i.spec.ttl}</span>
            {i.status?.lastHeartbeat && <span className="faint">{t('instance.heartbeat', { when: relative(i.status.lastHeartbeat, lang, now) })}</span>}
          </div>
        ) : (
          <span className="faint">{t('instance.lease.fixed')}</span>
        ),
    },
  ]

  return (
    <>
      <PageHead title={name} lead={[service.spec.description, service.spec.owner].filter(Boolean).join(' · ') || undefined}>
        {may(identity.role, 'operator') && (
          <a className="button" href={link('services', name, 'edit')}>
            {t('edit')}
          </a>
        )}
      </PageHead>
      {service.status?.protected && (
        <div className="notice warn" role="status">
          <Icon name="warn" />
          <div>{t('services.protected.why')}</div>
        </div>
      )}
      {migrations.map((m) => (
        <Panel key={m.metadata.name} title={t('services.migration')}>
          <ul className="underway">
            <li>
              <a href={link('migrations', m.metadata.name)}>{m.metadata.name}</a>
              <PhaseChip phase={m.status?.phase} paused={m.spec.paused} />
              <Crossing share={shareOf(m)} steps={stepsOf(m)} failed={m.status?.phase === 'rolled_back'} label={t('migration.share')} />
              <span className="num strong">{Number(shareOf(m).toFixed(2))} %</span>
            </li>
          </ul>
        </Panel>
      ))}
      {subsets.length > 0 && (
        <Panel title={t('services.traffic')}>
          <SubsetTable subsets={subsets} colour={colours(subsets.map(subsetKey), objects.Migration ?? [])} />
        </Panel>
      )}
      <Panel title={t('services.instances')} note={`${service.status?.usable ?? 0} / ${service.status?.instances ?? instances.length} ${t('services.usable')}`}>
        {instances.length === 0 ? (
          <Empty text={t('services.none')} />
        ) : (
          <Table label={t('services.instances')} columns={columns} rows={instances} id={(i) => i.metadata.name} />
        )}
      </Panel>
      <div className="columns">
        <Panel title={t('services.routes')}>
          {routes.length === 0 ? (
            <p className="faint">{t('none')}</p>
          ) : (
            <ul className="plain-list">
              {routes.map((r) => (
                <li key={r.metadata.name}>
                  <a href={link('routes', r.metadata.name)}>{r.metadata.name}</a> <span className="faint">{r.spec.hostnames?.join(', ') ?? t('routes.everyHost')}</span>
                </li>
              ))}
            </ul>
          )}
        </Panel>
        <Panel title={t('services.settings')} note={<HealthCheckText s={service} />}>
          <pre className="code">{toYAML(service.spec)}</pre>
        </Panel>
      </div>
    </>
  )
}

function Health({ i }: { i: Instance }) {
  const { t } = useT()
  if (i.status?.state === 'gone') return <span className="faint">{i.status.reason ?? '–'}</span>
  return (
    <span className="health">
      {i.status?.ejected && (
        <span className="chip fail" title={t('instance.ejected.why')}>
          {t('instance.ejected')}
        </span>
      )}
      {i.status?.healthy === false ? (
        <span className="bad">
          {t('instance.unhealthy')}
          {i.status.reason && <span className="reason"> {i.status.reason}</span>}
        </span>
      ) : (
        !i.status?.ejected && <span className="good">{t('instance.healthy')}</span>
      )}
    </span>
  )
}
