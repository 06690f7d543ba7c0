import { Anchor, Button, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { ComponentProps } from 'react'

/** A link within the page; `to` and `params` are checked against the routes. */
export const Link = createLink(Anchor<'a'>)

/** The same as a button. */
export const ButtonLink = createLink((props: ButtonProps & ComponentProps<'a'>) => <Button component="a" {...props} />)
