import { Badge, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Manifest } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { isDigest, shortDigest } from '../../format/digest.ts'
import { useTexts } from '../../i18n/language.tsx'
import { CopyButton } from '../../parts/copy.tsx'
import { Size, Time } from '../../parts/facts.tsx'
import { ButtonLink, Link } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { Failure, Waiting } from '../../parts/states.tsx'
import { ConfigPanel } from './config.tsx'
import { DeleteButtons } from './delete.tsx'
import { TagHistory } from './history.tsx'
import { LayersPanel, StepsPanel } from './layers.tsx'
import { PlatformsPanel } from './platforms.tsx'
import { PullPanel } from './pull.tsx'
import { NamesPanel, ReferrersPanel } from './referrers.tsx'

const route = getRouteApi('/inside/repositories/$repository/images/$image/manifests/$reference')

/** Where a manifest was found: what every part of its page needs. */
export interface Place {
  repository: string
  image: string
  /** Undefined when the page was asked for by digest. */
  tag: string | undefined
}

/** Everything about one manifest: how to pull it, what it is made of, what belongs to it. */
export function ManifestPage() {
  const t = useTexts()
  const { repository, image, reference } = route.useParams()
  const query = useQuery(
    reading('GET /repositories/{repository}/images/{image}/manifests/{reference}', {
      params: { repository, image, reference },
    }),
  )
  const tag = isDigest(reference) ? undefined : reference
  const place = { repository, image, tag }
  const manifest = query.data?.answer
  return (
    <Page
      title={tag === undefined ? shortDigest(reference) : `${image}:${tag}`}
      trail={[
        <Link key="all" to="/repositories">
          {t('nav.repositories')}
        </Link>,
        <Link key="repository" to="/repositories/$repository" params={{ repository }}>
          {repository}
        </Link>,
        <Link key="image" to="/repositories/$repository/images/$image" params={{ repository, image }}>
          {image}
        </Link>,
      ]}
      badges={
        manifest && (
          <Badge variant="default" tt="none">
            {t(`kind.${manifest.kind}`)}
          </Badge>
        )
      }
      actions={
        manifest && (
          <>
            <ButtonLink
              to="/repositories/$repository/images/$image/compare"
              params={{ repository, image }}
              search={{ left: reference }}
              size="xs"
              variant="default"
            >
              {t('compare.title')}
            </ButtonLink>
            <DeleteButtons place={place} manifest={manifest} />
          </>
        )
      }
    >
      {query.isPending && <Waiting />}
      {query.error && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {manifest && <Parts place={place} manifest={manifest} />}
    </Page>
  )
}

function Parts({ place, manifest }: { place: Place; manifest: Manifest }) {
  const { kind, image, layers } = manifest
  return (
    <>
      <Summary manifest={manifest} />
      <PullPanel place={place} digest={manifest.digest} />
      {kind === 'index' && <PlatformsPanel place={place} platforms={manifest.platforms} />}
      {image ? <StepsPanel layers={layers} image={image} /> : kind !== 'index' && <LayersPanel layers={layers} />}
      {image && <ConfigPanel image={image} />}
      <NamesPanel place={place} manifest={manifest} />
      <ReferrersPanel place={place} manifest={manifest} />
      {place.tag !== undefined && <TagHistory place={place} tag={place.tag} current={manifest.digest} />}
    </>
  )
}

function Summary({ manifest: { digest, contentSize, size, kind, image } }: { manifest: Manifest }) {
  const t = useTexts()
  return (
    <Group gap="lg">
      <Group gap={4} wrap="nowrap" maw="100%">
        <Text size="sm" className="digest" style={{ overflowWrap: 'anywhere' }}>
          {digest}
        </Text>
        <CopyButton text={digest} label={t('copy.digest')} />
      </Group>
      <Text size="sm">
        {t('column.size')}: <Size bytes={kind === 'index' ? size : contentSize + size} />
      </Text>
      {image && (
        <Text size="sm">
          {t('manifest.platform')}: {[image.os, image.architecture, image.variant].filter(Boolean).join('/')}
        </Text>
      )}
      {image?.created && (
        <Text size="sm">
          {t('manifest.created')}: <Time at={image.created} />
        </Text>
      )}
    </Group>
  )
}
