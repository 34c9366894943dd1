import { useEffect, useState, type ReactNode } from 'react'
import { actor, actorPattern, hasToken, setActor, setToken } from './api/client'
import { useNow, useSession } from './api/hooks'
import { useLive } from './api/live'
import { setPrefs, usePrefs, useT, type Theme } from './i18n'
import { duration } from './lib/format'
import { link, usePlace } from './lib/router'
import { Icon, Mark, type IconName } from './ui/icons'
import { Dialog } from './ui/parts'

const pages: IconName[] = ['overview', 'estate', 'services', 'routes', 'migrations', 'audit']

export function Shell({ children, onSignOut }: { children: ReactNode; onSignOut: () => void }) {
  const { t } = useT()
  const { parts, query } = usePlace()
  const here = parts[0] ?? 'overview'
  const wall = query.has('wall')
  useEffect(() => {
    document.documentElement.classList.toggle('wall', wall)
  }, [wall])
  useEffect(() => {
    const page = pages.includes(here as IconName) ? t(`nav.${here as 'overview'}`) : ''
    document.title = [parts[1], page, 'Jindu 津渡'].filter(Boolean).join(' · ')
  }, [here, parts, t])
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById('main')?.focus())}>
        {t('skip')}
      </a>
      <nav className="nav" aria-label={t('nav')}>
        <a className="brand" href={link('overview')}>
          <Mark />
          <span>
            Jindu <span lang="zh-CN">津渡</span>
          </span>
        </a>
        <ul>
          {pages.map((p) => (
            <li key={p}>
              <a href={link(p)} aria-current={here === p ? 'page' : undefined}>
                <Icon name={p} />
                <span>{t(`nav.${p as 'overview'}`)}</span>
              </a>
            </li>
          ))}
        </ul>
        <Foot onSignOut={onSignOut} />
      </nav>
      <div className="stage">
        <Connection />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </div>
  )
}

function Foot({ onSignOut }: { onSignOut: () => void }) {
  const { t } = useT()
  const { identity, node } = useSession()
  const [naming, setNaming] = useState(false)
  const signOut = () => {
    setToken(null)
    onSignOut()
  }
  return (
    <div className="nav-foot">
      <Switches />
      <div className="whoami">
        <span className="who" title={t('signedInAs', { name: identity.name, role: t(`role.${identity.role}`) })}>
          {actor() && !hasToken() ? `${identity.name}:${actor()}` : identity.name} · {t(`role.${identity.role}`)}
        </span>
        {hasToken() ? (
          <button type="button" className="text-button" onClick={signOut}>
            {t('signOut')}
          </button>
        ) : (
          <button type="button" className="text-button" title={t('actor.set')} aria-label={t('actor.set')} onClick={() => setNaming(true)}>
            <Icon name="pen" />
          </button>
        )}
      </div>
      {naming && <ActorDialog onClose={() => setNaming(false)} />}
      {node && (
        <div className="faint nav-version">
          {node.version} · {node.os}/{node.arch}
        </div>
      )}
    </div>
  )
}

/** A local caller has no token; a name makes the audit log worth more. */
function ActorDialog({ onClose }: { onClose: () => void }) {
  const { t } = useT()
  const [name, setName] = useState(actor)
  const submit = (e: React.FormEvent) => {
    e.preventDefault()
    setActor(name)
    onClose()
  }
  return (
    <Dialog title={t('actor.title')} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{t('actor.text')}</p>
        <label className="field">
          {t('actor.name')}
          <input id="actor" autoFocus autoComplete="off" spellCheck={false} pattern={actorPattern} value={name} onChange={(e) => setName(e.target.value)} />
        </label>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="button primary">
            {t('actor.save')}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

/** Language and theme. */
export function Switches() {
  const { t } = useT()
  const { lang, theme } = usePrefs()
  return (
    <div className="switches">
      <label>
        <span className="visually-hidden">{t('language')}</span>
        <select id="language" value={lang} onChange={(e) => setPrefs({ lang: e.target.value as 'en' | 'zh' })}>
          <option value="zh">中文</option>
          <option value="en">English</option>
        </select>
      </label>
      <label>
        <span className="visually-hidden">{t('theme')}</span>
        <select id="theme" value={theme} onChange={(e) => setPrefs({ theme: e.target.value as Theme })}>
          {(['auto', 'light', 'dark'] as const).map((v) => (
            <option key={v} value={v}>
              {t(`theme.${v}`)}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

/** Says so when the node is silent or not taking traffic. */
function Connection() {
  const { t, lang } = useT()
  const { heard } = useLive()
  const { node } = useSession()
  useNow()
  const silence = heard === undefined ? 0 : (Date.now() - heard) / 1000
  const down = silence > 4
  useEffect(() => {
    document.documentElement.classList.toggle('stale', down)
  }, [down])
  if (down) {
    return (
      <div className="banner fail" role="alert">
        <Icon name="warn" />
        {t('down', { span: duration(silence, lang) })}
      </div>
    )
  }
  if (node && !node.ready) {
    return (
      <div className="banner warn" role="status">
        <Icon name="warn" />
        {t('node.notReady')}
      </div>
    )
  }
  return null
}
