import { Table } from '@mantine/core'
import type { Descriptor, ImageConfig } from '../../api/operations.ts'
import { shortDigest } from '../../format/digest.ts'
import { stepsOf } from '../../format/steps.ts'
import { useTexts } from '../../i18n/language.tsx'
import { CopyButton } from '../../parts/copy.tsx'
import { Size } from '../../parts/facts.tsx'
import { Panel } from '../../parts/panel.tsx'
import classes from './layers.module.css'

/** How an image was made, step by step as in its Dockerfile, each with the layer that came of it. */
export function StepsPanel({ layers, image }: { layers: Descriptor[]; image: ImageConfig }) {
  const t = useTexts()
  const largest = Math.max(1, ...layers.map(({ size }) => size))
  return (
    <Panel title={t('layers.steps', { count: layers.length })}>
      <ol className={classes.steps}>
        {stepsOf(layers, image.history).map(({ by, layer }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the steps of one image do not change, and may repeat
          <li key={index} className={classes.step} data-empty={layer === undefined}>
            <code className={classes.by}>{by || '–'}</code>
            {layer && (
              <span className={classes.layer}>
                <span className={`digest ${classes.digest}`}>{shortDigest(layer.digest)}</span>
                <CopyButton text={layer.digest} label={t('copy.digest')} />
                <span className={classes.bar} aria-hidden="true">
                  <span style={{ width: `${(layer.size / largest) * 100}%` }} />
                </span>
                <span className={classes.size}>
                  <Size bytes={layer.size} />
                </span>
              </span>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  )
}

/** The blobs of an artifact, of which nothing but the type is known. */
export function LayersPanel({ layers }: { layers: Descriptor[] }) {
  const t = useTexts()
  if (layers.length === 0) return null
  return (
    <Panel title={t('layers.blobs', { count: layers.length })}>
      <Table verticalSpacing={6} aria-label={t('layers.blobs', { count: layers.length })}>
        <Table.Tbody>
          {layers.map(({ digest, mediaType, size, annotations }) => (
            <Table.Tr key={digest}>
              <Table.Td>
                <span className="digest">{shortDigest(digest)}</span>{' '}
                <CopyButton text={digest} label={t('copy.digest')} />
              </Table.Td>
              <Table.Td>{annotations['org.opencontainers.image.title'] ?? <code>{mediaType}</code>}</Table.Td>
              <Table.Td ta="right">
                <Size bytes={size} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  )
}
