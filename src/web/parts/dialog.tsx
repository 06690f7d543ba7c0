import { Button, Group, Modal, Stack } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'
import { useTexts } from '../i18n/language.tsx'
import { Failure } from './states.tsx'

interface FormDialogProps {
  title: string
  /** What the button says; default as the title. */
  submit?: string
  isPending: boolean
  /** Why the last attempt failed. What was filled in stays. */
  error: unknown
  onSubmit: () => void
  onClose: () => void
  children: ReactNode
}

/** A form in front of the page. What cannot be kept for later is mounted while it is open and no longer: so it begins anew each time. */
export function FormDialog({ title, submit = title, isPending, error, onSubmit, onClose, children }: FormDialogProps) {
  const t = useTexts()
  const send = (event: FormEvent) => {
    event.preventDefault()
    // Of a form in a form of another dialog.
    event.stopPropagation()
    onSubmit()
  }
  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={send}>
        <Stack gap="sm">
          {children}
          {error != null && <Failure error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={isPending}>
              {submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
