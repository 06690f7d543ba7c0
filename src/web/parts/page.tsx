import { Group, Stack, Title } from '@mantine/core'
import { Fragment, type ReactNode, useEffect } from 'react'
import classes from './page.module.css'

interface PageProps {
  title: string
  /** Beside the title: what kind of thing it is. */
  badges?: ReactNode
  /** At the right: what can be done. */
  actions?: ReactNode
  /** The way here, as links. */
  trail?: readonly ReactNode[]
  children: ReactNode
}

/** A page with its name, in the window's title too. */
export function Page({ title, badges, actions, trail = [], children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Entrepot`
  }, [title])
  return (
    <Stack gap="md">
      <div>
        {trail.length > 0 && (
          <nav className={classes.trail}>
            {trail.map((link, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the way does not change its order
              <Fragment key={index}>
                {link}
                <span aria-hidden="true">/</span>
              </Fragment>
            ))}
          </nav>
        )}
        <Group justify="space-between" gap="sm">
          <Group gap="sm">
            <Title order={1} className={classes.title}>
              {title}
            </Title>
            {badges}
          </Group>
          <Group gap="xs">{actions}</Group>
        </Group>
      </div>
      {children}
    </Stack>
  )
}
