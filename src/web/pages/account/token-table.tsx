import { Badge, List, Table } from '@mantine/core'
import { useChange } from '../../api/change.ts'
import type { Token } from '../../api/operations.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Confirmed } from '../../parts/confirm.tsx'
import { Time } from '../../parts/facts.tsx'

/** Access tokens, those that still open something first. */
export function TokenTable({ tokens, label }: { tokens: readonly Token[]; label: string }) {
  const t = useTexts()
  const sorted = [...tokens].sort((one, other) => Number(one.state !== 'valid') - Number(other.state !== 'valid'))
  return (
    <Table verticalSpacing={6} aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('column.name')}</Table.Th>
          <Table.Th className="wide">{t('tokens.allows')}</Table.Th>
          <Table.Th className="wide">{t('tokens.lastUsed')}</Table.Th>
          <Table.Th>{t('tokens.expires')}</Table.Th>
          <Table.Th aria-label={t('column.actions')} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {sorted.map((token) => (
          <TokenRow key={token.id} token={token} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function TokenRow({ token: { id, name, state, limits, lastUsedAt, expiresAt } }: { token: Token }) {
  const t = useTexts()
  const revoke = useChange('DELETE /tokens/{token}', {
    forget: ['/tokens', '/robots'],
    done: t('tokens.revoked', { name }),
    isToldOnFailure: true,
  })
  return (
    <Table.Tr>
      <Table.Td>{name}</Table.Td>
      <Table.Td className="wide">
        {limits?.map(({ repository, images, actions }) => (
          <div key={JSON.stringify([repository, images, actions])}>
            {actions.map((action) => t(`action.${action}`)).join(', ')}:{' '}
            {repository === '*' ? t('grants.everywhere') : repository} <code>{images?.join(' ')}</code>
          </div>
        )) ?? t('tokens.all')}
      </Table.Td>
      <Table.Td className="wide">
        <Time at={lastUsedAt} />
      </Table.Td>
      <Table.Td>{expiresAt === undefined ? t('tokens.never') : <Time at={expiresAt} />}</Table.Td>
      <Table.Td ta="right">
        {state === 'valid' ? (
          <Confirmed
            size="compact-xs"
            label={t('tokens.revoke')}
            about={name}
            onConfirm={() => revoke.mutateAsync({ params: { token: id } })}
          >
            <List.Item>{t('tokens.revokeText')}</List.Item>
          </Confirmed>
        ) : (
          <Badge color="gray.7" variant="filled" size="sm" tt="none">
            {t(`tokens.state.${state}`)}
          </Badge>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
