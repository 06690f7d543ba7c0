import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createQueries } from '../api/queries.ts'
import { entered, sessionQuery } from '../api/session.ts'
import { nonce } from '../base.ts'
import type { Texts } from '../i18n/en.ts'
import { type Language, LanguageProvider } from '../i18n/language.tsx'
import { NoticeProvider } from '../parts/notices.tsx'
import { createAppRouter } from './router.tsx'
import { readableColors, theme } from './theme.ts'

// Dialogs keep the page behind them from scrolling with a style element of their own, and look for the nonce here.
Object.assign(globalThis, { __webpack_nonce__: nonce })

const queries = createQueries(() => {
  // A wrong password ends nothing.
  if (!queries.getQueryData(sessionQuery.queryKey)) return
  queries.setQueryData(sessionQuery.queryKey, entered(null))
  // Asks the routes again who may see them, and so leads to the login and back.
  void router.invalidate()
})
const router = createAppRouter(queries)

/** Everything, in the language the page starts with. */
export function App({ language, texts }: { language: Language; texts: Texts }) {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      cssVariablesResolver={readableColors}
      getStyleNonce={() => nonce}
    >
      <LanguageProvider initial={language} texts={texts}>
        <QueryClientProvider client={queries}>
          <NoticeProvider>
            <RouterProvider router={router} />
          </NoticeProvider>
        </QueryClientProvider>
      </LanguageProvider>
    </MantineProvider>
  )
}
