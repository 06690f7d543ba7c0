import { useState } from 'react'
import { useChange } from '../../api/change.ts'
import { useTexts } from '../../i18n/language.tsx'
import { FormDialog } from '../../parts/dialog.tsx'
import { SecretDialog } from '../../parts/secret.tsx'
import { PasswordChoice, type PasswordWish, passwordOf } from './password-choice.tsx'

/** Gives somebody another password. */
export function NewPasswordForm({ name, onClose }: { name: string; onClose: () => void }) {
  const t = useTexts()
  const [wish, setWish] = useState<PasswordWish>({ isRandom: true, text: '' })
  const [shown, setShown] = useState<string>()
  const change = useChange('PATCH /users/{user}', { forget: ['/users'], done: t('users.passwordSet', { name }) })
  const submit = () => {
    const password = passwordOf(wish)
    change.mutate(
      { params: { user: name }, body: { password } },
      { onSuccess: () => (wish.isRandom ? setShown(password) : onClose()) },
    )
  }
  if (shown !== undefined)
    return <SecretDialog title={t('users.passwordOf', { name })} secret={shown} user={name} onClose={onClose} />
  return (
    <FormDialog
      title={t('users.newPassword')}
      isPending={change.isPending}
      error={change.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <PasswordChoice wish={wish} onChange={setWish} />
    </FormDialog>
  )
}
