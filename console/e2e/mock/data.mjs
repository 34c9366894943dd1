// What the mock node says of effects and data.

const ago = (s) => new Date(Date.now() - s * 1000).toISOString()
const cols = (of) => Object.entries(of).map(([name, value]) => ({ name, value }))
const gate = (name, verdict, detail, value, bound, samples) => ({ name, verdict, detail, value, bound, samples })

export const effectsOf = () => ({
  counts: { runs: 18231, complete: 18190, late: 41, unattributed: { 'database:shop-old': 12 }, refused: { 'proxy:shop-new': 3 }, dropped: {} },
  pairs: [
    {
      at: ago(8),
      endpoint: 'POST /orders',
      trace: '4bf92f3577b34da6a3ce929d0e0e4736',
      paths: ['effects.row.orders[].after.total', 'effects.row.messages'],
      old: [
        { kind: 'row', op: 'update', target: 'stock', key: cols({ sku: '17', side: 'old' }), before: cols({ available: '912' }), after: cols({ available: '910' }) },
        { kind: 'row', op: 'insert', target: 'orders', key: cols({ id: 'J1042' }), after: cols({ id: 'J1042', total: '24.50', status: 'paid', note: null }) },
        { kind: 'row', op: 'insert', target: 'messages', key: cols({ id: '88' }), after: cols({ topic: 'order.created', order_id: 'J1042' }) },
        { kind: 'call', op: 'POST', target: 'pay.internal/charges', body: '{"order":"J1042","amount":"24.50"}' },
      ],
      new: [
        { kind: 'row', op: 'update', target: 'stock', key: cols({ sku: '17', side: 'new' }), before: cols({ available: '904' }), after: cols({ available: '902' }), fate: 'rolled_back' },
        { kind: 'row', op: 'insert', target: 'orders', key: cols({ id: 'G77' }), after: cols({ id: 'G77', total: '24.49', status: 'paid', note: null }), fate: 'rolled_back' },
        { kind: 'call', op: 'POST', target: 'pay.internal/charges', body: '{"order":"G77","amount":"24.50"}', fate: 'shadowed' },
      ],
    },
  ],
})

const difference = (id, kind, columns, old, fresh) => ({ table: 'orders', key: cols({ id }), kind, columns, old: cols(old), new: cols(fresh), since: ago(120) })

export const dataOf = (name) => ({
  migration: name,
  owner: 'creator',
  window: 'open',
  cases: 1,
  parked: 1,
  gates: [
    gate('data_lag', 'pass', '99 % of changes arrived within 38 ms, 1,000 ms are allowed', 38, 1000, 92113),
    gate('data_differences', 'not_enough', '1 case is open and 2 rows differ after the grace', 3, 0, 412331),
  ],
  relays: [
    { from: 'old', capture: 'binlog', state: 'running', position: '0-1-88213', watermark: ago(0), changes: 92113, stale: 211, origin: 4113, parked: 0, p50Micros: 6200, p99Micros: 38100, maxMicros: 71200, alarms: 0 },
    { from: 'new', capture: 'outbox', state: 'running', position: '4113', watermark: ago(0), changes: 4113, stale: 0, origin: 0, parked: 1, p50Micros: 8100, p99Micros: 44000, maxMicros: 90210, alarms: 2 },
  ],
  tables: [
    { table: 'orders', to: 'orders', backfill: 'done', copied: 412331, oldRows: 420113, newRows: 420112, differ: 2, repaired: 3, compared: ago(95) },
    { table: 'order_items', to: 'order_items', backfill: 'done', copied: 811023, oldRows: 830551, newRows: 830551, differ: 0, repaired: 0, compared: ago(95) },
    { table: 'stock', to: 'stock', backfill: 'running', copied: 120, oldRows: -1, newRows: -1, differ: 0, repaired: 0 },
  ],
  fences: [{ epoch: 7, from: 'old', low: 500, high: 2500, at: ago(320), drained: true }, { epoch: 6, from: 'old', low: 100, high: 500, at: ago(920), drained: false, pending: 3 }],
  windows: [{ table: 'orders', from: ago(30), until: ago(20), rows: 2113, differ: 0, settled: 4 }, { table: 'orders', from: ago(40), until: ago(30), rows: 2090, differ: 2, settled: 1 }],
})

export const casesOf = () => [
  {
    id: 'c-3',
    opened: ago(610),
    difference: difference('J881', 'differs', ['total'], { id: 'J881', total: '99.00' }, { id: 'J881', total: '9.90' }),
    history: [
      { side: 'old', at: ago(700), op: 'insert', run: '5f0c9a1b22334455', position: '0-1-80001', after: cols({ id: 'J881', total: '99.00' }) },
      { side: 'new', at: ago(640), op: 'update', position: '3991', after: cols({ id: 'J881', total: '9.90' }) },
    ],
  },
]

export const parkedOf = () => [{ id: 'p-1', from: 'new', table: 'orders', key: cols({ id: 'G12' }), position: '4010', at: ago(200), op: 'insert', error: 'Data too long for column ‘note’: widen it to 400', behind: 2 }]

export const diffOf = () => ({ rows: { orders: 420113, order_items: 830551 }, differences: [difference('J77', 'differs', ['status'], { id: 'J77', status: 'paid' }, { id: 'J77', status: 'created' }), difference('J78', 'missing_new', [], { id: 'J78', status: 'paid' }, {})], seconds: 12.4 })

export const repairOf = ({ dryRun }) => ({ id: dryRun ? '' : 'r-4', winner: 'old', rows: diffOf().differences, written: 2, skipped: 0, cases: 1, dryRun: !!dryRun })
