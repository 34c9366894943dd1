// The invented estate of the mock: services of a bank on their way from Java to Go.

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString()
const meta = (name, revision = 10) => ({ name, generation: 1, revision, created: ago(864000), updated: ago(3600) })
const object = (kind, name, spec, status, revision) => ({ apiVersion: 'jindu.dev/v1', kind, metadata: meta(name, revision), spec, status })

const plan = [
  // service, owner, description, old instances, new instances, requests a second, phase, buckets
  ['orders', 'trade-core', 'Places, reads and cancels orders', 3, 2, 2040, 'ramp', 2500],
  ['payments', 'payments', 'Authorises and captures payments', 4, 3, 870, 'hold', 10000],
  ['catalog', 'merchandise', 'Products, prices and stock on display', 0, 4, 3120, 'done', 10000],
  ['accounts', 'identity', 'Customers and their accounts', 3, 2, 640, 'rolled_back', 0],
  ['pricing', 'merchandise', 'Quotes and campaigns', 2, 1, 410, 'mirror', 0],
  ['settlement', 'ledger', 'Nightly and intraday settlement', 2, 0, 35, undefined, 0],
  ['notify', 'platform', 'Mail, SMS and push', 3, 0, 122, undefined, 0],
  ['risk-score', 'risk', 'Scores a transaction before it is booked', 2, 2, 505, 'observe', 0],
]

const sides = { from: { runtime: 'java17' }, to: { runtime: 'go1.26' } }
const steps = [1, 5, 25, 50, 100]

export function world(empty) {
  const state = {
    started: ago(7530),
    revision: 240,
    audit: [],
    overview: {},
    estate: [],
    counters: {},
    objects: { Service: new Map(), Instance: new Map(), Route: new Map(), Migration: new Map() },
  }
  if (!empty) fill(state)
  return state
}

function fill(state) {
  const put = (o) => state.objects[o.kind].set(o.metadata.name, o)
  plan.forEach(([name, owner, description, olds, news, , phase, buckets], n) => {
    put(object('Service', name, { description, owner, healthCheck: name === 'notify' ? undefined : { type: 'HTTP', path: '/healthz', interval: '2s' } }, { instances: olds + news, usable: olds + news, protected: name === 'notify' || undefined }))
    for (let i = 0; i < olds + news; i++) {
      const isNew = i >= olds
      const o = object(
        'Instance',
        `${name}-10.4.${n + 1}.${11 + i}-8${isNew ? '1' : '0'}80`,
        {
          service: name,
          ip: `10.4.${n + 1}.${11 + i}`,
          port: isNew ? 8180 : 8080,
          ttl: '15s',
          metadata: { runtime: isNew ? 'go1.26' : 'java17', version: isNew ? '2.0.3' : '1.48.0', cluster: i % 2 ? 'sh-b' : 'sh-a', arch: isNew ? 'arm64' : 'amd64' },
        },
        { state: 'serving', healthy: true, lastHeartbeat: ago(i + 1) },
      )
      if (name === 'orders' && i === 1) o.status = { ...o.status, state: 'draining' }
      if (name === 'accounts' && i === 3) o.status = { ...o.status, ejected: true }
      if (name === 'pricing' && i === 1) o.status = { ...o.status, healthy: false, reason: 'GET /healthz answered 503 three times in a row' }
      put(o)
    }
    if (phase) put(object('Migration', `${name}-to-go`, { service: name, ...sides, steps, observe: phase === 'observe' || undefined, approval: { promote: name === 'payments' } }, statusOf(name, phase, buckets)))
  })
  state.objects.Service.get('pricing').status.usable--
  state.objects.Service.get('accounts').status.usable--
  routes().forEach(put)
  state.audit = history()
}

function gate(name, verdict, value, bound, samples, detail, baseline = 'concurrent') {
  return { name, verdict, value, bound, samples, detail, baseline: name === 'mirror_drops' || name === 'mismatch' ? undefined : baseline }
}

function gatesOf(phase, name) {
  const moved = phase === 'ramp' || phase === 'hold' || phase === 'done'
  return [
    name === 'accounts'
      ? gate('mismatch', 'fail', 1.84, 1, 5210, '96 of 5,210 clusters differ at $.account.limit of GET /accounts/{id}; b = 96, c = 0, p = 1.3e-29 against alpha 0.0017')
      : phase === 'mirror' || phase === 'observe'
        ? gate('mismatch', 'not_enough', 0, 1, 188, 'GET /quotes/{sku} has 188 clusters of 300; the smallest difference it could show is 2.4 %')
        : gate('mismatch', 'pass', 0, 1, 48211, 'no path differs beyond noise; every endpoint could have shown 0.11 % or less'),
    moved
      ? gate('errors', 'pass', 0.02, 0.5, 61230, 'new 0.03 % against old 0.01 %; upper bound of the excess 0.06 points', phase === 'ramp' ? 'concurrent' : 'frozen')
      : gate('errors', 'not_enough', 0, 0.5, 0, 'no user is on the new side'),
    moved
      ? gate('latency', 'pass', 1.12, 3, 61230, '1.12 % of new answers took longer than 1.25 x old p99 + 5 ms = 31.2 ms; upper bound 1.21 %', phase === 'ramp' ? 'concurrent' : 'frozen')
      : gate('latency', 'not_enough', 0, 3, 0, 'no user is on the new side'),
    gate('mirror_drops', 'pass', 0.004, 0.1, 92110, '4 of 92,110 copies were dropped'),
  ]
}

function statusOf(name, phase, buckets) {
  const gates = gatesOf(phase, name)
  const verdict = gates.some((g) => g.verdict === 'fail') ? 'fail' : gates.some((g) => g.verdict === 'not_enough') ? 'not_enough' : 'pass'
  const walk = { mirror: 1, observe: 1, ramp: 4, hold: 6, done: 7, rolled_back: 3 }[phase]
  const all = [
    ['mirror', -1, 0, 'the new side is compared; no user moves'],
    ['ramp', 0, 100, 'all gates pass after 12m'],
    ['ramp', 1, 500, 'all gates pass after 10m'],
    ['ramp', 2, 2500, 'all gates pass after 10m'],
    ['ramp', 3, 5000, 'all gates pass after 10m'],
    ['hold', 4, 10000, 'all gates pass after 11m'],
    ['done', 4, 10000, 'held for 1h with every gate passing'],
  ].slice(0, walk)
  if (phase === 'observe') all[0] = ['observe', -1, 0, 'copies come from nginx']
  if (phase === 'rolled_back') all.push(['rolled_back', -1, 0, 'mismatch failed: $.account.limit of GET /accounts/{id} differs for 96 of 5,210 clusters'])
  const start = 660 * all.length
  const history = all.map(([p, step, b, reason], i) => ({
    at: ago(start - i * 640),
    by: 'controller',
    phase: p,
    step,
    buckets: b,
    reason,
    verdict: i === 0 ? undefined : p === 'rolled_back' ? 'fail' : 'pass',
    gates: i === 0 ? undefined : gates.map((g) => ({ ...g, verdict: p === 'rolled_back' ? g.verdict : 'pass' })),
  }))
  const last = history.at(-1)
  return {
    phase,
    step: last.step,
    buckets,
    epoch: history.length,
    since: last.at,
    reason: last.reason,
    blocked: { mirror: 'mismatch: GET /quotes/{sku} has 188 clusters of 300', observe: 'spec.observe is set: no user moves', ramp: 'step time: 4m 10s of 10m' }[phase],
    verdict,
    gates,
    history,
    versions: '1.48.0 → 2.0.3',
    firstDifference: phase === 'rolled_back' ? { endpoint: 'GET /accounts/{id}', path: '$.account.limit' } : undefined,
    pending: name === 'payments' ? { command: 'promote', by: 'chen.jing', at: ago(300) } : undefined,
  }
}

function routes() {
  return [
    object(
      'Route',
      'shop',
      {
        hostnames: ['shop.example.com', '*.shop.example.com'],
        sourceTags: [{ name: 'user', from: { header: 'X-User-Group' } }],
        rules: [
          {
            name: 'beta',
            matches: [{ source: { user: 'beta' }, path: { value: '/catalog' } }],
            backendRefs: [
              { service: 'catalog', subset: { runtime: 'java*' }, weight: 80 },
              { service: 'catalog', subset: { runtime: 'go*' }, weight: 20 },
            ],
            stickiness: { subject: [{ cookie: 'uid' }] },
          },
          { name: 'orders', matches: [{ path: { value: '/orders' } }, { path: { type: 'Template', value: '/users/{id}/orders' }, method: 'GET' }], backendRefs: [{ service: 'orders' }] },
          { name: 'catalog', matches: [{ path: { value: '/catalog' } }], backendRefs: [{ service: 'catalog' }] },
        ],
      },
      { accepted: true, revision: 238 },
    ),
    object(
      'Route',
      'pay',
      {
        rules: [
          { matches: [{ path: { value: '/payments' } }], filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'X-Channel', value: 'web' }] } }], backendRefs: [{ service: 'payments' }] },
          { matches: [{ path: { type: 'Exact', value: '/pay' } }], filters: [{ type: 'RequestRedirect', requestRedirect: { path: { type: 'ReplaceFullPath', value: '/payments' }, statusCode: 308 } }] },
        ],
      },
      { accepted: true, revision: 238 },
    ),
    object(
      'Route',
      'legacy-soap',
      { hostnames: ['soap.internal'], rules: [{ backendRefs: [{ service: 'soap-bridge' }] }] },
      { accepted: false, warnings: ['spec.rules[0]: the service soap-bridge has no usable instance; requests are answered 503'] },
    ),
  ]
}

function history() {
  const out = []
  let revision = 240
  const add = (seconds, by, action, kind, name, before, after) => out.push({ revision: revision--, at: ago(seconds), by, action, kind, name, before, after })
  add(250, 'controller:migrate', 'transition', 'Migration', 'orders-to-go', { phase: 'ramp', step: 1, buckets: 500, epoch: 3, verdict: 'pass' }, { phase: 'ramp', step: 2, buckets: 2500, epoch: 4, verdict: 'pass' })
  add(900, 'wang.fang', 'update', 'Route', 'shop', { rules: [{ name: 'beta', backendRefs: [{ weight: 90 }, { weight: 10 }] }] }, { rules: [{ name: 'beta', backendRefs: [{ weight: 80 }, { weight: 20 }] }] })
  add(2100, 'controller:migrate', 'transition', 'Migration', 'accounts-to-go', { phase: 'ramp', buckets: 500, verdict: 'pass' }, { phase: 'rolled_back', buckets: 0, verdict: 'fail', reason: 'mismatch failed: $.account.limit of GET /accounts/{id}' })
  add(5400, 'wang.fang', 'create', 'Migration', 'pricing-to-go', undefined, { service: 'pricing', ...sides, steps })
  add(86400 * 2, 'li.wei', 'delete', 'Route', 'old-promo', { rules: [{ backendRefs: [{ service: 'promo' }] }] })
  for (let i = 0; i < 30; i++) add(86400 * 3 + i * 3000, i % 3 ? 'register:orders' : 'li.wei', i % 3 ? 'create' : 'update', i % 3 ? 'Instance' : 'Service', i % 3 ? `orders-10.4.1.${i}-8080` : 'orders', i % 3 ? undefined : { owner: 'trade' }, i % 3 ? { service: 'orders', ip: `10.4.1.${i}`, port: 8080 } : { owner: 'trade-core' })
  return out
}

const wave = (n, seed, amount) => n * (1 + amount * Math.sin(Date.now() / 9000 + seed * 2.1) + amount * 0.4 * (Math.random() - 0.5))

/** Moves the world on by a second; returns the migrations that made a transition. */
export function tick(state) {
  const moved = []
  const subsets = []
  state.estate = []
  plan.forEach(([name, owner, , olds, news, base], n) => {
    if (!state.objects.Service.has(name)) return
    const m = state.objects.Migration.get(`${name}-to-go`)
    const buckets = m?.status.buckets ?? 0
    const total = wave(base, n, 0.12)
    const share = buckets / 10000
    const row = (subset, rate, p50, p99, errorShare) => {
      if (rate > 0) subsets.push({ service: name, subset, rate, errors: Math.random() < 0.3 ? rate * errorShare : 0, p50Micros: Math.round(wave(p50, n, 0.05)), p99Micros: Math.round(wave(p99, n + 1, 0.15)) })
    }
    if (m) {
      row('runtime=java17', total * (1 - share), 6200, 24100, 0.0004)
      row('runtime=go1.26', total * share, 2900, 12400, 0.0003)
      const key = state.counters[name] ??= { old: 0, new: 0, compared: 21000 }
      key.old += total * (1 - share)
      key.new += total * share
      key.compared += Math.round(total * 0.4)
    } else row('*', total, 8100, 40100, 0.002)
    const usable = [...state.objects.Instance.values()].filter((i) => i.spec.service === name && i.status.healthy && !i.status.ejected && i.status.state === 'serving').length
    state.estate.push({
      service: name,
      owner,
      runtimes: Object.fromEntries([['java17', olds], ['go1.26', news]].filter(([, k]) => k > 0)),
      usable,
      rate: total,
      newShare: share * 100 * (share > 0 && share < 1 ? 0.97 : 1),
      migration: m?.metadata.name,
      phase: m?.status.phase,
      share: share * 100,
      blocked: m?.status.phase === 'rolled_back' ? m.status.reason : m?.status.blocked,
    })
    if (m?.status.phase === 'ramp' && !m.spec.paused && Date.now() - Date.parse(m.status.since) > 25_000 * 60) moved.push(promote(m, 'controller', 'all gates pass after 25m'))
  })
  state.estate.sort((a, b) => (a.service < b.service ? -1 : 1))
  for (const i of state.objects.Instance.values()) if (Math.random() < 0.3) i.status.lastHeartbeat = new Date().toISOString()
  const sum = (k) => subsets.reduce((a, s) => a + s[k], 0)
  state.overview = { at: new Date().toISOString(), seconds: 1, rate: sum('rate'), errors: sum('errors'), inFlight: Math.round(sum('rate') / 140), connections: subsets.length ? 512 + Math.round(Math.random() * 9) : 0, subsets: subsets.sort((a, b) => b.rate - a.rate) }
  return moved
}

function move(m, by, phase, step, buckets, reason) {
  const before = structuredClone(m.status)
  const at = new Date().toISOString()
  Object.assign(m.status, { phase, step, buckets, reason, since: at, epoch: m.status.epoch + 1, pending: undefined })
  m.status.history = [...m.status.history, { at, by, phase, step, buckets, reason, verdict: m.status.verdict, gates: m.status.gates }].slice(-64)
  return { object: m, before }
}

function promote(m, by, reason) {
  const step = m.status.step + 1
  if (m.status.phase === 'hold') return move(m, by, 'done', m.status.step, 10000, reason)
  return move(m, by, steps[step] === 100 ? 'hold' : 'ramp', step, steps[step] * 100, reason)
}

/** Carries a command out, or says why not. */
export function applyCommand(m, verb, by, reason = '') {
  switch (verb) {
    case 'pause':
      m.spec.paused = true
      return undefined
    case 'resume':
      delete m.spec.paused
      if (m.status.phase === 'rolled_back') {
        m.status.firstDifference = undefined
        move(m, by, 'mirror', -1, 0, reason || 'resumed')
      }
      return undefined
    case 'promote':
      if (m.status.phase === 'done') return 'the migration is done'
      if (m.spec.approval?.promote && !m.status.pending) {
        m.status.pending = { command: 'promote', by, at: new Date().toISOString() }
        return undefined
      }
      promote(m, by, reason || 'promoted by hand')
      return undefined
    case 'rollback':
      move(m, by, 'rolled_back', -1, 0, reason || 'rolled back by hand')
      m.status.blocked = undefined
      return undefined
    default:
      return `there is no command ${verb}`
  }
}

const sample = (i, old, now) => ({ at: ago(40 + i * 7), old, new: now, trace: `4bf92f3577b34da6a3ce929d0e0e47${(16 + i).toString(16)}` })
const path = (p, cls, verdict, b, c, noise, more = {}) => ({ path: p, class: cls, verdict, clusters: 5210, evidence: b, counter: c, noise, subjects: b, pValue: b > 5 ? 1.3e-29 : 1, alpha: 0.0017, samples: [], ...more })

export function evidenceOf(state, m) {
  const k = state.counters[m.spec.service] ?? { old: 0, new: 0, compared: 0 }
  const accounts = m.spec.service === 'accounts'
  const early = m.status.phase === 'mirror' || m.status.phase === 'observe'
  const endpoint = (name, verdict, clusters, extra = {}) => ({
    endpoint: name, verdict, pairs: Math.round(clusters * 1.6), clusters, triples: Math.round(clusters * 0.31), notComparable: 0,
    mismatches: 0, rate: 0, low: 0, high: clusters ? 3.84 / (clusters + 3.84) : 1, detectable: clusters ? 4.6 / clusters : 1, paths: [], omittedPaths: 0, ...extra,
  })
  const noisy = [
    path('$.servedAt', 'time_like', 'pass', 0, 0, 1610),
    path('$.requestId', 'id_like', 'pass', 0, 0, 1610, { samples: [sample(1, 'id:36', 'id:36')] }),
    path('header:Cache-Control', 'deterministic', 'pass', 3210, 0, 0, { ignored: 'wang.fang until 2027-01-31' }),
  ]
  const endpoints = accounts
    ? [
        endpoint('GET /accounts/{id}', 'fail', 5210, {
          mismatches: 96, rate: 0.0184, low: 0.0151, high: 0.0224,
          paths: [
            path('$.account.limit', 'deterministic', 'fail', 96, 0, 0, {
              firstSeen: ago(2140),
              samples: [sample(1, '9,007,199,254,740,993', '9,007,199,254,740,992'), sample(2, '#########1', '#########0'), sample(3, '#########7', '#########8'), sample(4, '#########3', '')],
            }),
            path('$.account.tags', 'order_free', 'pass', 0, 0, 412),
            ...noisy,
          ],
        }),
        endpoint('GET /accounts/{id}/cards', 'pass', 1204, { paths: noisy }),
        endpoint('POST /accounts', 'not_enough', 0, { notComparable: 311 }),
      ]
    : [
        endpoint('GET /orders/{id}', early ? 'not_enough' : 'pass', early ? 188 : 21400 + (k.compared % 9000), { paths: noisy }),
        endpoint('GET /users/{id}/orders', early ? 'not_enough' : 'pass', early ? 97 : 9120, { mismatches: 2, rate: 2 / 9120, low: 0.00006, high: 0.0008, paths: [path('$.items[].eta', 'tolerance', 'pass', 2, 1, 812), ...noisy] }),
        endpoint('GET /orders', 'pass', 4123),
        endpoint('POST /orders', 'not_enough', 0, { notComparable: 8123 }),
        endpoint('DELETE /orders/{id}', 'not_enough', 0, { notComparable: 77 }),
      ]
  const gates = m.status.gates
  return {
    migration: m.metadata.name,
    versions: m.status.versions,
    since: m.status.history[0].at,
    gates,
    verdict: m.status.verdict,
    old: { requests: Math.round(k.old), failures: Math.round(k.old * 0.0001), fallbacks: 0, p50Micros: 6200, p99Micros: 24100 },
    new: { requests: Math.round(k.new), failures: Math.round(k.new * 0.0003), fallbacks: Math.round(k.new * 0.0001), p50Micros: 2900, p99Micros: 12400 },
    mirror: { offered: k.compared + 9131, compared: k.compared, triples: Math.round(k.compared * 0.2), notSampled: 712, notComparable: { unsafe_method: 8123, state_differs: 231, truncated: 61 }, dropped: { queue_full: 3, timeout: 1 } },
    endpoints,
  }
}
