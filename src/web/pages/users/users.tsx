import { Badge, Button, Table } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { User } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Time } from '../../parts/facts.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Link } from '../../parts/link.tsx'
import { SearchField } from '../../parts/list-tools.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../../parts/states.tsx'
import { NewUserForm } from './new-user.tsx'

const route = getRouteApi('/inside/users')

/** Everybody who is known here. */
export function UsersPage() {
  const t = useTexts()
  const { search = '' } = route.useSearch()
  const navigate = route.useNavigate()
  const [isOpen, { open, close }] = useDisclosure(false)
  const { data, error, isPending, refetch } = useQuery(reading('GET /users', {}))
  const shown = data?.answer.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase())) ?? []
  return (
    <Page
      title={t('nav.users')}
      actions={
        <Button size="xs" leftSection={<Icon name="add" size={14} />} onClick={open}>
          {t('users.new')}
        </Button>
      }
    >
      <Panel
        title={t('users.known')}
        side={
          <SearchField
            label={t('users.search')}
            value={search}
            onChange={(text) => void navigate({ search: text === '' ? {} : { search: text }, replace: true })}
          />
        }
      >
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {isPending && <Waiting />}
        {data && shown.length === 0 && (
          <Empty icon="users" title={search === '' ? t('users.none') : t('images.notFound', { text: search })}>
            {t('users.noneText')}
          </Empty>
        )}
        {shown.length > 0 && <UserTable users={shown} />}
      </Panel>
      {isOpen && <NewUserForm onClose={close} />}
    </Page>
  )
}

function UserTable({ users }: { users: User[] }) {
  const t = useTexts()
  return (
    <Table highlightOnHover verticalSpacing={6} aria-label={t('users.known')}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('column.name')}</Table.Th>
          <Table.Th>{t('users.source')}</Table.Th>
          <Table.Th className="wide">{t('users.groups')}</Table.Th>
          <Table.Th className="wide">{t('users.since')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {users.map(({ name, source, admin, managedBy, groups = [], createdAt, seenAt }) => (
          <Table.Tr key={`${source} ${name}`}>
            <Table.Td>
              <Link to="/users/$user" params={{ user: name }} fw={600}>
                {name}
              </Link>{' '}
              {admin && (
                <Badge variant="default" size="sm" tt="none">
                  {t('users.admin')}
                </Badge>
              )}
            </Table.Td>
            <Table.Td>{managedBy === 'file' ? t('managed.file') : t(`source.${source}`)}</Table.Td>
            <Table.Td className="wide">{groups.join(', ') || '–'}</Table.Td>
            <Table.Td className="wide">
              <Time at={createdAt ?? seenAt} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
