// Numbers and times as people of a language read them. Pure; the language is passed in.

export type Lang = 'en' | 'zh'

const locale = (lang: Lang) => (lang === 'zh' ? 'zh-CN' : 'en-GB')
const formats = new Map<string, Intl.NumberFormat>()

function numberFormat(lang: Lang, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = lang + JSON.stringify(options)
  let format = formats.get(key)
  if (!format) {
    format = new Intl.NumberFormat(locale(lang), options)
    formats.set(key, format)
  }
  return format
}

const nothing = '–'

/** Whole number with thousands. */
export function count(n: number | undefined | null, lang: Lang): string {
  if (n == null || !Number.isFinite(n)) return nothing
  return numberFormat(lang, { maximumFractionDigits: 0 }).format(n)
}

/** Large number in few characters: 12.3k, 4.5M. Chinese readers of dashboards use the same units. */
export function short(n: number | undefined | null): string {
  if (n == null || !Number.isFinite(n)) return nothing
  const size = Math.abs(n)
  if (size >= 999_950_000) return trim(n / 1e9) + 'G'
  if (size >= 999_950) return trim(n / 1e6) + 'M'
  if (size >= 9_999.5) return trim(n / 1e3) + 'k'
  if (size >= 100 || Number.isInteger(n)) return Math.round(n).toString()
  return trim(n)
}

function trim(n: number): string {
  const size = Math.abs(n)
  const text = n.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** Rate a second: three significant digits, exact thousands. */
export function rate(n: number | undefined | null, lang: Lang): string {
  if (n == null || !Number.isFinite(n)) return nothing
  if (n === 0) return '0'
  if (n < 0.01) return '<0.01'
  return numberFormat(lang, n >= 100 ? { maximumFractionDigits: 0 } : { maximumFractionDigits: n >= 10 ? 1 : 2 }).format(n)
}

/** Percent of a value that is a percentage already. Never rounds something to 0 nor anything below 100 to 100. */
export function percent(n: number | undefined | null, digits = 2): string {
  if (n == null || !Number.isFinite(n)) return nothing
  const least = 10 ** -digits
  if (n > 0 && n < least) return `<${least} %`
  if (n < 100 && n > 100 - least) return `>${(100 - least).toFixed(digits)} %`
  return `${Number(n.toFixed(digits))} %`
}

/** Ratio 0..1 as a percentage. */
export const ratio = (n: number | undefined | null, digits = 2) => percent(n == null ? n : n * 100, digits)

/** Share in ten-thousandths as a percentage. */
export const share = (buckets: number | undefined) => percent((buckets ?? 0) / 100)

/** Latency given in microseconds. */
export function latency(us: number | undefined | null): string {
  if (us == null || !Number.isFinite(us) || us < 0) return nothing
  if (us === 0) return '0'
  if (us < 1_000) return `${Math.round(us)} µs`
  if (us < 1_000_000) return `${sig3(us / 1_000)} ms`
  return `${sig3(us / 1_000_000)} s`
}

const sig3 = (n: number) => (n >= 100 ? Math.round(n).toString() : n >= 10 ? n.toFixed(1) : n.toFixed(2))

/** Probability: three digits, and powers below one in a thousand. */
export function probability(p: number | undefined | null): string {
  if (p == null || !Number.isFinite(p)) return nothing
  if (p === 0) return '0'
  if (p < 1e-12) return '<1e-12'
  if (p < 0.001) return p.toExponential(1)
  return Number(p.toFixed(3)).toString()
}

const dateTime = new Map<string, Intl.DateTimeFormat>()

function dateFormat(lang: Lang, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = lang + JSON.stringify(options)
  let format = dateTime.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(locale(lang), options)
    dateTime.set(key, format)
  }
  return format
}

/** Local date and time to the second; the date is left out for today. */
export function time(at: string | number | undefined, lang: Lang, now: number): string {
  const ms = parse(at)
  if (ms == null) return nothing
  const sameDay = new Date(ms).toDateString() === new Date(now).toDateString()
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }
  return dateFormat(lang, sameDay ? clock : { year: 'numeric', month: '2-digit', day: '2-digit', ...clock }).format(ms)
}

/** Full local time with its zone, for titles. */
export function fullTime(at: string | number | undefined, lang: Lang): string {
  const ms = parse(at)
  return ms == null ? '' : dateFormat(lang, { dateStyle: 'full', timeStyle: 'long' }).format(ms)
}

function parse(at: string | number | undefined): number | undefined {
  if (at == null || at === '') return undefined
  const ms = typeof at === 'number' ? at : Date.parse(at)
  // Go's zero time is year 1: it means "not yet".
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}

/** How long ago, or in how long, in one unit. */
export function relative(at: string | number | undefined, lang: Lang, now: number): string {
  const ms = parse(at)
  if (ms == null) return nothing
  const seconds = Math.round((now - ms) / 1000)
  if (Math.abs(seconds) < 2) return lang === 'zh' ? '刚刚' : 'just now'
  const span = duration(Math.abs(seconds), lang)
  if (seconds < 0) return lang === 'zh' ? `${span}后` : `in ${span}`
  return lang === 'zh' ? `${span}前` : `${span} ago`
}

/** A span of seconds in its largest unit, two units below an hour's worth of minutes. */
export function duration(seconds: number, lang: Lang): string {
  const zh = lang === 'zh'
  const s = Math.max(0, Math.round(seconds))
  if (s < 60) return zh ? `${s} 秒` : `${s} s`
  const m = Math.floor(s / 60)
  if (m < 60) {
    const rest = m < 10 && s % 60 ? (zh ? ` ${s % 60} 秒` : ` ${s % 60} s`) : ''
    return (zh ? `${m} 分` : `${m} min`) + rest
  }
  const h = Math.floor(m / 60)
  if (h < 48) return (zh ? `${h} 小时` : `${h} h`) + (h < 10 && m % 60 ? (zh ? ` ${m % 60} 分` : ` ${m % 60} min`) : '')
  const d = Math.floor(h / 24)
  return zh ? `${d} 天` : `${d} days`
}
