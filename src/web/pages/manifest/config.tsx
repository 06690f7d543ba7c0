import type { ImageConfig } from '../../api/operations.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Pairs } from '../../parts/pairs.tsx'
import { Panel } from '../../parts/panel.tsx'

/** How a container of the image starts. */
export function ConfigPanel({ image }: { image: ImageConfig }) {
  const t = useTexts()
  const { entrypoint, command, user, workingDir, ports, volumes, env, labels } = image
  const start: [string, string][] = [
    [t('config.entrypoint'), shellWords(entrypoint)],
    [t('config.command'), shellWords(command)],
    [t('config.user'), user],
    [t('config.workingDir'), workingDir],
    [t('config.ports'), ports.join(', ')],
    [t('config.volumes'), volumes.join(', ')],
  ]
  const known = start.filter(([, value]) => value !== '')
  const variables = env.map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)] as const)
  const tables = [
    [t('config.title'), known],
    [t('config.env'), variables],
    [t('config.labels'), Object.entries(labels)],
  ] as const
  return tables.map(([title, pairs]) =>
    pairs.length === 0 ? null : (
      <Panel key={title} title={title}>
        <Pairs pairs={pairs} />
      </Panel>
    ),
  )
}

/** Words as one would type them, quoted where they have to be. */
function shellWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')
}
