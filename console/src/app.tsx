import { useCallback, useEffect, useState } from 'react'
import { api, APIError, apiURL, authorization, onDenied } from './api/client'
import { Session, usePoll, type SessionValue } from './api/hooks'
import { startLive } from './api/live'
import { openStream } from './api/sse'
import { paths, Store } from './api/store'
import type { Identity, Node } from './api/types'
import { useT } from './i18n'
import { usePlace } from './lib/router'
import { AuditPage } from './pages/audit'
import { EditorPage } from './pages/editor'
import { EstatePage } from './pages/estate'
import { LoginPage } from './pages/login'
import { MigrationPage, tabs } from './pages/migration'
import { MigrationsPage } from './pages/migrations'
import { OverviewPage } from './pages/overview'
import { RoutesPage } from './pages/routes'
import { ServicePage } from './pages/service'
import { ServicesPage } from './pages/services'
import { Shell } from './shell'
import { Empty } from './ui/parts'

const newStore = () =>
  new Store({
    list: (kind) => api(paths[kind]),
    stream: (o) => openStream({ ...o, url: () => apiURL(o.url()), headers: authorization, silenceMs: 40_000 }),
    later: (f) => setTimeout(f, 400),
  })

/** Asks who we are until the node answers, then opens the session or asks for a token. */
export function App() {
  const [session, setSession] = useState<SessionValue>()
  const [login, setLogin] = useState<'no' | 'asked' | 'refused'>('no')
  const [silent, setSilent] = useState(false)
  const [round, setRound] = useState(0)

  useEffect(() => {
    let over = false
    let timer: ReturnType<typeof setTimeout>
    const ask = async () => {
      try {
        const identity = await api<Identity>('identity')
        if (over) return
        setSilent(false)
        setLogin('no')
        setSession({ identity, node: undefined, store: newStore() })
      } catch (error) {
        if (over) return
        if (error instanceof APIError && error.status === 401) setLogin((was) => (was === 'no' && round === 0 ? 'asked' : 'refused'))
        else {
          setSilent(true)
          timer = setTimeout(ask, 2500)
        }
      }
    }
    void ask()
    return () => {
      over = true
      clearTimeout(timer)
    }
  }, [round])

  useEffect(
    () =>
      onDenied(() => {
        setSession(undefined)
        setLogin((was) => (was === 'no' ? 'asked' : was))
      }),
    [],
  )

  const again = useCallback(() => {
    setSession(undefined)
    setRound((n) => n + 1)
  }, [])

  if (session) return <Signed session={session} onSignOut={again} />
  if (login !== 'no') return <LoginPage refused={login === 'refused'} onToken={again} />
  return <Silent silent={silent} />
}

function Silent({ silent }: { silent: boolean }) {
  const { t } = useT()
  return (
    <main className="centre" aria-live="polite">
      <Empty text={silent ? t('down.first') : t('connecting')} />
    </main>
  )
}

/** Both streams run while the tab is visible; hidden tabs give their connections back. */
function Signed({ session, onSignOut }: { session: SessionValue; onSignOut: () => void }) {
  const { data: node } = usePoll<Node>('node', 10_000)
  useEffect(() => {
    let stopLive: (() => void) | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const start = () => {
      if (stopLive) return
      stopLive = startLive(onSignOut)
      void session.store.start()
    }
    const stop = () => {
      stopLive?.()
      stopLive = undefined
      session.store.stop()
    }
    const change = () => {
      clearTimeout(timer)
      if (document.visibilityState === 'visible') start()
      else timer = setTimeout(stop, 60_000)
    }
    document.addEventListener('visibilitychange', change)
    start()
    return () => {
      document.removeEventListener('visibilitychange', change)
      clearTimeout(timer)
      stop()
    }
  }, [session, onSignOut])
  return (
    <Session.Provider value={{ ...session, node }}>
      <Shell onSignOut={onSignOut}>
        <Page />
      </Shell>
    </Session.Provider>
  )
}

function Page() {
  const { t } = useT()
  const { parts } = usePlace()
  const [page = 'overview', name, verb] = parts
  useEffect(() => {
    window.scrollTo(0, 0)
  }, [page, name, verb])
  switch (page) {
    case 'overview':
      return <OverviewPage />
    case 'estate':
      return <EstatePage />
    case 'services':
      return name === 'new' ? (
        <EditorPage kind="Service" />
      ) : verb === 'edit' ? (
        <EditorPage key={name} kind="Service" name={name} />
      ) : name ? (
        <ServicePage key={name} name={name} />
      ) : (
        <ServicesPage />
      )
    case 'routes':
      return name === 'new' ? <EditorPage kind="Route" /> : name ? <EditorPage key={name} kind="Route" name={name} /> : <RoutesPage />
    case 'migrations':
      return name === 'new' ? (
        <EditorPage kind="Migration" />
      ) : verb === 'edit' ? (
        <EditorPage key={name} kind="Migration" name={name} />
      ) : name ? (
        <MigrationPage key={name} name={name} tab={tabs.find((part) => part === verb) ?? 'answers'} />
      ) : (
        <MigrationsPage />
      )
    case 'audit':
      return <AuditPage />
    default:
      return <Empty text={t('notFound.page')} />
  }
}
