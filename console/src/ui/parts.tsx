// Small pieces that every page uses.

import { useId, useLayoutEffect, useRef, type ReactNode } from 'react'
import type { APIError } from '../api/client'
import { useNow } from '../api/hooks'
import type { FieldError, Phase, Verdict } from '../api/types'
import { useT, wordOr } from '../i18n'
import { fullTime, relative, time } from '../lib/format'
import { Icon } from './icons'

/** A moment: local time and how long ago. */
export function When({ at, only }: { at: string | number | undefined; only?: 'relative' | 'time' }) {
  const { lang } = useT()
  const now = useNow()
  if (!at) return <>–</>
  const iso = typeof at === 'number' ? new Date(at).toISOString() : at
  return (
    <time dateTime={iso} title={fullTime(at, lang)} className="when">
      {only !== 'relative' && <span>{time(at, lang, now)}</span>}
      {only === undefined && ' '}
      {only !== 'time' && <span className={only ? undefined : 'faint'}>{relative(at, lang, now)}</span>}
    </time>
  )
}

const verdictIcon = { pass: 'pass', fail: 'fail', not_enough: 'wait' } as const

export function VerdictChip({ verdict, quiet }: { verdict: Verdict | undefined; quiet?: boolean }) {
  const { t } = useT()
  if (!verdict) return <span className="faint">–</span>
  return (
    <span className={`chip verdict-${verdict}${quiet ? ' quiet' : ''}`}>
      <Icon name={verdictIcon[verdict]} />
      {t(`verdict.${verdict}`)}
    </span>
  )
}

export function PhaseChip({ phase, paused }: { phase: Phase | undefined; paused?: boolean }) {
  const { t } = useT()
  return (
    <span className={`chip phase-${phase ?? 'none'}`}>
      {t(`phase.${phase ?? 'none'}`)}
      {paused && ` · ${t('paused')}`}
    </span>
  )
}

export function Tags({ of }: { of: Record<string, string | number> | undefined | null }) {
  const pairs = Object.entries(of ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return (
    <span className="tags">
      {pairs.map(([k, v]) => (
        <span className="tag" key={k}>
          <span className="faint">{k}=</span>
          {v}
        </span>
      ))}
    </span>
  )
}

export function PageHead({ title, lead, children }: { title: ReactNode; lead?: ReactNode; children?: ReactNode }) {
  return (
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
      </div>
      {children && <div className="actions">{children}</div>}
    </header>
  )
}

export function Panel({ title, note, children, className = '' }: { title?: ReactNode; note?: ReactNode; children: ReactNode; className?: string }) {
  const id = useId()
  return (
    <section className={`panel ${className}`} aria-labelledby={title ? id : undefined}>
      {title && (
        <div className="panel-head">
          <h2 id={id}>{title}</h2>
          {note && <span className="panel-note">{note}</span>}
        </div>
      )}
      {children}
    </section>
  )
}

export function Empty({ text, hint, children }: { text: ReactNode; hint?: ReactNode; children?: ReactNode }) {
  return (
    <div className="empty">
      <svg viewBox="0 0 96 28" aria-hidden="true">
        <path d="M2 9c6 0 6-5 12-5s6 5 12 5 6-5 12-5 6 5 12 5 6-5 12-5 6 5 12 5 6-5 12-5 6 5 10 5" />
        <path d="M14 20c5 0 5-4 10-4s5 4 10 4 5-4 10-4 5 4 10 4 5-4 10-4 5 4 10 4" />
      </svg>
      <p>{text}</p>
      {hint && <p className="faint">{hint}</p>}
      {children}
    </div>
  )
}

export function Loading() {
  const { t } = useT()
  return (
    <div className="loading" role="status">
      <span className="skeleton" />
      <span className="skeleton" />
      <span className="skeleton" />
      <span className="visually-hidden">{t('loading')}</span>
    </div>
  )
}

export function Failed({ error, again }: { error: Error; again?: () => void }) {
  const { t } = useT()
  return (
    <div className="notice fail" role="alert">
      <Icon name="warn" />
      <div>
        <strong>{t('failed')}</strong>
        <ProblemText error={error} />
        {again && (
          <button type="button" className="button" onClick={again}>
            {t('retry')}
          </button>
        )}
      </div>
    </div>
  )
}

/** What an error says: detail, code and each wrong field. */
export function ProblemText({ error, locate }: { error: Error; locate?: (field: string) => ReactNode }) {
  const problem = (error as Partial<APIError>).problem
  return (
    <div className="problem">
      <p>
        {error.message} {problem?.code && <code>{problem.code}</code>}
      </p>
      <FieldErrors errors={problem?.errors ?? []} locate={locate} />
    </div>
  )
}

export function FieldErrors({ errors, locate }: { errors: FieldError[]; locate?: (field: string) => ReactNode }) {
  if (errors.length === 0) return null
  return (
    <ul className="field-errors">
      {errors.map((e, i) => (
        <li key={i}>
          <code>{e.field}</code>
          {e.value && <span className="given"> = {e.value}</span>} {locate?.(e.field)}
          <div>{e.detail}</div>
        </li>
      ))}
    </ul>
  )
}

export function Notice({ tone, icon = 'warn', children }: { tone: 'info' | 'warn' | 'fail' | 'good'; icon?: 'warn' | 'pass' | 'wait' | 'back' | 'pause'; children: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === 'fail' ? 'alert' : 'status'}>
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  )
}

/** A modal dialog: Escape and a click beside it close it, the focus returns by itself. */
export function Dialog({ title, onClose, children }: { title: ReactNode; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Closed before it leaves the page: only then does the focus return to the button that opened it.
  useLayoutEffect(() => {
    const el = ref.current
    el?.showModal()
    return () => el?.close()
  }, [])
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(e) => (e.preventDefault(), onClose())}
      onMouseDown={(e) => e.target === ref.current && onClose()}
    >
      <div className="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}

/** A number with its label. */
export function Figure({ label, value, note, tone = '' }: { label: ReactNode; value: ReactNode; note?: ReactNode; tone?: string }) {
  return (
    <div className={`figure ${tone}`}>
      <dt>{label}</dt>
      <dd>
        <span className="figure-value">{value}</span>
        {note != null && <span className="figure-note">{note}</span>}
      </dd>
    </div>
  )
}

/** Counts by reason, in words. */
export function Reasons({ of }: { of: Record<string, number> | null | undefined }) {
  const { t, lang } = useT()
  const entries = Object.entries(of ?? {}).filter(([, n]) => n > 0)
  if (entries.length === 0) return null
  return (
    <ul className="reasons">
      {entries
        .sort((a, b) => b[1] - a[1])
        .map(([reason, n]) => (
          <li key={reason}>
            <span>{wordOr(t, 'reason', reason)}</span> <span className="num">{n.toLocaleString(lang === 'zh' ? 'zh-CN' : 'en-GB')}</span>
          </li>
        ))}
    </ul>
  )
}
