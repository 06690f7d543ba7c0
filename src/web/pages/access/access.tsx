import { Button, Group, NativeSelect, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Grant } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import type { GrantFilter } from '../../app/routes.tsx'
import { useTexts } from '../../i18n/language.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../../parts/states.tsx'
import { GrantForm, subjectKinds } from './grant-form.tsx'
import { GrantTable } from './grant-table.tsx'

const route = getRouteApi('/inside/access')

/** All grants there are. */
export function AccessPage() {
  const t = useTexts()
  const filter = route.useSearch()
  const navigate = route.useNavigate()
  const [isOpen, { open, close }] = useDisclosure(false)
  const { data, error, isPending, refetch } = useQuery(reading('GET /grants', {}))
  const shown = data?.answer.filter((grant) => fits(grant, filter)) ?? []
  const set = (changes: GrantFilter) => {
    const next = Object.entries({ ...filter, ...changes }).filter(([, value]) => value !== '')
    void navigate({ search: Object.fromEntries(next), replace: true })
  }
  return (
    <Page
      title={t('nav.access')}
      actions={
        <Button size="xs" leftSection={<Icon name="add" size={14} />} onClick={open}>
          {t('grants.add')}
        </Button>
      }
    >
      <Filters filter={filter} grants={data?.answer ?? []} onChange={set} />
      <Panel>
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {isPending && <Waiting />}
        {data && shown.length === 0 && (
          <Empty icon="key" title={t(data.answer.length === 0 ? 'grants.none' : 'grants.noneFits')}>
            {data.answer.length === 0 && t('grants.noneText')}
          </Empty>
        )}
        {shown.length > 0 && <GrantTable grants={shown} label={t('nav.access')} />}
      </Panel>
      {isOpen && <GrantForm onClose={close} />}
    </Page>
  )
}

interface FiltersProps {
  filter: GrantFilter
  grants: readonly Grant[]
  onChange: (changes: GrantFilter) => void
}

function Filters({ filter, grants, onChange }: FiltersProps) {
  const t = useTexts()
  const any = { value: '', label: t('audit.any') }
  const named = (values: string[]) => [...new Set(values)].sort().map((value) => ({ value, label: value }))
  const selects = [
    ['kind', t('grants.kind'), subjectKinds.map((value) => ({ value, label: t(`subject.${value}`) }))],
    ['role', t('grants.role'), named(grants.map(({ role }) => role))],
    ['repository', t('column.repository'), named(grants.map(({ repository }) => repository))],
  ] as const
  return (
    <Group gap="sm" align="flex-end">
      <TextInput
        size="xs"
        label={t('grants.who')}
        value={filter.subject ?? ''}
        onChange={({ currentTarget }) => onChange({ subject: currentTarget.value })}
      />
      {selects.map(([name, label, data]) => (
        <NativeSelect
          key={name}
          size="xs"
          label={label}
          value={filter[name] ?? ''}
          data={[any, ...data]}
          onChange={({ currentTarget }) => onChange({ [name]: currentTarget.value })}
        />
      ))}
    </Group>
  )
}

/** A part of the name is enough for who; a filter by a repository shows what holds there, also what holds everywhere. */
function fits({ subject, role, repository }: Grant, filter: GrantFilter): boolean {
  return (
    (filter.subject === undefined || (subject.name ?? '').includes(filter.subject)) &&
    (filter.kind === undefined || subject.kind === filter.kind) &&
    (filter.role === undefined || role === filter.role) &&
    (filter.repository === undefined || repository === filter.repository || repository === '*')
  )
}
