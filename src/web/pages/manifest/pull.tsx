import { SegmentedControl, Stack, Text } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { reading } from '../../api/queries.ts'
import { type Client, clients, imageName, pullLine } from '../../format/address.ts'
import { useTexts } from '../../i18n/language.tsx'
import { CopyLine } from '../../parts/copy.tsx'
import { Panel } from '../../parts/panel.tsx'
import type { Place } from './manifest.tsx'

const names: Readonly<Record<Client, string>> = {
  docker: 'docker',
  podman: 'podman',
  nerdctl: 'nerdctl',
  ctr: 'ctr',
  kubernetes: 'Kubernetes',
}

/** The lines that pull it, for the client that was chosen last, from the address the browser uses. */
export function PullPanel({ place: { repository, image, tag }, digest }: { place: Place; digest: string }) {
  const t = useTexts()
  const [client, setClient] = useLocalStorage<Client>({ key: 'entrepot.client', defaultValue: 'docker' })
  const repositories = useQuery(reading('GET /repositories', {})).data?.answer ?? []
  const { host, protocol } = location
  const address = { host, isPlain: protocol === 'http:' }
  const name = imageName(host, { repository, image }, repositories)
  return (
    <Panel
      title={t('pull.title')}
      side={
        <SegmentedControl
          size="xs"
          aria-label={t('pull.client')}
          value={client}
          onChange={(chosen) => setClient(chosen as Client)}
          data={clients.map((value) => ({ value, label: names[value] }))}
        />
      }
    >
      <Stack gap="xs" p="md">
        {tag !== undefined && <CopyLine text={pullLine(client, `${name}:${tag}`, address)} label={t('copy.line')} />}
        <CopyLine text={pullLine(client, `${name}@${digest}`, address)} label={t('copy.line')} />
        {address.isPlain && client === 'docker' && (
          <Text size="sm" c="dimmed">
            {t('steps.plain', { host })}
          </Text>
        )}
      </Stack>
    </Panel>
  )
}
