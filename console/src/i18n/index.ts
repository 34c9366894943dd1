import { useSyncExternalStore } from 'react'
import type { Lang } from '../lib/format'
import { words, type Word } from './words'

// What the viewer chose, kept in the browser: language and theme. Absent: the browser's.

export type Theme = 'auto' | 'light' | 'dark'

interface Prefs {
  lang: Lang
  theme: Theme
}

const stored = (key: string) => {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function firstLang(chosen: string | null, browser: readonly string[]): Lang {
  if (chosen === 'en' || chosen === 'zh') return chosen
  for (const tag of browser) {
    if (/^zh\b/i.test(tag)) return 'zh'
    if (/^en\b/i.test(tag)) return 'en'
  }
  return 'en'
}

function firstPrefs(): Prefs {
  const theme = stored('jindu.theme')
  return {
    lang: firstLang(stored('jindu.lang'), navigator.languages ?? []),
    theme: theme === 'light' || theme === 'dark' ? theme : 'auto',
  }
}

let prefs: Prefs | undefined
const current = () => (prefs ??= firstPrefs())
const listeners = new Set<() => void>()

export function setPrefs(change: Partial<Prefs>) {
  prefs = { ...current(), ...change }
  try {
    if (change.lang) localStorage.setItem('jindu.lang', change.lang)
    if (change.theme === 'auto') localStorage.removeItem('jindu.theme')
    else if (change.theme) localStorage.setItem('jindu.theme', change.theme)
  } catch {
    // holds for this page only
  }
  applyPrefs()
  for (const f of listeners) f()
}

/** Tells the document, whose style sheet does the rest. */
export function applyPrefs() {
  const root = document.documentElement
  const { lang, theme } = current()
  root.lang = lang === 'zh' ? 'zh-CN' : 'en'
  if (theme === 'auto') delete root.dataset['theme']
  else root.dataset['theme'] = theme
}

const subscribe = (f: () => void) => {
  listeners.add(f)
  return () => listeners.delete(f)
}

export const usePrefs = () => useSyncExternalStore(subscribe, current)

export type T = (word: Word, params?: Record<string, string | number>) => string

export function translate(lang: Lang, word: Word, params?: Record<string, string | number>): string {
  const text: string = words[word][lang === 'zh' ? 1 : 0]
  return params ? text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole)) : text
}

const tables: Record<Lang, T> = {
  en: (word, params) => translate('en', word, params),
  zh: (word, params) => translate('zh', word, params),
}

/** The words of the chosen language. */
export function useT(): { t: T; lang: Lang } {
  const { lang } = usePrefs()
  return { t: tables[lang], lang }
}

/** The word for a value that the node sends, or the value itself when it is a new one. */
export function wordOr(t: T, prefix: string, value: string): string {
  const key = `${prefix}.${value}`
  return key in words ? t(key as Word) : value.replaceAll('_', ' ')
}
