import { Paper, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'
import classes from './panel.module.css'

/** One thing of a page, with its name above it and what can be done with it beside the name. */
export function Panel({ title, side, children }: { title?: ReactNode; side?: ReactNode; children: ReactNode }) {
  const id = useId()
  return (
    <Paper component="section" withBorder className={classes.panel} {...(title ? { 'aria-labelledby': id } : {})}>
      {title !== undefined && (
        <div className={classes.head}>
          <Title order={2} id={id}>
            {title}
          </Title>
          {side}
        </div>
      )}
      {children}
    </Paper>
  )
}
