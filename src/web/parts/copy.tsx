import { ActionIcon } from '@mantine/core'
import { useState } from 'react'
import { useTexts } from '../i18n/language.tsx'
import classes from './copy.module.css'
import { Icon } from './icons.tsx'

/** Copies `text`. `label` says what it is: "Copy the digest". */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const t = useTexts()
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    await copyText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      c="dimmed"
      size="sm"
      aria-label={isCopied ? t('copied') : label}
      title={isCopied ? t('copied') : label}
      onClick={copy}
    >
      <Icon name={isCopied ? 'check' : 'copy'} size={15} />
    </ActionIcon>
  )
}

/** A line to be copied whole. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  return (
    <div className={classes.line}>
      <code className={classes.text}>{text}</code>
      <CopyButton text={text} label={label} />
    </div>
  )
}

/** Over plain HTTP browsers have no clipboard for pages, but still the command of old. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('readonly', '')
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}
