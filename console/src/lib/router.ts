import { useSyncExternalStore } from 'react'

// The path after #, decoded, without the leading slash: "#/routes/shop?wall=1" is ["routes", "shop"] and wall=1.
export interface Place {
  parts: string[]
  query: URLSearchParams
}

export function parsePlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2)
  return { parts: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The link to a place. */
export const link = (...parts: string[]) => '#/' + parts.map(encodeURIComponent).join('/')

export function go(to: string) {
  location.hash = to
}

const subscribe = (changed: () => void) => {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}

export function usePlace(): Place {
  return parsePlace(useSyncExternalStore(subscribe, () => location.hash))
}
