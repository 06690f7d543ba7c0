import { Alert, Button, Group, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useChange } from '../../api/change.ts'
import type { Repository } from '../../api/operations.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Failure, Waiting } from '../../parts/states.tsx'
import { changesOf, type Draft, draftOf } from './draft.ts'
import { Field, HostedFields, ProxyFields } from './fields.tsx'
import classes from './form.module.css'
import { RepositoryFrame, useRepository } from './frame.tsx'
import { GroupFields } from './group-fields.tsx'
import { StatePanel } from './state.tsx'
import { UpstreamPanel } from './upstream.tsx'

const route = getRouteApi('/inside/repositories/$repository/settings')

/** What a repository is set to, how its upstream is doing, and the way to switch it off or remove it. */
export function RepositorySettingsPage() {
  const t = useTexts()
  const { repository: name } = route.useParams()
  const { data, error, isPending, refetch } = useRepository(name)
  const repository = data?.answer
  const managed = repository?.managed
  const isOurs = managed?.by === 'database'
  return (
    <RepositoryFrame name={name}>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Waiting />}
      {managed?.trouble !== undefined && (
        <Alert color="red" icon={<Icon name="warning" />} title={t('repository.trouble')}>
          {managed.trouble}
        </Alert>
      )}
      {managed?.by === 'file' && (
        <Alert color="gray" icon={<Icon name="audit" />} title={t('repository.byFile')}>
          {t('repository.byFileText')}
        </Alert>
      )}
      {repository && managed?.upstream && <UpstreamPanel name={name} status={managed.upstream} />}
      {repository && managed && <SettingsForm key={name} repository={repository} managed={managed} etag={data.etag} />}
      {repository && isOurs && <StatePanel repository={repository} />}
    </RepositoryFrame>
  )
}

interface SettingsFormProps {
  repository: Repository
  managed: NonNullable<Repository['managed']>
  etag: string | undefined
}

function SettingsForm({ repository: { name, type }, managed, etag }: SettingsFormProps) {
  const t = useTexts()
  const [draft, setDraft] = useState<Draft>(() => ({ ...draftOf(managed.settings), name, type }))
  // What was read when the form began: what is read anew meanwhile must not turn the fields over, nor pass for what they were made of.
  const [version, setVersion] = useState(etag)
  const save = useChange('PATCH /repositories/{repository}', {
    forget: ['/repositories', '/upstreams'],
    done: t('repository.saved', { name }),
  })
  const onChange = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate(
      { params: { repository: name }, body: changesOf(draft), ifMatch: version },
      {
        onSuccess: ({ answer, etag: saved }) => {
          setVersion(saved)
          if (answer.managed) setDraft({ ...draftOf(answer.managed.settings), name, type })
        },
      },
    )
  }
  const fields = { draft, onChange, isNew: false }
  const isOurs = managed.by === 'database'
  return (
    <Panel title={t('repository.settings')}>
      <form onSubmit={submit} className={classes.form}>
        <fieldset disabled={!isOurs} className={classes.fields}>
          <Stack gap="sm">
            <Field {...fields} name="description" label="form.description" />
            {type === 'hosted' && <HostedFields {...fields} />}
            {type === 'proxy' && <ProxyFields {...fields} hasPassword={managed.upstream?.hasPassword === true} />}
            {type === 'group' && <GroupFields {...fields} />}
            {save.isError && <Failure error={save.error} />}
            {isOurs && (
              <Group justify="flex-end">
                <Button type="submit" loading={save.isPending}>
                  {t('form.save')}
                </Button>
              </Group>
            )}
          </Stack>
        </fieldset>
      </form>
    </Panel>
  )
}
