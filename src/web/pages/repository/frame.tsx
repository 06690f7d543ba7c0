import { Badge } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Repository } from '../../api/operations.ts'
import { reading } from '../../api/queries.ts'
import { useTexts } from '../../i18n/language.tsx'
import { Link } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { RepositoryKind } from '../../parts/repository-kind.tsx'
import tabs from '../../parts/tabs.module.css'

/** One repository, with the version that changes go out from. */
export function useRepository(name: string) {
  return useQuery(reading('GET /repositories/{repository}', { params: { repository: name } }))
}

/** What all pages of a repository have around them: its name, what it is, and the way to the others of them that one may see. */
export function RepositoryFrame({ name, children }: { name: string; children: ReactNode }) {
  const t = useTexts()
  const repository = useRepository(name).data?.answer
  const may = repository?.may ?? []
  const params = { repository: name }
  return (
    <Page
      title={name}
      trail={[
        <Link key="all" to="/repositories">
          {t('nav.repositories')}
        </Link>,
      ]}
      badges={
        repository && (
          <>
            <RepositoryKind type={repository.type} />
            <Offline repository={repository} />
          </>
        )
      }
    >
      {(may.includes('manage-members') || may.includes('manage-repository')) && (
        <nav className={tabs.tabs} aria-label={t('repository.parts')}>
          <Link
            to="/repositories/$repository"
            params={params}
            className={tabs.tab}
            activeOptions={{ exact: true, includeSearch: false }}
          >
            {t('images.title')}
          </Link>
          {may.includes('manage-members') && (
            <Link to="/repositories/$repository/members" params={params} className={tabs.tab}>
              {t('members.title')}
            </Link>
          )}
          {may.includes('manage-repository') && (
            <Link to="/repositories/$repository/settings" params={params} className={tabs.tab}>
              {t('repository.settings')}
            </Link>
          )}
        </nav>
      )}
      {children}
    </Page>
  )
}

/** Says that a repository answers nothing, where that is so. */
export function Offline({ repository }: { repository: Pick<Repository, 'online'> }) {
  const t = useTexts()
  return repository.online ? null : (
    <Badge color="orange.9" variant="filled" tt="none" title={t('repository.offlineText')}>
      {t('repository.offline')}
    </Badge>
  )
}
