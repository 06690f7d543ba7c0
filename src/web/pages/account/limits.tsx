import { ActionIcon, Button, Checkbox, Group, NativeSelect, Stack, TextInput } from '@mantine/core'
import type { Limit, NewToken } from '../../api/operations.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Icon } from '../../parts/icons.tsx'
import { words } from '../repository/draft.ts'
import classes from './limits.module.css'

const actions = ['pull', 'push', 'delete'] as const

/** A limit while it is being edited. Patterns as one text, with spaces between. */
export interface DraftLimit {
  id: number
  repository: string
  images: string
  actions: Limit['actions']
}

/** What they ask for. */
export function limitsOf(drafts: readonly DraftLimit[]): NonNullable<NewToken['limits']> {
  return drafts.map(({ repository, images, actions: allowed }) => ({
    repository,
    images: words(images),
    actions: actions.filter((action) => allowed.includes(action)),
  }))
}

interface LimitsProps {
  limits: readonly DraftLimit[]
  /** Repositories to choose from; `*` stands for all. */
  repositories: readonly string[]
  onChange: (limits: DraftLimit[]) => void
}

/** The most that a token is to allow: one row for each repository. */
export function LimitsField({ limits, repositories, onChange }: LimitsProps) {
  const t = useTexts()
  const change = (id: number, changes: Partial<DraftLimit>) =>
    onChange(limits.map((limit) => (limit.id === id ? { ...limit, ...changes } : limit)))
  const add = () => onChange([...limits, newLimit(repositories[0] ?? '*')])
  return (
    <Stack gap="xs">
      {limits.map((limit, index) => (
        <fieldset key={limit.id} className={classes.limit}>
          <legend className={classes.legend}>{t('limits.limit', { number: index + 1 })}</legend>
          <div className={classes.row}>
            <NativeSelect
              size="xs"
              label={t('column.repository')}
              value={limit.repository}
              data={repositories.map((name) => ({ value: name, label: name === '*' ? t('grants.everywhere') : name }))}
              onChange={({ currentTarget }) => change(limit.id, { repository: currentTarget.value })}
            />
            <TextInput
              size="xs"
              label={t('grants.images')}
              placeholder={t('form.allImages')}
              spellCheck={false}
              value={limit.images}
              onChange={({ currentTarget }) => change(limit.id, { images: currentTarget.value })}
            />
          </div>
          <Group gap="md" mt="xs">
            {actions.map((action) => (
              <Checkbox
                key={action}
                size="xs"
                label={t(`action.${action}`)}
                checked={limit.actions.includes(action)}
                onChange={({ currentTarget }) =>
                  change(limit.id, {
                    actions: currentTarget.checked
                      ? [...limit.actions, action]
                      : limit.actions.filter((one) => one !== action),
                  })
                }
              />
            ))}
            {limits.length > 1 && (
              <ActionIcon
                variant="subtle"
                color="gray"
                c="dimmed"
                ml="auto"
                aria-label={t('limits.remove', { number: index + 1 })}
                onClick={() => onChange(limits.filter(({ id }) => id !== limit.id))}
              >
                <Icon name="trash" size={16} />
              </ActionIcon>
            )}
          </Group>
        </fieldset>
      ))}
      <div>
        <Button size="compact-xs" variant="default" onClick={add}>
          {t('limits.add')}
        </Button>
      </div>
    </Stack>
  )
}

/** A limit to begin with: pulling. */
export function newLimit(repository: string): DraftLimit {
  return { id: performance.now(), repository, images: '', actions: ['pull'] }
}
