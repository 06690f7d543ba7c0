import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../../parts/states.tsx'
import { RepositoryFrame } from '../repository/frame.tsx'
import { GrantForm } from './grant-form.tsx'
import { GrantTable } from './grant-table.tsx'

const route = getRouteApi('/inside/repositories/$repository/members')

/** Who may do what in a repository. */
export function MembersPage() {
  const t = useTexts()
  const { repository } = route.useParams()
  const [isOpen, { open, close }] = useDisclosure(false)
  const { data, error, isPending, refetch } = useQuery(reading('GET /grants', { query: { repository } }))
  return (
    <RepositoryFrame name={repository}>
      <Panel
        title={t('members.title')}
        side={
          <Button size="xs" leftSection={<Icon name="add" size={14} />} onClick={open}>
            {t('grants.add')}
          </Button>
        }
      >
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {isPending && <Waiting />}
        {data?.answer.length === 0 && (
          <Empty icon="users" title={t('members.none')}>
            {t('members.noneText')}
          </Empty>
        )}
        {data && data.answer.length > 0 && <GrantTable grants={data.answer} label={t('members.title')} />}
      </Panel>
      {isOpen && <GrantForm repository={repository} onClose={close} />}
    </RepositoryFrame>
  )
}
