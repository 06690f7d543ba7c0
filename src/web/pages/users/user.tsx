import { Alert, Button, Group, List, Switch, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useChange } from '../../api/change.ts'
import type { User } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useMe } from '../../api/session.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Confirmed } from '../../parts/confirm.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Link } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Failure, NotFoundPage, Waiting } from '../../parts/states.tsx'
import { GrantsOf } from '../access/grants-of.tsx'
import { NewPasswordForm } from './new-password.tsx'

const route = getRouteApi('/inside/users/$user')

/** One user: what they may do, and what can be changed about them. */
export function UserPage() {
  const t = useTexts()
  const { user: name } = route.useParams()
  const { data, error, isPending, refetch } = useQuery(reading('GET /users', {}))
  const user = data?.answer.find((one) => one.name === name)
  if (data && !user) return <NotFoundPage />
  return (
    <Page
      title={name}
      trail={[
        <Link key="all" to="/users">
          {t('nav.users')}
        </Link>,
      ]}
    >
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {user?.managedBy === 'file' && (
        <Alert color="gray" icon={<Icon name="audit" />} title={t('users.byFile')}>
          {t('repository.byFileText')}
        </Alert>
      )}
      {user && <AccountPanel user={user} />}
      {user && (
        <GrantsOf
          subject={{ kind: 'user', name }}
          groups={user.groups}
          note={user.admin ? t('users.adminMayAll') : undefined}
        />
      )}
    </Page>
  )
}

function AccountPanel({ user: { name, source, admin, managedBy, mail, groups = [] } }: { user: User }) {
  const t = useTexts()
  const navigate = useNavigate()
  const { session } = useMe()
  const [isOpen, { open, close }] = useDisclosure(false)
  const params = { user: name }
  const change = useChange('PATCH /users/{user}', { forget: ['/users'], isToldOnFailure: true })
  const remove = useChange('DELETE /users/{user}', {
    forget: ['/users', '/grants'],
    done: t('users.removed', { name }),
    isToldOnFailure: true,
  })
  const removeUser = async () => {
    await remove.mutateAsync({ params })
    await navigate({ to: '/users' })
  }
  const isOurs = managedBy === 'database'
  // Whoever takes this from themselves or removes themselves is locked out at once.
  const isSelf = session?.user.name === name
  return (
    <Panel title={t('users.account')}>
      <Group justify="space-between" p="md" gap="sm">
        <div>
          <Text size="sm" c="dimmed">
            {[`${t('users.source')}: ${t(`source.${source}`)}`, mail, groups.join(', ')].filter(Boolean).join(' · ')}
          </Text>
          <Switch
            mt="xs"
            label={t('users.isAdmin')}
            checked={admin}
            disabled={!isOurs || isSelf || change.isPending}
            onChange={({ currentTarget }) => change.mutate({ params, body: { admin: currentTarget.checked } })}
          />
        </div>
        {isOurs && (
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={open}>
              {t('users.newPassword')}
            </Button>
            {!isSelf && (
              <Confirmed label={t('users.remove')} onConfirm={removeUser}>
                <List.Item>{t('users.removeText')}</List.Item>
                <List.Item>{t('users.removeGrants')}</List.Item>
                <List.Item>{t('repository.noUndo')}</List.Item>
              </Confirmed>
            )}
          </Group>
        )}
      </Group>
      {isOpen && <NewPasswordForm name={name} onClose={close} />}
    </Panel>
  )
}
