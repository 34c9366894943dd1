import { expect, it } from 'vitest'
import { firstLang, translate } from '../src/i18n'
import { words } from '../src/i18n/words'
import { filter, match, matches, selector, targets, targetText } from '../src/lib/words'

it('a selector is sorted, and * when empty, as the node names subsets', () => {
  expect(selector({ version: '2', runtime: 'go*' })).toBe('runtime=go*,version=2')
  expect(selector({})).toBe('*')
  expect(selector(undefined)).toBe('*')
})

it('a weighted rule reads as a sentence', () => {
  const rule = {
    matches: [{ source: { user: 'beta' } }],
    backendRefs: [
      { service: 'orders', subset: { runtime: 'java*' }, weight: 80 },
      { service: 'orders', subset: { runtime: 'go*' }, weight: 20 },
    ],
  }
  expect(matches(rule)).toEqual(['user=beta'])
  expect(targets(rule.backendRefs).map((t) => targetText(t, false)).join(', ')).toBe('80 % orders runtime=java*, 20 % orders runtime=go*')
})

it('weights mean their share of the sum, one each by default, and none when they sum to zero', () => {
  expect(targets([{ service: 'a' }, { service: 'b', weight: 3 }]).map((t) => t.percent)).toEqual([25, 75])
  expect(targets([{ service: 'a', weight: 0 }]).map((t) => t.percent)).toEqual([0])
})

it('every condition of a match is said, and the prefix / is no condition', () => {
  expect(
    match({ method: 'GET', path: { type: 'Template', value: '/orders/{id}' }, headers: [{ type: 'RegularExpression', name: 'X-A', value: 'b.*' }], cookies: [{ name: 'uid', value: '1' }] }),
  ).toBe('GET · /orders/{id} · header X-A~b.* · cookie uid=1')
  expect(match({ path: { value: '/' } })).toBeUndefined()
  expect(matches({ matches: [{ method: 'GET' }, {}] })).toEqual([])
})

it('filters name what they do', () => {
  expect(filter({ type: 'RequestRedirect', requestRedirect: { scheme: 'https', hostname: 'a.example', statusCode: 308 } })).toEqual({ verb: 'redirect', what: '308 https://a.example' })
  expect(filter({ type: 'RequestMirror', requestMirror: { percent: 10, backendRef: { service: 'b', subset: { v: '2' } } } })).toEqual({ verb: 'mirror', what: '10 % b v=2' })
})

it('both languages have every word with the same parameters', () => {
  for (const [key, [en, zh]] of Object.entries(words)) {
    const params = (s: string) => [...s.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort()
    expect(en, key).not.toBe('')
    expect(zh, key).not.toBe('')
    expect(params(zh), key).toEqual(params(en))
  }
})

it('the language is what was chosen, else the first of the browser that is known', () => {
  expect(firstLang('en', ['zh-CN'])).toBe('en')
  expect(firstLang(null, ['fr', 'zh-TW', 'en'])).toBe('zh')
  expect(firstLang('xx', [])).toBe('en')
  expect(translate('zh', 'estate.set', { share: '5 %' })).toBe('设定 5 %')
})
