import { useState, type ReactNode } from 'react'
import { useT } from '../i18n'
import { Icon } from './icons'

// A table that becomes a list of cards on a phone. Columns with a sort value can be sorted.

export interface Column<Row> {
  key: string
  head: ReactNode
  title?: string
  cell: (row: Row) => ReactNode
  sort?: (row: Row) => string | number
  num?: boolean
  className?: string
}

interface Props<Row> {
  label: string
  columns: Column<Row>[]
  rows: readonly Row[]
  id: (row: Row) => string
  /** Details below a row, opened by a button in its first cell. */
  details?: (row: Row) => ReactNode
  opened?: (row: Row) => boolean
  rowClass?: (row: Row) => string
}

export function Table<Row>({ label, columns, rows, id, details, opened, rowClass }: Props<Row>) {
  const { t } = useT()
  const [order, setOrder] = useState<{ key: string; down: boolean } | null>(null)
  const [open, setOpen] = useState<Record<string, boolean>>({})
  const by = order && columns.find((c) => c.key === order.key)?.sort
  const sorted = by ? [...rows].sort((a, b) => compare(by(a), by(b)) * (order.down ? -1 : 1)) : rows

  const head = (c: Column<Row>) => {
    const state = order?.key === c.key ? (order.down ? 'descending' : 'ascending') : undefined
    return (
      <th key={c.key} scope="col" title={c.title} className={cls(c)} aria-sort={state}>
        {c.sort ? (
          <button type="button" className="sort" onClick={() => setOrder(next(order, c))}>
            {c.head}
            <span aria-hidden="true">{state === 'ascending' ? '↑' : state === 'descending' ? '↓' : ''}</span>
          </button>
        ) : (
          c.head
        )}
      </th>
    )
  }

  const isOpen = (row: Row) => open[id(row)] ?? opened?.(row) ?? false
  return (
    <div className="table-wrap">
      <table aria-label={label}>
        <thead>
          <tr>{columns.map(head)}</tr>
        </thead>
        {sorted.map((row) => (
          <tbody key={id(row)} className={rowClass?.(row)}>
            <tr>
              {columns.map((c, i) => {
                const text = c.cell(row)
                if (i > 0 || !details)
                  return (
                    <td key={c.key} className={cls(c)} data-label={typeof c.head === 'string' ? c.head : undefined}>
                      {text}
                    </td>
                  )
                return (
                  <td key={c.key} className={cls(c)}>
                    <button
                      type="button"
                      className="expander"
                      aria-expanded={isOpen(row)}
                      aria-label={t(isOpen(row) ? 'collapse' : 'expand')}
                      onClick={() => setOpen({ ...open, [id(row)]: !isOpen(row) })}
                    >
                      <Icon name="chevron" />
                    </button>
                    {text}
                  </td>
                )
              })}
            </tr>
            {details && isOpen(row) && (
              <tr className="details">
                <td colSpan={columns.length}>{details(row)}</td>
              </tr>
            )}
          </tbody>
        ))}
      </table>
    </div>
  )
}

const cls = <Row,>(c: Column<Row>) => [c.num ? 'num' : '', c.className ?? ''].join(' ').trim() || undefined

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b))
}

/** Unsorted, then the way that is wanted first (large numbers, early names), then the other, then unsorted. */
function next<Row>(order: { key: string; down: boolean } | null, c: Column<Row>): { key: string; down: boolean } | null {
  const first = c.num === true
  if (order?.key !== c.key) return { key: c.key, down: first }
  return order.down === first ? { key: c.key, down: !first } : null
}
