import { formatSize } from '../format/size.ts'
import { formatAgo, formatExact } from '../format/time.ts'
import { useLanguage } from '../i18n/language.tsx'

/** A time in words, the exact one where the pointer rests on it; a dash when there is none. */
export function Time({ at }: { at: string | null | undefined }) {
  const { tag } = useLanguage()
  if (!at) return <>–</>
  const date = new Date(at)
  return (
    <time dateTime={at} title={formatExact(date, tag)}>
      {formatAgo(date, new Date(), tag)}
    </time>
  )
}

/** A size in words, the bytes where the pointer rests on it. */
export function Size({ bytes }: { bytes: number }) {
  const { tag, t } = useLanguage()
  return <span title={t('bytes', { count: bytes })}>{formatSize(bytes, tag)}</span>
}
