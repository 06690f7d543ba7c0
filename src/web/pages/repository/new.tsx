import { Alert, Button, Group, NativeSelect, SegmentedControl, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useChange } from '../../api/change.ts'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Link } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Failure } from '../../parts/states.tsx'
import { CheckButton } from './check.tsx'
import { type Draft, emptyDraft, type RepositoryType, settingsOf } from './draft.ts'
import { Field, HostedFields, ProxyFields } from './fields.tsx'
import classes from './form.module.css'
import { GroupFields } from './group-fields.tsx'

const types: readonly RepositoryType[] = ['hosted', 'proxy', 'group']

/** Makes a repository of any type. */
export function NewRepositoryPage() {
  const t = useTexts()
  const navigate = useNavigate()
  const [draft, setDraft] = useState<Draft>(emptyDraft)
  const stores = useQuery(reading('GET /blob-stores', {})).data?.answer ?? []
  const repositories = useQuery(reading('GET /repositories', {})).data?.answer ?? []
  const name = draft.name.trim()
  // The request would change the one there is.
  const isTaken = repositories.some((one) => one.name === name)
  const create = useChange('PUT /repositories/{repository}', {
    forget: ['/repositories', '/upstreams'],
    done: t('repository.created', { name }),
  })
  const onChange = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate(
      { params: { repository: name }, body: settingsOf(draft) },
      { onSuccess: () => void navigate({ to: '/repositories/$repository', params: { repository: name } }) },
    )
  }
  const fields = { draft, onChange, isNew: true }
  return (
    <Page
      title={t('repository.new')}
      trail={[
        <Link key="all" to="/repositories">
          {t('nav.repositories')}
        </Link>,
      ]}
    >
      <Panel>
        <form onSubmit={submit} className={classes.form}>
          <Stack gap="sm">
            <SegmentedControl
              aria-label={t('column.type')}
              value={draft.type}
              data={types.map((value) => ({ value, label: t(`type.${value}`) }))}
              onChange={(value) => onChange({ type: value as RepositoryType })}
            />
            <Text size="sm" c="dimmed">
              {t(`type.${draft.type}.text`)}
            </Text>
            <Field {...fields} name="name" label="column.name" hint="form.nameHint" required />
            {isTaken && <Alert color="red">{t('form.nameTaken', { name })}</Alert>}
            <Field {...fields} name="description" label="form.description" />
            {draft.type !== 'group' && stores.length > 1 && (
              <NativeSelect
                label={t('column.blobStore')}
                value={draft.blobStore}
                data={stores.map((store) => store.name)}
                onChange={({ currentTarget }) => onChange({ blobStore: currentTarget.value })}
              />
            )}
            {draft.type === 'hosted' && <HostedFields {...fields} />}
            {draft.type === 'proxy' && <ProxyFields {...fields} hasPassword={false} />}
            {draft.type === 'group' && <GroupFields {...fields} />}
            {create.isError && <Failure error={create.error} />}
            <Group justify="flex-end">
              {draft.type === 'proxy' && <CheckButton draft={draft} />}
              <Button type="submit" loading={create.isPending} disabled={isTaken}>
                {t('form.create')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Panel>
    </Page>
  )
}
