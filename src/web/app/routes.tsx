import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router'
import { reading } from '../api/queries.ts'
import { sessionQuery, systemQuery } from '../api/session.ts'
import { Shell } from './shell.tsx'

interface Context {
  queries: QueryClient
}

/** The words of a list's address: what is looked for, and after which entry the page begins. */
interface ListSearch {
  search?: string
  after?: string
}

/** The audit log's: times are ISO 8601. */
export interface AuditFilter {
  user?: string
  repository?: string
  action?: string
  result?: string
  since?: string
  until?: string
}
type AuditSearch = AuditFilter & Pick<ListSearch, 'after'>

const rootRoute = createRootRouteWithContext<Context>()({ component: Outlet })

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: ({ back }): { back?: string } => (isLocalPath(back) ? { back } : {}),
  beforeLoad: async ({ context: { queries }, search }) => {
    const [system, session] = await Promise.all([
      queries.ensureQueryData(systemQuery),
      queries.ensureQueryData(sessionQuery),
    ])
    if (session || system.answer.open) throw redirect({ to: search.back ?? '/', replace: true })
  },
  component: lazyRouteComponent(() => import('../pages/login.tsx'), 'LoginPage'),
})

/** Pages for whoever has logged in, in the frame that all of them have. */
const insideRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'inside',
  beforeLoad: async ({ context: { queries }, location }) => {
    const [system, session] = await Promise.all([
      queries.ensureQueryData(systemQuery),
      queries.ensureQueryData(sessionQuery),
    ])
    if (session || system.answer.open) return
    throw redirect({ to: '/login', search: location.href === '/' ? {} : { back: location.href }, replace: true })
  },
  component: Shell,
})

const inside = { getParentRoute: () => insideRoute } as const

const dashboardRoute = createRoute({
  ...inside,
  path: '/',
  component: lazyRouteComponent(() => import('../pages/dashboard.tsx'), 'DashboardPage'),
})

const repositoriesRoute = createRoute({
  ...inside,
  path: '/repositories',
  loader: ({ context: { queries } }) => queries.prefetchQuery(reading('GET /repositories', {})),
  component: lazyRouteComponent(() => import('../pages/repositories.tsx'), 'RepositoriesPage'),
})

const imagesRoute = createRoute({
  ...inside,
  path: '/repositories/$repository',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../pages/images.tsx'), 'ImagesPage'),
})

const tagsRoute = createRoute({
  ...inside,
  path: '/repositories/$repository/images/$image',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../pages/tags.tsx'), 'TagsPage'),
})

const manifestRoute = createRoute({
  ...inside,
  path: '/repositories/$repository/images/$image/manifests/$reference',
  component: lazyRouteComponent(() => import('../pages/manifest/manifest.tsx'), 'ManifestPage'),
})

const compareRoute = createRoute({
  ...inside,
  path: '/repositories/$repository/images/$image/compare',
  validateSearch: (given): { left?: string; right?: string } => textsOf(given, ['left', 'right']),
  component: lazyRouteComponent(() => import('../pages/compare.tsx'), 'ComparePage'),
})

const storageRoute = createRoute({
  ...inside,
  path: '/storage',
  component: lazyRouteComponent(() => import('../pages/storage.tsx'), 'StoragePage'),
})

const auditRoute = createRoute({
  ...inside,
  path: '/audit',
  validateSearch: (given): AuditSearch =>
    textsOf(given, ['user', 'repository', 'action', 'result', 'since', 'until', 'after']),
  component: lazyRouteComponent(() => import('../pages/audit.tsx'), 'AuditPage'),
})

export const routeTree = rootRoute.addChildren([
  loginRoute,
  insideRoute.addChildren([
    dashboardRoute,
    repositoriesRoute,
    imagesRoute,
    tagsRoute,
    manifestRoute,
    compareRoute,
    storageRoute,
    auditRoute,
  ]),
])

function listSearch(given: Record<string, unknown>): ListSearch {
  return textsOf(given, ['search', 'after'])
}

/** The named words of an address; empty ones are as good as none. */
function textsOf<const Name extends string>(
  given: Record<string, unknown>,
  names: readonly Name[],
): { [K in Name]?: string } {
  const found = names
    .map((name) => [name, given[name]])
    .filter(([, value]) => typeof value === 'string' && value !== '')
  return Object.fromEntries(found)
}

/** A path on this server and nowhere else. */
function isLocalPath(path: unknown): path is string {
  return typeof path === 'string' && /^\/(?![/\\])/.test(path)
}
