import './app/styles.ts'
import { createRoot } from 'react-dom/client'
import { App } from './app/app.tsx'
import { loadTexts, preferredLanguage } from './i18n/language.tsx'

// After an upgrade of the server the files of an open page are gone; loaded anew, once, it is the new page.
addEventListener('vite:preloadError', (event) => {
  const reloaded = 'entrepot.reloaded'
  if (Date.now() - Number(sessionStorage.getItem(reloaded)) < 60_000) return
  sessionStorage.setItem(reloaded, String(Date.now()))
  event.preventDefault()
  location.reload()
})

const language = preferredLanguage()
const texts = await loadTexts(language)
createRoot(document.getElementById('root')!).render(<App language={language} texts={texts} />)
