import { useEffect, useMemo, useState } from 'react'
import { api } from '../api/client'
import { useObjects } from '../api/hooks'
import type { AuditPage as Records, AuditRecord, Kind, MigrationStatus } from '../api/types'
import { useT } from '../i18n'
import { diff, show, type Change } from '../lib/diff'
import { link } from '../lib/router'
import { Empty, Failed, Loading, PageHead, When } from '../ui/parts'
import { Table, type Column } from '../ui/table'

const places: Record<Kind, string> = { Service: 'services', Instance: '', Route: 'routes', Migration: 'migrations' }

export function AuditPage() {
  const { t } = useT()
  const { revision } = useObjects()
  const [records, setRecords] = useState<AuditRecord[]>()
  const [next, setNext] = useState(0)
  const [trimmed, setTrimmed] = useState(0)
  const [error, setError] = useState<Error>()
  const [kind, setKind] = useState<Kind | ''>('')
  const [round, setRound] = useState(0)

  // The newest page again with each change; older pages that were opened stay.
  useEffect(() => {
    let over = false
    api<Records>(kind ? `audit?kind=${kind}` : 'audit').then(
      (page) => {
        if (over) return
        setError(undefined)
        setRecords((had) => {
          const fresh = page.items ?? []
          const oldest = fresh.at(-1)?.revision ?? 0
          return [...fresh, ...(had ?? []).filter((r) => r.revision < oldest)]
        })
        setNext((had) => had || (page.next ?? 0))
        setTrimmed(page.trimmed ?? 0)
      },
      (e: Error) => !over && setError(e),
    )
    return () => {
      over = true
    }
  }, [revision, round, kind])

  const older = async () => {
    try {
      const page = await api<Records>(`audit?before=${next}${kind ? `&kind=${kind}` : ''}`)
      setRecords((had) => [...(had ?? []), ...(page.items ?? [])])
      setNext(page.next ?? 0)
    } catch (e) {
      setError(e as Error)
    }
  }

  const choose = (next: Kind | '') => {
    setKind(next)
    setRecords(undefined)
    setNext(0)
  }

  const columns: Column<AuditRecord>[] = [
    { key: 'when', head: t('audit.when'), cell: (r) => <When at={r.at} /> },
    { key: 'who', head: t('audit.who'), cell: (r) => <span className="strong">{r.by}</span> },
    {
      key: 'what',
      head: t('audit.what'),
      cell: (r) => (
        <span>
          <span className={`action action-${r.action}`}>{t(`action.${r.action}`)}</span> {t(`kind.${r.kind}`)}{' '}
          {places[r.kind] && r.action !== 'delete' ? <a href={link(places[r.kind], r.name)}>{r.name}</a> : <span className="strong">{r.name}</span>}
        </span>
      ),
    },
    { key: 'changes', head: t('audit.changes'), className: 'wide', cell: (r) => <Summary r={r} /> },
    { key: 'revision', head: t('audit.revision'), num: true, cell: (r) => r.revision },
  ]

  return (
    <>
      <PageHead title={t('audit.title')} lead={t('audit.lead')}>
        <label className="inline-field">
          {t('audit.kind')}{' '}
          <select value={kind} onChange={(e) => choose(e.target.value as Kind | '')}>
            <option value="">{t('all')}</option>
            {(Object.keys(places) as Kind[]).map((k) => (
              <option key={k} value={k}>
                {t(`kind.${k}`)}
              </option>
            ))}
          </select>
        </label>
      </PageHead>
      {error && <Failed error={error} again={() => setRound((n) => n + 1)} />}
      {!records ? (
        !error && <Loading />
      ) : records.length === 0 ? (
        <Empty text={t('audit.empty')} />
      ) : (
        <Table label={t('audit.title')} columns={columns} rows={records} id={(r) => String(r.revision)} details={(r) => <Details r={r} />} />
      )}
      {next === 0 && trimmed > 0 && <p className="faint">{t('audit.trimmed', { n: trimmed })}</p>}
      {next > 0 && (
        <button type="button" className="button" onClick={() => void older()}>
          {t('audit.older')}
        </button>
      )}
    </>
  )
}

/** Fields that changed. What a transition only repeats is left out. */
export function changes(r: AuditRecord): Change[] {
  const all = diff(r.before, r.after)
  return r.action === 'transition' ? all.filter((c) => !/^(history|gates)\[/.test(c.path)) : all
}

function Summary({ r }: { r: AuditRecord }) {
  const { t } = useT()
  const all = useMemo(() => changes(r), [r])
  if (r.action === 'create' || r.action === 'delete') return <span className="faint">{all.length === 1 ? t('audit.field1') : t('audit.fields', { n: all.length })}</span>
  const told = all.filter((c) => r.action !== 'transition' || !/^(epoch|since|step|reason)$/.test(c.path))
  const reason = r.action === 'transition' && (r.after as MigrationStatus | undefined)?.history?.at(-1)?.reason
  if (told.length === 0 && !reason) return <span className="faint">{t('audit.noFields')}</span>
  return (
    <span className="changes">
      {reason && <span>{reason}</span>}
      {told.slice(0, 3).map((c) => (
        <span key={c.path}>
          <code>{c.path || '.'}</code> {c.before !== undefined && <del>{cut(show(c.before))}</del>} {c.after !== undefined && <ins>{cut(show(c.after))}</ins>}
        </span>
      ))}
      {told.length > 3 && <span className="faint">+{told.length - 3}</span>}
    </span>
  )
}

const cut = (s: string) => (s.length > 48 ? s.slice(0, 47) + '…' : s)

function Details({ r }: { r: AuditRecord }) {
  const { t } = useT()
  const all = changes(r)
  if (all.length === 0) return <p className="faint">{t('audit.noFields')}</p>
  return (
    <table className="diff">
      <thead>
        <tr>
          <th scope="col">{t('path')}</th>
          <th scope="col">{t('audit.before')}</th>
          <th scope="col">{t('audit.after')}</th>
        </tr>
      </thead>
      <tbody>
        {all.map((c) => (
          <tr key={c.path}>
            <td data-label={t('path')}>
              <code>{c.path || '.'}</code>
            </td>
            <td data-label={t('audit.before')}>{c.before !== undefined && <del>{show(c.before)}</del>}</td>
            <td data-label={t('audit.after')}>{c.after !== undefined && <ins>{show(c.after)}</ins>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
