import { Badge, Button, Group, NativeSelect, Progress, Table, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useChange } from '../api/change.ts'
import type { Job } from '../api/operations.ts'
import { reading } from '../api/queries.ts'
import { useTexts } from '../i18n/language.tsx'
import { Time } from '../parts/facts.tsx'
import { Pages } from '../parts/list-tools.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../parts/states.tsx'

const route = getRouteApi('/inside/jobs')
const states = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
const colors = { waiting: 'gray.7', running: 'blue.9', done: 'teal.9', failed: 'red.9', cancelled: 'gray.7' } as const
const watchMs = 2000

/** Work in the background, the newest first; it is watched while any of it goes on. */
export function JobsPage() {
  const t = useTexts()
  const { state: chosen, after } = route.useSearch()
  const navigate = route.useNavigate()
  const state = states.find((one) => one === chosen)
  const { data, error, isPending, refetch } = useQuery({
    ...reading('GET /jobs', { query: { ...(state && { state }), ...(after !== undefined && { after }) } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data: shown } }) => (shown?.answer.some(isOpen) ? watchMs : false),
  })
  const collect = useChange('POST /gc', { forget: ['/jobs', '/gc'], done: t('jobs.collecting'), isToldOnFailure: true })
  return (
    <Page
      title={t('nav.jobs')}
      actions={
        <Button size="xs" variant="default" loading={collect.isPending} onClick={() => collect.mutate({})}>
          {t('jobs.collect')}
        </Button>
      }
    >
      <Panel
        title={t('jobs.list')}
        side={
          <NativeSelect
            size="xs"
            aria-label={t('jobs.state')}
            value={state ?? ''}
            data={[
              { value: '', label: t('jobs.any') },
              ...states.map((value) => ({ value, label: t(`job.${value}`) })),
            ]}
            onChange={({ currentTarget: { value } }) =>
              void navigate({ search: value === '' ? {} : { state: value }, replace: true })
            }
          />
        }
      >
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {isPending && <Waiting />}
        {data?.answer.length === 0 && (
          <Empty icon="jobs" title={t('jobs.none')}>
            {t('jobs.noneText')}
          </Empty>
        )}
        {data && data.answer.length > 0 && <JobTable jobs={data.answer} />}
        {data && (
          <Pages
            after={after}
            next={data.next}
            onGo={(to) =>
              void navigate({ search: ({ after: _, ...rest }) => (to === undefined ? rest : { ...rest, after: to }) })
            }
          />
        )}
      </Panel>
    </Page>
  )
}

function JobTable({ jobs }: { jobs: Job[] }) {
  const t = useTexts()
  return (
    <Table verticalSpacing={6} aria-label={t('jobs.list')}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('jobs.job')}</Table.Th>
          <Table.Th>{t('jobs.state')}</Table.Th>
          <Table.Th className="wide">{t('jobs.by')}</Table.Th>
          <Table.Th className="wide">{t('jobs.begun')}</Table.Th>
          <Table.Th aria-label={t('column.actions')} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {jobs.map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function JobRow({ job }: { job: Job }) {
  const t = useTexts()
  const { id, kind, object, state, by, createdAt, cancelling, error, log } = job
  const change = { forget: ['/jobs'], isToldOnFailure: true }
  const cancel = useChange('POST /jobs/{job}/cancel', change)
  const retry = useChange('POST /jobs/{job}/retry', change)
  const button = isOpen(job) ? cancel : state === 'failed' || state === 'cancelled' ? retry : undefined
  const last = error ?? log.at(-1)?.text
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600}>
          {kind} {object}
        </Text>
        {last !== undefined && (
          <Text size="xs" c="dimmed">
            {last}
          </Text>
        )}
        <JobProgress job={job} />
      </Table.Td>
      <Table.Td>
        <Badge color={colors[state]} variant="filled" tt="none">
          {cancelling ? t('job.cancelling') : t(`job.${state}`)}
        </Badge>
      </Table.Td>
      <Table.Td className="wide">{by.name || '–'}</Table.Td>
      <Table.Td className="wide">
        <Time at={createdAt} />
      </Table.Td>
      <Table.Td>
        {button && !cancelling && (
          <Group justify="flex-end">
            <Button
              size="compact-xs"
              variant="default"
              loading={button.isPending}
              aria-label={`${t(isOpen(job) ? 'jobs.cancel' : 'jobs.retry')}: ${kind} ${object} (${id})`}
              onClick={() => button.mutate({ params: { job: id } })}
            >
              {t(isOpen(job) ? 'jobs.cancel' : 'jobs.retry')}
            </Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

/** How far it is, where its kind says how much there is in all. */
function JobProgress({ job: { kind, object, progress } }: { job: Job }) {
  const { bytes, bytesInAll } = progress
  if (bytes === undefined || !bytesInAll) return null
  return <Progress size="sm" value={Math.min(100, (100 * bytes) / bytesInAll)} aria-label={`${kind} ${object}`} />
}

function isOpen({ state }: Job): boolean {
  return state === 'waiting' || state === 'running'
}
