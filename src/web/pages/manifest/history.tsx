import { Badge, Button, Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Time } from '../../parts/facts.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Panel } from '../../parts/panel.tsx'
import { useImageChanges, useIsWritable } from './changes.ts'
import type { Place } from './manifest.tsx'
import { DigestLink } from './referrers.tsx'

/** What a tag pointed to before, and the way back to it. Nothing where it never moved. */
export function TagHistory({ place, tag, current }: { place: Place; tag: string; current: string }) {
  const t = useTexts()
  const { repository, image } = place
  const { setTag } = useImageChanges(place)
  const isWritable = useIsWritable(repository)
  const history = useQuery(
    reading('GET /repositories/{repository}/images/{image}/tags/{tag}/history', {
      params: { repository, image, tag },
    }),
  )
  const changes = history.data?.answer ?? []
  if (changes.length < 2) return null
  return (
    <Panel title={t('history.title', { tag })}>
      <Table verticalSpacing={6} aria-label={t('history.title', { tag })}>
        <Table.Tbody>
          {changes.map(({ id, digest, at, kept }, index) => (
            <Table.Tr key={id}>
              <Table.Td>
                <Time at={at} />
              </Table.Td>
              <Table.Td>
                {digest === null ? t('history.deleted') : kept ? <DigestLink place={place} digest={digest} /> : digest}
              </Table.Td>
              <Table.Td ta="right">
                {index === 0 && digest === current && (
                  <Badge variant="default" tt="none">
                    {t('history.current')}
                  </Badge>
                )}
                {isWritable && digest !== null && kept && digest !== current && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    leftSection={<Icon name="undo" size={13} />}
                    loading={setTag.isPending}
                    onClick={() => setTag.mutate({ tag, digest })}
                  >
                    {t('history.setBack')}
                  </Button>
                )}
                {digest !== null && !kept && t('history.gone')}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  )
}
