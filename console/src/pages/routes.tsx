import { useState } from 'react'
import { may, useFresh, useObjects, useSession } from '../api/hooks'
import type { Migration, Route, RouteRule } from '../api/types'
import { useT } from '../i18n'
import { link } from '../lib/router'
import { filter, matches, source, targets, targetText } from '../lib/words'
import { Icon } from '../ui/icons'
import { Empty, Failed, Loading, PageHead } from '../ui/parts'
import { Filter } from './estate'

export function RoutesPage() {
  const { t } = useT()
  const { store, identity } = useSession()
  const { objects, error } = useObjects()
  const [text, setText] = useState('')
  useFresh('Route')
  const routes = objects.Route
  const needle = text.trim().toLowerCase()
  const shown = (routes ?? []).filter((r) => !needle || (r.metadata.name + JSON.stringify(r.spec)).toLowerCase().includes(needle))
  return (
    <>
      <PageHead title={t('routes.title')} lead={t('routes.lead')}>
        {may(identity.role, 'operator') && (
          <a className="button" href={link('routes', 'new')}>
            <Icon name="plus" />
            {t('routes.new')}
          </a>
        )}
      </PageHead>
      {!routes ? (
        error ? (
          <Failed error={error} again={() => void store.start()} />
        ) : (
          <Loading />
        )
      ) : routes.length === 0 ? (
        <Empty text={t('routes.empty')} hint={t('routes.empty.hint')} />
      ) : (
        <>
          {routes.length > 8 && <Filter value={text} onChange={setText} />}
          {shown.length === 0 && <Empty text={t('filter.none')} />}
          <ul className="routes">
            {shown.map((r) => (
              <RouteCard key={r.metadata.name} route={r} migrations={objects.Migration ?? []} />
            ))}
          </ul>
        </>
      )}
    </>
  )
}

function RouteCard({ route, migrations }: { route: Route; migrations: readonly Migration[] }) {
  const { t } = useT()
  const accepted = route.status?.accepted
  return (
    <li className="panel route">
      <div className="route-head">
        <a href={link('routes', route.metadata.name)} className="strong">
          {route.metadata.name}
        </a>
        <span className="faint">{route.spec.hostnames?.join(', ') || t('routes.everyHost')}</span>
        <span className={`chip ${accepted ? 'quiet verdict-pass' : 'fail'}`}>{t(accepted ? 'routes.accepted' : 'routes.notAccepted')}</span>
      </div>
      {!!route.spec.sourceTags?.length && (
        <p className="faint route-tags">
          {t('routes.tags')}: {route.spec.sourceTags.map((s) => `${s.name} = ${source(s.from)}`).join('; ')}
        </p>
      )}
      <ol className="rules">
        {(route.spec.rules ?? []).map((rule, i) => (
          <Rule key={i} rule={rule} migrations={migrations} />
        ))}
      </ol>
      {route.status?.warnings?.map((w, i) => (
        <p key={i} className="route-warning">
          <Icon name="warn" /> {w}
        </p>
      ))}
    </li>
  )
}

function Rule({ rule, migrations }: { rule: RouteRule; migrations: readonly Migration[] }) {
  const { t } = useT()
  const when = matches(rule)
  const to = targets(rule.backendRefs)
  const migration = (service: string, subset: string) => (subset === '*' ? migrations.find((m) => m.spec.service === service) : undefined)
  return (
    <li>
      <div className="rule-when">
        {when.length === 0 ? (
          <span className="faint">{t('routes.everyRequest')}</span>
        ) : (
          when.map((w, i) => (
            <span key={i}>
              {i > 0 && <span className="faint"> {t('routes.or')} </span>}
              <code>{w}</code>
            </span>
          ))
        )}
      </div>
      <Icon name="arrow" />
      <div className="rule-then">
        {(rule.filters ?? []).map((f, i) => {
          const said = filter(f)
          return (
            <span key={i} className="rule-filter">
              <span className="faint">{t(`filter.${said.verb}`)}</span> {said.what}
            </span>
          )
        })}
        {to.length > 0 && <span>{to.map((target) => targetText(target, to.length === 1)).join(', ')}</span>}
        {to.length === 0 && !rule.filters?.some((f) => f.type === 'RequestRedirect') && <span className="bad">{t('routes.nowhere')}</span>}
        {to.length > 1 && (
          <span className="weights" aria-hidden="true">
            {to.map((target, i) => (
              <span key={i} className={`c-${(i % 6) + 1}`} style={{ flexGrow: target.percent }} />
            ))}
          </span>
        )}
        {rule.stickiness && <span className="faint">{t('routes.sticky', { source: (rule.stickiness.subject ?? []).map(source).join(', ') })}</span>}
        {to.map((target, i) => {
          const m = migration(target.service, target.subset)
          return (
            m && (
              <a key={i} className="faint" href={link('migrations', m.metadata.name)}>
                {t('routes.migrating', { name: m.metadata.name })}
              </a>
            )
          )
        })}
      </div>
    </li>
  )
}
