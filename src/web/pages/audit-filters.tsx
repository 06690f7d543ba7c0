import { Button, Group, NativeSelect, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useState } from 'react'
import type { AuditFilter } from '../app/routes.tsx'
import type { TextKey } from '../i18n/en.ts'
import { useTexts } from '../i18n/language.tsx'

const textFields: readonly (readonly [keyof AuditFilter, TextKey])[] = [
  ['user', 'audit.user'],
  ['repository', 'column.repository'],
  ['action', 'audit.action'],
]
const timeFields: readonly (readonly [keyof AuditFilter, TextKey])[] = [
  ['since', 'audit.since'],
  ['until', 'audit.until'],
]

/** Which events are shown. Texts count when the fingers rest. */
export function AuditFilters({ filter, onChange }: { filter: AuditFilter; onChange: (changed: AuditFilter) => void }) {
  const t = useTexts()
  const [written, setWritten] = useState(filter)
  const tell = useDebouncedCallback((next: AuditFilter) => onChange(given(next)), 250)
  const set = (name: keyof AuditFilter, value: string) => {
    const next = { ...written, [name]: value }
    setWritten(next)
    tell(next)
  }
  return (
    <Group gap="sm" align="flex-end">
      {textFields.map(([name, label]) => (
        <TextInput
          key={name}
          size="xs"
          w="9rem"
          label={t(label)}
          value={written[name] ?? ''}
          onChange={({ currentTarget }) => set(name, currentTarget.value)}
        />
      ))}
      <NativeSelect
        size="xs"
        label={t('audit.result')}
        value={written.result ?? ''}
        data={[
          { value: '', label: t('audit.any') },
          { value: 'done', label: t('audit.done') },
          { value: 'denied', label: t('audit.denied') },
        ]}
        onChange={({ currentTarget }) => set('result', currentTarget.value)}
      />
      {timeFields.map(([name, label]) => (
        <TextInput
          key={name}
          size="xs"
          type="datetime-local"
          label={t(label)}
          value={localTime(written[name])}
          onChange={({ currentTarget }) => set(name, isoTime(currentTarget.value))}
        />
      ))}
      {Object.keys(filter).length > 0 && (
        <Button
          size="xs"
          variant="subtle"
          onClick={() => {
            setWritten({})
            onChange({})
          }}
        >
          {t('audit.clear')}
        </Button>
      )}
    </Group>
  )
}

function given(filter: AuditFilter): AuditFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''))
}

/** As the field of a form wants it: `2026-11-22T14:05`, where the browser is. */
function localTime(iso: string | undefined): string {
  if (!iso) return ''
  const at = new Date(iso)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

function isoTime(local: string): string {
  return local === '' ? '' : new Date(local).toISOString()
}
