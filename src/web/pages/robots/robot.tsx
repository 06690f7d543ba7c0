import { Button, Group, List, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../../api/change.ts'
import type { Robot } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useMe } from '../../api/session.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Confirmed } from '../../parts/confirm.tsx'
import { FormDialog } from '../../parts/dialog.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Link } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { SecretDialog } from '../../parts/secret.tsx'
import { Empty, Failure, NotFoundPage, Waiting } from '../../parts/states.tsx'
import { GrantsOf } from '../access/grants-of.tsx'
import { newLimit } from '../account/limits.tsx'
import { type DraftToken, TokenFields, tokenOf } from '../account/token-fields.tsx'
import { TokenTable } from '../account/token-table.tsx'
import { useGivable } from './new-robot.tsx'

const route = getRouteApi('/inside/robots/$robot')

/** One robot: its tokens, and a way to stop it. */
export function RobotPage() {
  const t = useTexts()
  const { robot: name } = route.useParams()
  const { isAdmin } = useMe()
  const { data, error, isPending, refetch } = useQuery(reading('GET /robots', {}))
  const robot = data?.answer.find((one) => one.name === name)
  if (data && !robot) return <NotFoundPage />
  return (
    <Page
      title={name}
      trail={[
        <Link key="all" to="/robots">
          {t('nav.robots')}
        </Link>,
      ]}
    >
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {robot && <StatePanel robot={robot} />}
      {robot && <RobotTokens name={name} />}
      {robot && isAdmin && <GrantsOf subject={{ kind: 'robot', name }} />}
    </Page>
  )
}

function StatePanel({ robot: { name, description, disabled } }: { robot: Robot }) {
  const t = useTexts()
  const navigate = useNavigate()
  const params = { robot: name }
  const change = useChange('PATCH /robots/{robot}', { forget: ['/robots'], isToldOnFailure: true })
  const remove = useChange('DELETE /robots/{robot}', {
    forget: ['/robots', '/grants'],
    done: t('users.removed', { name }),
    isToldOnFailure: true,
  })
  const removeRobot = async () => {
    await remove.mutateAsync({ params })
    await navigate({ to: '/robots' })
  }
  return (
    <Panel>
      <Group justify="space-between" p="md" gap="sm">
        <div>
          {description !== '' && <Text size="sm">{description}</Text>}
          <Text size="sm" c="dimmed">
            {t(disabled ? 'robots.isDisabled' : 'robots.isEnabled')}
          </Text>
        </div>
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            loading={change.isPending}
            onClick={() => change.mutate({ params, body: { disabled: !disabled } })}
          >
            {t(disabled ? 'robots.enable' : 'robots.disable')}
          </Button>
          <Confirmed label={t('robots.remove')} onConfirm={removeRobot}>
            <List.Item>{t('robots.removeText')}</List.Item>
            <List.Item>{t('repository.noUndo')}</List.Item>
          </Confirmed>
        </Group>
      </Group>
    </Panel>
  )
}

function RobotTokens({ name }: { name: string }) {
  const t = useTexts()
  const [isOpen, { open, close }] = useDisclosure(false)
  const [secret, setSecret] = useState<string>()
  const { data, error, isPending } = useQuery(reading('GET /robots/{robot}/tokens', { params: { robot: name } }))
  return (
    <Panel
      title={t('tokens.title')}
      side={
        <Button size="xs" leftSection={<Icon name="add" size={14} />} onClick={open}>
          {t('tokens.new')}
        </Button>
      }
    >
      {error && <Failure error={error} />}
      {isPending && <Waiting />}
      {data?.answer.length === 0 && <Empty icon="key" title={t('tokens.none')} />}
      {data && data.answer.length > 0 && <TokenTable tokens={data.answer} label={t('tokens.title')} />}
      {isOpen && (
        <RobotTokenForm
          name={name}
          onClose={close}
          onCreated={(created) => {
            close()
            setSecret(created)
          }}
        />
      )}
      {secret !== undefined && (
        <SecretDialog title={t('tokens.created')} secret={secret} user={name} onClose={() => setSecret(undefined)} />
      )}
    </Panel>
  )
}

interface RobotTokenFormProps {
  name: string
  onClose: () => void
  onCreated: (secret: string) => void
}

function RobotTokenForm({ name, onClose, onCreated }: RobotTokenFormProps) {
  const t = useTexts()
  const repositories = useGivable()
  const [token, setToken] = useState<DraftToken>(() => ({
    name: '',
    expires: '365',
    limits: [newLimit(repositories[0] ?? '*')],
  }))
  const create = useChange('POST /robots/{robot}/tokens', { forget: ['/robots'] })
  return (
    <FormDialog
      title={t('tokens.new')}
      submit={t('form.create')}
      isPending={create.isPending}
      error={create.error}
      onSubmit={() =>
        create.mutate(
          { params: { robot: name }, body: tokenOf(token) },
          { onSuccess: ({ answer }) => onCreated(answer.secret) },
        )
      }
      onClose={onClose}
    >
      <TokenFields
        token={token}
        isLimited
        repositories={repositories}
        onChange={(changes) => setToken((before) => ({ ...before, ...changes }))}
      />
    </FormDialog>
  )
}
