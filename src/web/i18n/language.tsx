import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'
import { en, type TextKey, type Texts } from './en.ts'
import { fillIn, type Values } from './fill-in.ts'

export type Language = 'en' | 'zh'

/** As browsers, screen readers and `Intl` call them, and as they call themselves. */
export const languages: Readonly<Record<Language, { tag: string; name: string }>> = {
  en: { tag: 'en', name: 'English' },
  zh: { tag: 'zh-Hans', name: '简体中文' },
}

const storageKey = 'entrepot.language'

interface LanguageState {
  language: Language
  texts: Texts
  setLanguage: (language: Language) => void
}

const LanguageContext = createContext<LanguageState | undefined>(undefined)

/** The language that was chosen here before, else the first one of the browser's that we speak. */
export function preferredLanguage(): Language {
  const chosen = localStorage.getItem(storageKey)
  if (chosen === 'en' || chosen === 'zh') return chosen
  const known = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag))
  return known?.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

/** The texts of a language. Only English comes with the page itself: it is needed to know which texts there are. */
export async function loadTexts(language: Language): Promise<Texts> {
  return language === 'zh' ? (await import('./zh.ts')).zh : en
}

/** Gives everything below it its texts. */
export function LanguageProvider(props: { initial: Language; texts: Texts; children: ReactNode }) {
  const [{ language, texts }, setState] = useState({ language: props.initial, texts: props.texts })
  const setLanguage = useCallback((chosen: Language) => {
    localStorage.setItem(storageKey, chosen)
    void loadTexts(chosen).then((loaded) => setState({ language: chosen, texts: loaded }))
  }, [])
  useEffect(() => {
    document.documentElement.lang = languages[language].tag
  }, [language])
  const state = useMemo(() => ({ language, texts, setLanguage }), [language, texts, setLanguage])
  return <LanguageContext value={state}>{props.children}</LanguageContext>
}

/** A text by its key, with `{names}` filled in. */
export type Translate = (key: TextKey, values?: Values) => string

/** The language, how to change it, its texts, and its tag for `Intl`. */
export function useLanguage() {
  const state = useContext(LanguageContext)
  if (!state) throw new Error('there is no LanguageProvider around this')
  const { language, texts, setLanguage } = state
  const { tag } = languages[language]
  const t = useCallback<Translate>((key, values) => fillIn(texts[key], values, tag), [texts, tag])
  return { language, setLanguage, tag, t }
}

/** The texts alone: what most components need. */
export function useTexts(): Translate {
  return useLanguage().t
}
