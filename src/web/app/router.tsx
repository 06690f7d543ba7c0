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
    defaultPreload: 'intent',
    // What was read is kept by the queries, and asked anew when they say so.
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultErrorComponent: FailurePage,
    defaultNotFoundComponent: NotFoundPage,
    defaultPendingComponent: WaitingPage,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
