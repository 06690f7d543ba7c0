import { ActionIcon, UnstyledButton } from '@mantine/core'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Suspense, useEffect, useRef, useState } from 'react'
import { useMe } from '../api/session.ts'
import type { TextKey } from '../i18n/en.ts'
import { useTexts } from '../i18n/language.tsx'
import { Icon, type IconName } from '../parts/icons.tsx'
import { Waiting } from '../parts/states.tsx'
import { ColorButton, LanguageMenu, UserMenu } from './preferences.tsx'
import { SearchButton } from './search.tsx'
import classes from './shell.module.css'

const places = [
  { to: '/', text: 'nav.dashboard', icon: 'home', isForAdmins: false },
  { to: '/repositories', text: 'nav.repositories', icon: 'repository', isForAdmins: false },
  { to: '/storage', text: 'nav.storage', icon: 'storage', isForAdmins: true },
  { to: '/audit', text: 'nav.audit', icon: 'audit', isForAdmins: true },
] as const satisfies { to: string; text: TextKey; icon: IconName; isForAdmins: boolean }[]

/** What stands around every page: the places to go to, the search, and what people set for themselves. */
export function Shell() {
  const t = useTexts()
  const { isAdmin, system } = useMe()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const [isOpen, setOpen] = useState(false)
  const shownPath = useRef(path)
  useEffect(() => {
    if (shownPath.current === path) return
    shownPath.current = path
    // On a phone the places cover the page until one was chosen. The keyboard and screen readers go on where the new page begins.
    setOpen(false)
    document.getElementById('main')?.focus({ preventScroll: true })
  }, [path])

  return (
    <div className={classes.shell}>
      <UnstyledButton className={classes.skip} onClick={() => document.getElementById('main')?.focus()}>
        {t('nav.skip')}
      </UnstyledButton>
      <header className={classes.header}>
        <ActionIcon
          className={classes.burger}
          variant="subtle"
          color="gray"
          aria-label={t('nav.menu')}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name="menu" />
        </ActionIcon>
        <Link to="/" className={classes.brand} aria-label="Entrepot">
          <img src="icon.svg" alt="" width={24} height={24} />
          <span>Entrepot</span>
        </Link>
        <div className={classes.search}>
          <SearchButton />
        </div>
        <ColorButton />
        <LanguageMenu />
        <UserMenu />
      </header>
      <nav className={classes.places} data-open={isOpen} aria-label={t('nav.places')}>
        {places
          .filter((place) => isAdmin || !place.isForAdmins)
          .map(({ to, text, icon }) => (
            <Link
              key={to}
              to={to}
              className={classes.place}
              activeOptions={{ exact: to === '/', includeSearch: false }}
            >
              <Icon name={icon} />
              {t(text)}
            </Link>
          ))}
        <span className={classes.version}>Entrepot {system.version}</span>
      </nav>
      <main className={classes.main} id="main" tabIndex={-1}>
        <Suspense fallback={<Waiting />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  )
}
