import { Button, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import type { Grant } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../../parts/states.tsx'
import { GrantForm } from './grant-form.tsx'
import { GrantTable } from './grant-table.tsx'

interface GrantsOfProps {
  subject: Grant['subject']
  groups?: readonly string[] | undefined
  /** What is to be known besides the list. */
  note?: string | undefined
}

/** What somebody may do: by grants of their own, of their groups as far as they are known, and of everybody. */
export function GrantsOf({ subject, groups = [], note }: GrantsOfProps) {
  const t = useTexts()
  const [isOpen, { open, close }] = useDisclosure(false)
  const { data, error, isPending, refetch } = useQuery(reading('GET /grants', {}))
  const reaches = ({ kind, name = '' }: Grant['subject']) =>
    (kind === subject.kind && name === subject.name) ||
    (kind === 'group' && groups.includes(name)) ||
    (kind === 'authenticated' && subject.kind === 'user') ||
    kind === 'anonymous'
  const grants = data?.answer.filter((grant) => reaches(grant.subject)) ?? []
  return (
    <Panel
      title={t('grants.title')}
      side={
        <Button size="xs" leftSection={<Icon name="add" size={14} />} onClick={open}>
          {t('grants.add')}
        </Button>
      }
    >
      {note !== undefined && (
        <Text size="sm" p="md">
          {note}
        </Text>
      )}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {data && grants.length === 0 && note === undefined && (
        <Empty icon="key" title={t('grants.noneOf')}>
          {t('grants.noneOfText')}
        </Empty>
      )}
      {grants.length > 0 && <GrantTable grants={grants} label={t('grants.title')} />}
      {isOpen && <GrantForm subject={subject} onClose={close} />}
    </Panel>
  )
}
