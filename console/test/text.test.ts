import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { draftOf, nameIn, render, revisionIn, template, withRevision } from '../src/lib/draft'
import { diff } from '../src/lib/diff'
import { locate, steps } from '../src/lib/locate'
import { toYAML } from '../src/lib/yaml'

const hard = {
  name: 'shop',
  empty: '',
  tricky: ['yes', 'no', 'null', '~', '1.26', '0x10', 'a: b', '# not', '- item', '*.example.com', '{id}', 'line\nbreak', ' lead', 'trail ', "it's", '"quoted"', '2026-01-01', '5s', '中文'],
  none: null,
  list: [],
  map: {},
  deep: [[1, [2]], { a: [{ b: 1, c: [] }] }],
  'odd: key': true,
  n: -1.5e-7,
}

describe('YAML', () => {
  it('is read back as the same value by a YAML 1.2 and by a YAML 1.1 reader', () => {
    expect(parse(toYAML(hard))).toEqual(hard)
    expect(parse(toYAML(hard), { version: '1.1' })).toEqual(hard)
  })
  it('shows objects the way people write them', () => {
    expect(toYAML({ spec: { rules: [{ name: 'a', weight: 1 }] } })).toBe('spec:\n  rules:\n    - name: a\n      weight: 1\n')
  })
})

describe('a draft', () => {
  it('keeps what its owner writes and the revision, nothing of the server', () => {
    const object = { apiVersion: 'jindu.dev/v1', kind: 'Route', metadata: { name: 'a', generation: 3, revision: 7, created: 'x' }, spec: { rules: [] }, status: { accepted: true } }
    expect(draftOf(object)).toEqual({ apiVersion: 'jindu.dev/v1', kind: 'Route', metadata: { name: 'a', revision: 7 }, spec: { rules: [] } })
  })
  it('tells its name without being understood', () => {
    for (const kind of ['Route', 'Migration', 'Service'] as const) {
      const name = (template(kind) as { metadata: { name: string } }).metadata.name
      expect(nameIn(render(template(kind), 'yaml'), 'yaml')).toBe(name)
      expect(nameIn(render(template(kind), 'json'), 'json')).toBe(name)
    }
    expect(nameIn('spec:\n  name: x\nmetadata:\n  labels: {}\n  name: "y"\n', 'yaml')).toBe('y')
    expect(nameIn('metadata: {name: z}\n', 'yaml')).toBe('z')
    expect(nameIn('spec:\n  name: x\n', 'yaml')).toBeUndefined()
  })
  it('can be put on top of another revision', () => {
    const text = render({ metadata: { name: 'a', revision: 7 }, spec: {} }, 'yaml')
    expect(revisionIn(text)).toBe(7)
    expect(revisionIn(withRevision(text, 12) ?? '')).toBe(12)
    expect(withRevision('metadata:\n  name: a\n', 12)).toBeUndefined()
  })
})

describe('a field', () => {
  const text = toYAML({
    metadata: { name: 'shop' },
    spec: {
      rules: [
        { name: 'a', matches: [{ path: { value: '/a' } }], backendRefs: [{ service: 'x' }] },
        { name: 'b', backendRefs: [{ service: 'x', weight: 1 }, { service: 'y', weight: -1 }] },
      ],
    },
  })
  const line = (field: string) => text.split('\n')[locate(text, field) ?? -1]?.trim()

  it('is found by its path', () => {
    expect(steps('spec.rules[1].backendRefs[0]')).toEqual(['spec', 'rules', '1', 'backendRefs', '0'])
    expect(line('spec.rules[1].backendRefs[1].weight')).toBe('weight: -1')
    expect(line('spec.rules[0].matches[0].path.value')).toBe('value: /a')
    expect(line('spec.rules[1].name')).toBe('- name: b')
    expect(line('metadata.name')).toBe('name: shop')
  })
  it('that does not exist is looked for at its nearest parent', () => {
    expect(line('spec.rules[0].timeouts.request')).toBe('- name: a')
    expect(line('nothing')).toBeUndefined()
  })
  it('is found where lists are not indented, as kubectl writes', () => {
    const flat = 'spec:\n  rules:\n  - name: a\n  - name: b\n    weight: 2\n'
    expect(locate(flat, 'spec.rules[1].weight')).toBe(4)
  })
})

it('a difference is told leaf by leaf', () => {
  expect(diff({ a: 1, l: [1, 2], same: { x: 1 } }, { a: 2, l: [1], same: { x: 1 }, n: { m: null } })).toEqual([
    { path: 'a', before: 1, after: 2 },
    { path: 'l[1]', before: 2, after: undefined },
    { path: 'n.m', before: undefined, after: null },
  ])
  expect(diff(undefined, { a: { b: 1 } })).toEqual([{ path: 'a.b', before: undefined, after: 1 }])
  expect(diff({ a: [] }, { a: { b: 1 } })).toEqual([{ path: 'a', before: [], after: { b: 1 } }])
})
