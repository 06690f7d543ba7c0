import { Button, type ButtonProps, Group, List, Modal, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { ReactNode } from 'react'
import { useTexts } from '../i18n/language.tsx'
import { Icon } from './icons.tsx'

interface ConfirmedProps extends Pick<ButtonProps, 'size' | 'variant'> {
  label: string
  /** Says of what it is one, where there are several on a page. */
  about?: string
  /** Whoever does it tells where it failed. */
  onConfirm: () => Promise<unknown>
  /** The consequences, as items of a list. */
  children: ReactNode
}

/** A button whose deed has to be confirmed, and the consequences to think about. */
export function Confirmed(props: ConfirmedProps) {
  const t = useTexts()
  const { label, about, onConfirm, children, size = 'xs', variant = 'default' } = props
  const [isOpen, { open, close }] = useDisclosure(false)
  const confirm = () => {
    close()
    onConfirm().catch(() => {})
  }
  const whole = about === undefined ? label : `${label}: ${about}`
  return (
    <>
      <Button
        size={size}
        variant={variant}
        aria-label={whole}
        leftSection={<Icon name="trash" size={14} />}
        onClick={open}
      >
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={whole} closeButtonProps={{ 'aria-label': t('close') }}>
        <Stack>
          <Text size="sm">{t('delete.consequences')}</Text>
          <List size="sm">{children}</List>
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              {t('cancel')}
            </Button>
            <Button color="red.9" onClick={confirm}>
              {label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
