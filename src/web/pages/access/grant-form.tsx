import { NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../api/change.ts'
import type { Grant } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { FormDialog } from '../../parts/dialog.tsx'
import { words } from '../repository/draft.ts'

type Kind = Grant['subject']['kind']
export const subjectKinds: readonly Kind[] = ['user', 'group', 'robot', 'authenticated', 'anonymous']

interface GrantFormProps {
  /** Where it is to hold; undefined: to be chosen. */
  repository?: string
  /** Whom it is for; undefined: to be chosen. */
  subject?: Grant['subject']
  onClose: () => void
}

/** Gives somebody a role. */
export function GrantForm({ repository: here, subject, onClose }: GrantFormProps) {
  const t = useTexts()
  const roles = useQuery(reading('GET /roles', {})).data?.answer ?? []
  const repositories = useQuery(reading('GET /repositories', {})).data?.answer ?? []
  const [kind, setKind] = useState<Kind>(subject?.kind ?? 'user')
  const [name, setName] = useState(subject?.name ?? '')
  const [role, setRole] = useState('developer')
  const [repository, setRepository] = useState(here ?? '*')
  const [images, setImages] = useState('')
  const add = useChange('POST /grants', { forget: ['/grants'], done: t('grants.added') })
  // Whoever does not say who they are may do nothing but pull.
  const isForAnyone = kind === 'anonymous'
  const isNamed = kind !== 'authenticated' && !isForAnyone
  const submit = () => {
    const body = {
      subject: { kind, name: isNamed ? name.trim() : '' },
      role: isForAnyone ? 'reader' : role,
      repository,
      images: words(images),
    }
    add.mutate({ body }, { onSuccess: onClose })
  }
  return (
    <FormDialog title={t('grants.add')} isPending={add.isPending} error={add.error} onSubmit={submit} onClose={onClose}>
      {!subject && (
        <NativeSelect
          data-autofocus
          label={t('grants.who')}
          value={kind}
          data={subjectKinds.map((value) => ({ value, label: t(`subject.${value}`) }))}
          onChange={({ currentTarget }) => setKind(currentTarget.value as Kind)}
        />
      )}
      {!subject && isNamed && (
        <TextInput
          label={t(`subject.${kind}.name`)}
          description={t(`subject.${kind}.hint`)}
          required
          withAsterisk={false}
          spellCheck={false}
          autoCapitalize="none"
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
      )}
      {!isForAnyone && (
        <NativeSelect
          label={t('grants.role')}
          value={role}
          data={roles.map((one) => ({ value: one.name, label: `${one.name} (${one.actions.join(', ')})` }))}
          onChange={({ currentTarget }) => setRole(currentTarget.value)}
        />
      )}
      {here === undefined && (
        <NativeSelect
          label={t('column.repository')}
          value={repository}
          data={[{ value: '*', label: t('grants.everywhere') }, ...repositories.map((one) => one.name)]}
          onChange={({ currentTarget }) => setRepository(currentTarget.value)}
        />
      )}
      <TextInput
        label={t('grants.images')}
        description={t('grants.imagesHint')}
        placeholder="team/**"
        spellCheck={false}
        value={images}
        onChange={({ currentTarget }) => setImages(currentTarget.value)}
      />
    </FormDialog>
  )
}
