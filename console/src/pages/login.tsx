import { useState } from 'react'
import { setToken } from '../api/client'
import { useT } from '../i18n'
import { Switches } from '../shell'
import { Mark } from '../ui/icons'
import { Notice } from '../ui/parts'

export function LoginPage({ refused, onToken }: { refused: boolean; onToken: () => void }) {
  const { t } = useT()
  const [value, setValue] = useState('')
  const submit = (e: React.FormEvent) => {
    e.preventDefault()
    setToken(value.trim())
    onToken()
  }
  return (
    <main className="centre">
      <form className="login panel" onSubmit={submit}>
        <div className="brand">
          <Mark />
          <span>
            Jindu <span lang="zh-CN">津渡</span>
          </span>
        </div>
        <h1>{t('login.title')}</h1>
        <p className="faint">{t('login.text')}</p>
        {refused && <Notice tone="fail">{t('login.refused')}</Notice>}
        <label className="field">
          {t('login.token')}
          <input id="token" type="password" autoComplete="off" spellCheck={false} required autoFocus value={value} onChange={(e) => setValue(e.target.value)} />
        </label>
        <button type="submit" className="button primary">
          {t('login.go')}
        </button>
        <Switches />
      </form>
    </main>
  )
}
