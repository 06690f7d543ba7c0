import { Button, Group, List, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useChange } from '../../api/change.ts'
import type { Repository } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { formatSize } from '../../format/size.ts'
import { useLanguage } from '../../i18n/language.tsx'
import { Confirmed } from '../../parts/confirm.tsx'
import { Panel } from '../../parts/panel.tsx'

/** What is in a repository, whether it answers, and its end. */
export function StatePanel({ repository: { name, type, online } }: { repository: Repository }) {
  const { t, tag } = useLanguage()
  const navigate = useNavigate()
  const params = { repository: name }
  const usage = useQuery(reading('GET /repositories/{repository}/usage', { params })).data?.answer
  const change = { forget: ['/repositories', '/upstreams'], isToldOnFailure: true }
  const switchOn = useChange('POST /repositories/{repository}/online', change)
  const switchOff = useChange('POST /repositories/{repository}/offline', change)
  const remove = useChange('DELETE /repositories/{repository}', { ...change, done: t('repository.deleted', { name }) })
  const toggle = online ? switchOff : switchOn
  const removeAll = async () => {
    await remove.mutateAsync({ params, query: { withContent: 'true' } })
    await navigate({ to: '/repositories' })
  }
  const size = usage && formatSize(usage.bytes, tag)
  return (
    <Panel title={t('repository.state')}>
      <Group justify="space-between" p="md" gap="sm">
        <Text size="sm">
          {t(online ? 'repository.onlineText' : 'repository.offlineText')}{' '}
          {usage &&
            type !== 'group' &&
            t('repository.usage', { images: usage.images, tags: usage.tags, size: size ?? '' })}
        </Text>
        <Group gap="xs">
          <Button size="xs" variant="default" loading={toggle.isPending} onClick={() => toggle.mutate({ params })}>
            {t(online ? 'repository.goOffline' : 'repository.goOnline')}
          </Button>
          <Confirmed label={t('repository.delete')} onConfirm={removeAll}>
            {usage && usage.images > 0 && (
              <List.Item>
                {t('repository.contentGone', { images: usage.images, tags: usage.tags, size: size ?? '' })}
              </List.Item>
            )}
            <List.Item>{t('repository.pathsGone', { name })}</List.Item>
            <List.Item>{t('repository.noUndo')}</List.Item>
          </Confirmed>
        </Group>
      </Group>
    </Panel>
  )
}
