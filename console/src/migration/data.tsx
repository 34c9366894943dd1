import { useState } from 'react'
import { api } from '../api/client'
import { may, usePoll, useSession } from '../api/hooks'
import type { Case, DataStatus, DiffResult, FenceStatus, ParkedChange, RelayStatus, RepairResult, RowDifference, TableStatus, WindowResult } from '../api/types'
import { useT, wordOr } from '../i18n'
import { count, latency } from '../lib/format'
import { Dialog, Empty, Failed, Loading, Notice, Panel, ProblemText, When } from '../ui/parts'
import { Table, type Column } from '../ui/table'
import { Values } from './effects'
import { Gates } from './gates'

const at = (name: string, last: string) => `migrations/${encodeURIComponent(name)}/${last}`

/** Where the rows stand: relays, tables, windows, fences, differences, cases, parked changes. */
export function DataPanel({ name }: { name: string }) {
  const { t, lang } = useT()
  const { data, error } = usePoll<DataStatus>(at(name, 'data'), 1500)
  if (!data) return error ? error.status === 404 ? <Empty text={t('data.none')} hint={t('data.none.hint')} /> : <Failed error={error} /> : <Loading />
  return (
    <>
      {data.problem && <Notice tone="fail">{data.problem}</Notice>}
      <Gates gates={data.gates ?? []} />
      <Panel title={t('data.relays')} note={`${t('data.owner')}: ${wordOr(t, 'owner', data.owner)} · ${t('data.window')}: ${wordOr(t, 'window', data.window)}`}>
        <Relays relays={data.relays ?? []} />
        {data.window === 'open' && <CloseWindow name={name} />}
      </Panel>
      <Panel title={t('data.tables')}>
        <Tables tables={data.tables ?? []} />
      </Panel>
      <Differences name={name} />
      <Cases name={name} open={data.cases} />
      {data.parked > 0 && <Parked name={name} />}
      <div className="columns">
        <Panel title={t('data.windows')} note={t('data.windows.why')}>
          {!data.windows?.length ? <Empty text={t('none')} /> : <Windows windows={data.windows.slice(0, 12)} lang={lang} />}
        </Panel>
        <Panel title={t('data.fences')} note={t('data.fences.why')}>
          {!data.fences?.length ? <Empty text={t('none')} /> : <Fences fences={data.fences.slice(0, 12)} />}
        </Panel>
      </div>
    </>
  )
}

function Relays({ relays }: { relays: readonly RelayStatus[] }) {
  const { t, lang } = useT()
  const columns: Column<RelayStatus>[] = [
    { key: 'from', head: t('data.direction'), cell: (r) => <strong className={`side-${r.from}`}>{t(r.from === 'old' ? 'data.forward' : 'data.back')}</strong> },
    { key: 'state', head: t('data.state'), cell: (r) => <span className={`chip relay-${r.state}`}>{wordOr(t, 'relay', r.state)}</span> },
    { key: 'capture', head: t('data.capture'), cell: (r) => r.capture },
    { key: 'changes', head: t('data.changes'), num: true, cell: (r) => count(r.changes, lang) },
    { key: 'stale', head: t('data.stale'), title: t('data.stale.why'), num: true, cell: (r) => count(r.stale, lang) },
    { key: 'parked', head: t('data.parked'), num: true, cell: (r) => <span className={r.parked > 0 ? 'bad' : undefined}>{count(r.parked, lang)}</span> },
    { key: 'p50', head: t('col.p50'), title: t('data.convergence'), num: true, cell: (r) => latency(r.p50Micros) },
    { key: 'p99', head: t('col.p99'), title: t('data.convergence'), num: true, cell: (r) => latency(r.p99Micros) },
    { key: 'alarms', head: t('data.alarms'), num: true, cell: (r) => <span className={r.alarms > 0 ? 'bad' : undefined}>{count(r.alarms, lang)}</span> },
    { key: 'watermark', head: t('data.watermark'), cell: (r) => <When at={r.watermark} only="relative" /> },
    { key: 'problem', head: '', cell: (r) => r.problem && <span className="bad">{r.problem}</span> },
  ]
  return <Table label={t('data.relays')} columns={columns} rows={relays} id={(r) => r.from} />
}

function Tables({ tables }: { tables: readonly TableStatus[] }) {
  const { t, lang } = useT()
  const known = (n: number) => (n < 0 ? '–' : count(n, lang))
  const columns: Column<TableStatus>[] = [
    { key: 'table', head: t('data.table'), cell: (r) => <strong>{r.table === r.to ? r.table : `${r.table} → ${r.to}`}</strong>, sort: (r) => r.table },
    { key: 'backfill', head: t('data.backfill'), cell: (r) => <span className={`chip backfill-${r.backfill}`}>{wordOr(t, 'backfill', r.backfill)}</span> },
    { key: 'copied', head: t('data.copied'), num: true, cell: (r) => count(r.copied, lang) },
    { key: 'old', head: t('data.oldRows'), num: true, cell: (r) => known(r.oldRows) },
    { key: 'new', head: t('data.newRows'), num: true, cell: (r) => known(r.newRows) },
    { key: 'differ', head: t('data.differ'), num: true, cell: (r) => <span className={r.differ > 0 ? 'bad' : undefined}>{count(r.differ, lang)}</span>, sort: (r) => r.differ },
    { key: 'repaired', head: t('data.repaired'), num: true, cell: (r) => count(r.repaired, lang) },
    { key: 'compared', head: t('data.compared'), cell: (r) => <When at={r.compared} only="relative" /> },
    { key: 'problem', head: '', cell: (r) => r.problem && <span className="bad">{r.problem}</span> },
  ]
  return <Table label={t('data.tables')} columns={columns} rows={tables} id={(r) => r.table} />
}

function Windows({ windows, lang }: { windows: readonly WindowResult[]; lang: 'en' | 'zh' }) {
  const { t } = useT()
  const columns: Column<WindowResult>[] = [
    { key: 'table', head: t('data.table'), cell: (w) => w.table },
    { key: 'until', head: t('data.until'), cell: (w) => <When at={w.until} only="relative" /> },
    { key: 'rows', head: t('data.rows'), num: true, cell: (w) => count(w.rows, lang) },
    { key: 'differ', head: t('data.differ'), num: true, cell: (w) => <span className={w.differ > 0 ? 'bad' : undefined}>{count(w.differ, lang)}</span> },
    { key: 'settled', head: t('data.settled'), title: t('data.settled.why'), num: true, cell: (w) => count(w.settled, lang) },
  ]
  return <Table label={t('data.windows')} columns={columns} rows={windows} id={(w) => w.table + w.until} />
}

function Fences({ fences }: { fences: readonly FenceStatus[] }) {
  const { t, lang } = useT()
  const columns: Column<FenceStatus>[] = [
    { key: 'epoch', head: t('data.epoch'), num: true, cell: (f) => f.epoch },
    { key: 'from', head: t('data.loses'), cell: (f) => <span className={`side-${f.from}`}>{t(f.from === 'old' ? 'cohort.old' : 'cohort.new')}</span> },
    { key: 'range', head: t('data.buckets'), num: true, cell: (f) => `${f.low}–${f.high}` },
    { key: 'drained', head: t('data.drained'), cell: (f) => (f.drained ? t('yes') : <span className="bad">{t('data.pending', { n: count(f.pending, lang) })}</span>) },
    { key: 'at', head: '', cell: (f) => <When at={f.at} only="relative" /> },
  ]
  return <Table label={t('data.fences')} columns={columns} rows={fences} id={(f) => `${f.epoch} ${f.from}`} />
}

const differenceColumns = (t: ReturnType<typeof useT>['t']): Column<RowDifference>[] => [
  { key: 'table', head: t('data.table'), cell: (d) => d.table },
  { key: 'key', head: t('data.key'), cell: (d) => <Values of={d.key} /> },
  { key: 'kind', head: t('data.kind'), cell: (d) => wordOr(t, 'difference', d.kind) },
  { key: 'columns', head: t('data.columns'), cell: (d) => d.columns?.map((c) => <code key={c}>{c}</code>) },
  { key: 'old', head: t('cohort.old'), cell: (d) => <Values of={d.old?.filter((c) => !d.columns?.length || d.columns.includes(c.name))} /> },
  { key: 'new', head: t('cohort.new'), cell: (d) => <Values of={d.new?.filter((c) => !d.columns?.length || d.columns.includes(c.name))} /> },
]

const rowID = (d: RowDifference) => d.table + (d.key ?? []).map((c) => c.value).join(' ')

/** Differences on demand: what is known, a full comparison, and a repair that is shown before it is written. */
function Differences({ name }: { name: string }) {
  const { t, lang } = useT()
  const { identity } = useSession()
  const [found, setFound] = useState<DiffResult>()
  const [repair, setRepair] = useState<RepairResult>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const allowed = may(identity.role, 'operator')
  const ask = async <T,>(last: string, body: unknown, then: (answer: T) => void) => {
    setBusy(true)
    setError(undefined)
    try {
      then(await api<T>(at(name, last), { method: 'POST', body: JSON.stringify(body) }))
    } catch (failed) {
      setError(failed as Error)
    } finally {
      setBusy(false)
    }
  }
  const shown = repair?.rows ?? found?.differences ?? []
  return (
    <Panel title={t('data.differences')} note={found && t('data.compared.in', { n: count(Object.values(found.rows ?? {}).reduce((a, b) => a + b, 0), lang), s: found.seconds.toFixed(1) })}>
      <div className="commands start">
        <button type="button" id="diff-known" className="button" disabled={busy || !allowed} onClick={() => ask<DiffResult>('diff', {}, (d) => (setRepair(undefined), setFound(d)))}>
          {t('data.diff.known')}
        </button>
        <button type="button" id="diff-full" className="button" disabled={busy || !allowed} onClick={() => ask<DiffResult>('diff', { full: true }, (d) => (setRepair(undefined), setFound(d)))}>
          {t('data.diff.full')}
        </button>
        <button type="button" id="repair-dry" className="button" disabled={busy || !allowed} onClick={() => ask<RepairResult>('repair', { dryRun: true }, setRepair)}>
          {t('data.repair.dry')}
        </button>
        {repair?.dryRun && repair.written > 0 && (
          <button type="button" id="repair-write" className="button danger" disabled={busy} onClick={() => ask<RepairResult>('repair', { dryRun: false }, setRepair)}>
            {t('data.repair.write', { n: count(repair.written, lang) })}
          </button>
        )}
        {repair?.id && (
          <button type="button" className="button" disabled={busy} onClick={() => ask<RepairResult>('repair', { undo: repair.id }, setRepair)}>
            {t('data.repair.undo', { id: repair.id })}
          </button>
        )}
      </div>
      {!allowed && <p className="faint">{t('role.needs', { role: t('role.operator') })}</p>}
      {error && (
        <Notice tone="fail">
          <ProblemText error={error} />
        </Notice>
      )}
      {repair && (
        <Notice tone={repair.dryRun ? 'info' : 'good'}>
          {t(repair.dryRun ? 'data.repair.would' : 'data.repair.did', { n: count(repair.written, lang), side: wordOr(t, 'owner', repair.winner), skipped: count(repair.skipped, lang), cases: count(repair.cases, lang) })}
        </Notice>
      )}
      {(found || repair) && (shown.length === 0 ? <Empty text={t('data.alike')} /> : <Table label={t('data.differences')} columns={differenceColumns(t)} rows={shown} id={rowID} />)}
      {(found?.more ?? 0) > 0 && <p className="faint">{t('data.more', { n: count(found?.more, lang) })}</p>}
    </Panel>
  )
}

/** Differences that only a person may settle. */
function Cases({ name, open }: { name: string; open: number }) {
  const { t } = useT()
  const { identity } = useSession()
  const [deciding, setDeciding] = useState<Case>()
  const { data, error, again } = usePoll<Case[]>(at(name, 'cases'), 4000)
  const columns: Column<Case>[] = [
    { key: 'id', head: t('data.case'), cell: (c) => <strong>{c.id}</strong> },
    ...differenceColumns(t).map((d): Column<Case> => ({ key: d.key, head: d.head, cell: (c) => d.cell(c.difference) })),
    { key: 'opened', head: t('data.opened'), cell: (c) => <When at={c.opened} only="relative" /> },
    {
      key: 'decide',
      head: '',
      cell: (c) => (
        <button type="button" className="button" disabled={!may(identity.role, 'approver')} title={may(identity.role, 'approver') ? undefined : t('role.needs', { role: t('role.approver') })} onClick={() => setDeciding(c)}>
          {t('data.decide')}
        </button>
      ),
    },
  ]
  return (
    <Panel title={t('data.cases')} note={t('data.cases.why')} className={open > 0 ? 'attention' : ''}>
      {error && !data ? <Failed error={error} /> : !data?.length ? <Empty text={t('data.cases.none')} /> : <Table label={t('data.cases')} columns={columns} rows={data} id={(c) => c.id} details={(c) => <CaseHistory c={c} />} />}
      {deciding && (
        <Ask
          title={t('data.decide.title', { id: deciding.id })}
          choices={[
            ['old', t('data.take.old')],
            ['new', t('data.take.new')],
            ['both', t('data.take.both')],
          ]}
          needed
          onClose={() => setDeciding(undefined)}
          send={async (decision, reason) => {
            await api(at(name, `cases/${encodeURIComponent(deciding.id)}/decide`), { method: 'POST', body: JSON.stringify({ decision, reason }) })
            again()
          }}
        />
      )}
    </Panel>
  )
}

function CaseHistory({ c }: { c: Case }) {
  const { t } = useT()
  if (!c.history?.length) return <p className="faint">{t('data.history.none')}</p>
  return (
    <ol className="effects">
      {c.history.map((h, i) => (
        <li key={i}>
          <span className={`side-${h.side}`}>{t(h.side === 'old' ? 'cohort.old' : 'cohort.new')}</span> <When at={h.at} only="time" /> <strong>{h.op}</strong> <Values of={h.after} />
          {h.run && <code>{h.run}</code>} <span className="faint">{h.position}</span>
        </li>
      ))}
    </ol>
  )
}

/** Changes that could not be applied. */
function Parked({ name }: { name: string }) {
  const { t, lang } = useT()
  const { identity } = useSession()
  const [asked, setAsked] = useState<{ id: string; verb: 'retry' | 'skip' }>()
  const { data, again } = usePoll<ParkedChange[]>(at(name, 'parked'), 4000)
  const columns: Column<ParkedChange>[] = [
    { key: 'table', head: t('data.table'), cell: (p) => p.table },
    { key: 'key', head: t('data.key'), cell: (p) => <Values of={p.key} /> },
    { key: 'op', head: '', cell: (p) => p.op },
    { key: 'error', head: t('data.error'), cell: (p) => <span className="bad">{p.error}</span> },
    { key: 'behind', head: t('data.behind'), num: true, cell: (p) => count(p.behind, lang) },
    {
      key: 'do',
      head: '',
      cell: (p) =>
        may(identity.role, 'operator') && (
          <span className="commands">
            {(['retry', 'skip'] as const).map((verb) => (
              <button key={verb} type="button" className="button" onClick={() => setAsked({ id: p.id, verb })}>
                {t(`data.${verb}`)}
              </button>
            ))}
          </span>
        ),
    },
  ]
  return (
    <Panel title={t('data.parked')} note={t('data.parked.why')} className="attention">
      {data && <Table label={t('data.parked')} columns={columns} rows={data} id={(p) => p.id} />}
      {asked && (
        <Ask
          title={t(`data.${asked.verb}.title`, { id: asked.id })}
          onClose={() => setAsked(undefined)}
          send={async (_, reason) => {
            await api(at(name, `parked/${encodeURIComponent(asked.id)}/${asked.verb}`), { method: 'POST', body: JSON.stringify({ reason }) })
            again()
          }}
        />
      )}
    </Panel>
  )
}

function CloseWindow({ name }: { name: string }) {
  const { t } = useT()
  const { identity } = useSession()
  const [asked, setAsked] = useState(false)
  if (!may(identity.role, 'approver')) return null
  return (
    <div className="commands start">
      <button type="button" className="button danger" onClick={() => setAsked(true)}>
        {t('data.window.close')}
      </button>
      {asked && (
        <Ask
          title={t('data.window.close')}
          text={t('data.window.close.text')}
          onClose={() => setAsked(false)}
          send={(_, reason) => api(at(name, 'window/close'), { method: 'POST', body: JSON.stringify({ reason }) })}
        />
      )}
    </div>
  )
}

/** A dialog that asks for a choice, where there is one, and a reason. */
function Ask(p: { title: string; text?: string; choices?: [string, string][]; needed?: boolean; onClose: () => void; send: (choice: string, reason: string) => Promise<unknown> }) {
  const { t } = useT()
  const [choice, setChoice] = useState(p.choices?.[0]?.[0] ?? '')
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const submit = async (e: React.FormEvent) => {
    e.preventDefault()
    setBusy(true)
    try {
      await p.send(choice, reason.trim())
      p.onClose()
    } catch (failed) {
      setError(failed as Error)
      setBusy(false)
    }
  }
  return (
    <Dialog title={p.title} onClose={p.onClose}>
      <form onSubmit={submit}>
        {p.text && <p>{p.text}</p>}
        {p.choices?.map(([value, label]) => (
          <label key={value} className="choice">
            <input type="radio" name="choice" value={value} checked={choice === value} onChange={() => setChoice(value)} /> {label}
          </label>
        ))}
        <label className="field">
          {t('cmd.reason')}
          <input autoFocus required={p.needed} maxLength={500} value={reason} onChange={(e) => setReason(e.target.value)} />
        </label>
        {error && (
          <Notice tone="fail">
            <ProblemText error={error} />
          </Notice>
        )}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={p.onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="button primary" disabled={busy}>
            {t('data.confirm')}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
