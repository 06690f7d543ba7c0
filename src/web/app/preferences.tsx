import { ActionIcon, Menu, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { request } from '../api/request.ts'
import { entered, sessionQuery, useMe } from '../api/session.ts'
import { type Language, languages, useLanguage, useTexts } from '../i18n/language.tsx'
import { Icon } from '../parts/icons.tsx'

/** Light or dark; at first as the system has it. */
export function ColorButton() {
  const t = useTexts()
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light', { getInitialValueInEffect: false }) === 'dark'
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      c="var(--mantine-color-text)"
      aria-label={t(isDark ? 'colors.light' : 'colors.dark')}
      title={t(isDark ? 'colors.light' : 'colors.dark')}
      onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
    >
      <Icon name={isDark ? 'sun' : 'moon'} />
    </ActionIcon>
  )
}

/** The languages, each in its own words. */
export function LanguageMenu() {
  const { language, setLanguage, t } = useLanguage()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          c="var(--mantine-color-text)"
          aria-label={t('language')}
          title={t('language')}
        >
          <Icon name="language" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(languages) as Language[]).map((one) => (
          <Menu.Item
            key={one}
            lang={languages[one].tag}
            aria-current={one === language}
            rightSection={one === language && <Icon name="check" size={14} />}
            onClick={() => setLanguage(one)}
          >
            {languages[one].name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

/** Who is logged in, and the way out. Nothing where nobody logs in. */
export function UserMenu() {
  const t = useTexts()
  const { session } = useMe()
  const queries = useQueryClient()
  const router = useRouter()
  const logOut = useMutation({
    mutationFn: () => request('DELETE /session', {}),
    onSuccess: async () => {
      // What one person has seen is not left for the next.
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'GET /system' && queryKey[0] !== 'session' })
      queries.setQueryData(sessionQuery.queryKey, entered(null))
      await router.navigate({ to: '/login' })
    },
  })
  if (!session) return null
  const { name, groups } = session.user
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          c="var(--mantine-color-text)"
          aria-label={t('user.menu', { name })}
          title={name}
        >
          <Icon name="user" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name}
          {groups.length > 0 && <div>{groups.join(', ')}</div>}
        </Menu.Label>
        <Menu.Item onClick={() => logOut.mutate()}>{t('user.logOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
