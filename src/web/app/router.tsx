import type { QueryClient } from '@tanstack/react-query'
import { createRouter } from '@tanstack/react-router'
import { basePath } from '../base.ts'
import { FailurePage, NotFoundPage, WaitingPage } from '../parts/states.tsx'
import { routeTree } from './routes.tsx'

/** The router over the browser's address, below the prefix of the server. */
export function createAppRouter(queries: QueryClient) {
  return createRouter({
    routeTree,
    basepath: basePath,
    context: { queries },
    // Plain words: what the router would take for a number, `?left=1.10`, is a tag.
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: searchText,
    defaultPreload: 'intent',
    // What was read is kept by the queries, and asked anew when they say so.
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultErrorComponent: FailurePage,
    defaultNotFoundComponent: NotFoundPage,
    defaultPendingComponent: WaitingPage,
  })
}

function searchText(search: Record<string, string | undefined>): string {
  const given = Object.entries(search).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
