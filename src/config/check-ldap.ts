import { type Check, checkFile } from './check.ts'
import type { Settings } from './settings.ts'

type Directory = Settings['ldap'][number]

/** Complains about directories whose settings do not go together. */
export function checkLdap({ settings: { ldap, auth }, wrong, warn, failed }: Check): void {
  if (auth?.none && ldap.length > 0)
    wrong('ldap', undefined, 'is set although auth is none', 'remove auth: none, or the directory')
  const names = new Set<string>()
  for (const [index, directory] of ldap.entries()) {
    const path = `ldap[${index}]`
    if (!directory || failed(path)) continue
    const { name, ca, admins } = directory
    if (name !== undefined && names.has(name))
      wrong(`${path}.name`, name, 'is also the name of another directory', 'give each its own')
    if (name !== undefined) names.add(name)
    checkUrls(path, directory, wrong, warn)
    checkBind(path, directory, wrong, index === ldap.length - 1)
    checkFile(`${path}.ca`, ca, wrong)
    if (directory.groups.nested && directory.groups.filter)
      wrong(
        `${path}.groups.nested`,
        undefined,
        'is set beside groups.filter',
        'write member:1.2.840.113556.1.4.1941:={dn} in the filter, or leave it out',
      )
    const byName = [...directory.require, ...admins].some(
      ({ of, names: wanted }) => of === 'groups' && wanted.some((group) => !group.includes('=')),
    )
    if (byName && !directory.groups.base)
      warn(`${path}.groups.base`, 'is not set: any group of the required name counts, wherever in the directory it is')
    if (admins.some(({ of }) => of === 'everyone'))
      wrong(`${path}.admins`, undefined, 'makes everyone an administrator', 'write group NAME or user NAME')
  }
}

function checkUrls(path: string, directory: Directory, wrong: Check['wrong'], warn: Check['warn']): void {
  const { url, startTls, ca, insecure, userBase, bindDn } = directory
  const [first, ...others] = url
  if (!first) {
    wrong(`${path}.url`, undefined, 'is missing', 'write ldaps://dir.example.com/ou=people,dc=example,dc=com?uid')
    return
  }
  if (!first.base && !userBase && !isDnTemplate(bindDn))
    wrong(
      `${path}.userBase`,
      undefined,
      'is missing, and the URL has no base either',
      'name the DN that users are below',
    )
  for (const { text, base, attribute, scope, filter } of others) {
    const more = { base, attribute, scope, filter }
    const differs = (['base', 'attribute', 'scope', 'filter'] as const).some(
      (key) => more[key] && more[key] !== first[key],
    )
    if (differs)
      wrong(
        `${path}.url`,
        text,
        'says something else about users than the first URL',
        'leave out what follows the host; for another directory add an element to ldap',
      )
  }
  const encrypted = startTls || url.every(({ secure }) => secure)
  if (startTls && url.some(({ secure }) => secure))
    wrong(`${path}.startTls`, undefined, 'is set although ldaps: is TLS from the start', 'leave it out, or write ldap:')
  if (ca && insecure) wrong(`${path}.insecure`, undefined, 'makes ca useless', 'leave one of them out')
  if (insecure)
    warn(`${path}.insecure`, 'accepts any certificate: whoever is between here and the directory can read passwords')
  const far = url.some(({ secure, host }) => !secure && !/^(localhost|127\..*|::1)$/.test(host))
  if (!encrypted && far) warn(`${path}.url`, 'sends passwords readably: use ldaps:, or startTls: true')
}

function checkBind(path: string, { bindDn, bindPassword }: Directory, wrong: Check['wrong'], isLast: boolean): void {
  const isTemplate = bindDn?.includes('{user}') ?? false
  if (bindPassword && !bindDn)
    wrong(`${path}.bindDn`, undefined, 'is missing although there is a password', 'set both, or neither')
  if (bindDn && !isTemplate && !bindPassword)
    wrong(`${path}.bindPassword`, undefined, 'is missing', 'set it; for anonymous searches leave out bindDn')
  if (isTemplate && bindPassword)
    wrong(
      `${path}.bindPassword`,
      undefined,
      'is set although bindDn has {user}',
      'leave it out: users bind by themselves',
    )
  if (isTemplate && !isLast)
    wrong(
      `${path}.bindDn`,
      bindDn,
      'lets users bind by themselves in a directory that is not the last',
      'move it to the end: a name it does not know looks like a wrong password, so nothing after it would be asked',
    )
}

/** `uid={user},ou=people,...` says where a user's entry is; `{user}@corp.example.com` does not. */
export function isDnTemplate(bindDn: string | undefined): boolean {
  return bindDn !== undefined && /^[^,]*=\{user\}(,|$)/.test(bindDn)
}
