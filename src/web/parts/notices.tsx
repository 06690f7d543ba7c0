import { Notification } from '@mantine/core'
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'
import { useTexts } from '../i18n/language.tsx'
import classes from './notices.module.css'

interface Notice {
  id: number
  text: string
  isBad: boolean
  action?: ReactNode
}

type Tell = (text: string, options?: { isBad?: boolean; action?: ReactNode }) => void

const NoticeContext = createContext<Tell>(() => {})
/** Long enough to read it and to undo what it tells. */
const shownMs = 10_000

/** Shows what `useNotice` is told, in a corner of the page, for a while. */
export function NoticeProvider({ children }: { children: ReactNode }) {
  const t = useTexts()
  const [notices, setNotices] = useState<Notice[]>([])
  const close = useCallback((id: number) => setNotices((all) => all.filter((one) => one.id !== id)), [])
  const tell = useCallback<Tell>(
    (text, { isBad = false, action } = {}) => {
      const id = performance.now()
      setNotices((all) => [...all, { id, text, isBad, action }])
      setTimeout(() => close(id), shownMs)
    },
    [close],
  )
  const shown = useMemo(
    () =>
      notices.map(({ id, text, isBad, action }) => (
        <Notification
          key={id}
          color={isBad ? 'red' : 'teal'}
          withBorder
          closeButtonProps={{ 'aria-label': t('close') }}
          onClose={() => close(id)}
        >
          {text} {action}
        </Notification>
      )),
    [notices, close, t],
  )
  return (
    <NoticeContext value={tell}>
      {children}
      <div className={classes.notices} role="status">
        {shown}
      </div>
    </NoticeContext>
  )
}

/** Tells people what has happened. */
export function useNotice(): Tell {
  return useContext(NoticeContext)
}
