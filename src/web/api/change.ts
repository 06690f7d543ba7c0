import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTexts } from '../i18n/language.tsx'
import { useNotice } from '../parts/notices.tsx'
import { adviceFor } from '../parts/states.tsx'
import { type Input, type OperationName, request } from './request.ts'

interface ChangeOptions {
  /** Beginnings of the paths of what is read anew afterwards: `/users`. */
  forget: readonly string[]
  /** Told when it is done. */
  done?: string
  /** Whether a failure is told in a corner of the page; else whoever asks shows `error` where it belongs. */
  isToldOnFailure?: boolean
}

/** One request that changes something: forgets what was read before, and tells how it went. */
export function useChange<Name extends OperationName>(name: Name, options: ChangeOptions) {
  const { forget, done, isToldOnFailure = false } = options
  const t = useTexts()
  const tell = useNotice()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (input: Input<Name>) => request(name, input),
    onSuccess: () => {
      if (done !== undefined) tell(done)
    },
    onError: (error) => {
      if (isToldOnFailure) tell(`${adviceFor(error, t)} ${error.message}`, { isBad: true })
    },
    onSettled: () =>
      queries.invalidateQueries({
        predicate: ({ queryKey: [key] }) => forget.some((path) => String(key).startsWith(`GET ${path}`)),
      }),
  })
}
