import { useState } from 'react'
import { api } from '../api/client'
import { may, useSession } from '../api/hooks'
import type { Migration, Verdict } from '../api/types'
import { useT } from '../i18n'
import { mayConfirm, needsSecond, verbs, whyNot, type Verb } from '../lib/commands'
import { relative } from '../lib/format'
import { nodeNow } from '../api/live'
import { Icon, type IconName } from '../ui/icons'
import { Dialog, Notice, ProblemText } from '../ui/parts'

const icons: Record<Verb, IconName> = { pause: 'pause', resume: 'play', promote: 'up', rollback: 'back' }

export function Commands({ m, verdict }: { m: Migration; verdict: Verdict | undefined }) {
  const { t } = useT()
  const { identity } = useSession()
  const [asked, setAsked] = useState<Verb>()
  const [said, setSaid] = useState<Verb>()
  const allowed = may(identity.role, 'operator')
  return (
    <div className="commands">
      {verbs.map((verb) => {
        const not = whyNot(verb, m, verdict === 'fail')
        const why = !allowed ? t('role.needs', { role: t('role.operator') }) : not && t(not)
        return (
          <button
            key={verb}
            type="button"
            id={`cmd-${verb}`}
            className={`button ${verb === 'rollback' ? 'danger' : ''}`}
            aria-disabled={why ? true : undefined}
            title={why}
            onClick={() => !why && setAsked(verb)}
          >
            <Icon name={icons[verb]} />
            {t(`cmd.${verb}`)}
          </button>
        )
      })}
      <span className="visually-hidden" role="status">
        {said && t('cmd.done', { command: t(`cmd.${said}`) })}
      </span>
      {asked && (
        <CommandDialog
          verb={asked}
          m={m}
          verdict={verdict}
          onClose={(done) => {
            setAsked(undefined)
            if (done) setSaid(asked)
          }}
        />
      )}
    </div>
  )
}

function CommandDialog({ verb, m, verdict, onClose }: { verb: Verb; m: Migration; verdict: Verdict | undefined; onClose: (done: boolean) => void }) {
  const { t } = useT()
  const { identity } = useSession()
  const second = m.status?.pending?.command === verb && mayConfirm(m, identity) === 'yes'
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const submit = async (e: React.FormEvent) => {
    e.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await command(m.metadata.name, verb, reason)
      onClose(true)
    } catch (failed) {
      setError(failed as Error)
      setBusy(false)
    }
  }
  return (
    <Dialog title={t('cmd.title', { command: t(`cmd.${verb}`), name: m.metadata.name })} onClose={() => onClose(false)}>
      <form onSubmit={submit}>
        <p>{t(`cmd.${verb}.text`)}</p>
        {verb === 'resume' && m.status?.phase === 'rolled_back' && <p>{t('cmd.resume.closes')}</p>}
        {verb === 'promote' && verdict !== 'pass' && (
          <Notice tone="warn">{t('cmd.promote.gates')}</Notice>
        )}
        {needsSecond(verb, m) && !second && <p className="strong">{t('cmd.second')}</p>}
        <label className="field">
          {t('cmd.reason')} <span className="faint">{t('cmd.reason.hint')}</span>
          <input id="reason" autoFocus maxLength={500} value={reason} onChange={(e) => setReason(e.target.value)} />
        </label>
        {error && (
          <Notice tone="fail">
            <ProblemText error={error} />
          </Notice>
        )}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={() => onClose(false)}>
            {t('cancel')}
          </button>
          <button type="submit" id="confirm" className={`button ${verb === 'rollback' ? 'danger' : 'primary'}`} disabled={busy}>
            {t(`cmd.${verb}`)}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

const command = (name: string, verb: string, reason: string) =>
  api(`migrations/${encodeURIComponent(name)}/${verb}`, { method: 'POST', body: JSON.stringify(reason.trim() ? { reason: reason.trim() } : {}) })

/** A command that waits for a second person, and the button for that person. */
export function Pending({ m }: { m: Migration }) {
  const { t, lang } = useT()
  const { identity } = useSession()
  const [asked, setAsked] = useState(false)
  const pending = m.status?.pending
  if (!pending) return null
  const who = mayConfirm(m, identity)
  return (
    <Notice tone="warn" icon="wait">
      <p>{t('pending', { by: pending.by, command: t(`cmd.${pending.command}`), when: relative(pending.at, lang, nodeNow()) })}</p>
      {who === 'yes' ? (
        <button type="button" className="button primary" onClick={() => setAsked(true)}>
          {t('pending.confirm')}
        </button>
      ) : (
        <p className="faint">{who === 'own' ? t('pending.own') : t('role.needs', { role: t('role.approver') })}</p>
      )}
      {asked && <CommandDialog verb={pending.command} m={m} verdict={m.status?.verdict} onClose={() => setAsked(false)} />}
    </Notice>
  )
}
