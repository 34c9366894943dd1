import { useEffect, useRef, useState } from 'react'
import { api, APIError } from '../api/client'
import { may, useObjects, useSession } from '../api/hooks'
import { paths } from '../api/store'
import type { Kind, Meta } from '../api/types'
import { useT } from '../i18n'
import { draftOf, nameIn, render, revisionIn, template, withRevision, type Format } from '../lib/draft'
import { locate } from '../lib/locate'
import { go, link } from '../lib/router'
import { Empty, Failed, Loading, Notice, PageHead, ProblemText } from '../ui/parts'
import { DeleteDialog } from './delete'
import { TextEditor } from '../ui/text-editor'

type Editable = Exclude<Kind, 'Instance'>
type AnyObject = { metadata: Meta }
type Check = { state: 'idle' | 'checking' | 'valid' } | { state: 'wrong'; error: Error }

/** Loads the object first, or begins with a template when there is no name. */
export function EditorPage({ kind, name }: { kind: Editable; name?: string }) {
  const { t } = useT()
  const [object, setObject] = useState<object | undefined>(name ? undefined : template(kind))
  const [error, setError] = useState<Error>()
  const [round, setRound] = useState(0)
  useEffect(() => {
    if (!name) return
    let over = false
    api<AnyObject>(`${paths[kind]}/${encodeURIComponent(name)}`).then(
      (o) => !over && (setError(undefined), setObject(draftOf(o))),
      (e: Error) => !over && setError(e),
    )
    return () => {
      over = true
    }
  }, [kind, name, round])
  if (error instanceof APIError && error.status === 404) return <Empty text={t('notFound', { kind: t(`kind.${kind}`), name: name ?? '' })} />
  if (error && !object) return <Failed error={error} again={() => setRound(round + 1)} />
  if (!object) return <Loading />
  return <Editor key={JSON.stringify(object)} kind={kind} name={name} object={object} onReload={() => setRound(round + 1)} />
}

function Editor({ kind, name, object, onReload }: { kind: Editable; name?: string; object: object; onReload: () => void }) {
  const { t } = useT()
  const { identity } = useSession()
  const { objects } = useObjects()
  const [format, setFormat] = useState<Format>('yaml')
  const [start, setStart] = useState(() => render(object, 'yaml'))
  const [text, setText] = useState(start)
  const [check, setCheck] = useState<Check>({ state: 'idle' })
  const [busy, setBusy] = useState(false)
  const [saved, setSaved] = useState<number>()
  const [conflict, setConflict] = useState<{ theirs: number | undefined }>()
  const [deleting, setDeleting] = useState(false)
  const [jump, setJump] = useState<{ line: number }>()
  const canWrite = may(identity.role, 'operator')
  const dirty = text !== start
  const target = name ?? nameIn(text, format)
  const exists = !name && (objects[kind] ?? []).some((o: AnyObject) => o.metadata.name === target)

  useUnsaved(dirty)

  const put = (dryRun: boolean, signal?: AbortSignal) =>
    api<AnyObject>(`${paths[kind]}/${encodeURIComponent(target ?? '')}${dryRun ? '?dryRun=true' : ''}`, {
      method: 'PUT',
      body: text,
      type: format === 'yaml' ? 'application/yaml' : 'application/json',
      signal,
    })

  // The node validates what stands there half a second after the last key.
  const putNow = useRef(put)
  putNow.current = put
  useEffect(() => {
    if (!dirty && name) {
      setCheck({ state: 'idle' })
      return
    }
    if (!target) {
      setCheck({ state: 'wrong', error: new Error(t('edit.noName')) })
      return
    }
    const abort = new AbortController()
    setCheck({ state: 'checking' })
    const timer = setTimeout(async () => {
      try {
        await putNow.current(true, abort.signal)
        if (!abort.signal.aborted) setCheck({ state: 'valid' })
      } catch (error) {
        if (abort.signal.aborted) return
        // A conflict is told when saving; the text itself is sound.
        setCheck(error instanceof APIError && error.status === 409 ? { state: 'valid' } : { state: 'wrong', error: error as Error })
      }
    }, 500)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [text, format, target, dirty, name, t])

  const save = async () => {
    setBusy(true)
    setConflict(undefined)
    setSaved(undefined)
    try {
      const now = await put(false)
      const next = render(draftOf(now), format)
      setStart(next)
      setText(next)
      setSaved(now.metadata.revision ?? 0)
      if (!name) go(kind === 'Route' ? link('routes', now.metadata.name) : link(paths[kind], now.metadata.name))
    } catch (error) {
      if (error instanceof APIError && error.status === 409) {
        const now = await api<AnyObject>(`${paths[kind]}/${encodeURIComponent(target ?? '')}`).catch(() => undefined)
        setConflict({ theirs: now?.metadata.revision })
      } else setCheck({ state: 'wrong', error: error as Error })
    }
    setBusy(false)
  }

  const convert = async (to: Format) => {
    if (to === format) return
    try {
      const value: object = format === 'json' ? (JSON.parse(text) as object) : draftOf(await put(true))
      const next = render(value, to)
      if (!dirty) setStart(next)
      setFormat(to)
      setText(next)
    } catch (error) {
      setCheck({ state: 'wrong', error: error instanceof SyntaxError ? error : new Error(t('edit.format.fix')) })
    }
  }

  const lineOf = (field: string) => (format === 'yaml' ? locate(text, field) : undefined)
  const problems = check.state === 'wrong' && check.error instanceof APIError ? (check.error.problem.errors ?? []) : []
  const marked = problems.map((p) => lineOf(p.field)).filter((n) => n !== undefined)

  return (
    <>
      <PageHead title={name ?? t('edit.new', { kind: t(`kind.${kind}`) })} lead={name ? t(`kind.${kind}`) : undefined}>
        {name && canWrite && (
          <button type="button" className="button danger" onClick={() => setDeleting(true)}>
            {t('delete')}
          </button>
        )}
      </PageHead>
      <div className="editor-bar">
        <fieldset className="segmented">
          <legend className="visually-hidden">{t('edit.format')}</legend>
          {(['yaml', 'json'] as const).map((f) => (
            <label key={f}>
              <input type="radio" name="format" checked={format === f} onChange={() => void convert(f)} />
              <span>{f.toUpperCase()}</span>
            </label>
          ))}
        </fieldset>
        <CheckState check={check} dirty={dirty} problems={problems.length} />
        {canWrite ? (
          <button type="button" id="save" className="button primary" disabled={busy || check.state !== 'valid' || exists || (!dirty && !!name)} onClick={() => void save()}>
            {busy ? t('edit.saving') : t(name ? 'edit.save' : 'edit.create')}
          </button>
        ) : (
          <span className="faint">{t('role.needs', { role: t('role.operator') })}</span>
        )}
      </div>
      {saved !== undefined && !dirty && (
        <Notice tone="good" icon="pass">
          {t('edit.saved', { revision: saved })}
        </Notice>
      )}
      {exists && <Notice tone="warn">{t('edit.exists', { kind: t(`kind.${kind}`), name: target ?? '' })}</Notice>}
      {conflict && (
        <Notice tone="fail">
          <p>{t('edit.conflict', { kind: t(`kind.${kind}`), yours: revisionIn(text) ?? '–', theirs: conflict.theirs ?? '–' })}</p>
          <div className="actions">
            <button type="button" className="button" onClick={onReload}>
              {t('edit.conflict.theirs')}
            </button>
            {conflict.theirs !== undefined && (
              <button
                type="button"
                className="button"
                onClick={() => {
                  setText(withRevision(text, conflict.theirs ?? 0) ?? text)
                  setConflict(undefined)
                }}
              >
                {t('edit.conflict.mine')}
              </button>
            )}
          </div>
        </Notice>
      )}
      {check.state === 'wrong' && (
        <div id="problems">
          <Notice tone="fail">
            <ProblemText
              error={check.error}
              locate={(field) => {
                const line = lineOf(field)
                return (
                  line !== undefined && (
                    <button type="button" className="text-button" onClick={() => setJump({ line })}>
                      {t('edit.line', { n: line + 1 })}
                    </button>
                  )
                )
              }}
            />
          </Notice>
        </div>
      )}
      <TextEditor label={t('edit.text')} value={text} readOnly={!canWrite} marked={marked} jump={jump} onChange={setText} />
      <p className="faint">{t('edit.hint')}</p>
      {deleting && name && <DeleteDialog kind={kind} name={name} onClose={() => setDeleting(false)} />}
    </>
  )
}

function CheckState({ check, dirty, problems }: { check: Check; dirty: boolean; problems: number }) {
  const { t } = useT()
  const text = {
    idle: dirty ? '' : t('edit.unchanged'),
    checking: t('edit.checking'),
    valid: t('edit.valid'),
    wrong: problems > 1 ? t('edit.errors', { n: problems }) : t('edit.error1'),
  }[check.state]
  return (
    <span id="check" data-state={check.state} className={`check ${check.state === 'valid' ? 'good' : check.state === 'wrong' ? 'bad' : 'faint'}`} role="status">
      {text}
    </span>
  )
}

/** Warns before the tab is closed with changes in it. */
function useUnsaved(dirty: boolean) {
  useEffect(() => {
    if (!dirty) return
    const warn = (e: BeforeUnloadEvent) => e.preventDefault()
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [dirty])
}
