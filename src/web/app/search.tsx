import { Kbd, Modal, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue, useDisclosure, useHotkeys } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useId, useState } from 'react'
import type { Found } from '../api/operations.ts'
import { reading } from '../api/queries.ts'
import { useTexts } from '../i18n/language.tsx'
import { Icon } from '../parts/icons.tsx'
import { Failure } from '../parts/states.tsx'
import classes from './search.module.css'

/** The search over everything, behind `/` and Ctrl-K. */
export function SearchButton() {
  const t = useTexts()
  const [isOpen, { open, close }] = useDisclosure(false)
  useHotkeys([
    ['/', open],
    ['mod+K', open],
  ])
  return (
    <>
      <UnstyledButton className={classes.button} onClick={open} aria-label={t('search.title')}>
        <Icon name="search" size={16} />
        <span className={classes.words}>{t('search.title')}</span>
        <Kbd size="xs" className={classes.key}>
          /
        </Kbd>
      </UnstyledButton>
      <Modal
        opened={isOpen}
        onClose={close}
        title={t('search.title')}
        size="lg"
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        <SearchDialog onDone={close} />
      </Modal>
    </>
  )
}

function SearchDialog({ onDone }: { onDone: () => void }) {
  const t = useTexts()
  const navigate = useNavigate()
  const listId = useId()
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const [wanted] = useDebouncedValue(text.trim(), 150)
  const search = useQuery({
    ...reading('GET /search', { query: { q: wanted, limit: 20 } }),
    enabled: wanted !== '',
    placeholderData: keepPreviousData,
  })
  const found = wanted === '' ? [] : (search.data?.answer ?? [])
  useEffect(() => {
    document.getElementById(`${listId}-${chosen}`)?.scrollIntoView({ block: 'nearest' })
  }, [listId, chosen])
  const go = ({ repository, image }: Found) => {
    onDone()
    void navigate({ to: '/repositories/$repository/images/$image', params: { repository, image } })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const here = found[chosen]
    if (step) setChosen((chosen + step + found.length) % Math.max(found.length, 1))
    else if (event.key === 'Enter' && here) go(here)
    else return
    event.preventDefault()
  }
  return (
    <>
      <TextInput
        data-autofocus
        value={text}
        placeholder={t('search.placeholder')}
        aria-label={t('search.placeholder')}
        role="combobox"
        aria-expanded={found.length > 0}
        aria-controls={listId}
        aria-activedescendant={found[chosen] ? `${listId}-${chosen}` : undefined}
        leftSection={<Icon name="search" size={16} />}
        onChange={({ currentTarget }) => {
          setText(currentTarget.value)
          setChosen(0)
        }}
        onKeyDown={onKeyDown}
      />
      <div className={classes.list} id={listId} role="listbox" aria-label={t('search.title')}>
        {found.map((one, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the text field above
          // biome-ignore lint/a11y/useFocusableInteractive: it has the focus by aria-activedescendant
          <div
            key={`${one.repository}/${one.image}`}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className={classes.found}
            onClick={() => go(one)}
            onMouseMove={() => setChosen(index)}
          >
            <Icon name="image" size={16} />
            <span className={classes.image}>{one.image}</span>
            <span className={classes.repository}>{one.repository}</span>
          </div>
        ))}
      </div>
      {search.isError && <Failure error={search.error} />}
      {search.isSuccess && wanted !== '' && found.length === 0 && (
        <Text size="sm" c="dimmed" p="sm">
          {t('search.nothing', { text: wanted })}
        </Text>
      )}
    </>
  )
}
