import { Switch } from '@mantine/core'
import { useTexts } from '../../i18n/language.tsx'
import { PasswordField } from '../account/password.tsx'

export interface PasswordWish {
  isRandom: boolean
  /** What was written, when it is not to be random. */
  text: string
}

/** The password that is wished for; a random one is another one each time. */
export function passwordOf({ isRandom, text }: PasswordWish): string {
  return isRandom ? randomPassword() : text
}

/** A random password, or one that is written. */
export function PasswordChoice({ wish, onChange }: { wish: PasswordWish; onChange: (wish: PasswordWish) => void }) {
  const t = useTexts()
  return (
    <>
      <Switch
        label={t('password.random')}
        description={t('password.randomHint')}
        checked={wish.isRandom}
        onChange={({ currentTarget }) => onChange({ ...wish, isRandom: currentTarget.checked })}
      />
      {!wish.isRandom && (
        <PasswordField
          isNew
          label={t('password.new')}
          value={wish.text}
          onChange={({ currentTarget }) => onChange({ ...wish, text: currentTarget.value })}
        />
      )}
    </>
  )
}

/** 120 bits, in letters that nobody takes for others. */
function randomPassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789X'
  const bytes = crypto.getRandomValues(new Uint8Array(24))
  return Array.from(bytes, (byte) => letters[byte % letters.length]).join('')
}
