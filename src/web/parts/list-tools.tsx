import { Button, Group, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { useTexts } from '../i18n/language.tsx'
import { Icon } from './icons.tsx'

/** A search field that tells what was typed when the fingers rest. */
export function SearchField({
  value,
  label,
  onChange,
}: {
  value: string
  label: string
  onChange: (text: string) => void
}) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  const tell = useDebouncedCallback(onChange, 200)
  return (
    <TextInput
      type="search"
      size="xs"
      w="16rem"
      maw="100%"
      placeholder={label}
      aria-label={label}
      leftSection={<Icon name="search" size={14} />}
      value={text}
      onChange={({ currentTarget }) => {
        setText(currentTarget.value)
        tell(currentTarget.value)
      }}
    />
  )
}

/** Through the pages of a list. The way back is the browser's: every page has an address. Nothing where all fits on one page. */
export function Pages(props: {
  after: string | undefined
  next: string | undefined
  onGo: (after: string | undefined) => void
}) {
  const t = useTexts()
  const { after, next, onGo } = props
  if (after === undefined && next === undefined) return null
  return (
    <Group justify="flex-end" gap="xs" p="sm">
      <Button size="xs" variant="default" disabled={after === undefined} onClick={() => onGo(undefined)}>
        {t('pages.first')}
      </Button>
      <Button size="xs" variant="default" disabled={after === undefined} onClick={() => history.back()}>
        {t('pages.previous')}
      </Button>
      <Button size="xs" variant="default" disabled={next === undefined} onClick={() => onGo(next)}>
        {t('pages.next')}
      </Button>
    </Group>
  )
}
