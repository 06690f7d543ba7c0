import { Badge, Group, Text } from '@mantine/core'
import type { Repository } from '../../api/operations.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Time } from '../../parts/facts.tsx'
import { Panel } from '../../parts/panel.tsx'
import { CheckSaved } from './check.tsx'

type Status = NonNullable<NonNullable<Repository['managed']>['upstream']>

const colors = { ok: 'teal.9', failing: 'orange.9', blocked: 'red.9', 'blocked-by-hand': 'gray.7' } as const

/** How the registry that a proxy fetches from is doing. */
export function UpstreamPanel({ name, status }: { name: string; status: Status }) {
  const t = useTexts()
  const { state, reason, lastSuccessAt, nextProbeAt, pullLimit } = status
  const isUnasked = state === 'ok' && lastSuccessAt === undefined
  return (
    <Panel
      title={t('upstream.title')}
      side={
        <Badge color={isUnasked ? 'gray.7' : colors[state]} variant="filled" tt="none">
          {isUnasked ? t('upstream.unasked') : t(`upstream.${state}`)}
        </Badge>
      }
    >
      <Group justify="space-between" p="md" gap="sm">
        <Text size="sm" component="div">
          {reason !== undefined && <div>{reason}</div>}
          <div>
            {t('upstream.lastSuccess')} <Time at={lastSuccessAt} />
          </div>
          {nextProbeAt !== undefined && (
            <div>
              {t('upstream.nextProbe')} <Time at={nextProbeAt} />
            </div>
          )}
          {pullLimit && <div>{t('upstream.pullLimit', { left: pullLimit.remaining, limit: pullLimit.limit })}</div>}
        </Text>
        <CheckSaved name={name} />
      </Group>
    </Panel>
  )
}
