import { Alert, Button } from '@mantine/core'
import { useChange } from '../../api/change.ts'
import type { ConnectionTest } from '../../api/operations.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Failure } from '../../parts/states.tsx'
import { type Draft, upstreamOf } from './draft.ts'

/** Asks an upstream that is not yet anybody's. */
export function CheckButton({ draft }: { draft: Draft }) {
  const check = useChange('POST /upstreams/check', { forget: [] })
  return (
    <CheckView
      check={check}
      isDisabled={draft.url.trim() === ''}
      onCheck={() => check.mutate({ body: upstreamOf(draft) })}
    />
  )
}

/** Asks the upstream that a repository has. */
export function CheckSaved({ name }: { name: string }) {
  const check = useChange('POST /repositories/{repository}/check', { forget: ['/repositories', '/upstreams'] })
  return <CheckView check={check} isDisabled={false} onCheck={() => check.mutate({ params: { repository: name } })} />
}

interface CheckViewProps {
  check: { data: { answer: ConnectionTest } | undefined; error: unknown; isPending: boolean }
  isDisabled: boolean
  onCheck: () => void
}

function CheckView({ check: { data, error, isPending }, isDisabled, onCheck }: CheckViewProps) {
  const t = useTexts()
  const result = isPending ? undefined : data?.answer
  return (
    <>
      <div role="status" style={{ flex: 1 }}>
        {error != null && !isPending && <Failure error={error} />}
        {result && (
          <Alert
            color={result.ok ? 'teal' : 'red'}
            icon={<Icon name={result.ok ? 'check' : 'warning'} />}
            title={t(result.ok ? 'check.ok' : 'check.failed', { ms: result.tookMs })}
          >
            {result.problem}
          </Alert>
        )}
      </div>
      <Button variant="default" loading={isPending} disabled={isDisabled} onClick={onCheck}>
        {t('check.button')}
      </Button>
    </>
  )
}
