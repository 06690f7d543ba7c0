import { Badge, Button, Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useChange } from '../../api/change.ts'
import type { SessionInfo } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { browserName } from '../../format/browser.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Time } from '../../parts/facts.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Failure, Waiting } from '../../parts/states.tsx'

/** Where one is logged in. */
export function SessionsPanel() {
  const t = useTexts()
  const { data, error, isPending, refetch } = useQuery(reading('GET /me/sessions', {}))
  return (
    <Panel title={t('sessions.title')}>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {data && (
        <Table verticalSpacing={6} aria-label={t('sessions.title')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('sessions.browser')}</Table.Th>
              <Table.Th className="wide">{t('audit.address')}</Table.Th>
              <Table.Th>{t('sessions.used')}</Table.Th>
              <Table.Th aria-label={t('column.actions')} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.answer.map((session) => (
              <SessionRow key={session.id} session={session} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  )
}

function SessionRow({ session: { id, current, address, userAgent, usedAt } }: { session: SessionInfo }) {
  const t = useTexts()
  const end = useChange('DELETE /me/sessions/{session}', {
    forget: ['/me/sessions'],
    done: t('sessions.ended'),
    isToldOnFailure: true,
  })
  return (
    <Table.Tr>
      <Table.Td title={userAgent}>{browserName(userAgent)}</Table.Td>
      <Table.Td className="wide">{address}</Table.Td>
      <Table.Td>
        <Time at={usedAt} />
      </Table.Td>
      <Table.Td ta="right">
        {current ? (
          <Badge variant="default" size="sm" tt="none">
            {t('sessions.this')}
          </Badge>
        ) : (
          <Button
            size="compact-xs"
            variant="default"
            loading={end.isPending}
            onClick={() => end.mutate({ params: { session: id } })}
          >
            {t('sessions.end')}
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
