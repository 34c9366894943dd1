// Objects said in words: "user=beta → 80 % runtime=java*, 20 % runtime=go*".

import type { BackendRef, RouteFilter, RouteMatch, RouteRule, ValueSource } from '../api/types'

/** A selector in words, sorted, "*" when empty: the name of a subset everywhere. */
export function selector(sel: Record<string, string> | undefined | null): string {
  const pairs = Object.entries(sel ?? {}).map(([k, v]) => `${k}=${v}`)
  return pairs.length ? pairs.sort().join(',') : '*'
}

/** One match: all of its conditions. Undefined when it holds for every request. */
export function match(m: RouteMatch): string | undefined {
  const parts: string[] = []
  for (const [k, v] of Object.entries(m.source ?? {}).sort(byKey)) parts.push(`${k}=${v}`)
  if (m.method) parts.push(m.method)
  if (m.path && !(m.path.value === '/' && (m.path.type ?? 'PathPrefix') === 'PathPrefix')) parts.push(pathText(m.path))
  const named = (what: string, list: RouteMatch['headers']) => {
    for (const v of list ?? []) parts.push(`${what} ${v.name}${v.type === 'RegularExpression' ? '~' : '='}${v.value}`)
  }
  named('header', m.headers)
  named('query', m.queryParams)
  named('cookie', m.cookies)
  return parts.length ? parts.join(' · ') : undefined
}

const byKey = (a: [string, string], b: [string, string]) => (a[0] < b[0] ? -1 : 1)

function pathText(p: NonNullable<RouteMatch['path']>): string {
  switch (p.type ?? 'PathPrefix') {
    case 'PathPrefix':
      return p.value.replace(/\/$/, '') + '/…'
    case 'RegularExpression':
      return `~ ${p.value}`
    default:
      return p.value
  }
}

/** The matches of a rule, any of which holds; empty: every request. */
export function matches(rule: RouteRule): string[] {
  const all = (rule.matches ?? []).map(match)
  return all.some((m) => m === undefined) ? [] : (all as string[])
}

export interface Target {
  percent: number
  service: string
  subset: string
}

/** Backends with the percent that their weight means. */
export function targets(refs: BackendRef[] | undefined): Target[] {
  const weight = (r: BackendRef) => r.weight ?? 1
  const total = (refs ?? []).reduce((sum, r) => sum + weight(r), 0)
  return (refs ?? []).map((r) => ({
    percent: total > 0 ? (100 * weight(r)) / total : 0,
    service: r.service,
    subset: selector(r.subset),
  }))
}

/** A target as a person says it: the subset when the service is clear, both when it is not. */
export function targetText(t: Target, alone: boolean): string {
  const name = t.subset === '*' ? t.service : `${t.service} ${t.subset}`
  return alone ? name : `${Number(t.percent.toFixed(t.percent < 1 ? 2 : 1))} % ${name}`
}

/** A filter in words, with the verb left to the language table. */
export function filter(f: RouteFilter): { verb: 'request' | 'response' | 'redirect' | 'rewrite' | 'mirror'; what: string } {
  const modifier = (m: RouteFilter['requestHeaderModifier']) =>
    [
      ...(m?.set ?? []).map((h) => `${h.name}: ${h.value}`),
      ...(m?.add ?? []).map((h) => `+${h.name}: ${h.value}`),
      ...(m?.remove ?? []).map((name) => `−${name}`),
    ].join(', ')
  switch (f.type) {
    case 'RequestHeaderModifier':
      return { verb: 'request', what: modifier(f.requestHeaderModifier) }
    case 'ResponseHeaderModifier':
      return { verb: 'response', what: modifier(f.responseHeaderModifier) }
    case 'RequestRedirect': {
      const r = f.requestRedirect
      const host = r?.hostname ? `${r.scheme ? r.scheme + '://' : ''}${r.hostname}${r.port ? ':' + r.port : ''}` : (r?.scheme ?? '')
      return { verb: 'redirect', what: `${r?.statusCode || 302} ${host}${r?.path?.value ?? ''}`.trim() }
    }
    case 'URLRewrite':
      return { verb: 'rewrite', what: [f.urlRewrite?.hostname, f.urlRewrite?.path?.value].filter(Boolean).join(' ') }
    default: {
      const m = f.requestMirror
      const target = m ? targetText({ percent: 100, service: m.backendRef.service, subset: selector(m.backendRef.subset) }, true) : ''
      return { verb: 'mirror', what: `${m?.percent ?? 100} % ${target}` }
    }
  }
}

/** Where a value is read. */
export function source(v: ValueSource): string {
  if (v.header) return `header ${v.header}`
  if (v.cookie) return `cookie ${v.cookie}`
  if (v.query) return `query ${v.query}`
  if (v.jwtClaim) return `JWT ${v.jwtClaim}`
  return v.clientIP ? 'client IP' : ''
}
