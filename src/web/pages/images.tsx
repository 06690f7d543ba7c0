import { Stack, Table, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Image, Repository } from '../api/operations.ts'
import { reading } from '../api/queries.ts'
import { useTexts } from '../i18n/language.tsx'
import { CopyLine } from '../parts/copy.tsx'
import { Time } from '../parts/facts.tsx'
import { Link } from '../parts/link.tsx'
import { Pages, SearchField } from '../parts/list-tools.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { RepositoryKind } from '../parts/repository-kind.tsx'
import { Empty, Failure, Waiting } from '../parts/states.tsx'

const route = getRouteApi('/inside/repositories/$repository')

/** The images of a repository. */
export function ImagesPage() {
  const t = useTexts()
  const { repository: name } = route.useParams()
  const { search = '', after } = route.useSearch()
  const navigate = route.useNavigate()
  const repository = useQuery(reading('GET /repositories/{repository}', { params: { repository: name } }))
  const images = useQuery({
    ...reading('GET /repositories/{repository}/images', { params: { repository: name }, query: { search, after } }),
    placeholderData: keepPreviousData,
  })
  const error = repository.error ?? images.error
  const about = repository.data?.answer
  return (
    <Page
      title={name}
      trail={[
        <Link key="all" to="/repositories">
          {t('nav.repositories')}
        </Link>,
      ]}
      badges={about && <RepositoryKind type={about.type} />}
    >
      {about && <About repository={about} />}
      <Panel
        title={t('images.title')}
        side={
          <SearchField
            label={t('images.search')}
            value={search}
            onChange={(text) => void navigate({ search: text === '' ? {} : { search: text }, replace: true })}
          />
        }
      >
        {error && <Failure error={error} onRetry={() => void images.refetch()} />}
        {images.isPending && <Waiting />}
        {images.data && (
          <>
            <ImageTable repository={name} images={images.data.answer} withFacts={about?.type !== 'group'} />
            {images.data.answer.length === 0 && about && <NoImages repository={about} search={search} />}
            <Pages
              after={after}
              next={images.data.next}
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

/** What else is worth knowing of a repository, in a sentence. */
function About({ repository: { upstream, members, writableMember, default: isDefault } }: { repository: Repository }) {
  const t = useTexts()
  const facts = [
    isDefault && t('repositories.defaultText'),
    upstream && t('repositories.from', { url: upstream.url }),
    members && t('repositories.members', { names: members.join(', ') }),
    writableMember !== undefined && t('repositories.writable', { name: writableMember }),
  ]
  const text = facts.filter(Boolean).join(' ')
  return text === '' ? null : (
    <Text size="sm" c="dimmed">
      {text}
    </Text>
  )
}

function ImageTable({ repository, images, withFacts }: { repository: string; images: Image[]; withFacts: boolean }) {
  const t = useTexts()
  if (images.length === 0) return null
  return (
    <Table highlightOnHover verticalSpacing={6} aria-label={t('images.title')}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('column.image')}</Table.Th>
          {withFacts && <Table.Th ta="right">{t('column.tags')}</Table.Th>}
          {withFacts && <Table.Th>{t('column.updated')}</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {images.map(({ name, tags, updatedAt }) => (
          <Table.Tr key={name}>
            <Table.Td>
              <Link to="/repositories/$repository/images/$image" params={{ repository, image: name }}>
                {name}
              </Link>
            </Table.Td>
            {withFacts && <Table.Td ta="right">{tags}</Table.Td>}
            {withFacts && (
              <Table.Td>
                <Time at={updatedAt} />
              </Table.Td>
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function NoImages({ repository, search }: { repository: Repository; search: string }) {
  const t = useTexts()
  if (search !== '') return <Empty icon="search" title={t('images.notFound', { text: search })} />
  const name = repository.default ? location.host : `${location.host}/${repository.name}`
  const verb = repository.type === 'hosted' ? 'push' : 'pull'
  return (
    <Empty icon="image" title={t('images.none')}>
      <Stack gap="xs">
        {t(`images.none.${repository.type}`)}
        <CopyLine
          text={`docker ${verb} ${name}/${repository.type === 'proxy' ? 'busybox' : 'team/app:1.0'}`}
          label={t('copy.line')}
        />
      </Stack>
    </Empty>
  )
}
