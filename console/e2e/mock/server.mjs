// A make-believe node for developing the console and looking at its pages: the paths of /api/v1 with
// invented data that moves. It proves nothing about Jindu; e2e/run.mjs against a real node does.
//
//   node e2e/mock/server.mjs [--port 8091] [--token SECRET] [--role viewer] [--empty] [--dist]
//
// --dist serves the built page as well, under the policy that the node sends.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { casesOf, dataOf, diffOf, effectsOf, parkedOf, repairOf } from './data.mjs'
import { applyCommand, evidenceOf, tick, world } from './world.mjs'

const { values: args } = parseArgs({
  options: {
    port: { type: 'string', default: '8091' },
    token: { type: 'string' },
    role: { type: 'string', default: 'admin' },
    empty: { type: 'boolean' },
    dist: { type: 'boolean' },
  },
})

const state = world(Boolean(args.empty))
const watchers = new Set()
const dist = join(dirname(fileURLToPath(import.meta.url)), '../../dist')
const kinds = { services: 'Service', instances: 'Instance', routes: 'Route', migrations: 'Migration' }

function record(by, action, kind, name, before, after) {
  state.revision++
  state.audit.unshift({ revision: state.revision, at: new Date().toISOString(), by, action, kind, name, before, after })
  return state.revision
}

function emit(kind, name, object) {
  const e = { type: object ? 'put' : 'delete', kind, name, revision: state.revision, object }
  for (const send of watchers) send(e)
}

const problem = (status, code, title, detail, errors = []) => ({ status, body: { status, code, title, detail, errors } })

function validate(kind, name, o) {
  const errors = []
  const wrong = (field, value, detail) => errors.push({ field, value: String(value), detail })
  if (o?.kind !== kind) wrong('kind', o?.kind, `must be ${kind} at this address`)
  if (o?.metadata?.name !== name) wrong('metadata.name', o?.metadata?.name, `must be ${name} as in the address`)
  if (kind === 'Route') {
    if (!o?.spec?.rules?.length) wrong('spec.rules', '', 'at least one rule is needed')
    o?.spec?.rules?.forEach((r, i) => {
      r.matches?.forEach((m, j) => {
        if (m.path && m.path.type !== 'RegularExpression' && !String(m.path.value).startsWith('/'))
          wrong(`spec.rules[${i}].matches[${j}].path.value`, m.path.value, 'must begin with /')
      })
      const refs = r.backendRefs ?? []
      refs.forEach((b, j) => {
        if (!(b.weight === undefined || (Number.isInteger(b.weight) && b.weight >= 0)))
          wrong(`spec.rules[${i}].backendRefs[${j}].weight`, b.weight, 'must be a whole number from 0 to 1000000')
      })
      if (refs.length && refs.every((b) => b.weight === 0)) wrong(`spec.rules[${i}].backendRefs`, 'weights 0', 'the weights sum to zero; give at least one backend a weight above 0')
    })
  }
  return errors
}

function put(kind, name, text, type, dryRun) {
  let o
  try {
    o = type.includes('yaml') ? parse(text) : JSON.parse(text)
  } catch (e) {
    return problem(422, 'JD-API-020', 'Invalid', `the body cannot be read: ${e.message.split('\n')[0]}`)
  }
  const errors = validate(kind, name, o)
  if (errors.length) return problem(422, 'JD-ROUTE-001', 'Invalid', `${kind} ${name} has ${errors.length} wrong field${errors.length > 1 ? 's' : ''}`, errors)
  const had = state.objects[kind].get(name)
  if (o.metadata.revision && had?.metadata.revision !== o.metadata.revision)
    return problem(409, 'JD-OBJECT-003', 'Conflict', `${kind} ${name} is at revision ${had?.metadata.revision ?? 'none'}, not ${o.metadata.revision}`)
  const now = new Date().toISOString()
  const next = {
    ...o,
    metadata: { ...o.metadata, generation: (had?.metadata.generation ?? 0) + 1, created: had?.metadata.created ?? now, updated: now },
    status: had?.status ?? (kind === 'Route' ? { accepted: true } : {}),
  }
  if (dryRun) return { status: 200, body: next }
  next.metadata.revision = record('local', had ? 'update' : 'create', kind, name, had?.spec, next.spec)
  state.objects[kind].set(name, next)
  emit(kind, name, next)
  return { status: had ? 200 : 201, body: next }
}

function sse(res, start) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const send = (data, event) => res.write(`${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(data)}\n\n`)
  const stop = start(send)
  res.on('close', stop)
}

async function handle(req, res) {
  const url = new URL(req.url, 'http://mock')
  if (!url.pathname.startsWith('/api/v1/')) return page(url.pathname, res)
  if (args.token && req.headers.authorization !== `Bearer ${args.token}`) {
    return answer(res, problem(401, 'JD-API-003', 'Denied', 'no identity; send Authorization: Bearer TOKEN'))
  }
  const [what, rawName, verb] = url.pathname.slice('/api/v1/'.length).split('/')
  const name = rawName && decodeURIComponent(rawName)
  let text = ''
  for await (const chunk of req) text += chunk
  const ok = (body, status = 200) => answer(res, { status, body })

  switch (what) {
    case 'identity':
      return ok({ name: args.token ? 'li.wei' : 'local', role: args.role })
    case 'node':
      return ok({ version: '0.1.0-mock', go: 'go1.26.8', os: 'linux', arch: 'arm64', started: state.started, ready: true, gateway: '127.0.0.1:8080', revision: state.revision, applied: state.revision })
    case 'overview':
      if (name !== 'stream') return ok(state.overview)
      return sse(res, (send) => {
        send(state.overview)
        const timer = setInterval(() => send(state.overview), 1000)
        return () => clearInterval(timer)
      })
    case 'estate':
      return ok(state.estate)
    case 'watch':
      return sse(res, (send) => {
        const put = (e) => send(e, 'change')
        watchers.add(put)
        return () => watchers.delete(put)
      })
    case 'audit': {
      const before = Number(url.searchParams.get('before') ?? Infinity)
      const kind = url.searchParams.get('kind')
      const all = state.audit.filter((r) => r.revision < before && (!kind || r.kind === kind))
      return ok({ items: all.slice(0, 20), next: all.length > 20 ? all[19].revision : undefined })
    }
  }
  const kind = kinds[what]
  if (!kind) return answer(res, problem(404, 'JD-API-001', 'NotFound', `there is nothing at ${url.pathname}`))
  const all = state.objects[kind]
  if (!name) return ok({ items: [...all.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)), revision: state.revision })
  if (req.method === 'PUT') return answer(res, put(kind, name, text, req.headers['content-type'] ?? '', url.searchParams.get('dryRun') === 'true'))
  const object = all.get(name)
  if (!object) return answer(res, problem(404, 'JD-OBJECT-001', 'NotFound', `there is no ${kind} named ${name}`))
  if (req.method === 'DELETE') {
    record('local', 'delete', kind, name, object.spec)
    all.delete(name)
    emit(kind, name)
    return answer(res, { status: 204 })
  }
  if (kind === 'Migration' && verb === 'evidence') return ok(evidenceOf(state, object))
  if (kind === 'Migration' && verb === 'effects') return ok(effectsOf())
  if (kind === 'Migration' && verb === 'data') return ok(dataOf(name))
  if (kind === 'Migration' && verb === 'cases') return ok(casesOf())
  if (kind === 'Migration' && verb === 'parked') return ok(parkedOf())
  if (kind === 'Migration' && verb === 'diff') return ok(diffOf())
  if (kind === 'Migration' && verb === 'repair') return ok(repairOf(JSON.parse(text || '{}')))
  if (kind === 'Migration' && verb === 'report') {
    const html = url.searchParams.get('format') === 'html'
    res.writeHead(200, { 'Content-Type': html ? 'text/html' : 'application/json' })
    return res.end(html ? `<h1>${name}</h1>` : JSON.stringify({ name, spec: object.spec, status: object.status }))
  }
  if (kind === 'Migration' && verb && req.method === 'POST') {
    const { reason } = JSON.parse(text || '{}')
    const before = structuredClone(object)
    const error = applyCommand(object, verb, 'local', reason)
    if (error) return answer(res, problem(409, 'JD-MIGRATE-010', 'Conflict', error))
    if (JSON.stringify(before.spec) !== JSON.stringify(object.spec)) object.metadata.revision = record('local', 'update', kind, name, before.spec, object.spec)
    if (JSON.stringify(before.status) !== JSON.stringify(object.status)) object.metadata.revision = record('local', 'transition', kind, name, before.status, object.status)
    emit(kind, name, object)
    return ok(object)
  }
  return ok(object)
}

function answer(res, { status, body }) {
  res.writeHead(status, { 'Content-Type': status >= 400 ? 'application/problem+json' : 'application/json' })
  res.end(body === undefined ? undefined : JSON.stringify(body))
}

const media = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }

async function page(path, res) {
  const name = path === '/' ? '/index.html' : normalize(path)
  try {
    if (!args.dist) throw new Error('not served')
    const body = await readFile(join(dist, name))
    res.writeHead(200, {
      'Content-Type': media[extname(name)] ?? 'application/octet-stream',
      'Content-Security-Policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    })
    res.end(body)
  } catch {
    res.writeHead(404)
    res.end('not found')
  }
}

setInterval(() => {
  for (const m of tick(state)) {
    m.object.metadata.revision = record('controller:migrate', 'transition', 'Migration', m.object.metadata.name, m.before, m.object.status)
    emit('Migration', m.object.metadata.name, m.object)
  }
}, 1000)
tick(state)

createServer((req, res) => {
  handle(req, res).catch((e) => answer(res, problem(500, '', 'Internal', String(e))))
}).listen(Number(args.port), '127.0.0.1', () => console.log(`mock node at http://127.0.0.1:${args.port}`))
