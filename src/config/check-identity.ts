import type { Check } from './check.ts'
import { nearby } from './settings/http.ts'

/** What names users beside the sources of users: the proxy in front, and a provider whose users are those of a directory. */
export function checkIdentity({ settings, wrong, warn, failed }: Check): void {
  const { auth, proxyIdentity, oidc, ldap } = settings
  if (proxyIdentity && !failed('proxyIdentity')) {
    const { from } = proxyIdentity
    const other = auth?.none ? 'none' : auth?.token ? 'token' : undefined
    if (other !== undefined)
      wrong('proxyIdentity', undefined, `is set although auth is ${other}`, `remove it, or auth.${other}`)
    if (from.length === 0)
      wrong(
        'proxyIdentity.from',
        undefined,
        'is missing',
        'list the addresses of the proxies that are believed: [10.1.2.3]',
      )
    if (from.some((network) => network.endsWith('/0')))
      warn('proxyIdentity.from', 'is everywhere: whoever reaches this server may be anybody by writing a header')
  }
  if (oidc && !failed('oidc') && !failed('ldap')) {
    const directories = ldap.map(({ name }, index) => name ?? (index === 0 ? 'ldap' : `ldap-${index + 1}`))
    for (const name of oidc.sameAs)
      if (!directories.includes(name))
        wrong('oidc.sameAs', name, 'is no directory', `use one of: ${directories.join(', ') || '(none is configured)'}`)
  }
  if (failed('repositories') || failed('http')) return
  const guarded = settings.repositories.findIndex(({ allowFrom }) => allowFrom.length > 0)
  if (guarded >= 0 && String(settings.http.trustedProxies) === String(nearby))
    warn(
      `repositories[${guarded}].allowFrom`,
      'can be got around by whoever has a private address, who is believed to be a proxy: write http.trustedProxies, your proxies alone, or [] for none',
    )
}
