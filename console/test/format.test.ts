import { describe, expect, it } from 'vitest'
import { count, duration, latency, percent, probability, rate, relative, share, short } from '../src/lib/format'

describe('numbers', () => {
  it('never round a trace of something to nothing, nor nearly all to all', () => {
    expect(percent(0)).toBe('0 %')
    expect(percent(0.004)).toBe('<0.01 %')
    expect(percent(99.996)).toBe('>99.99 %')
    expect(percent(100)).toBe('100 %')
    expect(percent(12.345)).toBe('12.35 %')
    expect(percent(undefined)).toBe('–')
  })
  it('show a share of ten-thousandths in percent', () => {
    expect(share(1)).toBe('0.01 %')
    expect(share(2500)).toBe('25 %')
    expect(share(undefined)).toBe('0 %')
  })
  it('keep counts exact and shorten only large ones where asked', () => {
    expect(count(1234567, 'en')).toBe('1,234,567')
    expect(short(9999)).toBe('9999')
    expect(short(12345)).toBe('12.3k')
    expect(short(999_999)).toBe('1M')
    expect(rate(0.004, 'en')).toBe('<0.01')
    expect(rate(1234.56, 'en')).toBe('1,235')
  })
  it('give latency three digits in its own unit', () => {
    expect(latency(999)).toBe('999 µs')
    expect(latency(1000)).toBe('1.00 ms')
    expect(latency(24_130)).toBe('24.1 ms')
    expect(latency(1_500_000)).toBe('1.50 s')
  })
  it('show small probabilities as powers', () => {
    expect(probability(0.25)).toBe('0.25')
    expect(probability(0.00012)).toBe('1.2e-4')
    expect(probability(1e-29)).toBe('<1e-12')
  })
})

describe('times', () => {
  it('are told relative to now, in either direction and language', () => {
    const now = Date.parse('2026-11-23T12:00:00Z')
    expect(relative('2026-11-23T11:59:59.500Z', 'en', now)).toBe('just now')
    expect(relative('2026-11-23T11:59:48Z', 'en', now)).toBe('12 s ago')
    expect(relative('2026-11-23T11:58:30Z', 'zh', now)).toBe('1 分 30 秒前')
    expect(relative('2026-11-23T13:00:00Z', 'en', now)).toBe('in 1 h')
  })
  it('of Go that were never set are nothing', () => {
    expect(relative('0001-01-01T00:00:00Z', 'en', Date.now())).toBe('–')
  })
  it('use at most two units', () => {
    expect(duration(59, 'en')).toBe('59 s')
    expect(duration(3 * 3600 + 120, 'en')).toBe('3 h 2 min')
    expect(duration(26 * 3600, 'en')).toBe('26 h')
    expect(duration(72 * 3600, 'zh')).toBe('3 天')
  })
})
