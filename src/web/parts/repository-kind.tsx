import { Badge } from '@mantine/core'
import type { Repository } from '../api/operations.ts'
import { useTexts } from '../i18n/language.tsx'

/** Whether a repository takes pushes, fetches from elsewhere, or puts others together; why, where the pointer rests on it. */
export function RepositoryKind({ type }: Pick<Repository, 'type'>) {
  const t = useTexts()
  return (
    <Badge variant="default" tt="none" title={t(`type.${type}.text`)}>
      {t(`type.${type}`)}
    </Badge>
  )
}
