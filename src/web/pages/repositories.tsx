import { Badge, Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Repository } from '../api/operations.ts'
import { reading } from '../api/queries.ts'
import { useTexts } from '../i18n/language.tsx'
import { Link } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { RepositoryKind } from '../parts/repository-kind.tsx'
import { Empty, Failure, Waiting } from '../parts/states.tsx'

/** All repositories, each with what it is made of. */
export function RepositoriesPage() {
  const t = useTexts()
  const { data, error, isPending, refetch } = useQuery(reading('GET /repositories', {}))
  return (
    <Page title={t('nav.repositories')}>
      <Panel>
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {isPending && <Waiting />}
        {data?.answer.length === 0 && (
          <Empty icon="repository" title={t('repositories.none')}>
            {t('repositories.noneText')}
          </Empty>
        )}
        {data && data.answer.length > 0 && (
          <Table highlightOnHover aria-label={t('nav.repositories')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('column.name')}</Table.Th>
                <Table.Th>{t('column.type')}</Table.Th>
                <Table.Th className="wide">{t('column.source')}</Table.Th>
                <Table.Th className="wide">{t('column.blobStore')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.answer.map((repository) => (
                <RepositoryRow key={repository.name} repository={repository} />
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Panel>
    </Page>
  )
}

function RepositoryRow({ repository }: { repository: Repository }) {
  const t = useTexts()
  const { name, default: isDefault, upstream, members, blobStore, type } = repository
  return (
    <Table.Tr>
      <Table.Td>
        <Link to="/repositories/$repository" params={{ repository: name }} fw={600}>
          {name}
        </Link>{' '}
        {isDefault && (
          <Badge variant="default" size="sm" title={t('repositories.defaultText')}>
            {t('repositories.default')}
          </Badge>
        )}
      </Table.Td>
      <Table.Td>
        <RepositoryKind type={type} />
      </Table.Td>
      <Table.Td className="wide">{upstream?.url ?? members?.join(', ') ?? t('repositories.pushed')}</Table.Td>
      <Table.Td className="wide">{type === 'group' ? '–' : blobStore}</Table.Td>
    </Table.Tr>
  )
}
