import { NativeSelect, PasswordInput, TextInput } from '@mantine/core'
import type { TextKey } from '../../i18n/en.ts'
import { useTexts } from '../../i18n/language.tsx'
import type { Draft } from './draft.ts'

export interface FieldsProps {
  draft: Draft
  /** Whether it exists already: some things are settled then. */
  isNew: boolean
  onChange: (changes: Partial<Draft>) => void
}

type TextField = { [K in keyof Draft]: Draft[K] extends string ? K : never }[keyof Draft]

interface FieldProps extends Pick<FieldsProps, 'draft' | 'onChange'> {
  name: TextField
  label: TextKey
  hint?: TextKey
  placeholder?: string
  required?: boolean
}

/** One line of the form. */
export function Field({ draft, onChange, name, label, hint, placeholder, required = false }: FieldProps) {
  const t = useTexts()
  return (
    <TextInput
      label={t(label)}
      {...(hint && { description: t(hint) })}
      {...(placeholder !== undefined && { placeholder })}
      required={required}
      withAsterisk={false}
      spellCheck={false}
      value={draft[name]}
      onChange={({ currentTarget }) => onChange({ [name]: currentTarget.value })}
    />
  )
}

/** What a hosted repository takes, and how much. */
export function HostedFields({ draft, onChange }: FieldsProps) {
  const t = useTexts()
  const policies = ['allow', 'allow-once', 'read-only'] as const
  return (
    <>
      <NativeSelect
        label={t('form.writePolicy')}
        value={draft.writePolicy}
        data={policies.map((value) => ({ value, label: t(`policy.${value}`) }))}
        onChange={({ currentTarget }) => onChange({ writePolicy: currentTarget.value })}
      />
      {draft.writePolicy === 'allow-once' && (
        <Field
          {...{ draft, onChange }}
          name="mutableTags"
          label="form.mutableTags"
          hint="form.mutableTagsHint"
          placeholder="latest *-dev"
        />
      )}
      <Field
        {...{ draft, onChange }}
        name="quotaBytes"
        label="form.quotaBytes"
        hint="form.sizeHint"
        placeholder="50GB"
      />
      <Field {...{ draft, onChange }} name="quotaTags" label="form.quotaTags" hint="form.emptyIsUnlimited" />
    </>
  )
}

/** Where a proxy fetches from, and for how long it keeps what it has fetched. */
export function ProxyFields({ draft, onChange, hasPassword }: FieldsProps & { hasPassword: boolean }) {
  const t = useTexts()
  const prefixes = ['auto', 'always', 'never'] as const
  return (
    <>
      <Field {...{ draft, onChange }} name="url" label="form.url" placeholder="https://registry.example.com" required />
      <Field {...{ draft, onChange }} name="username" label="form.upstreamUser" hint="form.upstreamUserHint" />
      <PasswordInput
        label={t('form.upstreamPassword')}
        description={t(hasPassword ? 'form.passwordStays' : 'form.passwordHint')}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ 'aria-label': t('login.showPassword') }}
        value={draft.password}
        onChange={({ currentTarget }) => onChange({ password: currentTarget.value })}
      />
      <NativeSelect
        label={t('form.libraryPrefix')}
        description={t('form.libraryPrefixHint')}
        value={draft.libraryPrefix}
        data={prefixes.map((value) => ({ value, label: t(`prefix.${value}`) }))}
        onChange={({ currentTarget }) => onChange({ libraryPrefix: currentTarget.value })}
      />
      <Field {...{ draft, onChange }} name="tagAge" label="form.tagAge" hint="form.tagAgeHint" placeholder="1m" />
      <Field {...{ draft, onChange }} name="cacheSize" label="form.cacheSize" hint="form.cacheSizeHint" />
      <Field {...{ draft, onChange }} name="keepFor" label="form.keepFor" hint="form.keepForHint" placeholder="30d" />
    </>
  )
}
