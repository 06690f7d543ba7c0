import { PasswordInput, type PasswordInputProps } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../api/change.ts'
import { useTexts } from '../../i18n/language.tsx'
import { FormDialog } from '../../parts/dialog.tsx'

/** A password to be typed; `isNew`: one to be kept by the browser, not filled in by it. */
export function PasswordField({ isNew, ...rest }: { isNew: boolean } & PasswordInputProps) {
  const t = useTexts()
  return (
    <PasswordInput
      required
      withAsterisk={false}
      autoComplete={isNew ? 'new-password' : 'current-password'}
      {...(isNew && { minLength: 8, description: t('password.hint') })}
      visibilityToggleButtonProps={{ 'aria-label': t('login.showPassword') }}
      {...rest}
    />
  )
}

/** Changes the own password. */
export function OwnPasswordForm({ onClose }: { onClose: () => void }) {
  const t = useTexts()
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const change = useChange('POST /me/password', { forget: ['/me'], done: t('password.changed') })
  return (
    <FormDialog
      title={t('password.change')}
      isPending={change.isPending}
      error={change.error}
      onSubmit={() => change.mutate({ body: { current, password } }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <PasswordField
        data-autofocus
        isNew={false}
        label={t('password.current')}
        value={current}
        onChange={({ currentTarget }) => setCurrent(currentTarget.value)}
      />
      <PasswordField
        isNew
        label={t('password.new')}
        value={password}
        onChange={({ currentTarget }) => setPassword(currentTarget.value)}
      />
    </FormDialog>
  )
}
