// The admin API of the node that served the page.

import type { Problem } from './types'

/** An error of the API, or status 0 when there was no answer. */
export class APIError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail || problem.title)
  }
}

const tokenKey = 'jindu.token'
let token: string | null = read()
const denied = new Set<() => void>()

function read(): string | null {
  try {
    return sessionStorage.getItem(tokenKey)
  } catch {
    return null
  }
}

/** Keeps the token until the browser's tab closes. */
export function setToken(value: string | null) {
  token = value
  try {
    if (value) sessionStorage.setItem(tokenKey, value)
    else sessionStorage.removeItem(tokenKey)
  } catch {
    // kept in memory only
  }
}

export const hasToken = () => token !== null

/** Is called when the API answers 401. */
export function onDenied(f: () => void): () => void {
  denied.add(f)
  return () => denied.delete(f)
}

export const apiURL = (path: string) => new URL('api/v1/' + path.replace(/^\//, ''), document.baseURI).href.replace(/#.*$/, '')

/** Whom the caller is, as the node asks: a token, or on the node's own machine a name for the audit. */
export function authorization(): Record<string, string> {
  if (token) return { Authorization: `Bearer ${token}` }
  const name = actor()
  return name ? { 'X-Jindu-Actor': name } : {}
}

const actorKey = 'jindu.actor'

/** What the node takes as the name of a person. */
export const actorPattern = '[A-Za-z0-9._@\\-]{1,64}'

/** The name that a local caller gave; it is a claim and gives no rights. */
export function actor(): string {
  try {
    const name = localStorage.getItem(actorKey) ?? ''
    return new RegExp(`^${actorPattern}$`).test(name) ? name : ''
  } catch {
    return ''
  }
}

export function setActor(name: string) {
  try {
    if (name) localStorage.setItem(actorKey, name)
    else localStorage.removeItem(actorKey)
  } catch {
    // storage is forbidden: audit says local
  }
}

export interface Ask {
  method?: string
  body?: string
  type?: string
  signal?: AbortSignal
}

async function send(path: string, ask: Ask): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...authorization() }
  if (ask.body !== undefined) headers['Content-Type'] = ask.type ?? 'application/json'
  let res: Response
  try {
    res = await fetch(apiURL(path), {
      method: ask.method ?? 'GET',
      headers,
      body: ask.body,
      signal: ask.signal ?? AbortSignal.timeout(15_000),
      cache: 'no-store',
    })
  } catch (cause) {
    throw new APIError(0, { status: 0, title: 'Unavailable', code: '', detail: cause instanceof Error ? cause.message : String(cause) })
  }
  if (res.ok) return res
  const problem = await readProblem(res)
  if (res.status === 401) for (const f of denied) f()
  throw new APIError(res.status, problem)
}

async function readProblem(res: Response): Promise<Problem> {
  const text = await res.text().catch(() => '')
  try {
    const body = JSON.parse(text) as Partial<Problem>
    return { status: res.status, title: body.title ?? res.statusText, code: body.code ?? '', detail: body.detail ?? '', errors: body.errors ?? [] }
  } catch {
    return { status: res.status, title: res.statusText, code: '', detail: text.slice(0, 300) }
  }
}

export async function api<T>(path: string, ask: Ask = {}): Promise<T> {
  const res = await send(path, ask)
  const text = await res.text()
  return (text ? JSON.parse(text) : undefined) as T
}

/** Gets a document and offers it as a file. */
export async function download(path: string, name: string) {
  const blob = await (await send(path, { signal: AbortSignal.timeout(60_000) })).blob()
  const url = URL.createObjectURL(blob)
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
