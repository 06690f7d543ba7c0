import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { reading } from '../../api/queries.ts'
import { request } from '../../api/request.ts'
import { useTexts } from '../../i18n/language.tsx'
import { useNotice } from '../../parts/notices.tsx'
import { adviceFor } from '../../parts/states.tsx'

interface ImagePlace {
  repository: string
  image: string
}

/** Deleting tags and manifests, and setting tags: each forgets afterwards what was read of the repository, and tells when it fails. */
export function useImageChanges({ repository, image }: ImagePlace) {
  const t = useTexts()
  const tell = useNotice()
  const queries = useQueryClient()
  const common = {
    onSettled: () =>
      queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).includes('/images') }),
    onError: (error: unknown) => tell(`${adviceFor(error, t)} ${(error as Error).message}`, { isBad: true }),
  }
  const params = { repository, image }
  const setTag = useMutation({
    ...common,
    mutationFn: ({ tag, digest }: { tag: string; digest: string }) =>
      request('PUT /repositories/{repository}/images/{image}/tags/{tag}', {
        params: { ...params, tag },
        body: { digest },
      }),
    onSuccess: (_, { tag }) => tell(t('tags.set', { tag })),
  })
  const deleteTag = useMutation({
    ...common,
    mutationFn: (tag: string) =>
      request('DELETE /repositories/{repository}/images/{image}/tags/{tag}', { params: { ...params, tag } }),
  })
  const deleteManifest = useMutation({
    ...common,
    mutationFn: (reference: string) =>
      request('DELETE /repositories/{repository}/images/{image}/manifests/{reference}', {
        params: { ...params, reference },
      }),
  })
  return { setTag, deleteTag, deleteManifest }
}

/** Whether a repository takes changes at all: a proxy only shows what it has fetched. What one person may do there is the server's to say. */
export function useIsWritable(repository: string): boolean {
  const all = useQuery(reading('GET /repositories', {})).data?.answer ?? []
  const found = all.find(({ name }) => name === repository)
  return found !== undefined && (found.type === 'hosted' || found.writableMember !== undefined)
}
