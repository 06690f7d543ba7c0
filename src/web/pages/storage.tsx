import { Badge, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { reading } from '../api/queries.ts'
import { formatSize } from '../format/size.ts'
import { useLanguage } from '../i18n/language.tsx'
import { Size } from '../parts/facts.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { Failure, Waiting } from '../parts/states.tsx'

/** Where the bytes are, and what the collector will give back. */
export function StoragePage() {
  const { t } = useLanguage()
  return (
    <Page title={t('nav.storage')}>
      <BlobStores />
      <Garbage />
    </Page>
  )
}

function BlobStores() {
  const { t, tag } = useLanguage()
  const { data, error, isPending, refetch } = useQuery(reading('GET /blob-stores', {}))
  return (
    <Panel title={t('stores.title')}>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {data && (
        <Table aria-label={t('stores.title')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('column.name')}</Table.Th>
              <Table.Th className="wide">{t('stores.driver')}</Table.Th>
              <Table.Th ta="right">{t('column.blobs')}</Table.Th>
              <Table.Th ta="right">{t('column.size')}</Table.Th>
              <Table.Th>{t('figures.health')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.answer.map(({ name, driver, blobs, bytes, healthy, problem }) => (
              <Table.Tr key={name}>
                <Table.Td fw={600}>{name}</Table.Td>
                <Table.Td className="wide">{driver}</Table.Td>
                <Table.Td ta="right">{blobs.toLocaleString(tag)}</Table.Td>
                <Table.Td ta="right">
                  <Size bytes={bytes} />
                </Table.Td>
                <Table.Td>
                  {healthy ? (
                    <Badge variant="default" tt="none">
                      {t('figures.healthy')}
                    </Badge>
                  ) : (
                    <Text size="sm" c="var(--mantine-color-error)">
                      {problem}
                    </Text>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  )
}

function Garbage() {
  const { t, tag } = useLanguage()
  const { data, error, isPending, refetch } = useQuery(reading('GET /gc', {}))
  return (
    <Panel title={t('garbage.title')}>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {data && (
        <Text p="md" size="sm">
          {data.answer.blobs === 0
            ? t('garbage.none')
            : t('garbage.some', { count: data.answer.blobs, size: formatSize(data.answer.bytes, tag) })}{' '}
          {t('garbage.text')}
        </Text>
      )}
    </Panel>
  )
}
