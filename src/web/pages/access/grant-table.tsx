import { Badge, List, Table } from '@mantine/core'
import { useChange } from '../../api/change.ts'
import type { Grant } from '../../api/operations.ts'
import { useMe } from '../../api/session.ts'
import { type Translate, useTexts } from '../../i18n/language.tsx'
import { Confirmed } from '../../parts/confirm.tsx'
import { Link } from '../../parts/link.tsx'

interface GrantTableProps {
  grants: readonly Grant[]
  label: string
}

/** Who may do what where, and a way to take it back. */
export function GrantTable({ grants, label }: GrantTableProps) {
  const t = useTexts()
  return (
    <Table verticalSpacing={6} aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('grants.who')}</Table.Th>
          <Table.Th>{t('grants.role')}</Table.Th>
          <Table.Th>{t('column.repository')}</Table.Th>
          <Table.Th className="wide">{t('grants.images')}</Table.Th>
          <Table.Th aria-label={t('column.actions')} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {grants.map((grant) => (
          <GrantRow key={grant.id} grant={grant} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function GrantRow({ grant }: { grant: Grant }) {
  const t = useTexts()
  const { isAdmin } = useMe()
  const { id, subject, role, repository, images = [], managedBy } = grant
  const remove = useChange('DELETE /grants/{grant}', {
    forget: ['/grants'],
    done: t('grants.removed'),
    isToldOnFailure: true,
  })
  const who = subjectText(subject, t)
  return (
    <Table.Tr>
      <Table.Td>
        {who}{' '}
        {subject.name && (
          <Badge variant="default" size="sm" tt="none">
            {t(`subject.${subject.kind}`)}
          </Badge>
        )}
      </Table.Td>
      <Table.Td>
        {role}
        {images.length > 0 && (
          <div className="narrow">
            <code>{images.join(' ')}</code>
          </div>
        )}
      </Table.Td>
      <Table.Td>
        <Where repository={repository} />
      </Table.Td>
      <Table.Td className="wide">{images.length > 0 ? <code>{images.join(' ')}</code> : t('form.allImages')}</Table.Td>
      <Table.Td ta="right">
        {managedBy === 'file' && (
          <Badge variant="default" size="sm" tt="none" title={t('managed.fileText')}>
            {t('managed.file')}
          </Badge>
        )}
        {managedBy === 'database' && (repository !== '*' || isAdmin) && (
          <Confirmed
            size="compact-xs"
            label={t('remove')}
            about={`${role}, ${who}`}
            onConfirm={() => remove.mutateAsync({ params: { grant: id } })}
          >
            <List.Item>{t('grants.removeText')}</List.Item>
          </Confirmed>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function Where({ repository }: Pick<Grant, 'repository'>) {
  const t = useTexts()
  if (repository === '*') return t('grants.everywhere')
  return (
    <Link to="/repositories/$repository" params={{ repository }}>
      {repository}
    </Link>
  )
}

/** Whom a grant is for, in words. */
export function subjectText({ kind, name = '' }: Grant['subject'], t: Translate): string {
  return name === '' ? t(`subject.${kind}`) : name
}
