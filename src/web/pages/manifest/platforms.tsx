import { Badge, Table } from '@mantine/core'
import type { Platform } from '../../api/operations.ts'
import { shortDigest } from '../../format/digest.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Size } from '../../parts/facts.tsx'
import { Link } from '../../parts/link.tsx'
import { Panel } from '../../parts/panel.tsx'
import type { Place } from './manifest.tsx'

/** The manifests of an index, each for its platform. */
export function PlatformsPanel({ place: { repository, image }, platforms }: { place: Place; platforms: Platform[] }) {
  const t = useTexts()
  return (
    <Panel title={t('platforms.title')}>
      <Table verticalSpacing={6} aria-label={t('platforms.title')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('manifest.platform')}</Table.Th>
            <Table.Th>{t('column.digest')}</Table.Th>
            <Table.Th className="wide" ta="right">
              {t('platforms.manifestSize')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {platforms.map((platform) => (
            <Table.Tr key={platform.digest}>
              <Table.Td>
                <PlatformName platform={platform} />
              </Table.Td>
              <Table.Td>
                <Link
                  to="/repositories/$repository/images/$image/manifests/$reference"
                  params={{ repository, image, reference: platform.digest }}
                  className="digest"
                >
                  {shortDigest(platform.digest)}
                </Link>
              </Table.Td>
              <Table.Td className="wide" ta="right">
                <Size bytes={platform.size} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  )
}

/** What buildkit adds about how an image was built has no platform. */
function PlatformName({ platform: { os, architecture, variant, annotations } }: { platform: Platform }) {
  const t = useTexts()
  if (annotations['vnd.docker.reference.type'] === 'attestation-manifest')
    return (
      <Badge variant="default" tt="none">
        {t('platforms.attestation')}
      </Badge>
    )
  return <>{[os, architecture, variant].filter(Boolean).join('/') || '–'}</>
}
