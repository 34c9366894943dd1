// What differs between two JSON values, path by path, for the audit page.

export interface Change {
  path: string
  before: unknown
  after: unknown
}

/** Leaves that differ, in the order of the paths; undefined is absent. */
export function diff(before: unknown, after: unknown, path = ''): Change[] {
  if (Object.is(before, after)) return []
  if (isTree(before) || isTree(after)) {
    if ((isTree(before) || before === undefined) && (isTree(after) || after === undefined) && !mixed(before, after)) {
      const a = (before ?? {}) as Record<string, unknown>
      const b = (after ?? {}) as Record<string, unknown>
      const list = Array.isArray(before ?? after)
      const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
      if (keys.length === 0) return before === undefined || after === undefined ? [{ path, before, after }] : []
      return keys.flatMap((k) => diff(a[k], b[k], list ? `${path}[${k}]` : path ? `${path}.${k}` : k))
    }
  }
  return [{ path, before, after }]
}

const isTree = (v: unknown): v is object => v !== null && typeof v === 'object'
const mixed = (a: unknown, b: unknown) => a !== undefined && b !== undefined && Array.isArray(a) !== Array.isArray(b)

export function show(v: unknown): string {
  return typeof v === 'string' ? v : JSON.stringify(v)
}
