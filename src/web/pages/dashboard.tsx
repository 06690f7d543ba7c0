import { Group, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { reading } from '../api/queries.ts'
import { useMe } from '../api/session.ts'
import { useTexts } from '../i18n/language.tsx'
import { CopyLine } from '../parts/copy.tsx'
import { Size, Time } from '../parts/facts.tsx'
import { Link } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../parts/states.tsx'
import classes from './dashboard.module.css'

/** What is going on, as far as one may see it, and the first steps. */
export function DashboardPage() {
  const t = useTexts()
  const { isAdmin } = useMe()
  return (
    <Page title={t('nav.dashboard')}>
      {isAdmin && <Figures />}
      <FirstSteps />
      {isAdmin && <LastEvents />}
    </Page>
  )
}

function Figures() {
  const t = useTexts()
  const stores = useQuery(reading('GET /blob-stores', {}))
  const garbage = useQuery(reading('GET /gc', {}))
  const repositories = useQuery(reading('GET /repositories', {}))
  const failed = [stores, garbage, repositories].find(({ isError }) => isError)
  if (failed) return <Failure error={failed.error} onRetry={() => void failed.refetch()} />
  const all = stores.data?.answer ?? []
  const sick = all.filter(({ healthy }) => !healthy).length
  const sum = (of: 'bytes' | 'blobs') => all.reduce((total, store) => total + store[of], 0)
  return (
    <div className={classes.figures}>
      <Figure name={t('figures.stored')} isKnown={stores.isSuccess}>
        <Size bytes={sum('bytes')} />
        <small>{t('figures.blobs', { count: sum('blobs') })}</small>
      </Figure>
      <Figure name={t('figures.reclaimable')} isKnown={garbage.isSuccess}>
        <Size bytes={garbage.data?.answer.bytes ?? 0} />
        <small>{t('figures.blobs', { count: garbage.data?.answer.blobs ?? 0 })}</small>
      </Figure>
      <Figure name={t('nav.repositories')} isKnown={repositories.isSuccess}>
        {repositories.data?.answer.length}
      </Figure>
      <Figure name={t('figures.health')} isKnown={stores.isSuccess}>
        {sick === 0 ? t('figures.healthy') : t('figures.sick', { count: sick })}
      </Figure>
    </div>
  )
}

function Figure({ name, isKnown, children }: { name: string; isKnown: boolean; children: React.ReactNode }) {
  return (
    <div className={classes.figure}>
      <div className={classes.name}>{name}</div>
      <div className={classes.value}>{isKnown ? children : '…'}</div>
    </div>
  )
}

function FirstSteps() {
  const t = useTexts()
  const { session, system } = useMe()
  const { host } = location
  return (
    <Panel title={t('steps.title')}>
      <Stack gap="xs" p="md">
        {!system.open && session && (
          <CopyLine text={`docker login ${host} -u ${session.user.name}`} label={t('copy.line')} />
        )}
        <CopyLine text={`docker tag busybox ${host}/team/app:1.0`} label={t('copy.line')} />
        <CopyLine text={`docker push ${host}/team/app:1.0`} label={t('copy.line')} />
        {location.protocol === 'http:' && (
          <Text size="sm" c="dimmed">
            {t('steps.plain', { host })}
          </Text>
        )}
      </Stack>
    </Panel>
  )
}

function LastEvents() {
  const t = useTexts()
  const events = useQuery(reading('GET /audit', { query: { limit: 8 } }))
  return (
    <Panel
      title={t('events.title')}
      side={
        <Link to="/audit" size="sm">
          {t('events.all')}
        </Link>
      }
    >
      {events.isError && <Failure error={events.error} onRetry={() => void events.refetch()} />}
      {events.isPending && <Waiting />}
      {events.data?.answer.length === 0 && <Empty icon="audit" title={t('events.none')} />}
      {events.data && events.data.answer.length > 0 && (
        <Table verticalSpacing={6} aria-label={t('events.title')}>
          <Table.Tbody>
            {events.data.answer.map(({ id, at, actor, action, object, result }) => (
              <Table.Tr key={id}>
                <Table.Td w="9rem">
                  <Time at={at} />
                </Table.Td>
                <Table.Td>
                  <Group gap="xs">
                    <b>{actor.name || t('audit.anonymous')}</b>
                    <code>{action}</code>
                    {result === 'denied' && (
                      <Text c="var(--mantine-color-error)" size="sm">
                        {t('audit.denied')}
                      </Text>
                    )}
                  </Group>
                </Table.Td>
                <Table.Td className="wide">{object}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  )
}
