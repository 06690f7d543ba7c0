import { ActionIcon, Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Icon } from '../../parts/icons.tsx'
import { type DraftMember, moved } from './draft.ts'
import type { FieldsProps } from './fields.tsx'
import classes from './group-fields.module.css'

/** The members of a group, in the order in which they are asked. */
export function GroupFields({ draft, onChange }: FieldsProps) {
  const t = useTexts()
  const repositories = useQuery(reading('GET /repositories', {})).data?.answer ?? []
  const { members, writableMember } = draft
  const isMember = (name: string) => members.some(({ repository }) => repository === name)
  const free = repositories.map(({ name }) => name).filter((name) => name !== draft.name && !isMember(name))
  const hosted = repositories.filter(({ name, type }) => type === 'hosted' && isMember(name))
  const change = (index: number, changes: Partial<DraftMember>) =>
    onChange({ members: members.map((member, at) => (at === index ? { ...member, ...changes } : member)) })
  const remove = (index: number) => {
    const gone = members[index]?.repository
    onChange({
      members: members.filter((_, at) => at !== index),
      ...(gone === writableMember && { writableMember: '' }),
    })
  }
  return (
    <>
      <Stack gap="xs">
        <Text size="sm" fw={500} component="h2">
          {t('form.members')}
        </Text>
        <Text size="xs" c="dimmed">
          {t('form.membersHint')}
        </Text>
        <ol className={classes.members} aria-label={t('form.members')}>
          {members.map((member, index) => (
            <li key={member.repository} className={classes.member}>
              <Group gap="xs" wrap="nowrap">
                <span className={classes.name}>{member.repository}</span>
                <Move name={member.repository} {...{ members, index, onChange }} step={-1} />
                <Move name={member.repository} {...{ members, index, onChange }} step={1} />
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  c="dimmed"
                  aria-label={t('form.removeMember', { name: member.repository })}
                  onClick={() => remove(index)}
                >
                  <Icon name="trash" size={16} />
                </ActionIcon>
              </Group>
              <div className={classes.patterns}>
                <Patterns
                  name={member.repository}
                  which="images"
                  member={member}
                  onChange={(to) => change(index, to)}
                />
                <Patterns
                  name={member.repository}
                  which="exclusive"
                  member={member}
                  onChange={(to) => change(index, to)}
                />
              </div>
            </li>
          ))}
        </ol>
        <AddMember
          free={free}
          onAdd={(repository) => onChange({ members: [...members, { repository, images: '', exclusive: '' }] })}
        />
      </Stack>
      <NativeSelect
        label={t('form.writableMember')}
        description={t('form.writableMemberHint')}
        value={writableMember}
        data={[{ value: '', label: t('form.nobody') }, ...hosted.map(({ name }) => name)]}
        onChange={({ currentTarget }) => onChange({ writableMember: currentTarget.value })}
      />
    </>
  )
}

function Move(
  props: { name: string; members: DraftMember[]; index: number; step: -1 | 1 } & Pick<FieldsProps, 'onChange'>,
) {
  const t = useTexts()
  const { name, members, index, step, onChange } = props
  return (
    <ActionIcon
      variant="default"
      disabled={members[index + step] === undefined}
      aria-label={t(step < 0 ? 'form.moveUp' : 'form.moveDown', { name })}
      onClick={() => onChange({ members: moved(members, index, step) })}
    >
      <Icon name={step < 0 ? 'up' : 'down'} size={16} />
    </ActionIcon>
  )
}

function Patterns(props: {
  name: string
  which: 'images' | 'exclusive'
  member: DraftMember
  onChange: (to: Partial<DraftMember>) => void
}) {
  const t = useTexts()
  const { name, which, member, onChange } = props
  return (
    <TextInput
      size="xs"
      label={t(`form.member.${which}`)}
      aria-label={`${t(`form.member.${which}`)}: ${name}`}
      placeholder={which === 'images' ? t('form.allImages') : 'team/**'}
      spellCheck={false}
      value={member[which]}
      onChange={({ currentTarget }) => onChange({ [which]: currentTarget.value })}
    />
  )
}

function AddMember({ free, onAdd }: { free: string[]; onAdd: (name: string) => void }) {
  const t = useTexts()
  const [chosen, setChosen] = useState('')
  const name = free.includes(chosen) ? chosen : free[0]
  if (name === undefined) return null
  return (
    <Group gap="xs" align="flex-end">
      <NativeSelect
        size="xs"
        label={t('form.nextMember')}
        value={name}
        data={free}
        onChange={({ currentTarget }) => setChosen(currentTarget.value)}
      />
      <Button size="xs" variant="default" onClick={() => onAdd(name)}>
        {t('form.addMember')}
      </Button>
    </Group>
  )
}
