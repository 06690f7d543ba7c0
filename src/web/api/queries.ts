import { MutationCache, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query'
import type { Operations } from './operations.ts'
import { isLoggedOut, Problem } from './problem.ts'
import { type Input, type OperationName, request } from './request.ts'

type Readable = Extract<OperationName, `GET ${string}`>

/** Something to be read, as `useQuery` and loaders take it. Its key begins with the name of the operation. */
export function reading<Name extends Readable>(name: Name, input: Input<Name>) {
  return queryOptions({
    queryKey: [name, input] as const,
    queryFn: ({ signal }) => request(name, input, signal),
  })
}

/** Everything that was read: what is asked again is shown from here until the answer comes. `onLoggedOut`: a session has ended under us. */
export function createQueries(onLoggedOut: () => void): QueryClient {
  const onError = (error: unknown) => {
    if (isLoggedOut(error)) onLoggedOut()
  }
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // What the server refused it refuses again; what did not reach it may.
        retry: (failures, error) =>
          failures < 2 && (!(error instanceof Problem) || [0, 502, 503].includes(error.status)),
      },
    },
  })
}

export type Answer<Name extends OperationName> = Operations[Name]['answer']
