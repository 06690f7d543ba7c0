import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../api/change.ts'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { FormDialog } from '../../parts/dialog.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Panel } from '../../parts/panel.tsx'
import { SecretDialog } from '../../parts/secret.tsx'
import { Empty, Failure, Waiting } from '../../parts/states.tsx'
import { type DraftToken, TokenFields, tokenOf } from './token-fields.tsx'
import { TokenTable } from './token-table.tsx'

/** The own access tokens. */
export function TokensPanel({ user }: { user: string }) {
  const t = useTexts()
  const [isOpen, { open, close }] = useDisclosure(false)
  const [secret, setSecret] = useState<string>()
  const { data, error, isPending, refetch } = useQuery(reading('GET /tokens', {}))
  return (
    <Panel
      title={t('tokens.title')}
      side={
        <Button size="xs" leftSection={<Icon name="add" size={14} />} onClick={open}>
          {t('tokens.new')}
        </Button>
      }
    >
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {data?.answer.length === 0 && (
        <Empty icon="key" title={t('tokens.none')}>
          {t('tokens.noneText')}
        </Empty>
      )}
      {data && data.answer.length > 0 && <TokenTable tokens={data.answer} label={t('tokens.title')} />}
      {isOpen && (
        <NewTokenForm
          onClose={close}
          onCreated={(created) => {
            close()
            setSecret(created)
          }}
        />
      )}
      {secret !== undefined && (
        <SecretDialog title={t('tokens.created')} secret={secret} user={user} onClose={() => setSecret(undefined)} />
      )}
    </Panel>
  )
}

function NewTokenForm({ onClose, onCreated }: { onClose: () => void; onCreated: (secret: string) => void }) {
  const t = useTexts()
  const [token, setToken] = useState<DraftToken>({ name: '', expires: '90', limits: [] })
  const repositories = useQuery(reading('GET /repositories', {})).data?.answer ?? []
  const create = useChange('POST /tokens', { forget: ['/tokens'] })
  return (
    <FormDialog
      title={t('tokens.new')}
      submit={t('form.create')}
      isPending={create.isPending}
      error={create.error}
      onSubmit={() => create.mutate({ body: tokenOf(token) }, { onSuccess: ({ answer }) => onCreated(answer.secret) })}
      onClose={onClose}
    >
      <TokenFields
        token={token}
        isLimited={false}
        repositories={['*', ...repositories.map(({ name }) => name)]}
        onChange={(changes) => setToken((before) => ({ ...before, ...changes }))}
      />
    </FormDialog>
  )
}
