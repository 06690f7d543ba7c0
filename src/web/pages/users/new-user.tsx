import { Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../api/change.ts'
import { useTexts } from '../../i18n/language.tsx'
import { FormDialog } from '../../parts/dialog.tsx'
import { SecretDialog } from '../../parts/secret.tsx'
import { PasswordChoice, type PasswordWish, passwordOf } from './password-choice.tsx'

/** Adds a user; a random password is shown once, when it is done. */
export function NewUserForm({ onClose }: { onClose: () => void }) {
  const t = useTexts()
  const [name, setName] = useState('')
  const [wish, setWish] = useState<PasswordWish>({ isRandom: true, text: '' })
  const [admin, setAdmin] = useState(false)
  const [shown, setShown] = useState<string>()
  const create = useChange('POST /users', { forget: ['/users'], done: t('users.created', { name }) })
  const submit = () => {
    const password = passwordOf(wish)
    create.mutate(
      { body: { name: name.trim(), password, admin } },
      { onSuccess: () => (wish.isRandom ? setShown(password) : onClose()) },
    )
  }
  if (shown !== undefined)
    return <SecretDialog title={t('users.passwordOf', { name })} secret={shown} user={name} onClose={onClose} />
  return (
    <FormDialog
      title={t('users.new')}
      submit={t('form.create')}
      isPending={create.isPending}
      error={create.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        data-autofocus
        label={t('login.name')}
        required
        withAsterisk={false}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
      />
      <PasswordChoice wish={wish} onChange={setWish} />
      <Switch
        label={t('users.isAdmin')}
        description={t('users.isAdminHint')}
        checked={admin}
        onChange={({ currentTarget }) => setAdmin(currentTarget.checked)}
      />
    </FormDialog>
  )
}
