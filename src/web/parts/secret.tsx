import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useTexts } from '../i18n/language.tsx'
import { CopyLine } from './copy.tsx'
import { Icon } from './icons.tsx'

interface SecretDialogProps {
  title: string
  secret: string
  /** Whose it is: for the line that logs in with it. */
  user?: string
  onClose: () => void
}

/** Shows a secret for the first and last time. Only its button closes it: a click beside it must not lose what cannot be had again. */
export function SecretDialog({ title, secret, user, onClose }: SecretDialogProps) {
  const t = useTexts()
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size="lg"
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <Stack gap="sm">
        <Alert color="orange" icon={<Icon name="warning" />}>
          {t('secret.once')}
        </Alert>
        <CopyLine text={secret} label={t('secret.copy')} />
        {user !== undefined && (
          <>
            <Text size="sm">{t('secret.login')}</Text>
            <CopyLine text={`docker login ${location.host} -u ${user}`} label={t('copy.line')} />
          </>
        )}
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('secret.done')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
