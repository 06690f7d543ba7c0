import { Group, Stack, Table, Text, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useId, useState } from 'react'
import type { Descriptor, Manifest } from '../api/operations.ts'
import { reading } from '../api/queries.ts'
import { bytesOf, compare } from '../format/compare.ts'
import { shortDigest } from '../format/digest.ts'
import { formatSize } from '../format/size.ts'
import { useLanguage, useTexts } from '../i18n/language.tsx'
import { Size, Time } from '../parts/facts.tsx'
import { Link } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { Empty, Failure, Waiting } from '../parts/states.tsx'

const route = getRouteApi('/inside/repositories/$repository/images/$image/compare')

/** Two tags or digests of an image side by side. */
export function ComparePage() {
  const t = useTexts()
  const { repository, image } = route.useParams()
  const { left = '', right = '' } = route.useSearch()
  return (
    <Page
      title={t('compare.title')}
      trail={[
        <Link key="repository" to="/repositories/$repository" params={{ repository }}>
          {repository}
        </Link>,
        <Link key="image" to="/repositories/$repository/images/$image" params={{ repository, image }}>
          {image}
        </Link>,
      ]}
    >
      <Choice />
      {left === '' || right === '' ? (
        <Empty icon="image" title={t('compare.hint')} />
      ) : (
        <Both repository={repository} image={image} left={left} right={right} />
      )}
    </Page>
  )
}

/** Which two; the tags of the image are proposed. */
function Choice() {
  const t = useTexts()
  const listId = useId()
  const { repository, image } = route.useParams()
  const chosen = route.useSearch()
  const navigate = route.useNavigate()
  const tags = useQuery(
    reading('GET /repositories/{repository}/images/{image}/tags', { params: { repository, image }, query: {} }),
  )
  const [written, setWritten] = useState({ left: '', right: '', ...chosen })
  const tell = useDebouncedCallback((search: typeof written) => void navigate({ search, replace: true }), 300)
  return (
    <Group>
      {(['left', 'right'] as const).map((side) => (
        <TextInput
          key={side}
          size="xs"
          w="18rem"
          maw="100%"
          list={listId}
          label={t(`compare.${side}`)}
          value={written[side]}
          onChange={({ currentTarget }) => {
            const next = { ...written, [side]: currentTarget.value.trim() }
            setWritten(next)
            tell(next)
          }}
        />
      ))}
      <datalist id={listId}>
        {tags.data?.answer.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </Group>
  )
}

function Both({ left, right, ...place }: { repository: string; image: string; left: string; right: string }) {
  const path = 'GET /repositories/{repository}/images/{image}/manifests/{reference}'
  const one = useQuery(reading(path, { params: { ...place, reference: left } }))
  const other = useQuery(reading(path, { params: { ...place, reference: right } }))
  const failed = [one, other].find(({ isError }) => isError)
  if (failed) return <Failure error={failed.error} onRetry={() => void failed.refetch()} />
  if (!one.data || !other.data) return <Waiting />
  return <Differences names={[left, right]} manifests={[one.data.answer, other.data.answer]} />
}

function Differences({ names, manifests }: { names: [string, string]; manifests: [Manifest, Manifest] }) {
  const { t, tag } = useLanguage()
  const { shared, onlyLeft, onlyRight, values } = compare(...manifests)
  const told = (key: 'compare.shared' | 'compare.only', layers: Descriptor[]) =>
    t(key, { count: layers.length, size: formatSize(bytesOf(layers), tag) })
  return (
    <Stack>
      {manifests[0].digest === manifests[1].digest && <Text size="sm">{t('compare.same')}</Text>}
      <Panel>
        <Table aria-label={t('compare.title')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('compare.property')}</Table.Th>
              <Table.Th>{shortDigest(names[0])}</Table.Th>
              <Table.Th>{shortDigest(names[1])}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Row name={t('column.digest')} of={manifests} show={({ digest }) => shortDigest(digest)} />
            <Row name={t('column.size')} of={manifests} show={({ contentSize }) => <Size bytes={contentSize} />} />
            <Row name={t('manifest.created')} of={manifests} show={({ image }) => <Time at={image?.created} />} />
            <Row
              name={t('compare.layers')}
              of={[onlyLeft, onlyRight]}
              show={(layers) => told('compare.only', layers)}
            />
          </Table.Tbody>
        </Table>
        <Text size="sm" p="md">
          {told('compare.shared', shared)} {values.length === 0 && t('compare.configSame')}
        </Text>
      </Panel>
      {values.length > 0 && (
        <Panel title={t('compare.config')}>
          <Table aria-label={t('compare.config')}>
            <Table.Tbody>
              {values.map(({ name, left, right }) => (
                <Row key={name} name={name} of={[left, right]} show={(value) => <code>{value ?? '–'}</code>} />
              ))}
            </Table.Tbody>
          </Table>
        </Panel>
      )}
    </Stack>
  )
}

/** One thing of both. */
function Row<T>({ name, of, show }: { name: string; of: [T, T]; show: (one: T) => React.ReactNode }) {
  return (
    <Table.Tr>
      <Table.Td>{name}</Table.Td>
      <Table.Td>{show(of[0])}</Table.Td>
      <Table.Td>{show(of[1])}</Table.Td>
    </Table.Tr>
  )
}
