import { NativeSelect, Switch, TextInput } from '@mantine/core'
import type { NewToken } from '../../api/operations.ts'
import { useTexts } from '../../i18n/language.tsx'
import { type DraftLimit, LimitsField, limitsOf, newLimit } from './limits.tsx'

/** A token while it is being made up. */
export interface DraftToken {
  name: string
  /** In days; empty: never. */
  expires: string
  /** None: all that its owner may. */
  limits: readonly DraftLimit[]
}

/** What it asks for. */
export function tokenOf({ name, expires, limits }: DraftToken): NewToken {
  const expiresAt = expires === '' ? null : new Date(Date.now() + Number(expires) * 86_400_000).toISOString()
  return { name: name.trim(), expiresAt, ...(limits.length > 0 && { limits: limitsOf(limits) }) }
}

interface TokenFieldsProps {
  token: DraftToken
  /** Whether there must be limits: a robot may nothing by itself. */
  isLimited: boolean
  repositories: readonly string[]
  onChange: (changes: Partial<DraftToken>) => void
}

const lifetimes = ['7', '30', '90', '365'] as const

/** What a new token is called, how long it opens anything, and what. */
export function TokenFields({ token, isLimited, repositories, onChange }: TokenFieldsProps) {
  const t = useTexts()
  const { name, expires, limits } = token
  return (
    <>
      <TextInput
        label={t('tokens.name')}
        description={t('tokens.nameHint')}
        required
        withAsterisk={false}
        maxLength={100}
        value={name}
        onChange={({ currentTarget }) => onChange({ name: currentTarget.value })}
      />
      <NativeSelect
        label={t('tokens.expires')}
        value={expires}
        data={[
          ...lifetimes.map((days) => ({ value: days, label: t('tokens.days', { count: Number(days) }) })),
          { value: '', label: t('tokens.never') },
        ]}
        onChange={({ currentTarget }) => onChange({ expires: currentTarget.value })}
      />
      {!isLimited && (
        <Switch
          label={t('tokens.limited')}
          checked={limits.length > 0}
          onChange={({ currentTarget }) =>
            onChange({ limits: currentTarget.checked ? [newLimit(repositories[0] ?? '*')] : [] })
          }
        />
      )}
      {(isLimited || limits.length > 0) && (
        <LimitsField limits={limits} repositories={repositories} onChange={(to) => onChange({ limits: to })} />
      )}
    </>
  )
}
