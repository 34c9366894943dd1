import { useEffect, useRef } from 'react'

interface Props {
  label: string
  value: string
  readOnly: boolean
  /** Lines with a problem, from 0. */
  marked: readonly number[]
  /** Put the caret there, each time the value is a new one. */
  jump: { line: number } | undefined
  onChange: (text: string) => void
}

/** A plain text area with line numbers. Tab indents unless Escape was pressed before, so that the keyboard is never trapped. */
export function TextEditor({ label, value, readOnly, marked, jump, onChange }: Props) {
  const area = useRef<HTMLTextAreaElement>(null)
  const gutter = useRef<HTMLDivElement>(null)
  const leaving = useRef(false)
  const lines = value.split('\n')

  useEffect(() => {
    const el = area.current
    if (!jump || !el) return
    const before = el.value.split('\n').slice(0, jump.line)
    const start = before.join('\n').length + (jump.line > 0 ? 1 : 0)
    const end = el.value.indexOf('\n', start)
    el.focus()
    el.setSelectionRange(start, end < 0 ? el.value.length : end)
    el.scrollIntoView({ block: 'nearest' })
  }, [jump])

  const key = (e: React.KeyboardEvent<HTMLTextAreaElement>) => {
    if (e.key === 'Escape') {
      leaving.current = true
      return
    }
    if (e.key === 'Tab' && !e.shiftKey && !leaving.current && !readOnly) {
      e.preventDefault()
      // Keeps the browser's own undo, which setting the value would lose.
      document.execCommand('insertText', false, '  ')
    }
    leaving.current = false
  }

  return (
    <div className="text-editor">
      <div className="gutter" aria-hidden="true" ref={gutter}>
        {lines.map((_, i) => (
          <div key={i} className={marked.includes(i) ? 'marked' : undefined}>
            {i + 1}
          </div>
        ))}
      </div>
      <textarea
        ref={area}
        id="text"
        aria-label={label}
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        wrap="off"
        readOnly={readOnly}
        rows={Math.max(18, lines.length + 1)}
        value={value}
        onChange={(e) => onChange(e.target.value)}
        onKeyDown={key}
      />
    </div>
  )
}
