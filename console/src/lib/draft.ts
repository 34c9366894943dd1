// Text of an object in the editor: what is shown, its name, new ones to begin from. Pure.

import type { Kind } from '../api/types'
import { toYAML } from './yaml'

export type Format = 'yaml' | 'json'

interface AnyObject {
  apiVersion?: string
  kind?: string
  metadata?: Record<string, unknown>
  spec?: unknown
}

/** The object as its owner writes it: no status, and of the server's own fields only the revision, which guards the write. */
export function draftOf(object: object): AnyObject {
  const { apiVersion, kind, metadata, spec } = object as AnyObject
  const { name, labels, revision } = metadata ?? {}
  return { apiVersion, kind, metadata: { name, ...(labels ? { labels } : {}), ...(revision ? { revision } : {}) }, spec }
}

export const render = (value: object, format: Format) => (format === 'yaml' ? toYAML(value) : JSON.stringify(value, null, 2) + '\n')

/** metadata.name of the text, read without understanding the rest of it. */
export function nameIn(text: string, format: Format): string | undefined {
  if (format === 'json') {
    try {
      const name = (JSON.parse(text) as AnyObject).metadata?.['name']
      return typeof name === 'string' ? name : undefined
    } catch {
      return undefined
    }
  }
  const flow = /^metadata:\s*\{.*?\bname:\s*["']?([^"',}\s]+)/m.exec(text)
  if (flow) return flow[1]
  const block = /^metadata:[^\S\n]*\n((?:[^\S\n]+.*\n|[^\S\n]*\n)*)/m.exec(text + '\n')
  return /^[^\S\n]+name:\s*["']?([^"'\s#]+)/m.exec(block?.[1] ?? '')?.[1]
}

/** The text with metadata.revision set to another one, or nothing when it has none. */
export function withRevision(text: string, revision: number): string | undefined {
  const at = /^(\s*"?revision"?\s*:\s*)\d+/m
  return at.test(text) ? text.replace(at, `$1${revision}`) : undefined
}

/** The revision that the text is guarded by. */
export function revisionIn(text: string): number | undefined {
  const found = /^\s*"?revision"?\s*:\s*(\d+)/m.exec(text)?.[1]
  return found ? Number(found) : undefined
}

/** A new object to begin from. */
export function template(kind: Kind): object {
  const head = { apiVersion: 'jindu.dev/v1', kind, metadata: { name: '' } }
  switch (kind) {
    case 'Route':
      return {
        ...head,
        metadata: { name: 'new-route' },
        spec: {
          sourceTags: [{ name: 'user', from: { header: 'X-User-Group' } }],
          rules: [
            {
              name: 'beta',
              matches: [{ source: { user: 'beta' }, path: { type: 'PathPrefix', value: '/orders' } }],
              backendRefs: [
                { service: 'orders', subset: { runtime: 'java*' }, weight: 80 },
                { service: 'orders', subset: { runtime: 'go*' }, weight: 20 },
              ],
            },
          ],
        },
      }
    case 'Migration':
      return {
        ...head,
        metadata: { name: 'new-migration' },
        spec: { service: 'orders', from: { runtime: 'java17' }, to: { runtime: 'go1.26' }, steps: [1, 5, 25, 50, 100], approval: { promote: true } },
      }
    default:
      return { ...head, metadata: { name: 'new-service' }, spec: { description: '', owner: '', healthCheck: { type: 'HTTP', path: '/healthz', interval: '2s' } } }
  }
}
