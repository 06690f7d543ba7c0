import { Badge, Button, Group, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import type { Me } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../../parts/states.tsx'
import { OwnPasswordForm } from './password.tsx'
import { SessionsPanel } from './sessions.tsx'
import { TokensPanel } from './tokens.tsx'

/** Who one is here, and what one has. */
export function AccountPage() {
  const t = useTexts()
  const { data, error, isPending, refetch } = useQuery(reading('GET /me', {}))
  const me = data?.answer
  return (
    <Page title={t('account.title')}>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {me?.kind === 'anonymous' && (
        <Panel>
          <Empty icon="user" title={t('account.none')}>
            {t('account.noneText')}
          </Empty>
        </Panel>
      )}
      {me && me.kind !== 'anonymous' && (
        <>
          <AboutMe me={me} />
          <TokensPanel user={me.name} />
          <SessionsPanel />
        </>
      )}
    </Page>
  )
}

function AboutMe({ me: { name, admin, groups, passwordHere } }: { me: Me }) {
  const t = useTexts()
  const [isOpen, { open, close }] = useDisclosure(false)
  return (
    <Panel>
      <Group justify="space-between" p="md" gap="sm">
        <div>
          <Group gap="xs">
            <Text fw={600}>{name}</Text>
            {admin && (
              <Badge variant="default" tt="none">
                {t('users.admin')}
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed">
            {groups.length > 0 ? t('account.groups', { names: groups.join(', ') }) : t('account.noGroups')}
          </Text>
        </div>
        {passwordHere ? (
          <Button size="xs" variant="default" onClick={open}>
            {t('password.change')}
          </Button>
        ) : (
          <Text size="sm" c="dimmed">
            {t('password.elsewhere')}
          </Text>
        )}
      </Group>
      {isOpen && <OwnPasswordForm onClose={close} />}
    </Panel>
  )
}
