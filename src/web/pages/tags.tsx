import { Badge, Table } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Tag } from '../api/operations.ts'
import { reading } from '../api/queries.ts'
import { shortDigest } from '../format/digest.ts'
import { isIndex } from '../format/media-type.ts'
import { useTexts } from '../i18n/language.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Time } from '../parts/facts.tsx'
import { Link } from '../parts/link.tsx'
import { Pages, SearchField } from '../parts/list-tools.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../parts/states.tsx'

const route = getRouteApi('/inside/repositories/$repository/images/$image')

/** The tags of an image. */
export function TagsPage() {
  const t = useTexts()
  const { repository, image } = route.useParams()
  const { search = '', after } = route.useSearch()
  const navigate = route.useNavigate()
  const { data, error, isPending, refetch } = useQuery({
    ...reading('GET /repositories/{repository}/images/{image}/tags', {
      params: { repository, image },
      query: { search, after },
    }),
    placeholderData: keepPreviousData,
  })
  return (
    <Page
      title={image}
      trail={[
        <Link key="all" to="/repositories">
          {t('nav.repositories')}
        </Link>,
        <Link key="repository" to="/repositories/$repository" params={{ repository }}>
          {repository}
        </Link>,
      ]}
    >
      <Panel
        title={t('tags.title')}
        side={
          <SearchField
            label={t('tags.search')}
            value={search}
            onChange={(text) => void navigate({ search: text === '' ? {} : { search: text }, replace: true })}
          />
        }
      >
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {isPending && <Waiting />}
        {data && (
          <>
            {data.answer.length > 0 && <TagTable repository={repository} image={image} tags={data.answer} />}
            {data.answer.length === 0 && (
              <Empty icon="image" title={search === '' ? t('tags.none') : t('images.notFound', { text: search })}>
                {search === '' && t('tags.noneText')}
              </Empty>
            )}
            <Pages
              after={after}
              next={data.next}
              onGo={(to) =>
                void navigate({ search: ({ after: _, ...rest }) => (to === undefined ? rest : { ...rest, after: to }) })
              }
            />
          </>
        )}
      </Panel>
    </Page>
  )
}

function TagTable({ repository, image, tags }: { repository: string; image: string; tags: Tag[] }) {
  const t = useTexts()
  return (
    <Table highlightOnHover verticalSpacing={6} aria-label={t('tags.title')}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('column.tag')}</Table.Th>
          <Table.Th className="wide">{t('column.digest')}</Table.Th>
          <Table.Th className="wide">{t('column.kind')}</Table.Th>
          <Table.Th>{t('column.updated')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {tags.map(({ name, digest, mediaType, updatedAt }) => (
          <Table.Tr key={name}>
            <Table.Td>
              <Link
                to="/repositories/$repository/images/$image/manifests/$reference"
                params={{ repository, image, reference: name }}
                fw={600}
              >
                {name}
              </Link>
            </Table.Td>
            <Table.Td className="wide">
              <span className="digest">{shortDigest(digest)}</span>{' '}
              <CopyButton text={digest} label={t('copy.digest')} />
            </Table.Td>
            <Table.Td className="wide">
              {isIndex(mediaType) && (
                <Badge variant="default" tt="none" size="sm">
                  {t('kind.index')}
                </Badge>
              )}
            </Table.Td>
            <Table.Td>
              <Time at={updatedAt} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
