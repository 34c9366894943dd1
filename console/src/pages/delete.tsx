import { useState } from 'react'
import { api } from '../api/client'
import { paths } from '../api/store'
import type { Kind } from '../api/types'
import { useT } from '../i18n'
import { go, link } from '../lib/router'
import { Dialog, Notice, ProblemText } from '../ui/parts'

/** Deleting asks for the name, since a route that is gone may stop a business. */
export function DeleteDialog({ kind, name, onClose }: { kind: Kind; name: string; onClose: () => void }) {
  const { t } = useT()
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<Error>()
  const submit = async (e: React.FormEvent) => {
    e.preventDefault()
    try {
      await api(`${paths[kind]}/${encodeURIComponent(name)}`, { method: 'DELETE' })
      onClose()
      go(link(paths[kind]))
    } catch (failed) {
      setError(failed as Error)
    }
  }
  return (
    <Dialog title={t('delete.title', { kind: t(`kind.${kind}`), name })} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{t('delete.text')}</p>
        <label className="field">
          {t('delete.type', { name })}
          <input id="confirm-name" autoFocus autoComplete="off" spellCheck={false} value={typed} onChange={(e) => setTyped(e.target.value)} />
        </label>
        {error && (
          <Notice tone="fail">
            <ProblemText error={error} />
          </Notice>
        )}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="button danger" disabled={typed !== name}>
            {t('delete')}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
