import { Button, Group, List, Modal, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Manifest } from '../../api/operations.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Icon } from '../../parts/icons.tsx'
import { useNotice } from '../../parts/notices.tsx'
import { useImageChanges, useIsWritable } from './changes.ts'
import type { Place } from './manifest.tsx'

/** Deletes the tag or the manifest, after saying what goes with it. */
export function DeleteButtons({ place, manifest }: { place: Place; manifest: Manifest }) {
  const t = useTexts()
  const { digest, tags, referrers } = manifest
  const { repository, image, tag } = place
  const navigate = useNavigate()
  const tell = useNotice()
  const { setTag, deleteTag, deleteManifest } = useImageChanges(place)
  const isWritable = useIsWritable(repository)
  const leave = () => navigate({ to: '/repositories/$repository/images/$image', params: { repository, image } })
  const removeTag = async (name: string) => {
    await deleteTag.mutateAsync(name)
    await leave()
    const undo = (
      <Button size="compact-xs" variant="default" onClick={() => setTag.mutate({ tag: name, digest })}>
        {t('undo')}
      </Button>
    )
    tell(t('delete.tagDone', { tag: name }), { action: undo })
  }
  const removeManifest = async () => {
    await deleteManifest.mutateAsync(digest)
    await leave()
    tell(t('delete.manifestDone'))
  }
  if (!isWritable) return null
  return (
    <>
      {tag !== undefined && (
        <Confirmed label={t('delete.tag')} onConfirm={() => removeTag(tag)}>
          <List.Item>{t('delete.tagGone', { tag })}</List.Item>
          <List.Item>{t('delete.manifestStays')}</List.Item>
        </Confirmed>
      )}
      <Confirmed label={t('delete.manifest')} onConfirm={removeManifest}>
        {tags.length > 0 && (
          <List.Item>{t('delete.tagsGone', { count: tags.length, names: tags.slice(0, 10).join(', ') })}</List.Item>
        )}
        {referrers.length > 0 && <List.Item>{t('delete.referrersLeft', { count: referrers.length })}</List.Item>}
        <List.Item>{t('delete.pullsFail')}</List.Item>
        <List.Item>{t('delete.layersLater')}</List.Item>
      </Confirmed>
    </>
  )
}

/** A button whose deed has to be confirmed, and the consequences to think about. */
function Confirmed(props: { label: string; onConfirm: () => Promise<void>; children: ReactNode }) {
  const t = useTexts()
  const { label, onConfirm, children } = props
  const [isOpen, { open, close }] = useDisclosure(false)
  const confirm = () => {
    close()
    onConfirm().catch(() => {}) // It was told where it failed.
  }
  return (
    <>
      <Button size="xs" variant="default" leftSection={<Icon name="trash" size={14} />} onClick={open}>
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={label} closeButtonProps={{ 'aria-label': t('close') }}>
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
