import { Badge, Button, Group, Table } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { AuditEvent } from '../api/operations.ts'
import { reading } from '../api/queries.ts'
import { useTexts } from '../i18n/language.tsx'
import { Time } from '../parts/facts.tsx'
import { Icon } from '../parts/icons.tsx'
import { Pages } from '../parts/list-tools.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../parts/states.tsx'
import { useExport } from './audit-export.ts'
import { AuditFilters } from './audit-filters.tsx'

const route = getRouteApi('/inside/audit')

/** Who did what, the newest first. */
export function AuditPage() {
  const t = useTexts()
  const { after, ...filter } = route.useSearch()
  const navigate = route.useNavigate()
  const { result, ...rest } = filter
  const query = { ...rest, ...((result === 'denied' || result === 'done') && ({ result } as const)) }
  const { data, error, isPending, refetch } = useQuery({
    ...reading('GET /audit', { query: after === undefined ? query : { ...query, after } }),
    placeholderData: keepPreviousData,
  })
  const { save, isSaving } = useExport(query)
  return (
    <Page
      title={t('nav.audit')}
      actions={
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon name="download" size={14} />}
          loading={isSaving}
          onClick={save}
        >
          {t('audit.export')}
        </Button>
      }
    >
      <AuditFilters filter={filter} onChange={(changed) => void navigate({ search: changed, replace: true })} />
      <Panel>
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {isPending && <Waiting />}
        {data?.answer.length === 0 && (
          <Empty icon="audit" title={t('events.none')}>
            {Object.keys(filter).length > 0 && t('audit.noneText')}
          </Empty>
        )}
        {data && data.answer.length > 0 && <EventTable events={data.answer} />}
        {data && (
          <Pages
            after={after}
            next={data.next}
            onGo={(to) => void navigate({ search: to === undefined ? filter : { ...filter, after: to } })}
          />
        )}
      </Panel>
    </Page>
  )
}

function EventTable({ events }: { events: AuditEvent[] }) {
  const t = useTexts()
  return (
    <Table verticalSpacing={6} aria-label={t('nav.audit')}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('column.time')}</Table.Th>
          <Table.Th>{t('audit.who')}</Table.Th>
          <Table.Th>{t('audit.what')}</Table.Th>
          <Table.Th className="wide">{t('audit.object')}</Table.Th>
          <Table.Th className="wide">{t('audit.address')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {events.map(({ id, at, actor, action, result, repository, object, times }) => (
          <Table.Tr key={id}>
            <Table.Td>
              <Time at={at} />
            </Table.Td>
            <Table.Td>{actor.name || t('audit.anonymous')}</Table.Td>
            <Table.Td>
              <Group gap="xs">
                <code>{action}</code>
                {result === 'denied' && (
                  <Badge color="red.9" size="sm" tt="none">
                    {t('audit.denied')}
                  </Badge>
                )}
                {times > 1 && <span>×{times}</span>}
              </Group>
              <span className="narrow">{[repository, object].filter(Boolean).join(' / ')}</span>
            </Table.Td>
            <Table.Td className="wide">{[repository, object].filter(Boolean).join(' / ')}</Table.Td>
            <Table.Td className="wide">{actor.address}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
