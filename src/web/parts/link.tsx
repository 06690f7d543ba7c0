import { Anchor, Button } from '@mantine/core'
import { createLink } from '@tanstack/react-router'

/** A link within the page; `to` and `params` are checked against the routes. */
export const Link = createLink(Anchor<'a'>)

/** The same as a button. */
export const ButtonLink = createLink(Button<'a'>)
