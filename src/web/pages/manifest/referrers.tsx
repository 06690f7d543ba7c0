import { Group, Table, Text } from '@mantine/core'
import type { Manifest } from '../../api/operations.ts'
import { shortDigest } from '../../format/digest.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Size } from '../../parts/facts.tsx'
import { Link } from '../../parts/link.tsx'
import { Pairs } from '../../parts/pairs.tsx'
import { Panel } from '../../parts/panel.tsx'
import type { Place } from './manifest.tsx'

interface Props {
  place: Place
  manifest: Manifest
}

/** What it is known by: its tags, and what its author noted on it. */
export function NamesPanel({ place, manifest: { tags, annotations, subject } }: Props) {
  const t = useTexts()
  const others = tags.filter((name) => name !== place.tag)
  return (
    <>
      {subject && (
        <Text size="sm">
          {t('manifest.subject')} <DigestLink place={place} digest={subject.digest} />
        </Text>
      )}
      {others.length > 0 && (
        <Panel title={t('manifest.tags')}>
          <Group gap="sm" p="md">
            {others.map((tag) => (
              <Link
                key={tag}
                to="/repositories/$repository/images/$image/manifests/$reference"
                params={{ repository: place.repository, image: place.image, reference: tag }}
              >
                {tag}
              </Link>
            ))}
          </Group>
        </Panel>
      )}
      {Object.keys(annotations).length > 0 && (
        <Panel title={t('manifest.annotations')}>
          <Pairs pairs={Object.entries(annotations)} />
        </Panel>
      )}
    </>
  )
}

/** Signatures, SBOMs and whatever else names it as its subject. */
export function ReferrersPanel({ place, manifest: { referrers } }: Props) {
  const t = useTexts()
  if (referrers.length === 0) return null
  return (
    <Panel title={t('referrers.title')}>
      <Table verticalSpacing={6} aria-label={t('referrers.title')}>
        <Table.Tbody>
          {referrers.map(({ digest, artifactType, mediaType, size }) => (
            <Table.Tr key={digest}>
              <Table.Td>
                <DigestLink place={place} digest={digest} />
              </Table.Td>
              <Table.Td>
                <code>{artifactType ?? mediaType}</code>
              </Table.Td>
              <Table.Td className="wide" ta="right">
                <Size bytes={size} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  )
}

/** Leads to the page of another manifest of the same image. */
export function DigestLink({ place: { repository, image }, digest }: { place: Place; digest: string }) {
  return (
    <Link
      to="/repositories/$repository/images/$image/manifests/$reference"
      params={{ repository, image, reference: digest }}
      className="digest"
    >
      {shortDigest(digest)}
    </Link>
  )
}
