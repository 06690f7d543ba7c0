import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../api/change.ts'
import type { CreatedRobot } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useMe } from '../../api/session.ts'
import { useTexts } from '../../i18n/language.tsx'
import { FormDialog } from '../../parts/dialog.tsx'
import { newLimit } from '../account/limits.tsx'
import { type DraftToken, TokenFields, tokenOf } from '../account/token-fields.tsx'

interface NewRobotFormProps {
  onClose: () => void
  onCreated: (robot: CreatedRobot) => void
}

/** Makes a robot with its first token. */
export function NewRobotForm({ onClose, onCreated }: NewRobotFormProps) {
  const t = useTexts()
  const repositories = useGivable()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [token, setToken] = useState<DraftToken>(() => ({
    name: t('robots.firstToken'),
    expires: '365',
    limits: [newLimit(repositories[0] ?? '*')],
  }))
  const create = useChange('POST /robots', { forget: ['/robots'] })
  const submit = () =>
    create.mutate(
      { body: { name: name.trim(), description: description.trim(), token: tokenOf(token) } },
      { onSuccess: ({ answer }) => onCreated(answer) },
    )
  return (
    <FormDialog
      title={t('robots.new')}
      submit={t('form.create')}
      isPending={create.isPending}
      error={create.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        data-autofocus
        label={t('robots.name')}
        description={t('robots.nameHint')}
        required
        withAsterisk={false}
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
      />
      <TextInput
        label={t('form.description')}
        value={description}
        onChange={({ currentTarget }) => setDescription(currentTarget.value)}
      />
      <TokenFields
        token={token}
        isLimited
        repositories={repositories}
        onChange={(changes) => setToken((before) => ({ ...before, ...changes }))}
      />
    </FormDialog>
  )
}

/** Where one may let robots in. */
export function useGivable(): string[] {
  const { isAdmin } = useMe()
  const repositories = useQuery(reading('GET /repositories', {})).data?.answer ?? []
  const names = repositories.filter(({ may }) => may.includes('manage-members')).map(({ name }) => name)
  return isAdmin ? [...names, '*'] : names
}
