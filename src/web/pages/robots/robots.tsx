import { Badge, Button, Table } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { CreatedRobot } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Time } from '../../parts/facts.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Link } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { SecretDialog } from '../../parts/secret.tsx'
import { Empty, Failure, Waiting } from '../../parts/states.tsx'
import { NewRobotForm } from './new-robot.tsx'

/** Accounts for programs. */
export function RobotsPage() {
  const t = useTexts()
  const [isOpen, { open, close }] = useDisclosure(false)
  const [created, setCreated] = useState<CreatedRobot>()
  const { data, error, isPending, refetch } = useQuery(reading('GET /robots', {}))
  return (
    <Page
      title={t('nav.robots')}
      actions={
        <Button size="xs" leftSection={<Icon name="add" size={14} />} onClick={open}>
          {t('robots.new')}
        </Button>
      }
    >
      <Panel>
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {isPending && <Waiting />}
        {data?.answer.length === 0 && (
          <Empty icon="robot" title={t('robots.none')}>
            {t('robots.noneText')}
          </Empty>
        )}
        {data && data.answer.length > 0 && (
          <Table highlightOnHover verticalSpacing={6} aria-label={t('nav.robots')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('column.name')}</Table.Th>
                <Table.Th className="wide">{t('form.description')}</Table.Th>
                <Table.Th>{t('users.since')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.answer.map(({ name, description, disabled, createdAt }) => (
                <Table.Tr key={name}>
                  <Table.Td>
                    <Link to="/robots/$robot" params={{ robot: name }} fw={600}>
                      {name}
                    </Link>{' '}
                    {disabled && (
                      <Badge color="gray.7" variant="filled" size="sm" tt="none">
                        {t('robots.disabled')}
                      </Badge>
                    )}
                  </Table.Td>
                  <Table.Td className="wide">{description}</Table.Td>
                  <Table.Td>
                    <Time at={createdAt} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Panel>
      {isOpen && (
        <NewRobotForm
          onClose={close}
          onCreated={(robot) => {
            close()
            setCreated(robot)
          }}
        />
      )}
      {created && (
        <SecretDialog
          title={t('robots.created', { name: created.name })}
          secret={created.token.secret}
          user={created.name}
          onClose={() => setCreated(undefined)}
        />
      )}
    </Page>
  )
}
