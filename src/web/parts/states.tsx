import { Alert, Button, Group, Loader, Stack, Text, Title } from '@mantine/core'
import type { ErrorComponentProps } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Problem } from '../api/problem.ts'
import type { TextKey } from '../i18n/en.ts'
import { type Translate, useTexts } from '../i18n/language.tsx'
import { Icon, type IconName } from './icons.tsx'
import { ButtonLink } from './link.tsx'

/** What to do about a problem, by its code; the server's own sentence says what it is. */
const advice: Partial<Record<string, TextKey>> = {
  unreachable: 'problem.unreachable',
  unauthenticated: 'problem.unauthenticated',
  denied: 'problem.denied',
  throttled: 'problem.throttled',
  unavailable: 'problem.unavailable',
  'storage-full': 'problem.storageFull',
  'read-only': 'problem.readOnly',
}

/** What went wrong and what to do about it, in words for people. */
export function adviceFor(error: unknown, t: Translate): string {
  if (!(error instanceof Problem)) return t('problem.page')
  const known = advice[error.code]
  if (known) return t(known)
  if (error.status === 404) return t('problem.notFound')
  return t(error.status >= 500 ? 'problem.server' : 'problem.refused')
}

/** A problem where something should have been shown. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useTexts()
  const requestId = error instanceof Problem ? error.requestId : ''
  return (
    <Alert color="red" role="alert" title={adviceFor(error, t)} icon={<Icon name="warning" />}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{error instanceof Error ? error.message : String(error)}</Text>
        {requestId !== '' && (
          <Text size="sm">
            {t('problem.requestId')} <code>{requestId}</code>
          </Text>
        )}
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t('retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

/** There is nothing, and what could be done about that. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center">
      <Icon name={icon} size={36} />
      <Text fw={600}>{title}</Text>
      <Text size="sm" c="dimmed" component="div" maw="36rem">
        {children}
      </Text>
    </Stack>
  )
}

/** Something comes. */
export function Waiting() {
  const t = useTexts()
  return (
    <Group justify="center" p="xl" role="status" aria-label={t('loading')}>
      <Loader size="sm" />
    </Group>
  )
}

export const WaitingPage = Waiting

export function FailurePage({ error, reset }: ErrorComponentProps) {
  return <Failure error={error} onRetry={reset} />
}

export function NotFoundPage() {
  const t = useTexts()
  return (
    <Stack align="center" gap="sm" py="xl">
      <Title order={1}>{t('notFound.title')}</Title>
      <Text c="dimmed">{t('notFound.text')}</Text>
      <ButtonLink to="/" variant="default">
        {t('notFound.home')}
      </ButtonLink>
    </Stack>
  )
}
