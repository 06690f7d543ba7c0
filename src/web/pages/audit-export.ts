import { useMutation } from '@tanstack/react-query'
import type { AuditEvent, Operations } from '../api/operations.ts'
import { request } from '../api/request.ts'
import { useTexts } from '../i18n/language.tsx'
import { useNotice } from '../parts/notices.tsx'
import { adviceFor } from '../parts/states.tsx'

type Query = Omit<Operations['GET /audit']['query'], 'after' | 'limit'>

const pageSize = 1000
/** What a browser can still put together at once; `entrepot audit --json` prints any number. */
const mostEvents = 100_000

/** Saves all events that fit a filter as a file, one JSON object a line. */
export function useExport(query: Query) {
  const t = useTexts()
  const tell = useNotice()
  const { mutate, isPending } = useMutation({
    mutationFn: async () => {
      const events = await allEvents(query)
      saveFile('audit.jsonl', events.map((event) => `${JSON.stringify(event)}\n`).join(''))
      return events.length
    },
    onSuccess: (count) => tell(t('audit.exported', { count })),
    onError: (error) => tell(adviceFor(error, t), { isBad: true }),
  })
  return { save: () => mutate(), isSaving: isPending }
}

async function allEvents(query: Query): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  let after: string | undefined
  do {
    const page = await request('GET /audit', { query: { ...query, limit: pageSize, after } })
    events.push(...page.answer)
    after = page.next
  } while (after !== undefined && events.length < mostEvents)
  return events
}

function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }))
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
