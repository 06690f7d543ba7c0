import './app/styles.ts'
import { createRoot } from 'react-dom/client'
import { App } from './app/app.tsx'
import { loadTexts, preferredLanguage } from './i18n/language.tsx'

const language = preferredLanguage()
const texts = await loadTexts(language)
createRoot(document.getElementById('root')!).render(<App language={language} texts={texts} />)
